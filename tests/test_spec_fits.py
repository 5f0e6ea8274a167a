"""Fits by arrays: distinct data sets once, settings by specification, and undefined numbers."""

from __future__ import annotations

import numpy as np

from combined_care.choices import load_choices
from combined_care.claims import load_claims
from combined_care.spec_data import Data, Settings
from combined_care.spec_fits import fit_specifications
from combined_care.variants import variants
from small_evidence import evidence, means, trial
from test_cell_effects import analysis

RULES = load_claims()["mdd-combined"].rules
CHOICES = load_choices()
ORIGIN = np.array([d.primary for d in CHOICES], dtype=np.int8)


def found(gains, own=None):
    names = [f"t{i}" for i in range(len(gains))]
    rows = [means(n, g, n=30 + 7 * i) for i, (n, g) in enumerate(zip(names, gains, strict=True))]
    return variants(own or analysis(), CHOICES, evidence([trial(n) for n in names], rows))


def fit(gains, *, codes=None, left_out=None, rules=RULES, own=None):
    v = found(gains, own)
    codes = ORIGIN[None] if codes is None else codes
    positions = v.positions(codes, left_out or [""] * len(codes))
    settings = Settings.of(v, codes, rules)
    return fit_specifications(v, Data.of(v, positions), settings, rules)


def changed(**options):
    codes = ORIGIN.copy()
    for at, dimension in enumerate(CHOICES):
        if dimension.id in options:
            codes[at] = [o.id for o in dimension.options].index(options[dimension.id])
    return codes


def test_no_trial_has_no_number():
    table = fit([0.5], left_out=["t0"])
    assert table.k.tolist() == [0]
    assert np.isnan(table.estimate).all()


def test_equal_data_sets_are_numbered_once_in_their_order():
    codes = np.array([ORIGIN, ORIGIN, ORIGIN, changed(estimator="DL")])
    table = fit([0.5, 0.1, 0.3], codes=codes, left_out=["", "t1", "", "t1"])
    assert table.dataset.tolist() == [0, 1, 0, 1]
