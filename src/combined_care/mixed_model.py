r"""Random-effects regression with known variances: from effects and a design to coefficients.

The model is :math:`y \sim N(X\beta, D + \tau^2 I)` with known diagonal D. With
:math:`w_i = 1/(v_i + \tau^2)` and :math:`P = W - WX(X^TWX)^{-1}X^TW`, everything here follows
from the QR decomposition of :math:`W^{1/2}X`: no normal equations are formed, so that a moderator
such as a calendar year costs no digits.

PyMARE estimates tau² by DL, HE, ML and REML. Its likelihood search stops where the likelihood is
flat to rounding, about seven digits; the last ones come from the root of the score, whose place is
then known. It never sees the design itself but an orthonormal basis of its columns, which leaves
tau² as it is and spares its matrix inverses badly scaled moderators.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from scipy import optimize, special

from combined_care.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from combined_care.results import FloatArray
    from combined_care.tau2 import Method

#: Doublings after which a bracket must have been found: a factor of 1e60, more than any data span.
_DOUBLINGS = 200
#: Squared length of whitened residuals, beside that of the effects, that counts as an exact fit.
_EXACT = 1e-24


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    r"""A weighted least-squares fit at one value of tau².

    Attributes
    ----------
    w : numpy.ndarray of shape (k,)
        Weights :math:`1/(v + \tau^2)`.
    basis, root : numpy.ndarray of shape (k, p) and (p, p)
        Orthonormal and upper triangular factor of :math:`W^{1/2}X`.
    residual : numpy.ndarray of shape (k,)
        Whitened residuals :math:`W^{1/2}(y - X\hat\beta)`.
    q : float
        Their sum of squares, the generalised Q statistic.
    """

    w: FloatArray
    basis: FloatArray
    root: FloatArray
    residual: FloatArray
    q: float

    @property
    def leverage(self) -> FloatArray:
        """Diagonal of the hat matrix, of shape (k,)."""
        return np.asarray(np.einsum("ij,ij->i", self.basis, self.basis))

    @property
    def trace(self) -> float:
        """Trace of P."""
        return float(self.w @ (1.0 - self.leverage))


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """Coefficients of a random-effects regression and what their tests need.

    Attributes
    ----------
    tau2 : float
        Residual variance of the true effects.
    beta : numpy.ndarray of shape (p,)
        Coefficients.
    factor : numpy.ndarray of shape (p, p)
        Times its transpose, their covariance :math:`(X^TWX)^{-1}` without any correction.
    scale : float
        Knapp and Hartung's :math:`y^TPy / (k - p)`; exactly 0 where the model fits exactly.
    weighted : Weighted
        The fit behind them.
    """

    tau2: float
    beta: FloatArray
    factor: FloatArray
    scale: float
    weighted: Weighted


def weigh(yi: FloatArray, vi: FloatArray, design: FloatArray, tau2: float) -> Weighted:
    """Fit by weighted least squares at a given tau²."""
    w = 1.0 / (vi + tau2)
    half = np.sqrt(w)
    basis, root = np.linalg.qr(half[:, None] * design)
    white = half * yi
    residual = white - basis @ (basis.T @ white)
    # Projected twice: the second pass removes what rounding left in the first.
    residual -= basis @ (basis.T @ residual)
    return Weighted(w, basis, root, residual, float(residual @ residual))


def fit_mixed(yi: FloatArray, vi: FloatArray, design: FloatArray, method: Method) -> MixedFit:
    """Fit the regression; `design` has full column rank p < k."""
    tau2 = estimate_tau2(yi, vi, design, method)
    found = weigh(yi, vi, design, tau2)
    white = np.sqrt(found.w) * yi
    beta = np.asarray(np.linalg.solve(found.root, found.basis.T @ white))
    factor = np.asarray(np.linalg.inv(found.root))
    is_exact = found.q <= _EXACT * float(white @ white)
    scale = 0.0 if is_exact else found.q / (yi.size - beta.size)
    return MixedFit(tau2, beta, factor, scale, found)


def estimate_tau2(yi: FloatArray, vi: FloatArray, design: FloatArray, method: Method) -> float:
    r"""Estimate the residual variance of the true effects.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (k,)
        Effects and sampling variances.
    design : numpy.ndarray of shape (k, p)
        Design matrix of full column rank, p < k.
    method : {"EE", "DL", "HE", "PM", "ML", "REML", "SJ", "HS"}
        Estimator; ``"EE"`` has none and gives 0.

    Returns
    -------
    float
        tau², never negative.

    Raises
    ------
    ConvergenceError
        If no bracket of a root is found, which finite input excludes.

    Notes
    -----
    The estimators of :func:`combined_care.tau2.estimate` with P in place of the centring matrix
    and k - p in place of k - 1, as metafor's ``rma.uni``: DL :math:`(Q - (k-p)) / tr(P)`; HE from
    unweighted least squares; HS :math:`(Q - k) / \sum w`; SJ started from the variance of the
    effects around their plain mean; PM the root of :math:`Q(\tau^2) = k - p`; ML and REML the
    highest maximum of the (restricted) likelihood [1]_ [2]_.

    References
    ----------
    .. [1] Raudenbush (2009), Analyzing effect sizes: random-effects models, in
       The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., chapter 16.
    .. [2] Viechtbauer, Lopez-Lopez, Sanchez-Meca & Marin-Martinez (2015),
       doi:10.1037/met0000023.

    Examples
    --------
    >>> y, v = np.array([0.0, 2.0, 4.0]), np.ones(3)
    >>> f"{estimate_tau2(y, v, np.ones((3, 1)), 'REML'):.6f}"
    '3.000000'
    """
    # Everything below works in units of the smallest variance, so that no tolerance has a scale.
    unit = float(vi.min())
    y, v = yi / np.sqrt(unit), vi / unit
    basis, _ = np.linalg.qr(design)
    return unit * max(_ESTIMATORS[method](y, v, basis), 0.0)


def q_profile(
    yi: FloatArray, vi: FloatArray, design: FloatArray, level: float
) -> tuple[float, float, bool]:
    """Return the Q-profile limits of tau², and whether the interval is the null set (then 0, 0).

    References
    ----------
    Viechtbauer (2007), doi:10.1002/sim.2514, section 3.1; Jackson, Turner, Rhodes & Viechtbauer
    (2014), doi:10.1186/1471-2288-14-103, for moderators.
    """
    df, tail = yi.size - design.shape[1], (1.0 - level) / 2.0
    unit = float(vi.min())
    y, v = yi / np.sqrt(unit), vi / unit
    upper, lower = special.chdtri(df, tail), special.chdtri(df, 1.0 - tail)
    limits = [unit * solve_q(y, v, design, float(target)) for target in (upper, lower)]
    return limits[0], limits[1], weigh(y, v, design, 0.0).q < lower


def solve_q(yi: FloatArray, vi: FloatArray, design: FloatArray, target: float) -> float:
    """Return the tau² at which the generalised Q equals `target`; 0 where it starts below."""

    def excess(tau2: float) -> float:
        return weigh(yi, vi, design, tau2).q - target

    return _falling_root(excess, 0.0, 1.0)


def _falling_root(function: Callable[[float], float], start: float, width: float) -> float:
    """Return where `function` falls through 0 nearest to `start`; 0 where it is negative there."""
    lo, hi = max(start - width, 0.0), start + width
    for _ in range(_DOUBLINGS):
        is_low, is_high = function(lo) > 0.0, function(hi) <= 0.0
        if is_low and is_high:
            return float(optimize.brentq(function, lo, hi, xtol=1e-14, rtol=1e-13, maxiter=500))
        if lo == 0.0 and not is_low:
            return 0.0
        width *= 2.0
        lo, hi = lo if is_low else max(lo - width, 0.0), hi if is_high else hi + width
    message = f"no root found in {_DOUBLINGS} doublings above tau² = {start:g} (unit variances)"
    raise ConvergenceError(message)


def load_pymare(module: Literal["estimators", "stats"]) -> Any:
    """Load a part of PyMARE on first use: it brings SymPy, a second that few callers must pay.

    Loading it leaves a file to the garbage collector, which is no concern of the caller.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return import_module(f"pymare.{module}")


