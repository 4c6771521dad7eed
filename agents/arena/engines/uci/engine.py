"""The Universal Chess Interface from the controller's side: an engine that is asked for moves.

Source: Huber & Meyer-Kahlen, "Description of the universal chess interface" (2006).
"""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from quadrivium.agents.arena.engines.engine import Engine
from quadrivium.agents.arena.players import EngineError, TableGame
from quadrivium.agents.arena.referee.centipawns import MATE
from quadrivium.agents.arena.referee.clock import Clock, Clocks, TimeControl

LIMITS = ("movetime", "nodes", "depth")
SLACK = 3.0  # seconds that a busy machine may add to a move
EXAMPLES = {"depth": 8, "movetime": 100, "nodes": 1000}
NO_MOVE = ("(none)", "0000")  # what engines answer that see no legal move
WORDS = ("name", "type", "default", "min", "max", "var")
# Engines that speak only XBoard's protocol answer the line "uci" so: "Error (unknown command): uci".
REFUSED = re.compile(
    r"\b(error|illegal|invalid|unknown|unrecogni[sz]ed|bad)\b.*[\s:'\"`(]uci\W*$", re.IGNORECASE
)


@dataclass(frozen=True)
class UciOption:
    """An option that an engine offers.

    Attributes:
        kind: check, spin, combo, button or string.
        default: as the engine wrote it.
        low, high: of a spin.
        choices: of a combo.
    """

    name: str
    kind: str
    default: str = ""
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()

    def fault(self, value: str) -> str:
        """Returns what is wrong with a value, as "expected …"; "" if nothing is."""
        if self.kind == "check" and value not in ("true", "false"):
            return "expected true or false"
        if self.kind == "combo" and value.lower() not in map(str.lower, self.choices):
            return f"expected one of {', '.join(self.choices)}"
        if self.kind == "spin":
            number = _whole(value)
            low, high = (
                -math.inf if self.low is None else self.low,
                math.inf if self.high is None else self.high,
            )
            if number is None or not low <= number <= high:
                return f"expected a whole number from {low} to {high}"
        return ""


@dataclass(frozen=True)
class UciSetup:
    """How an engine is set and how long it thinks.

    Attributes:
        options: by the engine's own names; a button's value is ignored.
        limits: movetime (milliseconds), nodes, depth: what `go` says, together.
        time_control: of its clock; None: it has none.
        start: where games begin, in the words of `position`.
        answer_seconds: how long it may take for a move.
        command_seconds: how long it may take for any other answer.
    """

    options: Mapping[str, str]
    limits: Mapping[str, int]
    answer_seconds: float
    command_seconds: float
    time_control: TimeControl | None = None
    start: str = "startpos"


