"""Games of Othello as NBoard's programs tell them: the Generic Game Format, and names of moves.

Source: Welty, "The NBoard protocol", and "Generic Game Format" (skatgame.net).
"""

import re

import numpy as np

PASS = "PA"
GLYPHS = {1: "*", -1: "O", 0: "-"}
_PROPERTY = re.compile(r"([A-Z]{1,2})\[([^\]]*)\]")


def to_name(move: str) -> str:
    """Returns NBoard's name of a move of ours."""
    return PASS if move == "pass" else move.upper()


def from_name(text: str) -> str:
    """Returns our name of a move such as "F5", "F5/1.20/3.0" or "PA"."""
    move = text.strip().partition("/")[0].strip().lower()
    return "pass" if move in ("pa", "pass") else move


def write_start(cells: np.ndarray, to_move: int) -> str:
    """Returns a game without moves that begins at cells (H, W), 1 black and -1 white."""
    size = len(cells)
    board = "".join(GLYPHS[int(cell)] for cell in cells.ravel())
    tags = f"GM[Othello]PC[Quadrivium]PB[black]PW[white]RE[?]TI[0]TY[{size}]"
    return f"(;{tags}BO[{size} {board} {'*O'[to_move]}];)"


def read_game(text: str) -> tuple[np.ndarray | None, int, list[str]]:
    """Returns the first cells (H, W) int8 of a game, who moves there, and its moves by our names.

    None where the game says no board. Raises ValueError for a board that is none.
    """
    cells, to_move, moves = None, 0, list[str]()
    for key, value in _PROPERTY.findall(text):
        if key == "BO":
            cells, to_move = _read_board(value)
        elif key in ("B", "W"):
            moves.append(from_name(value))
    return cells, to_move, moves


def _read_board(value: str) -> tuple[np.ndarray, int]:
    words = value.split()
    size = int(words[0]) if words and words[0].isdecimal() else 0
    glyphs, mover = "".join(words[1:-1]), words[-1] if words else ""
    values = {glyph: cell for cell, glyph in GLYPHS.items()}
    if len(glyphs) != size * size or mover not in ("*", "O") or not set(glyphs) <= set(values) or not size:
        raise ValueError(
            f"BO[{value[:80]}] is no board: expected its size, its cells in - * O, and who moves"
        )
    return np.array([values[glyph] for glyph in glyphs], np.int8).reshape(size, size), "*O".index(mover)
