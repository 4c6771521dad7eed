"""What the record of a robot that maps a place holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.navigation.locomotion import BODY_RANGES, body_fields

UNDERWAY, FINISHED, COLLIDED = range(3)
"""How things stand with the robot."""


@cache
def state_dtype(beams: int, rows: int, columns: int) -> np.dtype[Any]:
    """Returns the record of a robot with so many beams in a map of so many cells: `capacity` of each."""
    beams, rows, columns = capacity(beams), capacity(rows), capacity(columns)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # taken in this episode
            ("map", "i4"),
            *body_fields(1),
            ("outcome", "i4"),  # UNDERWAY, FINISHED or COLLIDED
            ("scan", "f4", (beams,)),  # m
            ("own_map", "i1", (rows, columns)),  # log-odds: see `own_map.occupancy`
            ("plan", "f4", (rows, columns)),  # cells to the nearest frontier: see `own_map.wavefront`
            # how good the own map is, in cells of the place that can be seen
            ("right", "i4"),
            ("wrong", "i4"),
            ("cells", "i4"),  # there are
            ("area_under", "f4"),  # sum of the coverage over the steps
            ("drift_m", "f4"),  # m, sum over the steps of how far the robot is from where it believes to be
            ("bumps", "i4"),  # steps in which it touched something
        ],
        align=True,
    )


class ExploreParams(NamedTuple):
    """Parameters of the rules; the environment's arguments in the units of the kernel."""

    split: int
    dt: float  # s, one step
    max_steps: int
    # maps
    occupied: np.ndarray  # (M, H, W) uint8
    clearance: np.ndarray  # (M, H, W) float32, m from a cell's centre to the nearest occupied cell
    seeable: np.ndarray  # (M, H, W) uint8, 1 in the place that the robot is in and around it
    resolution: float  # m, a cell
    # robot
    drive: int
    radius: float  # m, of the disc that the robot is, or that is around its footprint
    footprint: np.ndarray  # (K, 5) float32, see `quadrivium.envs.navigation.footprint`; K = 0: a disc
    max_speed: float  # m/s
    max_reverse: float  # m/s, backwards
    max_turn: float  # rad/s
    acceleration: float  # m/s²
    turn_acceleration: float  # rad/s²
    bump: int  # 0: a collision ends the episode, 1: it stops the robot
    discrete: int  # 0 or 1
    moves: np.ndarray  # (A, 2) float32, the continuous actions that discrete ones stand for
    actuation_noise: float  # share of each velocity, standard deviation
    odometry_noise: float
    matching: int  # 0 or 1: scans correct the odometry
    # reward
    gain: float  # for the whole place
    collision: float
    time: float  # a step
    enough: float  # coverage at which the episode ends
    # senses
    lidar_range: float  # m
    least_range: float  # m
    dropped_beams: float  # share
    lidar_noise: float  # m, standard deviation
    directions: np.ndarray  # (beams, 2) float32, cosine and sine of the beams against the heading
    guide: int  # 0 or 1: the robot is told where the nearest frontier is
    margin: int  # cells that a plan keeps from obstacles
    patch: int  # cells along a side of the egocentric grid
    patch_cell: float  # m


def ranges_of(p: ExploreParams) -> Ranges:
    """Returns what the fields may hold by which the kernels index."""
    return {
        **BODY_RANGES,
        "step": (0, p.max_steps),
        "map": (0, p.occupied.shape[0] - 1),
        "outcome": (UNDERWAY, COLLIDED),
    }
