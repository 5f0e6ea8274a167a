"""RevMan's data rows: means, cases, given effects, O-E with variance."""

from __future__ import annotations

import math

import pytest

import combined_care.effects as es
from combined_care.errors import DataError, InputError
from combined_care.foreign.revman import read_revman
from foreign_files import COMMA, POINT, write

_ROW = dict.fromkeys(
    ("Analysis group", "Analysis number", "Analysis name", "Subgroup", "Applicability", "Study",
     "Study year", "GIV Mean", "GIV SE", "Experimental mean", "Experimental SD",
     "Experimental cases", "Experimental N", "Control mean", "Control SD", "Control cases",
     "Control N", "O-E", "Variance", "Weight", "Mean", "CI start", "CI end", "Footnotes")
)  # fmt: skip


def row(study, number, **cells):
    named = {name.replace("_", " "): value for name, value in cells.items()}
    return {**_ROW, "Analysis group": 1, "Analysis number": number, "Study": study} | named


MEANS = row(
    "Alder 2001",
    1,
    Analysis_name="Panic scale",
    Experimental_mean=8.5,
    Experimental_SD=4.25,
    Experimental_N=25,
    Control_mean=10.75,
    Control_SD=4.5,
    Control_N=24,
)
CASES = row(
    "Birch 2003",
    2,
    Analysis_name="Response",
    Experimental_cases=15,
    Experimental_N=28,
    Control_cases=6,
    Control_N=28,
    Study_year=2003,
)
GIVEN = row("Cedar 2005", 3, Analysis_name="Relapse", GIV_Mean=-0.5, GIV_SE=0.2)
PETO = row(
    "Dogwood 2007",
    4,
    Analysis_name="Time to relapse",
    Experimental_cases=9,
    Experimental_N=40,
    Control_cases=15,
    Control_N=40,
    Variance=5.5,
) | {"O-E": -3.3}
ROWS = [MEANS, CASES, GIVEN, PETO]

_CHOSEN = {"Analysis group": 1, "Analysis group name": "CBT plus SSRI versus SSRI",
           "Experimental intervention": "CBT + SSRI", "Control intervention": "SSRI"}  # fmt: skip
SETTINGS = [
    _CHOSEN | {"Analysis number": number, "Effect measure": measure}
    for number, measure in enumerate(
        ("Std. Mean Difference", "Odds Ratio", "Risk Ratio", "Hazard Ratio"), start=1
    )
]


@pytest.fixture
def read(tmp_path):
    def written(rows, dialect=POINT, settings=None, **options):
        path = write(tmp_path / "CD1-data-rows.csv", rows, dialect)
        if settings is not None:
            settings = write(tmp_path / "CD1-settings.csv", settings, dialect)
        return read_revman(path, settings, **options)

    return written


@pytest.mark.parametrize("dialect", [POINT, COMMA])
def test_each_kind_of_row_gives_its_effect(read, dialect):
    better = {"Panic scale": 0, "1.2": 1, "relapse": 0, "Time to relapse": 0}
    data = read(ROWS, dialect, SETTINGS, higher_is_better=better)
    means, cases, given, peto = data.effects().itertuples()
    wanted = es.effect_size("SMD", 8.5, 4.25, 25, 10.75, 4.5, 24)
    assert (means.measure, means.yi, means.vi) == ("SMD", -wanted.yi, wanted.vi)
    wanted = es.effect_size("OR", 15, 28, 6, 28)
    assert (cases.measure, cases.yi, cases.vi) == ("OR", wanted.yi, wanted.vi)
    assert (given.measure, given.yi, given.vi) == ("RR", pytest.approx(0.5), pytest.approx(0.04))
    assert (peto.measure, peto.yi, peto.vi) == (
        "HR",
        pytest.approx(3.3 / 5.5),
        pytest.approx(1 / 5.5),
    )
    assert peto.derived == 1
    assert data.rows["treatment_e"].eq("CBT + SSRI").all()
    assert data.trials["trial_id"].tolist() == [
        "alder2001",
        "birch2003",
        "cedar2005",
        "dogwood2007",
    ]


def test_without_settings_and_directions_nothing_is_guessed(read):
    data = read(ROWS)
    assert data.rows["label"].tolist() == ["Alder 2001", "Birch 2003", "Dogwood 2007"]
    assert data.rows["events_e"].iloc[2] == 9  # of the last row the cases, which need no measure
    assert data.effects().empty
    assert len(data.without_effect()) == 3
    reason = data.unused["reason"].iloc[0]
    assert "the effect measure stands only in the file of settings" in reason
    assert "which side of the effect is good is not known" in reason


def test_an_effect_measure_that_is_not_ours_is_named(read):
    chosen = [{**SETTINGS[2], "Effect measure": "Risk Difference"}]
    data = read([GIVEN], settings=chosen, higher_is_better=0)
    assert "'Risk Difference' is none of odds ratio" in data.unused["reason"].iloc[0]


def test_a_given_mean_difference_stays_a_difference(read):
    chosen = [{**SETTINGS[2], "Effect measure": "Mean Difference"}]
    effect = read([GIVEN], settings=chosen, higher_is_better=0).effects().iloc[0]
    assert (effect["measure"], effect["yi"]) == ("MD", 0.5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Control SD": None}, "Experimental N, Control mean, Control N without Control SD"),
        ({"Control SD": 0}, "Control SD is 0, expected above 0"),
        ({"Control SD": "n/r"}, "Control SD is 'n/r', expected a number"),
        ({"Study": None}, "Study is empty"),
    ],
)
def test_a_row_that_cannot_be_used_is_listed(read, changes, reason):
    data = read([{**MEANS, **changes}, CASES])
    assert data.unused["line"].tolist() == [2]
    assert reason in data.unused["reason"].iloc[0]
    assert len(data.rows) + len(data.unused) == data.n_rows == 2


def test_the_header_of_version_1_is_read_too(read):
    older = {name: value for name, value in MEANS.items() if name != "Applicability"}
    assert len(read([older]).rows) == 1


def test_a_missing_column_is_an_error_with_the_nearest_header(read):
    rows = [{("Studies" if name == "Study" else name): value for name, value in MEANS.items()}]
    with pytest.raises(DataError, match=r"needs the columns 'Study' \(nearest: '"):
        read(rows)
    with pytest.raises(DataError, match="settings needs the columns 'Effect measure'"):
        read(ROWS, settings=[{"Analysis group": 1, "Analysis number": 1}])


def test_a_direction_for_an_unknown_analysis_is_refused(read):
    with pytest.raises(InputError, match=r"did you mean 'panic scale'"):
        read(ROWS, higher_is_better={"panik scale": 0})


def test_a_log_ratio_comes_back_as_it_was(read):
    data = read([GIVEN], settings=SETTINGS, higher_is_better=0)
    assert math.log(data.rows["effect"].iloc[0]) == pytest.approx(-0.5)
    assert data.rows["outcome"].tolist() == ["Relapse"]
    assert data.rows["outcome_detail"].iloc[0].startswith("CBT plus SSRI versus SSRI; Relapse")
