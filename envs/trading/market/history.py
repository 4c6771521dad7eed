"""Histories: bars of files, read once, and where their training and their test part lie, which is kept."""

import inspect
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from quadrivium.envs.core.file_hashes import digests
from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.trading.market.bank import Bank, bank_of_bars
from quadrivium.envs.trading.market.bars import Bars
from quadrivium.envs.trading.market.features import FEATURES, own_columns
from quadrivium.envs.trading.market.load import DELISTED, files_of, load_bars

LOAD_OPTIONS = tuple(
    name
    for name in inspect.signature(load_bars).parameters
    if name not in ("paths", "symbols", "own", "amounts")
)
"""The names of the options of `load_bars` that `load` may hold; the others are arguments of the world."""


@dataclass(frozen=True, eq=False)
class _Read:
    """Files as they were read last: environments of one market are made one after another."""

    key: Any
    bars: Bars
    files: dict[str, str]


_last: _Read | None = None
_first: dict[Any, Bank] = {}
"""The first bank that this program made of a history, whose parts and scaler all later ones share."""


def check_load(load: Mapping[str, Any] | None) -> None:
    """Raises ValueError for what is no option of `load_bars`, with the nearest name."""
    for name in load or {}:
        others = {"symbols": "symbols", "own": "features", "amounts": "dividends"}
        if other := others.get(name):
            value = f"{other}='...'" if name == "amounts" else f"{other}=[...]"
            raise ValueError(f"load: {name} is an argument of the world itself: give {value}")
        require_choice("option of load", name, LOAD_OPTIONS)


def history_bank(
    market: str | Path | Sequence[str | Path] | Bars,
    symbols: Sequence[str] | None,
    load: Mapping[str, Any] | None,
    features: Sequence[str],
    split: str,
    parts: Mapping[str, Any],
    trained_on: Mapping[str, Any] | str | Path | None,
    happenings: Sequence[str | None] = (),
) -> Bank:
    """Returns the bank of a history: of `Bars`, or of files, by `load_bars` with the options `load`.

    parts: `test_share`, `purge`, `folds` and `fold` of `bank_of_bars`. trained_on: what was kept of an
    earlier bank, or the JSON file that holds it. Without it the first bank that a program makes of a file
    says where its parts lie and how it is scaled, and a file that has grown since is told in a warning.
    happenings: as of `bank_of_bars`.
    """
    kept = _kept(trained_on)
    parts = {**parts, "happenings": tuple(happenings)}
    if isinstance(market, Bars):
        bars = market if symbols is None else market.select(tuple(symbols))
        return bank_of_bars(bars, features, split=split, kept=kept, **parts)
    paid = [name for name in happenings if name is not None]
    own = dict.fromkeys([*own_columns(features), *paid])
    read = _read(market, symbols, load, list(own), [name for name in paid if name != DELISTED])
    if kept is not None:
        return replace(bank_of_bars(read.bars, features, split=split, kept=kept, **parts), files=read.files)
    key = (tuple(read.files), tuple(features), tuple(parts.items()), repr(symbols), repr(load))
    first = _first.get(key)
    if first is None or not _covers(read.bars, first):
        bank = replace(bank_of_bars(read.bars, features, split=split, **parts), files=read.files)
        _first[key] = replace(bank, bars=bank.bars[:0], features=bank.features[:0], times=None)
        return bank
    if first.files != read.files:
        changed = ", ".join(path for path, digest in read.files.items() if first.files.get(path) != digest)
        warnings.warn(
            f"{changed} has changed since this program read it first; its scaler and the dates of its "
            "parts stay as "
            "they were then (a new process makes them anew)",
            stacklevel=2,
        )
    return replace(bank_of_bars(read.bars, features, split=split, kept=first.kept, **parts), files=read.files)


def _read(
    market: str | Path | Sequence[str | Path],
    symbols: Sequence[str] | None,
    load: Mapping[str, Any] | None,
    own: list[str],
    amounts: list[str],
) -> _Read:
    global _last
    paths = files_of(market)
    actions = (load or {}).get("actions")
    every = [*paths, *([Path(actions)] if isinstance(actions, str | Path) else [])]
    states = [path.stat() if path.is_file() else None for path in every]
    stamps = tuple(None if state is None else (state.st_size, state.st_mtime_ns) for state in states)
    key = (tuple(map(str, every)), stamps, repr(symbols), repr(load), tuple(own), tuple(amounts))
    if _last is None or _last.key != key:
        if own and not all(path.is_file() for path in paths):
            own = amounts = []  # that a file is missing is said first
        try:
            bars = load_bars(paths, symbols=symbols, own=own, amounts=amounts, **(load or {}))
        except ValueError as error:
            if own and "no column for the feature" in str(error):
                raise ValueError(f"{error}; features made of prices are {', '.join(FEATURES)}") from None
            raise
        _last = _Read(key, bars, digests(every))
    return _last


def _kept(trained_on: Mapping[str, Any] | str | Path | None) -> Mapping[str, Any] | None:
    if trained_on is None or isinstance(trained_on, Mapping):
        return trained_on
    try:
        return json.loads(Path(trained_on).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"trained_on={str(trained_on)!r} cannot be read ({error}); give a run's market.json"
        ) from None


def _covers(bars: Bars, first: Bank) -> bool:
    """Returns whether the bars still hold the training and the test part that were kept."""
    kept = first.kept
    ends = np.array([*kept["train"], *kept["test"]], "datetime64[ns]")
    return bool(np.isin(ends, bars.times).all())
