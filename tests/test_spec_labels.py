"""Labels by arrays are the labels of the decision rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from combined_care import decisions, labels, spec_labels
from combined_care.claim_labels import claim_label
from combined_care.claims import load_claims
from combined_care.results import Absent
from combined_care.spec_labels import CODE, LABELS

CLAIM = load_claims()["mdd-combined"]
RULES = CLAIM.rules
#: Few values, so that limits often meet thresholds exactly.
LIMIT = st.sampled_from([-np.inf, -0.5, -0.24, -0.1, 0.0, 0.1, 0.24, 0.3, 0.5, np.inf])
INTERVAL = st.tuples(LIMIT, LIMIT).map(sorted).map(tuple)
SMALLEST = st.sampled_from([0.24, 0.1, None])


def one(*values):
    return [np.array([np.nan if value is None else value]) for value in values]


@given(INTERVAL, SMALLEST)
def test_superiority_and_meaningful_follow_the_rules(interval, smallest):
    found = spec_labels.superiority(*one(*interval, smallest))
    assert LABELS[found[0]] == decisions.superiority(*interval, smallest)
    if smallest is not None:
        found = spec_labels.meaningful(*one(*interval, smallest))
        assert LABELS[found[0]] == decisions.meaningful(*interval, smallest)


@given(INTERVAL, INTERVAL, st.sampled_from([0.24, 0.1]))
def test_equivalence_follows_the_rule(inner, outer, smallest):
    found = spec_labels.equivalence(tuple(one(*inner)), tuple(one(*outer)), *one(smallest))
    assert LABELS[found[0]] == decisions.equivalence(inner, outer, smallest)


@given(st.sampled_from([0.0, 0.04, 0.05, 0.2, 1.0]), st.lists(INTERVAL, min_size=1), SMALLEST)
def test_moderators_follow_the_rule(p_value, differences, smallest):
    reach = max(max(-low, high) for low, high in differences)
    found = spec_labels.moderator(*one(p_value), 0.05, *one(reach, smallest))
    assert LABELS[found[0]] == decisions.moderator(p_value, 0.05, differences, smallest)


@given(st.lists(st.one_of(st.none(), st.floats(0.05, 0.9)), min_size=1, max_size=5))
def test_the_smallest_effect_is_that_of_single_analyses(rates):
    array = np.array([np.nan if rate is None else rate for rate in rates])
    for measure in ("SMD", "OR", "RR", "HR"):
        found = spec_labels.smallest_effects(measure, array, RULES)
        for value, rate in zip(found, array, strict=True):
            effects = pd.DataFrame({"rate_c": [rate]})
            expected = labels.smallest_effect_on(measure, effects, RULES)
            if isinstance(expected, Absent):
                assert np.isnan(value)
            else:
                assert np.isclose(value, expected, rtol=1e-12)


@given(st.lists(st.lists(st.sampled_from(LABELS[:-1]), min_size=3, max_size=3), min_size=1))
def test_claims_are_labelled_as_their_analyses_together(rows):
    for kind in ("superiority", "uncertainty"):
        claim = replace(CLAIM, kind=kind)
        ids = [a.id for a in claim.analyses if a.role == "decisive"]
        codes = np.array([[CODE[label] for label in row] for row in rows])
        found = spec_labels.claim_codes(claim, ids, codes)
        expected = [claim_label(claim, dict(zip(ids, row, strict=True))) for row in rows]
        assert [LABELS[code] for code in found] == expected
