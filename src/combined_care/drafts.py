"""A trial that may be added: its cells as text, the names it gets, and a file to fill in."""

from __future__ import annotations

import difflib
import math
import numbers
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from combined_care.errors import InputError
from combined_care.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from combined_care.schema import Field

#: Columns that each kind of numbers needs, by tier of the data (``data/PROTOCOL.md``).
NUMBERS: Mapping[str, tuple[str, ...]] = {
    "means": ("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c"),
    "events": ("events_e", "n_e", "events_c", "n_c"),
    "effect": ("effect", "ci_low", "ci_high", "se", "effect_measure", "favours_experimental_when"),
    "percentages": ("pct_e", "pct_c"),
    "direction": ("favours",),
}
#: Kinds of numbers of a tier; the first is taken where the row does not tell.
KINDS: Mapping[str, tuple[str, ...]] = {
    "A": ("means", "events"),
    "B": ("effect",),
    "C": ("percentages",),
    "D": ("direction",),
}
#: Further columns that go with a kind and may stay empty.
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "means": ("baseline_mean_e", "baseline_sd_e", "baseline_mean_c", "baseline_sd_c"),
    "effect": ("n_e", "n_c"),
    "percentages": ("n_e", "n_c"),
}
#: Letters that Unicode does not take apart into a base letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"})
_END_OF_NAME = re.compile(r"\d| and | et al\b|[&/,(;]")
_YEAR = re.compile(r"\d{4}", re.ASCII)
_PARTS = ("trial", "outcomes")


