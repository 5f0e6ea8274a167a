"""Bringing in a release: what is altered, what is refused, and what the report says."""

from __future__ import annotations

import re
import shutil

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.changes import CellChange, TableChange, compare_tables
from combined_care.errors import DataError
from combined_care.importer import (
    MADE_COLUMNS,
    RELEASED_TABLES,
    ImportReport,
    csv_text,
    import_release,
    split_count,
    split_p_value,
    split_source,
)
from combined_care.schema import read_tables, validate
from small_folder import COLUMNS, EFFECT, ROWS, SmallFolder


class Release:
    """A folder as the evidence is released: without the columns that the import makes."""

    def __init__(self, path) -> None:
        self.path = path
        path.mkdir()
        for name in RELEASED_TABLES:
            self.write(name, ROWS[name])
        self.name("2030.01")

    def name(self, release: str) -> None:
        text = f"# Extracted trial evidence (release {release})\n"
        (self.path / "README.md").write_text(text, encoding="utf-8")

    def write(self, table: str, rows: list[dict[str, str]], **columns: str) -> None:
        names = [name for name in COLUMNS[table] if name not in MADE_COLUMNS[table]]
        filled = [{name: row.get(name, "") for name in names} | columns for row in rows]
        text = csv_text(pd.DataFrame(filled, columns=[*names, *columns], dtype=str))
        (self.path / f"{table}.csv").write_bytes(text.encode("utf-8"))

    def change(self, table: str, row: int, **cells: str) -> None:
        rows = [dict(entry) for entry in ROWS[table]]
        rows[row].update(cells)
        self.write(table, rows)


@pytest.fixture
def release(tmp_path) -> Release:
    return Release(tmp_path / "release")


@pytest.fixture
def folder(tmp_path) -> SmallFolder:
    (tmp_path / "data").mkdir()
    return SmallFolder(tmp_path / "data")


def files(folder: SmallFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.path.iterdir())}


def test_a_second_import_changes_nothing(release, folder):
    assert import_release(release.path, folder.path).written
    before = files(folder)
    report = import_release(release.path, folder.path)
    assert not report.changed
    assert not report.written
    assert str(report) == "release 2030.01: nothing changed"
    assert files(folder) == before


def test_an_import_into_a_folder_without_tables_adds_all_rows(release, folder):
    for name in RELEASED_TABLES:
        (folder.path / f"{name}.csv").unlink()
    report = import_release(release.path, folder.path)
    assert [len(table.added) for table in report.tables] == [3, 4, 1, 1]
    assert validate(folder.path).ok


def test_the_report_names_rows_added_removed_and_cells_changed(release, folder):
    import_release(release.path, folder.path)
    release.write("trials", [*ROWS["trials"], {**ROWS["trials"][0], "trial_id": "oak2009"}])
    rows = [dict(row) for row in ROWS["outcomes"]]
    rows[0]["mean_e"] = "7.5"
    extra = {**rows[1], "row_id": "birch2003-03"}
    oak = {**rows[3], "trial_id": "oak2009", "row_id": "oak2009-01"}
    release.write("outcomes", [*rows, extra, oak])
    release.write("double_extraction", [])
    release.name("2030.02")
    with pytest.raises(DataError, match=r"only a header"):
        import_release(release.path, folder.path)
    release.write("double_extraction", [{**ROWS["double_extraction"][0], "row_id": "birch2003-01"}])
    report = import_release(release.path, folder.path)
    assert str(report).split("\n") == [
        "release 2030.01 -> 2030.02 (imported)",
        "  trials: 1 row added (oak2009)",
        "  outcomes: 2 rows added (birch2003-03; oak2009-01);"
        " 1 cell changed (alder2001-01: mean_e '8.0' -> '7.5')",
        "  double_extraction: 1 row added (birch2003-01 / n_e); 1 row removed (alder2001-01 / n_e)",
    ]
    assert report.to_frame()["rows_added"].tolist() == [1, 2, 0, 1]


def test_a_trial_run_tells_the_same_and_writes_nothing(release, folder):
    release.change("outcomes", 0, mean_e="7.5")
    before = files(folder)
    plan = import_release(release.path, folder.path, write=False)
    assert files(folder) == before
    assert "(not written)" in str(plan)
    assert import_release(release.path, folder.path).tables == plan.tables


