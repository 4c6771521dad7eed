"""OpenDRIVE files (`.xodr`) as road maps: the lanes that are driven on, as they run and lead on.

North is up, as in the file; y there grows upwards, and here downwards.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quadrivium.envs.driving.roads.maps.elements import Element, read_elements
from quadrivium.envs.driving.roads.maps.junction import Line, lane_along, turn
from quadrivium.envs.driving.roads.network import DASHED, JOINT_M, NO_LINE, SOLID, Lane, RoadMap

KIND = "an OpenDRIVE file (.xodr)"
DRIVEN = (
    "driving",
    "entry",
    "exit",
    "onRamp",
    "offRamp",
    "connectingRamp",
    "mwyEntry",
    "mwyExit",
    "slipLane",
)
"""The types of lanes that are driven on."""
DEFAULT_LIMIT = 13.9
"""m/s, where the file names none."""

_STEP = 0.5  # m between samples of a reference line
_MOST_M = 200_000.0  # m of reference lines
_LONGEST_CURVE = 75.0  # m of a lane that bends
_LEAST_WIDTH, _LEAST_LENGTH = 1.5, 0.3  # m; narrower lanes, and shorter parts, are no place for a car
_UNITS = {"": 1.0, "m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704}
_FASTEST = 40.0  # m/s
_ACROSS = 0.5  # rad, from which on a way turns
_GAUSS = np.polynomial.legendre.leggauss(8)

Key = tuple[str, int, int]  # a road, its lane section, a lane in it
Contact = tuple[Key, int]  # a lane, and its start (0) or its end (1) along the reference line


def read_opendrive(file: Path) -> RoadMap:
    """Returns the roads of a file; ValueError in one line for one that is broken."""
    root = read_elements(file, "OpenDRIVE", KIND)
    roads = {road.text("id"): _Road(road) for road in root.all("road")}
    if not roads:
        root.fail("has no road", "give a file with roads")
    if sum(road.length for road in roads.values()) > _MOST_M:
        root.fail(f"has more than {_MOST_M / 1000:g} km of roads", "cut a smaller part out")
    links = _Links(root, roads)
    ways = [way for road in roads.values() for group in road.groups() for way in _ways(road, group)]
    for way in ways:  # lanes of one road lead from one node to one other
        for number, at_end in itertools.product(way.numbers[1:], (False, True)):
            links.meet(*(way.group.key(way.road.id, n, at_end) for n in (way.numbers[0], number)))
    links.require_touching(ways)
    found: dict[tuple[str, str], list[Lane]] = {}
    for way in ways:
        for nodes, lanes in way.parts(links):
            found.setdefault(nodes, []).extend(lanes)
    if not found:
        root.fail("has no lane that is driven on", f'give lanes type="driving", wider than {_LEAST_WIDTH} m')
    network = RoadMap(joined=True)
    for nodes, lanes in found.items():
        network.add(*nodes, *_from_the_left(lanes))
    return network


def _from_the_left(lanes: list[Lane]) -> list[Lane]:
    """Returns lanes between the same nodes, which may come from several roads, in their order."""
    return sorted(lanes, key=lambda lane: float(lanes[0].coordinates(*lane.point(lane.length / 2))[1]))


# ---- the reference line


def reference_line(road: Element, at: np.ndarray) -> Line:
    """Returns x, y and heading of a road's reference line at distances s (n,) from its start, m, rising."""
    pieces = _pieces(road)
    starts = np.array([piece.number("s") for piece in pieces])
    which = np.clip(np.searchsorted(starts, at, side="right") - 1, 0, len(pieces) - 1)
    found = np.zeros((3, len(at)))
    for k, piece in enumerate(pieces):
        here = which == k
        if here.any():
            found[:, here] = _piece(piece, at[here] - starts[k])
    return found[0], found[1], np.unwrap(found[2])


def _pieces(road: Element) -> list[Element]:
    plan = road.one("planView")
    pieces = sorted(plan.all("geometry"), key=lambda one: one.number("s")) if plan else []
    if not pieces:
        road.fail("has no geometry", "give it a planView")
    return pieces


