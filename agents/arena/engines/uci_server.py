"""A player of ours as a UCI engine for chess: the answers, apart from any input and output.

Source: Huber & Meyer-Kahlen, "Description of the universal chess interface" (2006).

How long the player thinks its text says (`mcts:400`, `run:PATH?sims=800`) and, for one move, `go nodes N`,
where a node is a simulation. Clocks, `movetime` and `depth` are understood and change nothing; after
`go infinite` the move is said at `stop`. UCI has no answer for errors: they come as `info string`.

Our chess draws at once what players may claim (a position for the third time, fifty moves). Where a program
plays on, the game goes on from the position alone, without its past.
"""

import threading
from collections.abc import Callable

import numpy as np

from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.errors import UserError, one_line

STARTPOS = "startpos"
ROW = np.arange(1)


class UciServer:
    """Answers UCI commands; a move is thought about in a thread, so that `stop` and `isready` are heard.

    It says who it is before it makes a player, which may take long: programs wait a few seconds for that,
    and as long as it takes for `readyok`.

    Args:
        open_seat: makes a player of chess with so many simulations a move, None for its own number; raises
            UserError for a player that does not search, or cannot be.
        name, author: what the engine calls itself.
        write: is given each line of answer, by one thread at a time.

    Attributes:
        ended: whether it was told to quit.
    """

    def __init__(
        self, open_seat: Callable[[int | None], Seat], name: str, author: str, write: Callable[[str], None]
    ) -> None:
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
        self._stop = threading.Event()
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
        self._write("uciok")

    def isready(self, words: list[str]) -> None:
        """Says so."""
        self._write("readyok")

    def setoption(self, words: list[str]) -> None:
        """Has none."""
        name = " ".join(words[1:]).split(" value ")[0]
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
            start, pool = STARTPOS, game.pool(1)
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
        until_stopped = "infinite" in words or "ponder" in words
        self._thinking = threading.Thread(target=self._think, args=(until_stopped,), daemon=True)
        self._thinking.start()

    def stop(self, words: list[str]) -> None:
        """Wants the move now; a search that runs is waited for."""
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
        self._stop.set()
        self.wait()

    def _think(self, until_stopped: bool) -> None:
        move = "0000"  # UCI's word for no move
        try:
            if not self._seat.over:
                move = self._seat.game.move_name(self._seat.row, self._seat.choose())
        except Exception as error:  # a program that waits for a move must not wait for ever
            self._write(f"info string error: {one_line(error)}")
        if until_stopped:
            self._stop.wait()
        self._write(f"bestmove {move}")

    def _open(self) -> Seat:
        if self._own_seat is None:
            self._own_seat = self._open_seat(None)
        return self._own_seat

    def _seat_for(self, nodes: int | None) -> Seat:
        if nodes is None:
            return self._open()
        if self._other_seat is None or self._other_seat[0] != nodes:
            if self._other_seat is not None:
                self._starts.pop(id(self._other_seat[1]), None)
                self._other_seat[1].player.close()
            self._other_seat = nodes, self._open_seat(nodes)
        return self._other_seat[1]

    def _catch_up(self) -> None:
        """Brings the seat to the position, by further moves where it can: its player may think on."""
        seat, actions = self._seat, self._actions
        same = self._starts.get(id(seat)) == self._start
        if not same or list(seat.actions) != actions[: len(seat.actions)]:
            fen = self._start != STARTPOS
            seat.reset(seat.game.parse_position(self._start, "fen") if fen else None)
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
