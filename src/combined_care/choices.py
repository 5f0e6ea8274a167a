"""The choices of the multiverse: declared as data, read and checked here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from combined_care.errors import DataError, InputError
from combined_care.paths import project_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from combined_care.analyses import Analysis
    from combined_care.inference import Test
    from combined_care.selection import SelectionRule
    from combined_care.tau2 import Method

#: What an option may change, by what is done again when it does.
PARTS: dict[str, tuple[str, ...]] = {
    "fit": ("method", "test", "adjustment"),
    "reading": ("variance", "correlation", "rank", "every_instrument"),
    "rows": ("tiers", "leave_out_flags", "leave_out_derived", "outcomes"),
    "trials": ("trials", "comparator"),
}
ADJUSTMENTS = ("trim-fill", "pet-peese", "selection")
#: The choice that is made by leaving out one trial; its options are trial ids, "" for none.
LEFT_OUT = "left_out"
#: Columns of the table of specifications that are no choices.
COLUMNS = (
    *("analysis", "specification", "is_primary", "dataset", "k", "adjusted", "estimate"),
    *("ci_lb", "ci_ub", "pi_lb", "pi_ub", "tau2", "pval", "pval_permuted"),
    *("verdict", "claim_verdict", LEFT_OUT),
)
#: Words whose value every claim states itself.
_STATED = ("method", "test", "variance", "tiers", "correlation")
_CONDITIONS = ("outcome", "comparator", "measure", "kind")


class Model(Protocol):
    """What the rules of a claim say about the fit."""

    @property
    def method(self) -> Method:
        """Estimator of tau²."""

    @property
    def test(self) -> Test:
        """How the interval is made."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to make a choice; `change` says what differs from the primary analysis."""

    id: str
    title: str
    change: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A choice with its options.

    Attributes
    ----------
    id, title : str
        For machines and for readers.
    why : str
        Why more than one option is defensible.
    primary : int
        Position of the option of the primary analysis.
    options : tuple of Option
        At least two.
    applies_to : mapping
        Conditions on an analysis: ``outcome``, ``measure``, ``comparator``, ``kind``.
    """

    id: str
    title: str
    why: str
    primary: int
    options: tuple[Option, ...]
    applies_to: Mapping[str, Any] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """Which of :data:`PARTS` its options change."""
        words = {word for option in self.options for word in option.change}
        return next(part for part, known in PARTS.items() if words <= set(known))

    def applies(self, analysis: Analysis) -> bool:
        """Tell whether the choice can be made in an analysis."""
        own = {
            "outcome": analysis.estimand.outcome,
            "measure": analysis.estimand.wanted_measure,
            "comparator": list(analysis.estimand.comparator),
        }
        wanted = dict(self.applies_to)
        kinds = wanted.pop("kind", [analysis.kind])
        return analysis.kind in kinds and all(own[name] == value for name, value in wanted.items())

    def changes(self, word: str) -> list[Any]:
        """Return what each option says about `word`; None where it says nothing."""
        return [option.change.get(word) for option in self.options]


@dataclass(frozen=True, slots=True)
class Choices:
    """The declared choices, and how far they are explored.

    Attributes
    ----------
    dimensions : tuple of Dimension
        The choices.
    cap : int
        Number of specifications of a claim above which a sample is taken.
    min_trials_for_adjustment : int
        Fewer trials are not adjusted for small-study effects.
    leave_one_out : tuple of str
        Choices that leaving one trial out is combined with.
    """

    dimensions: tuple[Dimension, ...]
    cap: int
    min_trials_for_adjustment: int
    leave_one_out: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)

    def of_claim(
        self, analyses: tuple[Analysis, ...], rule: SelectionRule, *, method: str, test: str
    ) -> Choices:
        """Make the options that a claim states itself the primary ones.

        A value that no option has (another estimator, say) becomes an option.

        Raises
        ------
        InputError
            If the decisive analyses of a claim state different values.
        """
        stated = _one(
            {
                "method": method,
                "test": test,
                "variance": analysis.estimand.variance,
                "tiers": analysis.estimand.tiers,
                "correlation": rule.correlation,
                "leave_out_flags": left_out_flags(analysis, rule),
            }
            for analysis in analyses
        )
        return replace(self, dimensions=tuple(_as_stated(d, stated) for d in self.dimensions))


def left_out_flags(analysis: Analysis, rule: SelectionRule) -> tuple[str, ...]:
    """Return the flags that keep rows out of the primary analysis."""
    flags = analysis.estimand.left_out_flags
    return rule.left_out_flags if flags is None else flags


def _one(stated: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return what all analyses state."""
    first, *others = stated
    for other in others:
        odd = [name for name in first if first[name] != other[name]]
        if odd:
            message = (
                f"the decisive analyses of a claim must agree in {', '.join(odd)} to share "
                f"specifications; got {first[odd[0]]!r} and {other[odd[0]]!r}"
            )
            raise InputError(message)
    return first


