"""Tables as they lie on disk: a CSV or Parquet file, whose rows can be named as an editor counts them.

Opening a table reads its names alone; `read` then takes the columns that are wanted, in one pass and straight
into arrays of numbers, so that a file of ten million rows needs little more memory than they do.
"""

import ast
import codecs
import csv
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "#n/a", "<na>")
"""What a cell without a value holds, without case and blanks around."""

_NULLS = sorted({form(word) for word in MISSING for form in (str, str.upper, str.title)} | {"NaN", "N/A"})
_DELIMITERS = ",;\t|"
_BLOCK = 8 << 20  # bytes
_HEADER_BYTES = 1 << 20  # within which the names must end
_ROWS_MAY_BE_LABELLED = 3  # header lines at most: yfinance's


class NumberFormat(NamedTuple):
    """How a CSV writes numbers: the decimal sign, and what stands between thousands, or None."""

    decimal: str = "."
    thousands: str | None = None

    def read(self, cells: pd.Series) -> np.ndarray:
        """Returns texts as float64, NaN where one is no number."""
        cells = cells.str.strip()
        between = self.thousands
        if between is None and self.decimal == ",":
            between = "."  # what else could it be
        if between is not None:
            grouped = rf"[-+]?\d{{1,3}}(?:{re.escape(between)}\d{{3}})+(?:{re.escape(self.decimal)}\d*)?"
            whole = cells.str.fullmatch(grouped)
            cells = cells.where(~whole, cells.str.replace(between, "", regex=False))
        if self.decimal != ".":
            cells = cells.where(~cells.str.contains(".", regex=False), "")  # 12.34 is no number here
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return pd.Series(pd.to_numeric(cells, errors="coerce")).astype("float64").to_numpy()


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of texts, each different one once: row r is `values[codes[r]]`."""

    codes: np.ndarray
    values: pd.Series

    def expanded(self) -> pd.Series:
        """Returns the text of every row."""
        return self.values.iloc[self.codes].reset_index(drop=True)


Key = Texts | pd.Series
"""A column that is no number: texts, or what Parquet types, such as times."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The columns that were read, of R rows; those without a value in any of them are left out.

    Attributes:
        numbers: (R,) float64 by column, NaN where a cell is blank.
        keys: the others.
        rows: (R,) the record of the file that each row is, from 0; None where no record was left out.
    """

    numbers: dict[str, np.ndarray]
    keys: dict[str, Key]
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Table(ABC):
    """A file that has been opened.

    Attributes:
        path: of the file.
        names: of its columns, all different.
        levels: of a column with a header of two levels, by its name: (asset or field, field or asset).
    """

    path: Path
    names: list[str]
    levels: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    @abstractmethod
    def header(self) -> str:
        """The place of the columns' names."""

    @abstractmethod
    def where(self, record: int) -> str:
        """Returns the place of a record: `prices.csv:17` or `prices.parquet, row 16`."""

    @abstractmethod
    def cell(self, record: int, column: str) -> str:
        """Returns a cell as text."""

    @abstractmethod
    def read(self, numbers: Sequence[str], keys: Sequence[str]) -> Cells:
        """Returns those columns; raises ValueError in one line for a cell of `numbers` that is none."""

    @property
    def joins_texts(self) -> bool:
        """Whether a day and an hour in two columns can be read as one text."""
        return False


