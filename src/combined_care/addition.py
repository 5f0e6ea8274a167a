"""A draft held against the data folder that it may be added to; nothing is written here."""

from __future__ import annotations

import io
import json
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from combined_care import markup, schema
from combined_care.drafts import Draft, outcome_place, read_draft
from combined_care.errors import DataError
from combined_care.importer import csv_text
from combined_care.paths import project_root
from combined_care.problems import Problem, ValidationReport
from combined_care.tabular import read_text_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: The tables that a draft has rows for.
TABLES = ("trials", "outcomes")
#: Numbers under which trials are registered.
_REGISTRY = re.compile(r"NCT\d{8}|ISRCTN\d{8}|ACTRN\d{14}|DRKS\d{8}", re.ASCII)


@dataclass(frozen=True, eq=False, kw_only=True)
class DraftReport(ValidationReport):
    """Every problem of a draft, by ``trial`` and ``outcome row 1``, ``outcome row 2``, ..."""

    caption: ClassVar[str] = "Problems of the draft"

    def __str__(self) -> str:
        rows = counted(self.counts["outcomes"], "row of outcomes", "rows of outcomes")
        found = f"{counted(len(self.errors), 'error')} and " if self.errors else ""
        asked = counted(len(self.warnings), "warning")
        return f"{'ok' if self.ok else 'not usable'}: a trial with {rows}; {found}{asked}"

    def _repr_html_(self) -> str:
        return markup.paragraph(str(self)) + markup.bullets(self.problems)


def data_folder(folder: str | Path | None = None) -> Path:
    """Return the data folder that is meant: the one given, else that of the project."""
    return project_root() / "data" if folder is None else Path(folder)


