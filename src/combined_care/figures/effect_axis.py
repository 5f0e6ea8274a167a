"""The axis of effects: how far it reaches, its ticks, its name and whom its sides favour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from combined_care.figures.style import RATIOS
from combined_care.markup import number as plain_number
from combined_care.review import current_review

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axis import Axis

_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_FEW_TICKS = frozenset({0.01, 0.1, 0.33, 1.0, 3.0, 10.0, 100.0})


def reach(
    inner: Iterable[float], lower: Iterable[float], upper: Iterable[float]
) -> tuple[float, float]:
    """Return the ends of the axis: `inner` values and 0 whole, far ends of intervals run out.

    Parameters
    ----------
    inner : iterable of float
        What must be seen: estimates, pooled intervals.
    lower, upper : iterable of float
        Ends of the intervals; they extend the axis by at most 0.6 of the inner range on each side.
    """
    seen = [float(v) for v in inner if np.isfinite(v)] + [0.0]
    inner_low, inner_high = min(seen), max(seen)
    more = max(0.6 * (inner_high - inner_low), 0.6)
    low = max(min(map(float, lower), default=inner_low), inner_low - more)
    high = min(max(map(float, upper), default=inner_high), inner_high + more)
    low, high = min(low, inner_low, -0.25), max(high, inner_high, 0.25)
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def named_sides(favours: tuple[str, str] | None) -> tuple[str, str]:
    """Name whom the left and the right side favour: by default as the review of the project."""
    return favours or ("the comparator", current_review().treatment)


def set_ticks(
    axis: Axis, limits: tuple[float, float], measure: str, *, size: float, most: int
) -> None:
    """Put at most about `most` ticks on an axis; ratios get round ones at their logs."""
    if measure in RATIOS:
        low, high = limits
        ticks = [t for t in _RATIO_TICKS if low <= np.log(t) <= high]
        ticks = ticks if len(ticks) <= most else [t for t in ticks if t in _FEW_TICKS]
        axis.set_major_locator(FixedLocator([float(np.log(t)) for t in ticks]))
        axis.set_major_formatter(FixedFormatter([f"{t:g}" for t in ticks]))
    else:
        axis.set_major_locator(MaxNLocator(nbins=min(most, 6), steps=[1, 2, 5, 10]))
        axis.set_major_formatter(lambda value, _: plain_number(value, 1))
    axis.set_tick_params(labelsize=size, length=3)
