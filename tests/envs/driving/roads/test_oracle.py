"""The second preset of each scenario follows highway-env: same state and actions, same episodes."""

import math

import numpy as np
import pytest

from quadrivium.envs.driving.roads.scenarios.exit import ExitEnv
from quadrivium.envs.driving.roads.scenarios.intersection import IntersectionEnv
from quadrivium.envs.driving.roads.scenarios.lane_keeping import LaneKeepingEnv
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv
from quadrivium.envs.driving.roads.scenarios.racetrack import RacetrackEnv
from quadrivium.envs.driving.roads.scenarios.roundabout import RoundaboutEnv
from quadrivium.envs.driving.roads.scenarios.two_way import TwoWayEnv
from quadrivium.envs.driving.roads.scenarios.u_turn import UTurnEnv
from quadrivium.envs.driving.roads.steering import stanley
from tests.envs.driving.roads.oracle import follow, indices, seconds, their_cars, their_env

SEEDS = 20
SCENARIOS = {
    "merge-v1": (MergeEnv, "merge"),
    "roundabout-v1": (RoundaboutEnv, "roundabout"),
    "exit-v1": (ExitEnv, "exit"),
    "two-way-v0": (TwoWayEnv, "two-way"),
    "u-turn-v1": (UTurnEnv, "u-turn"),
    "intersection-v2": (IntersectionEnv, "intersection"),
    "racetrack-v1": (RacetrackEnv, "racetrack"),
    "racetrack-large-v1": (RacetrackEnv, "racetrack-large"),
    "racetrack-oval-v1": (RacetrackEnv, "racetrack-oval"),
    "lane-keeping-v0": (LaneKeepingEnv, "lane-keeping"),
}
DRIVEN = [
    name for name, (env, _) in SCENARIOS.items() if env not in (IntersectionEnv, RacetrackEnv, LaneKeepingEnv)
]


@pytest.mark.parametrize("theirs", SCENARIOS)
def test_its_lanes_are_theirs(theirs):
    network = their_env(theirs, 0)[0].road.network
    env, preset = SCENARIOS[theirs]
    roads = env(preset=preset).unwrapped.setup.source.roads
    pairs = [(a, b) for a in network.graph for b in network.graph[a]]
    keys = [(a, b, k) for a, b in pairs for k in range(len(network.graph[a][b]))]
    assert list(indices(roads)) == keys
    lanes = [lane for road in roads.roads for lane in roads.lanes(*road)]
    rng = np.random.default_rng(0)
    for key, lane in zip(keys, lanes, strict=True):
        their = network.get_lane(key)
        assert lane.length == pytest.approx(their.length, abs=1e-9)
        assert (lane.width, lane.closed) == (their.width, their.forbidden)
        if theirs == "intersection-v2":  # elsewhere the conventional rules do not look at it
            assert lane.priority == their.priority
        assert lane.limit == pytest.approx(their.speed_limit)
        s, d = rng.uniform(-10, their.length + 10, 200), rng.uniform(-6, 6, 200)
        places = np.array([their.position(*at) for at in zip(s, d, strict=True)])
        assert np.stack(lane.point(s, d), 1) == pytest.approx(places, abs=1e-9)
        found = np.array([their.local_coordinates(place) for place in places])
        assert np.stack(lane.coordinates(*places.T), 1) == pytest.approx(found, abs=1e-9)
        turned = np.array([their.heading_at(at) for at in s]) - lane.heading_at(s)
        assert np.cos(turned) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("theirs", DRIVEN)
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


def test_every_second_at_the_intersection_is_theirs():
    told = {name: [] for name in ("away", "yields_too", "drives", "yields")}
    for seed in range(6):
        plan = np.random.default_rng(seed).integers(3, size=40).tolist()
        options = {"preset": "intersection", "spawn_probability": 0.0}
        for name, values in seconds(IntersectionEnv, "intersection-v2", seed, plan, **options).items():
            told[name] += values
    near, drives = np.array(told["away"]) < 0.005, np.array(told["drives"])
    assert drives.sum() > 300
    assert sum(told["yields"]) >= 10
    assert near[drives].mean() > 0.985
    assert np.mean(told["yields_too"]) > 0.985


@pytest.mark.parametrize("preset", ["racetrack", "racetrack-large", "racetrack-oval"])
def test_a_racetrack_steered_by_hand_is_theirs(preset):
    """Steering is by what keeps a car in its lane, and a little else, so that episodes last some bends."""
    told = []
    for seed in range(3):
        random = np.random.default_rng(seed)

        def steer(rows, p, random=random):
            angle = stanley(rows, p, rows["lane"][:, 0].astype(int)) / p.max_steer
            return np.clip(angle + random.normal(0, 0.1, 1), -1, 1).astype(np.float32)

        told.append(follow(RacetrackEnv, f"{preset}-v1", seed, [steer] * 60, preset=preset))
    assert sum(one["steps"] for one in told) >= 100
    assert len(set().union(*(one["roads"] for one in told))) >= 4


def test_a_car_whose_tyres_slip_is_theirs():
    quiet = {"state_noise": 0.0, "derivative_noise": 0.0}
    plan = [np.array([0.2 * math.sin(0.3 * k)], np.float32) for k in range(150)]
    told = follow(LaneKeepingEnv, "lane-keeping-v0", 0, plan, quiet, preset="lane-keeping", noise=0.0)
    assert told["steps"] == 150


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


def test_traffic_of_the_intersection_is_as_much_and_where_theirs_is():
    def told(cars) -> tuple[float, ...]:
        """How many there are, how far from the middle, how fast, and the ego's place."""
        away = [math.hypot(x, y) for x, y, _ in cars[1:]]
        return len(cars), float(np.mean(away)), float(np.mean([v for *_, v in cars[1:]])), cars[0][1]

    first = []
    for seed in range(SEEDS):
        cars = their_cars(their_env("intersection-v2", seed)[0])
        first.append(told([(*car.position, car.speed) for car in cars]))
    mine, ours = IntersectionEnv(preset="intersection"), []
    for seed in range(300):
        mine.reset(seed=seed)
        row = mine.get_state()[0]
        places = np.stack([row["x"], row["y"], row["speed"]], axis=1)[: row["cars"]]
        ours.append(told(places.astype(float).tolist()))
    theirs, ours = np.array(first), np.array(ours)
    error = np.sqrt(theirs.var(0) / SEEDS + ours.var(0) / len(ours))
    assert (np.abs(theirs.mean(0) - ours.mean(0)) < 4 * error).all(), (theirs.mean(0), ours.mean(0))


@pytest.mark.parametrize("theirs", [one for one in SCENARIOS if one not in ("intersection-v2",)])
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
