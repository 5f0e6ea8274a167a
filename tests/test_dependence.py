"""Dependent effects: covariances, aggregation and robust pooling, against R and by their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.dependence import (
    Aggregated,
    RobustSynthesis,
    aggregate,
    covariance_matrix,
    robust_synthesize,
)
from combined_care.effects import effect_size
from combined_care.errors import InputError, SmallSampleWarning
from combined_care.moderators import meta_regression
from combined_care.results import Absent
from combined_care.synthesis import synthesize

Y = [0.2, 0.4, 0.5, 0.1, 0.3, 0.6, 0.4, 0.2]
V = [0.1, 0.1, 0.2, 0.1, 0.05, 0.1, 0.1, 0.1]
TRIAL = list("aabbcdef")
#: Combined treatment in both effects of one trial, 30 a group.
SHARED = {
    "cluster": ["t", "t"], "measure": "SMD", "yi": [0.5, 0.3], "arm_e": ["both", "both"],
    "arm_c": ["drug", "therapy"], "n_e": [30, 30], "n_c": [30, 30],
}  # fmt: skip
SHARED_V = [2 / 30 + 0.25 / 120, 2 / 30 + 0.09 / 120]


def generalised_least_squares(y, V, trt):
    X = (np.array(trt)[:, None] == np.unique(trt)).astype(float)
    W = np.linalg.inv(V)
    vcov = np.linalg.inv(X.T @ W @ X)
    beta = vcov @ X.T @ W @ y
    return beta, vcov, (y - X @ beta) @ W @ (y - X @ beta)


# Covariances ----------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(3))
def test_shared_controls_of_binary_trials_equal_gleser_and_olkin(reference, index):
    stored = reference("dependence")["gleser_binary"]
    cells, expected = stored["cells"], stored["fits"][index]
    found = covariance_matrix(
        expected["vi"],
        cells["study"],
        measure=expected["measure"],
        # Their table has treatment and control the other way round: e is the shared arm.
        arm_e=["control"] * 6,
        arm_c=[f"treatment {t}" for t in cells["trt"]],
        **{name: cells[name] for name in ("n_e", "n_c", "events_e", "events_c")},
    )
    np.testing.assert_allclose(found, expected["V"], rtol=1e-10, atol=1e-15)
    beta, vcov, q = generalised_least_squares(np.array(expected["yi"]), found, cells["trt"])
    np.testing.assert_allclose(beta, expected["beta"], rtol=1e-10)
    np.testing.assert_allclose(vcov, expected["vcov"], rtol=1e-10)
    assert q == pytest.approx(expected["q"], rel=1e-9)


def test_the_published_numbers_of_gleser_and_olkin(reference):
    """The Handbook, 2nd ed.: risk differences p. 361, log odds ratios p. 363, SMD p. 367."""
    stored = reference("dependence")
    rd, odds, _ = stored["gleser_binary"]["fits"]
    assert rd["beta"] == pytest.approx([0.0200, 0.0043, 0.0211], abs=6e-5)
    assert rd["q"] == pytest.approx(7.1907, abs=6e-5)
    assert odds["beta"] == pytest.approx([0.5099, 0.0044, 0.4301], abs=6e-5)
    assert stored["gleser_smd"]["beta"] == pytest.approx([2.3743, 1.5702], abs=6e-5)


def test_shared_controls_of_smd_trials_equal_gleser_and_olkin(reference):
    stored = reference("dependence")["gleser_smd"]
    data = stored["data"]
    found = covariance_matrix(
        data["vi"], data["study"], measure="SMD", yi=data["yi"],
        arm_e=[f"treatment {t}" for t in data["trt"]], arm_c=["control"] * 6,
        n_e=data["n_e"], n_c=data["n_c"],
    )  # fmt: skip
    np.testing.assert_allclose(found, stored["V"], rtol=1e-10)
    beta, vcov, q = generalised_least_squares(np.array(data["yi"]), found, data["trt"])
    np.testing.assert_allclose(beta, stored["beta"], rtol=1e-10)
    np.testing.assert_allclose(vcov, stored["vcov"], rtol=1e-10)
    assert q == pytest.approx(stored["q"], rel=1e-9)


def test_two_endpoints_of_the_same_arms_equal_gleser_and_olkin(reference):
    stored = reference("dependence")["gleser_endpoints"]
    data = stored["data"]
    found = covariance_matrix(
        data["vi"], ["s", "s"], rho=stored["rho"], measure="SMD", yi=data["yi"],
        arm_e=["e", "e"], arm_c=["c", "c"], n_e=data["n_e"], n_c=data["n_c"],
        outcome=["math", "reading"],
    )  # fmt: skip
    assert found[0, 1] == pytest.approx(stored["covariance"], rel=1e-12)


def test_correlations_from_arm_sizes_equal_vcalc(reference):
    stored = reference("dependence")["knapp"]
    data = stored["data"]
    rows = [i for i, s in enumerate(data["study"]) if s in {2, 3, 24, 29}]
    pick = {name: [values[i] for i in rows] for name, values in data.items()}
    found = covariance_matrix(
        pick["vi"], pick["study"], arm_e=pick["group1"], arm_c=pick["group2"],
        n_e=pick["n1"], n_c=pick["n2"],
    )  # fmt: skip
    np.testing.assert_allclose(found, np.array(stored["V"])[np.ix_(rows, rows)], rtol=1e-10)
    assert np.count_nonzero(found) > len(rows)


def test_a_shared_combined_arm_gives_the_documented_covariance(reference):
    stored = reference("dependence")["shared_experimental"]
    exact = covariance_matrix(SHARED_V, **SHARED)
    assert exact[0, 1] == pytest.approx(1 / 30 + 0.15 / 180, rel=1e-14)
    by_size = covariance_matrix(SHARED_V, **{**SHARED, "measure": None, "yi": None})
    assert by_size[0, 1] == pytest.approx(stored["vcalc"], rel=1e-10)
    correlated, independent = exact.sum() / 4, np.trace(exact) / 4
    assert np.sqrt(independent / correlated) - 1 == pytest.approx(-0.183, abs=2e-3)


def test_an_arm_on_opposite_sides_makes_a_negative_covariance():
    found = covariance_matrix(
        SHARED_V,
        **{**SHARED, "yi": [0.0, 0.0], "arm_e": ["both", "drug"], "arm_c": ["drug", "placebo"]},
    )
    assert found[0, 1] == pytest.approx(-1 / 30)


def test_the_shared_arm_of_odds_ratios_has_the_variance_of_its_log_odds():
    common = {"events_e": [12, 12], "n_e": [30, 30], "events_c": [6, 9], "n_c": [28, 31]}
    vi = [effect_size("OR", *[common[n][i] for n in ("events_e", "n_e", "events_c", "n_c")])[1]
          for i in (0, 1)]  # fmt: skip
    arms = {"arm_e": ["x", "x"], "arm_c": ["y", "z"]}
    found = covariance_matrix(vi, ["t", "t"], measure="OR", **arms, **common)
    assert found[0, 1] == pytest.approx(1 / 12 + 1 / 18)
    empty = covariance_matrix(
        [4.0, 4.0], ["t", "t"], measure="OR", **arms,
        **{**common, "events_e": [0, 0], "n_e": [40, 40]},
    )  # fmt: skip
    assert empty[0, 1] == pytest.approx(1 / 0.5 + 1 / 40.5)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"measure": "HR"}, "measure must be one of SMD, OR, RR, RD"),
        ({"arm_c": ["both", "drug"]}, "effect 1 compares an arm with itself"),
        ({"arm_c": ["drug", "drug"]}, "effect 2 repeats effect 1 of t: name their outcomes"),
        ({"n_e": [30, 0]}, "n_e of effect 2 is 0"),
        ({"n_c": [30, np.nan]}, "n_c of effect 2 is nan"),
        ({"n_c": None}, "n_c is needed"),
        ({"n_c": [30]}, "one number per effect"),
        ({"yi": None}, "yi is needed"),
        ({"yi": [0.1, np.inf]}, "yi of effect 2 is inf"),
        ({"measure": "OR"}, "events_e is needed"),
        (
            {"measure": "OR", "events_e": [31, 2], "events_c": [3, -1]},
            "events_e of effect 1 is 31.*events_c of effect 2 is -1",
        ),
        ({"rho": 1.0}, "rho must be at least 0 and below 1"),
        ({"rho": -0.1}, "rho must be"),
        ({"arm_c": None}, "arm_c must hold one label per study"),
        ({"cluster": ["t", None]}, "cluster is missing for effect 2"),
    ],
)
def test_arms_that_do_not_fit_are_errors(changes, match):
    with pytest.raises(InputError, match=match):
        covariance_matrix(SHARED_V, **{**SHARED, **changes})


def test_variances_that_contradict_their_arms_are_an_error_that_names_the_trial():
    with pytest.raises(InputError, match="covariances of t are not positive definite"):
        covariance_matrix([0.02, 0.02], **SHARED)


def test_arguments_that_say_nothing_without_arms_are_refused():
    with pytest.raises(InputError, match="outcome say something only together"):
        covariance_matrix(V, TRIAL, outcome=TRIAL)


# Aggregation ----------------------------------------------------------------------------------


def test_aggregation_equals_metafor(reference):
    stored = reference("dependence")["assink"]
    data = stored["data"]
    for expected in stored["aggregate"]:
        found = aggregate(data["yi"], data["vi"], data["study"], rho=expected["rho"])
        assert found.cluster == tuple(str(s) for s in expected["study"])
        np.testing.assert_allclose(found.yi, expected["yi"], rtol=1e-10)
        np.testing.assert_allclose(found.vi, expected["vi"], rtol=1e-10)


def test_a_given_matrix_and_its_correlation_agree():
    by_rho = aggregate(Y, V, TRIAL, rho=0.3)
    by_matrix = aggregate(Y, V, TRIAL, V=covariance_matrix(V, TRIAL, rho=0.3))
    np.testing.assert_array_equal(by_rho.yi, by_matrix.yi)
    np.testing.assert_array_equal(by_rho.vi, by_matrix.vi)
    assert isinstance(by_matrix.rho, Absent)
    assert "covariances given" in str(by_matrix)


def test_both_comparisons_of_a_shared_arm_become_one_effect():
    matrix = covariance_matrix(SHARED_V, **SHARED)
    found = aggregate([0.5, 0.3], SHARED_V, ["t", "t"], V=matrix)
    assert found.vi[0] == pytest.approx(1 / np.linalg.inv(matrix).sum())
    assert found.effects == (2,)


def test_a_matrix_that_does_not_fit_is_an_error():
    good = covariance_matrix(V, TRIAL)
    outside = good.copy()
    outside[0, 7] = outside[7, 0] = 0.01
    skew = good.copy()
    skew[0, 1] = 0.0
    singular = good.copy()
    singular[0, 1] = singular[1, 0] = 0.1
    for matrix, match in (
        (good[:3, :3], r"shape \(8, 8\)"),
        (2 * good, "diagonal of V must be vi"),
        (outside, "0 between trials"),
        (skew, "symmetric"),
        (singular, "covariances of a are not positive definite"),
        ("no", "V must hold numbers"),
    ):
        with pytest.raises(InputError, match=match):
            aggregate(Y, V, TRIAL, V=matrix)


def test_negative_weights_are_noted():
    assert (
        aggregate([0.1, 0.2], [0.01, 0.5], ["t", "t"], rho=0.6)
        .notes[0]
        .startswith("a negative weight in t")
    )
    assert aggregate([0.1, 0.2], [0.1, 0.11], ["t", "t"], rho=0.6).notes == ()


# Robust pooling -------------------------------------------------------------------------------


def test_the_multivariate_working_model_equals_rma_mv_with_clubsandwich(reference):
    stored = reference("dependence")["assink"]
    data = stored["data"]
    for expected in stored["multivariate"]:
        found = robust_synthesize(
            data["yi"], data["vi"], data["study"], rho=expected["rho"], method=expected["method"]
        )
        cr2 = expected["cr2"]
        values = (found.tau2, found.estimate, found.se, found.df, found.pval)
        theirs = (expected["tau2"], expected["estimate"], cr2["se"], cr2["df"], cr2["p"])
        np.testing.assert_allclose(values, theirs, rtol=1e-6)
        assert (found.k, found.n_effects) == (17, 100)


def test_the_hedges_working_model_equals_robumeta(reference):
    stored = reference("dependence")
    data = stored["assink"]["data"]
    cases = [(data["yi"], data["vi"], data["study"], fit) for fit in stored["assink"]["robumeta"]]
    bcg = stored["bcg"]
    cases.append((bcg["yi"], bcg["vi"], range(13), bcg["robumeta"]))
    for y, v, cluster, expected in cases:
        found = robust_synthesize(y, v, cluster, rho=expected["rho"], working="hedges")
        for ours, theirs in (
            ("tau2", "tau2"), ("estimate", "estimate"), ("se", "se"), ("df", "df"),
            ("pval", "p"), ("ci_lb", "ci_lb"), ("ci_ub", "ci_ub"),
        ):  # fmt: skip
            assert getattr(found, ours) == pytest.approx(expected[theirs], rel=1e-9), ours
        assert isinstance(found.tau2_ci_lb, Absent)
        assert found.method == "moments"


def test_one_effect_a_trial_equals_rma_with_robust(reference):
    """Pinned by metafor's own tests: 11.04125 df, exp(PI) 0.1343 to 1.7837."""
    expected = reference("dependence")["bcg"]
    found = robust_synthesize(expected["yi"], expected["vi"], range(13))
    for ours, theirs in (
        ("tau2", "tau2"), ("estimate", "estimate"), ("se", "se"), ("df", "df"), ("pval", "p"),
        ("ci_lb", "ci_lb"), ("ci_ub", "ci_ub"), ("pi_lb", "pi_lb"), ("pi_ub", "pi_ub"),
    ):  # fmt: skip
        assert getattr(found, ours) == pytest.approx(expected[theirs], rel=1e-6), ours
    assert found.df == pytest.approx(11.04125, abs=5e-6)
    assert np.exp([found.pi_lb, found.pi_ub]) == pytest.approx([0.1343, 1.7837], abs=6e-5)
    regression = meta_regression(
        expected["yi"], expected["vi"], "~ 1", {"id": range(13)}, cluster=range(13)
    )
    assert regression.coefs[0].se == pytest.approx(found.se, rel=1e-8)


