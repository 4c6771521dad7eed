"""Many networks, and what happens on each, as the arrays that a kernel reads."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from quadrivium.envs.driving.roads.maps.trips import START_M, Leg, Trip
from quadrivium.envs.driving.roads.network import (
    GRID_DTYPE,
    LANE_DTYPE,
    LEG_DTYPE,
    LINK_DTYPE,
    NOWHERE,
    ROAD_DTYPE,
    Network,
)
from quadrivium.envs.driving.roads.state import SCENE_DTYPE, SPAWN_DTYPE, TRIP_DTYPE

_DTYPES = {
    **{"lanes": LANE_DTYPE, "roads": ROAD_DTYPE, "links": LINK_DTYPE},
    **{"routes": LEG_DTYPE, "grids": GRID_DTYPE},
}


class Bank(NamedTuple):
    """M networks with trips and traffic."""

    network: Network
    scenes: np.ndarray  # (M,) SCENE_DTYPE
    trips: np.ndarray  # TRIP_DTYPE
    spawns: np.ndarray  # SPAWN_DTYPE
    goals: np.ndarray  # int32, lanes
    destinations: int = 0  # of each lane, in the network's routes


class Plan(NamedTuple):
    """A network alone, the trips of which each ego has one, and the ways that traffic takes."""

    network: Network
    trips: Sequence[Trip]
    walks: Sequence[tuple[Leg, ...]]


class Courses(NamedTuple):
    """M networks with the trips and ways on them, T trips in all; the ways are the network's routes."""

    network: Network
    trips: np.ndarray  # (T,) TRIP_DTYPE, each with a spawn of its own
    trip_routes: np.ndarray  # (T,) int32
    goals: np.ndarray  # int32, lanes
    first_trips: np.ndarray  # (M + 1,) int32
    walks: np.ndarray  # (M, 2) int32: the first route of traffic, and how many there are


def courses_of(plans: Sequence[Plan]) -> Courses:
    """Returns plans one after another."""
    lane_at = road_at = 0
    routes: list[tuple[tuple[Leg, ...], int]] = []
    trips, trip_routes, first_trips, walks, goals = [], [], [0], [], list[int]()
    for plan in plans:
        for trip in plan.trips:
            road = plan.network.roads[trip.legs[-1][0]]
            first, count = lane_at + int(road["first"]), int(road["count"])
            trips.append((len(trips), len(goals), count, trip.goal_s, trip.length))
            goals += range(first, first + count)
            trip_routes.append(len(routes))
            routes.append((trip.legs, road_at))
        first_trips.append(len(trips))
        walks.append((len(routes), len(plan.walks)))
        routes += [(walk, road_at) for walk in plan.walks]
        lane_at, road_at = lane_at + len(plan.network.lanes), road_at + len(plan.network.roads)
    return Courses(
        joined([plan.network for plan in plans], _table(routes)),
        np.array(trips, TRIP_DTYPE),
        *(np.array(rows, np.int32) for rows in (trip_routes, goals, first_trips, walks)),
    )


def bank_of(courses: Courses, ego: np.ndarray, traffic: np.ndarray, cars: int) -> Bank:
    """Returns courses as a bank.

    ego, traffic: how they begin (SPAWN_DTYPE), but for their routes. cars: of traffic, on each network.
    """
    egos, others = np.repeat(ego, len(courses.trips)), np.repeat(traffic, cars * len(courses.walks))
    egos["first_route"], egos["routes"], egos["along"] = courses.trip_routes, 1, START_M
    others["first_route"], others["routes"] = np.repeat(courses.walks, cars, 0).T
    scenes = np.zeros(len(courses.walks), SCENE_DTYPE)
    scenes["first_trip"], scenes["trips"] = courses.first_trips[:-1], np.diff(courses.first_trips)
    scenes["drawn"] = 1
    scenes["first_spawn"] = len(egos) + cars * np.arange(len(scenes))
    scenes["end_spawn"] = scenes["first_spawn"] + cars
    spawns = np.concatenate([egos, others]).view(SPAWN_DTYPE)
    # Views as the usual types, so that machine code is shared: NumPy loads records as unaligned,
    # and takes the two for the same.
    parts = {name: np.array(one) for name, one in courses.network._asdict().items()}
    network = Network(**parts | {name: parts[name].view(dtype) for name, dtype in _DTYPES.items()})
    return Bank(network, scenes, np.array(courses.trips).view(TRIP_DTYPE), spawns, np.array(courses.goals))


def _table(routes: Sequence[tuple[tuple[Leg, ...], int]]) -> np.ndarray:
    """Returns ways as LEG_DTYPE, (routes, longest), closed by roads NOWHERE."""
    longest = max(len(legs) for legs, _ in routes) + 1
    table = np.full((len(routes), longest), NOWHERE, np.int32)
    numbers = table.copy()
    for row, (legs, first_road) in enumerate(routes):
        table[row, : len(legs)] = [road + first_road for road, _ in legs]
        numbers[row, : len(legs)] = [number for _, number in legs]
    found = np.zeros(table.shape, LEG_DTYPE)
    found["road"], found["number"] = table, numbers
    return found


def joined(networks: Sequence[Network], routes: np.ndarray) -> Network:
    """Returns networks one after another; routes: of all of them."""
    lanes, roads, links, exits, leaving, cells, near, grids = ([] for _ in range(8))
    at = dict.fromkeys(("lane", "road", "link", "node", "leaving", "cell", "near"), 0)
    for one in networks:
        own = one.lanes.copy()
        own["road"] += at["road"]
        own["first_link"] += at["link"]
        own["end_link"] += at["link"]
        link, road, grid = one.links.copy(), one.roads.copy(), one.grids.copy()
        link["lane"] += at["lane"]
        road["first"] += at["lane"]
        road["start"] += at["node"]
        road["end"] += at["node"]
        for name in ("first_lane", "end_lane"):
            grid[name] += at["lane"]
        grid["first_cell"] += at["cell"]
        own["mask"] = _masks(own, link, at["link"])
        lanes.append(own)
        roads.append(road)
        links.append(link)
        exits.append(one.exits[:-1] + at["leaving"])
        leaving.append(one.leaving + at["road"])
        cells.append(one.cells + at["near"])
        near.append(one.near + at["lane"])
        grids.append(grid)
        at["lane"] += len(own)
        at["road"] += len(road)
        at["link"] += len(link)
        at["node"] += len(one.exits) - 1
        at["leaving"] += len(one.leaving)
        at["cell"] += len(one.cells)
        at["near"] += len(one.near)
    exits.append(np.array([at["leaving"]]))
    return Network(
        np.concatenate(lanes),
        np.concatenate(roads),
        np.concatenate(links),
        np.concatenate(exits).astype(np.int32),
        np.concatenate(leaving).astype(np.int32),
        routes,
        np.concatenate(cells).astype(np.int32),
        np.concatenate(near).astype(np.int32),
        np.concatenate(grids),
    )


def _masks(lanes: np.ndarray, links: np.ndarray, first: int) -> np.ndarray:
    """Returns the bits of the lanes that are linked to each, as `lanes.bit_of` counts them."""
    bits = np.uint64(1) << (links["lane"].astype(np.uint64) & np.uint64(63))
    return np.bitwise_or.reduceat(bits, lanes["first_link"] - first)
