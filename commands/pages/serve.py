"""Serves the page on this machine until it is interrupted: what playing and watching share."""

import socket
import webbrowser
from collections.abc import Callable
from types import ModuleType
from typing import Any

from quadrivium.agents.errors import UserError
from quadrivium.commands.arena import Notify
from quadrivium.commands.build import use_threads


def serve(make_app: Callable[[ModuleType, int], Any], *, port: int, browser: bool, say: Notify) -> None:
    """Serves an application until it is interrupted.

    make_app: returns it, given the module `server`, which needs the extra, and the port.

    Raises:
        UserError: the extra is not installed, the port is in use, or what `make_app` raises.
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
        address = address_of(listener)
        app = make_app(server, listener.getsockname()[1])
        say(f"{address}  (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)
        server.make_server(app).run(sockets=[listener])


def address_of(listener: socket.socket) -> str:
    """Returns where a browser finds the page."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}/"
