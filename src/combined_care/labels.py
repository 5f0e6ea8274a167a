"""From a fit to a label: the thresholds on its scale, and the rule of its kind of claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from combined_care import decisions
from combined_care.conversions import log_odds_from_smd
from combined_care.results import Absent, Number
from combined_care.synthesis import Synthesis, synthesize

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.claims import Analysis, Rules
    from combined_care.coefficient_tests import Contrast
    from combined_care.decisions import Label
    from combined_care.findings import ModeratorResult


def smallest_effect_on(measure: str, effects: pd.DataFrame, rules: Rules) -> Number:
    """Bring the smallest effect of interest to the scale of a measure.

    Parameters
    ----------
    measure : str
        SMD takes it as it is; OR by Chinn's conversion; RR from that odds ratio at the event rate
        of the comparator arms in `effects` (Zhang & Yu 1998, JAMA 280:1690).
    effects : pandas.DataFrame
        The pooled effects (``rate_c`` of each, for RR).
    rules : Rules
        Holds the smallest effect on the scale of g.

    Returns
    -------
    float or Absent
        Positive, in the direction that favours combined treatment.
    """
    log_odds = float(log_odds_from_smd(rules.smallest_effect))
    match measure:
        case "SMD":
            return rules.smallest_effect
        case "OR":
            return log_odds
        case "RR":
            rates = effects["rate_c"].dropna()
            if rates.empty:
                return Absent("no event rate of the comparator to convert it with")
            # Relapse is a bad event: the odds ratio that favours combined treatment is below 1.
            ratio, rate = float(np.exp(-log_odds)), float(rates.mean())
            return -float(np.log(ratio / (1 - rate + rate * ratio)))
    return Absent(f"no smallest effect of interest is defined on the scale of {measure}")


def label_of(
    analysis: Analysis,
    fit: Synthesis | Absent,
    moderator: ModeratorResult | None,
    rules: Rules,
    smallest: Number,
) -> Label:
    """Label an analysis by the rule of its kind."""
    if moderator is not None:
        return moderator_label(moderator, rules, smallest)
    if isinstance(fit, Absent) or fit.k < rules.min_trials:
        return "insufficient"
    return interval_label(analysis, fit, rules, smallest)


def interval_label(analysis: Analysis, fit: Synthesis, rules: Rules, smallest: Number) -> Label:
    """Label by the interval alone, whatever the number of trials."""
    lower, upper = bounds(fit)
    threshold = None if isinstance(smallest, Absent) else smallest
    if analysis.kind == "superiority" or threshold is None:
        return decisions.superiority(lower, upper, threshold)
    if analysis.kind == "meaningful":
        return decisions.meaningful(lower, upper, threshold)
    inner = synthesize(
        fit.yi, fit.vi, method=fit.method, test=fit.test, level=2 * rules.level - 1, slab=fit.slab
    )
    return decisions.equivalence(bounds(inner), (lower, upper), threshold)


def moderator_label(result: ModeratorResult, rules: Rules, smallest: Number) -> Label:
    """Label a moderator analysis by its omnibus test and the differences between levels."""
    if isinstance(result.fit, Absent):
        return "insufficient"
    p_value = result.fit.f_pval
    if isinstance(p_value, Absent):
        return "insufficient"
    names = list(result.fit.levels)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    found = [result.fit.difference(a, b) for a, b in pairs]
    intervals = [bounds(difference) for difference in found]
    threshold = None if isinstance(smallest, Absent) else smallest
    return decisions.moderator(p_value, rules.alpha, intervals, threshold)


def bounds(fit: Synthesis | Contrast) -> tuple[float, float]:
    """Return the confidence interval; where it is absent, the interval that excludes nothing."""
    if isinstance(fit.ci_lb, Absent) or isinstance(fit.ci_ub, Absent):
        return float("-inf"), float("inf")
    return fit.ci_lb, fit.ci_ub
