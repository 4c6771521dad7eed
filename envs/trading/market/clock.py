"""Times of bars: read from cells, brought to UTC, and checked for gaps."""

import re
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.trading.market.table import Table

DAY = 86_400_000_000_000  # nanoseconds
_OFFSET = re.compile(r"[T :].*(?:Z|[+-]\d\d:?\d\d)$")
_DAY_OR_MONTH = re.compile(r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")


def read_times(
    table: Table, column: str, *, time_zone: str = "UTC", time_format: str | None = None
) -> np.ndarray:
    """Returns a column's times as datetime64[ns] in UTC, (R,).

    Understood are ISO 8601 with or without offset, 20240131, and seconds, milli-, micro- or nanoseconds since
    1970; anything else needs time_format, as of strftime. time_zone: of times without an offset. Raises
    ValueError with file, row and value for what is no time, or not one time in that zone.
    """
    try:
        zone = zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time_zone={time_zone!r} is unknown; use a name such as 'America/New_York'"
        ) from None
    cells: Any = table.frame[column]
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        times, aware = cells.dt.tz_convert("UTC"), np.ones(len(cells), np.bool_)
    elif cells.dtype.kind == "M":
        times, aware = cells.dt.tz_localize("UTC"), np.zeros(len(cells), np.bool_)
    elif cells.dtype.kind in "iuf":
        times, aware = _since_1970(cells), np.ones(len(cells), np.bool_)
    else:
        times, aware = _from_text(cells.astype(str).str.strip(), time_format)
    bad = times.isna().to_numpy()
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{table.where(row)}: {_no_time(column, cells.iloc[row])}")
    if aware.any() and not aware.all():
        row = int(np.argmin(aware))
        raise ValueError(
            f"{table.where(row)}: {column}={cells.iloc[row]!r} has no UTC offset, other rows "
            "have one; write all alike"
        )
    if not aware.all():
        naive = pd.DatetimeIndex(times).tz_localize(None)
        times = pd.Series(naive.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").tz_convert("UTC"))
        if times.isna().any():
            row = int(np.argmax(times.isna()))
            raise ValueError(
                f"{table.where(row)}: {column}={cells.iloc[row]!r} is skipped or comes twice in {time_zone} "
                "as the clocks change; write times in UTC"
            )
    try:
        return pd.DatetimeIndex(times).tz_localize(None).as_unit("ns").to_numpy()
    except pd.errors.OutOfBoundsDatetime:
        years = pd.DatetimeIndex(times).year
        row = int(np.argmax((years < 1678) | (years > 2261)))
        raise ValueError(
            f"{table.where(row)}: {column}={cells.iloc[row]!r} lies outside 1678 to 2261; mend or drop the "
            "row"
        ) from None


def _since_1970(numbers: Any) -> pd.Series:
    """Returns times from seconds, milliseconds, … since 1970: the unit is told by the size."""
    if ((numbers >= 19_000_101) & (numbers <= 21_001_231)).all():
        return pd.to_datetime(numbers.astype("int64").astype(str), format="%Y%m%d", errors="coerce", utc=True)
    largest = float(numbers.abs().max())
    unit = next((unit for unit, top in (("s", 1e11), ("ms", 1e14), ("us", 1e17)) if largest < top), "ns")
    return pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True)


def _from_text(cells: pd.Series, time_format: str | None) -> tuple[pd.Series, np.ndarray]:
    if time_format is None and cells.str.fullmatch(r"\d+(\.\d+)?").all():
        return _since_1970(pd.to_numeric(cells)), np.full(len(cells), not cells.str.fullmatch(r"\d{8}").all())
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
    steps, counts = np.unique(np.diff(times).astype(np.int64), return_counts=True)
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

    max_gap: what may pass. None takes the usual step where the market never closes; elsewhere the usual step
    within a day, and a week (or one and a half steps) from one day to the next.
    """
    steps = np.diff(times).astype(np.int64)
    step = spacing(times)
    if max_gap is not None:
        return np.flatnonzero(steps > max_gap)
    if never_closes(times):
        return np.flatnonzero(steps > step)
    same_day = np.diff(times.astype("datetime64[D]").astype(np.int64)) == 0
    return np.flatnonzero(steps > np.where(same_day, step, max(7 * DAY, step * 3 // 2)))


def missing_times(times: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Returns the times at the usual step in the gaps after `starts`; none at weekends unless bars are."""
    step, open_always = spacing(times), never_closes(times)
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
