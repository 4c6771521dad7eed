# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""What a robot perceives: lidar, what it remembers of it, where its goal should be, and its own motion.

Everything is seen from the robot, with its heading straight ahead.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.clearance import free_around
from quadrivium.envs.navigation.footprint import meet_outline
from quadrivium.envs.navigation.lidar import all_round, measure, meet_disc, scan_grid, write_ranges
from quadrivium.envs.navigation.locomotion import write_velocities
from quadrivium.envs.navigation.own_map import occupancy, wavefront
from quadrivium.envs.navigation.point_nav.state import BLIND, GRID, LIDAR

OWN_COLUMNS = (
    *("distance to the goal, by 10 m", "cosine of its direction", "sine of its direction"),
    *("first velocity, by its highest", "second velocity, by its highest", "share of the time that is left"),
)
OWN = len(OWN_COLUMNS)
GOAL_RANGE = np.float32(10.0)  # m
SECTOR_COLUMNS = (  # before the sector's beams
    *("presence: 1", "cosine of its middle", "sine of its middle", "its least distance, by `lidar_range`"),
)
SECTOR_EXTRA = len(SECTOR_COLUMNS)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TINY = np.float32(1e-6)
_TWO_PI = np.float32(2.0 * math.pi)


@lane
def forget(s, p, r):
    """Empties the map that robot `r` keeps."""
    if keeps_map(p):
        occupancy.forget_all(s.own_map[r])


@lane
def keeps_map(p):
    """Returns whether robots map what they see."""
    return p.observation == GRID or p.guide != 0


@lane
def size_of(p):
    """Returns the rows and columns of the maps; a record may have room for more."""
    return p.occupied.shape[1], p.occupied.shape[2]


@lane
def sense(s, p, r):
    """Takes a scan; enters it into the robot's own map if it keeps one, and plans there from time to time."""
    ranges = s.scan[r, : p.directions.shape[0]]
    reach, resolution = np.float32(p.lidar_range), np.float32(p.resolution)
    x, y = s.x[r], s.y[r]
    free = free_around(p.clearance[s.map], x, y, resolution)
    scan_grid(p.occupied[s.map], x, y, s.heading[r], p.directions, reach, resolution, free, ranges)
    cos, sin = math.cos(s.heading[r]), math.sin(s.heading[r])
    for q in range(s.x.shape[0]):
        if q != r and s.active[q] != 0:
            dx, dy = s.x[q] - s.x[r], s.y[q] - s.y[r]
            ahead, aside = dx * cos + dy * sin, dy * cos - dx * sin
            if p.footprint.shape[0] == 0:
                meet_disc(ahead, aside, np.float32(p.radius), p.directions, reach, ranges)
            else:
                turned = s.heading[q] - s.heading[r]
                meet_outline(p.footprint, ahead, aside, turned, p.directions, reach, ranges)
    for i in range(p.people):
        dx, dy = s.crowd.x[i] - s.x[r], s.crowd.y[i] - s.y[r]
        ahead, aside = dx * cos + dy * sin, dy * cos - dx * sin
        meet_disc(ahead, aside, np.float32(p.people_radius), p.directions, reach, ranges)
    measure(s, p, ranges, reach)
    if keeps_map(p):
        x, y, heading = s.believed_x[r], s.believed_y[r], s.believed_heading[r]
        occupancy.add_scan(s.own_map[r], size_of(p), x, y, heading, p.directions, ranges, reach, resolution)
    if p.guide != 0 and s.step % wavefront.PLAN_EVERY == 0:
        plan_way(s, p, r)


@lane
def plan_way(s, p, r):
    """Plans the way of robot `r` to its goal in its own map: with a cell to spare, or if need be without."""
    plan, resolution = s.plan[r], np.float32(p.resolution)
    x, y = s.believed_x[r], s.believed_y[r]
    i, j = np.int32(s.goal_y[r] / resolution), np.int32(s.goal_x[r] / resolution)
    for spare in range(1, -1, -1):
        wavefront.block(s.own_map[r], plan, size_of(p), p.margin + spare, x, y, resolution)
        plan[i, j] = _ZERO
        wavefront.spread(plan)
        if wavefront.descend(plan, x, y, _ZERO, resolution)[2] < wavefront.FAR:
            return


