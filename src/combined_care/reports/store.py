"""A folder of results by the digest of what they were computed from: asked for, never trusted."""

from __future__ import annotations

import hashlib
import pickle
from typing import TYPE_CHECKING, TypeVar

from combined_care.reports.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

#: Results that stay when the folder is tidied up: those of several builds.
_KEPT = 500
_SHA = hashlib.sha256().digest_size


class Store:
    """Results on disk, each under the digest of its inputs.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are kept; made when the first is put there.

    Notes
    -----
    A file begins with the digest of the rest, and the rest is a pickle. What is damaged, cut off,
    or not of the kind that is asked for counts as absent: the caller computes it again and puts it
    in place of the other. The folder is the user's own, as trusted as the code beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str, kind: type[T]) -> T | None:
        """Return the result under a key, or None where there is no whole one of this kind."""
        try:
            content = self._file(key).read_bytes()
            if hashlib.sha256(content[_SHA:]).digest() != content[:_SHA]:
                return None
            value = pickle.loads(content[_SHA:])
        except Exception:
            # An unreadable pickle may raise anything; each case means: not here, compute it.
            return None
        return value if isinstance(value, kind) else None

    def put(self, key: str, value: object) -> None:
        """Keep a result; readers meanwhile see the old one or the new one, never half of it."""
        content = pickle.dumps(value)
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._file(key), hashlib.sha256(content).digest() + content)

    def tidy(self) -> None:
        """Remove all but the newest results, so that the folder does not grow without bound."""
        if self.folder.is_dir():
            files = sorted(self.folder.glob("*.pickle"), key=lambda file: -file.stat().st_mtime)
            for file in files[_KEPT:]:
                file.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.pickle"
