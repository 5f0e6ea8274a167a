"""Loading the evidence, and selecting the effects that answer a question."""

from __future__ import annotations

import numpy as np
import pytest

import combined_care as cc
from combined_care.errors import InputError
from combined_care.estimands import Estimand
from small_evidence import events, evidence, means, trial


@pytest.fixture(scope="module")
def real() -> cc.Evidence:
    return cc.load_evidence()


def test_the_project_loads_its_own_data(real):
    assert len(real.trials) > 400
    assert real.outcomes["trial_id"].isin(real.trials["trial_id"]).all()
    assert real.release in str(real)


def test_one_row_a_trial_and_comparator_with_positive_variance(real):
    effects = real.effects(outcome="efficacy")
    assert not effects.duplicated(["trial_id", "comparator"]).any()
    assert (effects["vi"] > 0).all()
    assert np.isfinite(effects["yi"]).all()
    needed = [
        "trial_id",
        "label",
        "year",
        "diagnosis",
        "design",
        "comparator",
        "measure",
        "yi",
        "vi",
        "tier",
    ]
    assert set(needed) <= set(effects.columns)


def test_every_row_of_a_question_is_used_or_has_a_reason(real):
    answer = real.select(Estimand(comparator=("pharmacotherapy",), trials={"diagnosis": ("ocd",)}))
    rows = real.contrasts.query(
        "diagnosis == 'ocd' and comparator == 'pharmacotherapy' and experimental == 'combined' "
        "and phase == 'acute' and outcome in ['severity', 'response', 'remission']"
    )
    used = {row for ids in answer.effects["row_ids"] for row in ids}
    others = set(answer.alternatives["row_id"]) | set(answer.left_out["row_id"])
    assert used | others == set(rows["row_id"])
    assert not used & others
    assert (answer.left_out["reason"] != "").all()


def test_signs_agree_with_what_the_reports_say(real):
    """Where the text says which arm did better, the pooled effect points the same way."""
    rows = real.outcomes.set_index("row_id")["favours"]
    for measure in ("efficacy", "relapse", "dropout"):
        effects = real.effects(outcome=measure)
        for effect in effects.itertuples():
            if effect.how != "row":
                continue
            said = rows[effect.row_ids[0]]
            if said in ("combined", "comparator"):
                assert (effect.yi > 0) == (said == "combined"), effect.row_ids


def test_severity_stands_before_response_and_response_before_remission():
    found = evidence(
        [trial("a"), trial("b")],
        [
            means("a", 0.5),
            events("a", 20, 10, 40, row_id="a-02"),
            events("b", 20, 10, 40),
            events("b", 9, 5, 40, row_id="b-02", outcome="remission"),
        ],
    )
    effects = found.effects().set_index("trial_id")
    assert effects.loc["a", "outcome"] == "severity"
    assert not effects.loc["a", "converted"]
    assert effects.loc["b", "outcome"] == "response"
    assert effects.loc["b", "converted"]
    assert len(found.select(Estimand()).alternatives) == 2


def test_default_exclusions_are_those_of_the_rule_and_can_be_undone():
    found = evidence(
        [trial("a"), trial("b"), trial("c", medication_class="psychedelic")],
        [
            means("a", 0.5),
            means("b", 3.5, flags="shared arm; extreme effect: check SD"),
            means("c", 0.2),
        ],
    )
    assert list(found.effects()["trial_id"]) == ["a"]
    everything = found.effects(left_out_flags=(), left_out_medication=())
    assert list(everything["trial_id"]) == ["a", "b", "c"]
    reasons = found.select(Estimand()).left_out.set_index("trial_id")["reason"]
    assert "extreme effect: check SD" in reasons["b"]
    assert "psychedelic" in reasons["c"]


def test_a_duplicate_entry_of_a_trial_is_never_pooled():
    found = evidence(
        [trial("a"), trial("a2", duplicate_of="a")], [means("a", 0.5), means("a2", 0.5)]
    )
    assert list(found.effects()["trial_id"]) == ["a"]
    assert "the same trial as a" in found.select(Estimand()).left_out["reason"].item()


def test_a_result_filed_under_two_trials_is_pooled_once():
    found = evidence(
        [trial("a"), trial("b")], [means("a", 0.5), means("b", 0.5, same_as_row="a-01")]
    )
    assert list(found.effects()["trial_id"]) == ["a"]
    assert "the same result as row a-01" in found.select(Estimand()).left_out["reason"].item()


def test_direction_only_rows_are_shown_and_never_pooled():
    found = evidence([trial("a")], [means("a", 0.5, tier="D", favours="combined")])
    answer = found.select(Estimand(tiers="ABCD"))
    assert answer.effects.empty
    assert answer.left_out["reason"].item() == "direction only (tier D)"


def test_tier_c_needs_to_be_asked_for():
    row = events("a", np.nan, np.nan, np.nan, tier="C", pct_e=60.0, pct_c=40.0)
    found = evidence([trial("a", n_randomised=80.0)], [row])
    assert found.effects().empty
    assert found.effects(tiers="ABC")["n_e"].item() == 40


def test_weeks_limit_the_time_window():
    rows = [means("a", 0.5, weeks=4.0), means("a", 0.9, row_id="a-02", weeks=12.0)]
    found = evidence([trial("a")], rows)
    assert found.effects()["row_ids"].item() == ("a-02",)
    assert found.effects(weeks=(0, 8))["row_ids"].item() == ("a-01",)


def test_any_of_takes_trials_that_meet_one_condition():
    found = evidence(
        [trial("a", severity="severe"), trial("b", treatment_resistant="yes"), trial("c")],
        [means("a", 0.5), means("b", 0.5), means("c", 0.5)],
    )
    asked = Estimand(any_of={"severity": ("severe",), "treatment_resistant": ("yes",)})
    assert list(found.select(asked).effects["trial_id"]) == ["a", "b"]


def test_unknown_values_and_columns_name_the_nearest_valid_one(real):
    with pytest.raises(InputError, match=r"unknown diagnosis: 'panik' \(did you mean 'panic'\?\)"):
        real.effects(diagnosis="panik")
    with pytest.raises(InputError, match="unknown trial column"):
        real.effects(colour="red")
    with pytest.raises(InputError, match="unknown outcome"):
        real.effects(outcome="severty")
    with pytest.raises(InputError, match="measure must be one of"):
        real.effects(measure="ROM")


def test_the_answer_does_not_depend_on_the_order_of_the_rows(real):
    shuffled = cc.Evidence(
        trials=real.trials.sample(frac=1, random_state=1),
        outcomes=real.outcomes.sample(frac=1, random_state=2),
        published=real.published,
        rule=real.rule,
        release=real.release,
    )
    plain, mixed = real.effects(diagnosis="mdd"), shuffled.effects(diagnosis="mdd")
    assert plain.drop(columns="derivation").equals(mixed.drop(columns="derivation"))
