"""All formats of one synthesis, written into one folder at once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from combined_care import __version__
from combined_care.errors import known
from combined_care.exports.data_package import package_files
from combined_care.exports.folders import check_target, write_folder
from combined_care.exports.formats import FORMATS
from combined_care.exports.prisma import prisma_checklist
from combined_care.exports.prisma_run import Run
from combined_care.exports.r_script import r_files
from combined_care.exports.references import to_bibtex, to_ris, without_identifier
from combined_care.exports.revman import RevManTable, to_revman
from combined_care.results import Absent, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from combined_care.evidence import Evidence
    from combined_care.exports.formats import Format
    from combined_care.findings import AnalysisResult
    from combined_care.own_question import Answer
    from combined_care.verdicts import Verdict

SUMMARY = "export.json"
_ABOUT = {
    "revman": "revman/: study data of each analysis, in the columns of a Cochrane data package",
    "r": "r/: for each analysis effects, expected numbers and a script for metafor "
    "(Rscript synthesis.R)",
    "bibtex": "references.bib: the trials, as BibTeX",
    "ris": "references.ris: the trials, as RIS",
    "data": "data/: the rows that were used, as a Frictionless data package",
    "prisma": "prisma.md, prisma.csv: items 13 to 22 and 27 of PRISMA 2020",
}
_REVMAN_HEAD = """\
# Study data for RevMan

The columns are those of data-rows.csv in a Cochrane data package, those in settings/ of
overall-estimates-and-settings.csv. Import the references (references.ris) into RevMan first. The
type is the kind of RevMan analysis that takes every row of a file.

