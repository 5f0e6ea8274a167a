"""The Bayesian check against quadrature in R, closed forms, bayesmeta's page and invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from combined_care.bayes import BayesianSynthesis, bayesian_synthesis
from combined_care.errors import InputError
from combined_care.results import Absent

#: In widths of the credible interval, relative to tau, or as a probability. The roots of the
#: reference are good to 1e-10 of a standard error, its integrals to 1e-12.
TOLERANCE = 1e-9
LOCATIONS = ("estimate", "mean", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub")
TAUS = ("tau", "tau_mean", "tau_ci_lb", "tau_ci_ub")
PROBABILITIES = (
    "prob_benefit",
    "prob_worthwhile",
    "prob_benefit_new",
    "prob_worthwhile_new",
)
TRIALS = ([0.1, 0.3, 0.65], [0.03, 0.03, 0.05])

priors = st.sampled_from(["half-normal", "half-cauchy"])
data_sets = st.integers(1, 8).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-2, 2), min_size=k, max_size=k),
        st.lists(st.floats(0.005, 2), min_size=k, max_size=k),
    )
)


def fit_case(case):
    return bayesian_synthesis(
        np.atleast_1d(case["yi"]),
        np.atleast_1d(case["vi"]),
        **{name: case[name] for name in ("prior", "scale", "level", "threshold")},
    )


def assert_close(fit, expected, tolerance=TOLERANCE):
    width = fit.ci_ub - fit.ci_lb
    for name, value in expected.items():
        unit = width if name in LOCATIONS else abs(value) if name in TAUS else 1.0
        assert getattr(fit, name) == pytest.approx(value, rel=0, abs=tolerance * unit), name


def values(fit, names=LOCATIONS + TAUS + PROBABILITIES):
    found = {name: getattr(fit, name) for name in names}
    return {name: value for name, value in found.items() if not isinstance(value, Absent)}


def test_every_stored_posterior_is_reproduced(reference):
    cases = reference("bayes")["cases"]
    assert len(cases) >= 70
    for case in cases:
        fit = fit_case(case)
        assert values(fit).keys() == case["expected"].keys(), case["name"]
        assert_close(fit, case["expected"])


def test_probabilities_agree_with_a_double_integral_over_mu_and_tau(reference):
    for case in reference("bayes")["without_algebra"]:
        assert_close(fit_case(case), case["expected"], tolerance=1e-10)


def test_bayesmeta_prints_the_same_for_the_eight_schools_under_a_flat_prior(reference):
    page = reference("bayes")["bayesmeta"]
    # So wide a half-normal prior is flat wherever the likelihood of tau is not zero.
    fit = bayesian_synthesis(page["yi"], np.square(page["sei"]), scale=1e5)
    assert fit.tau == pytest.approx(page["tau"]["median"], abs=5e-7)
    assert fit.tau_mean == pytest.approx(page["tau"]["mean"], abs=5e-7)
    # Its values of mu rest on a grid with a stated divergence of up to 0.01.
    assert fit.estimate == pytest.approx(page["mu"]["median"], rel=1e-3)
    assert fit.mean == pytest.approx(page["mu"]["mean"], rel=1e-3)
    assert fit.se == pytest.approx(page["mu"]["sd"], rel=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 0.5, 1e6])
@pytest.mark.parametrize(
    ("prior", "distribution"), [("half-normal", stats.halfnorm), ("half-cauchy", stats.halfcauchy)]
)
def test_one_trial_leaves_tau_at_its_prior(prior, distribution, scale):
    fit = bayesian_synthesis([0.3], [0.05], prior=prior, scale=scale)
    known = distribution(scale=scale)
    assert fit.tau == pytest.approx(known.median(), rel=1e-10)
    assert fit.tau_ci_lb == pytest.approx(known.ppf(0.025), rel=1e-10)
    assert fit.tau_ci_ub == pytest.approx(known.ppf(0.975), rel=1e-9)
    assert abs(fit.estimate - 0.3) <= 1e-10 * (fit.ci_ub - fit.ci_lb)
    assert "prior alone" in fit.notes[0]
    assert "prior alone" in str(fit)


def test_one_trial_has_the_variance_of_trial_and_prior_together():
    fit = bayesian_synthesis([0.3], [0.05], scale=0.5)
    assert fit.se == pytest.approx(math.sqrt(0.05 + 0.25), rel=1e-10)


def test_a_vanishing_prior_gives_the_common_effect_model():
    y, v = map(np.array, TRIALS)
    fit = bayesian_synthesis(y, v, scale=1e-9)
    known = stats.norm((y / v).sum() / (1 / v).sum(), (1 / v).sum() ** -0.5)
    assert fit.estimate == pytest.approx(known.mean(), rel=1e-10)
    assert (fit.ci_lb, fit.ci_ub) == pytest.approx(known.interval(0.95), rel=1e-10)
    assert fit.prob_worthwhile == pytest.approx(known.sf(0.24), rel=1e-10)
    assert (fit.pi_lb, fit.pi_ub) == pytest.approx((fit.ci_lb, fit.ci_ub), rel=1e-8)


def test_heavy_tails_leave_no_mean_with_one_trial_and_no_deviation_with_two():
    one = bayesian_synthesis([0.3], [0.05], prior="half-cauchy")
    two = bayesian_synthesis([0.3, 0.5], [0.05, 0.02], prior="half-cauchy")
    three = bayesian_synthesis(*TRIALS, prior="half-cauchy")
    assert [type(x) for x in (one.mean, one.tau_mean, one.se)] == [Absent] * 3
    assert isinstance(two.mean, float)
    assert isinstance(two.tau_mean, float)
    assert isinstance(two.se, Absent)
    assert isinstance(three.se, float)
    assert "three trials" in str(two.se)


@pytest.mark.parametrize("prior", ["half-normal", "half-cauchy"])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_extreme_data_give_finite_results(prior, shift):
    rng = np.random.default_rng(5)
    for k, ratio, tau in ((2, 1e8, 0.0), (3, 1.0, 1e4), (200, 1e4, 1e-6), (200, 1.0, 100.0)):
        v = 0.01 * np.exp(rng.uniform(0, np.log(ratio), k))
        y = shift + rng.normal(0.3, np.sqrt(v + tau**2))
        fit = bayesian_synthesis(y, v, prior=prior)
        found = values(fit)
        assert all(np.isfinite(value) for value in found.values())
        assert fit.pi_lb <= fit.ci_lb < fit.estimate < fit.ci_ub <= fit.pi_ub
        assert 0 < fit.tau_ci_lb < fit.tau < fit.tau_ci_ub


def test_a_far_off_common_value_costs_no_digits():
    y, v = TRIALS
    here, far = bayesian_synthesis(y, v), bayesian_synthesis(np.add(y, 1e6), v)
    assert far.tau == pytest.approx(here.tau, rel=1e-8)
    assert far.ci_ub - far.ci_lb == pytest.approx(here.ci_ub - here.ci_lb, rel=1e-8)


@given(data=data_sets, prior=priors)
def test_a_change_of_sign_mirrors_everything(data, prior):
    y, v = data
    fit = bayesian_synthesis(y, v, prior=prior, threshold=0.0)
    mirror = bayesian_synthesis(np.negative(y), v, prior=prior, threshold=0.0)
    width = fit.ci_ub - fit.ci_lb
    for one, other in (("estimate", "estimate"), ("ci_lb", "ci_ub"), ("pi_ub", "pi_lb")):
        assert abs(getattr(fit, one) + getattr(mirror, other)) <= 1e-9 * width
    assert_close(mirror, values(fit, TAUS))
    assert mirror.prob_benefit == pytest.approx(1 - fit.prob_benefit, abs=1e-10)
    assert mirror.prob_benefit_new == pytest.approx(1 - fit.prob_benefit_new, abs=1e-10)


@given(data=data_sets, prior=priors, unit=st.sampled_from([1e-5, 0.1, 37.0, 1e6]))
def test_a_change_of_unit_changes_only_the_unit(data, prior, unit):
    y, v = map(np.array, data)
    fit = bayesian_synthesis(y, v, prior=prior, scale=0.5, threshold=0.24)
    other = bayesian_synthesis(
        unit * y, unit**2 * v, prior=prior, scale=0.5 * unit, threshold=0.24 * unit
    )
    expected = {name: unit * x for name, x in values(fit, LOCATIONS + TAUS).items()}
    assert_close(other, expected | values(fit, PROBABILITIES))


@given(data=data_sets, prior=priors, seed=st.integers(0, 10))
def test_the_order_of_trials_does_not_matter(data, prior, seed):
    y, v = map(np.array, data)
    order = np.random.default_rng(seed).permutation(y.size)
    fit = bayesian_synthesis(y, v, prior=prior)
    assert_close(bayesian_synthesis(y[order], v[order], prior=prior), values(fit))


@given(data=data_sets)
def test_a_trial_without_information_changes_nothing(data):
    y, v = data
    fit = bayesian_synthesis(y, v)
    with_noise = bayesian_synthesis([*y, 1.0], [*v, 1e14])
    assert_close(with_noise, values(fit), tolerance=1e-6)


@given(data=data_sets, prior=priors)
def test_intervals_nest_and_probabilities_fall_with_the_threshold(data, prior):
    narrow = bayesian_synthesis(*data, prior=prior, level=0.8, threshold=0.5)
    wide = bayesian_synthesis(*data, prior=prior, level=0.95, threshold=0.1)
    assert wide.ci_lb < narrow.ci_lb <= narrow.estimate <= narrow.ci_ub < wide.ci_ub
    assert wide.pi_lb <= wide.ci_lb
    assert wide.ci_ub <= wide.pi_ub
    assert narrow.prob_worthwhile <= wide.prob_worthwhile <= wide.prob_benefit <= 1


def test_a_wider_prior_gives_a_wider_interval():
    widths = []
    for scale in (0.01, 0.1, 0.5, 2.0, 10.0):
        fit = bayesian_synthesis(*TRIALS, scale=scale)
        widths.append(fit.ci_ub - fit.ci_lb)
    assert widths == sorted(widths)


def test_all_options_that_make_no_sense_are_named_at_once():
    with pytest.raises(InputError) as caught:
        bayesian_synthesis(*TRIALS, prior="uniform", scale=0, level=95, threshold=math.inf)
    message = str(caught.value)
    for part in (
        "prior must be one of half-normal, half-cauchy; got 'uniform'",
        "scale must be above 0 and finite; got 0",
        "got 95",
        "threshold must be finite; got inf",
    ):
        assert part in message


def test_every_study_that_cannot_be_used_is_named():
    with pytest.raises(InputError) as caught:
        bayesian_synthesis([0.1, math.nan, 0.3], [0.1, 0.1, -0.2], slab=["Ash", "Elm", "Oak"])
    message = str(caught.value)
    assert "Elm" in message
    assert "Oak" in message
    assert "Ash" not in message


@pytest.mark.parametrize(
    ("yi", "vi", "said"),
    [
        ([], [], "yi is empty"),
        ([0.1], [0.1, 0.2], "equally long"),
        ([[0.1]], [[0.2]], "one-dimensional"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(yi, vi, said):
    with pytest.raises(InputError, match=said):
        bayesian_synthesis(yi, vi)


def test_the_sentence_states_prior_interval_and_probabilities():
    text = str(bayesian_synthesis(*TRIALS))
    for part in (
        "half-normal prior (scale 0.5)",
        "3 trials",
        "0.32 (95 % credible interval −0.14 to 0.82)",
        "above 0 with probability 94.1 % and above 0.24 with 68.3 %",
    ):
        assert part in text


def test_the_sentence_never_claims_certainty():
    text = str(bayesian_synthesis([5.0, 5.0], [1e-4, 1e-4], scale=0.001))
    assert "more than 99.9 %" in text
    assert "100" not in text
    assert "less than 0.1 %" in str(bayesian_synthesis([-5.0, -5.0], [1e-4, 1e-4], scale=0.001))


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("prior", ["half-normal", "half-cauchy"])
def test_the_result_survives_json_frame_and_html(prior, k):
    fit = bayesian_synthesis(TRIALS[0][:k], TRIALS[1][:k], prior=prior)
    assert BayesianSynthesis.from_json(fit.to_json()) == fit
    frame = fit.to_frame()
    assert frame.loc[0, "estimate"] == fit.estimate
    assert frame.loc[0, "mean"] == fit.mean
    assert "<caption>Bayesian" in fit._repr_html_()
