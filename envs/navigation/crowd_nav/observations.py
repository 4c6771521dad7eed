# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""What a robot perceives: people in sight as tokens, or lidar scans; and its own motion and goal.

Everything is seen from the robot, with its goal straight ahead: x to the goal, y to the left of it.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.crowd_nav.state import LIDAR
from quadrivium.envs.navigation.lidar import all_round, measure, meet_disc

TOKEN_COLUMNS = (
    *("presence: 1, the rest 0", "x, by `sensor_range`", "y, by `sensor_range`", "vx, by 2 m/s"),
    *("vy, by 2 m/s", "radius, by 1 m", "gap between the surfaces, by `sensor_range`"),
)
OWN_COLUMNS = (
    *("distance to the goal, by 10 m", "velocity ahead to the goal, by 2 m/s"),
    *("velocity to the left, by 2 m/s", "cosine of the heading against the goal's direction"),
    *("sine of the heading against the goal's direction", "share of the time that is left"),
)
TOKEN, OWN = len(TOKEN_COLUMNS), len(OWN_COLUMNS)
SPEED_RANGE, SIZE_RANGE, GOAL_RANGE = np.float32(2.0), np.float32(1.0), np.float32(10.0)  # m/s, m, m

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TINY = np.float32(1e-6)


@lane
def toward_goal(s, r):
    """Returns the cosine and sine of the direction from robot `r` to its goal."""
    dx, dy = s.goal_x[r] - s.x[r], s.goal_y[r] - s.y[r]
    distance = math.sqrt(dx * dx + dy * dy)
    if distance < _TINY:
        return _ONE, _ZERO
    return dx / distance, dy / distance


@lane
def observe_one(s, p, out):
    """Writes what each robot perceives of others, then its own numbers; all 0 for a robot that is gone."""
    robots = s.heading.shape[0]
    width = out.shape[0] // robots
    for r in range(robots):
        begin, own = r * width, (r + 1) * width - OWN
        if p.observation == LIDAR:
            observe_scans(s, p, r, out, begin)
        else:
            observe_bodies(s, p, r, out, begin)
        observe_own(s, p, r, out, own)
        if robots > 1 and s.active[r] == 0:
            for k in range(begin, begin + width):
                out[k] = _ZERO


@lane
def observe_own(s, p, r, out, at):
    """Writes the robot's own `OWN` numbers from place `at` on."""
    cos_goal, sin_goal = toward_goal(s, r)
    cos_heading, sin_heading = math.cos(s.heading[r]), math.sin(s.heading[r])
    out[at] = clip(s.goal_m[r] / GOAL_RANGE, _ZERO, _ONE)
    out[at + 1] = clip((s.vx[r] * cos_goal + s.vy[r] * sin_goal) / SPEED_RANGE, -_ONE, _ONE)
    out[at + 2] = clip((s.vy[r] * cos_goal - s.vx[r] * sin_goal) / SPEED_RANGE, -_ONE, _ONE)
    # Rounding makes 1.0000001 of a cosine.
    out[at + 3] = clip(cos_heading * cos_goal + sin_heading * sin_goal, -_ONE, _ONE)
    out[at + 4] = clip(sin_heading * cos_goal - cos_heading * sin_goal, -_ONE, _ONE)
    out[at + 5] = _ONE - np.float32(s.step) / np.float32(p.max_steps)


@lane
def observe_bodies(s, p, r, out, begin):
    """Writes a row of `TOKEN` numbers for each body in sight of robot `r`, the nearest first; else zeros."""
    x, y, vx, vy, radius, seen = s.x, s.y, s.vx, s.vy, s.radius, s.seen
    cos_goal, sin_goal = toward_goal(s, r)
    per_range = _ONE / np.float32(p.sensor_range)
    count = look_around(s, p, r)
    at = begin
    for k in range(count):
        j = seen[k]
        dx, dy = x[j] - x[r], y[j] - y[r]
        gap = math.sqrt(dx * dx + dy * dy) - radius[j] - radius[r]
        out[at] = _ONE
        out[at + 1] = clip((dx * cos_goal + dy * sin_goal) * per_range, -_ONE, _ONE)
        out[at + 2] = clip((dy * cos_goal - dx * sin_goal) * per_range, -_ONE, _ONE)
        out[at + 3] = clip((vx[j] * cos_goal + vy[j] * sin_goal) / SPEED_RANGE, -_ONE, _ONE)
        out[at + 4] = clip((vy[j] * cos_goal - vx[j] * sin_goal) / SPEED_RANGE, -_ONE, _ONE)
        out[at + 5] = clip(radius[j] / SIZE_RANGE, _ZERO, _ONE)
        out[at + 6] = clip(gap * per_range, -_ONE, _ONE)
        at += TOKEN
    for k in range(at, begin + TOKEN * (s.heading.shape[0] + p.people - 1)):
        out[k] = _ZERO


