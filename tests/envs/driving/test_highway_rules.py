"""The highway's rules on hand-made scenes: actions, rewards, accidents, drivers' decisions, metrics."""

import math

import numpy as np
import pytest

from tests.envs.driving.scenes import VEHICLES, car, make, place, scene

LEFT, IDLE, RIGHT, FASTER, SLOWER = range(5)
ALONE = [car(300, 4, 25)]


def play(cars, plan, **options):
    """Returns (row, reward, terminated, truncated, terms); the row is the next episode's if one ended."""
    env = make(**options)
    scene(env, cars)
    reward = ended = cut = terms = None
    for action in plan:
        _, reward, ended, cut, info = env.step(np.asarray(action)[None])
        terms = {name: float(values[0]) for name, values in info["reward_terms"].items()}
    assert reward is not None
    assert reward[0] == pytest.approx(sum(terms.values()), abs=1e-6)
    return env.states[0].copy(), float(reward[0]), bool(ended[0]), bool(cut[0]), terms


@pytest.mark.parametrize(
    ("speed", "action", "target"),
    [
        (25, FASTER, 30),
        (25, SLOWER, 20),
        (25, IDLE, 25),
        (22.4, FASTER, 25),  # 22.4 is nearest to 20
        (22.6, FASTER, 30),
        (27.4, SLOWER, 20),
        (27.6, SLOWER, 25),
        (22.5, FASTER, 25),  # halves go to the even index: 0
        (27.5, SLOWER, 25),  # and 2
        (30, FASTER, 30),
        (10, SLOWER, 20),
        (35, SLOWER, 25),
    ],
)
def test_speed_actions_count_from_the_present_speed(speed, action, target):
    row, *_ = play([car(300, 4, speed, desired=25)], [action])
    assert row["desired_speed"][0] == target


@pytest.mark.parametrize(
    ("y", "target", "action", "new"),
    [
        (4, 1, LEFT, 0),
        (4, 1, RIGHT, 2),
        (0, 0, LEFT, 0),
        (8, 2, RIGHT, 2),
        (0.5, 1, RIGHT, 2),  # still in lane 0, target lane 2 within 8 m
        (-0.1, 1, RIGHT, 1),  # 8.1 m: out of reach
    ],
)
def test_lane_actions_move_the_target_lane_within_reach(y, target, action, new):
    row, *_ = play([car(300, y, 25, target=target)], [action])
    assert row["target"][0] == new
    assert row["lane_changes"] == (new != target)


def test_the_speed_controller_halves_the_gap_in_its_time_constant():
    row, *_ = play(ALONE, [FASTER])
    speed = 25.0
    for _ in range(5):
        speed += 0.2 * (30 - speed) / 0.6
    assert row["speed"][0] == pytest.approx(speed, abs=1e-4)


def test_a_lane_change_ends_in_the_middle_of_the_next_lane():
    row, *_ = play(ALONE, [RIGHT, IDLE, IDLE, IDLE, IDLE])
    assert row["y"][0] == pytest.approx(8, abs=0.05)
    assert row["heading"][0] == pytest.approx(0, abs=0.01)


def test_classic_reward_by_hand():
    _, reward, _, _, terms = play([car(300, 8, 25)], [IDLE], reward="classic")
    assert reward == pytest.approx((0.4 * 0.5 + 0.1 * 1 + 1) / 1.5)
    assert terms["offset"] == pytest.approx(1 / 1.5)
    _, reward, *_ = play([car(300, 0, 20)], [IDLE], reward="classic")
    assert reward == pytest.approx(1 / 1.5)  # crawling on the left
    _, reward, *_ = play([car(300, 0, 20)], [RIGHT], reward="classic")
    assert reward == pytest.approx((0.1 * 0.5 + 1) / 1.5, abs=1e-4)  # paid by the target lane


def test_classic_reward_of_a_full_speed_crash_is_a_third():
    _, reward, ended, _, terms = play([car(300, 8, 30), car(306, 8, 28)], [IDLE], reward="classic")
    assert ended
    assert terms["collision"] == pytest.approx(-1 / 1.5)
    assert reward == pytest.approx(terms["speed"] + 0.1 / 1.5)


def test_classic_reward_is_zero_beside_the_road_and_the_episode_goes_on():
    off = [car(300, -3, 25, heading=-0.05)]
    _, reward, ended, _, _ = play(off, [[0.0, 0.0]], reward="classic", actions="continuous")
    assert (reward, ended) == (0, False)


def test_safe_reward_off_the_road_costs_a_crash_and_ends_the_episode():
    off = [car(300, -1.9, 25, heading=-0.05)]
    _, reward, ended, _, terms = play(off, [[0.0, 0.0]], actions="continuous")
    assert ended
    assert terms["off_road"] == -5
    assert reward == -5


