"""From the labels of a claim's decisive analyses to the label of the claim."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from combined_care import decisions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from combined_care.claims import Analysis, Claim
    from combined_care.decisions import Label


def decisive(claim: Claim) -> tuple[Analysis, ...]:
    """Return the analyses that the verdict rests on, in their order."""
    return tuple(analysis for analysis in claim.analyses if analysis.role == "decisive")


def group_labels(claim: Claim, labels: Mapping[str, Label]) -> dict[str, Label]:
    """Label each group (disorder) of a claim as far as its weakest decisive analysis.

    Parameters
    ----------
    claim : Claim
        The claim.
    labels : mapping of str to str
        Analysis id -> label, for every decisive analysis.
    """
    groups: dict[str, list[Label]] = defaultdict(list)
    for analysis in decisive(claim):
        groups[analysis.group].append(labels[analysis.id])
    return {group: decisions.weakest(found) for group, found in groups.items()}


def claim_label(claim: Claim, labels: Mapping[str, Label]) -> Label:
    """Combine the labels of the decisive analyses.

    Parameters
    ----------
    claim : Claim
        The claim. One that the evidence is mixed is judged by its groups, any other stands as far
        as its weakest decisive analysis.
    labels : mapping of str to str
        Analysis id -> label, for every decisive analysis.

    Returns
    -------
    str
        The label of the claim.
    """
    if claim.kind == "uncertainty":
        return decisions.uncertainty(group_labels(claim, labels).values())
    return decisions.weakest(labels[analysis.id] for analysis in decisive(claim))