def _equal_effects(y: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    return 0.0


def _hunter_schmidt(y: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    found = weigh(y, v, basis, 0.0)
    return (found.q - y.size) / float(found.w.sum())


def _sidik_jonkman(y: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    first = float(y.var())
    return float(first * weigh(y, v, basis, first).q / (y.size - basis.shape[1]))


def _paule_mandel(y: FloatArray, v: FloatArray, basis: FloatArray) -> float:
    return solve_q(y, v, basis, float(y.size - basis.shape[1]))


def _pymare(name: str) -> Callable[[FloatArray, FloatArray, FloatArray], float]:
    """Return the estimator that PyMARE calls `name`."""

    def estimate(y: FloatArray, v: FloatArray, basis: FloatArray) -> float:
        estimators = load_pymare("estimators")
        if name in {"DerSimonianLaird", "Hedges"}:
            model: Any = getattr(estimators, name)(small_sample_correction="wald")
        else:
            model = estimators.VarianceBasedLikelihoodEstimator(
                method=name, small_sample_correction="wald"
            )
        found = float(np.squeeze(model.fit(y[:, None], v[:, None], basis).params_["tau2"]))
        if name in {"ml", "reml"}:
            return _polished(y, v, basis, found, cast("Likelihood", name))
        return found

    return estimate


Likelihood = Literal["ml", "reml"]


def _polished(
    y: FloatArray, v: FloatArray, basis: FloatArray, start: float, likelihood: Likelihood
) -> float:
    """Return the maximum of the likelihood next to `start`, where its score is zero."""

    def score(tau2: float) -> float:
        found = weigh(y, v, basis, tau2)
        pull = float(found.w @ found.residual**2)
        return pull - (found.trace if likelihood == "reml" else float(found.w.sum()))

    return _falling_root(score, start, 1e-4 * (1.0 + start))


_ESTIMATORS: dict[Method, Callable[[FloatArray, FloatArray, FloatArray], float]] = {
    "EE": _equal_effects,
    "DL": _pymare("DerSimonianLaird"),
    "HE": _pymare("Hedges"),
    "PM": _paule_mandel,
    "ML": _pymare("ml"),
    "REML": _pymare("reml"),
    "SJ": _sidik_jonkman,
    "HS": _hunter_schmidt,
}
