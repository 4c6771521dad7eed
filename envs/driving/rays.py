"""Where a ray meets a car: what a lidar measures."""

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.vehicle import LENGTH, WIDTH

_HALF_LENGTH, _HALF_WIDTH = np.float32(0.5) * LENGTH, np.float32(0.5) * WIDTH
_ZERO, _FAR, _TINY = np.float32(0.0), np.float32(1e9), np.float32(1e-6)


@lane
def ray_to_box(from_x, from_y, along, across, half_length=_HALF_LENGTH, half_width=_HALF_WIDTH):
    """Returns the distance along a ray to a rectangle around (0, 0), a car's, in its own axes, m.

    1e9 m where the ray passes by.
    """
    along = along if abs(along) > _TINY else _TINY
    across = across if abs(across) > _TINY else _TINY
    near_x, far_x = (-half_length - from_x) / along, (half_length - from_x) / along
    near_y, far_y = (-half_width - from_y) / across, (half_width - from_y) / across
    enter = max(min(near_x, far_x), min(near_y, far_y))
    leave = min(max(near_x, far_x), max(near_y, far_y))
    if leave < max(enter, _ZERO):
        return _FAR
    return max(enter, _ZERO)
