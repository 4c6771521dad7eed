"""Pictures, tear sheets, order tables and their replay in a backtester that is not ours."""

import gymnasium
import numpy as np
import pytest
from matplotlib import image

import quadrivium  # noqa: F401 (registers the id)
from quadrivium.envs.trading.episodes.episode import Episode, chained
from quadrivium.envs.trading.episodes.export import orders_table, replay
from quadrivium.envs.trading.episodes.metrics import episode_metrics
from quadrivium.envs.trading.episodes.record import record_episode
from quadrivium.envs.trading.episodes.report import episode_figure, save_picture, save_tear_sheet
from quadrivium.envs.trading.market.bars import Bars

DAY = np.datetime64("2024-01-01", "ns")


def random_bars(seed, count):
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    opened = close * np.exp(rng.normal(0, 0.005, count))
    columns = (opened, np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99, close)
    times = DAY + np.arange(count) * np.timedelta64(1, "D")
    volume = np.ones((count, 1))
    return Bars(times, ("asset",), *(one[:, None] for one in columns), volume, periods_per_year=252)


def traded_episode(bars, orders, fee, capital=100_000.0):
    """An episode of orders (bars,), decided on a bar and filled at the next open; an independent ledger."""
    count = len(bars)
    cash, units = capital, 0.0
    equity, holdings, costs = [capital], [0.0], [0.0]
    traded = np.concatenate([[0.0], orders[:-1]])
    for bar in range(1, count):
        price = bars.open[bar, 0]
        paid = fee * abs(traded[bar]) * price
        cash -= traded[bar] * price + paid
        units += traded[bar]
        equity.append(cash + units * bars.close[bar, 0])
        holdings.append(units)
        costs.append(paid)
    arrays = [np.array(one) for one in (equity, holdings, costs)]
    return Episode(
        bars.times, arrays[0], bars.close, arrays[1], traded, bars.open, arrays[2], periods_per_year=252
    )


def test_an_order_table_has_a_row_an_order_with_its_bars_and_costs():
    bars = random_bars(0, 5)
    table = orders_table(traded_episode(bars, np.array([0.0, 10.0, 0.0, -4.0, 0.0]), fee=0.01))
    assert table["quantity"].tolist() == [10.0, -4.0]
    assert table["decided"].tolist() == [bars.times[1], bars.times[3]]
    assert table["filled"].tolist() == [bars.times[2], bars.times[4]]
    assert table["price"].tolist() == [bars.open[2, 0], bars.open[4, 0]]
    assert table["costs"].tolist() == pytest.approx([0.1 * bars.open[2, 0], 0.04 * bars.open[4, 0]])


@pytest.mark.parametrize("fee", [0.0, 0.001])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_orders_give_the_same_equity_in_backtesting(seed, fee):
    bars = random_bars(seed, 120)
    rng = np.random.default_rng(seed)
    orders = np.where(rng.random(120) < 0.4, np.round(rng.normal(0, 300, 120), 2), 0.0)
    orders[0], orders[-1] = 125.5, 0.0  # the first bar counts, the last has no open after it
    episode = traded_episode(bars, orders, fee)
    told = replay(orders_table(episode), bars, cash=100_000.0, commission=fee)
    assert told == pytest.approx(episode.equity, abs=1e-2)
    assert np.ptp(episode.equity) > 1000


def test_the_world_of_one_asset_agrees_with_backtesting_order_by_order():
    costs = {"half_spread_bps": 2.0, "commission_bps": 3.0, "impact": 0.0, "financing": 0.0, "borrow": 0.0}
    env = gymnasium.make("quadrivium/SingleAsset-v0", scenarios=4, episode_bars=100, **costs)
    env.action_space.seed(5)
    episode, bars = record_episode(env, lambda _: env.action_space.sample(), seed=4)
    table = orders_table(episode)
    assert len(table) > 30
    told = replay(table, bars, cash=episode.equity[0], commission=5e-4)
    assert told == pytest.approx(episode.equity, rel=1e-7)


def test_a_recorded_episode_adds_up():
    env = gymnasium.make("quadrivium/SingleAsset-v0", scenarios=4, episode_bars=60)
    env.action_space.seed(1)
    episode, bars = record_episode(env, lambda _: env.action_space.sample(), seed=1)
    units, price, fill = (one[:, 0] for one in (episode.holdings, episode.prices, episode.fills))
    earned = units[:-1] * (fill[1:] - price[:-1]) + units[1:] * (price[1:] - fill[1:])
    assert np.diff(episode.equity) == pytest.approx(earned - episode.costs[1:], abs=1e-6)
    assert len(bars) == len(episode) + 1 == 61
    assert episode_metrics(episode)["total_return"] == pytest.approx(
        episode.equity[-1] / episode.equity[0] - 1
    )


