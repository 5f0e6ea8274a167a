"""Severity at entry, derived from means before treatment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import combined_care as cc
from combined_care.errors import DataError
from combined_care.severity import (
    CLASSES,
    baseline_means,
    compare_ratings,
    compare_with_codes,
    derive_severity,
    load_severity_rule,
    moved_by_diagnosis,
)
from small_evidence import PACKAGE, means, trial

FILE = Path(__file__).parents[1] / "data" / "severity.yaml"
RULE = load_severity_rule(FILE)


def row(trial_id: str, e: tuple[float, int], c: tuple[float, int], **changes: Any) -> dict:
    """One severity row whose arms have the given (mean before treatment, people)."""
    before = {"baseline_mean_e": e[0], "baseline_sd_e": 4.0, "n_e": float(e[1]),
              "baseline_mean_c": c[0], "baseline_sd_c": 4.0, "n_c": float(c[1])}  # fmt: skip
    return {**means(trial_id, 0.3), **before, **changes}


def derive(trials, rows, rule=RULE):
    found = derive_severity(pd.DataFrame(trials), pd.DataFrame(rows), rule)
    return dict(zip(found["trial_id"], found["severity"], strict=True)), found


def test_a_coded_trial_keeps_its_code_and_an_unclear_one_gets_the_class_of_its_mean():
    trials = [trial("a", severity="mild_moderate"), trial("b"), trial("c")]
    severity, found = derive(trials, [row("a", (25, 30), (25, 30)), row("b", (25, 30), (24, 30))])
    assert severity == {"a": "mild_moderate", "b": "severe", "c": "unclear"}
    assert list(found["severity_basis"]) == [
        "coded",
        "derived: HDRS-17 mean before treatment 24.5 (n = 60, 2 arms), 24 or above",
        "unclear: no usable mean before treatment on a scale with cut-offs",
    ]


@pytest.mark.parametrize(
    ("mean", "severity"),
    [(7.9, "unclear"), (8, "mild_moderate"), (16.9, "mild_moderate"), (17, "moderate"),
     (23.9, "moderate"), (24, "severe")],
)  # fmt: skip
def test_a_class_begins_at_its_first_score(mean, severity):
    found, frame = derive([trial("a")], [row("a", (mean, 20), (mean, 20))])
    assert found["a"] == severity
    assert ("below 8" in frame.loc[0, "severity_basis"]) == (severity == "unclear")


def test_the_mean_is_weighted_by_the_people_of_the_arms():
    rows = pd.DataFrame([row("a", (20, 30), (26, 10))])
    found = baseline_means(pd.DataFrame([trial("a")]), rows, RULE)
    assert found.loc[0, "mean"] == pytest.approx(21.5)
    assert (found.loc[0, "n"], found.loc[0, "arms"]) == (40, 2)


def test_a_shared_arm_counts_once_also_when_two_rows_give_it_different_sizes():
    rows = [
        row("a", (20, 30), (26, 10)),
        row("a", (20, 28), (24, 10), comparator="psychotherapy", row_id="a-02"),
    ]
    found = baseline_means(pd.DataFrame([trial("a")]), pd.DataFrame(rows), RULE)
    assert (found.loc[0, "n"], found.loc[0, "arms"]) == (50, 3)
    assert found.loc[0, "mean"] == pytest.approx((20 * 30 + 26 * 10 + 24 * 10) / 50)


def test_arms_with_the_same_numbers_and_different_treatments_are_two_arms():
    rows = [
        row("a", (20, 30), (18, 23), treatment_c="ipt"),
        row("a", (20, 30), (18, 26), treatment_c="sup", row_id="a-02"),
    ]
    found = baseline_means(pd.DataFrame([trial("a")]), pd.DataFrame(rows), RULE)
    assert (found.loc[0, "n"], found.loc[0, "arms"]) == (79, 3)


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.floats(8, 40), st.integers(2, 500)), min_size=2, max_size=4), st.data()
)
def test_repeating_or_reordering_rows_changes_nothing(arms, data):
    kinds = ["combined", "pharmacotherapy", "psychotherapy", "placebo"]
    rows = [
        row("a", arms[0], arm, comparator=kind, row_id=f"a-{i}")
        for i, (arm, kind) in enumerate(zip(arms[1:], kinds[1:], strict=False))
    ]
    again = data.draw(st.permutations(rows + rows))
    trials = pd.DataFrame([trial("a")])
    first = baseline_means(trials, pd.DataFrame(rows), RULE)
    second = baseline_means(trials, pd.DataFrame(again), RULE)
    pd.testing.assert_frame_equal(first, second)


def test_instruments_decide_in_the_order_of_the_file():
    rows = [row("a", (30, 20), (30, 20), instrument="MADRS"), row("a", (25, 20), (25, 20))]
    assert derive([trial("a")], rows)[0]["a"] == "severe"
    assert derive([trial("a")], rows[:1])[0]["a"] == "moderate"


def test_questionnaires_decide_only_when_the_rule_says_so():
    rows = [row("a", (30, 20), (30, 20), instrument="bdi-2", rating="self")]
    assert derive([trial("a")], rows)[0]["a"] == "unclear"
    more = replace(RULE, ratings=("clinician", "self"))
    assert derive([trial("a")], rows, more)[0]["a"] == "severe"


@pytest.mark.parametrize(
    "changes",
    [{"population": "child_adolescent"}, {"diagnosis": "ocd"}],
)
def test_cut_offs_hold_for_their_population_and_diagnosis_only(changes):
    assert derive([trial("a", **changes)], [row("a", (25, 20), (25, 20))])[0]["a"] == "unclear"


@pytest.mark.parametrize("instrument", ["hdrs", "bdi", "pdss", "cgi"])
def test_a_scale_without_cut_offs_or_without_its_version_is_not_guessed(instrument):
    rows = [row("a", (25, 20), (25, 20), instrument=instrument)]
    assert derive([trial("a")], rows)[0]["a"] == "unclear"


def test_values_after_treatment_that_stand_as_baseline_are_not_used():
    repeated = {"mean_e": 9.0, "sd_e": 4.0, "mean_c": 11.0, "sd_c": 4.0}
    severity, frame = derive([trial("a")], [row("a", (9.0, 20), (11.0, 20), **repeated)])
    assert severity["a"] == "unclear"
    assert "no usable mean" in frame.loc[0, "severity_basis"]


def test_an_arm_without_a_mean_or_without_people_is_left_out():
    rows = [row("a", (np.nan, 20), (25, 20)), row("b", (25, 20), (20, 20), n_e=np.nan)]
    found = baseline_means(pd.DataFrame([trial("a"), trial("b")]), pd.DataFrame(rows), RULE)
    assert list(found["mean"]) == [25.0, 20.0]
    assert list(found["arms"]) == [1, 1]


def test_data_without_any_baseline_leave_every_trial_as_it_is():
    rows = [row("a", (np.nan, 20), (np.nan, 20))]
    severity, _ = derive([trial("a", severity="severe"), trial("b")], rows)
    assert severity == {"a": "severe", "b": "unclear"}


def test_comparisons_list_what_they_compare():
    trials = pd.DataFrame([trial("a", severity="severe"), trial("b"), trial("c")])
    rows = pd.DataFrame(
        [
            row("a", (20, 20), (20, 20)),
            row("b", (20, 20), (20, 20)),
            row("b", (30, 20), (30, 20), instrument="bdi-ii", row_id="b-02"),
        ]
    )
    coded = compare_with_codes(trials, rows, RULE)
    assert coded[["trial_id", "coded", "derived"]].to_numpy().tolist() == [
        ["a", "severe", "moderate"]
    ]
    ratings = compare_ratings(trials, rows, RULE)
    assert ratings.to_numpy().tolist() == [["b", "moderate", "severe"]]
    moved = moved_by_diagnosis(trials, derive_severity(trials, rows, RULE))
    assert moved.loc[0, ["trials", "coded", "derived", "unclear"]].tolist() == [3, 1, 1, 1]
    assert moved.loc[0, "derived_moderate"] == 1


def test_the_rule_uses_words_that_the_data_know():
    vocabulary = {
        field["name"]: field["constraints"]["enum"]
        for resource in PACKAGE["resources"]
        if resource["name"] in ("trials", "outcomes")
        for field in resource["schema"]["fields"]
        if "enum" in field.get("constraints", {})
    }
    assert set(vocabulary["severity"]) == {*CLASSES, "unclear"}
    assert set(RULE.populations) <= set(vocabulary["population"])
    assert set(RULE.ratings) <= set(vocabulary["rating"])
    for instrument in RULE.instruments:
        assert set(instrument.diagnoses) <= set(vocabulary["diagnosis"])
        assert instrument.names == tuple(name.lower() for name in instrument.names)


def test_every_cut_off_has_a_source():
    assert all(instrument.source for instrument in RULE.instruments)
    without_doi = [i.id for i in RULE.instruments if not i.doi]
    assert without_doi == ["BDI-II"]  # a manual


# Cut-offs as the abstracts of their sources state them.
@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("HDRS-17", {"mild_moderate": 8, "moderate": 17, "severe": 24}),
        ("MADRS", {"mild_moderate": 7, "moderate": 20, "severe": 31}),
        ("BDI-II", {"mild_moderate": 14, "moderate": 20, "severe": 29}),
        ("PHQ-9", {"mild_moderate": 5, "moderate": 10, "moderate_severe": 15, "severe": 20}),
        ("Y-BOCS", {"mild_moderate": 0, "moderate": 14, "moderate_severe": 26, "severe": 35}),
        ("HAM-A", {"mild_moderate": 8, "moderate": 15, "severe": 24}),
    ],
)
def test_cut_offs_are_those_of_the_source(name, classes):
    assert {i.id: dict(i.classes) for i in RULE.instruments}[name] == classes


def test_on_the_real_data_no_code_is_changed_and_questionnaires_lean_to_the_severe_side():
    evidence = cc.load_evidence()
    found = derive_severity(evidence.trials, evidence.outcomes, RULE)
    coded = evidence.trials["severity"].astype(str) != "unclear"
    pd.testing.assert_series_equal(
        found.loc[coded, "severity"], evidence.trials.loc[coded, "severity"].astype(str),
        check_dtype=False,
    )  # fmt: skip
    derived = found["severity_basis"].str.startswith("derived")
    assert derived.any()
    assert set(found.loc[derived, "severity"]) <= set(CLASSES)
    # What severity.yaml says about questionnaires.
    both = compare_ratings(evidence.trials, evidence.outcomes, RULE)
    order = {name: i for i, name in enumerate(CLASSES)}
    gap = both["self"].map(order) - both["clinician"].map(order)
    assert (gap > 0).sum() > 2 * (gap < 0).sum()


def test_all_problems_of_the_file_are_listed_at_once(tmp_path):
    given_ = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    given_["ratings"] = ["nurse"]
    first, second, third, *_ = given_["instruments"]
    first["rating"] = "patient"
    second["classes"] = {"moderate": 20, "mild_moderate": 7, "awful": 40}
    second["names"] = ["hdrs-17"]
    del third["source"]
    third["colour"] = "red"
    file = tmp_path / "severity.yaml"
    file.write_text(yaml.safe_dump(given_), encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_severity_rule(file)
    message = str(error.value)
    for part in (
        *("7 problem(s)", "unknown 'nurse'", "'patient' is not one of", "class 'awful'"),
        *("must rise", "a name of instrument 1", "missing source", "unknown colour"),
    ):
        assert part in message


def test_a_file_without_its_parts_is_refused(tmp_path):
    file = tmp_path / "severity.yaml"
    file.write_text("schema_version: 1\n", encoding="utf-8")
    with pytest.raises(DataError, match="missing instruments"):
        load_severity_rule(file)
