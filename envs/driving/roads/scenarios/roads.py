"""Roads: drive to a goal through towns never seen before, or on roads of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from quadrivium.envs.core.file_hashes import digests
from quadrivium.envs.core.options import integer, number
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_env import WorldVectorEnv
from quadrivium.envs.core.world_parallel_env import WorldParallelEnv
from quadrivium.envs.driving.roads import scenario
from quadrivium.envs.driving.roads.maps.bank import bank_of
from quadrivium.envs.driving.roads.maps.choice import TOWNS, courses_on, files_of, require_maps
from quadrivium.envs.driving.roads.observations.kinematics import COLUMNS
from quadrivium.envs.driving.roads.scenario import Scenario, Spawn, roads_setup
from quadrivium.envs.driving.roads.state import SPAWN_DTYPE, RewardWeights

_EGO_SPEED, _WISHED_SPEED = 8.0, 14.0  # m/s
_BEGIN_SPEED = 5.0, 1.0  # m/s, and how much it varies: others can stop at once
_APART = 15.0  # m
_DRIVERS = 16


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(scenario.ManyDriversOptions):
    """The arguments of the Roads environments."""

    maps: str | Path | Sequence[str | Path] = "towns"
    """"towns", drawn at random; or roads of your own: the path of an OpenDRIVE `.xodr` or an OpenStreetMap
    `.osm`, a folder, a pattern, or a list of these
    """
    networks: int = integer(200, 1, 10_000)
    """towns a split"""
    drivers: int = integer(1, 1, _DRIVERS)
    """cars that learn, each with a trip of its own; the single environment has one"""
    vehicles: int = integer(10, 0, 200)
    """traffic cars"""
    shortest: float = number(150.0, 20.0, 100_000.0)
    """m, of the way from start to goal"""
    longest: float = number(400.0, 20.0, 100_000.0)
    """m, likewise"""
    duration: float = number(90, 0, 10_000, above=True)
    """s"""
    decision_frequency: int = integer(3, 1, 120)
    """decisions a second"""
    observation: Literal["kinematics", "lidar", "grid", "road", "occupancy"] = "road"
    """what is seen"""
    frame: Literal["scenario", "ego"] = "ego"
    """of kinematics: the world's axes, or seen from the ego, x ahead of it and y to its right"""
    observed_vehicles: int = integer(10, 1, 100)
    """rows of kinematics, the ego's included"""
    observed_range: float = number(60.0, 0, 10_000, above=True)
    """m: how far kinematics reach; x and y are observed in proportion to it"""
    observed_behind: float = number(20.0, 0, 10_000)
    """m: how far back kinematics reach"""
    reward: Literal["safe"] = "safe"  # pyright: ignore[reportIncompatibleVariableOverride] (fewer kinds)
    """the kind of reward"""

    def check(self) -> None:
        """The maps are named; a file is read when the environment is made."""
        super().check()
        require_maps(self.maps)
        if self.shortest > self.longest:
            raise ValueError(f"shortest={self.shortest} is above longest={self.longest}: use at most that")


def roads_scenario(options: NetworkOptions) -> Scenario:
    """Returns trips through the networks that the options name, in traffic."""
    courses = courses_on(
        options.maps,
        options.split,
        options.networks,
        options.vehicles,
        options.shortest,
        options.longest,
        options.drivers,
    )
    ego = Spawn((0,), speed=(_EGO_SPEED, 0.0))
    other = Spawn((0,), speed=_BEGIN_SPEED, desired=_WISHED_SPEED, anywhere=True, varied=True, apart=_APART)
    begin = [np.array(one.row(), SPAWN_DTYPE) for one in (ego, other)]
    return Scenario(
        bank_of(courses, begin[0], begin[1], options.vehicles),
        egos=options.drivers,
        spawns=(),
        weights=RewardWeights(),
        goals=(),
        room=options.drivers + options.vehicles,
        target_speeds=(0.0, 4.0, 8.0, 12.0),
        observed=(60.0, 60.0, 20.0),
        around=True,
        columns=COLUMNS,
        yielding=3,
    )


def roads_env_setup(options: NetworkOptions) -> Setup:
    """Returns the Roads world with its parameters chosen."""
    setup = roads_setup(options, roads_scenario(options), "Roads")
    return setup if options.maps == TOWNS else replace(setup, files=digests(files_of(options.maps)))


class RoadsEnv(scenario.RoadsEnv):
    """A way through a town that was never seen before, or on roads of your own.

    Towns have crossings with and without priority, roundabouts, bends, and roads that widen to two lanes
    for a while, which then merge. There are `networks` of them a split, and those of the test split are
    others than those of training. The environment of seed k begins with town k mod `networks`; the lanes of
    a batch drive in different ones. In each there are up to eight trips of `shortest` to `longest` m, of
    which an episode has one, and `vehicles` others, who wander.

    `maps` may name roads of your own: OpenDRIVE, OpenStreetMap, a folder, a pattern or a list of these, which
    come in turn; see [Roads of your own](../roads_of_your_own.md). Both splits drive on all of them, other
    trips.

    Goal: the middle of the last road of the route, at most 30 m along it. Controllers of meta and
    longitudinal actions follow the route; so do the points of `"road"`. Target speeds: 0, 4, 8 and 12 m/s.

    Observations: `"road"` by default. Rows have the cosine and sine of the heading too. All is seen from the
    ego as it is turned: x ahead, y to the right, by 60 m, velocities by 20 m/s, clipped to [−1, 1]; the
    nearest others in any direction, but for those more than `observed_behind` behind.

    Traffic: drivers foresee and yield as in Intersection and Roundabout; those in a roundabout have priority,
    those who turn left and those in a lane that ends have less.
    """

    options, setup_of = NetworkOptions, staticmethod(roads_env_setup)


class RoadsVectorEnv(WorldVectorEnv):
    """A batch of `RoadsEnv`, stepped on all cores; the same arguments.

    With more than one of `drivers` each is an environment of its own (`LaneVectorEnv`).
    """

    single = RoadsEnv


class RoadsParallelEnv(WorldParallelEnv):
    """A town, or roads of your own, in which `driver_0` … learn, as a parallel env.

    Each has a trip of its own, which begins on a road of its own.

    drivers: 2 to 16, by default 3. The other arguments, the actions, observations and rewards are
    `RoadsEnv`'s. Raises ValueError for a wrong argument.
    """

    single, name = RoadsEnv, "roads_v0"
