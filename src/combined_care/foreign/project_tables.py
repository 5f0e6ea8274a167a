"""The trials and outcomes of a project as files: what they hold, and rows appended to them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care import schema
from combined_care.errors import DataError
from combined_care.importer import csv_text
from combined_care.tabular import read_text_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from combined_care.problems import ValidationReport

#: The tables to which rows are appended.
TABLES = ("trials", "outcomes")


class ProjectTables:
    """A data folder to which rows are to be added; reading it changes nothing.

    Parameters
    ----------
    folder : pathlib.Path
        Folder with ``datapackage.json`` and the tables that it names.

    Raises
    ------
    DataError
        If there is no data package with trials and outcomes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = _package(folder)
        self._resources = {entry["name"]: entry for entry in self.package["resources"]}
        absent = [name for name in TABLES if name not in self._resources]
        if absent:
            message = f"{folder / schema.PACKAGE_FILE} describes no table {' and '.join(absent)}"
            raise DataError(message)
        #: Cells of trials and outcomes as text.
        self.cells = {name: self._cells(name) for name in TABLES}
        #: Column -> the other table and its column that list the column's values.
        self.listed_in = self._listed_in()

    def path(self, table: str) -> str:
        """Return the file of a table, seen from the folder."""
        return str(self._resources[table]["path"])

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table, in their order."""
        return [str(field["name"]) for field in self._resources[table]["schema"]["fields"]]

    def lists(self) -> dict[str, dict[str, str]]:
        """Return, for each column whose values another table lists, each spelling -> the value."""
        found: dict[str, dict[str, str]] = {}
        for column, (table, target) in self.listed_in.items():
            cells = self._cells(table)
            key = self._resources[table]["schema"]["primaryKey"][0]
            spellings = dict(zip(cells[key], cells[target], strict=True))
            found[column] = spellings | {value: value for value in cells[target]}
        return found

    def appended(self, table: str, rows: Sequence[Mapping[str, str]]) -> tuple[bytes, list[int]]:
        """Return the file of a table with rows after those that it has, and their lines.

        Notes
        -----
        What stands in the file is kept byte for byte; only a missing end of its last line is
        added.
        """
        columns = self.columns(table)
        frame = pd.DataFrame(rows, columns=columns, dtype=object).fillna("")
        header, _, body = csv_text(frame).partition("\n")
        path = self.folder / self.path(table)
        old = path.read_bytes() if path.is_file() else f"{header}\n".encode()
        old += b"" if old.endswith(b"\n") else b"\n"
        first = old.count(b"\n") + 1
        heights = [1 + sum(str(cell).count("\n") for cell in row) for row in frame.to_numpy()]
        lines = [first + sum(heights[:index]) for index in range(len(heights))]
        return old + body.encode("utf-8"), lines

    def listed(self, column: str, values: Sequence[str]) -> tuple[str, bytes]:
        """Return the file that lists the values of a column, with values added, and its path."""
        table, target = self.listed_in[column]
        key = self._resources[table]["schema"]["primaryKey"][0]
        rows = [{key: value, target: value} for value in values]
        return self.path(table), self.appended(table, rows)[0]

    def validated(self, files: Mapping[str, bytes]) -> ValidationReport:
        """Validate the folder as it would be with `files` in place of its own."""
        with tempfile.TemporaryDirectory() as name:
            trial_run = Path(name)
            for path in (schema.PACKAGE_FILE, *(one["path"] for one in self.package["resources"])):
                if path not in files and (self.folder / path).is_file():
                    (trial_run / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(self.folder / path, trial_run / path)
            for path, content in files.items():
                (trial_run / path).parent.mkdir(parents=True, exist_ok=True)
                (trial_run / path).write_bytes(content)
            return schema.validate(trial_run)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Replace files, in their order; none is touched unless all could be written beside it."""
        halves: dict[Path, Path] = {}
        try:
            for name, content in files.items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                halves[path] = path.with_name(f".{path.name}.{os.getpid()}.part")
                halves[path].write_bytes(content)
            for path, half in halves.items():
                half.replace(path)
        finally:
            for half in halves.values():
                half.unlink(missing_ok=True)

    def _cells(self, table: str) -> pd.DataFrame:
        columns = self.columns(table)
        text, problems = read_text_table(self.folder / self.path(table), columns)
        if text is None and (self.folder / self.path(table)).is_file():
            listed = "\n".join(str(problem) for problem in problems)
            message = f"{self.folder / self.path(table)} cannot be read\n{listed}"
            raise DataError(message)
        return pd.DataFrame(columns=columns, dtype=str) if text is None else text.cells

    def _listed_in(self) -> dict[str, tuple[str, str]]:
        return {
            key["fields"][0]: (key["reference"]["resource"], key["reference"]["fields"][0])
            for table in TABLES
            for key in self._resources[table]["schema"].get("foreignKeys", ())
            if key["reference"]["resource"] not in {"", *TABLES} and len(key["fields"]) == 1
        }


def package_text(package: Mapping[str, Any]) -> bytes:
    """Write a data package as the project keeps it."""
    return (json.dumps(package, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _package(folder: Path) -> dict[str, Any]:
    path = folder / schema.PACKAGE_FILE
    if not path.is_file():
        message = f"{folder} has no {schema.PACKAGE_FILE}: it is no data folder of a project"
        raise DataError(message)
    try:
        package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        resources = package["resources"]
        whole = all({"name", "path", "schema"} <= set(entry) for entry in resources)
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is no data package ({type(error).__name__}: {error})"
        raise DataError(message) from error
    if not whole:
        message = f"{path} is no data package with name, path and schema of each table"
        raise DataError(message)
    return package
