"""A player of ours as a UCI engine for chess: the answers, apart from any input and output.

Source: Huber & Meyer-Kahlen, "Description of the universal chess interface" (2006).

How long the player thinks its text says (`mcts:400`, `run:PATH?sims=800`) and, for one move, `go nodes N`,
where a node is a simulation. It thinks no longer than `movetime`, or than its clock allows, and not after
`stop`; `depth` changes nothing, and after `go infinite` the move is said at `stop`. What it thinks is told
as `info`, once a second and with the move. UCI has no answer for errors: they come as `info string`.

Our chess draws at once what players may claim (a position for the third time, fifty moves). Where a program
plays on, the game goes on from the position alone, without its past.
"""

import math
import re
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.arena.referee.centipawns import centipawns
from quadrivium.agents.errors import UserError, one_line

STARTPOS = "startpos"
STARTPOS_FEN = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
CHESS960 = "UCI_Chess960"
RESERVE = 0.02  # seconds of a move's time that the way to the program and back may take
USUAL_MOVES = 25  # that a clock is to be enough for
ROW = np.arange(1)


class UciServer:
    """Answers UCI commands; a move is thought about in a thread, so that `stop` and `isready` are heard.

    It says who it is before it makes a player, which may take long: programs wait a few seconds for that,
    and as long as it takes for `readyok`.

    Args:
        open_seat: makes a player of chess, or of chess960, with so many simulations a move, None for its own
            number; raises UserError for a player that does not search, or cannot be.
        name, author: what the engine calls itself.
        write: is given each line of answer, by one thread at a time.
        chess960: which of both is played until the program says.

    Attributes:
        ended: whether it was told to quit.
    """

    def __init__(
        self,
        open_seat: Callable[[int | None, bool], Seat],
        name: str,
        author: str,
        write: Callable[[str], None],
        *,
        chess960: bool = False,
    ) -> None:
        self._chess960 = chess960
        self._open_seat, self._name, self._author = open_seat, name, author
        self._own_seat: Seat | None = None
        self._seat: Seat  # who thinks
        self._other_seat: tuple[int, Seat] | None = None  # the last that `go nodes` asked for
        self._start, self._actions = STARTPOS, list[int]()
        self._refused = False  # the last position, so that there is none to find a move in
        self._starts: dict[int, str] = {}  # by id of a seat, where its game began
        self._writing = threading.Lock()
        self._write_line = write
        self._thinking: threading.Thread | None = None
        self._stop = threading.Event()  # the move may be said
        self._cut = threading.Event()  # nothing is to be thought about any more
        self.ended = False

    def hear(self, line: str) -> None:
        """Does what a line says; unknown words are passed over, as UCI wants it.

        Raises UserError if the player cannot be made, which it is when it is needed for the first time.
        """
        words = line.split()
        while words and words[0] not in COMMANDS:
            words.pop(0)
        if words and words[0] not in ("uci", "quit"):
            self._open()
        if words:
            try:
                COMMANDS[words[0]](self, words[1:])
            except (EngineError, UserError, ValueError) as error:
                self._write(f"info string error: {one_line(error)}")

    def wait(self) -> None:
        """Waits until nothing is being thought about."""
        if self._thinking is not None:
            self._thinking.join()
            self._thinking = None

    def uci(self, words: list[str]) -> None:
        """Says who it is."""
        self._write(f"id name {self._name}")
        self._write(f"id author {self._author}")
        self._write(f"option name {CHESS960} type check default {str(self._chess960).lower()}")
        self._write("uciok")

    def isready(self, words: list[str]) -> None:
        """Says so."""
        self._write("readyok")

    def setoption(self, words: list[str]) -> None:
        """Takes one: whether chess960 is played, with its castling in moves and FEN."""
        name, _, value = " ".join(words[1:]).partition(" value ")
        if name.lower() == CHESS960.lower():
            wanted = value.strip().lower() == "true"
            if wanted != self._chess960:
                self._finish()
                self._chess960, self._own_seat, self._other_seat = wanted, None, None
                self.ucinewgame([])
            return
        self._write(f"info string error: no option {name!r}; how strong it is its command says")

    def ucinewgame(self, words: list[str]) -> None:
        """Forgets the game."""
        self._finish()
        self._start, self._actions, self._refused = STARTPOS, [], False
        self._starts.clear()

    def position(self, words: list[str]) -> None:
        """Sets up a position and plays moves, all or nothing; after nothing, `go` finds no move."""
        self._finish()
        self._refused = True
        game = self._open().game
        end = words.index("moves") if "moves" in words else len(words)
        if words[:1] == [STARTPOS]:
            start = STARTPOS
            pool = game.parse_position(STARTPOS_FEN, "fen") if self._chess960 else game.pool(1)
        elif words[:1] == ["fen"]:
            start = " ".join(words[1:end])
            pool = game.parse_position(start, "fen")
        else:
            raise ValueError("position is followed by startpos or fen")
        actions: list[int] = []
        for move in [*words[end + 1 :], None]:
            if game.result(pool, ROW).over[0] and (further := self._without_past(pool)) is not None:
                start, pool = further
                actions.clear()
            if move is not None:
                action = game.parse_move(pool[0], move)
                game.step(pool, ROW, np.array([action]))
                actions.append(action)
        self._start, self._actions, self._refused = start, actions, False

    def go(self, words: list[str]) -> None:
        """Begins to think; the move is said when it is found, or at `stop`.

        There is always an answer, for a program waits for it: 0000 where no position was understood.
        """
        self._finish()
        if self._refused:
            self._write("bestmove 0000")
            return
        try:
            self._seat = self._seat_for(_nodes(words))
        except (UserError, ValueError) as error:
            kind = "error: " if isinstance(error, ValueError) else ""
            self._write(f"info string {kind}{one_line(error)}")
            self._seat = self._open()
        self._catch_up()
        self._stop.clear()
        self._cut.clear()
        until_stopped = "infinite" in words or "ponder" in words
        seconds = math.inf if until_stopped else _seconds(words, self._seat.to_move)
        self._thinking = threading.Thread(target=self._think, args=(until_stopped, seconds), daemon=True)
        self._thinking.start()

    def stop(self, words: list[str]) -> None:
        """Wants the move now."""
        self._finish()

    def ponderhit(self, words: list[str]) -> None:
        """Wants the move as soon as it is found: the other side has played what was expected."""
        self._stop.set()

    def quit(self, words: list[str]) -> None:
        """Ends it."""
        self._finish()
        self.ended = True

    # ---- within

    def _finish(self) -> None:
        self._cut.set()
        self._stop.set()
        self.wait()

    def _think(self, until_stopped: bool, seconds: float) -> None:
        move = "0000"  # UCI's word for no move
        began = told = time.monotonic()

        def go_on(done: int) -> bool:
            nonlocal told
            now = time.monotonic()
            if now >= told + 1:
                told = now
                self._tell(now - began)
            return now < began + seconds and not self._cut.is_set()

        try:
            if not self._seat.over:
                action = self._seat.choose(go_on)
                self._tell(time.monotonic() - began, action)
                move = self._seat.game.move_name(self._seat.row, action)
        except Exception as error:  # a program that waits for a move must not wait for ever
            self._write(f"info string error: {one_line(error)}")
        if until_stopped:
            self._stop.wait()
        self._write(f"bestmove {move}")

    def _tell(self, seconds: float, chosen: int | None = None) -> None:
        """Says what the player thinks: its first line is that of the chosen move, if there is one already."""
        thought = self._seat.thought()
        if thought is None or not thought.lines:
            return
        line = next((line for line in thought.lines if line.actions[0] == chosen), thought.lines[0])
        score = round(centipawns(line.value))
        speed = round(thought.visits / max(seconds, 1e-3))
        self._write(
            f"info depth {len(line.actions)} nodes {thought.visits} nps {speed} time {round(1000 * seconds)} "
            f"score cp {score} pv {' '.join(self._seat.names(line.actions))}"
        )

    def _open(self) -> Seat:
        if self._own_seat is None:
            self._own_seat = self._open_seat(None, self._chess960)
        return self._own_seat

    def _seat_for(self, nodes: int | None) -> Seat:
        if nodes is None:
            return self._open()
        if self._other_seat is None or self._other_seat[0] != nodes:
            if self._other_seat is not None:
                self._starts.pop(id(self._other_seat[1]), None)
                self._other_seat[1].player.close()
            self._other_seat = nodes, self._open_seat(nodes, self._chess960)
        return self._other_seat[1]

    def _catch_up(self) -> None:
        """Brings the seat to the position, by further moves where it can: its player may think on."""
        seat, actions = self._seat, self._actions
        same = self._starts.get(id(seat)) == self._start
        if not same or list(seat.actions) != actions[: len(seat.actions)]:
            start = STARTPOS_FEN if self._start == STARTPOS and self._chess960 else self._start
            seat.reset(None if start == STARTPOS else seat.game.parse_position(start, "fen"))
        for action in actions[len(seat.actions) :]:
            seat.play(action)
        self._starts[id(seat)] = self._start

    def _without_past(self, pool: np.ndarray) -> tuple[str, np.ndarray] | None:
        """Returns the position as FEN with its clock at 0, and its pool (1,); None if that is over, too."""
        game = self._open().game
        fields = game.position_text(pool[0], "fen").split()
        fen = " ".join([*fields[:4], "0", fields[5]])
        pool = game.parse_position(fen, "fen")
        return None if game.result(pool, ROW).over[0] else (fen, pool)

    def _write(self, line: str) -> None:
        with self._writing:
            self._write_line(line)


