"""The rules of driving on a network: how an episode begins, what a decision does, and when it is over."""

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads import drivers, motion, right_of_way
from quadrivium.envs.driving.roads.ego import decide, look, note_lane, on_road, slip, steer
from quadrivium.envs.driving.roads.lanes import coordinates
from quadrivium.envs.driving.roads.metrics import account, begin_account
from quadrivium.envs.driving.roads.reward import REWARD_TERMS, pay
from quadrivium.envs.driving.roads.start import begin_egos, begin_traffic, choose_trips, join, near_an_ego
from quadrivium.envs.driving.roads.state import ATTRIBUTES
from quadrivium.envs.driving.vehicle import LENGTH

_ZERO, _HALF = np.float32(0.0), np.float32(0.5)
_TERMS = len(REWARD_TERMS)
_ALL = np.int64(0)  # numbers with a type of their own: each literal would be compiled for itself
_EARLY, _LATE = np.int64(0), np.int64(1)


@lane
def reset_one(s, p):
    """Puts every car where its `Spawn` says, and the obstacles behind all cars in the record.

    The egos begin first; or last, where traffic drives for a while before.
    """
    choose_trips(s, p)
    egos = np.int64(s.active.shape[0])
    for i in range(s.x.shape[0]):
        motion.clear_car(s, i)
    for n in range(p.obstacles.shape[0]):
        i, block = p.places + n, p.obstacles[n]
        s.x[i], s.y[i], s.heading[i] = block.x, block.y, block.heading
        motion.settle(s, i, p)
    s.cars, s.begun, s.clock, s.step = egos, 0, 0, 0
    if p.warm_up == 0:
        begin_egos(s, p)
        begin_traffic(s, p, _EARLY)
    else:
        for e in range(egos):
            motion.hide_car(s, e)
            s.crashed[e] = 1
        begin_traffic(s, p, _EARLY)
        for _ in range(p.warm_up):
            drive_traffic(s, p, np.float32(p.dt), egos)
            accidents(s, p, np.float32(p.dt))
        begin_traffic(s, p, _LATE)
        begin_egos(s, p)
        for i in range(s.cars - 1, egos - 1, -1):
            if near_an_ego(s, np.int64(i), np.float32(p.ego_room)):
                motion.remove_car(s, np.int64(i))
    for e in range(egos):
        s.active[e] = 1
        begin_account(s.ego[e])
        if p.observation == ATTRIBUTES:
            look(s, e, p)


@lane
def step_one(s, action, p, terms):
    """Takes a decision of each ego, simulates its frames and pays for it; returns (terminated, truncated).

    Traffic leaves and comes at its beginning, so that what was observed before is what was there. Where
    several egos drive, those whose episodes have ended are gone at its end; wrecks stay where they are, if
    they do.
    """
    egos = np.int64(s.active.shape[0])
    if s.step > 0:
        leave(s, p)
        for n in range(p.arrivals.shape[0]):
            join(s, p, p.arrivals[n])
    for e in range(egos):
        if s.active[e] != 0:
            decide(s, e, action, p)
    for _ in range(p.frames):
        frame(s, p, np.float32(p.dt))
    s.step += 1
    for e in range(egos):
        at = _TERMS * e
        for k in range(at, at + _TERMS):
            terms[k] = _ZERO
        if s.active[e] != 0:
            pay(s, e, p, terms, at)
    driving = 0
    for e in range(egos):
        if s.active[e] != 0 and is_over(s, e, p):
            s.active[e] = 0
            if egos > 1 and (s.crashed[e] == 0 or p.wrecks == 0):
                motion.hide_car(s, e)
        driving += s.active[e]
    return driving == 0, s.step >= p.max_steps


@lane
def is_over(s, e, p):
    """Returns whether the episode of ego `e` has ended by itself."""
    ego = s.ego[e]
    if s.crashed[e] != 0 or (p.arrival_ends != 0 and ego.arrived != 0):
        return True
    if p.safe != 0:
        return ego.off_road != 0
    return p.classic[0].off_road_ends != 0 and not on_road(s, e, p)


