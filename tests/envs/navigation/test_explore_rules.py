"""The rules of Explore, held against counts in NumPy and a flood fill written here."""

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from quadrivium.commands.measure import write_film
from quadrivium.envs.navigation.explore.env import ExploreEnv, ExploreVectorEnv, seeable
from quadrivium.envs.navigation.explore.state import UNDERWAY
from quadrivium.envs.navigation.maps.bank import bank_of_map
from quadrivium.envs.navigation.maps.ros import load_ros_map
from tests.envs.navigation.arena import write_map

AHEAD, STOP = np.array([1.0, 0.0], np.float32), np.array([-1.0, 0.0], np.float32)
SMALL = {"maps": "rooms", "map_size": 32, "map_count": 10}
EXACT = {"odometry_noise": 0.0, "lidar_noise": 0.0}
FREE = {"acceleration": 100.0, "turn_acceleration": 100.0}


@pytest.fixture(scope="module")
def parted(tmp_path_factory):
    """Cells of 0.1 m: a hall of 20 x 30 cells, and behind a wall without a door one of 9 x 30."""
    occupied = np.zeros((30, 30), bool)
    occupied[:, 20] = True
    return write_map(tmp_path_factory.mktemp("parted"), occupied)


def place_of(row: np.void, params) -> np.ndarray:
    """The free cells (H, W) bool that steps to the side lead to from the robot's, and those around."""
    occupied = params.occupied[row["map"]] != 0
    rows, columns = occupied.shape
    start = int(row["y"][0] / params.resolution), int(row["x"][0] / params.resolution)
    reached, todo = {start}, deque([start])
    while todo:
        i, j = todo.popleft()
        for u, v in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if 0 <= u < rows and 0 <= v < columns and not occupied[u, v] and (u, v) not in reached:
                reached.add((u, v))
                todo.append((u, v))
    place = np.zeros(occupied.shape, bool)
    for i, j in reached:
        place[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = True
    return place


def counted(row: np.void, params) -> tuple[int, int, int]:
    """The cells of the place that the robot's map has right, those that it has wrong, and all."""
    place, truth, odds = place_of(row, params), params.occupied[row["map"]] != 0, row["own_map"]
    right = place & ((truth & (odds > 0)) | (~truth & (odds < 0)))
    wrong = place & ((truth & (odds < 0)) | (~truth & (odds > 0)))
    return int(right.sum()), int(wrong.sum()), int(place.sum())


def random_actions(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(-1, 1, (count, 2)).astype(np.float32)


def stood(maps: str, x: float, y: float, heading: float, **options) -> ExploreEnv:
    """A robot at rest at a place in a map, where it has seen nothing since it was somewhere else."""
    env = ExploreEnv(maps=maps, **EXACT, **FREE, **options)
    env.reset(seed=0)
    rows = env.get_state()
    for name, value in (("x", x), ("y", y), ("heading", heading)):
        rows[name] = rows[f"believed_{name}"] = value
    env.set_state(rows)
    return env


def test_what_can_be_seen_is_the_place_of_the_robot_and_the_cells_around_it():
    env = ExploreVectorEnv(20, **SMALL)
    env.reset(seed=0)
    for row in env.states:
        np.testing.assert_array_equal(
            env.setup.params.seeable[row["map"]] != 0, place_of(row, env.setup.params)
        )


def test_rooms_that_no_way_leads_to_do_not_count(parted):
    env = ExploreEnv(maps=parted)
    env.reset(seed=0)
    row = env.get_state()[0]
    assert row["cells"] == 22 * 32  # the hall with the walls around it
    assert row["x"][0] < 2.1
    occupied = np.ones((9, 9), bool)
    occupied[1:5, 1:5] = occupied[5:8, 5:8] = False  # the two touch at a corner only
    assert seeable(bank_of_map(occupied, 0.5, 0.2, 1, "train", "corner"))[0].sum() == 36


def test_coverage_and_error_are_those_of_a_count_in_numpy():
    env = ExploreVectorEnv(10, **SMALL, odometry_noise=0.2, scan_matching=False)
    env.reset(seed=0)
    rng, wrong_ones = np.random.default_rng(0), 0
    for _ in range(40):
        env.step(random_actions(rng, 10))
    for row in env.states:
        right, wrong, cells = counted(row, env.setup.params)
        assert (row["right"], row["wrong"], row["cells"]) == (right, wrong, cells)
        wrong_ones += wrong
    assert wrong_ones > 20  # the drift has spoiled the maps


def test_metrics_say_what_was_mapped_when_the_time_is_up():
    env = ExploreEnv(**SMALL, odometry_noise=0.2, time_limit=5.0)
    env.reset(seed=3)
    rng, coverage, off = np.random.default_rng(3), [], []
    for step in range(25):
        *_, truncated, info = env.step(random_actions(rng, 1)[0])
        row = env.get_state()[0]
        right, wrong, cells = counted(row, env.setup.params)
        coverage.append(right / cells)
        off.append(np.hypot(row["x"][0] - row["believed_x"][0], row["y"][0] - row["believed_y"][0]))
        assert truncated == (step == 24)
    metrics = info["metrics"]
    assert metrics["coverage"] == pytest.approx(right / cells)
    assert metrics["mean_coverage"] == pytest.approx(np.mean(coverage), rel=1e-5)
    assert metrics["map_error"] == pytest.approx(wrong / (right + wrong))
    assert metrics["drift"] == pytest.approx(np.mean(off), rel=1e-4)
    assert metrics["finished"] == 0.0
    assert metrics["length"] == 25


def test_the_reward_for_mapping_adds_up_to_the_share_of_the_place_that_has_become_right():
    env = ExploreVectorEnv(10, **SMALL, map_reward=7.0)
    env.reset(seed=0)
    s = env.states
    before = s["right"] - s["wrong"]
    rng, paid = np.random.default_rng(1), np.zeros(10)
    for _ in range(60):
        info = env.step(random_actions(rng, 10))[4]
        paid += info["reward_terms"]["mapped"]
    assert (s["episode"] == 1).all()
    np.testing.assert_allclose(paid, 7.0 * (s["right"] - s["wrong"] - before) / s["cells"], atol=1e-4)
    assert paid.mean() > 0.5


def test_the_episode_ends_when_enough_is_mapped_right():
    env = ExploreVectorEnv(10, **SMALL, enough=0.6)
    env.reset(seed=0)
    finished = np.zeros(10, bool)
    for _ in range(150):
        before = env.states["right"] / env.states["cells"]
        assert (before < 0.6).all() or (env.states["step"][before >= 0.6] == 0).all()
        _, _, terminated, _, info = env.step(env.baselines["nearest_frontier"](env))
        finished |= terminated
        assert (info["metrics"]["coverage"][terminated] >= 0.6).all()
        assert (info["metrics"]["finished"][terminated] == 1.0).all()
    assert finished.all()


def test_who_has_finished_keeps_its_coverage_for_the_rest_of_the_time():
    env = ExploreEnv(**SMALL, enough=0.01, time_limit=20.0)
    env.reset(seed=0)
    _, _, terminated, _, info = env.step(STOP)
    assert terminated
    assert info["metrics"]["mean_coverage"] == pytest.approx(info["metrics"]["coverage"], rel=1e-5)


def test_touching_a_wall_stops_the_robot_or_ends_the_episode(parted):
    stopped, ended = (stood(parted, 1.6, 1.5, 0.0, collisions=kind, enough=1.0) for kind in ("stop", "end"))
    for _ in range(3):
        _, _, over, _, info = stopped.step(AHEAD)
        assert not over
    assert info["reward_terms"]["collision"] == -2.0
    row = stopped.get_state()[0]
    assert row["bumps"] == 2  # 0.3 m before the wall: the first step leads 0.2 m
    assert row["outcome"] == UNDERWAY
    assert 1.9 - 0.05 <= row["x"][0] <= 1.9 + 1e-4  # the wall is at 2.1, the radius 0.2, a piece 0.05
    assert not ended.step(AHEAD)[2]
    _, _, over, _, info = ended.step(AHEAD)
    assert over
    assert info["reward_terms"]["collision"] == -2.0
    assert info["metrics"]["collision"] == 1.0
    assert info["metrics"]["finished"] == 0.0


def explored(choose: Callable[[], np.ndarray] | None = None, **options) -> dict[str, np.ndarray]:
    """Returns the metrics, (20,) each, of 100 steps on held-out maps; the baseline acts, or `choose`."""
    env = ExploreVectorEnv(20, **SMALL, split="test", time_limit=20.0, **options)
    env.reset(seed=0)
    done, metrics = np.zeros(20, bool), {}
    for _ in range(100):
        actions = choose() if choose else env.baselines["nearest_frontier"](env)
        _, _, terminated, truncated, info = env.step(actions)
        new = (terminated | truncated) & ~done
        for name, values in info["metrics"].items():
            metrics.setdefault(name, np.zeros(20))[new] = values[new]
        done |= new
    assert done.all()
    return metrics


def test_scan_matching_keeps_a_robot_from_drifting():
    matched, unmatched = (
        explored(odometry_noise=0.05, scan_matching=kind, enough=1.0) for kind in (True, False)
    )
    assert matched["drift"].mean() < 0.7 * unmatched["drift"].mean()
    assert matched["map_error"].mean() < unmatched["map_error"].mean()


def test_who_drives_to_the_nearest_frontier_maps_more_than_who_drives_at_random():
    rng = np.random.default_rng(0)
    planned, aimless = explored(), explored(lambda: random_actions(rng, 20))
    assert planned["coverage"].mean() > aimless["coverage"].mean() + 0.1
    assert planned["mean_coverage"].mean() > aimless["mean_coverage"].mean()


@pytest.mark.parametrize("drive", ["differential", "holonomic", "ackermann"])
@pytest.mark.parametrize("actions", ["continuous", "discrete"])
def test_the_baseline_plays_actions_of_the_space_and_maps(drive, actions):
    env = ExploreVectorEnv(12, **SMALL, drive=drive, actions=actions)
    env.reset(seed=0)
    before = (env.states["right"] / env.states["cells"]).mean()
    for _ in range(40):
        chosen = env.baselines["nearest_frontier"](env)
        assert env.action_space.contains(chosen)
        env.step(chosen)
    assert (env.states["right"] / env.states["cells"]).mean() > before + 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"maps": "house"},
            r"maps='house' is unknown: use one of 'rooms', 'maze', 'clutter', 'mixed', 'PATH",
        ),
        ({"collisions": "stops"}, r"collisions='stops' is unknown: .*did you mean 'stop'\?"),
        ({"scan_matching": 1}, r"scan_matching=1 is no switch: use True or False"),
        ({"guide": "yes"}, r"guide='yes' is no switch: use True or False"),
        ({"enough": 0.0}, r"enough=0.0 is out of range: use a number in \(0.0, 1.0\]"),
        ({"goal_radius": 0.3}, r"unexpected keyword argument 'goal_radius'"),
        ({"maps": "nowhere.yaml"}, r"nowhere.yaml cannot be read \(No such file or directory\)"),
    ],
)
def test_a_wrong_argument_is_one_line_with_the_remedy(options, message):
    with pytest.raises(ValueError, match=message) as error:
        ExploreEnv(**options)
    assert "\n" not in str(error.value)


