"""Pooled specifications: settings, single trials, and adjustments for small-study effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from combined_care.results import Absent
from combined_care.spec_data import Data, Settings
from combined_care.spec_fits import fit_specifications
from combined_care.synthesis import synthesize
from small_evidence import evidence
from test_cell_effects import analysis
from test_spec_fits import CHOICES, ORIGIN, RULES, changed, fit, found


def test_each_specification_is_fitted_by_its_own_settings():
    gains = [0.5, 0.1, 0.4, 0.7]
    pairs = [(m, t) for m in ("REML", "DL", "SJ") for t in ("knha", "z", "knha-conservative")]
    table = fit(gains, codes=np.array([changed(estimator=m, interval=t) for m, t in pairs]))
    v = found(gains)
    at = v.positions(ORIGIN[None], [""])[0]
    for i, (method, test) in enumerate(pairs):
        single = synthesize(v.yi[at], v.vi[at], method=method, test=test)
        for name in ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "tau2", "pval"):
            assert getattr(table, name)[i] == pytest.approx(getattr(single, name), rel=1e-9)
    assert set(table.dataset) == {0}


def test_the_inner_interval_is_that_of_two_one_sided_tests():
    table = fit([0.5, 0.1, 0.4, 0.7])
    v = found([0.5, 0.1, 0.4, 0.7])
    at = v.positions(ORIGIN[None], [""])[0]
    inner = synthesize(v.yi[at], v.vi[at], level=0.9)
    assert (table.inner_lb[0], table.inner_ub[0]) == pytest.approx((inner.ci_lb, inner.ci_ub))


def test_one_trial_shows_its_normal_interval_whatever_the_test():
    table = fit([0.5], codes=np.array([changed(interval=t) for t in ("knha", "z")]))
    assert table.ci_lb[0] == table.ci_lb[1]
    assert table.k.tolist() == [1, 1]
    assert np.isnan(table.tau2).all()
    assert np.isnan(table.pi_lb).all()


def test_small_bodies_of_evidence_are_not_adjusted():
    codes = np.array([changed(small_study=s) for s in ("none", "trim-fill", "pet-peese")])
    few = fit([0.5, 0.1, 0.3], codes=codes)
    assert not few.adjusted.any()
    assert len(set(few.estimate)) == 1
    many = fit([0.1 * i for i in range(12)], codes=codes)
    assert many.adjusted.tolist() == [False, True, True]


def test_a_selection_model_without_maximum_is_not_estimable():
    table = fit([0.01] * 12, codes=changed(small_study="selection")[None])
    assert table.adjusted[0]
    assert np.isnan(table.estimate[0])
    assert table.k[0] == 12


def test_equal_effects_have_no_prediction_interval():
    rules = replace(RULES, method="EE")
    rule = evidence([], []).rule
    own = CHOICES.of_claim((analysis(),), rule, method=rules.method, test=rules.test)
    v = replace(found([0.5, 0.1, 0.3]), choices=own)
    codes = np.array([[d.primary for d in own]], dtype=np.int8)
    data = Data.of(v, v.positions(codes, [""]))
    table = fit_specifications(v, data, Settings.of(v, codes, rules), rules)
    single = synthesize(data.yi[0], data.vi[0], method="EE")
    assert isinstance(single.pi_lb, Absent)
    assert np.isnan(table.pi_lb[0])
    assert table.estimate[0] == pytest.approx(single.estimate)
