"""A chess position as people write it, checked, and its way into a row and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quadrivium.envs.board.chess import kernel
from quadrivium.envs.board.chess.state import CODES
from quadrivium.envs.core.each import for_each
from quadrivium.envs.core.lane import lane

LETTERS = ".PNBRQK"  # by kind
NAMES = ("", "pawn", "knight", "bishop", "rook", "queen", "king")
COLOURS = ("white", "black")
MOST_AT_FIRST = (0, 8, 2, 2, 2, 1, 1)  # of each kind; more come from promoted pawns
MAX_CLOCK = 150  # at 75 moves of both sides without progress a game is over under any rules (FIDE 9.6.2)
MAX_NUMBER = 9999  # no game can last longer under the 75-move rule
RIGHTS = "KQkq"  # White short and long, Black short and long
AT_HOME = {"K": 7, "Q": 0, "k": 7, "q": 0}  # columns of the rooks
KING_AT_HOME = 4  # and of the kings
_ROWS = {"K": 7, "Q": 7, "k": 0, "q": 0}
_RIGHT_BITS = {"K": 1, "Q": 2, "k": 4, "q": 8}  # as White to move sees them


@dataclass(frozen=True)
class Position:
    """A position from White's side.

    Attributes:
        cells: (8, 8) int8, row 0 the eighth rank: +kind White's, -kind Black's pieces; kinds as in `NAMES`.
        to_move: 0 White, 1 Black.
        rights: those of "KQkq" that are left.
        passed: the cell (row, column) that a pawn passed over with its last move, or None.
        clock: half-moves since the last capture or pawn's move.
        number: of the next move, counted from 1 in pairs of half-moves.
        rooks: the column of the rook of each right.
    """

    cells: np.ndarray
    to_move: int
    rights: str = ""
    passed: tuple[int, int] | None = None
    clock: int = 0
    number: int = 1
    rooks: Mapping[str, int] = field(default_factory=lambda: AT_HOME)


def square(row: int, column: int) -> str:
    """Returns the name of a cell, "a8" for (0, 0)."""
    return f"{'abcdefgh'[column]}{8 - row}"


def from_row(row: np.void) -> Position:
    """Returns the position of a record; `passed` only if a pawn can legally be taken there."""
    black = int(row["to_move"])
    bits = [_bits_of(int(board)) for board in row["board"]]
    code = bits[1] + 2 * bits[2] + 4 * bits[3]
    kinds = np.array([0, *(CODES.index(n) + 1 if n in CODES else 0 for n in range(1, 8))], np.int8)[code]
    cells = np.where(bits[0] == 1, kinds, -kinds).astype(np.int8)
    castling, cell, castlers = int(row["castling"]), int(row["ep"]), _bits_of(int(row["castlers"]))
    if black:
        cells, castling, castlers = -cells[::-1], castling >> 2 | (castling & 3) << 2, castlers[::-1]
    rights = "".join(right for right in RIGHTS if castling & _RIGHT_BITS[right])
    return Position(
        cells=cells,
        to_move=black,
        rights=rights,
        rooks={right: _rook_of(right, cells, castlers) for right in rights},
        passed=(7 - cell // 8 if black else cell // 8, cell % 8) if cell else None,
        clock=int(row["clock"]),
        number=int(row["ply"]) // 2 + 1,
    )


def write(
    pool: np.ndarray, params: kernel.ChessParams, position: Position, *, chess960: bool = False
) -> None:
    """Writes a position into pool (1,), whose header is set; raises ValueError if no game leads to it."""
    check_pieces(position.cells)
    check_rights(position, chess960=chess960)
    check_passed(position)
    rights = sum(_RIGHT_BITS[right] for right in position.rights)
    _place(pool, params, position, 1 - position.to_move, rights, 0)
    own, low, _, high = pool["board"][0]
    if pool["attacked"][0] & own & low & high:  # by pieces, or by the other king
        mover, other = COLOURS[position.to_move], COLOURS[1 - position.to_move]
        raise ValueError(f"{other} is in check while {mover} is to move: {other} cannot have moved so")
    passed = 0
    if position.passed is not None:
        passed = _frame_row(position.passed[0], position.to_move) * 8 + position.passed[1]
    _place(pool, params, position, position.to_move, rights, passed)


def rights_at_home(cells: np.ndarray, rooks: Mapping[str, int] = AT_HOME, king: int = KING_AT_HOME) -> str:
    """Returns the castling rights whose king and rook stand at home, in those columns."""
    return "".join(right for right in RIGHTS if _stand(cells, right, rooks[right], king))


def king_column(cells: np.ndarray, right: str) -> int | None:
    """Returns the column of the king of a right, None where it is not in its home row."""
    found = np.flatnonzero(cells[_ROWS[right]] == 6 * _sign(right))
    return int(found[0]) if len(found) else None


def rooks_beside(cells: np.ndarray, right: str) -> list[int]:
    """Returns the columns of the rooks on a right's side of its king at home, the outermost first."""
    king = king_column(cells, right)
    if king is None:
        return []
    columns = [int(column) for column in np.flatnonzero(cells[_ROWS[right]] == 4 * _sign(right))]
    if right in "Kk":
        return [column for column in reversed(columns) if column > king]
    return [column for column in columns if column < king]


