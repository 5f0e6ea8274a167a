"""Names of combined treatments: which components they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.errors import InputError
from combined_care.inputs import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The components of one treatment.
Parts = frozenset[str]


def parse_treatments(
    trial_of: Mapping[str, str], sep: str
) -> tuple[dict[str, str], dict[str, Parts]]:
    """Split names into components.

    Parameters
    ----------
    trial_of : mapping of str to str
        Name of each treatment, such as ``"cbt + ssri"``, and a trial that has it, for messages.
    sep : str
        What separates their components, such as ``" + "``.

    Returns
    -------
    canonical : dict
        Name -> the first name, in alphabetical order, with the same components.
    parts : dict
        Canonical name -> its components.

    Raises
    ------
    InputError
        If `sep` is empty, or a name has an empty or repeated component, or holds the separator
        without its spaces; every such name is listed.

    Examples
    --------
    >>> trial_of = {"ssri + cbt": "a", "cbt + ssri": "b", "cbt": "a"}
    >>> canonical, parts = parse_treatments(trial_of, " + ")
    >>> canonical["ssri + cbt"], sorted(parts)
    ('cbt + ssri', ['cbt', 'cbt + ssri'])
    """
    if not sep.strip():
        message = f"sep must hold a character other than a space; got {sep!r}"
        raise InputError(message)
    refuse(
        [f"{trial_of[n]}: treatment {n!r} {text}" for n in trial_of for text in _problems(n, sep)]
    )
    by_parts: dict[Parts, str] = {}
    canonical = {}
    for name in sorted(trial_of):
        parts = frozenset(part.strip() for part in name.split(sep))
        canonical[name] = by_parts.setdefault(parts, name)
    return canonical, {name: parts for parts, name in by_parts.items()}


def _problems(name: str, sep: str) -> Iterator[str]:
    found = [part.strip() for part in name.split(sep)]
    if "" in found:
        yield f"has an empty component between {sep!r}"
    if len(set(found)) < len(found):
        yield "holds a component twice"
    for part in found:
        if sep.strip() in part:
            yield (
                f"holds {sep.strip()!r} within the component {part!r}: write "
                f"{sep!r} between components, or choose another `sep`"
            )
        if " * " in part:
            yield f"has a component {part!r} that would read as an interaction, because of ' * '"
