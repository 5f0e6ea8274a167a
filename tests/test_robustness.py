"""The summary of a multiverse, on tables whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from combined_care.choices import Choices, Dimension, Option, load_choices
from combined_care.decisions import Label
from combined_care.multiverse_table import multiverse
from combined_care.results import Absent
from combined_care.robustness import Robustness, says_the_same, summarise
from small_evidence import evidence, means
from test_multiverse_table import claim, few, judged

CHOICES = Choices(
    dimensions=tuple(
        Dimension(id=name, title=name, why="w", primary=0,
                  options=tuple(Option(o, o.upper()) for o in options))
        for name, options in (("x", "ab"), ("y", "pqr"))
    ),
    cap=10,
    min_trials_for_adjustment=10,
)  # fmt: skip


def table(rows):
    """Rows of (x, y, estimate, verdict); the first is the primary one."""
    frame = pd.DataFrame(rows, columns=["x", "y", "estimate", "verdict"])
    frame["claim_verdict"] = frame["verdict"]
    for name, options in (("x", "ab"), ("y", "pqr")):
        frame[name] = pd.Categorical(frame[name], categories=list(options))
    for name in ("verdict", "claim_verdict"):
        frame[name] = pd.Categorical(frame[name], categories=list(Label.__args__))
    return frame.assign(
        analysis=pd.Categorical(["a"] * len(frame)),
        specification=range(len(frame)),
        left_out=pd.Categorical([""] * len(frame)),
        is_primary=[i == 0 for i in range(len(frame))],
        dataset=range(len(frame)),
    )


FULL = [
    ("a", "p", 0.50, "supported"), ("a", "q", 0.52, "supported"),
    ("a", "r", 0.10, "not_demonstrated_imprecise"), ("b", "p", 0.60, "supported"),
    ("b", "q", 0.62, "supported"), ("b", "r", None, "insufficient"),
]  # fmt: skip


def test_agreement_counts_estimable_specifications():
    found = summarise(table(FULL), claim(), CHOICES)["a"]
    assert (found.n, found.n_estimable, found.n_datasets) == (6, 5, 6)
    assert found.agree == pytest.approx(4 / 5)
    assert found.labels == (
        ("supported", 4), ("insufficient", 1), ("not_demonstrated_imprecise", 1),
    )  # fmt: skip
    assert (found.lowest, found.median, found.highest) == (0.10, 0.52, 0.62)
    assert not found.is_sample


def test_the_first_move_moves_most_and_pairs_differ_in_one_choice():
    moves = summarise(table(FULL), claim(), CHOICES)["a"].moves
    assert [(m.choice, m.option, m.pairs) for m in moves] == [
        ("y", "r", 2), ("x", "b", 3), ("y", "q", 2),
    ]  # fmt: skip
    assert moves[0].shift == pytest.approx(-0.4)
    assert moves[0].changed == 1.0
    assert moves[1].shift == pytest.approx(0.1)
    assert moves[1].changed == pytest.approx(1 / 3)
    assert str(moves[0]).startswith("y: R: the estimate moves by -0.40")


def test_missing_combinations_make_a_sample():
    assert summarise(table(FULL[:5]), claim(), CHOICES)["a"].is_sample


def test_insufficient_verdicts_are_compared_with_all_specifications():
    rows = [("a", "p", None, "insufficient"), ("b", "p", 0.4, "supported"), *FULL[4:]]
    found = summarise(table(rows), claim(), CHOICES)["a"]
    assert found.agree == pytest.approx(2 / 4)
    assert found.verdict == "insufficient"


def test_nothing_estimable_leaves_estimates_absent_and_no_moves():
    rows = [("a", "p", None, "insufficient"), ("b", "p", None, "insufficient")]
    found = summarise(table(rows), claim(), CHOICES)["a"]
    assert isinstance(found.lowest, Absent)
    assert found.moves == ()
    assert found.agree == 1.0
    assert str(found) == "100 % of 2 specifications of a say insufficient."


def test_supported_fragile_and_strongly_supported_say_the_same():
    assert says_the_same("supported_strongly", "fragile")
    assert not says_the_same("supported", "contradicted")
    assert not says_the_same("not_demonstrated_informative", "not_demonstrated_imprecise")


def test_the_summary_of_a_claim_stands_beside_those_of_its_analyses():
    one = claim().analyses[0]
    two = replace(one, id="b", estimand=replace(one.estimand, comparator=("psychotherapy",)))
    both = replace(claim(), analyses=(one, two))
    rows = [means(f"t{i}", 0.3 + 0.1 * i) for i in range(4)]
    table_ = multiverse(both, evidence([judged(f"t{i}") for i in range(4)], rows))
    found = summarise(table_, both)
    assert list(found) == ["a", "b", "test"]
    assert found["test"].verdict == "insufficient"
    assert isinstance(found["test"].median, Absent)
    assert found["a"].n == found["test"].n


def test_a_left_out_trial_is_a_move_within_the_primary_data():
    table_ = multiverse(claim(), few([0.2, 0.2, 0.2, 1.2]))
    found = summarise(table_, claim())["a"]
    moves = {(m.choice, m.option): m for m in found.moves}
    left_out = moves["left_out", "t3"]
    assert left_out.shift < -0.2
    assert left_out.pairs == (table_["left_out"] == "t3").sum()
    sizes = [abs(m.shift) for m in found.moves if not isinstance(m.shift, Absent)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_summary_survives_json():
    found = summarise(multiverse(claim(), few([0.5, 0.3, 0.4])), claim(), load_choices())["a"]
    assert Robustness.from_json(found.to_json()) == found


def test_leaving_out_a_trial_counts_among_the_moves_and_not_in_the_shares():
    rows = table([*FULL, ("a", "p", 0.05, "not_demonstrated_imprecise")])
    rows["left_out"] = pd.Categorical([""] * 6 + ["t1"], categories=["", "t1"])
    found, plain = summarise(rows, claim(), CHOICES)["a"], summarise(table(FULL), claim(), CHOICES)
    assert (found.n, found.agree, found.lowest) == (6, plain["a"].agree, plain["a"].lowest)
    assert ("left_out", "t1") in [(move.choice, move.option) for move in found.moves]
