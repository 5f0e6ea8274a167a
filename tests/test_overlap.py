"""Overlap of the arms: against quadrature in R, a published table and symmetry."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.overlap import (
    Proportion,
    probability_of_superiority,
    proportion_above_comparator_mean,
    success_rate_difference,
)

FUNCTIONS = (proportion_above_comparator_mean, probability_of_superiority)
effects = st.tuples(st.floats(-4, 4), st.floats(0, 1), st.floats(0, 1))


def test_proportions_equal_quadrature_over_two_normal_arms(reference):
    stored = reference("translation")
    for g, superior, above in zip(
        stored["g"], stored["superiority"], stored["above_mean"], strict=True
    ):
        assert probability_of_superiority(g, g, g).estimate == pytest.approx(superior, rel=1e-10)
        assert proportion_above_comparator_mean(g, g, g).estimate == pytest.approx(above, rel=1e-10)
        assert success_rate_difference(g) == pytest.approx(2 * superior - 1, rel=1e-9)


def test_a_published_table_of_proportions_above_the_mean_is_reproduced(reference):
    table = reference("translation")["published"]["table_of_d"]
    for d, above in zip(table["d"], table["above_mean"], strict=True):
        found = proportion_above_comparator_mean(d, d, d).estimate
        assert round(found, 3) == pytest.approx(above, abs=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(effect=effects)
def test_bounds_keep_their_order_and_sides_swap_with_the_sign(function, effect):
    g, below, above = effect
    found = function(g, g - below, g + above)
    swapped = function(-g, -g - above, -g + below)
    assert 0 <= found.ci_lb <= found.estimate <= found.ci_ub <= 1
    assert swapped.estimate == pytest.approx(1 - found.estimate, abs=1e-14)
    assert swapped.ci_lb == pytest.approx(1 - found.ci_ub, abs=1e-14)


@given(low=st.floats(-4, 4), step=st.floats(0.001, 2))
def test_success_rate_difference_rises_and_is_odd(low, step):
    pair = success_rate_difference([low, low + step])
    assert pair[0] < pair[1]
    np.testing.assert_allclose(success_rate_difference([-low]), [-pair[0]], rtol=0, atol=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_input_is_named(function):
    with pytest.raises(InputError, match=r"g must be finite; got nan.*level must be above 0"):
        function(math.nan, 0.1, 0.2, level=1.0)
    with pytest.raises(InputError, match="must hold g"):
        function(0.3, 0.4, 0.5)


def test_the_result_prints_people_and_survives_json():
    found = proportion_above_comparator_mean(0.5, 0.2, 0.8, interval="credible", level=0.9)
    assert "69 of 100 (90 % credible interval 58 to 79)" in str(found)
    assert Proportion.from_json(found.to_json()) == found
    assert found.to_frame().loc[0, "ci_ub"] == found.ci_ub
