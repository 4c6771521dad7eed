"""A player of ours as a GTP engine for Go: the answers, apart from any input and output.

Source: Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002).

Where GTP leaves a choice: a colour may play twice in a row (a pass is put between), `final_score` counts area
with every stone alive, `genmove` in a game that is over answers a pass, and a player thinks as long as its
text says, but no longer than its clock allows. GTP ends no game by a limit on moves: where our rules would,
the game goes on at a seat with a higher one. Handicap stones stand on the board before White begins, and cost
nothing when area is counted.

It says who it is before it makes a player, which may take long: programs wait a few seconds for that.
"""

import contextlib
import math
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from quadrivium.agents.arena.engines.analysis import Analysis, analysis_line, parse_analysis
from quadrivium.agents.arena.engines.gtp import COLOURS, score_text
from quadrivium.agents.arena.engines.handicap import fixed_handicap
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError, TableGame, Thinker
from quadrivium.agents.errors import UserError, one_line

SEATS = {"b": 0, "black": 0, "w": 1, "white": 1}
PASS = "pass"
MAX_MOVES = 10_000  # no game of Go can be longer here
USUAL_MOVES = 30  # that a clock is to be enough for
RESERVE = 0.9  # the part of a move's time that is thought in
ROW = np.arange(1)


class GtpFailure(Exception):
    """What a command is answered with after the question mark."""


