r"""Number needed to treat: an effect and its interval in, NNT and NNH out; g to odds ratios.

Every function carries the interval through and takes any kind of it (confidence, prediction or
credible). Positive g favours the experimental arm; ratios and differences of rates are experimental
against comparator for the event *as named*, so that whether the event is good or bad must be said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from combined_care.conversions import CHINN, log_odds_from_smd
from combined_care.effects import EffectSizes, require
from combined_care.errors import InputError
from combined_care.event_rates import (
    AbsoluteEffect,
    Event,
    Interval,
    absolute_effect,
    checked,
    digits,
    interval_name,
)
from combined_care.overlap import success_rate_difference
from combined_care.results import FloatArray, Result

if TYPE_CHECKING:
    import numpy.typing as npt

SmdMethod = Literal["kraemer-kupfer", "furukawa-leucht"]
Side = Literal["benefit", "harm", "none"]

_METHODS = {
    "kraemer-kupfer": "by Kraemer-Kupfer",
    "furukawa-leucht": "by Furukawa-Leucht",
    "OR": "from the odds ratio",
    "RR": "from the risk ratio",
    "RD": "from the risk difference",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberNeeded(Result):
    """Number needed to treat for one more person to benefit (NNT) or to be harmed (NNH).

    The scale runs from NNT 1 through infinity (no effect) to NNH 1; an interval that includes no
    effect runs through infinity.

    Attributes
    ----------
    method : {"kraemer-kupfer", "furukawa-leucht", "OR", "RR", "RD"}
        What the absolute benefit was derived by or from.
    benefit, benefit_ci_lb, benefit_ci_ub : float
        Absolute benefit, between -1 and 1: the proportion of people who fare better for having the
        experimental arm, less those who fare worse. The number needed is its reciprocal.
    number, number_best, number_worst : float
        Number needed, at least 1, at the estimate and at the two ends of the interval; infinite at
        no effect.
    side, side_best, side_worst : {"benefit", "harm", "none"}
        Whether that number is an NNT, an NNH, or infinite.
    level : float
        Level of the interval.
    interval : {"confidence", "prediction", "credible"}
        Its kind.
    notes : tuple of str
        What a reader must know before using the numbers.
    """

    caption: ClassVar[str] = "Number needed to treat"

    method: str
    benefit: float
    benefit_ci_lb: float
    benefit_ci_ub: float
    number: float
    side: Side
    number_best: float
    side_best: Side
    number_worst: float
    side_worst: Side
    level: float
    interval: Interval
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = interval_name(self.level, self.interval)
        number = "NNT infinity" if self.side == "none" else _needed(self.number, self.side)
        text = f"{number} ({name} {self._span()}), {_METHODS[self.method]}"
        return "; ".join([text, *self.notes]) + "."

    def _span(self) -> str:
        """Write the interval from the end on the estimate's side, through infinity if need be."""
        ends = [(self.number_best, self.side_best), (self.number_worst, self.side_worst)]
        if self.side == "harm":
            ends.reverse()
        words = [digits(n) if side == self.side else _needed(n, side) for n, side in ends]
        if {self.side_best, self.side_worst} == {"benefit", "harm"}:
            words.insert(1, "infinity")
        return " to ".join(words)


