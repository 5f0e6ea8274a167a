"""The fits behind claims about networks: built once, their largest part, and what anchors a sum."""

from __future__ import annotations

from dataclasses import replace

import pytest

from combined_care.claims import load_claims
from combined_care.components import component_network
from combined_care.errors import InputError
from combined_care.fitted_networks import Networks, model_of
from combined_care.network_claims import NetworkQuestion
from combined_care.results import Absent
from networks_of_parts import PAIRS, network
from small_evidence import evidence, means, trial

MODEL = model_of(next(iter(load_claims().values())).rules)
ASKED = NetworkQuestion("mdd", "depression", {"outcome": "efficacy", "diagnosis": ["mdd"]})


def fitted(found, question=ASKED):
    return Networks(found).fitted(question, MODEL)


def test_the_same_question_is_fitted_once():
    networks = Networks(network())
    first = networks.fitted(ASKED, MODEL)
    assert networks.fitted(replace(ASKED, id="other"), MODEL) is first
    other = networks.fitted(ASKED, replace(MODEL, test="z"))
    assert other is not first
    assert other.input.contrasts.equals(first.input.contrasts)


def test_a_misspelt_question_is_an_error_and_an_empty_one_is_not():
    wrong = replace(ASKED, select={"outcome": "efficacy", "diagnosis": ["mdddd"]})
    with pytest.raises(InputError, match="unknown diagnosis: 'mdddd'"):
        fitted(network(), wrong)
    empty = fitted(network(), replace(ASKED, select={**ASKED.select, "design": ["maintenance"]}))
    assert isinstance(empty.network, Absent)
    assert isinstance(empty.relative("medication", "placebo"), Absent)
    assert (empty.k, empty.anchoring, empty.direct("medication", "placebo")) == (0, 0, None)


def test_trials_that_nothing_connects_are_named():
    rows = [
        *(means(f"a{i}", 0.5, comparator="pharmacotherapy") for i in range(3)),
        means("far", 0.2, experimental="psychotherapy_plus_placebo", comparator="usual_care"),
    ]
    found = fitted(evidence([trial(row["trial_id"]) for row in rows], rows))
    assert found.apart == ("Far",)
    assert found.k == 3
    assert "usual care" not in found.network.treatments
    assert "usual care" in found.relative("medication", "usual care").reason


def test_without_the_anchoring_trials_no_interaction_can_be_told():
    found = fitted(network(pairs=(*PAIRS, ("pharmacotherapy", "usual_care", 0.3))))
    assert found.anchoring == 6  # both pairs with placebo alone, three trials each
    table = found.input.contrasts
    rest = table[(table["treat1"] != "placebo") & (table["treat2"] != "placebo")]
    columns = {name: rest[name].tolist() for name in ("treat1", "treat2", "yi", "vi", "study")}
    with pytest.raises(InputError, match=r"do not determine .*psychotherapy \* medication"):
        component_network(**columns, interactions=[("psychotherapy", "medication")])


def test_inconsistency_is_absent_where_nothing_is_compared_twice():
    assert isinstance(fitted(network(pairs=PAIRS[:1])).inconsistency(), Absent)
    assert 0.0 <= fitted(network()).inconsistency() <= 1.0
