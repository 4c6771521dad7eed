"""The games that are open, who looks at them, and what their messages do: all of a server but the web.

Everything here runs on one event loop, and only thinking on other threads. A viewer is told whole states, in
a queue of a few: who does not read them is dropped, and nobody waits for it.
"""

import asyncio
import json
import logging
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from quadrivium.agents.arena.players import TablePlayer
from quadrivium.agents.errors import UserError, one_line
from quadrivium.commands.arena import Notify, make_table_player
from quadrivium.commands.pages import drawing, ladder
from quadrivium.commands.pages.offers import Board, Opponent
from quadrivium.commands.pages.session import Opinion, Reply, Session

MAX_SESSIONS = 16  # games in memory, each perhaps with an engine's process
MAX_VIEWERS = 64
QUEUE = 16  # states that wait for a viewer
MAX_PLIES = 2000  # of a game between two agents
PACE = 0.7  # seconds between the moves of two agents
THREADS = 8
KEPT_SECONDS = 30 * 60  # of a game at which nobody looks
YOU = "You"
_SHOWN = 12  # moves of an opinion that are told

log = logging.getLogger("quadrivium.pages")
Result = TypeVar("Result")


class BadMessage(ValueError):
    """A message that cannot be followed; its text says why, in one line."""


class Viewer:
    """A tab that looks at a game.

    Attributes:
        queue: what it is to be told; None: nothing more, it is dropped.
        place: the game at which it looks.
    """

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)
        self.place: Place | None = None
        self.dropped = False

    def tell(self, text: str) -> None:
        """Queues a message, or drops a viewer who has not read those before."""
        if self.dropped:
            return
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        """Tells the viewer nothing more."""
        self.dropped = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Place:
    """A game that is open.

    Attributes:
        key: names it in addresses; who knows it may play.
        level: of the ladder, from 0, that is played against; None: the game is not rated.
    """

    def __init__(
        self, key: str, board: Board, session: Session, labels: Sequence[str], level: int | None
    ) -> None:
        self.key, self.board, self.session, self.labels, self.level = key, board, session, labels, level
        self.viewers: set[Viewer] = set()
        self.advice = False
        self.paused = False
        self.ready = False
        self.thinking = False
        self.closing = False
        self.counted = False  # whether the finished game was rated
        self.note = ""
        self.seen = time.monotonic()
        self.wake = asyncio.Event()
        self.driver: asyncio.Task[None] | None = None
        self.fixed = {"board": {**drawing.board(session.game), "title": board.title}, "key": board.key}
        self._moves: tuple[Any, list[dict[str, Any]]] = (None, [])

    def state(self, standing: Mapping[str, Any] | None) -> str:
        """Returns all that a page shows of the game, as JSON."""
        session = self.session
        where = (session.ply, session.ending)
        if self._moves[0] != where:
            self._moves = (where, drawing.moves(session.game, session.pool, session.legal()))
        opinion = session.opinion
        current = self.advice and opinion is not None and opinion.ply == session.ply
        ending = session.ending
        data = {
            "type": "state",
            "id": self.key,
            **self.fixed,
            "ply": session.ply,
            **drawing.position(session.game, session.pool),
            "toMove": session.to_move,
            "moves": self._moves[1],
            "yours": session.person_to_move and self.ready,
            "history": session.move_names,
            "people": list(session.people),
            "names": list(self.labels),
            "ready": self.ready,
            "thinking": self.thinking,
            "paused": self.paused,
            "advice": self.advice,
            "values": [[ply, round(value, 3)] for ply, value in sorted(session.values.items())]
            if self.advice or ending is not None
            else [],
            "opinion": _told(opinion) if current and opinion is not None else None,
            "over": None if ending is None else {"outcome": ending.outcome, "reason": ending.reason},
            "rated": self.level is not None and not session.aided,
            "standing": standing if self.level is not None else None,
            "note": self.note,
        }
        return json.dumps(data)


