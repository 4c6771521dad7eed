"""Beams to the nearest car, obstacle or edge of the road."""

import math

import numpy as np

from quadrivium.envs.core.geometry import ceil, clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.rays import ray_to_rectangle
from quadrivium.envs.driving.roads.lanes import coordinates, heading_at, lanes_near
from quadrivium.envs.driving.roads.near import END_M
from quadrivium.envs.driving.trigonometry import bearing, cos_sin
from quadrivium.envs.driving.vehicle import DIAGONAL, LENGTH, MAX_SPEED, WIDTH

OWN_COLUMNS = (  # before the beams
    *("own speed, by 40 m/s", "offset in the lane, by half its width"),
    *("sine of the heading against the lane", "cosine of the same"),
)
OWN = len(OWN_COLUMNS)

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_V_RANGE = np.float32(80.0)
_PI, _TWO_PI = np.float32(math.pi), np.float32(2 * math.pi)
_END = np.float32(END_M)
_BLOCK = np.float32(2.0)
_LEAST_STEP = np.float32(0.25)  # m: a gap between two lanes that is narrower goes unseen
_HALVINGS = 5


@lane
def observe_lidar(s, e, p, out, at):
    """Writes the own motion of ego `e` (`OWN` numbers), then a distance and then a radial speed a beam.

    Beam b of B looks 2π b / B to the right of the heading, from the car's centre. Distances are by
    `p.obs_range`: 1 is nothing in range. Radial speed is that of what the beam hits minus the ego's, along
    the beam, by 80 m/s: negative when it comes nearer, 0 when nothing is hit.
    """
    beams, reach = p.obs_rows, np.float32(p.obs_range)
    one, speed = p.lanes[s.lane[e]], s.speed[e]
    out[at] = clip(speed / MAX_SPEED, -_ONE, _ONE)
    out[at + 1] = clip(s.offset[e] / (_HALF * one.width), -_ONE, _ONE)
    cosine, sine = cos_sin(s.heading[e] - heading_at(p.lanes, np.int64(s.lane[e]), s.along[e]))
    out[at + 2], out[at + 3] = clip(sine, -_ONE, _ONE), clip(cosine, -_ONE, _ONE)
    spacing = _TWO_PI / np.float32(beams)
    for b in range(beams):
        along, across = cos_sin(s.heading[e] + spacing * np.float32(b))
        distance = to_edge(p, s.network, s.x[e], s.y[e], along, across, reach)
        out[at + OWN + b] = min(distance / reach, _ONE)
        closing = -speed * (s.cos_heading[e] * along + s.sin_heading[e] * across)
        out[at + OWN + beams + b] = clip(closing / _V_RANGE, -_ONE, _ONE) if distance < reach else _ZERO
    for n in range(s.cars + p.obstacles.shape[0]):
        j = np.int64(n if n < s.cars else n - s.cars + p.places)
        if j != e:
            scan(s, e, j, p, out, at)


@lane
def scan(s, e, j, p, out, at):
    """Shortens the beams of ego `e` that hit car or obstacle `j`."""
    beams, reach = p.obs_rows, np.float32(p.obs_range)
    dx, dy = s.x[j] - s.x[e], s.y[j] - s.y[e]
    distance, radius = math.sqrt(dx * dx + dy * dy), _HALF * DIAGONAL
    if distance > reach + radius:
        return
    length, width = (LENGTH, WIDTH) if j < p.places else (_BLOCK, _BLOCK)
    spacing = _TWO_PI / np.float32(beams)
    middle = bearing(dx, dy) - s.heading[e]
    half = np.float32(math.asin(radius / distance)) if distance > radius else _PI
    first = np.int64(ceil((middle - half) / spacing))
    count = min(np.int64(floor((middle + half) / spacing)) - first + 1, beams)
    cos_j, sin_j = s.cos_heading[j], s.sin_heading[j]
    at_x, at_y = -dx * cos_j - dy * sin_j, dx * sin_j - dy * cos_j  # the ego, as `j` sees it
    vx = s.speed[j] * cos_j - s.speed[e] * s.cos_heading[e]
    vy = s.speed[j] * sin_j - s.speed[e] * s.sin_heading[e]
    for n in range(count):
        b = (first + n) % beams
        along, across = cos_sin(s.heading[e] + spacing * np.float32(b))
        ahead, aside = along * cos_j + across * sin_j, across * cos_j - along * sin_j
        hit = ray_to_rectangle(at_x, at_y, ahead, aside, _HALF * length, _HALF * width)
        if hit < out[at + OWN + b] * reach:
            out[at + OWN + b] = hit / reach
            out[at + OWN + beams + b] = clip((vx * along + vy * across) / _V_RANGE, -_ONE, _ONE)


@lane
def to_edge(p, network, x, y, along, across, reach):
    """Returns how far a ray goes before it leaves the road, m; more than `reach` where it does not."""
    walked = _ZERO
    while walked < reach:
        room = depth(p, network, x + walked * along, y + walked * across)
        if room < _ZERO:
            break
        step = max(room, _LEAST_STEP)
        walked += step
        if room < _LEAST_STEP and depth(p, network, x + walked * along, y + walked * across) < _ZERO:
            low, high = walked - step, walked
            for _ in range(_HALVINGS):
                middle = _HALF * (low + high)
                if depth(p, network, x + middle * along, y + middle * across) < _ZERO:
                    high = middle
                else:
                    low = middle
            return high
    return walked


@lane
def depth(p, network, x, y):
    """Returns how far at least a place is from the road's edge, m; negative beside the road."""
    first, end = lanes_near(p, network, x, y)
    deepest = -_ONE
    for n in range(first, end):
        k = np.int64(p.near[n])
        one = p.lanes[k]
        s, d = coordinates(p.lanes, k, x, y)
        deepest = max(deepest, min(_HALF * one.width - abs(d), min(s + _END, one.length + _END - s)))
    return deepest
