"""Reading files of unknown dialect: what is found in them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.errors import DataError
from combined_care.foreign.delimited import (
    TypedColumns,
    as_numbers,
    is_missing,
    read_delimited,
    require_columns,
)


@pytest.fixture
def file(tmp_path):
    def written(content: str | bytes):
        path = tmp_path / "trials.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(file, separator):
    table = read_delimited(file(separator.join("abc") + "\n" + separator.join("123") + "\n"))
    assert table.cells.to_dict("records") == [{"a": "1", "b": "2", "c": "3"}]
    assert table.lines.tolist() == [2]


def test_quoted_text_may_hold_separators_and_line_ends(file):
    table = read_delimited(file('study;note\n"A; 2001";"two\nlines"\nB;""\n'))
    assert table.cells["study"].tolist() == ["A; 2001", "B"]
    assert table.lines.tolist() == [2, 4]


def test_a_byte_order_mark_is_skipped_and_columns_without_a_name_are_numbered(file):
    table = read_delimited(file(b"\xef\xbb\xbf;study;\n1;A;x\n"))
    assert list(table.cells.columns) == ["unnamed 1", "study", "unnamed 3"]


def test_windows_text_is_read_and_said(file):
    table = read_delimited(file("study,n\nMüller,3\n".encode("cp1252")))
    assert table.cells["study"].tolist() == ["Müller"]
    assert "Windows-1252" in table.remarks[0]


def test_rows_of_another_length_are_kept_apart_with_their_line(file):
    table = read_delimited(file("a;b;c\n1;2;3\n1,2,3\n\n4;5;6;7\n"))
    assert len(table.cells) == 1
    assert [line for line, _ in table.broken] == [3, 5]
    assert "1 cells where the header has 3" in table.broken[0][1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04\x00\x00binary", "not UTF-8 text"),
        ("study;n\nA;1\n".encode("utf-16"), "not UTF-8 text"),
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"study,n\n", "only a header"),
        (b"just words\nmore words\n", "no header of columns"),
        (b"a,b,a\n1,2,3\n", "'a' more than once"),
        (b'a,b\n1,2\n"3,4\n', "quotes are broken from line 3"),
        (b"a;b;c\n1,2,3\n", "no row has the 3 cells"),
        (b"a,b\n\x81\x8d,1\n", "neither UTF-8 nor Windows-1252"),
    ],
)
def test_what_cannot_be_read_is_one_error_that_says_why(file, content, words):
    with pytest.raises(DataError, match=r"trials\.csv cannot be read") as caught:
        read_delimited(file(content))
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file"):
        read_delimited(tmp_path / "nowhere.csv")


def test_missing_columns_are_named_at_once_with_the_nearest_header(file):
    table = read_delimited(file("Study,condition_arm,x\nA,b,c\n"))
    with pytest.raises(DataError) as caught:
        require_columns(table, ["study", "condition_arm1", "zzzz"], "such a file")
    message = str(caught.value)
    assert "'study' (nearest: 'Study'), 'condition_arm1' (nearest: 'condition_arm')" in message
    assert "'zzzz'; the header has Study, condition_arm, x" in message


def test_words_for_not_reported():
    assert all(is_missing(word) for word in ("", " ", "NA", "na", "N/A", "#N/A", "NaN", "NR"))
    assert not any(is_missing(word) for word in ("0", "none", "-", "?"))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["6.92", "11"], [6.92, 11]),
        (["6,92", "11"], [6.92, 11]),
        (["-,5", "\N{MINUS SIGN}2", "1e-3", " 7 "], [-0.5, -2, 0.001, 7]),
        (["25.4", "24.1", "9,1"], [25.4, 24.1, 9.1]),
        (["0,123", "0,5"], [0.123, 0.5]),
        (["1,234"], [1.234]),
        (["18.899999999999999"], [18.9]),
    ],
)
def test_numbers_with_points_and_commas(cells, values):
    typed = as_numbers(cells)
    assert typed.values.tolist() == values
    assert typed.wrong == {}


@pytest.mark.parametrize("cell", ["12?", "1.234,5", "ten", "1 000", "5%", "1e999", "inf", "٣"])
def test_what_is_no_number_is_wrong_and_never_guessed(cell):
    typed = as_numbers(["1.5", cell])
    assert list(typed.wrong) == [1]
    assert np.isnan(typed.values[1])


def test_what_may_be_a_thousand_is_wrong_in_a_column_of_the_other_mark():
    assert list(as_numbers(["6.92", "7.1", "1,234"]).wrong) == [2]
    assert list(as_numbers(["6,92", "7,1", "1.234"]).wrong) == [2]


def test_half_a_person_is_no_whole_number():
    assert as_numbers(["20", "20.0", "20.5"], whole=True).wrong == {2: "a whole number"}


def test_every_wrong_cell_is_a_problem_with_its_place(file):
    table = read_delimited(file("study,n,sd\nA,x,1\nB,2,y\n"))
    problems = TypedColumns.of(table, ["n", "sd", "absent"], ["n"]).problems()
    assert [str(problem).partition(", expected")[0] for problem in problems] == [
        "trials.csv:2: error: n is 'x'",
        "trials.csv:3: error: sd is 'y'",
    ]


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 2)), min_size=1))
def test_a_column_reads_the_same_with_points_and_with_commas(numbers):
    points = [f"{number:.2f}" for number in numbers]
    commas = [text.replace(".", ",") for text in points]
    assert as_numbers(points).values.tolist() == as_numbers(commas).values.tolist() == numbers
