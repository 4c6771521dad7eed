"""The rules of CrowdNav, by hand: who moves where, what is a collision, what is paid."""

import math

import numpy as np
import pytest

from quadrivium.envs.navigation import moves
from quadrivium.envs.navigation.crowd_nav.env import CrowdNavEnv, CrowdNavVectorEnv
from tests.envs.navigation.scenes import FORWARD, scene

BODIES = 6  # the robot and, by default, five people; a record has room for more


def test_circle_crossings_begin_apart_and_lead_to_the_other_side():
    env = CrowdNavVectorEnv(300)
    env.reset(seed=0)
    rows = env.states
    x, y, goal_x, goal_y = (
        rows[name][:, :BODIES].astype(np.float64) for name in ("x", "y", "goal_x", "goal_y")
    )
    np.testing.assert_array_equal([x[:, 0], y[:, 0]], np.array([[0.0], [-4.0]]).repeat(300, 1))
    np.testing.assert_array_equal([goal_x[:, 0], goal_y[:, 0]], np.array([[0.0], [4.0]]).repeat(300, 1))
    np.testing.assert_array_equal([goal_x[:, 1:], goal_y[:, 1:]], [-x[:, 1:], -y[:, 1:]])
    assert np.abs(np.hypot(x, y)[:, 1:] - 4.0).max() < 0.5 * math.sqrt(2)
    for i in range(1, 6):
        for k in range(i):
            assert np.hypot(x[:, i] - x[:, k], y[:, i] - y[:, k]).min() >= 0.8 - 1e-5
            assert np.hypot(x[:, i] - goal_x[:, k], y[:, i] - goal_y[:, k]).min() >= 0.8 - 1e-5
    angle = np.arctan2(y[:, 1:], x[:, 1:])  # all round: by eighths, but for the robot's start and goal
    assert (np.histogram(angle, 8, (-np.pi, np.pi))[0] > 100).all()


def test_square_crossings_lead_from_one_half_into_the_other():
    env = CrowdNavVectorEnv(300, scenario="square")
    env.reset(seed=0)
    x, goal_x = env.states["x"][:, 1:BODIES], env.states["goal_x"][:, 1:BODIES]
    assert ((x > 0) != (goal_x > 0)).all()
    assert np.abs(env.states["y"][:, 1:BODIES]).max() <= 5.0
    assert (x > 0).mean() == pytest.approx(0.5, abs=0.05)


def test_mixed_scenarios_are_half_of_each():
    env = CrowdNavVectorEnv(1000, scenario="mixed")
    env.reset(seed=0)
    circles = (env.states["goal_x"][:, 1] == -env.states["x"][:, 1]).mean()
    assert circles == pytest.approx(0.5, abs=0.06)


def test_a_crowd_too_large_for_the_circle_stands_on_a_larger_one():
    env = CrowdNavVectorEnv(4, people_count=40)
    env.reset(seed=0)
    x, y = env.states["x"][:, :41], env.states["y"][:, :41]
    distance = np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None])
    distance[:, np.arange(41), np.arange(41)] = 9.0
    assert distance.min() >= 0.8 - 1e-5
    assert np.hypot(x, y).max() > 5.0


def test_people_vary_in_size_and_speed_if_they_are_asked_to():
    env = CrowdNavVectorEnv(200, varied_people=True)
    env.reset(seed=0)
    radius, speed = env.states["radius"][:, 1:BODIES], env.states["speed"][:, 1:BODIES]
    assert 0.3 <= radius.min() < 0.31 < 0.49 < radius.max() <= 0.5
    assert 0.5 <= speed.min() < 0.55 < 1.45 < speed.max() <= 1.5
    assert (env.states["radius"][:, 0] == np.float32(0.3)).all()


