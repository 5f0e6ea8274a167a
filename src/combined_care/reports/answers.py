"""An answer as a file of its own: the page of a question that nobody fixed in advance."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from combined_care import markup, tables
from combined_care.errors import InputError
from combined_care.markup import Safe, details, join, paragraph, table
from combined_care.own_question import NOT_PRE_SPECIFIED, Answer, ask
from combined_care.paths import project_root
from combined_care.reports import (
    answer_process,
    files,
    inputs,
    parameters,
    parts,
    picture,
    plain,
    rules,
    shared,
)
from combined_care.reports.catalogue import Page
from combined_care.reports.passport import Passport, authors_of, licence_of, settings_in_words
from combined_care.reports.plan import package_of
from combined_care.reports.workers import ReportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from combined_care.evidence import Evidence

_STATUS = "Not pre-specified"
_HOME = "Combined Care: a question of one's own, not pre-specified"
#: What a file that may lie anywhere cannot link to: the way home, and other reports.
_NAVIGATION = re.compile(r'<nav class="crumbs".*?</nav>', re.DOTALL)
_LINK = re.compile(r'<a href="[\w-]+\.html[#"][^>]*>(.*?)</a>', re.DOTALL)
#: The evidence of the answer that a process makes a page of.
_EVIDENCE: ContextVar[Evidence | None] = ContextVar("evidence", default=None)


def save_answer(answer: Answer, path: str | Path) -> Path:
    """Write an answer as one self-contained HTML file, made like the project's reports.

    Parameters
    ----------
    answer : Answer
        From :func:`combined_care.ask`. With ``robustness=True`` the page shows the specification
        curve too.
    path : str or pathlib.Path
        The file, ending in ``.html``; an earlier one is replaced.

    Returns
    -------
    pathlib.Path
        The file: notebook ``question.ipynb`` run on the evidence of the answer. It says that it is
        not pre-specified, and links to sources, never to other reports, so that it can be sent.

    Raises
    ------
    InputError
        If the path is no HTML file in a folder that exists.
    ReportError
        If the notebook fails.
    OSError
        If the file cannot be written; an earlier one is then as it was.

    Examples
    --------
    >>> answer = ask(diagnosis="ocd", comparator="pharmacotherapy")
    >>> save_answer(answer, "ocd.html")  # takes some seconds  # doctest: +SKIP
    PosixPath('ocd.html')

    The path is looked at first, before anything is computed:

    >>> save_answer(answer, "ocd.pdf")
    Traceback (most recent call last):
    combined_care.errors.InputError: the page is HTML: its file must end in .html; got 'ocd.pdf'
    """
    target = _checked(Path(path))
    page = _page(answer)
    parameters.check(page.notebook, page.parameters)
    # A copy: what an evidence has computed on the way need not travel.
    arguments = (project_root(), page, _passport(answer, page), replace(answer.evidence))
    files.replace_file(target, _in_process(arguments))
    return target


def _in_process(arguments: tuple[Any, ...]) -> bytes:
    """Let a process of its own make the page: this one may be a notebook's kernel itself."""
    made = subprocess.run(
        [sys.executable, "-m", answer_process.__name__],
        input=pickle.dumps(arguments),
        capture_output=True,
        check=False,
    )
    if made.returncode:
        said = made.stderr.decode(errors="replace").strip()
        message = said if made.returncode == answer_process.SAID else f"the page failed:\n{said}"
        raise ReportError(message)
    return made.stdout


def build(root: Path, page: Page, passport: Passport, evidence: Evidence) -> str:
    """Make the page, in a process of its own; return its HTML."""
    from combined_care.reports import warm  # noqa: PLC0415

    _EVIDENCE.set(evidence)
    try:
        texts = warm.build(root, page, passport)
    finally:
        files.executed(root, page.name).unlink(missing_ok=True)
    html = _NAVIGATION.sub(f'<p class="crumbs">{_HOME}</p>', texts[f"{page.name}.html"])
    return without_site_links(html)


