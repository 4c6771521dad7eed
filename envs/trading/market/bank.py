"""The bank: the read-only arrays of bars and features in which all episodes of a world take place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import numpy as np

from quadrivium.envs.core.validation import require_choice, require_number
from quadrivium.envs.trading.market.bars import Bars
from quadrivium.envs.trading.market.features import Scaler, features, warm_up
from quadrivium.envs.trading.market.simulate import Scenarios, SimulatorConfig, simulate_scenarios
from quadrivium.envs.trading.market.splits import walk_forward

_BARS = 20
_MAX_BYTES = 8 * 2**30


@dataclass(frozen=True, eq=False)
class Bank:
    """S paths of T bars of N assets, and what is seen of them; the arrays are read-only.

    Attributes:
        bars: (S, T, N, 7) float64: the columns of `quadrivium.envs.trading.account.rows`. SIGMA is the root
            mean square of the last 20 log returns, a bar; ADV the mean volume of the last 20 bars, units.
        features: (S, T, N, F) float32, scaled by what the training part showed, within ±5.
        symbols: the N names.
        periods_per_year: bars a year.
        happenings: (T, N, 3) float64: what happens to an asset in each bar, as
            `quadrivium.envs.trading.account.rows` says; (0, N, 3) where nothing does.
        times: (T,) datetime64[ns], UTC, when each bar opens; None for simulated paths.
        kept: what a run keeps, JSON-able: `features`, `scaler`, and of a history the first and last time of
            the parts `train` and `test`.
        files: the SHA-256 of each file that was read, by its path.
    """

    bars: np.ndarray
    features: np.ndarray
    symbols: tuple[str, ...]
    periods_per_year: float
    happenings: np.ndarray
    times: np.ndarray | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def simulator_config(options: SimulatorConfig | Mapping[str, Any] | None, assets: int) -> SimulatorConfig:
    """Returns the simulator's config from itself, a mapping of its options, or None for the defaults.

    Raises ValueError for an unknown option, and for another number of assets than `assets`.
    """
    if options is not None and not isinstance(options, SimulatorConfig | Mapping):
        raise ValueError(
            f"simulator={options!r} is no mapping from options of `SimulatorConfig` to values, such as "
            "{'correlation': 0.5}, and no SimulatorConfig"
        )
    if not isinstance(options, SimulatorConfig):
        chosen = {"assets": assets, **(options or {})}
        names = [one.name for one in fields(SimulatorConfig)]
        for name in chosen:
            require_choice("option of simulator", name, names)
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in chosen.items()}
        options = SimulatorConfig(**values)
    if options.assets != assets:
        raise ValueError(f"simulator has assets={options.assets}; this world needs {assets}: leave it out")
    return options


@lru_cache(maxsize=8)
def simulated_bank(
    config: SimulatorConfig, scenarios: int, bars: int, seed: int, names: tuple[str, ...], test: bool
) -> Bank:
    """Returns `scenarios` paths of `bars` rows each; the scaler is fitted on the training paths in any case.

    No test path is a training path. Raises ValueError where the arrays would take more than 8 GiB.
    """
    first = max(_BARS, warm_up(names))
    size = scenarios * (bars + first) * config.assets * (7 * 8 + 5 * 8 + 4 * len(names))
    if size > _MAX_BYTES:
        raise ValueError(
            f"{scenarios} scenarios of {bars + first} bars of {config.assets} assets take "
            f"{size / 2**30:.0f} GiB; use fewer scenarios or shorter episodes"
        )
    train = simulate_scenarios(config, scenarios, bars + first, seed, split=0)
    rows = features(train, names)[:, first - warm_up(names) :]
    scaler, source = Scaler.fit(rows), train
    if test:
        source = simulate_scenarios(config, scenarios, bars + first, seed, split=1)
        rows = features(source, names)[:, first - warm_up(names) :]
    symbols = tuple(f"ASSET{n + 1}" for n in range(config.assets))
    return Bank(
        _read_only(_columns(source, first)),
        _read_only(scaler.transform(rows)),
        symbols,
        config.periods_per_year,
        _happenings(None, (), config.assets),
        kept={"features": list(names), "scaler": scaler.to_dict()},
    )


def bank_of_bars(
    bars: Bars,
    names: Sequence[str],
    test_share: float,
    purge: int,
    split: str,
    embargo: int = 0,
    folds: int = 1,
    fold: int = 0,
    kept: Mapping[str, Any] | None = None,
    happenings: Sequence[str | None] = (),
) -> Bank:
    """Returns the training or the test part of one history, S = 1; the scaler is fitted on the former.

    The last `test_share` of the bars are for tests: in `folds` parts, one a fold, each trained on all that
    comes before it. Features of a part's first rows reach back into the past.

    happenings: names of the own columns with dividends, with funding, and of what is delisted; None: no such.
    kept: of an earlier bank, whose scaler and dates hold then instead; a part that is None there is all bars.
    Raises ValueError for parts without bars, and a fold that is none of them.
    """
    require_number("folds", folds, 1, len(bars), integer=True)
    require_number("fold", fold, 0, folds - 1, integer=True)
    first = max(_BARS, warm_up(names, bars.own))
    if len(bars) <= first + 2:
        raise ValueError(f"{len(bars)} bars are too few: the features need {first} before the first")
    rows = features(bars, names)[first - warm_up(names, bars.own) :]
    times = bars.times[first:]
    if kept is None:
        parts = walk_forward(len(rows), folds, test_share, purge, embargo)[fold]
        scaler = Scaler.fit(rows[parts.train])
        part = parts.test if split == "test" else parts.train
        spans = {
            name: [str(times[one][0]), str(times[one][-1])]
            for name, one in (("train", parts.train), ("test", parts.test))
        }
        kept = {"features": list(names), "scaler": scaler.to_dict(), **spans}
    else:
        if list(kept["features"]) != list(names):
            raise ValueError(
                f"features={list(names)} are not those that are kept, {kept['features']}; use them"
            )
        scaler, part = Scaler.from_dict(kept["scaler"]), _part(times, kept[split], split)
    return Bank(
        _read_only(_columns(bars, first)[None, part]),
        _read_only(scaler.transform(rows[part])[None]),
        bars.symbols,
        bars.periods_per_year,
        _happenings(bars, happenings, len(bars.symbols), first)[part],
        times[part],
        kept,
    )


def _happenings(bars: Bars | None, names: Sequence[str | None], assets: int, first: int = 0) -> np.ndarray:
    """Returns what happens in each bar from `first` on, (T, N, 3) float64, or (0, N, 3)."""
    if bars is None or not any(name is not None for name in names):
        return _read_only(np.zeros((0, assets, 3)))
    columns = [np.zeros((len(bars), assets)) if name is None else _own_column(bars, name) for name in names]
    return _read_only(np.stack(columns, axis=-1)[first:])


def _own_column(bars: Bars, name: str) -> np.ndarray:
    if name not in bars.own:
        raise ValueError(
            f"the bars have no own column {name!r}; they have {', '.join(bars.own) or 'none'}: give them "
            "own={...}"
        )
    return bars.own[name]


def _part(times: np.ndarray, span: Sequence[str] | None, split: str) -> slice:
    """Returns the bars from the first to the last time of `span`; all for None."""
    if span is None:
        return slice(0, len(times))
    begin = int(np.searchsorted(times, np.datetime64(span[0])))
    end = int(np.searchsorted(times, np.datetime64(span[1]), side="right"))
    if end - begin < 2:
        raise ValueError(
            f"the bars run from {times[0]} to {times[-1]}, and hold nothing of the {split} part that "
            "was kept, "
            f"{span[0]} to {span[1]}; give the file that the run was trained on"
        )
    return slice(begin, end)


def require_episode(bars: int, window: int, episode_bars: int | None) -> tuple[int, int]:
    """Returns (decisions an episode, places where one may begin) in paths of `bars` rows.

    The first decision needs `window` rows, the last one a bar after it. None: all that there is, once.
    """
    room = bars - window
    steps = room if episode_bars is None else episode_bars
    require_number("window", window, 1, 100_000, integer=True)
    if room < 1 or steps > room:
        remedy = (
            f"use episode_bars={room}"
            if room >= 1
            else f"use window={bars - 1}"
            if bars > 1
            else "use more data"
        )
        raise ValueError(
            f"{bars} bars of this split leave {max(room, 0)} decisions after a window of {window}; "
            f"episode_bars={episode_bars} needs more: {remedy} or less, a smaller window, or more data"
        )
    return steps, room - steps + 1


def _columns(source: Bars | Scenarios, first: int) -> np.ndarray:
    """Returns the seven columns (..., T − first, N, 7) float64 of bars or scenarios."""
    squares = np.square(np.diff(np.log(source.close), axis=-2))
    sigma = np.sqrt(_trailing_mean(squares)[..., first - _BARS :, :])
    adv = _trailing_mean(source.volume)[..., first - _BARS + 1 :, :]
    prices = [getattr(source, name)[..., first:, :] for name in ("open", "high", "low", "close", "volume")]
    return np.stack([*prices, sigma, adv], axis=-1, dtype=np.float64)


def _trailing_mean(values: np.ndarray) -> np.ndarray:
    """Returns the means of the last 20 rows along the last axis but one, 19 rows fewer."""
    return np.lib.stride_tricks.sliding_window_view(values, _BARS, axis=-2).mean(axis=-1)


def _read_only(array: np.ndarray) -> np.ndarray:
    """Returns `array` in one piece of memory, closed for writing."""
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
