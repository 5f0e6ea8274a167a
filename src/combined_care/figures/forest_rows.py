"""How the rows of a forest plot are laid out and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from combined_care.figures.effect_axis import reach
from combined_care.figures.interval_sheet import NUMBERS_AT, IntervalSheet
from combined_care.figures.risk_marks import draw_risk
from combined_care.figures.style import INK, MUTED, effect_text, number, shorten, symbol
from combined_care.markup import number as plain_number
from combined_care.results import Absent, is_present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from combined_care.figures.sheet import Align
    from combined_care.figures.trial_groups import Group
    from combined_care.results import Number
    from combined_care.synthesis import Synthesis

#: Letter of each way of rating; the key of the figure explains them.
RATING_MARK = {"clinician": "c", "self": "s"}
#: Columns of marks: where each stands, and its head.
_MARKS = {"tier": (0.305, "Tier"), "rating": (0.35, "Rated")}
_RISK_AT, _WEIGHT_AT = 0.395, 1.0
_STACKED_RISK_AT = 0.125
_LABEL_LENGTH, _STACKED_LENGTH = 34, 23
#: Without the columns of tier and rating there is room for a longer name.
_LONG_LABEL = 44


@dataclass(frozen=True, slots=True)
class _Block:
    """A group of trials and the rows of its heading, its trials and its diamond."""

    group: Group
    top: float

    @property
    def has_heading(self) -> bool:
        return bool(self.group.title)

    @property
    def rows(self) -> list[float]:
        first = self.top + self.has_heading
        return [first + step for step in range(len(self.group.rows))]

    @property
    def diamond(self) -> float:
        return self.top + self.has_heading + len(self.group.rows)

    @property
    def end(self) -> float:
        return self.diamond + (1.3 if self.has_heading else 0.0)


def draw_forest(
    effects: pd.DataFrame,
    fit: Synthesis | None,
    groups: Sequence[Group],
    *,
    measure: str,
    favours: tuple[str, str] | None,
    smallest: Number | None,
    narrow: bool,
) -> Figure:
    """Draw all rows: the trials of each group, its diamond, then the pooled effect of all."""
    blocks = _stack(groups)
    end = blocks[-1].end
    sheet = IntervalSheet(
        end + (2.4 if fit else 0.0),
        _limits(effects, fit),
        measure=measure,
        favours=favours,
        narrow=narrow,
        plot_left=0.445 if "low_risk_items" in effects else 0.39,
        stacked_left=_stacked_left(effects),
    )
    _draw_trials(sheet, effects, fit, blocks)
    for block in blocks:
        if block.has_heading:
            _draw_group(sheet, block)
    if fit is not None:
        _draw_pooled(sheet, fit, end)
    sheet.vertical(0.0, colour=INK, style="-", gid="null")
    if smallest is not None and is_present(smallest):
        sheet.vertical(smallest, colour=MUTED, style=":", gid="smallest-effect")
    if not narrow:
        sheet.heads(_heads(effects, fit, measure))
    return sheet.figure


def _stack(groups: Sequence[Group]) -> list[_Block]:
    blocks, top = [], 0.0
    for group in groups:
        blocks.append(_Block(group, top))
        top = blocks[-1].end
    return blocks


def _limits(effects: pd.DataFrame, fit: Synthesis | None) -> tuple[float, float]:
    """Show every estimate and the pooled intervals whole; let far ends of trials run out."""
    inner = [float(v) for v in effects["yi"]]
    if fit is not None:
        inner += [v for v in (fit.ci_lb, fit.ci_ub, fit.pi_lb, fit.pi_ub) if is_present(v)]
    return reach(inner, effects["ci_lb"], effects["ci_ub"])


def _stacked_left(effects: pd.DataFrame) -> float:
    """Leave room for the marks of a trial before its interval, where it has any."""
    if "low_risk_items" in effects:
        return 0.23
    return 0.13 if {"tier", "rating"} & set(effects.columns) else 0.03


def _draw_trials(
    sheet: IntervalSheet, effects: pd.DataFrame, fit: Synthesis | None, blocks: Sequence[_Block]
) -> None:
    order = [position for block in blocks for position in block.group.rows]
    rows = [row for block in blocks for row in block.rows]
    frame = effects.iloc[order]
    weights = None if fit is None else fit.weights[order]
    sheet.intervals(rows, list(frame["ci_lb"]), list(frame["ci_ub"]), gid="study-ci")
    hollow = [bool(c) for c in frame["converted"]] if "converted" in frame else False
    areas = 26.0 if weights is None else list(10 + 60 * weights / weights.max())
    sheet.points(rows, list(frame["yi"]), gid="study-estimate", areas=areas, hollow=hollow)
    for place, (row, (_, trial)) in enumerate(zip(rows, frame.iterrows(), strict=True)):
        _write_trial(sheet, row, trial)
        if weights is not None and not sheet.stacked:
            share = f"{plain_number(float(weights[place]), 1)} %"
            sheet.write(_WEIGHT_AT, row, share, ha="right")
    if "low_risk_items" in frame:
        draw_risk(sheet, _STACKED_RISK_AT if sheet.stacked else _RISK_AT, rows,
                  [float(items) for items in frame["low_risk_items"]])  # fmt: skip


def _write_trial(sheet: IntervalSheet, row: float, trial: pd.Series) -> None:
    marks = _marks(trial)
    wide = _LABEL_LENGTH if marks else _LONG_LABEL
    length = _STACKED_LENGTH if sheet.stacked else wide
    effect = effect_text(trial["yi"], (trial["ci_lb"], trial["ci_ub"]), sheet.measure)
    sheet.label(row, shorten(str(trial["label"]), length), effect)
    if sheet.stacked:
        sheet.write(0.03, sheet.line_at(row), " ".join(marks.values()), color=MUTED)
        return
    for name, mark in marks.items():
        sheet.write(_MARKS[name][0], row, mark, ha="center")


def _marks(trial: pd.Series) -> dict[str, str]:
    """Return the tier and the letter of the rating, as far as the table has them."""
    known = {name: str(trial[name]) for name in _MARKS if name in trial}
    if "rating" in known:
        known["rating"] = RATING_MARK.get(known["rating"], "–")
    return known


def _draw_group(sheet: IntervalSheet, block: _Block) -> None:
    sheet.heading(block.top, block.group.title)
    words = f"Pooled, {block.group.counted}"
    pooled = block.group.pooled
    if isinstance(pooled, Absent):
        sheet.label(block.diamond, block.group.counted, pooled.reason)
        return
    estimate, lower, upper = pooled
    if isinstance(lower, float) and isinstance(upper, float):
        sheet.diamond(block.diamond, estimate, (lower, upper), gid="level", hollow=True)
    sheet.label(block.diamond, words, effect_text(estimate, (lower, upper), sheet.measure))


def _draw_pooled(sheet: IntervalSheet, fit: Synthesis, end: float) -> None:
    """Draw the pooled effect of all trials and the prediction interval."""
    row = end + 0.4
    sheet.rule(end - 0.3)
    if is_present(fit.ci_lb) and is_present(fit.ci_ub):
        sheet.diamond(row, fit.estimate, (fit.ci_lb, fit.ci_ub), gid="pooled", hollow=False)
    words = effect_text(fit.estimate, (fit.ci_lb, fit.ci_ub), sheet.measure)
    sheet.label(row, f"Pooled, {fit.k} trials", words, bold=True)
    if not (is_present(fit.pi_lb) and is_present(fit.pi_ub)):
        sheet.label(row + 1, "Prediction interval", "not available")
        return
    sheet.prediction(row + 1, (fit.pi_lb, fit.pi_ub))
    words = f"[{number(fit.pi_lb, sheet.measure)}, {number(fit.pi_ub, sheet.measure)}]"
    sheet.label(row + 1, f"{100 * fit.level:g} % prediction interval", words)


def _heads(
    effects: pd.DataFrame, fit: Synthesis | None, measure: str
) -> list[tuple[float, str, Align]]:
    marked = [_MARKS[name] for name in _MARKS if name in effects]
    heads: list[tuple[float, str, Align]] = [
        (0.0, "Trial" if marked else "", "left"),
        *((place, head, "center") for place, head in marked),
        (NUMBERS_AT, f"{symbol(measure)} [95 % interval]", "left"),
    ]
    if "low_risk_items" in effects:
        heads.append((_RISK_AT + 0.008, "Low risk", "center"))
    if fit is not None:
        heads.append((_WEIGHT_AT, "Weight", "right"))
    return heads
