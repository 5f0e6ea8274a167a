"""Influence diagnostics, against metafor's influence()."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.influence_measures import DIAGNOSTICS, Influence, influence
from combined_care.results import is_present
from combined_care.synthesis import synthesize

TRIALS = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.005, 2.0)), min_size=3, max_size=8).map(
    lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows]))
)


def analyses(document):
    for case in document["cases"]:
        for expected in case["analyses"]:
            yield case, expected["influence"], {n: expected[n] for n in ("method", "test")}


def test_every_diagnostic_agrees_with_metafor(reference):
    compared = 0
    for case, expected, options in analyses(reference("sensitivity")):
        table = influence(case["yi"], case["vi"], **options).table
        for name in DIAGNOSTICS:
            want = pytest.approx(expected[name], rel=1e-6, abs=1e-7)
            assert table[name].tolist() == want, (case["name"], options, name)
            compared += len(expected[name])
    assert compared > 5000


def test_influential_trials_are_those_that_metafor_marks(reference):
    marked = 0
    for case, expected, options in analyses(reference("sensitivity")):
        table = influence(case["yi"], case["vi"], **options).table
        assert table["is_influential"].tolist() == [bool(f) for f in expected["is_influential"]]
        marked += table["is_influential"].sum()
    assert marked > 20


def test_influence_of_the_trials_names_the_outlier():
    found = influence(
        [0.1, 0.2, 0.3, 0.25, 2.0], [0.03, 0.03, 0.02, 0.05, 0.04], slab=list("abcde")
    )
    assert str(found) == "Influential trials by the usual bounds, of 5: e."
    assert found.table["rstudent"][4] > 10
    calm = influence(np.linspace(-0.1, 0.1, 12), np.full(12, 0.02))
    assert str(calm).endswith("of 12: none.")


def test_fewer_than_three_trials_are_refused_by_name():
    with pytest.raises(InputError, match="at least 3 studies; got 2: first, second"):
        influence([0.1, 0.2], [0.1, 0.1], slab=["first", "second"])


def test_equal_effects_leave_their_reason_and_no_silent_nan():
    found = influence([0.5, 0.5, 0.5, 0.5], [0.02, 0.03, 0.02, 0.05])
    for name in ("cook_d", "cov_r", "dffits"):
        assert all("agree exactly" in item.reason for item in found.table[name])
    assert found.table["hat"].sum() == pytest.approx(1.0)
    assert not found.table["is_influential"].any()
    assert Influence.from_json(found.to_json()) == found


def test_three_trials_of_which_two_agree_leave_a_reason_for_the_third():
    found = influence([0.5, 0.5, 0.9], [0.02, 0.03, 0.02])
    assert "agree exactly" in found.table["rstudent"][2].reason
    assert is_present(found.table["rstudent"][0])
    assert found.table["weight"].sum() == pytest.approx(100.0)


def test_the_result_survives_json_and_shows_as_a_table():
    found = influence([0.1, 0.2, 0.3, 0.25], [0.03, 0.03, 0.02, 0.05])
    assert Influence.from_json(found.to_json()) == found
    assert found._repr_html_().count("<tr>") == 5
    assert list(found.to_frame()) == ["slab", *DIAGNOSTICS, "is_influential"]


@given(TRIALS)
@settings(max_examples=25)
def test_diagnostics_are_those_of_their_definitions(data):
    y, v = data
    full = synthesize(y, v, test="z")
    table = influence(y, v, test="z").table
    for i in range(y.size):
        less = synthesize(np.delete(y, i), np.delete(v, i), test="z")
        shift = full.estimate - less.estimate
        spread = np.sqrt(v[i] + less.tau2 + less.se**2)
        assert table["rstudent"][i] == pytest.approx((y[i] - less.estimate) / spread, abs=1e-7)
        assert table["cook_d"][i] == pytest.approx((shift / full.se) ** 2, abs=1e-7)
        assert table["cov_r"][i] == pytest.approx((less.se / full.se) ** 2, rel=1e-6)
        assert table["tau2_del"][i] == pytest.approx(less.tau2, abs=1e-9)


@given(TRIALS)
@settings(max_examples=25)
def test_turning_the_effects_round_turns_signed_diagnostics_only(data):
    y, v = data
    ahead, back = influence(y, v, test="z").table, influence(-y, v, test="z").table
    for name in DIAGNOSTICS:
        sign = -1.0 if name in {"rstudent", "dffits", "dfbeta"} else 1.0
        want = pytest.approx((sign * ahead[name]).tolist(), rel=1e-6, abs=1e-7)
        assert back[name].tolist() == want
    assert back["is_influential"].tolist() == ahead["is_influential"].tolist()
