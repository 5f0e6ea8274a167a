"""Effect sizes: against metafor's escalc, and properties that need no reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import effectsize_smd

import combined_care as cc
from combined_care import effects as es
from combined_care.errors import InputError

MEANS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
TABLE = ("ai", "n1i", "ci", "n2i")


def floats(values):
    return np.array(values, dtype=float)


@pytest.mark.parametrize("variance", ["LS", "LS2", "UB"])
def test_hedges_g_equals_metafor(reference, variance):
    stored = reference("effects")
    arms = [floats(stored["means"][name]) for name in MEANS]
    found = es.hedges_g(*arms, variance=variance)
    np.testing.assert_allclose(found.yi, floats(stored["smd"][variance]["yi"]), rtol=1e-10)
    np.testing.assert_allclose(found.vi, floats(stored["smd"][variance]["vi"]), rtol=1e-10)


def test_mean_difference_equals_metafor(reference):
    stored = reference("effects")
    found = es.effect_size("MD", *[floats(stored["means"][name]) for name in MEANS])
    np.testing.assert_allclose(found.yi, floats(stored["md"]["yi"]), rtol=1e-10)
    np.testing.assert_allclose(found.vi, floats(stored["md"]["vi"]), rtol=1e-10)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_two_by_two_tables_equal_metafor_also_with_an_empty_cell(reference, measure):
    stored = reference("effects")
    found = es.effect_size(measure, *[floats(stored["tables"][name]) for name in TABLE])
    np.testing.assert_allclose(found.yi, floats(stored["two_by_two"][measure]["yi"]), rtol=1e-10)
    np.testing.assert_allclose(found.vi, floats(stored["two_by_two"][measure]["vi"]), rtol=1e-10)


def test_revman_variance_equals_statsmodels(reference):
    """statsmodels uses the N - 3.94 formula with the approximate correction factor."""
    stored = reference("effects")
    m1, s1, n1, m2, s2, n2 = (floats(stored["means"][name]) for name in MEANS)
    _, variance = effectsize_smd(m1, s1, n1, m2, s2, n2)
    found = es.hedges_g(m1, s1, n1, m2, s2, n2, variance="RevMan")
    np.testing.assert_allclose(found.vi, variance, rtol=2e-3)


def test_variances_of_the_published_comparison():
    """d = .8 with 15 people an arm: the ratios of field use, as a table of six formulas."""
    g = 0.8 * float(es.correction_factor(28))
    expected = {
        "LS": 0.143430,
        "LS2": 0.136310,
        "PyMARE": 0.137043,
        "UB": 0.144870,
        "RevMan": 0.144958,
        "esc": 0.144000,
    }
    for kind, value in expected.items():
        assert es.smd_variance(g, 15, 15, kind=kind) == pytest.approx(value, rel=1e-5), kind


def test_approximate_correction_is_close_to_the_exact_one():
    m = np.array([14.0, 30.0, 100.0])
    np.testing.assert_allclose(es.correction_factor(m), 1 - 3 / (4 * m - 1), rtol=2e-4)


arms = st.tuples(
    st.floats(-50, 50), st.floats(0.1, 30), st.integers(2, 400),
    st.floats(-50, 50), st.floats(0.1, 30), st.integers(2, 400),
)  # fmt: skip


@given(arms)
def test_swapping_the_arms_turns_the_sign_only(a):
    m1, s1, n1, m2, s2, n2 = a
    forward, back = es.hedges_g(*a), es.hedges_g(m2, s2, n2, m1, s1, n1)
    np.testing.assert_allclose(forward.yi, -back.yi, atol=1e-12)
    np.testing.assert_allclose(forward.vi, back.vi, rtol=1e-12)


@given(arms, st.floats(0.1, 20), st.floats(-30, 30))
def test_g_does_not_depend_on_the_unit_or_origin_of_the_scale(a, unit, origin):
    m1, s1, n1, m2, s2, n2 = a
    moved = es.hedges_g(m1 * unit + origin, s1 * unit, n1, m2 * unit + origin, s2 * unit, n2)
    plain = es.hedges_g(*a)
    np.testing.assert_allclose(moved.yi, plain.yi, rtol=1e-7, atol=1e-9)


tables = st.tuples(st.integers(2, 80), st.integers(2, 80)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@given(tables)
def test_counting_the_other_outcome_turns_odds_ratio_and_risk_difference(table):
    e, a, c, b = table
    assume(not es.is_double_zero(*table))
    for measure in ("OR", "RD"):
        forward = es.two_by_two(measure, e, a, c, b)
        back = es.two_by_two(measure, a - e, a, b - c, b)
        np.testing.assert_allclose(forward.yi, -back.yi, atol=1e-12)
        np.testing.assert_allclose(forward.vi, back.vi, rtol=1e-9)


def test_risk_ratio_of_the_complement_is_not_its_inverse():
    response, non_response = (
        es.two_by_two("RR", 30, 40, 20, 40),
        es.two_by_two("RR", 10, 40, 20, 40),
    )
    assert response.yi != pytest.approx(-non_response.yi, abs=0.1)


@pytest.mark.parametrize("table", [(0, 20, 0, 40), (20, 20, 20, 20)])
def test_double_zeros_are_refused_for_ratios_and_kept_for_the_risk_difference(table):
    for measure in ("OR", "RR"):
        with pytest.raises(InputError, match="in both arms at once"):
            es.two_by_two(measure, *table)
    assert es.two_by_two("RD", *table).vi > 0


def test_only_trials_with_an_empty_cell_get_the_correction():
    both = es.two_by_two("OR", [0, 15], [20, 28], [4, 6], [20, 28])
    alone = es.two_by_two("OR", 15, 28, 6, 28)
    assert both.yi[1] == alone.yi
    assert both.yi[0] == pytest.approx(-2.414, abs=5e-4)
    assert both.vi[0] == pytest.approx(2.332, abs=5e-4)


def test_reported_interval_and_standard_error_give_the_same_variance():
    low, high = np.exp(np.log(0.6) + np.array([-1, 1]) * 1.959963984540054 * 0.2)
    by_interval = es.effect_size("HR", 0.6, low, high)
    by_error = es.reported_effect("HR", 0.6, se=0.2)
    np.testing.assert_allclose(by_interval, by_error, rtol=1e-12)


def test_every_offending_position_is_named():
    with pytest.raises(InputError, match=r"sd_e .*position 1: 0; position 2: -3"):
        es.hedges_g([1, 2, 3], [1, 0, -3], [9, 9, 9], [1, 1, 1], [1, 1, 1], [9, 9, 9])
    with pytest.raises(InputError, match=r"events_e must be between 0 and n_e; got position 0: 11"):
        es.two_by_two("OR", 11, 10, 3, 10)
    with pytest.raises(InputError, match="at least 2 people"):
        es.hedges_g(1, 1, 1, 1, 1, 10)


def test_a_missing_number_is_an_error_and_never_a_silent_nan():
    with pytest.raises(InputError, match="position 0: nan"):
        es.hedges_g(1, float("nan"), 10, 1, 1, 10)


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="measure must be one of"):
        cc.effect_size("ROM", 1, 2)
    with pytest.raises(InputError, match="variance must be one of"):
        es.smd_variance(0.5, 10, 10, kind="exact")
    with pytest.raises(InputError, match="needs its interval"):
        es.reported_effect("OR", 2.0)
    with pytest.raises(InputError, match="ratio above 0"):
        es.reported_effect("OR", 2.0, -1.0, 3.0)
