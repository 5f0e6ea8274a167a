"""Small evidence of a network whose parts have known effects, for claims about networks."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from small_evidence import evidence, means, trial

if TYPE_CHECKING:
    from combined_care.evidence import Evidence

P, M, PL = 0.5, 0.4, 0.1
#: Experimental arm, comparator, and true effect without the interaction.
PAIRS = (
    ("combined", "pharmacotherapy", P),
    ("combined", "psychotherapy", M),
    ("pharmacotherapy", "placebo", M - PL),
    ("psychotherapy_plus_placebo", "psychotherapy", PL),
    ("psychotherapy_plus_placebo", "placebo", P),
)
#: Trials of a pair lie this far from the truth, about as far as chance takes them.
AROUND = (-0.1, 0.0, 0.1)


def network(
    beyond: float = 0.0,
    *,
    pairs=PAIRS,
    around=AROUND,
    n: float = 300,
    diagnosis: str = "mdd",
) -> Evidence:
    """Trials of each pair; combined treatment does `beyond` more than the sum of its parts."""
    numbers, trials, rows = count(1), [], []
    for experimental, comparator, effect in pairs:
        true = effect + beyond * (experimental == "combined")
        for off in around:
            name = f"t{next(numbers)}"
            trials.append(trial(name, diagnosis=diagnosis))
            arms = {"experimental": experimental, "comparator": comparator}
            rows.append(means(name, true + off, n=n, **arms))
    return evidence(trials, rows)
