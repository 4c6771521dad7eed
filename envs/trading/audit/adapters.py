"""What an auditor may do to a trading environment besides playing it; one adapter for each family.

An adapter is given unwrapped environments that have been reset. What a family does not let anyone do raises
`NotReachable`, whose text says why; the audit then reports "not checked" with it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import gymnasium
import numpy as np

# (prices after the bar (n,), the bar's price) -> their replacement (n,), all > 0.
Change = Callable[[np.ndarray, float], np.ndarray]


class NotReachable(Exception):
    """The environment does not let this be done; the text says why."""


class Account(NamedTuple):
    """The state of the account at a step's end, in money and units; NaN where it is not exposed.

    Of several assets position, price and fill are (N,) float64.
    """

    equity: float = np.nan
    position: float | np.ndarray = np.nan  # units held, negative where short
    price: float | np.ndarray = np.nan  # by which equity is marked
    fill: float | np.ndarray = (
        np.nan
    )  # at which the step's trade was made, costs apart; NaN: the price before the step
    costs: float = np.nan  # all that was paid in the step


class Adapter:
    """An environment of which nothing is known but what `info` says. Others derive from it."""

    # The keys under which environments are known to put these numbers, the first that is there counts.
    equity_keys = ("equity", "portfolio_valuation", "portfolio_value", "net_worth", "total_profit")
    position_keys = ("units", "shares", "shares_held")
    price_keys = ("price", "close", "data_close")

    def perturb(self, env: gymnasium.Env, t: int, change: Change) -> gymnasium.Env:
        """Returns an environment like `env` whose market differs after the bar shown after `t` steps.

        It is `env` itself or another one; its next reset with the same seed must begin at the same bar. All
        data that follow from prices change with them.
        """
        raise NotReachable("its data cannot be reached: pass an adapter with `perturb`")

    def account(self, env: gymnasium.Env, info: dict[str, Any]) -> Account:
        """Returns the account after the reset or step that returned `info`."""
        keys = (self.equity_keys, self.position_keys, self.price_keys)
        found = [next((_number(info[key]) for key in names if key in info), np.nan) for names in keys]
        return Account(*found)

    def with_fee(self, env: gymnasium.Env, fee: float) -> gymnasium.Env:
        """Returns an environment like `env` whose only cost is the share `fee` of the value traded."""
        raise NotReachable("its fee cannot be set: pass an adapter with `with_fee`")

    def with_financing(self, env: gymnasium.Env, rate: float) -> gymnasium.Env:
        """Returns an environment like `env`, without fees, that charges `rate` a step on what is borrowed."""
        raise NotReachable("its interest cannot be set: pass an adapter with `with_financing`")


class AnyTradingAdapter(Adapter):
    """gym-anytrading: stocks-v0 and forex-v0."""

    def perturb(self, env: Any, t: int, change: Change) -> gymnasium.Env:
        """Changes the closes of a copy of the data frame and lets the environment make its features again."""
        first = env.frame_bound[0] - env.window_size + env._start_tick + t + 1
        frame = env.df.copy()
        close = frame["Close"].to_numpy(dtype=np.float64, copy=True)
        close[first:] = change(close[first:], float(close[first - 1]))
        frame["Close"] = close
        env.df = frame
        env.prices, env.signal_features = env._process_data()
        return env

    def account(self, env: Any, info: dict[str, Any]) -> Account:
        """Returns profit as equity; units only for stocks, whose long position is all of the equity."""
        price = float(env.prices[env._current_tick])
        equity = float(env._total_profit)
        if not hasattr(env, "trade_fee_ask_percent"):
            return Account(equity, price=price)
        units = equity / float(env.prices[env._last_trade_tick]) if env._position.value else 0.0
        return Account(equity, units, price)

    def with_fee(self, env: Any, fee: float) -> gymnasium.Env:
        """Sets the fee of both sides; that of forex is in units of the price."""
        if hasattr(env, "trade_fee_ask_percent"):
            env.trade_fee_bid_percent = env.trade_fee_ask_percent = fee
        else:
            env.trade_fee = fee * float(np.mean(env.prices))
        return env

    def with_financing(self, env: Any, rate: float) -> gymnasium.Env:
        """Raises NotReachable."""
        raise NotReachable("it knows no interest")


class GymTradingEnvAdapter(Adapter):
    """gym-trading-env: TradingEnv and MultiDatasetTradingEnv."""

    def perturb(self, env: Any, t: int, change: Change) -> gymnasium.Env:
        """Changes prices and features of a copy of the data frame; the latter the user made, with noise."""
        first = env._idx + t + 1
        own = [name for name in env.df.columns if not name.startswith("dynamic_feature__")]
        frame = env.df[own].copy()
        close = frame["close"].to_numpy(dtype=np.float64, copy=True)
        changed = change(close[first:], float(close[first - 1]))
        noise = np.random.default_rng(0)
        for name in own:
            column = frame[name].to_numpy(dtype=np.float64, copy=True)
            if name in ("open", "high", "low", "close"):
                column[first:] *= changed / close[first:]
            else:
                column[first:] += noise.normal(size=len(column) - first)
            frame[name] = column
        env._set_df(frame)
        return env

    def account(self, env: Any, info: dict[str, Any]) -> Account:
        """Returns valuation, units and close."""
        asset = float(env._portfolio.asset) - float(env._portfolio.interest_asset)
        return Account(float(info["portfolio_valuation"]), asset, float(info["data_close"]))

    def with_fee(self, env: Any, fee: float) -> gymnasium.Env:
        """Sets `trading_fees`, and no interest."""
        env.trading_fees, env.borrow_interest_rate = fee, 0.0
        return env

    def with_financing(self, env: Any, rate: float) -> gymnasium.Env:
        """Sets `borrow_interest_rate`, and no fee."""
        env.trading_fees, env.borrow_interest_rate = 0.0, rate
        return env


_FREE = dict.fromkeys(
    (
        "half_spread",
        "commission",
        "commission_per_share",
        "commission_fixed",
        "commission_minimum",
        "impact",
        "borrow",
        "financing",
        "cash_interest",
        "funding",
    ),
    0.0,
)


class BarsAdapter(Adapter):
    """Our worlds over bars, of one asset or several: environments are made with other parameters."""

    def perturb(self, env: Any, t: int, change: Change) -> gymnasium.Env:
        """Changes bars and features after the bar, in every path."""
        state, params = env._lanes.states[0], env.setup.params
        first = int(state["start"]) + t + 1
        bars, features = np.array(params.bars), np.array(params.features)
        by_asset = bars.reshape(*bars.shape[:2], -1, 7)  # (S, T, N, 7), of one array with `bars`
        for scenario, asset in np.ndindex(by_asset.shape[0], by_asset.shape[2]):
            path = by_asset[scenario, :, asset]
            after = path[first:]
            before = after.copy()
            moments = change(before[:, [0, 3]].ravel(), float(path[first - 1, 3]))  # open, close, open, ...
            after[:, [0, 3]] = moments.reshape(-1, 2)
            # High and low keep their distances, as ratios, from the body of the bar.
            after[:, 1] = after[:, [0, 3]].max(axis=1) * before[:, 1] / before[:, [0, 3]].max(axis=1)
            after[:, 2] = after[:, [0, 3]].min(axis=1) * before[:, 2] / before[:, [0, 3]].min(axis=1)
        features[..., first * params.columns :] *= -0.5
        return self._like(env, bars=bars, features=features)

    def account(self, env: Any, info: dict[str, Any]) -> Account:
        """Returns what the record holds after the step; trades fill at the open of the bar."""
        state, params = env._lanes.states[0], env.setup.params
        bar = params.bars[state["scenario"], state["start"] + state["step"]]
        costs = sum(float(state[name]) for name in ("commission", "spread", "impact", "interest"))
        fill = np.full_like(bar[..., 0], np.nan) if state["step"] == 0 else bar[..., 0]
        held = np.array(state["quantity"])[..., : fill.size] if fill.ndim else np.array(state["quantity"])
        return Account(float(state["equity"]), held, bar[..., 3], fill, costs)

    def with_fee(self, env: Any, fee: float) -> gymnasium.Env:
        """Sets the commission a unit of notional; all other costs are 0."""
        return self._like(env, **_FREE | {"commission": fee})

    def with_financing(self, env: Any, rate: float) -> gymnasium.Env:
        """Sets interest and borrow fee to `rate` a step; all other costs are 0."""
        year = rate / env.setup.params.years
        return self._like(env, **_FREE | {"borrow": year, "financing": year})

    def _like(self, env: Any, **changed: Any) -> gymnasium.Env:
        from quadrivium.envs.core.gym_env import LaneEnv  # loads Numba, which other environments do not need

        return LaneEnv(replace(env.setup, params=env.setup.params._replace(**changed)))


def adapter_for(env: gymnasium.Env) -> Adapter:
    """Returns the adapter of the family that `env`, unwrapped, is of; a plain `Adapter` for others."""
    module = type(env).__module__
    setup: Any = getattr(env, "setup", None)
    if module.startswith("gym_anytrading."):
        return AnyTradingAdapter()
    if module.startswith("gym_trading_env."):
        return GymTradingEnvAdapter()
    if setup is not None and setup.world.name.startswith(("single_asset", "portfolio")):
        return BarsAdapter()
    return Adapter()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
