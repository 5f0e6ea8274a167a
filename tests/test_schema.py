"""Reading a data folder by its data package: every break of it is named, none stops the others."""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from frictionless import Package
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care import schema
from combined_care.errors import DataError
from combined_care.problems import Problem, ValidationReport
from combined_care.tabular import read_text_table
from small_folder import COLUMNS, DATA, ROWS, SmallFolder


@pytest.fixture
def folder(tmp_path) -> SmallFolder:
    return SmallFolder(tmp_path)


def places(problems) -> set[tuple[str, int | None, str]]:
    return {(p.file, p.line, p.column) for p in problems}


def test_a_valid_folder_has_no_problem_and_its_rows_are_counted(folder):
    report = folder.validate()
    assert report.problems == ()
    assert report.ok
    assert report.counts == {name: len(rows) for name, rows in ROWS.items()}
    assert str(report).startswith("ok: 3 trials rows, 4 outcomes rows")


def test_numbers_are_read_as_floats_and_text_as_text_without_missing_values(folder):
    outcomes = schema.read_tables(folder.path)["outcomes"]
    assert outcomes["sd_c"].tolist()[0] == 4.5
    assert np.isnan(outcomes["sd_c"].tolist()[1])
    assert set(outcomes.dtypes.map(str)) == {"float64", "str"}
    assert not outcomes.select_dtypes("str").isna().any(axis=None)
    assert outcomes["flags"].tolist() == [""] * 4


def test_tables_come_in_the_order_of_the_package_with_all_columns(folder):
    tables = schema.read_tables(folder.path)
    assert {name: list(frame.columns) for name, frame in tables.items()} == COLUMNS
    assert list(tables) == list(COLUMNS)


def test_the_words_na_and_nan_stay_text_in_a_text_column(folder):
    folder.change("trials", 0, setting="NA", notes="nan")
    trials = schema.read_tables(folder.path)["trials"]
    assert trials.loc[0, ["setting", "notes"]].tolist() == ["NA", "nan"]


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("trials", "diagnosis", "panik", "perhaps panic"),
        ("trials", "diagnosis", "", "one of: mdd"),
        ("trials", "label", "", "a text"),
        ("trials", "year", "1890", "at least 1950"),
        ("trials", "year", "2101", "at most 2026"),
        ("trials", "year", "2001.5", "a whole number"),
        ("trials", "doi", "https://doi.org/10.1000/1", "of the form"),
        ("trials", "country", "Norge", "country of country_names.csv"),
        ("trials", "duplicate_of", "oak1999", "trial_id of trials.csv"),
        ("outcomes", "sd_e", "0", "above 0"),
        ("outcomes", "sd_e", "-1", "above 0"),
        ("outcomes", "n_e", "1", "at least 2"),
        ("outcomes", "weeks", "-4", "at least 0"),
        ("outcomes", "pct_e", "101", "at most 100"),
        ("outcomes", "mean_e", "8,0", "decimal point, not a comma"),
        ("outcomes", "mean_e", "1.234,5", "a number"),
        ("outcomes", "mean_e", "NA", "empty cell where nothing is reported"),
        ("outcomes", "mean_e", "nan", "a number"),
        ("outcomes", "mean_e", "inf", "a number"),
        ("outcomes", "mean_e", "1e999", "a number"),
        ("outcomes", "mean_e", "1_0", "a number"),
        ("outcomes", "mean_e", " 8", "a number"),
        ("outcomes", "mean_e", "٨", "a number"),
        ("outcomes", "higher_is_better", "2", "one of: 1, 0"),
        ("outcomes", "tier", "a", "one of: A, B, C, D"),
        ("outcomes", "rating", "Clinician", "perhaps clinician"),
        ("outcomes", "flags", "shared  arm", "perhaps shared arm"),
        ("outcomes", "flags", "shared arm;approximate", "joined by '; '"),
        ("outcomes", "flags", "shared arm; shared arm", "at most once"),
        ("outcomes", "source_url", "see the paper", "of the form"),
        ("outcomes", "derived", "", "one of: 1, 0"),
        ("published", "k", "five", "a whole number"),
        ("double_extraction", "cell", "mean", "one of: mean_e"),
        ("double_extraction", "row_id", "alder2001-77", "row_id of outcomes.csv"),
        ("annotations", "trial_id", "oak1999", "trial_id of trials.csv"),
    ],
)
def test_a_cell_that_breaks_its_declaration_is_named(folder, table, column, value, words):
    found = [
        p
        for p in folder.change(table, 0, **{column: value}).validate().errors
        if p.column == column
    ]
    assert places(found) == {(f"{table}.csv", 2, column)}
    assert found[0].value == value
    assert words in found[0].expected