def test_arriving_pays_and_ends_the_episode():
    env = scene(robot=(0.0, 0.0), goal=(0.6, 0.0), at=[(8.0, 8.0)], progress_reward=0.1)
    _, reward, terminated, truncated, info = env.step(FORWARD)
    assert not terminated
    assert info["reward_terms"] == pytest.approx(
        {"success": 0, "collision": 0, "discomfort": 0, "progress": 0.025}, abs=1e-7
    )
    _, reward, terminated, truncated, info = env.step(FORWARD)  # over the edge of the goal, 0.3 m before it
    assert (terminated, truncated) == (True, False)
    assert reward == pytest.approx(1.005)
    metrics = info["metrics"]
    assert (metrics["success"], metrics["collision"], metrics["timeout"]) == (1, 0, 0)
    assert metrics["time_to_goal"] == 0.5
    assert metrics["path_length"] == pytest.approx(0.3)
    assert metrics["spl"] == pytest.approx(1.0)
    assert metrics["mean_acceleration"] == pytest.approx(1.0 / 0.5)  # from rest to 1 m/s in the first step


def test_a_detour_costs_path_efficiency():
    env = scene(robot=(0.0, 0.0), goal=(0.0, 1.0), at=[(8.0, 8.0)])
    for action in ([0.0, 0.0], [0.0, 1.0], [0.0, -1.0], *[FORWARD] * 4):
        *_, terminated, _, info = env.step(np.array(action, np.float32))
    assert terminated
    # 0.25 m to the left, as far to the right in a frame that has turned a little, to (-0.0075, -0.0606), and
    # from there straight to the goal's edge.
    along = math.hypot(0.25, 1.0)
    x, y = -0.25 + 0.25 / along, -0.25 * 0.25 / along
    driven = 0.5 + math.hypot(x, 1.0 - y) - 0.3
    assert info["metrics"]["path_length"] == pytest.approx(driven, abs=1e-5)
    assert info["metrics"]["spl"] == pytest.approx(0.7 / driven, abs=1e-5)


def test_bodies_that_would_pass_through_each_other_within_a_step_collide():
    """Before and after the step they are 0.28 m apart, and too small to touch; halfway they meet."""
    env = scene(robot=(0.0, 0.0), goal=(9.0, 0.0), at=[(0.125, 0.25)], goals=[(0.125, -9.0)])
    rows = env.get_state()
    rows["radius"], rows["speed"][0, 1] = 0.05, 2.0
    env.set_state(rows)
    _, reward, terminated, _, info = env.step(FORWARD)
    assert terminated
    assert reward == -0.25
    assert info["reward_terms"]["collision"] == -0.25
    metrics = info["metrics"]
    assert (metrics["success"], metrics["collision"], metrics["timeout"]) == (0, 1, 0)
    assert metrics["min_distance"] == pytest.approx(-0.1, abs=0.01)
    assert metrics["time_to_goal"] == 25.0  # as if it came last of all
    assert metrics["spl"] == 0.0


def test_discomfort_is_paid_by_how_far_the_personal_space_is_entered():
    # A person who stands still at its goal, passed at 0.7 m: 0.1 m of space is left.
    env = scene(robot=(0.0, 0.0), goal=(9.0, 0.0), at=[(0.125, 0.7)], goals=[(0.125, 0.7)])
    _, reward, terminated, _, info = env.step(FORWARD)
    assert not terminated
    assert reward == pytest.approx((0.1 - 0.2) * 0.5 * 0.25, abs=1e-6)
    assert info["reward_terms"]["discomfort"] == pytest.approx(-0.0125, abs=1e-6)
    for _ in range(3):
        _, reward, *_ = env.step(FORWARD)
    assert reward == 0.0
    assert env.get_state()["intrusions"][0, 0] == 3  # in the third, √(.375² + .7²) − .6 = .194 m


def test_time_runs_out_after_25_seconds():
    env = scene(robot=(0.0, 0.0), goal=(9.0, 0.0), at=[(8.0, 8.0)])
    for step in range(1, 101):
        _, reward, terminated, truncated, info = env.step(np.zeros(2, np.float32))
        assert (terminated, truncated) == (False, step == 100)
        assert reward == 0.0
    assert info["metrics"]["timeout"] == 1.0
    assert info["metrics"]["length"] == 100.0


