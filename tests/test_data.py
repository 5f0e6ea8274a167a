"""The real data: valid, described, sourced, and consistent with what is written about them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from frictionless import Package

from combined_care import schema
from combined_care.importer import MADE_COLUMNS, RELEASED_TABLES, csv_text

DATA = Path(__file__).parents[1] / "data"
PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
FIELDS = [
    pytest.param(resource["name"], field, id=f"{resource['name']}-{field['name']}")
    for resource in PACKAGE["resources"]
    for field in resource["schema"]["fields"]
]
PROSE = ["README.md", "PROTOCOL.md", "CHANGELOG.md", "LICENSE.md"]


@pytest.fixture(scope="module")
def report():
    return schema.validate(DATA)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return schema.read_tables(DATA)


def prose(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def test_the_data_are_valid(report):
    assert report.errors == ()


def test_the_data_package_is_valid_for_frictionless_itself():
    outcome = Package(str(DATA / "datapackage.json")).validate()
    assert outcome.valid, outcome.flatten(["title", "rowNumber", "fieldName", "note"])


def test_every_row_of_every_file_is_read(report):
    for resource in PACKAGE["resources"]:
        frame = pd.read_csv(DATA / resource["path"], dtype=str, keep_default_na=False)
        assert report.counts[resource["name"]] == len(frame) > 0


@pytest.mark.parametrize(("table", "field"), FIELDS)
def test_every_column_says_what_it_means_and_in_which_unit(table, field):
    assert len(field["description"]) > 10
    assert field["description"].endswith(".")
    assert ("unit" in field) == (field["type"] != "string" and "meanings" not in field), table


@pytest.mark.parametrize(("table", "field"), [p for p in FIELDS if "meanings" in p.values[1]])
def test_every_word_of_a_vocabulary_is_explained_once(table, field):
    meanings = field["meanings"]
    assert all(meanings.values())
    assert len(set(meanings.values())) == len(meanings) or set(meanings) == {"1", "0"}
    constraints = field.get("constraints", {})
    if "separator" not in field and field["type"] == "string":
        assert constraints["enum"] == list(meanings), table


def test_no_two_columns_of_a_table_are_described_alike():
    for resource in PACKAGE["resources"]:
        texts = [field["description"] for field in resource["schema"]["fields"]]
        assert len(set(texts)) == len(texts)


def test_every_trial_has_rows_and_every_row_a_source(tables):
    trials, outcomes = tables["trials"], tables["outcomes"]
    assert set(trials["trial_id"]) == set(outcomes["trial_id"])
    assert (outcomes[["source_url", "source_note"]] != "").any(axis=1).all()
    published = tables["published"]
    assert (published[["source_url", "source_note"]] != "").any(axis=1).all()


def test_a_country_has_one_spelling(tables):
    names = tables["country_names"]
    assert set(tables["trials"]["country"]) - {""} <= set(names["country"])
    folded = {name.casefold() for name in names["country"]}
    assert len(folded) == names["country"].nunique()
    assert names.set_index("given")["country"].loc[["oth", "other"]].tolist() == ["other"] * 2


def test_annotations_and_tables_say_the_same(tables):
    by_trial = tables["annotations"].set_index("trial_id")
    trials = tables["trials"].set_index("trial_id")
    for column in ("notice", "duplicate_of"):
        filled = trials[column][trials[column] != ""]
        assert filled.to_dict() == by_trial[column][by_trial[column] != ""].to_dict()
    outcomes = tables["outcomes"].set_index("row_id")
    said = tables["row_annotations"].set_index("row_id")
    same = said["same_as_row"][said["same_as_row"] != ""]
    assert outcomes["same_as_row"][outcomes["same_as_row"] != ""].to_dict() == same.to_dict()
    for row_id, rating in said["rating"][said["rating"] != ""].items():
        assert outcomes.loc[row_id, "rating"] == rating
    for row_id, flag in said["add_flag"][said["add_flag"] != ""].items():
        assert flag in outcomes.loc[row_id, "flags"].split("; ")


def test_a_row_said_to_repeat_another_has_the_same_two_arms(tables):
    outcomes = tables["outcomes"].set_index("row_id")
    numbers = ["n", "events", "mean", "sd"]
    for row_id, repeated in outcomes["same_as_row"][outcomes["same_as_row"] != ""].items():
        one, two = outcomes.loc[row_id], outcomes.loc[repeated]
        arms = [
            sorted(tuple(row[[f"{name}_{arm}" for name in numbers]].fillna(-1)) for arm in "ec")
            for row in (one, two)
        ]
        assert arms[0] == arms[1]
        assert one["trial_id"] != two["trial_id"]


def test_the_notice_about_the_retracted_report_is_there(tables):
    trials = tables["trials"].set_index("trial_id")
    assert "retracted and republished" in trials.loc["hollon2014", "notice"]


def test_double_extraction_refers_to_cells_that_hold_the_first_reading(tables):
    outcomes = tables["outcomes"].set_index("row_id")
    double = tables["double_extraction"]
    stands = [outcomes.at[row.row_id, row.cell] for row in double.itertuples()]
    assert np.array_equal(stands, double["first"])


def test_rows_that_the_two_readers_read_differently_are_explained(tables):
    """PROTOCOL.md names each row on which the readings differ, and no other."""
    double = tables["double_extraction"]
    differ = set(double.loc[double["agree"] == 0, "row_id"])
    section = prose("PROTOCOL.md").split("## Double extraction")[1].split("\n## ")[0]
    assert set(re.findall(r"`([a-z0-9_]+-\d{2,3})`", section)) == differ


def test_what_cannot_be_told_apart_by_its_own_words_is_told_by_its_tier(tables):
    outcomes = tables["outcomes"]
    assert set(outcomes["tier"]) == {"A", "B", "C", "D"}
    pooled = outcomes[outcomes["tier"].isin(["A", "B"])]
    assert (pooled["source_kind"] != "").all()


def test_files_are_written_as_the_import_writes_them():
    for name in RELEASED_TABLES:
        content = (DATA / f"{name}.csv").read_bytes()
        frame = pd.read_csv(DATA / f"{name}.csv", dtype=str, keep_default_na=False)
        assert content == csv_text(frame).encode("utf-8")
    text = (DATA / "datapackage.json").read_text(encoding="utf-8")
    assert text == json.dumps(PACKAGE, indent=2, ensure_ascii=False) + "\n"


# What is written about the data


def test_the_package_names_its_release_licence_and_sources():
    assert re.fullmatch(r"\d{4}\.\d{2}", PACKAGE["version"])
    assert PACKAGE["licenses"]
    assert all(resource["path"].endswith(".csv") for resource in PACKAGE["resources"])
    credits = prose("README.md")
    for name in ("Metapsy", "Cochrane", "Linde", "Mayo-Wilson", "Harrer"):
        assert any(name in source["title"] for source in PACKAGE["sources"])
        assert name in credits


def test_the_changelog_starts_with_the_release_of_the_package():
    releases = re.findall(r"^## (\S+)", prose("CHANGELOG.md"), flags=re.MULTILINE)
    assert releases[0] == PACKAGE["version"]
    assert releases == sorted(releases, reverse=True)


def test_the_readme_describes_every_table_and_every_other_file():
    text = prose("README.md")
    for resource in PACKAGE["resources"]:
        assert f"`{resource['path']}`" in text
    for path in DATA.iterdir():
        assert path.name in text, path.name


def test_the_protocol_lists_every_column_that_the_import_makes():
    text = prose("PROTOCOL.md")
    made = {column for columns in MADE_COLUMNS.values() for column in columns}
    assert {column for column in made if f"`{column}`" not in text} == set()


def test_the_protocol_explains_every_tier_design_and_comparator():
    text = prose("PROTOCOL.md")
    fields = {field["name"]: field for field in PACKAGE["resources"][1]["schema"]["fields"]}
    for word in fields["comparator"]["meanings"]:
        assert f"`{word}`" in text
    for flag in fields["flags"]["meanings"]:
        assert f"`{flag}`" in text


def test_the_trial_rows_shown_in_the_protocol_are_valid(tmp_path):
    """The example of "How to add a trial" is what it says: two lines that validate."""
    blocks = re.findall(r"```csv\n(.*?)```", prose("PROTOCOL.md"), flags=re.DOTALL)
    assert len(blocks) == 2
    for path in DATA.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "datapackage.json").write_bytes((DATA / "datapackage.json").read_bytes())
    before = schema.validate(DATA)
    for name, block in zip(("trials.csv", "outcomes.csv"), blocks, strict=True):
        with (tmp_path / name).open("ab") as file:
            file.write(block.encode("utf-8"))
    after = schema.validate(tmp_path)
    assert after.errors == ()
    assert len(after.warnings) == len(before.warnings)
    assert after.counts["trials"] == before.counts["trials"] + 1


def test_prose_types_no_number_that_is_computed_from_the_data(report):
    """Counts of rows change with a release; words about them must not hold such a count."""
    counts = {str(count) for count in report.counts.values() if count > 99}
    for name in PROSE:
        found = set(re.findall(r"(?<![\w.])\d{3,}(?![\w.-])", prose(name))) & counts
        assert found == set(), name


def test_the_command_for_agreement_gives_the_share_of_equal_readings(tables):
    """PROTOCOL.md shows one line of Python; run it, and compare with a count by hand."""
    block = re.search(r"```python\n(.*?)```", prose("PROTOCOL.md"), flags=re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    code = block[1].replace('"data"', repr(str(DATA)))
    exec(code, names)
    double = tables["double_extraction"]
    agreeing = sum(a == b for a, b in zip(double["first"], double["second"], strict=True))
    assert names["agreement"] == pytest.approx(agreeing / len(double))


def test_a_self_report_scale_is_not_called_clinician_rated(tables):
    """The slip that the row annotations correct; a new release may bring it back."""
    outcomes = tables["outcomes"].query("outcome == 'severity' and tier in ['A', 'B']")
    scale = outcomes["instrument"].str.casefold()
    questionnaire = scale.str.fullmatch(r"(bdi|ids-sr|qids-sr|zsds|phq-9|ces-d)[-0-9]*")
    interview = scale.str.fullmatch(r"(hdrs|hrsd|ham-?d|madrs)[-0-9]*")
    assert set(outcomes["rating"][questionnaire]) <= {"self", ""}
    assert set(outcomes["rating"][interview]) <= {"clinician", ""}
