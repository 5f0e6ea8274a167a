"""Subgroups of trials: the effect in each, and whether they differ. Regression is re-exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from combined_care.coefficient_tests import FLAT, SMALL_SCALE, Contrast, contrast
from combined_care.errors import InputError
from combined_care.inference import TESTS, Test
from combined_care.inputs import Labels, check_choice, check_effects, check_labels, check_level
from combined_care.level_means import (
    ALONE,
    SINGLES,
    CommonModel,
    Subgroup,
    common_fields,
    common_records,
    fit_common,
    own_record,
    separate_test,
)
from combined_care.regression import MetaRegression, meta_regression
from combined_care.residual_variation import tau2_notes
from combined_care.results import FloatArray, Number, Result, frozen_array, is_present
from combined_care.synthesis import synthesize
from combined_care.tau2 import METHODS, Method

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Contrast",
    "MetaRegression",
    "Subgroup",
    "Subgroups",
    "meta_regression",
    "subgroups",
]

Tau = Literal["common", "separate"]

#: Trials a level below which Borenstein et al. (2009, p. 163) advise a common tau².
_FEW = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class Subgroups(Result):
    """Effects by level of one moderator, and tests of their equality.

    Attributes
    ----------
    levels : tuple of str
        Names of the levels, sorted (in their own order for a categorical).
    groups : tuple of Subgroup
        One record a level, in the same order.
    k : int
        Number of trials in all.
    tau : str
        ``"common"`` or ``"separate"``: which tau² the groups show. The tests below do not depend
        on it.
    tau2, tau2_ci_lb, tau2_ci_ub : float
        Common tau² within levels with its Q-profile interval.
    qm, qm_df, qm_pval : float
        Test of equal effects with the common tau², as chi-squared.
    f, f_df1, f_df2, f_pval : float
        The same as Knapp-Hartung F; the test to rely on.
    qb, qb_df, qb_pval : float
        Test with separate tau², as chi-squared.
    q, q_df, q_pval : float
        Test of residual heterogeneity within levels.
    r2 : float
        Share of tau² that goes along with the levels, in percent.
    group : tuple of str
        Level of each trial.
    yi, vi, slab
        Effects, sampling variances and labels of the trials.
    method, test, level : str, str, float
        What was done; `level` is the confidence level.
    notes : tuple of str
        What a reader must know before leaning on the numbers.
    """

    caption = "Subgroups"

    levels: tuple[str, ...]
    groups: tuple[Subgroup, ...]
    k: int
    tau: Tau
    tau2: Number
    tau2_ci_lb: Number
    tau2_ci_ub: Number
    qm: Number
    qm_df: Number
    qm_pval: Number
    f: Number
    f_df1: Number
    f_df2: Number
    f_pval: Number
    qb: Number
    qb_df: Number
    qb_pval: Number
    q: Number
    q_df: Number
    q_pval: Number
    r2: Number
    group: tuple[str, ...]
    yi: FloatArray
    vi: FloatArray
    slab: tuple[str, ...]
    method: Method
    test: Test
    level: float
    notes: tuple[str, ...]

    def __str__(self) -> str:
        if self.k == len(self.levels):
            return f"One trial in each of {self.k} levels: nothing can be tested."
        shown = ", ".join(str(found).rstrip(".") for found in self.groups)
        if not is_present(self.f_pval):
            return f"{shown}; test of equal effects {self.f_pval}."
        test = f"F({self.f_df1:g}, {self.f_df2:g}) = {self.f:.2f}, p = {self.f_pval:.2g}"
        return f"{shown}; test of equal effects {test}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a level."""
        return pd.concat([found.to_frame() for found in self.groups], ignore_index=True)

    def subgroup(self, name: str) -> Subgroup:
        """Return the record of one level."""
        check_choice("level", name, self.levels)
        return self.groups[self.levels.index(name)]

    def levels_with(self, at_least: int = 3) -> int:
        """Return how many levels have at least so many trials."""
        return sum(found.k >= at_least for found in self.groups)

    def difference(self, a: str, b: str) -> Contrast:
        r"""Return the effect in level `a` less the effect in level `b`, with its test.

        Notes
        -----
        With a common tau² the degrees of freedom are those of the regression (trials less
        levels). With separate tau² the variances add up, and Knapp-Hartung intervals use the
        degrees of freedom of Welch and Satterthwaite [1]_. Differences are not corrected for
        multiple testing; the omnibus test comes first.

        References
        ----------
        .. [1] Welch (1947), doi:10.1093/biomet/34.1-2.28.

        Examples
        --------
        >>> fit = subgroups([0.1, 0.3, 0.2, 0.7, 0.5, 0.9], [0.02] * 6, list("aaabbb"))
        >>> print(fit.difference("b", "a"))
        b less a: 0.50, 95 % CI 0.14 to 0.86, p = 0.018.
        """
        one, other = self.subgroup(a), self.subgroup(b)
        label = f"{a} less {b}"
        if not (is_present(one.estimate) and is_present(other.estimate)):
            return contrast(label, SINGLES, SINGLES, SINGLES, self.level, SINGLES)
        gap = one.estimate - other.estimate
        if self.tau == "separate" and min(one.k, other.k) == 1:
            return contrast(label, gap, ALONE, ALONE, self.level, ALONE)
        if not (is_present(one.se) and is_present(other.se)):
            return contrast(label, gap, FLAT, FLAT, self.level)
        se = float(np.hypot(one.se, other.se))
        return contrast(label, gap, se, self._difference_df(one, other), self.level)

    def _difference_df(self, one: Subgroup, other: Subgroup) -> Number:
        if self.test == "z" or self.tau == "common":
            return one.df
        a, b = float(one.se) ** 2, float(other.se) ** 2  # type: ignore[arg-type]
        return (a + b) ** 2 / (a**2 / (one.k - 1.0) + b**2 / (other.k - 1.0))


