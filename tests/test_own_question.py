"""A question of one's own: asked by the rules of the claims, and marked as not pre-specified."""

from __future__ import annotations

import json

import numpy as np
import pytest

import combined_care as cc
from combined_care import own_question
from combined_care.errors import InputError
from combined_care.own_question import ask, code_of
from combined_care.results import Absent
from combined_care.robustness import Robustness
from small_evidence import evidence, means, trial

GAINS = (0.6, 0.7, 0.65, 0.6)


@pytest.fixture(scope="module")
def small():
    """Four trials of panic against medication alone, and one of OCD with both comparators."""
    names = [f"panic{number}" for number in range(len(GAINS))]
    trials = [trial(name, diagnosis="panic") for name in names] + [trial("ocd1", diagnosis="ocd")]
    rows = [means(name, gain) for name, gain in zip(names, GAINS, strict=True)]
    rows += [means("ocd1", 0.9), means("ocd1", 0.2, comparator="psychotherapy", row_id="ocd1-02")]
    return evidence(trials, rows)


@pytest.fixture(scope="module")
def answer(small):
    return ask(small, diagnosis="panic", comparator="pharmacotherapy")


@pytest.fixture(scope="module")
def real():
    return cc.load_evidence()


def test_the_answer_holds_the_effects_and_the_fit_that_the_calls_give(small, answer):
    effects = small.effects(diagnosis="panic", comparator="pharmacotherapy")
    fit = cc.synthesize(effects["yi"], effects["vi"], slab=tuple(effects["label"]))
    assert answer.effects.equals(effects)
    assert answer.fit == fit
    assert (answer.k, answer.n) == (4, 320)


def test_the_label_follows_the_rules_of_the_claims(small, answer):
    assert answer.label == "supported"
    few = ask(small, diagnosis="ocd", comparator="pharmacotherapy")
    assert few.label == "insufficient"
    assert "1 trial with usable numbers, 3 are needed" in str(few)


@pytest.mark.parametrize("claim", ["youth", "ocd-combined"])
def test_asking_what_a_claim_asks_gives_its_estimate_and_certainty(real, claim):
    first = cc.load_claims()[claim].analyses[0]
    asked = first.estimand
    given = {name: list(values) for name, values in asked.trials.items()}
    found = ask(real, comparator=list(asked.comparator), outcome=asked.outcome,
                phase=list(asked.phase), tiers=asked.tiers, **given)  # fmt: skip
    assert found.result.analysis.estimand == asked
    rules = own_question.shared_rules()
    effects = real.select(asked).effects
    fit = cc.synthesize(effects["yi"], effects["vi"], rules.method, rules.test, rules.level,
                        slab=tuple(effects["label"]))  # fmt: skip
    assert found.fit == fit
    assert not isinstance(found.certainty, Absent)


def test_it_says_wherever_it_is_shown_that_it_was_not_pre_specified(answer):
    for shown in (str(answer), answer._repr_html_()):
        assert "Not pre-specified" in shown
    assert answer.to_dict()["pre_specified"] is False


def test_the_code_gives_the_same_answer_again(small):
    asked = ask(small, diagnosis=["panic", "ocd"], comparator="pharmacotherapy", test="z",
                level=0.9, kind="meaningful", phase=None, chronic="unclear")  # fmt: skip
    names = {"evidence": small}
    exec(asked.code.replace("cc.ask(", "ask("), {"ask": ask}, names)
    assert names["answer"].fit == asked.fit
    assert names["answer"].to_dict() == asked.to_dict()


def test_the_code_names_the_evidence_only_where_it_was_given(answer):
    assert "\n    evidence,\n" in answer.code
    assert "evidence" not in code_of(answer.question)


def test_numbers_and_words_of_numpy_are_written_as_python(small):
    asked = ask(
        small, diagnosis=np.array(["panic"]), weeks=np.array([0.0, 8.0]), level=np.float64(0.9)
    )
    assert 'diagnosis=["panic"]' in asked.code
    assert "weeks=[0.0, 8.0]" in asked.code
    assert "level=0.9," in asked.code


