"""Moderator analyses by specification: the levels that are tested, and no test where none is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from combined_care.choices import load_choices
from combined_care.moderators import subgroups
from combined_care.spec_data import Data, Settings
from combined_care.spec_fits import fit_specifications
from combined_care.variants import variants
from small_evidence import evidence, means, trial
from test_cell_effects import analysis
from test_spec_fits import ORIGIN, RULES, changed

GAINS = [0.5, 0.45, 0.6, 0.1, 0.15, 0.05, 0.9]
SEVERITY = ["severe"] * 3 + ["mild_moderate"] * 3 + ["moderate"]


def fit(gains, severity, codes, *, levels=()):
    names = [f"t{i}" for i in range(len(gains))]
    found = evidence(
        [trial(n, severity=s) for n, s in zip(names, severity, strict=True)],
        [means(n, g) for n, g in zip(names, gains, strict=True)],
    )
    own = replace(analysis(), kind="moderator", moderator="severity", levels=levels)
    v = variants(own, load_choices(), found)
    data = Data.of(v, v.positions(codes, [""] * len(codes)))
    return v, fit_specifications(v, data, Settings.of(v, codes, RULES), RULES)


@pytest.mark.parametrize("levels", [(), ("mild_moderate", "moderate", "severe")])
def test_levels_with_enough_trials_are_tested_by_every_interval(levels):
    tests = ("knha", "z", "knha-conservative")
    codes = np.array([changed(interval=test) for test in tests])
    v, table = fit(GAINS, SEVERITY, codes, levels=levels)
    inside = [at for at, level in enumerate(v.level) if level != "moderate"]
    at = v.positions(ORIGIN[None], [""])[0][inside]
    for i, test in enumerate(tests):
        single = subgroups(v.yi[at], v.vi[at], v.level[inside].tolist(), test=test)
        assert table.pval[i] == pytest.approx(single.f_pval, rel=1e-8)
        gap = single.difference("mild_moderate", "severe")
        assert table.reach[i] == pytest.approx(max(-gap.ci_lb, gap.ci_ub), rel=1e-8)
    assert table.k.tolist() == [7] * 3
    assert np.isnan(table.estimate).all()


def test_one_level_with_enough_trials_is_not_tested():
    _, table = fit(GAINS[:4], SEVERITY[:4], ORIGIN[None])
    assert np.isnan(table.pval).all()
    assert table.k.tolist() == [4]


@pytest.mark.parametrize("levels", [(), ("moderate", "severe")])
def test_no_trial_at_all_is_not_tested(levels):
    _, table = fit([], [], ORIGIN[None], levels=levels)
    assert np.isnan(table.pval).all()
    assert table.k.tolist() == [0]
