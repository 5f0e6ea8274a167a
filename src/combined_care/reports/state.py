"""What the last builds made and from what: a small file in ``build/``, believed only if it fits.

Importing this module loads no data library, and neither does asking whether anything changed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from combined_care.reports import files, inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Made:
    """One page as it was made.

    Attributes
    ----------
    made_from : str
        Digest of all that the page depends on.
    seen : str
        Digest of all inputs of all pages when this was last known to be up to date.
    files : mapping
        Name -> digest of each file of the page.
    """

    made_from: str
    seen: str
    files: Mapping[str, str]

    def lies_in(self, *folders: Path) -> bool:
        """Tell whether each of its files is, whole, in one of the folders."""
        return all(
            any(files.is_whole(folder / name, sha) for folder in folders)
            for name, sha in self.files.items()
        )


@dataclass(slots=True)
class State:
    """What was made, by page, and the pages of the last whole build."""

    pages: dict[str, Made] = field(default_factory=dict)
    catalogue: list[str] = field(default_factory=list)
    seen: str = ""

    @classmethod
    def read(cls, root: Path) -> State:
        """Read the state; a missing or damaged file only means that all is built anew."""
        try:
            given = json.loads(_file(root).read_text(encoding="utf-8"))
            pages = {str(name): Made(**made) for name, made in given["pages"].items()}
            catalogue = [str(name) for name in given["catalogue"]]
            if not all(isinstance(made.files, dict) for made in pages.values()):
                return cls()
            return cls(pages, catalogue, str(given["seen"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, root: Path) -> None:
        """Keep the state."""
        document = asdict(self) | {"pages": {k: asdict(v) for k, v in sorted(self.pages.items())}}
        _file(root).parent.mkdir(exist_ok=True)
        files.replace_file(_file(root), json.dumps(document, indent=1) + "\n")


def unchanged(root: Path, chosen: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the wanted pages if all are what the inputs give; None if that needs a closer look.

    Parameters
    ----------
    root : pathlib.Path
        The project.
    chosen : sequence of str, optional
        Names of the wanted pages; all of them by default.
    """
    state, seen, reports = State.read(root), inputs.everything(root), root / "reports"
    if not chosen and state.seen != seen:
        return None
    names = tuple(dict.fromkeys(chosen)) if chosen else tuple(state.catalogue)
    made = [state.pages.get(name) for name in names]
    known = all(page is not None and page.seen == seen for page in made)
    if known and all(page.lies_in(reports) for page in made if page) and files.is_listed(reports):
        return names
    return None


def _file(root: Path) -> Path:
    return root / "build" / "reports.json"
