"""Items 13 to 22 and 27 of the PRISMA 2020 checklist, filled from a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from combined_care import markup
from combined_care.exports import prisma_answers as answers
from combined_care.exports.cells import as_cells, sheet_csv
from combined_care.exports.prisma_run import Run
from combined_care.markup import Safe
from combined_care.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from combined_care.evidence import Evidence
    from combined_care.exports.prisma_answers import Answered, Status
    from combined_care.own_question import Answer
    from combined_care.verdicts import Verdict

#: Number, topic, what is asked (in our own words), and what answers it.
_ITEMS: tuple[tuple[str, str, str, Callable[[Run], Answered]], ...] = (
    ("13a", "Synthesis methods", "Which studies belong to which synthesis.", answers.eligibility),
    ("13b", "Synthesis methods", "How numbers were made ready to be pooled.", answers.preparation),
    ("13c", "Synthesis methods", "How results are laid out and drawn.", answers.layout),
    ("13d", "Synthesis methods", "Model, software, and the reasons.", answers.synthesis),
    ("13e", "Synthesis methods", "How differences were explored.", answers.heterogeneity),
    ("13f", "Synthesis methods", "Which sensitivity analyses were made.", answers.sensitivity),
    ("14", "Reporting bias", "How missing results were allowed for.", answers.missing_results),
    ("15", "Certainty", "How certainty was rated.", answers.certainty_method),
    ("16a", "Study selection", "From records found to studies included.", answers.study_flow),
    ("16b", "Study selection", "What was left out, and why.", answers.left_out),
    ("17", "Study characteristics", "Each study with its reference.", answers.characteristics),
    ("18", "Risk of bias in studies", "Judgements for each study.", answers.risk_of_bias),
    ("19", "Single studies", "Arms, effect and precision of each.", answers.single_results),
    ("20a", "Results of syntheses", "The studies behind each result.", answers.contributing),
    ("20b", "Results of syntheses", "Each result, its precision and spread.", answers.pooled),
    ("20c", "Results of syntheses", "What explored differences showed.",
     answers.heterogeneity_results),
    ("20d", "Results of syntheses", "What sensitivity analyses showed.",
     answers.sensitivity_results),
    ("21", "Reporting biases", "Signs of missing results, each synthesis.",
     answers.missing_results_found),
    ("22", "Certainty of evidence", "The rating of each result.", answers.certainty_found),
    ("27", "Availability", "Public data, code and materials.", answers.availability),
)  # fmt: skip
_COLUMNS = ("item", "topic", "asked", "status", "done", "where")
_IN_MARKDOWN = {"\\": "\\\\", "|": "\\|", "<": "&lt;", ">": "&gt;", "\n": "<br>", "\r": " "}


@dataclass(frozen=True, eq=False, kw_only=True)
class PrismaItem(Result):
    """One item of the checklist.

    Attributes
    ----------
    item, topic, asked : str
        Number, topic, and what is asked, in our own words.
    status : {"reported", "in part", "not done", "for a person"}
        How far the run answers it.
    done : str
        What was done or found, with the numbers of the run.
    where : tuple of str
        Places that report it: a page with an anchor, or a file of the export.
    """

    caption: ClassVar[str] = "Item of PRISMA 2020"

    item: str
    topic: str
    asked: str
    status: Status
    done: str
    where: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.item} ({self.status}): {self.done}"


@dataclass(frozen=True, eq=False, kw_only=True)
class PrismaChecklist(Result):
    """The items that a synthesis can answer.

    Attributes
    ----------
    question, release : str
        What was asked, and the data release.
    items : tuple of PrismaItem
        In the order of the checklist.
    """

    caption: ClassVar[str] = "PRISMA 2020, items 13 to 22 and 27"

    question: str
    release: str
    items: tuple[PrismaItem, ...]

    def __str__(self) -> str:
        counts = Counter(item.status for item in self.items)
        said = ", ".join(f"{n} {status}" for status, n in counts.items())
        return f"{self.caption}: {said}. The other items are for a person."

    def to_frame(self) -> pd.DataFrame:
        """Return one row an item."""
        rows = ([*(getattr(i, c) for c in _COLUMNS[:-1]), "; ".join(i.where)] for i in self.items)
        return as_cells(rows, _COLUMNS)

    def to_csv(self) -> str:
        """Return the table for a spreadsheet; text that looks like a formula is guarded."""
        return sheet_csv(self.to_frame())

    def to_html(self) -> Safe:
        """Return the table as HTML, one line of a cell a line."""
        rows = [[_html(str(value)) for value in row] for row in self.to_frame().to_numpy()]
        return markup.table(_COLUMNS, rows, caption=self.caption)

    def _repr_html_(self) -> str:
        return markup.paragraph(str(self)) + self.to_html()

    def to_markdown(self) -> str:
        """Return the table as Markdown, with text that could be markup escaped."""
        rows = [[_markdown(str(value)) for value in row] for row in self.to_frame().to_numpy()]
        lines = [_COLUMNS, ["---"] * len(_COLUMNS), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        head = f"# {self.caption}\n\n{_markdown(self.question)} Data release {self.release}."
        return f"{head}\n\n{_markdown(str(self))}\n\n{table}\n"


def prisma_checklist(question: Verdict | Answer, evidence: Evidence) -> PrismaChecklist:
    """Fill the items of PRISMA 2020 that are about syntheses from what a run did.

    Parameters
    ----------
    question : Verdict or Answer
        From :func:`combined_care.judge` or :func:`combined_care.ask`.
    evidence : Evidence
        What it was judged by.

    Returns
    -------
    PrismaChecklist
        Items 13 to 22 and 27. What the run cannot know is said to be so, never filled in.

    Raises
    ------
    InputError
        If the claim cannot be tested, so that there is no run.

    References
    ----------
    .. [1] Page et al. (2021), The PRISMA 2020 statement, doi:10.1136/bmj.n71.

    Examples
    --------
    >>> import combined_care as cc
    >>> answer = cc.ask(diagnosis="ocd", comparator="pharmacotherapy")
    >>> checklist = prisma_checklist(answer, answer.evidence)
    >>> print(checklist)
    PRISMA 2020, items 13 to 22 and 27: ... The other items are for a person.
    >>> print(checklist.items[0].item, checklist.items[0].asked)
    13a Which studies belong to which synthesis.
    """
    run = Run.of(question, evidence)
    items = []
    for number, topic, asked, answer in _ITEMS:
        status, done, where = answer(run)
        items.append(
            PrismaItem(item=number, topic=topic, asked=asked, status=status, done=done, where=where)
        )
    return PrismaChecklist(
        question=run.verdict.claim.text, release=evidence.release, items=tuple(items)
    )


def _html(value: str) -> Safe:
    return Safe("<br>".join(markup.text(line) for line in value.split("\n")))


def _markdown(value: str) -> str:
    return "".join(_IN_MARKDOWN.get(sign, sign) for sign in value)
