"""The rollout of PPO and PQN: preallocated tensors (T, N, ...) on the agent's device, and its returns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from quadrivium.agents.batches.observations import concatenate, map_obs, to_tensors
from quadrivium.agents.compute.crew import blocks
from quadrivium.agents.compute.peers import ALONE, Peers
from quadrivium.agents.nets.memory import Past
from quadrivium.agents.nets.stem import Part

TensorObs = Tensor | dict[str, Tensor]

_LEAST_LANES = 64  # sequences in a piece of work: halves of it take a fifth more processor time


class Batch(NamedTuple):
    """Transitions of a minibatch, in any order; with a past, sequences of them lane by lane."""

    obs: TensorObs  # (B, ...); with a past of whole sequences, of which `past.taken` are transitions
    actions: Tensor  # (B, ...)
    log_probs: Tensor  # (B,) of the policy that acted
    values: Tensor  # (B,) of that time
    advantages: Tensor  # (B,)
    returns: Tensor  # (B,)
    parts: tuple[Part, ...] | None = None  # of obs, where the stem has seen all of the epoch at once
    past: Past | None = None  # of a policy with memory

    @property
    def numbers(self) -> tuple[Tensor, ...]:
        """All but what was observed, (B, ...) each."""
        return self.actions, self.log_probs, self.values, self.advantages, self.returns

    def rows(self, part: slice) -> Batch:
        """Returns some of the transitions, as views."""
        parts = self.parts
        if parts is not None:
            parts = tuple(Part(v[part], None if mask is None else mask[part]) for v, mask in parts)
        return Batch(rows_of(self.obs, part), *(tensor[part] for tensor in self.numbers), parts=parts)

    def lanes(self, part: slice) -> Batch:
        """Returns some of the sequences, as views."""
        assert self.past is not None
        assert self.past.starts is not None
        steps = self.past.starts.shape[1]
        rows = own = slice(part.start * steps, part.stop * steps)
        taken = self.past.taken
        if taken is not None:
            own = slice(*torch.searchsorted(taken, taken.new_tensor([rows.start, rows.stop])).tolist())
            taken = taken[own] - rows.start
        past = Past(self.past.state[part], self.past.starts[part], taken)
        numbers = (tensor[own] for tensor in self.numbers)
        return Batch(rows_of(self.obs, rows), *numbers, parts=None, past=past)

    def pieces(self, rows: int) -> list[Batch]:
        """Returns the batch in pieces of at most `rows` rows, or of few whole sequences."""
        if self.past is None:
            return [self.rows(block) for block in blocks(len(self.returns), rows)]
        lanes = len(self.past.state)
        steps = len(next(iter(self.obs.values())) if isinstance(self.obs, dict) else self.obs) // lanes
        return [self.lanes(block) for block in blocks(lanes, max(rows // steps, _LEAST_LANES))]


class Everyone(NamedTuple):
    """What the rollouts of all processes that learn as one hold, (T, M) of all M environments."""

    advantages: Tensor
    returns: Tensor
    values: Tensor
    acted: Tensor | None  # bool; None: all in all steps

    def taken(self, rows: Tensor) -> Tensor:
        """Returns those of rows (T, M) that are transitions, (K,) step-major; a view if all are."""
        flat = rows.flatten()
        return flat if self.acted is None else flat[self.acted.flatten()]


def rows_of(obs: TensorObs, part: slice) -> TensorObs:
    """Returns some rows of observations (B, ...), as views."""
    return {key: rows[part] for key, rows in obs.items()} if isinstance(obs, dict) else obs[part]


def gae(
    rewards: Tensor, values: Tensor, dones: Tensor, last_values: Tensor, gamma: float, gae_lambda: float
) -> Tensor:
    """Returns the advantages (T, N) of generalised advantage estimation.

    A_t = δ_t + γλ A_{t+1} with δ_t = r_t + γ V_{t+1} − V_t, both cut where an episode ends.
    Source: Schulman et al. 2016, eq. 16.

    Args:
        rewards: (T, N); where an episode was truncated, with γ V(last observation) already added.
        values: (T, N), V of the observation that was acted on.
        dones: (T, N) bool, the episode ended with this step.
        last_values: (N,), V of the observation after the last step.
        gamma: discount γ.
        gae_lambda: λ.
    """
    alive = 1.0 - dones.float()  # (T, N)
    next_values = torch.cat([values[1:], last_values[None]])  # (T, N)
    deltas = rewards + gamma * next_values * alive - values
    decay = (gamma * gae_lambda) * alive
    advantages = torch.empty_like(deltas)
    running = torch.zeros_like(last_values)
    rows = zip(advantages.unbind(), deltas.unbind(), decay.unbind(), strict=True)
    for row, delta, factor in reversed(list(rows)):
        running = torch.addcmul(delta, factor, running, out=row)
    return advantages


class RolloutBuffer:
    """T steps of N environments, written in place.

    Where agents leave before others, rows are idle at times: what stands in them enters nothing that is read.

    Args:
        steps: T.
        observation_space: of an environment.
        action_space: of an environment.
        device: of the tensors.
        num_envs: N, of this process.
        peers: the processes that learn as one, with N environments each.
    """

    def __init__(
        self,
        steps: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: torch.device,
        num_envs: int,
        peers: Peers = ALONE,
    ) -> None:
        self.device, self.steps, self.num_envs, self.peers = device, steps, num_envs, peers
        lead = (steps, num_envs)
        self.obs = self._allocate(observation_space)
        action_dtype = torch.float32 if isinstance(action_space, spaces.Box) else torch.int64
        self.actions = torch.zeros(
            (*lead, *(action_space.shape or ())), dtype=action_dtype, device=self.device
        )
        self.rewards, self.values, self.log_probs, self.advantages, self.returns = (
            torch.zeros(lead, device=self.device) for _ in range(5)
        )
        self.dones = torch.zeros(lead, dtype=torch.bool, device=self.device)
        self.reset()

    def _allocate(self, space: spaces.Space) -> TensorObs:
        if isinstance(space, spaces.Dict):
            return {key: self._leaf(part) for key, part in space.spaces.items()}
        return self._leaf(space)

    def _leaf(self, space: spaces.Space) -> Tensor:
        dtype = torch.from_numpy(np.zeros(0, space.dtype)).dtype
        dtype = torch.float32 if dtype.is_floating_point else dtype
        return torch.zeros((self.steps, self.num_envs, *(space.shape or ())), dtype=dtype, device=self.device)

    def reset(self, state: Tensor | None = None) -> None:
        """Forgets the transitions; the tensors stay. state: (N, S), what is remembered at the start."""
        self.pos = 0
        self.state = None if state is None else state.clone()
        self._truncated: list[tuple[int, np.ndarray, Any, Tensor | None]] = []
        self._acted: Tensor | None = None  # (T, N) bool; None: all in all steps
        self._order: Tensor | None = None  # (K,) int64: where, step-major, once anyone looks
        self._everyone: Everyone | None = None  # once anyone looks

    # ---- writing

    def put_obs(self, obs: np.ndarray | dict[str, np.ndarray]) -> TensorObs:
        """Copies the observations of the next step in, and returns the view of them, (N, ...)."""
        if isinstance(self.obs, dict):
            views = {key: buffer[self.pos] for key, buffer in self.obs.items()}
            for key, view in views.items():
                view.copy_(torch.from_numpy(obs[key]))  # pyright: ignore[reportArgumentType, reportCallIssue]
            return views
        view = self.obs[self.pos]
        view.copy_(torch.from_numpy(obs))  # pyright: ignore[reportArgumentType]
        return view

    def add(
        self,
        actions: Tensor,
        values: Tensor | None,
        log_probs: Tensor | None,
        rewards: np.ndarray,
        dones: np.ndarray,
        acted: np.ndarray | None = None,
    ) -> None:
        """Writes the rest of the step whose observations `put_obs` took, each (N, ...), and moves on.

        Without values, they are written later, before `finish`; without log_probs, they mean nothing.
        acted: (N,) bool, who took part; None: all.
        """
        row = self.pos
        if acted is not None:
            if self._acted is None:
                self._acted = torch.ones_like(self.dones)
            self._acted[row] = torch.from_numpy(acted)
        self.actions[row] = actions
        if values is not None:
            self.values[row] = values.flatten()
        if log_probs is not None:
            self.log_probs[row] = log_probs
        self.rewards[row] = torch.from_numpy(rewards)
        self.dones[row] = torch.from_numpy(dones)
        self.pos += 1

    def mark_truncated(
        self, rows: np.ndarray, final_obs: np.ndarray | dict[str, np.ndarray], state: Tensor | None = None
    ) -> None:
        """Remembers the last observations of the episodes truncated by the step that `add` writes next.

        Args:
            rows: (K,) indices of the environments.
            final_obs: (N, ...) dense; the rows are copied.
            state: (N, S), what the policy remembers when it sees them; likewise.
        """
        picked = (
            {k: v[rows] for k, v in final_obs.items()} if isinstance(final_obs, dict) else final_obs[rows]
        )
        remembered = None if state is None else state[torch.from_numpy(rows).to(state.device)]
        self._truncated.append((self.pos, rows, picked, remembered))

    def truncated(self) -> tuple[np.ndarray, np.ndarray, TensorObs, Tensor | None] | None:
        """Returns (steps (K,), environments (K,), last observations (K, ...), states (K, S) or None) of all
        truncations, or None.
        """
        if not self._truncated:
            return None
        steps = np.concatenate([np.full(len(rows), step) for step, rows, *_ in self._truncated])
        rows = np.concatenate([rows for _, rows, *_ in self._truncated])
        obs = to_tensors(concatenate([obs for *_, obs, _ in self._truncated]), self.device)
        states = [state for *_, state in self._truncated if state is not None]
        return steps, rows, obs, torch.cat(states) if states else None

    # ---- reading

    def finish(self, last_values: Tensor, gamma: float, gae_lambda: float) -> None:
        """Computes advantages and returns; last_values (N,) of the observations after the last step.

        An agent's last step ends its episode, so that what follows in its row is cut off, whatever it is.
        """
        if self._acted is not None:
            for numbers in (self.rewards, self.values, self.log_probs):
                numbers.masked_fill_(~self._acted, 0.0)  # else 0 times a NaN would be heard
        advantages = gae(self.rewards, self.values, self.dones, last_values, gamma, gae_lambda)
        self.advantages.copy_(advantages)
        torch.add(self.advantages, self.values, out=self.returns)
        self._everyone = None

    def everyone(self) -> Everyone:
        """Returns what all processes hold, where all ask for it at the same time, after `finish`."""
        own = (self.advantages, self.returns, self.values)
        if self.peers.size == 1:
            return Everyone(*own, self._acted)
        if self._everyone is None:
            rows = own if self._acted is None else (*own, self._acted.float())
            all_rows = self.peers.join(torch.stack(rows), 2)  # (3 or 4, T, M)
            advantages, returns, values, *acted = all_rows
            self._everyone = Everyone(advantages, returns, values, acted[0] > 0 if acted else None)
        return self._everyone

    def taken(self, rows: Tensor) -> Tensor:
        """Returns those of rows (T, N, ...) that are transitions, (K, ...) step-major; a view if all are."""
        flat = rows.flatten(0, 1)
        if self._acted is None:
            return flat
        if self._order is None:
            self._order = self._acted.flatten().nonzero()[:, 0]
        return flat.index_select(0, self._order)

    def observations(self) -> TensorObs:
        """Returns the observations of all transitions, (K, ...)."""
        if isinstance(self.obs, dict):
            return {key: self.taken(part) for key, part in self.obs.items()}
        return self.taken(self.obs)

    def flat(self) -> Batch:
        """Returns all rows as views (T * N, ...), step-major."""
        obs = (
            {k: v.flatten(0, 1) for k, v in self.obs.items()}
            if isinstance(self.obs, dict)
            else self.obs.flatten(0, 1)
        )
        rest = (self.actions, self.log_probs, self.values, self.advantages, self.returns)
        return Batch(obs, *(tensor.flatten(0, 1) for tensor in rest), parts=None)

    def minibatches(
        self,
        batch_size: int,
        generator: torch.Generator | None,
        stem: Callable[[TensorObs], tuple[Part, ...]] | None = None,
    ) -> Iterator[tuple[Batch, Tensor]]:
        """Yields one epoch in random order, each minibatch with the advantages (B,) of all that is in it.

        Where several processes learn as one, a minibatch is theirs together, and of its transitions the batch
        has those that are here, perhaps none.

        A last minibatch may be smaller. Where agents leave, as many as there are are divided evenly: into
        minibatches of `batch_size` at most. The whole epoch is permuted at once: one gather a tensor, and the
        minibatches are views. Of a policy with memory they are whole rows of the rollout, as sequences. stem:
        makes the `parts`.
        """
        if self.state is not None:
            yield from self._sequences(self.state, batch_size // self.steps, generator)
            return
        everyone = self.everyone()
        count = everyone.advantages.numel()
        if everyone.acted is None:
            order = torch.randperm(count, generator=generator, device=self.device)
        else:
            places = everyone.taken(torch.arange(count, device=self.device).view(everyone.acted.shape))
            count = len(places)
            order = places[torch.randperm(count, generator=generator, device=self.device)]
            batch_size = math.ceil(count / math.ceil(count / batch_size)) if count else batch_size
        starts = range(0, count, batch_size)
        ends = [*starts[1:], count]
        advantages = everyone.advantages.flatten().index_select(0, order)
        bounds = [0, *ends]
        if self.peers.size > 1:
            order, before = self._here(order, everyone.advantages.shape[1])
            bounds = [0, *before[torch.tensor(ends, device=self.device) - 1].tolist()]
        flat = self.flat()
        obs = (
            {k: v.index_select(0, order) for k, v in flat.obs.items()}
            if isinstance(flat.obs, dict)
            else flat.obs.index_select(0, order)
        )
        rest = [tensor.index_select(0, order) for tensor in flat.numbers]
        epoch = Batch(obs, *rest, parts=None if stem is None else stem(obs))
        for start, end, part in zip(starts, ends, itertools.pairwise(bounds), strict=True):
            yield epoch.rows(slice(*part)), advantages[start:end]

    def _here(self, order: Tensor, total: int) -> tuple[Tensor, Tensor]:
        """Returns which of the rows of all (K,), in their order, are here, by their own numbers; and how many
        of the first 1, 2, … rows are, (K,).

        total: environments of all.
        """
        steps, envs = order.div(total, rounding_mode="floor"), order % total
        own = envs - self.peers.rank * self.num_envs
        here = (own >= 0) & (own < self.num_envs)
        return (steps * self.num_envs + own)[here], here.cumsum(0)

    def _sequences(
        self, state: Tensor, lanes: int, generator: torch.Generator | None
    ) -> Iterator[tuple[Batch, Tensor]]:
        """Yields one epoch of minibatches of `lanes` environments each, a last one may be smaller."""
        order = torch.randperm(self.num_envs, generator=generator, device=self.device)

        def by_lane(rows: Tensor) -> Tensor:
            return rows.index_select(1, order).transpose(0, 1)  # (T, N, ...) -> (N, T, ...)

        starts, taken = torch.zeros_like(self.dones), None
        starts[1:] = self.dones[:-1]
        if self._acted is not None:
            starts[1:] |= ~self._acted[:-1]  # who comes back begins an episode
            taken = by_lane(self._acted).flatten().nonzero()[:, 0]
        numbers = [
            by_lane(tensor.unflatten(0, self.dones.shape)).flatten(0, 1) for tensor in self.flat().numbers
        ]
        if taken is not None:
            numbers = [tensor.index_select(0, taken) for tensor in numbers]
        past = Past(state.index_select(0, order), by_lane(starts), taken)
        epoch = Batch(
            map_obs(self.obs, lambda rows: by_lane(rows).flatten(0, 1)), *numbers, parts=None, past=past
        )
        for start in range(0, self.num_envs, lanes):
            batch = epoch.lanes(slice(start, min(start + lanes, self.num_envs)))
            if len(batch.returns):  # else nobody took part
                yield batch, batch.advantages
