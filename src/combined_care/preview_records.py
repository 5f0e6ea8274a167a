"""The records of what a new trial changes, and how they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from combined_care.markup import bullets, join, number, paragraph, table
from combined_care.results import Absent, Number, Result, is_present
from combined_care.scales import measure_name, natural


@dataclass(frozen=True, eq=False, kw_only=True)
class RowEffect(Result):
    """The effect of one row of outcomes, or the reason why it has none.

    Attributes
    ----------
    row_id, outcome, comparator : str
        Which row.
    fate : str
        What becomes of it in the primary analyses; see :data:`combined_care.ledger.Fate`.
    measure : str
        Measure of the effect; empty without one.
    yi, vi, ci_lb, ci_ub : float or Absent
        Effect, its sampling variance and 95 % interval: logs for ratios, positive in favour of
        the experimental arm.
    derivation : str
        The formula with the numbers put in.
    """

    caption: ClassVar[str] = "Effect of a row"

    row_id: str
    outcome: str
    comparator: str
    fate: str
    measure: str
    yi: Number
    vi: Number
    ci_lb: Number
    ci_ub: Number
    derivation: str

    def __str__(self) -> str:
        name = f"{self.row_id} ({self.outcome} against {self.comparator.replace('_', ' ')})"
        if isinstance(self.yi, Absent):
            return f"{name}: no effect: {self.yi.reason}"
        scale = natural(self.measure)
        shown = [number(scale(value)) for value in (self.yi, self.ci_lb, self.ci_ub)]
        effect = f"{measure_name(self.measure)} {shown[0]} (95 % CI {shown[1]} to {shown[2]})"
        return f"{name}: {effect}; {self.derivation}; {self.fate.replace('_', ' ')}"


@dataclass(frozen=True, eq=False, kw_only=True)
class AnalysisPreview(Result):
    """One analysis that would pool the new trial, before and after.

    Attributes
    ----------
    claim, text, analysis, title, role, measure : str
        Which analysis of which claim; `text` is the sentence of the claim.
    k_before, k_after : int
        Trials.
    estimate_before, ci_lb_before, ci_ub_before, estimate_after, ci_lb_after, ci_ub_after
        Pooled effect with its interval (float; logs for ratios), or why there is none (Absent).
    pval_before, pval_after : float or Absent
        Test of the moderator, in analyses that are about one.
    label_before, label_after : str
        Label of the analysis.
    verdict_before, verdict_after : str
        Label of the claim.
    """

    caption: ClassVar[str] = "An analysis before and after"

    claim: str
    text: str
    analysis: str
    title: str
    role: str
    measure: str
    k_before: int
    k_after: int
    estimate_before: Number
    ci_lb_before: Number
    ci_ub_before: Number
    estimate_after: Number
    ci_lb_after: Number
    ci_ub_after: Number
    pval_before: Number
    pval_after: Number
    label_before: str
    label_after: str
    verdict_before: str
    verdict_after: str

    @property
    def flipped(self) -> bool:
        """Whether the verdict of the claim changes."""
        return self.verdict_before != self.verdict_after

    @property
    def change(self) -> str:
        """Estimate before and after, or the p value of the moderator; as text."""
        return " → ".join(dict.fromkeys(self._side(side) for side in ("before", "after")))

    @property
    def labels(self) -> str:
        """Label of the analysis before and after, once where it stays."""
        return _arrow(self.label_before, self.label_after)

    @property
    def verdicts(self) -> str:
        """Verdict of the claim before and after, once where it stays."""
        return _arrow(self.verdict_before, self.verdict_after)

    def __str__(self) -> str:
        trials = f"k {self.k_before} → {self.k_after}"
        return f"{self.claim}, {self.title}: {trials}; {self.change}; {self.labels}"

    def _side(self, side: str) -> str:
        pval = getattr(self, f"pval_{side}")
        if is_present(pval):
            return f"moderator p {pval:.3f}"
        values = [getattr(self, f"{name}_{side}") for name in ("estimate", "ci_lb", "ci_ub")]
        if not all(map(is_present, values)):
            return "no estimate"
        scale = natural(self.measure)
        shown = [number(scale(value)) for value in values]
        return f"{shown[0]} ({shown[1]} to {shown[2]})"


@dataclass(frozen=True, eq=False, kw_only=True)
class TrialPreview(Result):
    """What a trial would change.

    Attributes
    ----------
    trial_id : str
        The trial.
    effects : tuple of RowEffect
        One a row of outcomes.
    analyses : tuple of AnalysisPreview
        The analyses that would pool it, in the order of the claims.
    """

    caption: ClassVar[str] = "What a new trial changes"

    trial_id: str
    effects: tuple[RowEffect, ...]
    analyses: tuple[AnalysisPreview, ...]

    @property
    def flipped(self) -> tuple[str, ...]:
        """The claims whose verdict changes."""
        return tuple(dict.fromkeys(a.claim for a in self.analyses if a.flipped))

    def __str__(self) -> str:
        if not self.analyses:
            why = dict.fromkeys(effect.fate.replace("_", " ") for effect in self.effects)
            said = f" (its rows: {', '.join(why)})" if why else " (it has no row of outcomes)"
            return f"No analysis of a claim would pool {self.trial_id}{said}."
        claims = len({a.claim for a in self.analyses})
        counted = (
            f"{_count(len(self.analyses), 'analysis', 'analyses')} of {_count(claims, 'claim')}"
        )
        moved = ", ".join(self.flipped) or "none"
        return (
            f"{counted} would pool {self.trial_id}; verdicts that change: {moved}. Verdicts here "
            "rest on the interval and on leaving out one trial; robustness, certainty and networks "
            "are not computed."
        )

    @property
    def report(self) -> str:
        """The sentence, the effects and the analyses, one a line."""
        lines = ["Effects (positive favours the experimental arm)"]
        lines += [f"  {effect}" for effect in self.effects] or ["  no row of outcomes"]
        lines += ["", "What changes", f"  {self}", *(f"  {analysis}" for analysis in self.analyses)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        content = [paragraph(str(self)), bullets(self.effects)]
        if self.analyses:
            rows = [
                (a.claim, a.title, f"{a.k_before} → {a.k_after}", a.change, a.labels, a.verdicts)
                for a in self.analyses
            ]
            header = ("Claim", "Analysis", "Trials", "Estimate", "Label", "Verdict of the claim")
            content.append(table(header, rows, caption=self.caption))
        return join(content)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an analysis."""
        names = ("claim", "analysis", "title", "role", "k_before", "k_after", "estimate_before",
                 "estimate_after", "pval_before", "pval_after", "label_before", "label_after",
                 "verdict_before", "verdict_after")  # fmt: skip
        rows = [[getattr(analysis, name) for name in names] for analysis in self.analyses]
        return pd.DataFrame(rows, columns=list(names))


def _arrow(*labels: str) -> str:
    return " → ".join(label.replace("_", " ") for label in dict.fromkeys(labels))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
