"""The second opinion by PyMARE."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.crosscheck import CrossCheck, cross_check
from combined_care.results import Absent
from combined_care.synthesis import synthesize

YI, VI = [0.1, 0.3, 0.35, 0.65, 0.45, 0.15], [0.03, 0.03, 0.05, 0.01, 0.05, 0.02]


@pytest.mark.parametrize("method", ["EE", "DL", "HE", "ML", "REML"])
@pytest.mark.parametrize("test", ["z", "knha", "knha-conservative"])
def test_pymare_agrees(method, test):
    found = cross_check(synthesize(YI, VI, method=method, test=test))
    assert isinstance(found, CrossCheck)
    assert found.agrees
    assert "agrees" in str(found)


effects = st.lists(
    st.tuples(st.floats(-2, 2).map(lambda x: round(x, 3)), st.floats(0.01, 0.5)),
    min_size=3,
    max_size=12,
).filter(lambda rows: np.ptp([y for y, _ in rows]) > 0.05)


@given(effects)
def test_reml_agrees_on_any_ordinary_data(rows):
    yi, vi = (np.array(column) for column in zip(*rows, strict=True))
    assert cross_check(synthesize(yi, vi)).deviation < 1e-3


def test_a_wrong_fit_is_noticed():
    fit = synthesize(YI, VI)
    assert not cross_check(replace(fit, estimate=fit.estimate + 0.01)).agrees


def test_what_pymare_cannot_do_is_absent_with_the_reason():
    assert isinstance(cross_check(synthesize([0.2], [0.1])), Absent)
    assert "no PM estimator" in str(cross_check(synthesize(YI, VI, method="PM")))
