"""Returns, lengths, reward terms and metrics of finished episodes, counted for all environments at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from quadrivium.agents.batches.env_batch import BatchStep
from quadrivium.agents.runs.state import under


@dataclass
class Ended:
    """Episodes that ended since the last summary, as lists of arrays to be concatenated.

    Attributes:
        times: of each episode the step in which it ended, counted since the last handing over.
    """

    times: list[np.ndarray] = field(default_factory=list[np.ndarray])
    returns: list[np.ndarray] = field(default_factory=list[np.ndarray])
    lengths: list[np.ndarray] = field(default_factory=list[np.ndarray])
    terms: dict[str, list[np.ndarray]] = field(default_factory=dict[str, list[np.ndarray]])
    metrics: dict[str, list[np.ndarray]] = field(default_factory=dict[str, list[np.ndarray]])

    def packed(self) -> Ended:
        """Returns the same episodes in one array of each kind: many small ones travel slowly."""
        times, returns, lengths = (
            [np.concatenate(rows)] if rows else [] for rows in (self.times, self.returns, self.lengths)
        )
        terms = {name: [np.concatenate(rows)] for name, rows in self.terms.items()}
        metrics = {name: [np.concatenate(rows)] for name, rows in self.metrics.items()}
        return Ended(times, returns, lengths, terms, metrics)


class BatchEpisodes:
    """Accumulates each environment's episode and summarises those that ended.

    Args:
        num_envs: N.
        window: `rollout/...` averages at least this many episodes: those since the last summary, topped up
            with the most recent ones before it (with few environments an iteration ends none or two).
    """

    def __init__(self, num_envs: int, window: int = 100) -> None:
        self.window = window
        self.returns = np.zeros(num_envs)  # (N,) float64, of the running episodes
        self.lengths = np.zeros(num_envs, dtype=np.int64)  # (N,)
        self.terms: dict[str, np.ndarray] = {}  # name -> (N,) float64
        self.recent_returns = np.zeros(0)
        self.recent_lengths = np.zeros(0)
        self._ended = Ended()
        self._steps = 0  # since the last handing over

    def reset(self) -> None:
        """Forgets the running episodes: the environments were reset."""
        self.returns[:] = 0.0
        self.lengths[:] = 0
        for total in self.terms.values():
            total[:] = 0.0

    def add(self, step: BatchStep) -> None:
        """Counts one step of all environments, or of those whose agents took part."""
        self._steps += 1
        acted = slice(None) if step.acted is None else step.acted
        self.returns[acted] += step.rewards[acted]
        self.lengths[acted] += 1
        for name, values in step.reward_terms.items():
            if name not in self.terms:
                self.terms[name] = np.zeros(len(self.returns))
            self.terms[name][acted] += values[acted]
        done = step.done if step.acted is None else step.done & step.acted
        if not done.any():
            return
        rows = np.flatnonzero(done)
        self._ended.times.append(np.full(len(rows), self._steps))
        self._ended.returns.append(self.returns[rows])
        self._ended.lengths.append(self.lengths[rows])
        for name, total in self.terms.items():
            self._ended.terms.setdefault(name, []).append(total[rows])
            total[rows] = 0.0
        for name, values in step.metrics.items():
            self._ended.metrics.setdefault(name, []).append(values[rows])
        self.returns[rows] = 0.0
        self.lengths[rows] = 0

    def hand_over(self) -> Ended:
        """Returns the episodes that ended since the last summary or handing over, and forgets them."""
        ended, self._ended, self._steps = self._ended, Ended(), 0
        return ended

    def take_over(self, parts: Sequence[Ended]) -> None:
        """Counts episodes that others handed over, of the same steps of their environments.

        parts: in the order of the environments; the episodes are then in the order in which one batch of all
        these environments would have counted them.
        """
        times = [rows for part in parts for rows in part.times]
        if times:
            order = np.argsort(np.concatenate(times), kind="stable")
            self._ended.times.append(np.concatenate(times)[order])
            for name in ("returns", "lengths"):
                rows = np.concatenate([rows for part in parts for rows in getattr(part, name)])
                getattr(self._ended, name).append(rows[order])
        for part in parts:
            for columns, own in ((part.terms, self._ended.terms), (part.metrics, self._ended.metrics)):
                for name, rows in columns.items():
                    own.setdefault(name, []).extend(rows)

    def summary(self) -> dict[str, float]:
        """Returns the log entries of the episodes that ended since the last call, and forgets them.

        `rollout/ep_rew_mean`, `rollout/ep_len_mean`; `reward/<term>`: the mean of the term's sum over an
        episode, so that the terms add up to the return; `metrics/<name>`: the mean over episodes. Empty
        before any episode ends.
        """
        ended = self.hand_over()
        if ended.returns:
            keep = max(self.window, sum(map(len, ended.returns)))
            self.recent_returns = np.concatenate([self.recent_returns, *ended.returns])[-keep:]
            self.recent_lengths = np.concatenate([self.recent_lengths, *ended.lengths])[-keep:]
        if not len(self.recent_returns):
            return {}
        entries = {
            "rollout/ep_rew_mean": float(self.recent_returns.mean()),
            "rollout/ep_len_mean": float(self.recent_lengths.mean()),
        }
        entries |= {
            f"reward/{name}": float(np.concatenate(rows).mean()) for name, rows in ended.terms.items()
        }
        entries |= {
            f"metrics/{name}": float(np.concatenate(rows).mean()) for name, rows in ended.metrics.items()
        }
        self.recent_returns = self.recent_returns[-self.window :]
        self.recent_lengths = self.recent_lengths[-self.window :]
        return entries

    def recent(self, count: int) -> list[dict[str, float]]:
        """Returns up to `count` of the latest episodes in the form of SB3's `ep_info_buffer`."""
        pairs = zip(self.recent_returns[-count:].tolist(), self.recent_lengths[-count:].tolist(), strict=True)
        return [{"r": episode_return, "l": length, "t": 0.0} for episode_return, length in pairs]

    def state(self) -> dict[str, np.ndarray]:
        """Returns what `load_state` needs, copied."""
        names, ended = sorted(self.terms), self._ended
        columns = {"returns": ended.returns, "lengths": ended.lengths}
        columns |= {f"terms/{name}": rows for name, rows in ended.terms.items()}
        columns |= {f"metrics/{name}": rows for name, rows in ended.metrics.items()}
        return {
            "returns": self.returns.copy(),
            "lengths": self.lengths.copy(),
            "term_names": np.array(names, dtype=np.str_),
            "terms": np.array([self.terms[name] for name in names]).reshape(len(names), len(self.returns)),
            "recent_returns": self.recent_returns.copy(),
            "recent_lengths": self.recent_lengths.copy(),
            **{f"ended/{name}": np.concatenate(rows) for name, rows in columns.items() if rows},
        }

    def load_running(self, state: dict[str, np.ndarray]) -> None:
        """Continues the running episodes from what `state` returned of them."""
        self.returns[:] = state["returns"]
        self.lengths[:] = state["lengths"]
        self.terms = {
            str(name): total.astype(np.float64)
            for name, total in zip(state["term_names"], state["terms"], strict=True)
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Continues from what `state` returned."""
        self.load_running(state)
        self.recent_returns = state["recent_returns"].astype(np.float64)
        self.recent_lengths = state["recent_lengths"].astype(np.float64)
        columns = {name: [rows] for name, rows in under("ended/", state).items()}
        returns, lengths = columns.pop("returns", []), columns.pop("lengths", [])
        terms, metrics = under("terms/", columns), under("metrics/", columns)
        times = [np.zeros(len(rows), np.int64) for rows in returns]
        self._ended, self._steps = Ended(times, returns, lengths, terms, metrics), 0
