"""Of 100 people treated: the absolute effect as icons, once without and once with combination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from combined_care.figures.key import Mark, draw_key, key_height
from combined_care.figures.sheet import Sheet, blank, sheet_for, wrapped, write
from combined_care.figures.style import ACCENT, INK, MUTED, PAPER, RC, SECOND
from combined_care.review import current_review

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from combined_care.event_rates import AbsoluteEffect

_SIDE = 10


@dataclass(frozen=True, slots=True)
class PerHundred:
    """An absolute effect in whole people of 100, so that icons and words agree.

    Attributes
    ----------
    comparator, combined : int
        People with the event.
    low, high : int
        Ends of the interval of `combined`.
    wanted : bool
        Whether the event is a good one.
    """

    comparator: int
    combined: int
    low: int
    high: int
    wanted: bool

    @property
    def change(self) -> int:
        """People more (or fewer) with the event with combined treatment."""
        return self.combined - self.comparator

    @property
    def is_gain(self) -> bool:
        """Whether the change is for the better."""
        return self.change > 0 if self.wanted else self.change < 0

    def changed(self, outcome: str) -> str:
        """Say the change and its interval in words."""
        ends = sorted((self.low - self.comparator, self.high - self.comparator))
        return f"{_more(self.change)} with {outcome} ({_span(ends[0], ends[1])})"


def per_hundred(effect: AbsoluteEffect) -> PerHundred:
    """Round the rates of an absolute effect to whole people of 100."""
    rates = (
        effect.comparator_rate, effect.experimental_rate, effect.rate_ci_lb, effect.rate_ci_ub
    )  # fmt: skip
    comparator, combined, first, second = (round(100 * rate) for rate in rates)
    low, high = sorted((first, second))
    return PerHundred(comparator, combined, low, high, effect.event == "good")


def icon_array(
    effect: AbsoluteEffect,
    *,
    outcome: str,
    comparator: str = "the comparator",
    narrow: bool = False,
) -> Figure:
    """Draw 100 people with the comparator beside 100 people with combined treatment.

    Parameters
    ----------
    effect : AbsoluteEffect
        From :func:`combined_care.event_rates.absolute_effect`.
    outcome : str
        The event in words, such as ``"a relapse"``: "40 of 100 have a relapse".
    comparator : str
        The comparator in words.
    narrow : bool
        For a narrow page.

    Returns
    -------
    matplotlib.figure.Figure
        Gids: ``event`` (filled disc), ``no-event`` (small ring), ``change`` (diamond: filled for
        people who have the event only with combined treatment, open for people spared it).
    """
    counts, sheet = per_hundred(effect), sheet_for(narrow=narrow)
    step, size = (0.155, 1.0) if narrow else (0.235, 1.7)
    lefts = (0.06, 1.78) if narrow else (0.1, 3.1)
    heads = _heads(counts, comparator, outcome, sheet)
    top = 0.12 + 1.3 * sheet.text / 72 * max(map(len, heads)) + 0.06
    marks = _marks(counts, outcome)
    key = (0.06, top + _SIDE * step + 0.12) if narrow else (6.1, top)
    width = sheet.width - key[0] - 0.05
    bottom = top + _SIDE * step
    height = key[1] + key_height(marks, width, sheet) if narrow else bottom
    with mpl.rc_context(RC):
        figure, page = blank(sheet.width, height + 0.08)
        for left, lines in zip(lefts, heads, strict=True):
            write(page, left - 0.04, 0.12, lines, size=sheet.text, fontweight="bold")
        _people(page, (lefts[0], top), step, size, counts, combined=False)
        _people(page, (lefts[1], top), step, size, counts, combined=True)
        draw_key(page, key, width, marks, sheet)
    return figure


def describe_icon_array(
    effect: AbsoluteEffect, *, outcome: str, comparator: str = "the comparator"
) -> str:
    """Say in words what the icons show: the text alternative of the figure.

    Parameters
    ----------
    effect, outcome, comparator
        As for :func:`icon_array`.
    """
    counts = per_hundred(effect)
    name = {"confidence": "confidence", "prediction": "prediction"}.get(effect.interval, "credible")
    return (
        f"Of 100 people, {counts.comparator} have {outcome} with {comparator} and "
        f"{counts.combined} with {current_review().treatment} ({100 * effect.level:g} % {name} "
        f"interval {counts.low} to {counts.high}): {counts.changed(outcome)}."
    )


def _more(change: int) -> str:
    if change == 0:
        return "no more and no fewer"
    return f"{abs(change)} {'more' if change > 0 else 'fewer'}"


def _span(low: int, high: int) -> str:
    """Write an interval of changes: one word where both ends lie on one side."""
    if low > 0 or high < 0:
        first, last = sorted((abs(low), abs(high)))
        return f"{first} to {last} {'more' if low > 0 else 'fewer'}"
    return f"{_more(low)} to {_more(high)}"


def _heads(
    counts: PerHundred, comparator: str, outcome: str, sheet: Sheet
) -> tuple[list[str], list[str]]:
    length = sheet.length(1.45 if sheet.is_narrow else 2.6, sheet.text)
    first = f"{_upper(comparator)}: {counts.comparator} of 100 have {outcome}"
    second = f"{_upper(current_review().treatment)}: {counts.combined} of 100 have {outcome}"
    return wrapped(first, length), wrapped(second, length)


def _upper(words: str) -> str:
    return words[0].upper() + words[1:]


def _people(
    page: Axes, corner: tuple[float, float], step: float, size: float, counts: PerHundred,
    *, combined: bool,
) -> None:  # fmt: skip
    """Draw 100 people row by row: those with the event first, then those whom treatment moves."""
    common = min(counts.comparator, counts.combined)
    events = common if combined else counts.comparator
    moved = abs(counts.change) if combined else 0
    kinds = [("event", events), ("change", moved), ("no-event", 100 - events - moved)]
    place = 0
    for gid, number in kinds:
        spots = [divmod(spot, _SIDE) for spot in range(place, place + number)]
        place += number
        if number:
            x = [corner[0] + (column + 0.3) * step for _, column in spots]
            y = [corner[1] + (row + 0.5) * step for row, _ in spots]
            page.scatter(x, y, gid=gid, **_look(gid, counts, size))


def _look(gid: str, counts: PerHundred, size: float) -> dict[str, Any]:
    if gid == "event":
        return {"s": 52 * size, "marker": "o", "c": INK, "linewidths": 0}
    if gid == "no-event":
        return {"s": 12 * size, "marker": "o", "c": PAPER, "edgecolors": MUTED, "linewidths": 0.9}
    colour = ACCENT if counts.is_gain else SECOND
    face = colour if counts.change > 0 else PAPER
    return {"s": 44 * size, "marker": "D", "c": face, "edgecolors": colour, "linewidths": 1.4}


def _marks(counts: PerHundred, outcome: str) -> list[Mark]:
    marks = [
        Mark(f"has {outcome}", marker="o", colour=INK, size=52),
        Mark(f"does not have {outcome}", marker="o", hollow=True, colour=MUTED, size=12),
    ]
    if counts.change:
        words = "has it only with" if counts.change > 0 else "is spared it by"
        marks.append(
            Mark(
                f"{words} {current_review().treatment}: {counts.changed(outcome)}", marker="D",
                hollow=counts.change < 0, colour=ACCENT if counts.is_gain else SECOND, size=44,
            )
        )  # fmt: skip
    return marks
