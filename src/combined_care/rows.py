"""Outcome rows joined with their trials, ready to be asked many times: filters and effects kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from combined_care.contrasts import Numbers, oriented_effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from combined_care.contrasts import Oriented, Unusable
    from combined_care.effects import Measure, SmdVariance


class Rows:
    """The rows of one body of evidence.

    Parameters
    ----------
    contrasts : pandas.DataFrame
        Outcome rows joined with their trials; must not change afterwards.
    arms_of_trial : mapping of str to int
        Number of arms of each trial.
    carried : iterable of str
        Columns of a trial that its effects carry along.

    Notes
    -----
    One claim asks the same rows many times, with one choice changed. What a filter lets through,
    and the effect of a row, do not depend on the question and are computed once.
    """

    def __init__(
        self,
        contrasts: pd.DataFrame,
        arms_of_trial: Mapping[str, int],
        carried: Iterable[str] = (),
    ) -> None:
        self.carried = tuple(carried)
        self._contrasts = contrasts
        self._arms_of_trial = arms_of_trial
        self._rows: list[Any] = list(contrasts.itertuples(index=False))
        self._masks: dict[tuple[str, tuple[str, ...]], npt.NDArray[np.bool_]] = {}
        self._effects: dict[tuple[str, Measure, SmdVariance], Oriented | Unusable] = {}

    def matching(
        self,
        all_of: Mapping[str, tuple[str, ...]],
        any_of: Mapping[str, tuple[str, ...]],
    ) -> list[Any]:
        """Return the rows with allowed values in all columns of `all_of` and one of `any_of`."""
        keep = np.ones(len(self._rows), dtype=bool)
        for column, values in all_of.items():
            keep &= self._has(column, values)
        if any_of:
            keep &= np.logical_or.reduce([self._has(*item) for item in any_of.items()])
        return [self._rows[i] for i in np.flatnonzero(keep)]

    def effect(self, row: Any, measure: Measure, variance: SmdVariance) -> Oriented | Unusable:
        """Return the oriented effect of one row, or the reason why it has none."""
        key = (row.row_id, measure, variance)
        if key not in self._effects:
            n = row.n_randomised
            self._effects[key] = oriented_effect(
                Numbers.of(row),
                measure,
                variance=variance,
                arms=self._arms_of_trial[row.trial_id],
                n_randomised=float("nan") if pd.isna(n) else float(n),
            )
        return self._effects[key]

    def _has(self, column: str, values: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        key = (column, tuple(values))
        if key not in self._masks:
            self._masks[key] = self._contrasts[column].isin(values).to_numpy(bool)
        return self._masks[key]
