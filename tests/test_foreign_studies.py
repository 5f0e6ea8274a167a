"""Identifiers of studies: the rule of our own data, one for each name."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.foreign.studies import identify, trial_id_of

TRIALS = Path(__file__).parents[1] / "data" / "trials.csv"


@pytest.mark.parametrize(
    ("study", "year", "trial_id"),
    [
        ("Bailey, 2017", "2017", "bailey2017"),
        ("Ahmadpanah, 2017a", "2017", "ahmadpanah2017a"),
        ("van-Balkom,1998", "1998", "vanbalkom1998"),
        ("Öst", "2011", "ost2011"),
        ("Smith 2010", "", "smith2010"),
        ("Smith", "", "smith"),
    ],
)
def test_author_and_year_in_small_letters(study, year, trial_id):
    assert trial_id_of(study, year) == trial_id


def test_most_labels_of_our_own_trials_give_their_own_identifier():
    trials = pd.read_csv(TRIALS, dtype=str, keep_default_na=False)
    plain = trials[trials["label"].str.fullmatch(r"[A-Za-z]+ \d{4}[a-z]?")]
    made = [trial_id_of(label) for label in plain["label"]]
    assert (plain["trial_id"] == made).mean() > 0.9


def test_two_names_with_one_identifier_are_kept_apart_and_named():
    ids, remarks = identify([("Li, 2010", ""), ("Li 2010", ""), ("Li, 2010", "2011")])
    assert ids == {"Li, 2010": "li2010", "Li 2010": "li2010b"}
    assert len(remarks) == 1
    assert "look whether they are one" in remarks[0]


@given(st.text(min_size=1), st.sampled_from(["", "1999"]))
def test_every_name_gives_an_identifier_that_the_data_accept(study, year):
    assert re.fullmatch(r"[a-z0-9]+", trial_id_of(study, year))


@given(st.lists(st.tuples(st.text(min_size=1, max_size=3), st.just("2001")), max_size=40))
def test_identifiers_are_unique_and_do_not_depend_on_repetition(studies):
    ids, _ = identify(studies)
    assert len(set(ids.values())) == len({name for name, _ in studies})
    assert identify([*studies, *studies])[0] == ids
