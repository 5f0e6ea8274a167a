"""Event rates and absolute effects: against arithmetic in R, and their logic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.event_rates import (
    AbsoluteEffect,
    absolute_effect,
    digits,
    experimental_event_rate,
)

events = st.sampled_from(["good", "bad"])
known_rates = st.floats(0.01, 0.99)
effects = st.tuples(st.floats(-3, 3), st.floats(0, 1), st.floats(0, 1))


def test_rates_and_benefits_equal_those_from_first_principles(reference):
    cases = reference("translation")["rates"]
    assert len(cases) == 128
    for case in cases:
        measure, effect, known, event = (
            case[name] for name in ("measure", "effect", "control_event_rate", "event")
        )
        rate = experimental_event_rate(measure, effect, known, event=event)
        assert rate == pytest.approx(case["rate"], rel=1e-10)
        found = absolute_effect(
            measure, effect, effect, effect, control_event_rate=known, event=event
        )
        assert found.benefit == pytest.approx(case["benefit"], rel=1e-10, abs=1e-15)
        assert found.experimental_rate == pytest.approx(case["rate"], rel=1e-10)


def test_rates_are_computed_for_many_effects_at_once():
    rates = experimental_event_rate("OR", [[0.5, 1.0], [2.0, 4.0]], [0.2, 0.4], event="bad")
    assert rates.shape == (2, 2)
    assert rates[0, 1] == pytest.approx(0.4)
    assert rates[1, 0] == pytest.approx(1 / 3)


@given(effect=effects, known=known_rates, event=events)
def test_intervals_stay_in_order_and_positive_g_is_a_benefit(effect, known, event):
    g, below, above = effect
    found = absolute_effect("SMD", g, g - below, g + above, control_event_rate=known, event=event)
    assert 0 <= found.rate_ci_lb <= found.experimental_rate <= found.rate_ci_ub <= 1
    assert found.benefit_ci_lb <= found.benefit <= found.benefit_ci_ub
    assert found.benefit * g >= 0


@given(effect=effects, known=known_rates)
def test_an_event_and_its_complement_give_the_same_benefit(effect, known):
    g, below, above = effect
    response = absolute_effect(
        "SMD", g, g - below, g + above, control_event_rate=known, event="good"
    )
    failure = absolute_effect(
        "SMD", g, g - below, g + above, control_event_rate=1 - known, event="bad"
    )
    assert failure.benefit == pytest.approx(response.benefit, abs=1e-12)
    assert failure.benefit_ci_lb == pytest.approx(response.benefit_ci_lb, abs=1e-12)
    assert failure.experimental_rate == pytest.approx(1 - response.experimental_rate, abs=1e-12)


@given(ratio=st.floats(0.05, 20), known=known_rates)
def test_the_odds_ratio_of_the_rates_is_the_one_given(ratio, known):
    rate = experimental_event_rate("OR", ratio, known, event="good")
    assert rate / (1 - rate) / (known / (1 - known)) == pytest.approx(ratio, rel=1e-9)


@given(low=st.floats(-3, 3), step=st.floats(0.01, 3), known=known_rates)
def test_a_larger_effect_moves_the_rate_to_the_good_side(low, step, known):
    better = experimental_event_rate("SMD", [low, low + step], known, event="good")
    worse = experimental_event_rate("SMD", [low, low + step], known, event="bad")
    assert better[0] < better[1]
    assert worse[0] > worse[1]


@pytest.mark.parametrize(("event", "best", "worst"), [("good", 0.08, -0.04), ("bad", 0.04, -0.08)])
def test_good_and_bad_events_turn_the_interval_of_a_ratio(event, best, worst):
    found = absolute_effect("RR", 1.1, 0.9, 1.2, control_event_rate=0.4, event=event)
    assert found.benefit_ci_ub == pytest.approx(best)
    assert found.benefit_ci_lb == pytest.approx(worst)


def test_an_interval_beyond_a_rate_of_one_is_cut_and_says_so():
    found = absolute_effect("RR", 1.5, 0.9, 2.6, control_event_rate=0.5, event="good")
    assert found.rate_ci_ub == 1.0
    assert found.benefit_ci_ub == 0.5
    assert "cut" in found.notes[1]
    assert "cut" in str(found)
    inside = absolute_effect("RR", 1.5, 0.9, 1.9, control_event_rate=0.5, event="good")
    assert len(inside.notes) == 1


def test_an_effect_that_implies_an_impossible_rate_is_refused():
    with pytest.raises(InputError, match=r"between 0 and 1; got position 0: 1.2"):
        absolute_effect("RR", 2.0, 1.5, 2.5, control_event_rate=0.6, event="good")
    with pytest.raises(InputError, match=r"rate in the experimental arm.*position 1: -0.1"):
        experimental_event_rate("RD", [0.1, -0.3], 0.2, event="bad")


def test_all_problems_are_named_at_once():
    with pytest.raises(InputError) as caught:
        absolute_effect(
            "OR", 2.0, -1.0, math.nan, control_event_rate=1.0, event="relapse", level=0.0
        )
    message = str(caught.value)
    for part in (
        "ci_lb must be above 0 and finite; got -1",
        "ci_ub must be above 0 and finite; got nan",
        "control_event_rate must be above 0 and below 1; got 1",
        "event must be 'good' (response) or 'bad' (relapse); got 'relapse'",
        "level must be above 0 and below 1; got 0",
    ):
        assert part in message


def test_an_interval_without_its_estimate_and_unknown_words_are_refused():
    with pytest.raises(InputError, match=r"must hold effect; got 0\.5 and 0\.6 to 0\.9"):
        absolute_effect("SMD", 0.5, 0.6, 0.9, control_event_rate=0.3, event="good")
    with pytest.raises(InputError, match="measure must be one of SMD, OR, RR, RD; got 'HR'"):
        absolute_effect("HR", 0.5, 0.4, 0.9, control_event_rate=0.3, event="good")
    with pytest.raises(InputError, match="interval must be one of"):
        absolute_effect(
            "SMD", 0.5, 0.4, 0.9, control_event_rate=0.3, event="good", interval="fiducial"
        )


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"effect": [0.5, 0.0]}, "the OR itself, not its log"),
        ({"effect": [0.5, math.inf]}, "position 1: inf"),
        ({"control_event_rate": [0.5, math.nan]}, "position 1: nan"),
        ({"event": None}, "event must be 'good'"),
        ({"measure": "MD"}, "measure must be one of"),
    ],
)
def test_bad_values_of_the_vectorised_function_are_named(changes, part):
    given_ = {"measure": "OR", "effect": 2.0, "control_event_rate": 0.3, "event": "good"} | changes
    with pytest.raises(InputError, match=part):
        experimental_event_rate(**given_)


def test_the_sentence_counts_people_and_says_which_way():
    relapse = absolute_effect("RR", 0.6, 0.4, 1.1, control_event_rate=0.5, event="bad")
    assert str(relapse) == (
        "Of 100 people, 50 have the bad outcome with the comparator and 30 (95 % CI 20 to 55) with"
        " the experimental arm: 20 fewer (30 fewer to 5.0 more); the comparator's rate is taken as"
        " known."
    )
    prediction = absolute_effect(
        "SMD", 0.5, 0, 1, control_event_rate=0.5, event="good", level=0.9, interval="prediction"
    )
    assert "(90 % prediction interval 50 to 84)" in str(prediction)


def test_the_result_survives_json_frame_and_html():
    found = absolute_effect("OR", 1.8, 1.2, 2.7, control_event_rate=0.4, event="good")
    assert AbsoluteEffect.from_json(found.to_json()) == found
    assert found.to_frame().loc[0, "experimental_rate"] == found.experimental_rate
    assert "<caption>Absolute effect" in found._repr_html_()


def test_numbers_of_people_are_written_with_sensible_digits():
    assert [digits(x) for x in (0.04, 9.94, 9.96, 14.5, np.inf)] == [
        "0.0",
        "9.9",
        "10",
        "14",
        "infinity",
    ]
