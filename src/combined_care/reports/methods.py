"""The page of the methods, written from the settings and docstrings of the program itself."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from combined_care import __version__, tables
from combined_care.markup import Safe, bullets, join, paragraph, scroll, table
from combined_care.reports import inputs, parts, rules
from combined_care.reports.references import citations
from combined_care.review import current_review
from combined_care.scales import measure_name
from combined_care.synthesis import synthesize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from combined_care.claims import Claim, Rules, Sensitivity
    from combined_care.evidence import Evidence
    from combined_care.selection import Rank, SelectionRule

_CRITERIA = {
    "rating": "Who rated",
    "analysis_set": "Whom the analysis counts",
    "weeks": "When it was measured",
    "tier": "Tier of the data",
    "derived": "Reported or derived",
}
_NAMES = {"": "not recorded", "0": "reported", "1": "derived"}


def summary(claims: Mapping[str, Claim]) -> Safe:
    """Say how a verdict comes about, in two sentences and a few steps."""
    testable = sum(claim.testable for claim in claims.values())
    analyses = sum(len(claim.analyses) for claim in claims.values())
    when = "before a result was seen" if current_review().pre_specified else "not in advance"
    return join([
        parts.lead(
            f"{testable} claims were turned into {analyses} analyses, and into rules that decide "
            f"each verdict, {when}. Every number in the reports is computed by the program from "
            "the tables; none is typed into a page."
        ),
        bullets([
            "Each analysis takes one result per trial, comparator and outcome, by the rule below.",
            "Its effect is computed from the numbers of the report and turned so that positive "
            f"favours {current_review().treatment}.",
            "The effects are pooled by one model that all claims share.",
            "The rule of the claim turns the result into a label. A claim stands as far as the "
            "weakest of its decisive analyses.",
        ]),
    ])  # fmt: skip


def model(claims: Mapping[str, Claim]) -> Safe:
    """Show the model, the thresholds and the measures."""
    shared = _rules(claims)
    measures = [
        (tables.sentence(name.replace("_", " ")), _measure(outcome.measure))
        for name, outcome in current_review().outcomes.items()
    ]
    caption = "Measure of each outcome, unless an analysis names another"
    df = inspect.signature(synthesize).parameters["pi_df"].default
    return join([
        rules.shared_table(shared),
        paragraph(
            "A prediction interval says where the true effect of a new trial may lie; it needs at "
            f"least three trials and takes its width from a t distribution with {df} degrees of "
            "freedom. Every fit is computed a second time by PyMARE, and the largest difference is "
            "printed beside it."
        ),
        scroll(table(("Outcome", "Measure"), measures, caption=caption), caption),
    ])  # fmt: skip


def _measure(measure: str) -> str:
    return {"SMD": "Hedges' g (standardised mean difference)"}.get(measure, measure_name(measure))


def _rules(claims: Mapping[str, Claim]) -> Rules:
    return next(iter(claims.values())).rules


def selection(evidence: Evidence) -> Safe:
    """Show the rule that picks one result per trial, comparator and outcome."""
    rule = evidence.rule
    families = bullets(
        f"{tables.sentence(evidence.name(name))} is "
        f"{', otherwise '.join(map(evidence.name, family))}; events are brought to the scale of g "
        "by Chinn's method"
        for name, family in rule.outcomes.items()
    )
    caption = "How a choice among several results of a trial is made, first criterion first"
    rows = list(_criteria(rule, evidence))
    shown = scroll(table(("Criterion", "Best first"), rows, caption=caption), caption)
    tied = paragraph(
        "Results that still tie are different arms, whose people are put together with a shared "
        "arm counted once, or results on the same people, which are averaged with an assumed "
        f"correlation of {rule.correlation:g}."
    )
    return join([families, shown, tied, _left_out(rule)])


def _criteria(rule: SelectionRule, evidence: Evidence) -> Iterator[tuple[object, object]]:
    for rank in rule.rank:
        yield _CRITERIA.get(rank.column, rank.column), _order(rank, evidence)
    yield "Scale (patterns of its name)", _patterns(rule.instruments)
    yield "Domain (patterns of its name)", _patterns(rule.details)
    yield "Source", "one source only: the first by address"


def _order(rank: Rank, evidence: Evidence) -> str:
    if rank.order == "latest":
        return "the latest; a result without week is the end of treatment"
    return ", ".join(_NAMES.get(word) or evidence.name(word) for word in rank.order)


def _patterns(patterns: tuple[str, ...]) -> Safe:
    codes = (Safe(f"<code>{join([pattern])}</code>") for pattern in patterns)
    return Safe(", ".join([*codes, "any other"]))


def _left_out(rule: SelectionRule) -> Safe:
    flags = parts.meanings("outcomes", "flags")
    rows = [(flag, flags.get(flag, "")) for flag in rule.left_out_flags]
    reason = "left out of all claims by its kind of treatment"
    kinds = (kind for words in rule.left_out_kinds.values() for kind in words)
    rows += [(kind.replace("_", " "), reason) for kind in kinds]
    caption = "What stays out of primary analyses, by flag or kind of treatment"
    return scroll(table(("Flag or kind of treatment", "Meaning"), rows, caption=caption), caption)


def sensitivity(claims: Mapping[str, Claim]) -> Safe:
    """Show the choices that every analysis is repeated with."""
    rows = [
        (tables.sentence(item.title), _setting(item), item.applies_to or "every outcome")
        for item in _rules(claims).sensitivity
    ]
    caption = "Sensitivity analyses of every claim"
    header = ("Choice", "What is set", "Applies to")
    return scroll(table(header, rows, caption=caption), caption)


def _setting(item: Sensitivity) -> str:
    set_to = [f"{_name(column)}: {_listed(value)}" for column, value in item.change.items()]
    read_as = [f"{_name(old)} is read from {_name(new)}" for old, new in item.columns.items()]
    return "; ".join([*set_to, *read_as])


def _name(column: str) -> str:
    return column.replace("_", " ")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def labels() -> Safe:
    """Show what every label means."""
    return rules.all_labels()


def software() -> Safe:
    """Show what computes and draws, with versions."""
    rows = [("combined-care", __version__), ("Python", ".".join(map(str, sys.version_info[:2])))]
    rows += list(inputs.versions().items())
    return table(("Program", "Version"), rows, caption="What computes and draws")


def references() -> Safe:
    """List the papers that the code names, with the functions that follow them."""
    rows = [
        (reference.linked, Safe(", ".join(f"<code>{name}</code>" for name in reference.used_by)))
        for reference in citations()
    ]
    caption = "Papers behind the program, and where it follows them"
    header = ("Reference", "Followed in")
    return scroll(table(header, rows, caption=caption, css="references"), caption)
