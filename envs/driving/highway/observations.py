"""What the ego sees: rows of the nearest cars, lidar beams, or a bird's-eye grid."""

import math

import numpy as np

from quadrivium.envs.core.geometry import ceil, clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.rays import ray_to_rectangle
from quadrivium.envs.driving.vehicle import DIAGONAL, LANE_WIDTH, LENGTH, MAX_SPEED, WIDTH

KINEMATICS, LIDAR, GRID = 0, 1, 2
KINEMATICS_COLUMNS = (
    *("presence: 1, or 0 in rows without a car", "x, by `observed_range`", "y, by the road's width"),
    *("vx, by 80 m/s", "vy, by 80 m/s"),
)
OWN_COLUMNS = (  # before the beams of the lidar
    *("own speed, by 40 m/s", "offset in the lane, by 2 m"),
    *("sine of the heading", "lanes still to go to the target lane"),
)
GRID_CHANNELS = (
    *("presence of a car", "its velocity along the road relative to the ego, by 80 m/s"),
    *("its velocity across the road relative to the ego, by 80 m/s", "road (1) or not (0)"),
    "own speed, by 40 m/s",
)
FEATURES, OWN, CHANNELS = len(KINEMATICS_COLUMNS), len(OWN_COLUMNS), len(GRID_CHANNELS)
CELL_X, CELL_Y = 2.0, 1.0  # m
BEHIND_SHARE = 0.25  # of the grid's length that lies behind the ego

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_V_RANGE = np.float32(80.0)
_FAR = np.float32(1e9)
_TINY = np.float32(1e-6)
_TWO_PI = np.float32(2.0 * math.pi)
_PI = np.float32(math.pi)
_RADIUS = _HALF * DIAGONAL
_HALF_LENGTH, _HALF_WIDTH = _HALF * LENGTH, _HALF * WIDTH
_CELL_X, _CELL_Y, _BEHIND_SHARE = np.float32(CELL_X), np.float32(CELL_Y), np.float32(BEHIND_SHARE)


@lane
def observe_one(s, p, out):
    """Writes the observation that `p.observation` names."""
    if p.observation == KINEMATICS:
        observe_kinematics(s, p, out)
    elif p.observation == LIDAR:
        observe_lidar(s, p, out)
    else:
        observe_grid(s, p, out)


@lane
def observe_kinematics(s, p, out):
    """Writes `p.obs_rows` rows (presence, x, y, vx, vy): the ego, then the nearest cars relative to it.

    Nearest along the road, ahead or at most `p.observed_behind` behind, within `p.observed_range`, by which x
    is; y by the road's width, velocities by 80 m/s, clipped to [−1, 1]. Rows without a car are 0.
    """
    x, y, speed, cos_heading, sin_heading, order = s.x, s.y, s.speed, s.cos_heading, s.sin_heading, s.order
    far, behind_most = np.float32(p.observed_range), np.float32(p.observed_behind)
    per_x, per_v = _ONE / far, _ONE / _V_RANGE
    per_y = _ONE / (LANE_WIDTH * np.float32(p.lanes))
    cars = p.vehicles + 1
    ego_x, ego_y = x[0], y[0]
    ego_vx, ego_vy = speed[0] * cos_heading[0], speed[0] * sin_heading[0]
    out[0] = _ONE
    out[1] = clip(ego_x * per_x, -_ONE, _ONE)
    out[2] = clip(ego_y * per_y, -_ONE, _ONE)
    out[3] = clip(ego_vx * per_v, -_ONE, _ONE)
    out[4] = clip(ego_vy * per_v, -_ONE, _ONE)
    ahead, behind = s.rank[0] - 1, s.rank[0] + 1
    at, end = FEATURES, FEATURES * p.obs_rows
    while at < end:
        front = x[order[ahead]] - ego_x if ahead >= 0 else _FAR
        rear = ego_x - x[order[behind]] if behind < cars else _FAR
        if rear >= behind_most:
            rear = _FAR
        if front <= rear:
            i, distance = order[max(ahead, 0)], front
            ahead -= 1
        else:
            i, distance = order[behind], rear
            behind += 1
        if distance >= far:
            break
        dx, dy = x[i] - ego_x, y[i] - ego_y
        if dx * dx + dy * dy < far * far:
            out[at] = _ONE
            out[at + 1] = clip(dx * per_x, -_ONE, _ONE)
            out[at + 2] = clip(dy * per_y, -_ONE, _ONE)
            out[at + 3] = clip((speed[i] * cos_heading[i] - ego_vx) * per_v, -_ONE, _ONE)
            out[at + 4] = clip((speed[i] * sin_heading[i] - ego_vy) * per_v, -_ONE, _ONE)
            at += FEATURES
    for k in range(at, end):
        out[k] = _ZERO


