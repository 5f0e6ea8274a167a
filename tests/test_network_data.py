"""Checks of pairwise comparisons, and what a trial with several arms says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from combined_care.errors import InputError
from combined_care.network_data import arm_covariance, read_network
from small_networks import connected, pairs

THREE = {"t": {"a": (0.5, 0.1), "b": (0.2, 0.2), "c": (0.0, 0.3)}}


def changed(row, **changes):
    columns = pairs(THREE)
    for name, value in changes.items():
        columns[name][row] = value
    return columns


def test_pairwise_variances_determine_the_covariances():
    network = read_network(**pairs(THREE))
    (trial,) = network.trials
    against_a = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    expected = [[0.3, 0.1], [0.1, 0.4]]  # the variance of arm a is what both share
    found = against_a @ arm_covariance(trial.vi) @ against_a.T
    np.testing.assert_allclose(found, expected, atol=1e-14)
    np.testing.assert_allclose(trial.level - trial.level[0], [0.0, -0.3, -0.5], atol=1e-14)


@given(connected())
def test_covariances_of_any_trial_give_back_its_variances(trials):
    for trial in read_network(**pairs(trials)).trials:
        covariance = arm_covariance(trial.vi)
        own = covariance.diagonal()
        np.testing.assert_allclose(own[:, None] + own - 2 * covariance, trial.vi, atol=1e-12)


def test_rounding_is_spread_over_all_pairs():
    columns = changed(0, yi=0.3006)
    (trial,) = read_network(**columns).trials
    assert trial.level.sum() == pytest.approx(0.0, abs=1e-15)
    assert trial.level[0] - trial.level[1] == pytest.approx(0.3004)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (changed(0, treat2="a"), "t compares a with itself"),
        (changed(1, treat1="b", treat2="a"), "t compares b with a more than once"),
        (changed(2, vi=0.0), r"vi of t \(b against c\) is 0, expected a variance"),
        (changed(2, vi=-0.1), "vi of t .* is -0.1"),
        (changed(2, yi=np.nan), r"yi of t \(b against c\) is nan"),
        (changed(1, yi=0.6), "effects of t do not add up"),
        (changed(2, vi=1.5), "variances of t contradict each other"),
        (changed(2, study="u"), "t has 3 arms but lacks b against c"),
        (changed(0, treat1=None), "treat1 is missing for comparison 1"),
        (changed(0, study=np.nan), "study is missing for comparison 1"),
        ({**pairs(THREE), "vi": [0.1]}, "equally long"),
        ({**pairs(THREE), "study": ["t"]}, "one label per study"),
        ({n: [] for n in pairs(THREE)}, "not empty"),
        ({**pairs(THREE), "yi": ["x", "y", "z"]}, "yi must hold numbers only"),
    ],
)
def test_comparisons_that_make_no_sense_are_errors_that_name_the_trial(columns, match):
    with pytest.raises(InputError, match=match):
        read_network(**columns)


def test_all_problems_are_named_at_once():
    columns = pairs({**THREE, "u": {"a": (0.0, 0.1), "b": (0.1, 0.1)}})
    columns["treat2"][0], columns["vi"][3] = "a", 0.0
    with pytest.raises(InputError, match=r"t compares a with itself; .*vi of u \(a against b\)"):
        read_network(**columns)


def test_parts_that_no_trial_connects_are_found_and_named():
    trials = {**THREE, "u": {"x": (0.1, 0.1), "y": (0.2, 0.1)}, "w": {"y": (0, 0.1), "z": (0, 0.1)}}
    network = read_network(**pairs(trials))
    assert network.subnetworks == (("a", "b", "c"), ("x", "y", "z"))
    with pytest.raises(InputError, match=r"2 parts .*\(1\) a, b, c; \(2\) x, y, z"):
        network.check_connected()
