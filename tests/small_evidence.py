"""A small evidence of our own making, for tests that must not depend on the real data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from combined_care.evidence import Evidence, vocabulary_of
from combined_care.selection import load_rule

DATA = Path(__file__).parents[1] / "data"
RULE = load_rule(DATA / "selection.yaml")
PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))

TRIAL: dict[str, Any] = {
    "trial_id": "", "label": "", "year": 2000, "doi": "10.1000/x", "pmid": "", "summary": "",
    "diagnosis": "mdd", "diagnosis_detail": "", "population": "adult",
    "severity": "unclear", "severity_at_entry": "unclear", "severity_basis": "coded",
    "chronic": "unclear", "treatment_resistant": "unclear", "design": "concurrent",
    "medication_class": "ssri", "medication": "", "medication_management": "protocolised",
    "psychotherapy_class": "cbt", "psychotherapy": "", "placebo_controlled": "no",
    "n_randomised": np.nan, "country": "", "setting": "", "low_risk_items": np.nan, "notes": "",
    "duplicate_of": "", "notice": "",
}  # fmt: skip
OUTCOME: dict[str, Any] = {
    "row_id": "", "trial_id": "", "experimental": "combined", "comparator": "pharmacotherapy",
    "treatment_e": "", "treatment_c": "", "outcome": "severity", "outcome_detail": "",
    "instrument": "hdrs-17", "rating": "clinician", "higher_is_better": 0.0, "weeks": np.nan,
    "phase": "acute", "analysis_set": "itt", "tier": "A", "mean_e": np.nan, "sd_e": np.nan,
    "n_e": np.nan, "mean_c": np.nan, "sd_c": np.nan, "n_c": np.nan, "events_e": np.nan,
    "events_c": np.nan, "pct_e": np.nan, "pct_c": np.nan, "effect": np.nan, "ci_low": np.nan,
    "ci_high": np.nan, "se": np.nan, "effect_measure": "", "favours": "",
    "favours_experimental_when": "", "derived": 0.0, "same_as_row": "", "flags": "", "source_url": "https://x.example",
    "source_note": "", "source_kind": "trial_table",
}  # fmt: skip


def trial(trial_id: str, **changes: Any) -> dict[str, Any]:
    """One trial; what is not given has a neutral value."""
    return {**TRIAL, "trial_id": trial_id, "label": trial_id.title(), **changes}


def means(trial_id: str, gain: float, n: float = 40, **changes: Any) -> dict[str, Any]:
    """One severity row: the combined arm scores `gain` points (SD 1) better than the other."""
    numbers = {"mean_e": -gain, "sd_e": 1.0, "n_e": n, "mean_c": 0.0, "sd_c": 1.0, "n_c": n}
    row_id = changes.pop("row_id", f"{trial_id}-01")
    return {**OUTCOME, "row_id": row_id, "trial_id": trial_id, **numbers, **changes}


def events(trial_id: str, good_e: float, good_c: float, n: float, **changes: Any) -> dict[str, Any]:
    """One response row."""
    numbers = {"events_e": good_e, "n_e": n, "events_c": good_c, "n_c": n}
    row = {"row_id": f"{trial_id}-01", "trial_id": trial_id, "outcome": "response"}
    return {**OUTCOME, **row, "higher_is_better": 1.0, **numbers, **changes}


def evidence(trials: list[dict[str, Any]], outcomes: list[dict[str, Any]]) -> Evidence:
    """Put rows together as evidence with the project's selection rule."""
    return Evidence(
        trials=pd.DataFrame(trials, columns=list(TRIAL)),
        outcomes=pd.DataFrame(outcomes, columns=list(OUTCOME)),
        published=pd.DataFrame(),
        rule=RULE,
        release="test",
        vocabulary=vocabulary_of(PACKAGE),
    )
