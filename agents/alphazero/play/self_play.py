"""Self-play in lock-step: every game makes a move, all their searches together; ended games begin anew."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

import numpy as np

from quadrivium.agents.alphazero.play.outcomes import Outcomes
from quadrivium.agents.alphazero.play.packed import Packed, join, packed_of, part_policies
from quadrivium.agents.search.kernels import UNPROVEN
from quadrivium.agents.search.protocols import Evaluator, Game

MOST_GAMES = 2**62
"""A run's games are numbered from below it: two runs hardly ever share one, and int64 holds all of them."""


class Found(Protocol):
    """What self-play needs of a search's result."""

    @property
    def actions(self) -> np.ndarray:
        """(B,) int, the move to play."""
        ...

    @property
    def policy(self) -> np.ndarray:
        """(B, A) float32, what the policy should have been."""
        ...

    @property
    def values(self) -> np.ndarray:
        """(B,) float32, of the root for the player to move."""
        ...

    @property
    def draws(self) -> np.ndarray:
        """(B,) float32, the chances that these games are drawn."""
        ...

    @property
    def proven(self) -> np.ndarray:
        """(B,) int8, the outcome for the player to move where the search has proven it, else `UNPROVEN`."""
        ...

    @property
    def surprise(self) -> np.ndarray:
        """(B,) float32, how far the policy should have been from what it was, in nats."""
        ...


class Search(Protocol):
    """Searches B positions at once."""

    def __call__(
        self, roots: np.ndarray, evaluator: Evaluator, simulations: int, rng: np.random.Generator, /
    ) -> Found:
        """Returns moves, policies and values for the positions `roots` (B,), which it leaves as they are."""
        ...


@dataclass(frozen=True)
class SelfPlayConfig:
    """See `AlphaZeroConfig`."""

    full_search_share: float = 1.0
    fast_simulations: int = 8
    random_plies: int = 0
    random_share: float = 0.0
    fork_share: float = 0.0
    opening_temperature: float | None = None
    end_proven: bool = False
    surprise_share: float = 0.0


