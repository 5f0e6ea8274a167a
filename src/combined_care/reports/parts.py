"""What pages share: sections, figures in two widths, and phrases that stand in one place only."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from combined_care import figures, tables
from combined_care.markup import Safe, join, text
from combined_care.paths import project_root
from combined_care.review import current_review
from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from matplotlib.figure import Figure

    from combined_care.evidence import Evidence
    from combined_care.ledger import Fate

DESCRIPTIVE_NOTE = (
    "These results describe what the data hold. They follow the shared rules, but no claim named "
    "them in advance unless a link says so; the more one looks at, the more will stand out by "
    "chance."
)
#: What becomes of a row, for readers: a short name, and the reason.
FATES: Mapping[Fate, tuple[str, str]] = {
    "repeated": (
        "counted elsewhere",
        "the same people or the same result stand under another entry, which is used instead",
    ),
    "network": (
        "network only",
        "neither arm, or both, had what is under review: the row links trials in a network",
    ),
    "other_kind": (
        "other kind of treatment",
        "kept, and left out of all claims by data/selection.yaml",
    ),
    "direction_only": ("direction only", "the report tells a direction or a p-value, no numbers"),
    "flagged": (
        "flagged",
        "doubtful numbers: out of the primary analyses, in their sensitivity analyses",
    ),
    "without_arm_sizes": (
        "without arm sizes",
        "percentages only: pooled in a sensitivity analysis that assumes arms of equal size",
    ),
    "no_effect": ("no effect", "the numbers do not give an effect that can be pooled"),
    "usable": ("usable", "an effect with its variance, open to the primary analyses"),
}


def sign_note() -> str:
    """Say which way the numbers point."""
    return (
        f"Positive numbers favour {current_review().treatment}; odds and risk ratios are turned so "
        "that above 1 is better."
    )


def outcome_words(outcome: str, evidence: Evidence) -> str:
    """Name an outcome and the phases in which it counts, as the beginning of a sentence."""
    phases = " or ".join(map(evidence.name, evidence.review.phases(outcome)))
    return tables.sentence(", ".join(filter(None, (evidence.name(outcome), phases))))


def section(place: str, title: object, *content: object, level: int = 2, css: str = "") -> Safe:
    """Put content under a heading that can be linked to."""
    name = f' class="{text(css)}"' if css else ""
    return join(
        [
            Safe(f'<section{name} aria-labelledby="{text(place)}">'),
            heading(place, title, level),
            *content,
            Safe("</section>"),
        ]
    )


def heading(place: str, title: object, level: int = 2) -> Safe:
    """Write a heading that can be linked to."""
    return Safe(f'<h{level} id="{text(place)}">{text(title)}</h{level}>')


def figure(
    draw: Callable[[bool], Figure], *, name: str, title: str, description: str, caption: object
) -> Safe:
    """Show a figure twice, for wide and for narrow pages; the style sheet picks one.

    Parameters
    ----------
    draw : callable
        Draws the figure; told whether it is for a narrow page.
    name : str
        Unique in the page.
    title, description : str
        Short name and text alternative.
    caption : object
        Stands below the figure for everybody.
    """
    shown = []
    for css, narrow in (("wide-figure", False), ("narrow", True)):
        svg = figures.to_svg(
            draw(narrow), name=f"{name}-{css}", title=title, description=description
        )
        shown.append(Safe(f'<div class="{css}">{svg}</div>'))
    return Safe(f"<figure>{join(shown)}<figcaption>{text(caption)}</figcaption></figure>")


def lead(*sentences: object) -> Safe:
    """Write the first paragraph of a page, in larger type."""
    return Safe(f'<p class="lead">{join(sentences)}</p>')


def facts(pairs: Iterable[tuple[object, object]]) -> Safe:
    """List names with their values; a pair without value is left out."""
    shown = (
        Safe(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>")
        for name, value in pairs
        if str(value)
    )
    return Safe(f'<dl class="facts">{join(shown)}</dl>')


def site_links(current: str, entries: Iterable[tuple[str, object]], label: str) -> Safe:
    """Link to sister pages; the page one is on is marked."""
    items = join(
        Safe(f'<li><span aria-current="page">{text(words)}</span></li>')
        if name == current
        else Safe(f"<li>{tables.page_link(name, words)}</li>")
        for name, words in entries
    )
    return Safe(f'<nav class="sisters" aria-label="{text(label)}"><ul>{items}</ul></nav>')


@cache
def meanings(table: str, column: str) -> dict[str, str]:
    """Return the meaning of each word of a column, as the data package declares it."""
    file = project_root() / "data" / PACKAGE_FILE
    package = json.loads(file.read_text(encoding="utf-8"))
    (found,) = [
        field["meanings"]
        for resource in package["resources"]
        if resource["name"] == table
        for field in resource["schema"]["fields"]
        if field["name"] == column
    ]
    return dict(found)
