"""One game at a board: who plays, the position, its history, moves taken back, what a search thinks of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np

from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.match import ABANDONED, RESIGNED, RULES
from quadrivium.agents.arena.players import EngineError, Resignation, TableGame, TablePlayer
from quadrivium.agents.arena.transcripts import transcript
from quadrivium.agents.errors import one_line
from quadrivium.agents.search.protocols import always
from quadrivium.envs.board.board_game import BoardGame

ROW = np.arange(1)
_TOLD = 6  # moves of a line
EVEN = 1e-4  # priors that differ by less are no opinion: a search without a network has such


class Ending(NamedTuple):
    """How a game ended. outcome: 1 the first player has won, -1 the second, 0 a draw."""

    outcome: int
    reason: str


class Reply(NamedTuple):
    """What an agent answers: an action, or an ending where it gives up or fails.

    Attributes:
        ply: the number of moves before it.
        action: to be played; -1 with an ending.
        value: the first player's expected result, -1 to 1; None: it says none.
        ending: of the game, in place of a move.
    """

    ply: int
    action: int
    value: float | None = None
    ending: Ending | None = None


class Tried(NamedTuple):
    """A move that the adviser tried.

    Attributes:
        action: the move.
        search: share of the simulations that began with it.
        policy: the network's probability; None without a network.
        value: the expected result of who is to move, -1 to 1.
        line: it and what may follow, by name.
    """

    action: int
    search: float
    policy: float | None
    value: float
    line: list[str]


class Opinion(NamedTuple):
    """What the adviser thinks of a position.

    Attributes:
        ply: the number of moves before it.
        value: the first player's expected result, -1 to 1.
        visits: simulations that it is from.
        moves: that were tried, the most visited first.
    """

    ply: int
    value: float
    visits: int
    moves: list[Tried]


class Session:
    """A game between people and agents, seat by seat.

    `think` and `advise` may run on other threads than the rest, each on one at a time: they touch nothing but
    the agent that they ask. What comes of them counts by `accept` and `hear`.

    Args:
        game: what is played.
        names: of both seats, for the record.
        players: of both seats; None: a person, who calls `play`.
        adviser: whose opinion is asked, a player that searches; None: there is none.
        seed: of the first position, where that is drawn, and of the agents' choices.

    Attributes:
        ending: how the game ended; None: it goes on.
        aided: whether moves were taken back, or an opinion was asked for.
        values: the first player's expected result, -1 to 1, by the number of moves before it.
        opinion: the adviser's last one, which may be of another position.
    """

    def __init__(
        self,
        game: BoardGame,
        names: tuple[str, str],
        players: tuple[TablePlayer | None, TablePlayer | None],
        adviser: TablePlayer | None = None,
        seed: int = 0,
    ) -> None:
        self.game, self.names = game, names
        self.people = tuple(player is None for player in players)
        self.ending: Ending | None = None
        self.aided = False
        self.values: dict[int, float] = {}
        self.opinion: Opinion | None = None
        self.move_names: list[str] = []
        self._pools = [game.pool(1, seed)]  # the position after each move
        self._actions: list[int] = []
        self._agents = {
            seat: self._seat(player, seed + seat) for seat, player in enumerate(players) if player is not None
        }
        self._adviser = None if adviser is None else self._seat(adviser, seed + len(players))
        self._closed = False

    def _seat(self, player: TablePlayer, seed: int) -> Seat:
        seat = Seat(cast(TableGame, self.game), player, seed)
        seat.reset(self._pools[0].copy())
        return seat

    # ---- how it stands

    @property
    def pool(self) -> np.ndarray:
        """The pool (1,) that holds the position."""
        return self._pools[-1]

    @property
    def positions(self) -> Sequence[np.ndarray]:
        """The pools (1,) before and after each move."""
        return self._pools

    @property
    def actions(self) -> Sequence[int]:
        """What was played."""
        return self._actions

    @property
    def movers(self) -> list[int]:
        """The seats that played them: a turn may have several moves."""
        return [self._mover(ply) for ply in range(self.ply)]

    @property
    def ply(self) -> int:
        """How many moves were played."""
        return len(self._actions)

    @property
    def to_move(self) -> int:
        """The seat to move."""
        return self._mover(self.ply)

    @property
    def person_to_move(self) -> bool:
        """Whether the game waits for a person."""
        return self.ending is None and self.people[self.to_move]

    @property
    def agent_to_move(self) -> bool:
        """Whether the game waits for an agent."""
        return self.ending is None and not self.people[self.to_move]

    @property
    def advisable(self) -> bool:
        """Whether the adviser has not yet thought about the position, and there is something to think of."""
        known = self.opinion is not None and self.opinion.ply == self.ply
        return self._adviser is not None and self.ending is None and not known

    def legal(self) -> np.ndarray:
        """Returns the legal actions (k,) int64; none once the game has ended."""
        if self.ending is not None:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.game.legal(self.pool, ROW)[0])

    # ---- what people do

    def play(self, action: int) -> None:
        """Plays a move for the side to move; raises ValueError where the game is over or it is illegal."""
        if self.ending is not None:
            raise ValueError("the game is over; take a move back, or begin another")
        if not 0 <= action < self.game.num_actions or action not in self.legal():
            raise ValueError("this move is illegal here; the page marks the legal ones")
        name = self._name(self.pool, action)
        pool = self.pool.copy()
        self.game.step(pool, ROW, np.array([action]))
        for agent in self._agents.values():
            agent.play(action)
        self._pools.append(pool)
        self._actions.append(action)
        self.move_names.append(name)
        result = self.game.result(pool, ROW)
        if result.over[0]:
            self.ending = Ending(int(np.sign(result.returns[0, 0])), RULES)
            self.values[self.ply] = float(self.ending.outcome)

    def undo(self) -> None:
        """Takes moves back until the person who moved last is to move again.

        Who resigned is to move again, too. Raises ValueError where no person has moved.
        """
        if self.ending is not None and self.ending.reason == RESIGNED and self.people[self.to_move]:
            length = self.ply
        else:
            own = [ply for ply in range(self.ply) if self.people[self._mover(ply)]]
            if not own:
                raise ValueError("there is no move of yours to take back")
            length = own[-1]
        self.aided, self.ending = True, None
        del self._pools[length + 1 :], self._actions[length:], self.move_names[length:]
        for agent in self._agents.values():
            agent.undo(length)
        self.values = {ply: value for ply, value in self.values.items() if ply <= length}
        self.opinion = None

    def resign(self) -> None:
        """Ends the game as lost by the person: who is to move, or the only one there is.

        Raises ValueError where the game is over, or where no person plays.
        """
        if self.ending is not None:
            raise ValueError("the game is over already")
        if not any(self.people):
            raise ValueError("nobody here can resign: two agents play")
        seat = self.to_move if self.people[self.to_move] else 1 - self.to_move
        self.ending = Ending(1 if seat else -1, RESIGNED)

    # ---- what agents do

    def warm_up(self) -> None:
        """Lets agents within this process move twice on a board of their own: so that no one waits later for
        what is compiled or loaded with the first moves.
        """
        for seat in [*self._agents.values(), *([self._adviser] if self._adviser else [])]:
            if seat.player.concurrency is None:
                for _ in range(2):
                    if not seat.over:
                        seat.play(seat.choose())
                seat.reset(self._pools[0].copy())

    def think(self) -> Reply:
        """Returns what the agent to move answers; it is not played."""
        ply, seat = self.ply, self.to_move
        agent = self._agents[seat]
        lost = -1 if seat == 0 else 1
        try:
            action = agent.choose(lambda done: self.ending is None and not self._closed)
        except Resignation:
            return Reply(ply, -1, ending=Ending(lost, RESIGNED))
        except EngineError as error:
            return Reply(ply, -1, ending=Ending(lost, f"{ABANDONED}: {one_line(error)}"))
        thought = agent.thought()
        if thought is None:
            return Reply(ply, action)
        value = thought.value if thought.outcome is None else float(thought.outcome)
        return Reply(ply, action, _clipped(value) * (-1 if seat else 1))

    def accept(self, reply: Reply) -> bool:
        """Plays what an agent answered, unless the game went another way since; returns whether it did."""
        if reply.ply != self.ply or self.ending is not None:
            return False
        if reply.ending is not None:
            self.ending = reply.ending
            return True
        if reply.value is not None:
            self.values[reply.ply] = reply.value
        self.play(reply.action)
        return True

    def advise(self, go_on: Callable[[int], bool] = always) -> Opinion | None:
        """Returns what the adviser thinks of the position, as far as it came while `go_on` let it."""
        actions, adviser = tuple(self._actions), self._adviser
        if adviser is None or self.ending is not None:
            return None
        shared = 0
        while shared < min(len(actions), len(adviser.actions)) and actions[shared] == adviser.actions[shared]:
            shared += 1
        adviser.undo(shared)
        for action in actions[shared:]:
            adviser.play(action)
        chosen = adviser.choose(go_on)
        thought = adviser.thought()
        if thought is None:
            return None
        priors = [line.prior for line in thought.lines]
        opinionated = bool(priors) and max(priors) - min(priors) > EVEN
        visits = max(1, sum(line.visits for line in thought.lines))
        proven = thought.outcome is not None  # then the choice tells, and not how often it was tried
        moves = [
            Tried(
                line.actions[0],
                float(line.actions[0] == chosen) if proven else line.visits / visits,
                line.prior if opinionated else None,
                _clipped(line.value),
                self._names(adviser.pool, line.actions[:_TOLD]),
            )
            for line in sorted(thought.lines, key=lambda line: proven and line.actions[0] != chosen)
        ]
        value = thought.value if thought.outcome is None else float(thought.outcome)
        return Opinion(len(actions), _clipped(value) * (-1 if adviser.to_move else 1), thought.visits, moves)

    def hear(self, opinion: Opinion) -> None:
        """Notes an opinion, unless the game has gone on since."""
        if opinion.ply == self.ply and self.ending is None:
            self.opinion, self.aided = opinion, True
            self.values[opinion.ply] = opinion.value

    # ---- the end

    def record(self) -> GameRecord:
        """Returns the finished game; raises ValueError while it goes on."""
        if self.ending is None:
            raise ValueError("the game goes on; its record is written when it has ended")
        drawn = bool(getattr(self.game, "draws_start", False))
        start = self.game.position_text(self._pools[0][0]) if drawn else ""
        fixture = Fixture(*self.names, opening=0)
        return GameRecord(fixture, *self.ending, opening_plies=0, actions=tuple(self._actions), start=start)

    def text(self) -> tuple[str, str]:
        """Returns the finished game as text, and "pgn", "sgf" or "txt"; ValueError while it goes on."""
        return transcript(cast(TableGame, self.game), [self.record()], f"{self.game.title} at the board")

    def close(self) -> None:
        """Lets the agents go; nothing more is asked of them."""
        self._closed = True
        for seat in [*self._agents.values(), *([self._adviser] if self._adviser else [])]:
            seat.player.close()

    def _name(self, pool: np.ndarray, action: int) -> str:
        return str(getattr(self.game, "san", self.game.move_name)(pool[0], action))

    def _names(self, pool: np.ndarray, actions: Sequence[int]) -> list[str]:
        """Returns moves from a position on by name."""
        pool, names = pool.copy(), list[str]()
        for action in actions:
            names.append(self._name(pool, action))
            self.game.step(pool, ROW, np.array([action]))
        return names

    def _mover(self, ply: int) -> int:
        return int(self._pools[ply]["to_move"][0])


def _clipped(value: float) -> float:
    return max(-1.0, min(1.0, value))
