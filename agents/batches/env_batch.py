"""Environments that step together, as agents see them: arrays in, arrays out, no Python for each one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from quadrivium.agents.batches.finite import FiniteGuard, name_of
from quadrivium.agents.batches.infos import Obs, columns, final_observations


@dataclass(slots=True)
class BatchStep:
    """One step of N environments. Arrays other than `obs` may be overwritten by the next step."""

    obs: Obs  # (N, ...) what the next action is for: where an episode ended, the first of the next one
    rewards: np.ndarray  # (N,) float32
    terminated: np.ndarray  # (N,) bool
    truncated: np.ndarray  # (N,) bool; False where terminated too
    done: np.ndarray  # (N,) bool, terminated or truncated
    final_obs: Obs  # (N, ...) the ended episodes' last observations; other rows mean nothing
    # name -> (N,) float32; the metrics are valid where done
    reward_terms: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    metrics: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    # (N,) bool: rows of agents that took part in the step; what stands in others means nothing. None: all did
    acted: np.ndarray | None = None
    infos: list[dict[str, Any]] | None = None  # where the environments made them


class EnvBatch:
    """A `gymnasium.vector.VectorEnv` whose autoreset mode is SAME_STEP.

    Args:
        env: a native vector environment, or Gymnasium's SyncVectorEnv or AsyncVectorEnv.
        first: the number of its first lane, where it is one of several parts of a larger batch.
        agents: environments that share a lane.

    `reset` and steps raise NotFiniteError at the first NaN or infinity.

    Raises:
        ValueError: the environment resets in another mode: with NEXT_STEP every reset would be stored as a
            transition that never happened.
    """

    def __init__(self, env: VectorEnv, first: int = 0, agents: int = 1) -> None:
        mode = env.metadata.get("autoreset_mode")
        if mode not in (AutoresetMode.SAME_STEP, AutoresetMode.SAME_STEP.value):
            name = mode.value if isinstance(mode, AutoresetMode) else mode
            raise ValueError(
                f"autoreset_mode={name} of {type(env.unwrapped).__name__}, "
                f"expected {AutoresetMode.SAME_STEP.value}; use "
                "make_vec(..., vectorization_mode='sync', "
                "vector_kwargs={'autoreset_mode': AutoresetMode.SAME_STEP})."
            )
        self.env = env
        self.num_envs = env.num_envs
        self.observation_space, self.action_space = env.single_observation_space, env.single_action_space
        self._first = first
        self._seed: int | None = None
        self._guard = FiniteGuard(env.num_envs, name_of(env), first * agents)

    def seed(self, seed: int | None = None) -> Any:
        """Seeds the next reset: lane i gets `seed` plus i, plus the number of the first."""
        self._seed = None if seed is None else seed + self._first

    def reset(self) -> Obs:
        """Starts an episode in every environment."""
        obs, _ = self.env.reset(seed=self._seed)
        self._seed = None
        self._guard.reset(obs)
        return obs

    def step_batch(self, actions: np.ndarray) -> BatchStep:
        """Steps all environments; actions (N, ...) in the action space, which is not checked here."""
        acted = self.taking_part
        obs, rewards, terminated, truncated, info = self.env.step(actions)
        done = terminated | truncated
        final_obs = final_observations(obs, info)
        self._guard.step(obs, rewards, done, final_obs)
        return BatchStep(
            obs=obs,
            rewards=np.asarray(rewards, dtype=np.float32),
            terminated=terminated,
            truncated=truncated & ~terminated,
            done=done,
            final_obs=final_obs,
            reward_terms=columns(info, "reward_terms", done),
            metrics=columns(info, "metrics", done),
            acted=acted,
        )

    @property
    def taking_part(self) -> np.ndarray | None:
        """(N,) bool: the environments whose next actions count; None: all, as anywhere but where agents leave
        before others.
        """
        return getattr(self.env.unwrapped, "taking_part", None)

    @property
    def supports_state(self) -> bool:
        """Whether `get_state` and `set_state` exist, which exact resume needs."""
        env = self.env.unwrapped
        return hasattr(env, "get_state") and hasattr(env, "set_state")

    def get_state(self) -> np.ndarray:
        """Returns a copy of the state of all environments: a row each, or one for those that share a lane."""
        return self.env.unwrapped.get_state()  # pyright: ignore[reportAttributeAccessIssue]

    def set_state(self, rows: np.ndarray) -> None:
        """Puts all environments back into the states that `get_state` returned."""
        self.env.unwrapped.set_state(rows)  # pyright: ignore[reportAttributeAccessIssue]

    def close(self) -> None:
        """Closes the wrapped environment."""
        self.env.close()


def as_batch(env: Any) -> Any:
    """Returns a Gymnasium vector environment as an `EnvBatch`, and anything else as it is."""
    return EnvBatch(env) if isinstance(env, VectorEnv) else env
