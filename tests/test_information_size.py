"""Optimal information size."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from combined_care.conversions import log_odds_from_smd
from combined_care.information_size import (
    optimal_information_size,
    people_for_rates,
    people_for_smd,
)
from combined_care.results import Absent

ERRORS = {"alpha": 0.05, "power": 0.80}


@given(st.floats(0.1, 1.5), st.floats(0.001, 0.1), st.floats(0.6, 0.99))
def test_people_for_a_difference_agree_with_statsmodels(smallest, alpha, power):
    # The one-sided power at half of alpha leaves out the chance of the wrong side.
    per_arm = NormalIndPower().solve_power(
        effect_size=smallest, alpha=alpha / 2, power=power, alternative="larger"
    )
    found = people_for_smd(smallest, alpha=alpha, power=power)
    assert 2 * per_arm - 1e-3 <= found <= 2 * per_arm + 2.001


def test_people_for_rates_agree_with_the_textbook_formula():
    # Fleiss, Levin & Paik (2003), unpooled variance: 1.96 and 0.8416 squared, 0.49 over 0.01.
    expected = (1.959964 + 0.841621) ** 2 * (0.4 * 0.6 + 0.5 * 0.5) / 0.1**2
    assert people_for_rates(0.4, 0.5, **ERRORS) == 2 * math.ceil(expected)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_telling_rates_apart_does_not_depend_on_which_arm_is_which(a, b):
    if abs(a - b) > 0.01:
        assert people_for_rates(a, b, **ERRORS) == people_for_rates(b, a, **ERRORS)


def size(measure, outcome, smallest, rates=(0.4,)):
    effects = pd.DataFrame({"rate_c": list(rates)})
    return optimal_information_size(measure, outcome, effects, smallest, **ERRORS)


def test_the_smallest_effect_of_this_project_needs_some_550_people():
    assert size("SMD", "efficacy", 0.24) == 546


def test_an_odds_ratio_is_brought_to_rates_in_the_direction_of_the_event():
    smallest = float(log_odds_from_smd(0.24))
    odds = 0.4 / 0.6
    better = odds * math.exp(smallest) / (1 + odds * math.exp(smallest))
    worse = odds / math.exp(smallest) / (1 + odds / math.exp(smallest))
    assert size("OR", "remission", smallest) == people_for_rates(0.4, better, **ERRORS)
    assert size("OR", "dropout", smallest) == people_for_rates(0.4, worse, **ERRORS)


def test_a_risk_ratio_multiplies_the_rate_of_a_bad_event():
    assert size("RR", "relapse", math.log(2)) == people_for_rates(0.4, 0.2, **ERRORS)


@pytest.mark.parametrize(
    ("measure", "outcome", "smallest", "rates"),
    [("HR", "relapse", 0.3, (0.4,)), ("SMD", "efficacy", Absent("none"), (0.4,)),
     ("OR", "dropout", 0.4, ()), ("OR", "other", 0.4, (0.4,))],
)  # fmt: skip
def test_what_cannot_be_computed_is_absent(measure, outcome, smallest, rates):
    assert isinstance(size(measure, outcome, smallest, rates), Absent)
