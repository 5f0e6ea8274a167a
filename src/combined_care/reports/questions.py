"""Questions beside the claims: the same rules and model, asked to describe the evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from combined_care import verdicts
from combined_care.analyses import Analysis
from combined_care.claims import estimand_of
from combined_care.own_question import as_claim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from combined_care.claims import Rules
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult

#: A question: identifier, title, and what it selects (as in ``data/claims.yaml``).
Question = tuple[str, str, "Mapping[str, Any]"]


def ask(
    questions: Iterable[Question], evidence: Evidence, rules: Rules
) -> tuple[AnalysisResult, ...]:
    """Answer questions by the rules of the claims.

    Parameters
    ----------
    questions : iterable of tuple
        Identifier, title and selection of each.
    evidence : Evidence
        The tables.
    rules : Rules
        Model and thresholds; what else a claim is put through (sensitivity analyses, multiverse,
        certainty) is left out.

    Returns
    -------
    tuple of AnalysisResult
        One a question that any row of the data addresses; the others are left out.
    """
    analyses = tuple(
        Analysis(
            id=name,
            title=title,
            kind="superiority",
            role="decisive",
            estimand=estimand_of(select, variance=rules.smd_variance),
        )
        for name, title, select in questions
    )
    if not analyses:
        return ()
    bare = replace(rules, sensitivity=(), choices=None, criteria=None)
    claim = as_claim(analyses, bare, text="A description of the evidence.")
    results = verdicts.judge(claim, evidence).results
    return tuple(r for r in results if r.k or not r.not_pooled.empty)
