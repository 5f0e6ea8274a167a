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


CLASSES = [name for name in NAMES if inspect.isclass(getattr(cc, name))]


@pytest.mark.parametrize("name", CLASSES)
def test_what_one_gets_shows_itself_in_jupyter_and_prints_a_sentence(name):
    found = getattr(cc, name)
    if not issubclass(found, Exception):
        assert hasattr(found, "_repr_html_") or hasattr(found, "_repr_mimebundle_")
        assert found.__str__ is not object.__str__ or hasattr(found, "_repr_mimebundle_")


def test_records_of_a_claim_show_their_content():
    evidence, claim = cc.load_evidence(), cc.load_claims()["ocd-combined"]
    selection = evidence.select(claim.analyses[0].estimand)
    assert f"{len(selection.effects)} effects of" in str(selection)
    assert all(label in selection._repr_html_() for label in selection.effects["label"])
    assert "comparator pharmacotherapy" in str(selection.estimand)
    assert claim.text in str(claim)
    assert claim.analyses[0].title in claim._repr_html_()
    assert f"<td>{len(evidence.trials)}</td>" in evidence._repr_html_()
    assert cc.Absent("a < b")._repr_html_() == "<p>not available (a &lt; b)</p>"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'synthesise'"):
        cc.synthesise  # noqa: B018


def test_names_are_listed_for_completion():
    assert set(NAMES) <= set(dir(cc))


def test_no_public_name_is_hidden_by_a_module_of_the_same_name():
    """Importing a module sets it as an attribute of the package, in place of the name."""
    modules = {path.stem for path in Path(cc.__file__).parent.iterdir()}
    assert set(NAMES) & modules == set()
