"""Several cars that learn in one world of roads: each is what the only one would be, and leaves by itself."""

from functools import partial

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from quadrivium.envs.core.checks import check_vector_env
from quadrivium.envs.driving import intersection_v0, merge_v0, roads_v0, roundabout_v0
from quadrivium.envs.driving.drawing import EGO, PANEL_PX
from quadrivium.envs.driving.roads import motion
from quadrivium.envs.driving.roads.scenarios.intersection import IntersectionVectorEnv
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv, MergeVectorEnv
from tests.envs.driving.roads.scenes import put

IDLE, SLOWER = 1, 4
EMPTY = {"vehicles": 0, "spawn_probability": 0.0}  # an intersection without traffic


def scene(env, *cars):
    """Puts cars (x, y, heading, speed), the egos first, and removes all others; returns the environment."""
    env.reset(seed=0)
    rows = env.get_state()
    put(rows[0], env.setup.params, *cars)
    env.set_state(rows)
    return env


def test_each_ego_observes_and_is_paid_as_if_it_were_the_only_one():
    cars = [(60.0, 4.0, 0.0, 27.0), (52.0, 0.0, 0.02, 22.0), (80.0, 0.3, 0.0, 24.0), (40.0, 4.0, 0.0, 30.0)]
    both = scene(merge_v0.parallel_env(drivers=2), *cars)
    obs, rewards, *_, infos = both.step({"driver_0": IDLE, "driver_1": IDLE})
    row, alone, seen = both.get_state()[0], MergeEnv(), MergeVectorEnv(1)
    for ego, order in enumerate(([0, 1, 2, 3], [1, 0, 2, 3])):
        # The only ego of the same moment: its car first, all others are traffic.
        after = [tuple(float(row[name][i]) for name in ("x", "y", "heading", "speed")) for i in order]
        np.testing.assert_allclose(scene(seen, *after).observe()[0], obs[f"driver_{ego}"], atol=1e-6)
        # From the moment before, the way of one that idles depends on its own car alone.
        scene(alone, *(cars[i] for i in order))
        info = alone.step(IDLE)[-1]
        assert info["reward_terms"]["speed"] == pytest.approx(infos[f"driver_{ego}"]["reward_terms"]["speed"])
        told = infos[f"driver_{ego}"]["metrics"]
        for name in ("distance", "mean_speed", "comfort", "lane_changes", "length"):
            assert info["metrics"][name] == pytest.approx(told[name], abs=1e-4), name
        assert rewards[f"driver_{ego}"] == pytest.approx(sum(infos[f"driver_{ego}"]["reward_terms"].values()))


def test_who_arrives_is_paid_gone_and_in_nobodys_way():
    env = scene(merge_v0.parallel_env(drivers=2), (345.0, 4.0, 0.0, 30.0), (285.0, 4.0, 0.0, 30.0))
    obs, rewards, terminations, truncations, infos = env.step({"driver_0": IDLE, "driver_1": IDLE})
    assert rewards["driver_0"] == pytest.approx(1.0)  # the goal begins at 370 m
    assert terminations == {"driver_0": True, "driver_1": False}
    assert not any(truncations.values())
    assert infos["driver_0"]["metrics"]["arrival"] == 1
    assert infos["driver_1"]["metrics"]["arrival"] == 0
    assert env.agents == ["driver_1"]
    assert not obs["driver_0"].any()
    assert obs["driver_1"][:, 0].tolist() == [1, 1, 0, 0, 0]  # itself, and the block at the ramp's end
    env.step({"driver_1": IDLE})
    _, rewards, terminations, _, _ = env.step({"driver_1": IDLE})
    assert rewards == {"driver_1": pytest.approx(1.0)}
    assert terminations == {"driver_1": True}
    assert env.agents == []


