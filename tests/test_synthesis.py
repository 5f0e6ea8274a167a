"""Pooling one data set and many, against metafor and PyMARE, and by its symmetries."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.inference import TESTS
from combined_care.results import Absent
from combined_care.synthesis import Synthesis, synthesize, synthesize_many
from combined_care.tau2 import METHODS

NAMES = {"z": "z", "knha": "knha", "adhoc": "knha-conservative"}
SIX = ([0.10, 0.30, 0.35, 0.65, 0.45, 0.15], [0.03, 0.03, 0.05, 0.01, 0.05, 0.02])
COMPARED = ("estimate", "se", "stat", "pval", "ci_lb", "ci_ub", "i2", "h2", "tau2")


def published(reference, name):
    return next(d for d in reference("synthesis")["published"] if d["name"] == name)


def all_sets(reference):
    document = reference("synthesis")
    return [*document["published"], *document["generated"]]


# --- agreement with metafor ----------------------------------------------------------------------


def test_every_quantity_equals_metafor_in_more_than_a_thousand_fits(reference):
    checked = 0
    for data in all_sets(reference):
        for ref in data["fits"]:
            test = NAMES[ref["test"]]
            pi_df = "z" if test == "z" else "k-1"
            fit = synthesize(data["yi"], data["vi"], ref["method"], test, pi_df=pi_df)
            rtol, atol = (1e-6, 1e-7) if ref["method"] in {"PM", "ML", "REML"} else (1e-10, 1e-12)
            where = f"{data['name']} {ref['method']} {test}"
            for name in COMPARED:
                # p values are compared relatively, however small.
                slack = 0.0 if name == "pval" else atol
                found = getattr(fit, name)
                np.testing.assert_allclose(found, ref[name], rtol, slack, err_msg=f"{where} {name}")
            if "pi" in ref:
                np.testing.assert_allclose([fit.pi_lb, fit.pi_ub], ref["pi"], rtol, atol)
            checked += 1
    assert checked >= 1000


def test_riley_prediction_intervals_equal_metafor(reference):
    checked = 0
    for data in all_sets(reference):
        for ref in data["fits"]:
            if "pi_riley" in ref:
                test = NAMES[ref["test"]]
                fit = synthesize(data["yi"], data["vi"], "REML", test, pi_df="k-2")
                np.testing.assert_allclose([fit.pi_lb, fit.pi_ub], ref["pi_riley"], 1e-6, 1e-7)
                checked += 1
    assert checked >= 100


def test_heterogeneity_and_its_intervals_equal_metafor(reference):
    for data in all_sets(reference):
        fit = synthesize(data["yi"], data["vi"], "DL", "z")
        np.testing.assert_allclose([fit.q, fit.q_pval], [data["q"], data["q_pval"]], rtol=1e-10)
        ref = data["q_profile"]
        for name in ("tau2", "i2", "h2"):
            found = [getattr(fit, f"{name}_ci_lb"), getattr(fit, f"{name}_ci_ub")]
            np.testing.assert_allclose(found, ref[name], rtol=1e-6, atol=1e-10)
        assert any("null set" in note for note in fit.notes) == ref["null"]
        if data["weights"] is not None and "weights" in data:
            np.testing.assert_allclose(fit.weights, data["weights"], rtol=1e-10)


def test_pymare_reference_cases_are_met():
    folder = resources.files("pymare") / "tests" / "data"
    cases = json.loads((folder / "metafor_reference.json").read_text())["cases"]
    with resources.as_file(folder / "metafor_small_sample.csv") as path:
        data = pd.read_csv(path)
    checked = 0
    for case in cases:
        if case["model"] != "intercept":
            continue
        rows = data[data["case"] == case["design"]]
        method = "EE" if case["method"] == "FE" else case["method"]
        fit = synthesize(rows["y"], rows["v"], method, NAMES[case["test"]])
        found = [fit.estimate, fit.se, fit.pval, fit.ci_lb, fit.ci_ub]
        expected = [case[n][0] for n in ("beta", "se", "pval", "ci_lb", "ci_ub")]
        # Those ML and REML rows were made with metafor's looser default control.
        rtol = 1e-4 if method in {"ML", "REML"} else 1e-10
        np.testing.assert_allclose(found, expected, rtol, 1e-6 if rtol > 1e-5 else 1e-12)
        if case["tau2_ci_lb"] is not None:
            found = [fit.tau2_ci_lb, fit.tau2_ci_ub]
            np.testing.assert_allclose(found, [case["tau2_ci_lb"], case["tau2_ci_ub"]], 1e-7, 1e-9)
        checked += 1
    assert checked >= 60


def test_six_studies_show_all_three_intervals():
    fit = synthesize(*SIX)
    assert fit.estimate == pytest.approx(0.3463357668, abs=1e-9)
    z, knha, conservative = fit.inferences
    assert (z.se, knha.se) == pytest.approx((0.1011549230, 0.0903326869), abs=1e-9)
    assert (knha.ci_lb, knha.ci_ub) == pytest.approx((0.1141282026, 0.5785433310), abs=1e-9)
    assert (conservative.ci_lb, conservative.ci_ub) == pytest.approx(
        (0.0863087590, 0.6063627745), abs=1e-9
    )
    assert (fit.tau2, fit.tau2_ci_ub) == pytest.approx((0.0331402663, 0.225292747558), abs=1e-9)
    assert (fit.i2, fit.i2_q) == pytest.approx((56.528561, 60.954667), abs=1e-6)
    assert fit.q == pytest.approx(12.80562771, abs=1e-8)
    assert fit.tau2_ci_lb == 0.0


def test_bcg_gives_the_figures_of_stata_and_the_printed_intervals(reference):
    data = published(reference, "BCG RR")
    fit = synthesize(data["yi"], data["vi"], "DL", "z")
    assert np.exp([fit.estimate, fit.ci_lb, fit.ci_ub]) == pytest.approx(
        [0.4896, 0.3449, 0.6950], abs=5e-5
    )
    assert (fit.tau2, fit.tau2_ci_lb, fit.tau2_ci_ub) == pytest.approx(
        (0.3088, 0.1197, 1.1115), abs=5e-5
    )
    assert (fit.i2, fit.i2_ci_lb, fit.i2_ci_ub) == pytest.approx((92.12, 81.92, 97.68), abs=5e-3)
    assert (fit.h2, fit.h2_ci_lb, fit.h2_ci_ub) == pytest.approx((12.69, 5.53, 43.07), abs=5e-3)


@pytest.mark.parametrize(
    ("test", "pi_df", "limits"),
    [
        ("z", "z", (-1.867, 0.438)),
        ("z", "k-1", (-1.995, 0.566)),
        ("z", "k-2", (-2.008, 0.579)),
        ("knha", "k-1", (-1.996, 0.567)),
        ("knha", "k-2", (-2.009, 0.580)),
    ],
)
def test_bcg_prediction_interval_follows_the_named_degrees_of_freedom(
    reference, test, pi_df, limits
):
    data = published(reference, "BCG RR")
    fit = synthesize(data["yi"], data["vi"], test=test, pi_df=pi_df)
    assert (fit.pi_lb, fit.pi_ub) == pytest.approx(limits, abs=6e-4)


def test_collins_gives_the_printed_tau2_interval(reference):
    data = published(reference, "collins1985b")
    fit = synthesize(data["yi"], data["vi"], "DL")
    assert (fit.tau2_ci_lb, fit.tau2_ci_ub) == pytest.approx((0.072, 2.203), abs=5e-4)


def test_a_set_on_which_metafor_stops_is_pooled(reference):
    data = published(reference, "climb fails")
    assert synthesize(data["yi"], data["vi"]).tau2 == pytest.approx(0.0308658, abs=1e-6)


# --- small and homogeneous data ------------------------------------------------------------------


def test_one_study_is_shown_as_it_is():
    fit = synthesize([0.2], [0.04], slab=["Barlow 2000"])
    assert (fit.k, fit.estimate, fit.se, fit.test) == (1, 0.2, 0.2, "z")
    assert (fit.ci_lb, fit.ci_ub) == pytest.approx((-0.1919928, 0.5919928), abs=1e-7)
    absent = ("tau2", "tau2_ci_lb", "tau2_ci_ub", "i2", "i2_q", "h2", "q", "q_df", "q_pval")
    for name in (*absent, "pi_lb", "pi_ub", "i2_ci_lb", "h2_ci_ub"):
        assert getattr(fit, name) == Absent("one study: nothing to pool")
    assert fit.probability_above(0.0) == Absent("one study: nothing to pool")
    assert fit.inferences == ()
    assert fit.weights.tolist() == [100.0]
    assert any("one study" in note for note in fit.notes)


@pytest.mark.parametrize("pi_df", ["k-1", "k-2", "z"])
def test_two_studies_have_no_prediction_interval(pi_df):
    fit = synthesize([0.2, 0.6], [0.04, 0.04], pi_df=pi_df)
    assert (fit.ci_lb, fit.ci_ub) == pytest.approx((-2.1412, 2.9412), abs=5e-5)
    assert fit.pi_lb == Absent("not estimable from fewer than 3 trials")
    assert "one degree of freedom" in fit.notes[0]


def test_nearly_identical_effects_are_flagged(reference):
    data = published(reference, "nearly identical")
    fit = synthesize(data["yi"], data["vi"])
    assert (fit.ci_lb, fit.ci_ub) == pytest.approx((0.4987, 0.5013), abs=1e-4)
    assert fit.inference("knha-conservative").ci_ub == pytest.approx(0.9773, abs=1e-3)
    assert (fit.tau2_ci_lb, fit.tau2_ci_ub) == (0.0, 0.0)
    text = " ".join(fit.notes)
    assert "null set" in text
    assert "narrower than the normal one" in text


def test_identical_effects_have_no_knapp_hartung_interval_but_a_conservative_one():
    fit = synthesize([0.3, 0.3, 0.3], [0.1, 0.2, 0.05])
    assert fit.se == 0.0
    assert isinstance(fit.ci_lb, Absent)
    assert isinstance(fit.probability_above(0.1), Absent)
    assert fit.inference("knha-conservative").ci_ub > 0.3
    assert "agree exactly" in str(fit)


def test_equal_effects_has_no_variation_to_report():
    fit = synthesize(*SIX, method="EE", test="z")
    assert fit.tau2 == 0.0
    assert fit.pi_lb == Absent("the equal-effects model has no variation of true effects")
    assert isinstance(fit.tau2_ci_ub, Absent)
    assert isinstance(fit.i2_ci_lb, Absent)
    assert fit.i2 == fit.i2_q


def test_probability_above_is_the_tail_of_the_prediction_distribution():
    fit = synthesize(*SIX)
    assert fit.probability_above(fit.estimate) == pytest.approx(0.5)
    assert fit.probability_above(fit.pi_lb) == pytest.approx(0.975)
    assert fit.probability_above(fit.pi_ub) == pytest.approx(0.025)


# --- symmetries ----------------------------------------------------------------------------------

effects = st.floats(-5.0, 5.0).map(lambda x: round(x, 6))
variances = st.floats(-4.0, 1.0).map(lambda x: round(10.0**x, 8))
data_sets = st.lists(st.tuples(effects, variances), min_size=3, max_size=12)
methods = st.sampled_from(METHODS)
tests = st.sampled_from(TESTS)


def columns(rows):
    y, v = zip(*rows, strict=True)
    return np.array(y), np.array(v)


def close(found, expected, scale=1.0):
    if isinstance(expected, Absent) or isinstance(found, Absent):
        assert found == expected
    else:
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8 * max(scale, 1e-6))


@given(data_sets, methods, tests)
def test_flipping_the_sign_mirrors_everything(rows, method, test):
    y, v = columns(rows)
    one, other = synthesize(y, v, method, test), synthesize(-y, v, method, test)
    for name in ("se", "tau2", "tau2_ci_ub", "i2", "h2", "q", "pval"):
        close(getattr(other, name), getattr(one, name), scale=np.abs(y).max() ** 2)
    close(-other.estimate, one.estimate)
    for lower, upper in (("ci_lb", "ci_ub"), ("pi_lb", "pi_ub")):
        if not isinstance(getattr(one, lower), Absent):
            close(-getattr(other, upper), getattr(one, lower))


@given(data_sets, methods, st.sampled_from([1e-4, 0.5, 1e3]))
def test_a_change_of_unit_changes_only_the_unit(rows, method, c):
    y, v = columns(rows)
    one, other = synthesize(y, v, method), synthesize(c * y, c * c * v, method)
    for name in ("estimate", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub"):
        if not isinstance(getattr(one, name), Absent):
            close(getattr(other, name), c * getattr(one, name), scale=c)
    close(other.tau2, c * c * one.tau2, scale=c * c)
    for name in ("i2", "h2", "i2_ci_lb", "h2_ci_ub", "q", "q_pval"):
        close(getattr(other, name), getattr(one, name), scale=100.0)


@given(data_sets, methods, st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(rows, method, random):
    mixed = list(rows)
    random.shuffle(mixed)
    one, other = synthesize(*columns(rows), method), synthesize(*columns(mixed), method)
    for name in ("estimate", "se", "ci_lb", "tau2", "tau2_ci_ub", "i2", "q"):
        close(getattr(other, name), getattr(one, name), scale=100.0)


@given(data_sets, st.sampled_from(["REML", "ML", "EE"]), effects)
def test_an_infinitely_imprecise_study_changes_nothing(rows, method, far):
    y, v = columns(rows)
    one = synthesize(y, v, method, "z")
    other = synthesize(np.append(y, far), np.append(v, 1e12), method, "z")
    for name in ("estimate", "se", "ci_lb", "ci_ub", "pval", "tau2", "q"):
        close(getattr(other, name), getattr(one, name), scale=100.0)


@given(data_sets)
def test_duplicated_studies_halve_the_variance_under_equal_effects(rows):
    y, v = columns(rows)
    one = synthesize(y, v, "EE", "z")
    two = synthesize(np.tile(y, 2), np.tile(v, 2), "EE", "z")
    close(two.estimate, one.estimate)
    close(two.se * np.sqrt(2.0), one.se)
    ml_one, ml_two = synthesize(y, v, "ML"), synthesize(np.tile(y, 2), np.tile(v, 2), "ML")
    close(ml_two.tau2, ml_one.tau2, scale=10.0)


@given(st.lists(effects, min_size=2, max_size=10), variances, methods)
def test_equal_variances_give_the_mean(y, v, method):
    fit = synthesize(y, [v] * len(y), method)
    close(fit.estimate, float(np.mean(y)))
    np.testing.assert_allclose(fit.weights, 100.0 / len(y))


extreme_effects = st.floats(-1e30, 1e30)
extreme_variances = st.floats(1e-60, 1e60)
extreme_sets = st.lists(st.tuples(extreme_effects, extreme_variances), min_size=1, max_size=8)


@given(extreme_sets, methods, tests, st.floats(-10, 10))
def test_no_input_makes_a_silent_nan(rows, method, test, threshold):
    y, v = columns(rows)
    fit = synthesize(y, v, method, test)
    assert Synthesis.from_json(fit.to_json()) == fit  # writing refuses nan
    assert isinstance(str(fit), str)
    value = fit.probability_above(threshold)
    assert isinstance(value, Absent) or 0.0 <= value <= 1.0


# --- many data sets ------------------------------------------------------------------------------


def ragged(n=25, width=14, seed=8):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, width + 1, n)
    mask = rng.permuted(np.arange(width) < sizes[:, None], axis=1)
    v = 10 ** rng.uniform(-2, 0, (n, width))
    y = rng.normal(0.3, np.sqrt(v + 0.1))
    return np.where(mask, y, np.nan), np.where(mask, v, -1.0), mask


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_many_ragged_sets_equal_one_at_a_time(method, test):
    y, v, mask = ragged()
    table = synthesize_many(y, v, mask=mask, method=method, test=test, level=0.9, tau2_ci=True)
    for i, row in enumerate(table.itertuples()):
        fit = synthesize(y[i, mask[i]], v[i, mask[i]], method, test, level=0.9)
        for name in set(table.columns) - {"absent"}:
            value, expected = getattr(row, name), getattr(fit, name)
            if isinstance(expected, Absent):
                assert np.isnan(value)
                assert row.absent != ""
            else:
                assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), name


def test_one_row_serves_every_row_of_the_mask():
    table = synthesize_many(*SIX, mask=1 - np.eye(6, dtype=int))
    assert table["k"].tolist() == [5] * 6
    without_first = synthesize(SIX[0][1:], SIX[1][1:])
    assert table["estimate"][0] == pytest.approx(without_first.estimate, rel=1e-10)


def test_large_batches_are_cut_without_mixing_rows():
    rng = np.random.default_rng(2)
    y, v = rng.normal(size=(3000, 12)), rng.uniform(0.1, 1.0, (3000, 12))
    table = synthesize_many(y, v)
    again = synthesize_many(y[::-1], v[::-1])
    pd.testing.assert_frame_equal(table, again.iloc[::-1].reset_index(drop=True))


@pytest.mark.parametrize(
    ("k", "method", "reason"),
    [(1, "REML", "one study"), (2, "REML", "fewer than 3"), (3, "REML", ""), (3, "EE", "equal-e")],
)
def test_a_table_says_why_numbers_are_missing(k, method, reason):
    y = np.arange(3.0)[None]
    found = synthesize_many(y, np.ones((1, 3)), mask=(np.arange(3) < k)[None], method=method)
    assert reason in found["absent"][0]
    assert (found["absent"][0] == "") == (reason == "")


# --- bad input -----------------------------------------------------------------------------------


def test_every_bad_study_is_named_at_once():
    with pytest.raises(InputError) as caught:
        synthesize(
            [0.1, np.nan, 0.3], [0.0, 0.1, np.inf], slab=["Ant 1990", "Bee 1991", "Cat 2001"]
        )
    message = str(caught.value)
    for words in ("vi of Ant 1990 is 0", "yi of Bee 1991 is nan", "vi of Cat 2001 is inf"):
        assert words in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "at least one study"),
        (([0.1], [0.1, 0.2]), "equally long"),
        (([[0.1]], [[0.1]]), "one-dimensional"),
        ((["a"], [0.1]), "yi must hold numbers"),
        (([0.1], [-0.1]), "vi of study 1 is -0.1"),
    ],
)
def test_unusable_data_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        synthesize(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "XX"}, "method must be one of EE, DL"),
        ({"test": "t"}, "test must be one of z, knha"),
        ({"pi_df": 3}, "pi_df must be one of"),
        ({"level": 95}, "level must lie between 0 and 1"),
        ({"level": True}, "level must lie between 0 and 1"),
        ({"slab": ["only one"]}, "got 1 for 2 studies"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        synthesize([0.1, 0.2], [0.1, 0.1], **options)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([[1, 0], [0, 0]], "data set 1 has no study"),
        ([[1, 2]], "only 0 and 1"),
        ([[1, 1, 1]], "shapes that agree"),
        ([[0, 1]], "vi of study 1 of data set 0 is -1"),
    ],
)
def test_unusable_masks_are_refused(mask, message):
    with pytest.raises(InputError, match=message):
        synthesize_many([0.1, 0.2], [0.1, -1.0], mask=mask)


def test_a_long_list_of_problems_is_cut_with_its_number():
    with pytest.raises(InputError, match="and 15 more"):
        synthesize(np.full(25, np.nan), np.ones(25))


def test_a_single_row_without_mask_is_refused_by_many():
    with pytest.raises(InputError, match="one data set a row"):
        synthesize_many([0.1, 0.2], [0.1, 0.1])


# --- the record ----------------------------------------------------------------------------------


def test_a_result_cannot_be_changed():
    y = np.array(SIX[0])
    fit = synthesize(y, SIX[1])
    y[0] = 99.0
    assert fit.yi[0] == 0.10
    for array in (fit.yi, fit.vi, fit.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_a_result_travels_through_json_and_html():
    fit = synthesize(*SIX, slab=list("ABCDEF"))
    back = Synthesis.from_json(fit.to_json())
    assert back == fit
    assert back.probability_above(0.24) == fit.probability_above(0.24)
    assert "<caption>" in fit._repr_html_()
    assert fit.to_frame()["tau2"][0] == fit.tau2
    assert fit.weights.sum() == pytest.approx(100.0)
