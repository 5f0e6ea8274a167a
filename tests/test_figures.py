"""Figures: what is drawn is read back from the artists, never from a picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection

from combined_care.figures import (
    describe_evidence_map,
    describe_forest,
    evidence_map,
    forest,
    style,
    to_svg,
)
from combined_care.landscape import COMPARATORS, Cell, EvidenceMap
from combined_care.results import Absent
from combined_care.synthesis import synthesize

YI = [0.10, 0.30, 0.35, 0.65, 0.45, 0.15]
VI = [0.03, 0.03, 0.05, 0.01, 0.05, 0.02]


def trials(yi=YI, vi=VI, **columns) -> pd.DataFrame:
    yi, half = np.asarray(yi, float), 1.96 * np.sqrt(np.asarray(vi, float))
    frame = {
        "label": [f"Author {2000 + i}" for i in range(len(yi))],
        "yi": yi, "ci_lb": yi - half, "ci_ub": yi + half,
        "rating": "clinician", "tier": "A", "converted": False,
    }  # fmt: skip
    return pd.DataFrame({**frame, **columns})


FIT = synthesize(YI, VI)


def named(figure, gid):
    """Every artist of a figure with one name."""
    return [artist for artist in figure.findobj() if artist.get_gid() == gid]


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]


def ends(lines) -> list[tuple[float, float]]:
    return [(float(s[0, 0]), float(s[1, 0])) for s in lines.get_segments()]


# forest


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
    assert "above 1 is better" in axes.get_xlabel()


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
def test_no_text_leaves_the_figure_or_covers_another(narrow, measure):
    frame = trials(label=[f"A very long name of a trial and its authors {i}" for i in range(6)])
    sides = ("medication with an attention control", "psychotherapy and medication")
    figure = forest(frame, FIT, measure=measure, favours=sides, narrow=narrow)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    width, height = figure.bbox.width, figure.bbox.height
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    shown = [label for place, label in ticks if low <= place <= high]
    texts = [*axes.texts, *figure.texts, axes.xaxis.label, *shown]
    assert len(texts) > 15
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    for name, box in boxes:
        assert -1 <= box.x0 <= box.x1 <= width + 1, name
        assert -1 <= box.y0 <= box.y1 <= height + 1, name
    for i, (one, box) in enumerate(boxes):
        for other, near in boxes[i + 1 :]:
            apart = min(box.x1, near.x1) - max(box.x0, near.x0) < 1
            apart |= min(box.y1, near.y1) - max(box.y0, near.y0) < 1
            assert apart, (one, other)


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


# svg


def svg(name="one", **options) -> str:
    """A forest plot with one interval that leaves the plot, so that all kinds of artist occur."""
    yi, vi = [*YI, 0.2], [*VI, 9.0]
    figure = forest(trials(yi, vi, **options), synthesize(yi, vi), smallest=0.24)
    return to_svg(figure, name=name, title="A title", description="In words")


def test_the_same_figure_gives_the_same_bytes():
    assert svg() == svg()


def test_an_svg_needs_neither_style_nor_script_nor_network():
    root = ET.fromstring(svg())
    tags = {element.tag for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "defs", "g", "path", "use", "text", "clipPath", "rect"}
    for element in root.iter():
        assert "style" not in element.attrib
        assert not [key for key in element.attrib if key.startswith("on")]
        assert not [value for value in element.attrib.values() if "http" in value]


def test_an_svg_has_a_name_and_a_description_for_those_who_do_not_see_it():
    root = ET.fromstring(svg())
    assert root.get("role") == "img"
    found = {element.get("id"): element.text for element in root.iter()}
    assert [found[name] for name in root.get("aria-labelledby").split()] == ["A title", "In words"]


def test_ids_are_unique_between_figures_and_every_reference_is_met():
    both = [ET.fromstring(svg(name)) for name in ("one", "two")]
    found = [e.get("id") for root in both for e in root.iter() if e.get("id")]
    assert len(found) == len(set(found))
    ids = [{e.get("id") for e in root.iter() if e.get("id")} for root in both]
    for root, known in zip(both, ids, strict=True):
        text = ET.tostring(root, encoding="unicode")
        wanted = set(re.findall(r'href="#([^"]+)"', text)) | set(
            re.findall(r"url\(#([^)]+)\)", text)
        )
        assert wanted
        assert wanted <= known


def test_lengths_are_written_to_a_hundredth_of_a_point_and_stay_where_they_were():
    figure = forest(trials(), FIT)
    root = ET.fromstring(to_svg(figure, name="f", title="t", description="d"))
    assert not re.search(r"\d\.\d{3}", " ".join(e.get("d", "") for e in root.iter()))
    axes, (line,) = figure.axes[0], named(figure, "pi")
    scale = 72 / figure.dpi
    wanted = [float(x) * scale for x in axes.transData.transform(line.get_xydata())[:, 0]]
    dashed = next(e for e in root.iter("path") if e.get("stroke-dasharray", "").startswith("4.4"))
    drawn = [float(x) for x in re.findall(r"[ML] ([\d.]+)", dashed.get("d"))]
    assert drawn == pytest.approx(wanted, abs=0.006)


def test_inks_follow_the_theme_of_the_page():
    text = svg()
    assert 'fill="currentColor"' in text
    assert f"var(--accent, {style.ACCENT})" in text
    assert f'"{style.INK}"' not in text


def test_text_of_a_trial_is_text_and_does_no_harm():
    text = svg(label=["<script>alert(1)</script>", "A & B", *"cdefg"])
    assert "<script" not in text
    drawn = [e.text for e in ET.fromstring(text).iter("text")]
    assert "<script>alert(1)</script>" in drawn
    assert "A & B" in drawn


def test_all_words_of_the_figure_are_in_the_svg():
    figure = forest(trials(), FIT)
    page = to_svg(figure, name="f", title="t", description="d")
    drawn = {e.text for e in ET.fromstring(page).iter("text")}
    written = [*figure.texts, *figure.axes[0].texts, figure.axes[0].xaxis.label]
    assert {text.get_text() for text in written} - drawn == set()


def test_the_map_becomes_an_svg_with_unique_ids_and_all_its_words():
    figure = evidence_map(small_map(), NAMES)
    root = ET.fromstring(to_svg(figure, name="map", title="t", description="d"))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    drawn = [e.text for e in root.iter() if e.text]
    assert drawn.count("no trial") == 9


# evidence map


NAMES = {name: name.replace("_", " ") for name in ("panic", "ocd", *COMPARATORS)}


def small_map() -> EvidenceMap:
    filled = {
        ("panic", "pharmacotherapy"): Cell("panic", "pharmacotherapy", 6, 1234, 0, FIT),
        ("panic", "psychotherapy"): Cell(
            "panic", "psychotherapy", 2, 80, 1, synthesize(YI[:2], VI[:2])
        ),
        ("ocd", "psychotherapy"): Cell("ocd", "psychotherapy", 0, 0, 3, Absent("no usable")),
    }
    cells = {
        (d, c): filled.get((d, c), Cell(d, c, 0, 0, 0, Absent("no trial")))
        for d in ("panic", "ocd")
        for c in COMPARATORS
    }
    return EvidenceMap(("panic", "ocd"), COMPARATORS, cells)


def test_every_gap_of_the_map_is_drawn_as_a_gap_and_says_so():
    found = small_map()
    figure = evidence_map(found, NAMES)
    assert len(named(figure, "gap")) == found.gaps == 9
    assert len(named(figure, "cell")) == 3
    assert words(figure).count("no trial") == 9
    assert all(box.get_linestyle() == "--" for box in named(figure, "gap"))


def test_a_cell_tells_trials_people_and_effect_and_its_bar_grows_with_the_trials():
    figure = evidence_map(small_map(), NAMES)
    said = words(figure)
    assert "6 trials, n 1,234" in said
    assert "g 0.35 [0.11, 0.58]" in said
    assert "g 0.20 (too few)" in said
    assert "3 trials,\nnot poolable" in said
    six, two = (bar.get_width() for bar in named(figure, "trials"))
    assert six / two == pytest.approx(6 / 2)


def test_the_words_of_the_map_count_its_cells():
    said = describe_evidence_map(small_map(), NAMES)
    assert "2 of 12 cells have at least one trial with usable numbers, 1 have three or more" in said
    assert "9 have no trial" in said
    assert "Most trials: panic against pharmacotherapy, 6." in said


def test_a_map_without_any_trial_can_be_drawn_and_described():
    found = small_map()
    empty = {
        key: Cell(*key, 0, 0, 0, Absent("no trial")) for key in found.cells
    }  # fmt: skip
    nothing = EvidenceMap(found.diagnoses, found.comparators, empty)
    assert len(named(evidence_map(nothing, NAMES), "gap")) == 12
    assert "12 have no trial" in describe_evidence_map(nothing, NAMES)
