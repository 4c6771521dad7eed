"""One frame of highway traffic: leaders, lane changes, accelerations, motion, collisions."""

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.collisions import swept_overlap, within_reach
from quadrivium.envs.driving.vehicle import (
    DIAGONAL,
    IDM_ACCELERATION,
    IDM_MAX,
    LANE_WIDTH,
    MAX_SPEED,
    MOBIL_GAIN,
    MOBIL_SAFE_BRAKING,
    bicycle,
    cos_small,
    idm_free,
    idm_interaction,
    idm_wanted_gap,
    lane_at,
    lane_slip,
    sin_small,
)

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_MEMBER = np.float32(3.0)  # m: a car this near to a lane's centre is in it; between lanes it is in both
_NEIGHBOUR = LANE_WIDTH - _MEMBER


@lane
def in_lane(s, i, lane_index):
    """Returns whether traffic counts car `i` to the lane."""
    return abs(s.y[i] - LANE_WIDTH * np.float32(lane_index)) <= _MEMBER


@lane
def claims(s, i, lane_index):
    """Returns whether car `i` is in the lane or, if it is traffic, on its way there."""
    return in_lane(s, i, lane_index) or (i != 0 and s.target[i] == lane_index)


@lane
def leader(s, rank, lane_index, nobody, claimed):
    """Returns the next car ahead of `rank` in the lane (or, if `claimed`, on its way to it), or `nobody`."""
    order = s.order
    for r in range(rank - 1, -1, -1):
        i = np.int64(order[r])
        if claims(s, i, lane_index) if claimed != 0 else in_lane(s, i, lane_index):
            return i
    return nobody


@lane
def follower(s, rank, lane_index, nobody, claimed):
    """Returns the next car behind `rank` in the lane (or, if `claimed`, on its way to it), or `nobody`."""
    order = s.order
    for r in range(rank + 1, nobody):
        i = np.int64(order[r])
        if claims(s, i, lane_index) if claimed != 0 else in_lane(s, i, lane_index):
            return i
    return nobody


@lane
def approach(s, i, j):
    """Returns the speed of car `i` minus that of `j` along i's heading, m/s."""
    cos_heading, sin_heading, speed = s.cos_heading, s.sin_heading, s.speed
    along = cos_heading[j] * cos_heading[i] + sin_heading[j] * sin_heading[i]
    return speed[i] - speed[j] * along


@lane
def owed(s, i, j):
    """Returns the deceleration that car `i` owes to the leader `j`, m/s²."""
    return idm_interaction(s.speed[i], approach(s, i, j), s.x[j] - s.x[i])


@lane
def wants_lane(s, i, candidate, cars, cautious):
    """MOBIL: returns whether changing to `candidate` gains car `i` enough and forces nobody to brake hard.

    A cautious driver takes the cars on their way into that lane for cars in it, and does not change where it
    would have to brake hard itself.
    """
    rank = np.int64(s.rank[i])
    pressed = owed(s, i, leader(s, rank, candidate, cars, cautious))
    if owed(s, i, leader(s, rank, np.int64(s.lane[i]), cars, 0)) - pressed < MOBIL_GAIN:
        return False
    if cautious != 0 and pressed > MOBIL_SAFE_BRAKING + IDM_ACCELERATION:
        return False
    behind = follower(s, rank, candidate, cars, cautious)
    if behind == cars:
        return True
    # The follower is judged by the changing driver's own exponent, as users of this model know it.
    free = idm_free(s.speed[behind], s.desired_speed[behind], s.exponent[i])
    return free - owed(s, behind, i) >= -MOBIL_SAFE_BRAKING


@lane
def gives_way(s, i, cars):
    """Returns whether a car close ahead of `i` is already changing into the same lane as `i`."""
    order, x, lanes, target = s.order, s.x, s.lane, s.target
    for r in range(s.rank[i] - 1, -1, -1):
        j = np.int64(order[r])
        if lanes[j] != target[i] and target[j] == target[i]:
            gap = x[j] - x[i]
            if _ZERO < gap < idm_wanted_gap(s.speed[i], approach(s, i, j)):
                return True
    return False


