"""Bring an evidence release into the data folder and say what changed."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from combined_care import schema
from combined_care.changes import TableChange, compare_tables
from combined_care.errors import DataError
from combined_care.problems import Problem
from combined_care.results import Result
from combined_care.tabular import read_text_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Tables that a release brings; the other tables of the data package are the project's own.
RELEASED_TABLES = ("trials", "outcomes", "published", "double_extraction")
#: Columns that the import makes, by table: they are in the data package, not in a release.
MADE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "trials": ("duplicate_of", "notice"),
    "outcomes": ("p_operator", "p_note", "same_as_row"),
    "published": ("k_note", "i2_note", "p_operator", "p_note", "source_note"),
    "double_extraction": (),
}

_RELEASE = re.compile(r"\brelease (\d{4}\.\d{1,2})\b", re.ASCII)
#: A number, perhaps with an operator before it and one remark in brackets after it.
_P_VALUE = re.compile(
    r"(?P<operator>[<>=]?)\s*(?P<number>\d*\.?\d+)(?:\s+(?P<note>\([^()]*\)))?", re.ASCII
)
_COUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?:\s+(?P<note>\([^()]*\)))?", re.ASCII)
_URL = re.compile(r"https?://\S+")


@dataclass(frozen=True, eq=False, kw_only=True)
class ImportReport(Result):
    """What an import changed, table by table.

    Attributes
    ----------
    release_before, release_after : str
        Evidence release of the data folder before and after.
    tables : tuple of TableChange
        One entry a table of the release.
    written : bool
        Whether the data folder was changed; False on a trial run and when nothing changed.
    """

    caption: ClassVar[str] = "Import of an evidence release"

    release_before: str
    release_after: str
    tables: tuple[TableChange, ...]
    written: bool

    @property
    def changed(self) -> bool:
        """Whether the release differs from the data folder."""
        return self.release_before != self.release_after or any(self.tables)

    def __str__(self) -> str:
        if not self.changed:
            return f"release {self.release_after}: nothing changed"
        done = "imported" if self.written else "not written"
        head = f"release {self.release_before} -> {self.release_after} ({done})"
        return "\n".join([head, *(f"  {table}" for table in self.tables if table)])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a table with the number of rows added and removed and cells changed."""
        rows = [(t.table, len(t.added), len(t.removed), len(t.changed)) for t in self.tables]
        return pd.DataFrame(rows, columns=["table", "rows_added", "rows_removed", "cells_changed"])


def import_release(
    source_folder: str | Path, data_folder: str | Path, write: bool = True
) -> ImportReport:
    """Bring the tables of an evidence release into the data folder.

    Parameters
    ----------
    source_folder : str or pathlib.Path
        Folder with the release: ``trials.csv``, ``outcomes.csv``, ``published.csv``,
        ``double_extraction.csv``, and a ``README.md`` that names the release.
    data_folder : str or pathlib.Path
        Folder with ``datapackage.json``, ``annotations.csv``,
        ``row_annotations.csv`` and ``country_names.csv``; the tables of the release are written
        there.
    write : bool
        False only tells what would change.

    Returns
    -------
    ImportReport
        Rows added and removed, and every changed cell. Importing the same release again changes
        nothing.

    Raises
    ------
    DataError
        If the release cannot be read, has a column that the data package does not describe, has
        a country that ``country_names.csv`` does not list, or gives tables with errors. Nothing
        is written then; the message lists all problems.

    Notes
    -----
    Numbers are never altered. What is: p-values, numbers of trials and I² that carry words are
    split into a number and a note, text in ``source_url`` that is no address moves to
    ``source_note``, countries get one spelling, and the project's annotations are added.
    """
    source, data = Path(source_folder), Path(data_folder)
    package = _package(data)
    new = _transformed(source, data, package)
    release_after = _release(source) or str(package["version"])
    _check_result(data, package, new)
    resources = _resources(package)
    changes = tuple(_change(data, resources[name], new[name]) for name in RELEASED_TABLES)
    report = ImportReport(
        release_before=str(package["version"]),
        release_after=release_after,
        tables=changes,
        written=False,
    )
    if not (write and report.changed):
        return report
    _write(data, package | {"version": release_after}, new)
    return ImportReport(
        release_before=report.release_before,
        release_after=release_after,
        tables=changes,
        written=True,
    )