def test_the_name_of_the_release_goes_into_the_data_package(release, folder):
    import_release(release.path, folder.path)
    assert '"version": "2030.01"' in (folder.path / "datapackage.json").read_text(encoding="utf-8")
    (release.path / "README.md").unlink()
    assert import_release(release.path, folder.path).release_after == "2030.01"


def test_cells_are_altered_only_as_described(release, folder):
    release.change("trials", 0, country="Norge", setting="NA")
    folder.add("country_names", {"given": "Norge", "country": "Norway"})
    release.change("outcomes", 2, **EFFECT, p_value="<.05", source_url="page 3 of the report")
    release.change("published", 0, k="5 (of 7)", i2="9 (0-60)", p_value="n.s.")
    import_release(release.path, folder.path)
    tables = read_tables(folder.path)
    trial = tables["trials"].iloc[0]
    assert trial[["country", "setting"]].tolist() == ["Norway", "NA"]
    row = tables["outcomes"].iloc[2]
    assert row[["p_operator", "p_value", "p_note"]].tolist() == ["<", 0.05, ""]
    assert row[["source_url", "source_note"]].tolist() == ["", "page 3 of the report"]
    result = tables["published"].iloc[0]
    assert result[["k", "k_note", "i2", "i2_note"]].tolist() == [5.0, "(of 7)", 9.0, "(0-60)"]
    assert result[["p_operator", "p_note"]].tolist() == ["", "n.s."]


def test_every_other_cell_is_carried_over_letter_by_letter(release, folder):
    odd = 'He said "so", then left;\nsecond line \N{GREEK SMALL LETTER TAU}'
    release.change("trials", 1, notes=odd)
    release.change("outcomes", 0, mean_e="8.00", baseline_mean_e="12.0")
    import_release(release.path, folder.path)
    text = folder.bytes("outcomes").decode()
    assert ",8.00," in text
    assert ",12.0," in text
    assert read_tables(folder.path)["trials"].loc[1, "notes"] == odd


def test_annotations_reach_the_trial_and_the_row_they_are_about(release, folder):
    import_release(release.path, folder.path)
    tables = read_tables(folder.path)
    assert tables["trials"]["notice"].tolist() == ["", "", "Republished."]
    assert tables["outcomes"]["same_as_row"].tolist() == ["", "", "birch2003-01", ""]
    assert tables["outcomes"]["rating"].tolist() == ["", "", "self", ""]
    assert tables["outcomes"]["flags"].tolist() == ["", "", "factorial margin", ""]


# Refusals: nothing is written


@pytest.mark.parametrize(
    ("table", "cells", "words"),
    [
        ("trials", {"country": "Narnia"}, "country_names.csv"),
        ("trials", {"diagnosis": "flu"}, "one of: mdd"),
        ("outcomes", {"trial_id": "oak1999", "row_id": "oak1999-01"}, "trial_id of trials.csv"),
        ("outcomes", {"n_e": "1"}, "at least 2"),
        ("trials", {"trial_id": "pine2001"}, "trial_id of trials.csv"),
    ],
)
def test_a_release_that_would_give_invalid_tables_is_refused(release, folder, table, cells, words):
    release.change(table, 0, **cells)
    before = files(folder)
    with pytest.raises(DataError, match=words):
        import_release(release.path, folder.path)
    assert files(folder) == before


def test_a_column_that_the_data_package_does_not_describe_is_refused(release, folder):
    release.write("trials", ROWS["trials"], colour="red")
    with pytest.raises(DataError, match=r"colour.*only columns of the data package"):
        import_release(release.path, folder.path)


def test_all_files_that_cannot_be_read_are_listed(release, folder):
    (release.path / "trials.csv").unlink()
    (release.path / "published.csv").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        import_release(release.path, folder.path)
    assert "trials.csv: error: found 'no file'" in str(caught.value)
    assert "published.csv: error: found 'an empty file'" in str(caught.value)


@pytest.mark.parametrize("name", ["datapackage.json", "country_names.csv", "annotations.csv"])
def test_what_the_project_itself_must_provide_is_named(release, folder, name):
    (folder.path / name).unlink()
    with pytest.raises(DataError, match=name):
        import_release(release.path, folder.path)


def test_the_release_itself_is_left_alone(release, folder):
    before = {path.name: path.read_bytes() for path in release.path.iterdir()}
    import_release(release.path, folder.path)
    assert {path.name: path.read_bytes() for path in release.path.iterdir()} == before


