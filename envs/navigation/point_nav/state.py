"""What the record of robots in a map holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.navigation.locomotion import BODY_RANGES, body_fields
from quadrivium.envs.navigation.people.walkers import crowd_dtype

UNDERWAY, ARRIVED, COLLIDED = range(3)
"""How things stand with a robot."""
LIDAR, SECTORS, GRID, BLIND = range(4)
"""What is observed."""


@cache
def state_dtype(
    robots: int, beams: int, mapped: tuple[int, int], planned: tuple[int, int], people: int = 0
) -> np.dtype[Any]:
    """Returns the record of `robots` robots with `beams` beams each, among so many people.

    mapped, planned: rows and columns of each robot's own map of what it has seen, and of its plan in it;
    (1, 1) where it keeps none. There is room for more beams, rows and columns than asked for: see `capacity`.
    """
    own = (robots,)
    mapped, planned = (
        size if size == (1, 1) else (capacity(size[0]), capacity(size[1])) for size in (mapped, planned)
    )
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # taken in this episode
            ("map", "i4"),
            ("goal", "i4", own),  # of the map's goals
            ("goal_x", "f4", own),  # m
            ("goal_y", "f4", own),
            *body_fields(robots),
            ("arrived", "i4", own),  # scratch: 1 where the goal was crossed in this step
            ("piece_x", "f4", own),  # scratch: m, the place before the last piece of the step
            ("piece_y", "f4", own),
            ("piece_heading", "f4", own),  # rad
            ("outcome", "i4", own),  # UNDERWAY, ARRIVED or COLLIDED
            # people
            ("crowd", crowd_dtype(people, robots)),  # they, then the robots as they see them
            ("person_goal", "i4", (capacity(people) if people else 1,)),  # of the map's goals
            # what robots perceive
            ("scan", "f4", (robots, capacity(beams))),  # m
            ("own_map", "i1", (robots, *mapped)),  # log-odds: see `own_map.occupancy`
            ("plan", "f4", (robots, *planned)),  # cells to the goal: see `own_map.wavefront`
            # the episode so far
            ("left_m", "f4", own),  # m, the shortest way to the goal
            ("start_m", "f4", own),  # m, the same at the start
            ("clearance_m", "f4", own),  # m, the least between its surface and any other
            ("bumps", "i4", own),  # steps in which it touched something
            ("steps", "i4", own),  # it took until it was done
        ],
        align=True,
    )


class PointNavParams(NamedTuple):
    """Parameters of the rules; the environment's arguments in the units of the kernel."""

    split: int
    dt: float  # s, one step
    max_steps: int
    # maps
    occupied: np.ndarray  # (M, H, W) uint8
    clearance: np.ndarray  # (M, H, W) float32, m from a cell's centre to the nearest occupied cell
    goals: np.ndarray  # (M, G, 2) float32, m
    geodesic: np.ndarray  # (M, G, H, W) float32, m from a cell's centre to the goal
    resolution: float  # m, a cell
    starts: np.ndarray  # (M, G, 3) float32, m, m and rad, for each goal; NaN, or M = 0: drawn
    paired: int  # 0 or 1: each goal with its start is an episode of its own, and all come in turn
    shortest: float  # m, of the ways from start to goal
    longest: float
    # robots
    drive: int  # DIFFERENTIAL, HOLONOMIC or ACKERMANN
    radius: float  # m, of the disc that the robot is, or that is around its footprint
    footprint: np.ndarray  # (K, 5) float32, see `quadrivium.envs.navigation.footprint`; K = 0: a disc
    max_speed: float  # m/s
    max_reverse: float  # m/s, backwards
    max_turn: float  # rad/s
    acceleration: float  # m/s²
    turn_acceleration: float  # rad/s²
    goal_radius: float  # m
    bump: int  # 0: a collision ends the episode, 1: it stops the robot
    discrete: int  # 0 or 1
    moves: np.ndarray  # (A, 2) float32, the continuous actions that discrete ones stand for
    actuation_noise: float  # share of each velocity, standard deviation
    odometry_noise: float
    # people
    people: int  # how many
    people_radius: float  # m
    people_speed: float  # m/s
    robot_visible: int  # 0 or 1: people see robots
    # reward
    success: float
    collision: float
    time: float  # a step
    progress: float  # a metre
    # senses
    observation: int  # LIDAR, SECTORS, GRID or BLIND
    lidar_range: float  # m
    least_range: float  # m
    dropped_beams: float  # share
    lidar_noise: float  # m, standard deviation
    directions: np.ndarray  # (beams, 2) float32, cosine and sine of the beams against the heading
    sectors: int  # tokens
    guide: int  # 0 or 1: the robot plans in its own map, and is told where the plan leads
    margin: int  # cells that a plan keeps from obstacles
    patch: int  # cells along a side of the egocentric grid
    patch_cell: float  # m


def ranges_of(p: PointNavParams) -> Ranges:
    """Returns what the fields may hold by which the kernels index."""
    maps, goals = p.geodesic.shape[:2]
    height_m, width_m = ((cells - 0.25) * p.resolution for cells in p.occupied.shape[1:])
    return {
        **BODY_RANGES,
        "step": (0, p.max_steps),
        "map": (0, maps - 1),
        "goal": (0, goals - 1),
        "person_goal": (0, goals - 1),
        "goal_x": (0, width_m),
        "goal_y": (0, height_m),
        "outcome": (UNDERWAY, COLLIDED),
        "arrived": (0, 1),
    }
