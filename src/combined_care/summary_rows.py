"""Rows of a Summary of Findings: what one analysis found, in numbers, people and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.results import Absent, Number, Result

if TYPE_CHECKING:
    from combined_care.event_rates import AbsoluteEffect
    from combined_care.overlap import Proportion
    from combined_care.translation import NumberNeeded


@dataclass(frozen=True, eq=False, kw_only=True)
class SummaryRow(Result):
    """What one analysis found.

    Attributes
    ----------
    analysis, role, question : str
        Id, role and title of the analysis.
    comparator : str
        What the experimental arm was compared with, in words.
    k, n : int
        Trials, and people in those that report arm sizes.
    measure : str
        Measure of the effect, e.g. ``SMD``.
    estimate, ci_lb, ci_ub, pi_lb, pi_ub : float or Absent
        Effect with its confidence and prediction interval on the scale that readers know: ratios
        are taken out of their logs. Above 0 (ratios: above 1) favours the experimental arm.
    event : str
        What happens to the people counted: an outcome that is an event; empty where nobody is
        counted.
    absolute, absolute_new : AbsoluteEffect or Absent
        How many have the event in either arm, with the confidence interval, and with the
        prediction interval.
    rate_basis : str
        Where the comparator's rate comes from.
    needed : NumberNeeded or Absent
        Number needed to treat.
    above_mean, superiority : Proportion or Absent
        For standardised differences: people of the experimental arm who fare better than the
        comparator's mean, and pairs in which they fare better.
    careful : AbsoluteEffect or None
        As `absolute`, with the conservative interval; only where the usual interval is narrower
        than the normal one, which few trials that agree by chance can bring about.
    certainty : str or Absent
        Level of certainty.
    per : int
        People that the sentence and the frame count among.
    sentence : str
        All of it in plain words.
    """

    caption = "Summary of findings, one analysis"

    analysis: str
    role: str
    question: str
    comparator: str
    k: int
    n: int
    measure: str
    estimate: Number
    ci_lb: Number
    ci_ub: Number
    pi_lb: Number
    pi_ub: Number
    event: str
    absolute: AbsoluteEffect | Absent
    absolute_new: AbsoluteEffect | Absent
    careful: AbsoluteEffect | None
    rate_basis: str
    needed: NumberNeeded | Absent
    above_mean: Proportion | Absent
    superiority: Proportion | Absent
    certainty: str | Absent
    per: int
    sentence: str

    def __str__(self) -> str:
        return self.sentence

    def to_frame(self) -> pd.DataFrame:
        """Return one row; rates and their differences are people among `per`."""
        names = (
            *("analysis", "role", "question", "comparator", "k", "n", "measure"),
            *("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "event"),
        )
        row: dict[str, Any] = {name: getattr(self, name) for name in names}
        row |= self._people("", self.absolute) | self._people("new_", self.absolute_new)
        row |= {
            "rate_basis": self.rate_basis,
            "nnt": self.needed if isinstance(self.needed, Absent) else str(self.needed),
            "above_mean": self._proportion(self.above_mean),
            "superiority": self._proportion(self.superiority),
            "certainty": self.certainty,
            "sentence": self.sentence,
        }
        return pd.DataFrame([row])

    def _people(self, prefix: str, found: AbsoluteEffect | Absent) -> dict[str, Number]:
        """Return the people with the event in either arm, and how many fare better."""
        names = {
            "with": "experimental_rate",
            "with_lb": "rate_ci_lb",
            "with_ub": "rate_ci_ub",
            "better": "benefit",
            "better_lb": "benefit_ci_lb",
            "better_ub": "benefit_ci_ub",
        }
        if prefix:  # the prediction interval shares the rates with the confidence interval
            names = {k: v for k, v in names.items() if k.endswith(("_lb", "_ub"))}
        else:
            names = {"without": "comparator_rate", **names}
        return {
            f"{prefix}{name}": found if isinstance(found, Absent) else self.per * getattr(found, at)
            for name, at in names.items()
        }

    def _proportion(self, found: Proportion | Absent) -> Number:
        return found if isinstance(found, Absent) else self.per * found.estimate


@dataclass(frozen=True, eq=False, kw_only=True)
class FindingsSummary(Result):
    """What the analyses of a claim found.

    Attributes
    ----------
    rows : tuple of SummaryRow
        One an analysis that estimates an effect.
    compared : tuple of str
        Titles of the analyses that compare levels instead, which have no single effect.
    per : int
        People that are counted among.
    """

    caption = "Summary of findings"

    rows: tuple[SummaryRow, ...]
    compared: tuple[str, ...]
    per: int

    def __str__(self) -> str:
        return " ".join(f"{row.question[0].upper()}{row.question[1:]}: {row}" for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an analysis, with the columns of :meth:`SummaryRow.to_frame`."""
        frames = [row.to_frame() for row in self.rows]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
