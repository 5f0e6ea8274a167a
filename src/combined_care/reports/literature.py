"""Published results beside ours: for one claim, and all of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from combined_care import figure_tables, figures
from combined_care import tables as shown
from combined_care.literature import Comparison, compare_with_published, summarise
from combined_care.markup import Safe, details, join, paragraph
from combined_care.paths import project_root
from combined_care.published_map import MAP_FILE, PublishedMap, load_published_map
from combined_care.reports import parts
from combined_care.results import Absent
from combined_care.scales import measure_name
from combined_care.synthesis import Synthesis
from combined_care.tables import literature as tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.claims import Claim
    from combined_care.estimands import Estimand
    from combined_care.evidence import Evidence
    from combined_care.verdicts import Verdict

PAGE = "published"
_NOT_MEANT = (
    "Both rest largely on the same trials, so agreement is no second proof and no test of the "
    "difference is made. A published number is never pooled with ours. Where the two differ, "
    "neither is the true one by that."
)


def from_literature(verdict: Verdict, evidence: Evidence) -> Safe:
    """Show the published results on the questions of a claim.

    Parameters
    ----------
    verdict : Verdict
        A claim that trials can test.
    evidence : Evidence
        Holds the published results.

    Notes
    -----
    A result is shown where one of the claim's analyses asks for the same comparator, the same
    diagnoses, the same phase and the same outcome (or one that stands in for it). Its other filters
    may differ; the table says what was asked of our data. Pairs without an interval on both sides,
    or with too few trials of ours, are counted only.
    """
    if not (project_root() / "data" / MAP_FILE).is_file():
        return paragraph("No published result has been matched with the questions of this review.")
    everything = load_published_map(evidence)
    asked = [analysis.estimand for analysis in verdict.claim.analyses]
    same = tuple(
        m for m in everything.matches if any(_alike(m.estimand, e, evidence) for e in asked)
    )
    link = paragraph(shown.page_link(PAGE, "All published results beside ours"), ".")
    if not same:
        none = "No published result in our table asks what this claim asks."
        return join([paragraph(none), link])
    found = compare_with_published(evidence, verdict.claim.rules, PublishedMap(same, {}))
    counted = [item for item in found if item.comparable]
    said = (
        f"Published results on the questions of this claim: {len(found)}. With an interval on both "
        f"sides and enough trials of ours: {len(counted)}. "
    )
    caption = "Published results on the questions of this claim, beside ours"
    table = tables.published_table(counted, caption) if counted else ""
    return join([paragraph(said, _NOT_MEANT if counted else ""), table, link])


def _alike(theirs: Estimand, ours: Estimand, evidence: Evidence) -> bool:
    outcomes = evidence.rule.family(ours.outcome)
    diagnoses = [set(estimand.trials.get("diagnosis", ())) for estimand in (theirs, ours)]
    return (
        theirs.outcome in outcomes
        and set(theirs.comparator) == set(ours.comparator)
        and set(theirs.phase) == set(ours.phase)
        and diagnoses[0] == diagnoses[1]
    )


class Published(NamedTuple):
    """All published results: those that are compared, and the map that says why others are not."""

    comparisons: tuple[Comparison, ...]
    map: PublishedMap


def look_at(evidence: Evidence, claims: dict[str, Claim]) -> Published:
    """Compare every published result with ours, by the rules that all claims share."""
    rules = next(iter(claims.values())).rules
    found = load_published_map(evidence)
    return Published(compare_with_published(evidence, rules, found), found)


def summary(found: Published) -> Safe:
    """Count what can be compared and what agrees."""
    counts = summarise(found.comparisons, found.map)
    caption = "Agreement, of the results that can be compared"
    obstacles = "Why results that match a question are not counted"
    return join(
        [
            parts.lead(str(counts)),
            paragraph(_NOT_MEANT),
            paragraph(parts.sign_note()),
            tables.counts_table(counts, caption),
            details(obstacles, tables.reasons_table(counts.not_comparable, obstacles)),
        ]
    )


def comparisons(found: Published) -> Safe:
    """Show, measure by measure, published results beside ours: figure and table."""
    sizes = Counter(item.measure for item in found.comparisons)
    return join(_of_measure(found.comparisons, measure) for measure, _ in sizes.most_common())


def _of_measure(every: Sequence[Comparison], measure: str) -> Safe:
    own = [item for item in every if item.measure == measure]
    name = measure_name(measure)
    caption = f"Published results and ours: {name}"
    title = f"Measured as {name}: {shown.count(len(own), 'result')}"
    return parts.section(
        f"published-{measure.lower()}", title,
        _picture([item for item in own if item.comparable], measure),
        tables.published_table(own, caption),
        level=3,
    )  # fmt: skip


def _picture(own: Sequence[Comparison], measure: str) -> Safe:
    """Draw the pairs that are counted."""
    if not own:
        return paragraph("No pair has an interval on both sides and enough trials of ours.")
    frame = pd.DataFrame([_drawn(item) for item in own])
    said = figures.describe_comparison(frame, measure=measure)
    picture = parts.figure(
        lambda narrow: figures.comparison(frame, measure=measure, narrow=narrow),
        name=f"published-figure-{measure.lower()}",
        title=f"Ours beside published results: {measure_name(measure)}",
        description=said,
        caption=f"{said} Squares: ours, with the prediction interval dashed; diamonds: theirs. "
        "Drawn are the results that can be compared.",
    )
    caption = f"Numbers of the figure: {measure_name(measure)}"
    table = figure_tables.comparison_table(frame, caption=caption, measure=measure)
    return join([picture, details("The numbers of the figure", table)])


def _drawn(found: Comparison) -> dict[str, Any]:
    fit, theirs = found.ours, found.theirs
    names = ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "k")
    ours = {n: getattr(fit, n) if isinstance(fit, Synthesis) else None for n in names}
    return {
        "label": "; ".join(filter(None, (found.review, found.outcome, found.subgroup))),
        **{n: None if isinstance(v, Absent) else v for n, v in ours.items()},
        "published": theirs.estimate,
        "published_ci_lb": theirs.ci_lb,
        "published_ci_ub": theirs.ci_ub,
        "published_k": None if isinstance(theirs.k, Absent) else theirs.k,
    }


def not_compared(found: Published) -> Safe:
    """List the published results that no question of ours matches, each with its reason."""
    counts = summarise(found.comparisons, found.map)
    rows = [
        (key.review_label, "; ".join(filter(None, key[1:])), reason)
        for key, reason in found.map.unmatched.items()
    ]
    caption = "Published results that match no question of ours"
    by_reason = "Published results that match no question of ours, by reason"
    return join(
        [
            tables.reasons_table(counts.unmatched, by_reason),
            details(f"All {len(rows)} of them", tables.unmatched_table(rows, caption)),
        ]
    )
