"""Regression tests of small-study effects, against R's lm() and metafor's rma() and regtest()."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from combined_care.egger import EggerTest, egger_test
from combined_care.errors import InputError
from combined_care.results import Absent, is_present

QUANTITIES = (
    *("slope", "slope_se", "slope_ci_lb", "slope_ci_ub", "statistic", "pval"),
    *("limit", "limit_se", "limit_ci_lb", "limit_ci_ub", "limit_pval"),
)


def data_sets(smallest=4, largest=12):
    trial = st.tuples(st.floats(-3, 3), st.floats(0.005, 2.0))
    return st.lists(trial, min_size=smallest, max_size=largest).map(
        lambda rows: (np.array([y for y, _ in rows]), np.array([v for _, v in rows]))
    )


def run(case, expected):
    options = {name: expected[name] for name in ("model", "method", "test") if name in expected}
    return egger_test(
        case["yi"],
        case["vi"],
        case.get("n_e"),
        case.get("n_c"),
        predictor=expected["predictor"],
        **options,
    )


def regressions(document, model):
    for case in document["cases"]:
        for expected in case["regressions"]:
            if expected["model"] == model:
                yield case, expected


def test_weighted_regressions_agree_with_lm(reference):
    compared = 0
    for case, expected in regressions(reference("small_study"), "lm"):
        found = run(case, expected)
        for name in (*QUANTITIES, "dispersion"):
            assert getattr(found, name) == pytest.approx(expected[name], rel=1e-10), case["name"]
            compared += 1
    assert compared > 1500


def test_mixed_regressions_agree_with_metafor(reference):
    compared = 0
    for case, expected in regressions(reference("small_study"), "rma"):
        found = run(case, expected)
        for name in (*QUANTITIES, "tau2"):
            want = pytest.approx(expected[name], rel=1e-6, abs=1e-7)
            assert getattr(found, name) == want, (case["name"], expected["predictor"], name)
            compared += 1
    assert compared > 6000


def test_the_front_door_of_metafor_agrees(reference):
    for case in reference("small_study")["cases"]:
        for expected in case["regtest"]:
            found = run(case, expected | {"model": "lm"})
            for name in ("statistic", "pval", "limit", "limit_ci_lb", "limit_ci_ub"):
                assert getattr(found, name) == pytest.approx(expected[name], rel=1e-10)


def test_the_predictor_safe_for_standardised_mean_differences_is_their_default():
    arms = ([20, 30, 40, 55], [22, 28, 41, 50])
    y, v = [0.2, 0.5, 0.1, 0.4], [0.1, 0.07, 0.05, 0.04]
    default = egger_test(y, v, *arms, measure="SMD")
    assert default == egger_test(y, v, *arms, predictor="pustejovsky")
    assert egger_test(y, v, measure="OR").predictor == "sei"
    assert egger_test(y, v).predictor == "sei"


def test_missing_arm_sizes_are_asked_for_and_wrong_ones_named():
    y, v = [0.2, 0.5, 0.1], [0.1, 0.07, 0.05]
    with pytest.raises(InputError, match=r"needs n_e and n_c.*predictor='sei'"):
        egger_test(y, v, measure="SMD")
    with pytest.raises(InputError, match="n_e of study 2 is nan, expected at least 1"):
        egger_test(y, v, [10, np.nan, 12], [10, 11, 12], measure="SMD")
    with pytest.raises(InputError, match=r"n_c must hold one number per trial: expected 3"):
        egger_test(y, v, [10, 11, 12], [10, 11], measure="SMD")


@pytest.mark.parametrize(
    ("option", "value"),
    [("predictor", "ni"), ("model", "wls"), ("method", "DL"), ("test", "t"), ("level", 95)],
)
def test_unknown_options_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"{option} must"):
        egger_test([0.2, 0.5, 0.1], [0.1, 0.07, 0.05], **{option: value})


def test_unknown_measure_is_refused():
    with pytest.raises(InputError, match="measure must be one of"):
        egger_test([0.2, 0.5, 0.1], [0.1, 0.07, 0.05], measure="cohen")


@pytest.mark.parametrize(
    ("yi", "vi", "reason"),
    [
        ([0.2], [0.1], "at least 3 trials, there are 1"),
        ([0.2, 0.4], [0.1, 0.2], "at least 3 trials, there are 2"),
        ([0.2, 0.4, 0.1, 0.3], [0.1, 0.1, 0.1, 0.1], "same size"),
        ([0.3, 0.3, 0.3], [0.01, 0.04, 0.09], "exactly on one line"),
        ([0.1, 0.2, 0.3], [0.01, 0.04, 0.09], "exactly on one line"),
    ],
)
@pytest.mark.parametrize("model", ["lm", "rma"])
def test_a_line_that_cannot_be_tested_is_absent_with_its_reason(yi, vi, reason, model):
    found = egger_test(yi, vi, model=model)
    for name in QUANTITIES:
        assert reason in getattr(found, name).reason
    assert reason in str(found)
    assert EggerTest.from_json(found.to_json()) == found


def test_below_ten_trials_the_result_is_there_and_says_that_its_limit_is_not_met():
    y, v = np.linspace(0.1, 0.9, 9) ** 2, np.linspace(0.01, 0.2, 9)
    few = egger_test(y, v)
    assert is_present(few.pval)
    assert "limit of use not met: 9 trials" in few.note
    assert few.note in str(few)
    enough = egger_test(np.append(y, 0.3), np.append(v, 0.02))
    assert enough.note == ""


def test_what_a_model_does_not_estimate_is_absent():
    y, v = [0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01]
    assert isinstance(egger_test(y, v).tau2, Absent)
    assert isinstance(egger_test(y, v, model="rma").dispersion, Absent)
    assert egger_test(y, v, model="rma", test="z").df == np.inf


def test_the_result_survives_json_and_never_speaks_of_publication_bias():
    found = egger_test([0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01], model="rma")
    assert EggerTest.from_json(found.to_json()) == found
    shown = str(found) + found._repr_html_()
    assert "publication bias" not in shown.lower()
    assert "Small-study effects" in shown
    assert "<caption>" in shown
    assert list(found.to_frame()["k"]) == [5]


@given(data_sets())
def test_turning_all_effects_round_turns_the_line_round(data):
    y, v = data
    ahead, back = egger_test(y, v), egger_test(-y, v)
    if not is_present(ahead.slope):
        assert ahead == back
        return
    assert back.slope == pytest.approx(-ahead.slope, abs=1e-12)
    assert back.limit == pytest.approx(-ahead.limit, abs=1e-12)
    assert back.limit_ci_lb == pytest.approx(-ahead.limit_ci_ub, abs=1e-12)
    assert back.pval == pytest.approx(ahead.pval, rel=1e-9)


@given(data_sets(), st.floats(0.01, 100.0), st.sampled_from(["lm", "rma"]))
@settings(max_examples=30)
def test_the_unit_of_the_effects_does_not_matter(data, unit, model):
    y, v = data
    base, scaled = egger_test(y, v, model=model), egger_test(unit * y, unit**2 * v, model=model)
    if not is_present(base.slope):
        assert not is_present(scaled.slope)
        return
    assert scaled.slope == pytest.approx(base.slope, rel=1e-5, abs=1e-5 * (1 + base.slope_se))
    assert scaled.limit == pytest.approx(
        unit * base.limit, rel=1e-5, abs=1e-5 * unit * (1 + base.limit_se)
    )


@given(data_sets(), st.floats(-5, 5))
def test_a_shift_of_all_effects_moves_the_limit_and_leaves_the_slope(data, shift):
    y, v = data
    base, moved = egger_test(y, v), egger_test(y + shift, v)
    if not (is_present(base.slope) and is_present(moved.slope)):
        return
    assert moved.slope == pytest.approx(base.slope, abs=1e-6 * (1 + base.slope_se))
    assert moved.limit == pytest.approx(base.limit + shift, abs=1e-6 * (1 + base.limit_se))


@given(data_sets(), st.randoms(use_true_random=False))
def test_the_order_of_trials_does_not_matter(data, random):
    y, v = data
    places = list(range(y.size))
    random.shuffle(places)
    base, other = egger_test(y, v), egger_test(y[places], v[places])
    if is_present(base.slope) and is_present(other.slope):
        assert other.slope == pytest.approx(base.slope, rel=1e-7, abs=1e-9)
        assert other.limit == pytest.approx(base.limit, rel=1e-7, abs=1e-9)


def test_the_default_for_standardised_mean_differences_keeps_its_level_where_the_classic_fails():
    """Trials without any small-study effect and a large true effect, as field practice has them."""
    rng = np.random.default_rng(11)
    classic, safe, repeats = 0, 0, 500
    for _ in range(repeats):
        n = rng.integers(8, 61, 30).astype(float)
        d = rng.normal(1.2, 0.1, 30) + rng.normal(0, np.sqrt(2 / n))
        d /= np.sqrt(rng.chisquare(2 * n - 2) / (2 * n - 2))
        v = 2 / n + d**2 / (4 * n)
        classic += egger_test(d, v).pval < 0.05
        safe += egger_test(d, v, n, n, measure="SMD").pval < 0.05
    assert classic / repeats > 0.08
    assert safe / repeats < 0.07
