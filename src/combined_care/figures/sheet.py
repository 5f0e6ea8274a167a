"""The sheet that a figure is drawn on: its width, its text sizes, and how words get onto it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from matplotlib.figure import Figure

from combined_care.figures.style import INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Width in inches, sizes of text in points.

    All wide figures share one width, and so do all narrow ones: in a page they are scaled alike,
    and their text has one size.
    """

    width: float
    text: float
    small: float
    is_narrow: bool

    def length(self, inches: float, size: float | None = None) -> int:
        """Return how many letters fit in a width."""
        return max(6, int(inches * 72 / (0.6 * (size or self.text))))


WIDE = Sheet(width=9.0, text=9.0, small=8.0, is_narrow=False)
#: On a telephone 360 points wide, 328 of them for the figure, its smallest text has 11 points.
NARROW = Sheet(width=3.4, text=8.8, small=8.4, is_narrow=True)


def sheet_for(*, narrow: bool) -> Sheet:
    """Return the sheet of a narrow or a wide page."""
    return NARROW if narrow else WIDE


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """Open a figure that is measured in inches, from its left upper corner."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return figure, axes


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes whose place is given in inches from the left upper corner of the figure."""
    whole_width, whole_height = figure.get_size_inches()
    bottom = whole_height - top - height
    place = (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    return figure.add_axes(place)


def bare(axes: Axes, *, keep: Sequence[str] = ("bottom",)) -> None:
    """Keep only the named sides of the frame."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)


def wrapped(words: str, length: int) -> list[str]:
    """Break words into lines of at most `length` letters, at blanks."""
    return textwrap.wrap(words, length, break_long_words=False) or [""]


def write(
    axes: Axes,
    x: float,
    y: float,
    words: str | Sequence[str],
    *,
    size: float,
    align: Align = "left",
    rise: float = 1.3,
    **options: Any,
) -> None:
    """Write lines, each as a text of its own so that its alignment holds in the page's font.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From :func:`blank`: inches, y grows downwards.
    x, y : float
        Where the middle of the first line stands.
    words : str or sequence of str
        One line, or several.
    size : float
        In points; `rise` times this is the distance of lines.
    align : {"left", "center", "right"}
        Which part of each line stands at `x`.
    **options
        For :meth:`matplotlib.axes.Axes.text`, such as ``color``, ``fontweight`` and ``gid``.
    """
    lines = [words] if isinstance(words, str) else words
    for position, line in enumerate(lines):
        down = position * rise * size / 72
        look: dict[str, Any] = {"color": INK, "clip_on": False, **options}
        axes.text(x, y + down, line, ha=align, va="center", fontsize=size, **look)
