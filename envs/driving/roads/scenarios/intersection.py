"""Intersection: turn left where two roads cross, in traffic that yields by right of way."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, arc, straight
from quadrivium.envs.driving.roads.observations.kinematics import COLUMNS
from quadrivium.envs.driving.roads.scenario import ManyDriversOptions, RoadsEnv, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_ACCESS, _RIGHT, _LEFT = 100.0, 9.0, 13.0  # m: the arms, the radii of the turns
_EDGE = _RIGHT + 2.0  # m, from the middle to where the arms end
_MOST = 13  # cars that come while it runs find room, however many leave
_TURNS = {"left": (1,), "straight": (2,), "right": (3,), "any": (1, 2, 3)}
_ROWS = (65.0, 40.0, 15.0)  # m along the arms, where several drivers begin
_DRIVERS = 4 * len(_ROWS)


def intersection_roads() -> RoadMap:
    """Returns the conventional crossing of two roads: the one from west to east has priority.

    Arms are counted from the south clockwise; `o` is an arm's far end, `ir` where the way in ends, `il` where
    the way out begins. A turn to the left is of less priority than other ways.
    """
    roads, quarter = RoadMap(), math.pi / 2
    for arm in range(4):
        cos, sin = (1, 0, -1, 0)[arm], (0, 1, 0, -1)[arm]

        def turned(x: float, y: float, cos: int = cos, sin: int = sin) -> tuple[float, float]:
            return cos * x - sin * y, sin * x + cos * y

        kind = {"limit": 10.0, "priority": 3 if arm % 2 else 1}
        entry, angle = f"ir{arm}", quarter * arm
        start, end = turned(2.0, _ACCESS + _EDGE), turned(2.0, _EDGE)
        roads.add(f"o{arm}", entry, straight(start, end, lines=(DASHED, SOLID), **kind))
        turns = (angle + math.pi, angle + 3 * quarter)
        right = f"il{(arm - 1) % 4}"
        roads.add(entry, right, arc(turned(_EDGE, _EDGE), _RIGHT, *turns, lines=(NO_LINE, SOLID), **kind))
        middle, less = turned(2.0 - _LEFT, _LEFT - 2.0), kind | {"priority": kind["priority"] - 1}
        bend = arc(middle, _LEFT, angle, angle - quarter, lines=(NO_LINE, NO_LINE), **less)
        roads.add(entry, f"il{(arm + 1) % 4}", bend)
        across = straight(turned(2.0, _EDGE), turned(2.0, -_EDGE), lines=(DASHED, NO_LINE), **kind)
        roads.add(entry, f"il{(arm + 2) % 4}", across)
        out = straight(turned(_EDGE, 2.0), turned(_ACCESS + _EDGE, 2.0), lines=(NO_LINE, SOLID), **kind)
        roads.add(right, f"o{(arm - 1) % 4}", out)
    return roads


@cache
def intersection_scenario(
    vehicles: int, spawn_probability: float, turn: str, strict: bool, drivers: int = 1
) -> Scenario:
    """Returns the conventional intersection, of `vehicles` cars at the start beside the drivers.

    strict: one arrives only where it was to go to.
    """
    roads = intersection_roads()
    for arm in range(4):
        roads.destination(f"o{arm}")
    entries = tuple(roads.lane(f"o{arm}", f"ir{arm}", 0) for arm in range(4))
    goals = tuple(roads.lane(f"il{arm}", f"o{arm}", 0) for arm in range(4))

    def other(along: float, spread: float = 1.0, straight_on: bool = False, **more: Any) -> Spawn:
        onward = (2,) if straight_on else (1, 2, 3)
        start: dict[str, Any] = {
            "along": (along + 5.0, spread),
            "normal": True,
            "apart": 15.0,
            "varied": True,
        }
        return Spawn(entries, **start, destinations=onward, onward=True, **more)

    often: dict[str, Any] = {"speed": (8.0, 1.0), "chance": spawn_probability}
    places = [80.0 * k / (vehicles - 1) for k in range(vehicles - 1)] if vehicles > 1 else []
    challenger = other(60.0, 0.1, straight_on=True, speed=(8.0, 0.0), late=True)

    def driver(k: int) -> Spawn:
        arm, along = k % 4, (_ROWS[k // 4], 5.0)
        there = tuple(arm + way for way in _TURNS[turn])
        return Spawn((entries[arm],), along, normal=drivers == 1, desired=9.0, destinations=there)

    return Scenario(
        roads,
        spawns=(
            *(driver(k) for k in range(drivers)),
            *(other(along, **often) for along in places),
            *([challenger] if vehicles else []),
        ),
        egos=drivers,
        arrivals=(other(0.0, **often),),
        room=vehicles + drivers + _MOST,
        warm_up=3.0,
        ego_room=20.0,
        leaving=20.0,
        regulation=2,
        yielding=5,
        model=(6.0, 3.0, 7.0),
        weights=RewardWeights(
            speed=1.0, speed_low=7.0, speed_high=9.0, clipped=True, collision=-5.0, arrived=1.0, on_road=True
        ),
        goals=goals,
        own_goals=strict,
        goal_s=25.0,
        arrival_ends=True,
        target_speeds=(0.0, 4.5, 9.0),
        observed=(100.0, 100.0, 20.0),
        absolute=True,
        columns=COLUMNS,
    )


@dataclass(frozen=True, kw_only=True)
class IntersectionOptions(ManyDriversOptions):
    """The arguments of the Intersection environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {"duration": 30},  # time to let others go first
        "intersection": {"traffic": "conventional", "reward": "classic", "duration": 13},
    }

    preset: Literal["safe", "intersection"] = "safe"
    """"safe", or "intersection": the conventional environment; the arguments below override it"""

    drivers: int = integer(1, 1, _DRIVERS)
    """cars that learn, one on each arm in turn; the single environment has one"""
    turn: Literal["left", "straight", "right", "any"] = "left"
    """where they are to go; any: each draws its way"""
    vehicles: int = integer(10, 0, 40)
    """traffic cars that may be there at the start; the last of them, where there is room, surely"""
    spawn_probability: float = number(0.6, 0, 1)
    """of a further car, before every decision but the first one"""
    duration: float = number(20, 0, 10_000, above=True)
    """s"""
    observed_vehicles: int = integer(15, 1, 100)
    """rows of the observation, the ego's included"""
    actions: Literal["meta", "longitudinal", "continuous", "steering", "discrete"] = "longitudinal"
    """the kind of actions"""


