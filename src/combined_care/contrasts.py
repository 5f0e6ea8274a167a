"""From one row of the outcome table to one oriented effect, or to the reason why there is none.

This module decides signs and nothing else does: ``yi > 0`` always favours the experimental arm
(the one that the review is about, when there is one), whatever the scale or the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from combined_care import conversions
from combined_care import effects as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from combined_care.effects import Measure, SmdVariance

#: ``effect_measure`` of a row -> measure of this package.
REPORTED_AS: dict[str, Measure] = {
    "smd": "SMD",
    "g": "SMD",
    "d": "SMD",
    "md": "MD",
    "or": "OR",
    "rr": "RR",
    "hr": "HR",
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one contrast, as one row reports them or as several merged arms give them."""

    tier: str
    n_e: float
    n_c: float
    mean_e: float
    sd_e: float
    mean_c: float
    sd_c: float
    events_e: float
    events_c: float
    pct_e: float
    pct_c: float
    effect: float
    ci_low: float
    ci_high: float
    se: float
    effect_measure: str
    higher_is_better: float
    favours_experimental_when: str

    @classmethod
    def of(cls, row: Any) -> Numbers:
        """Take the numbers of a row of the outcome table (a named tuple or series)."""
        return cls(**{name: _plain(getattr(row, name)) for name in cls.__slots__})

    def has(self, *names: str) -> bool:
        """Tell whether all of `names` are reported."""
        return all(not np.isnan(getattr(self, name)) for name in names)


@dataclass(frozen=True, slots=True)
class Oriented:
    """One effect, oriented so that ``yi > 0`` favours the experimental arm, and how it arose.

    ``numbers`` are those that were used: with tier C, arm sizes and events are the assumed ones.
    """

    numbers: Numbers
    measure: Measure
    yi: float
    vi: float
    converted: bool
    derived: bool
    derivation: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a row gives no effect of the wanted measure."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Raw:
    """An effect before orientation: experimental minus comparator, or the log of a ratio."""

    yi: float
    vi: float
    source: Literal["arms", "reported"]
    formula: str
    converted: bool = False
    derived: bool = False


def oriented_effect(
    numbers: Numbers,
    measure: Measure,
    *,
    variance: SmdVariance = "LS",
    arms: int = 2,
    n_randomised: float = float("nan"),
) -> Oriented | Unusable:
    """Compute the effect of one contrast, signed so that positive favours the experimental arm.

    Parameters
    ----------
    numbers : Numbers
        What the row reports.
    measure : str
        The wanted measure. ``"SMD"`` takes means, a reported standardised or raw difference, or
        (converted by Chinn's method and marked) an odds ratio; ratios take events, percentages
        or a reported ratio of the same kind.
    variance : str
        Formula of the variance of g; see :func:`combined_care.effects.smd_variance`.
    arms : int
        Number of arms of the trial, for percentages without arm sizes (tier C).
    n_randomised : float
        Number randomised in the trial, for the same purpose.

    Returns
    -------
    Oriented or Unusable
        The effect, or the reason why the row gives none.

    Raises
    ------
    InputError
        If the measure is unknown.
    """
    es.check_measure(measure)
    if numbers.tier == "D":
        return Unusable("direction only (tier D)")
    if numbers.tier == "C":
        filled = _fill_from_percentages(numbers, arms, n_randomised)
        if isinstance(filled, Unusable):
            return filled
        numbers, assumed = filled
    else:
        assumed = ""
    raw = _raw_effect(numbers, measure, variance)
    if isinstance(raw, Unusable):
        return raw
    sign, why = _direction(numbers, raw.source)
    if sign == 0:
        return Unusable(why)
    return Oriented(
        numbers=numbers,
        measure=measure,
        yi=sign * raw.yi,
        vi=raw.vi,
        converted=raw.converted,
        derived=raw.derived or bool(assumed),
        derivation=f"{assumed}{raw.formula}; {why}",
    )


