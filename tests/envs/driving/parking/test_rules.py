"""The parking lot's own rules: when a car is parked, what is paid, what is seen, and what its parker does."""

import math

import gymnasium
import numpy as np
import pytest
from shapely import affinity
from shapely.geometry import LineString, box

from quadrivium.envs.driving.parking import lot
from quadrivium.envs.driving.parking.env import ParkingEnv, ParkingVectorEnv

PARKED = 10


def goal(x: float, y: float, heading: float, speed: float = 0.0) -> np.ndarray:
    cos, sin = math.cos(heading), math.sin(heading)
    return np.array([x / 100, y / 100, speed * cos / 5, speed * sin / 5, cos, sin])


BAY = goal(2, 14, math.pi / 2)  # 0 to 4 m by 10 to 18 m


@pytest.mark.parametrize(
    ("car", "parked"),
    [
        (goal(2, 14, math.pi / 2), True),
        (goal(2.9, 14, math.pi / 2), True),  # its side at 3.9 of 4 m
        (goal(3.1, 14, math.pi / 2), False),
        (goal(2, 15.4, math.pi / 2), True),  # its nose at 17.9 of 18 m
        (goal(2, 15.6, math.pi / 2), False),
        (goal(2, 14, math.pi / 2, 0.9), True),
        (goal(2, 14, math.pi / 2, -0.9), True),
        (goal(2, 14, math.pi / 2, 1.1), False),  # still drives
        (goal(2, 14, -math.pi / 2), False),  # tail first
        (goal(2, 14, math.pi / 2 + 0.3), True),  # 2.5 sin 0.3 + cos 0.3 = 1.69 of 2 m
        (goal(2, 14, math.pi / 2 + 0.5), False),  # 2.08 m
        (goal(6, 14, math.pi / 2), False),  # the next bay
    ],
)
def test_a_car_is_parked_when_all_of_it_stands_between_the_lines(car, parked):
    assert bool(lot.within_bay(car, BAY, either_way=False)) == parked


def test_tail_first_is_parked_where_either_way_is_allowed():
    assert lot.within_bay(goal(2, 14, -math.pi / 2), BAY, either_way=True)


def test_two_goals_are_apart_by_the_weights():
    there = goal(12, 24, math.pi / 2 + math.pi)  # 10 m along x, 10 m along y, turned round
    by_hand = math.sqrt(0.1 + 0.3 * 0.1 + 0.02 * 0 + 0.02 * 2)
    assert lot.apart(there, BAY) == pytest.approx(by_hand)


@pytest.mark.parametrize("options", [{}, {"preset": "parking-parked"}])
def test_compute_reward_pays_what_the_step_paid(options):
    env = ParkingEnv(**options)
    random = np.random.default_rng(0)
    paid = []
    for seed in range(12):
        obs, _ = env.reset(seed=seed)
        push = random.uniform(-1, 1, 2)
        for _ in range(80):
            action = np.clip(push + random.normal(0, 0.3, 2), -1, 1).astype(np.float32)
            obs, reward, end, cut, info = env.step(action)
            told = env.compute_reward(obs["achieved_goal"], obs["desired_goal"], info)
            assert told == pytest.approx(reward, abs=2e-5)
            paid.append(reward)
            if end or cut:
                break
    assert min(paid) < -4.9  # some crashed


def test_compute_reward_takes_many_goals_at_once_as_replay_does():
    env = ParkingEnv()
    env.reset(seed=0)
    infos = [{"metrics": {"collision": 0.0}}, {"metrics": {"collision": 1.0}}, {}]
    wanted = np.stack([BAY, BAY, goal(30, 0, 0)])
    paid = env.compute_reward(np.stack([BAY] * 3), wanted, infos)
    assert paid[:2] == pytest.approx([1 - 0.004, -5 - 0.004])
    assert paid[2] == pytest.approx(-0.02 * 0.2)  # nothing is known of the way


