"""Scripted drivers of the egos, batched: each takes a `Batch` of a scenario and returns its actions.

They read the lanes' records, so they know exact positions, and remember nothing between calls.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.driving import scripted
from quadrivium.envs.driving.roads.network import MEMBERSHIPS, NOWHERE
from quadrivium.envs.driving.roads.state import RoadsParams
from quadrivium.envs.driving.roads.steering import pure_pursuit, stanley
from quadrivium.envs.driving.scripted import (
    FASTER,
    GAIN,
    LEFT,
    LENGTH,
    NOBODY,
    RIGHT,
    SAFE_BRAKING,
    SLOWER,
)

_CLOSE_S = 3.0  # s to a slower car ahead, from where on it is passed

Player = Callable[[Batch], np.ndarray]


@dataclass(frozen=True)
class Traffic:
    """A batch as arrays, a row an ego.

    Attributes:
        states: (N,) records, each as often as it has egos.
        egos: (N,) which car of its record the ego is.
        params: the scenario's.
        links: (L, n) the lanes that are linked to each, itself the last; NOWHERE where there are no more.
        offsets: (L, n) m that s in them is ahead of s in that lane.
        speeds: (n,) the target speeds, m/s.
    """

    states: np.ndarray
    egos: np.ndarray
    params: RoadsParams
    links: np.ndarray
    offsets: np.ndarray
    speeds: np.ndarray

    @classmethod
    def of(cls, env: Batch) -> "Traffic":
        """Reads the batch's records."""
        p = env.setup.params
        first, end = p.lanes["first_link"], p.lanes["end_link"]
        at = end[:, None] - 1 - np.arange((end - first).max())  # backwards: the lane itself is the first one
        links = np.where(at >= first[:, None], p.links["lane"][at], NOWHERE)
        offsets, speeds = p.links["offset"][at].astype(np.float64), p.target_speeds.astype(np.float64)
        count = env.states["active"].shape[1]
        states, egos = env.states, np.tile(np.arange(count), len(env.states))
        return cls(states if count == 1 else states.repeat(count), egos, p, links, offsets, speeds)

    def own(self, name: str) -> np.ndarray:
        """Returns a field (N,) of the egos."""
        return self.states[name][np.arange(len(self.egos)), self.egos]

    def neighbours(self, lane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns the gaps to the nearest ahead and behind in `lane` (N,) and their speeds.

        In the order gap ahead, speed, gap behind, speed; nobody: `NOBODY` and the ego's speed. Beside each
        other, in lanes of one road, s is alike.
        """
        states, things = self.states, self.params.places + len(self.params.obstacles)
        member, where = states["member"][:, :things], states["member_s"][:, :things].astype(np.float64)
        held = np.arange(MEMBERSHIPS) < states["members"][:, :things, None]
        ahead_of, own = np.full(member.shape, np.nan), self.own("along")[:, None, None]
        for n in range(self.links.shape[1]):
            same = held & (member == self.links[lane, n][:, None, None])
            ahead_of = np.where(same, self.offsets[lane, n][:, None, None] + where - own, ahead_of)
        rows = np.arange(len(lane))
        ahead_of[rows, self.egos] = np.nan
        front = np.where(ahead_of >= 0, ahead_of, NOBODY).min(2, initial=NOBODY)  # (N, things)
        rear = np.where(ahead_of < 0, -ahead_of, NOBODY).min(2, initial=NOBODY)
        found = []
        for gaps in (front, rear):
            nearest = gaps.argmin(1)
            gap = gaps[rows, nearest]
            speed = states["speed"][rows, np.where(gap < NOBODY, nearest, self.egos)]
            found += [gap, speed.astype(np.float64)]
        return found[0], found[1], found[2], found[3]

    def follow(self, lane: np.ndarray) -> np.ndarray:
        """Returns the acceleration (N,) that the leaders in a lane allow, m/s²."""
        gap, speed, _, _ = self.neighbours(lane)
        limit = np.minimum(self.speeds[-1], self.params.lanes["limit"][self.own("lane")])
        desired = np.maximum(limit, 0.1).astype(np.float64)
        return scripted.idm(self.own("speed").astype(np.float64), gap, speed, desired)


def brake(env: Batch) -> np.ndarray:
    """Always slows down, to the least target speed."""
    return np.full(env.num_envs, SLOWER)


def idm(env: Batch) -> np.ndarray:
    """Keeps its lane and follows the Intelligent Driver Model towards the highest target speed."""
    traffic = Traffic.of(env)
    return _keep(traffic, traffic.follow(traffic.own("lane")))


def idm_mobil(env: Batch) -> np.ndarray:
    """Follows that model, and changes lane where MOBIL gains from it or the way to the goal asks for it."""
    traffic, p = Traffic.of(env), env.setup.params
    lane, target = traffic.own("lane").astype(np.int64), traffic.own("target").astype(np.int64)
    road = p.roads[p.lanes["road"][lane]]
    speed = traffic.own("speed").astype(np.float64)
    stay = traffic.follow(lane)
    best, wanted = np.full(len(lane), GAIN), target.copy()
    number, (wish, seeks) = p.lanes["number"][lane], _wished(traffic)
    for side in (-1, 1):
        there = (lane + side >= road["first"]) & (lane + side < road["first"] + road["count"])
        candidate = np.where(there, lane + side, lane)
        there &= (target == lane) & (p.lanes["closed"][candidate] == 0)
        gap, ahead, gap_behind, behind = traffic.neighbours(candidate)
        own = scripted.idm(speed, gap, ahead, traffic.speeds[-1])
        other = scripted.idm(behind, gap_behind, speed, np.maximum(behind, 1.0))
        safe = (
            there
            & (own >= -SAFE_BRAKING)
            & (other >= -SAFE_BRAKING)
            & (np.minimum(gap, gap_behind) > 2 * LENGTH)
        )
        gain = np.where(seeks, np.where(side * (wish - number) > 0, np.inf, -np.inf), own - stay)
        better = safe & (gain >= best)
        best, wanted = np.where(better, gain, best), np.where(better, candidate, wanted)
    keep = _keep(traffic, np.minimum(stay, traffic.follow(wanted)))
    return np.where(wanted > target, RIGHT, np.where(wanted < target, LEFT, keep))


def _wished(traffic: Traffic) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of the lane (N,) that leads on to the goal, and whether no other one does."""
    states, p = traffic.states, traffic.params
    if p.trips["length"].any():
        number = p.routes["number"][traffic.own("route"), traffic.own("leg")]
        return number, number != NOWHERE
    alone = len({int(p.lanes["road"][k]) for k in p.goals}) == len(p.goals)
    return np.full(len(states), p.lanes["number"][p.goals[0]]), np.full(len(states), alone)


def longitudinal(player: Player, env: Batch) -> np.ndarray:
    """Does what a player of meta-actions does in longitudinal ones, and idles instead of changing lane."""
    numbers = np.ones(5, np.int64)
    numbers[[SLOWER, FASTER]] = 0, 2
    return numbers[player(env)]


def steered(steer: Callable[..., np.ndarray], env: Batch) -> np.ndarray:
    """Steers so, past slower cars, and keeps IDM's distance where there is a throttle."""
    traffic, p = Traffic.of(env), env.setup.params
    lane = free_lane(traffic)
    wheel = np.clip(steer(traffic.states, p, lane, traffic.egos) / p.max_steer, -1, 1)
    if env.single_action_space.shape == (1,):
        return wheel[:, None].astype(np.float32)
    throttle = np.clip(traffic.follow(lane) / 5.0, -1, 1)
    return np.stack([throttle, wheel], axis=1).astype(np.float32)


def free_lane(traffic: Traffic) -> np.ndarray:
    """Returns the lane (N,) to steer to: the present one, or one beside it where a slower car is close.

    Where ways part, the present one is that of the ego's route.
    """
    p = traffic.params
    if len(p.references):
        return p.references[traffic.own("ego")["reference"]].astype(np.int64)
    lane = traffic.own("target").astype(np.int64)
    speed, road = traffic.own("speed"), p.roads[p.lanes["road"][lane]]
    gap, ahead, _, _ = traffic.neighbours(lane)
    blocked = (gap < _CLOSE_S * speed + LENGTH) & (ahead < speed)
    best, wanted = np.where(blocked, gap, NOBODY), lane.copy()
    for side in (-1, 1):
        there = (lane + side >= road["first"]) & (lane + side < road["first"] + road["count"])
        candidate = np.where(there, lane + side, lane)
        room, _, behind, _ = traffic.neighbours(candidate)
        better = blocked & there & (p.lanes["closed"][candidate] == 0) & (behind > 2 * LENGTH) & (room > best)
        best, wanted = np.where(better, room, best), np.where(better, candidate, wanted)
    return wanted


_ALWAYS: Mapping[str, Player] = {"idle": scripted.idle, "random": scripted.random}
_STEERED = {**_ALWAYS, "pure_pursuit": partial(steered, pure_pursuit), "stanley": partial(steered, stanley)}
BASELINES: Mapping[str, Mapping[str, Player]] = {
    "meta": {**_ALWAYS, "brake": brake, "idm": idm, "idm_mobil": idm_mobil},
    "longitudinal": {**_ALWAYS, "brake": partial(longitudinal, brake), "idm": partial(longitudinal, idm)},
    "continuous": _STEERED,
    "steering": _STEERED,
    "discrete": _ALWAYS,
}
"""By the kind of actions."""


def _keep(traffic: Traffic, acceleration: np.ndarray) -> np.ndarray:
    """Returns the actions (N,) that keep the lane and come nearest to an acceleration, m/s²."""
    speed = traffic.own("speed").astype(np.float64)
    return scripted.nearest_meta(speed, traffic.own("desired_speed"), acceleration, traffic.speeds)
