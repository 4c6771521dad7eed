"""What a worker holds: PPO in a share of the environments, which learns as one with the others'."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from quadrivium.agents.cluster.workers import node_address
from quadrivium.agents.compute.heap import keep_freed_memory
from quadrivium.agents.compute.peers import Group, Peers, listen
from quadrivium.agents.ppo.agent import PPO
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.state import capture_rng, optimizer_to_tensors
from quadrivium.agents.training.batch_episodes import Ended
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.time_budget import TimeBudget


@dataclass(frozen=True)
class Learned:
    """What is the same on all workers after an iteration, so that one of them tells it."""

    weights: dict[str, np.ndarray]
    optimizer: dict[str, np.ndarray]
    rng: dict[str, Any]
    entries: dict[str, float]  # of the log


@dataclass(frozen=True)
class Report:
    """What a worker tells after an iteration.

    Attributes:
        state: of its environments.
        ended: episodes in them.
        seconds: that it took, by phase.
        steps: of all environments of all workers, since the run began.
        updates: epochs, likewise.
        learned: of rank 0, else None.
    """

    state: dict[str, np.ndarray]
    ended: Ended
    seconds: dict[str, float]
    steps: int
    updates: int
    learned: Learned | None


class _ToldBudget(TimeBudget):
    """The learner's budget, as it told of it: all workers must see the same share."""

    told = 0.0

    @property
    def share(self) -> float:
        return self.told


class RolloutWorker:
    """Iterates with the others, whenever the learner asks all of them to.

    Args:
        make: returns the agent in its share of the environments, which is known once it is told its rank.
        device: of the agent.
    """

    def __init__(self, make: Callable[[Peers], PPO], device: str) -> None:
        keep_freed_memory()
        self._make, self._device = make, torch.device(device)
        self._listener: socket.socket | None = None
        self._work = ExitStack()
        self._budget, self._hooks = _ToldBudget(), Hooks()

    def meet(self) -> str:
        """Begins to listen as rank 0; returns where the others find it."""
        host = node_address()
        self._listener = listen(host)
        return f"{host}:{self._listener.getsockname()[1]}"

    def begin(self, meeting: str, rank: int, size: int, share: Snapshot | None) -> None:
        """Joins the others, and makes ready for the first iteration.

        share: where to go on from; None: a training begins anew.
        """
        peers = Group(meeting, node_address(), rank, size, self._device, self._listener)
        self._agent = agent = self._make(peers)
        agent.budget = self._budget
        if share is not None:
            agent.restore(share)
        agent.begin(anew=share is None)
        self._work.enter_context(agent.at_work())

    def iterate(self, end: int, budget: float) -> Report:
        """Collects and learns once. end: `num_timesteps` to come. budget: the share of its time that is used.

        Raises:
            PeerLostError: another worker is gone; this one is then in no known state.
        """
        agent, self._budget.told = self._agent, budget
        agent.collect(self._hooks, end)
        agent.update(end)
        ended, seconds = agent.statistics.hand_over().packed(), agent.clock.take()
        learned = self._learned() if agent.peers.rank == 0 else None
        return Report(agent.world_state(), ended, seconds, agent.num_timesteps, agent.n_updates, learned)

    def _learned(self) -> Learned:
        agent = self._agent
        weights, optimizer = agent.policy.state_dict(), optimizer_to_tensors(agent.optimizer)
        rng = capture_rng(agent=agent.generator)
        return Learned(_arrays(weights), _arrays(optimizer), rng, agent.update_summary())


def _arrays(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Returns tensors as arrays, which travel without being copied."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
