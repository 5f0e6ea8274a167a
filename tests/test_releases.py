"""Two releases of the data compared: what moved, what did not, and why."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

import combined_care as cc
from combined_care.errors import DataError
from combined_care.importer import csv_text
from combined_care.releases import compare_releases
from combined_care.results import Absent

DATA = Path(__file__).parents[1] / "data"
#: Claims that are quickly judged: supported, fragile and not testable.
CLAIMS = ("ocd-combined", "longterm-relapse", "access-cost")
VERDICTS = json.loads((DATA.parent / "reports" / "verdicts.json").read_text(encoding="utf-8"))
TRIALS = {
    trial
    for claim in VERDICTS["claims"]
    if claim["id"] in CLAIMS
    for estimate in claim["estimates"]
    for trial in estimate["trials"]
}


def _short(claim):
    return {**claim, "analyses": claim["analyses"][:2]} if "analyses" in claim else claim


class Folder:
    """A copy of the project's data, of a few claims and their trials, and words to change it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(DATA, path)
        (path / "multiverse.yaml").unlink(missing_ok=True)  # the slow part of judging
        self.change_claims(lambda claims: [_short(c) for c in claims if c["id"] in CLAIMS])
        named = {row["row_id"].rpartition("-")[0] for row in self.rows("row_annotations")}
        same = {row["same_as_row"].rpartition("-")[0] for row in self.rows("outcomes")}
        self.keep("outcomes", "trial_id", TRIALS | named | same)
        self.keep("double_extraction", "row_id", {row["row_id"] for row in self.rows("outcomes")})

    def keep(self, table: str, column: str, values) -> Folder:
        rows = self.rows(table)
        return self.write(table, [r for r in rows if r[column] in values], list(rows[0]))

    def change_claims(self, change) -> Folder:
        file = self.path / "claims.yaml"
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        document["claims"] = change(document["claims"])
        document["sensitivity"] = document["sensitivity"][:1]
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return self

    def rows(self, table: str) -> list[dict[str, str]]:
        text = (self.path / f"{table}.csv").read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def write(self, table: str, rows: list[dict[str, str]], columns=None) -> Folder:
        text = csv_text(pd.DataFrame(rows, columns=columns, dtype=str))
        (self.path / f"{table}.csv").write_text(text, encoding="utf-8", newline="\n")
        return self

    def change(self, table: str, key: str, **cells) -> Folder:
        """Put other values into one row; a callable gets the old row."""
        rows = self.rows(table)
        found = [row for row in rows if key in (row.get("row_id"), row.get("trial_id"))]
        assert len(found) == 1, key
        found[0].update({n: v(found[0]) if callable(v) else v for n, v in cells.items()})
        return self.write(table, rows)


@pytest.fixture
def old(tmp_path):
    return Folder(tmp_path / "old")


@pytest.fixture
def new(tmp_path):
    return Folder(tmp_path / "new")


def compare(old, new):
    return compare_releases(old.path, new.path)


def records(folder):
    """Judge everything, the slow way, as the truth to compare with."""
    evidence = cc.load_evidence(folder.path)
    claims = cc.load_claims(folder.path / "claims.yaml")
    verdicts = [cc.judge(claim, evidence) for claim in claims.values()]
    return {(v.claim.id, r.analysis.id): r.to_dict() for v in verdicts for r in v.results}


def test_identical_folders_are_said_to_be_so(old, new):
    found = compare(old, new)
    assert not found
    assert str(found).endswith("nothing changed.")
    assert found.judged == 0
    assert found.analyses == found.verdicts == found.tables == found.files == ()


def test_one_value_of_one_trial_moves_only_what_depends_on_it(old, new):
    new.change("outcomes", "foa2005-02", events_e=_one_less, pct_e="")
    found = compare(old, new)
    before, after = records(old), records(new)
    moved = {key for key in before if before[key] != after[key]}
    assert {(a.claim, a.analysis) for a in found.analyses} == moved
    assert moved == {("ocd-combined", "pharmacotherapy"), ("ocd-combined", "adults")}
    for analysis in found.analyses:
        record = after[analysis.claim, analysis.analysis]
        assert "foa2005" in record["trials"]
        assert all(record[name] == value for name, value in analysis.after.items())
    (effect,) = found.effects
    assert (effect.trial_id, effect.comparator) == ("foa2005", "pharmacotherapy")
    assert effect.yi_after < effect.yi_before
    assert effect.causes[0].startswith("foa2005-02: events_e")
    assert "k" not in {name for a in found.analyses for name in a.fields}


