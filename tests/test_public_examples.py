"""Every public function teaches by an example, which the doctests run."""

from __future__ import annotations

import doctest
import inspect

import pytest

import combined_care as cc

PUBLIC = {name: getattr(cc, name) for name in cc.__all__}
FUNCTIONS = [name for name, found in PUBLIC.items() if inspect.isfunction(found)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_has_an_example(name):
    assert ">>>" in inspect.getdoc(PUBLIC[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_calls_the_function_and_shows_a_result(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]))
    run = [example for example in examples if not example.options.get(doctest.SKIP)]
    assert any(f"{name}(" in example.source for example in run)
    assert any(example.want for example in run)


def test_the_functions_are_found():
    assert {"load_evidence", "judge", "synthesize", "export"} <= set(FUNCTIONS)
