"""The registry of claims: what is asserted, and the analysis fixed before its result is seen."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from combined_care import markup
from combined_care.analyses import Analysis, Kind, Role
from combined_care.certainty_criteria import load_criteria
from combined_care.certainty_overrides import load_overrides
from combined_care.choices import load_choices
from combined_care.errors import DataError, known
from combined_care.estimands import Estimand
from combined_care.paths import project_root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from combined_care.certainty import Level, Override
    from combined_care.certainty_criteria import Criteria
    from combined_care.choices import Choices
    from combined_care.effects import SmdVariance
    from combined_care.inference import Test
    from combined_care.tau2 import Method

__all__ = [
    "Analysis",
    "Claim",
    "ClaimSet",
    "Kind",
    "Role",
    "Rules",
    "Sensitivity",
    "choose_claims",
    "estimand_of",
    "load_claims",
]

ClaimSet = Literal["primary", "secondary", "not_testable"]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """A change of the estimand that every analysis is repeated with.

    Attributes
    ----------
    change : mapping
        Parts of the estimand and their new values.
    columns : mapping of str to str
        Trial columns that are read from another column instead; only analyses that use one of
        them are repeated.
    applies_to : str
        Outcome of the analyses that are repeated; all when empty.
    """

    id: str
    title: str
    change: Mapping[str, Any]
    columns: Mapping[str, str]
    applies_to: str = ""

    def of(self, analysis: Analysis) -> Analysis | None:
        """Return the analysis with the change made; None where it makes no sense."""
        asked = analysis.estimand
        if self.applies_to not in ("", asked.outcome):
            return None
        used = {*asked.trials, *asked.any_of, analysis.moderator}
        if self.columns and not used.intersection(self.columns):
            return None
        changed = estimand_of(self.change)
        estimand = replace(
            asked,
            **{name: getattr(changed, name) for name in self.change},
            trials={self.columns.get(k, k): v for k, v in asked.trials.items()},
            any_of={self.columns.get(k, k): v for k, v in asked.any_of.items()},
        )
        moderator = self.columns.get(analysis.moderator, analysis.moderator)
        return replace(analysis, estimand=estimand, moderator=moderator)


@dataclass(frozen=True, slots=True)
class Rules:
    """What all claims share: the model, the thresholds and the sensitivity analyses.

    Attributes
    ----------
    agree_strongly, agree_fragile : float
        Share of defensible analyses that must agree for ``supported_strongly``, and below which a
        supported claim is ``fragile``.
    certain_enough : str
        Lowest certainty of the evidence for ``supported_strongly``.
    choices : Choices or None
        The multiverse, from ``multiverse.yaml`` beside the claims; without it nothing is said
        about robustness.
    criteria : Criteria or None
        The rules of certainty, from ``certainty.yaml`` beside the claims.
    """

    method: Method
    test: Test
    level: float
    smd_variance: SmdVariance
    smallest_effect: float
    smallest_effect_source: str
    min_trials: int
    min_trials_per_level: int
    alpha: float
    agree_strongly: float
    agree_fragile: float
    certain_enough: Level
    sensitivity: tuple[Sensitivity, ...]
    choices: Choices | None = None
    criteria: Criteria | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence under test, with its analyses and the rules that decide it.

    `overrides` are judgements of persons about the certainty of its evidence.
    """

    id: str
    set: ClaimSet
    section: str
    text: str
    kind: Kind
    analyses: tuple[Analysis, ...]
    rules: Rules
    reason: str = ""
    limits: str = ""
    overrides: tuple[Override, ...] = ()

    def __str__(self) -> str:
        how = f"{len(self.analyses)} analyses" if self.testable else f"not testable: {self.reason}"
        return f"{self.id} ({self.set}): {self.text} [{self.kind}, {how}]"

    def _repr_html_(self) -> str:
        rows = [(a.id, a.title, a.kind, a.role, str(a.estimand)) for a in self.analyses]
        header = ("Analysis", "Title", "Judged as", "Role", "What is asked")
        return markup.table(header, rows, caption=str(self))

    @property
    def testable(self) -> bool:
        """Whether trials of this kind can test the claim."""
        return self.set != "not_testable"


