"""Hand-made highway scenes: a few cars where a test puts them, all others parked far behind."""

from typing import Any

import numpy as np

from quadrivium.envs.driving.highway.env import HighwayVectorEnv

VEHICLES = 20  # always the same number of cars: one compilation


def make(num_envs: int = 1, **options: Any) -> HighwayVectorEnv:
    return HighwayVectorEnv(num_envs, vehicles=VEHICLES, **options)


def scene(env: HighwayVectorEnv, cars: list[dict[str, float]]) -> np.void:
    """Puts `cars` (the ego first) into every lane of `env`; returns the row that was set.

    A car: x, y (m), speed (m/s), and optionally heading (rad), desired (m/s), lane, target, countdown,
    exponent, crashed.
    """
    env.reset(seed=0)
    rows = env.get_state()
    for row in rows:
        place(row, cars)
    env.set_state(rows)
    return rows[0]


def place(row: np.void, cars: list[dict[str, float]]) -> None:
    for i in range(VEHICLES + 1):
        if i < len(cars):
            car = cars[i]
        else:  # wrecks far behind, 20 m apart
            car = {"x": -5000.0 - 20.0 * i, "y": 0.0, "speed": 0.0, "crashed": 1}
        heading, speed = car.get("heading", 0.0), car["speed"]
        lane = car.get("lane", min(max(round(car["y"] / 4), 0), 15))
        row["x"][i], row["y"][i], row["speed"][i] = car["x"], car["y"], speed
        row["heading"][i], row["acceleration"][i] = heading, 0
        row["cos_heading"][i], row["sin_heading"][i] = np.cos(heading), np.sin(heading)
        row["lane"][i], row["target"][i] = lane, car.get("target", lane)
        row["desired_speed"][i] = car.get("desired", max(speed, 0.01))
        row["exponent"][i] = car.get("exponent", 4.0)
        row["countdown"][i] = car.get("countdown", 1000)
        row["crashed"][i] = car.get("crashed", 0)
    order = np.argsort(-row["x"][: VEHICLES + 1], kind="stable")
    row["order"][: VEHICLES + 1] = order
    row["rank"][order] = np.arange(VEHICLES + 1)
    row["x0"] = row["x"][0]


def car(x: float, y: float, speed: float, **more: float) -> dict[str, float]:
    return {"x": x, "y": y, "speed": speed, **more}
