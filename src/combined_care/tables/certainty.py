"""Certainty of the evidence: the five domains, and what was found for 100 people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.event_rates import AbsoluteEffect
from combined_care.markup import Safe, interval, number, scroll, table
from combined_care.results import Absent
from combined_care.review import current_review
from combined_care.scales import measure_name
from combined_care.tables.words import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from combined_care.certainty import Certainty, Domain, Level
    from combined_care.summary_rows import FindingsSummary, SummaryRow

#: What a level tells a reader about the number that it stands beside.
MEANINGS: Mapping[Level, str] = {
    "high": "the true effect is very probably close to the number given",
    "moderate": "the true effect is probably close to the number given, but may lie clearly off it",
    "low": "the true effect may well lie clearly off the number given",
    "very low": "the number given says little about the true effect",
}
_STEPS = {0: "none", -1: "one step down", -2: "two steps down"}


def domains_table(certainty: Certainty, caption: str) -> Safe:
    """Show the five domains: steps, what was found, the rule; a person's judgement beside it.

    Parameters
    ----------
    certainty : Certainty
        Of one analysis.
    caption : str
        Says what the table shows.
    """
    judged = bool(certainty.overrides)
    rows = [
        (
            sentence(domain.name),
            _steps(domain),
            *([_judgement(certainty, domain)] if judged else []),
            domain.sentence,
            domain.rule,
        )
        for domain in certainty.domains
    ]
    more = ("A person's judgement",) if judged else ()
    header = ("Domain", "Steps by the rule", *more, "What was found", "The rule")
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _steps(domain: Domain) -> str:
    return _STEPS[domain.downgrade] if domain.assessed else "not assessable"


def _judgement(certainty: Certainty, domain: Domain) -> str:
    found = certainty.override(domain.name)
    if found is None:
        return "as computed"
    return f"{_STEPS[found.judged]}: {found.reason} ({found.name}, {found.date})"


def findings_table(found: FindingsSummary, caption: str) -> Safe:
    """Show a Summary of Findings: effects, people among 100, certainty, plain words.

    Parameters
    ----------
    found : FindingsSummary
        From :func:`combined_care.findings_summary.summary_of_findings`.
    caption : str
        Says what the table shows.
    """
    header = ("Question", "Trials (people)", "Effect (CI)",
              f"Of {found.per} with the comparator",
              f"Of {found.per} with {current_review().treatment}",
              "Number needed", "Certainty", "In plain words")  # fmt: skip
    rows = [_finding(row) for row in found.rows]
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _finding(row: SummaryRow) -> tuple[object, ...]:
    without, with_ = _people(row)
    return (
        sentence(row.question) + ("" if row.comparator in row.question else f" ({row.comparator})"),
        f"{row.k} ({row.n:,})",
        f"{measure_name(row.measure)} {number(row.estimate)} ({interval(row.ci_lb, row.ci_ub)})",
        without,
        with_,
        _reason_or(row.needed),
        _reason_or(row.certainty),
        row.sentence,
    )


def _people(row: SummaryRow) -> tuple[str, str]:
    found = row.absolute
    if not isinstance(found, AbsoluteEffect):
        return found.reason, "not available"
    per = row.per
    low, high = sorted((per * found.rate_ci_lb, per * found.rate_ci_ub))
    without = f"{number(per * found.comparator_rate, 0)}: {row.rate_basis}"
    return without, f"{number(per * found.experimental_rate, 0)} ({interval(low, high, 0)})"


def _reason_or(value: object) -> str:
    return value.reason if isinstance(value, Absent) else str(value)