def load_claims(path: Path | None = None) -> dict[str, Claim]:
    """Read the claims, in their order.

    Parameters
    ----------
    path : pathlib.Path, optional
        The file; by default ``data/claims.yaml`` of the project. ``multiverse.yaml``,
        ``certainty.yaml`` and ``certainty_overrides.yaml`` beside it are read where they are.

    Returns
    -------
    dict
        Claim id -> claim.

    Raises
    ------
    DataError
        If a file is malformed; all its problems are listed.

    Examples
    --------
    >>> claim = load_claims()["ocd-combined"]
    >>> print(claim.text)
    In obsessive-compulsive disorder, medication together with exposure-based therapy works better
    than medication alone.
    >>> [analysis.title for analysis in claim.analyses if analysis.role == "decisive"]
    ['adults and children together, against medication alone']
    """
    file = path or project_root() / "data" / "claims.yaml"
    choices, criteria, judged = (
        file.with_name(name) if file.with_name(name).is_file() else None
        for name in ("multiverse.yaml", "certainty.yaml", "certainty_overrides.yaml")
    )
    beside = {
        "choices": choices and load_choices(choices),
        "criteria": criteria and load_criteria(criteria),
    }
    reader = _Reader(yaml.safe_load(file.read_text(encoding="utf-8")), beside)
    claims = reader.claims()
    if reader.problems:
        message = f"{file.name} has {len(reader.problems)} problem(s):\n  " + "\n  ".join(
            reader.problems
        )
        raise DataError(message)
    analyses = {name: [a.id for a in claim.analyses] for name, claim in claims.items()}
    overrides = load_overrides(judged, analyses) if judged else ()
    return {
        name: replace(claim, overrides=tuple(o for o in overrides if o.claim == name))
        for name, claim in claims.items()
    }


def choose_claims(claims: Mapping[str, Claim], ids: Sequence[str] | None) -> list[Claim]:
    """Pick claims by id, or all of them in their order when `ids` is empty.

    Raises
    ------
    InputError
        If an id is not in the registry; the nearest one is named.
    """
    if not ids:
        return list(claims.values())
    known("claim", tuple(ids), claims)
    return [claims[name] for name in dict.fromkeys(ids)]


_CLAIM_KEYS = {"id", "set", "section", "text", "kind", "analyses", "reason", "limits"}
_ANALYSIS_KEYS = {"id", "title", "kind", "role", "group", "moderator", "levels", "select"}
_ESTIMAND_KEYS = {f.name for f in fields(Estimand)} - {"trials", "any_of"}


