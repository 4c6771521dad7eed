"""Another size within the same room needs no other machine code: the types are the same."""

import numba
import numpy as np
import pytest

from quadrivium.envs.core.lane import capacity
from tests.registry import IDS, setup_of

FEW = {"map_count": 2}
# By id: arguments of pairs of worlds that share their machine code.
SHARING: dict[str, list[tuple[dict, dict]]] = {
    "quadrivium/Backgammon-v0": [({}, {"gammons": True})],
    "quadrivium/Breakthrough-v0": [({}, {"rows": 6, "columns": 5})],
    "quadrivium/Chess-v0": [({}, {"seat": "second"})],
    "quadrivium/ConnectFour-v0": [({}, {"seat": "second"})],
    "quadrivium/CrowdNav-v0": [
        ({}, {"people_count": 7, "sensor_range": 3, "varied_people": True}),
        ({"people_count": 20}, {"people_count": 23, "people": "social_force", "actions": "discrete81"}),
        (
            {"observation": "lidar", "beams": 50, "scans": 3},
            {"observation": "lidar", "beams": 64, "scans": 4, "people_count": 2},
        ),
    ],
    "quadrivium/Execution-v0": [({}, {"steps": 20, "u_shape": 0.4})],
    "quadrivium/Explore-v0": [
        ({**FEW}, {**FEW, "map_size": 52, "beams": 60, "guide": True, "actions": "discrete"}),
    ],
    "quadrivium/Go-v0": [({}, {"size": 5, "komi": 0.5}), ({"size": 13}, {"size": 10, "max_moves": 100})],
    "quadrivium/Gomoku-v0": [({}, {"size": 11}), ({"size": 9}, {"size": 5})],
    "quadrivium/Hex-v0": [({}, {"size": 8}), ({"size": 7}, {"size": 4})],
    "quadrivium/Highway-v0": [
        ({}, {"vehicles": 16, "lanes": 5, "observation": "lidar", "beams": 17}),
        ({"vehicles": 50}, {"vehicles": 60, "observation": "grid", "grid_rows": 8}),
        ({"observed_vehicles": 3}, {"observed_vehicles": 9, "actions": "continuous", "duration": 16.6}),
    ],
    "quadrivium/KuhnPoker-v0": [({}, {"seat": "second", "opponent": "equilibrium"})],
    "quadrivium/LeducPoker-v0": [({}, {"opponent": "tight"})],
    "quadrivium/LimitOrderBook-v0": [({}, {"ticks": 400, "levels": 9, "sizes": [1, 2, 7], "reach": 9})],
    "quadrivium/MarketMaking-v0": [({}, {"arrivals": "hawkes"})],
    "quadrivium/OptimalStopping-v0": [({}, {"dates": 3})],
    "quadrivium/Othello-v0": [({}, {"size": 6})],
    "quadrivium/PointNav-v0": [
        ({**FEW}, {**FEW, "map_size": 40, "beams": 50, "observation": "sectors", "sectors": 5}),
        (
            {**FEW, "observation": "grid", "guide": True},
            {**FEW, "observation": "grid", "guide": True, "map_size": 52, "beams": 49, "patch_cells": 9},
        ),
    ],
    "quadrivium/Portfolio-v0": [
        (
            {"assets": 2, "scenarios": 2, "episode_bars": 8},
            {"assets": 7, "scenarios": 3, "episode_bars": 9, "window": 3, "weights": "shorts"},
        ),
    ],
    "quadrivium/TwentyFortyEight-v0": [({}, {"goal": "1024"})],
    "quadrivium/SignChain-v0": [({}, {"persistence": 0.2})],
    "quadrivium/SingleAsset-v0": [
        ({"scenarios": 2, "episode_bars": 8}, {"scenarios": 3, "episode_bars": 9, "window": 3}),
        ({"scenarios": 2, "episode_bars": 8}, {"scenarios": 2, "episode_bars": 8, "actions": "continuous"}),
    ],
    "quadrivium/TicTacToe-v0": [({}, {"seat": "second"})],
    "quadrivium/Merge-v0": [({}, {"observed_vehicles": 9, "actions": "continuous"})],
    "quadrivium/Roundabout-v0": [({}, {"preset": "roundabout"})],
    "quadrivium/Exit-v0": [({}, {"observed_vehicles": 3})],
    "quadrivium/TwoWay-v0": [({}, {"duration": 9})],
    "quadrivium/UTurn-v0": [({}, {"simulation_frequency": 10})],
    "quadrivium/Intersection-v0": [({}, {"vehicles": 8, "turn": "right", "actions": "continuous"})],
    "quadrivium/Roads-v0": [
        ({"networks": 1}, {"networks": 2, "vehicles": 12, "observed_vehicles": 4, "actions": "continuous"}),
    ],
    "quadrivium/Racetrack-v0": [({}, {"track": "large", "vehicles": 3})],
    "quadrivium/Parking-v0": [({}, {"parked": 6, "beams": 9, "walls": False})],
    "quadrivium/LaneKeeping-v0": [({}, {"preset": "lane-keeping"})],
}
PAIRS = [(name, *pair) for name in IDS for pair in SHARING[name]]


def test_room_grows_by_half_from_powers_of_two():
    rooms = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
    assert sorted({capacity(count) for count in range(1, 513)}) == rooms
    assert all(count <= capacity(count) for count in range(1, 2000))
    assert max(capacity(count) / count for count in range(8, 2000)) < 2


@pytest.mark.parametrize(("name", "one", "other"), PAIRS)
def test_another_size_in_the_same_room_has_the_same_types(name, one, other):
    first, second = setup_of(name, **frozen(one)), setup_of(name, **frozen(other))
    assert first.state_dtype == second.state_dtype
    assert numba.typeof(first.params) == numba.typeof(second.params)
    assert first.world is second.world
    assert numba.typeof(np.zeros(1, first.state_dtype)) == numba.typeof(np.zeros(1, second.state_dtype))


def frozen(options: dict) -> dict:
    """The same arguments, hashable."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
