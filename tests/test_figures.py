"""The forest plot: what is drawn is read back from the artists, never from a picture."""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection

from combined_care.errors import InputError
from combined_care.figures import describe_forest, forest, forest_key, style, to_svg
from combined_care.results import Absent
from combined_care.synthesis import synthesize
from figure_checks import FIT, VI, YI, assert_texts_fit, ends, named, trials, words

LEVELS = pd.DataFrame({"name": ["b", "a"], "estimate": [0.2, 0.4], "ci_lb": 0.1, "ci_ub": 0.6})


@pytest.mark.parametrize("narrow", [False, True])
def test_each_line_spans_the_interval_of_its_trial_and_each_square_stands_on_its_effect(narrow):
    frame = trials()
    figure = forest(frame, FIT, narrow=narrow)
    (lines,) = named(figure, "study-ci")
    np.testing.assert_allclose(ends(lines), frame[["ci_lb", "ci_ub"]])
    (squares,) = named(figure, "study-estimate")
    np.testing.assert_allclose(squares.get_offsets()[:, 0], YI)
    heights = [float(s[0, 1]) for s in lines.get_segments()]
    np.testing.assert_allclose(squares.get_offsets()[:, 1], heights)
    assert heights == sorted(heights)


def test_the_diamond_spans_the_confidence_interval_and_peaks_at_the_estimate():
    (diamond,) = named(forest(trials(), FIT), "pooled")
    corners = diamond.get_xy()
    assert corners[:, 0].min() == pytest.approx(FIT.ci_lb)
    assert corners[:, 0].max() == pytest.approx(FIT.ci_ub)
    top = corners[np.argmin(corners[:, 1])]
    assert top[0] == pytest.approx(FIT.estimate)


def test_the_prediction_interval_is_drawn_unlike_the_confidence_interval():
    figure = forest(trials(), FIT)
    (line,) = named(figure, "pi")
    assert line.get_xdata() == pytest.approx([FIT.pi_lb, FIT.pi_ub])
    assert line.is_dashed()
    assert line.get_color() != named(figure, "pooled")[0].get_facecolor()
    assert line.get_ydata()[0] > named(figure, "pooled")[0].get_xy()[:, 1].max()
    assert "95 % prediction interval" in words(figure)


def test_two_trials_have_a_diamond_and_say_that_there_is_no_prediction_interval():
    fit = synthesize([0.2, 0.6], [0.03, 0.05])
    figure = forest(trials([0.2, 0.6], [0.03, 0.05]), fit)
    assert len(named(figure, "pooled")) == 1
    assert named(figure, "pi") == []
    assert "not available" in words(figure)


@pytest.mark.parametrize("fit", [synthesize([0.2], [0.03]), Absent("no model")])
def test_one_trial_stands_alone(fit):
    figure = forest(trials([0.2], [0.03]), fit)
    assert named(figure, "pooled") == named(figure, "pi") == []
    assert len(named(figure, "study-ci")) == 1
    assert not any("%" in word and "[" not in word for word in words(figure))


def test_squares_grow_with_the_weight():
    (squares,) = named(forest(trials(), FIT), "study-estimate")
    assert list(np.argsort(squares.get_sizes())) == list(np.argsort(FIT.weights))


def test_an_effect_converted_from_an_odds_ratio_has_an_open_square():
    frame = trials(converted=[True, False, True, False, False, False])
    (squares,) = named(forest(frame, FIT), "study-estimate")
    edge = squares.get_edgecolors()[0]
    is_open = [not np.allclose(face, edge) for face in squares.get_facecolors()]
    assert is_open == list(frame.converted)


def test_the_line_of_no_effect_and_the_smallest_effect_stand_where_they_should():
    figure = forest(trials(), FIT, smallest=0.24)
    assert {pair[0] for pair in ends(named(figure, "null")[0])} == {0.0}
    assert {pair[0] for pair in ends(named(figure, "smallest-effect")[0])} == {0.24}
    assert (
        named(forest(trials(), FIT, smallest=Absent("none on this scale")), "smallest-effect") == []
    )


