# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""How robots in a map move and touch things, and where they believe to be: what the worlds with maps share.

Of the record these functions use the fields of `body_fields`, and `map`.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, wrap_to_pi
from quadrivium.envs.core.lane import Ranges, lane
from quadrivium.envs.core.rng import normal
from quadrivium.envs.core.turns import turn_of
from quadrivium.envs.navigation.clearance import disc_fits, interpolated
from quadrivium.envs.navigation.footprint import gap_between, outline_fits, outline_gap, outlines_meet
from quadrivium.envs.navigation.robots import (
    ACKERMANN,
    HOLONOMIC,
    MAX_STEERING,
    along_arc,
    approach,
    motion,
    shaken,
)

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_FASTEST = 1e6  # m/s or rad/s, far beyond what noise makes of the highest velocity


def body_fields(robots: int) -> list[tuple[str, str, tuple[int]]]:
    """Returns the fields of a record that hold how so many robots stand and move."""
    own = (robots,)
    return [
        ("x", "f4", own),  # m
        ("y", "f4", own),
        ("heading", "f4", own),  # rad
        ("first", "f4", own),  # the drive's velocities: see `quadrivium.envs.navigation.robots`
        ("second", "f4", own),
        ("believed_x", "f4", own),  # m, by odometry
        ("believed_y", "f4", own),
        ("believed_heading", "f4", own),
        ("from_x", "f4", own),  # scratch: the pose before the step
        ("from_y", "f4", own),
        ("from_heading", "f4", own),
        ("active", "i4", own),  # 0 when done
        ("path_m", "f4", own),  # m driven
        ("change", "f4", own),  # sum of the changes of speed (m/s) and of turn rate (rad/s) from step to step
    ]


BODY_RANGES: Ranges = {
    "first": (-_FASTEST, _FASTEST),  # a step is driven in pieces, the more the faster
    "second": (-_FASTEST, _FASTEST),
    "active": (0, 1),
}


@lane
def stand(s, r, x, y, heading):
    """Puts robot `r` at a pose (m, m, rad), at rest, and lets it know."""
    s.x[r], s.y[r], s.heading[r] = x, y, heading
    s.believed_x[r], s.believed_y[r], s.believed_heading[r] = x, y, heading
    s.first[r], s.second[r] = _ZERO, _ZERO
    s.active[r], s.path_m[r], s.change[r] = 1, _ZERO, _ZERO


@lane
def pick_map(s, p):
    """Sets the map of the episode, in turn."""
    s.map = turn_of(s, p.occupied.shape[0])


@lane
def second_limit(p):
    """Returns the highest second velocity of a drive: sideways m/s, steering angle in rad, or rad/s."""
    if p.drive == HOLONOMIC:
        return np.float32(p.max_speed)
    return MAX_STEERING if p.drive == ACKERMANN else np.float32(p.max_turn)


@lane
def write_velocities(s, p, r, out, at):
    """Writes both velocities of robot `r` by their highest into `out[at]` and the number after it."""
    out[at] = clip(s.first[r] / np.float32(p.max_speed), -_ONE, _ONE)
    out[at + 1] = clip(s.second[r] / second_limit(p), -_ONE, _ONE)


@lane
def accelerate(s, p, r, action):
    """Brings the velocities of robot `r` as near to those wanted as its acceleration allows."""
    if p.discrete != 0:
        choice = np.int32(action[r])
        first, second = p.moves[choice, 0], p.moves[choice, 1]
    else:
        first, second = np.float32(action[2 * r]), np.float32(action[2 * r + 1])
    most, dt = np.float32(p.max_speed), np.float32(p.dt)
    change, turn_change = np.float32(p.acceleration) * dt, np.float32(p.turn_acceleration) * dt
    before_first, before_second = s.first[r], s.second[r]
    if p.drive == HOLONOMIC:
        scale = most / max(math.sqrt(first * first + second * second), _ONE)
        dx, dy = scale * first - s.first[r], scale * second - s.second[r]
        share = min(change / max(math.sqrt(dx * dx + dy * dy), np.float32(1e-6)), _ONE)
        s.first[r] += share * dx
        s.second[r] += share * dy
    else:
        s.first[r] = approach(s.first[r], speed_wanted(p, first), change)
        s.second[r] = approach(s.second[r], second_limit(p) * second, turn_change)
    s.change[r] += abs(s.first[r] - before_first) + abs(s.second[r] - before_second)


@lane
def speed_wanted(p, first):
    """Returns the speed in m/s that an action's first number asks for, from full reverse (−1) to full (1)."""
    back = np.float32(p.max_reverse)
    return (np.float32(p.max_speed) + back) * _HALF * (_ONE + first) - back


@lane
def action_for(p, speed):
    """Returns the first number of the action that asks for a speed in m/s."""
    back = np.float32(p.max_reverse)
    return np.float32(2.0) * (speed + back) / (np.float32(p.max_speed) + back) - _ONE


@lane
def drive(s, p):
    """Moves all robots along their arcs, a piece at a time; returns a bit for each that touched something."""
    pieces = set_out(s, p, _ZERO)
    touched, halted = 0, 0
    for _ in range(pieces):
        touched, halted = drive_on(s, p, pieces, touched, halted)
    for r in range(s.x.shape[0]):
        if s.active[r] != 0:
            reckon(s, p, r)
    return touched


