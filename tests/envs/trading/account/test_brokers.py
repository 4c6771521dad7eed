"""Costs and orders of real brokers: by hand, in the world of one asset and in the portfolio."""

import math
from dataclasses import replace

import numpy as np
import pytest

from quadrivium.envs.trading.account.costs import FREE
from quadrivium.envs.trading.episodes.record import record_episode
from quadrivium.envs.trading.episodes.regret import hindsight_growth
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.load import load_bars
from quadrivium.envs.trading.market.resample import resample
from quadrivium.envs.trading.portfolio.env import PortfolioEnv
from quadrivium.envs.trading.single_asset.env import SingleAssetEnv
from tests.envs.trading.histories import FIRST, WARM_UP, WINDOW, bars_of, play_from_start, random_bars

SHORT, FLAT, LONG = 0, 1, 2
YEAR = 252


def with_ranges(bars, highs, lows):
    """Returns the bars with other highs and lows of those that are played; None leaves one."""
    high, low = np.array(bars.high), np.array(bars.low)
    for column, values in ((high, highs), (low, lows)):
        for k, value in enumerate(values):
            if value is not None:
                column[FIRST + 1 + k] = value
    return replace(bars, high=high, low=low)


def rows_of(bars, plan, **options):
    """Returns the records after each action."""
    env = play_from_start(bars, **{**FREE, **options})
    env.reset(seed=0)
    rows = []
    for action in plan:
        _, _, ended, cut, _ = env.step(action)
        rows.append(env.get_state()[0])
        if ended or cut:
            break
    return rows


FLAT_MARKET = bars_of([100.0] * 6, [100.0] * 6)


# ---- costs


def test_a_fee_per_share_is_paid_for_each_and_beside_a_minimum():
    first, second, *_ = rows_of(FLAT_MARKET, [LONG, FLAT], commission_per_share=0.01)
    assert (first["quantity"], first["commission"]) == (1000.0, 10.0)
    assert second["commission"] == 10.0
    assert second["equity"] == 99_980.0
    first, *_ = rows_of(FLAT_MARKET, [LONG], commission_per_share=0.01, commission_minimum=25.0)
    assert first["commission"] == 25.0


def test_orders_are_whole_lots_and_so_is_each_part_of_one():
    (row,) = rows_of(FLAT_MARKET, [LONG], lot_size=300.0)
    assert row["quantity"] == 900.0
    thin = bars_of([100.0] * 6, [100.0] * 6, volume=5000.0)
    rows = rows_of(thin, [LONG] * 4, lot_size=300.0, participation=0.1)  # 500 units a bar at most
    assert [row["quantity"] for row in rows] == [300.0, 600.0, 900.0, 900.0]
    (row,) = rows_of(FLAT_MARKET, [SHORT], lot_size=300.0)
    assert row["quantity"] == -900.0


def test_cash_earns_interest_in_every_bar():
    rows = rows_of(FLAT_MARKET, [FLAT, FLAT], cash_interest=0.0504)
    assert rows[0]["equity"] == pytest.approx(100_000 * (1 + 0.0504 / YEAR))
    assert rows[1]["equity"] == pytest.approx(100_000 * (1 + 0.0504 / YEAR) ** 2)
    assert rows[0]["interest"] == pytest.approx(-20.0)


def test_funding_is_paid_by_what_is_long_to_what_is_short():
    (row,) = rows_of(FLAT_MARKET, [LONG], funding=0.252)
    assert row["equity"] == pytest.approx(100_000 - 100.0)
    (row,) = rows_of(FLAT_MARKET, [SHORT], funding=0.252)
    assert row["equity"] == pytest.approx(100_000 + 100.0)


def paying(bars, name, bar, value):
    """Returns the bars with an own column that is `value` in one that is played, and 0 elsewhere."""
    column = np.zeros(bars.close.shape)
    column[FIRST + 1 + bar] = value
    return replace(bars, own={name: column})


