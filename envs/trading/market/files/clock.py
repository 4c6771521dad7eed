"""Times of bars: read from cells, brought to UTC, and checked for gaps."""

import re
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.trading.market.files.columns import time_name
from quadrivium.envs.trading.market.files.table import Key, Table

DAY = 86_400_000_000_000  # nanoseconds
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Ticks a second of the units in which times since 1970 are counted; `excel` besides counts days."""

_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_PLAUSIBLE = (3.1e8, 4.2e9)  # seconds: 1979 to 2103; the units' ranges do not meet
_EXCEL_EPOCH = pd.Timestamp("1899-12-30", tz="UTC")
_OFFSET = re.compile(r"[T :].*(?:Z|[+-][0-9][0-9]:?[0-9][0-9])$")
_DAY_OR_MONTH = re.compile(r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}")
_MOST_FILLED = 100  # bars for each one that is there


def read_times(
    table: Table,
    column: str,
    cells: Key,
    *,
    rows: np.ndarray | None = None,
    time_zone: str = "UTC",
    time_format: str | None = None,
    time_unit: str | None = None,
) -> np.ndarray:
    """Returns a column's times as datetime64[ns] in UTC, (R,).

    Understood are ISO 8601 with or without offset, 20240131, and seconds, milli-, micro- or nanoseconds since
    1970 from 1979 on; anything else needs time_format, as of strftime, or time_unit: one of `UNITS`, or
    `excel`. time_zone: of times without an offset. cells, rows: the column as read, and the records of its
    rows. Raises ValueError with file, row and value for what is no time, or not one time in that zone.
    """
    try:
        zone = zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time_zone={time_zone!r} is unknown; use a name such as 'America/New_York'"
        ) from None
    if time_unit is not None:
        require_choice("time_unit", time_unit, (*UNITS, "excel"))
    values, codes = cells.values, cells.codes
    shown = time_name(column)

    def where(bad: Any, fault: Any) -> ValueError:
        """Returns the error of the first row whose value is bad."""
        row = int(np.argmax(np.asarray(bad, np.bool_)[codes]))
        record = row if rows is None else int(rows[row])
        return ValueError(f"{table.where(record)}: {fault(values.iloc[codes[row]])}")

    if time_format is not None and values.dtype.kind in "iu":
        values = values.astype(str)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        times, aware = values.dt.tz_convert("UTC"), np.ones(len(values), np.bool_)
    elif values.dtype.kind == "M":
        times, aware = values.dt.tz_localize("UTC"), np.zeros(len(values), np.bool_)
    elif values.dtype.kind in "iuf":
        times, aware = _since_1970(values, time_unit, shown, where)
    else:
        texts = values.astype(object).where(values.notna(), "").astype(str).str.strip()
        times, aware = _from_text(texts, time_format, time_unit, shown, where)
    bad = times.isna().to_numpy()
    if bad.any():
        raise where(bad, lambda value: _no_time(shown, value))
    if values.dtype.kind == "M" or isinstance(values.dtype, pd.DatetimeTZDtype):
        _require_later_than_1970(table, shown, times)
    if aware.any() and not aware.all():
        raise where(
            ~aware,
            lambda value: f"{shown}={value!r} has no UTC offset, other rows have one; write all alike",
        )
    if not aware.all():
        naive = pd.DatetimeIndex(times).tz_localize(None)
        times = pd.Series(naive.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").tz_convert("UTC"))
        if times.isna().any():
            raise where(
                times.isna(),
                lambda value: (
                    f"{shown}={value!r} is skipped or comes twice in {time_zone} as the clocks "
                    "change; write times in UTC"
                ),
            )
    try:
        known = pd.DatetimeIndex(times).tz_localize(None).as_unit("ns").to_numpy()
    except pd.errors.OutOfBoundsDatetime:
        years = pd.DatetimeIndex(times).year
        raise where(
            (years < 1678) | (years > 2261),
            lambda value: f"{shown}={value!r} lies outside 1678 to 2261; mend or drop the row",
        ) from None
    return known[codes]


def _require_later_than_1970(table: Table, column: str, times: pd.Series) -> None:
    """Raises ValueError for typed times that are all in early 1970: numbers taken for another unit."""
    first, last = times.min(), times.max()
    early = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timestamp("1970-03-01", tz="UTC")
    if (
        len(times) > 1
        and early[0] <= first
        and last < early[1]
        and (last - first) / len(times) < pd.Timedelta("1h")
    ):
        raise ValueError(
            f"{table.header}: {column} runs from {first:%Y-%m-%dT%H:%M:%S} to "
            f"{last:%Y-%m-%dT%H:%M:%S}, as where "
            "seconds or milliseconds were taken for nanoseconds; write the file again, with "
            f"pd.to_datetime({column}, unit='ms') or the numbers themselves"
        )


def _since_1970(numbers: Any, unit: str | None, column: str, where: Any) -> tuple[pd.Series, np.ndarray]:
    """Returns times from numbers, and which of them are in UTC: the unit is told by the size."""
    if unit == "excel":
        days = pd.to_timedelta(numbers.astype("float64"), unit="D")
        return (_EXCEL_EPOCH + days).dt.round("ms"), np.zeros(len(numbers), np.bool_)
    aware = np.ones(len(numbers), np.bool_)
    if unit is None and ((numbers >= 19_000_101) & (numbers <= 21_001_231)).all():
        days = pd.to_datetime(numbers.astype("int64").astype(str), format="%Y%m%d", errors="coerce", utc=True)
        return days, ~aware
    if unit is None:
        size = numbers.abs().to_numpy(np.float64)
        kinds = np.full(len(size), -1)
        for k, ticks in enumerate(UNITS.values()):
            kinds[(size >= _PLAUSIBLE[0] * ticks) & (size <= _PLAUSIBLE[1] * ticks)] = k
        known = kinds[kinds >= 0]
        if not len(known):
            if not np.isfinite(size).all():
                return pd.to_datetime(numbers, unit="s", errors="coerce", utc=True), aware
            raise where(np.ones(len(size)), lambda value: _no_count(column, value))
        units, first = list(UNITS), int(known[0])
        if (known != first).any():
            raise where(
                (kinds >= 0) & (kinds != first),
                lambda value: (
                    f"{column}={value} counts {_NAMES[units[int(known[known != first][0])]]}, "
                    f"rows before it {_NAMES[units[first]]}; write all in one unit"
                ),
            )
        lowest = -_PLAUSIBLE[1] * list(UNITS.values())[first]
        strange = (kinds < 0) & ((numbers < lowest) | (size > _PLAUSIBLE[1] * list(UNITS.values())[first]))
        if strange.any():
            raise where(strange, lambda value: _no_count(column, value))
        unit = units[first]
    if numbers.dtype.kind == "f":  # 1325412060.0; a whole number of the unit keeps its last digit
        whole = numbers.dropna()
        if (whole == whole.round()).all() and whole.abs().max() < 2**62:
            filled = numbers.fillna(0).astype("int64")
            return pd.to_datetime(filled, unit=unit, errors="coerce", utc=True).where(numbers.notna()), aware
    return pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True), aware


def _no_count(column: str, value: Any) -> str:
    """Returns what is to be said of a number that counts no seconds since 1970 that can be meant."""
    text = str(value).removesuffix(".0")
    told = f"{column}={text} is no time of 1979 to 2103 in seconds, milli-, micro- or nanoseconds since 1970"
    formats = {6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    form = formats.get(len(text)) if re.match(r"(?:19|20)[0-9][0-9](?:0[1-9]|1[0-2])", text) else None
    if form is not None:
        return f"{told}; is it a date? say time_format={form!r}"
    if re.fullmatch(r"[234][0-9]{4}(?:\.[0-9]+)?", text):
        return f"{told}; is it a day of a spreadsheet? say time_unit='excel'"
    return f"{told}; name the column of times with columns={{'time': ...}}, or say time_unit='s'"


def _from_text(
    cells: pd.Series, time_format: str | None, unit: str | None, column: str, where: Any
) -> tuple[pd.Series, np.ndarray]:
    digits = r"-?[0-9]+(\.[0-9]+)?"
    some = cells.iloc[:: max(1, len(cells) // 16)]  # to look at all of a million takes half a second
    if time_format is None and some.str.fullmatch(digits).mean() > 0.5:
        numeric = cells.str.fullmatch(digits).to_numpy(np.bool_)
        if not numeric.all():
            raise where(~numeric, lambda value: _no_time(column, value))
        return _since_1970(pd.to_numeric(cells), unit, column, where)
    times = pd.to_datetime(cells, format=time_format or "ISO8601", errors="coerce", utc=True)
    if time_format is not None:
        return times, np.full(len(cells), "%z" in time_format)
    return times, cells.str.contains(_OFFSET).to_numpy(np.bool_)


def _no_time(column: str, value: Any) -> str:
    if bool(pd.isna(value)) or not str(value).strip():
        return f"{column} is missing; give every row its time"
    if _DAY_OR_MONTH.match(str(value)):
        return f"{column}={value!r}: is the day or the month first? say time_format='%d/%m/%Y' or the like"
    text = f"{column}={str(value)[:40]!r} is no time"
    return f"{text}; write 2024-01-31 or 2024-01-31T15:30:00Z, or give time_format"


def spacing(times: np.ndarray) -> int:
    """Returns the commonest step between successive times (T,) datetime64[ns], in nanoseconds; 0 for one."""
    if len(times) < 2:
        return 0
    differences = np.diff(times).astype(np.int64)
    usual = int(np.median(differences))
    if np.count_nonzero(differences == usual) * 2 > len(differences):
        return usual  # without sorting millions of them
    steps, counts = np.unique(differences, return_counts=True)
    return int(steps[np.argmax(counts)])


def never_closes(times: np.ndarray) -> bool:
    """Returns whether bars of a day or less come on Saturdays and Sundays too: the market is always open."""
    if not 0 < spacing(times) <= DAY:
        return False
    return float(np.mean(_weekday(times) >= 5)) > 0.15  # futures, which open on Sunday night, have less


def _weekday(times: np.ndarray) -> np.ndarray:
    """Returns 0 for Monday to 6 for Sunday."""
    return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def gap_starts(times: np.ndarray, max_gap: int | None) -> np.ndarray:
    """Returns the indices t where more time passes between bars t and t + 1 than may, in nanoseconds.

    max_gap: what may pass within a day (UTC), and from one day to the next if it is more than the week that
    may pass there in any case; None: the usual step. In a market that never closes no day is told apart.
    """
    steps = np.diff(times).astype(np.int64)
    step = spacing(times)
    within = step if max_gap is None else max(step, max_gap)
    if never_closes(times):
        return np.flatnonzero(steps > within)
    same_day = np.diff(times.astype("datetime64[D]").astype(np.int64)) == 0
    return np.flatnonzero(steps > np.where(same_day, within, max(7 * DAY, step * 3 // 2, within)))


def missing_times(times: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Returns the times at the usual step in the gaps after `starts`; none at weekends unless bars are.

    Raises ValueError where that would be more than a hundred for each bar that is there.
    """
    step, open_always = spacing(times), never_closes(times)
    count = int(np.diff(times).astype(np.int64)[starts].sum() // step)
    if count > _MOST_FILLED * len(times):
        longest = int(starts[np.argmax(np.diff(times)[starts])])
        raise ValueError(
            f"gaps='fill' would add {count:,} bars to {len(times):,}, most of them between "
            f"{time_text(times[longest])} and {time_text(times[longest + 1])}; mend the times, or load with "
            f"start='{time_text(times[longest + 1])}'"
        )
    parts: list[np.ndarray] = [np.zeros(0, "datetime64[ns]")]
    for start in starts:
        before, after = times[start : start + 2].astype(np.int64).tolist()
        inside = np.arange(before + step, after, step).astype("datetime64[ns]")
        parts.append(inside if open_always else inside[_weekday(inside) < 5])
    return np.concatenate(parts)


def usual_periods_per_year(times: np.ndarray) -> float | None:
    """Returns the bars a year that the spacing suggests, or None if it suggests none.

    Days 252, or 365 with weekends; weeks 52; months 12; within the day, its usual bars times these, if there
    is a week of them: before, nothing tells whether the market closes at weekends.
    """
    step = spacing(times)
    days = 365 if never_closes(times) else 252
    if step and step < DAY:
        if (times[-1] - times[0]).astype(np.int64) < 7 * DAY:
            return None
        if days == 365:
            return 365 * DAY / step
        return 252.0 * float(np.median(np.unique(times.astype("datetime64[D]"), return_counts=True)[1]))
    for low, high, periods in ((1, 1, days), (7, 7, 52), (28, 31, 12), (90, 92, 4), (365, 366, 1)):
        if low * DAY <= step <= high * DAY:
            return float(periods)
    return None


def time_text(time: Any) -> str:
    """Returns a time as short as it can be written."""
    return str(pd.Timestamp(time)).removesuffix(" 00:00:00").replace(" ", "T")
