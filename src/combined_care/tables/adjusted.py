"""Differences between levels of a moderator, alone and with the diagnosis held constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care.markup import Safe, interval, number, p_value, scroll, table
from combined_care.results import Absent
from combined_care.scales import RATIO_NAMES, natural
from combined_care.tables.words import equals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.findings import ModeratorResult


def adjusted_table(moderator: ModeratorResult, measure: str, caption: str) -> Safe:
    """Show each difference as it is and with the second factor held constant.

    Parameters
    ----------
    moderator : ModeratorResult
        Of an analysis that compares levels.
    measure : str
        Scale of the analysis; differences of logs are shown as quotients.
    caption : str
        Says what the table shows.
    """
    other = moderator.adjusted
    named = "the diagnosis" if isinstance(other, Absent) else f"the {other.adjusted_for}"
    header = ("Levels", "As they are", f"With {named} held constant")
    return scroll(table(header, _rows(moderator, measure), caption=caption), caption)


def _rows(moderator: ModeratorResult, measure: str) -> Iterator[tuple[str, ...]]:
    plain = moderator.fit
    if isinstance(plain, Absent):
        return
    kind = "quotient" if measure in RATIO_NAMES else "difference"
    for i, a in enumerate(plain.levels):
        for b in plain.levels[i + 1 :]:
            name = f"{a} less {b}".replace("_", " ")
            yield (
                f"{name} ({kind})",
                *(_difference(fit, a, b, measure) for fit in (plain, moderator.adjusted)),
            )
    yield "Test that all levels are equal", _test(plain), _test(moderator.adjusted)


def _difference(fit: Any, a: str, b: str, measure: str) -> str:
    if isinstance(fit, Absent):
        return fit.reason
    if a not in fit.levels or b not in fit.levels:
        return "not both levels are left"
    found, scale = fit.difference(a, b), natural(measure)
    bounds = interval(scale(found.ci_lb), scale(found.ci_ub))
    return f"{number(scale(found.estimate))} ({bounds})"


def _test(fit: Any) -> str:
    if isinstance(fit, Absent):
        return fit.reason
    return f"p {equals(p_value(fit.f_pval))}"
