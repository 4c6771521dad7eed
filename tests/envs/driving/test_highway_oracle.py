"""The presets follow highway-env: the same first state and actions give the same episodes.

Positions agree within 5 cm to the end of an episode: at one kilometre float32 resolves 0.06 to 0.12 mm, and
rounds in every frame. The frame of an accident is left out, since a rear-end collision pushes the cars apart
to a side that is decided by the last bit of two equal lateral positions.
"""

import math
import warnings

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.driving.highway.env import HighwayEnv

highway_env = pytest.importorskip("highway_env")

POSITION_M, OBSERVATION, REWARD = 0.05, 5e-4, 5e-5


def oracle(env_id: str, seed: int, config: dict | None = None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gymnasium.make(env_id, disable_env_checker=True, config=config)
    obs, _ = env.reset(seed=seed)
    return env.unwrapped, obs


def copy_state(theirs, row: np.void, continuous: bool = False) -> None:
    """Writes the oracle's road into our record."""
    cars = theirs.road.vehicles
    dt = 1 / theirs.config["simulation_frequency"]
    for i, car in enumerate(cars):
        row["x"][i], row["y"][i] = car.position
        row["heading"][i], row["speed"][i] = car.heading, car.speed
        row["cos_heading"][i], row["sin_heading"][i] = math.cos(car.heading), math.sin(car.heading)
        row["lane"][i] = row["target"][i] = car.lane_index[2]
        if i > 0 or not continuous:
            row["target"][i] = car.target_lane_index[2]
            row["desired_speed"][i] = min(max(car.target_speed, 0), 30)
        if i > 0:
            row["exponent"][i] = car.DELTA
            row["countdown"][i] = frames_until(car.timer, dt)
    order = np.argsort(-row["x"][: len(cars)], kind="stable")
    row["order"][: len(cars)] = order
    row["rank"][order] = np.arange(len(cars))
    row["x0"] = row["x"][0]


def frames_until(timer: float, dt: float) -> int:
    frames = 0
    while not timer > 1.0:
        timer, frames = timer + dt, frames + 1
    return frames


def follow(preset: str, seed: int, plan, config: dict | None = None, **options) -> dict[str, int]:
    """Plays one episode in both worlds; asserts that they agree; returns what happened."""
    theirs, their_obs = oracle(f"{preset}-v0", seed, config)
    mine = HighwayEnv(preset=preset, reward="classic", traffic="conventional", **options)
    mine.reset(seed=0)
    rows = mine.get_state()
    copy_state(theirs, rows[0], continuous="actions" in options)
    mine.set_state(rows)
    steps = lane_changes = 0
    for action in plan:
        their_obs, their_reward, their_end, their_cut, _ = theirs.step(action)
        obs, reward, end, cut, _ = mine.step(action)
        steps += 1
        row = mine.get_state()[0]
        crashed = np.array([car.crashed for car in theirs.road.vehicles])
        cars = len(crashed)
        assert (row["crashed"][:cars] == crashed).all(), (seed, steps)
        assert (end, cut) == (their_end, their_cut and not their_end), (seed, steps)
        assert reward == pytest.approx(their_reward, abs=REWARD), (seed, steps)
        sound = ~crashed
        positions = np.array([car.position for car in theirs.road.vehicles])
        assert row["x"][:cars][sound] == pytest.approx(positions[sound, 0], abs=POSITION_M), (seed, steps)
        assert row["y"][:cars][sound] == pytest.approx(positions[sound, 1], abs=POSITION_M), (seed, steps)
        if not end:
            assert obs == pytest.approx(their_obs, abs=OBSERVATION), (seed, steps)
            lanes = [car.target_lane_index[2] for car in theirs.road.vehicles[1:]]
            assert (row["target"][1:cars] == lanes).all(), (seed, steps)
            lane_changes += int((row["target"][1:cars] != row["lane"][1:cars]).sum())
        if end or cut:
            break
    return {"steps": steps, "crashed": int(end), "lane_changes": lane_changes}


def slow_then_anything(seed: int) -> list[int]:
    """Brakes first, then mixes lane changes with slowing, so that episodes last."""
    rng = np.random.default_rng(seed)
    return [4, 4] + [int(rng.choice([0, 1, 2, 4, 4])) for _ in range(60)]


def test_highway_fast_with_random_actions_from_crash_to_crash():
    told = [
        follow("highway-fast", seed, np.random.default_rng(seed).integers(5, size=60).tolist())
        for seed in range(10)
    ]
    assert sum(t["crashed"] for t in told) >= 7
    assert sum(t["lane_changes"] for t in told) >= 15


def test_highway_fast_over_whole_episodes():
    told = [follow("highway-fast", seed, slow_then_anything(seed)) for seed in range(100, 106)]
    assert sum(t["steps"] == 30 for t in told) >= 4
    assert sum(t["lane_changes"] for t in told) >= 10


def test_highway_with_50_cars_at_15_hz():
    assert follow("highway", 3, slow_then_anything(3)[:15])["steps"] >= 10


def test_continuous_actions_steer_and_accelerate_alike():
    config = {"action": {"type": "ContinuousAction"}, "policy_frequency": 5}
    rng = np.random.default_rng(0)
    for seed in range(3):
        noise = rng.uniform([-1, -0.02], [1, 0.02], (40, 2))
        wave = 0.01 * np.sin(np.arange(40))[:, None] * [0, 1]
        plan = (noise + wave).astype(np.float32)
        told = follow("highway-fast", seed, plan, config, actions="continuous", decision_frequency=5)
        assert told["steps"] >= 15


@pytest.mark.parametrize("preset", ["highway-fast", "highway"])
def test_first_positions_have_the_same_distribution(preset):
    first = []
    for seed in range(20):
        theirs, _ = oracle(f"{preset}-v0", seed)
        first.append([(v.position[0], v.position[1], v.speed) for v in theirs.road.vehicles])
    theirs = np.array(first)  # (20, cars, 3)
    mine = HighwayEnv(preset=preset)
    ours = []
    for seed in range(400):
        mine.reset(seed=seed)
        row = mine.get_state()[0]
        ours.append(np.stack([row["x"], row["y"], row["speed"]], axis=1)[: theirs.shape[1]])
    ours = np.array(ours)
    for gaps in (np.diff(theirs[:, :, 0], axis=1), np.diff(ours[:, :, 0], axis=1)):
        spread = math.exp(-len(set(theirs[0, :, 1].tolist())) / 8)
        assert gaps.min() > 0.9 * 33 * spread
        assert gaps.max() < 1.1 * 36 * spread
    ours = ours.astype(np.float64)
    tolerance = 4 * ours[:, -1, 0].std() / math.sqrt(20)
    assert ours[:, -1, 0].mean() == pytest.approx(theirs[:, -1, 0].mean(), abs=tolerance)
    assert ours[:, 0, 0].mean() == pytest.approx(theirs[:, 0, 0].mean(), abs=3)
    assert (ours[:, 0, 2] == 25).all()
    assert (theirs[:, 0, 2] == 25).all()
    assert 21 <= ours[:, 1:, 2].min() < 21.05 < 23.95 < ours[:, 1:, 2].max() <= 24
    lanes = np.unique(ours[:, :, 1], return_counts=True)
    assert lanes[0].tolist() == sorted(set(theirs[:, :, 1].ravel().tolist()))
    assert lanes[1] / lanes[1].sum() == pytest.approx(1 / len(lanes[0]), abs=0.02)


def test_other_target_speeds_weights_and_cars_behind_are_as_theirs_with_the_same_settings():
    config = {
        "action": {"type": "DiscreteMetaAction", "target_speeds": [15, 20, 25, 30]},
        "observation": {"type": "Kinematics", "see_behind": True},
        "collision_reward": -2,
        "right_lane_reward": 0.3,
        "high_speed_reward": 0.5,
        "reward_speed_range": [15, 28],
    }
    options = {
        "target_speeds": [15, 20, 25, 30],
        "observed_behind": 200,
        "reward_weights": {"collision": -2, "right_lane": 0.3, "speed": 0.5},
        "reward_speeds": [15, 28],
    }
    for seed in range(3):
        plan = np.random.default_rng(seed).integers(5, size=30).tolist()
        assert follow("highway-fast", seed, plan, config, **options)["steps"] >= 3
