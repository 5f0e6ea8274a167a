"""Rank test and PET-PEESE, against metafor's ranktest() and R's lm()."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from combined_care.egger import egger_test
from combined_care.errors import InputError
from combined_care.results import is_present
from combined_care.small_study import PetPeese, RankTest, pet_peese, rank_test
from combined_care.step_selection import selection_model
from combined_care.trim_fill import trim_and_fill

TRIALS = st.lists(
    st.tuples(st.floats(-3, 3), st.floats(0.005, 2.0)),
    min_size=3,
    max_size=12,
    unique_by=lambda row: row[1],
).map(lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows])))


def test_rank_correlations_agree_with_metafor(reference):
    cases = reference("small_study")["cases"]
    for case in cases:
        found = rank_test(case["yi"], case["vi"])
        assert found.tau == pytest.approx(case["rank"]["tau"], rel=1e-10), case["name"]
        assert found.pval == pytest.approx(case["rank"]["pval"], rel=1e-8), case["name"]
    assert len(cases) == 36


def test_with_ties_the_rank_test_is_approximate_and_says_so():
    found = rank_test([0.1, 0.5, 0.3, 0.4], [0.1, 0.1, 0.2, 0.3])
    assert not found.is_exact
    assert is_present(found.pval)
    assert rank_test([0.1, 0.5, 0.3, 0.4], [0.1, 0.15, 0.2, 0.3]).is_exact


@pytest.mark.parametrize(
    ("yi", "vi", "reason"),
    [
        ([0.2, 0.4], [0.1, 0.2], "at least 3 trials, there are 2"),
        ([0.3, 0.3, 0.3], [0.1, 0.2, 0.3], "effects are equal"),
        ([0.1, 0.2, 0.3], [0.1, 0.1, 0.1], "same variance"),
    ],
)
def test_a_rank_correlation_that_does_not_exist_is_absent(yi, vi, reason):
    found = rank_test(yi, vi)
    assert reason in found.tau.reason
    assert reason in found.pval.reason
    assert reason in str(found)
    assert RankTest.from_json(found.to_json()) == found


@given(TRIALS)
def test_turning_the_effects_round_turns_the_rank_correlation_round(data):
    y, v = data
    ahead, back = rank_test(y, v), rank_test(-y, v)
    if not is_present(ahead.tau):
        assert not is_present(back.tau)
        return
    assert back.tau == pytest.approx(-ahead.tau)
    assert back.pval == pytest.approx(ahead.pval)
    assert -1.0 <= ahead.tau <= 1.0
    assert 0.0 < ahead.pval <= 1.0


@given(TRIALS)
def test_the_standardised_effects_are_those_of_the_definition(data):
    y, v = data
    found = rank_test(y, v)
    w = 1.0 / v
    direct = (y - (w @ y) / w.sum()) / np.sqrt(v - 1.0 / w.sum())
    if is_present(found.tau) and np.diff(np.sort(direct)).min() > 1e-9:
        assert found.tau == pytest.approx(stats.kendalltau(direct, v).statistic)


def test_pet_and_peese_are_the_regressions_on_standard_error_and_variance(reference):
    chosen = set()
    for case in reference("small_study")["cases"]:
        found = pet_peese(case["yi"], case["vi"])
        by = {r["predictor"]: r for r in case["regressions"] if r["model"] == "lm"}
        assert found.pet.limit == pytest.approx(by["sei"]["limit"], rel=1e-10)
        assert found.peese.limit == pytest.approx(by["vi"]["limit"], rel=1e-10)
        name = "vi" if by["sei"]["limit_pval"] < 0.1 else "sei"
        assert found.chosen == {"vi": "PEESE", "sei": "PET"}[name]
        for ours, theirs in (("estimate", "limit"), ("se", "limit_se"), ("ci_lb", "limit_ci_lb")):
            assert getattr(found, ours) == pytest.approx(by[name][theirs], rel=1e-10)
        assert found.pval == pytest.approx(by[name]["limit_pval"], rel=1e-10)
        chosen.add(found.chosen)
    assert chosen == {"PET", "PEESE"}


def test_pet_peese_of_standardised_mean_differences_uses_the_safe_predictor():
    y, v = np.array([0.9, 0.5, 0.45, 0.2, 0.25]), np.array([0.2, 0.1, 0.05, 0.02, 0.01])
    n_e, n_c = np.array([11, 20, 40, 99, 210]), np.array([10, 22, 41, 100, 190])
    found = pet_peese(y, v, n_e, n_c, measure="SMD")
    assert found.pet == egger_test(y, v, n_e, n_c, measure="SMD")
    x = 1 / n_e + 1 / n_c
    slope, limit = np.polyfit(x, y, 1, w=1 / np.sqrt(v))
    assert found.peese.limit == pytest.approx(limit, rel=1e-9)
    assert found.peese.slope == pytest.approx(slope, rel=1e-9)
    with pytest.raises(InputError, match="needs n_e and n_c"):
        pet_peese(y, v, measure="SMD")


def test_the_rule_between_pet_and_peese_follows_alpha():
    y, v = [0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01]
    p = pet_peese(y, v).pet.limit_pval
    assert pet_peese(y, v, alpha=p * 1.01).chosen == "PEESE"
    assert pet_peese(y, v, alpha=p * 0.99).chosen == "PET"
    with pytest.raises(InputError, match="alpha must lie between 0 and 1"):
        pet_peese(y, v, alpha=1.0)


def test_pet_peese_of_two_trials_is_absent_with_its_reason():
    found = pet_peese([0.1, 0.4], [0.1, 0.2])
    for name in ("chosen", "estimate", "se", "ci_lb", "ci_ub", "pval"):
        assert "at least 3 trials" in getattr(found, name).reason
    assert "at least 3 trials" in str(found)
    assert PetPeese.from_json(found.to_json()) == found


def test_results_survive_json_and_call_the_matter_small_study_effects():
    y, v = [0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01]
    for found in (rank_test(y, v), pet_peese(y, v)):
        assert type(found).from_json(found.to_json()) == found
        assert "limit of use not met: 5 trials" in str(found)
        assert "small-study effects" in found._repr_html_().lower()
        assert "publication bias" not in found._repr_html_().lower()


@given(TRIALS)
def test_turning_the_effects_round_turns_pet_peese_round(data):
    y, v = data
    ahead, back = pet_peese(y, v), pet_peese(-y, v)
    if is_present(ahead.estimate) and is_present(back.estimate):
        assert back.chosen == ahead.chosen
        assert back.estimate == pytest.approx(-ahead.estimate, abs=1e-9)
        assert back.ci_lb == pytest.approx(-ahead.ci_ub, abs=1e-9)


def extreme_sets():
    """Effects and variances over many orders of magnitude, with ties and zeros."""
    rng = np.random.default_rng(20240819)
    for _ in range(60):
        k, unit = int(rng.integers(3, 9)), 10.0 ** rng.integers(-12, 13)
        v = 10.0 ** rng.uniform(-rng.choice([0, 1, 4, 10]), 0, k) * unit**2
        y = [np.zeros(k), np.full(k, 0.3), rng.normal(0, 1, k), rng.choice([0, 0.5, 1e6], k)]
        yield unit * y[rng.integers(4)], v


@pytest.mark.parametrize(
    "analysis",
    [
        egger_test,
        lambda y, v: egger_test(y, v, model="rma"),
        rank_test,
        pet_peese,
        trim_and_fill,
        lambda y, v: trim_and_fill(y, v, estimator="R0", side="right"),
        selection_model,
    ],
)
def test_no_extreme_input_makes_a_silent_nan_or_a_warning(analysis):
    for y, v in extreme_sets():
        found = analysis(y, v)
        # A nan in a result cannot be written as JSON.
        assert type(found).from_json(found.to_json()) == found
