"""Shared results: what the package returns, kept only where asked and never across a change."""

from __future__ import annotations

import dataclasses

import pytest

import small_project
from combined_care import verdicts
from combined_care.claims import load_claims
from combined_care.evidence import load_evidence
from combined_care.paths import ROOT_VARIABLE
from combined_care.reports import shared
from combined_care.reports.settings import with_settings


@pytest.fixture
def root(tmp_path, monkeypatch):
    project = small_project.make(tmp_path / "project")
    monkeypatch.setenv(ROOT_VARIABLE, str(project))
    monkeypatch.setenv(shared.CACHE_VARIABLE, str(tmp_path / "cache"))
    return project


@pytest.fixture
def computed(monkeypatch):
    """Ids of the claims that were judged, not found."""
    found = []

    def judge(claim, evidence):
        found.append(claim.id)
        return verdicts.judge(claim, evidence)

    monkeypatch.setattr(shared, "judge", judge)
    return found


def same(one, other):
    return one.to_dict() == other.to_dict() and one.claim == other.claim


def test_a_verdict_is_the_one_that_judge_returns_computed_once(root, computed):
    claim, evidence = load_claims()["panic"], load_evidence()
    plain = verdicts.judge(claim, evidence)
    for _ in range(3):
        assert same(shared.judged(claim, evidence), plain)
    assert computed == ["panic"]
    both = shared.judged_all(load_claims().values(), evidence)
    assert [verdict.claim.id for verdict in both] == ["panic", "ocd"]
    assert computed == ["panic", "ocd"]


def test_nothing_is_kept_where_it_is_not_asked_for(root, computed, monkeypatch, tmp_path):
    monkeypatch.delenv(shared.CACHE_VARIABLE)
    evidence = shared.load_evidence()
    for _ in range(2):
        shared.judged(load_claims()["panic"], evidence)
    assert computed == ["panic", "panic"]
    assert not (tmp_path / "cache").exists()


def test_a_change_of_data_claim_rules_or_code_is_never_answered_from_the_cache(
    root, computed, monkeypatch
):
    claim = load_claims()["panic"]
    shared.judged(claim, shared.load_evidence())
    small_project.change(root, trial=3, notes="another disorder")
    shared.judged(claim, shared.load_evidence())
    assert computed == ["panic"]
    small_project.change(root, trial=0, label="Alder")
    shared.judged(claim, shared.load_evidence())
    shared.judged(with_settings(claim, level=0.9), shared.load_evidence())
    shared.judged(dataclasses.replace(claim, text="Otherwise."), shared.load_evidence())
    with (root / "data" / "multiverse.yaml").open("a", encoding="utf-8") as file:
        file.write("# another word\n")
    shared.judged(claim, shared.load_evidence())
    monkeypatch.setattr(shared.inputs, "machinery_digest", lambda: "other code")
    shared.judged(claim, shared.load_evidence())
    assert computed == ["panic"] * 6


def test_a_damaged_result_or_that_of_another_claim_is_computed_again(root, computed, tmp_path):
    claims, evidence = load_claims(), load_evidence()
    good = shared.judged(claims["panic"], evidence)
    (file,) = (tmp_path / "cache").glob("*.pickle")
    file.write_bytes(file.read_bytes()[:-5])
    assert same(shared.judged(claims["panic"], evidence), good)
    shared.Store(tmp_path / "cache").put(file.stem, verdicts.judge(claims["ocd"], evidence))
    assert same(shared.judged(claims["panic"], evidence), good)
    assert computed == ["panic"] * 3


def test_the_evidence_is_that_of_the_package_and_follows_the_files(root):
    for _ in range(2):
        found, plain = shared.load_evidence(), load_evidence()
        for table in ("trials", "outcomes", "published"):
            assert getattr(found, table).equals(getattr(plain, table))
        assert (found.rule, found.release, found.words) == (plain.rule, plain.release, plain.words)
    small_project.change(root, trial=0, label="Alder")
    assert "Alder" in set(shared.load_evidence().trials["label"])
