"""The best that could have been done on a price path with proportional fees, known only in hindsight.

Exact dynamic programmes over target positions: an upper bound for any policy that trades the same positions
at the same prices, by which regret on a data set is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Hindsight:
    """The optimum of one path.

    Attributes:
        value: profit in money (`best_units`), or log of last by first wealth (`best_weights`).
        positions: (T,) float64: the target held from price t to price t + 1, of one path that attains it.
    """

    value: float
    positions: np.ndarray


def best_units(
    prices: np.ndarray,
    positions: Sequence[float],
    fee: float,
    *,
    start: float = 0.0,
    liquidate: bool = False,
) -> Hindsight:
    """Returns the largest profit of holding one of `positions` units between neighbouring prices.

    Profit is Σ q_t (p_{t+1} − p_t) − fee Σ |q_t − q_{t−1}| p_t, with q_{−1} = `start`; what is left at the
    end is marked at the last price, or with `liquidate` sold there for the fee.

    prices: (T + 1,), > 0, at which trades are made: in the bar worlds the opens after each decision, and the
    last close. positions: units, all different. fee: share of the value traded, >= 0. Raises ValueError, in
    one line.
    """
    path, targets = _checked(prices, positions, fee)
    change = np.diff(path)
    turned = np.abs(targets[None, :] - targets[:, None])  # (from, to)
    to_go = -fee * np.abs(targets) * path[-1] if liquidate else np.zeros(len(targets))
    choices = np.empty((len(change), len(targets)), dtype=np.int64)
    for t in range(len(change) - 1, 0, -1):
        gain = targets * change[t] + to_go - fee * turned * path[t]
        choices[t] = np.argmax(gain, axis=1)
        to_go = np.take_along_axis(gain, choices[t][:, None], axis=1)[:, 0]
    first = targets * change[0] + to_go - fee * np.abs(targets - start) * path[0]
    return _follow(targets, choices, first)


def best_weights(
    prices: np.ndarray,
    weights: Sequence[float],
    fee: float,
    *,
    liquidate: bool = False,
) -> Hindsight:
    """Returns the largest log growth of setting one of `weights` of wealth before each price change.

    Wealth V becomes V' after a trade from the drifted weight d to w, which then is exactly w:
    V' = V − fee |w V' − d V|. The next price turns it to V' (1 + w r) and w into the d of the next step,
    w (1 + r) / (1 + w r): a function of w and the path alone, so that the programme is exact. It begins in
    cash (d = 0). A weight whose wealth would not stay positive is never held.

    prices: (T + 1,), > 0. weights: such as (0, 1) or (−1, 0, 1). fee: in [0, 1). Raises ValueError, in one
    line.
    """
    path, targets = _checked(prices, weights, fee)
    if fee >= 1.0:
        raise ValueError(f"fee={fee} takes all that is traded; give a share below 1")
    returns = path[1:] / path[:-1] - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = 1.0 + targets[None, :] * returns[:, None]  # (T, weights)
        gain = np.where(growth > 0, np.log(np.maximum(growth, 1e-300)), -np.inf)
        drifted = np.where(growth > 0, targets * (1.0 + returns[:, None]) / growth, 0.0)
    zero = np.zeros(1)
    to_go = _log_kept(drifted[-1], zero, fee)[:, 0] if liquidate else np.zeros(len(targets))
    choices = np.empty((len(returns), len(targets)), dtype=np.int64)
    for t in range(len(returns) - 1, 0, -1):
        total = _log_kept(drifted[t - 1], targets, fee) + (gain[t] + to_go)
        choices[t] = np.argmax(total, axis=1)
        to_go = np.take_along_axis(total, choices[t][:, None], axis=1)[:, 0]
    return _follow(targets, choices, _log_kept(zero, targets, fee)[0] + gain[0] + to_go)


def best_switching(prices: np.ndarray, fee: float) -> Hindsight:
    """Returns the largest log growth of a portfolio without debts or shorts: all in one asset, or in cash.

    Wealth grows in proportion to what is held, so that with proportional fees no mixture does better than
    the best of its parts (it is a linear programme, whose optimum is a vertex). Buying for V leaves
    V / (1 + fee), selling V leaves V (1 − fee). It begins in cash.

    prices: (T + 1, N), > 0, as in `best_units`. fee: in [0, 1). The positions are numbers of assets, −1 for
    cash. Raises ValueError, in one line.
    """
    paths = np.asarray(prices, dtype=np.float64)
    if paths.ndim != 2 or not paths.shape[1]:
        raise ValueError(f"prices have shape {paths.shape}; a column an asset is needed")
    for path in paths.T:
        _checked(path, (0, 1), fee)
    if fee >= 1.0:
        raise ValueError(f"fee={fee} takes all that is traded; give a share below 1")
    gain = np.diff(np.log(paths), axis=0)
    gain = np.concatenate([np.zeros((len(gain), 1)), gain], axis=1)  # (T, 1 + N), cash first
    count = gain.shape[1]
    sold, bought = np.full(count, np.log1p(-fee)), np.full(count, -np.log1p(fee))
    sold[0] = bought[0] = 0.0
    kept = sold[:, None] + bought[None, :]  # (from, to)
    np.fill_diagonal(kept, 0.0)
    to_go = np.zeros(count)
    choices = np.empty((len(gain), count), dtype=np.int64)
    for t in range(len(gain) - 1, 0, -1):
        total = kept + (gain[t] + to_go)
        choices[t] = np.argmax(total, axis=1)
        to_go = np.take_along_axis(total, choices[t][:, None], axis=1)[:, 0]
    return _follow(np.arange(count) - 1.0, choices, kept[0] + gain[0] + to_go)


def kept_after_rebalancing(before: float, after: float, fee: float) -> float:
    """Returns the share of wealth that is left when a weight `before` is traded to `after` (0 if none)."""
    return float(np.exp(_log_kept(np.array([before]), np.array([after]), fee)[0, 0]))


def _log_kept(before: np.ndarray, after: np.ndarray, fee: float) -> np.ndarray:
    """Returns (len(before), len(after)): log of V'/V, which solves V' = V − fee |after V' − before V|."""
    d, w = before[:, None], after[None, :]
    sign = np.where(w >= d, fee, -fee)  # buying, or selling
    above, below = 1.0 + sign * d, 1.0 + sign * w
    possible = (above > 0) & (below > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(possible, np.log(np.where(possible, above / below, 1.0)), -np.inf)


def _follow(targets: np.ndarray, choices: np.ndarray, first: np.ndarray) -> Hindsight:
    state = int(np.argmax(first))
    value = float(first[state])
    if not np.isfinite(value):
        raise ValueError(f"positions {targets.tolist()} are all ruined on this path; add 0, which is cash")
    held = np.empty(len(choices))
    held[0] = targets[state]
    for t in range(1, len(choices)):
        state = int(choices[t, state])
        held[t] = targets[state]
    return Hindsight(value, held)


def _checked(prices: np.ndarray, positions: Sequence[float], fee: float) -> tuple[np.ndarray, np.ndarray]:
    path = np.asarray(prices, dtype=np.float64)
    targets = np.asarray(positions, dtype=np.float64)
    if path.ndim != 1 or len(path) < 2:
        raise ValueError(f"prices have shape {path.shape}; one path of at least two prices is needed")
    if not (np.isfinite(path) & (path > 0)).all():
        bad = int(np.argmin(np.isfinite(path) & (path > 0)))
        raise ValueError(f"prices[{bad}]={path[bad]} must be positive and finite; mend or drop it")
    if targets.ndim != 1 or not len(targets) or not np.isfinite(targets).all():
        raise ValueError(f"positions={positions!r} must be finite numbers, such as (-1, 0, 1)")
    if len(set(targets.tolist())) < len(targets):
        raise ValueError(f"positions={positions!r} name one twice; give each once")
    if not (np.isfinite(fee) and fee >= 0):
        raise ValueError(f"fee={fee} must be a share of the value traded, >= 0: 0.001 for 10 basis points")
    return path, targets
