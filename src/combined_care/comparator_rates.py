"""How often events happen with the comparator, and effects as the ratio of an event."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from combined_care.results import Absent, Number

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.event_rates import Event


def mean_rate(effects: pd.DataFrame) -> Number:
    """Return the mean event rate of the comparator arms, each trial counting once.

    Parameters
    ----------
    effects : pandas.DataFrame
        Pooled effects with ``rate_c``, the proportion with the event as named.

    Returns
    -------
    float or Absent
        Above 0 and below 1; the same mean that brings the smallest effect of interest to the
        scale of risk ratios.
    """
    rates = effects["rate_c"].dropna()
    if rates.empty:
        return Absent("no trial reports how often the event happens with the comparator")
    rate = float(rates.mean())
    if not 0.0 < rate < 1.0:
        return Absent("the event happens to nobody, or to everybody, with the comparator")
    return rate


def ratio_of_event(log_ratio: float, event: Event) -> float:
    """Turn an effect that is positive where the experimental arm is better to the event's ratio.

    Examples
    --------
    >>> round(ratio_of_event(0.5, "good"), 3), round(ratio_of_event(0.5, "bad"), 3)
    (1.649, 0.607)
    """
    return math.exp(log_ratio if event == "good" else -log_ratio)
