"""Roads: each lane of a batch has its own network, trips can be driven; and a scenario of one's own."""

import math

import numba
import numpy as np
import pytest

from quadrivium.envs.core import shelf
from quadrivium.envs.core.checks import check_env
from quadrivium.envs.driving.roads.maps import choice
from quadrivium.envs.driving.roads.network import NOWHERE, lane_of
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv
from quadrivium.envs.driving.roads.scenarios.roads import RoadsEnv, RoadsVectorEnv
from tests.envs.driving.roads.maps import writer
from tests.worlds.chicane import ChicaneEnv

ROWS = {"observation": "kinematics"}  # of eight cars at most: the machine code of Merge


def play(env, player, seed=0):
    """Returns the metrics of one episode a lane, each an array."""
    env.reset(seed=seed)
    found, over = {}, np.zeros(env.num_envs, np.bool_)
    while not over.all():
        _, _, terminated, truncated, info = env.step(player(env))
        for lane in np.flatnonzero((terminated | truncated) & ~over):
            for name, values in info["metrics"].items():
                found.setdefault(name, np.full(env.num_envs, np.nan))[lane] = values[lane]
        over |= terminated | truncated
    return found


@pytest.mark.parametrize("split", ["train", "test"])
def test_lanes_of_a_batch_drive_in_networks_in_turn_and_in_all_of_them(split):
    env = RoadsVectorEnv(6, networks=4, vehicles=0, split=split, **ROWS)
    env.reset(seed=10)
    rows, p = env.get_state(), env.setup.params
    assert rows["network"].tolist() == [(10 + k) % 4 for k in range(6)]
    grids = p.grids[rows["network"]]
    assert (rows["lane"][:, 0] >= grids["first_lane"]).all()
    assert (rows["lane"][:, 0] < grids["end_lane"]).all()


def test_an_ego_begins_on_the_first_road_of_its_trip_and_is_led_to_its_goal():
    env = RoadsVectorEnv(12, networks=4, vehicles=0, **ROWS)
    env.reset(seed=0)
    rows, p = env.get_state(), env.setup.params
    for row in rows:
        legs = p.routes[row["route"][0]]["road"]
        trip = p.trips[row["ego"]["trip"][0]]
        assert p.lanes["road"][row["lane"][0]] == legs[0]
        assert row["along"][0] == pytest.approx(5.0, abs=1e-3)
        assert p.lanes["road"][p.goals[trip["first_goal"]]] == legs[legs != NOWHERE][-1]
    metrics = play(env, env.baselines["idle"])  # the controllers follow the route
    assert metrics["arrival"].tolist() == [1.0] * 12
    assert metrics["off_road"].tolist() == [0.0] * 12
    assert metrics["completion"].tolist() == [1.0] * 12


def test_the_way_driven_to_a_goal_is_as_long_as_its_trip():
    env = RoadsVectorEnv(8, networks=4, vehicles=0, **ROWS)
    env.reset(seed=0)
    lengths = env.setup.params.trips["length"][env.get_state()["ego"]["trip"][:, 0]]
    driven = play(env, env.baselines["idle"])["distance"]
    np.testing.assert_allclose(driven, lengths, atol=8.0)  # a decision, and what the controllers cut


def test_half_the_way_is_half_of_its_completion():
    env = RoadsVectorEnv(8, networks=4, vehicles=0, duration=10, **ROWS)
    env.reset(seed=0)
    lengths = env.setup.params.trips["length"][env.get_state()["ego"]["trip"][:, 0]]
    metrics = play(env, env.baselines["idle"])
    assert metrics["arrival"].sum() == 0
    np.testing.assert_allclose(metrics["completion"], metrics["distance"] / lengths, atol=0.02)


def test_scripted_steering_stays_on_roads_that_bend():
    env = RoadsVectorEnv(8, networks=4, vehicles=0, actions="continuous", **ROWS)
    for name in ("stanley", "pure_pursuit"):
        metrics = play(env, env.baselines[name])
        assert metrics["off_road"].sum() == 0
        assert metrics["completion"].mean() > 0.9


