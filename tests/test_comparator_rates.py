"""Event rates of comparator arms."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from combined_care.comparator_rates import mean_rate, ratio_of_event
from combined_care.results import Absent


def rates(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"rate_c": values})


def test_each_trial_counts_once_and_those_without_a_rate_not_at_all():
    assert mean_rate(rates(0.2, 0.4, float("nan"))) == pytest.approx(0.3)


@pytest.mark.parametrize("values", [(), (float("nan"),), (0.0, 0.0), (1.0,)])
def test_a_rate_that_says_nothing_is_absent(values):
    assert isinstance(mean_rate(rates(*values)), Absent)


def test_a_gain_lowers_the_ratio_of_a_bad_event_and_raises_that_of_a_good_one():
    gain = math.log(2)
    assert ratio_of_event(gain, "good") == pytest.approx(2.0)
    assert ratio_of_event(gain, "bad") == pytest.approx(0.5)
