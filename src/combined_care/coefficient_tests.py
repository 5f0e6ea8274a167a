"""Tests of regression coefficients, one at a time and all moderators at once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from combined_care.cluster_robust import RobustFit, fit_robust
from combined_care.errors import InputError, SmallSampleWarning
from combined_care.inference import critical, lower_tail
from combined_care.inputs import Labels, check_labels
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.mixed_model import MixedFit
    from combined_care.tau2 import Method

#: Below this Satterthwaite's approximation is poor (Tipton 2015, doi:10.1037/met0000011).
SMALLEST_DF = 4.0

FLAT = Absent("the model fits exactly, so that the Knapp-Hartung standard error is 0")
EQUAL = Absent("the equal-effects model has no variation of true effects")
TOO_FEW = Absent("not estimable with fewer than two residual degrees of freedom")
SMALL_SCALE = (
    "the Knapp-Hartung standard errors are smaller than the normal ones; "
    "see knha-conservative beside them"
)
NO_MODERATOR = Absent("the formula has no moderator")


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrast(Result):
    """A coefficient, or a combination of several, with its test.

    Attributes
    ----------
    label : str
        What is estimated.
    estimate, se, stat, df, pval, ci_lb, ci_ub : float
        Estimate, standard error, their ratio, degrees of freedom (infinite for the normal
        distribution), two-sided p value, and confidence limits.
    level : float
        Confidence level.
    """

    caption = "Contrast"

    label: str
    estimate: Number
    se: Number
    stat: Number
    df: Number
    pval: Number
    ci_lb: Number
    ci_ub: Number
    level: float

    def __str__(self) -> str:
        if not is_present(self.ci_lb):
            return f"{self.label}: {self.estimate:.2f}, {100 * self.level:g} % CI {self.ci_lb}."
        interval = f"{100 * self.level:g} % CI {self.ci_lb:.2f} to {self.ci_ub:.2f}"
        return f"{self.label}: {self.estimate:.2f}, {interval}, p = {self.pval:.2g}."


def contrast(
    label: str, estimate: Number, se: Number, df: Number, level: float, reason: Absent = FLAT
) -> Contrast:
    """Test one estimate; everything but the estimate is `reason` where `se` is absent or 0."""
    values: dict[str, Number] = dict.fromkeys(
        ("se", "stat", "df", "pval", "ci_lb", "ci_ub"), reason
    )
    if is_present(estimate) and is_present(se) and is_present(df) and se > 0.0:
        stat, at = estimate / se, np.array([df])
        half = float(critical(at, level)[0]) * se
        pval = 2.0 * float(lower_tail(at, np.array([-abs(stat)]))[0])
        values = {"se": se, "stat": stat, "df": df, "pval": pval}
        values |= {"ci_lb": estimate - half, "ci_ub": estimate + half}
    return Contrast(label=label, estimate=estimate, level=level, **values)


class Omnibus(NamedTuple):
    """The test that all moderators together matter, as chi-squared and as F."""

    qm: Number
    qm_df: Number
    qm_pval: Number
    f: Number
    f_df1: Number
    f_df2: Number
    f_pval: Number

    @classmethod
    def absent(cls, reason: Absent) -> Omnibus:
        """Return the test that cannot be made."""
        return cls(*([reason] * len(cls._fields)))


class Coefficients(NamedTuple):
    """Coefficients under one kind of test: covariance, degrees of freedom, omnibus test.

    The covariance comes as a factor of shape (p, any), to be multiplied by its transpose: standard
    errors of combinations are then lengths of vectors, which rounding cannot make imaginary.
    """

    factor: FloatArray
    df: FloatArray
    omnibus: Omnibus


def contrasts(
    labels: Sequence[str], estimates: FloatArray, ses: FloatArray, df: FloatArray, level: float
) -> tuple[Contrast, ...]:
    """Test several estimates."""
    rows = zip(labels, estimates.tolist(), ses.tolist(), df.tolist(), strict=True)
    return tuple(contrast(*row, level) for row in rows)


def prediction(
    mean: Contrast, tau2: float, method: Method, residual_df: float
) -> tuple[Number, Number]:
    r"""Return the prediction interval of a new trial around an estimated mean.

    :math:`\hat\mu \pm t \sqrt{se^2 + \hat\tau^2}` with the degrees of freedom of the mean, as
    metafor; absent under equal effects and below two residual degrees of freedom.
    """
    if method == "EE":
        return EQUAL, EQUAL
    if residual_df < 2.0:
        return TOO_FEW, TOO_FEW
    if not (is_present(mean.estimate) and is_present(mean.se) and is_present(mean.df)):
        return FLAT, FLAT
    spread = float(np.hypot(mean.se, np.sqrt(tau2)))
    half = float(critical(np.array([mean.df]), mean.level)[0]) * spread
    return mean.estimate - half, mean.estimate + half


def model_based(fit: MixedFit, tested: FloatArray, k: int, test: str) -> Coefficients:
    r"""Test coefficients under the random-effects model.

    Parameters
    ----------
    fit : MixedFit
        Of k studies.
    tested : numpy.ndarray of shape (m, p)
        Rows of the omnibus test; m may be 0.
    test : {"z", "knha", "knha-conservative"}
        How covariances are scaled. The omnibus F is scaled under ``"z"`` as well, by
        :math:`y^TPy / (k - p)`: :math:`F = Q_M / (m \cdot scale)` on m and k - p [1]_.

    References
    ----------
    .. [1] Knapp & Hartung (2003), doi:10.1002/sim.1482.
    """
    residual_df = float(k - fit.beta.size)
    scale = max(fit.scale, 1.0) if test == "knha-conservative" else fit.scale
    df = np.full(fit.beta.size, np.inf if test == "z" else residual_df)
    factor = fit.factor * (1.0 if test == "z" else np.sqrt(scale))
    m = float(len(tested))
    if m == 0.0:
        return Coefficients(factor, df, Omnibus.absent(NO_MODERATOR))
    qm = _wald(tested @ fit.beta, tested @ fit.factor)
    f_values: tuple[Number, Number, Number, Number] = (FLAT, FLAT, FLAT, FLAT)
    if scale > 0.0:
        f = qm / (m * scale)
        f_values = (f, m, residual_df, float(special.fdtrc(m, residual_df, f)))
    return Coefficients(factor, df, Omnibus(qm, m, float(special.chdtrc(m, qm)), *f_values))


def cluster_based(robust: RobustFit, tested: FloatArray) -> Coefficients:
    """Test coefficients by CR2; the omnibus F is the approximate Hotelling test."""
    df = robust.degrees_of_freedom(np.eye(robust.beta.size))
    if len(tested) == 0:
        return Coefficients(robust.factor, df, Omnibus.absent(NO_MODERATOR))
    m, clusters = float(len(tested)), len(robust.own)
    few = Absent(f"{clusters} clusters are too few to test {len(tested)} coefficients together")
    f, df1, df2 = robust.omnibus(tested) if clusters > m else (0.0, m, 0.0)
    if df2 <= 0.0:
        return Coefficients(robust.factor, df, Omnibus.absent(few))
    qm = _wald(tested @ robust.beta, tested @ robust.factor)
    chi2 = float(special.chdtrc(m, qm))
    return Coefficients(
        robust.factor,
        df,
        Omnibus(qm, m, chi2, f, df1, df2, float(special.fdtrc(df1, df2, f))),
    )


def robust_fit(
    yi: FloatArray, vi: FloatArray, design: FloatArray, tau2: float, cluster: Sequence[str]
) -> RobustFit:
    """Fit with the working model of independent rows of variance vi + tau²."""
    return fit_robust(yi, design, np.diag(vi + tau2), cluster)


def check_variance(robust: RobustFit, terms: Sequence[str]) -> None:
    """Refuse coefficients whose variance CR2 cannot estimate.

    Raises
    ------
    InputError
        Naming each term that a single study, or studies of one cluster, fit exactly.
    """
    known = robust.has_variance(np.eye(robust.beta.size)).tolist()
    alone = [term for term, is_known in zip(terms, known, strict=False) if not is_known]
    if alone:
        message = (
            f"no cluster-robust variance for {', '.join(alone)}: what bears on it is in one "
            "cluster; expected two clusters or more (leave it out, or join levels)"
        )
        raise InputError(message)


def check_clusters(cluster: Labels, studies: Sequence[str]) -> tuple[str, ...]:
    """Return one cluster label per study; raise :class:`InputError` for fewer than 2 clusters."""
    found = check_labels("cluster", cluster, studies)
    if len(set(found)) < 2:
        message = f"cluster must name at least two clusters; got only {found[0]!r}"
        raise InputError(message)
    return found


def small_df_notes(terms: Sequence[str], df: FloatArray) -> list[str]:
    """Return a note, and warn, where Satterthwaite's degrees of freedom are below 4.

    Warns
    -----
    SmallSampleWarning
        With the same words.
    """
    low = [
        f"{term} ({d:.1f})" for term, d in zip(terms, df.tolist(), strict=True) if d < SMALLEST_DF
    ]
    if not low:
        return []
    note = (
        f"fewer than 4 Satterthwaite degrees of freedom, p values are unreliable: {', '.join(low)}"
    )
    warnings.warn(note, SmallSampleWarning, stacklevel=4)
    return [note]


def standard_errors(rows: FloatArray, factor: FloatArray) -> FloatArray:
    """Return the standard error of each row of combinations."""
    return np.asarray(np.linalg.norm(rows @ factor, axis=1))


def _wald(effect: FloatArray, factor: FloatArray) -> float:
    return float(effect @ np.linalg.solve(factor @ factor.T, effect))
