"""The data dictionary: what the data package declares, as a page to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_TYPES = {"string": "text", "number": "number", "integer": "whole number"}
_BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above"}


def dictionary_page(folder: Path) -> str:
    """Describe every table and column of a data folder.

    Parameters
    ----------
    folder : pathlib.Path
        With ``datapackage.json``, the only source of the page.

    Returns
    -------
    str
        Markdown: a table of columns for each file, and the meaning of each word of a vocabulary.
    """
    package = json.loads((folder / PACKAGE_FILE).read_text(encoding="utf-8"))
    lines = [
        "# Data dictionary",
        "",
        f"{package['title']}, release {package['version']}. Written by `make readme` from",
        f"`data/{PACKAGE_FILE}`, which is the place to change; a test keeps it true.",
    ]
    for resource in package["resources"]:
        lines += ["", *_table(resource)]
    return "\n".join(lines) + "\n"


def _table(resource: Mapping[str, Any]) -> Iterator[str]:
    schema = resource["schema"]
    yield f"## {resource['path']}"
    yield ""
    yield f"{resource['description']} Key: {_names(schema['primaryKey'])}."
    for key in schema.get("foreignKeys", ()):
        target = key["reference"]
        yield (
            f"{_names(key['fields'])} points to {_names(target['fields'])} of "
            f"`{target['resource'] or resource['name']}`."
        )
    yield from ("", "| column | what it is | values |", "|---|---|---|")
    for field in schema["fields"]:
        yield f"| `{field['name']}` | {_cell(field['description'])} | {_cell(_values(field))} |"
    for field in schema["fields"]:
        if "meanings" in field:
            yield from ("", f"Words of `{field['name']}`:", "")
            yield from (f"- `{word}`: {what}" for word, what in field["meanings"].items())


def _values(field: Mapping[str, Any]) -> str:
    """Say what a cell may hold."""
    limits = field.get("constraints", {})
    said = ["one of the words below" if "meanings" in field else _TYPES[field["type"]]]
    if "separator" in field:
        said[0] = f"words below, joined by `{field['separator']}`"
    said += [f"{words} {limits[name]}" for name, words in _BOUNDS.items() if name in limits]
    if "pattern" in limits:
        said.append(f"of the form `{limits['pattern']}`")
    said.append("required" if limits.get("required") else "may be empty")
    return ", ".join(said)


def _names(columns: list[str] | str) -> str:
    listed = [columns] if isinstance(columns, str) else columns
    return ", ".join(f"`{name}`" for name in listed)


def _cell(text: str) -> str:
    """Keep a bar from ending the cell of a table."""
    return text.replace("|", "\\|")