class UciEngine(Engine):
    """A running UCI engine that plays chess.

    Args:
        command: the program and its arguments.
        name: what errors call it.
        setup: how it is set.

    Attributes:
        offers: its options by name.
    """

    def __init__(self, command: list[str], name: str, setup: UciSetup) -> None:
        self._setup = setup
        self._moves: list[str] = []
        self._score: float | None = None
        super().__init__(command, name)

    def _greet(self) -> None:
        lines = self._ask("uci", "uciok", self._setup.command_seconds)
        names = [line.partition("id name")[2].strip() for line in lines if line.startswith("id name ")]
        self.version = names[0] if names else ""  # engines put their version into it
        found = [parse_option(line) for line in lines if line.split()[:1] == ["option"]]
        self.offers = {option.name: option for option in found if option is not None}
        self.configure(self._setup.options)

    def configure(self, options: Mapping[str, str]) -> None:
        """Sets options that it offers, and waits until it is ready."""
        for name, value in options.items():
            button = name in self.offers and self.offers[name].kind == "button"
            self.process.send(f"setoption name {name}" if button else f"setoption name {name} value {value}")
        self._ask("isready", "readyok", self._setup.command_seconds)

    def begin(self, seed: int) -> None:
        """Begins a game; UCI has no word for random seeds."""
        self._moves.clear()
        self._start = self._setup.start
        self.process.send("ucinewgame")
        self._ask("isready", "readyok", self._setup.command_seconds)

    def start_from(self, game: TableGame, position: np.void) -> None:
        """Begins the game at another position."""
        self._start = f"fen {game.position_text(position, 'fen')}"

    def _go(self, seat: int, clocks: Clocks | None) -> str:
        shown = [] if clocks is None else _clock_words(seat, clocks)
        return " ".join(["go", *shown, *(f"{key} {value}" for key, value in self._setup.limits.items())])

    def choose(self, seat: int, clocks: Clocks | None) -> str:
        """Returns its move in the position after what it has heard."""
        moves = f" moves {' '.join(self._moves)}" if self._moves else ""
        self.process.send(f"position {self._start}{moves}")
        self._score = None
        limit = math.inf if clocks is None else clocks.own.limit
        seconds = min(self._setup.answer_seconds, limit)
        words = self._ask(self._go(seat, clocks), "bestmove", seconds)[-1].split()
        if len(words) < 2 or words[1] in NO_MOVE:
            raise EngineError(f"{self.name} sees no move to play: {' '.join(words)!r}")
        return words[1]

    def score(self) -> float | None:
        """Returns the last score that it gave its best line."""
        return self._score

    def limits_fault(self, seconds: float) -> str:
        """Returns how it fails to keep its limits in the first position, "" if it does, and what else may be.

        seconds: that it has for the move. Who is on the way to the limit then is stopped and believed.
        """
        limits, went, began = self._setup.limits, dict[str, int](), time.monotonic()
        control = self._setup.time_control
        go = self._go(0, None if control is None else Clocks(Clock(control)))
        self.process.send("position startpos")
        self.process.send(go)
        while (line := self.process.listen(began + seconds, go)) is not None:
            words = line.split()
            if words[:1] == ["bestmove"]:
                break
            for word, value in pairwise(words):
                if words[0] == "info" and word in ("nodes", "depth") and value.isdecimal():
                    went[word] = int(value)
        spent = time.monotonic() - began
        wanted = " and ".join(f"{key}={value}" for key, value in limits.items())
        others = " or ".join(f"{key}={n}" for key, n in EXAMPLES.items() if key not in limits)
        told = ", ".join(f"{key} {value:,}" for key, value in went.items())
        if line is None:
            counted = [key for key in limits if key != "movetime"]
            if control is not None or any(0 < went.get(key, 0) <= 2 * limits[key] for key in counted):
                self._ask("stop", "bestmove", self._setup.command_seconds)
                return ""
            self.process.kill()
            return f"does not stop at {wanted} (after {spent:.0f} s: {told or 'no word'}); give {others}"
        if spent > 2 * limits.get("movetime", math.inf) / 1000 + SLACK:
            return f"thinks for {spent:.1f} s at {wanted}; give {others}"
        if list(limits) == ["nodes"] and control is None and 0 < went.get("nodes", 0) < limits["nodes"] / 10:
            return f"stops long before {wanted} (at {told}); give {others}"
        return ""

    def hear(self, seat: int, move: str, chosen: bool) -> None:
        """Notes a move, for the next position."""
        self._moves.append(move)

    def _ask(self, command: str, last: str, seconds: float) -> list[str]:
        """Returns the lines of an answer up to the one that begins with `last`."""
        self.process.send(command)
        deadline = time.monotonic() + seconds
        lines: list[str] = []
        while not lines or lines[-1].split()[:1] != [last]:
            lines = [line for line in lines[-200:] if not line.startswith("info ")]
            lines.append(self.process.read(deadline, command))
            if (score := parse_score(lines[-1])) is not None:
                self._score = score
            if command == "uci" and REFUSED.search(lines[-1]):
                self.process.kill()
                raise EngineError(
                    f"{self.name} answered 'uci' with {lines[-1][:80]!r}: it does not speak UCI; "
                    "has it such a mode?"
                )
        return lines


def parse_option(line: str) -> UciOption | None:
    """Returns the option of an engine's line `option name … type …`; None if the line does not parse.

    Names and values may hold blanks; a value ends where one of UCI's own words begins.
    """
    fields: dict[str, list[list[str]]] = {}
    for word in line.split()[1:]:
        # A name may hold such a word ("Skill min"), but not before its type is known.
        if word in WORDS and (word in ("name", "type") or "type" in fields):
            fields.setdefault(word, []).append([])
        elif fields:
            list(fields.values())[-1][-1].append(word)
    text = {key: " ".join(values[-1]) for key, values in fields.items()}
    if not text.get("name") or not text.get("type"):
        return None
    return UciOption(
        name=text["name"],
        kind=text["type"],
        default=text.get("default", ""),
        low=_whole(text.get("min", "")),
        high=_whole(text.get("max", "")),
        choices=tuple(" ".join(words) for words in fields.get("var", [])),
    )


def parse_score(line: str) -> float | None:
    """Returns the score of an engine's line `info … score cp 23 …`, in centipawns; None where it has none.

    Scores of lines but the best, and bounds on scores, are passed over.
    """
    found = re.match(r"info\b(?! string\b).*\bscore (cp|mate) (-?\d+)(?! (?:lower|upper)bound)\b", line)
    if found is None or re.search(r"\bmultipv (?!1\b)", line):
        return None
    number = int(found[2])
    if found[1] == "cp":
        return float(number)
    return MATE - number if number > 0 else -MATE - number


def _clock_words(seat: int, clocks: Clocks) -> list[str]:
    """Returns what `go` says of the clocks, in whole milliseconds."""
    words: list[str] = []
    for colour, clock in (("wb"[seat], clocks.own), ("bw"[seat], clocks.other)):
        if clock is not None:
            words += [f"{colour}time", str(max(1, int(1000 * clock.left)))]
            if clock.control.increment:
                words += [f"{colour}inc", str(int(1000 * clock.control.increment))]
    if clocks.own.moves_to_go is not None:
        words += ["movestogo", str(clocks.own.moves_to_go)]
    return words


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d+", text) else None
