import math

import gymnasium
import numpy as np
import pytest
from scipy.stats import kstest

from quadrivium.envs.navigation.point_nav.env import PointNavEnv, PointNavVectorEnv
from tests.envs.navigation.arena import scene as scene_in
from tests.envs.navigation.arena import write_map

AHEAD, STOP = np.array([1.0, 0.0], np.float32), np.array([-1.0, 0.0], np.float32)
FREE = {"acceleration": 100.0, "turn_acceleration": 100.0}


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """An empty hall: free is [0.1, 6.1] x [0.1, 4.1] m."""
    return write_map(tmp_path_factory.mktemp("hall"), np.zeros((40, 60), bool))


@pytest.fixture(scope="module")
def walled(tmp_path_factory):
    """The hall with a wall of one cell at x in [3.1, 3.2) and no door."""
    occupied = np.zeros((40, 60), bool)
    occupied[:, 30] = True
    return write_map(tmp_path_factory.mktemp("walled"), occupied)


def pose(env: PointNavEnv) -> tuple[float, float, float]:
    row = env.get_state()[0]
    return float(row["x"][0]), float(row["y"][0]), float(row["heading"][0])


def test_a_robot_drives_the_exact_arc(hall):
    env = scene_in(hall, (2.0, 1.0), 0.0, (5.0, 3.5), max_turn=1.0, **FREE)
    for _ in range(10):
        env.step(np.array([1.0, 1.0], np.float32))  # 1 m/s, 1 rad/s, for 1 s
    assert pose(env) == pytest.approx((2.0 + math.sin(1.0), 1.0 + 1 - math.cos(1.0), 1.0), abs=1e-4)


def test_velocities_change_by_no_more_than_the_accelerations_allow(hall):
    env = scene_in(hall, (1.0, 2.0), 0.0, (5.0, 3.0), acceleration=1.0, turn_acceleration=2.0)
    speeds, turns = [], []
    for _ in range(4):
        obs = env.step(np.array([1.0, 1.0], np.float32))[0]
        speeds.append(float(obs["robot"][3]))
        turns.append(float(obs["robot"][4]))
    assert speeds == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-5)
    assert turns == pytest.approx([0.2, 0.4, 0.6, 0.8], abs=1e-5)


def test_arrival_terminates_and_pays(hall):
    env = scene_in(hall, (3.0, 2.0), 0.0, (3.45, 2.0), goal_radius=0.3, **FREE)
    _, _, terminated, truncated, info = env.step(AHEAD)
    assert not terminated
    assert info["reward_terms"]["time"] == pytest.approx(-0.01)
    _, _, terminated, truncated, info = env.step(AHEAD)
    assert terminated
    assert not truncated
    assert info["reward_terms"]["success"] == 4.0
    assert info["metrics"]["success"] == 1.0
    assert info["metrics"]["length"] == 2


def test_touching_a_wall_ends_the_episode_or_stops_the_robot_just_before_it(hall):
    ended = scene_in(hall, (5.7, 2.0), 0.0, (1.0, 2.0), **FREE)
    stopped = scene_in(hall, (5.7, 2.0), 0.0, (1.0, 2.0), collisions="stop", **FREE)
    for _ in range(3):
        _, _, over, _, info = ended.step(AHEAD)
        if over:
            break
    assert over
    assert info["reward_terms"]["collision"] == -4.0
    assert info["metrics"]["collision"] == 1.0
    for _ in range(5):
        _, _, over, _, info = stopped.step(AHEAD)
    assert not over
    assert info["reward_terms"]["collision"] == -4.0
    x = pose(stopped)[0]
    assert 5.9 - 0.05 <= x <= 5.9 + 1e-4  # the wall is at 6.1, the radius 0.2, a piece 0.05


