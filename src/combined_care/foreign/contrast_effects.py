"""Effects of the contrasts of a foreign file, computed and signed as those of our own data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from combined_care.contrasts import REPORTED_AS, Numbers, Oriented, Unusable, oriented_effect
from combined_care.effects import check_measure
from combined_care.errors import known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.effects import Measure, SmdVariance


class Computed(NamedTuple):
    """One contrast: its place in the frame of contrasts, and its effect or why it has none."""

    position: int
    numbers: Numbers
    effect: Oriented | Unusable


def computed(
    rows: pd.DataFrame,
    outcome: str | None = None,
    measure: Measure | None = None,
    variance: SmdVariance = "LS",
) -> Iterator[Computed]:
    """Compute the effect of each contrast of one outcome (by default of all).

    Parameters
    ----------
    rows : pandas.DataFrame
        Contrasts with the columns of our outcome table.
    outcome : str, optional
        A word of its column ``outcome``.
    measure : str, optional
        One measure for all; by default each contrast's own.
    variance : str
        Formula of the variance of g.

    Yields
    ------
    Computed
        In the order of `rows`.

    Raises
    ------
    InputError
        If the outcome or the measure is unknown.
    """
    if measure is not None:
        check_measure(measure)
    if outcome is not None:
        known("outcome", [outcome], rows["outcome"])
    numbers = rows[list(Numbers.__slots__)].itertuples(index=False)
    for position, (word, row) in enumerate(zip(rows["outcome"], numbers, strict=True)):
        if outcome in {None, word}:
            one = Numbers.of(row)
            wanted = measure or own_measure(one)
            yield Computed(position, one, oriented_effect(one, wanted, variance=variance))


def own_measure(numbers: Numbers) -> Measure:
    """Return what a contrast reports: SMD of means, OR of events, or the measure it names."""
    if numbers.has("mean_e", "mean_c"):
        return "SMD"
    if numbers.has("events_e", "events_c"):
        return "OR"
    return REPORTED_AS[numbers.effect_measure]


def effect_frame(rows: pd.DataFrame, found: Iterator[Computed]) -> pd.DataFrame:
    """Put the contrasts that have an effect, and the effect, into one frame."""
    kept = [(c.position, c.effect) for c in found if isinstance(c.effect, Oriented)]
    effects = [effect for _, effect in kept]
    frame = rows.iloc[[position for position, _ in kept]].reset_index(drop=True)
    columns = ("measure", "yi", "vi", "converted", "derivation")
    new = {name: [getattr(effect, name) for effect in effects] for name in columns}
    types = {"yi": float, "vi": float, "converted": bool}
    return pd.concat([frame, pd.DataFrame(new).astype(types)], axis=1)


def absence_frame(rows: pd.DataFrame, found: Iterator[Computed]) -> pd.DataFrame:
    """List the contrasts without an effect: lines, label, reason."""
    lost = [
        (rows["lines"].iloc[c.position], rows["label"].iloc[c.position], c.effect.reason)
        for c in found
        if isinstance(c.effect, Unusable)
    ]
    return pd.DataFrame(lost, columns=["lines", "label", "reason"])