@lane
def look_around(s, p, r):
    """Writes into `seen` the bodies that robot `r` sees, the nearest first; returns their number.

    A body is seen where its surface is in range and the line from centre to centre crosses no other body.
    """
    x, y, radius, present, seen, seen_m2 = s.x, s.y, s.radius, s.present, s.seen, s.seen_m2
    count = 0
    for j in range(s.heading.shape[0] + p.people):
        if j == r or present[j] == 0:
            continue
        dx, dy = x[j] - x[r], y[j] - y[r]
        m2, reach = dx * dx + dy * dy, np.float32(p.sensor_range) + radius[j]
        if m2 > reach * reach:
            continue
        k = count
        while k > 0 and seen_m2[k - 1] > m2:
            seen[k], seen_m2[k] = seen[k - 1], seen_m2[k - 1]
            k -= 1
        seen[k], seen_m2[k] = j, m2
        count += 1
    # Only what is nearer can hide a body, hidden bodies included: they are looked at from the far end.
    kept = count
    for k in range(count - 1, 0, -1):
        if hidden(s, r, k):
            kept -= 1
            for q in range(k, kept):
                seen[q], seen_m2[q] = seen[q + 1], seen_m2[q + 1]
    return kept


@lane
def hidden(s, r, k):
    """Returns whether one of the first `k` bodies of `seen` covers the centre of the body after them."""
    x, y, radius, seen = s.x, s.y, s.radius, s.seen
    dx, dy, m2 = x[seen[k]] - x[r], y[seen[k]] - y[r], s.seen_m2[k]
    for q in range(k):
        j = seen[q]
        ex, ey = x[j] - x[r], y[j] - y[r]
        across = dx * ey - dy * ex
        if dx * ex + dy * ey > _ZERO and across * across < radius[j] * radius[j] * m2:
            return True
    return False


@lane
def observe_scans(s, p, r, out, begin):
    """Writes the scans of robot `r` by `p.sensor_range`, the newest first: 1 is nothing, or a lost beam."""
    scans, reach = s.scan, np.float32(p.sensor_range)
    per_range = _ONE / reach
    beams = p.directions.shape[0]
    for k in range(p.scans):
        for b in range(beams):
            out[begin + k * beams + b] = min(scans[r, k, b], reach) * per_range


@lane
def scan(s, p, r):
    """Moves the scans of robot `r` back by one, and casts a new one, from its centre all round.

    All round, beam b of B looks 2π b / B to the left of the goal; a field of view is about the heading.
    """
    scans, x, y, radius, present = s.scan, s.x, s.y, s.radius, s.present
    beams, reach = p.directions.shape[0], np.float32(p.sensor_range)
    for k in range(p.scans - 1, 0, -1):
        for b in range(beams):
            scans[r, k, b] = scans[r, k - 1, b]
    for b in range(beams):
        scans[r, 0, b] = reach
    cos, sin = toward_goal(s, r)
    if not all_round(p.directions):
        cos, sin = math.cos(s.heading[r]), math.sin(s.heading[r])
    for j in range(s.heading.shape[0] + p.people):
        if j == r or present[j] == 0:
            continue
        dx, dy = x[j] - x[r], y[j] - y[r]
        meet_disc(dx * cos + dy * sin, dy * cos - dx * sin, radius[j], p.directions, reach, scans[r, 0])
    measure(s, p, scans[r, 0, :beams], reach)
