"""The state behind the form for a new trial: cells, messages, effects, code. Knows no widgets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from combined_care.addition import Addition, same_trial
from combined_care.drafts import columns_asked, kind_of, outcome_place, propose_trial_id, read_draft
from combined_care.errors import InputError
from combined_care.evidence import load_evidence
from combined_care.markup import Safe, bullets, paragraph, text
from combined_care.new_trial import append_trial
from combined_care.trial_preview import effects_of, preview_trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from combined_care.addition import DraftReport
    from combined_care.new_trial import AddedTrial
    from combined_care.preview_records import TrialPreview
    from combined_care.problems import Problem
    from combined_care.schema import Field

#: Columns that are filled from the annotations, and those of a row that are made.
_NOT_SHOWN = {"trials": {"notice"}, "outcomes": {"row_id", "trial_id", "same_as_row"}}


class TrialState:
    """What stands in the form.

    Parameters
    ----------
    folder : str or pathlib.Path, optional
        Data folder; by default ``data/`` of the project.
    draft : mapping, optional
        What to begin with, as :func:`combined_care.new_trial.check_draft` takes it.

    Raises
    ------
    InputError
        If the draft has a column or a cell that the tables cannot hold.
    """

    def __init__(
        self, folder: str | Path | None = None, draft: Mapping[str, Any] | None = None
    ) -> None:
        self.given_folder = folder
        empty = Addition({}, folder)
        self.folder, self.fields, self.trials = empty.folder, empty.fields, empty.trials
        self.evidence = load_evidence(self.folder)
        read, problems = read_draft(draft or {}, self.fields)
        if problems:
            message = "\n".join(["the draft cannot be shown", *map(str, problems)])
            raise InputError(message)
        self.rows: list[dict[str, str]] = [read.trial, *read.outcomes]
        self.problems: tuple[Problem, ...] = ()
        self.added: AddedTrial | None = None
        self._changed()

    @property
    def draft(self) -> dict[str, Any]:
        """The filled cells, as the functions of the package take them."""
        trial, *outcomes = ({n: cell for n, cell in row.items() if cell} for row in self.rows)
        return {"trial": trial, "outcomes": outcomes}

    def shown(self, row: int) -> tuple[Field, ...]:
        """Columns to show of a row: 0 is the trial, then come its results."""
        if row == 0:
            asked: Sequence[Field] = self.fields["trials"]
            return tuple(field for field in asked if field.name not in _NOT_SHOWN["trials"])
        cells = self.rows[row]
        asked = columns_asked(self.fields["outcomes"], kind_of(cells))
        also = {name for name, cell in cells.items() if cell}
        return tuple(
            field
            for field in self.fields["outcomes"]
            if (field in asked or field.name in also) and field.name not in _NOT_SHOWN["outcomes"]
        )

    def put(self, row: int, column: str, cell: str) -> None:
        """Fill a cell; what was found before no longer holds."""
        self.rows[row][column] = cell.strip()
        self._changed()

    def add_row(self) -> None:
        """Add an empty row of outcomes."""
        self.rows.append({field.name: "" for field in self.fields["outcomes"]})
        self._changed()

    def remove_row(self) -> None:
        """Take the last row of outcomes away."""
        del self.rows[max(1, len(self.rows) - 1) :]
        self._changed()

    def problem(self, row: int, field: Field) -> str:
        """Say what is wrong with a cell; empty where nothing is known to be."""
        cell = self.rows[row][field.name]
        if cell and (expected := field.expected(cell)):
            return f"'{cell}' does not fit, expected {expected}"
        same = (p for p in self.same if row == 0 and p.column.startswith(f"{field.name}, "))
        if first := next(same, None):
            return f"expected {first.expected}"
        place = outcome_place(row) if row else "trial"
        found = (p for p in self.problems if p.file == place and field.name in p.column.split(", "))
        return "; ".join(f"{p.severity}: expected {p.expected}" for p in found)

    def proposal(self, row: int, field: Field) -> str:
        """Return the identifier that is made for the trial while its cell is empty."""
        cells = self.rows[0]
        if row or field.name != "trial_id" or cells["trial_id"]:
            return ""
        return propose_trial_id(cells["label"], cells["year"], self.trials["trial_id"])

    def check(self) -> DraftReport:
        """Check everything against the data folder."""
        report = Addition(self.draft, self.folder).report
        self.problems = report.problems
        return report

    def preview(self) -> TrialPreview:
        """Tell what the trial would change; the draft must be without errors."""
        return preview_trial(self.draft, self.folder)

    def append(self) -> AddedTrial:
        """Append the trial to the data folder."""
        self.added = append_trial(self.draft, self.folder)
        return self.added

    def effects(self) -> Safe:
        """Show the effect of each row and how it is derived."""
        found = effects_of(self.draft, self.evidence, self.fields)
        return bullets(found) if found else paragraph("No result yet.")

    def code(self) -> str:
        """Write the call that appends what stands in the form."""
        folder = "" if self.given_folder is None else f", {str(self.folder)!r}"
        cells = json.dumps(self.draft, indent=4, ensure_ascii=False)  # text only: Python as well
        return f"cc.append_trial({cells}{folder})"

    def _changed(self) -> None:
        """Forget what was found for other cells, and look for the same trial."""
        if self.added is not None:
            self.trials = Addition({}, self.folder).trials
        self.problems, self.added = (), None
        self.same = tuple(same_trial(self.rows[0], self.trials))


def note(field: Field, problem: str, proposal: str = "") -> Safe:
    """Say beside a cell what is wrong, or else what belongs there.

    Parameters
    ----------
    field : Field
        The column.
    problem : str
        What is wrong; empty for nothing.
    proposal : str
        What is taken while the cell is empty.
    """
    if problem:
        return Safe(f'<span role="status"><strong>✗</strong> {text(problem)}</span>')
    unit = f" In {field.unit}." if field.unit else ""
    needed = " Required." if field.required else ""
    more = f" Left empty, it will be {proposal}." if proposal else needed
    return Safe(f"<span>{text(field.description)}{text(unit)}{text(more)}</span>")
