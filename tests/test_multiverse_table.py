"""Every specification is what the single functions make of it, and depends on what it uses."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import spec_oracle
from combined_care.choices import load_choices
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.decisions import uncertainty, weakest
from combined_care.draws import permutation
from combined_care.errors import InputError
from combined_care.estimands import Estimand
from combined_care.evidence import load_evidence
from combined_care.multiverse_table import multiverse
from small_evidence import events, evidence, means, trial

CHOICES = load_choices()
IDS = [*(dimension.id for dimension in CHOICES), "left_out"]
RULES = load_claims()["mdd-combined"].rules
TESTABLE = [name for name, claim in load_claims().items() if claim.testable]
#: Fields of a specification that a test compares.
NUMBERS = ["k", "estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "tau2", "pval"]


@cache
def real():
    return load_evidence()


@cache
def table_of(name: str) -> pd.DataFrame:
    """The table of a project claim, with a small sample where there are many combinations."""
    return multiverse(load_claims()[name], real(), choices=replace(CHOICES, cap=300))


def decisive(claim):
    return {a.id: a for a in claim.analyses if a.role == "decisive"}


def options_of(row) -> dict[str, str]:
    return {name: str(getattr(row, name)) for name in IDS}


def claim(kind="superiority", estimand=None, **changes) -> Claim:
    asked = estimand or Estimand(outcome="severity", comparator=("pharmacotherapy",))
    own = "superiority" if kind == "uncertainty" else kind
    analysis = Analysis(id="a", title="main", kind=own, role="decisive", estimand=asked, **changes)
    return Claim(
        id="test", set="primary", section="s", text="t", kind=kind, analyses=(analysis,),
        rules=RULES,
    )  # fmt: skip


def few(gains, n=60, flags=None):
    """Trials with one self-rated and one clinician-rated result each."""
    names = [f"t{i}" for i in range(len(gains))]
    rows = []
    for i, (name, gain) in enumerate(zip(names, gains, strict=True)):
        marks = {"flags": (flags or {}).get(i, "")}
        rows += [
            means(name, gain, n=n + 4 * i, **marks),
            means(name, gain - 0.1, n=n + 4 * i, rating="self", instrument="bdi",
                  row_id=f"{name}-02", **marks),
        ]  # fmt: skip
    return evidence([judged(name) for name in names], rows)


def judged(name):
    """A trial that no choice about trials leaves out."""
    return trial(name, low_risk_items=4.0, placebo_controlled="yes")


@pytest.mark.parametrize("name", TESTABLE)
def test_the_primary_specification_is_the_primary_analysis(name):
    claim_ = load_claims()[name]
    table = table_of(name)
    primary = table[table["is_primary"]].set_index("analysis")
    for analysis in decisive(claim_).values():
        row = primary.loc[analysis.id]
        effects = real().select(analysis.estimand).effects
        same = spec_oracle.effects_of(analysis, real(), options_of(row))
        assert same["trial_id"].tolist() == effects["trial_id"].tolist()
        assert same["yi"].tolist() == effects["yi"].tolist()
        expected = spec_oracle.compute(analysis, real(), claim_.rules, options_of(row))
        assert spec_oracle.agrees(row, expected) == []


@pytest.mark.parametrize("name", ["mdd-combined", "remission", "longterm-relapse", "mild-single",
                                  "complex-combined", "asymmetric", "varies-by-design",
                                  "sequential-addition"])  # fmt: skip
def test_specifications_of_the_project_are_what_single_functions_give(name):
    claim_, table = load_claims()[name], table_of(name)
    analyses = decisive(claim_)
    some = table[table["rating"] != "all"]
    rows = list(some.iloc[permutation(f"rows of {name}", len(some))[:8]].itertuples(index=False))
    wrong = {}
    for row in rows:
        expected = spec_oracle.compute(
            analyses[row.analysis], real(), claim_.rules, options_of(row)
        )
        if found := spec_oracle.agrees(row, expected):
            wrong[row.analysis, row.specification] = found
    assert wrong == {}


@pytest.mark.parametrize("small_study", ["trim-fill", "pet-peese", "selection"])
def test_adjusted_specifications_are_what_single_functions_give(small_study):
    claim_, table = load_claims()["mdd-combined"], table_of("mdd-combined")
    some = table[(table["small_study"] == small_study) & (table["rating"] != "all")]
    some = some[some["adjusted"]]
    for row in some.iloc[:6].itertuples(index=False):
        analysis = decisive(claim_)[row.analysis]
        expected = spec_oracle.compute(analysis, real(), claim_.rules, options_of(row))
        assert spec_oracle.agrees(row, expected) == []


@pytest.mark.parametrize("name", TESTABLE)
def test_the_claim_stands_as_its_decisive_analyses_say_together(name):
    claim_, table = load_claims()[name], table_of(name)
    groups = {a.id: a.group for a in decisive(claim_).values()}
    some = table[table["specification"] < 40]
    together = some.groupby("specification")["claim_verdict"].unique()
    parts = some.pivot(index="specification", columns="analysis", values="verdict")
    for number, labels in parts.iterrows():
        if claim_.kind == "uncertainty":
            by_group = [
                weakest(label for a, label in labels.items() if groups[a] == group)
                for group in dict.fromkeys(groups.values())
            ]
            expected = uncertainty(by_group)
        else:
            expected = weakest(labels)
        assert together[number].tolist() == [expected]


def test_the_same_number_means_the_same_choices_in_all_analyses():
    table = table_of("mdd-combined")
    assert (table.groupby("specification")[IDS].nunique() == 1).all().all()
    assert (table.groupby("analysis", observed=True)["is_primary"].sum() == 1).all()


def test_every_primary_trial_is_left_out_under_every_model():
    found = few([0.5, 0.3, 0.6, 0.4])
    table = multiverse(claim(), found)
    sizes = table.groupby("left_out", observed=True).size()
    assert set(sizes.index) == {"", "t0", "t1", "t2", "t3"}
    models = len({(r.estimator, r.interval) for r in table.itertuples()})
    assert (sizes.drop("") == models).all()
    assert (table.loc[table["left_out"] != "", "k"] == 3).all()


def test_a_change_of_one_trial_changes_only_what_uses_it():
    before = few([0.5, 0.3, 0.6, 0.4, 0.2], flags={2: "extreme effect: check SD"})
    outcomes = before.outcomes.copy()
    outcomes.loc[outcomes["trial_id"] == "t2", "mean_e"] -= 0.25
    after = replace(before, outcomes=outcomes)
    old, new = multiverse(claim(), before), multiverse(claim(), after)
    uses = ((old["extreme"] == "in") & (old["left_out"] != "t2")).to_numpy()
    pd.testing.assert_frame_equal(old[IDS], new[IDS])
    close = np.isclose(old[NUMBERS], new[NUMBERS], rtol=1e-9, atol=1e-12, equal_nan=True)
    assert close[~uses].all()
    assert not close[uses].all(axis=1).any()
    assert uses.any()
    assert (~uses).any()


def test_the_other_rating_matters_only_where_it_is_used():
    before = few([0.5, 0.3, 0.6])
    outcomes = before.outcomes.copy()
    outcomes.loc[outcomes["row_id"] == "t1-02", "mean_e"] -= 0.2
    old = multiverse(claim(), before)
    new = multiverse(claim(), replace(before, outcomes=outcomes))
    same = np.isclose(old["estimate"], new["estimate"], rtol=1e-9, equal_nan=True)
    clinician = (old["rating"] == "clinician").to_numpy()
    assert same[clinician].all()
    assert not same[~clinician & (old["left_out"] != "t1").to_numpy()].any()


def test_turning_one_large_trial_round_changes_the_agreement():
    gains, sizes = [0.5, 0.55, 0.45, 0.5], [60, 60, 60, 400]
    names = [f"t{i}" for i in range(4)]

    def supported(gains):
        rows = [means(t, g, n=n) for t, g, n in zip(names, gains, sizes, strict=True)]
        table = multiverse(claim(), evidence([judged(t) for t in names], rows))
        return (table["verdict"] == "supported").mean()

    assert supported(gains) == 1.0
    assert supported([*gains[:3], -0.5]) < 0.5


def test_too_few_trials_are_insufficient_everywhere():
    table = multiverse(claim(), few([0.5, 0.6]))
    assert set(table["verdict"]) == set(table["claim_verdict"]) == {"insufficient"}


def test_no_trial_at_all_is_one_insufficient_specification():
    table = multiverse(claim(), few([]))
    assert len(table) == 1
    assert table["verdict"].tolist() == ["insufficient"]
    assert table["k"].tolist() == [0]
    assert table[["estimate", "ci_lb", "pval"]].isna().all().all()


def test_a_trial_keeps_its_comparison_with_medication_alone():
    rows = [
        means("t0", 0.5), means("t0", -0.9, row_id="t0-02", comparator="usual_care"),
        means("t1", 0.4), means("t2", 0.3),
        means("t3", 0.2, comparator="usual_care"),
    ]  # fmt: skip
    found = evidence([judged(f"t{i}") for i in range(4)], rows)
    table = multiverse(claim(), found)
    whole = table[table["left_out"] == ""]
    assert set(whole.loc[whole["usual_care"] == "out", "k"]) == {3}
    assert set(whole.loc[whole["usual_care"] == "in", "k"]) == {4}
    assert whole["estimate"].min() > 0.2


def test_efficacy_can_rest_on_scores_or_on_converted_events_alone():
    rows = [means(f"t{i}", 0.4 + 0.1 * i) for i in range(3)]
    rows += [events(f"t{i}", 30, 20, 60, row_id=f"t{i}-03") for i in (2, 3)]
    asked = Estimand(comparator=("pharmacotherapy",))
    table = multiverse(claim(estimand=asked), evidence([judged(f"t{i}") for i in range(4)], rows))
    whole = table[table["left_out"] == ""]
    ks = whole.groupby("outcome_family", observed=True)["k"].unique()
    assert {name: k.tolist() for name, k in ks.items()} == {
        "both": [4], "severity": [3], "binary": [2],
    }  # fmt: skip


def test_every_instrument_averaged_is_the_mean_with_the_assumed_correlation():
    table = multiverse(claim(), few([0.5]))
    row = table[(table["rating"] == "all") & (table["correlation"] == "0.8")].iloc[0]
    clinician = table[table["rating"] == "clinician"].iloc[0]
    self_rated = table[table["rating"] == "self"].iloc[0]
    assert row["estimate"] == pytest.approx((clinician["estimate"] + self_rated["estimate"]) / 2)
    se = [(r["ci_ub"] - r["ci_lb"]) / 2 for r in (clinician, self_rated, row)]
    expected = (se[0] ** 2 + se[1] ** 2 + 2 * 0.8 * se[0] * se[1]) / 4
    assert se[2] ** 2 == pytest.approx(expected)


def test_a_claim_without_a_decisive_analysis_is_refused():
    none = replace(claim(), analyses=())
    with pytest.raises(InputError, match="no decisive analysis"):
        multiverse(none, few([0.5]))


def test_decisive_analyses_that_state_other_tiers_cannot_share_specifications():
    one = claim().analyses[0]
    two = replace(one, id="b", estimand=replace(one.estimand, tiers="A"))
    with pytest.raises(InputError, match="agree in tiers"):
        multiverse(replace(claim(), analyses=(one, two)), few([0.5]))


def test_a_rule_that_no_option_has_becomes_an_option():
    rules = replace(RULES, method="HS")
    table = multiverse(replace(claim(), rules=rules), few([0.5, 0.4, 0.6]))
    assert table.loc[table["is_primary"], "estimator"].tolist() == ["HS"]


def test_permuted_p_values_lie_near_the_model_s_for_a_clear_case():
    table = multiverse(claim(), few([0.5, 0.6, 0.45, 0.55, 0.5, 0.6]), resamples=64, seed=5)
    p = table["pval_permuted"]
    assert ((p > 0) & (p <= 1)).all()
    # With six trials all turned alike has a chance of 2 in 64.
    assert p.min() < 0.1
    assert list(table)[-3:] == ["pval_permuted", "verdict", "claim_verdict"]


SCRIPT = """
import hashlib, sys
from test_multiverse_table import claim, few
from dataclasses import replace
from combined_care.choices import load_choices
from combined_care.multiverse_table import multiverse
few_choices = replace(load_choices(), cap=100)
table = multiverse(claim(), few([0.5, 0.3, 0.6, 0.4]), choices=few_choices, resamples=2)
print(hashlib.sha256(table.to_csv().encode()).hexdigest())
"""


def test_the_table_is_the_same_to_the_byte_in_every_process():
    folder = os.path.dirname(__file__)  # noqa: PTH120
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": folder}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        digests.add(run.stdout)
    assert len(digests) == 1
