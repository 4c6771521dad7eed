"""What the record of cars on a network of roads holds, and the parameters of its rules."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Self

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.driving.roads.network import MEMBERSHIPS

UNIFORM, NORMAL = range(2)
"""How what is random about a car's start is distributed."""
KINEMATICS, LIDAR, GRID, ROAD, OCCUPANCY, ATTRIBUTES = range(6)
"""What is observed, in the order of the option's choices."""
SEEN = 12
"""The numbers of LaneKeeping's observation."""
META, LONGITUDINAL, CONTINUOUS, STEERING, DISCRETE = range(5)
"""The kinds of actions, in the order of the option's choices."""

SPAWN_DTYPE = np.dtype(
    [
        ("chance", "f4"),  # that it begins at all
        ("late", "i4"),  # 0 or 1: it begins after the warm-up
        ("apart", "f4"),  # m: it does not begin where another car is nearer
        ("lane", "i4"),  # the first lane in which it may begin
        ("lanes", "i4"),  # how many there are
        ("lane_step", "i4"),  # from one of them to the next
        ("weighted", "i4"),  # 0 or 1: lanes are drawn in proportion to their numbers
        ("queue", "f4"),  # 0, or it begins ahead of all before it, this times the usual distance
        ("noise", "i4"),  # UNIFORM or NORMAL
        ("along", "f4"),  # m, s in the lane
        ("along_spread", "f4"),  # m: half the width, or the standard deviation
        ("anywhere", "i4"),  # 0 or 1: instead, s is drawn from the whole lane
        ("across", "f4"),  # m, d in the lane
        ("across_spread", "f4"),  # m
        ("alike", "i4"),  # 0 or 1: its lane is that whose place among these is the number of the ego's lane
        ("speed", "f4"),  # m/s; 0: the lane's limit
        ("speed_spread", "f4"),  # m/s
        ("desired", "f4"),  # m/s; 0: the speed with which it begins
        ("destination", "i4"),  # the first to which it may go, or NOWHERE
        ("destinations", "i4"),  # how many there are from that one on
        ("onward", "i4"),  # 0 or 1: counted from the place of its lane among those in which it may begin
        ("varied", "i4"),  # 0 or 1: its driver's exponent is drawn, else it is 4
        ("keeps", "i4"),  # 0 or 1: it never changes lane by its own wish
        ("first_route", "i4"),  # of those of which it draws one, and begins in its first lane
        ("routes", "i4"),  # how many they are; 0: it begins as said above
    ],
    align=True,
)
"""How one car begins."""

TRIP_DTYPE = np.dtype(
    [
        ("spawn", "i4"),  # the ego's
        ("first_goal", "i4"),  # in `goals`
        ("goals", "i4"),  # how many there are
        ("goal_s", "f4"),  # m along a lane of them, from where on the ego has arrived
        ("length", "f4"),  # m, of the way there along its route; 0: it has none
    ],
    align=True,
)
"""What an ego has to do."""

SCENE_DTYPE = np.dtype(
    [
        ("first_trip", "i4"),
        ("trips", "i4"),  # how many there are
        ("drawn", "i4"),  # 0 or 1: which is the first ego's; the others have those after it
        ("first_spawn", "i4"),  # of traffic
        ("end_spawn", "i4"),
    ],
    align=True,
)
"""What happens on a network."""

OBSTACLE_DTYPE = np.dtype([("x", "f4"), ("y", "f4"), ("heading", "f4")], align=True)
"""A block of 2 m by 2 m that stands on the road."""


