"""What holds for every figure: it fits, it is small, it follows the theme, and it has words."""

from __future__ import annotations

import re
from functools import cache, partial
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

import figure_checks as given
from combined_care import figures, landscape
from combined_care.figures.style import PAGE_COLOUR
from combined_care.results import Absent
from combined_care.review import current_review
from combined_care.synthesis import synthesize
from figure_checks import FIT, YI, assert_texts_fit, shown_texts, trials

FULL = trials(
    converted=[True, False] * 3, low_risk_items=[0, 1, 2, 3, 4, np.nan], level=list("ababbc")
)
LEVELS = pd.DataFrame({"name": ["a", "b"], "estimate": 0.3, "ci_lb": 0.1, "ci_ub": [0.4, 0.5]})
GROUPED = {"by": "level", "levels": LEVELS}
SIDES = ("medication with an attention control", "psychotherapy and medication")
LOO = given.steps(k=2, verdict=["supported", "fragile", "supported"])
P = {"shown": "pval"}


def small_map() -> landscape.EvidenceMap:
    none = Absent("no trial")
    cell = partial(landscape.Cell, "panic")
    cells = [
        cell("pharmacotherapy", 6, 1234, 0, FIT),
        cell("psychotherapy", 2, 80, 1, synthesize(YI[:2], given.VI[:2])),
        cell("usual_care", 0, 0, 12, none),
        cell("placebo", 0, 0, 0, none),
        cell("psychotherapy_plus_placebo", 0, 0, 0, none),
    ]
    found = {("panic", c.comparator): c for c in cells}
    return landscape.EvidenceMap(("panic",), tuple(c.comparator for c in cells), found)


MAP_WORDS = {name: name.replace("_", " ") for name in ("panic", *current_review().every_comparator)}

#: name -> (draws for a wide or a narrow page, says it in words)
SAMPLES = {
    "forest": (
        partial(figures.forest, FULL, FIT, smallest=0.24, favours=SIDES),
        partial(figures.describe_forest, FULL, FIT),
    ),
    "forest in groups": (
        partial(figures.forest, FULL, FIT, **GROUPED),
        partial(figures.describe_forest, FULL, FIT, **GROUPED),
    ),
    "funnel": (
        partial(figures.funnel, FULL, FIT),
        partial(figures.describe_funnel, FULL, FIT),
    ),
    "specification curve": (
        partial(figures.specification_curve, given.specifications(), given.CHOICES, smallest=0.24),
        partial(figures.describe_specification_curve, given.specifications(), given.CHOICES),
    ),
    "specification curve of p values": (
        partial(figures.specification_curve, given.specifications(), given.CHOICES, **P),
        partial(figures.describe_specification_curve, given.specifications(), given.CHOICES, **P),
    ),
    "cumulative": (
        partial(figures.cumulative, given.steps(), favours=SIDES, smallest=0.24),
        partial(figures.describe_cumulative, given.steps()),
    ),
    "leave one out": (
        partial(figures.leave_one_out, LOO, FIT, verdict="supported"),
        partial(figures.describe_leave_one_out, LOO, FIT, verdict="supported"),
    ),
    "comparison": (
        partial(figures.comparison, given.COMPARISONS, favours=SIDES),
        partial(figures.describe_comparison, given.COMPARISONS),
    ),
    "icons": (
        partial(figures.icon_array, given.GAIN, outcome="a response", comparator=SIDES[0]),
        partial(figures.describe_icon_array, given.GAIN, outcome="a response"),
    ),
    "icons of a bad event": (
        partial(figures.icon_array, given.SPARED, outcome="a relapse"),
        partial(figures.describe_icon_array, given.SPARED, outcome="a relapse"),
    ),
    "gap map": (
        partial(figures.gap_map, given.COUNTS, given.WORDS),
        partial(figures.describe_gap_map, given.COUNTS, given.WORDS),
    ),
    "evidence map": (
        partial(figures.evidence_map, small_map(), MAP_WORDS),
        partial(figures.describe_evidence_map, small_map(), MAP_WORDS),
    ),
    "network": (
        partial(figures.network_graph, given.NODES, given.EDGES),
        partial(figures.describe_network_graph, given.NODES, given.EDGES),
    ),
}
INPUTS = (FULL, LEVELS, LOO, given.COMPARISONS, given.NODES, given.EDGES, given.COUNTS)
BEFORE = [frame.copy(deep=True) for frame in INPUTS]


@cache
def drawn(name: str, narrow: bool):
    return SAMPLES[name][0](narrow=narrow)


every = pytest.mark.parametrize("name", SAMPLES)
both_widths = pytest.mark.parametrize("narrow", [False, True])


@every
@both_widths
def test_no_text_leaves_the_figure_or_covers_another(name, narrow):
    assert_texts_fit(drawn(name, narrow))


@every
def test_on_a_telephone_every_text_has_eleven_points_at_least(name):
    figure = drawn(name, True)
    points = 328 / (72 * figure.get_figwidth())  # a page 360 wide with its margins
    assert min(text.get_fontsize() for text, _ in shown_texts(figure)) * points >= 11


@every
def test_all_wide_figures_share_one_width_and_all_narrow_ones(name):
    assert drawn(name, False).get_figwidth() == 9.0
    assert drawn(name, True).get_figwidth() == 3.4


@every
@both_widths
def test_the_drawing_is_the_same_each_time_small_and_needs_only_the_theme(name, narrow):
    draw, say = SAMPLES[name]
    pages = [
        figures.to_svg(figure, name="f", title=name, description=say())
        for figure in (drawn(name, narrow), draw(narrow=narrow))
    ]
    assert pages[0] == pages[1]
    assert len(pages[0]) < 20_000
    root = ET.fromstring(pages[0])
    paints = {e.get(key) for e in root.iter() for key in ("fill", "stroke")} - {None}
    assert paints <= {"none", *PAGE_COLOUR.values()}
    assert not any("style" in element.attrib for element in root.iter())
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', pages[0])) or "use" not in pages[0]


@every
def test_the_words_of_a_figure_are_sentences_and_never_name_a_cause(name):
    said = SAMPLES[name][1]()
    assert said[0].isupper()
    assert said.rstrip().endswith(".")
    assert "nan" not in said
    assert "publication bias" not in said.lower()


def test_drawing_leaves_the_input_as_it_was():
    for name, (_, say) in SAMPLES.items():
        drawn(name, False)
        say()
    for frame, copy in zip(INPUTS, BEFORE, strict=True):
        pd.testing.assert_frame_equal(frame, copy)
