"""Read a delimited file of unknown dialect: every cell stays text until a column is typed.

Separator (comma, semicolon, tab, bar) and decimal mark (point, comma) are found in the file. The
decimal mark is a matter of each column, because public files mix them: a spreadsheet exports the
numbers with the marks of its country and leaves those that it holds as text as they were.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from combined_care.errors import DataError
from combined_care.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from combined_care.results import FloatArray

#: Words for "not reported", compared without case; all others are values.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "nr", "null"})

_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MARKS = {",": "comma", ".": "point"}
_THOUSAND = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class DelimitedTable:
    """One file as text.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    sha256 : str
        Digest of its bytes.
    cells : pandas.DataFrame of str
        One row a record; columns are named as in the file, those without a name by their
        position (``unnamed 1``).
    lines : numpy.ndarray of int
        Line on which each record starts; the header is line 1.
    broken : tuple of (int, str)
        Line and reason of each record that has another number of cells than the header.
    remarks : tuple of str
        What a reader should know about how the file was read.
    """

    path: Path
    sha256: str
    cells: pd.DataFrame
    lines: npt.NDArray[np.int64]
    broken: tuple[tuple[int, str], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """A column as numbers.

    Attributes
    ----------
    values : numpy.ndarray of shape (n,)
        nan where nothing is reported and where the cell is no number.
    wrong : mapping of int to str
        Position of each cell that is neither a number nor a word for "not reported", and what
        was expected there.
    """

    values: FloatArray
    wrong: Mapping[int, str]


def read_delimited(path: str | Path) -> DelimitedTable:
    """Read a delimited text file with a header.

    Parameters
    ----------
    path : str or pathlib.Path
        The file: UTF-8, or Windows-1252 as older spreadsheet programs write it (which is said
        in ``remarks``).

    Returns
    -------
    DelimitedTable
        Its cells as text.

    Raises
    ------
    DataError
        If there is no such file, it is binary, empty or has no row, its header has fewer than two
        columns or a name twice, its quotes are broken, or no row fits the header.
    """
    path = Path(path)
    raw = _bytes(path)
    text, remarks = _decoded(path, raw)
    delimiter = _delimiter(path, text)
    records = _records(path, text, delimiter)
    header = _header(path, records[0][1])
    rows = [(line, cells) for line, cells in records[1:] if any(cell.strip() for cell in cells)]
    whole = [(line, cells) for line, cells in rows if len(cells) == len(header)]
    broken = [
        (line, f"{len(cells)} cells where the header has {len(header)}")
        for line, cells in rows
        if len(cells) != len(header)
    ]
    if not whole:
        what = f"no row has the {len(header)} cells of the header" if rows else "only a header"
        raise _unreadable(path, f"{what} (read with {_named(delimiter)} between cells)")
    return DelimitedTable(
        path=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        cells=pd.DataFrame([cells for _, cells in whole], columns=header, dtype=str),
        lines=np.array([line for line, _ in whole], dtype=np.int64),
        broken=tuple(broken),
        remarks=remarks,
    )


def require_columns(table: DelimitedTable, columns: Iterable[str], what: str) -> None:
    """Raise one :class:`DataError` that names every missing column and the nearest header.

    Parameters
    ----------
    table : DelimitedTable
        The file.
    columns : iterable of str
        Names that its header must have.
    what : str
        What such a file is, for the message.
    """
    header = [str(name) for name in table.cells.columns]
    missing = []
    for name in columns:
        if name not in header:
            near = difflib.get_close_matches(name, header, n=1, cutoff=0.6)
            missing.append(f"{name!r}" + (f" (nearest: {near[0]!r})" if near else ""))
    if missing:
        message = (
            f"{table.path.name}: {what} needs the columns {', '.join(missing)}; "
            f"the header has {', '.join(header)}"
        )
        raise DataError(message)


def is_missing(cell: str) -> bool:
    """Tell whether a cell says "not reported".

    Examples
    --------
    >>> is_missing("NA"), is_missing("0")
    (True, False)
    """
    return cell.strip().casefold() in MISSING


def known_text(cell: str) -> str:
    """Return the text of a cell, ``""`` where it says "not reported"."""
    return "" if is_missing(cell) else cell.strip()


def as_numbers(cells: Sequence[str], *, whole: bool = False) -> NumberColumn:
    """Type one column.

    Parameters
    ----------
    cells : sequence of str
        Its cells.
    whole : bool
        Whether only whole numbers belong there.

    Returns
    -------
    NumberColumn
        A column uses one decimal mark. Where both occur, a cell with the rarer one is read as a
        number too, unless it may be a thousand: ``1,234`` is wrong in a column of points.

    Examples
    --------
    >>> as_numbers(["6,92", "NA", "11"]).values.tolist()
    [6.92, nan, 11.0]
    >>> as_numbers(["6.92", "7.1", "1,234"]).wrong
    {2: 'a number with a decimal point, as in the rest of the column (or is it a thousand?)'}
    """
    mark = _decimal_mark(cells)
    values = np.full(len(cells), np.nan)
    wrong: dict[int, str] = {}
    for index, cell in enumerate(cells):
        if is_missing(cell):
            continue
        expected = _unlike_number(cell, mark)
        if expected is None:
            number = float(_plain(cell).replace(",", "."))
            expected = "a whole number" if whole and number != round(number) else None
            values[index] = np.nan if expected else number
        if expected is not None:
            wrong[index] = expected
    return NumberColumn(values=values, wrong=wrong)


@dataclass(frozen=True, kw_only=True)
class TypedColumns:
    """The columns of a table that hold numbers.

    Attributes
    ----------
    table : DelimitedTable
        The file.
    columns : mapping of str to NumberColumn
        Those of the asked columns that it has.
    """

    table: DelimitedTable
    columns: Mapping[str, NumberColumn]

    @classmethod
    def of(cls, table: DelimitedTable, names: Iterable[str], whole: Iterable[str]) -> TypedColumns:
        """Type the columns `names` that the file has; of these, `whole` hold whole numbers."""
        counts = set(whole)
        columns = {
            name: as_numbers(table.cells[name].tolist(), whole=name in counts)
            for name in names
            if name in table.cells
        }
        return cls(table=table, columns=columns)

    def values(self, index: int) -> dict[str, float]:
        """Return the numbers of a row by column; nan where none is reported."""
        return {name: float(column.values[index]) for name, column in self.columns.items()}

    def wrong(self, index: int) -> dict[str, str]:
        """Say of each cell of a row that is no number what it is and what was expected."""
        return {
            name: f"{name} is {self._cell(name, index)!r}, expected {column.wrong[index]}"
            for name, column in self.columns.items()
            if index in column.wrong
        }

    def problems(self) -> list[Problem]:
        """Name every cell that is no number: file, line, column, value, expected."""
        found = [
            Problem(
                file=self.table.path.name,
                line=int(self.table.lines[index]),
                column=name,
                value=self._cell(name, index),
                expected=expected,
            )
            for name, column in self.columns.items()
            for index, expected in column.wrong.items()
        ]
        return sorted(found, key=lambda problem: problem.line or 0)

    def _cell(self, name: str, index: int) -> str:
        return str(self.table.cells[name].iloc[index])


def _plain(cell: str) -> str:
    return cell.strip().replace("\N{MINUS SIGN}", "-")


def _decimal_mark(cells: Sequence[str]) -> str | None:
    """Return the mark that most numbers of a column use; None when there is none."""
    numbers = [cell for cell in map(_plain, cells) if _NUMBER.fullmatch(cell)]
    counts = {mark: sum(mark in cell for cell in numbers) for mark in _MARKS}
    return max(_MARKS, key=counts.__getitem__) if any(counts.values()) else None


def _unlike_number(cell: str, mark: str | None) -> str | None:
    text = _plain(cell)
    if _NUMBER.fullmatch(text) is None or not np.isfinite(float(text.replace(",", "."))):
        return "a number, or NA or an empty cell where nothing is reported"
    if _THOUSAND.fullmatch(text) and mark is not None and mark not in text:
        rest = "as in the rest of the column (or is it a thousand?)"
        return f"a number with a decimal {_MARKS[mark]}, {rest}"
    return None


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(f"{path.name} cannot be read: {why}")


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        message = f"{path}: no such file"
        raise DataError(message)
    raw = path.read_bytes()
    if b"\x00" in raw:
        raise _unreadable(path, "it is not UTF-8 text (a spreadsheet must be saved as CSV UTF-8)")
    if not raw.removeprefix(_BOM).strip():
        raise _unreadable(path, "it is empty")
    return raw


def _decoded(path: Path, raw: bytes) -> tuple[str, tuple[str, ...]]:
    raw = raw.removeprefix(_BOM)
    try:
        return raw.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252"), ("the file is not UTF-8; it was read as Windows-1252",)
    except UnicodeDecodeError as error:
        raise _unreadable(path, "its text is neither UTF-8 nor Windows-1252") from error


def _delimiter(path: Path, text: str) -> str:
    """Choose the separator that splits the header into most cells."""
    first = text.lstrip("\r\n").splitlines()[0]
    widths = {mark: len(next(csv.reader([first], delimiter=mark))) for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=widths.__getitem__)
    if widths[best] < 2:
        why = "its first line is no header of columns separated by comma, semicolon, tab or bar"
        raise _unreadable(path, why)
    return best


def _named(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"'{delimiter}'"


def _records(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Split the text, keeping the line on which each record starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for record in reader:
            records.append((start, record))
            start = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(path, f"its quotes are broken from line {start} on ({error})") from error
    return [(line, cells) for line, cells in records if cells]


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    names = [name.strip() or f"unnamed {place}" for place, name in enumerate(cells, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _unreadable(path, f"its header names {', '.join(map(repr, twice))} more than once")
    return names