def open_table(
    path: str | Path,
    *,
    delimiter: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    names: Sequence[str] | None = None,
) -> Table:
    """Opens a CSV file (UTF-8) or a Parquet file, told apart by their first bytes.

    delimiter: of a CSV; None takes the commonest of comma, semicolon, tab and bar in its first line. names:
    of the columns of a CSV without a header line. Raises ValueError, in one line, if the file is neither, or
    is empty.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {what}; give the path of a CSV or Parquet file")
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if head[:4] == b"PAR1":
        return _open_parquet(path)
    _require_text(path)
    return _open_csv(path, head, delimiter, NumberFormat(decimal, thousands), names)


@dataclass(frozen=True, eq=False)
class _Csv(Table):
    delimiter: str = ","
    form: NumberFormat = NumberFormat()
    lines: int = 1  # of the header
    offset: int = 0  # of the first byte after it
    header_line: int = 1

    @property
    def header(self) -> str:
        return f"{self.path}:{self.header_line}"

    @property
    def joins_texts(self) -> bool:
        return True

    def where(self, record: int) -> str:
        return f"{self.path}:{self._find(record)[0]}"

    def cell(self, record: int, column: str) -> str:
        cells = self._find(record)[1]
        parts = [self.names.index(name) for name in self._parts(column)]
        return " ".join(cells[part] if part < len(cells) else "" for part in parts)

    def read(self, numbers: Sequence[str], keys: Sequence[str]) -> Cells:
        parts = list(dict.fromkeys(part for name in keys for part in self._parts(name)))
        types: dict[str, Any] = {name: pa.dictionary(pa.int32(), pa.string()) for name in parts}
        try:
            raw = self._columns(types | {name: pa.float64() for name in numbers})
        except _NoNumber:  # or one that Arrow does not know, such as +1
            raw = self._columns(types | {name: pa.string() for name in numbers})
        arrays = {name: self._numbers(name, raw.pop(name)) for name in numbers}
        texts = {name: _texts(raw.pop(name)) for name in parts}
        joined = {name: self._joined(name, texts) for name in keys}
        if not len(next(iter(texts.values())).codes if texts else next(iter(arrays.values()))):
            raise ValueError(f"{self.path} has a header and no rows; it needs a line a bar")
        return _without_blank_rows(arrays, joined)

    def _parts(self, name: str) -> list[str]:
        """Returns the columns that a key is made of: two for a day and its hour."""
        return [name] if name in self.names else name.split("\0")

    def _joined(self, name: str, texts: dict[str, Texts]) -> Texts:
        parts = self._parts(name)
        if len(parts) == 1:
            return texts[name]
        day, hour = (texts[part] for part in parts)
        codes = day.codes.astype(np.int64) * len(hour.values) + hour.codes
        used, codes = np.unique(codes, return_inverse=True)
        left, right = np.divmod(used, len(hour.values))
        both = day.values.iloc[left].reset_index(drop=True) + " " + hour.values.iloc[right].to_numpy()
        return Texts(codes, both)

    def _numbers(self, name: str, column: pa.ChunkedArray) -> np.ndarray:
        if column.type == pa.float64():
            return column.to_numpy()
        found: list[np.ndarray] = []
        record = 0
        for chunk in column.chunks:
            cells = chunk.to_pandas()
            values = self.form.read(cells)
            bad = np.isnan(values) & ~blank(cells)
            if bad.any():
                record += int(np.argmax(bad))
                raise ValueError(
                    f"{self.where(record)}: {no_number(name, self.cell(record, name), self.form)}"
                )
            found.append(values)
            record += len(values)
        return np.concatenate(found) if found else np.zeros(0)

    def _columns(self, types: dict[str, Any]) -> dict[str, pa.ChunkedArray]:
        """Returns columns by name. Raises _NoNumber where Arrow cannot read a cell as the number asked for."""
        places = {f"{self.names.index(name)}": name for name in types}
        skipped: list[Any] = []

        def handle(row: Any) -> str:
            if row.text.strip():
                skipped.append(row)
                return "error"
            return "skip"

        with self.path.open("rb") as file:
            file.seek(self.offset)
            try:
                table = pa_csv.read_csv(
                    file,
                    read_options=pa_csv.ReadOptions(
                        column_names=[str(k) for k in range(len(self.names))], block_size=_BLOCK
                    ),
                    parse_options=pa_csv.ParseOptions(
                        delimiter=self.delimiter,
                        newlines_in_values=self._quotes,
                        invalid_row_handler=handle,
                    ),
                    convert_options=pa_csv.ConvertOptions(
                        include_columns=list(places),
                        column_types={place: types[name] for place, name in places.items()},
                        null_values=_NULLS,
                        strings_can_be_null=False,
                        decimal_point=self.form.decimal,
                    ),
                )
            except pa.ArrowInvalid as error:
                if "conversion error" in str(error) and pa.float64() in types.values():
                    raise _NoNumber from None
                if str(error).startswith("Empty CSV"):
                    raise ValueError(f"{self.path} has a header and no rows; it needs a line a bar") from None
                self._require_even_rows()
                reason = " ".join(str(error).split())[:120]
                raise ValueError(
                    f"{self.path} is no CSV ({reason}); mend its quotes or save it as Parquet"
                ) from None
        return {name: table.column(place) for place, name in places.items()}

    @cached_property
    def _quotes(self) -> bool:
        with self.path.open("rb") as file:
            return any(b'"' in block for block in iter(lambda: file.read(_BLOCK), b""))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yields the line and the cells of each record, without the header."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            yield from islice(_records(file, self.delimiter), self.lines, None)

    def _find(self, record: int) -> tuple[int, list[str]]:
        return next(islice(self._records(), record, None))

    def _require_even_rows(self) -> None:
        try:
            for line, cells in self._records():
                if len(cells) != len(self.names):
                    raise ValueError(
                        f"{self.path}:{line}: {len(cells)} cells where the header has {len(self.names)}; mend "
                        "that line"
                    )
        except csv.Error as error:
            raise ValueError(
                f"{self.path} is no CSV ({error}); mend its quotes or save it as Parquet"
            ) from None


class _NoNumber(Exception):
    """A cell that was to be a number is none, as Arrow reads numbers."""


@dataclass(frozen=True, eq=False)
class _Parquet(Table):
    places: dict[str, str] = field(default_factory=dict)  # the file's own names

    @property
    def header(self) -> str:
        return str(self.path)

    def where(self, record: int) -> str:
        return f"{self.path}, row {record + 1}"

    def cell(self, record: int, column: str) -> str:
        value = self._column(column).slice(record, 1).to_pandas().iloc[0]
        return "" if value is None else str(value)

    def read(self, numbers: Sequence[str], keys: Sequence[str]) -> Cells:
        arrays = {name: self._numbers(name) for name in numbers}
        found = {name: self._key(name) for name in keys}
        return _without_blank_rows(arrays, found)

    def _column(self, name: str) -> pa.ChunkedArray:
        try:
            return pq.read_table(self.path, columns=[self.places[name]], use_pandas_metadata=False).column(0)
        except (pa.ArrowException, OSError, ValueError, IndexError) as error:
            raise _no_parquet(self.path, error) from None

    def _numbers(self, name: str) -> np.ndarray:
        column = self._column(name)
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            try:
                return pc.cast(column, pa.float64(), safe=False).to_numpy()
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise ValueError(
                    f"{self.path}: column {name!r} is of type {column.type}, which is no number; write numbers"
                ) from None
        cells = column.to_pandas().astype(object).where(lambda one: one.notna(), "").astype(str)
        values = NumberFormat().read(cells)
        bad = np.isnan(values) & ~blank(cells)
        if bad.any():
            record = int(np.argmax(bad))
            raise ValueError(f"{self.where(record)}: {no_number(name, cells.iloc[record], NumberFormat())}")
        return values

    def _key(self, name: str) -> Key:
        column = self._column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return _texts(column.dictionary_encode())
        if pa.types.is_dictionary(column.type):
            return _texts(column)
        cells: pd.Series = column.to_pandas()
        if cells.dtype.kind in "Mmiufb" or isinstance(cells.dtype, pd.DatetimeTZDtype):
            return cells
        codes, values = pd.factorize(cells.astype(str).where(cells.notna(), ""))
        return Texts(codes, pd.Series(values))


def blank(cells: pd.Series) -> np.ndarray:
    """Returns where texts say nothing, or a word for it such as NaN, (R,) bool."""
    return cells.str.strip().str.lower().isin(MISSING).to_numpy(np.bool_)


def no_number(column: str, text: str, form: NumberFormat) -> str:
    """Returns how a cell that is no number is told, and what may help."""
    told = f"{column}={text[:40]!r} is no number"
    if form.decimal == "." and re.fullmatch(r"\s*[-+]?\d+,\d+\s*", text):
        told += "; say decimal=',' where the comma is the decimal sign"
        if re.fullmatch(r"\s*[-+]?\d{1,3},\d{3}\s*", text):
            told += ", thousands=',' where it separates thousands"
        return told
    if form == NumberFormat() and re.fullmatch(r"\s*[-+]?\d{1,3}(,\d{3})+(\.\d*)?\s*", text):
        return told + "; say thousands=','"
    if form.decimal == "," and "." in text:
        return told + " where the decimal sign is a comma; is it decimal='.'?"
    return told + "; write a plain number, or drop the row"


def _open_parquet(path: Path) -> Table:
    try:
        schema = pq.read_schema(path)
        rows = pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_parquet(path, error) from None
    told = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    index = [name for name in told.get("index_columns", []) if isinstance(name, str)]
    ordered = [*index, *(name for name in schema.names if name not in index)]
    names: list[str] = []
    levels: dict[str, tuple[str, str]] = {}
    for place in ordered:
        name = "" if re.fullmatch(r"__index_level_\d+__", place) else place
        parts = _parts_of(name) if len(told.get("column_indexes", [])) > 1 else ()
        if len(parts) > 1:
            first, last = parts[0].strip(), parts[-1].strip()
            name = f"{first} {last}".strip()
            if first and last:
                levels[name] = (first, last)
        names.append(name)
    _require_different(str(path), names)
    if not rows:
        raise ValueError(f"{path} has no rows; it needs a row a bar")
    return _Parquet(path, names, levels, dict(zip(names, ordered, strict=True)))


def _parts_of(name: str) -> tuple[str, ...]:
    """Returns the parts of a name that pandas has written as a tuple: "('Close', 'AAPL')"."""
    try:
        parts = ast.literal_eval(name)
    except (ValueError, SyntaxError):
        return ()
    return tuple(map(str, parts)) if isinstance(parts, tuple) else ()


def _no_parquet(path: Path, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())[:120]
    return ValueError(f"{path} is no whole Parquet file ({reason}); write it again")


def _require_text(path: Path) -> None:
    """Raises ValueError if a file is empty, no UTF-8, or holds a NUL byte."""
    decoder, lines, any_text = codecs.getincrementaldecoder("utf-8-sig")(), 0, False
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            fault, at = "", block.find(b"\0")
            if at >= 0:
                fault = "a NUL byte"
            try:
                decoder.decode(block[:at] if at >= 0 else block)
            except UnicodeDecodeError as error:
                at = max(0, error.start - (len(error.object) - len(block)))
                fault = f"byte 0x{error.object[error.start]:02x}"
            if fault:
                line = lines + block.count(b"\n", 0, at) + 1
                raise ValueError(
                    f"{path}:{line}: {fault} is no UTF-8 text, so this is no CSV; save it as UTF-8 CSV or Parquet"
                )
            any_text = any_text or bool(block.strip())
            lines += block.count(b"\n")
    if decoder.getstate()[0]:
        raise ValueError(
            f"{path}:{lines + 1}: its last character is cut off, so this is no UTF-8 CSV; save it again"
        )
    if not any_text:
        raise ValueError(f"{path} is empty; it needs a header line and a line a bar")


def _open_csv(
    path: Path, head: bytes, delimiter: str | None, form: NumberFormat, given: Sequence[str] | None
) -> Table:
    text = head.decode("utf-8-sig", errors="ignore")
    first = text.lstrip().split("\n", 1)[0]
    sep = delimiter or max(_DELIMITERS, key=first.count)
    if len(sep) != 1:
        raise ValueError(f"delimiter={delimiter!r} must be one character, such as ';'")
    if first.count(sep) == 0:
        raise ValueError(
            f"{path}:1: {first[:40].strip()!r} has no columns, so this is no CSV; the first line must name "
            "them, as in time,open,high,low,close,volume (another separator: delimiter=...)"
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            top = list(islice(_records(file, sep), _ROWS_MAY_BE_LABELLED + 1))
        except csv.Error as error:
            raise ValueError(f"{path} is no CSV ({error}); mend its quotes or save it as Parquet") from None
    if not any(cell.strip() for _, cells in top for cell in cells):
        raise ValueError(f"{path} has only blank cells; it needs a header line and a line a bar")
    rows = [[cell.strip() for cell in cells] for _, cells in top]
    levels: dict[str, tuple[str, str]] = {}
    if given is not None:
        names, lines = [str(name) for name in given], 0
        if len(names) != len(rows[0]):
            raise ValueError(
                f"{path}:{top[0][0]}: names={names} are {len(names)}, the line has {len(rows[0])} cells"
            )
    else:
        _require_names(path, top[0][0], rows[0], form)
        names, levels, lines = _header(rows)
    _require_different(f"{path}:{top[0][0]}", names)
    if any('"' in line for line in [first]) and len(top) <= lines and text.count('"') % 2:
        raise ValueError(f"{path} is no CSV (a quote is not closed); mend its quotes or save it as Parquet")
    if len(top) <= lines:
        raise ValueError(f"{path} has a header and no rows; it needs a line a bar")
    skip = top[lines][0] - 1  # lines before the first record of data
    with path.open("rb") as file:
        for _ in range(skip):
            file.readline()
        offset = file.tell()
    if not skip and head.startswith(codecs.BOM_UTF8):
        offset = len(codecs.BOM_UTF8)
    return _Csv(path, names, levels, sep, form, lines, offset, top[0][0])


def _records(file: Any, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the first line and the cells of each record that is not blank."""
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
    before = 0
    for cells in reader:
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            yield before + 1, cells
        before = reader.line_num


