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
_BLOCK = 1 << 20  # bytes; Arrow reads some ahead
_BATCH = 1 << 17  # rows of a Parquet file
_HEADER_BYTES = 1 << 20  # within which the names must end
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+"  # what breaks a line, in a name or a text
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
            grouped = (
                rf"[-+]?[0-9]{{1,3}}(?:{re.escape(between)}[0-9]{{3}})+(?:{re.escape(self.decimal)}[0-9]*)?"
            )
            whole = cells.str.fullmatch(grouped)
            cells = cells.where(~whole, cells.str.replace(between, "", regex=False))
        if self.decimal != ".":
            cells = cells.where(~cells.str.contains(".", regex=False), "")  # 12.34 is no number here
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return pd.Series(pd.to_numeric(cells, errors="coerce")).astype("float64").to_numpy()


@dataclass(frozen=True, eq=False)
class Key:
    """A column that is no number, each different value once: row r is `values[codes[r]]`.

    Attributes:
        codes: (R,) integers.
        values: texts without blanks around them, or what Parquet types, such as times.
    """

    codes: np.ndarray
    values: pd.Series

    def texts(self) -> np.ndarray:
        """Returns the value of every row as text."""
        return self.values.astype(str).to_numpy()[self.codes]

    def blank(self) -> np.ndarray:
        """Returns where the column has no value, (R,) bool."""
        return blank(self.values)[self.codes]


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
    lines = _count_lines(path)
    return _open_csv(path, head, lines, delimiter, NumberFormat(decimal, thousands), names)


