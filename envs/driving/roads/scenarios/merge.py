"""Merge: a highway that others join from a ramp."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, sine, straight
from quadrivium.envs.driving.roads.scenario import ManyDriversOptions, RoadsEnv, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_BEFORE, _CONVERGING, _PARALLEL, _AFTER = 150.0, 80.0, 80.0, 150.0  # m
_SWING = 3.25  # m, of the ramp to either side
_STARTS = (("right", 30.0), ("ramp", 60.0), ("left", 45.0), ("ramp", 10.0), ("right", 120.0), ("left", 120.0))
_DRIVERS = len(_STARTS)  # each begins in its lane, so many m from where that begins


@cache
def merge_scenario(drivers: int = 1) -> Scenario:
    """Returns the conventional merge: two lanes, and a ramp that ends beside them at a block."""
    roads = RoadMap()
    ends = [0.0, _BEFORE + _CONVERGING, _BEFORE + _CONVERGING + _PARALLEL]
    ends.append(ends[-1] + _AFTER)
    for k, (start, end) in enumerate(("ab", "bc", "cd")):
        left, right = (SOLID, DASHED), (NO_LINE, DASHED if start == "b" else SOLID)
        roads.add(
            start,
            end,
            straight((ends[k], 0.0), (ends[k + 1], 0.0), lines=left),
            straight((ends[k], 4.0), (ends[k + 1], 4.0), lines=right),
        )
    ramp_y = 4.0 + 4.0 + 2 * _SWING
    axis, both = ramp_y - _SWING, (SOLID, SOLID)
    roads.add("j", "k", straight((0.0, ramp_y), (_BEFORE, ramp_y), closed=True, lines=both))
    swing = sine(
        (_BEFORE, axis),
        (ends[1], axis),
        _SWING,
        math.pi / _CONVERGING,
        math.pi / 2,
        closed=True,
        lines=both,
    )
    roads.add("k", "b", swing)
    x, y = (float(v) for v in swing.point(_CONVERGING))
    roads.add("b", "c", straight((x, y), (x + _PARALLEL, y), closed=True, lines=(NO_LINE, SOLID)))
    main = (roads.lane("a", "b", 0), roads.lane("a", "b", 1))
    ramp = roads.lane("j", "k", 0)
    begin = {"left": (main[0], 30.0), "right": (main[1], 30.0), "ramp": (ramp, 20.0)}
    return Scenario(
        roads,
        egos=drivers,
        spawns=(
            *(
                Spawn((begin[lane][0],), (along, 0.0), (begin[lane][1], 0.0))
                for lane, along in _STARTS[:drivers]
            ),
            *(
                Spawn(main, (along, 5.0), (speed, 1.0))
                for along, speed in ((90.0, 29.0), (70.0, 31.0), (5.0, 31.5))
            ),
            Spawn((ramp,), (110.0, 0.0), (20.0, 0.0), desired=30.0),
        ),
        weights=RewardWeights(
            speed=0.2,
            collision=-1.0,
            lane=0.1,
            last_lane=1,
            lane_change=-0.05,
            merging=-0.5,
            merging_lane=roads.lane("b", "c", 2),
            low=-1.5,
            high=0.3,
        ),
        goals=(roads.lane("c", "d", 0), roads.lane("c", "d", 1)),
        goal_s=60.0,
        obstacles=((x + _PARALLEL, y, 0.0),),
        arrival_ends=True,
    )


@dataclass(frozen=True, kw_only=True)
class MergeOptions(ManyDriversOptions):
    """The arguments of the Merge environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {  # to follow who is slow
            "target_speeds": (0.0, 10.0, 20.0, 25.0, 30.0),
            "reward_speeds": (20.0, 30.0),
        },
        "merge": {"traffic": "conventional", "reward": "classic"},
    }

    preset: Literal["safe", "merge"] = "safe"
    """"safe", or "merge": the conventional environment; the arguments below override it"""

    drivers: int = integer(1, 1, _DRIVERS)
    """cars that learn, on the highway and on the ramp in turn; the single environment has one"""
    duration: float = number(60, 0, 10_000, above=True)
    """s"""


def merge_setup(options: MergeOptions) -> Setup:
    """Returns the Merge world with its parameters chosen."""
    return roads_setup(options, merge_scenario(options.drivers), "Merge")


class MergeEnv(RoadsEnv):
    """A two-lane highway that others join from a ramp: make room or change lane, and be past it soon.

    The ego begins at 30 m/s in the right lane; three others drive near it, and one comes down the ramp, whose
    last 80 m run beside the highway and end at a block.

    `preset="merge"` is the conventional environment: `traffic="conventional"` and `reward="classic"`.

    Goal: 60 m beyond the ramp's end. Target speeds: 20, 25 and 30 m/s; in the safe preset 0 and 10 too, and
    time costs the same up to 20.

    Observations: x by 200 m, y by 8 m, velocities by 80 m/s, clipped to [−1, 1]. Others are seen relative
    to the ego.

    `reward="classic"`: 0.2 for speed from 20 to 30 m/s, 0.1 a lane to the right, −0.05 an action that
    changes lane, −0.5 times the share of its wished speed that each car on the ramp beside the highway
    lacks, −1 for a crash, brought to [0, 1]. The episode ends at the goal too.

    Traffic: Held to `merge-v1`.
    """

    options, setup_of = MergeOptions, staticmethod(merge_setup)


class MergeVectorEnv(WorldVectorEnv):
    """A batch of `MergeEnv`, stepped on all cores; the same arguments.

    With more than one of `drivers` each is an environment of its own (`LaneVectorEnv`).
    """

    single = MergeEnv


class MergeParallelEnv(WorldParallelEnv):
    """A merge in which `driver_0` … learn, as a parallel env.

    They begin 30 m along the right lane, 60 m down the ramp, 45 m along the left lane, 10 m down the ramp,
    and 120 m along the right and the left lane: at 30 m/s, on the ramp at 20. Who comes down the ramp has to
    change to the left before it ends. Traffic is as for one.

    drivers: 2 to 6, by default 3. The other arguments, the actions, observations and rewards are
    `MergeEnv`'s. Raises ValueError for a wrong argument.
    """

    single, name = MergeEnv, "merge_v0"
