"""Bring contrasts of a foreign file into a project's data folder, beside the rows that it has."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.errors import DataError
from combined_care.foreign.brought import BroughtData
from combined_care.foreign.known_rows import KnownRows, records_of
from combined_care.foreign.project_tables import ProjectTables, package_text
from combined_care.foreign.vocabulary import Vocabulary, WordMap
from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from combined_care.foreign.foreign_table import ForeignData
    from combined_care.problems import Problem

#: Folder, inside the data folder, that keeps every file from which rows came.
KEPT = "imported"
#: Where words go that do not fit their column.
_NOTES = {"trials": "notes", "outcomes": "source_note"}


def bring(
    foreign: ForeignData,
    data_folder: str | Path,
    *,
    translation: WordMap | Mapping[str, Any] | str | Path | None = None,
    extend: bool = False,
    write: bool = True,
) -> BroughtData:
    """Append the contrasts of a foreign file to a project's trials and outcomes.

    Parameters
    ----------
    foreign : ForeignData
        What was read.
    data_folder : str or pathlib.Path
        Folder with ``datapackage.json`` and the tables ``trials`` and ``outcomes``.
    translation : WordMap, mapping, str or pathlib.Path, optional
        ``words`` (column -> their word -> our word) and ``set`` (column -> value for all rows);
        a path names a YAML file of it. Their words are those in ``foreign.rows``.
    extend : bool
        Add words that are neither known nor translated to the vocabulary in
        ``datapackage.json``, with the meaning "as coded in FILE". By default such a word, in a
        column that must be filled, makes the row unusable; in another column it goes to the notes
        of the row.
    write : bool
        False only tells what would happen.

    Returns
    -------
    BroughtData
        What is new, what was there, and every row that cannot be used, with all reasons.

    Raises
    ------
    DataError
        If the folder cannot be read, its data are not valid before anything is added, or the
        file changed since it was read.
    InputError
        If the translation names an unknown column.

    Notes
    -----
    Lines that exist are not touched. The result is validated as a whole before anything is
    written; a row to which validation objects is not brought in, with the objection as its
    reason. Files are replaced one by one, the outcomes last: interrupted on the way, the folder
    is valid and a second run completes it. A row is recognised by the means of its arms, else by
    all its numbers and words, or by its line of the same file. A trial with an identifier that
    the project has is that trial, and is coded as the project has it. Where the file is silent
    and the column must be filled, the cell says ``unclear`` if the vocabulary has the word.

    Examples
    --------
    >>> import combined_care as cc
    >>> folder = cc.scratch_copy()
    >>> text = '''study,condition_arm1,condition_arm2,outcome_type,precalc_g,precalc_g_se
    ... "Alder, 2001",cbt + ssri,ssri,other stat,0.66,0.25
    ... '''
    >>> file = folder.parent / "others.csv"
    >>> _ = file.write_text(text, encoding="utf-8")
    >>> words = {"words": {"experimental": {"cbt + ssri": "combined"},
    ...                    "comparator": {"ssri": "pharmacotherapy"}},
    ...          "set": {"diagnosis": "panic", "population": "adult", "design": "concurrent",
    ...                  "phase": "acute"}}
    >>> report = bring(cc.read_foreign(file), folder, translation=words, write=False)
    >>> print(report)
    others.csv: 1 rows and 1 trials new, not written; 0 rows were there; 0 rows cannot be used
    """
    return _Bringing(foreign, Path(data_folder), _word_map(translation), extend=extend).run(write)


def _word_map(given: WordMap | Mapping[str, Any] | str | Path | None) -> WordMap:
    if given is None or isinstance(given, WordMap):
        return given or WordMap()
    return WordMap.of(given) if isinstance(given, Mapping) else WordMap.read(given)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One row for a table of the project, or the reasons why it cannot be one."""

    cells: Mapping[str, str]
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lines: str = ""
    study: str = ""


