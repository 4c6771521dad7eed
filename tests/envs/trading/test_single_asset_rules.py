"""The single-asset world's rules: invariants as properties, and scenes worked out by hand."""

import math

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.trading.account.costs import FREE
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.features import Scaler, features
from quadrivium.envs.trading.single_asset.env import SingleAssetEnv, SingleAssetVectorEnv
from tests.envs.trading.histories import FIRST, WARM_UP, WINDOW, bars_of, play_from_start, random_bars

SHORT, FLAT, LONG = 0, 1, 2
plans = st.lists(st.integers(0, 2), min_size=5, max_size=30)
some = settings(max_examples=25, deadline=None)


def play(env, plan):
    """Returns (rewards, rows, infos) of a plan, which may be longer than the episode."""
    env.reset(seed=0)
    rewards, rows, infos = [], [], []
    for action in plan:
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        rows.append(env.get_state()[0])
        infos.append({**info, "terminated": terminated, "truncated": truncated})
        if terminated or truncated:
            break
    return rewards, rows, infos


@some
@given(plans)
def test_at_a_constant_price_without_costs_no_actions_change_equity(plan):
    rewards, rows, _ = play(play_from_start(bars_of([100.0] * 30, [100.0] * 30), **FREE), plan)
    assert {row["equity"] for row in rows} == {100_000.0}
    assert set(rewards) == {0.0}


@some
@given(plans)
def test_at_a_constant_price_the_loss_is_the_fees_exactly(plan):
    options = {**FREE, "commission_bps": 20.0, "half_spread_bps": 10.0, "commission_fixed": 3.0}
    _, rows, _ = play(play_from_start(bars_of([100.0] * 30, [100.0] * 30), **options), plan)
    equity, units, last = 100_000.0, 0.0, FLAT
    for action, row in zip(plan, rows, strict=True):
        if action != last:
            order = (action - 1) * equity / 100.0 - units
            units += order
            equity -= abs(order) * 100.0 * 0.003 + 3.0
        last = action
        assert row["equity"] == pytest.approx(equity, abs=1e-6)


@some
@given(plans, st.integers(0, 1000))
def test_log_rewards_add_up_to_the_log_of_the_growth_of_equity(plan, seed):
    rewards, rows, infos = play(play_from_start(random_bars(seed)), plan)
    assert sum(rewards) == pytest.approx(math.log(rows[-1]["equity"] / 100_000.0), abs=1e-5)
    for reward, info in zip(rewards, infos, strict=True):
        assert reward == pytest.approx(sum(info["reward_terms"].values()), abs=1e-6)


@some
@given(plans, st.integers(0, 1000), st.data())
def test_what_comes_after_a_bar_changes_nothing_up_to_it(plan, seed, data):
    bars = random_bars(seed)
    step = data.draw(st.integers(0, len(plan) - 1))
    keep = FIRST + step + 1  # the bar in which decision `step` fills is the last to be kept
    columns = {name: getattr(bars, name).copy() for name in COLUMNS}
    for name, values in columns.items():
        values[keep + 1 :] *= 3.0 if name != "volume" else 0.1
    other = Bars(bars.times, bars.symbols, **columns, periods_per_year=252.0)
    one, two = play_from_start(bars), play_from_start(other)
    # One scaler for both: it is fitted on all of the training part, which is not the matter here.
    two.setup.params.features.setflags(write=True)
    rows = features(other)
    two.setup.params.features[0] = Scaler.fit(features(bars)[:-1]).transform(rows[:-1]).reshape(-1)
    first, second = one.reset(seed=0)[0], two.reset(seed=0)[0]
    for action in plan[: step + 1]:
        for part in first:
            np.testing.assert_array_equal(first[part], second[part])
        first, reward, *_ = one.step(action)
        second, other_reward, *_ = two.step(action)
        assert reward == other_reward
        assert one.get_state().tobytes() == two.get_state().tobytes()
    for part in first:
        np.testing.assert_array_equal(first[part], second[part])


@some
@given(plans, st.integers(0, 1000))
def test_no_order_is_above_the_cap_and_the_rest_is_tried_again(plan, seed):
    bars = random_bars(seed, sigma=0.005, volume=2e4)
    _, rows, _ = play(play_from_start(bars, participation=0.01), plan)
    before = 0.0
    for step, row in enumerate(rows):
        limit = 0.01 * bars.volume[FIRST + 1 + step, 0]
        filled = row["quantity"] - before
        assert abs(filled) <= limit * (1 + 1e-9)
        if row["liquidations"] == 0 and row["goal"] != row["quantity"]:
            assert abs(filled) == pytest.approx(limit)
        before = row["quantity"]


