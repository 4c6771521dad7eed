"""What happened in the episodes of a batch of environments, gathered without a Python loop over them."""

from collections.abc import Mapping

import numpy as np

from agents.common.vec_env import BatchStep


class EpisodeLog:
    """Sums rewards and reward terms of the running episodes; hands out means over those that ended.

    Args:
        num_envs: N, the environments that step together.
    """

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
        self._running = {"return": np.zeros(num_envs), "length": np.zeros(num_envs)}  # name -> (N,) float64
        self._ended: dict[str, float] = {}  # name -> sum over the ended episodes since `means`
        self._episodes = 0

    def add(self, step: BatchStep) -> list[dict[str, float]]:
        """Takes in one step; returns {"r": return, "l": length} of each episode it ended (SB3's names)."""
        running = self._running
        running["return"] += step.rewards
        running["length"] += 1
        for name, values in step.reward_terms.items():
            key = f"reward/{name}"
            if key not in running:
                running[key] = np.zeros(self.num_envs)
            running[key] += values
        ended = np.flatnonzero(step.done)
        if len(ended) == 0:
            return []
        returns, lengths = running["return"][ended].tolist(), running["length"][ended].tolist()
        for name, values in running.items():
            self._count(name, values[ended])
            values[ended] = 0.0
        for name, values in step.metrics.items():
            self._count(f"metrics/{name}", values[ended])
        self._episodes += len(ended)
        return [{"r": r, "l": int(length)} for r, length in zip(returns, lengths, strict=True)]

    def means(self) -> dict[str, float]:
        """Returns reward/<term> and metrics/<name>: means over the episodes since the last call, if any."""
        episodes, self._episodes = self._episodes, 0
        ended, self._ended = self._ended, {}
        return {name: total / episodes for name, total in ended.items() if "/" in name} if episodes else {}

    def reset(self) -> None:
        """Forgets the running episodes: the environments were reset from outside."""
        for values in self._running.values():
            values[:] = 0.0

    def state(self) -> dict[str, np.ndarray]:
        """Returns all of it as arrays without objects."""
        names = list(self._running) + list(self._ended)
        return {
            "names": np.array(names) if names else np.zeros(0, "U1"),
            "running": np.array(list(self._running.values())),
            "ended": np.array([self._episodes, *self._ended.values()], np.float64),
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Becomes what `state()` described."""
        names, running, ended = state["names"].tolist(), state["running"], state["ended"]
        self._running = {name: values.copy() for name, values in zip(names, running, strict=False)}
        self._ended = dict(zip(names[len(running) :], ended[1:].tolist(), strict=True))
        self._episodes = int(ended[0])

    def _count(self, name: str, values: np.ndarray) -> None:
        self._ended[name] = self._ended.get(name, 0.0) + float(values.sum(dtype=np.float64))
