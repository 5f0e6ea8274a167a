"""Every number of one analysis: the fit, the rule, one choice changed, one trial left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care import markup
from combined_care.anchors import trial_link
from combined_care.decisions import label_words
from combined_care.markup import Safe, interval, number, p_value, scroll, table
from combined_care.results import Absent, is_present
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis
from combined_care.tables.words import (
    effect_words,
    equals,
    label_tag,
    sentence,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult

_INTERVALS = {
    "z": "Normal interval",
    "knha": "Knapp-Hartung interval",
    "knha-conservative": "Conservative Knapp-Hartung interval",
}


def numbers_table(result: AnalysisResult) -> Safe:
    """Show every number of a fit: estimate, intervals, heterogeneity, results of other tests."""
    fit = result.fit
    if isinstance(fit, Absent):
        return markup.paragraph(f"Nothing is pooled: {fit.reason}.")
    rows = [*_main_rows(result, fit), *_heterogeneity_rows(fit), *_other_rows(result, fit)]
    caption = f"{title(result)}: the numbers"
    return scroll(table(("Quantity", "Value"), rows, caption=caption), caption)


def _main_rows(result: AnalysisResult, fit: Synthesis) -> Iterator[tuple[object, object]]:
    measure = result.analysis.estimand.wanted_measure
    scale, level = natural(measure), f"{100 * fit.level:g} %"
    yield "Trials (k)", fit.k
    yield "People analysed (n)", result.people
    yield f"Pooled {measure_name(measure)}", number(scale(fit.estimate))
    yield f"{level} confidence interval", interval(scale(fit.ci_lb), scale(fit.ci_ub))
    yield "p of no effect", p_value(fit.pval)
    yield f"{level} prediction interval", interval(scale(fit.pi_lb), scale(fit.pi_ub))
    yield "Smallest effect of interest", number(scale(result.smallest_effect))
    exceeds = _chance(fit, result.smallest_effect)
    yield "Chance that a new trial's true effect exceeds it", exceeds


def _heterogeneity_rows(fit: Synthesis) -> Iterator[tuple[object, object]]:
    spread = _with_interval(fit.tau2, fit.tau2_ci_lb, fit.tau2_ci_ub, 3)
    yield "tau² (Q-profile interval)", spread
    yield "I² from tau², in %", _with_interval(fit.i2, fit.i2_ci_lb, fit.i2_ci_ub, 0)
    yield "Q (degrees of freedom, p)", _q(fit)


def _other_rows(result: AnalysisResult, fit: Synthesis) -> Iterator[tuple[object, object]]:
    scale = natural(result.analysis.estimand.wanted_measure)
    for found in fit.inferences:
        if found.test != fit.test:
            yield _INTERVALS[found.test], interval(scale(found.ci_lb), scale(found.ci_ub))
    yield "Second opinion", str(result.second_opinion)
    for note in fit.notes:
        yield "Note", note


def _chance(fit: Synthesis, threshold: object) -> str:
    if not isinstance(threshold, float):
        return str(threshold)
    found = fit.probability_above(threshold)
    return f"{100 * found:.0f} %" if is_present(found) else str(found)


def _with_interval(value: object, lower: object, upper: object, digits: int) -> str:
    shown = number(value, digits)
    return f"{shown} ({interval(lower, upper, digits)})" if isinstance(value, float) else shown


def _q(fit: Synthesis) -> str:
    if not is_present(fit.q):
        return str(fit.q)
    return f"{number(fit.q)} ({number(fit.q_df, 0)}, p {equals(p_value(fit.q_pval))})"


def sensitivity_table(result: AnalysisResult) -> Safe:
    """Show the primary result and the same analysis with one choice changed."""
    measure = result.analysis.estimand.wanted_measure

    def row(name: str, k: int, fit: Synthesis | Absent, label: Label) -> tuple[object, ...]:
        words = effect_words(fit, measure) if isinstance(fit, Synthesis) else fit.reason
        return name, k, words, label_tag(label)

    rows = [row("primary analysis", result.k, result.fit, result.label)]
    rows += [row(s.title, s.k, s.fit, s.label) for s in result.sensitivities]
    caption = f"{title(result)}: the same with one choice changed"
    return scroll(table(("Choice", "k", "Result", "Label"), rows, caption=caption), caption)


def leave_one_out_table(result: AnalysisResult) -> Safe:
    """Show the pooled effect without each trial in turn."""
    measure = result.analysis.estimand.wanted_measure
    rows = [_left_out(row, measure) for row in result.leave_one_out.itertuples(index=False)]
    caption = f"{title(result)}: without each trial in turn"
    header = ("Left out", f"{measure_name(measure)} (CI)", "Label")
    return scroll(table(header, rows, caption=caption), caption)


def _left_out(row: Any, measure: str) -> tuple[object, ...]:
    scale = natural(measure)
    bounds = interval(scale(row.ci_lb), scale(row.ci_ub))
    shown = f"{number(scale(row.estimate))} ({bounds})"
    return trial_link(row.trial_id, row.label), shown, label_words(row.verdict)


def checks_table(result: AnalysisResult) -> Safe:
    """Show the pre-specified conditions beside what was found."""
    words = {True: "✔ yes", False: "✘ no", None: "– not computed"}
    rows = [(sentence(c.name), words[c.passed], c.detail) for c in result.checks]
    caption = f"{title(result)}: the rule, condition by condition"
    return scroll(table(("Condition", "Met", "Found"), rows, caption=caption), caption)
