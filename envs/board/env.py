"""The Gymnasium environments of the board games: one agent against an opponent."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from functools import cache, partial
from typing import Any, ClassVar, Literal, cast

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode

from quadrivium.envs.board.ansi import ansi
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from quadrivium.envs.core.opponent import (
    SEATS,
    Opponents,
    OutsideOpponent,
    Policy,
    Script,
    require_opponent,
)
from quadrivium.envs.core.options import Options
from quadrivium.envs.core.setup import Batch, Setup, drawn_by
from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.core.versus import OUTSIDE, RANDOM_INSIDE, versus
from quadrivium.envs.core.world_env import chosen_setup

Opponent = Literal["random", "tactical"] | Policy | Opponents


@dataclass(frozen=True, kw_only=True)
class BoardOptions(Options):
    """The arguments of the environments of a board game, beside the game's own: see `options_of`."""

    game: ClassVar[type[BoardGame]]
    opponent: Opponent = "random"
    """"random", uniformly random legal moves played within the engine; "tactical", which wins if it can, does
    not lose at once, and else plays randomly; in backgammon instead "greedy", which hits, makes points and
    avoids blots, a checker at a time; a batched policy
    `{"observation": (n, C, H, W), "action_mask": (n, A)} -> actions (n,)`; or `Opponents`, of each lane its
    own"""
    seat: Literal["first", "second", "random"] = "first"
    """whether the agent is the "first" player, the "second", or a "random" one in each episode, which is what
    to train with"""
    illegal: Literal["error", "lose"] = "error"
    """what an illegal move does: "error" raises ValueError and changes nothing, "lose" loses the game, for
    agents that do not read masks, and for Gymnasium's checker, which tries one position's move in another"""

    def check(self) -> None:
        """The game takes its own arguments; the opponent is a policy or one that is known."""
        require_opponent(self.opponent, ("random", *self.make_game().scripts))

    def make_game(self) -> BoardGame:
        """Returns the game with its own arguments chosen; ValueError for a wrong one."""
        return self.game(**{name: getattr(self, name) for name in inspect.signature(self.game).parameters})


@cache
def options_of(name: str) -> type[BoardOptions]:
    """Returns the arguments of the environments of the game `name`: its own are its constructor's."""
    game = GAMES[require_choice("name", name, GAMES)]
    own = [
        (p.name, p.annotation, field(default=p.default)) for p in inspect.signature(game).parameters.values()
    ]
    as_it_comes: Callable[[], BoardGame] = cast(Any, game)
    named: Any = Literal[("random", *as_it_comes().scripts)]  # pyright: ignore[reportInvalidTypeForm]
    own.append(("opponent", named | Policy | Opponents, field(default="random")))
    return make_dataclass(
        f"{name}Options", own, bases=(BoardOptions,), namespace={"game": game}, frozen=True, kw_only=True
    )


def board_setup(options: BoardOptions) -> Setup:
    """Returns a game of the registry as a world for one agent."""
    game, opponent = options.make_game(), options.opponent
    params = game.params._replace(
        split=options.index("split"),
        seat=SEATS[options.seat],
        opponent=RANDOM_INSIDE if opponent == "random" else OUTSIDE,
    )
    low, high = game.observation_range
    return Setup(
        world=versus(game.rules),
        params=params,
        state_dtype=game.state_dtype,
        observation_space=Box(low, high, game.observation_shape, np.float32),
        action_space=Discrete(game.num_actions),
        renderer=drawn_by("quadrivium.envs.board.render:BoardRenderer", game),
        text=partial(ansi, game),
        render_fps=2,
        baselines={name: partial(_played, script) for name, script in game.scripts.items()},
        others=None if opponent == "random" else OutsideOpponent(game, opponent, game.scripts),
        illegal_message=game.illegal_action_message,
        illegal_passes=options.illegal == "lose",
        columns={"observation": game.planes},
    )


def _played(script: Script, batch: Batch) -> np.ndarray:
    return script(batch.states)


class BoardEnv(LaneEnv):
    """One game against an opponent; `quadrivium.envs.board.<Game>` says what its actions and planes are.

    Observations are a Dict: `observation`, the planes (C, H, W) float32 as the agent sees the board, and
    `action_mask` (A,) int8, 1 where a move is legal. The reward is 1 for a win, -1 for a loss, at the end.
    Metrics: win, draw, loss (each 0 or 1), first (whether the agent began), plies.

    Args:
        name: of the game in `quadrivium.envs.board.GAMES`.
        render_mode: "rgb_array", "human" or "ansi".
        options: those of `BoardOptions`, and the game's own arguments, such as `size`.
    """

    def __init__(self, name: str, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(chosen_setup(board_setup, options_of(name).of(options)), render_mode)


class BoardVectorEnv(LaneVectorEnv):
    """A batch of games that step on all cores; arguments as for `BoardEnv`."""

    def __init__(
        self,
        name: str,
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        **options: Any,
    ) -> None:
        setup = chosen_setup(board_setup, options_of(name).of(options))
        super().__init__(setup, num_envs, render_mode, autoreset_mode)
