"""The label of a claim from the labels of its decisive analyses."""

from __future__ import annotations

from combined_care.claim_labels import claim_label, decisive, group_labels
from combined_care.claims import load_claims

CLAIMS = load_claims()


def labels(name, **given):
    analyses = decisive(CLAIMS[name])
    return {a.id: given.get(a.id.replace("-", "_"), "supported") for a in analyses}


def test_only_decisive_analyses_count():
    assert [a.id for a in decisive(CLAIMS["panic-combined"])] == ["pharmacotherapy"]


def test_a_claim_stands_as_far_as_its_weakest_decisive_analysis():
    claim = CLAIMS["mdd-combined"]
    assert claim_label(claim, labels("mdd-combined")) == "supported"
    weak = labels("mdd-combined", psychotherapy="insufficient")
    assert claim_label(claim, weak) == "insufficient"


def test_a_claim_that_evidence_is_mixed_is_judged_by_its_groups():
    claim = CLAIMS["anxiety-mixed"]
    assert claim_label(claim, labels("anxiety-mixed")) == "contradicted"
    mixed = labels("anxiety-mixed", gad_psychotherapy="insufficient")
    assert claim_label(claim, mixed) == "supported"
    assert group_labels(claim, mixed) == {
        "social anxiety disorder": "supported",
        "generalised anxiety disorder": "insufficient",
        "post-traumatic stress disorder": "supported",
    }
