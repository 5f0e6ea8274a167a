"""What would change a label: each tipping point does, and a little less does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import combined_care as cc
from combined_care import labels
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.further_trial import LARGEST_G, Design, further_trials
from combined_care.people_needed import people_needed
from combined_care.relabelling import LabelRule
from combined_care.removals import MOST, removals
from combined_care.results import Absent
from combined_care.synthesis import synthesize
from combined_care.tipping import shared_bias, tipping_points
from small_evidence import events, evidence, means, trial

#: Labels by the interval or test alone: no multiverse, no certainty.
RULES = replace(load_claims()["mdd-combined"].rules, choices=None, criteria=None)
SUPPORTED = [0.4, 0.5, 0.45, 0.4, 0.5]
FRAGILE = [0.1, 0.5, 0.3, 0.15, 0.45]
IMPRECISE = [0.6, -0.1, 0.3, 0.0, 0.4]


def judged(gains, n=60, kind="superiority", **changes):
    """Judge one analysis of trials with these gains; return its result."""
    names = [f"t{i}" for i in range(len(gains))]
    found = evidence(
        [trial(name) for name in names],
        [means(name, gain, n=n) for name, gain in zip(names, gains, strict=True)],
    )
    return result_of(found, kind, **changes)


def result_of(found, kind="superiority", **changes):
    estimand = changes.pop("estimand", Estimand(comparator=("pharmacotherapy",)))
    analysis = Analysis(
        id="a", title="main", kind=kind, role="decisive", estimand=estimand, **changes
    )
    claim = Claim(
        id="test", set="primary", section="s", text="t", kind=kind, analyses=(analysis,),
        rules=RULES,
    )  # fmt: skip
    return cc.judge(claim, found).results[0]


def label_with(result, yi, vi):
    fit = synthesize(yi, vi, RULES.method, RULES.test, RULES.level)
    return labels.interval_label(result.analysis, fit, RULES, result.smallest_effect)


def with_trial(result, effect, n):
    variance = Design.of(result).variance(effect, n)
    return label_with(result, [*result.fit.yi, effect], [*result.fit.vi, variance])


def ratios(outcome, good=((30, 18), (28, 20), (35, 22), (26, 19)), n=60):
    names = [f"t{i}" for i in range(len(good))]
    return evidence(
        [trial(name) for name in names],
        [
            events(name, e, c, n, outcome=outcome, higher_is_better=float(outcome != "relapse"))
            for name, (e, c) in zip(names, good, strict=True)
        ],
    )


# ---- the rule, many at once ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["superiority", "meaningful", "equivalence"])
@pytest.mark.parametrize("gains", [SUPPORTED, FRAGILE, IMPRECISE, [0.02, -0.03, 0.0, 0.01]])
def test_many_variants_are_labelled_as_the_verdict_labels_one(kind, gains):
    result = judged(gains, n=300, kind=kind)
    rule = LabelRule.of(result, RULES)
    yi, vi = result.fit.yi, result.fit.vi
    masks = ~np.eye(len(gains), dtype=bool)
    alone = [label_with(result, yi[mask], vi[mask]) for mask in masks]
    assert rule.many(yi, vi, masks).labels == alone


# ---- removal ------------------------------------------------------------------------------------


def test_each_single_trial_that_carries_the_label_is_named():
    result = judged(FRAGILE)
    found = removals(result, RULES)
    assert found.before == "supported"
    assert not found.greedy
    assert found.found
    for removal in found.found:
        keep = ~result.effects["trial_id"].isin(removal.trial_ids).to_numpy()
        assert label_with(result, result.fit.yi[keep], result.fit.vi[keep]) == removal.label
        assert removal.label != "supported"
        assert removal.names[0] in str(found)


def test_where_no_single_trial_does_the_smallest_set_is_searched_and_said_to_be_greedy():
    result = judged([0.1, 0.6, 0.1, 0.65, 0.1, 0.6, 0.15, 0.1], n=60)
    assert result.label == "supported"
    found = removals(result, RULES)
    assert found.greedy
    (removal,) = found.found
    assert 1 < len(removal.trial_ids) <= found.most
    assert "greedily" in str(found)
    keep = ~result.effects["trial_id"].isin(removal.trial_ids).to_numpy()
    assert label_with(result, result.fit.yi[keep], result.fit.vi[keep]) == removal.label
    assert removal.k == keep.sum()
    keep[result.effects["trial_id"] == removal.trial_ids[-1]] = True
    assert label_with(result, result.fit.yi[keep], result.fit.vi[keep]) == "supported"


def test_a_label_that_no_removal_changes_says_how_far_it_was_tried():
    found = removals(judged([0.5, 0.52, 0.48] * 7, n=400), RULES)
    assert found.found == ()
    assert found.most == MOST
    assert f"up to {MOST} trials" in str(found)


def test_a_moderator_is_tested_without_each_trial():
    names = [f"t{i}" for i in range(8)]
    gains = [0.05, 0.1, 0.0, 0.1, 0.6, 0.3, 0.25, 0.3]
    found = evidence(
        [trial(n, psychotherapy_class="cbt" if n < "t4" else "ipt") for n in names],
        [means(name, gain, n=90) for name, gain in zip(names, gains, strict=True)],
    )  # fmt: skip
    result = result_of(found, "moderator", moderator="psychotherapy_class")
    assert result.label == "supported"
    tipping = tipping_points(result, RULES)
    removed = {removal.trial_ids for removal in tipping.removals.found}
    for name in names:
        rest = cc.Evidence(
            trials=found.trials, outcomes=found.outcomes[found.outcomes["trial_id"] != name],
            published=found.published, rule=found.rule, release="test",
        )  # fmt: skip
        label = result_of(rest, "moderator", moderator="psychotherapy_class").label
        assert ((name,) in removed) == (label != "supported"), name
    for part in (tipping.further, tipping.bias, tipping.people):
        assert isinstance(part, Absent)


# ---- one more trial -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gains", "kind", "n"),
    [
        (SUPPORTED, "superiority", 60),
        ([0.3, 0.1, 0.2, 0.0, 0.25], "superiority", 40),
        ([0.3, 0.35, 0.32, 0.33], "meaningful", 120),
        ([0.1, 0.05, 0.12, 0.08], "equivalence", 100),
    ],
)
def test_the_tipping_trial_changes_the_label_and_a_slightly_smaller_one_does_not(gains, kind, n):
    result = judged(gains, n=n, kind=kind)
    found = further_trials(result, RULES)
    assert found.found
    for tip in found.found:
        for end, outwards in ((tip.low, -1e-6), (tip.high, 1e-6)):
            if isinstance(end, Absent):
                continue
            assert with_trial(result, end, tip.n_per_arm) == tip.label
            assert with_trial(result, end + outwards, tip.n_per_arm) != tip.label
        middle = np.mean([
            found.lowest if isinstance(tip.low, Absent) else tip.low,
            found.highest if isinstance(tip.high, Absent) else tip.high,
        ])  # fmt: skip
        assert with_trial(result, middle, tip.n_per_arm) == tip.label != found.before


def test_between_the_tipping_trials_nothing_changes():
    result = judged(SUPPORTED)
    found = further_trials(result, RULES, sizes=(100,))
    for effect in np.linspace(found.lowest, found.highest, 31):
        inside = [
            tip for tip in found.found
            if (isinstance(tip.low, Absent) or tip.low <= effect)
            and (isinstance(tip.high, Absent) or effect <= tip.high)
        ]  # fmt: skip
        expected = inside[0].label if inside else found.before
        assert with_trial(result, effect, 100) == expected


def test_larger_trials_need_less_contrary_findings():
    found = further_trials(judged(SUPPORTED), RULES, sizes=(50, 200, 1000))
    harmful = [tip.high for tip in found.found if isinstance(tip.low, Absent)]
    assert harmful == sorted(harmful)


def test_where_no_plausible_trial_changes_the_label_the_range_is_said():
    found = further_trials(judged([0.5, 0.52, 0.48] * 7, n=400), RULES)
    assert found.found == ()
    assert "no effect of plausible size (g −1.50 to 1.50)" in str(found)


def test_a_ratio_takes_its_precision_from_the_comparators_event_rate():
    asked = Estimand(comparator=("pharmacotherapy",), outcome="remission")
    result = result_of(ratios("remission"), estimand=asked)
    design = Design.of(result)
    assert design.rate == pytest.approx(np.mean([18, 20, 22, 19]) / 60)
    rate_e = design.rate * 2 / (1 - design.rate + design.rate * 2)  # odds ratio 2
    expected = cc.effect_size("OR", 100 * rate_e, 100, 100 * design.rate, 100)
    assert expected.yi == pytest.approx(np.log(2))
    assert design.variance(np.log(2), 100) == pytest.approx(float(expected.vi))
    assert design.from_g(RULES.smallest_effect) == pytest.approx(result.smallest_effect)


def test_a_bad_event_is_turned_before_its_precision_is_computed():
    asked = Estimand(comparator=("pharmacotherapy",), outcome="relapse", phase=())
    few = ((18, 30), (20, 28), (22, 35), (19, 26))
    result = result_of(ratios("relapse", few), estimand=asked)
    design = Design.of(result)
    expected = cc.effect_size("RR", 100 * design.rate / 2, 100, 100 * design.rate, 100)
    assert design.variance(np.log(2), 100) == pytest.approx(float(expected.vi))
    assert design.from_g(RULES.smallest_effect) == pytest.approx(result.smallest_effect)
    assert np.isfinite(design.variance(design.from_g(-LARGEST_G), 100))
    assert "risk ratio" in str(further_trials(result, RULES))


@pytest.mark.parametrize(("outcome", "measure"), [("relapse", "HR"), ("other", "OR")])
def test_an_unknown_precision_is_said_with_its_reason(outcome, measure):
    result = result_of(ratios("remission"), estimand=Estimand(outcome="remission"))
    asked = replace(result.analysis.estimand, outcome=outcome, measure=measure)
    result = replace(result, analysis=replace(result.analysis, estimand=asked))
    assert isinstance(Design.of(result), Absent)
    assert isinstance(further_trials(result, RULES), Absent)


# ---- a shared bias ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["superiority", "meaningful", "equivalence"])
@pytest.mark.parametrize("gains", [SUPPORTED, IMPRECISE, [0.02, -0.03, 0.0, 0.01]])
def test_the_shared_bias_flips_the_label_and_a_little_less_does_not(kind, gains):
    result = judged(gains, n=300, kind=kind)
    yi, vi = result.fit.yi, result.fit.vi
    tips = shared_bias(result, RULES)
    assert [tip.overestimated for tip in tips] == [True, False]
    for tip in tips:
        sign = -1 if tip.overestimated else 1
        if isinstance(tip.shift, Absent):
            shifts = np.linspace(0.01, 3, 40)
            assert {label_with(result, yi + sign * s, vi) for s in shifts} == {tip.before}
            continue
        assert label_with(result, yi + sign * tip.shift * (1 + 1e-5), vi) == tip.label
        assert label_with(result, yi + sign * tip.shift * (1 - 1e-5), vi) == tip.before
        assert tip.relative == pytest.approx(tip.shift / RULES.smallest_effect)


def test_a_supported_claim_tips_where_its_interval_reaches_zero():
    result = judged(SUPPORTED)
    over, under = shared_bias(result, RULES)
    assert over.shift == pytest.approx(result.fit.ci_lb)
    assert isinstance(under.shift, Absent)
    assert "times the smallest effect of interest" in str(over)


# ---- people -------------------------------------------------------------------------------------


def test_a_new_trial_of_the_computed_size_has_the_stated_power():
    for needed in people_needed(judged(IMPRECISE, n=20), RULES):
        power = []
        for people in (needed.new_trial, needed.new_trial - 2):
            error = np.sqrt(4 / people)  # of a standardised mean difference, all but its own part
            power.append(stats.norm.cdf(needed.effect / error - stats.norm.ppf(0.975)))
        assert power[0] >= needed.power > power[1]


def test_heterogeneity_multiplies_the_people_needed():
    result = judged(IMPRECISE, n=200)
    fit = result.fit
    needed = people_needed(result, RULES)[0]
    ratio = (1 / np.sum(1 / (fit.vi + fit.tau2))) / (1 / np.sum(1 / fit.vi))
    assert ratio > 1.5
    assert needed.total == pytest.approx(needed.new_trial * ratio, abs=2 * ratio + 2)
    assert needed.existing == 2000
    assert "leaves the question open" in str(needed) or needed.total > 2000


def test_equivalence_needs_both_one_sided_tests_to_succeed():
    result = judged(IMPRECISE, n=20, kind="equivalence")
    needed = people_needed(result, RULES)[0]
    error = np.sqrt(Design.of(result).variance(0.0, needed.new_trial / 2))
    bound = RULES.smallest_effect / error - stats.norm.ppf(0.95)
    assert 2 * stats.norm.cdf(bound) - 1 >= needed.power
    assert "show equivalence" in str(needed)


def test_one_trial_tells_nothing_of_heterogeneity_and_that_is_said():
    needed = people_needed(judged([0.4]), RULES)[0]
    assert isinstance(needed.total, Absent)
    assert "heterogeneity cannot be estimated from 1 trial" in str(needed)
    assert "People so far: 120" in str(needed)


def test_people_are_asked_for_only_where_they_are_missing():
    assert isinstance(people_needed(judged(SUPPORTED), RULES), Absent)
    assert isinstance(people_needed(judged(IMPRECISE, kind="meaningful"), RULES), Absent)


# ---- together -----------------------------------------------------------------------------------


def test_thin_evidence_has_reasons_in_place_of_tipping_points():
    for gains in ([], [0.4], [0.4, 0.5]):
        found = tipping_points(judged(gains), RULES)
        for part in (found.removals, found.further, found.bias):
            assert isinstance(part, Absent)
        assert len(found.people) == 2
        assert "trial" in str(found)


@pytest.mark.parametrize("gains", [[], SUPPORTED, FRAGILE, IMPRECISE])
def test_tipping_points_survive_json_and_speak_in_sentences(gains):
    found = tipping_points(judged(gains), RULES)
    assert type(found).from_json(found.to_json()) == found
    assert all(sentence.endswith(".") for sentence in found.sentences)
    assert "nan" not in str(found)
    assert "$" not in str(found)
