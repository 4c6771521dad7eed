"""The Gymnasium environments of the board games: one agent against an opponent."""

import inspect
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from envs.board.ansi import ansi
from envs.board.baselines import tactical
from envs.board.board_game import BoardGame
from envs.board.registry import GAMES
from envs.core.gym_env import LaneEnv, LaneVectorEnv
from envs.core.setup import Renderer, Setup
from envs.core.validation import require_choice
from envs.core.versus import EITHER, FIRST, OUTSIDE, RANDOM_INSIDE, SECOND, versus

Policy = Callable[[dict[str, np.ndarray]], np.ndarray]
"""Plays a batch: {"observation": (n, C, H, W) float32, "action_mask": (n, A) int8} -> actions (n,)."""

Opponent = Literal["random", "tactical"] | Policy
SEATS = {"first": FIRST, "second": SECOND, "random": EITHER}


class OutsideOpponent:
    """Plays in the lanes where it is the opponent's turn."""

    def __init__(self, game: BoardGame, policy: Literal["tactical"] | Policy) -> None:
        self._game = game
        self._policy = policy

    def __call__(self, states: np.ndarray) -> bool:
        """Moves every running game on to the agent's turn; returns whether any move was played.

        Raises ValueError if the policy plays an illegal move, with that batch of its moves not played.
        """
        moved = False
        while True:
            rows = np.flatnonzero((states["over"] == 0) & (states["to_move"] != states["seat"]))
            if not len(rows):
                return moved
            try:
                self._game.step(states, rows, self._actions(states, rows))
            except ValueError as error:
                raise ValueError(f"the opponent's {error}") from None
            moved = True

    def _actions(self, states: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if not callable(self._policy):
            return tactical(self._game, states[rows])
        seen = {
            "observation": self._game.observe(states, rows),
            "action_mask": self._game.legal(states, rows),
        }
        return np.asarray(self._policy(seen))


def board_setup(
    name: str,
    *,
    opponent: Opponent = "random",
    seat: Literal["first", "second", "random"] = "first",
    illegal: Literal["error", "lose"] = "error",
    split: Literal["train", "test"] = "train",
    **options: Any,
) -> Setup:
    """Returns the game `name` of the registry as a world for one agent. Raises ValueError if it cannot be."""
    game_class = GAMES[name]
    for option in options:
        own = inspect.signature(game_class).parameters
        require_choice("argument", option, [*own, "opponent", "seat", "illegal", "split", "render_mode"])
    require_choice("seat", seat, SEATS)
    require_choice("illegal", illegal, ("error", "lose"))
    require_choice("split", split, ("train", "test"))
    if not callable(opponent):
        require_choice("opponent", opponent, ("random", "tactical"))
    game = game_class(**options)
    params = game.params._replace(
        split=int(split == "test"),
        seat=SEATS[seat],
        opponent=RANDOM_INSIDE if opponent == "random" else OUTSIDE,
    )
    low, high = game.observation_range
    return Setup(
        world=versus(game.rules),
        params=params,
        state_dtype=game.state_dtype,
        observation_space=Box(low, high, game.observation_shape, np.float32),
        action_space=Discrete(game.num_actions),
        renderer=lambda: _renderer(game),
        text=lambda row: ansi(game, row),
        render_fps=2,
        baselines={"tactical": lambda env: tactical(game, env.states)},
        others=None if opponent == "random" else OutsideOpponent(game, opponent),
        illegal_message=game.illegal_action_message,
        illegal_passes=illegal == "lose",
    )


class BoardEnv(LaneEnv):
    """One game against an opponent; `envs.board.<Game>` says what its actions and planes are.

    Observations are a Dict: `observation`, the planes (C, H, W) float32 as the agent sees the board, and
    `action_mask` (A,) int8, 1 where a move is legal. The reward is 1 for a win, -1 for a loss, at the end.
    Metrics: win, draw, loss (each 0 or 1), first (whether the agent began), plies.

    Args:
        name: of the game in `envs.board.GAMES`.
        opponent: "random", uniformly random legal moves played within the engine; "tactical", which wins if
            it can, does not lose at once, and else plays randomly; or a batched policy
            `{"observation": (n, C, H, W), "action_mask": (n, A)} -> actions (n,)`.
        seat: whether the agent is the "first" player, the "second", or a "random" one in each episode, which
            is what to train with.
        illegal: what an illegal move does: "error" raises ValueError and changes nothing, "lose" loses the
            game, for agents that do not read masks, and for Gymnasium's checker, which tries one position's
            move in another.
        split: "train" or "test": the random numbers of one never occur in the other.
        render_mode: "rgb_array", "human" or "ansi".
        options: the game's own arguments, such as `size`.
    """

    def __init__(self, name: str, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(board_setup(name, **options), render_mode)


class BoardVectorEnv(LaneVectorEnv):
    """A batch of games that step on all cores; arguments as for `BoardEnv`."""

    def __init__(self, name: str, num_envs: int = 1, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(board_setup(name, **options), num_envs, render_mode)


def _renderer(game: BoardGame) -> Renderer:
    from envs.board.render import BoardRenderer  # pygame is loaded by those who draw

    return BoardRenderer(game)
