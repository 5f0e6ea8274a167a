"""Read the tables of a data folder by its data package; list every problem or return types."""

from __future__ import annotations

import difflib
import json
import operator
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from combined_care import checks
from combined_care.errors import DataError
from combined_care.problems import Problem, ValidationReport
from combined_care.tabular import Table, TextTable, read_text_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PACKAGE_FILE = "datapackage.json"
#: Tables without which there is no evidence.
REQUIRED_TABLES = ("trials", "outcomes", "published")

_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?\d*,\d+", re.ASCII)
_NUMERIC = ("number", "integer")
_BOUNDS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", operator.ge),
    "maximum": ("at most", operator.le),
    "exclusiveMinimum": ("above", operator.gt),
}


def read_tables(folder: str | Path) -> dict[str, pd.DataFrame]:
    """Read every table of a data folder, typed and checked.

    Parameters
    ----------
    folder : str or pathlib.Path
        Folder with ``datapackage.json`` and the files that it names.

    Returns
    -------
    dict of str to pandas.DataFrame
        One frame a table, in the order of the data package. Numbers and counts are float64 with
        nan where nothing is reported; everything else is text, ``""`` where nothing is reported.

    Raises
    ------
    DataError
        If there is any error; the message lists all of them. Warnings do not stop the reading:
        :func:`validate` lists them.

    Notes
    -----
    The columns, types, vocabularies, bounds and keys are those of ``datapackage.json`` and are
    declared nowhere else; rules across cells are in :mod:`combined_care.checks`.
    """
    report, tables = _read(Path(folder))
    if not report.ok:
        listed = "\n".join(str(problem) for problem in report.errors)
        message = f"the data in {folder} cannot be used: {len(report.errors)} errors\n{listed}"
        raise DataError(message)
    return {name: table.values for name, table in tables.items()}


def validate(folder: str | Path, *, standard: bool = True) -> ValidationReport:
    """Check every table of a data folder and list all problems.

    Parameters
    ----------
    folder : str or pathlib.Path
        Folder with ``datapackage.json`` and the files that it names.
    standard : bool
        Whether the Frictionless library, which takes seconds, is asked as well.

    Returns
    -------
    ValidationReport
        All errors and warnings, with file, line, column, value and what was expected.

    Notes
    -----
    A folder without errors is also given to the Frictionless library, so that "valid" here means
    valid for every other tool that reads data packages. Its verdict comes last because it neither
    names lines inside quoted text nor knows what the numbers mean.
    """
    folder = Path(folder)
    report, _ = _read(folder)
    if not (report.ok and standard):
        return report
    problems = (*report.problems, *_frictionless_problems(folder))
    return ValidationReport(problems=problems, counts=report.counts)


