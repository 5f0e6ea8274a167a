"""The parts of the index: the answer first, all claims, what has been studied and what has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.display import display

from combined_care import figures, tables
from combined_care.certainty import LEVELS
from combined_care.landscape import map_evidence
from combined_care.ledger import count_trials, ledger
from combined_care.markup import Safe, bullets, details, join, jump, paragraph
from combined_care.network_verdicts import judge_registered
from combined_care.paths import project_root
from combined_care.reports import parts
from combined_care.reports.catalogue import single_pages
from combined_care.reports.filters import filtered_table
from combined_care.reports.page import VERDICTS
from combined_care.results import Absent
from combined_care.review import MAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from combined_care.decisions import Label
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict

_HOLDS: tuple[Label, ...] = ("supported_strongly", "supported")

#: Further pages: title, and what they are about. A project has those that it has data for.
_MORE = {
    "robustness": ("Robustness", ": how far every verdict depends on our choices"),
    "published": ("Published results", ": ours beside those of reviews, and why they differ"),
    "network": ("Networks", ": do the parts add up?"),
    "design": ("Trial design", ": how the design of a trial goes along with its result"),
    "data": (
        "Data and provenance",
        ": from the tables to a pooled result, sources, limits, and every trial",
    ),
    "methods": ("Methods", ": model, rules, what each verdict means, references"),
}


def answer(verdicts: Sequence[Verdict], evidence: Evidence) -> Safe:
    """Say in one screen which claims hold, how sure that is, and what is missing."""
    tested = [verdict for verdict in verdicts if verdict.claim.testable]
    return join([
        parts.lead(
            f"{len(tested)} claims of {evidence.review.source} about {evidence.review.subject}, "
            f"tested with {len(evidence.trials):,} randomised trials: "
            f"{_counted(tested, *_HOLDS)} hold, {_counted(tested, 'fragile')} fragile; the others "
            "do not hold, hold in part only, or cannot be judged yet."
        ),
        Safe('<div class="answer">'),
        parts.section("holds", "Which claims hold", _holding(tested)),
        parts.section("sure", "How sure that is", bullets(_sure(tested))),
        parts.section("missing", "What is missing", bullets(_missing(verdicts, evidence))),
        Safe("</div>"),
    ])  # fmt: skip


def _counted(verdicts: Sequence[Verdict], *labels: Label) -> int:
    return sum(verdict.label in labels for verdict in verdicts)


def _holding(tested: Sequence[Verdict]) -> Safe:
    whole = [verdict for verdict in tested if verdict.label in (*_HOLDS, "fragile")]
    listed = bullets((_claim(verdict, tables.label_sign(verdict.label)) for verdict in whole),
                     css="plain")  # fmt: skip
    partly = list(_partly(tested))
    return join([listed, paragraph("In part:") if partly else "", bullets(partly, css="plain")])


def _claim(verdict: Verdict, before: object = "", after: object = "") -> Safe:
    words = tables.page_link(verdict.claim.id, verdict.claim.text.rstrip("."))
    return join([before, words, after])


def _partly(tested: Sequence[Verdict]) -> Iterator[Safe]:
    """Claims that do not hold as a whole, of which a decisive part does."""
    for verdict in tested:
        if verdict.label in (*_HOLDS, "fragile") or verdict.claim.kind == "uncertainty":
            continue
        shown = [r for r in verdict.decisive if r.label in (*_HOLDS, "fragile")]
        if shown:
            titles = "; ".join(_part(result) for result in shown)
            yield _claim(verdict, tables.label_sign(verdict.label), f": only {titles}")


def _part(result: AnalysisResult) -> str:
    fragile = ", fragile" if result.label == "fragile" else ""
    return f"{result.analysis.title} ({tables.count(result.k)}{fragile})"


def _sure(tested: Sequence[Verdict]) -> Iterator[object]:
    graded = [v.certainty.level for v in tested if not isinstance(v.certainty, Absent)]
    if graded:
        counted = (f"{level} for {graded.count(level)}" for level in LEVELS if level in graded)
        yield f"Certainty of the evidence: {', '.join(counted)} of {len(graded)} claims."
    strong = _counted(tested, "supported_strongly")
    yield f"Supported strongly: {strong or 'none'}."
    held = [verdict for verdict in tested if verdict.label in _HOLDS]
    for verdict in held:
        if any(result.interval_is_narrow for result in verdict.decisive):
            warned = ": its few trials agree by chance; the interval is too narrow to be trusted."
            yield _claim(verdict, after=warned)
    kinds = [verdict.claim.kind for verdict in held]
    if moderators := kinds.count("moderator"):
        yield (
            f"{moderators} of those that hold compare kinds of trials. People were not assigned to "
            "these, so the cause may be another one."
        )
    if uncertain := kinds.count("uncertainty"):
        yield f"{uncertain} of those that hold say themselves that the evidence is mixed."
    if _counted(tested, "fragile"):
        yield "Fragile (◐): one trial less, or another way of counting, changes the verdict."


def _missing(verdicts: Sequence[Verdict], evidence: Evidence) -> Iterator[object]:
    thin = [verdict for verdict in verdicts if verdict.label == "insufficient"]
    for verdict in thin:
        yield _claim(verdict, after=": too few trials with usable numbers.")
    left_open = _counted(verdicts, "not_demonstrated_imprecise")
    yield join([jump("#claims", f"{left_open} claims"), " whose trials are too few, too small or "
                "too different to tell."])  # fmt: skip
    cells, usable, studied = _cells(evidence)
    yield join([
        jump("#gaps", f"{cells - studied} of {cells} questions"),
        f" (diagnosis by comparator by {evidence.review.columns['design']}) have no trial at all, "
        f"{studied - usable} more no usable numbers.",
    ])  # fmt: skip
    yield join([
        "Trials that nobody here has found: ",
        tables.page_link("data", "no systematic search of our own"),
        " stands behind the data.",
    ])  # fmt: skip


def _cells(evidence: Evidence) -> tuple[int, int, int]:
    """Count the questions of the review: all, with usable numbers, with any trial."""
    review = evidence.review
    counts = tables.by_start(count_trials(ledger(evidence)))
    counts = counts[counts["comparator"].isin(review.comparators)]
    every = evidence.trials["diagnosis"].nunique() * len(review.comparators) * len(review.starts)
    return every, int((counts["usable"] > 0).sum()), len(counts)


def claims(verdicts: Sequence[Verdict]) -> Safe:
    """List all claims with their verdicts, and filters above them."""
    return filtered_table(verdicts)


def evidence_map(evidence: Evidence, verdicts: Sequence[Verdict]) -> Safe:
    """Show the evidence map as a figure and as a table."""
    found = map_evidence(evidence, verdicts[0].claim.rules)
    words = {word: evidence.name(word) for word in (*found.diagnoses, *found.comparators)}
    said = figures.describe_evidence_map(found, words)
    shown = parts.figure(
        lambda narrow: figures.evidence_map(found, words, narrow=narrow),
        name="evidence-map",
        title="Evidence map by diagnosis and comparator",
        description=said,
        caption=said,
    )
    table = details("The same as a table, with links", tables.map_table(found, evidence.name))
    main = evidence.review.starts[evidence.review.main_start]
    intro = paragraph(f"Which questions have trials where {main.name}, how many people, and what "
                      "they show. A gap is a result too.")  # fmt: skip
    return join([intro, shown, table])


def gap_map(evidence: Evidence) -> Safe:
    """Show which questions have no trial, as a figure and as a table."""
    counts = count_trials(ledger(evidence))
    cells = counts.assign(
        pooled=counts["usable"], direction_only=counts["trials"] - counts["usable"]
    )
    words = {
        word: evidence.name(word)
        for column in ("diagnosis", "comparator", "design")
        for word in evidence.vocabulary[column]
        if word in set(counts[column])
    }
    said = figures.describe_gap_map(cells, words)
    shown = parts.figure(
        lambda narrow: figures.gap_map(cells, words, narrow=narrow),
        name="gap-map",
        title="Trials by diagnosis, comparator and design",
        description=said,
        caption=said,
    )
    table = tables.gap_table(counts, tuple(evidence.vocabulary["diagnosis"]), evidence.name)
    return join([shown, table])


def more_pages(evidence: Evidence) -> Safe:
    """Link to the other pages."""
    found = set(evidence.trials["diagnosis"])
    names = [name for name in evidence.vocabulary["diagnosis"] if name in found]
    by_diagnosis = bullets(
        (tables.page_link(tables.diagnosis_page(name), evidence.name(name)) for name in names),
        css="inline",
    )
    pages = single_pages(project_root())
    without = [_MORE[name][0] for name in _MORE if name not in pages]
    said = f"Not in this review, for want of its data: {', '.join(without)}." if without else ""
    return join([
        bullets(join([tables.page_link(name, title), about])
                for name, (title, about) in _MORE.items() if name in pages),
        paragraph(said) if said else "",
        paragraph("By diagnosis:"),
        by_diagnosis,
    ])  # fmt: skip


def about(evidence: Evidence) -> Safe:
    """Say what the evidence holds and how the numbers are to be read."""
    first, *others = map(evidence.name, evidence.rule.family(MAIN))
    usable = f"{first} where a trial reports usable numbers" if others else first
    family = ", else ".join([usable, *others])
    return paragraph(
        f"{evidence}. {tables.sentence(evidence.name(MAIN))} is {family}, brought to the scale of "
        f"Hedges' g. {parts.sign_note()} A label says what the evidence in this project shows, not "
        "what to do."
    )


def hand_over(verdicts: Sequence[Verdict], evidence: Evidence) -> None:
    """Give the verdicts of this run to the build, which writes them to ``verdicts.json``.

    Claims about networks, beyond the article, come last.
    """
    networks = judge_registered(evidence, verdicts[0].claim.rules)
    records = [*(v.to_dict() for v in verdicts), *(v.to_dict() for v in networks)]
    document = {"claims": records}
    display({VERDICTS: document}, raw=True)  # type: ignore[no-untyped-call]
