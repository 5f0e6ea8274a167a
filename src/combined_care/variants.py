"""The effects that the trials of one analysis have under every combination of choices."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care.cell_effects import NONE, Cell, Readings, combinations, usable_rows
from combined_care.choices import left_out_flags
from combined_care.contrasts import Oriented
from combined_care.query import Query
from combined_care.selection import Candidate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.choices import Choices, Dimension
    from combined_care.claims import Analysis
    from combined_care.effects import SmdVariance
    from combined_care.evidence import Evidence
    from combined_care.results import FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Variants:
    """All effects of an analysis, and which of them a specification uses.

    A *cell* is a trial and a comparator, in the order in which the evidence lists them.

    Attributes
    ----------
    analysis : Analysis
        The analysis.
    choices : Choices
        The choices, with the primary options of the claim.
    trial : tuple of str
        Trial of each cell.
    level : numpy.ndarray of shape (C,)
        Level of the moderator; empty words where the analysis has none.
    yi, vi, n_e, n_c, rate_c : numpy.ndarray of shape (m,)
        The distinct effects of all cells: effect, sampling variance, people per arm and event rate
        of the comparator arm; nan where not reported.
    table : numpy.ndarray of shape (C, rows, readings)
        Position of a cell's effect for each combination of the choices that decide which rows are
        usable, and of those that decide how they are read; -1 where there is none.
    allowed : dict
        Choice id -> array of shape (C, options): whether an option lets a cell in.
    rank : numpy.ndarray of shape (C,)
        A cell gives way to one of the same trial with a lower rank.
    """

    analysis: Analysis
    choices: Choices
    trial: tuple[str, ...]
    level: npt.NDArray[Any]
    yi: FloatArray
    vi: FloatArray
    n_e: FloatArray
    n_c: FloatArray
    rate_c: FloatArray
    table: npt.NDArray[np.int32]
    allowed: dict[str, npt.NDArray[np.bool_]]
    rank: npt.NDArray[np.int8]

    @property
    def most_trials(self) -> int:
        """Number of trials with an effect under some choice."""
        return len({t for t, cell in zip(self.trial, self.table, strict=True) if cell.max() >= 0})

    def without_table(self) -> Variants:
        """Return a copy that knows its effects, but no longer which choice asks for which."""
        return replace(self, table=self.table[:, :0])

    def positions(
        self, codes: npt.NDArray[np.int8], left_out: Sequence[str] | np.ndarray
    ) -> np.ndarray:
        """Return which effect each cell contributes to each specification.

        Parameters
        ----------
        codes : numpy.ndarray of shape (n, D)
            Options by position, one column a choice.
        left_out : sequence of str of length n
            Trial left out, or "".

        Returns
        -------
        numpy.ndarray of shape (n, C)
            Positions in ``yi``; -1 where a cell contributes nothing.
        """
        own = self.own(codes)
        rows = _flat(self.choices, "rows", own)
        readings = _flat(self.choices, "reading", own)
        found = self.table[:, rows, readings].T.copy()
        for at, dimension in enumerate(self.choices):
            if dimension.id in self.allowed:
                found[~self.allowed[dimension.id][:, own[:, at]].T] = NONE
        self._keep_first(found)
        gone = np.array(left_out, dtype=object)
        for cell, trial in enumerate(self.trial):
            found[gone == trial, cell] = NONE
        return found

    def count_trials(
        self, positions: np.ndarray
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the number of trials of data sets (n, C), and whether one stands there twice."""
        present = positions >= 0
        k = present.sum(axis=1)
        more = np.zeros(len(positions), dtype=np.intp)
        for cells in _cells_of_trials(self.trial):
            if len(cells) > 1:
                more += np.maximum(present[:, cells].sum(axis=1) - 1, 0)
        return k - more, more > 0

    def makes_a_difference(self, dimension: Dimension) -> bool:
        """Tell whether any option of a choice can change this analysis."""
        if not dimension.applies(self.analysis) or not self.trial:
            return False
        match dimension.part:
            case "fit":
                fewest = 2
                if any(dimension.changes("adjustment")):
                    fewest = self.choices.min_trials_for_adjustment
                return self.most_trials >= fewest
            case "trials":
                here = self.table.max(axis=(1, 2)) >= 0
                allowed = self.allowed[dimension.id][here]
                return bool((allowed != allowed[:, :1]).any())
        return self._table_differs(dimension)

    def _table_differs(self, dimension: Dimension) -> bool:
        parts = [[d for d in self.choices if d.part == part] for part in ("rows", "reading")]
        shaped = self.table.reshape(-1, *(len(d.options) for part in parts for d in part))
        axis = 1 + [d.id for part in parts for d in part].index(dimension.id)
        return bool((shaped != shaped.take([0], axis=axis)).any())

    def own(self, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """Return `codes`, with choices that this analysis does not make at the primary option."""
        own = codes.copy()
        for at, dimension in enumerate(self.choices):
            if not dimension.applies(self.analysis):
                own[:, at] = dimension.primary
        return own

    def _keep_first(self, found: np.ndarray) -> None:
        """Let a trial's other comparators in only where its first choice is missing."""
        for cells in _cells_of_trials(self.trial):
            for rank in sorted(set(self.rank[cells].tolist()) - {0}):
                later = cells[self.rank[cells] == rank]
                before = cells[self.rank[cells] < rank]
                taken = (found[:, before] >= 0).any(axis=1)
                found[np.ix_(taken, later)] = NONE


def _cells_of_trials(trial: Sequence[str]) -> list[np.ndarray]:
    cells: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(trial):
        cells[name].append(at)
    return [np.array(found) for found in cells.values()]


def _flat(choices: Choices, part: str, codes: npt.NDArray[np.int8]) -> np.ndarray:
    """Return the number of each combination of one part; the last choice runs fastest."""
    flat = np.zeros(len(codes), dtype=np.intp)
    for at, dimension in enumerate(choices):
        if dimension.part == part:
            flat = flat * len(dimension.options) + codes[:, at]
    return flat


def variants(analysis: Analysis, choices: Choices, evidence: Evidence) -> Variants:
    """Compute every effect that the trials of an analysis can have.

    Parameters
    ----------
    analysis : Analysis
        The analysis.
    choices : Choices
        With the primary options of the claim.
    evidence : Evidence
        The evidence.

    Returns
    -------
    Variants

    Raises
    ------
    InputError
        If the moderator is a property of single results instead of trials or comparators.

    Notes
    -----
    Rows are chosen and merged by :mod:`combined_care.selection`, with another order of criteria
    where a choice asks for it. Where every instrument is used, each contributes the result that
    the rule chooses among its own, and these are averaged.
    """
    cells = sorted(_Broad(analysis, choices, evidence).cells(), key=Cell.order)
    extras = [c for d in choices if d.applies(analysis) for c in _said(d, "comparator")]
    readings = Readings.of(choices, evidence.rule)
    flat: list[tuple[float, ...]] = []
    changes = combinations(choices, "rows")
    shape = (len(cells), len(changes), readings.places[0].size)
    table = np.full(shape, NONE, dtype=np.int32)
    for at, cell in enumerate(cells):
        local, effects = cell.effects(usable_rows(cell.rows, changes), readings)
        table[at] = np.where(local >= 0, local + len(flat), NONE)
        flat += effects
    columns = np.array(flat, dtype=float).reshape(-1, 5).T
    return Variants(
        analysis=analysis,
        choices=choices,
        trial=tuple(cell.trial for cell in cells),
        level=np.array([cell.value(analysis.moderator) for cell in cells], dtype=object),
        **dict(zip(("yi", "vi", "n_e", "n_c", "rate_c"), columns, strict=True)),
        table=table,
        allowed={d.id: _allowed(d, cells) for d in choices if d.part == "trials"},
        rank=np.array([1 + extras.index(c.comparator) if c.comparator in extras else 0
                       for c in cells], dtype=np.int8),
    )  # fmt: skip


def _allowed(dimension: Dimension, cells: Sequence[Cell]) -> npt.NDArray[np.bool_]:
    extras = _said(dimension, "comparator")
    allowed = np.ones((len(cells), len(dimension.options)), dtype=bool)
    for at, cell in enumerate(cells):
        for position, option in enumerate(dimension.options):
            wanted = option.change.get("trials", {}).items()
            allowed[at, position] = all(cell.value(name) in values for name, values in wanted)
            if cell.comparator in extras:
                allowed[at, position] &= option.change.get("comparator") == cell.comparator
    return allowed


def _said(dimension: Dimension, word: str) -> list[Any]:
    """Return what the options say about a word, without those that say nothing."""
    return [value for value in dimension.changes(word) if value]


class _Broad(Query):
    """The walk through every row that some choice lets into an analysis."""

    def __init__(self, analysis: Analysis, choices: Choices, evidence: Evidence) -> None:
        own = analysis.estimand
        applied = [d for d in choices if d.applies(analysis)]
        extras = tuple(name for d in applied for name in _said(d, "comparator"))
        choosable = {f for d in choices for flags in _said(d, "leave_out_flags") for f in flags}
        stated = left_out_flags(analysis, evidence.rule)
        estimand = replace(
            own,
            comparator=(*own.comparator, *extras) if own.comparator else (),
            tiers="".join(sorted({t for d in choices for t in "".join(_said(d, "tiers"))})),
            left_out_flags=tuple(flag for flag in stated if flag not in choosable),
        )
        super().__init__(evidence.rows, evidence.rule, estimand)
        self.variances = [name for d in choices for name in _said(d, "variance")]

    def cells(self) -> list[Cell]:
        """Return the trials and comparators with usable rows."""
        found: dict[tuple[str, str], Cell] = {}
        for row in self._asked():
            first = self._candidate(row)
            if isinstance(first, Candidate):
                key = (str(row.trial_id), str(row.comparator))
                cell = found.setdefault(key, Cell(*key, [], [], self.family, self.estimand))
                cell.rows.append(row)
                cell.by_variance.append(self._effects(row, first.effect))
        return list(found.values())

    def _effects(self, row: Any, first: Oriented) -> dict[SmdVariance, Oriented]:
        """Return the row's effect under each formula of the variance."""
        if first.measure != "SMD":
            return dict.fromkeys(self.variances, first)
        found = {name: self.rows.effect(row, "SMD", name) for name in self.variances}
        return {name: x for name, x in found.items() if isinstance(x, Oriented)}
