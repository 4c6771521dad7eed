"""Arguments that all driving worlds share: target speeds, reach of the observation, weights of the reward."""

import numpy as np
import pytest

from quadrivium.envs.driving.highway.env import HighwayOptions, highway_setup
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv, MergeOptions, merge_setup
from tests.envs.driving.scenes import car, make, scene

IDLE, FASTER, SLOWER = 1, 3, 4


def step(cars, action, **options):
    """Returns (observation, record, reward) after one decision on a hand-made highway."""
    env = make(**options)
    scene(env, cars)
    observation, reward, *_ = env.step(np.array([action]))
    return observation[0], env.states[0].copy(), float(reward[0])


@pytest.mark.parametrize(
    ("speed", "action", "target"),
    [
        (12, FASTER, 20),
        (12, SLOWER, 10),
        (36, FASTER, 40),
        (34, SLOWER, 20),
        (25, FASTER, 40),
        (15, FASTER, 20),
    ],
)
def test_faster_and_slower_choose_from_the_speeds_given(speed, action, target):
    """15 lies in the middle of 10 and 20, and counts as the even one, number 0; 25 as number 2, 30."""
    _, row, _ = step([car(300, 4, speed, desired=speed)], action, target_speeds=[10, 20, 30, 40])
    assert row["desired_speed"][0] == target


def test_the_reward_counts_speed_between_the_least_and_the_highest_target():
    assert step([car(300, 4, 20)], IDLE, target_speeds=[10, 20, 30])[2] == pytest.approx(0.05, abs=1e-4)
    assert step([car(300, 4, 20)], IDLE, reward_speeds=[16, 20])[2] == pytest.approx(0.1, abs=1e-4)


def test_a_weight_that_is_given_replaces_the_usual_one_alone():
    crash = [car(300, 4, 30), car(304, 4, 10)]
    assert step(crash, IDLE, reward_weights={"collision": -40})[2] == pytest.approx(-40)
    assert step(crash, IDLE, reward_weights={"speed": 3})[2] == pytest.approx(-5)
    assert step([car(300, 4, 30)], IDLE, reward_weights={"speed": 3})[2] == pytest.approx(3, abs=1e-3)


def test_cars_behind_and_far_ahead_are_seen_as_far_as_asked():
    cars = [car(1000, 4, 25), car(1300, 4, 25), car(960, 4, 25)]
    near, _, _ = step(cars, IDLE)
    assert near[1:, 0].tolist() == [0, 0, 0, 0]
    seen, _, _ = step(cars, IDLE, observed_range=400, observed_behind=50)
    assert seen[1:, 0].tolist() == [1, 1, 0, 0]
    assert seen[1:3, 1] == pytest.approx([-40 / 400, 300 / 400], abs=5e-3)


def test_on_networks_of_roads_they_are_seen_as_far_as_asked_too():
    env = MergeEnv(observed_behind=100, observed_range=400)
    env.reset(seed=0)
    rows = env.get_state()
    gaps = np.sort(rows[0]["x"][1:5] - rows[0]["x"][0])
    seen = env.step(IDLE)[0]
    assert gaps[0] < -10  # one begins behind, beyond the usual 10 m
    assert (seen[1:, 0] == 1).all()
    assert seen[1:, 1].min() < -10 / 400


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target_speeds": [20]}, "target_speeds=[20] is no list of 2 to 16 numbers"),
        ({"target_speeds": [20, 20]}, "target_speeds=[20, 20] does not rise"),
        (
            {"target_speeds": [20, 50]},
            "holds what is not allowed; use a list of 2 to 16 rising numbers in [0, 40]",
        ),
        ({"target_speeds": 20}, "target_speeds=20 is no list"),
        ({"reward_speeds": [20, 25, 30]}, "reward_speeds=[20, 25, 30] is no list of 2 numbers"),
        (
            {"reward_weights": {"crash": -1}},
            "a term of reward_weights='crash' is unknown: use one of 'speed'",
        ),
        (
            {"reward_weights": {"collision": 5}},
            "reward_weights.collision=5 is out of range: use a number in [-1000",
        ),
        ({"reward_weights": {"speed": -1}}, "reward_weights.speed=-1 is out of range"),
        ({"reward_weights": -5}, "reward_weights=-5 is no mapping"),
        ({"reward_weights": {"right_lane": 1}}, "'right_lane' is unknown"),  # of the other kind of reward
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(options, said):
    with pytest.raises(ValueError) as caught:
        highway_setup(HighwayOptions.of(options))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_reward_that_pays_for_nothing_is_refused():
    weights = dict.fromkeys(("speed", "right_lane", "collision"), 0)
    with pytest.raises(ValueError, match="pays for nothing"):
        highway_setup(HighwayOptions.of({"reward": "classic", "reward_weights": weights}))


def test_a_scenario_takes_weights_of_what_it_pays_for_alone():
    with pytest.raises(ValueError, match=r"'arrival' is unknown: use one of 'speed', 'collision', 'lane'"):
        merge_setup(MergeOptions.of({"preset": "merge", "reward_weights": {"arrival": 1}}))
