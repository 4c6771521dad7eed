"""Plays games between two players in lock-step: all running games make a move, then all make the next.

A player who moves illegally, or whose engine fails, loses that game and plays on in the others.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from quadrivium.agents.arena.builtin import mix
from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.openings import Opening, first_position
from quadrivium.agents.arena.players import (
    Clocked,
    Ended,
    EngineError,
    Follower,
    OutOfTime,
    Resignation,
    Scoring,
    TableGame,
    TablePlayer,
)
from quadrivium.agents.arena.referee.adjudication import Adjudication, Adjudicator
from quadrivium.agents.arena.referee.clock import Clock
from quadrivium.agents.errors import one_line
from quadrivium.agents.search.protocols import outcomes_of

RULES = "rules"
MOVE_LIMIT = "move limit"
RESIGNED = "resigned"
TIME = "time forfeit"  # what a reason begins with: the words of PGN
ABANDONED = "abandoned"
BOTH_FAILED = "both failed"


def fixture_seed(seed: int, fixture: Fixture) -> int:
    """Returns the seed of a game: of the tournament's and the fixture alone, whatever else is played."""
    text = f"{seed}/{fixture.first}/{fixture.second}/{fixture.opening}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _reason(name: str, error: EngineError) -> str:
    """Returns how a player has lost by an error, in PGN's words where it has some."""
    if isinstance(error, Resignation):
        return RESIGNED
    text = one_line(error)
    text = text if text.startswith(name) else f"{name}: {text}"
    kinds = {OutOfTime: TIME, Ended: ABANDONED}
    return ": ".join([*(word for kind, word in kinds.items() if isinstance(error, kind)), text])


@dataclass
class _Running:
    """A game at the table."""

    fixture: Fixture
    sides: tuple[int, int]  # index of the player who has seat 0, and of the one who has seat 1
    opening: Opening
    clocks: tuple[Clock | None, Clock | None]  # by seat
    referee: Adjudicator
    verdict: tuple[int, str] | None = None  # of the referee
    actions: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=lambda: [0.0, 0.0])  # by seat
    failures: dict[int, str] = field(default_factory=dict)  # by seat, what cost them the game


