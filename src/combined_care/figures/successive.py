"""One trial more, or one trial less: the pooled effect as trials are added, or left out in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from combined_care.figures.columns import floats, require_columns
from combined_care.figures.effect_axis import named_sides, reach
from combined_care.figures.interval_sheet import NUMBERS_AT, IntervalSheet
from combined_care.figures.style import INK, MUTED, RC, SECOND, effect_text, number, shorten, symbol
from combined_care.markup import MINUS
from combined_care.results import Absent, is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from combined_care.figures.sheet import Align
    from combined_care.results import FloatArray, Number

_WANTED = ("estimate", "ci_lb", "ci_ub")
_K_AT, _PLOT_LEFT, _CHANGES_AT = 0.35, 0.39, 1.0
_CHANGED = "≠"


def cumulative(
    table: pd.DataFrame,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] | None = None,
    smallest: Number | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw the pooled effect as trials are added in order.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a step: the trial added in ``label`` (or ``slab``), ``k, estimate, ci_lb, ci_ub``,
        as :func:`combined_care.sensitivity.cumulative` gives. Ratios are logs; absent numbers are
        said to be absent.
    measure, favours, smallest, narrow
        As for :func:`combined_care.figures.forest`.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``step-ci``, ``step``, ``null``, ``smallest-effect``.

    Raises
    ------
    InputError
        If a column is missing or there is no row.
    """
    require_columns(table, ("k", *_WANTED), "table of cumulative results")
    labels = [f"+ {label}" for label in labels_of(table)]
    with mpl.rc_context(RC):
        sheet = _rows(table, labels, [], 0.0, measure=measure, favours=favours, narrow=narrow)
        _references(sheet, smallest)
        return sheet.figure


