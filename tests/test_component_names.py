"""Names of combined treatments."""

from __future__ import annotations

import pytest

from combined_care.component_names import parse_treatments
from combined_care.errors import InputError


def test_the_order_of_components_does_not_matter():
    canonical, parts = parse_treatments({"b + a": "t", "a + b": "u", "a": "t"}, " + ")
    assert canonical == {"b + a": "a + b", "a + b": "a + b", "a": "a"}
    assert parts == {"a + b": {"a", "b"}, "a": {"a"}}


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("a+b", r"t: treatment 'a\+b' holds '\+' within the component"),
        ("a + b+c", r"within the component 'b\+c'"),
        ("a + ", "has an empty component"),
        ("", "has an empty component"),
        ("a + a", "holds a component twice"),
        ("a * b", "would read as an interaction"),
    ],
)
def test_malformed_names_are_errors_that_name_the_trial(name, match):
    with pytest.raises(InputError, match=match):
        parse_treatments({name: "t"}, " + ")


def test_all_malformed_names_are_listed():
    with pytest.raises(InputError, match=r"t: .*a\+b.*; u: .*twice"):
        parse_treatments({"a+b": "t", "c + c": "u"}, " + ")


def test_a_separator_of_spaces_is_refused():
    with pytest.raises(InputError, match="sep must hold a character"):
        parse_treatments({"a": "t"}, " ")
