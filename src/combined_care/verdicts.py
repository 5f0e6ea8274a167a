"""From a claim and the evidence to a verdict: every number computed here, every reason recorded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care import decisions, labels, markup, reasons
from combined_care.claims import Analysis, Claim, Rules, estimand_of
from combined_care.crosscheck import cross_check
from combined_care.findings import (
    LATER,
    AnalysisResult,
    Check,
    ModeratorResult,
    Reason,
    SensitivityResult,
)
from combined_care.level_regression import LevelRegression, level_regression
from combined_care.moderators import Subgroups, subgroups
from combined_care.results import Absent, Number
from combined_care.synthesis import Synthesis, synthesize

if TYPE_CHECKING:
    from combined_care.decisions import Label
    from combined_care.estimands import Selection
    from combined_care.evidence import Evidence

NOT_YET = Absent(LATER)
_REPEATED = (
    "trials with several comparators would enter with the same combined arm more than once; "
    "their effects are compared, never pooled"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says about one claim.

    Attributes
    ----------
    claim : Claim
        The claim with its analyses.
    label : str
        One of the labels of :mod:`combined_care.decisions`.
    results : tuple of AnalysisResult
        One a pre-specified analysis, in the order of the registry.
    reasons : tuple of Reason
        Why the label was given.
    certainty, robustness : Absent
        Not computed in this version.
    """

    claim: Claim
    label: Label
    results: tuple[AnalysisResult, ...]
    reasons: tuple[Reason, ...]
    certainty: Absent = NOT_YET
    robustness: Absent = NOT_YET

    @property
    def fit(self) -> Synthesis | Absent:
        """The fit of the first decisive analysis."""
        for result in self.decisive:
            return result.fit
        return Absent(self.claim.reason or "the claim has no analysis")

    @property
    def decisive(self) -> tuple[AnalysisResult, ...]:
        """The analyses that the verdict rests on."""
        return tuple(r for r in self.results if r.analysis.role == "decisive")

    @property
    def checks(self) -> tuple[Check, ...]:
        """The conditions of the decision rule, of all decisive analyses in their order."""
        return tuple(check for result in self.decisive for check in result.checks)

    def __str__(self) -> str:
        why = " ".join(str(reason) for reason in self.reasons)
        return f"{self.claim.id}: {self.label.replace('_', ' ')}. {why}"

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain JSON types, in a stable order."""
        return {
            "id": self.claim.id,
            "set": self.claim.set,
            "text": self.claim.text,
            "verdict": self.label,
            "estimates": [result.to_dict() for result in self.results],
            "reasons": [
                {"code": r.code, **dict(r.values), "text": r.sentence} for r in self.reasons
            ],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row an analysis: label, k, n, estimate and intervals."""
        rows = []
        for result in self.results:
            row: dict[str, Any] = {
                "analysis": result.analysis.title,
                "role": result.analysis.role,
                "verdict": result.label,
                "k": result.k,
                "n": result.n,
            }
            fit = result.fit
            names = ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "tau2", "i2")
            for name in names:
                row[name] = getattr(fit, name) if isinstance(fit, Synthesis) else fit
            rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        rows = [tuple(markup.number(value) for value in row) for row in frame.to_numpy()]
        title = f"{self.claim.id}: {self.label.replace('_', ' ')}"
        header = tuple(str(name) for name in frame.columns)
        return markup.paragraph(str(self)) + markup.table(header, rows, caption=title)


