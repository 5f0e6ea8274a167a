"""The numbers of each figure as an accessible table: the same input, the same numbers, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from combined_care import markup
from combined_care.figures.columns import floats, records
from combined_care.figures.funnel import region_words
from combined_care.figures.gap_map import gaps_of
from combined_care.figures.icon_array import per_hundred
from combined_care.figures.risk_marks import ITEMS, risk_words
from combined_care.figures.specifications import Choice, Curve, Shown, curve_of
from combined_care.figures.style import number, symbol
from combined_care.figures.successive import changes, labels_of
from combined_care.figures.trial_groups import Group, grouped
from combined_care.markup import Safe, p_value, scroll, table
from combined_care.results import Absent
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pandas as pd

    from combined_care.event_rates import AbsoluteEffect

_INTERVAL = "95 % interval"


def forest_table(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    caption: str,
    measure: str = "SMD",
    by: str | None = None,
    levels: pd.DataFrame | None = None,
    titles: Mapping[str, str] | None = None,
) -> Safe:
    """Show the numbers of a forest plot: every trial, every group, the pooled effect.

    Parameters
    ----------
    effects, fit, measure, by, levels, titles
        As for :func:`combined_care.figures.forest`.
    caption : str
        Says what the table shows.
    """
    frame = effects.reset_index(drop=True)
    pooled = fit if isinstance(fit, Synthesis) and len(frame) > 1 else None
    optional = [name for name in _TRIAL_COLUMNS if name in frame]
    rows: list[Sequence[object]] = []
    for group in grouped(frame, by, levels, titles):
        rows += [_trial_row(frame, position, pooled, optional, measure) for position in group.rows]
        if group.title:
            rows.append(_group_row(group, len(optional), measure))
    if pooled is not None:
        rows += _pooled_rows(pooled, len(optional), measure)
    heads = [_TRIAL_COLUMNS[name] for name in optional]
    return _shown(("Trial", symbol(measure), _INTERVAL, "Weight", *heads), rows, caption)


#: Columns of effects that a forest plot marks, and their heads.
_TRIAL_COLUMNS = {
    "tier": "Tier",
    "rating": "Rated by",
    "low_risk_items": f"Risk-of-bias items at low risk, of {ITEMS}",
    "converted": "Effect",
}


def _trial_row(
    frame: pd.DataFrame, position: int, fit: Synthesis | None, optional: Sequence[str], measure: str
) -> list[object]:
    trial = frame.iloc[position]
    weight = "not pooled" if fit is None else f"{markup.number(float(fit.weights[position]), 1)} %"
    return [
        trial["label"],
        _effect(trial["yi"], measure),
        _ends(trial["ci_lb"], trial["ci_ub"], measure),
        weight,
        *(_trial_mark(name, trial[name]) for name in optional),
    ]


def _trial_mark(name: str, value: Any) -> object:
    if name == "low_risk_items":
        return "not rated" if risk_words(float(value)) == "?" else risk_words(float(value))
    if name == "converted":
        return "odds ratio converted to g" if value else "as reported or computed"
    return value or "not recorded"


def _group_row(group: Group, more: int, measure: str) -> list[object]:
    name = f"{group.title}: {group.counted}"
    if isinstance(group.pooled, Absent):
        return [name, group.pooled.reason, "", "", *[""] * more]
    estimate, lower, upper = group.pooled
    return [name, _effect(estimate, measure), _ends(lower, upper, measure), "", *[""] * more]


def _pooled_rows(fit: Synthesis, more: int, measure: str) -> list[list[object]]:
    blank: list[object] = [""] * more
    whole = f"{markup.number(100.0, 0)} %"
    return [
        [f"Pooled, {fit.k} trials", _effect(fit.estimate, measure),
         _ends(fit.ci_lb, fit.ci_ub, measure), whole, *blank],
        ["Prediction interval", "", _ends(fit.pi_lb, fit.pi_ub, measure), "", *blank],
    ]  # fmt: skip


def funnel_table(effects: pd.DataFrame, *, caption: str, measure: str = "SMD") -> Safe:
    """Show the numbers of a funnel plot, the most precise trial first.

    Parameters
    ----------
    effects : pandas.DataFrame
        ``label, yi, vi``, as for :func:`combined_care.figures.funnel`.
    caption, measure
        As for :func:`forest_table`.
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
        As for :func:`forest_table`.
    """
    rows = _step_rows(steps, measure)
    return _shown(("Trial added", "k", symbol(measure), _INTERVAL), rows, caption)


def leave_one_out_table(
    steps: pd.DataFrame,
    full: Synthesis | Absent,
    *,
    caption: str,
    verdict: str | None = None,
    measure: str = "SMD",
) -> Safe:
    """Show the pooled effect without each trial in turn, then that of all trials.

    Parameters
    ----------
    steps, full, verdict, measure
        As for :func:`combined_care.figures.leave_one_out`.
    caption : str
        Says what the table shows.
    """
    is_judged = verdict is not None and "verdict" in steps
    words = {True: "changes", False: "stays"}
    judged = [[words[found]] if is_judged else [] for found in changes(steps, verdict)]
    rows = [[*row, *more] for row, more in zip(_step_rows(steps, measure), judged, strict=True)]
    if isinstance(full, Synthesis):
        ends = _ends(full.ci_lb, full.ci_ub, measure)
        blank = [""] if is_judged else []
        rows.append(["none (all trials)", full.k, _effect(full.estimate, measure), ends, *blank])
    heads = ("Verdict",) if is_judged else ()
    return _shown(("Trial left out", "k", symbol(measure), _INTERVAL, *heads), rows, caption)


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
        ("combined treatment", counts.combined, interval, 100 - counts.combined),
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


def network_table(
    nodes: pd.DataFrame, edges: pd.DataFrame, *, caption: str, counted: str = "people"
) -> Safe:
    """Show a network: its treatments, and the trials of each pair that was compared.

    Parameters
    ----------
    nodes, edges, counted
        As for :func:`combined_care.figures.describe_network_graph`.
    caption : str
        Says what the tables show.
    """
    sizes = [(row.name, f"{int(row.n):,}") for row in records(nodes)]
    ordered = edges.sort_values(["k", "a", "b"], ascending=[False, True, True], kind="stable")
    pairs = [(row.a, row.b, int(row.k)) for row in records(ordered)]
    return markup.join(
        [
            _shown(("Treatment", counted[0].upper() + counted[1:]), sizes, f"{caption}: sizes"),
            _shown(("Treatment", "Compared with", "Trials"), pairs, f"{caption}: comparisons"),
        ]
    )


def comparison_table(comparisons: pd.DataFrame, *, caption: str, measure: str = "SMD") -> Safe:
    """Show pooled effects of this project beside published ones.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        As for :func:`combined_care.figures.comparison`.
    caption, measure
        As for :func:`forest_table`.
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


def bias_table(biases: pd.DataFrame, *, caption: str, measure: str = "SMD") -> Safe:
    """Show the pooled effect over an assumed common bias.

    Parameters
    ----------
    biases : pandas.DataFrame
        As for :func:`combined_care.figures.bias_curve`.
    caption, measure
        As for :func:`forest_table`.
    """
    rows = [
        (_effect(row.shift, measure), _effect(row.estimate, measure),
         _ends(row.ci_lb, row.ci_ub, measure))
        for row in records(biases)
    ]  # fmt: skip
    return _shown(("Bias taken off every trial", symbol(measure), _INTERVAL), rows, caption)


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