def test_an_order_that_does_not_fit_the_bars_is_refused_in_one_line():
    bars = random_bars(0, 6)
    table = orders_table(traded_episode(bars, np.array([0.0, 10, 0, 0, 0, 0]), fee=0.0))
    with pytest.raises(ValueError, match="no bar that another follows"):
        replay(table, bars.slice(3, 6), cash=1e5)
    with pytest.raises(ValueError, match="a liquidation within a bar cannot be replayed"):
        replay(table.assign(price=1.0), bars, cash=1e5)
    with pytest.raises(ValueError, match="an order is for 'other'"):
        replay(table.assign(symbol="other"), bars, cash=1e5)


@pytest.mark.parametrize("weights", ["softmax", "shorts"])
def test_a_recorded_portfolio_adds_up_with_its_liquidations(weights):
    leverage = {"leverage": 3.9, "maintenance": 0.25} if weights == "shorts" else {}
    market = {"assets": 2, "scenarios": 4, "episode_bars": 60, "simulator": {"volatility": 0.8}}
    env = gymnasium.make("quadrivium/Portfolio-v0", weights=weights, band=0.0, **market, **leverage)
    env.action_space.seed(3)
    episode, bars = record_episode(env, lambda _: env.action_space.sample(), seed=2)
    assert (episode.symbols, bars.symbols) == (("ASSET1", "ASSET2"),) * 2
    liquidations = env.unwrapped.get_state()["liquidations"][0]
    assert (liquidations > 0) == (weights == "shorts")
    spent = (episode.traded * episode.fills).sum(axis=1) + episode.costs
    cash = episode.equity - (episode.holdings * episode.prices).sum(axis=1)
    # What was bought and liquidated within one bar left no order: only there may cash and orders differ.
    differ = np.abs(np.diff(cash) + spent[1:]) > 1e-6
    assert differ.sum() <= liquidations
    assert (episode.fills != bars.open).any(axis=1).sum() <= liquidations


def test_chained_episodes_go_on_with_the_wealth_that_there_is():
    bars = random_bars(1, 21)
    parts = [traded_episode(bars.slice(a, a + 11), np.eye(11)[2] * 30.0, fee=0.01) for a in (0, 10)]
    whole = chained(parts)
    assert len(whole) == 20
    assert whole.equity[0] == 100_000
    assert whole.returns == pytest.approx(np.concatenate([part.returns for part in parts]))
    assert whole.turnover[10:] == pytest.approx(parts[1].turnover)
    assert whole.cost_shares[10:] == pytest.approx(parts[1].cost_shares)
    assert whole.exposure[11:] == pytest.approx(parts[1].exposure[1:])
    with pytest.raises(ValueError, match="before one ends; give them in order"):
        chained(parts[::-1])
    with pytest.raises(ValueError, match="no episodes to chain"):
        chained([])


def test_what_is_no_world_over_bars_is_not_recorded():
    with pytest.raises(ValueError, match="is no world over bars"):
        record_episode(gymnasium.make("CartPole-v1"), lambda _: 0)


def test_a_picture_shows_four_panels_with_the_episodes_numbers(tmp_path):
    bars = random_bars(3, 50)
    orders = np.zeros(50)
    orders[[2, 20]] = 500.0, -900.0
    episode = traded_episode(bars, orders, fee=0.002)
    figure = episode_figure(episode, "an episode")
    names = [axis.get_title(loc="left") for axis in figure.axes]
    assert names == ["equity", "drawdown", "position by equity", "costs so far"]
    assert figure.axes[0].lines[1].get_ydata() == pytest.approx(episode.equity)
    assert figure.axes[3].lines[0].get_ydata()[-1] == pytest.approx(episode.costs.sum())
    assert figure.get_suptitle().startswith("an episode\nreturn ")
    picture = image.imread(save_picture(episode, tmp_path / "pictures" / "episode.png"))
    assert picture.shape[:2] == (960, 1080)
    assert picture[..., :3].std() > 0.05


def test_a_tear_sheet_is_a_page_with_the_title(tmp_path):
    pytest.importorskip("quantstats")
    bars = random_bars(3, 120)
    orders = np.zeros(120)
    orders[[2, 60]] = 1000.0, -1500.0
    page = save_tear_sheet(traded_episode(bars, orders, fee=0.001), tmp_path / "sheet.html", "A tear sheet")
    text = page.read_text()
    assert "A tear sheet" in text
    assert "<svg" in text
    with pytest.raises(ValueError, match="4 days are too few for a tear sheet"):
        save_tear_sheet(traded_episode(bars.slice(0, 5), orders[:5], fee=0.0), tmp_path / "short.html")