def split_p_value(cell: str) -> tuple[str, str, str]:
    """Split a reported p-value into operator, number and note.

    Parameters
    ----------
    cell : str
        The cell of a release.

    Returns
    -------
    operator, number, note : str
        The note holds whatever is not one number with an operator; a number without an operator
        is reported as equal to it. A missing leading zero is added.

    Examples
    --------
    >>> split_p_value("<.05")
    ('<', '0.05', '')
    >>> split_p_value("0.494 (3 groups)")
    ('=', '0.494', '(3 groups)')
    >>> split_p_value("0.009-0.049")
    ('', '', '0.009-0.049')
    """
    found = _P_VALUE.fullmatch(cell)
    if found is None:
        return "", "", cell
    number = found["number"]
    return (
        found["operator"] or "=",
        f"0{number}" if number[0] == "." else number,
        found["note"] or "",
    )


def split_count(cell: str) -> tuple[str, str]:
    """Split a cell into its one number and the words after it.

    Examples
    --------
    >>> split_count("0 (0-57)")
    ('0', '(0-57)')
    >>> split_count("9 (vs CBT); 6 (vs SRI)")
    ('', '9 (vs CBT); 6 (vs SRI)')
    """
    found = _COUNT.fullmatch(cell)
    # "9 (vs CBT); 6 (vs SRI)" names two numbers: neither may be taken for the only one.
    if found is None:
        return "", cell
    return found["number"], found["note"] or ""


def split_source(url: str, note: str) -> tuple[str, str]:
    """Keep an address in the address column and move all other words to the note.

    Examples
    --------
    >>> split_source("https://example.org (Merz 2019)", "")
    ('https://example.org', '(Merz 2019)')
    >>> split_source("abstract page", "table 2")
    ('', 'table 2; abstract page')
    """
    first, _, rest = url.partition(" ")
    if not _URL.fullmatch(first):
        first, rest = "", url
    return first, "; ".join(filter(None, (note, rest.strip())))


def _package(data: Path) -> dict[str, Any]:
    path = data / schema.PACKAGE_FILE
    if not path.is_file():
        message = f"{data} has no {schema.PACKAGE_FILE}: the tables to import are not described"
        raise DataError(message)
    package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return package