def _as_stated(dimension: Dimension, stated: Mapping[str, Any]) -> Dimension:
    words = {word for option in dimension.options for word in option.change}
    if "leave_out_flags" in words:
        return _flags_as_stated(dimension, set(stated["leave_out_flags"]))
    for word in words.intersection(_STATED):
        values = dimension.changes(word)
        if stated[word] in values:
            return replace(dimension, primary=values.index(stated[word]))
        name = f"{stated[word]}"
        new = Option(name, name, {word: stated[word]})
        options = (*dimension.options, new)
        return replace(dimension, options=options, primary=len(dimension.options))
    return dimension


def _flags_as_stated(dimension: Dimension, out: set[str]) -> Dimension:
    groups = [set(flags or ()) for flags in dimension.changes("leave_out_flags")]
    own = out & set().union(*groups)
    if own not in groups:
        message = (
            f"choice {dimension.id!r}: no option leaves out just these flags: {sorted(own)}; "
            "the claim must leave out all flags of an option or none"
        )
        raise InputError(message)
    return replace(dimension, primary=groups.index(own))


def load_choices(path: Path | None = None) -> Choices:
    """Read the choices of the multiverse.

    Parameters
    ----------
    path : pathlib.Path, optional
        The file; by default ``data/multiverse.yaml`` of the project.

    Returns
    -------
    Choices

    Raises
    ------
    DataError
        If the file is malformed; all problems are listed.

    Examples
    --------
    >>> choices = load_choices()
    >>> [option.id for option in choices.dimensions[1].options]
    ['knha', 'knha-conservative', 'z']
    """
    file = path or project_root() / "data" / "multiverse.yaml"
    return _read(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, _modified: int) -> Choices:
    """Read a file once for as long as it does not change: every claim asks for it."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    problems = list(_problems(document))
    if problems:
        message = f"{file.name} has {len(problems)} problem(s):\n  " + "\n  ".join(problems)
        raise DataError(message)
    return Choices(
        dimensions=tuple(_dimension(given) for given in document["choices"]),
        cap=document["cap"],
        min_trials_for_adjustment=document["min_trials_for_adjustment"],
        leave_one_out=tuple(document["leave_one_out"]),
    )


def _dimension(given: Mapping[str, Any]) -> Dimension:
    options = tuple(
        Option(str(o["id"]), str(o["title"]), dict(o.get("change", {}))) for o in given["options"]
    )
    return Dimension(
        id=given["id"],
        title=given["title"],
        why=given["why"].strip(),
        primary=[option.id for option in options].index(str(given["primary"])),
        options=options,
        applies_to=dict(given.get("applies_to", {})),
    )


_TOP = ("schema_version", "cap", "min_trials_for_adjustment", "leave_one_out", "choices")


def _problems(document: Any) -> Iterator[str]:
    """Say everything that is wrong with a file."""
    if not isinstance(document, dict):
        yield "expected a mapping at the top"
        return
    for name in sorted(set(document) ^ set(_TOP)):
        yield f"missing or unknown part {name!r}; expected {', '.join(_TOP)}"
    for name in ("cap", "min_trials_for_adjustment"):
        value = document.get(name, 1)
        if not isinstance(value, int) or value < 1:
            yield f"{name} must be a whole number above 0; got {value!r}"
    choices = document.get("choices") or []
    ids = [given.get("id", "") for given in choices]
    yield from (f"choice {name!r} stands twice" for name in _twice(ids))
    yield from (f"choice {name!r} is the name of a column" for name in ids if name in COLUMNS)
    for name in document.get("leave_one_out") or []:
        if name not in ids:
            yield f"leave_one_out: unknown choice {name!r}"
    for position, given in enumerate(choices, start=1):
        yield from _problems_of(given, f"choice {position} ({given.get('id', 'without id')})")


def _problems_of(given: Mapping[str, Any], where: str) -> Iterator[str]:
    missing = [n for n in ("id", "title", "why", "primary", "options") if not given.get(n)]
    if missing:
        yield f"{where}: missing {', '.join(missing)}"
        return
    options = given["options"]
    ids = [str(option.get("id", "")) for option in options]
    yield from (f"{where}: option {name!r} stands twice" for name in _twice(ids))
    if len(options) < 2:
        yield f"{where}: a choice needs at least two options"
    if str(given["primary"]) not in ids:
        yield f"{where}: primary {given['primary']!r} is no option; known are {', '.join(ids)}"
    for name in sorted(set(given.get("applies_to", {})) - set(_CONDITIONS)):
        yield f"{where}: unknown condition {name!r}; known are {', '.join(_CONDITIONS)}"
    words = {word for option in options for word in option.get("change", {})}
    known = [word for group in PARTS.values() for word in group]
    for word in sorted(words - set(known)):
        yield f"{where}: unknown change {word!r}; known are {', '.join(known)}"
    if words <= set(known) and not any(words <= set(group) for group in PARTS.values()):
        yield f"{where}: its options change different parts: {', '.join(sorted(words))}"
    for option in options:
        adjustment = option.get("change", {}).get("adjustment", ADJUSTMENTS[0])
        if adjustment not in ADJUSTMENTS:
            yield f"{where}: adjustment {adjustment!r} is not one of {', '.join(ADJUSTMENTS)}"


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
