"""A server of the page in this process, for tests: on a port of its own, in a thread."""

import contextlib
import threading
import time

from quadrivium.commands.pages import server, tournaments
from quadrivium.commands.pages.hub import Hub
from quadrivium.commands.pages.offers import Board, Opponent

OPPONENTS = (
    Opponent("Search", {"1": "mcts:10?temperature=1", "2": "mcts:50"}, 1, adviser="mcts:50", rated=False),
    Opponent("Random", {"as given": "random"}, adviser="mcts:50"),
)
BOARDS = (
    Board("connect_four", "Connect four", "ConnectFour", {}, OPPONENTS),
    Board("tic_tac_toe", "Tic-tac-toe", "TicTacToe", {}, OPPONENTS),
    Board("chess", "Chess", "Chess", {}, OPPONENTS),
    Board("backgammon", "Backgammon", "Backgammon", {}, OPPONENTS),
)


@contextlib.contextmanager
def serving(directory, boards=BOARDS, given=()):
    """Yields the port and the hub of a running server."""
    hub = Hub(boards, directory / "play", lambda line: None)
    kept = tournaments.find(directory / "tournaments", given)
    with _running(lambda port: server.make_app(hub, kept, port, boards[0].key)) as port:
        yield port, hub


@contextlib.contextmanager
def serving_show(show):
    """Yields the port of a running server at which a show is watched."""
    with _running(lambda port: server.make_app(None, {}, port, "", show)) as port:
        yield port


@contextlib.contextmanager
def _running(make_app):
    listener = server.bind(0)
    port = listener.getsockname()[1]
    running = server.make_server(make_app(port))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive(), "the server did not end"