def _require_whole(road: Element) -> None:
    """Raises ValueError for a reference line with a gap, or with pieces of no length."""
    pieces = _pieces(road)
    for piece, after in zip(pieces, [*pieces[1:], None], strict=True):
        length = piece.number("length")
        if not 0 <= length <= _MOST_M:
            piece.fail(f"is {length:g} m long", "give its length")
        end = _piece(piece, np.array([length]))[:, 0]
        if after is None or length == 0:
            continue
        apart = math.dist(end[:2], (after.number("x"), after.number("y")))
        if apart > JOINT_M:
            after.fail(
                f"of road {road.text('id')!r} begins {apart:.1f} m from where the one before it ends, at "
                f"({end[0]:.1f}, {end[1]:.1f})",
                "let each begin where the last one ends",
            )


def _piece(piece: Element, s: np.ndarray) -> np.ndarray:
    """Returns x, y and heading (3, n) on a piece of geometry, s m from its start."""
    x, y, heading = (piece.number(name) for name in ("x", "y", "hdg"))
    length = piece.number("length")
    form = next((part for part in piece.parts if part.name in _FORMS), None)
    if form is None:
        piece.fail("has no form that is known", f"use {', '.join(_FORMS)}")
    u, v, bearing = _FORMS[form.name](form, s, length)
    cos, sin = math.cos(heading), math.sin(heading)
    return np.stack([x + cos * u - sin * v, y + sin * u + cos * v, heading + bearing])


def _line(form: Element, s: np.ndarray, length: float) -> tuple[np.ndarray, ...]:
    return s, np.zeros_like(s), np.zeros_like(s)


def _arc(form: Element, s: np.ndarray, length: float) -> tuple[np.ndarray, ...]:
    bend = form.number("curvature")
    if abs(bend) < 1e-9:
        return _line(form, s, length)
    return np.sin(bend * s) / bend, (1 - np.cos(bend * s)) / bend, bend * s


def _spiral(form: Element, s: np.ndarray, length: float) -> tuple[np.ndarray, ...]:
    """A clothoid: the heading is a parabola of s, the place an integral (by Gauss and Legendre, in parts)."""
    begin, end = form.number("curvStart"), form.number("curvEnd")
    growth = (end - begin) / max(length, 1e-9)
    turns = abs(begin) * length + abs(growth) * length**2 / 2
    if turns > 200:
        form.fail(f"turns by {turns:.0f} rad", "check its curvatures")
    parts = max(1, math.ceil(turns))
    nodes, weights = _GAUSS
    share = (np.arange(parts)[:, None] + (nodes + 1) / 2).ravel() / parts
    at = s[:, None] * share
    bearing = at * (begin + growth * at / 2)
    each = np.tile(weights, parts) / (2 * parts)
    return s * (np.cos(bearing) @ each), s * (np.sin(bearing) @ each), s * (begin + growth * s / 2)


def _poly3(form: Element, s: np.ndarray, length: float) -> tuple[np.ndarray, ...]:
    """A cubic v of u; s is the length along it."""
    a, b, c, d = (form.number(name) for name in "abcd")
    u = np.linspace(0.0, max(length, 1e-6), 400)
    slope = b + u * (2 * c + u * 3 * d)
    walked = _walked(u, np.hypot(1.0, slope))
    u = np.interp(s, walked, u)
    return u, a + u * (b + u * (c + u * d)), np.arctan(b + u * (2 * c + u * 3 * d))


def _param_poly3(form: Element, s: np.ndarray, length: float) -> tuple[np.ndarray, ...]:
    """Cubics u and v of a parameter, from 0 to 1 or to the length; s is taken in proportion to it."""
    kind = form.text("pRange", "normalized")
    if kind not in ("normalized", "arcLength"):
        form.fail(f"has pRange={kind!r}", "use normalized or arcLength")
    p = s if kind == "arcLength" else s / max(length, 1e-9)
    (u, du), (v, dv) = (
        (a + p * (b + p * (c + p * d)), b + p * (2 * c + p * 3 * d))
        for a, b, c, d in ([form.number(f"{name}{axis}") for name in "abcd"] for axis in "UV")
    )
    return u, v, np.arctan2(dv, du)


def _walked(u: np.ndarray, speed: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.diff(u) * (speed[1:] + speed[:-1]) / 2)])


_FORMS = {"line": _line, "arc": _arc, "spiral": _spiral, "poly3": _poly3, "paramPoly3": _param_poly3}


