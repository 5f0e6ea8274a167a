"""Summary of Findings: numbers, people and words."""

from __future__ import annotations

import math

import pytest

import combined_care as cc
from combined_care.certainty import DOMAINS, Certainty, Domain
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.errors import InputError
from combined_care.estimands import Estimand
from combined_care.event_rates import experimental_event_rate
from combined_care.findings_summary import comparator_response_rate, summary_of_findings
from combined_care.results import Absent, is_present
from combined_care.summary_rows import FindingsSummary
from small_evidence import OUTCOME, events, evidence, means, trial

RULES = load_claims()["mdd-combined"].rules
LOW = Certainty(
    domains=tuple(
        Domain(
            name=name, downgrade=-2 if name == "imprecision" else 0, rule="", sentence="", values=()
        )
        for name in DOMAINS
    )
)


def analysis(outcome="efficacy", **changes) -> Analysis:
    measure = changes.pop("measure", None)
    asked = Estimand(outcome=outcome, comparator=("pharmacotherapy",), measure=measure)
    base = {"id": "a", "title": "main question", "kind": "superiority", "role": "decisive"}
    return Analysis(**{**base, "estimand": asked, **changes})


def summary(data, *analyses, per=100, certainty=LOW) -> FindingsSummary:
    claim = Claim(id="test", set="primary", section="s", text="t", kind="superiority",
                  analyses=analyses, rules=RULES)  # fmt: skip
    results = cc.judge(claim, data).results
    return summary_of_findings(results, {a.id: certainty for a in analyses}, data, per=per)


def binary(outcome: str, higher_is_better: float, rows) -> object:
    names = [f"t{i}" for i in range(len(rows))]
    return evidence(
        [trial(name) for name in names],
        [
            events(name, e, c, 100, outcome=outcome, higher_is_better=higher_is_better)
            for name, (e, c) in zip(names, rows, strict=True)
        ],
    )


REMITTED = [(55, 40), (50, 38), (60, 41), (52, 42)]


def test_a_wanted_event_is_told_in_people_with_the_mean_rate_of_the_comparator_arms():
    row = summary(binary("remission", 1.0, REMITTED), analysis("remission")).rows[0]
    assert row.absolute.comparator_rate == pytest.approx((0.40 + 0.38 + 0.41 + 0.42) / 4)
    expected = experimental_event_rate(
        "OR", row.estimate, row.absolute.comparator_rate, event="good"
    )
    assert row.absolute.experimental_rate == pytest.approx(float(expected))
    assert row.absolute.benefit > 0
    assert row.needed.side == "benefit"
    assert "reach remission with pharmacotherapy" in row.sentence
    assert row.sentence.endswith("Certainty is low.")
    assert row.rate_basis == "mean of the comparator arms of 4 trials pooled here"


def test_an_unwanted_event_happens_less_often_where_the_effect_favours_combined_treatment():
    relapsed = [(40, 55), (38, 50), (41, 60), (42, 52)]
    row = summary(binary("relapse", 0.0, relapsed), analysis("relapse")).rows[0]
    assert row.measure == "RR"
    assert row.estimate > 1  # turned, so that above 1 favours combined treatment
    assert row.absolute.experimental_rate < row.absolute.comparator_rate
    assert row.absolute.experimental_rate == pytest.approx(
        row.absolute.comparator_rate / row.estimate
    )
    assert row.absolute.rate_ci_lb <= row.absolute.experimental_rate <= row.absolute.rate_ci_ub
    assert row.absolute.benefit > 0


def test_dropout_in_both_directions_mirrors():
    better = summary(binary("dropout", 0.0, [(20, 30)] * 3 + [(21, 30)]), analysis("dropout"))
    worse = summary(binary("dropout", 0.0, [(30, 20)] * 3 + [(30, 21)]), analysis("dropout"))
    assert better.rows[0].absolute.benefit > 0 > worse.rows[0].absolute.benefit
    assert math.log(better.rows[0].estimate) == pytest.approx(-math.log(worse.rows[0].estimate))


GAINS = [0.5, 0.55, 0.42, 0.5]


def severity(with_response: bool = True):
    names = [f"t{i}" for i in range(len(GAINS))]
    rows = [means(name, gain, n=100) for name, gain in zip(names, GAINS, strict=True)]
    if with_response:
        rows += [events(n, 50, 30 + i, 100, row_id=f"{n}-02") for i, n in enumerate(names[:2])]
    return evidence([trial(name) for name in names], [{**OUTCOME, **row} for row in rows])


