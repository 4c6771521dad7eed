# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Optimal reciprocal collision avoidance (ORCA) for discs: scalar lane functions in float32.

Source: van den Berg, Guy, Lin & Manocha 2011, "Reciprocal n-body collision avoidance". Every neighbour allows
a half-plane of velocities, in which half of what it takes to stay apart for `HORIZON` seconds is done; a body
takes the velocity in all half-planes and in its disc of speeds that is nearest to the one it wishes. Where
there is none, it takes the one that violates the worst half-plane least (the paper's section 5.3). The
constants are those with which RVO2 is usually run, and the answers its own to rounding.

A half-plane n · v ≥ c is a row (n_x, n_y, c) with |n| = 1, so that the line on its edge is c n + t d with
d = (n_y, −n_x), and the disc of speeds leaves t² ≤ limit² − c² of it.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane

MOST_NEIGHBOURS = 10
HORIZON = np.float32(5.0)  # s
REACH = np.float32(10.0)  # m, to the centres of neighbours
MARGIN = np.float32(0.01)  # m, by which every body is taken to be larger than it is

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TINY = np.float32(1e-5)


def orca_fields(bodies: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Returns the scratch that ORCA wants in a record of so many bodies."""
    rows = min(MOST_NEIGHBOURS, max(bodies - 1, 1))
    return [
        ("planes", "f4", (2 * rows, 3)),  # half-planes of velocities, then those of the second programme
        ("near", "i4", (rows,)),  # the nearest bodies, the nearest first
        ("near_m2", "f4", (rows,)),  # m², their squared distances
    ]


@lane
def orca_velocity(s, i, first, end, wish, limit, dt):
    """Returns the velocity (vx, vy) in m/s that body `i` chooses.

    Of the record it reads `x, y, vx, vy, radius, present` (B,) and writes the fields of `orca_fields`.

    first, end: the bodies from `first` to before `end` are avoided, where present. wish: the velocity wished
    for, (vx, vy).
    limit: the body's highest speed. dt: s, in which bodies that overlap are to part.
    """
    planes = s.planes
    count = write_planes(s, i, first, end, dt)
    failed, vx, vy = nearest_velocity(planes, 0, count, wish[0], wish[1], limit, False)
    if failed < count:
        vx, vy = least_violation(planes, failed, count, vx, vy, limit)
    return vx, vy


@lane
def write_planes(s, i, first, end, dt):
    """Writes a half-plane for each of the nearest bodies to `i`, from `first` on; returns their number."""
    x, y, present, near, near_m2 = s.x, s.y, s.present, s.near, s.near_m2
    rows = near.shape[0]
    many = end - 1 > rows
    count = 0
    for j in range(first, end):
        if j == i or present[j] == 0:
            continue
        dx, dy = x[j] - x[i], y[j] - y[i]
        m2 = dx * dx + dy * dy
        if m2 >= REACH * REACH:
            continue
        if many:  # more bodies than rows: the nearest ones, by insertion
            k = count
            if count == rows:
                if m2 >= near_m2[rows - 1]:
                    continue
                k = rows - 1
            while k > 0 and near_m2[k - 1] > m2:
                near[k], near_m2[k] = near[k - 1], near_m2[k - 1]
                k -= 1
            near[k], near_m2[k] = j, m2
            count = min(count + 1, rows)
        else:
            write_plane(s, i, j, count, dt)
            count += 1
    if many:
        for k in range(count):
            write_plane(s, i, np.int64(near[k]), k, dt)
    return count


@lane
def write_plane(s, i, j, row, dt):
    """Writes the half-plane of velocities that body `j` leaves to body `i`."""
    vx, vy = s.vx[i], s.vy[i]
    nx, ny, change = reciprocal_change(
        s.x[j] - s.x[i], s.y[j] - s.y[i], vx - s.vx[j], vy - s.vy[j], s.radius[i] + s.radius[j], dt
    )
    planes = s.planes
    planes[row, 0], planes[row, 1] = nx, ny
    planes[row, 2] = vx * nx + vy * ny + _HALF * change


@lane
def reciprocal_change(px, py, vx, vy, radii, dt):
    """Returns (n_x, n_y, u): the least change of relative velocity that avoids contact is u along n, |n| = 1.

    px, py: m, the other's place minus one's own. vx, vy: m/s, one's own velocity minus the other's. u is
    negative where more than needed is done. Velocities that lead to contact within the horizon make a cone
    whose tip is cut off by a circle (the paper's figure 2); n is the outward normal at its nearest point.
    """
    radii += MARGIN + MARGIN
    m2, r2 = px * px + py * py, radii * radii
    apart = m2 > r2
    per_s = _ONE / (HORIZON if apart else dt)
    wx, wy = vx - px * per_s, vy - py * per_s  # from the middle of the circle
    along = wx * px + wy * py
    w2 = wx * wx + wy * wy
    if not apart or (along < _ZERO and along * along > r2 * w2):
        w = math.sqrt(w2)
        if w >= _TINY:
            return wx / w, wy / w, radii * per_s - w
        distance = math.sqrt(m2)  # at the middle of the circle: straight back, if there is a back
        if distance < _TINY:
            return _ONE, _ZERO, radii * per_s
        return -px / distance, -py / distance, radii * per_s
    leg = math.sqrt(m2 - r2)
    side = _ONE if px * wy - py * wx > _ZERO else -_ONE  # the left leg or the right one
    nx, ny = (-px * radii - side * py * leg) / m2, (-py * radii + side * px * leg) / m2
    return nx, ny, -(vx * nx + vy * ny)


@lane
def nearest_velocity(planes, first, count, aim_x, aim_y, limit, along):
    """Solves the planar programme over `count` half-planes from row `first` on, one after another.

    Among the velocities of the disc in all half-planes it finds the nearest to (aim_x, aim_y), or if `along`
    the farthest in that direction (of length 1).

    Returns:
        (number of half-planes that could be respected, vx, vy): all of them, or those before the one at
        which the programme turned out to have no solution.
    """
    speed = _ONE if along else math.sqrt(aim_x * aim_x + aim_y * aim_y)
    scale = limit / speed if along or speed > limit else _ONE
    vx, vy = aim_x * scale, aim_y * scale
    for k in range(count):
        nx, ny, c = planes[first + k, 0], planes[first + k, 1], planes[first + k, 2]
        if nx * vx + ny * vy >= c:
            continue
        # The solution lies on this edge, between what the disc and the half-planes before leave of it.
        room = limit * limit - c * c
        if room < _ZERO:
            return k, vx, vy
        high = math.sqrt(room)
        low = -high
        for j in range(first, first + k):
            mx, my = planes[j, 0], planes[j, 1]
            slope = mx * ny - my * nx
            excess = planes[j, 2] - c * (mx * nx + my * ny)
            if abs(slope) <= _TINY:  # parallel
                if excess > _ZERO:
                    return k, vx, vy
            elif slope > _ZERO:
                low = max(low, excess / slope)
            else:
                high = min(high, excess / slope)
            if low > high:
                return k, vx, vy
        t = aim_x * ny - aim_y * nx
        if along:
            t = high if t > _ZERO else low
        else:
            t = clip(t, low, high)
        vx, vy = c * nx + t * ny, c * ny - t * nx
    return count, vx, vy


@lane
def least_violation(planes, begin, count, vx, vy, limit):
    """Returns the velocity of the disc whose worst violation c − n · v of `count` half-planes is least.

    begin: the first half-plane that (vx, vy) violates. Where half-plane k is the worst one, v lies in all the
    half-planes (n_j − n_k) · v ≥ c_j − c_k, and as far along n_k as they allow: a planar programme for each.
    """
    worst = _ZERO
    second = planes.shape[0] // 2
    for k in range(begin, count):
        nx, ny, c = planes[k, 0], planes[k, 1], planes[k, 2]
        if c - (nx * vx + ny * vy) <= worst:
            continue
        rows = 0
        for j in range(k):
            mx, my = planes[j, 0] - nx, planes[j, 1] - ny
            length = math.sqrt(mx * mx + my * my)
            if length > _TINY:  # else parallel: the one of the two is always worse than the other
                planes[second + rows, 0], planes[second + rows, 1] = mx / length, my / length
                planes[second + rows, 2] = (planes[j, 2] - c) / length
                rows += 1
        respected, x, y = nearest_velocity(planes, second, rows, nx, ny, limit, True)
        if respected == rows:  # always, but for rounding
            vx, vy = x, y
        worst = c - (nx * vx + ny * vy)
    return vx, vy
