"""Build the reports: run what is out of date, in parallel, and replace the reports at the end.

Finished pages wait in ``build/staged`` until all are there. A build that fails or is killed thus
leaves the last good reports as they were, and the next one makes only what is missing.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from combined_care.reports import files, inputs, workers
from combined_care.reports.state import Made, State, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from combined_care.reports.catalogue import Page
    from combined_care.reports.passport import Passport
    from combined_care.reports.plan import Plan


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What a build did."""

    folder: Path
    built: tuple[str, ...]
    unchanged: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.built:
            return f"nothing changed: all {len(self.unchanged)} reports are up to date"
        kept = f", {len(self.unchanged)} were up to date" if self.unchanged else ""
        reports = "1 report" if len(self.built) == 1 else f"{len(self.built)} reports"
        first = "index" if "index" in self.built else self.built[0]
        return f"built {reports}{kept}; open {self.folder / first}.html"


def render(
    claims: Sequence[str] | None = None,
    *,
    root: Path,
    jobs: int | None = None,
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
    jobs : int, optional
        Number of processes; by default one for each core that this process may use.
    force : bool
        Also build what is up to date.
    keep : bool
        Keep the executed notebooks in ``build/notebooks``.
    progress : bool
        Show a progress bar that names what is running.

    Returns
    -------
    RenderSummary
        What was built and what was up to date.

    Raises
    ------
    InputError
        If a claim or parameter is not known; nothing has run then.
    ReportError
        If a notebook fails. The reports stay as they were; pages that were finished before are
        kept for the next build.
    """
    same = None if force else unchanged(root, claims)
    if same is not None:
        return RenderSummary(root / "reports", (), same)
    from combined_care.reports import catalogue  # noqa: PLC0415
    from combined_care.reports.plan import Plan  # noqa: PLC0415

    seen = inputs.everything(root)
    pages = catalogue.pages(root, claims)
    workers.warm_up()
    plan = Plan(root)
    build = _Build(root, plan, {page.name: plan.passport(page) for page in pages})
    due = [page for page in pages if force or not build.is_ready(page)]
    build.run(due, build.stage, jobs=jobs, keep=keep, progress=progress)
    build.publish(pages, seen, whole=not claims)
    names = [page.name for page in due]
    rest = tuple(page.name for page in pages if page not in due)
    return RenderSummary(root / "reports", tuple(names), rest)


def render_what_if(
    claims: Sequence[str],
    settings: Mapping[str, Any],
    *,
    root: Path,
    jobs: int | None = None,
    keep: bool = False,
    progress: bool = True,
) -> RenderSummary:
    """Render what-if pages of claims: the same notebook under other settings.

    Parameters
    ----------
    claims : sequence of str
        Ids of claims; at least one.
    settings : mapping
        Setting -> value, see :data:`combined_care.reports.settings.SETTINGS`.
    root, jobs, keep, progress
        As in :func:`render`.

    Returns
    -------
    RenderSummary
        The pages, in ``build/what-if``: never among the signed-off reports, their manifest or
        ``verdicts.json``.

    Raises
    ------
    InputError
        If a claim or setting is unknown or not allowed, or nothing would change; nothing has run.
    ReportError
        If a notebook fails.
    """
    from combined_care.errors import InputError  # noqa: PLC0415
    from combined_care.reports import catalogue  # noqa: PLC0415
    from combined_care.reports.plan import Plan  # noqa: PLC0415

    if not claims:
        message = "a what-if page needs a claim"
        raise InputError(message)
    found = catalogue.what_if_pages(root, claims, settings)
    workers.warm_up()
    plan = Plan(root)
    build = _Build(root, plan, {page.name: plan.passport(page, why) for page, why in found})
    folder = root / "build" / "what-if"
    folder.mkdir(parents=True, exist_ok=True)
    pages = [page for page, _ in found]

    def write(page: Page, texts: Mapping[str, str]) -> None:
        name = f"{page.name}.html"
        files.replace_file(folder / name, texts[name])

    build.run(pages, write, jobs=jobs, keep=keep, progress=progress, judge=False)
    return RenderSummary(folder, tuple(page.name for page in pages))


class _Build:
    """One build: what the pages are made from, what is staged, and what is published."""

    def __init__(self, root: Path, plan: Plan, passports: Mapping[str, Passport]) -> None:
        self.root = root
        self.plan = plan
        self.passports = passports
        self.state = State.read(root)
        self.reports, self.staged = root / "reports", root / "build" / "staged"

    def made_from(self, page: Page) -> str:
        return inputs.digest(self.passports[page.name].inputs, inputs.machinery_digest())

    def is_ready(self, page: Page) -> bool:
        """Whether a page was made from these inputs and is still what was made."""
        made = self.state.pages.get(page.name)
        return (
            made is not None
            and made.made_from == self.made_from(page)
            and made.lies_in(self.reports, self.staged)
        )

    def run(
        self,
        pages: Sequence[Page],
        take: Callable[[Page, Mapping[str, str]], None],
        *,
        jobs: int | None,
        keep: bool,
        progress: bool,
        judge: bool = True,
    ) -> None:
        """Judge the claims that the pages need, each once; run the notebooks; `take` each page."""
        from tqdm import tqdm  # noqa: PLC0415

        todo = self._jobs(pages, judge=judge)
        by_name = {page.name: page for page in pages}
        # None: only where somebody may look at it.
        bar = tqdm(total=len(todo), disable=None if progress else True, file=sys.stderr)

        def done(job: workers.Job, result: Any) -> None:
            bar.update()
            if job.name in by_name:
                take(by_name[job.name], result)
                if not keep:
                    files.executed(self.root, job.name).unlink(missing_ok=True)

        with bar:
            at_once = max(1, jobs or _cores())
            describe = lambda names: bar.set_description(", ".join(names))  # noqa: E731
            workers.run(todo, at_once=at_once, done=done, running=describe)

    def _jobs(self, pages: Sequence[Page], *, judge: bool) -> list[workers.Job]:
        needs = {page.name: self.plan.verdicts(page) if judge else () for page in pages}
        names = {claim: f"verdict of {claim}" for found in needs.values() for claim in found}
        verdicts = [
            workers.Job(name, f"{workers.WARM}:judge", (self.root, claim))
            for claim, name in names.items()
        ]
        return verdicts + [
            workers.Job(
                page.name,
                f"{workers.WARM}:build",
                (self.root, page, self.passports[page.name]),
                frozenset(names[claim] for claim in needs[page.name]),
            )
            for page in pages
        ]

    def stage(self, page: Page, texts: Mapping[str, str]) -> None:
        """Put a finished page aside, and remember what it was made from."""
        self.staged.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            files.replace_file(self.staged / name, text)
        digests = {name: inputs.file_digest(self.staged / name) for name in texts}
        self.state.pages[page.name] = Made(self.made_from(page), "", digests)
        self.state.write(self.root)

    def publish(self, pages: Sequence[Page], seen: str, *, whole: bool) -> None:
        """Move what is staged to the reports, and remember that all of it is up to date."""
        made = {page.name: self.state.pages[page.name] for page in pages}
        names = {name: sha for page in made.values() for name, sha in page.files.items()}
        ready = [name for name, sha in names.items() if files.is_whole(self.staged / name, sha)]
        only = frozenset(names) if whole else None
        files.publish(ready, self.staged, self.reports, only=only)
        self.state.pages |= {name: replace(page, seen=seen) for name, page in made.items()}
        if whole:
            self.state.pages = {name: self.state.pages[name] for name in made}
            self.state.catalogue, self.state.seen = list(made), seen
        self.state.write(self.root)


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
