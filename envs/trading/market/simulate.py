"""The offline market: regimes of stochastic volatility with jumps, as bars, from a seed.

It stands in for data where none is at hand: returns have fat tails, volatility clusters and rises when prices
fall, volume follows volatility, returns are uncorrelated. What can be earned is stated: with `alpha = 0`
prices are a martingale, otherwise one causal feature predicts the stated share of the variance.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quadrivium.envs.core.validation import require_number
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.simulate_kernel import STREAM, MarketParams, Paths, simulate_paths


@dataclass(frozen=True)
class SimulatorConfig:
    """The law of the simulated market; rates and volatilities are a year's.

    Attributes:
        assets: N, 1 to 500.
        periods_per_year: bars a year.
        volatility: of an asset's diffusion: the root of its mean variance over all regimes. One for all
            assets, or one each.
        regimes: each regime's volatility beside the others' (only the ratios count), calm first; 1 to 4.
        regime_years: how long each lasts on average. A regime gives way to a neighbour in the list, to either
            with the same probability.
        reversion: κ, the speed at which variance returns to its regime's level.
        vol_of_vol: ξ. The variance's own standard deviation in a regime is ξ / sqrt(2 κ) of its level.
        leverage: correlation of the shocks of price and variance, −1 to 1.
        correlation: of the price shocks of any two assets, and of their variance shocks, 0 to 1.
        gap_share: part of the diffusion's variance that falls between a close and the next open.
        jumps: a year, for each asset.
        common_jumps: part of these in which all assets jump at once.
        jump_mean: of a jump's log size.
        jump_std: its standard deviation.
        drift: log of a price's expected growth. One for all assets, or one each.
        alpha: R² of the best forecast of a bar's open-to-close log return, which is `edge` times the feature
            `overnight_trend` of the bar before. 0: the price, net of drift, is a martingale.
        substeps: Euler steps a bar.
        start_price: of every asset.
        base_volume: units a bar at average activity.
        volume_elasticity: of volume to squared moves.
        volume_memory: autocorrelation of what else moves the log volume, from bar to bar.
        volume_noise: standard deviation of its shocks.
    """

    assets: int = 1
    periods_per_year: float = 252.0
    volatility: float | tuple[float, ...] = 0.20
    regimes: tuple[float, ...] = (0.6, 1.0, 2.8)
    regime_years: tuple[float, ...] = (1.0, 0.5, 0.15)
    reversion: float = 25.0
    vol_of_vol: float = 4.0
    leverage: float = -0.75
    correlation: float = 0.4
    gap_share: float = 0.2
    jumps: float = 3.0
    common_jumps: float = 0.25
    jump_mean: float = -0.01
    jump_std: float = 0.03
    drift: float | tuple[float, ...] = 0.0
    alpha: float = 0.01
    substeps: int = 8
    start_price: float = 100.0
    base_volume: float = 1e6
    volume_elasticity: float = 0.35
    volume_memory: float = 0.8
    volume_noise: float = 0.2

    def __post_init__(self) -> None:
        require_number("assets", self.assets, 1, 500, integer=True)
        require_number("substeps", self.substeps, 1, 1000, integer=True)
        for name in ("periods_per_year", "reversion", "start_price", "base_volume"):
            require_number(name, getattr(self, name), 0, math.inf, open_low=True)
        for name in ("vol_of_vol", "jumps", "jump_std", "volume_elasticity", "volume_noise"):
            require_number(name, getattr(self, name), 0, 1e6)
        for name in ("correlation", "common_jumps"):
            require_number(name, getattr(self, name), 0, 1)
        for name, high in (("gap_share", 0.99), ("alpha", 0.99), ("volume_memory", 0.999)):
            require_number(name, getattr(self, name), 0, high)
        require_number("leverage", self.leverage, -1, 1)
        require_number("jump_mean", self.jump_mean, -10, 10)
        for value in self._each("volatility"):
            require_number("volatility", value, 0, 100, open_low=True)
        for value in self._each("drift"):
            require_number("drift", value, -10, 10)
        if not 1 <= len(self.regimes) <= 4 or len(self.regimes) != len(self.regime_years):
            raise ValueError(
                f"regimes={self.regimes} and regime_years={self.regime_years} must be 1 to 4 numbers each, "
                "a volatility and a duration for every regime"
            )
        for name in ("regimes", "regime_years"):
            for value in getattr(self, name):
                require_number(name, value, 0, 1e6, open_low=True)
        if min(self.regime_years) * self.periods_per_year < 1:
            raise ValueError(
                f"regime_years={self.regime_years} has a regime shorter than a bar, which is "
                f"1/{self.periods_per_year:g} year; make it longer"
            )
        if self.jumps >= self.periods_per_year:
            raise ValueError(
                f"jumps={self.jumps} a year is one a bar or more, at periods_per_year="
                f"{self.periods_per_year:g}; use fewer, and a larger volatility"
            )
        if self.alpha > 0 and self.gap_share == 0:
            raise ValueError(
                f"alpha={self.alpha} follows the overnight moves, and gap_share=0 leaves none; "
                "set alpha=0 or a gap_share such as 0.2"
            )

    @property
    def regime_shares(self) -> np.ndarray:
        """The part of time that each regime takes, (K,)."""
        switch = self._switch()
        equations = np.vstack([switch.T - np.eye(len(switch)), np.ones(len(switch))])
        return np.linalg.lstsq(equations, np.append(np.zeros(len(switch)), 1.0), rcond=None)[0]

    @property
    def noise(self) -> np.ndarray:
        """The variance of each asset's open-to-close log return in a bar that no forecast explains, (N,)."""
        diffusion = (1 - self.gap_share) * np.square(self._each("volatility"))
        return (diffusion + self.jumps * (self.jump_mean**2 + self.jump_std**2)) / self.periods_per_year

    @property
    def edge(self) -> np.ndarray:
        """Each asset's expected open-to-close log return after an `overnight_trend` of 1, (N,)."""
        return np.sqrt(self.alpha / (1 - self.alpha) * self.noise)

    def _each(self, name: str) -> tuple[float, ...]:
        """Returns an option's value for every asset."""
        value = getattr(self, name)
        values = tuple(value) if isinstance(value, tuple | list) else (value,) * self.assets
        if len(values) != self.assets:
            raise ValueError(
                f"{name}={value} has {len(values)} numbers for assets={self.assets}; give one number, or one "
                "each"
            )
        return values

    def _switch(self) -> np.ndarray:
        """The probabilities (K, K) of the next bar's regime."""
        count = len(self.regimes)
        switch = np.zeros((count, count))
        for k, years in enumerate(self.regime_years):
            neighbours = [j for j in (k - 1, k + 1) if 0 <= j < count]
            leave = 1 / (years * self.periods_per_year) if neighbours else 0.0
            switch[k, k] = 1 - leave
            for j in neighbours:
                switch[k, j] = leave / len(neighbours)
        return switch

    def params(self) -> MarketParams:
        """Returns the numbers that the kernel reads."""
        level = np.square(self.regimes)
        level = level / (self.regime_shares @ level)
        per_bar = self.jumps / self.periods_per_year
        common, own = per_bar * self.common_jumps, per_bar * (1 - self.common_jumps)
        growth = math.exp(self.jump_mean + 0.5 * self.jump_std**2) - 1
        compensation = math.log1p(common * growth) + math.log1p(own * growth)
        drift = np.array(self._each("drift"), np.float64) / self.periods_per_year - compensation
        step_years = 1 / (self.periods_per_year * self.substeps)
        return MarketParams(
            substeps=self.substeps,
            level=level,
            switch=np.cumsum(self._switch(), axis=1),
            share=np.cumsum(self.regime_shares),
            reversion=self.reversion * step_years,
            shock=self.vol_of_vol * math.sqrt(step_years),
            leverage=float(self.leverage),
            load=math.sqrt(self.correlation) if self.assets > 1 else 0.0,
            bar_std=np.array(self._each("volatility"), np.float64) / math.sqrt(self.periods_per_year),
            gap_std=math.sqrt(self.gap_share),
            step_std=math.sqrt((1 - self.gap_share) / self.substeps),
            drift=drift / self.substeps,
            edge=self.edge / self.substeps,
            common_jump=common,
            own_jump=own,
            jump_mean=float(self.jump_mean),
            jump_std=float(self.jump_std),
            start_price=float(self.start_price),
            base_volume=float(self.base_volume),
            volume_elasticity=float(self.volume_elasticity),
            volume_memory=float(self.volume_memory),
            volume_noise=float(self.volume_noise),
        )


