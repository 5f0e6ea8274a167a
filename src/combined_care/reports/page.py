"""From an executed notebook to a page: its prose, outputs and folded code in one template."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import jinja2

from combined_care.errors import DataError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from combined_care.reports.passport import Passport

#: Output type under which the index hands over the verdicts, for ``verdicts.json``.
VERDICTS = "application/vnd.combined-care.verdicts+json"
#: Where the reports lie, seen from a what-if page.
_TO_REPORTS = "../../reports/"
#: A link to another report: file name only, no address.
_LINK = re.compile(r'href="(?=[\w-]+\.html["#])')


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a page."""

    kind: Literal["prose", "output"]
    html: str


def page_of(notebook: NotebookNode, *, name: str, passport: Passport) -> str:
    """Lay out an executed notebook as a self-contained page.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook.
    name : str
        File name of the page, without ending.
    passport : Passport
        Title, and what the page was made from.

    Returns
    -------
    str
        HTML that needs no script and holds no address that a browser would load. The same notebook
        and passport give the same text.

    Raises
    ------
    DataError
        If an output is neither HTML nor meant for a program: it would be lost silently.
    """
    style, script = _resource("style.css"), _resource("script.js")
    what_if = passport.what_if
    html = _template().render(
        title=f"What if: {passport.title}" if what_if else passport.title,
        is_index=name == "index",
        home=_TO_REPORTS if what_if else "",
        what_if=what_if,
        parts=[part for cell in notebook.cells for part in _parts(cell)],
        code=[cell.source for cell in notebook.cells if _is_step(cell)],
        style=style,
        script=script,
        policy=_policy(style, script),
        passport=passport,
    )
    return _LINK.sub(rf"\g<0>{_TO_REPORTS}", html) if what_if else html


def prepare() -> None:
    """Load what every page needs, so that a process forked from this one has it."""
    _template()
    _prose("warm")


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
def _resource(name: str) -> str:
    """Return a style sheet or script of the package; empty where there is none."""
    file = files(__package__).joinpath(name)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _policy(style: str, script: str) -> str:
    """Return the content security policy: nothing but this style and script, and pictures in data.

    Notes
    -----
    JSON-LD is a block of data, which a policy does not concern.
    """
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; {scripts}img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _template() -> jinja2.Template:
    source = files(__package__).joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(  # outputs are HTML already; titles are escaped below
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(source)
