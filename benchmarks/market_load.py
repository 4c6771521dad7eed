"""How fast, and with how much memory, files of one-minute bars become `Bars`, beside another commit's loader.

    python benchmarks/market_load.py
    python benchmarks/market_load.py --output benchmarks/results/market_load.json

The files hold `--bars` one-minute bars of 10 assets, made here: long CSV, and long and wide Parquet. Each
load is a process of its own, in turns; the numbers are processor seconds and the rise of the process's
largest memory, by the size of the arrays that come out. The other commit loads `--base-bars` of the same bars
(its memory does not suffice for more on small machines), and is scaled by the number of bars.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from machine import machine, write_report
from other_commit import ROOT, checkout, run_in

BASE = "4a4a111"
"""The last commit whose loader kept every cell as a text."""
ASSETS = 10
GOALS = {"processor time by the base's": 1 / 3, "memory by the arrays": 3.0}

PROGRAM = """
import json, sys, time
from quadrivium.envs.trading.market.load import load_bars
def memory(what):
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(what)))
path = json.loads(sys.argv[1])
open("/proc/self/clear_refs", "w").write("5")  # the largest memory begins anew
before = memory("VmRSS")
start = time.process_time()
bars = load_bars(path, periods_per_year=525600)
seconds = time.process_time() - start
arrays = 5 * bars.close.nbytes + bars.times.nbytes
rise = memory("VmHWM") - before
told = {"bars": len(bars), "seconds": seconds, "memory": rise / arrays, "sum": float(bars.close.sum())}
print(json.dumps(told))
"""


def tables(bars: int) -> tuple[pa.Table, pa.Table]:
    """Returns the same random walks as a long and as a wide table."""
    rng = np.random.default_rng(7)
    times = pd.date_range("2020-01-01", periods=bars, freq="min", unit="s")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 5e-4, (bars, ASSETS)), axis=0))
    opened = np.concatenate([np.full((1, ASSETS), 100.0), close[:-1]])
    columns = {
        "open": opened.round(4),
        "high": (np.maximum(opened, close) * 1.0002).round(4),
        "low": (np.minimum(opened, close) * 0.9998).round(4),
        "close": close.round(4),
        "volume": rng.integers(1, 100_000, (bars, ASSETS)).astype(np.float64),
    }
    names = [f"A{n}" for n in range(ASSETS)]
    long = {"time": np.repeat(times.to_numpy(), ASSETS), "symbol": pa.array(names * bars)}
    wide: dict[str, Any] = {"time": times.to_numpy()}
    wide |= {f"{name}_{key}": values[:, n] for n, name in enumerate(names) for key, values in columns.items()}
    return pa.table(long | {key: values.ravel() for key, values in columns.items()}), pa.table(wide)


def write_files(folder: Path, bars: int) -> dict[str, Path]:
    """Returns the files by what they are."""
    long, wide = tables(bars)
    files = {name: folder / f"{bars}_{name}" for name in ("long.csv", "long.parquet", "wide.parquet")}
    pyarrow.csv.write_csv(long, files["long.csv"], pyarrow.csv.WriteOptions(quoting_style="none"))
    pyarrow.parquet.write_table(long, files["long.parquet"])
    pyarrow.parquet.write_table(wide, files["wide.parquet"])
    return files


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--base-bars", type=int, default=200_000)
    parser.add_argument("--base", default=BASE, help="a commit or a folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {**machine("numpy", "pandas", "pyarrow"), "goals": GOALS, "files": {}}
    with tempfile.TemporaryDirectory() as name, checkout(options.base) as base:
        ours = write_files(Path(name), options.bars)
        theirs = write_files(Path(name), options.base_bars)
        for kind, path in ours.items():
            here, there = [], []
            for _ in range(options.rounds):
                here.append(run_in(ROOT, PROGRAM, str(path)))
                there.append(run_in(base, PROGRAM, str(theirs[kind])))
            seconds = statistics.median(one["seconds"] for one in here)
            before = statistics.median(one["seconds"] for one in there) * options.bars / options.base_bars
            found = {
                "seconds": seconds,
                "base_seconds": before,
                "time": seconds / before,
                "memory": max(one["memory"] for one in here),
                "base_memory": max(one["memory"] for one in there),
            }
            report["files"][kind] = found
            print(
                f"{kind:13} {json.dumps({key: round(value, 3) for key, value in found.items()})}", flush=True
            )
    report |= {
        "bars": options.bars,
        "base_bars": options.base_bars,
        "base": options.base,
        "rounds": options.rounds,
    }
    if options.output is not None:
        write_report(options.output, report)


if __name__ == "__main__":
    main()
