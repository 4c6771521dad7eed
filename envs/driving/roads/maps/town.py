"""Towns drawn at random: crossings, roundabouts and bends on a lattice, and the roads between them.

Roads have one lane each way; some widen to two for a while, which then merge. Traffic keeps to the right.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from quadrivium.envs.driving.roads.maps.junction import (
    COMFORT,
    SAMPLES,
    Arm,
    Line,
    Point,
    Pose,
    add_turns,
    bent,
    beside,
    lane_along,
    turn,
)
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, RoadMap, arc

LIMITS = (8.3, 11.1, 13.9)
"""m/s, of roads: 30, 40 and 50 km/h."""

_SIDE, _SPACING, _JITTER = 3, 115.0, 16.0  # sites along a side of the lattice; m
_SWING = 0.35  # rad by which a road leaves a site beside the direction of the next one, at most
_LEAST_ANGLE = 0.95  # rad between the roads of a site
_ROUNDABOUT, _MAJOR, _WIDE, _MORE_ROADS = 0.4, 0.6, 0.4, 0.75  # shares
_RING, _OPENING = (13.0, 19.0), 0.45  # m: its radius; rad from a road to where it enters the ring
_TURN = 9.0  # m, the least radius of a turn
_TAPER, _ENDS = 22.0, 8.0  # m, in which a second lane comes and goes, and before and behind that


@dataclass
class _Site:
    """A place where roads meet.

    Attributes:
        arms: the direction (rad) of the road to each neighbour.
        mouth: m from the middle to where those roads begin.
        ring: m, the radius of a roundabout; 0: a crossing or a bend.
        major: the neighbours whose roads have priority; none: no road has.
    """

    middle: Point
    arms: dict[int, float] = field(default_factory=dict)
    mouth: float = 0.0
    ring: float = 0.0
    major: tuple[int, ...] = ()


def draw_town(rng: np.random.Generator) -> RoadMap:
    """Returns a town in which every place can be reached from every other one."""
    width = float(rng.uniform(3.4, 4.0))
    while True:
        sites = _sites(rng)
        if sites is not None:
            break
    roads = RoadMap(joined=True)
    for k, site in sites.items():
        (_add_roundabout if site.ring else _add_crossing)(roads, k, site, width)
    for k, site in sites.items():
        for other in site.arms:
            if k < other:
                _add_road(rng, roads, sites, (k, other), width)
    return roads


def _sites(rng: np.random.Generator) -> dict[int, _Site] | None:
    """Draws sites and which of them are neighbours; None where roads would leave one too close together."""
    count = _SIDE * _SIDE
    grid = np.stack(np.divmod(np.arange(count), _SIDE), 1)[:, ::-1] - (_SIDE - 1) / 2
    middles = _SPACING * grid + rng.uniform(-_JITTER, _JITTER, (count, 2))
    pairs = [(k, k + 1) for k in range(count) if (k + 1) % _SIDE]
    pairs += [(k, k + _SIDE) for k in range(count - _SIDE)]
    neighbours: dict[int, set[int]] = {k: set() for k in range(count)}
    group = list(range(count))
    for k in rng.permutation(len(pairs)):
        one, other = pairs[k]
        if group[one] != group[other] or rng.random() < _MORE_ROADS:
            neighbours[one].add(other)
            neighbours[other].add(one)
            group = [group[one] if part == group[other] else part for part in group]
    while ends := [k for k, others in neighbours.items() if len(others) < 2]:
        for k in ends:
            for other in neighbours.pop(k):
                if other in neighbours:
                    neighbours[other].discard(k)
    if len(neighbours) < 6:
        return None
    sites = {k: _Site((float(middles[k, 0]), float(middles[k, 1]))) for k in sorted(neighbours)}
    for k, site in sites.items():
        for other in sorted(neighbours[k]):
            (x, y), (to_x, to_y) = site.middle, sites[other].middle
            site.arms[other] = math.atan2(to_y - y, to_x - x) + float(rng.uniform(-_SWING, _SWING))
        least = min(abs(turn(a, b)) for a, b in itertools.combinations(site.arms.values(), 2))
        if least < _LEAST_ANGLE:
            return None
        _shape(rng, site, least)
    return sites


def _shape(rng: np.random.Generator, site: _Site, least: float) -> None:
    """Draws what a site is; least: the angle between two of its roads, rad."""
    if len(site.arms) > 2 and rng.random() < _ROUNDABOUT:
        site.ring = float(rng.uniform(*_RING))
        site.mouth = site.ring + 15.0
        return
    site.mouth = max(11.0, (_TURN + 2.0) / math.tan(least / 2))
    if len(site.arms) > 2 and rng.random() < _MAJOR:
        pairs = itertools.combinations(site.arms, 2)
        site.major = max(pairs, key=lambda pair: abs(turn(site.arms[pair[0]], site.arms[pair[1]])))


def _place(site: _Site, direction: float, out: float, right: float) -> Point:
    """Returns the place `out` m from the middle in a direction (rad), and `right` m to the right of that."""
    cos, sin = math.cos(direction), math.sin(direction)
    return site.middle[0] + out * cos - right * sin, site.middle[1] + out * sin + right * cos


def _add_crossing(roads: RoadMap, k: int, site: _Site, width: float) -> None:
    """Adds the ways from each road of a site to each other one."""
    arms = [
        Arm(
            come=(Pose(*_place(site, direction, site.mouth, -width / 2), direction + math.pi),),
            go=(Pose(*_place(site, direction, site.mouth, width / 2), direction),),
            nodes=(f"{k}<{arm}", f"{k}>{arm}"),
            priority=_priority(site, arm),
            width=width,
        )
        for arm, direction in site.arms.items()
    ]
    add_turns(roads, arms)


def _priority(site: _Site, arm: int) -> int:
    """Returns the priority of those who come to a site from a neighbour."""
    return 3 if arm in site.major else 1


def _add_roundabout(roads: RoadMap, k: int, site: _Site, width: float) -> None:
    """Adds a ring, driven against the clock, and the ways in and out, which are of less priority."""
    half, order = width / 2, sorted(site.arms, key=lambda arm: -site.arms[arm])
    ring = {"width": width, "priority": 5, "lines": (SOLID, NO_LINE)}
    ring["limit"] = math.sqrt(COMFORT * site.ring)
    for arm, after in zip(order, [*order[1:], order[0]], strict=True):
        out, into = site.arms[arm] + _OPENING, site.arms[arm] - _OPENING
        to = site.arms[after] + _OPENING
        to -= 2 * math.pi * math.ceil((to - into) / (2 * math.pi))
        roads.add(f"{k}:{arm}x", f"{k}:{arm}e", arc(site.middle, site.ring, out, into, **ring))
        middle = _ring_nodes(roads, f"{k}:{arm}e", f"{k}:{after}x", into, to)
        for one, other, begin, end in middle:
            roads.add(one, other, arc(site.middle, site.ring, begin, end, **ring))
        kind = {"width": width, "lines": (DASHED, SOLID)}
        direction = site.arms[arm]
        mouth = Pose(*_place(site, direction, site.mouth, -half), direction + math.pi)
        line = bent(mouth, Pose(*_place(site, into, site.ring, 0.0), into - math.pi / 2))
        roads.add(f"{k}<{arm}", f"{k}:{arm}e", lane_along(line, LIMITS[-1], priority=1, **kind))
        mouth = Pose(*_place(site, direction, site.mouth, half), direction)
        line = bent(Pose(*_place(site, out, site.ring, 0.0), out - math.pi / 2), mouth)
        roads.add(f"{k}:{arm}x", f"{k}>{arm}", lane_along(line, LIMITS[-1], priority=5, **kind))


def _ring_nodes(
    roads: RoadMap, start: str, end: str, begin: float, to: float
) -> list[tuple[str, str, float, float]]:
    """Returns the parts of a ring between two nodes: two where it is more than half a circle."""
    if begin - to < math.pi - 0.1:
        return [(start, end, begin, to)]
    half = (begin + to) / 2
    return [(start, f"{start}h", begin, half), (f"{start}h", end, half, to)]


def _add_road(
    rng: np.random.Generator,
    roads: RoadMap,
    sites: Mapping[int, _Site],
    pair: tuple[int, int],
    width: float,
) -> None:
    """Adds the lanes from one site to another, and back."""
    other, ends = pair[1], (sites[pair[0]], sites[pair[1]])
    begin, end = (
        Pose(*_place(site, site.arms[to], site.mouth, 0.0), site.arms[to])
        for site, to in zip(ends, pair[::-1], strict=True)
    )
    line = bent(begin, end._replace(heading=end.heading + math.pi))
    limit = float(rng.choice(LIMITS))
    for a, b in (pair, pair[::-1]):
        if a == other:
            line = (line[0][::-1], line[1][::-1], line[2][::-1] + math.pi)
        priority = 1 if sites[b].ring else _priority(sites[b], a)
        kind = {"width": width, "limit": limit}
        _add_way(roads, (f"{a}>{b}", f"{b}<{a}"), line, rng.random() < _WIDE, priority, kind)


def _add_way(
    roads: RoadMap,
    nodes: tuple[str, str],
    middle: Line,
    wide: bool,
    priority: int,
    kind: Mapping[str, float],
) -> None:
    """Adds the lane to the right of a line; wide: for a while there is a second one to the right of it."""
    width = kind["width"]
    line = beside(middle, width / 2)
    s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(line[0]), np.diff(line[1])))])
    length = float(s[-1])
    if not wide or length < 2 * (_ENDS + _TAPER) + 10.0:
        roads.add(*nodes, lane_along(line, lines=(DASHED, SOLID), priority=priority, **kind))
        return
    cuts = (0.0, _ENDS, length - _ENDS, length)
    names = (nodes[0], f"{nodes[0]}w", f"{nodes[1]}w", nodes[1])
    for part, (low, high) in enumerate(itertools.pairwise(cuts)):
        at = np.linspace(low, high, SAMPLES)
        x, y, heading = (np.interp(at, s, one) for one in line)
        lines = (DASHED, SOLID if part != 1 else DASHED)
        lanes = [lane_along((x, y, heading), lines=lines, priority=priority, **kind)]
        if part == 1:
            along = at - low
            share = np.clip(np.minimum(along, along[-1] - along) / _TAPER, 0, 1)
            aside = width * share**2 * (3 - 2 * share)
            slope = np.sign(along[-1] / 2 - along) * width * 6 * share * (1 - share) / _TAPER
            second = beside((x, y, heading), aside)[:2]
            line_2 = (*second, heading + np.arctan(slope))
            lanes.append(lane_along(line_2, lines=(NO_LINE, SOLID), priority=priority - 1, **kind))
        roads.add(names[part], names[part + 1], *lanes)
