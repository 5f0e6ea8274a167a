"""The rules in words: what all claims share, and what each label of a verdict means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import decisions, tables
from combined_care.markup import Safe, join, scroll, table
from combined_care.review import current_review

if TYPE_CHECKING:
    from combined_care.claims import Analysis, Rules
    from combined_care.evidence import Evidence

_INTERVALS = {
    "knha": "Knapp-Hartung",
    "knha-conservative": "conservative Knapp-Hartung",
    "z": "normal",
}


def kinds() -> dict[str, str]:
    """Say what a claim asserts, by its kind."""
    treatment = current_review().treatment
    return {
        "superiority": f"{treatment} is better",
        "meaningful": f"{treatment} is better by enough to matter",
        "equivalence": "one treatment is enough",
        "moderator": "the size of the benefit differs",
        "uncertainty": "the evidence is mixed",
    }


def shared_table(rules: Rules) -> Safe:
    """Show the model and the thresholds that all claims share."""
    interval = _INTERVALS.get(rules.test, rules.test)
    rows = [
        ("Model", f"random effects, {rules.method} for tau², {interval} confidence interval"),
        ("Confidence level", f"{100 * rules.level:g} %"),
        ("Formula of the variance of g", rules.smd_variance),
        (
            "Smallest effect of interest",
            f"g = {rules.smallest_effect:g} ({rules.smallest_effect_source})",
        ),
        ("Trials needed for a verdict", rules.min_trials),
        ("Trials needed for a level of a moderator", rules.min_trials_per_level),
        ("Significance level of moderators", f"{rules.alpha:g}"),
    ]
    return table(("Rule", "Value"), rows, caption="Shared by all claims")


def labels_table(kind: str) -> Safe:
    """Show what each label means for one kind of claim."""
    labels = decisions.MEANING
    rows = [(tables.label_tag(label), decisions.meaning(label, kind)) for label in labels]
    caption = f"Labels of a claim that {kinds()[kind]}"
    return scroll(table(("Label", "Meaning"), rows, caption=caption), caption)


def special_labels_table() -> Safe:
    """Show the meanings of labels that hold for some kinds of claim only."""
    rows = [
        (claimed, tables.label_tag(label), decisions.meaning(label, kind))
        for kind, claimed in kinds().items()
        for label, usual in decisions.MEANING.items()
        if decisions.meaning(label, kind) != usual
    ]
    caption = "Where the kind of claim gives a label another meaning"
    header = ("A claim that", "Label", "Meaning")
    return scroll(table(header, rows, caption=caption), caption)


def all_labels() -> Safe:
    """Show every label with its meanings."""
    return join([labels_table("superiority"), special_labels_table()])


def estimand_words(analysis: Analysis, evidence: Evidence) -> str:
    """Say which trials and results an analysis takes."""
    asked = analysis.estimand
    said = [f"outcome: {evidence.name(asked.outcome)} ({asked.wanted_measure})"]
    for name in ("comparator", "phase"):
        values = getattr(asked, name)
        said.append(f"{name}: {', '.join(map(evidence.name, values)) if values else 'any'}")
    said += [
        f"{column.replace('_', ' ')}: {', '.join(map(evidence.name, values))}"
        for column, values in asked.trials.items()
    ]
    if asked.any_of:
        either = " or ".join(
            f"{column.replace('_', ' ')} {', '.join(map(evidence.name, values))}"
            for column, values in asked.any_of.items()
        )
        said.append(f"at least one of: {either}")
    if asked.weeks:
        said.append(f"weeks {asked.weeks[0]:g} to {asked.weeks[1]:g}")
    if analysis.moderator:
        said.append(f"compared by {analysis.moderator.replace('_', ' ')}")
    said.append(f"data tiers {asked.tiers}")
    return "; ".join(said)