@some
@given(plans, st.integers(0, 1000))
def test_interest_accrues_in_each_bar_whatever_the_action(plan, seed):
    bars = random_bars(seed, sigma=0.01)
    _, rows, infos = play(play_from_start(bars, financing=0.5, borrow=0.4, participation=None), plan)
    for step, (row, info) in enumerate(zip(rows, infos, strict=True)):
        close = bars.close[FIRST + 1 + step, 0]
        cash = row["cash"] + row["interest"]
        due = max(-cash, 0.0) * 0.5 / 252 + max(-row["quantity"], 0.0) * close * 0.4 / 252
        assert row["interest"] == pytest.approx(due, rel=1e-9)
        assert (info["reward_terms"]["financing"] < 0) == (due > 0)


def test_an_order_decided_on_bar_t_fills_at_the_next_open():
    env = play_from_start(bars_of([110.0, 130.0], [120.0, 140.0]), **FREE)
    _, rows, _ = play(env, [LONG, FLAT])
    assert rows[0]["quantity"] == 1000.0  # sized at the close of 100, filled at 110
    assert rows[0]["cash"] == 100_000.0 - 110_000.0
    assert rows[0]["equity"] == 110_000.0
    assert rows[1]["equity"] == 120_000.0  # out at the open of 130, not at the close


def test_the_same_choice_again_holds_the_same_units():
    _, rows, _ = play(play_from_start(bars_of([100.0, 120.0, 90.0], [100.0, 120.0, 90.0])), [SHORT] * 3)
    assert [row["trades"] for row in rows] == [1, 1, 1]
    assert {row["quantity"] for row in rows} == {-1000.0}


def test_a_continuous_share_is_traded_beyond_the_band_only():
    bars = bars_of([100.0, 100.0, 100.0], [100.0, 101.0, 110.0])
    env = play_from_start(bars, actions="continuous", band=0.02, **FREE)
    _, rows, _ = play(env, [np.array([0.5], np.float32)] * 3)
    assert [row["trades"] for row in rows] == [1, 1, 1]  # 505 of 1005 is within 0.02 of a half
    env = play_from_start(bars, actions="continuous", band=0.001, **FREE)
    _, rows, _ = play(env, [np.array([0.5], np.float32)] * 3)
    assert rows[-1]["quantity"] == pytest.approx(0.5 * 100_500 / 101)


def test_a_margin_call_within_a_bar_fills_at_the_price_of_the_call():
    # Short 1000 at 100: cash 200,000. With maintenance 0.25 the call is at 200,000 / 1250 = 160.
    bars = bars_of([100.0, 150.0, 170.0], [150.0, 170.0, 170.0])
    env = play_from_start(bars, **{**FREE, "maintenance": 0.25})
    _, rows, infos = play(env, [SHORT] * 3)
    assert rows[0]["equity"] == 50_000.0
    assert rows[1]["equity"] == pytest.approx(40_000.0)  # a quarter of the position's 160,000
    assert (rows[1]["quantity"], rows[1]["liquidations"]) == (0.0, 1)
    # The next decision to be short is a new order, of 40,000 at 170.
    assert rows[2]["quantity"] == pytest.approx(-40_000 / 170)
    assert infos[2]["metrics"]["liquidations"] == 1.0


def test_a_gap_over_the_margin_call_fills_at_the_open():
    bars = bars_of([100.0, 180.0], [150.0, 150.0])
    _, rows, _ = play(play_from_start(bars, **{**FREE, "maintenance": 0.25}), [SHORT, SHORT])
    assert rows[1]["equity"] == pytest.approx(20_000.0)
    assert rows[1]["quantity"] == 0.0


def test_ruin_terminates_with_the_actual_loss():
    bars = bars_of([100.0, 195.0, 100.0], [100.0, 195.0, 100.0])
    rewards, rows, infos = play(play_from_start(bars, ruin=0.1, **FREE), [SHORT] * 3)
    assert len(rows) == 2
    assert (infos[1]["terminated"], infos[1]["truncated"]) == (True, False)
    assert sum(rewards) == pytest.approx(math.log(0.05), abs=1e-5)
    assert infos[1]["metrics"]["ruined"] == 1.0
    assert infos[1]["metrics"]["total_return"] == pytest.approx(-0.95)


def test_a_debt_counts_as_the_loss_of_all_but_a_millionth():
    bars = bars_of([100.0, 300.0, 300.0], [100.0, 300.0, 300.0])
    rewards, rows, infos = play(play_from_start(bars, **FREE), [SHORT] * 3)
    assert rows[-1]["equity"] == pytest.approx(-100_000.0)
    assert rewards[-1] == pytest.approx(math.log(1e-6), rel=1e-5)
    assert infos[-1]["terminated"]


def test_the_end_of_the_data_truncates():
    _, rows, infos = play(play_from_start(bars_of([100.0] * 5, [100.0] * 5)), [FLAT] * 9)
    assert len(rows) == 5
    assert (infos[-1]["terminated"], infos[-1]["truncated"]) == (False, True)