class Match:
    """Games between two players.

    Args:
        game: that is played.
        players: the two of them.
        openings: by number.
        seed: of the tournament.
        max_plies: a game that goes on for longer is a draw; None: no limit.
        adjudication: which games are decided by what both players think of them.
    """

    def __init__(
        self,
        game: TableGame,
        players: tuple[TablePlayer, TablePlayer],
        openings: Sequence[Opening],
        *,
        seed: int,
        max_plies: int | None = None,
        adjudication: Adjudication | None = None,
    ) -> None:
        self._adjudication = adjudication or Adjudication()
        self._game, self._players, self._openings = game, players, openings
        self._seed, self._max_plies = seed, max_plies
        limits = [player.concurrency for player in players if player.concurrency is not None]
        self.concurrency = min(limits, default=None)
        self._threads: ThreadPoolExecutor | None = None

    def play(self, fixtures: Sequence[Fixture], finished: Callable[[GameRecord], object]) -> None:
        """Plays `fixtures`, each between the two players, and tells `finished` of each game as it ends."""
        with self._executor() as self._threads:
            waiting = deque(fixtures)
            count = min(len(waiting), self.concurrency or len(waiting))
            pool, running = self._game.pool(max(count, 1)), dict[int, _Running]()
            while waiting or running:
                free = [slot for slot in range(count) if slot not in running][: len(waiting)]
                if free:
                    new = {slot: self._seat(waiting.popleft()) for slot in free}
                    running |= new
                    self._begin(pool, new)
                self._take_off(pool, running, finished)
                if running:
                    self._move(pool, running)

    @contextmanager
    def _executor(self) -> Generator[ThreadPoolExecutor | None]:
        if self.concurrency is None or self.concurrency == 1:
            yield None
            return
        with ThreadPoolExecutor(self.concurrency) as threads:
            yield threads

    def _seat(self, fixture: Fixture) -> _Running:
        sides = (0, 1) if fixture.first == self._players[0].name else (1, 0)
        opening = self._openings[fixture.opening]
        clocks = (self._clock(sides[0]), self._clock(sides[1]))
        return _Running(fixture, sides, opening, clocks, Adjudicator(self._adjudication))

    def _clock(self, side: int) -> Clock | None:
        player = self._players[side]
        if not isinstance(player, Clocked) or player.time_control is None:
            return None
        return Clock(player.time_control)

    # ---- a tick

    def _begin(self, pool: np.ndarray, games: dict[int, _Running]) -> None:
        """Puts new games on the table and plays their openings."""
        slots = np.array(list(games), np.int64)
        seeds = np.array([fixture_seed(self._seed, game.fixture) for game in games.values()], np.uint64)
        for slot, seed in zip(slots, seeds, strict=True):
            start = games[int(slot)].opening.start
            row = self._game.pool(1, int(seed % np.uint64(2**62)))
            if start:  # with the random stream of its own game, unless it says what is drawn
                stream = row["rng"].copy()
                row = first_position(self._game, start)
                if not outcomes_of(self._game):
                    row["rng"] = stream
            pool[slot] = row[0]
        for side, player in enumerate(self._players):
            seats = np.array([game.sides.index(side) for game in games.values()], np.int8)
            self._ask(side, games, player.begin, slots, seats, mix(seeds ^ mix(seats.astype(np.uint64))))
            placed = {slot: game for slot, game in games.items() if game.opening.start and not game.failures}
            if placed and isinstance(player, Follower):
                at = np.array(list(placed), np.int64)
                self._ask(side, placed, partial(player.start_from, pool), at, at)
        for ply in range(max(len(game.opening.actions) for game in games.values())):
            moving = {slot: game for slot, game in games.items() if ply < len(game.opening.actions)}
            actions = np.array([game.opening.actions[ply] for game in moving.values()], np.int64)
            self._play(pool, moving, actions)

    def _take_off(
        self, pool: np.ndarray, running: dict[int, _Running], finished: Callable[[GameRecord], object]
    ) -> None:
        """Ends the games that are over, lost by a failure, decided by the referee, or too long."""
        slots = np.array(list(running), np.int64)
        result = self._game.result(pool, slots)
        for k, slot in enumerate(slots.tolist()):
            game = running[slot]
            if result.over[k]:  # also where an engine failed as it heard of the last move
                outcome, reason = int(np.sign(result.returns[k, 0])), RULES
            elif len(game.failures) == 2:
                outcome, reason = 0, f"{BOTH_FAILED}: {'; '.join(game.failures.values())}"
            elif game.failures:
                ((seat, reason),) = game.failures.items()
                outcome = -1 if seat == 0 else 1
            elif game.verdict is not None:
                outcome, reason = game.verdict
            elif self._max_plies is not None and len(game.actions) >= self._max_plies:
                outcome, reason = 0, MOVE_LIMIT
            else:
                continue
            del running[slot]
            seconds = (round(game.seconds[0], 3), round(game.seconds[1], 3))
            actions, plies = tuple(game.actions), len(game.opening.actions)
            record = GameRecord(game.fixture, outcome, reason, plies, actions, seconds, game.opening.start)
            finished(record)

    def _move(self, pool: np.ndarray, running: dict[int, _Running]) -> None:
        """Lets the player who is to move choose in every game, and plays what was chosen."""
        slots = np.array(list(running), np.int64)
        to_move = self._game.result(pool, slots).to_move
        sides = np.array([running[slot].sides[seat] for slot, seat in zip(slots, to_move, strict=True)])
        actions = np.full(len(slots), -1, np.int64)
        for side, player in enumerate(self._players):
            mine = np.flatnonzero(sides == side)
            if not len(mine):
                continue
            asked = {int(slot): running[int(slot)] for slot in slots[mine]}
            self._show_clocks(side, asked)
            actions[mine], seconds = self._ask(
                side, asked, partial(player.act, pool), slots[mine], slots[mine]
            )
            for game, seat, spent in zip(asked.values(), to_move[mine], seconds, strict=True):
                game.seconds[int(seat)] += float(spent)
                clock = game.clocks[int(seat)]
                if clock is not None and not game.failures and not clock.spend(float(spent)):
                    late = f"{player.name} had {clock.left:.2f} s, took {spent:.2f} s"
                    game.failures[int(seat)] = f"{TIME}: {late}"
        legal = self._game.legal(pool, slots)
        moving: dict[int, _Running] = {}
        for k, slot in enumerate(slots.tolist()):
            game, action = running[slot], int(actions[k])
            if not game.failures and not (0 <= action < legal.shape[1] and legal[k, action]):
                game.failures[int(to_move[k])] = f"{self._players[sides[k]].name} played an illegal move"
            if not game.failures:
                moving[slot] = game
        chosen = actions[[slot in moving for slot in slots.tolist()]]
        if self._adjudication:
            self._hear_scores(moving, dict(zip(slots.tolist(), to_move.tolist(), strict=True)))
        self._play(pool, moving, chosen)

    def _show_clocks(self, side: int, games: dict[int, _Running]) -> None:
        player = self._players[side]
        if isinstance(player, Clocked):
            for slot, game in games.items():
                seat = game.sides.index(side)
                own, other = game.clocks[seat], game.clocks[1 - seat]
                if own is not None:
                    player.see_clocks(slot, own, other)

    def _hear_scores(self, games: dict[int, _Running], seats: dict[int, int]) -> None:
        """Tells the referee how those who have just chosen, in `seats` by slot, think that they stand."""
        for slot, game in games.items():
            player = self._players[game.sides[seats[slot]]]
            score = player.score(slot) if isinstance(player, Scoring) else None
            game.verdict = game.referee.hear(seats[slot], score, len(game.actions) + 1)

    def _play(self, pool: np.ndarray, games: dict[int, _Running], actions: np.ndarray) -> None:
        """Tells both players of legal `actions`, one a game, and plays them."""
        slots = np.array(list(games), np.int64)
        for side, player in enumerate(self._players):
            well = np.flatnonzero([not game.failures for game in games.values()])
            told = {int(slot): games[int(slot)] for slot in slots[well]}
            if told:
                self._ask(side, told, partial(player.played, pool), slots[well], slots[well], actions[well])
        for game, action in zip(games.values(), actions.tolist(), strict=True):
            game.actions.append(action)
        if len(slots):
            self._game.step(pool, slots, actions)

    def _ask(
        self,
        side: int,
        games: dict[int, _Running],
        call: Callable[..., np.ndarray | None],
        *columns: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Calls `call(*columns)` about n games: once, or for a player who may fail, a game at a time.

        columns: each (n,), a row a game in the order of `games`. Returns the answers (n,) int64, -1 where
        there is none, and how long each took in seconds (n,).
        """
        player, slots = self._players[side], list(games)
        answers, seconds = np.full(len(slots), -1, np.int64), np.zeros(len(slots))

        def ask(part: slice) -> None:
            start = time.perf_counter()
            try:
                answer = call(*(column[part] for column in columns))
                if answer is not None:
                    answers[part] = answer
            except EngineError as error:
                if player.concurrency is None:
                    raise
                game = games[slots[part.start]]
                game.failures[game.sides.index(side)] = _reason(player.name, error)
            seconds[part] = (time.perf_counter() - start) / len(seconds[part])

        parts = [slice(k, k + 1) for k in range(len(slots))]
        if player.concurrency is None:
            ask(slice(0, len(slots)))
        elif self._threads is None:
            for part in parts:
                ask(part)
        else:
            list(self._threads.map(ask, parts))
        return answers, seconds
