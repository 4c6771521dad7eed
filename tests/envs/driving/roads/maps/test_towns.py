"""Towns hang together, are others in each split, and their trips lead where they say."""

import itertools
import math

import numpy as np
import pytest

from quadrivium.envs.driving.roads.maps.bank import bank_of, courses_of
from quadrivium.envs.driving.roads.maps.choice import town_plan
from quadrivium.envs.driving.roads.maps.town import draw_town
from quadrivium.envs.driving.roads.maps.trips import START_M, Ways
from quadrivium.envs.driving.roads.network import NOWHERE, lane_of
from quadrivium.envs.driving.roads.scenario import Spawn
from quadrivium.envs.driving.roads.state import SPAWN_DTYPE

PLANS = [town_plan("train", k, 150.0, 400.0) for k in range(4)]
SPAWN = np.array(Spawn((0,)).row(), SPAWN_DTYPE)


def test_where_several_drive_no_two_trips_begin_on_one_road_and_there_is_one_for_each():
    for drivers in (2, 16):
        starts = [trip.legs[0][0] for trip in town_plan("train", 0, 150.0, 400.0, drivers).trips]
        assert len(starts) == len(set(starts)) >= drivers


def test_every_road_of_a_town_is_reached_from_every_other_one():
    for plan in PLANS:
        assert len(Ways(plan.network).part) == len(plan.network.roads)


def test_a_road_begins_where_the_one_before_it_ends_and_in_its_direction():
    roads = draw_town(np.random.default_rng(5))
    ends = {}
    for start, end in roads.roads:
        for lane in roads.lanes(start, end):
            ends.setdefault(start, []).append((lane, 0.0, True))
            ends.setdefault(end, []).append((lane, lane.length, False))
    for joint in ends.values():
        begin = [(lane.point(s), float(lane.heading_at(s))) for lane, s, starts in joint if starts]
        finish = [(lane.point(s), float(lane.heading_at(s))) for lane, s, starts in joint if not starts]
        assert begin
        assert finish
        for (x, y), heading in begin:
            (to_x, to_y), other = min(finish, key=lambda one: math.hypot(one[0][0] - x, one[0][1] - y))
            assert math.hypot(to_x - x, to_y - y) < 1e-3
            assert abs(math.remainder(heading - other, 2 * math.pi)) < 1e-3


def test_a_trip_leads_from_road_to_road_and_is_as_long_as_it_says():
    for plan in PLANS:
        network = plan.network
        for trip in plan.trips:
            roads = [road for road, _ in trip.legs]
            lengths = [float(network.lanes["length"][network.roads["first"][road]]) for road in roads]
            assert trip.length == pytest.approx(sum(lengths[:-1]) - START_M + trip.goal_s, abs=1e-3)
            assert 150 <= trip.length <= 400
            for road, after in itertools.pairwise(roads):
                assert network.roads["end"][road] == network.roads["start"][after]


def test_towns_of_the_two_splits_and_of_different_numbers_are_others():
    lengths = [
        town_plan(split, k, 150.0, 400.0).network.lanes["length"].sum()
        for split in ("train", "test")
        for k in range(4)
    ]
    assert len(set(lengths)) == 8


def test_a_town_is_the_same_however_many_there_are():
    again = town_plan("train", 3, 150.0, 400.0)
    np.testing.assert_array_equal(again.network.lanes, PLANS[3].network.lanes)
    assert again.trips == PLANS[3].trips


def test_in_a_bank_each_network_keeps_its_lanes_links_cells_and_ways():
    bank = bank_of(courses_of(PLANS), SPAWN, SPAWN, 3)
    first_lane = first_road = 0
    for k, plan in enumerate(PLANS):
        own, grid, scene = plan.network, bank.network.grids[k], bank.scenes[k]
        assert (grid["first_lane"], grid["end_lane"] - grid["first_lane"]) == (first_lane, len(own.lanes))
        for n in (0, len(own.lanes) - 1):
            lane, there = own.lanes[n], bank.network.lanes[first_lane + n]
            assert lane_of(lane).end == lane_of(there).end
            links = bank.network.links["lane"][there["first_link"] : there["end_link"]] - first_lane
            np.testing.assert_array_equal(links, own.links["lane"][lane["first_link"] : lane["end_link"]])
        cell = len(own.cells) // 2
        begin, end = bank.network.cells[grid["first_cell"] + cell : grid["first_cell"] + cell + 2]
        near = own.near[own.cells[cell] : own.cells[cell + 1]]
        np.testing.assert_array_equal(bank.network.near[begin:end] - first_lane, near)
        assert scene["end_spawn"] - scene["first_spawn"] == 3
        for n, trip in enumerate(plan.trips):
            row = bank.trips[scene["first_trip"] + n]
            legs = bank.network.routes[bank.spawns[row["spawn"]]["first_route"]]
            assert [leg - first_road for leg in legs["road"].tolist() if leg != NOWHERE] == [
                r for r, _ in trip.legs
            ]
        first_lane, first_road = first_lane + len(own.lanes), first_road + len(own.roads)


def test_the_lanes_near_a_place_on_the_road_are_all_that_could_hold_a_car_there():
    own = PLANS[0].network
    every, grid = [lane_of(row) for row in own.lanes], own.grids[0]
    rng = np.random.default_rng(3)
    for _ in range(300):
        lane = every[rng.integers(len(every))]
        x, y = lane.point(rng.uniform(0, lane.length), rng.uniform(-lane.width / 2, lane.width / 2))
        cell = int((y - grid["y"]) // 8) * grid["columns"] + int((x - grid["x"]) // 8)
        near = set(own.near[own.cells[cell] : own.cells[cell + 1]].tolist())
        for k, other in enumerate(every):
            s, d = other.coordinates(x, y)
            held = abs(d) <= other.width / 2 + 1.0 and -5.0 <= s < other.length + 5.0
            assert not held or k in near
