"""From a network to a verdict: networks whose truth is known, then each rule at its edge."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from combined_care import decisions
from combined_care.claims import load_claims
from combined_care.network_claims import load_network_claims
from combined_care.network_effect import network_effect
from combined_care.network_verdicts import additivity, judge_network
from combined_care.results import Absent
from networks_of_parts import AROUND, PAIRS, M, P, network
from small_evidence import evidence, means, trial

RULES = replace(next(iter(load_claims().values())).rules, choices=None, criteria=None)
CLAIMS = load_network_claims()
ADDS, MEDICATION, SUM = (
    CLAIMS[f"network-depression-{name}"]
    for name in ("psychotherapy-adds", "medication-adds", "additive")
)


def codes(verdict):
    return [reason.code for reason in verdict.reasons]


def test_parts_that_add_up_are_found_to_do_so():
    found = network()
    for claim, true in ((ADDS, P), (MEDICATION, M), (SUM, 0.0)):
        verdict = judge_network(claim, found, RULES)
        assert verdict.label == "supported"
        assert verdict.effect.estimate == pytest.approx(true, abs=0.02)
        assert codes(verdict) == ["interval", "exploratory"]
        assert len(verdict.trials) == verdict.fitted.k == len(PAIRS) * len(AROUND)
        assert verdict.agree == 1.0


@pytest.mark.parametrize("beyond", [-0.4, 0.4])
def test_more_or_less_than_the_sum_contradicts_it(beyond):
    verdict = judge_network(SUM, network(beyond), RULES)
    assert verdict.label == "contradicted"
    assert verdict.effect.estimate == pytest.approx(beyond, abs=0.02)
    assert verdict.effect.against == "the sum of its parts"


def test_small_trials_leave_the_sum_open():
    assert (
        judge_network(SUM, network(n=12, around=(-0.6, 0.0, 0.6)), RULES).label
        == "not_demonstrated_imprecise"
    )


def test_trials_that_agree_too_closely_bring_the_normal_interval():
    narrow = judge_network(ADDS, network(n=12, around=(-0.01, 0.0, 0.01)), RULES)
    assert narrow.careful.ci_lb < narrow.effect.ci_lb
    assert codes(narrow)[1] == "narrow"
    assert isinstance(judge_network(ADDS, network(around=(-0.3, 0, 0.3)), RULES).careful, Absent)


def test_too_few_direct_trials_or_too_small_a_network_give_no_verdict():
    two = judge_network(ADDS, network(around=(0.0, 0.1)), RULES)
    assert (two.label, two.counted, codes(two)[0]) == ("insufficient", 2, "trials")
    assert "2 trials compare them directly, 3 are needed" in str(two)
    few = judge_network(SUM, network(around=(0.0,)), RULES)
    assert (few.label, few.counted) == ("insufficient", 5)
    assert isinstance(few.agree, Absent)


def test_an_interaction_that_nothing_determines_gives_no_verdict():
    verdict = judge_network(SUM, network(pairs=PAIRS[:2], around=(*AROUND, 0.01, 0.02)), RULES)
    assert verdict.label == "insufficient"
    assert "do not determine" in verdict.effect.reason
    assert verdict.fitted.anchoring == 0


def test_a_question_without_trials_gives_no_verdict():
    verdict = judge_network(CLAIMS["network-ocd-additive"], network(), RULES)
    assert verdict.label == "insufficient"
    assert (verdict.trials, verdict.measure, verdict.fitted.k) == ((), "", 0)
    assert "no trial compares different treatments" in verdict.effect.reason


def test_designs_that_disagree_make_a_supported_claim_fragile():
    loop = (*PAIRS[:2], ("psychotherapy", "pharmacotherapy", 0.8))
    verdict = judge_network(ADDS, network(pairs=loop), RULES)
    assert verdict.inconsistency < ADDS.shared.inconsistency_alpha
    assert verdict.label == "fragile"
    assert codes(verdict) == ["interval", "inconsistency", "exploratory"]


def test_sensitivity_analyses_that_disagree_make_it_fragile():
    """Children do worse with both, so that people of any age show no gain."""
    shared = replace(
        ADDS.shared,
        sensitivity=tuple(s for s in ADDS.shared.sensitivity if s.id in {"any-age", "normal"}),
    )
    found = network(pairs=PAIRS[:1])
    children = [trial(f"c{i}", population="child_adolescent") for i in range(6)]
    rows = [means(t["trial_id"], -1.0, n=300) for t in children]
    both = evidence(
        [*found.trials.to_dict("records"), *children], [*found.outcomes.to_dict("records"), *rows]
    )
    verdict = judge_network(replace(ADDS, shared=shared), both, RULES)
    labels = {item.id: item.label for item in verdict.sensitivities}
    assert labels == {"any-age": "not_demonstrated_informative", "normal": "supported"}
    assert (verdict.agree, verdict.label) == (0.5, "fragile")
    reason = verdict.reasons[1]
    assert (reason.code, reason.values) == ("sensitivities", {"agree": 0.5, "same": 1, "n": 2})


@pytest.mark.parametrize(
    ("estimate", "se", "label"),
    [
        (0.0, 0.10, "supported"),
        (0.12, 0.05, "supported"),  # not zero, and smaller than what matters
        (0.0, 0.15, "not_demonstrated_imprecise"),
        (0.3, 0.10, "contradicted"),
        (-0.3, 0.10, "contradicted"),
    ],
)
def test_additivity_is_judged_by_two_one_sided_tests_first(estimate, se, label):
    inner, outer = (
        network_effect("a + b", "sum", estimate, se**2, df=float("inf"), level=level)
        for level in (0.90, 0.95)
    )
    assert additivity(inner, outer, 0.24) == label


def test_the_record_has_the_shape_of_other_verdicts():
    record = judge_network(MEDICATION, network(), RULES).to_dict()
    assert list(record) == ["id", "set", "text", "verdict", "estimates", "reasons"]
    assert record["set"] == "beyond"
    assert record["verdict"] in decisions.MEANING
    primary, context = record["estimates"]
    assert (primary["role"], primary["k"], primary["k_counted"]) == ("decisive", 15, 3)
    assert (context["role"], context["analysis"]) == ("context", "against-psychotherapy-placebo")
    assert primary["trials"] == sorted(primary["trials"])
    assert {"code", "text"} <= set(record["reasons"][0])
    assert json.loads(json.dumps(record)) == record
