"""Scan matching brings a robot back to where it is, on maps that it has made from known poses."""

import math

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from quadrivium.envs.navigation.lidar import scan_grid
from quadrivium.envs.navigation.moves import directions_of
from quadrivium.envs.navigation.own_map.matching import improve, match, wall_at
from quadrivium.envs.navigation.own_map.occupancy import LEAST, MOST, add_scan

REACH = np.float32(6.0)
COARSE, FINE = (np.float32(0.15), 1, 64), (np.float32(0.075), 2, 128)
"""Size of a cell in m, cells for one of the coarse room, beams."""
RESOLUTION = COARSE[0]
DIRECTIONS = directions_of(64)


def f(*numbers):
    return tuple(np.float32(x) for x in numbers)


def room(cells: int = 1) -> np.ndarray:
    """A room of 4.5 x 4.5 m inside with a block and a stub of a wall, which no turn brings onto itself."""
    occupied = np.zeros((32, 32), np.uint8)
    occupied[[0, -1]] = 1
    occupied[:, [0, -1]] = 1
    occupied[8:12, 20:24] = 1
    occupied[20, :9] = 1
    return np.kron(occupied, np.ones((cells, cells), np.uint8))


def scan_from(pose, cells: int = 1, beams: int = 64) -> np.ndarray:
    ranges = np.zeros(beams, np.float32)
    resolution = np.float32(0.15 / cells)
    scan_grid(room(cells), *f(*pose), directions_of(beams), REACH, resolution, np.float32(0.0), ranges)
    return ranges


def wandering(rng: np.random.Generator, count: int = 12) -> list[tuple[float, float, float]]:
    """Poses on a short way through the middle of the room, each a step from the last."""
    x, y, heading, poses = 2.3, 2.3, rng.uniform(-math.pi, math.pi), []
    for _ in range(count):
        poses.append((x, y, heading))
        heading += rng.uniform(-0.2, 0.2)
        x, y = x + 0.04 * math.cos(heading), y + 0.04 * math.sin(heading)
    return poses


def errors(seed: int, grain: tuple[np.float32, int, int], most_off: float) -> tuple[float, float]:
    """Returns how far off (m, rad) a pose is after matching, if before it was off by at most so many metres.

    The map is that of twelve scans from known poses, of which the last is the one to be found.
    """
    resolution, cells, beams = grain
    rng = np.random.default_rng(seed)
    poses = wandering(rng)
    odds = np.zeros((32 * cells, 32 * cells), np.int8)
    for pose in poses:
        add_scan(
            odds,
            odds.shape,
            *f(*pose),
            directions_of(beams),
            scan_from(pose, cells, beams),
            REACH,
            resolution,
        )
    ranges = scan_from(poses[-1], cells, beams)
    (true_x, true_y, true_heading), angle = poses[-1], rng.uniform(-math.pi, math.pi)
    off, turn = rng.uniform(0.4, 1.0) * most_off, rng.uniform(-0.5, 0.5) * most_off
    believed = f(true_x + off * math.cos(angle), true_y + off * math.sin(angle), true_heading + turn)
    x, y, heading = match(odds, odds.shape, *believed, directions_of(beams), ranges, REACH, resolution)
    return math.dist((x, y), (true_x, true_y)), abs(heading - true_heading)


@pytest.mark.parametrize("seed", range(20))
def test_a_pose_that_is_off_by_up_to_8_cm_and_4_hundredths_is_brought_back_on_a_fine_map(seed):
    away, turn = errors(seed, FINE, 0.08)
    assert away < 0.02
    assert turn < 0.01


def test_on_cells_of_15_cm_most_of_an_error_is_taken_away():
    away, turn = np.array([errors(seed, COARSE, 0.08) for seed in range(60)]).T
    assert away.mean() < 0.01
    assert turn.mean() < 0.01
    assert away.max() < 0.06
    assert ((away < 0.02) & (turn < 0.01)).mean() > 0.95


@pytest.mark.parametrize("grain", [COARSE, FINE])
def test_a_true_pose_is_kept(grain):
    for seed in range(8):
        away, turn = errors(seed, grain, 0.0)
        assert away < 0.01
        assert turn < 0.01


