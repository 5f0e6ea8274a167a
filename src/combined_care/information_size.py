r"""Optimal information size: the people that one sufficiently large trial would need."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.special import ndtri

from combined_care.comparator_rates import mean_rate, ratio_of_event
from combined_care.event_rates import experimental_event_rate
from combined_care.results import Absent, Number
from combined_care.review import current_review

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.effects import Measure


def people_for_smd(smallest: float, *, alpha: float, power: float) -> int:
    r"""Return the people that a trial with two equal arms needs to detect a difference.

    Parameters
    ----------
    smallest : float
        Standardised mean difference to detect, above 0.
    alpha, power : float
        Two-sided significance level, and power.

    Returns
    -------
    int
        Both arms together: :math:`4 (z_{1-\alpha/2} + z_{power})^2 / \delta^2`, rounded up.

    Examples
    --------
    >>> people_for_smd(0.5, alpha=0.05, power=0.80), people_for_smd(0.24, alpha=0.05, power=0.80)
    (126, 546)
    """
    return 2 * math.ceil(2 * _errors(alpha, power) / smallest**2)


def people_for_rates(rate_c: float, rate_e: float, *, alpha: float, power: float) -> int:
    r"""Return the people that a trial with two equal arms needs to tell two rates apart.

    Parameters
    ----------
    rate_c, rate_e : float
        Rates of the event in the two arms, different from each other.
    alpha, power : float
        Two-sided significance level, and power.

    Returns
    -------
    int
        Both arms together, an arm having :math:`(z_{1-\alpha/2} + z_{power})^2
        (p_c q_c + p_e q_e) / (p_c - p_e)^2`, rounded up.

    Examples
    --------
    >>> people_for_rates(0.4, 0.5, alpha=0.05, power=0.80)
    770
    """
    spread = rate_c * (1 - rate_c) + rate_e * (1 - rate_e)
    return 2 * math.ceil(_errors(alpha, power) * spread / (rate_c - rate_e) ** 2)


def optimal_information_size(
    measure: Measure,
    outcome: str,
    effects: pd.DataFrame,
    smallest: Number,
    *,
    alpha: float,
    power: float,
) -> Number:
    """Return the optimal information size of an analysis, in people of both arms together.

    Parameters
    ----------
    measure, outcome : str
        Of the analysis.
    effects : pandas.DataFrame
        Pooled effects; ``rate_c`` gives the comparator's event rate where ratios need it.
    smallest : float or Absent
        Smallest effect of interest on the scale of the analysis.
    alpha, power : float
        Two-sided significance level, and power.

    Returns
    -------
    int or Absent
        Absent where no smallest effect or no event rate is known, and for measures without a
        formula here.

    References
    ----------
    Guyatt et al. (2011), GRADE guidelines 6, doi:10.1016/j.jclinepi.2011.01.012.
    """
    if isinstance(smallest, Absent):
        return smallest
    if measure == "SMD":
        return people_for_smd(smallest, alpha=alpha, power=power)
    event = current_review().event(outcome)
    if measure not in ("OR", "RR") or event is None:
        return Absent(f"no formula for {measure} of {outcome}")
    known = mean_rate(effects)
    if isinstance(known, Absent):
        return known
    ratio = ratio_of_event(smallest, event)
    other = experimental_event_rate(measure, ratio, known, event=event)
    return people_for_rates(known, float(other), alpha=alpha, power=power)


def _errors(alpha: float, power: float) -> float:
    return float(ndtri(1 - alpha / 2) + ndtri(power)) ** 2
