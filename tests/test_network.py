"""Network meta-analysis against metafor, and by its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.network import NetworkMetaAnalysis, network_meta_analysis
from combined_care.synthesis import synthesize
from small_networks import NAMES, connected, pairs, reordered, tight

LOOP = {
    "t": {"a": (0.5, 0.1), "b": (0.2, 0.2), "c": (0.0, 0.3)},
    "u": {"a": (0.1, 0.1), "b": (0.3, 0.1)},
    "v": {"b": (0.4, 0.2), "c": (0.1, 0.1)},
    "w": {"a": (0.9, 0.1), "c": (0.1, 0.1)},
}


@pytest.mark.parametrize("name", ["linde", "hasselblad"])
@pytest.mark.parametrize("index", range(3))
def test_estimates_equal_metafor(reference, name, index):
    stored = reference("network")[name]
    expected = stored["standard"]["fits"][index]
    against = stored["standard"]["reference"]
    found = network_meta_analysis(**stored["data"], method=expected["method"], reference=against)
    others = [found.treatments.index(t) for t in stored["standard"]["treatments"]]
    assert found.tau2 == pytest.approx(expected["tau2"], rel=1e-8, abs=1e-12)
    tight(found.estimate[others], expected["estimate"], rtol=1e-8, atol=1e-10)
    tight(found.vcov[np.ix_(others, others)], expected["vcov"], rtol=1e-8, atol=1e-12)
    if expected.get("q") is not None:
        assert (found.q_df, found.q) == (expected["q_df"], pytest.approx(expected["q"], rel=1e-9))
    if (
        expected.get("searched") is not None
    ):  # where metafor's own search ended, which is good to 4 digits
        assert found.tau2 == pytest.approx(expected["searched"], rel=1e-3)


def test_the_table_is_against_the_reference(reference):
    data = reference("network")["linde"]["data"]
    found = network_meta_analysis(**data, reference="Placebo")
    table = found.to_frame().set_index("treatment")
    assert "Placebo" not in table.index
    assert table.loc["SSRI", "estimate"] == pytest.approx(found.relative("SSRI").estimate)
    se = np.sqrt(found.vcov.diagonal())[found.treatments.index("SSRI")]
    limits = table.loc["SSRI", ["ci_lb", "ci_ub"]].to_numpy(float)
    middle = found.relative("SSRI").estimate
    tight(limits, [middle - 1.959963984540054 * se, middle + 1.959963984540054 * se], rtol=1e-10)


@settings(max_examples=30)
@given(connected(), st.sampled_from(NAMES), st.sampled_from(["REML", "DL", "EE"]))
def test_the_reference_changes_no_relative_effect(trials, other, method):
    one = network_meta_analysis(**pairs(trials), method=method, reference="a")
    two = network_meta_analysis(**pairs(trials), method=method, reference=other)
    for quantity in ("estimate", "se"):
        tight(one.league(quantity), two.league(quantity), rtol=1e-8, atol=1e-9)
    tight(one.league(), -one.league().T, atol=1e-12)
    tight(one.to_frame(other)["estimate"], two.to_frame()["estimate"], atol=1e-8)


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 1.0)), min_size=2, max_size=12),
    st.sampled_from(["REML", "DL", "EE"]),
    st.sampled_from(["z", "knha"]),
)
def test_a_network_of_two_treatments_equals_the_single_comparison(effects, method, test):
    y, v = (np.array(column) for column in zip(*effects, strict=True))
    assume(np.ptp(y) > 1e-3)
    k = len(y)
    network = network_meta_analysis(
        ["x"] * k, ["y"] * k, y, v, list(map(str, range(k))), method, "y", test=test
    )
    single = synthesize(y, v, method=method, test=test)
    found = network.relative("x")
    tight([network.tau2, found.estimate, found.se], [single.tau2, single.estimate, single.se])
    tight([found.ci_lb, found.pval], [single.ci_lb, single.pval])
    tight([network.q, network.q_pval, network.i2], [single.q, single.q_pval, single.i2], atol=1e-6)


@settings(max_examples=25)
@given(connected(least=5), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_arms_does_not_matter(trials, random):
    columns = pairs(trials)
    order = list(range(len(columns["yi"])))
    random.shuffle(order)
    turned = {i for i in order if random.random() < 0.5}
    one = network_meta_analysis(**columns, reference="a")
    two = network_meta_analysis(**reordered(columns, order, turned), reference="a")
    tight(one.estimate, two.estimate, rtol=1e-9, atol=1e-10)
    tight(one.vcov, two.vcov, rtol=1e-9, atol=1e-12)
    assert one.tau2 == pytest.approx(two.tau2, rel=1e-8, abs=1e-12)


@settings(max_examples=30)
@given(connected(), st.sampled_from(["REML", "EE"]))
def test_a_trial_that_says_nothing_changes_nothing(trials, method):
    added = {**trials, "nothing": {"a": (0.7, 1e9), "c": (-0.4, 1e9)}}
    one = network_meta_analysis(**pairs(trials), method=method, reference="a")
    two = network_meta_analysis(**pairs(added), method=method, reference="a")
    tight(one.estimate, two.estimate, atol=1e-6)
    tight(one.vcov, two.vcov, rtol=1e-5, atol=1e-8)


@settings(max_examples=20)
@given(connected())
def test_turning_all_effects_mirrors_the_result(trials):
    columns = pairs(trials)
    one = network_meta_analysis(**columns, reference="a")
    two = network_meta_analysis(**{**columns, "yi": [-y for y in columns["yi"]]}, reference="a")
    tight(one.estimate, -two.estimate, atol=1e-9)
    tight(one.vcov, two.vcov, atol=1e-9)


def test_the_most_studied_treatment_is_the_reference_by_default():
    trials = {**LOOP, "x": {"c": (0.0, 0.1), "d": (0.0, 0.1)}, "y": {"c": (0, 0.1), "e": (0, 0.1)}}
    assert network_meta_analysis(**pairs(trials)).reference == "c"


def test_the_graph_has_a_node_a_treatment_and_an_edge_a_comparison():
    found = network_meta_analysis(**pairs(LOOP))
    assert found.nodes().to_dict("list") == {"treatment": ["a", "b", "c"], "k": [3, 3, 3]}
    edges = found.edges()
    assert edges[["treat1", "treat2", "k"]].to_numpy().tolist() == [
        ["a", "b", 2], ["a", "c", 2], ["b", "c", 2],
    ]  # fmt: skip
    assert (found.k, found.pairs) == (4, 6)


def test_knapp_hartung_scales_the_covariances():
    normal, scaled = (
        network_meta_analysis(**pairs(LOOP), method="EE", reference="a", test=test)
        for test in ("z", "knha")
    )
    assert scaled.df == normal.q_df == 3
    tight(scaled.vcov, normal.vcov * normal.q / 3, rtol=1e-12)
    # Direct and indirect evidence are compared without the scale, whatever the test.
    assert scaled.comparisons == normal.comparisons


def test_the_result_survives_json_and_says_one_sentence():
    found = network_meta_analysis(**pairs(LOOP))
    assert NetworkMetaAnalysis.from_json(found.to_json()) == found
    assert str(found).startswith("Network of 3 treatments in 4 trials (REML, tau²")
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"method": "PM"}, "method must be one of REML, DL, EE"),
        ({"test": "t"}, "test must be one of z, knha"),
        ({"level": 95}, "level must lie between 0 and 1"),
        ({"reference": "A"}, "unknown reference: 'A'"),
    ],
)
def test_unknown_options_are_errors(options, match):
    with pytest.raises(InputError, match=match):
        network_meta_analysis(**pairs(LOOP), **options)


def test_unknown_names_are_errors():
    found = network_meta_analysis(**pairs({**LOOP, "x": {"c": (0.0, 0.1), "d": (0.0, 0.1)}}))
    for call in (found.relative, found.to_frame):
        with pytest.raises(InputError, match="unknown treatment: 'z'"):
            call("z")
    with pytest.raises(InputError, match="unknown direct comparison: 'a against d'"):
        found.comparison("a", "d")
    with pytest.raises(InputError, match="quantity must be one of"):
        found.league("effect")


def test_a_disconnected_network_is_refused_with_its_parts():
    trials = {**LOOP, "x": {"d": (0.0, 0.1), "e": (0.0, 0.1)}}
    with pytest.raises(InputError, match=r"\(1\) a, b, c; \(2\) d, e.*component_network"):
        network_meta_analysis(**pairs(trials))
