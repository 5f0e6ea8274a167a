"""The rule that chooses one effect per trial, and the guarantee that nobody counts twice."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import selection
from combined_care.contrasts import Numbers, Oriented, oriented_effect
from combined_care.errors import DataError
from combined_care.selection import Candidate, choose, load_rule

RULE_FILE = Path(__file__).parents[1] / "data" / "selection.yaml"
RULE = load_rule(RULE_FILE)

Row = namedtuple(
    "Row",
    "row_id rating analysis_set weeks tier derived instrument outcome_detail source_url source_note"
    " treatment_e treatment_c",
)
ROW = Row(
    "t-01", "clinician", "itt", np.nan, "A", 0.0, "hdrs-17", "post-treatment", "u", "", "", ""
)
NUMBERS = Numbers(
    tier="A", n_e=20.0, n_c=20.0, mean_e=8.0, sd_e=4.0, mean_c=10.0, sd_c=4.0, events_e=np.nan,
    events_c=np.nan, pct_e=np.nan, pct_c=np.nan, effect=np.nan, ci_low=np.nan, ci_high=np.nan,
    se=np.nan, effect_measure="", higher_is_better=0.0, favours_experimental_when="",
)  # fmt: skip
EVENTS = replace(
    NUMBERS, mean_e=np.nan, sd_e=np.nan, mean_c=np.nan, sd_c=np.nan, higher_is_better=1.0
)


def candidate(row: Row = ROW, numbers: Numbers = NUMBERS, measure="SMD", **changes) -> Candidate:
    numbers = replace(numbers, **{k: v for k, v in changes.items() if k in Numbers.__slots__})
    row = row._replace(**{k: v for k, v in changes.items() if k in Row._fields})
    effect = oriented_effect(numbers, measure)
    assert isinstance(effect, Oriented)
    return Candidate(row, effect)


def chosen(*candidates: Candidate, measure="SMD"):
    return choose(candidates, RULE, measure=measure)


def test_one_usable_row_is_taken_as_it_is():
    only = candidate()
    assert chosen(only).effect == only.effect
    assert chosen(only).how == "row"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"rating": "clinician"}, {"rating": "self"}),
        ({"rating": ""}, {"rating": "self"}),
        ({"analysis_set": "itt"}, {"analysis_set": "completer"}),
        ({"weeks": 12.0}, {"weeks": 8.0}),
        ({"weeks": np.nan}, {"weeks": 8.0, "row_id": "t-09"}),
        ({"derived": 0.0}, {"derived": 1.0}),
        ({"instrument": "HDRS-17"}, {"instrument": "bdi"}),
        ({"instrument": "madrs"}, {"instrument": "CGI-S"}),
        ({"outcome_detail": "global severity"}, {"outcome_detail": "phobic avoidance"}),
    ],
)
def test_each_criterion_prefers_the_better_row_whatever_the_order(better, worse):
    # A third row keeps the latest week above 8, so that "no week" means the end of treatment.
    late = {"weeks": 16.0, "rating": "self", "row_id": "t-03"}
    good = candidate(row_id="t-02", mean_e=6.0, **better)
    bad = candidate(**{"row_id": "t-01", "mean_e": 9.0, **worse})
    rows = [good, bad, *([candidate(**late)] if "weeks" in worse else [])]
    for order in (rows, rows[::-1]):
        assert chosen(*order).row_ids == ("t-02",)


def test_an_earlier_criterion_outweighs_a_later_one():
    clinician_completer = candidate(row_id="a", analysis_set="completer")
    self_rated_itt = candidate(row_id="b", rating="self")
    assert chosen(clinician_completer, self_rated_itt).row_ids == ("a",)


def test_two_combined_arms_share_the_comparator_once():
    first = candidate(row_id="a", treatment_e="cbt + tca", treatment_c="tca")
    second = candidate(row_id="b", mean_e=7.0, treatment_e="ipt + tca", treatment_c="tca")
    found = chosen(first, second)
    assert found.how == "arms merged"
    assert (found.effect.numbers.n_e, found.effect.numbers.n_c) == (40, 20)
    assert found.effect.numbers.mean_e == pytest.approx(7.5)
    assert found.row_ids == ("a", "b")


def test_two_comparators_share_the_combined_arm_once():
    first = candidate(row_id="a")
    second = candidate(row_id="b", mean_c=12.0, n_c=30.0)
    found = chosen(first, second)
    assert (found.effect.numbers.n_e, found.effect.numbers.n_c) == (20, 50)


def test_an_arm_that_is_the_sum_of_the_others_replaces_them():
    """Both doses together, and each dose alone, against one control."""
    rows = [
        candidate(row_id="a", numbers=EVENTS, n_e=31.0, events_e=19.0, n_c=16.0, events_c=10.0),
        candidate(row_id="b", numbers=EVENTS, n_e=14.0, events_e=8.0, n_c=16.0, events_c=10.0),
        candidate(row_id="c", numbers=EVENTS, n_e=17.0, events_e=11.0, n_c=16.0, events_c=10.0),
    ]
    found = chosen(*rows)
    assert (found.effect.numbers.n_e, found.effect.numbers.events_e, found.effect.numbers.n_c) == (
        31,
        19,
        16,
    )
    assert found.effect.yi == pytest.approx(rows[0].effect.yi)


def test_two_definitions_on_the_same_people_are_averaged_not_added():
    """Same arm sizes, other events on both sides, nothing that names other arms."""
    strict = candidate(row_id="a", numbers=EVENTS, events_e=8.0, events_c=2.0)
    lenient = candidate(row_id="b", numbers=EVENTS, events_e=16.0, events_c=4.0)
    found = chosen(strict, lenient)
    assert found.how == "averaged"
    assert found.effect.yi == pytest.approx((strict.effect.yi + lenient.effect.yi) / 2)
    assert found.effect.vi < max(strict.effect.vi, lenient.effect.vi)
    assert found.effect.vi > (strict.effect.vi + lenient.effect.vi) / 4


def test_a_row_reported_twice_keeps_its_variance():
    """A correlation of 0.6 would shrink it; equal rows of two sources are one reading."""
    first = candidate(row_id="a", source_url="https://a.example")
    second = candidate(row_id="b", source_url="https://b.example")
    found = chosen(first, second)
    assert found.how == "row"
    assert found.row_ids == ("a",)


def test_the_order_of_rows_does_not_matter():
    rows = [candidate(row_id=f"t-{i}", mean_e=5.0 + i, instrument="bdi") for i in range(3)]
    assert chosen(*rows) == chosen(*rows[::-1])


@given(
    st.lists(
        st.tuples(st.integers(2, 50), st.floats(1, 20)),
        min_size=2,
        max_size=2,
        unique_by=(lambda x: x[1]),
    )
)
def test_nobody_counts_twice_when_arms_are_merged(arms):
    """Every arm against one shared comparator: people in the result = people in the trial."""
    rows = [
        candidate(row_id=f"t-{i}", n_e=float(n), mean_e=mean, treatment_e=f"arm {i}",
                  treatment_c="drug")
        for i, (n, mean) in enumerate(arms)
    ]  # fmt: skip
    found = chosen(*rows)
    assert found.effect.numbers.n_c == 20
    assert found.effect.numbers.n_e == sum(n for n, _ in arms)


def test_the_variance_of_an_average_follows_the_correlation():
    pair = [candidate(row_id="a"), candidate(row_id="b", mean_e=6.0)]
    v = [c.effect.vi for c in pair]
    expected = (sum(v) + 2 * 0.6 * np.sqrt(v[0] * v[1])) / 4
    assert selection.average(pair, 0.6).vi == pytest.approx(expected)
    assert selection.average(pair, 1.0).vi <= max(v)


def test_a_rule_with_a_missing_or_unknown_part_is_refused(tmp_path):
    text = RULE_FILE.read_text(encoding="utf-8").replace("correlation:", "corelation:")
    file = tmp_path / "selection.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"corelation.*|.*correlation"):
        load_rule(file)
