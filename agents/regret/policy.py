"""A strategy of a tree as a player: it sees what any policy sees, and draws by its table."""

import numpy as np

from quadrivium.agents.regret.tree import GameTree


class TabularPolicy:
    """Plays a strategy (I, A) in batches: `policy({"observation": (n, ...), ...}) -> actions (n,)`.

    It can be the `opponent` of an environment, or play in one. A copy draws the same numbers.

    Args:
        tree: of the game.
        strategy: (I, A).
        seed: of what it draws.

    Raises:
        ValueError: for a strategy that is none of the tree, and for an observation that is not in it.
    """

    def __init__(self, tree: GameTree, strategy: np.ndarray, seed: int = 0) -> None:
        tree.check_strategy(strategy)
        self._sets = {seen.tobytes(): k for k, seen in enumerate(tree.observations)}
        self._shares = strategy.cumsum(axis=1)
        self._last = tree.num_actions - 1 - tree.masks[:, ::-1].argmax(axis=1)  # where rounding ends
        self._random = np.random.default_rng(seed)

    def __call__(self, seen: dict[str, np.ndarray]) -> np.ndarray:
        """Returns an action (n,) int64 for each observation."""
        observations = np.ascontiguousarray(seen["observation"], np.float32)
        try:
            sets = np.array([self._sets[one.tobytes()] for one in observations], np.int64)
        except KeyError:
            raise ValueError(
                "an observation is none of the tree's; play the game of which the tree was made, and ask "
                "only for the player to move"
            ) from None
        drawn = self._random.random((len(sets), 1))
        return np.minimum((self._shares[sets] <= drawn).sum(axis=1), self._last[sets])