@lane
def decide_lanes(s, p):
    """Every traffic car whose turn it is decides on its target lane, in the order of the cars' numbers."""
    lanes, target, countdown, crashed, speed = s.lane, s.target, s.countdown, s.crashed, s.speed
    cars, cautious = p.vehicles + 1, p.cautious
    for i in range(1, cars):
        if crashed[i] != 0:
            continue
        if lanes[i] != target[i]:
            if gives_way(s, i, cars):
                target[i] = lanes[i]
        elif countdown[i] <= 0:
            countdown[i] = p.think_frames
            if abs(speed[i]) >= _ONE:
                here = np.int64(lanes[i])
                if here > 0 and wants_lane(s, i, here - 1, cars, cautious):
                    target[i] = here - 1
                if here < p.lanes - 1 and wants_lane(s, i, here + 1, cars, cautious):
                    target[i] = here + 1


@lane
def find_leaders(s, p):
    """Writes every car's leader (gap and velocity): of two lanes, while changing, the more pressing one.

    One sweep from the front car to the last that remembers the last car of every lane.
    """
    x, y, speed, cos_heading, sin_heading = s.x, s.y, s.speed, s.cos_heading, s.sin_heading
    lanes, target, order, last = s.lane, s.target, s.order, s.last
    gap, vx, vy = s.lead_gap, s.lead_vx, s.lead_vy
    cars = p.vehicles + 1
    for k in range(p.lanes):
        last[k] = cars  # the padding, far ahead
    for r in range(cars):
        i = np.int64(order[r])
        here = lanes[i]
        j = np.int64(last[here])
        if target[i] != here:
            k = np.int64(last[target[i]])
            if owed(s, i, k) > owed(s, i, j):
                j = k
        gap[i] = x[j] - x[i]
        vx[i] = speed[j] * cos_heading[j]
        vy[i] = speed[j] * sin_heading[j]
        offset = y[i] - LANE_WIDTH * np.float32(here)
        if abs(offset) <= _MEMBER:  # else it is beside the road
            last[here] = i
        if offset >= _NEIGHBOUR:
            if here + 1 < p.lanes:
                last[here + 1] = i
        elif offset <= -_NEIGHBOUR and here > 0:
            last[here - 1] = i


@lane
def accelerate(s):
    """Writes every car's acceleration by the Intelligent Driver Model; the ego's is its driver's matter."""
    speed, cos_heading, sin_heading = s.speed, s.cos_heading, s.sin_heading
    desired, exponent, acceleration = s.desired_speed, s.exponent, s.acceleration
    gap, vx, vy = s.lead_gap, s.lead_vx, s.lead_vy
    for i in range(speed.shape[0]):  # without branches: vector code
        v = speed[i]
        closing = v - (vx[i] * cos_heading[i] + vy[i] * sin_heading[i])
        a = idm_free(v, desired[i], exponent[i]) - idm_interaction(v, closing, gap[i])
        acceleration[i] = clip(a, -IDM_MAX, IDM_MAX)


@lane
def move(s, dt):
    """Moves every car by one frame: steering to its target lane, or rolling to a stop after a crash."""
    x, y, heading, speed, acceleration = s.x, s.y, s.heading, s.speed, s.acceleration
    cos_heading, sin_heading, target, crashed = s.cos_heading, s.sin_heading, s.target, s.crashed
    for i in range(speed.shape[0]):  # without branches: vector code
        v = speed[i]
        wreck = crashed[i] != 0
        slip = lane_slip(y[i] - LANE_WIDTH * np.float32(target[i]), heading[i], v)
        slip = _ZERO if wreck else slip
        a = -v if wreck else acceleration[i]
        dx, dy, dheading = bicycle(cos_heading[i], sin_heading[i], v, slip, dt)
        x[i] += dx
        y[i] += dy
        heading[i] += dheading
        speed[i] = v + a * dt
        acceleration[i] = a


