"""The network that the evidence holds: small evidence first, then the real data."""

from __future__ import annotations

import pytest

from combined_care.components import component_network
from combined_care.errors import InputError
from combined_care.evidence import load_evidence
from combined_care.evidence_network import network_of
from combined_care.network import network_meta_analysis
from small_evidence import events, evidence, means, trial

DRUG, TALK = "pharmacotherapy", "psychotherapy"


def small(**changes):
    trials = [trial("one"), trial("two"), trial("three"), trial("four", medication_class="tca")]
    rows = [
        means("one", 0.5, comparator=DRUG),
        means("one", 0.5, row_id="one-02", comparator=DRUG, rating="self", instrument="bdi"),
        means("two", 0.4, comparator=TALK),
        means("two", 0.1, row_id="two-02", experimental=TALK, comparator=DRUG, tier="D"),
        events("three", 20, 10, 40, comparator="psychotherapy_plus_placebo"),
        means("four", 0.3, experimental="psychotherapy_plus_placebo", comparator="placebo",
              flags="sensitivity only"),
    ]  # fmt: skip
    return network_of(evidence(trials, rows), diagnosis="mdd", **changes)


def test_every_row_of_the_question_is_used_or_left_out_with_its_reason():
    found = small()
    used = {row_id for ids in found.contrasts["row_ids"] for row_id in ids}
    reasons = dict(zip(found.left_out["row_id"], found.left_out["reason"], strict=True))
    assert used == {"one-01", "two-01", "three-01"}
    assert reasons == {
        "one-02": "another result of the same treatments is used",
        "two-02": "direction only (tier D)",
        "four-01": "left out of the primary analysis by its flag: sensitivity only",
    }
    assert str(found).startswith("4 treatments in 3 trials (efficacy, broad); 3 rows left out")


def test_contrasts_say_where_they_come_from():
    table = small().to_frame().set_index("trial_id")
    assert table.loc["one", ["treat1", "treat2", "how", "outcome"]].tolist() == [
        "medication", "psychotherapy + medication", "arms", "severity",
    ]  # fmt: skip
    assert table.loc["one", "yi"] == pytest.approx(-0.5, rel=0.02)  # sides in alphabetical order
    assert table.loc["three", "converted"]
    assert not table.loc["one", "converted"]


def test_nodes_count_trials_and_people():
    nodes = small().nodes().set_index("treatment")
    assert nodes.loc["psychotherapy + medication"].tolist() == [3, 120]
    assert nodes.loc["psychotherapy"].tolist() == [1, 40]


def test_flags_and_outcome_can_be_chosen():
    assert "placebo" in small(left_out_flags=()).nodes()["treatment"].tolist()
    response = small(outcome="response")
    assert (response.measure, len(response.contrasts)) == ("OR", 1)


def test_arms_that_are_the_same_at_a_level_are_left_out():
    rows = [
        means("one", 0.5, treatment_e="cbt + ssri", treatment_c="ssri", comparator=DRUG),
        means("one", 0.2, row_id="one-02", experimental=TALK, comparator=TALK,
              treatment_e="cbt", treatment_c="sup"),
    ]  # fmt: skip
    broad = network_of(evidence([trial("one")], rows), diagnosis="mdd")
    assert "both arms are psychotherapy at this level" in broad.left_out["reason"].tolist()
    unknown = evidence([trial("one", medication_class="")], [means("one", 0.5)])
    with pytest.raises(InputError, match="no trial compares different treatments: 1 row"):
        network_of(unknown, diagnosis="mdd", level="classes")


def test_outcomes_without_a_symmetric_measure_are_refused():
    with pytest.raises(InputError, match="a network of relapse would compare by RR"):
        small(outcome="relapse")
    with pytest.raises(InputError, match="level must be one of"):
        small(level="fine")


# The project's own data -----------------------------------------------------------------------

EVIDENCE = load_evidence()
DEPRESSION = ("mdd", "persistent_depression")


@pytest.mark.parametrize(
    ("diagnosis", "outcome", "trials"),
    [(DEPRESSION, "efficacy", 100), (DEPRESSION, "severity", 80), (DEPRESSION, "response", 20),
     (("panic", "gad", "sad", "mixed_anxiety"), "efficacy", 15), ("ocd", "efficacy", 12)],
)  # fmt: skip
def test_the_real_networks_are_connected_and_their_trials_consistent(diagnosis, outcome, trials):
    found = network_of(EVIDENCE, diagnosis=diagnosis, outcome=outcome)
    fit = network_meta_analysis(**found.columns(), reference="medication")
    assert fit.k >= trials
    assert {"medication", "psychotherapy", "psychotherapy + medication"} <= set(fit.treatments)
    # An estimate beyond two standard deviations (or an odds ratio of 50) would be an error of data.
    assert abs(fit.estimate).max() < (4.0 if outcome == "response" else 2.0)


def test_the_question_of_additivity_can_be_asked_of_the_real_data():
    columns = network_of(EVIDENCE, diagnosis=DEPRESSION).columns()
    additive = component_network(**columns)
    assert additive.q_difference_df > 0
    free = component_network(**columns, interactions=[("psychotherapy", "medication")])
    assert "psychotherapy * medication" in free.components


def test_the_network_of_classes_is_built_too():
    found = network_of(EVIDENCE, diagnosis=DEPRESSION, level="classes")
    names = found.nodes()["treatment"].tolist()
    assert {"cbt", "ssri", "cbt + ssri"} <= set(names)
    assert not {"psychotherapy", "medication"} & set(" + ".join(names).split(" + "))


def test_every_row_of_the_real_question_is_accounted_for():
    found = network_of(EVIDENCE, diagnosis=DEPRESSION)
    used = [row_id for ids in found.contrasts["row_ids"].drop_duplicates() for row_id in ids]
    both = [*used, *found.left_out["row_id"]]
    table = EVIDENCE.contrasts
    asked = table[
        table["diagnosis"].isin(DEPRESSION)
        & table["outcome"].isin(["severity", "response", "remission"])
        & (table["phase"] == "acute")
    ]
    assert sorted(both) == sorted(asked["row_id"])
