"""Tests of levels by regression: beside a second factor, and with dependent effects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.level_tests import level_regression
from combined_care.moderators import meta_regression, subgroups
from combined_care.results import Absent

RNG = np.random.default_rng(20261128)
K = 24
YI, VI = RNG.normal(0.3, 0.3, K), RNG.uniform(0.02, 0.1, K)
GROUP = np.array(list("abc") * (K // 3))
BY = np.array(["mdd"] * 10 + ["ocd"] * 14)
TRIAL = np.repeat(np.arange(K // 2), 2).astype(str)


def test_without_more_it_is_the_subgroup_test():
    found, known = level_regression(YI, VI, GROUP), subgroups(YI, VI, GROUP)
    assert found.f == pytest.approx(known.f, rel=1e-9)
    assert found.f_pval == pytest.approx(known.f_pval, rel=1e-9)
    for mean, group in zip(found.means, known.groups, strict=True):
        assert (mean.estimate, mean.se) == pytest.approx((group.estimate, group.se), rel=1e-9)
    ours, theirs = found.difference("b", "c"), known.difference("b", "c")
    assert (ours.estimate, ours.pval) == pytest.approx((theirs.estimate, theirs.pval), rel=1e-9)


def test_adjusted_difference_of_two_levels_is_the_coefficient_of_a_meta_regression():
    two = np.where(GROUP == "c", "a", GROUP)
    found = level_regression(YI, VI, two, by=BY, by_name="the diagnosis")
    known = meta_regression(YI, VI, "~ g + d", {"g": two, "d": BY})
    coefficient = known.contrast({"g[T.b]": 1})
    difference = found.difference("b", "a")
    assert difference.estimate == pytest.approx(coefficient.estimate, rel=1e-8)
    assert difference.pval == pytest.approx(coefficient.pval, rel=1e-7)
    assert found.f == pytest.approx(coefficient.stat**2, rel=1e-7)
    assert "adjusted for the diagnosis" in str(found)


def test_clustered_levels_are_the_clustered_meta_regression():
    found = level_regression(YI, VI, GROUP, cluster=TRIAL)
    known = meta_regression(YI, VI, "~ g", {"g": GROUP}, cluster=TRIAL)
    assert (found.f, found.f_df2) == pytest.approx((known.f, known.f_df2), rel=1e-7)
    ours, theirs = found.difference("c", "b"), known.contrast({"g[T.c]": 1, "g[T.b]": -1})
    assert (ours.estimate, ours.se, ours.df) == pytest.approx(
        (theirs.estimate, theirs.se, theirs.df), rel=1e-7
    )
    assert found.trials == K // 2
    assert found.test == "CR2"


def test_levels_that_go_together_with_the_second_factor_are_absent_with_the_reason():
    found = level_regression(YI, VI, GROUP, by=[f"with {g}" for g in GROUP], by_name="diagnosis")
    assert isinstance(found, Absent)
    assert "diagnosis go together" in found.reason


def test_too_few_trials_for_the_adjustment_are_absent_with_the_numbers():
    found = level_regression(YI[:12], VI[:12], GROUP[:12], by=BY[:12])
    assert isinstance(found, Absent)
    assert "12 effects are too few for 4 coefficients" in found.reason


def test_adjusted_means_are_at_the_mix_of_the_second_factor():
    """A shift of one diagnosis moves each mean by its share, and no difference."""
    before = level_regression(YI, VI, GROUP, by=BY)
    after = level_regression(YI + 0.6 * (BY == "mdd"), VI, GROUP, by=BY)
    for old, new in zip(before.means, after.means, strict=True):
        assert new.estimate - old.estimate == pytest.approx(0.6 * 10 / 24, abs=1e-9)
    for old, new in zip(before.differences, after.differences, strict=True):
        assert new.estimate == pytest.approx(old.estimate, abs=1e-9)


def test_a_level_of_a_single_effect_has_no_robust_variance():
    """Before, a matrix without inverse or a division by zero was what the user saw."""
    alone = np.where(np.arange(K) < 1, "alone", GROUP)
    with pytest.raises(InputError, match=r"no cluster-robust variance for alone: .* one cluster"):
        level_regression(YI, VI, alone, cluster=TRIAL)
    with pytest.raises(InputError, match=r"no cluster-robust variance for g\[alone\]"):
        meta_regression(YI, VI, "~ 0 + g", {"g": alone}, cluster=TRIAL)


def test_one_level_or_an_unknown_one_is_an_error():
    with pytest.raises(InputError, match="at least two levels"):
        level_regression(YI, VI, ["a"] * K)
    with pytest.raises(InputError, match="level"):
        level_regression(YI, VI, GROUP).difference("a", "z")
    with pytest.raises(InputError, match="two different levels"):
        level_regression(YI, VI, GROUP).difference("a", "a")


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(K)), st.floats(-2, 2))
def test_order_and_a_common_shift_change_no_test(order, shift):
    order = list(order)
    first = level_regression(YI, VI, GROUP, by=BY)
    other = level_regression(YI[order] + shift, VI[order], GROUP[order], by=BY[order])
    assert other.f_pval == pytest.approx(first.f_pval, rel=1e-6)


def test_it_shows_as_a_table_of_levels():
    frame = level_regression(YI, VI, GROUP).to_frame()
    assert list(frame["name"]) == ["a", "b", "c"]
    assert frame["k"].sum() == K


def test_its_groups_are_those_of_subgroups_where_both_are_given():
    found, known = level_regression(YI, VI, GROUP), subgroups(YI, VI, GROUP)
    for ours, theirs in zip(found.groups, known.groups, strict=True):
        assert (ours.name, ours.k) == (theirs.name, theirs.k)
        assert (ours.ci_lb, ours.tau2) == pytest.approx((theirs.ci_lb, theirs.tau2), rel=1e-6)
        assert "not computed" in str(ours.pi_lb)
