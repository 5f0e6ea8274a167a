"""What a trial that may be added brings: its effects, and what they change in the verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.addition import Addition
from combined_care.claim_labels import claim_label
from combined_care.claims import load_claims
from combined_care.drafts import Draft, read_draft
from combined_care.errors import InputError
from combined_care.evidence import Evidence, load_evidence
from combined_care.ledger import ledger, uses
from combined_care.preview_records import AnalysisPreview, RowEffect, TrialPreview
from combined_care.results import Absent
from combined_care.schema import typed_cells
from combined_care.synthesis import Synthesis
from combined_care.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from combined_care.claims import Claim
    from combined_care.findings import AnalysisResult
    from combined_care.results import Number
    from combined_care.schema import Field
    from combined_care.verdicts import Verdict

_NO_TEST = Absent("no test of a moderator")
_NUMBERS = ("yi", "vi", "ci_lb", "ci_ub")


def effects_of(
    draft: Mapping[str, Any] | Draft, evidence: Evidence, fields: Mapping[str, Sequence[Field]]
) -> tuple[RowEffect, ...]:
    """Compute the effect of each row of a draft, also while the draft is not complete.

    Parameters
    ----------
    draft : mapping or Draft
        As in :func:`combined_care.new_trial.check_draft`.
    evidence : Evidence
        The data that it may be added to; gives the rules, not the rows.
    fields : mapping of str to sequence of Field
        From :func:`combined_care.schema.declared_fields`.

    Returns
    -------
    tuple of RowEffect
        In the order of the rows. A row whose numbers cannot be right has the reason instead.
    """
    read, _ = read_draft(draft.to_dict() if isinstance(draft, Draft) else draft, fields)
    named = read.named(())
    trials = pd.DataFrame([named.trial], dtype=str)
    outcomes = pd.DataFrame(named.outcomes, columns=[f.name for f in fields["outcomes"]], dtype=str)
    outcomes["trial_id"] = named.trial["trial_id"]  # a row belongs to its draft, whatever it says
    alone = replace(
        evidence,
        trials=typed_cells(trials, fields["trials"]),
        outcomes=typed_cells(outcomes, fields["outcomes"]),
    )
    return _row_effects(alone)


def preview_trial(
    draft: Mapping[str, Any] | Draft, folder: str | Path | None = None
) -> TrialPreview:
    """Tell what a trial would change in the analyses of the claims; writes nothing.

    Parameters
    ----------
    draft, folder
        As in :func:`combined_care.new_trial.check_draft`; the folder has ``claims.yaml`` and the
        rules, as ``data/`` has them.

    Returns
    -------
    TrialPreview
        Effects with their derivation, and each analysis that would pool the trial with its number
        of trials, estimate and label before and after.

    Raises
    ------
    DataError
        If the draft or the folder has an error.

    Notes
    -----
    Each analysis is judged by its interval or test and by leaving out one trial, before and after
    alike. The multiverse and the certainty, which may make a label stronger or weaker, take
    minutes and are left to ``combined-care claims``; so are networks.

    Examples
    --------
    >>> trial = {"label": "Example 2020", "year": 2020, "diagnosis": "panic", "population": "adult",
    ...          "severity": "unclear", "chronic": "unclear", "treatment_resistant": "no",
    ...          "design": "concurrent", "medication_management": "flexible",
    ...          "placebo_controlled": "no"}
    >>> row = {"experimental": "combined", "comparator": "pharmacotherapy", "outcome": "dropout",
    ...        "higher_is_better": 0, "phase": "continuation", "analysis_set": "itt", "tier": "A",
    ...        "events_e": 3, "n_e": 20, "events_c": 5, "n_c": 20, "derived": 0,
    ...        "source_url": "https://example.org/1", "source_kind": "trial_table"}
    >>> preview = preview_trial({"trial": trial, "outcomes": [row]})
    >>> print(*preview.effects)
    example2020-01 (dropout against pharmacotherapy): odds ratio 1.89 (95 % CI 0.38 to 9.27);
    log OR of 3/20 against 5/20 = -0.6360, v = 0.6588; lower is better, sign turned; usable
    >>> print(preview)
    No analysis of a claim would pool example2020 (its rows: usable).
    """
    addition = Addition(draft, folder)
    addition.require_valid()
    before = load_evidence(addition.folder)
    with addition.applied() as folder_after:
        after = load_evidence(folder_after)
        claims = load_claims(folder_after / "claims.yaml")
    trial_id = addition.draft.trial["trial_id"]
    alone = _only(after, trial_id)
    used = uses(claims.values(), alone)
    analyses = {claim: set(rows["analysis"]) for claim, rows in used.groupby("claim")}
    return TrialPreview(
        trial_id=trial_id,
        effects=_row_effects(alone),
        analyses=tuple(
            preview
            for name, claim in claims.items()
            if name in analyses
            for preview in _compared(_quick(claim), analyses[name], before, after)
        ),
    )


def _only(evidence: Evidence, trial_id: str) -> Evidence:
    """Keep one trial; what values a column may have stays as it is in all the data."""
    tables = (evidence.trials, evidence.outcomes)
    trials, outcomes = (table[table["trial_id"] == trial_id] for table in tables)
    known = {str(c): tuple(table[c].unique()) for table in tables for c in table.columns}
    vocabulary = {**known, **evidence.vocabulary}
    return replace(evidence, trials=trials, outcomes=outcomes, vocabulary=vocabulary)


def _row_effects(evidence: Evidence) -> tuple[RowEffect, ...]:
    """Compute all effects at once; where that fails, row by row, to name the row."""
    try:
        return tuple(map(_row_effect, ledger(evidence).to_dict("records")))
    except InputError as error:
        rows = evidence.outcomes
        if len(rows) == 1:
            return (_impossible(rows.iloc[0].to_dict(), str(error)),)
        parts = (replace(evidence, outcomes=rows.iloc[[i]]) for i in range(len(rows)))
        return tuple(effect for part in parts for effect in _row_effects(part))


def _row_effect(row: Mapping[Any, Any]) -> RowEffect:
    numbers = {
        name: Absent(row["problem"]) if row["problem"] else float(row[name]) for name in _NUMBERS
    }
    return _effect(row, numbers, fate=row["fate"], measure=row["measure"], how=row["derivation"])


def _impossible(row: Mapping[Any, Any], reason: str) -> RowEffect:
    return _effect(row, dict.fromkeys(_NUMBERS, Absent(reason)), fate="no_effect")


def _effect(
    row: Mapping[Any, Any],
    numbers: Mapping[str, Number],
    *,
    fate: str,
    measure: str = "",
    how: str = "",
) -> RowEffect:
    return RowEffect(
        row_id=row["row_id"],
        outcome=row["outcome"],
        comparator=row["comparator"],
        fate=fate,
        measure=measure,
        derivation=how,
        **numbers,
    )


def _quick(claim: Claim) -> Claim:
    """Leave out what takes minutes."""
    return replace(claim, rules=replace(claim.rules, sensitivity=(), choices=None, criteria=None))


def _compared(
    claim: Claim, used: set[str], before: Evidence, after: Evidence
) -> Iterator[AnalysisPreview]:
    """Judge a claim without and with the trial; analyses that do not pool it stay as they are."""
    needed = tuple(a for a in claim.analyses if a.role == "decisive" or a.id in used)
    moved = tuple(a for a in claim.analyses if a.id in used)
    # A claim cannot be judged without an analysis that decides it.
    again = moved if any(a.role == "decisive" for a in moved) else needed
    old = _results(judge(replace(claim, analyses=needed), before))
    new = {**old, **_results(judge(replace(claim, analyses=again), after))}
    verdicts = [_verdict(claim, results) for results in (old, new)]
    for analysis in moved:
        yield AnalysisPreview(
            claim=claim.id,
            text=claim.text,
            analysis=analysis.id,
            title=analysis.title,
            role=analysis.role,
            measure=analysis.estimand.wanted_measure,
            **_side(old[analysis.id], verdicts[0], "before"),
            **_side(new[analysis.id], verdicts[1], "after"),
        )


def _results(verdict: Verdict) -> dict[str, AnalysisResult]:
    return {result.analysis.id: result for result in verdict.results}


def _verdict(claim: Claim, results: Mapping[str, AnalysisResult]) -> str:
    labels = {name: result.label for name, result in results.items()}
    return claim_label(claim, labels)


def _side(result: AnalysisResult, verdict: str, side: str) -> dict[str, Any]:
    """Return the quantities of an analysis, before or after."""
    fit, moderator = result.fit, result.moderator
    names = ("estimate", "ci_lb", "ci_ub")
    numbers = {n: getattr(fit, n) if isinstance(fit, Synthesis) else fit for n in names}
    record = {} if moderator is None else moderator.to_dict()
    pval = record.get("moderator_pval", _NO_TEST)
    found = {"k": result.k, **numbers, "pval": pval, "label": result.label, "verdict": verdict}
    return {f"{name}_{side}": value for name, value in found.items()}
