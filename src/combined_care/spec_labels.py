"""The decision rules for many specifications at once: intervals in, codes of labels out."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from combined_care.claim_labels import claim_label
from combined_care.decisions import Label
from combined_care.labels import smallest_effect_on
from combined_care.results import Absent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.claims import Analysis, Claim, Rules
    from combined_care.results import FloatArray
    from combined_care.spec_data import SpecFits

#: Labels by code.
LABELS: tuple[Label, ...] = get_args(Label)
CODE: dict[Label, int] = {label: code for code, label in enumerate(LABELS)}
Codes = np.ndarray


def analysis_codes(analysis: Analysis, fits: SpecFits, rules: Rules) -> Codes:
    """Label every specification of an analysis by the rule of its kind.

    Parameters
    ----------
    analysis : Analysis
        The analysis.
    fits : SpecFits
        Its specifications.
    rules : Rules
        Thresholds of the claim.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Codes of :data:`LABELS`, as :func:`combined_care.labels.label_of` would label each fit.
    """
    smallest = smallest_effects(analysis.estimand.wanted_measure, fits.rate_c, rules)
    if analysis.kind == "moderator":
        codes = moderator(fits.pval, rules.alpha, fits.reach, smallest)
        return np.where(np.isnan(fits.pval), CODE["insufficient"], codes)
    outer = _open(fits.ci_lb, fits.ci_ub)
    codes = superiority(*outer, smallest)
    known = ~np.isnan(smallest)
    if analysis.kind == "meaningful":
        codes = np.where(known, meaningful(*outer, smallest), codes)
    elif analysis.kind == "equivalence":
        inner = _open(fits.inner_lb, fits.inner_ub)
        codes = np.where(known, equivalence(inner, outer, smallest), codes)
    thin = (fits.k < rules.min_trials) | np.isnan(fits.estimate)
    return np.where(thin, CODE["insufficient"], codes)


def smallest_effects(measure: str, rates: FloatArray, rules: Rules) -> FloatArray:
    """Bring the smallest effect of interest to the scale of a measure.

    Parameters
    ----------
    measure : str
        As for :func:`combined_care.labels.smallest_effect_on`.
    rates : numpy.ndarray of shape (n,)
        Mean event rate of the comparator arms of each specification; nan where not reported.

    Returns
    -------
    numpy.ndarray of shape (n,)
        nan where there is none on that scale.
    """
    found = np.full(rates.size, np.nan)
    distinct, place = np.unique(rates, return_inverse=True)
    if measure != "RR":
        distinct, place = np.array([np.nan]), np.zeros(rates.size, dtype=int)
    for at, rate in enumerate(distinct):
        value = smallest_effect_on(measure, pd.DataFrame({"rate_c": [rate]}), rules)
        if not isinstance(value, Absent):
            found[place.ravel() == at] = value
    return found


def _open(lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Replace a missing interval by the one that excludes nothing."""
    missing = np.isnan(lower) | np.isnan(upper)
    return np.where(missing, -np.inf, lower), np.where(missing, np.inf, upper)


def superiority(lower: FloatArray, upper: FloatArray, smallest: FloatArray) -> Codes:
    """Judge as :func:`combined_care.decisions.superiority`; nan for no smallest effect."""
    return _first_of(
        ("supported", lower > 0.0),
        ("contradicted", upper < 0.0),
        ("not_demonstrated_informative", upper < smallest),
    )


def meaningful(lower: FloatArray, upper: FloatArray, smallest: FloatArray) -> Codes:
    """Judge as :func:`combined_care.decisions.meaningful`."""
    return _first_of(
        ("supported", lower > smallest),
        ("contradicted", upper < 0.0),
        ("not_demonstrated_informative", upper < smallest),
    )


def equivalence(
    inner: tuple[FloatArray, FloatArray],
    outer: tuple[FloatArray, FloatArray],
    smallest: FloatArray,
) -> Codes:
    """Judge as :func:`combined_care.decisions.equivalence`."""
    return _first_of(
        ("supported", (-smallest < inner[0]) & (inner[1] < smallest)),
        ("contradicted", (outer[0] > smallest) | (outer[1] < -smallest)),
    )


def moderator(p_value: FloatArray, alpha: float, reach: FloatArray, smallest: FloatArray) -> Codes:
    """Judge as :func:`combined_care.decisions.moderator`.

    `reach` is the farthest from 0 that any interval of a difference between levels goes.
    """
    return _first_of(
        ("supported", p_value < alpha), ("not_demonstrated_informative", reach < smallest)
    )


def _first_of(*rules: tuple[Label, npt.NDArray[np.bool_]]) -> Codes:
    """Return the first label whose condition holds, or the imprecise one."""
    codes = np.array([CODE[label] for label, _ in rules])
    other = CODE["not_demonstrated_imprecise"]
    found = np.select([holds for _, holds in rules], list(codes), other)
    return np.asarray(found, dtype=np.int8)


def claim_codes(claim: Claim, ids: Sequence[str], codes: Codes) -> Codes:
    """Combine the labels of the decisive analyses, specification by specification.

    Parameters
    ----------
    claim : Claim
        The claim.
    ids : sequence of str
        Ids of its decisive analyses.
    codes : numpy.ndarray of shape (n, len(ids))
        Codes of their labels.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Codes of the claim's label.
    """
    distinct, place = np.unique(codes, axis=0, return_inverse=True)
    found = [
        CODE[claim_label(claim, {name: LABELS[c] for name, c in zip(ids, row, strict=True)})]
        for row in distinct
    ]
    return np.array(found, dtype=np.int8)[place.ravel()]