def _resources(package: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {entry["name"]: entry for entry in package["resources"]}


def _columns(resource: Mapping[str, Any]) -> list[str]:
    return [field["name"] for field in resource["schema"]["fields"]]


def _release(source: Path) -> str:
    readme = source / "README.md"
    found = _RELEASE.search(readme.read_text(encoding="utf-8")) if readme.is_file() else None
    return found[1] if found else ""


def _transformed(source: Path, data: Path, package: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Read the release and bring its cells into the form of the data package."""
    resources = _resources(package)
    problems: list[Problem] = []
    tables: dict[str, pd.DataFrame] = {}
    for name in RELEASED_TABLES:
        resource = resources[name]
        made = MADE_COLUMNS[name]
        given = [column for column in _columns(resource) if column not in made]
        table, found = read_text_table(source / f"{name}.csv", given)
        problems += [problem for problem in found if problem.severity == "error"]
        if table is not None:
            tables[name] = table.cells
    _stop(problems, f"the release in {source} cannot be read")
    countries = _own_table(data, resources["country_names"])
    problems += _unknown_countries(tables["trials"], countries)
    _stop(problems, f"the release in {source} cannot be imported")
    annotations = _own_table(data, resources["annotations"])
    remarks = _own_table(data, resources["row_annotations"])
    steps: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "trials": lambda frame: _trials(frame, countries, annotations),
        "outcomes": lambda frame: _outcomes(frame, remarks),
        "published": _published,
        "double_extraction": lambda frame: frame,
    }
    return {name: steps[name](tables[name])[_columns(resources[name])] for name in RELEASED_TABLES}


def _stop(problems: list[Problem], what: str) -> None:
    if problems:
        listed = "\n".join(str(problem) for problem in problems)
        message = f"{what}; nothing was written\n{listed}"
        raise DataError(message)


def _own_table(data: Path, resource: Mapping[str, Any]) -> pd.DataFrame:
    """Read one of the project's own tables, which the import needs."""
    table, problems = read_text_table(data / resource["path"], _columns(resource))
    _stop(list(problems), f"{resource['path']} cannot be read")
    if table is None:
        message = f"{resource['path']} holds no rows"
        raise DataError(message)
    return table.cells


def _unknown_countries(trials: pd.DataFrame, countries: pd.DataFrame) -> Iterator[Problem]:
    known = {"", *countries["given"]}
    for trial, country in zip(trials["trial_id"], trials["country"], strict=True):
        if country not in known:
            yield Problem(
                file="trials.csv",
                line=None,
                column=f"country of {trial}",
                value=country,
                expected="a spelling that country_names.csv lists (add a line there)",
            )


def _trials(
    trials: pd.DataFrame, countries: pd.DataFrame, annotations: pd.DataFrame
) -> pd.DataFrame:
    spelling = {"": "", **dict(zip(countries["given"], countries["country"], strict=True))}
    remarks = annotations.set_index("trial_id")
    return trials.assign(
        country=trials["country"].map(spelling),
        duplicate_of=trials["trial_id"].map(remarks["duplicate_of"]).fillna(""),
        notice=trials["trial_id"].map(remarks["notice"]).fillna(""),
    )


def _outcomes(outcomes: pd.DataFrame, remarks: pd.DataFrame) -> pd.DataFrame:
    frame = _with_p_value(_with_source(outcomes))
    about = {
        column: frame["row_id"].map(remarks.set_index("row_id")[column]).fillna("")
        for column in ("same_as_row", "rating", "add_flag")
    }
    flags = frame["flags"].where(about["add_flag"] == "", frame["flags"] + "; " + about["add_flag"])
    return frame.assign(
        same_as_row=about["same_as_row"],
        rating=frame["rating"].where(about["rating"] == "", about["rating"]),
        flags=flags.str.removeprefix("; "),
    )


def _with_p_value(frame: pd.DataFrame) -> pd.DataFrame:
    parts = [split_p_value(cell) for cell in frame["p_value"]]
    operators, numbers, notes = zip(*parts, strict=True)
    return frame.assign(p_operator=operators, p_value=numbers, p_note=notes)


def _with_source(frame: pd.DataFrame) -> pd.DataFrame:
    notes = frame["source_note"] if "source_note" in frame else [""] * len(frame)
    parts = [split_source(u, n) for u, n in zip(frame["source_url"], notes, strict=True)]
    urls, texts = zip(*parts, strict=True)
    return frame.assign(source_url=urls, source_note=texts)


def _with_count(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    numbers, notes = zip(*(split_count(cell) for cell in frame[column]), strict=True)
    return frame.assign(**{column: numbers, f"{column}_note": notes})


def _published(frame: pd.DataFrame) -> pd.DataFrame:
    return _with_count(_with_count(_with_p_value(_with_source(frame)), "k"), "i2")


def csv_text(frame: pd.DataFrame) -> str:
    """Write a frame of text as CSV: comma, LF, quotes only where they are needed.

    Parameters
    ----------
    frame : pandas.DataFrame of str
        Two columns or more.

    Returns
    -------
    str
        Header and rows. The writer of the standard library leaves a bare carriage return
        unquoted, so that such a cell would not be read back; hence our own few lines.
    """
    rows = [tuple(frame.columns), *frame.itertuples(index=False, name=None)]
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows)


def _quoted(cell: str) -> str:
    if not any(mark in cell for mark in ',"\n\r'):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _check_result(
    data: Path, package: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Validate the tables as they would be written, before anything is."""
    with tempfile.TemporaryDirectory() as name:
        trial_run = Path(name)
        shutil.copy(data / schema.PACKAGE_FILE, trial_run)
        for table, resource in _resources(package).items():
            if table in tables:
                _save(trial_run / resource["path"], csv_text(tables[table]))
            elif (data / resource["path"]).is_file():
                shutil.copy(data / resource["path"], trial_run)
        _stop(list(schema.validate(trial_run).errors), "the imported tables would not be valid")


def _change(data: Path, resource: Mapping[str, Any], new: pd.DataFrame) -> TableChange:
    """Compare the file in the data folder, if there is one, with the table to write."""
    columns = _columns(resource)
    table, _ = read_text_table(data / resource["path"], columns)
    old = pd.DataFrame(columns=columns, dtype=str) if table is None else table.cells
    return compare_tables(resource["name"], resource["schema"]["primaryKey"], old, new)


def _write(data: Path, package: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in tables.items():
        _save(data / _resources(package)[name]["path"], csv_text(frame))
    _save(data / schema.PACKAGE_FILE, json.dumps(package, indent=2, ensure_ascii=False) + "\n")


def _save(path: Path, text: str) -> None:
    """Write `path` in one step, so that a reader never meets half a file."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_text(text, encoding="utf-8", newline="\n")
    half.replace(path)
