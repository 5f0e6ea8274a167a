"""The arms of one trial, rebuilt from its rows."""

from __future__ import annotations

import numpy as np
import pytest

from combined_care.contrasts import Numbers, oriented_effect
from combined_care.covariance import covariance_matrix
from combined_care.effects import effect_size
from combined_care.network_data import read_network
from combined_care.selection import Candidate
from combined_care.trial_arms import NamedRow, trial_result
from small_evidence import OUTCOME, RULE, events, means

FAMILY = ("severity", "response")
TALK, DRUG, BOTH = "psychotherapy", "pharmacotherapy", "combined"


class Row:
    def __init__(self, values):
        self.__dict__.update(values)


def named(values, numbers="means", measure="SMD"):
    row = Row(values)
    effect = oriented_effect(Numbers.of(row), measure)
    return NamedRow(Candidate(row, effect), row.experimental, row.comparator, numbers)


def severity(e, c, x, y, place, **changes):
    """Arm `e` with (mean, sd, n) against arm `c`; lower is better."""
    numbers = dict(zip(("mean_e", "sd_e", "n_e"), x, strict=True))
    numbers |= dict(zip(("mean_c", "sd_c", "n_c"), y, strict=True))
    both = {**numbers, "experimental": e, "comparator": c, "row_id": f"t-{place}", **changes}
    return named(means("t", 0.0, **both))


def reported(e, c, smd, se, place, **changes):
    arms = {"experimental": e, "comparator": c, "row_id": f"t-{place}", "trial_id": "t"}
    effect = {"tier": "B", "effect": smd, "se": se, "effect_measure": "smd"}
    return named(
        {**OUTCOME, **arms, **effect, "favours_experimental_when": "higher", **changes}, None
    )


A, B, C = (8.0, 4.0, 30), (10.0, 5.0, 25), (12.0, 6.0, 40)
THREE = [severity(BOTH, DRUG, A, B, 1), severity(BOTH, TALK, A, C, 2)]


def by_pair(result):
    return {(p.treat1, p.treat2): p for p in result.pairs}


def as_network(result):
    columns = zip(*[(p.treat1, p.treat2, p.yi, p.vi) for p in result.pairs], strict=True)
    return read_network(*columns, ["t"] * len(result.pairs), tolerance=1e-12)


def test_two_arms_give_the_same_as_their_row():
    result = trial_result(THREE[:1], RULE, FAMILY, "SMD")
    (pair,) = result.pairs
    expected = effect_size("SMD", 8, 4, 30, 10, 5, 25)
    assert (pair.treat1, pair.treat2, pair.n1, pair.n2) == (BOTH, DRUG, 30, 25)
    assert (pair.yi, pair.vi) == (pytest.approx(-expected.yi), pytest.approx(expected.vi))
    assert (result.how, result.row_ids, result.converted) == ("arms", ("t-1",), False)


def test_three_arms_give_all_pairs_and_they_add_up():
    result = trial_result(THREE, RULE, FAMILY, "SMD")
    pairs = by_pair(result)
    assert set(pairs) == {(BOTH, DRUG), (BOTH, TALK), (DRUG, TALK)}
    as_network(result)  # raises unless effects add up and variances have covariances
    pooled = np.sqrt((29 * 16 + 24 * 25 + 39 * 36) / 92)
    assert pairs[DRUG, TALK].yi == pytest.approx((12 - 10) / pooled, rel=0.01)


def test_covariances_are_those_of_multiple_treatment_studies():
    pairs = by_pair(trial_result(THREE, RULE, FAMILY, "SMD"))
    one, two, rest = pairs[BOTH, DRUG], pairs[BOTH, TALK], pairs[DRUG, TALK]
    expected = covariance_matrix(
        [one.vi, two.vi], ["t", "t"], measure="SMD", yi=[one.yi, two.yi],
        arm_e=[BOTH, BOTH], arm_c=[DRUG, TALK], n_e=[30, 30], n_c=[25, 40],
    )  # fmt: skip
    assert (one.vi + two.vi - rest.vi) / 2 == pytest.approx(expected[0, 1], rel=1e-12)


