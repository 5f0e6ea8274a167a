"""The numbers of each figure as an accessible table: the same input, the same numbers, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from combined_care import markup
from combined_care.figures.columns import floats, records
from combined_care.figures.funnel import region_words
from combined_care.figures.gap_map import gaps_of
from combined_care.figures.icon_array import per_hundred
from combined_care.figures.specifications import Choice, Curve, Shown, curve_of
from combined_care.figures.style import number, symbol
from combined_care.figures.successive import labels_of
from combined_care.markup import Safe, p_value, scroll, table
from combined_care.results import Absent
from combined_care.review import current_review

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pandas as pd

    from combined_care.event_rates import AbsoluteEffect

_INTERVAL = "95 % interval"


def funnel_table(effects: pd.DataFrame, *, caption: str, measure: str = "SMD") -> Safe:
    """Show the numbers of a funnel plot, the most precise trial first.

    Parameters
    ----------
    effects : pandas.DataFrame
        ``label, yi, vi``, as for :func:`combined_care.figures.funnel`.
    caption : str
        Says what the table shows.
    measure : str
        Scale of the effects, as for :func:`combined_care.figures.forest`.
    """
    ordered = effects.sort_values("vi", kind="stable")
    rows = [
        (
            row.label,
            _effect(row.yi, measure),
            markup.number(row.vi**0.5),
            region_words(row.yi, row.vi),
        )
        for row in records(ordered)
    ]
    return _shown(("Trial", symbol(measure), "Standard error", "Region"), rows, caption)


def specification_table(
    specifications: pd.DataFrame,
    choices: Sequence[Choice],
    *,
    caption: str,
    measure: str = "SMD",
    shown: Shown = "estimate",
) -> Safe:
    """Show what a specification curve shows, option by option.

    Parameters
    ----------
    specifications, choices, measure, shown
        As for :func:`combined_care.figures.specification_curve`.
    caption : str
        Says what the table shows.

    Returns
    -------
    Safe
        For all analyses and for those that take each option: how many there are, the lowest and
        the highest result, and how many intervals exclude no effect (p values: are below 0.05).
    """
    curve = curve_of(specifications, choices, shown)
    primary = None if curve.primary is None else curve.table.iloc[curve.primary]
    rows: list[Sequence[object]] = [("All", "", *_span(curve, curve.table, measure))]
    for choice in choices:
        taken = curve.table[choice.column].astype(str)
        for option, words in choice.options.items():
            is_primary = primary is not None and str(primary[choice.column]) == option
            part = curve.table[taken == option]
            name = f"{words} (primary)" if is_primary else words
            rows.append((choice.title, name, *_span(curve, part, measure)))
    ends = ("p below 0.05",) if shown == "pval" else ("Above no effect", "Below no effect")
    header = ("Choice", "Option", "Analyses", "Lowest", "Highest", *ends)
    return _shown(header, rows, caption)


def _span(curve: Curve, part: pd.DataFrame, measure: str) -> list[object]:
    """Return number, lowest, highest and how many exclude no effect, for some analyses."""
    is_p, values = curve.shown == "pval", part[curve.shown]
    span = [] if part.empty else [float(values.min()), float(values.max())]
    ends = [p_value(end) if is_p else _effect(end, measure) for end in span] or ["none"] * 2
    if is_p:
        return [f"{len(part):,}", *ends, f"{int((values < 0.05).sum()):,}"]
    better, worse = int((part["ci_lb"] > 0).sum()), int((part["ci_ub"] < 0).sum())
    return [f"{len(part):,}", *ends, f"{better:,}", f"{worse:,}"]


def cumulative_table(steps: pd.DataFrame, *, caption: str, measure: str = "SMD") -> Safe:
    """Show the pooled effect as trials are added.

    Parameters
    ----------
    steps : pandas.DataFrame
        As for :func:`combined_care.figures.cumulative`.
    caption, measure
        As for :func:`funnel_table`.
    """
    rows = _step_rows(steps, measure)
    return _shown(("Trial added", "k", symbol(measure), _INTERVAL), rows, caption)


def _step_rows(steps: pd.DataFrame, measure: str) -> list[list[object]]:
    return [
        [label, row.k, _effect(row.estimate, measure), _ends(row.ci_lb, row.ci_ub, measure)]
        for label, row in zip(labels_of(steps), records(steps), strict=True)
    ]


def icon_table(
    effect: AbsoluteEffect, *, outcome: str, caption: str, comparator: str = "the comparator"
) -> Safe:
    """Show the people of an icon array as numbers.

    Parameters
    ----------
    effect, outcome, comparator
        As for :func:`combined_care.figures.icon_array`.
    caption : str
        Says what the table shows.
    """
    counts = per_hundred(effect)
    interval = f"{counts.low} to {counts.high}"
    rows = [
        (comparator, counts.comparator, "taken as known", 100 - counts.comparator),
        (current_review().treatment, counts.combined, interval, 100 - counts.combined),
    ]
    level = f"{100 * effect.level:g} % interval"
    header = ("Of 100 people treated with", f"have {outcome}", level, "do not")
    return _shown(header, rows, caption)


def gap_table(counts: pd.DataFrame, words: Mapping[str, str], *, caption: str) -> Safe:
    """Show the gap map, one table a design; every gap says that there is no trial.

    Parameters
    ----------
    counts, words
        As for :func:`combined_care.figures.gap_map`.
    caption : str
        Says what the tables show; the design is added to each.
    """
    found = gaps_of(counts, words)
    header = ("Diagnosis", *(words[name] for name in found.comparators))
    shown = []
    for design in found.designs:
        rows = [
            (
                words[diagnosis],
                *(_trials_words(*found.cell(diagnosis, c, design)) for c in found.comparators),
            )
            for diagnosis in found.diagnoses
        ]
        shown.append(_shown(header, rows, f"{caption}: {words[design]}"))
    return markup.join(shown)


def _trials_words(pooled: int, direction_only: int) -> str:
    if not pooled and not direction_only:
        return "no trial"
    only = f"{direction_only} with a direction only"
    if not pooled:
        return only
    return f"{pooled} with numbers" + (f", {only}" if direction_only else "")


def comparison_table(comparisons: pd.DataFrame, *, caption: str, measure: str = "SMD") -> Safe:
    """Show pooled effects of this project beside published ones.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        As for :func:`combined_care.figures.comparison`.
    caption, measure
        As for :func:`funnel_table`.
    """
    rows = [
        (
            row.label,
            _count(row, "k"),
            _effect(row.estimate, measure),
            _ends(row.ci_lb, row.ci_ub, measure),
            _ends(getattr(row, "pi_lb", None), getattr(row, "pi_ub", None), measure),
            _count(row, "published_k"),
            _effect(row.published, measure),
            _ends(row.published_ci_lb, row.published_ci_ub, measure),
        )
        for row in records(comparisons)
    ]
    name = symbol(measure)
    header = ("Question", "Our k", f"Our {name}", _INTERVAL, "Prediction interval",
              "Published k", f"Published {name}", _INTERVAL)  # fmt: skip
    return _shown(header, rows, caption)


def _shown(header: Sequence[object], rows: Sequence[Sequence[object]], caption: str) -> Safe:
    return scroll(table(header, rows, caption=caption), caption)


def _effect(value: Any, measure: str) -> str:
    """Write an effect on its natural scale, or why there is none."""
    known = float(floats([value])[0])
    if math.isnan(known):
        return str(value) if isinstance(value, Absent) else "not available"
    return number(known, measure)


def _ends(lower: Any, upper: Any, measure: str) -> str:
    known = _effect(lower, measure), _effect(upper, measure)
    return known[0] if known[0].startswith("not available") else f"{known[0]} to {known[1]}"


def _count(row: Any, name: str) -> str:
    value = float(floats([getattr(row, name, None)])[0])
    return markup.number(value, 0)