def test_flags_of_the_vocabulary_may_be_joined(folder):
    folder.change("outcomes", 0, flags="shared arm; approximate")
    assert folder.problems() == ()


def test_a_row_without_its_trial_is_an_error_and_a_trial_without_rows_a_warning(folder):
    folder.change("outcomes", 3, trial_id="oak1999", row_id="oak1999-01")
    orphan, unused = sorted(folder.problems(), key=lambda p: p.file)
    assert (orphan.file, orphan.line, orphan.severity) == ("outcomes.csv", 5, "error")
    assert orphan.value == "oak1999"
    assert (unused.file, unused.line, unused.severity) == ("trials.csv", 5, "warning")
    assert unused.value == "cedar2005"


def test_a_duplicate_id_names_the_line_of_its_first_use(folder):
    problem = folder.change("trials", 2, trial_id="alder2001").validate().errors[0]
    assert (problem.line, problem.column, problem.value) == (5, "trial_id", "alder2001")
    assert "line 2 already" in problem.expected


def test_a_duplicate_key_of_several_columns_shows_them_all(folder):
    problem = folder.add("published", ROWS["published"][0]).only_problem()
    assert problem.column.startswith("review_label, diagnosis")
    assert problem.value.startswith("Elm 2010 / panic")


def test_lines_after_quoted_newlines_are_those_of_the_file(folder):
    text = folder.bytes("trials").decode()
    line = next(i for i, row in enumerate(text.split("\n"), 1) if row.startswith("cedar2005"))
    problem = folder.change("trials", 2, year="1066").only_problem()
    assert problem.line == line == 5  # the third row, after a row of two lines


def test_all_problems_of_all_files_come_at_once(folder):
    folder.change("trials", 0, year="1066", diagnosis="flu")
    folder.change("outcomes", 1, events_e="30", tier="E")
    folder.change("published", 0, k="0")
    assert places(folder.problems()) >= {
        ("trials.csv", 2, "year"),
        ("trials.csv", 2, "diagnosis"),
        ("outcomes.csv", 3, "events_e, n_e"),
        ("outcomes.csv", 3, "tier"),
        ("published.csv", 2, "k"),
    }


def test_problems_come_in_the_order_of_files_and_lines(folder):
    folder.change("outcomes", 3, pct_e="400").change("trials", 1, year="1066")
    rows = [*ROWS["outcomes"][:3], {**ROWS["outcomes"][3], "pct_e": "400", "weeks": "-1"}]
    rows[0] = {**rows[0], "n_e": "0"}
    folder.write("outcomes", rows)
    found = [(p.file, p.line) for p in folder.problems()]
    order = ["trials.csv", "outcomes.csv", "double_extraction.csv"]
    assert len(found) >= 4
    assert found == sorted(found, key=lambda place: (order.index(place[0]), place[1]))


def test_reading_raises_with_every_error_and_no_warning(folder):
    folder.change("trials", 0, year="1066").change("outcomes", 0, sd_e="0.3", sd_c="0.2", n_c="1")
    with pytest.raises(DataError) as caught:
        schema.read_tables(folder.path)
    report = folder.validate()
    assert len(report.errors) == 2
    assert all(str(problem) in str(caught.value) for problem in report.errors)
    assert "warning" not in str(caught.value)


def test_warnings_do_not_stop_the_reading(folder):
    folder.change("outcomes", 0, sd_e="0.3", sd_c="0.2")
    assert len(folder.validate().warnings) == 1
    assert schema.read_tables(folder.path)["outcomes"].loc[0, "sd_e"] == 0.3


# Files that are not what they should be


def test_a_missing_file_is_named(folder):
    (folder.path / "published.csv").unlink()
    problem = folder.only_problem()
    assert (problem.file, problem.line, problem.value) == ("published.csv", None, "no file")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_named(folder, content):
    errors = folder.put_bytes("published", content).validate().errors
    assert [(p.file, p.value) for p in errors] == [("published.csv", "an empty file")]