def test_two_who_meet_have_both_crashed_and_only_the_one_behind_is_at_fault():
    env = scene(merge_v0.parallel_env(drivers=2), (100.0, 4.0, 0.0, 5.0), (92.0, 4.0, 0.0, 30.0))
    _, _, terminations, _, infos = env.step({"driver_0": IDLE, "driver_1": IDLE})
    assert terminations == {"driver_0": True, "driver_1": True}
    for agent, fault in (("driver_0", 0), ("driver_1", 1)):
        assert infos[agent]["reward_terms"]["collision"] == -5
        assert infos[agent]["metrics"]["collision"] == 1
        assert infos[agent]["metrics"]["at_fault_collision"] == fault
    assert env.agents == []


def test_a_wreck_stays_in_the_way_of_the_others():
    cars = (100.0, 4.0, 0.0, 30.0), (30.0, 4.0, 0.0, 20.0), (106.0, 4.0, 0.0, 2.0)
    env = scene(merge_v0.parallel_env(drivers=2), *cars)
    _, _, terminations, _, _ = env.step({"driver_0": IDLE, "driver_1": IDLE})
    assert terminations == {"driver_0": True, "driver_1": False}
    for _ in range(10):
        obs, rewards, terminations, _, infos = env.step({"driver_1": IDLE})
        if terminations["driver_1"]:
            break
        assert obs["driver_1"][:3, 0].tolist() == [1, 1, 1]  # itself and both wrecks
    wrecks = env.get_state()[0]
    assert infos["driver_1"]["metrics"]["collision"] == 1
    assert rewards["driver_1"] < -4.9
    assert abs(wrecks["speed"][0]) < 1.0  # it has rolled to a stop


def test_a_wreck_that_is_to_be_gone_is_in_nobodys_way_and_its_driver_has_crashed():
    cars = (100.0, 4.0, 0.0, 30.0), (92.0, 0.0, 0.0, 20.0), (106.0, 4.0, 0.0, 2.0)
    env = scene(merge_v0.parallel_env(drivers=2, wrecks="gone"), *cars)
    obs, rewards, terminations, _, infos = env.step({"driver_0": IDLE, "driver_1": IDLE})
    assert terminations == {"driver_0": True, "driver_1": False}
    assert rewards["driver_0"] < -4.9
    assert infos["driver_0"]["metrics"]["collision"] == 1
    assert infos["driver_0"]["metrics"]["arrival"] == 0
    # Itself, the traffic car that was hit, and far ahead the block at the ramp's end.
    assert obs["driver_1"][:, 0].tolist() == [1, 1, 1, 0, 0]


def test_those_who_still_drive_when_the_time_is_up_are_cut_off():
    env = scene(merge_v0.parallel_env(drivers=2, duration=2), (345.0, 4.0, 0.0, 30.0), (10.0, 4.0, 0.0, 30.0))
    env.step({"driver_0": IDLE, "driver_1": IDLE})
    _, _, terminations, truncations, infos = env.step({"driver_1": IDLE})
    assert (terminations, truncations) == ({"driver_1": False}, {"driver_1": True})
    assert infos["driver_1"]["metrics"]["length"] == 2
    assert env.agents == []


def arrived(env, ego: int, arm: int) -> bool:
    """Returns whether an ego that is 30 m into the way out of an arm has arrived there, after a decision."""
    env.reset(seed=0)
    rows, p, roads = env.get_state(), env.setup.params, env.setup.source.roads
    k = roads.lane(f"il{arm}", f"o{arm}", 0)
    lane = roads.lanes(f"il{arm}", f"o{arm}")[0]
    x, y = lane.point(30.0)
    row = rows[0]
    row["x"][ego], row["y"][ego], row["heading"][ego] = x, y, lane.heading
    motion.settle(row, ego, p)
    row["target"][ego] = k
    env.set_state(rows)
    terminations = env.step(dict.fromkeys(env.agents, 1))[2]
    return terminations[f"driver_{ego}"]


def test_in_an_intersection_each_arrives_where_its_own_way_ends():
    env = intersection_v0.parallel_env(drivers=2, turn="left", **EMPTY)
    # From the south to the left is west, arm 1; from the west it is north, arm 2.
    assert [[arrived(env, ego, arm) for arm in range(4)] for ego in range(2)] == [
        [False, True, False, False],
        [False, False, True, False],
    ]


