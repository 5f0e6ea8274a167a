"""From an estimand to its effects: every row of the question is used, or left out with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from combined_care.contrasts import Oriented
from combined_care.estimands import Estimand, Selection
from combined_care.selection import Candidate, Choice, SelectionRule, choose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from combined_care.rows import Rows

_ROW_COLUMNS = (
    "outcome_detail",
    "instrument",
    "rating",
    "weeks",
    "phase",
    "analysis_set",
    "tier",
    "flags",
    "source_url",
    "source_note",
    "source_kind",
)


class Query:
    """The walk through the rows of one estimand.

    Parameters
    ----------
    rows : Rows
        Outcome rows joined with their trials.
    rule : SelectionRule
        How one effect per trial is chosen.
    estimand : Estimand
        What is asked.
    """

    def __init__(self, rows: Rows, rule: SelectionRule, estimand: Estimand) -> None:
        self.rows = rows
        self.rule = rule
        self.estimand = estimand
        self.measure = estimand.wanted_measure
        self.family = rule.family(estimand.outcome)
        flags = estimand.left_out_flags
        self.flags = rule.left_out_flags if flags is None else flags

    def run(self) -> Selection:
        """Return the chosen effects, their alternatives and what was left out."""
        usable: dict[tuple[str, str], dict[str, list[Candidate]]] = {}
        left_out: list[dict[str, Any]] = []
        for row in self._asked():
            found = self._candidate(row)
            if isinstance(found, str):
                left_out.append(_describe(row, reason=found))
            else:
                cell = usable.setdefault((str(row.trial_id), str(row.comparator)), {})
                cell.setdefault(str(row.outcome), []).append(found)
        chosen, alternatives = self._choose(usable)
        return Selection(
            estimand=self.estimand,
            effects=_frame(chosen, (*_EFFECT_COLUMNS, *self.rows.carried)),
            alternatives=_frame(alternatives, _ALTERNATIVE_COLUMNS),
            left_out=_frame(left_out, _LEFT_OUT_COLUMNS),
        )

    def _asked(self) -> list[Any]:
        asked = self.estimand
        filters = {"outcome": self.family, **asked.trials}
        for column in ("experimental", "comparator", "phase"):
            if values := getattr(asked, column):
                filters[column] = values
        return self.rows.matching(filters, asked.any_of)

    def _candidate(self, row: Any) -> Candidate | str:
        """Return the row's effect, or the reason why it has none in this analysis."""
        if row.duplicate_of:
            return f"the same trial as {row.duplicate_of}, which is used instead"
        if row.same_as_row:
            return f"the same result as row {row.same_as_row}, which is used instead"
        if kind := self.rule.left_out_kind(row, self.estimand.left_out_kinds):
            return f"left out of all claims by its kind of treatment: {kind}"
        if self.estimand.weeks is not None:
            first, last = self.estimand.weeks
            if not first <= row.weeks <= last:
                return f"not measured between week {first:g} and week {last:g}"
        if row.tier not in self.estimand.tiers and row.tier != "D":
            return f"tier {row.tier} is not pooled in this analysis"
        for flag in self.flags:
            if flag in str(row.flags).split("; "):
                return f"left out of the primary analysis by its flag: {flag}"
        effect = self.rows.effect(row, self.measure, self.estimand.variance)
        return Candidate(row, effect) if isinstance(effect, Oriented) else effect.reason

    def _choose(
        self, usable: dict[tuple[str, str], dict[str, list[Candidate]]]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        chosen, alternatives = [], []
        for cell in usable.values():
            outcome = next(name for name in self.family if name in cell)
            choice = choose(
                cell[outcome],
                self.rule,
                measure=self.measure,
                variance=self.estimand.variance,
            )
            chosen.append(_effect_row(choice, self.rows.carried))
            alternatives += [
                _alternative_row(candidate)
                for candidates in cell.values()
                for candidate in candidates
                if candidate.row.row_id not in choice.row_ids
            ]
        return chosen, alternatives


_IDENTITY = ("row_id", "trial_id", "label", "year", "comparator", "outcome")
_EFFECT_COLUMNS = (
    *("trial_id", "label", "year", "comparator", "outcome", "measure", "yi", "vi"),
    *(
        "ci_lb",
        "ci_ub",
        "n_e",
        "n_c",
        "n",
        "rate_c",
        "converted",
        "derived",
        "how",
        "derivation",
        "row_ids",
    ),
    *_ROW_COLUMNS,
)
_ALTERNATIVE_COLUMNS = (
    *_IDENTITY,
    *("measure", "yi", "vi", "converted", "derived", "derivation"),
    *_ROW_COLUMNS,
)
_LEFT_OUT_COLUMNS = (*_IDENTITY, "reason", "favours", *_ROW_COLUMNS, "doi", "pmid")


def _effect_row(choice: Choice, columns: Iterable[str]) -> dict[str, Any]:
    row, effect = choice.lead, choice.effect
    numbers = effect.numbers
    half = float(stats.norm.ppf(0.975)) * float(np.sqrt(effect.vi))
    return {
        **_describe(row),
        **{name: getattr(row, name) for name in columns},
        **_effect_fields(effect),
        "ci_lb": effect.yi - half,
        "ci_ub": effect.yi + half,
        "n_e": numbers.n_e,
        "n_c": numbers.n_c,
        "n": numbers.n_e + numbers.n_c,
        "rate_c": numbers.events_c / numbers.n_c,
        "derived": effect.derived or bool(int(row.derived)),
        "how": choice.how,
        "row_ids": choice.row_ids,
    }


def _alternative_row(candidate: Candidate) -> dict[str, Any]:
    return {**_describe(candidate.row), **_effect_fields(candidate.effect)}


def _effect_fields(effect: Oriented) -> dict[str, Any]:
    names = ("measure", "yi", "vi", "converted", "derived", "derivation")
    return {name: getattr(effect, name) for name in names}


def _describe(row: Any, **more: Any) -> dict[str, Any]:
    names = (*_IDENTITY, *_ROW_COLUMNS, "favours", "doi", "pmid")
    return {name: getattr(row, name) for name in names} | more


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Build a frame in a stable order: year (none last), label, comparator, row."""
    by = [name for name in ("label", "comparator", "trial_id", "row_id") if name in columns]

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        year = float("inf") if pd.isna(row["year"]) else float(row["year"])
        return (year, *(row[name] for name in by))

    ordered = sorted(rows, key=place)
    frame = pd.DataFrame({name: [row[name] for row in ordered] for name in columns})
    frame["year"] = frame["year"].astype("Int64")
    return frame
