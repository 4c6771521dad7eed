"""The environment around the book: what actions do, what they pay, what the flow is like."""

import numpy as np
import pytest

from quadrivium.envs.trading.limit_order_book.baselines import BASELINES
from quadrivium.envs.trading.limit_order_book.env import (
    LimitOrderBookEnv,
    LimitOrderBookVectorEnv,
)
from quadrivium.envs.trading.limit_order_book.flow import (
    CANCEL_RATES,
    LIMIT_RATES,
    MARKET_RATE,
    limit_rates,
    size_shares,
)
from quadrivium.envs.trading.limit_order_book.ladder import rungs

CHOICES = 7  # a side: none, then (offset -1, 0, 2) × (size 1, 3)
JOIN, JOIN_LARGE, BETTER, BEHIND = 3, 4, 1, 5
KEEP, WITHDRAW, BUY_1, BUY_3, SELL_1, SELL_3 = 0, 1, 50, 51, 52, 53
QUIET = {"interval": 1e-6}  # minutes: no stranger does anything


def quotes(bid, ask):
    return 1 + CHOICES * bid + ask


def own(env, column):
    """Returns (price, size, shares ahead) of the agent's order, None without one."""
    row = env.get_state()[0]
    handle = int(row["quote"][0, column])
    slot = handle % len(row["order_handle"])
    if handle == 0 or row["order_handle"][slot] != handle:
        return None
    ahead, at = 0, row["order_previous"][slot]
    while at >= 0:
        ahead, at = ahead + int(row["order_size"][at]), row["order_previous"][at]
    return int(row["order_price"][slot]), int(row["order_size"][slot]), ahead


def begun(seed=3, **options):
    env = LimitOrderBookEnv(**options)
    env.reset(seed=seed)
    return env, env.get_state()[0]


# ---- what actions do


def test_an_order_joins_the_best_price_behind_all_that_are_there_and_stays_when_chosen_again():
    env, row = begun(**QUIET)
    bid, ask = int(row["best_bid"]), int(row["best_ask"])
    ahead = int(row["volume"][bid]), int(row["volume"][ask])
    for _ in range(3):
        env.step(quotes(JOIN_LARGE, JOIN))
        assert own(env, 0) == (bid, 3, ahead[0])
        assert own(env, 1) == (ask, 1, ahead[1])
    env.step(quotes(JOIN, JOIN_LARGE))  # the bid is cut, the ask does not grow
    assert own(env, 0) == (bid, 1, ahead[0])
    assert own(env, 1) == (ask, 1, ahead[1])
    env.step(KEEP)
    assert own(env, 0) == (bid, 1, ahead[0])
    env.step(quotes(BEHIND, 0))
    assert own(env, 0)[0] == bid - 2
    assert own(env, 1) is None
    env.step(WITHDRAW)
    assert own(env, 0) is None


def test_a_better_price_counts_from_the_others_and_never_reaches_the_other_side():
    seen = set()
    for seed in range(30):
        env, row = begun(seed, **QUIET)
        bid, ask = int(row["best_bid"]), int(row["best_ask"])
        for _ in range(3):  # does not outbid itself
            env.step(quotes(BETTER, 0))
            assert own(env, 0)[0] == min(bid + 1, ask - 1)
        assert env.get_state()[0]["fills"][1] == 0
        seen.add(ask - bid == 1)
    assert seen == {True, False}


def test_quotes_never_take_and_the_book_holds_even_at_the_edges_of_the_grid():
    env = LimitOrderBookVectorEnv(16, ticks=64, activity=40.0, max_loss=float("inf"), reach=30)
    env.reset(seed=2)
    random, edges = np.random.default_rng(2), 0
    for _ in range(170):
        env.step(random.integers(0, 1 + CHOICES**2, 16))
        for row in env.get_state():
            assert row["taken"][1] == 0
            assert row["best_bid"] < row["best_ask"]
            edges += row["volume"][0] + row["volume"][row["ticks"] - 1] > 0
            live = row["order_handle"] > 0
            assert row["flow_count"] == (live & (row["order_owner"] == 0)).sum()
            assert row["volume"].sum() == row["order_size"][live].sum()
    assert edges > 0


def test_market_orders_trade_at_the_touch_and_pay_its_distance_from_the_mid_and_the_fee():
    env, row = begun(**QUIET)
    assert row["volume"][row["best_ask"]] >= 1
    half = (int(row["best_ask"]) - int(row["best_bid"])) / 2
    _, reward, *_, info = env.step(BUY_1)
    terms, after = info["reward_terms"], env.get_state()[0]
    assert after["position"].tolist() == [-1, 1]
    assert after["cash"].tolist() == [row["best_ask"], -row["best_ask"]]
    assert terms["spread"] == -half
    assert terms["fees"] == pytest.approx(-0.3)
    assert terms["revaluation"] == (after["mid2"] - row["mid2"]) / 2  # the order may have moved the mid
    assert terms["inventory"] == pytest.approx(-0.01 * 1e-6)
    assert reward == pytest.approx(sum(terms.values()))
    assert after["nav"][0] == pytest.approx(after["mid2"] / 2 - row["best_ask"] - 0.3)