@dataclass(kw_only=True)
class _Batch:
    """Trials and outcome rows that are new, and what else there is to tell."""

    trials: list[_Row] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)
    unused: list[tuple[str, str, str]] = field(default_factory=list)
    known: list[tuple[str, str]] = field(default_factory=list)


class _Bringing:
    """One run; a class only to keep the steps short."""

    def __init__(self, foreign: ForeignData, data: Path, words: WordMap, *, extend: bool) -> None:
        self.foreign = foreign
        self.tables = ProjectTables(data)
        source = foreign.file if extend else ""
        package, lists = self.tables.package, self.tables.lists()
        self.vocabulary = Vocabulary(package, lists, words, source)
        self.content = _bytes(foreign)
        self.kept_as, self.is_kept = _kept_as(data, foreign, self.content)

    def run(self, write: bool) -> BroughtData:
        batch = self._batch()
        files = self._valid(batch)
        report = self._report(batch)
        if not (write and report.changed):
            return report
        self.tables.write(files)
        return replace(report, written=True)

    def _batch(self) -> _Batch:
        """Sort the contrasts into new ones, known ones, and those that cannot be used."""
        batch = _Batch(unused=[
            (str(line), study, reason)
            for line, study, reason in self.foreign.unused.itertuples(index=False, name=None)
        ])  # fmt: skip
        there = set(self.tables.cells["trials"]["trial_id"])
        trials = {
            record["trial_id"]: self._fitted("trials", record)
            for record in records_of(self.foreign.trials)
            if record["trial_id"] not in there
        }
        known = KnownRows(self.tables.cells["outcomes"], same_file=self.is_kept)
        for record in records_of(self.foreign.rows):
            row = self._fitted("outcomes", record)
            of_trial = trials.get(record["trial_id"])
            reasons = (*(of_trial.reasons if of_trial else ()), *row.reasons)
            if reasons:
                batch.unused.append((row.lines, row.study, "; ".join(reasons)))
            elif (row_id := known.find(row.cells)) is not None:
                batch.known.append((row.lines, row_id))
            else:
                batch.rows.append(row)
        self._number(batch)
        needed = dict.fromkeys(row.cells["trial_id"] for row in batch.rows)
        batch.trials = [trials[trial] for trial in needed if trial in trials]
        return batch

    def _fitted(self, table: str, record: Mapping[str, str]) -> _Row:
        """Write one record of the file in the columns and words of the project."""
        own = {"trial_id": record["trial_id"], "row_id": ""}
        fitted = {
            column: self.vocabulary.fit(table, column, record.get(column, ""))
            for column in self.tables.columns(table)
            if column not in own
        }
        notes = tuple(one.note for one in fitted.values() if one.note)
        cells = {column: one.value for column, one in fitted.items()}
        place = _NOTES[table]
        if notes and place in cells:
            said = f"{self.foreign.file} has {', '.join(notes)}"
            cells[place] = "; ".join(filter(None, (cells[place], said)))
        return _Row(
            cells=own | cells,
            reasons=tuple(one.reason for one in fitted.values() if one.reason),
            notes=notes,
            lines=record.get("lines", ""),
            study=record.get("label", ""),
        )

    def _number(self, batch: _Batch) -> None:
        """Give each new row the next number of its trial."""
        last: defaultdict[str, int] = defaultdict(int)
        for row_id in self.tables.cells["outcomes"]["row_id"]:
            trial, _, number = row_id.rpartition("-")
            if number.isascii() and number.isdigit():
                last[trial] = max(last[trial], int(number))
        for index, row in enumerate(batch.rows):
            trial = row.cells["trial_id"]
            last[trial] += 1
            cells = {**row.cells, "row_id": f"{trial}-{last[trial]:02d}"}
            batch.rows[index] = replace(row, cells=cells)

    def _files(self, batch: _Batch) -> tuple[dict[str, bytes], dict[tuple[str, int], str]]:
        """Return the files to write, outcomes last, and whose row stands on which line."""
        tables, added = self.tables, self.vocabulary.added
        files = {self.kept_as: self.content}
        if any(column not in tables.listed_in for column in added):
            files[PACKAGE_FILE] = package_text(self.vocabulary.package)
        for column in tables.listed_in:
            if column in added:
                path, content = tables.listed(column, added[column])
                files[path] = content
        owner: dict[tuple[str, int], str] = {}
        for name, rows, key in (
            ("trials", batch.trials, "trial_id"), ("outcomes", batch.rows, "row_id"),
        ):  # fmt: skip
            path = tables.path(name)
            files[path], lines = tables.appended(name, [row.cells for row in rows])
            places = zip(lines, rows, strict=True)
            owner |= {(Path(path).name, line): row.cells[key] for line, row in places}
        return files, owner

    def _valid(self, batch: _Batch) -> dict[str, bytes]:
        """Take rows out of the batch until what is left is valid; return the files to write."""
        while batch.rows:
            files, owner = self._files(batch)
            errors = self.tables.validated(files).errors
            if not errors:
                return files
            self._take_out(batch, _objections(errors, owner, self.tables.folder))
        return {}

    def _take_out(self, batch: _Batch, objections: Mapping[str, list[str]]) -> None:
        kept: list[_Row] = []
        for row in batch.rows:
            said = [
                reason
                for key in (row.cells["trial_id"], row.cells["row_id"])
                for reason in objections.get(key, ())
            ]
            if said:
                batch.unused.append((row.lines, row.study, "; ".join(dict.fromkeys(said))))
            else:
                kept.append(row)
        batch.rows = kept
        left = {row.cells["trial_id"] for row in kept}
        batch.trials = [trial for trial in batch.trials if trial.cells["trial_id"] in left]

    def _report(self, batch: _Batch) -> BroughtData:
        there = set(self.tables.cells["trials"]["trial_id"])
        ours = [str(trial) for trial in self.foreign.trials["trial_id"]]
        notes = Counter(note for row in (*batch.trials, *batch.rows) for note in row.notes)
        unused = sorted(batch.unused, key=lambda one: int(one[0].partition(",")[0]))
        return BroughtData(
            file=self.foreign.file,
            trials=tuple(trial.cells["trial_id"] for trial in batch.trials),
            rows=tuple(row.cells["row_id"] for row in batch.rows),
            known_trials=tuple(trial for trial in ours if trial in there),
            known=pd.DataFrame(batch.known, columns=["lines", "row_id"]),
            unused=pd.DataFrame(unused, columns=["lines", "study", "reason"]),
            added_words=dict(self.vocabulary.added),
            notes=tuple(f"{note} ({n} times)" for note, n in notes.items()),
            kept_as=self.kept_as,
            written=False,
        )


