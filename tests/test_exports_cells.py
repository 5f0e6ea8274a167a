"""Cells of exported tables."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.exports.cells import cell, exact_csv, guarded, sheet_csv


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_every_digit(value):
    assert float(cell(value)) == value


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NA])
def test_nothing_is_an_empty_cell(nothing):
    assert cell(nothing) == guarded(nothing) == ""


@given(st.text(max_size=20))
def test_no_text_begins_like_a_formula_in_a_sheet(text):
    shown = guarded(text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown.removeprefix("'") == text.removeprefix("'") or shown == text


def test_numbers_are_untouched_where_text_is_guarded():
    frame = pd.DataFrame({"label": ['=HYPERLINK("x")', "Oak"], "yi": [-0.5, 2.0]})
    rows = list(csv.DictReader(io.StringIO(sheet_csv(frame))))
    assert [row["label"] for row in rows] == ['\'=HYPERLINK("x")', "Oak"]
    assert [row["yi"] for row in rows] == ["-0.5", "2"]


def test_a_table_for_programs_holds_text_as_it_is():
    frame = pd.DataFrame({"label": ["=1+1", 'a "b",\nc'], "year": pd.array([2001, None], "Int64")})
    rows = list(csv.DictReader(io.StringIO(exact_csv(frame), newline="")))
    assert [row["label"] for row in rows] == ["=1+1", 'a "b",\nc']
    assert [row["year"] for row in rows] == ["2001", ""]
