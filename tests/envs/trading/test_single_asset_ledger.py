"""An independent ledger in plain Python, and another library, come to the same accounts."""

import math

import numpy as np
import pytest
from backtesting import Backtest, Strategy
from backtesting.test import GOOG
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.trading.account.costs import FREE
from quadrivium.envs.trading.market.bars import Bars
from tests.envs.trading.histories import FIRST, play_from_start, random_bars


class Ledger:
    """One account on one history, written from the rules' description."""

    def __init__(self, bars, o):
        self.o, self.d, self.e, self.v = o, bars.open[:, 0], bars.close[:, 0], bars.volume[:, 0]
        self.high, self.low = bars.high[:, 0], bars.low[:, 0]
        self.cash = self.equity = o["capital"]
        self.units = self.goal = 0.0
        self.wanted = 0.0
        self.now = FIRST
        self.paid = self.interest = 0.0
        self.liquidations = 0

    def buy(self, units, price):
        moves = [math.log(self.e[k] / self.e[k - 1]) ** 2 for k in range(self.now - 19, self.now + 1)]
        sigma = math.sqrt(sum(moves) / 20)
        adv = sum(self.v[self.now - 19 : self.now + 1]) / 20
        value = abs(units) * price
        fee = max(
            value * self.o["commission_bps"] / 10_000 + self.o["commission_fixed"],
            self.o["commission_minimum"],
        )
        slip = value * self.o["half_spread_bps"] / 10_000
        slip += value * min(1.0, self.o["impact"] * sigma * math.sqrt(abs(units) / adv))
        self.cash = self.cash - units * price - fee - slip
        self.units += units
        self.paid += fee + slip

    def close_out(self, price):
        self.buy(-self.units, price)
        self.units = self.goal = 0.0
        self.wanted = None
        self.liquidations += 1

    def step(self, share):
        if self.o["actions"] == "discrete":
            new = share != self.wanted
        else:
            new = abs(share - self.units * self.e[self.now] / self.equity) > self.o["band"]
        self.wanted = share
        if self.o["actions"] != "discrete":
            self.goal = self.units  # what is not filled yet is replaced, too
        if new:
            self.goal = share * self.equity / self.e[self.now]
        bar, m = self.now + 1, self.o["maintenance"]
        value = self.units * self.d[bar]
        if self.units and self.cash + value < m * abs(value):
            self.close_out(self.d[bar])
        else:
            order = self.goal - self.units
            if self.o["participation"] is not None:
                limit = self.o["participation"] * self.v[bar]
                order = math.copysign(min(abs(order), limit), order)
            if abs(order) > 1e-12:
                self.buy(order, self.d[bar])
        if self.units > 0:  # cash + units p = m units p
            called = max(0.0, -self.cash) / ((1 - m) * self.units)
            if self.low[bar] < called:
                self.close_out(min(called, self.d[bar]))
        elif self.units < 0:
            called = max(0.0, self.cash) / ((1 + m) * -self.units)
            if self.high[bar] > called:
                self.close_out(max(called, self.d[bar]))
        fee = self.o["financing"] / 252 * -self.cash if self.cash < 0 else 0.0
        if self.units < 0:
            fee -= self.o["borrow"] / 252 * self.units * self.e[bar]
        self.cash -= fee
        self.interest += fee
        self.now = bar
        self.equity = self.cash + self.units * self.e[bar]