def _objections(
    errors: Iterable[Problem], owner: Mapping[tuple[str, int], str], folder: Path
) -> dict[str, list[str]]:
    """Sort errors by the new row that they are about; others mean that the data were not valid."""
    found: dict[str, list[str]] = defaultdict(list)
    others: list[Problem] = []
    for problem in errors:
        key = owner.get((problem.file, problem.line or 0))
        if key is None:
            others.append(problem)
        else:
            shown = f"{problem.column} is {problem.value!r}" if problem.column else problem.value
            found[key].append(f"{shown}, expected {problem.expected}")
    if others:
        listed = "\n".join(str(problem) for problem in others)
        message = f"the data in {folder} are not valid, so nothing was added\n{listed}"
        raise DataError(message)
    return found


def _bytes(foreign: ForeignData) -> bytes:
    path = Path(foreign.path)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != foreign.sha256:
        message = f"{path} is no longer the file that was read: read it again"
        raise DataError(message)
    return content


def _kept_as(data: Path, foreign: ForeignData, content: bytes) -> tuple[str, bool]:
    """Return where the file is kept, and whether it is there already."""
    name = Path(foreign.file)
    place = f"{KEPT}/{name.name}"
    if (data / place).is_file() and (data / place).read_bytes() != content:
        place = f"{KEPT}/{name.stem}-{foreign.sha256[:8]}{name.suffix}"
    return place, (data / place).is_file()
