"""Certainty of the evidence: five domains with their numbers, and the level they lead to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import pandas as pd

from combined_care.errors import InputError
from combined_care.results import Absent, Number, Result, rounded

if TYPE_CHECKING:
    from collections.abc import Iterable

Level = Literal["high", "moderate", "low", "very low"]
Downgrade = Literal[0, -1, -2]

#: From the best to the worst.
LEVELS: tuple[Level, ...] = get_args(Level)
DOWNGRADES: tuple[Downgrade, ...] = get_args(Downgrade)
DOMAINS = ("risk of bias", "inconsistency", "indirectness", "imprecision", "small-study effects")
_STEPS = {0: "no step down", -1: "one step down", -2: "two steps down"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Domain(Result):
    """One domain as the rules judge it.

    Attributes
    ----------
    name : str
        One of :data:`DOMAINS`.
    downgrade : {0, -1, -2}
        Steps down.
    assessed : bool
        False where the data cannot say anything; `downgrade` is 0 then.
    rule : str
        The rule that was applied, with its thresholds.
    sentence : str
        What was found, for readers.
    values : tuple of (str, number, str or Absent)
        The numbers behind it, by name.
    """

    caption = "Domain of certainty"

    name: str
    downgrade: Downgrade
    assessed: bool = True
    rule: str
    sentence: str
    values: tuple[tuple[str, Number | str], ...]

    def __str__(self) -> str:
        steps = _STEPS[self.downgrade] if self.assessed else "not assessable"
        return f"{self.name[0].upper()}{self.name[1:]}: {steps}. {self.sentence}"

    def value(self, name: str) -> Number | str:
        """Return one of the numbers by its name.

        Raises
        ------
        InputError
            If there is no such number.
        """
        found = dict(self.values)
        if name not in found:
            message = f"{self.name} has no value {name!r}; it has {', '.join(found)}"
            raise InputError(message)
        return found[name]


@dataclass(frozen=True, eq=False, kw_only=True)
class Override(Result):
    """What a person judged otherwise than the rules.

    Attributes
    ----------
    claim, analysis, domain : str
        What is judged.
    judged : {0, -1, -2}
        Steps down in that person's judgement.
    name, date, reason : str
        Who, when (YYYY-MM-DD) and why.
    """

    caption = "Judgement of a person"

    claim: str
    analysis: str
    domain: str
    judged: Downgrade
    name: str
    date: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.date}) on {self.domain}: {_STEPS[self.judged]}. {self.reason}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Certainty(Result):
    """How certain the evidence of one analysis is.

    Attributes
    ----------
    domains : tuple of Domain
        The five domains as computed.
    overrides : tuple of Override
        What a person judged otherwise, at most one a domain; the level follows them.
    note : str
        What the level is a level of, where that is not the size of an effect.
    """

    caption = "Certainty of the evidence"

    domains: tuple[Domain, ...]
    overrides: tuple[Override, ...] = ()
    note: str = ""

    @property
    def computed_level(self) -> Level:
        """The level by the rules alone."""
        return _level(domain.downgrade for domain in self.domains)

    @property
    def level(self) -> Level:
        """The level, with what persons judged."""
        return _level(self.downgrade(domain.name) for domain in self.domains)

    @property
    def rank(self) -> int:
        """0 for high to 3 for very low."""
        return LEVELS.index(self.level)

    def domain(self, name: str) -> Domain:
        """Return one domain by its name.

        Raises
        ------
        InputError
            If there is no such domain.
        """
        for found in self.domains:
            if found.name == name:
                return found
        message = f"unknown domain {name!r}; known are {', '.join(DOMAINS)}"
        raise InputError(message)

    def override(self, domain: str) -> Override | None:
        """Return what a person judged about a domain, if anyone did."""
        return next((o for o in self.overrides if o.domain == domain), None)

    def downgrade(self, domain: str) -> Downgrade:
        """Return the steps down that count for a domain: a person's, else the computed ones."""
        judged = self.override(domain)
        return self.domain(domain).downgrade if judged is None else judged.judged

    def at_least(self, level: Level) -> bool:
        """Tell whether the level is `level` or better."""
        return self.rank <= LEVELS.index(level)

    def __str__(self) -> str:
        lowered = [f"{name} ({steps})" for name, steps in self._steps().items() if steps < 0]
        why = f", lowered for {', '.join(lowered)}" if lowered else ", no reason to lower it"
        judged = ""
        if self.overrides:
            judged = f"; {self.computed_level} by the rules, changed by a person's judgement"
        note = f" {self.note}" if self.note else ""
        return f"Certainty: {self.level}{why}{judged}.{note}".replace("(-", "(\N{MINUS SIGN}")

    def _steps(self) -> dict[str, Downgrade]:
        return {domain.name: self.downgrade(domain.name) for domain in self.domains}

    def to_frame(self) -> pd.DataFrame:
        """Return one row a domain: computed and judged steps, rule, sentence, and who judged."""
        rows = []
        for domain in self.domains:
            judged = self.override(domain.name)
            rows.append(
                {
                    "domain": domain.name,
                    "computed": domain.downgrade,
                    "assessed": domain.assessed,
                    "judged": "" if judged is None else judged.judged,
                    "sentence": domain.sentence,
                    "rule": domain.rule,
                    "judgement": "" if judged is None else str(judged),
                }
            )
        return pd.DataFrame(rows)

    def record(self) -> dict[str, Any]:
        """Return a small record for ``verdicts.json``: plain types, numbers of six digits.

        It cannot be read back; :meth:`to_json` writes everything.
        """
        found: dict[str, Any] = {"level": self.level}
        if self.overrides:
            found["computed_level"] = self.computed_level
        found["domains"] = {
            domain.name: {
                "downgrade": domain.downgrade,
                **({} if domain.assessed else {"assessed": False}),
                **{name: rounded(value) for name, value in domain.values},
            }
            for domain in self.domains
        }
        if self.overrides:
            names = ("domain", "judged", "name", "date", "reason")
            found["overrides"] = [{n: getattr(o, n) for n in names} for o in self.overrides]
        return found


