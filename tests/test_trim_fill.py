"""Trim and fill, against metafor's trimfill()."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care import trim_fill
from combined_care.errors import InputError
from combined_care.results import Absent, is_present
from combined_care.synthesis import synthesize
from combined_care.trim_fill import TrimAndFill, trim_and_fill

SKEWED = ([0.2, 0.25, 0.3, 0.6, 0.7, 0.9], [0.01, 0.01, 0.02, 0.1, 0.1, 0.2])

TRIALS = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.005, 2.0)), min_size=3, max_size=10).map(
    lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows]))
)


def test_numbers_filled_and_pooled_effects_agree_with_metafor(reference):
    compared, filled = 0, 0
    for case in reference("small_study")["cases"]:
        for expected in case["fills"]:
            options = {name: expected[name] for name in ("method", "estimator", "side")}
            found = trim_and_fill(case["yi"], case["vi"], **options)
            assert found.k0 == expected["k0"], (case["name"], options)
            for name in ("estimate", "se", "ci_lb", "ci_ub", "tau2"):
                want = pytest.approx(expected[name], rel=1e-5, abs=1e-6)
                assert getattr(found.filled, name) == want, (case["name"], options, name)
            compared += 1
            filled += found.k0 > 0
    assert compared > 400
    assert filled > 100


def test_uncertainty_of_the_number_filled_agrees_with_metafor(reference):
    """Two kinds of sets are left out: metafor puts a negative L0 into the formula of the error, and
    ranks the rounding error of the centre when a single trial is left.
    """
    compared = 0
    for case in reference("small_study")["cases"]:
        for expected in case["fills"]:
            options = {name: expected[name] for name in ("method", "estimator", "side")}
            found = trim_and_fill(case["yi"], case["vi"], **options)
            if expected["estimator"] == "R0":
                assert found.k0_pval == pytest.approx(expected["k0_pval"], rel=1e-10)
            else:
                assert isinstance(found.k0_pval, Absent)
            if 0 < expected["k0"] < found.k - 1:
                assert found.k0_se == pytest.approx(expected["k0_se"], rel=1e-10)
                compared += 1
    assert compared > 100


def test_the_side_chosen_by_default_agrees_with_metafor(reference):
    sides = []
    for case in reference("small_study")["cases"]:
        found = trim_and_fill(case["yi"], case["vi"])
        assert found.side == case["side"], case["name"]
        sides.append(found.side)
    assert set(sides) == {"left", "right"}


def test_filled_trials_mirror_those_trimmed_and_are_labelled_so():
    found = trim_and_fill(*SKEWED, slab=list("abcdef"))
    assert found.k0 == 2
    assert found.filled.k == 8
    assert set(found.filled.slab[6:]) == {"mirror of e", "mirror of f"}
    left = synthesize(SKEWED[0][:4], SKEWED[1][:4]).estimate
    for label, y, v in zip(
        found.filled.slab[6:], found.filled.yi[6:], found.filled.vi[6:], strict=True
    ):
        source = "abcdef".index(label[-1])
        assert y == pytest.approx(2 * left - SKEWED[0][source])
        assert v == SKEWED[1][source]


def test_with_nothing_to_fill_the_effect_stays():
    y, v = [-0.2, -0.1, 0.0, 0.1, 0.2], [0.04, 0.02, 0.01, 0.02, 0.04]
    found = trim_and_fill(y, v, side="left")
    assert found.k0 == 0
    assert found.filled == found.observed


@pytest.mark.parametrize("k", [1, 2])
def test_fewer_than_three_trials_are_absent_with_the_reason(k):
    found = trim_and_fill(SKEWED[0][:k], SKEWED[1][:k])
    for name in ("k0", "k0_se", "k0_pval", "filled"):
        assert f"at least 3 trials, there are {k}" in getattr(found, name).reason
    assert "at least 3 trials" in str(found)
    assert len(found.to_frame()) == 1
    assert TrimAndFill.from_json(found.to_json()) == found


def test_a_trimming_that_never_settles_is_absent_not_an_endless_loop(monkeypatch):
    answers = iter([2.0, 1.0, 2.0, 1.0, 2.0])
    monkeypatch.setitem(trim_fill._ESTIMATORS, "L0", lambda ranks: next(answers))
    found = trim_and_fill(*SKEWED)
    assert "never settles: it returns to 1 and 2" in found.k0.reason
    assert isinstance(found.filled, Absent)


def test_unknown_options_are_refused():
    with pytest.raises(InputError, match="estimator must be one of L0, R0; got 'Q0'"):
        trim_and_fill(*SKEWED, estimator="Q0")
    with pytest.raises(InputError, match="side must be one of left, right; got 'both'"):
        trim_and_fill(*SKEWED, side="both")


def test_the_frame_shows_both_fits_and_the_sentence_both_estimates():
    found = trim_and_fill(*SKEWED)
    frame = found.to_frame()
    assert list(frame["data"]) == ["observed", "filled"]
    assert list(frame["k"]) == [6, 8]
    assert "from 0.28 to 0.25" in str(found)
    assert "limit of use not met: 6 trials" in str(found)
    assert "publication bias" not in found._repr_html_().lower()
    assert TrimAndFill.from_json(found.to_json()) == found


@given(TRIALS, st.sampled_from(["L0", "R0"]))
@settings(max_examples=40)
def test_the_mirror_of_the_data_gives_the_mirror_of_the_result(data, estimator):
    y, v = data
    if np.unique(np.abs(y - y[:, None])).size < y.size * (y.size - 1) / 2:
        return  # ties rank by place
    left = trim_and_fill(y, v, estimator=estimator, side="left")
    right = trim_and_fill(-y, v, estimator=estimator, side="right")
    assert right.k0 == left.k0
    if is_present(left.k0):
        assert right.filled.estimate == pytest.approx(-left.filled.estimate, abs=1e-9)
        assert 0 <= left.k0 < left.k
        assert left.k0_se > 0
