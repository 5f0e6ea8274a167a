"""The contour-enhanced funnel plot: do small trials show other effects than large ones?"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from combined_care.figures.effect_axis import reach, set_ticks
from combined_care.figures.key import Mark, draw_key, key_height
from combined_care.figures.sheet import Sheet, bare, blank, panel, sheet_for, write
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
    symbol,
)
from combined_care.markup import number as plain_number
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from combined_care.results import Absent, FloatArray

#: Regions of two-sided p values from the funnel's middle outwards, and the shade of each.
_REGIONS = ("p above 0.10", "p 0.05 to 0.10", "p 0.01 to 0.05", "p below 0.01")
_SHADES = (0.0, 0.16, 0.32, 0.5)
#: How many standard errors from no effect the regions meet.
_EDGES = tuple(NormalDist().inv_cdf(1 - p / 2) for p in (0.10, 0.05, 0.01))
#: What such a picture can mean; it says no more than that.
CAUTION = (
    "Where small trials show other effects than large ones (small-study effects), the reasons can "
    "be other patients, treatments or methods in small trials, chance, or results that never "
    "appeared. The picture cannot tell them apart."
)


def funnel(
    effects: pd.DataFrame, fit: Synthesis | Absent, *, measure: str = "SMD", narrow: bool = False
) -> Figure:
    """Draw effects against their standard errors, over regions of significance.

    Parameters
    ----------
    effects : pandas.DataFrame
        One row a trial: ``yi, vi`` and where known ``converted``. Ratios are logs.
    fit : Synthesis or Absent
        The pooled result; its estimate is a dashed line.
    measure : str
        As for :func:`combined_care.figures.forest`.
    narrow : bool
        For a narrow page.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``trials``, ``pooled``, ``null``, and ``contour`` for each region.

    Notes
    -----
    The regions are centred at no effect (Peters et al. 2008, doi:10.1016/j.jclinepi.2007.11.010):
    a trial in the lightest has p above 0.10, in the darkest below 0.01.
    """
    sheet = sheet_for(narrow=narrow)
    marks = _marks(effects, fit, measure)
    key_at, key_width = (0.1, 3.2) if narrow else (6.35, 2.6)
    plot = (0.5, 0.25, 2.8, 2.9) if narrow else (0.55, 0.25, 5.4, 3.5)
    foot = plot[1] + plot[3] + 0.55
    with mpl.rc_context(RC):
        height = foot + key_height(marks, key_width, sheet) + 0.05 if narrow else foot
        figure, page = blank(sheet.width, height)
        axes = panel(figure, *plot)
        _scales(axes, effects, measure, sheet)
        _regions(axes)
        _points(axes, effects)
        _lines(axes, fit)
        write(page, 0.02, 0.1, "Standard error (large trials on top)", size=sheet.small)
        middle = plot[0] + plot[2] / 2
        write(page, middle, foot - 0.2, scale_name(measure), size=sheet.small, align="center")
        draw_key(page, (key_at, foot if narrow else 0.35), key_width, marks, sheet)
    return figure


def describe_funnel(effects: pd.DataFrame, fit: Synthesis | Absent, *, measure: str = "SMD") -> str:
    """Say in words what the funnel plot shows: the text alternative of the figure.

    Parameters
    ----------
    effects, fit, measure
        As for :func:`funnel`.
    """
    errors = _errors(effects)
    counts = _in_regions(effects)
    said = [
        f"Funnel plot of {len(effects)} trials, effect against standard error "
        f"({plain_number(float(errors.min()))} to {plain_number(float(errors.max()))}). "
        f"{counts[0]} lie where p is above 0.10, {counts[1]} between 0.10 and 0.05, {counts[2]} "
        f"between 0.05 and 0.01, {counts[3]} below 0.01."
    ]
    if isinstance(fit, Synthesis):
        above = int((effects["yi"] > fit.estimate).sum())
        said.append(
            f"The pooled {symbol(measure)} is {number(fit.estimate, measure)}; {above} trials lie "
            f"above it, {len(effects) - above} do not."
        )
    return " ".join([*said, CAUTION])


def _errors(effects: pd.DataFrame) -> FloatArray:
    return np.asarray(np.sqrt(effects["vi"].to_numpy(float)))


def region_words(effect: float, variance: float) -> str:
    """Name the region of significance in which a trial lies.

    Examples
    --------
    >>> region_words(0.5, 0.04)
    'p 0.01 to 0.05'
    """
    return _REGIONS[int(np.digitize(abs(effect) / variance**0.5, _EDGES))]


def _in_regions(effects: pd.DataFrame) -> list[int]:
    """Count trials by region, from the lightest to the darkest."""
    steps = np.abs(effects["yi"].to_numpy(float)) / _errors(effects)
    region = np.digitize(steps, _EDGES)
    return [int((region == place).sum()) for place in range(len(_REGIONS))]


def _scales(axes: Axes, effects: pd.DataFrame, measure: str, sheet: Sheet) -> None:
    largest = float(_errors(effects).max())
    edge = _EDGES[1] * largest
    limits = reach([*effects["yi"], -edge, edge], [], [])
    axes.set_xlim(*limits)
    axes.set_ylim(1.06 * largest, 0)
    bare(axes, keep=("bottom", "left"))
    set_ticks(axes.xaxis, limits, measure, size=sheet.small, most=5 if sheet.is_narrow else 8)
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", labelsize=sheet.small, length=3)


def _regions(axes: Axes) -> None:
    """Shade beyond each contour up to the next one, on both sides, within the plot."""
    (left, right), bottom = axes.get_xlim(), axes.get_ylim()[0]
    outer = [*_EDGES[1:], 1e6]
    for near, far, shade in zip(_EDGES, outer, _SHADES[1:], strict=True):
        for side, edge in ((-1, left), (1, right)):
            axes.add_patch(
                mpl.patches.Polygon(
                    _region(side, near, far, abs(edge), bottom), closed=True, facecolor=MUTED,
                    alpha=shade, linewidth=0, gid="contour", zorder=0,
                )
            )  # fmt: skip


def _region(side: int, near: float, far: float, edge: float, bottom: float) -> FloatArray:
    """Return the corners between two lines from the top, cut at the edge of the plot."""
    errors = np.unique([0.0, bottom, min(edge / near, bottom), min(edge / far, bottom)])
    inside = np.minimum(near * errors, edge)
    outside = np.minimum(far * errors, edge)
    x = np.concatenate([inside, outside[::-1]])
    return np.column_stack([side * x, np.concatenate([errors, errors[::-1]])])


def _points(axes: Axes, effects: pd.DataFrame) -> None:
    hollow = effects["converted"] if "converted" in effects else [False] * len(effects)
    axes.scatter(
        effects["yi"], _errors(effects), s=26, marker="o",
        c=[PAPER if bool(h) else ACCENT for h in hollow],
        edgecolors=[ACCENT if bool(h) else PAPER for h in hollow], linewidths=0.9, zorder=3,
        gid="trials", clip_on=False,
    )  # fmt: skip


def _lines(axes: Axes, fit: Synthesis | Absent) -> None:
    top = (0, axes.get_ylim()[0])
    axes.plot([0, 0], top, color=INK, linewidth=0.9, gid="null")
    if isinstance(fit, Synthesis):
        look: dict[str, Any] = {"color": SECOND, "linewidth": 1.6, "linestyle": (0, (4, 2))}
        axes.plot([fit.estimate] * 2, top, gid="pooled", **look)


def _marks(effects: pd.DataFrame, fit: Synthesis | Absent, measure: str) -> list[Mark]:
    regions = zip(_REGIONS, _SHADES, _in_regions(effects), strict=True)
    marks = [Mark(f"{said}: {_trials(count)}", shade=shade) for said, shade, count in regions]
    marks.append(Mark("trial", marker="o"))
    if "converted" in effects and effects["converted"].any():
        marks.append(Mark("trial, odds ratio converted to g", marker="o", hollow=True))
    marks.append(Mark("no effect", dashes="-", colour=INK, width=0.9))
    if isinstance(fit, Synthesis):
        pooled = effect_text(fit.estimate, (fit.ci_lb, fit.ci_ub), measure)
        words_of = f"pooled {symbol(measure)} {pooled}"
        marks.append(Mark(words_of, dashes=(0, (4, 2)), colour=SECOND, width=1.6))
    return marks


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"
