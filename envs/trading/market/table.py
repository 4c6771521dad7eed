"""Tables as they lie on disk: a CSV or Parquet file, whose rows can be named as an editor counts them."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_MISSING = ["", "nan", "na", "n/a", "null", "none", "-", "#n/a", "<na>"]
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of one file.

    Attributes:
        path: of the file.
        frame: a column a field, named as in the file; texts if it is a CSV, else typed.
        rows: (R,) the number of each row: the line of a CSV, the header being line 1, or the row of a Parquet
            file, counted from 1.
        is_text: whether the file is a CSV.
        decimal: the decimal sign of its numbers.
    """

    path: Path
    frame: pd.DataFrame
    rows: np.ndarray
    is_text: bool
    decimal: str = "."

    def where(self, row: int) -> str:
        """Returns the place of `frame`'s row: `prices.csv:17` or `prices.parquet, row 16`."""
        return f"{self.path}:{self.rows[row]}" if self.is_text else f"{self.path}, row {self.rows[row]}"

    @property
    def header(self) -> str:
        """The place of the columns' names."""
        return f"{self.path}:1" if self.is_text else str(self.path)

    def numbers(self, column: str) -> np.ndarray:
        """Returns a column as float64, NaN where a cell is no number."""
        cells = self.frame[column]
        if self.is_text and self.decimal != ".":
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return pd.Series(pd.to_numeric(cells, errors="coerce")).astype("float64").to_numpy()

    def blank(self, column: str) -> np.ndarray:
        """Returns where a column has nothing, or a word for it such as NaN, (R,) bool."""
        cells = self.frame[column]
        return (cells.isna() | cells.astype(str).str.strip().str.lower().isin(_MISSING)).to_numpy(np.bool_)

    def cell(self, row: int, column: str) -> str:
        """Returns how a cell that is no number is told: its name, its text, what is wrong."""
        if self.blank(column)[row]:
            return f"{column} is missing"
        return f"{column}={str(self.frame[column].iloc[row])[:40]!r} is no number"


def read_table(path: str | Path, *, delimiter: str | None = None, decimal: str = ".") -> Table:
    """Reads a CSV file (UTF-8, with a header) or a Parquet file, told apart by their first bytes.

    delimiter: of a CSV; None takes the commonest of comma, semicolon, tab and bar in its first line.
    Raises ValueError, in one line, if the file is neither, is empty, or has rows of different lengths.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {what}; give the path of a CSV or Parquet file")
    content = path.read_bytes()
    if not content.strip():
        raise ValueError(f"{path} is empty; it needs a header line and a line a bar")
    if content[:4] == b"PAR1":
        return _read_parquet(path)
    return _read_csv(path, _text_of(path, content), delimiter, decimal)


def _read_parquet(path: Path) -> Table:
    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"{path} is no whole Parquet file ({reason}); write it again") from None
    if isinstance(frame.columns, pd.MultiIndex):
        frame.columns = ["_".join(str(part) for part in name if str(part)) for name in frame.columns]
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.name is None:
        frame.index.name = ""  # as such an index is called in a CSV
    if isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    if frame.empty:
        raise ValueError(f"{path} has no rows; it needs a row a bar")
    return Table(path, frame, np.arange(1, len(frame) + 1), is_text=False)


def _text_of(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
        at = text.find("\0")
        line = text.count("\n", 0, at) + 1
        fault = "a NUL byte" if at >= 0 else ""
    except UnicodeDecodeError as error:
        text = ""
        line = content.count(b"\n", 0, error.start) + 1
        fault = f"byte 0x{content[error.start]:02x}"
    if fault:
        raise ValueError(
            f"{path}:{line}: {fault} is no UTF-8 text, so this is no CSV; save it as UTF-8 CSV or Parquet"
        )
    return text


def _read_csv(path: Path, text: str, delimiter: str | None, decimal: str) -> Table:
    first = text.lstrip().split("\n", 1)[0]
    sep = delimiter or max(_DELIMITERS, key=first.count)
    if first.count(sep) == 0:
        raise ValueError(
            f"{path}:1: {first[:40].strip()!r} has no columns, so this is no CSV; the first line must name "
            "them, as in time,open,high,low,close,volume (another separator: delimiter=...)"
        )
    try:
        cells = pd.read_csv(
            io.StringIO(text),
            sep=sep,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=True,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(_parser_message(path, str(error))) from None
    cells: Any = cells.fillna("")
    breaks = cells.apply(lambda column: column.str.count("\n")).sum(axis=1).to_numpy()
    lines = np.arange(1, len(cells) + 1) + np.concatenate([[0], np.cumsum(breaks)[:-1]]).astype(np.int64)
    full = (cells != "").any(axis=1).to_numpy()
    cells, lines = cells.loc[full].reset_index(drop=True), lines[full]
    if cells.empty:
        raise ValueError(f"{path} has only blank cells; it needs a header line and a line a bar")
    names, body = _header(cells)
    for name in names:
        if name and names.count(name) > 1:
            raise ValueError(f"{path}:{lines[0]}: column {name!r} occurs twice; rename or drop one")
    frame = cells.iloc[body:].reset_index(drop=True)
    frame.columns = names
    if frame.empty:
        raise ValueError(f"{path} has a header and no rows; it needs a line a bar")
    return Table(path, frame, lines[body:], is_text=True, decimal=decimal)


def _header(cells: pd.DataFrame) -> tuple[list[str], int]:
    """Returns the columns' names and the first row of data.

    yfinance writes three header rows: `Price,Close,…`, `Ticker,AAPL,…` and `Date,,…`.
    """
    first = [str(name).strip() for name in cells.iloc[0]]
    if len(cells) > 2 and first[0] == "Price" and cells.iloc[1, 0] == "Ticker":
        tickers = [str(name).strip() for name in cells.iloc[1]]
        names = [f"{field} {ticker}" for field, ticker in zip(first, tickers, strict=True)]
        return [str(cells.iloc[2, 0]) or "Date", *names[1:]], 3
    return first, 1


def _parser_message(path: Path, reason: str) -> str:
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason)
    if found:
        expected, line, seen = found.groups()
        return f"{path}:{line}: {seen} cells where the header has {expected}; mend that line"
    return f"{path} is no CSV ({' '.join(reason.split())[:120]}); mend its quotes or save it as Parquet"
