"""From evidence to verdict, on evidence made so that the answer is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import combined_care as cc
from combined_care import labels
from combined_care.certainty import DOMAINS, Override
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.results import Absent
from combined_care.synthesis import Synthesis
from once import once, shared
from small_evidence import events, evidence, means, trial

ALL_RULES = load_claims()["mdd-combined"].rules
#: By the interval or test alone; what agreement and certainty add has tests of its own.
RULES = replace(ALL_RULES, choices=None, criteria=None)


def claim(kind="superiority", analyses=None, **changes) -> Claim:
    given_ = Claim(
        id="test", set="primary", section="s", text="t", kind=kind,
        analyses=analyses or (analysis(kind),), rules=RULES,
    )  # fmt: skip
    return replace(given_, **changes)


def analysis(kind="superiority", **changes) -> Analysis:
    estimand = changes.pop("estimand", Estimand(comparator=("pharmacotherapy",)))
    base = Analysis(id="a", title="main", kind=kind, role="decisive", estimand=estimand)
    return replace(base, **changes)


def trials_with(gains, n=60, **changes):
    names = [f"t{i}" for i in range(len(gains))]
    return evidence(
        [trial(name, **changes) for name in names],
        [means(name, gain, n=n) for name, gain in zip(names, gains, strict=True)],
    )


def label_of(gains, kind="superiority", n=60):
    return cc.judge(claim(kind), trials_with(gains, n)).label


@pytest.mark.parametrize(
    ("gains", "n", "label"),
    [
        ([0.5, 0.55, 0.45, 0.5, 0.6], 60, "supported"),
        ([-0.5, -0.55, -0.45, -0.5, -0.6], 60, "contradicted"),
        ([0.02, -0.03, 0.01, 0.0, 0.02], 400, "not_demonstrated_informative"),
        ([0.6, -0.5, 0.3, -0.2, 0.4], 20, "not_demonstrated_imprecise"),
        ([0.5, 0.6], 60, "insufficient"),
    ],
)
def test_superiority_labels(gains, n, label):
    assert label_of(gains, n=n) == label


def test_no_trial_at_all_is_insufficient_with_its_reason():
    verdict = cc.judge(claim(), trials_with([]))
    assert verdict.label == "insufficient"
    assert "no trial with usable numbers" in str(verdict)
    assert isinstance(verdict.fit, Absent)


def test_a_verdict_that_one_trial_carries_is_fragile():
    assert label_of([0.1, 0.5, 0.3, 0.15, 0.45]) == "fragile"
    assert label_of([0.4, 0.5, 0.45, 0.4, 0.5]) == "supported"


def test_a_meaningful_gain_must_exceed_the_smallest_effect_of_interest():
    small = [0.15, 0.16, 0.14, 0.15, 0.15]
    assert label_of(small, n=2000) == "supported"
    assert label_of(small, kind="meaningful", n=2000) == "not_demonstrated_informative"
    assert label_of([0.5, 0.55, 0.45, 0.5], kind="meaningful", n=500) == "supported"


def test_equivalence_needs_both_one_sided_tests():
    assert label_of([0.01, -0.02, 0.0, 0.02], kind="equivalence", n=500) == "supported"
    wide = label_of([0.3, -0.3, 0.25, -0.25], kind="equivalence", n=30)
    assert wide == "not_demonstrated_imprecise"
    assert label_of([0.6, 0.62, 0.58, 0.6], kind="equivalence", n=500) == "contradicted"


def test_a_claim_stands_as_far_as_its_weakest_decisive_analysis():
    good = analysis()
    thin = analysis(id="b", estimand=Estimand(comparator=("psychotherapy",)))
    found = trials_with([0.5, 0.55, 0.45, 0.5, 0.6])
    extra = found.outcomes.iloc[[0]].assign(row_id="t0-02", comparator="psychotherapy")
    found = replace_outcomes(found, extra)
    assert cc.judge(claim(analyses=(good, thin)), found).label == "insufficient"
    shown_only = replace(thin, role="context")
    assert cc.judge(claim(analyses=(good, shown_only)), found).label == "supported"


def replace_outcomes(found, extra):
    import pandas as pd

    return cc.Evidence(
        trials=found.trials,
        outcomes=pd.concat([found.outcomes, extra], ignore_index=True),
        published=found.published,
        rule=found.rule,
        release=found.release,
    )


def test_a_claim_is_never_answered_with_another_comparator():
    found = trials_with([0.5, 0.55, 0.45, 0.5, 0.6])
    other = cc.Evidence(
        trials=found.trials,
        outcomes=found.outcomes.assign(comparator="psychotherapy_plus_placebo"),
        published=found.published,
        rule=found.rule,
        release="test",
    )
    extra = other.outcomes.iloc[[0]].assign(row_id="x", comparator="pharmacotherapy")
    assert cc.judge(claim(), replace_outcomes(other, extra)).label == "insufficient"


def moderated(low, high, n=100, spread=0.02):
    names = [f"t{i}" for i in range(8)]
    gains = [level + spread * step for level in (low, high) for step in (0, 1, -1, 0)]
    kinds = ["cbt"] * 4 + ["ipt"] * 4
    found = evidence(
        [trial(name, psychotherapy_class=k) for name, k in zip(names, kinds, strict=True)],
        [means(name, gain, n=n) for name, gain in zip(names, gains, strict=True)],
    )
    by_class = analysis("moderator", moderator="psychotherapy_class")
    return cc.judge(claim("moderator", (by_class,)), found)


def test_a_moderator_claim_rests_on_the_omnibus_test():
    assert moderated(0.1, 0.8).label == "supported"
    assert moderated(0.4, 0.4, spread=0.4).label == "not_demonstrated_imprecise"
    assert moderated(0.4, 0.4, n=2000).label == "not_demonstrated_informative"


def test_a_moderator_needs_two_levels_of_three_trials():
    found = trials_with([0.5, 0.5, 0.5, 0.5])
    by_class = analysis("moderator", moderator="psychotherapy_class")
    verdict = cc.judge(claim("moderator", (by_class,)), found)
    assert verdict.label == "insufficient"
    assert "fewer than 2 levels" in str(verdict)


def test_trials_with_several_comparators_are_compared_robustly_and_never_pooled():
    gains = [0.40, 0.45, 0.35, 0.50, 0.42]
    rows = [means(f"t{i}", gain) for i, gain in enumerate(gains)]
    more = [
        means(f"t{i}", gain - 0.3 - 0.03 * i, row_id=f"t{i}-02", comparator="psychotherapy")
        for i, gain in enumerate(gains)
    ]
    found = evidence([trial(f"t{i}") for i in range(5)], rows + more)
    by_comparator = analysis("moderator", moderator="comparator", estimand=Estimand())
    result = cc.judge(claim("moderator", (by_comparator,)), found).results[0]
    assert (result.k, result.n) == (5, 5 * (40 + 40 + 40))
    assert isinstance(result.fit, Absent)
    assert "more than once" in result.fit.reason
    fit = result.moderator.fit
    assert (fit.test, fit.trials, fit.k) == ("CR2", 5, 10)
    assert result.label == "supported"
    assert fit.difference("pharmacotherapy", "psychotherapy").estimate > 0.3


def test_a_moderator_is_shown_with_the_diagnosis_held_constant():
    moderator = moderated(0.1, 0.8).results[0].moderator
    assert "one diagnosis" in moderator.adjusted.reason
    kinds = ["cbt", "ipt"] * 8
    found = evidence(
        [
            trial(f"t{i}", psychotherapy_class=kind, diagnosis="mdd" if i < 8 else "ocd")
            for i, kind in enumerate(kinds)
        ],
        [means(f"t{i}", 0.2 + 0.1 * (i >= 8) + 0.03 * (i % 5)) for i in range(16)],
    )
    by_class = analysis("moderator", moderator="psychotherapy_class")
    verdict = cc.judge(claim("moderator", (by_class,)), found)
    adjusted = verdict.results[0].moderator.adjusted
    assert (adjusted.adjusted_for, adjusted.k) == ("diagnosis", 16)
    assert "adjusted_pval" in verdict.to_dict()["estimates"][0]


def test_ratios_are_written_as_ratios_for_readers():
    rows = [events(f"t{i}", 20 + i, 10, 40, outcome="remission") for i in range(4)]
    found = evidence([trial(f"t{i}") for i in range(4)], rows)
    asked = Estimand(outcome="remission", comparator=("pharmacotherapy",))
    result = cc.judge(claim(analyses=(analysis(estimand=asked),)), found).results[0]
    shown = f"odds ratio {np.exp(result.fit.estimate):.2f}"
    assert shown in str(result.reasons[0])
    interval = next(c for c in result.checks if "excludes no effect" in c.name)
    assert f"{np.exp(result.fit.ci_lb):.2f}" in interval.detail


def test_confounding_with_diagnosis_is_shown_beside_a_moderator():
    table = moderated(0.1, 0.8).results[0].moderator.confounding
    assert table.loc["cbt", "mdd"] == 4


def test_mixed_evidence_is_judged_by_disorder():
    gains = [0.5, 0.55, 0.45, 0.5, 0.6]
    strong = [trial(f"t{i}", diagnosis="sad") for i in range(5)]
    thin = [trial("g", diagnosis="gad")]
    found = evidence(
        strong + thin, [means(f"t{i}", g) for i, g in enumerate(gains)] + [means("g", 0.5)]
    )
    parts = tuple(
        analysis(id=name, group=name, estimand=Estimand(trials={"diagnosis": (name,)}))
        for name in ("sad", "gad")
    )
    assert cc.judge(claim("uncertainty", parts), found).label == "supported"
    assert cc.judge(claim("uncertainty", parts[:1]), found).label == "contradicted"


def test_a_claim_that_cannot_be_tested_says_why():
    untestable = claim(set="not_testable", analyses=(), reason="no such trial")
    verdict = cc.judge(replace(untestable, analyses=()), trials_with([0.5]))
    assert verdict.label == "not_testable"
    assert "no such trial" in str(verdict)


@settings(max_examples=15)
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=7), st.integers(20, 200))
def test_turning_every_effect_turns_supported_into_contradicted(gains, n):
    positive, negative = label_of(gains, n=n), label_of([-g for g in gains], n=n)
    assert (positive in ("supported", "fragile")) == (negative == "contradicted")


def test_changing_one_trial_changes_only_what_depends_on_it():
    found = evidence(
        [trial(f"t{i}", diagnosis="mdd" if i < 4 else "panic") for i in range(8)],
        [means(f"t{i}", 0.3 + 0.05 * i) for i in range(8)],
    )
    parts = tuple(
        analysis(id=name, estimand=Estimand(trials={"diagnosis": (name,)}))
        for name in ("mdd", "panic")
    )
    before = cc.judge(claim(analyses=parts), found).to_dict()["estimates"]
    found.outcomes.loc[0, "mean_e"] -= 0.4
    changed = cc.Evidence(found.trials, found.outcomes.copy(), found.published, found.rule, "test")
    after = cc.judge(claim(analyses=parts), changed).to_dict()["estimates"]
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_an_interval_that_is_too_narrow_is_said_to_be_so():
    """Three trials that agree by chance: Knapp-Hartung collapses, the conservative one does not."""
    result = cc.judge(claim(), trials_with([0.3, 0.31, 0.29], n=40)).results[0]
    check = next(c for c in result.checks if "conservative" in c.name)
    assert result.label == "supported"
    assert check.passed is False
    assert "narrower than the normal one" in check.detail


def test_pymare_gives_a_second_opinion_on_every_fit():
    result = cc.judge(claim(), trials_with([0.1, 0.5, 0.3, 0.15, 0.45])).results[0]
    assert result.second_opinion.agrees


def test_sensitivity_results_stand_beside_the_primary_one():
    found = evidence(
        [trial(f"t{i}") for i in range(4)],
        [means(f"t{i}", 0.5) for i in range(3)]
        + [means("t3", 3.5, flags="extreme effect: check SD")],
    )
    result = cc.judge(claim(), found).results[0]
    by_id = {s.id: s for s in result.sensitivities}
    assert result.k == 3
    assert by_id["doubtful-in"].k == 4
    assert isinstance(by_id["doubtful-in"].fit, Synthesis)
    assert set(by_id) == {s.id for s in RULES.sensitivity if not s.columns}


def test_derived_severity_is_a_choice_with_a_result_without_it():
    found = evidence(
        [trial(f"t{i}", severity_at_entry="severe", severity="severe") for i in range(3)]
        + [trial("t3", severity_at_entry="severe")],
        [means(f"t{i}", 0.5) for i in range(4)],
    )
    severe = Estimand(trials={"severity_at_entry": ("severe",)})
    result = cc.judge(claim(analyses=(analysis(estimand=severe),)), found).results[0]
    coded = next(s for s in result.sensitivities if s.id == "coded-severity")
    assert (result.k, coded.k) == (4, 3)


def test_the_smallest_effect_follows_the_measure():
    found = evidence([trial("a")], [events("a", 4, 8, 20, outcome="relapse", higher_is_better=0.0)])
    effects = found.effects(outcome="relapse")
    odds = np.exp(-0.24 * np.pi / np.sqrt(3))
    risk = odds / (1 - 0.4 + 0.4 * odds)
    assert labels.smallest_effect_on("SMD", effects, RULES) == 0.24
    assert labels.smallest_effect_on("OR", effects, RULES) == pytest.approx(-np.log(odds))
    assert labels.smallest_effect_on("RR", effects, RULES) == pytest.approx(-np.log(risk))
    assert isinstance(labels.smallest_effect_on("HR", effects, RULES), Absent)


def test_a_verdict_is_plain_json_with_reasons_and_the_same_every_time():
    found = trials_with([0.5, 0.55, 0.45, 0.5, 0.6])
    first, second = (json.dumps(cc.judge(claim(), found).to_dict()) for _ in range(2))
    assert first == second
    document = json.loads(first)
    assert document["verdict"] == "supported"
    assert document["reasons"][0]["code"] == "interval"
    assert "certainty" not in document


def test_a_verdict_lists_the_checks_of_its_decisive_analyses():
    verdict = cc.judge(claim(), trials_with([0.5, 0.55, 0.45, 0.5, 0.6]))
    assert verdict.checks == verdict.results[0].checks
    assert [c.passed for c in verdict.checks[:2]] == [True, True]
    assert [c.passed for c in verdict.checks[-2:]] == [None, None]
    assert "multiverse.yaml" in verdict.checks[-2].detail


def test_without_declared_choices_and_criteria_their_absence_is_said():
    verdict = cc.judge(claim(), trials_with([0.5, 0.5, 0.5]))
    assert "no multiverse.yaml" in str(verdict.robustness)
    assert "no certainty.yaml" in str(verdict.certainty)


STRONG = [0.5, 0.55, 0.45, 0.5, 0.6, 0.52]


def graded(gains, n=150, rules=ALL_RULES, **changes):
    return cc.judge(claim(rules=rules), trials_with(gains, n, low_risk_items=4, **changes))


def test_strong_support_needs_agreement_prediction_and_certainty():
    verdict = graded(STRONG)
    assert verdict.label == "supported_strongly"
    assert verdict.certainty.level in ("high", "moderate")
    assert verdict.robustness.agree >= 0.9
    assert [check.passed for check in verdict.checks[-2:]] == [True, True]
    unsure = cc.judge(claim(rules=ALL_RULES), trials_with(STRONG, 150))
    strict = replace(ALL_RULES, certain_enough="high")
    assert unsure.certainty.level != "high"
    assert cc.judge(claim(rules=strict), trials_with(STRONG, 150)).label == "supported"


def test_too_little_agreement_makes_a_supported_claim_fragile():
    plain = graded(STRONG, rules=replace(ALL_RULES, choices=None))
    assert plain.label == "supported"
    strict = replace(ALL_RULES, agree_fragile=1.1)
    assert graded(STRONG, rules=strict).label == "fragile"


def test_turning_one_large_trial_flips_a_fragile_verdict():
    gains = [0.12, 0.5, 0.3, 0.15, 0.45]
    assert graded(gains, n=60).label == "fragile"
    assert graded([*gains[:1], -0.5, *gains[2:]], n=60).label == "not_demonstrated_imprecise"


def test_a_verdict_of_a_person_stands_beside_the_computed_one():
    judged = Override(
        claim="test", analysis="a", domain="risk of bias", judged=-2, name="A. Reader",
        date="2026-11-28", reason="assessors knew the arms",
    )  # fmt: skip
    found = trials_with(STRONG, 150, low_risk_items=4)
    verdict = cc.judge(claim(rules=ALL_RULES, overrides=(judged,)), found)
    assert verdict.certainty.computed_level != verdict.certainty.level
    record = verdict.to_dict()["estimates"][0]["certainty"]
    assert record["overrides"][0]["name"] == "A. Reader"


def by_class_with(gains):
    kinds = ["cbt"] * 4 + ["ipt"] * 4
    found = evidence(
        [trial(f"t{i}", psychotherapy_class=kind) for i, kind in enumerate(kinds)],
        [means(f"t{i}", gain, n=100) for i, gain in enumerate(gains)],
    )
    by_class = analysis("moderator", moderator="psychotherapy_class")
    rules = replace(ALL_RULES, agree_fragile=0.0)
    return cc.judge(claim("moderator", (by_class,), rules=rules), found)


def test_a_moderator_claim_that_one_trial_carries_is_fragile():
    carried = by_class_with([0.1, 0.2, 0.15, 0.3, 0.35, 0.3, 0.7, 0.4])
    removal = next(c for c in carried.checks if "removal" in c.name)
    assert carried.label == "fragile"
    assert removal.passed is False
    assert "T7" in removal.detail
    firm = by_class_with([0.1, 0.3, 0.2, 0.25, 0.5, 0.35, 0.6, 0.4])
    assert firm.label == "supported"


def test_machine_readable_verdicts_carry_certainty_and_agreement():
    document = graded(STRONG).to_dict()
    assert document["certainty"] in ("high", "moderate")
    assert set(document["multiverse"]) == {"agree", "n", "n_estimable", "labels"}
    assert set(document["estimates"][0]["certainty"]["domains"]) == set(DOMAINS)


def test_a_verdict_shows_as_an_accessible_table():
    html = cc.judge(claim(), trials_with([0.5, 0.5, 0.5]))._repr_html_()
    assert "<caption>" in html
    assert 'scope="col"' in html


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Every claim judged on the real evidence, once in a test run."""
    return once(shared(tmp_path_factory.getbasetemp()) / "verdicts", judge_all)


def judge_all(folder):
    found = cc.load_evidence()
    return {name: cc.judge(c, found) for name, c in cc.load_claims().items()}


def test_all_claims_run_end_to_end_on_the_real_evidence(verdicts):
    for verdict in verdicts.values():
        assert str(verdict)
        json.dumps(verdict.to_dict(), allow_nan=False)


def test_a_cell_with_fewer_than_three_trials_never_gets_a_positive_label(verdicts):
    for verdict in verdicts.values():
        for result in verdict.results:
            if result.analysis.kind != "moderator" and result.k < 3:
                assert result.label == "insufficient", (verdict.claim.id, result.analysis.id)


def test_thin_evidence_is_said_to_be_thin(verdicts):
    """Panic disorder against medication alone has hardly any usable numbers."""
    assert verdicts["panic-combined"].label == "insufficient"
    assert not verdicts["panic-combined"].decisive[0].not_pooled.empty