def test_a_dividend_is_paid_to_who_holds_the_asset_as_the_bar_opens():
    market = paying(bars_of([100.0, 98.0, 98.0], [100.0, 98.0, 98.0]), "div", 1, 2.0)
    held = rows_of(market, [LONG, LONG], dividends="div")
    assert [row["equity"] for row in held] == [100_000.0, 100_000.0]  # 1,000 units lost 2 and got 2
    short = rows_of(market, [SHORT, SHORT], dividends="div")
    assert [row["equity"] for row in short] == [100_000.0, 100_000.0]
    late = rows_of(market, [FLAT, LONG, LONG], dividends="div")  # bought at the open of the bar that pays
    assert late[1]["equity"] == pytest.approx(100_000.0)
    assert late[1]["interest"] == 0.0
    sold = rows_of(market, [LONG, FLAT], dividends="div")  # sold at that open: held as it opened
    assert sold[1]["equity"] == 100_000.0


def test_funding_of_a_column_is_a_share_of_the_value_in_that_bar():
    market = paying(FLAT_MARKET, "rate", 1, 0.001)
    rows = rows_of(market, [LONG, LONG, LONG], funding_column="rate")
    assert [row["equity"] for row in rows] == pytest.approx([100_000.0, 99_900.0, 99_900.0])


# ---- stop orders


@pytest.mark.parametrize(
    ("action", "opens", "closes", "highs", "lows", "equity"),
    [
        (LONG, [100, 99], [100, 99], [None, None], [None, 95], [100_000, 95_000]),  # touched: at 95
        (LONG, [100, 99], [100, 99], [None, None], [None, 95.1], [100_000, 99_000]),  # not touched
        (LONG, [100, 92], [100, 97], [None, None], [None, 91], [100_000, 92_000]),  # a gap: at the open
        (SHORT, [100, 101], [100, 101], [None, 105], [None, None], [100_000, 95_000]),
        (SHORT, [100, 107], [100, 101], [None, None], [None, None], [100_000, 93_000]),
        (LONG, [100, 99], [96, 99], [None, None], [94, None], [95_000, 95_000]),  # in the bar of the purchase
    ],
)
def test_a_stop_loss_closes_at_its_level_or_at_a_worse_open(action, opens, closes, highs, lows, equity):
    market = with_ranges(bars_of(list(map(float, opens)), list(map(float, closes))), highs, lows)
    rows = rows_of(market, [action], stop_loss=0.05)
    env = play_from_start(market, **FREE, stop_loss=0.05)
    env.reset(seed=0)
    rows = []
    for k in range(2):
        env.step(action if k == 0 else (FLAT if rows[0]["quantity"] == 0 else action))
        rows.append(env.get_state()[0])
    assert [row["equity"] for row in rows] == pytest.approx(equity)
    assert rows[-1]["liquidations"] == 0


def test_after_a_stop_nothing_is_held_until_the_next_decision_buys_again():
    market = with_ranges(bars_of([100.0, 99.0, 99.0], [100.0, 96.0, 99.0]), [], [None, 95.0])
    rows = rows_of(market, [LONG, LONG, LONG], stop_loss=0.05)
    assert [row["quantity"] for row in rows[:2]] == [1000.0, 0.0]
    assert rows[2]["quantity"] == pytest.approx(95_000 / 96)
    assert [row["trades"] for row in rows] == [1, 2, 3]


def test_a_take_profit_closes_at_its_level_or_at_a_better_open_and_a_stop_of_the_same_bar_comes_first():
    market = with_ranges(bars_of([100.0, 101.0], [100.0, 103.0]), [None, 111.0], [None, 101.0])
    rows = rows_of(market, [LONG, LONG], take_profit=0.1)
    assert rows[1]["equity"] == pytest.approx(110_000.0)
    assert rows[1]["quantity"] == 0.0
    gap = bars_of([100.0, 112.0], [100.0, 105.0])
    assert rows_of(gap, [LONG, LONG], take_profit=0.1)[1]["equity"] == pytest.approx(112_000.0)
    both = with_ranges(market, [None, 111.0], [None, 94.0])
    rows = rows_of(both, [LONG, LONG], take_profit=0.1, stop_loss=0.05)
    assert rows[1]["equity"] == pytest.approx(95_000.0)


def test_the_margin_is_called_before_a_stop_that_lies_behind_it():
    # Short 1,000 at 100 with cash 200,000: called at 160 (0.25); a stop at 150 comes before, one at 190 not.
    market = with_ranges(bars_of([100.0, 101.0], [100.0, 101.0]), [None, 195.0], [])
    early = rows_of(market, [SHORT, SHORT], stop_loss=0.5, maintenance=0.25)[1]
    assert (early["equity"], early["liquidations"]) == (50_000.0, 0)
    late = rows_of(market, [SHORT, SHORT], stop_loss=0.9, maintenance=0.25)[1]
    assert (late["equity"], late["liquidations"]) == (40_000.0, 1)


