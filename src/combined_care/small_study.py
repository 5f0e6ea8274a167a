"""Small-study effects: do small trials show other effects than large ones? Ranks and PET-PEESE.

An association between effect and size has many causes: other patients, doses or methods in small
trials, chance, or results that never appeared. None of these functions can tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from combined_care import inputs, markup
from combined_care.egger import (
    EggerTest,
    default_predictor,
    egger_test,
    limit_of_use,
    noted,
    regress,
    size_of_trials,
)
from combined_care.errors import InputError
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.effects import Measure

__all__ = ["EggerTest", "PetPeese", "RankTest", "egger_test", "pet_peese", "rank_test"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RankTest(Result):
    """Rank correlation between effects and their variances.

    Attributes
    ----------
    k : int
        Number of trials.
    tau : float or Absent
        Kendall's tau (tau-b with ties); above 0 when small trials favour the combined arm more.
    pval : float or Absent
        Two-sided p value.
    is_exact : bool
        Whether `pval` is exact; with ties it rests on the normal approximation.
    note : str
        What limits the use of this result; empty when nothing does.
    """

    caption = "Small-study effects: rank correlation"

    k: int
    tau: Number
    pval: Number
    is_exact: bool
    note: str

    def __str__(self) -> str:
        if not is_present(self.tau):
            return f"Small-study effects by rank correlation: {self.tau} (k = {self.k})."
        return (
            f"Small-study effects by rank correlation (k = {self.k}): Kendall's tau "
            f"{markup.number(self.tau)}, p = {markup.p_value(self.pval)}{noted(self.note)}."
        )


def rank_test(yi: npt.ArrayLike, vi: npt.ArrayLike) -> RankTest:
    r"""Correlate standardised effects with their variances by rank (Begg & Mazumdar's test).

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and sampling variances.

    Returns
    -------
    RankTest
        Kendall's tau between :math:`(y_i - \hat\mu) / \sqrt{v_i - 1/\sum w}` and :math:`v_i`,
        with :math:`w = 1/v` and :math:`\hat\mu = \sum w y / \sum w` [1]_; absent for
        fewer than 3 trials and for effects or variances that are all equal.

    Raises
    ------
    InputError
        If an effect or variance is unusable.

    References
    ----------
    .. [1] Begg & Mazumdar (1994), doi:10.2307/2533446.

    Examples
    --------
    >>> found = rank_test([0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01])
    >>> f"{found.tau:.1f} {found.pval:.4f}"
    '0.6 0.2333'
    """
    effects, variances, _ = inputs.check_effects(yi, vi)
    k = effects.size
    note = limit_of_use(k)
    reason = _no_ranks(effects, variances)
    if reason is not None:
        return RankTest(k=k, tau=reason, pval=reason, is_exact=False, note=note)
    standardised = _standardised(effects, variances)
    is_exact = len(set(standardised)) == k and len(set(variances)) == k
    found = stats.kendalltau(standardised, variances, method="exact" if is_exact else "asymptotic")
    tau, pval = float(found.statistic), float(found.pvalue)
    return RankTest(k=k, tau=tau, pval=pval, is_exact=is_exact, note=note)


@dataclass(frozen=True, eq=False, kw_only=True)
class PetPeese(Result):
    """The limit estimates of two regressions, and which of them the rule selects.

    Attributes
    ----------
    k : int
        Number of trials.
    chosen : str or Absent
        ``"PET"`` or ``"PEESE"``.
    estimate, se, ci_lb, ci_ub, pval : float or Absent
        The limit of the chosen regression.
    alpha : float
        Two-sided level at which PET's limit must differ from 0 for PEESE to be chosen.
    pet, peese : EggerTest
        Both regressions.
    level : float
        Confidence level.
    note : str
        What limits the use of this result; empty when nothing does.
    """

    caption = "Small-study effects: PET-PEESE"

    k: int
    chosen: str | Absent
    estimate: Number
    se: Number
    ci_lb: Number
    ci_ub: Number
    pval: Number
    alpha: float
    level: float
    note: str
    pet: EggerTest = field(repr=False)
    peese: EggerTest = field(repr=False)

    def __str__(self) -> str:
        if not is_present(self.estimate):
            return f"PET-PEESE: {self.estimate} (k = {self.k})."
        return (
            f"PET-PEESE (k = {self.k}) selects {self.chosen}: expected effect of a very large "
            f"trial {markup.number(self.estimate)} ({markup.interval(self.ci_lb, self.ci_ub)})"
            f"{noted(self.note)}."
        )


def pet_peese(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    n_e: npt.ArrayLike | None = None,
    n_c: npt.ArrayLike | None = None,
    *,
    measure: Measure | None = None,
    alpha: float = 0.10,
    level: float = 0.95,
) -> PetPeese:
    r"""Estimate the effect of an endlessly large trial by the conditional PET-PEESE rule.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and sampling variances.
    n_e, n_c : array_like of shape (k,), optional
        People per arm; needed for the standardised mean difference.
    measure : str, optional
        What `yi` is. For ``"SMD"`` the predictors are :math:`\sqrt{1/n_e + 1/n_c}` and its
        square, for the reason given at :func:`egger_test`.
    alpha : float
        Two-sided level of the test of PET's limit; 0.10 is the 5 % one-sided test of [1]_, applied
        in the direction of the estimate.
    level : float
        Confidence level.

    Returns
    -------
    PetPeese
        PET is the limit of the weighted regression on the standard error, PEESE on the variance;
        PEESE is chosen when PET's limit differs from 0 [1]_.

    Raises
    ------
    InputError
        As :func:`egger_test`; or if `alpha` does not lie between 0 and 1.

    References
    ----------
    .. [1] Stanley & Doucouliagos (2014), doi:10.1002/jrsm.1095.

    Examples
    --------
    >>> found = pet_peese([0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01])
    >>> found.chosen, f"{found.estimate:.3f}"
    ('PET', '0.055')
    """
    effects, variances, _ = inputs.check_effects(yi, vi)
    inputs.check_level(level)
    _check_alpha(alpha)
    name = default_predictor(measure)
    x = size_of_trials(name, variances, n_e, n_c)
    pet = regress(effects, variances, x, name, "lm", "REML", "t", level)
    square = "vi" if name == "sei" else "pustejovsky2"
    peese = regress(effects, variances, x**2, square, "lm", "REML", "t", level)
    best = peese if is_present(pet.limit_pval) and pet.limit_pval < alpha else pet
    chosen = "PEESE" if best is peese else "PET"
    return PetPeese(
        k=pet.k,
        chosen=best.limit if isinstance(best.limit, Absent) else chosen,
        estimate=best.limit,
        se=best.limit_se,
        ci_lb=best.limit_ci_lb,
        ci_ub=best.limit_ci_ub,
        pval=best.limit_pval,
        alpha=alpha,
        level=level,
        note=pet.note,
        pet=pet,
        peese=peese,
    )


def _check_alpha(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        message = f"alpha must lie between 0 and 1, such as 0.1; got {alpha!r}"
        raise InputError(message)


def _no_ranks(yi: FloatArray, vi: FloatArray) -> Absent | None:
    if yi.size < 3:
        return Absent(f"a rank correlation needs at least 3 trials, there are {yi.size}")
    if np.ptp(yi) == 0.0:
        return Absent("all effects are equal")
    if np.ptp(vi) == 0.0:
        return Absent("all trials have the same variance")
    return None


def _standardised(yi: FloatArray, vi: FloatArray) -> FloatArray:
    """Return the deviations from the equal-effects mean over their standard errors."""
    w = vi.min() / vi
    # v_i - 1/sum(w) written as v_i (sum of the other weights) / sum(w): no cancellation.
    others = np.array([np.delete(w, i).sum() for i in range(w.size)]) / w.sum()
    return np.asarray((yi - w @ yi / w.sum()) / np.sqrt(vi * others))