# Splitting cells


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("", ("", "", "")),
        ("0.04", ("=", "0.04", "")),
        (".04", ("=", "0.04", "")),
        ("0.050", ("=", "0.050", "")),
        ("0.000", ("=", "0.000", "")),
        ("<.05", ("<", "0.05", "")),
        (">0.05", (">", "0.05", "")),
        ("< 0.001", ("<", "0.001", "")),
        ("=0.2", ("=", "0.2", "")),
        ("0.779 (4 groups)", ("=", "0.779", "(4 groups)")),
        ("0.009-0.049", ("", "", "0.009-0.049")),
        ("n.s.", ("", "", "n.s.")),
        ("0.02 (time) 0.03 (group)", ("", "", "0.02 (time) 0.03 (group)")),
    ],
)
def test_p_values_are_split(cell, parts):
    assert split_p_value(cell) == parts


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("", ("", "")),
        ("9", ("9", "")),
        ("0 (0-57)", ("0", "(0-57)")),
        ("9 (vs CBT); 6 (vs SRI)", ("", "9 (vs CBT); 6 (vs SRI)")),
        ("about 9", ("", "about 9")),
    ],
)
def test_counts_are_split(cell, parts):
    assert split_count(cell) == parts


@pytest.mark.parametrize(
    ("url", "note", "parts"),
    [
        ("https://example.org/a", "table 2", ("https://example.org/a", "table 2")),
        ("https://example.org (Elm 2010)", "", ("https://example.org", "(Elm 2010)")),
        ("(abstract, no address)", "", ("", "(abstract, no address)")),
        ("doi 10.1000/1", "table 2", ("", "table 2; doi 10.1000/1")),
        ("", "", ("", "")),
    ],
)
def test_addresses_are_split(url, note, parts):
    assert split_source(url, note) == parts


CELLS = st.one_of(
    st.text(max_size=20),
    st.from_regex(r"[<>=]? ?[0-9]?\.?[0-9]{1,3}( \([a-z0-9 ]*\))?", fullmatch=True),
    st.from_regex(r"https://[a-z.]+( [a-z0-9 ]+)?", fullmatch=True),
)


def bare(*parts: str) -> str:
    """Join parts without what the import may add: spaces, a leading "=" and a leading zero."""
    text = "".join("".join(parts).split()).removeprefix("=")
    return re.sub(r"^([<>]?)0?(?=\.)", r"\1", text)


@given(CELLS)
def test_splitting_loses_and_adds_no_word(cell):
    assert bare(*split_p_value(cell)) == bare(cell)
    assert bare(*split_count(cell)) == bare(cell)
    assert bare(*split_source(cell, "")) == bare(cell)


# Comparing


def test_rows_in_another_order_are_a_change_of_their_own():
    old = pd.DataFrame({"id": ["a", "b"], "n": ["1", "2"]})
    change = compare_tables("t", ["id"], old, old[::-1])
    assert change.reordered
    assert str(change) == "t: rows in another order"
    assert not compare_tables("t", ["id"], old, old)


def test_a_new_column_changes_the_cells_that_it_fills():
    old = pd.DataFrame({"id": ["a", "b"]})
    new = pd.DataFrame({"id": ["a", "b"], "n": ["1", ""]})
    change = compare_tables("t", ["id"], old, new)
    assert change.changed == (CellChange(row="a", column="n", before="", after="1"),)


def test_a_long_list_is_counted_and_cut():
    new = pd.DataFrame({"id": [f"r{i:02d}" for i in range(30)]})
    text = str(compare_tables("t", ["id"], new.iloc[:0], new))
    assert text.startswith("t: 30 rows added (r00; r01")
    assert text.endswith("; …)")
    assert "r29" not in text


def test_the_report_survives_json(release, folder):
    release.change("outcomes", 0, mean_e="7.5")
    report = import_release(release.path, folder.path)
    again = ImportReport.from_json(report.to_json())
    assert again == report
    assert isinstance(again.tables[0], TableChange)
    assert "rows_added" in report._repr_html_()


def test_an_import_of_the_data_as_they_were_written_is_stable(folder, tmp_path):
    """Writing twice from the same release gives the same bytes, whatever stood there before."""
    release = Release(tmp_path / "again")
    import_release(release.path, folder.path)
    first = files(folder)
    shutil.copy(folder.path / "annotations.csv", folder.path / "trials.csv")
    import_release(release.path, folder.path)
    assert files(folder) == first
