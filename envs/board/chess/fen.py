"""Forsyth-Edwards Notation: a chess position as one line.

Source: Edwards, "Portable Game Notation Specification and Implementation Guide" (1994), section 16.1. The en
passant field is written only if a pawn can legally be taken so, as the repetition rule counts positions (FIDE
Laws 9.2.3) and as python-chess writes it.

In Fischer random chess castling rights are written as X-FEN does: "K" is the right with the outermost rook on
that side of the king, and the rook's column is written where it is another ("B" for the b-file). Both are
read, and so Shredder-FEN, which always writes the column ("HAha").
"""

import re

import numpy as np

from quadrivium.envs.board.chess.position import (
    AT_HOME,
    COLOURS,
    LETTERS,
    MAX_CLOCK,
    MAX_NUMBER,
    RIGHTS,
    Position,
    king_column,
    rooks_beside,
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
    rights = "".join(_right_text(position, right) for right in position.rights)
    return f"{board} {mover} {rights or '-'} {passed} {position.clock} {position.number}"


def _right_text(position: Position, right: str) -> str:
    column = position.rooks[right]
    if rooks_beside(position.cells, right)[0] == column:
        return right
    return "ABCDEFGH"[column] if right in "KQ" else "abcdefgh"[column]


def parse_fen(text: str, *, chess960: bool = False) -> Position:
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
    cells = _cells(board)
    castling = _read_960_rights(rights, cells) if chess960 else _read_rights(rights)
    if not re.fullmatch(r"-|[a-h][1-8]", passed):
        raise ValueError(f"FEN field 4 is {passed!r}: use a square such as 'e3', or '-'")
    return Position(
        cells=cells,
        to_move="wb".index(mover),
        rights="".join(right for right in RIGHTS if right in castling),
        rooks=castling,
        passed=None if passed == "-" else (8 - int(passed[1]), "abcdefgh".index(passed[0])),
        clock=_number(clock, 5, "half-moves since a capture or a pawn's move", 0, MAX_CLOCK),
        number=_number(number, 6, "the move's number", 1, MAX_NUMBER),
    )


def _read_rights(text: str) -> dict[str, int]:
    """Returns the columns of the rooks by right."""
    if text != "-" and (len(set(text)) < len(text) or not set(text) <= set(RIGHTS)):
        raise ValueError(f"FEN field 3 is {text!r}: use some of 'KQkq', each once, or '-'")
    return {right: AT_HOME[right] for right in text if right != "-"}


def _read_960_rights(text: str, cells: np.ndarray) -> dict[str, int]:
    """Returns the columns of the rooks by right, which X-FEN or Shredder-FEN say."""
    found: dict[str, int] = {}
    for letter in text if text != "-" else "":
        if letter in RIGHTS:
            right, rooks = letter, rooks_beside(cells, letter)
            column = rooks[0] if rooks else AT_HOME[letter]
        elif letter.lower() in "abcdefgh":
            column, own = "abcdefgh".index(letter.lower()), "KQ" if letter.isupper() else "kq"
            king = king_column(cells, own[0])
            right = own[0 if king is None or column > king else 1]
        else:
            raise ValueError(f"FEN field 3 is {text!r}: use some of 'KQkq', columns such as 'HAha', or '-'")
        if right in found:
            raise ValueError(f"FEN field 3 is {text!r}: {letter!r} is a second right on one side of a king")
        found[right] = column
    return found


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
