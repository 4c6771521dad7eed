"""Where roads meet: lanes between poses, and the ways from every road to every other one."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, SOLID, Lane, RoadMap, curve, straight

COMFORT = 2.5  # m/s², with which bends are driven at their limit
LEAST_LIMIT = 3.0  # m/s
SAMPLES = 33
_LEFT = _RIGHT = 0.5  # rad, from which on a way turns

Point = tuple[float, float]
Line = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Samples x, y (m) and heading (rad) along a line."""


class Pose(NamedTuple):
    """A place (m) and a direction (rad)."""

    x: float
    y: float
    heading: float


class Arm(NamedTuple):
    """A road at a junction.

    Attributes:
        come: where its lanes into the junction end, from the left; none: it only leads out.
        go: where its lanes out of it begin.
        nodes: of those who come and of those who go.
        priority: of those who come.
        limit: m/s.
        width: of a lane, m.
    """

    come: Sequence[Pose]
    go: Sequence[Pose]
    nodes: tuple[str, str]
    priority: int = 1
    limit: float = 13.9
    width: float = 3.5


def turn(one: float, other: float) -> float:
    """Returns the angle from one direction to another, in [-π, π]; to the right it is positive."""
    return math.remainder(other - one, 2 * math.pi)


def bent(start: Pose, end: Pose) -> Line:
    """Returns a Bézier curve between two poses, as round as it can be."""
    chord = math.hypot(end.x - start.x, end.y - start.y)
    angle = abs(turn(start.heading, end.heading))
    arm = chord / 3
    if angle > 1e-3:
        arm = min(4 / 3 * math.tan(angle / 4) * chord / (2 * math.sin(angle / 2)), 2 * chord)
    u = np.linspace(0.0, 1.0, SAMPLES)
    v = 1 - u
    found = []
    for a, d, begin, finish in (
        (start.x, end.x, math.cos(start.heading), math.cos(end.heading)),
        (start.y, end.y, math.sin(start.heading), math.sin(end.heading)),
    ):
        b, c = a + arm * begin, d - arm * finish
        found.append(v * v * (v * a + 3 * u * b) + u * u * (3 * v * c + u * d))
        found.append(v * v * (b - a) + 2 * u * v * (c - b) + u * u * (d - c))
    x, dx, y, dy = found
    return x, y, np.unwrap(np.arctan2(dy, dx))


def lane_along(line: Line, limit: float, **kind: object) -> Lane:
    """Returns a lane along a line, whose limit is at most what its bends allow."""
    x, y, heading = line
    chords, turns = np.hypot(np.diff(x), np.diff(y)), np.abs(np.diff(heading))
    if float(turns.sum()) < 1e-3:
        return straight((float(x[0]), float(y[0])), (float(x[-1]), float(y[-1])), limit=limit, **kind)
    bend = float((turns / np.maximum(chords, 0.05)).max())
    return curve(x, y, heading, limit=max(min(limit, math.sqrt(COMFORT / bend)), LEAST_LIMIT), **kind)


def beside(line: Line, right: float | np.ndarray) -> Line:
    """Returns the line that runs so many metres to the right of another one."""
    x, y, heading = line
    return x - np.sin(heading) * right, y + np.cos(heading) * right, heading


def add_turns(roads: RoadMap, arms: Sequence[Arm]) -> None:
    """Adds the ways from each arm to each other one; turning left is of less priority.

    To the left they lead from the left lane into the left one, to the right from the right lane into the
    right one, and straight on from all.
    """
    for one, other in itertools.permutations(arms, 2):
        if not one.come or not other.go:
            continue
        angle = turn(one.come[0].heading, other.go[0].heading)
        onward = len(arms) == 2 or -_LEFT <= angle <= _RIGHT
        priority = one.priority - (angle < -_LEFT and len(arms) > 2)
        pairs = [(0, 0)] if angle < 0 else [(len(one.come) - 1, len(other.go) - 1)]
        if onward:
            count = len(one.come) if len(arms) == 2 else min(len(one.come), len(other.go))
            pairs = [(k, min(k, len(other.go) - 1)) for k in range(count)]
        for at, (start, end) in enumerate(pairs):
            last = at == len(pairs) - 1
            lines = (DASHED, SOLID if last else DASHED) if len(arms) == 2 else (NO_LINE, NO_LINE)
            if len(arms) > 2 and angle > _RIGHT:
                lines = (NO_LINE, SOLID)
            lane = lane_along(
                bent(one.come[start], other.go[end]),
                min(one.limit, other.limit),
                width=min(one.width, other.width),
                priority=priority,
                lines=lines,
            )
            roads.add(one.nodes[0], other.nodes[1], lane)
