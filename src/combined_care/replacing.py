"""Put new contents in place of several files: in all of them or in none."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from combined_care.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def replace_together(before: Mapping[Path, bytes], after: Mapping[Path, bytes]) -> None:
    """Replace the contents of files; readers see the old or the new ones, never half of one.

    Parameters
    ----------
    before : mapping of pathlib.Path to bytes
        File -> what it held when the new content was made.
    after : mapping of pathlib.Path to bytes
        File of `before` -> its new content.

    Raises
    ------
    DataError
        If a file changed in the meantime.
    OSError
        If one of them cannot be written. All files are then as they were.

    Notes
    -----
    Everything is written beside the files first, the old contents too, so that a full disk stops
    it before anything is replaced. Only a loss of power between two replacements can leave one
    file new and the next one old.
    """
    staged: dict[Path, Path] = {}
    kept: dict[Path, Path] = {}
    replaced: list[Path] = []
    try:
        for path, content in after.items():
            staged[path] = _write_beside(path, "new", content)
            kept[path] = _write_beside(path, "old", before[path])
        _unchanged(before)
        for path, half in staged.items():
            replaced.append(path)
            half.replace(path.resolve())
    except BaseException:  # a locked file, a full disk, Ctrl-C
        for path in replaced:
            kept[path].replace(path.resolve())
        raise
    finally:
        for half in (*staged.values(), *kept.values()):
            half.unlink(missing_ok=True)


def _write_beside(path: Path, what: str, content: bytes) -> Path:
    """Write a hidden file in the same folder, so that it can replace `path` in one step."""
    place = path.resolve()
    half = place.with_name(f".{place.name}.{os.getpid()}.{what}.part")
    try:
        half.write_bytes(content)
        shutil.copymode(place, half)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    return half


def _unchanged(before: Mapping[Path, bytes]) -> None:
    """Stop where another program wrote the files after their new contents were made."""
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    if changed:
        message = f"{', '.join(changed)} changed in the meantime; nothing was written"
        raise DataError(message)
