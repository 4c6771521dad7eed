"""Serves a player over standard input and output: `python evaluate.py engine PLAYER --protocol gtp|uci`."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, cast

from quadrivium.agents.arena.engines.gtp_player import GoGame
from quadrivium.agents.arena.engines.gtp_server import GtpServer
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.engines.uci_server import UciServer
from quadrivium.agents.arena.players import Table, TablePlayer
from quadrivium.agents.errors import UserError

GAMES = {"gtp": "Go", "uci": "Chess"}
"""What is played over each protocol, by the registry's names."""

MakeTable = Callable[[Mapping[str, Any]], Table]
"""Makes a table of the protocol's game from the game's options; raises UserError or ValueError."""

MakePlayer = Callable[[str, Table], TablePlayer]
"""Makes the player that a text names; raises UserError."""


def serve(
    protocol: str,
    player: str,
    make_table: MakeTable,
    make_player: MakePlayer,
    *,
    options: Mapping[str, Any],
    lines: Iterable[str],
    write: Callable[[str], None],
) -> None:
    """Answers `lines` until one of them says quit, or there are none left.

    player: as text. options: the game's, to begin with. write: is given text to send at once. Raises
    UserError if the player cannot play this game, when it is needed for the first time.
    """
    title = f"Quadrivium {player}"
    players: list[TablePlayer] = []

    def open_seat(text: str, wanted: Mapping[str, Any]) -> Seat:
        table = make_table(wanted)
        players.append(make_player(text, table))
        seat = Seat(table.game, players[-1])
        for _ in range(
            2
        ):  # compiles what is not compiled, which a clock would count: also how a tree is kept
            if not seat.over:
                seat.play(seat.choose())
        seat.reset()
        return seat

    def board(size: int, komi: float, max_moves: int | None) -> dict[str, Any]:
        longer = {} if max_moves is None else {"max_moves": max_moves}
        return {**options, "size": size, "komi": komi, **longer}

    def first_board() -> tuple[int, float]:
        game = cast(GoGame, make_table(options).game)
        return game.observation_shape[1], float(game.params.komi)

    try:
        if protocol == "gtp":
            server = GtpServer(
                lambda size, komi, max_moves: open_seat(player, board(size, komi, max_moves)),
                title,
                version("quadrivium"),
                first_board,
            )
            _answer(server, lines, write)
        else:
            server = UciServer(
                lambda simulations: open_seat(with_simulations(player, simulations), options),
                title,
                "the Quadrivium contributors",
                lambda line: write(f"{line}\n"),
            )
            _hear(server, lines)
    finally:
        for opened in players:
            opened.close()


def _answer(server: GtpServer, lines: Iterable[str], write: Callable[[str], None]) -> None:
    lines = iter(lines)
    line = next(lines, None)
    with ThreadPoolExecutor(1) as reader:
        while line is not None:
            if (answer := server.answer(line)) is not None:
                write(answer)
            if server.ended:
                return
            if server.analysis is None:
                line = next(lines, None)
                continue
            coming = reader.submit(next, lines, None)  # thought about until it is there
            while told := server.analyse(coming.done):
                write(told)
                if coming.done():
                    break
            line = coming.result()
            write("\n")


def _hear(server: UciServer, lines: Iterable[str]) -> None:
    for line in lines:
        server.hear(line)
        if server.ended:
            return
    server.ponderhit([])  # input has ended, but its last question is answered
    server.wait()
    server.hear("quit")


def with_simulations(player: str, simulations: int | None) -> str:
    """Returns a player's text with another number of simulations; raises UserError if it has none."""
    kind, _, argument = player.partition(":")
    if simulations is None:
        return player
    if kind == "mcts":
        return f"mcts:{simulations}"
    if kind == "run":
        path, _, query = argument.partition("?")
        others = [part for part in query.split("&") if part and not part.startswith("sims=")]
        return f"run:{path}?{'&'.join([*others, f'sims={simulations}'])}"
    raise UserError(f"player {player!r} does not search, so it thinks about a move as it always does")
