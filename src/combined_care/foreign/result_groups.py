"""The result of one contrast: which group of numbers a row reports whole, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: What a number of our outcome table must satisfy, in words and as a test.
BOUNDS: Mapping[str, tuple[str, Callable[[float], bool]]] = {
    **{f"sd_{arm}": ("above 0", lambda x: x > 0) for arm in "ec"},
    **{f"n_{arm}": ("a whole number of at least 2", lambda x: x >= 2 and x == round(x))
       for arm in "ec"},
    **{f"events_{arm}": ("a whole number of at least 0", lambda x: x >= 0 and x == round(x))
       for arm in "ec"},
    "se": ("above 0", lambda x: x > 0),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ResultGroup:
    """One way in which a row may report its result.

    Attributes
    ----------
    columns : mapping of str to str
        Our column -> the file's column; all of them are needed.
    also : mapping of str to str
        Further columns that are taken where they are reported.
    fixed : mapping of str to str
        Cells that such a result has, e.g. ``tier``, ``effect_measure``, ``flags``.
    convert : callable, optional
        Makes the cells of our table from the file's numbers, where they are not the same.
    """

    columns: Mapping[str, str]
    also: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    convert: Callable[[dict[str, float]], dict[str, float]] | None = None


def first_whole(
    groups: Iterable[ResultGroup], values: Mapping[str, float], wrong: Mapping[str, str]
) -> tuple[dict[str, float | str], list[str]]:
    """Take the first group that a row reports whole and within bounds.

    Parameters
    ----------
    groups : iterable of ResultGroup
        In the order of precedence.
    values : mapping of str to float
        The row's numbers by the file's columns; nan where nothing is reported.
    wrong : mapping of str to str
        Columns whose cell is no number, with the words for it.

    Returns
    -------
    cells : dict
        Cells of our outcome table; empty when no group is whole.
    reasons : list of str
        Everything that keeps the groups, of which something is reported, from being used.
    """
    reasons: list[str] = []
    for group in groups:
        found, why = _taken(group, values, wrong)
        if found:
            return found, []
        reasons += why
    return {}, list(dict.fromkeys(reasons)) or ["no results are reported"]


def count_whole(groups: Iterable[ResultGroup], values: Mapping[str, float]) -> int:
    """Count the groups of which a row reports every number."""
    return sum(
        not any(np.isnan(values.get(name, np.nan)) for name in group.columns.values())
        for group in groups
    )


def _taken(
    group: ResultGroup, values: Mapping[str, float], wrong: Mapping[str, str]
) -> tuple[dict[str, float | str], list[str]]:
    theirs = list(group.columns.values())
    bad = [wrong[name] for name in theirs if name in wrong]
    given = [name for name in theirs if not np.isnan(values.get(name, np.nan))]
    if not given and not bad:
        return {}, []
    lacking = [name for name in theirs if name not in given and name not in wrong]
    if lacking or bad:
        return {}, bad + ([_incomplete(given, lacking)] if lacking and given else [])
    cells = {ours: values[name] for ours, name in group.columns.items()}
    outside = _outside(group, cells)
    if outside:
        return {}, outside
    more = {ours: values.get(name, np.nan) for ours, name in group.also.items()}
    cells |= {ours: number for ours, number in more.items() if _within(ours, number)}
    if group.convert is not None:
        cells = group.convert(cells)
    return {**cells, **group.fixed}, []


def ratio_from_log(cells: dict[str, float]) -> dict[str, float]:
    """Turn a log ratio into the ratio; its standard error stays that of the log."""
    return cells | {"effect": float(np.exp(cells["effect"]))}


def _incomplete(given: Sequence[str], lacking: Sequence[str]) -> str:
    return f"{', '.join(given)} without {', '.join(lacking)}"


def _within(ours: str, number: float) -> bool:
    return not np.isnan(number) and (ours not in BOUNDS or BOUNDS[ours][1](number))


def _outside(group: ResultGroup, cells: Mapping[str, float]) -> list[str]:
    found = [
        f"{theirs} is {cells[ours]:g}, expected {BOUNDS[ours][0]}"
        for ours, theirs in group.columns.items()
        if not _within(ours, cells[ours])
    ]
    for arm in "ec":
        events, n = f"events_{arm}", f"n_{arm}"
        if events in cells and cells[events] > cells[n]:
            theirs = group.columns
            found.append(f"{theirs[events]} ({cells[events]:g}) exceeds {theirs[n]} ({cells[n]:g})")
    return found
