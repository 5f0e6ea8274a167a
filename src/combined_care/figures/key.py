"""The key of a figure: each mark beside its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Rectangle

from combined_care.figures.sheet import Sheet, wrapped, write
from combined_care.figures.style import ACCENT, MUTED, PAPER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

#: Marker of a short level bar.
BAR = "_"
_MARK_WIDTH, _GAP = 0.26, 0.1


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a key: a marker, a line or a shaded box, and what it means."""

    words: str
    marker: Any = None
    hollow: bool = False
    colour: str = ACCENT
    dashes: Any = None
    shade: float | None = None
    size: float = 30.0
    width: float = 1.2


def draw_key(
    axes: Axes, corner: tuple[float, float], width: float, marks: Sequence[Mark], sheet: Sheet
) -> float:
    """Draw a key and return where it ends.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From :func:`combined_care.figures.sheet.blank`.
    corner : tuple of float
        Left upper corner, in inches.
    width : float
        Inches that marks and words may take.
    """
    x, y = corner
    line = 1.3 * sheet.small / 72
    for mark in marks:
        middle = y + line / 2
        _draw_mark(axes, x, middle, mark)
        lines = _lines(mark, width, sheet)
        write(axes, x + _MARK_WIDTH + _GAP, middle, lines, size=sheet.small, gid="key")
        y += len(lines) * line + 0.045
    return y


def key_height(marks: Sequence[Mark], width: float, sheet: Sheet) -> float:
    """Return the inches that :func:`draw_key` takes."""
    lines = sum(len(_lines(mark, width, sheet)) for mark in marks)
    return lines * 1.3 * sheet.small / 72 + 0.045 * len(marks)


def _lines(mark: Mark, width: float, sheet: Sheet) -> list[str]:
    return wrapped(mark.words, sheet.length(width - _MARK_WIDTH - _GAP, sheet.small))


def _draw_mark(axes: Axes, x: float, y: float, mark: Mark) -> None:
    if mark.shade is not None:
        half = 0.065
        axes.add_patch(
            Rectangle(
                (x, y - half), _MARK_WIDTH, 2 * half, facecolor=MUTED, alpha=mark.shade, linewidth=0
            )
        )
        axes.add_patch(
            Rectangle(
                (x, y - half), _MARK_WIDTH, 2 * half, fill=False, edgecolor=MUTED, linewidth=0.6
            )
        )
    if mark.dashes is not None:
        axes.plot(
            [x, x + _MARK_WIDTH], [y, y], color=mark.colour, linestyle=mark.dashes,
            linewidth=mark.width,
        )  # fmt: skip
    if mark.marker is not None:
        # A bar has no inside: its colour is its face, and it takes no edge.
        edge: dict[str, Any] = {} if mark.marker == BAR else {"edgecolors": mark.colour}
        axes.scatter(
            [x + _MARK_WIDTH / 2], [y], s=mark.size, marker=mark.marker,
            c=PAPER if mark.hollow else mark.colour, linewidths=1.0, **edge,
        )  # fmt: skip
