"""Features of bars: numbers that a decision after bar t may rest on, made of bars up to t alone.

Every feature is a ratio of prices or of volumes: neither the price level nor a later split adjustment, which
rescales the whole past, shows in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.simulate_kernel import SIGNAL_BARS

WINDOW = 20
"""Bars over which features average."""

CLIP = 5.0
"""Scaled features lie within plus and minus this many standard deviations."""

DEFAULT_FEATURES = ("log_return", "volatility", "range", "volume")

Columns = dict[str, np.ndarray]


def _log_return(c: Columns) -> np.ndarray:
    """log(close_t / close_{t−1})."""
    return np.log(c["close"][..., 1:, :] / c["close"][..., :-1, :])


def _volatility(c: Columns) -> np.ndarray:
    """Root mean square of the last 20 log returns, a bar."""
    return np.sqrt(_trailing_mean(np.square(_log_return(c)), WINDOW))


def _range(c: Columns) -> np.ndarray:
    """log(high_t / low_t)."""
    return np.log(c["high"] / c["low"])


def _volume(c: Columns) -> np.ndarray:
    """Log of volume over its mean of the last 20 bars, t included; in [log 0.01, log 20]; 0 without any."""
    mean = _trailing_mean(c["volume"], WINDOW)
    volume = c["volume"][..., WINDOW - 1 :, :]
    return np.log(np.maximum(np.divide(volume, mean, out=np.ones_like(volume), where=mean > 0), 0.01))


def _gap(c: Columns) -> np.ndarray:
    """log(open_t / close_{t−1})."""
    return np.log(c["open"][..., 1:, :] / c["close"][..., :-1, :])


def _body(c: Columns) -> np.ndarray:
    """log(close_t / open_t)."""
    return np.log(c["close"] / c["open"])


def _momentum(c: Columns) -> np.ndarray:
    """log(close_t / close_{t−20})."""
    return np.log(c["close"][..., WINDOW:, :] / c["close"][..., :-WINDOW, :])


def _overnight_trend(c: Columns) -> np.ndarray:
    """Sum of the signs of the last 20 gaps over sqrt(20); the simulated market's `alpha` follows it."""
    signs = np.sign(c["open"][..., 1:, :] - c["close"][..., :-1, :])
    return _trailing_mean(signs, SIGNAL_BARS) * np.sqrt(SIGNAL_BARS)


FEATURES: dict[str, tuple[int, Callable[[Columns], np.ndarray]]] = {
    "log_return": (1, _log_return),
    "volatility": (WINDOW, _volatility),
    "range": (0, _range),
    "volume": (WINDOW - 1, _volume),
    "gap": (1, _gap),
    "body": (0, _body),
    "momentum": (WINDOW, _momentum),
    "overnight_trend": (SIGNAL_BARS, _overnight_trend),
}
"""By name: how many bars a feature needs before its first value, and its rows from there on."""


def warm_up(names: Sequence[str] = DEFAULT_FEATURES, own: Iterable[str] = ()) -> int:
    """Returns how many rows at the start the features `names` leave out: 20 for the default ones.

    own: names of `Bars.own`, which need no past. Raises ValueError for no names, one that is there twice, or
    an unknown one, with the nearest known.
    """
    if isinstance(names, str) or not names:
        raise ValueError(f"features={names!r} must be a list of names: choose from {', '.join(FEATURES)}")
    for name in names:
        if list(names).count(name) > 1:
            raise ValueError(f"features={list(names)} name {name!r} twice; name it once")
    known = [*FEATURES, *own]
    return max(FEATURES.get(require_choice("feature", name, known), (0,))[0] for name in names)


def own_columns(names: Sequence[str]) -> list[str]:
    """Returns the names that are no features made of prices: columns of a file."""
    return [name for name in names if name not in FEATURES]


def features(source: Any, names: Sequence[str] = DEFAULT_FEATURES) -> np.ndarray:
    """Returns the features of `Bars`, (T − warm_up(names), N, F) float32, or of `Scenarios`, (S, …, N, F).

    names: of `FEATURES`, and of `Bars.own`, whose values are features as they are.

    Row i belongs to bar `warm_up(names) + i` and depends on that bar and earlier ones only, bit for bit. No
    row holds NaN: the first `warm_up(names)` bars, which have too little past, get none (`with_features` cuts
    them from the bars too). Raises ValueError if that leaves no row.
    """
    own: Mapping[str, np.ndarray] = getattr(source, "own", {})
    first = warm_up(names, own)
    columns: Columns = {name: np.ascontiguousarray(getattr(source, name), np.float64) for name in COLUMNS}
    bars = columns["close"].shape[-2]
    if bars <= first:
        raise ValueError(
            f"{bars} bars leave no row of {', '.join(names)}, which need {first} before the first; "
            f"give at least {first + 1} bars"
        )
    parts: list[np.ndarray] = []
    for name in names:
        if name in FEATURES:
            needs, feature = FEATURES[name]
            parts.append(feature(columns)[..., first - needs :, :])
        else:
            parts.append(own[name][first:])
    return np.stack(parts, axis=-1).astype(np.float32)


def with_features(bars: Bars, names: Sequence[str] = DEFAULT_FEATURES) -> tuple[Bars, np.ndarray]:
    """Returns the bars that have features, and these: row t of both is the same bar."""
    rows = features(bars, names)
    return bars.slice(warm_up(names, bars.own), len(bars)), rows


@dataclass(frozen=True, eq=False)
class Scaler:
    """Centres and scales features by what it was fitted on; beyond ±5 standard deviations it clips.

    Attributes:
        mean: (F,) float64.
        std: (F,) float64, > 0; 1 where a feature was constant.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray) -> "Scaler":
        """Returns the scaler of `features` (..., F), pooled over bars, assets and scenarios.

        Pass the training part only. Raises ValueError for no rows, or a value that is not finite.
        """
        rows = np.asarray(features, np.float64).reshape(-1, np.shape(features)[-1])
        if not len(rows):
            raise ValueError(
                f"features of shape {np.shape(features)} have no rows to fit on; give a training part"
            )
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            raise ValueError(f"feature {column} is {rows[row, column]} in row {row}; features must be finite")
        std = rows.std(axis=0)
        constant = std <= 1e-12 * np.maximum(1.0, np.abs(rows.mean(axis=0)))
        return cls(rows.mean(axis=0), np.where(constant, 1.0, std))

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Returns (features − mean) / std within [−5, 5], float32, of the same shape (..., F)."""
        if np.shape(features)[-1] != len(self.mean):
            raise ValueError(
                f"features have {np.shape(features)[-1]} columns; the scaler was fitted on {len(self.mean)}: "
                "pass the same features in the same order"
            )
        scaled = (np.asarray(features, np.float64) - self.mean) / self.std
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)

    def to_dict(self) -> dict[str, list[float]]:
        """Returns mean and std as lists, for JSON; `from_dict` takes them back."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Scaler":
        """Returns the scaler that `to_dict` wrote."""
        return cls(np.asarray(data["mean"], np.float64), np.asarray(data["std"], np.float64))


def _trailing_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Returns the means of rows t − window + 1 .. t along the last axis but one, window − 1 rows fewer.

    Summed in this order for every t, so that a row's bits depend on its own window alone: a running sum would
    carry the rounding of everything before.
    """
    rows = values.shape[-2] - window + 1
    total = values[..., :rows, :].copy()
    for lag in range(1, window):
        total += values[..., lag : lag + rows, :]
    return total / window
