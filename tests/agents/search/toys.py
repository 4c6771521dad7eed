"""Tiny worlds in plain NumPy, and evaluators with known answers, for tests of search."""

from types import SimpleNamespace

import numpy as np

from quadrivium.agents.search.protocols import Evaluation


class _Toy:
    """What the toys share: a pool of records whose random moves come from a field of the row."""

    num_actions = 2
    observation_shape = (4, 1, 1)
    state_dtype: np.dtype

    def pool(self, size, seed=0):
        pool = np.zeros(size, self.state_dtype)
        pool["rng"] = np.arange(seed, seed + size)
        return pool

    def copy(self, pool, sources, targets):
        pool[targets] = pool[sources]

    def random_actions(self, pool, rows):
        pool["rng"][rows] = pool["rng"][rows] * np.uint64(6364136223846793005) + np.uint64(1442695041)
        draws = (pool["rng"][rows] >> np.uint64(33)).astype(np.float64) / 2**31
        legal = self.legal(pool, rows)
        return (legal.cumsum(1) > (draws * legal.sum(1))[:, None]).argmax(1)

    def play_random(self, pool, rows, moves=None, *, restart=False):
        for _ in range(10_000 if moves is None else moves):
            rows = rows[~self.result(pool, rows).over]
            if not len(rows):
                break
            self.step(pool, rows, self.random_actions(pool, rows), check=False)


class Corridor(_Toy):
    """One player on cells 0 to `length`: action 0 takes the near reward at the left end, 1 walks right.

    It starts on cell 1. Stepping left pays 0.1 for each step and ends the game at cell 0; every step right
    costs 0.01; the right end pays 1. From cell x the best is to walk right whenever length - x is small
    enough. After `limit` steps the time is up.
    """

    num_players = 1
    state_dtype = np.dtype([("rng", "u8"), ("x", "i8"), ("paid", "f8"), ("over", "i8"), ("steps", "i8")])

    def __init__(self, length=6, limit=1000):
        self.length, self.limit = length, limit

    def pool(self, size, seed=0):
        pool = super().pool(size, seed)
        pool["x"] = 1
        return pool

    def legal(self, pool, rows, out=None):
        legal = np.repeat(pool["over"][rows, None] == 0, 2, axis=1).astype(np.int8)
        if out is None:
            return legal
        out[:] = legal
        return out

    def step(self, pool, rows, actions, *, check=True):
        x = pool["x"][rows] + np.where(actions == 1, 1, -1)
        pool["x"][rows] = x
        pool["paid"][rows] = np.where(x == self.length, 1.0, np.where(actions == 1, -0.01, 0.1))
        pool["over"][rows] = (x == 0) | (x == self.length)
        pool["steps"][rows] += 1

    def observe(self, pool, rows, players=None, out=None):
        planes = np.zeros((len(rows), *self.observation_shape), np.float32)
        planes.reshape(len(rows), -1)[:, 0] = pool["x"][rows]
        if out is None:
            return planes
        out[:] = planes
        return out

    def result(self, pool, rows):
        n, over = len(rows), pool["over"][rows] != 0
        return SimpleNamespace(
            over=over,
            truncated=(pool["steps"][rows] >= self.limit) & ~over,
            to_move=np.zeros(n, np.int8),
            returns=pool["paid"][rows].astype(np.float32)[:, None],
        )


class Coins(_Toy):
    """One player calls a coin, 0 or 1, that is tossed from the row's own stream: 1 if right, 5 calls."""

    num_players = 1
    observation_shape = (1,)
    state_dtype = np.dtype([("rng", "u8"), ("paid", "f8"), ("steps", "i8")])

    def legal(self, pool, rows, out=None):
        legal = np.repeat(pool["steps"][rows, None] < 5, 2, axis=1).astype(np.int8)
        if out is None:
            return legal
        out[:] = legal
        return out

    def step(self, pool, rows, actions, *, check=True):
        pool["rng"][rows] = pool["rng"][rows] * np.uint64(6364136223846793005) + np.uint64(1442695041)
        coin = (pool["rng"][rows] >> np.uint64(63)).astype(np.int64)
        pool["paid"][rows] = coin == actions
        pool["steps"][rows] += 1

    def observe(self, pool, rows, players=None, out=None):
        seen = pool["steps"][rows, None].astype(np.float32)
        if out is None:
            return seen
        out[:] = seen
        return out

    def result(self, pool, rows):
        over = pool["steps"][rows] >= 5
        return SimpleNamespace(
            over=over,
            truncated=np.zeros(len(rows), bool),
            to_move=np.zeros(len(rows), np.int8),
            returns=pool["paid"][rows].astype(np.float32)[:, None],
        )


