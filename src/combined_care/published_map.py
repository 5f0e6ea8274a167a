"""Which estimand answers the question of each published result, read from one file and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import yaml

from combined_care.claims import estimand_of
from combined_care.contrasts import REPORTED_AS
from combined_care.errors import DataError, InputError
from combined_care.inference import TESTS, Test
from combined_care.paths import project_root
from combined_care.tau2 import METHODS, Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from combined_care.estimands import Estimand
    from combined_care.evidence import Evidence

MAP_FILE = "published_map.yaml"
Synthesised = Literal["pairwise", "network", "individual patients"]


class Key(NamedTuple):
    """The columns that tell one published result from another."""

    review_label: str
    diagnosis: str
    population: str
    contrast: str
    outcome: str
    phase: str
    subgroup: str

    def __str__(self) -> str:
        return ", ".join(part for part in self if part)


class Model(NamedTuple):
    """How a review pooled: its estimator of tau² and its interval."""

    method: Method
    test: Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One published result and the question of ours that it answers.

    Attributes
    ----------
    key : Key
        The published row.
    estimand : Estimand
        What is asked of our data, in the measure of the row.
    larger_favours : str
        Which side a larger printed number favours.
    model : Model or None
        How the review pooled; None where it is not known.
    synthesis : {"pairwise", "network", "individual patients"}
        What kind of synthesis gave the result.
    k_is_of_contrast : bool
        Whether the printed number of trials is that of this contrast alone.
    instrument : str
        Regular expression for the scales that count; any when empty.
    rating : tuple of str
        Ratings that count; any when empty.
    note : str
        What differs between the two questions.
    """

    key: Key
    estimand: Estimand
    larger_favours: str
    model: Model | None = None
    synthesis: Synthesised = "pairwise"
    k_is_of_contrast: bool = True
    instrument: str = ""
    rating: tuple[str, ...] = ()
    note: str = ""

    def narrow(self, evidence: Evidence) -> Evidence:
        """Return `evidence` with the outcome rows on the scales and ratings that count."""
        outcomes = evidence.outcomes
        if self.instrument:
            counts = re.compile(self.instrument, re.IGNORECASE).search
            outcomes = outcomes[outcomes["instrument"].map(lambda name: bool(counts(name)))]
        if self.rating:
            outcomes = outcomes[outcomes["rating"].isin(self.rating)]
        return evidence if outcomes is evidence.outcomes else replace(evidence, outcomes=outcomes)


@dataclass(frozen=True, slots=True)
class PublishedMap:
    """Every published result: matched with a question of ours, or explained.

    Attributes
    ----------
    matches : tuple of Match
        Rows that an estimand of ours answers, in the order of the table.
    unmatched : dict
        Key of each other row -> why nothing of ours answers it.
    """

    matches: tuple[Match, ...]
    unmatched: Mapping[Key, str]


def keys_of(evidence: Evidence) -> dict[Key, Any]:
    """Return the published rows by their keys, in the order of the table."""
    rows = evidence.published.itertuples(index=False)
    return {Key(*(str(getattr(row, name)) for name in Key._fields)): row for row in rows}


def load_published_map(evidence: Evidence, path: Path | None = None) -> PublishedMap:
    """Read the map and check it against the published table and the words of the data.

    Parameters
    ----------
    evidence : Evidence
        Holds the published table and the vocabulary.
    path : pathlib.Path, optional
        The file; by default ``data/published_map.yaml`` of the project.

    Returns
    -------
    PublishedMap

    Raises
    ------
    DataError
        If a row of the table is missing or stands twice, an entry names a row that the table
        does not have, or a key or value is not known; all problems are listed.

    Examples
    --------
    Every published row has either a question of ours or the reason why it has none:

    >>> import combined_care as cc
    >>> evidence = cc.load_evidence()
    >>> published_map = load_published_map(evidence)
    >>> len(published_map.matches) + len(published_map.unmatched) == len(evidence.published)
    True
    >>> print("First:", published_map.matches[0].key)
    First: ..., combined vs ...
    """
    file = path or project_root() / "data" / MAP_FILE
    reader = _Reader(yaml.safe_load(file.read_text(encoding="utf-8")), evidence)
    found = reader.read()
    if reader.problems:
        listed = "\n  ".join(reader.problems)
        message = f"{file.name} has {len(reader.problems)} problem(s):\n  {listed}"
        raise DataError(message)
    return found


_TOP_KEYS = {"schema_version", "models", "reasons", "rows"}
_MATCH_KEYS = {
    *("row", "select", "larger_favours", "model"),
    *("synthesis", "k_is_of_contrast", "instrument", "rating", "note"),
}
_NEEDED = ("select", "larger_favours", "model")
UNKNOWN = "unknown"


