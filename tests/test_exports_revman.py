"""Study data for RevMan: what the file says gives the effects that were pooled."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest

import small_evidence as small
from combined_care.effects import effect_size, hedges_g
from combined_care.errors import InputError
from combined_care.exports.revman import COLUMNS, to_revman
from combined_care.foreign.revman import read_revman

REPORTED = {
    "mean_e": np.nan, "sd_e": np.nan, "mean_c": np.nan, "sd_c": np.nan, "effect": -0.4, "se": 0.2,
    "effect_measure": "g", "favours_experimental_when": "lower", "tier": "B",
}  # fmt: skip
OUTCOME = {"outcome": "severity"}


def table(*outcomes, name="A", **asked):
    names = dict.fromkeys(row["trial_id"] for row in outcomes)
    evidence = small.evidence([small.trial(name) for name in names], list(outcomes))
    effects = evidence.effects(**asked)
    return to_revman(effects, evidence, name=name), effects


def rows_of(found):
    return list(csv.DictReader(io.StringIO(found.csv())))


def test_the_columns_are_those_of_a_cochrane_data_package():
    found, _ = table(small.means("oak", 0.5), **OUTCOME)
    assert tuple(rows_of(found)[0]) == COLUMNS
    assert len(COLUMNS) == 24


def test_means_stand_as_reported_and_give_the_effect_in_their_direction():
    found, effects = table(small.means("oak", 0.5), small.means("elm", 0.2), **OUTCOME)
    assert (found.data_type, found.favours_experimental_when) == ("Continuous", "lower")
    for row, yi in zip(rows_of(found), effects["yi"], strict=True):
        arms = [float(row[f"{side} {what}"]) for side in ("Experimental", "Control")
                for what in ("mean", "SD", "N")]  # fmt: skip
        g, v = hedges_g(*arms)
        assert float(row["GIV Mean"]) == pytest.approx(g) == pytest.approx(-yi)
        assert float(row["GIV SE"]) == pytest.approx(math.sqrt(v))
    assert found.turned == ()


def test_a_scale_that_runs_the_other_way_is_turned_and_named():
    other = small.means("ash", -0.3, higher_is_better=1.0)
    found, effects = table(small.means("oak", 0.5), small.means("elm", 0.2), other, **OUTCOME)
    assert found.turned == ("Ash",)
    row = next(row for row in rows_of(found) if row["Study"] == "Ash")
    assert (float(row["Experimental mean"]), float(row["Control mean"])) == (-0.3, 0)
    assert float(row["GIV Mean"]) == -effects.set_index("label")["yi"]["Ash"]
    assert "multiplied by -1" in row["Footnotes"]


def test_events_are_counts_of_the_reported_event():
    found, effects = table(
        small.events("oak", 12, 8, 20, outcome="dropout", higher_is_better=0.0),
        small.events("elm", 5, 0, 20, outcome="dropout", higher_is_better=0.0),
        outcome="dropout",
    )
    assert (found.data_type, found.favours_experimental_when) == ("Dichotomous", "lower")
    for row, effect in zip(rows_of(found), effects.itertuples(), strict=True):
        cells = ("Experimental cases", "Experimental N", "Control cases", "Control N")
        y, v = effect_size("OR", *(float(row[name]) for name in cells))
        assert float(row["GIV Mean"]) == pytest.approx(float(y)) == pytest.approx(-effect.yi)
        assert float(row["GIV SE"]) == pytest.approx(math.sqrt(float(v)))
        assert float(row["Mean"]) == pytest.approx(math.exp(float(y)))
        assert float(row["CI start"]) < float(row["Mean"]) < float(row["CI end"])


@pytest.mark.parametrize("measure", ["OR", "RD"])
def test_the_opposite_event_is_counted_by_those_without_it(measure):
    found, _ = table(
        small.events("oak", 12, 8, 20), small.events("elm", 15, 10, 20),
        small.events("ash", 4, 9, 20, higher_is_better=0.0),
        outcome="response", measure=measure,
    )  # fmt: skip
    row = next(row for row in rows_of(found) if row["Study"] == "Ash")
    assert (row["Experimental cases"], row["Control cases"]) == ("16", "11")
    y, _ = effect_size(measure, 16, 20, 11, 20)
    assert float(row["GIV Mean"]) == pytest.approx(float(y))
    assert found.turned == ("Ash",)


def test_a_risk_ratio_of_the_opposite_event_stays_an_effect():
    found, _ = table(
        small.events("oak", 12, 8, 20), small.events("elm", 15, 10, 20),
        small.events("ash", 4, 9, 20, higher_is_better=0.0),
        outcome="response", measure="RR",
    )  # fmt: skip
    assert [name for name, _ in found.as_effect] == ["Ash"]
    assert found.data_type == "Contrast level"
    row = next(row for row in rows_of(found) if row["Study"] == "Ash")
    assert row["Experimental cases"] == ""
    assert float(row["GIV Mean"]) == pytest.approx(-math.log(4 / 9))


def test_a_reported_effect_is_listed_and_makes_the_analysis_one_of_effects():
    found, effects = table(small.means("oak", 0.5), small.means("elm", 0, **REPORTED), **OUTCOME)
    assert found.data_type == "Contrast level"
    assert found.as_effect == (("Elm", "only a reported effect"),)
    assert any("only a reported effect" in said and "Elm" in said for said in found.limits)
    elm = next(row for row in rows_of(found) if row["Study"] == "Elm")
    assert (elm["Experimental mean"], elm["Experimental N"]) == ("", "")
    assert float(elm["GIV Mean"]) == pytest.approx(-effects.set_index("label")["yi"]["Elm"])
    assert str(found).endswith("1 of them as an effect with its standard error only.")


def test_arms_put_together_hold_everyone_once():
    shared = {"mean_c": 0.0, "n_c": 40.0}
    found, effects = table(
        small.means("oak", 0.5, row_id="oak-01", treatment_e="CBT + a", treatment_c="b", **shared),
        small.means("oak", 0.3, row_id="oak-02", treatment_e="IPT + a", treatment_c="b", **shared),
        **OUTCOME,
    )
    assert effects["how"].tolist() == ["arms merged"]
    (row,) = rows_of(found)
    assert (row["Experimental N"], row["Control N"]) == ("80", "40")
    assert "several arms put together" in row["Footnotes"]
    g, _ = hedges_g(*(float(row[f"{side} {what}"]) for side in ("Experimental", "Control")
                      for what in ("mean", "SD", "N")))  # fmt: skip
    assert float(row["GIV Mean"]) == pytest.approx(float(g))


def test_averaged_and_converted_results_are_effects_only():
    found, _ = table(
        small.means("oak", 0.5, row_id="oak-01"),
        small.means("oak", 0.4, row_id="oak-02", mean_c=0.1),
        small.events("elm", 12, 8, 20),
        outcome="efficacy",
    )
    assert dict(found.as_effect) == {
        "Oak": "mean of several results on the same people",
        "Elm": "converted from an odds ratio",
    }
    assert all(row["Experimental N"] == "" for row in rows_of(found))


def test_arm_sizes_that_are_assumed_are_never_written():
    percent = {"tier": "C", "pct_e": 60.0, "pct_c": 40.0}
    row = small.events("oak", np.nan, np.nan, np.nan, **percent)
    evidence = small.evidence([small.trial("oak", n_randomised=50.0)], [row])
    found = to_revman(evidence.effects("response", tiers="ABC"), evidence)
    assert found.as_effect == (("Oak", "percentages, with arm sizes that are assumed"),)


def test_numbers_that_do_not_give_the_effect_are_never_written():
    evidence = small.evidence([small.trial("oak")], [small.means("oak", 0.5)])
    effects = evidence.effects(**OUTCOME)
    found = to_revman(effects.assign(yi=effects["yi"] + 0.1), evidence)
    assert found.as_effect == (("Oak", "the numbers of the arms do not give this effect"),)


def test_text_that_looks_like_a_formula_is_guarded():
    trial = small.trial("oak", label='=HYPERLINK("x")')
    evidence = small.evidence([trial], [small.means("oak", 0.5)])
    found = to_revman(evidence.effects(**OUTCOME), evidence, name="=1")
    (row,) = rows_of(found)
    assert (row["Study"], row["Analysis name"]) == ('\'=HYPERLINK("x")', "'=1")


def test_no_effect_and_mixed_measures_are_errors():
    evidence = small.evidence([small.trial("oak")], [small.means("oak", 0.5)])
    effects = evidence.effects(**OUTCOME)
    with pytest.raises(InputError, match="no effect"):
        to_revman(effects.iloc[:0], evidence)


def test_the_result_can_be_stored():
    found, _ = table(small.means("oak", 0.5), **OUTCOME)
    assert type(found).from_json(found.to_json()) == found


def test_the_file_is_read_back_to_the_same_effects(tmp_path):
    found, effects = table(
        small.means("oak", 0.5),
        small.means("elm", 0, **REPORTED),
        small.means("ash", -0.3, higher_is_better=1.0),
        small.means("fir", 0.1, n=25),
        **OUTCOME,
    )
    (tmp_path / "rows.csv").write_text(found.csv(), encoding="utf-8")
    (tmp_path / "settings.csv").write_text(found.settings_csv(), encoding="utf-8")
    better = int(found.favours_experimental_when == "higher")
    read = read_revman(
        tmp_path / "rows.csv", tmp_path / "settings.csv", higher_is_better=better
    ).effects(measure="SMD")
    again = read.set_index("label").loc[effects["label"]]
    assert again["yi"].to_numpy() == pytest.approx(effects["yi"].to_numpy())
    assert again["vi"].to_numpy() == pytest.approx(effects["vi"].to_numpy())


def test_the_settings_say_how_the_rows_are_read():
    found, _ = table(small.events("oak", 12, 8, 20), outcome="response", name="=1")
    (row,) = csv.DictReader(io.StringIO(found.settings_csv()))
    assert row["Effect measure"] == "Odds Ratio"
    assert (row["Data type"], row["Log-scale data"]) == ("Dichotomous", "TRUE")
    assert row["Control group label"] == found.comparator == "pharmacotherapy"
