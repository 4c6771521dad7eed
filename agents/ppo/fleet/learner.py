"""PPO whose environments are shared out among workers of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from quadrivium.agents.ppo.agent import PPO
from quadrivium.agents.ppo.fleet.fleet import Fleet
from quadrivium.agents.ppo.fleet.shares import joined
from quadrivium.agents.ppo.fleet.worker import Report
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.state import under
from quadrivium.agents.training.hooks import Hooks


class FleetPPO(PPO):
    """Learns what `PPO` would learn in the same environments by itself, up to the order of sums.

    The workers collect and update; after every iteration this one has all that a snapshot holds. So the run
    goes on from there when a worker is lost, and its checkpoints are those of a `PPO` of one process.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._fleet: Fleet | None = None
        self._newest: Snapshot | None = None  # None: at the training's beginning

    def attach(self, fleet: Fleet) -> None:
        """Has these workers from now on."""
        self._fleet = fleet

    def begin(self, anew: bool) -> None:
        """Leaves the environments to the workers."""
        if anew:
            self._newest = None
            self.statistics.reset()

    def collect(self, hooks: Hooks, end: int) -> bool:
        """Lets the workers collect and learn once."""
        assert self._fleet is not None, "attach a fleet first"
        hooks.on_rollout_start()
        self.clock.enter("other")
        reports = self._fleet.iterate(lambda: self._newest, end, self.budget.share)
        phases = dict.fromkeys(phase for report in reports for phase in report.seconds)
        self.clock.book(
            {phase: float(np.mean([r.seconds.get(phase, 0.0) for r in reports])) for phase in phases}
        )
        self._take(reports)
        hooks.on_rollout_end()
        return True

    def update(self, end: int) -> None:
        """Does nothing: the workers have learned already."""

    def _take(self, reports: Sequence[Report]) -> None:
        learned = reports[0].learned
        assert learned is not None
        self.num_timesteps, self.n_updates = reports[0].steps, reports[0].updates
        self._update_entries = learned.entries
        state = joined([report.state for report in reports])
        self.statistics.load_running(under("episodes/", state))
        self.statistics.take_over([report.ended for report in reports])
        # Copies: what came through shared memory cannot be written.
        weights = {name: torch.tensor(array) for name, array in learned.weights.items()}
        self.policy.load_state_dict(weights)
        optimizer = {name: torch.tensor(array) for name, array in learned.optimizer.items()}
        self._newest = Snapshot(self.num_timesteps, weights, optimizer, state, learned.rng)

    def summary(self) -> dict[str, float]:
        """Returns what a log line says, of all since the last call."""
        entries = super().summary()
        if self._fleet is not None:
            workforce = self._fleet.workforce
            entries |= {"fleet/workers": len(workforce.workers), "fleet/workers_lost": workforce.lost}
        return entries

    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on, on a cluster or in one process."""
        if self._newest is None:
            return super().snapshot()
        state = {name: np.array(getattr(self, name)) for name in self.counters} | self._newest.state
        state |= {f"episodes/{name}": array for name, array in self.statistics.state().items()}
        return replace(self._newest, state=state, seconds=self.budget.seconds)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to where `snapshot` was taken, on a cluster or in one process."""
        super().restore(snapshot)
        self._newest = snapshot
