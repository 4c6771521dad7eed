"""Who looks at a page, what they are told, and what they say: shared by games and by what is watched.

Everything here runs on one event loop. A viewer is told in a queue of a few messages: who does not read them
is dropped, and nobody waits for it. Of pictures the newest alone waits.
"""

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from quadrivium.agents.errors import UserError, one_line

MAX_VIEWERS = 64
QUEUE = 16  # messages that wait for a viewer

log = logging.getLogger("quadrivium.pages")


class BadMessage(ValueError):
    """A message that cannot be followed; its text says why, in one line."""


class Viewer:
    """A tab that looks at a page. What it is to be told comes out of `next`."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | bytes | None] = asyncio.Queue(QUEUE)
        self._picture = b""  # the newest, while one waits
        self.dropped = False

    def tell(self, message: str) -> None:
        """Queues a message, or drops a viewer who has not read those before."""
        self._put(message)

    def show(self, picture: bytes) -> None:
        """Queues a picture, in the place of one that still waits."""
        waits, self._picture = bool(self._picture), picture
        if not waits:
            self._put(b"")

    async def next(self) -> str | bytes | None:
        """Waits for the next message or picture; None: nothing more, the viewer is dropped."""
        found = await self._queue.get()
        return self._newest() if found == b"" else found

    def drop(self) -> None:
        """Tells the viewer nothing more."""
        self.dropped = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    def _newest(self) -> bytes:
        picture, self._picture = self._picture, b""
        return picture

    def _put(self, message: str | bytes) -> None:
        if self.dropped:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.drop()


class Audience(ABC):
    """Lets viewers in and out, and hears what they want; what that does is its subclasses'.

    Attributes:
        viewers: who is in.
    """

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()

    def enter(self) -> Viewer | None:
        """Returns a new viewer; None where there are as many as may be."""
        if len(self.viewers) >= MAX_VIEWERS:
            return None
        viewer = Viewer()
        self.viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forgets a viewer."""
        self.viewers.discard(viewer)

    async def hear(self, viewer: Viewer, text: str) -> None:
        """Does what a message asks; what cannot be done is told to the viewer in one line."""
        try:
            await self.follow(viewer, _read(text))
        except (BadMessage, UserError, ValueError) as error:
            viewer.tell(json.dumps({"type": "error", "text": one_line(error)}))
        except Exception:
            log.exception("a message could not be followed")
            told = "something went wrong in the server; its terminal says what"
            viewer.tell(json.dumps({"type": "error", "text": told}))

    @abstractmethod
    async def follow(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        """Does what a message asks; raises BadMessage, UserError or ValueError where it cannot be done."""

    @abstractmethod
    async def close(self) -> None:
        """Ends all that goes on."""


def _read(text: str) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("a message is no JSON") from None
    if not isinstance(message, dict):
        raise BadMessage("a message is no JSON object")
    return message


def whole(message: Mapping[str, Any], key: str) -> int:
    """Returns a message's whole number; raises BadMessage."""
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadMessage(f"{key}: {str(value)[:40]!r} is no whole number")
    return value


def flag(message: Mapping[str, Any], key: str = "on") -> bool:
    """Returns what a message switches on or off; raises BadMessage."""
    value = message.get(key)
    if not isinstance(value, bool):
        raise BadMessage(f"{key}: {str(value)[:40]!r} is neither true nor false")
    return value
