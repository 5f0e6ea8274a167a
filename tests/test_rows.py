"""Rows asked many times: the same answer as asking the table, computed once."""

from __future__ import annotations

from combined_care.contrasts import Oriented, Unusable
from small_evidence import events, evidence, means, trial

EVIDENCE = evidence(
    [trial("a"), trial("b", diagnosis="ocd"), trial("c", design="maintenance")],
    [means("a", 0.4), means("b", 0.2), events("c", 20, 10, 40)],
)
ROWS = EVIDENCE.rows


def names(rows):
    return [row.trial_id for row in rows]


def test_all_filters_must_hold_and_one_of_the_others():
    assert names(ROWS.matching({}, {})) == ["a", "b", "c"]
    assert names(ROWS.matching({"diagnosis": ("mdd",)}, {})) == ["a", "c"]
    either = {"diagnosis": ("ocd",), "design": ("maintenance",)}
    assert names(ROWS.matching({}, either)) == ["b", "c"]
    assert names(ROWS.matching({"outcome": ("severity",)}, either)) == ["b"]


def test_the_effect_of_a_row_is_computed_once_for_each_measure_and_variance():
    row = ROWS.matching({}, {})[0]
    first = ROWS.effect(row, "SMD", "LS")
    assert isinstance(first, Oriented)
    assert ROWS.effect(row, "SMD", "LS") is first
    assert ROWS.effect(row, "SMD", "UB").vi != first.vi
    assert isinstance(ROWS.effect(row, "OR", "LS"), Unusable)


def test_a_filter_is_answered_from_memory_the_second_time():
    first = ROWS.matching({"diagnosis": ("mdd",)}, {})
    assert ROWS.matching({"diagnosis": ["mdd"]}, {}) == first