def test_tau2_is_that_of_the_aggregated_trials():
    single = aggregate(Y, np.divide(V, 10), TRIAL)
    pooled = synthesize(single.yi, single.vi)
    found = robust_synthesize(Y, np.divide(V, 10), TRIAL)
    assert (found.tau2, found.tau2_ci_ub) == (pooled.tau2, pooled.tau2_ci_ub)
    assert found.estimate == pytest.approx(pooled.estimate, rel=1e-10)


def test_few_degrees_of_freedom_warn_and_stay_in_the_result():
    with pytest.warns(SmallSampleWarning, match=r"fewer than 4 .*pooled effect \(1\.0\)"):
        found = robust_synthesize(Y[:4], V[:4], TRIAL[:4])
    assert len(found.notes) == 1
    assert "too few to rely on" in str(found)


def test_effects_that_agree_exactly_have_no_robust_interval():
    found = robust_synthesize([0.3] * 8, V, TRIAL)
    assert found.estimate == pytest.approx(0.3)
    for value in (found.se, found.ci_lb, found.pi_lb, found.pval):
        assert isinstance(value, Absent)
    assert "agree exactly" in str(found)
    assert RobustSynthesis.from_json(found.to_json()) == found


def test_equal_effects_have_no_prediction_interval():
    found = robust_synthesize(Y, V, TRIAL, method="EE")
    assert found.tau2 == 0.0
    assert isinstance(found.pi_lb, Absent)
    assert isinstance(found.tau2_ci_lb, Absent)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"cluster": ["a"] * 8}, "at least two clusters"),
        ({"cluster": TRIAL[:3]}, "one label per study"),
        ({"rho": 1.2}, "rho must be"),
        ({"working": "other"}, "working must be one of multivariate, hedges"),
        ({"method": "EB"}, "method must be"),
        ({"vi": [0.1] * 7 + [-1]}, "vi of study 8"),
    ],
)
def test_robust_options_are_checked(changes, match):
    with pytest.raises(InputError, match=match):
        robust_synthesize(**{"yi": Y, "vi": V, "cluster": TRIAL, **changes})