@dataclass(frozen=True, eq=False)
class _Csv(Table):
    delimiter: str = ","
    form: NumberFormat = field(default_factory=NumberFormat)
    lines: int = 1  # of the header
    offset: int = 0  # of the first byte after it
    header_line: int = 1
    most_rows: int = 0  # as many as there are lines

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
        try:
            arrays, found = self._columns(numbers, parts, as_texts=False)
        except _NoNumber:  # or one that Arrow does not know, such as +1
            arrays, found = self._columns(numbers, parts, as_texts=True)
        return _without_blank_rows(arrays, {name: self._joined(name, found) for name in keys})

    def _parts(self, name: str) -> list[str]:
        """Returns the columns that a key is made of: two for a day and its hour."""
        return [name] if name in self.names else name.split("\0")

    def _joined(self, name: str, texts: dict[str, Key]) -> Key:
        parts = self._parts(name)
        if len(parts) == 1:
            return texts[name]
        day, hour = (texts[part] for part in parts)
        codes = day.codes.astype(np.int64) * len(hour.values) + hour.codes
        used, codes = np.unique(codes, return_inverse=True)
        left, right = np.divmod(used, len(hour.values))
        both = day.values.iloc[left].reset_index(drop=True) + " " + hour.values.iloc[right].to_numpy()
        return Key(codes, both)

    def _columns(
        self, numbers: Sequence[str], keys: Sequence[str], as_texts: bool
    ) -> tuple[dict[str, np.ndarray], dict[str, Key]]:
        """Returns columns by name, block after block, so that no more than a block is there as text.

        as_texts: whether numbers are read by ourselves, not by Arrow, which raises _NoNumber for a cell that
        it cannot read as one.
        """
        places = {name: str(self.names.index(name)) for name in (*numbers, *keys)}
        number = pa.string() if as_texts else pa.float64()
        types = {places[name]: number for name in numbers}
        types |= {places[name]: pa.dictionary(pa.int32(), pa.string()) for name in keys}
        arrays = {name: np.empty(self.most_rows, np.float64) for name in numbers}
        coded = {name: _Coding(self.most_rows) for name in keys}
        record = 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            try:
                for batch in self._open(file, types):
                    rows = slice(record, record + batch.num_rows)
                    for name, values in arrays.items():
                        column = batch.column(places[name])
                        values[rows] = self._read_texts(name, column, record) if as_texts else _floats(column)
                    for name, coding in coded.items():
                        coding.add(batch.column(places[name]))
                    record = rows.stop
            except pa.ArrowInvalid as error:
                if "conversion error" in str(error) and not as_texts:
                    raise _NoNumber from None
                if not str(error).startswith("Empty CSV"):
                    self._require_even_rows()
                    reason = " ".join(str(error).split())[:120]
                    raise ValueError(
                        f"{self.path} is no CSV ({reason}); mend its quotes or save it as Parquet"
                    ) from None
        if not record:
            raise ValueError(f"{self.path} has a header and no rows; it needs a line a bar")
        pa.default_memory_pool().release_unused()
        return {name: values[:record] for name, values in arrays.items()}, {
            name: coding.key() for name, coding in coded.items()
        }

    def _open(self, file: Any, types: dict[str, Any]) -> Any:
        return pa_csv.open_csv(
            file,
            read_options=pa_csv.ReadOptions(
                column_names=[str(k) for k in range(len(self.names))], block_size=_BLOCK
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=self._quotes,
                invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(types),
                column_types=types,
                null_values=_NULLS,
                strings_can_be_null=False,
                decimal_point=self.form.decimal,
            ),
        )

    def _read_texts(self, name: str, column: pa.Array, record: int) -> np.ndarray:
        """Returns texts as numbers; raises ValueError for one that is none. record: of the first of them."""
        cells = column.to_pandas()
        values = self.form.read(cells)
        bad = np.isnan(values) & ~blank(cells)
        if bad.any():
            record += int(np.argmax(bad))
            raise ValueError(f"{self.where(record)}: {no_number(name, self.cell(record, name), self.form)}")
        return values

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
                        f"{self.path}:{line}: {len(cells)} cells where the header has "
                        f"{len(self.names)}; mend "
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
    rows: int = 0

    @property
    def header(self) -> str:
        return str(self.path)

    def where(self, record: int) -> str:
        return f"{self.path}, row {record + 1}"

    def cell(self, record: int, column: str) -> str:
        end = 0
        for piece in self._pieces(column):
            if record < end + len(piece):
                value = piece[record - end].as_py()
                return "" if value is None else str(value)
            end += len(piece)
        raise IndexError(record)

    def read(self, numbers: Sequence[str], keys: Sequence[str]) -> Cells:
        arrays: dict[str, np.ndarray] = {}
        keyed: dict[str, Key] = {}
        for name in numbers:  # a column at a time: Arrow holds buffers of all that it is asked for at once
            arrays[name], end = np.empty(self.rows, np.float64), 0
            for piece in self._pieces(name):
                arrays[name][end : end + len(piece)] = self._floats(name, piece, end)
                end += len(piece)
        for name in keys:
            coding = _Coding(self.rows)
            for piece in self._pieces(name):
                coding.add(_encoded(piece))
            keyed[name] = coding.key()
        return _without_blank_rows(arrays, keyed)

    def _pieces(self, name: str) -> Iterator[pa.Array]:
        """Yields the rows of a column; raises ValueError unless they are as many as the file says."""
        pool, left = pa.default_memory_pool(), self.rows
        try:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                for batch in file.iter_batches(
                    batch_size=_BATCH, columns=[self.places[name]], use_threads=False
                ):
                    left -= batch.num_rows
                    if left < 0:
                        break
                    yield batch.column(0)
            if left:
                raise OSError(f"{self.rows - left} rows of {name} instead of {self.rows}")
        except (pa.ArrowException, OSError) as error:
            raise _no_parquet(self.path, error) from None
        finally:
            pool.release_unused()

    def _floats(self, name: str, column: pa.Array, record: int) -> np.ndarray:
        """Returns a piece of a column as numbers. record: of its first row."""
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            try:
                return _floats(pc.cast(column, pa.float64(), safe=False))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise ValueError(
                    f"{self.path}: column {name!r} is of type {column.type}, which is no number; "
                    "write numbers"
                ) from None
        cells = column.to_pandas().astype(object)
        cells = cells.where(cells.notna(), "").astype(str)
        values = NumberFormat().read(cells)
        bad = np.isnan(values) & ~blank(cells)
        if bad.any():
            row = int(np.argmax(bad))
            told = no_number(name, cells.iloc[row], NumberFormat())
            raise ValueError(f"{self.where(record + row)}: {told}")
        return values


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    """Returns a piece of a column that is no number, encoded; what Arrow cannot encode as texts."""
    if pa.types.is_dictionary(column.type):
        return column
    try:
        return column.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return pa.array(column.to_pandas().astype(str), pa.string()).dictionary_encode()


