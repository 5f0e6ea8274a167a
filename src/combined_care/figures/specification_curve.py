"""The specification curve: the result of every defensible analysis, and the choices behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from combined_care.figures.effect_axis import reach, set_ticks
from combined_care.figures.sheet import Sheet, bare, blank, panel, sheet_for, wrapped, write
from combined_care.figures.specifications import Choice, Curve, Part, Shown, curve_of
from combined_care.figures.style import (
    ACCENT,
    INK,
    MUTED,
    PAPER,
    RC,
    SECOND,
    effect_text,
    number,
    scale_name,
    shorten,
    symbol,
)
from combined_care.markup import p_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from combined_care.results import FloatArray

#: What the marks mean, for the caption.
SPECIFICATION_KEY = (
    "Upper panel: every analysis from the lowest to the highest result; line: results; dark "
    "band: their intervals; light band: the widest ends among neighbours that share a column. "
    "Diamonds: the primary analysis and its options. Lower panel: which option the analyses take; "
    "the height of a strip is the share of the neighbours that take it."
)
_BINS, _NARROW_BINS = 120, 80
_STRIPS, _NARROW_STRIPS = 50, 32
#: Levels of a strip's height: finer ones cannot be seen.
_LEVELS = 6
_CURVE_HEIGHT, _TOP, _GAP = 2.3, 0.3, 0.28
_SMALLEST_P = 1e-4
_P_TICKS = {1.0: "1", 0.1: "0.1", 0.05: "0.05", 0.01: "0.01", 0.001: "0.001", 0.0001: "≤ 0.0001"}


def specification_curve(
    table: pd.DataFrame,
    choices: Sequence[Choice],
    *,
    measure: str = "SMD",
    shown: Shown = "estimate",
    smallest: float | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw the sorted results of all specifications over the options that each takes.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a specification of one analysis: ``is_primary``, the columns of `choices`, and
        ``estimate, ci_lb, ci_ub`` (ratios as logs) or ``pval``. Rows whose numbers are absent are
        counted in the heading and not drawn.
    choices : sequence of Choice
        What the lower panel shows, in this order; a column such as ``verdict`` can be among them.
    measure : str
        As for :func:`combined_care.figures.forest`.
    shown : {"estimate", "pval"}
        What the upper panel shows: ``pval`` for moderator analyses, on a log scale.
    smallest : float, optional
        Smallest effect of interest, drawn as a dotted line.
    narrow : bool
        For a narrow page.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``interval``, ``widest``, ``curve``, ``primary``, ``null``, ``strip``.

    Raises
    ------
    InputError
        If a column is missing, an option has no name, or no specification has a number.

    Notes
    -----
    Many specifications are put into bins of neighbours: the curve and the dark band are the middle
    value of each bin, the light band reaches from the lowest to the highest end in it. The height
    of a strip is the share of a bin that takes the option (Simonsohn, Simmons & Nelson 2020,
    doi:10.1038/s41562-020-0912-z).
    """
    curve = curve_of(table, choices, shown)
    sheet = sheet_for(narrow=narrow)
    with mpl.rc_context(RC):
        return _Drawing(curve, choices, measure, sheet).draw(smallest)


def describe_specification_curve(
    table: pd.DataFrame,
    choices: Sequence[Choice],
    *,
    measure: str = "SMD",
    shown: Shown = "estimate",
    robustness: object = "",
) -> str:
    """Say in words what the specification curve shows: the text alternative of the figure.

    Parameters
    ----------
    table, choices, measure, shown
        As for :func:`specification_curve`.
    robustness : object, optional
        What the analysis concluded from the specifications; its words are added.
    """
    curve = curve_of(table, choices, shown)
    values = curve.values
    said = [f"Specification curve of {curve.size:,} analyses, sorted."]
    if curve.without:
        said.append(f"{curve.without:,} more give no number.")
    if shown == "pval":
        below = int((values < 0.05).sum())
        said.append(
            f"p values from {p_value(float(values[0]))} to {p_value(float(values[-1]))}; "
            f"{below:,} are below 0.05."
        )
    else:
        said += _estimate_words(curve, measure)
    said += [f"Primary analysis: {words}." for words in _primary_words(curve, measure)]
    return " ".join([*said, str(robustness)]).strip()


def _estimate_words(curve: Curve, measure: str) -> list[str]:
    values = curve.values
    better = int((curve.table["ci_lb"] > 0).sum())
    worse = int((curve.table["ci_ub"] < 0).sum())
    return [
        f"Estimates from {symbol(measure)} {number(float(values[0]), measure)} to "
        f"{number(float(values[-1]), measure)}. {better:,} intervals lie wholly above no effect, "
        f"{worse:,} wholly below, {curve.size - better - worse:,} include it."
    ]


