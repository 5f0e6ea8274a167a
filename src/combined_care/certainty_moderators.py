"""Certainty that levels of a moderator differ: what applies of the five domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.certainty import Domain, Downgrade
from combined_care.results import Absent, Number

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.certainty_criteria import Moderators
    from combined_care.findings import ModeratorResult

#: What the level of such an analysis is a level of.
NOTE = (
    "This is how credible the comparison of the levels is, not how certain the size of an effect."
)


def compared_effects(effects: pd.DataFrame, moderator: ModeratorResult) -> pd.DataFrame:
    """Keep the effects of the levels that were tested; all of them where nothing was."""
    counts = moderator.counts
    tested = list(counts.loc[counts["tested"].astype(bool), "level"])
    if isinstance(moderator.fit, Absent) or not tested:
        return effects
    return effects[effects[moderator.name].astype(str).isin(tested)]


def residual_tau2(moderator: ModeratorResult) -> Number:
    """Return the variance of the effects within levels."""
    return moderator.fit if isinstance(moderator.fit, Absent) else moderator.fit.tau2


def inconsistency(moderator: ModeratorResult) -> Domain:
    """Say why variation between trials takes no step here."""
    return Domain(
        name="inconsistency",
        downgrade=0,
        assessed=False,
        rule="Not judged on its own: the test of the levels allows for variation within them.",
        sentence="Variation between the trials of a level is part of the test of the levels.",
        values=(("tau2", residual_tau2(moderator)),),
    )


def indirectness(
    base: Domain, effects: pd.DataFrame, moderator: ModeratorResult, criteria: Moderators
) -> Domain:
    """Add to the indirectness of the effects that levels are compared between trials.

    Parameters
    ----------
    base : Domain
        Indirectness of the effects themselves.
    effects : pandas.DataFrame
        Effects of the tested levels.
    moderator, criteria
        The comparison and its thresholds.
    """
    several = effects.groupby("trial_id")[moderator.name].nunique() > 1
    within = float(several.mean())
    observational = within < criteria.within
    steps: Downgrade = -2 if base.downgrade - int(observational) <= -2 else -1
    return Domain(
        name="indirectness",
        downgrade=steps if observational else base.downgrade,
        rule=(
            f"{base.rule} One step more unless at least {100 * criteria.within:.0f} % of the "
            "trials stand in several levels: trials were not randomised to a level."
        ),
        sentence=(
            f"{base.sentence} Of the trials, {100 * within:.0f} % stand in several levels; the "
            "rest is a comparison between trials, which may differ in other ways."
        ),
        values=(*base.values, ("within_share", within)),
    )


def imprecision(moderator: ModeratorResult, criteria: Moderators) -> Domain:
    """Judge by the number of trials in the smallest level that was tested."""
    counts = moderator.counts
    sizes = counts.loc[counts["tested"].astype(bool), "k"]
    untested = isinstance(moderator.fit, Absent)
    smallest = int(sizes.min()) if len(sizes) else 0
    return Domain(
        name="imprecision",
        downgrade=_steps(smallest, untested, criteria),
        rule=(
            f"One step down if the smallest tested level has fewer than {criteria.few_trials} "
            f"trials; two if fewer than {criteria.very_few_trials}, or if nothing could be tested."
        ),
        sentence=(
            f"Nothing could be tested: {moderator.fit.reason}."
            if isinstance(moderator.fit, Absent)
            else f"Of {len(sizes)} tested levels the smallest has {smallest} trials."
        ),
        values=(("tested_levels", len(sizes)), ("smallest_level", smallest)),
    )


def small_study_effects() -> Domain:
    """Say that small-study effects are not assessed."""
    return Domain(
        name="small-study effects",
        downgrade=0,
        assessed=False,
        rule="Not assessed where levels are compared.",
        sentence="A regression on the size of trials does not speak to differences of levels.",
        values=(),
    )


def _steps(smallest: int, untested: bool, criteria: Moderators) -> Downgrade:
    if untested or smallest < criteria.very_few_trials:
        return -2
    return -1 if smallest < criteria.few_trials else 0
