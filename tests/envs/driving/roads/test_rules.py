"""What a scenario pays and when it ends, by hand."""

from itertools import pairwise

import numpy as np
import pytest

from quadrivium.envs.driving.roads import motion
from quadrivium.envs.driving.roads.scenario import RoadsEnv
from quadrivium.envs.driving.roads.scenarios.exit import ExitEnv
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv
from quadrivium.envs.driving.roads.scenarios.roundabout import RoundaboutEnv
from quadrivium.envs.driving.roads.scenarios.two_way import TwoWayEnv
from quadrivium.envs.driving.roads.scenarios.u_turn import UTurnEnv

IDLE, SLOWER = 1, 4


def alone(env, x, y=4.0, heading=0.0, speed=30.0):
    """Puts the ego somewhere, and all others far away behind it, standing."""
    env.reset(seed=0)
    rows, p = env.get_state(), env.setup.params
    row = rows[0]
    for i in range(len(p.spawns)):
        at = (x, y, heading, speed) if i == 0 else (-1000.0 - 20 * i, 0.0, 0.0, 0.0)
        row["x"][i], row["y"][i], row["heading"][i], row["speed"][i] = at
        row["crashed"][i] = int(i > 0)
        motion.settle(row, i, p)
        row["target"][i] = row["lane"][i]
    row["desired_speed"][0] = speed
    env.set_state(rows)
    return env


def test_arriving_pays_one_and_ends_the_episode():
    env = alone(MergeEnv(), x=345.0)  # 60 m beyond the ramp's end is at 370 m
    _, reward, end, cut, info = env.step(IDLE)
    assert (end, cut, reward) == (True, False, pytest.approx(1.0))
    assert info["reward_terms"]["arrival"] == 1
    assert info["metrics"]["arrival"] == 1
    assert info["metrics"]["distance"] == pytest.approx(30, abs=1e-3)


def test_time_costs_a_tenth_a_second_at_the_least_speed_paid_and_nothing_at_the_highest():
    assert alone(MergeEnv(), x=100.0).step(IDLE)[1] == pytest.approx(0, abs=1e-6)
    assert alone(MergeEnv(), x=100.0, speed=20.0).step(IDLE)[1] == pytest.approx(-0.1)
    assert alone(MergeEnv(), x=100.0, speed=25.0).step(IDLE)[1] == pytest.approx(-0.05)


def test_the_block_at_the_ramps_end_stops_a_car():
    env = alone(MergeEnv(), x=290.0, y=8.0)
    _, _, end, _, info = env.step(IDLE)
    assert end
    assert info["reward_terms"]["collision"] == -5
    assert (info["metrics"]["collision"], info["metrics"]["at_fault_collision"]) == (1, 1)


def test_leaving_the_road_ends_the_episode_though_the_car_is_back_on_it_at_the_decision():
    env = MergeEnv(actions="continuous", simulation_frequency=30, decision_frequency=1)
    alone(env, x=100.0, y=5.9, heading=0.2, speed=15.0)  # 0.1 m from the right lane's edge, steering back
    _, reward, end, _, info = env.step(np.array([0.0, -0.25], np.float32))
    assert env.get_state()[0]["y"][0] < 6.0
    assert end
    assert info["metrics"]["off_road"] == 1
    assert reward <= -5


def test_off_the_road_the_conventional_roundabout_pays_nothing_and_goes_on():
    env = alone(RoundaboutEnv(preset="roundabout"), x=0.0, y=0.0, speed=8.0)
    _, reward, end, _, _ = env.step(IDLE)
    assert (reward, end) == (0.0, False)


def test_the_conventional_exit_pays_for_steering_to_the_way_out():
    env = alone(ExitEnv(preset="exit"), x=440.0, y=24.0, speed=18.0)
    assert env.step(IDLE)[1] == 1.0
    env = alone(ExitEnv(preset="exit"), x=440.0, y=20.0, speed=18.0)
    assert env.step(SLOWER)[1] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("env", [MergeEnv, RoundaboutEnv, ExitEnv, TwoWayEnv, UTurnEnv])
def test_by_default_an_ego_can_follow_whoever_is_slow(env: type[RoadsEnv]):
    assert env().setup.params.target_speeds[0] == 0


def test_time_runs_out():
    env = alone(MergeEnv(duration=2), x=0.0, speed=20.0)
    assert env.step(IDLE)[2:4] == (False, False)
    assert env.step(IDLE)[2:4] == (False, True)


def test_the_way_to_the_exit_is_paid_lane_by_lane_there_and_back():
    env = ExitEnv()
    env.reset(seed=1)
    paid, numbers = [], [0]
    for action in [2, 1, 0, 1]:
        info = env.step(action)[4]
        paid.append(float(info["reward_terms"]["route"]))
        row = env.get_state()[0]
        numbers.append(int(env.setup.params.lanes["number"][row["lane"][0]]))
    assert 1 in numbers
    assert numbers[-1] == 0
    assert paid == pytest.approx([0.2 * (b - a) for a, b in pairwise(numbers)])
