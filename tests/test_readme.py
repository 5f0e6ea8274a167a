"""The README tells the truth: its table is generated, its commands exist, its example runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from combined_care import readme
from combined_care.cli import _parser
from combined_care.errors import DataError

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
VERDICTS = json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))


def test_the_verdict_table_is_the_generated_one():
    table = readme.verdict_table(VERDICTS)
    assert readme.with_table(TEXT, table) == TEXT, "run: make readme"
    assert table.count("\n| ") == 10  # the head and ten claims, less the first line


def test_the_first_screen_has_the_question_the_verdicts_and_the_two_commands():
    question = TEXT.index("When should psychotherapy and medication be combined")
    table = TEXT.index(readme.START)
    commands = TEXT.index("make reports")
    assert question < table < commands < TEXT.index("## ")
    assert "make test" in TEXT[commands : commands + 300]


def test_every_command_of_the_readme_is_understood():
    shown = re.findall(r"^(?:\. .*\n)?combined-care (.*?)(?:\s+#.*)?$", TEXT, flags=re.MULTILINE)
    assert len(shown) >= 4
    for line in shown:
        if line != "--help":
            _parser().parse_args(line.split())


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"\bmake ([a-z]+)", TEXT)) - {"sure"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_api_page_lists_every_public_name_and_is_the_generated_one():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == readme.api_page(), "run: make readme"


def test_a_readme_without_marks_is_an_error():
    with pytest.raises(DataError, match="needs the lines"):
        readme.with_table("no marks", "table")
