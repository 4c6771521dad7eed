"""Returns, lengths, reward terms and metrics of finished episodes, counted for all environments at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quadrivium.agents.batches.env_batch import BatchStep
from quadrivium.agents.runs.state import under


@dataclass
class _Ended:
    """Episodes that ended since the last summary, as lists of arrays to be concatenated."""

    returns: list[np.ndarray]
    lengths: list[np.ndarray]
    terms: dict[str, list[np.ndarray]]
    metrics: dict[str, list[np.ndarray]]


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
        self._ended = _Ended([], [], {}, {})

    def reset(self) -> None:
        """Forgets the running episodes: the environments were reset."""
        self.returns[:] = 0.0
        self.lengths[:] = 0
        for total in self.terms.values():
            total[:] = 0.0

    def add(self, step: BatchStep) -> None:
        """Counts one step of all environments, or of those whose agents took part."""
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
        self._ended.returns.append(self.returns[rows])
        self._ended.lengths.append(self.lengths[rows])
        for name, total in self.terms.items():
            self._ended.terms.setdefault(name, []).append(total[rows])
            total[rows] = 0.0
        for name, values in step.metrics.items():
            self._ended.metrics.setdefault(name, []).append(values[rows])
        self.returns[rows] = 0.0
        self.lengths[rows] = 0

    def summary(self) -> dict[str, float]:
        """Returns the log entries of the episodes that ended since the last call, and forgets them.

        `rollout/ep_rew_mean`, `rollout/ep_len_mean`; `reward/<term>`: the mean of the term's sum over an
        episode, so that the terms add up to the return; `metrics/<name>`: the mean over episodes. Empty
        before any episode ends.
        """
        ended, self._ended = self._ended, _Ended([], [], {}, {})
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

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Continues from what `state` returned."""
        self.returns[:] = state["returns"]
        self.lengths[:] = state["lengths"]
        self.terms = {
            str(name): total.astype(np.float64)
            for name, total in zip(state["term_names"], state["terms"], strict=True)
        }
        self.recent_returns = state["recent_returns"].astype(np.float64)
        self.recent_lengths = state["recent_lengths"].astype(np.float64)
        columns = {name: [rows] for name, rows in under("ended/", state).items()}
        self._ended = _Ended(
            columns.pop("returns", []),
            columns.pop("lengths", []),
            under("terms/", columns),
            under("metrics/", columns),
        )
