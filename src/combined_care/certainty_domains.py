"""The five domains of certainty for a pooled effect: its trials and numbers in, judgements out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from combined_care import markup
from combined_care.certainty import Domain, Downgrade
from combined_care.egger import egger_test
from combined_care.information_size import optimal_information_size
from combined_care.labels import bounds
from combined_care.results import Absent, FloatArray, Number, is_present
from combined_care.review import current_review
from combined_care.scales import measure_name, natural

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.certainty_criteria import (
        Imprecision,
        Inconsistency,
        Indirectness,
        RiskOfBias,
        SmallStudyEffects,
    )
    from combined_care.claims import Analysis, Kind
    from combined_care.synthesis import Synthesis

#: Number of items of the judgement of risk of bias that the data hold.
ITEMS = 4


def risk_of_bias(effects: pd.DataFrame, weights: FloatArray, criteria: RiskOfBias) -> Domain:
    """Judge by the share of the weight that comes from trials at low risk of bias.

    Parameters
    ----------
    effects : pandas.DataFrame
        Pooled effects, with ``low_risk_items`` and ``rating``.
    weights : numpy.ndarray of shape (k,)
        Share of each effect in the result; they add up to 1.
    criteria : RiskOfBias
        Thresholds.
    """
    items = effects["low_risk_items"].to_numpy(dtype=float, na_value=np.nan)
    low = _share(items >= criteria.low_items, weights)
    few = _share(items <= criteria.few_items, weights)
    unjudged = _share(np.isnan(items), weights)
    by_patients = _share((effects["rating"].astype(str) == "self").to_numpy(), weights)
    steps: Downgrade = 0 if low >= criteria.most else -2 if few >= criteria.most else -1
    return Domain(
        name="risk of bias",
        downgrade=steps,
        rule=(
            f"No step down if at least {_percent(criteria.most)} of the weight comes from trials "
            f"with {criteria.low_items} or more of {ITEMS} items at low risk; two if at least "
            f"{_percent(criteria.most)} comes from trials with at most {criteria.few_items}; one "
            "otherwise."
        ),
        sentence=(
            f"Of the weight, {_percent(low)} comes from trials at low risk of bias, "
            f"{_percent(few)} from trials with at most {criteria.few_items} of {ITEMS} items at "
            f"low risk and {_percent(unjudged)} from trials without a judgement; patients rated "
            f"the outcome themselves in {_percent(by_patients)}."
        ),
        values=(
            ("low_share", low),
            ("few_share", few),
            ("unjudged_share", unjudged),
            ("self_rated_share", by_patients),
        ),
    )


def inconsistency(
    fit: Synthesis, measure: str, smallest: Number, criteria: Inconsistency
) -> Domain:
    """Judge by what the prediction interval holds and the confidence interval does not.

    Parameters
    ----------
    fit : Synthesis
        The pooled effect.
    measure : str
        For the words.
    smallest : float or Absent
        Smallest effect of interest on the scale of the analysis.
    criteria : Inconsistency
        Thresholds.
    """
    rule = (
        "One step down if the prediction interval holds a threshold (no effect, or the smallest "
        "effect of interest in either direction) that the confidence interval excludes; two if it "
        "holds all three and the confidence interval at most one."
    )
    if fit.k < criteria.min_trials or not (is_present(fit.pi_lb) and is_present(fit.pi_ub)):
        return Domain(
            name="inconsistency",
            downgrade=0,
            assessed=False,
            rule=rule,
            sentence=(
                f"How much effects vary between trials cannot be judged from {_trials(fit.k)}; "
                "this counts under imprecision."
            ),
            values=(("tau2", fit.tau2), ("i2", fit.i2)),
        )
    inside, outside = held(bounds(fit), smallest), held((fit.pi_lb, fit.pi_ub), smallest)
    new = outside - inside
    wide = _both(outside, smallest) and len(new) > 1
    steps: Downgrade = 0 if not new else -2 if wide else -1
    shown = _interval(measure, fit.pi_lb, fit.pi_ub)
    added = ", ".join(_threshold_words(new, measure)) or "nothing"
    return Domain(
        name="inconsistency",
        downgrade=steps,
        rule=rule,
        sentence=(
            f"The effect of a new trial is expected within {shown} ({measure_name(measure)}); "
            f"beyond what the confidence interval holds, this takes in {added}. Variance between "
            f"trials {markup.number(fit.tau2, 3)}, I² {_percent(fit.i2, 100)}."
        ),
        values=(
            ("pi_lb", fit.pi_lb),
            ("pi_ub", fit.pi_ub),
            ("tau2", fit.tau2),
            ("i2", fit.i2),
            ("thresholds_added", len(new)),
        ),
    )


def indirectness(effects: pd.DataFrame, weights: FloatArray, criteria: Indirectness) -> Domain:
    """Judge by the weight of trials whose outcome or comparator is not the one asked about.

    Parameters
    ----------
    effects, weights
        As for :func:`risk_of_bias`; ``converted``, ``derived``, ``tier``, ``comparator`` and
        ``flags`` are looked at.
    criteria : Indirectness
        Thresholds, comparators and flags.
    """
    converted = effects["converted"].to_numpy(dtype=bool)
    computed = (effects["derived"].astype(bool) | (effects["tier"].astype(str) == "C")).to_numpy()
    usual = effects["comparator"].astype(str).isin(criteria.comparators).to_numpy()
    flags = effects["flags"].astype(str).str.split("; ")
    uncertain = np.array([bool(set(found) & set(criteria.flags)) for found in flags], dtype=bool)
    outcome, comparator = (
        _share(converted | computed, weights),
        _share(usual | uncertain, weights),
    )
    steps = -int(outcome >= criteria.most) - int(comparator >= criteria.most)
    return Domain(
        name="indirectness",
        downgrade=_steps(steps),
        rule=(
            f"One step down if at least {_percent(criteria.most)} of the weight comes from trials "
            "whose effect was converted from an event or computed from other reported numbers, and "
            f"one if as much comes from trials whose comparator is uncertain{_named(criteria)}."
        ),
        sentence=(
            f"Of the weight, {_percent(outcome)} comes from converted effects "
            f"({_percent(_share(converted, weights))}) or numbers computed from others "
            f"({_percent(_share(computed, weights))}), and {_percent(comparator)} from trials with "
            "an uncertain comparator."
        ),
        values=(
            ("outcome_share", outcome),
            ("converted_share", _share(converted, weights)),
            ("computed_share", _share(computed, weights)),
            ("comparator_share", comparator),
        ),
    )


def imprecision(
    analysis: Analysis,
    effects: pd.DataFrame,
    fit: Synthesis,
    smallest: Number,
    criteria: Imprecision,
) -> Domain:
    """Judge by the confidence interval, the people beside the optimal number, and the trials.

    Parameters
    ----------
    analysis : Analysis
        Its kind says which thresholds matter.
    effects, fit, smallest
        As for the other domains.
    criteria : Imprecision
        Thresholds.
    """
    measure = analysis.estimand.wanted_measure
    inside = held(bounds(fit), smallest)
    size = optimal_information_size(
        measure,
        analysis.estimand.outcome,
        effects,
        smallest,
        alpha=criteria.alpha,
        power=criteria.power,
    )
    n, without = people(effects), int(effects["n"].isna().sum())
    steps = min(
        _interval_steps(inside, analysis.kind, smallest),
        _size_steps(n, size, criteria.far_below),
        -int(fit.k < criteria.min_trials),
    )
    return Domain(
        name="imprecision",
        downgrade=_steps(steps),
        rule=_imprecision_rule(analysis.kind, criteria),
        sentence=(
            f"The confidence interval, {_interval(measure, *bounds(fit))}, holds "
            f"{', '.join(_threshold_words(inside, measure)) or 'no threshold'}. "
            f"{_people_words(n, without, size)}{_few_words(fit.k, criteria.min_trials)}"
        ),
        values=(
            ("ci_lb", fit.ci_lb),
            ("ci_ub", fit.ci_ub),
            ("smallest_effect", smallest),
            ("n", n),
            ("trials_without_n", without),
            ("optimal_information_size", size),
        ),
    )


def _named(criteria: Indirectness) -> str:
    """Name the comparators and flags that count as uncertain."""
    words = [name.replace("_", " ") for name in criteria.comparators] + [*criteria.flags]
    return f" ({'; '.join(words)})" if words else ""


def small_study_effects(effects: pd.DataFrame, criteria: SmallStudyEffects) -> Domain:
    """Judge by a regression of the effects on the size of the trials, where it can be trusted.

    Parameters
    ----------
    effects : pandas.DataFrame
        Pooled effects; those without arm sizes cannot enter.
    criteria : SmallStudyEffects
        Trials needed, and the significance level.
    """
    treatment = current_review().treatment
    rule = (
        f"One step down if, with {criteria.min_trials} trials or more, small trials favour "
        f"{treatment} more than large ones do at p < {criteria.alpha:g}."
    )
    sized = effects.dropna(subset=["n_e", "n_c"])
    if len(sized) < criteria.min_trials:
        return Domain(
            name="small-study effects",
            downgrade=0,
            assessed=False,
            rule=rule,
            sentence=f"Trials that report arm sizes: {len(sized)}, too few to judge.",
            values=(("k", len(sized)),),
        )
    found = egger_test(
        *(sized[name].to_numpy(dtype=float) for name in ("yi", "vi", "n_e", "n_c")),
        predictor="pustejovsky",
    )
    if not (is_present(found.slope) and is_present(found.pval)):
        return Domain(
            name="small-study effects",
            downgrade=0,
            assessed=False,
            rule=rule,
            sentence=f"The test is {found.slope}.",
            values=(("k", len(sized)),),
        )
    clear = found.pval < criteria.alpha
    which = "more" if found.slope > 0 else "less"
    seen = (
        f"Small trials favour {treatment} {which} than large ones do"
        if clear
        else ("Small and large trials do not differ clearly")
    )
    return Domain(
        name="small-study effects",
        downgrade=-1 if clear and found.slope > 0 else 0,
        rule=rule,
        sentence=f"{seen} (p {_p_words(found.pval)}, {_trials(len(sized))}).",
        values=(
            ("k", len(sized)),
            ("slope", found.slope),
            ("pval", found.pval),
            ("limit", found.limit),
        ),
    )


def people(effects: pd.DataFrame) -> int:
    """Count the people in trials that report arm sizes; an arm that rows share counts once."""
    sizes = effects.dropna(subset=["n"]).groupby("trial_id")
    return int(sizes["n_e"].max().sum() + sizes["n_c"].sum().sum())


def held(interval: tuple[float, float], smallest: Number) -> set[float]:
    """Return the thresholds that an interval holds: no effect, and the smallest in both directions.

    Examples
    --------
    >>> sorted(held((-0.1, 0.4), 0.24)), sorted(held((0.3, 0.4), 0.24))
    ([0.0, 0.24], [])
    """
    known = {0.0} if isinstance(smallest, Absent) else {-smallest, 0.0, smallest}
    return {threshold for threshold in known if interval[0] <= threshold <= interval[1]}


def _both(inside: set[float], smallest: Number) -> bool:
    return not isinstance(smallest, Absent) and {-smallest, smallest} <= inside


def _interval_steps(inside: set[float], kind: Kind, smallest: Number) -> int:
    """Return the steps down by the interval alone."""
    if _both(inside, smallest):
        return -2
    if isinstance(smallest, Absent) or kind == "superiority":
        # An interval between the smallest effects of both directions is precise about smallness.
        within = not isinstance(smallest, Absent) and inside == {0.0}
        return -int(0.0 in inside and not within)
    wanted = {smallest} if kind == "meaningful" else {-smallest, smallest}
    return -int(bool(wanted & inside))


def _size_steps(n: int, size: Number, far_below: float) -> int:
    if isinstance(size, Absent) or n >= size:
        return 0
    return -2 if n < far_below * size else -1


def _imprecision_rule(kind: Kind, criteria: Imprecision) -> str:
    threshold = {
        "meaningful": "the smallest effect of interest",
        "equivalence": "the smallest effect of interest in either direction",
    }.get(kind, "no effect, unless it excludes the smallest effect of interest in both directions")
    return (
        f"One step down if the confidence interval holds {threshold}, and two if it holds the "
        "smallest effect in both directions; one if the people are fewer than the optimal "
        f"information size (alpha {criteria.alpha:g}, power {criteria.power:g}), two if fewer than "
        f"{_percent(criteria.far_below)} of it; one below {criteria.min_trials} trials. The worst "
        "counts."
    )


def _people_words(n: int, without: int, size: Number) -> str:
    unknown = f"; {_trials(without)} without arm sizes" if without else ""
    if isinstance(size, Absent):
        return f"The trials analysed {n:,} people{unknown}; optimal information size {size}."
    return f"The trials analysed {n:,} people{unknown}; the optimal information size is {size:,}."


def _few_words(k: int, needed: int) -> str:
    if k >= needed:
        return ""
    return f" With {_trials(k)} the variation between trials is not known."


def _threshold_words(thresholds: set[float], measure: str) -> list[str]:
    scale = natural(measure)
    return [
        "no effect"
        if value == 0.0
        else f"an advantage that matters ({markup.number(scale(value))})"
        if value > 0
        else f"a disadvantage that matters ({markup.number(scale(value))})"
        for value in sorted(thresholds, key=lambda value: (abs(value), -value))
    ]


def _interval(measure: str, lower: Number, upper: Number) -> str:
    scale = natural(measure)
    return markup.interval(scale(lower), scale(upper))


def _share(chosen: np.ndarray, weights: FloatArray) -> float:
    # Rounded, lest the order of a sum decide a threshold.
    return round(float(weights[chosen].sum()), 10)


def _percent(share: Number, whole: float = 1.0) -> str:
    return str(share) if isinstance(share, Absent) else f"{100 * share / whole:.0f} %"


def _p_words(p_value: float) -> str:
    shown = markup.p_value(p_value)
    return shown if shown.startswith("<") else f"= {shown}"


def _trials(k: int) -> str:
    return "1 trial" if k == 1 else f"{k} trials"


def _steps(value: int) -> Downgrade:
    return -2 if value <= -2 else -1 if value == -1 else 0
