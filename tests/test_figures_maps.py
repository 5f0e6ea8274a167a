"""Maps and networks: every gap is said to be one, every number stands where it belongs."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from combined_care.errors import InputError
from combined_care.figures import (
    describe_evidence_map,
    describe_gap_map,
    describe_network_graph,
    evidence_map,
    gap_map,
    network_graph,
    to_svg,
)
from combined_care.landscape import Cell, EvidenceMap
from combined_care.results import Absent
from combined_care.review import current_review
from combined_care.synthesis import synthesize
from figure_checks import (
    COUNTS,
    EDGES,
    FIT,
    NODES,
    VI,
    WORDS,
    YI,
    assert_texts_fit,
    named,
    words,
)

# evidence map


COMPARATORS = current_review().every_comparator
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
    assert {"3 trials,", "not poolable"} <= set(said)
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


def test_the_map_becomes_an_svg_with_unique_ids_and_all_its_words():
    figure = evidence_map(small_map(), NAMES)
    root = ET.fromstring(to_svg(figure, name="map", title="t", description="d"))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    drawn = [e.text for e in root.iter() if e.text]
    assert drawn.count("no trial") == 9


def test_on_a_narrow_page_the_gaps_of_a_diagnosis_share_a_dashed_box_that_names_them():
    figure = evidence_map(small_map(), NAMES, narrow=True)
    assert len(named(figure, "cell")) == 3
    assert len(named(figure, "gap")) == 2
    said = " ".join(words(figure))
    assert "no trial against psychotherapy plus placebo" in said
    assert "3 trials" in said
    assert "g 0.35 [0.11, 0.58]" in said


# gap map


def test_a_cell_is_a_square_a_diamond_or_a_bar_with_its_number():
    figure = gap_map(COUNTS, WORDS)
    (squares,), (diamonds,), (bars,) = (
        named(figure, gid) for gid in ("pooled", "direction-only", "gap")
    )
    assert len(squares.get_offsets()) == 2
    assert len(diamonds.get_offsets()) == 1
    assert len(bars.get_segments()) == 2 * 2 * 2 - 3
    assert {"100", "3", "1"} <= set(words(figure))


def test_rows_and_columns_of_the_gap_map_follow_the_order_of_the_words():
    figure = gap_map(COUNTS, dict(reversed(WORDS.items())))
    heights = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    assert heights["panic disorder"] > heights[next(t for t in heights if t.startswith("attent"))]


def test_the_words_of_the_gap_map_count_its_cells_and_name_comparators_without_any_trial():
    assert describe_gap_map(COUNTS, WORDS) == (
        "Map of 2 diagnoses by 2 comparators by 2 designs, 8 cells: 2 have trials with usable "
        "numbers, 1 only trials with a direction, 5 no trial. second treatment added later: no "
        "trial in any diagnosis against psychotherapy with a pill placebo."
    ).replace("second", "Second")


def test_a_gap_map_refuses_cells_that_come_twice_or_have_no_name():
    twice = pd.concat([COUNTS, COUNTS.iloc[:1]])
    with pytest.raises(InputError, match="panic / drug / together comes twice"):
        gap_map(twice, WORDS)
    with pytest.raises(InputError, match="no name for 'drug'"):
        gap_map(COUNTS, {k: v for k, v in WORDS.items() if k != "drug"})
    with pytest.raises(InputError, match="lacks pooled"):
        gap_map(COUNTS.drop(columns="pooled"), WORDS)
    with pytest.raises(InputError, match="no row"):
        gap_map(COUNTS.iloc[:0], WORDS)


# network


def test_nodes_stand_on_a_circle_in_their_order_with_an_area_that_grows_with_their_size():
    (nodes,) = named(network_graph(NODES, EDGES), "node")
    places = nodes.get_offsets()
    assert places[0][1] == places[:, 1].min()
    assert places[1][0] > places[0][0]
    assert list(np.argsort(nodes.get_sizes())) == list(np.argsort(NODES["n"]))


def test_edges_join_their_nodes_and_are_wider_with_more_trials():
    figure = network_graph(NODES, EDGES)
    (nodes,) = named(figure, "node")
    spots = dict(zip(NODES["name"], nodes.get_offsets().tolist(), strict=True))
    drawn = {tuple(map(tuple, e.get_xydata())): e.get_linewidth() for e in named(figure, "edge")}
    widths = [drawn[tuple(spots[r.a]), tuple(spots[r.b])] for r in EDGES.itertuples()]
    assert sorted(widths, reverse=True) == widths
    assert sorted(t.get_text() for t in named(figure, "trials")) == ["1", "15", "45", "7"]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("size", [2, 3, 7])
def test_numbers_on_the_edges_of_a_full_network_do_not_cover_each_other(size, narrow):
    nodes = pd.DataFrame({"name": [f"treatment {i}" for i in range(size)], "n": range(size)})
    pairs = [(a, b) for a in range(size) for b in range(a + 1, size)]
    edges = pd.DataFrame(
        [(f"treatment {a}", f"treatment {b}", 10 + a + b) for a, b in pairs],
        columns=["a", "b", "k"],
    )
    figure = network_graph(nodes, edges, narrow=narrow)
    spots = [t.get_position() for t in named(figure, "trials")]
    assert min([math.dist(p, q) for i, p in enumerate(spots) for q in spots[:i]] or [1]) > 0.18
    assert_texts_fit(figure)


def test_the_words_of_a_network_list_every_pair_the_most_studied_first():
    said = describe_network_graph(NODES, EDGES)
    assert said.startswith("Network of 6 treatments; 4 of 15 possible pairs were compared.")
    assert said.index("45 trials") < said.index("15 trials") < said.index("1 trial.")


def test_a_network_refuses_unknown_ends_and_names_that_come_twice():
    with pytest.raises(InputError, match="edge ends at 'usual care', which is no node"):
        network_graph(NODES.iloc[:5], EDGES)
    with pytest.raises(InputError, match="node 'combined' comes twice"):
        network_graph(pd.concat([NODES, NODES.iloc[:1]]), EDGES)