# ---- lanes


@dataclass(frozen=True)
class _Group:
    """Lanes side by side, from the left in their driving direction, through sections that follow one another.

    Attributes:
        sections: in the direction of the reference line.
        lanes: ids in each section, as many in all.
        forward: whether they are driven in the direction of the reference line.
    """

    sections: tuple[int, ...]
    lanes: tuple[tuple[int, ...], ...]
    forward: bool

    def key(self, road: str, number: int, end: bool) -> Contact:
        """Returns a lane's contact at the end (or the start) of the group in its driving direction."""
        at = -1 if end == self.forward else 0
        return (road, self.sections[at], self.lanes[at][number]), 1 if at == -1 else 0


class _Road:
    """A road of a file."""

    def __init__(self, element: Element) -> None:
        self.element, self.id = element, element.text("id")
        self.length = element.number("length")
        if not 0 < self.length <= _MOST_M:
            element.fail(f"is {self.length:g} m long", "give the length of its reference line")
        self.junction = element.text("junction", "-1") != "-1"
        self.left_hand = element.text("rule", "RHT") == "LHT"
        _require_whole(element)
        lanes = element.one("lanes")
        self.sections = sorted(lanes.all("laneSection"), key=lambda one: one.number("s")) if lanes else []
        if lanes is None or not self.sections:
            element.fail("has no laneSection", "give it lanes")
        self.offsets = list(lanes.all("laneOffset"))
        self.lanes = [self._lanes_of(section) for section in self.sections]
        starts = [section.number("s") for section in self.sections]
        self.ends = [*starts[1:], self.length]
        self.starts = [0.0, *starts[1:]]

    @staticmethod
    def _lanes_of(section: Element) -> dict[int, Element]:
        found: dict[int, Element] = {}
        for side in section.parts:
            if side.name not in ("left", "right"):
                continue
            for lane in side.all("lane"):
                number = lane.number("id")
                if number != int(number) or number == 0 or (number > 0) != (side.name == "left"):
                    lane.fail(
                        f"is on the {side.name}", "ids are whole, positive to the left, negative to the right"
                    )
                found[int(number)] = lane
        return found

    def driven(self, section: int, lane: int) -> bool:
        """Returns whether cars drive on a lane."""
        return self.lanes[section][lane].text("type", "none") in DRIVEN

    def forward(self, lane: int) -> bool:
        """Returns whether a lane is driven in the direction of the reference line."""
        return (lane < 0) != self.left_hand

    def groups(self) -> Iterator[_Group]:
        """Yields all lanes that are driven on, in groups."""
        for forward in (True, False):
            rows = [self._rows(section, forward) for section in range(len(self.sections))]
            last: list[_Group] = []
            for section, row in enumerate(rows):
                here = [_Group((section,), (lanes,), forward) for lanes in row]
                if last and [len(one.lanes[-1]) for one in last] == [len(one.lanes[0]) for one in here]:
                    before = [one.lanes[-1] for one in last]
                    if all(self._goes_on(section, a, b) for a, b in zip(before, row, strict=True)):
                        last = [
                            _Group((*a.sections, section), (*a.lanes, *b.lanes), forward)
                            for a, b in zip(last, here, strict=True)
                        ]
                        continue
                yield from last
                last = here
            yield from last

    def _goes_on(self, section: int, before: Sequence[int], after: Sequence[int]) -> bool:
        """Returns whether each lane leads into that of the section after it."""
        return all(
            _linked(self.lanes[section - 1][a], "successor", a) == b
            for a, b in zip(before, after, strict=True)
        )

    def _rows(self, section: int, forward: bool) -> list[tuple[int, ...]]:
        """Returns the lanes of a section that are driven in a direction, from the left.

        Those between which others lie are apart.
        """
        ids = sorted(
            (k for k in self.lanes[section] if self.driven(section, k) and self.forward(k) == forward),
            key=abs,
            reverse=self.left_hand,
        )
        rows: list[tuple[int, ...]] = []
        for lane in ids:
            if rows and abs(rows[-1][-1] - lane) == 1:
                rows[-1] = (*rows[-1], lane)
            else:
                rows.append((lane,))
        return rows

    def line(self, group: _Group, number: int) -> tuple[Line, float]:
        """Returns the centre of a lane of a group in its driving direction, and its mean width, m."""
        parts, widths = list[np.ndarray](), list[np.ndarray]()
        for section, lanes in zip(group.sections, group.lanes, strict=True):
            low, high = self.starts[section], self.ends[section]
            s = np.linspace(low, high, max(2, math.ceil((high - low) / _STEP) + 1))
            x, y, heading = reference_line(self.element, s)
            lane = lanes[number]
            sign = 1 if lane > 0 else -1
            t, width = _cubics(self.offsets, s, "s"), np.zeros_like(s)
            for k in range(1, abs(lane) + 1):
                if sign * k not in self.lanes[section]:
                    self.element.fail(
                        f"has a lane {lane} and no lane {sign * k}", "number its lanes from the middle"
                    )
                t += sign * width / 2
                width = self._width(section, sign * k, s)
                t += sign * width / 2
            parts.append(np.stack([x - np.sin(heading) * t, -(y + np.cos(heading) * t)]))
            widths.append(width)
        x, y = np.concatenate(parts, 1)
        if not group.forward:
            x, y = x[::-1], y[::-1]
        fresh = np.concatenate([[True], np.hypot(np.diff(x), np.diff(y)) > 1e-3])
        x, y = x[fresh], y[fresh]
        if len(x) < 2 or np.hypot(np.diff(x), np.diff(y)).sum() < _LEAST_LENGTH:
            return (x, y, np.zeros_like(x)), 0.0
        edge = 2 if len(x) > 2 else 1
        heading = np.unwrap(np.arctan2(np.gradient(y, edge_order=edge), np.gradient(x, edge_order=edge)))
        return (x, y, heading), float(np.concatenate(widths).mean())

    def _width(self, section: int, lane: int, s: np.ndarray) -> np.ndarray:
        element = self.lanes[section][lane]
        cubics = list(element.all("width"))
        if not cubics and not any(element.all("border")):
            element.fail(f"of road {self.id!r} has no width", "give it one")
        if not cubics:
            element.fail(f"of road {self.id!r} has borders", "give widths instead")
        return np.maximum(_cubics(cubics, s - self.starts[section], "sOffset"), 0.0)

    def limit(self, group: _Group, number: int) -> float:
        """Returns the speed limit of a lane, m/s."""
        element = self.lanes[group.sections[0]][group.lanes[0][number]]
        speed = element.one("speed")
        if speed is None:
            of_type = self.element.one("type")
            speed = of_type.one("speed") if of_type else None
        if speed is None:
            return DEFAULT_LIMIT
        given, unit = speed.text("max"), speed.text("unit", "")
        if given in ("no limit", "undefined"):
            return _FASTEST if given == "no limit" else DEFAULT_LIMIT
        if unit not in _UNITS:
            speed.fail(f"of road {self.id!r} has unit={unit!r}", f"use {', '.join(filter(None, _UNITS))}")
        found = speed.number("max") * _UNITS[unit]
        if found <= 0:
            speed.fail(f"of road {self.id!r} is {found:g} m/s", "give one above 0")
        return min(found, _FASTEST)


