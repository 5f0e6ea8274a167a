"""Conversions between scales and merged arms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import conversions
from combined_care import effects as es


@given(st.floats(-5, 5), st.floats(0.001, 4))
def test_chinns_conversion_can_be_undone(log_odds, variance):
    g = conversions.smd_from_log_odds(log_odds, variance)
    assert conversions.log_odds_from_smd(g.yi) == pytest.approx(log_odds, abs=1e-12)
    assert g.yi**2 / g.vi == pytest.approx(log_odds**2 / variance, rel=1e-9)


def test_the_smallest_effect_of_interest_as_an_odds_ratio():
    """ln OR = g * pi / sqrt(3) (Chinn 2000)."""
    assert np.exp(conversions.log_odds_from_smd(0.24)) == pytest.approx(
        np.exp(0.24 * np.pi / np.sqrt(3))
    )


samples = st.lists(st.floats(-100, 100), min_size=2, max_size=20).filter(lambda x: np.std(x) > 1e-3)


@given(st.lists(samples, min_size=2, max_size=4))
def test_merged_arms_equal_the_raw_data_put_together(arms):
    means = np.array([np.mean(a) for a in arms])
    sds = np.array([np.std(a, ddof=1) for a in arms])
    ns = np.array([float(len(a)) for a in arms])
    together = np.concatenate(arms)
    mean, sd, n = conversions.combine_means(means, sds, ns)
    assert n == len(together)
    assert mean == pytest.approx(np.mean(together), abs=1e-8)
    assert sd == pytest.approx(np.std(together, ddof=1), rel=1e-8)


def test_g_from_a_mean_difference_equals_g_from_the_arms_when_the_sds_are_equal():
    arms = (8.0, 4.0, 25, 10.0, 4.0, 30)
    error = 4.0 * np.sqrt(1 / 25 + 1 / 30)
    np.testing.assert_allclose(
        conversions.smd_from_mean_difference(-2.0, error, 25, 30), es.hedges_g(*arms), rtol=1e-12
    )
