"""Add a trial to a data folder: check it against everything there, then append it, all or nothing.

Rows that are in the tables already are never rewritten, sorted or quoted anew: their bytes stay.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from combined_care import schema
from combined_care.addition import Addition, counted, data_folder
from combined_care.replacing import replace_together
from combined_care.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from combined_care.addition import DraftReport
    from combined_care.drafts import Draft
    from combined_care.problems import Problem


@dataclass(frozen=True, eq=False, kw_only=True)
class AddedTrial(Result):
    """What was appended, and what is left to do by hand.

    Attributes
    ----------
    trial_id, label : str
        The trial.
    row_ids : tuple of str
        Its rows of outcomes.
    lines : dict of str to tuple of int
        File -> the lines on which the new rows begin.
    release : str
        Version of the data package, which stays as it was.
    warnings : tuple of Problem
        What a person should look at.
    """

    caption: ClassVar[str] = "Added trial"

    trial_id: str
    label: str
    row_ids: tuple[str, ...]
    lines: dict[str, tuple[int, ...]]
    release: str
    warnings: tuple[Problem, ...]

    def __str__(self) -> str:
        rows = counted(len(self.row_ids), "outcome row")
        places = ", ".join(f"{file}:{n}" for file, lines in self.lines.items() for n in lines)
        return f"Added {self.trial_id} ({self.label}) with {rows}: {places}"

    @property
    def advice(self) -> str:
        """What to write in the changelog, and what else to do."""
        rows = ", ".join(self.row_ids) or "no row of outcomes"
        return "\n".join(
            [
                "What is left to do:",
                f"- Bump the release: put a new version ({self.release} until now) into "
                f"{schema.PACKAGE_FILE}.",
                "- Write into CHANGELOG.md of the data, under that version:",
                f"    - Added `{self.trial_id}` ({self.label}): {rows}.",
                "  and, once the reports are made, which verdicts moved.",
                "- Let a second person read the numbers; add the lines to double_extraction.csv.",
                "- Run combined-care validate, then make reports.",
                "- Send the rows to the keepers of the evidence tables: the next combined-care "
                "import removes what its release does not hold (its report says so).",
            ]
        )


def check_draft(draft: Mapping[str, Any] | Draft, folder: str | Path | None = None) -> DraftReport:
    """Check a trial that may be added, as if it stood in the tables already.

    Parameters
    ----------
    draft : mapping or Draft
        ``{"trial": {column: cell, ...}, "outcomes": [{column: cell, ...}, ...]}``; cells are text,
        numbers or None. Columns may be left out, and so may the identifiers, which are made.
    folder : str or pathlib.Path, optional
        Data folder; by default ``data/`` of the project.

    Returns
    -------
    DraftReport
        A :class:`combined_care.problems.ValidationReport` of the draft alone; errors of the folder
        itself are listed with their own place.

    Raises
    ------
    DataError
        If the folder has no data package that describes the tables.

    Notes
    -----
    All rules are those of :func:`combined_care.schema.validate`, applied to the tables with the
    draft appended. Only the search for the same trial is added: an entry with the same DOI or
    PubMed number is an error, one with the same name and year or registry number a warning,
    unless ``duplicate_of`` names it.

    Examples
    --------
    >>> report = check_draft({"trial": {"label": "Example 2020", "diagnosis": "panik"}})
    >>> print(next(p for p in report.problems if p.column == "diagnosis").expected[-16:])
    (perhaps panic)
    """
    return Addition(draft, folder).report


def append_trial(draft: Mapping[str, Any] | Draft, folder: str | Path | None = None) -> AddedTrial:
    """Append a trial to ``trials.csv`` and its rows to ``outcomes.csv``.

    Parameters
    ----------
    draft, folder
        As in :func:`check_draft`.

    Returns
    -------
    AddedTrial
        Where the rows stand, and what is left to do.

    Raises
    ------
    DataError
        If the tables with the draft would have an error, or another program changed them in the
        meantime; all problems are listed. Nothing is written then.
    OSError
        If a file cannot be written; both are then as they were.

    Examples
    --------
    >>> import combined_care as cc
    >>> trial = {"label": "Example 2020", "year": 2020, "diagnosis": "panic", "population": "adult",
    ...          "severity": "unclear", "chronic": "unclear", "treatment_resistant": "no",
    ...          "design": "concurrent", "medication_management": "flexible",
    ...          "placebo_controlled": "no"}
    >>> added = append_trial({"trial": trial}, cc.scratch_copy())
    >>> print(added)
    Added example2020 (Example 2020) with 0 outcome rows: trials.csv:...
    >>> print(added.advice.splitlines()[0])
    What is left to do:
    """
    addition = Addition(draft, folder)
    addition.require_valid()
    replace_together(addition.before, addition.after)
    return AddedTrial(
        trial_id=addition.draft.trial["trial_id"],
        label=addition.draft.trial["label"],
        row_ids=tuple(row["row_id"] for row in addition.draft.outcomes),
        lines={file: tuple(lines) for file, lines in addition.lines.items()},
        release=addition.release,
        warnings=addition.report.warnings,
    )


def scratch_copy(folder: str | Path | None = None) -> Path:
    """Copy a data folder to a place of its own, to try things on; gone when Python ends.

    Parameters
    ----------
    folder : str or pathlib.Path, optional
        Data folder; by default ``data/`` of the project.

    Returns
    -------
    pathlib.Path
        The copy.

    Examples
    --------
    >>> folder = scratch_copy()
    >>> (folder / "trials.csv").is_file()
    True

    Functions that take a folder can write there: the data of the project stay as they are.

    >>> import combined_care as cc
    >>> print(cc.load_evidence(folder))
    Evidence release ...: ... trials, ...
    """
    place = Path(tempfile.mkdtemp(prefix="combined-care-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(shutil.copytree(data_folder(folder), place / "data"))
