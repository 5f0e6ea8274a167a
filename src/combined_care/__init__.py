"""Combined Care: when should psychotherapy and medication be combined, and how sure can we be?

The public names are listed in :data:`__all__` and loaded on first use, so that importing the
package, or asking the command for help, costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that holds it.
_PUBLIC = {
    "Absent": "results",
    "load_evidence": "evidence",
    "Evidence": "evidence",
    "Estimand": "estimands",
    "Selection": "estimands",
    "effect_size": "effects",
    "synthesize": "synthesis",
    "synthesize_many": "synthesis",
    "Synthesis": "synthesis",
    "Inference": "synthesis",
    "tau2_profile_interval": "heterogeneity",
    "Tau2Interval": "heterogeneity",
    "load_claims": "claims",
    "Claim": "claims",
    "judge": "verdicts",
    "Verdict": "verdicts",
    "subgroups": "moderators",
    "cross_check": "crosscheck",
    "bayesian_synthesis": "bayes",
    "BayesianSynthesis": "bayes",
    "nnt_from_smd": "translation",
    "nnt_from_ratio": "translation",
    "nnt_from_risk_difference": "translation",
    "smd_to_logor": "translation",
    "NumberNeeded": "translation",
    "absolute_effect": "event_rates",
    "experimental_event_rate": "event_rates",
    "AbsoluteEffect": "event_rates",
    "proportion_above_comparator_mean": "overlap",
    "probability_of_superiority": "overlap",
    "success_rate_difference": "overlap",
    "Proportion": "overlap",
    "egger_test": "egger",
    "EggerTest": "egger",
    "rank_test": "small_study",
    "RankTest": "small_study",
    "pet_peese": "small_study",
    "PetPeese": "small_study",
    "trim_and_fill": "trim_fill",
    "TrimAndFill": "trim_fill",
    "selection_model": "step_selection",
    "SelectionModel": "step_selection",
    "leave_one_out": "sensitivity",
    "LeaveOneOut": "sensitivity",
    "cumulative": "sensitivity",
    "Cumulative": "sensitivity",
    "influence": "influence_measures",
    "Influence": "influence_measures",
    "fail_safe_n": "fragility",
    "FailSafeN": "fragility",
    "null_trial_to_change": "fragility",
    "NullTrial": "fragility",
    "meta_regression": "moderators",
    "Subgroups": "moderators",
    "Subgroup": "moderators",
    "Contrast": "moderators",
    "MetaRegression": "moderators",
    "covariance_matrix": "dependence",
    "aggregate": "dependence",
    "Aggregated": "dependence",
    "robust_synthesize": "dependence",
    "RobustSynthesis": "dependence",
    "Certainty": "certainty",
    "assess": "certainty_assessment",
    "load_criteria": "certainty_criteria",
    "load_overrides": "certainty_overrides",
    "summary_of_findings": "findings_summary",
    "FindingsSummary": "summary_rows",
    "derive_severity": "severity",
    "tipping_points": "tipping",
    "TippingPoints": "tipping",
    "compare_releases": "releases",
    "ReleaseComparison": "release_changes",
    "verify": "verification",
    "network_meta_analysis": "network",
    "NetworkMetaAnalysis": "network",
    "component_network": "components",
    "ComponentNetwork": "components",
    "network_of": "evidence_network",
    "NetworkInput": "evidence_network",
    "multiverse": "multiverse_table",
    "multiverse_inference": "spec_resampling",
    "summarise": "robustness",
    "Move": "robustness",
    "MultiverseInference": "spec_resampling",
    "load_choices": "choices",
    "Robustness": "robustness",
    "level_regression": "level_tests",
    "LevelRegression": "level_tests",
    "compare_with_published": "literature",
    "Comparison": "literature",
    "load_published_map": "published_map",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
