"""Bars from trades: by hand, beside a plain loop, and causal."""

import numpy as np
import pytest

from quadrivium.envs.trading.market.load import load_bars
from quadrivium.envs.trading.single_asset.env import SingleAssetEnv

HAND = [  # time, price, size
    ("2024-01-02T09:00:10", 100, 4),
    ("2024-01-02T09:00:50", 102, 3),
    ("2024-01-02T09:01:00", 101, 5),
    ("2024-01-02T09:01:00", 99, 1),
    ("2024-01-02T09:02:30", 98, 20),
    ("2024-01-02T09:02:31", 103, 2),
    ("2024-01-02T09:03:00", 104, 6),
]


def written(path, trades, header="time,price,amount"):
    path.write_text("\n".join([header, *(",".join(map(str, trade)) for trade in trades)]) + "\n")
    return path


def rows(bars):
    """[(seconds after nine, open, high, low, close, volume)] of the one asset."""
    seconds = (bars.times - np.datetime64("2024-01-02T09:00", "ns")) / np.timedelta64(1, "s")
    columns = (getattr(bars, name)[:, 0] for name in ("open", "high", "low", "close", "volume"))
    return [tuple(map(float, row)) for row in zip(seconds, *columns, strict=True)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("1min", [(0, 100, 102, 100, 102, 7), (60, 101, 101, 99, 99, 6), (120, 98, 103, 98, 103, 22)]),
        # 4 + 3 + 5 reach 10 at the third trade; 1 + 20 at the fifth; 2 + 6 do not
        ("volume=10", [(10, 100, 102, 100, 101, 12), (60, 99, 99, 98, 98, 21)]),
        # 400 + 306 and 505 reach 700 and 500: 706; 505 + 99 + 1960; 206 + 624
        (
            "dollars=700",
            [(10, 100, 102, 100, 102, 7), (60, 101, 101, 98, 98, 26), (151, 103, 104, 103, 104, 8)],
        ),
        ("trades=3", [(10, 100, 102, 100, 101, 12), (60, 99, 103, 98, 103, 23)]),
    ],
)
def test_bars_by_hand(tmp_path, rule, expected):
    bars = load_bars(written(tmp_path / "x.csv", HAND), trades=rule, periods_per_year=252)
    assert rows(bars) == expected
    assert bars.symbols == ("x",)


def random_trades(seed, count=400):
    random = np.random.default_rng(seed)
    times = np.datetime64("2024-01-02T09:00", "ns") + np.cumsum(
        random.integers(0, 4, count)
    ) * np.timedelta64(1, "s")
    prices = np.round(100 * np.exp(np.cumsum(random.normal(0, 1e-3, count))), 2)
    return [(str(t), p, s) for t, p, s in zip(times, prices, random.integers(1, 50, count), strict=True)]


def plain(trades, weigh, size):
    """Bars of a plain loop over the trades: [(first time, open, high, low, close, volume)]."""
    found, bar, total = [], [], 0.0
    for time, price, amount in trades:
        bar.append((time, price, amount))
        total += weigh(price, amount)
        if total >= size:
            prices = [p for _, p, _ in bar]
            found.append(
                (bar[0][0], prices[0], max(prices), min(prices), prices[-1], sum(s for *_, s in bar))
            )
            bar, total = [], 0.0
    return found


@pytest.mark.parametrize(
    ("rule", "weigh", "size"),
    [
        ("volume=321", lambda _, s: s, 321),
        ("dollars=40000", lambda p, s: p * s, 40_000),
        ("trades=7", lambda *_: 1, 7),
    ],
)
def test_bars_are_those_of_a_plain_loop(tmp_path, rule, weigh, size):
    for seed in range(5):
        trades = random_trades(seed)
        bars = load_bars(written(tmp_path / f"{seed}.csv", trades), trades=rule, periods_per_year=252)
        expected = plain(trades, weigh, size)
        assert len(bars) == len(expected) > 10
        for row, one, time in zip(rows(bars), expected, bars.times, strict=True):
            assert row[1:] == pytest.approx(one[1:])
            assert abs(time - np.datetime64(one[0], "ns")) < np.timedelta64(400, "ns")  # trades of one second
        assert (np.diff(bars.times) > np.timedelta64(0)).all()


@pytest.mark.parametrize("rule", ["10s", "volume=100", "dollars=20000", "trades=9"])
def test_no_bar_knows_a_later_trade(tmp_path, rule):
    trades, options = random_trades(9), {"trades": rule, "periods_per_year": 252, "gaps": "fill"}
    whole = load_bars(written(tmp_path / "whole.csv", trades), **options)
    last = np.datetime64(trades[-1][0], "ns")
    for count in (60, 61, 200, 333):
        part = load_bars(written(tmp_path / "part.csv", trades[:count]), **options)
        n = len(part)
        for name in ("open", "high", "low", "close", "volume"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[:n])
        assert np.array_equal(part.times, whole.times[:n])
        now = np.datetime64(trades[count][0], "ns")
        known = whole.times[1:] <= min(now, last)  # bars whose next one has opened
        assert n >= known.sum() - 1


