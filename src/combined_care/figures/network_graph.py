"""The network of comparisons: which treatments trials compared with each other, and how often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl

from combined_care.errors import InputError
from combined_care.figures.columns import records, require_columns
from combined_care.figures.sheet import Align, Sheet, blank, sheet_for, wrapped, write
from combined_care.figures.style import ACCENT, MUTED, PAPER, RC

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float]
#: Where on an edge its number may stand, the first free place wins.
_PLACES = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75)
#: Inches between the middles of numbers, and from a number to another edge.
_CLEAR, _OFF_EDGE = 0.22, 0.11


def network_graph(nodes: pd.DataFrame, edges: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw treatments on a circle and the trials between them.

    Parameters
    ----------
    nodes : pandas.DataFrame
        ``name`` and ``n`` (people, or trials: the area of the disc), in the order round the
        circle, clockwise from the top.
    edges : pandas.DataFrame
        ``a, b`` (names of nodes) and ``k`` (trials: the width of the line and the number on it).
    narrow : bool
        For a narrow page.

    Returns
    -------
    matplotlib.figure.Figure
        Gids: ``node``, ``edge``, ``trials`` (the number on an edge), ``name``.

    Raises
    ------
    InputError
        If a column or a row is missing, a name comes twice, or an edge has an unknown end.
    """
    _check(nodes, edges)
    sheet = sheet_for(narrow=narrow)
    # A telephone is narrow: the circle becomes an oval that leaves room for names beside it.
    across, down, room = (0.55, 1.3, 0.6) if narrow else (2.1, 1.75, 0.55)
    names = [str(name) for name in nodes["name"]]
    centre = (sheet.width / 2, down + room)
    height = 2 * (down + room)
    places = dict(zip(names, _oval(len(names), centre, across, down), strict=True))
    with mpl.rc_context(RC):
        figure, page = blank(sheet.width, height)
        _edges(page, edges, places, sheet)
        _nodes(page, nodes, places, sheet)
        for row in records(nodes):
            words = f"{row.name} ({int(row.n):,})"
            _name(page, words, places[str(row.name)], centre, sheet)
    return figure


def describe_network_graph(
    nodes: pd.DataFrame, edges: pd.DataFrame, *, counted: str = "people"
) -> str:
    """Say in words what the network shows: the text alternative of the figure.

    Parameters
    ----------
    nodes, edges
        As for :func:`network_graph`.
    counted : str
        What ``n`` of the nodes counts.
    """
    _check(nodes, edges)
    size = len(nodes)
    ordered = edges.sort_values(["k", "a", "b"], ascending=[False, True, True], kind="stable")
    pairs = [f"{r.a} and {r.b}: {_trials(int(r.k))}" for r in records(ordered)]
    each = "; ".join(f"{r.name} {int(r.n):,}" for r in records(nodes))
    return (
        f"Network of {size} treatments; {len(edges)} of {size * (size - 1) // 2} possible pairs "
        f"were compared. {'; '.join(pairs)}. Size of a disc ({counted}): {each}."
    )


def _check(nodes: pd.DataFrame, edges: pd.DataFrame) -> None:
    require_columns(nodes, ("name", "n"), "table of nodes")
    require_columns(edges, ("a", "b", "k"), "table of edges")
    names = [str(name) for name in nodes["name"]]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = [f"node {name!r} comes twice" for name in twice]
    ends = {str(end) for column in ("a", "b") for end in edges[column]}
    problems += [f"edge ends at {end!r}, which is no node" for end in sorted(ends - set(names))]
    if problems:
        message = f"network: {'; '.join(problems)}"
        raise InputError(message)


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"


def _oval(size: int, centre: Point, across: float, down: float) -> list[Point]:
    """Place nodes clockwise from the top; y grows downwards."""
    turns = [2 * math.pi * place / size for place in range(size)]
    return [
        (centre[0] + across * math.sin(turn), centre[1] - down * math.cos(turn)) for turn in turns
    ]


def _edges(page: Axes, edges: pd.DataFrame, places: dict[str, Point], sheet: Sheet) -> None:
    most = int(edges["k"].max())
    taken: list[Point] = []
    lines = [(places[str(row.a)], places[str(row.b)]) for row in records(edges)]
    ordered = edges.sort_values(["k", "a", "b"], ascending=[False, True, True], kind="stable")
    for row in records(ordered):
        start, end = places[str(row.a)], places[str(row.b)]
        width = 0.8 + 7.0 * int(row.k) / most
        page.plot(
            *zip(start, end, strict=True), color=MUTED, linewidth=width, alpha=0.6,
            solid_capstyle="butt", gid="edge", zorder=1,
        )  # fmt: skip
        others = [ends for ends in lines if ends != (start, end)]
        spot = _free(start, end, taken, others)
        taken.append(spot)
        page.scatter(*spot, s=190, marker="o", c=PAPER, edgecolors=MUTED, linewidths=0.8, zorder=3)
        write(page, *spot, str(int(row.k)), size=sheet.small, align="center", gid="trials",
              zorder=4)  # fmt: skip


def _free(
    start: Point, end: Point, taken: Sequence[Point], others: Sequence[tuple[Point, Point]]
) -> Point:
    """Return the first place on an edge that is clear of other numbers and other edges.

    Where there is none, the place that is farthest from other numbers.
    """
    spots = [
        (start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1]))
        for part in _PLACES
    ]
    room = [min((math.dist(spot, other) for other in taken), default=math.inf) for spot in spots]
    for spot, space in zip(spots, room, strict=True):
        if space > _CLEAR and all(_distance(spot, *other) > _OFF_EDGE for other in others):
            return spot
    return spots[room.index(max(room))]


def _distance(spot: Point, start: Point, end: Point) -> float:
    """Return how far a point is from a straight edge."""
    along = (end[0] - start[0], end[1] - start[1])
    away = (spot[0] - start[0], spot[1] - start[1])
    part = (away[0] * along[0] + away[1] * along[1]) / (along[0] ** 2 + along[1] ** 2)
    part = min(1.0, max(0.0, part))
    return math.dist(spot, (start[0] + part * along[0], start[1] + part * along[1]))


def _nodes(page: Axes, nodes: pd.DataFrame, places: dict[str, Point], sheet: Sheet) -> None:
    most = max(float(nodes["n"].max()), 1.0)
    largest = 260.0 if sheet.is_narrow else 520.0
    spots = [places[str(name)] for name in nodes["name"]]
    page.scatter(
        [x for x, _ in spots], [y for _, y in spots],
        s=[40 + largest * float(n) / most for n in nodes["n"]], marker="o", c=ACCENT,
        edgecolors=PAPER, linewidths=1.5, zorder=5, gid="node",
    )  # fmt: skip


def _name(page: Axes, words: str, at: Point, centre: Point, sheet: Sheet) -> None:
    """Write the name outside the circle, on the side where its node is."""
    (x, y), line = at, 1.3 * sheet.small / 72
    across, down = x - centre[0], y - centre[1]
    away = 0.17 if sheet.is_narrow else 0.3
    is_pole = abs(across) < 0.2
    width = 3.2 if is_pole else sheet.width / 2 - abs(across) - away
    lines = wrapped(words, sheet.length(width, sheet.small))
    align: Align = "center" if is_pole else "left" if across > 0 else "right"
    block = (len(lines) - 1) * line
    rise = block / 2
    if is_pole:
        away = 0.24 if sheet.is_narrow else 0.3
        rise = block + away if down < 0 else -away
    out = 0.0 if is_pole else math.copysign(away, across)
    write(page, x + out, y - rise, lines, size=sheet.small, align=align, gid="name")