def test_ratios_are_read_on_their_natural_scale_at_the_log_position():
    figure = forest(trials(), FIT, measure="OR")
    axes = figure.axes[0]
    labels = [tick.get_text() for tick in axes.get_xticklabels()]
    places = list(axes.get_xticks())
    assert "1" in labels
    assert [float(np.exp(p)) for p in places] == pytest.approx([float(t) for t in labels], abs=0.01)
    assert style.effect_text(0.3, (FIT.ci_lb, FIT.ci_ub), "OR").startswith("1.35 [")
    assert f"{np.exp(YI[3]):.2f} [" in " ".join(words(figure))
    assert any("above 1 is better" in word for word in words(figure))


def test_an_interval_that_leaves_the_plot_ends_in_an_arrow_and_keeps_its_numbers():
    yi, vi = [*YI, 0.2], [*VI, 9.0]
    frame = trials(yi, vi)
    figure = forest(frame, synthesize(yi, vi))
    low, high = figure.axes[0].get_xlim()
    assert low > frame.ci_lb.min()
    cut = [a for a in named(figure, "cut") if isinstance(a, PathCollection)]
    assert sorted(float(x) for a in cut for x in a.get_offsets()[:, 0]) == [low, high]
    assert style.effect_text(0.2, (frame.ci_lb[6], frame.ci_ub[6]), "SMD") in words(figure)


def test_the_sides_are_named_for_whom_they_favour():
    figure = forest(trials(), FIT, favours=("medication alone", "combined treatment"))
    left, right = named(figure, "favours")
    assert left.get_text() == "← favours medication alone"
    assert right.get_text() == "favours combined treatment →"
    assert left.get_window_extent(FigureCanvasAgg(figure).get_renderer()).x1 <= (
        right.get_window_extent(FigureCanvasAgg(figure).get_renderer()).x0
    )


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("measure", ["SMD", "OR"])
def test_long_names_neither_leave_the_figure_nor_cover_another_text(narrow, measure):
    frame = trials(
        label=[f"A very long name of a trial and its authors {i}" for i in range(6)],
        low_risk_items=[0, 1, 2, 3, 4, np.nan],
    )
    sides = ("medication with an attention control", "psychotherapy and medication")
    assert_texts_fit(forest(frame, FIT, measure=measure, favours=sides, narrow=narrow))


def test_drawing_changes_neither_the_data_nor_global_settings():
    frame, before = trials(), dict(mpl.rcParams)
    copy = frame.copy(deep=True)
    to_svg(forest(frame, FIT), name="f", title="t", description="d")
    pd.testing.assert_frame_equal(frame, copy)
    assert dict(mpl.rcParams) == before


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.floats(0.001, 4)), min_size=1, max_size=8
    )
)  # fmt: skip
def test_every_effect_is_inside_the_plot_and_every_trial_is_counted_once(pairs):
    yi, vi = (list(values) for values in zip(*pairs, strict=True))
    frame = trials(yi, vi)
    figure = forest(frame, synthesize(yi, vi))
    low, high = figure.axes[0].get_xlim()
    assert low < min([*yi, 0])
    assert high > max([*yi, 0])
    said = describe_forest(frame, Absent("x"))
    better, worse, between = map(
        int, re.search(r"(\d+) of \d+ .* combined treatment, (\d+) .*, (\d+) incl", said).groups()
    )
    assert better + worse + between == len(yi)


def test_the_text_alternative_has_the_numbers_of_the_result():
    said = describe_forest(trials(), FIT, favours=("medication alone", "combined treatment"))
    assert said == (
        "Forest plot of 6 trials. 2 of 6 confidence intervals lie wholly on the side that favours "
        "combined treatment, 0 on the side that favours medication alone, 4 include no effect. "
        "Effects range from g 0.10 to 0.65. Pooled: g 0.35 [0.11, 0.58]. "
        "Prediction interval −0.18 to 0.87."
    )


