"""Tables with one row an arm: the caller says what is compared, and nothing is guessed."""

from __future__ import annotations

import pytest
import yaml

import combined_care.effects as es
from combined_care.errors import DataError, InputError
from combined_care.foreign.arm_table import read_arm_table
from foreign_files import COMMA, POINT, write

MAP = {
    "columns": {
        "study": "Study", "arm": "Group", "n": "N", "mean": "Mean", "sd": "SD",
        "events": "Responders", "outcome": "Outcome", "weeks": "Week", "year": "Year",
    },
    "experimental": ["CBT + SSRI"],
    "comparator": ["SSRI", "Placebo"],
    "higher_is_better": {"PDSS": 0, "response": 1},
}  # fmt: skip


def arm(study, group, mean=None, sd=None, n=20, events=None, outcome="PDSS"):
    return {"Study": study, "Group": group, "N": n, "Mean": mean, "SD": sd, "Responders": events,
            "Outcome": outcome, "Week": 12, "Year": 2001, "Centre": "north"}  # fmt: skip


ROWS = [
    arm("Alder", "CBT + SSRI", 8.5, 4.25, 25),
    arm("Alder", "SSRI", 10.75, 4.5, 24),
    arm("Alder", "Placebo", 13.5, 4.0, 22),
    arm("Birch", "cbt + ssri", events=15, n=28, outcome="response"),
    arm("Birch", "Placebo", events=6, n=28, outcome="response"),
]


@pytest.fixture
def read(tmp_path):
    def written(rows, said=MAP, dialect=POINT):
        return read_arm_table(write(tmp_path / "arms.csv", rows, dialect), said)

    return written


def accounted(data) -> bool:
    used = {int(line) for text in data.rows["lines"] for line in text.split(", ")}
    unused = data.unused["line"].tolist()
    return used.isdisjoint(unused) and len(used) + len(unused) == data.n_rows


@pytest.mark.parametrize("dialect", [POINT, COMMA])
def test_arms_become_contrasts_as_the_map_says(read, dialect):
    data = read(ROWS, dialect=dialect)
    assert accounted(data)
    assert data.rows["lines"].tolist() == ["2, 3", "2, 4", "5, 6"]
    assert data.rows["treatment_c"].tolist() == ["SSRI", "Placebo", "Placebo"]
    assert data.rows["weeks"].tolist() == [12, 12, 12]
    first, second, third = data.effects().itertuples()
    wanted = es.effect_size("SMD", 8.5, 4.25, 25, 10.75, 4.5, 24)
    assert (first.yi, first.vi) == (-wanted.yi, wanted.vi)
    assert second.yi == -es.effect_size("SMD", 8.5, 4.25, 25, 13.5, 4.0, 22).yi
    assert third.yi == es.effect_size("OR", 15, 28, 6, 28).yi
    assert data.trials["trial_id"].tolist() == ["alder2001", "birch2001"]


def test_contrasts_that_share_an_arm_are_marked(read):
    assert read(ROWS).rows["flags"].tolist() == ["shared arm", "shared arm", ""]


def test_a_map_in_yaml_is_read(read, tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(yaml.safe_dump(MAP), encoding="utf-8")
    assert read(ROWS, path).rows.equals(read(ROWS).rows)


def test_a_column_of_roles_can_say_which_arm_is_which(read):
    roles = ["new", "old", "old", "new", "old"]
    rows = [{**row, "Role": role} for row, role in zip(ROWS, roles, strict=True)]
    said = MAP | {
        "columns": MAP["columns"] | {"role": "Role"},
        "experimental": "new",
        "comparator": "old",
    }
    assert read(rows, said).rows["lines"].tolist() == ["2, 3", "2, 4", "5, 6"]


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ([*ROWS, arm("Cedar", "Yoga", 1, 2)], 7, "arm 'Yoga' is neither experimental nor"),
        ([*ROWS, arm("Cedar", "SSRI", 1, 2)], 7, "no arm to compare it with"),
        ([*ROWS[:2], arm("Alder", "SSRI", 1, 2)], 4, "the arm 'SSRI' stands twice"),
        ([*ROWS, arm("", "SSRI", 1, 2)], 7, "the study is empty"),
        ([ROWS[0], arm("Alder", "SSRI", 9, None)], 3, "without sd of the comparator arm"),
        ([ROWS[0], arm("Alder", "SSRI", "9?", 2)], 3, "line 3: Mean is '9?', expected a number"),
        ([ROWS[0], arm("Alder", "SSRI", 9, 2, n=1)], 3, "n of the comparator arm is 1"),
    ],
)
def test_an_arm_in_no_contrast_is_listed_with_its_reason(read, rows, line, reason):
    data = read(rows)
    assert accounted(data)
    assert reason in data.unused.set_index("line").loc[line, "reason"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "needs columns"),
        (MAP | {"column": {}}, "did you mean 'columns'"),
        (MAP | {"columns": MAP["columns"] | {"meen": "Mean"}}, "did you mean 'mean'"),
        (MAP | {"columns": {"study": "Study"}}, "lacks arm, n, mean and sd, or events"),
        (MAP | {"experimental": []}, "lacks experimental"),
        (MAP | {"higher_is_better": {"PDSS": "yes"}}, "must be 1 (yes) or 0 (no); got PDSS: 'yes'"),
    ],
)
def test_an_incomplete_map_is_refused(read, said, words):
    with pytest.raises(InputError) as caught:
        read(ROWS, said)
    assert words in str(caught.value)


def test_a_map_of_columns_that_the_file_does_not_have_is_refused(read):
    said = MAP | {"columns": MAP["columns"] | {"mean": "Men"}}
    with pytest.raises(DataError, match=r"'Men' \(nearest: 'Mean'\)"):
        read(ROWS, said)


@pytest.mark.parametrize(
    ("content", "words"), [("- a\n", "not list"), ("a: [\n", "no YAML"), (None, "no such file")]
)
def test_a_file_that_is_no_map_is_refused(read, tmp_path, content, words):
    path = tmp_path / "map.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read(ROWS, path)
