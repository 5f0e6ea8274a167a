"""How certain the evidence of a claim is, and what was found for 100 people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import figure_tables, figures
from combined_care import tables as shown
from combined_care.certainty import LEVELS
from combined_care.event_rates import AbsoluteEffect
from combined_care.findings_summary import summary_of_findings
from combined_care.markup import Safe, bullets, details, join, paragraph
from combined_care.reports import parts
from combined_care.results import Absent
from combined_care.tables import certainty as tables

if TYPE_CHECKING:
    from combined_care.certainty import Certainty, Level
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.summary_rows import FindingsSummary, SummaryRow
    from combined_care.verdicts import Verdict

_NOT_MEANT = (
    "Low certainty does not mean that {} does not work, and high certainty would not mean that it "
    "works well: a level says how far a number can be relied on. The rules are the same for all "
    "claims; they read what the data hold and know nothing that is not in them."
)


def certainty(verdict: Verdict, evidence: Evidence) -> Safe:
    """Show the level first, then what it means in people, then the five domains.

    Parameters
    ----------
    verdict : Verdict
        A claim that trials can test.
    evidence : Evidence
        Gives the rates of the comparator arms.
    """
    levels = {result.analysis.id: result.certainty for result in verdict.decisive}
    found = summary_of_findings(verdict.decisive, levels, evidence)
    return join(
        [
            _level(verdict),
            _findings(found),
            _people(found.rows, verdict, evidence),
            *(_domains(result) for result in verdict.decisive),
            paragraph(_NOT_MEANT.format(evidence.review.treatment)),
            details("What the four levels mean", bullets(map(_meaning, LEVELS))),
        ]
    )


def _meaning(level: Level) -> str:
    return f"{shown.sentence(level)}: {tables.MEANINGS[level]}."


def _level(verdict: Verdict) -> Safe:
    found = verdict.certainty
    if isinstance(found, Absent):
        return paragraph(f"The certainty of the claim is not rated: {found.reason}.")
    several = len(verdict.decisive) > 1
    of = ", that of its least certain decisive analysis" if several else ""
    return paragraph(
        Safe("<strong>"), f"Certainty of the evidence: {found.level}{of}.", Safe("</strong> "),
        f"This means: {tables.MEANINGS[found.level]}.",
    )  # fmt: skip


def _findings(found: FindingsSummary) -> Safe:
    if not found.rows:
        return paragraph("The claim compares levels: there is no single effect to tell in people.")
    return tables.findings_table(found, "Summary of findings: the decisive analyses")


def _people(rows: tuple[SummaryRow, ...], verdict: Verdict, evidence: Evidence) -> Safe:
    """Draw 100 people for the first decisive analysis that can be told in people."""
    row = next((row for row in rows if isinstance(row.absolute, AbsoluteEffect)), None)
    if row is None or not isinstance(row.absolute, AbsoluteEffect):
        return Safe("")
    effect, other = row.absolute, row.comparator
    outcome = evidence.review.outcomes[row.event].noun
    said = figures.describe_icon_array(effect, outcome=outcome, comparator=other)
    caption = (
        f"{shown.sentence(row.question)}. {row.sentence} Where the rate with {other} comes from: "
        f"{row.rate_basis}. Where fewer or more have {outcome} with {other}, the numbers differ."
    )
    picture = parts.figure(
        lambda narrow: figures.icon_array(effect, outcome=outcome, comparator=other, narrow=narrow),
        name=f"{verdict.claim.id}-people",
        title="Of 100 people",
        description=said,
        caption=caption,
    )
    numbers = figure_tables.icon_table(
        effect, outcome=outcome, comparator=other,
        caption=f"{shown.sentence(row.question)}: of 100 people",
    )  # fmt: skip
    return join([picture, details("The same as a table", numbers)])


def _domains(result: AnalysisResult) -> Safe:
    place, title = f"certainty-{result.analysis.id}", f"Certainty: {result.analysis.title}"
    found = result.certainty
    if isinstance(found, Absent):
        said = paragraph(f"Not rated: {found.reason}.")
        return parts.section(place, title, said, level=3)
    caption = f"{shown.title(result)}: the five domains of certainty"
    table = tables.domains_table(found, caption)
    return parts.section(place, title, paragraph(_rated(found)), table, level=3)


def _rated(found: Certainty) -> str:
    """Say the level; where a person judged otherwise, the computed one beside it."""
    if not found.overrides:
        return str(found)
    who = " ".join(map(str, found.overrides))
    return f"{found} The rules alone give {found.computed_level}. {who}"
