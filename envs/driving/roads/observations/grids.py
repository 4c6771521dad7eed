"""The surroundings from above, turned with the ego: a bird's-eye view and the conventional grid."""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.lanes import coordinates, holds, lanes_near, place
from quadrivium.envs.driving.vehicle import LENGTH, MAX_SPEED, WIDTH

GRID_CHANNELS = (
    *("presence of a car or an obstacle", "its velocity ahead relative to the ego, by 80 m/s"),
    *("its velocity to the right relative to the ego, by 80 m/s", "road (1) or not (0)"),
    "own speed, by 40 m/s",
)
OCCUPANCY_CHANNELS = ("presence of a car", "road")
CELL_AHEAD, CELL_ACROSS = 2.0, 1.0  # m, of the bird's-eye view
BEHIND_SHARE = 0.25  # of its length that lies behind the ego
OCCUPANCY_CELLS, OCCUPANCY_CELL = 12, 3.0  # along each side; m

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_AHEAD, _ACROSS = np.float32(CELL_AHEAD), np.float32(CELL_ACROSS)
_BEHIND_SHARE = np.float32(BEHIND_SHARE)
_V_RANGE = np.float32(80.0)
_BLOCK = np.float32(2.0)
_SIDE, _STEP = OCCUPANCY_CELLS, np.float32(OCCUPANCY_CELL)
_EDGE = np.float32(0.5 * OCCUPANCY_CELLS * OCCUPANCY_CELL)
_REACH = np.float32(0.5 * OCCUPANCY_CELLS * OCCUPANCY_CELL * math.sqrt(2) + OCCUPANCY_CELL)
_SCAN = np.float32(100.0)  # m along each lane, to either side of the ego


@lane
def observe_grid(s, e, p, out, at):
    """Writes `GRID_CHANNELS` from `out[at]` on: planes of `p.obs_rows` cells across × `p.obs_columns` ahead.

    Rows run from left to right, columns from behind to ahead; ego `e` is in the middle row, at a quarter of
    the length. A car is in the cells whose centres it covers, and half a cell around it.
    """
    height, width = p.obs_rows, p.obs_columns
    plane = height * width
    cosine, sine = s.cos_heading[e], s.sin_heading[e]
    own = clip(s.speed[e] / MAX_SPEED, -_ONE, _ONE)
    for row in range(height):
        right = _ACROSS * (np.float32(row) + _HALF - _HALF * np.float32(height))
        for column in range(width):
            ahead = _AHEAD * (np.float32(column) + _HALF - _BEHIND_SHARE * np.float32(width))
            x, y = s.x[e] + cosine * ahead - sine * right, s.y[e] + sine * ahead + cosine * right
            k = at + row * width + column
            out[k], out[plane + k], out[2 * plane + k] = _ZERO, _ZERO, _ZERO
            out[3 * plane + k] = _ONE if on_road(p, s.network, x, y) else _ZERO
            out[4 * plane + k] = own
    for n in range(s.cars + p.obstacles.shape[0]):
        paint(s, e, p, np.int64(n if n < s.cars else n - s.cars + p.places), out, at)


@lane
def paint(s, e, p, j, out, at):
    """Writes car or obstacle `j` into the planes of `observe_grid`."""
    height, width = p.obs_rows, p.obs_columns
    plane = height * width
    c0, s0 = s.cos_heading[e], s.sin_heading[e]
    length, breadth = (_BLOCK, _BLOCK) if j >= p.places else (LENGTH, WIDTH)
    dx, dy = s.x[j] - s.x[e], s.y[j] - s.y[e]
    ahead, right = c0 * dx + s0 * dy, c0 * dy - s0 * dx
    cosine = s.cos_heading[j] * c0 + s.sin_heading[j] * s0  # of its heading against the ego's
    sine = s.sin_heading[j] * c0 - s.cos_heading[j] * s0
    column = ahead / _AHEAD + _BEHIND_SHARE * np.float32(width)
    row = right / _ACROSS + _HALF * np.float32(height)
    reach = _HALF * (length + breadth)
    forward, sideways = s.speed[j] * cosine - s.speed[e], s.speed[j] * sine
    forward, sideways = clip(forward / _V_RANGE, -_ONE, _ONE), clip(sideways / _V_RANGE, -_ONE, _ONE)
    for at_row in range(
        max(np.int64(floor(row - reach / _ACROSS)), 0),
        min(np.int64(floor(row + reach / _ACROSS)) + 1, height),
    ):
        for at_column in range(
            max(np.int64(floor(column - reach / _AHEAD)), 0),
            min(np.int64(floor(column + reach / _AHEAD)) + 1, width),
        ):
            u = (np.float32(at_column) + _HALF - column) * _AHEAD
            v = (np.float32(at_row) + _HALF - row) * _ACROSS
            along, across = u * cosine + v * sine, v * cosine - u * sine
            # half a cell's extent along the car's own axes
            spare_along = _HALF * (_AHEAD * abs(cosine) + _ACROSS * abs(sine))
            spare_across = _HALF * (_AHEAD * abs(sine) + _ACROSS * abs(cosine))
            if abs(along) < _HALF * length + spare_along and abs(across) < _HALF * breadth + spare_across:
                k = at + at_row * width + at_column
                out[k], out[plane + k], out[2 * plane + k] = _ONE, forward, sideways


