"""Names of the formats of an export; nothing else, so that a command can list them at once."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["revman", "r", "bibtex", "ris", "data", "prisma"]
FORMATS: tuple[Format, ...] = get_args(Format)
