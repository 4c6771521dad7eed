"""Serves a player over standard input and output: `python evaluate.py engine PLAYER --protocol gtp`."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, cast

from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import Table, TablePlayer
from quadrivium.agents.errors import UserError

if TYPE_CHECKING:
    from quadrivium.agents.arena.engines.gtp.server import GtpServer
    from quadrivium.agents.arena.engines.uci.server import UciServer

GAMES = {"gtp": ("Go", "Othello"), "uci": ("Chess",), "nboard": ("Othello",), "gomocup": ("Gomoku",)}
"""What is played over each protocol, by the registry's names, the usual game first."""

MakeTable = Callable[[Mapping[str, Any]], Table]
"""Makes a table of the protocol's game from the game's options; raises UserError or ValueError."""

MakePlayer = Callable[[str, Table], TablePlayer]
"""Makes the player that a text names; raises UserError."""


class Answering(Protocol):
    """A server that has an answer, or none, to each line."""

    ended: bool

    def answer(self, line: str) -> str | None:
        """Returns what to write, with its line breaks; None for nothing."""
        ...


def serve(
    protocol: str,
    game: str,
    player: str,
    make_table: MakeTable,
    make_player: MakePlayer,
    *,
    options: Mapping[str, Any],
    lines: Iterable[str],
    write: Callable[[str], None],
) -> None:
    """Answers `lines` until one of them says quit, or there are none left.

    game: one that is played over the protocol. player: as text. options: the game's, to begin with. Raises
    UserError if the player cannot play this game, when it is needed for the first time.
    """
    title = f"Quadrivium {player}"
    players: list[TablePlayer] = []

    def open_seat(text: str, wanted: Mapping[str, Any]) -> Seat:
        table = make_table(wanted)
        players.append(make_player(text, table))
        seat = Seat(table.game, players[-1])
        # Compiles what is not compiled, which a clock would count: also how a tree is kept.
        for _ in range(2):
            if not seat.over:
                seat.play(seat.choose())
        seat.reset()
        return seat

    def open_board(board: Mapping[str, Any]) -> Seat:
        return open_seat(player, {**options, **board})

    def first_board() -> dict[str, Any]:
        game = make_table(options).game
        size = {"size": game.observation_shape[1]}
        komi = getattr(cast(Any, game).params, "komi", None)
        return size if komi is None else {**size, "komi": float(komi)}

    # A protocol's server is imported when it is wanted: programs wait for the first answer.
    try:
        if protocol == "uci":
            from quadrivium.agents.arena.engines.uci.server import UciServer

            server = UciServer(
                lambda simulations, chess960: open_seat(
                    with_simulations(player, simulations),
                    {**options, "chess960": chess960},
                ),
                title,
                "the Quadrivium contributors",
                lambda line: write(f"{line}\n"),
                chess960=bool(options.get("chess960", False)),
            )
            _hear(server, lines)
        elif protocol == "gtp":
            from quadrivium.agents.arena.engines.gtp.go_server import GoServer
            from quadrivium.agents.arena.engines.gtp.othello_server import OthelloServer

            kind = GoServer if game == "Go" else OthelloServer
            _analyse(kind(open_board, title, version("quadrivium"), first_board), lines, write)
        elif protocol == "nboard":
            from quadrivium.agents.arena.engines.nboard.server import NBoardServer

            _answer(NBoardServer(open_board, title, first_board), lines, write)
        else:
            from quadrivium.agents.arena.engines.gomocup.server import GomocupServer

            _answer(GomocupServer(open_board, title, version("quadrivium")), lines, write)
    finally:
        for opened in players:
            opened.close()


def _answer(server: Answering, lines: Iterable[str], write: Callable[[str], None]) -> None:
    for line in lines:
        if (answer := server.answer(line)) is not None:
            write(answer)
        if server.ended:
            return


def _analyse(server: "GtpServer", lines: Iterable[str], write: Callable[[str], None]) -> None:
    """Answers lines, and tells of a position that is being thought about until the next line is there."""
    from concurrent.futures import ThreadPoolExecutor

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


def _hear(server: "UciServer", lines: Iterable[str]) -> None:
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
    path, mark, query = argument.partition("?")
    if kind == "mcts":
        return f"mcts:{simulations}{mark}{query}"
    if kind in ("run", "model"):
        others = [part for part in query.split("&") if part and not part.startswith("sims=")]
        return f"{kind}:{path}?{'&'.join([*others, f'sims={simulations}'])}"
    raise UserError(f"player {player!r} does not search, so it thinks about a move as it always does")