@lane
def push(s, cars):
    """Displaces the cars whose collision the last frame foresaw, and marks them crashed."""
    if s.impacts == 0:
        return
    s.impacts = 0
    pushed, crashed, x, y, push_x, push_y = s.pushed, s.crashed, s.x, s.y, s.push_x, s.push_y
    for i in range(cars):
        if pushed[i] != 0:
            x[i] += push_x[i]
            y[i] += push_y[i]
            crashed[i] = 1
            pushed[i] = 0


@lane
def settle(s, lanes):
    """Brings what is kept beside position and heading up to date, and the drivers' clocks forward."""
    y, heading, cos_heading, sin_heading = s.y, s.heading, s.cos_heading, s.sin_heading
    nearest, countdown = s.lane, s.countdown
    for i in range(y.shape[0]):  # without branches: vector code
        cos_heading[i] = cos_small(heading[i])
        sin_heading[i] = sin_small(heading[i])
        nearest[i] = lane_at(y[i], lanes)
        countdown[i] -= np.int32(1)


@lane
def sort_along(s, cars):
    """Restores the order from the front car to the last; nearly sorted already, so an insertion sort."""
    x, order, rank = s.x, s.order, s.rank
    for r in range(1, cars):
        i = order[r]
        k = r
        while k > 0 and x[order[k - 1]] < x[i]:
            order[k] = order[k - 1]
            rank[order[k]] = k
            k -= 1
        if k != r:
            order[k] = i
            rank[i] = k


@lane
def collide(s, i, j, dt, travel):
    """Checks the cars `i` < `j` for an accident in this frame or the next; returns whether there is one.

    travel: as in `within_reach`, of car `i`.

    Cars that overlap are crashed at once. Cars that will overlap, if they keep their velocities for one more
    frame, are pushed apart and crashed in that frame.
    """
    x, y, speed, cos_heading, sin_heading = s.x, s.y, s.speed, s.cos_heading, s.sin_heading
    dx, dy = x[j] - x[i], y[j] - y[i]
    if not within_reach(dx, dy, travel):
        return False
    move_x = (speed[i] * cos_heading[i] - speed[j] * cos_heading[j]) * dt
    move_y = (speed[i] * sin_heading[i] - speed[j] * sin_heading[j]) * dt
    now, soon, push_x, push_y = swept_overlap(
        dx, dy, cos_heading[i], sin_heading[i], cos_heading[j], sin_heading[j], move_x, move_y
    )
    if soon:
        s.impacts = 1
        s.pushed[i] = 1
        s.pushed[j] = 1
        s.push_x[i], s.push_y[i] = _HALF * push_x, _HALF * push_y
        s.push_x[j], s.push_y[j] = -_HALF * push_x, -_HALF * push_y
    if now:
        s.crashed[i] = 1
        s.crashed[j] = 1
    return now or soon


@lane
def travel(s, i, j, dt, both):
    """Returns by how many metres cars `i` and `j` may come nearer in a frame, as in `within_reach`.

    Conventionally (`both` 0) that is the speed of `i` with its sign, so that who reverses fast passes through
    cars, and who stands is passed through by fast ones where frames are long.
    """
    return (abs(s.speed[i]) + abs(s.speed[j])) * dt if both != 0 else s.speed[i] * dt


@lane
def traffic_accidents(s, cars, dt, both):
    """Checks all pairs of traffic cars that are near each other; counts the cars that crash. both: as above.

    Not counted after the ego's own accident, whose wrecks roll into other cars until the decision ends.
    """
    x, order, crashed, pushed = s.x, s.order, s.crashed, s.pushed
    peaceful = crashed[0] == 0 and pushed[0] == 0
    reach = DIAGONAL + (np.float32(2.0) if both != 0 else _ONE) * MAX_SPEED * dt
    for r in range(cars):
        i = np.int64(order[r])
        for q in range(r + 1, cars):
            j = np.int64(order[q])
            if x[i] - x[j] > reach:
                break
            if i != 0 and j != 0:
                fresh = (crashed[i] | pushed[i]) + (crashed[j] | pushed[j])
                first, second = min(i, j), max(i, j)
                if collide(s, first, second, dt, travel(s, first, second, dt, both)) and peaceful:
                    s.traffic_crashes += 2 - fresh