@lane
def observe_one(s, p, out):
    """Writes what each robot perceives, then its own numbers; all 0 for a robot that is gone."""
    robots = s.x.shape[0]
    width = out.shape[0] // robots
    own_width = OWN + (wavefront.GUIDE if p.guide != 0 else 0)
    for r in range(robots):
        begin, own = r * width, (r + 1) * width - own_width
        if robots > 1 and s.active[r] == 0:
            for k in range(begin, begin + width):
                out[k] = _ZERO
            continue
        if p.observation == GRID:
            observe_map(s, p, r, out, begin)
        elif p.observation == LIDAR:
            write_ranges(s.scan[r, : p.directions.shape[0]], np.float32(p.lidar_range), out, begin)
        elif p.observation != BLIND:
            observe_sectors(s, p, r, out, begin)
        observe_own(s, p, r, out, own)


@lane
def goal_seen(s, r):
    """Returns (distance, cosine, sine) of the goal, from where the robot believes to be."""
    dx, dy = s.goal_x[r] - s.believed_x[r], s.goal_y[r] - s.believed_y[r]
    distance = math.sqrt(dx * dx + dy * dy)
    cos, sin = math.cos(s.believed_heading[r]), math.sin(s.believed_heading[r])
    scale = _ONE / max(distance, _TINY)
    # Rounding makes 1.0000001 of a cosine.
    return (
        distance,
        clip(scale * (dx * cos + dy * sin), -_ONE, _ONE),
        clip(scale * (dy * cos - dx * sin), -_ONE, _ONE),
    )


@lane
def observe_own(s, p, r, out, at):
    """Writes the robot's own `OWN` numbers from place `at` on."""
    distance, cos_goal, sin_goal = goal_seen(s, r)
    out[at] = clip(distance / GOAL_RANGE, _ZERO, _ONE)
    out[at + 1], out[at + 2] = cos_goal, sin_goal
    write_velocities(s, p, r, out, at + 3)
    out[at + 5] = _ONE - np.float32(s.step) / np.float32(p.max_steps)
    if p.guide != 0:
        # Without a plan the goal itself is where it leads.
        goal, resolution = (s.goal_x[r], s.goal_y[r]), np.float32(p.resolution)
        x, y, heading = s.believed_x[r], s.believed_y[r], s.believed_heading[r]
        wavefront.write_guide(s.plan[r], x, y, heading, goal, resolution, out, at + OWN)


@lane
def observe_sectors(s, p, r, out, begin):
    """Writes a token a sector: presence, its middle's cosine and sine, its least range, its ranges."""
    reach = np.float32(p.lidar_range)
    per_range = _ONE / reach
    ranges = s.scan[r, : p.directions.shape[0]]
    beams = ranges.shape[0] // p.sectors
    at = begin
    for k in range(p.sectors):
        least = _ONE
        for b in range(beams):
            near = min(ranges[k * beams + b], reach) * per_range
            out[at + SECTOR_EXTRA + b] = near
            least = min(least, near)
        cos, sin = middle_of(p.directions, k * beams, beams)
        out[at], out[at + 1], out[at + 2], out[at + 3] = _ONE, cos, sin, least
        at += SECTOR_EXTRA + beams


@lane
def middle_of(directions, first, count):
    """Returns the cosine and sine of the middle of `count` beams from `first` on."""
    if all_round(directions):
        beams = np.float32(first) + _HALF * np.float32(count - 1)
        middle = _TWO_PI * beams / np.float32(directions.shape[0])
        return math.cos(middle), math.sin(middle)
    low, high = first + (count - 1) // 2, first + count // 2  # the middle one, or the two beside it
    cos = _HALF * (directions[low, 0] + directions[high, 0])
    sin = _HALF * (directions[low, 1] + directions[high, 1])
    length = max(math.sqrt(cos * cos + sin * sin), _TINY)
    return clip(cos / length, -_ONE, _ONE), clip(sin / length, -_ONE, _ONE)


@lane
def observe_map(s, p, r, out, begin):
    """Writes two channels of the robot's surroundings: what it has mapped, and a 1 at or toward the goal."""
    side, cell = p.patch, np.float32(p.patch_cell)
    x, y, heading = s.believed_x[r], s.believed_y[r], s.believed_heading[r]
    occupancy.write_view(s.own_map[r], x, y, heading, side, cell, np.float32(p.resolution), out, begin)
    second = begin + side * side
    for k in range(second, second + side * side):
        out[k] = _ZERO
    distance, cos_goal, sin_goal = goal_seen(s, r)
    middle = _HALF * np.float32(side)
    # A goal outside the view is shown on its border.
    shown = min(distance / cell, (middle - _HALF) / max(abs(cos_goal), abs(sin_goal), _TINY))
    row = min(max(np.int32(middle - shown * cos_goal), 0), side - 1)
    column = min(max(np.int32(middle - shown * sin_goal), 0), side - 1)
    out[second + row * side + column] = _ONE