@dataclass(frozen=True, eq=False)
class Scenarios:
    """S independent paths of T bars of N assets.

    Attributes:
        open, high, low, close, volume: (S, T, N), as in `Bars`.
        regimes: (S, T) int8, which regime ruled each bar: hidden from who trades.
        periods_per_year: of the bars.
    """

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    regimes: np.ndarray
    periods_per_year: float

    def __len__(self) -> int:
        return len(self.regimes)

    def bars(self, scenario: int, *, start: str = "2000-01-03", spacing: str = "B") -> Bars:
        """Returns one path as Bars; the calendar is only for show.

        start: time of the first bar. spacing: a pandas offset, `B` for weekdays, `1h` for hours.
        Raises ValueError if the last bar would lie beyond the year 2262, where datetime64[ns] ends.
        """
        count, assets = self.open.shape[1:]
        try:
            times = pd.date_range(start, periods=count, freq=spacing, unit="ns").to_numpy()
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"{count} bars from start={start!r} at spacing={spacing!r} have no calendar ({error}); "
                "simulate fewer bars or a smaller spacing"
            ) from None
        names = tuple(f"ASSET{n + 1}" for n in range(assets))
        columns = {name: getattr(self, name)[scenario] for name in COLUMNS}
        return Bars(times, names, **columns, periods_per_year=self.periods_per_year)


