"""Each observation against an independent computation, on random roads and on hand-made ones."""

import math

import numpy as np
import pytest

from tests.envs.driving.scenes import car, make, scene


def observed(cars, **options):
    env = make(**options)
    scene(env, cars)
    return env.observe()[0]


EGO = car(300.0, 4.0, 25.0)


def test_kinematics_row_of_the_ego_is_absolute_and_clipped():
    assert observed([EGO])[0] == pytest.approx([1, 1, 4 / 12, 25 / 80, 0])


def test_kinematics_sees_10_m_behind_and_200_m_ahead_nearest_first():
    cars = [EGO, car(309, 0, 20), car(291, 8, 30), car(289.9, 0, 30), car(499, 4, 20), car(501, 4, 20)]
    rows = observed(cars)
    assert rows[1:, 0].tolist() == [1, 1, 1, 0]
    assert rows[1:, 1] * 200 == pytest.approx([9, -9, 199, 0], abs=1e-4)
    assert rows[1] == pytest.approx([1, 9 / 200, -4 / 12, -5 / 80, 0])
    assert rows[2] == pytest.approx([1, -9 / 200, 4 / 12, 5 / 80, 0])
    assert (rows[4] == 0).all()


def test_kinematics_measures_the_200_m_as_the_crow_flies():
    assert observed([EGO, car(499.9, 4, 20)])[1, 0] == 1
    assert observed([car(300, 0, 25), car(499.9, 8, 20)])[1, 0] == 0  # hypot(199.9, 8) > 200


def test_kinematics_splits_velocity_by_heading():
    rows = observed([EGO, car(330, 4, 20, heading=0.1)])
    assert rows[1, 3:] * 80 == pytest.approx([20 * math.cos(0.1) - 25, 20 * math.sin(0.1)], abs=1e-4)


def test_kinematics_keeps_the_nearest_when_there_are_more_than_rows():
    cars = [EGO] + [car(310 + 10 * k, 4 * (k % 3), 20) for k in range(10)]
    assert observed(cars, observed_vehicles=3)[:, 1].tolist() == pytest.approx([1, 10 / 200, 20 / 200])
    assert observed(cars, observed_vehicles=1).shape == (1, 5)


def ray_distance(origin, direction, corners):
    """The nearest crossing of a ray with a polygon's edges, by solving each edge's 2 × 2 system."""
    best = math.inf
    for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        matrix = np.array([direction, p - q]).T
        if abs(np.linalg.det(matrix)) > 1e-12:
            t, u = np.linalg.solve(matrix, p - origin)
            if t >= 0 and 0 <= u <= 1:
                best = min(best, t)
    return best


@pytest.mark.parametrize(("beams", "reach"), [(32, 100.0), (45, 60.0), (7, 300.0)])
def test_lidar_equals_a_brute_force_ray_caster(beams, reach):
    env = make(observation="lidar", beams=beams, lidar_range=reach)
    rng = np.random.default_rng(beams)
    for _ in range(6):
        cars = [car(500, rng.uniform(-1, 9), 25, heading=rng.uniform(-0.3, 0.3))]
        for k in range(8):
            side = 6 + 9 * k if k % 2 else -6 - 9 * k
            cars.append(
                car(500 + side, rng.uniform(-1, 9), rng.uniform(10, 30), heading=rng.uniform(-0.4, 0.4))
            )
        scene(env, cars)
        obs = env.observe()[0]
        ego = cars[0]
        velocity = ego["speed"] * np.array([math.cos(ego["heading"]), math.sin(ego["heading"])])
        for b in range(beams):
            angle = ego["heading"] + 2 * math.pi * b / beams
            direction = np.array([math.cos(angle), math.sin(angle)])
            origin = np.array([ego["x"], ego["y"]])
            edge = math.inf
            if abs(direction[1]) > 1e-6:
                edge = ((10.0 if direction[1] > 0 else -2.0) - ego["y"]) / direction[1]
            hits = [(edge, np.zeros(2))]
            for other in cars[1:]:
                c, s = math.cos(other["heading"]), math.sin(other["heading"])
                corners = np.array([[2.5, 1], [2.5, -1], [-2.5, -1], [-2.5, 1]]) @ [[c, s], [-s, c]]
                corners += [other["x"], other["y"]]
                hits.append((ray_distance(origin, direction, corners), other["speed"] * np.array([c, s])))
            distance, seen = min(hits, key=lambda hit: hit[0])
            assert obs[4 + b] == pytest.approx(min(distance / reach, 1), abs=2e-4)
            radial = float((seen - velocity) @ direction) / 80 if distance < reach else 0.0
            assert obs[4 + beams + b] == pytest.approx(radial, abs=1e-4)


def test_lidar_begins_with_the_egos_own_motion():
    obs = observed([car(300, 4.5, 20, heading=0.1, target=2)], observation="lidar")
    assert obs[:4] == pytest.approx([0.5, 0.25, math.sin(0.1), 1])


def test_grid_shows_cars_road_and_speed_where_they_are():
    # The window begins 32 m behind and 8 m left of the ego: the cell (row, column) begins at y = row - 4,
    # x = 268 + 2 column.
    grid = observed([EGO, car(321, 8, 20, heading=0.0)], observation="grid")
    assert grid.shape == (5, 16, 64)
    cars = np.zeros((16, 64), bool)
    cars[7:9, 14:18] = True  # the ego: y 3..5, x 297.5..302.5
    cars[11:13, 25:28] = True  # y 7..9, x 318.5..323.5
    assert (grid[0] == cars).all()
    assert grid[1][11:13, 25:28] == pytest.approx(-5 / 80)
    assert (grid[1][~cars] == 0).all()
    assert (grid[2] == 0).all()
    assert (grid[3] == np.where((np.arange(16) >= 2) & (np.arange(16) < 14), 1, 0)[:, None]).all()
    assert grid[4] == pytest.approx(25 / 40)


def test_grid_cuts_cars_at_its_border():
    grid = observed([EGO, car(267, 4, 20), car(397, 4, 20)], observation="grid")
    assert grid[0][7:9, 0].all()
    assert grid[0][7:9, 63].all()
    assert grid[0].sum() == 2 * 4 + 2 + 2


@pytest.mark.parametrize("kind", ["kinematics", "lidar", "grid"])
@pytest.mark.parametrize("actions", ["meta", "continuous"])
def test_observations_stay_in_their_space(kind, actions):
    env = make(16, observation=kind, actions=actions)
    obs, _ = env.reset(seed=5)
    for _ in range(40):
        assert env.observation_space.contains(obs)
        obs, *_ = env.step(env.baselines["random"](env))
