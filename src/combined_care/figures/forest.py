"""The forest plot: every trial, the pooled estimate and where the next trial may fall."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from combined_care.figures.style import (
    ACCENT,
    INK,
    MUTED,
    PAPER,
    RATIOS,
    RC,
    SECOND,
    SMALL,
    effect_text,
    number,
    scale_name,
    shorten,
    symbol,
)
from combined_care.markup import number as plain_number
from combined_care.results import Absent, is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

    from combined_care.results import Number

#: Letter of each way of rating; the legend of the figure explains them.
RATING_MARK = {"clinician": "c", "self": "s"}
_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Positions in parts of the figure's width, heights in inches, lengths in characters."""

    width: float
    row: float
    text: float
    plot: tuple[float, float]
    label_length: int
    stacked: bool


_WIDE = _Layout(width=9.0, row=0.235, text=9.0, plot=(0.415, 0.735), label_length=34, stacked=False)
# On a phone the label stands above its line, so that both have the full width.
_NARROW = _Layout(width=3.7, row=0.4, text=8.5, plot=(0.03, 0.97), label_length=24, stacked=True)
_HEAD, _FOOT = 0.32, 0.66


def forest(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] = ("the comparator", "combined treatment"),
    smallest: Number | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw a forest plot.

    Parameters
    ----------
    effects : pandas.DataFrame
        One row a trial: ``label, yi, ci_lb, ci_ub``, and where known ``rating, tier, converted``.
        Ratios are logs; positive favours the right side.
    fit : Synthesis or Absent
        The pooled result of these rows, in their order. Without it, or with one trial, only the
        trials are drawn.
    measure : str
        ``SMD``, ``MD``, ``RD``, ``OR``, ``RR`` or ``HR``: names the axis; ratios get a log axis.
    favours : tuple of str
        Whom the left and the right side favour.
    smallest : float, optional
        Smallest effect of interest, drawn as a dotted line.
    narrow : bool
        Stack text and lines for a narrow page.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``study-ci``, ``study-estimate``, ``pooled``, ``pi``, ``null``.

    Notes
    -----
    Squares have an area in proportion to the weight; an open square is a converted odds ratio.
    The diamond spans the confidence interval; the prediction interval is a dashed line with end
    bars on a row of its own. An interval that leaves the plot ends in an arrow.
    """
    layout = _NARROW if narrow else _WIDE
    with mpl.rc_context(RC | {"font.size": layout.text}):
        drawing = _Forest(effects.reset_index(drop=True), fit, measure, favours, layout)
        drawing.draw(smallest)
        return drawing.figure


class _Forest:
    """One drawing; a class only to keep its steps short."""

    def __init__(
        self,
        effects: pd.DataFrame,
        fit: Synthesis | Absent,
        measure: str,
        favours: tuple[str, str],
        layout: _Layout,
    ) -> None:
        self.effects = effects
        self.fit = fit if isinstance(fit, Synthesis) and len(effects) > 1 else None
        self.measure = measure
        self.layout = layout
        self.k = len(effects)
        rows = self.k + (2.4 if self.fit else 0)
        self.sides = _sides_of(favours, layout)
        lines = max(side.count("\n") for side in self.sides)
        foot = _FOOT + 0.13 * lines
        height = _HEAD + rows * layout.row + foot
        self.figure = Figure(figsize=(layout.width, height))
        left, right = layout.plot
        bottom = foot / height
        self.axes: Axes = self.figure.add_axes(
            (left, bottom, right - left, 1 - bottom - _HEAD / height)
        )
        self.axes.set_ylim(rows - 0.5, -0.5)
        self.text_at: Transform = blended_transform_factory(
            self.figure.transFigure, self.axes.transData
        )

    def draw(self, smallest: Number | None) -> None:
        self._axis()
        self._reference_lines(smallest)
        self._trials()
        if self.fit is not None:
            self._pooled(self.fit)
            self._prediction(self.fit)
        if not self.layout.stacked:
            self._column_heads()

    # -- the axis

    def _axis(self) -> None:
        axes, low, high = self.axes, *self._limits()
        axes.set_xlim(low, high)
        axes.yaxis.set_major_locator(NullLocator())
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        if self.measure in RATIOS:
            ticks = [t for t in _RATIO_TICKS if low <= np.log(t) <= high]
            ticks = ticks if len(ticks) <= (5 if self.layout.stacked else 9) else _thin(ticks)
            axes.xaxis.set_major_locator(FixedLocator([float(np.log(t)) for t in ticks]))
            axes.xaxis.set_major_formatter(FixedFormatter([f"{t:g}" for t in ticks]))
        else:
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(lambda value, _: plain_number(value, 1))
        axes.tick_params(axis="x", labelsize=SMALL, length=3)
        axes.set_xlabel(scale_name(self.measure), fontsize=SMALL, labelpad=2)
        self._favours()

    def _limits(self) -> tuple[float, float]:
        """Show every estimate and the pooled intervals whole; let far ends of trials run out."""
        bounds = [float(v) for v in self.effects["yi"]] + [0.0]
        if self.fit is not None:
            ends = (self.fit.ci_lb, self.fit.ci_ub, self.fit.pi_lb, self.fit.pi_ub)
            bounds += [v for v in ends if is_present(v) and np.isfinite(v)]
        inner_low, inner_high = min(bounds), max(bounds)
        reach = max(0.6 * (inner_high - inner_low), 0.6)
        low = max(float(self.effects["ci_lb"].min()), inner_low - reach)
        high = min(float(self.effects["ci_ub"].max()), inner_high + reach)
        low, high = min(low, inner_low, -0.25), max(high, inner_high, 0.25)
        margin = 0.03 * (high - low)
        return low - margin, high + margin

    def _favours(self) -> None:
        y = 0.02 / self.figure.get_figheight()
        low, high = self.axes.get_xlim()
        left, right = self.layout.plot
        null = left + (0 - low) / (high - low) * (right - left)
        before, after = (0.03, 0.97) if self.layout.stacked else (null - 0.012, null + 0.012)
        aligns = ("left", "right") if self.layout.stacked else ("right", "left")
        for x, words, align in zip((before, after), self.sides, aligns, strict=True):
            self.figure.text(x, y, words, ha=align, va="bottom", fontsize=SMALL, gid="favours")

    def _reference_lines(self, smallest: Number | None) -> None:
        self._vertical(0.0, INK, "-", "null")
        low, high = self.axes.get_xlim()
        if smallest is not None and is_present(smallest) and low < smallest < high:
            self._vertical(smallest, MUTED, ":", "smallest-effect")

    def _vertical(self, x: float, colour: str, style: Literal["-", ":"], gid: str) -> None:
        """Draw from top to bottom; between stacked rows of text, only beside the lines."""
        starts, ends = [-0.5], [self.axes.get_ylim()[0]]
        if self.layout.stacked:
            rows = [*range(self.k), *([self.k + 0.4, self.k + 1.4] if self.fit else [])]
            starts = [self._line_at(row) - 0.12 for row in rows]
            ends = [self._line_at(row) + 0.26 for row in rows]
        self.axes.vlines(
            [x] * len(starts), starts, ends, colors=colour, linewidth=0.9, linestyles=style, gid=gid
        )

    # -- the rows

    def _line_at(self, row: float) -> float:
        return row + 0.22 if self.layout.stacked else row

    def _trials(self) -> None:
        rows = [self._line_at(row) for row in range(self.k)]
        yi = self.effects["yi"].to_numpy(float)
        low, high = self.axes.get_xlim()
        lower = self.effects["ci_lb"].to_numpy(float)
        upper = self.effects["ci_ub"].to_numpy(float)
        self.axes.hlines(
            rows,
            np.clip(lower, low, high),
            np.clip(upper, low, high),
            colors=INK,
            linewidth=1.0,
            gid="study-ci",
        )
        converted = self._column("converted", default=False)
        faces = [PAPER if bool(c) else ACCENT for c in converted]
        self.axes.scatter(
            yi,
            rows,
            s=self._areas(),
            marker="s",
            c=faces,
            edgecolors=ACCENT,
            linewidths=1.0,
            zorder=3,
            gid="study-estimate",
        )
        for marker, edge, beyond in (("<", low, lower < low), (">", high, upper > high)):
            cut = [row for row, out in zip(rows, beyond, strict=True) if out]
            self.axes.scatter(
                [edge] * len(cut), cut, s=14, marker=marker, c=INK, clip_on=False, gid="cut"
            )
        for row in range(self.k):
            self._trial_text(row)

    def _areas(self) -> Sequence[float]:
        if self.fit is None:
            return [26.0] * self.k
        share = self.fit.weights
        return list(10 + 60 * share / share.max())

    def _trial_text(self, row: int) -> None:
        trial = self.effects.iloc[row]
        label = shorten(str(trial["label"]), self.layout.label_length)
        effect = effect_text(trial["yi"], (trial["ci_lb"], trial["ci_ub"]), self.measure)
        tier = str(trial.get("tier", ""))
        rating = RATING_MARK.get(str(trial.get("rating", "")), "–")
        if self.layout.stacked:
            self._write(0.03, row - 0.22, f"{label}  {tier} {rating}")
            self._write(0.97, row - 0.22, effect, align="right")
            return
        self._write(0.0, row, label)
        self._write(0.335, row, tier, align="center")
        self._write(0.385, row, rating, align="center")
        self._write(0.755, row, effect)
        if (weight := self._weight(row)) is not None:
            self._write(1.0, row, f"{plain_number(weight, 1)} %", align="right")

    def _weight(self, row: int) -> float | None:
        return None if self.fit is None else float(self.fit.weights[row])

    def _pooled(self, fit: Synthesis) -> None:
        row = self.k + 0.4
        y = self._line_at(row)
        self._rule(self.k - 0.3)
        if is_present(fit.ci_lb) and is_present(fit.ci_ub):
            low, high = self.axes.get_xlim()
            ends = np.clip([fit.ci_lb, fit.ci_ub], low, high)
            half = 0.18 if self.layout.stacked else 0.3
            self.axes.fill(
                [ends[0], fit.estimate, ends[1], fit.estimate],
                [y, y - half, y, y + half],
                facecolor=ACCENT,
                edgecolor=ACCENT,
                linewidth=0.8,
                gid="pooled",
                zorder=4,
            )
        words = effect_text(fit.estimate, (fit.ci_lb, fit.ci_ub), self.measure)
        self._summary_text(row, f"Pooled, {self.k} trials", words, bold=True)

    def _prediction(self, fit: Synthesis) -> None:
        row = self.k + 1.4
        y = self._line_at(row)
        if not (is_present(fit.pi_lb) and is_present(fit.pi_ub)):
            self._summary_text(row, "Prediction interval", "not available")
            return
        low, high = self.axes.get_xlim()
        ends = np.clip([fit.pi_lb, fit.pi_ub], low, high)
        self.axes.plot(
            ends, [y, y], color=SECOND, linewidth=2.0, linestyle=(0, (2.2, 1.2)), gid="pi"
        )
        self.axes.plot(ends, [y, y], color=SECOND, linestyle="none", marker="|", markersize=9)
        words = f"[{number(fit.pi_lb, self.measure)}, {number(fit.pi_ub, self.measure)}]"
        self._summary_text(row, f"{100 * fit.level:g} % prediction interval", words)

    def _summary_text(self, row: float, label: str, words: str, *, bold: bool = False) -> None:
        if self.layout.stacked:
            self._write(0.03, row - 0.22, label, bold=bold)
            self._write(0.97, row - 0.22, words, align="right", bold=bold)
            return
        self._write(0.0, row, label, bold=bold)
        self._write(0.755, row, words, bold=bold)

    def _column_heads(self) -> None:
        heads = (
            (0.0, "Trial", "left"),
            (0.335, "Tier", "center"),
            (0.385, "Rated", "center"),
            (0.755, f"{symbol(self.measure)} [95 % interval]", "left"),
            *(((1.0, "Weight", "right"),) if self._weight(0) is not None else ()),
        )
        y = 1 - 0.06 / self.figure.get_figheight()
        for x, words, align in heads:
            self.figure.text(x, y, words, ha=align, va="top", fontsize=SMALL, color=MUTED)

    def _write(
        self, x: float, y: float, words: str, *, align: str = "left", bold: bool = False
    ) -> None:
        self.axes.text(
            x,
            y,
            words,
            transform=self.text_at,
            ha=align,
            va="center",
            fontweight="bold" if bold else "normal",
            clip_on=False,
        )

    def _rule(self, y: float) -> None:
        self.axes.plot(
            [0, 1], [y, y], transform=self.text_at, color=MUTED, linewidth=0.6, clip_on=False
        )

    def _column(self, name: str, *, default: object) -> Sequence[object]:
        return list(self.effects[name]) if name in self.effects else [default] * self.k


def _thin(ticks: list[float]) -> list[float]:
    """Keep 1 and the ticks that are a round step of about 10 or 3 apart."""
    return [tick for tick in ticks if tick in {0.01, 0.1, 0.33, 1.0, 3.0, 10.0, 100.0}]


def _sides_of(favours: tuple[str, str], layout: _Layout) -> tuple[str, str]:
    """Say whom each side favours; in a narrow figure in lines that leave room for the other."""
    left, right = f"← favours {favours[0]}", f"favours {favours[1]} →"
    if not layout.stacked:
        return left, right
    return textwrap.fill(left, layout.label_length), textwrap.fill(right, layout.label_length)