@lane
def leave(s, p):
    """Removes traffic that comes near the end of its route, or of a road from which no other one goes on."""
    near = np.float32(p.leaving_m)
    if near <= _ZERO:
        return
    for i in range(s.cars - 1, s.active.shape[0] - 1, -1):
        if s.along[i] >= p.lanes[s.lane[i]].length - near and drivers.goes_no_farther(s, np.int64(i), p):
            motion.remove_car(s, np.int64(i))


@lane
def frame(s, p, dt):
    """Simulates one frame: all drivers decide, then all cars move, then accidents are found."""
    egos = np.int64(s.active.shape[0])
    for e in range(egos):
        if s.active[e] != 0:
            steer(s, e, p)
    drive_traffic(s, p, dt, _ALL)
    for e in range(egos):
        if s.active[e] != 0:
            if p.by_hand != 0:
                note_lane(s, e, p)
            account(s, e, p, dt)
    accidents(s, p, dt)


@lane
def drive_traffic(s, p, dt, first):
    """Lets all traffic decide, and all from car `first` on move.

    first: 0, or the first car that is no ego while the egos are not there.
    """
    egos = s.active.shape[0]
    for i in range(egos, s.cars):
        drivers.drive(s, i, p)
    s.clock += 1
    if p.regulation > 0 and s.clock % p.regulation == 0:
        right_of_way.regulate(s, p, first)
    for i in range(first, s.cars):
        if motion.gone(s, i):
            continue
        if i < egos and p.slips != 0:
            slip(s, i, dt)
        else:
            motion.move(s, i, dt)
        motion.settle(s, i, p)


@lane
def accidents(s, p, dt):
    """Looks for collisions of cars with cars and obstacles, and judges an ego's fault in its first one.

    An ego is not at fault when hit from behind, or from the side, while keeping its lane.
    """
    cars, places, egos = s.cars, np.int64(p.places), np.int64(s.active.shape[0])
    for e in range(egos):
        s.ego[e].peaceful = 1 if s.active[e] != 0 and clean(s, e) else 0
    for i in range(cars):
        for n in range(i + 1, cars + p.obstacles.shape[0]):
            j = n if n < cars else n - cars + places
            # Conventionally the reach is by the speed of the car that began first, and has its sign: who
            # reverses fast passes through cars.
            speed = s.speed[i] if s.serial[i] < s.serial[j] or j >= places else s.speed[j]
            reach = abs(s.speed[i]) if p.safe != 0 else speed
            if i < egos:
                first, second = clean(s, i), j < egos and clean(s, j)
                if motion.collide(s, i, j, places, dt, reach * dt):
                    if first:
                        judge(s, i, p, j)
                    if second:
                        judge(s, j, p, i)
            else:
                known = (s.crashed[i] | s.pushed[i]) + (s.crashed[j] | s.pushed[j])
                if motion.collide(s, i, j, places, dt, reach * dt):
                    crashes = (2 if j < places else 1) - min(known, 2 if j < places else 1)
                    for e in range(egos):
                        s.ego[e].traffic_crashes += crashes * s.ego[e].peaceful


@lane
def clean(s, i):
    """Returns whether car `i` has had no accident and none is foreseen."""
    return s.crashed[i] == 0 and s.pushed[i] == 0


@lane
def judge(s, e, p, j):
    """Writes whether the accident with car or obstacle `j` is the fault of ego `e`."""
    _along, offset = coordinates(p.lanes, np.int64(s.target[e]), s.x[e], s.y[e])
    ahead = (s.x[j] - s.x[e]) * s.cos_heading[e] + (s.y[j] - s.y[e]) * s.sin_heading[e]
    s.ego[e].at_fault = 1 if ahead >= _HALF * LENGTH or abs(offset) > _HALF else 0
