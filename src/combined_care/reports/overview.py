"""The parts of the index: all verdicts, the evidence map, and what cannot be tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.display import display

from combined_care import figures, tables
from combined_care.landscape import map_evidence
from combined_care.markup import Safe, join, paragraph, scroll, text
from combined_care.reports.page import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.evidence import Evidence
    from combined_care.verdicts import Verdict


def headline(verdicts: Sequence[Verdict]) -> Safe:
    """Say in two sentences what the primary claims came to."""
    primary = [v for v in verdicts if v.claim.set == "primary"]
    counts: dict[str, int] = {}
    for verdict in primary:
        words = tables.label_words(verdict.label)
        counts[words] = counts.get(words, 0) + 1
    said = "; ".join(f"{words}: {count}" for words, count in counts.items())
    return Safe(
        f'<p class="lead">{len(primary)} sentences of one health article about where the evidence '
        f"is strongest, each tested with trial data. {text(said)}.</p>"
    )


def verdicts_of(verdicts: Sequence[Verdict], group: str, caption: str) -> Safe:
    """Show the verdict table of one set of claims."""
    return tables.verdict_table([v for v in verdicts if v.claim.set == group], caption=caption)


def evidence_map(evidence: Evidence, verdicts: Sequence[Verdict]) -> Safe:
    """Show the evidence map as a figure and as a table."""
    found = map_evidence(evidence, verdicts[0].claim.rules)
    words = {word: evidence.name(word) for word in (*found.diagnoses, *found.comparators)}
    said = figures.describe_evidence_map(found, words)
    caption = Safe(f"<figcaption>{text(said)}</figcaption>")
    svg = figures.to_svg(
        figures.evidence_map(found, words),
        name="evidence-map",
        title="Evidence map by diagnosis and comparator",
        description=said,
    )
    figure = join([Safe("<figure>"), scroll(svg, "Evidence map"), caption, Safe("</figure>")])
    return join([figure, tables.map_table(found, evidence.name)])


def about(evidence: Evidence) -> Safe:
    """Say what the evidence holds and how the numbers are to be read."""
    return paragraph(
        f"{evidence}. Efficacy is symptom severity where a trial reports usable numbers, else "
        "response, else remission, brought to the scale of Hedges' g. Positive numbers favour "
        "combined treatment everywhere. A label says what the evidence in this project shows, not "
        "what to do."
    )


def hand_over(verdicts: Sequence[Verdict]) -> None:
    """Give the verdicts of this run to the build, which writes them to ``verdicts.json``."""
    document = {"claims": [verdict.to_dict() for verdict in verdicts]}
    display({VERDICTS: document}, raw=True)  # type: ignore[no-untyped-call]
