"""Published results beside ours: what each found, whether they agree, and why they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.markup import Safe, bullets, interval, join, link, number, scroll, table, text
from combined_care.results import Absent
from combined_care.scales import measure_name, natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from combined_care.literature import Comparison, LiteratureSummary, PublishedResult
    from combined_care.synthesis import Synthesis

_ANSWERS = {
    "same_direction": "both point the same way",
    "overlap": "the intervals overlap",
    "inside": "theirs lies in our interval",
    "inside_theirs": "ours lies in their interval",
}
_SIGNS = {True: "✔", False: "✘"}
_WORDS = {True: "yes", False: "no"}


def published_table(comparisons: Iterable[Comparison], caption: str) -> Safe:
    """Show published results beside ours, with what may set them apart.

    Parameters
    ----------
    comparisons : iterable of Comparison
        Of any measures.
    caption : str
        Says what the table shows.
    """
    rows = [
        (
            review_words(found),
            _question(found),
            _theirs(found.theirs),
            _ours(found.ours, found.measure),
            _their_way(found),
            _agreement(found),
            bullets(map(str, found.likely_reasons)) or "none found",
        )
        for found in comparisons
    ]
    header = ("Review", "Question", "Published", "Ours", "Our trials, pooled their way",
              "Agreement", "What may set them apart")  # fmt: skip
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def review_words(found: Comparison) -> Safe:
    """Name a review, linked to its report, else to where its number was read."""
    url = f"https://doi.org/{found.doi}" if found.doi else found.source_url
    return link(url, found.review)


def _question(found: Comparison) -> str:
    subgroup = f"; {found.subgroup}" if found.subgroup else ""
    asked = f"{found.contrast}; {found.outcome}{subgroup}"
    return f"{asked}. We ask: {found.question}."


def _theirs(found: PublishedResult) -> str:
    trials = "k not known" if isinstance(found.k, Absent) else f"k = {number(found.k, 0)}"
    if isinstance(found.estimate, Absent):
        return f"no estimate: {found.estimate.reason}; {trials}"
    scale = natural(found.measure)
    bounds = (
        f"no interval: {found.ci_lb.reason}"
        if isinstance(found.ci_lb, Absent)
        else (interval(scale(found.ci_lb), scale(found.ci_ub)))
    )
    return f"{measure_name(found.measure)} {number(scale(found.estimate))} ({bounds}); {trials}"


def _ours(fit: Synthesis | Absent, measure: str) -> str:
    if isinstance(fit, Absent):
        return fit.reason
    return f"{_effect(fit, measure)}; k = {fit.k}"


def _their_way(found: Comparison) -> str:
    fit = found.ours_their_method
    if isinstance(fit, Absent):
        return "nothing pooled"
    if found.their_method == "not known":
        return "how they pooled is not known"
    return f"{_effect(fit, found.measure)}; {found.their_method}"


def _effect(fit: Synthesis, measure: str) -> str:
    scale = natural(measure)
    bounds = interval(scale(fit.ci_lb), scale(fit.ci_ub))
    return f"{measure_name(measure)} {number(scale(fit.estimate))} ({bounds})"


def _agreement(found: Comparison) -> Safe:
    """Answer the four questions; where a pair is not counted, say why before."""
    said = [f"Not counted: {found.obstacle}."] if found.obstacle else []
    answers = [(words, getattr(found, name)) for name, words in _ANSWERS.items()]
    known = [
        join([Safe(f'<span aria-hidden="true">{_SIGNS[value]}</span> '), f"{words}: "
              f"{_WORDS[value]}"])
        for words, value in answers
        if not isinstance(value, Absent)
    ]  # fmt: skip
    return join([text(" ".join(said)), bullets(known, css="plain")])


def counts_table(found: LiteratureSummary, caption: str) -> Safe:
    """Count, of the comparable results, those that agree in each respect."""
    rows = [
        (words[:1].upper() + words[1:], getattr(found, name), found.comparable)
        for name, words in _ANSWERS.items()
    ]
    return scroll(table(("Agreement", "Results", "Of"), rows, caption=caption), caption)


def reasons_table(reasons: Mapping[str, int], caption: str) -> Safe:
    """Count results by the reason that they are not compared or not counted."""
    rows = [(reason[:1].upper() + reason[1:], size) for reason, size in reasons.items()]
    return scroll(table(("Reason", "Published results"), rows, caption=caption), caption)


def unmatched_table(rows: Iterable[tuple[str, str, str]], caption: str) -> Safe:
    """List the published results that nothing of ours answers.

    Parameters
    ----------
    rows : iterable of tuple
        Review, question in its words, reason.
    caption : str
        Says what the table shows.
    """
    header = ("Review", "Question", "Why it is not compared")
    return scroll(table(header, rows, caption=caption, css="wide"), caption)
