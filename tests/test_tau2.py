"""The batch kernel against references, libraries and a brute-force search."""

from __future__ import annotations

import numpy as np
import pytest
from pymare.estimators import (
    DerSimonianLaird,
    Hedges,
    VarianceBasedLikelihoodEstimator,
)
from statsmodels.stats.meta_analysis import combine_effects

from combined_care import tau2 as kernel
from combined_care.errors import ConvergenceError, InputError
from combined_care.heterogeneity import Tau2Interval, tau2_profile_interval
from combined_care.tau2 import METHODS, Batch

ITERATIVE = {"PM", "ML", "REML"}


def tau2_of(y, v, method):
    batch = Batch.of(np.atleast_2d(np.asarray(y, float)), np.atleast_2d(np.asarray(v, float)))
    return kernel.estimate(batch, method)[0] * batch.unit**2


def all_sets(reference):
    document = reference("synthesis")
    return [*document["published"], *document["generated"]]


def test_tau2_equals_metafor_in_more_than_a_thousand_fits(reference):
    checked = 0
    for data in all_sets(reference):
        for fit in data["fits"]:
            rtol, atol = (1e-6, 1e-7) if fit["method"] in ITERATIVE else (1e-10, 1e-12)
            found = tau2_of(data["yi"], data["vi"], fit["method"])[0]
            np.testing.assert_allclose(found, fit["tau2"], rtol, atol, err_msg=data["name"])
            checked += 1
    assert checked >= 1000


def test_the_stored_sets_reach_into_every_corner(reference):
    data = all_sets(reference)
    sizes = {len(d["yi"]) for d in data}
    ratios = [max(d["vi"]) / min(d["vi"]) for d in data]
    assert min(sizes) == 2
    assert max(sizes) == 200
    assert max(ratios) == pytest.approx(1e4)
    assert any(f["climb"] == "failed" for d in data for f in d["fits"])
    assert any(d["q_profile"]["null"] for d in data)


@pytest.mark.parametrize(
    ("method", "tau"),
    [("PM", 0.3681), ("HE", 0.4410), ("DL", 0.2323), ("REML", 0.1843), ("HS", 0.1330),
     ("SJ", 0.4572)],
)  # fmt: skip
def test_clasp_gives_the_printed_tau(reference, method, tau):
    # DerSimonian & Kacker (2007), tables 3 and 4. Their ML of 0.0023 is where an iteration stopped.
    data = reference("synthesis")["published"][0]
    assert np.sqrt(tau2_of(data["yi"], data["vi"], method)[0]) == pytest.approx(tau, abs=5e-5)


def test_clasp_has_its_highest_likelihood_at_zero(reference):
    data = reference("synthesis")["published"][0]
    assert tau2_of(data["yi"], data["vi"], "ML")[0] == 0.0


@pytest.mark.parametrize(
    ("method", "printed"), [("DL", 0.230), ("ML", 0.239), ("REML", 0.301), ("SJ", 0.456)]
)
def test_collins_gives_the_printed_tau2(reference, method, printed):
    # Viechtbauer (2007), table II.
    data = reference("synthesis")["published"][1]
    assert tau2_of(data["yi"], data["vi"], method)[0] == pytest.approx(printed, abs=5e-4)


def test_profile_likelihood_intervals_equal_metafor(reference):
    checked = 0
    for data in all_sets(reference):
        for method in ("ML", "REML"):
            if (limits := data.get(f"pl_{method.lower()}")) is None:
                continue
            found = tau2_profile_interval(data["yi"], data["vi"], method=method)
            np.testing.assert_allclose(
                [found.lb, found.ub], limits, rtol=1e-6, atol=1e-9, err_msg=data["name"]
            )
            checked += 1
    assert checked >= 100


def test_profile_interval_reads_and_travels():
    found = tau2_profile_interval([0.1, 0.5, 0.9], [0.02, 0.02, 0.05], level=0.9)
    assert Tau2Interval.from_json(found.to_json()) == found
    assert found.lb <= found.tau2 <= found.ub
    assert "90 % profile-likelihood" in str(found)


def test_profile_interval_refuses_one_study_and_unknown_methods():
    with pytest.raises(InputError, match="at least two"):
        tau2_profile_interval([0.1], [0.1])
    with pytest.raises(InputError, match="method must be one of ML, REML"):
        tau2_profile_interval([0.1, 0.2], [0.1, 0.1], method="DL")


def random_sets(n=300, k=7, seed=3):
    rng = np.random.default_rng(seed)
    v = 10 ** rng.uniform(-2, 0, (n, k))
    return rng.normal(0.3, np.sqrt(v + 0.2 * rng.random((n, 1)))), v