def test_a_file_with_nothing_but_a_header_is_named(folder):
    problem = folder.put_bytes("published", folder.bytes("published").split(b"\n")[0])
    assert problem.only_problem().value == "only a header"


def test_a_byte_order_mark_is_skipped_with_a_warning(folder):
    problem = folder.put_bytes("trials", b"\xef\xbb\xbf" + folder.bytes("trials")).only_problem()
    assert (problem.line, problem.value, problem.severity) == (1, "byte order mark", "warning")
    assert schema.read_tables(folder.path)["trials"]["trial_id"].tolist()[0] == "alder2001"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_encodings_are_named_once(folder, encoding):
    content = folder.bytes("published").decode().encode(encoding)
    problem = folder.put_bytes("published", content).only_problem()
    assert "UTF-8" in problem.expected
    assert problem.line is None


def test_bytes_that_are_not_utf8_are_named_by_cell(folder):
    folder.change("trials", 2, label="Wölwer 2005", setting="Köln")
    content = folder.bytes("trials").decode().encode("windows-1252")
    found = folder.put_bytes("trials", content).problems()
    assert places(found) == {("trials.csv", 5, "label"), ("trials.csv", 5, "setting")}
    assert {p.value for p in found} == {"W\ufffdlwer 2005", "K\ufffdln"}


def test_nul_bytes_are_named_by_cell(folder):
    content = folder.bytes("trials").replace(b"Birch 2003", b"Birch\x00 2003")
    problem = folder.put_bytes("trials", content).only_problem()
    assert (problem.line, problem.column) == (3, "label")
    assert "NUL" in problem.expected