EGO_DTYPE = np.dtype(
    [
        ("trip", "i4"),
        ("throttle", "f4"),  # m/s², where it is steered by hand
        ("steer", "f4"),  # rad, likewise
        ("lateral_speed", "f4"),  # m/s to the right, where its tyres slip
        ("turning", "f4"),  # rad/s, likewise
        ("reference", "i4"),  # which of the lanes to be kept, where the scenario says so
        ("seen", "f4", (SEEN,)),  # what LaneKeeping observes, noise included
        # the last decision
        ("turned", "i4"),  # 0 or 1: it was to change lane
        ("changed", "i4"),  # lane changes begun
        ("beside", "i4"),  # lanes from the one that leads to the goal, before it
        ("way", "f4"),  # m along the lanes
        # before the last frame
        ("speed_before", "f4"),  # m/s
        ("heading_before", "f4"),  # rad
        ("acceleration_before", "f4"),  # m/s²
        ("lane_before", "i4"),
        ("peaceful", "i4"),  # 0 or 1: it drives, and has had no accident
        # its episode
        ("steps", "i4"),  # decisions it took
        ("speed_sum", "f4"),  # of all frames
        ("distance", "f4"),  # m, driven
        ("frames", "i4"),
        ("lane_changes", "i4"),
        ("min_ttc", "f4"),  # s
        ("low_ttc_frames", "i4"),
        ("comfort_frames", "i4"),
        ("centred_frames", "i4"),
        ("lateral_acceleration", "f4"),  # m/s², of the last frame
        ("yaw_rate", "f4"),  # rad/s, of the last frame
        ("at_fault", "i4"),  # 0 or 1
        ("off_road", "i4"),  # 0 or 1: has ever left the road
        ("arrived", "i4"),  # 0 or 1
        ("collided", "i4"),  # 0 or 1
        ("traffic_crashes", "i4"),  # traffic cars that crashed into one another before any accident of its
    ],
    align=True,
)
"""What is known of a car that learns, beside what is of every car."""


@cache
def state_dtype(places: int, obstacles: int, egos: int = 1) -> np.dtype[Any]:
    """Returns the record of at most `places` cars, the egos first, and after these of the obstacles."""
    room = (capacity(places + obstacles),)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # decisions taken in this episode
            ("clock", "i4"),  # frames since the first car began
            ("network", "i4"),  # on which they drive
            ("cars", "i8"),  # in use: the first ones, in the order in which they began, the egos aside
            ("begun", "i4"),  # cars that have ever begun
            ("serial", "i4", room),  # how many began before this one
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
            ("reach", "f4", (*room, 4)),  # m: least x and y, most x and y, that it may need soon
            ("yields", "i4", room),  # 0 or 1: stops for another where roads meet
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
            # egos
            ("active", "i4", (egos,)),  # 0 once it has crashed, arrived or left the road
            ("ego", EGO_DTYPE, (egos,)),
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
    arrived: float = 0.0  # instead of all else, once it has arrived
    merging: float = 0.0  # how far cars in the lane `merging_lane` fall short of their wished speed
    merging_lane: int = -1
    low: float = 0.0
    high: float = 1.0
    on_road: int = 0  # 0 or 1: nothing is paid beside the road
    bounded: int = 0  # 0 or 1: the sum is kept in [0, 1]
    centering: float = 0.0  # times 1 / (1 + steepness d²), d being the offset in the lane, m
    steepness: float = 4.0
    offset: float = 0.0  # times (d / the lane's width)²
    constant: float = 0.0
    action: float = 0.0  # times the action's norm
    off_road_ends: int = 0  # 0 or 1: the episode, where the last decision ends beside the road

    def used(self) -> dict[str, float]:
        """Returns the weights of those parts that are paid at all."""
        every = {name: float(getattr(self, name)) for name in _WEIGHTS}
        return {name: weight for name, weight in every.items() if weight}

    def reweighed(self, weights: Mapping[str, float]) -> Self:
        """Returns it with other weights, low and high moved by as much as the worst and the best sum move."""
        if self.bounded or (self.low, self.high) == (0.0, 1.0):  # these are not brought to any bounds
            return self._replace(**weights)
        low, high = self.low, self.high
        for name, weight in weights.items():
            usual = getattr(self, name)
            if name in _IN_BOUNDS and usual < 0:
                low += weight - usual
            elif name in _IN_BOUNDS:
                high += weight - usual
        return self._replace(**weights, low=low, high=high)