@pytest.mark.parametrize(
    "make",
    [
        lambda: aggregate(Y, V, TRIAL),
        lambda: robust_synthesize(Y, V, TRIAL),
        lambda: robust_synthesize(Y, V, TRIAL, working="hedges"),
    ],
)
def test_results_round_trip_and_cannot_be_changed(make):
    found = make()
    assert type(found).from_json(found.to_json()) == found
    assert found._repr_html_().startswith("<p>")
    assert isinstance(found, Aggregated | RobustSynthesis)
    with pytest.raises(ValueError, match="read-only"):
        found.yi[0] = 1.0


# Laws -----------------------------------------------------------------------------------------


@st.composite
def dependent(draw):
    trials = draw(st.integers(4, 8))
    sizes = draw(st.lists(st.integers(1, 4), min_size=trials, max_size=trials))
    labels = np.repeat(np.arange(trials), sizes)
    k = labels.size
    y = draw(st.lists(st.integers(-2000, 2000), min_size=k, max_size=k))
    v = draw(st.lists(st.integers(200, 3000), min_size=k, max_size=k))
    return np.array(y) / 1000, np.array(v) / 10_000, labels


quiet = pytest.mark.filterwarnings("ignore::combined_care.errors.SmallSampleWarning")


@quiet
@given(dependent(), st.sampled_from(["multivariate", "hedges"]), st.floats(0.1, 10))
@settings(max_examples=40)
def test_flipping_and_scaling_flips_and_scales(data, working, c):
    y, v, labels = data
    one = robust_synthesize(y, v, labels, working=working)
    other = robust_synthesize(-c * y, c**2 * v, labels, working=working)
    assert other.estimate == pytest.approx(-c * one.estimate, rel=1e-6, abs=1e-8 * c)
    assert isinstance(one.se, Absent) == isinstance(other.se, Absent)
    if not isinstance(one.se, Absent):
        assert other.se == pytest.approx(c * one.se, rel=1e-6)
        assert other.df == pytest.approx(one.df, rel=1e-6)


