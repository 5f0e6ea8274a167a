"""The domains of certainty on effects whose judgement is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import certainty_domains as domains
from combined_care.certainty_criteria import load_criteria
from combined_care.claims import Analysis
from combined_care.estimands import Estimand
from combined_care.results import Absent
from combined_care.synthesis import synthesize

CRITERIA = load_criteria()
SEOI = 0.24
UNCERTAIN = "medication of comparator probable, not certain"


def effects(k: int = 4, **columns) -> pd.DataFrame:
    base = {
        "trial_id": [f"t{i}" for i in range(k)], "yi": 0.5, "vi": 0.02, "low_risk_items": 4.0,
        "rating": "clinician", "converted": False, "derived": False, "tier": "A",
        "comparator": "pharmacotherapy", "flags": "", "n_e": 100.0, "n_c": 100.0, "n": 200.0,
        "rate_c": np.nan,
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def even(k: int) -> np.ndarray:
    return np.full(k, 1 / k)


def analysis(kind: str = "superiority", **estimand) -> Analysis:
    asked = Estimand(comparator=("pharmacotherapy",), **estimand)
    return Analysis(id="a", title="main", kind=kind, role="decisive", estimand=asked)


# ---- risk of bias -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "steps"),
    [
        ([4, 3, 2, 0], 0),  # half of the weight at low risk
        ([4, 2, 2, 2], -1),
        ([np.nan] * 4, -1),  # not judged is not high
        ([4, np.nan, np.nan, np.nan], -1),
        ([1, 0, 2, 2], -2),
        ([0, 0, 4, 4], 0),  # low risk is looked at first
    ],
)
def test_risk_of_bias_follows_the_weight_of_trials_at_low_and_high_risk(items, steps):
    found = domains.risk_of_bias(effects(low_risk_items=items), even(4), CRITERIA.risk_of_bias)
    assert found.downgrade == steps


def test_risk_of_bias_is_weighed_by_weight_not_by_number():
    given_ = effects(low_risk_items=[4, 0, 0, 0], rating=["self", "", "", ""])
    heavy = np.array([0.7, 0.1, 0.1, 0.1])
    found = domains.risk_of_bias(given_, heavy, CRITERIA.risk_of_bias)
    assert found.downgrade == 0
    assert found.value("low_share") == pytest.approx(0.7)
    assert found.value("few_share") == pytest.approx(0.3)
    assert found.value("self_rated_share") == pytest.approx(0.7)
    assert "70 % comes from trials at low risk" in found.sentence


def test_missing_judgements_may_be_pandas_missing_values():
    given_ = effects(low_risk_items=pd.array([4, None, None, None], dtype="Int64"))
    found = domains.risk_of_bias(given_, even(4), CRITERIA.risk_of_bias)
    assert found.value("unjudged_share") == pytest.approx(0.75)


# ---- inconsistency ----------------------------------------------------------------------------


def inconsistency(yi, v=0.01, smallest=SEOI):
    return domains.inconsistency(
        synthesize(yi, [v] * len(yi)), "SMD", smallest, CRITERIA.inconsistency
    )


def test_effects_that_agree_are_consistent():
    found = inconsistency([0.5, 0.52, 0.48, 0.5, 0.5])
    assert (found.downgrade, found.value("thresholds_added")) == (0, 0)


def test_a_prediction_interval_that_reaches_the_smallest_effect_takes_one_step():
    found = inconsistency([0.9, 0.7, 0.3, 1.2, 0.8, 0.4, 0.75, 0.9] * 2)
    assert found.value("pi_lb") > 0
    assert found.downgrade == -1
    assert "takes in an advantage that matters (0.24)" in found.sentence


def test_a_prediction_interval_from_worse_to_better_takes_two_steps():
    found = inconsistency([1.2, -0.4, 0.9, 0.1, 1.0, -0.1, 0.7, 0.6, 0.2, 1.1] * 2)
    assert found.downgrade == -2
    assert "no effect" in found.sentence
    assert "a disadvantage that matters" in found.sentence


def test_what_the_confidence_interval_holds_already_is_not_counted_twice():
    # The mean itself may be anything; the prediction interval adds only the disadvantage.
    yi = [0.9, -0.5, 0.6, -0.3, 0.5, 0.1]
    fit = synthesize(yi, [0.01] * 6)
    assert fit.ci_lb < 0 < SEOI < fit.ci_ub
    found = inconsistency(yi)
    assert found.value("thresholds_added") <= 1
    assert found.downgrade == -found.value("thresholds_added")


def test_without_a_smallest_effect_only_no_effect_counts():
    found = inconsistency(
        [1.2, -0.4, 0.9, 0.1, 1.0, -0.1, 0.7, 0.6, 0.2, 1.1] * 2, smallest=Absent("-")
    )
    assert found.downgrade == -1


@pytest.mark.parametrize("k", [1, 2])
def test_one_or_two_trials_say_nothing_about_variation(k):
    found = inconsistency([0.5, 0.1][:k])
    assert (found.downgrade, found.assessed) == (0, False)


# ---- indirectness -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, 0),
        ({"converted": [True, False, False, False]}, 0),
        ({"converted": [True, True, False, False]}, -1),
        ({"converted": [True, False, False, False], "derived": [False, True, False, False]}, -1),
        ({"converted": [True] * 4, "derived": [True] * 4, "tier": ["C"] * 4}, -1),
        ({"tier": ["C", "C", "A", "A"]}, -1),
        ({"flags": [UNCERTAIN, f"approximate; {UNCERTAIN}", "", "approximate"]}, -1),
        ({"comparator": ["usual_care"] * 2 + ["pharmacotherapy"] * 2}, -1),
        ({"comparator": ["usual_care"] * 4, "converted": [True] * 4}, -2),
    ],
)
def test_indirectness_counts_the_weight_off_the_question_in_outcome_and_comparator(changes, steps):
    found = domains.indirectness(effects(**changes), even(4), CRITERIA.indirectness)
    assert found.downgrade == steps


# ---- imprecision ------------------------------------------------------------------------------


def imprecision(yi, vi, n=4000, kind="superiority", smallest=SEOI, **estimand):
    k = len(yi)
    given_ = effects(k, yi=yi, vi=vi, n_e=n / 2 / k, n_c=n / 2 / k, n=n / k)
    fit = synthesize(yi, np.broadcast_to(vi, k), test="z")
    asked = analysis(kind, **estimand)
    return domains.imprecision(asked, given_, fit, smallest, CRITERIA.imprecision)


@pytest.mark.parametrize(
    ("mean", "half", "kind", "steps"),
    [
        (0.5, 0.1, "superiority", 0),
        (0.3, 0.2, "superiority", 0),  # holds the smallest effect, which is not the question
        (0.2, 0.3, "superiority", -1),  # holds no effect
        (0.0, 0.2, "superiority", 0),  # surely small
        (0.0, 0.3, "superiority", -2),  # from a loss that matters to a gain that matters
        (0.5, 0.1, "meaningful", 0),
        (0.3, 0.2, "meaningful", -1),
        (0.1, 0.05, "meaningful", 0),
        (0.0, 0.2, "equivalence", 0),
        (0.2, 0.1, "equivalence", -1),
        (-0.2, 0.1, "equivalence", -1),
        (0.0, 0.3, "equivalence", -2),
    ],
)
def test_the_interval_is_held_against_the_threshold_of_the_claim(mean, half, kind, steps):
    vi = 4 * (half / 1.959964) ** 2  # four equal trials without heterogeneity
    found = imprecision([mean] * 4, vi, kind=kind)
    assert found.value("ci_ub") == pytest.approx(mean + half, abs=1e-6)
    assert found.downgrade == steps


@pytest.mark.parametrize(("n", "steps"), [(546, 0), (544, -1), (276, -1), (268, -2)])
def test_fewer_people_than_the_optimal_number_take_one_step_and_far_fewer_two(n, steps):
    found = imprecision([0.9] * 4, 0.01, n=n)
    assert found.value("optimal_information_size") == 546
    assert found.downgrade == steps


@pytest.mark.parametrize(("k", "steps"), [(1, -1), (2, -1), (3, 0)])
def test_one_or_two_trials_take_a_step_also_when_they_are_large(k, steps):
    assert imprecision([0.5] * k, 0.001).downgrade == steps


def test_the_worst_reason_counts_and_reasons_do_not_add_up():
    assert imprecision([0.2, 0.2], 0.04, n=400).downgrade == -1


def test_trials_without_arm_sizes_are_named_and_not_filled_in():
    given_ = effects(n_e=[100.0, np.nan, 100.0, 100.0], n=[200.0, np.nan, 200.0, 200.0])
    fit = synthesize([0.5] * 4, [0.01] * 4, test="z")
    found = domains.imprecision(analysis(), given_, fit, SEOI, CRITERIA.imprecision)
    assert (found.value("n"), found.value("trials_without_n")) == (600, 1)
    assert "people; 1 trial without arm sizes" in found.sentence


def test_an_interval_that_does_not_exist_excludes_nothing():
    fit = synthesize([0.5] * 4, [0.01] * 4)  # agree exactly: Knapp-Hartung gives no interval
    found = domains.imprecision(analysis(), effects(), fit, SEOI, CRITERIA.imprecision)
    assert found.downgrade == -2


def test_without_a_smallest_effect_the_size_is_absent_and_takes_no_step():
    found = imprecision([0.5] * 4, 0.01, n=20, smallest=Absent("none for HR"), measure="HR")
    assert found.downgrade == 0
    assert isinstance(found.value("optimal_information_size"), Absent)


def test_an_arm_that_rows_share_counts_once():
    given_ = effects(2, trial_id=["a", "a"], n_e=[100.0, 100.0], n_c=[50.0, 60.0], n=[150.0, 160.0])
    assert domains.people(given_) == 210


# ---- small-study effects ----------------------------------------------------------------------


def funnel(slope: float, k: int = 20, seed: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    n = np.geomspace(10, 400, k)
    vi = 2 / n
    yi = 0.2 + slope * np.sqrt(2 / n) + random.normal(0, 0.3 * np.sqrt(vi))
    return effects(k, yi=yi, vi=vi, n_e=n, n_c=n, n=2 * n)


def test_small_trials_that_favour_combined_treatment_more_take_one_step():
    found = domains.small_study_effects(funnel(1.5), CRITERIA.small_study_effects)
    assert found.downgrade == -1
    assert found.value("slope") > 0
    assert "publication" not in f"{found.rule} {found.sentence}"


def test_asymmetry_in_the_other_direction_is_told_and_takes_no_step():
    found = domains.small_study_effects(funnel(-1.5), CRITERIA.small_study_effects)
    assert found.downgrade == 0
    assert "less than large ones" in found.sentence


def test_a_symmetrical_set_takes_no_step():
    found = domains.small_study_effects(funnel(0.0), CRITERIA.small_study_effects)
    assert (found.downgrade, found.assessed) == (0, True)


@pytest.mark.parametrize("k", [0, 1, 9])
def test_fewer_than_ten_trials_are_not_assessable(k):
    found = domains.small_study_effects(funnel(1.5).iloc[:k], CRITERIA.small_study_effects)
    assert (found.downgrade, found.assessed) == (0, False)
    assert "not assessable" in str(found)


def test_trials_without_arm_sizes_do_not_count_towards_the_ten():
    given_ = funnel(1.5, k=12)
    given_.loc[:2, ["n_e", "n_c"]] = np.nan
    found = domains.small_study_effects(given_, CRITERIA.small_study_effects)
    assert not found.assessed
    assert found.value("k") == 9


def test_trials_of_one_size_are_not_assessable_with_the_reason():
    given_ = effects(12, yi=np.linspace(0, 1, 12))
    found = domains.small_study_effects(given_, CRITERIA.small_study_effects)
    assert not found.assessed
    assert "same size" in found.sentence


# ---- thresholds as data -----------------------------------------------------------------------


def test_another_threshold_gives_another_judgement():
    given_ = effects(low_risk_items=[4, 4, 2, 2])
    strict = replace(CRITERIA.risk_of_bias, most=0.75)
    assert domains.risk_of_bias(given_, even(4), CRITERIA.risk_of_bias).downgrade == 0
    assert domains.risk_of_bias(given_, even(4), strict).downgrade == -1


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.01, 0.5))
def test_a_wider_interval_holds_what_the_narrower_one_held(mean, half, smallest):
    inner = domains.held((mean - half, mean + half), smallest)
    assert inner <= domains.held((mean - 2 * half, mean + 2 * half), smallest)
