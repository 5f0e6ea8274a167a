"""The effects of one trial against one comparator under every reading of its rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from combined_care.errors import InputError
from combined_care.selection import Candidate, Choice, average, best, choose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from combined_care.choices import Choices
    from combined_care.contrasts import Oriented
    from combined_care.effects import SmdVariance
    from combined_care.estimands import Estimand
    from combined_care.selection import SelectionRule

#: Position of an effect where there is none.
NONE = -1
_NAN = float("nan")
_Positions = tuple[int, ...]


def combinations(choices: Choices, part: str) -> list[dict[str, Any]]:
    """Return what each combination of the choices of one part changes, all put together."""
    dimensions = [d for d in choices if d.part == part]
    return [
        _together(option.change for option in options)
        for options in product(*(d.options for d in dimensions))
    ]


def _together(changes: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"leave_out_flags": set(), "rank": {}}
    for change in changes:
        for word, value in change.items():
            if word in ("leave_out_flags", "rank"):
                found[word] |= set(value) if word == "leave_out_flags" else value
            else:
                found[word] = value
    return found


@dataclass(frozen=True)
class Readings:
    """Every way in which usable rows become one effect.

    Attributes
    ----------
    rules : tuple
        Distinct (selection rule, whether every instrument is used).
    correlations, variances : tuple
        Distinct values.
    places : tuple of numpy.ndarray
        Which rule, correlation and variance each combination of choices has.
    """

    rules: tuple[tuple[SelectionRule, bool], ...]
    correlations: tuple[float, ...]
    variances: tuple[SmdVariance, ...]
    places: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, choices: Choices, rule: SelectionRule) -> Readings:
        """Gather the readings that the choices allow, starting from the selection rule."""
        changes = combinations(choices, "reading")
        orders = [(c["rank"], c.get("every_instrument", False)) for c in changes]
        columns = (orders, *([c[name] for c in changes] for name in ("correlation", "variance")))
        distinct = [[v for i, v in enumerate(values) if v not in values[:i]] for values in columns]
        places = (
            np.array([found.index(v) for v in values])
            for found, values in zip(distinct, columns, strict=True)
        )
        rules = ((_with_rank(rule, rank), every) for rank, every in distinct[0])
        return cls(tuple(rules), tuple(distinct[1]), tuple(distinct[2]), tuple(places))

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of correlations and variances."""
        return len(self.correlations), len(self.variances)


def _with_rank(rule: SelectionRule, orders: Mapping[str, Sequence[str]]) -> SelectionRule:
    """Change the order of some criteria of a rule."""
    new = {column: tuple(order) for column, order in orders.items()}
    return replace(
        rule, rank=tuple(replace(r, order=new.get(r.column, r.order)) for r in rule.rank)
    )