def test_safe_reward_pays_speed_and_nothing_for_crawling():
    for speed, pay in ((20, 0), (25, 0.05), (30, 0.1)):
        assert play([car(300, 4, speed)], [IDLE])[1] == pytest.approx(pay, abs=1e-6)
    assert play([car(300, 4, 15, desired=15)], [IDLE])[1] == 0


def test_safe_reward_is_the_same_a_second_at_any_decision_frequency():
    env = make(decision_frequency=5)
    scene(env, [car(300, 4, 30)])
    total = sum(float(env.step(np.array([IDLE]))[1][0]) for _ in range(5))
    assert total == pytest.approx(0.1, abs=1e-6)


def test_safe_reward_charges_a_short_headway():
    # 15 m net at 25 m/s is 0.6 s of headway: 40 % short of 1 s
    row, _, _, _, terms = play([car(300, 4, 25), car(320, 4, 25, desired=25)], [IDLE])
    gap = row["x"][1] - row["x"][0] - 5
    assert terms["headway"] == pytest.approx(-0.1 * (1 - gap / row["speed"][0]), abs=1e-3)
    assert play([car(300, 4, 25), car(340, 4, 25)], [IDLE])[4]["headway"] == 0


def test_safe_reward_charges_a_short_time_to_collision():
    # after 1 s: 60 - 5 - 10 = 45 m net at 20 m/s: 2.25 s of 3, headway long enough
    row, _, _, _, terms = play([car(300, 4, 30), car(365, 4, 10, desired=10)], [IDLE])
    closing = row["speed"][0] - row["speed"][1]
    ttc = (row["x"][1] - row["x"][0] - 5) / closing
    assert terms["headway"] == pytest.approx(-0.1 * (1 - ttc / 3), abs=1e-3)


def test_safe_reward_of_a_crash_outweighs_a_whole_episode_at_full_speed():
    _, reward, ended, _, terms = play([car(300, 4, 30), car(308, 4, 20)], [IDLE])
    assert ended
    assert terms["collision"] == reward == -5
    assert -reward > 40 * 0.1


def test_safe_reward_charges_a_lane_change_once():
    env = make()
    scene(env, ALONE)
    terms = [float(env.step(np.array([a]))[4]["reward_terms"]["lane_change"][0]) for a in (RIGHT, IDLE, LEFT)]
    assert terms == pytest.approx([-0.02, 0, -0.02])


def metrics_after(cars, actions, **options):
    env = make(**options)
    scene(env, cars)
    for action in actions:
        _, _, ended, cut, info = env.step(np.asarray(action)[None])
        if ended[0] or cut[0]:
            return {name: float(values[0]) for name, values in info["metrics"].items()}
    raise AssertionError("the episode went on")


def test_metrics_of_an_undisturbed_episode():
    told = metrics_after([car(300, 4, 25)], [IDLE] * 30)
    assert told["length"] == 30
    assert told["mean_speed"] == pytest.approx(25)
    assert told["distance"] == pytest.approx(25 * 30, abs=0.05)
    assert told["comfort"] == 1
    assert told["min_ttc"] == 10
    assert [
        told[k] for k in ("collision", "at_fault_collision", "off_road", "low_ttc_share", "lane_changes")
    ] == [0] * 5


def test_time_to_collision_counts_down_to_the_crash():
    # 40 m net at 10 m/s closing: 4 s. Below 0.95 s from 31 m on.
    told = metrics_after([car(300, 4, 25), car(345, 4, 15, desired=15)], [IDLE] * 30)
    assert told["collision"] == told["at_fault_collision"] == 1
    assert told["min_ttc"] < 0.3
    assert 0 < told["low_ttc_share"] < 0.4


def test_hard_acceleration_is_uncomfortable():
    assert metrics_after([car(300, 4, 20)], [FASTER] + [IDLE] * 29)["comfort"] == pytest.approx(1, abs=0.1)
    assert metrics_after([car(300, 4, 20)], [FASTER, SLOWER] * 15)["comfort"] < 0.5


def test_being_hit_from_behind_is_not_the_egos_fault():
    behind = car(292, 4, 38, desired=38)
    told = metrics_after([car(300, 4, 20, desired=20), behind], [IDLE] * 3)
    assert (told["collision"], told["at_fault_collision"]) == (1, 0)


def test_changing_into_a_car_is_the_egos_fault():
    told = metrics_after([car(300, 4, 25), car(299, 8, 25, desired=25)], [RIGHT] + [IDLE] * 5)
    assert (told["collision"], told["at_fault_collision"]) == (1, 1)


