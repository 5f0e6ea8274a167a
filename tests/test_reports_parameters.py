"""Parameters: typed, bounded, and wrong ones named before anything runs."""

from __future__ import annotations

import nbformat
import pytest

from combined_care.errors import DataError, InputError
from combined_care.reports import parameters
from combined_care.reports.parameters import Parameter

LEVEL = Parameter("level", float, "level", above=0.5, below=1)
COUNT = Parameter("count", int, "trials", above=0)
METHOD = Parameter("method", str, "estimator", ("PM", "REML"))


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [(LEVEL, "0.9", 0.9), (LEVEL, 0.9, 0.9), (COUNT, "3", 3), (COUNT, 3, 3), (METHOD, "PM", "PM")],
)
def test_text_and_values_are_read_as_the_declared_type(parameter, given, value):
    found = parameter.read(given)
    assert found == value
    assert type(found) is parameter.kind


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        (LEVEL, "high", "level must be a number; got 'high'"),
        (LEVEL, "nan", r"level must lie above 0\.5 and below 1; got nan"),
        (LEVEL, 1, r"level must lie above 0\.5 and below 1; got 1"),
        (LEVEL, True, "level must be a number; got True"),
        (COUNT, "2.5", r"count must be a whole number; got '2\.5'"),
        (COUNT, 2.5, r"count must be a whole number; got 2\.5"),
        (COUNT, "0", "count must lie above 0; got 0"),
        (METHOD, 7, "method must be a word; got 7"),
        (METHOD, "RELM", r"unknown method: 'RELM' \(did you mean 'REML'\?\); known are PM, REML"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(parameter, given, message):
    with pytest.raises(InputError, match=message):
        parameter.read(given)


def notebook(folder, source):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    path = folder / "claim.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_a_notebook_declares_its_parameters_with_defaults(tmp_path):
    path = notebook(tmp_path, "claim: str = 'x'  # which\nsettings = {}\nlevel = 0.95\nfoo: int")
    assert parameters.declared(path) == {"claim": "x", "settings": {}, "level": 0.95}


def test_parameters_that_fit_pass(tmp_path):
    path = notebook(tmp_path, "claim = 'x'\nsettings = {}")
    parameters.check(path, {"claim": "y"}, {"claim": ["x", "y"]})
    parameters.check(path, {"claim": "y", "settings": {"level": 0.9}})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clam": "y"}, r"unknown parameter of claim\.ipynb: 'clam' \(did you mean 'claim'\?\)"),
        ({}, r"claim\.ipynb needs the parameters claim"),
        ({"claim": 3}, r"claim\.ipynb: claim must be a word; got 3"),
        ({"claim": "z"}, "unknown claim: 'z'"),
        ({"claim": "x", "settings": "level=1"}, r"settings must be a mapping; got 'level=1'"),
    ],
    ids=["unknown", "missing", "of another type", "not allowed", "text for a mapping"],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path, given, message):
    path = notebook(tmp_path, "claim = 'x'\nsettings = {}")
    with pytest.raises(InputError, match=message):
        parameters.check(path, given, {"claim": ["x", "y"]})


def test_a_notebook_that_is_none_or_computes_a_default_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no notebook"):
        parameters.declared(tmp_path / "missing.ipynb")
    with pytest.raises(DataError, match="cannot be read"):
        parameters.declared(notebook(tmp_path, "claim = open('x').read()"))
    (tmp_path / "claim.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        parameters.declared(tmp_path / "claim.ipynb")
