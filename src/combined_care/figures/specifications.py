"""The specifications of a multiverse, sorted and put into bins for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from combined_care.errors import InputError
from combined_care.figures.columns import floats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from combined_care.results import FloatArray

Shown = Literal["estimate", "pval"]
Part = Literal["middle", "least", "most"]
_TAKE: dict[Part, Callable[[FloatArray], Any]] = {
    "middle": np.median,
    "least": np.min,
    "most": np.max,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of the analyst.

    Attributes
    ----------
    column : str
        Column of the table that holds the option taken.
    title : str
        Name of the decision for readers.
    options : dict
        Value in the column -> name for readers, in the order to show them.
    """

    column: str
    title: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Curve:
    """Specifications with a result, in ascending order of what is shown.

    Attributes
    ----------
    table : pandas.DataFrame
        The sorted rows.
    without : int
        Specifications that give no number; they are counted, not drawn.
    shown : {"estimate", "pval"}
        What they are sorted by.
    """

    table: pd.DataFrame
    without: int
    shown: Shown

    @property
    def size(self) -> int:
        """Number of specifications drawn."""
        return len(self.table)

    @property
    def values(self) -> FloatArray:
        """What is shown of each, ascending."""
        return self.table[self.shown].to_numpy(float)

    @property
    def primary(self) -> int | None:
        """Place of the primary specification; None when it has no number."""
        found = np.flatnonzero(self.table["is_primary"].to_numpy(bool))
        return int(found[0]) if found.size else None

    def edges(self, most: int) -> FloatArray:
        """Return the edges of at most `most` bins of neighbours, as places in the order."""
        return np.linspace(0.0, self.size, min(self.size, most) + 1).round()

    def by_bin(self, column: str, most: int, how: Part) -> FloatArray:
        """Return one number for each bin: that of its middle row, its least or its largest."""
        values = self.table[column].to_numpy(float)
        take = _TAKE[how]
        edges = self.edges(most).astype(int)
        return np.array([take(values[start:end]) for start, end in pairwise(edges)], dtype=float)

    def share(self, column: str, option: str, most: int) -> FloatArray:
        """Return which part of each bin takes an option."""
        taken = np.concatenate([[0.0], np.cumsum(self.table[column].astype(str) == option)])
        edges = self.edges(most).astype(int)
        return np.asarray(np.diff(taken[edges]) / np.diff(edges), dtype=float)

    def count(self, column: str, option: str) -> int:
        """Return how many specifications take an option."""
        return int((self.table[column].astype(str) == option).sum())


def curve_of(table: pd.DataFrame, choices: Sequence[Choice], shown: Shown) -> Curve:
    """Sort the specifications that have a number by it; ties keep their order.

    Raises
    ------
    InputError
        If a column is missing, an option has no name, or no specification has a number.
    """
    wanted = ["is_primary", shown, *(["ci_lb", "ci_ub"] if shown == "estimate" else [])]
    problems = [
        f"no column {name!r}"
        for name in [*wanted, *(choice.column for choice in choices)]
        if name not in table
    ]
    if not problems:
        problems = [line for choice in choices for line in _unnamed(table, choice)]
    if problems:
        message = f"table of specifications: {'; '.join(problems)}"
        raise InputError(message)
    numbers = {name: floats(table[name]) for name in wanted if name != "is_primary"}
    frame = table.assign(**numbers)
    known = frame[frame[list(numbers)].notna().all(axis=1)]
    if known.empty:
        message = "no specification has a number: there is no curve to draw"
        raise InputError(message)
    ordered = known.sort_values(shown, kind="stable").reset_index(drop=True)
    return Curve(ordered, len(table) - len(known), shown)


def _unnamed(table: pd.DataFrame, choice: Choice) -> list[str]:
    found = dict.fromkeys(table[choice.column].astype(str))
    return [
        f"{choice.column} holds {value!r}, which has no name"
        for value in found
        if value not in choice.options
    ]
