"""Chess moves in the notations of programs (UCI: "e2e4", "e7e8q") and of people (SAN: "Nf3", "e8=Q+").

Sources: Meyer-Kahlen and Huber, "Universal Chess Interface" (2006); for SAN Edwards, "Portable Game
Notation Specification and Implementation Guide" (1994), section 8.2.3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quadrivium.envs.board.chess import tables
from quadrivium.envs.board.chess.position import LETTERS, from_row, square

_UCI = re.compile(r"([a-h])([1-8])([a-h])([1-8])([nbrq]?)")
_SAN = re.compile(r"([NBRQK]?)([a-h]?)([1-8]?)[x-]?([a-h][1-8])(?:[=/]?\(?([NBRQ])\)?)?[+#]{0,2}[!?]*")
_CASTLES = {"O-O": tables.SHORT_PLANE, "O-O-O": tables.LONG_PLANE}


@dataclass(frozen=True)
class Move:
    """An action in the position it belongs to.

    Attributes:
        kind: of the piece, as in `position.NAMES`; 0 if the cell is empty.
        origin, target: cells (row, column) from White's side. `target` may lie off the board.
        promotion: "", "n", "b", "r" or "q".
        captures: whether it takes a piece.
        castles: "O-O" or "O-O-O" where the king castles, else "".
    """

    kind: int
    origin: tuple[int, int]
    target: tuple[int, int]
    promotion: str
    captures: bool
    castles: str = ""

    @property
    def on_board(self) -> bool:
        """Whether `target` is a cell."""
        return min(self.target) >= 0 and max(self.target) < 8

    @property
    def uci(self) -> str:
        """The move's UCI name."""
        if not self.on_board:
            return f"off the board from {square(*self.origin)}"
        return square(*self.origin) + square(*self.target) + self.promotion