@pytest.mark.parametrize("angle", [0.0, 1.0, 2.5, -2.0])
def test_holonomic_actions_are_velocities_with_the_goal_straight_ahead(angle):
    ahead = np.array([math.cos(angle), math.sin(angle)])
    left = np.array([-ahead[1], ahead[0]])
    env = scene(robot=(1.0, 2.0), goal=tuple(np.array([1.0, 2.0]) + 6 * ahead), at=[(9.0, 9.0)])
    env.step(np.array([0.5, -0.6], np.float32))
    row = env.get_state()[0]
    moved = np.array([row["x"][0] - 1.0, row["y"][0] - 2.0])
    np.testing.assert_allclose(moved, 0.25 * (0.5 * ahead - 0.6 * left), atol=1e-6)


def test_no_action_is_faster_than_the_highest_speed():
    env = scene(robot=(0.0, 0.0), goal=(9.0, 0.0), at=[(9.0, 9.0)], max_speed=0.8)
    env.step(np.array([1.0, 1.0], np.float32))
    row = env.get_state()[0]
    np.testing.assert_allclose([row["vx"][0], row["vy"][0]], [0.8 / math.sqrt(2)] * 2, rtol=1e-6)


@pytest.mark.parametrize(("throttle", "turn"), [(1.0, 1.0), (0.2, -0.7), (-1.0, 1.0), (0.5, 0.0)])
def test_a_differential_drive_moves_on_an_arc(throttle, turn):
    env = scene(robot=(0.0, 0.0), goal=(9.0, 0.0), at=[(9.0, 9.0)], drive="differential")
    heading = float(env.get_state()["heading"][0, 0])
    env.step(np.array([throttle, turn], np.float32))
    place, n = np.zeros(2), 20_000
    for k in range(n):  # at the middle of each small piece
        angle = heading + turn * 2.0 * 0.25 * (k + 0.5) / n
        place += (throttle + 1) / 2 * 0.25 / n * np.array([math.cos(angle), math.sin(angle)])
    row = env.get_state()[0]
    np.testing.assert_allclose([row["x"][0], row["y"][0]], place, atol=1e-6)
    assert row["heading"][0] == pytest.approx(heading + 0.5 * turn, abs=1e-6)


def test_discrete_actions_are_the_continuous_ones_of_their_table():
    for drive in ("holonomic", "differential"):
        for actions, table in (("discrete", moves.coarse), ("discrete81", moves.fine)):
            rows = table(drive == "holonomic")
            assert len(np.unique(rows, axis=0)) == len(rows) == {"discrete": 15, "discrete81": 81}[actions]
            assert np.abs(rows).max() <= 1.0
            for action in (0, 6, len(rows) - 1):
                places = []
                for kind, chosen in ((actions, action), ("continuous", rows[action])):
                    env = CrowdNavEnv(drive=drive, actions=kind)
                    env.reset(seed=3)
                    env.step(chosen)
                    places.append(env.get_state()[["x", "y", "heading"]])
                np.testing.assert_array_equal(*places)


@pytest.mark.parametrize("people", ["orca", "social_force"])
def test_people_give_way_to_robots_that_they_see_and_to_no_others(people):
    def after(visible: bool, robot_x: float) -> np.ndarray:
        env = scene(
            robot=(robot_x, 0.0),
            goal=(robot_x, 9.0),
            at=[(0.0, 0.0)],
            goals=[(5.0, 0.1)],
            people=people,
            robot_visible=visible,
        )
        env.step(np.zeros(2, np.float32))
        return np.array([env.get_state()["vx"][0, 1], env.get_state()["vy"][0, 1]])

    np.testing.assert_array_equal(after(False, 1.5), after(False, -8.0))
    assert np.linalg.norm(after(True, 1.5) - after(True, -8.0)) > 0.005


def test_who_arrives_stays_or_walks_on():
    for new_goals in (False, True):
        env = CrowdNavVectorEnv(8, new_goals=new_goals, split="test")
        env.reset(seed=1)
        first = env.states[["goal_x", "goal_y"]].copy()
        stop = np.zeros((8, 2), np.float32)
        alive = np.ones(8, bool)
        for _ in range(90):
            *_, terminated, truncated, _ = env.step(stop)
            alive &= ~(terminated | truncated)
        rows = env.states[alive]
        assert alive.sum() >= 3
        to_goal = np.hypot(rows["x"] - rows["goal_x"], rows["y"] - rows["goal_y"])[:, 1:BODIES]
        changed = (rows["goal_x"] != first["goal_x"][alive])[:, 1:BODIES]
        speed = np.hypot(rows["vx"], rows["vy"])[:, 1:BODIES]
        if new_goals:
            assert changed.mean() > 0.6
            assert speed.mean() > 0.6
        else:
            assert not changed.any()
            assert to_goal.mean() < 0.3
            assert speed.mean() < 0.1


