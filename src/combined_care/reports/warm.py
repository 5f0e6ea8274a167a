"""What happens in a warm process: one claim is judged, or one notebook becomes a page.

The server that forks these processes imports this module once (see
:mod:`combined_care.reports.workers`); whatever it imports, no job pays for.
"""

from __future__ import annotations

import json
import os
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

import papermill
from papermill.exceptions import PapermillExecutionError

from combined_care import claims, reports
from combined_care.paths import ROOT_VARIABLE
from combined_care.reports import kernel, page, shared
from combined_care.reports.files import executed
from combined_care.reports.plan import verdict_document
from combined_care.reports.workers import ReportError

if TYPE_CHECKING:
    from pathlib import Path

    from combined_care.reports.catalogue import Page
    from combined_care.reports.passport import Passport

# What notebooks import: the modules of this folder, and what these import.
for _module in pkgutil.iter_modules(reports.__path__, f"{reports.__name__}."):
    import_module(_module.name)
page.prepare()


def judge(root: Path, claim: str) -> None:
    """Judge one claim, for the pages that will ask for its verdict."""
    _settle_in(root)
    evidence = shared.load_evidence()
    shared.judged(claims.load_claims()[claim], evidence)


def build(root: Path, asked: Page, passport: Passport) -> dict[str, str]:
    """Let papermill execute a notebook, and lay it out.

    Returns
    -------
    dict
        File name -> text: the page, and ``verdicts.json`` if the notebook handed verdicts over.

    Raises
    ------
    ReportError
        If a cell raises.
    DataError
        If an output cannot be shown in a page.
    """
    _settle_in(root)
    made = executed(root, asked.name)
    made.parent.mkdir(parents=True, exist_ok=True)
    try:
        notebook = papermill.execute_notebook(
            str(asked.notebook),
            str(made),
            parameters=dict(asked.parameters),
            engine_name=kernel.ENGINE,
            kernel_name="python3",
            cwd=str(root),
            progress_bar=False,
            request_save_on_cell_execute=False,
        )
    except PapermillExecutionError as error:
        message = (
            f"report {asked.name} failed in cell {error.cell_index} of {asked.notebook.name}: "
            f"{error.ename}: {error.evalue}\n"
            f"The earlier report is kept. The half-made notebook is {made}"
        )
        raise ReportError(message) from None
    html = page.page_of(notebook, name=asked.name, passport=passport)
    verdicts = page.verdicts_in(notebook)
    if verdicts is None:
        return {f"{asked.name}.html": html}
    document = verdict_document(root, verdicts)
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    return {f"{asked.name}.html": html, "verdicts.json": f"{text}\n"}


def _settle_in(root: Path) -> None:
    """Make this process the one of this project."""
    cache = root / "build" / "cache"
    os.environ[ROOT_VARIABLE] = str(root)
    os.environ[shared.CACHE_VARIABLE] = str(cache)
    cache.mkdir(parents=True, exist_ok=True)
    kernel.prepare(cache / "ipython")
