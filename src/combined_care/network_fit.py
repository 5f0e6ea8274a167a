r"""Random-effects fit of a network, by rows that are independent of each other.

A trial with m arms brings m - 1 effects with sampling covariance V, and random effects with
covariance :math:`\tau^2 S`, S having 1 on the diagonal and 1/2 elsewhere. One basis diagonalises
both: in it V is diagonal and S the identity. All trials together are then a regression of
independent rows with variances :math:`d_i + \tau^2`, and each value of tau² costs one Cholesky
factor of a matrix as large as the number of coefficients.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from scipy import linalg, optimize, special

from combined_care.network_data import arm_covariance
from combined_care.results import Absent, FloatArray, Number

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.network_data import Network, Trial

NetworkMethod = Literal["REML", "DL", "EE"]
NETWORK_METHODS: tuple[NetworkMethod, ...] = get_args(NetworkMethod)
NetworkTest = Literal["z", "knha"]
NETWORK_TESTS: tuple[NetworkTest, ...] = get_args(NetworkTest)

#: Values of tau² at which the restricted likelihood is compared before its maximum is refined.
_GRID = 24
#: The largest tau² tried, in units of the variance of the effects.
_LARGEST = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A network as independent rows.

    Attributes
    ----------
    y, d : numpy.ndarray of shape (r,)
        Effects and their sampling variances in the diagonal basis; r is the sum of m - 1.
    arms : numpy.ndarray of shape (r, n)
        What each row says about the n treatments; rows add up to 0.
    trial : numpy.ndarray of shape (r,)
        Place of the trial that a row belongs to.
    """

    y: FloatArray
    d: FloatArray
    arms: FloatArray
    trial: npt.NDArray[np.intp]


def independent_rows(network: Network) -> Rows:
    """Bring the trials of a network into the diagonal basis, those of one size at a time."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for place, found in enumerate(network.trials):
        sizes[len(found.arms)].append(place)
    parts = [
        _rows_of_size([network.trials[place] for place in places], np.array(places), network)
        for places in sizes.values()
    ]
    order = np.argsort(np.concatenate([part.trial for part in parts]), kind="stable")
    y, d, arms, trial = (
        np.concatenate([getattr(part, name) for part in parts])[order] for name in Rows.__slots__
    )
    return Rows(y, d, arms, trial)


def _rows_of_size(trials: list[Trial], places: npt.NDArray[np.intp], network: Network) -> Rows:
    r"""Diagonalise equally large trials: with :math:`G = U \Lambda U^T`, d is :math:`2\Lambda`.

    G holds the covariances of centred arm effects. Random effects of arms are independent with
    variance :math:`\tau^2 / 2`, so that a row :math:`\sqrt2 u^T` has variance :math:`\tau^2`.
    """
    values, vectors = np.linalg.eigh(arm_covariance(np.stack([t.vi for t in trials])))
    m = values.shape[1]
    basis = np.sqrt(2.0) * vectors[:, :, 1:]  # the first belongs to the sum, which is 0
    y = np.einsum("tmr,tm->tr", basis, np.stack([t.level for t in trials]))
    arms = np.zeros((len(trials), m - 1, len(network.treatments)))
    held = np.array([t.arms for t in trials])
    arms[np.arange(len(trials))[:, None, None], np.arange(m - 1)[:, None], held[:, None, :]] = (
        basis.transpose(0, 2, 1)
    )
    trial = np.repeat(places, m - 1)
    return Rows(y.ravel(), 2.0 * values[:, 1:].ravel(), arms.reshape(-1, arms.shape[2]), trial)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A weighted least-squares fit at one value of tau².

    Attributes
    ----------
    beta, vcov : numpy.ndarray of shape (p,) and (p, p)
        Coefficients and their covariances.
    q : float
        Weighted sum of squared residuals, the generalised Q.
    trace : float
        Trace of :math:`P = W - WX(X^TWX)^{-1}X^TW`.
    slope : float
        :math:`y^TPPy - tr(P)`, twice the derivative of the restricted log-likelihood.
    height : float
        Minus twice the restricted log-likelihood, without its constant.
    """

    beta: FloatArray
    vcov: FloatArray
    q: float
    trace: float
    slope: float
    height: float


def solve(y: FloatArray, d: FloatArray, design: FloatArray, tau2: float) -> Solution:
    """Fit by weighted least squares at a given tau²; `design` has full column rank."""
    w = 1.0 / (d + tau2)
    half = np.sqrt(w)[:, None] * design
    factor = linalg.cho_factor(half.T @ half, lower=True, check_finite=False)
    vcov = linalg.cho_solve(factor, np.eye(design.shape[1]), check_finite=False)
    beta = vcov @ (design.T @ (w * y))
    pull = w * (y - design @ beta)
    q = float(pull @ (y - design @ beta))
    trace = float(w @ (1.0 - np.einsum("ij,ij->i", half @ vcov, half)))
    determinant = 2.0 * np.log(factor[0].diagonal()).sum() - np.log(w).sum()
    return Solution(beta, vcov, q, trace, float(pull @ pull) - trace, float(determinant) + q)