def blank(cells: pd.Series) -> np.ndarray:
    """Returns where cells say nothing, or a word for it such as NaN, (R,) bool."""
    if cells.dtype.kind in "Mmiufb" or isinstance(cells.dtype, pd.DatetimeTZDtype):
        return cells.isna().to_numpy(np.bool_)
    texts = cells.astype(object).where(cells.notna(), "").astype(str)
    return texts.str.strip().str.lower().isin(MISSING).to_numpy(np.bool_)


def no_number(column: str, text: str, form: NumberFormat) -> str:
    """Returns how a cell that is no number is told, and what may help."""
    told = f"{column}={text[:40]!r} is no number"
    if form.decimal == "." and re.fullmatch(r"\s*[-+]?[0-9]+,[0-9]+\s*", text):
        told += "; say decimal=',' where the comma is the decimal sign"
        if re.fullmatch(r"\s*[-+]?[0-9]{1,3},[0-9]{3}\s*", text):
            told += ", thousands=',' where it separates thousands"
        return told
    if form == NumberFormat() and re.fullmatch(r"\s*[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?\s*", text):
        return told + "; say thousands=','"
    if form.decimal == "," and "." in text:
        return told + " where the decimal sign is a comma; is it decimal='.'?"
    return told + "; write a plain number, or drop the row"


def _open_parquet(path: Path) -> Table:
    try:
        schema = pq.read_schema(path)
        about = pq.read_metadata(path)
        rows = about.num_rows
        if rows != sum(about.row_group(k).num_rows for k in range(about.num_row_groups)) or rows < 0:
            raise OSError(f"its parts have not the {rows} rows that it says")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_parquet(path, error) from None
    try:
        told = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        index = [name for name in told.get("index_columns", []) if name in schema.names]
        has_levels = len(told.get("column_indexes", [])) > 1
    except (ValueError, AttributeError, TypeError) as error:
        raise _no_parquet(path, error) from None
    ordered = [*index, *(name for name in schema.names if name not in index)]
    names: list[str] = []
    levels: dict[str, tuple[str, str]] = {}
    for place in ordered:
        name = "" if re.fullmatch(r"__index_level_[0-9]+__", place) else re.sub(_CONTROL, " ", place)
        parts = _parts_of(name) if has_levels else ()
        if len(parts) > 1:
            first, last = parts[0].strip(), parts[-1].strip()
            name = f"{first} {last}".strip()
            if first and last:
                levels[name] = (first, last)
        names.append(name)
    _require_different(str(path), names)
    if not rows:
        raise ValueError(f"{path} has no rows; it needs a row a bar")
    return _Parquet(path, names, levels, dict(zip(names, ordered, strict=True)), rows)


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


def _count_lines(path: Path) -> int:
    """Returns how many lines a text file has at most.

    Raises ValueError if it is empty, no UTF-8, or holds a NUL byte.
    """
    decoder, lines, any_text = codecs.getincrementaldecoder("utf-8-sig")(), 0, False
    returns = 0  # which end lines too, alone or before a line feed
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
                    f"{path}:{line}: {fault} is no UTF-8 text, so this is no CSV; save it as UTF-8 "
                    "CSV or Parquet"
                )
            any_text = any_text or bool(block.strip())
            lines += block.count(b"\n")
            returns += block.count(b"\r")
    if decoder.getstate()[0]:
        raise ValueError(
            f"{path}:{lines + 1}: its last character is cut off, so this is no UTF-8 CSV; save it again"
        )
    if not any_text:
        raise ValueError(f"{path} is empty; it needs a header line and a line a bar")
    return lines + returns + 1


