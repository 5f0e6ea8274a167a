"""Leave-one-out and cumulative synthesis, against metafor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.fragility import fail_safe_n, null_trial_to_change
from combined_care.influence_measures import influence
from combined_care.results import Absent, is_present
from combined_care.sensitivity import Cumulative, LeaveOneOut, cumulative, leave_one_out
from combined_care.synthesis import synthesize

TRIALS = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.005, 2.0)), min_size=2, max_size=8).map(
    lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows]))
)


def close(expected):
    return pytest.approx(expected, rel=1e-6, abs=1e-7)


def analyses(document):
    for case in document["cases"]:
        for expected in case["analyses"]:
            yield case, expected, {"method": expected["method"], "test": expected["test"]}


def test_leaving_each_trial_out_agrees_with_metafor(reference):
    compared = 0
    for case, expected, options in analyses(reference("sensitivity")):
        table = leave_one_out(case["yi"], case["vi"], **options).table
        for name, values in expected["leave_one_out"].items():
            assert table[name].tolist() == close(values), (case["name"], options, name)
            compared += len(values)
    assert compared > 4000


def test_the_front_door_of_metafor_agrees(reference):
    for case, expected, options in analyses(reference("sensitivity")):
        without = leave_one_out(case["yi"], case["vi"], **options).table
        steps = cumulative(case["yi"], case["vi"], **options).table
        # metafor pools even a single trial; from the second step on both have a tau².
        for table, found, start in ((without, "leave_one_out", 0), (steps, "cumulative", 1)):
            for name, values in expected["front_door"][found].items():
                if values is not None:
                    ours = table[name].tolist()[start:]
                    assert ours == close(values[start:]), (case["name"], options, name)


def test_adding_trials_one_by_one_agrees_with_metafor(reference):
    compared = 0
    for case, expected, options in analyses(reference("sensitivity")):
        table = cumulative(case["yi"], case["vi"], **options).table
        for name, values in expected["cumulative"].items():
            assert table[name].tolist()[1:] == close(values), (case["name"], options, name)
            compared += len(values)
    assert compared > 4000


def test_published_leave_one_out_of_the_bcg_trials(reference):
    """First trial left out under REML, as printed by metafor's own tests."""
    bcg = reference("sensitivity")["cases"][0]
    table = leave_one_out(bcg["yi"], bcg["vi"], test="z").table
    assert table["estimate"][0] == pytest.approx(-0.707083788, abs=1e-6)
    assert table["tau2"][0] == pytest.approx(0.336156745, abs=1e-6)


@given(TRIALS)
@settings(max_examples=25)
def test_each_row_is_the_synthesis_of_the_others(data):
    y, v = data
    table = leave_one_out(y, v).table
    for i in range(y.size):
        alone = synthesize(np.delete(y, i), np.delete(v, i))
        for name in ("k", "estimate", "ci_lb", "pval", "tau2", "pi_ub", "q_pval"):
            ours, single = table[name][i], getattr(alone, name)
            assert is_present(ours) == is_present(single), name
            if is_present(ours):
                assert ours == pytest.approx(single, rel=1e-9, abs=1e-12)


def test_what_the_others_cannot_support_is_absent_not_nan():
    table = leave_one_out([0.1, 0.4], [0.02, 0.03]).table
    assert table["k"].tolist() == [1, 1]
    assert table["estimate"].tolist() == [0.4, 0.1]
    for name in ("tau2", "i2", "pi_lb", "q_pval"):
        assert all("one study" in item.reason for item in table[name])
    steps = cumulative([0.1, 0.4, 0.2], [0.02, 0.03, 0.02]).table
    assert isinstance(steps["tau2"][0], Absent)
    assert isinstance(steps["pi_lb"][1], Absent)
    assert is_present(steps["pi_lb"][2])


def test_leaving_the_only_trial_out_is_refused_by_its_name():
    with pytest.raises(InputError, match="needs at least 2 studies; got only Barlow 2000"):
        leave_one_out([0.3], [0.1], slab=["Barlow 2000"])


