"""The bias curve: the pooled effect if every trial were off by the same amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from combined_care.figures.columns import floats, require_columns
from combined_care.figures.effect_axis import set_ticks
from combined_care.figures.key import Mark, draw_key, key_height
from combined_care.figures.sheet import bare, blank, panel, sheet_for, write
from combined_care.figures.style import ACCENT, INK, MUTED, PAPER, RC, SECOND, number, symbol
from combined_care.results import is_present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from combined_care.results import Number

_WANTED = ("shift", "estimate", "ci_lb", "ci_ub")


def bias_curve(
    table: pd.DataFrame,
    thresholds: Sequence[tuple[float, str]] = (),
    *,
    measure: str = "SMD",
    smallest: Number | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw the pooled effect and its interval over an assumed common bias.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a bias, ascending: ``shift`` (taken off every effect, on the scale of analysis),
        ``estimate, ci_lb, ci_ub``.
    thresholds : sequence of (float, str)
        Shifts at which something changes, and what does; numbered in the figure.
    measure, smallest, narrow
        As for :func:`combined_care.figures.forest`.

    Returns
    -------
    matplotlib.figure.Figure
        Gids: ``band``, ``curve``, ``null``, ``smallest-effect``, ``threshold``.

    Raises
    ------
    InputError
        If a column is missing or there is no row.
    """
    require_columns(table, _WANTED, "table of biases")
    sheet = sheet_for(narrow=narrow)
    marks = _marks(thresholds, measure, smallest)
    key_at, width = (0.1, 3.2) if narrow else (6.35, 2.6)
    plot = (0.5, 0.3, 2.75, 2.3) if narrow else (0.55, 0.3, 5.4, 2.7)
    foot = plot[1] + plot[3] + 0.55
    with mpl.rc_context(RC):
        height = foot + key_height(marks, width, sheet) + 0.05 if narrow else foot
        figure, page = blank(sheet.width, height)
        axes = panel(figure, *plot)
        _draw(axes, table)
        _scales(axes, table, measure, sheet.small, few=narrow)
        _references(axes, thresholds, smallest, sheet.small)
        write(page, 0.02, 0.1, f"Pooled {symbol(measure)}", size=sheet.small)
        middle = plot[0] + plot[2] / 2
        write(page, middle, foot - 0.2, "Bias taken off every trial", size=sheet.small,
              align="center")  # fmt: skip
        draw_key(page, (key_at, foot if narrow else 0.35), width, marks, sheet)
    return figure


def describe_bias_curve(
    table: pd.DataFrame, thresholds: Sequence[tuple[float, str]] = (), *, measure: str = "SMD"
) -> str:
    """Say in words what the bias curve shows: the text alternative of the figure."""
    require_columns(table, _WANTED, "table of biases")
    first, last = table.iloc[0], table.iloc[-1]
    said = [
        f"Pooled {symbol(measure)} if every trial were off by the same amount: "
        f"{number(float(first['estimate']), measure)} at a bias of "
        f"{number(float(first['shift']), measure)}, {number(float(last['estimate']), measure)} at "
        f"{number(float(last['shift']), measure)}."
    ]
    said += [f"At {number(shift, measure)}: {words}." for shift, words in thresholds]
    return " ".join(said)


def _draw(axes: Axes, table: pd.DataFrame) -> None:
    shift = floats(table["shift"])
    lower, upper = floats(table["ci_lb"]), floats(table["ci_ub"])
    axes.fill_between(shift, lower, upper, color=MUTED, alpha=0.25, linewidth=0, gid="band")
    axes.plot(shift, floats(table["estimate"]), color=ACCENT, linewidth=1.8, gid="curve")


def _scales(axes: Axes, table: pd.DataFrame, measure: str, size: float, *, few: bool) -> None:
    shift = floats(table["shift"])
    ends = np.concatenate([floats(table["ci_lb"]), floats(table["ci_ub"]), [0.0]])
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    axes.set_xlim(float(shift.min()), float(shift.max()))
    axes.set_ylim(low - 0.03 * (high - low), high + 0.1 * (high - low))
    bare(axes, keep=("bottom", "left"))
    most = 5 if few else 8
    set_ticks(axes.xaxis, axes.get_xlim(), measure, size=size, most=most)
    set_ticks(axes.yaxis, axes.get_ylim(), measure, size=size, most=6)


def _references(
    axes: Axes, thresholds: Sequence[tuple[float, str]], smallest: Number | None, size: float
) -> None:
    axes.axhline(0.0, color=INK, linewidth=0.9, gid="null")
    if smallest is not None and is_present(smallest):
        axes.axhline(smallest, color=MUTED, linewidth=0.9, linestyle=":", gid="smallest-effect")
    low, high = axes.get_xlim()
    top = axes.get_ylim()[1]
    for place, (shift, _) in enumerate(thresholds, start=1):
        if low <= shift <= high:
            axes.axvline(shift, color=SECOND, linewidth=1.2, linestyle=(0, (4, 2)),
                         gid="threshold")  # fmt: skip
            axes.scatter([shift], [top], s=120, c=PAPER, edgecolors=SECOND, linewidths=1.0,
                         clip_on=False, zorder=4)  # fmt: skip
            axes.text(shift, top, str(place), ha="center", va="center", fontsize=size,
                      clip_on=False, zorder=5)  # fmt: skip


def _marks(
    thresholds: Sequence[tuple[float, str]], measure: str, smallest: Number | None
) -> list[Mark]:
    marks = [
        Mark(f"pooled {symbol(measure)}", dashes="-", width=1.8),
        Mark("its 95 % interval", shade=0.25),
        Mark("no effect", dashes="-", colour=INK, width=0.9),
    ]
    if smallest is not None and is_present(smallest):
        marks.append(Mark("smallest effect of interest", dashes=":", colour=MUTED, width=0.9))
    return marks + [
        Mark(f"{place}: at {number(shift, measure)}, {words}", dashes=(0, (4, 2)), colour=SECOND)
        for place, (shift, words) in enumerate(thresholds, start=1)
    ]
