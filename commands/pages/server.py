"""The web part: addresses, sockets, who is let in. Thin: `Hub`, `Show` and `tournaments` do the work.

It listens on the loopback interface alone. A page of another site may still send requests here, by its own
name for this address (DNS rebinding) or across origins: so the Host header must be one of ours, and an
Origin header, which browsers send with every socket, too. No request has a body; messages are bounded.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from quadrivium.agents.errors import UserError, one_line
from quadrivium.commands.pages import drawing, tournaments
from quadrivium.commands.pages.hub import Hub
from quadrivium.commands.pages.show import Show
from quadrivium.commands.pages.tournaments import Kept
from quadrivium.commands.pages.viewers import Audience, Viewer
from quadrivium.envs.board import GAMES

HOST = "127.0.0.1"
MAX_MESSAGE = 4096  # bytes
MAX_CONNECTIONS = 128
SEND_BUFFER = 2**17  # bytes
SEND_SECONDS = 10.0  # a viewer who takes longer to read a message is dropped
STATIC = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/app.js": ("app.js", "text/javascript"),
    "/tools.js": ("tools.js", "text/javascript"),
    "/watch.js": ("watch.js", "text/javascript"),
    "/looked.js": ("looked.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets in only requests that were meant for this server by its own pages.

    Args:
        app: what they are for.
        port: at which it listens.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if (refused := self._refusal(Headers(scope=scope))) is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(refused + "\n", 403, HEADERS)(scope, receive, send)
        else:
            await receive()  # the opening of the socket
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    def _refusal(self, headers: Headers) -> str | None:
        host, origins = headers.getlist("host"), headers.getlist("origin")
        if len(host) != 1 or host[0].lower() not in self._hosts:
            return f"refused: Host is none of {', '.join(sorted(self._hosts))}"
        if any(origin.lower() not in {f"http://{name}" for name in self._hosts} for origin in origins):
            return "refused: this page is of another origin"
        return None


def make_app(
    hub: Hub | None, kept: Mapping[str, Kept], port: int, chosen: str, show: Show | None = None
) -> ASGIApp:
    """Returns the application.

    hub: the games that may be played; None: none. kept: the tournaments that may be looked at. port: at which
    it will listen. chosen: the board that a page offers first. show: what is watched; None: nothing.
    """
    rooms: list[Audience] = [room for room in (hub, show) if room is not None]
    static = {
        path: (files("quadrivium.commands.pages") / "static" / name).read_bytes()
        for path, (name, _) in STATIC.items()
    }

    def page(request: Request) -> Response:
        path = request.url.path
        return Response(static[path], media_type=STATIC[path][1], headers=HEADERS)

    def offers(request: Request) -> Response:
        boards = [
            {
                "key": board.key,
                "title": board.title,
                "seats": list(GAMES[board.game].players),
                "board": drawing.board(GAMES[board.game](**board.options)),
                "standing": None if hub is None else hub.standing(board),
                "opponents": [
                    {
                        "name": one.name,
                        "strengths": list(one.strengths),
                        "default": one.default,
                        "rated": one.rated,
                    }
                    for one in board.opponents
                ],
            }
            for board in (hub.boards.values() if hub is not None else ())
        ]
        watched = None if show is None else show.title
        return _json({"boards": boards, "chosen": chosen, "tournaments": list(kept), "watched": watched})

    async def record(request: Request) -> Response:
        place = None if hub is None else hub.places.get(request.path_params["key"])
        if place is None:
            return _problem(404, "this game is no longer open")
        try:
            text, ending = place.session.text()
        except ValueError as error:
            return _problem(409, one_line(error))
        disposition = f'attachment; filename="{place.board.key}.{ending}"'
        return PlainTextResponse(text, headers={**HEADERS, "Content-Disposition": disposition})

    async def tournament(request: Request) -> Response:
        return await _of(request, lambda one: tournaments.overview(one))

    async def game(request: Request) -> Response:
        number = request.path_params["number"]
        return await _of(request, lambda one: tournaments.replay(one, number))

    async def _of(request: Request, look: Callable[[Kept], dict[str, Any]]) -> Response:
        one = kept.get(request.path_params["name"])
        if one is None:
            return _problem(404, "there is no tournament of that name")
        try:
            return _json(await asyncio.to_thread(look, one))
        except LookupError:
            return _problem(404, "the tournament has no such game")
        except UserError as error:
            return _problem(409, one_line(error))

    def talk(audience: Audience) -> Callable[[WebSocket], Awaitable[None]]:
        async def endpoint(web_socket: WebSocket) -> None:
            await _talk(audience, web_socket)

        return endpoint

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncGenerator[None]:
        yield
        for room in rooms:
            await room.close()

    routes = [
        *(Route(path, page) for path in STATIC),
        Route("/api/offers", offers),
        Route("/api/record/{key}", record),
        Route("/api/tournaments/{name}", tournament),
        Route("/api/tournaments/{name}/{number:int}", game),
        *(WebSocketRoute("/play" if room is hub else "/watch", talk(room)) for room in rooms),
    ]

    def lost(request: Request, error: Exception) -> Response:
        return _problem(404, "there is no such page")

    app = Starlette(routes=routes, lifespan=life, exception_handlers={404: lost})
    return Guard(app, port)


async def _talk(audience: Audience, web_socket: WebSocket) -> None:
    """Passes messages between a tab and whom it talks to until either has enough."""
    viewer = audience.enter()
    if viewer is None:
        await web_socket.close(1013, "too many tabs are open")
        return
    try:
        await web_socket.accept()
        tasks = {
            asyncio.create_task(_tell(viewer, web_socket)),
            asyncio.create_task(_listen(audience, viewer, web_socket)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        audience.leave(viewer)
    with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await web_socket.close(1008, "you did not read, or sent what is no text")


async def _tell(viewer: Viewer, web_socket: WebSocket) -> None:
    while (message := await viewer.next()) is not None:
        async with asyncio.timeout(SEND_SECONDS):
            if isinstance(message, str):
                await web_socket.send_text(message)
            else:
                await web_socket.send_bytes(message)


async def _listen(audience: Audience, viewer: Viewer, web_socket: WebSocket) -> None:
    while True:
        message = await web_socket.receive()
        if message["type"] != "websocket.receive":
            return
        text = message.get("text")
        if text is None:
            return  # bytes, which no page of ours sends
        await audience.hear(viewer, text)


def _json(data: Any) -> Response:
    return Response(json.dumps(data), media_type="application/json", headers=HEADERS)


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status, HEADERS)


def bind(port: int) -> socket.socket:
    """Returns a socket that listens on the loopback interface; 0: at any free port.

    Raises:
        UserError: the port is in use, or not to be had.
    """
    listener = socket.socket()
    # On Windows others could listen at the same port without the one; the other lets a server begin anew.
    alone = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
    listener.setsockopt(socket.SOL_SOCKET, alone, 1)
    # Of each viewer: else the kernel keeps megabytes for one who does not read, for a long time.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        listener.bind((HOST, port))
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        why = (error.strerror or one_line(error)).lower()
        raise UserError(f"--port {port}: {why}; give another one, or --port 0 for any that is free") from None
    return listener


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Returns the server of an application, to be run with a socket from `bind`."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws_max_size=MAX_MESSAGE,
            ws_max_queue=8,
            ws_per_message_deflate=False,  # pictures are compressed already, and nothing is far away
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=15,
        )
    )
