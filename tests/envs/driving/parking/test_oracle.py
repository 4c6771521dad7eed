"""The presets follow highway-env: the same lot and actions give the same episodes."""

import math
import warnings

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.driving.parking.env import ParkingEnv

highway_env = pytest.importorskip("highway_env")

PLACE, REWARD = 5e-4, 5e-4
PRESETS = {
    "parking": "parking-v0",
    "parking-parked": "parking-parked-v0",
    "parking-action-repeat": "parking-ActionRepeat-v0",
}


def oracle(preset: str, seed: int):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gymnasium.make(PRESETS[preset], disable_env_checker=True)
    obs, _ = env.reset(seed=seed)
    return env.unwrapped, obs


def bay_at(bays: np.ndarray, position: np.ndarray) -> int:
    return int(np.hypot(*(bays[:, :2] - position).T).argmin())


def copy_state(theirs, row: np.void, bays: np.ndarray) -> None:
    """Writes the oracle's lot into our record: cars, and which bays are the goal and taken."""
    ego, *others = theirs.road.vehicles
    wanted = [bay_at(bays, ego.goal.position), *(bay_at(bays, car.position) for car in others)]
    row["bay"] = wanted + [k for k in range(len(bays)) if k not in wanted]
    for i, car in enumerate((ego, *others)):
        row["x"][i], row["y"][i] = car.position
        row["heading"][i] = car.heading
        row["cos_heading"][i], row["sin_heading"][i] = math.cos(car.heading), math.sin(car.heading)
    row["speed"] = ego.speed


def follow(preset: str, seed: int, plan: np.ndarray) -> dict[str, int]:
    """Plays one episode in both worlds; asserts that they agree; returns what happened."""
    theirs, their_obs = oracle(preset, seed)
    mine = ParkingEnv(preset=preset)
    mine.reset(seed=0)
    rows = mine.get_state()
    copy_state(theirs, rows[0], mine.setup.params.bays)
    mine.set_state(rows)
    told = {"steps": 0, "crashed": 0, "success": 0}
    for action in plan:
        their_obs, their_reward, their_end, their_cut, their_info = theirs.step(action)
        obs, reward, end, cut, info = mine.step(action)
        told["steps"] += 1
        where = (preset, seed, told["steps"])
        crashed = theirs.vehicle.crashed
        assert bool(mine.get_state()[0]["crashed"][0]) == crashed, where
        for name, part in their_obs.items():
            assert obs[name] == pytest.approx(part, abs=10 * PLACE if crashed else PLACE), (name, where)
        assert reward == pytest.approx(their_reward, abs=10 * REWARD if crashed else REWARD), where
        assert (end, cut) == (their_end, their_cut), where
        assert bool(info["is_success"]) == (their_info["is_success"] and not crashed), where
        if end or cut:
            told["crashed"] += crashed
            told["success"] += bool(info["is_success"])
            break
    return told


def smooth(seed: int, length: int, speed: float) -> np.ndarray:
    """Draws actions that change slowly; speed: of the pedal."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.4, (length, 2))
    wander = np.clip(np.cumsum(steps, 0) * 0.5, -1, 1) * [speed, 1.0]
    return wander.astype(np.float32)


@pytest.mark.parametrize("preset", PRESETS)
def test_episodes_with_random_actions_are_theirs(preset):
    told = [
        follow(preset, seed, smooth(seed, 100, 0.2 if preset == "parking-action-repeat" else 0.4))
        for seed in range(5)
    ]
    assert sum(one["steps"] for one in told) >= 40
    assert sum(one["crashed"] for one in told) >= 1


def test_driving_straight_into_the_bay_is_their_success():
    """From where the way is straight: the ego is put before its bay, in both worlds."""
    theirs, _ = oracle("parking", 0)
    mine = ParkingEnv(preset="parking")
    mine.reset(seed=0)
    goal = theirs.vehicle.goal
    theirs.vehicle.position = np.array([goal.position[0], 0.0])
    theirs.vehicle.heading = goal.heading
    rows = mine.get_state()
    copy_state(theirs, rows[0], mine.setup.params.bays)
    mine.set_state(rows)
    for action in np.array([[0.5, 0.0]] * 10 + [[-0.5, 0.0]] * 10, np.float32):
        _, their_reward, their_end, _, their_info = theirs.step(action)
        _, reward, end, _, info = mine.step(action)
        assert reward == pytest.approx(their_reward, abs=REWARD)
        assert (end, bool(info["is_success"])) == (their_end, their_info["is_success"])
        if end:
            break
    assert end
    assert info["is_success"]


def test_bays_are_drawn_as_theirs():
    """All but the one beside the start, which depends on where the ego's nose points."""
    env = ParkingEnv(preset="parking")
    bays = env.setup.params.bays
    ours, never = [], set(range(len(bays)))
    for seed in range(300):
        env.reset(seed=seed)
        row = env.get_state()[0]
        ours.append(int(row["bay"][0]))
        assert row["bay"][0] != (6 if row["sin_heading"][0] >= 0 else 20)
        never.discard(ours[-1])
    assert not never
    for seed in range(30):
        theirs, _ = oracle("parking", seed)
        goal = bay_at(bays, theirs.vehicle.goal.position)
        assert goal != (6 if math.sin(theirs.vehicle.heading) >= 0 else 20)
