"""A form for a new trial in JupyterLab: validated while typing, with its effects and its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from combined_care.errors import CombinedCareError
from combined_care.markup import Safe, join, paragraph, text
from combined_care.workbench.keyboard import KeyboardBox
from combined_care.workbench.trial_state import TrialState, note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from combined_care.schema import Field

_LABEL = {"description_width": "13em"}
_CELL, _NOTE = "30em", "1 1 20em"


def add_trial_form(
    folder: str | Path | None = None, draft: Mapping[str, Any] | None = None
) -> TrialForm:
    """Show a form for a new trial.

    Parameters
    ----------
    folder : str or pathlib.Path, optional
        Data folder that the trial is appended to; by default ``data/`` of the project. Try it on a
        copy first, from :func:`combined_care.new_trial.scratch_copy`.
    draft : mapping, optional
        What to begin with: ``{"trial": {column: cell, ...}, "outcomes": [{...}, ...]}``.

    Returns
    -------
    TrialForm
        Shows itself as the last line of a cell. Its `draft` is what stands in it.

    Raises
    ------
    InputError
        If the draft has a column or a cell that the tables cannot hold.
    DataError
        If the data folder has errors.

    Examples
    --------
    >>> import combined_care as cc
    >>> form = add_trial_form(cc.scratch_copy(), {"trial": {"label": "Example 2020"}})
    >>> form.cells[0, "diagnosis"].value = "panic"
    >>> form.draft["trial"]["diagnosis"]
    'panic'
    """
    return TrialForm(TrialState(folder, draft))


class TrialForm(KeyboardBox):
    """The form; nothing is written before its button *Append* is pressed.

    Attributes
    ----------
    state : TrialState
        What stands in it, and what is computed from it.
    cells : dict
        (row, column) -> the control; row 0 is the trial, then come its results.
    notes : dict
        (row, column) -> the message beside it.
    buttons : dict
        Name -> button: ``add``, ``remove``, ``check``, ``preview``, ``append``.
    found : ipywidgets.HTML
        What the last button found.
    effects, code : ipywidgets.HTML
        The effects of the rows, and the call that does the same; both follow every change.
    """

    def __init__(self, state: TrialState) -> None:
        self.state = state
        self.cells: dict[tuple[int, str], Any] = {}
        self.notes: dict[tuple[int, str], Any] = {}
        self.lines: dict[tuple[int, str], Any] = {}
        self.found, self.effects, self.code = (widgets.HTML() for _ in range(3))
        self.buttons = {
            name: _button(label, about, act)
            for name, label, about, act in (
                ("add", "Add a result", "one more row of outcomes", self._add),
                ("remove", "Remove the last result", "take its row away", self._remove),
                ("check", "Check", "hold everything against the data", self._check),
                ("preview", "What would change?", "takes some seconds", self._preview),
                ("append", "Append", "write to trials.csv and outcomes.csv", self._append),
            )
        }
        super().__init__()
        self._lay_out()

    @property
    def draft(self) -> dict[str, Any]:
        """The filled cells, as the functions of the package take them."""
        return self.state.draft

    def _lay_out(self) -> None:
        """Build all controls anew: after a row was added or taken away."""
        for kept in (self.cells, self.notes, self.lines):
            kept.clear()
        parts = [_heading("The trial"), self._block(0)]
        for row in range(1, len(self.state.rows)):
            parts += [_heading(f"Result {row}"), self._block(row)]
        rows = widgets.HBox([self.buttons[name] for name in ("add", "remove")])
        acts = widgets.HBox([self.buttons[name] for name in ("check", "preview", "append")])
        shown = [_heading("Effects"), self.effects, acts, self.found]
        self.children = (*parts, rows, *shown, _heading("The same as code"), self.code)
        self._refresh()

    def _block(self, row: int) -> Any:
        """Build the lines of one row of a table, shown or not."""
        fields = self.state.fields["outcomes" if row else "trials"]
        for field in fields:
            key = (row, field.name)
            self.cells[key] = _control(field, self.state.rows[row][field.name])
            self.notes[key] = widgets.HTML(layout=widgets.Layout(flex=_NOTE))
            self.cells[key].observe(self._typed(row, field), names="value")
            self.lines[key] = widgets.HBox(
                [self.cells[key], self.notes[key]], layout=widgets.Layout(flex_flow="row wrap")
            )
        return widgets.VBox([self.lines[row, field.name] for field in fields])

    def _typed(self, row: int, field: Field) -> Callable[[Any], None]:
        """Return what happens when a cell changes."""

        def follow(change: Any) -> None:
            value = change["new"]
            cell = value if isinstance(value, str) else field.separator.join(value)
            self.state.put(row, field.name, cell)
            self._refresh()

        return follow

    def _refresh(self) -> None:
        """Bring messages, effects and code in line with the cells."""
        for row in range(len(self.state.rows)):
            fields = self.state.fields["outcomes" if row else "trials"]
            shown = self.state.shown(row)
            for field in fields:
                key = (row, field.name)
                self.lines[key].layout.display = None if field in shown else "none"
                problem, proposal = self.state.problem(row, field), self.state.proposal(row, field)
                self.notes[key].value = note(field, problem, proposal)
        self.effects.value = self.state.effects()
        self.code.value = f"<pre>{text(self.state.code())}</pre>"
        self.buttons["append"].disabled = self.state.added is not None
        self.buttons["remove"].disabled = len(self.state.rows) == 1

    def _add(self) -> None:
        self.state.add_row()
        self._lay_out()

    def _remove(self) -> None:
        self.state.remove_row()
        self._lay_out()

    def _check(self) -> None:
        self._say(lambda: self.state.check()._repr_html_())

    def _preview(self) -> None:
        self.found.value = paragraph("Computing the analyses that would pool the trial …")
        self._say(lambda: self.state.preview()._repr_html_())

    def _append(self) -> None:
        self._say(lambda: _shown_addition(self.state.append()))

    def _say(self, find: Callable[[], str]) -> None:
        """Show what a button finds, or why it could not."""
        try:
            self.found.value = find()
        except (CombinedCareError, OSError) as error:
            self.found.value = f'<div role="alert"><pre>{text(error)}</pre></div>'
        self._refresh()


def _control(field: Field, cell: str) -> Any:
    """Build the control of a column: a list where there is a vocabulary, else a line of text."""
    look = {
        "description": field.name,
        "style": _LABEL,
        "layout": widgets.Layout(width=_CELL),
        "tooltip": field.description,
    }
    words = [(f"{word}: {meaning}", word) for word, meaning in field.meanings.items()]
    if field.separator and words:
        chosen = tuple(part for part in cell.split(field.separator) if part in field.meanings)
        return widgets.SelectMultiple(options=words, value=chosen, rows=4, **look)
    if words:
        known = cell if cell in field.meanings else ""
        return widgets.Dropdown(options=[("(empty)", ""), *words], value=known, **look)
    return widgets.Text(value=cell, continuous_update=True, **look)


def _button(label: str, about: str, act: Callable[[], None]) -> Any:
    made = widgets.Button(description=label, tooltip=about, layout=widgets.Layout(width="auto"))
    made.on_click(lambda _: act())
    return made


def _heading(words: str) -> Any:
    return widgets.HTML(f"<h3>{text(words)}</h3>")


def _shown_addition(added: Any) -> Safe:
    return join([paragraph(str(added)), Safe(f"<pre>{text(added.advice)}</pre>")])
