# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""What the exploring robot perceives: its lidar, the map it makes of it, and where that map ends."""

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.clearance import free_around
from quadrivium.envs.navigation.lidar import measure, scan_grid, write_ranges
from quadrivium.envs.navigation.locomotion import write_velocities
from quadrivium.envs.navigation.own_map import occupancy, wavefront
from quadrivium.envs.navigation.own_map.matching import match

OWN_COLUMNS = (
    *("first velocity, by its highest", "second velocity, by its highest", "share of the time that is left"),
)
OWN = len(OWN_COLUMNS)
_UNKNOWN_AROUND = 3  # of a frontier's eight neighbours
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@lane
def sense(s, p):
    """Takes a scan, corrects by it where the robot believes to be, maps it, and plans from time to time."""
    ranges = s.scan[: p.directions.shape[0]]
    reach, resolution = np.float32(p.lidar_range), np.float32(p.resolution)
    size = p.occupied.shape[1], p.occupied.shape[2]
    x, y = s.x[0], s.y[0]
    free = free_around(p.clearance[s.map], x, y, resolution)
    scan_grid(p.occupied[s.map], x, y, s.heading[0], p.directions, reach, resolution, free, ranges)
    measure(s, p, ranges, reach)
    x, y, heading = s.believed_x[0], s.believed_y[0], s.believed_heading[0]
    if p.matching != 0 and p.odometry_noise > 0.0 and s.step > 0:
        x, y, heading = match(s.own_map, size, x, y, heading, p.directions, ranges, reach, resolution)
        s.believed_x[0], s.believed_y[0], s.believed_heading[0] = x, y, heading
    occupancy.add_scan(s.own_map, size, x, y, heading, p.directions, ranges, reach, resolution)
    if p.guide != 0 and s.step % wavefront.PLAN_EVERY == 0:
        find_frontier(s, p)


@lane
def find_frontier(s, p):
    """Plans the way to the nearest frontier, with a cell to spare or if need be without."""
    resolution, size = np.float32(p.resolution), (p.occupied.shape[1], p.occupied.shape[2])
    x, y = s.believed_x[0], s.believed_y[0]
    for spare in range(1, -1, -1):
        wavefront.block(s.own_map, s.plan, size, p.margin + spare, x, y, resolution)
        mark_frontiers(s.own_map, s.plan, size)
        wavefront.spread(s.plan)
        if wavefront.descend(s.plan, x, y, _ZERO, resolution)[2] < wavefront.FAR:
            return


@lane
def mark_frontiers(odds, plan, size):
    """Gives 0 to the cells of a plan that are known to be free and have at least three unknown neighbours."""
    rows, columns = size
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            if odds[i, j] < 0 and plan[i, j] >= _ZERO:
                unknown = 0
                for u in range(i - 1, i + 2):
                    for v in range(j - 1, j + 2):
                        unknown += 1 if odds[u, v] == 0 else 0
                if unknown >= _UNKNOWN_AROUND:
                    plan[i, j] = _ZERO


@lane
def observe_one(s, p, out):
    """Writes the view of the robot's own map, the scan, and the robot's own numbers."""
    x, y, heading = s.believed_x[0], s.believed_y[0], s.believed_heading[0]
    side, resolution = p.patch, np.float32(p.resolution)
    occupancy.write_view(s.own_map, x, y, heading, side, np.float32(p.patch_cell), resolution, out, 0)
    at = side * side
    beams = p.directions.shape[0]
    write_ranges(s.scan[:beams], np.float32(p.lidar_range), out, at)
    at += beams
    write_velocities(s, p, 0, out, at)
    out[at + 2] = _ONE - np.float32(s.step) / np.float32(p.max_steps)
    if p.guide != 0:
        wavefront.write_guide(s.plan, x, y, heading, (x, y), resolution, out, at + OWN)
