"""What differs between two versions of a table of text: rows added, removed, and changed cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from combined_care.results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

#: How many rows a sentence names, and how many characters of a cell it shows.
_LISTED, _SHOWN = 8, 60


@dataclass(frozen=True, eq=False, kw_only=True)
class CellChange(Result):
    """One cell that an import changes."""

    caption: ClassVar[str] = "Changed cell"

    row: str
    column: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.row}: {self.column} '{_short(self.before)}' -> '{_short(self.after)}'"


@dataclass(frozen=True, eq=False, kw_only=True)
class TableChange(Result):
    """What an import changes in one table.

    Attributes
    ----------
    table : str
        Name of the table.
    added, removed : tuple of str
        Keys of rows that are new, or gone; the parts of a key are joined by `` / ``.
    changed : tuple of CellChange
        Cells of rows that stand in both.
    reordered : bool
        Whether the rows that stand in both come in another order.
    """

    caption: ClassVar[str] = "Change of one table"

    table: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[CellChange, ...]
    reordered: bool

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.reordered)

    def __str__(self) -> str:
        parts = [
            _counted(self.added, "row added", "rows added"),
            _counted(self.removed, "row removed", "rows removed"),
            _counted([str(c) for c in self.changed], "cell changed", "cells changed"),
            "rows in another order" if self.reordered else "",
        ]
        return f"{self.table}: " + ("; ".join(filter(None, parts)) or "nothing changed")


def compare_tables(
    name: str, key: Sequence[str], old: pd.DataFrame, new: pd.DataFrame
) -> TableChange:
    """Compare two versions of a table row by key and cell by cell.

    Parameters
    ----------
    name : str
        Name of the table.
    key : sequence of str
        Columns that identify a row.
    old, new : pandas.DataFrame of str
        The two versions; a column that only one of them has is empty in the other.

    Returns
    -------
    TableChange
        Rows in the order of the version that has them, cells in the order of `new`.

    Examples
    --------
    >>> import pandas as pd
    >>> old = pd.DataFrame({"id": ["a", "b"], "n": ["10", "20"]})
    >>> new = pd.DataFrame({"id": ["b", "c"], "n": ["25", "30"]})
    >>> print(compare_tables("arms", ["id"], old, new))
    arms: 1 row added (c); 1 row removed (a); 1 cell changed (b: n '20' -> '25')
    """
    columns = list(dict.fromkeys([*new.columns, *old.columns]))
    old, new = (frame.reindex(columns=columns, fill_value="") for frame in (old, new))
    keys_before, keys_after = _keys(old, key), _keys(new, key)
    before = dict(zip(keys_before, old.to_dict("records"), strict=True))
    after = dict(zip(keys_after, new.to_dict("records"), strict=True))
    changed = [
        CellChange(row=row, column=column, before=before[row][column], after=after[row][column])
        for row in after
        if row in before
        for column in columns
        if before[row][column] != after[row][column]
    ]
    kept = [row for row in keys_before if row in after]
    return TableChange(
        table=name,
        added=tuple(row for row in after if row not in before),
        removed=tuple(row for row in before if row not in after),
        changed=tuple(changed),
        reordered=kept != [row for row in keys_after if row in before],
    )


def _keys(frame: pd.DataFrame, key: Sequence[str]) -> list[str]:
    rows = frame[list(key)].itertuples(index=False, name=None)
    return [" / ".join(str(part) for part in row) for row in rows]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _counted(items: Sequence[str], one: str, many: str) -> str:
    """Name the first few of `items` and say how many there are."""
    if not items:
        return ""
    shown = "; ".join(items[:_LISTED]) + ("; …" if len(items) > _LISTED else "")
    return f"{len(items)} {one if len(items) == 1 else many} ({shown})"
