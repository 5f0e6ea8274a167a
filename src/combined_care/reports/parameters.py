"""Parameters with a type and allowed values, checked before anything runs.

papermill only warns about an unknown parameter, renders the default instead, and puts a value of
any type into the notebook.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from combined_care.errors import DataError, InputError, known

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_WORDS = {str: "a word", int: "a whole number", float: "a number", dict: "a mapping"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a user may set.

    Attributes
    ----------
    name, help : str
        What it is called, and what it means.
    kind : type
        ``str``, ``int`` or ``float``.
    allowed : tuple of str
        The values it may have; any when empty.
    above, below : float, optional
        Bounds of a number, themselves excluded.
    """

    name: str
    kind: type
    help: str
    allowed: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None

    def read(self, given: object) -> Any:
        """Return a value of the parameter's type.

        Parameters
        ----------
        given : object
            Text, as a command line gives it, or a value.

        Raises
        ------
        InputError
            If it is not of the type, not allowed, or out of bounds.
        """
        value = self._typed(given)
        if self.allowed:
            known(self.name, (value,), self.allowed)
        low = self.above is not None and not value > self.above
        high = self.below is not None and not value < self.below
        if low or high:
            bounds = [f"above {self.above:g}"] if self.above is not None else []
            bounds += [f"below {self.below:g}"] if self.below is not None else []
            message = f"{self.name} must lie {' and '.join(bounds)}; got {given}"
            raise InputError(message)
        return value

    def _typed(self, given: object) -> Any:
        right = isinstance(given, (str, self.kind)) or (self.kind is float and type(given) is int)
        try:
            if right and not isinstance(given, bool):
                return self.kind(given)
        except ValueError:
            pass
        message = f"{self.name} must be {_WORDS[self.kind]}; got {given!r}"
        raise InputError(message)


def declared(notebook: Path) -> dict[str, Any]:
    """Return the parameters that a notebook declares, with their defaults.

    Parameters
    ----------
    notebook : pathlib.Path
        Notebook with one cell tagged ``parameters``, or none.

    Raises
    ------
    DataError
        If the notebook is missing or no notebook, or a default is not a plain value.
    """
    if not notebook.is_file():
        message = f"there is no notebook {notebook}"
        raise DataError(message)
    found: dict[str, Any] = {}
    try:
        for cell in json.loads(notebook.read_bytes())["cells"]:
            if "parameters" in cell["metadata"].get("tags", ()):
                for node in ast.parse("".join(cell["source"])).body:
                    found |= _assigned(node)
    except (KeyError, TypeError, ValueError, SyntaxError) as error:
        message = f"{notebook} cannot be read as a notebook with plain parameters: {error}"
        raise DataError(message) from error
    return found


def _assigned(node: ast.stmt) -> dict[str, Any]:
    """Return the name and value of ``name = value`` or ``name: type = value``."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    value = getattr(node, "value", None)
    if value is None:
        return {}
    return {name.id: ast.literal_eval(value) for name in targets if isinstance(name, ast.Name)}


def check(
    notebook: Path,
    given: Mapping[str, Any],
    allowed: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Raise unless a notebook can be run with these parameters.

    Parameters
    ----------
    notebook : pathlib.Path
        The notebook.
    given : mapping
        Parameter -> value.
    allowed : mapping, optional
        Parameter -> the values it may have.

    Raises
    ------
    InputError
        If one is unknown (the nearest is named), missing, of another type than its default, or not
        allowed. A default is for trying a notebook out: a page must give the parameter itself,
        unless the default is empty.
    DataError
        If the notebook cannot be read.
    """
    defaults = declared(notebook)
    known(f"parameter of {notebook.name}", given, defaults)
    missing = [name for name, value in defaults.items() if value and name not in given]
    if missing:
        message = f"{notebook.name} needs the parameters {', '.join(missing)}"
        raise InputError(message)
    for name, value in given.items():
        kind = type(defaults[name])
        if not isinstance(value, kind):
            word = _WORDS.get(kind, kind.__name__)
            message = f"{notebook.name}: {name} must be {word}; got {value!r}"
            raise InputError(message)
        if allowed and name in allowed:
            known(name, (value,), allowed[name])
