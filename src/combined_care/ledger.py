"""What became of every row: its effect, or the reason why it has none, and where it is pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from combined_care.contrasts import Numbers, Oriented, oriented_effect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from combined_care.claims import Claim
    from combined_care.evidence import Evidence
    from combined_care.review import Review
    from combined_care.selection import SelectionRule

#: What happens to a row; the first that applies, in this order.
Fate = Literal[
    "repeated",
    "network",
    "other_kind",
    "direction_only",
    "flagged",
    "without_arm_sizes",
    "no_effect",
    "usable",
]

#: Fates of rows that answer no question of the review.
APART: tuple[Fate, ...] = ("repeated", "network", "other_kind")


def ledger(evidence: Evidence) -> pd.DataFrame:
    """List every outcome row with its effect and what becomes of it.

    Parameters
    ----------
    evidence : Evidence
        From :func:`combined_care.evidence.load_evidence`.

    Returns
    -------
    pandas.DataFrame
        All rows of the outcome table, joined with their trials, in their order, and in addition
        ``fate`` (see :data:`Fate`); ``measure, yi, vi, ci_lb, ci_ub`` (95 %, logs for ratios,
        positive in favour of the experimental arm; nan where there is no effect);
        ``derivation`` (the formula with the numbers put in) and ``problem`` (why there is no
        effect), of which one is empty.

    Notes
    -----
    A row is shown on the measure that suits its outcome, or on the one that ``data/review.yaml``
    allows as well. Claims may bring it to another scale, and say so.
    """
    rows = evidence.contrasts
    found = [_entry(row, evidence) for row in rows.itertuples(index=False)]
    return pd.concat([rows.reset_index(drop=True), pd.DataFrame(found)], axis=1)


def _entry(row: Any, evidence: Evidence) -> dict[str, Any]:
    effect, problem = _effect(row, evidence)
    fate = fate_of(row, evidence.rule, evidence.review, has_effect=effect is not None)
    nothing = dict.fromkeys(("yi", "vi", "ci_lb", "ci_ub"), float("nan"))
    if effect is None:
        return {"fate": fate, "measure": "", **nothing, "derivation": "", "problem": problem}
    half = float(stats.norm.ppf(0.975)) * float(np.sqrt(effect.vi))
    return {
        "fate": fate,
        "measure": effect.measure,
        "yi": effect.yi,
        "vi": effect.vi,
        "ci_lb": effect.yi - half,
        "ci_ub": effect.yi + half,
        "derivation": effect.derivation,
        "problem": "",
    }


def _effect(row: Any, evidence: Evidence) -> tuple[Oriented | None, str]:
    """Compute the effect on the first measure of the outcome that the numbers give."""
    arms = evidence.arms_of_trial[row.trial_id]
    randomised = float("nan") if pd.isna(row.n_randomised) else float(row.n_randomised)
    numbers, problem = Numbers.of(row), ""
    for measure in evidence.review.measures(row.outcome):
        found = oriented_effect(numbers, measure, arms=arms, n_randomised=randomised)
        if isinstance(found, Oriented):
            return found, ""
        problem = problem or found.reason
    return None, problem


def fate_of(row: Any, rule: SelectionRule, review: Review, *, has_effect: bool) -> Fate:
    """Tell what becomes of a row in the primary analyses.

    Parameters
    ----------
    row : named tuple
        An outcome row joined with its trial.
    rule : SelectionRule
        Names the flags and kinds of treatment that stay out.
    review : Review
        Names the experimental arm.
    has_effect : bool
        Whether the row's numbers give an effect.
    """
    if row.duplicate_of or row.same_as_row:
        return "repeated"
    if row.experimental not in review.experimental:
        return "network"
    if rule.left_out_kind(row):
        return "other_kind"
    if row.tier == "D":
        return "direction_only"
    if set(rule.left_out_flags) & set(str(row.flags).split("; ")):
        return "flagged"
    if row.tier == "C":
        return "without_arm_sizes"
    return "usable" if has_effect else "no_effect"


def count_fates(rows: pd.DataFrame) -> pd.DataFrame:
    """Count rows and trials by fate.

    Parameters
    ----------
    rows : pandas.DataFrame
        From :func:`ledger`.

    Returns
    -------
    pandas.DataFrame
        ``fate, rows, trials``, one row a fate in the order of :data:`Fate`, zeros included. A
        trial counts under each fate that one of its rows has.
    """
    found = rows.groupby("fate").agg(rows=("row_id", "size"), trials=("trial_id", "nunique"))
    return found.reindex(list(get_args(Fate)), fill_value=0).rename_axis("fate").reset_index()


def count_trials(rows: pd.DataFrame) -> pd.DataFrame:
    """Count the trials of the experimental arm by diagnosis, comparator and design.

    Parameters
    ----------
    rows : pandas.DataFrame
        From :func:`ledger`.

    Returns
    -------
    pandas.DataFrame
        ``diagnosis, comparator, design, trials, usable``: trials with any result on the question,
        and those of them with a result that the primary analyses may pool. Trials that stand in
        the tables twice count once; questions without a trial have no row.
    """
    kept = rows[~rows["fate"].isin(list(APART))]
    keys = ["diagnosis", "comparator", "design"]
    kept = kept.assign(usable_trial=kept["trial_id"].where(kept["fate"] == "usable"))
    counts = kept.groupby(keys, sort=True).agg(
        trials=("trial_id", "nunique"), usable=("usable_trial", "nunique")
    )
    return counts.reset_index()


def uses(claims: Iterable[Claim], evidence: Evidence) -> pd.DataFrame:
    """List which analysis of which claim pools which row.

    Returns
    -------
    pandas.DataFrame
        ``row_id, trial_id, claim, analysis, title, role``, one row a use, in the order of the
        claims.
    """
    columns = ["row_id", "trial_id", "claim", "analysis", "title", "role"]
    found = []
    for claim, analysis in ((c, a) for c in claims for a in c.analyses):
        effects = evidence.select(analysis.estimand).effects
        for trial, row_ids in zip(effects["trial_id"], effects["row_ids"], strict=True):
            use = (trial, claim.id, analysis.id, analysis.title, analysis.role)
            found += [(row_id, *use) for row_id in row_ids]
    return pd.DataFrame(found, columns=columns)
