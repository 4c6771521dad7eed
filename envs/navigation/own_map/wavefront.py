# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Ways through the map that a robot has made itself, as scalar lane functions in float32.

What is unknown counts as free until it is seen (Stentz 1994), so a plan leads through it. A plan (H, W) holds
the distance of each cell to the target in cells, from cell to cell in eight directions; BLOCKED where an
obstacle is too near, FAR where no way leads. What is beyond the map, where a record has more room
than that, is BLOCKED.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import ceil, clip, floor
from quadrivium.envs.core.lane import lane

BLOCKED, FAR = np.float32(-1.0), np.float32(1e9)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_DIAGONAL = np.float32(math.sqrt(2.0))
_ROUNDS = 64

PLAN_EVERY = 4  # steps, after which a robot plans anew
GUIDE_COLUMNS = (  # of the point to which a plan leads, the farthest in sight
    *("cosine of the plan's direction", "sine of the plan's direction", "its point in sight, by 2 m"),
    "length of the plan, by 20 m",
)
GUIDE = len(GUIDE_COLUMNS)
LOOK_AHEAD = np.float32(2.0)  # m, to that point at most
_LONGEST = np.float32(20.0)  # m, of a plan as it is told
_TINY = np.float32(1e-6)


@lane
def block(odds, plan, size, margin, x, y, resolution):
    """Begins a plan: BLOCKED within `margin` cells of obstacles, but not about (x, y) m; else FAR.

    size: rows and columns of the map, which may be fewer than those of `odds` and `plan`.
    """
    rows, columns = size
    for i in range(plan.shape[0]):
        for j in range(plan.shape[1]):
            plan[i, j] = FAR if i < rows and j < columns else BLOCKED
    for i in range(rows):
        for j in range(columns):
            if odds[i, j] > 0:
                for u in range(max(i - margin, 0), min(i + margin + 1, rows)):
                    for v in range(max(j - margin, 0), min(j + margin + 1, columns)):
                        plan[u, v] = BLOCKED
    # Where the robot stands there is room, whatever the map says.
    j, i = floor(x / resolution), floor(y / resolution)
    for u in range(max(i - margin, 0), min(i + margin + 1, rows)):
        for v in range(max(j - margin, 0), min(j + margin + 1, columns)):
            if odds[u, v] <= 0:
                plan[u, v] = FAR


@lane
def spread(plan):
    """Carries the distances of the cells that have one to all others, by sweeps to and fro."""
    rows, columns = plan.shape
    for _ in range(_ROUNDS):
        changed = False
        for i in range(rows):
            for j in range(columns):
                changed |= _relax(plan, i, j, -1)
        for i in range(rows - 1, -1, -1):
            for j in range(columns - 1, -1, -1):
                changed |= _relax(plan, i, j, 1)
        if not changed:
            return


@lane
def _relax(plan, i, j, side):
    """Shortens the way of a cell by its neighbours in the row before (−1) or after (1), and by one beside."""
    here = plan[i, j]
    if here < _ZERO:
        return False
    rows, columns = plan.shape
    best = here
    u = i + side
    if u >= 0 and u < rows:
        if plan[u, j] >= _ZERO:
            best = min(best, plan[u, j] + _ONE)
        if j > 0 and plan[u, j - 1] >= _ZERO:
            best = min(best, plan[u, j - 1] + _DIAGONAL)
        if j + 1 < columns and plan[u, j + 1] >= _ZERO:
            best = min(best, plan[u, j + 1] + _DIAGONAL)
    v = j + side
    if v >= 0 and v < columns and plan[i, v] >= _ZERO:
        best = min(best, plan[i, v] + _ONE)
    plan[i, j] = best
    return best < here


