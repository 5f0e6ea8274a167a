"""Figures as SVG: what a page needs, in few bytes, and nothing a page forbids."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.figures import forest, style, to_svg
from combined_care.figures.compact import SVG, compact, short_path
from combined_care.synthesis import synthesize
from figure_checks import FIT, VI, YI, named, trials


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
    drawn = [float(x) for x in re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)", dashed.get("d")).groups()]
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
    written = [*figure.texts, *figure.axes[0].texts]
    assert {text.get_text() for text in written} - drawn == set()


def test_text_is_in_the_font_of_the_page():
    assert "font-family" not in svg()


def test_a_telling_id_of_matplotlib_becomes_a_number_after_the_name_of_the_figure():
    root = ET.fromstring(svg("one"))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert {"one-title", "one-desc"} < set(ids)
    assert all(re.fullmatch(r"one-(title|desc|\d+)", name) for name in ids)


def test_the_svg_is_less_than_half_of_what_matplotlib_writes():
    figure = forest(trials(YI * 5, VI * 5), synthesize(YI * 5, VI * 5))
    from combined_care.figures.svg import _drawn

    page = to_svg(figure, name="f", title="t", description="d")
    assert len(page) < 0.5 * len(_drawn(figure, "f"))


# short paths


def points(path: str) -> list[tuple[float, float]]:
    """The corners of a path of straight lines, however it is written."""
    at, found = (0.0, 0.0), []
    for command, numbers in re.findall(r"([MLHVz])([^MLHVz]*)", path):
        values = [float(v) for v in numbers.split()]
        x, y = at
        match command:
            case "M" | "L":
                at = (values[0], values[1])
            case "H":
                at = (values[0], y)
            case "V":
                at = (x, values[0])
            case _:
                continue
        found.append(at)
    return found


def corners(found: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out a point that repeats the one before, or lies between its neighbours on a side."""
    kept: list[tuple[float, float]] = []
    for point in found:
        if kept and kept[-1] == point:
            continue
        while len(kept) > 1 and between(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def between(a, b, c) -> bool:
    level = a[1] == b[1] == c[1] and (a[0] < b[0]) == (b[0] < c[0])
    upright = a[0] == b[0] == c[0] and (a[1] < b[1]) == (b[1] < c[1])
    return level or upright


number = st.integers(-3, 3).map(float)


@given(st.lists(st.tuples(number, number), min_size=1, max_size=12))
def test_a_short_path_goes_through_the_same_corners(found):
    long = "M " + " L ".join(f"{x} {y}" for x, y in found)
    assert corners(points(short_path(long))) == corners(found)
    assert len(short_path(long)) < len(long)


def test_curves_and_later_parts_of_a_path_are_kept():
    path = "M 0 0 C 1 2 3 4 5 6 L 5 9 z M 5 9 L 7 9 Q 1 1 2 2 "
    assert short_path(path) == "M0 0C1 2 3 4 5 6V9zM5 9H7Q1 1 2 2"


# what is said once


def shrunk(inner: str) -> ET.Element:
    root = ET.fromstring(f'<svg xmlns="{SVG}">{inner}</svg>')
    compact(root)
    return root


def test_lines_that_look_alike_become_one_path_and_filled_shapes_do_not():
    line = '<path d="M 0 {0} L 5 {0} " fill="none" stroke="currentColor" />'
    root = shrunk(
        line.format(1) + line.format(2) + '<path d="M 0 0 L 1 1 z" /><path d="M 0 2 z" />'
    )
    assert [e.get("d") for e in root.iter(f"{{{SVG}}}path")] == [
        "M0 1H5M0 2H5",
        "M0 0L1 1z",
        "M0 2z",
    ]


def test_neighbours_share_their_look_and_keep_their_order():
    use = '<use href="#a" x="{}" y="1" fill="{}" />'
    root = shrunk("".join(use.format(x, ink) for x, ink in enumerate("rrbrr")))
    fills = [(g.get("fill"), [u.get("x") for u in g]) for g in root if g.tag.endswith("}g")]
    assert fills == [("r", ["0", "1"]), ("r", ["3", "4"])]
    assert [u.get("x") for u in root.iter(f"{{{SVG}}}use")] == list("01234")
    assert root[1].get("fill") == "b"


@pytest.mark.parametrize("key", ["clip-path", "opacity", "transform"])
def test_what_a_group_would_change_stays_with_each_shape(key):
    root = shrunk(f'<use {key}="x" fill="r" /><use {key}="x" fill="r" />')
    assert [use.get(key) for use in root.iter(f"{{{SVG}}}use")] == ["x", "x"]
