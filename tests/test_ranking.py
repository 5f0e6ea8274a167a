"""P-scores and the intervals of ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from combined_care.errors import InputError
from combined_care.network import network_meta_analysis
from combined_care.ranking import rank_treatments
from small_networks import connected, pairs, tight


@pytest.mark.parametrize("name", ["linde", "hasselblad"])
def test_p_scores_equal_their_formula_in_r(reference, name):
    stored = reference("network")[name]
    found = network_meta_analysis(**stored["data"]).ranking()
    expected = dict(zip(*stored["p_scores"].values(), strict=True))
    tight(found.p_score, [expected[t] for t in found.treatments], rtol=1e-8)


def test_two_treatments_rank_by_their_p_value():
    found = rank_treatments(("x", "y"), np.array([0.3, 0.0]), np.diag([0.04, 0.0]))
    certainty = stats.norm.cdf(0.3 / 0.2)
    tight(found.p_score, [certainty, 1 - certainty])
    tight(found.best, found.p_score, atol=2e-3)
    assert (found.rank_lb.tolist(), found.rank_ub.tolist()) == ([1, 1], [2, 2])


@settings(max_examples=8)
@given(connected(least=6))
def test_ranks_do_not_depend_on_the_reference(trials):
    network = network_meta_analysis(**pairs(trials), reference="a")
    found = network.ranking()
    assert found.p_score.mean() == pytest.approx(0.5)
    assert found.best.sum() == pytest.approx(1.0)
    assert (found.rank_lb <= found.rank_ub).all()
    other = network_meta_analysis(**pairs(trials), reference="e").ranking()
    tight(found.best, other.best, atol=0.01)


def test_lower_is_better_turns_the_order_round():
    args = (("x", "y", "z"), np.array([0.5, 0.2, 0.0]), np.diag([0.04, 0.05, 0.0]))
    higher, lower = rank_treatments(*args), rank_treatments(*args, better="lower")
    assert higher.treatments == lower.treatments[::-1] == ("x", "y", "z")
    tight(higher.p_score, 1 - lower.p_score[::-1])
    with pytest.raises(InputError, match="better must be one of higher, lower"):
        rank_treatments(*args, better="more")


def test_a_clear_order_has_narrow_ranks_and_repeats_exactly():
    args = (("x", "y", "z"), np.array([2.0, 1.0, 0.0]), np.diag([0.01, 0.01, 0.0]))
    found = rank_treatments(*args)
    assert found.to_frame()["rank_ub"].tolist() == [1, 2, 3]
    assert found == rank_treatments(*args)
    assert str(found) == (
        "x has the highest P-score (1.00); its rank lies between 1 and 1 of 3 "
        "with 95 % probability."
    )