def test_a_stop_pays_what_any_trade_does():
    market = with_ranges(bars_of([100.0, 99.0], [100.0, 99.0]), [], [None, 90.0])
    rows = rows_of(market, [LONG, LONG], stop_loss=0.05, commission_bps=10.0)
    assert rows[1]["commission"] == pytest.approx(1000 * 95 * 0.001)


# ---- the portfolio


def pair(first, second, **own):
    """Returns the bars of two assets on one clock."""
    columns = {name: np.hstack([getattr(one, name) for one in (first, second)]) for name in COLUMNS}
    return Bars(first.times, ("A", "B"), **columns, periods_per_year=252.0, own=own)


def portfolio(bars, **options):
    rows = len(bars) - WARM_UP
    defaults = {
        "window": WINDOW,
        "episode_bars": None,
        "test_share": 1.0 / rows,
        "purge": 0,
        "weights": "shorts",
    }
    env = PortfolioEnv(market=bars, **{**FREE, **defaults, **options})
    env.reset(seed=0)
    return env


def test_a_portfolio_stops_each_asset_by_itself():
    falling = with_ranges(bars_of([100.0, 99.0], [100.0, 99.0]), [], [None, 94.0])
    rising = with_ranges(bars_of([50.0, 51.0], [50.0, 52.0], before=50.0), [None, 56.0], [])
    env = portfolio(pair(falling, rising), stop_loss=0.05, take_profit=0.1, lot_size=100.0)
    for action in ([0.5, 0.5], [0.5, 0.5]):
        env.step(np.array(action, np.float32))
    row = env.get_state()[0]
    assert row["quantity"][:2].tolist() == [0.0, 0.0]
    assert row["equity"] == pytest.approx(100_000 - 500 * 5 + 1000 * 5)  # at 95, at 55


def test_dividends_and_funding_are_each_assets_own():
    market = pair(bars_of([100.0] * 3, [100.0] * 3), bars_of([50.0] * 3, [50.0] * 3, before=50.0))
    dividends, rates = np.zeros((len(market), 2)), np.zeros((len(market), 2))
    dividends[FIRST + 2], rates[FIRST + 2] = [1.0, 2.0], [0.01, 0.0]
    market = replace(market, own={"div": dividends, "rate": rates})
    env = portfolio(market, dividends="div", funding_column="rate")
    for _ in range(2):
        env.step(np.array([0.5, -0.5], np.float32))
    assert env.get_state()[0]["equity"] == pytest.approx(100_000 + 500 * 1 - 1000 * 2 - 0.01 * 50_000)


DELISTED_AFTER = 3