_WEIGHTS = (
    *("speed", "collision", "lane", "lane_change", "arrival", "arrived", "merging"),
    *("centering", "offset", "constant", "action"),
)
_IN_BOUNDS = ("speed", "collision", "lane", "merging", "centering")  # low and high leave out the others


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
    grids: np.ndarray
    destinations: int  # in `routes`, a lane
    # the scenario
    scenes: np.ndarray  # (M,) SCENE_DTYPE, of the networks
    trips: np.ndarray  # TRIP_DTYPE
    spawns: np.ndarray  # SPAWN_DTYPE
    arrivals: np.ndarray  # SPAWN_DTYPE: tried before every decision but the first one
    places: int  # for cars at once, the egos included
    warm_up: int  # frames that traffic drives before the egos begin; 0: the egos begin first
    ego_room: float  # m: cars nearer to an ego that begins last are gone
    leaving_m: float  # before a dead end, where traffic is gone; 0: never
    regulation: int  # frames between two looks at the right of way; 0: there is none
    idm_acceleration: float  # m/s², a of the drivers' model
    idm_rest_gap: float  # m, s0, from centre to centre
    idm_per_approach: float  # s²/m, 1 / (2 √(ab))
    obstacles: np.ndarray  # (obstacles,) OBSTACLE_DTYPE
    classic: np.ndarray  # (1,) WEIGHTS_DTYPE: reward="classic"
    weights: np.ndarray  # (terms,) float32: of reward="safe", by kernel.REWARD_TERMS
    target_speeds: np.ndarray  # (n,) float32, m/s: of meta-actions
    paid_low: float  # m/s: the speed at which the reward begins to count it
    paid_high: float  # m/s: from which on it counts wholly
    goals: np.ndarray  # lanes, int32: where egos arrive; none: the way is all
    lane_wanted: int  # the number of the lane that alone leads to `goals`, or NOWHERE
    own_goals: int  # 0 or 1: an ego arrives only in that lane of its goals with which its own route ends
    arrival_ends: int  # 0 or 1: the episode
    wrecks: int  # 0 or 1: those of egos stay while others drive on
    frames: int  # simulated a decision
    dt: float  # s, one frame
    max_steps: int  # decisions an episode
    think_frames: int  # between a driver's thoughts of changing lane
    cautious: int  # 0 or 1: traffic="cautious"
    actions: int  # of META and so on
    by_hand: int  # 0 or 1: they are accelerations and steering angles
    max_steer: float  # rad, of an ego that is steered by hand
    slips: int  # 0 or 1: its tyres do; see `quadrivium.envs.driving.dynamics`
    references: np.ndarray  # lanes to be kept one after another, int32; none: whichever is nearest
    noise: float  # of what LaneKeeping observes: half the width of a uniform distribution
    late: int  # 0 or 1: that is the moment before the last decision
    observation: int  # KINEMATICS and so on
    safe: int  # 0 or 1: reward="safe"
    obs_rows: int  # cars, beams, or a grid's cells across
    obs_columns: int  # 5, or 7 with the heading; of a grid: cells ahead
    obs_points: int  # of the road
    obs_range: float  # m, of the lidar
    obs_absolute: int  # 0 or 1: others are seen in the world's coordinates, not relative to the ego
    obs_turned: int  # 0 or 1: instead, all is seen from the ego, x ahead of it and y to its right
    obs_around: int  # 0 or 1: the nearest are so in any direction, not along the lane
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
        "network": (0, len(p.grids) - 1),
        "ego.trip": (0, len(p.trips) - 1),
        "cars": (1, p.places),
        "target": (0, last),
        "lane": (0, last),
        "members": (0, MEMBERSHIPS),
        "member": (0, last),
        "route": (-1, len(p.routes) - 1),
        "leg": (0, p.routes.shape[1] - 1),
        "keeps": bit,
        "crashed": bit,
        "pushed": bit,
        "yields": bit,
        "active": bit,
        "ego.arrived": bit,
        "ego.lane_before": (0, last),
        "ego.reference": (0, max(len(p.references) - 1, 0)),
    }