class Scored(TableGame, Protocol):
    """What is asked of Go beyond what every game has."""

    @property
    def params(self) -> Any:
        """Has `max_moves`, after which a game ends."""
        ...

    def score(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns black's area less white's and less komi (n,) float32."""
        ...


class Recorded(TableGame, Protocol):
    """What else is asked of Go: positions as stones, games as SGF."""

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (size, size) int8: 1 black, -1 white."""
        ...

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with these stones; raises ValueError if a chain has no liberty."""
        ...

    def read_record(self, text: bytes) -> Any:
        """Returns the start, the actions and the end of an SGF game; raises ValueError."""
        ...


class GtpServer:
    """Answers GTP commands; keeps a game between them.

    Args:
        open_seat: makes a player for a board (size, komi) and games of at most so many moves, None for the
            usual number; raises UserError for a board that it cannot play on.
        name: what the engine calls itself.
        version: of it.
        board: returns size and komi of the board at first.

    Attributes:
        ended: whether it was told to quit.
        analysis: what is to be told of a position until the next line comes; None: nothing.
    """

    def __init__(
        self,
        open_seat: Callable[[int, float, int | None], Seat],
        name: str,
        version: str,
        board: Callable[[], tuple[int, float]] = lambda: (9, 7.0),
    ) -> None:
        self._open_seat, self._name, self._version, self._board = open_seat, name, version, board
        self._seats: dict[tuple[int, float, int | None], Seat] = {}
        self._size, self._komi = 0, 0.0
        self._max_moves: int | None = None  # of this game, where the usual number was not enough
        self._seat: Seat
        self._seconds: dict[int, float] = {}  # that a move of a seat may take
        self.analysis: Analysis | None = None
        self._marks: list[int] = []  # how many moves there were before each that may be undone
        self.ended = False

    def answer(self, line: str) -> str | None:
        """Returns what to write for a line, its empty line included; None for a comment or an empty line.

        The answer to a question for analysis has no empty line yet: `analyse` goes on with it.
        Raises UserError if the player cannot be made, which it is when it is needed for the first time.
        """
        words = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", line).split("#", 1)[0].split()
        if not words:
            return None
        number = words.pop(0) if words[0].isdecimal() else ""
        if words and words[0] in COMMANDS and words[0] not in OF_ITSELF and not self._size:
            size, komi = self._board()
            self._seat = self._seat_for(size, komi)
            self._size, self._komi = size, komi
        self.analysis = None
        try:
            if not words:
                raise GtpFailure("a number, but no command")
            command = COMMANDS.get(words[0])
            if command is None:
                raise GtpFailure("unknown command")
            sign, text = "=", command(self, words[1:])
        except GtpFailure as failure:
            sign, text = "?", str(failure)
        except (EngineError, UserError, ValueError) as error:
            sign, text = "?", one_line(error)
        gap = "" if text.startswith("\n") else " "
        return f"{sign}{number}{gap}{text}".rstrip() + ("\n" if self.analysis else "\n\n")

    def analyse(self, interrupted: Callable[[], bool]) -> str:
        """Returns a line on what the player thinks after thinking on for a while; "" if it thinks no more."""
        wanted = self.analysis
        if wanted is None or self._seat.over:
            return ""
        until, before = time.monotonic() + wanted.seconds, self._seat.thought()
        self._seat.choose(lambda done: time.monotonic() < until and not interrupted())
        thought = self._seat.thought()
        if thought is None or thought == before:
            return ""
        return analysis_line(thought, self._seat.names, wanted.kata) + "\n"

    # ---- what it says of itself

    def protocol_version(self, words: list[str]) -> str:
        """GTP 2."""
        return "2"

    def name(self, words: list[str]) -> str:
        """Its name."""
        return self._name

    def version(self, words: list[str]) -> str:
        """Its version."""
        return self._version

    def list_commands(self, words: list[str]) -> str:
        """What it knows, a line each."""
        return "\n".join(COMMANDS)

    def known_command(self, words: list[str]) -> str:
        """Whether it knows a command."""
        return "true" if words and words[0] in COMMANDS else "false"

    def quit(self, words: list[str]) -> str:
        """Ends it."""
        self.ended = True
        return ""

    # ---- the board

    def boardsize(self, words: list[str]) -> str:
        """Begins a game on another board; komi stays."""
        size = _number(words, 0, "a size")
        if not size.is_integer():
            raise GtpFailure("unacceptable size")
        try:
            self._seat_for(int(size), self._komi)
        except (UserError, ValueError) as error:
            raise GtpFailure(f"unacceptable size: {one_line(error)}") from None
        self._size = int(size)
        return self._begin()

    def fixed_handicap(self, words: list[str]) -> str:
        """Puts black stones on the usual points, and says where."""
        points = fixed_handicap(self._size, int(_number(words, 0, "a number of stones")))
        return self._set_handicap(points)

    def place_free_handicap(self, words: list[str]) -> str:
        """Puts black stones where the engine likes, on the usual points, perhaps fewer; says where."""
        stones = int(_number(words, 0, "a number of stones"))
        for fewer in range(stones, 1, -1):
            with contextlib.suppress(ValueError):
                return self._set_handicap(fixed_handicap(self._size, fewer))
        return self._set_handicap(fixed_handicap(self._size, stones))

    def set_free_handicap(self, words: list[str]) -> str:
        """Puts black stones on these points."""
        if len(words) < 2:
            raise GtpFailure("expected two points or more, such as: set_free_handicap D4 Q16")
        self._set_handicap(words)
        return ""

    def loadsgf(self, words: list[str]) -> str:
        """Sets up the game in a file, or the position before a move of it; says who is to move."""
        if not words:
            raise GtpFailure("expected a file")
        try:
            text = Path(words[0]).read_bytes()
        except OSError as error:
            raise GtpFailure(f"cannot load file: {error.strerror}") from None
        moves = int(_number(words, 1, "a move's number")) - 1 if len(words) > 1 else None
        size, komi = (_root_value(text, key) for key in ("SZ", "KM"))
        size = int(size or 19)
        komi = self._komi if komi is None else komi
        record = cast(Recorded, self._seat_for(size, komi, MAX_MOVES).game).read_record(text)
        self._size, self._komi, self._max_moves = size, komi, MAX_MOVES
        self._seat = self._seat_for(size, komi, MAX_MOVES)
        self._seat.reset(record.start, record.actions[:moves])
        self._marks = list(range(len(self._seat.actions)))
        return COLOURS[self._seat.to_move]

    def komi(self, words: list[str]) -> str:
        """Sets komi; what has been played stays."""
        komi = _number(words, 0, "a number")
        try:
            seat = self._seat_for(self._size, komi, self._max_moves)
        except (UserError, ValueError) as error:
            raise GtpFailure(f"unacceptable komi: {one_line(error)}") from None
        self._move_to(seat)
        self._komi = komi
        return ""

    def clear_board(self, words: list[str]) -> str:
        """Begins a game."""
        return self._begin()

    def play(self, words: list[str]) -> str:
        """Plays a stone or a pass of a colour."""
        if len(words) < 2:
            raise GtpFailure("expected a colour and a point, such as: play b D4")
        self._make_room()
        seat, vertex = self._seat, words[1]
        try:
            action = seat.game.parse_move(seat.row, vertex)
        except ValueError:
            raise GtpFailure(f"invalid point {vertex!r}") from None
        mark = len(seat.actions)
        self._turn(words[0])
        if not seat.game.legal(seat.pool, ROW)[0, action]:
            why = "illegal move: the game is over" if seat.over else "illegal move"
            seat.undo(mark)
            raise GtpFailure(why)
        seat.play(action)
        self._marks.append(mark)
        return ""

    def undo(self, words: list[str]) -> str:
        """Takes the last move back."""
        if not self._marks:
            raise GtpFailure("cannot undo")
        self._seat.undo(self._marks.pop())
        return ""

    def genmove(self, words: list[str]) -> str:
        """Chooses a colour's move, plays it and says it."""
        if not words:
            raise GtpFailure("expected a colour, such as: genmove b")
        self._make_room()
        seat, mark = self._seat, len(self._seat.actions)
        self._turn(words[0])
        if seat.over:
            seat.undo(mark)
            return PASS
        action = self._choose()
        move = seat.game.move_name(seat.row, action)
        seat.play(action)
        self._marks.append(mark)
        return move

    def reg_genmove(self, words: list[str]) -> str:
        """Chooses a colour's move and says it; it is not played."""
        seat, mark = self._seat, len(self._seat.actions)
        move = self.genmove(words)
        if len(seat.actions) > mark:
            seat.undo(self._marks.pop())
        return move

    def genmove_analyze(self, words: list[str], kata: bool) -> str:
        """Chooses a colour's move, plays it, and says what it thinks, and the move."""
        wanted = parse_analysis(words, kata)
        if wanted.colour is None:
            raise GtpFailure("expected a colour, such as: lz-genmove_analyze b 100")
        self._make_room()
        self._turn(wanted.colour)
        if self._seat.over:
            return f"\nplay {PASS}"
        action = self._choose()
        thought, names = self._seat.thought(), self._seat.names
        told = analysis_line(thought, names, kata) if thought else ""
        move = names([action])[0]
        self._marks.append(len(self._seat.actions))
        self._seat.play(action)
        return f"\n{told}\nplay {move}".replace("\n\n", "\n")

    def analyze(self, words: list[str], kata: bool) -> str:
        """Begins to think about the position, and to say what, until the next line comes."""
        wanted = parse_analysis(words, kata)
        if not isinstance(self._seat.player, Thinker):
            raise GtpFailure("this player does not search, so there is nothing to tell")
        if wanted.colour is not None:
            self._turn(wanted.colour)
        self.analysis = wanted
        return ""

    def showboard(self, words: list[str]) -> str:
        """Draws the board."""
        return "\n" + self._seat.game.position_text(self._seat.row, "ascii")

    def final_score(self, words: list[str]) -> str:
        """Counts area."""
        lead = float(cast(Scored, self._seat.game).score(self._seat.pool, ROW)[0])
        return score_text(lead)

    def final_status_list(self, words: list[str]) -> str:
        """Says which stones are alive: all of them, as they are counted."""
        if words[:1] not in (["alive"], ["dead"], ["seki"]):
            raise GtpFailure("expected alive, dead or seki")
        if words[0] != "alive":
            return ""
        cells, game = cast(Recorded, self._seat.game).cells(self._seat.row), self._seat.game
        return " ".join(game.move_name(self._seat.row, int(point)) for point in np.flatnonzero(cells))

    # ---- the clock

    def time_settings(self, words: list[str]) -> str:
        """Hears of main time, byo-yomi time and stones."""
        whole = ("main time", "byo-yomi time", "byo-yomi stones")
        main, period, stones = (_number(words, k, what) for k, what in enumerate(whole))
        self._seconds.clear()
        if main > 0 or stones > 0:  # no main time, and a period for no stones: no limit
            seconds = main / USUAL_MOVES if main > 0 else period / stones
            self._seconds = dict.fromkeys((0, 1), RESERVE * seconds)
        return ""

    def time_left(self, words: list[str]) -> str:
        """Hears what is left of a colour's time and stones."""
        seat = _seat_of(words[0] if words else "")
        seconds, stones = _number(words, 1, "seconds"), _number(words, 2, "stones")
        self._seconds[seat] = RESERVE * max(0.0, seconds) / (stones if stones >= 1 else USUAL_MOVES)
        return ""

    # ---- within

    def _seat_for(self, size: int, komi: float, max_moves: int | None = None) -> Seat:
        key = size, komi, max_moves
        if key not in self._seats:
            self._seats[key] = self._open_seat(*key)
        return self._seats[key]

    def _move_to(self, seat: Seat) -> None:
        """Goes on with the game at another seat."""
        if seat is not self._seat:
            game = cast(Recorded, seat.game)
            start = self._seat.start
            start = game.set_up(game.cells(start[0]), int(start["to_move"][0]))  # its rows may be longer
            seat.reset(start, self._seat.actions)
            self._seat = seat

    def _choose(self) -> int:
        """Returns the player's choice, within the time of the side to move."""
        until = time.monotonic() + self._seconds.get(self._seat.to_move, math.inf)
        return self._seat.choose(lambda done: time.monotonic() < until)

    def _set_handicap(self, points: list[str]) -> str:
        """Begins the game with black stones on `points`, White to move."""
        seat = self._seat
        game = cast(Recorded, seat.game)
        if seat.actions or game.cells(seat.row).any():
            raise GtpFailure("board not empty")
        cells = np.zeros((self._size, self._size), np.int8)
        for point in points:
            cell = divmod(game.parse_move(seat.row, point), self._size)
            if cell[0] == self._size or cells[cell]:
                raise GtpFailure(f"bad handicap stone {point!r}; give different points")
            cells[cell] = 1
        seat.reset(game.set_up(cells, SEATS["white"]))
        return " ".join(points)

    def _make_room(self) -> None:
        """Takes care that no limit ends the game with the next move, or with a pass put before it."""
        limit = int(cast(Scored, self._seat.game).params.max_moves)
        if len(self._seat.actions) + 2 >= limit and limit < MAX_MOVES:
            self._max_moves = min(4 * limit, MAX_MOVES)
            self._move_to(self._seat_for(self._size, self._komi, self._max_moves))

    def _begin(self) -> str:
        self._max_moves = None
        self._seat = self._seat_for(self._size, self._komi)
        self._seat.reset()
        self._marks.clear()
        return ""

    def _turn(self, colour: str) -> None:
        """Lets the other side pass where it is not the turn of `colour`."""
        seat = self._seat
        if seat.to_move != _seat_of(colour) and not seat.over:
            seat.play(seat.game.parse_move(seat.row, PASS))


COMMANDS: dict[str, Callable[[GtpServer, list[str]], str]] = {
    "protocol_version": GtpServer.protocol_version,
    "name": GtpServer.name,
    "version": GtpServer.version,
    "known_command": GtpServer.known_command,
    "list_commands": GtpServer.list_commands,
    "quit": GtpServer.quit,
    "boardsize": GtpServer.boardsize,
    "clear_board": GtpServer.clear_board,
    "komi": GtpServer.komi,
    "play": GtpServer.play,
    "genmove": GtpServer.genmove,
    "undo": GtpServer.undo,
    "showboard": GtpServer.showboard,
    "final_score": GtpServer.final_score,
    "reg_genmove": GtpServer.reg_genmove,
    "kgs-genmove_cleanup": GtpServer.genmove,  # stones count as alive here in any case
    "fixed_handicap": GtpServer.fixed_handicap,
    "place_free_handicap": GtpServer.place_free_handicap,
    "set_free_handicap": GtpServer.set_free_handicap,
    "loadsgf": GtpServer.loadsgf,
    "final_status_list": GtpServer.final_status_list,
    "lz-analyze": partial(GtpServer.analyze, kata=False),
    "kata-analyze": partial(GtpServer.analyze, kata=True),
    "lz-genmove_analyze": partial(GtpServer.genmove_analyze, kata=False),
    "kata-genmove_analyze": partial(GtpServer.genmove_analyze, kata=True),
    "time_settings": GtpServer.time_settings,
    "time_left": GtpServer.time_left,
}
OF_ITSELF = ("protocol_version", "name", "version", "known_command", "list_commands", "quit")


def _root_value(text: bytes, key: str) -> float | None:
    """Returns the number of a property of an SGF's first game; None where it has none."""
    found = re.search(rb"(?<![A-Z])" + key.encode() + rb"\s*\[\s*([-+0-9.]+)\s*\]", text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _seat_of(colour: str) -> int:
    if colour.lower() not in SEATS:
        raise GtpFailure(f"invalid colour {colour!r}; expected b or w")
    return SEATS[colour.lower()]


def _number(words: list[str], k: int, what: str) -> float:
    try:
        return float(words[k])
    except (IndexError, ValueError):
        raise GtpFailure(f"expected {what}{f', not {words[k]!r}' if len(words) > k else ''}") from None
