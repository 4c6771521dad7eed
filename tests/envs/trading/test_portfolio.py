"""The portfolio world: invariants, an independent ledger, weights, and the single-asset world beside it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.trading.account import ledger
from quadrivium.envs.trading.account.costs import FREE
from quadrivium.envs.trading.account.rows import CLOSE
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.portfolio.env import PortfolioEnv, PortfolioVectorEnv
from quadrivium.envs.trading.single_asset.env import SingleAssetEnv
from tests.envs.trading.histories import FIRST, WARM_UP, WINDOW, random_bars

ASSETS = 3
some = settings(max_examples=25, deadline=None)


def several(seed: int, sigma: float = 0.03, volume: float = 1e5, count: int = 40) -> Bars:
    """Returns random bars of three assets on one clock."""
    parts = [random_bars(3 * seed + n, count, sigma, volume) for n in range(ASSETS)]
    columns = {name: np.hstack([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Bars(parts[0].times, ("A", "B", "C"), **columns, periods_per_year=252.0)


def from_start(bars: Bars, **options) -> PortfolioEnv:
    rows = len(bars) - WARM_UP
    options = {"window": WINDOW, "episode_bars": None, "test_share": 1.0 / rows, "purge": 0, **options}
    return PortfolioEnv(market=bars, **options)


def play(env, seed, steps=100):
    """Returns (rewards, rows, infos) of random actions."""
    random = np.random.default_rng(seed)
    env.reset(seed=0)
    rewards, rows, infos = [], [], []
    for _ in range(steps):
        action = random.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        rows.append(env.get_state()[0])
        infos.append({**info, "action": action, "ended": terminated, "cut": truncated})
        if terminated or truncated:
            break
    return rewards, rows, infos


COSTS = {
    "half_spread_bps": 5.0,
    "commission_bps": 3.0,
    "commission_fixed": 0.5,
    "commission_minimum": 2.0,
    "impact": 0.7,
    "participation": 0.05,
    "financing": 0.3,
    "borrow": 0.2,
    "maintenance": 0.3,
}


class Ledger:
    """One account on one history of several assets, written from the rules' description."""

    def __init__(self, bars, o):
        self.o, self.bars = o, bars
        self.cash = self.equity = 100_000.0
        self.units, self.goals = [0.0] * ASSETS, [0.0] * ASSETS
        self.now, self.paid, self.liquidations = FIRST, 0.0, 0

    def buy(self, n, units, price):
        close, volume = self.bars.close[:, n], self.bars.volume[:, n]
        past = range(self.now - 19, self.now + 1)
        sigma = math.sqrt(sum(math.log(close[k] / close[k - 1]) ** 2 for k in past) / 20)
        adv = sum(volume[k] for k in past) / 20
        value = abs(units) * price
        fee = max(
            value * self.o["commission_bps"] / 1e4 + self.o["commission_fixed"],
            self.o["commission_minimum"],
        )
        fee += value * self.o["half_spread_bps"] / 1e4
        fee += value * min(1.0, self.o["impact"] * sigma * math.sqrt(abs(units) / adv))
        self.cash -= units * price + fee
        self.units[n] += units
        self.paid += fee

    def margin(self, prices):
        m = self.o["maintenance"]
        return self.cash + sum(q * p - m * abs(q) * p for q, p in zip(self.units, prices, strict=True))

    def close_all(self, prices):
        for n in range(ASSETS):
            if self.units[n]:
                self.buy(n, -self.units[n], prices[n])
        self.units, self.goals = [0.0] * ASSETS, [0.0] * ASSETS
        self.liquidations += 1

    def step(self, weights):
        b, bar = self.bars, self.now + 1
        for n in range(ASSETS):
            apart = abs(weights[n] - self.units[n] * b.close[self.now, n] / self.equity)
            wanted = weights[n] * self.equity / b.close[self.now, n]
            self.goals[n] = wanted if apart > 0.01 else self.units[n]
        if any(self.units) and self.margin(b.open[bar]) < 0:
            self.close_all(b.open[bar])
        else:
            for n in range(ASSETS):
                order, limit = self.goals[n] - self.units[n], self.o["participation"] * b.volume[bar, n]
                order = math.copysign(min(abs(order), limit), order)
                if abs(order) > 1e-12:
                    self.buy(n, order, b.open[bar, n])
            worst = [b.low[bar, n] if self.units[n] > 0 else b.high[bar, n] for n in range(ASSETS)]
            if any(self.units) and self.margin(worst) < 0:
                low, high = 0.0, 1.0  # bisect for the share of the way at which the margin is called
                for _ in range(100):
                    middle = (low + high) / 2
                    at = [o + middle * (w - o) for o, w in zip(b.open[bar], worst, strict=True)]
                    low, high = (low, middle) if self.margin(at) < 0 else (middle, high)
                self.close_all([o + high * (w - o) for o, w in zip(b.open[bar], worst, strict=True)])
        fee = max(0.0, -self.cash) * self.o["financing"] / 252
        for n in range(ASSETS):
            fee += max(0.0, -self.units[n]) * b.close[bar, n] * self.o["borrow"] / 252
        self.cash -= fee
        self.paid += fee
        self.now = bar
        self.equity = self.cash + sum(q * p for q, p in zip(self.units, b.close[bar], strict=True))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([0.01, 0.04, 0.12]))