def test_the_text_alternative_says_what_is_missing_and_why():
    pair = describe_forest(trials(YI[:2], VI[:2]), synthesize(YI[:2], VI[:2]))
    assert "Prediction interval not available (not estimable from fewer than 3 trials)." in pair
    one = describe_forest(trials(YI[:1], VI[:1]), synthesize(YI[:1], VI[:1]))
    assert one.startswith("Forest plot of 1 trial.")
    assert "Pooled" not in one


# groups and risk of bias


def test_groups_come_in_the_order_of_their_levels_each_with_its_diamond_at_its_interval():
    figure = forest(trials(level=list("ababab")), FIT, by="level", levels=LEVELS)
    heights = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    order = ["B", "Author 2001", "Author 2005", "Author 2000", "Author 2004", "Pooled, 6 trials"]
    assert sorted(order, key=heights.get) == order
    diamonds = [diamond.get_xy() for diamond in named(figure, "level")]
    assert [(d[:, 0].min(), d[:, 0].max()) for d in diamonds] == [(0.1, 0.6), (0.1, 0.6)]
    peaks = [d[np.argmin(d[:, 1])][0] for d in diamonds]
    assert peaks == pytest.approx([0.2, 0.4])
    (squares,) = named(figure, "study-estimate")
    order = [1, 3, 5, 0, 2, 4]
    np.testing.assert_allclose(squares.get_offsets()[:, 0], np.array(YI)[order])
    assert list(np.argsort(squares.get_sizes())) == list(np.argsort(FIT.weights[order]))


def test_a_level_that_is_not_pooled_is_shown_last_and_said_not_to_be():
    frame = trials(level=["a", "b", "c", "a", "b", ""])
    figure = forest(frame, FIT, by="level", levels=LEVELS, titles={"a": "adults"})
    assert len(named(figure, "level")) == 2
    assert words(figure).count("not pooled") == 2
    said = describe_forest(frame, FIT, by="level", levels=LEVELS, titles={"a": "adults"})
    assert "B, 2 trials: g 0.20 [0.10, 0.60]. Adults, 2 trials: g 0.40 [0.10, 0.60]." in said
    assert "C, 1 trial: not pooled. Not recorded, 1 trial: not pooled." in said


def test_levels_need_the_column_that_holds_them():
    with pytest.raises(InputError, match="levels are given without by"):
        forest(trials(), FIT, levels=LEVELS)
    with pytest.raises(InputError, match="no column 'age' to group by; it has label, yi"):
        forest(trials(), FIT, by="age")


@pytest.mark.parametrize("narrow", [False, True])
def test_risk_of_bias_is_a_disc_and_a_number_and_unrated_trials_have_a_question_mark(narrow):
    frame = trials(low_risk_items=[0, 1, 2, 3, 4, np.nan])
    figure = forest(frame, FIT, narrow=narrow)
    outlines, *parts = named(figure, "risk-of-bias")
    assert len(outlines.get_offsets()) == 5
    quarters = [part.get_paths()[0].to_polygons()[0] for part in parts]
    areas = [abs(np.sum(q[:-1, 0] * q[1:, 1] - q[1:, 0] * q[:-1, 1])) / 2 for q in quarters]
    np.testing.assert_allclose(np.array(areas) / areas[-1], [0.25, 0.5, 0.75, 1.0], atol=0.03)
    said = words(figure)
    assert all(word in said for word in ("0", "1", "2", "3", "4", "?"))


def test_the_key_explains_the_marks_that_the_figure_has_and_no_others():
    bare = trials().drop(columns=["tier", "rating", "converted"])
    assert forest_key(bare, Absent("x")) == "Squares: trials."
    full = forest_key(trials(converted=True, low_risk_items=2), FIT, smallest=0.24, by="tier")
    for word in ("open square", "open diamond", "dashed", "dotted", "letters A to D", "disc"):
        assert word in full
    assert "dotted" not in forest_key(trials(), FIT, smallest=Absent("none on this scale"))