@quiet
@given(dependent(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_effects_changes_nothing(data, random):
    y, v, labels = data
    order = list(range(len(y)))
    random.shuffle(order)
    one = robust_synthesize(y, v, labels)
    other = robust_synthesize(y[order], v[order], labels[order])
    assert other.estimate == pytest.approx(one.estimate, rel=1e-8, abs=1e-10)
    if not isinstance(one.se, Absent):
        assert other.se == pytest.approx(one.se, rel=1e-7)


@given(dependent(), st.floats(0, 0.95))
@settings(max_examples=40)
def test_aggregated_precision_is_at_least_that_of_the_best_effect(data, rho):
    y, v, labels = data
    found = aggregate(y, v, labels, rho=rho)
    best = [v[labels == int(name)].min() for name in found.cluster]
    assert (found.vi <= np.array(best) * (1 + 1e-9)).all()
    assert sum(found.effects) == len(y)


@given(dependent())
@settings(max_examples=20)
def test_with_no_correlation_aggregation_is_the_weighted_mean(data):
    y, v, labels = data
    found = aggregate(y, v, labels, rho=0)
    for name, mean, var in zip(found.cluster, found.yi, found.vi, strict=True):
        inside = labels == int(name)
        assert mean == pytest.approx(np.average(y[inside], weights=1 / v[inside]), abs=1e-12)
        assert var == pytest.approx(1 / (1 / v[inside]).sum())
