"""What a review is about, as data: its question, arms, outcomes and own columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from combined_care import markup
from combined_care.errors import DataError
from combined_care.paths import project_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

FILE = "review.yaml"
#: The outcome of all overviews: a family of outcomes that stand in for each other.
MAIN = "efficacy"

#: The measures of :mod:`combined_care.effects`, which stands above this module.
_Measure = Literal["SMD", "MD", "OR", "RR", "RD", "HR"]
_Event = Literal["good", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOutcome:
    """An outcome, or a family of outcomes that stand in for each other.

    Attributes
    ----------
    measure : str
        Measure of its analyses, unless one names another.
    also : str or None
        Measure that a single row may be shown on where its numbers do not give the first.
    event : {"good", "bad"} or None
        Whether people want the event to happen; None where it is no event.
    verb, noun : str
        What people do when the event happens, and what they have then.
    phase : tuple of str or None
        Phases of measurement that count, all when empty; None: those of the review.
    """

    measure: _Measure
    also: _Measure | None = None
    event: _Event | None = None
    verb: str = ""
    noun: str = ""
    phase: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStart:
    """A kind of question that trials ask by their design.

    Attributes
    ----------
    name : str
        For readers, as the end of a sentence: ``both treatments begin together``.
    designs : tuple of str
        Words of the column ``design``.
    outcome : str
        Outcome that its trials are pooled on.
    """

    name: str
    designs: tuple[str, ...]
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The content of ``data/review.yaml``; see that file for the meaning of each part.

    Attributes
    ----------
    name, title, subject, source, source_again : str
        Short name, heading of the first page, what the claims are about, and where they come from.
    experimental : tuple of str
        Words of the experimental arm in the tables: mostly one.
    treatment : str
        Its name in a sentence.
    pre_specified : bool
        Whether the claims and their rules were fixed before a result was seen.
    comparators, context : tuple of str
        Comparators that the questions are about, and those that are context only.
    parts : mapping
        What the experimental arm is made of: NAME of the trial columns ``NAME_class`` and ``NAME``
        -> its name for readers.
    told_as : str
        Event that effects on scales are told as; empty for none.
    phase : tuple of str
        Phases of measurement that count.
    outcomes : mapping
        Outcome -> its measure and words.
    starts : mapping
        Kinds of question by design; the first is the main one.
    columns : mapping
        Trial column -> its name for readers.
    design_page : tuple of str
        Columns by which the page of trial design compares trials.
    """

    name: str
    title: str
    subject: str
    source: str
    source_again: str
    experimental: tuple[str, ...]
    treatment: str
    pre_specified: bool
    comparators: tuple[str, ...]
    context: tuple[str, ...]
    parts: Mapping[str, str]
    told_as: str
    phase: tuple[str, ...]
    outcomes: Mapping[str, ReviewOutcome]
    starts: Mapping[str, ReviewStart]
    columns: Mapping[str, str]
    design_page: tuple[str, ...]

    @property
    def every_comparator(self) -> tuple[str, ...]:
        """The comparators of the questions, then those that are context."""
        return (*self.comparators, *self.context)

    @property
    def main_start(self) -> str:
        """The main kind of question by design."""
        return next(iter(self.starts))

    @property
    def main_design(self) -> tuple[str, ...]:
        """The designs whose trials ask the main question."""
        return self.starts[self.main_start].designs

    def __str__(self) -> str:
        return (
            f"{self.title} {self.treatment} against {', '.join(self.comparators)}; outcomes: "
            f"{', '.join(self.outcomes)}"
        )

    def _repr_html_(self) -> str:
        rows = [(word, kind.measure, kind.event or "scale") for word, kind in self.outcomes.items()]
        return markup.table(("Outcome", "Measure", "Event"), rows, caption=str(self))

    def measure(self, outcome: str) -> _Measure:
        """Return the measure of an outcome; a standardised difference where none is stated."""
        found = self.outcomes.get(outcome)
        return found.measure if found else "SMD"

    def measures(self, outcome: str) -> tuple[_Measure, ...]:
        """Return the measures that a row of an outcome may be shown on, the first that fits."""
        found = self.outcomes.get(outcome)
        also = (found.also,) if found and found.also else ()
        return (self.measure(outcome), *also)

    def event(self, outcome: str) -> _Event | None:
        """Tell whether the event of an outcome is wanted; None where it is no event."""
        found = self.outcomes.get(outcome)
        return found.event if found else None

    def phases(self, outcome: str) -> tuple[str, ...]:
        """Return the phases of measurement that count for an outcome; empty: all."""
        found = self.outcomes.get(outcome)
        return self.phase if found is None or found.phase is None else found.phase


