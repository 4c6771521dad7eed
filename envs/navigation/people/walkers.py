# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""People who walk through a map from one of its goals to the next, as scalar lane functions in float32.

They go down the distance fields of the map's goals, avoid one another and, if they see them, robots by ORCA,
and slide along walls. Of the record these functions use `crowd` (see `crowd_dtype`), `person_goal`, `map`,
and how robots stand and move.
"""

import math
from functools import cache
from typing import Any

import numpy as np

from quadrivium.envs.core.lane import capacity, lane
from quadrivium.envs.core.rng import integer, uniform
from quadrivium.envs.navigation.clearance import disc_fits, distance_at
from quadrivium.envs.navigation.footprint import distance_to
from quadrivium.envs.navigation.people.orca import orca_fields, orca_velocity
from quadrivium.envs.navigation.robots import motion

_TRIES = 1024
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_FAR, _TINY = np.float32(1e9), np.float32(1e-6)
_SPACE = np.float32(1.0)  # m, around a person at first
_THERE = np.float32(0.5)  # m, from a goal at which a person walks on to another
_PATIENCE = np.float32(2.0)  # s, that a person who hardly moves waits on average for another goal
_HARDLY = np.float32(0.1)  # of its speed


@cache
def crowd_dtype(people: int, robots: int) -> np.dtype[Any]:
    """Returns the record of bodies that avoid one another: the people first, then the robots.

    There is room for more people than asked for: see `capacity`; for none there is next to no room.
    """
    bodies = capacity(people + robots) if people else 1
    one = (bodies,)
    return np.dtype(
        [
            ("x", "f4", one),  # m
            ("y", "f4", one),
            ("vx", "f4", one),  # m/s
            ("vy", "f4", one),
            ("next_vx", "f4", one),  # m/s, chosen for the step that is taken
            ("next_vy", "f4", one),
            ("radius", "f4", one),  # m
            ("present", "i4", one),
            *orca_fields(bodies),
        ],
        align=True,
    )


@lane
def gather(s, p):
    """Puts people on free cells, a metre clear of robots and of one another if there is such a place."""
    robots, rows, columns = s.x.shape[0], p.occupied.shape[1], p.occupied.shape[2]
    crowd, resolution = s.crowd, np.float32(p.resolution)
    x, y = crowd.x, crowd.y
    for i in range(p.people):
        s.person_goal[i] = integer(s, p.goals.shape[1])
        field = p.geodesic[s.map, s.person_goal[i]]
        most = -_FAR
        x[i], y[i] = p.goals[s.map, s.person_goal[i], 0], p.goals[s.map, s.person_goal[i], 1]
        for _ in range(_TRIES):
            row, column = integer(s, rows), integer(s, columns)
            if field[row, column] >= _FAR:
                continue
            at_x, at_y = (np.float32(column) + _HALF) * resolution, (np.float32(row) + _HALF) * resolution
            room = _FAR
            for r in range(robots):
                dx, dy = s.x[r] - at_x, s.y[r] - at_y
                room = min(room, math.sqrt(dx * dx + dy * dy) - np.float32(p.radius))
            for j in range(i):
                dx, dy = x[j] - at_x, y[j] - at_y
                room = min(room, math.sqrt(dx * dx + dy * dy) - np.float32(p.people_radius))
            room -= np.float32(p.people_radius)
            if room > most:
                most, x[i], y[i] = room, at_x, at_y
                if room >= _SPACE:
                    break
        crowd.vx[i], crowd.vy[i] = _ZERO, _ZERO
        crowd.radius[i], crowd.present[i] = np.float32(p.people_radius), 1


@lane
def choose_velocities(s, p):
    """Writes the velocity of each person for the step, from what all see before it."""
    robots, people, dt = s.x.shape[0], p.people, np.float32(p.dt)
    crowd, speed = s.crowd, np.float32(p.people_speed)
    for r in range(robots):
        k = people + r
        direction, fast, _ = motion(p.drive, s.heading[r], s.first[r], s.second[r], np.float32(p.radius))
        crowd.x[k], crowd.y[k] = s.x[r], s.y[r]
        crowd.vx[k], crowd.vy[k] = fast * math.cos(direction), fast * math.sin(direction)
        crowd.radius[k], crowd.present[k] = np.float32(p.radius), s.active[r]
    bodies = people + (robots if p.robot_visible != 0 else 0)
    for i in range(people):
        vx, vy = orca_velocity(crowd, i, 0, bodies, wish_of(s, p, i), speed, dt)
        # Those after it see it as it walked before: nobody is ahead of the others.
        crowd.next_vx[i], crowd.next_vy[i] = vx, vy
    for i in range(people):
        crowd.vx[i], crowd.vy[i] = crowd.next_vx[i], crowd.next_vy[i]


@lane
def wish_of(s, p, i):
    """Returns the velocity (m/s, m/s) that person `i` wishes: down the way to its goal, or to a new one."""
    x, y, resolution = s.crowd.x[i], s.crowd.y[i], np.float32(p.resolution)
    speed = np.float32(p.people_speed)
    vx, vy = s.crowd.vx[i], s.crowd.vy[i]
    slow = math.sqrt(vx * vx + vy * vy) < _HARDLY * speed
    way = distance_at(p.geodesic[s.map, s.person_goal[i]], x, y, resolution)
    if way < _THERE or (slow and s.step > 0 and uniform(s) < np.float32(p.dt) / _PATIENCE):
        s.person_goal[i] = integer(s, p.goals.shape[1])
    field = p.geodesic[s.map, s.person_goal[i]]
    way = distance_at(field, x, y, resolution)
    down_x = rise(field, x - resolution, y, way, resolution) - rise(field, x + resolution, y, way, resolution)
    down_y = rise(field, x, y - resolution, way, resolution) - rise(field, x, y + resolution, way, resolution)
    scale = speed / max(math.sqrt(down_x * down_x + down_y * down_y), _TINY)
    return down_x * scale, down_y * scale


@lane
def rise(field, x, y, here, resolution):
    """Returns the way in m from a place beside one from which it is `here`; where none leads, a cell more."""
    way = distance_at(field, x, y, resolution)
    return way if way < _FAR else here + resolution


@lane
def walk(s, p, part):
    """Moves all people for `part` seconds, along what they meet, a wall or another person; returns a bit for
    each robot that one of them would have walked into, who stays where it is.
    """
    crowd, touched = s.crowd, 0
    for i in range(p.people):
        x, y, dx, dy = crowd.x[i], crowd.y[i], crowd.vx[i] * part, crowd.vy[i] * part
        if not may_go(s, p, i, x + dx, y + dy):
            if may_go(s, p, i, x + dx, y):
                dy = _ZERO
            elif may_go(s, p, i, x, y + dy):
                dx = _ZERO
            else:
                dx, dy = _ZERO, _ZERO
        met = 0
        for r in range(s.x.shape[0]):
            if s.active[r] != 0 and person_gap(s, p, r, x + dx, y + dy) < _ZERO:
                met |= 1 << r
        touched |= met
        if met == 0:
            crowd.x[i], crowd.y[i] = x + dx, y + dy
    return touched


@lane
def may_go(s, p, i, x, y):
    """Returns whether person `i` touches no wall at (x, y) m, and comes no nearer to one whom it touches."""
    crowd, radius = s.crowd, np.float32(p.people_radius)
    if not disc_fits(p.occupied[s.map], p.clearance[s.map], x, y, radius, np.float32(p.resolution)):
        return False
    for j in range(p.people):
        dx, dy = crowd.x[j] - x, crowd.y[j] - y
        m2 = dx * dx + dy * dy
        if j != i and m2 < np.float32(4.0) * radius * radius:
            dx, dy = crowd.x[j] - crowd.x[i], crowd.y[j] - crowd.y[i]
            if m2 < dx * dx + dy * dy:
                return False
    return True


@lane
def person_gap(s, p, r, x, y):
    """Returns the m between robot `r` and a person at (x, y) m; below 0 if they overlap."""
    dx, dy = x - s.x[r], y - s.y[r]
    if p.footprint.shape[0] == 0:
        return math.sqrt(dx * dx + dy * dy) - np.float32(p.radius) - np.float32(p.people_radius)
    cos, sin = math.cos(s.heading[r]), math.sin(s.heading[r])
    apart = distance_to(p.footprint, dx * cos + dy * sin, dy * cos - dx * sin)
    return apart - np.float32(p.people_radius)


@lane
def nearest_person(s, p, r, least):
    """Returns the m between robot `r` and the nearest person, at most `least`; below 0 if they overlap."""
    for i in range(p.people):
        least = min(least, person_gap(s, p, r, s.crowd.x[i], s.crowd.y[i]))
    return least