@lane
def on_road(p, network, x, y):
    """Returns whether a place lies in a lane of a network."""
    first, end = lanes_near(p, network, x, y)
    for n in range(first, end):
        k = np.int64(p.near[n])
        along, offset = coordinates(p.lanes, k, x, y)
        if holds(p.lanes, k, along, offset, _ZERO):
            return True
    return False


@lane
def observe_occupancy(s, e, p, out, at):
    """Writes the conventional grid of `OCCUPANCY_CHANNELS` from `out[at]` on, `OCCUPANCY_CELLS` a side.

    Rows run from behind to ahead, columns from left to right, ego `e` in the middle. Road is where the centre
    of a lane has a point, taken every `OCCUPANCY_CELL` m from 100 m before the ego.
    """
    for k in range(at, at + 2 * _SIDE * _SIDE):
        out[k] = _ZERO
    for j in range(s.cars):
        cell = cell_of(s, e, s.x[j], s.y[j])
        if cell >= 0:
            out[at + cell] = _ONE
    for k in range(p.grids[s.network].first_lane, p.grids[s.network].end_lane):
        mark_lane(s, e, p, np.int64(k), out, at)


@lane
def mark_lane(s, e, p, k, out, at):
    """Marks the cells in which a point of the centre of lane `k` lies.

    Points beyond an end of the lane count as that end. From the point beside the ego distances grow both
    ways, so that the search ends where the grid is out of reach.
    """
    lanes = p.lanes
    length = lanes[k].length
    origin, _offset = coordinates(lanes, k, s.x[e], s.y[e])
    first = origin - _SCAN
    if first < _ZERO:
        mark(s, e, p, k, _ZERO, out, at)
    if first + _STEP * np.float32(66) > length:
        mark(s, e, p, k, length, out, at)
    for n in range(33, 67):
        along = first + _STEP * np.float32(n)
        if along > length:
            break
        if along >= _ZERO and not mark(s, e, p, k, along, out, at):
            break
    for n in range(32, -1, -1):
        along = first + _STEP * np.float32(n)
        if along < _ZERO:
            break
        if along <= length and not mark(s, e, p, k, along, out, at):
            break


@lane
def mark(s, e, p, k, along, out, at):
    """Marks the cell of a point of a lane's centre; returns whether it is near enough to lie in the grid."""
    x, y = place(p.lanes, k, along, _ZERO)
    dx, dy = x - s.x[e], y - s.y[e]
    cell = cell_of(s, e, x, y)
    if cell >= 0:
        out[at + _SIDE * _SIDE + cell] = _ONE
    return dx * dx + dy * dy <= _REACH * _REACH


@lane
def cell_of(s, e, x, y):
    """Returns the cell of the occupancy grid of ego `e` in which a place lies, or -1."""
    dx, dy = x - s.x[e], y - s.y[e]
    ahead, right = (
        s.cos_heading[e] * dx + s.sin_heading[e] * dy,
        s.cos_heading[e] * dy - s.sin_heading[e] * dx,
    )
    row = np.int64(floor((ahead + _EDGE) / _STEP))
    column = np.int64(floor((right + _EDGE) / _STEP))
    if row < 0 or column < 0 or row >= _SIDE or column >= _SIDE:
        return np.int64(-1)
    return row * np.int64(_SIDE) + column
