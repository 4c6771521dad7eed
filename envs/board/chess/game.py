"""Chess for people: its documentation page, its notations, its diagrams."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np

from quadrivium.envs.board import symmetries
from quadrivium.envs.board.board_game import BoardGame, Look, Record, require_whole
from quadrivium.envs.board.chess import fen, kernel, moves, pgn, position, starts, tables
from quadrivium.envs.board.chess.position import LETTERS, Position
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_flag, require_number

USUAL_FEN = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"


class Chess(BoardGame):
    """Two armies of sixteen pieces on 8 x 8 squares; who attacks the other's king without escape has won.

    The rules are the FIDE Laws of Chess (2023): castling, en passant, promotion to a queen, rook, bishop or
    knight. A player in check who has no legal move has lost (checkmate); one not in check draws (stalemate).
    These also end a game as a draw, at once and without anyone's claim:

    - the same position for the third time: equal pieces, mover, castling rights and legal captures en
      passant (9.2). A position that was read from text begins with no past;
    - a hundred half-moves without a capture or a pawn's move (9.3), unless the last one mates;
    - pieces with which nobody can be mated: kings with at most one knight, or kings with bishops that all
      stand on one colour of squares. So python-chess defines it. Positions that are blocked for ever, which
      FIDE 5.2.2 ends too, are played on.

    With `chess960` it is Fischer random chess (FIDE Laws, guideline II): games begin from one of 960
    positions, and king and rook go where they do in castling, wherever they stood.

    Options: `chess960` (no); `start`, the number of the first position there, 0 to 959 (518 is the usual
    one), by default drawn anew for each game.

    What players may claim under FIDE is automatic here, so a game may end before one of python-chess (whose
    `outcome()` without claims waits for five repetitions and 75 moves).

    Actions: 4672, 73 planes of 64 squares as in AlphaZero (Silver et al. 2018). The index is plane * 64 + the
    square of the piece that moves, squares row by row from the top left in the mover's frame: Black sees the
    board upside down, files not exchanged, so that the mover's pawns always walk up. Planes 0-55: a queen's
    moves, the eight directions clockwise from straight up, of 1 to 7 squares each. Planes 56-63: a knight's,
    clockwise from two up and one right. Planes 64-72: promotions to knight, bishop, rook, each taking to the
    left, straight, taking to the right. A pawn that reaches the last row by a queen's move becomes a queen;
    castling is the king's move of two squares, also where with `chess960` it ends elsewhere.

    Notation: UCI ("e2e4", "e7e8q") is written; UCI and SAN ("Nf3", "exd5", "O-O", "e8=Q+") are read, and
    `san` writes SAN. With `chess960` UCI's castling is the king that takes its rook ("e1h1").

    Positions: FEN, and a diagram with White's pieces in capitals. FEN names an en passant square only if a
    pawn can legally be taken there, and reads any that a pawn may have passed. With `chess960` X-FEN is
    written, and Shredder-FEN is read, too. In a diagram, and in `set_up`, a side may castle wherever its king
    and rook stand at home (nowhere if first positions are drawn), and nothing can be taken en passant, as in
    chess problems (Codex for Chess Composition, article 16).

    Planes: pawns, knights, bishops, rooks, queens, king of the observer, then the other's; the square where a
    pawn can be taken en passant; castling rights, own short, own long, other short, other long; whether the
    position occurred once before, and twice (then the game is over); the fifty-move clock, 1 at a hundred
    half-moves. No plane says who is White: in the mover's frame both sides play the same game.

    Source: FIDE Handbook E/01, Laws of Chess in force from 1 January 2023.
    """

    title = "Chess"
    players = ("white", "black")
    glyphs = {0: "."} | {
        sign * kind: letter if sign == 1 else letter.lower()
        for sign in (1, -1)
        for kind, letter in enumerate(LETTERS)
        if kind
    }
    look: ClassVar[Look] = "squares"

    def __init__(self, chess960: bool = False, start: int | None = None) -> None:
        require_flag("chess960", chess960)
        if start is not None:
            require_number("start", start, 0, starts.COUNT - 1, integer=True)
            if not chess960:
                raise ValueError(f"start={start!r} is for chess960=True; give that, or leave start out")
        self.chess960 = chess960
        self.draws_start = chess960 and start is None
        first = starts.USUAL if start is None else start
        self._first_row = None if self.draws_start else starts.back_row(first)
        table = starts.starts_of(0, starts.COUNT) if self.draws_start else starts.starts_of(first, first + 1)
        kinds = ("pawns", "knights", "bishops", "rooks", "queens", "king")
        super().__init__(
            kernel.RULES,
            kernel.ChessParams(starts=table),
            kernel.STATE,
            shape=(8, 8),
            num_actions=tables.NUM_ACTIONS,
            planes=(
                *(f"{side} {kind}" for side in ("own", "other") for kind in kinds),
                "en passant",
                *(f"{side} castling {way}" for side in ("own", "other") for way in ("short", "long")),
                "repeated once",
                "repeated twice",
                "fifty-move clock",
            ),
            symmetries=symmetries.identity(8, 8, tables.NUM_ACTIONS),
        )

    @property
    def formats(self) -> dict[str, tuple[Callable[[np.void], str], Callable[[str], np.ndarray]]]:
        """FEN, then the diagram."""
        return {"fen": (self._fen, self._parse_fen), **super().formats}

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the pieces (8, 8) int8: 1 to 6 pawn, knight, bishop, rook, queen, king; Black's < 0."""
        return position.from_row(row).cells

    def as_seen(self, cells: np.ndarray, player: int) -> np.ndarray:
        """Mirrors the board top to bottom for black."""
        return cells[::-1] if player else cells

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with these pieces; raises ValueError if no game can lead to them.

        A side may castle where its king and rook stand at home; nothing can be taken en passant.
        """
        row = self._first_row
        if row is None:
            return self._pool_of(Position(cells, to_move))
        long, short = (column for column, kind in enumerate(row) if kind == 4)
        rooks = {"K": short, "Q": long, "k": short, "q": long}
        rights = position.rights_at_home(cells, rooks, row.index(6))
        return self._pool_of(Position(cells, to_move, rights, rooks=rooks))

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the action in UCI notation."""
        return moves.decode(row, [action], chess960=self.chess960)[0].uci

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that a move in UCI notation names, or a legal one in SAN; raises ValueError."""
        text = text.strip()
        action = moves.parse_uci(row, text, chess960=self.chess960)
        if action is not None:
            return action
        return moves.parse_san(row, self._legal_actions(row), text, chess960=self.chess960)

    def san(self, row: np.void, action: int) -> str:
        """Returns a legal action in standard algebraic notation; raises ValueError if it is not legal."""
        after = np.array([row], self.state_dtype)
        stem = moves.san_stem(row, self._legal_actions(row), action)
        self.step(after, np.arange(1), np.array([action]))
        mate = after["over"][0] and after["winner"][0] >= 0
        return stem + ("#" if mate else "+" if after["checkers"][0] else "")

    def read_records(self, text: str | bytes, plies: int | None = None) -> list[Record]:
        """Returns each game of a PGN text: its start, the actions of its main line, and its end.

        plies: no more of each game is read. Bytes are UTF-8 or Latin-1. What was played on after a draw that
        players must claim is left out. Raises ValueError that names the game and the move where one cannot be
        played.
        """
        return require_whole(self.each_record(text, plies))

    def each_record(self, text: str | bytes, plies: int | None = None) -> Iterator[Record | ValueError]:
        """Yields what `read_records` returns, or for a game that cannot be read what is wrong with it."""
        number = 0
        try:
            for number, written in enumerate(pgn.split_games(pgn.decode(text)), 1):
                try:
                    yield self._replay(written, plies)
                except ValueError as error:
                    yield ValueError(f"game {number} of the PGN: {error}")
        except ValueError as error:
            yield ValueError(f"game {number + 1} of the PGN: {error}")

    def _replay(self, written: pgn.PgnGame, plies: int | None) -> Record:
        fen_text = written.fen(chess960=self.chess960) or (USUAL_FEN if self.chess960 else "")
        start = self.parse_position(fen_text, "fen") if fen_text else self.pool(1)
        end, actions = start.copy(), list[int]()
        for name in written.moves[:plies]:
            if end["over"][0] and self._only_claimed(end[0]):
                break
            try:
                if end["over"][0]:
                    raise ValueError(f"{name} was played after the game's end")
                action = self.parse_move(end[0], name)
                self.step(end, np.arange(1), np.array([action]))
            except ValueError as error:
                ply = int(end["ply"][0])
                raise ValueError(f"move {ply // 2 + 1}{'.' if ply % 2 == 0 else '...'} {error}") from None
            actions.append(action)
        results = {"1-0": 1, "1/2-1/2": 0, "0-1": -1}
        return Record(start, actions, end, results.get(written.tags.get("Result", "")))

    def _only_claimed(self, row: np.void) -> bool:
        """Returns whether a game that is over goes on where nobody claims that: it has no other reason."""
        fields = self._fen(row).split()
        return not self._parse_fen(" ".join([*fields[:4], "0", fields[5]]))["over"][0]

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cells that the last move led from and to."""
        action = int(row["last_move"])
        if action == NO_MOVE:
            return []
        plane, cell = divmod(action, 64)
        rows, columns = tables.STEPS_OF_PLANES[plane]
        ends = [(cell // 8, cell % 8), (cell // 8 + rows, cell % 8 + columns)]
        if self.chess960 and plane in (tables.SHORT_PLANE, tables.LONG_PLANE):
            column = 6 if plane == tables.SHORT_PLANE else 2
            seen = self.cells(row) if row["to_move"] else -self.cells(row)[::-1]
            if cell // 8 == 7 and seen[7, column] == 6:  # the king's move by two is no other piece's
                ends[1] = (7, column)
        return ends if row["to_move"] else [(7 - r, c) for r, c in ends]

    def _legal_actions(self, row: np.void) -> list[int]:
        mask = self.legal(np.array([row], self.state_dtype), np.arange(1))[0]
        return [int(action) for action in np.flatnonzero(mask)]

    def _pool_of(self, place: Position) -> np.ndarray:
        pool = self.new_row(place.to_move, 2 * (place.number - 1) + place.to_move)
        position.write(pool, self.params, place, chess960=self.chess960)
        return pool

    def _fen(self, row: np.void) -> str:
        return fen.to_fen(position.from_row(row))

    def _parse_fen(self, text: str) -> np.ndarray:
        return self._pool_of(fen.parse_fen(text, chess960=self.chess960))
