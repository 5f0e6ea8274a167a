"""The trials whose removal changes a label: one alone, or the smallest set that is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from combined_care import labels, markup
from combined_care.decisions import label_words
from combined_care.level_findings import fit_levels
from combined_care.relabelling import LabelRule, Variants
from combined_care.results import Absent, Number, Result, is_present
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from combined_care.claims import Rules
    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult
    from combined_care.level_tests import LevelRegression
    from combined_care.moderators import Subgroups

#: How many trials are removed at most, one after the other.
MOST = 10
#: What a step of the search may aim at: an end of the interval, lower or higher.
_GOALS = (("ci_lb", 1.0), ("ci_lb", -1.0), ("ci_ub", 1.0), ("ci_ub", -1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Removal(Result):
    """Trials without which the label is another one.

    Attributes
    ----------
    trial_ids, names : tuple of str
        The trials, in the order of their removal.
    label : str
        The label without them.
    k : int
        Trials that remain.
    measure : str
        Scale of the estimate.
    estimate, ci_lb, ci_ub : float or Absent
        Pooled effect of the rest; absent for a moderator, whose label rests on a test.
    """

    caption: ClassVar[str] = "Removal that changes the label"

    trial_ids: tuple[str, ...]
    names: tuple[str, ...]
    label: Label
    k: int
    measure: str
    estimate: Number
    ci_lb: Number
    ci_ub: Number

    def __str__(self) -> str:
        found = "without " + ", ".join(self.names) + f": {label_words(self.label)}"
        if not is_present(self.estimate):
            return found
        scale = natural(self.measure)
        interval = markup.interval(scale(self.ci_lb), scale(self.ci_ub))
        shown = f"{measure_name(self.measure)} {markup.number(scale(self.estimate))}"
        return f"{found} ({shown}, {interval}, {self.k} trials)"


@dataclass(frozen=True, eq=False, kw_only=True)
class Removals(Result):
    """What removing trials does to a label.

    Attributes
    ----------
    before : str
        The label that the interval of all trials gives.
    found : tuple of Removal
        Every single trial whose removal changes it; where there is none, the smallest set that the
        greedy search found, or nothing.
    most : int
        How many trials the search removed at most; 0 where single trials were tried only.
    """

    caption: ClassVar[str] = "Removal of trials"

    before: Label
    found: tuple[Removal, ...]
    most: int

    @property
    def greedy(self) -> bool:
        """Whether `found` is a set of trials that was found greedily."""
        return any(len(removal.trial_ids) > 1 for removal in self.found)

    def __str__(self) -> str:
        before = label_words(self.before)
        if self.found and not self.greedy:
            which = "; ".join(str(removal) for removal in self.found)
            return f"Removing one trial changes the label '{before}': {which}."
        alone = f"No single trial's removal changes the label '{before}'"
        if self.found:
            (removal,) = self.found
            return (
                f"{alone}; removing {len(removal.trial_ids)} does, {removal} "
                f"(the smallest set found greedily, one trial after the other)."
            )
        if self.most > 1:
            return f"{alone}, nor that of up to {self.most} trials chosen greedily."
        return f"{alone}."


def removals(result: AnalysisResult, rules: Rules) -> Removals | Absent:
    """Find the trials without which an analysis would have another label.

    Parameters
    ----------
    result : AnalysisResult
        The analysis, with its leave-one-out table.
    rules : Rules
        Model and thresholds.

    Returns
    -------
    Removals or Absent
        Absent where the analysis has too few trials for a label that could change.

    Notes
    -----
    The label of the remaining trials ignores the minimum number of trials, as in the
    leave-one-out table. Sets of trials are searched greedily: four searches, each towards one end
    of the interval in one direction, remove one trial after the other, and the smallest set wins.
    A smaller set may exist; trying all of them is not feasible.
    """
    if result.analysis.kind == "moderator":
        return _of_moderator(result, rules)
    fit = result.fit
    if not isinstance(fit, Synthesis):
        return Absent(fit.reason)
    if fit.k < rules.min_trials:
        return Absent(f"fewer than {rules.min_trials} trials, so there is no label to lose")
    before = labels.interval_label(result.analysis, fit, rules, result.smallest_effect)
    table = result.leave_one_out
    single = _single(table[table["verdict"] != before], result.analysis.estimand.wanted_measure)
    if single:
        return Removals(before=before, found=single, most=1)
    most = min(MOST, fit.k - rules.min_trials)
    found = _smallest(LabelRule.of(result, rules), result, before, most)
    return Removals(before=before, found=found, most=most)


def _single(rows: pd.DataFrame, measure: str) -> tuple[Removal, ...]:
    found: Iterable[Any] = rows.itertuples(index=False)
    return tuple(
        Removal(
            trial_ids=(row.trial_id,),
            names=(row.label,),
            label=row.verdict,
            k=int(row.k),
            measure=measure,
            estimate=float(row.estimate),
            ci_lb=float(row.ci_lb),
            ci_ub=float(row.ci_ub),
        )
        for row in found
    )


def _smallest(
    rule: LabelRule, result: AnalysisResult, before: Label, most: int
) -> tuple[Removal, ...]:
    """Search towards every goal; return the smallest set that changes the label, or nothing."""
    yi, vi = result.effects["yi"].to_numpy(), result.effects["vi"].to_numpy()
    best: tuple[Removal, ...] = ()
    for end, sign in _GOALS:
        limit = len(best[0].trial_ids) - 1 if best else most
        kept, removed = np.ones(yi.size, dtype=bool), list[int]()
        while len(removed) < limit:
            candidates = np.flatnonzero(kept)
            masks = kept & (candidates[:, None] != np.arange(yi.size))
            found = rule.many(yi, vi, masks)
            changed = np.array([label != before for label in found.labels])
            aim = sign * getattr(found, end)
            choice = int(np.argmax(np.where(changed, aim, -np.inf) if changed.any() else aim))
            removed.append(int(candidates[choice]))
            kept[removed[-1]] = False
            if changed.any():
                best = (_removal(result, removed, found, choice),)
                break
    return best


def _removal(
    result: AnalysisResult, removed: Sequence[int], found: Variants, choice: int
) -> Removal:
    gone = result.effects.iloc[list(removed)]
    return Removal(
        trial_ids=tuple(gone["trial_id"]),
        names=tuple(gone["label"]),
        label=found.labels[choice],
        k=int(found.k[choice]),
        measure=result.analysis.estimand.wanted_measure,
        estimate=float(found.estimate[choice]),
        ci_lb=float(found.ci_lb[choice]),
        ci_ub=float(found.ci_ub[choice]),
    )


def _of_moderator(result: AnalysisResult, rules: Rules) -> Removals | Absent:
    """Test the moderator without each trial in turn; a level that gets too small drops out."""
    moderator = result.moderator
    if moderator is None or isinstance(moderator.fit, Absent):
        return Absent("too few levels with enough trials, so there is no label to lose")
    no_effect = Absent("a moderator's label rests on a test, not on one pooled effect")
    before = labels.moderator_label(moderator, rules, result.smallest_effect)
    effects, found = result.effects, []
    for trial in effects["trial_id"].unique():
        rest = effects[effects["trial_id"] != trial]
        fit = _fit_without(rest, result, rules)
        label = labels.moderator_label(replace(moderator, fit=fit), rules, result.smallest_effect)
        if label != before:
            found.append(
                Removal(
                    trial_ids=(trial,),
                    names=(effects.loc[effects["trial_id"] == trial, "label"].iloc[0],),
                    label=label,
                    k=int(rest["trial_id"].nunique()),
                    measure=result.analysis.estimand.wanted_measure,
                    estimate=no_effect,
                    ci_lb=no_effect,
                    ci_ub=no_effect,
                )
            )
    return Removals(before=before, found=tuple(found), most=1)


def _fit_without(
    rest: pd.DataFrame, result: AnalysisResult, rules: Rules
) -> Subgroups | LevelRegression | Absent:
    column = result.analysis.moderator
    levels = rest[column].astype(str)
    sizes = levels.value_counts()
    asked = result.analysis.levels or tuple(sizes.index)
    tested = [n for n in asked if sizes.get(n, 0) >= rules.min_trials_per_level]
    if len(tested) < 2:
        return Absent(f"fewer than 2 levels with at least {rules.min_trials_per_level} trials each")
    return fit_levels(rest[levels.isin(tested)].assign(level=levels), rules)
