"""Trials: what was pooled, with weight, source and derivation, and what is shown beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care.anchors import row_link, row_links, trial_link, trials_place
from combined_care.markup import Safe, interval, join, link, number, scroll, table, text
from combined_care.review import current_review
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis
from combined_care.tables.words import title

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from combined_care.findings import AnalysisResult


def favours_words(favours: str) -> str:
    """Say whom the text of a report says that its result favours."""
    review = current_review()
    words = dict.fromkeys(review.experimental, review.treatment) | {"comparator": "the comparator"}
    return {**words, "none": "neither"}.get(favours, "not stated")


def trials_table(result: AnalysisResult) -> Safe:
    """List the pooled trials: effect, weight, rating, tier, source, rows and derivation."""
    measure, fit = result.analysis.estimand.wanted_measure, result.fit
    alone = "only trial" if result.k == 1 else "not pooled"
    weights = [alone] * len(result.effects)
    if isinstance(fit, Synthesis) and fit.k > 1:
        weights = [f"{weight:.1f} %" for weight in fit.weights]
    rows = [
        _pooled_row(row, weight, measure)
        for row, weight in zip(_rows(result.effects), weights, strict=True)
    ]
    header = ("Trial", f"{measure_name(measure)} (95 % CI)", "Weight", "n", "Outcome",
              "Data", "Source",
              "How the effect was derived [rows of data/outcomes.csv]")  # fmt: skip
    caption = f"{title(result)}: the pooled trials"
    place = trials_place(result.analysis.id)
    return scroll(table(header, rows, caption=caption, css="wide", anchor=place), caption)


def _pooled_row(row: Any, weight: str, measure: str) -> tuple[object, ...]:
    scale = natural(measure)
    return (
        trial_name(row),
        f"{number(scale(row.yi))} ({interval(scale(row.ci_lb), scale(row.ci_ub))})",
        weight,
        "not reported" if row.n != row.n else f"{row.n:,.0f}",
        _outcome(row),
        _quality(row),
        sources(row),
        join([Safe('<span class="derivation">'), row.derivation, " [", row_links(row.row_ids),
              "]", Safe("</span>")]),
    )  # fmt: skip


def trial_name(row: Any) -> Safe:
    """Name a trial, linked to its entry, with its notice where it has one."""
    notice = getattr(row, "notice", "")
    more = f'<br><span class="note">Notice: {text(notice)}</span>' if notice else ""
    return Safe(f"{trial_link(row.trial_id, row.label)}{more}")


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _outcome(row: Any) -> str:
    parts = [row.outcome, row.instrument, row.rating and f"{row.rating}-rated"]
    if row.weeks == row.weeks:
        parts.append(f"week {row.weeks:g}")
    if row.converted:
        parts.append("odds ratio converted to g")
    return ", ".join(part for part in parts if part)


def _quality(row: Any) -> str:
    parts = [f"tier {row.tier}", "derived" if row.derived else "", row.flags]
    if row.low_risk_items == row.low_risk_items:
        parts.append(f"{row.low_risk_items:g} of 4 risk-of-bias items low")
    if row.how != "row":
        parts.append(row.how)
    return "; ".join(part for part in parts if part)


def sources(row: Any) -> Safe:
    """Link to the trial first (DOI, PubMed), then to the page where its numbers were read."""
    found = (*_trial_links(row), *_row_links(row))
    return Safe(", ".join(found))


def trial_sources(row: Any) -> Safe:
    """Link to the report of a trial."""
    return Safe(", ".join(_trial_links(row)))


def row_sources(row: Any) -> Safe:
    """Link to where the numbers of a row were read."""
    return Safe(", ".join(_row_links(row)))


def _trial_links(row: Any) -> Iterator[Safe]:
    if row.doi:
        yield link(f"https://doi.org/{row.doi}", "DOI")
    if row.pmid:
        yield link(f"https://pubmed.ncbi.nlm.nih.gov/{row.pmid}/", "PubMed")


def _row_links(row: Any) -> Iterator[Safe]:
    kind = row.source_kind.replace("_", " ")
    if row.source_url:
        yield link(row.source_url, f"numbers read here ({kind})")
    if row.source_note:
        yield text(row.source_note)


def not_pooled_table(frame: pd.DataFrame, caption: str) -> Safe:
    """List rows that are shown and never pooled, with what their text says and why."""
    rows = [
        (
            trial_link(row.trial_id, row.label),
            row.outcome_detail or row.outcome,
            favours_words(row.favours),
            row.reason,
            sources(row),
            row_link(row.row_id),
        )
        for row in _rows(frame)
    ]
    header = ("Trial", "Result", "Text favours", "Why it is not pooled", "Source", "Row")
    return scroll(table(header, rows, caption=caption, css="wide"), caption)
