"""Hindsight replay for worlds that pay by more than two goals, with arrays for the info of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from quadrivium.agents.stable.vec_env import BatchedVecEnv


class HindsightReplay(HerReplayBuffer):
    """Stable-Baselines3's hindsight replay, with two differences.

    1. `compute_reward` is told of a step `{"achieved_before": goal, "metrics": {name: number}}`: the goal
       that was achieved before it, and how an episode that it ended came out. These are arrays, so a
       checkpoint holds them; SB3 keeps the info dictionaries themselves, or tells nothing.
    2. Where the environment has `compute_terminated` (Gymnasium-Robotics' form), a transition with another
       goal ends where that goal ends it. SB3 keeps the ends of the goal that it had: reaching a goal by which
       an episode ends would be paid again and again.

    Args:
        arguments: of SB3's class, by position; its `env` is a `BatchedVecEnv`.
        named: the others, by name.
    """

    def __init__(self, *arguments: Any, env: BatchedVecEnv, **named: Any) -> None:
        super().__init__(*arguments, env=env, **named)
        self.infos = np.empty((0, 0), dtype=object)  # its dictionaries, one a transition, are never read
        self.metrics: dict[str, np.ndarray] = {}  # name -> (buffer_size, n_envs) float32
        reward = goal_function(env.env, "compute_reward")
        assert reward is not None, "the environment has no compute_reward"
        self._reward, self._terminated = reward, goal_function(env.env, "compute_terminated")

    def note_metrics(self, metrics: Mapping[str, np.ndarray], done: np.ndarray) -> None:
        """Keeps the metrics (n_envs,) of the step that is added next, of the episodes that it ended."""
        for name in metrics:
            if name not in self.metrics:
                self.metrics[name] = np.zeros((self.buffer_size, self.n_envs), np.float32)
        for name, kept in self.metrics.items():
            kept[self.pos] = np.where(done, metrics[name], 0.0) if name in metrics else 0.0

    @property
    def holds_episodes(self) -> bool:
        """Whether there is an episode that has ended, before which nothing can be sampled."""
        return bool(self.ep_length.any())

    def _get_virtual_samples(
        self, batch_indices: np.ndarray, env_indices: np.ndarray, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        rows = batch_indices, env_indices
        obs = {key: part[rows] for key, part in self.observations.items()}
        next_obs = {key: part[rows] for key, part in self.next_observations.items()}
        goals = self._sample_goals(batch_indices, env_indices)
        obs["desired_goal"] = next_obs["desired_goal"] = goals
        metrics = {name: kept[rows] for name, kept in self.metrics.items()}
        infos = [
            {"achieved_before": before, "metrics": {name: column[i] for name, column in metrics.items()}}
            for i, before in enumerate(obs["achieved_goal"])
        ]
        rewards = self._reward(next_obs["achieved_goal"], goals, infos)
        if self._terminated is None:
            ends = self.dones[rows] * (1 - self.timeouts[rows])
        else:
            ends = self._terminated(next_obs["achieved_goal"], goals, infos)
        return DictReplayBufferSamples(
            observations={key: self.to_torch(part) for key, part in obs.items()},
            actions=self.to_torch(self.actions[rows]),
            next_observations={key: self.to_torch(part) for key, part in next_obs.items()},
            dones=self.to_torch(np.asarray(ends, np.float32)[:, None]),
            rewards=self.to_torch(np.asarray(rewards, np.float32)[:, None]),
        )


def goal_function(env: VectorEnv, name: str) -> Callable[..., Any] | None:
    """Returns what a batch, or the first of its environments, offers under `name`; None where none does."""
    inner: Any = env.unwrapped
    if hasattr(inner, name):
        return getattr(inner, name)
    first = next(iter(getattr(inner, "envs", [])), None)
    return first.get_wrapper_attr(name) if first is not None and first.has_wrapper_attr(name) else None