def _primary_words(curve: Curve, measure: str) -> list[str]:
    if curve.primary is None:
        return []
    row = curve.table.iloc[curve.primary]
    if curve.shown == "pval":
        shown = p_value(float(row["pval"]))
        return [f"p {shown}" if shown.startswith("<") else f"p = {shown}"]
    ends = (float(row["ci_lb"]), float(row["ci_ub"]))
    return [f"{symbol(measure)} {effect_text(float(row['estimate']), ends, measure)}"]


class _Drawing:
    """One drawing; a class only to keep its steps short."""

    def __init__(self, curve: Curve, choices: Sequence[Choice], measure: str, sheet: Sheet) -> None:
        self.curve, self.choices, self.measure, self.sheet = curve, choices, measure, sheet
        narrow = sheet.is_narrow
        self.bins = _NARROW_BINS if narrow else _BINS
        self.strips = _NARROW_STRIPS if narrow else _STRIPS
        self.left, self.right = (1.5, 3.32) if narrow else (3.85, 8.25)
        self.row = 0.2 if narrow else 0.19
        self.strips_top = _TOP + _CURVE_HEIGHT + _GAP
        height = self.strips_top + sum(self._tall(choice) for choice in choices)
        self.figure, self.page = blank(sheet.width, height)

    def draw(self, smallest: float | None) -> Figure:
        axes = panel(self.figure, self.left, _TOP, self.right - self.left, _CURVE_HEIGHT)
        axes.set_xlim(0, self.curve.size)
        axes.xaxis.set_major_locator(NullLocator())
        bare(axes, keep=("left",))
        if self.curve.shown == "pval":
            self._p_axis(axes)
        else:
            self._effect_axis(axes, smallest)
            self._bands(axes)
        self._curve(axes)
        self._primary(axes)
        self._heading()
        self._choices()
        return self.figure

    # -- the upper panel

    def _effect_axis(self, axes: Axes, smallest: float | None) -> None:
        table = self.curve.table
        inner = [*self.curve.values]
        if self.curve.primary is not None:
            row = table.iloc[self.curve.primary]
            inner += [row["ci_lb"], row["ci_ub"]]
        limits = reach(inner, table["ci_lb"], table["ci_ub"])
        axes.set_ylim(*limits)
        set_ticks(axes.yaxis, limits, self.measure, size=self.sheet.small, most=7)
        axes.axhline(0.0, color=INK, linewidth=0.9, gid="null")
        if smallest is not None:
            axes.axhline(smallest, color=MUTED, linewidth=0.9, linestyle=":", gid="smallest-effect")

    def _p_axis(self, axes: Axes) -> None:
        axes.set_ylim(0.1, np.log10(_SMALLEST_P) - 0.15)
        axes.yaxis.set_major_locator(FixedLocator([float(np.log10(p)) for p in _P_TICKS]))
        axes.yaxis.set_major_formatter(FixedFormatter(list(_P_TICKS.values())))
        axes.tick_params(axis="y", labelsize=self.sheet.small, length=3)
        axes.axhline(np.log10(0.05), color=INK, linewidth=0.9, linestyle=":", gid="null")

    def _height(self, values: FloatArray) -> FloatArray:
        if self.curve.shown == "estimate":
            return values
        return np.log10(np.maximum(values, _SMALLEST_P))

    def _bands(self, axes: Axes) -> None:
        """Draw the intervals: the middle ends of each bin dark, the widest light."""
        edges = self.curve.edges(self.bins)
        low, high = axes.get_ylim()
        bands: tuple[tuple[str, Part, Part, float], ...] = (
            ("widest", "least", "most", 0.18),
            ("interval", "middle", "middle", 0.3),
        )
        for gid, lower, upper, shade in bands:
            ends = (
                self.curve.by_bin("ci_lb", self.bins, lower),
                self.curve.by_bin("ci_ub", self.bins, upper),
            )
            below, above = (np.clip(np.append(end, end[-1]), low, high) for end in ends)
            axes.fill_between(
                edges, below, above, step="post", color=MUTED, alpha=shade, linewidth=0, gid=gid
            )

    def _curve(self, axes: Axes) -> None:
        edges = self.curve.edges(self.bins)
        middle = self._height(self.curve.by_bin(self.curve.shown, self.bins, "middle"))
        axes.step(
            edges, np.append(middle, middle[-1]), where="post", color=ACCENT, linewidth=1.8,
            gid="curve",
        )  # fmt: skip

    def _primary(self, axes: Axes) -> None:
        if self.curve.primary is None:
            return
        row, x = self.curve.table.iloc[self.curve.primary], self.curve.primary + 0.5
        if self.curve.shown == "estimate":
            axes.plot([x, x], [row["ci_lb"], row["ci_ub"]], color=SECOND, linewidth=1.8)
        y = self._height(np.array([float(row[self.curve.shown])]))
        axes.scatter(
            [x], y, s=46, marker="D", c=SECOND, edgecolors=PAPER, linewidths=1.0, zorder=5,
            gid="primary", clip_on=False,
        )  # fmt: skip

    # -- words

    def _heading(self) -> None:
        small = self.sheet.small
        name = "p of the moderator" if self.curve.shown == "pval" else scale_name(self.measure)
        shown = "p value" if self.curve.shown == "pval" else "estimate"
        counted = f"{self.curve.size:,} analyses, sorted by {shown}"
        blocks = [f"{name}.", f"{counted}.", *self._missing()]
        primary = [f"Primary analysis: {w}" for w in _primary_words(self.curve, self.measure)]
        y, length = _TOP + 0.1, self.sheet.length(self.left - 0.55, small)
        for block in [*blocks, *primary]:
            lines = wrapped(block, length)
            is_primary = block in primary
            if is_primary:
                self.page.scatter([0.08], [y], s=34, marker="D", c=SECOND, linewidths=0)
                lines = wrapped(block, length - 3)
            x = 0.2 if is_primary else 0.02
            write(self.page, x, y, lines, size=small)
            y += len(lines) * 1.3 * small / 72 + 0.07

    def _missing(self) -> list[str]:
        return [f"{self.curve.without:,} more give no number."] if self.curve.without else []

    # -- the lower panel

    def _choices(self) -> None:
        height = self.figure.get_figheight() - self.strips_top
        axes = panel(self.figure, self.left, self.strips_top, self.right - self.left, height)
        axes.set_xlim(0, self.curve.size)
        axes.set_ylim(height, 0)
        axes.set_axis_off()
        if not self.sheet.is_narrow:
            x, above = self.sheet.width - 0.05, self.strips_top - 0.1
            write(self.page, x, above, "Analyses", size=self.sheet.small, align="right",
                  color=MUTED)  # fmt: skip
        y = 0.0
        for choice in self.choices:
            self._choice(axes, choice, y)
            y += self._tall(choice)

    def _title_lines(self, choice: Choice) -> list[str]:
        """Break the title of a decision: over its options where narrow, else beside them."""
        width = self.sheet.width if self.sheet.is_narrow else 1.5
        title = choice.title[:1].upper() + choice.title[1:]
        return wrapped(title, self.sheet.length(width, self.sheet.small))

    def _option_lines(self, words: str) -> list[str]:
        """Break the name of an option into two lines at most, and cut what is longer."""
        length = self.sheet.length(self.left - self._option_x - 0.05, self.sheet.small)
        first, *rest = wrapped(words, length)
        return [first, shorten(" ".join(rest), length)] if rest else [first]

    @property
    def _option_x(self) -> float:
        return 0.17 if self.sheet.is_narrow else 1.75

    def _option_tall(self, words: str) -> float:
        more = 1.25 * self.sheet.small / 72
        return self.row + more * (len(self._option_lines(words)) - 1)

    def _tall(self, choice: Choice) -> float:
        """Return the inches that a decision takes, with the gap below it."""
        title = self.row * len(self._title_lines(choice))
        options = sum(self._option_tall(words) for words in choice.options.values())
        return (title + options if self.sheet.is_narrow else max(title, options)) + 0.09

    def _choice(self, axes: Axes, choice: Choice, y: float) -> None:
        """Draw the title, the options and the strips of one decision."""
        top, lines = self.strips_top, self._title_lines(choice)
        rise = 72 * self.row / self.sheet.small if self.sheet.is_narrow else 1.3
        write(self.page, 0.02, top + y + self.row / 2, lines, size=self.sheet.small, rise=rise,
              fontweight="bold")  # fmt: skip
        if self.sheet.is_narrow:
            y += len(lines) * self.row
        for option, words in choice.options.items():
            self._option(choice.column, option, words, top + y)
            self._strip(axes, self.curve.share(choice.column, option, self.strips), y)
            y += self._option_tall(words)

    def _option(self, column: str, option: str, words: str, top: float) -> None:
        """Write an option, marked where the primary analysis takes it, and its count."""
        middle, small, x = top + self.row / 2, self.sheet.small, self._option_x
        write(self.page, x, middle, self._option_lines(words), size=small, rise=1.25)
        primary = self.curve.primary
        if primary is not None and str(self.curve.table[column].iloc[primary]) == option:
            self.page.scatter([x - 0.09], [middle], s=22, marker="D", c=SECOND, linewidths=0)
        if not self.sheet.is_narrow:
            count = f"{self.curve.count(column, option):,}"
            write(self.page, self.sheet.width - 0.05, middle, count, size=small, align="right")

    def _strip(self, axes: Axes, share: FloatArray, y: float) -> None:
        edges = self.curve.edges(self.strips)
        tall = np.ceil(np.append(share, share[-1]) * _LEVELS) / _LEVELS
        foot = y + 0.9 * self.row
        axes.plot([0, self.curve.size], [foot, foot], color=MUTED, linewidth=0.4)
        axes.fill_between(
            edges, foot - 0.75 * self.row * tall, foot, step="post", color=INK, linewidth=0,
            gid="strip",
        )  # fmt: skip