@dataclass(frozen=True)
class Cell:
    """The usable rows of one trial and comparator."""

    trial: str
    comparator: str
    rows: list[Any]
    by_variance: list[Mapping[SmdVariance, Oriented]]
    family: tuple[str, ...]
    estimand: Estimand

    def order(self) -> tuple[Any, ...]:
        """Return the place among the cells: that of the evidence's own listing."""
        row = self.rows[0]
        missing = bool(pd.isna(row.year))
        return missing, 0 if missing else int(row.year), row.label, self.comparator, self.trial

    def value(self, column: str) -> Any:
        """Return what all rows hold in `column`; "" for no column."""
        if not column:
            return ""
        values = {str(v): v for v in (getattr(row, column) for row in self.rows)}
        if len(values) > 1:
            message = (
                f"{column!r} is not a property of trials: rows of {self.trial} against "
                f"{self.comparator} hold {', '.join(sorted(values))}"
            )
            raise InputError(message)
        return next(iter(values.values()))

    def effects(
        self, usable: np.ndarray, readings: Readings
    ) -> tuple[np.ndarray, list[tuple[float, ...]]]:
        """Return the positions of the effects, and the distinct effects.

        `usable` has shape (rows, combinations); the positions (combinations, readings).
        """
        effects = _Distinct()
        blocks: dict[Any, np.ndarray] = {}
        sets, place = np.unique(usable, axis=1, return_inverse=True)
        table = np.full((sets.shape[1], readings.places[0].size), NONE, dtype=np.int32)
        for at, members in enumerate(sets.T):
            subset = self._preferred(np.flatnonzero(members).tolist())
            if subset:
                tops = [self._tops(subset, *rule) for rule in readings.rules]
                for rows, (rule, _) in zip(tops, readings.rules, strict=True):
                    if rows not in blocks:
                        blocks[rows] = self._block(rows, rule, readings, effects)
                table[at] = np.array([blocks[rows] for rows in tops])[readings.places]
        return table[place.ravel()], list(effects.positions)

    def _preferred(self, usable: list[int]) -> _Positions:
        """Return the usable rows of the preferred outcome."""
        outcomes = {self.rows[at].outcome for at in usable}
        preferred = next((name for name in self.family if name in outcomes), None)
        return tuple(at for at in usable if self.rows[at].outcome == preferred)

    def _tops(
        self, subset: _Positions, rule: SelectionRule, every_instrument: bool
    ) -> tuple[_Positions, ...]:
        """Return the rows that are used, by instrument where every instrument is."""
        groups: dict[str, list[int]] = defaultdict(list)
        for at in subset:
            groups[self.rows[at].instrument.casefold() if every_instrument else ""].append(at)
        return tuple(self._best(group, rule) for group in groups.values())

    def _best(self, group: list[int], rule: SelectionRule) -> _Positions:
        if len(group) == 1:
            return (group[0],)
        place = {self.rows[at].row_id: at for at in group}
        found = best(self._candidates(group, next(iter(self.by_variance[group[0]]))), rule)
        return tuple(place[candidate.row.row_id] for candidate in found)

    def _block(
        self,
        tops: tuple[_Positions, ...],
        rule: SelectionRule,
        readings: Readings,
        effects: _Distinct,
    ) -> np.ndarray:
        """Return the positions of the effect of some rows by correlation and variance."""
        block = np.empty(readings.shape, dtype=np.int32)
        for j, variance in enumerate(readings.variances):
            for i, correlation in enumerate(readings.correlations):
                changed = replace(rule, correlation=correlation)
                effect, is_averaged = self._effect(tops, changed, variance)
                block[i:, j] = effects.position(effect)
                if not is_averaged:
                    break
        return block

    def _candidates(self, rows: Iterable[int], variance: SmdVariance) -> list[Candidate]:
        return [Candidate(self.rows[at], self.by_variance[at][variance]) for at in rows]

    def _effect(
        self, tops: tuple[_Positions, ...], rule: SelectionRule, variance: SmdVariance
    ) -> tuple[Oriented, bool]:
        """Return one effect of all `tops`, and whether results were averaged for it."""
        chosen = [self._chosen(top, rule, variance) for top in tops]
        if len(chosen) == 1:
            return chosen[0].effect, chosen[0].how == "averaged"
        return average([Candidate(c.lead, c.effect) for c in chosen], rule.correlation), True

    def _chosen(self, top: _Positions, rule: SelectionRule, variance: SmdVariance) -> Choice:
        found = self._candidates(top, variance)
        if len(found) == 1:
            return Choice(found[0].effect, found[0].row, (found[0].row.row_id,), "row")
        return choose(found, rule, measure=self.estimand.wanted_measure, variance=variance)


class _Distinct:
    """Distinct effects, numbered as they come."""

    def __init__(self) -> None:
        self.positions: dict[tuple[float, ...], int] = {}

    def position(self, effect: Oriented) -> int:
        """Return the number of an effect; nan, which equals nothing, is one object here."""
        n = effect.numbers
        values = (effect.yi, effect.vi, n.n_e, n.n_c, n.events_c / n.n_c)
        numbers = tuple(_NAN if np.isnan(x) else float(x) for x in values)
        return self.positions.setdefault(numbers, len(self.positions))


def usable_rows(rows: Sequence[Any], changes: Sequence[dict[str, Any]]) -> np.ndarray:
    """Return which rows each combination of choices lets in, shape (rows, combinations)."""
    return np.array([[_passes(row, change) for change in changes] for row in rows])


def _passes(row: Any, change: dict[str, Any]) -> bool:
    """Tell whether a combination of choices lets a row in."""
    return (
        row.tier in change["tiers"]
        and not change["leave_out_flags"].intersection(str(row.flags).split("; "))
        and not (change.get("leave_out_derived", False) and row.derived == 1)
        and row.outcome in change.get("outcomes", (row.outcome,))
    )
