"""Scripted steering along a lane, pure pursuit and Stanley: NumPy over batches, independent of the kernels.

Where a slower car is close ahead, they steer to a lane beside their own that is free.
"""

from dataclasses import dataclass

import numpy as np

from quadrivium.envs.driving.roads import curves
from quadrivium.envs.driving.roads.network import ARC, CURVE, NOWHERE, SINE
from quadrivium.envs.driving.roads.state import RoadsParams
from quadrivium.envs.driving.scripted import LENGTH

_AXLE = LENGTH / 2  # m, from the car's middle
_LOOK_S, _LEAST_LOOK = 0.8, 5.0  # s of speed and m: how far ahead pure pursuit aims
_GAIN, _SOFTENING = 1.5, 1.0  # 1/s and m/s, of Stanley's controller


@dataclass(frozen=True)
class Course:
    """The lanes of a network as functions of arrays (N,), in float64.

    Attributes:
        params: the scenario's.
    """

    params: RoadsParams

    def coordinates(self, k: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns (s, d) of places in lanes `k`, m."""
        one = self.params.lanes[k]
        dx, dy = x - one["x"], y - one["y"]
        past = np.arctan2(dy, dx) - one["phase"]
        past = (past + np.pi) % (2 * np.pi) - np.pi
        cos, sin = np.cos(one["heading"]), np.sin(one["heading"])
        s, d = cos * dx + sin * dy, cos * dy - sin * dx
        d = d - np.where(
            one["form"] == SINE, one["amplitude"] * np.sin(one["frequency"] * s + one["phase"]), 0
        )
        bent = one["form"] == ARC
        turned = one["turn"] * one["radius"] * past, one["turn"] * (one["radius"] - np.hypot(dx, dy))
        s, d = np.where(bent, turned[0], s), np.where(bent, turned[1], d)
        if (at := one["form"] == CURVE).any():
            curve, (x, y) = _curves(one[at]), (np.broadcast_to(value, k.shape)[at] for value in (x, y))
            s[at] = curves.nearest(*curve, x, y)
            on_x, on_y, cos, sin = curves.at(*curve, s[at])
            d[at] = cos * (y - on_y) - sin * (x - on_x)
        return s, d

    def heading(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Returns the direction of the centres of lanes `k`, rad."""
        one = self.params.lanes[k]
        slope = one["amplitude"] * one["frequency"] * np.cos(one["frequency"] * s + one["phase"])
        bent = one["turn"] * (s / one["radius"] + np.pi / 2) + one["phase"]
        straight = one["heading"] + np.where(one["form"] == SINE, np.arctan(slope), 0)
        heading = np.where(one["form"] == ARC, bent, straight)
        if (at := one["form"] == CURVE).any():
            _, _, cos, sin = curves.at(*_curves(one[at]), s[at])
            heading[at] = np.arctan2(sin, cos)
        return heading

    def point(self, k: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and y of places on the centres of lanes `k`, m."""
        one = self.params.lanes[k]
        angle = one["turn"] * s / one["radius"] + one["phase"]
        d = np.where(one["form"] == SINE, one["amplitude"] * np.sin(one["frequency"] * s + one["phase"]), 0)
        cos, sin, bent = np.cos(one["heading"]), np.sin(one["heading"]), one["form"] == ARC
        x = np.where(bent, one["radius"] * np.cos(angle), cos * s - sin * d)
        y = np.where(bent, one["radius"] * np.sin(angle), sin * s + cos * d)
        x, y = one["x"] + x, one["y"] + y
        if (at := one["form"] == CURVE).any():
            x[at], y[at], _, _ = curves.at(*_curves(one[at]), s[at])
        return x, y

    def onward(
        self, states: np.ndarray, k: np.ndarray, s: np.ndarray, egos: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the lane, and s in it, that lies at `s` from the start of lanes `k` on the egos' ways."""
        k, s, leg = k.copy(), s.astype(np.float64), states["leg"][np.arange(len(k)), egos].astype(np.int64)
        for lane in np.flatnonzero(s > self.params.lanes["length"][k]):
            route = int(states["route"][lane, egos[lane]])
            while s[lane] > self.params.lanes["length"][k[lane]]:
                after, leg[lane] = self._after(int(k[lane]), route, int(leg[lane]))
                if after == k[lane]:
                    break
                s[lane] -= self.params.lanes["length"][k[lane]]
                k[lane] = after
        return k, s

    def _after(self, k: int, route: int, leg: int) -> tuple[int, int]:
        """Returns the lane after lane `k` on a route, the same one where the road ends, and the next leg."""
        p = self.params
        here = p.lanes["road"][k]
        node = p.roads["end"][here]
        roads = p.leaving[p.exits[node] : p.exits[node + 1]]
        if route != NOWHERE:
            leg += int(p.routes["road"][route, leg] == here)
            planned = p.routes["road"][route, leg]
            roads = roads[roads == planned] if planned in roads else roads
        if not len(roads):
            return k, leg
        x, y = self.point(np.array([k]), p.lanes["length"][[k]])
        found = [self._entered(k, int(road), x, y) for road in roads]
        return min(found)[1], leg

    def _entered(self, k: int, road: int, x: np.ndarray, y: np.ndarray) -> tuple[float, int]:
        """Returns how far (x, y) is from the lane in which one from lane `k` enters a road, and that lane."""
        p = self.params
        first, count = int(p.roads["first"][road]), int(p.roads["count"][road])
        lanes = np.arange(first, first + count)
        if count == p.roads["count"][p.lanes["road"][k]]:
            lanes = lanes[[p.lanes["number"][k]]]
        s, d = self.coordinates(lanes, x, y)
        away = np.abs(d) + np.maximum(s - p.lanes["length"][lanes], 0) + np.maximum(-s, 0)
        best = int(away.argmin())
        return float(away[best]), int(lanes[best])


def _curves(lanes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return lanes["knots"].astype(np.float64), lanes["pieces"], lanes["spacing"].astype(np.float64)


def pure_pursuit(
    states: np.ndarray, params: RoadsParams, lane: np.ndarray, egos: np.ndarray | None = None
) -> np.ndarray:
    """Returns the front-wheel angles (N,), rad, that bring the rear axle to a point ahead on a lane (N,).

    δ = atan(2 L sin α / l) for a point at the distance l in the direction α of the rear axle (Coulter 1992).
    egos: (N,) which car of its record is steered; None: the first one.
    """
    course, egos = Course(params), np.zeros(len(states), np.int64) if egos is None else egos
    x, y, heading, speed = _motion(states, egos)
    along, _ = course.coordinates(lane, x, y)
    k, s = course.onward(states, lane, along + np.maximum(_LOOK_S * speed, _LEAST_LOOK), egos)
    to_x, to_y = course.point(k, s)
    dx, dy = to_x - x + _AXLE * np.cos(heading), to_y - y + _AXLE * np.sin(heading)
    away = np.maximum(np.hypot(dx, dy), 0.1)
    across = np.cos(heading) * dy - np.sin(heading) * dx
    return np.arctan(2 * LENGTH * across / away**2)


def stanley(
    states: np.ndarray, params: RoadsParams, lane: np.ndarray, egos: np.ndarray | None = None
) -> np.ndarray:
    """Returns the front-wheel angles (N,), rad, that bring the front axle to the centre of a lane (N,).

    δ = θ + atan(k e / (k_s + v)) for the error θ of the heading and e of the place (Thrun et al. 2006).
    egos: as there.
    """
    course, egos = Course(params), np.zeros(len(states), np.int64) if egos is None else egos
    x, y, heading, speed = _motion(states, egos)
    along, _ = course.coordinates(lane, x, y)
    k, _ = course.onward(states, lane, along + _AXLE, egos)
    s, d = course.coordinates(k, x + _AXLE * np.cos(heading), y + _AXLE * np.sin(heading))
    error = (course.heading(k, s) - heading + np.pi) % (2 * np.pi) - np.pi
    return error - np.arctan2(_GAIN * d, _SOFTENING + speed)


def _motion(states: np.ndarray, egos: np.ndarray) -> list[np.ndarray]:
    """Returns x, y (m), heading (rad) and speed (m/s) of the egos (N,), float64."""
    rows = np.arange(len(states))
    return [states[name][rows, egos].astype(np.float64) for name in ("x", "y", "heading", "speed")]
