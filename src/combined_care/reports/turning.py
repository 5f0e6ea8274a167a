"""What would change a verdict: trials removed, one more trial, a bias, more people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import figures
from combined_care import tables as shown
from combined_care.decisions import without_grade
from combined_care.markup import Safe, bullets, details, join, paragraph
from combined_care.reports import parts
from combined_care.tables import tipping as tables
from combined_care.tipping import tipping_points

if TYPE_CHECKING:
    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict

_WHAT = (
    "Each sentence names the smallest change that gives a decisive analysis another label, by the "
    "rule that reads its interval or its test alone. None of them says that such a change is "
    "likely; they show how far off it is."
)
#: More trials than this are a table only: a line for each makes a figure too long to be read.
_MOST_DRAWN = 12


def turning_points(verdict: Verdict) -> Safe:
    """Show the tipping points of every decisive analysis.

    Parameters
    ----------
    verdict : Verdict
        A claim that trials can test.
    """
    return join([paragraph(_WHAT), *(_points(result, verdict) for result in verdict.decisive)])


def without_each_trial(result: AnalysisResult) -> Safe:
    """Show the pooled effect without each trial in turn; drawn while a drawing can be read.

    Parameters
    ----------
    result : AnalysisResult
        With a row for each trial in its ``leave_one_out``.
    """
    numbers = shown.leave_one_out_table(result)
    if len(result.leave_one_out) > _MOST_DRAWN:
        return numbers
    measure = result.analysis.estimand.wanted_measure
    said = figures.describe_leave_one_out(
        result.leave_one_out, result.fit, verdict=without_grade(result.label), measure=measure
    )
    picture = parts.figure(
        lambda narrow: figures.leave_one_out(
            result.leave_one_out, result.fit, verdict=without_grade(result.label), measure=measure,
            smallest=result.smallest_effect, narrow=narrow,
        ),
        name=f"left-out-{result.analysis.id}",
        title=f"Without each trial in turn: {result.analysis.title}",
        description=said,
        caption=said,
    )  # fmt: skip
    return join([picture, numbers])


def _points(result: AnalysisResult, verdict: Verdict) -> Safe:
    found = tipping_points(result, verdict.claim.rules)
    numbers = tables.tipping_tables(found, shown.title(result))
    return parts.section(
        f"turning-{result.analysis.id}",
        f"What would change it: {result.analysis.title}",
        paragraph("Now: ", shown.label_tag(found.label)),
        bullets(found.sentences),
        details("The same as tables", numbers) if numbers else "",
        level=3,
    )
