"""Anchors: a place in the reports is found from an identifier alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import anchors

PACKAGE = json.loads(
    (Path(__file__).parents[1] / "data" / "datapackage.json").read_text(encoding="utf-8")
)


@given(st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True), st.integers(1, 99))
def test_a_row_stands_on_the_page_of_its_trial(trial_id, number):
    row_id = f"{trial_id}-{number:02d}"
    assert anchors.trial_group(trial_id) == anchors.trial_group(row_id)
    page = f'href="{anchors.trials_page(anchors.trial_group(trial_id))}.html#'
    assert f"{page}trial-{trial_id}" in anchors.trial_link(trial_id, "A trial")
    assert f"{page}row-{row_id}" in anchors.row_link(row_id)


def test_every_letter_belongs_to_one_group_that_names_it():
    for letter in "abcdefghijklmnopqrstuvwxyz":
        group = anchors.trial_group(f"{letter}dam2001")
        assert group[0] <= letter <= group[-1]


def test_the_pages_have_different_names():
    (trials,) = [r for r in PACKAGE["resources"] if r["name"] == "trials"]
    (column,) = [c for c in trials["schema"]["fields"] if c["name"] == "diagnosis"]
    names = [anchors.diagnosis_page(word) for word in column["constraints"]["enum"]]
    names += [anchors.trials_page(group) for group in anchors.trial_groups()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", 'a"b'])
def test_the_words_of_a_link_are_escaped(words):
    shown = str(anchors.trial_link("a2000", words))
    assert words not in shown
    assert shown.startswith('<a href="trials-a-b.html#trial-a2000">')


def test_several_rows_are_linked_one_by_one():
    shown = anchors.row_links(["a2000-01", "a2000-02"])
    assert shown.count("<a ") == 2
