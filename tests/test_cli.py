"""The command line, as its users call it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from combined_care.cli import main
from combined_care.paths import ROOT_VARIABLE, project_root

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A project of one's own: the data in a folder that the command takes for the project."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    return tmp_path


def test_help_teaches_with_examples_and_answers_at_once():
    start = time.perf_counter()
    shown = subprocess.run(
        [sys.executable, "-m", "combined_care.cli", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert time.perf_counter() - start < 2  # half a second on an idle machine
    assert "combined-care validate" in shown.stdout
    assert "exit status" in shown.stdout


def test_help_loads_no_heavy_library():
    code = (
        "import sys; from combined_care.cli import _parser; _parser();"
        "print([m for m in ('numpy', 'pandas', 'scipy', 'matplotlib', 'papermill') "
        "if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_validate_accepts_the_projects_data(capsys):
    assert main(["validate", str(ROOT / "data")]) == 0
    assert "1788" in capsys.readouterr().out.replace(",", "")


def test_validate_lists_every_problem_and_fails(copy, capsys):
    file = copy / "data" / "trials.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace(",panic,", ",panik,").replace(",1999,", ",2999,"), encoding="utf-8"
    )
    assert main(["validate"]) == 1
    shown = capsys.readouterr().out
    assert shown.count("panik") >= text.count(",panic,")
    assert "2999" in shown
    assert "trials.csv:" in shown


def test_claims_prints_one_line_a_claim(capsys):
    assert main(["claims", "--claim", "panic-combined", "--claim", "access-cost"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["panic-combined", "access-cost"]
    assert "insufficient" in lines[0]
    assert "not testable" in lines[1]


def test_claims_as_json_can_be_read_by_a_program(capsys):
    assert main(["claims", "--claim", "ocd-combined", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document[0]["id"] == "ocd-combined"
    assert document[0]["estimates"][0]["k"] >= 3


def test_analyse_pools_what_answers_the_question(capsys):
    question = ["--diagnosis", "persistent_depression", "--comparator", "pharmacotherapy"]
    assert main(["analyse", *question, "--design", "concurrent"]) == 0
    shown = capsys.readouterr().out
    assert "Keller 2000" in shown
    assert "95 % CI" in shown
    assert main(["analyse", *question, "--design", "concurrent", "--json"]) == 0
    assert "keller2000" in json.loads(capsys.readouterr().out)["trials"]


def test_analyse_says_when_nothing_can_be_pooled(capsys):
    assert main(["analyse", "--diagnosis", "panic", "--comparator", "pharmacotherapy"]) == 1
    assert "no trial with usable numbers" in capsys.readouterr().err


def test_a_users_mistake_is_one_line_without_traceback(capsys):
    assert main(["analyse", "--diagnosis", "panik"]) == 1
    message = capsys.readouterr().err
    assert "did you mean 'panic'?" in message
    assert "Traceback" not in message


def test_debug_shows_the_traceback():
    with pytest.raises(Exception, match="panik"):
        main(["--debug", "analyse", "--diagnosis", "panik"])


def test_an_unknown_claim_is_an_error_before_anything_runs(copy, capsys):
    assert main(["render", "--claim", "panic-combind"]) == 1
    assert "did you mean 'panic-combined'?" in capsys.readouterr().err
    assert not (copy / "reports").exists()


def test_importing_a_missing_folder_is_an_error_that_names_it(copy, capsys):
    before = (copy / "data" / "outcomes.csv").read_bytes()
    assert main(["import", str(copy / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert (copy / "data" / "outcomes.csv").read_bytes() == before


def test_wrong_usage_exits_with_two():
    with pytest.raises(SystemExit) as caught:
        main(["frobnicate"])
    assert caught.value.code == 2


def test_the_project_is_found_from_a_folder_inside_it(monkeypatch, tmp_path):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert project_root(ROOT / "data") == ROOT
    assert project_root(tmp_path) == ROOT  # the checkout that the package is installed from
