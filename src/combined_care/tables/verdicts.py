"""Verdicts: the box at the head of a page, what it rests on, and the list of all claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import decisions, markup
from combined_care.anchors import page_link, trials_place
from combined_care.decisions import label_words
from combined_care.markup import Safe, interval, scroll, table, text
from combined_care.scales import natural
from combined_care.synthesis import Synthesis
from combined_care.tables.words import (
    SIGNS,
    finding_words,
    label_sign,
    label_tag,
    sentence,
    sure_words,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict


def verdict_box(verdict: Verdict) -> Safe:
    """Show a verdict first: the label in words, and what it means."""
    sign, css = SIGNS[verdict.label]
    meaning = decisions.meaning(verdict.label, verdict.claim.kind)
    sure = sure_words(verdict)
    certain = markup.paragraph(sentence(sure), ".") if sure else ""
    return Safe(
        f'<div class="verdict {css}"><p class="label"><span aria-hidden="true">{sign}</span> '
        f"{text(sentence(label_words(verdict.label)))}</p>"
        f"<p>This means: {text(meaning)}.</p>{certain}</div>"
    )


def decisive_table(verdict: Verdict) -> Safe:
    """Show what a verdict rests on: one row a decisive analysis, linked to its trials."""
    rows = []
    for result in verdict.decisive:
        fit, measure = result.fit, result.analysis.estimand.wanted_measure
        new: object = "nothing pooled"
        if result.moderator is not None:
            new = "not asked: the claim is about differences"
        elif isinstance(fit, Synthesis):
            new = _prediction(fit, measure)
        question = markup.jump(f"#{result.analysis.id}", title(result))
        rows.append(
            (question, label_tag(result.label), _trials(result), result.people,
             finding_words(result), new)
        )  # fmt: skip
    header = ("Question", "Answer", "Trials (k)", "People (n)", "Result", "Prediction interval")
    caption = "What the verdict rests on"
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _trials(result: AnalysisResult) -> object:
    if not result.k:
        return result.k
    return markup.jump(f"#{trials_place(result.analysis.id)}", result.k)


def _prediction(fit: Synthesis, measure: str) -> str:
    scale = natural(measure)
    return interval(scale(fit.pi_lb), scale(fit.pi_ub))


def verdict_table(
    verdicts: Sequence[Verdict],
    *,
    caption: str,
    row_classes: Sequence[str] | None = None,
) -> Safe:
    """List claims with their labels and what they rest on, each part linked to its analysis."""
    rows = []
    for verdict in verdicts:
        claim: object = verdict.claim.text
        if verdict.claim.testable:
            claim = page_link(verdict.claim.id, claim)
        rests = markup.bullets(_basis(verdict)) or text(verdict.claim.reason)
        rows.append((claim, _label(verdict), rests))
    header = ("Claim", "Verdict", "Rests on")
    shown = table(header, rows, caption=caption, css="verdicts", row_classes=row_classes)
    return scroll(shown, caption)


def _label(verdict: Verdict) -> Safe:
    sure = sure_words(verdict)
    note = Safe(f'<br><span class="note">{text(sure)}</span>') if sure else ""
    return markup.join([label_tag(verdict.label), note])


def _basis(verdict: Verdict) -> Iterator[Safe]:
    """One line a decisive analysis; for claims about several disorders, one a disorder."""
    groups = [reason for reason in verdict.reasons if reason.code == "group"]
    if groups:
        for reason in groups:
            label = reason.values["verdict"]
            yield markup.join([label_sign(label), f"{sentence(reason.values['group'])}: "
                               f"{label_words(label)}"])  # fmt: skip
        return
    for result in verdict.decisive:
        words = page_link(verdict.claim.id, result.analysis.title, result.analysis.id)
        counted = f"; k = {result.k}" if result.k else ""
        rest = f": {finding_words(result)}{counted}"
        yield markup.join([label_sign(result.label), words, rest])
