"""The rules of the parking lot: how an episode begins, what a decision does, what it pays."""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import clip, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.account import account_comfort
from quadrivium.envs.driving.collisions import swept_overlap, within_reach
from quadrivium.envs.driving.parking.lot import (
    BAY_LENGTH,
    BAY_WIDTH,
    BAYS_A_ROW,
    NEAR,
    PLACE_M,
    SPEED_MPS,
    STANDING_MPS,
    WEIGHTS,
)
from quadrivium.envs.driving.parking.state import BAYS
from quadrivium.envs.driving.rays import ray_to_rectangle
from quadrivium.envs.driving.trigonometry import cos_sin
from quadrivium.envs.driving.vehicle import (
    DIAGONAL,
    LENGTH,
    WIDTH,
    bicycle,
    limit_acceleration,
    steering_slip,
)
from quadrivium.measures import count, rate

REWARD_TERMS = ("distance", "progress", "time", "collision", "arrival")
_DISTANCE, _PROGRESS, _TIME, _COLLISION, _ARRIVAL = range(len(REWARD_TERMS))
METRICS = (rate("arrival"), rate("collision"), "distance", count("turns"), "comfort", count("length"))
_M_ARRIVAL, _M_COLLISION, _M_DISTANCE, _M_TURNS, _M_COMFORT, _M_LENGTH = range(len(METRICS))
GOAL_COLUMNS = ("x, by 100 m", "y, by 100 m", "vx, by 5 m/s", "vy, by 5 m/s", "cosine", "sine of the heading")
GOAL = len(GOAL_COLUMNS)

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_MAX_THROTTLE, _MAX_STEER = np.float32(5.0), np.float32(math.pi / 4)
_TWO_PI = np.float32(2.0 * math.pi)
_HALF_LENGTH, _HALF_WIDTH = _HALF * LENGTH, _HALF * WIDTH
_HALF_BAY_LENGTH, _HALF_BAY_WIDTH = np.float32(BAY_LENGTH / 2), np.float32(BAY_WIDTH / 2)
_PER_PLACE, _PER_SPEED = np.float32(1.0 / PLACE_M), np.float32(1.0 / SPEED_MPS)
_NEAR, _STANDING = np.float32(NEAR), np.float32(STANDING_MPS)
_W_X, _W_Y, _W_VX, _W_VY, _W_COS, _W_SIN = (np.float32(weight) for weight in WEIGHTS)
_STILL = np.float32(0.05)  # m/s: slower is no direction
_BESIDE_START = BAYS_A_ROW // 2 - 1  # of a row, the bay nearest to the ego's start


@lane
def reset_one(s, p):
    """Puts the ego into the middle of the aisle, and draws its heading, its bay and those that are taken."""
    for i in range(s.x.shape[0]):
        put(s, i, _ZERO, _ZERO, _ZERO)
        s.crashed[i], s.pushed[i] = 0, 0
        s.push_x[i], s.push_y[i] = _ZERO, _ZERO
    put(s, 0, _ZERO, _ZERO, rng.uniform_range(s, _ZERO, _TWO_PI))
    s.step, s.speed, s.acceleration, s.steer = 0, _ZERO, _ZERO, _ZERO
    draw_bays(s, p)
    for i in range(1, p.parked + 1):
        bay = s.bay[i]
        put(s, i, p.bays[bay, 0], p.bays[bay, 1], p.bays[bay, 2])
    write_achieved(s, s.before)
    write_achieved(s, s.achieved)
    write_desired(s, p)
    s.arrived, s.frames, s.distance = 0, 0, _ZERO
    s.direction, s.turns, s.comfort_frames = 0, 0, 0
    s.lateral_acceleration, s.yaw_rate = _ZERO, _ZERO


@lane
def put(s, i, x, y, heading):
    """Puts car `i` somewhere."""
    s.x[i], s.y[i], s.heading[i] = x, y, heading
    s.cos_heading[i], s.sin_heading[i] = cos_sin(heading)


@lane
def draw_bays(s, p):
    """Draws the ego's bay and those of the others, all different.

    The bay beside the start, of the row towards which the ego is turned, is left free, as conventionally.
    """
    for k in range(BAYS):
        s.bay[k] = k
    free = _BESIDE_START + (0 if s.sin_heading[0] >= _ZERO else BAYS_A_ROW)
    s.bay[free], s.bay[BAYS - 1] = s.bay[BAYS - 1], free
    for k in range(p.parked + 1):
        other = k + np.int64(rng.integer(s, BAYS - 1 - k))
        s.bay[k], s.bay[other] = s.bay[other], s.bay[k]


