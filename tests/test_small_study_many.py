"""Trim and fill and PET-PEESE of many data sets at once are those of each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.small_study import pet_peese
from combined_care.small_study_many import pet_peese_many, trim_and_fill_many
from combined_care.synthesis import synthesize_many
from combined_care.trim_fill import trim_and_fill
from many_sets import many_sets


@pytest.mark.parametrize(("method", "width"), [("REML", 16), ("DL", 30), ("REML", 5)])
def test_filled_data_sets_pool_to_what_trim_and_fill_gives(method, width):
    yi, vi, here = many_sets(30, width, seed=10, small_study=1.5)
    yi[::3] *= -1.0
    filled = trim_and_fill_many(yi, vi, method)
    pooled = synthesize_many(filled.yi, filled.vi, mask=np.isfinite(filled.vi), method=method)
    added = []
    for i, h in enumerate(here):
        single = trim_and_fill(yi[i][h], vi[i][h], method=method)
        if filled.settled[i]:
            assert filled.k0[i] == single.k0
            assert pooled["estimate"][i] == pytest.approx(single.filled.estimate, abs=1e-8)
            assert pooled["ci_lb"][i] == pytest.approx(single.filled.ci_lb, abs=1e-7)
        else:
            assert "never settles" in str(single.filled)
        added.append(filled.k0[i])
    assert len(set(added)) > 2


def test_equal_trials_are_filled_with_none():
    filled = trim_and_fill_many(np.full((1, 6), 0.3), np.full((1, 6), 0.1), "REML")
    assert filled.k0.tolist() == [0]
    assert filled.settled.all()


def test_limits_are_those_of_pet_peese():
    yi, vi, here = many_sets(40, 20, seed=11)
    size = np.sqrt(np.where(here, vi, 0.0))
    found = pet_peese_many(yi, vi, size)
    chosen = set()
    for i, h in enumerate(here):
        single = pet_peese(yi[i][h], vi[i][h])
        assert found.estimate[i] == pytest.approx(single.estimate, abs=1e-10)
        assert found.se[i] == pytest.approx(single.se, rel=1e-9)
        chosen.add(single.chosen)
    assert chosen == {"PET", "PEESE"}


def test_trials_of_one_size_or_on_one_line_have_no_limit():
    yi = np.array([[0.1, 0.4, 0.2, 0.6], [0.1, 0.2, 0.3, 0.4]])
    vi = np.array([[0.1] * 4, [0.01, 0.04, 0.09, 0.16]])
    assert np.isnan(pet_peese_many(yi, vi, np.sqrt(vi)).estimate).all()
