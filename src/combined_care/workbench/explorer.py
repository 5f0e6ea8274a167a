"""The explorer: menus for a question, and what the evidence says to it, at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Button, Dropdown, HBox, IntProgress, Layout, Text, Textarea, VBox

from combined_care import tables
from combined_care.errors import CombinedCareError
from combined_care.evidence import load_evidence
from combined_care.markup import Safe, join, paragraph, text
from combined_care.own_question import NOT_PRE_SPECIFIED, code_of
from combined_care.reports import plain
from combined_care.reports.answers import save_answer
from combined_care.workbench import pictures
from combined_care.workbench.explorer_state import (
    LABELS,
    ExplorerState,
    first_state,
    options_of,
)
from combined_care.workbench.keyboard import KeyboardBox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from combined_care.evidence import Evidence
    from combined_care.own_question import Answer

_WIDE = Layout(width="auto")
_LABEL = {"description_width": "10em"}
#: A longer forest plot is drawn when it is asked for: a change of a menu must show at once.
_MOST_DRAWN = 60
_ASK_FIRST = "Not computed for this question yet: press the button (some seconds)."


class Explorer(KeyboardBox):
    """Menus for a question, its answer, and the code that gives the answer again.

    Parameters
    ----------
    evidence : Evidence
        What is asked.
    given : str
        What the code calls this evidence; empty for the project's own.

    Attributes
    ----------
    controls : dict
        Control -> menu, in the order in which the keyboard reaches them. Setting the ``value`` of
        one asks anew.
    answer : Answer or None
        What is shown; None while the question cannot be asked.
    result, forest, robustness, saved : ipywidgets.HTML
        What is shown of the answer, its forest plot, other analyses, and the last file.
    code : ipywidgets.Textarea
        A cell that gives the answer again, to be copied.
    """

    def __init__(self, evidence: Evidence, given: str = "") -> None:
        self.evidence, self.given = evidence, given
        self.answer: Answer | None = None
        state = first_state(evidence)
        self.controls = {
            name: Dropdown(
                options=options, value=getattr(state, name), description=LABELS[name],
                layout=_WIDE, style=_LABEL,
            )
            for name, options in options_of(evidence).items()
        }  # fmt: skip
        self.result, self.forest, self.robustness, self.saved = (HTML() for _ in range(4))
        self.progress = IntProgress(min=0, max=3, description="Progress", layout=_WIDE)
        # Its own layout: it is hidden by itself.
        self.forest_button = Button(description="Draw the forest plot", layout=Layout(width="auto"))
        self.explore_button = Button(description="Compute other defensible analyses", layout=_WIDE)
        self.code = Textarea(description="Code", rows=14, layout=_WIDE, style=_LABEL)
        self.file = Text(value="answer.html", description="File", layout=_WIDE, style=_LABEL)
        self.save_button = Button(description="Save the answer as an HTML page", layout=_WIDE)
        super().__init__([*self._parts()])
        for control in self.controls.values():
            control.observe(self._changed, names="value")
        self.forest_button.on_click(lambda _: self.draw())
        self.explore_button.on_click(lambda _: self.explore_choices())
        self.save_button.on_click(lambda _: self.save())
        self._changed()

    def _parts(self) -> list[Any]:
        menus = list(self.controls.values())
        half = (len(menus) + 1) // 2
        columns = [VBox(menus[:half], layout=_WIDE), VBox(menus[half:], layout=_WIDE)]
        return [
            HTML(paragraph(Safe("<strong>Not pre-specified.</strong> "), NOT_PRE_SPECIFIED)),
            HBox(columns, layout=_WIDE),
            self.result,
            self.forest,
            self.forest_button,
            self.explore_button,
            self.progress,
            self.robustness,
            self.code,
            self.file,
            self.save_button,
            self.saved,
        ]

    @property
    def state(self) -> ExplorerState:
        """What the controls ask."""
        return ExplorerState(**{name: control.value for name, control in self.controls.items()})

    def draw(self) -> None:
        """Draw the forest plot, however long it is."""
        if self.answer is not None:
            self.forest.value = pictures.forest_of(self.answer)

    def explore_choices(self) -> None:
        """Compute the other defensible analyses of the question, and show how many agree."""
        self._guarded(self.robustness, self._explore)

    def save(self) -> None:
        """Write the answer, with the other defensible analyses, as an HTML page."""
        self._guarded(self.saved, self._save)

    def _changed(self, _change: Any = None) -> None:
        self.answer, self.forest.value, self.saved.value = None, "", ""
        self.progress.value, self.robustness.value = 0, _ASK_FIRST
        self._write_code(self.state.question())
        self._guarded(self.result, self._show)

    def _show(self) -> None:
        self._take(self.state.ask(self.evidence))

    def _write_code(self, question: Mapping[str, Any]) -> None:
        self.code.value = f"{code_of(question, self.given)}\nanswer"

    def _take(self, answer: Answer) -> None:
        self.answer = answer
        self.result.value = _said(answer)
        self.forest_button.layout.display = "none" if answer.k <= _MOST_DRAWN else None
        if answer.k <= _MOST_DRAWN:
            self.draw()
        else:
            self.forest.value = paragraph(f"{answer.k} trials make a long forest plot.")

    def _explore(self) -> None:
        self.progress.value = 1
        answer = self.state.ask(self.evidence, robustness=True)
        self.progress.value = 2
        self._take(answer)
        self._write_code({**self.state.question(), "robustness": True})
        self.robustness.value = pictures.robustness_of(answer)
        self.progress.value = 3

    def _save(self) -> None:
        self.saved.value = paragraph("Writing the page (some seconds) ...")
        answer = self.answer
        if answer is None or "robustness" not in answer.question:
            answer = self.state.ask(self.evidence, robustness=True)
        path = save_answer(answer, Path(self.file.value.strip()))
        self.saved.value = _status(f"Saved as {path.absolute()}. Open it with a browser.")

    def _guarded(self, place: HTML, act: Callable[[], None]) -> None:
        """Do something; a problem is said where its result would stand."""
        try:
            act()
        except (CombinedCareError, OSError) as problem:
            place.value = Safe(f'<p role="alert">This does not work: {text(problem)}</p>')


def explore(evidence: Evidence | None = None) -> Explorer:
    """Open the explorer: pick a question, see the answer, keep the code that gives it again.

    Parameters
    ----------
    evidence : Evidence, optional
        What is asked; by default that of the project. The code calls it ``evidence``.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell in JupyterLab.

    Examples
    --------
    >>> explorer = explore()
    >>> explorer.controls["diagnosis"].value = "ocd"
    >>> explorer.answer.k == len(explorer.answer.effects)
    True
    """
    found = load_evidence() if evidence is None else evidence
    found.effects()  # reads every row once, so that no later question waits for it
    return Explorer(found, "" if evidence is None else "evidence")


def _said(answer: Answer) -> Safe:
    """Say the number of trials and people, the label, and what was found."""
    result = answer.result
    counted = f"{tables.sentence(tables.count(result.k))}, {result.people} people. "
    words = (tables.label_tag(result.label), f". {plain.reading(result)}")
    return _status(join([Safe("<strong>"), counted, Safe("</strong>"), *words]))


def _status(words: object) -> Safe:
    """Say something that a screen reader reads out when it changes."""
    return Safe(f'<div role="status" aria-live="polite"><p>{text(words)}</p></div>')
