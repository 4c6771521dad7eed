"""AlphaZero that learns from what a fleet plays, portion by portion, in the order of a log."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.fleet.fleet import Fleet
from quadrivium.agents.alphazero.fleet.portion import Portion, portion_of
from quadrivium.agents.alphazero.fleet.portion_log import Entry, PortionLog
from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.training.hooks import Hooks


class FleetAlphaZero(AlphaZero):
    """An iteration is a portion: games that a worker hands in, and the gradient steps that they pay for.

    What it learns follows from its seed and the log alone. First it learns from what the log holds beyond its
    own state: so it goes on after a stop, whatever came in after the last checkpoint. Then the fleet plays.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._log: PortionLog | None = None
        self._fleet: Fleet | None = None
        self.portions = 0
        self._progress: float | None = None  # as the newest portion's entry has it
        self._since = time.perf_counter()

    def attach(self, log: PortionLog, fleet: Fleet | None = None) -> None:
        """Learns from this log from now on; fleet: who plays on at its end; None: nobody, and learning ends.

        Raises:
            UserError: the log is shorter than what was learned from it.
        """
        if len(log) < self.portions:
            raise UserError(
                f"{log.path} holds {len(log)} portions of games, but the checkpoint was learned from "
                f"{self.portions}; restore the file from a backup, or begin another run with --name"
            )
        self._log, self._fleet = log, fleet

    def progress(self, end: int) -> float:
        """Returns the share of the training that was done when the newest portion came in."""
        return super().progress(end) if self._progress is None else self._progress

    def collect(self, hooks: Hooks, end: int) -> bool:
        """Takes in the next portion; returns False where the log has ended and nobody plays on."""
        hooks.on_rollout_start()
        if not self._study():
            found = self._next(end)
            if found is None:
                return False
            entry, portion = found
            staleness = self.portions - entry.version
            self.portions += 1
            self._progress = entry.progress
            self._at_play = self._practices
            for k, packed in enumerate(portion.positions):
                self.take(k, packed, portion.simulations)
            self.num_timesteps += portion.moves
            self._entries = portion.summary | self._window_entries(portion.simulations)
            self._entries |= {"fleet/portions": self.portions, "fleet/staleness": staleness}
            self._entries |= self._fleet_entries(entry)
        hooks.on_rollout_end()
        return True

    def _next(self, end: int) -> tuple[Entry, Portion] | None:
        assert self._log is not None, "attach a log first"
        began = time.perf_counter()
        empty = [practice.outcomes.records.empty for practice in self._practices]
        if self.portions < len(self._log):
            entry, data = self._log.read(self.portions)
            portion = portion_of(data, empty)
        elif self._fleet is None:
            return None
        else:
            simulations = self.config.simulations_at(super().progress(end))
            handed = self._fleet.next(self.portions, self._weights, simulations)
            portion = portion_of(handed.data, empty)
            # As it will be when these moves are counted; later it could not be known again.
            progress = max((self.num_timesteps + portion.moves) / end, self.budget.share)
            entry = self._log.append(
                handed.data,
                worker=handed.worker,
                sequence=handed.sequence,
                version=handed.version,
                progress=progress,
                games=len(portion.lengths),
            )
        self._spent = {"waiting": time.perf_counter() - began}
        return entry, portion

    def _weights(self) -> dict[str, np.ndarray]:
        weights = self.policy.average.state_dict()
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in weights.items()}

    def _fleet_entries(self, entry: Entry) -> dict[str, float]:
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        entries: dict[str, float] = {"time/games_per_second": entry.games / max(seconds, 1e-9)}
        if self._fleet is not None:
            workforce = self._fleet.workforce
            entries |= {"fleet/workers": len(workforce.workers), "fleet/workers_lost": workforce.lost}
        return entries

    def snapshot(self) -> Snapshot:
        """Returns everything that decides, with the log, how the training goes on."""
        snapshot = super().snapshot()
        snapshot.state["portions"] = np.array(self.portions)
        return snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to where `snapshot` was taken; a run without a fleet has learned from no portion."""
        super().restore(snapshot)
        self.portions = int(snapshot.state.get("portions", np.array(0)))