@pytest.mark.parametrize(("mark", "name"), [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
def test_another_delimiter_is_named_and_the_file_still_read(folder, mark, name):
    folder.change("published", 0, k="none")
    content = folder.bytes("published").replace(b",", mark.encode())
    delimiter, cell = folder.put_bytes("published", content).problems()
    assert (delimiter.line, delimiter.value) == (1, f"columns separated by {name}")
    assert (cell.line, cell.column, cell.value) == (2, "k", "none")


def test_decimal_commas_of_a_semicolon_file_are_named_too(folder):
    content = folder.bytes("published").replace(b",", b";").replace(b"1.44", b"1,44")
    found = folder.put_bytes("published", content).problems()
    assert ("published.csv", 2, "ci_high") in places(found)
    assert any("not a comma" in p.expected for p in found)


def test_a_missing_column_is_named_once_and_not_for_every_row(folder):
    rows = csv_without(folder, "outcomes", "tier")
    problem = folder.put_bytes("outcomes", rows).only_problem()
    assert (problem.line, problem.column, problem.value) == (1, "tier", "no such column")


def test_a_missing_key_column_does_not_make_orphans_of_all_rows(folder):
    rows = csv_without(folder, "trials", "trial_id")
    assert folder.put_bytes("trials", rows).only_problem().column == "trial_id"


def csv_without(folder: SmallFolder, table: str, column: str) -> bytes:
    frame = pd.read_csv(folder.path / f"{table}.csv", dtype=str, keep_default_na=False)
    return frame.drop(columns=column).to_csv(index=False, lineterminator="\n").encode()


def test_an_extra_column_is_named(folder):
    frame = pd.read_csv(folder.path / "trials.csv", dtype=str, keep_default_na=False)
    text = frame.assign(colour="red").to_csv(index=False, lineterminator="\n")
    problem = folder.put_bytes("trials", text.encode()).only_problem()
    assert (problem.line, problem.column) == (1, "colour")


def test_a_column_that_stands_twice_is_named(folder):
    content = folder.bytes("trials").replace(b",label,year", b",label,label", 1)
    found = folder.put_bytes("trials", content).problems()
    assert {(p.line, p.column) for p in found} == {(1, "label"), (1, "year")}


def test_columns_in_another_order_are_named_and_read_by_name(folder):
    frame = pd.read_csv(folder.path / "published.csv", dtype=str, keep_default_na=False)
    frame = frame.assign(k="0")[[*reversed(frame.columns)]]
    folder.put_bytes("published", frame.to_csv(index=False, lineterminator="\n").encode())
    header, cell = folder.problems()
    assert "the order review_label" in header.expected
    assert (cell.column, cell.value) == ("k", "0")


@pytest.mark.parametrize(
    ("row", "value"), [(b"oak1999,Oak 1999", "2 cells"), (b"\n", "a blank line")]
)
def test_rows_of_another_length_are_named(folder, row, value):
    problem = folder.put_bytes("trials", folder.bytes("trials") + row).only_problem()
    assert (problem.line, problem.value) == (6, value)
    assert problem.expected == f"{len(COLUMNS['trials'])} cells, as in the header"


def test_a_ragged_trial_does_not_make_orphans_of_its_outcomes(folder):
    content = folder.bytes("trials").replace(b"cedar2005,", b"cedar2005,,", 1)
    assert folder.put_bytes("trials", content).only_problem().line == 5


def test_a_quote_that_never_ends_is_named_where_it_starts(folder):
    content = folder.bytes("trials").replace(b"Cedar 2005", b'"Cedar 2005')
    problem = folder.put_bytes("trials", content).only_problem()
    assert problem.line == 5
    assert "not read from here on" in problem.expected


def test_windows_line_ends_are_read_like_any_other(folder):
    expected = schema.read_tables(folder.path)["outcomes"]
    folder.put_bytes("outcomes", folder.bytes("outcomes").replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(schema.read_tables(folder.path)["outcomes"], expected)


# The data package itself


def edit_package(folder: SmallFolder, edit) -> None:
    path = folder.path / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    edit(package)
    path.write_text(json.dumps(package), encoding="utf-8")


def test_a_folder_without_a_data_package_says_so(tmp_path):
    report = schema.validate(tmp_path)
    assert [(p.file, p.value) for p in report.problems] == [("datapackage.json", "no file")]
    assert not report.ok


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"resources": [{"name": "trials"}]}'])
def test_a_broken_data_package_is_one_problem(folder, content):
    (folder.path / "datapackage.json").write_text(content, encoding="utf-8")
    assert folder.only_problem().file == "datapackage.json"


def test_a_data_package_must_name_the_main_tables(folder):
    edit_package(folder, lambda p: p["resources"].pop(2))
    assert folder.only_problem().value == "no resource published"


@pytest.mark.parametrize("path", ["../trials.csv", "/trials.csv", "sub/../../trials.csv"])
def test_a_data_package_may_not_reach_outside_its_folder(folder, path):
    edit_package(folder, lambda p: p["resources"][0].update(path=path))
    assert folder.only_problem().value == path


def test_what_only_frictionless_refuses_is_reported_as_its_word(folder):
    edit_package(folder, lambda p: p.update(name="Not A Valid Name", licenses="CC-BY"))
    found = folder.problems()
    assert found
    assert all("Frictionless" in p.expected or "Frictionless" in p.value for p in found)


def test_every_keyword_of_the_package_is_one_that_the_reader_knows():
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    known_constraints = {
        "required", "unique", "pattern", "enum", "minimum", "maximum", "exclusiveMinimum",
    }  # fmt: skip
    for resource in package["resources"]:
        table = resource["schema"]
        assert set(table) <= {"fields", "primaryKey", "foreignKeys", "missingValues"}
        assert table["missingValues"] == [""]
        for field in table["fields"]:
            known = {"name", "type", "description", "unit", "constraints", "meanings", "separator"}
            assert set(field) <= known
            assert field["type"] in {"string", "number", "integer"}
            assert set(field.get("constraints", {})) <= known_constraints


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("trials", {"diagnosis": "panik"}),
        ("trials", {"year": "1890"}),
        ("trials", {"label": ""}),
        ("trials", {"doi": "doi:10.1000/1"}),
        ("trials", {"country": "Norge"}),
        ("outcomes", {"sd_e": "0"}),
        ("outcomes", {"n_e": "2.5"}),
        ("outcomes", {"mean_e": "8,0"}),
        ("outcomes", {"trial_id": "oak1999", "row_id": "oak1999-01"}),
        ("outcomes", {"row_id": "birch2003-01", "trial_id": "birch2003"}),
    ],
)
def test_frictionless_refuses_what_the_reader_refuses(folder, table, cells):
    assert Package(str(folder.path / "datapackage.json")).validate().valid
    folder.change(table, 0, **cells)
    assert not folder.validate().ok
    assert not Package(str(folder.path / "datapackage.json")).validate().valid


