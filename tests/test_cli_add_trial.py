"""``combined-care add-trial`` as its users call it: by dialogue and from a file."""

from __future__ import annotations

import io
import json
import shutil
import sys

import pytest
import yaml

import small_project
from combined_care.cli import INTERRUPTED, main
from combined_care.cli.interview import KEYS
from combined_care.errors import InputError
from small_draft import OUTCOME, TRIAL, draft
from small_folder import COLUMNS

TABLES = ("trials.csv", "outcomes.csv")
#: The order in which the trial is asked for.
FIRST = ("label", "year", "doi", "pmid", "trial_id")
_MEANS = ("baseline_mean_e", "baseline_sd_e", "baseline_mean_c", "baseline_sd_c", "mean_e", "sd_e",
          "n_e", "mean_c", "sd_c", "n_c")  # fmt: skip


@pytest.fixture(scope="module")
def template_of_folder(tmp_path_factory):
    folder = small_project.make(tmp_path_factory.mktemp("project")) / "data"
    (folder / "multiverse.yaml").unlink()
    return folder


@pytest.fixture
def data(template_of_folder, tmp_path):
    return shutil.copytree(template_of_folder, tmp_path / "data")


@pytest.fixture
def file(tmp_path):
    def write(given):
        path = tmp_path / "new.yaml"
        path.write_text(yaml.safe_dump(given), encoding="utf-8")
        return str(path)

    return write


