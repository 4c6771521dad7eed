"""Every environment of ours, and the configurations in which the tests hold it to its promises."""

from functools import cache, partial

import gymnasium

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.core.setup import Setup
from tests.worlds import cartpole

cartpole.register()

IDS = sorted(name for name in gymnasium.registry if name.startswith("quadrivium/"))
TUTORIAL = "tutorial/CartPole-v0"

# A new id is tested with its defaults from the start; what else it can be is listed here.
CONFIGURATIONS: dict[str, list[dict[str, object]]] = {
    "quadrivium/ConnectFour-v0": [{}, {"seat": "second", "opponent": "tactical"}],
    "quadrivium/Othello-v0": [{}, {"size": 6, "seat": "random"}],
    "quadrivium/Portfolio-v0": [
        {},
        {"weights": "shorts", "leverage": 1.5, "observation": "vector", "episode_bars": 20},
    ],
    "quadrivium/SingleAsset-v0": [
        {},
        {"actions": "continuous", "observation": "vector", "episode_bars": 20},
    ],
    "quadrivium/Execution-v0": [{}, {"u_shape": 0.4, "steps": 20, "reward": "realised"}],
    "quadrivium/MarketMaking-v0": [{}, {"arrivals": "hawkes", "start_inventory": "uniform"}],
    "quadrivium/LimitOrderBook-v0": [{}, {"hawkes": 0.5, "mean_size": 2.0, "levels": 3, "steps": 20}],
    "quadrivium/CrowdNav-v0": [
        {},
        {
            **{"people": "social_force", "people_count": 3, "scenario": "mixed", "robot_visible": True},
            **{"drive": "differential", "actions": "discrete", "observation": "lidar", "beams": 24},
        },
    ],
    "quadrivium/Explore-v0": [
        {"map_count": 8, "time_limit": 10.0},
        {
            **{
                "maps": "clutter",
                "map_count": 3,
                "map_size": 32,
                "drive": "holonomic",
                "actions": "discrete",
            },
            **{"guide": True, "collisions": "end", "scan_matching": False, "patch_cells": 8},
        },
    ],
    "quadrivium/PointNav-v0": [
        {"map_count": 8},
        {
            **{"maps": "maze", "map_count": 3, "map_size": 32, "drive": "ackermann", "observation": "grid"},
            **{
                "odometry_noise": 0.1,
                "lidar_noise": 0.02,
                "actuation_noise": 0.1,
                "collisions": "stop",
                "guide": True,
                "time_limit": 10.0,
            },
        },
        {
            "maps": "clutter",
            "map_count": 3,
            "drive": "holonomic",
            "actions": "discrete",
            "observation": "sectors",
        },
    ],
    "quadrivium/TwentyFortyEight-v0": [{}, {"goal": "512"}],
    "quadrivium/KuhnPoker-v0": [{}, {"opponent": "equilibrium", "alpha": 0.3, "seat": "second"}],
    "quadrivium/LeducPoker-v0": [{}, {"opponent": "tight", "seat": "first"}],
    "quadrivium/Merge-v0": [{}, {"preset": "merge"}, {"actions": "continuous"}],
    "quadrivium/Roundabout-v0": [{}, {"preset": "roundabout", "observed_vehicles": 3}],
    "quadrivium/Intersection-v0": [{}, {"preset": "intersection"}],
    "quadrivium/UTurn-v0": [{}, {"observation": "road", "actions": "longitudinal"}],
    "quadrivium/TwoWay-v0": [{}, {"observation": "lidar", "actions": "discrete"}],
    "quadrivium/Racetrack-v0": [
        {},
        {"preset": "racetrack-large"},
        {"preset": "racetrack-oval", "observation": "grid", "actions": "continuous", "grid_rows": 16},
    ],
    "quadrivium/Parking-v0": [{}, {"preset": "parking-parked", "beams": 8}],
    "quadrivium/Roads-v0": [
        {"networks": 4},
        {"networks": 2, "observation": "kinematics", "actions": "continuous", "vehicles": 6},
    ],
    "quadrivium/LaneKeeping-v0": [{}, {"preset": "lane-keeping"}],
    "quadrivium/Highway-v0": [
        {},
        {"preset": "highway"},
        {"observation": "lidar", "actions": "continuous"},
        {"observation": "grid", "reward": "classic"},
    ],
}


def cases() -> list[tuple[str, dict[str, object]]]:
    """Returns (id, keyword arguments) of every configuration, the tutorial's world included."""
    return [(name, kwargs) for name in [*IDS, TUTORIAL] for kwargs in CONFIGURATIONS.get(name, [{}])]


def case_name(case: tuple[str, dict[str, object]]) -> str:
    """Returns how pytest names a case."""
    name, kwargs = case
    return "-".join([name.partition("/")[2], *(f"{key}={value}" for key, value in kwargs.items())])


@cache
def setup_of(name: str, **kwargs: object) -> Setup:
    """Returns the world and parameters behind an id."""
    return gymnasium.make(name, **kwargs).unwrapped.setup


def factories(name: str, **kwargs: object) -> tuple[partial, partial]:
    """Returns the factories of the single environment and of the batch."""
    single = partial(gymnasium.make, name, disable_env_checker=True, **kwargs)
    return single, partial(gymnasium.make_vec, name, **kwargs)
