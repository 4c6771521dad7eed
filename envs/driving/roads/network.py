"""A network of roads: lanes between nodes, held in read-only arrays that kernels index.

A road is the lanes from one node to another, numbered from left to right in the driving direction.
Coordinates are metres, x to the right and y down on the screen, so that headings grow to the right; a lane
has its own coordinates (s, d): s along its centre from its start, d to the right of it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

STRAIGHT, ARC, SINE = range(3)
"""The forms of a lane's centre."""
NO_LINE, DASHED, SOLID = range(3)
"""What is painted at a lane's side."""
NOWHERE = -1

MEMBERSHIPS = 8
"""Lanes that a car can be in at once, at most: where roads part and meet, lanes overlap."""
MARGIN_M = 1.0
"""How far beside a lane's edge a driver still counts a car to it."""
END_M = 5.0
"""How far before its start and beyond its end a lane still counts."""
CELL_M = 8.0

LANE_DTYPE = np.dtype(
    [
        ("form", "i4"),  # STRAIGHT, ARC or SINE
        ("road", "i4"),  # to which it belongs
        ("number", "i4"),  # in the road, from the left
        ("closed", "i4"),  # 0 or 1: nobody may change into it
        ("priority", "i4"),  # where roads meet, those in lanes of less yield
        ("length", "f4"),  # m
        ("width", "f4"),  # m
        ("limit", "f4"),  # m/s, to which traffic keeps
        ("x", "f4"),  # m: the start of the straight (or of the sine's axis), the middle of the circle
        ("y", "f4"),
        ("heading", "f4"),  # rad, of the straight or the axis
        ("cos", "f4"),
        ("sin", "f4"),
        ("amplitude", "f4"),  # m: d of the centre is amplitude sin(frequency s + phase) from the axis
        ("frequency", "f4"),  # rad/m
        ("phase", "f4"),  # rad; of an arc: where it starts on the circle
        ("radius", "f4"),  # m
        ("turn", "f4"),  # 1 to the right, -1 to the left
        ("first_link", "i4"),  # in `links`: itself, then the lanes after it, then those before it
        ("end_link", "i4"),
        ("mask", "u8"),  # the bits of the lanes that are linked; see `bit_of`
        ("left_line", "i4"),  # NO_LINE, DASHED or SOLID
        ("right_line", "i4"),
    ],
    align=True,
)
ROAD_DTYPE = np.dtype(
    [
        ("first", "i4"),  # of its lanes
        ("count", "i4"),
        ("start", "i4"),  # nodes
        ("end", "i4"),
    ],
    align=True,
)
LINK_DTYPE = np.dtype([("lane", "i4"), ("offset", "f4")], align=True)
"""A lane, and what s in it is ahead of s in the lane whose link it is (m)."""
LEG_DTYPE = np.dtype([("road", "i4"), ("number", "i4")], align=True)
"""A road of a route, and the number of the lane there, or NOWHERE where any will do."""


class Network(NamedTuple):
    """The arrays of a network, as kernels take them."""

    lanes: np.ndarray  # (L,) LANE_DTYPE, road by road
    roads: np.ndarray  # (R,) ROAD_DTYPE
    links: np.ndarray  # LINK_DTYPE
    exits: np.ndarray  # (N + 1,) int32: where the roads that leave a node begin in `leaving`
    leaving: np.ndarray  # (R,) int32, roads
    routes: np.ndarray  # (L * destinations, longest) LEG_DTYPE, lane by lane, closed by roads NOWHERE
    cells: np.ndarray  # (rows * columns + 1,) int32: where the lanes near a cell begin in `near`
    near: np.ndarray  # int32, lanes in their order
    grid: np.ndarray  # (4,) float32: x and y of the first cell's corner (m), columns, rows


