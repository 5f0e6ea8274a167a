"""The fits of all specifications of one analysis, by arrays: no fit is made twice, none alone."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from combined_care.spec_data import Data, Settings, SpecFits, values_at
from combined_care.spec_moderators import fit_moderator
from combined_care.spec_pooled import fit_pooled

if TYPE_CHECKING:
    from combined_care.claims import Rules
    from combined_care.variants import Variants


def fit_specifications(
    variants: Variants, data: Data, settings: Settings, rules: Rules
) -> SpecFits:
    r"""Fit every specification of one analysis.

    Parameters
    ----------
    variants : Variants
        The effects of the analysis.
    data : Data
        The data sets of the specifications.
    settings : Settings
        How each specification is fitted.
    rules : Rules
        The claim's level and thresholds.

    Returns
    -------
    SpecFits

    Notes
    -----
    A data set is fitted once for each estimator that asks for it, and the three intervals come
    from one fit. Below the declared number of trials no adjustment for small-study effects is
    made. PET-PEESE regresses standardised mean differences on :math:`\sqrt{1/n_e + 1/n_c}`, and
    on the standard error where a trial does not report the people in its arms. The adjusted
    estimates of PET-PEESE and of the selection model bring their own model, so that estimator and
    interval make no difference there.
    """
    blank = _blank(data, variants)
    if variants.analysis.kind == "moderator":
        fit_moderator(blank, variants, data, settings, rules)
    else:
        fit_pooled(blank, variants, data, settings, rules)
    return blank


def _blank(data: Data, variants: Variants) -> SpecFits:
    """Return the table with what needs no fit."""
    numbers = {
        f.name: np.full(data.place.size, np.nan)
        for f in fields(SpecFits)
        if f.name not in {"dataset", "k", "rate_c", "adjusted"}
    }
    rates = values_at(variants.rate_c, data.positions, np.nan)
    reported = ~np.isnan(rates)
    count = reported.sum(axis=1)
    total = np.where(reported, rates, 0.0).sum(axis=1)
    mean = np.divide(total, count, out=np.full(count.size, np.nan), where=count > 0)
    return SpecFits(
        dataset=data.place,
        k=data.k[data.place],
        rate_c=mean[data.place],
        adjusted=np.zeros(data.place.size, dtype=bool),
        **numbers,
    )