def _cubics(elements: Sequence[Element], s: np.ndarray, begin: str) -> np.ndarray:
    """Returns at s (n,) the cubic among `elements` that begins last before it; 0 where none does."""
    found = np.zeros_like(s)
    for one in sorted(elements, key=lambda one: one.number(begin)):
        a, b, c, d = (one.number(name, 0.0) for name in "abcd")
        u = s - one.number(begin)
        found = np.where(u >= -1e-6, a + u * (b + u * (c + u * d)), found)
    return found


def _linked(lane: Element, way: str, default: int | None) -> int | None:
    """Returns the id of the lane before or after a lane, as it says; the default where it says nothing."""
    link = lane.one("link")
    there = link.one(way) if link else None
    return default if there is None else round(there.number("id"))


# ---- what leads where


class _Links:
    """Which ends of lanes meet, from what roads, junctions and lanes say; ends that meet are one node."""

    def __init__(self, root: Element, roads: dict[str, _Road]) -> None:
        self.roads = roads
        self.junctions = {one.text("id"): one for one in root.all("junction")}
        self.leader: dict[Contact, Contact] = {}
        self.joints: list[tuple[Element, Contact, Contact]] = []
        self.priority: dict[str, int] = {}
        self.incoming: dict[str, str] = {}
        for road in roads.values():
            self._within(road)
            self._beyond(road)
        for junction in self.junctions.values():
            self._through(junction)

    def node(self, contact: Contact) -> Contact:
        """Returns the node at an end of a lane."""
        while self.leader.get(contact, contact) != contact:
            contact = self.leader[contact]
        return contact

    def meet(self, one: Contact, other: Contact) -> None:
        """Makes one node of two ends of lanes."""
        first, second = self.node(one), self.node(other)
        if first != second:
            self.leader[second] = first

    def _within(self, road: _Road) -> None:
        for section in range(1, len(road.sections)):
            for lane, element in road.lanes[section - 1].items():
                after = _linked(element, "successor", None)
                if after in road.lanes[section]:
                    self.meet(((road.id, section - 1, lane), 1), ((road.id, section, after), 0))
            for lane, element in road.lanes[section].items():
                before = _linked(element, "predecessor", None)
                if before in road.lanes[section - 1]:
                    self.meet(((road.id, section, lane), 0), ((road.id, section - 1, before), 1))

    def _beyond(self, road: _Road) -> None:
        link = road.element.one("link")
        for way, end in (("predecessor", 0), ("successor", 1)):
            there = link.one(way) if link else None
            if there is None or there.text("elementType", "road") == "junction":
                continue
            other = self._road(there, there.text("elementId"))
            section = len(road.sections) - 1 if end else 0
            for lane, element in road.lanes[section].items():
                number = _linked(element, way, None)
                if number is not None:
                    self._join(
                        element, (road, lane, end), (other, number, there.text("contactPoint", "start"))
                    )

    def _through(self, junction: Element) -> None:
        for connection in junction.all("connection"):
            if "connectingRoad" not in connection.attributes:
                continue
            coming = self._road(connection, connection.text("incomingRoad"))
            through = self._road(connection, connection.text("connectingRoad"))
            contact = connection.text("contactPoint", "start")
            end = self._end_at(coming, junction, through, contact)
            self.incoming[through.id] = coming.id
            for pair in connection.all("laneLink"):
                lanes = [round(pair.number(name)) for name in ("from", "to")]
                self._join(pair, (coming, lanes[0], end), (through, lanes[1], contact))
        for one in junction.all("priority"):
            for name in (one.text("high", ""), self.incoming.get(one.text("high", ""), "")):
                self.priority[name] = 3

    def _end_at(self, road: _Road, junction: Element, through: _Road, contact: str) -> int:
        """Returns which end of a road is at a junction: 0 or 1."""
        link = road.element.one("link")
        ends = []
        for way, end in (("predecessor", 0), ("successor", 1)):
            there = link.one(way) if link else None
            if there is not None and there.text("elementId") == junction.text("id"):
                ends.append(end)
        if not ends:
            road.element.fail(
                f"comes into junction {junction.text('id')!r} and has no link to it", "link them"
            )
        if len(ends) == 1:
            return ends[0]
        at = reference_line(through.element, np.array([0.0 if contact == "start" else through.length]))
        line = reference_line(road.element, np.array([0.0, road.length]))
        away = np.hypot(line[0] - at[0], line[1] - at[1])
        return int(away.argmin())

    def _road(self, element: Element, name: str) -> _Road:
        if name not in self.roads:
            element.fail(
                f"names road {name!r}, which there is not", "name one of the file's roads, or take it out"
            )
        return self.roads[name]

    def _join(self, element: Element, one: tuple[_Road, int, int], other: tuple[_Road, int, str]) -> None:
        """Joins a lane's end to that of a lane of another road."""
        (road, lane, end), (there, number, contact) = one, other
        if contact not in ("start", "end"):
            element.fail(f"has contactPoint={contact!r}", "use start or end")
        at = 0 if contact == "start" else 1
        sections = len(road.sections) - 1 if end else 0, len(there.sections) - 1 if at else 0
        for which, section, k in ((road, sections[0], lane), (there, sections[1], number)):
            if k not in which.lanes[section]:
                element.fail(
                    f"leads to lane {k} of road {which.id!r}, which there is not", "link lanes that there are"
                )
        contacts = ((road.id, sections[0], lane), end), ((there.id, sections[1], number), at)
        self.joints.append((element, *contacts))
        self.meet(*contacts)

    def require_touching(self, ways: Sequence[_Way]) -> None:
        """Raises ValueError for lanes that are linked and do not touch."""
        places: dict[Contact, tuple[float, float]] = {}
        for way in ways:
            for number, (x, y, _) in zip(way.numbers, way.lines, strict=True):
                for at_end in (False, True):
                    place = (float(x[-at_end]), float(y[-at_end]))
                    places[way.group.key(way.road.id, number, at_end)] = place
        for element, one, other in self.joints:
            if one in places and other in places:
                apart = math.dist(places[one], places[other])
                if apart > JOINT_M:
                    (road, _, lane), (x, y) = one[0], places[one]
                    element.fail(
                        f"links lane {lane} of road {road!r}, at ({x:.1f}, {-y:.1f}), to lane {other[0][2]} "
                        f"of road {other[0][0]!r}, {apart:.1f} m away",
                        f"let their ends be less than {JOINT_M:g} m apart, or take the link out",
                    )