@dataclass(frozen=True, slots=True)
class Draft:
    """A trial and its rows of outcomes, every declared column as text.

    Attributes
    ----------
    trial : dict of str to str
        Column of ``trials.csv`` -> cell, in the order of the data package; ``""`` where nothing
        is reported.
    outcomes : tuple of dict of str to str
        The same for each row of ``outcomes.csv``.
    """

    trial: dict[str, str]
    outcomes: tuple[dict[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the cells that are filled, as :func:`read_draft` takes them."""
        rows = [_filled(row) for row in self.outcomes]
        return {"trial": _filled(self.trial), "outcomes": rows}

    def named(self, taken: Iterable[str]) -> Draft:
        """Give the trial and its rows the identifiers that they do not have yet.

        Parameters
        ----------
        taken : iterable of str
            Identifiers of the trials in the data.
        """
        made = propose_trial_id(self.trial["label"], self.trial["year"], taken)
        trial_id = self.trial["trial_id"] or made
        rows = [
            {
                **row,
                "row_id": row["row_id"] or f"{trial_id}-{position:02d}",
                "trial_id": row["trial_id"] or trial_id,
            }
            for position, row in enumerate(self.outcomes, start=1)
        ]
        return replace(self, trial={**self.trial, "trial_id": trial_id}, outcomes=tuple(rows))


def read_draft(
    given: Any, fields: Mapping[str, Sequence[Field]]
) -> tuple[Draft, tuple[Problem, ...]]:
    """Bring a draft into the form of the tables, and list what has no place in them.

    Parameters
    ----------
    given : mapping
        ``{"trial": {column: cell, ...}, "outcomes": [{column: cell, ...}, ...]}``. Cells are
        text, numbers, or None for what is not reported; columns may be left out.
    fields : mapping of str to sequence of Field
        From :func:`combined_care.schema.declared_fields`.

    Returns
    -------
    draft : Draft
        Whatever could be read.
    problems : tuple of Problem
        Parts, columns and cells that no table can hold.
    """
    problems: list[Problem] = []
    if not isinstance(given, Mapping):
        given, problems = {}, [_problem("draft", "", given, "a mapping with trial and outcomes")]
    for name in given:
        if name not in _PARTS:
            problems.append(_problem("draft", "", name, f"only {' and '.join(_PARTS)}"))
    rows = given.get("outcomes") or []
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        problems.append(_problem("draft", "outcomes", rows, "a list of rows"))
        rows = []
    places = [("trial", "trials", given.get("trial") or {})]
    places += [(outcome_place(n), "outcomes", row) for n, row in enumerate(rows, start=1)]
    read = [_row(row, fields[table], place, table, problems) for place, table, row in places]
    return Draft(read[0], tuple(read[1:])), tuple(problems)


def outcome_place(position: int) -> str:
    """Name a row of a draft in messages, counted from 1."""
    return f"outcome row {position}"


def propose_trial_id(label: str, year: str, taken: Iterable[str]) -> str:
    """Propose an identifier: first author and year in small letters, a letter more if taken.

    Parameters
    ----------
    label : str
        How reports name the trial.
    year : str
        Year of the main publication; that of the label where it is empty.
    taken : iterable of str
        Identifiers that are in use.

    Returns
    -------
    str
        Empty where the label names nobody.

    Examples
    --------
    >>> propose_trial_id("O'Malley & Jaffe 1992", "", []), propose_trial_id("Wölwer 2011", "", [])
    ('omalley1992', 'wolwer2011')
    >>> propose_trial_id("Example 2020", "2020", ["example2020", "example2020b"])
    'example2020c'
    """
    text = label.casefold().translate(_LETTERS)
    first = _END_OF_NAME.split(text, maxsplit=1)[0]
    name = re.sub("[^a-z]", "", unicodedata.normalize("NFKD", first))
    found = _YEAR.search(year) or _YEAR.search(label)
    if not name:
        return ""
    base, used = name + (found[0] if found else ""), set(taken)
    return next(base + more for more in _suffixes() if base + more not in used)


def _suffixes() -> Iterator[str]:
    yield ""
    yield from "bcdefghijklmnopqrstuvwxyz"
    number = 2
    while True:
        yield f"_{number}"
        number += 1


def kind_of(row: Mapping[str, str]) -> str:
    """Tell which kind of numbers a row holds, or by its tier should hold; empty without a tier."""
    kinds = KINDS.get(row.get("tier", ""), ())
    own = {kind: set(NUMBERS[kind]) - {"n_e", "n_c"} for kind in kinds}
    held = [kind for kind in kinds if any(row.get(name) for name in own[kind])]
    return (held or [*kinds, ""])[0]


def columns_asked(fields: Sequence[Field], kind: str) -> tuple[Field, ...]:
    """Return the columns of an outcome row that matter for a kind of numbers, in their order.

    Parameters
    ----------
    fields : sequence of Field
        Those of ``outcomes``.
    kind : str
        A key of :data:`NUMBERS`; empty where it is not known yet.
    """
    numeric = {name for names in (*NUMBERS.values(), *_BESIDE.values()) for name in names}
    wanted = {*NUMBERS.get(kind, ()), *_BESIDE.get(kind, ())}
    return tuple(f for f in fields if f.name in wanted or f.name not in numeric)


def template(fields: Mapping[str, Sequence[Field]]) -> str:
    """Write an empty draft as YAML, each column with its meaning and its allowed words.

    Parameters
    ----------
    fields : mapping of str to sequence of Field
        From :func:`combined_care.schema.declared_fields`.

    Returns
    -------
    str
        Text that :func:`load_draft` reads as a draft with every cell empty.
    """
    lines = [
        "# A trial and its results. Leave empty what the report does not tell; identifiers that",
        "# are left empty are made. Numbers are copied as they are printed.",
        "trial:",
        *_template_lines(fields["trials"], "  "),
        "outcomes:",
        "  # One block for each contrast, outcome, instrument and time point; repeat it as needed.",
        "  -",
        *_template_lines(fields["outcomes"], "    "),
    ]
    return "\n".join(lines) + "\n"


def load_draft(path: Path) -> dict[str, Any]:
    """Read a draft that was written as YAML; every cell stays the text that stands there.

    Raises
    ------
    InputError
        If the file is no YAML, has a key twice, or holds something else than a draft.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path.name} cannot be read as YAML: {error}"
        raise InputError(message) from error
    found = None if node is None else _plain(node, path.name)
    if not isinstance(found, dict):
        message = f"{path.name} must hold a mapping with the keys {' and '.join(_PARTS)}"
        raise InputError(message)
    return found


def draft_text(draft: Draft) -> str:
    """Write the filled cells of a draft as YAML that :func:`load_draft` reads."""
    return str(yaml.safe_dump(draft.to_dict(), sort_keys=False, allow_unicode=True, width=1000))


def _filled(row: Mapping[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if cell}


def _row(
    given: Any, fields: Sequence[Field], place: str, table: str, problems: list[Problem]
) -> dict[str, str]:
    """Read the cells of one row; what does not fit goes to `problems`."""
    row = {field.name: "" for field in fields}
    if not isinstance(given, Mapping):
        problems.append(_problem(place, "", given, "a mapping of columns to cells"))
        return row
    for name, value in given.items():
        cell = _cell(value)
        if name not in row:
            near = difflib.get_close_matches(str(name), row, n=1)
            hint = f" (perhaps {near[0]})" if near else ""
            problems.append(_problem(place, str(name), value, f"a column of {table}.csv{hint}"))
        elif cell is None:
            expected = "text, a number, or nothing (True and False are words: 'yes', 'no', 1, 0)"
            problems.append(_problem(place, name, value, expected))
        else:
            row[name] = cell
    return row


def _cell(value: Any) -> str | None:
    """Write a value as a cell; None for what no cell can hold."""
    if value is None:
        return ""
    if isinstance(value, str):
        readable = "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
        return value if readable else None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    return "" if math.isnan(value) else str(value)


def _problem(place: str, column: str, value: object, expected: str) -> Problem:
    shown = str(value).encode("utf-8", "replace").decode("utf-8")
    return Problem(file=place, line=None, column=column, value=shown, expected=expected)


def _template_lines(fields: Sequence[Field], indent: str) -> Iterator[str]:
    for field in fields:
        about = [f"{field.description.rstrip('.')}.", f"In {field.unit}." if field.unit else ""]
        about.append("Required." if field.required else "")
        if field.meanings:
            more = f", any of them, joined by '{field.separator}'" if field.separator else ""
            about.append(f"Words{more}:")
        text = " ".join(filter(None, about))
        yield from (f"{indent}# {line}" for line in textwrap.wrap(text, 96 - len(indent)))
        yield from (f"{indent}#   {word}: {meaning}" for word, meaning in field.meanings.items())
        yield f"{indent}{field.name}:"


def _plain(node: yaml.Node, file: str) -> Any:
    """Turn YAML into text, lists and mappings; a key that stands twice is an error."""
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, file) for item in node.value]
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(_plain(key, file))
        if name in found:
            message = f"{file}:{key.start_mark.line + 1}: {name!r} stands twice"
            raise InputError(message)
        found[name] = _plain(value, file)
    return found
