"""What scripted drivers of every driving world know, in NumPy and independent of the kernels."""

import math

import numpy as np
from gymnasium.spaces import Discrete

from quadrivium.envs.core.setup import Batch

LEFT, IDLE, RIGHT, FASTER, SLOWER = range(5)
LENGTH = 5.0  # m
GAIN, SAFE_BRAKING = 0.2, 2.0  # m/s²: what a change of lane must gain, and may ask of others
NOBODY = 1e6  # m: the gap where there is no car

_ACCELERATION, _BRAKING, _TIME_GAP, _REST_GAP, _EXPONENT = 3.0, 5.0, 1.5, 10.0, 4.0


def idm(
    speed: np.ndarray, gap: np.ndarray, leader_speed: np.ndarray, desired: np.ndarray | float
) -> np.ndarray:
    """Returns the acceleration (N,) of the Intelligent Driver Model, m/s²; gaps from centre to centre, m."""
    wanted = (
        _REST_GAP
        + speed * _TIME_GAP
        + speed * (speed - leader_speed) / (2 * np.sqrt(_ACCELERATION * _BRAKING))
    )
    return _ACCELERATION * (
        1 - (np.maximum(speed, 0) / desired) ** _EXPONENT - (wanted / np.maximum(gap, 0.01)) ** 2
    )


def nearest_meta(
    speed: np.ndarray, target: np.ndarray, acceleration: np.ndarray, speeds: np.ndarray
) -> np.ndarray:
    """Returns idle, faster or slower (N,): what sets the target speed nearest to that in one second.

    speed, target: (N,) m/s, as it is and as it is aimed at. speeds: the (n,) rising target speeds.
    """
    goal = speed + np.clip(acceleration, -6, 6)
    places, last = np.arange(len(speeds)), len(speeds) - 1
    index = np.rint(np.interp(speed, speeds, places)).astype(int)  # halves go to the even one
    targets = np.stack([target, speeds[np.minimum(index + 1, last)], speeds[np.maximum(index - 1, 0)]])
    return np.array([IDLE, FASTER, SLOWER])[np.abs(targets - goal).argmin(axis=0)]


def idle(env: Batch) -> np.ndarray:
    """Does nothing: the meta-action `idle`, or no throttle and no steering."""
    space = env.single_action_space
    if isinstance(space, Discrete):  # of nine pairs of throttle and steering it is the middle one
        return np.full(env.num_envs, IDLE if space.n <= 5 else space.n // 2)
    return np.zeros((env.num_envs, *(space.shape or ())), np.float32)


def random(env: Batch) -> np.ndarray:
    """Draws each action from the whole space, as a function of the lane's record only."""
    space, agents = env.single_action_space, env.num_envs // len(env.states)
    drawn = np.stack(draws(env.states, agents * math.prod(space.shape or ())), axis=1)
    if isinstance(space, Discrete):
        return (drawn.reshape(-1) % np.uint64(space.n)).astype(np.int64)
    return (drawn / 2.0**63 - 1.0).astype(np.float32).reshape(env.num_envs, -1)


def draws(states: np.ndarray, count: int) -> list[np.ndarray]:
    """Returns `count` times (N,) uint64, uniform, as functions of the lanes' records only."""
    steps = states["step"].astype(np.uint64) + np.uint64(1)
    return [_hash(states["rng"] + np.uint64(2 * k + 1) * steps) for k in range(count)]


def _hash(z: np.ndarray) -> np.ndarray:
    """Returns the SplitMix64 finaliser of uint64 numbers."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
