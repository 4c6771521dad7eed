"""What worlds on networks of roads call to observe: one function for each that is compiled by itself."""

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.observations.grids import observe_grid, observe_occupancy
from quadrivium.envs.driving.roads.observations.kinematics import observe_kinematics
from quadrivium.envs.driving.roads.observations.lidar import observe_lidar
from quadrivium.envs.driving.roads.observations.road_points import write_way
from quadrivium.envs.driving.roads.state import KINEMATICS, OCCUPANCY

_ZERO = np.float32(0.0)


@lane
def observe_rows(s, p, out):
    """Writes for each ego rows of the nearest cars, or what LaneKeeping observes."""
    width = np.int64(out.shape[0] // s.active.shape[0])
    for e in range(np.int64(s.active.shape[0])):
        at = e * width
        if is_blind(s, e):
            clear(out, at, width)
        elif p.observation == KINEMATICS:
            observe_kinematics(s, e, p, out, at)
        else:
            for k in range(s.ego[e].seen.shape[0]):
                out[at + k] = s.ego[e].seen[k]


@lane
def observe_beams(s, p, out):
    """Writes for each ego what its lidar sees."""
    width = np.int64(out.shape[0] // s.active.shape[0])
    for e in range(np.int64(s.active.shape[0])):
        if is_blind(s, e):
            clear(out, e * width, width)
        else:
            observe_lidar(s, e, p, out, e * width)


@lane
def observe_road(s, p, out):
    """Writes for each ego rows of the nearest cars, then points of the way ahead."""
    width = np.int64(out.shape[0] // s.active.shape[0])
    for e in range(np.int64(s.active.shape[0])):
        if is_blind(s, e):
            clear(out, e * width, width)
        else:
            observe_kinematics(s, e, p, out, e * width)
            write_way(s, e, p, out, e * width + p.obs_rows * p.obs_columns)


@lane
def observe_planes(s, p, out):
    """Writes for each ego the bird's-eye view, or the occupancy grid."""
    width = np.int64(out.shape[0] // s.active.shape[0])
    for e in range(np.int64(s.active.shape[0])):
        if is_blind(s, e):
            clear(out, e * width, width)
        elif p.observation == OCCUPANCY:
            observe_occupancy(s, e, p, out, e * width)
        else:
            observe_grid(s, e, p, out, e * width)


@lane
def is_blind(s, e):
    """Returns whether ego `e` has left while others may drive on: it sees nothing."""
    return s.active.shape[0] > 1 and s.active[e] == 0


@lane
def clear(out, at, width):
    """Writes zeros."""
    for k in range(at, at + width):
        out[k] = _ZERO
