"""OpenStreetMap files (`.osm`) as road maps: the ways that cars drive on, with junctions where they meet.

Traffic keeps to the right. North is up. Places are projected to metres about the middle of the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quadrivium.envs.driving.roads.maps.elements import Element, read_elements
from quadrivium.envs.driving.roads.maps.junction import (
    Arm,
    Line,
    Point,
    Pose,
    add_turns,
    beside,
    lane_along,
)
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap

KIND = "an OpenStreetMap file (.osm, XML)"
SPEEDS = {  # km/h, where a way names none
    **{"motorway": 130.0, "motorway_link": 60.0, "trunk": 100.0, "trunk_link": 50.0},
    **{"primary": 50.0, "primary_link": 50.0, "secondary": 50.0, "secondary_link": 50.0},
    **{"tertiary": 50.0, "tertiary_link": 50.0, "unclassified": 50.0, "residential": 30.0},
    **{"living_street": 10.0, "service": 20.0, "road": 50.0},
}
"""The kinds of ways that are driven on."""

_PRIORITIES = {"motorway": 4, "trunk": 4, "primary": 3, "secondary": 3, "tertiary": 2}
_LANE_M, _LEAST_LANE_M, _MOST_LANES = 3.5, 2.5, 8
_MOUTH_M, _MOUTH_SHARE = 9.0, 0.4  # m from a junction to where its roads begin; at most this share of them
_CORNER_M, _CORNER_STEPS = 10.0, 6  # m to either side of a bend that is rounded
_LONGEST_M = 75.0  # of a lane that bends
_LEAST_M = 2.0
_MOST_NODES, _MOST_M = 2_000_000, 40_000.0
_FASTEST = 40.0  # m/s
_UNITS = {"": 1 / 3.6, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "mph": 0.44704, "knots": 0.514444}

# WGS 84, and the series of the transverse Mercator projection (Krüger 1912, to the third order in n)
_AXIS, _FLATTENING = 6_378_137.0, 1 / 298.257223563
_N = _FLATTENING / (2 - _FLATTENING)
_RADIUS = _AXIS / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_SERIES = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)


def projected(latitude: np.ndarray, longitude: np.ndarray, middle: Point) -> tuple[np.ndarray, np.ndarray]:
    """Returns x (m to the east) and y (m to the south) of places in degrees, about a middle (lat, lon).

    The transverse Mercator projection of the ellipsoid: 20 km away lengths are out by 5 in a million.
    """
    x, y = _mercator(np.radians(latitude), np.radians(longitude - middle[1]))
    _, origin = _mercator(np.radians(np.array([middle[0]])), np.zeros(1))
    return x, origin[0] - y


def _mercator(phi: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    e = 2 * math.sqrt(_N) / (1 + _N)
    t = np.sinh(np.arctanh(np.sin(phi)) - e * np.arctanh(e * np.sin(phi)))
    xi = np.arctan2(t, np.cos(beside))
    eta = np.arctanh(np.sin(beside) / np.hypot(1.0, t))
    x, y = eta.copy(), xi.copy()
    for k, a in enumerate(_SERIES, 1):
        x += a * np.cos(2 * k * xi) * np.sinh(2 * k * eta)
        y += a * np.sin(2 * k * xi) * np.cosh(2 * k * eta)
    return _RADIUS * x, _RADIUS * y


@dataclass(frozen=True)
class _Street:
    """A way, or the part of one between two junctions.

    Attributes:
        nodes: along it.
        lanes: with its direction, and against it.
    """

    way: Element
    nodes: tuple[str, ...]
    lanes: tuple[int, int]
    width: float
    limit: float
    priority: int


def read_osm(file: Path) -> RoadMap:
    """Returns the roads of a file; ValueError in one line for one that is broken."""
    root = read_elements(file, "osm", KIND)
    ways = [
        way
        for way in root.all("way")
        if _tags(way).get("highway") in SPEEDS and _tags(way).get("area") != "yes"
    ]
    if not ways:
        root.fail("has no way that cars drive on", f"give ways with highway={', '.join(list(SPEEDS)[:6])} …")
    streets = [_street(way) for way in ways]
    places = _places(root, streets)
    uses: dict[str, int] = {}
    for street in streets:
        for at, node in enumerate(street.nodes):
            uses[node] = uses.get(node, 0) + (2 if at in (0, len(street.nodes) - 1) else 1)
    parts = [part for street in streets for part in _cut(street, uses, places)]
    if not parts:
        root.fail("has no way of any length", "give ways whose nodes are apart")
    return _network(parts, places)


def _tags(way: Element) -> Mapping[str, str]:
    return {tag.text("k"): tag.text("v") for tag in way.all("tag")}


def _street(way: Element) -> _Street:
    tags = _tags(way)
    nodes = tuple(part.text("ref") for part in way.all("nd"))
    if len(nodes) < 2:
        way.fail(f"has {len(nodes)} nodes", "give it two at least, or take it out")
    kind = tags["highway"]
    one_way = tags.get(
        "oneway", "yes" if tags.get("junction") in ("roundabout", "circular") or kind == "motorway" else "no"
    )
    if one_way in ("-1", "reverse"):
        nodes = nodes[::-1]
    single = one_way in ("yes", "true", "1", "-1", "reverse")
    total = _count(way, tags, "lanes", 1 if single else 2)
    if single:
        lanes = (total, 0)
    else:
        back = _count(way, tags, "lanes:backward", max(total // 2, 1))
        lanes = (_count(way, tags, "lanes:forward", max(total - back, 1)), back)
    width = _LANE_M
    if "width" in tags:
        given = _quantity(way, "width", tags["width"], {"": 1.0, "m": 1.0, "ft": 0.3048}) / sum(lanes)
        width = min(max(given, _LEAST_LANE_M), 6.0)
    limit = SPEEDS[kind] / 3.6
    if (
        tags.get("maxspeed", "none") not in ("none", "signals", "variable", "walk")
        and ":" not in tags["maxspeed"]
    ):
        limit = _quantity(way, "maxspeed", tags["maxspeed"], _UNITS)
        if limit <= 0:
            way.fail(f"has maxspeed={tags['maxspeed']!r}", "give one above 0")
    priority = (
        5
        if tags.get("junction") in ("roundabout", "circular")
        else _PRIORITIES.get(kind.removesuffix("_link"), 1)
    )
    return _Street(way, nodes, lanes, width, min(limit, _FASTEST), priority)


def _count(way: Element, tags: Mapping[str, str], name: str, default: int) -> int:
    given = tags.get(name)
    if given is None:
        return default
    try:
        count = int(float(given))
    except (ValueError, OverflowError):
        count = 0
    if not 1 <= count <= _MOST_LANES:
        way.fail(f"has {name}={given!r}", f"give a number from 1 to {_MOST_LANES}")
    return count


def _quantity(way: Element, name: str, given: str, units: Mapping[str, float]) -> float:
    """Returns a number with a unit in SI."""
    number = given.strip().rstrip("abcdefghijklmnopqrstuvwxyz/' ")
    unit = given.strip()[len(number) :].strip()
    try:
        found = float(number)
    except ValueError:
        found = math.nan
    if unit not in units or not math.isfinite(found):
        way.fail(
            f"has {name}={given!r}",
            f"give a number, with {', '.join(filter(None, units))} or nothing after it",
        )
    return found * units[unit]


def _places(root: Element, streets: Sequence[_Street]) -> dict[str, Point]:
    """Returns where the nodes of the streets are, m."""
    wanted = {node: street.way for street in streets for node in street.nodes}
    if len(wanted) > _MOST_NODES:
        root.fail(f"has {len(wanted):,} nodes in ways", f"cut out a part with at most {_MOST_NODES:,}")
    found: dict[str, tuple[float, float]] = {}
    for node in root.all("node"):
        name = node.text("id")
        if name in wanted:
            latitude, longitude = node.number("lat"), node.number("lon")
            if abs(latitude) > 85 or abs(longitude) > 180:
                node.fail(
                    f"is at lat={latitude:g}, lon={longitude:g}",
                    "give degrees, lat in [-85, 85], lon in [-180, 180]",
                )
            found[name] = (latitude, longitude)
    for name, way in wanted.items():
        if name not in found:
            way.fail(f"has node {name[:40]!r}, which is not in the file", "export the area with its nodes")
    degrees = np.array(list(found.values()))
    low, high = degrees.min(0), degrees.max(0)
    middle = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2)
    if (high - low)[1] > 10 or (high - low)[0] > 10:
        root.fail("is more than 10 degrees wide", f"cut out at most {_MOST_M / 1000:g} km")
    x, y = projected(degrees[:, 0], degrees[:, 1], middle)
    if max(float(np.ptp(x)), float(np.ptp(y))) > _MOST_M:
        root.fail(
            f"is {max(np.ptp(x), np.ptp(y)) / 1000:.0f} km wide", f"cut out at most {_MOST_M / 1000:g} km"
        )
    return dict(zip(found, zip(x.tolist(), y.tolist(), strict=True), strict=True))


def _cut(street: _Street, uses: Mapping[str, int], places: Mapping[str, Point]) -> Iterator[_Street]:
    """Yields the parts of a street between nodes where others meet it, or it ends."""
    part = [street.nodes[0]]
    for node in street.nodes[1:]:
        if math.dist(places[node], places[part[-1]]) > 0.05:
            part.append(node)
        if uses[node] > 1 and len(part) > 1:
            if part[0] != part[-1]:
                yield _with_nodes(street, part)
            else:  # round to where it began: in two
                half = len(part) // 2
                yield from (_with_nodes(street, part[: half + 1]), _with_nodes(street, part[half:]))
            part = [node]


def _with_nodes(street: _Street, nodes: Sequence[str]) -> _Street:
    return _Street(street.way, tuple(nodes), street.lanes, street.width, street.limit, street.priority)


def _network(parts: Sequence[_Street], places: Mapping[str, Point]) -> RoadMap:
    """Returns the road map of streets between junctions."""
    roads = RoadMap(joined=True)
    arms: dict[str, list[Arm]] = {}
    for number, part in enumerate(parts):
        line = _line(part, places)
        s = _lengths(line)
        mouth = min(_MOUTH_M, _MOUTH_SHARE * float(s[-1]))
        line = _between(line, mouth, float(s[-1]) - mouth)
        name = f"way {part.way.attributes.get('id', '?')} part {number}"
        across = part.width * (sum(part.lanes) / 2)
        there = [beside(line, part.width * (part.lanes[1] + k + 0.5) - across) for k in range(part.lanes[0])]
        back = [
            _reversed(beside(line, part.width * (part.lanes[1] - k - 0.5) - across))
            for k in range(part.lanes[1])
        ]
        nodes = (f"{name} start", f"{name} end"), (f"{name} end back", f"{name} start back")
        for (start, end), lines in zip(nodes, (there, back), strict=True):
            _add(roads, (start, end), lines, part)
        for node, come, go, at in (
            (part.nodes[0], back, there, (nodes[1][1], nodes[0][0])),
            (part.nodes[-1], there, back, (nodes[0][1], nodes[1][0])),
        ):
            arms.setdefault(node, []).append(
                Arm(
                    [_pose(one, -1) for one in come],
                    [_pose(one, 0) for one in go],
                    at,
                    part.priority,
                    part.limit,
                    part.width,
                )
            )
    for meeting in arms.values():
        add_turns(roads, meeting)
    return roads


def _add(roads: RoadMap, nodes: tuple[str, str], lines: Sequence[Line], part: _Street) -> None:
    """Adds the lanes of a direction, in parts where they are long and bend."""
    if not lines:
        return
    bends = float(np.abs(np.diff(lines[0][2])).sum()) > 1e-3
    longest = max(float(_lengths(line)[-1]) for line in lines)
    count = math.ceil(longest / _LONGEST_M) if bends else 1
    names = [nodes[0], *(f"{nodes[0]} {k}" for k in range(1, count)), nodes[1]]
    for k in range(count):
        for at, line in enumerate(lines):
            length = float(_lengths(line)[-1])
            cut = _between(line, length * k / count, length * (k + 1) / count)
            last = SOLID if at == len(lines) - 1 else DASHED
            kind = {"width": part.width, "priority": part.priority}
            paint = (DASHED if at == 0 else NO_LINE, last)
            roads.add(names[k], names[k + 1], lane_along(cut, part.limit, lines=paint, **kind))


def _line(part: _Street, places: Mapping[str, Point]) -> Line:
    """Returns a street's middle with its corners rounded."""
    corners = np.array([places[node] for node in part.nodes])
    steps = np.diff(corners, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    ahead = steps / lengths[:, None]
    points, headings = [corners[0]], [math.atan2(ahead[0, 1], ahead[0, 0])]
    for k in range(1, len(corners) - 1):
        cut = min(_CORNER_M, 0.45 * lengths[k - 1], 0.45 * lengths[k])
        before, after = corners[k] - cut * ahead[k - 1], corners[k] + cut * ahead[k]
        for u in np.linspace(0, 1, _CORNER_STEPS):
            points.append((1 - u) ** 2 * before + 2 * u * (1 - u) * corners[k] + u**2 * after)
            slope = (1 - u) * ahead[k - 1] + u * ahead[k]
            headings.append(math.atan2(slope[1], slope[0]))
    points.append(corners[-1])
    headings.append(math.atan2(ahead[-1, 1], ahead[-1, 0]))
    x, y = np.array(points).T
    return x, y, np.unwrap(np.array(headings))


def _lengths(line: Line) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(line[0]), np.diff(line[1])))])


def _between(line: Line, low: float, high: float) -> Line:
    """Returns a part of a line, from `low` to `high` m along it, with a sample every 2 m at least."""
    s = _lengths(line)
    even = np.linspace(low, high, max(2, math.ceil((high - low) / 2) + 1))
    cut = np.unique(np.concatenate([even, s[(s > low) & (s < high)]]))
    x, y, heading = (np.interp(cut, s, one) for one in line)
    return x, y, heading


def _reversed(line: Line) -> Line:
    return line[0][::-1], line[1][::-1], line[2][::-1] + math.pi


def _pose(line: Line, at: int) -> Pose:
    return Pose(float(line[0][at]), float(line[1][at]), math.remainder(float(line[2][at]), 2 * math.pi))