@pytest.mark.parametrize(
    ("method", "estimator"),
    [
        ("DL", DerSimonianLaird()),
        ("HE", Hedges()),
        ("REML", VarianceBasedLikelihoodEstimator(method="reml", xtol=1e-10)),
        ("ML", VarianceBasedLikelihoodEstimator(method="ml", xtol=1e-10)),
    ],
)
def test_tau2_equals_pymare(method, estimator):
    y, v = random_sets(60)
    theirs = estimator.fit(y=y.T, v=v.T, X=np.ones((7, 1))).params_["tau2"]
    rtol, atol = (1e-9, 1e-12) if method in {"DL", "HE"} else (1e-5, 2e-6)
    np.testing.assert_allclose(tau2_of(y, v, method), np.ravel(theirs), rtol, atol)


@pytest.mark.parametrize(("method", "name"), [("DL", "chi2"), ("PM", "iterated")])
def test_tau2_equals_statsmodels(method, name):
    # Effects far apart: nearer ones make statsmodels return a negative DL, or a PM of 0 where its
    # iteration stepped below 0, although Q exceeds k - 1.
    y, v = random_sets(40)
    y = 3.0 * y
    ours = tau2_of(y, v, method)
    theirs = [
        combine_effects(a, b, method_re=name, atol=1e-13).tau2 for a, b in zip(y, v, strict=True)
    ]
    settled = np.array(theirs) > 0.0
    assert settled.sum() >= 30
    np.testing.assert_allclose(ours[settled], np.array(theirs)[settled], rtol=1e-8)


@pytest.mark.parametrize("restricted", [True, False])
def test_no_point_of_a_fine_grid_beats_the_mode_found(restricted):
    rng = np.random.default_rng(11)
    several = 0
    for k in (2, 3, 5, 8, 20):
        n = 400
        v = 10 ** (rng.uniform(0, 5, (n, 1)) * rng.random((n, k)))
        tau2 = 10 ** rng.uniform(-2, 6, (n, 1)) * (rng.random((n, 1)) < 0.7)
        batch = Batch.of(rng.standard_t(2, (n, k)) * np.sqrt(v + tau2), v)
        best, count = kernel.likelihood_modes(batch, restricted=restricted)
        height = kernel.log_likelihood(batch, best, restricted=restricted)
        for x in np.linspace(0.0, 1.0, 300):
            t = np.expm1(x * kernel.highest_mode(batch))
            other = kernel.log_likelihood(batch, t, restricted=restricted)
            assert (other <= height + 1e-9 * (1.0 + np.abs(height))).all()
        several += (count > 1).sum()
    assert several > 10


def test_q_is_solved_even_across_variances_of_ten_orders():
    rng = np.random.default_rng(5)
    v = 10 ** rng.uniform(-5, 5, (500, 9))
    batch = Batch.of(rng.normal(size=(500, 9)) * np.sqrt(v + 10 ** rng.uniform(-5, 5, (500, 1))), v)
    target = np.full(500, 8.0)
    root = kernel.solve_q(batch, kernel.cochran_q(batch), target)
    q = kernel.moments(batch, root).q
    np.testing.assert_allclose(q[root > 0], 8.0, rtol=1e-8)
    assert (q[root == 0] <= 8.0).all()
    assert 0 < (root > 0).sum() < 500


@pytest.mark.parametrize("method", sorted(ITERATIVE))
def test_equal_variances_have_the_closed_solution(method):
    y = np.array([0.0, 1.0, 2.0, 5.0])
    k_or_df = 4 if method == "ML" else 3
    expected = ((y - 2.0) ** 2).sum() / k_or_df - 0.25
    assert tau2_of(y, np.full(4, 0.25), method)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_tau2_is_zero_where_effects_agree(method):
    assert tau2_of([0.3, 0.3, 0.3], [0.1, 0.2, 0.05], method)[0] == 0.0


def test_absent_studies_leave_no_trace():
    y, v = random_sets(50, 5)
    wide_y = np.insert(y, [1, 3], 0.0, axis=1)
    wide_v = np.insert(v, [1, 3], np.inf, axis=1)
    for method in METHODS:
        np.testing.assert_allclose(
            tau2_of(wide_y, wide_v, method), tau2_of(y, v, method), rtol=1e-10, atol=1e-13
        )


def test_an_iteration_cut_short_is_an_error_and_not_a_number(monkeypatch):
    monkeypatch.setattr(kernel, "_STEPS", 1)
    with pytest.raises(ConvergenceError, match="data sets did not settle in 1 steps"):
        tau2_of(*random_sets(50, k=5), "PM")