class _Reader:
    """Turns the parsed file into claims and collects every problem on the way."""

    def __init__(self, document: Any, beside: Mapping[str, Any]) -> None:
        self.beside = beside
        self.document = document if isinstance(document, dict) else {}
        self.problems: list[str] = []
        if not isinstance(document, dict):
            self.problems.append("expected a mapping at the top")

    def claims(self) -> dict[str, Claim]:
        rules = self._rules()
        found: dict[str, Claim] = {}
        if rules is None:
            return found
        for position, given in enumerate(self.document.get("claims", []), start=1):
            claim = self._claim(given, f"claim {position}", rules)
            if claim is None:
                continue
            if claim.id in found:
                self.problems.append(f"claim {position}: id {claim.id!r} stands twice")
            found[claim.id] = claim
        return found

    def _rules(self) -> Rules | None:
        doc = self.document
        try:
            sensitivity = tuple(
                Sensitivity(
                    item["id"],
                    item["title"],
                    item.get("change", {}),
                    item.get("columns", {}),
                    item.get("applies_to", ""),
                )
                for item in doc["sensitivity"]
            )
            return Rules(
                **doc["model"],
                **self.beside,
                sensitivity=sensitivity,
                **{
                    f.name: doc[f.name]
                    for f in fields(Rules)
                    if f.name not in {"method", "test", "level", "sensitivity", *self.beside}
                },
            )
        except (KeyError, TypeError) as error:
            self.problems.append(f"the shared rules are incomplete: {error}")
            return None

    def _claim(self, given: Mapping[str, Any], where: str, rules: Rules) -> Claim | None:
        where = f"{where} ({given.get('id', 'without id')})"
        self._unknown(given, _CLAIM_KEYS, where)
        missing = [name for name in ("id", "set", "section", "text") if not given.get(name)]
        if missing:
            self.problems.append(f"{where}: missing {', '.join(missing)}")
            return None
        self._one_of(given["set"], get_args(ClaimSet), f"{where}: set")
        kind = given.get("kind", "superiority")
        self._one_of(kind, get_args(Kind), f"{where}: kind")
        needed = "reason" if given["set"] == "not_testable" else "analyses"
        if not given.get(needed):
            self.problems.append(f"{where}: a claim of set {given['set']} needs {needed}")
        analyses = [self._analysis(a, where, kind, rules) for a in given.get("analyses", ())]
        return Claim(
            id=given["id"],
            set=given["set"],
            section=given["section"],
            text=given["text"].strip(),
            kind=kind,
            analyses=tuple(a for a in analyses if a is not None),
            rules=rules,
            reason=given.get("reason", "").strip(),
            limits=given.get("limits", "").strip(),
        )

    def _analysis(
        self, given: Mapping[str, Any], claim: str, claim_kind: Kind, rules: Rules
    ) -> Analysis | None:
        where = f"{claim}, analysis {given.get('id', 'without id')}"
        self._unknown(given, _ANALYSIS_KEYS, where)
        missing = [name for name in ("id", "title", "select") if not given.get(name)]
        if missing:
            self.problems.append(f"{where}: missing {', '.join(missing)}")
            return None
        # A disorder of an uncertainty claim is judged as a superiority analysis.
        inherited = "superiority" if claim_kind == "uncertainty" else claim_kind
        kind, role = given.get("kind", inherited), given.get("role", "decisive")
        self._one_of(kind, get_args(Kind), f"{where}: kind")
        self._one_of(role, get_args(Role), f"{where}: role")
        if (kind == "moderator") != bool(given.get("moderator")):
            self.problems.append(
                f"{where}: only a moderator analysis names a moderator, and it must"
            )
        if claim_kind == "uncertainty" and role == "decisive" and not given.get("group"):
            self.problems.append(
                f"{where}: a decisive analysis of an uncertainty claim needs a group"
            )
        return Analysis(
            id=given["id"],
            title=given["title"],
            kind=kind,
            role=role,
            estimand=estimand_of(given["select"], variance=rules.smd_variance),
            group=given.get("group", ""),
            moderator=given.get("moderator", ""),
            levels=tuple(given.get("levels", ())),
        )

    def _unknown(self, given: Mapping[str, Any], known: set[str], where: str) -> None:
        for name in sorted(set(given) - known):
            self.problems.append(f"{where}: unknown key {name!r}; known are {sorted(known)}")

    def _one_of(self, value: str, allowed: tuple[str, ...], where: str) -> None:
        if value not in allowed:
            self.problems.append(f"{where}: {value!r} is not one of {', '.join(allowed)}")


def estimand_of(select: Mapping[str, Any], *, variance: SmdVariance = "LS") -> Estimand:
    """Build an estimand from plain data: its own parts by name, every other key a trial column.

    Examples
    --------
    >>> estimand_of({"outcome": "severity", "diagnosis": ["panic"]}).trials
    {'diagnosis': ('panic',)}
    """
    own = {k: _tuples(v) for k, v in select.items() if k in _ESTIMAND_KEYS}
    trials = {k: tuple(v) for k, v in select.items() if k not in _ESTIMAND_KEYS | {"any_of"}}
    any_of = {k: tuple(v) for k, v in select.get("any_of", {}).items()}
    return Estimand(**{"variance": variance, **own}, trials=trials, any_of=any_of)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