def declared_fields(folder: str | Path) -> dict[str, tuple[Field, ...]]:
    """Return the columns of every table as the data package declares them.

    Returns
    -------
    dict of str to tuple of Field
        Table -> its columns, both in the order of the data package.

    Raises
    ------
    DataError
        If the folder has no data package, or a malformed one.
    """
    resources, problems = _resources(Path(folder))
    if problems:
        message = "\n".join([f"the tables of {folder} are not described", *map(str, problems)])
        raise DataError(message)
    return {resource.name: resource.fields for resource in resources}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column as the data package declares it.

    Attributes
    ----------
    name, type, description, unit : str
        `type` is ``string``, ``number`` or ``integer``; `unit` is empty where there is none.
    constraints : mapping
        As Frictionless names them: ``required``, ``pattern``, ``minimum``, ...
    meanings : mapping of str to str
        Allowed word -> its meaning; empty where the column has no vocabulary.
    separator : str
        What joins several words in one cell; empty where a cell holds one.
    """

    name: str
    type: str
    description: str
    unit: str
    constraints: Mapping[str, Any]
    meanings: Mapping[str, str]
    separator: str

    @classmethod
    def declared(cls, entry: Mapping[str, Any]) -> Field:
        """Read one field of a data package."""
        return cls(
            name=entry["name"],
            type=entry["type"],
            description=entry.get("description", ""),
            unit=entry.get("unit", ""),
            constraints=entry.get("constraints", {}),
            meanings=entry.get("meanings", {}),
            separator=entry.get("separator", ""),
        )

    @property
    def required(self) -> bool:
        """Whether the cell may not stay empty."""
        return bool(self.constraints.get("required"))

    def expected(self, value: str) -> str | None:
        """Say what should stand in place of `value`, or None when it fits."""
        if value == "":
            return self._anything() if self.required else None
        if self.type in _NUMERIC:
            return self._expected_number(value)
        pattern = self.constraints.get("pattern")
        if pattern is not None and re.fullmatch(pattern, value) is None:
            return f"text of the form {pattern}"
        parts = value.split(self.separator) if self.separator else [value]
        if not self.meanings or (
            set(parts) <= set(self.meanings) and len(set(parts)) == len(parts)
        ):
            return None
        return self._one_of(parts)

    def _anything(self) -> str:
        return self._one_of([]) if self.meanings else f"a {self._kind()}"

    def _kind(self) -> str:
        return {"number": "number", "integer": "whole number"}.get(self.type, "text")

    def _one_of(self, parts: Iterable[str]) -> str:
        allowed = list(self.meanings)
        joint = f", joined by '{self.separator}'" if self.separator else ""
        wrong = [part for part in parts if part not in self.meanings]
        near = difflib.get_close_matches(wrong[0], allowed, n=1) if wrong else []
        hint = f" (perhaps {near[0]})" if near else ""
        return (
            f"{'each at most once, any' if joint else 'one'} of: {', '.join(allowed)}{joint}{hint}"
        )

    def _expected_number(self, value: str) -> str | None:
        form = _INTEGER if self.type == "integer" else _NUMBER
        if form.fullmatch(value) is None or not np.isfinite(float(value)):
            if _DECIMAL_COMMA.fullmatch(value):
                return f"a {self._kind()} with a decimal point, not a comma"
            return f"a {self._kind()}, or an empty cell where nothing is reported"
        for name, (words, holds) in _BOUNDS.items():
            if name in self.constraints and not holds(float(value), self.constraints[name]):
                bound = f"a {self._kind()} {words} {self.constraints[name]}"
                return self._one_of([]) if self.meanings else bound
        return None


@dataclass(frozen=True, kw_only=True)
class _Resource:
    """One table as the data package declares it."""

    name: str
    path: str
    fields: tuple[Field, ...]
    keys: tuple[tuple[str, ...], ...]
    references: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]
    may_be_empty: bool

    @classmethod
    def declared(cls, entry: Mapping[str, Any]) -> _Resource:
        schema = entry["schema"]
        columns = tuple(Field.declared(field) for field in schema["fields"])
        unique = [(field.name,) for field in columns if field.constraints.get("unique")]
        links = [
            (tuple(key["fields"]), key["reference"]["resource"] or entry["name"],
             tuple(key["reference"]["fields"]))
            for key in schema.get("foreignKeys", ())
        ]  # fmt: skip
        return cls(
            name=entry["name"],
            path=entry["path"],
            fields=columns,
            keys=tuple(dict.fromkeys([tuple(schema["primaryKey"]), *unique])),
            references=tuple(links),
            may_be_empty=bool(entry.get("mayBeEmpty")),
        )


def _read(folder: Path) -> tuple[ValidationReport, dict[str, Table]]:
    resources, found = _resources(folder)
    problems: list[Problem] = list(found)
    tables: dict[str, Table] = {}
    for resource in resources:
        columns = [field.name for field in resource.fields]
        file, empty = folder / resource.path, resource.may_be_empty
        text, unread = read_text_table(file, columns, may_be_empty=empty)
        problems += unread
        if text is not None:
            tables[resource.name] = _typed(text, resource.fields)
            problems += _cell_problems(text, resource.fields)
            for key in resource.keys:
                problems += _key_problems(text, key)
    for resource in resources:
        problems += _reference_problems(resource, tables)
    problems += checks.check(tables)
    order = {resource.path: index for index, resource in enumerate(resources)}
    problems.sort(key=lambda p: (order.get(p.file, -1), p.line or 0))
    counts = {name: len(table.values) for name, table in tables.items()}
    return ValidationReport(problems=tuple(problems), counts=counts), tables


def _resources(folder: Path) -> tuple[tuple[_Resource, ...], list[Problem]]:
    """Read what the data package declares."""
    path = folder / PACKAGE_FILE
    if not path.is_file():
        return (), [_package_problem("no file", "a data package that describes the tables")]
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
        resources = tuple(_Resource.declared(entry) for entry in package["resources"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        expected = "a Frictionless data package with name, path and schema for each resource"
        return (), [_package_problem(f"{type(error).__name__}: {error}", expected)]
    problems = [
        _package_problem(f"no resource {name}", "a resource of this name")
        for name in REQUIRED_TABLES
        if name not in {resource.name for resource in resources}
    ]
    for resource in resources:
        inside = PurePosixPath(resource.path)
        if inside.is_absolute() or ".." in inside.parts:
            problems.append(_package_problem(resource.path, "a path inside the data folder"))
    return (() if problems else resources), problems


def _package_problem(value: str, expected: str) -> Problem:
    return Problem(file=PACKAGE_FILE, line=None, column="", value=value, expected=expected)


def typed_cells(cells: pd.DataFrame, columns: Sequence[Field]) -> pd.DataFrame:
    """Turn numeric columns of text into float64; what is no number becomes nan.

    Parameters
    ----------
    cells : pandas.DataFrame of str
        At least the columns that are declared.
    columns : sequence of Field
        From :func:`declared_fields`.

    Returns
    -------
    pandas.DataFrame
        The declared columns; text stays as it is.
    """
    values = {
        field.name: _numbers(cells[field.name]) if field.type in _NUMERIC else cells[field.name]
        for field in columns
    }
    return pd.DataFrame(values)


def _typed(text: TextTable, columns: Sequence[Field]) -> Table:
    """Keep the text of a table and add its values; what is no number has its problem."""
    return Table(
        file=text.file,
        cells=text.cells,
        lines=text.lines,
        absent=text.absent,
        whole=text.whole,
        values=typed_cells(text.cells, columns),
    )


def _numbers(cells: pd.Series[str]) -> pd.Series[float]:
    known = {text: float(text) if _NUMBER.fullmatch(text) else np.nan for text in cells.unique()}
    return cells.map(known).astype(np.float64)


def _cell_problems(text: TextTable, columns: Sequence[Field]) -> Iterator[Problem]:
    """Hold each distinct value of a column against its declaration."""
    for field in columns:
        if field.name in text.absent:
            continue
        cells = text.cells[field.name]
        for value in cells.unique():
            expected = field.expected(value)
            if expected is not None:
                yield from text.problems(cells == value, field.name, expected)


def _key_problems(text: TextTable, key: tuple[str, ...]) -> Iterator[Problem]:
    """Report rows whose key stands in an earlier row already."""
    if text.absent.intersection(key):
        return
    lines: dict[tuple[str, ...], int] = {}
    rows = list(_rows(text, key))
    first = [lines.setdefault(row, int(line)) for row, line in zip(rows, text.lines, strict=True)]
    filled = np.array([any(row) for row in rows], dtype=bool)
    again = filled & (np.array(first, dtype=np.int64) != text.lines)
    yield from text.problems(
        again,
        ", ".join(key),
        lambda index: f"a value that occurs once (it stands on line {first[index]} already)",
    )


def _rows(text: TextTable, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return text.cells[list(columns)].itertuples(index=False, name=None)


def _reference_problems(resource: _Resource, tables: Mapping[str, Table]) -> Iterator[Problem]:
    """Report keys that point to no row; only against tables that could be read whole."""
    for columns, target, target_columns in resource.references:
        here, there = tables.get(resource.name), tables.get(target)
        if here is None or there is None or not there.whole:
            continue
        if here.absent.intersection(columns) or there.absent.intersection(target_columns):
            continue
        known = set(_rows(there, target_columns))
        lost = [any(values) and values not in known for values in _rows(here, columns)]
        expected = f"a {', '.join(target_columns)} of {there.file}"
        yield from here.problems(lost, ", ".join(columns), expected)


def _frictionless_problems(folder: Path) -> Iterator[Problem]:
    """Ask the Frictionless library, which knows the standard but not our rules."""
    # Imported here because it is slow to import and only validation needs it.
    from frictionless import FrictionlessException, Package  # noqa: PLC0415

    try:
        report = Package(str(folder / PACKAGE_FILE)).validate()
    except FrictionlessException as error:
        yield _package_problem(str(error), "a valid Frictionless data package")
        return
    names = ["title", "rowNumber", "fieldName", "cell", "note"]
    for task in report.tasks:
        for title, row, column, cell, note in task.flatten(names):
            yield Problem(
                file=PACKAGE_FILE if row is None else Path(task.place).name,
                line=row,
                column=column or "",
                value=str(cell or title),
                expected=f"what the Frictionless standard asks: {note}",
            )
    for general in report.errors:
        expected = f"what the Frictionless standard asks: {general.note}"
        yield _package_problem(general.title, expected)
