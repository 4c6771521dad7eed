"""The command `python evaluate.py play`: a server on this machine, and a page on which one plays."""

import socket
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quadrivium.agents.errors import UserError
from quadrivium.commands.arena import Notify
from quadrivium.commands.build import use_threads
from quadrivium.commands.kept_tournament import DIRECTORY
from quadrivium.commands.pages import tournaments
from quadrivium.commands.pages.hub import Hub
from quadrivium.commands.pages.offers import boards

PLAYED = Path("runs") / "play"


def play(
    game: str | None,
    options: Mapping[str, Any],
    opponents: Sequence[str],
    directories: Sequence[Path],
    *,
    port: int,
    browser: bool,
    notify: Notify,
    say: Notify = print,
) -> None:
    """Serves the page until it is interrupted.

    game: that is offered first, with its options; opponents: texts of further players on it. directories: of
    tournaments to look at, beside those in runs/tournaments.

    Raises:
        UserError: the extra is not installed; there is no such game, player or tournament; the port is in
            use.
    """
    try:
        from quadrivium.commands.pages import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "websockets"):
            raise
        raise UserError(
            f'{error.name} is not installed, which the page needs; pip install "quadrivium[play]"'
        ) from None
    listener = server.bind(port)
    with listener:
        use_threads("auto")
        offered = boards(game, options, opponents, notify)
        kept = tournaments.find(DIRECTORY, directories)
        hub = Hub(offered, PLAYED, notify)
        address = address_of(listener)
        app = server.make_app(hub, kept, listener.getsockname()[1], offered[0].key)
        say(f"{address}  (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)
        server.make_server(app).run(sockets=[listener])


def address_of(listener: socket.socket) -> str:
    """Returns where a browser finds the page."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}/"
