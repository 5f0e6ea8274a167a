"""Files that are replaced whole or not at all, and the list of their digests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from combined_care.reports.inputs import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Digests of the reports, as ``sha256sum --check`` reads them; written last.
MANIFEST = "MANIFEST.sha256"


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file in one step: readers see the old or the new one, never half of it."""
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        half.write_bytes(content.encode() if isinstance(content, str) else content)
        half.replace(path)
    finally:  # a full disk or an interrupt leaves nothing behind
        half.unlink(missing_ok=True)


def executed(root: Path, name: str) -> Path:
    """Return where the executed notebook of a page is written."""
    return root / "build" / "notebooks" / f"{name}.ipynb"


def is_whole(path: Path, sha: str) -> bool:
    """Tell whether a file is there and has this digest."""
    return path.is_file() and file_digest(path) == sha


def publish(
    names: Iterable[str], staged: Path, reports: Path, *, only: frozenset[str] | None = None
) -> None:
    """Move finished files to the reports, and the manifest after them.

    Parameters
    ----------
    names : iterable of str
        The files to move.
    staged, reports : pathlib.Path
        Folders on one file system, so that each file moves in one step.
    only : frozenset of str, optional
        All files that belong to the reports: others that the manifest lists were made by an
        earlier build, and are removed. By default nothing is.

    Notes
    -----
    Killed on the way, the reports are whole files of which some are old, the manifest is that of
    the old ones, and the next build moves the rest.
    """
    reports.mkdir(exist_ok=True)
    for name in names:
        (staged / name).replace(reports / name)
    if only is not None:
        for name in _listed(reports) - only:
            (reports / name).unlink(missing_ok=True)
    if not is_listed(reports):
        staged.mkdir(parents=True, exist_ok=True)
        replace_file(staged / MANIFEST, manifest(reports))
        (staged / MANIFEST).replace(reports / MANIFEST)


def manifest(reports: Path) -> str:
    """Return the lines of the manifest: the digest of every report, by name."""
    files = sorted([*reports.glob("*.html"), *reports.glob("verdicts.json")])
    return "".join(f"{file_digest(file)}  {file.name}\n" for file in files)


def is_listed(reports: Path) -> bool:
    """Tell whether the manifest is that of the reports as they are."""
    path = reports / MANIFEST
    return path.is_file() and path.read_bytes() == manifest(reports).encode()


def _listed(reports: Path) -> frozenset[str]:
    """Names in the manifest; only plain file names, whatever stands there."""
    path = reports / MANIFEST
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    names = (line.partition("  ")[2] for line in text.splitlines())
    return frozenset(name for name in names if name and "/" not in name and "\\" not in name)