class _Reader:
    """Turns the parsed file into a map and collects every problem on the way."""

    def __init__(self, document: Any, evidence: Evidence) -> None:
        self.problems: list[str] = []
        self.rows = keys_of(evidence)
        # Without rows the query is free, but its words are still checked.
        self.words_only = replace(evidence, outcomes=evidence.outcomes.iloc[:0])
        self.ratings = set(evidence.outcomes["rating"])
        given = document if isinstance(document, dict) else {}
        self._unknown(given, _TOP_KEYS, "top level")
        self.models = {name: self._model(name, m) for name, m in given.get("models", {}).items()}
        self.reasons: dict[str, str] = given.get("reasons", {})
        self.entries: list[dict[str, Any]] = given.get("rows", [])

    def read(self) -> PublishedMap:
        found: dict[Key, Match | str] = {}
        for position, entry in enumerate(self.entries, start=1):
            key = self._key(entry, f"entry {position}")
            if key in found:
                self.problems.append(f"entry {position} ({key}): the row stands twice")
            elif key is not None and (read := self._entry(entry, key, position)) is not None:
                found[key] = read
        self._missing()
        ordered = [(key, found[key]) for key in self.rows if key in found]
        return PublishedMap(
            matches=tuple(item for _, item in ordered if isinstance(item, Match)),
            unmatched={key: item for key, item in ordered if isinstance(item, str)},
        )

    def _missing(self) -> None:
        """Name the rows of the table without an entry, whether or not their entry is sound."""
        named = {tuple(map(str, entry.get("row", ()))) for entry in self.entries}
        self.problems += [f"no entry for the row: {key}" for key in self.rows if key not in named]

    def _key(self, entry: dict[str, Any], where: str) -> Key | None:
        parts = tuple(map(str, entry.get("row", ())))
        key = Key(*parts) if len(parts) == len(Key._fields) else None
        if key not in self.rows:
            self.problems.append(f"{where}: published.csv has no row with the key {parts}")
            return None
        return key

    def _entry(self, entry: dict[str, Any], key: Key, position: int) -> Match | str | None:
        where = f"entry {position} ({key})"
        before = len(self.problems)
        if "reason" in entry:
            self._unknown(entry, {"row", "reason"}, where)
            self._one_of(entry["reason"], self.reasons, f"{where}: reason")
            return self.reasons.get(entry["reason"], "").strip()
        self._unknown(entry, _MATCH_KEYS, where)
        self._check_values(entry, where)
        estimand = self._estimand(entry, key, where)
        if estimand is None or len(self.problems) > before:
            return None
        rest = {k: v for k, v in entry.items() if k not in {"row", "select", "model", "rating"}}
        rating, model = tuple(entry.get("rating", ())), self.models.get(entry["model"])
        return Match(key=key, estimand=estimand, model=model, rating=rating, **rest)

    def _check_values(self, entry: dict[str, Any], where: str) -> None:
        missing = [name for name in _NEEDED if name not in entry]
        if missing:
            self.problems.append(f"{where}: missing {', '.join(missing)}, or a reason")
        allowed: dict[str, Iterable[Any]] = {
            "larger_favours": (*self.words_only.review.experimental, "comparator"),
            "model": (*self.models, UNKNOWN),
            "synthesis": get_args(Synthesised),
            "k_is_of_contrast": (True, False),
        }
        for name in allowed.keys() & entry.keys():
            self._one_of(entry[name], allowed[name], f"{where}: {name}")
        for rating in entry.get("rating", ()):
            self._one_of(rating, self.ratings, f"{where}: rating")
        try:
            re.compile(entry.get("instrument", ""))
        except re.error as error:
            self.problems.append(f"{where}: instrument is no regular expression: {error}")

    def _estimand(self, entry: dict[str, Any], key: Key, where: str) -> Estimand | None:
        """Build the estimand in the measure of the row, and let the data check its words."""
        select, printed = entry.get("select", {}), self.rows[key].effect_measure
        if "measure" in select:
            self.problems.append(f"{where}: the measure is the row's own, {printed!r}")
            return None
        if printed not in REPORTED_AS:
            self.problems.append(f"{where}: no measure of ours is its effect_measure {printed!r}")
            return None
        try:
            estimand = estimand_of({**select, "measure": REPORTED_AS[printed]})
            self.words_only.select(estimand)
        except (InputError, TypeError) as error:
            self.problems.append(f"{where}: select: {error}")
            return None
        return estimand

    def _model(self, name: str, given: Mapping[str, Any]) -> Model | None:
        where = f"model {name}"
        self._unknown(given, set(Model._fields), where)
        self._one_of(given.get("method"), METHODS, f"{where}: method")
        self._one_of(given.get("test"), TESTS, f"{where}: test")
        return Model(given["method"], given["test"]) if set(given) == set(Model._fields) else None

    def _unknown(self, given: Mapping[str, Any], known: set[str], where: str) -> None:
        for name in sorted(set(given) - known):
            self.problems.append(f"{where}: unknown key {name!r}; known are {sorted(known)}")

    def _one_of(self, value: Any, allowed: Iterable[Any], where: str) -> None:
        if value not in (choices := list(allowed)):
            shown = ", ".join(str(choice) for choice in choices)
            self.problems.append(f"{where}: {value!r} is not one of {shown}")
