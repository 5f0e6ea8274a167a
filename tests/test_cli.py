"""The command line, as its users call it."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from combined_care.claims import load_claims
from combined_care.cli import INTERRUPTED, NOBODY_READS, _parser, claims, main, output
from combined_care.evidence import load_evidence
from combined_care.paths import ROOT_VARIABLE, project_root
from combined_care.results import Absent
from combined_care.verdicts import judge

ROOT = Path(__file__).parents[1]
NAMES = (
    *("validate", "add-trial", "import", "claims", "analyse", "export", "render", "diff"),
    *("verify", "new"),
)


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


@pytest.mark.parametrize("command", NAMES)
def test_every_command_teaches_by_examples_that_are_understood(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    examples = re.findall(
        r"^  combined-care (.*?)(?:  .*)?$", shown.partition("examples:")[2], re.M
    )
    assert len(examples) >= 2
    for line in examples:
        words = shlex.split(line.partition(" > ")[0])
        assert words[0] == command
        _parser().parse_args(words)


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


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["rendr"], "did you mean 'render'?"),
        (["analyze"], "did you mean 'analyse'?"),
        (["validate", "--jsn"], "did you mean '--json'?"),
        (["analyse", "--diagnoses=panic"], "did you mean '--diagnosis'?"),
        (["frobnicate"], "known are validate, add-trial, import"),
        (["--print-completion", "bsh"], "did you mean 'bash'?"),
        (["diff", "old"], "required: new"),
    ],
)
def test_wrong_usage_exits_with_two_and_names_the_nearest(arguments, hint, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert hint in capsys.readouterr().err


def test_options_of_all_commands_work_before_and_after_the_command():
    for arguments in (["--json", "claims", "--quiet"], ["claims", "--json", "--quiet"]):
        options = _parser().parse_args(arguments)
        assert (options.json, options.quiet, options.debug) == (True, True, False)


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef")])
def test_completion_scripts_know_every_command(shell, word, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--print-completion", shell])
    assert caught.value.code == 0
    script = capsys.readouterr().out
    assert word in script
    assert all(name in script for name in NAMES)


def test_the_completion_script_completes_a_command():
    code = (
        'eval "$("$0" -m combined_care.cli --print-completion bash)"; '
        "COMP_WORDS=(combined-care ren); COMP_CWORD=1; "
        "_shtab_combined_care combined-care ren combined-care; echo ${COMPREPLY[@]}"
    )
    shown = subprocess.run(
        ["bash", "-c", code, sys.executable], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "render"


def test_an_interrupted_command_says_so_in_one_line(monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(claims, "run", interrupt)
    assert main(["claims"]) == INTERRUPTED
    assert capsys.readouterr().err == "combined-care: interrupted\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_early_is_no_error(unbuffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = [sys.executable, "-m", "combined_care.cli", "--print-completion", "bash"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.wait() == NOBODY_READS
        assert running.stderr.read() == b""


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.paint("x", "red", _Terminal()) == "\x1b[31mx\x1b[0m"
    assert output.paint("x", "red", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("x", "red", _Terminal()) == "x"


def test_certainty_and_agreement_are_shown_where_they_are_known():
    known = SimpleNamespace(
        claim=SimpleNamespace(id="a", text="Text a."), label="supported_strongly",
        certainty=SimpleNamespace(level="very_low"),
        robustness=SimpleNamespace(agree=0.853, n=1480),
    )  # fmt: skip
    absent = Absent("not computed")
    other = SimpleNamespace(
        claim=SimpleNamespace(id="bb", text="Text b."), label="fragile",
        certainty=absent, robustness=absent,
    )  # fmt: skip
    assert [re.split(" {2,}", line) for line in claims._lines([known, other])] == [
        [
            "a",
            "supported strongly",
            "certainty very low",
            "85 % of 1,480 analyses agree",
            "Text a.",
        ],
        ["bb", "fragile", "Text b."],
    ]
    assert re.split(" {2,}", claims._lines([other])[0]) == ["bb", "fragile", "Text b."]


def test_diff_says_what_a_release_changes(copy, capsys):
    new = copy / "new"
    shutil.copytree(copy / "data", new)
    file = new / "trials.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("Foa 2005", "Foa et al. 2005"), encoding="utf-8")
    for folder in (copy / "data", new):
        _keep_claims(folder, "ocd-combined", "access-cost")
    assert main(["diff", str(copy / "data"), str(copy / "data")]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert main(["diff", str(copy / "data"), str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["analyses"] == found["verdicts"] == {"$tuple": []}
    assert "Foa et al. 2005" in json.dumps(found["tables"])
    assert main(["diff", str(copy / "data"), str(copy / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def _keep_claims(folder, *ids):
    file = folder / "claims.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["claims"] = [claim for claim in document["claims"] if claim["id"] in ids]
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_verify_fails_with_the_place_that_differs(copy, capsys):
    _keep_claims(copy / "data", "panic-combined")
    committed = json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))
    evidence = load_evidence(copy / "data")
    verdict = judge(load_claims(copy / "data" / "claims.yaml")["panic-combined"], evidence)
    beyond = [claim for claim in committed["claims"] if claim["set"] == "beyond"]
    committed["claims"] = [verdict.to_dict(), *beyond]
    file = copy / "reports" / "verdicts.json"
    file.parent.mkdir()
    file.write_text(json.dumps(committed), encoding="utf-8")
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.startswith("ok: ")
    file.write_text(json.dumps(committed).replace('"insufficient"', '"supported"', 1), "utf-8")
    assert main(["verify"]) == 1
    assert "panic-combined: verdict committed supported" in capsys.readouterr().out
    file.unlink()
    assert main(["verify"]) == 1
    assert "verdicts.json" in capsys.readouterr().err


def test_the_project_is_found_from_a_folder_inside_it(monkeypatch, tmp_path):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert project_root(ROOT / "data") == ROOT
    assert project_root(tmp_path) == ROOT  # the checkout that the package is installed from
