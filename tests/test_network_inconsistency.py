"""Direct against indirect evidence, and Q within and between designs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.network import network_meta_analysis
from combined_care.results import Absent, is_present
from small_networks import connected, pairs, tight


@pytest.mark.parametrize("name", ["linde", "hasselblad"])
def test_the_split_of_q_equals_metafor(reference, name):
    stored = reference("network")[name]
    against = stored["standard"]["reference"]
    found = network_meta_analysis(**stored["data"], reference=against).inconsistency
    for field, value in stored["designs"].items():
        assert getattr(found, field) == pytest.approx(value, rel=1e-9, abs=1e-12), field
    assert found.q_inc == pytest.approx(found.q - found.q_het)
    assert sum(d.q for d in found.designs) == pytest.approx(found.q_het)
    assert sum(d.k for d in found.designs) == len(set(stored["data"]["study"]))


@pytest.mark.parametrize("name", ["linde", "hasselblad"])
def test_direct_and_indirect_estimates_equal_metafor(reference, name):
    stored = reference("network")[name]
    found = network_meta_analysis(**stored["data"], reference=stored["standard"]["reference"])
    assert len(found.comparisons) == len(stored["sides"])
    for side in stored["sides"]:
        one = found.comparison(side["treat1"], side["treat2"])
        sign = 1 if one.treat1 == side["treat1"] else -1
        assert one.k == side["k"]
        for part in ("direct", "indirect", "network"):
            if side[part] is None:
                assert isinstance(one.indirect, Absent)
                continue
            # Rounded effects of trials with several arms are made to add up first.
            assert sign * getattr(one, part) == pytest.approx(side[part], abs=1e-6)
            assert getattr(one, f"{part}_se") == pytest.approx(side[f"{part}_se"], rel=1e-8)


@settings(max_examples=25)
@given(connected(sizes=(2,), least=6))
def test_in_two_arm_networks_back_calculation_is_leaving_the_direct_trials_out(trials):
    whole = network_meta_analysis(**pairs(trials), method="EE")
    for one in whole.comparisons:
        rest = {n: arms for n, arms in trials.items() if set(arms) != {one.treat1, one.treat2}}
        if not is_present(one.indirect):
            continue
        # What is left still connects the two, else there would be no indirect evidence.
        keep = _part(rest, one.treat1)
        left = network_meta_analysis(**pairs(keep), method="EE", reference=one.treat2)
        found = left.relative(one.treat1)
        tight([one.indirect, one.indirect_se], [found.estimate, found.se], rtol=1e-5, atol=1e-6)


def _part(trials, start):
    """The trials connected with `start`."""
    inside = {start}
    while more := {a for arms in trials.values() if inside & set(arms) for a in arms} - inside:
        inside |= more
    return {name: arms for name, arms in trials.items() if set(arms) <= inside}


@given(
    st.lists(
        st.tuples(st.sampled_from("bcd"), st.floats(-1, 1), st.floats(0.02, 0.5)),
        min_size=3, max_size=10,
    )
)  # fmt: skip
def test_a_star_has_no_inconsistency(spokes):
    trials = {f"t{i}": {"a": (0.0, v / 2), arm: (y, v / 2)} for i, (arm, y, v) in enumerate(spokes)}
    found = network_meta_analysis(**pairs(trials))
    assert (found.inconsistency.q_inc_df, found.inconsistency.q_inc) == (0, 0.0)
    assert isinstance(found.inconsistency.q_inc_pval, Absent)
    assert found.inconsistency.q == pytest.approx(found.inconsistency.q_het, abs=1e-9)
    assert "no comparison is made in two ways" in str(found.inconsistency)
    for one in found.comparisons:
        assert isinstance(one.difference, Absent)
        assert one.direct_share == pytest.approx(100.0)
        assert one.direct == pytest.approx(one.network, abs=1e-8)


def test_one_loop_gives_the_test_by_hand():
    trials = {
        "ab": {"a": (0.5, 0.02), "b": (0.0, 0.02)},
        "bc": {"b": (0.4, 0.03), "c": (0.0, 0.02)},
        "ac": {"a": (0.1, 0.02), "c": (0.0, 0.05)},
    }
    found = network_meta_analysis(**pairs(trials), method="EE")
    apart = 0.5 - (0.1 - 0.4)
    q = apart**2 / (0.04 + 0.05 + 0.07)
    assert found.inconsistency.q_inc == pytest.approx(q)
    assert found.inconsistency.q_inc_df == 1
    assert isinstance(found.inconsistency.tau2_within, Absent)
    assert isinstance(found.inconsistency.q_inc_random, Absent)
    one = found.comparison("a", "b")
    assert one.difference == pytest.approx(apart)
    assert one.pval == pytest.approx(found.inconsistency.q_inc_pval)
    assert str(one) == (
        "a against b: direct 0.50 (1 trial), indirect -0.30, p = 0.046 that they agree."
    )


def test_traces_of_indirect_evidence_count_as_none():
    """The loop b-c-d exists only within one trial; the rest says all but nothing of c and d."""
    trials = {
        "m": {"b": (0.1, 0.02), "c": (0.2, 0.03), "d": (0.5, 0.02)},
        "n": {"a": (0.1, 0.02), "b": (0.0, 0.03)},
    }
    found = network_meta_analysis(**pairs(trials))
    assert all(isinstance(one.indirect, Absent) for one in found.comparisons)


def test_the_table_names_each_source_of_variation(reference):
    data = reference("network")["hasselblad"]["data"]
    table = network_meta_analysis(**data).inconsistency.to_frame()
    assert table["source"].tolist() == [
        "total", "within designs", "between designs", "between designs, allowing for heterogeneity",
    ]  # fmt: skip
    assert np.isclose(table["q"][0], table["q"][1] + table["q"][2])
