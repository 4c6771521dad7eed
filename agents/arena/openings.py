"""The moves that games begin with, so that deterministic players do not play one game again and again."""

from collections.abc import Sequence

import numpy as np

from quadrivium.agents.arena.builtin import mix, pick
from quadrivium.agents.arena.players import TableGame
from quadrivium.agents.errors import UserError, one_line
from quadrivium.agents.search.protocols import Game

Opening = tuple[int, ...]
"""The actions from the first position on; the game goes on after them."""

MOST_MISSES = 1000  # so many draws in vain: there are no further openings
ROW = np.arange(1)


def random_openings(game: Game, count: int, plies: int, seed: int) -> list[Opening]:
    """Returns `count` openings of `plies` uniformly random legal moves, all different where that many exist.

    The first ones do not depend on `count`. None of them ends the game.

    Raises:
        UserError: no game goes on for so long.
    """
    found: dict[Opening, None] = {}
    attempt = misses = 0
    while len(found) < count and misses < MOST_MISSES:
        opening = _draw(game, plies, seed, attempt)
        attempt += 1
        if opening is None or opening in found:
            misses += 1
        else:
            found[opening] = None
            misses = 0
    if not found:
        raise UserError(f"openings.plies = {plies}: games end before that; use fewer plies")
    return [list(found)[number % len(found)] for number in range(count)]


def _draw(game: Game, plies: int, seed: int, attempt: int) -> Opening | None:
    pool = game.pool(1, seed)
    stream = mix(mix(np.array([seed], np.uint64)) + np.uint64(attempt))
    opening: list[int] = []
    for ply in range(plies):
        action = pick(game.legal(pool, ROW), mix(stream ^ np.uint64(ply)))
        game.step(pool, ROW, action)
        opening.append(int(action[0]))
        if game.result(pool, ROW).over[0]:
            return None
    return tuple(opening)


def read_openings(game: TableGame, lines: Sequence[str]) -> list[Opening]:
    """Returns the openings that lines of moves in the game's notation, separated by blanks, describe.

    Raises:
        UserError: a move cannot be read or played, or the game is over after it.
    """
    openings: list[Opening] = []
    for number, line in enumerate(lines, 1):
        pool = game.pool(1)
        opening: list[int] = []
        for move in line.split():
            try:
                action = game.parse_move(pool[0], move)
                game.step(pool, ROW, np.array([action]))
            except ValueError as error:
                raise UserError(
                    f"openings.moves, line {number}, move {len(opening) + 1}: {one_line(error)}"
                ) from None
            opening.append(int(action))
            if game.result(pool, ROW).over[0]:
                raise UserError(
                    f"openings.moves, line {number}: the game is over after {move}; end it earlier"
                )
        openings.append(tuple(opening))
    return openings
