"""The evidence at a glance: what every diagnosis has against every comparator, gaps included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from combined_care.estimands import Estimand
from combined_care.results import Absent
from combined_care.verdicts import pool

if TYPE_CHECKING:
    from combined_care.claims import Rules
    from combined_care.evidence import Evidence
    from combined_care.synthesis import Synthesis


@dataclass(frozen=True, slots=True)
class Cell:
    """One diagnosis against one comparator.

    Attributes
    ----------
    k : int
        Trials with usable numbers on efficacy at the end of acute treatment.
    n : int
        People in those of them that report arm sizes.
    unpooled : int
        Further trials on the question whose numbers cannot be pooled.
    fit : Synthesis or Absent
        Pooled Hedges' g, positive in favour of the experimental arm.
    """

    diagnosis: str
    comparator: str
    k: int
    n: int
    unpooled: int
    fit: Synthesis | Absent

    @property
    def size(self) -> str:
        """Number of people for readers; ``unknown`` where no trial reports arm sizes."""
        return "unknown" if self.k and not self.n else f"{self.n:,}"

    @property
    def empty(self) -> bool:
        """Whether no trial at all addresses the question."""
        return self.k == 0 and self.unpooled == 0


@dataclass(frozen=True, slots=True)
class EvidenceMap:
    """All cells, by diagnosis and then comparator.

    Attributes
    ----------
    diagnoses, comparators : tuple of str
        Rows and columns, in the order of the data's vocabulary; diagnoses that no trial has are
        left out, comparators that no trial has are kept.
    cells : dict
        (diagnosis, comparator) -> cell; every pair has one.
    """

    diagnoses: tuple[str, ...]
    comparators: tuple[str, ...]
    cells: dict[tuple[str, str], Cell]

    def cell(self, diagnosis: str, comparator: str) -> Cell:
        """Return one cell."""
        return self.cells[diagnosis, comparator]

    @property
    def gaps(self) -> int:
        """Number of cells without any trial."""
        return sum(cell.empty for cell in self.cells.values())


def map_evidence(evidence: Evidence, rules: Rules) -> EvidenceMap:
    """Pool the experimental arm against each comparator in each diagnosis.

    Parameters
    ----------
    evidence : Evidence
        From :func:`combined_care.evidence.load_evidence`.
    rules : Rules
        The model that all claims share.

    Returns
    -------
    EvidenceMap
        Efficacy in the phase that counts, trials of the main design, data tiers A and B.
    """
    diagnoses = tuple(dict.fromkeys(evidence.trials["diagnosis"].astype(str)))
    diagnoses = tuple(sorted(diagnoses, key=lambda name: _standing(evidence, name)))
    comparators = evidence.review.every_comparator
    known = set(evidence.outcomes["comparator"].astype(str))
    cells = {
        (diagnosis, comparator): _cell(evidence, rules, diagnosis, comparator, comparator in known)
        for diagnosis in diagnoses
        for comparator in comparators
    }
    return EvidenceMap(diagnoses, comparators, cells)


def _standing(evidence: Evidence, diagnosis: str) -> tuple[bool, int, str]:
    """Most trials first, ``other`` last."""
    trials = int((evidence.trials["diagnosis"] == diagnosis).sum())
    return (diagnosis == "other", -trials, diagnosis)


def _cell(evidence: Evidence, rules: Rules, diagnosis: str, comparator: str, known: bool) -> Cell:
    if not known:
        return Cell(diagnosis, comparator, 0, 0, 0, Absent("no trial"))
    selection = evidence.select(
        Estimand(
            comparator=(comparator,),
            trials={"diagnosis": (diagnosis,), "design": evidence.review.main_design},
            variance=rules.smd_variance,
        )
    )
    effects, left_out = selection.effects, selection.left_out
    unpooled = set(left_out["trial_id"]) - set(effects["trial_id"])
    if effects.empty:
        why = "no trial" if not unpooled else "no trial with usable numbers"
        return Cell(diagnosis, comparator, 0, 0, len(unpooled), Absent(why))
    people = int(effects["n"].sum())
    return Cell(diagnosis, comparator, len(effects), people, len(unpooled), pool(effects, rules))
