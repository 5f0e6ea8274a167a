"""Does the pooled effect rest on single trials, or on the order in which they came?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care import inputs, markup
from combined_care.errors import InputError
from combined_care.results import Absent, Number, Result, is_present
from combined_care.synthesis import Synthesis, synthesize, synthesize_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.inputs import Labels
    from combined_care.tau2 import Method

_COLUMNS = [
    *("k", "estimate", "se", "ci_lb", "ci_ub", "pval", "pi_lb", "pi_ub"),
    *("tau2", "i2", "q", "q_pval"),
]


@dataclass(frozen=True, eq=False, kw_only=True)
class LeaveOneOut(Result):
    """The pooled effect without each trial in turn.

    Attributes
    ----------
    full : Synthesis
        The pooled effect of all trials.
    table : pandas.DataFrame
        One row a trial: its label in ``slab``, then the numbers of the others pooled without it.
        Numbers that they cannot support are absent, with the reason.
    """

    caption = "Pooled effect without each trial in turn"

    full: Synthesis = field(repr=False)
    table: pd.DataFrame

    def __str__(self) -> str:
        estimates = self.table["estimate"].astype(float)
        low, high = int(estimates.argmin()), int(estimates.argmax())
        return (
            f"Without one of {self.full.k} trials the pooled effect lies between "
            f"{markup.number(float(estimates[low]))} (without {self.table['slab'][low]}) and "
            f"{markup.number(float(estimates[high]))} (without {self.table['slab'][high]}); "
            f"with all it is {markup.number(self.full.estimate)}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row a trial left out."""
        return self.table.copy()


@dataclass(frozen=True, eq=False, kw_only=True)
class Cumulative(Result):
    """The pooled effect as trials are added one by one.

    Attributes
    ----------
    full : Synthesis
        The pooled effect of all trials.
    table : pandas.DataFrame
        One row a step: the label of the trial added in ``slab``, its place in the given order in
        ``order``, then the numbers of all trials so far.
    """

    caption = "Pooled effect as trials are added"

    full: Synthesis = field(repr=False)
    table: pd.DataFrame

    def __str__(self) -> str:
        settled = self._settled()
        if settled is None:
            end = "the interval of all of them includes no effect"
        else:
            end = (
                f"the interval has excluded no effect since {self.table['slab'][settled]} "
                f"(k = {self.table['k'][settled]})"
            )
        return (
            f"With {self.full.k} trials added in order the pooled effect is "
            f"{markup.number(self.full.estimate)}; {end}."
        )

    def _settled(self) -> int | None:
        """Return the first step from which on every interval lies on the final side of 0."""
        sides = [
            _side(*ends) for ends in zip(self.table["ci_lb"], self.table["ci_ub"], strict=True)
        ]
        if sides[-1] == 0:
            return None
        other = [step for step, side in enumerate(sides) if side != sides[-1]]
        return other[-1] + 1 if other else 0

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row a step."""
        return self.table.copy()


def leave_one_out(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> LeaveOneOut:
    """Pool all trials but one, for each trial in turn.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances; k at least 2.
    method, test, level, slab
        As for :func:`~combined_care.synthesis.synthesize`.

    Returns
    -------
    LeaveOneOut
        tau² is estimated anew each time.

    Raises
    ------
    InputError
        If there are fewer than 2 trials, an effect or variance is unusable or an option unknown.

    References
    ----------
    Viechtbauer & Cheung (2010), doi:10.1002/jrsm.11.

    Examples
    --------
    >>> found = leave_one_out([0.10, 0.30, 0.65, 0.45], [0.03, 0.03, 0.01, 0.05])
    >>> print(found)
    Without one of 4 trials the pooled effect lies between 0.26 (without study 3) and 0.51 \
(without study 1); with all it is 0.40.
    """
    full = synthesize(yi, vi, method, test, level, slab)
    if full.k < 2:
        message = f"leave_one_out needs at least 2 studies; got only {full.slab[0]}"
        raise InputError(message)
    others = ~np.eye(full.k, dtype=bool)
    found = synthesize_many(full.yi, full.vi, mask=others, method=method, test=test, level=level)
    return LeaveOneOut(full=full, table=tabulate(found, _COLUMNS, slab=full.slab))


def cumulative(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    order: npt.ArrayLike | None = None,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> Cumulative:
    """Pool the first trial, the first two, and so on.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances.
    order : array_like of shape (k,), optional
        What to sort by, ascending, such as the year or the sampling variance (largest trials
        first); trials of equal rank stay as given. As given by default.
    method, test, level, slab
        As for :func:`~combined_care.synthesis.synthesize`.

    Returns
    -------
    Cumulative
        The first row is a single trial with its own normal interval.

    Raises
    ------
    InputError
        If `order` has a missing value (the trials are named) or another length, if an effect or
        variance is unusable, or an option unknown.

    Notes
    -----
    The intervals are not corrected for looking many times; the table shows how the evidence grew,
    it is no stopping rule.

    References
    ----------
    Lau et al. (1992), doi:10.1056/NEJM199207233270406.

    Examples
    --------
    >>> found = cumulative([0.3, 0.6, 0.5], [0.04, 0.02, 0.03], order=[2004, 1998, 2001], test="z")
    >>> found.to_frame()[["slab", "order", "k", "estimate"]].round(3)
          slab   order  k  estimate
    0  study 2  1998.0  1      0.60
    1  study 3  2001.0  2      0.56
    2  study 1  2004.0  3      0.50
    """
    full = synthesize(yi, vi, method, test, level, slab)
    places = np.arange(1.0, full.k + 1.0) if order is None else _places(order, full.slab)
    rows = np.argsort(places, kind="stable")
    found = synthesize_many(
        full.yi[rows],
        full.vi[rows],
        mask=np.tri(full.k, dtype=bool),
        method=method,
        test=test,
        level=level,
    )
    slab_ordered = [full.slab[i] for i in rows]
    table = tabulate(found, _COLUMNS, slab=slab_ordered, order=places[rows].tolist())
    return Cumulative(full=full, table=table)


def tabulate(
    found: pd.DataFrame, columns: Sequence[str], **first: Sequence[object]
) -> pd.DataFrame:
    """Lay out rows of :func:`~combined_care.synthesis.synthesize_many` with absences for nan.

    Parameters
    ----------
    found : pandas.DataFrame
        Pooled data sets, with the column ``absent``.
    columns : sequence of str
        Columns to keep.
    **first : sequence
        Columns to put in front, by name.

    Returns
    -------
    pandas.DataFrame
    """
    table = pd.DataFrame(dict(first))
    reasons = [Absent(str(reason)) for reason in found["absent"]]
    for name in columns:
        values = found[name].tolist()
        if np.isnan(values).any():
            whole = zip(values, reasons, strict=True)
            values = [reason if np.isnan(value) else value for value, reason in whole]
        table[name] = values
    return table


def _side(ci_lb: Number, ci_ub: Number) -> int:
    """Return 1 or -1 when the interval lies above or below 0, else 0."""
    if not (is_present(ci_lb) and is_present(ci_ub)):
        return 0
    return int(ci_lb > 0.0) - int(ci_ub < 0.0)


def _places(order: npt.ArrayLike, slab: tuple[str, ...]) -> npt.NDArray[np.float64]:
    places = inputs.as_floats("order", order)
    if places.shape != (len(slab),):
        message = f"order must hold one value per study: got {places.shape} for {len(slab)} studies"
        raise InputError(message)
    inputs.refuse(
        [
            f"order of {slab[i]} is {places[i]}, expected a finite number"
            for i in np.flatnonzero(~np.isfinite(places))
        ]
    )
    return places
