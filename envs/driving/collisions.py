"""Swept overlap of two cars as rotated rectangles (separating axes): scalar lane functions in float32."""

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.vehicle import DIAGONAL, LENGTH, WIDTH

_HALF_LENGTH = np.float32(0.5) * LENGTH
_HALF_WIDTH = np.float32(0.5) * WIDTH
_ZERO, _FAR = np.float32(0.0), np.float32(1e9)


@lane
def within_reach(dx, dy, travel, diagonal=DIAGONAL):
    """Returns whether two cars (dx, dy) metres apart can touch while one of them travels `travel` metres.

    diagonal: the mean of theirs, m.
    """
    reach = diagonal + travel
    return reach >= _ZERO and dx * dx + dy * dy <= reach * reach


@lane
def swept_overlap(
    dx, dy, cos_a, sin_a, cos_b, sin_b, move_x, move_y, half_length_b=_HALF_LENGTH, half_width_b=_HALF_WIDTH
):
    """Tells whether car a overlaps car b now, and whether it will after moving by (move_x, move_y) against b.

    dx, dy: centre of b minus centre of a. Headings are given by cosine and sine. b may be of another size.

    Returns:
        (now, soon, push_x, push_y): two bools, and the shortest translation of a that parts the two swept
        rectangles; (0, 0) unless `soon`.
    """
    now, soon = True, True
    least, push_x, push_y = _FAR, _ZERO, _ZERO
    for edge in range(8):  # the outward normals of a's four edges, then of b's
        c, s = (cos_a, sin_a) if edge < 4 else (cos_b, sin_b)
        nx, ny = (c, s) if edge % 2 == 0 else (-s, c)
        if edge % 4 == 0 or edge % 4 == 3:
            nx, ny = -nx, -ny
        radius_a = _HALF_LENGTH * abs(nx * cos_a + ny * sin_a) + _HALF_WIDTH * abs(ny * cos_a - nx * sin_a)
        radius_b = half_length_b * abs(nx * cos_b + ny * sin_b) + half_width_b * abs(ny * cos_b - nx * sin_b)
        low_a, high_a = -radius_a, radius_a
        middle_b = dx * nx + dy * ny
        low_b, high_b = middle_b - radius_b, middle_b + radius_b
        if (low_b - high_a if low_a < low_b else low_a - high_b) > _ZERO:
            now = False
        move = move_x * nx + move_y * ny
        low_a, high_a = low_a + min(move, _ZERO), high_a + max(move, _ZERO)
        distance = low_b - high_a if low_a < low_b else low_a - high_b
        if distance > _ZERO:
            soon = False
        if not now and not soon:
            return False, False, _ZERO, _ZERO
        if abs(distance) < least:
            least = abs(distance)
            away = np.float32(1.0) if middle_b < _ZERO else np.float32(-1.0)
            push_x, push_y = away * nx, away * ny
    if not soon:
        return now, False, _ZERO, _ZERO
    return now, True, least * push_x, least * push_y
