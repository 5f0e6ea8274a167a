"""Read one CSV file strictly: text in, cells with their line numbers and every problem out."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from combined_care.problems import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_UTF8_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
_OTHER_DELIMITERS = (";", "\t", "|")
#: Bytes that are not UTF-8 are decoded to these code points; NUL is never text.
_UNREADABLE = re.compile("[\x00\udc80-\udcff]")
#: More NUL bytes than this share means a wide encoding rather than a stray byte.
_WIDE_SHARE = 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class TextTable:
    """The cells of one file as text.

    Attributes
    ----------
    file : str
        Name of the file.
    cells : pandas.DataFrame of str
        One row a record, the expected columns in their order; an empty cell is ``""``.
    lines : numpy.ndarray of int
        Line on which each record starts; the header is line 1.
    absent : frozenset of str
        Expected columns that the file does not have; their cells are empty here.
    whole : bool
        Whether every record could be read. Checks across rows or files are meaningful only then.
    """

    file: str
    cells: pd.DataFrame
    lines: npt.NDArray[np.int64]
    absent: frozenset[str]
    whole: bool

    def problems(
        self,
        rows: npt.ArrayLike,
        column: str,
        expected: str | Callable[[int], str],
        severity: Severity = "error",
    ) -> Iterator[Problem]:
        """Name a column of each row that `rows` marks as a problem.

        Parameters
        ----------
        rows : array_like of bool of shape (n_rows,)
            True where something is wrong.
        column : str
            The column whose value is shown; several are joined by a comma and a space.
        expected : str or callable
            What was expected, or a function that says it for the position of a row.
        severity : {"error", "warning"}
            How grave it is.
        """
        for index in np.flatnonzero(np.asarray(rows, dtype=bool)):
            values = self.cells.iloc[index][column.split(", ")]
            yield Problem(
                file=self.file,
                line=int(self.lines[index]),
                column=column,
                value=" / ".join(values),
                expected=expected if isinstance(expected, str) else expected(int(index)),
                severity=severity,
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(TextTable):
    """A file as text and as typed values, row by row.

    Attributes
    ----------
    values : pandas.DataFrame
        The same rows and columns; numbers are float64 (nan where the cell is empty or is not a
        number), the rest is text.
    """

    values: pd.DataFrame


def read_text_table(
    path: Path, columns: Sequence[str], *, may_be_empty: bool = False
) -> tuple[TextTable | None, tuple[Problem, ...]]:
    """Read a comma-separated UTF-8 file with a header row.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    columns : sequence of str
        The columns that it must have, in their order.
    may_be_empty : bool
        Whether a header without rows will do.

    Returns
    -------
    table : TextTable or None
        None when nothing could be read.
    problems : tuple of Problem
        Everything that does not fit: missing or empty file, encoding, NUL bytes, delimiter,
        header, rows of another length, broken quotes.

    Notes
    -----
    A wrong delimiter is an error, but the file is read on with the delimiter that it uses, so
    that its other problems are listed in the same run. A byte order mark is skipped with a
    warning, as spreadsheet programs add it unasked.
    """
    return _Reader(path, tuple(columns), may_be_empty=may_be_empty).read()


class _Reader:
    """One pass over one file; a class only to keep the steps short."""

    def __init__(self, path: Path, columns: tuple[str, ...], *, may_be_empty: bool) -> None:
        self.path = path
        self.may_be_empty = may_be_empty
        self.columns = columns
        self.problems: list[Problem] = []
        self.whole = True

    def read(self) -> tuple[TextTable | None, tuple[Problem, ...]]:
        text = self._text()
        table = self._table(text) if text is not None else None
        return table, tuple(self.problems)

    def _say(
        self,
        expected: str,
        *,
        line: int | None = None,
        column: str = "",
        value: str = "",
        severity: Severity = "error",
    ) -> None:
        problem = Problem(
            file=self.path.name,
            line=line,
            column=column,
            value=value,
            expected=expected,
            severity=severity,
        )
        self.problems.append(problem)

    def _text(self) -> str | None:
        if not self.path.is_file():
            self._say("a file of this name", value="no file")
            return None
        raw = self.path.read_bytes()
        wide = raw.startswith(_WIDE_BOMS) or raw.count(0) > _WIDE_SHARE * len(raw)
        if raw and wide:
            self._say("text encoded in UTF-8", value="UTF-16 or binary content")
            return None
        if raw.startswith(_UTF8_BOM):
            raw = raw.removeprefix(_UTF8_BOM)
            self._say(
                "UTF-8 without a byte order mark (it was skipped)",
                line=1,
                value="byte order mark",
                severity="warning",
            )
        if not raw.strip():
            self._say("a header and at least one row", value="an empty file")
            return None
        return raw.decode("utf-8", errors="surrogateescape")

    def _table(self, text: str) -> TextTable | None:
        delimiter = self._delimiter(text)
        records = self._records(text, delimiter)
        if not records:
            return None
        _, header = records[0]
        if not self._check_header(header):
            return None
        rows = self._rectangle(records[1:], len(header))
        if len(records) == 1 and not self.may_be_empty:
            self._say("at least one row below the header", value="only a header")
        frame = pd.DataFrame([row for _, row in rows], columns=header, dtype=str)
        return TextTable(
            file=self.path.name,
            cells=frame.reindex(columns=list(self.columns), fill_value=""),
            lines=np.array([line for line, _ in rows], dtype=np.int64),
            absent=frozenset(self.columns) - frozenset(header),
            whole=self.whole and len(rows) == len(records) - 1,
        )

    def _delimiter(self, text: str) -> str:
        first = text.lstrip("\r\n").splitlines()[0]
        found = max(_OTHER_DELIMITERS, key=first.count)
        if first.count(found) <= first.count(","):
            return ","
        name = "a tab" if found == "\t" else f"'{found}'"
        self._say("columns separated by a comma", line=1, value=f"columns separated by {name}")
        return found

    def _records(self, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
        """Split `text`, keeping the line on which each record starts."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        records: list[tuple[int, list[str]]] = []
        start = 1
        try:
            for record in reader:
                records.append((start, record))
                start = reader.line_num + 1
        except csv.Error as error:
            self.whole = False
            self._say(
                "well-formed quotes (the file was not read from here on)",
                line=start,
                value=str(error),
            )
        return self._readable(records) if _UNREADABLE.search(text) else records

    def _readable(self, records: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
        """Report cells with bytes that are not UTF-8 text and mark the bytes in them."""
        header = records[0][1] if records else []
        for line, record in records:
            for index, cell in enumerate(record):
                if _UNREADABLE.search(cell):
                    record[index] = _UNREADABLE.sub("\ufffd", cell)
                    name = header[index] if index < len(header) else ""
                    what = (
                        "text without NUL bytes"
                        if "\x00" in cell
                        else "text encoded in UTF-8 (the file may be in Windows-1252)"
                    )
                    self._say(what, line=line, column=name, value=record[index])
        return records

    def _check_header(self, header: list[str]) -> bool:
        """Compare the header with the expected columns; False if names are ambiguous."""
        twice = sorted({name for name in header if header.count(name) > 1})
        for name in twice:
            self._say("each column once", line=1, column=name, value=f"{name} more than once")
        for name in self.columns:
            if name not in header:
                self._say(
                    "this column in the header (rules that need it were not checked)",
                    line=1,
                    column=name,
                    value="no such column",
                )
        for name in header:
            if name not in self.columns and name not in twice:
                self._say("only columns of the data package", line=1, column=name, value=name)
        shared = [name for name in header if name in self.columns]
        if not twice and shared != [name for name in self.columns if name in header]:
            self._say(f"the order {', '.join(self.columns)}", line=1, value=", ".join(header))
        return not twice

    def _rectangle(
        self, records: list[tuple[int, list[str]]], width: int
    ) -> list[tuple[int, list[str]]]:
        """Set rows of another length aside, each with its problem."""
        for line, record in records:
            if len(record) != width:
                value = f"{len(record)} cells" if record else "a blank line"
                self._say(f"{width} cells, as in the header", line=line, value=value)
        return [(line, record) for line, record in records if len(record) == width]
