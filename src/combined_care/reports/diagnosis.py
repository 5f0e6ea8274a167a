"""The page of a diagnosis: claims about it, which questions have trials, and what they show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from combined_care import tables
from combined_care.ledger import APART, count_trials, ledger
from combined_care.markup import Safe, bullets, join, jump, paragraph, scroll, table
from combined_care.reports import parts, picture, plain, questions, shared
from combined_care.reports.claim import description

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from combined_care.claims import Claim
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.reports.questions import Question
    from combined_care.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Findings:
    """What the data hold on one diagnosis.

    Attributes
    ----------
    diagnosis, name : str
        The word of the tables, and its name for readers.
    evidence : Evidence
        All tables.
    rows : pandas.DataFrame
        The outcome rows of the diagnosis, with what becomes of them.
    counts : pandas.DataFrame
        Trials by comparator and by when the second treatment comes in.
    results : tuple of AnalysisResult
        One a comparator and start that any row addresses.
    verdicts : tuple of Verdict
        Of the claims that name the diagnosis.
    """

    diagnosis: str
    name: str
    evidence: Evidence
    rows: pd.DataFrame
    counts: pd.DataFrame
    results: tuple[AnalysisResult, ...]
    verdicts: tuple[Verdict, ...]


def look_at(diagnosis: str, evidence: Evidence, claims: Mapping[str, Claim]) -> Findings:
    """Gather what the data hold on a diagnosis."""
    rows = ledger(evidence)
    rows = rows[rows["diagnosis"] == diagnosis]
    counts = tables.by_start(count_trials(rows))
    named = [claim for claim in claims.values() if names(claim, diagnosis)]
    rules = next(iter(claims.values())).rules
    return Findings(
        diagnosis=diagnosis,
        name=evidence.name(diagnosis),
        evidence=evidence,
        rows=rows,
        counts=counts,
        results=questions.ask(_questions(diagnosis, counts, evidence), evidence, rules),
        verdicts=tuple(shared.judged_all(named, evidence)),
    )


def names(claim: Claim, diagnosis: str) -> bool:
    """Tell whether a decisive analysis of a claim asks for the diagnosis by name."""
    return any(
        diagnosis in analysis.estimand.trials.get("diagnosis", ())
        for analysis in claim.analyses
        if analysis.role == "decisive"
    )


def _questions(diagnosis: str, counts: pd.DataFrame, evidence: Evidence) -> Iterator[Question]:
    review = evidence.review
    for start, asked in review.starts.items():
        for comparator in review.every_comparator:
            if _trials(counts, comparator, start)[0]:
                yield (
                    tables.question_place(comparator, start),
                    f"{asked.name}, against {evidence.name(comparator)}",
                    {
                        "diagnosis": [diagnosis],
                        "comparator": [comparator],
                        "design": list(asked.designs),
                        "outcome": asked.outcome,
                        "phase": list(review.phases(asked.outcome)),
                    },
                )


def _trials(counts: pd.DataFrame, comparator: str, start: str) -> tuple[int, int]:
    """Count trials, and those with usable numbers."""
    here = counts[(counts["comparator"] == comparator) & (counts["start"] == start)]
    return int(here["trials"].sum()), int(here["usable"].sum())


def summary(found: Findings) -> Safe:
    """Say in two sentences what there is, with one picture."""
    combined = found.rows[~found.rows["fate"].isin(APART)]
    review = found.evidence.review
    usable = combined[combined["fate"] == "usable"]
    first = (
        f"{tables.sentence(tables.count(_entries(found)))} on {found.name} "
        f"{'is' if _entries(found) == 1 else 'are'} in the data. "
    )
    second = (
        f"{tables.sentence(tables.count(combined['trial_id'].nunique()))} compared "
        f"{review.treatment} with something else, {usable['trial_id'].nunique()} of them with "
        "numbers that can be pooled."
    )
    together = [r for r in found.results if r.analysis.id.endswith(f"-{review.main_start}")]

    def against(result: AnalysisResult) -> str:
        return f"against {found.evidence.name(result.analysis.estimand.comparator[0])}"

    return join([
        parts.lead(first, second),
        picture.results_picture(together, found.diagnosis.replace("_", "-"), label=against),
        paragraph(parts.DESCRIPTIVE_NOTE),
    ])  # fmt: skip


def _entries(found: Findings) -> int:
    return int((found.evidence.trials["diagnosis"] == found.diagnosis).sum())


def claims(found: Findings) -> Safe:
    """Show the verdicts of the claims that name the diagnosis."""
    everybody = paragraph(
        "Claims about all diagnoses pool these trials too; ",
        jump("#all-trials", "the entry of each trial"),
        " says where. ",
        tables.page_link("index", "All verdicts"),
        ".",
    )
    if not found.verdicts:
        return join([paragraph("No claim names this diagnosis."), everybody])
    caption = f"Claims that name {found.name}"
    return join([tables.verdict_table(found.verdicts, caption=caption), everybody])


def gaps(found: Findings) -> Safe:
    """Count trials by comparator and by when the second treatment comes in; gaps are said."""
    asked = {result.analysis.id for result in found.results}
    rows = []
    review = found.evidence.review
    for comparator in review.every_comparator:
        cells: list[object] = [tables.sentence(found.evidence.name(comparator))]
        for start in review.starts:
            trials, usable = _trials(found.counts, comparator, start)
            words = f"{trials} ({usable} usable)" if trials else "no trial"
            here = tables.question_place(comparator, start)
            cells.append(jump(f"#{here}", words) if here in asked else words)
        rows.append(cells)
    header = (
        tables.sentence(f"{review.treatment} against"),
        *(tables.sentence(start.name) for start in review.starts.values()),
    )
    caption = f"{tables.sentence(found.name)}: trials, and those with usable numbers on any outcome"
    return scroll(table(header, rows, caption=caption, css="gaps"), caption)


def results(found: Findings) -> Safe:
    """Show what the trials show, by comparator and by when the second treatment comes in."""
    if not found.results:
        return paragraph("No trial answers one of these questions.")
    listed = bullets(
        join([jump(f"#{r.analysis.id}", tables.title(r)), f": {plain.reading(r)}"])
        for r in found.results
    )
    shown = (description(result, found.evidence) for result in found.results)
    return join([paragraph(_asked(found.evidence)), listed, *shown])


def _asked(evidence: Evidence) -> str:
    """Say which outcome counts for each kind of question."""
    starts: dict[str, list[str]] = {}
    for start in evidence.review.starts.values():
        starts.setdefault(start.outcome, []).append(start.name)
    said = (
        f"{parts.outcome_words(outcome, evidence)} ({'; '.join(names)})"
        for outcome, names in starts.items()
    )
    return f"What is pooled, and in brackets where: {'. '.join(said)}."


def trials(found: Findings) -> Safe:
    """List all trials of the diagnosis with a link to their entry."""
    here = found.evidence.trials
    here = here[here["diagnosis"] == found.diagnosis].sort_values(["year", "label", "trial_id"])
    rows = [_trial_row(trial, found) for trial in here.itertuples(index=False)]
    review = found.evidence.review
    coded = (review.columns[column] for column in ("population", "design"))
    names = map(tables.sentence, (*coded, *review.parts.values()))
    header = ("Trial", "Year", *names, "Randomised", "Results", "Usable")
    caption = f"All trials on {found.name}"
    shown = table(header, rows, caption=caption, css="wide", anchor="all-trials")
    return scroll(shown, caption)


def _trial_row(trial: Any, found: Findings) -> tuple[object, ...]:
    name, rows = found.evidence.name, found.rows[found.rows["trial_id"] == trial.trial_id]
    return (
        tables.trial_link(trial.trial_id, trial.label),
        _whole(trial.year, ""),
        name(trial.population),
        name(trial.design),
        *(name(getattr(trial, f"{part}_class")) for part in found.evidence.review.parts),
        _whole(trial.n_randomised, ","),
        len(rows),
        int((rows["fate"] == "usable").sum()),
    )


def _whole(value: float, separator: str) -> str:
    return "not recorded" if math.isnan(value) else f"{value:{separator}.0f}"
