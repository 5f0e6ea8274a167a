"""The registry of claims about networks: what it says, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from combined_care.claims import load_claims
from combined_care.errors import DataError
from combined_care.fitted_networks import model_of
from combined_care.network_claims import load_network_claims, load_network_registry

FILE = Path(__file__).parents[1] / "data" / "network_claims.yaml"
REGISTRY = load_network_registry()
RULES = next(iter(load_claims().values())).rules


def test_every_claim_is_marked_as_written_after_the_results():
    assert REGISTRY.rules.fixed == "after the results were seen"
    assert REGISTRY.rules.section == "beyond the article"
    assert all(claim.shared == REGISTRY.rules for claim in REGISTRY.claims.values())


def test_each_judged_disorder_has_both_additions_and_the_sum():
    asked: dict[str, list[str]] = {}
    for claim in load_network_claims().values():
        asked.setdefault(claim.question.id, []).append(claim.against or claim.kind)
    assert set(asked) == {"depression", "anxiety", "ocd"}
    assert all(found == ["medication", "psychotherapy", "additive"] for found in asked.values())


def test_its_ids_are_not_those_of_the_articles_claims():
    assert not set(REGISTRY.claims) & set(load_claims())


def test_a_choice_that_changes_nothing_for_a_claim_is_not_run():
    model = model_of(RULES)

    def tried(name):
        claim = REGISTRY.claims[name]
        return [item.id for item in REGISTRY.rules.sensitivity if item.of(claim, model)]

    common = ["severity-only", "moments", "normal"]
    assert tried("network-depression-medication-adds") == ["any-start", "any-age", *common]
    assert tried("network-ocd-additive") == ["any-start", "adults", *common, "placebo-inactive"]


def test_a_choice_changes_what_it_says_and_nothing_else():
    claim, model = REGISTRY.claims["network-depression-additive"], model_of(RULES)
    choices = {item.id: item.of(claim, model) for item in REGISTRY.rules.sensitivity}
    same = claim.question.select
    question, changed = choices["any-start"]
    assert question.select == {k: v for k, v in same.items() if k != "design"}
    assert changed == model
    assert choices["moments"] == (claim.question, replace(model, method="DL"))
    assert choices["placebo-inactive"] == (claim.question, replace(model, inactive="placebo"))
    assert choices["severity-only"][0].select == {**same, "outcome": "severity"}


def spoiled(tmp_path, *changes):
    text = FILE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "network_claims.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_problems_are_listed_at_once(tmp_path):
    path = spoiled(
        tmp_path,
        ("fixed: after the results were seen\n", ""),
        ("network: anxiety", "network: angst"),
        ("kind: additive", "kind: sum"),
        ("model: {method: DL}", "model: {methods: DL}"),
        ("applies_to: additive", "applies_to: all"),
        ("    against: psychotherapy\n", "    agains: psychotherapy\n"),
        ("id: network-ocd-additive", "id: network-ocd-medication-adds"),
    )
    with pytest.raises(DataError) as error:
        load_network_registry(path)
    said = str(error.value)
    assert "network_claims.yaml has 7 problem(s)" in said
    for part in (
        "the file: fixed is missing",
        "there is no network 'angst'",
        "kind is 'sum', expected adds or additive",
        "the model has no 'methods' that could be changed",
        "applies_to is 'all'",
        "(network-depression-medication-adds): unknown key 'agains'",
        "(network-ocd-medication-adds): the id stands twice",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    against: medication\n", "", "only a claim that a part adds names `against`"),
        (
            "more and no less.\n    treatment: psychotherapy + medication",
            "more and no less.\n    treatment: psychotherapy",
            "an additive claim is about two parts",
        ),
        ("title: depression\n", "name: depression\n", "title is missing"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(tmp_path, old, new, message):
    with pytest.raises(DataError, match=message):
        load_network_registry(spoiled(tmp_path, (old, new)))


def test_a_file_without_content_is_refused(tmp_path):
    path = tmp_path / "network_claims.yaml"
    path.write_text("- nothing\n", encoding="utf-8")
    with pytest.raises(DataError, match="the file: claims is missing"):
        load_network_registry(path)
