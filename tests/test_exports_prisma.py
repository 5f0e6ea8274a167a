"""PRISMA 2020, items 13 to 22 and 27: every number is that of the run."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import small_evidence as small
from combined_care.claims import load_claims
from combined_care.errors import InputError
from combined_care.evidence import load_evidence
from combined_care.exports.prisma import PrismaChecklist, prisma_checklist
from combined_care.own_question import ask
from combined_care.verdicts import judge

ROOT = Path(__file__).parents[1]
ITEMS = (
    *("13a", "13b", "13c", "13d", "13e", "13f", "14", "15", "16a", "16b", "17", "18", "19"),
    *("20a", "20b", "20c", "20d", "21", "22", "27"),
)
TRIALS = [
    small.trial("oak", low_risk_items=3.0), small.trial("elm", doi=""), small.trial("ash"),
    small.trial("fir", pmid="7"),
]  # fmt: skip
ROWS = [
    small.means("oak", 0.5),
    small.means("oak", 0.4, row_id="oak-02", rating="self"),
    small.events("elm", 12, 8, 20),
    small.means("ash", 0.1, effect=1.0, tier="D"),
    small.means("fir", 0.3, derived=1.0),
]


@cache
def answer():
    return ask(small.evidence(TRIALS, ROWS), comparator="pharmacotherapy")


@cache
def real():
    """A real claim with everything but its multiverse, which takes long."""
    claim, evidence = load_claims()["ocd-combined"], load_evidence()
    quick = replace(claim, rules=replace(claim.rules, choices=None))
    verdict = judge(quick, evidence)
    return verdict, prisma_checklist(verdict, evidence)


def item(checklist: PrismaChecklist, number: str):
    return next(found for found in checklist.items if found.item == number)


def small_list() -> PrismaChecklist:
    return prisma_checklist(answer(), answer().evidence)


def test_the_items_are_those_about_syntheses():
    for checklist in (small_list(), real()[1]):
        assert tuple(found.item for found in checklist.items) == ITEMS


def test_counts_of_the_selection_are_those_of_the_rows():
    done = item(small_list(), "16a").done
    assert "5 rows asked for, 1 left out, 1 kept as alternatives, 3 used for 3 effects" in done
    assert "1 (direction only (tier D))" in item(small_list(), "16b").done


def test_preparation_is_counted():
    done = item(small_list(), "13b").done
    assert "Of 3 effects 3 rest on one row" in done
    assert "1 were converted from odds ratios, 1 rest on numbers computed from others" in done


def test_references_and_risk_of_bias_are_in_part():
    found = small_list()
    assert item(found, "17").status == "in part"
    assert "3 trials with their characteristics; 2 with a DOI" in item(found, "17").done
    assert item(found, "18").done.startswith("1 of 3 trials have a count")


def test_what_was_not_done_is_said():
    found = small_list()
    for number in ("13c", "13e", "20c"):
        assert item(found, number).status == "not done"
    assert "Asked with the data at hand" in item(found, "13a").done
    assert not any(".html#" in place for entry in found.items for place in entry.where)


def test_pooled_results_are_those_of_the_fit():
    fit, done = answer().fit, item(small_list(), "20b").done
    assert f"g {fit.estimate:.2f}".replace("-", "−") in done
    assert f"tau² {fit.tau2:.3f}" in done
    assert f"from {fit.k} trials" in done


def test_a_claim_reports_each_of_its_analyses():
    verdict, found = real()
    for number in ("13a", "16a", "20a", "20b", "22"):
        lines = item(found, number).done.splitlines()
        titles = [r.analysis.title.casefold() for r in verdict.results]
        assert all(any(line.casefold().startswith(t) for line in lines) for t in titles)
    rated = [r for r in verdict.results if not hasattr(r.certainty, "reason")]
    assert f"{len(rated)} of {len(verdict.results)} analyses rated" in item(found, "15").done


def test_every_place_that_is_named_exists():
    _, found = real()
    places = {place for entry in found.items for place in entry.where}
    assert len(places) > 5
    for place in places:
        page, _, anchor = place.partition("#")
        text = (ROOT / "reports" / page).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, place


def test_numbers_follow_the_data():
    rows = [*ROWS, small.means("ash", 0.2, row_id="ash-02")]
    evidence = small.evidence(TRIALS, rows)
    found = prisma_checklist(ask(evidence, comparator="pharmacotherapy"), evidence)
    assert "4 used for 4 effects of 4 trials" in item(found, "16a").done


def test_nothing_to_pool_is_reported_as_that():
    evidence = small.evidence(TRIALS, [small.means("oak", 0.1, tier="D")])
    found = prisma_checklist(ask(evidence, comparator="pharmacotherapy"), evidence)
    assert "nothing is pooled: no trial with usable numbers" in item(found, "20b").done
    assert item(found, "22").status == "not done"
    assert "0 trials" in item(found, "17").done


def test_a_claim_that_no_trial_can_test_has_no_run():
    claim = next(c for c in load_claims().values() if not c.testable)
    evidence = small.evidence(TRIALS, ROWS)
    with pytest.raises(InputError, match=f"{claim.id} has no analysis"):
        prisma_checklist(judge(claim, evidence), evidence)


def test_the_table_comes_back_from_csv():
    found = small_list()
    rows = list(csv.DictReader(io.StringIO(found.to_csv(), newline="")))
    assert [row["item"] for row in rows] == list(ITEMS)
    assert [row["done"] for row in rows] == [entry.done for entry in found.items]


def test_markdown_has_one_line_an_item_and_no_markup_from_the_data():
    found = replace(small_list(), question="<script> | a")
    lines = [line for line in found.to_markdown().splitlines() if line.startswith("| ")]
    assert [re.split(r"(?<!\\) \| |^\| ", line)[1] for line in lines[2:]] == list(ITEMS)
    assert "<script>" not in found.to_markdown()


def test_html_is_a_table_whose_text_is_escaped():
    found = small_list()
    bad = replace(found.items[0], done="<script>alert(1)</script>\nsecond")
    shown = replace(found, items=(bad, *found.items[1:]))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second" in shown
    HTMLParser().feed(shown)
    assert shown.count("<tr>") == len(ITEMS) + 1


def test_the_summary_counts_what_is_open():
    found = small_list()
    counts = {s: sum(e.status == s for e in found.items) for s in ("reported", "not done")}
    assert f"{counts['reported']} reported" in str(found)
    assert f"{counts['not done']} not done" in str(found)


def test_the_checklist_can_be_stored():
    assert PrismaChecklist.from_json(small_list().to_json()) == small_list()


def test_no_number_is_made_up_for_people_that_are_not_reported():
    rows = [small.means("oak", 0.5, n=np.nan, effect=-0.5, se=0.2, tier="B", effect_measure="g",
                        favours_experimental_when="lower")]  # fmt: skip
    evidence = small.evidence(TRIALS, rows)
    found = prisma_checklist(ask(evidence, comparator="pharmacotherapy"), evidence)
    assert "0 with the people of both arms" in item(found, "19").done
