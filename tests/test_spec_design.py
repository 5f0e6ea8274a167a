"""The combinations that are computed: all, or a balanced sample that holds what it must."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from combined_care.spec_design import design

SIZES, PRIMARY = [5, 3, 5, 3, 2, 2, 3, 2], [0, 0, 1, 0, 0, 1, 1, 0]
NAMES = [f"c{i}" for i in range(len(SIZES))]


def sample(cap=600, seed=1, names=NAMES):
    return design(SIZES, PRIMARY, [0, 1], names=names, cap=cap, seed=seed)


def rows_of(codes):
    return {tuple(row) for row in codes.tolist()}


def test_all_combinations_are_taken_when_they_are_few_enough():
    codes, is_sample = design([2, 3], [1, 0], [], names=["a", "b"], cap=6, seed=1)
    assert not is_sample
    assert len(codes) == len(rows_of(codes)) == 6
    assert codes[0].tolist() == [1, 0]


def test_no_choice_leaves_the_primary_specification_alone():
    codes, is_sample = design([], [], [], names=[], cap=10, seed=1)
    assert codes.shape == (1, 0)
    assert not is_sample


def test_a_sample_holds_the_primary_combination_first_and_every_single_departure():
    codes, is_sample = sample()
    assert is_sample
    assert codes[0].tolist() == PRIMARY
    for at, size in enumerate(SIZES):
        for option in range(size):
            assert (*PRIMARY[:at], option, *PRIMARY[at + 1 :]) in rows_of(codes)


def test_a_sample_crosses_the_named_choices_at_the_primary_data():
    codes, _ = sample()
    assert {(a, b, *PRIMARY[2:]) for a in range(5) for b in range(3)} <= rows_of(codes)


def test_a_sample_has_each_combination_once_and_at_most_the_cap():
    codes, _ = sample()
    assert len(rows_of(codes)) == len(codes)
    assert 0.9 * 600 <= len(codes) <= 600


def test_every_option_of_a_sample_stands_about_equally_often():
    codes, _ = sample(cap=3000)
    for at, size in enumerate(SIZES):
        shares = np.bincount(codes[:, at], minlength=size) / len(codes)
        assert np.abs(shares * size - 1.0).max() < 0.25


def test_many_combinations_have_a_twin_under_the_primary_option():
    codes, _ = sample(cap=3000)
    rows = rows_of(codes)
    for at, size in enumerate(SIZES):
        for option in set(range(size)) - {PRIMARY[at]}:
            own = [r for r in rows if r[at] == option]
            twins = [r for r in own if (*r[:at], PRIMARY[at], *r[at + 1 :]) in rows]
            assert len(twins) >= 30


def test_a_sample_depends_on_the_seed_and_the_names_alone():
    assert sample()[0].tolist() == sample()[0].tolist()
    assert sample(seed=2)[0].tolist() != sample()[0].tolist()
    # The first combinations of a choice are drawn by its own name.
    assert sample(names=[*NAMES[:-1], "other"])[0].tolist() != sample()[0].tolist()


@given(st.lists(st.integers(2, 4), min_size=1, max_size=7), st.integers(1, 300), st.integers(0, 5))
def test_options_are_valid_and_combinations_distinct(sizes, cap, seed):
    names = [str(i) for i in range(len(sizes))]
    codes, is_sample = design(sizes, [0] * len(sizes), [], names=names, cap=cap, seed=seed)
    assert (codes < np.array(sizes)).all()
    assert len(rows_of(codes)) == len(codes)
    assert is_sample == (prod(sizes) > cap)
    if not is_sample:
        assert len(codes) == prod(sizes)
