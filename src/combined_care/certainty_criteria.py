"""The thresholds of ``data/certainty.yaml``, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, get_type_hints

import yaml

from combined_care.errors import DataError
from combined_care.paths import project_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """What every set of criteria says about itself.

    Attributes
    ----------
    source : str
        Where the rule comes from.
    own_choice : str
        What this project decided itself.
    """

    source: str
    own_choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskOfBias(Sourced):
    """Items at low risk that make a trial low or high risk, and the share that is "most"."""

    low_items: int
    few_items: int
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency(Sourced):
    """Trials below which variation between them cannot be judged."""

    min_trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Indirectness(Sourced):
    """Comparators and flags that put a trial off the question, and the share that is "most"."""

    comparators: tuple[str, ...]
    flags: tuple[str, ...]
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprecision(Sourced):
    """Error rates of the optimal information size, and the share of it that is far too few."""

    alpha: float
    power: float
    far_below: float
    min_trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStudyEffects(Sourced):
    """Trials that the test needs, and its significance level."""

    min_trials: int
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderators(Sourced):
    """Trials a level, and the share of trials that must compare levels within themselves."""

    few_trials: int
    very_few_trials: int
    within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """All criteria; see ``data/certainty.yaml`` for the meaning of each."""

    risk_of_bias: RiskOfBias
    inconsistency: Inconsistency
    indirectness: Indirectness
    imprecision: Imprecision
    small_study_effects: SmallStudyEffects
    moderators: Moderators


_SECTIONS: dict[str, type[Sourced]] = {
    "risk_of_bias": RiskOfBias,
    "inconsistency": Inconsistency,
    "indirectness": Indirectness,
    "imprecision": Imprecision,
    "small_study_effects": SmallStudyEffects,
    "moderators": Moderators,
}


def load_criteria(path: Path | None = None) -> Criteria:
    """Read the criteria.

    Parameters
    ----------
    path : pathlib.Path, optional
        The file; by default ``data/certainty.yaml`` of the project.

    Returns
    -------
    Criteria
        Its thresholds, each section with its source.

    Raises
    ------
    DataError
        If a part is missing, unknown or of the wrong kind; all problems are listed.

    Examples
    --------
    >>> criteria = load_criteria()
    >>> print(criteria.risk_of_bias.source)
    GRADE guidelines 4 (Guyatt et al. 2011, doi:10.1016/j.jclinepi.2010.07.017): no step down ...
    >>> criteria.inconsistency.min_trials >= 2
    True
    """
    file = path or project_root() / "data" / "certainty.yaml"
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    problems = list(_problems(given))
    if problems:
        listed = "\n  ".join(problems)
        message = f"{file.name} has {len(problems)} problem(s):\n  {listed}"
        raise DataError(message)
    made: dict[str, Any] = {
        name: section(**{key: _frozen(value) for key, value in given[name].items()})
        for name, section in _SECTIONS.items()
    }
    return Criteria(**made)


def _problems(given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield "expected a mapping at the top"
        return
    for name in sorted(set(given) - {"schema_version", *_SECTIONS}):
        yield f"unknown part {name!r}; known are {', '.join(_SECTIONS)}"
    for name, section in _SECTIONS.items():
        if isinstance(given.get(name), dict):
            yield from _section_problems(name, given[name], section)
        else:
            yield f"{name}: missing"


def _section_problems(name: str, given: Mapping[str, Any], section: type[Sourced]) -> Iterator[str]:
    hints = get_type_hints(section)
    known = {f.name for f in fields(section)}
    for key in sorted(known ^ set(given)):
        yield f"{name}: {key} is {'missing' if key in known else 'unknown'}"
    for key in sorted(known & set(given)):
        value = given[key]
        if hints[key] is int and not (type(value) is int and value >= 0):
            yield f"{name}: {key} must be a whole number of 0 or more, got {value!r}"
        elif hints[key] is float and not (isinstance(value, float) and 0 < value < 1):
            yield f"{name}: {key} must lie between 0 and 1, got {value!r}"
        elif hints[key] is str and not (isinstance(value, str) and value.strip()):
            yield f"{name}: {key} must say something, got {value!r}"
        elif hints[key] == tuple[str, ...] and not isinstance(value, list):
            yield f"{name}: {key} must be a list, got {value!r}"


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