def test_quotes_in_a_word_cannot_break_out_of_the_code():
    word = 'a"); import os; ("\n'
    names = {}
    exec(code_of({"diagnosis": word}).replace("import combined_care as cc", ""), {
        "cc": type("cc", (), {"ask": staticmethod(lambda **given: given)})}, names)  # fmt: skip
    assert names["answer"] == {"diagnosis": word}


def test_people_are_never_counted_twice(small):
    both = ask(small, diagnosis="ocd", comparator=["pharmacotherapy", "psychotherapy"])
    assert isinstance(both.fit, Absent)
    assert "more than once" in both.fit.reason
    assert both.label == "insufficient"


def test_a_question_that_no_trial_answers_has_an_answer(small):
    none = ask(small, diagnosis="gad")
    assert (none.k, none.label) == (0, "insufficient")
    assert "no trial with usable numbers" in str(none)
    assert none.to_frame()["k"].tolist() == [0]


def test_robustness_is_computed_when_it_is_asked_for(small, answer):
    assert isinstance(answer.robustness, Absent)
    assert "robustness=True" in str(answer.robustness)
    assert [c.passed for c in answer.result.checks if "robustness=True" in c.detail] == [None]
    explored = ask(small, diagnosis="panic", comparator="pharmacotherapy", robustness=True)
    assert isinstance(explored.robustness, Robustness)
    assert explored.fit == answer.fit
    assert "robustness=True" in explored.code
    assert len(explored.verdict.specifications) >= explored.robustness.n


def test_it_is_judged_as_the_kind_of_question_says(small):
    kinds = {
        kind: ask(small, diagnosis="panic", comparator="pharmacotherapy", kind=kind)
        for kind in own_question.KINDS
    }
    labels = {kind: found.label for kind, found in kinds.items()}
    assert labels["meaningful"] == "supported"
    assert labels["equivalence"] == "contradicted"
    assert "do as well" in kinds["equivalence"].verdict.claim.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"diagnosis": "panik"}, "did you mean 'panic'"),
        ({"dignosis": "panic"}, "did you mean 'diagnosis'"),
        ({"outcome": "severty"}, "did you mean 'severity'"),
        ({"method": "REM"}, "method must be one of"),
        ({"test": "t"}, "test must be one of"),
        ({"level": 95}, "level must lie between 0 and 1"),
        ({"kind": "moderator"}, "unknown kind of question: 'moderator'"),
        ({"tiers": "AX"}, "unknown tiers: 'X'"),
    ],
)
def test_a_word_that_is_not_known_is_named_even_where_nothing_is_pooled(small, given, said):
    with pytest.raises(InputError, match=said):
        ask(small, **given)


def test_the_answer_can_be_written_as_json(answer):
    read = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert read["question"]["diagnosis"] == "panic"
    assert read["k"] == 4


def test_html_escapes_what_the_data_hold(small):
    hostile = evidence(
        [trial("a", diagnosis="panic", label="<script>alert(1)</script>")], [means("a", 0.5)]
    )
    shown = ask(hostile, diagnosis="panic", chronic="unclear")._repr_html_()
    assert "<script" not in shown


def test_a_changed_rule_is_read_anew(tmp_path, monkeypatch):
    import shutil

    from small_evidence import DATA

    (tmp_path / "data").mkdir()
    for file in [*DATA.glob("*.yaml"), DATA / "datapackage.json"]:
        shutil.copy(file, tmp_path / "data")
    monkeypatch.setenv("COMBINED_CARE_ROOT", str(tmp_path))
    before = own_question.shared_rules()
    claims = tmp_path / "data" / "claims.yaml"
    text = claims.read_text(encoding="utf-8").replace("min_trials: 3 ", "min_trials: 7 ")
    claims.write_text(text, encoding="utf-8")
    assert (before.min_trials, own_question.shared_rules().min_trials) == (3, 7)
