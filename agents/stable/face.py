"""What the faces of our agents share: Stable-Baselines3's attributes and methods, forwarded to a core."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.vec_env import VecEnv

from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.stable.callbacks import CallbackHooks
from quadrivium.agents.stable.saving import SavesWithoutPickle
from quadrivium.agents.stable.vec_env import BatchedVecEnv, ForeignBatch
from quadrivium.agents.training.vector_agent import VectorAgent


class OfCore:
    """An attribute that is the core's, under the name that Stable-Baselines3 gives it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, face: Any, kind: type) -> Any:
        return self if face is None else getattr(face.core, self._name)

    def __set__(self, face: Any, value: Any) -> None:
        if face.core is not None:  # before there is one, constructors only set what is the default
            setattr(face.core, self._name, value)


class Face(SavesWithoutPickle, BaseAlgorithm):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A Stable-Baselines3 algorithm whose data, update and loop are a core's.

    Put it before the algorithm: `class PPO(Face, stable_baselines3.PPO)`. `_setup_model` makes the core.
    """

    core: Any = None  # a VectorAgent, once the networks are there

    num_timesteps: Any = OfCore("num_timesteps")  # pyright: ignore[reportIncompatibleVariableOverride]
    _last_obs: Any = OfCore("obs")  # pyright: ignore[reportIncompatibleVariableOverride]
    _n_updates: Any = OfCore("n_updates")  # pyright: ignore[reportIncompatibleVariableOverride]
    statistics: Any = OfCore("statistics")

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        if isinstance(env, VectorEnv):
            env = BatchedVecEnv(env)
        if isinstance(env, BatchedVecEnv):
            return env  # SB3 would transpose uint8 grids; here rank 3 is (C, H, W) already
        return BaseAlgorithm._wrap_env(env, verbose, monitor_wrapper)

    def batch(self) -> Any:
        """Returns the environments as the core takes them."""
        return self.env if self.env is None or isinstance(self.env, BatchedVecEnv) else ForeignBatch(self.env)

    def refresh(self) -> None:
        """Hands the core what a user may have set meanwhile: hyper-parameters, environments, the logger."""
        core: VectorAgent = self.core
        core.env, core.logger = self.batch(), getattr(self, "_logger", core.logger)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str = "run",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Trains for `total_timesteps` environment steps (rounded up to whole iterations).

        As `Agent.learn`, with Stable-Baselines3's callbacks; between iterations (`IterationCallback`)
        `snapshot()` is exact. A log line is of the episodes since the last one, and of the iteration's own
        update (SB3 writes that an iteration late).
        """
        core = self.core
        fresh = reset_num_timesteps or core.obs is None
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        self.refresh()
        if reset_num_timesteps:
            core.reset_counters()
        if fresh:  # _setup_learn has reset the environments
            core.after_reset()
        core.run(total_timesteps, CallbackHooks(callback, self, locals()), log_interval)
        return self

    def act(self, obs: Any, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...), for any N; it does not disturb a training."""
        return self.core.act(obs, deterministic)

    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on; call it between iterations."""
        return self.core.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent and its environments where `snapshot` was taken; see `VectorAgent.restore`."""
        self.core.restore(snapshot)
