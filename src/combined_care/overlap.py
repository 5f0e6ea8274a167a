r"""Overlap of the two arms: a standardised mean difference in, proportions of people out.

Outcomes are taken as normal with equal variances; positive g favours the experimental arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import erf, ndtr

from combined_care.event_rates import Interval, checked, digits, interval_name
from combined_care.results import FloatArray, Result

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False, kw_only=True)
class Proportion(Result):
    """A proportion of people, between 0 and 1, with its interval.

    Attributes
    ----------
    quantity : str
        What the proportion counts.
    estimate, ci_lb, ci_ub : float
        The proportion and its interval; 0.5 means no difference between the arms.
    level, interval : float, {"confidence", "prediction", "credible"}
        Level and kind of the interval.
    """

    caption: ClassVar[str] = "Proportion of people"

    quantity: str
    estimate: float
    ci_lb: float
    ci_ub: float
    level: float
    interval: Interval

    def __str__(self) -> str:
        estimate, low, high = (digits(100 * x) for x in (self.estimate, self.ci_lb, self.ci_ub))
        name = interval_name(self.level, self.interval)
        return f"{self.quantity}: {estimate} of 100 ({name} {low} to {high})."


def proportion_above_comparator_mean(
    g: float,
    ci_lb: float,
    ci_ub: float,
    *,
    level: float = 0.95,
    interval: Interval = "confidence",
) -> Proportion:
    r"""Compute the proportion of the experimental arm that fares better than the comparator's mean.

    Parameters
    ----------
    g, ci_lb, ci_ub : float
        Standardised mean difference and its interval; positive favours the experimental arm.
    level, interval : float, {"confidence", "prediction", "credible"}
        Level and kind of the interval given.

    Returns
    -------
    Proportion
        :math:`U_3 = \Phi(g)`, for normal outcomes of equal variance.

    Raises
    ------
    InputError
        If a number is not finite or the interval does not hold the estimate.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, section 2.2.

    Examples
    --------
    >>> found = proportion_above_comparator_mean(0.5, 0.2, 0.8)
    >>> print(found)  # doctest: +NORMALIZE_WHITESPACE
    People in the experimental arm who fare better than the comparator's mean:
    69 of 100 (95 % CI 58 to 79).
    """
    effects = checked(("g", "ci_lb", "ci_ub"), (g, ci_lb, ci_ub), level, interval)
    quantity = "People in the experimental arm who fare better than the comparator's mean"
    return _proportion(quantity, ndtr(effects), level, interval)


def probability_of_superiority(
    g: float,
    ci_lb: float,
    ci_ub: float,
    *,
    level: float = 0.95,
    interval: Interval = "confidence",
) -> Proportion:
    r"""Compute how often a person of the experimental arm fares better than one of the other arm.

    Parameters
    ----------
    g, ci_lb, ci_ub, level, interval
        As in :func:`proportion_above_comparator_mean`, which also lists the errors.

    Returns
    -------
    Proportion
        :math:`\Phi(g/\sqrt2)`, for normal outcomes of equal variance.

    References
    ----------
    McGraw & Wong (1992), Psychological Bulletin 111:361-365, doi:10.1037/0033-2909.111.2.361.

    Examples
    --------
    >>> print(probability_of_superiority(0.5, 0.2, 0.8))
    Pairs in which the person of the experimental arm fares better: 64 of 100 (95 % CI 56 to 71).
    """
    effects = checked(("g", "ci_lb", "ci_ub"), (g, ci_lb, ci_ub), level, interval)
    quantity = "Pairs in which the person of the experimental arm fares better"
    return _proportion(quantity, ndtr(effects / np.sqrt(2.0)), level, interval)


def success_rate_difference(g: npt.ArrayLike) -> FloatArray:
    r"""Compute the chance to fare better with the experimental arm, less that to fare worse.

    Parameters
    ----------
    g : array_like
        Standardised mean difference; positive favours the experimental arm.

    Returns
    -------
    numpy.ndarray
        :math:`2\Phi(g/\sqrt2) - 1 = \mathrm{erf}(g/2)`, between -1 and 1; its reciprocal is the
        number needed to treat of Kraemer & Kupfer (2006), doi:10.1016/j.biopsych.2005.09.014.

    Examples
    --------
    >>> f"{success_rate_difference(0.5):.4f}"
    '0.2763'
    """
    return np.asarray(erf(np.asarray(g, dtype=np.float64) / 2.0))[()]


def _proportion(quantity: str, values: FloatArray, level: float, interval: Interval) -> Proportion:
    estimate, low, high = values.tolist()
    return Proportion(
        quantity=quantity,
        estimate=estimate,
        ci_lb=low,
        ci_ub=high,
        level=float(level),
        interval=interval,
    )
