"""Put what a reader found together as :class:`ForeignData`; the same for every format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care.foreign.foreign_table import (
    NUMBER_COLUMNS,
    TEXT_COLUMNS,
    TRIAL_COLUMNS,
    ForeignData,
)
from combined_care.foreign.own_effects import sign_remark
from combined_care.foreign.studies import identify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from combined_care.foreign.delimited import DelimitedTable
    from combined_care.problems import Problem

#: Joins the values of a trial of which the file has several.
SEVERAL = " / "
_PLACE = ("trial_id", "label", "year", "lines")
_MORE = tuple(name for name in TRIAL_COLUMNS if name not in _PLACE)


@dataclass(kw_only=True)
class Findings:
    """What a reader has found so far.

    Attributes
    ----------
    contrasts : list of dict
        Cells of our outcome and trial tables, with ``label`` and ``lines``.
    own : list of mapping
        For each contrast the file's further columns, as text.
    unused : list of (int, str, str)
        Line, study and reason of each row that stands in no contrast.
    problems : list of Problem
        Cells that are no numbers.
    remarks : list of str
        What a reader should know of single rows.
    """

    contrasts: list[dict[str, float | str]] = field(default_factory=list)
    own: list[Mapping[str, str]] = field(default_factory=list)
    unused: list[tuple[int, str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def assembled(table: DelimitedTable, found: Findings, format_name: str) -> ForeignData:
    """Give every study its identifier and lay the findings out as frames."""
    broken = [(line, "", reason) for line, reason in table.broken]
    unused = pd.DataFrame(sorted([*found.unused, *broken]), columns=["line", "study", "reason"])
    labels = [(str(c["label"]), str(c.get("year", ""))) for c in found.contrasts]
    ids, alike = identify(labels)
    rows = _rows(found, [ids[label] for label, _ in labels])
    return ForeignData(
        path=str(table.path),
        format=format_name,
        sha256=table.sha256,
        n_rows=len(table.cells) + len(table.broken),
        rows=rows,
        trials=_trials(rows),
        unused=unused,
        table=table.cells,
        remarks=(*table.remarks, *_cells_remark(found), *found.remarks, *alike, *sign_remark(rows)),
        problems=tuple(found.problems),
    )


def _cells_remark(found: Findings) -> list[str]:
    n = len(found.problems)
    is_are = "cell is no number" if n == 1 else "cells are no numbers"
    return [f"{n} {is_are} where one belongs; problems lists them"] if n else []


def _rows(found: Findings, ids: Sequence[str]) -> pd.DataFrame:
    texts = (*_PLACE, *TEXT_COLUMNS, *_MORE)
    cells = [{**c, "trial_id": i} for c, i in zip(found.contrasts, ids, strict=True)]
    frame = pd.DataFrame({n: [str(c.get(n, "")) for c in cells] for n in texts}, dtype=str)
    numbers = pd.DataFrame(
        {n: [float(c.get(n, np.nan)) for c in cells] for n in NUMBER_COLUMNS}, dtype=np.float64
    )
    names = dict.fromkeys(name for one in found.own for name in one)
    taken = {*texts, *NUMBER_COLUMNS}
    own = pd.DataFrame(
        {f"{n} (file)" if n in taken else n: [one.get(n, "") for one in found.own] for n in names},
        dtype=str,
    )
    ours = [*_PLACE, *TEXT_COLUMNS]
    return pd.concat([frame[ours], numbers, frame[list(_MORE)], own], axis=1)


def _trials(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep, of each study, what is one value in every study; several values of ours are joined."""
    theirs = list(rows.columns[len(_PLACE) + len(TEXT_COLUMNS) + len(NUMBER_COLUMNS) :])
    columns = ["label", "year", *theirs]
    values: dict[str, dict[str, dict[str, None]]] = {}
    cells = rows[["trial_id", *columns]].itertuples(index=False, name=None)
    for trial, *own in cells:
        seen = values.setdefault(trial, {name: {} for name in columns})
        for name, value in zip(columns, own, strict=True):
            seen[name][value] = None
    kept = [name for name in columns if _belongs(name, list(values.values()))]
    return pd.DataFrame(
        [[trial, *(SEVERAL.join(filter(None, seen[n])) for n in kept)]
         for trial, seen in values.items()],
        columns=["trial_id", *kept],
        dtype=str,
    )  # fmt: skip


def _belongs(name: str, trials: Sequence[Mapping[str, Mapping[str, None]]]) -> bool:
    """Tell whether a column is about trials: ours if it is filled, theirs if it never varies."""
    if name in TRIAL_COLUMNS:
        return name in _PLACE or any(any(seen[name]) for seen in trials)
    return all(len(seen[name]) == 1 for seen in trials)