def test_training_and_test_scenarios_differ():
    places = []
    for split in ("train", "test"):
        env = CrowdNavVectorEnv(50, split=split)
        env.reset(seed=0)
        places.append(env.states["x"][:, 1:BODIES].copy())
    assert not np.isin(*places).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": "orcas"}, "people='orcas' is unknown.*did you mean 'orca'"),
        ({"people_count": 0}, r"people_count=0 is out of range: use an integer in \[1, 100\]"),
        ({"people_count": 2.5}, "people_count=2.5 is no integer"),
        ({"robot_visible": 1}, "robot_visible=1 is no switch: use True or False"),
        ({"time_step": 0.0}, r"time_step=0.0 is out of range: use a number in \[0.01, 1.0\]"),
        ({"goal_radius": 0.0}, r"goal_radius=0.0 is out of range: use a number in \(0.0, 2.0\]"),
        ({"scenarios": "circle"}, "did you mean 'scenario'"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        CrowdNavEnv(**options)


def test_who_crosses_its_goal_within_a_step_has_arrived_there():
    env = scene((0.0, 0.0), (1.2, 0.1), [(50.0, 50.0)], max_speed=5.0, time_step=0.5)
    _, _, over, _, info = env.step(np.array([1.0, -0.0], np.float32))
    assert over
    assert info["metrics"]["success"] == 1
    # It goes straight to the goal, whose disc of 0.3 m it enters after |(1.2, 0.1)| - 0.3 m.
    assert info["metrics"]["path_length"] == pytest.approx(math.hypot(1.2, 0.1) - 0.3, abs=1e-3)


@pytest.mark.parametrize(("person", "success"), [((1.9, 0.0), 1), ((0.7, 0.0), 0)])
def test_what_comes_first_in_a_step_counts(person, success):
    env = scene((0.0, 0.0), (1.2, 0.0), [person], max_speed=5.0, time_step=0.5)
    _, _, over, _, info = env.step(FORWARD)  # 2.5 m, over the goal and through the person
    assert over
    assert info["metrics"]["success"] == success
    assert info["metrics"]["collision"] == 1 - success


def test_a_person_on_the_arc_is_touched_and_one_on_its_chord_is_not():
    # Half a circle in a step: 3 m/s and pi rad/s for 1 s, radius 3 / pi = 0.955 m, to the left of (0, 0).
    radius = 3 / math.pi
    options = {"drive": "differential", "max_speed": 3.0, "max_turn": math.pi, "time_step": 1.0}
    turn = np.array([1.0, 1.0], np.float32)
    on_arc = scene((0.0, 0.0), (50.0, 0.0), [(radius, radius)], robot_radius=0.1, **options)
    _, _, over, _, info = on_arc.step(turn)
    assert over
    assert info["metrics"]["collision"] == 1
    on_chord = scene((0.0, 0.0), (50.0, 0.0), [(0.0, radius)], robot_radius=0.1, **options)
    _, _, over, _, _ = on_chord.step(turn)
    assert not over
    gap = float(on_chord.get_state()["gap"][0, 0])
    assert gap == pytest.approx(radius - 0.1 - 0.3, abs=2e-3)  # the centre of the circle


def test_a_goal_on_the_arc_is_reached():
    radius = 3 / math.pi
    options = {"drive": "differential", "max_speed": 3.0, "max_turn": math.pi, "time_step": 1.0}
    env = scene((0.0, 0.0), (radius, radius), [(50.0, 50.0)], goal_radius=0.1, **options)
    rows = env.get_state()
    rows["heading"] = 0
    env.set_state(rows)
    _, _, over, _, info = env.step(np.array([1.0, 1.0], np.float32))
    assert over
    assert info["metrics"]["success"] == 1
    row = env.get_state()[0]
    assert math.hypot(row["x"][0] - radius, row["y"][0] - radius) == pytest.approx(0.1, abs=2e-3)
