"""The whole tree of a small game of two players in which chance is in the deal, as flat arrays by depth."""

from typing import Any, NamedTuple, Protocol

import numpy as np

MOST_NODES = 20_000_000


class Standing(Protocol):
    """How games stand."""

    @property
    def over(self) -> np.ndarray:
        """(n,) bool."""
        ...

    @property
    def to_move(self) -> np.ndarray:
        """(n,) integers, the seat to move, 0 or 1."""
        ...

    @property
    def returns(self) -> np.ndarray:
        """(n, 2) float32, what each seat has won of the other in an ended game."""
        ...


class DealtGame(Protocol):
    """A game over the rows of a pool, whose players see less than a row holds.

    What a player observes tells all that the player has ever observed and done (perfect recall).
    """

    @property
    def num_actions(self) -> int: ...  # noqa: D102 - A
    @property
    def state_dtype(self) -> np.dtype[Any]: ...  # noqa: D102 - of a pool

    def deals(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns a pool (D,) with every deal before the first move, and their probabilities (D,)."""
        ...

    def copy(self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Copies row sources[k] over row targets[k]."""
        ...

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        """Plays actions (n,) of the players to move."""
        ...

    def legal(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the mask (n, A) int8."""
        ...

    def observe(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns (n, ...) float32 what the players to move see."""
        ...

    def result(self, pool: np.ndarray, rows: np.ndarray) -> Standing:
        """Returns how the games stand."""
        ...


class Moves(NamedTuple):
    """The edges from one depth to the next; E of them."""

    first: int  # number of the first child: child e is node first + e
    parents: np.ndarray  # (E,) int64, in rising order
    slots: np.ndarray  # (E,) int64, information set * A + action
    movers: np.ndarray  # (E,) int8, who moves, 0 or 1


class GameTree:
    """Every history of a game. Nodes are numbered by depth, the deals first.

    Attributes:
        num_actions: A.
        chance: (N,) float64, the probability of a node's deal.
        payoffs: (N,) float64, what the first player has won at an end; 0 elsewhere.
        moves: the edges by depth.
        observations: (I, ...) float32, what is seen in each information set.
        masks: (I, A) bool, what is legal there.
        seats: (I,) int8, who moves there.

    Raises:
        ValueError: what is seen alike has different legal actions or depths, or the game is too large.
    """

    def __init__(self, game: DealtGame) -> None:
        self.num_actions = game.num_actions
        pool, probabilities = game.deals()
        chance, payoffs = [np.asarray(probabilities, np.float64)], []
        seen, masks, movers, depths, edges = [], [], [], [], []
        first, total = 0, len(pool)
        while len(pool):
            rows = np.arange(len(pool))
            standing = game.result(pool, rows)
            payoffs.append(np.where(standing.over, standing.returns[:, 0], 0).astype(np.float64))
            running = np.flatnonzero(~standing.over)
            mask = game.legal(pool, running) != 0
            seen.append(game.observe(pool, running))
            masks.append(mask)
            movers.append(standing.to_move[running].astype(np.int8))
            depths.append(np.full(len(running), len(edges)))
            decisions, actions = np.nonzero(mask)
            edges.append((first, first + len(pool), running[decisions], decisions, actions))
            first += len(pool)
            total += len(actions)
            if total > MOST_NODES:
                raise ValueError(
                    f"the game has more than {MOST_NODES:,} histories; a tree holds small games only"
                )
            pool = _children(game, pool, running[decisions], actions)
            chance.append(chance[-1][running[decisions]])
        self.chance, self.payoffs = np.concatenate(chance), np.concatenate(payoffs)
        sets = self._name_sets(*(np.concatenate(part) for part in (seen, masks, movers, depths)))
        self.moves: list[Moves] = []
        begun = 0
        for (start, after, parents, decisions, actions), here in zip(edges, movers, strict=True):
            if len(actions):
                slots = sets[begun + decisions] * self.num_actions + actions
                self.moves.append(Moves(after, start + parents, slots, here[decisions]))
            begun += len(here)

    def _name_sets(
        self, seen: np.ndarray, masks: np.ndarray, movers: np.ndarray, depths: np.ndarray
    ) -> np.ndarray:
        """Numbers the information sets; returns that of each decision (n,)."""
        flat = np.column_stack([movers, seen.reshape(len(seen), -1)])
        _, firsts, sets = np.unique(flat, axis=0, return_index=True, return_inverse=True)
        sets = sets.reshape(-1)
        for what, values in (("legal actions", masks), ("depths", depths)):
            if (values[firsts[sets]] != values).any():
                raise ValueError(
                    f"positions of different {what} look alike; a player must be able to tell them"
                )
        self.observations, self.masks, self.seats = seen[firsts], masks[firsts], movers[firsts]
        return sets

    @property
    def uniform(self) -> np.ndarray:
        """The strategy (I, A) float64 that plays every legal action alike."""
        return self.masks / self.masks.sum(axis=1, keepdims=True)

    def check_strategy(self, strategy: np.ndarray) -> None:
        """Raises ValueError unless `strategy` (I, A) has a distribution over legal actions in each set."""
        if strategy.shape != self.masks.shape:
            raise ValueError(f"the strategy has shape {strategy.shape}; this game needs {self.masks.shape}")
        wrong = ~np.isclose(strategy.sum(axis=1), 1, atol=1e-6) | (strategy < 0).any(axis=1)
        wrong |= (strategy * ~self.masks).any(axis=1)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(
                f"row {k} of the strategy, {strategy[k].tolist()}, is no distribution over the legal actions "
                f"{np.flatnonzero(self.masks[k]).tolist()}"
            )


def _children(game: DealtGame, pool: np.ndarray, parents: np.ndarray, actions: np.ndarray) -> np.ndarray:
    after = np.zeros(len(pool) + len(actions), game.state_dtype)
    after[: len(pool)] = pool
    targets = len(pool) + np.arange(len(actions))
    game.copy(after, parents, targets)
    game.step(after, targets, actions, check=False)
    return after[len(pool) :].copy()
