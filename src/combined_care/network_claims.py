"""The registry of claims about networks of treatments: do the parts of combined treatment add up?

These claims were written after the networks had been seen; the registry says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from combined_care.errors import DataError
from combined_care.paths import project_root
from combined_care.treatments import SEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from combined_care.network_fit import NetworkMethod, NetworkTest

NETWORK_FILE = "network_claims.yaml"
NetworkKind = Literal["adds", "additive"]


@dataclass(frozen=True, slots=True)
class NetworkQuestion:
    """The trials of a network: which outcome, and which columns of trials have which values."""

    id: str
    title: str
    select: Mapping[str, Any]
    classes: bool = False


@dataclass(frozen=True, slots=True)
class NetworkModel:
    """How a network is analysed; `inactive` is a component whose effect is taken to be 0."""

    method: NetworkMethod
    test: NetworkTest
    level: float
    inactive: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkSensitivity:
    """One choice changed: conditions dropped or set, or parts of the model."""

    id: str
    title: str
    drop: tuple[str, ...] = ()
    change: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    applies_to: str = ""

    def of(
        self, claim: NetworkClaim, model: NetworkModel
    ) -> tuple[NetworkQuestion, NetworkModel] | None:
        """Return what is asked with the choice changed; None where that changes nothing."""
        if self.applies_to not in ("", claim.kind):
            return None
        asked = claim.question
        kept = {name: value for name, value in asked.select.items() if name not in self.drop}
        changed = replace(asked, select={**kept, **self.change}), replace(model, **self.model)
        return None if changed == (asked, model) else changed


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """What the claims about networks share beyond the rules of all claims.

    Attributes
    ----------
    section, fixed, seen : str
        Where the claims stand, when they were written, and what had been looked at by then.
    min_trials_interaction : int
        Trials of a network below which an interaction gets no verdict.
    inconsistency_alpha : float
        p value of the test of inconsistency below which a supported claim is fragile.
    sensitivity : tuple of NetworkSensitivity
        Analyses beside the primary one.
    """

    section: str
    fixed: str
    seen: str
    min_trials_interaction: int
    inconsistency_alpha: float
    sensitivity: tuple[NetworkSensitivity, ...]


@dataclass(frozen=True, slots=True)
class NetworkClaim:
    """One sentence about a network.

    Attributes
    ----------
    kind : {"adds", "additive"}
        `treatment` is better than `against`; or it does what its two parts do added up.
    context : tuple of str
        Further treatments that `treatment` is compared with.
    """

    id: str
    text: str
    kind: NetworkKind
    question: NetworkQuestion
    treatment: str
    shared: NetworkRules
    against: str = ""
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkRegistry:
    """The content of ``data/network_claims.yaml``."""

    rules: NetworkRules
    questions: Mapping[str, NetworkQuestion]
    claims: Mapping[str, NetworkClaim]


def load_network_claims(path: Path | None = None) -> dict[str, NetworkClaim]:
    """Read the claims about networks, in their order; see :func:`load_network_registry`."""
    return dict(load_network_registry(path).claims)


def load_network_registry(path: Path | None = None) -> NetworkRegistry:
    """Read the networks, the claims about them and their rules.

    Parameters
    ----------
    path : pathlib.Path, optional
        The file; by default ``data/network_claims.yaml`` of the project.

    Raises
    ------
    DataError
        If the file is malformed; all its problems are listed.
    """
    file = path or project_root() / "data" / NETWORK_FILE
    reader = _Reader(yaml.safe_load(file.read_text(encoding="utf-8")))
    registry = reader.registry()
    if reader.problems or registry is None:
        shown = "\n  ".join(reader.problems)
        message = f"{file.name} has {len(reader.problems)} problem(s):\n  {shown}"
        raise DataError(message)
    return registry


_SHARED = (
    *("section", "fixed", "seen"),
    *("min_trials_interaction", "inconsistency_alpha", "sensitivity"),
)
_TOP = {"schema_version", *_SHARED, "networks", "claims"}
#: Keys of one entry of each list: those it must have, and those it may have.
_KEYS = {
    "networks": (("id", "title", "select"), ("classes",)),
    "sensitivity": (("id", "title"), ("drop", "change", "model", "applies_to")),
    "claims": (("id", "network", "kind", "text", "treatment"), ("against", "context")),
}
_CHANGEABLE = {"method", "test", "inactive"}


class _Reader:
    """Turns the parsed file into a registry and collects every problem on the way."""

    def __init__(self, document: Any) -> None:
        self.document = document if isinstance(document, dict) else {}
        self.problems: list[str] = []

    def registry(self) -> NetworkRegistry | None:
        self._keys(self.document, "the file", tuple(_TOP), ())
        networks, choices, claims = (
            list(self._entries(n)) for n in ("networks", "sensitivity", "claims")
        )
        self._check_choices(choices)
        self._check_claims(claims, {given["id"] for given in networks})
        if self.problems:
            return None
        sensitivity = tuple(
            NetworkSensitivity(**{**given, "drop": tuple(given.get("drop", ()))})
            for given in choices
        )
        rules = NetworkRules(
            **{name: self.document[name] for name in _SHARED[:-1]}, sensitivity=sensitivity
        )
        questions = {given["id"]: NetworkQuestion(**given) for given in networks}
        found = {given["id"]: _claim(given, questions, rules) for given in claims}
        return NetworkRegistry(rules, questions, found)

    def _entries(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list that have the keys they need."""
        needed, allowed = _KEYS[name]
        seen: set[str] = set()
        for position, given in enumerate(self.document.get(name) or (), start=1):
            known = given if isinstance(given, dict) else {}
            where = f"{name}, entry {position} ({known.get('id', 'without id')})"
            if not self._keys(known, where, needed, allowed):
                continue
            if known["id"] in seen:
                self.problems.append(f"{where}: the id stands twice")
            seen.add(known["id"])
            yield known

    def _keys(
        self, given: dict[str, Any], where: str, needed: tuple[str, ...], allowed: tuple[str, ...]
    ) -> bool:
        missing = [name for name in needed if not given.get(name)]
        unknown = sorted(set(given) - {*needed, *allowed})
        self.problems += [f"{where}: {name} is missing" for name in sorted(missing)]
        self.problems += [f"{where}: unknown key {name!r}" for name in unknown]
        return not missing and not unknown

    def _check_choices(self, choices: list[dict[str, Any]]) -> None:
        for given in choices:
            where = f"sensitivity {given['id']}"
            if given.get("applies_to", "") not in ("", *get_args(NetworkKind)):
                self.problems.append(f"{where}: applies_to is {given['applies_to']!r}")
            for name in sorted(set(given.get("model", ())) - _CHANGEABLE):
                self.problems.append(f"{where}: the model has no {name!r} that could be changed")

    def _check_claims(self, claims: list[dict[str, Any]], networks: set[str]) -> None:
        for given in claims:
            where = f"claim {given['id']}"
            if given["kind"] not in get_args(NetworkKind):
                self.problems.append(
                    f"{where}: kind is {given['kind']!r}, expected adds or additive"
                )
            if given["network"] not in networks:
                self.problems.append(f"{where}: there is no network {given['network']!r}")
            if (given["kind"] == "adds") != bool(given.get("against")):
                self.problems.append(f"{where}: only a claim that a part adds names `against`")
            if given["kind"] == "additive" and given["treatment"].count(SEP) != 1:
                self.problems.append(f"{where}: an additive claim is about two parts")


def _claim(
    given: dict[str, Any], questions: Mapping[str, NetworkQuestion], rules: NetworkRules
) -> NetworkClaim:
    return NetworkClaim(
        id=given["id"],
        text=given["text"].strip(),
        kind=given["kind"],
        question=questions[given["network"]],
        treatment=given["treatment"],
        shared=rules,
        against=given.get("against", ""),
        context=tuple(given.get("context", ())),
    )
