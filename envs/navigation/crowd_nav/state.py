"""What the record of a crowd with robots in it holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.navigation.people.orca import orca_fields

PRESENT, ARRIVED, COLLIDED = range(3)
"""How things stand with a robot."""
CIRCLE, SQUARE, MIXED = range(3)
"""Where people come from and go to."""
ORCA, SOCIAL_FORCE = range(2)
"""How people walk."""
HOLONOMIC, DIFFERENTIAL = range(2)
"""How robots drive."""
PEOPLE, LIDAR = range(2)
"""What is observed."""


@cache
def state_dtype(robots: int, people: int, scans: int = 1, beams: int = 1) -> np.dtype[Any]:
    """Returns the record of `robots` robots and `people` people.

    Arrays with an entry a body hold the robots first, then the people. scans, beams: of the lidar's memory;
    (1, 1) where it has none. There is room for more people, scans and beams than asked for: see `capacity`.
    """
    bodies, own = (capacity(robots + people),), (robots,)
    if (scans, beams) != (1, 1):
        scans, beams = 1 << (scans - 1).bit_length(), capacity(beams)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # taken in this episode
            # bodies
            ("x", "f4", bodies),  # m
            ("y", "f4", bodies),
            ("vx", "f4", bodies),  # m/s, in the last step
            ("vy", "f4", bodies),
            ("next_vx", "f4", bodies),  # m/s, chosen for the step that is taken
            ("next_vy", "f4", bodies),
            ("radius", "f4", bodies),  # m
            ("speed", "f4", bodies),  # m/s, the highest, which is also the one liked best
            ("goal_x", "f4", bodies),  # m
            ("goal_y", "f4", bodies),
            ("present", "i4", bodies),  # 0: a robot that is done and gone
            *orca_fields(bodies[0]),
            # robots
            ("heading", "f4", own),  # rad; a holonomic one looks where it goes
            ("outcome", "i4", own),  # PRESENT, ARRIVED or COLLIDED
            ("active", "i4", own),  # 0 when done
            ("turned", "f4", own),  # rad, in the step that is taken
            ("arrived", "i4", own),  # 1 where the goal was reached in that step
            ("driven", "f4", own),  # the share of the step until then
            ("gap", "f4", own),  # m between the surfaces, to the nearest body during the last step
            ("goal_m", "f4", own),  # m, to the goal
            # what robots perceive
            ("seen", "i4", bodies),  # scratch: bodies in sight, the nearest first
            ("seen_m2", "f4", bodies),  # m², their squared distances
            ("scan", "f4", (robots, scans, beams)),  # m, the newest first
            # the episode so far
            ("start_m", "f4", own),  # m from start to goal
            ("path_m", "f4", own),  # m driven
            ("min_gap", "f4", own),  # m, the least `gap`
            ("intrusions", "i4", own),  # steps in which it was in someone's personal space
            ("change", "f4", own),  # m/s, sum of the changes of velocity from step to step
            ("steps", "i4", own),  # it took until it was done
        ],
        align=True,
    )


class CrowdNavParams(NamedTuple):
    """Parameters of the rules; the environment's arguments in the units of the kernel."""

    split: int
    dt: float  # s, one step
    max_steps: int
    # people
    people: int  # how many
    scenario: int  # CIRCLE, SQUARE or MIXED
    circle_radius: float  # m
    square_width: float  # m
    model: int  # ORCA or SOCIAL_FORCE
    varied: int  # 0 or 1: their sizes and speeds differ
    new_goals: int  # 0 or 1: who arrives walks on
    robot_visible: int  # 0 or 1: people see robots
    # robots
    drive: int  # HOLONOMIC or DIFFERENTIAL
    robot_radius: float  # m
    max_speed: float  # m/s
    max_turn: float  # rad/s
    goal_radius: float  # m
    discrete: int  # 0 or 1
    moves: np.ndarray  # (A, 2) float32, the continuous actions that discrete ones stand for
    # reward
    success: float
    collision: float
    discomfort_m: float  # m, the personal space
    discomfort: float  # a second, and metre by which it is entered
    progress: float  # a metre
    # senses
    observation: int  # PEOPLE or LIDAR
    sensor_range: float  # m
    least_range: float  # m, of the lidar
    dropped_beams: float  # share
    lidar_noise: float  # m, standard deviation
    scans: int  # that are remembered
    directions: np.ndarray  # (beams, 2) float32, cosine and sine of the lidar's beams


def ranges_of(p: CrowdNavParams) -> Ranges:
    """Returns what the fields may hold that say how things stand; the kernels index by nothing else."""
    flag = (0, 1)
    return {
        "step": (0, p.max_steps),
        "present": flag,
        "outcome": (PRESENT, COLLIDED),
        "active": flag,
        "arrived": flag,
    }