def test_drivers_of_one_town_have_trips_of_their_own_and_arrive_at_the_ends_of_them():
    env = RoadsVectorEnv(16, networks=4, vehicles=0, drivers=2, duration=120, **ROWS)
    env.reset(seed=1)
    p = env.setup.params
    for row in env.get_state():
        assert len(set(row["ego"]["trip"].tolist())) == 2
        goals = p.lanes["road"][p.goals[p.trips[row["ego"]["trip"]]["first_goal"]]]
        ends = [legs[legs != NOWHERE][-1] for legs in p.routes["road"][row["route"][:2]]]
        assert goals.tolist() == ends
    metrics = play(env, env.baselines["idm"], seed=1)
    assert metrics["collision"].sum() == 0
    assert metrics["arrival"].mean() > 0.8
    assert (metrics["completion"][metrics["arrival"] == 1] == 1).all()


def test_more_drivers_than_trips_begin_in_a_file_are_one_line(tmp_path):
    path = tmp_path / "block.xodr"
    path.write_text(writer.block())
    with pytest.raises(ValueError, match=r"drivers=16 have no room in .*block.xodr: trips begin on \d of"):
        RoadsVectorEnv(16, maps=str(path), vehicles=0, shortest=100.0, drivers=16)


def test_traffic_keeps_to_its_ways_and_does_not_crash_itself():
    env = RoadsVectorEnv(16, networks=8, vehicles=7, duration=30, **ROWS)
    metrics = play(env, lambda env: np.full(env.num_envs, 4))  # an ego that stands
    assert metrics["traffic_collisions"].sum() == 0


def test_others_are_seen_from_the_ego_as_it_is_turned_the_nearest_first():
    env = RoadsVectorEnv(8, networks=4, vehicles=7, **ROWS)
    obs, _ = env.reset(seed=3)
    rows = env.get_state()
    for row, seen in zip(rows, obs, strict=True):
        c, s = math.cos(row["heading"][0]), math.sin(row["heading"][0])
        dx, dy = row["x"][1 : row["cars"]] - row["x"][0], row["y"][1 : row["cars"]] - row["y"][0]
        ahead, right, away = c * dx + s * dy, c * dy - s * dx, np.hypot(dx, dy)
        order = [k for k in np.argsort(away) if away[k] < 60 and ahead[k] > -20]
        expected = np.stack([ahead[order], right[order]], 1) / 60
        np.testing.assert_allclose(seen[1 : 1 + len(order), 1:3], np.clip(expected, -1, 1), atol=1e-4)
        assert (seen[1 + len(order) :] == 0).all()


@pytest.mark.parametrize("name", ["block.xodr", "quarter.osm"])
def test_roads_of_a_file_are_driven_on(tmp_path, name):
    path = tmp_path / name
    path.write_text(writer.block() if name.endswith("xodr") else writer.quarter())
    env = RoadsVectorEnv(4, maps=str(path), vehicles=5, shortest=100.0, **ROWS)
    metrics = play(env, env.baselines["idm"])
    assert metrics["off_road"].sum() == 0
    assert metrics["completion"].mean() > 0.9


def test_towns_and_files_share_their_machine_code_with_the_other_scenarios(tmp_path):
    (tmp_path / "quarter.osm").write_text(writer.quarter())
    merge = numba.typeof(MergeEnv(observation="road").setup.params)
    for options in ({"networks": 2}, {"networks": 12}, {"maps": str(tmp_path), "shortest": 100.0}):
        assert numba.typeof(RoadsEnv(vehicles=4, **options).setup.params) == merge


def test_towns_from_disk_have_the_machine_code_of_those_just_drawn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "_LONG", -1.0)  # s: all are kept
    usual = numba.typeof(MergeEnv(**ROWS).setup.params)
    for _ in range(2):
        choice._towns.cache_clear()
        assert numba.typeof(RoadsEnv(networks=3, **ROWS).setup.params) == usual


def test_networks_are_drawn_as_their_arrays_say():
    env = RoadsEnv(networks=2, vehicles=3, render_mode="rgb_array", **ROWS)
    frames = []
    for seed in (0, 1):
        env.reset(seed=seed)
        frames.append(env.render())
        row, p = env.get_state()[0], env.setup.params
        lane = lane_of(p.lanes[row["lane"][0]])
        assert lane.point(row["along"][0]) == pytest.approx((row["x"][0], row["y"][0]), abs=0.05)
    assert (frames[0] != frames[1]).any()


def test_a_scenario_of_ones_own_conforms_and_can_be_driven():
    assert "state_resumes_bit_for_bit" in check_env(ChicaneEnv).passed
    env = ChicaneEnv()
    p = env.setup.params
    assert p.lanes["form"].tolist().count(3) == 2
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, info = env.step(1)
        over = terminated or truncated
    assert info["metrics"]["off_road"] == 0
