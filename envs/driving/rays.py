"""Where a ray meets a rectangle: a scalar lane function in float32."""

import numpy as np

from quadrivium.envs.core.lane import lane

NOTHING = np.float32(1e9)  # m: the distance to what a ray does not meet
_ZERO, _TINY = np.float32(0.0), np.float32(1e-6)


@lane
def ray_to_rectangle(from_x, from_y, along, across, half_length, half_width):
    """Returns the distance along a ray to a rectangle, m; `NOTHING` where it passes by, 0 inside.

    All is in the rectangle's frame: from where the ray begins, and the unit vector of its direction.
    """
    along = along if abs(along) > _TINY else _TINY
    across = across if abs(across) > _TINY else _TINY
    near_x, far_x = (-half_length - from_x) / along, (half_length - from_x) / along
    near_y, far_y = (-half_width - from_y) / across, (half_width - from_y) / across
    enter = max(min(near_x, far_x), min(near_y, far_y))
    leave = min(max(near_x, far_x), max(near_y, far_y))
    if leave < max(enter, _ZERO):
        return NOTHING
    return max(enter, _ZERO)