@lane
def descend(plan, x, y, farthest, resolution):
    """Returns (x, y) in m of the farthest point of the way that is in sight, and the length of the way in m.

    farthest: m, beyond which no point is looked for. Where no way leads, the point is (x, y) itself and the
    length is FAR.
    """
    rows, columns = plan.shape
    j, i = floor(x / resolution), floor(y / resolution)
    # Next to a wall the robot's own cell is blocked: the way begins at the best cell around it.
    near_i, near_j, least = -1, -1, FAR
    for u in range(max(i - 2, 0), min(i + 3, rows)):
        for v in range(max(j - 2, 0), min(j + 3, columns)):
            if plan[u, v] >= _ZERO:
                away = np.float32(abs(u - i) + abs(v - j))
                if plan[u, v] + np.float32(2.0) * away < least:
                    near_i, near_j, least = u, v, plan[u, v] + np.float32(2.0) * away
    if near_i < 0:
        return x, y, FAR
    i, j = near_i, near_j
    length = plan[i, j] * resolution
    best_x, best_y = (np.float32(j) + _HALF) * resolution, (np.float32(i) + _HALF) * resolution
    for k in range(rows + columns):
        next_i, next_j, least = i, j, plan[i, j]
        for u in range(max(i - 1, 0), min(i + 2, rows)):
            for v in range(max(j - 1, 0), min(j + 2, columns)):
                if _ZERO <= plan[u, v] < least:
                    next_i, next_j, least = u, v, plan[u, v]
        if next_i == i and next_j == j:
            break
        i, j = next_i, next_j
        tx, ty = (np.float32(j) + _HALF) * resolution, (np.float32(i) + _HALF) * resolution
        if (tx - x) * (tx - x) + (ty - y) * (ty - y) > farthest * farthest:
            break
        if k > 1 and not clear_line(plan, x, y, tx, ty, resolution):  # the way's own two next cells are free
            break
        best_x, best_y = tx, ty
    return best_x, best_y, length


@lane
def write_guide(plan, x, y, heading, otherwise, resolution, out, at):
    """Writes `GUIDE` numbers from `out[at]` on: where a plan leads from a pose (m, m, rad), seen from there.

    otherwise: the point (x, y) that is shown in direction and distance where no way leads; that of the pose
    itself is shown as zeros.
    """
    tx, ty, length = descend(plan, x, y, LOOK_AHEAD, resolution)
    dx, dy = tx - x, ty - y
    distance = math.sqrt(dx * dx + dy * dy)
    if distance < _TINY:
        dx, dy = otherwise[0] - x, otherwise[1] - y
        distance = math.sqrt(dx * dx + dy * dy)
    scale = _ONE / max(distance, _TINY)
    cos, sin = math.cos(heading), math.sin(heading)
    out[at] = clip(scale * (dx * cos + dy * sin), -_ONE, _ONE)
    out[at + 1] = clip(scale * (dy * cos - dx * sin), -_ONE, _ONE)
    out[at + 2] = clip(distance / LOOK_AHEAD, _ZERO, _ONE)
    out[at + 3] = clip(length / _LONGEST, _ZERO, _ONE)


@lane
def clear_line(plan, x, y, to_x, to_y, resolution):
    """Returns whether nothing is BLOCKED on a line between two points (m), half a cell to each side."""
    dx, dy = to_x - x, to_y - y
    length = math.sqrt(dx * dx + dy * dy)
    if length == _ZERO:
        return True
    half = _HALF * resolution
    pieces = ceil(length / half)
    aside_x, aside_y = -dy / length * half, dx / length * half
    for k in range(1, pieces + 1):
        share = np.float32(k) / np.float32(pieces)
        px, py = x + share * dx, y + share * dy
        if _blocked(plan, px + aside_x, py + aside_y, resolution):
            return False
        if _blocked(plan, px - aside_x, py - aside_y, resolution):
            return False
    return True


@lane
def _blocked(plan, x, y, resolution):
    rows, columns = plan.shape
    j, i = floor(x / resolution), floor(y / resolution)
    return i < 0 or j < 0 or i >= rows or j >= columns or plan[i, j] < _ZERO
