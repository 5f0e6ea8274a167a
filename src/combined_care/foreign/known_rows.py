"""Which contrasts a project has already, whatever their number and source are called."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

#: Columns that do not tell whether a row is there already: its number, and where it came from.
_NOT_COMPARED = frozenset({"row_id", "source_note", "source_url", "source_kind", "flags"})
_MEANS = tuple((f"mean_{arm}", f"sd_{arm}", f"n_{arm}") for arm in "ec")


class KnownRows:
    """The outcome rows that a project has.

    Parameters
    ----------
    outcomes : pandas.DataFrame of str
        Cells of the project's outcome table.
    same_file : bool
        Whether the project keeps the very file from which rows shall come: then a row is known
        by its line in that file too, even if somebody has corrected its numbers since.
    """

    def __init__(self, outcomes: pd.DataFrame, *, same_file: bool) -> None:
        self._same_file = same_file
        self._by_content: dict[tuple[object, ...], str] = {}
        self._by_line: dict[tuple[str, str], str] = {}
        for record in records_of(outcomes):
            self._by_content.setdefault(_content(record), record["row_id"])
            self._by_line.setdefault(_place(record), record["row_id"])

    def find(self, cells: Mapping[str, str]) -> str | None:
        """Return the identifier of the row that says the same, None when there is none.

        Notes
        -----
        The same means, standard deviations and numbers of both arms, in either order, are the
        same result of a trial, whatever the words beside them; other rows must agree in
        everything but number and source.
        """
        if self._same_file and _place(cells) in self._by_line and cells.get("source_note"):
            return self._by_line[_place(cells)]
        return self._by_content.get(_content(cells))


def _place(cells: Mapping[str, str]) -> tuple[str, str]:
    return cells["trial_id"], cells.get("source_note", "").partition(";")[0]


def _content(cells: Mapping[str, str]) -> tuple[object, ...]:
    """Reduce a row to what it says; numbers are written in one way."""
    arms = [tuple(_plain(cells.get(name, "")) for name in names) for names in _MEANS]
    if all(number for arm in arms for number in arm):
        return cells["trial_id"], *sorted(arms)
    said = ((name, cell) for name, cell in cells.items() if cell and name not in _NOT_COMPARED)
    return tuple(sorted((name, _plain(cell)) for name, cell in said))


def _plain(cell: str) -> str:
    try:
        return repr(float(cell))
    except ValueError:
        return cell


def records_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows of a frame as text: whole numbers without a point, nan as nothing."""
    return [
        {str(name): _text(value) for name, value in record.items()}
        for record in frame.to_dict("records")
    ]


def _text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(float(value))
