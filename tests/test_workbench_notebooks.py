"""The notebooks of the workbench run as they are, stay thin, and lead to each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import test_notebooks as rules

FOLDER = Path(__file__).parents[1] / "notebooks" / "workbench"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.name for path in NOTEBOOKS]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

#: One process of a parallel run takes all of them: they share a kernel.
pytestmark = pytest.mark.slow


@pytest.fixture(params=NOTEBOOKS, ids=NAMES)
def notebook(request):
    document = nbformat.read(request.param, as_version=4)
    nbformat.validate(document)
    return document


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """All notebooks, run in one kernel: starting it and importing is most of the time."""
    folder = tmp_path_factory.mktemp("executed")
    copies = [tmp_path_factory.mktemp("complaints") / name for name in ("complains", "fails")]
    for path, source in zip(copies, ("import sys; sys.stderr.write('!')", "1 / 0"), strict=True):
        cells = [nbformat.v4.new_code_cell(source, id="only")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    runner = str(Path(__file__).with_name("notebook_runner.py"))
    files = [str(path) for path in (*NOTEBOOKS, *copies)]
    command = [sys.executable, runner, str(folder), *files]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert ran.returncode == 0, ran.stderr
    return {path.name: nbformat.read(path, as_version=4) for path in folder.iterdir()}


def outputs(document):
    return [output for cell in document.cells for output in cell.get("outputs", [])]


def complaints(document):
    """What a cell raised or wrote to standard error."""
    found = outputs(document)
    raised = [f"{o.ename}: {o.evalue}" for o in found if o.output_type == "error"]
    return raised + [o.text for o in found if o.get("name") == "stderr"]


def links(document):
    prose = (cell.source for cell in document.cells if cell.cell_type == "markdown")
    return [target for text in prose for target in LINK.findall(text)]


def test_it_has_no_outputs_and_readable_cell_ids(notebook):
    rules.test_it_has_no_outputs_and_readable_cell_ids(notebook)


def test_it_only_calls_the_package(notebook):
    rules.test_it_only_calls_the_package(notebook)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_top_to_bottom_and_complains_of_nothing(name, executed):
    assert complaints(executed[name]) == []
    assert outputs(executed[name])


@pytest.mark.parametrize("name", ["complains", "fails"])
def test_a_cell_that_fails_or_complains_would_be_seen(name, executed):
    assert complaints(executed[name])


def test_its_links_lead_to_notebooks_that_are_there(notebook):
    assert {target for target in links(notebook) if not (FOLDER / target).is_file()} == set()


def test_every_notebook_can_be_reached_from_the_start_page_and_leads_back():
    documents = {p.name: nbformat.read(p, as_version=4) for p in NOTEBOOKS}
    others = set(documents) - {"start.ipynb"}
    assert set(links(documents["start.ipynb"])) == others
    assert {name for name in others if "start.ipynb" not in links(documents[name])} == set()
