"""What one run offers to a reporting checklist: its analyses, counts and places in the reports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from combined_care.errors import InputError
from combined_care.own_question import Answer
from combined_care.results import Absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.certainty import Domain
    from combined_care.estimands import Estimand
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict


@dataclass(frozen=True)
class Run:
    """A judged claim, or an answered question, with the evidence behind it.

    Attributes
    ----------
    verdict : Verdict
        What was judged.
    evidence : Evidence
        What it was judged by.
    page : str
        Name of its report without ending; empty for a question that has none.
    """

    verdict: Verdict
    evidence: Evidence
    page: str

    @classmethod
    def of(cls, question: Verdict | Answer, evidence: Evidence) -> Run:
        """Take a verdict, or the answer to a question of one's own.

        Raises
        ------
        InputError
            If the claim cannot be tested, so that nothing was run.
        """
        asked = isinstance(question, Answer)
        verdict = question.verdict if isinstance(question, Answer) else question
        if not verdict.results:
            message = f"{verdict.claim.id} has no analysis to export: {verdict.claim.reason}"
            raise InputError(message)
        return cls(verdict, evidence, "" if asked else verdict.claim.id)

    @property
    def results(self) -> tuple[AnalysisResult, ...]:
        """The analyses, in their order."""
        return self.verdict.results

    @property
    def answered(self) -> tuple[AnalysisResult, ...]:
        """The analyses that have at least one effect."""
        return tuple(result for result in self.results if not result.effects.empty)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Every pooled effect, once, however many analyses use it."""
        found = [result.effects for result in self.answered]
        if not found:
            return self.results[0].effects
        together = pd.concat(found, ignore_index=True)
        same = together.assign(rows=together["row_ids"].map("; ".join))
        return together[~same.duplicated(["comparator", "measure", "rows"])]

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The trials that any analysis pools, as the table of trials has them."""
        used = set(self.effects["trial_id"])
        table = self.evidence.trials
        return table[table["trial_id"].isin(used)]

    def place(self, anchor: str) -> str:
        """Name a place in the report of the claim; empty where there is no report."""
        return f"{self.page}.html#{anchor}" if self.page else ""

    def domains(self, name: str) -> Iterator[tuple[AnalysisResult, Domain]]:
        """Yield one domain of certainty of every analysis that was rated."""
        for result in self.results:
            if not isinstance(result.certainty, Absent):
                yield result, result.certainty.domain(name)


def asked_words(asked: Estimand, evidence: Evidence) -> str:
    """Say which rows an analysis asks for."""

    def named(words: tuple[str, ...]) -> str:
        return " or ".join(evidence.name(word) for word in words) or "any"

    parts = {
        "outcome": evidence.name(asked.outcome),
        "experimental arm": named(asked.experimental),
        "comparator": named(asked.comparator),
        "phase": named(asked.phase),
        **{column.replace("_", " "): named(values) for column, values in asked.trials.items()},
    }
    if asked.any_of:
        columns = (f"{c.replace('_', ' ')} {named(v)}" for c, v in asked.any_of.items())
        parts["at least one of"] = " / ".join(columns)
    if asked.weeks:
        parts["weeks"] = "{:g} to {:g}".format(*asked.weeks)
    parts["tiers"] = ", ".join(asked.tiers)
    return "; ".join(f"{name}: {words}" for name, words in parts.items())