def test_an_independent_ledger_agrees_on_every_bar_of_random_trading(seed, sigma):
    bars = several(seed, sigma)
    env = from_start(bars, weights="shorts", leverage=2.0, ruin=0.01, **COSTS)
    ledger = Ledger(bars, COSTS)
    for _, row, info in zip(*play(env, seed), strict=True):
        action = info["action"].astype(float)
        ledger.step(action * 2.0 / max(np.abs(action).sum(), 1.0))
        assert row["equity"] == pytest.approx(ledger.equity, rel=1e-8, abs=1e-3)
        assert row["paid"] == pytest.approx(ledger.paid, rel=1e-8, abs=1e-3)
        np.testing.assert_allclose(row["quantity"][:ASSETS], ledger.units, rtol=1e-8, atol=1e-6)
        assert row["liquidations"] == ledger.liquidations
        assert info["ended"] == (ledger.equity <= 1000.0)


def test_the_ledgers_histories_come_to_liquidations():
    calls = 0
    for seed in range(10):
        ledger, random = Ledger(several(seed, 0.12), COSTS), np.random.default_rng(seed)
        for _ in range(40):
            action = random.uniform(-1, 1, ASSETS)
            if ledger.equity > 1000.0:
                ledger.step(action * 2.0 / max(np.abs(action).sum(), 1.0))
        calls += ledger.liquidations
    assert calls >= 5


@pytest.mark.parametrize("seed", range(5))
def test_one_asset_with_shorts_is_the_single_asset_world(seed):
    bars = random_bars(seed, sigma=0.1)
    options = {**COSTS, "window": WINDOW, "episode_bars": None, "purge": 0, "ruin": 0.02}
    options["test_share"] = 1.0 / (len(bars) - WARM_UP)
    many = PortfolioEnv(market=bars, weights="shorts", **options)
    one = SingleAssetEnv(market=bars, actions="continuous", **options)
    random = np.random.default_rng(seed)
    first, second = many.reset(seed=0)[0], one.reset(seed=0)[0]
    ended = False
    while not ended:
        np.testing.assert_array_equal(first["market"].ravel(), second["market"].ravel())
        np.testing.assert_allclose(first["account"][[1, 0, 2, 3]], second["account"], atol=1e-6)
        action = random.uniform(-1, 1, 1).astype(np.float32)
        first, reward, ended, cut, _ = many.step(action)
        second, other, same, same_cut, _ = one.step(action)
        assert reward == pytest.approx(other, abs=1e-6)
        assert (ended, cut) == (same, same_cut)
        ended = ended or cut