def estimate_tau2(y: FloatArray, d: FloatArray, design: FloatArray, method: NetworkMethod) -> float:
    r"""Estimate the variance of true effects that all comparisons share.

    ``"DL"`` is the generalised method of moments, :math:`(Q - df) / tr(P)`; ``"REML"`` the
    highest maximum of the restricted likelihood; ``"EE"`` assumes 0. There must be more rows than
    coefficients.
    """
    if method == "EE":
        return 0.0
    common = solve(y, d, design, 0.0)
    df = y.size - design.shape[1]
    if method == "DL":
        return max(0.0, float(common.q - df) / common.trace)
    return _highest(y, d, design)


def _highest(y: FloatArray, d: FloatArray, design: FloatArray) -> float:
    """Return the highest maximum of the restricted likelihood: by a grid, then by its slope."""

    def at(tau2: float) -> Solution:
        return solve(y, d, design, tau2)

    # An imprecise trial must not set the scale: weights do not let it.
    unit = y.size / float((1.0 / d).sum())
    top = _LARGEST * (unit + float(np.average(y**2, weights=1.0 / d)))
    grid = [0.0, *np.geomspace(1e-3 * unit, top, _GRID).tolist()]
    found = [at(tau2) for tau2 in grid]
    while found[-1].slope > 0.0:
        grid.append(10.0 * grid[-1])
        found.append(at(grid[-1]))
    best = min(range(len(grid)), key=lambda i: found[i].height)
    low, high = max(best - 1, 0), min(best + 1, len(grid) - 1)
    if best == 0 and found[0].slope <= 0.0:
        return 0.0
    ends = (grid[low], grid[high])
    if found[low].slope > 0.0 >= found[high].slope:
        return float(optimize.brentq(lambda t: at(t).slope, *ends, xtol=1e-15 * unit, rtol=1e-13))
    # A second wave between the grid's points; its top is then sought by height.
    wave = optimize.minimize_scalar(lambda t: at(t).height, bounds=ends, method="bounded")
    return float(wave.x)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Coefficients with their uncertainty, and how far trials differ.

    Attributes
    ----------
    beta, vcov : numpy.ndarray of shape (p,) and (p, p)
        Coefficients and covariances, under Knapp-Hartung already scaled.
    plain : numpy.ndarray of shape (p, p)
        Covariances without that scale.
    df : float
        Degrees of freedom of tests; infinite for the normal distribution.
    tau2, i2 : float or Absent
        Variance of true effects, and I² in percent from it; under ``"EE"`` tau² is 0 and I² is
        from Q.
    q : ChiSquared
        Cochran's Q of the common-effect model.
    """

    beta: FloatArray
    vcov: FloatArray
    plain: FloatArray
    df: float
    tau2: Number
    i2: Number
    q: ChiSquared


class ChiSquared(NamedTuple):
    """A chi-squared statistic, its degrees of freedom and p value."""

    value: float
    df: int
    pval: Number

    def named(self, name: str) -> dict[str, Any]:
        """Return the three as fields `name`, `name`_df and `name`_pval."""
        return dict(zip((name, f"{name}_df", f"{name}_pval"), self, strict=True))


def chi_squared(value: float, df: int) -> ChiSquared:
    """Test a statistic that is never negative; without degrees of freedom it is 0 by rounding."""
    if df == 0:
        return ChiSquared(0.0, 0, Absent("no degrees of freedom"))
    return ChiSquared(value, df, float(special.chdtrc(df, value)))


def fit(rows: Rows, design: FloatArray, method: NetworkMethod, test: NetworkTest) -> Fitted:
    r"""Fit a network's rows by `design`, which has full column rank.

    I² is :math:`\tau^2 / (\tau^2 + df / tr(P))`, the same as for a single comparison.
    """
    spare = rows.y.size - design.shape[1]
    common = solve(rows.y, rows.d, design, 0.0)
    q = chi_squared(common.q, spare)
    if spare == 0:
        unseen = Absent("as many estimates as results: trials cannot be seen to differ")
        return Fitted(common.beta, common.vcov, common.vcov, np.inf, unseen, unseen, q)
    tau2 = estimate_tau2(rows.y, rows.d, design, method)
    seen = tau2 if method != "EE" else max(0.0, (common.q - spare) / common.trace)
    i2 = 100.0 * seen / (seen + spare / common.trace)
    found = solve(rows.y, rows.d, design, tau2)
    scale, df = (1.0, np.inf) if test == "z" else (found.q / spare, float(spare))
    return Fitted(found.beta, scale * found.vcov, found.vcov, df, tau2, i2, q)
