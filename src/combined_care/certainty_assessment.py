"""From an analysis to its certainty: the five domains computed and put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from combined_care import certainty_domains as domains
from combined_care import certainty_moderators as comparison
from combined_care.certainty import Certainty
from combined_care.results import Absent, Number, is_present

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.certainty_criteria import Criteria
    from combined_care.claims import Analysis
    from combined_care.estimands import Selection
    from combined_care.findings import ModeratorResult
    from combined_care.results import FloatArray
    from combined_care.synthesis import Synthesis


def assess(
    analysis: Analysis,
    selection: Selection,
    fit: Synthesis | Absent,
    moderator: ModeratorResult | None,
    smallest: Number,
    criteria: Criteria,
) -> Certainty | Absent:
    """Rate the certainty of the evidence of one analysis.

    Parameters
    ----------
    analysis : Analysis
        What was asked.
    selection : Selection
        The effects that answer it.
    fit : Synthesis or Absent
        The pooled effect of exactly these effects, in their order.
    moderator : ModeratorResult or None
        The comparison of levels, for a moderator analysis.
    smallest : float or Absent
        Smallest effect of interest on the scale of the analysis.
    criteria : Criteria
        From :func:`combined_care.certainty_criteria.load_criteria`.

    Returns
    -------
    Certainty or Absent
        Absent, with the reason, where nothing was pooled. One or two trials are rated: what
        cannot be judged from them takes no step of its own, and imprecision takes one at least.

    Notes
    -----
    Randomised trials start at high. The domains and levels are those of GRADE (Guyatt et al. 2011,
    J Clin Epidemiol 64:380-406 and following); the thresholds are data.

    Examples
    --------
    >>> import combined_care as cc
    >>> result = cc.ask(diagnosis="ocd", comparator="pharmacotherapy").result
    >>> certainty = assess(result.analysis, result.selection, result.fit, result.moderator,
    ...                    result.smallest_effect, cc.load_criteria())
    >>> print(certainty)
    Certainty: ...
    >>> [domain.name for domain in certainty.domains]
    ['risk of bias', 'inconsistency', 'indirectness', 'imprecision', 'small-study effects']
    """
    effects = selection.effects
    if effects.empty:
        return Absent("no trial with usable numbers")
    if moderator is not None:
        return _compared(comparison.compared_effects(effects, moderator), moderator, criteria)
    if isinstance(fit, Absent):
        return fit
    measure, weights = analysis.estimand.wanted_measure, fit.weights / 100.0
    return Certainty(
        domains=(
            domains.risk_of_bias(effects, weights, criteria.risk_of_bias),
            domains.inconsistency(fit, measure, smallest, criteria.inconsistency),
            domains.indirectness(effects, weights, criteria.indirectness),
            domains.imprecision(analysis, effects, fit, smallest, criteria.imprecision),
            domains.small_study_effects(effects, criteria.small_study_effects),
        )
    )


def _compared(effects: pd.DataFrame, moderator: ModeratorResult, criteria: Criteria) -> Certainty:
    """Rate a comparison of levels by what applies to it."""
    weights = _weights(effects, comparison.residual_tau2(moderator))
    off = domains.indirectness(effects, weights, criteria.indirectness)
    return Certainty(
        domains=(
            domains.risk_of_bias(effects, weights, criteria.risk_of_bias),
            comparison.inconsistency(moderator),
            comparison.indirectness(off, effects, moderator, criteria.moderators),
            comparison.imprecision(moderator, criteria.moderators),
            comparison.small_study_effects(),
        ),
        note=comparison.NOTE,
    )


def _weights(effects: pd.DataFrame, tau2: Number) -> FloatArray:
    """Return the share of each effect by inverse variance, `tau2` within levels added if known."""
    within = tau2 if is_present(tau2) else 0.0
    inverse = 1.0 / (effects["vi"].to_numpy(dtype=np.float64) + within)
    return np.asarray(inverse / inverse.sum())
