import gymnasium
import numpy as np
import pytest

from quadrivium.commands.pages.wheel import KEYS, wheel_of

SMALL = {"map_count": 1, "map_size": 16}


def wheel(name, **kwargs):
    env_id = f"quadrivium/{name}-v0"
    env = gymnasium.make_vec(env_id, num_envs=kwargs.get("robots", kwargs.get("drivers", 1)), **kwargs)
    return wheel_of(env_id, env.unwrapped.setup), env


def actions(name, *helds, **kwargs):
    found, _ = wheel(name, **kwargs)
    return [found.action(held)[0].tolist() for held in helds]


def test_meta_actions_are_lanes_and_speeds_and_a_change_of_lane_comes_first():
    held = [], ["left"], ["right"], ["up"], ["down"], ["up", "left"], ["left", "right"], ["up", "down"]
    assert actions("Highway", *held, vehicles=3) == [1, 0, 2, 3, 4, 0, 1, 1]


def test_where_the_lane_is_kept_only_the_speed_is_chosen():
    assert actions("Intersection", [], ["up"], ["down"], ["left"]) == [1, 2, 0, 1]
    assert set(wheel("Intersection")[0].does) == {"up", "down"}


def test_numbered_pedals_and_wheel_are_held_together():
    held = [], ["up"], ["down"], ["left"], ["right"], ["up", "left"], ["down", "right"]
    assert actions("Racetrack", *held, actions="discrete") == [4, 7, 1, 3, 5, 6, 2]


def test_a_cars_wheel_turns_to_the_lock_in_half_a_second_and_back():
    right, left = ["right"], ["left"]
    found = actions("Racetrack", right, right, right, [], [], left)  # five decisions a second
    assert np.allclose(found, [[0.4], [0.8], [1.0], [0.6], [0.2], [-0.2]])
    assert actions("Racetrack", [], ["up"], actions="continuous") == [[0.0, 0.0], pytest.approx([0.4, 0.0])]


@pytest.mark.parametrize(
    ("reverse", "still", "back"),
    [(0.0, -1.0, -1.0), (0.5, -1 / 3, -1.0)],  # of 1 m/s ahead; the first number goes from −reverse to 1
)
def test_a_robot_stands_while_no_key_is_held(reverse, still, back):
    held = [], ["up"], ["down"], ["left"], ["right"]
    found = actions("PointNav", *held, max_reverse=reverse, **SMALL)
    assert np.allclose(found, [[still, 0], [1, 0], [back, 0], [still, 1], [still, -1]])


def test_a_robots_numbered_moves_are_those_nearest_to_the_keys():
    held = [], ["up"], ["up", "left"], ["right"]
    assert actions("PointNav", *held, actions="discrete", **SMALL) == [2, 12, 14, 0]


def test_a_holonomic_robot_goes_where_the_keys_point():
    assert actions("CrowdNav", [], ["up"], ["down"], ["left"], ["right"]) == [
        [0, 0],
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
    ]


def test_a_robot_turns_left_by_the_left_key():
    found, env = wheel("PointNav", **SMALL)
    env.reset(seed=3)
    before = float(env.unwrapped.states["heading"][0, 0])
    env.step(found.action(["left"]))
    assert 0 < np.angle(np.exp(1j * (float(env.unwrapped.states["heading"][0, 0]) - before))) < 0.5


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("SignChain", {}),
        ("TicTacToe", {}),
        ("PointNav", {"robots": 2, **SMALL}),
        ("Intersection", {"drivers": 2}),
    ],
)
def test_there_is_no_wheel_elsewhere_nor_where_several_act(name, kwargs):
    assert wheel(name, **kwargs)[0] is None


@pytest.mark.parametrize(
    "name", ["Highway", "Intersection", "Racetrack", "Parking", "PointNav", "CrowdNav", "Explore"]
)
def test_every_set_of_keys_is_an_action_of_the_space(name):
    found, env = wheel(name, **(SMALL if name in ("PointNav", "Explore") else {}))
    for number in range(16):
        held = [key for k, key in enumerate(KEYS) if number >> k & 1]
        (action,) = found.action(held)
        assert env.single_action_space.contains(action)
