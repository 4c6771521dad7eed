"""What the ego sees: by hand, and by the network's own geometry in float64."""

import math

import numpy as np
import pytest

from quadrivium.envs.driving.roads.scenarios.merge import MergeVectorEnv
from quadrivium.envs.driving.roads.scenarios.roundabout import RoundaboutVectorEnv
from tests.envs.driving.roads.scenes import scene


def seen(env, *cars) -> np.ndarray | dict[str, np.ndarray]:
    """Returns what is observed of a scene, or as things stand."""
    if cars:
        scene(env, *cars)
    obs = env.observe()
    return {name: part[0] for name, part in obs.items()} if isinstance(obs, dict) else obs[0]


def distances(obs: np.ndarray, beams: int) -> np.ndarray:
    return 60.0 * obs[4 : 4 + beams]


def test_the_lidar_measures_to_the_edges_of_the_road_and_to_cars():
    env = MergeVectorEnv(1, observation="lidar", beams=4)
    obs = seen(env, (100.0, 4.0, 0.0, 20.0), (130.0, 4.0, 0.0, 15.0))
    assert distances(obs, 4) == pytest.approx([27.5, 2.0, 60.0, 6.0], abs=0.02)  # ahead, right, behind, left
    assert obs[8:] == pytest.approx([-5 / 80, 0, 0, 0], abs=1e-6)
    assert obs[:4] == pytest.approx([0.5, 0, 0, 1], abs=1e-6)


def test_the_lidar_sees_the_road_that_leaves_another_one():
    """From the ramp's last 80 m, beside the highway, there are 8 + 2 m to the left and 2 to the right."""
    env = MergeVectorEnv(1, observation="lidar", beams=4)
    obs = seen(env, (270.0, 8.0, 0.0, 20.0))
    assert distances(obs, 4)[[1, 3]] == pytest.approx([2.0, 10.0], abs=0.02)


def test_the_grid_shows_road_where_a_lane_is_and_cars_where_they_stand():
    env = RoundaboutVectorEnv(1, observation="grid", grid_rows=24, grid_columns=32)
    ego, other = (2.0, 60.0, -math.pi / 2 + 0.2, 8.0), (2.0, 40.0, -math.pi / 2, 6.0)
    obs = seen(env, ego, other)
    roads, forward = env.setup.source.roads, np.array([math.cos(ego[2]), math.sin(ego[2])])
    right = np.array([-forward[1], forward[0]])
    rows, columns = np.meshgrid(np.arange(24), np.arange(32), indexing="ij")
    ahead, across = 2.0 * (columns + 0.5 - 8), rows + 0.5 - 12.0
    x = ego[0] + ahead * forward[0] + across * right[0]
    y = ego[1] + ahead * forward[1] + across * right[1]
    depth = np.full(x.shape, -np.inf)
    for lane in (lane for road in roads.roads for lane in roads.lanes(*road)):
        s, d = lane.coordinates(x, y)
        depth = np.maximum(depth, np.minimum(2.0 - np.abs(d), np.minimum(s + 5, lane.length + 5 - s)))
    sure = np.abs(depth) > 1e-3
    assert ((obs[3] == 1) == (depth > 0))[sure].all()
    assert 0.1 < obs[3].mean() < 0.9
    for car in (ego, other):
        u, v = x - car[0], y - car[1]
        along = np.abs(u * math.cos(car[2]) + v * math.sin(car[2]))
        beside = np.abs(v * math.cos(car[2]) - u * math.sin(car[2]))
        assert (obs[0][(along < 2.5) & (beside < 1.0)] == 1).all()
    far = np.min([np.hypot(x - car[0], y - car[1]) for car in (ego, other)], axis=0) > 2.7 + 1.2
    assert (obs[0][far] == 0).all()
    relative = 6.0 * math.cos(0.2) - 8.0, 6.0 * math.sin(-0.2)
    there = int(12 - 20 * math.sin(0.2)), int(8 + 10 * math.cos(0.2))
    assert obs[1:3, there[0], there[1]] == pytest.approx(np.array(relative) / 80, abs=1e-5)
    assert obs[4] == pytest.approx(0.2)


def test_road_points_lie_on_the_lanes_of_the_route():
    env = RoundaboutVectorEnv(1, observation="road", road_points=18)
    env.reset(seed=3)
    row, roads = env.get_state()[0], env.setup.source.roads
    points = seen(env)["road"]
    names = [("ser", "ses"), ("ses", "se"), ("se", "ex"), ("ex", "ee"), ("ee", "nx"), ("nx", "nxs")]
    x, y, heading = (float(row[name][0]) for name in ("x", "y", "heading"))
    ahead, across = 100 * points[:, 1], 100 * points[:, 2]
    px = x + math.cos(heading) * ahead - math.sin(heading) * across
    py = y + math.sin(heading) * ahead + math.cos(heading) * across
    way = [lane for name in names for lane in roads.lanes(*name)]
    beside = np.min([np.abs(lane.coordinates(px, py)[1]) for lane in way], axis=0)
    assert (points[:, 0] == 1).all()
    assert beside == pytest.approx(0, abs=2e-3)
    steps = np.hypot(np.diff(px), np.diff(py))
    # on a bend a chord, on a sine s is along its axis; roads into and out of the ring do not quite meet it
    assert ((steps > 4.5) & (steps < 5.7)).sum() >= len(steps) - 2
    assert ((steps > 3.0) & (steps < 7.0)).all()
    assert points[0, 5:7] == pytest.approx([0.1, 0.1])  # a lane of 4 m: 2 m to both sides, by 20 m
    assert len({(round(float(a), 1), round(float(b), 1)) for a, b in points[:, 5:7]}) > 1  # two lanes later


def test_beyond_the_end_of_the_road_there_are_no_points():
    env = MergeVectorEnv(1, observation="road", road_points=12)
    scene(env, (430.0, 4.0, 0.0, 20.0))  # 30 m before the end of the last road
    points = seen(env)["road"]
    assert points[:, 0].tolist() == [1.0] * 7 + [0.0] * 5
    assert points[:7, 1] == pytest.approx(0.05 * np.arange(7), abs=1e-5)
    assert (points[7:] == 0).all()
