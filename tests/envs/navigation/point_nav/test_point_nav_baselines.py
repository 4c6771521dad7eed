"""The scripted robots of PointNav, on maps that are held out."""

import numpy as np
import pytest

from quadrivium.envs.navigation.point_nav.baselines import own_plan
from quadrivium.envs.navigation.point_nav.env import PointNavVectorEnv
from tests.envs.navigation.arena import write_map

MAPS = 40
HELD_OUT = {"maps": "rooms", "map_count": MAPS, "split": "test"}


def played(baseline: str, **options) -> dict[str, np.ndarray]:
    """Returns the metrics of the first episode on each held-out map, an array (40,) each."""
    env = PointNavVectorEnv(MAPS, **HELD_OUT, **options)
    env.reset(seed=0)
    assert sorted(env.states["map"].tolist()) == list(range(MAPS))
    done, metrics = np.zeros(MAPS, bool), {}
    while not done.all():
        _, _, terminated, truncated, info = env.step(env.baselines[baseline](env))
        new = (terminated | truncated) & ~done
        for name, values in info["metrics"].items():
            metrics.setdefault(name, np.zeros(MAPS))[new] = values[new]
        done |= new
    return metrics


def test_who_knows_the_shortest_way_arrives_and_drives_hardly_farther():
    metrics = played("shortest_way")
    assert metrics["success"].mean() >= 0.9
    arrived = metrics["success"] == 1
    assert metrics["spl"][arrived].mean() > 0.9


def test_who_plans_in_the_map_that_it_makes_arrives_nearly_as_often():
    assert played("own_plan", guide=True)["success"].mean() >= 0.85


def test_the_dynamic_window_hardly_ever_collides():
    metrics = played("dwa")
    assert metrics["collision"].mean() < 0.05


def test_going_straight_fails_in_rooms():
    metrics = played("straight_line")
    assert metrics["success"].mean() < 0.4
    assert metrics["collision"].mean() > 0.5


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """An empty hall: free is [0.1, 6.1] x [0.1, 6.1] m."""
    return write_map(tmp_path_factory.mktemp("hall"), np.zeros((60, 60), bool))


@pytest.mark.parametrize("baseline", ["straight_line", "shortest_way", "dwa"])
@pytest.mark.parametrize("drive", ["differential", "holonomic", "ackermann"])
@pytest.mark.parametrize("actions", ["continuous", "discrete"])
def test_every_robot_plays_actions_of_the_space_and_arrives_where_nothing_is_in_the_way(
    hall, baseline, drive, actions
):
    env = PointNavVectorEnv(8, maps=hall, longest=4.0, drive=drive, actions=actions)
    env.reset(seed=0)
    rows = env.get_state()
    to_goal = np.arctan2(rows["goal_y"] - rows["y"], rows["goal_x"] - rows["x"])[:, 0]
    most = 0.4 if drive == "ackermann" else 3.0  # who steers needs room to turn
    rows["heading"][:, 0] = to_goal + np.linspace(-most, most, 8)
    env.set_state(rows)
    arrived = np.zeros(8, bool)
    for _ in range(200):
        chosen = env.baselines[baseline](env)
        assert env.action_space.contains(chosen)
        _, _, terminated, _, info = env.step(chosen)
        assert info["metrics"]["success"][terminated & ~arrived].all()
        arrived |= terminated
    assert arrived.all()


@pytest.mark.parametrize("drive", ["differential", "holonomic", "ackermann"])
@pytest.mark.parametrize("actions", ["continuous", "discrete"])
def test_own_plans_are_followed_by_every_drive_with_actions_of_the_space(drive, actions):
    env = PointNavVectorEnv(MAPS, guide=True, collisions="stop", drive=drive, actions=actions, **HELD_OUT)
    env.reset(seed=0)
    left = env.states["left_m"].mean()
    for _ in range(40):
        chosen = env.baselines["own_plan"](env)
        assert env.action_space.contains(chosen)
        env.step(chosen)
    assert (env.states["episode"] > 1).any() or env.states["left_m"].mean() < left - 1.0


def test_who_has_no_plan_is_told_how_to_get_one():
    env = PointNavVectorEnv(2, **HELD_OUT)
    assert "own_plan" not in env.baselines
    with pytest.raises(ValueError, match=r"own_plan needs robots that plan: .* guide=True"):
        own_plan(env)


def test_baselines_leave_the_records_alone():
    env = PointNavVectorEnv(4, **HELD_OUT)
    env.reset(seed=0)
    before = env.get_state()
    for choose in env.baselines.values():
        choose(env)
    assert env.get_state().tobytes() == before.tobytes()
