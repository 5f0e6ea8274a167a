"""The form for a new trial, driven without a browser: values in, what is shown out."""

from __future__ import annotations

import shutil

import pytest

import small_project
from combined_care import new_trial
from combined_care.errors import InputError
from combined_care.workbench.trial_form import add_trial_form
from small_draft import draft
from small_folder import COLUMNS


@pytest.fixture(scope="module")
def template_of_folder(tmp_path_factory):
    folder = small_project.make(tmp_path_factory.mktemp("project")) / "data"
    (folder / "multiverse.yaml").unlink()
    return folder


@pytest.fixture
def data(template_of_folder, tmp_path):
    return shutil.copytree(template_of_folder, tmp_path / "data")


@pytest.fixture
def form(data):
    return add_trial_form(data, draft())


def note(form, row, column):
    return form.notes[row, column].value


def visible(form, row):
    return {
        name for (r, name), line in form.lines.items() if r == row and line.layout.display is None
    }


def test_every_column_has_a_labelled_control_with_its_meaning(form):
    for name in COLUMNS["trials"]:
        assert form.cells[0, name].description == name
        assert form.cells[0, name].tooltip
    assert "Required." in note(add_trial_form(form.state.folder), 0, "diagnosis")
    assert visible(form, 0) == set(COLUMNS["trials"]) - {"notice"}


def test_a_vocabulary_is_a_list_with_the_meaning_of_each_word(form):
    options = form.cells[0, "diagnosis"].options
    assert options[0] == ("(empty)", "")
    assert ("panic: panic disorder, with or without agoraphobia", "panic") in options


def test_a_cell_is_checked_while_it_is_typed(form):
    form.cells[0, "year"].value = "201O"
    assert "✗" in note(form, 0, "year")
    assert "&#x27;201O&#x27; does not fit, expected a whole number" in note(form, 0, "year")
    form.cells[0, "year"].value = "2010"
    assert "Year of the main publication. In calendar year." in note(form, 0, "year")


def test_the_same_trial_is_told_beside_the_cell(form):
    form.cells[0, "label"].value = "Alder 2001"
    form.cells[0, "year"].value = "2001"
    assert "another trial than alder2001" in note(form, 0, "label")


def test_the_identifier_that_will_be_made_is_told(form):
    assert "Left empty, it will be fir2010." in note(form, 0, "trial_id")
    form.cells[0, "trial_id"].value = "mine"
    assert "will be" not in note(form, 0, "trial_id")


def test_the_effect_follows_every_number(form):
    assert "sign turned" in form.effects.value
    before = form.effects.value
    form.cells[1, "mean_e"].value = "9.9"
    assert form.effects.value != before
    form.cells[1, "n_e"].value = "1"
    assert "n_e must be at least 2" in form.effects.value


def test_the_tier_decides_which_columns_are_shown(form):
    assert {"mean_e", "sd_c"} <= visible(form, 1)
    assert not {"effect", "pct_e"} & visible(form, 1)
    form.buttons["add"].click()
    assert "mean_e" not in visible(form, 2)
    form.cells[2, "tier"].value = "B"
    assert {"effect", "ci_low", "effect_measure"} <= visible(form, 2)


def test_a_column_with_a_value_never_hides(form):
    form.cells[1, "tier"].value = "D"
    assert "mean_e" in visible(form, 1)


def test_several_words_are_chosen_from_a_list(form):
    form.cells[1, "flags"].value = ("approximate", "change score")
    assert form.draft["outcomes"][0]["flags"] == "approximate; change score"
    again = add_trial_form(form.state.folder, form.draft)
    assert again.cells[1, "flags"].value == ("approximate", "change score")


def test_rows_are_added_and_taken_away(form):
    form.buttons["add"].click()
    assert len(form.draft["outcomes"]) == 2
    for _ in range(3):
        form.buttons["remove"].click()
    assert form.draft["outcomes"] == []
    assert form.buttons["remove"].disabled


def test_check_lists_what_only_the_whole_shows_and_marks_the_cell(form):
    form.cells[0, "country"].value = "Norge"
    assert "✗" not in note(form, 0, "country")
    form.buttons["check"].click()
    assert "trial: error: country is" in form.found.value
    assert "✗" in note(form, 0, "country")
    form.cells[0, "country"].value = "Norway"
    assert "✗" not in note(form, 0, "country")


def test_the_preview_shows_what_would_change(form):
    form.buttons["preview"].click()
    assert "would pool fir2010" in form.found.value
    assert "<td>against a drug</td>" in form.found.value


def test_append_writes_once_and_says_what_is_left_to_do(form, data):
    before = (data / "trials.csv").read_bytes()
    form.buttons["append"].click()
    assert "Added fir2010" in form.found.value
    assert "CHANGELOG.md" in form.found.value
    assert (data / "trials.csv").read_bytes().startswith(before)
    assert form.buttons["append"].disabled
    form.cells[0, "summary"].value = "x"
    assert not form.buttons["append"].disabled
    assert "another trial than fir2010" in note(form, 0, "doi")


def test_an_error_is_shown_and_nothing_written(form, data, monkeypatch):
    before = (data / "trials.csv").read_bytes()
    form.cells[1, "sd_e"].value = "0"
    form.buttons["append"].click()
    assert 'role="alert"' in form.found.value
    assert "outcome row 1: error: sd_e" in form.found.value
    form.buttons["preview"].click()
    assert 'role="alert"' in form.found.value
    form.cells[1, "sd_e"].value = "4"

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(new_trial, "replace_together", fail)
    form.buttons["append"].click()
    assert "No space left on device" in form.found.value
    assert (data / "trials.csv").read_bytes() == before


def test_the_code_does_what_the_form_does(form, data):
    form.cells[0, "notes"].value = 'it\'s "quoted" <b>'
    assert "<b>" not in form.code.value
    code = form.state.code()
    calls = []
    namespace = {"cc": type("cc", (), {"append_trial": lambda *given: calls.append(given)})}
    exec(code, namespace)
    assert calls == [(form.draft, str(data))]


def test_hostile_text_is_shown_as_text(form):
    form.cells[0, "year"].value = "<script>"
    form.cells[1, "n_e"].value = "<script>"
    form.buttons["check"].click()
    shown = [form.found.value, form.effects.value, form.code.value]
    shown += [html.value for html in form.notes.values()]
    assert not any("<script>" in html for html in shown)


def test_a_draft_that_the_tables_cannot_hold_is_refused(data):
    with pytest.raises(InputError, match="perhaps year"):
        add_trial_form(data, {"trial": {"yeer": "2010"}})


def test_without_a_folder_it_is_that_of_the_project(monkeypatch, data):
    monkeypatch.setenv("COMBINED_CARE_ROOT", str(data.parent))
    form = add_trial_form()
    assert form.state.folder == data
    assert form.state.code().endswith("})")
