"""Every board game of the registry, the sizes in which the tests play it, and random positions of each."""

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from quadrivium.envs.board import GAMES
from quadrivium.envs.board.board_game import BoardGame

OF_THE_LANE = ("seed", "episode", "rng", "seat")
"""Fields that belong to the random stream and to the Gymnasium environments, not to the position."""

Case = tuple[str, dict[str, Any]]

# A new game is tested with its defaults from the start; what else it can be is listed here.
CONFIGURATIONS: dict[str, list[dict[str, Any]]] = {
    "Backgammon": [{}, {"gammons": True}],
    "ConnectFour": [{}, {"threats": True}],
    "Othello": [{}, {"size": 6}],
    "Gomoku": [{}, {"size": 7}, {"size": 7, "exactly_five": True}],
    "Hex": [{}, {"size": 5}, {"size": 5, "swap": True}],
    "Breakthrough": [{}, {"rows": 5, "columns": 6}],
    "Go": [{}, {"size": 5}, {"size": 19}, {"size": 5, "superko": "situational"}],
}

# Games in which earlier positions matter that a diagram does not show (superko, repetition, the last pass).
REMEMBER_THE_PAST = {"Chess", "Go"}


def configurations(name: str) -> list[dict[str, Any]]:
    """Returns the constructor arguments with which a game is tested."""
    return CONFIGURATIONS.get(name, [{}])


def case_name(case: Case) -> str:
    """Returns how pytest and the golden playthroughs name a case: "Othello-size=6"."""
    name, kwargs = case
    return "-".join([name, *(f"{key}={value}" for key, value in kwargs.items())])


CASES: list[Case] = [(name, kwargs) for name in GAMES for kwargs in configurations(name)]
_CASES_BY_NAME = {case_name(case): case for case in CASES}


@cache
def game_of(case: str) -> BoardGame:
    """Returns the game that `case_name` names; made once."""
    name, kwargs = _CASES_BY_NAME[case]
    return GAMES[name](**kwargs)


def remembers(case: str) -> bool:
    """Returns whether a position of this game is more than its cells and who is to move."""
    return _CASES_BY_NAME[case][0] in REMEMBER_THE_PAST


@cache
def _positions(case: str, count: int, seed: int) -> np.ndarray:
    game = game_of(case)
    ends = game.pool(count, seed)
    game.play_random(ends, np.arange(count))
    fractions = np.random.default_rng(seed).uniform(size=count)
    fractions[:2] = 0.0, 1.0
    pool = game.pool(count, seed)
    for k in range(count):  # the same streams: the same games, broken off on the way
        game.play_random(pool, np.array([k]), int(fractions[k] * (int(ends["ply"][k]) + 1)))
    return pool


def positions(case: str, count: int, seed: int = 0) -> np.ndarray:
    """Returns a pool (count,) of random games at random moments; the first at its start, the second ended."""
    return _positions(case, count, seed).copy()


def running(case: str, count: int, seed: int = 0) -> np.ndarray:
    """Returns a pool of those of `positions` that have not ended."""
    pool = positions(case, count, seed)
    return pool[pool["over"] == 0]


def drawn_actions(game: BoardGame, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns random legal actions (n,) of running games, drawn apart from their streams, where dice come
    from.
    """
    mask = game.legal(pool, np.arange(len(pool)))
    return np.array([rng.choice(np.flatnonzero(legal)) for legal in mask], np.int64)


def successors(game: BoardGame, row: np.void) -> tuple[np.ndarray, np.ndarray]:
    """Returns the legal actions (n,) of a position and a pool (n,) with the positions after them."""
    one = np.array([row], game.state_dtype)
    actions = np.flatnonzero(game.legal(one, np.arange(1))[0])
    pool = np.repeat(one, len(actions))
    game.step(pool, np.arange(len(actions)), actions)
    return actions, pool


def assert_equal_fields(one: np.ndarray, other: np.ndarray, leave_out: Collection[str] = ()) -> None:
    """Compares pools field by field: the padding between fields may hold anything."""
    for field in one.dtype.names or ():
        if field not in leave_out:
            np.testing.assert_array_equal(one[field], other[field], err_msg=field)
