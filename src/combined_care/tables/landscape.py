"""The evidence at a glance as tables: what is pooled in each cell, and where there is no trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.anchors import diagnosis_page, page_link, question_place
from combined_care.markup import Safe, scroll, table
from combined_care.review import current_review
from combined_care.synthesis import Synthesis
from combined_care.tables.words import effect_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from combined_care.landscape import Cell, EvidenceMap


def map_table(found: EvidenceMap, name: Callable[[str], str]) -> Safe:
    """Show the evidence map as a table; every gap is said to be one."""
    rows = [
        (
            page_link(diagnosis_page(diagnosis), name(diagnosis)),
            *(_cell(found.cell(diagnosis, comparator)) for comparator in found.comparators),
        )
        for diagnosis in found.diagnoses
    ]
    header = ("Diagnosis", *(name(c) for c in found.comparators))
    caption = f"Evidence map: {current_review().treatment} by diagnosis and comparator"
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _cell(cell: Cell) -> object:
    if cell.empty:
        return "no trial"
    words = f"k = {cell.k}, n = {cell.size}"
    if isinstance(cell.fit, Synthesis):
        words += f": {effect_words(cell.fit, 'SMD')}"
    if cell.unpooled:
        words += f"; {cell.unpooled} more without usable numbers"
    if not cell.k:
        return words
    return page_link(
        diagnosis_page(cell.diagnosis),
        words,
        question_place(cell.comparator, current_review().main_start),
    )


def by_start(counts: pd.DataFrame) -> pd.DataFrame:
    """Bring counts by design to counts by the kinds of question that designs ask.

    Parameters
    ----------
    counts : pandas.DataFrame
        ``diagnosis, comparator, design, trials, usable``, one row a cell that has trials; a trial
        has one design.

    Returns
    -------
    pandas.DataFrame
        The same with ``start`` in place of ``design``.
    """
    starts = current_review().starts
    start = {design: name for name, one in starts.items() for design in one.designs}
    keys = ["diagnosis", "comparator", "start"]
    found = counts.assign(start=counts["design"].map(start))
    return found.groupby(keys, as_index=False)[["trials", "usable"]].sum()


def gap_table(counts: pd.DataFrame, diagnoses: Sequence[str], name: Callable[[str], str]) -> Safe:
    """Show which questions have no trial: comparators by the kinds of question that designs ask.

    Parameters
    ----------
    counts : pandas.DataFrame
        As for :func:`by_start`.
    diagnoses : sequence of str
        In the order to show them; those without any trial are left out.
    name : callable
        Names a word of the tables for readers.
    """
    found = by_start(counts)
    names = ("diagnosis", "comparator", "start")
    keys = zip(*(found[name].astype(str) for name in names), strict=True)
    cells = dict(zip(keys, zip(found["trials"], found["usable"], strict=True), strict=True))
    studied = set(counts["diagnosis"])
    review = current_review()
    columns = [(one, start) for one in review.comparators for start in review.starts]
    rows = [
        (
            page_link(diagnosis_page(diagnosis), name(diagnosis)),
            *(_count(cells, diagnosis, comparator, start) for comparator, start in columns),
        )
        for diagnosis in diagnoses
        if diagnosis in studied
    ]
    asked = (f"Against {name(c)}: {review.starts[start].name}" for c, start in columns)
    header = ("Diagnosis", *asked)
    caption = "Trials by question, in brackets those with usable numbers"
    return scroll(table(header, rows, caption=caption, css="wide gaps"), caption)


def _count(cells: Mapping[tuple[str, str, str], tuple[int, int]], *cell: str) -> str:
    diagnosis, comparator, start = cell
    trials, usable = cells.get((diagnosis, comparator, start), (0, 0))
    return f"{trials} ({usable})" if trials else "no trial"
