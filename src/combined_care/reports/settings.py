"""What-if settings: a claim judged with other settings than those fixed before its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from combined_care.effects import SmdVariance
from combined_care.errors import InputError, known
from combined_care.inference import TESTS
from combined_care.reports.parameters import Parameter
from combined_care.tau2 import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from combined_care.claims import Claim

#: What may be changed, by name. All are rules that claims share, but for the tiers.
SETTINGS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("method", str, "estimator of tau²", METHODS),
        Parameter("test", str, "test and interval of the pooled effect", TESTS),
        Parameter("level", float, "level of the intervals", above=0.5, below=1),
        Parameter("smd_variance", str, "formula of the variance of g", get_args(SmdVariance)),
        Parameter("smallest_effect", float, "smallest effect of interest (g)", above=0, below=5),
        Parameter("min_trials", int, "trials that a verdict needs", above=0),
        Parameter("min_trials_per_level", int, "trials that a level needs", above=0),
        Parameter("alpha", float, "significance level of moderator tests", above=0, below=0.5),
        Parameter(
            "tiers", str, "data tiers that are pooled", ("A", "B", "C", "AB", "AC", "BC", "ABC")
        ),
    )
}
_OWN_CHOICE = "chosen for this page, from no source"


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs from the one fixed before the result was seen."""

    name: str
    meaning: str
    fixed: str
    now: str

    def __str__(self) -> str:
        return f"{self.meaning} ({self.name}): {self.now} instead of {self.fixed}"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What makes a page a what-if page: its signed-off page, and what differs from it."""

    signed_off: str
    changes: tuple[Change, ...]


def read_settings(given: Sequence[str]) -> dict[str, Any]:
    """Read settings as a command line gives them.

    Parameters
    ----------
    given : sequence of str
        Each ``name=value``.

    Returns
    -------
    dict
        Name -> value of the right type, in the order of :data:`SETTINGS`.

    Raises
    ------
    InputError
        If one is not ``name=value``, stands twice, is unknown, ill-typed or not allowed; all
        problems are listed.

    Examples
    --------
    >>> read_settings(["level=0.9", "method=PM"])
    {'method': 'PM', 'level': 0.9}
    """
    problems: list[str] = []
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            known("setting", (name,), SETTINGS)
            if not equals or name in found:
                problems.append(f"expected each setting once, as name=value; got {text!r}")
                continue
            found[name] = SETTINGS[name].read(value)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n  ".join(problems))
    return {name: found[name] for name in SETTINGS if name in found}


def with_settings(claim: Claim, **settings: Any) -> Claim:
    """Return a claim that is judged with other settings.

    Parameters
    ----------
    claim : Claim
        The claim as it was fixed.
    **settings
        Some of :data:`SETTINGS`. Without any, the claim comes back as it is.

    Returns
    -------
    Claim
        The same claim and analyses under the changed rules. Data tiers and the variance of g
        change in each analysis; sensitivity analyses that set them keep their own.

    Raises
    ------
    InputError
        If a setting is unknown, ill-typed or not allowed.
    """
    known("setting", settings, SETTINGS)
    values = {name: SETTINGS[name].read(value) for name, value in settings.items()}
    asked = {"tiers": values.pop("tiers")} if "tiers" in values else {}
    if "smallest_effect" in values:
        values["smallest_effect_source"] = _OWN_CHOICE
    if "smd_variance" in values:
        asked["variance"] = values["smd_variance"]
    analyses = tuple(replace(a, estimand=replace(a.estimand, **asked)) for a in claim.analyses)
    return replace(claim, analyses=analyses, rules=replace(claim.rules, **values))


def changes(claim: Claim, settings: Mapping[str, Any]) -> tuple[Change, ...]:
    """List what settings change in a claim.

    Raises
    ------
    InputError
        If one is unknown or not allowed, or if they change nothing: the page would be the
        pre-specified one under another name.
    """
    known("setting", settings, SETTINGS)
    found = []
    for name, given in settings.items():
        value, fixed = SETTINGS[name].read(given), _fixed(claim, name)
        if fixed != str(value):
            found.append(Change(name, SETTINGS[name].help, fixed, str(value)))
    if not found:
        message = f"{claim.id} has these settings already; the page would be the pre-specified one"
        raise InputError(message)
    return tuple(found)


def _fixed(claim: Claim, name: str) -> str:
    """Return a setting as it was fixed; tiers may differ between analyses."""
    if name == "tiers":
        return " or ".join(dict.fromkeys(a.estimand.tiers for a in claim.analyses))
    return str(getattr(claim.rules, name))
