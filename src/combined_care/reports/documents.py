"""Sections of the project's own documents, shown in a page without being written twice."""

from __future__ import annotations

import re

from combined_care.errors import DataError
from combined_care.markup import Safe
from combined_care.paths import project_root

#: A link to a file of the project; a page has no such file beside it.
_FILE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]+\)")


def document_section(name: str, title: str) -> Safe:
    """Show one section of a Markdown file in ``data/``.

    Parameters
    ----------
    name : str
        File name.
    title : str
        Heading of the section; it is left out, as are links to other files.

    Raises
    ------
    DataError
        If the file has no such section.
    """
    source = (project_root() / "data" / name).read_text(encoding="utf-8")
    pattern = rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)"
    found = re.search(pattern, source, re.DOTALL | re.MULTILINE)
    if found is None:
        message = f"data/{name} has no section {title!r}"
        raise DataError(message)
    return markdown(_FILE_LINK.sub(r"\1", found[1]))


def markdown(source: str) -> Safe:
    """Render Markdown; HTML in it is shown as text."""
    from nbconvert.filters import markdown_mistune  # noqa: PLC0415

    renderer = markdown_mistune.IPythonRenderer(escape=True, exclude_anchor_links=True)
    return Safe(markdown_mistune.MarkdownWithMath(renderer=renderer).render(source))