def test_traffic_passes_through_itself_only_where_collisions_are_the_egos():
    wreck = [car(300, 0, 25), car(400, 8, 20, desired=20), car(408, 8, 0, crashed=1)]
    row, *_ = play(wreck, [IDLE] * 2, collisions="ego")
    assert row["crashed"][1] == 0
    row, *_ = play(wreck, [IDLE] * 2, collisions="all")
    assert row["crashed"][1] == 1
    assert row["traffic_crashes"] == 1


def test_a_wreck_rolls_to_a_stop():
    row, *_ = play([car(300, 0, 25), car(400, 8, 20, crashed=1)], [IDLE])
    assert row["speed"][1] == pytest.approx(20 * 0.8**5, rel=1e-5)
    assert row["y"][1] == 8


def converging(traffic):
    """Cars on the left and on the right both want the middle lane, one beside the other."""
    slow = [car(330, 0, 5, desired=5), car(330, 8, 5, desired=5)]
    pair = [
        car(300, 0, 20, desired=24, countdown=0),
        car(297, 8, 20, desired=24, countdown=0),
    ]
    return play(
        [car(100, 0, 20), *pair, *slow], [IDLE], traffic=traffic, collisions="all", simulation_frequency=1
    )[0]


def test_conventional_drivers_both_take_the_same_gap_and_cautious_ones_do_not():
    assert converging("conventional")["target"][1:3].tolist() == [1, 1]
    assert sorted(converging("cautious")["target"][1:3].tolist()) in ([0, 1], [1, 2])


def test_a_driver_changes_lane_for_a_gain_and_not_in_front_of_a_fast_car():
    slow = car(330, 0, 10, desired=10)
    changer = car(300, 0, 22, desired=24, countdown=0)
    ego = car(100, 0, 20)
    options = {"simulation_frequency": 1, "lanes": 2}
    assert play([ego, changer, slow], [IDLE], **options)[0]["target"][1] == 1
    fast = car(285, 4, 30, desired=30)
    assert play([ego, changer, slow, fast], [IDLE], **options)[0]["target"][1] == 0


def test_drivers_think_of_changing_lane_every_6th_frame_at_5_hz():
    env = make(decision_frequency=5)
    scene(env, [car(100, 0, 20), car(300, 4, 20, countdown=3)])
    thought = []
    for frame in range(20):
        before = env.states["countdown"][0, 1]
        env.step(np.array([IDLE]))
        if env.states["countdown"][0, 1] > before:
            thought.append(frame)
    assert thought == [3, 9, 15]


def test_order_along_the_road_is_kept_through_overtaking():
    env = make(8)
    env.reset(seed=3)
    rng = np.random.default_rng(0)
    cars = VEHICLES + 1
    for _ in range(40):
        env.step(rng.integers(0, 5, 8))
        x, order, rank = (env.states[name][:, :cars] for name in ("x", "order", "rank"))
        assert (np.diff(np.take_along_axis(x, order, axis=1), axis=1) <= 0).all()
        assert (np.take_along_axis(rank, order, axis=1) == np.arange(cars)).all()


def test_lanes_do_not_influence_one_another():
    env = make(6)
    env.reset(seed=0)
    rows = env.get_state()
    place(rows[2], [car(300, 4, 25), car(305, 4, 0)])
    env.set_state(rows)
    alone = make(1)
    alone.reset(seed=5)
    for _ in range(5):
        obs, reward, *_ = env.step(np.full(6, IDLE))
        obs_alone, reward_alone, *_ = alone.step(np.array([IDLE]))
    assert (obs[5] == obs_alone[0]).all()
    assert reward[5] == reward_alone[0]


def test_other_drivers_never_cut_in_front_of_a_continuous_ego():
    slow = car(330, 0, 10, desired=10)
    changer = car(300, 0, 22, desired=24, countdown=0)
    for actions, target in (("meta", 1), ("continuous", 0)):
        env = make(actions=actions, simulation_frequency=1, lanes=2)
        env.reset(seed=0)
        rows = env.get_state()
        desired = rows["desired_speed"][0, 0]
        place(rows[0], [car(200, 4, 20, desired=20 if actions == "meta" else desired), changer, slow])
        env.set_state(rows)
        env.step(np.array([IDLE]) if actions == "meta" else np.zeros((1, 2), np.float32))
        assert env.states["target"][0, 1] == target


def test_continuous_steering_turns_on_the_bicycles_circle():
    row, *_ = play([car(300, 4, 10)], [[0.0, 0.1]], actions="continuous")
    slip = math.atan(0.5 * math.tan(0.1 * math.pi / 4))
    assert row["heading"][0] == pytest.approx(10 * math.sin(slip) / 2.5, abs=1e-5)
    row, *_ = play([car(300, 4, 10)], [[0.5, 0.0]], actions="continuous")
    assert row["speed"][0] == pytest.approx(12.5)


