# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Where the scripted explorer drives, as a lane function."""

import math

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.locomotion import action_for
from quadrivium.envs.navigation.own_map.wavefront import FAR, LOOK_AHEAD, descend
from quadrivium.envs.navigation.pursuit import drive_to
from quadrivium.envs.navigation.robots import HOLONOMIC

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@lane
def to_nearest_frontier(s, p):
    """Returns the action along the robot's plan; where no frontier is left it stands still."""
    x, y = s.believed_x[0], s.believed_y[0]
    tx, ty, length = descend(s.plan, x, y, LOOK_AHEAD, np.float32(p.resolution))
    if length >= FAR:
        return (_ZERO if p.drive == HOLONOMIC else action_for(p, _ZERO)), _ZERO
    # The point is in the map that the robot believes in: what counts is the way there from itself.
    turned = s.heading[0] - s.believed_heading[0]
    cos, sin = math.cos(turned), math.sin(turned)
    dx, dy = tx - x, ty - y
    return drive_to(s, p, 0, s.x[0] + cos * dx - sin * dy, s.y[0] + sin * dx + cos * dy)
