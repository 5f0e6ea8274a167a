"""The parts of a claim's page, in reading order. Each takes a verdict and returns HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care import figures, markup, tables
from combined_care.markup import Safe, details, join, paragraph, table
from combined_care.reports import parts, picture, plain, rules
from combined_care.reports.adjusted import adjusted
from combined_care.reports.turning import without_each_trial
from combined_care.results import Absent
from combined_care.review import current_review

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict


def summary(verdict: Verdict) -> Safe:
    """Say the verdict first: the box, two plain sentences, one picture, the decisive results."""
    first, second = plain.two_sentences(verdict)
    return join(
        [
            tables.verdict_box(verdict),
            parts.lead(f"{first} {second}"),
            picture.verdict_picture(verdict),
            tables.decisive_table(verdict),
        ]
    )


def analyses(verdict: Verdict, evidence: Evidence) -> Safe:
    """Show every analysis: figure, numbers, rule, trials, sensitivity and what is not pooled."""
    each = "Each analysis shows what was pooled, how sure the result is, and what was left out."
    shown = (analysis(result, evidence) for result in verdict.results)
    return join([paragraph(f"{parts.sign_note()} {each}"), *shown])


_ROLES = {"decisive": "The verdict rests on this.", "context": "Context, not decisive."}


def analysis(result: AnalysisResult, evidence: Evidence) -> Safe:
    """Show one analysis of a claim."""
    role = _ROLES[result.analysis.role]
    after: list[object] = [tables.checks_table(result), _trials(result)]
    after.append(details("The same with one choice changed", tables.sensitivity_table(result)))
    if not result.leave_one_out.empty:
        after.append(details("Without each trial in turn", without_each_trial(result)))
    said = paragraph(tables.label_tag(result.label), f" · {role} {plain.reading(result)}")
    return _section(result, evidence, said, after)


def description(result: AnalysisResult, evidence: Evidence) -> Safe:
    """Show a result that describes the evidence and judges no claim: no label, no rule."""
    return _section(result, evidence, paragraph(plain.reading(result)), [_trials(result)])


def _section(
    result: AnalysisResult, evidence: Evidence, said: Safe, after: Iterable[object]
) -> Safe:
    content: list[object] = [said]
    if result.k:
        content.append(_forest(result, evidence))
    if result.moderator is not None:
        measure = result.analysis.estimand.wanted_measure
        content.append(tables.moderator_tables(result.moderator, measure))
        content.append(adjusted(result))
    content += [tables.numbers_table(result), *after, _not_pooled(result)]
    return parts.section(result.analysis.id, tables.title(result), *content, level=3)


def _trials(result: AnalysisResult) -> object:
    if not result.k:
        return ""
    return details("The pooled trials, with sources", tables.trials_table(result))


def _favours(result: AnalysisResult, evidence: Evidence) -> tuple[str, str]:
    comparators = result.analysis.estimand.comparator
    other = evidence.name(comparators[0]) if len(comparators) == 1 else "the comparator"
    return other, evidence.treatment(result.analysis.estimand)


def _forest(result: AnalysisResult, evidence: Evidence) -> Safe:
    measure = result.analysis.estimand.wanted_measure
    favours, smallest = _favours(result, evidence), result.smallest_effect
    by = _grouping(result, evidence)
    said = figures.describe_forest(
        result.effects, result.fit, measure=measure, favours=favours, **by
    )
    key = figures.forest_key(result.effects, result.fit, smallest=smallest, by=by.get("by"))
    return parts.figure(
        lambda narrow: figures.forest(
            result.effects, result.fit, measure=measure, favours=favours, smallest=smallest,
            narrow=narrow, **by,
        ),
        name=result.analysis.id,
        title=f"Forest plot: {result.analysis.title}",
        description=said,
        caption=f"{said} {key} The same numbers are in the tables below.",
    )  # fmt: skip


def _grouping(result: AnalysisResult, evidence: Evidence) -> dict[str, Any]:
    """Group the trials of a moderator analysis by its levels."""
    moderator = result.moderator
    if moderator is None or isinstance(moderator.fit, Absent):
        return {}
    names = result.effects[moderator.name].astype(str).unique()
    titles = {name: evidence.name(name) or "not recorded" for name in names}
    return {"by": moderator.name, "levels": moderator.fit.to_frame(), "titles": titles}


def _not_pooled(result: AnalysisResult) -> Safe:
    """List what is shown and not pooled; open where there is little else to look at."""
    rows = result.not_pooled
    if rows.empty:
        return paragraph("Every result on this question that the data hold is pooled above.")
    pooled = set(result.effects["trial_id"])
    others = rows[~rows["trial_id"].isin(pooled)]
    title = (
        f"Shown, not pooled: {tables.count(len(rows), 'result')} "
        f"({tables.count(others['trial_id'].nunique())} with no pooled result)"
    )
    caption = f"{tables.title(result)}: results that are shown and not pooled"
    content = join([_directions(rows), tables.not_pooled_table(rows, caption)])
    return details(title, content, is_open=result.label == "insufficient")


def _directions(rows: pd.DataFrame) -> Safe:
    """Count what the texts say; counting directions is no test and is said not to be one."""
    counts = rows["favours"].value_counts()
    sides = (*current_review().experimental, "none", "comparator")
    told = {name: int(counts.get(name, 0)) for name in sides}
    said = [f"{tables.favours_words(name)}: {count}" for name, count in told.items()]
    rest = len(rows) - sum(told.values())
    return paragraph(
        f"Whom the reports say the result favours: {', '.join(said)}, not stated: {rest}. "
        "Counts of directions ignore the size of trials and effects; no verdict rests on them."
    )


def rule(verdict: Verdict, evidence: Evidence) -> Safe:
    """Print the rule of the claim: model, thresholds, and each estimand."""
    own = [
        ("A claim that", rules.kinds()[verdict.claim.kind]),
        (f"Section of {evidence.review.source_again}", verdict.claim.section),
    ]
    rows = [
        (result.analysis.title, result.analysis.kind, result.analysis.role,
         rules.estimand_words(result.analysis, evidence))
        for result in verdict.results
    ]  # fmt: skip
    caption = "The analyses, as data/claims.yaml has them"
    header = ("Analysis", "Judged as", "Role", "Trials and results that count")
    fixed = "Fixed before the result was seen."
    if not evidence.review.pre_specified:
        fixed = "Not pre-specified: the claim and its rule were not fixed in advance."
    return join(
        [
            paragraph(fixed),
            table(("This claim", "Value"), own, caption="Kind and place of the claim"),
            rules.shared_table(verdict.claim.rules),
            markup.scroll(table(header, rows, caption=caption, css="wide"), caption),
            details("What each label means", rules.labels_table(verdict.claim.kind)),
        ]
    )


def limits(verdict: Verdict) -> Safe:
    """Say what the verdict does not mean, and what is not computed yet."""
    own = [verdict.claim.limits] if verdict.claim.limits else []
    said = [
        *own,
        "The data are extracted from reports and reviews; how trials and their people are coded "
        "is partly judgement, and 'unclear' is left as it is.",
        "Not demonstrated is not the same as no effect, and insufficient is not the same as "
        "ineffective: both say what the numbers at hand cannot settle.",
        "Direction-only results and results without arm sizes are listed above and not pooled.",
        "Effects are averages over trials; the prediction interval shows how far a new trial's "
        "true effect may lie from the average.",
    ]
    return markup.bullets(said)
