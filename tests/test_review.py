"""What a review is about, read from data/review.yaml."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from combined_care.errors import DataError
from combined_care.estimands import Estimand
from combined_care.evidence import load_evidence
from combined_care.paths import ROOT_VARIABLE
from combined_care.review import MAIN, current_review, load_review

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path(__file__).parents[1] / "data" / "review.yaml"


VOCABULARY = load_evidence().vocabulary
COMPARATORS, DESIGNS = VOCABULARY["comparator"], VOCABULARY["design"]


def written(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Write the project's file with one thing changed."""
    given = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(given)
    path = folder / "review.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    return path


def test_every_word_of_the_file_is_one_of_the_data():
    found, known = load_evidence(), VOCABULARY
    review = found.review
    assert set(review.experimental) <= set(known["experimental"])
    assert {*review.experimental, *review.every_comparator} < set(known["comparator"])
    assert set(review.outcomes) <= {*known["outcome"], *found.rule.outcomes}
    assert MAIN in found.rule.outcomes
    assert set(review.phase) <= set(known["phase"])
    designs = [design for start in review.starts.values() for design in start.designs]
    assert sorted(designs) == sorted(known["design"])
    named = {*review.columns, *review.parts, *(f"{part}_class" for part in review.parts)}
    assert named <= set(found.trials.columns)


def test_words_that_the_tables_do_not_have_are_all_named(tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(FILE.parent, folder)

    def change(given: dict[str, Any]) -> None:
        given["arms"]["main"] = ["yoga"]
        given["starts"]["added"]["designs"] = ["later"]
        given["columns"]["dose"] = "dose"

    written(folder, change)
    with pytest.raises(DataError) as error:
        load_evidence(folder)
    assert str(error.value).splitlines()[1:] == [
        f"  'yoga' is no word of the column comparator; known are {', '.join(COMPARATORS)}",
        f"  'later' is no word of the column design; known are {', '.join(DESIGNS)}",
        "  trials.csv has no column dose",
    ]


def test_what_an_estimand_does_not_say_is_as_the_review_has_it():
    assert Estimand().experimental == ("combined",)
    assert Estimand().phase == ("acute",)
    assert [Estimand(outcome=name).wanted_measure for name in (MAIN, "response", "relapse")] == [
        "SMD",
        "OR",
        "RR",
    ]
    assert Estimand(outcome="relapse", measure="HR").wanted_measure == "HR"


def test_an_outcome_that_is_not_listed_is_a_difference_and_no_event():
    review = current_review()
    assert (review.measure("other"), review.event("other")) == ("SMD", None)
    assert review.phases("other") == review.phase
    assert review.phases("relapse") == ()
    assert review.measures("relapse") == ("RR", "HR")


def test_the_review_is_that_of_the_project_one_works_in(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    written(tmp_path / "data", lambda given: given["arms"].update(experimental=["psychotherapy"]))
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    assert current_review().experimental == ("psychotherapy",)
    assert Estimand().experimental == ("psychotherapy",)


def test_a_file_that_changes_is_read_anew(tmp_path):
    path = written(tmp_path, lambda given: given.update(title="One"))
    assert load_review(path).title == "One"
    written(tmp_path, lambda given: given.update(title="Two"))
    os.utime(path, ns=(1, 1))
    assert load_review(path).title == "Two"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: g.pop("title"), "the file: title is missing, expected text"),
        (lambda g: g.update(subjekt="x"), "the file: unknown key 'subjekt'; known are"),
        (lambda g: g.update(phase="acute"), "phase is 'acute', expected a list of words"),
        (lambda g: g["arms"].pop("main"), "arms: main is missing, expected a list of words"),
        (lambda g: g["outcomes"].update(x=3), "outcomes: x: expected a mapping"),
        (
            lambda g: g["outcomes"]["response"].update(measure="LOG"),
            "outcomes: response: measure is 'LOG', expected one of SMD, MD, OR, RR, RD, HR",
        ),
        (
            lambda g: g["outcomes"]["response"].update(event="nice"),
            "outcomes: response: event is 'nice', expected one of good, bad",
        ),
        (
            lambda g: g["outcomes"]["response"].pop("verb"),
            "outcomes: response: an event needs a verb and a noun",
        ),
        (lambda g: g["outcomes"].pop("efficacy"), "outcomes: efficacy is missing"),
        (
            lambda g: g["starts"]["added"].update(outcome="sleep"),
            "starts: added: outcome is 'sleep', expected one of dropout, efficacy",
        ),
        (lambda g: g.update(starts={}), "starts: expected at least one kind of question"),
        (lambda g: g.update(told_as="severity"), "told_as is 'severity', expected an outcome"),
        (lambda g: g["columns"].pop("design"), "columns: design is missing"),
        (lambda g: g["columns"].update(chronic=""), "columns: chronic is '', expected its name"),
        (lambda g: g.update(design_page=["dose"]), "design_page: 'dose' is not one of columns"),
    ],
)
def test_each_problem_names_its_place_and_what_was_expected(tmp_path, change, said):
    with pytest.raises(DataError) as error:
        load_review(written(tmp_path, change))
    assert said in str(error.value)
    assert str(error.value).startswith("review.yaml has ")


def test_all_problems_are_listed_at_once(tmp_path):
    def change(given: dict[str, Any]) -> None:
        given["outcomes"]["response"]["measure"] = "LOG"
        given["design_page"] = ["dose"]

    with pytest.raises(DataError, match=r"has 2 problem\(s\)"):
        load_review(written(tmp_path, change))


@pytest.mark.parametrize("content", ["[", "just words", ""])
def test_a_file_that_is_no_mapping_is_named(tmp_path, content):
    path = tmp_path / "review.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"review\.yaml"):
        load_review(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"review\.yaml is missing"):
        load_review(tmp_path / "review.yaml")
