"""How sure a verdict is: certainty, other choices, turning points, small trials, literature."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

import combined_care as cc
from combined_care.certainty import DOMAINS, Override
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.reports import adjusted, literature, robustness, small_trials, strength, turning
from combined_care.results import Absent
from combined_care.robustness import Move
from combined_care.tables import robustness as tables
from small_evidence import events, evidence, means, trial

RULES = replace(load_claims()["mdd-combined"].rules, sensitivity=())


def claim_of(kind="superiority", outcome="efficacy", **more):
    analysis = Analysis(
        id="a", title="against medication alone", kind=kind, role="decisive",
        estimand=Estimand(comparator=("pharmacotherapy",), outcome=outcome), **more,
    )  # fmt: skip
    return Claim(
        id="test", set="primary", section="s", text="Both are better.", kind=kind,
        analyses=(analysis,), rules=RULES,
    )  # fmt: skip


@cache
def tables_of(gains, *, response=False):
    trials = [
        trial(f"t{i:02}", label=f"Trial {i:02}", year=2000 + i,
              medication_management=("protocolised", "flexible")[i % 2],
              diagnosis=("mdd", "ocd")[i // 2 % 2])
        for i in range(len(gains))
    ]  # fmt: skip
    if response:
        rows = [events(t["trial_id"], 40 + 20 * g, 30, 80, outcome="response")
                for t, g in zip(trials, gains, strict=True)]  # fmt: skip
    else:
        rows = [means(t["trial_id"], g, n=30 + 15 * i)
                for i, (t, g) in enumerate(zip(trials, gains, strict=True))]  # fmt: skip
    return evidence(trials, rows)


@cache
def judged(*gains, kind="superiority", response=False):
    outcome = "response" if response else "efficacy"
    more = {"moderator": "medication_management"} if kind == "moderator" else {}
    return cc.judge(claim_of(kind, outcome, **more), tables_of(gains, response=response))


MANY = tuple(0.2 + 0.1 * (i % 5) for i in range(12))
ODD = (0.1, 0.8) * 6


def section_places(html):
    return re.findall(r'<h\d id="([^"]+)"', str(html))


# certainty


def test_certainty_begins_with_the_level_and_its_meaning():
    verdict = judged(0.5, 0.6, 0.7)
    html = str(strength.certainty(verdict, tables_of((0.5, 0.6, 0.7))))
    assert html.startswith(f"<p><strong>Certainty of the evidence: {verdict.certainty.level}.")
    assert "This means: " in html
    assert html.index("Summary of findings") < html.index('id="certainty-a"')
    assert all(f'<th scope="row">{name[0].upper()}{name[1:]}</th>' in html for name in DOMAINS)
    assert "<figure>" not in html  # no trial tells how many respond


def test_people_are_drawn_where_they_can_be_counted_and_their_rate_has_a_source():
    gains = (0.5, 0.6, 0.7)
    verdict = judged(*gains, response=True)
    html = str(strength.certainty(verdict, tables_of(gains, response=True)))
    assert html.count("<figure>") == 1
    assert "Of 100 people" in html
    assert "Where the rate with pharmacotherapy comes from: mean of the comparator arms" in html


def test_a_persons_judgement_stands_beside_the_computed_one():
    verdict = judged(0.5, 0.6, 0.7)
    (result,) = verdict.results
    person = Override(claim="test", analysis="a", domain="imprecision", judged=-2,
                      name="A. Person", date="2026-01-02", reason="few events")  # fmt: skip
    changed = replace(result, certainty=replace(result.certainty, overrides=(person,)))
    html = str(strength.certainty(replace(verdict, results=(changed,)), tables_of((0.5, 0.6, 0.7))))
    assert '<th scope="col">A person&#x27;s judgement</th>' in html
    assert "two steps down: few events (A. Person, 2026-01-02)" in html
    assert f"The rules alone give {result.certainty.level}." in html
    assert html.count("<td>as computed</td>") == len(DOMAINS) - 1


def test_what_cannot_be_rated_says_why():
    html = str(strength.certainty(judged(), tables_of(())))
    assert "not rated: no trial with usable numbers" in html
    assert "Not rated: no trial with usable numbers." in html


# other choices


def test_robustness_says_the_share_what_moves_it_and_draws_the_curve():
    verdict = judged(*MANY)
    found = verdict.robustness
    html = str(robustness.robustness(verdict))
    assert html.startswith(f"<p><strong>{100 * found.agree:.0f} % of {found.compared:,}")
    assert ("There are more combinations" in html) == found.is_sample
    assert "The single choice that moves the result most: " in html
    assert html.count("<figure>") == 1
    assert f"{verdict.results[0].robustness.n_estimable:,} analyses, sorted" in html
    moved = re.search(r"<caption>[^<]*what single choices do.*?</table>", html).group()
    assert moved.count("<tr>") - 1 == min(5, len(verdict.results[0].robustness.moves))


def test_moderators_are_shown_by_their_p_values():
    html = str(robustness.robustness(judged(*ODD, kind="moderator")))
    assert "A comparison of levels has no single estimate." in html
    assert "p of the moderator" in html
    assert "Typical change of the result" not in html


def test_without_enough_trials_no_curve_is_drawn():
    html = str(robustness.robustness(judged(0.4)))
    assert "<figure>" not in html
    assert "No specification has enough trials for a curve." in html


def test_a_shift_of_a_ratio_is_a_factor_and_of_a_difference_has_its_sign():
    move = Move(choice="c", option="o", title="t", pairs=3, shift=0.0953, changed=0.0)
    assert tables.shift_words(move, "RR") == "risk ratio times 1.10"
    assert tables.shift_words(move, "SMD") == "g +0.10"
    assert tables.shift_words(replace(move, shift=-0.0953), "SMD") == "g −0.10"
    assert tables.shift_words(replace(move, shift=Absent("why")), "SMD") == "why"


def test_the_page_of_all_claims_sorts_them_by_the_thresholds_of_the_rules():
    verdict = judged(*MANY)
    shares = (0.95, 0.7, 0.2)
    verdicts = [
        replace(verdict, robustness=replace(verdict.robustness, agree=share)) for share in shares
    ]
    assert "agree: 1, 67 % to less than 90 %: 1, less than 67 % agree: 1." in str(
        robustness.summary(verdicts)
    )
    html = str(robustness.stable(verdicts))
    assert section_places(html) == ["agree-0", "agree-1", "agree-2"]
    assert html.count('href="test.html#robustness"') == 3
    rows = str(robustness.all_claims(verdicts))
    assert [f"<td>{100 * share:.0f} %</td>" in rows for share in shares] == [True] * 3
    assert "Leaving out one trial" in str(robustness.choices(verdicts))


def test_a_claim_without_specifications_is_counted_nowhere():
    verdict = replace(judged(0.4), robustness=Absent("none declared"))
    assert "Of 0 claims" in str(robustness.summary([verdict]))
    assert "none declared" in str(robustness.all_claims([verdict]))


# turning points


def test_turning_points_are_sentences_first_and_tables_behind():
    html = str(turning.turning_points(judged(0.1, 0.5, 0.3, 0.6)))
    assert section_places(html) == ["turning-a"]
    assert html.index("<ul>") < html.index("<details>")
    assert "a bias of all trials that changes it" in html


def test_nothing_to_turn_has_no_tables():
    html = str(turning.turning_points(judged(*ODD, kind="moderator")))
    assert "One more trial: " in html
    assert "<table" not in html


# small trials


def test_few_trials_are_not_tested_for_small_study_effects():
    html = str(small_trials.small_trials(judged(0.1, 0.5, 0.3, 0.6)))
    assert "Four trials: with fewer than 10 a test of small-study effects would say little" in html
    assert "Funnel plot" not in html
    assert html.count("<figure>") == 1  # the pooled effect by year


def test_ten_trials_have_a_funnel_and_every_method_and_no_cause_is_named():
    html = str(small_trials.small_trials(judged(*MANY)))
    for words in ("Funnel plot", "by regression", "PET-PEESE", "Trim and fill", "Selection model"):
        assert words in html
    assert "publication bias" not in html.lower()


def test_many_steps_are_a_table():
    html = str(small_trials.small_trials(judged(*MANY, 0.4, 0.3)))
    assert "<caption>Against medication alone: pooled effect by year</caption>" in html


@pytest.mark.parametrize("given", [(), (0.3,)])
def test_one_trial_has_no_history(given):
    assert "as trials were published" not in str(small_trials.small_trials(judged(*given)))


# adjusted, literature


def test_adjusted_differences_stand_beside_the_others():
    (result,) = judged(*ODD, *ODD, kind="moderator").results
    html = str(adjusted.adjusted(result))
    assert "With the diagnosis held constant" in html
    assert "flexible less protocolised (difference)" in html
    assert adjusted.adjusted(judged(0.4).results[0]) == ""


def test_the_published_results_of_a_claim_are_those_that_ask_the_same():
    ours = Estimand(comparator=("psychotherapy",), trials={"diagnosis": ("mdd",)})
    same = replace(ours, outcome="response", measure="RR")
    data = evidence([], [])
    assert literature._alike(same, ours, data)
    for other in (
        replace(same, outcome="dropout"),
        replace(same, comparator=("pharmacotherapy",)),
        replace(same, phase=("followup",)),
        replace(same, trials={"diagnosis": ("mdd", "ocd")}),
    ):
        assert not literature._alike(other, ours, data)


def test_every_published_result_is_compared_or_has_its_reason():
    data = cc.load_evidence()
    found = literature.look_at(data, load_claims())
    assert len(found.comparisons) + len(found.map.unmatched) == len(data.published)
    html = str(literature.comparisons(found))
    measures = {item.measure for item in found.comparisons}
    assert set(section_places(html)) == {f"published-{name.lower()}" for name in measures}
    drawn = {item.measure for item in found.comparisons if item.comparable}
    assert html.count("<figure>") == len(drawn)
    rest = str(literature.not_compared(found))
    assert f"All {len(found.map.unmatched)} of them" in rest
    assert len(html + rest) < 500_000
    assert "can be compared" in str(literature.summary(found))