def test_trades_of_a_day_a_file_make_bars_across_midnight_and_of_several_assets_on_one_clock(tmp_path):
    early = [("2024-01-02T23:59:50", 10, 1), ("2024-01-02T23:59:59", 11, 1)]
    late = [("2024-01-03T00:00:01", 12, 1), ("2024-01-03T00:00:09", 13, 1)]
    files = [written(tmp_path / f"{k}.csv", part) for k, part in enumerate((early, late))]
    bars = load_bars(files, trades="trades=3", asset="A", periods_per_year=252)
    assert bars.symbols == ("A",)
    assert bars.close.tolist() == [[12.0]]
    both = [(f"2024-01-02T09:0{k}:00", name, 10 + k, 1) for k in range(4) for name in ("A", "B")]
    long = written(tmp_path / "long.csv", both, "time,symbol,price,qty")
    bars = load_bars(long, trades="1min", periods_per_year=252)
    assert bars.symbols == ("A", "B")
    assert bars.close.tolist() == [[10, 10], [11, 11], [12, 12]]


def test_bars_by_volume_are_counted_for_a_year_and_a_world_plays_them(tmp_path):
    random = np.random.default_rng(0)
    times = np.datetime64("2024-01-01", "s") + np.sort(random.integers(0, 14 * 86_400, 3000))
    trades = [(t, round(100 + 0.01 * k, 2), 5) for k, t in enumerate(times)]
    path = written(tmp_path / "x.csv", trades)
    bars = load_bars(path, trades="volume=50")
    assert len(bars) == 300
    assert bars.periods_per_year == pytest.approx(300 * 365.25 / 14, rel=0.02)
    env = SingleAssetEnv(market=path, load={"trades": "volume=50"}, episode_bars=20, window=2)
    env.reset(seed=0)
    assert len(env.setup.source.bars[0]) > 150


@pytest.mark.parametrize(
    ("trades", "options", "message"),
    [
        (HAND, {"trades": "weekly"}, "trades='weekly' makes no bars; write 5min or 1h, volume=1e4"),
        (HAND, {"trades": "volume=-3"}, "trades='volume=-3' makes no bars"),
        (HAND, {"trades": "trades=2.5"}, "trades='trades=2.5' makes no bars"),
        (HAND, {"trades": "volume=1e9"}, r"x.csv: 7 trades of x make no whole bar; use shorter ones"),
        (
            HAND,
            {"trades": "1min", "label": "close"},
            "label='close' is about files of bars, and trades='1min'",
        ),
        (HAND, {"trades": "volume=5", "periods_per_year": None}, "give periods_per_year"),
        ([*HAND, ("2024-01-02T09:00:00", 1, 1)], {}, r"x.csv:9: time 2024-01-02T09:00:00 of x comes after"),
        ([*HAND, ("2024-01-02T09:04:00", 0, 1)], {}, r"x.csv:9: price=0 of x: a price is positive"),
        (
            [*HAND, ("2024-01-02T09:04:00", 1, 1e308)],
            {},
            r"x.csv:9: size=1e\+308 of x: numbers above 1e\+30 are",
        ),
        (  # the running total would stand still, and with it the search for the next bar
            [*HAND, ("2024-01-02T09:04:00", 104, 1e20)],
            {"trades": "volume=5"},
            r"x.csv:9: size=1e\+20 of x is more than 1e\+09 bars of volume=5 hold; mend or drop the row",
        ),
        ([*HAND, ("2024-01-02T09:04:00", 1, 0)], {}, r"x.csv:9: size=0 of x: a trade has a size above 0"),
        ([*HAND, ("2024-01-02T09:04:00", "", 1)], {}, r"x.csv:9: price=nan of x: a price is positive"),
        ([*HAND, ("2024-01-02T09:04:00", 900, 1), ("2024-01-02T09:05:00", 900, 1)], {}, "a factor of 8"),
        (HAND, {"columns": {"close": "price"}}, "columns: field='close' is unknown"),
    ],
)
def test_what_are_no_trades_is_refused_in_a_line(tmp_path, trades, options, message):
    options = {"trades": "1min", "periods_per_year": 252, **options}
    with pytest.raises(ValueError, match=message) as error:
        load_bars(written(tmp_path / "x.csv", trades), **options)
    assert "\n" not in str(error.value)


def test_a_file_without_sizes_and_one_of_bars_by_volume_of_two_assets_are_refused(tmp_path):
    path = written(tmp_path / "x.csv", [trade[:2] for trade in HAND], "time,price")
    with pytest.raises(ValueError, match="no column for size of the trades"):
        load_bars(path, trades="1min")
    both = [(t, name, p, s) for t, p, s in HAND for name in ("A", "B")]
    with pytest.raises(
        ValueError, match=r"of A, B have no times in common; load one of them with symbols=\['A'\]"
    ):
        load_bars(written(tmp_path / "y.csv", both, "time,symbol,price,size"), trades="volume=5")
