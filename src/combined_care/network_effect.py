"""One relative effect of a network: its estimate, interval and test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from combined_care.inference import critical, lower_tail
from combined_care.results import FloatArray, Result

#: Columns of a table of effects, after the names of what is compared.
EFFECT_COLUMNS = ("estimate", "se", "ci_lb", "ci_ub", "stat", "pval")


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkEffect(Result):
    """The effect of one treatment against another, from the whole network.

    Attributes
    ----------
    treatment, against : str
        What is compared; a positive estimate favours `treatment`.
    estimate, se, ci_lb, ci_ub : float
        Effect, standard error and confidence limits.
    stat, pval : float
        Estimate over standard error, and the two-sided p value of no effect.
    level : float
        Level of the interval.
    """

    caption = "Relative effect"

    treatment: str
    against: str
    estimate: float
    se: float
    ci_lb: float
    ci_ub: float
    stat: float
    pval: float
    level: float

    def __str__(self) -> str:
        return (
            f"{self.treatment} against {self.against}: {self.estimate:.2f}, "
            f"{100 * self.level:g} % CI {self.ci_lb:.2f} to {self.ci_ub:.2f}."
        )


def network_effect(
    treatment: str, against: str, estimate: float, variance: float, *, df: float, level: float
) -> NetworkEffect:
    """Make the record of one effect from its estimate and `variance` (t with `df`, or normal)."""
    values = infer(np.array([estimate]), np.array([variance]), df=df, level=level)
    numbers = {name: float(column[0]) for name, column in values.items()}
    return NetworkEffect(treatment=treatment, against=against, level=level, **numbers)


def infer(
    estimate: FloatArray, variance: FloatArray, *, df: float, level: float
) -> dict[str, FloatArray]:
    """Return the columns of :data:`EFFECT_COLUMNS` for estimates with the same degrees of freedom.

    An effect that is 0 by definition (a treatment against itself) has p = 1.
    """
    se = np.sqrt(np.maximum(variance, 0.0))
    dfs = np.array([df])
    half = critical(dfs, level) * se
    stat = np.divide(estimate, se, out=np.zeros(se.shape), where=se > 0.0)
    pval = 2.0 * lower_tail(dfs, -np.abs(stat))
    columns = (estimate, se, estimate - half, estimate + half, stat, pval)
    return dict(zip(EFFECT_COLUMNS, columns, strict=True))
