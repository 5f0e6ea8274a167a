"""Tests of a moderator under many specifications."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from combined_care.inference import critical
from combined_care.level_means_many import fit_common_many
from combined_care.levels_robust_many import fit_robust_many
from combined_care.spec_data import portions

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.claims import Rules
    from combined_care.level_means_many import CommonModels
    from combined_care.results import FloatArray
    from combined_care.spec_data import Data, Settings, SpecFits
    from combined_care.tau2 import Method
    from combined_care.variants import Variants


def fit_moderator(
    table: SpecFits, variants: Variants, data: Data, settings: Settings, rules: Rules
) -> None:
    """Test the moderator under every specification.

    Parameters
    ----------
    table : SpecFits
        Filled in here: ``pval``, ``tau2`` and ``reach``.
    variants, data, settings, rules
        As for :func:`combined_care.spec_fits.fit_specifications`.

    Notes
    -----
    Levels with too few trials are left out, specification by specification. Where a trial stands in
    several levels that are left, the test is cluster-robust, and the choice of interval is void.
    """
    member = _member(variants)
    present = data.positions >= 0
    tested = (present @ member.astype(np.int32)) >= rules.min_trials_per_level
    inside = present & (tested.astype(np.int32) @ member.T.astype(np.int32) > 0)
    _, repeated = variants.count_trials(np.where(inside, data.positions, -1))
    only = replace(data, vi=np.where(inside, data.vi, np.inf))
    testable = tested.sum(axis=1) >= 2
    for method in sorted(set(settings.method.tolist())):
        wanted = (settings.method == method) & testable[data.place]
        for is_robust, fit in ((False, _fit_common), (True, _fit_robust)):
            rows = np.flatnonzero(wanted & (repeated == is_robust)[data.place])
            for sets, some in portions(rows, data):
                at = np.searchsorted(sets, data.place[some])
                part = only.yi[sets], only.vi[sets], member
                fit(table, part, variants, settings.test, some, at, method, rules)


_Part = tuple["FloatArray", "FloatArray", "npt.NDArray[np.bool_]"]


def _fit_common(
    table: SpecFits,
    part: _Part,
    _: Variants,
    tests: np.ndarray,
    rows: np.ndarray,
    at: np.ndarray,
    method: Method,
    rules: Rules,
) -> None:
    common = fit_common_many(*part, method)
    table.tau2[rows] = common.tau2[at]
    for test in sorted(set(tests[rows].tolist())):
        which = tests[rows] == test
        table.pval[rows[which]] = common.f_pval(test)[at[which]]
        table.reach[rows[which]] = _reach(common, test, rules.level)[at[which]]


def _fit_robust(
    table: SpecFits,
    part: _Part,
    variants: Variants,
    _: np.ndarray,
    rows: np.ndarray,
    at: np.ndarray,
    method: Method,
    rules: Rules,
) -> None:
    robust = fit_robust_many(*part, variants.trial, method, rules.level)
    table.pval[rows], table.tau2[rows] = robust.f_pval[at], robust.tau2[at]
    reach = np.abs(robust.differences) + robust.half_widths
    table.reach[rows] = _farthest(reach)[at]


def _member(variants: Variants) -> npt.NDArray[np.bool_]:
    """Return which cell has which level that is compared, shape (C, G)."""
    own = np.array([str(level) for level in variants.level], dtype=object)
    levels = variants.analysis.levels or tuple(sorted(set(own.tolist())))
    is_member = own == np.array(levels, dtype=object)[:, None]
    return np.asarray(is_member, dtype=bool).reshape(len(levels), own.size).T


def _reach(common: CommonModels, test: str, level: float) -> FloatArray:
    """Return the farthest that an interval of a difference between levels goes."""
    scale = np.maximum(common.scale, 1.0) if test == "knha-conservative" else common.scale
    df = np.full(scale.size, np.inf) if test == "z" else common.df2
    factor = np.ones(scale.size) if test == "z" else scale
    first, second = np.triu_indices(common.means.shape[1], 1)
    variance = common.variances[:, first] + common.variances[:, second]
    se = np.sqrt(variance * factor[:, None])
    half = np.where(se > 0.0, critical(df, level)[:, None] * se, np.inf)
    gap = np.abs(common.means[:, first] - common.means[:, second])
    return _farthest(np.where(np.isnan(variance), np.nan, gap + half))


def _farthest(reach: FloatArray) -> FloatArray:
    """Return the largest number of each row, nan left out."""
    return np.asarray(np.where(np.isnan(reach), -np.inf, reach).max(axis=1))
