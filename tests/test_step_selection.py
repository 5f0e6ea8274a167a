"""The three-parameter selection model, against metafor's selmodel(type = "stepfun")."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from combined_care.errors import InputError
from combined_care.results import is_present
from combined_care.step_selection import SelectionModel, _Problem, selection_model
from combined_care.synthesis import synthesize

MIXED = ([0.1, 0.5, 0.45, 0.6, 0.25, 0.9, 0.05], [0.02, 0.05, 0.04, 0.06, 0.01, 0.12, 0.03])

TRIALS = st.lists(st.tuples(st.floats(-1, 2), st.floats(0.01, 0.5)), min_size=4, max_size=10).map(
    lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows]))
)


@pytest.fixture(scope="module")
def fits(reference):
    """Name of the set, our fit and metafor's values, for every set that metafor could fit."""
    return [
        (case["name"], selection_model(case["yi"], case["vi"], direction=item["direction"]), item)
        for case in reference("small_study")["cases"]
        for item in case["selections"]
    ]


def test_estimates_agree_with_metafor_where_both_found_the_same_maximum(fits):
    compared = 0
    for name, found, expected in fits:
        # Never a lower maximum than metafor's; where its optimiser stopped short, ours is higher.
        assert found.log_likelihood >= expected["log_likelihood"] - 1e-9, name
        if found.log_likelihood > expected["log_likelihood"] + 1e-8:
            continue
        for quantity in ("estimate", "tau2", "weight", "lr_statistic"):
            want = pytest.approx(expected[quantity], rel=1e-3, abs=1e-4)
            assert getattr(found, quantity) == want, (name, quantity)
        compared += 1
    assert compared >= 25


def test_standard_errors_and_p_values_agree_with_metafor(fits):
    compared = 0
    for name, found, expected in fits:
        same = found.log_likelihood <= expected["log_likelihood"] + 1e-8
        # Its numerical second derivative is poor for a parameter next to 0.
        if not same or abs(expected["estimate"]) < 1e-3:
            continue
        for quantity in ("se", "ci_lb", "ci_ub", "weight_se", "pval", "lr_pval"):
            want = pytest.approx(expected[quantity], rel=1e-3)
            assert getattr(found, quantity) == want, (name, quantity)
        if found.tau2 > 0:
            assert found.tau2_se == pytest.approx(expected["tau2_se"], rel=1e-3)
        compared += 1
    assert compared >= 25


def test_log_likelihoods_agree_with_metafor_on_every_set(fits):
    for name, found, expected in fits:
        assert found.log_likelihood == pytest.approx(expected["log_likelihood"], abs=5e-4), name
        plain = found.log_likelihood - found.lr_statistic / 2
        assert plain == pytest.approx(expected["plain_log_likelihood"], abs=1e-6), name


def test_the_density_of_a_trial_that_was_seen_integrates_to_one():
    problem = _Problem.of(np.array([0.3, 0.1]), np.array([0.04, 0.09]), 0.025)

    def density(y):
        one = problem._replace(
            y=np.array([y]),
            v=problem.v[:1],
            edge=problem.edge[:1],
            significant=np.array([y >= problem.edge[0]]),
        )
        return np.exp(one.log_likelihood(np.array([0.4, 0.2, -1.3]))[0])

    parts = [(-20.0, problem.edge[0]), (problem.edge[0], 20.0)]
    total = sum(integrate.quad(density, *ends, limit=200)[0] for ends in parts)
    assert total == pytest.approx(1.0, abs=1e-8)


@given(st.floats(-2, 2), st.floats(0.01, 4), st.floats(-3, 3))
def test_the_gradient_is_that_of_the_likelihood(mean, tau2, log_weight):
    problem = _Problem.of(np.array(MIXED[0]), np.array(MIXED[1]), 0.025)
    theta = np.array([mean, tau2, log_weight])
    gradient = problem.log_likelihood(theta)[1]
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-6 * max(1.0, abs(theta[i]) if i != 1 else tau2)
        step[1] = min(step[1], 1e-4 * tau2)
        rise = problem.log_likelihood(theta + step)[0] - problem.log_likelihood(theta - step)[0]
        assert rise / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-4, abs=1e-3)


