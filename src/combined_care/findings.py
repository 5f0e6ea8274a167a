"""What a verdict is made of: the result of each analysis, its checks and its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from combined_care.results import Absent, Number, rounded
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from combined_care.certainty import Certainty
    from combined_care.claims import Analysis
    from combined_care.crosscheck import CrossCheck
    from combined_care.decisions import Label
    from combined_care.estimands import Selection
    from combined_care.level_tests import LevelRegression
    from combined_care.moderators import Subgroups
    from combined_care.robustness import Robustness


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a label was given: a code and values for machines, a sentence for readers."""

    code: str
    sentence: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of the decision rule; ``passed`` is None when it was not computed."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class SensitivityResult:
    """The same analysis with one choice changed."""

    id: str
    title: str
    k: int
    fit: Synthesis | Absent
    label: Label


@dataclass(frozen=True, slots=True)
class ModeratorResult:
    """A moderator analysis: the levels that were tested, and those that were too small.

    Attributes
    ----------
    name : str
        The trial column.
    fit : Subgroups, LevelRegression or Absent
        Levels with enough trials, one common tau2; a cluster-robust regression where a trial
        stands in several levels.
    counts : pandas.DataFrame
        Every level with its number of trials and whether it was tested.
    confounding : pandas.DataFrame
        Trials by level (rows) and diagnosis (columns).
    adjusted : LevelRegression or Absent
        The same levels with the diagnosis held constant, where the data separate the two.
    """

    name: str
    fit: Subgroups | LevelRegression | Absent
    counts: pd.DataFrame
    confounding: pd.DataFrame
    adjusted: LevelRegression | Absent

    def to_dict(self) -> dict[str, Any]:
        """Return the number of levels and the p values, as far as there are any."""
        if isinstance(self.fit, Absent):
            return {}
        record = {"levels": len(self.fit.levels), "moderator_pval": rounded(self.fit.f_pval)}
        if not isinstance(self.adjusted, Absent):
            record["adjusted_pval"] = rounded(self.adjusted.f_pval)
        return record


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """One analysis of a claim, with everything a reader needs to check its label."""

    analysis: Analysis
    label: Label
    selection: Selection
    fit: Synthesis | Absent
    second_opinion: CrossCheck | Absent
    smallest_effect: Number
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
    sensitivities: tuple[SensitivityResult, ...]
    leave_one_out: pd.DataFrame
    moderator: ModeratorResult | None
    certainty: Certainty | Absent
    robustness: Robustness | Absent

    @property
    def effects(self) -> pd.DataFrame:
        """The pooled effects, one row a trial."""
        return self.selection.effects

    @property
    def not_pooled(self) -> pd.DataFrame:
        """Rows of the question that are shown, never pooled, each with its reason."""
        return self.selection.left_out

    @property
    def k(self) -> int:
        """Number of trials with a pooled effect, each counted once."""
        return int(self.effects["trial_id"].nunique())

    @property
    def n(self) -> int:
        """People in the trials that report arm sizes; a combined arm shared by rows counts once."""
        sizes = self.effects.dropna(subset=["n"]).groupby("trial_id")
        return int(sizes["n_e"].max().sum() + sizes["n_c"].sum().sum())

    @property
    def people(self) -> str:
        """People analysed in words: the trials without arm sizes are named, not filled in."""
        known = int(self.effects.dropna(subset=["n"])["trial_id"].nunique())
        if known == self.k:
            return f"{self.n:,}"
        rest = self.effects.loc[self.effects["n"].isna(), "n_randomised"]
        randomised = int(rest.sum())
        more = f"; the others randomised {randomised:,} in all their arms" if randomised else ""
        return f"{self.n:,} in the {known} of {self.k} trials that report arm sizes{more}"

    @property
    def interval_is_narrow(self) -> bool:
        """Whether the Knapp-Hartung interval is narrower than the normal one.

        That happens when few trials agree by chance; readers then need the conservative interval
        beside it (Roever, Knapp & Friede 2015, doi:10.1186/s12874-015-0091-1).
        """
        if not isinstance(self.fit, Synthesis) or self.fit.test != "knha":
            return False
        plain, normal = self.fit.inference("knha"), self.fit.inference("z")
        ends = (plain.ci_lb, plain.ci_ub, normal.ci_lb, normal.ci_ub)
        if any(isinstance(end, Absent) for end in ends):
            return False
        return plain.ci_lb > normal.ci_lb and plain.ci_ub < normal.ci_ub  # type: ignore[operator]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers of the analysis as plain JSON types; what is absent is left out."""
        record: dict[str, Any] = {
            "analysis": self.analysis.id,
            "title": self.analysis.title,
            "role": self.analysis.role,
            "verdict": self.label,
            "k": self.k,
            "n": self.n,
        }
        if isinstance(self.fit, Synthesis):
            record["measure"] = self.analysis.estimand.wanted_measure
            record |= _numbers(self.fit)
            if self.interval_is_narrow:
                careful = self.fit.inference("knha-conservative")
                record["conservative_ci_lb"] = rounded(careful.ci_lb)
                record["conservative_ci_ub"] = rounded(careful.ci_ub)
        if self.moderator is not None:
            record |= self.moderator.to_dict()
        record |= graded_record(self.certainty, self.robustness)
        record["trials"] = list(self.effects["trial_id"])
        return record


def graded_record(certainty: Certainty | Absent, robustness: Robustness | Absent) -> dict[str, Any]:
    """Return certainty and agreement of the multiverse for machines; what is absent is left out."""
    record: dict[str, Any] = {}
    if not isinstance(certainty, Absent):
        record["certainty"] = certainty.record()
    if not isinstance(robustness, Absent):
        record["multiverse"] = {
            "agree": rounded(robustness.agree),
            "n": robustness.n,
            "n_estimable": robustness.n_estimable,
            "labels": dict(robustness.labels),
        }
    return record


def _numbers(fit: Synthesis) -> dict[str, Any]:
    names = (
        *("estimate", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "pval", "tau2"),
        *("tau2_ci_lb", "tau2_ci_ub", "i2", "q", "q_df", "q_pval"),
    )
    found = {name: getattr(fit, name) for name in names}
    return {k: rounded(v) for k, v in found.items() if not isinstance(v, Absent)}
