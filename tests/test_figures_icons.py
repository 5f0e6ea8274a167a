"""The icon array: 100 people on either side, always, and words that agree with the icons."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.event_rates import absolute_effect
from combined_care.figures import describe_icon_array, icon_array
from combined_care.figures.icon_array import per_hundred
from figure_checks import GAIN, SPARED, named, words


def counts(figure) -> dict[str, list[int]]:
    gids = ("event", "change", "no-event")
    return {gid: [len(a.get_offsets()) for a in named(figure, gid)] for gid in gids}


@pytest.mark.parametrize("narrow", [False, True])
def test_people_who_gain_are_filled_diamonds_beside_the_discs(narrow):
    figure = icon_array(GAIN, outcome="a response", narrow=narrow)
    assert counts(figure) == {"event": [40, 40], "change": [15], "no-event": [60, 45]}
    (moved,) = named(figure, "change")
    assert (moved.get_facecolor() == moved.get_edgecolor()).all()


def test_people_who_are_spared_are_open_diamonds_in_the_place_of_discs():
    figure = icon_array(SPARED, outcome="a relapse")
    assert counts(figure) == {"event": [42, 30], "change": [12], "no-event": [58, 58]}
    (moved,) = named(figure, "change")
    assert (moved.get_facecolor() != moved.get_edgecolor()).any()
    assert "is spared it by combined treatment" in " ".join(words(figure))


def test_without_a_difference_there_is_no_diamond():
    same = absolute_effect("RD", 0.001, -0.1, 0.1, control_event_rate=0.4, event="good")
    figure = icon_array(same, outcome="a response")
    assert counts(figure)["change"] == []
    assert "no more and no fewer with a response" in describe_icon_array(same, outcome="a response")


@settings(max_examples=10, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(-2, 2), st.sampled_from(["good", "bad"]))
def test_there_are_always_a_hundred_people_on_either_side(rate, effect, event):
    found = absolute_effect(
        "SMD", effect, effect - 0.3, effect + 0.3, control_event_rate=rate, event=event
    )
    drawn = counts(icon_array(found, outcome="it"))
    assert sum(map(sum, drawn.values())) == 200
    people = per_hundred(found)
    assert people.low <= people.combined <= people.high
    assert people.is_gain == (effect > 0 and people.change != 0)


def test_the_words_have_the_interval_on_both_sides_of_no_change():
    assert describe_icon_array(GAIN, outcome="a response", comparator="medication alone") == (
        "Of 100 people, 40 have a response with medication alone and 55 with combined treatment "
        "(95 % confidence interval 49 to 61): 15 more with a response (9 to 21 more)."
    )
    said = describe_icon_array(SPARED, outcome="a relapse")
    assert "12 fewer with a relapse (22 fewer to 2 more)" in said
