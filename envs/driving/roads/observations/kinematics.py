"""Rows of the nearest cars."""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads import drivers

PLAIN_COLUMNS = ("presence: 1, or 0 in rows without a car", "x", "y", "vx", "vy")
COLUMNS = (*PLAIN_COLUMNS, "cosine of the heading", "sine of the heading")

_EGO = np.int64(0)
_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_FAR = np.float32(1e9)


@lane
def observe_kinematics(s, p, out):
    """Writes `p.obs_rows` rows: the ego, then the nearest cars and obstacles along its lane, ahead first.

    Those ahead and those less than `p.observed_behind` behind, within `p.observed_range`; relative to the ego
    unless `p.obs_absolute`.
    Nearest by distance along the lane; the row of the ego is always absolute. Rows without a car are 0.
    With `p.obs_turned` all is seen from the ego as it is turned, itself too, and the nearest are so in any
    direction.
    """
    width, cars, places = p.obs_columns, s.cars, np.int64(p.places)
    write_row(s, p, _EGO, out, np.int64(0), _ONE)
    reach, behind = np.float32(p.observed_range), np.float32(p.observed_behind)
    last = -_ONE
    row, before = 1, 0
    while row < p.obs_rows:
        best, least = -1, _FAR
        for n in range(1, cars + p.obstacles.shape[0]):
            j = n if n < cars else n - cars + places
            dx, dy = s.x[j] - s.x[0], s.y[j] - s.y[0]
            if p.obs_turned != 0:
                along = s.cos_heading[0] * dx + s.sin_heading[0] * dy
                away = np.float32(math.sqrt(dx * dx + dy * dy))
            else:
                along = drivers.gap(s, _EGO, p, j)
                away = abs(along)
            if along <= -behind or away < last or (away == last and j <= before) or away >= least:
                continue
            if dx * dx + dy * dy < reach * reach:
                best, least = j, away
        if best < 0:
            break
        write_row(s, p, best, out, row * width, _ZERO if p.obs_absolute == 0 else _ONE)
        last, before = least, best
        row += 1
    for k in range(row * width, p.obs_rows * width):
        out[k] = _ZERO


@lane
def write_row(s, p, j, out, at, absolute):
    """Writes the row of car or obstacle `j`; absolute: 1, or 0 for what is relative to the ego."""
    own = _ONE - absolute
    per_x, per_y, per_v = _ONE / np.float32(p.obs_x), _ONE / np.float32(p.obs_y), _ONE / np.float32(p.obs_v)
    vx, vy = s.speed[j] * s.cos_heading[j], s.speed[j] * s.sin_heading[j]
    vx0, vy0 = s.speed[0] * s.cos_heading[0], s.speed[0] * s.sin_heading[0]
    out[at] = _ONE
    x = s.x[j] - (s.x[0] if absolute == _ZERO else (np.float32(p.obs_x0) if j == 0 else _ZERO))
    bound, y, vx, vy = np.float32(p.obs_bound), s.y[j] - own * s.y[0], vx - own * vx0, vy - own * vy0
    cosine, sine = s.cos_heading[j], s.sin_heading[j]
    if p.obs_turned != 0:
        c, d = s.cos_heading[0], s.sin_heading[0]
        x, y = s.x[j] - s.x[0], s.y[j] - s.y[0]
        x, y = c * x + d * y, c * y - d * x
        vx, vy = c * vx + d * vy, c * vy - d * vx
        cosine, sine = c * cosine + d * sine, c * sine - d * cosine
    out[at + 1] = clip(x * per_x, -bound, bound)
    out[at + 2] = clip(y * per_y, -bound, bound)
    out[at + 3] = clip(vx * per_v, -bound, bound)
    out[at + 4] = clip(vy * per_v, -bound, bound)
    if p.obs_columns > 5:
        out[at + 5], out[at + 6] = cosine, sine
