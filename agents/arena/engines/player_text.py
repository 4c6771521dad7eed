"""The text of an engine as a player: `COMMAND?KEY=VALUE&KEY=VALUE`.

    gtp:gnugo --mode gtp --level 1 --chinese-rules --positional-superko
    uci:stockfish?UCI_LimitStrength=true&UCI_Elo=1350&movetime=50

What stands before the last `?` is the command, split as a shell does; what follows are our keys and, for UCI,
the engine's own options. `%26` and its like stand for characters such as &; a blank may be written as it is.
A command with a `?` of its own ends in another one.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from quadrivium.agents.arena.engines.process import engine_command
from quadrivium.agents.arena.players import Table
from quadrivium.agents.arena.referee.clock import TimeControl, parse_time_control
from quadrivium.agents.compute.cores import auto_threads
from quadrivium.agents.errors import UserError, did_you_mean, one_line

TC = "40/60+0.5"  # an example
MARGIN_MILLISECONDS = 50  # past the end of a clock
ANSWER_SECONDS = 60.0  # by default an engine that says nothing for so long is taken for dead


@dataclass(frozen=True)
class EngineText:
    """A player's text, taken apart.

    Attributes:
        text: all of it, as users wrote it and tables show it.
        command: the program's path and its arguments.
        options: what follows the question mark.
    """

    text: str
    command: list[str]
    options: dict[str, str]

    @property
    def program(self) -> str:
        """What errors call it: the program's name."""
        return os.path.basename(self.command[0])

    def error(self, error: Exception) -> UserError:
        """Returns `error`, whose text is a line about the program, as the user's to mend."""
        return UserError(f"player {self.text!r}: {one_line(error)}")

    def number(self, key: str, default: float, *, whole: bool = False) -> float:
        """Returns option `key` as a positive number, `default` where it is not given; raises UserError."""
        if key not in self.options:
            return default
        try:
            value = int(self.options[key]) if whole else float(self.options[key])
        except ValueError:
            value = 0
        if not 0 < value < 1e9:
            kind = "whole number" if whole else "number"
            example = f"{default:g}" if default else "100"
            raise UserError(
                f"player {self.text!r}: {key}={self.options[key]} is no positive {kind}; "
                f"write {key}={example}, say"
            )
        return value

    @property
    def command_seconds(self) -> float:
        """How long to wait for any answer but a move; starting takes some engines longest."""
        return self.number("timeout", ANSWER_SECONDS)

    @property
    def processes(self) -> int:
        """How many games at once, each with a process of its own: by default one a core that is ours to use.

        A cluster's worker is given some of a machine's, and finds their number in OMP_NUM_THREADS.
        """
        return int(self.number("processes", auto_threads(), whole=True))

    def answer_seconds(self, move_seconds: float | None) -> float:
        """Returns how long to wait for a move: the table's limit; without one `timeout`, or a minute.

        By a clock it may take what that shows.
        """
        usual = ANSWER_SECONDS if self.time_control is None else math.inf
        return self.number("timeout", usual) if move_seconds is None else move_seconds

    @property
    def time_control(self) -> TimeControl | None:
        """What `tc` and `timemargin` say; None without a clock. Raises UserError."""
        if "tc" not in self.options:
            if "timemargin" in self.options:
                raise UserError(f"player {self.text!r}: timemargin is a clock's; give it tc={TC}, say")
            return None
        margin = self.number("timemargin", MARGIN_MILLISECONDS) / 1000
        try:
            control = parse_time_control(self.options["tc"], margin)
        except ValueError:
            raise UserError(
                f"player {self.text!r}: tc={self.options['tc']} is no time control; expected "
                f"MOVES/SECONDS+INCREMENT or SECONDS+INCREMENT; write tc={TC}, say"
            ) from None
        if "movetime" in self.options:
            raise UserError(f"player {self.text!r}: movetime and tc are two limits on time; give one of them")
        return control

    def unknown(self, key: str, known: Iterable[str]) -> UserError:
        """Returns the error for a key that is none of `known`."""
        near = did_you_mean(key, known)
        return UserError(
            f"player {self.text!r}: option {key!r} is unknown{near}; there are: {', '.join(known)}"
        )


def parse_engine_text(kind: str, argument: str) -> EngineText:
    """Takes apart what follows `kind:`; raises UserError for options without "=", or no such program."""
    text = f"{kind}:{argument}"
    command, _, query = argument.rpartition("?") if "?" in argument else (argument, "", "")
    options: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise UserError(f"player {text!r}: {part!r} is no option; write KEY=VALUE, separated by &")
        key = unquote(key)
        if key in options:
            raise UserError(f"player {text!r}: option {key!r} is given twice; give it once")
        options[key] = unquote(value)
    return EngineText(text, engine_command(command), options)


def require_game(kind: str, argument: str, games: Sequence[str], table: Table) -> None:
    """Raises UserError unless one of the protocol's games is played at the table."""
    if table.name not in games:
        known = " or ".join(games)
        raise UserError(
            f"player '{kind}:{argument}' plays {known}, and this is {table.name}; seat it at a table of "
            f"{known}"
        )


def check_keys(text: EngineText, known: Mapping[str, str]) -> None:
    """Raises UserError for the first option that is none of `known`."""
    for key in text.options:
        if key not in known:
            raise text.unknown(key, list(known))
