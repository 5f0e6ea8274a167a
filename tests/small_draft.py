"""A trial that may be added to the small folder, complete and without a warning."""

from __future__ import annotations

from typing import Any

from small_folder import MEANS

TRIAL = {
    "label": "Fir & Elder 2010", "year": "2010", "doi": "10.1000/fir", "diagnosis": "panic",
    "population": "adult", "severity": "unclear", "chronic": "unclear",
    "treatment_resistant": "no", "design": "concurrent", "medication_class": "ssri",
    "medication_management": "flexible", "psychotherapy_class": "cbt",
    "psychotherapy": 'CBT, "brief"', "placebo_controlled": "no", "n_randomised": "60",
    "country": "Norway",
}  # fmt: skip
OUTCOME = {
    "experimental": "combined", "comparator": "pharmacotherapy", "outcome": "severity",
    "instrument": "PDSS", "rating": "clinician", "higher_is_better": "0", "weeks": "12",
    "phase": "acute", "analysis_set": "itt", **MEANS, "mean_e": "7.90", "derived": "0",
    "source_url": "https://example.org/9", "source_kind": "trial_table",
}  # fmt: skip


def draft(*rows: dict[str, Any], **trial: Any) -> dict[str, Any]:
    """The trial with other cells, and one row of outcomes for each `rows`: what is other in it."""
    return {
        "trial": {**TRIAL, **trial},
        "outcomes": [{**OUTCOME, **row} for row in rows or ({},)],
    }
