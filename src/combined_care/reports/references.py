"""The papers that the code names: read from the docstrings of the package itself."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from combined_care.markup import Safe, join, link

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = re.compile(r"^References\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"^\.\. \[\d+\]\s*", re.MULTILINE)
#: Names and code as reStructuredText marks them.
_ROLE = re.compile(r"(?::\w+:)?`+([^`]+)`+")
_DOI = re.compile(r"doi:(10\.\d{4,}/[^\s;,]+[^\s;,.])")


@dataclass(frozen=True, slots=True)
class Citation:
    """One reference as the code words it, and the names whose docstrings hold it."""

    words: str
    used_by: tuple[str, ...]

    @property
    def linked(self) -> Safe:
        """The words, with each DOI as a link."""
        pieces: list[object] = []
        for index, piece in enumerate(_DOI.split(self.words)):
            is_doi = index % 2 == 1
            pieces.append(link(f"https://doi.org/{piece}", f"doi:{piece}") if is_doi else piece)
        return join(pieces)


def citations(folder: Path | None = None) -> tuple[Citation, ...]:
    """Collect the references of all docstrings of a package.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Folder of the package; by default this one.

    Returns
    -------
    tuple of Citation
        Sorted by their words; the same words stand once.
    """
    root = folder or Path(__file__).parents[1]
    found: dict[str, list[str]] = {}
    for file in sorted(root.rglob("*.py")):
        module = ".".join(file.relative_to(root).with_suffix("").parts)
        for name, docstring in _docstrings(file):
            for words in references_of(docstring):
                found.setdefault(words, []).append(f"{module}.{name}" if name else module)
    return tuple(Citation(words, tuple(found[words])) for words in sorted(found))


def _docstrings(file: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and (docstring := ast.get_docstring(node)):
            yield getattr(node, "name", ""), docstring


def references_of(docstring: str) -> list[str]:
    r"""Return the entries of the section References of a docstring, each on one line.

    Examples
    --------
    >>> references_of("Do.\n\nReferences\n----------\n.. [1] One,\n   J 1.\n.. [2] Two.")
    ['One, J 1.', 'Two.']
    """
    section = _SECTION.search(inspect.cleandoc(docstring))
    if section is None:
        return []
    entries = _ITEM.split(section[1])
    return [_ROLE.sub(r"\1", " ".join(entry.split())) for entry in entries if entry.strip()]
