"""From values to the cells of exported tables: numbers exact, text safe where people open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.importer import csv_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: First characters with which a spreadsheet takes text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: From here on, floats have no digits after the point to lose.
_LARGE = 1e15


def cell(value: Any) -> str:
    """Write one value: numbers with all their digits, lists joined by "; ", nothing as nothing.

    Examples
    --------
    >>> cell(0.1 + 0.2), cell(12.0), cell(float("nan")), cell(True), cell(("a-01", "a-02"))
    ('0.30000000000000004', '12', '', '1', 'a-01; a-02')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        return "; ".join(map(cell, value))
    if value is None or pd.isna(value):
        return ""
    number = float(value)
    whole = number.is_integer() and abs(number) < _LARGE
    return str(int(number)) if whole else repr(number)


def guarded(value: Any) -> str:
    """Write one value so that a spreadsheet never takes its text for a formula.

    Examples
    --------
    >>> print(guarded('=HYPERLINK("x")'), guarded("-0.5"), guarded(-0.5))
    '=HYPERLINK("x") '-0.5 -0.5
    """
    shown = cell(value)
    return f"'{shown}" if not _is_number(value) and shown.startswith(_FORMULA) else shown


def exact_csv(frame: pd.DataFrame) -> str:
    """Write a table for programs: every value as it is."""
    return _csv(frame, cell)


def sheet_csv(frame: pd.DataFrame) -> str:
    """Write a table that people may open in a spreadsheet: text that looks like a formula is not.

    Such text gets an apostrophe before it; numbers are untouched.
    """
    return _csv(frame, guarded)


def as_cells(rows: Iterable[Iterable[Any]], columns: Iterable[str]) -> pd.DataFrame:
    """Put rows together as a frame of objects, whatever they hold; no row is a frame as well."""
    return pd.DataFrame([tuple(row) for row in rows], columns=list(columns), dtype=object)


def _is_number(value: Any) -> bool:
    return not isinstance(value, (str, tuple, list))


def _csv(frame: pd.DataFrame, write: Callable[[Any], str]) -> str:
    cells = {str(name): [write(value) for value in frame[name]] for name in frame}
    return csv_text(pd.DataFrame(cells, columns=list(cells), dtype=object))