def lowest(certainties: Iterable[Certainty | Absent]) -> Certainty | Absent:
    """Return the certainty of a claim: that of its least certain decisive analysis.

    Parameters
    ----------
    certainties : iterable of Certainty or Absent
        One a decisive analysis, in their order.

    Returns
    -------
    Certainty or Absent
        The first of the lowest level. Where an analysis has no certainty, nor has the claim: it
        cannot be more certain than a part without evidence.

    Notes
    -----
    GRADE rates the certainty across outcomes by the lowest of those that are critical to the
    decision (Guyatt et al. 2013, GRADE guidelines 11, doi:10.1016/j.jclinepi.2012.01.006).
    """
    found = list(certainties)
    if not found:
        return Absent("no decisive analysis")
    missing = [item for item in found if isinstance(item, Absent)]
    if missing:
        few = f"{len(missing)} of {len(found)} decisive analyses cannot be rated"
        return Absent(f"{few}: {missing[0].reason}" if len(found) > 1 else missing[0].reason)
    return max(cast("list[Certainty]", found), key=lambda item: item.rank)


def apply_overrides(
    certainty: Certainty | Absent, overrides: Iterable[Override], *, claim: str, analysis: str
) -> Certainty | Absent:
    """Put the judgements of persons about one analysis beside the computed ones.

    Parameters
    ----------
    certainty : Certainty or Absent
        As computed; an absence stays one.
    overrides : iterable of Override
        All of them; those about other analyses are left alone.
    claim, analysis : str
        What was rated.
    """
    own = tuple(o for o in overrides if (o.claim, o.analysis) == (claim, analysis))
    if isinstance(certainty, Absent) or not own:
        return certainty
    return replace(certainty, overrides=own)


def _level(downgrades: Iterable[int]) -> Level:
    return LEVELS[min(-sum(downgrades), len(LEVELS) - 1)]
