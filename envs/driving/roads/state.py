"""What the record of cars on a network of roads holds, and the parameters of its rules."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Self

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.driving.roads.network import MEMBERSHIPS

UNIFORM, NORMAL = range(2)
"""How what is random about a car's start is distributed."""

SPAWN_DTYPE = np.dtype(
    [
        ("lane", "i4"),  # the first lane in which it may begin
        ("lanes", "i4"),  # how many there are from that one on
        ("weighted", "i4"),  # 0 or 1: lanes are drawn in proportion to their numbers
        ("queue", "f4"),  # 0, or it begins ahead of all before it, this times the usual distance
        ("noise", "i4"),  # UNIFORM or NORMAL
        ("along", "f4"),  # m, s in the lane
        ("along_spread", "f4"),  # m: half the width, or the standard deviation
        ("speed", "f4"),  # m/s; 0: the lane's limit
        ("speed_spread", "f4"),  # m/s
        ("desired", "f4"),  # m/s; 0: the speed with which it begins
        ("destination", "i4"),  # the first to which it may go, or NOWHERE
        ("destinations", "i4"),  # how many there are from that one on
        ("varied", "i4"),  # 0 or 1: its driver's exponent is drawn, else it is 4
        ("keeps", "i4"),  # 0 or 1: it never changes lane by its own wish
    ],
    align=True,
)
"""How one car begins; the first one is the ego."""

OBSTACLE_DTYPE = np.dtype([("x", "f4"), ("y", "f4"), ("heading", "f4")], align=True)
"""A block of 2 m by 2 m that stands on the road."""


@cache
def state_dtype(cars: int, obstacles: int) -> np.dtype[Any]:
    """Returns the record of `cars` cars, the ego being 0, and of the obstacles, which come after them."""
    room = (capacity(cars + obstacles),)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # decisions taken in this episode
            # motion
            ("x", "f4", room),  # m
            ("y", "f4", room),
            ("heading", "f4", room),  # rad, positive to the right; never wrapped
            ("cos_heading", "f4", room),  # kept with heading
            ("sin_heading", "f4", room),
            ("speed", "f4", room),  # m/s
            ("acceleration", "f4", room),  # m/s², of the last frame
            ("slip", "f4", room),  # sine of the slip angle that the driver steers
            # drivers
            ("desired_speed", "f4", room),  # m/s; the ego's is the target of its speed control
            ("exponent", "f4", room),  # δ of the Intelligent Driver Model
            ("target", "i4", room),  # the lane steered to
            ("countdown", "i4", room),  # frames until the next thought of changing lane; ≤ 0: now
            ("keeps", "i4", room),  # 0 or 1: never changes lane by its own wish
            ("route", "i4", room),  # or NOWHERE
            ("leg", "i4", room),  # of the route, the first that is not yet driven
            # where they are, kept with x, y and heading
            ("lane", "i4", room),  # the nearest lane
            ("along", "f4", room),  # m, s in it
            ("offset", "f4", room),  # m, d in it
            ("members", "i4", room),  # how many lanes hold the car
            ("mask", "u8", room),  # their bits
            ("member", "i4", (*room, MEMBERSHIPS)),  # which
            ("member_s", "f4", (*room, MEMBERSHIPS)),  # m, s in each
            # accidents
            ("crashed", "i4", room),  # 0 or 1
            ("pushed", "i4", room),  # 0 or 1: a collision foreseen for the next frame
            ("push_x", "f4", room),  # m, by which that frame displaces the car
            ("push_y", "f4", room),
            # the ego's episode
            ("throttle", "f4"),  # m/s², under continuous actions
            ("steer", "f4"),  # rad, likewise
            ("speed_sum", "f4"),  # of all frames
            ("distance", "f4"),  # m, driven
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
            ("arrived", "i4"),  # 0 or 1
            ("traffic_crashes", "i4"),  # traffic cars that crashed into one another
        ],
        align=True,
    )


