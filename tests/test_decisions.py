"""The decision rules at their borders."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import decisions
from combined_care.errors import InputError

intervals = st.tuples(st.floats(-3, 3), st.floats(-3, 3)).map(sorted)
labels = st.sampled_from(decisions._PREVAILS)


@pytest.mark.parametrize(
    ("interval", "label"),
    [
        ((0.01, 0.9), "supported"),
        ((0.0, 0.9), "not_demonstrated_imprecise"),
        ((-0.1, 0.24), "not_demonstrated_imprecise"),
        ((-0.1, 0.2399), "not_demonstrated_informative"),
        ((-0.5, 0.0), "not_demonstrated_informative"),
        ((-0.5, -0.01), "contradicted"),
    ],
)
def test_superiority_at_its_borders(interval, label):
    assert decisions.superiority(*interval, 0.24) == label


@given(intervals)
def test_a_mirrored_interval_turns_supported_into_contradicted(interval):
    low, high = interval
    mirrored = decisions.superiority(-high, -low, 0.24)
    assert (decisions.superiority(low, high, 0.24) == "supported") == (mirrored == "contradicted")


@given(intervals)
def test_meaningful_superiority_implies_superiority(interval):
    if decisions.meaningful(*interval, 0.24) == "supported":
        assert decisions.superiority(*interval, 0.24) == "supported"


def test_without_a_threshold_nothing_is_called_informative():
    assert decisions.superiority(-0.1, 0.01, None) == "not_demonstrated_imprecise"


@given(intervals, st.floats(0.05, 1))
def test_equivalence_is_symmetric(interval, bound):
    low, high = interval
    outer = (low - 0.1, high + 0.1)
    mirrored = decisions.equivalence((-high, -low), (-outer[1], -outer[0]), bound)
    assert decisions.equivalence((low, high), outer, bound) == mirrored


def test_a_moderator_needs_its_omnibus_test():
    assert decisions.moderator(0.049, 0.05, [(-1, 1)], 0.24) == "supported"
    assert decisions.moderator(0.05, 0.05, [(-1, 1)], 0.24) == "not_demonstrated_imprecise"
    assert decisions.moderator(0.5, 0.05, [(-0.2, 0.2)], 0.24) == "not_demonstrated_informative"


def test_mixed_evidence_fails_when_a_disorder_is_strong_or_all_are_supported():
    assert decisions.uncertainty(["supported_strongly", "insufficient"]) == "contradicted"
    assert decisions.uncertainty(["supported", "supported"]) == "contradicted"
    assert decisions.uncertainty(["supported", "fragile"]) == "supported"
    assert decisions.uncertainty(["insufficient"]) == "supported"


@given(st.lists(labels, min_size=1), labels)
def test_another_analysis_never_strengthens_a_claim(found, more):
    order = decisions._PREVAILS
    assert order.index(decisions.weakest([*found, more])) <= order.index(decisions.weakest(found))


def test_every_label_is_explained():
    assert set(decisions.MEANING) == set(get_args(decisions.Label))


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="lower limit first"):
        decisions.superiority(1, 0, 0.24)
    with pytest.raises(InputError, match="no decisive analysis"):
        decisions.weakest([])
