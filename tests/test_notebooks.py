"""The notebooks stay thin and are committed without outputs."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def notebook(request):
    document = nbformat.read(request.param, as_version=4)
    nbformat.validate(document)
    return document


def code(document):
    return [cell for cell in document.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert {path.name for path in NOTEBOOKS} >= {"claim.ipynb", "index.ipynb"}


def test_it_has_no_outputs_and_readable_cell_ids(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(name.replace("-", "").isalpha() for name in ids)
    assert all(not cell.outputs and cell.execution_count is None for cell in code(notebook))


def test_it_only_calls_the_package(notebook):
    """No definitions, no loops, no files, no arithmetic on results."""
    for cell in code(notebook):
        tree = ast.parse(cell.source)
        banned = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.BinOp)
        assert not [node for node in ast.walk(tree) if isinstance(node, banned)], cell.source
        assert len(cell.source.splitlines()) <= 12
        imported = {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        } | {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert imported <= {"combined_care"}


def test_parameters_have_defaults_that_run(notebook):
    cells = [cell for cell in code(notebook) if "parameters" in cell.metadata.get("tags", [])]
    for cell in cells:
        values = {}
        exec(cell.source, {}, values)
        assert values
        assert next(iter(values.values())), "the page's own parameter comes first"
