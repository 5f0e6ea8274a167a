"""Which combinations of options are computed: all of them, or a balanced sample."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from combined_care.draws import permutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

#: Share of a sample that goes to partners, and rounds of drawing before it is taken as it is.
_PARTNERS, _ROUNDS = 0.25, 20


def design(
    sizes: Sequence[int],
    primary: Sequence[int],
    crossed: Sequence[int],
    *,
    names: Sequence[str],
    cap: int,
    seed: int,
) -> tuple[npt.NDArray[np.int8], bool]:
    """Choose the combinations to compute.

    Parameters
    ----------
    sizes, primary : sequence of int
        Number of options of each choice, and the option of the primary analysis.
    crossed : sequence of int
        Positions of the choices whose every combination is wanted at the primary data.
    names : sequence of str
        Ids of the choices; with `seed` they alone decide what is drawn.
    cap : int
        Most combinations to compute.
    seed : int
        Seed of the sample.

    Returns
    -------
    codes : numpy.ndarray of shape (n, len(sizes))
        Options by position, the primary combination first, each combination once.
    is_sample : bool
        Whether combinations were left out.

    Notes
    -----
    A sample holds the primary combination, its single departures and the crossed choices. To them
    come combinations in which every option of a choice is drawn equally often (a Latin hypercube of
    categories), and for a part of these a partner with one choice set back to the primary option,
    so that its effect can be seen with all else equal.
    """
    origin = np.array(primary, dtype=np.int8)
    total = prod(sizes)
    if total <= cap:
        return _distinct([origin[None], _every(sizes)]), False
    must = _distinct([origin[None], _departures(origin, sizes), _crossed(origin, sizes, crossed)])
    partners = int(_PARTNERS * cap)
    rows = must
    for turn in range(_ROUNDS):
        drawn = _balanced(sizes, names, cap, f"{seed}/{turn}")
        rows = _distinct([rows, drawn])[: max(cap - partners, len(must))]
        if len(rows) >= cap - partners:
            break
    return _distinct([rows, _partners(rows[len(must) :], origin, sizes, partners)])[:cap], True


def _distinct(parts: list[npt.NDArray[np.int8]]) -> npt.NDArray[np.int8]:
    """Stack combinations and keep the first of equal ones, in their order."""
    rows = np.ascontiguousarray(np.concatenate(parts))
    if rows.shape[1] == 0:
        return rows[:1]
    keys = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
    return rows[np.sort(np.unique(keys, return_index=True)[1])]


def _every(sizes: Sequence[int]) -> npt.NDArray[np.int8]:
    """Return all combinations, the last choice running fastest."""
    combinations = list(product(*(range(size) for size in sizes)))
    return np.array(combinations, dtype=np.int8).reshape(len(combinations), len(sizes))


def _departures(origin: npt.NDArray[np.int8], sizes: Sequence[int]) -> npt.NDArray[np.int8]:
    """Return the combinations that differ from the primary one in one choice."""
    rows = [origin[None]]
    for position, size in enumerate(sizes):
        some = np.repeat(origin[None], size, axis=0)
        some[:, position] = np.arange(size)
        rows.append(some)
    return np.concatenate(rows)


def _crossed(
    origin: npt.NDArray[np.int8], sizes: Sequence[int], positions: Sequence[int]
) -> npt.NDArray[np.int8]:
    every = _every([sizes[p] for p in positions])
    rows = np.repeat(origin[None], len(every), axis=0)
    rows[:, list(positions)] = every
    return rows


def _balanced(sizes: Sequence[int], names: Sequence[str], n: int, key: str) -> npt.NDArray[np.int8]:
    """Draw n combinations; each option of a choice stands in equally many, or one more."""
    columns = [permutation(f"{key}/{name}", n) % s for s, name in zip(sizes, names, strict=True)]
    return np.stack(columns, axis=1).astype(np.int8)


def _partners(
    rows: npt.NDArray[np.int8], origin: npt.NDArray[np.int8], sizes: Sequence[int], n: int
) -> npt.NDArray[np.int8]:
    """Set one choice back to the primary option, equally often for every other option."""
    each = n // sum(size - 1 for size in sizes)
    found = [rows[:0]]
    for position, size in enumerate(sizes):
        for option in range(size):
            if option != origin[position]:
                some = rows[rows[:, position] == option][:each].copy()
                some[:, position] = origin[position]
                found.append(some)
    return np.concatenate(found)
