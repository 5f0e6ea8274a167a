"""Subgroups and meta-regression: against metafor and clubSandwich, and by their own laws."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymare.estimators import VarianceBasedLikelihoodEstimator

from combined_care.design import read_design
from combined_care.errors import InputError, SmallSampleWarning
from combined_care.mixed_model import estimate_tau2, weigh
from combined_care.moderators import MetaRegression, Subgroups, meta_regression, subgroups
from combined_care.results import Absent, is_present
from combined_care.synthesis import synthesize

TESTS = {"z": "z", "knha": "knha", "adhoc": "knha-conservative"}
ITERATED = {"PM", "ML", "REML"}
Y = [0.10, 0.30, 0.35, 0.65, 0.45, 0.15, 0.52, 0.33]
V = [0.03, 0.03, 0.05, 0.01, 0.05, 0.02, 0.04, 0.03]
DRUG = ["a", "a", "b", "b", "b", "a", "c", "c"]


def regress(data, formula, **options):
    return meta_regression(data["yi"], data["vi"], formula, pd.DataFrame(data), **options)


def close(method):
    return {"rtol": 1e-6, "atol": 1e-7} if method in ITERATED else {"rtol": 1e-10, "atol": 1e-12}


def check_fit(found, expected):
    near = close(expected["method"])
    table = found.coefficients
    np.testing.assert_allclose(found.tau2, expected["tau2"], **near)
    for ours, theirs in (
        ("estimate", "beta"), ("se", "se"), ("stat", "stat"), ("pval", "p"),
        ("ci_lb", "ci_lb"), ("ci_ub", "ci_ub"),
    ):  # fmt: skip
        np.testing.assert_allclose(table[ours].astype(float), expected[theirs], **near)
    omnibus = ("qm", "qm_pval") if expected["test"] == "z" else ("f", "f_pval")
    np.testing.assert_allclose(getattr(found, omnibus[0]), expected["omnibus"], **near)
    np.testing.assert_allclose(getattr(found, omnibus[1]), expected["omnibus_p"], **near)
    for ours, theirs in (("i2", "i2"), ("h2", "h2"), ("q", "q"), ("q_pval", "q_p")):
        np.testing.assert_allclose(getattr(found, ours), expected[theirs], **near)
    if isinstance(expected.get("r2"), (int, float)) and is_present(found.r2):
        np.testing.assert_allclose(found.r2, expected["r2"], rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("model", range(5))
def test_regressions_on_the_bcg_trials_equal_metafor(reference, model):
    bcg = reference("moderators")["bcg"]
    expected = bcg["models"][model]
    for fit in expected["fits"]:
        options = {"method": fit["method"], "test": TESTS[fit["test"]]}
        check_fit(regress(bcg["data"], expected["formula"], **options), fit)


def test_generated_regressions_equal_metafor_over_sizes_precisions_and_estimators(reference):
    checked = 0
    for case in reference("moderators")["generated"]:
        for fit in case["fits"]:
            found = regress(
                case["data"], case["formula"], method=fit["method"], test=TESTS[fit["test"]]
            )
            check_fit(found, fit)
            checked += 1
    assert checked > 300


def test_q_profile_intervals_of_residual_tau2_equal_metafor(reference):
    stored = reference("moderators")
    cases = [(c["data"], c) for c in stored["generated"]]
    cases += [(stored["bcg"]["data"], model) for model in stored["bcg"]["models"]]
    nulls = 0
    for data, case in cases:
        found = regress(data, case["formula"], method="DL")
        lower, upper = case["q_profile"]["tau2"]
        np.testing.assert_allclose(found.tau2_ci_lb, lower, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(found.tau2_ci_ub, upper, rtol=1e-6, atol=1e-9)
        assert any("null set" in note for note in found.notes) == case["q_profile"]["null"]
        nulls += case["q_profile"]["null"]
    assert nulls >= 1, "the null set must be among the cases"


def test_predictions_and_their_intervals_equal_metafor(reference):
    bcg = reference("moderators")["bcg"]
    for model in bcg["models"]:
        for expected in model["predict"]:
            found = regress(bcg["data"], model["formula"], test=expected["test"]).predict()
            for name in ("estimate", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub"):
                np.testing.assert_allclose(
                    found[name].astype(float), expected[name], rtol=1e-6, atol=1e-7
                )


def test_new_rows_are_coded_as_the_studies_were(reference):
    data = reference("moderators")["bcg"]["data"]
    fit = regress(data, "~ alloc + year")
    new = pd.DataFrame(data).iloc[[4, 0]]
    again = MetaRegression.from_json(fit.to_json())
    for found in (fit.predict(new), again.predict(new)):
        np.testing.assert_array_equal(found.to_numpy(), fit.predict().iloc[[4, 0]].to_numpy())
    one = fit.predict({"alloc": ["random"], "year": [1950]})
    row = fit.contrast({"Intercept": 1, "alloc[T.random]": 1, "year": 1950})
    assert one.loc[0, ["estimate", "se", "ci_lb"]].tolist() == pytest.approx(
        [row.estimate, row.se, row.ci_lb]
    )


def test_an_unknown_level_or_a_missing_column_in_new_rows_is_an_error():
    fit = meta_regression(Y, V, "~ drug", {"drug": DRUG})
    with pytest.raises(InputError, match="new cannot be coded"):
        fit.predict({"drug": ["d"]})
    with pytest.raises(InputError, match="new must have the columns drug"):
        fit.predict({"year": [1]})
    with pytest.raises(InputError, match="'drug' is missing for row 2"):
        fit.predict({"drug": ["a", None]})


@pytest.mark.parametrize("case", range(4))
def test_clustered_regressions_equal_clubsandwich(reference, case):
    stored = reference("moderators")["robust"]
    expected = stored["fits"][case]
    with pytest.warns(SmallSampleWarning):
        found = regress(
            stored["data"], expected["formula"], method=expected["method"],
            cluster=stored["data"]["study"],
        )  # fmt: skip
    table = found.coefficients
    for ours, theirs in (("estimate", "beta"), ("se", "se"), ("df", "df"), ("pval", "p")):
        np.testing.assert_allclose(table[ours].astype(float), expected[theirs], rtol=1e-6)
    for ours, theirs in (
        ("qm", "chisq"), ("qm_pval", "chisq_p"), ("f", "f"), ("f_df2", "f_df2"), ("f_pval", "f_p"),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(found, ours), expected[theirs], rtol=1e-6)
    terms = [coef.label for coef in found.coefs]
    last = found.contrast({terms[-1]: 1.0, terms[-2]: -1.0})
    for name, value in expected["contrast"].items():
        np.testing.assert_allclose(getattr(last, name), value, rtol=1e-6)
    assert found.test == "CR2"


def test_few_clusters_warn_and_say_so_in_the_result():
    clusters = list("aabbccdd")
    with pytest.warns(SmallSampleWarning, match="fewer than 4"):
        fit = meta_regression(Y, V, "~ drug", {"drug": DRUG}, cluster=clusters)
    assert any("Satterthwaite" in note for note in fit.notes)
    with pytest.warns(SmallSampleWarning):
        two = meta_regression(Y, V, "~ drug", {"drug": DRUG}, cluster=list("aaaabbbb"))
    assert isinstance(two.f_pval, Absent)
    assert "too few" in two.f_pval.reason
    assert MetaRegression.from_json(two.to_json()) == two


def test_a_regression_without_moderator_is_the_synthesis():
    fit = meta_regression(Y, V, "~ 1", {"drug": DRUG})
    pooled = synthesize(Y, V)
    (mean,) = fit.coefs
    ours = (mean.estimate, mean.se, mean.ci_lb, fit.tau2, fit.tau2_ci_ub, fit.i2)
    theirs = (
        pooled.estimate, pooled.se, pooled.ci_lb, pooled.tau2, pooled.tau2_ci_ub, pooled.i2,
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    prediction = fit.predict().iloc[0]
    assert prediction["pi_lb"] == pytest.approx(pooled.pi_lb, rel=1e-9)
    assert all(isinstance(x, Absent) for x in (fit.r2, fit.qm, fit.f_pval))
    assert str(fit)


def test_the_likelihood_is_never_below_pymares_where_pymare_stops():
    """The polish moves the estimate only within the digits that PyMARE leaves open."""
    rng = np.random.default_rng(7)
    for _ in range(25):
        k = int(rng.integers(5, 30))
        design = np.column_stack([np.ones(k), rng.normal(size=k)])
        v = 0.02 * np.exp(rng.uniform(0, 6, k))
        y = design @ [0.3, 0.2] + rng.normal(size=k) * np.sqrt(v + rng.choice([0.0, 0.05, 1.0]))
        found = estimate_tau2(y, v, design, "REML")
        model = VarianceBasedLikelihoodEstimator(method="reml", small_sample_correction="wald")
        theirs = model.fit(y[:, None], v[:, None], design).params_["tau2"].item()
        assert found == pytest.approx(theirs, rel=1e-4, abs=1e-6)
        fit = weigh(y, v, design, found)
        score = fit.w @ fit.residual**2 - fit.trace
        assert abs(score) < 1e-6 * fit.trace or (found == 0.0 and score <= 0.0)


# Errors ---------------------------------------------------------------------------------------


def test_missing_moderators_are_listed_by_study_and_never_dropped():
    data = {
        "drug": ["a", None, "b", "b", "b", "a", "c", "c"],
        "year": [1.0, *[np.nan] * 2, *[3] * 5],
    }
    slab = [f"Trial {i}" for i in range(8)]
    with pytest.raises(InputError) as caught:
        meta_regression(Y, V, "~ drug + np.log(year)", data, slab=slab)
    assert "'drug' is missing for Trial 1" in str(caught.value)
    assert "'year' is missing for Trial 1, Trial 2" in str(caught.value)
    assert meta_regression(Y, V, "~ 1", data).k == 8, "columns not in the formula play no part"


def test_aliased_terms_are_named_with_what_fixes_them():
    data = {
        "drug": DRUG,
        "same": [d.upper() for d in DRUG],
        "year": range(8),
        "twice": range(0, 16, 2),
    }
    with pytest.raises(InputError) as caught:
        meta_regression(Y, V, "~ drug + same + year + twice", data)
    text = str(caught.value)
    assert "'same[T.B]' is aliased: the studies fix it by drug[T.b]" in text
    assert "'same[T.C]' is aliased: the studies fix it by drug[T.c]" in text
    assert "'twice' is aliased: the studies fix it by year" in text


def test_a_calendar_year_and_its_square_are_not_taken_for_aliases():
    years = [1990, 1995, 2001, 2004, 2008, 2012, 2016, 2021]
    raw = meta_regression(Y, V, "~ year + I(year**2)", {"year": years})
    centred = meta_regression(Y, V, "~ year + I(year**2)", {"year": np.subtract(years, 2005)})
    assert raw.tau2 == pytest.approx(centred.tau2, abs=1e-8)
    assert raw.f == pytest.approx(centred.f, rel=1e-5)


def test_a_level_without_studies_is_an_error_that_names_it():
    drug = pd.Categorical(DRUG, categories=["a", "b", "c", "d"])
    with pytest.raises(InputError, match=r"'drug' has levels without studies: \['d'\]"):
        meta_regression(Y, V, "~ drug", {"drug": drug})
    with pytest.raises(InputError, match="zero for every study"):
        meta_regression(
            Y, V, "~ drug * dose", {"drug": DRUG, "dose": ["l", "h", "l", "h", "h", "l", "h", "h"]}
        )
    with pytest.raises(InputError, match="levels without trials: d"):
        subgroups(Y, V, drug)


def test_too_few_studies_are_an_error_with_both_counts():
    with pytest.raises(
        InputError, match=r"2 coefficients \(Intercept, x\) need more than 2 studies"
    ):
        meta_regression(Y[:2], V[:2], "~ x", {"x": [1, 2]})


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("yi ~ drug", "no left side"),
        ("~ (drug", "cannot be read"),
        ("~ np.log(", "cannot be read"),
        ("~ unknown", "'unknown' is not defined"),
        ("~ np.log(zero)", "-inf"),
        ("~ V", "'V' is not defined"),
    ],
)
def test_a_formula_that_cannot_be_used_says_why(formula, match):
    with pytest.raises(InputError, match=match):
        meta_regression(Y, V, formula, {"drug": DRUG, "zero": [0.0, *[1.0] * 6, 2.0]})


def test_options_and_lengths_are_checked():
    data = {"drug": DRUG}
    for options, match in (
        ({"method": "DLX"}, "method must be one of"),
        ({"test": "t"}, "test must be one of"),
        ({"level": 95}, "level must lie between"),
        ({"cluster": ["a"] * 8}, "at least two clusters"),
        ({"cluster": [None, *"bcdefgh"]}, "cluster is missing for study 1"),
        ({"cluster": ["a"]}, "one label per study"),
    ):
        with pytest.raises(InputError, match=match):
            meta_regression(Y, V, "~ drug", data, **options)
    with pytest.raises(InputError, match="one row per study: got 7 rows for 8"):
        meta_regression(Y, V, "~ drug", {"drug": DRUG[:7]})
    with pytest.raises(InputError, match="term must be one of"):
        meta_regression(Y, V, "~ drug", data).contrast({"b": 1})
    with pytest.raises(InputError, match="not all 0"):
        meta_regression(Y, V, "~ drug", data).contrast({"drug[T.b]": 0})
    with pytest.raises(InputError, match="numbers, text or true/false"):
        meta_regression(Y, V, "~ day", {"day": pd.date_range("2020", periods=8)})


# Absences -------------------------------------------------------------------------------------


def test_r2_is_absent_where_it_has_no_meaning():
    data = {"drug": DRUG, "x": np.arange(1.0, 9.0)}
    for fit, reason in (
        (meta_regression(Y, V, "~ drug", data, method="EE"), "equal-effects"),
        (meta_regression(Y, V, "~ 0 + x", data), "without intercept"),
        (meta_regression(Y, np.multiply(V, 100), "~ x", data), "0 without any moderator"),
    ):
        assert isinstance(fit.r2, Absent)
        assert reason in fit.r2.reason
    cells = meta_regression(Y, V, "~ 0 + drug", data)
    assert cells.r2 == pytest.approx(meta_regression(Y, V, "~ drug", data).r2)


def test_an_exact_fit_has_no_knapp_hartung_interval():
    y = [0.1, 0.1, 0.4, 0.4, 0.4, 0.1, 0.2, 0.2]
    fit = meta_regression(y, V, "~ drug", {"drug": DRUG})
    assert isinstance(fit.f_pval, Absent)
    assert all(isinstance(coef.ci_lb, Absent) for coef in fit.coefs)
    assert isinstance(fit.predict().loc["study 1", "pi_lb"], Absent)
    assert "fits exactly" in str(fit)
    assert MetaRegression.from_json(fit.to_json()) == fit
    normal = meta_regression(y, V, "~ drug", {"drug": DRUG}, test="z")
    assert normal.qm_pval < 1
    clustered = meta_regression(y, V, "~ drug", {"drug": DRUG}, cluster=range(8))
    assert isinstance(clustered.coefs[0].se, Absent)
    assert isinstance(subgroups(y, V, DRUG).difference("a", "b").pval, Absent)


def test_few_studies_per_moderator_are_noted():
    assert any("Cochrane" in n for n in meta_regression(Y, V, "~ drug", {"drug": DRUG}).notes)
    many = meta_regression(Y * 3, V * 3, "~ drug", {"drug": DRUG * 3})
    assert not any("Cochrane" in n for n in many.notes)


# Subgroups ------------------------------------------------------------------------------------


@pytest.fixture
def bcg(reference):
    return pd.DataFrame(reference("moderators")["bcg"]["data"])


def test_the_published_subgroup_tests_of_the_bcg_trials(bcg):
    """Field-tested values: separate Qb 1.861, common QM 1.767, Knapp-Hartung F(2, 10) 0.966."""
    found = subgroups(bcg["yi"], bcg["vi"], bcg["alloc"])
    assert found.qb == pytest.approx(1.861, abs=5e-4)
    assert found.qb_pval == pytest.approx(0.394, abs=5e-4)
    assert found.qm == pytest.approx(1.767, abs=1e-3)
    assert found.qm_pval == pytest.approx(0.413, abs=5e-4)
    assert (found.f, found.f_df1, found.f_df2) == pytest.approx((0.966, 2, 10), abs=5e-4)
    assert found.f_pval == pytest.approx(0.413, abs=5e-4)
    own = subgroups(bcg["yi"], bcg["vi"], bcg["alloc"], tau="separate")
    assert [g.tau2 for g in own.groups] == pytest.approx([0.133, 0.393, 0.400], abs=5e-4)
    assert (own.f, own.qb) == (found.f, found.qb), "the tests do not depend on what is shown"


def check_level_predictions(found, expected):
    """Metafor shows a prediction interval for two studies as well; here it is absent."""
    for group, lower, upper in zip(found.groups, expected["pi_lb"], expected["pi_ub"], strict=True):
        if group.k >= 3:
            assert (group.pi_lb, group.pi_ub) == pytest.approx((lower, upper), rel=1e-6)
        else:
            assert isinstance(group.pi_lb, Absent)


def test_levels_with_separate_tau2_equal_metafor(reference, bcg):
    for expected in reference("moderators")["subgroups"]["fits"]:
        found = subgroups(bcg["yi"], bcg["vi"], bcg["alloc"], tau="separate", test=expected["test"])
        table = found.to_frame()
        assert table["name"].tolist() == expected["levels"]
        for name in ("k", "estimate", "se", "ci_lb", "ci_ub", "tau2", "i2"):
            np.testing.assert_allclose(
                table[name].astype(float), expected[name], rtol=1e-6, atol=1e-7
            )
        if expected["test"] == "knha":
            check_level_predictions(found, expected)
        assert found.qb == pytest.approx(expected["qb"], rel=1e-6)
        assert found.qb_pval == pytest.approx(expected["qb_p"], rel=1e-6)


def test_levels_and_differences_with_common_tau2_equal_the_regression(reference, bcg):
    for expected in reference("moderators")["subgroups"]["differences"]:
        found = subgroups(bcg["yi"], bcg["vi"], bcg["alloc"], test=expected["test"])
        cells = meta_regression(bcg["yi"], bcg["vi"], "~ 0 + alloc", bcg, test=expected["test"])
        names = ["estimate", "se", "pval", "ci_lb", "ci_ub"]
        np.testing.assert_allclose(
            found.to_frame()[names].astype(float), cells.coefficients[names].astype(float)
        )
        a, b, c = found.levels
        pairs = [found.difference(x, y) for x, y in ((b, a), (c, a), (c, b))]
        for name, key in (("estimate", "estimate"), ("se", "se"), ("pval", "p")):
            np.testing.assert_allclose(
                [getattr(p, name) for p in pairs], expected[key], rtol=1e-6, atol=1e-7
            )


def test_a_separate_difference_uses_welchs_degrees_of_freedom():
    found = subgroups(Y, V, DRUG, tau="separate")
    a, b = found.subgroup("a"), found.subgroup("b")
    gap = found.difference("b", "a")
    assert gap.se == pytest.approx(np.hypot(a.se, b.se))
    assert min(a.k, b.k) - 1 <= gap.df <= a.k + b.k - 2
    assert subgroups(Y, V, DRUG, tau="separate", test="z").difference("a", "b").df == np.inf


def test_a_level_of_one_trial_is_shown_and_never_given_a_tau2():
    groups = list("aaabbbbc")
    own = subgroups(Y, V, groups, tau="separate")
    alone = own.subgroup("c")
    assert alone.estimate == Y[-1]
    assert alone.se == pytest.approx(np.sqrt(V[-1]))
    for value in (alone.tau2, alone.i2, alone.pi_lb, own.difference("a", "c").se, own.qb):
        assert isinstance(value, Absent)
    assert "c" in own.qb.reason
    common = subgroups(Y, V, groups)
    assert is_present(common.f_pval)
    assert is_present(common.difference("a", "c").pval)
    assert isinstance(common.subgroup("c").i2, Absent)
    assert common.levels_with(3) == 2
    assert common.levels_with(1) == 3


def test_levels_of_one_trial_each_leave_everything_absent():
    found = subgroups(Y[:3], V[:3], ["a", "b", "c"])
    for value in (found.f_pval, found.qm, found.tau2, found.r2, found.subgroup("a").estimate):
        assert isinstance(value, Absent)
    assert isinstance(found.difference("a", "b").estimate, Absent)
    assert str(found) == "One trial in each of 3 levels: nothing can be tested."
    assert Subgroups.from_json(found.to_json()) == found


def test_equal_effects_never_yield_the_naive_between_test(bcg):
    found = subgroups(bcg["yi"], bcg["vi"], bcg["alloc"], method="EE")
    for value in (found.qm_pval, found.qb_pval):
        assert isinstance(value, Absent)
        assert "naive" in value.reason
    assert found.f_pval > 0.05, (
        "scaled by the heterogeneity, F does not mistake it for a difference"
    )


def test_levels_are_sorted_or_in_the_order_of_the_categories():
    assert subgroups(Y, V, DRUG[::-1]).levels == ("a", "b", "c")
    ordered = pd.Series(pd.Categorical(DRUG, categories=["c", "a", "b"]))
    assert subgroups(Y, V, ordered).levels == ("c", "a", "b")


def test_bad_groups_are_errors():
    with pytest.raises(InputError, match="at least two levels; got only 'a'"):
        subgroups(Y, V, ["a"] * 8)
    with pytest.raises(InputError, match="groups is missing for study 2"):
        subgroups(Y, V, ["a", None, *"bbbbbb"])
    with pytest.raises(InputError, match="tau must be one of"):
        subgroups(Y, V, DRUG, tau="own")
    with pytest.raises(InputError, match="level must be one of a, b, c"):
        subgroups(Y, V, DRUG).difference("a", "z")


@pytest.mark.parametrize(
    "make",
    [
        lambda: subgroups(Y, V, DRUG),
        lambda: subgroups(Y, V, DRUG, tau="separate"),
        lambda: meta_regression(Y, V, "~ drug", {"drug": DRUG}),
        lambda: meta_regression(
            Y, V, "~ C(drug) + Q('the year')", {"drug": pd.Categorical(DRUG), "the year": range(8)}
        ),
        lambda: meta_regression(Y, V, "~ drug", {"drug": DRUG}, method="EE", test="z"),
    ],
)
def test_results_round_trip_and_show_as_a_table(make):
    found = make()
    again = type(found).from_json(found.to_json())
    assert again == found
    json.dumps(found.to_dict(), allow_nan=False)
    assert str(again) == str(found)
    assert str(found).endswith(".")
    assert found._repr_html_().count("<tr") == len(found.to_frame()) + 1
    with pytest.raises(AttributeError):
        found.k = 3
    with pytest.raises(ValueError, match="read-only"):
        found.yi[0] = 9.0


# Laws -----------------------------------------------------------------------------------------


@st.composite
def studies(draw):
    k = draw(st.integers(6, 14))
    y = draw(st.lists(st.floats(-2, 2).map(lambda x: round(x, 3)), min_size=k, max_size=k))
    v = draw(st.lists(st.floats(0.01, 1.0).map(lambda x: round(x, 4)), min_size=k, max_size=k))
    x = draw(st.lists(st.integers(-5, 5), min_size=k, max_size=k, unique_by=None))
    x[:3] = [-1, 0, 1]
    groups = draw(st.lists(st.sampled_from("abc"), min_size=k, max_size=k))
    groups[:4] = "abca"
    return np.array(y), np.array(v), pd.DataFrame({"x": x, "g": groups})


METHODS = st.sampled_from(["DL", "HE", "PM", "ML", "REML", "SJ", "HS"])


@given(studies(), METHODS, st.floats(0.1, 20.0))
@settings(max_examples=40)
def test_flipping_and_scaling_the_effects_flips_and_scales_the_coefficients(data, method, c):
    y, v, table = data
    one = meta_regression(y, v, "~ x", table, method=method)
    other = meta_regression(-c * y, c**2 * v, "~ x", table, method=method)
    assert other.tau2 == pytest.approx(c**2 * one.tau2, rel=1e-6, abs=1e-9 * c**2)
    for a, b in zip(one.coefs, other.coefs, strict=True):
        assert b.estimate == pytest.approx(-c * a.estimate, rel=1e-6, abs=1e-8 * c)
        assert is_present(a.pval) == is_present(b.pval)
        if is_present(a.pval):
            assert b.pval == pytest.approx(a.pval, rel=1e-5, abs=1e-9)
            assert b.ci_lb == pytest.approx(-c * a.ci_ub, rel=1e-5, abs=1e-7 * c)


@given(studies(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_studies_and_the_reference_level_change_nothing(data, random):
    y, v, table = data
    order = list(range(len(y)))
    random.shuffle(order)
    one = subgroups(y, v, table["g"])
    other = subgroups(y[order], v[order], table["g"].to_numpy()[order])
    third = meta_regression(y, v, "~ C(g, Treatment('c'))", table)
    for found in (other, third):
        assert found.tau2 == pytest.approx(one.tau2, rel=1e-7, abs=1e-9)
        if is_present(one.f):
            assert found.f == pytest.approx(one.f, rel=1e-6, abs=1e-9)
    for a, b in zip(one.groups, other.groups, strict=True):
        assert a.estimate == pytest.approx(b.estimate, rel=1e-7, abs=1e-9)


@given(studies(), METHODS)
@settings(max_examples=40)
def test_moving_a_moderator_leaves_fit_and_slope_alone(data, method):
    y, v, table = data
    one = meta_regression(y, v, "~ x", table, method=method)
    moved = meta_regression(y, v, "~ x", table.assign(x=table["x"] * 10 + 2000), method=method)
    assert moved.tau2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-8)
    assert moved.coefs[1].estimate == pytest.approx(one.coefs[1].estimate / 10, rel=1e-5, abs=1e-8)


@given(studies())
@settings(max_examples=25)
@pytest.mark.filterwarnings("ignore::combined_care.errors.SmallSampleWarning")
def test_cluster_labels_are_only_labels(data):
    y, v, table = data
    k = len(y)
    forward = meta_regression(y, v, "~ 1", table, cluster=range(k)).coefs[0]
    backward = meta_regression(y, v, "~ 1", table, cluster=range(k, 0, -1)).coefs[0]
    assert forward == backward
    assert not is_present(forward.df) or 0.0 < forward.df <= k - 1.0 + 1e-9


@given(studies())
@settings(max_examples=30)
def test_two_levels_give_the_square_of_their_difference_as_f(data):
    y, v, table = data
    found = subgroups(y, v, table["g"].replace("c", "b"))
    gap = found.difference("a", "b")
    if is_present(gap.stat):
        assert gap.stat**2 == pytest.approx(found.f, rel=1e-8)
        assert gap.pval == pytest.approx(found.f_pval, rel=1e-6, abs=1e-12)


@given(studies(), METHODS, st.integers(-4, 4), st.integers(0, 6), st.integers(-3, 5))
@settings(max_examples=40)
@pytest.mark.filterwarnings("ignore::combined_care.errors.SmallSampleWarning")
def test_no_scale_of_the_data_makes_a_nan_or_a_warning(data, method, unit, spread, far):
    """JSON refuses nan, and pytest turns numpy's warnings into errors."""
    y, v, table = data
    y, v = y * 10.0**unit, v ** (1 + spread / 2) * 10.0 ** (2 * unit)
    table = table.assign(x=table["x"] * 10.0**far + 2000)
    for options in ({}, {"cluster": table["g"]}):
        fit = meta_regression(y, v, "~ x", table, method=method, **options)
        assert MetaRegression.from_json(fit.to_json()).to_json() == fit.to_json()
        assert len(fit.predict()) == len(y)
    levels = subgroups(y, v, table["g"], method=method, tau="separate")
    assert levels.to_json()
    assert str(levels)


def test_a_design_names_its_columns():
    made = read_design("~ C(g) : x", {"g": ["a", "b", "a"], "x": [1.0, 2.0, 3.0]}, ["s"] * 3)
    assert made.terms == ("Intercept", "C(g)[a]:x", "C(g)[b]:x")
    assert [m.name for m in made.moderators] == ["g", "x"]
