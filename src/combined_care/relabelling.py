"""Many variants of one analysis at once: each pooled, and labelled by the analysis's own rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from combined_care import decisions
from combined_care.results import FloatArray, is_present
from combined_care.synthesis import synthesize_many

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.claims import Kind, Rules
    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult
    from combined_care.inference import Test
    from combined_care.tau2 import Method

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Variants:
    """Labels and estimates of many variants, in their order; all arrays of shape (n,)."""

    labels: list[Label]
    k: npt.NDArray[np.int64]
    estimate: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray


@dataclass(frozen=True, slots=True)
class LabelRule:
    """How an analysis pools trials and labels the interval, whatever the number of trials.

    Attributes
    ----------
    kind : str
        Kind of the analysis; not a moderator.
    smallest : float or None
        Smallest effect of interest on the scale of the analysis; None where there is none.
    method, test, level
        The model, as in :func:`combined_care.synthesis.synthesize`.
    """

    kind: Kind
    smallest: float | None
    method: Method
    test: Test
    level: float

    @classmethod
    def of(cls, result: AnalysisResult, rules: Rules) -> Self:
        """Return the rule that an analysis was labelled by."""
        smallest = result.smallest_effect if is_present(result.smallest_effect) else None
        return cls(result.analysis.kind, smallest, rules.method, rules.test, rules.level)

    def label(self, outer: Interval, inner: Interval) -> Label:
        """Label one interval.

        Parameters
        ----------
        outer, inner : tuple of float
            Confidence intervals of level ``level`` and ``2 * level - 1``; the inner one decides
            only about equivalence.
        """
        if self.kind == "superiority" or self.smallest is None:
            return decisions.superiority(*outer, self.smallest)
        if self.kind == "meaningful":
            return decisions.meaningful(*outer, self.smallest)
        return decisions.equivalence(inner, outer, self.smallest)

    def many(
        self, yi: npt.ArrayLike, vi: npt.ArrayLike, mask: npt.ArrayLike | None = None
    ) -> Variants:
        """Pool and label many variants; arguments as in ``synthesize_many``."""
        table = synthesize_many(
            yi, vi, mask=mask, method=self.method, test=self.test, level=self.level
        )
        outer = _bounds(table["ci_lb"].to_numpy(), table["ci_ub"].to_numpy())
        inner = outer
        if self.kind == "equivalence":
            level = 2 * self.level - 1
            narrow = synthesize_many(
                yi, vi, mask=mask, method=self.method, test=self.test, level=level
            )
            inner = _bounds(narrow["ci_lb"].to_numpy(), narrow["ci_ub"].to_numpy())
        pairs = zip(outer.tolist(), inner.tolist(), strict=True)
        return Variants(
            labels=[self.label((a[0], a[1]), (b[0], b[1])) for a, b in pairs],
            k=table["k"].to_numpy(),
            estimate=table["estimate"].to_numpy(),
            ci_lb=outer[:, 0],
            ci_ub=outer[:, 1],
        )


def _bounds(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return intervals of shape (n, 2); an absent one excludes nothing."""
    absent = np.isnan(lower) | np.isnan(upper)
    return np.column_stack([np.where(absent, -np.inf, lower), np.where(absent, np.inf, upper)])
