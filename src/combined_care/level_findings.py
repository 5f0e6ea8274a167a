"""A moderator analysis of the evidence: which levels can be compared, and what that shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.findings import ModeratorResult
from combined_care.level_tests import LevelRegression, level_regression
from combined_care.moderators import Subgroups, subgroups
from combined_care.results import Absent

if TYPE_CHECKING:
    from combined_care.claims import Analysis, Rules
    from combined_care.estimands import Selection


def compare_levels(analysis: Analysis, selection: Selection, rules: Rules) -> ModeratorResult:
    """Compare the levels of the moderator of an analysis.

    Parameters
    ----------
    analysis : Analysis
        Names the moderator, and the levels that are compared.
    selection : Selection
        The effects that answer it.
    rules : Rules
        The model, and the trials that a level needs.
    """
    effects, column = selection.effects, analysis.moderator
    values = effects[column].astype(str)
    levels = analysis.levels or tuple(sorted(values.unique()))
    sizes = values.value_counts()
    counts = pd.DataFrame(
        [
            {
                "level": level or "not recorded",
                "k": int(sizes.get(level, 0)),
                "tested": level in levels
                and int(sizes.get(level, 0)) >= rules.min_trials_per_level,
            }
            for level in dict.fromkeys([*levels, *sorted(sizes.index)])
        ]
    )
    table = pd.crosstab(values, effects["diagnosis"])
    tested = list(counts.loc[counts["tested"], "level"])
    if len(tested) < 2:
        few = Absent(f"fewer than 2 levels with at least {rules.min_trials_per_level} trials each")
        return ModeratorResult(column, few, counts, table, few)
    inside = effects[values.isin(tested)].assign(level=values)
    fit, adjusted = fit_levels(inside, rules), _adjusted(column, inside, rules)
    return ModeratorResult(column, fit, counts, table, adjusted)


def fit_levels(effects: pd.DataFrame, rules: Rules) -> Subgroups | LevelRegression | Absent:
    """Compare levels; trials that stand in several of them are told apart by their cluster."""
    if effects["trial_id"].duplicated().any():
        return _level_regression(effects, rules, cluster=effects["trial_id"].to_numpy())
    return subgroups(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        effects["level"].to_numpy(),
        tau="common",
        method=rules.method,
        test=rules.test,
        level=rules.level,
        slab=tuple(effects["label"]),
    )


def _adjusted(column: str, effects: pd.DataFrame, rules: Rules) -> LevelRegression | Absent:
    """Compare the same levels with the diagnosis held constant."""
    if column == "diagnosis":
        return Absent("the moderator is the diagnosis itself")
    if effects["diagnosis"].nunique() < 2:
        return Absent("all trials are of one diagnosis")
    more: dict[str, Any] = {"by": effects["diagnosis"].to_numpy(), "by_name": "diagnosis"}
    if effects["trial_id"].duplicated().any():
        more["cluster"] = effects["trial_id"].to_numpy()
    return _level_regression(effects, rules, **more)


def _level_regression(effects: pd.DataFrame, rules: Rules, **more: Any) -> LevelRegression | Absent:
    return level_regression(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        effects["level"].to_numpy(),
        method=rules.method,
        test=rules.test,
        level=rules.level,
        slab=tuple(effects["label"] + " " + effects["comparator"]),
        **more,
    )