class Addition:
    """A draft and the folder that it may be added to; reads, never writes there.

    Parameters
    ----------
    draft, folder
        As in :func:`combined_care.new_trial.check_draft`.
    """

    def __init__(self, draft: Mapping[str, Any] | Draft, folder: str | Path | None = None) -> None:
        self.folder = data_folder(folder)
        self.fields = schema.declared_fields(self.folder)
        package = json.loads((self.folder / schema.PACKAGE_FILE).read_text(encoding="utf-8"))
        self.release = str(package["version"])
        self.files = {entry["name"]: entry["path"] for entry in package["resources"]}
        given = draft.to_dict() if isinstance(draft, Draft) else draft
        read, self.misplaced = read_draft(given, self.fields)
        self.draft = read.named(self.trials["trial_id"])

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The trials that are there, as text."""
        columns = [field.name for field in self.fields["trials"]]
        table, _ = read_text_table(self.folder / self.files["trials"], columns)
        return pd.DataFrame(columns=columns, dtype=str) if table is None else table.cells

    @cached_property
    def before(self) -> dict[Path, bytes]:
        """File -> what it holds; a missing file is left to the validation."""
        paths = (self.folder / self.files[table] for table in TABLES)
        return {path: path.read_bytes() for path in paths if path.is_file()}

    @cached_property
    def after(self) -> dict[Path, bytes]:
        """File -> what it would hold."""
        return {
            path: _ended(held) + "".join(_lines(rows, held)).encode()
            for path, held, rows in self._parts()
        }

    @cached_property
    def lines(self) -> dict[str, list[int]]:
        """File -> the lines on which the rows of the draft begin."""
        return {
            path.name: _starts(_ended(held), _lines(rows, held))
            for path, held, rows in self._parts()
        }

    def _parts(self) -> Iterator[tuple[Path, bytes, Sequence[Mapping[str, str]]]]:
        """Yield each file with what it holds and the rows to append."""
        for table, rows in zip(TABLES, ([self.draft.trial], self.draft.outcomes), strict=True):
            path = self.folder / self.files[table]
            if path in self.before:
                yield path, self.before[path], rows

    @cached_property
    def report(self) -> DraftReport:
        """What is wrong with the draft, or with the folder."""
        with self.applied() as folder:
            found = schema.validate(folder, standard=False).problems
        ours = (problem for problem in map(self._ours, found) if problem is not None)
        problems = (*self.misplaced, *same_trial(self.draft.trial, self.trials), *ours)
        counts = {"trials": 1, "outcomes": len(self.draft.outcomes)}
        return DraftReport(problems=problems, counts=counts)

    def require_valid(self) -> None:
        """Raise :class:`DataError` with all errors, if there is any."""
        if not self.report.ok:
            listed = "\n".join(map(str, self.report.errors))
            message = f"the trial cannot be added; nothing was written\n{listed}"
            raise DataError(message)

    @contextmanager
    def applied(self) -> Iterator[Path]:
        """Give a folder with everything of the data folder and the draft appended."""
        with tempfile.TemporaryDirectory(prefix="combined-care-") as name:
            target = Path(shutil.copytree(self.folder, Path(name) / "data"))
            for path, content in self.after.items():
                (target / path.relative_to(self.folder)).write_bytes(content)
            yield target

    def _ours(self, problem: Problem) -> Problem | None:
        """Name the row of the draft that a problem is about; None where it is not our matter."""
        place = self._places.get((problem.file, problem.line))
        if place is not None:
            return replace(problem, file=place, line=None)
        trial_id = self.draft.trial["trial_id"]
        about = trial_id and re.search(rf"\b{re.escape(trial_id)}\b", problem.expected)
        return problem if about or problem.severity == "error" else None

    @cached_property
    def _places(self) -> dict[tuple[str, int | None], str]:
        """Where each row of the draft would stand -> its name in messages."""
        names = {
            "trials": ["trial"],
            "outcomes": [outcome_place(n) for n, _ in enumerate(self.draft.outcomes, start=1)],
        }
        files = {table: Path(self.files[table]).name for table in names}
        return {
            (files[table], line): place
            for table, places in names.items()
            if files[table] in self.lines
            for line, place in zip(self.lines[files[table]], places, strict=True)
        }


def same_trial(trial: Mapping[str, str], trials: pd.DataFrame) -> Iterator[Problem]:
    """Find entries that may be the same trial.

    Parameters
    ----------
    trial : mapping of str to str
        Cells of a draft; columns that are not filled yet may be left out.
    trials : pandas.DataFrame of str
        The trials that are there.

    Yields
    ------
    Problem
        An error for the same DOI or PubMed number, a warning for the same name and year or the
        same registry number; none for an entry that ``duplicate_of`` names.
    """
    mine = {str(column): trial.get(str(column), "") for column in trials.columns}
    for values in trials.itertuples(index=False, name=None):
        other = dict(zip(mine, values, strict=True))
        if mine["duplicate_of"] == other["trial_id"]:
            continue
        for column, what in (("doi", "this DOI"), ("pmid", "this PubMed number")):
            if mine[column] and mine[column].casefold() == other[column].casefold():
                yield _same(column, mine[column], other["trial_id"], what, "error")
        if mine["label"] and _same_name(mine, other):
            yield _same("label", mine["label"], other["trial_id"], "this name and year")
        for number in sorted(_numbers(mine) & _numbers(other)):
            yield _same("notes", number, other["trial_id"], "this registry number")


def _same(column: str, value: str, other: str, what: str, severity: Any = "warning") -> Problem:
    expected = f"another trial than {other}, which has {what} (else fill duplicate_of)"
    where = f"{column}, duplicate_of"
    return Problem(
        file="trial", line=None, column=where, value=value, expected=expected, severity=severity
    )


def _same_name(one: Mapping[str, str], two: Mapping[str, str]) -> bool:
    labels = [re.sub(r"\W+", " ", row["label"].casefold()).strip() for row in (one, two)]
    return labels[0] == labels[1] and one["year"] == two["year"]


def _numbers(trial: Mapping[str, str]) -> set[str]:
    return set(_REGISTRY.findall(" ".join(trial.values())))


def _ended(held: bytes) -> bytes:
    """Return what a file holds, with the end of its last line."""
    return held if held.endswith((b"\n", b"\r")) else held + _line_end(held).encode()


def _line_end(held: bytes) -> str:
    """Return how the file ends its lines: by its header."""
    return "\r\n" if held.partition(b"\n")[0].endswith(b"\r") else "\n"


def _lines(rows: Sequence[Mapping[str, str]], held: bytes) -> list[str]:
    """Write rows as lines of the file, with the line end that it uses."""
    end = _line_end(held)
    frames = (pd.DataFrame([row], dtype=str) for row in rows)
    written = (csv_text(frame).partition("\n")[2] for frame in frames)
    return [line.removesuffix("\n") + end for line in written]


def _starts(held: bytes, lines: Sequence[str]) -> list[int]:
    """Return the lines on which appended records begin, as the reader counts them."""
    found, line = [], _count(held.decode("utf-8", "surrogateescape")) + 1
    for text in lines:
        found.append(line)
        line += _count(text)
    return found


def _count(text: str) -> int:
    return sum(1 for _ in io.StringIO(text, newline=""))


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
