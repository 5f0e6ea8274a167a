"""Moderators: the levels, the test of their equality, and how they go along with diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import markup
from combined_care.markup import Safe, interval, number, p_value, scroll, table, text
from combined_care.results import Absent
from combined_care.scales import RATIO_NAMES, measure_name, natural
from combined_care.tables.words import equals, sentence

if TYPE_CHECKING:
    from combined_care.findings import ModeratorResult


def moderator_tables(moderator: ModeratorResult, measure: str) -> Safe:
    """Show the levels, their test, and the trials by level and diagnosis."""
    name = moderator.name.replace("_", " ")
    counts = [
        (_words(r.level), r.k, "yes" if r.tested else "no") for r in moderator.counts.itertuples()
    ]
    caption = f"Trials by {name}"
    parts: list[object] = [
        scroll(table(("Level", "Trials", "Tested"), counts, caption=caption), caption),
        _levels_table(moderator, name, measure),
        _differences_table(moderator, name, measure),
        _confounding(moderator, name),
    ]
    return markup.join(parts)


def _words(level: object) -> str:
    """Write a level of a moderator for readers."""
    return str(level).replace("_", " ") or "not recorded"


def _levels_table(moderator: ModeratorResult, name: str, measure: str) -> Safe:
    fit = moderator.fit
    if isinstance(fit, Absent):
        return text("")
    scale = natural(measure)
    rows = [
        (
            _words(r.name),
            r.k,
            number(scale(r.estimate)),
            interval(scale(r.ci_lb), scale(r.ci_ub)),
            number(r.tau2, 3),
        )
        for r in fit.groups
    ]
    test = (
        f"F({number(fit.f_df1, 0)}, {number(fit.f_df2, 0)}) = {number(fit.f)}, "
        f"p {equals(p_value(fit.f_pval))}"
    )
    caption = f"Effect by {name}, one common tau²; test of equal effects: {test}"
    header = ("Level", "k", measure_name(measure), "Confidence interval", "tau²")
    return scroll(table(header, rows, caption=caption), caption)


def _differences_table(moderator: ModeratorResult, name: str, measure: str) -> Safe:
    fit = moderator.fit
    if isinstance(fit, Absent):
        return text("")
    names = fit.levels
    found = [fit.difference(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    scale = natural(measure)
    rows = [
        (_words(d.label), number(scale(d.estimate)), interval(scale(d.ci_lb), scale(d.ci_ub)))
        for d in found
    ]
    kind = "Quotient" if measure in RATIO_NAMES else "Difference"
    caption = f"{kind}s between levels of {name}"
    return scroll(table(("Levels", kind, "Interval"), rows, caption=caption), caption)


def _confounding(moderator: ModeratorResult, name: str) -> Safe:
    cross = moderator.confounding
    header = (sentence(name), *(str(c).replace("_", " ") for c in cross.columns))
    rows = [(_words(index), *values) for index, *values in cross.itertuples()]
    caption = f"Trials by {name} and diagnosis: where the two go together, so may their effects"
    return scroll(table(header, rows, caption=caption), caption)
