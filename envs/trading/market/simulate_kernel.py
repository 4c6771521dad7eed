# A kernel file: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""The simulated market's kernel: one path of bars a lane, all draws from the lane's counter-based stream.

Within a bar an asset's log price x and its relative variance y move in `substeps` Euler steps:

    dx = −½ y⁺ h² + sqrt(y⁺) h W + drift + edge + jumps        h: standard deviation of a step at y = 1
    dy = κ(θ − y⁺) dt + ξ sqrt(θ y⁺) sqrt(dt) V                 corr(W, V) = leverage

θ is the level of the regime that all assets share, y⁺ = max(y, 0) in both equations is the full truncation of
Lord, Koekkoek & van Dijk 2010, "A comparison of biased simulation schemes for stochastic volatility models".
As y is known when W is drawn, and the jumps (Merton 1976) are compensated, exp(x) is a martingale in discrete
time too, up to drift and edge. W and V share one factor each among the assets.
"""

import math
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import Params, address, pack, record_at
from quadrivium.envs.core.threads import run_parallel

STREAM = np.dtype([("rng", "u8")])
"""A path's record: the position in its random stream is all that it needs."""

SIGNAL_BARS = 20
"""How many overnight moves make the signal that the edge follows."""

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)

_SIGNAL_MASK = np.uint64((1 << SIGNAL_BARS) - 1)
_SIGNAL_SCALE = 1.0 / math.sqrt(SIGNAL_BARS)
_ONE, _S12, _LAYER = np.uint64(1), np.uint64(12), np.uint64(127)
_INV_2_52, _INV_2_51 = 2.0**-52, 2.0**-51
_OVERSHOOT = (
    0.5826  # of a step's deviation: what the steps miss of an extreme (Broadie et al. 1997), on average
)
_ACTIVITY_FLOOR = 0.02  # of the average: a bar without a move still has trades


class MarketParams(NamedTuple):
    """What the kernel reads; made from a `SimulatorConfig`. A step is a sub-step, 1 / `substeps` of a bar."""

    substeps: int
    level: np.ndarray  # (K,) θ of each regime; its mean over time is 1
    switch: np.ndarray  # (K, K) cumulative probabilities of the next bar's regime
    share: np.ndarray  # (K,) cumulative shares of time
    reversion: float  # κ dt
    shock: float  # ξ sqrt(dt)
    leverage: float  # corr(W, V)
    load: float  # of an asset on the common factor: sqrt(correlation)
    bar_std: np.ndarray  # (N,) standard deviation of a bar's diffusion at y = 1
    gap_std: float  # of the move between two bars, as a part of bar_std
    step_std: float  # of a step, as a part of bar_std
    drift: np.ndarray  # (N,) log growth a step, jump compensation included
    edge: np.ndarray  # (N,) log growth a step at signal 1
    common_jump: float  # probability a bar that all assets jump
    own_jump: float  # probability a bar that an asset jumps by itself
    jump_mean: float  # of a jump's log size
    jump_std: float
    start_price: float
    base_volume: float  # units a bar where the activity is average
    volume_elasticity: float  # of volume to activity
    volume_memory: float  # autocorrelation of the rest
    volume_noise: float  # standard deviation of its shocks


def _ziggurat() -> tuple[np.ndarray, np.ndarray]:
    """Returns the right edges (129,) of 128 layers of equal area under exp(−x²/2), and their ratios."""
    tail, area = 3.442619855899, 9.91256303526217e-3
    edges = [area / math.exp(-0.5 * tail * tail), tail]
    while len(edges) < 128:
        height = area / edges[-1] + math.exp(-0.5 * edges[-1] ** 2)
        edges.append(math.sqrt(-2.0 * math.log(height)))
    edges.append(0.0)
    return np.array(edges), np.array(edges[1:]) / np.array(edges[:-1])


_EDGES, _RATIOS = _ziggurat()


@lane
def uniform53(s):
    """Draws a float64 in (0, 1): the middle of one of 2⁵² cells."""
    return (np.float64(np.int64(rng.bits(s) >> _S12)) + 0.5) * _INV_2_52


@lane
def normal(s):
    """Draws a standard normal float64; mostly one draw of 64 bits, a product and a comparison.

    Source: Doornik 2005, "An improved ziggurat method to generate normal random samples" (ZIGNOR).
    """
    while True:
        word = rng.bits(s)
        layer = np.int64(word & _LAYER)
        u = (np.float64(np.int64(word >> _S12)) + 0.5) * _INV_2_51 - 1.0
        if abs(u) < _RATIOS[layer]:
            return u * _EDGES[layer]
        if layer == 0:
            while True:
                x = math.log(uniform53(s)) / _EDGES[1]
                if -2.0 * math.log(uniform53(s)) > x * x:
                    return x - _EDGES[1] if u < 0.0 else _EDGES[1] - x
        x = u * _EDGES[layer]
        above = math.exp(-0.5 * (_EDGES[layer] * _EDGES[layer] - x * x))
        below = math.exp(-0.5 * (_EDGES[layer + 1] * _EDGES[layer + 1] - x * x))
        if above + uniform53(s) * (below - above) < 1.0:
            return x


@lane
def pick(cumulative, u):
    """Returns the first index whose cumulative probability exceeds `u`."""
    k = 0
    while k < cumulative.shape[0] - 1 and u >= cumulative[k]:
        k += 1
    return k


@lane
def jump_step(s, probability, substeps):
    """Returns in which step of the bar a jump comes, or −1 if none does."""
    return rng.integer(s, substeps) if rng.uniform(s) < probability else -1


