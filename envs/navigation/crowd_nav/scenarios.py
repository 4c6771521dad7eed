# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Who begins where, and wants to go where: the circle and square crossings of Chen et al. 2019."""

import math

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rng import uniform, uniform_range
from quadrivium.envs.navigation.crowd_nav.state import CIRCLE, MIXED, PRESENT

PERSON_RADIUS, PERSON_SPEED = np.float32(0.3), np.float32(1.0)  # m, m/s
_RADII, _SPEEDS = (np.float32(0.3), np.float32(0.5)), (np.float32(0.5), np.float32(1.5))  # where they vary
_SPACE = np.float32(0.2)  # m, between people at first
_TRIES, _PATIENCE = 4096, 32  # for a place; after each 32 in vain the circle or square grows by
_GROWTH = np.float32(0.1)  # m
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_TWO_PI = np.float32(2.0 * math.pi)


@lane
def populate(s, p):
    """Gives everyone a body, a place and a goal: the first robot at the south, on the way to the north."""
    robots, bodies = s.heading.shape[0], s.heading.shape[0] + p.people
    circle = p.scenario == CIRCLE or (p.scenario == MIXED and uniform(s) < _HALF)
    for i in range(bodies):
        s.vx[i], s.vy[i], s.present[i] = _ZERO, _ZERO, 1
        s.radius[i], s.speed[i] = PERSON_RADIUS, PERSON_SPEED
        if i < robots:
            s.radius[i], s.speed[i] = np.float32(p.robot_radius), np.float32(p.max_speed)
        elif p.varied != 0:
            s.radius[i] = uniform_range(s, _RADII[0], _RADII[1])
            s.speed[i] = uniform_range(s, _SPEEDS[0], _SPEEDS[1])
        if i == 0:
            s.x[0], s.y[0] = _ZERO, -np.float32(p.circle_radius)
            s.goal_x[0], s.goal_y[0] = _ZERO, np.float32(p.circle_radius)
        elif circle:
            place_on_circle(s, p, i)
        else:
            place_in_square(s, p, i)
    for r in range(robots):
        dx, dy = s.goal_x[r] - s.x[r], s.goal_y[r] - s.y[r]
        s.goal_m[r] = math.sqrt(dx * dx + dy * dy)
        s.start_m[r] = s.goal_m[r]
        s.heading[r] = math.atan2(dy, dx)
        s.outcome[r], s.active[r] = PRESENT, 1


@lane
def place_on_circle(s, p, i):
    """Puts body `i` near the circle, clear of the bodies before it and of their goals, its goal opposite."""
    x, y = _ZERO, _ZERO
    for k in range(_TRIES):
        radius = np.float32(p.circle_radius) + _GROWTH * np.float32(k // _PATIENCE)
        angle = _TWO_PI * uniform(s)
        x = radius * math.cos(angle) + (uniform(s) - _HALF) * s.speed[i]
        y = radius * math.sin(angle) + (uniform(s) - _HALF) * s.speed[i]
        if clear_of_others(s, i, x, y, s.x, s.y) and clear_of_others(s, i, x, y, s.goal_x, s.goal_y):
            break
    s.x[i], s.y[i] = x, y
    s.goal_x[i], s.goal_y[i] = -x, -y


@lane
def place_in_square(s, p, i):
    """Puts body `i` into the left or right half of the square, and its goal into the other."""
    side = _ONE if uniform(s) < _HALF else -_ONE
    x, y = _ZERO, _ZERO
    for k in range(_TRIES):
        x, y = in_half(s, p, side, k)
        if clear_of_others(s, i, x, y, s.x, s.y):
            break
    s.x[i], s.y[i] = x, y
    for k in range(_TRIES):
        x, y = in_half(s, p, -side, k)
        if clear_of_others(s, i, x, y, s.goal_x, s.goal_y):
            break
    s.goal_x[i], s.goal_y[i] = x, y


@lane
def in_half(s, p, side, tries):
    """Draws a place in the right (1) or left (−1) half of the square, which grows with `tries` in vain."""
    width = np.float32(p.square_width) + _TWO * _GROWTH * np.float32(tries // _PATIENCE)
    return side * _HALF * width * uniform(s), (uniform(s) - _HALF) * width


@lane
def clear_of_others(s, i, x, y, others_x, others_y):
    """Returns whether body `i` at (x, y) has 0.2 m of space to where the bodies before it are."""
    radius = s.radius
    for k in range(i):
        dx, dy = others_x[k] - x, others_y[k] - y
        least = radius[i] + radius[k] + _SPACE
        if dx * dx + dy * dy < least * least:
            return False
    return True


@lane
def walk_on(s, p, i):
    """Gives a person who has arrived a new goal: across the circle, up to a quarter of a turn to the side."""
    radius = np.float32(p.circle_radius)
    angle = math.atan2(-s.y[i], -s.x[i]) + (uniform(s) - _HALF) * _HALF * _TWO_PI
    s.goal_x[i], s.goal_y[i] = radius * math.cos(angle), radius * math.sin(angle)