def test_the_robots_map_is_saved_as_ros_reads_it_and_can_be_driven_in(tmp_path):
    env = ExploreEnv(**SMALL, **EXACT)
    env.reset(seed=0)
    for action in random_actions(np.random.default_rng(0), 30):
        _, _, _, _, info = env.step(action)
    row, resolution = env.get_state()[0], env.setup.params.resolution
    assert env.save_map(tmp_path / "made.yaml") == tmp_path / "made.yaml"
    read, odds = load_ros_map(tmp_path / "made.yaml"), row["own_map"][:32, :32]
    np.testing.assert_array_equal(read.occupied[1:-1, 1:-1], odds >= 0)  # what is unknown is no floor
    assert read.resolution == resolution
    assert read.origin == pytest.approx((-resolution, -resolution, 0.0))  # of the reader's frame
    shades = np.asarray(Image.open(tmp_path / "made.pgm"))[::-1]
    np.testing.assert_array_equal(shades, np.where(odds > 0, 0, np.where(odds < 0, 254, 205)))
    assert info["pose"].tolist() == [row["x"][0], row["y"][0], row["heading"][0]]
    x, y, _ = info["pose"]
    assert not read.occupied[int(y / resolution) + 1, int(x / resolution) + 1]  # it has seen where it is
    with pytest.raises(ValueError, match=r"made.pgm is no name of a map: give one that ends in .yaml"):
        env.save_map(tmp_path / "made.pgm")


def test_beside_a_film_of_an_evaluation_lies_the_map_that_was_made_in_it(tmp_path):
    class Still:
        def act(self, observations, deterministic=True):
            return np.tile(STOP, (1, 1))

    kwargs = SMALL | EXACT | {"time_limit": 1.0}
    paths = write_film(Still(), "quadrivium/Explore-v0", kwargs, 3, tmp_path / "film", print)
    assert paths[-1] == tmp_path / "film_map.yaml"
    env = ExploreEnv(**kwargs)
    env.reset(seed=3)
    for _ in range(5):
        env.step(STOP)
    odds = env.get_state()[0]["own_map"][:32, :32]
    np.testing.assert_array_equal(load_ros_map(paths[-1]).occupied[1:-1, 1:-1], odds >= 0)
