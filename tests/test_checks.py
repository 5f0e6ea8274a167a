"""Rules across cells, rows and tables: each finds what it is for and leaves the rest alone."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care import checks, schema
from combined_care.intervals import half_unit
from small_folder import DATA, EFFECT, EVENTS, MEANS, ROWS, SmallFolder

#: Rows of the small folder: what they hold, by position.
MEANS_ROW, EVENTS_ROW, EFFECT_ROW, PERCENT_ROW = range(4)
RATIO = {"effect_measure": "or", "effect": "2.0", "ci_low": "1.0", "ci_high": "4.0"}
NO_INTERVAL = {"ci_low": "", "ci_high": ""}


@pytest.fixture
def folder(tmp_path) -> SmallFolder:
    return SmallFolder(tmp_path)


def found(folder: SmallFolder, row: int, **cells: str) -> list[tuple[str, str]]:
    """Spoil one outcome row; return (severity, column) of each problem of the outcomes file."""
    problems = folder.change("outcomes", row, **cells).problems()
    at = [p for p in problems if p.file == "outcomes.csv"]
    assert {p.line for p in at} <= {row + 2}
    return [(p.severity, p.column) for p in at]


INTERVAL = "effect, ci_low, ci_high"
P = "p_operator, p_value"


@pytest.mark.parametrize(
    ("row", "cells", "expected"),
    [
        # counts
        (EVENTS_ROW, {"events_e": "21"}, [("error", "events_e, n_e")]),
        (EVENTS_ROW, {"events_e": "20"}, []),
        (EVENTS_ROW, {"events_c": "22"}, [("error", "events_c, n_c")]),
        (EVENTS_ROW, {"n_c": ""}, [("error", "tier"), ("warning", "n_c")]),
        (PERCENT_ROW, {"events_e": "5"}, [("warning", "n_e")]),
        # percentages against counts: 12 of 20 is 60 %
        (EVENTS_ROW, {"pct_e": "60"}, []),
        (EVENTS_ROW, {"pct_e": "60.4"}, [("warning", "pct_e")]),
        (EVENTS_ROW, {"pct_e": "61"}, [("warning", "pct_e")]),
        (EVENTS_ROW, {"pct_e": "62", "derived": "1"}, []),
        (EVENTS_ROW, {"pct_e": "64", "derived": "1"}, [("warning", "pct_e")]),
        (EVENTS_ROW, {"pct_c": "42.9"}, []),
        (EVENTS_ROW, {"pct_c": "42.86"}, []),
        (EVENTS_ROW, {"pct_c": "42.8"}, [("warning", "pct_c")]),
        # tiers
        (MEANS_ROW, {"sd_c": ""}, [("error", "tier")]),
        (EVENTS_ROW, {"events_c": ""}, [("error", "tier")]),
        (EFFECT_ROW, NO_INTERVAL, [("error", "tier")]),
        (EFFECT_ROW, {**NO_INTERVAL, "se": "0.2"}, []),
        (EFFECT_ROW, {"favours_experimental_when": ""}, [("error", "tier")]),
        (PERCENT_ROW, {"pct_c": ""}, [("error", "tier")]),
        (MEANS_ROW, {"tier": "D"}, [("warning", "tier")]),
        (EFFECT_ROW, {"tier": "C"}, [("error", "tier"), ("warning", "tier")]),
        # a standard error in place of a standard deviation
        (MEANS_ROW, {"sd_e": "0.8", "sd_c": "0.85"}, [("warning", "sd_e, sd_c")]),
        (MEANS_ROW, {"sd_e": "0.84", "sd_c": "0.84"}, []),
        (
            EFFECT_ROW,
            {"effect": "3.2", "ci_low": "2.8", "ci_high": "3.6"},
            [("warning", "effect")],
        ),
        (
            EFFECT_ROW,
            {"effect": "-9", "ci_low": "-12", "ci_high": "-6", "effect_measure": "md"},
            [],
        ),
        # direction in words against numbers; lower is better in the means row
        (MEANS_ROW, {"favours": "combined"}, []),
        (MEANS_ROW, {"favours": "none"}, []),
        (MEANS_ROW, {"favours": "comparator"}, [("warning", "favours")]),
        (MEANS_ROW, {"favours": "combined", "higher_is_better": "1"}, [("warning", "favours")]),
        (EVENTS_ROW, {"favours": "comparator"}, [("warning", "favours")]),
        (PERCENT_ROW, {"favours": "comparator"}, [("warning", "favours")]),
        (EFFECT_ROW, {"favours": "comparator"}, [("warning", "favours")]),
        (EFFECT_ROW, {"favours": "combined"}, []),
        # identity and flags
        (MEANS_ROW, {"row_id": "birch2003-09"}, [("error", "row_id")]),
        (MEANS_ROW, {"experimental": "pharmacotherapy"}, [("warning", "experimental, comparator")]),
        (
            EVENTS_ROW,
            {"outcome_detail": "Factorial margin of CBT"},
            [("warning", "outcome_detail, flags")],
        ),
        (EVENTS_ROW, {"outcome_detail": "factorial margin", "flags": "factorial margin"}, []),
        # intervals
        (EFFECT_ROW, {"effect": "-0.95"}, [("error", INTERVAL)]),
        (EFFECT_ROW, {"ci_low": "-0.10", "ci_high": "-0.90"}, None),
        (EFFECT_ROW, {"effect": "-0.65"}, [("error", INTERVAL)]),
        (EFFECT_ROW, {"effect": "-0.56"}, [("warning", INTERVAL)]),
        (EFFECT_ROW, {"effect": "-0.53"}, []),
        (EFFECT_ROW, {"effect": "-0.6", "ci_low": "-0.9", "ci_high": "-0.1"}, []),
        (EFFECT_ROW, RATIO | {"favours_experimental_when": "higher"}, []),
        (EFFECT_ROW, RATIO | {"effect": "2.50"}, [("error", INTERVAL)]),
        (EFFECT_ROW, RATIO | {"effect": "2.30"}, [("warning", INTERVAL)]),
        (EFFECT_ROW, RATIO | {"effect_measure": "md", "effect": "2.50"}, []),
        (EFFECT_ROW, RATIO | {"ci_low": "0"}, None),
        (EFFECT_ROW, RATIO | {"effect": "-2.0"}, None),
        (EFFECT_ROW, {"effect_measure": ""}, [("error", "tier"), ("error", "effect_measure")]),
        (EFFECT_ROW, {"effect": "", "tier": "D"}, [("warning", "effect")]),
        # standard errors: the interval is 0.8 wide, so about 0.204
        (EFFECT_ROW, {"se": "0.20"}, []),
        (EFFECT_ROW, {"se": "0.19"}, []),
        (EFFECT_ROW, {"se": "0.40"}, [("warning", "se, ci_low, ci_high")]),
        # p-values: z = 0.5 / 0.204 = 2.45, p = 0.014
        (EFFECT_ROW, {"p_operator": "=", "p_value": "0.014"}, []),
        (EFFECT_ROW, {"p_operator": "<", "p_value": "0.05"}, []),
        (EFFECT_ROW, {"p_operator": "=", "p_value": "0.40"}, [("error", P)]),
        (EFFECT_ROW, {"p_operator": ">", "p_value": "0.05"}, [("warning", P)]),
        (EFFECT_ROW, {"p_operator": "=", "p_value": "0.06"}, [("warning", P)]),
        (EFFECT_ROW, {"p_operator": "<", "p_value": "0.0001"}, [("error", P)]),
        (EFFECT_ROW, {"p_operator": "=", "p_value": "0.40", "p_note": "(3 groups)"}, []),
        (EFFECT_ROW, {"p_value": "0.014"}, [("error", P)]),
        (EFFECT_ROW, {"p_operator": "<"}, [("error", P)]),
        (EFFECT_ROW, {"p_note": "n.s."}, []),
        (
            EFFECT_ROW,
            {**NO_INTERVAL, "se": "0.2", "p_operator": "=", "p_value": "0.9"},
            [("error", P)],
        ),
        # p = 0.05 as printed may be 0.049 or 0.051
        (
            EFFECT_ROW,
            {"ci_low": "-1.01", "ci_high": "0.01", "p_operator": "=", "p_value": "0.05"},
            [],
        ),
    ],
)
def test_a_rule_finds_what_it_is_for_and_nothing_else(folder, row, cells, expected):
    problems = found(folder, row, **cells)
    if expected is None:  # one of several rules suffices, but it must be an error
        assert "error" in {severity for severity, _ in problems}
    else:
        assert sorted(problems) == sorted(expected)


def test_limits_in_the_wrong_order_are_named(folder):
    problems = found(folder, EFFECT_ROW, ci_low="-0.10", ci_high="-0.90")
    assert ("error", "ci_low, ci_high") in problems


@pytest.mark.parametrize("column", ["effect", "ci_low", "ci_high"])
def test_a_ratio_that_is_not_positive_is_named(folder, column):
    assert ("error", column) in found(folder, EFFECT_ROW, **RATIO | {column: "0"})


def test_means_that_are_changes_do_not_contradict_an_effect_of_tier_b(folder):
    improvement = {"mean_e": "12.0", "mean_c": "6.0", "favours": "combined"}
    assert found(folder, EFFECT_ROW, **improvement) == []


def test_the_rules_for_intervals_hold_for_published_results_too(folder):
    problem = folder.change("published", 0, ci_low="1.30").only_problem()
    assert (problem.file, problem.line, problem.column) == ("published.csv", 2, INTERVAL)


def test_more_participants_analysed_than_randomised_is_a_warning(folder):
    problem = folder.change("trials", 0, n_randomised="40").only_problem()
    assert (problem.file, problem.line, problem.column) == ("outcomes.csv", 2, "n_e, n_c")
    assert "40 randomised" in problem.expected
    assert folder.change("trials", 0, n_randomised="41").problems() == ()


# Two entries that may be one trial


def twin(folder: SmallFolder, trial: dict[str, str], row: dict[str, str]) -> SmallFolder:
    """Add a trial like Alder 2001 with one row like its own."""
    entry = {**ROWS["trials"][0], "trial_id": "aldr2001", "label": "Alder  2001"} | trial
    outcome = {**ROWS["outcomes"][0], "trial_id": "aldr2001", "row_id": "aldr2001-01"} | row
    return folder.add("trials", entry).add("outcomes", outcome)


def test_entries_with_the_same_arms_the_other_way_round_are_a_warning(folder):
    swapped = {f"{name}_{there}": MEANS[f"{name}_{here}"]
               for name in ("mean", "sd", "n") for here, there in ("ec", "ce")}  # fmt: skip
    assert twin(folder, {}, swapped).only_problem().value == "aldr2001"


def test_rows_known_to_repeat_another_trial_are_no_warning(folder):
    assert twin(folder, {}, {"same_as_row": "alder2001-01"}).problems() == ()


def test_entries_with_the_same_arms_and_a_similar_name_are_a_warning(folder):
    problem = twin(folder, {"label": "Älder et al. 2001"}, {}).only_problem()
    assert (problem.severity, problem.line, problem.value) == ("warning", 6, "aldr2001")
    assert "alder2001" in problem.expected


@pytest.mark.parametrize(
    ("trial", "row"),
    [
        ({"label": "Rowan 2001"}, {}),
        ({"year": "2002"}, {}),
        ({"diagnosis": "ocd"}, {}),
        ({}, {"mean_e": "8.1"}),
        ({"duplicate_of": "alder2001"}, {}),
    ],
)
def test_entries_that_differ_or_are_known_to_be_one_are_no_warning(folder, trial, row):
    assert twin(folder, trial, row).problems() == ()


def test_a_duplicate_must_point_to_an_entry_that_is_none(folder):
    folder = twin(folder, {"duplicate_of": "birch2003"}, {})
    entries = [*ROWS["trials"], {**ROWS["trials"][0], "trial_id": "aldr2001"}]
    entries[1] = {**entries[1], "duplicate_of": "cedar2005"}
    entries[3] = {**entries[3], "duplicate_of": "birch2003", "label": "Rowan 2001"}
    folder.write("trials", entries)
    problem = folder.only_problem()
    assert (problem.severity, problem.column, problem.value) == (
        "error",
        "duplicate_of",
        "birch2003",
    )


# Double extraction


def test_agreement_must_be_what_the_two_readings_say(folder):
    problem = folder.change("double_extraction", 0, second="25").only_problem()
    assert (problem.severity, problem.column, problem.line) == ("error", "agree", 2)
    assert folder.change("double_extraction", 0, second="25", agree="0").problems() == ()
    assert folder.change("double_extraction", 0, second="20.0").problems() == ()


def test_a_first_reading_that_is_not_in_the_table_is_a_warning(folder):
    problem = folder.change("double_extraction", 0, first="24", second="24").only_problem()
    assert (problem.severity, problem.column) == ("warning", "first")
    assert "20" in problem.expected


# The parts


@pytest.mark.parametrize(
    ("text", "half"), [("0.40", 0.005), ("12", 0.5), ("-1.5", 0.05), (".05", 0.005), ("2e1", 5.0)]
)
def test_half_a_unit_of_the_last_digit(text, half):
    assert half_unit(pd.Series([text])).tolist() == pytest.approx([half])


@pytest.mark.parametrize("text", ["", "n.s.", "1,5"])
def test_what_is_no_number_has_no_last_digit(text):
    assert math.isnan(half_unit(pd.Series([text]))[0])


@settings(max_examples=40)
@given(
    effect=st.floats(-2, 2),
    se=st.floats(0.05, 1),
    digits=st.integers(1, 4),
    ratio=st.booleans(),
)
def test_an_honest_interval_is_never_blamed_for_its_rounding(
    tmp_path_factory, effect, se, digits, ratio
):
    """Print a normal-theory result with any number of digits: no rule may object."""
    z = effect / se
    p = math.erfc(abs(z) / math.sqrt(2))
    numbers = np.array([effect, effect - 1.959964 * se, effect + 1.959964 * se])
    printed = [f"{x:.{digits}f}" for x in (np.exp(numbers) if ratio else numbers)]
    if ratio and float(printed[1]) <= 0:
        return  # a limit printed as 0.0 is not a ratio
    folder = SmallFolder(tmp_path_factory.mktemp("honest"))
    cells = {
        "effect": printed[0], "ci_low": printed[1], "ci_high": printed[2], "se": f"{se:.4f}",
        "effect_measure": "hr" if ratio else "smd", "p_operator": "=", "p_value": f"{p:.4f}",
    }  # fmt: skip
    folder.change("outcomes", EFFECT_ROW, **cells)
    report, _ = schema._read(folder.path)
    assert report.problems == ()


@settings(max_examples=25)
@given(shift=st.floats(1.0, 3.0), sign=st.sampled_from([-1, 1]))
def test_an_estimate_moved_out_of_its_interval_is_always_found(tmp_path_factory, shift, sign):
    folder = SmallFolder(tmp_path_factory.mktemp("moved"))
    moved = -0.5 + sign * (0.4 * shift + 0.02)
    folder.change("outcomes", EFFECT_ROW, effect=f"{moved:.2f}")
    assert any(p.column == INTERVAL for p in folder.validate().errors)


def test_direction_is_signed_towards_the_experimental_arm():
    rows = pd.DataFrame([MEANS, EVENTS, EFFECT]).astype(object)
    columns = ["mean_e", "mean_c", "events_e", "events_c", "n_e", "n_c", "pct_e", "pct_c", "effect"]
    numbers = rows.reindex(columns=columns).astype(float)
    words = pd.DataFrame(
        {
            "tier": ["A", "A", "B"],
            "higher_is_better": [0.0, 1.0, np.nan],
            "effect_measure": ["", "", "smd"],
            "favours_experimental_when": ["", "", "lower"],
        }
    )
    values = pd.concat([numbers, words], axis=1)
    assert checks.direction(values).tolist() == [1.0, 1.0, 1.0]
    values["higher_is_better"] = [1.0, 0.0, np.nan]
    values["favours_experimental_when"] = ["", "", "higher"]
    assert checks.direction(values).tolist() == [-1.0, -1.0, -1.0]
    values["higher_is_better"] = np.nan
    values["favours_experimental_when"] = ""
    assert checks.direction(values).isna().all()


def test_the_known_doubtful_rows_of_the_real_data_are_warnings():
    warnings = schema.validate(DATA).warnings
    asked = [p for p in warnings if "standard error entered" in p.expected]
    outcomes = schema.read_tables(DATA)["outcomes"]
    arms = outcomes[["mean_e", "mean_c", "sd_e", "sd_c"]].dropna()
    spread = np.sqrt((arms["sd_e"] ** 2 + arms["sd_c"] ** 2) / 2)
    clearly_large = ((arms["mean_e"] - arms["mean_c"]).abs() / spread > 3.1).sum()
    assert len(asked) >= clearly_large > 0
