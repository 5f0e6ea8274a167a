"""Component network meta-analysis against metafor, and by its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.components import ComponentNetwork, component_network
from combined_care.errors import InputError
from combined_care.network import network_meta_analysis
from combined_care.results import Absent
from small_networks import connected, pairs, tight

#: The four groups of a factorial question, and then some.
FACTORIAL = {
    "t1": {"placebo": (0.0, 0.05), "talk": (0.5, 0.05), "drug": (0.4, 0.05),
           "talk + drug": (0.6, 0.05)},
    "t2": {"talk": (0.5, 0.05), "drug + talk": (0.8, 0.06)},
    "t3": {"placebo": (0.0, 0.03), "drug": (0.3, 0.04)},
    "t4": {"drug": (0.1, 0.03), "talk + drug": (0.7, 0.04)},
}  # fmt: skip
PAIR = (("talk", "drug"),)


@pytest.mark.parametrize("case", range(2))
@pytest.mark.parametrize("index", range(3))
def test_component_effects_equal_metafor(reference, case, index):
    stored = reference("network")["linde"]
    expected = stored["components"][case]
    one = expected["fits"][index]
    found = component_network(
        **stored["data"], method=one["method"], inactive=expected["inactive"],
        interactions=[tuple(pair) for pair in expected["interactions"]],
    )  # fmt: skip
    assert set(found.components) == set(expected["components"])
    order = [found.components.index(name) for name in expected["components"]]
    assert found.tau2 == pytest.approx(one["tau2"], rel=1e-8, abs=1e-12)
    tight(found.estimate[order], one["estimate"], rtol=1e-8, atol=1e-10)
    tight(found.vcov[np.ix_(order, order)], one["vcov"], rtol=1e-8, atol=1e-12)
    if "q" in one:
        tests = (found.q_additive, found.q_additive_df)
        assert tests == (pytest.approx(one["q"], rel=1e-9), one["q_df"])
    standard = stored["standard"]["fits"][0]
    assert found.q_standard == pytest.approx(standard["q"], rel=1e-9)
    assert found.q_difference_df == found.q_additive_df - standard["q_df"]
    assert found.q_difference == pytest.approx(found.q_additive - standard["q"], rel=1e-7)


@settings(max_examples=25)
@given(connected(), st.sampled_from(["REML", "DL", "EE"]))
def test_with_one_component_a_treatment_it_is_the_standard_network(trials, method):
    parts = component_network(**pairs(trials), method=method, inactive="a")
    whole = network_meta_analysis(**pairs(trials), method=method, reference="a")
    tight(parts.estimate, whole.estimate[1:], atol=1e-9)
    tight(parts.vcov, whole.vcov[1:, 1:], atol=1e-10)
    assert parts.q_difference_df == 0
    assert isinstance(parts.q_difference_pval, Absent)
    assert "cannot be tested" in str(parts)


def test_effects_that_add_up_are_found_and_pass_the_test():
    exact = {
        "t1": {"none": (0.0, 0.01), "a": (0.3, 0.01), "b": (0.5, 0.01), "a + b": (0.8, 0.01)},
        "t2": {"a": (0.3, 0.02), "a + b": (0.8, 0.02)},
        "t3": {"none": (0.0, 0.02), "b": (0.5, 0.03)},
    }
    found = component_network(**pairs(exact), inactive="none", interactions=[("a", "b")])
    tight(found.estimate, [0.3, 0.5, 0.0], atol=1e-9)
    assert found.components == ("a", "b", "a * b")
    additive = component_network(**pairs(exact), inactive="none")
    assert additive.q_difference == pytest.approx(0.0, abs=1e-9)


def test_an_interaction_uses_up_what_is_left_of_the_factorial():
    additive = component_network(**pairs(FACTORIAL), inactive="placebo")
    free = component_network(**pairs(FACTORIAL), inactive="placebo", interactions=PAIR)
    assert (additive.q_difference_df, free.q_difference_df) == (1, 0)
    # With random effects at the same tau², the test of the difference is that of the interaction.
    row = free.to_frame().set_index("component").loc["talk * drug"]
    assert additive.q_difference_random == pytest.approx(row["stat"] ** 2, rel=1e-6)
    assert additive.q_difference_random_pval == pytest.approx(row["pval"], rel=1e-6)
    assert free.trials_of == (4, 3, 3)


def test_prediction_adds_components_and_interactions():
    found = component_network(**pairs(FACTORIAL), inactive="placebo", interactions=PAIR)
    drug, talk, both = found.estimate
    predicted = found.predict("drug + talk")
    assert predicted.estimate == pytest.approx(drug + talk + both)
    assert predicted.against == "placebo"
    assert predicted.se == pytest.approx(np.sqrt(found.vcov.sum()))
    gain = found.predict("talk + drug", against="drug")
    assert gain.estimate == pytest.approx(talk + both)
    standard = network_meta_analysis(**pairs(_one_name(FACTORIAL)), reference="drug")
    assert gain.estimate == pytest.approx(standard.relative("talk + drug").estimate)
    assert gain.se == pytest.approx(standard.relative("talk + drug").se)
    assert found.predict("placebo").estimate == 0.0


def _one_name(trials):
    return {
        study: {("talk + drug" if "+" in arm else arm): x for arm, x in arms.items()}
        for study, arms in trials.items()
    }


def test_components_join_parts_that_no_trial_connects():
    trials = {
        "t1": {"a": (0.3, 0.05), "none": (0.0, 0.05)},
        "t2": {"a + b": (0.5, 0.05), "c": (0.1, 0.05)},
        "t3": {"c": (0.5, 0.05), "b + c": (0.9, 0.05)},
    }
    found = component_network(**pairs(trials), inactive="none")
    assert found.subnetworks == (("a", "none"), ("a + b", "b + c", "c"))
    tight(found.estimate, [0.3, 0.4, 0.3], atol=1e-9)


def test_components_that_comparisons_do_not_determine_are_named():
    trials = {
        "t1": {"a + b": (0.3, 0.05), "none": (0.0, 0.05)},
        "t2": {"c": (0, 1), "none": (0, 1)},
    }
    with pytest.raises(
        InputError, match=r"do not determine a \(not apart.*\), b \(not apart.*2 of 3"
    ):
        component_network(**pairs(trials), inactive="none")
    cancels = {"t": {"a + x": (0.3, 0.05), "x": (0.0, 0.05)}}
    with pytest.raises(InputError, match=r"do not determine x \(on both sides.*`inactive`"):
        component_network(**pairs(cancels))
    assert component_network(**pairs(cancels), inactive="x").components == ("a",)
    with pytest.raises(InputError, match="only differences between them"):
        component_network(["a"], ["b"], [0.1], [0.1], ["t"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"inactive": "Placebo"}, "unknown inactive component: 'Placebo' .did you mean 'placebo'"),
        ({"interactions": [("talk", "pill")]}, "unknown component of an interaction: 'pill'"),
        ({"interactions": [("talk", "talk")]}, "different pairs"),
        ({"interactions": [("talk", "drug"), ("drug", "talk")]}, "different pairs"),
        ({"method": "ML"}, "method must be one of"),
    ],
)
def test_unknown_options_are_errors(options, match):
    with pytest.raises(InputError, match=match):
        component_network(**{**pairs(FACTORIAL), "inactive": "placebo", **options})


def test_a_name_with_the_bare_separator_is_an_error_that_names_the_trial():
    trials = {**FACTORIAL, "t9": {"talk+drug": (0.0, 0.1), "drug": (0.0, 0.1)}}
    with pytest.raises(InputError, match=r"t9: treatment 'talk\+drug'"):
        component_network(**pairs(trials), inactive="placebo")
    same = {**FACTORIAL, "t9": {"talk + drug": (0.0, 0.1), "drug + talk": (0.0, 0.1)}}
    with pytest.raises(InputError, match=r"t9 compares .* with itself"):
        component_network(**pairs(same), inactive="placebo")


def test_an_unknown_component_cannot_be_predicted():
    found = component_network(**pairs(FACTORIAL), inactive="placebo")
    with pytest.raises(InputError, match="unknown component: 'pill'"):
        found.predict("talk + pill")


def test_the_result_survives_json_and_tells_the_test():
    found = component_network(**pairs(FACTORIAL), inactive="placebo")
    assert ComponentNetwork.from_json(found.to_json()) == found
    assert "test that they add up: Q = " in str(found)
    table = found.additivity()
    assert table["df"].tolist() == [4, 3, 1, 1]
    assert table["q"][2] == pytest.approx(table["q"][0] - table["q"][1])