def intersection_setup(options: IntersectionOptions) -> Setup:
    """Returns the Intersection world with its parameters chosen."""
    scenario = intersection_scenario(
        options.vehicles,
        options.spawn_probability,
        options.turn,
        options.reward == "safe",
        options.drivers,
    )
    return roads_setup(options, scenario, "Intersection")


class IntersectionEnv(RoadsEnv):
    """A crossing of two roads: turn left through traffic, without a light.

    The ego comes from the south at 10 m/s. Up to ten others are on the arms, one of them close to the ego's
    way at the same time, and more come while it drives: before every decision with `spawn_probability`. They
    leave 20 m before the end of their way.

    `preset="intersection"` is the conventional environment: `traffic="conventional"` and `reward="classic"`;
    13 s, where the safe one has 30.

    Goal: 25 m into the western arm (`turn`: another one). Target speeds: 0, 4.5 and 9 m/s.

    Actions: longitudinal by default; its route says where to turn.

    Observations: Rows have the cosine and sine of the heading too. x and y by 100 m, velocities by 20 m/s,
    clipped to [−1, 1]. Others are seen in the world's coordinates.

    `reward="classic"`: 1 for speed from 7 to 9 m/s, −5 for a crash; 1 instead on arrival, in any arm, which
    ends the episode; 0 beside the road.

    Traffic: Held to `intersection-v2`. Drivers accelerate at 6 m/s², brake at 3, and leave 7 m between
    centres. Twice a second they foresee, along their routes at constant speed, who comes too near to whom in
    the next 2.75 s: who is in the lane of less priority, or else behind, stops until the next look. The road
    from west to east has priority, and turning left has less than any other way.
    """

    options, setup_of = IntersectionOptions, staticmethod(intersection_setup)


class IntersectionVectorEnv(WorldVectorEnv):
    """A batch of `IntersectionEnv`, stepped on all cores; the same arguments.

    With more than one of `drivers` each is an environment of its own (`LaneVectorEnv`).
    """

    single = IntersectionEnv


class IntersectionParallelEnv(WorldParallelEnv):
    """A crossing in which `driver_0` … learn, as a parallel env.

    They come from the south, west, north and east in turn, at 10 m/s: the first of each arm 60 to 70 m into
    it, others 25 and 50 m behind. What is said of `turn` is said of each from its own arm.

    drivers: 2 to 12, by default 3. The other arguments, the actions, observations and rewards are
    `IntersectionEnv`'s. Raises ValueError for a wrong argument.
    """

    single, name = IntersectionEnv, "intersection_v0"