class _Keyboard(io.StringIO):
    """What somebody types on a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    def set_up(lines):
        monkeypatch.setattr(sys, "stdin", _Keyboard("".join(f"{line}\n" for line in lines)))

    return set_up


def held(data):
    return {name: (data / name).read_bytes() for name in TABLES}


def trial_answers(**cells):
    cells = {**TRIAL, **cells}
    rest = [name for name in COLUMNS["trials"] if name not in FIRST]
    asked = [*FIRST, *(name for name in rest if name not in {"duplicate_of", "notice"})]
    return [cells.get(name, "") for name in asked]


def outcome_answers(**cells):
    cells = {**OUTCOME, **cells}
    lines = []
    numbers = {"effect", "ci_low", "ci_high", "se", "effect_measure", "favours", "pct_e", "pct_c",
               "favours_experimental_when", "events_e", "events_c"}  # fmt: skip
    for name in COLUMNS["outcomes"]:
        if name in {"row_id", "trial_id", "same_as_row"} or name in numbers:
            continue
        lines.append(cells.get(name, ""))
        if name == "tier":
            lines.append("means")
    return lines


DIALOGUE = [*trial_answers(), "y", *outcome_answers(), "n", "y"]


def test_the_dialogue_asks_shows_what_changes_and_appends(data, typed, capsys):
    before = held(data)
    typed(DIALOGUE)
    assert main(["add-trial", "--data", str(data)]) == 0
    shown = capsys.readouterr().out
    for name in TABLES:
        assert held(data)[name].startswith(before[name])
    assert held(data)["trials.csv"].splitlines()[-1].startswith(b"fir2010,Fir & Elder 2010,2010,")
    assert held(data)["outcomes.csv"].splitlines()[-1].startswith(b"fir2010-01,fir2010,combined,")
    assert "panic disorder, with or without agoraphobia" in shown
    assert "trial_id [fir2010]: " in shown
    assert "would pool fir2010" in shown
    assert "sign turned" in shown
    assert "Added fir2010" in shown
    assert "CHANGELOG.md" in shown


def test_a_bad_answer_is_asked_again_with_what_was_expected(data, typed, capsys):
    lines = list(DIALOGUE)
    lines[1:1] = ["twenty", "2050"]  # the year
    lines[0:0] = [""]  # the label
    typed(lines)
    assert main(["add-trial", "--data", str(data)]) == 0
    shown = capsys.readouterr().out
    assert "'twenty' does not fit, expected a whole number" in shown
    assert "'2050' does not fit, expected a whole number at most" in shown
    assert "This may not stay empty, expected a text" in shown


def test_the_keys_help_go_back_and_empty_a_cell(data, typed, capsys):
    first = ["?", "<", "Wrong 2009", "<", "-", TRIAL["label"]]
    typed([*first, *DIALOGUE[1:]])
    assert main(["add-trial", "--data", str(data)]) == 0
    shown = capsys.readouterr().out
    assert "Kind: string." in shown
    assert "This is the first question." in shown
    assert "label [Wrong 2009]: " in shown
    assert "This may not stay empty" in shown
    assert b"Wrong" not in held(data)["trials.csv"]
    assert KEYS in shown


def test_less_than_is_a_word_where_it_is_one(data, typed):
    lines = outcome_answers(p_operator="<", p_value="0.05")
    typed([*trial_answers(), "y", *lines, "n", "y"])
    assert main(["add-trial", "--data", str(data)]) == 0
    assert b",<,0.05," in held(data)["outcomes.csv"].splitlines()[-1]


def test_a_second_row_proposes_what_the_first_said(data, typed, capsys):
    answers = outcome_answers()
    second = [
        "" if name in {"combined", "pharmacotherapy", "acute", "itt", "A", "trial_table", "12"}
        else name for name in answers
    ]  # fmt: skip
    typed([*trial_answers(), "y", *answers, "y", *second, "n", "y"])
    assert main(["add-trial", "--data", str(data)]) == 0
    assert "comparator [pharmacotherapy]: " in capsys.readouterr().out
    rows = held(data)["outcomes.csv"].decode().splitlines()[-2:]
    assert rows[0].replace("fir2010-01", "") == rows[1].replace("fir2010-02", "")


def test_what_only_the_whole_can_show_is_asked_again_at_the_end(data, typed, capsys):
    wrong = trial_answers(country="Norge")
    typed([*wrong, "y", *outcome_answers(), "n", "Norway", "y"])
    assert main(["add-trial", "--data", str(data)]) == 0
    assert "trial: error: country is 'Norge'" in capsys.readouterr().out
    assert b",Norway," in held(data)["trials.csv"].splitlines()[-1]


def test_an_entry_that_may_be_the_same_is_told_at_once(data, typed, capsys):
    typed([*trial_answers(label="Alder 2001", year="2001"), "y", *outcome_answers(), "n", "n"])
    assert main(["add-trial", "--data", str(data)]) == 0
    assert "Look first: expected another trial than alder2001" in capsys.readouterr().out


def test_who_declines_keeps_what_was_typed_and_the_data_stay(data, typed, capsys, tmp_path):
    before = held(data)
    typed([*DIALOGUE[:-1], ""])
    assert main(["add-trial", "--data", str(data)]) == 0
    assert held(data) == before
    shown = capsys.readouterr().out
    assert "Nothing was written" in shown
    saved = tmp_path / "saved.yaml"
    saved.write_text(shown.partition("--from FILE:\n")[2], encoding="utf-8")
    assert main(["add-trial", "--data", str(data), "--from", str(saved), "--yes"]) == 0
    assert held(data) != before


@pytest.mark.parametrize("lines", [0, 3, 30, len(DIALOGUE) - 1])
def test_answers_that_end_too_early_leave_nothing_behind(data, typed, capsys, lines):
    before, files = held(data), sorted(data.iterdir())
    typed(DIALOGUE[:lines])
    assert main(["add-trial", "--data", str(data)]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert held(data) == before
    assert sorted(data.iterdir()) == files


def test_an_interrupt_after_the_trial_shows_what_was_typed(data, typed, capsys, monkeypatch):
    before = held(data)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("combined_care.trial_preview.preview_trial", interrupt)
    typed(DIALOGUE)
    assert main(["add-trial", "--data", str(data)]) == INTERRUPTED
    assert "label: Fir & Elder 2010" in capsys.readouterr().out
    assert held(data) == before


def test_a_preview_that_fails_is_said_and_stops_nobody(data, file, capsys, monkeypatch):
    def fail(*_):
        message = "no variance"
        raise InputError(message)

    monkeypatch.setattr("combined_care.trial_preview.preview_trial", fail)
    assert main(["add-trial", "--data", str(data), "--from", file(draft()), "--yes"]) == 0
    shown = capsys.readouterr()
    assert "could not be computed: no variance" in shown.err
    assert "Added fir2010" in shown.out


def test_an_interrupt_leaves_nothing_behind(data, monkeypatch, capsys):
    before = held(data)

    class Interrupted(_Keyboard):
        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert main(["add-trial", "--data", str(data)]) == INTERRUPTED
    assert held(data) == before


def test_a_file_that_cannot_be_written_costs_nobody_the_answers(data, typed, capsys, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied", "trials.csv")

    monkeypatch.setattr("combined_care.new_trial.replace_together", fail)
    typed(DIALOGUE)
    assert main(["add-trial", "--data", str(data)]) == 1
    shown = capsys.readouterr()
    assert "Permission denied" in shown.err
    assert "label: Fir & Elder 2010" in shown.out


def test_a_file_is_checked_shown_and_appended(data, file, capsys):
    before = held(data)
    assert main(["add-trial", "--data", str(data), "--from", file(draft()), "--dry-run"]) == 0
    assert held(data) == before
    assert "would pool fir2010" in capsys.readouterr().out
    assert main(["add-trial", "--data", str(data), "--from", file(draft()), "--yes"]) == 0
    assert "Added fir2010" in capsys.readouterr().out
    assert held(data) != before


def test_quiet_prints_one_line(data, file, capsys):
    arguments = ["add-trial", "--data", str(data), "--from", file(draft()), "--yes", "--quiet"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Added fir2010")
    assert shown.count("\n") == 1


def test_json_tells_a_program_everything(data, file, capsys):
    arguments = [
        "add-trial",
        "--data",
        str(data),
        "--from",
        file(draft(n_randomised="40")),
        "--json",
    ]
    assert main([*arguments, "--dry-run"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["added"] is None
    assert found["draft"]["trial"]["trial_id"] == "fir2010"
    assert found["problems"][0]["severity"] == "warning"
    assert found["preview"]["trial_id"] == "fir2010"
    assert main([*arguments, "--yes"]) == 0
    assert json.loads(capsys.readouterr().out)["added"]["row_ids"] == {"$tuple": ["fir2010-01"]}


def test_every_error_of_a_file_is_listed_and_nothing_written(data, file, capsys):
    before = held(data)
    given = draft({"sd_e": "0"}, diagnosis="panik", yeer="2010")
    assert main(["add-trial", "--data", str(data), "--from", file(given), "--yes"]) == 1
    message = capsys.readouterr().err
    for word in ("panik", "yeer", "outcome row 1", "nothing was written"):
        assert word in message
    assert held(data) == before


def test_the_template_can_be_filled_in(data, tmp_path, capsys):
    assert main(["add-trial", "--data", str(data), "--print-template"]) == 0
    text = capsys.readouterr().out
    file = tmp_path / "new.yaml"
    for name, cell in {**OUTCOME, **TRIAL}.items():
        text = text.replace(f" {name}:\n", f" {name}: {json.dumps(cell)}\n")
    file.write_text(text, encoding="utf-8")
    assert main(["add-trial", "--data", str(data), "--from", str(file), "--yes"]) == 0
    assert "Added fir2010" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "there is no terminal to ask on: give --from FILE"),
        (["--from", "new.yaml"], "there is no terminal to ask on: give --yes or --dry-run"),
        (["--json"], "need --from FILE"),
        (["--yes"], "need --from FILE"),
        (["--from", "new.yaml", "--json"], "--json needs --yes or --dry-run"),
    ],
)
def test_what_cannot_work_is_wrong_usage(arguments, hint, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit) as caught:
        main(["add-trial", *arguments])
    assert caught.value.code == 2
    assert hint in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(data, capsys):
    assert main(["add-trial", "--data", str(data), "--from", "nowhere.yaml", "--yes"]) == 1
    assert "nowhere.yaml" in capsys.readouterr().err
