"""Does the effect depend on something? Groups of trials with common or separate tau²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pandas as pd
from pymare.estimators import DerSimonianLaird, Hedges, VarianceBasedLikelihoodEstimator
from scipy import stats

from combined_care.errors import InputError, known
from combined_care.inputs import check_choice, check_effects, check_level
from combined_care.results import Absent, FloatArray, Number, Result
from combined_care.synthesis import Synthesis, synthesize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.inputs import Labels
    from combined_care.tau2 import Method

Tau = Literal["common", "separate"]

_COMMON: dict[str, Callable[[], Any]] = {
    "DL": DerSimonianLaird,
    "HE": Hedges,
    "ML": lambda: VarianceBasedLikelihoodEstimator("ml", xtol=1e-12),
    "REML": lambda: VarianceBasedLikelihoodEstimator("reml", xtol=1e-12),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Difference(Result):
    """The difference between two levels, first minus second."""

    caption: ClassVar[str] = "Difference between two levels"

    first: str
    second: str
    estimate: float
    se: float
    df: float
    pval: float
    ci_lb: float
    ci_ub: float

    def __str__(self) -> str:
        return (
            f"{self.first} less {self.second}: {self.estimate:.2f}, "
            f"interval {self.ci_lb:.2f} to {self.ci_ub:.2f}."
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Subgroups(Result):
    """Pooled effects by level, and the test that they are equal.

    Attributes
    ----------
    tau : {"common", "separate"}
        Whether all levels share one tau².
    levels : tuple of str
        Names of the levels, in order.
    k : tuple of int
        Number of trials of each level.
    estimates, ses, dfs : numpy.ndarray of shape (m,)
        Pooled effect of each level, its standard error and degrees of freedom (infinite: normal).
    tau2 : tuple of float or Absent
        Of each level; all equal when common. Absent for one trial with a tau² of its own.
    qm, qm_df, qm_pval : float
        Omnibus Wald test of equal levels, as chi².
    f_stat, f_df1, f_df2, f_pval : float or Absent
        The same as a Knapp-Hartung F test; absent without Knapp-Hartung or with separate tau².
    fits : tuple of Synthesis
        Each level by itself, for its own tau² and prediction interval.
    """

    caption: ClassVar[str] = "Effect by level"

    tau: Tau
    method: str
    test: str
    level: float
    levels: tuple[str, ...]
    k: tuple[int, ...]
    estimates: FloatArray
    ses: FloatArray
    dfs: FloatArray
    tau2: tuple[Number, ...]
    qm: float
    qm_df: int
    qm_pval: float
    f_stat: Number
    f_df1: Number
    f_df2: Number
    f_pval: Number
    fits: tuple[Synthesis, ...]

    def __str__(self) -> str:
        parts = ", ".join(
            f"{name} {estimate:.2f} (k = {k})"
            for name, estimate, k in zip(self.levels, self.estimates, self.k, strict=True)
        )
        shown = self.qm_pval if isinstance(self.f_pval, Absent) else self.f_pval
        return f"Effect by level ({self.tau} tau²): {parts}; test of equal effects p = {shown:.3g}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a level: k, estimate, se, interval, tau2."""
        half = _critical(self.dfs, self.level) * self.ses
        return pd.DataFrame(
            {
                "level": self.levels,
                "k": self.k,
                "estimate": self.estimates,
                "se": self.ses,
                "ci_lb": self.estimates - half,
                "ci_ub": self.estimates + half,
                "tau2": self.tau2,
            }
        )

    def difference(self, first: str, second: str) -> Difference:
        """Return the difference between two levels, with its interval.

        Raises
        ------
        InputError
            If a level is not one of the tested levels.
        """
        known("level", (first, second), self.levels)
        i, j = self.levels.index(first), self.levels.index(second)
        estimate = float(self.estimates[i] - self.estimates[j])
        se = float(np.hypot(self.ses[i], self.ses[j]))
        df = _satterthwaite(self.ses[[i, j]], self.dfs[[i, j]], common=self.tau == "common")
        half = float(_critical(np.array([df]), self.level)[0]) * se
        return Difference(
            first=first,
            second=second,
            estimate=estimate,
            se=se,
            df=df,
            pval=2 * float(stats.t.sf(abs(estimate / se), df)),
            ci_lb=estimate - half,
            ci_ub=estimate + half,
        )