class RewardWeights(NamedTuple):
    """A conventional reward: the sum of its parts, brought from [low, high] to [0, 1]."""

    speed: float = 0.0  # where the speed lies between the next two
    speed_low: float = 20.0  # m/s
    speed_high: float = 30.0
    clipped: int = 0  # 0 or 1: that share is kept in [0, 1]
    of_target: int = 0  # 0 or 1: the speed and the lane are those that the ego steers to, not where it is
    collision: float = 0.0
    lane: float = 0.0  # the number of the ego's lane, by that of the last one
    last_lane: int = 0  # its number; 0: of the road
    lane_change: float = 0.0  # paid with each action that changes lane
    arrival: float = 0.0  # while the ego steers to a lane of the goal
    merging: float = 0.0  # how far cars in the lane `merging_lane` fall short of their wished speed
    merging_lane: int = -1
    low: float = 0.0
    high: float = 1.0
    on_road: int = 0  # 0 or 1: nothing is paid beside the road
    bounded: int = 0  # 0 or 1: the sum is kept in [0, 1]

    def used(self) -> dict[str, float]:
        """Returns the weights of those parts that are paid at all."""
        every = {name: float(getattr(self, name)) for name in _WEIGHTS}
        return {name: weight for name, weight in every.items() if weight}

    def reweighed(self, weights: Mapping[str, float]) -> Self:
        """Returns it with other weights, low and high moved by as much as the worst and the best sum move."""
        if self.bounded:
            return self._replace(**weights)
        low, high = self.low, self.high
        for name, weight in weights.items():
            usual = getattr(self, name)
            if name in _IN_BOUNDS and usual < 0:
                low += weight - usual
            elif name in _IN_BOUNDS:
                high += weight - usual
        return self._replace(**weights, low=low, high=high)


_WEIGHTS = ("speed", "collision", "lane", "lane_change", "arrival", "merging")
_IN_BOUNDS = ("speed", "collision", "lane", "merging")  # conventionally low and high leave out the others


WEIGHTS_DTYPE = np.dtype(
    [(name, "f4" if kind is float else "i4") for name, kind in RewardWeights.__annotations__.items()],
    align=True,
)


class RoadsParams(NamedTuple):
    """Parameters of the rules; the environment's arguments in the units of the kernel."""

    split: int
    # the network; see `Network`
    lanes: np.ndarray
    roads: np.ndarray
    links: np.ndarray
    exits: np.ndarray
    leaving: np.ndarray
    routes: np.ndarray
    cells: np.ndarray
    near: np.ndarray
    grid: np.ndarray
    destinations: int  # in `routes`, a lane
    # the scenario
    spawns: np.ndarray  # (cars,) SPAWN_DTYPE; the first one is the ego
    obstacles: np.ndarray  # (obstacles,) OBSTACLE_DTYPE
    classic: np.ndarray  # (1,) WEIGHTS_DTYPE: reward="classic"
    weights: np.ndarray  # (terms,) float32: of reward="safe", by kernel.REWARD_TERMS
    target_speeds: np.ndarray  # (n,) float32, m/s: of meta-actions
    paid_low: float  # m/s: the speed at which the reward begins to count it
    paid_high: float  # m/s: from which on it counts wholly
    goals: np.ndarray  # lanes, int32: where the ego arrives
    goal_s: float  # m along a lane of `goals`, from where on it has arrived
    arrival_ends: int  # 0 or 1: the episode
    frames: int  # simulated a decision
    dt: float  # s, one frame
    max_steps: int  # decisions an episode
    think_frames: int  # between a driver's thoughts of changing lane
    cautious: int  # 0 or 1: traffic="cautious"
    continuous: int  # 0 or 1: actions="continuous"
    safe: int  # 0 or 1: reward="safe"
    obs_rows: int  # cars
    obs_columns: int  # 5, or 7 with the heading
    obs_absolute: int  # 0 or 1: others are seen in the world's coordinates, not relative to the ego
    observed_range: float  # m: how far others are seen
    observed_behind: float  # m along the lane
    obs_x: float  # m, by which x is observed
    obs_y: float  # m
    obs_v: float  # m/s
    obs_x0: float  # m: from where the ego's own x is observed
    obs_bound: float  # to which all is clipped


def ranges_of(p: RoadsParams) -> Ranges:
    """Returns what the fields may hold by which the kernels index."""
    last, bit = len(p.lanes) - 1, (0, 1)
    return {
        "step": (0, p.max_steps),
        "target": (0, last),
        "lane": (0, last),
        "members": (0, MEMBERSHIPS),
        "member": (0, last),
        "route": (-1, len(p.routes) - 1),
        "leg": (0, p.routes.shape[1] - 1),
        "keeps": bit,
        "crashed": bit,
        "pushed": bit,
        "arrived": bit,
    }
