"""Whether a kernel keeps to its rows: nothing checks that where it runs."""

import math
from typing import Any

import numpy as np

from quadrivium.envs.core.checks.subject import LeftOutError, Subject, require
from quadrivium.envs.core.lanes import Lanes

GUARD = 4096
"""Bytes before and after each row."""
_PATTERN = 0xA5


class _Guards:
    """Allocates arrays between guards, and sees whether one was written over."""

    def __init__(self) -> None:
        self._spaces: list[tuple[str, np.ndarray, int]] = []

    def zeros(self, name: str, shape: tuple[int, ...] | int, dtype: Any) -> np.ndarray:
        """Returns zeros of a shape and dtype, with a guard on either side."""
        size = math.prod(shape if isinstance(shape, tuple) else (shape,)) * np.dtype(dtype).itemsize
        space = np.full(size + 2 * GUARD, _PATTERN, np.uint8)
        space[GUARD : GUARD + size] = 0
        self._spaces.append((name, space, size))
        return space[GUARD : GUARD + size].view(dtype).reshape(shape)

    def require_whole(self, role: str) -> None:
        """Raises ConformanceError if a guard was written over."""
        for name, space, size in self._spaces:
            for side, guard in (("before", space[:GUARD][::-1]), ("behind", space[GUARD + size :])):
                written = np.flatnonzero(guard != _PATTERN)
                fault = f"{role} wrote {written[-1:] + 1} bytes {side} its row of {name}, which has {size}"
                require(not len(written), fault.replace("[", "").replace("]", ""))


def kernels_write_inside_their_rows(subject: Subject) -> None:
    """No lane function writes before or behind its record, observation, terms, masks, metrics or actions."""
    env = subject.batch() if subject.is_batch else subject.make()
    setup = getattr(env.unwrapped, "setup", None)
    if setup is None:
        raise LeftOutError("it is no environment over lane functions")
    guards = _Guards()
    lanes = Lanes(setup, 1, zeros=guards.zeros)
    everyone, random = np.ones(1, np.bool_), np.random.default_rng(subject.seed)
    lanes.seed(np.array([subject.seed], np.uint64), everyone)
    for role, call in (
        ("reset", lambda: lanes.reset(everyone)),
        ("observe", lanes.observe),
        ("metrics", lanes.write_metrics),
    ):
        call()
        guards.require_whole(role)
    for _ in range(subject.steps):
        lanes.set_actions(_random_actions(lanes, random))
        lanes.step(autoreset=True)
        guards.require_whole("step")


def _random_actions(lanes: Lanes, random: np.random.Generator) -> np.ndarray:
    space, rows = lanes.setup.action_space, len(lanes.masks)
    if lanes.setup.masked:
        return (random.random(lanes.masks.shape) - (lanes.masks == 0)).argmax(axis=1)
    space.seed(int(random.integers(2**31)))
    return np.array([space.sample() for _ in range(rows)])
