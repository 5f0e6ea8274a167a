"""What is asked of the evidence, and the shape of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from combined_care import markup
from combined_care.review import MAIN, current_review

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from combined_care.effects import Measure, SmdVariance


def _experimental() -> tuple[str, ...]:
    return current_review().experimental


def _phase() -> tuple[str, ...]:
    return current_review().phase


@dataclass(frozen=True, kw_only=True)
class Estimand:
    """What is asked of the evidence; every part is data.

    What is not said is as ``data/review.yaml`` of the project has it.

    Attributes
    ----------
    outcome : str
        ``efficacy`` (a family of outcomes that stand in for each other) or one outcome.
    comparator, experimental : tuple of str
        Kinds of arm; an empty tuple allows any. By default any comparator, and the experimental
        arm of the review.
    phase : tuple of str
        Phases of measurement; an empty tuple allows any.
    weeks : tuple of two numbers, optional
        Only results from the first to the second week, both included; rows without week are
        left out then.
    measure : str, optional
        Measure; by default the one that suits the outcome.
    tiers : str
        Data tiers that may be pooled, e.g. ``"AB"``.
    trials : dict
        Trial column -> allowed values; all must hold.
    any_of : dict
        Trial column -> allowed values; one must hold (none asked when empty).
    variance : str
        Formula of the variance of g.
    left_out_flags, left_out_kinds : tuple of str, optional
        Flags and kinds of treatment that stay out instead of those of the selection rule.
    """

    outcome: str = MAIN
    comparator: tuple[str, ...] = ()
    experimental: tuple[str, ...] = field(default_factory=_experimental)
    phase: tuple[str, ...] = field(default_factory=_phase)
    weeks: tuple[float, float] | None = None
    measure: Measure | None = None
    tiers: str = "AB"
    trials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    any_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variance: SmdVariance = "LS"
    left_out_flags: tuple[str, ...] | None = None
    left_out_kinds: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """Say what differs from the rules of the review; the words are those of the tables."""
        asked = {"comparator": self.comparator, "phase": self.phase, **self.trials}
        said = [f"{name} {' or '.join(words)}" for name, words in asked.items() if words]
        either = [f"{name} {' or '.join(words)}" for name, words in self.any_of.items()]
        said += [f"either {' or '.join(either)}"] if either else []
        return ", ".join([f"{self.outcome} ({self.wanted_measure})", *said, f"tiers {self.tiers}"])

    def _repr_html_(self) -> str:
        return markup.paragraph(str(self))

    @property
    def wanted_measure(self) -> Measure:
        """The measure asked for, or the one that suits the outcome."""
        return self.measure or current_review().measure(self.outcome)


@dataclass(frozen=True)
class Selection:
    """The answer of the evidence to an estimand.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row a trial and comparator, positive ``yi`` favouring the experimental arm.
    alternatives : pandas.DataFrame
        Other usable rows of the same trials that the rule did not choose, with their effects.
    left_out : pandas.DataFrame
        Rows of the question that give no pooled effect, each with the reason.
    """

    estimand: Estimand
    effects: pd.DataFrame
    alternatives: pd.DataFrame
    left_out: pd.DataFrame

    def __str__(self) -> str:
        trials = self.effects["trial_id"].nunique()
        return (
            f"{self.estimand}: {len(self.effects)} effects of {trials} trials; "
            f"{len(self.alternatives)} other results of them; {len(self.left_out)} rows left out, "
            "each with its reason"
        )

    def _repr_html_(self) -> str:
        columns = ["label", "comparator", "outcome", "measure", "yi", "vi", "tier"]
        shown = [[_cell(row[name]) for name in columns] for _, row in self.effects.iterrows()]
        return markup.table(columns, shown, caption=str(self))


def _cell(value: object) -> str:
    return markup.number(value) if isinstance(value, float) else str(value)