@pytest.mark.parametrize("preset", ["safe", "parking"])
def test_compute_terminated_says_which_goals_and_crashes_end_an_episode(preset):
    env, away, fast = ParkingVectorEnv(preset=preset), goal(30, 0, 0), goal(2, 14, math.pi / 2, 2.0)
    infos = [{}, {}, {"metrics": {"collision": 1.0}}, {"metrics": {"collision": 0.0}}]
    ends = env.compute_terminated(np.stack([BAY, BAY, BAY, fast]), np.stack([BAY, away, away, BAY]), infos)
    # "parking" calls a car there however fast it is, "safe" one that stands.
    assert ends.tolist() == [True, False, True, preset == "parking"]
    assert env.compute_terminated(BAY, BAY, {})


def test_arrival_ends_the_episode_and_pays_once():
    env = ParkingEnv()
    env.reset(seed=0)
    rows = env.get_state()
    x, y, heading = env.setup.params.bays[rows[0]["bay"][0]]
    out = math.copysign(1, heading)
    rows[0]["x"][0], rows[0]["y"][0] = x, y - out * 4
    rows[0]["heading"][0] = heading
    rows[0]["cos_heading"][0], rows[0]["sin_heading"][0] = math.cos(heading), math.sin(heading)
    env.set_state(rows)
    rewards = []
    for throttle in [0.6] * 5 + [-0.6] * 20:
        obs, reward, end, _, info = env.step(np.array([throttle, 0.0], np.float32))
        rewards.append(reward)
        if end:
            break
    assert info["is_success"]
    assert info["metrics"]["arrival"] == 1
    assert rewards[-1] == pytest.approx(1, abs=0.1)
    come = 4 * (math.sqrt(0.3 * 0.04) - lot.apart(obs["achieved_goal"], obs["desired_goal"]))
    assert sum(rewards) == pytest.approx(1 + come - 0.004 * len(rewards), abs=1e-3)


def test_the_lidar_measures_what_shapely_does():
    env = ParkingEnv(parked=PARKED, beams=16)
    obs, _ = env.reset(seed=3)
    row = env.get_state()[0]
    things = []
    for i in range(1, PARKED + 1):
        car = affinity.rotate(box(-2.5, -1, 2.5, 1), float(row["heading"][i]), (0, 0), use_radians=True)
        things.append(affinity.translate(car, float(row["x"][i]), float(row["y"][i])))
    things += [box(-35, y - 0.5, 35, y + 0.5) for y in (-21, 21)]
    things += [box(x - 0.5, -21, x + 0.5, 21) for x in (-35, 35)]
    x, y, heading = float(row["x"][0]), float(row["y"][0]), float(row["heading"][0])
    for b, seen in enumerate(obs["observation"][6:]):
        angle = heading + 2 * math.pi * b / 16
        beam = LineString([(x, y), (x + 30 * math.cos(angle), y + 30 * math.sin(angle))])
        met = [beam.intersection(thing) for thing in things if beam.intersects(thing)]
        nearest = min((math.dist((x, y), point) for one in met for point in one.coords), default=30.0)
        assert 30 * seen == pytest.approx(nearest, abs=2e-3)


def test_no_two_cars_share_a_bay():
    env = ParkingVectorEnv(64, parked=26)
    env.reset(seed=0)
    taken = env.get_state()["bay"][:, :27]
    assert all(len(set(one)) == 27 for one in taken)


def test_the_parker_parks_among_others_and_touches_nobody():
    env = ParkingVectorEnv(64, parked=PARKED, split="test")
    env.reset(seed=0)
    park, ended = env.setup.baselines["parker"], []
    for _ in range(250):
        _, _, terminated, truncated, info = env.step(park(env))
        ended += [
            float(info["final_info"]["metrics"]["arrival"][i]) for i in np.flatnonzero(terminated | truncated)
        ]
    assert len(ended) >= 64
    assert np.mean(ended) > 0.95


def test_more_cars_than_bays_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"parked=27 is out of range: use an integer in \[0, 26\]"):
        ParkingEnv(parked=27)


def test_it_is_a_goal_environment_by_its_id():
    env = gymnasium.make("quadrivium/Parking-v0")
    obs, info = env.reset(seed=0)
    assert list(obs) == ["achieved_goal", "desired_goal", "observation"]
    assert env.unwrapped.compute_reward(obs["achieved_goal"], obs["desired_goal"], info) < 0