@dataclass(frozen=True)
class Lane:
    """A lane's centre and what is allowed on it. Use `straight`, `arc` and `sine`."""

    form: int
    length: float
    x: float
    y: float
    heading: float = 0.0
    amplitude: float = 0.0
    frequency: float = 0.0
    phase: float = 0.0
    radius: float = 1.0
    turn: int = 1
    width: float = 4.0
    limit: float = 20.0
    closed: bool = False
    priority: int = 0
    lines: tuple[int, int] = (DASHED, DASHED)

    def coordinates(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns (s, d) of places, m, in float64."""
        dx, dy = x - self.x, y - self.y
        if self.form == ARC:
            past = np.arctan2(dy, dx) - self.phase
            past = (past + math.pi) % (2 * math.pi) - math.pi
            return self.turn * self.radius * past, self.turn * (self.radius - np.hypot(dx, dy))
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        s, d = cos * dx + sin * dy, cos * dy - sin * dx
        return s, d - self.amplitude * np.sin(self.frequency * s + self.phase)

    def point(self, s: float | np.ndarray, d: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and y of lane coordinates, m; s and d broadcast."""
        s, d = np.asarray(s, float), np.asarray(d, float)
        if self.form == ARC:
            angle, radius = self.turn * s / self.radius + self.phase, self.radius - self.turn * d
            return self.x + radius * np.cos(angle), self.y + radius * np.sin(angle)
        d = d + self.amplitude * np.sin(self.frequency * s + self.phase)
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        return self.x + cos * s - sin * d, self.y + sin * s + cos * d

    def heading_at(self, s: float | np.ndarray) -> np.ndarray:
        """Returns the direction of the centre, rad."""
        s = np.asarray(s, float)
        if self.form == ARC:
            return self.turn * s / self.radius + self.phase + self.turn * math.pi / 2
        slope = self.amplitude * self.frequency * np.cos(self.frequency * s + self.phase)
        return self.heading + np.arctan(slope)


def straight(start: tuple[float, float], end: tuple[float, float], **kind: object) -> Lane:
    """Returns a straight lane; kind: width, limit, closed, priority and lines."""
    (x, y), dx, dy = start, end[0] - start[0], end[1] - start[1]
    return replace(Lane(STRAIGHT, math.hypot(dx, dy), x, y, math.atan2(dy, dx)), **kind)


def sine(
    start: tuple[float, float],
    end: tuple[float, float],
    amplitude: float,
    frequency: float,
    phase: float,
    **kind: object,
) -> Lane:
    """Returns a lane that swings about the axis from start to end; s is measured along the axis."""
    swing = {"form": SINE, "amplitude": amplitude, "frequency": frequency, "phase": phase}
    return replace(straight(start, end), **swing, **kind)


def arc(centre: tuple[float, float], radius: float, start: float, end: float, **kind: object) -> Lane:
    """Returns an arc between two angles (rad) on a circle: to the right where they grow, else to the left.

    Raises:
        ValueError: it turns by more than half a circle.
    """
    if abs(end - start) > math.pi + 1e-9:
        raise ValueError(f"an arc from {start} to {end} rad turns by more than half a circle; make it of two")
    turn = 1 if end > start else -1
    lane = Lane(ARC, radius * abs(end - start), *centre, phase=start, radius=radius, turn=turn)
    return replace(lane, **kind)


class RoadMap:
    """A network under construction: add lanes, each road's from left to right, then take `arrays`.

    Args:
        linked: drivers see into the lanes before and after their own.
    """

    def __init__(self, linked: bool = True) -> None:
        self._linked = linked
        self._roads: dict[str, dict[str, list[Lane]]] = {}
        self._destinations: list[str] = []

    def add(self, start: str, end: str, *lanes: Lane) -> None:
        """Adds lanes from node `start` to node `end`, to the right of those that are there."""
        self._roads.setdefault(start, {}).setdefault(end, []).extend(lanes)

    @property
    def roads(self) -> list[tuple[str, str]]:
        """The roads by their nodes, in the order in which kernels count them."""
        return [(start, end) for start, ends in self._roads.items() for end in ends]

    def lanes(self, start: str, end: str) -> list[Lane]:
        """Returns the lanes of a road, from the left."""
        return self._roads[start][end]

    def lane(self, start: str, end: str, number: int) -> int:
        """Returns a kernel's index of a lane."""
        before = self.roads[: self.roads.index((start, end))]
        return sum(len(self.lanes(*road)) for road in before) + number

    def destination(self, node: str) -> int:
        """Lets cars have routes to a node, by the fewest roads; returns its index."""
        self._destinations.append(node)
        return len(self._destinations) - 1

    @property
    def destinations(self) -> int:
        """How many there are."""
        return len(self._destinations)

    def _route(self, road: tuple[str, str], number: int, to: str) -> list[tuple[int, int]]:
        """Returns the legs from a lane: its own road, then those that lead there, if any do."""
        nodes = self._path(road[1], to)
        roads = [self.roads.index(pair) for pair in itertools.pairwise(nodes)]
        return [(self.roads.index(road), number), *((one, NOWHERE) for one in roads)]

    def _path(self, start: str, to: str) -> list[str]:
        paths = [[start]]
        while paths:
            path = paths.pop(0)
            for after in sorted(self._roads.get(path[-1], {})):
                if after == to:
                    return [*path, after]
                if after not in path:
                    paths.append([*path, after])
        return []

    @cached_property
    def arrays(self) -> Network:
        """The network as kernels take it. Take it last: nothing added later is in it."""
        roads, nodes = self.roads, self._nodes()
        lanes = [(road, number, lane) for road in roads for number, lane in enumerate(self.lanes(*road))]
        table = np.zeros(len(lanes), LANE_DTYPE)
        links: list[tuple[int, float]] = []
        for k, (road, number, lane) in enumerate(lanes):
            first = len(links)
            links += self._links(road, number)
            table[k] = (
                *(
                    lane.form,
                    roads.index(road),
                    number,
                    lane.closed,
                    lane.priority,
                    lane.length,
                    lane.width,
                    lane.limit,
                ),
                *(lane.x, lane.y, lane.heading, math.cos(lane.heading), math.sin(lane.heading)),
                *(lane.amplitude, lane.frequency, lane.phase, lane.radius, lane.turn),
                *(first, len(links)),
                functools.reduce(int.__or__, (1 << k % 64 for k, _ in links[first:])),
                *lane.lines,
            )
        leaving = [[k for k, road in enumerate(roads) if road[0] == node] for node in nodes]
        ways = [(self.lane(*road, 0), len(self.lanes(*road)), *map(nodes.index, road)) for road in roads]
        ends = self._destinations
        routes = [self._route(road, number, end) for road, number, _ in lanes for end in ends] or [[]]
        longest = max(map(len, routes)) + 1
        routes = [route + [(NOWHERE, NOWHERE)] * (longest - len(route)) for route in routes]
        cells, near, grid = _near([lane for _, _, lane in lanes])
        return Network(
            table,
            np.array(ways, ROAD_DTYPE),
            np.array(links, LINK_DTYPE),
            np.cumsum([0, *map(len, leaving)], dtype=np.int32),
            np.array([k for row in leaving for k in row], np.int32),
            np.array(routes, LEG_DTYPE),
            cells,
            near,
            grid,
        )

    def _nodes(self) -> list[str]:
        return list(dict.fromkeys(node for road in self.roads for node in road))

    def _links(self, road: tuple[str, str], number: int) -> list[tuple[int, float]]:
        """Returns the lane itself, those that go on from it and those that lead to it, with their offsets."""
        start, end = road
        found = [(self.lane(*road, number), 0.0)]
        if not self._linked:
            return found
        for after in self._roads.get(end, {}):
            beside = number if number < len(self.lanes(end, after)) else 0
            found.append((self.lane(end, after, beside), self.lanes(*road)[number].length))
        for before, ends in self._roads.items():
            if start in ends:
                beside = number if number < len(ends[start]) else 0
                found.append((self.lane(before, start, beside), -ends[start][beside].length))
        return found


def _near(lanes: Sequence[Lane]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the lanes that can be a car's nearest, or hold it, in each cell of a grid over the network.

    The nearest by distance and heading: a lane is left out where another one is nearer by more than the
    headings can make up for (π) everywhere in the cell. Distances are sampled, with a slack for what lies
    between the samples; a test compares the choice with that among all lanes.
    """
    ends = [lane.point(np.linspace(0, lane.length, 33)) for lane in lanes]
    x, y = (np.concatenate([end[axis] for end in ends]) for axis in (0, 1))
    left, top = float(x.min()) - 24.0, float(y.min()) - 24.0
    columns = math.ceil((float(x.max()) + 24.0 - left) / CELL_M)
    rows = math.ceil((float(y.max()) + 24.0 - top) / CELL_M)
    steps = np.linspace(0.0, CELL_M, 5)
    px = left + CELL_M * np.arange(columns)[:, None] + steps  # (columns, 5)
    py = top + CELL_M * np.arange(rows)[:, None] + steps
    places_x = np.broadcast_to(px[None, :, None, :], (rows, columns, 5, 5)).reshape(rows * columns, 25)
    places_y = np.broadcast_to(py[:, None, :, None], (rows, columns, 5, 5)).reshape(rows * columns, 25)
    low, high, held = [], [], []
    for lane in lanes:
        s, d = lane.coordinates(places_x, places_y)
        distance = np.abs(d) + np.maximum(s - lane.length, 0) + np.maximum(-s, 0)
        low.append(distance.min(1))
        high.append(distance.max(1))
        beside = (np.abs(d) <= lane.width / 2 + MARGIN_M + 3.0) & (s >= -END_M - 3.0)
        held.append((beside & (s <= lane.length + END_M + 3.0)).any(1))
    slack = 3.0
    chosen = np.array(low) - slack <= (np.array(high).min(0) + slack + math.pi)
    chosen |= np.array(held)  # (L, cells)
    cells = np.concatenate([[0], np.cumsum(chosen.sum(0))]).astype(np.int32)
    near = np.nonzero(chosen.T)[1].astype(np.int32)
    return cells, near, np.array([left, top, columns, rows], np.float32)
