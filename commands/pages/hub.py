"""The games that are open, and what viewers' messages do to them.

Everything here runs on one event loop, and only thinking on other threads. A viewer is told whole states.
"""

import asyncio
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
from quadrivium.commands.pages import ladder
from quadrivium.commands.pages.offers import Board, Opponent
from quadrivium.commands.pages.place import Place
from quadrivium.commands.pages.session import Opinion, Reply, Session
from quadrivium.commands.pages.viewers import Audience, BadMessage, Viewer, flag, log, whole

MAX_SESSIONS = 16  # games in memory, each perhaps with an engine's process
MAX_PLIES = 2000  # of a game between two agents
PACE = 0.7  # seconds between the moves of two agents
THREADS = 8
KEPT_SECONDS = 30 * 60  # of a game at which nobody looks
YOU = "You"

Result = TypeVar("Result")


class Hub(Audience):
    """Opens games, hears what viewers want, and lets agents move.

    Args:
        boards: that are offered.
        directory: in which the games against the ladder's levels are kept.
        notify: is told what may surprise about a player.
    """

    def __init__(self, boards: Sequence[Board], directory: Path, notify: Notify) -> None:
        super().__init__()
        self.boards = {board.key: board for board in boards}
        self.places: dict[str, Place] = {}
        self._looks_at: dict[Viewer, Place] = {}
        self._directory, self._notify = directory, notify
        self._ladders: dict[str, ladder.Ladder] = {}
        self._ladders_lock = threading.Lock()  # what is offered is told on other threads
        self._opening = 0  # games that are being made
        self._threads = ThreadPoolExecutor(THREADS, "thinker")
        self._closers: set[asyncio.Task[None]] = set()

    # ---- viewers

    def leave(self, viewer: Viewer) -> None:
        """Forgets a viewer."""
        super().leave(viewer)
        self._look(viewer, None)

    async def close(self) -> None:
        """Ends all games."""
        for place in list(self.places.values()):
            self._end(place)
        if self._closers:
            await asyncio.wait(self._closers, timeout=5)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ---- messages

    async def follow(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        """Does what a message asks; raises BadMessage, UserError or ValueError where it cannot be done."""
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
        place = self._looks_at.get(viewer)
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
        action, ply = whole(message, "action"), whole(message, "ply")
        session = place.session
        if not place.ready:
            raise BadMessage("the opponent is not ready yet; wait a moment")
        if ply != session.ply:
            raise BadMessage("the game has gone on in another tab; look at the board again")
        if session.ending is None and not session.person_to_move:
            raise BadMessage("it is not your turn; wait for the opponent's move")
        session.play(action)

    def _advice(self, place: Place, message: Mapping[str, Any]) -> None:
        place.advice = flag(message)

    def _pause(self, place: Place, message: Mapping[str, Any]) -> None:
        place.paused = flag(message)

    async def _open(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        board = self.boards.get(key) if isinstance(key := message.get("board"), str) else None
        if board is None:
            raise BadMessage(f"board {str(key)[:40]!r} is not offered; there are {', '.join(self.boards)}")
        seats = message.get("seats")
        if not isinstance(seats, list) or len(seats) != 2:
            raise BadMessage("seats: expected two, each null for a person or {opponent, strength}")
        chosen = [None if seat is None else self._choose(board, seat) for seat in seats]
        advice = flag(message, "advice")
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
        number, strength = whole(seat, "opponent"), seat.get("strength")
        if not 0 <= number < len(board.opponents):
            raise BadMessage(f"opponent {number} is not offered here; there are {len(board.opponents)}")
        opponent = board.opponents[number]
        if strength == "adapt" and opponent.rated:
            level = self._ladder(board).standing.level
        else:
            level = whole(seat, "strength")
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
        before = self._looks_at.pop(viewer, None)
        if before is not None:
            before.viewers.discard(viewer)
            before.seen = time.monotonic()
        if place is not None:
            self._looks_at[viewer] = place
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
