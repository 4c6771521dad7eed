"""Boards and positions as plain data, from which a page draws them."""

from functools import cache
from typing import Any

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame

CHESSMEN = 6  # kinds of pieces
BUTTONS = ("pass", "swap")  # moves that lead to no cell
# Of the lower row; a point above is 25 less the one below it.
POINTS = [*map(str, range(12, 6, -1)), "bar", *map(str, range(6, 0, -1)), "off"]


def board(game: BoardGame) -> dict[str, Any]:
    """Returns what stays the same through a game: the board's look, its size, its names."""
    squares, letters = game.look == "squares", game.letters[: game.width]
    columns = letters.upper() if game.letters == notation.GO_LETTERS else letters
    return {
        "title": game.title,
        "men": _chessmen() if squares else None,
        "look": "marks" if game.players == ("x", "o") else game.look,
        "chessmen": max(game.glyphs) == CHESSMEN,
        "height": game.height,
        "width": game.width,
        "letters": POINTS if game.look == "points" else columns,
        "rowsFromTop": game.rows_from_top,
        "players": list(game.players),
        "counts": hasattr(game, "disc_difference"),  # whether the score tells how it stands on the way
        "drops": game.num_actions == game.width,  # a move names a column
    }


@cache
def _chessmen() -> dict[str, Any]:
    """Returns the shapes of the chessmen, on a square of 100 x 100, by letter."""
    from quadrivium.envs.board.render.chessmen import CHESSMEN  # loads pygame

    def plain(points: Any) -> Any:
        return round(points, 1) if isinstance(points, float | int) else [plain(point) for point in points]

    parts = ("outlines", "discs", "lines", "dots")
    return {kind: {part: plain(getattr(man, part)) for part in parts} for kind, man in CHESSMEN.items()}


def position(game: BoardGame, pool: np.ndarray) -> dict[str, Any]:
    """Returns what is seen in a pool (1,): cells row by row, those that the last move touched, the dice."""
    row = pool[0]
    return {
        "cells": game.cells(row).ravel().tolist(),
        "last": [[int(y), int(x)] for y, x in game.last_cells(row)],
        "toMove": int(row["to_move"]),
        "score": score(game, pool),
        "roll": game.roll(row),
    }


def score(game: Any, pool: np.ndarray) -> str:
    """Returns how the area or the discs stand, where that is what counts; else ""."""
    rows = np.arange(1)
    if hasattr(game, "disc_difference"):
        cells = game.cells(pool[0])
        first, second = int((cells == 1).sum()), int((cells == -1).sum())
        return f"{game.players[0]} {first}, {game.players[1]} {second}"
    if hasattr(game, "score"):
        lead = float(game.score(pool, rows)[0])
        ahead = game.players[0 if lead > 0 else 1]
        return f"{ahead} ahead by {abs(lead):g} on the board" if lead else "even on the board"
    return ""


def moves(game: BoardGame, pool: np.ndarray, actions: np.ndarray) -> list[dict[str, Any]]:
    """Returns legal actions (k,) with their names, and the cells that they lead from and to.

    "to" is None for a pass and its like, "from" for a stone that is put on the board.
    """
    after, everyone = np.repeat(pool, len(actions)), np.arange(len(actions))
    if len(actions):
        game.step(after, everyone, actions, check=False)
    found: list[dict[str, Any]] = []
    for k, action in enumerate(actions.tolist()):
        name = game.move_name(pool[0], action)
        touched = [] if name in BUTTONS else [[int(y), int(x)] for y, x in game.last_cells(after[k])]
        found.append(
            {
                "action": action,
                "name": name,
                "from": touched[0] if len(touched) == 2 else None,
                "to": touched[-1] if touched else None,
            }
        )
    return found
