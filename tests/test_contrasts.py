"""From a row to an oriented effect: signs, routes and reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.contrasts import Numbers, Oriented, Unusable, oriented_effect

NOTHING = Numbers(
    tier="A", n_e=np.nan, n_c=np.nan, mean_e=np.nan, sd_e=np.nan, mean_c=np.nan, sd_c=np.nan,
    events_e=np.nan, events_c=np.nan, pct_e=np.nan, pct_c=np.nan, effect=np.nan, ci_low=np.nan,
    ci_high=np.nan, se=np.nan, effect_measure="", higher_is_better=np.nan,
    favours_experimental_when="",
)  # fmt: skip
MEANS = replace(
    NOTHING, mean_e=8.0, sd_e=4.0, n_e=25.0, mean_c=10.0, sd_c=4.0, n_c=25.0, higher_is_better=0.0
)
EVENTS = replace(NOTHING, events_e=15.0, n_e=28.0, events_c=6.0, n_c=28.0, higher_is_better=1.0)
REPORTED = replace(NOTHING, tier="B", effect=-0.5, se=0.2, effect_measure="smd",
                   favours_experimental_when="lower")  # fmt: skip


def effect(numbers, measure="SMD", **options) -> Oriented:
    found = oriented_effect(numbers, measure, **options)
    assert isinstance(found, Oriented), found
    return found


def reason(numbers, measure="SMD", **options) -> str:
    found = oriented_effect(numbers, measure, **options)
    assert isinstance(found, Unusable), found
    return found.reason


def test_a_lower_symptom_score_favours_the_experimental_arm():
    assert effect(MEANS).yi == pytest.approx(0.4921, abs=5e-5)
    assert effect(replace(MEANS, higher_is_better=1.0)).yi == pytest.approx(-0.4921, abs=5e-5)


def test_a_good_event_more_often_favours_the_experimental_arm():
    assert effect(EVENTS, "OR").yi > 0
    assert effect(replace(EVENTS, higher_is_better=0.0), "OR").yi < 0


@given(st.integers(1, 27), st.integers(1, 27))
def test_counting_relapse_or_staying_well_gives_the_same_odds_ratio(relapsed_e, relapsed_c):
    relapse = replace(
        EVENTS, events_e=float(relapsed_e), events_c=float(relapsed_c), higher_is_better=0.0
    )
    well = replace(
        EVENTS, events_e=28.0 - relapsed_e, events_c=28.0 - relapsed_c, higher_is_better=1.0
    )
    assert effect(relapse, "OR").yi == pytest.approx(effect(well, "OR").yi, abs=1e-12)


def test_a_reported_effect_is_oriented_by_its_own_direction_not_the_instruments():
    """Mean change is reported as improvement on a scale where less is better."""
    improvement = replace(
        REPORTED, effect=0.7, favours_experimental_when="higher", higher_is_better=0.0
    )
    assert effect(REPORTED).yi == pytest.approx(0.5)
    assert effect(improvement).yi == pytest.approx(0.7)


def test_a_hazard_ratio_below_one_for_relapse_favours_the_experimental_arm():
    hazard = replace(REPORTED, effect=0.5, se=np.nan, ci_low=0.25, ci_high=1.0, effect_measure="hr")
    assert effect(hazard, "HR").yi == pytest.approx(np.log(2))


def test_means_are_preferred_to_a_reported_effect():
    both = replace(MEANS, effect=-9.0, se=0.1, effect_measure="smd")
    assert effect(both).yi == effect(MEANS).yi


def test_d_is_corrected_to_g_where_the_arm_sizes_are_known():
    d = replace(REPORTED, effect_measure="d", n_e=10.0, n_c=10.0)
    assert effect(d).yi == pytest.approx(0.5 * 0.957, abs=5e-4)
    assert effect(d).derived
    assert effect(replace(d, n_e=np.nan)).yi == pytest.approx(0.5)


def test_a_mean_difference_needs_arm_sizes_to_become_g():
    md = replace(REPORTED, effect=-3.6, effect_measure="md", se=1.5, n_e=136.0, n_c=112.0)
    sd = 1.5 / np.sqrt(1 / 136 + 1 / 112)
    assert effect(md).yi == pytest.approx(3.6 / sd, rel=0.01)
    assert effect(md).derived
    assert "do not give a standardised" in reason(replace(md, n_c=np.nan))


def test_events_become_g_by_chinns_method_and_are_marked():
    found = effect(EVENTS)
    assert found.converted
    assert found.yi == pytest.approx(effect(EVENTS, "OR").yi * np.sqrt(3) / np.pi)


def test_a_reported_risk_ratio_is_never_taken_for_an_odds_ratio():
    ratio = replace(REPORTED, effect=2.0, se=0.3, effect_measure="rr")
    assert "do not give a standardised" in reason(ratio)
    assert effect(replace(ratio, favours_experimental_when="higher"), "RR").yi > 0


def test_both_arms_with_events_only_say_nothing_about_a_ratio():
    full = replace(EVENTS, events_e=20.0, n_e=20.0, events_c=20.0, n_c=20.0)
    assert "no information on a ratio" in reason(full, "OR")
    assert "no information on a ratio" in reason(full, "SMD")
    assert effect(full, "RD").yi == 0


def test_percentages_use_the_assumed_arm_size_and_say_so():
    shares = replace(NOTHING, tier="C", pct_e=60.0, pct_c=40.0, higher_is_better=1.0)
    found = effect(shares, "OR", arms=3, n_randomised=60.0)
    exact = replace(EVENTS, events_e=12.0, n_e=20.0, events_c=8.0, n_c=20.0)
    assert found.yi == pytest.approx(effect(exact, "OR").yi)
    assert found.derived
    assert "60 randomised / 3 arms = 20 each" in found.derivation
    assert "not known" in reason(shares, "OR")


def test_direction_only_rows_give_no_effect():
    assert reason(replace(MEANS, tier="D")) == "direction only (tier D)"


def test_an_unknown_direction_is_a_reason_not_a_guess():
    assert "whether a higher value is better" in reason(replace(MEANS, higher_is_better=np.nan))
    assert "which side" in reason(replace(REPORTED, favours_experimental_when=""))


def test_the_derivation_carries_the_numbers_put_in():
    text = effect(MEANS).derivation
    for part in ("J(48)", "8 − 10", "n 25 and 25", "sign turned", "-0.4921"):
        assert part in text
