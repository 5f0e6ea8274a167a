"""A figure of rows: words, an interval on an axis that all rows share, and its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.transforms import blended_transform_factory

from combined_care.figures.effect_axis import named_sides, set_ticks
from combined_care.figures.sheet import Align, bare, panel, sheet_for, wrapped
from combined_care.figures.style import ACCENT, INK, MUTED, PAPER, SECOND, scale_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

#: Where wide sheets write the numbers of a row, and where the plot before them ends.
NUMBERS_AT, PLOT_END = 0.765, 0.75
_ROW, _STACKED_ROW = 0.235, 0.4
_HEAD, _STACKED_HEAD = 0.32, 0.06
Dash = Literal["-", ":", "--"]


class IntervalSheet:
    """One drawing; a class only because its steps share the sheet.

    Parameters
    ----------
    rows : float
        Height in rows. A wide row is one line of text; a narrow one has its words above its
        interval.
    limits : tuple of float
        Ends of the axis of effects.
    measure : str
        Names the axis; ratios are logs and read as ratios.
    favours : tuple of str
        Whom the left and the right side favour; by default the comparator and the experimental arm.
    plot_left : float
        Where the plot of a wide sheet begins, in parts of its width.
    """

    def __init__(
        self,
        rows: float,
        limits: tuple[float, float],
        *,
        measure: str,
        favours: tuple[str, str] | None,
        narrow: bool,
        plot_left: float = 0.4,
        stacked_left: float = 0.03,
    ) -> None:
        self.measure, self.stacked = measure, narrow
        self.sheet = sheet_for(narrow=narrow)
        row, head = (_STACKED_ROW, _STACKED_HEAD) if narrow else (_ROW, _HEAD)
        self.span = (stacked_left, 0.97) if narrow else (plot_left, PLOT_END)
        sides = self._sides(named_sides(favours))
        names = wrapped(scale_name(measure), self.sheet.length(self.sheet.width))
        line = 1.3 * self.sheet.small / 72
        foot = 0.3 + line * (len(names) + max(map(len, sides)))
        width, height = self.sheet.width, head + rows * row + foot
        self.figure = Figure(figsize=(width, height))
        left, right = self.span
        self.axes: Axes = panel(self.figure, left * width, head, (right - left) * width, rows * row)
        self.axes.set_ylim(rows - 0.5, -0.5)
        self.text_at = blended_transform_factory(self.figure.transFigure, self.axes.transData)
        self._axis(limits, names)
        self._favours(sides)
        self._lines: list[float] = []

    # -- the axis

    def _axis(self, limits: tuple[float, float], names: Sequence[str]) -> None:
        self.axes.set_xlim(*limits)
        self.axes.yaxis.set_major_locator(NullLocator())
        bare(self.axes)
        most = 5 if self.stacked else 9
        set_ticks(self.axes.xaxis, limits, self.measure, size=self.sheet.small, most=most)
        middle = sum(self.span) / 2
        height = self.figure.get_figheight()
        bottom = self.axes.get_position().y0
        for position, name in enumerate(names):
            y = bottom - (0.3 + position * 1.3 * self.sheet.small / 72) / height
            self._foot_text(middle, y, name, "center", "axis-name")

    def _sides(self, favours: tuple[str, str]) -> tuple[list[str], list[str]]:
        """Say whom each side favours; where narrow, in lines that leave room for the other."""
        words = f"← favours {favours[0]}", f"favours {favours[1]} →"
        if not self.stacked:
            return [words[0]], [words[1]]
        length = self.sheet.length(0.46 * self.sheet.width, self.sheet.small)
        return wrapped(words[0], length), wrapped(words[1], length)

    def _favours(self, sides: tuple[list[str], list[str]]) -> None:
        low, high = self.axes.get_xlim()
        left, right = self.span
        null = left + (0 - low) / (high - low) * (right - left)
        places = (0.03, 0.97) if self.stacked else (null - 0.012, null + 0.012)
        aligns: tuple[Align, Align] = ("left", "right") if self.stacked else ("right", "left")
        line = 1.3 * self.sheet.small / 72 / self.figure.get_figheight()
        most = max(map(len, sides))
        for x, lines, align in zip(places, sides, aligns, strict=True):
            for position, words in enumerate(lines):
                y = (most - position - 0.4) * line
                self._foot_text(x, y, words, align, "favours")

    def _foot_text(self, x: float, y: float, words: str, align: Align, gid: str) -> None:
        self.figure.text(x, y, words, ha=align, va="center", fontsize=self.sheet.small, gid=gid)

    # -- words

    def write(self, x: float, row: float, words: str, **options: Any) -> None:
        """Write words at part `x` of the width, in a row."""
        look: dict[str, Any] = {"fontsize": self.sheet.text, "color": INK, "ha": "left", **options}
        self.axes.text(x, row, words, transform=self.text_at, va="center", clip_on=False, **look)

    def label(self, row: float, words: str, numbers: str, *, bold: bool = False) -> None:
        """Write the words and the numbers of a row; a narrow sheet puts both above the interval."""
        weight = "bold" if bold else "normal"
        if self.stacked:
            self.write(0.03, row - 0.22, words, fontweight=weight)
            self.write(0.97, row - 0.22, numbers, ha="right", fontweight=weight)
            return
        self.write(0.0, row, words, fontweight=weight)
        self.write(NUMBERS_AT, row, numbers, fontweight=weight)

    def heading(self, row: float, words: str) -> None:
        """Write the heading of a group of rows."""
        x, y = (0.03, row + 0.1) if self.stacked else (0.0, row)
        self.write(x, y, words, fontweight="bold", color=INK)

    def heads(self, columns: Sequence[tuple[float, str, Align]]) -> None:
        """Name the columns of a wide sheet."""
        y = 1 - 0.06 / self.figure.get_figheight()
        for x, words, align in columns:
            self.figure.text(
                x, y, words, ha=align, va="top", fontsize=self.sheet.small, color=MUTED
            )

    def rule(self, row: float) -> None:
        """Draw a thin line over the whole width."""
        self.axes.plot(
            [0, 1], [row, row], transform=self.text_at, color=MUTED, linewidth=0.6, clip_on=False
        )

    # -- marks

    def line_at(self, row: float) -> float:
        """Return where the interval of a row stands."""
        return row + 0.22 if self.stacked else row

    def intervals(
        self,
        rows: Sequence[float],
        lower: npt.ArrayLike,
        upper: npt.ArrayLike,
        *,
        gid: str,
        colour: str = INK,
    ) -> None:
        """Draw intervals; an end that leaves the plot becomes an arrow."""
        low, high = self.axes.get_xlim()
        at = [self.line_at(row) for row in rows]
        self._lines += at
        self.axes.hlines(
            at,
            np.clip(lower, low, high),
            np.clip(upper, low, high),
            colors=colour,
            linewidth=1.0,
            gid=gid,
            clip_on=False,
        )
        beyond = (("<", low, np.asarray(lower) < low), (">", high, np.asarray(upper) > high))
        for marker, edge, out in beyond:
            cut = [y for y, is_out in zip(at, out, strict=True) if is_out]
            self.axes.scatter(
                [edge] * len(cut), cut, s=14, marker=marker, c=colour, clip_on=False, gid="cut"
            )

    def points(
        self,
        rows: Sequence[float],
        estimates: npt.ArrayLike,
        *,
        gid: str,
        areas: Sequence[float] | float = 26.0,
        hollow: Sequence[bool] | bool = False,
        marker: str = "s",
        colour: str = ACCENT,
    ) -> None:
        """Draw estimates; hollow ones have the paper's colour inside."""
        hollows = [hollow] * len(rows) if isinstance(hollow, bool) else hollow
        self.axes.scatter(
            estimates,
            [self.line_at(row) for row in rows],
            s=areas,
            marker=marker,
            c=[PAPER if is_hollow else colour for is_hollow in hollows],
            edgecolors=colour,
            linewidths=1.0,
            zorder=3,
            gid=gid,
            clip_on=False,
        )

    def diamond(
        self, row: float, estimate: float, ends: tuple[float, float], *, gid: str, hollow: bool
    ) -> None:
        """Draw a pooled effect: a diamond as wide as its interval."""
        y = self.line_at(row)
        self._lines.append(y)
        left, right = np.clip(ends, *self.axes.get_xlim())
        half = 0.18 if self.stacked else 0.3
        self.axes.fill(
            [left, estimate, right, estimate],
            [y, y - half, y, y + half],
            facecolor=PAPER if hollow else ACCENT,
            edgecolor=ACCENT,
            linewidth=1.0 if hollow else 0.8,
            gid=gid,
            zorder=4,
            clip_on=False,
        )

    def prediction(self, row: float, ends: tuple[float, float], *, gid: str = "pi") -> None:
        """Draw a prediction interval: dashed, with end bars."""
        y = self.line_at(row)
        self._lines.append(y)
        shown = np.clip(ends, *self.axes.get_xlim())
        self.axes.plot(
            shown,
            [y, y],
            color=SECOND,
            linewidth=2.0,
            linestyle=(0, (2.2, 1.2)),
            gid=gid,
            clip_on=False,
        )
        self.axes.plot(
            shown,
            [y, y],
            color=SECOND,
            linestyle="none",
            marker="|",
            markersize=9,
            clip_on=False,
        )

    def thin_dashes(
        self, rows: Sequence[float], lower: npt.ArrayLike, upper: npt.ArrayLike, *, gid: str
    ) -> None:
        """Draw prediction intervals under confidence intervals of the same rows."""
        low, high = self.axes.get_xlim()
        self.axes.hlines(
            [self.line_at(row) for row in rows],
            np.clip(lower, low, high),
            np.clip(upper, low, high),
            colors=MUTED,
            linewidth=0.9,
            linestyles=(0, (3, 2)),
            gid=gid,
            zorder=1,
            clip_on=False,
        )

    def vertical(self, x: float, *, colour: str, style: Dash, gid: str) -> None:
        """Draw a line through all rows; between stacked words, only beside the intervals."""
        low, high = self.axes.get_xlim()
        if not low <= x <= high:
            return
        starts, ends = [-0.5], [self.axes.get_ylim()[0]]
        if self.stacked:
            starts = [y - 0.2 for y in self._lines]
            ends = [y + 0.24 for y in self._lines]
        self.axes.vlines(
            [x] * len(starts),
            starts,
            ends,
            colors=colour,
            linewidth=0.9,
            linestyles=style,
            gid=gid,
            zorder=1,
            clip_on=False,
        )