def _seconds(words: list[str], seat: int) -> float:
    """Returns how long a move may take by `movetime`, or by the clock of the side to move; else infinity."""
    given = {word: int(value) for word, value in pairwise(words) if re.fullmatch(r"-?\d+", value)}
    left, more = given.get(f"{'wb'[seat]}time"), given.get(f"{'wb'[seat]}inc", 0)
    if "movetime" in given:
        milliseconds: float = given["movetime"]
    elif left is None:
        return math.inf
    else:
        milliseconds = min(left / max(1, given.get("movestogo", USUAL_MOVES)) + 0.8 * more, 0.8 * left)
    return max(0.0, milliseconds / 1000 - RESERVE)


def _nodes(words: list[str]) -> int | None:
    """Returns the number behind `nodes`, None without the word; raises ValueError for no number from 1."""
    if "nodes" not in words:
        return None
    number = words[words.index("nodes") + 1 : words.index("nodes") + 2]
    if not number or not number[0].isdecimal() or int(number[0]) < 1:
        raise ValueError("go nodes is followed by a number from 1")
    return int(number[0])


COMMANDS: dict[str, Callable[[UciServer, list[str]], None]] = {
    "uci": UciServer.uci,
    "isready": UciServer.isready,
    "setoption": UciServer.setoption,
    "ucinewgame": UciServer.ucinewgame,
    "position": UciServer.position,
    "go": UciServer.go,
    "stop": UciServer.stop,
    "ponderhit": UciServer.ponderhit,
    "quit": UciServer.quit,
}