class Hub:
    """Opens games, hears what viewers want, and lets agents move.

    Args:
        boards: that are offered.
        directory: in which the games against the ladder's levels are kept.
        notify: is told what may surprise about a player.
    """

    def __init__(self, boards: Sequence[Board], directory: Path, notify: Notify) -> None:
        self.boards = {board.key: board for board in boards}
        self.places: dict[str, Place] = {}
        self.viewers: set[Viewer] = set()
        self._directory, self._notify = directory, notify
        self._ladders: dict[str, ladder.Ladder] = {}
        self._ladders_lock = threading.Lock()  # what is offered is told on other threads
        self._opening = 0  # games that are being made
        self._threads = ThreadPoolExecutor(THREADS, "thinker")
        self._closers: set[asyncio.Task[None]] = set()

    # ---- viewers

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
        self._look(viewer, None)

    async def hear(self, viewer: Viewer, text: str) -> None:
        """Does what a message asks; what cannot be done is told to the viewer in one line."""
        try:
            await self._follow(viewer, _read(text))
        except (BadMessage, UserError, ValueError) as error:
            viewer.tell(json.dumps({"type": "error", "text": one_line(error)}))
        except Exception:
            log.exception("a message could not be followed")
            told = "something went wrong in the server; its terminal says what"
            viewer.tell(json.dumps({"type": "error", "text": told}))

    async def close(self) -> None:
        """Ends all games."""
        for place in list(self.places.values()):
            self._end(place)
        if self._closers:
            await asyncio.wait(self._closers, timeout=5)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ---- messages

    async def _follow(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        wanted = message.get("do")
        if wanted == "new":
            await self._open(viewer, message)
            return
        if wanted == "join":
            key = message.get("id")
            place = self.places.get(key) if isinstance(key, str) else None
            if place is None:
                raise BadMessage("this game is no longer open; begin another")
            self._look(viewer, place)
            viewer.tell(place.state(self._standing(place.board)))
            place.wake.set()  # it may have rested while nobody looked
            return
        deeds: dict[str, Callable[[Place, Mapping[str, Any]], None]] = {
            "move": self._move,
            "undo": lambda place, message: place.session.undo(),
            "resign": lambda place, message: place.session.resign(),
            "advice": self._advice,
            "pause": self._pause,
        }
        if not isinstance(wanted, str) or wanted not in deeds:
            raise BadMessage(
                f"a message asks for {str(wanted)[:40]!r}; there are new, join, {', '.join(deeds)}"
            )
        place = viewer.place
        if place is None:
            raise BadMessage("no game is open in this tab; begin one")
        if place.thinking and wanted in ("move", "undo"):
            raise BadMessage("the opponent is thinking; wait for its move")
        deeds[wanted](place, message)
        place.note = ""
        place.seen = time.monotonic()
        self._show(place)
        place.wake.set()

    def _move(self, place: Place, message: Mapping[str, Any]) -> None:
        action, ply = _whole(message, "action"), _whole(message, "ply")
        session = place.session
        if not place.ready:
            raise BadMessage("the opponent is not ready yet; wait a moment")
        if ply != session.ply:
            raise BadMessage("the game has gone on in another tab; look at the board again")
        if session.ending is None and not session.person_to_move:
            raise BadMessage("it is not your turn; wait for the opponent's move")
        session.play(action)

    def _advice(self, place: Place, message: Mapping[str, Any]) -> None:
        place.advice = _flag(message)

    def _pause(self, place: Place, message: Mapping[str, Any]) -> None:
        place.paused = _flag(message)

    async def _open(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        board = self.boards.get(key) if isinstance(key := message.get("board"), str) else None
        if board is None:
            raise BadMessage(f"board {str(key)[:40]!r} is not offered; there are {', '.join(self.boards)}")
        seats = message.get("seats")
        if not isinstance(seats, list) or len(seats) != 2:
            raise BadMessage("seats: expected two, each null for a person or {opponent, strength}")
        chosen = [None if seat is None else self._choose(board, seat) for seat in seats]
        advice = _flag(message, "advice")
        self._make_room()
        self._opening += 1
        try:
            place = await self._run(lambda: self._make(board, chosen))
        finally:
            self._opening -= 1
        place.advice = advice
        self.places[place.key] = place
        self._look(viewer, place)
        place.driver = asyncio.create_task(self._drive(place))
        place.wake.set()
        self._show(place)

    def _choose(self, board: Board, seat: Any) -> tuple[Opponent, str, int]:
        """Returns an opponent, its strength and the number of that; raises BadMessage for what none is."""
        if not isinstance(seat, dict):
            raise BadMessage("a seat is null for a person, or {opponent, strength}")
        number, strength = _whole(seat, "opponent"), seat.get("strength")
        if not 0 <= number < len(board.opponents):
            raise BadMessage(f"opponent {number} is not offered here; there are {len(board.opponents)}")
        opponent = board.opponents[number]
        if strength == "adapt" and opponent.rated:
            level = self._ladder(board).standing.level
        else:
            level = _whole(seat, "strength")
        if not 0 <= level < len(opponent.strengths):
            raise BadMessage(f"strength {level} is not offered; there are {len(opponent.strengths)}")
        return opponent, list(opponent.strengths)[level], level

    def _make(self, board: Board, chosen: Sequence[tuple[Opponent, str, int] | None]) -> Place:
        """Makes a game with its players; takes as long as loading a network or starting an engine does."""
        table, made = board.table(), list[TablePlayer | None]()
        adviser_text = next((seat[0].adviser for seat in chosen if seat), board.opponents[0].adviser)
        try:
            for seat in chosen:
                text = None if seat is None else seat[0].strengths[seat[1]]
                made.append(None if text is None else make_table_player(text, table, self._notify))
            adviser = make_table_player(adviser_text, table, self._notify)
        except BaseException:
            for player in made:
                if player is not None:
                    player.close()
            raise
        labels = [YOU if seat is None else _label(*seat) for seat in chosen]
        if chosen[0] is None and chosen[1] is None:
            labels = [name.capitalize() for name in table.game.players]
        names = (labels[0], labels[1] if labels[1] != labels[0] else f"{labels[1]} (2)")
        seed = secrets.randbits(40)
        game: Any = table.game
        session = Session(game, names, (made[0], made[1]), adviser, seed)
        against = [seat for seat in chosen if seat is not None]
        level = against[0][2] if len(against) == 1 and against[0][0].rated else None
        return Place(secrets.token_urlsafe(9), board, session, labels, level)

    # ---- games

    async def _drive(self, place: Place) -> None:
        """Lets the agents of a game move, and the adviser think, for as long as it is open."""
        try:
            await self._run(place.session.warm_up)
            place.ready = True
            self._show(place)
            while not place.closing:
                place.wake.clear()
                if place.viewers:
                    await self._go_on(place)
                await place.wake.wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # one game is lost, not the server
            log.exception("a game had to be given up")
            place.note = f"this game cannot go on: {one_line(error)}"
            place.thinking = False
            self._show(place)

    async def _go_on(self, place: Place) -> None:
        session = place.session
        while not place.closing:
            if session.ending is not None:
                await self._rate(place)
                return
            if session.agent_to_move and not place.paused and place.viewers:
                place.thinking = True
                self._show(place)
                try:
                    reply: Reply = await self._run(session.think)
                finally:
                    place.thinking = False
                session.accept(reply)
                self._show(place)
                if not any(session.people):
                    if session.ply >= MAX_PLIES:
                        place.paused = True
                    await asyncio.sleep(PACE)
            elif place.advice and session.advisable and place.viewers:
                ply = session.ply

                def go_on(done: int, ply: int = ply) -> bool:
                    return (
                        session.ply == ply and session.ending is None and place.advice and not place.closing
                    )

                opinion: Opinion | None = await self._run(lambda: session.advise(go_on))
                if opinion is not None and place.advice:
                    session.hear(opinion)
                    self._show(place)
                if opinion is None:
                    return
            else:
                return

    async def _rate(self, place: Place) -> None:
        """Counts a finished game for the player's rating: once, and only where nobody helped."""
        session, ending, level = place.session, place.session.ending, place.level
        if ending is None or level is None or place.counted or session.aided or not session.ply:
            return
        place.counted = True
        climb = self._ladder(place.board)
        record = session.record()
        try:
            await self._run(
                lambda: climb.add(
                    level,
                    began=session.people[0],
                    outcome=ending.outcome,
                    reason=ending.reason,
                    actions=record.actions,
                )
            )
        except UserError as error:
            place.note = one_line(error)
        self._show(place)

    def _ladder(self, board: Board) -> ladder.Ladder:
        with self._ladders_lock:
            if board.game not in self._ladders:
                path = self._directory / board.game / "games.jsonl"
                self._ladders[board.game] = ladder.Ladder(board.game, path)
            return self._ladders[board.game]

    def _standing(self, board: Board) -> dict[str, Any] | None:
        """Returns where the player stands on a board's ladder, as plain data; None where it has none."""
        if not any(opponent.rated for opponent in board.opponents):
            return None
        climb = self._ladder(board).standing
        own = climb.rating
        rating = None if own is None else [round(x) for x in (own.estimate, own.low, own.high)]
        levels = [round(x) for x in climb.levels]
        return {"levels": levels, "rating": rating, "games": climb.games, "level": climb.level}

    def standing(self, board: Board) -> dict[str, Any] | None:
        """Returns where the player stands on a board's ladder, for what is offered."""
        return self._standing(board)

    def _show(self, place: Place) -> None:
        """Tells everyone who looks at a game how it stands."""
        if not place.viewers:
            return
        text = place.state(self._standing(place.board))
        for viewer in list(place.viewers):
            viewer.tell(text)

    def _look(self, viewer: Viewer, place: Place | None) -> None:
        if viewer.place is not None:
            viewer.place.viewers.discard(viewer)
            viewer.place.seen = time.monotonic()
        viewer.place = place
        if place is not None:
            place.viewers.add(viewer)

    def _make_room(self) -> None:
        """Ends games at which nobody looks: old ones, and the oldest where there are as many as may be."""
        idle = sorted((p for p in self.places.values() if not p.viewers), key=lambda place: place.seen)
        for place in idle:
            full = len(self.places) + self._opening >= MAX_SESSIONS
            if full or time.monotonic() - place.seen > KEPT_SECONDS:
                self._end(place)
        if len(self.places) + self._opening >= MAX_SESSIONS:
            raise BadMessage(f"{MAX_SESSIONS} games are open, which is the most; close one of their tabs")

    def _end(self, place: Place) -> None:
        self.places.pop(place.key, None)
        place.closing = True
        place.wake.set()
        task = asyncio.create_task(self._let_go(place))
        self._closers.add(task)
        task.add_done_callback(self._closers.discard)

    async def _let_go(self, place: Place) -> None:
        """Waits a moment for a thought to end, and closes the players; an engine's thought ends by that."""
        if place.driver is not None:
            await asyncio.wait([place.driver], timeout=2)
            place.driver.cancel()
        await asyncio.get_running_loop().run_in_executor(None, place.session.close)

    def _run(self, work: Callable[[], Result]) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


def _label(opponent: Opponent, strength: str, level: int) -> str:
    return f"{opponent.name}, {'level ' if opponent.strengths and strength.isdecimal() else ''}{strength}"


def _told(opinion: Opinion) -> dict[str, Any]:
    moves = [
        {
            "action": move.action,
            "search": round(move.search, 3),
            "policy": None if move.policy is None else round(move.policy, 3),
            "value": round(move.value, 3),
            "line": move.line,
        }
        for move in opinion.moves[:_SHOWN]
    ]
    return {"value": round(opinion.value, 3), "visits": opinion.visits, "moves": moves}


def _read(text: str) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("a message is no JSON") from None
    if not isinstance(message, dict):
        raise BadMessage("a message is no JSON object")
    return message


def _whole(message: Mapping[str, Any], key: str) -> int:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadMessage(f"{key}: {str(value)[:40]!r} is no whole number")
    return value


def _flag(message: Mapping[str, Any], key: str = "on") -> bool:
    value = message.get(key)
    if not isinstance(value, bool):
        raise BadMessage(f"{key}: {str(value)[:40]!r} is neither true nor false")
    return value
