"""The public API: every promised name is there, typed and documented."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import combined_care as cc

NAMES = [name for name in cc.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_can_be_used_and_is_documented(name):
    found = getattr(cc, name)
    assert len(inspect.getdoc(found)) > 20
    if inspect.isfunction(found):
        text = inspect.getdoc(found)
        assert "Returns\n-------" in text
        annotations = inspect.get_annotations(found)
        assert "return" in annotations
        assert set(inspect.signature(found).parameters) <= set(annotations)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'synthesise'"):
        cc.synthesise  # noqa: B018


def test_names_are_listed_for_completion():
    assert set(NAMES) <= set(dir(cc))


def test_no_public_name_is_hidden_by_a_module_of_the_same_name():
    """Importing a module sets it as an attribute of the package, in place of the name."""
    modules = {path.stem for path in Path(cc.__file__).parent.iterdir()}
    assert set(NAMES) & modules == set()
