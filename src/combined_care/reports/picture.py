"""The one picture beside a verdict: its decisive results on a common axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care import figures, tables
from combined_care.markup import Safe, interval, number, text
from combined_care.reports import parts
from combined_care.results import Absent, is_present
from combined_care.review import current_review
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict


def verdict_picture(verdict: Verdict) -> Safe:
    """Draw the decisive results: one line an interval; nothing where nothing is pooled."""
    return results_picture(verdict.decisive, f"{verdict.claim.id}-decisive")


def results_picture(
    results: Sequence[AnalysisResult],
    name: str,
    *,
    label: Callable[[AnalysisResult], str] = tables.title,
) -> Safe:
    """Draw the pooled effects of several analyses, as far as they are on one scale.

    Parameters
    ----------
    results : sequence of AnalysisResult
        Moderators are drawn by level, other analyses by their pooled effect.
    name : str
        Unique in the page.
    label : callable
        Names a result; by default with its title.
    """
    rows = [(measure, row) for result in results for measure, row in _rows(result, label)]
    if not rows:
        return text("")
    measure = rows[0][0]
    drawn = pd.DataFrame([row for of, row in rows if of == measure])
    smallest = next((r.smallest_effect for r in results if r.moderator is None), None)
    said = _description(drawn, measure)
    caption = f"{said} Lines: confidence intervals."
    if smallest is not None and is_present(smallest):
        caption += " Dotted line: smallest effect of interest."
    if len(drawn) < len(rows):
        caption += " Results on another scale are in the table."
    favours = ("one treatment", current_review().treatment)
    return parts.figure(
        lambda narrow: figures.forest(
            drawn, Absent("each row is a pooled result"), measure=measure, favours=favours,
            smallest=smallest, narrow=narrow,
        ),
        name=name,
        title="What the verdict rests on",
        description=said,
        caption=caption,
    )  # fmt: skip


def _rows(
    result: AnalysisResult, label: Callable[[AnalysisResult], str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    measure = result.analysis.estimand.wanted_measure
    if result.moderator is not None:
        if not isinstance(result.moderator.fit, Absent):
            for level in result.moderator.fit.groups:
                if is_present(level.ci_lb):
                    yield measure, _row(f"{level.name.replace('_', ' ')}, k = {level.k}", level)
        return
    fit = result.fit
    if not isinstance(fit, Synthesis) or not is_present(fit.ci_lb):
        return
    yield measure, _row(f"{label(result)}, k = {result.k}", fit)
    if result.interval_is_narrow:
        careful = fit.inference("knha-conservative")
        yield measure, _row("– conservative interval", careful, fit.estimate)


def _row(label: str, found: Any, estimate: float | None = None) -> dict[str, Any]:
    yi = found.estimate if estimate is None else estimate
    return {"label": label, "yi": yi, "ci_lb": found.ci_lb, "ci_ub": found.ci_ub}


def _description(rows: pd.DataFrame, measure: str) -> str:
    scale = natural(measure)
    each = (
        f"{row.label}: {number(scale(row.yi))} ({interval(scale(row.ci_lb), scale(row.ci_ub))})"
        for row in rows.itertuples(index=False)
    )
    return f"Pooled {measure_name(measure)}. {'; '.join(each)}."
