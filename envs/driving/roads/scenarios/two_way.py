"""TwoWay: overtake where others come."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from quadrivium.envs.core.options import number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, straight
from quadrivium.envs.driving.roads.scenario import RoadsEnv, RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_LENGTH, _GOAL = 800.0, 400.0  # m


@cache
def two_way_scenario() -> Scenario:
    """Returns the conventional two-way road: its left lane is also that of the cars that come."""
    roads = RoadMap(linked=False)  # else the lanes that come would be those after the ego's
    roads.add(
        "a",
        "b",
        straight((0.0, 0.0), (_LENGTH, 0.0), lines=(SOLID, DASHED)),
        straight((0.0, 4.0), (_LENGTH, 4.0), lines=(NO_LINE, SOLID)),
    )
    roads.add("b", "a", straight((_LENGTH, 0.0), (0.0, 0.0), lines=(NO_LINE, NO_LINE)))
    left, right, oncoming = (roads.lane(*key) for key in (("a", "b", 0), ("a", "b", 1), ("b", "a", 0)))

    def other(lane: int, along: float, speed: float, spread: float) -> Spawn:
        return Spawn((lane,), (along, 10.0), (speed, spread), normal=True, keeps=True)

    return Scenario(
        roads,
        spawns=(
            Spawn((right,), (30.0, 0.0), (30.0, 0.0)),
            *(other(right, 70.0 + 40.0 * k, 24.0, 2.0) for k in range(3)),
            *(other(oncoming, 200.0 + 100.0 * k, 20.0, 5.0) for k in range(2)),
        ),
        weights=RewardWeights(speed=0.8, of_target=True, lane=-0.2, low=-0.2, high=0.8),
        goals=(left, right),
        goal_s=_GOAL,
    )


@dataclass(frozen=True, kw_only=True)
class TwoWayOptions(RoadsOptions):
    """The arguments of the TwoWay environments; `of` fills in what a preset says of those not given."""

    PRESETS: ClassVar = {
        "safe": {  # to follow who is slow
            "target_speeds": (0.0, 10.0, 20.0, 25.0, 30.0),
            "reward_speeds": (20.0, 30.0),
            "duration": 40,
        },
        "two-way": {"traffic": "conventional", "reward": "classic", "duration": 15},
    }

    preset: Literal["safe", "two-way"] = "safe"
    """"safe", or "two-way": the conventional environment; the arguments below override it"""

    duration: float = number(20, 0, 10_000, above=True)
    """s"""


def two_way_setup(options: TwoWayOptions) -> Setup:
    """Returns the TwoWay world with its parameters chosen."""
    return roads_setup(options, two_way_scenario(), "TwoWay")


class TwoWayEnv(RoadsEnv):
    """A road with a lane each way: overtake slow cars where others come.

    The ego begins at 30 m/s in the right lane, behind three others; two come in the left one, in which it
    overtakes.

    `preset="two-way"` is the conventional environment: `traffic="conventional"` and `reward="classic"`; 15 s,
    where the safe one has 40.

    Goal: 400 m from the road's start. Target speeds: 20, 25 and 30 m/s; in the safe preset 0 and 10 too, and
    time costs the same up to 20.

    Observations: x by 200 m, y by 8 m, velocities by 80 m/s, clipped to [−1, 1]. Others are seen relative
    to the ego.

    `reward="classic"`: 0.8 for the target speed, 0.2 for steering to the left lane; arriving neither pays
    nor ends.

    Traffic: Held to `two-way-v0`: drivers do not see beyond the end of their lane, and never change it.
    """

    options, setup_of = TwoWayOptions, staticmethod(two_way_setup)


class TwoWayVectorEnv(WorldVectorEnv):
    """A batch of `TwoWayEnv`, stepped on all cores; the same arguments."""

    single = TwoWayEnv