def _direction(numbers: Numbers, source: Literal["arms", "reported"]) -> tuple[int, str]:
    """Return +1, -1 or 0 (unknown), with the words for it."""
    if source == "arms":
        if np.isnan(numbers.higher_is_better):
            return 0, "it is not recorded whether a higher value is better"
        if numbers.higher_is_better == 1:
            return 1, "higher is better, sign kept"
        return -1, "lower is better, sign turned"
    match numbers.favours_experimental_when:
        case "higher":
            return 1, "larger values favour the experimental arm, sign kept"
        case "lower":
            return -1, "smaller values favour the experimental arm, sign turned"
    return 0, "it is not recorded which side the reported effect favours"


def _raw_effect(numbers: Numbers, measure: Measure, variance: SmdVariance) -> _Raw | Unusable:
    """Try the routes in the order of preference: arm results before reported effects."""
    routes: dict[str, tuple[Callable[..., _Raw | Unusable | None], ...]] = {
        "SMD": (_smd_from_means, _smd_reported, _smd_from_md, _smd_from_odds),
        "MD": (_md_from_means, _reported),
        "OR": (_from_events, _reported),
        "RR": (_from_events, _reported),
        "RD": (_from_events,),
        "HR": (_reported,),
    }
    for route in routes[measure]:
        found = route(numbers, measure, variance)
        if found is not None:
            return found
    return Unusable(f"the reported numbers do not give {_NAMES[measure]}")


_NAMES = {
    "SMD": "a standardised mean difference",
    "MD": "a mean difference",
    "OR": "an odds ratio",
    "RR": "a risk ratio",
    "RD": "a risk difference",
    "HR": "a hazard ratio with an interval",
}

_MEANS = ("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c")


def _means(x: Numbers) -> tuple[float, ...]:
    return tuple(getattr(x, name) for name in _MEANS)


def _smd_from_means(x: Numbers, _: Measure, variance: SmdVariance) -> _Raw | None:
    if not x.has(*_MEANS):
        return None
    yi, vi = es.hedges_g(*_means(x), variance=variance)
    df = x.n_e + x.n_c - 2
    pooled = np.sqrt(((x.n_e - 1) * x.sd_e**2 + (x.n_c - 1) * x.sd_c**2) / df)
    formula = (
        f"g = J({df:g}) × ({x.mean_e:g} − {x.mean_c:g}) / {pooled:.4g} = {yi:.4f}, "
        f"v = {vi:.4f} ({variance}; n {x.n_e:g} and {x.n_c:g})"
    )
    return _Raw(float(yi), float(vi), "arms", formula)


def _md_from_means(x: Numbers, _: Measure, __: SmdVariance) -> _Raw | None:
    if not x.has(*_MEANS):
        return None
    yi, vi = es.mean_difference(*_means(x))
    formula = f"MD = {x.mean_e:g} − {x.mean_c:g} = {yi:.4g}, v = {vi:.4g}"
    return _Raw(float(yi), float(vi), "arms", formula)


def _interval(x: Numbers) -> dict[str, float] | None:
    """Give the standard error where it is reported, else the interval, else nothing."""
    if x.has("se"):
        return {"se": x.se}
    if x.has("ci_low", "ci_high"):
        return {"ci_low": x.ci_low, "ci_high": x.ci_high}
    return None


def _reported(x: Numbers, measure: Measure, _: SmdVariance) -> _Raw | None:
    precision = _interval(x)
    if REPORTED_AS.get(x.effect_measure) != measure or not x.has("effect") or precision is None:
        return None
    yi, vi = es.reported_effect(measure, x.effect, **precision)
    given = ", ".join(f"{name} {value:g}" for name, value in precision.items())
    log = "log " if measure in es.RATIOS else ""
    formula = f"reported {log}{x.effect_measure} = {yi:.4f}, v = {vi:.4f} (from {given})"
    return _Raw(float(yi), float(vi), "reported", formula)


