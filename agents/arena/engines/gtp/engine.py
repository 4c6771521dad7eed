"""The Go Text Protocol from the controller's side: an engine that is asked for moves.

Source: Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002).
"""

import contextlib
import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from quadrivium.agents.arena.engines.engine import Engine
from quadrivium.agents.arena.players import EngineError, Resignation, TableGame
from quadrivium.agents.arena.referee.clock import Clocks, TimeControl

COLOURS = ("b", "w")
CLEANUP = "kgs-genmove_cleanup"  # like genmove, but passes only when no dead stone is left (KGS's extension)
NEEDED = ("boardsize", "clear_board", "play", "genmove")


def parse_score(text: str) -> float:
    """Returns black's lead by a GTP score such as "B+3.5", "W+2" or "0"; raises ValueError."""
    winner, plus, margin = text.strip().partition("+")
    if text.strip() == "0":
        return 0.0
    if plus and winner.upper() in ("B", "W"):
        with contextlib.suppress(ValueError):
            return float(margin) * (1 if winner.upper() == "B" else -1)
    raise ValueError(f"{text[:40]!r}, which is no score; expected one such as 'B+3.5'")


def score_text(lead: float) -> str:
    """Returns a GTP score of black's lead: "B+3.5", "W+2", "0"."""
    return f"{'B' if lead > 0 else 'W'}+{abs(lead):g}" if lead else "0"


class GtpRefusal(EngineError):
    """The engine answered a command with `?`; it goes on."""


@dataclass(frozen=True)
class GtpSetup:
    """What an engine is told before each game.

    Attributes:
        size: of the board.
        komi: what White gets; None where the game has none.
        answer_seconds: how long it may take for a move.
        command_seconds: how long it may take for any other answer; starting takes some engines longest.
        seconds_a_move: what it is told that it has for each move; None: nothing is said of it.
        time_control: of its clock; None: it has none.
    """

    size: int
    komi: float | None
    answer_seconds: float
    command_seconds: float
    seconds_a_move: float | None = None
    time_control: TimeControl | None = None


class GtpEngine(Engine):
    """A running GTP engine, made ready for games of one size and komi.

    Args:
        command: the program and its arguments.
        name: what errors call it.
        setup: what it is told before each game.
    """

    def __init__(self, command: list[str], name: str, setup: GtpSetup) -> None:
        self._setup = setup
        super().__init__(command, name)

    def _greet(self) -> None:
        setup, name = self._setup, self.name
        self._known = frozenset(self.ask("list_commands").split())
        needed = NEEDED if setup.komi is None else (*NEEDED, "komi")
        missing = [command for command in needed if command not in self._known]
        if missing:
            raise EngineError(f"{name} does not know the GTP command {missing[0]!r}; it cannot play here")
        limit = "movetime" if setup.seconds_a_move else "tc" if setup.time_control else ""
        if limit and not self.knows("time_settings"):
            raise EngineError(f"{name} does not know 'time_settings'; leave {limit} out")
        self.version = self._version()

    def _version(self) -> str:
        words: list[str] = []
        for command in filter(self.knows, ("name", "version")):
            with contextlib.suppress(GtpRefusal):
                words += self.ask(command).split()
        return " ".join(words)

    def knows(self, command: str) -> bool:
        """Whether it listed a command."""
        return command in self._known

    def ask(self, command: str, seconds: float | None = None) -> str:
        """Returns the answer to a command, its lines joined by line breaks.

        Raises GtpRefusal if the engine says no, EngineError if it says nothing, or nothing of sense.
        """
        self.process.send(command)
        deadline = time.monotonic() + (self._setup.command_seconds if seconds is None else seconds)
        line = ""
        while not line.strip():  # blank lines before an answer mean nothing
            line = self.process.read(deadline, command)
        if line[0] not in "=?":
            self.process.kill()
            raise EngineError(
                f"{self.name} answered {command!r} with {line[:80]!r}, which is no GTP; has it such a mode?"
            )
        lines = [line[1:].strip()]
        while (more := self.process.read(deadline, command)).strip():
            lines.append(more.rstrip())
        answer = "\n".join(lines).strip()
        if line[0] == "?":
            raise GtpRefusal(f"{self.name} refused {command!r}: {' '.join(answer.split()) or 'no reason'}")
        return answer

    def begin(self, seed: int) -> None:
        """Sets up an empty board."""
        self.ask(f"boardsize {self._setup.size}")
        self.ask("clear_board")
        if self._setup.komi is not None:
            self.ask(f"komi {self._setup.komi:g}")
        if self.knows("set_random_seed"):  # GNU Go's
            self.ask(f"set_random_seed {seed % 2**31}")
        if (control := self._setup.time_control) is not None:
            seconds = max(1, int(control.seconds))  # GTP counts whole ones; increments come with `time_left`
            told = f"{seconds} 0 0" if control.moves is None else f"0 {seconds} {control.moves}"
            self.ask(f"time_settings {told}")
        elif self._setup.seconds_a_move:
            # No main time, then one stone in each period: so GTP says "seconds a move", in whole ones.
            self.ask(f"time_settings 0 {max(1, round(self._setup.seconds_a_move))} 1")

    def start_from(self, game: TableGame, position: np.void) -> None:
        """Puts stones on the empty board, one by one: in Go GTP lets a colour play as often as it likes."""
        if self._setup.komi is None:
            raise EngineError(f"{self.name} cannot be told of another first position by GTP")
        cells = cast(Any, game).cells(position)
        for point in np.flatnonzero(cells).tolist():
            colour = COLOURS[0 if cells.flat[point] > 0 else 1]
            self.ask(f"play {colour} {game.move_name(position, point)}")

    def choose(self, seat: int, clocks: Clocks | None) -> str:
        """Returns the move that it makes, which it has played then."""
        seconds = self._setup.answer_seconds
        if clocks is not None:
            seconds = min(seconds, clocks.own.limit)
            if self.knows("time_left"):
                self.ask(f"time_left {COLOURS[seat]} {int(clocks.own.left)} {clocks.own.moves_to_go or 0}")
        answer = self.ask(f"genmove {COLOURS[seat]}", seconds)
        is_go = self._setup.komi is not None
        if is_go and answer.lower() == "pass" and self.knows(CLEANUP) and self.knows("undo"):
            # Here dead stones that were not captured count as alive. GNU Go passes when it knows them dead,
            # and so lost 2 of 40 games against random moves; it may pass when nothing is left to capture.
            self.ask("undo")
            answer = self.ask(f"{CLEANUP} {COLOURS[seat]}", seconds)
        if answer.lower() == "resign":
            raise Resignation(f"{self.name} resigned")
        return answer

    def hear(self, seat: int, move: str, chosen: bool) -> None:
        """Plays a move, unless `genmove` has."""
        if chosen:
            return
        try:
            self.ask(f"play {COLOURS[seat]} {move}")
        except GtpRefusal:
            # In Othello a pass is forced, and so tells nothing: GRhino takes none, and goes on without.
            if self._setup.komi is not None or move != "pass":
                raise
