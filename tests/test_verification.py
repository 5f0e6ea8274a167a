"""A document that is not the committed one is told apart, place by place."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from combined_care.errors import DataError
from combined_care.verification import read_verdicts, verify

COMMITTED = read_verdicts(Path(__file__).parents[1] / "reports" / "verdicts.json")


@pytest.fixture
def document():
    return copy.deepcopy(COMMITTED)


def claim_of(document, name):
    return next(claim for claim in document["claims"] if claim["id"] == name)


def analysis_of(document, claim, name):
    found = claim_of(document, claim)["estimates"]
    return next(estimate for estimate in found if estimate["analysis"] == name)


def test_the_same_document_has_no_difference(document):
    assert verify(document, COMMITTED) == ()


def test_another_verdict_is_named_with_claim_and_both_labels(document):
    claim_of(document, "panic-combined")["verdict"] = "supported"
    (found,) = verify(document, COMMITTED)
    assert str(found) == "panic-combined: verdict committed insufficient, computed supported"


@pytest.mark.parametrize("field", ["k", "n", "verdict"])
def test_counts_and_labels_of_an_analysis_must_be_equal(document, field):
    record = analysis_of(document, "mdd-combined", "pharmacotherapy")
    before = record[field]
    value = "insufficient" if field == "verdict" else before + 1
    assert value != before
    record[field] = value
    (found,) = verify(document, COMMITTED)
    expected = f"mdd-combined, pharmacotherapy: {field} committed {before}, computed {value}"
    assert str(found) == expected


def test_a_number_may_move_within_its_tolerance_only(document):
    record = analysis_of(document, "mdd-combined", "pharmacotherapy")
    before = record["estimate"]
    record["estimate"] = before * (1 + 5e-5)
    assert verify(document, COMMITTED) == ()
    record["estimate"] = before * (1 + 5e-4)
    (found,) = verify(document, COMMITTED)
    assert (found.field, found.committed, found.analysis) == ("estimate", before, "pharmacotherapy")


def test_near_zero_the_absolute_tolerance_counts(document):
    record = analysis_of(document, "mdd-combined", "pharmacotherapy")
    committed = copy.deepcopy(COMMITTED)
    analysis_of(committed, "mdd-combined", "pharmacotherapy")["ci_lb"] = 1e-9
    record["ci_lb"] = -5e-6
    assert verify(document, committed) == ()
    record["ci_lb"] = -5e-5
    assert [difference.field for difference in verify(document, committed)] == ["ci_lb"]


def test_small_p_values_have_a_tolerance_of_their_own(document):
    record = analysis_of(document, "mdd-combined", "pharmacotherapy")
    record["pval"] *= 1 + 5e-4
    assert verify(document, COMMITTED) == ()
    record["pval"] *= 2
    assert [difference.field for difference in verify(document, COMMITTED)] == ["pval"]


def test_a_number_that_reason_and_analysis_share_is_named_once(document):
    record = analysis_of(document, "mdd-combined", "pharmacotherapy")
    reason = next(
        r for r in claim_of(document, "mdd-combined")["reasons"]
        if r.get("analysis") == "pharmacotherapy"
    )  # fmt: skip
    record["estimate"] = reason["estimate"] = 0.5
    reason["text"] = "other words"
    assert [difference.field for difference in verify(document, COMMITTED)] == ["estimate"]


def test_missing_and_extra_claims_and_analyses_are_differences(document):
    gone = document["claims"].pop(0)
    document["claims"].append({**gone, "id": "new-claim"})
    dropped = document["claims"][0]["estimates"].pop()
    found = [str(difference) for difference in verify(document, COMMITTED)]
    assert f"{gone['id']}: claim committed present, computed missing" in found
    assert "new-claim: claim committed missing, computed present" in found
    name = f"{document['claims'][0]['id']}, {dropped['analysis']}"
    assert f"{name}: analysis committed present, computed missing" in found


def test_an_exchanged_trial_is_named(document):
    trials = analysis_of(document, "ocd-combined", "pharmacotherapy")["trials"]
    old = trials[0]
    trials[0] = "someone2031"
    (found,) = verify(document, COMMITTED)
    shown = f"trials committed alone has {old}, computed alone has someone2031"
    assert str(found).endswith(shown)


def test_nested_records_are_compared_part_by_part(document):
    committed = copy.deepcopy(COMMITTED)
    parts = {"level": "low", "domains": {"imprecision": -1}}
    claim_of(committed, "ocd-combined")["certainty"] = parts
    claim_of(document, "ocd-combined")["certainty"] = {**parts, "level": "moderate"}
    (found,) = verify(document, committed)
    assert str(found) == "ocd-combined: certainty.level committed low, computed moderate"
    del claim_of(document, "ocd-combined")["certainty"]
    (found,) = verify(document, committed)
    shown = "ocd-combined: certainty committed a record of level, domains, computed missing"
    assert str(found) == shown


def test_a_quantity_that_became_absent_is_a_difference(document):
    del analysis_of(document, "mdd-combined", "pharmacotherapy")["pi_lb"]
    (found,) = verify(document, COMMITTED)
    assert str(found).endswith("computed missing")


def test_the_release_belongs_to_the_document(document):
    document["data_release"] = "1999.01"
    (found,) = verify(document, COMMITTED)
    assert str(found).startswith("document: data_release committed")


@pytest.mark.parametrize("text", ["{", json.dumps([1]), json.dumps({"claims": 3})])
def test_a_file_that_is_no_document_is_an_error_that_names_it(tmp_path, text):
    file = tmp_path / "verdicts.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"verdicts\.json"):
        read_verdicts(file)