@dataclass(frozen=True)
class _Way:
    """Lanes of a group, side by side, that are wide enough.

    Attributes:
        numbers: of the lanes in the group.
        lines, widths: of each of them.
    """

    road: _Road
    group: _Group
    numbers: tuple[int, ...]
    lines: tuple[Line, ...]
    widths: tuple[float, ...]

    def parts(self, links: _Links) -> Iterator[tuple[tuple[str, str], list[Lane]]]:
        """Yields the lanes with the nodes between which they lead, in parts where they are long and bend."""
        ends = [self.group.key(self.road.id, self.numbers[0], at_end) for at_end in (False, True)]
        start, end = (" ".join(map(str, (*key, side))) for key, side in map(links.node, ends))
        bends = any(float(np.abs(np.diff(heading)).sum()) > 1e-3 for _, _, heading in self.lines)
        longest = max(float(np.hypot(np.diff(x), np.diff(y)).sum()) for x, y, _ in self.lines)
        count = math.ceil(longest / _LONGEST_CURVE) if bends else 1
        own = f"{ends[0]}"
        nodes = [start, *(f"{own} part {k}" for k in range(1, count)), end]
        for k in range(count):
            lanes = [self._lane(at, (k, count), links) for at in range(len(self.numbers))]
            yield (nodes[k], nodes[k + 1]), lanes

    def _lane(self, at: int, part: tuple[int, int], links: _Links) -> Lane:
        x, y, heading = self.lines[at]
        s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        low, high = (s[-1] * k / part[1] for k in (part[0], part[0] + 1))
        cut = np.unique(np.concatenate([[low], s[(s > low) & (s < high)], [high]]))
        line = (np.interp(cut, s, x), np.interp(cut, s, y), np.interp(cut, s, heading))
        last = at == len(self.numbers) - 1
        left, right = DASHED if at == 0 else NO_LINE, SOLID if last else DASHED
        return lane_along(
            line,
            self.road.limit(self.group, self.numbers[at]),
            width=self.widths[at],
            priority=self._priority(heading, links),
            lines=(NO_LINE, NO_LINE) if self.road.junction else (left, right),
        )

    def _priority(self, heading: np.ndarray, links: _Links) -> int:
        """Returns who goes first: who turns across those who come has less priority."""
        across = turn(float(heading[0]), float(heading[-1])) * (1 if self.road.left_hand else -1)
        return links.priority.get(self.road.id, 1) - (self.road.junction and across > _ACROSS)


def _ways(road: _Road, group: _Group) -> Iterator[_Way]:
    """Yields the lanes of a group that are wide enough, those side by side together."""
    lines = [road.line(group, number) for number in range(len(group.lanes[0]))]
    wide = [number for number, (_, width) in enumerate(lines) if width >= _LEAST_WIDTH]
    for _, together in itertools.groupby(enumerate(wide), key=lambda pair: pair[1] - pair[0]):
        numbers = tuple(number for _, number in together)
        chosen = [lines[number] for number in numbers]
        yield _Way(road, group, numbers, tuple(line for line, _ in chosen), tuple(w for _, w in chosen))
