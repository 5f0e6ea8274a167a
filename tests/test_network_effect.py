"""One relative effect."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.network_effect import infer, network_effect


def test_interval_and_test_are_normal_or_t():
    normal = network_effect("x", "y", 0.5, 0.04, df=np.inf, level=0.95)
    assert (normal.ci_lb, normal.ci_ub) == pytest.approx((0.1080072, 0.8919928), abs=1e-7)
    assert normal.pval == pytest.approx(0.012419331, abs=1e-9)
    t = network_effect("x", "y", 0.5, 0.04, df=4.0, level=0.95)
    assert t.ci_ub == pytest.approx(0.5 + 2.7764451052 * 0.2)
    assert str(normal) == "x against y: 0.50, 95 % CI 0.11 to 0.89."


def test_a_treatment_against_itself_is_no_effect_for_sure():
    found = infer(np.array([0.0]), np.array([0.0]), df=np.inf, level=0.95)
    assert [float(column[0]) for column in found.values()] == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