def subgroups(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    groups: Sequence[object] | npt.NDArray[Any],
    *,
    tau: Tau = "common",
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> Subgroups:
    r"""Pool by level of one moderator and test whether the levels differ.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and their sampling variances.
    groups : sequence of shape (k,)
        Level of each trial.
    tau : {"common", "separate"}
        One tau² for all levels (the default; needed when levels have few trials), or one each.
    method, test, level, slab
        As in :func:`combined_care.synthesis.synthesize`; a common tau² is estimated by DL, HE,
        ML or REML.

    Returns
    -------
    Subgroups
        Estimates by level, the omnibus test, and the difference between any two levels.

    Raises
    ------
    InputError
        If there are fewer than two levels, no trial to spare beyond one a level with a common
        tau², or an argument is not usable.

    Notes
    -----
    With a common tau² the model is a meta-regression on the levels (fitted by PyMARE), and the
    omnibus test is Knapp and Hartung's F with m - 1 and k - m degrees of freedom. The fixed-effect
    Q between groups is not offered: it ignores tau².

    References
    ----------
    Knapp & Hartung (2003), Statistics in Medicine 22:2693-2710, doi:10.1002/sim.1482.
    Borenstein et al. (2009), Introduction to Meta-Analysis, chapter 19.

    Examples
    --------
    >>> found = subgroups([0.1, 0.2, 0.15, 0.6, 0.7, 0.65], [0.02] * 6, list("aaabbb"))
    >>> found.levels, round(found.f_pval, 4)
    (('a', 'b'), 0.0004)
    """
    y, v, labels = check_effects(yi, vi, slab)
    check_choice("tau", tau, ("common", "separate"))
    check_level(level)
    names, member = _levels(groups, y.size)
    fits = tuple(
        synthesize(
            y[row], v[row], method=method, test=test, level=level,
            slab=tuple(np.array(labels, dtype=object)[row]),
        )
        for row in member.T
    )  # fmt: skip
    if tau == "common":
        check_choice("method", method, _COMMON)
        return _common(y, v, names, member, fits, method, test, level)
    return _separate(names, member, fits, method, test, level)


def _levels(
    groups: Sequence[object] | npt.NDArray[Any], k: int
) -> tuple[tuple[str, ...], npt.NDArray[np.bool_]]:
    values = np.array([str(g) for g in groups], dtype=object)
    if len(values) != k:
        message = f"groups must name a level for each of the {k} studies; got {len(values)}"
        raise InputError(message)
    names = tuple(sorted(set(values)))
    if len(names) < 2:
        message = f"groups must have at least 2 levels; got only {', '.join(names)}"
        raise InputError(message)
    return names, np.array([values == name for name in names]).T


def _common(
    y: FloatArray,
    v: FloatArray,
    names: tuple[str, ...],
    member: npt.NDArray[np.bool_],
    fits: tuple[Synthesis, ...],
    method: str,
    test: str,
    level: float,
) -> Subgroups:
    k, m = y.size, len(names)
    if k <= m:
        message = f"a common tau² needs more studies than levels; got {k} studies in {m} levels"
        raise InputError(message)
    found = _COMMON[method]().fit(y=y[:, None], v=v[:, None], X=member.astype(float))
    tau2 = max(float(np.squeeze(found.summary().tau2)), 0.0)
    w = 1 / (v + tau2)
    sums = member.T @ w
    estimates = (member.T @ (w * y)) / sums
    scale = float((w * (y - member @ estimates) ** 2).sum() / (k - m))
    factor = {"z": 1.0, "knha": scale, "knha-conservative": max(scale, 1.0)}[test]
    qm = _wald(estimates, 1 / sums)
    f_stat: Number = Absent("a normal test was asked for")
    f_pval: Number = f_stat
    dfs = np.full(m, np.inf if test == "z" else float(k - m))
    if test != "z":
        f_stat = qm / (m - 1) / factor
        f_pval = float(stats.f.sf(f_stat, m - 1, k - m))
    return Subgroups(
        tau="common",
        method=method,
        test=test,
        level=level,
        levels=names,
        k=tuple(int(n) for n in member.sum(axis=0)),
        estimates=estimates,
        ses=np.sqrt(factor / sums),
        dfs=dfs,
        tau2=(tau2,) * m,
        qm=qm,
        qm_df=m - 1,
        qm_pval=float(stats.chi2.sf(qm, m - 1)),
        f_stat=f_stat,
        f_df1=float(m - 1),
        f_df2=f_stat if isinstance(f_stat, Absent) else float(k - m),
        f_pval=f_pval,
        fits=fits,
    )


def _separate(
    names: tuple[str, ...],
    member: npt.NDArray[np.bool_],
    fits: tuple[Synthesis, ...],
    method: str,
    test: str,
    level: float,
) -> Subgroups:
    estimates = np.array([fit.estimate for fit in fits])
    ses = np.array([_present(fit.se) for fit in fits])
    dfs = np.array([np.inf if fit.test == "z" else float(fit.k - 1) for fit in fits])
    qm = _wald(estimates, ses**2)
    none = Absent("with separate tau² the levels have no common scale; see qm")
    return Subgroups(
        tau="separate",
        method=method,
        test=test,
        level=level,
        levels=names,
        k=tuple(int(n) for n in member.sum(axis=0)),
        estimates=estimates,
        ses=ses,
        dfs=dfs,
        tau2=tuple(fit.tau2 for fit in fits),
        qm=qm,
        qm_df=len(names) - 1,
        qm_pval=float(stats.chi2.sf(qm, len(names) - 1)),
        f_stat=none,
        f_df1=none,
        f_df2=none,
        f_pval=none,
        fits=fits,
    )


def _present(value: Number) -> float:
    if isinstance(value, Absent):
        message = f"a level has no standard error: {value.reason}"
        raise InputError(message)
    return value


def _wald(estimates: FloatArray, variances: FloatArray) -> float:
    """Return the Wald chi² of equal estimates."""
    w = 1 / variances
    return float((w * (estimates - (w @ estimates) / w.sum()) ** 2).sum())


def _satterthwaite(ses: FloatArray, dfs: FloatArray, *, common: bool) -> float:
    """Degrees of freedom of a difference: those of the model, or Welch's for separate fits."""
    if common or np.isinf(dfs).all():
        return float(dfs[0])
    v = ses**2
    return float(v.sum() ** 2 / (v**2 / dfs).sum())


def _critical(dfs: FloatArray, level: float) -> FloatArray:
    return np.asarray(stats.t.ppf((1 + level) / 2, dfs))