def ending_csv(tmp_path, last=100.0):
    """A file of two assets of which B has no bar after the 24th day, and pays a dividend on that day."""
    lines = ["Date,Ticker,Open,High,Low,Close,Volume,Dividends"]
    for day in range(30):
        date = np.datetime64("2024-01-01") + day + 2 * (day // 5)
        lines.append(f"{date},A,50,50,50,50,1000000,")
        if day <= FIRST + DELISTED_AFTER:
            lines.append(f"{date},B,{last},{last},{last},{last},1000000,{1 if day == FIRST + 3 else ''}")
    path = tmp_path / "two.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("recovery", "equity"), [(1.0, 100_500), (0.4, 70_500), (0.0, 50_500)])
def test_a_delisted_asset_is_paid_out_at_its_recovery_and_is_not_traded_any_more(tmp_path, recovery, equity):
    options = {"load": {"gaps": "fill"}, "dividends": "Dividends", "delisting": recovery, "window": WINDOW}
    env = PortfolioEnv(
        market=ending_csv(tmp_path),
        **{**FREE, **options},
        episode_bars=6,
        test_share=0.1,
        purge=0,
        weights="shorts",
    )
    rows = []

    def act(_):
        return np.array([0.0, 0.5], np.float32)

    episode, _ = record_episode(env, act, seed=0)
    start = env.get_state()[0]["start"]
    assert start == WINDOW - 1
    env.reset(seed=0)
    for _ in range(6):
        env.step(act(None))
        rows.append(env.get_state()[0])
    # 500 units of B from the first bar on, a dividend of 1 in the third, the end after that
    assert [row["quantity"][1] for row in rows] == pytest.approx([500, 500, 500, 0, 0, 0])
    assert rows[-1]["equity"] == pytest.approx(equity)
    assert episode.traded[4, 1] == pytest.approx(-500)
    assert episode.fills[4, 1] == pytest.approx(100 * recovery)
    assert episode.equity[-1] == pytest.approx(equity)


def test_a_bar_that_is_filled_pays_no_dividend_and_the_last_bar_of_an_asset_is_known(tmp_path):
    bars = load_bars(ending_csv(tmp_path), gaps="fill", own=["delisted"], amounts=["Dividends"])
    paid, gone = bars.own["Dividends"][:, 1], bars.own["delisted"]
    assert np.flatnonzero(paid).tolist() == [FIRST + 3]
    assert np.flatnonzero(gone[:, 1]).tolist() == list(range(FIRST + DELISTED_AFTER + 1, 30))
    assert not gone[:, 0].any()
    weeks = resample(bars, "week", periods_per_year=52, amounts=["Dividends"])
    assert weeks.own["Dividends"][:, 1].sum() == 1.0


# ---- all together


def test_with_everything_at_once_rewards_are_still_the_growth_of_equity():
    bars = random_bars(4, 60)
    random = np.random.default_rng(0)
    own = {"div": random.random(bars.close.shape), "rate": random.normal(0, 1e-3, bars.close.shape)}
    options = {
        **{"commission_per_share": 0.01, "lot_size": 7.0, "stop_loss": 0.03, "take_profit": 0.04},
        **{"cash_interest": 0.03, "dividends": "div", "funding_column": "rate"},
    }
    env = play_from_start(replace(bars, own=own), **options)
    env.reset(seed=0)
    total, ended = 0.0, False
    while not ended:
        before = env.get_state()[0]["equity"]
        _, reward, terminated, truncated, info = env.step(int(random.integers(3)))
        row, ended = env.get_state()[0], terminated or truncated
        total += reward
        assert row["quantity"] % 7.0 == pytest.approx(0.0, abs=1e-9)
        assert reward == pytest.approx(math.log(row["equity"] / before), abs=1e-5)
        assert reward == pytest.approx(sum(info["reward_terms"].values()), abs=1e-6)
    assert total == pytest.approx(math.log(row["equity"] / 100_000.0), abs=1e-4)
    assert row["trades"] > 20


@pytest.mark.parametrize(
    "options", [{"cash_interest": 0.1}, {"funding": -0.1}, {"stop_loss": 0.1}, {"take_profit": 0.1}]
)
def test_hindsight_is_not_computed_where_it_would_be_no_bound(options):
    env = play_from_start(FLAT_MARKET, **{**FREE, **options})
    env.reset(seed=0)
    with pytest.raises(ValueError, match="the optimum is not computed"):
        hindsight_growth(env.setup, env.get_state())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"funding": 0.1, "funding_column": "rate"},
            "funding=0.1 and funding_column='rate' are two rates for the same",
        ),
        ({"dividends": "div"}, "dividends='div' is about files, and market='simulated' has none"),
        ({"delisting": 0.5}, "delisting=0.5 is about files, and market='simulated' has none"),
        (
            {"market": "x.csv", "dividends": "div", "load": {"adjust": "adj_close"}},
            "dividends='div' are in the prices already with load adjust='adj_close'; say adjust='none'",
        ),
        ({"market": FLAT_MARKET, "dividends": "div"}, "the bars have no own column 'div'; they have none"),
        (
            {"market": FLAT_MARKET, "lot_size": 2000.0},
            "lot_size=2000 of X, whose lowest close is 100, is more than capital=",
        ),
        ({"stop_loss": 1.5}, r"stop_loss=1.5 is out of range: use a number in \[0, 0.99\]"),
        (
            {"load": {"amounts": ["x"]}, "market": "x.csv"},
            "load: amounts is an argument of the world itself: give dividends=",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_a_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        SingleAssetEnv(**options)
    assert "\n" not in str(error.value)
