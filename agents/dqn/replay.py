"""Replay memory: whole batches of transitions in preallocated tensors on the training device.

Storage is a ring of rows; a row holds one step of all environments, so writing a step is one copy a field
and nothing loops over environments. Four things that replay memories often get wrong, and how they are here:

- *Truncation is not termination.* Both are stored; a transition's discount is 0 only where it terminated.
- *Autoreset.* On a SAME_STEP environment the observation that follows the end of an episode belongs to the
  next one; where an episode ended, the next observation is `final_obs`.
- *Rows of nobody.* Where agents leave before others, their rows are stored with the rest but never drawn.
- *Memory.* `optimize_memory` stores each observation once (the next one is found in the following row), and
  the final observations of truncated episodes, which no row holds, in a small ring beside it. A terminated
  transition needs none, since nothing is bootstrapped from it.

Numbers of transitions come from a NumPy generator that the caller owns: the same on every device, and one
small JSON-able state to save.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from quadrivium.agents.batches.env_batch import BatchStep
from quadrivium.agents.batches.observations import Obs, ObsArray, map_obs
from quadrivium.agents.compute.memory import available_memory
from quadrivium.agents.dqn.finals import FinalRing, Layout
from quadrivium.agents.dqn.returns import n_step_window

_PLAIN = "observation"  # the key under which an observation that is no Dict is stored


class Transitions(NamedTuple):
    """A batch of B transitions, each over up to `n_step` steps."""

    obs: Obs  # (B, *shape), the stored dtype
    actions: Tensor  # (B,) int64
    rewards: Tensor  # (B,) float32, discounted sum over the window
    discounts: Tensor  # (B,) float32, gamma**steps, or 0 where the episode terminated
    next_obs: Obs  # (B, *shape), after the window; of no meaning where discounts == 0

    def part(self, rows: slice) -> "Transitions":
        """Some of the transitions, as views."""
        return Transitions(
            map_obs(self.obs, lambda x: x[rows]),
            self.actions[rows],
            self.rewards[rows],
            self.discounts[rows],
            map_obs(self.next_obs, lambda x: x[rows]),
        )


class Replay:
    """A ring of the last `capacity` transitions of `num_envs` environments.

    Args:
        capacity: transitions kept, rounded down to whole rows of `num_envs` (at least one row).
        observation_space: a Box, Discrete, MultiDiscrete, MultiBinary, or a flat Dict of these. float64 is
            kept as float32, which is what the networks compute in; other dtypes are kept.
        num_envs: environments that step together.
        device: where the tensors live.
        gamma: discount a step, in [0, 1].
        n_step: steps a sampled transition spans, at least 1. Windows stop at the end of an episode and at the
            newest row.
        optimize_memory: store every observation once instead of twice.

    Raises:
        ValueError: the memory does not fit into what the device has left.
    """

    def __init__(
        self,
        capacity: int,
        observation_space: spaces.Space,
        num_envs: int,
        *,
        device: torch.device | str = "cpu",
        gamma: float = 0.99,
        n_step: int = 1,
        optimize_memory: bool = False,
    ) -> None:
        self.capacity = max(capacity // num_envs, 1) * num_envs
        self.num_envs = num_envs
        self.device = torch.device(device)
        self.gamma = gamma
        self.n_step = n_step
        self.optimize_memory = optimize_memory
        # The row after the newest holds the newest observation, so storing each once costs one row more.
        self.rows = self.capacity // num_envs + int(optimize_memory)
        self._is_dict = isinstance(observation_space, spaces.Dict)
        self._layout = _layout(observation_space)
        self._check_memory()

        self.pos = 0  # the row that is written next
        self.full = False
        self.obs = {key: self._zeros(shape, dtype) for key, (shape, dtype) in self._layout.items()}
        self.next_obs = {} if optimize_memory else {key: torch.zeros_like(x) for key, x in self.obs.items()}
        self.actions = self._zeros((), torch.int64)
        self.rewards = self._zeros((), torch.float32)
        self.terminated = self._zeros((), torch.bool)
        self.truncated = self._zeros((), torch.bool)  # and not terminated
        self._acted: np.ndarray | None = None  # (rows, N) bool: transitions; None: all are
        self._finals = FinalRing(self._layout, self.rows, num_envs, self.device) if optimize_memory else None

    def __len__(self) -> int:
        """Transitions that can be sampled."""
        return (self.rows - int(self.optimize_memory) if self.full else self.pos) * self.num_envs

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors once they are filled."""
        copies, number = (1, 8) if self.optimize_memory else (2, 0)
        return self.rows * self.num_envs * (copies * self.obs_bytes + 8 + 4 + 1 + 1 + number)

    @property
    def obs_bytes(self) -> int:
        """Bytes of one stored observation."""
        return sum(math.prod(shape) * dtype.itemsize for shape, dtype in self._layout.values())

    def add_batch(
        self,
        obs: ObsArray,
        actions: np.ndarray,
        rewards: np.ndarray,
        terminated: np.ndarray,
        truncated: np.ndarray,
        new_obs: ObsArray,
        final_obs: ObsArray | None = None,
        acted: np.ndarray | None = None,
    ) -> None:
        """Stores one step of all environments; the arrays are copied.

        Args:
            obs: (N, *shape) what the actions were chosen on.
            actions: (N,) integers.
            rewards: (N,) float.
            terminated: (N,) bool, the episode ended by the rules of the world.
            truncated: (N,) bool, it was cut; an environment that is also terminated counts as terminated.
            new_obs: (N, *shape) what the environment shows now; of the next episode where one ended.
            final_obs: (N, *shape) the last observation of the episode, read where one ended.
            acted: (N,) bool, the environments in which anyone took part; None: all.

        Raises:
            ValueError: an episode ended and `final_obs` is missing.
        """
        row, following = self.pos, (self.pos + 1) % self.rows
        cut = truncated & ~terminated
        ended = np.flatnonzero(truncated | terminated)
        if final_obs is None and len(ended):
            raise ValueError(
                f"final_obs is missing though {len(ended)} episodes ended; expected their last observations "
                "(N, ...), as SAME_STEP environments give"
            )
        before, after, final = (
            _as_dict(obs),
            _as_dict(new_obs),
            _as_dict({} if final_obs is None else final_obs),
        )
        for key, store in self.obs.items():
            store[row].copy_(torch.as_tensor(before[key]))
            target = store[following] if self.optimize_memory else self.next_obs[key][row]
            target.copy_(torch.as_tensor(after[key]))
            if len(ended) and not self.optimize_memory:
                target.index_copy_(0, self._to_device(ended), self._final(key, final[key][ended]))
        if acted is not None and self._acted is None:
            self._acted = np.ones((self.rows, self.num_envs), np.bool_)
        if self._acted is not None:
            self._acted[row] = True if acted is None else acted
        self.actions[row].copy_(torch.as_tensor(actions))
        self.rewards[row].copy_(torch.as_tensor(rewards))
        self.terminated[row].copy_(torch.as_tensor(terminated))
        self.truncated[row].copy_(torch.as_tensor(cut))
        if self._finals is not None:
            self._finals.forget(row)
            where = np.flatnonzero(cut)
            if len(where):
                self._finals.append(row, where, {key: self._final(key, x[where]) for key, x in final.items()})
        self.pos = following
        self.full = self.full or following == 0

    def add_step(self, obs: ObsArray, actions: np.ndarray, step: BatchStep) -> None:
        """Stores the step that `actions` (N,), chosen on `obs`, came to."""
        ends = step.terminated, step.truncated
        self.add_batch(obs, actions, step.rewards, *ends, step.obs, step.final_obs, step.acted)

    def end_episodes(self) -> None:
        """Counts the newest transitions as truncated: the environments are about to be reset from outside."""
        if len(self) == 0:
            return
        row = (self.pos - 1) % self.rows
        running = ~(self.terminated[row] | self.truncated[row])
        self.truncated[row] |= running
        if self._finals is not None:
            where = np.flatnonzero(running.cpu().numpy())
            self._finals.append(row, where, {key: x[self.pos][where] for key, x in self.obs.items()})

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Numbers of `count` transitions, uniform with replacement: (count,) int64, from 0 in the oldest row.

        Raises:
            ValueError: nothing was stored yet.
        """
        self._require_some()
        numbers = rng.integers(0, len(self), count)
        if self._acted is None:
            return numbers
        acted, first = self._acted.reshape(-1), self._oldest * self.num_envs
        while not (
            found := acted[(numbers + first) % self._total]
        ).all():  # each stays as likely as any other
            numbers[~found] = rng.integers(0, len(self), int((~found).sum()))
        return numbers

    def _require_some(self) -> None:
        if len(self) == 0:
            raise ValueError("the replay memory is empty; store transitions before sampling from it")

    def gather(self, numbers: np.ndarray) -> Transitions:
        """The transitions (B,) of these numbers (see `draw`), as new tensors."""
        first = (self._to_device(numbers) + self._oldest * self.num_envs) % self._total
        rewards, last, steps = self._rewards(first)
        alive = ~_take(self.terminated, last)
        return Transitions(
            self._join({key: _take(x, first) for key, x in self.obs.items()}),
            _take(self.actions, first),
            rewards,
            alive * (self.gamma if steps is None else torch.pow(self.gamma, steps)),
            self._join({key: self._next(key, last) for key in self.obs}),
        )

    @property
    def _oldest(self) -> int:
        # Where each observation is stored once, row `pos` already holds the newest one, and no transition.
        return (self.pos + int(self.optimize_memory)) % self.rows if self.full else 0

    @property
    def _total(self) -> int:
        return self.rows * self.num_envs

    def _rewards(self, first: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Discounted sum of rewards, place of the last step that belongs, number of steps (None for one)."""
        if self.n_step == 1:
            return _take(self.rewards, first), first, None
        offset = torch.arange(self.n_step, device=self.device)[:, None]  # (n, 1)
        window = (first + offset * self.num_envs) % self._total  # (n, B)
        newest = (self.pos - 1 - first // self.num_envs) % self.rows  # (B,) rows from the first to the newest
        ended = _take(self.terminated, window) | _take(self.truncated, window) | (offset >= newest)
        rewards, steps = n_step_window(_take(self.rewards, window), ended, self.gamma)
        return rewards, (first + (steps - 1) * self.num_envs) % self._total, steps.to(torch.float32)

    def _next(self, key: str, last: Tensor) -> Tensor:
        if self._finals is None:
            return _take(self.next_obs[key], last)
        usual = _take(self.obs[key], (last + self.num_envs) % self._total)
        cut = _take(self.truncated, last).reshape(-1, *[1] * (usual.ndim - 1))
        return torch.where(cut, self._finals.take(key, last), usual)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that was written, the filled rows only; on the CPU arrays share its memory."""
        filled = self.rows if self.full else min(self.pos + int(self.optimize_memory), self.rows)
        state = {name: x[:filled].cpu().numpy() for name, x in self._fields().items()}
        if self._acted is not None:
            state["acted"] = self._acted[:filled]
        state["counters"] = np.array([self.pos, self.full, self.rows, self.num_envs], np.int64)
        return state | (self._finals.state() if self._finals is not None else {})

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Becomes what `state()` described.

        Raises:
            ValueError: the state is of a replay memory of another size.
        """
        pos, full, rows, num_envs = (int(x) for x in state["counters"])
        if (rows, num_envs) != (self.rows, self.num_envs) or ("finals_end" in state) != self.optimize_memory:
            raise ValueError(
                f"the saved replay memory has {rows} rows of {num_envs} environments, this one {self.rows} "
                f"of {self.num_envs}; resume with the same buffer_size, num_envs and optimize_memory"
            )
        for name, store in self._fields().items():
            saved = torch.as_tensor(state[name])
            store[: len(saved)].copy_(saved)
        if self._finals is not None:
            self._finals.load_state(state)
        self._acted = None
        if "acted" in state:
            self._acted = np.ones((self.rows, self.num_envs), np.bool_)
            self._acted[: len(state["acted"])] = state["acted"]
        self.pos, self.full = pos, bool(full)

    def _fields(self) -> dict[str, Tensor]:
        fields = {f"obs/{key}": x for key, x in self.obs.items()}
        fields |= {f"next_obs/{key}": x for key, x in self.next_obs.items()}
        fields |= {"actions": self.actions, "rewards": self.rewards}
        fields |= {"terminated": self.terminated, "truncated": self.truncated}
        return fields if self._finals is None else fields | {"final_number": self._finals.number}

    def _zeros(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.zeros((self.rows, self.num_envs, *shape), dtype=dtype, device=self.device)

    def _to_device(self, indices: np.ndarray) -> Tensor:
        return torch.as_tensor(indices, device=self.device)

    def _final(self, key: str, values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=self._layout[key][1], device=self.device)

    def _join(self, parts: dict[str, Tensor]) -> Obs:
        return parts if self._is_dict else parts[_PLAIN]

    def _check_memory(self) -> None:
        available = available_memory(self.device)
        if available is None or self.nbytes <= available:
            return
        fits = int(self.capacity * available / self.nbytes)
        remedy = (
            "" if self.optimize_memory else ", or optimize_memory=true, which stores each observation once"
        )
        raise ValueError(
            f"buffer_size={self.capacity} needs {self.nbytes / 1e9:.1f} GB on {self.device} but only "
            f"{available / 1e9:.1f} GB are free; use buffer_size <= {fits}{remedy}"
        )


def _layout(space: spaces.Space) -> Layout:
    """Shape and stored dtype of each part of an observation."""
    parts = space.spaces if isinstance(space, spaces.Dict) else {_PLAIN: space}
    layout = {}
    for key, part in parts.items():
        if part.shape is None or part.dtype is None:
            raise ValueError(
                f"the observation space {part} cannot be stored; expected a Box or a flat Dict of them"
            )
        dtype = torch.float32 if part.dtype == np.float64 else torch.as_tensor(np.empty(0, part.dtype)).dtype
        layout[key] = (part.shape, dtype)
    return layout


def _take(store: Tensor, flat: Tensor) -> Tensor:
    """Returns store (rows, N, *shape) at flat (...) = row * N + env: (..., *shape)."""
    values = store.flatten(0, 1).index_select(0, flat.reshape(-1))
    return values.reshape(*flat.shape, *store.shape[2:])


def _as_dict(obs: ObsArray) -> Mapping[str, np.ndarray]:
    return obs if isinstance(obs, Mapping) else {_PLAIN: obs}