def leave_one_out(
    table: pd.DataFrame,
    full: Synthesis | Absent,
    *,
    verdict: str | None = None,
    measure: str = "SMD",
    favours: tuple[str, str] | None = None,
    smallest: Number | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw the pooled effect without each trial in turn, over that of all trials.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a trial left out: its name in ``label`` (or ``slab``), ``k, estimate, ci_lb,
        ci_ub`` and, where known, ``verdict``: the frame of
        :func:`combined_care.sensitivity.leave_one_out` or of an analysis.
    full : Synthesis or Absent
        The pooled effect of all trials: the diamond and the dashed line.
    verdict : str, optional
        Verdict with all trials; a row whose ``verdict`` differs is marked by an open square and ≠.
    measure, favours, smallest, narrow
        As for :func:`combined_care.figures.forest`.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``step-ci``, ``step``, ``pooled``, ``all-trials``, ``null``.

    Raises
    ------
    InputError
        If a column is missing or there is no row.
    """
    require_columns(table, ("k", *_WANTED), "table of results without each trial")
    changed = changes(table, verdict)
    labels = [f"{MINUS} {label}" for label in labels_of(table)]
    inner = [] if isinstance(full, Absent) else _present(full.estimate, full.ci_lb, full.ci_ub)
    with mpl.rc_context(RC):
        sheet = _rows(
            table, labels, inner, 0.0 if isinstance(full, Absent) else 1.4, measure=measure,
            favours=favours, narrow=narrow, changed=changed,
        )  # fmt: skip
        if isinstance(full, Synthesis):
            _full(sheet, full, len(table))
        _references(sheet, smallest)
        return sheet.figure


def describe_cumulative(
    table: pd.DataFrame, *, measure: str = "SMD", favours: tuple[str, str] | None = None
) -> str:
    """Say in words what the cumulative plot shows: the text alternative of the figure."""
    labels, sides = labels_of(table), _side(table)
    first, last = table.iloc[0], table.iloc[-1]
    said = [
        f"Pooled effect as {len(table)} trials are added one by one, from {labels[0]} "
        f"({_words(first, measure)}) to {labels[-1]} (all trials: {_words(last, measure)})."
    ]
    if sides[-1] == 0:
        said.append("The interval of all trials includes no effect.")
    else:
        other = np.flatnonzero(sides != sides[-1])
        start = 0 if other.size == 0 else int(other[-1]) + 1
        side = named_sides(favours)[int(sides[-1] > 0)]
        said.append(
            f"From {labels[start]} on (k = {table['k'].iloc[start]}) every interval lies on the "
            f"side that favours {side}."
        )
    said.append("The intervals are not corrected for looking many times.")
    return " ".join(said)


def describe_leave_one_out(
    table: pd.DataFrame,
    full: Synthesis | Absent,
    *,
    verdict: str | None = None,
    measure: str = "SMD",
) -> str:
    """Say in words what the leave-one-out plot shows: the text alternative of the figure."""
    labels, estimates = labels_of(table), floats(table["estimate"])
    said = [f"Pooled effect without each of {len(table)} trials in turn."]
    if np.isfinite(estimates).any():
        low, high = int(np.nanargmin(estimates)), int(np.nanargmax(estimates))
        said.append(
            f"It lies between {symbol(measure)} {number(float(estimates[low]), measure)} (without "
            f"{labels[low]}) and {number(float(estimates[high]), measure)} (without "
            f"{labels[high]})."
        )
    if isinstance(full, Synthesis):
        words = effect_text(full.estimate, (full.ci_lb, full.ci_ub), measure)
        said.append(f"With all trials: {symbol(measure)} {words}.")
    if verdict is not None and "verdict" in table:
        which = [label for label, is_changed in zip(labels, changes(table, verdict), strict=True)
                 if is_changed]  # fmt: skip
        named = f" ({'; '.join(which)})" if 0 < len(which) <= 5 else ""
        said.append(f"The verdict changes without {len(which)} of them{named}.")
    return " ".join(said)


def labels_of(table: pd.DataFrame) -> list[str]:
    """Return the names of the trials, from ``label`` or ``slab``.

    Raises
    ------
    InputError
        If the table has neither.
    """
    name = "label" if "label" in table else "slab"
    require_columns(table, [name], "table of results")
    return [str(label) for label in table[name]]


def changes(table: pd.DataFrame, verdict: str | None) -> list[bool]:
    """Tell for each row whether its verdict differs from that of all trials."""
    if verdict is None or "verdict" not in table:
        return [False] * len(table)
    return [str(found) != verdict for found in table["verdict"]]


def _present(*values: Number) -> list[float]:
    return [value for value in values if is_present(value)]


def _side(table: pd.DataFrame) -> FloatArray:
    """Return 1 or -1 for intervals above or below no effect, else 0."""
    lower, upper = floats(table["ci_lb"]), floats(table["ci_ub"])
    return np.asarray((lower > 0).astype(float) - (upper < 0).astype(float))


def _words(row: pd.Series, measure: str) -> str:
    if not isinstance(row["estimate"], float):
        return str(row["estimate"])
    return (
        f"{symbol(measure)} {effect_text(row['estimate'], (row['ci_lb'], row['ci_ub']), measure)}"
    )


def _rows(
    table: pd.DataFrame,
    labels: Sequence[str],
    inner: Sequence[float],
    more: float,
    *,
    measure: str,
    favours: tuple[str, str] | None,
    narrow: bool,
    changed: Sequence[bool] = (),
) -> IntervalSheet:
    estimates, lower, upper = (floats(table[name]) for name in _WANTED)
    limits = reach([*estimates, *inner], lower[np.isfinite(lower)], upper[np.isfinite(upper)])
    sheet = IntervalSheet(
        len(table) + more, limits, measure=measure, favours=favours, narrow=narrow,
        plot_left=_PLOT_LEFT,
    )  # fmt: skip
    hollow = list(changed) or [False] * len(table)
    bounded = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper))
    known = np.flatnonzero(np.isfinite(estimates))
    sheet.intervals(bounded.tolist(), lower[bounded], upper[bounded], gid="step-ci")
    sheet.points(
        known.tolist(), estimates[known], gid="step", hollow=[hollow[place] for place in known]
    )
    for place, label in enumerate(labels):
        _write_row(sheet, place, label, table.iloc[place], is_changed=hollow[place])
    if not narrow:
        sheet.heads(_heads(measure, any(hollow)))
    return sheet


def _write_row(
    sheet: IntervalSheet, place: int, label: str, row: pd.Series, *, is_changed: bool
) -> None:
    estimate = row["estimate"]
    effect = (
        effect_text(estimate, (row["ci_lb"], row["ci_ub"]), sheet.measure)
        if isinstance(estimate, float)
        else "not available"
    )
    if sheet.stacked:
        mark = f" {_CHANGED}" if is_changed else ""
        sheet.label(place, shorten(label, 23 - len(mark)) + mark, effect)
        return
    sheet.label(place, shorten(label, 38), effect)
    sheet.write(_K_AT, place, str(row["k"]), ha="right")
    if is_changed:
        sheet.write(_CHANGES_AT, place, f"{_CHANGED} changes", ha="right")


def _heads(measure: str, any_change: bool) -> list[tuple[float, str, Align]]:
    heads: list[tuple[float, str, Align]] = [
        (0.0, "Trial added (+) or left out (−)", "left"),
        (_K_AT, "k", "right"),
        (NUMBERS_AT, f"{symbol(measure)} [95 % interval]", "left"),
    ]
    return [*heads, (_CHANGES_AT, "Verdict", "right")] if any_change else heads


def _full(sheet: IntervalSheet, full: Synthesis, rows: int) -> None:
    row = rows + 0.4
    sheet.rule(rows - 0.3)
    if is_present(full.ci_lb) and is_present(full.ci_ub):
        sheet.diamond(row, full.estimate, (full.ci_lb, full.ci_ub), gid="pooled", hollow=False)
    words = effect_text(full.estimate, (full.ci_lb, full.ci_ub), sheet.measure)
    sheet.label(row, f"All {full.k} trials", words, bold=True)
    sheet.vertical(full.estimate, colour=SECOND, style="--", gid="all-trials")


def _references(sheet: IntervalSheet, smallest: Number | None) -> None:
    sheet.vertical(0.0, colour=INK, style="-", gid="null")
    if smallest is not None and is_present(smallest):
        sheet.vertical(smallest, colour=MUTED, style=":", gid="smallest-effect")
