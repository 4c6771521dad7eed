"""The way ahead as points: where the ego's lane leads, and how much road there is to both sides of it."""

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads import drivers
from quadrivium.envs.driving.roads.lanes import coordinates, heading_at, place
from quadrivium.envs.driving.trigonometry import cos_sin

ROAD_COLUMNS = (
    *("presence: 1, or 0 beyond the end of the road", "x ahead of the ego, by 100 m"),
    *("y to the right of the ego, by 100 m", "cosine of the lane's heading against the ego's"),
    *("sine of the same", "road to the left of the lane's centre, by 20 m"),
    *("road to the right of it, by 20 m", "speed limit, by 40 m/s"),
    "priority where roads meet, by 5",
)
SPACING_M = 5.0

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_SPACING = np.float32(SPACING_M)
_PER_PRIORITY = np.float32(0.2)
_PER_X, _PER_ROOM, _PER_V = np.float32(0.01), np.float32(0.05), np.float32(0.025)
_WIDTH = len(ROAD_COLUMNS)


@lane
def write_way(s, e, p, out, at):
    """Writes `p.obs_points` rows of `ROAD_COLUMNS` from `out[at]` on: points of the lane ego `e` steers to.

    The first one beside it, the others every `SPACING_M` along its way, from lane to lane as it will go.
    """
    lanes = p.lanes
    k, leg = np.int64(s.target[e]), s.leg[e]
    along, _offset = drivers.known(s, e, p, k)
    cosine, sine = s.cos_heading[e], s.sin_heading[e]
    present = True
    for _ in range(p.obs_points):
        while present and along > lanes[k].length:
            after = drivers.next_lane(s, e, p, k, lanes[k].length)
            present = after != k
            if present:
                x, y = place(lanes, k, along, _ZERO)
                k = after
                along, _offset = coordinates(lanes, k, x, y)
        for column in range(_WIDTH):
            out[at + column] = _ZERO
        if present:
            one = lanes[k]
            x, y = place(lanes, k, along, _ZERO)
            dx, dy = x - s.x[e], y - s.y[e]
            c, d = cos_sin(heading_at(lanes, k, along) - s.heading[e])
            number, count = np.float32(one.number), np.float32(p.roads[one.road].count)
            out[at] = _ONE
            out[at + 1] = clip((cosine * dx + sine * dy) * _PER_X, -_ONE, _ONE)
            out[at + 2] = clip((cosine * dy - sine * dx) * _PER_X, -_ONE, _ONE)
            out[at + 3], out[at + 4] = clip(c, -_ONE, _ONE), clip(d, -_ONE, _ONE)
            out[at + 5] = clip((number + _HALF) * one.width * _PER_ROOM, -_ONE, _ONE)
            out[at + 6] = clip((count - number - _HALF) * one.width * _PER_ROOM, -_ONE, _ONE)
            out[at + 7] = clip(one.limit * _PER_V, -_ONE, _ONE)
            out[at + 8] = clip(np.float32(one.priority) * _PER_PRIORITY, -_ONE, _ONE)
        along += _SPACING
        at += _WIDTH
    s.leg[e] = leg
