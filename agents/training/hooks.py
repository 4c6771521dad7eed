"""Points of the training loop that Stable-Baselines3's callbacks lack: after each update.

PPO and DQN call, once an iteration (collect, update), in this order:

1. `on_iteration_end`: the weights are updated. Evaluate here and `record` the results;
2. the logger dumps everything recorded in the iteration;
3. `on_iteration_logged`: the moment for a checkpoint, which then follows the log lines that it continues.

At both the agent is between iterations, where `agent.snapshot()` is exact.
"""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EventCallback


class IterationCallback(BaseCallback):
    """A Stable-Baselines3 callback that is also called after each update; override what is needed."""

    def _on_step(self) -> bool:
        return True

    def on_iteration_end(self) -> bool:
        """Called after the update and before the log is written. Returns False to stop the training."""
        return True

    def on_iteration_logged(self) -> bool:
        """Called after the log is written. Returns False to stop the training."""
        return True


def iteration_end(callback: BaseCallback) -> bool:
    """Calls `on_iteration_end` of the `IterationCallback`s within `callback`; False if one returned False."""
    answers = [found.on_iteration_end() for found in _iteration_callbacks(callback)]  # all of them, always
    return all(answers)


def iteration_logged(callback: BaseCallback) -> bool:
    """Calls `on_iteration_logged` of the `IterationCallback`s within; False if one returned False."""
    answers = [found.on_iteration_logged() for found in _iteration_callbacks(callback)]
    return all(answers)


def _iteration_callbacks(callback: BaseCallback | None) -> list[IterationCallback]:
    if isinstance(callback, CallbackList):
        return [found for child in callback.callbacks for found in _iteration_callbacks(child)]
    if isinstance(callback, EventCallback) and not isinstance(callback, IterationCallback):
        return _iteration_callbacks(callback.callback)
    return [callback] if isinstance(callback, IterationCallback) else []
