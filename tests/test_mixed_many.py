"""tau² of many regressions at once is tau² of each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.mixed_many import Levels, Line, estimate_tau2_many, likelihood_mode
from combined_care.mixed_model import estimate_tau2
from combined_care.tau2 import METHODS
from many_sets import many_sets

MEMBER = np.eye(3)[np.arange(15) % 3]


@pytest.mark.parametrize("method", METHODS)
def test_tau2_within_levels_is_that_of_single_fits(method):
    yi, vi, here = many_sets(25, 15, seed=1)
    found = estimate_tau2_many(Levels(yi, vi, MEMBER), method)
    for y, v, h, tau2 in zip(yi, vi, here, found, strict=True):
        expected = estimate_tau2(y[h], v[h], MEMBER[h], method)
        assert tau2 == pytest.approx(expected, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("restricted", [True, False])
def test_tau2_around_a_line_is_that_of_single_fits(restricted):
    yi, vi, here = many_sets(25, 15, seed=2)
    x = np.where(here, np.sqrt(np.where(here, vi, 0.0)), 0.0)
    found = likelihood_mode(Line(yi, vi, x), restricted=restricted)
    for y, v, h, t, row in zip(yi, vi, here, found, x, strict=True):
        design = np.column_stack([np.ones(h.sum()), row[h]])
        expected = estimate_tau2(y[h], v[h], design, "REML" if restricted else "ML")
        assert t == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_tau2_is_zero_where_effects_agree_within_levels():
    yi = np.tile([0.1, 0.5, 0.9], 5)[None]
    levels = Levels(yi, np.full((1, 15), 0.1), MEMBER)
    assert [float(estimate_tau2_many(levels, m)[0]) for m in METHODS] == [0.0] * len(METHODS)


def test_the_unit_of_the_effects_does_not_matter():
    yi, vi, _ = many_sets(10, 15, seed=3)
    for method in METHODS:
        one = estimate_tau2_many(Levels(yi, vi, MEMBER), method)
        other = estimate_tau2_many(Levels(1e3 * yi, 1e6 * vi, MEMBER), method)
        np.testing.assert_allclose(other, 1e6 * one, rtol=1e-8, atol=1e-4)
