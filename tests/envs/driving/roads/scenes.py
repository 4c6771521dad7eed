"""Scenes made by hand on networks of roads: cars where a test puts them, all others gone."""

from typing import Any

import numpy as np

from quadrivium.envs.driving.roads import motion


def scene(env: Any, *cars: tuple[float, float, float, float]) -> Any:
    """Puts cars (x, y, heading, speed), the ego first, and removes all others; returns the environment."""
    env.reset(seed=0)
    rows, p = env.get_state(), env.setup.params
    put(rows[0], p, *cars)
    env.set_state(rows)
    return env


def put(row: np.void, p: Any, *cars: tuple[float, float, float, float]) -> None:
    """Writes cars into a record, without routes; their wished speed is what they have."""
    row["cars"] = len(cars)
    for i in range(p.places):
        motion.clear_car(row, i)
    for i, (x, y, heading, speed) in enumerate(cars):
        row["x"][i], row["y"][i], row["heading"][i], row["speed"][i] = x, y, heading, speed
        row["desired_speed"][i], row["serial"][i], row["countdown"][i] = max(speed, 0.01), i, 1000
        motion.settle(row, i, p)
        row["target"][i] = row["lane"][i]
