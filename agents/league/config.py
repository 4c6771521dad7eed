"""What a league is: who plays against the agent that learns."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval


@dataclass(frozen=True)
class LeagueConfig:
    """Opponents of an agent that learns a game of two, drawn anew for each episode.

    Attributes:
        snapshot_every: environment steps between copies of the agent that join the pool; the first one joins
            at the start.
        size: copies in the pool at most; where it is full, a new one takes the place of the lowest rated.
        share_latest: share of the episodes against the agent as it is now.
        sampling: how the others are drawn, by the score p that the ratings expect of the agent against each:
            "hard" by (1 - p)², those that beat it; "even" by p (1 - p), its equals; "uniform" without regard.
        members: players that are in the pool from the start and stay, such as random, baseline:tactical,
            mcts:100, run:runs/NAME or model:NAME.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    snapshot_every: Annotated[int, Gt(0)] = 100_000
    size: Annotated[int, Ge(0)] = 20
    share_latest: Annotated[float, Interval(ge=0, le=1)] = 0.5
    sampling: Literal["hard", "even", "uniform"] = "hard"
    members: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size + len(self.members) == 0 and self.share_latest < 1:
            raise ValueError(
                f"a league of size 0 without members leaves {1 - self.share_latest:.0%} of the episodes "
                "without an opponent; give size: 20, members, or share_latest: 1"
            )
        if len(set(self.members)) < len(self.members):
            raise ValueError(f"members {', '.join(self.members)} name a player twice; name each once")
