"""The engine: what papermill records is what it records with a Jupyter kernel."""

from __future__ import annotations

import nbformat
import pytest

from combined_care.reports import workers
from combined_care.reports.kernel import ENGINE
from combined_care.reports.workers import Job

pytestmark = pytest.mark.slow

CELLS = [
    "given = 'default'",
    "print('one'); print('two', end='')\nimport sys; print('bad', file=sys.stderr)",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>b</b>'), {'a': 1})\n'last'",
    "'hidden';",
    "None",
    "x = given\nx, _",
    "display({'application/x+json': {'deep': [1, (2, 3)]}}, raw=True)",
    "from IPython.display import Image\nImage(bytes([137, 80, 78, 71]), format='png')",
    "from IPython.display import clear_output\ndisplay('gone'); clear_output(); 1 + 1",
    "import asyncio\nawait asyncio.sleep(0)\n__name__",
]


def execute(folder, cells, engine):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Title"), *map(nbformat.v4.new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    notebook.cells[1].metadata["tags"] = ["parameters"]
    path = folder / "notebook.ipynb"
    nbformat.write(notebook, path)
    answers = []
    job = Job("execute", "small_jobs:execute", (str(path), str(folder), engine))
    workers.warm_up()
    workers.run([job], at_once=1, done=lambda _, answer: answers.append(answer))
    return answers[0]


def test_outputs_are_those_of_a_kernel(tmp_path):
    ours = execute(tmp_path, CELLS, ENGINE)
    theirs = execute(tmp_path, CELLS, None)
    for here, there in zip(ours["cells"], theirs["cells"], strict=True):
        assert nbformat.from_dict(here) == nbformat.from_dict(there)
    nbformat.validate(nbformat.read(tmp_path / "executed.ipynb", as_version=4))


@pytest.mark.parametrize(
    "failing",
    ["raise KeyError('a')", "1 +", "import sys; sys.exit(3)", "%no_such_magic"],
)
def test_an_error_is_told_as_a_kernel_tells_it(tmp_path, failing):
    cells = ["given = 'x'", "1", failing, "print('never')"]
    ours = execute(tmp_path, cells, ENGINE)["error"]
    kept = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    assert ours[0] == 4, "title, parameters, given parameters and one cell stand before it"
    assert not any(cell.get("outputs") for cell in kept.cells if "never" in cell.source)
    if failing == "raise KeyError('a')":
        assert ours == execute(tmp_path, cells, None)["error"]
