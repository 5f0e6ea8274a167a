"""A small project of reports: its own data, two claims, three pages that are made in no time."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from combined_care import reports
from combined_care.reports import catalogue
from combined_care.reports.catalogue import Page
from combined_care.reports.inputs import Uses
from small_folder import DATA, MEANS, ROWS, SmallFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
CLAIM = """
import combined_care as cc
from combined_care.markup import paragraph
from combined_care.reports import shared
from combined_care.reports.settings import with_settings

evidence = shared.load_evidence()
verdict = shared.judged(with_settings(cc.load_claims()[claim], **settings), evidence)
paragraph(str(verdict))
"""
INDEX = """
import combined_care as cc
from combined_care.markup import join, paragraph
from combined_care.reports import overview, shared

evidence = shared.load_evidence()
verdicts = shared.judged_all(cc.load_claims().values(), evidence)
overview.hand_over(verdicts, evidence)
join(paragraph(str(verdict)) for verdict in verdicts)
"""
CLAIMS = """claims:
  - id: panic
    set: primary
    section: one
    text: Panic gets better.
    analyses:
      - {id: drug, title: against a drug, select: {outcome: severity, diagnosis: [panic]}}
  - id: ocd
    set: primary
    section: two
    text: So does OCD.
    analyses:
      - {id: drug, title: against a drug, select: {outcome: severity, diagnosis: [ocd]}}
"""
_OCD = {
    "trials": {**ROWS["trials"][0], "trial_id": "dogwood2009", "label": "Dogwood",
               "diagnosis": "ocd"},
    "outcomes": {**ROWS["outcomes"][0], **MEANS, "row_id": "dogwood2009-01",
                 "trial_id": "dogwood2009"},
}  # fmt: skip


def make(folder: Path) -> Path:
    """Write the project into an empty folder."""
    for name in ("data", "notebooks"):
        (folder / name).mkdir(parents=True)
    for file in DATA.glob("*.yaml"):
        shutil.copy(file, folder / "data")
    shared_rules = (DATA / "claims.yaml").read_text(encoding="utf-8").split("\nclaims:\n")[0]
    (folder / "data" / "claims.yaml").write_text(f"{shared_rules}\n{CLAIMS}", encoding="utf-8")
    change(folder)
    notebook(folder, "claim", CLAIM, "claim = 'ocd'\nsettings = {}")
    notebook(folder, "index", INDEX)
    return folder


def change(root: Path, *, trial: int = 0, **cells: str) -> None:
    """Write the tables, with other values in one trial (0 to 2: panic, 3: OCD)."""
    folder = SmallFolder(root / "data")
    for table in ("trials", "outcomes"):
        folder.add(table, _OCD[table])
    rows = [*ROWS["trials"], _OCD["trials"]]
    rows[trial] = {**rows[trial], **cells}
    folder.write("trials", rows)


def notebook(root: Path, name: str, source: str, parameters: str = "") -> None:
    """Write a notebook of one cell, and one of parameters."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id="work")]
    if parameters:
        tags = {"tags": ["parameters"]}
        cells.insert(0, nbformat.v4.new_code_cell(parameters, id="parameters", metadata=tags))
    document = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(document, root / "notebooks" / f"{name}.ipynb")


def pages(root: Path, chosen: Sequence[str] | None = None) -> list[Page]:
    """The catalogue of this project."""
    notebooks = root / "notebooks"
    every = [
        Page(name, f"About {name}", notebooks / "claim.ipynb", {"claim": name}, Uses((name,)))
        for name in ("panic", "ocd")
    ]
    every.append(Page("index", "All", notebooks / "index.ipynb", {}))
    return [page for page in every if not chosen or page.name in chosen]


def render(root: Path, claims: Sequence[str] | None = None, **options: Any) -> Any:
    """Render with this catalogue; `settings` asks for what-if pages."""
    real, catalogue.pages = catalogue.pages, pages
    try:
        if "settings" in options:
            settings = options.pop("settings")
            return reports.render_what_if(
                claims or [], settings, root=root, progress=False, **options
            )
        return reports.render(claims, root=root, progress=False, **options)
    finally:
        catalogue.pages = real


if __name__ == "__main__":
    print(render(Path(sys.argv[1]), jobs=int(sys.argv[2])))
