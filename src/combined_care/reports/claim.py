"""The parts of a claim's page, in reading order. Each takes a verdict and returns HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import decisions, figures, markup, tables
from combined_care.markup import Safe, details, join, paragraph, table, text
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict


def summary(verdict: Verdict) -> Safe:
    """Say the verdict first: the box, two plain sentences, and the decisive results."""
    return join(
        [
            tables.verdict_box(verdict),
            Safe(f'<p class="lead">{text(_plain(verdict))}</p>'),
            tables.decisive_table(verdict),
        ]
    )


def _plain(verdict: Verdict) -> str:
    """Two sentences for readers who stop here; their wording follows the number of trials."""
    decisive = verdict.decisive
    trials = {trial for result in decisive for trial in result.effects["trial_id"]}
    counted = "1 trial has" if len(trials) == 1 else f"{len(trials)} trials have"
    first = f"{counted if trials else 'No trial has'} usable numbers on the decisive questions."
    lines = [f"{r.analysis.title}: {tables.label_words(r.label)}" for r in decisive]
    groups = [str(reason).rstrip(".") for reason in verdict.reasons if reason.code == "group"]
    said = f"{first} {_sentence('; '.join(groups or lines))}."
    if any(result.interval_is_narrow for result in decisive):
        said += " Few trials agree so closely that an interval is too narrow to be trusted."
    return said


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def analyses(verdict: Verdict, evidence: Evidence) -> Safe:
    """Show every analysis: figure, numbers, rule, trials, sensitivity and what is not pooled."""
    return join(analysis(result, evidence) for result in verdict.results)


def analysis(result: AnalysisResult, evidence: Evidence) -> Safe:
    """Show one analysis."""
    asked = result.analysis
    title = _sentence(asked.title)
    role = "The verdict rests on this." if asked.role == "decisive" else "Context, not decisive."
    parts: list[object] = [
        Safe(f'<section aria-labelledby="{text(asked.id)}"><h3 id="{text(asked.id)}">'),
        title,
        Safe("</h3>"),
        paragraph(tables.label_tag(result.label), f" · {role} {_reading(result)}"),
    ]
    if result.k:
        parts.append(_forest(result, evidence))
    if result.moderator is not None:
        parts.append(tables.moderator_tables(result.moderator, asked.estimand.wanted_measure))
    parts += [tables.numbers_table(result), tables.checks_table(result)]
    if result.k:
        parts.append(details("The pooled trials, with sources", tables.trials_table(result)))
    parts.append(details("The same with one choice changed", tables.sensitivity_table(result)))
    if not result.leave_one_out.empty:
        parts.append(details("Without each trial in turn", tables.leave_one_out_table(result)))
    parts += [_not_pooled(result), Safe("</section>")]
    return join(parts)


def _reading(result: AnalysisResult) -> str:
    """Put the result into words that fit the number of trials."""
    fit, k = result.fit, result.k
    if not isinstance(fit, Synthesis):
        return f"Nothing can be pooled: {fit.reason}."
    words = tables.result_words(result)
    if k == 1:
        return f"A single trial, shown as it is: {words}."
    if k == 2:
        return f"Two trials, too few for a verdict or a prediction interval: {words}."
    if k < 5:
        return f"Few trials ({k}), so the intervals are wide or unstable: {words}."
    if k < 10:
        return f"{k} trials; tests of small-study effects would say little: {words}."
    return f"{k} trials: {words}."


def _favours(result: AnalysisResult, evidence: Evidence) -> tuple[str, str]:
    comparators = result.analysis.estimand.comparator
    other = evidence.name(comparators[0]) if len(comparators) == 1 else "the comparator"
    return other, "combined treatment"


def _forest(result: AnalysisResult, evidence: Evidence) -> Safe:
    measure = result.analysis.estimand.wanted_measure
    favours = _favours(result, evidence)
    said = figures.describe_forest(result.effects, result.fit, measure=measure, favours=favours)
    shown = []
    for css, narrow in (("wide-figure", False), ("narrow", True)):
        figure = figures.forest(
            result.effects,
            result.fit,
            measure=measure,
            favours=favours,
            smallest=result.smallest_effect,
            narrow=narrow,
        )
        name = f"{result.analysis.id}-{css}"
        svg = figures.to_svg(
            figure, name=name, title=f"Forest plot: {result.analysis.title}", description=said
        )
        shown.append(Safe(f'<div class="{css}">{svg}</div>'))
    caption = (
        f"{said} Squares: trials, larger with more weight; open: an odds ratio converted to g. "
        "Diamond: pooled effect. Dashed line: prediction interval. Dotted line: smallest effect of "
        "interest. c: clinician-rated, s: self-rated. The same numbers are in the tables below."
    )
    return Safe(f"<figure>{join(shown)}<figcaption>{text(caption)}</figcaption></figure>")


def _not_pooled(result: AnalysisResult) -> Safe:
    """List what is shown and not pooled; open where there is little else to look at."""
    rows = result.not_pooled
    if rows.empty:
        return paragraph("Every result on this question that the data hold is pooled above.")
    pooled = set(result.effects["trial_id"])
    others = rows[~rows["trial_id"].isin(pooled)]
    title = (
        f"Shown, not pooled: {len(rows)} results "
        f"({others['trial_id'].nunique()} trials with no pooled result)"
    )
    caption = f"{_sentence(result.analysis.title)}: results that are shown and not pooled"
    content = join([_directions(rows), tables.not_pooled_table(rows, caption)])
    return details(title, content, is_open=result.label == "insufficient")


def _directions(rows: pd.DataFrame) -> Safe:
    """Count what the texts say; counting directions is no test and is said not to be one."""
    said = {"combined": "combined treatment", "none": "neither", "comparator": "the comparator"}
    counts = rows["favours"].value_counts()
    parts = [f"{words}: {counts.get(name, 0)}" for name, words in said.items()]
    rest = len(rows) - sum(int(counts.get(name, 0)) for name in said)
    return paragraph(
        f"Whom the reports say the result favours: {', '.join(parts)}, not stated: {rest}. "
        "Counts of directions ignore the size of trials and effects; no verdict rests on them."
    )


def rule(verdict: Verdict, evidence: Evidence) -> Safe:
    """Print the pre-specified rule of the claim: model, thresholds, and each estimand."""
    rules = verdict.claim.rules
    shared = [
        ("Model", f"random effects, {rules.method} for tau², {rules.test} interval"),
        ("Confidence level", f"{100 * rules.level:g} %"),
        ("Variance of g", rules.smd_variance),
        ("Smallest effect of interest", f"g = {rules.smallest_effect:g} ({_cited(verdict)})"),
        ("Trials needed for a verdict", rules.min_trials),
        ("Trials needed for a level of a moderator", rules.min_trials_per_level),
        ("Kind of claim", verdict.claim.kind),
        ("Section of the article", verdict.claim.section),
    ]
    rows = [
        (result.analysis.title, result.analysis.kind, result.analysis.role,
         _estimand_words(result, evidence))
        for result in verdict.results
    ]  # fmt: skip
    meanings = [
        (tables.label_words(label), decisions.meaning(label, verdict.claim.kind))
        for label in decisions.MEANING
    ]
    caption = "The analyses, as fixed in data/claims.yaml"
    header = ("Analysis", "Judged as", "Role", "Trials and results that count")
    return join(
        [
            table(("Rule", "Value"), shared, caption="Shared by all claims"),
            markup.scroll(table(header, rows, caption=caption, css="wide"), caption),
            details(
                "What each label means",
                table(("Label", "Meaning"), meanings, caption="Labels of a verdict"),
            ),
        ]
    )


def _cited(verdict: Verdict) -> str:
    return verdict.claim.rules.smallest_effect_source


def _estimand_words(result: AnalysisResult, evidence: Evidence) -> str:
    asked = result.analysis.estimand
    parts = [f"outcome: {evidence.name(asked.outcome)} ({asked.wanted_measure})"]
    for name in ("comparator", "phase"):
        values = getattr(asked, name)
        parts.append(f"{name}: {', '.join(map(evidence.name, values)) if values else 'any'}")
    parts += [
        f"{column.replace('_', ' ')}: {', '.join(map(evidence.name, values))}"
        for column, values in asked.trials.items()
    ]
    if asked.any_of:
        either = " or ".join(
            f"{column.replace('_', ' ')} {', '.join(map(evidence.name, values))}"
            for column, values in asked.any_of.items()
        )
        parts.append(f"at least one of: {either}")
    if asked.weeks:
        parts.append(f"weeks {asked.weeks[0]:g} to {asked.weeks[1]:g}")
    if result.analysis.moderator:
        parts.append(f"compared by {result.analysis.moderator.replace('_', ' ')}")
    parts.append(f"data tiers {asked.tiers}")
    return "; ".join(parts)


def limits(verdict: Verdict) -> Safe:
    """Say what the verdict does not mean, and what is not computed yet."""
    own = [verdict.claim.limits] if verdict.claim.limits else []
    said = [
        *own,
        "The data are extracted from reports and reviews; severity, medication management and "
        "other codes are partly judgement, and 'unclear' is left as it is.",
        "Not demonstrated is not the same as no effect, and insufficient is not the same as "
        "ineffective: both say what the numbers at hand cannot settle.",
        "Direction-only results and results without arm sizes are listed above and not pooled.",
        "Effects are averages over trials; the prediction interval shows how far a new trial's "
        "true effect may lie from the average.",
    ]
    items = join(Safe(f"<li>{text(sentence)}</li>") for sentence in said)
    pending = join(
        [
            paragraph("Certainty of the evidence: ", str(verdict.certainty), "."),
            paragraph("Agreement of other defensible analyses: ", str(verdict.robustness), "."),
        ]
    )
    return Safe(f"<ul>{items}</ul>{pending}")
