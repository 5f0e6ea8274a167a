"""Several effects of one trial: their covariances, one effect a trial, and robust pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from combined_care.cluster_robust import fit_robust
from combined_care.coefficient_tests import (
    check_clusters,
    contrast,
    prediction,
    small_df_notes,
)
from combined_care.covariance import check_rho, covariance_matrix, indefinite
from combined_care.errors import InputError
from combined_care.inputs import (
    Labels,
    as_floats,
    check_choice,
    check_effects,
    check_labels,
    check_level,
    refuse,
)
from combined_care.mixed_model import load_pymare
from combined_care.results import Absent, FloatArray, Number, Result, frozen_array, is_present
from combined_care.synthesis import synthesize
from combined_care.tau2 import METHODS, Method

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Aggregated",
    "RobustSynthesis",
    "aggregate",
    "covariance_matrix",
    "robust_synthesize",
]

Working = Literal["multivariate", "hedges"]

_GIVEN = Absent("the covariance matrix was given")
_MOMENTS = Absent("the moment estimator of Hedges, Tipton and Johnson has no interval")


@dataclass(frozen=True, eq=False, kw_only=True)
class Aggregated(Result):
    """One effect per trial.

    Attributes
    ----------
    cluster : tuple of str
        Trials in the order in which they first came.
    yi, vi : numpy.ndarray of shape (number of trials,)
        Their effects and sampling variances; read-only.
    effects : tuple of int
        How many effects each trial had.
    rho : float or Absent
        Assumed correlation; absent where a covariance matrix was given.
    notes : tuple of str
        Trials in which an effect has a negative weight.
    """

    caption = "One effect per trial"

    cluster: tuple[str, ...]
    yi: FloatArray
    vi: FloatArray
    effects: tuple[int, ...]
    rho: Number
    notes: tuple[str, ...]

    def __str__(self) -> str:
        how = f"correlation {self.rho:g} assumed" if is_present(self.rho) else "covariances given"
        return f"{sum(self.effects)} effects of {len(self.cluster)} trials, one each ({how})."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a trial: cluster, yi, vi, effects."""
        columns = {"cluster": self.cluster, "yi": self.yi, "vi": self.vi, "effects": self.effects}
        return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False, kw_only=True)
class RobustSynthesis(Result):
    """A pooled estimate from dependent effects, with cluster-robust inference.

    Attributes
    ----------
    k, n_effects : int
        Numbers of trials and of effects.
    estimate, se, stat, df, pval, ci_lb, ci_ub : float
        Pooled effect, CR2 standard error, their ratio, Satterthwaite degrees of freedom, p value
        and confidence limits.
    pi_lb, pi_ub : float
        Prediction interval for the true effect of a new trial.
    tau2, tau2_ci_lb, tau2_ci_ub : float
        Variance of the true effects of trials with its Q-profile interval.
    rho : float
        Assumed correlation of the sampling errors within a trial.
    working, method, test, level : str, str, str, float
        What was done; `test` is ``"CR2"``, `method` ``"moments"`` with the working model
        ``"hedges"``.
    cluster, slab : tuple of str
        Trial and label of each effect.
    yi, vi : numpy.ndarray of shape (n_effects,)
        What went in; read-only.
    notes : tuple of str
        What a reader must know before leaning on the numbers.
    """

    caption = "Pooled effect of dependent estimates"

    k: int
    n_effects: int
    estimate: float
    se: Number
    stat: Number
    df: Number
    pval: Number
    ci_lb: Number
    ci_ub: Number
    pi_lb: Number
    pi_ub: Number
    tau2: float
    tau2_ci_lb: Number
    tau2_ci_ub: Number
    rho: float
    working: Working
    method: str
    test: str
    level: float
    cluster: tuple[str, ...]
    slab: tuple[str, ...]
    yi: FloatArray
    vi: FloatArray
    notes: tuple[str, ...]

    def __str__(self) -> str:
        start = (
            f"Pooled effect {self.estimate:.2f} from {self.n_effects} effects of {self.k} trials"
        )
        if not (is_present(self.ci_lb) and is_present(self.df)):
            return f"{start}, {100 * self.level:g} % CI {self.ci_lb}."
        doubt = ", too few to rely on" if self.notes else ""
        return (
            f"{start} (CR2, {self.df:.1f} df{doubt}), "
            f"{100 * self.level:g} % CI {self.ci_lb:.2f} to {self.ci_ub:.2f}."
        )


