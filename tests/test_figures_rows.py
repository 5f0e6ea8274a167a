"""Cumulative, leave-one-out and comparison plots: every row at its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from combined_care import sensitivity
from combined_care.errors import InputError
from combined_care.figures import (
    comparison,
    cumulative,
    describe_comparison,
    describe_cumulative,
    describe_leave_one_out,
    leave_one_out,
)
from combined_care.results import Absent
from figure_checks import COMPARISONS, FIT, VI, YI, assert_texts_fit, ends, named, steps, words

JUDGED = steps(k=2, verdict=["supported", "fragile", "supported"])

# one more, one less


@pytest.mark.parametrize("narrow", [False, True])
def test_each_step_spans_its_interval_in_the_given_order(narrow):
    figure = cumulative(steps(), narrow=narrow)
    (lines,) = named(figure, "step-ci")
    drawn = [(float(s[:, 0].min()), float(s[:, 0].max())) for s in lines.get_segments()]
    low, high = figure.axes[0].get_xlim()
    np.testing.assert_allclose(drawn, np.clip(steps()[["ci_lb", "ci_ub"]], low, high))
    (points,) = named(figure, "step")
    np.testing.assert_allclose(points.get_offsets()[:, 0], [0.5, 0.4, 0.3])
    assert list(points.get_offsets()[:, 1]) == sorted(points.get_offsets()[:, 1])


def test_the_tables_of_the_sensitivity_analyses_can_be_drawn_as_they_are():
    grown = sensitivity.cumulative(YI, VI, order=[3, 1, 2, 6, 5, 4])
    figure = cumulative(grown.table)
    assert f"+ {grown.table['slab'][0]}" in words(figure)
    without = sensitivity.leave_one_out(YI, VI)
    drawn = leave_one_out(without.table, without.full)
    assert len(named(drawn, "step")[0].get_offsets()) == 6


def test_a_step_without_a_number_says_so_and_has_no_mark():
    table = steps().astype({"estimate": object, "ci_lb": object, "ci_ub": object})
    table.loc[0, ["estimate", "ci_lb", "ci_ub"]] = [Absent("one study")] * 3
    figure = cumulative(table)
    assert "not available" in words(figure)
    assert len(named(figure, "step")[0].get_offsets()) == 2
    said = describe_cumulative(table)
    assert "added one by one, from First 1990 (not available (one study)) to Third 2001" in said


def test_without_a_trial_that_changes_the_verdict_the_square_is_open_and_marked():
    figure = leave_one_out(JUDGED, FIT, verdict="supported")
    (points,) = named(figure, "step")
    edge = points.get_edgecolors()[0]
    is_open = [not np.allclose(face, edge) for face in points.get_facecolors()]
    assert is_open == [False, True, False]
    assert words(figure).count("≠ changes") == 1
    plain = words(leave_one_out(JUDGED, FIT))
    assert not any("≠" in word for word in plain)


def test_all_trials_are_a_diamond_and_a_dashed_line_through_every_row():
    figure = leave_one_out(JUDGED, FIT, verdict="supported")
    (diamond,) = named(figure, "pooled")
    assert diamond.get_xy()[:, 0].min() == pytest.approx(FIT.ci_lb)
    assert diamond.get_xy()[:, 0].max() == pytest.approx(FIT.ci_ub)
    assert ends(named(figure, "all-trials")[0]) == [(FIT.estimate, FIT.estimate)]
    assert named(leave_one_out(JUDGED, Absent("x")), "pooled") == []


def test_the_words_say_from_which_step_on_the_interval_excludes_no_effect():
    said = describe_cumulative(steps())
    assert "From Second 1995 on (k = 2) every interval lies on the side that favours" in said
    assert said.endswith("The intervals are not corrected for looking many times.")
    open_end = describe_cumulative(steps(ci_lb=[-0.2, 0.1, -0.1]))
    assert "The interval of all trials includes no effect." in open_end


def test_the_words_say_what_leaving_out_does():
    assert describe_leave_one_out(JUDGED, FIT, verdict="supported") == (
        "Pooled effect without each of 3 trials in turn. It lies between g 0.30 (without Third "
        "2001) and 0.50 (without First 1990). With all trials: g 0.35 [0.11, 0.58]. The verdict "
        "changes without 1 of them (Second 1995)."
    )


def test_steps_need_labels_and_numbers():
    with pytest.raises(InputError, match="table of cumulative results lacks k, ci_ub"):
        cumulative(steps().drop(columns=["k", "ci_ub"]))
    with pytest.raises(InputError, match="lacks slab"):
        cumulative(steps().drop(columns="label"))
    with pytest.raises(InputError, match="has no row: there is nothing to draw"):
        leave_one_out(JUDGED.iloc[:0], FIT)


# ours and theirs


@pytest.mark.parametrize("narrow", [False, True])
def test_ours_is_a_filled_square_above_theirs_an_open_diamond(narrow):
    figure = comparison(COMPARISONS, narrow=narrow)
    (ours,), (theirs,) = named(figure, "ours"), named(figure, "theirs")
    np.testing.assert_allclose(ours.get_offsets()[:, 0], [0.25])
    np.testing.assert_allclose(theirs.get_offsets()[:, 0], [0.31, 0.4])
    assert ours.get_offsets()[0, 1] < theirs.get_offsets()[0, 1]
    assert np.allclose(ours.get_facecolors()[0], ours.get_edgecolors()[0])
    assert not np.allclose(theirs.get_facecolors()[0], theirs.get_edgecolors()[0])
    np.testing.assert_allclose(ends(named(figure, "ours-ci")[0]), [(0.05, 0.45)])
    np.testing.assert_allclose(ends(named(figure, "ours-pi")[0]), [(-0.2, 0.7)])
    np.testing.assert_allclose(ends(named(figure, "theirs-ci")[0]), [(0.2, 0.42)])


def test_what_is_absent_on_either_side_is_said_to_be():
    said = words(comparison(COMPARISONS))
    assert "no pooled effect" in said
    assert "0.40" in said
    unpublished = COMPARISONS.assign(published=np.nan)
    assert "no published effect" in words(comparison(unpublished))


def test_ratios_stand_at_their_logs_and_read_as_ratios():
    table = pd.DataFrame(
        {"label": ["Response"], "estimate": [np.log(1.3)], "ci_lb": [np.log(1.1)],
         "ci_ub": [np.log(1.6)], "published": [np.log(1.25)], "published_ci_lb": [np.log(1.14)],
         "published_ci_ub": [np.log(1.37)]}
    )  # fmt: skip
    figure = comparison(table, measure="RR")
    assert {"1.30 [1.10, 1.60]", "1.25 [1.14, 1.37]"} <= set(words(figure))
    assert named(figure, "ours")[0].get_offsets()[0, 0] == pytest.approx(np.log(1.3))
    assert named(figure, "ours-pi") == []


@pytest.mark.parametrize("narrow", [False, True])
def test_many_rows_with_long_questions_fit(narrow):
    question = "Symptoms of {} at the end of acute treatment, against medication alone"
    table = pd.concat([COMPARISONS] * 4, ignore_index=True)
    table["label"] = [question.format(name) for name in ("depression", "panic") * 4]
    assert_texts_fit(comparison(table, narrow=narrow))


def test_the_words_count_overlaps_and_compare_estimates():
    assert describe_comparison(COMPARISONS) == (
        "Pooled effects of this project beside published ones, 2 rows (SMD), 1 with both. In 1 of "
        "1 the intervals overlap; in 1 our interval holds the published estimate; ours is the "
        "larger in 0."
    )


def test_a_comparison_needs_both_sides():
    with pytest.raises(InputError, match="table of comparisons lacks published_ci_lb"):
        comparison(COMPARISONS.drop(columns="published_ci_lb"))
