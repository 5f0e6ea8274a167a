"""Tables of figures: accessible, escaped, and with the numbers that the figure has."""

from __future__ import annotations

from functools import partial
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import figure_checks as given
from combined_care import figure_tables, figures
from figure_checks import trials

FULL = trials(low_risk_items=[0, 1, 2, 3, 4, np.nan], level=list("ababab"))

TABLES = {
    "funnel": partial(figure_tables.funnel_table, FULL),
    "specifications": partial(
        figure_tables.specification_table, given.specifications(), given.CHOICES
    ),
    "p values": partial(
        figure_tables.specification_table, given.specifications(), given.CHOICES, shown="pval"
    ),
    "cumulative": partial(figure_tables.cumulative_table, given.steps()),
    "icons": partial(figure_tables.icon_table, given.GAIN, outcome="a response"),
    "gaps": partial(figure_tables.gap_table, given.COUNTS, given.WORDS),
    "comparison": partial(figure_tables.comparison_table, given.COMPARISONS),
}  # fmt: skip


def tables(page: str) -> list[ET.Element]:
    return list(ET.fromstring(f"<main>{page}</main>").iter("table"))


def cells(page: str, place: int = 0) -> list[list[str]]:
    """The text of every cell, row by row, without the head."""
    rows = tables(page)[place].find("tbody").iter("tr")
    return [[cell.text or "" for cell in row] for row in rows]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_caption_scopes_and_as_many_cells_as_heads_in_each_row(name):
    for table in tables(TABLES[name](caption="What it shows")):
        assert table.find("caption").text.startswith("What it shows")
        heads = table.findall("thead/tr/th")
        assert {head.get("scope") for head in heads} == {"col"}
        assert all(head.text for head in heads)
        rows = table.findall("tbody/tr")
        assert rows
        for row in rows:
            assert row[0].tag == "th"
            assert row[0].get("scope") == "row"
            assert len(row) == len(heads)
            assert "nan" not in "".join(row.itertext())


def test_the_funnel_table_begins_with_the_most_precise_trial():
    rows = cells(TABLES["funnel"](caption="c"))
    assert rows[0] == ["Author 2003", "0.65", "0.10", "p below 0.01"]
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)


def test_options_of_the_multiverse_have_their_counts_and_their_span():
    rows = cells(TABLES["specifications"](caption="c"))
    assert rows[0] == ["All", "", "12", "0.18", "0.30", "6", "0"]
    assert [
        "Risk of bias",
        "low risk only, 3 or 4 of 4 items",
        "6",
        "0.18",
        "0.20",
        "0",
        "0",
    ] in rows
    assert ["Heterogeneity estimator", "REML (primary)", "6", "0.18", "0.30", "3", "0"] in rows
    assert cells(TABLES["p values"](caption="c"))[0] == ["All", "", "12", "0.020", "0.240", "2"]


def test_an_option_that_no_analysis_takes_is_shown_with_nothing():
    choice = figures.Choice("rob", "Bias", {"all": "all", "low": "low", "some": "some"})
    page = figure_tables.specification_table(given.specifications(), [choice], caption="c")
    assert cells(page)[-1] == ["Bias", "some", "0", "none", "none", "0", "0"]


def test_people_of_the_icons_add_up_to_a_hundred():
    rows = cells(TABLES["icons"](caption="c"))
    assert rows == [
        ["the comparator", "40", "taken as known", "60"],
        ["combined treatment", "55", "49 to 61", "45"],
    ]


def test_every_gap_is_said_to_be_one_in_a_table_for_each_design():
    page = TABLES["gaps"](caption="Gaps")
    captions = [table.find("caption").text for table in tables(page)]
    assert captions == [
        "Gaps: both treatments begin together",
        "Gaps: second treatment added later",
    ]
    assert cells(page)[0] == [
        "panic disorder", "100 with numbers, 2 with a direction only", "3 with a direction only",
    ]  # fmt: skip
    assert cells(page)[1][1:] == ["no trial", "no trial"]


def test_absent_numbers_of_a_comparison_keep_their_reason():
    rows = cells(TABLES["comparison"](caption="c"))
    assert rows[0][1:] == ["21", "0.25", "0.05 to 0.45", "−0.20 to 0.70", "32", "0.31",
                           "0.20 to 0.42"]  # fmt: skip
    assert rows[1][2] == rows[1][3] == "not available (no trial)"
    assert rows[1][-1] == "not available"


def test_ratios_are_written_as_ratios():
    page = figure_tables.cumulative_table(given.steps(), caption="c", measure="OR")
    assert cells(page)[0][2:] == ["1.65", "0.82 to 3.32"]


def test_text_of_the_data_does_no_harm():
    page = figure_tables.funnel_table(trials(label="<script>alert(1)</script>"), caption="<b>")
    assert "<script" not in page
    assert "<b>" not in page
