"""Why a label was given: the sentence and the checked conditions of one analysis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from combined_care import markup
from combined_care.findings import Check, ModeratorResult, Reason
from combined_care.labels import bounds, interval_label
from combined_care.results import Absent, Number, rounded
from combined_care.scales import measure_name, natural

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from combined_care.certainty import Certainty
    from combined_care.claims import Analysis, Rules
    from combined_care.decisions import Label
    from combined_care.robustness import Robustness
    from combined_care.synthesis import Synthesis

REMOVAL = "no single trial's removal changes the label"


def reason(
    analysis: Analysis,
    label: Label,
    fit: Synthesis | Absent,
    moderator: ModeratorResult | None,
    rules: Rules,
) -> Reason:
    """Say in one sentence, and in values, why an analysis got its label."""
    title = analysis.title[0].upper() + analysis.title[1:].rstrip("?")
    values: dict[str, Any] = {"analysis": analysis.id, "verdict": label}
    if moderator is not None:
        if isinstance(moderator.fit, Absent):
            return Reason("levels", f"{title}: {moderator.fit.reason}.", values)
        p_value = moderator.fit.f_pval
        values["pval"] = rounded(p_value)
        sentence = f"{title}: test of the moderator p {_p_words(p_value)}."
        return Reason("moderator", sentence, values)
    if isinstance(fit, Absent):
        return Reason("trials", f"{title}: {fit.reason}.", {**values, "k": 0})
    values |= {"k": fit.k}
    if fit.k < rules.min_trials:
        trials = "1 trial" if fit.k == 1 else f"{fit.k} trials"
        sentence = f"{title}: {trials} with usable numbers, {rules.min_trials} are needed."
        return Reason("trials", sentence, values)
    lower, upper = bounds(fit)
    values |= {"estimate": rounded(fit.estimate)}
    values |= {"ci_lb": rounded(lower), "ci_ub": rounded(upper)}
    measure = analysis.estimand.wanted_measure
    scale = natural(measure)
    sentence = (
        f"{title}: {measure_name(measure)} {markup.number(scale(fit.estimate))} "
        f"({100 * rules.level:g} % confidence interval "
        f"{markup.interval(scale(lower), scale(upper))}, {fit.k} trials)."
    )
    return Reason("interval", sentence, values)


def checks(
    analysis: Analysis,
    fit: Synthesis | Absent,
    moderator: ModeratorResult | None,
    rules: Rules,
    smallest: Number,
    leave_one_out: pd.DataFrame,
) -> tuple[Check, ...]:
    """List the conditions of the decision rule with what was found for each."""
    if moderator is not None:
        return _moderator_checks(moderator, rules)
    k = 0 if isinstance(fit, Absent) else fit.k
    enough = Check(f"at least {rules.min_trials} trials", k >= rules.min_trials, f"{k} trials")
    if isinstance(fit, Absent) or k < rules.min_trials:
        return (enough,)
    lower, upper = bounds(fit)
    scale = natural(analysis.estimand.wanted_measure)
    shown = markup.interval(scale(lower), scale(upper))
    found = [enough, Check("confidence interval excludes no effect", lower > 0, shown)]
    if not isinstance(smallest, Absent):
        bound = markup.number(scale(smallest))
        name = f"lower limit above the smallest effect of interest ({bound})"
        found.append(Check(name, lower > smallest, shown))
    if isinstance(fit.pi_lb, Absent):
        found.append(Check("prediction interval excludes no effect", None, str(fit.pi_lb)))
    else:
        interval = markup.interval(scale(fit.pi_lb), scale(fit.pi_ub))
        found.append(Check("prediction interval excludes no effect", fit.pi_lb > 0, interval))
    found.append(_conservative_check(analysis, fit, rules, smallest))
    label = interval_label(analysis, fit, rules, smallest)
    changing = leave_one_out.loc[leave_one_out["verdict"] != label, "label"]
    detail = f"changed by leaving out {', '.join(changing)}" if len(changing) else "none changes it"
    found.append(Check(REMOVAL, changing.empty, detail))
    return tuple(found)


def graded_checks(
    robustness: Robustness | Absent,
    certainty: Certainty | Absent,
    removals: Sequence[str] | None,
    rules: Rules,
) -> tuple[Check, ...]:
    """List the conditions that grade a supported claim: agreement, certainty, removals.

    Parameters
    ----------
    robustness, certainty
        Of the analysis.
    removals : sequence of str or None
        Trials of a moderator analysis whose removal changes its label; None for others, which
        list them among their own checks.
    rules : Rules
        Holds the thresholds.
    """
    strong, fragile = 100 * rules.agree_strongly, 100 * rules.agree_fragile
    name = f"at least {strong:.0f} % of defensible analyses agree (fragile below {fragile:.0f} %)"
    agrees: bool | None = None
    detail = str(robustness)
    if not isinstance(robustness, Absent):
        agrees = robustness.agree >= rules.agree_strongly
        detail = f"{100 * robustness.agree:.0f} % of {robustness.compared:,}"
    found = [Check(name, agrees, detail)]
    if isinstance(certainty, Absent):
        found.append(Check(f"certainty at least {rules.certain_enough}", None, str(certainty)))
    else:
        enough = certainty.at_least(rules.certain_enough)
        found.append(Check(f"certainty at least {rules.certain_enough}", enough, certainty.level))
    if removals is not None:
        detail = f"changed by leaving out {', '.join(removals)}" if removals else "none changes it"
        found.insert(0, Check(REMOVAL, not removals, detail))
    return tuple(found)


def _conservative_check(
    analysis: Analysis, fit: Synthesis, rules: Rules, smallest: Number
) -> Check:
    """Compare with the conservative Knapp-Hartung interval, which is never below the normal se.

    With few, unusually similar trials the plain interval can be far too narrow (Roever, Knapp &
    Friede 2015); the primary label stays as pre-specified, and this says whether it would hold.
    """
    other = fit.inference("knha-conservative")
    careful = replace(fit, test="knha-conservative", ci_lb=other.ci_lb, ci_ub=other.ci_ub)
    same = interval_label(analysis, careful, rules, smallest) == interval_label(
        analysis, fit, rules, smallest
    )
    scale = natural(analysis.estimand.wanted_measure)
    shown = markup.interval(scale(careful.ci_lb), scale(careful.ci_ub))
    narrower = any("narrower than the normal" in note for note in fit.notes)
    remark = "; the primary interval is narrower than the normal one" if narrower else ""
    return Check("the conservative interval gives the same label", same, f"{shown}{remark}")


def _moderator_checks(moderator: ModeratorResult, rules: Rules) -> tuple[Check, ...]:
    tested = int(moderator.counts["tested"].sum())
    enough = Check(
        f"at least 2 levels with {rules.min_trials_per_level} trials or more",
        tested >= 2,
        f"{tested} such levels",
    )
    if isinstance(moderator.fit, Absent):
        return (enough,)
    p_value = moderator.fit.f_pval
    passed = None if isinstance(p_value, Absent) else p_value < rules.alpha
    return (enough, Check(f"omnibus test p < {rules.alpha:g}", passed, markup.p_value(p_value)))


def _p_words(p_value: Number) -> str:
    shown = markup.p_value(p_value)
    return shown if shown.startswith("<") else f"= {shown}"