def test_a_difference_is_told_as_response_at_the_rate_of_the_same_question():
    data = severity()
    rate, basis = comparator_response_rate(analysis(), data)
    assert rate == pytest.approx(0.305)
    assert basis == "mean response with the comparator in 2 trials on the same question"
    row = summary(data, analysis()).rows[0]
    expected = experimental_event_rate("SMD", row.estimate, rate, event="good")
    assert row.absolute.experimental_rate == pytest.approx(float(expected))
    assert row.needed.method == "furukawa-leucht"
    assert row.needed.number == pytest.approx(1 / row.absolute.benefit)
    assert row.absolute_new.interval == "prediction"


def test_without_a_response_rate_nobody_is_counted_and_the_overlap_is_told():
    row = summary(severity(with_response=False), analysis()).rows[0]
    assert isinstance(row.absolute, Absent)
    assert row.rate_basis == row.absolute.reason
    assert row.needed.method == "kraemer-kupfer"
    assert "fare better than the average person" in row.sentence


def test_per_thousand_is_ten_times_per_hundred():
    data = binary("remission", 1.0, REMITTED)
    hundred = summary(data, analysis("remission")).to_frame().loc[0]
    thousand = summary(data, analysis("remission"), per=1000).to_frame().loc[0]
    for name in ("without", "with", "with_lb", "with_ub", "better", "new_with_lb"):
        assert thousand[name] == pytest.approx(10 * hundred[name])
    assert thousand["sentence"].startswith("Of 1000 people")


def test_what_is_missing_stays_absent_with_the_reason():
    (row,) = summary(evidence([], []), analysis("remission")).rows
    assert row.sentence == "No estimate: no trial with usable numbers."
    for name in ("estimate", "absolute", "absolute_new", "needed", "above_mean"):
        assert isinstance(getattr(row, name), Absent)
    frame = summary(evidence([], []), analysis("remission")).to_frame()
    assert isinstance(frame.loc[0, "without"], Absent)
    (hazard,) = summary(binary("relapse", 0.0, REMITTED), analysis("relapse", measure="HR")).rows
    assert "hazard ratio" in hazard.rate_basis


def test_one_trial_has_no_prediction_interval():
    row = summary(binary("remission", 1.0, REMITTED[:1]), analysis("remission")).rows[0]
    assert isinstance(row.absolute_new, Absent)
    assert is_present(row.ci_lb)
    assert "tried anew" not in row.sentence


def test_an_interval_around_no_difference_is_said_to_be_compatible_with_it():
    same = binary("remission", 1.0, [(40, 42), (45, 40), (39, 41)])
    words = "compatible with no difference"
    assert words in summary(same, analysis("remission")).rows[0].sentence
    clear = summary(binary("remission", 1.0, REMITTED), analysis("remission")).rows[0]
    assert words not in clear.sentence


def test_trials_that_agree_by_chance_get_the_cautious_interval_beside():
    rows = [(50, 40)] * 3 + [(51, 40)]
    row = summary(binary("remission", 1.0, rows), analysis("remission")).rows[0]
    assert row.careful.rate_ci_lb < row.absolute.rate_ci_lb
    assert "a more cautious interval" in row.sentence


def test_a_rate_above_all_people_is_absent_and_not_an_error():
    # Relapse is twice as frequent in three trials, and the mean rate is that of all four.
    rows = [(99, 50), (98, 50), (99, 51), (98, 96)]
    row = summary(binary("relapse", 0.0, rows), analysis("relapse")).rows[0]
    assert row.absolute == Absent("the risk ratio would lead to a rate above 100 %")
    assert row.needed == row.absolute


def test_comparisons_of_levels_are_named_and_not_summarised():
    levels = analysis(kind="moderator", moderator="design", title="by design", id="m")
    found = summary(severity(), analysis(), levels)
    assert found.compared == ("by design",)
    assert [row.analysis for row in found.rows] == ["a"]


def test_the_summary_survives_json():
    for data in (severity(), evidence([], [])):
        found = summary(data, analysis())
        assert FindingsSummary.from_json(found.to_json()) == found


def test_a_certainty_that_is_absent_is_told():
    found = summary(severity(), analysis(), certainty=Absent("nobody judged"))
    assert found.rows[0].sentence.endswith("Certainty is not available (nobody judged).")


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="per must be 100 or 1000, got 7"):
        summary(severity(), analysis(), per=7)
    claim = Claim(id="test", set="primary", section="s", text="t", kind="superiority",
                  analyses=(analysis(),), rules=RULES)  # fmt: skip
    results = cc.judge(claim, severity()).results
    with pytest.raises(InputError, match="no certainty is given for: a"):
        summary_of_findings(results, {}, severity())


def test_no_sentence_advises():
    rows = (
        summary(severity(), analysis()).rows
        + summary(binary("remission", 1.0, REMITTED), analysis("remission")).rows
    )
    for row in rows:
        assert not {"should", "recommend", "you", "must"} & set(row.sentence.lower().split())
