"""The second preset of each scenario follows highway-env: same state and actions, same episodes."""

import numpy as np
import pytest

from quadrivium.envs.driving.roads.scenarios.exit import ExitEnv
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv
from quadrivium.envs.driving.roads.scenarios.roundabout import RoundaboutEnv
from quadrivium.envs.driving.roads.scenarios.two_way import TwoWayEnv
from quadrivium.envs.driving.roads.scenarios.u_turn import UTurnEnv
from tests.envs.driving.roads.oracle import follow, indices, their_env

SEEDS = 20
SCENARIOS = {
    "merge-v1": (MergeEnv, "merge"),
    "roundabout-v1": (RoundaboutEnv, "roundabout"),
    "exit-v1": (ExitEnv, "exit"),
    "two-way-v0": (TwoWayEnv, "two-way"),
    "u-turn-v1": (UTurnEnv, "u-turn"),
}


@pytest.mark.parametrize("theirs", SCENARIOS)
def test_its_lanes_are_theirs(theirs):
    network = their_env(theirs, 0)[0].road.network
    roads = SCENARIOS[theirs][0]().unwrapped.setup.source.roads
    pairs = [(a, b) for a in network.graph for b in network.graph[a]]
    keys = [(a, b, k) for a, b in pairs for k in range(len(network.graph[a][b]))]
    assert list(indices(roads)) == keys
    lanes = [lane for road in roads.roads for lane in roads.lanes(*road)]
    rng = np.random.default_rng(0)
    for key, lane in zip(keys, lanes, strict=True):
        their = network.get_lane(key)
        assert lane.length == pytest.approx(their.length, abs=1e-9)
        assert (lane.width, lane.closed) == (4.0, their.forbidden)
        assert lane.limit == pytest.approx(their.speed_limit)
        s, d = rng.uniform(-10, their.length + 10, 200), rng.uniform(-6, 6, 200)
        places = np.array([their.position(*at) for at in zip(s, d, strict=True)])
        assert np.stack(lane.point(s, d), 1) == pytest.approx(places, abs=1e-9)
        found = np.array([their.local_coordinates(place) for place in places])
        assert np.stack(lane.coordinates(*places.T), 1) == pytest.approx(found, abs=1e-9)
        turned = np.array([their.heading_at(at) for at in s]) - lane.heading_at(s)
        assert np.cos(turned) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("theirs", SCENARIOS)
def test_episodes_with_random_actions_are_theirs(theirs):
    env, preset = SCENARIOS[theirs]
    told = [
        follow(env, theirs, seed, np.random.default_rng(seed).integers(5, size=40).tolist(), preset=preset)
        for seed in range(2 if preset == "exit" else 6)  # theirs takes seconds for an episode of 20 cars
    ]
    assert sum(one["steps"] for one in told) >= 20
    if preset in ("merge", "roundabout", "u-turn"):
        assert sum(one["lane_changes"] for one in told) >= 1
        assert len(set().union(*(one["roads"] for one in told))) >= 3


def test_a_car_that_is_steered_by_hand_drives_as_theirs():
    """In the U-turn: highway-env's merge and roundabout cannot be made with continuous actions."""
    config = {
        "action": {"type": "ContinuousAction"},
        "observation": {"type": "Kinematics"},
        "policy_frequency": 5,
    }
    rng, options = np.random.default_rng(0), {"actions": "continuous", "decision_frequency": 5}
    for seed in range(3):
        plan = rng.uniform([-1, -0.02], [0.2, 0.02], (40, 2)).astype(np.float32)
        assert follow(UTurnEnv, "u-turn-v1", seed, plan, config, preset="u-turn", **options)["steps"] >= 10


@pytest.mark.parametrize("theirs", SCENARIOS)
def test_first_places_and_speeds_are_distributed_as_theirs(theirs):
    first = []
    for seed in range(SEEDS):
        cars = their_env(theirs, seed)[0].road.vehicles
        first.append([(*car.position, car.speed) for car in cars])
    theirs_first = np.array(first)  # (SEEDS, cars, 3)
    env, preset = SCENARIOS[theirs]
    mine, ours = env(preset=preset), []
    for seed in range(300):
        mine.reset(seed=seed)
        row = mine.get_state()[0]
        ours.append(np.stack([row["x"], row["y"], row["speed"]], axis=1)[: theirs_first.shape[1]])
    ours_first = np.array(ours, np.float64)
    spread = theirs_first.std(0) / np.sqrt(SEEDS) + 1e-3
    assert (np.abs(ours_first.mean(0) - theirs_first.mean(0)) < 5 * spread).mean() > 0.98
    assert np.abs(ours_first.std(0) - theirs_first.std(0)).max() < 0.5 * theirs_first.std(0).max() + 0.1


def test_other_target_speeds_weights_and_cars_behind_are_as_theirs_with_the_same_settings():
    config = {
        "action": {"type": "DiscreteMetaAction", "target_speeds": [10, 20, 30, 35]},
        "observation": {"type": "Kinematics", "see_behind": True},
        "collision_reward": -3,
        "right_lane_reward": 0.2,
        "high_speed_reward": 0.4,
        "merging_speed_reward": -1.0,
        "lane_change_reward": -0.1,
        "reward_speed_range": [10, 35],
    }
    options = {
        "target_speeds": [10, 20, 30, 35],
        "observed_behind": 200,
        "reward_weights": {"collision": -3, "lane": 0.2, "speed": 0.4, "merging": -1, "lane_change": -0.1},
        "reward_speeds": [10, 35],
    }
    for seed in range(
        3
    ):  # 15 steps: theirs never shows what stands behind, such as the block at the ramp's end
        plan = np.random.default_rng(seed).integers(5, size=15).tolist()
        assert follow(MergeEnv, "merge-v1", seed, plan, config, preset="merge", **options)["steps"] >= 3
