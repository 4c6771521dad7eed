"""A game that is open in the server: who looks at it, and all that a page shows of it."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from quadrivium.commands.pages import drawing
from quadrivium.commands.pages.offers import Board
from quadrivium.commands.pages.session import Opinion, Session
from quadrivium.commands.pages.viewers import Viewer

_SHOWN = 12  # moves of an opinion that are told


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
            "movers": session.movers,
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
