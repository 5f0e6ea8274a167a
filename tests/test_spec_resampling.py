"""Resampling over all specifications: known answers, and the same draws for everyone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from combined_care import spec_resampling
from combined_care.errors import InputError
from combined_care.spec_resampling import MultiverseInference, multiverse_inference
from combined_care.specifications import specify
from test_multiverse_table import CHOICES, claim, few

SOME = replace(CHOICES, cap=60)


def infer(gains, **more):
    return multiverse_inference(
        claim(), few(gains), choices=SOME, **{"resamples": 80, "seed": 2, **more}
    )


def test_a_clear_benefit_is_unlikely_under_sign_flips():
    row = infer([0.5, 0.6, 0.55, 0.5, 0.62, 0.58, 0.5]).table.iloc[0]
    assert row["median"] == pytest.approx(0.5, abs=0.1)
    assert row["supported"] > 0.9
    assert row["median_pval"] < 0.08
    assert row["supported_pval"] < 0.08


def test_no_benefit_is_likely_under_sign_flips():
    row = infer([0.3, -0.3, 0.2, -0.25, 0.1, -0.1]).table.iloc[0]
    assert row["median_pval"] > 0.3
    assert row["supported_pval"] > 0.3


def test_bootstrap_intervals_hold_the_median_and_widen_with_scatter():
    near = infer([0.5, 0.52, 0.48, 0.51, 0.49], kind="bootstrap").table.iloc[0]
    far = infer([0.1, 0.9, 0.2, 0.8, 0.5], kind="bootstrap").table.iloc[0]
    for row in (near, far):
        assert row["median_lb"] <= row["median"] <= row["median_ub"]
        assert 0.0 <= row["supported_lb"] <= row["supported_ub"] <= 1.0
    assert far["median_ub"] - far["median_lb"] > 3 * (near["median_ub"] - near["median_lb"])


@pytest.mark.parametrize("kind", ["permutation", "bootstrap"])
def test_the_size_of_the_portions_changes_nothing(monkeypatch, kind):
    before = infer([0.5, 0.1, 0.4, 0.3], kind=kind, resamples=11)
    monkeypatch.setattr(spec_resampling, "_CHUNK", 3)
    assert infer([0.5, 0.1, 0.4, 0.3], kind=kind, resamples=11) == before
    assert infer([0.5, 0.1, 0.4, 0.3], kind=kind, resamples=11, seed=9) != before


def test_a_trial_drawn_twice_counts_twice():
    part = specify(claim(), few([0.5, 0.1, 0.4]), SOME, seed=1).parts[0]
    times = {"t0": 2, "t1": 0, "t2": 1}
    drawn = spec_resampling._repeated(part, times)
    first = drawn.data.yi[0]
    assert drawn.data.k[0] == 3
    assert sorted(first.tolist()) == sorted(
        [part.data.yi[0][0], part.data.yi[0][0], part.data.yi[0][2]]
    )


def test_every_specification_sees_the_same_sign_of_a_trial():
    part = specify(claim(), few([0.5, 0.1, 0.4]), SOME, seed=1).parts[0]
    flipped = spec_resampling._flipped((part,), seed=1, number=4)[0]
    signs = np.sign(flipped.data.yi * part.data.yi)
    for cell in signs.T:
        assert len(set(cell[cell != 0].tolist())) == 1


def test_what_cannot_be_resampled_is_refused():
    with pytest.raises(InputError, match="resamples must be at least 1"):
        infer([0.5, 0.4, 0.3], resamples=0)
    with pytest.raises(InputError, match="kind must be one of"):
        infer([0.5, 0.4, 0.3], kind="jackknife")
    moderator = claim("moderator", moderator="severity")
    with pytest.raises(InputError, match="no decisive analysis that pools"):
        multiverse_inference(moderator, few([0.5]), resamples=1)


def test_an_analysis_without_an_estimable_specification_has_no_row():
    assert infer([0.5, 0.4], resamples=2).table.empty


def test_the_result_is_one_honest_sentence_and_survives_json():
    found = infer([0.5, 0.4, 0.3], resamples=4)
    assert str(found) == (
        "All specifications of test together, 1 analysis, by 4 sign flips of trials (seed 2)."
    )
    assert MultiverseInference.from_json(found.to_json()) == found
