"""The public API: every promised name is there, typed and documented."""

from __future__ import annotations

import inspect

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
