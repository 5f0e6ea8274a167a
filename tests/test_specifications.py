"""The specifications of a claim: choices that matter, the primary one first, trials left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from combined_care.choices import load_choices
from combined_care.specifications import specify
from test_multiverse_table import claim, few

CHOICES = load_choices()
ORIGIN = [d.primary for d in CHOICES]


def test_the_primary_specification_comes_first():
    found = specify(claim(), few([0.5, 0.4, 0.3]), seed=1)
    assert found.codes[0].tolist() == ORIGIN
    assert found.left_out[0] == ""


def test_choices_that_make_no_difference_stay_at_their_primary_option():
    found = specify(claim(), few([0.5, 0.4, 0.3]), seed=1)
    varied = {d.id for d, column in zip(CHOICES, found.codes.T, strict=True) if np.ptp(column)}
    assert varied == {"estimator", "interval", "variance", "rating", "correlation"}
    assert not found.is_sample


def test_left_out_trials_stand_at_the_primary_data():
    found = specify(claim(), few([0.5, 0.4, 0.3]), seed=1)
    late = found.left_out != ""
    models = [d.id in CHOICES.leave_one_out for d in CHOICES]
    assert (found.codes[late][:, ~np.array(models)] == np.array(ORIGIN)[~np.array(models)]).all()
    assert late.sum() == 3 * 5 * 3


def test_above_the_cap_a_sample_is_drawn_by_the_seed():
    some = replace(CHOICES, cap=80)
    one, same, other = (
        specify(claim(), few([0.5, 0.4, 0.3]), some, seed=seed) for seed in (1, 1, 2)
    )
    assert one.is_sample
    assert (one.left_out == "").sum() <= 80
    assert one.codes.tolist() == same.codes.tolist()
    assert one.codes.tolist() != other.codes.tolist()


def test_a_part_can_be_fitted_without_the_table_of_choices():
    part = specify(claim(), few([0.5, 0.4, 0.3]), seed=1).parts[0]
    fits, codes = part.fit()
    assert part.variants.table.size == 0
    assert len(codes) == len(fits.estimate) == part.data.place.size
