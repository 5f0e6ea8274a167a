"""Risk of bias as a disc that fills with the items at low risk, and the number beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.path import Path

from combined_care.figures.style import INK, MUTED, PAPER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.figures.interval_sheet import IntervalSheet

#: Items of the risk-of-bias rating that trials.csv counts.
ITEMS = 4
_UNKNOWN = "?"


def risk_words(items: float) -> str:
    """Write the number of items at low risk; ``?`` where it is not rated.

    Examples
    --------
    >>> risk_words(3.0), risk_words(float("nan"))
    ('3', '?')
    """
    return _UNKNOWN if math.isnan(items) else f"{items:g}"


def draw_risk(
    sheet: IntervalSheet, x: float, rows: Sequence[float], items: Sequence[float]
) -> None:
    """Draw the discs and numbers of trials at part `x` of the width; unrated ones have ``?``."""
    at = [sheet.line_at(row) for row in rows]
    for y, count in zip(at, items, strict=True):
        sheet.write(x + (0.03 if sheet.stacked else 0.012), y, risk_words(count))
    rated = [(y, count) for y, count in zip(at, items, strict=True) if not math.isnan(count)]
    look: dict[str, Any] = {
        "s": 42.0,
        "transform": sheet.text_at,
        "clip_on": False,
        "gid": "risk-of-bias",
    }
    heights = [y for y, _ in rated]
    sheet.axes.scatter(
        [x] * len(rated), heights, marker="o", c=PAPER, edgecolors=MUTED, linewidths=0.8, **look
    )
    for full in range(1, ITEMS + 1):
        part = [y for y, count in rated if count == full]
        if part:
            sheet.axes.scatter(
                [x] * len(part), part, marker=_slice(full), c=INK, linewidths=0, **look
            )


def _slice(full: int) -> Path:
    """Return the part of a disc that so many quarters fill, clockwise from the top."""
    if full == ITEMS:
        return Path.unit_circle()
    return Path.wedge(90 - 360 * full / ITEMS, 90)
