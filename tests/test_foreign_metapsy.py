"""The Metapsy data standard, in the variants that public files have."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import combined_care.effects as es
from combined_care.errors import DataError, InputError
from combined_care.foreign.foreign_table import ForeignData
from combined_care.foreign.metapsy import read_metapsy
from foreign_files import COMMA, POINT, ROWS, means, metapsy, own_g, write


@pytest.fixture
def read(tmp_path):
    def written(rows, dialect=POINT, **options) -> ForeignData:
        index = options.pop("index", False)
        return read_metapsy(write(tmp_path / "file.csv", rows, dialect, index=index), **options)

    return written


def accounted(data: ForeignData) -> bool:
    """Whether every row of the file stands in the contrasts or among the unused."""
    lines = [*data.rows["lines"].astype(int), *data.unused["line"]]
    return len(lines) == len(set(lines)) == data.n_rows


def test_each_group_of_the_standard_becomes_columns_of_ours(read):
    data = read(ROWS)
    assert accounted(data)
    assert len(data.rows) == 5
    first, change, events, g, ratio = data.rows.to_dict("records")
    assert (first["mean_e"], first["sd_e"], first["n_c"], first["tier"]) == (8.5, 4.25, 24, "A")
    assert (first["outcome"], first["phase"], first["rating"]) == ("severity", "acute", "clinician")
    assert (first["baseline_mean_e"], first["analysis_set"]) == (21.5, "itt")
    assert (change["mean_e"], change["flags"], change["outcome"]) == (
        -9.92,
        "change score",
        "severity",
    )
    assert (events["events_e"], events["n_e"], events["higher_is_better"]) == (15, 28, 1)
    assert (events["outcome"], events["rating"]) == ("response", "self")
    assert (g["effect"], g["se"], g["effect_measure"], g["tier"]) == (-0.66, 0.25, "g", "B")
    assert g["favours_experimental_when"] == "lower"
    assert ratio["effect"] == pytest.approx(math.exp(0.35))
    assert (ratio["effect_measure"], ratio["favours_experimental_when"]) == ("rr", "higher")
    assert (ratio["phase"], ratio["weeks"]) == ("followup", 3.5)
    assert first["source_note"] == "line 2 of file.csv"


def test_effects_are_those_of_our_own_formulas_and_positive_favours_arm_1(read):
    effects = read(ROWS).effects()
    first, change, events, g, ratio = effects.itertuples()
    wanted = es.effect_size("SMD", 8.5, 4.25, 25, 10.75, 4.5, 24)
    assert (first.yi, first.vi) == (-wanted.yi, wanted.vi)
    wanted = es.effect_size("SMD", -9.92, 6.7, 12, 0.46, 3.8, 12)
    assert (change.yi, change.vi) == (-wanted.yi, wanted.vi)
    wanted = es.effect_size("OR", 15, 28, 6, 28)
    assert (events.measure, events.yi, events.vi) == ("OR", wanted.yi, wanted.vi)
    assert (g.measure, g.yi, g.vi) == ("SMD", 0.66, 0.0625)
    assert (ratio.measure, ratio.yi) == ("RR", pytest.approx(0.35))
    assert ratio.vi == pytest.approx(0.14**2)
    assert set(effects.columns) >= {"trial_id", "label", "year", "tier", "comparator"}


def test_one_measure_for_all_leaves_out_what_does_not_give_it_and_says_so(read):
    data = read(ROWS)
    effects = data.effects(measure="RR")
    assert effects["lines"].tolist() == ["4", "6"]
    assert data.without_effect(measure="RR")["lines"].tolist() == ["2", "3", "5"]
    assert data.effects("response", measure="SMD")["converted"].tolist() == [True]
    with pytest.raises(InputError, match="did you mean 'response'"):
        data.effects("respons")


@pytest.mark.parametrize("dialect", [POINT, COMMA, ("\t", ",", "NR"), (",", ",", "NA")])
@pytest.mark.parametrize("index", [False, True])
def test_every_dialect_reads_the_same(read, dialect, index):
    wanted, data = read(ROWS), read(ROWS, dialect, index=index)
    pd.testing.assert_frame_equal(wanted.effects()[["yi", "vi"]], data.effects()[["yi", "vi"]])
    assert data.rows["trial_id"].tolist() == wanted.rows["trial_id"].tolist()


number = st.floats(-50, 50).map(lambda x: round(x, 3))
spread = st.floats(0.01, 30).map(lambda x: round(x, 3)).filter(lambda x: x > 0)
arm = st.tuples(number, spread, st.integers(2, 400))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABC"), arm, arm), min_size=1, max_size=6))
def test_the_same_numbers_with_comma_and_point_give_the_same_contrasts(tmp_path_factory, drawn):
    rows = [means(f"{name}, 2001", one, two) for name, one, two in drawn]
    folder = tmp_path_factory.mktemp("pair")
    with_points = read_metapsy(write(folder / "trials.csv", rows, POINT))
    with_commas = read_metapsy(write(folder / "trials.csv", rows, COMMA, index=True))
    columns = list(with_points.rows.columns)
    pd.testing.assert_frame_equal(with_points.rows, with_commas.rows[columns])
    assert accounted(with_points)
    assert accounted(with_commas)


def test_numbers_held_as_text_keep_their_points_in_a_file_of_commas(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(
        '"";"study";"condition_arm1";"condition_arm2";"outcome_type";mean_arm1;sd_arm1;n_arm1;'
        'mean_arm2;sd_arm2;n_arm2;"baseline_mean_arm1";"ROB"\n'
        '"1";"Elm,1999";"erp";"wl";"msd";12,5;4;20;15;4,5;20;"25.4";"2"\n'
        '"2";"Fir,1999";"erp";"wl";"msd";12;4;20;15,25;4,5;20;"24";"NR"\n',
        encoding="utf-8",
    )
    data = read_metapsy(path)
    assert data.rows["mean_e"].tolist() == [12.5, 12]
    assert data.rows["baseline_mean_e"].tolist() == [25.4, 24]
    assert data.problems == ()
    assert data.rows["ROB"].tolist() == ["2", ""]


def test_precedence_is_the_order_of_the_standard_and_is_said(read):
    data = read([{**ROWS[0], "precalc_g": 9.0, "precalc_g_se": 1.0}])
    assert data.rows["effect"].isna().all()
    assert "line 2 reports its result in several ways" in data.remarks[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sd_arm1": None, "sd_arm2": None}, "n_arm1, mean_arm2, n_arm2 without sd_arm1, sd_arm2"),
        ({"sd_arm2": 0.0}, "sd_arm2 is 0, expected above 0"),
        ({"n_arm1": 1}, "n_arm1 is 1, expected a whole number of at least 2"),
        ({"mean_arm1": "8?"}, "mean_arm1 is '8?', expected a number"),
        ({"study": None}, "study is empty"),
    ],
)
def test_a_row_that_cannot_be_used_is_listed_with_its_reason(read, changes, reason):
    data = read([{**ROWS[0], **changes}, ROWS[1]])
    assert accounted(data)
    assert data.unused["line"].tolist() == [2]
    assert reason in data.unused["reason"].iloc[0]


def test_all_reasons_of_a_row_are_listed(read):
    row = metapsy("Gum, 2010", mean_arm1=1.5, n_arm1=20, event_arm1=9, totaln_arm1=8, event_arm2=1,
                  totaln_arm2=8, precalc_g_se=2.9, precalc_log_rr=0.5)  # fmt: skip
    reason = read([row]).unused["reason"].iloc[0]
    assert reason == (
        "mean_arm1, n_arm1 without sd_arm1, mean_arm2, sd_arm2, n_arm2; "
        "event_arm1 (9) exceeds totaln_arm1 (8); precalc_g_se without precalc_g; "
        "precalc_log_rr without precalc_log_rr_se"
    )
    assert read([metapsy("Hop, 2011")]).unused["reason"].tolist() == ["no results are reported"]


def test_rows_of_another_length_count_among_the_unused(tmp_path):
    path = write(tmp_path / "file.csv", ROWS[:1])
    path.write_text(path.read_text(encoding="utf-8") + "Ivy,x\n", encoding="utf-8")
    data = read_metapsy(path)
    assert accounted(data)
    assert data.n_rows == 2


def test_cells_that_are_no_numbers_are_listed_at_once(read):
    data = read(
        [{**ROWS[0], "mean_arm1": "low", "baseline_m_arm2": "?"}, {**ROWS[2], "event_arm1": "1/2"}]
    )
    assert [(p.line, p.column, p.value) for p in data.problems] == [
        (2, "mean_arm1", "low"), (2, "baseline_m_arm2", "?"), (3, "event_arm1", "1/2"),
    ]  # fmt: skip
    assert "3 cells are no numbers" in data.remarks[0]


def test_events_of_unknown_direction_give_no_effect_until_it_is_said(read):
    rows = [{**ROWS[2], "outcome_type": "change"}]
    data = read(rows)
    assert len(data.rows) == 1
    assert data.effects().empty
    assert "not recorded whether a higher value is better" in data.without_effect()["reason"][0]
    assert read(rows, higher_is_better={"change": 0}).effects()["yi"][0] < 0
    assert read(rows, higher_is_better={"BDI": 1}).effects()["yi"][0] > 0
    reported = [{**ROWS[4], "outcome_type": "change"}]
    assert "higher_is_better can say it" in read(reported).unused["reason"][0]
    assert read(reported, higher_is_better=0).effects()["yi"][0] == pytest.approx(-0.35)


def test_a_scale_on_which_higher_is_better_is_turned(read):
    assert read(ROWS[:1], higher_is_better={"hdrs-17": 1}).effects()["yi"][0] < 0
    assert read(ROWS[3:4], higher_is_better=1).effects()["yi"][0] == -0.66


def test_a_wrong_statement_about_directions_is_refused(read):
    with pytest.raises(InputError, match="did you mean 'hdrs-17'"):
        read(ROWS, higher_is_better={"hdrs-71": 1})
    with pytest.raises(InputError, match="msd: 2"):
        read(ROWS, higher_is_better={"msd": 2})


def test_a_bad_outcome_counts_against_the_arm_that_has_more_of_it(read):
    rows = [{**ROWS[2], "outcome_type": word} for word in ("Deterioration", "relapse", "dropout")]
    data = read(rows)
    assert (data.effects()["yi"] < 0).all()
    assert data.rows["outcome"].tolist() == ["deterioration", "relapse", "dropout"]


def test_two_arms_without_events_are_usable_but_give_no_ratio(read):
    data = read([{**ROWS[2], "event_arm1": 0, "event_arm2": 0}])
    assert len(data.rows) == 1
    assert data.effects().empty
    assert "no event" in data.without_effect()["reason"][0]


@pytest.mark.parametrize("sign", [1, -1])
def test_own_effects_agree_by_their_formulas_and_their_sign_is_said(read, sign):
    rows = [own_g(row, sign) for row in (ROWS[0], means("Fig, 2004", (1.0, 2, 20), (3.5, 2, 22)))]
    data = read([*rows, {**rows[0], ".g": None, ".g_se": None}], COMMA)
    compared = data.against_file()
    assert compared["agrees"].tolist() == [True, True, False]
    assert compared["why"].iloc[2] == "the file has none"
    # own_g takes arm 1 minus arm 2, where less is better: our sign is the other one
    assert compared["sign"].tolist()[:2] == (["opposite"] * 2 if sign == 1 else ["same"] * 2)
    said = "the opposite sign: negative favours arm 1" if sign == 1 else "our sign"
    assert any(said in remark for remark in data.remarks)
    exact, approximate = compared["yi"].iloc[0], compared["yi_as_file"].iloc[0]
    assert exact != approximate
    assert exact == pytest.approx(approximate, rel=1e-3)


def test_an_own_effect_of_other_numbers_is_found(read):
    rows = [own_g(ROWS[0]), own_g(means("Fig, 2004", (1.0, 2, 20), (3.5, 2, 22)))]
    rows[1][".g_se"] *= 0.99
    assert read(rows).against_file()["why"].tolist() == [
        "the file's sign is the opposite throughout",
        "the numbers differ",
    ]


def test_own_effects_of_events_use_half_a_person_where_an_arm_has_none(read):
    # row 1: esc's route by hand: log OR of 4.5/5.5 and 0.5/9.5, Chinn, 1 - 3 / (4 * 20 - 9)
    log_or = math.log(4.5 * 9.5 / (0.5 * 5.5))
    variance = 1 / 4.5 + 1 / 5.5 + 1 / 0.5 + 1 / 9.5
    g = log_or * math.sqrt(3) / math.pi * (1 - 3 / (4 * 20 - 9))
    row = metapsy("Myrtle, 2018", outcome_type="remission", event_arm1=4, totaln_arm1=9,
                  event_arm2=0, totaln_arm2=9)  # fmt: skip
    se = math.sqrt(3 * variance) / math.pi
    assert read([{**row, ".g": -g, ".g_se": se}]).against_file()["agrees"].all()


def test_a_file_without_own_effects_has_nothing_to_compare(read):
    assert read(ROWS).against_file().empty


def test_trials_have_the_identifier_of_our_own_data(read):
    data = read(ROWS)
    assert data.trials["trial_id"].tolist() == [
        "alder2001",
        "birch2003",
        "cedar2005",
        "dogwood2007",
    ]
    assert data.trials["label"].iloc[0] == "Alder, 2001"
    assert data.trials["population"].eq("adult").all()
    assert "rob" in data.trials


def test_a_trial_column_with_two_values_in_a_study_shows_both(read):
    data = read([ROWS[1], {**ROWS[2], "country": "uk"}])
    assert data.trials["country"].tolist() == ["eu / uk"]


def test_nothing_of_the_file_is_lost(read):
    rows = [{**ROWS[0], "percent_women": 55.5, "weeks": "kept", "notes": " as is "}]
    data = read(rows, COMMA)
    assert data.table["percent_women"].tolist() == ["55,5"]
    assert data.rows["percent_women"].tolist() == ["55,5"]
    assert data.rows["weeks (file)"].tolist() == ["kept"]
    assert data.table["notes"].tolist() == [" as is "]


@pytest.mark.parametrize(
    ("rename", "nearest"),
    [({"study": "studyy"}, "'study' (nearest: 'studyy')"),
     ({"condition_arm1": "cond_arm1"}, "'condition_arm1' (nearest: 'condition_arm2')")],
)  # fmt: skip
def test_a_missing_column_is_an_error_with_the_nearest_header(read, rename, nearest):
    rows = [{rename.get(name, name): value for name, value in ROWS[0].items()}]
    with pytest.raises(DataError, match="Metapsy data standard needs the columns") as caught:
        read(rows)
    assert nearest in str(caught.value)


def test_hostile_text_is_escaped_and_kept(read):
    study = "<script>alert(1)</script>, 2001"
    data = read(
        [means(study, (1, 0, 20), (2, 1, 20)), means("=HYPERLINK(1)", (1, 2, 20), (2, 1, 20))]
    )
    shown = data._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert data.table["study"].iloc[0] == study
    assert data.trials["trial_id"].tolist() == ["hyperlink12001"]


def test_the_result_is_one_honest_sentence_and_survives_json(read):
    data = read([*ROWS, metapsy("Hop, 2011")])
    assert str(data) == (
        "file.csv (metapsy): 6 rows give 5 usable contrasts of 4 trials; 1 row not used"
    )
    again = ForeignData.from_json(data.to_json())
    assert again == data
    assert np.isnan(again.rows["events_e"].iloc[0])
    pd.testing.assert_frame_equal(again.effects(), data.effects())
    assert len(data.to_frame()) == 5


def test_a_file_without_any_usable_row_is_read_and_says_so(read):
    data = read([metapsy("Hop, 2011")])
    assert data.rows.empty
    assert data.trials.empty
    assert data.effects().empty
    assert accounted(data)
    assert ForeignData.from_json(data.to_json()) == data
