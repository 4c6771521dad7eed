"""Vector environments between Gymnasium and Stable-Baselines3, in both directions.

Stable-Baselines3 wants a list of info dictionaries every step; building them is what makes it slow at
hundreds of environments. Our agents call `step_batch`, which makes arrays only; `step_async`/`step_wait`
still build the lists, for callbacks and algorithms that know nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from quadrivium.agents.batches.env_batch import BatchStep, EnvBatch
from quadrivium.agents.batches.finite import FiniteGuard
from quadrivium.agents.batches.infos import Obs, final_observations, lane_info


class BatchedVecEnv(EnvBatch, VecEnv):
    """A Gymnasium vector environment for Stable-Baselines3; see `EnvBatch` for its argument."""

    def __init__(self, env: VectorEnv) -> None:
        EnvBatch.__init__(self, env)
        self._actions: np.ndarray | None = None
        self._returns = np.zeros(env.num_envs)
        self._lengths = np.zeros(env.num_envs, dtype=np.int64)
        VecEnv.__init__(self, env.num_envs, env.single_observation_space, env.single_action_space)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds the next reset: environment i gets `seed` plus i."""
        seeds = VecEnv.seed(self, seed)
        EnvBatch.seed(self, seeds[0])
        return seeds

    def reset(self) -> Obs:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Starts an episode in every environment."""
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self._reset_seeds()
        self._reset_options()
        return EnvBatch.reset(self)

    def step_async(self, actions: np.ndarray) -> None:
        """Remembers the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Returns obs, rewards, dones and infos with SB3's keys (episode, terminal_observation, ...)."""
        if self._actions is None:
            raise RuntimeError("step_wait() was called without actions; call step_async(actions) first.")
        obs, rewards, terminated, truncated, info = self.env.step(self._actions)
        self._actions = None
        done = terminated | truncated
        infos = [lane_info(info, lane) for lane in range(self.num_envs)]
        self._returns += rewards
        self._lengths += 1
        final_obs = final_observations(obs, info)
        self._guard.step(obs, rewards, done, final_obs)
        for lane in np.flatnonzero(done):
            infos[lane] |= {
                "terminal_observation": _row(final_obs, int(lane)),
                "TimeLimit.truncated": bool(truncated[lane] and not terminated[lane]),
                "episode": {"r": float(self._returns[lane]), "l": int(self._lengths[lane]), "t": 0.0},
            }
        self._returns[done] = 0.0
        self._lengths[done] = 0
        return obs, np.asarray(rewards, dtype=np.float32), done, infos

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Returns an attribute of each environment, or that of the whole batch repeated."""
        lanes = self._lanes(indices)
        if attr_name != "render_mode" and hasattr(self.env.unwrapped, "call"):
            values = self.env.unwrapped.get_attr(attr_name)  # pyright: ignore[reportAttributeAccessIssue]
            return [values[lane] for lane in lanes]
        return [getattr(self.env, attr_name)] * len(lanes)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets an attribute of the batch; single environments inside it have none of their own."""
        if indices is not None:
            raise ValueError(
                f"set_attr({attr_name!r}, indices={indices}): the batch is one object; omit indices."
            )
        if hasattr(self.env.unwrapped, "set_attr"):
            self.env.unwrapped.set_attr(attr_name, value)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            setattr(self.env.unwrapped, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Calls a method of each environment, or that of the whole batch once, with its result repeated.

        Of `action_masks` (N, A), which sb3-contrib's MaskablePPO calls, each environment gets its row.
        """
        lanes = self._lanes(indices)
        if hasattr(self.env.unwrapped, "call"):
            results = self.env.unwrapped.call(method_name, *method_args, **method_kwargs)  # pyright: ignore
            return [results[lane] for lane in lanes]
        result = getattr(self.env.unwrapped, method_name)(*method_args, **method_kwargs)
        return [result[lane] for lane in lanes] if method_name == "action_masks" else [result] * len(lanes)

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """Returns False for every environment: a batch has no wrappers around its members."""
        return [False] * len(self._lanes(indices))

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Returns the rendered frames, one an environment (or as many as the batch renders)."""
        frames: Any = self.env.render()
        if frames is None:
            return []
        return list(frames) if isinstance(frames, (tuple, list)) or np.ndim(frames) == 4 else [frames]

    def _lanes(self, indices: VecEnvIndices) -> list[int]:
        lanes: Iterable[int] = self._get_indices(indices)
        return list(lanes)


class ForeignBatch:
    """Any VecEnv as agents see environments; its state cannot be saved."""

    supports_state = False

    def __init__(self, env: VecEnv) -> None:
        self.env = env
        self.num_envs = env.num_envs
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self._guard = FiniteGuard(env.num_envs, type(env).__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def reset(self) -> Any:
        """Starts an episode in every environment."""
        obs = self.env.reset()
        self._guard.reset(obs)
        return obs

    def step_batch(self, actions: np.ndarray) -> BatchStep:
        """Steps all environments; the step holds the infos that they made."""
        obs, rewards, done, infos = self.env.step(actions)
        final_obs: Any = obs
        done = np.asarray(done, dtype=bool)
        truncated, ended = np.zeros(len(done), dtype=bool), np.flatnonzero(done)
        if len(ended):
            final_obs = (
                {key: part.copy() for key, part in obs.items()} if isinstance(obs, dict) else np.array(obs)
            )
        for lane in ended:
            last = infos[lane].get("terminal_observation")
            if last is None:
                continue
            truncated[lane] = infos[lane].get("TimeLimit.truncated", False)
            if isinstance(final_obs, dict):
                for key, part in final_obs.items():
                    part[lane] = last[key]
            else:
                final_obs[lane] = last
        rewards = np.asarray(rewards, dtype=np.float32)
        self._guard.step(obs, rewards, done, final_obs)
        return BatchStep(obs, rewards, done & ~truncated, truncated, done, final_obs, infos=infos)  # pyright: ignore


class LazyInfos(Sequence[dict[str, Any]]):
    """SB3's list of infos for a `BatchStep`, built only where a callback looks at it."""

    def __init__(self, step: BatchStep) -> None:
        self._step = step
        self._infos: list[dict[str, Any]] | None = None

    def _built(self) -> list[dict[str, Any]]:
        if self._infos is None:
            step = self._step
            self._infos = [{} for _ in range(len(step.done))]
            for lane in np.flatnonzero(step.done).tolist():
                self._infos[lane] = {
                    "terminal_observation": _row(step.final_obs, lane),
                    "TimeLimit.truncated": bool(step.truncated[lane]),
                    **{name: float(values[lane]) for name, values in step.metrics.items()},
                }
        return self._infos

    def __len__(self) -> int:
        return len(self._step.done)

    def __getitem__(self, index: Any) -> Any:
        return self._built()[index]


def _row(obs: Obs, lane: int) -> Any:
    """Returns a copy of one environment's observation."""
    return (
        {key: part[lane].copy() for key, part in obs.items()} if isinstance(obs, dict) else obs[lane].copy()
    )
