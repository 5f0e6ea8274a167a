"""What each page is made from, and which of them are out of date."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from combined_care import __version__
from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from combined_care.reports.catalogue import Page

STATE = "build.json"
#: Libraries whose version may change a page.
_LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib", "statsmodels", "pymare", "jinja2")


def digest(page: Page, shared: str) -> str:
    """Return the digest of all that a page is made from; `shared` is that of the common inputs."""
    own = {
        "parameters": dict(page.parameters),
        "title": page.title,
        "notebook": hashlib.sha256(page.notebook.read_bytes()).hexdigest(),
        "shared": shared,
    }
    return _sha256(json.dumps(own, sort_keys=True).encode())


def shared_digest(root: Path) -> str:
    """Return the digest of what all pages share: data, package code and library versions."""
    code = Path(__file__).resolve().parents[1]
    sha = hashlib.sha256()
    for folder in (root / "data", code):
        for file in _inputs(folder):
            sha.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            sha.update(file.read_bytes())
    versions = {name: version(name) for name in _LIBRARIES}
    versions["python"] = ".".join(map(str, sys.version_info[:2]))
    sha.update(json.dumps(versions, sort_keys=True).encode())
    return sha.hexdigest()


def _inputs(folder: Path) -> Iterable[Path]:
    """Files that can change a page; not caches, nor prose."""
    wanted = {".py", ".csv", ".json", ".yaml", ".j2", ".css"}
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in wanted and "__pycache__" not in file.parts
    )


def read_state(reports: Path) -> dict[str, dict[str, str]]:
    """Read what the last builds made; an unreadable file only means that all is built anew."""
    try:
        state = json.loads((reports / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def is_current(page: Page, inputs: str, state: Mapping[str, Any], reports: Path) -> bool:
    """Tell whether the page was made from these inputs and is still what was made."""
    made = state.get(page.name)
    file = reports / f"{page.name}.html"
    return (
        isinstance(made, dict)
        and made.get("inputs") == inputs
        and file.is_file()
        and made.get("page") == _sha256(file.read_bytes())
    )


def release_of(root: Path) -> str:
    """Return the version of the data package."""
    package = json.loads((root / "data" / PACKAGE_FILE).read_text(encoding="utf-8"))
    return str(package["version"])


def verdict_document(root: Path, verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of ``verdicts.json``."""
    return {
        "schema_version": 1,
        "data_release": release_of(root),
        "package_version": __version__,
        "claims": list(verdicts),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
