"""The page of the data: the flow from tables to pooled results, tiers, sources and limits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from combined_care import tables
from combined_care.ledger import APART, count_fates, ledger, uses
from combined_care.markup import Safe, bullets, details, join, link, paragraph, scroll, table
from combined_care.paths import project_root
from combined_care.reports import parts
from combined_care.reports.documents import document_section
from combined_care.schema import PACKAGE_FILE, read_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from combined_care.claims import Claim
    from combined_care.evidence import Evidence
    from combined_care.ledger import Fate

_USE_OF_TIER = {
    "A": "pooled",
    "B": "pooled",
    "C": "pooled in a sensitivity analysis only",
    "D": "shown, never pooled",
}


def read(evidence: Evidence) -> pd.DataFrame:
    """Return every row of the outcome table with what becomes of it."""
    return ledger(evidence)


def summary(evidence: Evidence, rows: pd.DataFrame) -> Safe:
    """Say in two sentences what there is."""
    usable = rows[rows["fate"] == "usable"]
    linked = int(((evidence.trials["doi"] != "") | (evidence.trials["pmid"] != "")).sum())
    return join([
        parts.lead(
            f"Release {evidence.release} of the data holds {len(rows):,} results of "
            f"{len(evidence.trials):,} trials; {len(usable):,} results of "
            f"{usable['trial_id'].nunique():,} trials can be pooled in a primary analysis. "
        ),
        paragraph(
            "No systematic search of our own stands behind them: trials are surely missing. "
            f"{linked:,} trials are linked to their report by DOI or PubMed number, and every "
            "result to the page where its numbers were read."
        ),
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Stage:
    """One box of the flow: the rows that are left, and what leaves after it."""

    words: str
    rows: int
    trials: int
    leaving: tuple[Fate, ...] = ()


def flow(evidence: Evidence, rows: pd.DataFrame, claims: Iterable[Claim]) -> Safe:
    """Show how many rows and trials are left after each step, and why the others are not."""
    fates = count_fates(rows).set_index("fate")
    used = uses(claims, evidence)
    apart = APART
    wordless: tuple[Fate, ...] = ("direction_only", "no_effect")
    doubtful: tuple[Fate, ...] = ("flagged", "without_arm_sizes")
    stages = (
        _stage("in the tables", rows, (), apart),
        _stage(f"on {evidence.review.treatment} against a comparator", rows, apart, wordless),
        _stage("with numbers that give an effect", rows, (*apart, *wordless), doubtful),
        _stage("open to the primary analyses", rows, (*apart, *wordless, *doubtful), ()),
        _Stage(
            "pooled by at least one claim", used["row_id"].nunique(), used["trial_id"].nunique()
        ),
    )
    boxes = join(Safe(f"<li>{_box(stage, fates)}</li>") for stage in stages)
    note = (
        "A claim takes one result per trial, comparator and outcome. The results that no claim "
        "pools are other instruments, raters or time points of the same trials, or answer "
        "questions that no claim asks. A trial counts in every box that one of its results is in."
    )
    return join([Safe(f'<ol class="flow">{boxes}</ol>'), paragraph(note), _waiting(evidence, rows)])


def _stage(
    words: str, rows: pd.DataFrame, left: Sequence[str], leaving: tuple[Fate, ...]
) -> _Stage:
    kept = rows[~rows["fate"].isin(list(left))]
    return _Stage(words, len(kept), kept["trial_id"].nunique(), leaving)


def _box(stage: _Stage, fates: pd.DataFrame) -> Safe:
    leaving = [fate for fate in stage.leaving if fates["rows"][fate] or fate not in APART]
    asides = bullets((_aside(fate, fates) for fate in leaving), css="aside")
    counted = f"<strong>{stage.rows:,} results</strong> of {stage.trials:,} trials"
    return join([Safe(f"<p>{counted} "), stage.words, Safe("</p>"), asides])


def _aside(fate: Fate, fates: pd.DataFrame) -> str:
    rows, trials = (int(fates[column][fate]) for column in ("rows", "trials"))
    name, why = parts.FATES[fate]
    return f"{rows:,} results of {trials:,} trials: {name} ({why})"


def _waiting(evidence: Evidence, rows: pd.DataFrame) -> Safe:
    without = evidence.trials[~evidence.trials["trial_id"].isin(rows["trial_id"])]
    if without.empty:
        return paragraph("Every trial in the tables has at least one result.")
    names = join(
        part
        for trial in _records(without)
        for part in (tables.trial_link(trial.trial_id, trial.label), " ")
    )
    return paragraph("Trials without any result: ", names)


def tiers(evidence: Evidence, rows: pd.DataFrame) -> Safe:
    """Show tiers and flags: what each means, how many rows have it, and what follows."""
    graded = [
        (tier, meaning, *_counts(rows[rows["tier"] == tier]), _USE_OF_TIER[tier])
        for tier, meaning in parts.meanings("outcomes", "tier").items()
    ]
    flags, left_out = rows["flags"].str.split("; "), evidence.rule.left_out_flags
    flagged = [
        (
            flag,
            meaning,
            *_counts(rows[[flag in names for names in flags]]),
            "left out" if flag in left_out else "in",
        )
        for flag, meaning in parts.meanings("outcomes", "flags").items()
    ]
    header = ("Tier", "Numbers", "Results", "Trials", "Use")
    flag_header = ("Flag", "Meaning", "Results", "Trials", "Primary analyses")
    derived = int((rows["derived"] == 1).sum())
    return join([
        _counted(header, graded, "Results and trials by data tier"),
        paragraph(
            f"{derived:,} results are marked as derived: their numbers were computed from other "
            "numbers of the report, such as percentages or a standard error."
        ),
        _counted(flag_header, flagged, "Results and trials by flag"),
    ])  # fmt: skip


def _records(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _counts(rows: pd.DataFrame) -> tuple[str, str]:
    return f"{len(rows):,}", f"{rows['trial_id'].nunique():,}"


def _counted(header: Sequence[object], rows: Iterable[Sequence[object]], caption: str) -> Safe:
    return scroll(table(header, rows, caption=caption), caption)


def sources(rows: pd.DataFrame) -> Safe:
    """Show the kinds of source, and credit the collections that the numbers were read from."""
    found = [
        (tables.sentence(meaning), *_counts(rows[rows["source_kind"] == kind]))
        for kind, meaning in parts.meanings("outcomes", "source_kind").items()
    ]
    credited = bullets(
        link(source["path"], source["title"]) if "path" in source else source["title"]
        for source in _package()["sources"]
    )
    return join([
        _counted(("Source", "Results", "Trials"), found, "Results by kind of source"),
        paragraph("With thanks to those who collected or reported them:"),
        credited,
    ])  # fmt: skip


def _package() -> dict[str, Any]:
    file = project_root() / "data" / PACKAGE_FILE
    package: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return package


def agreement() -> Safe:
    """Show how often a second reader, who did not see the first reading, found the same number."""
    readings = read_tables(project_root() / "data").get("double_extraction")
    if readings is None or readings.empty:
        return paragraph("No number was read a second time by another reader.")
    agree = readings["agree"] == 1
    said = (
        f"{len(readings):,} numbers of {readings['row_id'].nunique():,} randomly chosen results "
        f"were read a second time by a reader who did not see the first reading; "
        f"{int(agree.sum()):,} ({100 * agree.mean():.1f} %) agree. The sample says nothing about "
        "judgements, such as the coding of a design, which were made once."
    )
    rows = [
        (tables.row_link(row.row_id), row.cell, row.first, row.second)
        for row in _records(readings[~agree])
    ]
    header = ("Result", "Number", "First reading", "Second reading")
    shown = _counted(header, rows, "Readings that differ; the tables keep the first")
    return join([paragraph(said), shown if rows else ""])


def limits() -> Safe:
    """Print the limits that the protocol names."""
    return document_section("PROTOCOL.md", "Known limits")


def all_trials(evidence: Evidence, rows: pd.DataFrame) -> Safe:
    """List every trial by diagnosis, with a link to its entry."""
    usable = set(rows.loc[rows["fate"] == "usable", "trial_id"])
    trials = evidence.trials.sort_values(["label", "trial_id"], key=lambda c: c.str.casefold())
    groups = trials["diagnosis"].value_counts(sort=True).index
    marked = paragraph("● has a result that a primary analysis can pool; ○ has none.")
    return join(
        [
            marked,
            *(
                _listed(name, trials[trials["diagnosis"] == name], usable, evidence)
                for name in groups
            ),
        ]
    )


def _listed(name: str, trials: pd.DataFrame, usable: set[str], evidence: Evidence) -> Safe:
    items = bullets(
        (
            join([
                "● " if trial.trial_id in usable else "○ ",
                tables.trial_link(trial.trial_id, trial.label),
            ])
            for trial in _records(trials)
        ),
        css="columns",
    )  # fmt: skip
    words = tables.sentence(evidence.name(name))
    return details(f"{words} ({tables.count(len(trials))})", items)
