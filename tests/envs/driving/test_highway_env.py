"""The highway's shell: arguments, spaces, both faces alike, baselines."""

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.driving.highway.env import HighwayEnv, HighwayVectorEnv


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "highway_fast"}, r"preset='highway_fast' is unknown.*did you mean 'highway-fast'"),
        ({"lane": 3}, r"unexpected keyword argument 'lane'.*did you mean 'lanes'"),
        ({"lanes": 0}, r"lanes=0 is out of range: use an integer in \[1, 16\]"),
        ({"lanes": 2.5}, r"lanes=2.5 is no integer"),
        ({"vehicles": -1}, r"vehicles=-1 is out of range"),
        ({"duration": float("nan")}, r"duration=nan is out of range"),
        ({"density": 0}, r"density=0 is out of range: use a number in \(0, 10\]"),
        (
            {"observation": "image"},
            r"observation='image' is unknown: use one of 'kinematics', 'lidar', 'grid'",
        ),
        ({"actions": "discrete"}, r"actions='discrete' is unknown"),
        ({"reward": "save"}, r"did you mean 'safe'"),
        ({"split": "tset"}, r"did you mean 'test'"),
        ({"traffic": None}, r"traffic=None is unknown"),
        ({"simulation_frequency": 7, "decision_frequency": 2}, r"no multiple.*try simulation_frequency=8"),
        ({"beams": True}, r"beams=True is no integer"),
    ],
)
def test_a_wrong_argument_is_one_line_with_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        HighwayEnv(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("preset", "lanes", "cars", "steps", "frames"),
    [("highway-fast", 3, 20, 30, 5), ("highway", 4, 50, 40, 15)],
)
def test_presets_are_the_conventional_settings(preset, lanes, cars, steps, frames):
    p = HighwayEnv(preset=preset).setup.params
    assert (p.lanes, p.vehicles, p.max_steps, p.frames) == (lanes, cars, steps, frames)
    assert HighwayEnv(preset=preset, lanes=2).setup.params.lanes == 2


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (5, 5)),
        ({"observed_vehicles": 9}, (9, 5)),
        ({"observation": "lidar"}, (68,)),
        ({"observation": "lidar", "beams": 10}, (24,)),
        ({"observation": "grid"}, (5, 16, 64)),
        ({"observation": "grid", "grid_rows": 8, "grid_columns": 12}, (5, 8, 12)),
    ],
)
def test_observation_sizes_follow_the_arguments(options, shape):
    env = HighwayEnv(**options)
    assert env.observation_space.shape == shape
    obs, _ = env.reset(seed=0)
    assert obs.shape == shape
    assert obs.dtype == np.float32
    assert env.observation_space.contains(obs)


def test_single_and_batched_environments_run_the_same_episode():
    one = gymnasium.make("quadrivium/Highway-v0")
    many = gymnasium.make_vec("quadrivium/Highway-v0", num_envs=7)
    obs, _ = one.reset(seed=4)
    all_obs, _ = many.reset(seed=0)
    rng = np.random.default_rng(0)
    while True:
        assert (obs == all_obs[4]).all()
        action = int(rng.integers(5))
        obs, reward, ended, cut, _ = one.step(action)
        all_obs, rewards, *_, info = many.step(np.full(7, action))
        assert reward == rewards[4]
        if ended or cut:
            assert (obs == info["final_obs"][4]).all()
            break


def test_test_scenarios_differ_from_training_scenarios():
    firsts = {split: HighwayEnv(split=split).reset(seed=0)[0].tobytes() for split in ("train", "test")}
    assert firsts["train"] != firsts["test"]


def test_a_road_without_traffic_is_empty():
    env = HighwayEnv(vehicles=0)
    obs, _ = env.reset(seed=0)
    assert (obs[1:] == 0).all()
    total = 0.0
    for _ in range(30):
        _, reward, ended, cut, _ = env.step(3)
        total += reward
    assert (ended, cut) == (False, True)
    assert 2.8 < total <= 3.0


def episodes(baseline, n=64, **options):
    env = HighwayVectorEnv(n, split="test", **options)
    env.reset(seed=1)
    done = np.zeros(n, bool)
    told = {}
    while not done.all():
        actions = env.baselines[baseline](env)
        *_, ended, cut, info = env.step(actions)
        new = (ended | cut) & ~done
        for name, values in info["metrics"].items():
            told.setdefault(name, np.zeros(n))[new] = values[new]
        done |= new
    return {name: float(values.mean()) for name, values in told.items()}


@pytest.mark.parametrize("actions", ["meta", "continuous"])
@pytest.mark.parametrize("baseline", ["idle", "random", "brake", "idm", "idm_mobil"])
def test_baselines_are_legal_and_repeat_themselves(baseline, actions):
    assert episodes(baseline, n=8, actions=actions) == episodes(baseline, n=8, actions=actions)


def test_baselines_are_ranked_as_drivers():
    idle, brake, idm, mobil = (episodes(name) for name in ("idle", "brake", "idm", "idm_mobil"))
    assert idle["collision"] > 0.8
    assert max(brake["collision"], idm["collision"], mobil["collision"]) < 0.15
    assert brake["mean_speed"] < idm["mean_speed"] < mobil["mean_speed"]
    assert idm["lane_changes"] == 0 < mobil["lane_changes"]


@pytest.mark.parametrize("frequency", [1, 5])
def test_continuous_idm_and_mobil_drive_without_a_crash(frequency):
    for name in ("idm", "idm_mobil"):
        told = episodes(name, actions="continuous", decision_frequency=frequency)
        assert told["collision"] + told["off_road"] == 0
        assert told["mean_speed"] > 20.5


def test_random_draws_cover_the_action_space():
    env = HighwayVectorEnv(2000)
    env.reset(seed=0)
    counts = np.bincount(env.baselines["random"](env), minlength=5)
    assert counts.min() > 300
    env = HighwayVectorEnv(2000, actions="continuous")
    env.reset(seed=0)
    draws = env.baselines["random"](env)
    assert np.abs(draws.mean(axis=0)).max() < 0.05
    assert draws.min() < -0.99
    assert draws.max() > 0.99


@pytest.mark.parametrize("density", [1.0, 2.0])
def test_cautious_traffic_does_not_crash_itself(density):
    env = HighwayVectorEnv(512, collisions="all", density=density, split="test")
    env.reset(seed=0)
    crashes = 0.0
    for _ in range(30):
        *_, ended, cut, info = env.step(np.full(512, 4))
        crashes += info["metrics"]["traffic_collisions"][ended | cut].sum()
    hours = 512 * 20 * 30 / 3600
    assert crashes / hours * 1000 <= (0 if density == 1 else 50)