def test_trials_are_added_in_the_order_asked_for_and_ties_stay_as_given():
    y, v = [0.3, 0.6, 0.5, 0.2], [0.04, 0.02, 0.03, 0.05]
    found = cumulative(y, v, order=[2004, 1998, 2001, 1998], slab=list("abcd"))
    assert found.table["slab"].tolist() == ["b", "d", "c", "a"]
    assert found.table["order"].tolist() == [1998, 1998, 2001, 2004]
    assert found.table["k"].tolist() == [1, 2, 3, 4]
    assert found.table["estimate"].iloc[-1] == pytest.approx(synthesize(y, v).estimate)
    as_given = cumulative(y, v, slab=list("abcd"))
    assert as_given.table["slab"].tolist() == list("abcd")


def test_trials_without_a_place_in_the_order_are_named():
    with pytest.raises(InputError, match=r"order of b is nan, expected a finite number"):
        cumulative([0.3, 0.6], [0.04, 0.02], order=[2000, np.nan], slab=["a", "b"])
    with pytest.raises(InputError, match="one value per study"):
        cumulative([0.3, 0.6], [0.04, 0.02], order=[2000])
    years = pd.Series([2001, 1999], dtype="Int64")
    assert cumulative([0.3, 0.6], [0.04, 0.02], order=years).table["slab"][0] == "study 2"


def test_the_sentence_says_since_when_the_interval_excludes_no_effect():
    y, v = [0.1, 0.5, 0.6, 0.5], [0.02, 0.02, 0.02, 0.02]
    found = cumulative(y, v, method="EE", test="z")
    settled = (found.table["ci_lb"] > 0).to_numpy().argmax()
    assert f"since {found.table['slab'][settled]} (k = {settled + 1})" in str(found)
    flat = cumulative([0.1, -0.1], [0.02, 0.02], test="z")
    assert "includes no effect" in str(flat)
    always = cumulative([0.9, 0.8], [0.01, 0.01], method="EE", test="z")
    assert "since study 1 (k = 1)" in str(always)


def test_the_sentence_names_the_trials_that_move_the_effect_most():
    found = leave_one_out([0.1, 0.3, 0.9], [0.02, 0.02, 0.02], slab=["low", "mid", "high"])
    assert "0.20 (without high) and 0.60 (without low)" in str(found)


def test_results_survive_json_and_show_as_tables():
    y, v = [0.1, 0.4, 0.2], [0.02, 0.03, 0.02]
    for found in (leave_one_out(y, v), cumulative(y, v, order=[3, 1, 2])):
        assert type(found).from_json(found.to_json()) == found
        assert len(found.to_frame()) == 3
        assert found._repr_html_().count("<tr>") == 4
    assert isinstance(leave_one_out(y, v), LeaveOneOut)
    assert isinstance(cumulative(y, v), Cumulative)


def test_the_table_handed_out_is_a_copy():
    found = leave_one_out([0.1, 0.4, 0.2], [0.02, 0.03, 0.02])
    frame = found.to_frame()
    frame.loc[0, "estimate"] = 99.0
    assert found.table["estimate"][0] != 99.0


@given(TRIALS)
@settings(max_examples=25)
def test_turning_the_effects_round_turns_every_row_round(data):
    y, v = data
    ahead, back = leave_one_out(y, v).table, leave_one_out(-y, v).table
    assert back["estimate"].tolist() == pytest.approx((-ahead["estimate"]).tolist(), abs=1e-9)
    steps, turned = cumulative(y, v).table, cumulative(-y, v).table
    assert turned["estimate"].tolist() == pytest.approx((-steps["estimate"]).tolist(), abs=1e-9)


def extreme_sets():
    """Effects and variances over many orders of magnitude, with ties and zeros."""
    rng = np.random.default_rng(20240819)
    for _ in range(60):
        k, unit = int(rng.integers(3, 9)), 10.0 ** rng.integers(-12, 13)
        v = 10.0 ** rng.uniform(-rng.choice([0, 1, 4, 10]), 0, k) * unit**2
        y = [np.zeros(k), np.full(k, 0.3), rng.normal(0, 1, k), rng.choice([0, 0.5, 1e6], k)]
        yield unit * y[rng.integers(4)], v


@pytest.mark.parametrize(
    "analysis",
    [
        leave_one_out,
        cumulative,
        influence,
        lambda y, v: influence(y, v, method="EE", test="z"),
        fail_safe_n,
        null_trial_to_change,
    ],
)
def test_no_extreme_input_makes_a_silent_nan_or_a_warning(analysis):
    for y, v in extreme_sets():
        found = analysis(y, v)
        # A nan in a result cannot be written as JSON.
        assert type(found).from_json(found.to_json()) == found