def test_on_an_empty_map_the_pose_stays():
    pose = f(2.3, 2.4, 0.7)
    odds = np.zeros((32, 32), np.int8)
    assert match(odds, odds.shape, *pose, DIRECTIONS, scan_from(pose), REACH, RESOLUTION) == pose


def test_a_scan_that_hits_next_to_nothing_moves_nobody():
    pose = f(2.3, 2.4, 0.7)
    ranges = np.full(64, REACH)
    ranges[:7] = 1.0
    odds = np.full((32, 32), MOST, np.int8)
    assert improve(odds, odds.shape, *pose, DIRECTIONS, ranges, REACH, RESOLUTION) == (0.0, 0.0, 0.0, 0.0)
    assert match(odds, odds.shape, *pose, DIRECTIONS, ranges, REACH, RESOLUTION) == pose
    ranges[7] = 1.0
    assert improve(odds, odds.shape, *pose, DIRECTIONS, ranges, REACH, RESOLUTION) == pytest.approx(
        (1.0, 0.0, 0.0, 0.0)
    )


def test_one_step_to_a_better_pose_solves_the_normal_equations_of_the_beams():
    rng = np.random.default_rng(3)
    pose = wandering(rng, 1)[0]
    odds = np.zeros((32, 32), np.int8)
    ranges = scan_from(pose)
    for _ in range(5):
        add_scan(odds, odds.shape, *f(*pose), DIRECTIONS, ranges, REACH, RESOLUTION)
    x, y, heading = pose[0] + 0.02, pose[1] - 0.015, pose[2] + 0.004

    def walls(dx: float, dy: float, turn: float) -> np.ndarray:
        """The evidence where the beams end, in float64 and by SciPy's interpolation."""
        angles = heading + turn + np.arctan2(DIRECTIONS[:, 1], DIRECTIONS[:, 0]).astype(float)
        far = ranges / 0.15 + 0.5
        at = [
            (y + dy) / 0.15 + far * np.sin(angles) - 0.5,
            (x + dx) / 0.15 + far * np.cos(angles) - 0.5,
        ]
        return map_coordinates(np.maximum(odds, 0) / float(MOST), at, order=1)

    small = 1e-5
    steps = np.eye(3) * [0.15 * small, 0.15 * small, small]
    slopes = np.stack([(walls(*step) - walls(*-step)) / (2 * small) for step in steps])
    lacks = 1.0 - walls(0.0, 0.0, 0.0)
    products = slopes @ slopes.T
    products[np.diag_indices(3)] = products.diagonal() * 1.01 + [0.1, 0.1, 1.0]
    step = np.linalg.solve(products, slopes @ lacks) * [0.15, 0.15, 1.0]
    assert np.all(np.abs(step) < [0.075, 0.075, 0.05])  # none is cut off
    found = improve(odds, odds.shape, *f(x, y, heading), DIRECTIONS, ranges, REACH, RESOLUTION)
    assert found == pytest.approx((1.0 - lacks.mean(), *step), rel=2e-3, abs=2e-5)


def test_the_evidence_of_a_wall_is_interpolated_between_the_centres_of_cells():
    odds = np.zeros((4, 4), np.int8)
    odds[1, 2] = MOST  # its centre is at (2.5, 1.5) cells
    odds[2, 2] = LEAST  # free counts as unknown
    assert wall_at(odds, odds.shape, *f(2.5, 1.5)) == pytest.approx((1.0, -1.0, -1.0))
    assert wall_at(odds, odds.shape, *f(2.0, 1.5)) == pytest.approx((0.5, 1.0, -0.5))
    assert wall_at(odds, odds.shape, *f(2.0, 2.0)) == pytest.approx((0.25, 0.5, -0.5))
    assert wall_at(odds, odds.shape, *f(2.5, 2.5)) == pytest.approx((0.0, 0.0, 0.0))
    assert wall_at(odds, odds.shape, *f(-1.3, 1.3)) == (0.0, 0.0, 0.0)