# Properties


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"],
       exclude_characters="\x00")), min_size=3, max_size=3), min_size=1, max_size=6))  # fmt: skip
def test_any_text_survives_writing_and_reading(tmp_path_factory, rows):
    from combined_care.importer import csv_text

    columns = ["a", "b", "c"]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    path = tmp_path_factory.mktemp("round") / "t.csv"
    path.write_bytes(csv_text(frame).encode("utf-8"))
    table, problems = read_text_table(path, columns)
    assert problems == ()
    assert table.cells.to_numpy().tolist() == rows


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "t.csv"
    path.write_bytes(content)
    table, problems = read_text_table(path, ["a", "b"])
    assert table is not None or problems


@settings(max_examples=40)
@given(
    st.sampled_from(["trials", "outcomes", "published"]),
    st.integers(0, 40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
def test_any_value_in_any_cell_is_either_read_or_named(tmp_path_factory, table, column, value):
    folder = SmallFolder(tmp_path_factory.mktemp("cell"))
    name = COLUMNS[table][column % len(COLUMNS[table])]
    errors = folder.change(table, 0, **{name: value}).validate().errors
    if errors:
        assert (f"{table}.csv", 2) in {(p.file, p.line) for p in errors}
        return
    read = schema.read_tables(folder.path)[table].loc[0, name]
    if isinstance(read, float):
        assert np.isnan(read) if value == "" else read == float(value)
    else:
        assert read == value


# Records and speed


def test_what_is_declared_of_a_column_can_be_asked():
    fields = schema.declared_fields(DATA)
    assert {name: [field.name for field in found] for name, found in fields.items()} == COLUMNS
    by_name = {field.name: field for field in (*fields["trials"], *fields["outcomes"])}
    assert by_name["diagnosis"].required
    assert not by_name["doi"].required
    assert by_name["mean_e"].unit == "points of the instrument"
    assert by_name["year"].description == "Year of the main publication."
    assert by_name["ci_low"].expected("0.5") is None
    assert "decimal point" in by_name["ci_low"].expected("0,5")


def test_what_is_declared_cannot_be_asked_of_a_folder_without_a_data_package(tmp_path):
    with pytest.raises(DataError, match="not described"):
        schema.declared_fields(tmp_path)


def test_cells_are_typed_as_declared():
    columns = [field for field in schema.declared_fields(DATA)["trials"] if field.name != "doi"]
    cells = pd.DataFrame([{field.name: "" for field in columns}]).assign(year="2001", label="A")
    found = schema.typed_cells(cells, columns)
    assert found["year"].tolist() == [2001.0]
    assert np.isnan(found["n_randomised"].iloc[0])
    assert found["label"].tolist() == ["A"]


def test_frictionless_is_asked_only_when_it_is_wanted(folder, monkeypatch):
    monkeypatch.setattr(schema, "_frictionless_problems", lambda _: pytest.fail("was asked"))
    assert schema.validate(folder.path, standard=False).ok


def test_a_report_and_its_problems_survive_json(folder):
    report = folder.change("trials", 0, year="1066").validate()
    again = ValidationReport.from_json(report.to_json())
    assert again == report
    assert Problem.from_json(report.problems[0].to_json()) == report.problems[0]
    assert str(again.problems[0]) == (
        "trials.csv:2: error: year is '1066', expected a whole number at least 1950"
    )


def test_a_report_lists_one_row_a_problem(folder):
    report = folder.change("trials", 0, year="1066", diagnosis="flu").validate()
    frame = report.to_frame()
    assert frame["column"].tolist() == [p.column for p in report.problems]
    assert frame["line"].tolist() == [2, 2]
    assert "flu" in report._repr_html_()
    empty = ValidationReport(problems=(), counts={"trials": 3})
    assert empty.to_frame().empty
    assert "ok: 3 trials rows; 0 warnings" in empty._repr_html_()


def test_reading_the_real_data_takes_a_fraction_of_a_second(tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    start = time.process_time()
    schema.read_tables(tmp_path / "data")
    assert time.process_time() - start < 1.5
