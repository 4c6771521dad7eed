"""Exams: positions with the value of every move, as an exact solver found them."""

import re
from pathlib import Path

import numpy as np

from quadrivium.envs.board.board_game import BoardGame

_MOVE = re.compile(r"pass|[a-z]\d*")


def read_exam(game: BoardGame, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the positions (n,), rows of a pool, and which actions keep their value, (n, A) bool.

    A line of the file is a position: its moves from the start, letters, cells or "pass", one behind the other
    (- for none), and for each action the value of playing it for the player to move: + won, = drawn, - lost,
    . illegal.
    """
    lines = [line.split() for line in path.read_text().splitlines()]
    roots = np.concatenate([game.play_moves(" ".join(_MOVE.findall(moves))) for moves, _ in lines])
    marks = np.array([["+=-.".index(mark) for mark in values] for _, values in lines])  # 0 is the best
    return roots, marks == marks.min(1, keepdims=True)
