"""Published results beside ours: the map that matches them, their direction, and the comparison."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import yaml

from combined_care.claims import load_claims
from combined_care.errors import DataError
from combined_care.evidence import load_evidence
from combined_care.literature import compare_with_published, summarise, to_frame
from combined_care.published_map import Key, load_published_map
from combined_care.results import Absent
from combined_care.synthesis import synthesize
from small_evidence import DATA, events, evidence, means, trial

RULES = next(iter(load_claims().values())).rules
ROW = {
    "review_label": "A 2010", "year": 2010.0, "doi": "10.1000/a", "diagnosis": "mdd",
    "population": "adult", "contrast": "combined vs drug", "outcome": "severity",
    "phase": "acute", "subgroup": "", "k": 5.0, "effect_measure": "g", "effect": 0.5,
    "ci_low": 0.2, "ci_high": 0.8, "source_url": "https://x.example",
}  # fmt: skip
SELECT = {"outcome": "severity", "comparator": ["pharmacotherapy"], "diagnosis": ["mdd"]}
ENTRY = {"select": SELECT, "larger_favours": "combined", "model": "dl-normal"}
MODELS = {"dl-normal": {"method": "DL", "test": "z"}}
GAINS = (0.1, 0.3, 0.9, 0.5)


def small(*rows, outcomes=None):
    """Four trials of 2000 to 2015 with different gains, and published rows."""
    trials = [trial(f"t{i}", year=2000 + 5 * i) for i in range(len(GAINS))]
    given = outcomes or [means(f"t{i}", gain) for i, gain in enumerate(GAINS)]
    published = pd.DataFrame([{**ROW, **row} for row in rows or ({},)])
    return replace(evidence(trials, given), published=published)


def key(row=None):
    return [str({**ROW, **(row or {})}[name]) for name in Key._fields]


def write(folder, entries, **top):
    document = {"schema_version": 1, "models": MODELS, "reasons": {"other": "Not asked."}, **top}
    path = folder / "map.yaml"
    path.write_text(yaml.safe_dump({**document, "rows": entries}), encoding="utf-8")
    return path


def compare(folder, row=None, entry=None, outcomes=None):
    """Compare one published row with the small evidence."""
    known = small(row or {}, outcomes=outcomes)
    path = write(folder, [{"row": key(row), **ENTRY, **(entry or {})}])
    (found,) = compare_with_published(known, RULES, load_published_map(known, path))
    return found


def problems(folder, entries, *rows, **top):
    with pytest.raises(DataError) as caught:
        load_published_map(small(*rows), write(folder, entries, **top))
    return str(caught.value)


def codes(comparison):
    return {reason.code: reason for reason in comparison.likely_reasons}


# ---- the map of the project ---------------------------------------------------------------------


@cache
def project():
    known = load_evidence()
    found = load_published_map(known)
    return found, compare_with_published(known, RULES, found)


def test_every_published_row_is_matched_or_explained():
    with (DATA / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = [Key(*(row[name] for name in Key._fields)) for row in csv.DictReader(file)]
    found, _ = project()
    assert {m.key for m in found.matches} | set(found.unmatched) == set(rows)
    assert len(found.matches) + len(found.unmatched) == len(rows)
    assert all(reason.endswith(".") for reason in found.unmatched.values())


def test_the_key_is_the_one_that_the_data_package_declares():
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    (table,) = (r for r in package["resources"] if r["name"] == "published")
    assert list(Key._fields) == table["schema"]["primaryKey"]


def test_the_same_result_of_a_review_is_compared_once():
    _, comparisons = project()
    seen = [
        (c.review.split(" (")[0], c.question, c.theirs.estimate, c.theirs.ci_lb)
        for c in comparisons
    ]
    assert len(set(map(str, seen))) == len(seen)


def test_a_comparison_of_the_project_can_be_read_back_from_json():
    _, comparisons = project()
    for comparison in comparisons:
        assert type(comparison).from_json(comparison.to_json()) == comparison


def test_the_summary_of_the_project_adds_up():
    found, comparisons = project()
    summary = summarise(comparisons, found)
    assert summary.rows == summary.matched + sum(summary.unmatched.values())
    assert summary.matched == summary.comparable + sum(summary.not_comparable.values())
    assert 0 < max(summary.inside, summary.inside_theirs) <= summary.overlap <= summary.comparable


# ---- what the loader refuses --------------------------------------------------------------------


def test_a_missing_row_a_row_that_stands_twice_and_one_that_does_not_exist_are_all_named(tmp_path):
    absent, twice = {"subgroup": "severe"}, {"row": key(), "reason": "other"}
    message = problems(tmp_path, [twice, twice, {"row": key({"outcome": "x"})}], {}, absent)
    assert "3 problem(s)" in message
    assert "the row stands twice" in message
    assert (
        "no entry for the row: A 2010, mdd, adult, combined vs drug, severity, acute, severe"
        in (message)
    )
    assert "published.csv has no row with the key" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"larger_favours": "us"}, "larger_favours: 'us' is not one of combined, comparator"),
        ({"model": "bayes"}, "model: 'bayes' is not one of dl-normal, unknown"),
        ({"synthesis": "narrative"}, "synthesis: 'narrative' is not one of"),
        ({"k_is_of_contrast": "no"}, "k_is_of_contrast: 'no' is not one of True, False"),
        ({"rating": ["nurse"]}, "rating: 'nurse' is not one of"),
        ({"instrument": "("}, "instrument is no regular expression"),
        ({"select": {**SELECT, "measure": "OR"}}, "the measure is the row's own, 'g'"),
        ({"select": {**SELECT, "comparator": ["drug"]}}, "unknown comparator: 'drug'"),
        ({"select": {**SELECT, "colour": ["red"]}}, "unknown trial column: 'colour'"),
        ({"select": {**SELECT, "diagnosis": ["mood"]}}, "unknown diagnosis: 'mood'"),
    ],
)
def test_an_entry_with_an_unknown_word_is_refused(tmp_path, change, said):
    assert said in problems(tmp_path, [{"row": key(), **ENTRY, **change}])


def test_an_entry_without_a_direction_or_with_an_unknown_reason_is_refused(tmp_path):
    bare = {"row": key(), "select": SELECT}
    assert "missing larger_favours, model, or a reason" in problems(tmp_path, [bare])
    assert "reason: 'why' is not one of other" in problems(
        tmp_path, [{"row": key(), "reason": "why"}]
    )


def test_a_row_in_a_measure_that_we_do_not_have_cannot_be_matched(tmp_path):
    row = {"effect_measure": "beta"}
    message = problems(tmp_path, [{"row": key(), **ENTRY}], row)
    assert "no measure of ours is its effect_measure 'beta'" in message


def test_a_model_that_we_do_not_know_is_refused(tmp_path):
    entries = [{"row": key(), "reason": "other"}]
    message = problems(tmp_path, entries, models={"m": {"method": "XX", "test": "z"}})
    assert "model m: method: 'XX' is not one of" in message


# ---- the comparison -----------------------------------------------------------------------------


def test_ours_is_the_projects_model_and_also_pooled_their_way(tmp_path):
    found = compare(tmp_path)
    yi, vi = found.ours.yi, found.ours.vi
    assert found.ours == synthesize(yi, vi, method="REML", test="knha", slab=found.ours.slab)
    theirs = synthesize(yi, vi, method="DL", test="z", slab=found.ours.slab)
    assert found.ours_their_method == theirs
    assert found.difference == pytest.approx(found.ours.estimate - 0.5)
    assert found.trials == ("t0", "t1", "t2", "t3")
    assert found.smallest_effect == RULES.smallest_effect


def test_a_model_that_is_not_known_leaves_ours_as_it_is(tmp_path):
    found = compare(tmp_path, entry={"model": "unknown"})
    assert found.ours_their_method == found.ours
    assert found.their_method == "not known"


def test_a_larger_number_that_favours_the_comparator_turns_estimate_and_interval(tmp_path):
    found = compare(tmp_path, entry={"larger_favours": "comparator"}).theirs
    assert (found.estimate, found.ci_lb, found.ci_ub) == (-0.5, -0.8, -0.2)


def test_a_ratio_is_a_log_inside_and_a_ratio_where_it_is_shown(tmp_path):
    row = {"effect_measure": "or", "effect": 0.5, "ci_low": 0.25, "ci_high": 0.8}
    select = {**SELECT, "outcome": "response"}
    outcomes = [events(f"t{i}", 20 + i, 15, 40) for i in range(4)]
    turned = {"select": select, "larger_favours": "comparator"}
    found = compare(tmp_path, row, turned, outcomes)
    assert found.measure == "OR"
    assert found.theirs.estimate == pytest.approx(np.log(2))
    assert found.theirs.ci_ub == pytest.approx(np.log(4))
    shown = to_frame([found]).iloc[0]
    assert (shown["theirs"], shown["theirs_ci_ub"]) == pytest.approx((2, 4))
    assert shown["ours"] == pytest.approx(np.exp(found.ours.estimate))
    assert "odds ratio 2.00" in str(found)


@pytest.mark.parametrize(
    ("effect", "low", "high", "inside", "overlap", "same"),
    [
        (0.45, 0.30, 0.60, True, True, True),
        (3.00, 2.90, 3.10, False, False, True),
        (-0.1, -0.3, 0.10, False, True, False),
    ],
)
def test_inside_overlap_and_direction(tmp_path, effect, low, high, inside, overlap, same):
    row = {"effect": effect, "ci_low": low, "ci_high": high}
    found = compare(tmp_path, row)
    assert (found.inside, found.overlap, found.same_direction) == (inside, overlap, same)
    assert found.inside_theirs == (low <= found.ours.estimate <= high)
    assert found.inside_prediction == (found.ours.pi_lb <= effect <= found.ours.pi_ub)


def test_without_an_interval_what_needs_it_is_absent_and_the_rest_is_answered(tmp_path):
    found = compare(tmp_path, {"ci_high": np.nan, "k": np.nan})
    assert isinstance(found.theirs.ci_lb, Absent)
    assert isinstance(found.theirs.k, Absent)
    assert isinstance(found.overlap, Absent)
    assert found.inside is True
    assert found.obstacle == "the review gives no full interval"
    assert not found.comparable


def test_without_an_estimate_intervals_still_overlap(tmp_path):
    found = compare(tmp_path, {"effect": np.nan})
    assert isinstance(found.difference, Absent)
    assert found.overlap is True
    assert found.obstacle == "the review gives no estimate"


def test_without_a_trial_of_ours_the_reason_is_said(tmp_path):
    none = {"select": {**SELECT, "comparator": ["placebo"]}}
    found = compare(tmp_path, entry=none)
    assert isinstance(found.ours, Absent)
    assert found.obstacle == "no trial with usable numbers"
    assert isinstance(found.inside, Absent)
    assert "Ours is not available (no trial with usable numbers)" in str(found)


def test_too_few_trials_of_ours_are_shown_and_not_counted(tmp_path):
    outcomes = [means("t0", 0.1), means("t1", 0.3)]
    found = compare(tmp_path, outcomes=outcomes)
    assert found.ours.k == 2
    assert found.obstacle == "fewer than 3 trials of ours"


# ---- likely reasons -----------------------------------------------------------------------------


def test_the_numbers_of_trials_are_set_side_by_side_only_when_they_count_the_same(tmp_path):
    assert codes(compare(tmp_path))["trials"].values == {"theirs": 5, "ours": 4}
    assert "trials" not in codes(compare(tmp_path, {"k": 4.0}))
    whole = compare(tmp_path, entry={"k_is_of_contrast": False})
    assert "trials" not in codes(whole)
    assert isinstance(whole.theirs.k, Absent)


def test_trials_newer_than_the_review_are_counted_and_taken_out(tmp_path):
    reason = codes(compare(tmp_path))["newer"]  # 2015 against 2010
    kept = compare(tmp_path, outcomes=[means(f"t{i}", g) for i, g in enumerate(GAINS[:3])])
    assert reason.values == {"newer": 1, "estimate_without": kept.ours.estimate}
    assert "1 of our 4 trials is newer than the review" in str(reason)
    assert "newer" not in codes(compare(tmp_path, {"year": 2015.0}))
    assert "newer" not in codes(compare(tmp_path, {"year": np.nan}))


def test_trials_that_cannot_be_pooled_are_counted(tmp_path):
    outcomes = [means(f"t{i}", g) for i, g in enumerate(GAINS[:3])]
    outcomes += [means("t3", 0.5, tier="D")]
    values = codes(compare(tmp_path, outcomes=outcomes))["unpooled"].values
    assert values == {"unpooled": 1, "direction_only": 1}


def test_the_model_reason_says_how_far_our_estimate_moves(tmp_path):
    found = compare(tmp_path)
    moved = codes(found)["model"].values["moved"]
    assert moved == pytest.approx(found.ours_their_method.estimate - found.ours.estimate)
    assert "DerSimonian and Laird, a normal interval" in str(codes(found)["model"])


def test_converted_effects_and_differences_of_the_question_are_named(tmp_path):
    entry = {"synthesis": "network", "note": "Improvement is compared with response."}
    select = {**SELECT, "outcome": "efficacy"}
    outcomes = [*(means(f"t{i}", 0.4) for i in range(3)), events("t3", 20, 15, 40)]
    found = codes(compare(tmp_path, entry={**entry, "select": select}, outcomes=outcomes))
    assert found["converted"].values == {"converted": 1}
    assert "indirect" in str(found["synthesis"])
    assert str(found["definition"]) == entry["note"]


def test_instrument_and_rating_narrow_our_rows(tmp_path):
    outcomes = [means(f"t{i}", g) for i, g in enumerate(GAINS)]
    outcomes[3] = means("t3", 0.5, instrument="BDI", rating="self")
    by_scale = compare(tmp_path, entry={"instrument": "^bdi"}, outcomes=outcomes)
    by_rating = compare(tmp_path, entry={"rating": ["self"]}, outcomes=outcomes)
    assert by_scale.trials == by_rating.trials == ("t3",)
    assert "rows" in codes(by_scale)


def test_the_question_is_in_the_words_for_readers():
    _, comparisons = project()
    (found,) = (c for c in comparisons if c.review == "Cuijpers 2010 active medication")
    assert found.question == (
        "combined treatment against psychotherapy with a pill placebo; major depression, adults or"
        " older adults; severity; end of acute treatment; design: both treatments begin together"
    )


def test_an_empty_list_of_comparisons_gives_an_empty_frame():
    assert to_frame(()).empty
