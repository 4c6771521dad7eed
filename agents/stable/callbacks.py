"""Stable-Baselines3's callbacks as hooks of our loop, and the points that they lack: after each update."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EventCallback
from stable_baselines3.common.utils import safe_mean

from quadrivium.agents.batches.env_batch import BatchStep
from quadrivium.agents.stable.vec_env import BatchedVecEnv, LazyInfos
from quadrivium.agents.training.hooks import Hooks


class IterationCallback(BaseCallback):
    """A Stable-Baselines3 callback that is also called after each update; see `Hooks`."""

    def _on_step(self) -> bool:
        return True

    def on_iteration_end(self) -> bool:
        """Called after the update and before the log is written. Returns False to stop the training."""
        return True

    def on_iteration_logged(self) -> bool:
        """Called after the log is written, which is when to save. Returns False to stop the training."""
        return True


class CallbackHooks(Hooks):
    """Calls a callback where our loop calls its hooks, and keeps `model`'s book of episodes.

    Args:
        callback: one, or a list of them.
        model: the face.
        names: the local variables of `learn`, which callbacks may look at.
    """

    def __init__(self, callback: BaseCallback, model: Any, names: dict[str, Any] | None = None) -> None:
        self._callback, self._model, self._names = callback, model, names or {}
        self._within = list(_iteration_callbacks(callback))

    def on_training_start(self) -> None:
        """Calls `on_training_start`."""
        self._callback.on_training_start(self._names, globals())

    def on_rollout_start(self) -> None:
        """Calls `on_rollout_start`."""
        self._callback.on_rollout_start()

    def on_step(self, step: BatchStep) -> bool:
        """Calls `on_step` with the locals that Stable-Baselines3's callbacks look at."""
        infos = LazyInfos(step) if step.infos is None else step.infos
        if step.infos is not None:
            self._model._update_info_buffer(infos, step.done)
        self._callback.update_locals(
            {"new_obs": step.obs, "rewards": step.rewards, "dones": step.done, "infos": infos}
        )
        return self._callback.on_step()

    def on_rollout_end(self) -> None:
        """Calls `on_rollout_end`."""
        self._callback.on_rollout_end()

    def on_iteration_end(self) -> bool:
        """Calls those that are there, all of them."""
        answers = [found.on_iteration_end() for found in self._within]
        return all(answers)

    def on_line(self, entries: dict[str, float]) -> None:
        """Keeps the latest episodes for callbacks; what Monitors measured, underneath any wrapper, counts."""
        recent, successes = self._model.ep_info_buffer, self._model.ep_success_buffer
        if isinstance(self._model.env, BatchedVecEnv):
            recent.extend(self._model.core.statistics.recent(recent.maxlen))
        elif recent:
            entries["rollout/ep_rew_mean"] = safe_mean([info["r"] for info in recent])
            entries["rollout/ep_len_mean"] = safe_mean([info["l"] for info in recent])
        if successes:
            entries["rollout/success_rate"] = safe_mean(list(successes))

    def on_iteration_logged(self) -> bool:
        """Calls those that are there, all of them."""
        answers = [found.on_iteration_logged() for found in self._within]
        return all(answers)

    def on_training_end(self) -> None:
        """Calls `on_training_end`."""
        self._callback.on_training_end()


def _iteration_callbacks(callback: BaseCallback | None) -> list[IterationCallback]:
    if isinstance(callback, CallbackList):
        return [found for child in callback.callbacks for found in _iteration_callbacks(child)]
    if isinstance(callback, EventCallback) and not isinstance(callback, IterationCallback):
        return _iteration_callbacks(callback.callback)
    return [callback] if isinstance(callback, IterationCallback) else []
