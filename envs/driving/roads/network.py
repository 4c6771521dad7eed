"""A network of roads: lanes between nodes, held in read-only arrays that kernels index.

A road is the lanes from one node to another, numbered from left to right in the driving direction.
Coordinates are metres, x to the right and y down on the screen, so that headings grow to the right; a lane
has its own coordinates (s, d): s along its centre from its start, d to the right of it.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from quadrivium.envs.driving.roads import curves
from quadrivium.envs.driving.roads.curves import KNOTS
from quadrivium.envs.driving.roads.near import near_all, near_roads

STRAIGHT, ARC, SINE, CURVE = range(4)
"""The forms of a lane's centre."""
NO_LINE, DASHED, SOLID = range(3)
"""What is painted at a lane's side."""
NOWHERE = -1

MEMBERSHIPS = 8
"""Lanes that a car can be in at once, at most: where roads part and meet, lanes overlap."""
JOINT_M = 1.0
"""How far at most the end of a lane is from the start of one that goes on from it, in joined networks."""

LANE_DTYPE = np.dtype(
    [
        ("form", "i4"),  # STRAIGHT, ARC, SINE or CURVE
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
        ("pieces", "i4"),  # of a curve, between its knots
        ("spacing", "f4"),  # m, the length of one
        ("knots", "f4", (KNOTS, 4)),  # x, y (m) and the direction's cosine and sine; see `curves`
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
GRID_DTYPE = np.dtype(
    [
        ("first_lane", "i4"),  # of the network
        ("end_lane", "i4"),
        ("first_cell", "i4"),  # in `cells`
        ("columns", "i4"),
        ("rows", "i4"),
        ("x", "f4"),  # m, the corner of the first cell
        ("y", "f4"),
    ],
    align=True,
)
LINK_DTYPE = np.dtype([("lane", "i4"), ("offset", "f4")], align=True)
"""A lane, and what s in it is ahead of s in the lane whose link it is (m)."""
LEG_DTYPE = np.dtype([("road", "i4"), ("number", "i4")], align=True)
"""A road of a route, and the number of the lane there, or NOWHERE where any will do."""


class Network(NamedTuple):
    """The arrays of M networks, as kernels take them: of each one part after those of the others.

    Places are each network's own; lanes, roads, nodes and links are counted through all of them.
    """

    lanes: np.ndarray  # (L,) LANE_DTYPE, network by network, road by road
    roads: np.ndarray  # (R,) ROAD_DTYPE
    links: np.ndarray  # LINK_DTYPE
    exits: np.ndarray  # (N + 1,) int32: where the roads that leave a node begin in `leaving`
    leaving: np.ndarray  # (R,) int32, roads
    routes: np.ndarray  # (L * destinations, longest) LEG_DTYPE, lane by lane, closed by roads NOWHERE
    cells: np.ndarray  # int32, rows * columns + 1 a network: where the lanes near a cell begin in `near`
    near: np.ndarray  # int32, lanes in their order
    grids: np.ndarray  # (M,) GRID_DTYPE


@dataclass(frozen=True)
class Lane:
    """A lane's centre and what is allowed on it. Use `straight`, `arc`, `sine` and `curve`."""

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
    pieces: int = 1
    knots: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def spacing(self) -> float:
        """The length of a piece of a curve, m."""
        return self.length / self.pieces

    @cached_property
    def start(self) -> tuple[float, float]:
        """Where its centre begins, x and y in m."""
        return self._place(0.0, 0)

    @cached_property
    def end(self) -> tuple[float, float]:
        """Where its centre ends."""
        return self._place(self.length, self.pieces)

    def _place(self, s: float, knot: int) -> tuple[float, float]:
        x, y = self.point(s) if self.knots is None else self.knots[knot, :2]
        return float(x), float(y)

    def _curve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert self.knots is not None
        return self.knots, np.array(self.pieces), np.array(self.spacing)

    def coordinates(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns (s, d) of places, m, in float64."""
        if self.form == CURVE:
            x, y = np.asarray(x, float), np.asarray(y, float)
            s = curves.nearest(*self._curve(), x, y)
            px, py, cos, sin = curves.at(*self._curve(), s)
            return s, cos * (y - py) - sin * (x - px)
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
        if self.form == CURVE:
            x, y, cos, sin = curves.at(*self._curve(), s)
            return x - sin * d, y + cos * d
        if self.form == ARC:
            angle, radius = self.turn * s / self.radius + self.phase, self.radius - self.turn * d
            return self.x + radius * np.cos(angle), self.y + radius * np.sin(angle)
        d = d + self.amplitude * np.sin(self.frequency * s + self.phase)
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        return self.x + cos * s - sin * d, self.y + sin * s + cos * d

    def heading_at(self, s: float | np.ndarray) -> np.ndarray:
        """Returns the direction of the centre, rad."""
        s = np.asarray(s, float)
        if self.form == CURVE:
            _, _, cos, sin = curves.at(*self._curve(), s)
            return np.arctan2(sin, cos)
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


def curve(x: np.ndarray, y: np.ndarray, heading: np.ndarray, **kind: object) -> Lane:
    """Returns a lane of any form: through dense samples (n,) of its centre and directions (rad).

    It has at most 32 pieces, of 2.5 m where that is enough; where it is longer and bends much, make it of
    several.
    """
    knots, pieces, length = curves.bend(x, y, heading)
    lane = Lane(CURVE, length, float(x[0]), float(y[0]), float(heading[0]), pieces=pieces, knots=knots)
    return replace(lane, **kind)


def lane_of(row: np.void) -> Lane:
    """Returns the lane that a row of LANE_DTYPE is."""
    names = ("form", "length", "x", "y", "heading", "amplitude", "frequency", "phase", "radius", "turn")
    kept = {name: row[name].item() for name in (*names, "width", "limit", "closed", "priority", "pieces")}
    knots = row["knots"] if row["form"] == CURVE else None
    return Lane(**kept, lines=(int(row["left_line"]), int(row["right_line"])), knots=knots)


class RoadMap:
    """A network under construction: add lanes, each road's from left to right, then take `arrays`.

    Args:
        linked: drivers see into the lanes before and after their own.
        joined: those are the ones that touch it, where otherwise it is their numbers in their roads that
            count. Such networks may be large: far from all roads a car counts to the lane in which it was.
    """

    def __init__(self, linked: bool = True, joined: bool = False) -> None:
        self._linked, self._joined = linked, joined
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
        roads = self.roads
        counts = [len(self.lanes(*road)) for road in roads]
        first_lane = dict(zip(roads, itertools.accumulate([0, *counts]), strict=False))
        nodes = {node: k for k, node in enumerate(dict.fromkeys(node for road in roads for node in road))}
        leaving: list[list[int]] = [[] for _ in nodes]
        coming: list[list[int]] = [[] for _ in nodes]
        for k, (start, end) in enumerate(roads):
            leaving[nodes[start]].append(k)
            coming[nodes[end]].append(k)
        lanes = [
            (k, number, lane) for k, road in enumerate(roads) for number, lane in enumerate(self.lanes(*road))
        ]
        table = np.zeros(len(lanes), LANE_DTYPE)
        links: list[tuple[int, float]] = []
        for at, (k, number, lane) in enumerate(lanes):
            first = len(links)
            links.append((at, 0.0))
            if self._linked:
                for after in (roads[one] for one in leaving[nodes[roads[k][1]]]):
                    beside = self._joined_lanes(lane, number, after, ahead=True)
                    links += [(first_lane[after] + n, lane.length) for n in beside]
                for before in (roads[one] for one in coming[nodes[roads[k][0]]]):
                    beside, others = (
                        self._joined_lanes(lane, number, before, ahead=False),
                        self.lanes(*before),
                    )
                    links += [(first_lane[before] + n, -others[n].length) for n in beside]
            table[at] = (
                *(lane.form, k, number, lane.closed, lane.priority, lane.length, lane.width, lane.limit),
                *(lane.x, lane.y, lane.heading, math.cos(lane.heading), math.sin(lane.heading)),
                *(lane.amplitude, lane.frequency, lane.phase, lane.radius, lane.turn),
                *(first, len(links)),
                functools.reduce(int.__or__, (1 << k % 64 for k, _ in links[first:])),
                *lane.lines,
                *(lane.pieces, lane.spacing, 0.0 if lane.knots is None else lane.knots),
            )
        ways = [(first_lane[road], n, *map(nodes.get, road)) for road, n in zip(roads, counts, strict=True)]
        ends = self._destinations
        routes = [self._route(roads[k], number, end) for k, number, _ in lanes for end in ends] or [[]]
        longest = max(map(len, routes)) + 1
        routes = [route + [(NOWHERE, NOWHERE)] * (longest - len(route)) for route in routes]
        near_of = near_roads if self._joined else near_all
        cells, near, (left, top, columns, rows) = near_of([lane for _, _, lane in lanes])
        return Network(
            table,
            np.array(ways, ROAD_DTYPE),
            np.array(links, LINK_DTYPE),
            np.cumsum([0, *map(len, leaving)], dtype=np.int32),
            np.array([k for row in leaving for k in row], np.int32),
            np.array(routes, LEG_DTYPE),
            cells,
            near,
            np.array([(0, len(lanes), 0, columns, rows, left, top)], GRID_DTYPE),
        )

    def _joined_lanes(self, lane: Lane, number: int, road: tuple[str, str], ahead: bool) -> list[int]:
        """Returns the numbers of the lanes of a road before or after it that a lane leads from or to."""
        others = self.lanes(*road)
        if not self._joined:
            return [number if number < len(others) else 0]
        if ahead:
            return [k for k, other in enumerate(others) if _apart(lane.end, other.start) < JOINT_M]
        return [k for k, other in enumerate(others) if _apart(other.end, lane.start) < JOINT_M]


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return math.hypot(one[0] - other[0], one[1] - other[1])