def simulate_scenarios(
    config: SimulatorConfig,
    scenarios: int,
    bars: int,
    seed: int,
    *,
    first: int = 0,
    split: int = 0,
    dtype: type[np.floating] = np.float64,
) -> Scenarios:
    """Returns paths `first` .. `first + scenarios − 1` of `bars` bars each, computed on all threads.

    A path depends on the config, the seed, its number and the split (0 training, 1 test) alone: not on the
    batch it is in nor on the number of threads. No test path is a training path. dtype: float32 or float64.
    """
    require_number("scenarios", scenarios, 1, 2**31, integer=True)
    require_number("bars", bars, 1, 2**31, integer=True)
    require_number("seed", seed, 0, 2**64 - 1, integer=True)
    require_number("first", first, 0, 2**62, integer=True)
    require_number("split", split, 0, 1, integer=True)
    out = np.empty((5, scenarios, bars, config.assets), dtype)
    regimes = np.empty((scenarios, bars), np.int8)
    rows = np.zeros(scenarios, STREAM)
    work = np.empty((scenarios, 9, config.assets))
    news = np.empty((scenarios, config.assets), np.uint64)
    simulate_paths(config.params(), Paths(np.uint64(seed), first, split, out, regimes, rows, work, news))
    return Scenarios(*out, regimes=regimes, periods_per_year=config.periods_per_year)


def simulate(
    config: SimulatorConfig, bars: int, seed: int, *, start: str = "2000-01-03", spacing: str = "B"
) -> Bars:
    """Returns one path of `bars` bars: the first training scenario of `seed`, on a calendar for show."""
    return simulate_scenarios(config, 1, bars, seed).bars(0, start=start, spacing=spacing)
