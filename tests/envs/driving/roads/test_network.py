"""Kernels find lanes, neighbours and ways as the network's own geometry says."""

import math

import numpy as np
import pytest

from quadrivium.envs.driving.roads import drivers, lanes, motion
from quadrivium.envs.driving.roads.network import NOWHERE, RoadMap, arc, sine, straight
from quadrivium.envs.driving.roads.scenarios.merge import MergeEnv
from quadrivium.envs.driving.roads.scenarios.roundabout import RoundaboutEnv

FORMS = {
    "straight": straight((3.0, -2.0), (63.0, 40.0)),
    "right": arc((5.0, 60.0), 30.0, -1.2, 0.9),
    "left": arc((-5.0, 20.0), 20.0, 2.0, -0.6),
    "sine": sine((0.0, 0.0), (60.0, 20.0), 4.0, 0.1, 0.7),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_lanes_coordinates_lead_to_a_place_and_back_in_the_kernel_too(form):
    roads, lane = RoadMap(), FORMS[form]
    roads.add("a", "b", lane)
    table = roads.arrays.lanes
    rng = np.random.default_rng(1)
    for s, d in zip(rng.uniform(0, lane.length, 500), rng.uniform(-8, 8, 500), strict=True):
        x, y = lane.point(s, d)
        assert lane.coordinates(x, y) == pytest.approx((s, d), abs=1e-9)
        assert lanes.coordinates(table, 0, np.float32(x), np.float32(y)) == pytest.approx((s, d), abs=1e-4)
        assert lanes.place(table, 0, np.float32(s), np.float32(d)) == pytest.approx((x, y), abs=1e-4)
        turn = lanes.heading_at(table, 0, np.float32(s)) - lane.heading_at(s)
        assert math.cos(turn) == pytest.approx(1, abs=1e-9)


def test_the_length_of_an_arc_and_its_turn_follow_from_its_angles():
    assert FORMS["right"].length == pytest.approx(30 * 2.1)
    assert FORMS["left"].length == pytest.approx(20 * 2.6)
    assert (FORMS["right"].turn, FORMS["left"].turn) == (1, -1)


def test_an_arc_of_more_than_half_a_circle_is_refused_since_places_would_have_two_coordinates():
    with pytest.raises(ValueError, match="turns by more than half a circle; make it of two"):
        arc((0.0, 0.0), 20.0, 2.0, -2.2)


@pytest.mark.parametrize("env", [MergeEnv, RoundaboutEnv])
def test_the_nearest_lane_is_the_nearest_of_all(env):
    setup = env().setup
    roads, p = setup.source.roads, setup.params
    every = [lane for road in roads.roads for lane in roads.lanes(*road)]
    rows = np.zeros(1, setup.state_dtype)
    rng = np.random.default_rng(2)
    for _ in range(2000):
        lane = every[rng.integers(len(every))]
        x, y = lane.point(rng.uniform(-9, lane.length + 9), rng.normal(0, 6))
        heading = rng.uniform(-10, 10)
        rows[0]["x"][0], rows[0]["y"][0], rows[0]["heading"][0] = x, y, heading
        motion.settle(rows[0], 0, p)
        away, held = [], []
        for k, other in enumerate(every):
            s, d = other.coordinates(rows[0]["x"][0], rows[0]["y"][0])
            turn = math.remainder(float(rows[0]["heading"][0]) - float(other.heading_at(s)), 2 * math.pi)
            away.append(abs(d) + max(s - other.length, 0) + max(-s, 0) + abs(turn))
            edge = min(3 - abs(d), s + 5, other.length + 5 - s)
            held.append(None if abs(edge) < 1e-3 else edge > 0)
            found = k in rows[0]["member"][0][: rows[0]["members"][0]]
            assert held[-1] in (None, found), (k, s, d)
        assert away[rows[0]["lane"][0]] == pytest.approx(min(away), abs=1e-4)


def test_drivers_see_into_the_lanes_before_and_after_their_own():
    env = MergeEnv()
    env.reset(seed=0)
    row, p, roads = env.get_state()[0], env.setup.params, env.setup.source.roads
    for i, x in enumerate((225.0, 240.0, 315.0, 20.0)):  # in a-b, b-c, c-d, a-b; all in the right lane
        row["x"][i], row["y"][i], row["heading"][i] = x, 4.0, 0.0
        motion.settle(row, i, p)
    row["x"][4], row["y"][4] = 0.0, 14.5
    motion.settle(row, 4, p)
    assert drivers.neighbours(row, 0, p, roads.lane("a", "b", 1), 0) == (1, 3)
    assert drivers.neighbours(row, 1, p, roads.lane("b", "c", 1), 0) == (2, 0)
    assert drivers.neighbours(row, 2, p, roads.lane("c", "d", 1), 0) == (drivers.NOBODY, 1)
    assert drivers.neighbours(row, 4, p, roads.lane("j", "k", 0), 0) == (drivers.NOBODY, drivers.NOBODY)
    assert drivers.gap(row, 0, p, 1) == pytest.approx(15.0)


def test_a_route_takes_the_fewest_roads():
    roads = RoundaboutEnv().setup.source.roads
    routes, start = roads.arrays.routes, roads.lane("ser", "ses", 0)
    legs = routes[start * roads.destinations + 3]  # to "nxs"
    names = [roads.roads[leg["road"]] for leg in legs if leg["road"] != NOWHERE]
    assert names == [("ser", "ses"), ("ses", "se"), ("se", "ex"), ("ex", "ee"), ("ee", "nx"), ("nx", "nxs")]
    assert legs["number"].tolist()[:2] == [0, NOWHERE]
    dead_end = routes[roads.lane("nxs", "nxr", 0) * roads.destinations]
    assert dead_end["road"].tolist()[1:] == [NOWHERE] * (len(dead_end) - 1)