def test_selection_is_found_where_it_was_put_in():
    rng = np.random.default_rng(3)
    vi = 2 / rng.integers(15, 120, 4000)
    yi = rng.normal(0.3, np.sqrt(vi + 0.04))
    seen = (yi / np.sqrt(vi) > stats.norm.isf(0.025)) | (rng.random(yi.size) < 0.2)
    found = selection_model(yi[seen], vi[seen])
    assert found.estimate == pytest.approx(0.3, abs=3 * found.se)
    assert found.tau2 == pytest.approx(0.04, abs=3 * found.tau2_se)
    assert found.weight == pytest.approx(0.2, abs=3 * found.weight_se)
    assert found.unselected > 0.38
    assert found.lr_pval < 1e-10


@pytest.mark.parametrize(
    ("yi", "vi", "reason"),
    [
        ([0.1, 0.5], [0.02, 0.02], "at least 3 trials, there are 2"),
        ([0.1, 0.0, 0.05], [0.1, 0.1, 0.1], "all 3 trials have a one-sided p value above 0.025"),
        ([2.0, 3.0, 2.5], [0.1, 0.1, 0.1], "one-sided p value at or below 0.025"),
    ],
)
def test_a_model_that_cannot_be_fitted_is_absent_with_its_reason(yi, vi, reason):
    found = selection_model(yi, vi)
    for name in ("estimate", "se", "tau2", "weight", "lr_pval", "log_likelihood"):
        assert reason in getattr(found, name).reason
    assert reason in str(found)
    assert found.unselected == pytest.approx(synthesize(yi, vi, "ML").estimate)
    assert SelectionModel.from_json(found.to_json()) == found


def test_a_likelihood_without_a_maximum_is_absent_not_a_number_at_a_bound():
    found = selection_model([-0.906, 0.831, -1.544], [0.0202, 0.1111, 0.0556])
    assert found.k_significant == 1
    assert "no maximum at a finite weight" in found.estimate.reason
    assert "no maximum" in found.weight.reason


def test_options_outside_their_range_are_refused():
    with pytest.raises(InputError, match="cut must lie between 0 and 1"):
        selection_model(*MIXED, cut=0.0)
    with pytest.raises(InputError, match="direction must be one of positive, negative"):
        selection_model(*MIXED, direction="greater")
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        selection_model(*MIXED, level=95)


def test_the_cut_decides_who_counts_as_significant():
    z = np.array(MIXED[0]) / np.sqrt(MIXED[1])
    for cut in (0.025, 0.05):
        expected = int((stats.norm.sf(z) <= cut).sum())
        assert selection_model(*MIXED, cut=cut).k_significant == expected


def test_the_result_survives_json_and_is_honest_in_words():
    found = selection_model(*MIXED)
    assert SelectionModel.from_json(found.to_json()) == found
    assert "limit of use not met: 7 trials" in str(found)
    assert "publication bias" not in found._repr_html_().lower()
    assert not is_present(found.tau2_se)
    assert "end of its range" in found.tau2_se.reason


@given(TRIALS)
@settings(max_examples=15)
def test_the_mirror_of_the_data_gives_the_mirror_of_the_model(data):
    y, v = data
    ahead, back = selection_model(y, v), selection_model(-y, v, direction="negative")
    assert ahead.k_significant == back.k_significant
    if not is_present(ahead.estimate):
        assert back.estimate == ahead.estimate
        return
    assert back.estimate == -ahead.estimate
    assert (back.ci_lb, back.ci_ub) == (-ahead.ci_ub, -ahead.ci_lb)
    assert back.weight == ahead.weight


@given(TRIALS, st.floats(0.05, 20.0))
@settings(max_examples=15)
def test_the_unit_of_the_effects_does_not_matter(data, unit):
    y, v = data
    base, scaled = selection_model(y, v), selection_model(unit * y, unit**2 * v)
    if not (is_present(base.estimate) and is_present(scaled.estimate)):
        return
    assert scaled.lr_statistic == pytest.approx(base.lr_statistic, abs=1e-5)
    assert base.lr_statistic >= 0.0
    near = 1e-2 * (1 + base.se)
    assert scaled.estimate == pytest.approx(unit * base.estimate, abs=unit * near)
