"""``combined-care analyse --html``: a question of one's own as a page."""

from __future__ import annotations

import json

import pytest

from combined_care.cli import main
from combined_care.reports import answers

QUESTION = ["analyse", "--diagnosis", "ocd", "--comparator", "pharmacotherapy"]


@pytest.fixture
def in_process(monkeypatch):
    """What would be made into a page; making it is tested with :mod:`combined_care.reports`."""
    made = []

    def take(arguments):
        made.append(arguments)
        return b"<html>page</html>"

    monkeypatch.setattr(answers, "_in_process", take)
    return made


def test_the_page_is_written_beside_the_numbers(in_process, tmp_path, capsys):
    file = tmp_path / "ocd.html"
    assert main([*QUESTION, "--level", "0.9", "--html", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == "<html>page</html>"
    ((_, page, passport, _),) = in_process
    asked = page.parameters["question"]
    assert (asked["diagnosis"], asked["level"]) == (["ocd"], 0.9)
    assert asked["robustness"] is True
    assert passport.status == "Not pre-specified"
    shown = capsys.readouterr()
    assert "Pooled effect" in shown.out
    assert f"wrote {file}" in shown.err


def test_json_stays_json(in_process, tmp_path, capsys):
    assert main([*QUESTION, "--json", "--html", str(tmp_path / "ocd.html")]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["k"] > 0
    assert shown.err == ""


def test_a_file_that_cannot_be_written_is_one_message(in_process, tmp_path, capsys):
    assert main([*QUESTION, "--html", str(tmp_path / "ocd.pdf")]) == 1
    assert "must end in .html" in capsys.readouterr().err
    assert in_process == []
    assert list(tmp_path.iterdir()) == []