def test_a_resting_order_earns_the_rebate_and_half_the_spread():
    env, _ = begun(warm_up=1.0)
    for _ in range(180):
        row = env.get_state()[0]
        *_, info = env.step(quotes(JOIN, JOIN))
        after = env.get_state()[0]
        if after["made"][1] > row["made"][1]:
            break
    made = int(after["made"][1] - row["made"][1])
    assert info["reward_terms"]["fees"] == pytest.approx(0.1 * made)
    assert after["taken"][1] == 0


def test_no_order_could_carry_the_inventory_over_its_limit():
    env = LimitOrderBookVectorEnv(8, limit=4, activity=3.0, max_loss=float("inf"))
    env.reset(seed=1)
    env.action_space.seed(1)
    largest = 0
    for _ in range(200):
        env.step(env.action_space.sample())
        for row in env.get_state():
            position = int(row["position"][1])
            resting = [0, 0]
            for k in np.flatnonzero((row["order_owner"] == 1) & (row["order_handle"] > 0)):
                resting[0 if row["order_side"][k] > 0 else 1] += int(row["order_size"][k])
            assert position + resting[0] <= 4
            assert position - resting[1] >= -4
            largest = max(largest, abs(position))
    assert largest == 4


def test_a_loss_of_max_loss_terminates_with_the_loss_as_it_stands():
    env, _ = begun(max_loss=2.0)
    nav = 0.0
    for step in range(100):
        _, reward, terminated, _, info = env.step(BUY_3 if step % 2 else SELL_3)
        nav += reward - info["reward_terms"]["inventory"]
        assert terminated == (env.get_state()[0]["nav"][0] <= -2.0)
        if terminated:
            break
    assert terminated
    assert info["metrics"]["nav"] == pytest.approx(nav, abs=1e-4)
    assert nav <= -2.0


def test_exit_nav_is_what_a_market_order_would_leave():
    for seed in range(8):
        env, _ = begun(seed, steps=6, limit=60, sizes=(60, 3), offsets=(0,), inventory_penalty=0.0, **QUIET)
        # C = 3 choices a side: 10 and 11 buy 60 and 3, 12 and 13 sell them
        for action in (10, 2, 0, 13):  # 60 bought, an own bid, 3 sold
            env.step(action)
        row = env.get_state()[0]
        env.step(0)
        position, worth = int(row["position"][1]), int(row["cash"][1])
        held = abs(position)
        fees = 0.3 * row["taken"][1] - 0.1 * row["made"][1] + 0.3 * held
        assert position > 0
        prices = [
            price
            for price in range(int(row["best_bid"]), -1, -1)
            for k in np.flatnonzero((row["order_price"] == price) & (row["order_handle"] > 0))
            if row["order_owner"][k] == 0
            for _ in range(int(row["order_size"][k]))
        ][:held]
        prices += prices[-1:] * (held - len(prices))
        *_, truncated, info = env.step(0)
        assert truncated
        assert info["metrics"]["exit_nav"] == pytest.approx(worth + sum(prices) - fees, abs=0.01)


# ---- what the agent sees


def test_observation_shows_the_book_the_own_queue_position_and_the_account():
    env, row = begun(**QUIET)
    obs, *_ = env.step(quotes(JOIN_LARGE, 0))
    bid, mid = int(row["best_bid"]), row["mid2"] / 2
    ahead = int(row["volume"][bid])
    expected = [1, 1, (bid - mid) / 10, (ahead + 3) / 10, 0.3, ahead / (ahead + 3)]
    np.testing.assert_allclose(obs["market"][0], expected, rtol=1e-6)
    asks = [rung for rung in reversed(rungs(env.get_state()[0], 101)) if rung.side < 0][:5]
    for token, rung in zip(obs["market"][5:], asks, strict=True):
        np.testing.assert_allclose(token, [1, -1, (rung.price - mid) / 10, rung.volume / 10, 0, 0], rtol=1e-6)
    spread = int(row["best_ask"]) - bid
    account = [0, 0, 0, 1 - 1 / 180, spread / 10, 0.3, (bid - mid) / 10, 0, 0]
    np.testing.assert_allclose(obs["account"], account, rtol=1e-6)
    obs, *_ = env.step(BUY_1)
    after = env.get_state()[0]
    cash = (row["mid2"] / 2 - int(row["best_ask"]) - 0.3) / 200
    np.testing.assert_allclose(obs["account"][:3], [1 / 20, cash, after["nav"][0] / 200], atol=1e-6)


# ---- the flow


