"""Ours beside theirs: pooled effects of this project and of published reviews, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from combined_care.figures.columns import floats, require_columns
from combined_care.figures.effect_axis import reach
from combined_care.figures.interval_sheet import NUMBERS_AT, IntervalSheet
from combined_care.figures.sheet import wrapped
from combined_care.figures.style import ACCENT, INK, RC, SECOND, effect_text, symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from combined_care.results import FloatArray

_OURS = ("estimate", "ci_lb", "ci_ub")
_PREDICTION = ("pi_lb", "pi_ub")
_THEIRS = ("published", "published_ci_lb", "published_ci_ub")
_WHO_AT, _PLOT_LEFT, _GAP = 0.3, 0.45, 0.45
_LABEL_LENGTH, _STACKED_LENGTH = 34, 38


def comparison(
    table: pd.DataFrame,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw pooled effects of this project beside published ones.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a comparison of one measure: ``label``; ours in ``estimate, ci_lb, ci_ub`` and,
        where known, ``pi_lb, pi_ub, k``; theirs in ``published, published_ci_lb,
        published_ci_ub`` and, where known, ``published_k``. Ratios are logs; numbers that are
        absent or nan are said to be absent.
    measure, favours, narrow
        As for :func:`combined_care.figures.forest`.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``ours-ci``, ``ours``, ``ours-pi``, ``theirs-ci``, ``theirs``, ``null``.
        Ours are filled squares, with the prediction interval as a thin dashed line; theirs are
        open diamonds.

    Raises
    ------
    InputError
        If a column is missing or there is no row.
    """
    require_columns(table, ("label", *_OURS, *_THEIRS), "table of comparisons")
    rows = table.reset_index(drop=True)
    starts, end = _places(rows, narrow=narrow)
    with mpl.rc_context(RC):
        sheet = IntervalSheet(
            end, _limits(rows), measure=measure, favours=favours, narrow=narrow,
            plot_left=_PLOT_LEFT,
        )  # fmt: skip
        first = [start + _heading_rows(label) if narrow else start
                 for start, label in zip(starts, rows["label"], strict=True)]  # fmt: skip
        _prediction(sheet, first, rows)
        _draw(sheet, first, rows, _OURS, "ours", "s", ACCENT)
        _draw(sheet, [row + 1 for row in first], rows, _THEIRS, "theirs", "D", SECOND)
        for start, (_, row) in zip(starts, rows.iterrows(), strict=True):
            _words(sheet, start, row)
        sheet.vertical(0.0, colour=INK, style="-", gid="null")
        if not narrow:
            head = f"{symbol(measure)} [95 % interval]"
            sheet.heads([(0.0, "Question", "left"), (_WHO_AT, "Pooled by", "left"),
                         (NUMBERS_AT, head, "left")])  # fmt: skip
        return sheet.figure


def describe_comparison(table: pd.DataFrame, *, measure: str = "SMD") -> str:
    """Say in words what the comparison shows: the text alternative of the figure."""
    require_columns(table, ("label", *_OURS, *_THEIRS), "table of comparisons")
    ours, theirs = (np.array([floats(table[name]) for name in names]) for names in (_OURS, _THEIRS))
    both = np.isfinite(ours).all(axis=0) & np.isfinite(theirs).all(axis=0)
    overlap = both & (ours[1] <= theirs[2]) & (theirs[1] <= ours[2])
    inside = both & (ours[1] <= theirs[0]) & (theirs[0] <= ours[2])
    higher = both & (ours[0] > theirs[0])
    count = int(both.sum())
    return (
        f"Pooled effects of this project beside published ones, {len(table)} rows ({measure}), "
        f"{count} with both. In {int(overlap.sum())} of {count} the intervals overlap; in "
        f"{int(inside.sum())} our interval holds the published estimate; ours is the larger in "
        f"{int(higher.sum())}."
    )


def _places(rows: pd.DataFrame, *, narrow: bool) -> tuple[list[float], float]:
    """Return where each comparison begins, and where the last one ends."""
    starts, at = [], 0.0
    for label in rows["label"]:
        starts.append(at)
        at += 2.0 + (_heading_rows(label) if narrow else 0.0) + _GAP
    return starts, at - _GAP


def _heading_rows(label: object) -> float:
    return 0.35 + 0.4 * len(wrapped(str(label), _STACKED_LENGTH))


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    inner = np.concatenate([floats(rows[name]) for name in (*_OURS, *_THEIRS)])
    ends = [floats(rows[name]) for name in _PREDICTION if name in rows]
    lower, upper = ends if len(ends) == 2 else (np.array([]), np.array([]))
    return reach(inner, lower[np.isfinite(lower)], upper[np.isfinite(upper)])


def _prediction(sheet: IntervalSheet, at: Sequence[float], rows: pd.DataFrame) -> None:
    if not set(_PREDICTION) <= set(rows.columns):
        return
    lower, upper = (floats(rows[name]) for name in _PREDICTION)
    known = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper))
    sheet.thin_dashes(
        [at[place] for place in known.tolist()], lower[known], upper[known], gid="ours-pi"
    )


def _draw(
    sheet: IntervalSheet,
    at: Sequence[float],
    rows: pd.DataFrame,
    names: Sequence[str],
    gid: str,
    marker: str,
    colour: str,
) -> None:
    estimates, lower, upper = (floats(rows[name]) for name in names)
    known = np.flatnonzero(np.isfinite(estimates))
    bounded = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper))
    sheet.intervals(
        [at[place] for place in bounded.tolist()],
        lower[bounded],
        upper[bounded],
        gid=f"{gid}-ci",
        colour=colour,
    )
    sheet.points(
        [at[place] for place in known.tolist()],
        estimates[known],
        gid=gid,
        marker=marker,
        colour=colour,
        hollow=gid == "theirs",
        areas=30.0,
    )


def _words(sheet: IntervalSheet, start: float, row: pd.Series) -> None:
    ours = _numbers(row, _OURS, sheet.measure, "no pooled effect")
    theirs = _numbers(row, _THEIRS, sheet.measure, "no published effect")
    whose = [f"this project{_k(row, 'k')}", f"published{_k(row, 'published_k')}"]
    label = str(row["label"])
    if sheet.stacked:
        for place, line in enumerate(wrapped(label, _STACKED_LENGTH)):
            sheet.write(0.03, start + 0.4 * place - 0.1, line, fontweight="bold")
        first = start + _heading_rows(label)
        for place, (who, words) in enumerate(zip(whose, (ours, theirs), strict=True)):
            sheet.label(first + place, who, words)
        return
    for place, line in enumerate(wrapped(label, _LABEL_LENGTH)[:2]):
        sheet.write(0.0, start + place, line)
    for place, (who, words) in enumerate(zip(whose, (ours, theirs), strict=True)):
        sheet.write(_WHO_AT, start + place, who)
        sheet.write(NUMBERS_AT, start + place, words)


def _k(row: pd.Series, name: str) -> str:
    value = row.get(name)
    known = isinstance(value, (int, float, np.integer)) and not np.isnan(value)
    return f", k {value:g}" if known else ""


def _numbers(row: pd.Series, names: Sequence[str], measure: str, otherwise: str) -> str:
    values: FloatArray = floats(row[list(names)])
    if np.isnan(values[0]):
        return otherwise
    ends = tuple(float(v) if np.isfinite(v) else None for v in values[1:])
    return effect_text(float(values[0]), ends, measure)
