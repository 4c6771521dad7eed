"""CrowdNav scenes placed by hand."""

import math
from collections.abc import Sequence

import numpy as np

from quadrivium.envs.navigation.crowd_nav.env import CrowdNavEnv

Place = tuple[float, float]
FORWARD = np.array([1.0, 0.0], np.float32)


def scene(
    robot: Place,
    goal: Place,
    at: Sequence[Place],
    goals: Sequence[Place] | None = None,
    velocities: Sequence[Place] | None = None,
    **options,
) -> CrowdNavEnv:
    """Returns an environment whose robot is at rest at `robot`, and people at `at`: at rest, at their goals.

    Unless `goals` or `velocities` say otherwise.
    """
    env = CrowdNavEnv(people_count=len(at), **options)
    env.reset(seed=0)
    rows = env.get_state()
    for names, mine, theirs in (
        (("x", "y"), robot, at),
        (("goal_x", "goal_y"), goal, goals or at),
        (("vx", "vy"), (0.0, 0.0), velocities or [(0.0, 0.0)] * len(at)),
    ):
        for name, numbers in zip(names, np.array([mine, *theirs]).T, strict=True):
            rows[name][:, : len(numbers)] = numbers  # a record has room for more
    distance = math.dist(robot, goal)
    rows["goal_m"], rows["start_m"] = distance, distance
    rows["heading"] = math.atan2(goal[1] - robot[1], goal[0] - robot[0])
    env.set_state(rows)
    return env