def aggregate(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    cluster: Labels,
    rho: float = 0.6,
    V: npt.ArrayLike | None = None,
    slab: Labels = None,
) -> Aggregated:
    r"""Combine the effects of each trial into one.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and sampling **variances**.
    cluster : sequence of str of length k
        Trial of each effect.
    rho : float
        Assumed correlation of the sampling errors within a trial, at least 0 and below 1; not
        used with `V`.
    V : array_like of shape (k, k), optional
        Sampling covariances, as :func:`covariance_matrix` makes them; the diagonal must be `vi`.
    slab : sequence of str, optional
        Labels of the effects, for error messages.

    Returns
    -------
    Aggregated

    Raises
    ------
    InputError
        If an effect, variance or label is not usable, or `V` does not fit.

    Notes
    -----
    :math:`y_j = 1^T V_j^{-1} y / 1^T V_j^{-1} 1` with variance :math:`1 / 1^T V_j^{-1} 1`, as
    metafor's ``aggregate``: generalised least squares within a trial [1]_. Where precision differs
    much within a trial and rho is high, an imprecise effect gets a negative weight; a note names
    the trial.

    References
    ----------
    .. [1] Gleser & Olkin (2009), Stochastically dependent effect sizes, in The Handbook of
       Research Synthesis and Meta-Analysis, 2nd ed., pp. 357-376.

    Examples
    --------
    >>> print(aggregate([0.2, 0.4, 0.5], [0.1, 0.1, 0.2], ["t1", "t1", "t2"]))
    3 effects of 2 trials, one each (correlation 0.6 assumed).
    >>> aggregate([0.2, 0.4, 0.5], [0.1, 0.1, 0.2], ["t1", "t1", "t2"]).to_frame().round(3)
      cluster   yi    vi  effects
    0      t1  0.3  0.08        2
    1      t2  0.5  0.20        1
    """
    effects, variances, labels = check_effects(yi, vi, slab)
    trials = check_labels("cluster", cluster, labels)
    if V is None:
        matrix = covariance_matrix(variances, trials, rho=rho)
    else:
        matrix = _given_matrix(V, variances, np.array(trials))
    return _aggregate(effects, matrix, trials, rho if V is None else _GIVEN)


def robust_synthesize(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    cluster: Labels,
    rho: float = 0.6,
    method: Method = "REML",
    level: float = 0.95,
    slab: Labels = None,
    working: Working = "multivariate",
) -> RobustSynthesis:
    r"""Pool dependent effects; the interval holds even if the assumed correlation is wrong.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and sampling **variances**.
    cluster : sequence of str of length k
        Trial of each effect.
    rho : float
        Assumed correlation of the sampling errors within a trial, at least 0 and below 1. It
        moves the weights a little; the standard error does not rest on it.
    method : {"REML", "EE", "DL", "HE", "PM", "ML", "SJ", "HS"}
        Estimator of tau² (working model ``"multivariate"``).
    level : float
        Level of all intervals.
    slab : sequence of str, optional
        Labels of the effects.
    working : {"multivariate", "hedges"}
        Correlated-effects working model: by its full covariance matrix [1]_, or with the weights
        and the moment estimator of Hedges, Tipton and Johnson [2]_, as robumeta has it.

    Returns
    -------
    RobustSynthesis

    Raises
    ------
    InputError
        If an effect, variance, label or option is not usable, or there are fewer than two trials.

    Warns
    -----
    SmallSampleWarning
        If there are fewer than 4 degrees of freedom [3]_.

    Notes
    -----
    ``"multivariate"``: :math:`\Phi_j = V_j + \tau^2 J` with :math:`V_j` of
    :func:`covariance_matrix` and tau² from the aggregated trials, whose likelihood is that of all
    effects up to a constant; generalised least squares. The same model as metafor's
    ``rma.mv(yi, V, random = ~ 1 | cluster)`` with clubSandwich's CR2, and with one effect a trial
    as ``rma`` with ``robust(clubSandwich = TRUE)``.
    ``"hedges"``: :math:`\Phi_j = k_j (\bar v_j + \tau^2) I`; tau² by PyMARE.

    References
    ----------
    .. [1] Pustejovsky & Tipton (2022), doi:10.1007/s11121-021-01246-3, the correlated-effects
       model.
    .. [2] Hedges, Tipton & Johnson (2010), doi:10.1002/jrsm.5; Fisher & Tipton (2015),
       arXiv:1503.02220, eqs. 7 to 9.
    .. [3] Tipton (2015), doi:10.1037/met0000011; Pustejovsky & Tipton (2018),
       doi:10.1080/07350015.2016.1247004.

    Examples
    --------
    >>> y = [0.2, 0.4, 0.5, 0.1, 0.3, 0.6, 0.4, 0.2]
    >>> fit = robust_synthesize(y, [0.1, 0.1, 0.2, 0.1, 0.05, 0.1, 0.1, 0.1], list("aabbcdef"))
    >>> print(fit)
    Pooled effect 0.32 from 8 effects of 6 trials (CR2, 4.5 df), 95 % CI 0.18 to 0.46.
    """
    check_choice("working", working, get_args(Working))
    check_choice("method", method, METHODS)
    check_level(level)
    check_rho(rho)
    effects, variances, labels = check_effects(yi, vi, slab)
    trials = check_clusters(cluster, labels)
    if working == "hedges":
        spread, phi = _hedges(effects, variances, trials, rho)
    else:
        spread, phi = _multivariate(effects, variances, trials, rho, method, level)
    fit = fit_robust(effects, np.ones((effects.size, 1)), phi, trials)
    df = fit.degrees_of_freedom(np.ones((1, 1)))
    # Of effects that agree exactly, rounding would leave a standard error that means nothing.
    se = float(np.linalg.norm(fit.factor)) if np.ptp(effects) > 0.0 else 0.0
    mean = contrast("pooled effect", float(fit.beta[0]), se, float(df[0]), level, _AGREE)
    used: Method = method if working == "multivariate" else "DL"
    lower, upper = prediction(mean, spread[0], used, len(set(trials)) - 1.0)
    names = ("se", "stat", "df", "pval", "ci_lb", "ci_ub")
    return RobustSynthesis(
        k=len(set(trials)),
        n_effects=effects.size,
        estimate=float(fit.beta[0]),
        **{name: getattr(mean, name) for name in names},
        pi_lb=lower,
        pi_ub=upper,
        tau2=spread[0],
        tau2_ci_lb=spread[1],
        tau2_ci_ub=spread[2],
        rho=float(rho),
        working=working,
        method=method if working == "multivariate" else "moments",
        test="CR2",
        level=float(level),
        cluster=trials,
        slab=labels,
        yi=frozen_array(effects),
        vi=frozen_array(variances),
        notes=tuple(small_df_notes(["pooled effect"], df)),
    )