def without_site_links(html: str) -> Safe:
    """Keep the words of links to other reports, which are not there to be followed.

    Examples
    --------
    >>> print(without_site_links('<a href="trials-a.html#x">A</a> <a href="#y">B</a>'))
    A <a href="#y">B</a>
    """
    return Safe(_LINK.sub(r"\1", html))


def asked(question: Mapping[str, Any]) -> Answer:
    """Ask a question in the notebook of its page, of the evidence that the answer is from.

    Parameters
    ----------
    question : mapping
        The arguments of :func:`combined_care.ask`.
    """
    return ask(_EVIDENCE.get() or shared.load_evidence(), **question)


# the parts of the page, beside those that it shares with the page of a claim


def summary(answer: Answer) -> Safe:
    """Say first that this is no test; then the verdict, two plain sentences and one picture."""
    first, second = plain.two_sentences(answer.verdict)
    return join(
        [
            _notice(),
            tables.verdict_box(answer.verdict),
            parts.lead(f"{first} {second}"),
            picture.verdict_picture(answer.verdict),
            tables.decisive_table(answer.verdict),
        ]
    )


def _notice() -> Safe:
    return Safe(
        f'<div class="verdict bad what-if" role="note" aria-label="{_STATUS}">'
        f'<p class="label">{_STATUS}</p><p>{markup.text(NOT_PRE_SPECIFIED)} '
        "This page follows the rules of the claims, and is none of the signed-off reports.</p>"
        "</div>"
    )


def rule(answer: Answer) -> Safe:
    """Print what was asked, the rules that were applied, and the call that asks it again."""
    claim = answer.verdict.claim
    taken = rules.estimand_words(answer.result.analysis, answer.evidence)
    rows = [
        ("Question", claim.text),
        ("Judged as a claim that", rules.kinds()[claim.kind]),
        ("Trials and results that count", taken),
    ]
    code = Safe(f"<pre><code>{markup.text(answer.code)}</code></pre>")
    return join(
        [
            table(("What was asked", "Value"), rows, caption="The question"),
            rules.shared_table(claim.rules),
            details("What each label means", rules.labels_table(claim.kind)),
            paragraph("This call gives the same answer:"),
            code,
        ]
    )


def _page(answer: Answer) -> Page:
    return Page(
        name=f"question.{os.getpid()}",
        title=answer.verdict.claim.text.rstrip("."),
        notebook=project_root() / "notebooks" / "question.ipynb",
        parameters={"question": dict(answer.question)},
        status=_STATUS,
    )


def _passport(answer: Answer, page: Page) -> Passport:
    root, rows = project_root(), inputs.Rows(answer.evidence)
    package = package_of(root)
    trials = rows.used([answer.verdict.claim])
    data = rows.digest(trials)
    made_from = [page.title, dict(answer.question), inputs.file_digest(page.notebook)]
    return Passport(
        title=page.title,
        notebook=page.notebook.name,
        release=answer.evidence.release,
        data=data,
        trials=len(trials),
        rows=rows.count(trials),
        inputs=inputs.digest(made_from, [inputs.shared_data_digest(root), data]),
        licence=licence_of(package),
        settings=settings_in_words(answer.verdict.claim.rules, answer.evidence),
        versions=inputs.versions(),
        status=_STATUS,
        site=answer.evidence.review.name,
        dataset=str(package["title"]),
        authors=authors_of(package),
    )


def _checked(path: Path) -> Path:
    if path.suffix.lower() not in (".html", ".htm"):
        message = f"the page is HTML: its file must end in .html; got {path.name!r}"
        raise InputError(message)
    if path.is_dir():
        message = f"cannot write {path}: it is a folder"
        raise InputError(message)
    if not path.absolute().parent.is_dir():
        message = f"cannot write {path.name}: there is no folder {path.parent}"
        raise InputError(message)
    return path
