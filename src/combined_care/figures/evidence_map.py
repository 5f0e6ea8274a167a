"""The evidence map: diagnosis by comparator, with every gap drawn as a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from combined_care.figures.style import ACCENT, INK, MUTED, RC, SECOND, SMALL, number
from combined_care.results import is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from combined_care.landscape import Cell, EvidenceMap

_CELL_WIDTH, _CELL_HEIGHT, _LABEL_WIDTH, _HEAD = 1.2, 0.52, 1.9, 0.62


def evidence_map(found: EvidenceMap, words: Mapping[str, str]) -> Figure:
    """Draw the map.

    Parameters
    ----------
    found : EvidenceMap
        From :func:`combined_care.landscape.map_evidence`.
    words : dict
        Name of each diagnosis and comparator for readers.

    Returns
    -------
    matplotlib.figure.Figure
        One box a cell, gid ``cell``: a bar at its foot grows with the number of trials; the text
        says trials, people and the pooled g. A cell without a trial (gid ``gap``) has a dashed
        edge and says so.
    """
    rows, columns = len(found.diagnoses), len(found.comparators)
    size = (_LABEL_WIDTH + columns * _CELL_WIDTH, _HEAD + rows * _CELL_HEIGHT)
    with mpl.rc_context(RC):
        figure = Figure(figsize=size)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, size[0])
        axes.set_ylim(size[1], 0)
        axes.set_axis_off()
        _heads(axes, found, words)
        most = max((cell.k for cell in found.cells.values()), default=1) or 1
        for row, diagnosis in enumerate(found.diagnoses):
            for column, comparator in enumerate(found.comparators):
                corner = (_LABEL_WIDTH + column * _CELL_WIDTH, _HEAD + row * _CELL_HEIGHT)
                _draw_cell(axes, found.cell(diagnosis, comparator), corner, most)
    return figure


def _heads(axes: Axes, found: EvidenceMap, words: Mapping[str, str]) -> None:
    for column, comparator in enumerate(found.comparators):
        x = _LABEL_WIDTH + (column + 0.5) * _CELL_WIDTH
        label = _broken(words[comparator], 15)
        axes.text(x, _HEAD - 0.07, label, ha="center", va="bottom", fontsize=SMALL - 0.5)
    for row, diagnosis in enumerate(found.diagnoses):
        y = _HEAD + (row + 0.5) * _CELL_HEIGHT
        label = _broken(words[diagnosis], 22)
        axes.text(0.02, y, label, ha="left", va="center", fontsize=SMALL)


def _draw_cell(axes: Axes, cell: Cell, corner: tuple[float, float], most: int) -> None:
    x, y = corner
    width, height = _CELL_WIDTH - 0.06, _CELL_HEIGHT - 0.06
    edge = "--" if cell.empty else "-"
    box = Rectangle(
        (x, y), width, height, facecolor="none", edgecolor=MUTED, linewidth=0.7, linestyle=edge
    )
    box.set_gid("gap" if cell.empty else "cell")
    axes.add_patch(box)
    if cell.k:
        share = max(0.03, cell.k / most)
        bar = Rectangle((x, y + height - 0.05), width * share, 0.05, facecolor=_colour(cell))
        bar.set_gid("trials")
        axes.add_patch(bar)
    first, second = _cell_text(cell)
    middle = x + width / 2
    if not second:
        axes.text(middle, y + height / 2, first, ha="center", va="center", fontsize=7, color=MUTED)
        return
    axes.text(middle, y + 0.14, first, ha="center", va="center", fontsize=7, color=INK)
    bold = "bold" if _excludes_null(cell) else "normal"
    axes.text(
        middle, y + 0.3, second, ha="center", va="center", fontsize=7.5, color=INK, fontweight=bold
    )


def _cell_text(cell: Cell) -> tuple[str, str]:
    if cell.empty:
        return "no trial", ""
    if not isinstance(cell.fit, Synthesis):
        return f"{_trials(cell.unpooled)},\nnot poolable", ""
    head = f"{_trials(cell.k)}, n {cell.size}"
    return head, _effect(cell.fit)


def _effect(fit: Synthesis) -> str:
    value = f"g {number(fit.estimate, 'SMD')}"
    if fit.k < 3 or not (is_present(fit.ci_lb) and is_present(fit.ci_ub)):
        return f"{value} (too few)"
    return f"{value} [{number(fit.ci_lb, 'SMD')}, {number(fit.ci_ub, 'SMD')}]"


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"


def _excludes_null(cell: Cell) -> bool:
    fit = cell.fit
    if not isinstance(fit, Synthesis) or fit.k < 3:
        return False
    low, high = fit.ci_lb, fit.ci_ub
    return is_present(low) and is_present(high) and (low > 0 or high < 0)


def _colour(cell: Cell) -> str:
    return ACCENT if _excludes_null(cell) else SECOND


def _broken(label: str, length: int) -> str:
    """Break a label into lines of at most `length` characters, at spaces."""
    lines = [""]
    for word in label.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) > length and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = joined
    return "\n".join(lines)
