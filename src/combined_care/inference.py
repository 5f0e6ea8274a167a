"""From an estimate and its weights to tests, confidence intervals and prediction intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
from scipy import special

from combined_care.results import FloatArray, Number, Result

if TYPE_CHECKING:
    from collections.abc import Callable

Test = Literal["z", "knha", "knha-conservative"]
TESTS: tuple[Test, ...] = get_args(Test)
PiDf = Literal["k-1", "k-2", "z"]
PI_DFS: tuple[PiDf, ...] = get_args(PiDf)


@dataclass(frozen=True, eq=False, kw_only=True)
class Inference(Result):
    """What one test makes of a pooled estimate.

    Attributes
    ----------
    test : str
        ``"z"``, ``"knha"`` or ``"knha-conservative"``.
    se, stat, df, pval, ci_lb, ci_ub : float or Absent
        Standard error, estimate over standard error, degrees of freedom (infinite for the normal
        distribution), two-sided p value, and confidence limits.
    """

    caption = "Test of the pooled estimate"

    test: str
    se: Number
    stat: Number
    df: Number
    pval: Number
    ci_lb: Number
    ci_ub: Number

    def __str__(self) -> str:
        return (
            f"By {self.test}: interval from {self.ci_lb:.2f} to {self.ci_ub:.2f}, "
            f"p = {self.pval:.2g}"
        )


class Columns(NamedTuple):
    """One :class:`Inference` per data set, as arrays of shape (n,); nan where it is undefined."""

    se: FloatArray
    stat: FloatArray
    df: FloatArray
    pval: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray


def infer(
    estimate: FloatArray,
    wald_se: FloatArray,
    scale: FloatArray,
    k: FloatArray,
    *,
    test: Test,
    level: float,
) -> Columns:
    r"""Test pooled estimates against 0 and give their confidence intervals.

    Parameters
    ----------
    estimate, wald_se : numpy.ndarray of shape (n,)
        Estimates and :math:`1 / \sqrt{\sum w}`.
    scale : numpy.ndarray of shape (n,)
        Knapp and Hartung's :math:`q = \sum w (y - \hat\mu)^2 / (k - 1)`.
    k : numpy.ndarray of shape (n,)
        Numbers of trials, as floats.
    test : {"z", "knha", "knha-conservative"}
        Normal distribution with `wald_se`; or t with k - 1 degrees of freedom and
        :math:`\sqrt q` times `wald_se` [1]_ [2]_; or the same with q no smaller than 1 [3]_
        (metafor's ``test = "adhoc"``).
    level : float
        Confidence level.

    References
    ----------
    .. [1] Hartung & Knapp (2001), doi:10.1002/sim.1009.
    .. [2] Knapp & Hartung (2003), doi:10.1002/sim.1482, eq. 4; Sidik & Jonkman (2002),
       doi:10.1002/sim.1262.
    .. [3] Roever, Knapp & Friede (2015), doi:10.1186/s12874-015-0091-1.
    """
    se, df = wald_se, np.full(k.size, np.inf)
    if test != "z":
        floor = 1.0 if test == "knha-conservative" else 0.0
        se, df = wald_se * np.sqrt(np.maximum(scale, floor)), k - 1.0
    known = se > 0.0
    stat = np.divide(estimate, se, out=np.full(k.size, np.nan), where=known)
    half = np.where(known, critical(df, level) * se, np.nan)
    return Columns(
        se, stat, df, 2.0 * lower_tail(df, -np.abs(stat)), estimate - half, estimate + half
    )


def predict(
    estimate: FloatArray, spread: FloatArray, k: FloatArray, *, pi_df: PiDf, level: float
) -> tuple[FloatArray, FloatArray]:
    r"""Return the prediction interval of a new trial's true effect; nan below three trials.

    Parameters
    ----------
    spread : numpy.ndarray of shape (n,)
        :math:`\sqrt{se^2 + \hat\tau^2}`.
    pi_df : {"k-1", "k-2", "z"}
        See :func:`prediction_df`.
    """
    half = critical(prediction_df(k, pi_df), level) * spread
    half = np.where((k >= 3.0) & (spread > 0.0), half, np.nan)
    return estimate - half, estimate + half


def prediction_df(k: FloatArray, pi_df: PiDf) -> FloatArray:
    """Return the degrees of freedom that `pi_df` names for `k` trials; infinite for the normal."""
    return np.full(k.shape, np.inf) if pi_df == "z" else k - float(pi_df[-1])


def critical(df: FloatArray, level: float) -> FloatArray:
    """Return the two-sided critical value of t; of the normal distribution where df is infinite."""
    upper = (1.0 + level) / 2.0
    normal = -special.ndtri((1.0 - level) / 2.0)
    # One evaluation per distinct df: a batch has few, and the inverse of t is slow.
    return _by_value(df, lambda d: np.where(np.isinf(d), normal, special.stdtrit(d, upper)))


def lower_tail(df: FloatArray, t: FloatArray) -> FloatArray:
    """Return P(T <= t) of t; of the normal distribution where `df` is infinite."""
    if np.isinf(df).all():
        return np.asarray(special.ndtr(t))
    return np.asarray(special.stdtr(df, t))


def chi2_quantile(df: FloatArray, upper: float) -> FloatArray:
    """Return the value that chi-squared exceeds with probability `upper`."""
    return _by_value(df, lambda d: np.asarray(special.chdtri(d, upper)))


def _by_value(values: FloatArray, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    if values.size == 1:
        return function(values)
    distinct, place = np.unique(values, return_inverse=True)
    return function(distinct)[place]
