"""Every example of the README and the documentation runs, in a copy of the project."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rendered import project

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
#: What CI runs by itself, as its own step or in a test of its own.
ELSEWHERE = re.compile(r"^(make \w+|combined-care verify|\. \.venv/bin/activate)\s*(#.*)?$")

pytestmark = pytest.mark.slow


def blocks(page: Path, language: str) -> list[str]:
    """Return the code of each block in a language, without the indentation of its list."""
    found = []
    for indent, name, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if name == language:
            found.append(re.sub(f"^{indent}", "", code, flags=re.MULTILINE))
    return found


def commands(page: Path) -> str:
    """Return the shell commands of a page that are to be run here."""
    lines = "".join(blocks(page, "sh")).splitlines()
    return "\n".join(line for line in lines if not ELSEWHERE.match(line))


WITH_COMMANDS = [page for page in PAGES if commands(page).strip()]
WITH_PYTHON = [page for page in PAGES if blocks(page, "python")]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def copy(tmp_path):
    """A copy of the project as a reader has it, with what the examples need beside it."""
    root = project(tmp_path / "project")
    shutil.copytree(ROOT / "reports", root / "reports")
    return root


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_the_commands_of_a_page_run(page, copy):
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "COMBINED_CARE_ROOT": "",
    }
    script = f"set -eu -o pipefail\n{commands(page)}\n"
    done = subprocess.run(
        ["bash"], input=script, text=True, cwd=copy, env=environment, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{name_of(page)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_the_python_of_a_page_runs(page, copy, monkeypatch):
    monkeypatch.chdir(copy)
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for code in blocks(page, "python"):
            exec(compile(code, name_of(page), "exec"), names)


def test_what_is_run_elsewhere_is_run_elsewhere():
    """Targets of make exist; those that are no step of CI are tested by name."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make verify" in steps
    for page in PAGES:
        for line in "".join(blocks(page, "sh")).splitlines():
            if target := re.match(r"make (\w+)", line):
                assert re.search(rf"^{target[1]}:.*##", makefile, re.MULTILINE), line
    for target in ("test", "reports", "verify", "check"):
        assert f"make {target}" in steps


def test_every_page_of_the_documentation_is_linked_and_every_link_leads_somewhere():
    linked = set()
    for page in PAGES:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if not target.startswith(("http:", "https:", "mailto:")):
                there = (page.parent / target).resolve()
                assert there.exists(), f"{name_of(page)} links to {target}"
                linked.add(there)
    assert {name_of(page) for page in PAGES if page.resolve() not in linked} <= {"README.md"}


def test_a_block_in_a_list_is_read_without_its_indentation(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "1. Do\n\n   ```sh\n   cat <<E\n     a: 1\n   E\n   make all\n   ```\n", "utf-8"
    )
    assert blocks(page, "sh") == ["cat <<E\n  a: 1\nE\nmake all\n"]
    assert commands(page) == "cat <<E\n  a: 1\nE"
