"""The tables of the teaching notebooks, and the pictures and files that notebooks show."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from combined_care.foreign.arm_table import read_arm_table
from combined_care.foreign.metapsy import read_metapsy
from combined_care.markup import Safe
from combined_care.own_question import ask
from combined_care.synthesis import synthesize
from combined_care.workbench import examples, lessons, pictures
from small_evidence import evidence, means, trial

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


@pytest.fixture(scope="module")
def small():
    """Five trials against medication alone; the first has an arm of psychotherapy alone too."""
    trials = [trial(name, year=2000 + at) for at, name in enumerate(NAMES)]
    rows = [means(name, 0.3 + at / 10) for at, name in enumerate(NAMES)]
    rows.append(means("alpha", 0.1, comparator="psychotherapy", row_id="alpha-02"))
    return evidence(trials, rows)


def test_the_three_intervals_are_those_of_the_fit():
    fit = synthesize([0.49, 0.50, 0.51], [0.04, 0.04, 0.04])
    table = lessons.by_test(fit).set_index("interval")
    assert len(table) == 3
    widths = table["width"]
    assert widths["Knapp-Hartung"] < widths["normal distribution (Wald)"]
    careful = fit.inference("knha-conservative")
    assert widths["Knapp-Hartung, never narrower than normal"] == pytest.approx(
        careful.ci_ub - careful.ci_lb, abs=5e-4
    )


def test_only_trials_with_several_rows_are_repeated(small):
    effects = small.effects(comparator=["pharmacotherapy", "psychotherapy"])
    table = lessons.repeated_trials(effects)
    assert table["label"].tolist() == ["Alpha", "Alpha"]
    assert table["n_e"].nunique() == 1


def test_the_growth_of_evidence_ends_with_all_trials(small):
    effects = small.effects(comparator="pharmacotherapy")
    table = lessons.as_evidence_grew(effects)
    fit = synthesize(effects["yi"], effects["vi"])
    assert table["trials"].tolist() == [3, 5]
    assert table["estimate"].iloc[-1] == pytest.approx(fit.estimate, abs=5e-4)
    assert table["prediction interval"].iloc[-1] == pytest.approx(fit.pi_ub - fit.pi_lb, abs=1e-3)


def test_the_examples_are_read_and_lie_in_folders_of_their_own():
    first, second = examples.metapsy_example(), examples.metapsy_example()
    assert Path(first).parent != Path(second).parent
    read = read_metapsy(first)
    assert (len(read.rows), len(read.unused)) == (3, 1)
    columns = {"study": "Study", "arm": "Group", "n": "N", "mean": "Mean", "sd": "SD"}
    given = {"columns": columns, "experimental": ["both"], "comparator": ["drug"],
             "higher_is_better": 0}  # fmt: skip
    assert (read_arm_table(examples.arms_example(), given).effects()["yi"] > 0).all()


def test_pictures_are_one_figure_with_its_words(small):
    answer = ask(small, comparator="pharmacotherapy")
    shown = pictures.forest_of(answer)
    assert isinstance(shown, Safe)
    assert shown.count("<svg") == 1
    assert "Forest plot of 5 trials" in shown
    funnel = pictures.funnel_of_effects(answer.effects, answer.fit)
    assert funnel.count("<svg") == 1


def test_two_figures_in_one_notebook_keep_their_own_words(small):
    answer = ask(small, comparator="pharmacotherapy")
    both = pictures.forest_of(answer) + pictures.forest_of(answer)
    ids = re.findall(r' id="([^"]+)"', both)
    assert len(ids) == len(set(ids)) > 0


def test_effects_of_other_people_are_drawn_without_their_intervals():
    effects = pd.DataFrame({"label": ["A", "B"], "yi": [0.2, 0.4], "vi": [0.04, 0.09]})
    fit = synthesize(effects["yi"], effects["vi"])
    shown = pictures.forest_of_effects(effects, fit)
    assert "0.20 [−0.19, 0.59]" in shown


def test_nothing_in_a_cell_links_to_a_page_that_is_not_there(small):
    answer = ask(small, comparator="pharmacotherapy", robustness=True)
    for shown in (pictures.robustness_of(answer), pictures.verdict_of(answer),
                  pictures.checks_of(answer)):  # fmt: skip
        assert ".html" not in shown
        assert ".narrow { display: none }" in shown
