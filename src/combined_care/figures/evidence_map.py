"""The evidence map: diagnosis by comparator, with every gap drawn as a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.patches import Rectangle

from combined_care.figures.sheet import NARROW, WIDE, blank, wrapped, write
from combined_care.figures.style import ACCENT, MUTED, RC, SECOND, number
from combined_care.results import is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from combined_care.landscape import Cell, EvidenceMap

_CELL_HEIGHT, _LABEL_WIDTH, _HEAD, _TEXT = 0.54, 1.62, 0.66, 7.6
_BAR = 0.05


def evidence_map(found: EvidenceMap, words: Mapping[str, str], *, narrow: bool = False) -> Figure:
    """Draw the map.

    Parameters
    ----------
    found : EvidenceMap
        From :func:`combined_care.landscape.map_evidence`.
    words : dict
        Name of each diagnosis and comparator for readers.
    narrow : bool
        For a narrow page: the cells of a diagnosis below each other.

    Returns
    -------
    matplotlib.figure.Figure
        One box a cell, gid ``cell``: a bar at its foot (gid ``trials``) grows with the number of
        trials; the text says trials, people and the pooled g. A cell without a trial (gid
        ``gap``) has a dashed edge and says so.
    """
    with mpl.rc_context(RC):
        return _stacked(found, words) if narrow else _grid(found, words)


def describe_evidence_map(found: EvidenceMap, words: Mapping[str, str]) -> str:
    """Say in words what the map shows: the text alternative of the figure."""
    cells = list(found.cells.values())
    pooled = [cell for cell in cells if cell.k]
    best = max(pooled, key=lambda cell: cell.k, default=None)
    said = [
        f"Map of {len(found.diagnoses)} diagnoses by {len(found.comparators)} comparators. "
        f"{len(pooled)} of {len(cells)} cells have at least one trial with usable numbers, "
        f"{sum(cell.k >= 3 for cell in pooled)} have three or more, {found.gaps} have no trial."
    ]
    if best is not None:
        said.append(
            f"Most trials: {words[best.diagnosis]} against {words[best.comparator]}, {best.k}."
        )
    return " ".join(said) + " The table below has the same numbers."


def _grid(found: EvidenceMap, words: Mapping[str, str]) -> Figure:
    width = (WIDE.width - _LABEL_WIDTH) / len(found.comparators)
    figure, page = blank(WIDE.width, _HEAD + len(found.diagnoses) * _CELL_HEIGHT)
    _heads(page, found, words, width)
    most = _most(found)
    for row, diagnosis in enumerate(found.diagnoses):
        for column, comparator in enumerate(found.comparators):
            corner = (_LABEL_WIDTH + column * width, _HEAD + row * _CELL_HEIGHT)
            cell = found.cell(diagnosis, comparator)
            _box(page, cell, corner, (width - 0.06, _CELL_HEIGHT - 0.06), most)
            _cell_words(page, cell, (corner[0] + (width - 0.06) / 2, corner[1]))
    return figure


def _most(found: EvidenceMap) -> int:
    return max((cell.k for cell in found.cells.values()), default=1) or 1


def _heads(page: Axes, found: EvidenceMap, words: Mapping[str, str], width: float) -> None:
    line = 1.3 * _TEXT / 72
    for column, comparator in enumerate(found.comparators):
        lines = wrapped(words[comparator], 17)
        x = _LABEL_WIDTH + (column + 0.5) * width - 0.03
        y = _HEAD - 0.09 - (len(lines) - 1) * line
        write(page, x, y, lines, size=_TEXT, align="center")
    for row, diagnosis in enumerate(found.diagnoses):
        lines = wrapped(words[diagnosis], WIDE.length(_LABEL_WIDTH - 0.05, WIDE.small))
        middle = _HEAD + (row + 0.5) * _CELL_HEIGHT - 0.03
        y = middle - (len(lines) - 1) / 2 * 1.3 * WIDE.small / 72
        write(page, 0.02, y, lines, size=WIDE.small)


def _box(
    page: Axes, cell: Cell, corner: tuple[float, float], size: tuple[float, float], most: int
) -> None:
    """Draw the edge of a cell, dashed where it is empty, and the bar of its trials."""
    (x, y), (width, height) = corner, size
    edge = "--" if cell.empty else "-"
    page.add_patch(
        Rectangle((x, y), width, height, facecolor="none", edgecolor=MUTED, linewidth=0.7,
                  linestyle=edge, gid="gap" if cell.empty else "cell")
    )  # fmt: skip
    if cell.k:
        share = max(0.03, cell.k / most)
        page.add_patch(
            Rectangle((x, y + height - _BAR), width * share, _BAR, facecolor=_colour(cell),
                      linewidth=0, gid="trials")
        )  # fmt: skip


def _cell_words(page: Axes, cell: Cell, top: tuple[float, float]) -> None:
    x, y = top
    lines = cell_lines(cell)
    if cell.empty or not isinstance(cell.fit, Synthesis):
        y += (_CELL_HEIGHT - 0.06) / 2 - (len(lines) - 1) / 2 * 1.3 * _TEXT / 72
        write(page, x, y, lines, size=_TEXT, align="center", color=MUTED)
        return
    write(page, x, y + 0.14, lines[0], size=_TEXT, align="center")
    weight = "bold" if _excludes_null(cell) else "normal"
    write(page, x, y + 0.31, lines[1], size=_TEXT, align="center", fontweight=weight)


def _stacked(found: EvidenceMap, words: Mapping[str, str]) -> Figure:
    """Put the cells of each diagnosis below each other; its gaps share one dashed box."""
    filled = {
        diagnosis: [
            cell for name in found.comparators if not (cell := found.cell(diagnosis, name)).empty
        ]
        for diagnosis in found.diagnoses
    }
    gaps = {diagnosis: _gap_lines(found, diagnosis, words) for diagnosis in found.diagnoses}
    line, row = 1.3 * NARROW.small / 72, 0.48
    heights = [
        0.28 + row * len(filled[d]) + (len(gaps[d]) * line + 0.16 if gaps[d] else 0.0)
        for d in found.diagnoses
    ]
    figure, page = blank(NARROW.width, sum(heights))
    top, most = 0.0, _most(found)
    for diagnosis, height in zip(found.diagnoses, heights, strict=True):
        name = words[diagnosis]
        write(page, 0.02, top + 0.15, name[0].upper() + name[1:], size=NARROW.text,
              fontweight="bold")  # fmt: skip
        y = top + 0.28
        for cell in filled[diagnosis]:
            _box(page, cell, (0.03, y), (NARROW.width - 0.06, row - 0.05), most)
            _stacked_words(page, cell, words[cell.comparator], y)
            y += row
        if gaps[diagnosis]:
            _gap_box(page, gaps[diagnosis], y)
        top += height
    return figure


def _stacked_words(page: Axes, cell: Cell, comparator: str, y: float) -> None:
    trials, effect = cell_lines(cell)
    weight = "bold" if _excludes_null(cell) else "normal"
    write(page, 0.08, y + 0.12, f"against {comparator}", size=NARROW.small)
    write(page, 0.08, y + 0.27, trials.rstrip(","), size=NARROW.small, color=MUTED)
    write(page, NARROW.width - 0.08, y + 0.27, effect, size=NARROW.small, align="right",
          fontweight=weight)  # fmt: skip


def _gap_lines(found: EvidenceMap, diagnosis: str, words: Mapping[str, str]) -> list[str]:
    names = [words[name] for name in found.comparators if found.cell(diagnosis, name).empty]
    if not names:
        return []
    return wrapped(f"no trial against {', '.join(names)}", NARROW.length(3.2, NARROW.small))


def _gap_box(page: Axes, lines: list[str], y: float) -> None:
    line = 1.3 * NARROW.small / 72
    page.add_patch(
        Rectangle((0.03, y), NARROW.width - 0.06, len(lines) * line + 0.08, facecolor="none",
                  edgecolor=MUTED, linewidth=0.7, linestyle="--", gid="gap")
    )  # fmt: skip
    write(page, 0.08, y + 0.04 + line / 2, lines, size=NARROW.small, color=MUTED)


def cell_lines(cell: Cell) -> list[str]:
    """Return what a cell says: trials and people, then the pooled g where there is one."""
    if cell.empty:
        return ["no trial"]
    if not isinstance(cell.fit, Synthesis):
        return [f"{_trials(cell.unpooled)},", "not poolable"]
    return [f"{_trials(cell.k)}, n {cell.size}", _effect(cell.fit)]


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