class Race(_Toy):
    """Two players count up to `goal`, adding 1, 2 or 3; who reaches it wins. Adding 3 gives another turn."""

    num_players = 2
    num_actions = 3
    state_dtype = np.dtype([("rng", "u8"), ("count", "i8"), ("to_move", "i8"), ("winner", "i8")])

    def __init__(self, goal=12):
        self.goal = goal

    def pool(self, size, seed=0):
        pool = super().pool(size, seed)
        pool["winner"] = -1
        return pool

    def legal(self, pool, rows, out=None):
        fits = pool["count"][rows, None] + np.arange(1, 4) <= self.goal
        legal = (fits & (pool["winner"][rows, None] < 0)).astype(np.int8)
        if out is None:
            return legal
        out[:] = legal
        return out

    def step(self, pool, rows, actions, *, check=True):
        mover = pool["to_move"][rows]
        pool["count"][rows] += actions + 1
        pool["winner"][rows] = np.where(pool["count"][rows] == self.goal, mover, -1)
        pool["to_move"][rows] = np.where(actions == 2, mover, 1 - mover)

    def observe(self, pool, rows, players=None, out=None):
        players = pool["to_move"][rows] if players is None else players
        planes = np.zeros((len(rows), 4, 1, 1), np.float32)
        planes[:, 0, 0, 0] = pool["count"][rows] / self.goal
        planes[:, 1, 0, 0] = players
        planes[:, 2, 0, 0] = pool["count"][rows] % 3
        planes[:, 3, 0, 0] = pool["count"][rows] % 2
        if out is None:
            return planes
        out[:] = planes
        return out

    def result(self, pool, rows):
        winner = pool["winner"][rows]
        first = np.where(winner == 0, 1.0, np.where(winner == 1, -1.0, 0.0)).astype(np.float32)
        return SimpleNamespace(
            over=winner >= 0,
            to_move=pool["to_move"][rows].astype(np.int8),
            returns=np.stack([first, -first], 1),
        )

    def outcome(self, count):
        """Returns the result, 1 or -1, for the player to move under best play, by brute force."""
        options = []
        for add in (1, 2, 3):
            if count + add == self.goal:
                options.append(1)
            elif count + add < self.goal:
                options.append(self.outcome(count + add) * (1 if add == 3 else -1))
        return max(options)


class RandomLinear:
    """Fixed random linear functions of the observation, bit for bit the same in any batch."""

    def __init__(self, game, seed=0, sharpness=2.0):
        size = int(np.prod(game.observation_shape))
        rng = np.random.default_rng(seed)
        self.policy = (rng.normal(size=(size, game.num_actions)) * sharpness).astype(np.float32)
        self.value = rng.normal(size=(size, 1)).astype(np.float32)
        self.draw = rng.normal(size=size).astype(np.float32)
        self.batches = []

    def __call__(self, obs, legal):
        self.batches.append(len(obs))
        flat = obs.reshape(len(obs), -1, 1) + np.float32(0.1)
        logits = np.zeros((len(obs), self.policy.shape[1]), np.float32)
        values, draws = np.zeros(len(obs), np.float32), np.zeros(len(obs), np.float32)
        for k in range(flat.shape[1]):  # one after the other: NumPy's own sum may depend on the batch
            logits += flat[:, k] * self.policy[k]
            values += flat[:, k, 0] * self.value[k, 0]
            draws += flat[:, k, 0] * self.draw[k]
        values = np.tanh(values)
        share = np.float32(0.5) + np.float32(0.5) * np.tanh(draws)  # of what the value leaves
        return Evaluation(
            logits / np.float32(np.sqrt(flat.shape[1])), values, share * (np.float32(1) - np.abs(values))
        )
