"""One specification computed the slow way: the evidence asked anew, and the functions of one fit.

It knows nothing of the batch code: choices become changes of estimand, rule and rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care import labels
from combined_care.level_tests import level_regression
from combined_care.moderators import subgroups
from combined_care.results import Absent
from combined_care.small_study import pet_peese
from combined_care.step_selection import selection_model
from combined_care.synthesis import synthesize
from combined_care.trim_fill import trim_and_fill

if TYPE_CHECKING:
    from combined_care.evidence import Evidence

EXTREME = ("extreme effect: check SD",)
DOUBTFUL = ("sensitivity only", "report identity incomplete", "factorial margin")
UNCERTAIN = ("medication of comparator probable, not certain",)
ATTENTION, USUAL = "pharmacotherapy_plus_psychological_placebo", "usual_care"
FEWEST_FOR_ADJUSTMENT = 10


def _asked(analysis: Any, options: dict[str, str]) -> Any:
    estimand = analysis.estimand
    flags = [
        *(EXTREME if options["extreme"] == "out" else ()),
        *(DOUBTFUL if options["doubtful"] == "out" else ()),
        *(UNCERTAIN if options["uncertain_comparator"] == "out" else ()),
    ]
    trials = dict(estimand.trials)
    if options["blinding"] == "blinded":
        trials["placebo_controlled"] = ("yes",)
    comparator = estimand.comparator
    if comparator == ("pharmacotherapy",):
        comparator += (ATTENTION,) if options["attention_control"] == "in" else ()
        comparator += (USUAL,) if options["usual_care"] == "in" else ()
    variance = options["variance"] if estimand.wanted_measure == "SMD" else estimand.variance
    return replace(
        estimand, tiers=options["tiers"], left_out_flags=tuple(flags), trials=trials,
        comparator=comparator, variance=variance,
    )  # fmt: skip


def _rule(rule: Any, options: dict[str, str]) -> Any:
    orders = {
        "rating": {"clinician": None, "self": ("self", "", "clinician")}[options["rating"]],
        "analysis_set": {"itt": None, "completer": ("completer", "unclear", "itt")}[
            options["analysis_set"]
        ],
    }
    rank = tuple(replace(r, order=orders.get(r.column) or r.order) for r in rule.rank)
    family = {"both": ("severity", "response", "remission"), "severity": ("severity",)}
    efficacy = family.get(options["outcome_family"], ("response", "remission"))
    return replace(
        rule, rank=rank, outcomes={"efficacy": efficacy},
        correlation=float(options["correlation"]),
    )  # fmt: skip


_CHANGED: dict[tuple, Evidence] = {}
_DECIDE_ROWS = (
    "derived",
    "risk_of_bias",
    "rating",
    "analysis_set",
    "outcome_family",
    "correlation",
)


def _changed(evidence: Evidence, options: dict[str, str]) -> Evidence:
    """The evidence with other rows and another rule; the same object for the same changes."""
    key = (id(evidence), *(options[name] for name in _DECIDE_ROWS))
    if key not in _CHANGED:
        outcomes = evidence.outcomes
        if options["derived"] == "out":
            outcomes = outcomes[outcomes["derived"] != 1]
        if options["risk_of_bias"] == "low":
            trials = evidence.trials
            low = trials.loc[trials["low_risk_items"] >= 3, "trial_id"]
            outcomes = outcomes[outcomes["trial_id"].isin(low)]
        changed = replace(evidence, outcomes=outcomes, rule=_rule(evidence.rule, options))
        changed.__dict__["arms_of_trial"] = evidence.arms_of_trial
        _CHANGED[key] = changed
    return _CHANGED[key]


def effects_of(analysis: Any, evidence: Evidence, options: dict[str, str]) -> Any:
    """Select the effects of one specification by the evidence itself."""
    changed = _changed(evidence, options)
    effects = changed.select(_asked(analysis, options)).effects
    if options["left_out"]:
        effects = effects[effects["trial_id"] != options["left_out"]]
    for late in (ATTENTION, USUAL):
        is_late = effects["comparator"] == late
        first = set(effects.loc[effects["comparator"].isin(_before(late)), "trial_id"])
        if late not in analysis.estimand.comparator:
            effects = effects[~(is_late & effects["trial_id"].isin(first))]
    return effects.reset_index(drop=True)


def _before(comparator: str) -> tuple[str, ...]:
    return ("pharmacotherapy",) if comparator == ATTENTION else ("pharmacotherapy", ATTENTION)


def compute(analysis: Any, evidence: Evidence, rules: Any, options: dict[str, str]) -> dict:
    """Return k, estimate, limits, p value and label of one specification."""
    effects = effects_of(analysis, evidence, options)
    rules = replace(rules, method=options["estimator"], test=options["interval"])
    smallest = labels.smallest_effect_on(analysis.estimand.wanted_measure, effects, rules)
    found = {"k": effects["trial_id"].nunique(), "label": "insufficient"}
    if analysis.kind == "moderator":
        return found | _moderator(analysis, effects, rules, smallest)
    if effects.empty or effects["trial_id"].duplicated().any():
        return found
    fit: Any = synthesize(effects["yi"], effects["vi"], method=rules.method, test=rules.test)
    if len(effects) >= FEWEST_FOR_ADJUSTMENT:
        fit = _adjusted(effects, options["small_study"], fit)
    if isinstance(fit, Absent) or isinstance(fit.estimate, Absent):
        return found
    found |= {name: getattr(fit, name) for name in ("estimate", "ci_lb", "ci_ub", "pval")}
    if len(effects) >= rules.min_trials:
        found["label"] = labels.interval_label(analysis, fit, rules, smallest)
    return found


def _adjusted(effects: Any, how: str, plain: Any) -> Any:
    yi, vi = effects["yi"].to_numpy(), effects["vi"].to_numpy()
    if how == "trim-fill":
        return trim_and_fill(yi, vi, method=plain.method, test=plain.test).filled
    if how == "selection":
        return selection_model(yi, vi)
    if how == "pet-peese":
        sized = effects["measure"].iloc[0] == "SMD" and effects["n_e"].notna().all()
        people = (effects["n_e"], effects["n_c"]) if sized else ()
        return pet_peese(yi, vi, *people, measure="SMD" if sized else None)
    return plain


def _moderator(analysis: Any, effects: Any, rules: Any, smallest: Any) -> dict:
    values = effects[analysis.moderator].astype(str)
    sizes = values.value_counts()
    asked = analysis.levels or sorted(set(values))
    tested = [level for level in asked if sizes.get(level, 0) >= rules.min_trials_per_level]
    if len(tested) < 2:
        return {}
    inside = values.isin(tested).to_numpy()
    some = effects[inside]
    args = (some["yi"].to_numpy(), some["vi"].to_numpy(), values[inside].to_numpy())
    model = {"method": rules.method, "test": rules.test}
    if some["trial_id"].duplicated().any():
        fit: Any = level_regression(*args, cluster=some["trial_id"].to_numpy(), **model)
    else:
        fit = subgroups(*args, **model)
    if isinstance(fit.f_pval, Absent):
        return {}
    found = labels.moderator_label(_Result(fit), rules, smallest)
    return {"pval": fit.f_pval, "label": found, "tau2": fit.tau2}


class _Result:
    """What ``labels.moderator_label`` looks at."""

    def __init__(self, fit: Any) -> None:
        self.fit = fit


def agrees(row: Any, expected: dict) -> list[str]:
    """Return what differs between a row of the table and the slow computation."""
    wrong = []
    if row.k != expected["k"]:
        wrong.append(f"k {row.k} for {expected['k']}")
    if row.verdict != expected["label"]:
        wrong.append(f"label {row.verdict} for {expected['label']}")
    for name in ("estimate", "ci_lb", "ci_ub", "pval"):
        value = expected.get(name, np.nan)
        value = np.nan if isinstance(value, Absent) else value
        if not np.isclose(getattr(row, name), value, rtol=1e-6, atol=1e-7, equal_nan=True):
            wrong.append(f"{name} {getattr(row, name)} for {value}")
    return wrong
