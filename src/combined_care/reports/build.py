"""Build the reports: run what is out of date, in parallel, and replace each page in one step."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from combined_care.errors import CombinedCareError
from combined_care.paths import ROOT_VARIABLE
from combined_care.reports import catalogue, plan
from combined_care.reports.page import page_of, verdicts_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from combined_care.reports.catalogue import Page


class ReportError(CombinedCareError):
    """A notebook failed; the message names the cell, the error and the half-made file."""


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What a build did."""

    folder: Path
    built: tuple[str, ...]
    unchanged: tuple[str, ...]

    def __str__(self) -> str:
        if not self.built:
            return f"nothing changed: all {len(self.unchanged)} reports are up to date"
        kept = f", {len(self.unchanged)} were up to date" if self.unchanged else ""
        reports = "1 report" if len(self.built) == 1 else f"{len(self.built)} reports"
        return f"built {reports}{kept}; open {self.folder / 'index.html'}"


def render(
    claims: Sequence[str] | None = None,
    *,
    root: Path,
    jobs: int = 1,
    force: bool = False,
    keep: bool = False,
    progress: bool = True,
) -> RenderSummary:
    """Bring the reports up to date.

    Parameters
    ----------
    claims : sequence of str, optional
        Only the pages of these claims; all pages and the index by default.
    root : pathlib.Path
        The project: ``data/`` and ``notebooks/`` are read, ``reports/`` is written.
    jobs : int
        Number of processes.
    force : bool
        Also build what is up to date.
    keep : bool
        Keep the executed notebooks in ``build/notebooks``.
    progress : bool
        Show a progress bar that names the running report.

    Returns
    -------
    RenderSummary
        What was built and what was up to date.

    Raises
    ------
    InputError
        If a claim or parameter is not known; nothing has run then.
    ReportError
        If a notebook fails. Earlier pages stay as they were.
    """
    wanted = catalogue.pages(root, claims)
    reports = root / "reports"
    shared = plan.shared_digest(root)
    inputs = {page.name: plan.digest(page, shared) for page in wanted}
    state = plan.read_state(reports)
    due = [
        page
        for page in wanted
        if force or not plan.is_current(page, inputs[page.name], state, reports)
    ]
    if due:
        reports.mkdir(exist_ok=True)
        _run(due, inputs, root, jobs=jobs, progress=progress)
        if not keep:
            for page in due:
                _executed(page, root).unlink(missing_ok=True)
    built = {page.name for page in due}
    rest = tuple(page.name for page in wanted if page.name not in built)
    return RenderSummary(reports, tuple(page.name for page in due), rest)


def _run(due: list[Page], inputs: dict[str, str], root: Path, *, jobs: int, progress: bool) -> None:
    # A kernel of its own for each page, in a fresh process: papermill changes the working folder.
    context = multiprocessing.get_context("spawn")
    bar = tqdm(total=len(due), disable=not progress, file=sys.stderr, unit="report")
    with ProcessPoolExecutor(min(jobs, len(due)), mp_context=context) as pool, bar:
        running: dict[Future[str], Page] = {
            pool.submit(_build, page, inputs[page.name], root): page for page in due
        }
        try:
            while running:
                bar.set_description(", ".join(p.name for p in list(running.values())[:jobs]))
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    page = running.pop(future)
                    _remember(root / "reports", page.name, inputs[page.name], future.result())
                    bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _build(page: Page, inputs: str, root: Path) -> str:
    """Execute one notebook, write its page, and return the page's digest. Runs in a process."""
    import papermill  # noqa: PLC0415
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415

    os.environ[ROOT_VARIABLE] = str(root)
    made = _executed(page, root)
    made.parent.mkdir(parents=True, exist_ok=True)
    try:
        notebook = papermill.execute_notebook(
            str(page.notebook),
            str(made),
            parameters=dict(page.parameters),
            kernel_name="python3",
            cwd=str(root),
            progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )
    except PapermillExecutionError as error:
        message = (
            f"report {page.name} failed in cell {error.cell_index} of {page.notebook.name}: "
            f"{error.ename}: {error.evalue}\n"
            f"The earlier report is kept. The half-made notebook is {made}"
        )
        raise ReportError(message) from None
    html = page_of(
        notebook, title=page.title, name=page.name, inputs=inputs, release=plan.release_of(root)
    )
    reports = root / "reports"
    verdicts = verdicts_in(notebook)
    if verdicts is not None:
        document = plan.verdict_document(root, verdicts)
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        replace_file(reports / "verdicts.json", text)
    replace_file(reports / f"{page.name}.html", html)
    return hashlib.sha256(html.encode()).hexdigest()


def _executed(page: Page, root: Path) -> Path:
    return root / "build" / "notebooks" / f"{page.name}.ipynb"


def _remember(reports: Path, name: str, inputs: str, page: str) -> None:
    state: dict[str, Any] = plan.read_state(reports)
    state[name] = {"inputs": inputs, "page": page}
    text = json.dumps(dict(sorted(state.items())), indent=1) + "\n"
    replace_file(reports / plan.STATE, text)


def replace_file(path: Path, text: str) -> None:
    """Write a file in one step: readers see the old or the new one, never half of it."""
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
