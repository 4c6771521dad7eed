"""TwoWay: overtake where others come."""

from dataclasses import dataclass
from functools import cache

from quadrivium.envs.core.options import number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, straight
from quadrivium.envs.driving.roads.scenario import RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

_LENGTH = 800.0  # m


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
        goal_s=_LENGTH - 60.0,
    )


@dataclass(frozen=True, kw_only=True)
class TwoWayOptions(RoadsOptions):
    """The arguments of the TwoWay environments."""

    duration: float = number(15, 0, 10_000, above=True)
    """s"""


def two_way_setup(options: TwoWayOptions) -> Setup:
    """Returns the TwoWay world with its parameters chosen."""
    return roads_setup(options, two_way_scenario(), {})


class TwoWayEnv(WorldEnv):
    """TODO"""

    options, setup_of = TwoWayOptions, staticmethod(two_way_setup)


class TwoWayVectorEnv(WorldVectorEnv):
    """A batch of `TwoWayEnv`, stepped on all cores; the same arguments."""

    single = TwoWayEnv
