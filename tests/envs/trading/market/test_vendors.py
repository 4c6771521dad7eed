"""The forms in which vendors and packages write bars: headers, names of assets, files in parts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quadrivium.envs.trading.market.bars import COLUMNS
from quadrivium.envs.trading.market.load import load_bars
from tests.envs.trading.market.test_plausible import walk

FRAMES = {name: walk(30, seed=k) for k, name in enumerate(("LOW", "005930.KS", "BRK-B"))}


def stacked(first: str) -> pd.DataFrame:
    """Returns the frames side by side as yfinance does, the fields or the tickers first."""
    frame = pd.concat({name: one.rename(columns=str.title) for name, one in FRAMES.items()}, axis=1)
    frame.columns.names = ["Ticker", "Price"]
    frame.index.name = "Date"
    return frame if first == "Ticker" else frame.swaplevel(axis=1).sort_index(axis=1)


@pytest.mark.parametrize("first", ["Price", "Ticker"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_headers_of_two_levels_keep_the_names_of_assets(
    tmp_path: Path, first: str, named: bool, kind: str
) -> None:
    frame = stacked(first)
    if not named:
        frame.columns.names, frame.index.name = [None, None], None
    path = tmp_path / f"x.{kind}"
    frame.to_csv(path) if kind == "csv" else frame.to_parquet(path)
    bars = load_bars(path, columns=None if named or kind == "csv" else {"time": ""})
    assert set(bars.symbols) == set(FRAMES)
    for n, name in enumerate(bars.symbols):
        for column in COLUMNS:
            np.testing.assert_allclose(getattr(bars, column)[:, n], FRAMES[name][column], rtol=1e-12)


@pytest.mark.parametrize("form", ["{symbol}_{field}", "{field} {symbol}", "{symbol}.{field}"])
def test_flat_wide_names_keep_the_names_of_assets(tmp_path: Path, form: str) -> None:
    frames = {
        name: one.rename(columns=lambda f, s=name: form.format(symbol=s, field=f))
        for name, one in FRAMES.items()
    }
    path = tmp_path / "x.csv"
    pd.concat(frames.values(), axis=1).to_csv(path, index_label="date")
    assert load_bars(path).symbols == tuple(FRAMES)


def test_two_columns_for_one_field_of_an_asset_are_refused_and_the_remedy_works(tmp_path: Path) -> None:
    frame = walk(30)
    path = tmp_path / "x.csv"
    frame.assign(last=(frame["low"] + frame["close"]) / 2).add_prefix("A_").to_csv(path, index_label="date")
    with pytest.raises(
        ValueError, match=r"'A_close' and 'A_last' could both be the close of A; choose with columns="
    ):
        load_bars(path)
    np.testing.assert_allclose(load_bars(path, columns={"close": "close"}).close[:, 0], frame["close"])
    assert load_bars(path, columns={"close": "last"}).close[0, 0] != frame["close"].iloc[0]


@pytest.mark.parametrize("label", ["tic", "Ticker", "Name", "ts_code", "Wertpapier"])
def test_the_column_that_names_the_asset_is_known_or_proposed(tmp_path: Path, label: str) -> None:
    """A column that nobody knows is named by what tells rows of the same time apart; none is thrown away."""
    rows = pd.concat([one.assign(**{label: name, "day": one.index.weekday}) for name, one in FRAMES.items()])
    path = tmp_path / "x.csv"
    rows.sort_index().to_csv(path, index_label="date")
    if label == "Wertpapier":
        with pytest.raises(ValueError, match=r"is it 'Wertpapier'\? say columns=\{'symbol': 'Wertpapier'\}"):
            load_bars(path)
    columns = {"symbol": label} if label == "Wertpapier" else None
    assert set(load_bars(path, columns=columns).symbols) == set(FRAMES)


@pytest.mark.parametrize("times", ["%Y-%m-%d %H:%M", "ms"])
def test_a_file_without_header_says_so_and_loads_with_names(tmp_path: Path, times: str) -> None:
    frame = walk(30, start="2024-01-01", freq="h")
    index = frame.index.as_unit("ms").asi8 if times == "ms" else frame.index.strftime(times)
    path = tmp_path / "BTCUSDT-1h-2024-01.csv"
    frame.set_axis(index, axis=0).to_csv(path, header=False)
    with pytest.raises(ValueError, match=r"the first line is data \(.*\), a header is missing; .* names="):
        load_bars(path, periods_per_year=8760)
    bars = load_bars(path, names=["time", *COLUMNS], periods_per_year=8760)
    np.testing.assert_allclose(bars.close[:, 0], frame["close"])  # the first bar too


def test_numeric_tickers_keep_their_zeros(tmp_path: Path) -> None:
    rows = pd.concat(
        [one.assign(code=name) for name, one in zip(("000001", "600519"), FRAMES.values(), strict=False)]
    )
    rows.to_csv(tmp_path / "x.csv", index_label="date")
    assert load_bars(tmp_path / "x.csv", symbols=["000001"]).symbols == ("000001",)
    assert load_bars(tmp_path / "x.csv", symbols=[600519]).symbols == ("600519",)  # pyright: ignore[reportArgumentType]


def test_a_folder_or_a_pattern_is_a_file_an_asset_or_parts_of_one(tmp_path: Path) -> None:
    assets, parts = tmp_path / "assets", tmp_path / "parts"
    assets.mkdir()
    parts.mkdir()
    for name, frame in FRAMES.items():
        frame.to_csv(assets / f"{name}.csv", index_label="date")
    (assets / "readme.md").write_text("no market")
    assert set(load_bars(assets).symbols) == set(FRAMES)
    assert load_bars(str(assets / "BRK*")).symbols == ("BRK-B",)
    frame = walk(60)
    for k in (1, 0):
        frame.iloc[30 * k : 30 * k + 30].to_csv(parts / f"coin-{k}.csv", index_label="date")
    with pytest.raises(ValueError, match=r"if the files are parts of one asset, say asset='coin-0'"):
        load_bars(parts)
    bars = load_bars(parts, asset="COIN")
    assert bars.symbols == ("COIN",)
    np.testing.assert_allclose(bars.close[:, 0], frame["close"])
    frame.iloc[29:31].to_csv(parts / "coin-2.csv", index_label="date")
    with pytest.raises(ValueError, match="COIN is also in"):
        load_bars(parts, asset="COIN")


def test_own_columns_of_numbers_come_along(tmp_path: Path) -> None:
    """One asset's from the wide form, and one that is every asset's."""
    frames = {
        name: one.assign(mood=np.arange(30.0) * (k + 1)) for k, (name, one) in enumerate(FRAMES.items())
    }
    wide = pd.concat([one.add_prefix(f"{name}_") for name, one in frames.items()], axis=1).assign(rate=2.5)
    wide.to_csv(tmp_path / "x.csv", index_label="date")
    bars = load_bars(tmp_path / "x.csv", own=["mood", "rate"])
    np.testing.assert_array_equal(bars.own["mood"], np.arange(30.0)[:, None] * [1, 2, 3])
    np.testing.assert_array_equal(bars.own["rate"], np.full((30, 3), 2.5))
    assert bars.slice(3, 5).own["mood"].shape == (2, 3)
    with pytest.raises(ValueError, match=r"no column for the feature 'moo' .*did you mean 'mood'|moo"):
        load_bars(tmp_path / "x.csv", own=["moo"])