def test_any_turn_is_drawn_evenly_and_never_back_where_one_came_from():
    env = IntersectionVectorEnv(600, drivers=2, turn="any", **EMPTY)
    env.reset(seed=0)
    ends = env.states["route"][:, :2] % 4
    assert [sorted(set(column.tolist())) for column in ends.T] == [[1, 2, 3], [0, 2, 3]]
    for column in ends.T:
        _, counts = np.unique(column, return_counts=True)
        assert abs(counts - 100).max() < 40


def test_nobody_begins_within_14_m_of_another():
    env = intersection_v0.parallel_env(drivers=12, **EMPTY)
    for seed in range(5):
        env.reset(seed=seed)
        row = env.get_state()[0]
        x, y = row["x"][:12], row["y"][:12]
        away = np.hypot(x[:, None] - x, y[:, None] - y) + 1000 * np.eye(12)
        assert away.min() > 14


TOWNS = {"networks": 4, "vehicles": 3, "observation": "kinematics"}
MODULES = {"intersection": intersection_v0, "merge": merge_v0, "roundabout": roundabout_v0, "roads": roads_v0}
OTHERS = {"intersection": EMPTY, "roads": TOWNS}  # arguments that make them quick


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("error")
def test_pettingzoos_parallel_tests_pass(name):
    make = partial(MODULES[name].parallel_env, drivers=2, duration=8, **OTHERS.get(name, {}))
    parallel_api_test(make(), num_cycles=60)
    parallel_seed_test(make, num_cycles=20)


def test_each_driver_of_a_batch_conforms():
    report = check_vector_env(partial(MergeVectorEnv, drivers=2), num_envs=6, agents=2, steps=60)
    assert "who_has_left_is_idle" in report.passed
    assert "baselines_play_legal_actions" in report.passed


def test_scripted_drivers_see_their_own_car():
    env = MergeVectorEnv(2, drivers=2)
    env.reset(seed=0)
    rows = env.get_state()
    # The first drives at the limit of its free lane, the second close behind a slow one in its own.
    put(rows[0], env.setup.params, (60.0, 0.0, 0.0, 20.0), (20.0, 4.0, 0.0, 25.0), (36.0, 4.0, 0.0, 10.0))
    env.set_state(rows)
    assert env.baselines["idm"](env).tolist() == [IDLE, SLOWER]


def test_pictures_show_all_who_drive_with_their_trails_and_who_has_left_no_more():
    def teal(env) -> int:
        return int((np.abs(env.render()[PANEL_PX:].astype(int) - EGO).sum(2) < 60).sum())

    env = merge_v0.parallel_env(drivers=2, render_mode="rgb_array")
    both = teal(scene(env, (345.0, 4.0, 0.0, 30.0), (200.0, 4.0, 0.0, 30.0)))
    one = teal(scene(env, (200.0, 4.0, 0.0, 30.0), (-200.0, 4.0, 0.0, 30.0)))
    assert one > 4
    assert both > 1.8 * one
    scene(env, (345.0, 4.0, 0.0, 30.0), (200.0, 4.0, 0.0, 30.0))
    env.render()
    env.step({"driver_0": IDLE, "driver_1": IDLE})
    assert env.agents == ["driver_1"]
    assert 0.5 * one < teal(env) < 1.5 * one  # the one that is left, with its trail


@pytest.mark.parametrize(
    ("module", "most"),
    [(intersection_v0, 12), (merge_v0, 6), (roundabout_v0, 8), (roads_v0, 16)],
    ids=list(MODULES),
)
def test_more_drivers_than_the_road_has_room_for_are_one_line(module, most):
    for wrong in (1, most + 1):
        with pytest.raises(
            ValueError, match=rf"drivers={wrong} is out of range: use an integer in \[2, {most}\]"
        ):
            module.parallel_env(drivers=wrong)
