"""What the commands print: JSON, colour on a terminal, progress, complaints."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Style = Literal["red", "green", "yellow", "bold", "dim"]
_CODES: dict[Style, int] = {"red": 31, "green": 32, "yellow": 33, "bold": 1, "dim": 2}

T = TypeVar("T")


def print_json(document: Any) -> None:
    """Print a document of plain JSON types; nan is an error, as everywhere in the package."""
    print(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))


def paint(text: str, style: Style, stream: TextIO | None = None) -> str:
    """Colour `text` where `stream` (by default standard output) is a terminal that wants colour.

    Notes
    -----
    ``NO_COLOR`` set to anything (https://no-color.org) and ``TERM=dumb`` turn colours off.
    """
    to = stream or sys.stdout
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    if plain or not to.isatty():
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def complain(message: str) -> None:
    """Print a problem that the user can mend to standard error."""
    print(f"{paint('combined-care:', 'red', sys.stderr)} {message}", file=sys.stderr)


def progress(items: Sequence[T], what: str, *, quiet: bool) -> Iterable[T]:
    """Go through `items` with a progress bar on standard error, if that is a terminal."""
    from tqdm import tqdm  # noqa: PLC0415

    bar: Iterable[T] = tqdm(
        items, desc=what, disable=True if quiet else None, file=sys.stderr, leave=False
    )
    return bar