def _require_names(path: Path, line: int, cells: list[str], form: NumberFormat) -> None:
    """Raises ValueError for a first line that is data: its first cell and most others are numbers or times."""
    filled = [cell for cell in cells if cell]
    if filled == [str(k) for k in range(len(filled))]:  # as pandas calls columns without names
        return
    numbers = ~np.isnan(form.read(pd.Series(filled, dtype=str)))
    data = numbers | np.array([bool(re.match(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", cell)) for cell in filled])
    if filled and data[0] and data.sum() * 2 >= len(filled):
        raise ValueError(
            f"{path}:{line}: the first line is data ({', '.join(filled)[:60]}), a header is missing; write one "
            f"above it, or give names=[...], a name for each of the {len(cells)} columns: "
            "time, open, high, low, close, volume and whatever else there is"
        )


def _header(rows: list[list[str]]) -> tuple[list[str], dict[str, tuple[str, str]], int]:
    """Returns the columns' names, their levels and the number of header lines.

    yfinance and pandas write two levels and a line with the name of the index: `Price,Close,…`,
    `Ticker,AAPL,…` and `Date,,…`, or the tickers first.
    """
    from quadrivium.envs.trading.market.columns import are_fields

    if len(rows) > 2 and len(rows[0]) == len(rows[1]) and len(rows[0]) > 1:
        above, below = rows[0][1:], rows[1][1:]
        named = rows[2][0] != "" and not any(rows[2][1:])
        labelled = not re.match(r"\d", rows[1][0])  # what is no time
        if labelled and (are_fields(above) or are_fields(below)) and all(below) and all(above):
            label = rows[2][0] if named else ""
            pairs = list(zip(above, below, strict=True))
            names = [f"{first} {last}" for first, last in pairs]
            return [label, *names], dict(zip(names, pairs, strict=True)), 3 if named else 2
    return rows[0], {}, 1


def _require_different(place: str, names: list[str]) -> None:
    for name in names:
        if name and names.count(name) > 1:
            raise ValueError(f"{place}: column {name!r} occurs twice; rename or drop one")


def _texts(column: pa.ChunkedArray) -> Texts:
    if not column.num_chunks:
        return Texts(np.zeros(0, np.int32), pd.Series([], dtype=str))
    column = column.unify_dictionaries()
    values = column.chunk(0).dictionary.to_pandas()
    values = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    codes = pa.chunked_array([chunk.indices for chunk in column.chunks])
    if codes.null_count:
        codes = pc.fill_null(codes, len(values))
        values = pd.concat([values, pd.Series([""])], ignore_index=True)
    return Texts(codes.to_numpy(), values)


def _without_blank_rows(numbers: dict[str, np.ndarray], keys: dict[str, Key]) -> Cells:
    """Returns the columns without the rows in which every one of them is blank."""
    empty: np.ndarray | None = None
    for key in keys.values():
        where = blank(key.values)[key.codes] if isinstance(key, Texts) else key.isna().to_numpy()
        empty = where if empty is None else empty & where
    if empty is None or not empty.any():
        return Cells(numbers, keys)
    for values in numbers.values():
        empty = empty & np.isnan(values)
    kept = np.flatnonzero(~empty)
    if len(kept) == len(empty) or not len(kept):
        return Cells(numbers, keys)
    return Cells(
        {name: values[kept] for name, values in numbers.items()},
        {
            name: Texts(key.codes[kept], key.values)
            if isinstance(key, Texts)
            else key.iloc[kept].reset_index(drop=True)
            for name, key in keys.items()
        },
        kept,
    )