def _open_csv(
    path: Path,
    head: bytes,
    file_lines: int,
    delimiter: str | None,
    form: NumberFormat,
    given: Sequence[str] | None,
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
    rows = [[re.sub(_CONTROL, " ", cell).strip() for cell in cells] for _, cells in top]
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
    if len(head) < _HEADER_BYTES and text.count('"') % 2:
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
    return _Csv(path, names, levels, sep, form, lines, offset, top[0][0], file_lines)


def _records(file: Any, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the first line and the cells of each record that is not blank."""
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
    before = 0
    for cells in reader:
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            yield before + 1, cells
        before = reader.line_num


def _require_names(path: Path, line: int, cells: list[str], form: NumberFormat) -> None:
    """Raises ValueError for a first line that is data: its first cell and most others are numbers
    or times.
    """
    filled = [cell for cell in cells if cell]
    if filled == [str(k) for k in range(len(filled))]:  # as pandas calls columns without names
        return
    numbers = ~np.isnan(form.read(pd.Series(filled, dtype=str)))
    data = numbers | np.array(
        [bool(re.match(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}", cell)) for cell in filled]
    )
    if filled and data[0] and data.sum() * 2 >= len(filled):
        raise ValueError(
            f"{path}:{line}: the first line is data ({', '.join(filled)[:60]}), a header is missing; "
            "write one "
            f"above it, or give names=[...], a name for each of the {len(cells)} columns: "
            "time, open, high, low, close, volume and whatever else there is"
        )


def _header(rows: list[list[str]]) -> tuple[list[str], dict[str, tuple[str, str]], int]:
    """Returns the columns' names, their levels and the number of header lines.

    yfinance and pandas write two levels and a line with the name of the index: `Price,Close,…`,
    `Ticker,AAPL,…` and `Date,,…`, or the tickers first.
    """
    from quadrivium.envs.trading.market.files.columns import are_fields

    if len(rows) > 2 and len(rows[0]) == len(rows[1]) and len(rows[0]) > 1:
        above, below = rows[0][1:], rows[1][1:]
        named = rows[2][0] != "" and not any(rows[2][1:])
        labelled = not re.match(r"[0-9]", rows[1][0])  # what is no time
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


def _floats(column: pa.Array) -> np.ndarray:
    """Returns numbers, NaN where there is none."""
    return column.to_numpy(zero_copy_only=False)


class _Coding:
    """A column that is encoded piece by piece, of at most `rows` rows."""

    def __init__(self, rows: int) -> None:
        self._codes = np.empty(rows, np.int32)
        self._end = 0
        self._pieces: list[tuple[slice, pa.Array]] = []  # rows, and the values that their codes mean

    def add(self, piece: pa.DictionaryArray) -> None:
        """Adds rows."""
        rows = slice(self._end, self._end + len(piece))
        self._codes[rows] = pc.fill_null(piece.indices, -1).to_numpy(zero_copy_only=False)
        self._end = rows.stop
        self._pieces.append((rows, piece.dictionary))

    def key(self) -> Key:
        """Returns the column, in which each value has one code."""
        codes = self._codes[: self._end]
        united = pa.concat_arrays([values for _, values in self._pieces]).dictionary_encode()
        places = united.indices.to_numpy(zero_copy_only=False)  # of each piece's values among all
        missing, start = len(united.dictionary), 0
        for rows, values in self._pieces:
            known = np.append(places[start : start + len(values)], missing)
            codes[rows] = known[codes[rows]]  # −1, which is no value, is the last one
            start += len(values)
        values: pd.Series = united.dictionary.to_pandas()
        kind = united.dictionary.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            texts = values.astype(object).where(values.notna(), "").astype(str)
            values = texts.str.replace(_CONTROL, " ", regex=True).str.strip()
        if (codes == missing).any():
            if values.dtype.kind in "iub":  # which have no way to say so
                values = values.astype(np.float64 if values.dtype.kind != "b" else object)
            values = pd.concat([values, pd.Series([None], dtype=values.dtype)], ignore_index=True)
        return Key(codes, values)


def _without_blank_rows(numbers: dict[str, np.ndarray], keys: dict[str, Key]) -> Cells:
    """Returns the columns without the rows in which every one of them is blank."""
    empty: Any = None
    for key in keys.values():
        empty = key.blank() if empty is None else empty & key.blank()
    if empty is None or not empty.any():
        return Cells(numbers, keys)
    for values in numbers.values():
        empty = empty & np.isnan(values)
    kept = np.flatnonzero(~empty)
    if len(kept) == len(empty) or not len(kept):
        return Cells(numbers, keys)
    return Cells(
        {name: values[kept] for name, values in numbers.items()},
        {name: Key(key.codes[kept], key.values) for name, key in keys.items()},
        kept,
    )
