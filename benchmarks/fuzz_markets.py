"""Do market files, however broken, come to more than one line, or to numbers that no file has said?

    python benchmarks/fuzz_markets.py [--count 10000] [--seed 0] [--only csv parquet trades messages]

Right files are broken at random: characters changed, put in, taken out, doubled; lines moved; parts of two
files joined; numbers and words put in that break programs; single bytes changed; of Parquet also cells, types
and columns. Every one must be read, or refused by one line that says something. What is read must stand: each
price and each volume is a number that is written in the file. Prints how many were read and refused, and what
failed.
"""

import io
import re
import resource
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz import run_each

from quadrivium.envs.trading.limit_order_book.messages import load_messages
from quadrivium.envs.trading.limit_order_book.tape import tape_of
from quadrivium.envs.trading.market.load import load_bars

ROWS = 24
HARD = (
    *("", "0", "-1", "nan", "inf", "1e999", "1e-320", "1e308", "99999999999999999999", "0x10", "1_000", "+5"),
    *(
        ",",
        ";",
        "\t",
        '"',
        '""',
        "'",
        "\n",
        "\r",
        "\r\n",
        "\0",
        " ",
        ".",
        "-",
        "\ufeff",
        "é",
        "\u0663",
        "\uff11",
    ),
    *(
        "1,234",
        "1.5.2",
        "1e",
        "NULL",
        "N/A",
        "true",
        "2024-13-01",
        "1970-01-01",
        "9999-12-31",
        "2024-01-05T25:00",
    ),
    *("1704153600", "1704153600000", "time", "close", "volume", "symbol", "Adj Close", "$5", "5%", "(5)"),
)
ODD = (
    None,
    0,
    -1.5,
    float("nan"),
    float("inf"),
    1e300,
    "x",
    "7",
    "",
    True,
    b"5",
    [1.0],
    2**63 - 1,
    "2024-01-05",
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def walk(seed: int) -> pd.DataFrame:
    """Returns the bars of some days."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, ROWS))), 2)
    opened = np.round(np.append(100.0, close[:-1]), 2)
    high, low = np.round(np.maximum(opened, close) + 0.5, 2), np.round(np.minimum(opened, close) - 0.5, 2)
    times = pd.date_range("2024-01-02", periods=ROWS, freq="B", name="time")
    columns = {"open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame(columns | {"volume": rng.integers(100, 9999, ROWS)}, index=times)


def tables() -> list[tuple[pd.DataFrame, dict[str, Any]]]:
    """Returns right tables, and what they are loaded with."""
    one, two = walk(1), walk(2)
    long = pd.concat([one.assign(symbol="A"), two.assign(symbol="B")]).sort_index(kind="stable")
    wide = pd.concat([one.add_prefix("A_"), two.add_prefix("B_")], axis=1)
    adjusted = one.assign(**{"Adj Close": one["close"] * 0.5})
    own = one.assign(mood=np.arange(ROWS) / 7, Dividends=0.0)
    return [
        (one, {}),
        (long, {"symbols": ["B", "A"]}),
        (wide, {"gaps": "fill"}),
        (adjusted, {"adjust": "adj_close"}),
        (own, {"own": ["mood"], "amounts": ["Dividends"]}),
        (one.rename(index=lambda time: int(time.timestamp() * 1000)), {"sort": True}),
    ]


def csv_texts() -> list[tuple[str, dict[str, Any]]]:
    texts = [(table.to_csv(index_label="time"), options) for table, options in tables()]
    one = walk(3)
    comma = one.to_csv(sep=";", decimal=",", index_label="Datum", date_format="%d.%m.%Y")
    german = {"decimal": ",", "time_format": "%d.%m.%Y", "columns": {"time": "Datum"}}
    without = one.to_csv(header=False)
    tabs = one.assign(spread=2).to_csv(sep="\t", index_label="<DATE>", date_format="%Y.%m.%d")
    return [
        *texts,
        (comma, german),
        (without, {"names": ["time", "open", "high", "low", "close", "volume"]}),
        (tabs, {"time_format": "%Y.%m.%d"}),
        (stacked(), {}),
    ]


def stacked() -> str:
    """Returns yfinance's three header lines."""
    frame = pd.concat(
        {"A": walk(4).rename(columns=str.title), "B": walk(5).rename(columns=str.title)}, axis=1
    )
    frame.columns.names, frame.index.name = ["Ticker", "Price"], "Date"
    return frame.swaplevel(axis=1).sort_index(axis=1).to_csv()


def trade_texts() -> list[tuple[str, dict[str, Any]]]:
    rng = np.random.default_rng(0)
    lines = [f"2024-01-02T09:{k:02}:{k:02},{100 + rng.integers(9)},{1 + rng.integers(5)}" for k in range(50)]
    text = "\n".join(["time,price,amount", *lines]) + "\n"
    rules = ("5min", "volume=20", "dollars=2000", "trades=7")
    return [(text, {"trades": rule, "periods_per_year": 252, "gaps": "fill"}) for rule in rules]


def message_texts() -> list[tuple[str, dict[str, Any]]]:
    rows, lobster = ["time,type,order_id,side,shares,price,new_order_id"], []
    for k in range(20):
        side, price = (1, 9990 - k % 5) if k % 2 else (-1, 10010 + k % 5)
        rows.append(f"{34200 + k},A,{k},{'B' if side > 0 else 'S'},{100 + k},{price / 100},")
        lobster.append(f"{34200 + k},1,{k},{100 + k},{price * 100},{side}")
    rows += [
        "34230,X,3,,50,,",
        "34231,E,1,,20,,",
        "34232,D,5,,,,",
        "34233,U,7,,40,99.80,99",
        "34234,P,,S,5,100.05,",
    ]
    lobster += [
        "34230,2,3,50,998800,1",
        "34231,4,1,20,998900,1",
        "34232,3,5,105,999000,1",
        "34234,5,0,5,1000500,-1",
    ]
    return [("\n".join(rows) + "\n", {}), ("\n".join(lobster) + "\n", {})]


def broken(text: str, other: str, rng: np.random.Generator) -> bytes:
    """Returns the text, broken in one to three places."""
    for _ in range(rng.integers(1, 3)):
        a = int(rng.integers(0, len(text) + 1))
        b = a + int(rng.integers(1, 12))
        hard, lines = HARD[rng.integers(len(HARD))], text.split("\n")
        cells = re.split(r"([,;\t\n])", text)
        k = 2 * int(rng.integers((len(cells) + 1) // 2))
        i, j = rng.integers(len(lines), size=2)
        ways = [
            "".join([*cells[:k], hard, *cells[k + 1 :]]),  # another cell
            "".join([*cells[:k], cells[2 * int(rng.integers((len(cells) + 1) // 2))], *cells[k + 1 :]]),
            text[:a] + hard + text[b:],
            text[:a] + hard + text[a:],
            text[:a] + text[b:],  # taken out
            text[:b] + text[a:],  # doubled
            text[:a] + other[rng.integers(len(other)) :],
            text[:a] + chr(int(rng.integers(1, 0x250))) + text[a + 1 :],
            "\n".join([*lines[:i], lines[j], *lines[i:]]),
            "\n".join([*lines[:i], *lines[i + 1 :]]),
        ]
        text = ways[0 if rng.random() < 0.4 else rng.integers(len(ways))]
    data = text.encode(errors="replace")
    if rng.random() < 0.1 and data:
        at = int(rng.integers(len(data)))
        data = data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :]
    return data


def broken_parquet(table: pd.DataFrame, rng: np.random.Generator) -> tuple[bytes, pd.DataFrame | None]:
    """Returns a Parquet file, and the table in it where that is known."""
    table = table.reset_index()
    for _ in range(rng.integers(0, 3)):
        column = table.columns[rng.integers(len(table.columns))]
        way, row = rng.integers(7), int(rng.integers(len(table)))
        if way == 0:
            values = table[column].astype(object)
            values.iloc[row] = ODD[rng.integers(len(ODD))]
            table[column] = values
        elif way == 1:
            kinds = ("float32", "str", "object", "int64", "category", "datetime64[ns]", "bool")
            table[column] = attempted(table[column], kinds[rng.integers(len(kinds))])
        elif way == 2:
            table = table.drop(columns=column)
        elif way == 3:
            table = table.rename(columns={column: str(HARD[rng.integers(len(HARD))])})
        elif way == 4:
            table = pd.concat([table, table.iloc[[row]]], ignore_index=True)
        elif way == 5:
            table = table.sample(frac=1.0, random_state=int(rng.integers(2**31)))
        elif pd.api.types.is_numeric_dtype(table[column]) and table[column].dtype != bool:
            table[column] = table[column] * (0, -1, 1e12, 1e-300)[rng.integers(4)]
        if not len(table.columns):
            break
    file = io.BytesIO()
    try:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=bool(rng.random() < 0.3)), file)
    except (
        pa.ArrowException,
        ValueError,
        TypeError,
        OverflowError,
    ):  # it cannot be written, so nobody has it
        return b"PAR1", None
    data = file.getvalue()
    if rng.random() < 0.4:
        at = int(rng.integers(4, len(data)))
        cut = data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :]
        return (cut if rng.random() < 0.7 else data[:at]), None
    return data, table


def attempted(values: pd.Series, kind: str) -> pd.Series:
    try:
        return values.astype(kind)
    except (ValueError, TypeError, OverflowError):
        return values


def check_bars(path: Path, options: Mapping[str, Any], said: np.ndarray | None) -> None:
    """Loads a file; each price and volume is one of the numbers `said`, unless bars are made of trades."""
    bars = load_bars(path, **options)
    if said is None:
        return
    factor = "adjust" in options
    for name in ("open", "high", "low", "close", "volume"):
        values = np.unique(getattr(bars, name))
        if options.get("gaps") == "fill" and name == "volume":
            values = values[values != 0]
        if factor or ("trades" in options and name == "volume"):
            continue  # products and sums of them
        near = said[np.clip(np.searchsorted(said, values), 0, len(said) - 1)]
        before = said[np.clip(np.searchsorted(said, values) - 1, 0, len(said) - 1)]
        off = np.minimum(abs(near - values), abs(before - values)) > 2e-6 * abs(values)
        assert not off.any(), f"{name}={values[off][0]!r} is written nowhere"


def numbers_in(text: str, decimal: str) -> np.ndarray:
    """Returns all numbers that a text may be taken to say, in order."""
    found: set[float] = set()
    for form in (
        text,
        text.replace(",", "."),
        text.replace(".", "").replace(",", "."),
        text.replace(",", ""),
    ):
        cells = re.split(r"[;\t\n\r\"' ]" if form is not text or decimal == "," else r"[,;\t\n\r\"' ]", form)
        cells = [cell.strip() for cell in cells]  # of every kind of white space, as programs do
        found |= {float(cell) for cell in cells if _NUMBER.fullmatch(cell)}
    return np.array(sorted(found) or [0.0])


def attempt_text(
    texts: list[tuple[str, dict[str, Any]]], seed: int, folder: Path
) -> tuple[bytes, Callable[[], Any]]:
    rng = np.random.default_rng([seed, len(texts)])
    text, options = texts[rng.integers(len(texts))]
    data = broken(text, texts[rng.integers(len(texts))][0], rng)
    path = folder / "x.csv"
    path.write_bytes(data)
    said = numbers_in(data.decode("utf-8-sig", errors="replace"), options.get("decimal", "."))
    return data, lambda: check_bars(path, options, said)


def attempt_parquet(seed: int, folder: Path) -> tuple[bytes, Callable[[], Any]]:
    rng = np.random.default_rng([seed, 99])
    table, options = TABLES[rng.integers(len(TABLES))]
    data, known = broken_parquet(table, rng)
    path = folder / "x.parquet"
    path.write_bytes(data)
    said = None
    if known is not None:
        cells = pd.Series(known.to_numpy(dtype=object).ravel()).map(repr_of)
        said = np.array(sorted({float(cell) for cell in cells if _NUMBER.fullmatch(cell)}) or [0.0])
    return data, lambda: check_bars(path, options, said)


def repr_of(cell: Any) -> str:
    if isinstance(cell, bytes):
        return cell.decode(errors="replace")
    return str(float(cell)) if isinstance(cell, float | np.floating | bool) else str(cell).strip()


def attempt_messages(seed: int, folder: Path) -> tuple[bytes, Callable[[], Any]]:
    rng = np.random.default_rng([seed, 7])
    text, options = MESSAGES[rng.integers(len(MESSAGES))]
    data = broken(text, MESSAGES[rng.integers(len(MESSAGES))][0], rng)
    path = folder / "x.csv"
    path.write_bytes(data)

    def check() -> None:
        tape = tape_of([load_messages(path, **options)])
        assert (tape.events[:, 4] > 0).all(), "an event of no shares"
        assert (tape.events[:, 3] >= 0).all(), "an event beyond the grid"
        assert (tape.events[:, 3] < tape.ticks).all(), "an event beyond the grid"

    return data, check


CSV, TRADES, TABLES, MESSAGES = csv_texts(), trade_texts(), tables(), message_texts()
KINDS: dict[str, Callable[[int, Path], tuple[bytes, Callable[[], Any]]]] = {
    "csv": lambda seed, folder: attempt_text(CSV, seed, folder),
    "parquet": attempt_parquet,
    "trades": lambda seed, folder: attempt_text(TRADES, seed, folder),
    "messages": attempt_messages,
}


def attempt(kind: str, seed: int, folder: Path) -> tuple[str, bytes]:
    """Returns "read", "refused" or what is wrong with the answer to a broken file, and the file."""
    data, check = KINDS[kind](seed, folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a second line on the terminal
            check()
    except ValueError as error:
        line = str(error).strip()
        says = "\n" not in line and "\r" not in line and len(line) > 15 and not line.endswith(":")
        named = str(folder) in line or "=" in line
        return "refused" if says and named and type(
            error
        ) is ValueError else f"{type(error).__name__} says {line!r}", data
    except Exception as error:
        return f"{type(error).__name__}: {error}", data
    return "read", data


def main() -> int:
    """Tries many files of each kind, with memory for no more than a file of a few bytes needs."""
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    with tempfile.TemporaryDirectory() as name:

        def tried(kind: str, seed: int) -> tuple[str, bytes]:
            outcome, data = attempt(kind, seed, Path(name))
            return outcome, data[:1200] if kind != "parquet" else b""

        return run_each(__doc__, list(KINDS), tried)


if __name__ == "__main__":
    sys.exit(main())
