"""The effects of one trial: rows let in, readings, and what they make together."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from combined_care.cell_effects import Readings, combinations, usable_rows
from combined_care.choices import load_choices
from combined_care.claims import Analysis
from combined_care.errors import InputError
from combined_care.estimands import Estimand
from combined_care.variants import variants
from small_evidence import RULE, evidence, means, trial

CHOICES = load_choices()


def row(**changes):
    return SimpleNamespace(
        **{"tier": "A", "flags": "", "derived": 0.0, "outcome": "severity"} | changes
    )


def analysis(**changes):
    estimand = Estimand(outcome="severity", comparator=("pharmacotherapy",))
    return Analysis(
        id="a", title="main", kind="superiority", role="decisive", estimand=estimand, **changes
    )


def in_where(name, option, rows):
    """Which combinations with an option let any of `rows` in."""
    changes = combinations(CHOICES, "rows")
    dimensions = [d for d in CHOICES if d.part == "rows"]
    at = [d.id for d in dimensions].index(name)
    shaped = usable_rows(rows, changes)[0].reshape([len(d.options) for d in dimensions])
    position = [o.id for o in dimensions[at].options].index(option)
    return shaped.take(position, axis=at)


@pytest.mark.parametrize(
    ("changes", "name", "out", "some_in"),
    [
        ({"tier": "B"}, "tiers", "A", "AB"),
        ({"tier": "C"}, "tiers", "AB", "ABC"),
        ({"flags": "shared arm; extreme effect: check SD"}, "extreme", "out", "in"),
        ({"flags": "factorial margin"}, "doubtful", "out", "in"),
        ({"flags": "medication of comparator probable, not certain"}, "uncertain_comparator",
         "out", "in"),
        ({"derived": 1.0}, "derived", "out", "in"),
        ({"outcome": "response"}, "outcome_family", "severity", "binary"),
    ],
)  # fmt: skip
def test_an_option_keeps_rows_out_or_lets_them_in(changes, name, out, some_in):
    assert not in_where(name, out, [row(**changes)]).any()
    assert in_where(name, some_in, [row(**changes)]).any()


def test_a_plain_row_is_in_unless_its_outcome_is_not_asked_for():
    assert usable_rows([row()], combinations(CHOICES, "rows")).mean() == pytest.approx(2 / 3)


def test_readings_differ_in_rule_correlation_and_variance():
    readings = Readings.of(CHOICES, RULE)
    assert readings.shape == (3, 5)
    # Three ways to take ratings by two orders of the analysis sets.
    assert len(readings.rules) == 6
    assert all(len(place) == 90 for place in readings.places)


def test_a_single_row_has_one_effect_for_each_variance():
    found = variants(analysis(), CHOICES, evidence([trial("t")], [means("t", 0.5)]))
    assert len(found.yi) == 5
    assert len(set(found.yi.tolist())) == 1
    assert len(set(found.vi.tolist())) == 5


def test_correlation_matters_only_where_results_are_averaged():
    rows = [means("t", 0.5), means("t", 0.3, rating="self", instrument="bdi", row_id="t-02")]
    found = variants(analysis(), CHOICES, evidence([trial("t")], rows))
    # Two ratings, and their mean under three correlations, each by five variances.
    assert len(found.yi) == (2 + 3) * 5
    assert np.unique(found.yi).size == 3


def test_a_moderator_that_differs_between_rows_is_refused():
    rows = [means("t", 0.5), means("t", 0.3, rating="self", row_id="t-02")]
    with pytest.raises(InputError, match="'rating' is not a property of trials"):
        variants(analysis(moderator="rating"), CHOICES, evidence([trial("t")], rows))
