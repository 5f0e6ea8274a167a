"""Drafts: read, named, written as a file and read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care import schema
from combined_care.drafts import (
    columns_asked,
    draft_text,
    kind_of,
    load_draft,
    propose_trial_id,
    read_draft,
    template,
)
from combined_care.errors import InputError
from small_draft import draft
from small_folder import COLUMNS, DATA

FIELDS = schema.declared_fields(DATA)


def read(given):
    found, problems = read_draft(given, FIELDS)
    return found, [str(problem) for problem in problems]


def test_cells_are_kept_as_they_are_written():
    found, problems = read({"trial": {"year": 2010, "label": " Fir "}, "outcomes": [{"se": 0.5}]})
    assert problems == []
    assert found.trial["year"] == "2010"
    assert found.trial["label"] == " Fir "
    assert list(found.trial) == COLUMNS["trials"]
    assert found.outcomes[0]["se"] == "0.5"
    assert read(draft())[0].outcomes[0]["mean_e"] == "7.90"


def test_nothing_reported_may_be_none_or_nan_or_empty():
    for nothing in (None, float("nan"), ""):
        found, problems = read({"trial": {"year": nothing}})
        assert problems == []
        assert found.trial["year"] == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trial": {"yeer": "2010"}}, "a column of trials.csv (perhaps year)"),
        ({"trial": {"chronic": False}}, "trial: error: chronic is 'False', expected text"),
        ({"trial": {"label": ["a"]}}, "label is '['a']'"),
        ({"trial": {"label": "a\x00"}}, "expected text"),
        ({"trial": {"label": "a\udcff"}}, "expected text"),
        ({"trial": "Fir"}, "expected a mapping of columns to cells"),
        ({"outcomes": {"tier": "A"}}, "expected a list of rows"),
        ({"outcomes": ["A"]}, "outcome row 1: error: found 'A'"),
        ({"trails": {}}, "found 'trails', expected only trial and outcomes"),
        ("trial", "expected a mapping with trial and outcomes"),
    ],
)
def test_what_has_no_place_in_the_tables_is_named(given, said):
    _, problems = read(given)
    assert len(problems) == 1
    assert said in problems[0]


def test_all_that_has_no_place_is_named_at_once():
    _, problems = read(
        {"trial": {"yeer": "1", "moon": "2"}, "outcomes": [{}, {"teir": "A"}], "x": 1}
    )
    assert len(problems) == 4
    assert "outcome row 2" in problems[3]


@pytest.mark.parametrize(
    ("label", "year", "expected"),
    [
        ("Fir 2010", "2010", "fir2010"),
        ("Fir et al. 2010", "2010", "fir2010"),
        ("Fir and Elder 2010", "2011", "fir2011"),
        ("Emilsson 2011 / Young 2015", "", "emilsson2011"),
        ("de Roten 2017", "2017", "deroten2017"),
        ("Øst 2012", "2012", "ost2012"),
        ("MTA 1999", "1999", "mta1999"),
        ("2010", "2010", ""),
    ],
)
def test_identifiers_follow_the_protocol(label, year, expected):
    assert propose_trial_id(label, year, []) == expected


@given(st.text(max_size=20), st.text("0123456789", max_size=5), st.integers(0, 30))
def test_a_proposed_identifier_is_new_and_fits_its_column(label, year, count):
    taken = []
    for _ in range(count):
        taken.append(propose_trial_id(label, year, taken))
    column = next(field for field in FIELDS["trials"] if field.name == "trial_id")
    found = propose_trial_id(label, year, taken)
    assert found == "" or (found not in taken and column.expected(found) is None)


def test_a_draft_gets_the_identifiers_it_lacks_and_keeps_those_it_has():
    found, _ = read(draft({}, {"row_id": "own-07"}))
    named = found.named(["fir2010"])
    assert named.trial["trial_id"] == "fir2010b"
    assert [row["row_id"] for row in named.outcomes] == ["fir2010b-01", "own-07"]
    assert {row["trial_id"] for row in named.outcomes} == {"fir2010b"}
    assert found.trial["trial_id"] == ""


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"tier": "A"}, "means"),
        ({"tier": "A", "events_e": "3"}, "events"),
        ({"tier": "A", "n_e": "3"}, "means"),
        ({"tier": "B"}, "effect"),
        ({"tier": "C"}, "percentages"),
        ({"tier": "D"}, "direction"),
        ({}, ""),
    ],
)
def test_the_tier_and_the_numbers_tell_the_kind_of_a_row(row, kind):
    assert kind_of(row) == kind


def test_only_the_columns_of_a_kind_are_asked_for():
    names = [field.name for field in columns_asked(FIELDS["outcomes"], "events")]
    assert {"events_e", "n_c", "tier", "source_url"} <= set(names)
    assert not {"mean_e", "sd_e", "effect", "pct_e", "favours"} & set(names)
    assert names == [name for name in COLUMNS["outcomes"] if name in names]


def test_the_template_names_every_column_with_its_meaning_and_reads_as_an_empty_draft(tmp_path):
    text = template(FIELDS)
    for field in (*FIELDS["trials"], *FIELDS["outcomes"]):
        assert f"\n  {field.name}:\n" in text or f"\n    {field.name}:\n" in text
        assert all(f"{word}: {meaning}" in text for word, meaning in field.meanings.items())
    found, problems = read(load(tmp_path, text))
    assert problems == []
    assert set(found.trial.values()) == {""}
    assert len(found.outcomes) == 1
    assert set(found.outcomes[0].values()) == {""}


def load(folder, text):
    file = folder / "draft.yaml"
    file.write_text(text, encoding="utf-8")
    return load_draft(file)


def test_a_file_keeps_the_digits_and_words_that_stand_in_it(tmp_path):
    text = "trial: {chronic: no, year: 0x10}\noutcomes:\n  - {mean_e: 7.90, p_value: 1e-3}\n"
    assert load(tmp_path, text) == {
        "trial": {"chronic": "no", "year": "0x10"},
        "outcomes": [{"mean_e": "7.90", "p_value": "1e-3"}],
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trial: [", "draft.yaml cannot be read as YAML"),
        ("trial: {label: a, label: b}", "draft.yaml:1: 'label' stands twice"),
        ("", "must hold a mapping"),
        ("- a", "must hold a mapping"),
    ],
)
def test_a_file_that_holds_no_draft_is_named(tmp_path, text, said):
    with pytest.raises(InputError, match=said.replace("'", ".")):
        load(tmp_path, text)


@given(st.dictionaries(st.sampled_from(COLUMNS["trials"]), st.text(max_size=12), max_size=6))
def test_a_draft_that_is_written_reads_back_the_same(tmp_path_factory, cells):
    found, _ = read({"trial": cells})
    again = load(tmp_path_factory.mktemp("draft"), draft_text(found))
    assert read(again)[0] == found
