"""Boards and cells as text: the ASCII diagram that every game reads and writes, and names such as "d4"."""

import re
from collections.abc import Mapping

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"
GO_LETTERS = "abcdefghjklmnopqrstuvwxyz"  # Go's boards leave out the i


def row_number(row: int, height: int, from_top: bool = False) -> int:
    """Returns how players number a row: 1 is at the bottom or, with `from_top`, at the top, as row 0 is."""
    return row + 1 if from_top else height - row


def cell_name(row: int, column: int, height: int, letters: str = LETTERS, from_top: bool = False) -> str:
    """Returns "a1" for the cell at the bottom left, or with `from_top` at the top left, where row 0 is."""
    return f"{letters[column]}{row_number(row, height, from_top)}"


def parse_cell(
    text: str, height: int, width: int, letters: str = LETTERS, from_top: bool = False
) -> tuple[int, int]:
    """Returns (row, column) of a name such as "d4"; raises ValueError."""
    found = re.fullmatch(r"([a-z])([0-9]{1,2})", text.strip().lower())
    if found and found[1] in letters[:width] and 1 <= int(found[2]) <= height:
        number = int(found[2])
        return number - 1 if from_top else height - number, letters.index(found[1])
    raise ValueError(
        f"{text!r} is no cell: use a letter {letters[0]}-{letters[width - 1]} and a number 1-{height}, "
        f"such as {cell_name(height // 2, width // 2, height, letters, from_top)!r}"
    )


def diagram(
    cells: np.ndarray,
    glyphs: Mapping[int, str],
    to_move: str,
    letters: str = LETTERS,
    slant: int = 0,
    from_top: bool = False,
) -> str:
    """Returns cells (H, W) int as lines of glyphs with coordinates, and who is to move.

    slant: how many more blanks each row begins with than the one above (Hex: 1).
    from_top: numbers the rows from the top (Othello).
    """
    height, width = cells.shape
    margin = len(str(height))
    lines = [
        f"{' ' * slant * row}{row_number(row, height, from_top):>{margin}} "
        + " ".join(glyphs[int(c)] for c in cells[row])
        for row in range(height)
    ]
    lines.append(f"{' ' * slant * height}{' ' * margin} {' '.join(letters[:width])}")
    return "\n".join([*lines, f"{to_move} to move"])


def parse_diagram(
    text: str,
    glyphs: Mapping[int, str],
    players: tuple[str, str],
    shape: tuple[int, int],
    from_top: bool = False,
) -> tuple[np.ndarray, int]:
    """Returns (cells (H, W) int8, seat to move) of what `diagram` writes; raises ValueError.

    The row numbers and the line of letters may be left out. players: the names of the two seats.
    """
    height, width = shape
    values = {glyph: value for value, glyph in glyphs.items()}
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    last = re.fullmatch(r"(\S+) to move", lines[-1]) if lines else None
    if last is None or last[1] not in players:
        raise ValueError(
            f"the last line {lines[-1] if lines else ''!r} does not say who is to move: "
            f"write '{players[0]} to move' or '{players[1]} to move'"
        )
    rows = [re.sub(r"^\d+ ", "", line).split() for line in lines[:-1]]
    if len(rows) == height + 1 and all(glyph in LETTERS for glyph in rows[-1]) and rows[-1][0] == "a":
        rows.pop()
    if len(rows) != height or any(len(row) != width for row in rows):
        found = f"{len(rows)} rows of {sorted({len(row) for row in rows})} cells"
        raise ValueError(f"the diagram has {found}; this board has {height} rows of {width}")
    for number, row in enumerate(rows):
        for glyph in row:
            if glyph not in values:
                raise ValueError(
                    f"{glyph!r} in row {row_number(number, height, from_top)} is no piece: "
                    f"use {', '.join(map(repr, values))}"
                )
    cells = np.array([[values[glyph] for glyph in row] for row in rows], np.int8)
    return cells, players.index(last[1])
