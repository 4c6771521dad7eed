"""Racetrack: steer round a closed course, past slower cars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, Lane, RoadMap, arc, straight
from quadrivium.envs.driving.roads.scenario import RoadsEnv, RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_WIDTH, _LIMIT = 5.0, 10.0  # m, m/s
_OVAL_LANES, _OVAL_M = 3, 100.0


def standard_track() -> RoadMap:
    """Returns the conventional course of two lanes."""
    roads = RoadMap()
    _straights(roads, "ab", [((42.0, y), (100.0, y)) for y in (0.0, 5.0)])
    _arcs(roads, "bc", (100.0, -20.0), (20.0, 25.0), [(90, -1)] * 2)
    _straights(roads, "cd", [((x, -20.0), (x, -30.0)) for x in (120.0, 125.0)])
    _arcs(roads, "de", (105.0, -30.0), (15.0, 20.0), [(0, -181)] * 2)
    _arcs(roads, "ef", (70.0, -30.0), (20.0, 15.0), [(0, 136), (0, 137)])
    _straights(roads, "fg", [((55.7, -15.7), (35.7, -35.7)), ((59.3934, -19.2), (39.3934, -39.2))])
    _arcs(roads, "gh", (18.1, -18.1), (25.0, 30.0), [(315, 170), (315, 165)])
    _arcs(roads, "hi", (18.1, -18.1), (25.0, 30.0), [(170, 56), (170, 58)])
    _arcs(roads, "ia", (43.2, 23.4), (23.5, 18.5), [(240, 270), (238, 268)])
    return roads


def large_track() -> RoadMap:
    """Returns the conventional large course of three lanes."""
    roads, beside = RoadMap(), (0.0, 5.0, 10.0)
    _straights(roads, "ab", [((42.0, y), (200.0, y)) for y in beside])
    _arcs(roads, "bc", (200.0, -20.0), [20.0 + w for w in beside], [(90, -1)] * 3)
    _straights(roads, "cd", [((220.0 + w, -20.0), (220.0 + w, -61.0)) for w in beside])
    _arcs(roads, "de", (205.0, -60.0), [15.0 + w for w in beside], [(0, -181)] * 3)
    _arcs(roads, "ef", (170.0, -60.0), (20.0, 15.0, 10.0), [(0, 136), (0, 137), (0, 137)])
    shifts = [(3.6934 * k, -3.5 * k) for k in range(3)]
    _straights(roads, "fg", [((155.7 + x, -45.7 + y), (105.7 + x, -95.7 + y)) for x, y in shifts])
    middle, begin, end = (88.1, -78.1), math.radians(205), math.radians(30)
    _arcs(roads, "gh", middle, [25.0 + w for w in beside], [(317, 202), (317, 205), (317, 205)])
    ways = []
    for w in beside:
        start = middle[0] + (25.0 + w) * math.cos(begin), middle[1] + (25.0 + w) * math.sin(begin)
        ways.append((start, (42.0 - (15.0 + w) * math.cos(end), -15.0 - (15.0 + w) * math.sin(end))))
    _straights(roads, "hi", ways)
    _arcs(roads, "ia", (42.0, -15.0), [15.0 + w for w in beside], [(210, 88), (210, 90), (212, 88)])
    return roads


def oval_track() -> RoadMap:
    """Returns the conventional oval of three lanes."""
    roads, beside, length = RoadMap(), [_WIDTH * k for k in range(_OVAL_LANES)], _OVAL_M
    _straights(roads, "ab", [((0.0, w), (length + 1, w)) for w in beside])
    _arcs(roads, "bc", (length, -20.0), [20.0 + w for w in beside], [(90, 0)] * 3)
    _straights(roads, "cd", [((length + 20 + w, -20.0), (length + 20 + w, -50.0)) for w in beside])
    _arcs(roads, "de", (length + 5, -50.0), [15.0 + w for w in beside], [(0, -90)] * 3)
    _straights(roads, "ef", [((length + 5, -65.0 - w), (-5.0, -65.0 - w)) for w in beside])
    _arcs(roads, "fg", (-5.0, -50.0), [15.0 + w for w in beside], [(-90, -180)] * 3)
    _straights(roads, "gh", [((-20.0 - w, -50.0), (-20.0 - w, -20.0)) for w in beside])
    _arcs(roads, "ha", (0.0, -20.0), [20.0 + w for w in beside], [(180, 90)] * 3)
    return roads


TRACKS = {"standard": standard_track, "large": large_track, "oval": oval_track}


@cache
def racetrack_scenario(track: str, vehicles: int) -> Scenario:
    """Returns a course with `vehicles` other cars, the first of them ahead of the ego in its lane."""
    roads = TRACKS[track]()
    count = len(roads.lanes("a", "b"))
    first, ahead = ([roads.lane(start, end, k) for k in range(count)] for start, end in ("ab", "bc"))
    every = sum(len(roads.lanes(*road)) for road in roads.roads)
    speed, reach = (7.5, 1.5), roads.lanes("b", "c")[0].length / 2
    before = Spawn(tuple(ahead), (reach, reach), speed, alike=True)
    other = Spawn(tuple(range(every)), speed=speed, anywhere=True, apart=20.0)
    return Scenario(
        roads,
        spawns=(
            Spawn(tuple(first), (35.0, 15.0)),
            *([before] if vehicles else []),
            *[other] * max(vehicles - 1, 0),
        ),
        weights=RewardWeights(
            centering=1.0,
            steepness=4.0,
            action=-0.3,
            collision=-1.0,
            low=-1.0,
            high=1.0,
            on_road=True,
            off_road_ends=True,
        ),
        goals=(),
        target_speeds=(0.0, _LIMIT / 2, _LIMIT),
        observed=(100.0, 100.0, 20.0),
    )


def _straights(roads: RoadMap, pair: str, ways: Sequence[tuple[tuple[float, float], ...]]) -> None:
    """Adds straight lanes between two nodes, each from a start to an end, from the left."""
    _add(roads, pair, [straight(start, end) for start, end in ways])


def _arcs(
    roads: RoadMap,
    pair: str,
    centre: tuple[float, float],
    radii: Sequence[float],
    turns: Sequence[tuple[float, float]],
) -> None:
    """Adds arcs, from the left; turns: first and last angle of each, degrees.

    Some end a degree beyond half a circle; what lies there is nearer to the next lane.
    """
    lanes = []
    for radius, (first, last) in zip(radii, turns, strict=True):
        begin, end = math.radians(first), math.radians(last)
        half = arc(centre, radius, begin, max(min(end, begin + math.pi), begin - math.pi))
        lanes.append(replace(half, length=radius * abs(end - begin)))
    _add(roads, pair, lanes)


def _add(roads: RoadMap, pair: str, lanes: Sequence[Lane]) -> None:
    start, end = pair
    for k, lane in enumerate(lanes):
        lines = (SOLID if k == 0 else DASHED, SOLID if k == len(lanes) - 1 else NO_LINE)
        roads.add(start, end, replace(lane, width=_WIDTH, limit=_LIMIT, lines=lines))


@dataclass(frozen=True, kw_only=True)
class RacetrackOptions(RoadsOptions):
    """The arguments of the Racetrack environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {},
        **{
            name: {"track": track, "traffic": "conventional", "reward": "classic", "duration": 300}
            for name, track in (
                ("racetrack", "standard"),
                ("racetrack-large", "large"),
                ("racetrack-oval", "oval"),
            )
        },
    }

    preset: Literal["safe", "racetrack", "racetrack-large", "racetrack-oval"] = "safe"
    """"safe", or one of the conventional environments; the arguments below override it"""

    track: Literal["standard", "large", "oval"] = "standard"
    """the course: two lanes, or three on the other two"""
    vehicles: int = integer(1, 0, 20)
    """traffic cars: the first one ahead in the ego's lane, the others where there is room"""
    duration: float = number(60, 0, 10_000, above=True)
    """s"""
    decision_frequency: int = integer(5, 1, 120)
    """decisions a second"""
    actions: Literal["meta", "longitudinal", "continuous", "steering", "discrete"] = "steering"
    """the kind of actions"""
    observation: Literal["kinematics", "lidar", "grid", "road", "occupancy"] = "occupancy"
    """what is seen"""