def test_the_flow_has_the_rates_of_its_source():
    # Hours of flow: counts of a Poisson process are within 5 standard deviations of their mean.
    np.testing.assert_allclose(limit_rates(7)[[0, 4, 6]], [1.85, 0.77, 1.92 * 7**-0.52])
    assert (MARKET_RATE, CANCEL_RATES[0], LIMIT_RATES[0]) == (0.94, 0.71, 1.85)
    lanes, minutes = 64, 60.0
    env = LimitOrderBookVectorEnv(lanes, interval=1.0, steps=100)
    env.reset(seed=0)
    before = env.get_state()
    for _ in range(int(minutes)):
        env.step(np.zeros(lanes, np.int64))
    after = env.get_state()
    trades = (after["fills"] - before["fills"])[:, 0].sum() / 2
    expected = 2 * 0.94 * lanes * minutes  # unit orders: a market order is a trade
    assert abs(trades - expected) < 5 * np.sqrt(expected)
    arrived = (after["serial"] - before["serial"]).sum()
    expected = 2 * limit_rates(20).sum() * lanes * minutes
    assert abs(arrived - expected) < 5 * np.sqrt(expected)


def test_orders_die_at_the_rate_of_their_distance():
    # Without market orders and with all distances alike beyond 5, the flow's orders are an M/M/∞ queue at
    # each distance: where quotes rarely move, λ(i) / θ(i) orders rest. Far from the touch θ = 0.47.
    env = LimitOrderBookVectorEnv(64, interval=1.0, steps=100, market_rate=0.0)
    env.reset(seed=2)
    counts = []
    for _ in range(60):
        env.step(np.zeros(64, np.int64))
        counts.append(env.states["flow_count"].mean())
    rates, deaths = limit_rates(20).sum(), np.array(CANCEL_RATES)
    low, high = 2 * rates / deaths.max(), 2 * rates / deaths.min()
    assert low < np.mean(counts[10:]) < high
    assert np.mean(counts[10:]) > 0.8 * high  # most orders are further away than 5 ticks


def test_hawkes_orders_come_in_clusters_at_the_same_mean_rate():
    def counts(hawkes):
        env = LimitOrderBookVectorEnv(128, interval=1.0, steps=100, hawkes=hawkes, hawkes_decay=4.0)
        env.reset(seed=4)
        seen = []
        for _ in range(60):
            before = env.states["taken"][:, 0].copy()
            env.step(np.zeros(128, np.int64))
            seen.append(env.states["taken"][:, 0] - before)
        return np.array(seen)

    poisson, clusters = counts(0.0), counts(0.5)
    assert abs(poisson.mean() / 1.88 - 1) < 0.05
    assert abs(clusters.mean() / 1.88 - 1) < 0.1
    assert abs(poisson.var() / poisson.mean() - 1) < 0.1
    assert clusters.var() / clusters.mean() > 1.5  # 1 / (1 - 0.5)² in long windows


def test_sizes_are_geometric_with_the_mean_that_is_asked_for():
    shares = size_shares(3.0)
    chances = np.diff(shares, prepend=0)
    assert chances[1] / chances[0] == pytest.approx(2 / 3)
    assert (chances * np.arange(1, 33)).sum() == pytest.approx(3.0, abs=1e-3)
    assert size_shares(1.0).tolist() == [1.0] * 32


# ---- baselines


def test_a_market_maker_beats_doing_nothing_and_doing_nothing_beats_chance():
    def final_nav(name):
        env = LimitOrderBookVectorEnv(128)
        env.reset(seed=9)
        for _ in range(180):
            *_, truncated, info = env.step(BASELINES[name](env))
        assert truncated.all()
        return info["metrics"]["nav"].mean()

    assert final_nav("random") < -10
    assert final_nav("do_nothing") == 0
    assert final_nav("fixed_spread") > 5
    assert final_nav("inventory_skew") > 5


# ---- pictures and errors


def test_picture_and_text_show_the_queues_and_the_own_order():
    env = LimitOrderBookEnv(render_mode="rgb_array", **QUIET)
    env.reset(seed=3)
    empty = env.render()
    env.step(quotes(JOIN_LARGE, JOIN))
    assert empty.shape == (476, 640, 3)
    assert (env.render() != empty).any()
    text = env.setup.text(env.get_state()[0])
    assert "[1:3]" in text
    assert "[1:1]" in text
    assert text.endswith("trader 1: inventory +0, NAV +0.0")
    env.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offset": (0,)}, "unexpected keyword argument 'offset': .*did you mean 'offsets'"),
        ({"offsets": ()}, r"offsets=\(\) is no list of 1 to 8 numbers; use a list"),
        ({"sizes": (0,)}, r"sizes=\(0,\) holds what is not allowed; use a list of different integers in \[1"),
        ({"sizes": (2, 2)}, "holds a number twice"),
        ({"limit": 0}, r"limit=0 is out of range: use an integer in \[1, 10000\]"),
        ({"hawkes": 1.0}, "hawkes=1.0 is out of range"),
        ({"split": "tset"}, "did you mean 'test'"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        LimitOrderBookEnv(**options)
    assert "\n" not in str(error.value)
