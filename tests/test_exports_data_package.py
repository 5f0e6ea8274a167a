"""The rows of an analysis as a data package that Frictionless itself finds valid."""

from __future__ import annotations

import hashlib
import json

import pytest
from frictionless import Package

import small_evidence as small
from combined_care.errors import InputError
from combined_care.exports.data_package import to_data_package

TRIALS = [
    small.trial("oak", label='=HYPERLINK("x")', year=2001, notes='a "b",\nc', n_randomised=80.0),
    small.trial("elm", pmid="12"),
    small.trial("ash"),
]
ROWS = [
    small.means("oak", 0.5, weeks=12.0),
    small.events("elm", 12, 8, 20),
    small.means("ash", 0.1, tier="D"),
]


@pytest.fixture
def made(tmp_path):
    evidence = small.evidence(TRIALS, ROWS)
    effects = evidence.effects()
    return to_data_package(effects, evidence, tmp_path / "out", title="Does\nit work?"), evidence


def test_frictionless_finds_it_valid(made):
    report = Package(str(made[0] / "datapackage.json")).validate()
    assert report.flatten(["title", "rowNumber", "fieldName", "note"]) == []
    assert report.valid


def test_a_changed_file_is_noticed_by_its_hash(made):
    file = made[0] / "effects.csv"
    file.write_bytes(file.read_bytes().replace(b"oak", b"aok"))
    assert not Package(str(made[0] / "datapackage.json")).validate().valid


def test_exactly_the_rows_that_were_used_are_there(made):
    folder, evidence = made
    package = Package(str(folder / "datapackage.json"))
    rows = {name: package.get_resource(name).read_rows() for name in ("trials", "outcomes")}
    assert [row["trial_id"] for row in rows["trials"]] == ["oak", "elm"]
    assert [row["row_id"] for row in rows["outcomes"]] == ["oak-01", "elm-01"]
    effects = evidence.effects().set_index("trial_id")
    for row in package.get_resource("effects").read_rows():
        assert float(row["yi"]) == effects["yi"][row["trial_id"]]
        assert row["row_ids"] == f"{row['trial_id']}-01"


def test_cells_are_as_in_the_tables(made):
    package = Package(str(made[0] / "datapackage.json"))
    oak = package.get_resource("trials").read_rows()[0]
    assert oak["label"] == '=HYPERLINK("x")'
    assert oak["notes"] == 'a "b",\nc'
    assert (oak["year"], oak["n_randomised"], oak["low_risk_items"]) == (2001, 80, None)
    assert "severity_at_entry" not in oak


def test_source_licence_version_and_digests_are_declared(made):
    folder, _ = made
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert package["sources"] == small.PACKAGE["sources"]
    assert package["licenses"] == small.PACKAGE["licenses"]
    assert package["version"] == "test"
    assert package["title"] == "Does it work?"
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)


def test_several_analyses_share_the_rows(tmp_path):
    evidence = small.evidence(TRIALS, ROWS)
    effects = evidence.effects()
    parts = {"all": effects, "one": effects[effects["trial_id"] == "oak"], "none": effects[:0]}
    folder = to_data_package(parts, evidence, tmp_path / "out")
    package = Package(str(folder / "datapackage.json"))
    assert package.validate().valid
    found = package.get_resource("effects").read_rows()
    assert sorted((row["analysis"], row["trial_id"]) for row in found) == [
        ("all", "elm"), ("all", "oak"), ("one", "oak"),
    ]  # fmt: skip
    assert len(package.get_resource("trials").read_rows()) == 2


def test_effects_of_other_evidence_are_refused(tmp_path):
    effects = small.evidence(TRIALS, ROWS).effects()
    other = small.evidence(TRIALS[1:], ROWS[1:])
    with pytest.raises(InputError, match="oak-01"):
        to_data_package(effects, other, tmp_path / "out")
    with pytest.raises(InputError, match="no effect"):
        to_data_package(effects[:0], other, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
