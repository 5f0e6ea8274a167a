"""What the explorer asks: one value a control, and what each control offers. Knows no widget."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from combined_care.inference import TESTS
from combined_care.own_question import KINDS, ask
from combined_care.tau2 import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from combined_care.evidence import Evidence
    from combined_care.own_question import Answer

#: The value of a control that leaves a part of the question open.
ANY = ""
AS_USUAL = "default"
#: Controls in the order in which the keyboard reaches them, with their labels.
LABELS: Mapping[str, str] = {
    "diagnosis": "Diagnosis",
    "comparator": "Compared with",
    "outcome": "Outcome",
    "phase": "Measured at",
    "design": "Design",
    "population": "People",
    "tiers": "Data tiers",
    "kind": "Question",
    "method": "Estimator of tau²",
    "test": "Interval",
    "level": "Level",
}
_TIERS = {
    "AB": "A and B: numbers of arms, or an effect with its interval",
    "A": "A only: numbers of arms",
    "ABC": "A to C: also percentages without sizes of arms",
}
_TESTS = {
    "knha": "Knapp-Hartung",
    "knha-conservative": "Knapp-Hartung, never narrower than normal",
    "z": "normal distribution (Wald)",
}
_KINDS = {
    "superiority": "Is it better?",
    "meaningful": "Is it better by enough to matter?",
    "equivalence": "Does the other do as well?",
}
_LEVELS = (0.8, 0.9, 0.95, 0.99)

#: Name for readers, and value, as a menu takes them.
Options = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorerState:
    """The values of all controls; an empty word leaves that part of the question open."""

    diagnosis: str = ANY
    comparator: str = ANY
    outcome: str = "efficacy"
    phase: str = AS_USUAL
    design: str = ANY
    population: str = ANY
    tiers: str = "AB"
    kind: str = "superiority"
    method: str = "REML"
    test: str = "knha"
    level: float = 0.95

    def question(self) -> dict[str, Any]:
        """Return the arguments of :func:`combined_care.ask` that this asks."""
        given = asdict(self)
        phase = given.pop("phase")
        found = {name: value for name, value in given.items() if value != ANY}
        return found if phase == AS_USUAL else {**found, "phase": phase or None}

    def ask(self, evidence: Evidence, *, robustness: bool = False) -> Answer:
        """Ask the evidence.

        Raises
        ------
        InputError
            If a value is not one that the evidence knows.
        """
        return ask(evidence, **self.question(), robustness=robustness)


def first_state(evidence: Evidence) -> ExplorerState:
    """Return the state that the explorer opens with: the first diagnosis and comparator."""
    diagnosis = next(iter(evidence.vocabulary.get("diagnosis", ())), ANY)
    return ExplorerState(diagnosis=diagnosis, comparator=evidence.review.comparators[0])


def options_of(evidence: Evidence) -> dict[str, Options]:
    """Return what each control offers; parts that may stay open begin with that.

    Parameters
    ----------
    evidence : Evidence
        Gives the words that there are, and their names.

    Returns
    -------
    dict
        Control -> pairs of a name for readers and a value, in the order of :data:`LABELS`.
    """
    review, vocabulary = evidence.review, evidence.vocabulary
    words = {name: vocabulary.get(name, ()) for name in LABELS}
    found: dict[str, Options] = {
        "diagnosis": _open("any diagnosis", words["diagnosis"], evidence),
        "comparator": _open("any comparator", review.every_comparator, evidence),
        "outcome": _named(review.outcomes, evidence),
        "phase": (
            ("as usual for the outcome", AS_USUAL),
            *_open("any time", words["phase"], evidence),
        ),
        "design": _open("any design", words["design"], evidence),
        "population": _open("all people", words["population"], evidence),
        "tiers": tuple((name, value) for value, name in _TIERS.items()),
        "kind": tuple((_KINDS.get(kind, kind), kind) for kind in KINDS),
        "method": tuple((method, method) for method in METHODS),
        "test": tuple((_TESTS.get(test, test), test) for test in TESTS),
        "level": tuple((f"{100 * level:g} %", level) for level in _LEVELS),
    }
    return {name: found[name] for name in LABELS}


def _open(nothing: str, words: Iterable[str], evidence: Evidence) -> Options:
    return ((nothing, ANY), *_named(words, evidence))


def _named(words: Iterable[str], evidence: Evidence) -> Options:
    return tuple((evidence.name(word), word) for word in words)
