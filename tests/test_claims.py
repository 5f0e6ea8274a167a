"""The registry of claims."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import combined_care as cc
from combined_care.claims import choose_claims, load_claims
from combined_care.errors import DataError, InputError

FILE = Path(__file__).parents[1] / "data" / "claims.yaml"

PRIMARY = [
    "mdd-combined", "mdd-severe", "depression-chronic", "panic-combined", "ocd-combined",
    "anxiety-mixed", "chronic-mixed", "design-medication", "design-psychotherapy",
    "complex-combined",
]  # fmt: skip
SECONDARY = [
    "varies-by-diagnosis", "varies-by-design", "sequential-addition", "maintenance-relapse",
    "remission", "faster", "dropout", "longterm-relapse", "mild-single", "asymmetric", "youth",
    "other-diagnoses",
]  # fmt: skip


@pytest.fixture(scope="module")
def claims():
    return load_claims(FILE)


def test_every_claim_is_registered_once_in_its_set(claims):
    by_set = {name: [c.id for c in claims.values() if c.set == name] for name in
              ("primary", "secondary", "not_testable")}  # fmt: skip
    assert by_set["primary"] == PRIMARY
    assert by_set["secondary"] == SECONDARY
    assert len(by_set["not_testable"]) >= 3


def test_claims_that_cannot_be_tested_say_why(claims):
    for claim in claims.values():
        assert claim.testable == bool(claim.analyses)
        assert claim.testable != bool(claim.reason)


def test_a_testable_claim_has_a_decisive_analysis_and_unique_ids(claims):
    for claim in claims.values():
        if claim.testable:
            assert any(a.role == "decisive" for a in claim.analyses), claim.id
        ids = [a.id for a in claim.analyses]
        assert len(ids) == len(set(ids)), claim.id


def test_every_estimand_is_known_to_the_data(claims):
    evidence = cc.load_evidence()
    for claim in claims.values():
        for analysis in claim.analyses:
            evidence.select(analysis.estimand)  # raises on an unknown column or value
            if analysis.moderator and analysis.moderator != "comparator":
                assert analysis.moderator in evidence.trials.columns


def test_a_claim_about_medication_alone_is_decided_by_medication_alone(claims):
    for name in ("panic-combined", "ocd-combined"):
        for analysis in claims[name].analyses:
            if analysis.role == "decisive":
                assert analysis.estimand.comparator == ("pharmacotherapy",)


def test_shared_rules_are_those_of_the_protocol(claims):
    rules = claims["mdd-combined"].rules
    assert (rules.method, rules.test, rules.level) == ("REML", "knha", 0.95)
    assert (rules.smallest_effect, rules.min_trials, rules.min_trials_per_level) == (0.24, 3, 3)


def test_choosing_names_the_nearest_claim(claims):
    assert [c.id for c in choose_claims(claims, ["ocd-combined"])] == ["ocd-combined"]
    with pytest.raises(InputError, match=r"'panic-combind' \(did you mean 'panic-combined'\?\)"):
        choose_claims(claims, ["panic-combind"])


def test_all_problems_of_a_registry_are_listed_at_once(tmp_path):
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    document["claims"] = [
        {"id": "a", "set": "primry", "section": "s", "text": "t", "analyses": []},
        {"id": "b", "set": "primary", "section": "s", "text": "t", "colour": 1,
         "analyses": [{"id": "x", "title": "t", "kind": "magic", "select": {"a": ["b"]}}]},
        {"id": "b", "set": "not_testable", "section": "s", "text": "t", "reason": "r"},
        {"set": "primary"},
    ]  # fmt: skip
    file = tmp_path / "claims.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_claims(file)
    message = str(caught.value)
    for part in ("'primry'", "needs analyses", "'colour'", "'magic'", "stands twice", "missing id"):
        assert part in message
