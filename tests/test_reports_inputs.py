"""Digests: of content, the same everywhere; and the rows that a page uses, all of them."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest

from combined_care import judge
from combined_care.claims import load_claims
from combined_care.evidence import load_evidence
from combined_care.reports import inputs
from combined_care.reports.inputs import Rows
from small_evidence import evidence, means, trial

CLAIMS = load_claims()
PANIC = CLAIMS["panic-combined"]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "one"
    (path / "deep").mkdir(parents=True)
    (path / "a.csv").write_text("a", encoding="utf-8")
    (path / "deep" / "b.py").write_text("b", encoding="utf-8")
    return path


def test_a_folder_has_the_same_digest_elsewhere_at_another_time_and_with_caches(folder):
    other = shutil.copytree(folder, folder.with_name("two"))
    os.utime(other / "a.csv", (0, 0))
    for name in (".ipynb_checkpoints/a.csv", "__pycache__/c.py", "a.pyc", ".a.csv.1.part"):
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_text("x", encoding="utf-8")
    assert inputs.folder_digest(other) == inputs.folder_digest(folder)


def test_a_folder_has_another_digest_when_content_name_or_number_of_files_change(folder):
    found = {inputs.folder_digest(folder)}
    (folder / "a.csv").write_text("ab", encoding="utf-8")
    found.add(inputs.folder_digest(folder))
    (folder / "a.csv").rename(folder / "c.csv")
    found.add(inputs.folder_digest(folder))
    (folder / "c.csv").unlink()
    found.add(inputs.folder_digest(folder))
    assert len(found) == 4


def rows_of(*trials, outcomes=None):
    given = outcomes or [means(t["trial_id"], 0.3) for t in trials]
    return Rows(evidence(list(trials), given))


def used_digest(rows):
    return rows.digest(rows.used([PANIC]))


def test_a_claim_uses_all_rows_of_the_trials_that_pass_its_filters():
    rows = rows_of(trial("a", diagnosis="panic"), trial("b"), trial("c", diagnosis="panic"))
    assert rows.used([PANIC]) == ("a", "c")
    assert rows.used([]) == ()
    assert rows.used([], {"diagnosis": ("mdd",)}) == ("b",)
    assert rows.used([PANIC], {"trial_id": ("b",), "diagnosis": ("mdd",)}) == ("a", "b", "c")
    assert rows.count(("a", "b")) == 2


def test_only_a_change_in_a_used_trial_changes_the_digest():
    panic, other = trial("a", diagnosis="panic"), trial("b")
    before = used_digest(rows_of(panic, other))
    assert used_digest(rows_of(panic, other | {"notes": "new"})) == before
    assert used_digest(rows_of(panic, other, trial("c"))) == before
    assert used_digest(rows_of(panic | {"notes": "new"}, other)) != before
    assert used_digest(rows_of(panic, other | {"diagnosis": "panic"})) != before
    assert used_digest(rows_of(panic | {"diagnosis": "mdd"}, other)) != before
    numbers = [means("a", 0.4), means("b", 0.3)]
    assert used_digest(rows_of(panic, other, outcomes=numbers)) != before


def test_a_trial_with_the_label_of_a_used_one_is_used_because_labels_then_tell_them_apart():
    panic = trial("a", label="Smith 2001", diagnosis="panic")
    assert rows_of(panic, trial("b", label="Smith 2001")).used([PANIC]) == ("a", "b")


@pytest.mark.parametrize("name", ["panic-combined", "ocd-combined", "youth"])
def test_a_verdict_needs_no_row_but_those_that_count_as_used(name):
    """Also that the sensitivity analyses and the multiverse ask for no other trials."""
    everything, claim = load_evidence(), CLAIMS[name]
    used = Rows(everything).used([claim])
    tables = {
        table: getattr(everything, table).pipe(lambda t: t[t["trial_id"].isin(used)])
        for table in ("trials", "outcomes")
    }
    assert 0 < len(used) < len(everything.trials)
    assert (
        judge(claim, dataclasses.replace(everything, **tables)).to_dict()
        == judge(claim, everything).to_dict()
    )
