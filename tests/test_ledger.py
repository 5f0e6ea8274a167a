"""The ledger: every row has one fate, and is used or says why not."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from combined_care import evidence as evidence_module
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.ledger import Fate, count_fates, count_trials, ledger, uses
from small_evidence import events, evidence, means, trial

RULES = replace(load_claims()["mdd-combined"].rules, sensitivity=(), choices=None, criteria=None)


def claim(**asked) -> Claim:
    analysis = Analysis(
        id="a", title="against medication alone", kind="superiority", role="decisive",
        estimand=Estimand(**asked),
    )  # fmt: skip
    return Claim(
        id="test", set="primary", section="s", text="t", kind="superiority", analyses=(analysis,),
        rules=RULES,
    )  # fmt: skip


def fate(row=None, **of_trial) -> str:
    found = ledger(evidence([trial("t0", **of_trial)], [row or means("t0", 0.5)]))
    return str(found["fate"].iloc[0])


@pytest.mark.parametrize(
    ("expected", "row", "of_trial"),
    [
        ("usable", {}, {}),
        ("repeated", {"same_as_row": "other-01"}, {}),
        ("repeated", {}, {"duplicate_of": "other"}),
        ("network", {"experimental": "psychotherapy"}, {}),
        ("other_kind", {}, {"medication_class": "psychedelic"}),
        ("direction_only", {"tier": "D"}, {}),
        ("flagged", {"flags": "shared arm; factorial margin"}, {}),
        ("usable", {"flags": "shared arm"}, {}),
        ("without_arm_sizes", {"tier": "C"}, {}),
        ("no_effect", {"higher_is_better": np.nan}, {}),
    ],
)
def test_the_fate_of_a_row_is_the_first_that_applies(expected, row, of_trial):
    assert fate(means("t0", 0.5, **row), **of_trial) == expected


def test_an_effect_has_its_derivation_and_everything_else_the_reason():
    rows = [means("t0", 0.5), means("t0", 0.5, row_id="t0-02", tier="D")]
    found = ledger(evidence([trial("t0")], rows))
    good, bad = found.itertuples(index=False)
    assert good.ci_lb < good.yi < good.ci_ub
    assert good.derivation.startswith("g = J(78)")
    assert good.problem == ""
    assert np.isnan(bad.yi)
    assert bad.derivation == ""
    assert bad.problem == "direction only (tier D)"


def test_positive_favours_combined_treatment_whatever_the_outcome():
    rows = [
        means("t0", 0.5),
        events("t0", 30, 10, 40, row_id="t0-02"),
        events("t0", 10, 30, 40, row_id="t0-03", outcome="relapse", higher_is_better=0.0),
    ]
    found = ledger(evidence([trial("t0")], rows))
    assert list(found["measure"]) == ["SMD", "OR", "RR"]
    assert (found["yi"] > 0).all()


def test_a_relapse_that_is_reported_as_a_hazard_ratio_stays_one():
    numbers = dict.fromkeys(("events_e", "events_c"), np.nan)
    reported = {"effect": 0.5, "ci_low": 0.3, "ci_high": 0.8, "effect_measure": "hr", "tier": "B"}
    row = events(
        "t0", 1, 1, 40, outcome="relapse", favours_experimental_when="lower",
        **numbers, **reported,
    )  # fmt: skip
    found = ledger(evidence([trial("t0")], [row])).iloc[0]
    assert (found["measure"], found["yi"] > 0) == ("HR", True)


def test_every_row_of_the_data_has_one_fate_and_either_an_effect_or_a_reason():
    found = ledger(evidence_module.load_evidence())
    assert set(found["fate"]) <= set(get_args(Fate))
    assert ((found["derivation"] == "") != (found["problem"] == "")).all()
    counts = count_fates(found)
    assert counts["rows"].sum() == len(found)
    assert list(counts["fate"]) == list(get_args(Fate))


def test_a_row_that_a_claim_pools_is_usable():
    data = evidence_module.load_evidence()
    wanted = [load_claims()[name] for name in ("ocd-combined", "maintenance-relapse")]
    rows, used = ledger(data), uses(wanted, data)
    assert len(used)
    assert set(used["row_id"]) <= set(rows.loc[rows["fate"] == "usable", "row_id"])


def test_trials_count_once_a_cell_and_repeated_ones_not_at_all():
    trials = [trial("t0"), trial("t1", duplicate_of="t0"), trial("t2", design="maintenance")]
    rows = [
        means("t0", 0.5), means("t0", 0.5, row_id="t0-02"), means("t1", 0.5),
        means("t2", 0.5, tier="D"),
    ]  # fmt: skip
    counts = count_trials(ledger(evidence(trials, rows)))
    assert counts.to_dict("records") == [
        {"diagnosis": "mdd", "comparator": "pharmacotherapy", "design": "concurrent",
         "trials": 1, "usable": 1},
        {"diagnosis": "mdd", "comparator": "pharmacotherapy", "design": "maintenance",
         "trials": 1, "usable": 0},
    ]  # fmt: skip


def test_uses_name_the_analysis_and_every_row_it_takes():
    rows = [means("t0", 0.5), means("t0", 0.3, comparator="psychotherapy", row_id="t0-02")]
    found = uses([claim(comparator=("pharmacotherapy",))], evidence([trial("t0")], rows))
    assert found.to_dict("records") == [
        {"row_id": "t0-01", "trial_id": "t0", "claim": "test", "analysis": "a",
         "title": "against medication alone", "role": "decisive"},
    ]  # fmt: skip
    none = uses([claim(comparator=("placebo",))], evidence([trial("t0")], rows))
    assert none.empty
    assert list(none.columns) == list(found.columns)