def test_the_differential_sharpe_ratio_is_moodys():
    bars = random_bars(3)
    options = {"participation": None, "maintenance": 0.0}
    env = play_from_start(bars, reward="differential_sharpe", decay=0.05, **options)
    rewards, rows, _ = play(env, [LONG, LONG, SHORT, FLAT, LONG] * 4)
    returns = np.diff([100_000.0, *(row["equity"] for row in rows)])
    returns = returns / np.array([100_000.0, *(row["equity"] for row in rows[:-1])])
    sigma = env.setup.params.bars[0, :, 5]
    mean, square = 0.0, sigma[WINDOW - 1] ** 2
    for step, (value, reward) in enumerate(zip(returns, rewards, strict=True)):
        variance = max(square - mean**2, 0.01 * sigma[WINDOW - 1 + step] ** 2 + 1e-12)
        up = square * (value - mean) - 0.5 * mean * (value**2 - square)
        assert reward == pytest.approx(up / variance**1.5, rel=1e-4, abs=1e-4)
        mean += 0.05 * (value - mean)
        square += 0.05 * (value**2 - square)


def test_the_inventory_penalty_is_half_the_aversion_times_variance():
    bars = random_bars(4)
    env = play_from_start(bars, reward="inventory_penalty", risk_aversion=10.0, **FREE)
    rewards, rows, infos = play(env, [LONG])
    sigma = env.setup.params.bars[0, WINDOW - 1, 5]
    share = rows[0]["quantity"] * bars.close[FIRST + 1, 0] / 100_000.0
    assert infos[0]["reward_terms"]["risk"] == pytest.approx(-5.0 * (share * sigma) ** 2, rel=1e-5)
    gain = rows[0]["equity"] / 100_000.0 - 1
    assert rewards[0] == pytest.approx(gain - 5.0 * (share * sigma) ** 2, rel=1e-4)


def test_the_observation_is_the_scaled_past_and_the_account():
    bars = random_bars(5)
    env = play_from_start(bars, participation=None, **{k: v for k, v in FREE.items() if k != "participation"})
    obs, _ = env.reset(seed=0)
    scaled = Scaler.fit(features(bars)[:-1]).transform(features(bars))[:, 0]
    np.testing.assert_array_equal(obs["market"], scaled[:WINDOW])
    assert obs["account"].tolist() == [0.0, 1.0, 0.0, 0.0]
    obs, *_ = env.step(LONG)
    row = env.get_state()[0]
    np.testing.assert_array_equal(obs["market"], scaled[1 : WINDOW + 1])
    opened, close = bars.open[FIRST + 1, 0], bars.close[FIRST + 1, 0]
    units = 100_000 / bars.close[FIRST, 0]
    expected = [units * close, 100_000 - units * opened, units * (close - opened), 0.0]
    np.testing.assert_allclose(obs["account"], np.array(expected) / row["equity"], rtol=1e-5, atol=1e-6)


def test_the_vector_is_the_tokens_and_the_account():
    bars = random_bars(6)
    tokens, vector = play_from_start(bars), play_from_start(bars, observation="vector")
    tokens.reset(seed=0)
    vector.reset(seed=0)
    for action in [LONG, SHORT, FLAT]:
        obs, *_ = tokens.step(action)
        flat, *_ = vector.step(action)
        np.testing.assert_array_equal(np.concatenate([obs["market"].ravel(), obs["account"]]), flat)


def test_the_scaler_knows_the_training_part_only_and_the_test_is_later():
    bars = random_bars(8, count=200)
    train, test = (
        SingleAssetEnv(market=bars, split=split, episode_bars=None, window=2, test_share=0.5, purge=3).setup
        for split in ("train", "test")
    )
    rows = len(bars) - WARM_UP
    half = rows // 2
    assert test.params.bars.shape[1] == half
    assert train.params.bars.shape[1] == rows - half - 3
    np.testing.assert_array_equal(test.params.bars[0, :, 3], bars.close[-half:, 0])
    scaler = Scaler.fit(features(bars)[: rows - half - 3])
    np.testing.assert_array_equal(
        test.params.features[0], scaler.transform(features(bars)[-half:]).reshape(-1)
    )


def test_no_test_path_is_a_training_path():
    options = {"scenarios": 8, "episode_bars": 20, "window": 4}
    train, test = (SingleAssetEnv(split=split, **options).setup.params for split in ("train", "test"))
    closes = np.concatenate([train.bars[:, -1, 3], test.bars[:, -1, 3]])
    assert len(set(closes.tolist())) == 16
    assert not train.bars.flags.writeable
    assert not train.features.flags.writeable