def test_the_sign_of_one_large_trial_flips_a_fragile_verdict_and_is_named(old, new):
    new.change("outcomes", "wiles2013-06", favours_experimental_when=_other_side)
    found = compare(old, new)
    (flip,) = found.verdicts
    assert (flip.claim, flip.before) == ("longterm-relapse", "fragile")
    assert flip.after == "not_demonstrated_imprecise"
    assert "Wiles 2013" in str(flip)
    assert "favours_experimental_when" in str(flip)
    (effect,) = found.effects
    assert effect.yi_after == pytest.approx(-effect.yi_before)
    (analysis,) = found.analyses
    assert analysis.flipped
    assert "fragile -> not demonstrated imprecise" in str(analysis)
    assert str(flip) in found.report


def _one_less(row):
    return f"{float(row['events_e']) - 1:g}"


def _other_side(row):
    return {"higher": "lower", "lower": "higher"}[row["favours_experimental_when"]]


def test_a_removed_row_is_named_as_the_cause_of_a_lost_effect(old, new):
    rows = {row["row_id"] for row in new.rows("outcomes")} - {"foa2005-02"}
    for table in ("outcomes", "double_extraction"):
        new.keep(table, "row_id", rows)
    found = compare(old, new)
    (effect,) = [e for e in found.effects if e.comparator == "pharmacotherapy"]
    assert "row foa2005-02 removed" in effect.causes
    table = next(table for table in found.tables if table.table == "outcomes")
    assert table.removed == ("foa2005-02",)


def test_a_trial_that_leaves_a_population_is_no_longer_pooled(old, new):
    new.change("trials", "foa2005", diagnosis="panic")
    found = compare(old, new)
    gone = [e for e in found.effects if isinstance(e.yi_after, Absent)]
    assert {e.trial_id for e in gone} == {"foa2005"}
    assert all(e.causes == ("foa2005: diagnosis 'ocd' -> 'panic'",) for e in gone)
    (flip,) = found.verdicts
    assert (flip.claim, flip.after) == ("ocd-combined", "insufficient")
    back = compare(new, old)
    assert {e.trial_id for e in back.effects if isinstance(e.yi_before, Absent)} == {"foa2005"}


def test_words_that_no_number_rests_on_change_no_analysis(old, new):
    new.change("trials", "foa2005", notes="read again")
    found = compare(old, new)
    (table,) = found.tables
    assert [(cell.row, cell.column, cell.after) for cell in table.changed] == [
        ("foa2005", "notes", "read again")
    ]
    assert found.analyses == ()
    assert found.judged == 2  # the claims whose population admits the trial


def test_changed_rules_are_a_cause_of_their_own(old, new):
    def meaningful(claims):
        for claim in claims:
            if claim["id"] == "ocd-combined":
                claim["kind"] = "equivalence"
        return claims

    new.change_claims(meaningful)
    found = compare(old, new)
    assert found.files == ("claims.yaml",)
    assert found.judged == 1
    assert {a.claim for a in found.analyses} == {"ocd-combined"}
    (flip,) = found.verdicts
    assert flip.causes == ("the analysis changed in claims.yaml",)


def test_claims_that_one_release_lacks_are_listed(old, new):
    new.change_claims(lambda claims: [c for c in claims if c["id"] != "ocd-combined"])
    found = compare(old, new)
    (flip,) = found.verdicts
    assert isinstance(flip.after, Absent)
    assert "no such claim" in str(flip)
    assert all("analysis removed" in str(a) for a in found.analyses)


def test_the_comparison_is_a_table_and_plain_json(old, new):
    new.change("outcomes", "foa2005-02", events_e=_one_less, pct_e="")
    found = compare(old, new)
    frame = found.to_frame()
    assert list(frame["trial_id"]) == ["foa2005"] * len(found.analyses)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["judged"] >= 1
    assert type(found).from_json(found.to_json()) == found


def test_a_folder_that_breaks_its_schema_is_an_error(old, new):
    new.change("trials", "foa2005", diagnosis="panik")
    with pytest.raises(DataError, match="panik"):
        compare(old, new)
