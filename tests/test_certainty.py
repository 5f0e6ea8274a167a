"""Levels of certainty, and what persons judged beside the rules."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.certainty import (
    DOMAINS,
    LEVELS,
    Certainty,
    Domain,
    Override,
    apply_overrides,
    lowest,
)
from combined_care.errors import InputError
from combined_care.results import Absent

STEPS = st.sampled_from([0, -1, -2])


def certainty(*steps: int, **changes) -> Certainty:
    given_ = [*steps, *[0] * (5 - len(steps))]
    return Certainty(
        domains=tuple(
            Domain(name=name, downgrade=step, rule="r.", sentence=f"About {name}.",
                   values=(("share", 1 / 3), ("size", Absent("unknown"))))
            for name, step in zip(DOMAINS, given_, strict=True)
        ),
        **changes,
    )  # fmt: skip


def override(domain: str = "imprecision", judged: int = 0, **changes) -> Override:
    base = {"claim": "c", "analysis": "a", "name": "A. Example", "date": "2026-01-31",
            "reason": "Because."}  # fmt: skip
    return Override(**{**base, "domain": domain, "judged": judged, **changes})


@pytest.mark.parametrize(
    ("steps", "level"),
    [((), "high"), ((-1,), "moderate"), ((-1, -1), "low"), ((-2,), "low"),
     ((-1, -2), "very low"), ((-2, -2, -2, -2, -1), "very low")],
)  # fmt: skip
def test_each_step_takes_one_level_and_none_goes_below_very_low(steps, level):
    assert certainty(*steps).level == level


@given(st.lists(STEPS, min_size=5, max_size=5), st.integers(0, 4), STEPS)
def test_a_further_step_never_raises_the_level(steps, place, other):
    changed = list(steps)
    changed[place] = min(steps[place], other)
    assert certainty(*changed).rank >= certainty(*steps).rank


def test_a_persons_judgement_counts_and_the_computed_one_stays_in_view():
    found = apply_overrides(certainty(-1, 0, 0, -2), [override()], claim="c", analysis="a")
    assert (found.level, found.computed_level) == ("moderate", "very low")
    assert found.domain("imprecision").downgrade == -2
    assert found.downgrade("imprecision") == 0
    frame = found.to_frame().set_index("domain")
    assert frame.loc["imprecision", ["computed", "judged"]].tolist() == [-2, 0]
    assert "A. Example (2026-01-31)" in frame.loc["imprecision", "judgement"]
    assert frame.loc["risk of bias", "judgement"] == ""
    assert "very low by the rules, changed by a person's judgement" in str(found)


@pytest.mark.parametrize("place", [{"claim": "other"}, {"analysis": "other"}])
def test_a_judgement_about_another_analysis_changes_nothing(place):
    before = certainty(-1)
    assert apply_overrides(before, [override(**place)], claim="c", analysis="a") is before


def test_what_cannot_be_rated_stays_so_whatever_a_person_says():
    absent = Absent("no trial")
    assert apply_overrides(absent, [override()], claim="c", analysis="a") is absent


def test_a_claim_is_as_certain_as_its_least_certain_analysis():
    best, middle, worst = certainty(), certainty(-1), certainty(-2, note="first")
    assert lowest([best, worst, middle, certainty(0, -2)]) is worst


def test_a_claim_with_a_part_that_cannot_be_rated_cannot_be_rated():
    found = lowest([certainty(), Absent("no trial"), Absent("no trial")])
    assert found == Absent("2 of 3 decisive analyses cannot be rated: no trial")
    assert lowest([Absent("no trial")]) == Absent("no trial")
    assert isinstance(lowest([]), Absent)


@given(st.lists(st.lists(STEPS, min_size=5, max_size=5), min_size=1, max_size=5))
def test_the_lowest_is_lowest(many):
    found = [certainty(*steps) for steps in many]
    assert lowest(found).rank == max(item.rank for item in found)


def test_at_least_compares_levels():
    assert certainty(-1).at_least("moderate")
    assert not certainty(-2).at_least("moderate")
    assert [certainty(-1).at_least(level) for level in LEVELS] == [False, True, True, True]


def test_json_round_trip_keeps_domains_and_judgements():
    first = certainty(-1, -2, overrides=(override(),), note="n")
    again = Certainty.from_json(first.to_json())
    assert again == first
    assert again.level == first.level


def test_the_small_record_is_plain_json_with_six_digits():
    plain = certainty(-1).record()
    assert "overrides" not in plain
    assert plain["domains"]["risk of bias"] == {
        "downgrade": -1,
        "share": 0.333333,
        "size": "not available (unknown)",
    }
    judged = apply_overrides(certainty(-1), [override(judged=-1)], claim="c", analysis="a").record()
    assert (judged["level"], judged["computed_level"]) == ("low", "moderate")
    assert judged["overrides"][0]["reason"] == "Because."
    assert json.loads(json.dumps(judged)) == judged


def test_unknown_names_are_refused_with_those_that_are_known():
    with pytest.raises(InputError, match="known are risk of bias"):
        certainty().domain("bias")
    with pytest.raises(InputError, match="it has share, size"):
        certainty().domains[0].value("shares")
    assert certainty().domains[0].value("share") == 1 / 3


def test_sentences_say_what_lowered_the_level():
    assert str(certainty(-1)) == "Certainty: moderate, lowered for risk of bias (\N{MINUS SIGN}1)."
    assert "no reason to lower it" in str(certainty())
    domain = certainty(-2).domains[0]
    assert str(domain) == "Risk of bias: two steps down. About risk of bias."
