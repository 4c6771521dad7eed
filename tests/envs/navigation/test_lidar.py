import math

import numpy as np
import pytest

from quadrivium.envs.navigation.clearance import free_around
from quadrivium.envs.navigation.lidar import beam, meet_disc, scan_grid
from quadrivium.envs.navigation.maps.geodesic import clearance
from quadrivium.envs.navigation.moves import directions_of

RESOLUTION = np.float32(0.15)


def room(rows: int = 40, columns: int = 60) -> np.ndarray:
    occupied = np.zeros((rows, columns), np.uint8)
    occupied[[0, -1]] = 1
    occupied[:, [0, -1]] = 1
    return occupied


def cast(occupied: np.ndarray, x: float, y: float, angle: float, reach: float = 100.0) -> float:
    return float(
        beam(
            occupied,
            np.float32(x),
            np.float32(y),
            np.float32(math.cos(angle)),
            np.float32(math.sin(angle)),
            np.float32(reach),
            RESOLUTION,
        )
    )


def directions(beams: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(beams) / beams
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def slab_distance(occupied: np.ndarray, x: float, y: float, angle: float) -> float:
    """Returns the distance to the nearest occupied square, each met as a box by itself, in float64."""
    cos, sin = math.cos(angle), math.sin(angle)
    nearest = math.inf
    for i, j in np.argwhere(occupied):
        low = ((j * 0.15 - x) / cos, (i * 0.15 - y) / sin)
        high = (((j + 1) * 0.15 - x) / cos, ((i + 1) * 0.15 - y) / sin)
        enters = max(min(low[0], high[0]), min(low[1], high[1]))
        leaves = min(max(low[0], high[0]), max(low[1], high[1]))
        if 0 <= enters <= leaves:
            nearest = min(nearest, enters)
    return nearest


def test_distances_to_the_walls_of_a_room_are_those_of_geometry():
    # The room is [0.15, 8.85] x [0.15, 5.85] m inside.
    occupied = room()
    assert cast(occupied, 3.0, 2.0, 0.0) == pytest.approx(5.85, abs=1e-4)
    assert cast(occupied, 3.0, 2.0, math.pi) == pytest.approx(2.85, abs=1e-4)
    assert cast(occupied, 3.0, 2.0, math.pi / 2) == pytest.approx(3.85, abs=1e-4)
    assert cast(occupied, 3.0, 2.0, math.pi / 4) == pytest.approx(3.85 * math.sqrt(2), abs=1e-4)


def test_a_beam_into_a_corner_ends_in_it():
    occupied = room()
    angle = math.atan2(5.85 - 2.0, 8.85 - 3.0)
    assert cast(occupied, 3.0, 2.0, angle) == pytest.approx(math.hypot(3.85, 5.85), abs=1e-4)


def test_random_beams_through_random_clutter_agree_with_every_square_met_by_itself():
    rng = np.random.default_rng(1)
    occupied = room() | (rng.random((40, 60)) < 0.1).astype(np.uint8)
    free = np.argwhere(occupied == 0)
    for _ in range(200):
        i, j = free[rng.integers(len(free))]
        x, y = (j + rng.uniform(0.05, 0.95)) * 0.15, (i + rng.uniform(0.05, 0.95)) * 0.15
        angle = rng.uniform(-math.pi, math.pi)
        assert cast(occupied, x, y, angle) == pytest.approx(slab_distance(occupied, x, y, angle), abs=1e-4)


def test_a_beam_is_no_longer_than_its_reach_and_starts_at_zero_inside_a_wall():
    occupied = room()
    assert cast(occupied, 3.0, 2.0, 0.0, reach=2.0) == 2.0
    assert cast(occupied, 0.05, 2.0, 0.0) == 0.0
    assert cast(occupied, -1.0, 2.0, 0.0) == 0.0


def test_a_beam_does_not_pass_a_wall_of_one_cell_at_any_angle():
    occupied = room()
    occupied[:, 30] = 1
    for angle in np.linspace(-1.5, 1.5, 301):
        reached = 3.0 + cast(occupied, 3.0, 2.9, angle) * math.cos(angle)
        assert reached <= 4.5 + 1e-4


def test_turning_robot_and_beams_by_a_beam_turns_the_scan_by_one():
    rng = np.random.default_rng(2)
    occupied = room() | (rng.random((40, 60)) < 0.08).astype(np.uint8)
    occupied[18:22, 28:32] = 0
    scans = np.zeros((2, 32), np.float32)
    for k, heading in enumerate((0.2, 0.2 + 2 * math.pi / 32)):
        pose = (np.float32(4.5), np.float32(3.0), np.float32(heading))
        scan_grid(occupied, *pose, directions(32), np.float32(8.0), RESOLUTION, np.float32(0.0), scans[k])
    np.testing.assert_allclose(scans[1], np.roll(scans[0], -1), atol=1e-4)


def test_beams_that_begin_beyond_the_free_disc_about_the_robot_are_as_long_as_if_they_began_in_it():
    rng = np.random.default_rng(5)
    occupied = (rng.random((40, 60)) < 0.02).astype(np.uint8)  # nothing bounds it but its own edge
    gaps = clearance(occupied != 0, float(RESOLUTION)).astype(np.float32)
    whole, short = np.zeros((2, 64), np.float32)
    begun_beyond = 0
    for _ in range(200):
        x, y, heading = np.float32([rng.uniform(0, 9), rng.uniform(0, 6), rng.uniform(-3, 3)])
        free = free_around(gaps, x, y, RESOLUTION)
        begun_beyond += free > 0.3
        for start, ranges in ((np.float32(0.0), whole), (free, short)):
            scan_grid(occupied, x, y, heading, directions(64), np.float32(4.0), RESOLUTION, start, ranges)
        assert free <= whole.min()
        assert ((whole < 4.0) == (short < 4.0)).all()
        np.testing.assert_allclose(short, whole, atol=1e-5)
    assert begun_beyond > 20


def test_a_quarter_turn_of_the_world_turns_the_scan_with_it():
    rng = np.random.default_rng(3)
    occupied = room(40, 40) | (rng.random((40, 40)) < 0.08).astype(np.uint8)
    occupied[20, 20] = 0
    turned = np.rot90(occupied.T).T.copy()  # x, y -> -y, x in a grid whose rows go up
    for angle in np.linspace(-3, 3, 61):
        there = cast(occupied, 3.1, 3.05, angle)
        assert cast(turned, 6.0 - 3.05, 3.1, angle + math.pi / 2) == pytest.approx(there, abs=1e-4)


def test_the_distance_to_a_disc_is_that_of_geometry():
    ranges = np.full(4, 10.0, np.float32)
    meet_disc(*(np.float32(v) for v in (3.0, 0.0, 0.5)), directions(4), np.float32(10.0), ranges)
    assert ranges.tolist() == pytest.approx([2.5, 10.0, 10.0, 10.0], abs=1e-4)
    meet_disc(*(np.float32(v) for v in (0.3, -2.0, 0.5)), directions(4), np.float32(10.0), ranges)
    assert ranges[3] == pytest.approx(2.0 - 0.4, abs=1e-4)  # 0.5² − 0.3² = 0.4²


def test_the_nearer_of_two_discs_hides_the_other():
    ranges = np.full(8, 10.0, np.float32)
    for ahead in (2.0, 5.0):
        meet_disc(*(np.float32(v) for v in (ahead, 0.0, 0.5)), directions(8), np.float32(10.0), ranges)
    assert ranges[0] == pytest.approx(1.5, abs=1e-4)


def test_in_a_field_of_view_a_disc_is_met_by_the_beams_that_meet_it_all_round():
    """Beams of 90° to either side, 5° apart: the same as 72 of all round, half of which look ahead."""
    rng = np.random.default_rng(5)
    half = directions_of(37, 180.0)
    for _ in range(50):
        (ahead, aside), radius = rng.uniform(-4, 4, 2), rng.uniform(0.1, 1.5)
        seen, whole = np.full(37, 3.0, np.float32), np.full(72, 3.0, np.float32)
        for directions, ranges in ((half, seen), (directions_of(72), whole)):
            meet_disc(*(np.float32(v) for v in (ahead, aside, radius)), directions, np.float32(3.0), ranges)
        np.testing.assert_allclose(seen, np.r_[whole[54:], whole[:19]], atol=2e-3)
