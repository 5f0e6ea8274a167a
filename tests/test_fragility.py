"""Fail-safe numbers against metafor's fsn(); the null trial against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from combined_care.errors import InputError
from combined_care.fragility import FailSafeN, NullTrial, fail_safe_n, null_trial_to_change
from combined_care.results import Absent
from combined_care.synthesis import synthesize

BENEFIT = ([0.3, 0.6, 0.5], [0.04, 0.02, 0.03])
TRIALS = st.lists(st.tuples(st.floats(0.1, 2), st.floats(0.005, 0.2)), min_size=2, max_size=8).map(
    lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows]))
)


def test_rosenthals_number_agrees_with_metafor(reference):
    for case in reference("sensitivity")["cases"]:
        for expected in case["fail_safe"]["rosenthal"]:
            found = fail_safe_n(case["yi"], case["vi"], alpha=expected["alpha"])
            assert found.n == expected["n"], case["name"]
            assert found.observed == pytest.approx(expected["pval"], rel=1e-10)


def test_orwins_number_agrees_with_metafor(reference):
    for case in reference("sensitivity")["cases"]:
        for expected in case["fail_safe"]["orwin"]:
            found = fail_safe_n(case["yi"], case["vi"], kind="Orwin", target=expected["target"])
            assert found.n == expected["n"], case["name"]
            assert found.observed == pytest.approx(abs(expected["mean"]), rel=1e-10)


def test_published_number_of_the_passive_smoking_trials(reference):
    hackshaw = next(c for c in reference("sensitivity")["cases"] if c["name"] == "hackshaw1998")
    assert fail_safe_n(hackshaw["yi"], hackshaw["vi"]).n == 393


def test_whole_numbers_are_not_lifted_by_rounding_error():
    assert fail_safe_n([0.3, 0.3, 0.3], [0.1] * 3, kind="Orwin", target=0.1).n == 6


def test_nothing_needs_undoing_where_nothing_was_found():
    assert fail_safe_n([0.01, 0.02], [0.1, 0.1]).n == 0
    assert fail_safe_n([0.1, 0.2], [0.1, 0.1], kind="Orwin", target=0.24).n == 0


@pytest.mark.parametrize("target", [None, 0.0, np.nan, np.inf])
def test_orwin_needs_a_target(target):
    with pytest.raises(InputError, match="Orwin's target must be an effect other than 0"):
        fail_safe_n(*BENEFIT, kind="Orwin", target=target)


def test_other_options_are_refused():
    with pytest.raises(InputError, match=r"alpha must lie between 0 and 0\.5"):
        fail_safe_n(*BENEFIT, alpha=0.5)
    with pytest.raises(InputError, match="kind must be one of Rosenthal, Orwin"):
        fail_safe_n(*BENEFIT, kind="Rosenberg")
    with pytest.raises(InputError, match="unit_variance must be positive"):
        null_trial_to_change(*BENEFIT, unit_variance=0.0)


@given(TRIALS)
def test_the_direction_of_the_effects_does_not_matter(data):
    y, v = data
    assert fail_safe_n(-y, v) == fail_safe_n(y, v)
    ahead = fail_safe_n(y, v, kind="Orwin", target=0.24)
    assert fail_safe_n(-y, v, kind="Orwin", target=-0.24) == ahead


@given(TRIALS)
def test_rosenthals_number_is_the_least_that_suffices(data):
    y, v = data
    found = fail_safe_n(y, v)
    z = (y / np.sqrt(v)).sum()
    assert stats.norm.sf(z / np.sqrt(y.size + found.n)) >= 0.05 * (1 - 1e-6)
    if found.n > 0:
        assert stats.norm.sf(z / np.sqrt(y.size + found.n - 1)) < 0.05 * (1 + 1e-6)


@given(TRIALS)
@settings(max_examples=25)
def test_under_equal_effects_the_null_trial_has_its_closed_form(data):
    """With weights w the verdict changes at the weight (sum w y / 1.96)² - sum w."""
    y, v = data
    needed = (np.sum(y / v) / stats.norm.isf(0.025)) ** 2 - np.sum(1 / v)
    found = null_trial_to_change(y, v, method="EE", test="z", unit_variance=2.0)
    if found.before == "interval includes 0":
        assert needed <= 0
        return
    if not found.smallest_vi < 1 / needed < found.largest_vi:
        return
    assert found.after == "interval includes 0"
    assert found.vi == pytest.approx(1 / needed, rel=1e-6)
    assert found.n_per_arm == pytest.approx(np.ceil(2 * needed), abs=1)
    assert found.note == ""


def test_the_trial_found_changes_the_verdict_and_a_smaller_one_does_not():
    y, v = [0.1, 0.5, 0.35, 0.45], [0.02, 0.02, 0.03, 0.02]
    found = null_trial_to_change(y, v)
    assert found.before == "interval above 0"
    assert found.after == "interval includes 0"
    with_it = synthesize([*y, 0.0], [*v, found.vi])
    assert with_it.ci_lb <= 0.0
    assert with_it.estimate == pytest.approx(found.fit.estimate)
    assert synthesize([*y, 0.0], [*v, found.vi * 1.0001]).ci_lb > 0.0
    assert found.fit.slab[-1] == "null trial"


def test_when_no_size_suffices_it_says_so():
    rng = np.random.default_rng(2)
    y, v = rng.normal(0.6, 0.25, 40), np.full(40, 0.01)
    found = null_trial_to_change(y, v)
    assert "no null trial changes it" in found.vi.reason
    assert isinstance(found.fit, Absent)
    assert "stays" in str(found)
    assert NullTrial.from_json(found.to_json()) == found


def test_a_verdict_of_ones_own_is_asked_with_the_whole_fit():
    def verdict(fit):
        return "worthwhile" if fit.estimate >= 0.24 else "small"

    found = null_trial_to_change(*BENEFIT, verdict, method="EE", test="z")
    assert (found.before, found.after) == ("worthwhile", "small")
    y, v = map(np.array, BENEFIT)
    needed = np.sum(y / v) / 0.24 - np.sum(1 / v)
    assert found.vi == pytest.approx(1 / needed, rel=1e-6)


def test_the_simplest_rule_gives_the_same_whether_all_at_once_or_one_by_one():
    def same(fit):
        if fit.ci_lb > 0:
            return "interval above 0"
        return "interval below 0" if fit.ci_ub < 0 else "interval includes 0"

    y, v = [0.1, 0.5, 0.35, 0.45], [0.02, 0.02, 0.03, 0.02]
    assert null_trial_to_change(y, v, same) == null_trial_to_change(y, v)


def test_an_empty_trial_that_counts_as_a_degree_of_freedom_is_named():
    """Two trials, Knapp-Hartung: the third trial shortens the interval whatever it says."""
    y, v = [0.40, 0.55], [0.02, 0.02]
    assert synthesize(y, v).ci_lb < 0
    found = null_trial_to_change(y, v)
    assert found.before == "interval includes 0"
    assert "by its degree of freedom" in found.note
    assert "some larger null trials would not change it" in found.note


def test_people_are_counted_only_when_the_unit_is_known():
    without = null_trial_to_change(*BENEFIT, method="EE", test="z")
    assert "unit_variance" in without.n_per_arm.reason
    assert "people an arm" not in str(without)
    with_it = null_trial_to_change(*BENEFIT, method="EE", test="z", unit_variance=2.0)
    assert with_it.n_per_arm == np.ceil(2 / with_it.vi)
    assert f"about {with_it.n_per_arm} people an arm" in str(with_it)


def test_results_survive_json_and_show_as_tables():
    for found in (
        fail_safe_n(*BENEFIT),
        fail_safe_n(*BENEFIT, kind="Orwin", target=0.24),
        null_trial_to_change(*BENEFIT, method="EE", test="z"),
    ):
        assert type(found).from_json(found.to_json()) == found
        assert "<caption>" in found._repr_html_()
        assert len(found.to_frame()) == 1
    assert isinstance(fail_safe_n(*BENEFIT), FailSafeN)
    assert "trials of effect 0 beside the 3" in str(fail_safe_n(*BENEFIT))
