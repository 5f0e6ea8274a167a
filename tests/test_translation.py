"""Numbers needed to treat: first principles, printed examples, and the passage through infinity."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.conversions import smd_from_log_odds
from combined_care.errors import InputError
from combined_care.translation import (
    NumberNeeded,
    nnt_from_ratio,
    nnt_from_risk_difference,
    nnt_from_smd,
    smd_to_logor,
)

effects = st.tuples(st.floats(-3, 3), st.floats(0, 1), st.floats(0, 1))


def ends(found):
    return (found.number_best, found.side_best), (found.number_worst, found.side_worst)


def test_kraemer_and_kupfer_equal_quadrature_over_two_normal_arms(reference):
    stored = reference("translation")
    for g, superior in zip(stored["g"], stored["superiority"], strict=True):
        found = nnt_from_smd(g, g, g)
        assert found.benefit == pytest.approx(2 * superior - 1, rel=1e-9)
        assert found.number == pytest.approx(1 / abs(2 * superior - 1), rel=1e-9)
        assert found.side == ("benefit" if g > 0 else "harm")


def test_a_published_table_of_kraemer_and_kupfer_is_reproduced(reference):
    table = reference("translation")["published"]["table_of_d"]
    for d, nnt in zip(table["d"], table["nnt"], strict=True):
        assert round(nnt_from_smd(d, d, d).number, 1) == pytest.approx(nnt, abs=1e-12)


def test_furukawa_and_leucht_and_ratios_equal_first_principles(reference):
    for case in reference("translation")["rates"]:
        known = {"control_event_rate": case["control_event_rate"], "event": case["event"]}
        three = [case["effect"]] * 3
        match case["measure"]:
            case "SMD":
                found = nnt_from_smd(*three, method="furukawa-leucht", **known)
            case "RD":
                found = nnt_from_risk_difference(*three, event=case["event"])
            case measure:
                found = nnt_from_ratio(measure, *three, **known)
        assert found.benefit == pytest.approx(case["benefit"], rel=1e-9)
        assert found.number == pytest.approx(1 / abs(case["benefit"]), rel=1e-9)
        assert found.side == ("benefit" if case["benefit"] > 0 else "harm")


def test_altmans_interval_runs_through_infinity_to_harm(reference):
    page = reference("translation")["published"]["altman"]
    found = nnt_from_risk_difference(*page["benefit"], event="good")
    assert found.number == pytest.approx(page["nnt"])
    assert found.number_best == pytest.approx(page["best"])
    assert found.number_worst == pytest.approx(page["worst_harm"])
    assert (found.side, found.side_best, found.side_worst) == ("benefit", "benefit", "harm")
    assert "NNT 10 (95 % CI 4.0 to infinity to NNH 20)" in str(found)


def test_an_interval_of_benefit_alone_equals_barrowmans(reference):
    page = reference("translation")["published"]["barrowman"]
    found = nnt_from_risk_difference(*page["benefit"], event="good")
    assert round(found.number) == page["nnt"]
    assert round(found.number_best, 1) == page["best"]
    assert round(found.number_worst, 1) == page["worst"]


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        ((0.12, 0.05, 0.20), "NNT 8.3 (95 % CI 5.0 to 20)"),
        ((0.12, 0.0, 0.20), "NNT 8.3 (95 % CI 5.0 to infinity)"),
        ((0.12, -0.07, 0.20), "NNT 8.3 (95 % CI 5.0 to infinity to NNH 14)"),
        ((-0.12, -0.20, -0.05), "NNH 8.3 (95 % CI 5.0 to 20)"),
        ((-0.12, -0.20, 0.0), "NNH 8.3 (95 % CI 5.0 to infinity)"),
        ((-0.12, -0.20, 0.07), "NNH 8.3 (95 % CI 5.0 to infinity to NNT 14)"),
        ((0.0, -0.05, 0.10), "NNT infinity (95 % CI NNT 10 to infinity to NNH 20)"),
        ((0.0, 0.0, 0.10), "NNT infinity (95 % CI NNT 10 to infinity)"),
        ((0.0, -0.05, 0.0), "NNT infinity (95 % CI infinity to NNH 20)"),
    ],
)
def test_every_position_of_the_interval_is_printed_honestly(effect, text):
    assert str(nnt_from_risk_difference(*effect, event="good")).startswith(text)


@given(known=st.floats(0.001, 0.999), event=st.sampled_from(["good", "bad"]))
def test_no_effect_is_infinite_at_every_rate(known, event):
    said = {"control_event_rate": known, "event": event}
    for found in (
        nnt_from_ratio("OR", 1, 1, 1, **said),
        nnt_from_ratio("RR", 1, 1, 1, **said),
        nnt_from_smd(0, 0, 0, method="furukawa-leucht", **said),
    ):
        assert (found.number, found.side) == (math.inf, "none")
        assert ends(found) == ((math.inf, "none"), (math.inf, "none"))


@given(effect=effects)
def test_the_sign_swaps_benefit_and_harm(effect):
    g, below, above = effect
    one, other = nnt_from_smd(g, g - below, g + above), nnt_from_smd(-g, -g - above, -g + below)
    swap = {"benefit": "harm", "harm": "benefit", "none": "none"}
    assert other.side == swap[one.side]
    assert other.number == one.number
    (best, worst), (swapped_best, swapped_worst) = ends(one), ends(other)
    assert swapped_best == (worst[0], swap[worst[1]])
    assert swapped_worst == (best[0], swap[best[1]])


@given(effect=effects, known=st.floats(0.01, 0.99), event=st.sampled_from(["good", "bad"]))
def test_numbers_are_at_least_one_and_ordered_on_the_scale_of_benefit(effect, known, event):
    g, below, above = effect
    found = nnt_from_smd(
        g,
        g - below,
        g + above,
        method="furukawa-leucht",
        control_event_rate=known,
        event=event,
    )
    for number, side in ((found.number, found.side), *ends(found)):
        assert number >= 1
        assert math.isinf(number) == (side == "none")
    assert found.benefit_ci_lb <= found.benefit <= found.benefit_ci_ub
    if found.side_worst == "benefit":
        assert found.number_best <= found.number <= found.number_worst


@given(low=st.floats(0.01, 2), step=st.floats(0.01, 2))
def test_a_larger_effect_needs_fewer_people(low, step):
    for extra in (
        {},
        {"method": "furukawa-leucht", "control_event_rate": 0.3, "event": "good"},
        {"method": "furukawa-leucht", "control_event_rate": 0.3, "event": "bad"},
    ):
        small = nnt_from_smd(low, low, low, **extra).number
        large = nnt_from_smd(low + step, low, low + step, **extra).number
        assert large < small


@given(known=st.floats(0.05, 0.6), ratio=st.floats(0.2, 1.6))
def test_a_wanted_event_and_the_same_event_unwanted_are_mirrored(known, ratio):
    good = nnt_from_ratio("RR", ratio, ratio, ratio, control_event_rate=known, event="good")
    bad = nnt_from_ratio("RR", ratio, ratio, ratio, control_event_rate=known, event="bad")
    assert good.benefit == pytest.approx(-bad.benefit, abs=1e-15)
    assert good.number == bad.number


def test_the_event_must_be_said_where_a_rate_is_used():
    with pytest.raises(InputError, match="'furukawa-leucht' with both"):
        nnt_from_smd(0.5, 0.2, 0.8, method="furukawa-leucht", control_event_rate=0.2)
    with pytest.raises(InputError, match="'kraemer-kupfer' without"):
        nnt_from_smd(0.5, 0.2, 0.8, control_event_rate=0.2, event="good")
    with pytest.raises(InputError, match="got 'cohen'"):
        nnt_from_smd(0.5, 0.2, 0.8, method="cohen")


def test_bad_numbers_are_named():
    with pytest.raises(InputError, match="ci_ub must be finite; got inf"):
        nnt_from_smd(0.5, 0.2, math.inf)
    with pytest.raises(InputError, match="must hold g"):
        nnt_from_smd(0.5, 0.8, 0.2)
    with pytest.raises(InputError, match=r"g must be finite.*control_event_rate must be above 0"):
        nnt_from_smd(math.nan, 0, 1, method="furukawa-leucht", control_event_rate=1.5, event="good")
    with pytest.raises(InputError, match="difference must be between -1 and 1; got 10"):
        nnt_from_risk_difference(10, -5, 25, event="good")
    with pytest.raises(InputError, match="event must be 'good'"):
        nnt_from_risk_difference(0.1, 0.0, 0.2, event="relapse")
    with pytest.raises(InputError, match="measure must be 'OR' or 'RR'"):
        nnt_from_ratio("HR", 0.8, 0.6, 1.0, control_event_rate=0.3, event="bad")
    with pytest.raises(InputError, match=r"ratio must be above 0 and finite; got -0\.2"):
        nnt_from_ratio("OR", -0.2, -0.4, 0.1, control_event_rate=0.3, event="bad")


def test_the_cut_of_an_impossible_rate_is_handed_on():
    found = nnt_from_ratio("RR", 1.5, 0.9, 2.6, control_event_rate=0.5, event="good")
    assert found.number_best == pytest.approx(2)
    assert "cut at a rate" in str(found)


def test_log_odds_ratios_equal_those_of_two_logistic_arms(reference):
    stored = reference("translation")
    found = smd_to_logor(stored["g"], [0.04] * len(stored["g"]))
    assert found.yi.tolist() == pytest.approx(stored["log_odds"], rel=1e-9)
    assert found.vi[0] == pytest.approx(0.04 * math.pi**2 / 3, rel=1e-14)


@given(g=st.floats(-5, 5), v=st.floats(1e-6, 10))
def test_log_odds_ratio_and_back_is_the_identity(g, v):
    back = smd_from_log_odds(*smd_to_logor(g, v))
    assert back.yi == pytest.approx(g, rel=1e-14, abs=1e-300)
    assert back.vi == pytest.approx(v, rel=1e-14)
    forth = smd_to_logor(g, v)
    # The z value is the same on both scales.
    assert forth.yi / math.sqrt(forth.vi) == pytest.approx(g / math.sqrt(v), rel=1e-12, abs=1e-300)


def test_impossible_variances_are_refused():
    with pytest.raises(InputError, match=r"v must be finite and not negative; got position 1: -1"):
        smd_to_logor([0.1, 0.2], [0.1, -1])
    with pytest.raises(InputError, match=r"g must be finite; got position 0: nan"):
        smd_to_logor([math.nan], [0.1])


@pytest.mark.parametrize("effect", [(0.3, 0.1, 0.5), (0.3, 0.0, 0.5), (0.3, -0.2, 0.5)])
def test_the_result_survives_json_frame_and_html(effect):
    found = nnt_from_smd(*effect, interval="prediction")
    assert NumberNeeded.from_json(found.to_json()) == found
    assert found.to_frame().loc[0, "number_worst"] == found.number_worst
    assert "prediction interval" in str(found)
    assert "<caption>Number needed to treat" in found._repr_html_()
