"""Funnel and specification curve: what is drawn is what was given."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.figures import (
    Choice,
    describe_funnel,
    describe_specification_curve,
    funnel,
    specification_curve,
    to_svg,
)
from combined_care.figures.funnel import region_words
from combined_care.figures.specifications import curve_of
from combined_care.results import Absent
from figure_checks import (
    CHOICES,
    FIT,
    VI,
    YI,
    assert_texts_fit,
    named,
    shown_texts,
    specifications,
    trials,
    words,
)

# funnel


def test_each_trial_stands_at_its_effect_and_its_standard_error_with_the_large_on_top():
    figure = funnel(trials(), FIT)
    (points,) = named(figure, "trials")
    np.testing.assert_allclose(points.get_offsets(), np.column_stack([YI, np.sqrt(VI)]))
    bottom, top = points.axes.get_ylim()
    assert bottom > max(np.sqrt(VI))
    assert top == 0
    (line,) = named(figure, "pooled")
    assert set(line.get_xdata()) == {FIT.estimate}


@pytest.mark.parametrize(
    ("z", "region"),
    # Two-sided p of a normal z: 0.100 at 1.645, 0.050 at 1.960, 0.010 at 2.576.
    [(0.0, "above 0.10"), (1.64, "above 0.10"), (1.65, "0.05 to 0.10"), (-1.95, "0.05 to 0.10"),
     (1.97, "0.01 to 0.05"), (2.57, "0.01 to 0.05"), (-2.58, "below 0.01")],
)  # fmt: skip
def test_regions_meet_at_the_usual_p_values(z, region):
    assert region_words(0.2 * z, 0.04) == f"p {region}"


def test_shaded_regions_begin_at_their_contour_meet_and_end_at_the_edge_of_the_plot():
    figure = funnel(trials(), FIT)
    low, high = named(figure, "trials")[0].axes.get_xlim()
    right = [patch for patch in named(figure, "contour") if patch.get_xy()[:, 0].max() > 0]
    assert len(right) == 3
    spots = np.random.default_rng(1).uniform((0, 0), (high, 0.22), (500, 2))
    for patch, near, far in zip(
        right, (1.6449, 1.9600, 2.5758), (1.9600, 2.5758, np.inf), strict=True
    ):
        ratio = spots[:, 0] / spots[:, 1]
        clear = np.abs(ratio[:, None] - [near, far]).min(axis=1) > 0.01
        inside = patch.get_path().contains_points(spots)
        np.testing.assert_array_equal(inside[clear], ((ratio > near) & (ratio < far))[clear])
    assert min(p.get_xy()[:, 0].min() for p in named(figure, "contour")) == low


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.001, 4)), min_size=1, max_size=8)
)  # fmt: skip
def test_every_trial_is_inside_the_funnel_and_in_one_region(pairs):
    yi, vi = (list(values) for values in zip(*pairs, strict=True))
    figure = funnel(trials(yi, vi), Absent("nothing pooled"))
    low, high = named(figure, "trials")[0].axes.get_xlim()
    assert low < min(yi)
    assert high > max(yi)
    assert named(figure, "pooled") == []
    said = describe_funnel(trials(yi, vi), Absent("x"))
    counts = re.search(r"(\d+) lie where.* 0.10, (\d+) between.* 0.05, (\d+) .*, (\d+) below", said)
    assert sum(map(int, counts.groups())) == len(yi)


def test_the_words_of_the_funnel_have_its_numbers_and_name_no_single_cause():
    said = describe_funnel(trials(), FIT)
    assert said.startswith(
        "Funnel plot of 6 trials, effect against standard error (0.10 to 0.22). 3 lie where p is "
        "above 0.10, 1 between 0.10 and 0.05, 1 between 0.05 and 0.01, 1 below 0.01. The pooled g "
        "is 0.35; 3 trials lie above it, 3 do not."
    )
    assert "small-study effects" in said
    assert "cannot tell them apart" in said


# specification curve


def heights(artist) -> np.ndarray:
    """The different heights of a stepped band, from low to high."""
    return np.unique(artist.get_paths()[0].vertices[:, 1].round(9))


def test_the_curve_goes_through_the_sorted_estimates_and_the_band_through_their_ends():
    table = specifications()
    figure = specification_curve(table, CHOICES)
    (curve,) = named(figure, "curve")
    np.testing.assert_allclose(curve.get_ydata()[:-1], np.sort(table["estimate"]))
    (band,) = named(figure, "interval")
    wanted = np.unique(np.concatenate([table["ci_lb"], table["ci_ub"]]).round(9))
    np.testing.assert_allclose(heights(band), wanted)


def test_the_primary_analysis_is_marked_at_its_place_and_its_options():
    table = specifications()
    (mark,) = named(specification_curve(table, CHOICES), "primary")
    place = int((table["estimate"] < table["estimate"][0]).sum())
    ((x, y),) = mark.get_offsets().tolist()
    assert place < x < place + 2  # another analysis has the same estimate
    assert y == pytest.approx(0.3)
    said = " ".join(words(specification_curve(table, CHOICES)))
    assert "Primary analysis: g 0.30 [0.05, 0.55]" in said


def test_a_strip_is_as_tall_as_the_share_of_analyses_that_take_the_option():
    table = specifications(copies=2)
    figure = specification_curve(table, [Choice("rob", "Bias", {"low": "low", "all": "all"})])
    low, rest = (strip.get_paths()[0].vertices for strip in named(figure, "strip"))
    filled = [v[v[:, 1] < v[:, 1].max(), 0] for v in (low, rest)]
    # The four analyses of low risk have the four lowest estimates.
    assert (filled[0].min(), filled[0].max()) == (0, 4)
    assert (filled[1].min(), filled[1].max()) == (4, 8)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400), st.integers(1, 60), st.randoms(use_true_random=False))
def test_bins_hold_every_analysis_once(size, most, random):
    table = pd.DataFrame(
        {"estimate": [random.random() for _ in range(size)], "ci_lb": 0.0, "ci_ub": 1.0,
         "is_primary": False, "x": [random.choice("ab") for _ in range(size)]}
    )  # fmt: skip
    curve = curve_of(table, [Choice("x", "X", {"a": "A", "b": "B"})], "estimate")
    edges = curve.edges(most)
    assert (edges[0], edges[-1]) == (0, size)
    assert np.all(np.diff(edges) > 0)
    share = curve.share("x", "a", most)
    assert float(share @ np.diff(edges)) == pytest.approx((table["x"] == "a").sum())
    assert np.all(np.diff(curve.by_bin("estimate", most, "middle")) >= 0)


def test_thousands_of_analyses_stay_a_small_picture():
    table = specifications(copies=2000)
    for narrow in (False, True):
        figure = specification_curve(table, CHOICES, narrow=narrow)
        page = to_svg(figure, name="f", title="t", description="d")
        assert len(page) < 25_000
        assert_texts_fit(figure)


def test_p_values_are_drawn_on_a_log_scale_with_the_smallest_at_the_edge():
    table = specifications().assign(pval=[1e-9, *np.linspace(0.01, 1, 11)])
    figure = specification_curve(table, CHOICES, shown="pval")
    (curve,) = named(figure, "curve")
    drawn = curve.get_ydata()
    assert drawn[0] == pytest.approx(-4)
    assert drawn[1] == pytest.approx(-2)
    assert drawn[-1] == pytest.approx(0)
    assert {"0.05", "≤ 0.0001"} <= {text.get_text() for text, _ in shown_texts(figure)}
    assert named(figure, "interval") == []


def test_analyses_without_a_number_are_counted_and_not_drawn():
    table = specifications()
    for name in ("estimate", "ci_lb", "ci_ub"):
        values = [Absent("no trial"), *table[name][1:]]
        table[name] = pd.Series(values, dtype=object)
    figure = specification_curve(table, CHOICES)
    assert len(named(figure, "curve")[0].get_ydata()) == 12
    assert named(figure, "primary") == []
    said = describe_specification_curve(table, CHOICES, robustness="Stable in 80 %.")
    assert said.startswith("Specification curve of 11 analyses, sorted. 1 more give no number.")
    assert said.endswith("Stable in 80 %.")


def test_the_words_of_the_curve_count_the_sides_of_the_intervals():
    assert describe_specification_curve(specifications(), CHOICES) == (
        "Specification curve of 12 analyses, sorted. Estimates from g 0.18 to 0.30. 6 intervals "
        "lie wholly above no effect, 0 wholly below, 6 include it. Primary analysis: g 0.30 "
        "[0.05, 0.55]."
    )
    said = describe_specification_curve(specifications(), CHOICES, shown="pval")
    assert "p values from 0.020 to 0.240; 2 are below 0.05. Primary analysis: p = 0.020." in said


def test_a_curve_refuses_what_it_cannot_name():
    table = specifications()
    with pytest.raises(InputError, match=r"no column 'ci_lb'; no column 'age'"):
        specification_curve(table.drop(columns="ci_lb"), [Choice("age", "Age", {})])
    with pytest.raises(InputError, match="tau2 holds 'DL', which has no name"):
        specification_curve(table, [Choice("tau2", "tau²", {"REML": "REML"})])
    with pytest.raises(InputError, match="no specification has a number"):
        specification_curve(table.assign(estimate=np.nan), CHOICES)
