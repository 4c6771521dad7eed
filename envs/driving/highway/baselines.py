"""Scripted drivers of the ego, batched: each takes a `Batch` of this world and returns its actions.

They read the lanes' records, so they know exact positions; they remember nothing between calls and draw their
random numbers from the records, so the same scenarios always give the same actions. Written in NumPy over
(N, cars) arrays, independently of the kernel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.driving import scripted
from quadrivium.envs.driving.scripted import GAIN, LEFT, LENGTH, NOBODY, RIGHT, SAFE_BRAKING, SLOWER

Floats = np.ndarray
Ints = np.ndarray


@dataclass(frozen=True)
class Road:
    """The lanes of a batch as arrays; car 0 is the ego.

    Attributes:
        x, y, vx, vy: (N, cars) m and m/s.
        lane, target: (N,) the ego's nearest lane and the lane it steers to.
        desired: (N,) the ego's target speed under meta-actions, m/s.
        heading: (N,) the ego's, rad.
        lanes: of the road.
        speeds: (n,) m/s, the targets of meta-actions; the last one is what the ego wishes.
        period: s, one decision.
        continuous: whether actions are continuous.
    """

    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    lane: Ints
    target: Ints
    desired: Floats
    heading: Floats
    lanes: int
    speeds: Floats
    period: float
    continuous: bool

    @classmethod
    def of(cls, env: Batch) -> "Road":
        """Reads the batch's records."""
        states, p = env.states, env.setup.params
        cars = slice(0, p.vehicles + 1)
        speed = states["speed"][:, cars].astype(np.float64)
        return cls(
            x=states["x"][:, cars].astype(np.float64),
            y=states["y"][:, cars].astype(np.float64),
            vx=speed * states["cos_heading"][:, cars],
            vy=speed * states["sin_heading"][:, cars],
            lane=states["lane"][:, 0],
            target=states["target"][:, 0],
            desired=states["desired_speed"][:, 0],
            heading=states["heading"][:, 0].astype(np.float64),
            lanes=p.lanes,
            speeds=p.target_speeds.astype(np.float64),
            period=p.frames * p.dt,
            continuous=not isinstance(env.single_action_space, Discrete),
        )

    def neighbours(self, lane: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        """Returns the gaps to the cars ahead and behind in `lane` (N,) and their speeds.

        In the order gap ahead, speed, gap behind, speed; no car: `NOBODY` and the ego's speed.
        """
        inside = np.abs(self.y - 4.0 * lane[:, None]) <= 3.0
        inside[:, 0] = False
        dx = self.x - self.x[:, :1]
        ahead = np.where(inside & (dx >= 0), dx, NOBODY)
        behind = np.where(inside & (dx < 0), -dx, NOBODY)
        rows = np.arange(len(dx))
        leader, follower = ahead.argmin(axis=1), behind.argmin(axis=1)
        gap_ahead, gap_behind = ahead[rows, leader], behind[rows, follower]
        leader = np.where(gap_ahead < NOBODY, leader, 0)
        follower = np.where(gap_behind < NOBODY, follower, 0)
        return gap_ahead, self.vx[rows, leader], gap_behind, self.vx[rows, follower]


def brake(env: Batch) -> np.ndarray:
    """Slows down to the least target speed: the meta-action `slower`, or the throttle that leads there."""
    road = Road.of(env)
    if road.continuous:
        return _drive(road, (road.speeds[0] - road.vx[:, 0]) / max(road.period, 1.0), road.lane)
    return np.full(len(road.x), SLOWER)


def idm(env: Batch) -> np.ndarray:
    """Keeps its lane and follows the Intelligent Driver Model towards the highest target speed."""
    road = Road.of(env)
    acceleration = _follow(road, road.lane, road.target)
    return _drive(road, acceleration, road.lane) if road.continuous else _nearest_meta(road, acceleration)


def idm_mobil(env: Batch) -> np.ndarray:
    """Follows that model, and changes lane where MOBIL gains from it."""
    road = Road.of(env)
    target = _lane_headed_to(road) if road.continuous else road.target
    wanted = target.copy()
    best = np.full(len(road.x), GAIN)
    stay = _follow(road, road.lane, road.lane)
    for step in (-1, 1):
        candidate = road.lane + step
        gap, speed, gap_behind, speed_behind = road.neighbours(candidate)
        own = scripted.idm(road.vx[:, 0], gap, speed, road.speeds[-1])
        other = scripted.idm(speed_behind, gap_behind, road.vx[:, 0], np.maximum(speed_behind, 1.0))
        better = (
            (candidate >= 0)
            & (candidate < road.lanes)
            & (target == road.lane)
            & (own - stay >= best)
            & (own >= -SAFE_BRAKING)
            & (other >= -SAFE_BRAKING)
            & (np.minimum(gap, gap_behind) > 2 * LENGTH)
        )
        best = np.where(better, own - stay, best)
        wanted = np.where(better, candidate, wanted)
    acceleration = _follow(road, road.lane, wanted)
    if road.continuous:
        return _drive(road, acceleration, wanted)
    keep = _nearest_meta(road, acceleration)
    return np.where(wanted > target, RIGHT, np.where(wanted < target, LEFT, keep))


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {
    "idle": scripted.idle,
    "random": scripted.random,
    "brake": brake,
    "idm": idm,
    "idm_mobil": idm_mobil,
}


def _follow(road: Road, lane: Ints, other: Ints) -> Floats:
    """Returns the acceleration (N,) that the leaders in both lanes allow."""
    limits = [scripted.idm(road.vx[:, 0], *road.neighbours(k)[:2], road.speeds[-1]) for k in (lane, other)]
    return np.minimum(*limits)


def _nearest_meta(road: Road, acceleration: Floats) -> Ints:
    return scripted.nearest_meta(road.vx[:, 0], road.desired, acceleration, road.speeds)


def _lane_headed_to(road: Road) -> Ints:
    """Returns the lane in which the ego's present motion across the road will end, (N,)."""
    across = np.where(np.abs(road.vy[:, 0]) > 0.4, road.vy[:, 0], 0.0)
    return np.clip(np.round((road.y[:, 0] + across) / 4.0), 0, road.lanes - 1).astype(road.lane.dtype)


def _drive(road: Road, acceleration: Floats, lane: Ints) -> np.ndarray:
    """Returns the continuous actions (N, 2) float32 for an acceleration (m/s²) and a lane to steer to.

    The heading is set for an approach over two decisions and reached in one, so that it converges also at one
    decision a second; steering is held in between.
    """
    speed = np.maximum(road.vx[:, 0], 1.0)
    error = road.y[:, 0] - 4.0 * lane
    heading = np.arcsin(np.clip(-error / (2 * max(road.period, 0.5) * speed), -0.5, 0.5))
    rate = (heading - road.heading) / max(road.period, 0.2)
    slip = np.arcsin(np.clip(0.5 * LENGTH * rate / speed, -0.5, 0.5))
    steer = np.arctan(2 * np.tan(slip))
    return np.clip(np.stack([acceleration / 5.0, steer / (np.pi / 4)], axis=1), -1, 1).astype(np.float32)