def _smd_reported(x: Numbers, measure: Measure, variance: SmdVariance) -> _Raw | None:
    raw = _reported(x, measure, variance)
    if raw is None or x.effect_measure != "d" or not x.has("n_e", "n_c"):
        return raw
    j = float(es.correction_factor(x.n_e + x.n_c - 2))
    formula = f"{raw.formula}; g = J({x.n_e + x.n_c - 2:g}) × d = {j * raw.yi:.4f}"
    return replace(raw, yi=j * raw.yi, vi=j**2 * raw.vi, formula=formula, derived=True)


def _smd_from_md(x: Numbers, _: Measure, variance: SmdVariance) -> _Raw | None:
    raw = _reported(x, "MD", variance)
    if raw is None or not x.has("n_e", "n_c"):
        return None
    error = np.sqrt(raw.vi)
    sd = error / np.sqrt(1 / x.n_e + 1 / x.n_c)
    yi, vi = conversions.smd_from_mean_difference(x.effect, error, x.n_e, x.n_c, variance=variance)
    formula = (
        f"{raw.formula}; SD = {sd:.4g} from its standard error, "
        f"g = {yi:.4f}, v = {vi:.4f} ({variance}; n {x.n_e:g} and {x.n_c:g})"
    )
    return replace(raw, yi=float(yi), vi=float(vi), formula=formula, derived=True)


def _smd_from_odds(x: Numbers, _: Measure, variance: SmdVariance) -> _Raw | Unusable | None:
    raw = _from_events(x, "OR", variance) or _reported(x, "OR", variance)
    if raw is None or isinstance(raw, Unusable):
        return raw
    yi, vi = conversions.smd_from_log_odds(raw.yi, raw.vi)
    formula = f"{raw.formula}; g = √3/π × log OR = {yi:.4f}, v = {vi:.4f} (Chinn)"
    return replace(raw, yi=float(yi), vi=float(vi), formula=formula, converted=True)


def _from_events(x: Numbers, measure: Measure, _: SmdVariance) -> _Raw | Unusable | None:
    if not x.has("events_e", "n_e", "events_c", "n_c"):
        return None
    counts = (x.events_e, x.n_e, x.events_c, x.n_c)
    if measure != "RD" and es.is_double_zero(*counts):
        return Unusable("no event, or nothing but events, in both arms: no information on a ratio")
    yi, vi = es.effect_size(measure, *counts)
    log = "log " if measure in es.RATIOS else ""
    empty = 0 in (x.events_e, x.events_c, x.n_e - x.events_e, x.n_c - x.events_c)
    corrected = ", 0.5 added to each cell" if empty else ""
    formula = (
        f"{log}{measure} of {x.events_e:g}/{x.n_e:g} against {x.events_c:g}/{x.n_c:g}{corrected} "
        f"= {yi:.4f}, v = {vi:.4f}"
    )
    return _Raw(float(yi), float(vi), "arms", formula)


def _fill_from_percentages(
    x: Numbers, arms: int, n_randomised: float
) -> tuple[Numbers, str] | Unusable:
    """Tier C: percentages with the trial's total only; arms are assumed to be of equal size."""
    if not x.has("pct_e", "pct_c"):
        return Unusable("tier C without both percentages")
    if x.has("n_e", "n_c"):
        n_e, n_c, said = x.n_e, x.n_c, "arm sizes as reported"
    elif np.isnan(n_randomised):
        return Unusable("percentages only, and the number randomised is not known")
    else:
        n_e = n_c = n_randomised / arms
        said = f"arms assumed equal: {n_randomised:g} randomised / {arms} arms = {n_e:g} each"
    filled = replace(
        x, n_e=n_e, n_c=n_c, events_e=x.pct_e / 100 * n_e, events_c=x.pct_c / 100 * n_c
    )
    return filled, f"{x.pct_e:g} % against {x.pct_c:g} %, {said}; "


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return float("nan") if pd.isna(value) else float(value)
