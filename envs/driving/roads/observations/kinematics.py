"""Rows of the nearest cars."""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads import drivers

PLAIN_COLUMNS = ("presence: 1, or 0 in rows without a car", "x", "y", "vx", "vy")
COLUMNS = (*PLAIN_COLUMNS, "cosine of the heading", "sine of the heading")

_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_FAR = np.float32(1e9)


@lane
def observe_kinematics(s, e, p, out, at):
    """Writes `p.obs_rows` rows from `out[at]` on: ego `e`, then the nearest along its lane, ahead first.

    Those ahead and those less than `p.observed_behind` behind, within `p.observed_range`; relative to the ego
    unless `p.obs_absolute`.
    Nearest by distance along the lane; the row of the ego is always absolute. Rows without a car are 0.
    With `p.obs_around` the nearest are so in any direction.
    """
    width, cars, places = p.obs_columns, s.cars, np.int64(p.places)
    write_row(s, e, p, e, out, at, _ONE)
    reach, behind = np.float32(p.observed_range), np.float32(p.observed_behind)
    last = -_ONE
    row, before = 1, -1
    while row < p.obs_rows:
        best, least = -1, _FAR
        for n in range(cars + p.obstacles.shape[0]):
            j = n if n < cars else n - cars + places
            if j == e:
                continue
            dx, dy = s.x[j] - s.x[e], s.y[j] - s.y[e]
            if p.obs_around != 0:
                along = s.cos_heading[e] * dx + s.sin_heading[e] * dy
                away = np.float32(math.sqrt(dx * dx + dy * dy))
            else:
                along = drivers.gap(s, e, p, j)
                away = abs(along)
            if along <= -behind or away < last or (away == last and j <= before) or away >= least:
                continue
            if dx * dx + dy * dy < reach * reach:
                best, least = j, away
        if best < 0:
            break
        write_row(s, e, p, best, out, at + row * width, _ZERO if p.obs_absolute == 0 else _ONE)
        last, before = least, best
        row += 1
    for k in range(at + row * width, at + p.obs_rows * width):
        out[k] = _ZERO


@lane
def write_row(s, e, p, j, out, at, absolute):
    """Writes the row of car or obstacle `j`; absolute: 1, or 0 for what is relative to ego `e`."""
    if p.obs_turned != 0:
        write_turned_row(s, e, p, j, out, at)
        return
    own = _ONE - absolute
    per_x, per_y, per_v = _ONE / np.float32(p.obs_x), _ONE / np.float32(p.obs_y), _ONE / np.float32(p.obs_v)
    vx, vy = s.speed[j] * s.cos_heading[j], s.speed[j] * s.sin_heading[j]
    vx0, vy0 = s.speed[e] * s.cos_heading[e], s.speed[e] * s.sin_heading[e]
    out[at] = _ONE
    x = s.x[j] - (s.x[e] if absolute == _ZERO else (np.float32(p.obs_x0) if j == e else _ZERO))
    bound = np.float32(p.obs_bound)
    out[at + 1] = clip(x * per_x, -bound, bound)
    out[at + 2] = clip((s.y[j] - own * s.y[e]) * per_y, -bound, bound)
    out[at + 3] = clip((vx - own * vx0) * per_v, -bound, bound)
    out[at + 4] = clip((vy - own * vy0) * per_v, -bound, bound)
    if p.obs_columns > 5:
        out[at + 5], out[at + 6] = s.cos_heading[j], s.sin_heading[j]


@lane
def write_turned_row(s, e, p, j, out, at):
    """Writes the row of car or obstacle `j` as ego `e` sees it; of itself its speed alone."""
    bound, per_v = np.float32(p.obs_bound), _ONE / np.float32(p.obs_v)
    cosine, sine = s.cos_heading[e], s.sin_heading[e]
    dx, dy = s.x[j] - s.x[e], s.y[j] - s.y[e]
    ahead, right = cosine * s.cos_heading[j] + sine * s.sin_heading[j], cosine * s.sin_heading[j]
    right -= sine * s.cos_heading[j]
    forward = s.speed[j] * ahead - (s.speed[e] if j != e else _ZERO)
    out[at] = _ONE
    out[at + 1] = clip((cosine * dx + sine * dy) / np.float32(p.obs_x), -bound, bound)
    out[at + 2] = clip((cosine * dy - sine * dx) / np.float32(p.obs_y), -bound, bound)
    out[at + 3] = clip(forward * per_v, -bound, bound)
    out[at + 4] = clip(s.speed[j] * right * per_v, -bound, bound)
    if p.obs_columns > 5:
        out[at + 5], out[at + 6] = clip(ahead, -_ONE, _ONE), clip(right, -_ONE, _ONE)
