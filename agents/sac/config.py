"""The hyper-parameters of SAC and of hindsight replay, by Stable-Baselines3's names."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from quadrivium.agents.nets import NetConfig


@dataclass(frozen=True)
class HERConfig:
    """Hindsight experience replay (Andrychowicz et al. 2017): goals that were reached are learned from.

    Attributes:
        n_sampled_goal: transitions with another goal for each with its own, in every batch.
        goal_selection_strategy: which goal of its episode a transition gets: one reached in its "future", the
            "final" one, or any of the "episode".
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    n_sampled_goal: Annotated[int, Gt(0)] = 4
    goal_selection_strategy: Literal["future", "final", "episode"] = "future"


@dataclass(frozen=True)
class SACConfig:
    """The hyper-parameters; what is counted how is said in `quadrivium.agents.dqn.agent`.

    Attributes:
        algorithm: chooses this class in a YAML.
        learning_rate: of Adam, for actor, critics and entropy coefficient.
        learning_rate_schedule: "linear" lets it fall to 0 over the training.
        buffer_size: transitions in the replay memory.
        learning_starts: transitions, chosen at random, before the first update.
        batch_size: transitions a gradient step.
        tau: share of the critics' weights that a target update takes over.
        gamma: discount a step.
        train_freq: calls to step (num_envs transitions each) between updates.
        gradient_steps: gradient steps an update; -1: as many as transitions were collected.
        target_update_interval: gradient steps between target updates, counted anew in each update.
        ent_coef: what a nat of entropy is worth, in units of the reward; "auto" learns it from 1 on,
            "auto_0.1" from 0.1 on.
        target_entropy: nats that "auto" holds the policy's entropy at; "auto": minus one an action dimension.
        n_steps: steps a transition spans; 1 with Dict observations.
        n_critics: networks, of which the lowest value counts.
        her: hindsight replay, in goal-conditioned worlds; null: none.
        net: the backbone, one for the actor and one for each critic, which sees the action as one more part
            of the observation.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["sac"] = "sac"
    learning_rate: Annotated[float, Gt(0)] = 3e-4
    learning_rate_schedule: Literal["constant", "linear"] = "constant"
    buffer_size: Annotated[int, Gt(0)] = 1_000_000
    learning_starts: Annotated[int, Ge(0)] = 100
    batch_size: Annotated[int, Gt(0)] = 256
    tau: Annotated[float, Interval(gt=0, le=1)] = 0.005
    gamma: Annotated[float, Interval(ge=0, le=1)] = 0.99
    train_freq: Annotated[int, Gt(0)] = 1
    gradient_steps: Annotated[int, Ge(-1)] = 1
    target_update_interval: Annotated[int, Gt(0)] = 1
    ent_coef: Annotated[float, Ge(0)] | str = "auto"
    target_entropy: float | Literal["auto"] = "auto"
    n_steps: Annotated[int, Gt(0)] = 1
    n_critics: Annotated[int, Gt(0)] = 2
    her: HERConfig | None = None
    net: NetConfig = field(default_factory=NetConfig)

    def __post_init__(self) -> None:
        if isinstance(self.ent_coef, str) and not _is_auto(self.ent_coef):
            raise ValueError(
                f"ent_coef={self.ent_coef!r}: expected a number, auto, or auto_0.1 to start there"
            )


def _is_auto(text: str) -> bool:
    """Returns whether Stable-Baselines3 reads this as an entropy coefficient that is learned."""
    kind, _, start = text.partition("_")
    try:
        return kind == "auto" and (text == "auto" or 0.0 < float(start) < float("inf"))
    except ValueError:
        return False