def judge(claim: Claim, evidence: Evidence) -> Verdict:
    """Judge a claim by the analyses and rules that were fixed for it.

    Parameters
    ----------
    claim : Claim
        From :func:`combined_care.claims.load_claims`.
    evidence : Evidence
        From :func:`combined_care.evidence.load_evidence`.

    Returns
    -------
    Verdict
        The label with its reasons and every analysis.

    Raises
    ------
    InputError
        If the claim names a column or value that the data do not know.

    Notes
    -----
    With several decisive analyses (comparators, say) the claim stands as far as the weakest of
    them. A claim that the evidence is mixed is judged by disorder.
    """
    if not claim.testable:
        reason = Reason("not_testable", claim.reason, {})
        return Verdict(claim, "not_testable", (), (reason,))
    results = tuple(_judge_analysis(a, claim.rules, evidence) for a in claim.analyses)
    decisive = [r for r in results if r.analysis.role == "decisive"]
    if claim.kind == "uncertainty":
        label, reasons = _judge_uncertainty(decisive)
    else:
        label = decisions.weakest(r.label for r in decisive)
        reasons = tuple(reason for r in decisive for reason in r.reasons)
    return Verdict(claim, label, results, reasons)


def _judge_uncertainty(decisive: list[AnalysisResult]) -> tuple[Label, tuple[Reason, ...]]:
    groups: dict[str, list[AnalysisResult]] = defaultdict(list)
    for result in decisive:
        groups[result.analysis.group].append(result)
    labels = {name: decisions.weakest(r.label for r in found) for name, found in groups.items()}
    reasons = [
        Reason(
            "group",
            f"{name[0].upper() + name[1:]}: {label.replace('_', ' ')}.",
            {"group": name, "verdict": label},
        )
        for name, label in labels.items()
    ]
    for found in groups.values():
        reasons += [reason for result in found for reason in result.reasons]
    return decisions.uncertainty(labels.values()), tuple(reasons)


def _judge_analysis(analysis: Analysis, rules: Rules, evidence: Evidence) -> AnalysisResult:
    selection = evidence.select(analysis.estimand)
    fit = pool(selection.effects, rules)
    smallest = labels.smallest_effect_on(analysis.estimand.wanted_measure, selection.effects, rules)
    moderator = _moderator(analysis, selection, rules) if analysis.kind == "moderator" else None
    loo = _leave_one_out(analysis, selection, rules, smallest)
    label = labels.label_of(analysis, fit, moderator, rules, smallest)
    if label == "supported" and analysis.kind != "moderator" and not _survives(loo):
        label = "fragile"
    return AnalysisResult(
        analysis=analysis,
        label=label,
        selection=selection,
        fit=fit,
        second_opinion=fit if isinstance(fit, Absent) else cross_check(fit),
        smallest_effect=smallest,
        reasons=(reasons.reason(analysis, label, fit, moderator, rules),),
        checks=reasons.checks(analysis, fit, moderator, rules, smallest, loo),
        sensitivities=_sensitivities(analysis, rules, evidence),
        leave_one_out=loo,
        moderator=moderator,
    )


def pool(effects: pd.DataFrame, rules: Rules) -> Synthesis | Absent:
    """Pool effects by the model that all claims share.

    Parameters
    ----------
    effects : pandas.DataFrame
        One row a trial, as :meth:`combined_care.evidence.Evidence.effects` gives them.
    rules : Rules
        Names the model.

    Returns
    -------
    Synthesis or Absent
        Absent without a trial, or where a trial stands in several rows.
    """
    if effects.empty:
        return Absent("no trial with usable numbers")
    if effects["trial_id"].duplicated().any():
        return Absent(_REPEATED)
    return synthesize(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        method=rules.method,
        test=rules.test,
        level=rules.level,
        slab=tuple(effects["label"]),
    )


def _moderator(analysis: Analysis, selection: Selection, rules: Rules) -> ModeratorResult:
    effects, column = selection.effects, analysis.moderator
    values = effects[column].astype(str)
    levels = analysis.levels or tuple(sorted(values.unique()))
    sizes = values.value_counts()
    counts = pd.DataFrame(
        [
            {
                "level": level or "not recorded",
                "k": int(sizes.get(level, 0)),
                "tested": level in levels
                and int(sizes.get(level, 0)) >= rules.min_trials_per_level,
            }
            for level in dict.fromkeys([*levels, *sorted(sizes.index)])
        ]
    )
    table = pd.crosstab(values, effects["diagnosis"])
    tested = list(counts.loc[counts["tested"], "level"])
    if len(tested) < 2:
        few = Absent(f"fewer than 2 levels with at least {rules.min_trials_per_level} trials each")
        return ModeratorResult(column, few, counts, table, few)
    inside = effects[values.isin(tested)].assign(level=values)
    fit, adjusted = _fit_levels(inside, rules), _adjusted(column, inside, rules)
    return ModeratorResult(column, fit, counts, table, adjusted)


