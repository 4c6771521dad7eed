"""What the worlds over bars take: the arguments that they share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from quadrivium.envs.core.options import integer, number
from quadrivium.envs.trading.account.costs import CostOptions
from quadrivium.envs.trading.account.rows import CLOSE, VOLUME
from quadrivium.envs.trading.market.bank import Bank, require_episode, simulated_bank, simulator_config
from quadrivium.envs.trading.market.bars import Bars
from quadrivium.envs.trading.market.features import DEFAULT_FEATURES, warm_up
from quadrivium.envs.trading.market.history import check_load, history_bank
from quadrivium.envs.trading.market.load import DELISTED, load_bars
from quadrivium.envs.trading.market.simulate import SimulatorConfig


@dataclass(frozen=True, kw_only=True)
class MarketOptions(CostOptions):
    """The arguments of a world over bars: its market, its episodes, what is seen, the account."""

    keywords: ClassVar[Mapping[str, Callable[..., Any]]] = {"load": load_bars}

    market: str | Path | Sequence[str | Path] | Bars = "simulated"
    """"simulated", a path of a file, a folder or a pattern such as data/*.csv, a list of paths, or `Bars`"""
    load: Mapping[str, Any] | None = None
    """options of `load_bars`; on the command line `--env.kwargs.load.NAME VALUE`"""
    trained_on: Mapping[str, Any] | str | Path | None = None
    """of files: the scaler and the dates of the parts that a run has kept, or the file that holds them"""
    simulator: SimulatorConfig | Mapping[str, Any] | None = None
    """options of `SimulatorConfig`, or one"""
    scenarios: int = integer(1024, 1, 2**24)
    """simulated paths; each is `window` + 2 `episode_bars` long"""
    market_seed: int = integer(0, 0, 2**64 - 1)
    """of the simulated paths"""
    test_share: float = number(0.3, 0, 1, above=True)
    """of a file's bars, that `split="test"` has"""
    purge: int = integer(1, 0, 1_000_000)
    """bars between the two"""
    folds: int = integer(1, 1, 1_000_000)
    """of a walk-forward split of the files: so many tests, each trained on all that comes before it"""
    fold: int = integer(0, 0, 1_000_000)
    """which of them, from 0, the earliest"""
    episode_bars: int | None = integer(126, 1, 1_000_000, none=True)
    """decisions an episode, by default half a year of days; None plays all of a file once"""
    window: int = integer(16, 1, 10_000)
    """bars in an observation"""
    features: Sequence[str] = DEFAULT_FEATURES
    """names from `quadrivium.envs.trading.market.features`, and of the files' own columns of numbers"""
    observation: Literal["tokens", "vector"] = "tokens"
    """the form of the observation"""
    band: float = number(0.01, 0, 1)
    """the smallest change of a share of equity that is traded"""
    lot_size: float = number(0.0, 0, 1e12)
    """units of an asset that are traded at once, orders being cut to whole ones; 0: any part of a unit"""
    stop_loss: float = number(0.0, 0, 0.99)
    """share of its entry price that a position may lose before it is closed within the bar; 0: none"""
    take_profit: float = number(0.0, 0, 100.0)
    """share of its entry price with which a position is closed within the bar; 0: none"""
    dividends: str | None = None
    """column of the files with the money a unit that is paid at the open of a bar to who holds it"""
    funding_column: str | None = None
    """column of the files with the share of a position's value that what is long pays in that bar"""
    delisting: float | None = number(None, 0, 1, none=True)
    """share of its last price that is paid for an asset that ends before the others; needs `load` gaps="fill"
    """
    capital: float = number(100_000.0, 0, 1e15, above=True)
    """money at the start"""
    ruin: float = number(0.05, 0, 0.99)
    """share of the capital"""

    def check(self) -> None:
        """The features are known; a simulated market has no whole and no folds."""
        if isinstance(self.features, str) or not isinstance(self.features, Sequence):
            raise ValueError(
                f"features={self.features!r} is no list of names, such as {list(DEFAULT_FEATURES)}"
            )
        if not isinstance(self.market, str | Path | Bars | Sequence):
            raise ValueError(
                f"market={type(self.market).__name__} is no market: use 'simulated', a path, paths, or Bars"
            )
        if self.load is not None and not isinstance(self.load, Mapping):
            raise ValueError(f"load={self.load!r} is no mapping from options of `load_bars` to their values")
        check_load(self.load)
        if self.funding and self.funding_column is not None:
            raise ValueError(
                f"funding={self.funding:g} and funding_column={self.funding_column!r} are two rates for "
                "the same; leave one out"
            )
        if self.dividends is not None and (self.load or {}).get("adjust") == "adj_close":
            raise ValueError(
                f"dividends={self.dividends!r} are in the prices already with load adjust='adj_close'; say "
                "adjust='none' or 'split', or leave dividends out"
            )
        if self.market != "simulated":
            return
        warm_up(self.features)
        if self.episode_bars is None:
            raise ValueError("episode_bars=None plays all of a file; a simulated market needs a number: 126")
        if self.folds != 1:
            raise ValueError(
                f"folds={self.folds} splits the history in files; a simulated market has none: leave it out"
            )
        defaults = type(self)
        of_files = ("load", "trained_on", "fold", "test_share", "purge", "symbol", "symbols")
        for name in (*of_files, "dividends", "funding_column", "delisting"):
            value = getattr(self, name, None)
            if value != getattr(defaults, name, None):
                raise ValueError(
                    f"{name}={value!r} is about files, and market='simulated' has none: leave it out, "
                    "or give "
                    "market=FILE"
                )

    def bank(self, assets: int, symbols: Sequence[str] | None) -> Bank:
        """Returns the bank that the arguments name: of a simulated market, or of files.

        assets: of the simulated market. symbols: which of the files' assets, None for all. Raises ValueError
        for a wrong argument, and for an asset that cannot be traded at all.
        """
        if self.market != "simulated":
            parts = {name: getattr(self, name) for name in ("test_share", "purge", "folds", "fold")}
            names = None if symbols is None else [str(name) for name in symbols]
            happenings = (self.dividends, self.funding_column, None if self.delisting is None else DELISTED)
            bank = history_bank(
                self.market,
                names,
                self.load,
                tuple(self.features),
                self.split,
                parts,
                self.trained_on,
                happenings,
            )
            idle = [
                name
                for name, volumes in zip(bank.symbols, bank.bars[0, :, :, VOLUME].T, strict=True)
                if not volumes.any()
            ]
            if idle and self.participation is not None:
                raise ValueError(
                    f"participation={self.participation:g} of a volume that is 0 in every bar of the "
                    f"{self.split} part "
                    f"of {idle[0]}: nothing could be traded; give participation=None, or volumes"
                )
            if self.lot_size:
                self._require_affordable(bank)
            return bank
        assert self.episode_bars is not None
        return simulated_bank(
            simulator_config(self.simulator, assets),
            self.scenarios,
            self.window + 2 * self.episode_bars,
            self.market_seed,
            tuple(self.features),
            self.split == "test",
        )

    def _require_affordable(self, bank: Bank) -> None:
        """Raises ValueError for an asset of which the capital never buys a lot."""
        lowest = bank.bars[..., CLOSE].min(axis=(0, 1))
        n = int(lowest.argmax())
        if self.lot_size * lowest[n] > self.capital:
            raise ValueError(
                f"lot_size={self.lot_size:g} of {bank.symbols[n]}, whose lowest close is {lowest[n]:g}, is "
                f"more than capital={self.capital:g} buys: nothing could be traded; use a smaller lot or "
                "more capital"
            )

    def derived(self, bank: Bank) -> dict[str, Any]:
        """Returns the parameters of the rules that follow from these options in the same way everywhere."""
        _, bars, _, columns = bank.features.shape
        steps, starts = require_episode(bars, self.window, self.episode_bars)
        return {
            **self.costs()._asdict(),
            "columns": columns,
            "happenings": bank.happenings,
            "recovery": self.delisting or 0.0,
            "steps": steps,
            "starts": starts,
            "years": 1.0 / bank.periods_per_year,
        }

    def window_columns(self, of: str = "") -> tuple[str, ...]:
        """Returns what the numbers of the last bars are, bar after bar; `of` whom."""
        ago = range(self.window - 1, -1, -1)
        return tuple(f"{name}{of}, {k} bars ago" for k in ago for name in self.features)
