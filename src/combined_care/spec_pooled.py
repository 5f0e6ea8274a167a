"""Pooled estimates of many specifications, plain or adjusted for small-study effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care import pooling
from combined_care.inference import critical, infer, lower_tail, predict
from combined_care.small_study_many import pet_peese_many, trim_and_fill_many
from combined_care.spec_data import portions, values_at
from combined_care.step_selection_many import selection_model_many

if TYPE_CHECKING:
    from combined_care.claims import Rules
    from combined_care.results import FloatArray
    from combined_care.spec_data import Data, Settings, SpecFits
    from combined_care.variants import Variants


def fit_pooled(
    table: SpecFits, variants: Variants, data: Data, settings: Settings, rules: Rules
) -> None:
    """Pool every specification, adjusted for small-study effects where that is asked for.

    Parameters
    ----------
    table : SpecFits
        Filled in here.
    variants, data, settings, rules
        As for :func:`combined_care.spec_fits.fit_specifications`.
    """
    usable = (data.k > 0) & ~data.repeated
    enough = data.k >= variants.choices.min_trials_for_adjustment
    table.adjusted[:] = (settings.adjustment != "") & (usable & enough)[data.place]
    made = np.where(table.adjusted, settings.adjustment, "")
    for adjustment in sorted(set(made.tolist())):
        rows = np.flatnonzero((made == adjustment) & usable[data.place])
        if adjustment in ("pet-peese", "selection"):
            _fit_limits(table, variants, data, rows, adjustment, rules)
            continue
        for method in sorted(set(settings.method[rows].tolist())):
            some = rows[settings.method[rows] == method]
            _fit_random_effects(table, data, some, method, settings, adjustment, rules)


def _fit_random_effects(
    table: SpecFits,
    data: Data,
    rows: np.ndarray,
    method: Any,
    settings: Settings,
    adjustment: str,
    rules: Rules,
) -> None:
    """Pool data sets, or their filled-up copies, and infer by each test that is asked for."""
    for sets, some in portions(rows, data):
        yi, vi, lost = data.yi[sets], data.vi[sets], np.zeros(sets.size, dtype=bool)
        if adjustment == "trim-fill":
            filled = trim_and_fill_many(yi, vi, method)
            yi, vi, lost = filled.yi, filled.vi, ~filled.settled
        columns = pooling.pool(
            yi, vi, method=method, test="z", level=rules.level, pi_df="k-1", tau2_ci=False
        )
        for name in ("estimate", "wald_se", "tau2"):
            columns[name][lost] = np.nan
        at = np.searchsorted(sets, data.place[some])
        for test in sorted(set(settings.test[some].tolist())):
            which = settings.test[some] == test
            found = {name: columns[name][at[which]] for name in _NEEDED}
            _infer(table, some[which], found, method, test, rules)


_NEEDED = ("estimate", "wald_se", "scale", "tau2", "k")


def _infer(
    table: SpecFits,
    rows: np.ndarray,
    found: dict[str, FloatArray],
    method: str,
    test: Any,
    rules: Rules,
) -> None:
    single = found["k"] == 1
    args = [found[name] for name in ("estimate", "wald_se", "scale", "k")]
    columns, normal = (
        infer(*args, test=test, level=rules.level),
        infer(*args, test="z", level=rules.level),
    )
    # One trial is shown with its own normal interval, whatever the test.
    se, df, low, high, pval = (
        np.where(single, getattr(normal, name), getattr(columns, name))
        for name in ("se", "df", "ci_lb", "ci_ub", "pval")
    )
    table.estimate[rows], table.tau2[rows] = found["estimate"], found["tau2"]
    table.ci_lb[rows], table.ci_ub[rows], table.pval[rows] = low, high, pval
    half = np.where(se > 0.0, critical(df, 2.0 * rules.level - 1.0) * se, np.nan)
    table.inner_lb[rows], table.inner_ub[rows] = found["estimate"] - half, found["estimate"] + half
    if method != "EE":
        spread = np.sqrt(se**2 + found["tau2"])
        table.pi_lb[rows], table.pi_ub[rows] = predict(
            found["estimate"], spread, found["k"], pi_df="k-1", level=rules.level
        )


def _fit_limits(
    table: SpecFits,
    variants: Variants,
    data: Data,
    rows: np.ndarray,
    adjustment: str,
    rules: Rules,
) -> None:
    """Adjust by PET-PEESE (t) or by the selection model (normal)."""
    for sets, some in portions(rows, data):
        yi, vi = data.yi[sets], data.vi[sets]
        if adjustment == "pet-peese":
            estimate, se, df = pet_peese_many(yi, vi, _size(variants, data, sets))
        else:
            selected = selection_model_many(yi, vi)
            estimate, se, df = selected.estimate, selected.se, np.full(sets.size, np.inf)
            table.tau2[some] = selected.tau2[np.searchsorted(sets, data.place[some])]
        at = np.searchsorted(sets, data.place[some])
        known = ~np.isnan(estimate)
        for (low, high), level in (
            ((table.ci_lb, table.ci_ub), rules.level),
            ((table.inner_lb, table.inner_ub), 2.0 * rules.level - 1.0),
        ):
            half = np.full(sets.size, np.nan)
            half[known] = critical(df[known], level) * se[known]
            low[some], high[some] = (estimate - half)[at], (estimate + half)[at]
        pval = np.full(sets.size, np.nan)
        pval[known] = 2.0 * lower_tail(df[known], -np.abs(estimate[known] / se[known]))
        table.estimate[some], table.pval[some] = estimate[at], pval[at]


def _size(variants: Variants, data: Data, sets: np.ndarray) -> FloatArray:
    """Return the predictor of PET-PEESE, shape (m, C); 0 where there is no trial."""
    positions = data.positions[sets]
    present = positions >= 0
    error = np.sqrt(np.where(present, data.vi[sets], 0.0))
    if variants.analysis.estimand.wanted_measure != "SMD":
        return error
    size = values_at(np.sqrt(1.0 / variants.n_e + 1.0 / variants.n_c), positions, 0.0)
    unknown = np.isnan(size).any(axis=1, keepdims=True)
    return np.asarray(np.where(unknown, error, size))