@pytest.mark.parametrize("max_speed", [1.0, 5.0, 20.0])
def test_nobody_passes_a_wall_of_one_cell_however_fast(walled, max_speed):
    rng = np.random.default_rng(0)
    for _ in range(10):
        place, heading = (2.0, rng.uniform(1, 3)), rng.uniform(-0.8, 0.8)
        options = {"max_speed": max_speed, "time_step": 1.0, "collisions": "stop", **FREE}
        env = scene_in(walled, place, heading, (5.0, 2.0), **options)
        for _ in range(10):
            env.step(np.array([1.0, rng.uniform(-0.2, 0.2)], np.float32))
            assert pose(env)[0] <= 2.9 + 1e-3


def test_spl_is_one_on_the_straight_way_and_a_half_on_one_twice_as_long(hall):
    straight = scene_in(hall, (1.0, 2.0), 0.0, (4.0, 2.0), time_limit=100, **FREE)
    for _ in range(40):
        *_, over, _, info = straight.step(AHEAD)
        if over:
            break
    assert info["metrics"]["spl"] == pytest.approx(1.0, abs=0.05)
    rows = scene_in(hall, (3.6, 2.0), 0.0, (4.0, 2.0), **FREE)
    state = rows.get_state()
    state["start_m"], state["path_m"] = 3.3, 6.0 - 0.2  # 3 m to the goal's edge, of which 5.8 m are driven
    rows.set_state(state)
    for _ in range(3):
        *_, over, _, info = rows.step(AHEAD)
        if over:
            break
    assert over
    assert info["metrics"]["spl"] == pytest.approx(0.5, abs=0.01)


def test_without_arrival_spl_is_zero_and_soft_spl_counts_what_was_done(hall):
    env = PointNavEnv(maps=hall, time_limit=0.1)
    env.reset(seed=1)
    rows = env.get_state()
    shortest = float(rows["start_m"][0, 0]) - 0.3
    rows["path_m"] = shortest  # driven as far as the way was long, and back
    env.set_state(rows)
    *_, truncated, info = env.step(STOP)
    assert truncated
    assert info["metrics"]["spl"] == 0.0
    assert info["metrics"]["timeout"] == 1.0
    assert info["metrics"]["soft_spl"] == pytest.approx(0.0, abs=1e-3)


def test_progress_pays_a_quarter_a_metre_of_the_shortest_way(hall):
    env = PointNavEnv(maps=hall, drive="holonomic", **FREE)
    env.reset(seed=3)
    rows = env.get_state()
    before = float(rows["left_m"][0, 0])
    dx, dy = rows["goal_x"][0, 0] - rows["x"][0, 0], rows["goal_y"][0, 0] - rows["y"][0, 0]
    toward = np.array([dx, dy]) / np.hypot(dx, dy)
    rows["heading"] = 0.0
    env.set_state(rows)
    info = env.step(toward.astype(np.float32))[4]
    left = float(env.get_state()["left_m"][0, 0])
    assert left == pytest.approx(before - 0.1, abs=0.005)
    assert info["reward_terms"]["progress"] == pytest.approx(0.25 * (before - left), abs=1e-5)


def test_the_way_at_the_start_is_at_least_the_straight_line_and_within_its_bounds():
    env = PointNavVectorEnv(64, maps="rooms", map_count=8, shortest=3.0, longest=6.0)
    env.reset(seed=0)
    s = env.states
    straight = np.hypot(s["goal_x"] - s["x"], s["goal_y"] - s["y"])
    assert (s["start_m"] >= straight - 1e-4).all()
    assert (s["start_m"] >= 3.0).all()
    assert (s["start_m"] <= 6.0).all()


def test_environment_k_begins_in_map_k_and_walks_on_through_all():
    env = PointNavVectorEnv(8, maps="rooms", map_count=8, time_limit=0.1)
    env.reset(seed=1_000_000)
    assert env.states["map"].tolist() == [(1_000_000 + k) % 8 for k in range(8)]
    seen = {int(env.states["map"][0])}
    for _ in range(7):
        env.step(np.tile(STOP, (8, 1)))
        seen.add(int(env.states["map"][0]))
    assert seen == set(range(8))


