"""From evidence to certainty, on small evidence and on the project's claims."""

from __future__ import annotations

from dataclasses import replace

import pytest

import combined_care as cc
from combined_care.certainty import DOMAINS, Certainty
from combined_care.certainty_assessment import assess
from combined_care.certainty_criteria import load_criteria
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.results import Absent
from small_evidence import evidence, means, trial

CLAIMS = load_claims()
RULES = CLAIMS["mdd-combined"].rules
CRITERIA = load_criteria()


def rated(gains, n=200, moderator="", columns=({},), **changes):
    """Judge a claim on trials with the given gains and rate its one analysis."""
    names = [f"t{i}" for i in range(len(gains))]
    data = evidence(
        [trial(name, **{"low_risk_items": 4.0, **changes, **columns[i % len(columns)]})
         for i, name in enumerate(names)],
        [means(name, gain, n=n) for name, gain in zip(names, gains, strict=True)],
    )  # fmt: skip
    kind = "moderator" if moderator else "superiority"
    asked = Analysis(id="a", title="main", kind=kind, role="decisive", moderator=moderator,
                     estimand=Estimand(comparator=("pharmacotherapy",)))  # fmt: skip
    claim = Claim(id="test", set="primary", section="s", text="t", kind=kind, analyses=(asked,),
                  rules=RULES)  # fmt: skip
    (found,) = cc.judge(claim, data).results
    return assess(found.analysis, found.selection, found.fit, found.moderator,
                  found.smallest_effect, CRITERIA)  # fmt: skip


def test_good_large_consistent_trials_are_high():
    found = rated([0.5, 0.55, 0.45, 0.5])
    assert found.level == "high"
    assert [domain.name for domain in found.domains] == list(DOMAINS)
    assert all(domain.sentence and domain.rule for domain in found.domains)


def test_the_same_trials_without_a_judgement_of_bias_are_moderate():
    found = rated([0.5, 0.55, 0.45, 0.5], low_risk_items=float("nan"))
    assert found.level == "moderate"
    assert found.domain("risk of bias").value("unjudged_share") == 1.0


@pytest.mark.parametrize("k", [1, 2])
def test_one_or_two_trials_are_rated_and_never_high(k):
    found = rated([0.9, 0.85][:k], n=2000)
    assert found.rank > 0
    assert not found.domain("inconsistency").assessed
    assert found.domain("imprecision").downgrade < 0


def test_without_a_trial_there_is_no_certainty():
    assert rated([]) == Absent("no trial with usable numbers")


def test_a_moderator_is_rated_as_a_comparison():
    found = rated([0.5, 0.1] * 5, moderator="design",
                  columns=({"design": "concurrent"}, {"design": "maintenance"}))  # fmt: skip
    assert "comparison of the levels" in found.note
    assert found.domain("indirectness").downgrade == -1
    assert found.domain("imprecision").downgrade == -1
    assert found.domain("imprecision").value("smallest_level") == 5


def test_an_analysis_that_was_not_pooled_keeps_the_reason():
    claim = CLAIMS["mdd-combined"]
    data = cc.load_evidence()
    selection = data.select(claim.analyses[0].estimand)
    reason = Absent("not pooled")
    assert assess(claim.analyses[0], selection, reason, None, 0.24, CRITERIA) == reason


@pytest.fixture(scope="module")
def verdict():
    return cc.judge(CLAIMS["mdd-combined"], cc.load_evidence())


def test_real_analyses_are_rated_with_numbers_that_the_data_give(verdict):
    for result in verdict.results:
        found = assess(result.analysis, result.selection, result.fit, result.moderator,
                       result.smallest_effect, CRITERIA)  # fmt: skip
        assert isinstance(found, Certainty)
        bias = found.domain("risk of bias")
        weights = result.fit.weights / 100
        items = result.effects["low_risk_items"].astype(float)
        assert bias.value("low_share") == pytest.approx(weights[(items >= 3).to_numpy()].sum())
        assert found.domain("imprecision").value("n") == result.n


def test_stricter_criteria_never_raise_the_level(verdict):
    strict = replace(CRITERIA, risk_of_bias=replace(CRITERIA.risk_of_bias, low_items=4, most=0.9))
    for result in verdict.results:
        args = (result.analysis, result.selection, result.fit, result.moderator)
        loose = assess(*args, result.smallest_effect, CRITERIA)
        assert assess(*args, result.smallest_effect, strict).rank >= loose.rank
