"""What a caller states in YAML: maps of columns and of words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from combined_care.errors import InputError


def read_yaml_map(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; :class:`InputError` says what else it is."""
    path = Path(path)
    if not path.is_file():
        message = f"{path}: no such file"
        raise InputError(message)
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path.name} is no YAML: {error}"
        raise InputError(message) from error
    if not isinstance(said, dict):
        message = f"{path.name} must hold a mapping of names to values, not {type(said).__name__}"
        raise InputError(message)
    return said
