"""Forsyth-Edwards Notation: a chess position as one line.

Source: Edwards, "Portable Game Notation Specification and Implementation Guide" (1994), section 16.1. The en
passant field is written only if a pawn can legally be taken so, as the repetition rule counts positions (FIDE
Laws 9.2.3) and as python-chess writes it.
"""

import re

import numpy as np

from quadrivium.envs.board.chess.position import (
    COLOURS,
    LETTERS,
    MAX_CLOCK,
    MAX_NUMBER,
    RIGHTS,
    Position,
    square,
)

_EXAMPLE = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
_KINDS = {letter: kind for kind, letter in enumerate(LETTERS) if kind} | {
    letter.lower(): -kind for kind, letter in enumerate(LETTERS) if kind
}
_GLYPHS = {value: letter for letter, value in _KINDS.items()}


def to_fen(position: Position) -> str:
    """Returns the six fields."""
    ranks = ["".join(_GLYPHS.get(int(value), ".") for value in row) for row in position.cells]
    board = re.sub(r"\.+", lambda gap: str(len(gap[0])), "/".join(ranks))
    passed = square(*position.passed) if position.passed else "-"
    mover = COLOURS[position.to_move][0]
    return f"{board} {mover} {position.rights or '-'} {passed} {position.clock} {position.number}"


def parse_fen(text: str) -> Position:
    """Returns the position; raises ValueError that names the field.

    The counters may be left out, or be a dash; the first move may have number 0. EPD is read, too: four
    fields, and operations that end in semicolons, of which hmvc and fmvn are the counters.
    """
    fields = text.removeprefix("\ufeff").split()
    operations = " ".join(fields[4:])
    if operations.endswith(";") and re.match(r"[A-Za-z]\w*\b", operations):
        counters = (re.search(rf"\b{name} (\d+) ?;", operations) for name in ("hmvc", "fmvn"))
        fields = [*fields[:4], *(found[1] if found else "-" for found in counters)]
    if not 4 <= len(fields) <= 6:
        raise ValueError(
            f"the FEN has {len(fields)} fields, not 6 (or 4, without counters): such as {_EXAMPLE!r}"
        )
    board, mover, rights, passed, clock, number = (*fields, "-", "-")[:6]
    clock, number = clock.replace("-", "0", clock == "-"), "1" if number in ("-", "0") else number
    if mover not in ("w", "b"):
        raise ValueError(f"FEN field 2 is {mover!r}: use 'w' or 'b' for who is to move")
    if rights != "-" and (len(set(rights)) < len(rights) or not set(rights) <= set(RIGHTS)):
        raise ValueError(f"FEN field 3 is {rights!r}: use some of 'KQkq', each once, or '-'")
    if not re.fullmatch(r"-|[a-h][1-8]", passed):
        raise ValueError(f"FEN field 4 is {passed!r}: use a square such as 'e3', or '-'")
    return Position(
        cells=_cells(board),
        to_move="wb".index(mover),
        rights="".join(right for right in RIGHTS if right in rights),
        passed=None if passed == "-" else (8 - int(passed[1]), "abcdefgh".index(passed[0])),
        clock=_number(clock, 5, "half-moves since a capture or a pawn's move", 0, MAX_CLOCK),
        number=_number(number, 6, "the move's number", 1, MAX_NUMBER),
    )


def _cells(board: str) -> np.ndarray:
    ranks = board.split("/")
    if len(ranks) != 8:
        raise ValueError(f"FEN field 1 has {len(ranks)} ranks, not 8, separated by '/'")
    cells = np.zeros((8, 8), np.int8)
    for row, rank in enumerate(ranks):
        if found := re.search(r"[^PNBRQKpnbrqk1-8]", rank):
            raise ValueError(
                f"FEN field 1, rank {8 - row}: {found[0]!r} is no piece; use PNBRQKpnbrqk and 1-8"
            )
        values = [value for letter in rank for value in _run(letter)]
        if len(values) != 8:
            raise ValueError(f"FEN field 1, rank {8 - row}: {rank!r} has {len(values)} squares, not 8")
        cells[row] = values
    return cells


def _run(letter: str) -> list[int]:
    return [_KINDS[letter]] if letter in _KINDS else [0] * int(letter)


def _number(text: str, field: int, what: str, low: int, high: int) -> int:
    if re.fullmatch(r"[0-9]{1,6}", text) and low <= int(text) <= high:
        return int(text)
    raise ValueError(f"FEN field {field} is {text!r}: {what}, {low} to {high}")
