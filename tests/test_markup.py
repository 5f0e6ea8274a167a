"""Small, safe HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import markup
from combined_care.results import Absent


@given(st.text())
def test_text_from_data_can_never_become_an_element_or_leave_an_attribute(value):
    escaped = markup.text(value)
    assert not set("<>\"'") & set(escaped)


def test_what_is_html_already_is_not_escaped_again():
    assert markup.text(markup.Safe("<b>x</b>")) == "<b>x</b>"
    assert markup.Safe("<b>x</b>")._repr_html_() == "<b>x</b>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.126, "−0.13"),
        (-0.0, "0.00"),
        (-0.001, "0.00"),
        (3, "3"),
        (float("inf"), "∞"),
        (float("nan"), "not available"),
        (Absent("one trial"), "not available (one trial)"),
        (True, "True"),
    ],
)
def test_numbers_are_written_for_readers(value, shown):
    assert markup.number(value) == shown


def test_an_absent_interval_gives_its_reason_once():
    assert markup.interval(Absent("k < 3"), Absent("k < 3")) == "not available (k < 3)"


def test_a_table_has_a_caption_and_scoped_headers():
    html = markup.table(("a", "b"), [("<x>", 1)], caption="What")
    assert "<caption>What</caption>" in html
    assert html.count('scope="col"') == 2
    assert '<th scope="row">&lt;x&gt;</th>' in html


def test_only_web_addresses_become_links():
    assert "href" not in markup.link("javascript:alert(1)", "x")
    assert 'href="https://a.example/?a=1&amp;b=2"' in markup.link("https://a.example/?a=1&b=2", "x")