def test_without_noise_a_robot_knows_where_it_is_and_with_noise_it_drifts(hall):
    for noise, apart in ((0.0, False), (0.1, True)):
        env = scene_in(hall, (1.0, 1.0), 0.6, (5.0, 3.5), odometry_noise=noise, **FREE)
        for _ in range(20):
            env.step(np.array([0.5, 0.1], np.float32))
        row = env.get_state()[0]
        off = math.hypot(row["x"][0] - row["believed_x"][0], row["y"][0] - row["believed_y"][0])
        assert (off > 1e-3) == apart


def test_actuation_noise_is_normal_and_a_share_of_the_velocity():
    env = PointNavVectorEnv(2000, maps="rooms", map_count=1, actuation_noise=0.1, collisions="stop", **FREE)
    env.reset(seed=0)
    env.step(np.tile(np.array([0.0, 0.5], np.float32), (2000, 1)))
    moved = env.states["path_m"][:, 0] > 0.03
    shares = env.states["second"][moved, 0] / 0.5
    assert kstest((shares - 1) / 0.1, "norm").pvalue > 1e-3


def test_discrete_actions_are_three_speeds_and_five_turn_rates(hall):
    env = scene_in(hall, (2.0, 2.0), 0.0, (5.0, 3.5), actions="discrete", **FREE)
    assert env.action_space == gymnasium.spaces.Discrete(15)
    obs = env.step(5 * 1 + 4)[0]
    assert obs["robot"][3:5].tolist() == pytest.approx([0.5, 1.0])
    obs = env.step(5 * 2 + 1)[0]
    assert obs["robot"][3:5].tolist() == pytest.approx([1.0, -0.5])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"maps": "house"},
            r"maps='house' is unknown: use one of 'rooms', 'maze', 'clutter', 'mixed', 'PATH",
        ),
        (
            {"observation": "sectors", "sectors": 7},
            r"sectors=7 does not divide the 64 beams: use a divisor of beams",
        ),
        ({"drive": "diferential"}, r"did you mean 'differential'\?"),
        ({"map_size": 5}, r"map_size=5 is out of range: use an integer in \[16, 512\]"),
        ({"lidar_rnge": 3}, r"unexpected keyword argument 'lidar_rnge': .*did you mean 'lidar_range'\?"),
        ({"maps": "nowhere.yaml"}, r"nowhere.yaml cannot be read \(No such file or directory\)"),
    ],
)
def test_a_wrong_argument_is_one_line_with_the_remedy(options, message):
    with pytest.raises(ValueError, match=message) as error:
        PointNavEnv(**options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("aside", [0.0, 0.25])
def test_who_crosses_its_goal_within_a_step_has_arrived(hall, aside):
    options = {"max_speed": 5.0, "time_step": 0.5, "goal_radius": 0.3}
    env = scene_in(hall, (1.0, 2.0), 0.0, (2.2, 2.0 + aside), **FREE, **options)
    _, _, over, _, info = env.step(AHEAD)  # 2.5 m
    assert over
    assert info["metrics"]["success"] == 1
    assert info["reward_terms"]["success"] == 4
    assert pose(env)[0] < 2.3  # there the way ends
    past = scene_in(hall, (1.0, 2.0), 0.0, (2.2, 2.35), **FREE, **options)
    assert not past.step(AHEAD)[2]


def test_a_small_goal_between_two_pieces_of_a_step_is_crossed(hall):
    env = scene_in(hall, (1.0, 2.0), 0.0, (1.517, 2.0), goal_radius=0.01, **FREE)
    assert any(env.step(AHEAD)[2] for _ in range(6))
    assert env.get_state()["outcome"][0, 0] == 1


def test_a_goal_before_a_wall_is_reached_and_one_behind_it_is_not(walled):
    options = {"max_speed": 5.0, "time_step": 0.5, "goal_radius": 0.1}
    before = scene_in(walled, (1.5, 2.0), 0.0, (2.5, 2.0), **FREE, **options)
    _, _, over, _, info = before.step(AHEAD)  # 2.5 m: the wall is at 3.1 m
    assert over
    assert info["metrics"]["success"] == 1
    assert info["metrics"]["collision"] == 0
    behind = scene_in(walled, (1.5, 2.0), 0.0, (3.5, 2.0), **FREE, **options)
    _, _, over, _, info = behind.step(AHEAD)
    assert over
    assert info["metrics"]["success"] == 0
    assert info["metrics"]["collision"] == 1


def test_start_and_goal_are_places_in_the_frame_of_a_turned_map(tmp_path):
    meta = write_map(tmp_path, np.zeros((40, 60), bool))
    text = (tmp_path / "map.yaml").read_text().replace("[0, 0, 0]", f"[-3.0, 5.0, {math.pi / 2}]")
    (tmp_path / "map.yaml").write_text(text)
    env = PointNavEnv(maps=meta, start=[-4.0, 6.0, 0.5], goal=[-6.0, 9.0])
    for seed in range(3):
        env.reset(seed=seed)
        assert env.pose == pytest.approx((-4.0, 6.0, 0.5), abs=1e-5)
        row = env.get_state()[0]
        # 1 m to the left of the origin is 1 m along the image's columns; the frame is one cell of 0.1 m.
        assert (row["x"][0], row["y"][0]) == pytest.approx((1.1, 1.1), abs=1e-5)
        assert (row["goal_x"][0], row["goal_y"][0]) == pytest.approx((4.1, 3.1), abs=1e-5)
        assert row["start_m"][0] == pytest.approx(math.hypot(3.0, 2.0), abs=0.08)  # from the goal's cell
    free = PointNavEnv(maps=meta, start=[-4.0, 6.0])
    yaws = []
    for seed in range(3):
        free.reset(seed=seed)
        assert free.pose[:2] == pytest.approx((-4.0, 6.0), abs=1e-5)
        yaws.append(free.pose[2])
    assert len(set(yaws)) == 3


def test_a_place_that_cannot_be_reached_is_named_in_one_line(walled):
    left, right = [1.0, 2.0], [5.0, 2.0]
    PointNavEnv(maps=walled, start=left, goal=[2.0, 1.0])
    PointNavEnv(maps=walled, start=right, goal=[4.0, 1.0])
    for options, message in (
        (
            {"start": left, "goal": right},
            r"no way leads from the start to the goal .* choose places in one room",
        ),
        ({"goal": [-1.0, 2.0]}, r"a start or goal is outside the map; choose a place"),
        ({"start": [3.0, 2.0]}, r"a start or goal is too near to a wall, or unknown; choose a place"),
        ({"goal": [1.0]}, r"goal=\[1.0\] is no place: use \[x, y\] in m"),
        ({"start": [math.nan, 0]}, r"start=\[nan, 0\] is no place: use \[x, y\] or \[x, y, yaw\]"),
        ({"goal": left, "maps": "rooms"}, r"needs a map of your own: give maps='PATH.yaml', or leave it out"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            PointNavEnv(**{"maps": walled, **options})
        assert "\n" not in str(error.value)


def test_a_robot_with_a_reverse_backs_away_and_stops_at_a_wall(hall):
    env = scene_in(hall, (1.0, 2.0), 0.0, (5.0, 3.0), max_reverse=0.5)
    for _ in range(10):
        obs, *_, info = env.step(np.array([-1.0, 0.0], np.float32))
    # 0.1, 0.2, 0.3, 0.4 and then 0.5 m/s, each for 0.1 s.
    assert pose(env) == pytest.approx((1.0 - 0.4, 2.0, 0.0), abs=1e-5)
    assert obs["robot"][3] == pytest.approx(-0.5)
    assert info["metrics"]["path_length"] == pytest.approx(0.4, abs=1e-5)
    for _ in range(10):
        *_, terminated, _, info = env.step(np.array([-1.0, 0.0], np.float32))
        if terminated:
            break
    assert info["metrics"]["collision"] == 1.0
    assert pose(env)[0] == pytest.approx(0.1 + 0.2, abs=0.06)  # the wall and the radius, within a piece
    # An action of -1/3 asks for none: (-1/3 + 1) / 2 of 1.5 m/s, less 0.5.
    env = scene_in(hall, (1.0, 2.0), 0.0, (5.0, 3.0), max_reverse=0.5)
    env.step(np.array([-1 / 3, 0.0], np.float32))
    assert pose(env) == pytest.approx((1.0, 2.0, 0.0), abs=1e-6)


def test_discrete_actions_have_a_speed_backwards_where_there_is_a_reverse(hall):
    env = scene_in(hall, (3.0, 2.0), 0.0, (5.0, 3.0), max_reverse=0.5, actions="discrete", **FREE)
    assert env.action_space.n == 20
    for action, moved in ((2, 0.0), (7, 0.05), (12, 0.1), (17, -0.05)):
        before = pose(env)[0]
        env.step(action)
        assert pose(env)[0] - before == pytest.approx(moved, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_reverse": 2.0}, "max_reverse=2.0 is above max_speed=1.0"),
        (
            {"max_reverse": 1.0, "drive": "holonomic"},
            "max_reverse=1.0, and a holonomic robot goes everywhere",
        ),
        ({"footprint": [[1, 0], [0, 1]]}, r"footprint=\[\[1, 0\], \[0, 1\]\] is no list of corners"),
    ],
)
def test_robots_that_cannot_be_are_an_error_of_one_line(options, said):
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        PointNavEnv(**options)


def test_a_long_robot_turns_until_a_corner_touches_the_wall(tmp_path):
    """A corridor 1.6 m wide: a robot of 0.9 x 0.2 m, 0.3 m from its wall, cannot turn across it.

    A front corner is 0.45 sin θ + 0.1 cos θ to the side, which is 0.3 m at θ = 0.484 rad.
    """
    corridor = write_map(tmp_path, np.zeros((16, 60), bool))
    outline = [[0.45, 0.1], [-0.45, 0.1], [-0.45, -0.1], [0.45, -0.1]]
    env = scene_in(corridor, (2.0, 1.7 - 0.3), 0.0, (4.0, 1.0), footprint=outline, **FREE)
    assert env.reset(seed=0)[1]["metrics"]["collision"] == 0
    env = scene_in(corridor, (2.0, 1.7 - 0.3), 0.0, (4.0, 1.0), footprint=outline, max_turn=0.5, **FREE)
    turned = []
    for _ in range(20):
        *_, terminated, _, info = env.step(np.array([-1.0, 1.0], np.float32))
        turned.append(pose(env)[2])
        if terminated:
            break
    assert info["metrics"]["collision"] == 1.0
    assert 0.43 < turned[-1] <= 0.484
    disc = scene_in(corridor, (2.0, 1.7 - 0.3), 0.0, (4.0, 1.0), max_turn=0.5, **FREE)
    for _ in range(20):
        assert not disc.step(np.array([-1.0, 1.0], np.float32))[2]


def test_the_least_clearance_of_a_footprint_is_that_of_its_outline(hall):
    outline = [[0.45, 0.1], [-0.45, 0.1], [-0.45, -0.1], [0.45, -0.1]]
    env = scene_in(hall, (3.0, 1.0), math.pi / 2, (5.0, 3.5), footprint=outline)
    rows = env.get_state()
    rows["clearance_m"] = 9.0
    env.set_state(rows)
    info = env.step(STOP)[4]
    assert info["metrics"]["min_clearance"] == pytest.approx(1.0 - 0.1 - 0.45, abs=1e-4)


def test_info_says_where_the_robot_is_in_the_frame_of_its_map(tmp_path):
    maps = write_map(tmp_path, np.zeros((40, 60), bool))
    path = tmp_path / "map.yaml"
    path.write_text(path.read_text().replace("origin: [0, 0, 0]", f"origin: [10, 20, {math.pi / 2}]"))
    env = PointNavEnv(maps=maps, start=[9.0, 21.5, 3.0], goal=[7.0, 24.0])
    _, info = env.reset(seed=0)
    assert info["pose"].tolist() == pytest.approx([9.0, 21.5, 3.0], abs=1e-5)
    info = env.step(AHEAD)[4]  # 0.1 m/s for 0.1 s
    expected = (9.0 + 0.01 * math.cos(3.0), 21.5 + 0.01 * math.sin(3.0), 3.0)
    assert info["pose"].tolist() == pytest.approx(expected, abs=1e-5)
    assert env.pose == tuple(info["pose"])
