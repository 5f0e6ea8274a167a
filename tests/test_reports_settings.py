"""What-if settings change what they name, in every analysis, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from combined_care.claims import Rules, load_claims
from combined_care.errors import InputError
from combined_care.reports.settings import SETTINGS, changes, read_settings, with_settings

CLAIM = load_claims()["mdd-combined"]
OTHER = {
    "method": "PM", "test": "z", "level": 0.9, "smd_variance": "UB", "smallest_effect": 0.5,
    "min_trials": 5, "min_trials_per_level": 4, "alpha": 0.01, "tiers": "ABC",
}  # fmt: skip


def test_every_setting_is_a_rule_or_the_tiers_and_is_tested_here():
    rules = {field.name for field in dataclasses.fields(Rules)}
    assert set(SETTINGS) == set(OTHER)
    assert set(SETTINGS) - rules == {"tiers"}


def test_without_settings_the_claim_is_the_same():
    assert with_settings(CLAIM) == CLAIM


@pytest.mark.parametrize("name", [name for name in OTHER if name != "tiers"])
def test_a_rule_is_changed_and_the_others_stay(name):
    changed = with_settings(CLAIM, **{name: OTHER[name]})
    assert getattr(changed.rules, name) == OTHER[name]
    may_follow = {name, "smallest_effect_source"} if name == "smallest_effect" else {name}
    for field in dataclasses.fields(Rules):
        if field.name not in may_follow:
            assert getattr(changed.rules, field.name) == getattr(CLAIM.rules, field.name)
    assert changed.id == CLAIM.id
    assert len(changed.analyses) == len(CLAIM.analyses)


def test_tiers_and_the_variance_of_g_change_in_every_analysis():
    changed = with_settings(CLAIM, tiers="ABC", smd_variance="UB")
    for new, old in zip(changed.analyses, CLAIM.analyses, strict=True):
        assert new.estimand == dataclasses.replace(old.estimand, tiers="ABC", variance="UB")


def test_a_threshold_of_ones_own_does_not_keep_the_source_of_the_other():
    changed = with_settings(CLAIM, smallest_effect=0.5)
    assert "Cuijpers" in CLAIM.rules.smallest_effect_source
    assert "Cuijpers" not in changed.rules.smallest_effect_source


def test_changes_are_told_with_what_was_fixed():
    found = changes(CLAIM, {"tiers": "A", "level": 0.9, "method": "REML"})
    assert [str(change) for change in found] == [
        "data tiers that are pooled (tiers): A instead of AB",
        "level of the intervals (level): 0.9 instead of 0.95",
    ]


def test_settings_that_change_nothing_are_refused():
    with pytest.raises(InputError, match="mdd-combined has these settings already"):
        changes(CLAIM, {"level": 0.95, "smallest_effect": 0.24})


def test_all_problems_of_a_command_line_are_told_at_once():
    with pytest.raises(InputError) as caught:
        read_settings(["levl=0.9", "method=PMM", "alpha", "level=0.9", "level=0.8", "tiers=AD"])
    message = str(caught.value)
    for part in ("did you mean 'level'?", "did you mean 'PM'?", "got 'alpha'", "got 'level=0.8'"):
        assert part in message
    assert "unknown tiers: 'AD'" in message


@pytest.mark.parametrize("name", list(OTHER))
def test_text_of_a_command_line_gives_the_value(name):
    assert read_settings([f" {name} = {OTHER[name]} "]) == {name: OTHER[name]}
