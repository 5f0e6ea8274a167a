"""The declared choices are read, checked, and brought in line with what a claim states."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from combined_care.choices import PARTS, left_out_flags, load_choices
from combined_care.claims import load_claims
from combined_care.errors import DataError, InputError
from combined_care.paths import project_root
from small_evidence import RULE

FILE = project_root() / "data" / "multiverse.yaml"
CLAIMS = load_claims()


def decisive(claim):
    return tuple(a for a in claim.analyses if a.role == "decisive")


def of_claim(choices, analyses, rules):
    return choices.of_claim(analyses, RULE, method=rules.method, test=rules.test)


def written(tmp_path, change):
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(document)
    file = tmp_path / "multiverse.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", [n for n, c in CLAIMS.items() if c.testable])
def test_the_primary_options_are_what_claims_and_selection_rule_say(name):
    choices = load_choices()
    assert of_claim(choices, decisive(CLAIMS[name]), CLAIMS[name].rules) == choices


def test_every_flag_that_keeps_rows_out_is_a_choice():
    choosable = {f for d in load_choices() for fs in d.changes("leave_out_flags") for f in fs or ()}
    assert set(RULE.left_out_flags) <= choosable


def test_every_option_has_a_title_and_every_choice_a_reason():
    for dimension in load_choices():
        assert dimension.title
        assert len(dimension.why) > 40
        assert dimension.part in PARTS
        assert all(option.title for option in dimension.options)
        assert len({option.title for option in dimension.options}) == len(dimension.options)


def test_an_outcome_order_of_ours_names_known_columns_only():
    ranked = {rank.column for rank in RULE.rank}
    for dimension in load_choices():
        for orders in dimension.changes("rank"):
            assert set(orders or {}) <= ranked


def test_a_choice_applies_where_its_conditions_hold():
    dimensions = {d.id: d for d in load_choices()}
    mdd = {a.id: a for a in CLAIMS["mdd-combined"].analyses}
    moderator = CLAIMS["design-medication"].analyses[0]
    remission = CLAIMS["remission"].analyses[0]
    assert dimensions["usual_care"].applies(mdd["pharmacotherapy"])
    assert not dimensions["usual_care"].applies(mdd["psychotherapy"])
    assert dimensions["small_study"].applies(mdd["psychotherapy"])
    assert not dimensions["small_study"].applies(moderator)
    assert not dimensions["outcome_family"].applies(remission)
    assert not dimensions["variance"].applies(remission)


def test_what_a_claim_states_becomes_primary_or_a_new_option():
    claim = CLAIMS["mdd-combined"]
    choices = of_claim(load_choices(), decisive(claim), replace(claim.rules, method="DL"))
    estimator = choices.dimensions[0]
    assert estimator.options[estimator.primary].id == "DL"
    added = of_claim(load_choices(), decisive(claim), replace(claim.rules, method="HS"))
    assert added.dimensions[0].options[added.dimensions[0].primary].change == {"method": "HS"}


def test_flags_of_an_analysis_come_before_those_of_the_rule():
    analysis = decisive(CLAIMS["mdd-combined"])[0]
    other = replace(analysis, estimand=replace(analysis.estimand, left_out_flags=()))
    assert left_out_flags(analysis, RULE) == RULE.left_out_flags
    assert left_out_flags(other, RULE) == ()
    choices = of_claim(load_choices(), (other,), CLAIMS["mdd-combined"].rules)
    kept = {d.id: d.options[d.primary].id for d in choices}
    assert kept["extreme"] == kept["doubtful"] == "in"


def test_half_of_a_group_of_flags_is_refused():
    analysis = decisive(CLAIMS["mdd-combined"])[0]
    half = replace(
        analysis, estimand=replace(analysis.estimand, left_out_flags=("factorial margin",))
    )
    with pytest.raises(InputError, match=r"'doubtful'.*factorial margin"):
        of_claim(load_choices(), (half,), CLAIMS["mdd-combined"].rules)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("cap"), "'cap'"),
        (lambda d: d.update(cap=0), "cap must be a whole number"),
        (lambda d: d.update(leave_one_out=["nothing"]), "unknown choice 'nothing'"),
        (lambda d: d["choices"].append(d["choices"][0]), "stands twice"),
        (lambda d: d["choices"][0].update(id="tau2"), "is the name of a column"),
        (lambda d: d["choices"][0].pop("why"), "missing why"),
        (lambda d: d["choices"][0].update(primary="XX"), "primary 'XX' is no option"),
        (lambda d: d["choices"][0].update(options=d["choices"][0]["options"][:1]), "at least two"),
        (lambda d: d["choices"][0].update(applies_to={"year": 1}), "unknown condition 'year'"),
        (lambda d: d["choices"][0]["options"][1].update(change={"x": 1}), "unknown change 'x'"),
        (lambda d: d["choices"][0]["options"][1].update(change={"tiers": "A"}), "different parts"),
        (lambda d: d["choices"][-1]["options"][1].update(change={"adjustment": "x"}), "adjustment"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        load_choices(written(tmp_path, change))


def test_all_problems_are_listed_at_once(tmp_path):
    def two(document):
        document["cap"] = -1
        document["choices"][0].pop("title")

    with pytest.raises(DataError, match=r"2 problem\(s\)"):
        load_choices(written(tmp_path, two))
