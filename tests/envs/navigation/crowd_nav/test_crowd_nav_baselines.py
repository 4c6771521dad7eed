"""The scripted robots of CrowdNav, and the published result of one of them."""

import numpy as np
import pytest

from quadrivium.envs.navigation.crowd_nav.env import CrowdNavVectorEnv


def played(baseline: str, episodes: int = 500, **options) -> dict[str, np.ndarray]:
    """Returns the metrics of the first test scenarios, an array (episodes,) each."""
    env = CrowdNavVectorEnv(episodes, split="test", **options)
    env.reset(seed=0)
    done, metrics = np.zeros(episodes, bool), {}
    for _ in range(101):
        _, _, terminated, truncated, info = env.step(env.baselines[baseline](env))
        new = (terminated | truncated) & ~done
        for name, values in info["metrics"].items():
            metrics.setdefault(name, np.zeros(episodes))[new] = values[new]
        done |= new
    assert done.all()
    return metrics


def test_orca_among_people_who_do_not_see_it_does_as_published():
    """Chen et al. 2019: success 0.43, collision 0.57 on 500 test cases, each with an error of 0.022."""
    metrics = played("orca", episodes=1000)
    assert metrics["success"].mean() == pytest.approx(0.43, abs=3 * np.hypot(0.022, 0.016))
    assert metrics["collision"].mean() == pytest.approx(0.57, abs=3 * np.hypot(0.022, 0.016))
    arrived = metrics["success"] == 1
    assert metrics["time_to_goal"][arrived].mean() == pytest.approx(10.86, abs=0.6)


def test_orca_among_people_who_see_it_hardly_ever_collides():
    metrics = played("orca", robot_visible=True)
    assert metrics["success"].mean() > 0.98
    assert metrics["collision"].mean() < 0.01


def test_going_straight_collides_unless_people_look_out():
    assert played("straight_line")["collision"].mean() > 0.9
    assert played("straight_line", robot_visible=True)["collision"].mean() < 0.1


@pytest.mark.parametrize("baseline", ["straight_line", "orca", "social_force"])
@pytest.mark.parametrize("drive", ["holonomic", "differential"])
@pytest.mark.parametrize("actions", ["continuous", "discrete", "discrete81"])
def test_every_robot_arrives_where_nobody_is_in_the_way(baseline, drive, actions):
    env = CrowdNavVectorEnv(8, people_count=1, drive=drive, actions=actions)
    env.reset(seed=0)
    rows = env.get_state()
    rows["x"][:, 1] = rows["goal_x"][:, 1] = 12.0
    if drive == "differential":
        rows["heading"][:, 0] += np.linspace(-2, 2, 8)  # it has to turn first
    env.set_state(rows)
    arrived = np.zeros(8, bool)
    for step in range(1, 100):
        _, _, terminated, _, info = env.step(env.baselines[baseline](env))
        first = terminated & ~arrived
        assert info["metrics"]["success"][first].all()
        if drive == "holonomic" and baseline != "social_force" and first.any():
            assert step == 31  # 7.7 m at 1 m/s
        arrived |= terminated
    assert arrived.all()


def test_baselines_leave_the_records_alone():
    env = CrowdNavVectorEnv(4)
    env.reset(seed=0)
    before = env.get_state()
    env.baselines["orca"](env)
    assert env.get_state().tobytes() == before.tobytes()