@some
@given(st.integers(0, 1000), st.sampled_from(["softmax", "simplex", "shorts"]))
def test_without_costs_at_constant_prices_no_actions_change_equity(seed, weights):
    bars = several(seed)
    flat = {name: np.full_like(bars.open, 50.0) for name in ("open", "high", "low", "close")}
    env = from_start(
        Bars(bars.times, bars.symbols, **flat, volume=bars.volume, periods_per_year=252.0),
        weights=weights,
        **FREE,
    )
    _, rows, _ = play(env, seed)
    np.testing.assert_allclose([row["equity"] for row in rows], 100_000.0, rtol=1e-12)


@some
@given(st.integers(0, 1000), st.sampled_from(["softmax", "simplex", "shorts"]))
def test_log_rewards_add_up_and_terms_to_the_reward(seed, weights):
    rewards, rows, infos = play(from_start(several(seed), weights=weights), seed)
    assert sum(rewards) == pytest.approx(math.log(rows[-1]["equity"] / 100_000.0), abs=1e-5)
    for reward, info in zip(rewards, infos, strict=True):
        assert reward == pytest.approx(sum(info["reward_terms"].values()), abs=1e-6)


@some
@given(st.integers(0, 1000))
def test_no_order_is_above_its_cap(seed):
    bars = several(seed, sigma=0.005, volume=5e3)
    _, rows, _ = play(from_start(bars, participation=0.02), seed)
    before = np.zeros(ASSETS)
    for step, row in enumerate(rows):
        moved = np.abs(row["quantity"][:ASSETS] - before)
        assert (moved <= 0.02 * bars.volume[FIRST + 1 + step] * (1 + 1e-9)).all()
        before = row["quantity"][:ASSETS]


@some
@given(st.integers(0, 1000), st.integers(0, 30))
def test_what_comes_after_a_bar_changes_no_fill_and_no_reward_up_to_it(seed, step):
    bars = several(seed)
    columns = {name: getattr(bars, name).copy() for name in COLUMNS}
    for values in columns.values():
        values[FIRST + step + 2 :] *= 1.7
    other = Bars(bars.times, bars.symbols, **columns, periods_per_year=252.0)
    one = play(from_start(bars), seed, steps=step + 1)
    two = play(from_start(other), seed, steps=step + 1)
    assert one[0] == two[0]
    assert [row.tobytes() for row in one[1]] == [row.tobytes() for row in two[1]]


def chosen(action, projection, leverage=1.0):
    env = PortfolioEnv(
        assets=ASSETS, weights=projection, leverage=leverage, scenarios=2, episode_bars=5, window=2, **FREE
    )
    env.reset(seed=0)
    env.step(np.array(action, np.float32))
    return env.get_state()[0]["weight"][:ASSETS]


vectors = st.lists(st.floats(-1, 1, width=32), min_size=ASSETS + 1, max_size=ASSETS + 1)


@some
@given(vectors)
def test_simplex_weights_are_the_nearest_point_of_the_simplex(action):
    weights = chosen(action, "simplex")
    ordered = sorted(action, reverse=True)  # the algorithm by sorting: Duchi et al. 2008, figure 1
    sums = np.cumsum(ordered)
    rank = max(k + 1 for k in range(ASSETS + 1) if ordered[k] - (sums[k] - 1) / (k + 1) > 0)
    threshold = (sums[rank - 1] - 1) / rank
    np.testing.assert_allclose(weights, np.maximum(np.array(action[1:]) - threshold, 0), atol=1e-6)
    assert weights.sum() <= 1 + 1e-6


@some
@given(vectors)
def test_softmax_weights_and_cash_add_up_to_one(action):
    parts = np.exp(4.0 * np.array(action))
    np.testing.assert_allclose(chosen(action, "softmax"), (parts / parts.sum())[1:], rtol=1e-5)