@lane
def simulate_one(s, p, out, regimes, work, news):
    """Writes one path: out (5, T, N) of open, high, low, close, volume; regimes (T,).

    work (9, N) float64 and news (N,) uint64 are scratch: log price, relative variance, the two parts of
    volume, the jump's step, highest and lowest log price, log growth, log open; overnight signs as bits.
    """
    x, y, rest, activity = work[0], work[1], work[2], work[3]
    jump, top, bottom, growth, begun = work[4], work[5], work[6], work[7], work[8]
    rest_of_load = math.sqrt(1.0 - p.load * p.load)
    rest_of_leverage = math.sqrt(1.0 - p.leverage * p.leverage)
    bars, assets = out.shape[1], out.shape[2]
    regime = pick(p.share, rng.uniform(s))
    still = 1.0 / math.sqrt(1.0 - p.volume_memory * p.volume_memory)  # stationary from the first bar
    for n in range(assets):
        x[n] = math.log(p.start_price)
        y[n] = p.level[regime]
        news[n] = rng.bits(s) & _SIGNAL_MASK
        rest[n] = p.volume_noise * still * normal(s)
    for t in range(bars):
        if t > 0:
            regime = pick(p.switch[regime], rng.uniform(s))
        regimes[t] = regime
        level = p.level[regime]
        all_jump = jump_step(s, p.common_jump, p.substeps)
        factor, factor_shock = 0.0, 0.0
        if assets > 1:
            factor = normal(s)
        for n in range(assets):
            signal = _SIGNAL_SCALE * (2.0 * bits.count(news[n]) - SIGNAL_BARS)
            growth[n] = p.drift[n] + p.edge[n] * signal
            activity[n] = 0.0
            jump[n] = jump_step(s, p.own_jump, p.substeps)
            if t > 0:
                std = p.bar_std[n] * p.gap_std * math.sqrt(max(y[n], 0.0))
                move = std * (p.load * factor + rest_of_load * normal(s)) - 0.5 * std * std
                x[n] += move
                activity[n] = move * move
                news[n] = (news[n] << _ONE) & _SIGNAL_MASK
                if move > 0.0:
                    news[n] |= _ONE
            begun[n] = x[n]
            top[n] = x[n]
            bottom[n] = x[n]
            out[OPEN, t, n] = math.exp(x[n])
        for k in range(p.substeps):
            if assets > 1:
                factor, factor_shock = normal(s), normal(s)
            for n in range(assets):
                w = p.load * factor + rest_of_load * normal(s)
                shock = p.load * factor_shock + rest_of_load * normal(s)
                v = p.leverage * w + rest_of_leverage * shock
                now = max(y[n], 0.0)
                std = p.bar_std[n] * p.step_std * math.sqrt(now)
                move = std * w - 0.5 * std * std + growth[n]
                if k == all_jump:
                    move += p.jump_mean + p.jump_std * normal(s)
                if k == jump[n]:
                    move += p.jump_mean + p.jump_std * normal(s)
                y[n] += p.reversion * (level - now) + p.shock * math.sqrt(level * now) * v
                x[n] += move
                activity[n] += move * move
                top[n] = max(top[n], x[n])
                bottom[n] = min(bottom[n], x[n])
        for n in range(assets):
            # Between two steps the path went on: without this, ranges would be a quarter too small.
            overshoot = _OVERSHOOT * p.bar_std[n] * p.step_std * math.sqrt(max(y[n], 0.0))
            out[HIGH, t, n] = math.exp(top[n] - overshoot * math.log(uniform53(s)))
            out[LOW, t, n] = math.exp(bottom[n] + overshoot * math.log(uniform53(s)))
            out[CLOSE, t, n] = math.exp(x[n])
            change = x[n] - begun[n]
            average = p.bar_std[n] * p.bar_std[n]
            moved = 0.5 * (activity[n] + change * change) / average + _ACTIVITY_FLOOR
            rest[n] = p.volume_memory * rest[n] + p.volume_noise * normal(s)
            out[VOLUME, t, n] = p.base_volume * math.exp(p.volume_elasticity * math.log(moved) + rest[n])


class Paths(NamedTuple):
    """Paths to be simulated: path i is scenario `first + i` of `split`."""

    seed: np.uint64
    first: int
    split: int
    out: np.ndarray  # (5, S, T, N), written
    regimes: np.ndarray  # (S, T) int8, written
    rows: np.ndarray  # (S,) STREAM, scratch as the next two
    work: np.ndarray  # (S, 9, N) float64
    news: np.ndarray  # (S, N) uint64


_JOB = np.dtype([("market", "i8"), ("paths", "i8")])  # addresses of the words of both


def simulate_paths(market: MarketParams, paths: Paths) -> None:
    """Writes the paths, on all threads."""
    kinds = Params(numba.typeof(market)), Params(numba.typeof(paths))
    job = code_of("market", {"simulate": (_loop(*kinds), (numba.from_dtype(_JOB), numba.int64, numba.int64))})
    words, record = (pack(market), pack(paths)), np.zeros(1, _JOB)
    record["market"], record["paths"] = address(words[0]), address(words[1])
    run_parallel(job["simulate"], address(record), len(paths.rows))


@cache
def _loop(market: Params, paths: Params) -> Any:
    """Returns the job that simulates paths `first` to `last` - 1, for these types of arrays."""

    @lane
    def simulate(b, first, last):
        p, w = record_at(b.market, market), record_at(b.paths, paths)
        for i in range(first, last):
            s = w.rows[i]
            s.rng = rng.episode_key(w.seed, np.uint64(w.first + i), w.split)
            simulate_one(s, p, w.out[:, i], w.regimes[i], w.work[i], w.news[i])

    return simulate
