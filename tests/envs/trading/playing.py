"""Plays scripted players through many short episodes, for means with their standard errors."""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.gym_env import LaneVectorEnv


class Mean(NamedTuple):
    """A mean over episodes and its standard error."""

    value: float
    error: float

    def agrees_with(self, expected: float, errors: float = 4.0) -> bool:
        """Whether `expected` lies within so many standard errors."""
        return abs(self.value - expected) <= errors * self.error


def mean_return(env: LaneVectorEnv, player, seed: int = 7) -> Mean:
    """Plays one episode in each lane, by a baseline's name or a function of the environment."""
    act = env.baselines[player] if isinstance(player, str) else player
    env.reset(seed=seed)
    returns, running = np.zeros(env.num_envs), np.ones(env.num_envs, bool)
    while running.any():
        _, rewards, terminated, truncated, _ = env.step(act(env))
        returns += np.where(running, rewards, 0.0)
        running &= ~(terminated | truncated)
    return Mean(float(returns.mean()), float(returns.std(ddof=1) / np.sqrt(len(returns))))