def subgroups(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    groups: Labels,
    tau: Tau = "common",
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> Subgroups:
    r"""Pool trials by level of a moderator and test whether the levels differ.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the experimental arm) and sampling **variances**.
    groups : sequence of str of length k
        Level of each trial; the order of a pandas categorical is kept.
    tau : {"common", "separate"}
        Whether the levels share one tau². Sharing is steadier with few trials a level (below
        about five [1]_); separate fits each level by itself, as ``synthesize`` would.
    method : {"REML", "EE", "DL", "HE", "PM", "ML", "SJ", "HS"}
        Estimator of tau².
    test : {"knha", "z", "knha-conservative"}
        How intervals are made.
    level : float
        Level of all intervals.
    slab : sequence of str, optional
        Study labels, used in the result and in error messages.

    Returns
    -------
    Subgroups

    Raises
    ------
    InputError
        If an effect, variance or option is not usable, a level is missing for some trials, there
        are fewer than two levels, or a category has no trial.

    Notes
    -----
    The omnibus F is that of a mixed-effects regression on the levels with one common tau²,
    scaled by Knapp and Hartung [2]_. Chi-squared with separate tau² is
    :math:`Q_B = \sum_g (\hat\mu_g - \bar\mu)^2 / s_g^2` with normal standard errors [1]_ (chapter
    19). The fixed-effect Q-between is never shown: with heterogeneity it can be wrong by orders
    of magnitude. A level of one trial counts in the common model; with separate tau² it
    is shown with its own normal interval and cannot be compared.

    References
    ----------
    .. [1] Borenstein, Hedges, Higgins & Rothstein (2009), Introduction to Meta-Analysis,
       doi:10.1002/9780470743386.
    .. [2] Knapp & Hartung (2003), doi:10.1002/sim.1482.

    Examples
    --------
    >>> fit = subgroups([0.1, 0.3, 0.2, 0.7, 0.5, 0.9], [0.02] * 6, list("aaabbb"))
    >>> print(fit.subgroup("a"))
    a: 0.20 (-0.05 to 0.45, 3 trials).
    >>> f"F({fit.f_df1:g}, {fit.f_df2:g}) = {fit.f:.2f}, p = {fit.f_pval:.3f}"
    'F(1, 4) = 15.00, p = 0.018'
    """
    check_choice("tau", tau, get_args(Tau))
    check_choice("method", method, METHODS)
    check_choice("test", test, TESTS)
    check_level(level)
    effects, variances, labels = check_effects(yi, vi, slab)
    group = check_labels("groups", groups, labels)
    levels = _levels(groups, group)
    member = np.array(group)[:, None] == np.array(levels)
    alone = [synthesize(effects[m], variances[m], method, test, level) for m in member.T]
    common = fit_common(effects, variances, member, method, test, level)
    if tau == "common":
        records = common_records(levels, alone, common, level)
    else:
        records = tuple(map(own_record, levels, alone))
    return Subgroups(
        levels=levels,
        groups=records,
        k=effects.size,
        tau=tau,
        **common_fields(common, method),
        **separate_test(levels, alone, method),
        group=group,
        yi=frozen_array(effects),
        vi=frozen_array(variances),
        slab=labels,
        method=method,
        test=test,
        level=float(level),
        notes=_notes(records, common, test, tau),
    )


def _levels(groups: Labels, group: tuple[str, ...]) -> tuple[str, ...]:
    """Return the levels, sorted or in the order of the categories."""
    present = set(group)
    levels = tuple(sorted(present))
    if isinstance(getattr(groups, "dtype", None), pd.CategoricalDtype):
        levels = tuple(str(c) for c in pd.Categorical(groups).categories)  # type: ignore[arg-type]
    empty = [name for name in levels if name not in present]
    if empty:
        message = f"groups has levels without trials: {', '.join(empty)}"
        raise InputError(message)
    if len(levels) < 2:
        message = f"groups must have at least two levels; got only {levels[0]!r}"
        raise InputError(message)
    return levels


def _notes(
    records: tuple[Subgroup, ...], common: CommonModel | None, test: Test, tau: Tau
) -> tuple[str, ...]:
    """Say what a reader must know before leaning on the numbers."""
    notes: list[str] = []
    if common is not None:
        notes += tau2_notes(common.fit.tau2, common.rest)
        if test == "knha" and common.fit.scale < 1.0:
            notes.append(SMALL_SCALE)
    small = [f"{found.name} ({found.k})" for found in records if found.k < _FEW]
    if small:
        advice = "" if tau == "common" else "; a common tau2 is steadier"
        notes.append(f"levels with fewer than {_FEW} trials: {', '.join(small)}{advice}")
    return tuple(notes)