@some
@given(vectors)
def test_the_gross_weight_is_at_most_the_leverage(action):
    action = np.array(action[:ASSETS])
    weights = chosen(action, "shorts", leverage=2.5)
    assert np.abs(weights).sum() <= 2.5 + 1e-6
    np.testing.assert_allclose(weights, 2.5 * action / max(np.abs(action).sum(), 1.0), atol=1e-6)


def test_on_a_martingale_the_mean_result_is_minus_the_mean_costs():
    env = PortfolioVectorEnv(
        num_envs=3000,
        assets=ASSETS,
        simulator={"alpha": 0.0},
        scenarios=3000,
        episode_bars=20,
        window=2,
        weights="shorts",
        leverage=1.5,
    )
    env.reset(seed=5)
    random = np.random.default_rng(0)
    for _ in range(19):
        env.step(random.uniform(-1, 1, (3000, ASSETS)).astype(np.float32))
    rows = env.get_state()
    missing = rows["equity"] - 100_000.0 + rows["paid"]
    assert rows["paid"].mean() > 500.0
    assert abs(missing.mean()) < 4 * missing.std() / math.sqrt(3000)


@pytest.mark.parametrize("weights", ["softmax", "simplex", "shorts"])
def test_baselines_hold_what_they_say(weights):
    env = PortfolioVectorEnv(
        num_envs=6, assets=ASSETS, scenarios=6, episode_bars=90, window=4, weights=weights, **FREE
    )
    env.reset(seed=2)
    p = env.setup.params
    for _ in range(70):
        env.step(env.baselines["momentum"](env))
    states = env.get_state()
    for name in env.baselines:
        env.set_state(states)
        env.step(env.baselines[name](env))
        got = env.get_state()["weight"][:, :ASSETS]
        for lane, row in enumerate(states):
            bars = p.bars[row["scenario"], : row["start"] + row["step"] + 1]
            close = bars[:, :, 3]
            expected = {
                "cash": np.zeros(ASSETS),
                "equal_weight": np.full(ASSETS, 1 / 3),
                "buy_and_hold": row["quantity"][:ASSETS] * close[-1] / row["equity"],
                "momentum": (close[-1] > close[-21]) / 3,
                "sma_cross": (close[-5:].mean(axis=0) > close[-20:].mean(axis=0)) / 3,
                "inverse_volatility": (1 / bars[-1, :, 5]) / (1 / bars[-1, :, 5]).sum(),
            }.get(name)
            if expected is None:  # markowitz
                moves = np.diff(np.log(close[-61:]), axis=0)
                cov = np.cov(moves.T, bias=True)
                cov = 0.7 * cov + 0.3 * np.diag(np.diag(cov)) + 1e-8 * np.eye(ASSETS)
                expected = np.linalg.inv(cov) @ moves.mean(axis=0) / 5
                if weights != "shorts":
                    expected = np.maximum(expected, 0)
                expected = expected / max(np.abs(expected).sum(), 1)
            # The softmax cannot give less than e^-8 of the largest weight.
            np.testing.assert_allclose(got[lane], expected, atol=2e-3 if weights == "softmax" else 1e-5)


