"""What the fits of many specifications start from and end in: data sets, settings, a table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from combined_care.claims import Rules
    from combined_care.results import FloatArray
    from combined_care.variants import Variants

#: Numbers in one working array: data sets are fitted in portions that stay in the cache.
_PORTION = 60_000


@dataclass(frozen=True, eq=False, kw_only=True)
class SpecFits:
    """What every specification of an analysis gives; arrays of shape (n,), nan where undefined.

    Attributes
    ----------
    dataset : numpy.ndarray of int
        Number of the distinct data set.
    k : numpy.ndarray of int
        Number of trials.
    estimate, ci_lb, ci_ub, pi_lb, pi_ub, tau2, pval : numpy.ndarray
        As in :class:`combined_care.synthesis.Synthesis`. Moderator analyses have the common tau²
        and the p value of the omnibus test only.
    inner_lb, inner_ub : numpy.ndarray
        Interval of the two one-sided tests of equivalence.
    reach : numpy.ndarray
        The farthest from 0 that an interval of a difference between levels goes.
    rate_c : numpy.ndarray
        Mean event rate of the comparator arms.
    adjusted : numpy.ndarray of bool
        Whether the estimate was adjusted for small-study effects.
    """

    dataset: npt.NDArray[np.intp]
    k: npt.NDArray[np.intp]
    estimate: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray
    tau2: FloatArray
    pval: FloatArray
    inner_lb: FloatArray
    inner_ub: FloatArray
    reach: FloatArray
    rate_c: FloatArray
    adjusted: npt.NDArray[np.bool_]

    def take(self, rows: np.ndarray) -> SpecFits:
        """Return some specifications."""
        return SpecFits(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, eq=False)
class Data:
    """Distinct data sets of one analysis and which specification uses which.

    Attributes
    ----------
    positions : numpy.ndarray of shape (m, C)
        Effect of each cell, -1 for none.
    yi, vi : numpy.ndarray of shape (m, C)
        Effects, 0 where there is none, and sampling variances, infinite there.
    k : numpy.ndarray of shape (m,)
        Number of trials.
    repeated : numpy.ndarray of shape (m,)
        Whether a trial stands in a data set more than once.
    place : numpy.ndarray of shape (n,)
        Data set of each specification.
    """

    positions: np.ndarray
    yi: FloatArray
    vi: FloatArray
    k: npt.NDArray[np.intp]
    repeated: npt.NDArray[np.bool_]
    place: npt.NDArray[np.intp]

    @classmethod
    def of(cls, variants: Variants, positions: np.ndarray) -> Data:
        """Gather the data sets of specifications given as positions of shape (n, C)."""
        rows, place = _distinct(positions)
        k, repeated = variants.count_trials(rows)
        yi, vi = values_at(variants.yi, rows, 0.0), values_at(variants.vi, rows, np.inf)
        return cls(rows, yi, vi, k, repeated, place)


def values_at(values: FloatArray, positions: np.ndarray, missing: float) -> FloatArray:
    """Return the values at positions; `missing` at -1."""
    return np.asarray(np.append(values, missing)[positions])


def _distinct(positions: np.ndarray) -> tuple[np.ndarray, npt.NDArray[np.intp]]:
    """Return the distinct rows in the order in which they come, and the place of each row."""
    if positions.shape[1] == 0:
        return positions[:1], np.zeros(len(positions), dtype=np.intp)
    rows = np.ascontiguousarray(positions)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rows[first[order]], rank[place.ravel()]


@dataclass(frozen=True, eq=False)
class Settings:
    """How each specification is fitted: arrays of words, shape (n,)."""

    method: npt.NDArray[np.object_]
    test: npt.NDArray[np.object_]
    adjustment: npt.NDArray[np.object_]

    @classmethod
    def of(cls, variants: Variants, codes: npt.NDArray[np.int8], rules: Rules) -> Settings:
        """Read the settings from options, one column a choice; `rules` where no choice says."""
        own = variants.own(codes)
        found: dict[str, Any] = {"method": rules.method, "test": rules.test, "adjustment": ""}
        settings = {name: np.full(len(codes), word, dtype=object) for name, word in found.items()}
        for at, dimension in enumerate(variants.choices):
            for name, word in found.items():
                if any(values := dimension.changes(name)):
                    words = np.array([value or word for value in values], dtype=object)
                    settings[name] = words[own[:, at]]
        return cls(**settings)


def portions(rows: np.ndarray, data: Data) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield data sets in portions, with the specifications that use them."""
    sets, place = np.unique(data.place[rows], return_inverse=True)
    size = max(1, _PORTION // max(1, data.yi.shape[1]))
    for start in range(0, sets.size, size):
        stop = start + size
        yield sets[start:stop], rows[(place.ravel() >= start) & (place.ravel() < stop)]