def nnt_from_smd(
    g: float,
    ci_lb: float,
    ci_ub: float,
    *,
    method: SmdMethod = "kraemer-kupfer",
    control_event_rate: float | None = None,
    event: Event | None = None,
    level: float = 0.95,
    interval: Interval = "confidence",
) -> NumberNeeded:
    r"""Translate a standardised mean difference to a number needed to treat.

    Parameters
    ----------
    g, ci_lb, ci_ub : float
        Standardised mean difference and its interval; positive favours the experimental arm.
    method : {"kraemer-kupfer", "furukawa-leucht"}
        The first needs no rate, and counts as success whoever fares better than a random person
        of the other arm. The second answers for one event with a known rate, and agrees better
        with the numbers needed that trials observed [2]_.
    control_event_rate : float, optional
        Proportion with the event in the comparator arm, between 0 and 1; Furukawa-Leucht only.
    event : {"good", "bad"}, optional
        Whether that event is wanted (response) or not (relapse); Furukawa-Leucht only.
    level, interval : float, {"confidence", "prediction", "credible"}
        Level and kind of the interval given.

    Returns
    -------
    NumberNeeded

    Raises
    ------
    InputError
        If a number is not finite or outside its range, the interval does not hold the estimate, or
        rate and event do not suit the method; all problems are listed.

    Notes
    -----
    With :math:`g` the effect, :math:`c` the control event rate and a good event, the benefit is

    .. math:: b_{KK} = 2\Phi(g/\sqrt2) - 1 = \mathrm{erf}(g/2), \qquad
        b_{FL} = \Phi\bigl(g + \Phi^{-1}(c)\bigr) - c, \qquad NNT = 1 / b.

    For a bad event, :math:`b_{FL} = c - \Phi(\Phi^{-1}(c) - g)`. Both are increasing in g, so that
    the ends of its interval become ends of the interval of the benefit. An interval that includes
    no effect runs through infinity to harm [3]_.

    References
    ----------
    .. [1] Kraemer & Kupfer (2006), Biological Psychiatry 59:990-996,
       doi:10.1016/j.biopsych.2005.09.014.
    .. [2] Furukawa & Leucht (2011), PLoS ONE 6:e19070, doi:10.1371/journal.pone.0019070.
    .. [3] Altman (1998), BMJ 317:1309-1312, doi:10.1136/bmj.317.7168.1309.

    Examples
    --------
    >>> print(nnt_from_smd(0.5, 0.2, 0.8))
    NNT 3.6 (95 % CI 2.3 to 8.9), by Kraemer-Kupfer.
    >>> found = nnt_from_smd(
    ...     0.5, 0.2, 0.8, method="furukawa-leucht", control_event_rate=0.2, event="good"
    ... )
    >>> print(found)  # doctest: +NORMALIZE_WHITESPACE
    NNT 6.0 (95 % CI 3.5 to 17), by Furukawa-Leucht;
    the comparator's rate is taken as known.
    """
    given = (control_event_rate is not None) + (event is not None)
    if (method, given) not in {("kraemer-kupfer", 0), ("furukawa-leucht", 2)}:
        message = (
            "method must be 'kraemer-kupfer' without control_event_rate and event, or"
            f" 'furukawa-leucht' with both; got {method!r}, {control_event_rate!r} and {event!r}"
        )
        raise InputError(message)
    names, values = ("g", "ci_lb", "ci_ub"), (g, ci_lb, ci_ub)
    if control_event_rate is None or event is None:
        effects = checked(names, values, level, interval)
        return _number_needed(method, success_rate_difference(effects), level, interval, ())
    rate = control_event_rate
    checked(names, values, level, interval, rate=rate, event=event)
    found = absolute_effect(
        "SMD", *values, control_event_rate=rate, event=event, level=level, interval=interval
    )
    return _from_absolute(method, found)


def nnt_from_ratio(
    measure: Literal["OR", "RR"],
    ratio: float,
    ci_lb: float,
    ci_ub: float,
    *,
    control_event_rate: float,
    event: Event,
    level: float = 0.95,
    interval: Interval = "confidence",
) -> NumberNeeded:
    """Translate an odds ratio or a risk ratio to a number needed to treat at a given rate.

    Parameters
    ----------
    measure : {"OR", "RR"}
        Which ratio it is.
    ratio, ci_lb, ci_ub : float
        Ratio (not its log) of experimental over comparator for the event as named, and its
        interval. An effect turned round so that positive is good must be turned back first.
    control_event_rate, event, level, interval
        As in :func:`absolute_effect`, which also lists the errors.

    Returns
    -------
    NumberNeeded

    Examples
    --------
    >>> print(nnt_from_ratio("RR", 0.6, 0.4, 0.9, control_event_rate=0.5, event="bad"))
    NNT 5.0 (95 % CI 3.3 to 20), from the risk ratio; the comparator's rate is taken as known.
    """
    if measure not in {"OR", "RR"}:
        message = f"measure must be 'OR' or 'RR'; got {measure!r}"
        raise InputError(message)
    names, values = ("ratio", "ci_lb", "ci_ub"), (ratio, ci_lb, ci_ub)
    rate = control_event_rate
    checked(names, values, level, interval, positive=True, rate=rate, event=event)
    found = absolute_effect(
        measure, *values, control_event_rate=rate, event=event, level=level, interval=interval
    )
    return _from_absolute(measure, found)


