"""The selection model of many data sets at once is that of each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.results import Absent
from combined_care.step_selection import selection_model
from combined_care.step_selection_many import selection_model_many
from many_sets import many_sets


@pytest.mark.parametrize(("width", "n"), [(5, 40), (12, 40), (40, 20)])
def test_estimates_are_those_of_single_fits(width, n):
    yi, vi, here = many_sets(n, width, seed=12)
    found = selection_model_many(yi, vi)
    for i, h in enumerate(here):
        single = selection_model(yi[i][h], vi[i][h])
        if isinstance(single.estimate, Absent):
            assert np.isnan(found.estimate[i])
            continue
        assert found.estimate[i] == pytest.approx(single.estimate, abs=1e-6)
        assert found.se[i] == pytest.approx(single.se, rel=1e-5)
        assert found.weight[i] == pytest.approx(single.weight, rel=1e-4)
        assert found.tau2[i] == pytest.approx(single.tau2, abs=1e-6)


def test_trials_on_one_side_of_the_cut_give_no_estimate():
    yi, vi = np.array([[0.9, 1.0, 1.1], [0.0, 0.1, -0.1]]), np.full((2, 3), 0.01)
    assert np.isnan(selection_model_many(yi, vi).estimate).all()


def test_the_unit_of_the_effects_does_not_matter():
    yi, vi, _ = many_sets(10, 12, seed=13)
    one, other = selection_model_many(yi, vi), selection_model_many(1e3 * yi, 1e6 * vi)
    np.testing.assert_allclose(other.estimate, 1e3 * one.estimate, rtol=1e-6)
    np.testing.assert_allclose(other.weight, one.weight, rtol=1e-5)


def test_a_data_set_does_not_depend_on_its_company():
    yi, vi, _ = many_sets(10, 12, seed=14)
    together = selection_model_many(yi, vi).estimate
    alone = np.array(
        [selection_model_many(y[None], v[None]).estimate[0] for y, v in zip(yi, vi, strict=True)]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-8)