def current_review() -> Review:
    """Return the review of the project that one works in.

    Raises
    ------
    DataError
        If the project has no ``data/review.yaml`` or it is malformed.
    """
    return load_review(project_root() / "data" / FILE)


def load_review(path: Path | None = None) -> Review:
    """Read what a review is about.

    Parameters
    ----------
    path : pathlib.Path, optional
        The file; by default ``data/review.yaml`` of the project.

    Returns
    -------
    Review
        What this review is about.

    Raises
    ------
    DataError
        If the file is missing or malformed; all its problems are listed.

    Examples
    --------
    >>> review = load_review()
    >>> print(review)
    When should psychotherapy and medication be combined? combined treatment against
    pharmacotherapy, psychotherapy, psychotherapy_plus_placebo; outcomes: efficacy, severity,
    response, remission, dropout, relapse
    >>> review.outcomes["dropout"].event
    'bad'
    """
    file = path or project_root() / "data" / FILE
    if not file.is_file():
        message = f"{file} is missing: it says what the review is about (see data/README.md)"
        raise DataError(message)
    state = file.stat()
    return _read(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read(file: Path, _changed: int, _size: int) -> Review:
    """Read a file once for each of its states: every estimand asks for its measure."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{file.name} is no YAML text: {error}"
        raise DataError(message) from error
    problems = list(_problems(document))
    if problems:
        listed = "\n  ".join(problems)
        message = f"{file.name} has {len(problems)} problem(s):\n  {listed}"
        raise DataError(message)
    return _review(document)


def _review(given: Mapping[str, Any]) -> Review:
    arms = given["arms"]
    words = ("name", "title", "subject", "source", "source_again")
    return Review(
        **{name: given[name] for name in words},
        experimental=tuple(arms["experimental"]),
        treatment=arms["name"],
        pre_specified=given["pre_specified"],
        comparators=tuple(arms["main"]),
        context=tuple(arms.get("other", ())),
        parts=dict(arms.get("parts", {})),
        told_as=given.get("told_as", ""),
        phase=tuple(given["phase"]),
        outcomes={name: _outcome(entry) for name, entry in given["outcomes"].items()},
        starts={
            name: ReviewStart(**{**entry, "designs": tuple(entry["designs"])})
            for name, entry in given["starts"].items()
        },
        columns=dict(given["columns"]),
        design_page=tuple(given.get("design_page", ())),
    )


def _outcome(given: Mapping[str, Any]) -> ReviewOutcome:
    phase = given.get("phase")
    return ReviewOutcome(**{**given, "phase": None if phase is None else tuple(phase)})


#: Key -> what stands there: text, list or mapping, and whether it may be left out.
_TOP: Mapping[str, tuple[type, bool]] = {
    "schema_version": (int, False),
    **dict.fromkeys(("name", "title", "subject", "source", "source_again"), (str, False)),
    "pre_specified": (bool, False),
    "told_as": (str, True),
    "arms": (dict, False),
    "phase": (list, False),
    "outcomes": (dict, False),
    "starts": (dict, False),
    "columns": (dict, False),
    "design_page": (list, True),
}
_ARMS: Mapping[str, tuple[type, bool]] = {
    "experimental": (list, False),
    "name": (str, False),
    "main": (list, False),
    "other": (list, True),
    "parts": (dict, True),
}
_OUTCOME: Mapping[str, tuple[type, bool]] = {
    "measure": (str, False),
    **dict.fromkeys(("also", "event", "verb", "noun"), (str, True)),
    "phase": (list, True),
}
_START: Mapping[str, tuple[type, bool]] = {
    "name": (str, False),
    "designs": (list, False),
    "outcome": (str, False),
}
#: Columns that the pages show of every trial.
_NEEDED = ("population", "design")
_KINDS = {
    str: "text",
    int: "a number",
    bool: "true or false",
    list: "a list of words",
    dict: "a mapping",
}


def _problems(given: Any) -> Iterator[str]:
    """Say each thing that is wrong: place, value, and what was expected."""
    shape = list(_shape("the file", given, _TOP))
    yield from shape
    if shape:
        return
    yield from _shape("arms", given["arms"], _ARMS)
    for name, entry in given["outcomes"].items():
        yield from _shape(f"outcomes: {name}", entry, _OUTCOME)
    for name, entry in given["starts"].items():
        yield from _shape(f"starts: {name}", entry, _START)
    yield from _meaning(given)


def _shape(where: str, given: Any, keys: Mapping[str, tuple[type, bool]]) -> Iterator[str]:
    """Check the keys of a mapping and the kinds of their values."""
    if not isinstance(given, dict):
        yield f"{where}: expected a mapping with {', '.join(keys)}; got {given!r}"
        return
    for name in given:
        if name not in keys:
            yield f"{where}: unknown key {name!r}; known are {', '.join(keys)}"
    for name, (kind, optional) in keys.items():
        value = given.get(name)
        if name not in given and not optional:
            yield f"{where}: {name} is missing, expected {_KINDS[kind]}"
        elif name in given and not _is(value, kind):
            yield f"{where}: {name} is {value!r}, expected {_KINDS[kind]}"


def _is(value: Any, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(word, str) and word for word in value)
    return isinstance(value, kind) and (kind is not str or bool(value))


def _meaning(given: Mapping[str, Any]) -> Iterator[str]:
    """Check that values are allowed, and that names mean something that is described."""
    outcomes, columns = given["outcomes"], given["columns"]
    if MAIN not in outcomes:
        yield f"outcomes: {MAIN} is missing, the outcome of all overviews"
    for name, entry in outcomes.items():
        yield from _outcome_meaning(f"outcomes: {name}", entry)
    for name, entry in given["starts"].items():
        asked = entry.get("outcome") if isinstance(entry, dict) else None
        if asked and asked not in outcomes:
            known = ", ".join(outcomes)
            yield f"starts: {name}: outcome is {asked!r}, expected one of {known}"
    if not given["arms"].get("experimental", ["missing"]):
        yield "arms: experimental: expected at least one word"
    if not given["starts"]:
        yield "starts: expected at least one kind of question"
    told = given.get("told_as")
    events = [name for name, e in outcomes.items() if isinstance(e, dict) and e.get("event")]
    if told and told not in events:
        yield f"told_as is {told!r}, expected an outcome with an event: {', '.join(events)}"
    yield from _column_meaning(columns, given.get("design_page", ()))


def _outcome_meaning(where: str, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        return
    for key, allowed in (("measure", _Measure), ("also", _Measure), ("event", _Event)):
        value = entry.get(key)
        if value is not None and value not in get_args(allowed):
            yield f"{where}: {key} is {value!r}, expected one of {', '.join(get_args(allowed))}"
    if entry.get("event") and not (entry.get("verb") and entry.get("noun")):
        yield f"{where}: an event needs a verb and a noun"


def _column_meaning(columns: Mapping[str, Any], page: Iterable[str]) -> Iterator[str]:
    for name in _NEEDED:
        if name not in columns:
            yield f"columns: {name} is missing, which every review needs"
    for name, words in columns.items():
        if not isinstance(words, str) or not words:
            yield f"columns: {name} is {words!r}, expected its name for readers"
    for name in page:
        if name not in columns:
            yield f"design_page: {name!r} is not one of columns: {', '.join(columns)}"