@lane
def set_out(s, p, others):
    """Begins a step of all robots, among others that go at so many m/s; returns in how many pieces it is
    driven.

    A piece is at most half a radius or half a cell long, so that nothing is thin enough to be passed through;
    so is the way of a corner that a turn swings.
    """
    robots, dt = s.x.shape[0], np.float32(p.dt)
    fastest, noise = others, np.float32(p.actuation_noise)
    for r in range(robots):
        s.from_x[r], s.from_y[r], s.from_heading[r] = s.x[r], s.y[r], s.heading[r]
        if s.active[r] != 0:
            s.first[r], s.second[r] = shaken(s, s.first[r], noise), shaken(s, s.second[r], noise)
            speed = abs(s.first[r]) + (abs(s.second[r]) if p.drive == HOLONOMIC else _ZERO)
            if p.footprint.shape[0] > 0:
                turn = motion(p.drive, s.heading[r], s.first[r], s.second[r], np.float32(p.radius))[2]
                speed += abs(turn) * np.float32(p.radius)
            fastest = max(fastest, speed)
    piece = _HALF * min(np.float32(p.radius), np.float32(p.resolution))
    return max(np.int32(math.ceil(fastest * dt / piece)), 1)


@lane
def drive_on(s, p, pieces, touched, halted):
    """Moves all robots by one of the pieces of a step; returns bits for those that touched, and that stopped.

    Who would drive into something stays where it was just before, and stands still. A robot in its way has
    been touched as well, whichever of the two was moved first, but may drive on.
    """
    part = np.float32(p.dt) / np.float32(pieces)
    for r in range(s.x.shape[0]):
        if s.active[r] != 0 and (halted >> r) & 1 == 0:
            met = advance(s, p, r, part)
            if met != 0:
                touched |= met
                halted |= 1 << r
                s.first[r], s.second[r] = _ZERO, _ZERO
    return touched, halted


@lane
def advance(s, p, r, part):
    """Moves robot `r` on for `part` seconds if nothing is there; returns what `contacts` would have been."""
    axles = np.float32(p.radius)
    direction, speed, turn = motion(p.drive, s.heading[r], s.first[r], s.second[r], axles)
    dx, dy = along_arc(direction, speed, turn, part)
    heading = wrap_to_pi(s.heading[r] + turn * part)
    met = contacts(s, p, r, s.x[r] + dx, s.y[r] + dy, heading)
    if met != 0:
        return met
    s.x[r] += dx
    s.y[r] += dy
    s.heading[r] = heading
    s.path_m[r] += abs(speed) * part
    return 0


@lane
def contacts(s, p, r, x, y, heading):
    """Returns a bit for robot `r` and for each that it would touch at a pose; 0 if that is nothing."""
    radius, resolution = np.float32(p.radius), np.float32(p.resolution)
    occupied, clearance = p.occupied[s.map], p.clearance[s.map]
    met = 0
    for q in range(s.x.shape[0]):
        if q != r and s.active[q] != 0:
            dx, dy = s.x[q] - x, s.y[q] - y
            if dx * dx + dy * dy < np.float32(4.0) * radius * radius and (
                p.footprint.shape[0] == 0
                or outlines_meet(p.footprint, x, y, heading, s.x[q], s.y[q], s.heading[q])
            ):
                met |= 1 << q
    if met == 0:
        if p.footprint.shape[0] == 0:
            if disc_fits(occupied, clearance, x, y, radius, resolution):
                return 0
        elif outline_fits(occupied, clearance, x, y, heading, p.footprint, radius, resolution):
            return 0
    return met | 1 << r


@lane
def reckon(s, p, r):
    """Moves where robot `r` believes to be by what its odometry measured; without noise, to where it is."""
    noise = np.float32(p.odometry_noise)
    if noise == _ZERO:
        s.believed_x[r], s.believed_y[r], s.believed_heading[r] = s.x[r], s.y[r], s.heading[r]
        return
    dx, dy = s.x[r] - s.from_x[r], s.y[r] - s.from_y[r]
    turned = shaken(s, wrap_to_pi(s.heading[r] - s.from_heading[r]), noise)
    drift = s.believed_heading[r] - s.from_heading[r] + noise * math.sqrt(dx * dx + dy * dy) * normal(s)
    scale = shaken(s, _ONE, noise)
    cos, sin = scale * math.cos(drift), scale * math.sin(drift)
    s.believed_x[r] += cos * dx - sin * dy
    s.believed_y[r] += sin * dx + cos * dy
    s.believed_heading[r] = wrap_to_pi(drift + s.from_heading[r] + turned)


@lane
def gap(s, p, r, least):
    """Returns the metres between the surface of robot `r` and the nearest other, at most `least`.

    Of a disc interpolated in the map, of a footprint exact.
    """
    radius, resolution = np.float32(p.radius), np.float32(p.resolution)
    x, y, heading, round_ = s.x[r], s.y[r], s.heading[r], p.footprint.shape[0] == 0
    clearance = p.clearance[s.map]
    if round_:
        least = min(least, interpolated(clearance, x, y, resolution) - radius)
    else:
        occupied = p.occupied[s.map]
        least = outline_gap(occupied, clearance, x, y, heading, p.footprint, radius, resolution, least)
    for q in range(s.x.shape[0]):
        if q != r and s.active[q] != 0:
            dx, dy = s.x[q] - x, s.y[q] - y
            apart = math.sqrt(dx * dx + dy * dy) - np.float32(2.0) * radius
            if not round_ and apart < least:
                apart = gap_between(p.footprint, x, y, heading, s.x[q], s.y[q], s.heading[q])
            least = min(least, apart)
    return max(least, _ZERO)