@lane
def step_one(s, action, p, terms):
    """Takes one decision, simulates its frames and pays for it; returns (terminated, truncated)."""
    throttle = _MAX_THROTTLE * clip(np.float32(action[0]), -_ONE, _ONE)
    s.steer = _MAX_STEER * clip(np.float32(action[1]), -_ONE, _ONE)
    slip = steering_slip(s.steer)
    write_achieved(s, s.before)
    write_desired(s, p)
    before = apart(s.before, s.desired)
    for _ in range(p.frames):
        frame(s, p, throttle, slip)
    s.step += 1
    write_achieved(s, s.achieved)
    distance = apart(s.achieved, s.desired)
    if p.safe != 0:
        s.arrived = 1 if s.crashed[0] == 0 and within_bay(s, p) else 0
    else:
        s.arrived = 1 if distance < _NEAR else 0
    w = p.weights
    terms[_DISTANCE] = w[_DISTANCE] * distance
    terms[_PROGRESS] = w[_PROGRESS] * (before - distance)
    terms[_TIME] = w[_TIME] * np.float32(p.frames) * np.float32(p.dt)
    terms[_COLLISION] = w[_COLLISION] * np.float32(s.crashed[0])
    terms[_ARRIVAL] = w[_ARRIVAL] * np.float32(s.arrived)
    return s.crashed[0] != 0 or s.arrived != 0, s.step >= p.max_steps


@lane
def frame(s, p, throttle, slip):
    """Simulates one frame: the ego moves, then accidents are found."""
    dt = np.float32(p.dt)
    speed, heading, acceleration = s.speed, s.heading[0], s.acceleration
    wreck = s.crashed[0] != 0
    s.acceleration = limit_acceleration(-speed if wreck else throttle, speed)
    dx, dy, turned = bicycle(s.cos_heading[0], s.sin_heading[0], speed, _ZERO if wreck else slip, dt)
    for i in range(p.parked + 1):
        if s.pushed[i] != 0:
            s.x[i] += s.push_x[i]
            s.y[i] += s.push_y[i]
            s.crashed[i], s.pushed[i] = 1, 0
    put(s, 0, s.x[0] + dx, s.y[0] + dy, wrap_to_pi(heading + turned))  # small numbers stay exact
    s.speed += s.acceleration * dt
    account(s, speed, heading, acceleration, dt)
    for j in range(1, p.parked + 1):
        cos_j, sin_j = s.cos_heading[j], s.sin_heading[j]
        now, soon, push_x, push_y = meeting(s, p, dt, s.x[j], s.y[j], cos_j, sin_j, _HALF_LENGTH, _HALF_WIDTH)
        if soon:
            s.pushed[0], s.push_x[0], s.push_y[0] = 1, _HALF * push_x, _HALF * push_y
            s.pushed[j], s.push_x[j], s.push_y[j] = 1, -_HALF * push_x, -_HALF * push_y
        if now:
            s.crashed[0], s.crashed[j] = 1, 1
    for k in range(p.walls.shape[0]):
        w = p.walls[k]
        now, soon, push_x, push_y = meeting(s, p, dt, w.x, w.y, w.cos, w.sin, w.half_length, w.half_width)
        if soon:
            s.pushed[0], s.push_x[0], s.push_y[0] = 1, push_x, push_y
        if now:
            s.crashed[0] = 1


@lane
def meeting(s, p, dt, x, y, cos_other, sin_other, half_length, half_width):
    """Returns as `swept_overlap` how the ego meets what stands at (x, y), now and within a frame."""
    dx, dy = x - s.x[0], y - s.y[0]
    # Conventionally the reach has the speed's sign: who reverses is looked at later.
    travel = (abs(s.speed) if p.safe != 0 else s.speed) * dt
    reach = _HALF * DIAGONAL + math.sqrt(half_length * half_length + half_width * half_width)
    if not within_reach(dx, dy, travel, reach):
        return False, False, _ZERO, _ZERO
    ci, si = s.cos_heading[0], s.sin_heading[0]
    move = s.speed * dt
    return swept_overlap(dx, dy, ci, si, cos_other, sin_other, move * ci, move * si, half_length, half_width)


@lane
def account(s, speed, heading, acceleration, dt):
    """Adds the ego's last frame to its metrics. speed, heading, acceleration: as they were before it."""
    s.frames += 1
    s.distance += abs(speed) * dt
    way = 1 if s.speed > _STILL else (-1 if s.speed < -_STILL else 0)
    if way != 0:
        s.turns += 1 if way == -s.direction else 0
        s.direction = way
    account_comfort(s, s.acceleration, acceleration, speed, wrap_to_pi(s.heading[0] - heading), dt)