COSTS = {
    "half_spread_bps": 5.0,
    "commission_bps": 3.0,
    "commission_fixed": 0.5,
    "commission_minimum": 2.0,
    "impact": 0.7,
    "participation": 0.02,
    "financing": 0.3,
    "borrow": 0.2,
    "maintenance": 0.4,
}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["discrete", "continuous"]),
    st.sampled_from([0.01, 0.05, 0.15]),
)
def test_an_independent_ledger_agrees_on_every_bar_of_random_trading(seed, actions, sigma):
    bars = random_bars(seed, sigma=sigma)
    options = {**COSTS, "actions": actions, "capital": 50_000.0, "band": 0.02, "ruin": 0.01}
    env = play_from_start(bars, positions=(-1.0, -0.3, 0.0, 0.5, 1.0), **options)
    ledger = Ledger(bars, options)
    random = np.random.default_rng(seed)
    env.reset(seed=0)
    ended = False
    while not ended:
        if actions == "discrete":
            action = int(random.integers(5))
            share = (-1.0, -0.3, 0.0, 0.5, 1.0)[action]
        else:
            action = random.uniform(-1, 1, 1).astype(np.float32)
            share = float(action[0])
        _, _, terminated, truncated, _ = env.step(action)
        ledger.step(share)
        row = env.get_state()[0]
        assert row["equity"] == pytest.approx(ledger.equity, rel=1e-9, abs=1e-4)
        assert row["cash"] == pytest.approx(ledger.cash, rel=1e-9, abs=1e-4)
        assert row["quantity"] == pytest.approx(ledger.units, rel=1e-9, abs=1e-7)
        assert row["paid"] == pytest.approx(ledger.paid + ledger.interest, rel=1e-9, abs=1e-4)
        assert row["liquidations"] == ledger.liquidations
        ended = terminated or truncated
        assert terminated == (ledger.equity <= 0.01 * 50_000)
        assert ended == (terminated or ledger.now == len(bars) - 2)


def test_the_ledgers_histories_come_to_liquidations():
    # Else the test above would not cover them.
    calls = 0
    for seed in range(10):
        bars = random_bars(seed, sigma=0.15)
        ledger = Ledger(bars, {**COSTS, "actions": "discrete", "capital": 50_000.0})
        for _ in range(len(bars) - FIRST - 2):
            if ledger.equity > 500.0:
                ledger.step(-1.0)
        calls += ledger.liquidations
    assert calls >= 5


def goog() -> Bars:
    frame = GOOG
    columns = [frame[name].to_numpy()[:, None] for name in ("Open", "High", "Low", "Close", "Volume")]
    return Bars(frame.index.to_numpy(), ("GOOG",), *columns, periods_per_year=252.0)


class TenUnits(Strategy):
    def init(self):
        pass

    def next(self):
        if len(self.data) == 100:  # bar 99 is closed
            self.buy(size=10)
        if len(self.data) == 200:
            self.position.close()


def theirs(**options) -> float:
    return Backtest(GOOG, TenUnits, cash=100_000, **options).run()["Equity Final [$]"]


def ours(**options) -> float:
    """Returns the equity after buying ten units on bar 99 and selling them on bar 199."""
    bars = goog()
    share = 10 * bars.close[99, 0] / 100_000
    env = play_from_start(
        bars.slice(0, 260), positions=(0.0, share), capital=100_000.0, **{**FREE, **options}
    )
    env.reset(seed=0)
    for bar in range(FIRST, 250):
        env.step(int(99 <= bar < 199))
    return float(env.get_state()[0]["equity"])


def test_backtesting_py_comes_to_the_same_equity_on_its_own_sample():
    assert ours() == pytest.approx(100_867.70, abs=1e-6)
    assert ours() == pytest.approx(theirs(), abs=1e-6)


def test_backtesting_py_takes_the_same_commission():
    assert ours(commission_bps=10.0) == pytest.approx(100_862.9199, abs=1e-6)
    assert ours(commission_bps=10.0) == pytest.approx(theirs(commission=0.001), abs=1e-6)


def test_backtesting_py_takes_the_spread_on_entry_and_we_on_exit_too():
    exit_value = 10 * goog().open[200, 0]
    assert theirs(spread=0.001) == pytest.approx(100_865.7438, abs=1e-4)
    assert ours(half_spread_bps=10.0) == pytest.approx(theirs(spread=0.001) - 0.001 * exit_value, abs=1e-6)
