"""Columns of result tables as plain numbers: an absence, whatever its reason, becomes nan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from combined_care.results import FloatArray


def floats(values: Iterable[object]) -> FloatArray:
    """Read numbers for drawing.

    Examples
    --------
    >>> from combined_care.results import Absent
    >>> floats([0.5, 3, Absent("one study")])
    array([0.5, 3. , nan])
    """
    return np.array([v if isinstance(v, (int, float)) else np.nan for v in values], dtype=float)


def records(table: pd.DataFrame) -> Iterator[Any]:
    """Go through the rows of a table; each has its columns as attributes."""
    yield from table.itertuples(index=False)


def require_columns(table: pd.DataFrame, wanted: Sequence[str], what: str) -> None:
    """Refuse a table that lacks columns or rows, naming what is missing.

    Raises
    ------
    InputError
    """
    missing = [name for name in wanted if name not in table]
    if missing:
        message = f"{what} lacks {', '.join(missing)}; it has {', '.join(map(str, table.columns))}"
        raise InputError(message)
    if table.empty:
        message = f"{what} has no row: there is nothing to draw"
        raise InputError(message)
