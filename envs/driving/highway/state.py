"""What a highway lane's record holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity

MAX_LANES = 16
VECTOR = 8  # cars in one vector register


@cache
def state_dtype(vehicles: int) -> np.dtype[Any]:
    """Returns the record of a road with the ego and `vehicles` other cars.

    Arrays have one entry a car: 0 is the ego, 1 … vehicles the traffic in the order of its first positions,
    and at least one more is padding, which stands far ahead for ever so that every car has a leader.
    """
    cars = (capacity(vehicles + 2),)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # decisions taken in this episode
            # motion
            ("x", "f4", cars),  # m along the road
            ("y", "f4", cars),  # m; the centre of lane k is at 4 k, to the right
            ("heading", "f4", cars),  # rad, positive to the right
            ("cos_heading", "f4", cars),  # kept with heading
            ("sin_heading", "f4", cars),
            ("speed", "f4", cars),  # m/s
            ("acceleration", "f4", cars),  # m/s², of the last frame
            # drivers
            ("desired_speed", "f4", cars),  # m/s; the ego's is the target of its speed control
            ("exponent", "f4", cars),  # δ of the Intelligent Driver Model
            ("lane", "i4", cars),  # the nearest lane
            ("target", "i4", cars),  # the lane steered to
            ("countdown", "i4", cars),  # frames until the next thought of changing lane; ≤ 0: now
            # accidents
            ("crashed", "i4", cars),  # 0 or 1
            ("impacts", "i4"),  # whether any car is to be pushed in the next frame
            ("pushed", "i4", cars),  # 0 or 1: a collision foreseen for the next frame
            ("push_x", "f4", cars),  # m, by which that frame displaces the car
            ("push_y", "f4", cars),
            # order along the road, kept from frame to frame
            ("order", "i4", cars),  # cars from the front one to the last
            ("rank", "i4", cars),  # where each car is in `order`
            # leaders, written anew in every frame
            ("lead_gap", "f4", cars),  # m, centre to centre
            ("lead_vx", "f4", cars),  # m/s
            ("lead_vy", "f4", cars),
            ("last", "i4", (MAX_LANES,)),  # the last car seen in each lane by a sweep
            # the ego's episode
            ("throttle", "f4"),  # m/s², under continuous actions
            ("steer", "f4"),  # rad, likewise
            ("x0", "f4"),  # m, where it began
            ("speed_sum", "f4"),  # of all frames
            ("frames", "i4"),
            ("lane_changes", "i4"),
            ("changed", "i4"),  # lane changes begun in the last decision
            ("min_ttc", "f4"),  # s
            ("low_ttc_frames", "i4"),
            ("comfort_frames", "i4"),
            ("lateral_acceleration", "f4"),  # m/s², of the last frame
            ("yaw_rate", "f4"),  # rad/s, of the last frame
            ("at_fault", "i4"),  # 0 or 1
            ("off_road", "i4"),  # 0 or 1: has ever left the road
            ("traffic_crashes", "i4"),  # traffic cars that crashed into one another
        ],
        align=True,
    )


class HighwayParams(NamedTuple):
    """Parameters of the highway's rules; the environment's arguments in the units of the kernel."""

    split: int
    lanes: int
    vehicles: int  # without the ego
    frames: int  # simulated a decision
    dt: float  # s, one frame
    max_steps: int  # decisions an episode
    think_frames: int  # between a driver's thoughts of changing lane
    ego_spacing: float
    density: float
    cautious: int  # 0 or 1: traffic="cautious"
    all_collide: int  # 0 or 1: traffic cars collide with one another
    continuous: int  # 0 or 1: actions="continuous"
    safe: int  # 0 or 1: reward="safe"
    observation: int  # one of observations.KINEMATICS, LIDAR, GRID
    obs_rows: int  # kinematics: cars; lidar: beams; grid: cells across the road
    obs_columns: int  # kinematics: 5; lidar: 2; grid: cells along the road
    obs_range: float  # m: lidar
    observed_range: float  # m: kinematics
    observed_behind: float  # m: kinematics
    target_speeds: np.ndarray  # (n,) float32, m/s: of meta-actions
    weights: np.ndarray  # (terms,) float32: of the reward, by kernel.REWARD_TERMS
    paid_low: float  # m/s: the speed at which the reward begins to count it
    paid_high: float  # m/s: from which on it counts wholly


def ranges_of(p: HighwayParams) -> Ranges:
    """Returns what the fields may hold by which the kernels index."""
    room, bit = capacity(p.vehicles + 2), (0, 1)
    return {
        "step": (0, p.max_steps),
        "lane": (0, MAX_LANES - 1),
        "target": (0, MAX_LANES - 1),
        "crashed": bit,
        "impacts": bit,
        "pushed": bit,
        "order": (0, room - 1),
        "rank": (0, room - 1),
        "last": (-1, room - 1),
    }


def is_consistent(rows: np.ndarray, p: HighwayParams) -> np.ndarray:
    """Returns (N,) bool: each car has the rank that it has in the order, and cars come before the padding."""
    places, cars = np.arange(rows["order"].shape[1]), p.vehicles + 1
    ranked = np.take_along_axis(rows["rank"], rows["order"], axis=1) == places
    return ranked.all(1) & (rows["order"][:, :cars] < cars).all(1)
