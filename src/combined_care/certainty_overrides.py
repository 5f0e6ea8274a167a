"""What persons judged otherwise: ``data/certainty_overrides.yaml``, read and checked."""

from __future__ import annotations

import datetime
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import yaml

from combined_care.certainty import DOMAINS, DOWNGRADES, Override
from combined_care.errors import DataError
from combined_care.paths import project_root

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_KEYS = tuple(f.name for f in fields(Override))


def load_overrides(
    path: Path | None, analyses: Mapping[str, Collection[str]]
) -> tuple[Override, ...]:
    """Read the judgements of persons.

    Parameters
    ----------
    path : pathlib.Path or None
        The file; None for ``data/certainty_overrides.yaml`` of the project.
    analyses : mapping of str to collection of str
        Claim id -> ids of its analyses; what is judged must be among them.

    Returns
    -------
    tuple of Override
        In the order of the file.

    Raises
    ------
    DataError
        If a claim, analysis or domain is unknown, a name, date or reason is missing, a date is not
        one, the steps are not 0, -1 or -2, or a domain is judged twice; all problems are listed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''
    ... overrides:
    ...   - {claim: ocd-combined, analysis: children, domain: imprecision, judged: -1,
    ...      name: A. Reviewer, date: 2026-01-31, reason: Two of the trials share a clinic.}
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "overrides.yaml"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     print(*load_overrides(file, {"ocd-combined": ["pharmacotherapy", "children"]}))
    A. Reviewer (2026-01-31) on imprecision: one step down. Two of the trials share a clinic.
    """
    file = path or project_root() / "data" / "certainty_overrides.yaml"
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    entries = given.get("overrides") if isinstance(given, dict) else None
    problems = ["expected a list `overrides`"] if not isinstance(entries, list) else []
    for position, entry in enumerate(entries if isinstance(entries, list) else (), start=1):
        problems += [f"override {position}: {p}" for p in _problems(entry, analyses)]
    if not problems and entries:
        problems = list(_repeated(entries))
    if problems:
        listed = "\n  ".join(problems)
        message = f"{file.name} has {len(problems)} problem(s):\n  {listed}"
        raise DataError(message)
    return tuple(Override(**{**entry, "date": str(entry["date"])}) for entry in entries or ())


def _problems(entry: Any, analyses: Mapping[str, Collection[str]]) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"expected a mapping, got {entry!r}"
        return
    for key in sorted(set(entry) - set(_KEYS)):
        yield f"unknown key {key!r}; known are {', '.join(_KEYS)}"
    for key in _KEYS:
        if entry.get(key) is None or not str(entry[key]).strip():
            yield f"{key} is missing"
    yield from _place_problems(entry, analyses)
    judged = entry.get("judged")
    if judged is not None and (type(judged) is not int or judged not in DOWNGRADES):
        yield f"judged must be 0, -1 or -2, got {judged!r}"
    if entry.get("date") and not _is_date(entry["date"]):
        yield f"date must be a day as YYYY-MM-DD, got {entry['date']!r}"


def _place_problems(
    entry: Mapping[str, Any], analyses: Mapping[str, Collection[str]]
) -> Iterator[str]:
    claim, analysis, domain = (entry.get(name) for name in ("claim", "analysis", "domain"))
    if claim and claim not in analyses:
        yield f"unknown claim {claim!r}"
    elif claim and analysis:
        known = list(analyses[claim])
        if analysis not in known:
            yield f"claim {claim} has no analysis {analysis!r}; it has {', '.join(known) or 'none'}"
    if domain and domain not in DOMAINS:
        yield f"unknown domain {domain!r}; known are {', '.join(DOMAINS)}"


def _is_date(value: Any) -> bool:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return True
    try:
        return bool(datetime.date.fromisoformat(value).isoformat() == value)
    except (TypeError, ValueError):
        return False


def _repeated(entries: list[Mapping[str, Any]]) -> Iterator[str]:
    seen: dict[tuple[str, ...], int] = {}
    for position, entry in enumerate(entries, start=1):
        place = tuple(str(entry[name]) for name in ("claim", "analysis", "domain"))
        if place in seen:
            yield f"override {position}: judges the same domain as override {seen[place]}"
        seen.setdefault(place, position)
