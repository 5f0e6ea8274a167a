"""A trial is checked against the whole folder, and appended without touching another byte."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care import schema
from combined_care.errors import DataError
from combined_care.importer import MADE_COLUMNS, import_release
from combined_care.new_trial import append_trial, check_draft, scratch_copy
from small_draft import draft
from small_folder import COLUMNS, ROWS, SmallFolder

TABLES = ("trials", "outcomes")


@pytest.fixture
def folder(tmp_path):
    return SmallFolder(tmp_path)


def held(folder):
    return {table: folder.bytes(table) for table in TABLES}


def problems_in(folder):
    return schema.validate(folder.path, standard=False).problems


def said(given, folder):
    return [str(problem) for problem in check_draft(given, folder.path).problems]


def records(folder, table):
    text = folder.bytes(table).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_good_draft_has_no_problem_and_its_rows_are_counted(folder):
    report = check_draft(draft({}, {"outcome": "response", **_EVENTS}), folder.path)
    assert report.problems == ()
    assert report.counts == {"trials": 1, "outcomes": 2}


_EVENTS = {"mean_e": "", "sd_e": "", "mean_c": "", "sd_c": "", "events_e": "9", "events_c": "8",
           "higher_is_better": "1"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"diagnosis": "panik"}, "trial: error: diagnosis is 'panik', expected one of"),
        ({"label": ""}, "trial: error: label is empty, expected a text"),
        ({"year": "2010.5"}, "trial: error: year is '2010.5', expected a whole number"),
        ({"country": "Norge"}, "trial: error: country is 'Norge', expected a country of"),
        ({"trial_id": "alder2001"}, "trial: error: trial_id is 'alder2001', expected a value that"),
        ({"duplicate_of": "oak1990"}, "trial: error: duplicate_of is 'oak1990', expected a"),
        ({"n_randomised": "40"}, "outcome row 1: warning: n_e, n_c is '20 / 21', expected no more"),
    ],
)
def test_a_cell_of_the_trial_is_held_against_the_rules_of_the_data(folder, change, problem):
    assert any(line.startswith(problem) for line in said(draft(**change), folder))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sd_e": "0"}, "sd_e is '0', expected a number above 0"),
        ({"n_e": ""}, "tier is 'A', expected means, standard deviations and n"),
        ({"mean_e": "7,9"}, "mean_e is '7,9', expected a number with a decimal point"),
        ({"row_id": "alder2001-01"}, "row_id is 'alder2001-01', expected the trial_id of the row"),
        ({"flags": "approximat"}, "(perhaps approximate)"),
    ],
)
def test_a_cell_of_a_row_is_named_by_the_number_of_the_row(folder, change, problem):
    lines = said(draft({}, change), folder)
    assert any(line.startswith("outcome row 2: ") and problem in line for line in lines)
    assert not any(line.startswith("outcome row 1") for line in lines)


def test_problems_of_the_folder_that_are_no_errors_are_not_the_drafts(folder):
    folder.change("outcomes", 0, n_e="100", sd_e="0.4", sd_c="0.4")
    assert any(problem.severity == "warning" for problem in problems_in(folder))
    assert said(draft(), folder) == []


def test_an_error_of_the_folder_is_told_with_its_own_place(folder):
    folder.change("trials", 1, diagnosis="panik")
    assert said(draft(), folder)[0].startswith("trials.csv:3: error: diagnosis")
    with pytest.raises(DataError, match=r"trials\.csv:3"):
        append_trial(draft(), folder.path)


@pytest.mark.parametrize("table", TABLES)
def test_a_folder_without_a_table_is_an_error(folder, table):
    (folder.path / f"{table}.csv").unlink()
    with pytest.raises(DataError, match=rf"{table}\.csv: error: found 'no file'"):
        append_trial(draft(), folder.path)


def test_a_folder_without_a_data_package_is_an_error(tmp_path):
    with pytest.raises(DataError, match="not described"):
        check_draft(draft(), tmp_path)


@pytest.mark.parametrize(
    ("there", "change", "severity", "what"),
    [
        ({"doi": "10.1000/FIR"}, {}, "error", "this DOI"),
        ({"pmid": "123"}, {"pmid": "123"}, "error", "this PubMed number"),
        ({"label": "fir & elder, 2010", "year": "2010"}, {}, "warning", "this name and year"),
        ({"notes": "NCT00000001; x"}, {"setting": "NCT00000001"}, "warning", "registry number"),
    ],
)
def test_an_entry_that_may_be_the_same_trial_is_named(folder, there, change, severity, what):
    folder.change("trials", 1, **there)
    (problem,) = check_draft(draft(**change), folder.path).problems
    assert problem.severity == severity
    assert problem.expected.startswith("another trial than birch2003")
    assert what in problem.expected
    named = draft(**change, duplicate_of="birch2003")
    assert check_draft(named, folder.path).problems == ()


def test_rows_with_the_arms_of_another_trial_are_a_warning_wherever_it_stands(folder):
    same = {**ROWS["outcomes"][0], "row_id": "", "trial_id": ""}
    given = {"trial": {**ROWS["trials"][0], "trial_id": "aalder2001"}, "outcomes": [same]}
    lines = said(given, folder)
    assert any(("alder2001" in line and "identical" in line) or "same" in line for line in lines)


def test_appending_leaves_every_earlier_byte_as_it_is(folder):
    before = held(folder)
    added = append_trial(draft({}, {"instrument": "HAMA"}), folder.path)
    for table in TABLES:
        assert folder.bytes(table).startswith(before[table])
    assert records(folder, "trials")[-1] == {
        **dict.fromkeys(COLUMNS["trials"], ""), **draft()["trial"], "trial_id": "fir2010",
    }  # fmt: skip
    assert [row["instrument"] for row in records(folder, "outcomes")[-2:]] == ["PDSS", "HAMA"]
    assert folder.problems() == ()
    assert added.row_ids == ("fir2010-01", "fir2010-02")


def test_the_lines_that_are_told_are_those_of_the_rows(folder):
    added = append_trial(draft({}, {}, notes="two\nlines"), folder.path)
    for file, lines in added.lines.items():
        text = (folder.path / file).read_text(encoding="utf-8").split("\n")
        assert all(text[line - 1].startswith("fir2010") for line in lines)
    assert str(added) == (
        "Added fir2010 (Fir & Elder 2010) with 2 outcome rows: "
        "trials.csv:6, outcomes.csv:6, outcomes.csv:7"
    )


def test_what_is_left_to_do_names_release_changelog_and_import(folder):
    advice = append_trial(draft(), folder.path).advice
    for word in ("2026.11", "CHANGELOG.md", "`fir2010`", "validate", "import", "second person"):
        assert word in advice


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_end_of_the_last_line_is_added(folder, table):
    whole = folder.bytes(table)
    folder.put_bytes(table, whole.removesuffix(b"\n"))
    append_trial(draft(), folder.path)
    assert folder.bytes(table).startswith(whole)
    assert problems_in(folder) == ()


def test_a_file_with_windows_line_ends_keeps_them(folder):
    whole = folder.bytes("trials").replace(b"second line", b"second").replace(b"\n", b"\r\n")
    folder.put_bytes("trials", whole)
    append_trial(draft(), folder.path)
    assert folder.bytes("trials").startswith(whole)
    assert folder.bytes("trials").endswith(b"\r\n")
    assert folder.bytes("trials").count(b"\n") == folder.bytes("trials").count(b"\r\n")


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@settings(max_examples=15)
@given(_TEXT, _TEXT)
def test_any_text_comes_back_as_it_was_given(tmp_path_factory, notes, detail):
    folder = SmallFolder(tmp_path_factory.mktemp("folder"))
    before = held(folder)
    append_trial(draft({"source_note": detail}, notes=notes), folder.path)
    assert records(folder, "trials")[-1]["notes"] == notes
    assert records(folder, "outcomes")[-1]["source_note"] == detail
    assert all(folder.bytes(table).startswith(before[table]) for table in TABLES)


@pytest.mark.parametrize("bad", [{"diagnosis": "panik"}, {"doi": "10.1000/x"}])
def test_a_draft_with_an_error_changes_nothing(folder, bad):
    folder.change("trials", 0, doi="10.1000/x")
    before = held(folder)
    with pytest.raises(DataError, match="nothing was written"):
        append_trial(draft(**bad), folder.path)
    assert held(folder) == before


def test_the_same_draft_twice_is_refused(folder):
    append_trial(draft(), folder.path)
    with pytest.raises(DataError, match="another trial than fir2010, which has this DOI"):
        append_trial(draft(), folder.path)


def test_a_locked_folder_is_an_error_and_changes_nothing(folder, monkeypatch):
    before, real = held(folder), Path.write_bytes

    def write(self, content):
        if self.name.endswith(".part"):
            raise PermissionError(13, "Permission denied")
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(PermissionError):
        append_trial(draft(), folder.path)
    assert held(folder) == before


def test_both_tables_go_through_one_replacement(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "combined_care.new_trial.replace_together",
        lambda before, after: seen.append((before, after)),
    )
    append_trial(draft(), folder.path)
    ((before, after),) = seen
    assert {path.name for path in after} == {"trials.csv", "outcomes.csv"}
    assert set(before) == set(after)


def test_a_scratch_copy_is_another_folder_with_the_same_files(folder):
    copy = scratch_copy(folder.path)
    append_trial(draft(), copy)
    assert copy != folder.path
    assert schema.validate(copy, standard=False).counts["trials"] == 4
    assert len(records(folder, "trials")) == 3
    shutil.rmtree(copy.parent)


def test_an_import_says_that_it_removes_what_its_release_does_not_hold(folder, tmp_path):
    release = tmp_path / "release"
    release.mkdir()
    for table in ("trials", "outcomes", "published", "double_extraction"):
        _as_released(folder, table, release)
    import_release(release, folder.path)
    append_trial(draft(), folder.path)
    report = import_release(release, folder.path, write=False)
    removed = {change.table: change.removed for change in report.tables}
    assert removed["trials"] == ("fir2010",)
    assert removed["outcomes"] == ("fir2010-01",)
    assert "1 row removed (fir2010)" in str(report)


def _as_released(folder, table, release):
    """Write a table without the columns that the import makes."""
    kept = [name for name in COLUMNS[table] if name not in MADE_COLUMNS[table]]
    rows = [[row[name] for name in kept] for row in records(folder, table)]
    with (release / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([kept, *rows])