def racetrack_setup(options: RacetrackOptions) -> Setup:
    """Returns the Racetrack world with its parameters chosen."""
    return roads_setup(options, racetrack_scenario(options.track, options.vehicles), "Racetrack")


class RacetrackEnv(RoadsEnv):
    """A closed course of two or three lanes: steer round it and past slower cars.

    The ego begins at 10 m/s, the limit, on the first straight; a car of 6 to 9 m/s is ahead in its lane.

    `preset="racetrack"`, `"racetrack-large"` and `"racetrack-oval"` are the conventional environments: 300 s,
    `traffic="conventional"` and `reward="classic"`.

    Goal: none but to go on.

    Actions: `"steering"` by default, at constant speed.

    Observations: `"occupancy"` by default; kinematics have x and y by 100 m, velocities by 20 m/s.

    `reward="safe"`: instead of `arrival` and the loss of time it pays up to 0.1 a second for the way along
    the lane at 10 m/s (`speed`), and takes up to 0.1 a second at the lane's edge (`centering`).

    `reward="classic"`: 1 / (1 + 4 d²) for an offset of d m, −0.3 times the action's norm, −1 for a crash,
    brought to [0, 1], and 0 beside the road, which ends the episode.

    Traffic: Held to `racetrack-v1`, `racetrack-large-v1` and `racetrack-oval-v1`.
    """

    options, setup_of = RacetrackOptions, staticmethod(racetrack_setup)


class RacetrackVectorEnv(WorldVectorEnv):
    """A batch of `RacetrackEnv`, stepped on all cores; the same arguments."""

    single = RacetrackEnv
