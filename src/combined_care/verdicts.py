"""From a claim and the evidence to a verdict: every number computed here, every reason recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care import decisions, labels, markup, reasons
from combined_care.certainty import Certainty, apply_overrides, lowest
from combined_care.certainty_assessment import assess
from combined_care.choices import LEFT_OUT
from combined_care.claim_labels import claim_label, group_labels
from combined_care.crosscheck import cross_check
from combined_care.findings import (
    AnalysisResult,
    Check,
    Reason,
    SensitivityResult,
    graded_record,
)
from combined_care.level_findings import compare_levels
from combined_care.multiverse_table import multiverse
from combined_care.results import Absent, Number
from combined_care.robustness import summarise
from combined_care.synthesis import Synthesis, synthesize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.claims import Analysis, Claim, Rules
    from combined_care.decisions import Label
    from combined_care.estimands import Selection
    from combined_care.evidence import Evidence
    from combined_care.robustness import Robustness

_NO_MULTIVERSE = Absent("no multiverse.yaml beside the claims declares the choices")
_NO_CRITERIA = Absent("no certainty.yaml beside the claims states the rules")
_NOT_TESTABLE = Absent("the claim cannot be tested")
_NOT_EXPLORED = Absent("only analyses that the verdict rests on are explored")
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
    certainty : Certainty or Absent
        That of the least certain decisive analysis.
    robustness : Robustness or Absent
        How many other defensible analyses of the claim say the same.
    specifications : pandas.DataFrame or Absent
        Every specification behind `robustness`, from
        :func:`combined_care.multiverse_table.multiverse`.
    """

    claim: Claim
    label: Label
    results: tuple[AnalysisResult, ...]
    reasons: tuple[Reason, ...]
    certainty: Certainty | Absent
    robustness: Robustness | Absent
    specifications: pd.DataFrame | Absent

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
            **self._graded(),
            "estimates": [result.to_dict() for result in self.results],
            "reasons": [
                {"code": r.code, **dict(r.values), "text": r.sentence} for r in self.reasons
            ],
        }

    def _graded(self) -> dict[str, Any]:
        record = graded_record(self.certainty, self.robustness)
        if "certainty" in record:  # the domains stand with the analysis that they belong to
            record["certainty"] = record["certainty"]["level"]
        return record

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

    Examples
    --------
    >>> import combined_care as cc
    >>> claims, evidence = cc.load_claims(), cc.load_evidence()
    >>> verdict = judge(claims["ocd-combined"], evidence)
    >>> print(verdict)
    ocd-combined: ... Adults and children together, against medication alone: ...

    The verdict rests on the decisive analyses; a claim that trials cannot test says so:

    >>> [result.analysis.id for result in verdict.results if result.analysis.role == "decisive"]
    ['pharmacotherapy']
    >>> judge(claims["access-cost"], evidence).label
    'not_testable'
    """
    if not claim.testable:
        reason = Reason("not_testable", claim.reason, {})
        none = _NOT_TESTABLE
        return Verdict(claim, "not_testable", (), (reason,), none, none, none)
    results = [_judge_analysis(a, claim, evidence) for a in claim.analyses]
    table, robustness = _explored(claim, evidence)
    results = [_graded(result, claim.rules, table, robustness) for result in results]
    decisive = [r for r in results if r.analysis.role == "decisive"]
    labels = {r.analysis.id: r.label for r in decisive}
    return Verdict(
        claim=claim,
        label=claim_label(claim, labels),
        results=tuple(results),
        reasons=(
            *_group_reasons(claim, labels),
            *(reason for r in _in_groups(decisive) for reason in r.reasons),
        ),
        certainty=lowest(r.certainty for r in decisive),
        robustness=robustness.get(claim.id, _NO_MULTIVERSE),
        specifications=_NO_MULTIVERSE if table is None else table,
    )


def _explored(
    claim: Claim, evidence: Evidence
) -> tuple[pd.DataFrame | None, dict[str, Robustness]]:
    """Return the specifications of the decisive analyses, and what they add up to."""
    choices = claim.rules.choices
    if choices is None:
        return None, {}
    table = multiverse(claim, evidence, choices=choices)
    return table, summarise(table, claim, choices)


def _graded(
    result: AnalysisResult,
    rules: Rules,
    table: pd.DataFrame | None,
    robustness: dict[str, Robustness],
) -> AnalysisResult:
    """Let agreement, certainty and removals say how firmly an analysis supports the claim."""
    if result.analysis.role != "decisive":
        return replace(result, robustness=_NOT_EXPLORED)
    found = robustness.get(result.analysis.id, _NO_MULTIVERSE)
    is_moderator = result.analysis.kind == "moderator"
    removals = _removals(result, table) if is_moderator else None
    label = decisions.graded(
        result.label,
        survives=not removals if removals is not None else _survives(result.leave_one_out),
        agree=None if isinstance(found, Absent) else found.agree,
        predicted=_predicted(result.fit) and not is_moderator,
        certain=isinstance(result.certainty, Certainty)
        and result.certainty.at_least(rules.certain_enough),
        thresholds=(rules.agree_fragile, rules.agree_strongly),
    )
    more = reasons.graded_checks(found, result.certainty, removals, rules)
    why = tuple(replace(r, values={**r.values, "verdict": label}) for r in result.reasons)
    return replace(
        result, label=label, robustness=found, checks=(*result.checks, *more), reasons=why
    )


def _predicted(fit: Synthesis | Absent) -> bool:
    """Tell whether the prediction interval lies above no effect."""
    return isinstance(fit, Synthesis) and not isinstance(fit.pi_lb, Absent) and fit.pi_lb > 0


def _removals(result: AnalysisResult, table: pd.DataFrame | None) -> tuple[str, ...]:
    """Name the trials without which the primary moderator analysis has another label."""
    if table is None:
        return ()
    own = table[table["analysis"] == result.analysis.id]
    primary = own[own["is_primary"]].iloc[0]
    names = list(own.columns)
    made = names[names.index("specification") + 1 : names.index(LEFT_OUT)]
    same = (own[LEFT_OUT] != "") & (own[made] == primary[made]).all(axis=1)
    changed = own.loc[same & (own["verdict"] != primary["verdict"]), LEFT_OUT]
    labels_of = dict(zip(result.effects["trial_id"], result.effects["label"], strict=True))
    return tuple(labels_of[str(trial)] for trial in changed)


def _group_reasons(claim: Claim, labels: dict[str, Label]) -> Iterator[Reason]:
    """Give each disorder of a claim about several its label."""
    if claim.kind != "uncertainty":
        return
    for name, label in group_labels(claim, labels).items():
        sentence = f"{name[0].upper() + name[1:]}: {label.replace('_', ' ')}."
        yield Reason("group", sentence, {"group": name, "verdict": label})


def _in_groups(decisive: list[AnalysisResult]) -> list[AnalysisResult]:
    """Put the analyses of a disorder together, in the order in which disorders are first named."""
    order = list(dict.fromkeys(r.analysis.group for r in decisive))
    return sorted(decisive, key=lambda r: order.index(r.analysis.group))


def _judge_analysis(analysis: Analysis, claim: Claim, evidence: Evidence) -> AnalysisResult:
    """Judge one analysis by its interval or test alone; :func:`_graded` does the rest."""
    rules = claim.rules
    selection = evidence.select(analysis.estimand)
    fit = pool(selection.effects, rules)
    smallest = labels.smallest_effect_on(analysis.estimand.wanted_measure, selection.effects, rules)
    moderator = compare_levels(analysis, selection, rules) if analysis.kind == "moderator" else None
    loo = _leave_one_out(analysis, selection, rules, smallest)
    label = labels.label_of(analysis, fit, moderator, rules, smallest)
    certainty: Certainty | Absent = _NO_CRITERIA
    if rules.criteria is not None:
        rated = assess(analysis, selection, fit, moderator, smallest, rules.criteria)
        certainty = apply_overrides(rated, claim.overrides, claim=claim.id, analysis=analysis.id)
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
        certainty=certainty,
        robustness=_NO_MULTIVERSE,
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
        changed = item.of(analysis)
        if changed is None:
            continue
        selection = evidence.select(changed.estimand)
        effects, measure = selection.effects, changed.estimand.wanted_measure
        fit = pool(effects, rules)
        moderator = compare_levels(changed, selection, rules) if changed.moderator else None
        smallest = labels.smallest_effect_on(measure, effects, rules)
        label = labels.label_of(changed, fit, moderator, rules, smallest)
        found.append(SensitivityResult(item.id, item.title, len(effects), fit, label))
    return tuple(found)
