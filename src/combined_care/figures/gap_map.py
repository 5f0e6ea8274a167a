"""The gap map: which diagnosis, comparator and design has no trial at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from combined_care.errors import InputError
from combined_care.figures.columns import records, require_columns
from combined_care.figures.key import BAR, Mark, draw_key, key_height
from combined_care.figures.sheet import Sheet, blank, sheet_for, wrapped, write
from combined_care.figures.style import ACCENT, MUTED, PAPER, RC, SECOND, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

_AXES = ("diagnosis", "comparator", "design")
_WANTED = (*_AXES, "pooled", "direction_only")


@dataclass(frozen=True, slots=True)
class Gaps:
    """Trials by diagnosis, comparator and design.

    Attributes
    ----------
    diagnoses, comparators, designs : tuple of str
        In the order to show them.
    counts : dict
        (diagnosis, comparator, design) -> (trials with usable numbers, trials with a direction
        only); what it lacks has no trial.
    """

    diagnoses: tuple[str, ...]
    comparators: tuple[str, ...]
    designs: tuple[str, ...]
    counts: Mapping[tuple[str, str, str], tuple[int, int]]

    def cell(self, diagnosis: str, comparator: str, design: str) -> tuple[int, int]:
        """Return the trials of one cell: with usable numbers, and with a direction only."""
        return self.counts.get((diagnosis, comparator, design), (0, 0))

    def totals(self) -> tuple[int, int, int]:
        """Count the cells with usable numbers, with directions only, and without any trial."""
        cells = [self.cell(a, b, c) for a in self.diagnoses for b in self.comparators
                 for c in self.designs]  # fmt: skip
        pooled = sum(numbers > 0 for numbers, _ in cells)
        only = sum(numbers == 0 < directions for numbers, directions in cells)
        return pooled, only, len(cells) - pooled - only


def gaps_of(counts: pd.DataFrame, words: Mapping[str, str]) -> Gaps:
    """Arrange the counts by the order of `words`.

    Raises
    ------
    InputError
        If a column is missing, there is no row, a cell comes twice or a value has no name.
    """
    require_columns(counts, _WANTED, "table of trials by cell")
    unnamed = sorted({str(v) for name in _AXES for v in counts[name]} - set(words))
    twice = counts[counts.duplicated(list(_AXES))]
    problems = [f"no name for {value!r}" for value in unnamed]
    problems += [f"{' / '.join(map(str, row))} comes twice" for row in twice[list(_AXES)].values]
    if problems:
        message = f"table of trials by cell: {'; '.join(problems)}"
        raise InputError(message)
    found = [set(counts[name].astype(str)) for name in _AXES]
    orders = [tuple(word for word in words if word in names) for names in found]
    cells = {
        (str(row.diagnosis), str(row.comparator), str(row.design)): (
            int(row.pooled), int(row.direction_only),
        )
        for row in records(counts)
    }  # fmt: skip
    return Gaps(orders[0], orders[1], orders[2], cells)


def gap_map(counts: pd.DataFrame, words: Mapping[str, str], *, narrow: bool = False) -> Figure:
    """Draw every cell: trials with usable numbers, with a direction only, or none.

    Parameters
    ----------
    counts : pandas.DataFrame
        One row a cell that has trials: ``diagnosis, comparator, design, pooled`` (trials with
        usable numbers) and ``direction_only`` (trials whose reports only say a direction).
    words : dict
        Name of each value for readers; its order is that of rows and columns.
    narrow : bool
        For a narrow page: one panel a design, below each other.

    Returns
    -------
    matplotlib.figure.Figure
        Gids: ``pooled`` (filled square with a number), ``direction-only`` (open diamond with a
        number), ``gap`` (a bar).

    Raises
    ------
    InputError
        If a column is missing, there is no row, a cell comes twice or a value has no name.
    """
    found, sheet = gaps_of(counts, words), sheet_for(narrow=narrow)
    with mpl.rc_context(RC):
        return _Map(found, words, sheet).draw()


def describe_gap_map(counts: pd.DataFrame, words: Mapping[str, str]) -> str:
    """Say in words what the map shows: the text alternative of the figure."""
    found = gaps_of(counts, words)
    pooled, only, gaps = found.totals()
    said = [
        f"Map of {len(found.diagnoses)} diagnoses by {len(found.comparators)} comparators by "
        f"{len(found.designs)} designs, {pooled + only + gaps} cells: {pooled} have trials with "
        f"usable numbers, {only} only trials with a direction, {gaps} no trial."
    ]
    for design in found.designs:
        empty = [
            words[comparator]
            for comparator in found.comparators
            if all(found.cell(name, comparator, design) == (0, 0) for name in found.diagnoses)
        ]
        if empty:
            name = words[design][0].upper() + words[design][1:]
            said.append(f"{name}: no trial in any diagnosis against {', '.join(empty)}.")
    return " ".join(said)


class _Map:
    """One drawing; a class only to keep its steps short."""

    def __init__(self, found: Gaps, words: Mapping[str, str], sheet: Sheet) -> None:
        self.found, self.words, self.sheet = found, words, sheet
        narrow = sheet.is_narrow
        self.label = 1.42 if narrow else 2.05
        self.row = 0.34 if narrow else 0.225
        columns = len(found.comparators) * (1 if narrow else len(found.designs))
        self.gap = 0.0 if narrow else 0.14
        spare = self.gap * (len(found.comparators) - 1)
        self.column = (sheet.width - self.label - spare - 0.02) / columns
        self.marks = [
            Mark("trials with usable numbers", marker="s", size=22),
            Mark("only trials that report a direction", marker="D", hollow=True, colour=SECOND,
                 size=16),
            Mark("no trial", marker=BAR, colour=MUTED, size=52),
        ]  # fmt: skip

    def draw(self) -> Figure:
        """Draw the panels and the key."""
        panels = self._panels()
        head = 0.08 + self._head_height()
        body = len(self.found.diagnoses) * self.row
        title = 0.24 if self.sheet.is_narrow else 0.0
        tall = title + head + body + 0.2
        key = key_height(self.marks, self.sheet.width, self.sheet)
        figure, self.page = blank(self.sheet.width, len(panels) * tall + key)
        for place, columns in enumerate(panels):
            top = place * tall
            if self.sheet.is_narrow:
                name = self.words[columns[0][1]]
                write(self.page, 0.02, top + 0.1, name[0].upper() + name[1:],
                      size=self.sheet.text, fontweight="bold")  # fmt: skip
            self._panel(columns, top + title, head)
        draw_key(self.page, (0.02, len(panels) * tall), self.sheet.width, self.marks, self.sheet)
        return figure

    def _panels(self) -> list[list[tuple[str, str]]]:
        """Return the columns (comparator, design) of each panel."""
        comparators, designs = self.found.comparators, self.found.designs
        if self.sheet.is_narrow:
            return [[(comparator, design) for comparator in comparators] for design in designs]
        return [[(comparator, design) for comparator in comparators for design in designs]]

    def _head_lines(self) -> list[list[str]]:
        """Return the words above each column, to be turned upright."""
        names = self.found.comparators if self.sheet.is_narrow else self.found.designs
        return [wrapped(self.words[name], 18) for name in names]

    def _head_height(self) -> float:
        longest = max(len(line) for lines in self._head_lines() for line in lines)
        upright = longest * 0.56 * self.sheet.small / 72
        return upright if self.sheet.is_narrow else upright + self._group_height()

    def _group_height(self) -> float:
        lines = max(len(self._group_lines(name)) for name in self.found.comparators)
        return lines * 1.3 * self.sheet.small / 72 + 0.1

    def _group_lines(self, comparator: str) -> list[str]:
        width = self.column * len(self.found.designs)
        return wrapped(self.words[comparator], self.sheet.length(width + 0.1, self.sheet.small))

    def _left(self, place: int) -> float:
        groups = 0 if self.sheet.is_narrow else place // len(self.found.designs)
        return self.label + place * self.column + groups * self.gap

    def _panel(self, columns: Sequence[tuple[str, str]], top: float, head: float) -> None:
        first = top + head
        self._heads(columns, top, first)
        for row, diagnosis in enumerate(self.found.diagnoses):
            y = first + (row + 0.5) * self.row
            lines = self._row_lines(self.words[diagnosis])
            up = (len(lines) - 1) * 0.5 * 1.15 * self.sheet.small / 72
            write(self.page, 0.02, y - up, lines, size=self.sheet.small, rise=1.15)
        self._cells(columns, first)

    def _row_lines(self, name: str) -> list[str]:
        """Break the name of a row into two lines where narrow; cut what does not fit."""
        length = self.sheet.length(self.label - 0.02, self.sheet.small)
        most = 2 if self.sheet.is_narrow else 1
        lines = wrapped(name, length)
        if len(lines) <= most:
            return lines
        return [*lines[: most - 1], shorten(" ".join(lines[most - 1 :]), length)]

    def _heads(self, columns: Sequence[tuple[str, str]], top: float, first: float) -> None:
        heads, narrow = self._head_lines(), self.sheet.is_narrow
        line = 1.25 * self.sheet.small / 72
        for place in range(len(columns)):
            lines = heads[place % len(heads)]
            middle = self._left(place) + self.column / 2
            for step, words in enumerate(lines):
                x = middle + (step - (len(lines) - 1) / 2) * line
                self.page.text(x, first - 0.05, words, rotation=90, ha="center", va="bottom",
                               rotation_mode="default", fontsize=self.sheet.small)  # fmt: skip
            if not narrow and place % len(heads) == 0:
                self._group(columns[place][0], place, top)

    def _group(self, comparator: str, place: int, top: float) -> None:
        width = self.column * len(self.found.designs)
        middle = self._left(place) + width / 2
        write(self.page, middle, top + 0.08, self._group_lines(comparator),
              size=self.sheet.small, align="center", fontweight="bold")  # fmt: skip
        y = top + self._group_height() - 0.03
        self.page.plot([middle - width / 2, middle + width / 2], [y, y], color=MUTED, linewidth=0.8)

    def _cells(self, columns: Sequence[tuple[str, str]], first: float) -> None:
        spots: dict[str, list[tuple[float, float]]] = {
            "pooled": [], "direction-only": [], "gap": []
        }  # fmt: skip
        for row, diagnosis in enumerate(self.found.diagnoses):
            for place, (comparator, design) in enumerate(columns):
                numbers, directions = self.found.cell(diagnosis, comparator, design)
                x = self._left(place) + self.column / 2
                y = first + (row + 0.5) * self.row
                kind = "pooled" if numbers else "direction-only" if directions else "gap"
                spots[kind].append((x, y))
                if kind != "gap":
                    number = str(numbers or directions)
                    write(self.page, x - 0.055, y, number, size=self.sheet.small)
        self._symbols(spots)

    def _symbols(self, spots: dict[str, list[tuple[float, float]]]) -> None:
        looks: dict[str, dict[str, Any]] = {
            "pooled": {"marker": "s", "c": ACCENT, "s": 22},
            "direction-only": {"marker": "D", "c": PAPER, "edgecolors": SECOND, "s": 16},
        }
        for kind, look in looks.items():
            x = [x - 0.12 for x, _ in spots[kind]]
            self.page.scatter(x, [y for _, y in spots[kind]], gid=kind, linewidths=1.0, **look)
        bars = spots["gap"]
        self.page.hlines([y for _, y in bars], [x - 0.12 for x, _ in bars],
                         [x - 0.02 for x, _ in bars], colors=MUTED, linewidth=0.8,
                         gid="gap")  # fmt: skip