@lane
def observe_lidar(s, p, out):
    """Writes the ego's own motion (`OWN` numbers), then a distance a beam, then a radial speed a beam.

    Beam b of B looks 2π b / B to the right of the heading, from the car's centre. Distances are by
    `p.obs_range`: 1 is nothing in range. Radial speed is that of what the beam hits, a car or the road's
    edge, minus the ego's, along the beam, by 80 m/s: negative when it comes nearer, 0 when nothing is hit.
    """
    beams, reach = p.obs_rows, np.float32(p.obs_range)
    speed, cos_heading, sin_heading = s.speed[0], s.cos_heading[0], s.sin_heading[0]
    out[0] = clip(speed / MAX_SPEED, -_ONE, _ONE)
    out[1] = clip((s.y[0] - LANE_WIDTH * np.float32(s.lane[0])) / (_HALF * LANE_WIDTH), -_ONE, _ONE)
    out[2] = sin_heading
    out[3] = clip(np.float32(s.target[0] - s.lane[0]), -_ONE, _ONE)
    spacing = _TWO_PI / np.float32(beams)
    left = -_HALF * LANE_WIDTH - s.y[0]
    right = LANE_WIDTH * (np.float32(p.lanes) - _HALF) - s.y[0]
    for b in range(beams):
        angle = s.heading[0] + spacing * np.float32(b)
        along, across = math.cos(angle), math.sin(angle)
        distance = _FAR
        if across > _TINY:
            distance = max(right, _ZERO) / across
        elif across < -_TINY:
            distance = min(left, _ZERO) / across
        out[OWN + b] = min(distance / reach, _ONE)
        closing = -speed * (cos_heading * along + sin_heading * across)
        out[OWN + beams + b] = clip(closing / _V_RANGE, -_ONE, _ONE) if distance < reach else _ZERO
    rank, cars = s.rank[0], p.vehicles + 1
    for r in range(rank - 1, -1, -1):
        if s.x[s.order[r]] - s.x[0] > reach + _RADIUS:
            break
        scan_car(s, np.int64(s.order[r]), p, out)
    for r in range(rank + 1, cars):
        if s.x[0] - s.x[s.order[r]] > reach + _RADIUS:
            break
        scan_car(s, np.int64(s.order[r]), p, out)


@lane
def scan_car(s, j, p, out):
    """Shortens the lidar's beams that hit car `j`."""
    beams, reach = p.obs_rows, np.float32(p.obs_range)
    dx, dy = s.x[j] - s.x[0], s.y[j] - s.y[0]
    distance = math.sqrt(dx * dx + dy * dy)
    spacing = _TWO_PI / np.float32(beams)
    bearing = math.atan2(dy, dx) - s.heading[0]
    half = math.asin(_RADIUS / distance) if distance > _RADIUS else _PI
    first = ceil((bearing - half) / spacing)
    count = min(floor((bearing + half) / spacing) - first + 1, beams)
    cos_j, sin_j = s.cos_heading[j], s.sin_heading[j]
    at_x, at_y = -dx * cos_j - dy * sin_j, dx * sin_j - dy * cos_j  # the ego, as car j sees it
    vx = s.speed[j] * cos_j - s.speed[0] * s.cos_heading[0]
    vy = s.speed[j] * sin_j - s.speed[0] * s.sin_heading[0]
    for k in range(count):
        b = (first + k) % beams
        angle = s.heading[0] + spacing * np.float32(b)
        along, across = math.cos(angle), math.sin(angle)
        ray_x, ray_y = along * cos_j + across * sin_j, across * cos_j - along * sin_j
        hit = ray_to_rectangle(at_x, at_y, ray_x, ray_y, _HALF_LENGTH, _HALF_WIDTH)
        if hit < out[OWN + b] * reach:
            out[OWN + b] = hit / reach
            out[OWN + beams + b] = clip((vx * along + vy * across) / _V_RANGE, -_ONE, _ONE)


@lane
def observe_grid(s, p, out):
    """Writes the road around the ego as `CHANNELS` planes of `p.obs_rows` × `p.obs_columns` cells.

    Rows run from left to right across the road, columns along it, with the ego in the middle row at a
    quarter of the length. Cells of 1 m × 2 m. Planes: a car is here; its velocity along and across the road
    minus the ego's, by 80 m/s; this is road; the ego's speed by 40 m/s, everywhere.
    """
    height, width = p.obs_rows, p.obs_columns
    plane = height * width
    left = s.y[0] - _HALF * _CELL_Y * np.float32(height)
    back = s.x[0] - _BEHIND_SHARE * _CELL_X * np.float32(width)
    own = clip(s.speed[0] / MAX_SPEED, -_ONE, _ONE)
    for row in range(height):
        y = left + _CELL_Y * (np.float32(row) + _HALF)
        road = _ONE if -_HALF * LANE_WIDTH <= y <= LANE_WIDTH * (np.float32(p.lanes) - _HALF) else _ZERO
        for column in range(width):
            k = row * width + column
            out[k], out[plane + k], out[2 * plane + k] = _ZERO, _ZERO, _ZERO
            out[3 * plane + k], out[4 * plane + k] = road, own
    vx0, vy0 = s.speed[0] * s.cos_heading[0], s.speed[0] * s.sin_heading[0]
    for i in range(p.vehicles + 1):
        first_column = floor((s.x[i] - _HALF_LENGTH - back) / _CELL_X)
        first_row = floor((s.y[i] - _HALF_WIDTH - left) / _CELL_Y)
        end_column = ceil((s.x[i] + _HALF_LENGTH - back) / _CELL_X)
        end_row = ceil((s.y[i] + _HALF_WIDTH - left) / _CELL_Y)
        vx = clip((s.speed[i] * s.cos_heading[i] - vx0) / _V_RANGE, -_ONE, _ONE)
        vy = clip((s.speed[i] * s.sin_heading[i] - vy0) / _V_RANGE, -_ONE, _ONE)
        for row in range(max(first_row, 0), min(end_row, height)):
            for column in range(max(first_column, 0), min(end_column, width)):
                k = row * width + column
                out[k], out[plane + k], out[2 * plane + k] = _ONE, vx, vy