class SelfPlay:
    """B games, their unfinished records and what decides how they go on.

    Args:
        game: what is played.
        outcomes: what is kept of the positions, and how the games' ends tell what they were worth.
        search: chooses the moves.
        config: how games are begun and which moves are learned from.
        games: B.
        rng: draws everything that is random here: the search's noise, and the number from which on the games
            take theirs, which decides their scenarios and random moves.
    """

    def __init__(
        self,
        game: Game,
        outcomes: Outcomes,
        search: Search,
        config: SelfPlayConfig,
        games: int,
        rng: np.random.Generator,
    ) -> None:
        self._game, self._outcomes, self._format = game, outcomes, outcomes.records
        self._search, self._config, self._rng = search, config, rng
        self._rows = np.arange(games)
        self.pool = np.zeros(games, game.state_dtype)
        # Every game has a number, and the world's chance in it follows from that: other runs, other numbers.
        self._next_game = int(rng.integers(MOST_GAMES))
        self._begin(self._rows)
        self._forks = self.pool.copy()  # of each game a position, all as likely
        # By name, what a resumed run needs of the games beside their records.
        self._pools = {"pool": self.pool} | ({"forks": self._forks} if config.fork_share > 0 else {})
        self._records = np.zeros((games, 64), self._format.empty.records.dtype)
        self._policies: list[list[np.ndarray]] = [[] for _ in range(games)]  # by game, one for each record
        self._surprises: list[list[float]] = [[] for _ in range(games)]  # likewise, where they count
        self._counts = np.zeros(games, np.int64)
        self._moves = np.zeros(games, np.int64)
        self._returns = np.zeros((games, game.num_players))
        self.statistics = outcomes.statistics()

    def play(self, moves: int, evaluator: Evaluator, simulations: int) -> Packed:
        """Plays `moves` of every game; returns the positions of the games that ended."""
        finished = [self._format.empty]
        for _ in range(moves):
            finished += self._move(evaluator, simulations)
        return join(finished)

    def _move(self, evaluator: Evaluator, simulations: int) -> list[Packed]:
        game, rows = self._game, self._rows
        if self._config.fork_share > 0:
            kept = self._rng.random(len(rows)) * (self._moves + 1) < 1
            self._forks[kept] = self.pool[kept]
        full = self._config.full_search_share == 1 or self._rng.random() < self._config.full_search_share
        found = self._search(
            self.pool, evaluator, simulations if full else self._config.fast_simulations, self._rng
        )
        if full:
            self._append(found)
        movers = game.result(self.pool, rows).to_move if self._config.end_proven else rows
        game.step(self.pool, rows, found.actions, check=False)
        self._moves += 1
        result = game.result(self.pool, rows)
        self._returns += result.returns
        self._format.pay(self._records, self._counts, result.returns)
        over = result.over | result.truncated
        decided = np.zeros(len(rows), np.bool_)  # before the rules say so
        if self._config.end_proven:
            decided = (found.proven < UNPROVEN) & ~over
            value = np.where(decided, found.proven, 0)
            self._returns[rows, movers] += value
            self._returns[rows, 1 - movers] -= value
        ended = np.flatnonzero(over | decided)
        if not len(ended):
            return []
        finished = self._finish(ended, decided[ended], evaluator)
        self._begin(ended, evaluator)
        return finished

    def _append(self, found: Found) -> None:
        game, rows = self._game, self._rows
        packed = self._format.pack(
            game.observe(self.pool, rows),
            game.legal(self.pool, rows),
            found.policy,
            found.values,
            found.draws,
            game.result(self.pool, rows).to_move,
        )
        if self._counts.max() == self._records.shape[1]:
            self._records = np.concatenate([self._records, np.zeros_like(self._records)], axis=1)
        self._records[rows, self._counts] = packed.records
        self._counts += 1
        new = part_policies(packed.records["legal"], packed.policies)
        for policies, one in zip(self._policies, new, strict=True):
            policies.append(one)
        if self._config.surprise_share > 0:
            for surprises, one in zip(self._surprises, found.surprise, strict=True):
                surprises.append(float(one))

    def _finish(self, ended: np.ndarray, decided: np.ndarray, evaluator: Evaluator) -> list[Packed]:
        """Returns the positions of each ended game, with how it ended.

        decided: (n,) bool, which ended before the rules' end: of that nothing but the outcome is known.
        """
        ends = self._outcomes.ends(self.pool, ended, evaluator)
        returns = self._returns[ended]
        finished: list[Packed] = []
        for k, b in enumerate(ended):
            records = self._records[b, : self._counts[b]].copy()
            known = {name: None if decided[k] else values[k] for name, values in ends.items()}
            self._format.finish(records, returns[k], known)
            finished.append(self._weighed(b, records))
            self._policies[b], self._surprises[b] = [], []
        positions = int(self._counts[ended].sum())
        self.statistics.add(self.pool, ended, self._moves[ended], returns, positions)
        self._counts[ended] = 0
        self._moves[ended] = 0
        self._returns[ended] = 0
        return finished

    def _weighed(self, b: int, records: np.ndarray) -> Packed:
        """Returns the positions of game `b`, each as often as its surprise asks for, once in the mean.

        Wu 2019, appendix D ("policy surprise weighting"): a share of the weight goes to positions in
        proportion to how far the search departed from the network's policy; fractions are drawn.
        """
        policies, share = self._policies[b], self._config.surprise_share
        if share == 0 or not len(records):
            return Packed(records, np.concatenate([self._format.empty.policies, *policies]))
        surprises = np.maximum(np.array(self._surprises[b]), 0.0)
        total = surprises.sum()
        weights = 1 - share + share * (len(records) * surprises / total if total > 0 else 1.0)
        copies = np.floor(weights + self._rng.random(len(records))).astype(np.int64)
        chosen = np.repeat(np.arange(len(records)), copies)
        entries = [policies[k] for k in chosen]
        return Packed(records[chosen], np.concatenate([self._format.empty.policies, *entries]))

    def _begin(self, ended: np.ndarray, evaluator: Evaluator | None = None) -> None:
        """Begins new games in the rows `ended`, some of them with random moves or from where others were.

        evaluator: whose policy the random moves are drawn from, where they are; None: before the first games.
        """
        fresh = self._game.pool(len(ended), self._next_game)
        self._next_game += len(ended)
        plies = np.zeros(len(ended), np.int64)
        if self._config.random_plies:
            plies = self._rng.integers(1, self._config.random_plies + 1, len(ended))
            plies[self._rng.random(len(ended)) >= self._config.random_share] = 0
        if self._config.fork_share > 0 and evaluator is not None:
            forked = self._rng.random(len(ended)) < self._config.fork_share
            fresh[forked], plies[forked] = self._forks[ended[forked]], 1
        for ply in range(int(plies.max(initial=0))):
            self._play_randomly(fresh, np.flatnonzero(plies > ply), evaluator)
        self.pool[ended] = fresh

    def _play_randomly(self, pool: np.ndarray, rows: np.ndarray, evaluator: Evaluator | None) -> None:
        """Plays a random move, but none that ends its game."""
        if not len(rows):
            return
        before = pool[rows].copy()
        temperature = self._config.opening_temperature
        if temperature is None or evaluator is None:
            actions = self._game.random_actions(pool, rows)
        else:
            legal = self._game.legal(pool, rows)
            logits = evaluator(self._game.observe(pool, rows), legal).logits / temperature
            noise = self._rng.gumbel(size=logits.shape)  # the largest sum is a draw from the softmax
            actions = np.where(legal != 0, logits + noise, -np.inf).argmax(axis=1)
        self._game.step(pool, rows, actions, check=False)
        over = self._game.result(pool, rows).over
        pool[rows[over]] = before[over]

    # ---- exact resume

    def state(self) -> dict[str, np.ndarray]:
        """Returns the games as they stand; random numbers are the caller's `rng`."""
        records = self._records[:, : max(int(self._counts.max()), 1)].copy()
        records[np.arange(records.shape[1]) >= self._counts[:, None]] = 0  # what ended games left behind
        return {
            **{name: pool.copy() for name, pool in self._pools.items()},
            "records": records,
            "policies": np.concatenate([self._format.empty.policies, *chain.from_iterable(self._policies)]),
            "surprises": np.array([*chain.from_iterable(self._surprises)], np.float64),
            "counts": self._counts.copy(),
            "moves": self._moves.copy(),
            "returns": self._returns.copy(),
            "next_game": np.array(self._next_game),
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes over what `state` returned; raises ValueError if it is of other games."""
        if state["pool"].dtype != self.pool.dtype or len(state["pool"]) != len(self.pool):
            raise ValueError(
                f"{len(state['pool'])} games of another kind or number than the {len(self.pool)} of this "
                "run; resume with the run's own config"
            )
        if check := getattr(self._game, "check_rows", None):
            for name in self._pools:
                check(state[name])
        packed = packed_of(state, self._format.empty)
        for name, pool in self._pools.items():
            pool[:] = state[name]
        self._records = packed.records.copy()
        self._counts[:], self._moves[:] = state["counts"], state["moves"]
        in_use = np.arange(self._records.shape[1]) < self._counts[:, None]
        policies = iter(part_policies(self._records["legal"][in_use], packed.policies))
        self._policies = [list(islice(policies, int(count))) for count in self._counts]
        if self._config.surprise_share > 0:
            surprises = iter(state["surprises"].tolist())
            self._surprises = [list(islice(surprises, int(count))) for count in self._counts]
        self._returns[:] = state["returns"]
        self._next_game = int(state["next_game"])