def _fit_levels(effects: pd.DataFrame, rules: Rules) -> Subgroups | LevelRegression | Absent:
    """Compare levels; trials that stand in several of them are told apart by their cluster."""
    if effects["trial_id"].duplicated().any():
        return _level_regression(effects, rules, cluster=effects["trial_id"].to_numpy())
    return subgroups(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        effects["level"].to_numpy(),
        tau="common",
        method=rules.method,
        test=rules.test,
        level=rules.level,
        slab=tuple(effects["label"]),
    )


def _adjusted(column: str, effects: pd.DataFrame, rules: Rules) -> LevelRegression | Absent:
    """Compare the same levels with the diagnosis held constant."""
    if column == "diagnosis":
        return Absent("the moderator is the diagnosis itself")
    if effects["diagnosis"].nunique() < 2:
        return Absent("all trials are of one diagnosis")
    more: dict[str, Any] = {"by": effects["diagnosis"].to_numpy(), "by_name": "diagnosis"}
    if effects["trial_id"].duplicated().any():
        more["cluster"] = effects["trial_id"].to_numpy()
    return _level_regression(effects, rules, **more)


def _level_regression(effects: pd.DataFrame, rules: Rules, **more: Any) -> LevelRegression | Absent:
    return level_regression(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        effects["level"].to_numpy(),
        method=rules.method,
        test=rules.test,
        level=rules.level,
        slab=tuple(effects["label"] + " " + effects["comparator"]),
        **more,
    )


def _leave_one_out(
    analysis: Analysis, selection: Selection, rules: Rules, smallest: Number
) -> pd.DataFrame:
    """Refit without each trial in turn; the label ignores the minimum number of trials."""
    columns = ["trial_id", "label", "k", "estimate", "ci_lb", "ci_ub", "verdict"]
    effects = selection.effects
    if len(effects) < 3 or analysis.kind == "moderator":
        return pd.DataFrame(columns=columns)
    rows = []
    for position, left_out in enumerate(effects.itertuples(index=False)):
        fit = pool(effects.drop(index=position), rules)
        if isinstance(fit, Absent):
            continue
        label = labels.interval_label(analysis, fit, rules, smallest)
        lower, upper = labels.bounds(fit)
        rows.append((left_out.trial_id, left_out.label, fit.k, fit.estimate, lower, upper, label))
    return pd.DataFrame(rows, columns=columns)


def _survives(leave_one_out: pd.DataFrame) -> bool:
    return bool((leave_one_out["verdict"] == "supported").all())


def _sensitivities(
    analysis: Analysis, rules: Rules, evidence: Evidence
) -> tuple[SensitivityResult, ...]:
    found = []
    for item in rules.sensitivity:
        if item.applies_to and item.applies_to != analysis.estimand.outcome:
            continue
        changed = estimand_of(item.change)
        parts = {name: getattr(changed, name) for name in item.change}
        estimand = replace(analysis.estimand, **parts)
        selection = evidence.select(estimand)
        fit = pool(selection.effects, rules)
        moderator = _moderator(analysis, selection, rules) if analysis.moderator else None
        smallest = labels.smallest_effect_on(estimand.wanted_measure, selection.effects, rules)
        label = labels.label_of(analysis, fit, moderator, rules, smallest)
        found.append(SensitivityResult(item.id, item.title, len(selection.effects), fit, label))
    return tuple(found)