@pytest.mark.parametrize("speed", [-20, -27, -35, 20, 35])
def test_a_car_that_reverses_meets_what_is_behind_it_as_one_ahead(speed):
    """A wreck 8 m off is soon reached; at −27 m/s a frame of 0.2 s is longer than a car's diagonal."""
    wreck = car(300 + math.copysign(8, speed), 4, 0, crashed=1)
    _, _, ended, *_ = play([car(300, 4, speed), wreck], [[0.0, 0.0]], actions="continuous")
    assert ended


def test_conventionally_a_car_that_reverses_fast_passes_through_others():
    wreck = car(292, 4, 0, crashed=1)
    _, _, ended, *_ = play([car(300, 4, -35), wreck], [[0.0, 0.0]], actions="continuous", reward="classic")
    assert not ended


def test_16_6_seconds_at_15_hz_are_249_decisions():
    env = make(duration=16.6, simulation_frequency=15, decision_frequency=15)
    assert env.setup.params.max_steps == 249  # 16.6 · 15 is 249.00000000000003 in floating point


SPIN_MPS = 2 * math.pi * 2.5 / math.sin(math.atan(0.5))  # full steering turns exactly once in a second
ROUND = np.array([0.0, 1.0], np.float32)


def test_a_turn_on_the_spot_within_a_decision_is_paid_for_the_way_that_it_covers():
    cars = [car(300, 28, SPIN_MPS)]  # in the middle of a road wide enough to turn on
    row, _, ended, _, terms = play(cars, [ROUND], actions="continuous", lanes=16)
    assert not ended
    assert abs(float(row["x"][0]) - 300) < 5
    assert terms["speed"] == 0
    straight = [car(300, 28, 27.0)]
    row, *_, terms = play(straight, [np.zeros(2, np.float32)], actions="continuous", lanes=16)
    assert terms["speed"] == pytest.approx(0.1 * 0.7, abs=1e-5)  # 27 m in a second


def test_mean_speed_is_along_the_road():
    env = make(actions="continuous", lanes=16, duration=1)
    scene(env, [car(300, 28, SPIN_MPS)])
    told = env.step(ROUND[None])[4]["metrics"]
    assert abs(told["mean_speed"][0]) < 4
    assert abs(told["distance"][0]) < 5


@pytest.mark.parametrize("decisions", [1, 5])
def test_who_leaves_the_road_within_a_decision_has_left_it(decisions):
    cars = [car(300, 0, SPIN_MPS)]  # the circle is 11 m wide
    plan = [ROUND] * decisions
    env = make(actions="continuous", lanes=1, decision_frequency=decisions)
    scene(env, cars)
    for action in plan:
        _, _, ended, _, info = env.step(action[None])
        if ended[0]:
            break
    assert ended[0]
    assert info["reward_terms"]["off_road"][0] == -5
    assert info["metrics"]["off_road"][0] == 1


def test_classic_pays_by_where_the_decision_ends():
    cars = [car(300, 0, SPIN_MPS)]
    _, reward, ended, _, _ = play(cars, [ROUND], actions="continuous", lanes=1, reward="classic")
    assert not ended
    assert reward > 0.6


@pytest.mark.parametrize("frequency", [1, 2, 5, 15])
@pytest.mark.parametrize(("own", "other"), [(0.0, 38.0), (-38.0, 25.0), (-38.0, 0.0), (-5.0, 38.0)])
def test_cars_that_meet_fast_collide_however_long_a_frame_is(frequency, own, other):
    ahead = 60.0 if own - other > 0 else -60.0
    cars = [car(300, 0, own), car(300 + ahead, 0, other)]
    env = make(actions="continuous", lanes=1, simulation_frequency=frequency)
    scene(env, cars)
    rows = env.get_state()
    for _ in range(4 * frequency):
        rows["speed"][0, 1] = other  # it would brake
        env.set_state(rows)
        _, _, ended, _, info = env.step(np.zeros((1, 2), np.float32))
        if ended[0]:
            break
        rows = env.get_state()
    assert ended[0]
    assert info["metrics"]["collision"][0] == 1


@pytest.mark.parametrize(("lanes", "density"), [(1, 2.0), (1, 10.0), (2, 10.0), (3, 5.0), (16, 1.0)])
def test_however_dense_a_road_is_no_car_begins_less_than_16_m_behind_another(lanes, density):
    env = make(30, lanes=lanes, density=density)
    env.reset(seed=0)
    for row in env.states:
        x, at = row["x"][: VEHICLES + 1].astype(float), row["lane"][: VEHICLES + 1]
        for k in range(lanes):
            assert (np.diff(np.sort(x[at == k])) >= 16 - 1e-3).all()