_AGREE = Absent("all effects agree exactly, so that the robust standard error is 0")


def _given_matrix(V: npt.ArrayLike, vi: FloatArray, trials: npt.NDArray[np.str_]) -> FloatArray:
    matrix = as_floats("V", V)
    if matrix.shape != (vi.size, vi.size):
        message = f"V must have shape ({vi.size}, {vi.size}); got {matrix.shape}"
        raise InputError(message)
    apart = trials[:, None] != trials
    problems = []
    if not np.allclose(matrix.diagonal(), vi, rtol=1e-8, atol=0.0):
        problems.append("the diagonal of V must be vi")
    if not np.allclose(matrix, matrix.T, rtol=1e-8, atol=0.0):
        problems.append("V must be symmetric and finite")
    if matrix[apart].any():
        problems.append("V must be 0 between trials")
    refuse(problems or list(indefinite(matrix, trials)))
    return matrix


def _aggregate(
    yi: FloatArray, matrix: FloatArray, trials: tuple[str, ...], rho: Number
) -> Aggregated:
    names = tuple(dict.fromkeys(trials))
    members = [np.flatnonzero(np.array(trials) == name) for name in names]
    weights = [np.linalg.solve(matrix[np.ix_(i, i)], np.ones(i.size)) for i in members]
    notes = [
        f"a negative weight in {name}: its variances differ too much for this correlation"
        for name, w in zip(names, weights, strict=True)
        if (w < 0.0).any()
    ]
    return Aggregated(
        cluster=names,
        yi=frozen_array([w @ yi[i] / w.sum() for w, i in zip(weights, members, strict=True)]),
        vi=frozen_array([1.0 / w.sum() for w in weights]),
        effects=tuple(int(i.size) for i in members),
        rho=rho,
        notes=tuple(notes),
    )


def _multivariate(
    yi: FloatArray,
    vi: FloatArray,
    trials: tuple[str, ...],
    rho: float,
    method: Method,
    level: float,
) -> tuple[tuple[float, Number, Number], FloatArray]:
    """Return tau² with its interval, and the working covariance matrix."""
    matrix = covariance_matrix(vi, trials, rho=rho)
    single = _aggregate(yi, matrix, trials, rho)
    fit = synthesize(single.yi, single.vi, method=method, level=level, slab=single.cluster)
    tau2 = float(fit.tau2)  # type: ignore[arg-type]
    same = np.array(trials)[:, None] == np.array(trials)
    return (tau2, fit.tau2_ci_lb, fit.tau2_ci_ub), matrix + tau2 * same


def _hedges(
    yi: FloatArray, vi: FloatArray, trials: tuple[str, ...], rho: float
) -> tuple[tuple[float, Number, Number], FloatArray]:
    """Return tau² and the working covariance matrix of Hedges, Tipton and Johnson."""
    moments = load_pymare("stats").correlated_effects_tau2
    column = np.ones((yi.size, 1))
    found = moments(yi[:, None], vi[:, None], column, np.array(trials), rho=rho)
    tau2 = float(np.squeeze(found))
    same = (np.array(trials)[:, None] == np.array(trials)).astype(float)
    size = same.sum(axis=1)
    return (tau2, _MOMENTS, _MOMENTS), np.diag(size * (same @ vi / size + tau2))