def test_a_file_of_three_assets_is_a_market():
    env = PortfolioEnv(market="configs/trading/example.csv", episode_bars=None, split="test")
    obs, _ = env.reset(seed=0)
    assert obs["market"].shape == (3, 64)
    assert obs["account"].shape == (10,)
    two = PortfolioEnv(market="configs/trading/example.csv", symbols=["CASK", "ACME"])
    assert two.action_space.shape == (3,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "softmin"}, "did you mean 'softmax'"),
        ({"leverage": 2.0}, "leverage=2.0 needs weights='shorts'"),
        ({"asset": 3}, "did you mean 'assets'"),
        ({"assets": 0}, "assets=0 is out of range"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        PortfolioEnv(**options)


def test_the_limits_of_the_observation_are_those_of_its_space():
    space = PortfolioEnv(scenarios=2, episode_bars=5).observation_space
    assert space["account"].high.max() == ledger.ACCOUNT_LIMIT


def test_asking_for_what_is_held_ends_an_order_that_was_filled_in_part():
    """Closes and opens at 100, 1,000 units a bar, a tenth of that a fill: 100 units, 10,000 of 100,000."""
    rows = FIRST + 10
    flat, volume = np.full((rows, 1), 100.0), np.full((rows, 1), 1000.0)
    times = np.datetime64("2024-01-01", "ns") + np.arange(rows) * np.timedelta64(1, "D")
    bars = Bars(times, ("X",), flat, flat, flat, flat, volume, periods_per_year=252.0)
    env = from_start(bars, weights="simplex", **{**FREE, "participation": 0.1})
    env.reset(seed=0)
    held = []
    for share in (0.5, 0.5, 0.2, 0.2, 0.4):
        env.step(np.array([1.0 - share, share], np.float32))
        row = env.get_state()[0]
        held.append((row["quantity"][0], row["goal"][0]))
    wanted = [(100, 500), (200, 500), (200, 200), (200, 200), (300, 400)]
    np.testing.assert_allclose(held, wanted, rtol=1e-6)


def test_info_tells_equity_cash_and_position_after_every_reset_and_step():
    given = {"assets": 2, "scenarios": 4, "episode_bars": 5, "window": 2}
    env = PortfolioEnv(**given)
    _, info = env.reset(seed=0)
    assert (info["equity"], info["cash"], info["position"].tolist()) == (100_000.0, 100_000.0, [0.0, 0.0])
    for _ in range(5):
        *_, info = env.step(np.array([-1.0, 1.0, 1.0], np.float32))
        bars, state = env.setup.source.bars, env.get_state()[0]
        close = bars[state["scenario"], state["start"] + state["step"], :, CLOSE]
        assert info["equity"] == pytest.approx(info["cash"] + info["position"] @ close)
    batch = PortfolioVectorEnv(3, **given)
    _, info = batch.reset(seed=0)
    assert info["equity"].tolist() == [100_000.0] * 3
    assert info["position"].shape == (3, 2)


def test_final_info_of_a_batch_has_the_account_of_the_last_bar_where_an_episode_ended():
    options = {"episode_bars": 3, "assets": 4, "scenarios": 4}
    batch, single = PortfolioVectorEnv(2, **options), PortfolioEnv(**options)
    batch.reset(seed=[5, 6])
    single.reset(seed=6)
    random = np.random.default_rng(0)
    for step in range(3):
        actions = random.uniform(-1, 1, (2, 5)).astype(np.float32)
        *_, info = batch.step(actions)
        *_, alone = single.step(actions[1])
        assert ("final_info" in info) == (step == 2)
    final = info["final_info"]
    assert final["_equity"].tolist() == [True, True]
    for name in ("equity", "cash"):
        assert final[name][1] == alone[name] != info[name][1]  # a new episode has begun there
    assert final["position"][1].tolist() == alone["position"].tolist()
    assert info["position"][1].tolist() == [0.0] * 4


def test_final_info_is_zero_where_no_episode_has_ended():
    batch = PortfolioVectorEnv(2, episode_bars=3, scenarios=4)
    batch.reset(seed=0)
    batch.step(np.ones((2, 5), np.float32))
    batch.reset(options={"reset_mask": np.array([True, False])}, seed=[1, None])
    for _ in range(2):
        *_, info = batch.step(np.ones((2, 5), np.float32))
    final = info["final_info"]
    assert final["_equity"].tolist() == [False, True]
    assert final["equity"][0] == 0.0
    assert final["equity"][1] > 0.0
