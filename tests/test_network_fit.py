"""The diagonal basis, and the estimates of tau², against the plain matrix formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from combined_care.network_data import arm_covariance, read_network
from combined_care.network_fit import (
    chi_squared,
    estimate_tau2,
    fit,
    independent_rows,
    solve,
)
from combined_care.results import Absent
from small_networks import connected, pairs, tight


def plain(network, tau2):
    """Basic contrasts, their covariances and design, by the textbook."""
    y, blocks, design = [], [], []
    for trial in network.trials:
        m = len(trial.arms)
        basic = np.column_stack([-np.ones(m - 1), np.eye(m - 1)])
        y += (basic @ trial.level).tolist()
        sharing = 0.5 * (np.ones((m - 1, m - 1)) + np.eye(m - 1))
        blocks.append(basic @ arm_covariance(trial.vi) @ basic.T + tau2 * sharing)
        rows = np.zeros((m - 1, len(network.treatments)))
        rows[:, list(trial.arms)] = basic
        design.append(rows)
    V = np.zeros((len(y), len(y)))
    at = 0
    for block in blocks:
        V[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return np.array(y), V, np.vstack(design)[:, 1:]


@settings(max_examples=30)
@given(connected())
def test_the_diagonal_basis_gives_generalised_least_squares(trials):
    network = read_network(**pairs(trials))
    rows = independent_rows(network)
    for tau2 in (0.0, 0.07):
        y, V, X = plain(network, tau2)
        W = np.linalg.inv(V)
        vcov = np.linalg.inv(X.T @ W @ X)
        beta = vcov @ X.T @ W @ y
        found = solve(rows.y, rows.d, rows.arms[:, 1:], tau2)
        tight(found.beta, beta, rtol=1e-8, atol=1e-10)
        tight(found.vcov, vcov, rtol=1e-8, atol=1e-12)
        assert found.q == pytest.approx((y - X @ beta) @ W @ (y - X @ beta), rel=1e-8, abs=1e-10)
        # The trace of M S, with S the structure of the random effects.
        _, V0, _ = plain(network, 0.0)
        S = plain(network, 1.0)[1] - V0
        M = W - W @ X @ vcov @ X.T @ W
        assert found.trace == pytest.approx(np.trace(M @ S), rel=1e-7, abs=1e-8)


@settings(max_examples=20)
@given(connected(least=6))
def test_reml_is_the_highest_point_of_a_fine_grid(trials):
    rows = independent_rows(read_network(**pairs(trials)))
    design = rows.arms[:, 1:]
    tau2 = estimate_tau2(rows.y, rows.d, design, "REML")
    height = solve(rows.y, rows.d, design, tau2).height
    others = [solve(rows.y, rows.d, design, t).height for t in np.linspace(0.0, 2.0, 200)]
    assert height <= min(others) + 1e-9


def test_without_spare_rows_trials_cannot_be_seen_to_differ():
    rows = independent_rows(read_network(["a"], ["b"], [0.3], [0.1], ["t"]))
    found = fit(rows, rows.arms[:, :1], "REML", "knha")
    assert isinstance(found.tau2, Absent)
    assert np.isinf(found.df)
    assert found.vcov[0, 0] == pytest.approx(0.1)


def test_no_degrees_of_freedom_leave_no_p_value():
    assert chi_squared(1e-14, 0)[:2] == (0.0, 0)
    assert isinstance(chi_squared(0.0, 0).pval, Absent)
    assert chi_squared(3.841458820694124, 1).pval == pytest.approx(0.05)
