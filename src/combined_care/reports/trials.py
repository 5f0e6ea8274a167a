"""The pages of the trials: every entry with its rows, sources, derivations and uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care import tables
from combined_care.ledger import ledger, uses
from combined_care.markup import (
    Safe,
    bullets,
    interval,
    join,
    number,
    paragraph,
    scroll,
    table,
    text,
)
from combined_care.reports import parts
from combined_care.scales import measure_name, natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from combined_care.claims import Claim
    from combined_care.evidence import Evidence


def entries(group: str, evidence: Evidence, claims: Iterable[Claim]) -> Safe:
    """Show every trial of a group of first letters.

    Parameters
    ----------
    group : str
        One of :func:`combined_care.tables.trial_groups`.
    evidence : Evidence
        The tables.
    claims : iterable of Claim
        Their analyses tell where a trial is pooled.
    """
    rows, used = ledger(evidence), uses(claims, evidence)
    trials = evidence.trials
    here = trials[trials["trial_id"].map(tables.trial_group) == group]
    here = here.sort_values(["label", "trial_id"], key=lambda c: c.str.casefold())
    shown = (
        _entry(
            trial,
            rows[rows["trial_id"] == trial.trial_id],
            used[used["trial_id"] == trial.trial_id],
            evidence,
        )
        for trial in here.itertuples(index=False)
    )
    held = set(trials["trial_id"].map(tables.trial_group))
    groups = [name for name in tables.trial_groups() if name in held]
    return join([_intro(group, groups, len(here)), *shown])


def _intro(group: str, groups: Iterable[str], count: int) -> Safe:
    names = [(tables.trials_page(name), tables.letters(name)) for name in groups]
    said = (
        f"{tables.sentence(tables.count(count))} by the first letter of the identifier, each with "
        "every result that the data hold, "
        "how its effect was derived, where the numbers were read, and which analyses pool it. "
    )
    return join(
        [
            parts.site_links(tables.trials_page(group), names, "Trials by letter"),
            parts.lead(said, tables.page_link("data", "Where the data come from"), "."),
            paragraph(parts.sign_note()),
        ]
    )


def _entry(trial: Any, rows: pd.DataFrame, used: pd.DataFrame, evidence: Evidence) -> Safe:
    content: list[object] = []
    if trial.duplicate_of:
        other = tables.trial_link(trial.duplicate_of, trial.duplicate_of)
        content.append(paragraph("The same trial as ", other, ", which is used instead."))
    if trial.notice:
        notice = text(tables.sentence(trial.notice))
        content.append(Safe(f'<p class="notice">Notice: {notice}</p>'))
    content += [parts.facts(_facts(trial, evidence)), _rows_table(trial, rows, evidence)]
    content.append(_used_in(used))
    place = tables.trial_place(trial.trial_id)
    return parts.section(place, f"{trial.label} ({trial.trial_id})", *content, css="trial")


def _facts(trial: Any, evidence: Evidence) -> Iterator[tuple[object, object]]:
    yield "Report", tables.trial_sources(trial) or "no DOI or PubMed number recorded"
    yield "What was compared", trial.summary
    diagnosis = tables.page_link(
        tables.diagnosis_page(trial.diagnosis), evidence.name(trial.diagnosis)
    )
    detail = f" ({trial.diagnosis_detail})" if trial.diagnosis_detail else ""
    yield "Diagnosis", join([diagnosis, detail])
    coded = evidence.review.columns
    for column, name in coded.items():
        value = getattr(trial, column)
        yield tables.sentence(name), "" if value == "unclear" else evidence.name(value)
    for name, called in evidence.review.parts.items():
        kind = evidence.name(getattr(trial, f"{name}_class"))
        words = getattr(trial, name)
        said = ": ".join(part for part in (kind, words) if part)
        yield tables.sentence(called), said
    yield "Randomised", "" if pd.isna(trial.n_randomised) else f"{trial.n_randomised:,.0f} people"
    yield "Country and setting", ", ".join(part for part in (trial.country, trial.setting) if part)
    low = trial.low_risk_items
    judged = evidence.name("low_risk_items")
    yield "Risk of bias", "" if pd.isna(low) else f"{low:g} of 4 {judged}"
    untold = (name for column, name in coded.items() if getattr(trial, column) == "unclear")
    yield "Not told by what was read", ", ".join(untold).lower()
    yield "Note", trial.notes


def _rows_table(trial: Any, rows: pd.DataFrame, evidence: Evidence) -> Safe:
    if rows.empty:
        return paragraph("The data hold no result of this trial.")
    header = ("Row", "Comparison", "Outcome", "Effect (95 % CI)", "How it was derived, or why not",
              "Data", "Numbers read in")  # fmt: skip
    caption = f"{trial.label} ({trial.trial_id}): results in the data"
    shown = table(
        header,
        [_row(row, evidence) for row in rows.itertuples(index=False)],
        caption=caption,
        css="wide rows",
        row_ids=[tables.row_place(row_id) for row_id in rows["row_id"]],
    )
    return scroll(shown, caption)


def _row(row: Any, evidence: Evidence) -> tuple[object, ...]:
    return (
        row.row_id,
        _arms(row, evidence),
        _outcome(row, evidence),
        _effect(row),
        Safe(f'<span class="derivation">{join([row.derivation or _without_effect(row)])}</span>'),
        _quality(row),
        tables.row_sources(row),
    )


def _arms(row: Any, evidence: Evidence) -> str:
    both = []
    for side, kind in (("e", row.experimental), ("c", row.comparator)):
        treatment = getattr(row, f"treatment_{side}")
        both.append(f"{evidence.name(kind)}{f' ({treatment})' if treatment else ''}")
    return " against ".join(both)


def _outcome(row: Any, evidence: Evidence) -> str:
    told = row.outcome_detail.lower().startswith(row.outcome)
    outcome, detail = "" if told else row.outcome, row.outcome_detail
    week = f"week {row.weeks:g}" if row.weeks == row.weeks else ""
    rated = f"{row.rating}-rated" if row.rating else ""
    who = "" if row.analysis_set == "unclear" else evidence.name(row.analysis_set)
    said = (outcome, detail, row.instrument, rated, week, evidence.name(row.phase), who)
    return ", ".join(part for part in said if part)


def _effect(row: Any) -> str:
    if not row.measure:
        return "none"
    scale = natural(row.measure)
    bounds = interval(scale(row.ci_lb), scale(row.ci_ub))
    return f"{measure_name(row.measure)} {number(scale(row.yi))} ({bounds})"


def _without_effect(row: Any) -> str:
    """Say why there is no effect, and what the report does tell."""
    told = []
    if row.pct_e == row.pct_e and row.pct_c == row.pct_c:
        told.append(f"{row.pct_e:g} % against {row.pct_c:g} %")
    if row.p_value == row.p_value:
        told.append(f"p {row.p_operator} {row.p_value:g}")
    told += [row.p_note] if row.p_note else []
    if row.favours:
        told.append(f"the text favours {tables.favours_words(row.favours)}")
    reported = f"; reported: {', '.join(told)}" if told else ""
    return f"{row.problem}{reported}"


def _quality(row: Any) -> str:
    said = [f"tier {row.tier}", "derived" if row.derived == 1 else "", row.flags]
    said.append(parts.FATES[row.fate][0])
    if row.same_as_row:
        said.append(f"the same result as {row.same_as_row}")
    return "; ".join(part for part in said if part)


def _used_in(used: pd.DataFrame) -> Safe:
    """Link to the analyses that pool the trial, with the rows that each of them takes."""
    if used.empty:
        return paragraph("No claim pools a result of this trial.")
    by_analysis: dict[tuple[str, ...], list[str]] = {}
    for row_id, _, *use in used.itertuples(index=False, name=None):
        by_analysis.setdefault(tuple(use), []).append(row_id)
    items = [
        join([
            tables.page_link(claim, f"{claim}: {title}", analysis),
            " (decisive)" if role == "decisive" else "",
            f": {', '.join(dict.fromkeys(rows))}",
        ])
        for (claim, analysis, title, role), rows in by_analysis.items()
    ]  # fmt: skip
    counted = tables.count(len(items), "analysis", "analyses")
    return join([paragraph(f"Pooled in {counted} of claims:"), bullets(items)])
