"""The scales that readers know: what a measure is called, and logs of ratios turned to ratios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Measures that are analysed as logs, with their names.
RATIO_NAMES = {"OR": "odds ratio", "RR": "risk ratio", "HR": "hazard ratio"}


def natural(measure: str) -> Callable[[object], object]:
    """Return what brings a number of the analysis to the scale that readers know.

    Ratios are taken out of their logs; everything else, and what is absent, stays as it is.
    Ratios are turned so that above 1 favours combined treatment.

    Examples
    --------
    >>> natural("OR")(0.0), natural("SMD")(0.3)
    (1.0, 0.3)
    """
    if measure not in RATIO_NAMES:
        return lambda value: value
    return lambda value: math.exp(value) if isinstance(value, float) else value


def measure_name(measure: str) -> str:
    """Name a measure in a sentence.

    Examples
    --------
    >>> measure_name("SMD"), measure_name("RR")
    ('g', 'risk ratio')
    """
    return RATIO_NAMES.get(measure, {"SMD": "g"}.get(measure, measure))
