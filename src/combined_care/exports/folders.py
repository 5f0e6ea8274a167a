"""A folder of exported files that is there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from combined_care.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Digests of the files of a folder, as ``sha256sum --check`` reads them.
MANIFEST = "MANIFEST.sha256"


def write_folder(files: Mapping[str, str], folder: str | Path, *, force: bool = False) -> Path:
    """Write files into a new folder in one step, with the list of their digests.

    Parameters
    ----------
    files : mapping of str to str
        Path within the folder (with ``/``) -> content.
    folder : str or pathlib.Path
        The folder; folders above it are made.
    force : bool
        Replace an earlier export. A folder that holds anything else is never touched.

    Returns
    -------
    pathlib.Path
        The folder, as a full path.

    Raises
    ------
    InputError
        If the folder is not empty, or, with `force`, holds files that no export has written.
    OSError
        If the files cannot be written (disk full, folder locked). What was there before is
        unchanged then, as it is when the process is interrupted.
    """
    target = Path(folder).absolute()
    check_target(target, force=force)
    staged = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _write(files, staged)
        _swap(staged, target)
    except OSError as error:
        why = error.strerror or str(error)
        message = f"nothing was exported to {target}: {why}; what was there before is unchanged"
        raise OSError(message) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return target


def check_target(folder: Path, *, force: bool) -> None:
    """Refuse a folder that an export must not replace, before anything is computed.

    Raises
    ------
    InputError
        As :func:`write_folder` says.
    """
    if folder.exists() and not folder.is_dir():
        message = f"{folder} is a file; an export needs a folder"
        raise InputError(message)
    if not folder.exists():
        return
    if not force:
        if any(folder.iterdir()):
            message = f"{folder} is not empty; name another folder, or ask to replace it (force)"
            raise InputError(message)
    elif foreign := sorted(_files(folder) - _listed(folder)):
        message = (
            f"{folder} holds files that no export has written, so it is not replaced: "
            f"{', '.join(foreign[:5])}{' ...' if len(foreign) > 5 else ''}"
        )
        raise InputError(message)


def digest(content: str) -> str:
    """Return the SHA-256 digest of a text file's bytes."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def _write(files: Mapping[str, str], staged: Path) -> None:
    listed = "".join(f"{digest(files[name])}  {name}\n" for name in sorted(files))
    for name, content in {**files, MANIFEST: listed}.items():
        path = staged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8"))


def _swap(staged: Path, target: Path) -> None:
    """Put the finished folder in its place; an earlier one comes back if that fails."""
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        if target.exists():
            target.replace(old)
        staged.replace(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def _listed(folder: Path) -> set[str]:
    path = folder / MANIFEST
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {MANIFEST, *(line.partition("  ")[2] for line in lines)}