def nnt_from_risk_difference(
    difference: float,
    ci_lb: float,
    ci_ub: float,
    *,
    event: Event,
    level: float = 0.95,
    interval: Interval = "confidence",
) -> NumberNeeded:
    """Translate a risk difference to a number needed to treat, its reciprocal.

    Parameters
    ----------
    difference, ci_lb, ci_ub : float
        Rate of the event in the experimental arm less that in the comparator arm, between -1 and
        1, and its interval.
    event : {"good", "bad"}
        Whether the event is wanted (response) or not (relapse).
    level, interval : float, {"confidence", "prediction", "credible"}
        Level and kind of the interval given.

    Returns
    -------
    NumberNeeded

    Raises
    ------
    InputError
        If a number lies outside its range or the interval does not hold the estimate.

    References
    ----------
    Altman (1998), BMJ 317:1309-1312, doi:10.1136/bmj.317.7168.1309.

    Examples
    --------
    Altman's example, a benefit of 10 % with an interval from -5 % to 25 %:

    >>> print(nnt_from_risk_difference(0.10, -0.05, 0.25, event="good"))
    NNT 10 (95 % CI 4.0 to infinity to NNH 20), from the risk difference.
    """
    names = ("difference", "ci_lb", "ci_ub")
    effects = checked(names, (difference, ci_lb, ci_ub), level, interval, limit=1.0, event=event)
    benefit = effects if event == "good" else -effects
    return _number_needed("RD", benefit, level, interval, ())


def smd_to_logor(g: npt.ArrayLike, v: npt.ArrayLike) -> EffectSizes:
    r"""Bring a standardised mean difference and its variance to the scale of log odds ratios.

    Parameters
    ----------
    g : array_like
        Standardised mean difference.
    v : array_like
        Its sampling variance, not negative.

    Returns
    -------
    EffectSizes
        :math:`\ln OR = g\pi/\sqrt3` and its variance :math:`v\pi^2/3`; undone by
        :func:`combined_care.conversions.smd_from_log_odds`.

    Raises
    ------
    InputError
        If a variance is negative or a number is not finite.

    References
    ----------
    Chinn (2000), Statistics in Medicine 19:3127-3131.

    Examples
    --------
    >>> lor = smd_to_logor(0.24, 0.01)
    >>> f"{lor.yi:.4f} {lor.vi:.4f}"
    '0.4353 0.0329'
    """
    effect, variance = np.asarray(g, dtype=np.float64), np.asarray(v, dtype=np.float64)
    require(np.isfinite(effect), effect, "g", "finite")
    require((variance >= 0) & np.isfinite(variance), variance, "v", "finite and not negative")
    return EffectSizes(log_odds_from_smd(effect), (variance / CHINN**2)[()])


def _from_absolute(method: str, found: AbsoluteEffect) -> NumberNeeded:
    benefit = np.array([found.benefit, found.benefit_ci_lb, found.benefit_ci_ub])
    return _number_needed(method, benefit, found.level, found.interval, found.notes)


def _number_needed(
    method: str, benefit: FloatArray, level: float, interval: Interval, notes: tuple[str, ...]
) -> NumberNeeded:
    """Take the reciprocal of a benefit and of the ends of its interval, whichever comes first."""
    estimate, worst, best = float(benefit[0]), float(benefit.min()), float(benefit.max())
    number, side = _reciprocal(estimate)
    number_best, side_best = _reciprocal(best)
    number_worst, side_worst = _reciprocal(worst)
    return NumberNeeded(
        method=method,
        benefit=estimate,
        benefit_ci_lb=worst,
        benefit_ci_ub=best,
        number=number,
        side=side,
        number_best=number_best,
        side_best=side_best,
        number_worst=number_worst,
        side_worst=side_worst,
        level=float(level),
        interval=interval,
        notes=notes,
    )


def _reciprocal(benefit: float) -> tuple[float, Side]:
    if benefit == 0.0:
        return float("inf"), "none"
    return 1.0 / abs(benefit), "benefit" if benefit > 0.0 else "harm"


def _needed(number: float, side: Side) -> str:
    if side == "none":
        return "infinity"
    return f"{'NNT' if side == 'benefit' else 'NNH'} {digits(number)}"