@lane
def apart(achieved, desired):
    """Returns how far two goals are apart, as `lot.apart` does to the last bit."""
    total = _W_X * abs(achieved[0] - desired[0])
    total += _W_Y * abs(achieved[1] - desired[1])
    total += _W_VX * abs(achieved[2] - desired[2])
    total += _W_VY * abs(achieved[3] - desired[3])
    total += _W_COS * abs(achieved[4] - desired[4])
    total += _W_SIN * abs(achieved[5] - desired[5])
    return math.sqrt(total)


@lane
def within_bay(s, p):
    """Returns whether the whole ego stands between the lines of its bay, as `lot.within_bay` says."""
    bay = s.bay[0]
    cos_bay, sin_bay = cos_sin(p.bays[bay, 2])
    dx, dy = s.x[0] - p.bays[bay, 0], s.y[0] - p.bays[bay, 1]
    along, across = dx * cos_bay + dy * sin_bay, dy * cos_bay - dx * sin_bay
    cos_turn = s.cos_heading[0] * cos_bay + s.sin_heading[0] * sin_bay
    sin_turn = s.sin_heading[0] * cos_bay - s.cos_heading[0] * sin_bay
    half_along = _HALF_LENGTH * abs(cos_turn) + _HALF_WIDTH * abs(sin_turn)
    half_across = _HALF_LENGTH * abs(sin_turn) + _HALF_WIDTH * abs(cos_turn)
    inside = abs(along) + half_along <= _HALF_BAY_LENGTH and abs(across) + half_across <= _HALF_BAY_WIDTH
    return inside and abs(s.speed) < _STANDING and (cos_turn > _ZERO or p.either_way != 0)


@lane
def observe_one(s, p, out):
    """Writes the goal that is achieved, the one that is desired, and the ego's own state with its lidar."""
    for k in range(GOAL):
        out[k], out[GOAL + k], out[2 * GOAL + k] = s.achieved[k], s.desired[k], s.achieved[k]
    spacing = _TWO_PI / np.float32(max(p.beams, 1))
    for b in range(p.beams):
        cos_beam, sin_beam = cos_sin(s.heading[0] + spacing * np.float32(b))
        least = np.float32(p.lidar_range)
        for j in range(1, p.parked + 1):
            cos_j, sin_j = s.cos_heading[j], s.sin_heading[j]
            dx, dy = s.x[0] - s.x[j], s.y[0] - s.y[j]
            seen = seen_at(dx, dy, cos_beam, sin_beam, cos_j, sin_j, _HALF_LENGTH, _HALF_WIDTH)
            least = min(least, seen)
        for k in range(p.walls.shape[0]):
            wall = p.walls[k]
            dx, dy = s.x[0] - wall.x, s.y[0] - wall.y
            seen = seen_at(dx, dy, cos_beam, sin_beam, wall.cos, wall.sin, wall.half_length, wall.half_width)
            least = min(least, seen)
        out[3 * GOAL + b] = least / np.float32(p.lidar_range)


@lane
def seen_at(dx, dy, cos_beam, sin_beam, cos_other, sin_other, half_length, half_width):
    """Returns how far along a beam that begins (dx, dy) from a rectangle's middle it meets it, m."""
    return ray_to_rectangle(
        dx * cos_other + dy * sin_other,
        dy * cos_other - dx * sin_other,
        cos_beam * cos_other + sin_beam * sin_other,
        sin_beam * cos_other - cos_beam * sin_other,
        half_length,
        half_width,
    )


@lane
def write_achieved(s, out):
    """Writes the goal that the ego achieves."""
    write_goal(out, s.x[0], s.y[0], s.speed, s.cos_heading[0], s.sin_heading[0])


@lane
def write_desired(s, p):
    """Writes the goal of a car that stands in the middle of the ego's bay."""
    bay = s.bay[0]
    cos_bay, sin_bay = cos_sin(p.bays[bay, 2])
    write_goal(s.desired, p.bays[bay, 0], p.bays[bay, 1], _ZERO, cos_bay, sin_bay)


@lane
def write_goal(out, x, y, speed, cos_heading, sin_heading):
    """Writes `GOAL` numbers, as `GOAL_COLUMNS` says."""
    out[0], out[1] = x * _PER_PLACE, y * _PER_PLACE
    out[2], out[3] = speed * cos_heading * _PER_SPEED, speed * sin_heading * _PER_SPEED
    out[4], out[5] = cos_heading, sin_heading


@lane
def metrics_one(s, p, out):
    """Writes the metrics of the episode that has just ended, in the order of `METRICS`."""
    out[_M_ARRIVAL] = np.float32(s.arrived) * (_ONE - np.float32(s.crashed[0]))
    out[_M_COLLISION] = np.float32(s.crashed[0])
    out[_M_DISTANCE] = s.distance
    out[_M_TURNS] = np.float32(s.turns)
    out[_M_COMFORT] = np.float32(s.comfort_frames) / np.float32(max(s.frames, 1))
    out[_M_LENGTH] = np.float32(s.step)
