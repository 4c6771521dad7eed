"""Roundabout: four roads meet in a ring of two lanes."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, arc, sine, straight
from quadrivium.envs.driving.roads.scenario import ManyDriversOptions, RoadsEnv, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_RADIUS, _OPENING = 20.0, math.radians(24.0)  # m; to either side of an arm
_ACCESS, _BEND, _SWING = 170.0, 85.0, 5.0  # m: of the arms, of the period of their bends, to either side
_QUARTER = math.pi / 2
_BOTH = (SOLID, SOLID)
_ROWS = (125.0, 100.0)  # m along the arms, where drivers begin
_DRIVERS = 4 * len(_ROWS)


@cache
def roundabout_scenario(drivers: int = 1) -> Scenario:
    """Returns the conventional roundabout.

    The ring is driven against the clock. Arms are called s, e, n and w; a node with an e is an entry, one
    with an x an exit.
    """
    roads = RoadMap()
    for radius, lines in ((_RADIUS, (SOLID, DASHED)), (_RADIUS + 4.0, (NO_LINE, SOLID))):
        for k, (arm, after) in enumerate(("se", "en", "nw", "ws")):
            begin = _QUARTER * (1 - k) if arm != "w" else math.pi
            turns = (begin - _OPENING, begin - _QUARTER + _OPENING)
            roads.add(f"{arm}e", f"{after}x", arc((0.0, 0.0), radius, *turns, lines=lines, priority=1))
            begin -= _QUARTER
            turns = (begin + _OPENING, begin - _OPENING)
            roads.add(f"{after}x", f"{after}e", arc((0.0, 0.0), radius, *turns, lines=lines, priority=1))
    for arm, (cos, sin) in zip("senw", ((1, 0), (0, 1), (-1, 0), (0, -1)), strict=True):
        _add_arm(roads, arm, cos, sin)
    others = tuple(roads.destination(node) for node in ("exr", "sxr", "nxr"))
    if drivers == 1:  # conventionally its route ends before the goal
        across = {"s": roads.destination("nxs")}
    else:
        across = {"s": others[2], "e": roads.destination("wxr"), "n": others[1], "w": others[0]}
    ring = [roads.lane("we", "sx", lane) for lane in range(2)]

    def other(lane: int, along: float) -> Spawn:
        return Spawn((lane,), (along, 2.0), (16.0, 2.0), normal=True, destinations=others, varied=True)

    def driver(k: int) -> Spawn:
        arm, along = "senw"[k % 4], (_ROWS[k // 4], 0.0)
        start = roads.lane(f"{arm}er", f"{arm}es", 0)
        return Spawn((start,), along, (8.0, 0.0), destinations=(across[arm],))

    return Scenario(
        roads,
        egos=drivers,
        spawns=(
            *(driver(k) for k in range(drivers)),
            other(ring[1], 5.0),
            other(ring[0], 20.0),
            other(ring[0], -20.0),
            other(roads.lane("eer", "ees", 0), 50.0),
        ),
        weights=RewardWeights(
            speed=0.2, of_target=True, collision=-1.0, lane_change=-0.05, low=-1.0, high=0.2, on_road=True
        ),
        goals=tuple(roads.lane(f"{arm}xs", f"{arm}xr", 0) for arm in ("senw" if drivers > 1 else "n")),
        own_goals=drivers > 1,
        target_speeds=(0.0, 8.0, 16.0),
        observed=(100.0, 100.0, 15.0),
        absolute=True,
        yielding=5,
    )


def _add_arm(roads: RoadMap, arm: str, cos: int, sin: int) -> None:
    """Adds the way in and the way out of an arm: the southern one, turned so that its east is (cos, -sin)."""

    def turned(x: float, y: float) -> tuple[float, float]:
        return cos * x + sin * y, cos * y - sin * x

    into, edge, beside = 0.2 * _BEND, _BEND / 2, 2.0 + _SWING
    out, frequency = _BEND - into, 2 * math.pi / _BEND
    outer, inner = f"{arm}es", f"{arm}xs"
    roads.add(f"{arm}er", outer, straight(turned(2.0, _ACCESS), turned(2.0, edge), lines=(DASHED, SOLID)))
    ends = turned(beside, edge), turned(beside, edge - into)
    roads.add(outer, f"{arm}e", sine(*ends, _SWING, frequency, -_QUARTER, lines=_BOTH))
    ends = turned(-beside, out - edge), turned(-beside, edge)
    roads.add(f"{arm}x", inner, sine(*ends, _SWING, frequency, frequency * out - _QUARTER, lines=_BOTH))
    roads.add(inner, f"{arm}xr", straight(turned(-2.0, edge), turned(-2.0, _ACCESS), lines=(NO_LINE, SOLID)))


@dataclass(frozen=True, kw_only=True)
class RoundaboutOptions(ManyDriversOptions):
    """The arguments of the Roundabout environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {"duration": 30},  # time to let others go first
        "roundabout": {"traffic": "conventional", "reward": "classic", "duration": 11},
    }

    preset: Literal["safe", "roundabout"] = "safe"
    """"safe", or "roundabout": the conventional environment; the arguments below override it"""

    drivers: int = integer(1, 1, _DRIVERS)
    """cars that learn, one on each arm in turn; the single environment has one"""
    duration: float = number(20, 0, 10_000, above=True)
    """s"""


def roundabout_setup(options: RoundaboutOptions) -> Setup:
    """Returns the Roundabout world with its parameters chosen."""
    return roads_setup(options, roundabout_scenario(options.drivers), "Roundabout")


class RoundaboutEnv(RoadsEnv):
    """A roundabout of two lanes: enter it, drive half round it and leave by the opposite arm.

    The ego comes from the south at 8 m/s. Three others are in the ring, one comes from the east.

    `preset="roundabout"` is the conventional environment: `traffic="conventional"` and `reward="classic"`; 11
    s, where the safe one has 30.

    Goal: the straight part of the northern arm. Target speeds: 0, 8 and 16 m/s.

    Observations: x and y by 100 m, velocities by 15 m/s, clipped to [−1, 1]. Others are seen in the world's
    coordinates.

    `reward="classic"`: 0.2 for the target speed, −0.05 an action that changes lane, −1 for a crash, brought
    to [0, 1], and 0 beside the road; arriving neither pays nor ends.

    Traffic: Held to `roundabout-v1`, in which drivers yield to nobody at the entries, and leave the ring from
    its inner lane across the outer one. Cautious drivers yield to those in the ring.
    """

    options, setup_of = RoundaboutOptions, staticmethod(roundabout_setup)


class RoundaboutVectorEnv(WorldVectorEnv):
    """A batch of `RoundaboutEnv`, stepped on all cores; the same arguments.

    With more than one of `drivers` each is an environment of its own (`LaneVectorEnv`).
    """

    single = RoundaboutEnv


class RoundaboutParallelEnv(WorldParallelEnv):
    """A roundabout in which `driver_0` … learn, as a parallel env.

    They come from the south, east, north and west in turn, at 8 m/s; a second one of an arm 25 m behind the
    first. Each is to leave by the arm opposite to its own.

    drivers: 2 to 8, by default 3. The other arguments, the actions, observations and rewards are
    `RoundaboutEnv`'s. Raises ValueError for a wrong argument.
    """

    single, name = RoundaboutEnv, "roundabout_v0"