def test_the_measurement_with_most_treatments_wins_then_the_rule():
    clinician = severity(BOTH, DRUG, A, B, 3, rating="clinician", instrument="madrs")
    own = [
        severity(BOTH, DRUG, (1, 1, 30), (2, 1, 25), 4, rating="self", instrument="bdi"),
        severity(BOTH, TALK, (1, 1, 30), (3, 1, 40), 5, rating="self", instrument="bdi"),
    ]
    assert trial_result([clinician, *own], RULE, FAMILY, "SMD").row_ids == ("t-4", "t-5")
    assert trial_result([clinician, own[0]], RULE, FAMILY, "SMD").row_ids == ("t-3",)


def test_an_arm_with_the_same_numbers_ties_rows_of_different_labels():
    rows = [
        severity(BOTH, DRUG, A, B, 1, instrument="HRSD", analysis_set="completer"),
        severity(TALK, DRUG, C, B, 2, instrument="ham-d", analysis_set="itt"),
    ]
    assert len(trial_result(rows, RULE, FAMILY, "SMD").pairs) == 3
    other = severity(TALK, DRUG, C, (10.1, 5.0, 25), 2, instrument="ham-d")
    assert len(trial_result([rows[0], other], RULE, FAMILY, "SMD").pairs) == 1


def test_several_arms_of_a_treatment_are_put_together_and_a_whole_counts_once():
    rows = [
        severity(BOTH, DRUG, A, B, 1, treatment_e="cbt + ssri"),
        severity(BOTH, DRUG, (9.0, 4.0, 20), B, 2, treatment_e="ipt + ssri"),
    ]
    (pair,) = trial_result(rows, RULE, FAMILY, "SMD").pairs
    assert (pair.n1, pair.n2) == (50, 25)
    whole = severity(BOTH, DRUG, (8.4, 4.0, 50), B, 3)
    (pair,) = trial_result([*rows, whole], RULE, FAMILY, "SMD").pairs
    assert (pair.n1, pair.n2) == (50, 25)


def test_counts_become_log_odds_ratios_or_are_converted():
    rows = [named(events("t", 20, 10, 30, experimental=BOTH, comparator=DRUG), "events", "OR")]
    (pair,) = trial_result(rows, RULE, FAMILY, "OR").pairs
    expected = effect_size("OR", 20, 30, 10, 30)
    assert (pair.yi, pair.vi) == (pytest.approx(expected.yi), pytest.approx(expected.vi))
    result = trial_result(rows, RULE, FAMILY, "SMD")
    assert result.converted
    assert result.pairs[0].yi == pytest.approx(expected.yi * np.sqrt(3) / np.pi)


def test_an_empty_cell_adds_a_half_to_every_arm_of_the_trial():
    rows = [
        named(events("t", 20, 0, 30, experimental=BOTH, comparator="placebo"), "events", "OR"),
        named(events("t", 20, 10, 30, row_id="t-02", comparator=DRUG), "events", "OR"),
    ]
    result = trial_result(rows, RULE, FAMILY, "OR")
    as_network(result)
    assert by_pair(result)[BOTH, DRUG].yi == pytest.approx(np.log(20.5 / 10.5 * 20.5 / 10.5))


def test_complete_reported_effects_are_used_together():
    rows = [
        reported(BOTH, DRUG, 0.5, 0.2, 1),
        reported(BOTH, TALK, 0.2, 0.2, 2),
        reported(TALK, DRUG, 0.3, 0.2, 3),
    ]
    result = trial_result(rows, RULE, FAMILY, "SMD")
    assert (len(result.pairs), result.how) == (3, "reported")
    at_odds = [*rows[:2], reported(TALK, DRUG, 0.9, 0.2, 3)]
    for some in (rows[:2], at_odds):
        assert trial_result(some, RULE, FAMILY, "SMD").row_ids == ("t-1",)


def test_severity_comes_before_response_when_both_have_as_many_treatments():
    both = [
        named(events("t", 20, 10, 30, row_id="t-9"), "events", "OR"),
        severity(BOTH, DRUG, A, B, 1),
    ]
    assert trial_result(both, RULE, FAMILY, "SMD").row_ids == ("t-1",)
    more = [*both, named(events("t", 20, 5, 30, row_id="t-8", comparator=TALK), "events", "OR")]
    assert trial_result(more, RULE, FAMILY, "SMD").row_ids == ("t-8", "t-9")
