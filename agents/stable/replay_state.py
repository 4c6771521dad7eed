"""What Stable-Baselines3's replay memories hold, as arrays for a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer

from quadrivium.agents.runs.state import under
from quadrivium.agents.stable.hindsight import HindsightReplay


def replay_state(buffer: ReplayBuffer) -> dict[str, np.ndarray]:
    """Returns everything that was written, the filled rows only; the arrays share the buffer's memory."""
    filled = buffer.buffer_size if buffer.full else buffer.pos
    state = {name: array[:filled] for name, array in _arrays(buffer).items()}
    state["counters"] = np.array([buffer.pos, buffer.full, buffer.buffer_size, buffer.n_envs], np.int64)
    if isinstance(buffer, HindsightReplay):
        state["episode_starts"] = buffer._current_ep_start
    return state


def load_replay_state(buffer: ReplayBuffer, state: Mapping[str, np.ndarray]) -> None:
    """Makes an empty buffer the one that `replay_state` described.

    Raises:
        ValueError: the state is of a buffer of another size.
    """
    pos, full, rows, n_envs = (int(x) for x in state["counters"])
    if (rows, n_envs) != (buffer.buffer_size, buffer.n_envs):
        raise ValueError(
            f"the saved replay memory has {rows} rows of {n_envs} environments, this one "
            f"{buffer.buffer_size} of {buffer.n_envs}; resume with the same buffer_size and num_envs"
        )
    if isinstance(buffer, HindsightReplay):
        shape = (rows, n_envs)
        buffer.metrics = {name: np.zeros(shape, np.float32) for name in under("metrics/", state)}
        buffer._current_ep_start[:] = state["episode_starts"]
    for name, array in _arrays(buffer).items():
        array[: len(state[name])] = state[name]
    buffer.pos, buffer.full = pos, bool(full)


def _arrays(buffer: ReplayBuffer) -> dict[str, np.ndarray]:
    """Returns the buffer's own arrays (buffer_size, n_envs, ...) by name."""
    arrays = {name: getattr(buffer, name) for name in ("actions", "rewards", "dones", "timeouts")}
    for name in ("observations", "next_observations"):
        parts: Any = getattr(buffer, name)
        arrays |= {
            f"{name}/{key}": x for key, x in (parts if isinstance(parts, dict) else {"": parts}).items()
        }
    if isinstance(buffer, HindsightReplay):
        arrays |= {"ep_start": buffer.ep_start, "ep_length": buffer.ep_length}
        arrays |= {f"metrics/{name}": array for name, array in buffer.metrics.items()}
    return arrays
