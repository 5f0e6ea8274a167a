"""Certainty of comparisons between levels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from combined_care import certainty_moderators as comparison
from combined_care.certainty import Domain
from combined_care.certainty_criteria import load_criteria
from combined_care.findings import ModeratorResult
from combined_care.moderators import subgroups
from combined_care.results import Absent

CRITERIA = load_criteria().moderators


def moderator(*sizes: int, name: str = "design") -> ModeratorResult:
    """Levels of the given sizes; those of fewer than 3 trials are not tested."""
    tested = [size for size in sizes if size >= 3]
    fit: object = Absent("fewer than 2 levels with at least 3 trials each")
    if len(tested) > 1:
        random = np.random.default_rng(1)
        groups = np.repeat([f"l{i}" for i in range(len(tested))], tested)
        fit = subgroups(random.normal(0.3, 0.2, groups.size), np.full(groups.size, 0.02), groups)
    counts = pd.DataFrame(
        {
            "level": [f"l{i}" for i in range(len(sizes))],
            "k": sizes,
            "tested": [s >= 3 for s in sizes],
        }
    )
    return ModeratorResult(name, fit, counts, pd.DataFrame(), Absent("-"))


@pytest.mark.parametrize(
    ("sizes", "steps"),
    [((12, 10), 0), ((12, 9), -1), ((12, 5), -1), ((12, 4), -2), ((12, 10, 2), 0), ((12, 2), -2)],
)
def test_imprecision_follows_the_smallest_level_that_was_tested(sizes, steps):
    assert comparison.imprecision(moderator(*sizes), CRITERIA).downgrade == steps


def test_what_could_not_be_tested_says_why():
    found = comparison.imprecision(moderator(12, 2), CRITERIA)
    assert "fewer than 2 levels" in found.sentence


def base(steps: int) -> Domain:
    return Domain(name="indirectness", downgrade=steps, rule="r.", sentence="s.", values=())


def trials_in_levels(*levels: str) -> pd.DataFrame:
    rows = [(f"t{i}", level) for i, names in enumerate(levels) for level in names]
    return pd.DataFrame(rows, columns=["trial_id", "design"])


@pytest.mark.parametrize(
    ("levels", "before", "after"),
    [
        (("a", "b", "a", "b"), 0, -1),  # compared between trials
        (("a", "b", "a", "b"), -1, -2),
        (("a", "b", "a", "b"), -2, -2),  # never more than two
        (("ab", "ab", "a", "b"), 0, 0),  # half of them compare within themselves
        (("ab", "a", "a", "b"), 0, -1),
    ],
)
def test_a_comparison_between_trials_takes_one_step(levels, before, after):
    effects = trials_in_levels(*levels)
    found = comparison.indirectness(base(before), effects, moderator(3, 3), CRITERIA)
    assert found.downgrade == after


def test_only_effects_of_tested_levels_count():
    effects = pd.DataFrame({"trial_id": list("abcd"), "design": ["l0", "l1", "l2", "l0"]})
    assert list(comparison.compared_effects(effects, moderator(3, 3, 1))["trial_id"]) == list("abd")
    assert len(comparison.compared_effects(effects, moderator(3, 1, 1))) == 4


def test_variation_and_small_studies_take_no_step_of_their_own():
    assert not comparison.inconsistency(moderator(3, 3)).assessed
    assert not comparison.small_study_effects().assessed
    assert isinstance(comparison.residual_tau2(moderator(3, 1)), Absent)
    assert comparison.residual_tau2(moderator(5, 5)) >= 0
