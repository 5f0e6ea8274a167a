"""Bringing a foreign file into a project: what is appended, translated, refused and kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from combined_care import schema
from combined_care.errors import DataError, InputError
from combined_care.foreign.arm_table import read_arm_table
from combined_care.foreign.into_project import BroughtData, bring
from combined_care.foreign.metapsy import read_metapsy
from combined_care.schema import PACKAGE_FILE, read_tables, validate
from foreign_files import COMMA, ROWS, means, metapsy, write
from small_folder import SmallFolder

WORDS = {
    "words": {
        "experimental": {"cbt + ssri": "combined"},
        "comparator": {"ssri": "pharmacotherapy"},
    },
    "set": {"design": "concurrent", "source_kind": "review_table"},
}


@pytest.fixture
def standard():
    """Say that the Frictionless library validates too: it is slow, and a few tests suffice."""


@pytest.fixture(autouse=True)
def own_rules_alone(request, monkeypatch):
    if "standard" not in request.fixturenames:
        monkeypatch.setattr(schema, "_frictionless_problems", lambda _: iter(()))


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    return SmallFolder(tmp_path / "data").path


@pytest.fixture
def foreign(tmp_path):
    def read(rows=ROWS, dialect=COMMA):
        return read_metapsy(write(tmp_path / "others.csv", rows, dialect))

    return read


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def outcomes(folder: Path) -> list[dict[str, str]]:
    with (folder / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_appended_and_those_that_are_there_are_not_touched(standard, folder, foreign):
    before = files(folder)
    report = bring(foreign(), folder, translation=WORDS)
    after = files(folder)
    assert report.written
    for name, content in before.items():
        assert after[name].startswith(content)
    assert set(after) - set(before) == {"imported/others.csv"}
    assert after["imported/others.csv"] == Path(foreign().path).read_bytes()
    assert validate(folder).ok
    assert report.rows == ("alder2001-02", "birch2003-03", "birch2003-04", "cedar2005-02",
                           "dogwood2007-01")  # fmt: skip
    assert report.trials == ("dogwood2007",)
    assert report.known_trials == ("alder2001", "birch2003", "cedar2005")


def test_numbers_words_and_source_arrive(folder, foreign):
    bring(foreign(), folder, translation=WORDS)
    tables = read_tables(folder)
    rows = tables["outcomes"].set_index("row_id")
    first, ratio = rows.loc["alder2001-02"], rows.loc["dogwood2007-01"]
    assert (first["mean_e"], first["sd_c"], first["n_c"]) == (8.5, 4.5, 24)
    assert (first["experimental"], first["comparator"]) == ("combined", "pharmacotherapy")
    assert (first["treatment_e"], first["treatment_c"]) == ("cbt + ssri", "ssri")
    assert first["source_note"] == "line 2 of others.csv"
    assert first["source_kind"] == "review_table"
    assert rows.loc["birch2003-03", "flags"] == "change score"
    assert ratio["effect"] == pytest.approx(1.419, abs=1e-3)
    trial = tables["trials"].set_index("trial_id").loc["dogwood2007"]
    assert (trial["label"], trial["year"], trial["diagnosis"]) == ("Dogwood, 2007", 2007, "mdd")
    assert (trial["severity"], trial["medication_management"]) == ("unclear", "unclear")


def test_what_does_not_fit_goes_to_the_notes_and_is_said(folder, foreign):
    report = bring(foreign(), folder, translation=WORDS)
    row = next(row for row in outcomes(folder) if row["row_id"] == "dogwood2007-01")
    assert row["weeks"] == "4"
    assert row["source_note"] == "line 6 of others.csv; others.csv has weeks 3.5"
    assert "weeks 3.5 (1 times)" in report.notes
    assert "country 'eu' (1 times)" in report.notes
    trial = read_tables(folder)["trials"].set_index("trial_id").loc["dogwood2007"]
    assert trial["country"] == ""
    assert trial["notes"] == "others.csv has country 'eu'"


def test_a_second_run_changes_nothing(folder, foreign):
    bring(foreign(), folder, translation=WORDS)
    before = files(folder)
    report = bring(foreign(), folder, translation=WORDS)
    assert not report.written
    assert not report.changed
    assert files(folder) == before
    assert report.known["row_id"].tolist() == ["alder2001-02", "birch2003-03", "birch2003-04",
                                               "cedar2005-02", "dogwood2007-01"]  # fmt: skip


def test_rows_are_recognised_under_another_name_and_in_the_other_direction(
    folder, foreign, tmp_path
):
    bring(foreign(), folder, translation=WORDS)
    turned = means("Alder, 2001", (10.75, 4.5, 24), (8.5, 4.25, 25), instrument="another word")
    path = write(tmp_path / "renamed.csv", [*ROWS[1:], turned])
    report = bring(read_metapsy(path), folder, translation=WORDS)
    assert report.rows == ()
    assert len(report.known) == 5


def test_a_corrected_row_is_recognised_by_its_line_of_the_same_file(folder, foreign):
    bring(foreign(), folder, translation=WORDS)
    path = folder / "outcomes.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("8.5,4.25,25", "8.6,4.25,25"), encoding="utf-8")
    assert bring(foreign(), folder, translation=WORDS).rows == ()


def test_a_file_of_the_same_name_with_other_content_is_kept_beside(folder, foreign):
    bring(foreign(), folder, translation=WORDS)
    more = foreign([*ROWS, means("Elder, 2009", (1.0, 2.0, 20), (2.5, 2.0, 20), year=2009)])
    report = bring(more, folder, translation=WORDS)
    assert report.rows == ("elder2009-01",)
    assert report.kept_as == f"imported/others-{more.sha256[:8]}.csv"
    assert (folder / report.kept_as).read_bytes() == Path(more.path).read_bytes()


def test_unknown_words_make_rows_unusable_with_all_reasons_and_the_nearest_word(folder, foreign):
    before = files(folder)
    rows = [{**ROWS[0], "study": "Elder, 2009", "diagnosis": "panics"}, ROWS[2]]
    report = bring(foreign(rows), folder)
    reasons = report.unused["reason"].tolist()
    assert "diagnosis 'panics' is no word of the project (nearest: 'panic')" in reasons[0]
    assert "the file has no design (set: design can give one)" in reasons[0]
    assert "experimental 'cbt + ssri' is no word" in reasons[1]
    assert report.unused["lines"].tolist() == ["2", "3"]
    assert not report.changed
    assert files(folder) == before
    assert "no word of the project (nearest: 'panic'): line 2" in str(report)


def test_a_trial_that_is_there_keeps_the_coding_of_the_project(folder, foreign):
    rows = [{**ROWS[0], "diagnosis": "mood"}]
    report = bring(foreign(rows), folder, translation=WORDS)
    assert report.rows == ("alder2001-02",)
    assert read_tables(folder)["trials"]["diagnosis"].tolist() == ["panic"] * 3
    assert "diagnosis" not in bring(foreign(rows), folder, extend=True).added_words


def test_a_silent_file_says_unclear_but_never_guesses_a_diagnosis(folder, foreign):
    report = bring(foreign([{**ROWS[4], "diagnosis": None}]), folder, translation=WORDS)
    assert report.unused["reason"].tolist() == [
        "the file has no diagnosis (set: diagnosis can give one)"
    ]


def test_every_row_of_the_file_is_told(folder, foreign):
    data = foreign([*ROWS, metapsy("Hop, 2011"), {**ROWS[0], "time": None, "study": "Ivy, 2012"}])
    report = bring(data, folder, translation=WORDS)
    assert len(report.rows) + len(report.known) + len(report.unused) == data.n_rows
    assert report.unused["reason"].tolist() == [
        "no results are reported",
        "the file has no phase (set: phase can give one)",
    ]


def test_words_are_added_on_request_with_their_meaning(standard, folder, foreign):
    before = files(folder)
    words = {"set": {"design": "concurrent"}}
    report = bring(foreign(), folder, translation=words, extend=True)
    assert report.added_words == {
        "country": ["eu"],
        "experimental": ["cbt + ssri"],
        "comparator": ["ssri"],
    }
    package = json.loads((folder / PACKAGE_FILE).read_text(encoding="utf-8"))
    fields = {f["name"]: f for f in package["resources"][1]["schema"]["fields"]}
    assert fields["experimental"]["meanings"]["cbt + ssri"] == "as coded in others.csv"
    assert fields["experimental"]["constraints"]["enum"][-1] == "cbt + ssri"
    assert files(folder)["country_names.csv"] == before["country_names.csv"] + b"eu,eu\n"
    assert validate(folder).ok
    assert bring(foreign(), folder, translation=words, extend=True).added_words == {}


def test_two_values_for_one_trial_are_never_added_as_a_word(folder, foreign):
    rows = [{**ROWS[0], "study": "Elder, 2009", "diagnosis": word} for word in ("mood", "cut")]
    report = bring(foreign(rows), folder, translation=WORDS, extend=True)
    assert "diagnosis" not in report.added_words
    assert report.unused["reason"].str.contains("diagnosis 'mood / cut' is no word").all()


def test_a_trial_run_tells_the_same_and_writes_nothing(folder, foreign):
    before = files(folder)
    told = bring(foreign(), folder, translation=WORDS, write=False)
    assert files(folder) == before
    done = bring(foreign(), folder, translation=WORDS)
    assert told.rows == done.rows
    assert "new, not written" in str(told)
    assert BroughtData.from_json(done.to_json()) == done


def test_a_row_to_which_validation_objects_is_left_out_with_the_objection(folder, foreign):
    rows = [{**ROWS[0], "study": "Elder, 1900", "year": 1900}, ROWS[4]]
    report = bring(foreign(rows), folder, translation=WORDS)
    assert report.rows == ("dogwood2007-01",)
    assert report.trials == ("dogwood2007",)
    assert "year is '1900', expected a whole number at least 1950" in report.unused["reason"][0]


def test_data_that_are_not_valid_stay_as_they_are(folder, foreign):
    path = folder / "outcomes.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",A,", ",Q,"), encoding="utf-8")
    before = files(folder)
    with pytest.raises(DataError, match=r"not valid, so nothing was added\noutcomes\.csv:2"):
        bring(foreign(), folder, translation=WORDS)
    assert files(folder) == before


@pytest.mark.parametrize("failing", ["trials.csv", "outcomes.csv", "others.csv"])
def test_a_full_disk_leaves_everything_as_it_was(folder, foreign, monkeypatch, failing):
    data, before, plain = foreign(), files(folder), Path.write_bytes

    def full(path, content):
        if path.name.endswith(".part") and failing in path.name:
            plain(path, content[:3])
            raise OSError(28, "No space left on device")
        return plain(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        bring(data, folder, translation=WORDS)
    assert files(folder) == before


def test_interrupted_between_files_a_second_run_completes_it(folder, foreign, monkeypatch):
    data, plain = foreign(), Path.replace

    def stopped(path, target):
        if Path(target).name == "outcomes.csv":
            raise KeyboardInterrupt
        return plain(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            bring(data, folder, translation=WORDS)
    assert validate(folder).ok
    assert not [name for name in files(folder) if name.endswith(".part")]
    assert len(bring(data, folder, translation=WORDS).rows) == 5
    assert validate(folder).ok


def test_a_file_that_changed_since_it_was_read_is_refused(folder, foreign):
    data = foreign()
    Path(data.path).write_text("something else", encoding="utf-8")
    with pytest.raises(DataError, match="no longer the file that was read"):
        bring(data, folder, translation=WORDS)


def test_a_folder_that_is_no_project_is_refused(tmp_path, foreign):
    with pytest.raises(DataError, match="no datapackage"):
        bring(foreign(), tmp_path)
    (tmp_path / PACKAGE_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is no data package"):
        bring(foreign(), tmp_path)
    (tmp_path / PACKAGE_FILE).write_text('{"resources": []}', encoding="utf-8")
    with pytest.raises(DataError, match="describes no table trials and outcomes"):
        bring(foreign(), tmp_path)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"wrods": {}}, "did you mean 'words'"),
        ({"words": {"diagnosi": {"a": "b"}}}, "did you mean 'diagnosis'"),
        ({"set": ["a"]}, "words: column -> their word -> our word"),
    ],
)
def test_a_wrong_map_of_words_is_refused(folder, foreign, said, words):
    with pytest.raises(InputError) as caught:
        bring(foreign(), folder, translation=said)
    assert words in str(caught.value)


def test_hostile_text_is_kept_as_text(folder, foreign):
    study = '=HYPERLINK("x"),\n<script>2001</script>'
    data = foreign([{**ROWS[0], "study": study, "instrument": 'a"b,c'}])
    report = bring(data, folder, translation=WORDS)
    assert report.written
    assert read_tables(folder)["trials"]["label"].iloc[-1] == study
    assert outcomes(folder)[-1]["instrument"] == 'a"b,c'
    unusable = bring(foreign([metapsy("<b>", outcome_type="msd")]), folder)
    assert "<b>" not in unusable._repr_html_()


def test_a_table_of_arms_can_be_brought_in(folder, tmp_path):
    one = {"Study": "Elm 2011", "N": 20, "SD": 2.5, "Out": "severity"}
    rows = [one | {"Group": "both", "Mean": 7.5}, one | {"Group": "drug", "Mean": 9.0}]
    said = {
        "columns": {"study": "Study", "arm": "Group", "n": "N", "mean": "Mean", "sd": "SD",
                    "outcome": "Out"},
        "experimental": "both", "comparator": "drug", "higher_is_better": 0,
    }  # fmt: skip
    words = {
        "words": {"experimental": {"both": "combined"}, "comparator": {"drug": "pharmacotherapy"}},
        "set": {
            "design": "concurrent",
            "diagnosis": "panic",
            "population": "adult",
            "phase": "acute",
        },
    }
    data = read_arm_table(write(tmp_path / "arms.csv", rows), said)
    report = bring(data, folder, translation=words)
    assert report.rows == ("elm2011-01",)
    assert outcomes(folder)[-1]["source_note"] == "lines 2 and 3 of arms.csv"
    assert bring(data, folder, translation=words).rows == ()


def test_a_project_without_rows_yet_can_be_filled(standard, folder, foreign):
    for name in ("trials", "outcomes", "annotations", "row_annotations", "double_extraction"):
        path = folder / f"{name}.csv"
        header, _, _ = path.read_text(encoding="utf-8").partition("\n")
        path.write_text(header, encoding="utf-8")
    package = json.loads((folder / PACKAGE_FILE).read_text(encoding="utf-8"))
    package["resources"] = [
        entry
        for entry in package["resources"]
        if entry["name"] not in {"annotations", "row_annotations", "double_extraction"}
    ]
    (folder / PACKAGE_FILE).write_text(json.dumps(package), encoding="utf-8")
    assert len(bring(foreign(), folder, translation=WORDS).trials) == 4
    assert validate(folder).ok