def test_on_a_martingale_the_mean_result_is_minus_the_mean_costs():
    env = SingleAssetVectorEnv(
        num_envs=4000, simulator={"alpha": 0.0}, scenarios=4000, episode_bars=40, window=4, impact=2.0
    )
    env.reset(seed=5)
    random = np.random.default_rng(0)
    for _ in range(39):
        env.step(random.integers(0, 3, 4000))
    rows = env.get_state()
    missing = rows["equity"] - 100_000.0 + rows["paid"]
    assert rows["paid"].mean() > 1000.0
    assert abs(missing.mean()) < 4 * missing.std() / math.sqrt(4000)


def test_buying_and_holding_earns_what_the_asset_does():
    for options in ({}, {"actions": "continuous"}, {"actions": "continuous", "short": False}):
        env = SingleAssetVectorEnv(num_envs=16, scenarios=16, episode_bars=30, window=4, **FREE, **options)
        env.reset(seed=1)
        bars, states = env.setup.params.bars, env.get_state()
        for _ in range(29):
            env.step(env.baselines["buy_and_hold"](env))
        states = env.get_state()
        path, start = states["scenario"], states["start"]
        grown = 1 + (bars[path, start + 29, 3] - bars[path, start + 1, 0]) / bars[path, start, 3]
        np.testing.assert_allclose(states["equity"] / 100_000.0, grown, rtol=1e-6)
        assert (states["trades"] == 1).all()


def test_cash_never_trades_and_followers_of_trends_do_as_they_say():
    env = SingleAssetVectorEnv(num_envs=8, scenarios=8, episode_bars=60, window=32)
    env.reset(seed=1)
    for _ in range(30):
        states, p = env.states, env.setup.params
        for lane in range(8):
            now = states["start"][lane] + states["step"][lane]
            closes = p.bars[states["scenario"][lane], : now + 1, 3]
            cross = np.sign(closes[-5:].mean() - closes[-20:].mean())
            assert env.baselines["sma_cross"](env)[lane] == 1 + cross
            assert env.baselines["momentum"](env)[lane] == 1 + np.sign(closes[-1] - closes[-21])
            assert env.baselines["cash"](env)[lane] == 1
        env.step(env.baselines["momentum"](env))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rewrad": "x"}, "unexpected keyword argument 'rewrad'.*did you mean 'reward'"),
        ({"reward": "log"}, "reward='log' is unknown"),
        ({"positions": (1.0,)}, "two or more different"),
        ({"positions": (-2.0, 0.0)}, "positions=-2.0 is out of range"),
        ({"participation": 0.0}, "participation=0.0 is out of range"),
        ({"episode_bars": None}, "a simulated market needs a number"),
        ({"simulator": {"alhpa": 0}}, "did you mean 'alpha'"),
        ({"simulator": {"assets": 2}}, "this world needs 1"),
        ({"market": 3}, "market=int is no market"),
        ({"features": ["volatlity"]}, "did you mean 'volatility'"),
        ({"maintenance": 1.5}, "maintenance=1.5 is out of range"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        SingleAssetEnv(**options)


def test_a_file_of_several_assets_asks_for_one():
    with pytest.raises(ValueError, match=r"3 assets.*symbol='ACME'"):
        SingleAssetEnv(market="configs/trading/example.csv")
    env = SingleAssetEnv(market="configs/trading/example.csv", symbol="BOLT", episode_bars=50)
    assert isinstance(env, gymnasium.Env)
    assert env.reset(seed=0)[0]["market"].shape == (16, 4)


def test_too_few_bars_for_an_episode_are_an_error():
    with pytest.raises(ValueError, match="episode_bars=126 needs more"):
        SingleAssetEnv(market=random_bars(0))


def test_asking_for_what_is_held_ends_an_order_that_was_filled_in_part():
    """1,000 units a bar at 100, a tenth of that a fill: 100 units, 10,000 of 100,000."""
    bars = bars_of([100.0] * 8, [100.0] * 8, volume=1000.0)
    env = play_from_start(bars, actions="continuous", **{**FREE, "participation": 0.1})
    _, rows, _ = play(env, [np.array([share], np.float32) for share in (0.5, 0.5, 0.2, 0.2, 0.4)])
    wanted = [(100, 500), (200, 500), (200, 200), (200, 200), (300, 400)]
    np.testing.assert_allclose([(row["quantity"], row["goal"]) for row in rows], wanted, rtol=1e-6)


def test_a_discrete_position_that_is_repeated_goes_on_with_its_order():
    bars = bars_of([100.0] * 8, [100.0] * 8, volume=1000.0)
    _, rows, _ = play(play_from_start(bars, **{**FREE, "participation": 0.1}), [LONG] * 4)
    assert [row["quantity"] for row in rows] == [100.0, 200.0, 300.0, 400.0]