def decode(row: np.void, actions: Sequence[int], *, chess960: bool = False) -> list[Move]:
    """Returns what actions of the player to move mean; they need not be legal.

    chess960: the target of castling is the rook, as programs write it there; else where the king goes.
    """
    position, black = from_row(row), int(row["to_move"])
    cells = position.cells
    found: list[Move] = []
    for action in actions:
        plane, cell = divmod(action, 64)
        row_step, column_step = tables.STEPS_OF_PLANES[plane]
        origin, target = divmod(cell, 8), (cell // 8 + row_step, cell % 8 + column_step)
        last_row = target[0] == 0
        if black:
            origin, target = (7 - origin[0], origin[1]), (7 - target[0], target[1])
        kind = abs(int(cells[origin]))
        on_board = min(target) >= 0 and max(target) < 8
        promotion = ""
        if plane >= tables.UNDER_PLANES:
            promotion = tables.UNDER_PROMOTIONS[(plane - tables.UNDER_PLANES) // 3]
        elif kind == 1 and last_row:
            promotion = "q"
        en_passant = kind == 1 and column_step != 0
        castles = next((name for name in _CASTLES if kind == 6 and _CASTLES[name] == plane), "")
        right = ("Kk" if castles == "O-O" else "Qq")[black]
        if castles and chess960 and right in position.rights:
            target = (origin[0], position.rooks[right])
        captures = on_board and not castles and bool(cells[target] or en_passant)
        found.append(Move(kind, origin, target, promotion, captures, castles))
    return found


def encode(row: np.void, origin: tuple[int, int], target: tuple[int, int], promotion: str) -> int | None:
    """Returns the action that moves between two cells from White's side; None if no piece moves so."""
    if row["to_move"]:
        origin, target = (7 - origin[0], origin[1]), (7 - target[0], target[1])
    step = (target[0] - origin[0], target[1] - origin[1])
    if promotion in tables.UNDER_PROMOTIONS:
        if step[0] != -1 or step[1] not in tables.PAWN_COLUMNS or target[0] != 0:
            return None
        kind = tables.UNDER_PROMOTIONS.index(promotion)
        plane = tables.UNDER_PLANES + 3 * kind + tables.PAWN_COLUMNS.index(step[1])
    elif step in tables.PLANE_OF_STEP:
        plane = tables.PLANE_OF_STEP[step]
    else:
        return None
    return plane * 64 + origin[0] * 8 + origin[1]


def parse_uci(row: np.void, text: str, *, chess960: bool = False) -> int | None:
    """Returns the action of a UCI name; None if `text` is none; ValueError if no piece moves so.

    chess960: a king that takes a rook of its own castles.
    """
    found = _UCI.fullmatch(text)
    if found is None:
        return None
    origin, target = ((8 - int(found[k + 1]), "abcdefgh".index(found[k])) for k in (1, 3))
    action = encode(row, origin, target, found[5])
    if chess960:
        cells, sign = from_row(row).cells, -1 if row["to_move"] else 1
        if (cells[origin], cells[target]) == (6 * sign, 4 * sign) and origin[0] == target[0]:
            plane = _CASTLES["O-O" if target[1] > origin[1] else "O-O-O"]
            frame = 7 - origin[0] if row["to_move"] else origin[0]
            return plane * 64 + frame * 8 + origin[1]
    if action is None:
        raise ValueError(
            f"no piece moves from {text[:2]} to {text[2:4]}{' as ' + found[5] if found[5] else ''}"
        )
    [move] = decode(row, [action])
    if move.promotion != found[5]:
        if move.promotion:
            raise ValueError(f"{text!r} does not say what the pawn becomes: use {text + 'q'!r}, or n, b, r")
        raise ValueError(f"{text!r}: only a pawn that reaches the last rank becomes another piece")
    return action


_FIGURINES = str.maketrans("♔♕♖♗♘♚♛♜♝♞", "KQRBNKQRBN", "♙♟")


def parse_san(row: np.void, legal: Sequence[int], text: str, *, chess960: bool = False) -> int:
    """Returns the one of the `legal` actions that a SAN name means; ValueError if there is not just one."""
    written, text = text, re.sub(r"\s*e\.?p\.?$", "", text.translate(_FIGURINES))
    candidates = list(zip(legal, decode(row, legal, chess960=chess960), strict=True))
    castle = text.rstrip("+#!?").replace("0", "O")
    found = _SAN.fullmatch(text)
    if castle in _CASTLES:
        candidates = [(a, m) for a, m in candidates if m.castles == castle]
    elif found:
        kind = LETTERS.index(found[1] or "P")
        candidates = [
            (action, move)
            for action, move in candidates
            if move.kind == kind
            and square(*move.target) == found[4]
            and found[2] in ("", square(*move.origin)[0])
            and found[3] in ("", square(*move.origin)[1])
            and (found[5] or "").lower() == move.promotion
            and not (move.castles or (kind == 1 and not found[2] and move.captures))
        ]
    else:
        raise ValueError(
            f"{written!r} is no move: write it as 'e2e4', 'e7e8q', 'Nf3', 'exd5', 'O-O' or 'e8=Q'"
        )
    if not candidates:
        names = [move.uci for move in decode(row, legal, chess960=chess960)]
        more = f" and {len(names) - 40} more" if len(names) > 40 else ""
        raise ValueError(f"move {text} is illegal; legal moves: {', '.join(names[:40])}{more}")
    if len(candidates) > 1:
        raise ValueError(f"{text!r} is ambiguous: it may be {', '.join(move.uci for _, move in candidates)}")
    return candidates[0][0]


def san_stem(row: np.void, legal: Sequence[int], action: int) -> str:
    """Returns the SAN name of a legal action without the sign for check or mate."""
    [move] = decode(row, [action])
    origin, target = square(*move.origin), square(*move.target)
    takes = "x" if move.captures else ""
    if move.castles:
        return move.castles
    if move.kind == 1:
        return (
            (origin[0] if takes else "")
            + takes
            + target
            + ("=" + move.promotion.upper()) * bool(move.promotion)
        )
    rivals = [
        square(*other.origin)
        for other in decode(row, legal)
        if other.kind == move.kind and other.target == move.target and other.origin != move.origin
    ]
    same_column = any(rival[0] == origin[0] for rival in rivals)
    same_row = any(rival[1] == origin[1] for rival in rivals)
    column = origin[0] if rivals and (same_row or not same_column) else ""
    return LETTERS[move.kind] + column + (origin[1] if same_column else "") + takes + target
