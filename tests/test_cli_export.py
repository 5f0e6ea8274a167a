"""``combined-care export``, as its users call it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from combined_care.cli import analyse, export
from combined_care.cli.parsing import Parser, add_globals
from combined_care.errors import InputError
from combined_care.exports.formats import FORMATS

QUESTION = ["--diagnosis", "panic", "--comparator", "psychotherapy_plus_placebo"]


def parser() -> Parser:
    made = Parser(prog="combined-care")
    add_globals(made, default=False)
    commands = made.add_subparsers()
    export.add(commands)
    analyse.add(commands)
    return made


def called(*words: str) -> int:
    options = parser().parse_args(["export", *words])
    return int(options.run(options))


def test_a_question_is_exported(tmp_path, capsys):
    assert called(*QUESTION, "--to", str(tmp_path / "out"), "--only", "bibtex", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert "references.bib" in report["files"]
    assert report["counts"]["trials"] > 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {*report["files"], "MANIFEST.sha256"}


def test_a_claim_is_exported_and_what_is_missing_is_said(tmp_path, capsys):
    claim = ["--claim", "longterm-relapse", "--to", str(tmp_path / "out")]
    assert called(*claim, "--only", "r", "--only", "ris") == 0
    said = capsys.readouterr().out
    assert "not expressed: " in said
    assert (tmp_path / "out" / "r" / "relapse" / "synthesis.R").is_file()
    with pytest.raises(InputError, match="not empty"):
        called(*claim)
    assert called(*claim, "--only", "ris", "--force", "--quiet") == 0
    assert "not expressed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "x"], "name a claim"),
        (["--claim", "ocd-combined", "--level", "0.9", "--to", "x"], "leave out --level"),
        (["--claim", "ocd-combined"], "--to"),
        ([*QUESTION, "--to", "x", "--only", "bibtx"], "did you mean 'bibtex'"),
    ],
)
def test_a_mistake_is_named(words, said, capsys):
    with pytest.raises(SystemExit) as caught:
        called(*words)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert not Path("x").exists()


def test_no_trial_is_no_export(tmp_path, capsys):
    words = ["--diagnosis", "adhd", "--outcome", "relapse", "--to", str(tmp_path / "out")]
    assert called(*words) == 1
    assert "no trial" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_examples_are_understood_and_formats_listed(capsys):
    with pytest.raises(SystemExit):
        called("--help")
    shown = capsys.readouterr().out
    for line in re.findall(r"^  combined-care (export .*)$", shown, re.MULTILINE):
        parser().parse_args(line.split())
    assert all(name in shown for name in FORMATS)


def test_both_commands_take_the_same_question():
    words = [*QUESTION, "--outcome", "severity", "--method", "PM", "--level", "0.9"]
    here = parser().parse_args(["export", *words, "--to", "x"])
    there = parser().parse_args(["analyse", *words])
    shared = set(vars(there)) - {"run", "parser", "html"}
    assert {name: getattr(here, name) for name in shared} == {
        name: getattr(there, name) for name in shared
    }


def test_declaring_the_command_loads_no_heavy_library():
    code = (
        "import sys; from combined_care.cli import export;"
        "print([m for m in ('numpy', 'pandas', 'scipy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_the_digests_can_be_checked_as_the_readme_says(tmp_path):
    called(*QUESTION, "--to", str(tmp_path / "out"), "--only", "data", "--quiet")
    command = ["sha256sum", "--check", "MANIFEST.sha256"]
    assert subprocess.run(command, cwd=tmp_path / "out", check=False).returncode == 0
