"""CR2 tests of levels for many data sets at once are those of ``level_regression``."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.errors import InputError
from combined_care.level_tests import level_regression
from combined_care.levels_robust_many import fit_robust_many
from many_sets import many_sets

RNG = np.random.default_rng(7)
CELLS = [(f"t{j:02d}", level) for j in range(14) for level in "abc" if RNG.random() < 0.7]
TRIAL = [name for name, _ in CELLS]
NAMES = np.array([level for _, level in CELLS])
MEMBER = NAMES[:, None] == np.array(list("abc"))
PAIRS = [("a", "b"), ("a", "c"), ("b", "c")]


@pytest.mark.parametrize("method", ["REML", "DL"])
def test_tests_and_intervals_are_those_of_the_single_regression(method):
    yi, vi, here = many_sets(20, len(CELLS), seed=8)
    here[0, NAMES == "b"] = False
    vi = np.where(here, vi, np.inf)
    found = fit_robust_many(yi, vi, MEMBER, TRIAL, method, 0.95)
    for i, h in enumerate(here):
        cluster = [name for name, there in zip(TRIAL, h, strict=True) if there]
        fit = level_regression(yi[i][h], vi[i][h], NAMES[h], cluster=cluster, method=method)
        assert found.f_pval[i] == pytest.approx(fit.f_pval, rel=1e-6)
        for at, (one, other) in enumerate(PAIRS):
            if {one, other} <= set(fit.levels):
                gap = fit.difference(one, other)
                assert found.differences[i, at] == pytest.approx(gap.estimate, abs=1e-9)
                half = (gap.ci_ub - gap.ci_lb) / 2
                assert found.half_widths[i, at] == pytest.approx(half, rel=1e-7)
            else:
                assert np.isnan(found.differences[i, at])


def test_two_effects_of_a_trial_in_one_level_are_refused():
    yi, vi, _ = many_sets(1, len(CELLS), seed=9)
    same = list(TRIAL)
    first, second = np.flatnonzero(NAMES == "a")[:2]
    same[first] = same[second] = "twice"
    with pytest.raises(InputError, match="several effects in one level"):
        fit_robust_many(yi, vi, MEMBER, same, "REML", 0.95)
