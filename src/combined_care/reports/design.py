"""The page of trial design: which trials there are, and how their results go along with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from combined_care import tables
from combined_care.ledger import APART, ledger
from combined_care.markup import Safe, details, join, jump, paragraph, scroll, table
from combined_care.reports import parts, questions, shared
from combined_care.review import MAIN

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
    """What the data hold on trial design.

    Attributes
    ----------
    evidence : Evidence
        All tables.
    rows : pandas.DataFrame
        Outcome rows of the experimental arm against a comparator, one a trial, comparator and
        result.
    results : mapping
        Column -> one result a level and comparator.
    verdicts : tuple of Verdict
        Of the claims whose moderator is one of the columns, or the kind of a part of treatment.
    """

    evidence: Evidence
    rows: pd.DataFrame
    results: Mapping[str, tuple[AnalysisResult, ...]]
    verdicts: tuple[Verdict, ...]


def look_at(evidence: Evidence, claims: Mapping[str, Claim]) -> Findings:
    """Gather what the data hold on trial design."""
    rows = ledger(evidence)
    rows = rows[~rows["fate"].isin(APART)]
    rules = next(iter(claims.values())).rules
    review = evidence.review
    columns = {*review.design_page, *(f"{part}_class" for part in review.parts)}
    about = [claim for claim in claims.values() if _moderators(claim) & columns]
    return Findings(
        evidence=evidence,
        rows=rows,
        results={
            column: questions.ask(_questions(column, evidence), evidence, rules)
            for column in review.design_page
        },
        verdicts=tuple(shared.judged_all(about, evidence)),
    )


def _moderators(claim: Claim) -> set[str]:
    return {analysis.moderator for analysis in claim.analyses}


def _questions(column: str, evidence: Evidence) -> Iterator[Question]:
    """Ask for each level of a column; where the design is not asked for, it is held constant."""
    review = evidence.review
    fixed = {} if column == "design" else {"design": list(review.main_design)}
    for level in evidence.vocabulary[column]:
        for comparator in review.comparators:
            yield (
                f"{column}-{level}-{comparator}".replace("_", "-"),
                level,
                {"comparator": [comparator], **fixed, column: [level]},
            )


def summary(found: Findings) -> Safe:
    """Say in two sentences how the trials were made."""
    trials, review = found.rows.drop_duplicates("trial_id"), found.evidence.review
    told = "; ".join(_told(column, trials, found.evidence) for column in review.design_page)
    return join([
        parts.lead(
            f"Of {len(trials):,} trials of {review.treatment} the tables say how they were made. "
            f"{told}."
        ),
        paragraph(
            "People are not assigned to designs: trials that differ in design differ in much else, "
            "above all in diagnosis. A difference between designs is a hint, not a cause."
        ),
    ])  # fmt: skip


def _told(column: str, trials: pd.DataFrame, evidence: Evidence) -> str:
    """Count the trials by one column, the most frequent level first."""
    sizes = trials[column].value_counts().items()
    counted = ", ".join(f"{evidence.name(str(level))} {size:,}" for level, size in sizes)
    return f"{tables.sentence(evidence.review.columns[column])}: {counted}"


def counts(found: Findings) -> Safe:
    """Show the trials by each column and comparator, and by diagnosis and each of two columns."""
    columns = found.evidence.review.design_page
    pairs = [(column, "comparator") for column in columns]
    first = columns[:2]
    pairs += [(second, first[0]) for second in first[1:]]
    pairs += [("diagnosis", column) for column in first]
    said = paragraph(
        "Each trial is counted once in a cell; a trial with several comparators stands in several "
        "columns."
    )
    return join([said, *(_crossed(found, row, column) for row, column in pairs)])


def _crossed(found: Findings, row: str, column: str) -> Safe:
    """Count trials by two columns; every word of the vocabulary is shown, zeros included."""
    name = found.evidence.name
    each = found.rows.drop_duplicates(["trial_id", row, column])
    numbers = each.groupby([row, column]).size()
    columns = _levels(each, column, found.evidence)
    rows = [
        (tables.sentence(name(level)), *(int(numbers.get((level, other), 0)) for other in columns))
        for level in _levels(each, row, found.evidence)
    ]
    names = found.evidence.review.columns
    titles = (names.get(row, row), names.get(column, column))
    header = (tables.sentence(titles[0]), *(tables.sentence(name(other)) for other in columns))
    caption = f"Trials by {titles[0]} and {titles[1]}"
    return scroll(table(header, rows, caption=caption, css="numbers"), caption)


def _levels(rows: pd.DataFrame, column: str, evidence: Evidence) -> list[str]:
    """Return the levels that a trial has, in the order of the vocabulary."""
    here = set(rows[column])
    return [level for level in evidence.vocabulary[column] if level in here]


def pooled(found: Findings) -> Safe:
    """Show the pooled efficacy at each level of each column, against each comparator."""
    shown = [_pooled_table(column, found) for column in found.evidence.review.design_page]
    return join([paragraph(parts.DESCRIPTIVE_NOTE, " ", parts.sign_note()), *shown])


def _pooled_table(column: str, found: Findings) -> Safe:
    name, review = found.evidence.name, found.evidence.review
    rows = [
        (
            tables.sentence(name(result.analysis.title)),
            name(result.analysis.estimand.comparator[0]),
            jump(f"#{tables.trials_place(result.analysis.id)}", result.k) if result.k else 0,
            result.people,
            tables.result_words(result),
        )
        for result in found.results[column]
    ]
    called = review.columns[column]
    header = (tables.sentence(called), "Against", "Trials (k)", "People (n)", "Result")
    also = "" if column == "design" else f", where {review.starts[review.main_start].name}"
    caption = f"{parts.outcome_words(MAIN, found.evidence)}, by {called}{also}"
    shown = scroll(table(header, rows, caption=caption, css="wide"), caption)
    named = join(_named_trials(result, found) for result in found.results[column] if result.k)
    return join([shown, details("The trials of each result", named)])


def _named_trials(result: AnalysisResult, found: Findings) -> Safe:
    """Name the trials of a pooled result, each with a link to its entry."""
    name, asked = found.evidence.name, result.analysis
    title = f"{name(asked.title)}, against {name(asked.estimand.comparator[0])}: "
    trials = result.effects.itertuples(index=False)
    links = (tables.trial_link(str(trial.trial_id), trial.label) for trial in trials)
    place = tables.trials_place(asked.id)
    return Safe(f'<p id="{place}">{join([tables.sentence(title)])}{", ".join(links)}</p>')


def claims(found: Findings) -> Safe:
    """Show the verdicts of the claims about design, with the levels that they compare."""
    shown: list[object] = [
        tables.verdict_table(found.verdicts, caption="Claims about design and kind of treatment")
    ]
    for verdict in found.verdicts:
        for result in verdict.decisive:
            if result.moderator is not None:
                shown.append(_levels_of(verdict, result))
    return join(shown)


def _levels_of(verdict: Verdict, result: AnalysisResult) -> Safe:
    if result.moderator is None:
        return Safe("")
    measure = result.analysis.estimand.wanted_measure
    return parts.section(
        f"{verdict.claim.id}-levels",
        tables.page_link(verdict.claim.id, tables.title(result), result.analysis.id),
        tables.moderator_tables(result.moderator, measure),
        level=3,
    )
