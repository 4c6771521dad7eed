"""A road of one's own: a chicane of two lanes, with slow cars in it."""

from dataclasses import dataclass
from typing import Literal

import gymnasium
import numpy as np

# --8<-- [start:roads]
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, curve, straight
from quadrivium.envs.driving.roads.scenario import RoadsEnv, RoadsOptions, Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import RewardWeights

LINES = (SOLID, DASHED), (NO_LINE, SOLID)  # to the left and the right of each lane


def chicane_roads() -> RoadMap:
    """150 m straight on, 12 m to the right within 70 m, and straight on again."""
    roads = RoadMap(joined=True)
    x = np.linspace(150.0, 220.0, 141)
    turned = np.pi * (x - 150.0) / 70.0
    y, slope = 6.0 * (1 - np.cos(turned)), 6.0 * np.pi / 70.0 * np.sin(turned)
    heading = np.arctan(slope)
    for lane, lines in enumerate(LINES):
        aside = 4.0 * lane  # m to the right of the left lane's centre
        roads.add("a", "b", straight((0.0, aside), (150.0, aside), lines=lines, limit=20.0))
        bend = x - np.sin(heading) * aside, y + np.cos(heading) * aside, heading
        roads.add("b", "c", curve(*bend, lines=lines, limit=12.0))
        roads.add("c", "d", straight((220.0, 12.0 + aside), (400.0, 12.0 + aside), lines=lines, limit=20.0))
    return roads


# --8<-- [end:roads]


# --8<-- [start:scenario]
def chicane_scenario() -> Scenario:
    """The ego begins in the right lane at 15 m/s, behind three cars that are slower."""
    roads = chicane_roads()
    first = roads.lane("a", "b", 0), roads.lane("a", "b", 1)
    slow = [Spawn(first, along=(50.0 * k, 10.0), speed=(8.0, 2.0)) for k in (1, 2, 3)]
    return Scenario(
        roads,
        spawns=(Spawn(first[1:], speed=(15.0, 0.0)), *slow),
        weights=RewardWeights(),  # of reward="classic", which this one does not have
        goals=(roads.lane("c", "d", 0), roads.lane("c", "d", 1)),
        goal_s=100.0,
        target_speeds=(5.0, 10.0, 15.0, 20.0),
    )


# --8<-- [end:scenario]


# --8<-- [start:world]
@dataclass(frozen=True, kw_only=True)
class ChicaneOptions(RoadsOptions):
    """The arguments of the chicane: those of all scenarios."""

    reward: Literal["safe"] = "safe"  # pyright: ignore[reportIncompatibleVariableOverride]
    """the kind of reward"""


def chicane_setup(options: ChicaneOptions) -> Setup:
    return roads_setup(options, chicane_scenario(), "Chicane")


class ChicaneEnv(RoadsEnv):
    """A chicane of two lanes, with slow cars in it."""

    options, setup_of = ChicaneOptions, staticmethod(chicane_setup)


class ChicaneVectorEnv(WorldVectorEnv):
    """A batch of `ChicaneEnv`, stepped on all cores; the same arguments."""

    single = ChicaneEnv


def register() -> None:
    here = "tests.worlds.chicane"  # the module in which the classes are
    gymnasium.register(
        "tutorial/Chicane-v0",
        entry_point=f"{here}:ChicaneEnv",
        vector_entry_point=f"{here}:ChicaneVectorEnv",
    )


# --8<-- [end:world]
