"""From an executed notebook to a page: its prose, outputs and folded code in one template."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import jinja2

from combined_care import __version__
from combined_care.errors import DataError

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: Output type under which the index hands over the verdicts, for ``verdicts.json``.
VERDICTS = "application/vnd.combined-care.verdicts+json"


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a page."""

    kind: Literal["prose", "output"]
    html: str


def page_of(notebook: NotebookNode, *, title: str, name: str, inputs: str, release: str) -> str:
    """Lay out an executed notebook as a self-contained page.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook.
    title, name : str
        Heading and file name of the page.
    inputs, release : str
        Digest of the inputs and version of the data, for the foot of the page.

    Returns
    -------
    str
        HTML without script and without any address that a browser would load. The same notebook
        gives the same text.

    Raises
    ------
    DataError
        If an output is neither HTML nor meant for a program: it would be lost silently.
    """
    style, style_hash = _style()
    return _template().render(
        title=title,
        is_index=name == "index",
        parts=[part for cell in notebook.cells for part in _parts(cell)],
        code=[cell.source for cell in notebook.cells if _is_step(cell)],
        style=style,
        style_hash=style_hash,
        version=__version__,
        release=release,
        inputs=inputs,
    )


def verdicts_in(notebook: NotebookNode) -> list[dict[str, Any]] | None:
    """Return the verdicts that a notebook hands over, or None."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if VERDICTS in output.get("data", {}):
                return list(output["data"][VERDICTS]["claims"])
    return None


def _parts(cell: NotebookNode) -> list[Part]:
    if cell.cell_type == "markdown":
        return [Part("prose", _prose(cell.source))]
    found = [Part("output", _html(output)) for output in cell.get("outputs", [])]
    return [part for part in found if part.html]


def _is_step(cell: NotebookNode) -> bool:
    """Whether a cell is code that made the page; defaults that were replaced are not."""
    return cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])


def _prose(source: str) -> str:
    from nbconvert.filters import markdown_mistune  # noqa: PLC0415

    renderer = markdown_mistune.IPythonRenderer(escape=False, exclude_anchor_links=True)
    return str(markdown_mistune.MarkdownWithMath(renderer=renderer).render(source))


def _html(output: NotebookNode) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        return str(data["text/html"])
    if VERDICTS in data:
        return ""
    message = f"a notebook printed what a page cannot show: {str(output)[:200]}"
    raise DataError(message)


@cache
def _style() -> tuple[str, str]:
    """Return the style sheet, and its hash for the content security policy."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    sha = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"sha256-{sha}"


@cache
def _template() -> jinja2.Template:
    source = files(__package__).joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(  # outputs are HTML already; titles are escaped below
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(source)
