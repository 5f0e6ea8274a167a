"""Trials in groups, each with its pooled effect where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from combined_care.errors import InputError
from combined_care.figures.columns import records
from combined_care.figures.style import effect_text, symbol
from combined_care.results import Absent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@dataclass(frozen=True, slots=True)
class Group:
    """Trials that are shown together.

    Attributes
    ----------
    title : str
        Heading; empty when there is only one group.
    rows : tuple of int
        Positions of its trials in the frame.
    pooled : tuple or Absent
        Estimate and the two ends of its interval (each may be absent).
    """

    title: str
    rows: tuple[int, ...]
    pooled: tuple[float, object, object] | Absent

    @property
    def counted(self) -> str:
        """The number of trials in words."""
        return "1 trial" if len(self.rows) == 1 else f"{len(self.rows)} trials"

    def result(self, measure: str) -> str:
        """Write the pooled effect, or that there is none."""
        if isinstance(self.pooled, Absent):
            return self.pooled.reason
        estimate, lower, upper = self.pooled
        return f"{symbol(measure)} {effect_text(estimate, (lower, upper), measure)}"


def grouped(
    effects: pd.DataFrame,
    by: str | None,
    levels: pd.DataFrame | None,
    titles: Mapping[str, str] | None = None,
) -> list[Group]:
    """Split trials by a column, in the order of their pooled levels.

    Parameters
    ----------
    effects : pandas.DataFrame
        One row a trial, numbered from 0.
    by : str, optional
        The column; None keeps all together.
    levels : pandas.DataFrame, optional
        ``name, estimate, ci_lb, ci_ub``, one row a level.
    titles : dict, optional
        Name of each level for readers; without it blanks take the place of underscores.

    Raises
    ------
    InputError
        If `levels` is given without `by`, or the column does not exist.
    """
    if by is None:
        if levels is not None:
            message = "levels are given without by: name the column that holds them"
            raise InputError(message)
        return [Group("", tuple(range(len(effects))), Absent("not grouped"))]
    if by not in effects:
        message = f"effects has no column {by!r} to group by; it has {', '.join(effects.columns)}"
        raise InputError(message)
    values = effects[by].astype(str)
    found = {} if levels is None else {str(row.name): row for row in records(levels)}
    order = [*found, *dict.fromkeys(values[~values.isin(list(found))])]
    groups = []
    for name in order:
        rows = tuple(int(position) for position in effects.index[values == name])
        row = found.get(name)
        pooled = Absent("not pooled") if row is None else (row.estimate, row.ci_lb, row.ci_ub)
        groups.append(Group(_title(name, titles or {}), rows, pooled))
    return groups


def _title(name: str, titles: Mapping[str, str]) -> str:
    words = titles.get(name, name.replace("_", " ")) or "not recorded"
    return words[0].upper() + words[1:]
