"""What the record of a parking lot holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.driving.parking.lot import BAYS_A_ROW

BAYS = 2 * BAYS_A_ROW


@cache
def state_dtype(parked: int) -> np.dtype[Any]:
    """Returns the record of a lot where `parked` others stand; arrays have one entry a car, 0 is the ego."""
    cars = (capacity(parked + 1),)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # decisions taken in this episode
            ("x", "f4", cars),  # m
            ("y", "f4", cars),
            ("heading", "f4", cars),  # rad
            ("cos_heading", "f4", cars),  # kept with heading
            ("sin_heading", "f4", cars),
            ("speed", "f4"),  # m/s, of the ego; the others stand
            ("acceleration", "f4"),  # m/s², of the last frame
            ("steer", "f4"),  # rad, of the last decision
            ("bay", "i4", (BAYS,)),  # the first is the ego's goal, the next ones are taken
            ("crashed", "i4", cars),  # 0 or 1
            ("pushed", "i4", cars),  # 0 or 1: a collision foreseen for the next frame
            ("push_x", "f4", cars),  # m, by which that frame displaces the car
            ("push_y", "f4", cars),
            ("before", "f4", (6,)),  # the goal that was achieved when the last decision began,
            ("achieved", "f4", (6,)),  # that which is achieved when it ends,
            ("desired", "f4", (6,)),  # and that which is to be
            ("arrived", "i4"),  # 0 or 1
            ("frames", "i4"),
            ("distance", "f4"),  # m, driven
            ("direction", "i4"),  # −1, 0 or 1: of the last motion
            ("turns", "i4"),  # changes of direction
            ("comfort_frames", "i4"),
            ("lateral_acceleration", "f4"),  # m/s², of the last frame
            ("yaw_rate", "f4"),  # rad/s, of the last frame
        ],
        align=True,
    )


class ParkingParams(NamedTuple):
    """Parameters of the rules; the environment's arguments in the units of the kernel."""

    split: int
    bays: np.ndarray  # (28, 3) float32: x, y, heading
    walls: np.ndarray  # (walls,) RECTANGLE_DTYPE
    parked: int  # other cars
    frames: int  # simulated a decision
    dt: float  # s, one frame
    max_steps: int  # decisions an episode
    safe: int  # 0 or 1: reward="safe"
    weights: np.ndarray  # (terms,) float32: of the reward, by kernel.REWARD_TERMS
    either_way: int  # 0 or 1: the nose may point to the aisle
    beams: int  # of the lidar
    lidar_range: float  # m


def ranges_of(p: ParkingParams) -> Ranges:
    """Returns what the fields may hold by which the kernels index."""
    bit = (0, 1)
    return {"step": (0, p.max_steps), "bay": (0, BAYS - 1), "crashed": bit, "pushed": bit, "arrived": bit}