def check_pieces(cells: np.ndarray) -> None:
    """Raises ValueError if no game can lead to these pieces on the board."""
    for seat, sign in enumerate((1, -1)):
        counts = [int((cells == sign * kind).sum()) for kind in range(7)]
        colour = COLOURS[seat]
        if counts[6] != 1:
            raise ValueError(f"{colour} has {counts[6]} kings; each side needs exactly one")
        promoted = sum(max(0, counts[kind] - MOST_AT_FIRST[kind]) for kind in range(2, 6))
        if counts[1] + promoted > 8:
            raise ValueError(
                f"{colour} has {counts[1]} pawns and at least {promoted} promoted pieces; "
                "each side has eight pawns to begin with"
            )
    for row, column in np.argwhere(abs(cells) == 1):
        if row in (0, 7):
            raise ValueError(f"a pawn stands on {square(row, column)}; none can be on ranks 1 and 8")


def check_rights(position: Position, *, chess960: bool = False) -> None:
    """Raises ValueError if a castling right lacks its king or rook at home."""
    for right in position.rights:
        row, column = _ROWS[right], position.rooks[right]
        king = king_column(position.cells, right) if chess960 else KING_AT_HOME
        if king is None or not _stand(position.cells, right, column, king):
            where = f"in row {8 - row}" if king is None else f"on {square(row, king)}"
            raise ValueError(
                f"castling right {right!r} needs a {COLOURS[row == 0]} king {where} "
                f"and a rook on {square(row, column)}"
            )


def check_passed(position: Position) -> None:
    """Raises ValueError if no pawn can just have passed over the en passant cell."""
    if position.passed is None:
        return
    (row, column), cells = position.passed, position.cells
    expected, forward, pawn = ((2, 1, -1), (5, -1, 1))[position.to_move]
    if row != expected:
        raise ValueError(
            f"en passant on {square(row, column)}: with {COLOURS[position.to_move]} to move "
            f"it must be on rank {8 - expected}"
        )
    if cells[row, column] or cells[row - forward, column] or cells[row + forward, column] != pawn:
        raise ValueError(
            f"en passant on {square(row, column)}: a {COLOURS[1 - position.to_move]} pawn on "
            f"{square(row + forward, column)} must have come from an empty {square(row - forward, column)}"
        )


def _sign(right: str) -> int:
    return 1 if right in "KQ" else -1


def _stand(cells: np.ndarray, right: str, rook: int, king: int) -> bool:
    row, sign = _ROWS[right], _sign(right)
    return cells[row, king] == 6 * sign and cells[row, rook] == 4 * sign


def _rook_of(right: str, cells: np.ndarray, castlers: np.ndarray) -> int:
    return next(column for column in rooks_beside(cells, right) if castlers[_ROWS[right], column])


def _place(
    pool: np.ndarray, params: kernel.ChessParams, position: Position, to_move: int, rights: int, passed: int
) -> None:
    cells = -position.cells[::-1] if to_move else position.cells
    codes = np.array([0, *CODES])[abs(cells).astype(np.int64)]
    boards = [cells > 0, codes & 1, codes >> 1 & 1, codes >> 2]
    pool["board"] = [_board_of(board) for board in boards]
    pool["castling"] = rights >> 2 | (rights & 3) << 2 if to_move else rights
    castlers = np.zeros((8, 8), bool)
    for right in position.rights:
        castlers[_ROWS[right], position.rooks[right]] = True
    pool["castlers"] = _board_of(castlers[::-1] if to_move else castlers)
    pool["to_move"], pool["clock"] = to_move, position.clock
    pool["history"], pool["known"] = 0, 0
    for_each("chess_positions", _judge_one, pool, params, passed, np.zeros((1, 0), np.float32))


@lane
def _judge_one(s: Any, p: Any, passed: Any, out: Any) -> None:
    kernel.judge(s, p.tables[0], passed)


def _frame_row(row: int, to_move: int) -> int:
    return 7 - row if to_move else row


def _bits_of(board: int) -> np.ndarray:
    return np.array([board >> cell & 1 for cell in range(64)]).reshape(8, 8)


def _board_of(cells: np.ndarray | Sequence[Any]) -> int:
    return sum(1 << int(cell) for cell in np.flatnonzero(cells))
