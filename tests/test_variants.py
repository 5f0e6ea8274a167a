"""Which effect each trial contributes to a specification, and which choices matter at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from combined_care.choices import load_choices
from combined_care.variants import variants
from small_evidence import evidence, means, trial
from test_cell_effects import analysis

CHOICES = load_choices()
ORIGIN = np.array([d.primary for d in CHOICES], dtype=np.int8)
ROWS = [
    means("t0", 0.1),
    means("t1", 0.2, flags="extreme effect: check SD"),
    means("t2", 0.3, comparator="usual_care"),
    means("t3", 0.4),
    means("t3", 0.5, comparator="usual_care", row_id="t3-02"),
    means("t3", 0.6, comparator="pharmacotherapy_plus_psychological_placebo", row_id="t3-03"),
]


def found(rows=ROWS, **changes):
    return variants(
        analysis(), CHOICES, evidence([trial(f"t{i}", **changes) for i in range(4)], rows)
    )


def options(**chosen):
    codes = ORIGIN.copy()
    for at, dimension in enumerate(CHOICES):
        if dimension.id in chosen:
            codes[at] = [o.id for o in dimension.options].index(chosen[dimension.id])
    return codes[None]


def trials(left_out="", rows=ROWS, **chosen):
    v = found(rows)
    positions = v.positions(options(**chosen), [left_out])[0]
    return {v.trial[at]: round(float(v.yi[p]), 1) for at, p in enumerate(positions) if p >= 0}


def test_the_primary_choices_take_the_primary_rows():
    assert trials() == {"t0": 0.1, "t3": 0.4}


def test_a_flagged_trial_comes_in_by_choice():
    assert set(trials(extreme="in")) == {"t0", "t1", "t3"}


def test_other_comparators_come_in_where_the_first_is_missing():
    assert trials(usual_care="in") == {"t0": 0.1, "t2": 0.3, "t3": 0.4}
    rows = [row for row in ROWS if row["row_id"] != "t3-01"]
    assert trials(rows=rows, usual_care="in", attention_control="in")["t3"] == 0.6
    assert trials(rows=rows, usual_care="in")["t3"] == 0.5


def test_a_trial_left_out_is_gone_with_all_its_comparators():
    assert set(trials("t3", usual_care="in", attention_control="in")) == {"t0", "t2"}


def test_trials_are_counted_once_and_repeats_are_seen():
    v = found()
    every = np.where(v.table.max(axis=(1, 2)) >= 0, 0, -1)[None]
    k, repeated = v.count_trials(every)
    assert k.tolist() == [4]
    assert repeated.tolist() == [True]
    k, repeated = v.count_trials(v.positions(options(usual_care="in"), [""]))
    assert (k.tolist(), repeated.tolist()) == ([3], [False])
    assert v.most_trials == 4


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("estimator", True), ("variance", True), ("extreme", True), ("usual_care", True),
        ("attention_control", True), ("blinding", True), ("doubtful", False), ("derived", False),
        ("rating", False), ("small_study", False), ("outcome_family", False),
    ],
)  # fmt: skip
def test_choices_matter_only_where_they_change_something(name, matters):
    dimension = next(d for d in CHOICES if d.id == name)
    assert found().makes_a_difference(dimension) is matters


def test_a_choice_about_trials_matters_only_where_trials_differ():
    dimension = next(d for d in CHOICES if d.id == "blinding")
    assert not found(placebo_controlled="yes").makes_a_difference(dimension)


def test_cells_come_in_the_order_of_the_evidence():
    v = found()
    ev = evidence([trial(f"t{i}") for i in range(4)], ROWS)
    asked = replace(
        analysis().estimand, left_out_flags=(),
        comparator=("pharmacotherapy", "usual_care", "pharmacotherapy_plus_psychological_placebo"),
    )  # fmt: skip
    assert list(v.trial) == ev.select(asked).effects["trial_id"].tolist()