| file | type | measure | experimental arm favoured by | rows |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ExportReport(Result):
    """What was exported, and what could not be.

    Attributes
    ----------
    folder : str
        Where it was written.
    question, release, version : str
        What was asked, the data release, and the version of the package.
    files : tuple of str
        Files within the folder.
    counts : tuple of (str, int)
        Analyses, trials, effects and rows that went in.
    limits : tuple of str
        What a format could not express, and what is missing from the data.
    """

    caption: ClassVar[str] = "Export"

    folder: str
    question: str
    release: str
    version: str
    files: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    limits: tuple[str, ...]

    def __str__(self) -> str:
        counted = ", ".join(f"{n} {name}" for name, n in self.counts)
        noted = f" {len(self.limits)} things could not be expressed." if self.limits else ""
        return f"{len(self.files)} files in {self.folder} ({counted}).{noted}"

    def record(self) -> dict[str, Any]:
        """Return the report as plain JSON types, for a program; it cannot be read back."""
        return {
            "folder": self.folder,
            "question": self.question,
            "release": self.release,
            "version": self.version,
            "counts": dict(self.counts),
            "files": list(self.files),
            "limits": list(self.limits),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row a file and a limit."""
        rows = [("file", name) for name in self.files] + [("limit", text) for text in self.limits]
        return pd.DataFrame(rows, columns=["kind", "what"])


def export(
    question: Verdict | Answer,
    evidence: Evidence,
    folder: str | Path,
    *,
    formats: Iterable[Format] = FORMATS,
    data: Path | None = None,
    force: bool = False,
) -> ExportReport:
    """Write a synthesis for other programs: RevMan, R, reference managers, a data package, PRISMA.

    Parameters
    ----------
    question : Verdict or Answer
        From :func:`combined_care.judge` or :func:`combined_care.ask`.
    evidence : Evidence
        What it was judged by.
    folder : str or pathlib.Path
        A new or empty folder. It is written in one step: after an error, or an interruption, it
        is as it was.
    formats : iterable of str
        Any of ``revman``, ``r``, ``bibtex``, ``ris``, ``data``, ``prisma``; all by default.
    data : pathlib.Path, optional
        Folder whose ``datapackage.json`` describes the tables; by default that of the project.
    force : bool
        Replace an earlier export.

    Returns
    -------
    ExportReport
        Files, counts, and everything that could not be expressed.

    Raises
    ------
    InputError
        If a format is unknown, the claim cannot be tested, or the folder is in use.
    OSError
        If the files cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import combined_care as cc
    >>> answer = cc.ask(diagnosis="ocd", comparator="pharmacotherapy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export(answer, answer.evidence, folder, formats=["r", "ris"])
    >>> for file in report.files:
    ...     print(file)
    README.md
    export.json
    r/question/effects.csv
    r/question/expected.csv
    r/question/synthesis.R
    references.ris
    """
    chosen = tuple(dict.fromkeys(formats))
    known("format", chosen, FORMATS)
    check_target(Path(folder).absolute(), force=force)
    run = Run.of(question, evidence)
    made = _Files(run, data)
    for name in chosen:
        made.add(name)
    if "prisma" in chosen:
        checklist = prisma_checklist(question, evidence)
        made.files |= {"prisma.md": checklist.to_markdown(), "prisma.csv": checklist.to_csv()}
    return _written(made, chosen, Path(folder), force=force)


class _Files:
    """The files of an export while they are made, with what could not be expressed."""

    def __init__(self, run: Run, data: Path | None) -> None:
        self.run = run
        self.data = data
        self.files: dict[str, str] = {}
        self.limits = [
            f"{result.analysis.title}: {result.fit.reason}"
            for result in run.results
            if isinstance(result.fit, Absent)
        ]

    def add(self, name: Format) -> None:
        """Make the files of one format; without any effect only the checklist says something."""
        makers: dict[str, Callable[[], None]] = {
            "revman": self._revman,
            "r": self._r,
            "bibtex": lambda: self._references("references.bib", to_bibtex),
            "ris": lambda: self._references("references.ris", to_ris),
            "data": self._data,
        }
        if name in makers and self.run.answered:
            makers[name]()

    def _revman(self) -> None:
        noted: dict[str, list[str]] = {}
        lines = [_REVMAN_HEAD]
        for result in self.run.answered:
            table = to_revman(result.effects, self.run.evidence, name=result.analysis.title)
            name = f"{_file_name(result)}.csv"
            self.files[f"revman/{name}"] = table.csv()
            self.files[f"revman/settings/{name}"] = table.settings_csv()
            lines.append(_revman_line(name, table))
            for said in table.limits:
                noted.setdefault(said, []).append(result.analysis.title)
        self.files["revman/README.md"] = "".join(lines)
        self.limits += [f"RevMan, {'; '.join(titles)}: {said}" for said, titles in noted.items()]

    def _r(self) -> None:
        for result in self.run.answered:
            if isinstance(result.fit, Absent):
                continue
            files = r_files(result.effects, result.fit, title=result.analysis.title)
            folder = f"r/{_file_name(result)}"
            self.files |= {f"{folder}/{name}": content for name, content in files.items()}
            if result.moderator is not None:
                self.limits.append(
                    f"R, {result.analysis.title}: the script repeats the pooled effect, not the "
                    "comparison of levels"
                )

    def _references(self, name: str, write: Callable[[pd.DataFrame], str]) -> None:
        trials = self.run.trials.assign(url=self._addresses())
        self.files[name] = write(trials)
        if lost := without_identifier(trials):
            said = f"neither a DOI nor a PubMed number ({len(lost)}): {', '.join(lost)}"
            self.limits += [] if said in self.limits else [said]

    def _addresses(self) -> list[str]:
        """Return, for each trial, the page on which its first used row was read."""
        found = self.run.effects.drop_duplicates("trial_id").set_index("trial_id")["source_url"]
        return [str(found[trial]) for trial in self.run.trials["trial_id"]]

    def _data(self) -> None:
        effects = {result.analysis.id: result.effects for result in self.run.answered}
        title = self.run.verdict.claim.text
        files = package_files(effects, self.run.evidence, title=title, data=self.data)
        self.files |= {f"data/{name}": content for name, content in files.items()}


def _written(
    made: _Files, formats: tuple[Format, ...], folder: Path, *, force: bool
) -> ExportReport:
    run, effects = made.run, made.run.effects
    used = {row for ids in effects["row_ids"] for row in ids}
    report = ExportReport(
        folder=str(folder),
        question=run.verdict.claim.text,
        release=run.evidence.release,
        version=__version__,
        files=tuple(sorted([*made.files, SUMMARY, "README.md"])),
        counts=(
            ("analyses", len(run.results)),
            ("trials", len(run.trials)),
            ("effects", len(effects)),
            ("rows", len(used)),
        ),
        limits=tuple(made.limits),
    )
    summary = {name: value for name, value in report.record().items() if name != "folder"}
    made.files[SUMMARY] = json.dumps(summary, ensure_ascii=False, indent=1) + "\n"
    made.files["README.md"] = _readme(report, formats)
    write_folder(made.files, folder, force=force)
    return report


def _readme(report: ExportReport, formats: tuple[Format, ...]) -> str:
    files = "\n".join(f"- {_ABOUT[name]}" for name in formats)
    limits = "\n".join(f"- {' '.join(text.split())}" for text in report.limits) or "- nothing"
    counted = ", ".join(f"{n} {name}" for name, n in report.counts)
    return (
        f"# Export of a synthesis\n\n{' '.join(report.question.split())}\n\n"
        f"Data release {report.release}, combined-care {report.version}: {counted}.\n"
        f"`sha256sum --check MANIFEST.sha256` tells whether the files are as they were written.\n\n"
        f"## Files\n\n{files}\n- {SUMMARY}: this page for programs\n\n"
        f"## What could not be expressed\n\n{limits}\n"
    )


def _revman_line(name: str, table: RevManTable) -> str:
    side = f"{table.favours_experimental_when} values"
    return f"| {name} | {table.data_type} | {table.measure} | {side} | {len(table.rows)} |\n"


def _file_name(result: AnalysisResult) -> str:
    """Name files after an analysis, whatever its identifier holds."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", result.analysis.id)
