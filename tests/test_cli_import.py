"""``combined-care import FILE``, as its users call it."""

from __future__ import annotations

import json

import pytest
import yaml

from combined_care import schema
from combined_care.cli import main
from combined_care.paths import ROOT_VARIABLE
from foreign_files import COMMA, ROWS, metapsy, write
from small_folder import SmallFolder
from test_foreign_into_project import WORDS, files


@pytest.fixture(autouse=True)
def own_rules_alone(monkeypatch):
    """Leave the Frictionless library out: it is slow, and bringing files in is tested with it."""
    monkeypatch.setattr(schema, "_frictionless_problems", lambda _: iter(()))


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    SmallFolder(tmp_path / "data")
    (tmp_path / "words.yaml").write_text(yaml.safe_dump(WORDS), encoding="utf-8")
    write(tmp_path / "trials.csv", [*ROWS, metapsy("Hop, 2011")], COMMA)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_brought_into_the_projects_data(project, capsys):
    before = files(project / "data")
    arguments = ["import", "trials.csv", "--format", "metapsy", "--words", "words.yaml"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "5 rows and 1 trials new, not written" in capsys.readouterr().out
    assert files(project / "data") == before
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "6 rows give 5 usable contrasts of 4 trials" in shown
    assert "5 rows and 1 trials added" in shown
    assert "no results are reported: line 7" in shown
    assert "imported/trials.csv" in files(project / "data")
    assert main(arguments) == 0
    assert "0 rows and 0 trials new; 5 rows were there" in capsys.readouterr().out


def test_the_format_is_told_from_a_header_that_only_one_has(project, capsys):
    assert main(["--json", "import", "trials.csv", "--words", "words.yaml", "--dry-run"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["written"] is False
    assert report["read"].startswith("trials.csv (metapsy)")


def test_a_file_of_which_nothing_can_be_used_is_a_failure_with_all_reasons(project, capsys):
    assert main(["import", "trials.csv"]) == 1
    assert "experimental 'cbt + ssri' is no word of the project" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["words.yaml"], "cannot be read"),
        (["nowhere.csv", "--format", "metapsy"], "nowhere.csv: no such file"),
        (["trials.csv", "--format", "revman"], "'Study' (nearest: 'study')"),
        (["trials.csv", "--format", "arms"], "--map"),
        (["trials.csv", "--words", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["trials.csv", "--data", "."], "no datapackage.json"),
    ],
)
def test_a_mistake_is_one_message_and_loses_nothing(project, capsys, arguments, words):
    before = files(project / "data")
    assert main(["import", *arguments]) == 1
    message = capsys.readouterr().err
    assert words in message
    assert "Traceback" not in message
    assert files(project / "data") == before
