"""The catalogue of pages: which reports there are, and from which notebook each is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from combined_care.claims import choose_claims, load_claims
from combined_care.errors import DataError, known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Page:
    """One report: its file name without ending, its title, its notebook and parameters."""

    name: str
    title: str
    notebook: Path
    parameters: Mapping[str, Any]


def pages(root: Path, chosen: Sequence[str] | None = None) -> list[Page]:
    """List the pages of the project, or those of some claims.

    Raises
    ------
    InputError
        If a claim does not exist or cannot have a page, or if a notebook does not declare one of
        the parameters it is given.
    """
    claims = load_claims(root / "data" / "claims.yaml")
    testable = {name: claim for name, claim in claims.items() if claim.testable}
    notebooks = root / "notebooks"
    found = [
        Page(claim.id, claim.text.rstrip("."), notebooks / "claim.ipynb", {"claim": claim.id})
        for claim in choose_claims(testable, chosen)
    ]
    if not chosen:
        title = "When should psychotherapy and medication be combined?"
        found.append(Page("index", title, notebooks / "index.ipynb", {}))
    for page in found:
        check_parameters(page)
    return found


def check_parameters(page: Page) -> None:
    """Raise unless the notebook declares every parameter that the page gives it.

    Notes
    -----
    papermill only warns about an unknown parameter and renders the default instead.
    """
    from papermill import inspect_notebook  # noqa: PLC0415

    if not page.notebook.is_file():
        message = f"{page.name}: there is no notebook {page.notebook}"
        raise DataError(message)
    declared = inspect_notebook(str(page.notebook))
    known(f"parameter of {page.notebook.name}", page.parameters, declared)
