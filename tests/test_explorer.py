"""The explorer without a browser: values go into its menus, and what it shows is read."""

from __future__ import annotations

import re

import pytest
from ipywidgets import HTML, Button, Dropdown, Text, Textarea

from combined_care.own_question import ask
from combined_care.workbench import explorer as module
from combined_care.workbench import keyboard
from combined_care.workbench.explorer import Explorer, explore
from combined_care.workbench.explorer_state import LABELS, ExplorerState, options_of
from small_evidence import evidence, means, trial


@pytest.fixture(scope="module")
def small():
    """Depression with four trials, OCD with one, all against medication alone."""
    names = ("alpha", "beta", "gamma", "delta")
    trials = [trial(name) for name in names] + [trial("omega", diagnosis="ocd")]
    rows = [means(name, 0.5 + position / 10) for position, name in enumerate(names)]
    return evidence(trials, [*rows, means("omega", 0.9)])


@pytest.fixture
def explorer(small):
    return Explorer(small, "evidence")


def words(widget):
    """What a reader sees of an HTML widget."""
    return re.sub(r"<style.*?</style>|<[^>]+>", "", widget.value, flags=re.DOTALL)


def rerun(explorer):
    """Run the code that is shown, and return its answer."""
    names = {"evidence": explorer.evidence}
    source = explorer.code.value.replace("import combined_care as cc", "")
    exec(source, {"cc": type("cc", (), {"ask": staticmethod(ask)})}, names)
    return names["answer"]


def every(widget):
    """All widgets in the order in which the keyboard reaches them."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


def test_it_opens_with_an_answer(explorer):
    assert explorer.answer.k == 4
    assert "Four trials, 320 people" in words(explorer.result)
    assert "<svg" in explorer.forest.value
    assert "Not pre-specified" in " ".join(words(w) for w in every(explorer) if type(w) is HTML)


def test_a_change_of_a_menu_shows_at_once(explorer):
    explorer.controls["diagnosis"].value = "ocd"
    assert "A single trial, 80 people" in words(explorer.result)
    assert "insufficient evidence" in words(explorer.result)
    explorer.controls["diagnosis"].value = ""
    assert "5 trials, 400 people" in words(explorer.result)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"diagnosis": "ocd", "level": 0.9},
        {"diagnosis": "", "test": "z", "method": "PM", "tiers": "ABC", "kind": "equivalence"},
        {"phase": "", "design": "concurrent", "population": "adult"},
        {"phase": "followup"},
        {"outcome": "relapse"},
    ],
)
def test_the_code_gives_the_numbers_that_are_shown(explorer, changes):
    for name, value in changes.items():
        explorer.controls[name].value = value
    again = rerun(explorer)
    assert again.fit == explorer.answer.fit
    assert again.to_dict() == {**explorer.answer.to_dict(), "code": again.code}


def test_the_code_of_the_own_evidence_needs_nothing_else(small):
    code = Explorer(small).code.value
    assert "evidence" not in code
    assert code.endswith("\nanswer")


def test_an_empty_question_is_a_message_and_no_traceback(explorer):
    explorer.controls["outcome"].value = "relapse"
    assert explorer.answer.k == 0
    assert "no trial with usable numbers" in words(explorer.result)
    assert "Nothing to draw" in words(explorer.forest)


def test_a_problem_stands_where_the_result_would_be(explorer, monkeypatch):
    monkeypatch.setattr(module, "ExplorerState", lambda **given: ExplorerState(diagnosis="<b>x"))
    explorer.controls["test"].value = "z"
    assert explorer.answer is None
    assert 'role="alert"' in explorer.result.value
    assert "unknown diagnosis" in explorer.result.value
    assert "<b>" not in explorer.result.value


def test_other_analyses_are_computed_on_request_and_forgotten_with_the_question(explorer):
    assert "press the button" in explorer.robustness.value
    explorer.explore_button.click()
    assert explorer.progress.value == explorer.progress.max
    assert "% of" in words(explorer.robustness)
    assert "robustness=True" in explorer.code.value
    assert rerun(explorer).robustness == explorer.answer.robustness
    explorer.controls["test"].value = "z"
    assert "press the button" in explorer.robustness.value
    assert explorer.progress.value == 0
    assert "robustness" not in explorer.code.value


def test_progress_is_shown_while_it_works(explorer):
    seen = []
    explorer.progress.observe(lambda change: seen.append(change["new"]), names="value")
    explorer.explore_button.click()
    assert seen == [1, 2, 3]


def test_a_long_forest_plot_is_drawn_when_it_is_asked_for(explorer, monkeypatch):
    monkeypatch.setattr(module, "_MOST_DRAWN", 3)
    explorer.controls["test"].value = "z"
    assert "<svg" not in explorer.forest.value
    assert explorer.forest_button.layout.display != "none"
    explorer.forest_button.click()
    assert "<svg" in explorer.forest.value
    explorer.controls["diagnosis"].value = "ocd"
    assert explorer.forest_button.layout.display == "none"


def test_a_page_is_saved_with_all_analyses(explorer, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(module, "save_answer", lambda *given: saved.append(given) or given[1])
    explorer.file.value = str(tmp_path / "own.html")
    explorer.save_button.click()
    ((answer, path),) = saved
    assert path == tmp_path / "own.html"
    assert answer.question["robustness"] is True
    assert "Saved as" in words(explorer.saved)


@pytest.mark.parametrize("name", ["own.txt", "missing/own.html", ""])
def test_a_file_that_cannot_be_written_is_said(explorer, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    explorer.file.value = name
    explorer.save_button.click()
    assert 'role="alert"' in explorer.saved.value
    assert list(tmp_path.iterdir()) == []


def test_every_control_has_a_label_and_the_keyboard_reaches_them_in_reading_order(explorer):
    parts = list(every(explorer))
    controls = [w for w in parts if isinstance(w, (Dropdown, Text, Textarea, Button))]
    assert all(control.description for control in controls)
    assert [w.description for w in parts if isinstance(w, Dropdown)] == list(LABELS.values())
    assert all(w.tabbable is not False for w in controls)


def test_only_the_button_that_is_not_needed_is_hidden(explorer):
    hidden = [widget for widget in every(explorer) if widget.layout.display == "none"]
    assert hidden == [explorer.forest_button]


def test_jupyterlab_leaves_the_keys_to_the_menus(explorer, monkeypatch):
    """Else an arrow in a menu would go to another cell; tried in JupyterLab 4 by hand."""
    shown = []
    monkeypatch.setattr(keyboard, "display", shown.append)
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "data-lm-suppress-shortcuts" in shown[0].data


def test_every_option_has_a_name_for_readers_and_can_be_asked(small):
    for name, options in options_of(small).items():
        labels = [label for label, _ in options]
        assert len(set(labels)) == len(labels)
        for _, value in options:
            found = ExplorerState(diagnosis="mdd", comparator="pharmacotherapy")
            changed = {f: getattr(found, f) for f in LABELS} | {name: value}
            ExplorerState(**changed).ask(small)


def test_explore_asks_the_project_by_default(small, monkeypatch):
    monkeypatch.setattr(module, "load_evidence", lambda: small)
    assert explore().given == ""
    assert explore(small).given == "evidence"
