"""The page of networks: its words follow labels and numbers, and every trial is linked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from combined_care.claims import load_claims
from combined_care.network_claims import load_network_claims
from combined_care.network_verdicts import judge_network
from combined_care.reports import network as page
from combined_care.reports import network_words as words
from combined_care.results import Absent
from combined_care.tables import network as laid
from networks_of_parts import PAIRS, M, network

RULES = next(iter(load_claims().values())).rules
CLAIMS = load_network_claims()
FOUND = page.look_at(network())
SUM = "network-depression-additive"


def judged(name, found):
    return judge_network(CLAIMS[f"network-depression-{name}"], found, RULES)


def test_the_summary_comes_first_and_says_that_it_is_exploratory():
    shown = page.summary(FOUND)
    assert shown.startswith('<p class="lead">')
    assert "shown for 2 of 6 questions" in shown
    assert "by every analysis for 1 of 3 networks" in shown
    assert "written after the results were seen" in shown
    assert "no advice" in shown
    assert shown.index("exploratory".capitalize()) < shown.index("Psychotherapy adds to")


@pytest.mark.parametrize(
    ("beyond", "said"),
    [(0.0, "give about the sum"), (-0.4, "seem to give less than"), (0.4, "seem to give more")],
)
def test_the_answer_on_the_sum_follows_the_label(beyond, said):
    assert said in words.answer(judged("additive", network(beyond)))


def test_what_is_open_or_too_little_is_said_to_be():
    open_ = words.answer(judged("additive", network(n=12, around=(-0.6, 0.0, 0.6))))
    assert "left open: anything from" in open_
    few = judged("medication-adds", network(around=(0.0, 0.1)))
    assert words.answer(few).endswith("two trials compare the two directly.")
    one = judged("medication-adds", network(around=(0.0,)))
    assert words.answer(one).endswith("a single trial compares the two directly.")


def test_the_comparison_with_a_pill_placebo_stands_beside_the_open_one():
    said = words.answer(judged("medication-adds", network()))
    assert "where a pill placebo hides who has medication, a gain is shown too" in said
    hidden = network(pairs=(PAIRS[0], PAIRS[1], ("psychotherapy_plus_placebo", "psychotherapy", M)))
    said = words.answer(judged("medication-adds", hidden))
    assert "no gain is shown" in said


def test_an_answer_that_hangs_on_a_choice_names_it():
    verdict = judged("additive", network(-0.4))
    other = replace(verdict.sensitivities[0], label="not_demonstrated_imprecise")
    changed = replace(verdict, sensitivities=(other, *verdict.sensitivities[1:]))
    assert words.answer(changed).endswith(f"another choice: {other.title}.")
    assert "another choice" not in words.answer(verdict)


def test_how_sure_follows_the_number_of_trials_and_what_anchors_the_sum():
    fitted = FOUND.fitted["depression"]
    assert words.sureness(fitted).startswith("15 trials in the network.")
    assert "only through the 6 that had an arm" in words.sureness(fitted)
    few = judged("additive", network(around=(0.0,))).fitted
    assert words.sureness(few).startswith("Only 5 trials")
    none = judged("additive", network(pairs=PAIRS[:2])).fitted
    assert "None of them tells" in words.sureness(none)
    assert words.sureness(FOUND.fitted["ptsd"]) == "No trial: nothing can be concluded."


def test_disagreement_is_named_with_what_chance_would_give():
    loop = (*PAIRS[:2], ("psychotherapy", "pharmacotherapy", 0.8))
    said = words.disagreement(judged("additive", network(pairs=loop)).fitted, 0.05)
    assert "indirect evidence disagree (p" in said
    assert "medication and psychotherapy" in said
    assert "By chance alone, about 0.2 would" in said
    fine = words.disagreement(FOUND.fitted["depression"], 0.05)
    assert "do not clearly disagree" in fine
    single = judged("additive", network(pairs=PAIRS[:1])).fitted
    assert "cannot be tested" in words.disagreement(single, 0.05)


def test_every_trial_of_a_network_is_linked():
    shown = page.networks(FOUND)
    for name in FOUND.fitted["depression"].input.contrasts["trial_id"]:
        assert f'.html#trial-{name}"' in shown


def test_every_kind_of_result_is_shown_with_its_own_table():
    shown = page.networks(FOUND)
    for caption in (
        "Treatments, depression", "Direct and indirect evidence, depression",
        "Where trials and designs differ, depression", "League table, depression",
        "Effects of components, added up", "Effects of components, with interaction",
        "Tests that effects add up", "Rankings, depression",
    ):  # fmt: skip
        assert f"<caption>{caption}" in shown
    assert shown.count("<svg") == 2  # wide and narrow; the other networks have no trial
    assert "No network: " in shown
    assert "Every result on this question that the data hold is in the network" in shown


def test_the_league_reads_row_against_column_and_a_half_one_is_empty_below():
    fit = FOUND.fitted["depression"].network
    shown = laid.league_table(fit, "SMD", "c")
    i, j = (fit.treatments.index(t) for t in ("psychotherapy + medication", "medication"))
    row = shown.split("<tr>")[2 + i]
    assert row.split("<td>")[1 + j].startswith("0.5")
    half = laid.league_table(fit, "SMD", "c", half=True)
    assert half.count("<td></td>") == len(fit.treatments) * (len(fit.treatments) - 1) // 2


def test_comparisons_turn_so_that_the_combination_stands_first():
    fit = FOUND.fitted["depression"].network
    shown = laid.comparisons_table(fit.comparisons, "SMD", "c")
    row = next(r for r in shown.split("<tr>") if ">psychotherapy + medication against medicat" in r)
    direct = fit.comparison("psychotherapy + medication", "medication")
    assert direct.treat1 == "medication"
    assert f"{-direct.direct:.2f}" in row


def test_networks_without_a_claim_show_what_there_is_and_no_effect():
    fitted = {**FOUND.fitted, "panic": FOUND.fitted["depression"]}
    shown = page.thin(replace(FOUND, fitted=fitted))
    assert "too thin for a verdict" in shown
    assert "League" not in shown
    assert "(95 % CI" not in shown
    assert page.thin(FOUND).count("No network") == 2


def test_the_rule_prints_its_thresholds_and_when_it_was_written():
    shown = page.rule(FOUND)
    for words_ in ("after the results were seen", "g = 0.24", "90 % interval", "never: no pred"):
        assert words_ in shown
    assert FOUND.registry.rules.seen.split(",")[0] in shown
    assert "Knapp-Hartung intervals" in shown
    assert "no advice for one person" in page.limits()


def test_classes_are_context_with_a_folded_league():
    shown = page.classes(FOUND)
    assert "Depression, by class" in shown
    assert "<details><summary>League table of classes" in shown


def test_claims_are_listed_with_each_changed_choice():
    shown = page.claims(FOUND)
    assert shown.count("With one choice changed:</caption>") == len(CLAIMS)
    empty = FOUND.fitted["ptsd"]
    assert isinstance(empty.network, Absent)
