"""What a player at a table is, and how the string that names one is read.

Players are `random`, `mcts:N`, `expectimax:DEPTH`, `baseline:NAME`, `run:PATH?sims=N`, `model:NAME?sims=N`,
`onnx:FILE`, and engines: `gtp:COMMAND`, `uci:COMMAND`, `nboard:COMMAND`, `gomocup:COMMAND`. How each is made
the caller says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from quadrivium.agents.arena.referee.clock import Clock, TimeControl
from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.agents.search.protocols import Game, Notation, Thought


class EngineError(Exception):
    """A player could not go on with a game: it crashed, hung, refused, or answered nonsense.

    The text is one line that says what happened; the player loses the game with it as the reason.
    """


class OutOfTime(EngineError):
    """A player did not answer in time."""


class Ended(EngineError):
    """A player's program has ended, or cannot be started."""


class Resignation(EngineError):
    """A player gives the game up, which loses it like any other: nothing has failed."""


class TableGame(Game, Notation, Protocol):
    """A board game with its notation."""


@dataclass(frozen=True)
class Table:
    """Where games are played: what a player is made for.

    Attributes:
        game: the game with its parameters.
        name: the game's name in the registry, such as "Go".
        options: the game's own arguments, such as {"size": 9, "komi": 7.0}, defaults not filled in.
        move_seconds: how long an engine may think about a move before it has lost; None for no limit.
    """

    game: TableGame
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    move_seconds: float | None = None


class TablePlayer(Protocol):
    """Plays any number of games at once, each in a slot of its own; slots are used again for later games.

    The order of calls for a game: `begin`, then `played` for each move of it (the opening's, the other's and
    its own), and `act` in between, whenever it is to move. Of a game that is abandoned or over nothing more
    is heard until its slot begins another.

    Attributes:
        name: what tables call it.
        identity: which player of this text it is, where the text does not tell: the checkpoint and weights
            that a run has now, the version that an engine says it has. Else "".
        concurrency: None: `act`, `begin` and `played` take any number of games in one call, and what is
            chosen in a game does not depend on the others (beyond rounding in networks). A number: the player
            is asked about one game a call, in up to so many slots (0, 1, …) at a time, each from a thread of
            its own; any call may raise EngineError, which costs that game. The next `begin` in the slot
            finds, or makes, a player that works.
    """

    name: str
    identity: str
    concurrency: int | None

    def begin(self, slots: np.ndarray, seats: np.ndarray, seeds: np.ndarray) -> None:
        """Begins games at the first position in slots (n,) int64, any earlier game there is forgotten.

        seats: (n,) int8, the seat that the player has (0 moves first). seeds: (n,) uint64, from which all its
            random choices in these games follow; an engine may ignore them.
        """
        ...

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns an action (n,) int64 for each game in which it is to move; leaves `pool` as it is.

        rows: (n,) int64, the games' rows in `pool`; slots: (n,) int64, in which they are played.
        """
        ...

    def played(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray, actions: np.ndarray) -> None:
        """Hears of moves that are about to be played: `pool` holds the positions before actions (n,)."""
        ...

    def close(self) -> None:
        """Lets go of what it holds: processes, memory."""
        ...


@runtime_checkable
class Follower(Protocol):
    """A player that follows a game by its moves alone, and is told where it begins elsewhere."""

    def start_from(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> None:
        """Hears that the games that have just begun in `slots` (n,) begin at the positions in `rows` (n,)."""
        ...


@runtime_checkable
class Thinker(Protocol):
    """A player whose thinking can be watched, and ended early.

    Attributes:
        go_on: is asked with the number of simulations done whether a search goes on.
    """

    go_on: Callable[[int], bool]

    def thought(self, slot: int) -> Thought:
        """Returns what it thinks of the position in a slot that it was last asked about."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """A player that may play by a clock, which is stopped for it a game at a time.

    Attributes:
        time_control: what it has for its moves; None: no clock.
    """

    time_control: TimeControl | None

    def see_clocks(self, slot: int, own: Clock, other: Clock | None) -> None:
        """Hears before each `act` what its clock in that game shows, and the other's, if that has one."""
        ...


@runtime_checkable
class Scoring(Protocol):
    """A player that says how its games stand."""

    def score(self, slot: int) -> float | None:
        """Returns centipawns, good for itself, as it saw them when it last chose; None: it says none."""
        ...


Maker = Callable[[str, Table], TablePlayer]
"""Makes a player from what follows the colon; raises UserError where it cannot be, before any game."""

Kinds = Mapping[str, Maker]

EXPECTED = (
    "random, mcts:N, expectimax:DEPTH, baseline:NAME, run:DIRECTORY, model:NAME, onnx:FILE, or an engine: "
    "gtp:COMMAND (Go, Othello), uci:COMMAND (chess), nboard:COMMAND (Othello), gomocup:COMMAND (Gomoku)"
)


def parse_player(text: str, table: Table, kinds: Kinds) -> TablePlayer:
    """Returns the player that `text` names; raises UserError that says what was expected instead."""
    kind, _, argument = text.partition(":")
    if kind not in kinds:
        near = did_you_mean(kind, kinds)
        raise UserError(f"player {text!r} is unknown{near}; expected {EXPECTED}")
    return kinds[kind](argument, table)


@dataclass(frozen=True)
class QueryOption:
    """An option behind the question mark of a player's text.

    Attributes:
        read: returns the value that a text stands for; raises ValueError where it stands for none.
        expected: what it may be, for errors, such as "positive number".
        example: of a right one.
    """

    read: Callable[[str], Any]
    expected: str
    example: str


def split_query(argument: str, known: Mapping[str, QueryOption], player: str) -> tuple[str, dict[str, Any]]:
    """Splits "PATH?sims=400&x=1" into the path and its options, as `known` reads them.

    Raises UserError for an option that is unknown or cannot be read; `player` is the whole text, for errors.
    """
    path, _, query = argument.partition("?")
    options: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        key, _, value = part.partition("=")
        if key not in known:
            raise UserError(
                f"player {player!r}: option {key!r} is unknown{did_you_mean(key, known)}; write "
                f"{', '.join(f'{name}={option.example}' for name, option in known.items())}, say"
            )
        option = known[key]
        try:
            options[key] = option.read(value)
        except ValueError:
            raise UserError(
                f"player {player!r}: {part!r} is no {option.expected}; write {key}={option.example}, say"
            ) from None
    return path, options


def positive(text: str) -> int:
    """Returns a positive whole number; raises ValueError for other text."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def positive_count(argument: str, kind: str, example: int) -> int:
    """Returns the N of `kind:N`; raises UserError where it is no positive whole number."""
    if not argument.isdecimal() or int(argument) < 1:
        raise UserError(
            f"player '{kind}:{argument}': {argument!r} is no positive whole number; write {kind}:{example}"
        )
    return int(argument)
