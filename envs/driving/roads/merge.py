"""Merge: a highway that others join from a ramp."""

import math
from dataclasses import dataclass
from functools import cache

from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, sine, straight
from quadrivium.envs.driving.roads.scenario import RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_BEFORE, _CONVERGING, _PARALLEL, _AFTER = 150.0, 80.0, 80.0, 150.0  # m
_SWING = 3.25  # m, of the ramp to either side


@cache
def merge_scenario() -> Scenario:
    """Returns the conventional merge: two lanes, a ramp whose last 80 m run beside them and end at a block."""
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
    return Scenario(
        roads,
        spawns=(
            Spawn(main[1:], (30.0, 0.0), (30.0, 0.0)),
            *(
                Spawn(main, (along, 5.0), (speed, 1.0))
                for along, speed in ((90.0, 29.0), (70.0, 31.0), (5.0, 31.5))
            ),
            Spawn((roads.lane("j", "k", 0),), (110.0, 0.0), (20.0, 0.0), desired=30.0),
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
class MergeOptions(RoadsOptions):
    """The arguments of the Merge environments."""


def merge_setup(options: MergeOptions) -> Setup:
    """Returns the Merge world with its parameters chosen."""
    return roads_setup(options, merge_scenario(), {})


class MergeEnv(WorldEnv):
    """TODO"""

    options, setup_of = MergeOptions, staticmethod(merge_setup)


class MergeVectorEnv(WorldVectorEnv):
    """A batch of `MergeEnv`, stepped on all cores; the same arguments."""

    single = MergeEnv
