r"""Event rates: a relative effect and the comparator's rate in, the experimental rate out.

Ratios and differences are experimental against comparator for the event *as named*, so that
whether the event is good or bad must be said; a standardised mean difference is positive where the
experimental arm is better. Intervals of any kind (confidence, prediction, credible) are carried
through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from combined_care.effects import require
from combined_care.errors import InputError
from combined_care.results import FloatArray, Result

if TYPE_CHECKING:
    import numpy.typing as npt

Event = Literal["good", "bad"]
Interval = Literal["confidence", "prediction", "credible"]
RateMeasure = Literal["SMD", "OR", "RR", "RD"]

_NAMES = {"confidence": "CI", "prediction": "prediction interval", "credible": "credible interval"}
_RATE_KNOWN = "the comparator's rate is taken as known"
_CUT = "the interval was cut at a rate of 0 or 100 %, beyond which the effect would lead"


@dataclass(frozen=True, eq=False, kw_only=True)
class AbsoluteEffect(Result):
    """How often the event happens in either arm; rates are proportions between 0 and 1.

    Attributes
    ----------
    measure : {"SMD", "OR", "RR", "RD"}
        The effect that the experimental rate was derived from.
    event : {"good", "bad"}
        Whether the event is wanted (response) or not (relapse).
    comparator_rate : float
        Rate of the event with the comparator, taken as known.
    experimental_rate, rate_ci_lb, rate_ci_ub : float
        Rate with the experimental arm, and its interval.
    benefit, benefit_ci_lb, benefit_ci_ub : float
        Difference of the rates, positive where the experimental arm is better.
    level, interval, notes
        Level and kind of the interval, and what a reader must know before using the numbers.
    """

    caption: ClassVar[str] = "Absolute effect"

    measure: RateMeasure
    event: Event
    comparator_rate: float
    experimental_rate: float
    rate_ci_lb: float
    rate_ci_ub: float
    benefit: float
    benefit_ci_lb: float
    benefit_ci_ub: float
    level: float
    interval: Interval
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        known = self.comparator_rate
        rates = (self.experimental_rate, self.rate_ci_lb, self.rate_ci_ub)
        rate, low, high = (digits(100 * x) for x in rates)
        change, least, most = (_more(100 * (x - known)) for x in rates)
        text = (
            f"Of 100 people, {digits(100 * known)} have the {self.event} outcome with the"
            f" comparator and {rate} ({interval_name(self.level, self.interval)} {low} to {high})"
            f" with the experimental arm: {change} ({least} to {most})"
        )
        return "; ".join([text, *self.notes]) + "."


def absolute_effect(
    measure: RateMeasure,
    effect: float,
    ci_lb: float,
    ci_ub: float,
    *,
    control_event_rate: float,
    event: Event,
    level: float = 0.95,
    interval: Interval = "confidence",
) -> AbsoluteEffect:
    """Say of 100 people how many have the event in either arm.

    Parameters
    ----------
    measure : {"SMD", "OR", "RR", "RD"}
        What `effect` is.
    effect, ci_lb, ci_ub : float
        Effect and its interval. SMD: positive favours the experimental arm. OR and RR: the ratio
        itself, RD the difference of proportions, experimental against comparator for the event as
        named.
    control_event_rate : float
        Proportion with the event in the comparator arm, above 0 and below 1, taken as known: its
        own uncertainty is not in the interval.
    event : {"good", "bad"}
        Whether the event is wanted (response) or not (relapse).
    level, interval : float, {"confidence", "prediction", "credible"}
        Level and kind of the interval given.

    Returns
    -------
    AbsoluteEffect
        An end of the interval that implies a rate below 0 or above 1 is cut there, with a note.

    Raises
    ------
    InputError
        If a number is not finite or outside its range, the interval does not hold the estimate,
        or the estimate implies a rate below 0 or above 1.

    See Also
    --------
    experimental_event_rate : the formulas.

    Examples
    --------
    >>> found = absolute_effect("OR", 1.8, 1.2, 2.7, control_event_rate=0.4, event="good")
    >>> print(found)  # doctest: +NORMALIZE_WHITESPACE
    Of 100 people, 40 have the good outcome with the comparator and 55 (95 % CI 44 to 64) with the
    experimental arm: 15 more (4.4 more to 24 more); the comparator's rate is taken as known.
    """
    names = ("effect", "ci_lb", "ci_ub")
    effects = checked(
        names,
        (effect, ci_lb, ci_ub),
        level,
        interval,
        positive=measure in {"OR", "RR"},
        rate=control_event_rate,
        event=event,
    )
    experimental_event_rate(measure, effect, control_event_rate, event=event)
    rates = _rate(measure, effects, np.asarray(control_event_rate, dtype=np.float64), event)
    notes: tuple[str, ...] = (_RATE_KNOWN,)
    if rates.min() < 0.0 or rates.max() > 1.0:
        notes += (_CUT,)
    rate, low, high = np.clip([rates[0], rates.min(), rates.max()], 0.0, 1.0).tolist()
    known = float(control_event_rate)
    worst, best = (low - known, high - known) if event == "good" else (known - high, known - low)
    return AbsoluteEffect(
        measure=measure,
        event=event,
        comparator_rate=known,
        experimental_rate=rate,
        rate_ci_lb=low,
        rate_ci_ub=high,
        benefit=rate - known if event == "good" else known - rate,
        benefit_ci_lb=worst,
        benefit_ci_ub=best,
        level=float(level),
        interval=interval,
        notes=notes,
    )


def experimental_event_rate(
    measure: RateMeasure,
    effect: npt.ArrayLike,
    control_event_rate: npt.ArrayLike,
    *,
    event: Event,
) -> FloatArray:
    r"""Compute the rate of an event in the experimental arm from the comparator's; vectorised.

    Parameters
    ----------
    measure : {"SMD", "OR", "RR", "RD"}
        What `effect` is.
    effect : array_like
        SMD: positive favours the experimental arm. OR, RR: the ratio itself; RD: the difference
        of proportions; experimental against comparator for the event as named.
    control_event_rate : array_like
        Proportion with the event in the comparator arm, above 0 and below 1.
    event : {"good", "bad"}
        Whether the event is wanted; it turns the sign of an SMD and changes nothing else.

    Returns
    -------
    numpy.ndarray
        Proportion with the event in the experimental arm.

    Raises
    ------
    InputError
        If an argument lies outside its range, or the rate would lie below 0 or above 1.

    Notes
    -----
    With :math:`c` the control event rate: SMD :math:`\Phi(\Phi^{-1}(c) \pm g)`, plus for a good
    event (Furukawa & Leucht 2011); OR :math:`\mathrm{logit}^{-1}(\mathrm{logit}(c) + \ln OR)`;
    RR :math:`c \cdot RR`; RD :math:`c + RD` (Cochrane Handbook, version 6, section 15.4.4).

    Examples
    --------
    >>> experimental_event_rate("RR", [0.5, 1.0, 1.5], 0.4, event="bad").round(2)
    array([0.2, 0.4, 0.6])
    """
    if measure not in get_args(RateMeasure):
        message = f"measure must be one of {', '.join(get_args(RateMeasure))}; got {measure!r}"
        raise InputError(message)
    if event not in get_args(Event):
        message = f"event must be 'good' (response) or 'bad' (relapse); got {event!r}"
        raise InputError(message)
    known = np.asarray(control_event_rate, dtype=np.float64)
    given = np.asarray(effect, dtype=np.float64)
    require((known > 0) & (known < 1), known, "control_event_rate", "above 0 and below 1")
    require(np.isfinite(given), given, "effect", "finite")
    if measure in {"OR", "RR"}:
        require(given > 0, given, "effect", f"above 0 (the {measure} itself, not its log)")
    rate = _rate(measure, given, known, event)
    possible = (rate >= 0) & (rate <= 1)
    require(possible, rate, "rate in the experimental arm", "between 0 and 1")
    return rate[()]


def _rate(measure: RateMeasure, effect: FloatArray, known: FloatArray, event: Event) -> FloatArray:
    match measure:
        case "SMD":
            rate = ndtr(ndtri(known) + (effect if event == "good" else -effect))
        case "OR":
            rate = expit(logit(known) + np.log(effect))
        case "RR":
            rate = known * effect
        case "RD":
            rate = known + effect
    # Without an effect the rate is the known one exactly, lest rounding pass for a benefit.
    none = 1.0 if measure in {"OR", "RR"} else 0.0
    return np.where(effect == none, known, rate)


def checked(
    names: tuple[str, str, str],
    values: tuple[float, float, float],
    level: float,
    interval: str,
    *,
    positive: bool = False,
    limit: float = np.inf,
    rate: float = 0.5,
    event: str = "good",
) -> FloatArray:
    """Return estimate, lower and upper end, or raise one error that lists every problem."""
    numbers = np.array(values, dtype=np.float64)
    fit = np.isfinite(numbers) & (np.abs(numbers) <= limit) & ((numbers > 0) | (not positive))
    expected = "above 0 and finite" if positive else "finite"
    if np.isfinite(limit):
        expected = f"between {-limit:g} and {limit:g}"
    pairs = zip(names, numbers, strict=True)
    problems = [
        f"{name} must be {expected}; got {number:g}"
        for (name, number), ok in zip(pairs, fit, strict=True)
        if not ok
    ]
    estimate, ci_lb, ci_ub = numbers
    if fit.all() and not ci_lb <= estimate <= ci_ub:
        problems.append(
            f"the interval must hold {names[0]}; got {estimate:g} and {ci_lb:g} to {ci_ub:g}"
        )
    if not 0.0 < level < 1.0:
        problems.append(f"level must be above 0 and below 1; got {level:g}")
    if interval not in _NAMES:
        problems.append(f"interval must be one of {', '.join(_NAMES)}; got {interval!r}")
    if not 0.0 < rate < 1.0:
        problems.append(f"control_event_rate must be above 0 and below 1; got {rate:g}")
    if event not in get_args(Event):
        problems.append(f"event must be 'good' (response) or 'bad' (relapse); got {event!r}")
    if problems:
        raise InputError("; ".join(problems))
    return numbers


def interval_name(level: float, interval: Interval) -> str:
    """Name an interval for readers, as in ``95 % CI``."""
    return f"{100 * level:g} % {_NAMES[interval]}"


def digits(number: float) -> str:
    """Write a number of people: one decimal below 10, whole people above.

    Examples
    --------
    >>> digits(8.23), digits(14.4), digits(float("inf"))
    ('8.2', '14', 'infinity')
    """
    if np.isinf(number):
        return "infinity"
    return f"{number:.1f}" if abs(number) < 9.95 else f"{number:.0f}"


def _more(people: float) -> str:
    return f"{digits(abs(people))} {'fewer' if people < 0 else 'more'}"
