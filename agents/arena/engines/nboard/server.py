"""A player of ours as an NBoard engine for Othello: the answers, apart from any input and output.

Source: Welty, "The NBoard protocol", version 2.

How long the player thinks its text says (`mcts:400`); `set depth` changes nothing. Where NBoard has
evaluations, in discs, a player that searches tells the result that it expects, from -1 to 1. There is no
answer for errors: they come as `status`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from quadrivium.agents.arena.engines.nboard.ggf import from_name, read_game, to_name
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.errors import UserError, one_line


class NBoardServer:
    """Answers NBoard commands; keeps a game between them.

    Args:
        open_seat: makes a player for a board, {"size": 8}; raises UserError for one it cannot play on.
        name: what the engine calls itself.
        board: returns the board at first.

    Attributes:
        ended: whether it was told to quit.
    """

    def __init__(
        self,
        open_seat: Callable[[Mapping[str, Any]], Seat],
        name: str,
        board: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._open_seat, self._name, self._board = open_seat, name, board
        self._seats: dict[int, Seat] = {}
        self._now: Seat | None = None
        self.ended = False

    def answer(self, line: str) -> str | None:
        """Returns what to write for a line; None for nothing.

        Raises UserError if the player cannot be made, which it is when it is needed for the first time.
        """
        command, _, rest = line.strip().partition(" ")
        if command == "nboard":
            return f"set myname {self._name}\n"
        if command == "ping":
            return f"pong {rest.strip()}\n"
        if command == "quit":
            self.ended = True
        if command not in COMMANDS:
            return None
        seat = self._seat
        try:
            return COMMANDS[command](self, seat, rest.strip())
        except (EngineError, UserError, ValueError) as error:
            return f"status error: {one_line(error)}\n"

    def set(self, seat: Seat, rest: str) -> str | None:
        """Sets up a game; other settings change nothing here."""
        key, _, value = rest.partition(" ")
        if key != "game":
            return None
        cells, to_move, moves = read_game(value)
        if cells is not None:
            seat = self._seat_for(len(cells))
        game = seat.game
        seat.reset(None if cells is None else cast(Any, game).set_up(cells, to_move))
        self._now = seat
        for move in moves:
            seat.play(game.parse_move(seat.row, move))
        return None

    def move(self, seat: Seat, rest: str) -> None:
        """Plays a move."""
        seat.play(seat.game.parse_move(seat.row, from_name(rest)))

    def go(self, seat: Seat, rest: str) -> str:
        """Chooses a move and says it; it is played when the program says so."""
        if seat.over:
            raise ValueError("the game is over")
        began = time.monotonic()
        action = seat.choose()
        thought = seat.thought()
        line = next((line for line in thought.lines if line.actions[0] == action), None) if thought else None
        told = f"{line.value:.2f}" if line is not None else ""
        return f"=== {self._names(seat, [action])}/{told}/{time.monotonic() - began:.2f}\n"

    def hint(self, seat: Seat, rest: str) -> str:
        """Says what it thinks of the best moves."""
        if seat.over:
            raise ValueError("the game is over")
        seat.choose()
        thought = seat.thought()
        lines = thought.lines[: int(rest) if rest.isdecimal() else 1] if thought else []
        told = [
            f"search {self._names(seat, line.actions)} {line.value:.2f} 0 {len(line.actions)}\n"
            for line in lines
            if line.visits
        ]
        return "".join([*told, "status\n"])

    def learn(self, seat: Seat, rest: str) -> str:
        """Learns nothing from games, and says so as the protocol wants it."""
        return "learned\n"

    @property
    def _seat(self) -> Seat:
        if self._now is None:
            self._now = self._seat_for(int(self._board()["size"]))
        return self._now

    def _seat_for(self, size: int) -> Seat:
        if size not in self._seats:
            self._seats[size] = self._open_seat({"size": size})
        return self._seats[size]

    def _names(self, seat: Seat, actions: list[int]) -> str:
        return "".join(map(to_name, seat.names(actions)))


COMMANDS: Mapping[str, Callable[[NBoardServer, Seat, str], str | None]] = {
    "set": NBoardServer.set,
    "move": NBoardServer.move,
    "go": NBoardServer.go,
    "hint": NBoardServer.hint,
    "learn": NBoardServer.learn,
}
