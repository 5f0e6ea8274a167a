"""The omnibus test of many data sets at once is that of ``subgroups``."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.inference import TESTS
from combined_care.level_means_many import fit_common_many
from combined_care.moderators import subgroups
from many_sets import many_sets

NAMES = np.array(list("abc"))[np.arange(15) % 3]
MEMBER = NAMES[:, None] == np.array(list("abc"))


@pytest.mark.parametrize("method", ["REML", "PM", "DL", "EE"])
def test_level_means_and_their_test_are_those_of_subgroups(method):
    yi, vi, here = many_sets(15, 15, seed=4)
    here[0, NAMES == "b"] = False
    vi = np.where(here, vi, np.inf)
    found = fit_common_many(yi, vi, MEMBER, method)
    for i, h in enumerate(here):
        for test in TESTS:
            fit = subgroups(yi[i][h], vi[i][h], NAMES[h], method=method, test=test)
            assert found.f_pval(test)[i] == pytest.approx(fit.f_pval, rel=1e-7)
        at = [list("abc").index(level) for level in fit.levels]
        means = [group.estimate for group in fit.groups]
        np.testing.assert_allclose(found.means[i, at], means, rtol=1e-8)
        assert found.tau2[i] == pytest.approx(fit.tau2, rel=1e-7, abs=1e-10)


def test_a_single_level_has_no_test():
    yi, vi, _ = many_sets(2, 15, seed=5)
    vi[0, NAMES != "a"] = np.inf
    p = fit_common_many(yi, vi, MEMBER, "REML").f_pval("knha")
    assert np.isnan(p[0])
    assert p[1] > 0.0


def test_levels_of_one_trial_each_leave_nothing_for_tau2():
    yi, vi, _ = many_sets(1, 15, seed=6)
    vi[0, 3:] = np.inf
    found = fit_common_many(yi, vi, MEMBER, "REML")
    assert np.isnan(found.tau2).all()
    assert np.isnan(found.f_pval("knha")).all()


def test_an_exact_fit_has_no_test_unless_the_scale_is_kept_from_zero():
    yi = np.where(NAMES == "a", 0.1, np.where(NAMES == "b", 0.5, 0.9))[None]
    found = fit_common_many(yi, np.full((1, 15), 0.1), MEMBER, "REML")
    assert np.isnan(found.f_pval("knha")[0])
    assert found.f_pval("knha-conservative")[0] < 0.01
