"""Tables: what a result holds stands in the right cell, escaped, with its source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import combined_care as cc
from combined_care import decisions, markup, tables
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.landscape import map_evidence
from combined_care.review import current_review
from combined_care.synthesis import synthesize
from small_evidence import events, evidence, means, trial

RULES = replace(load_claims()["mdd-combined"].rules, choices=None, criteria=None)
GAINS = (0.2, 0.5, 0.3, 0.6)


@dataclass
class Grid:
    """One table of a page, read back."""

    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)
    links: list[list[tuple[str, str]]] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        place = self.rows[0].index(name)
        return [row[place] for row in self.rows[1:]]

    def pairs(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.rows[1:]}


class Reader(HTMLParser):
    """Reads tables as a browser would: text without markup, links with their targets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[Grid] = []
        self.inside: list[str] = []
        self.href = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append(Grid())
        elif tag == "tr":
            self.tables[-1].rows.append([])
            self.tables[-1].links.append([])
        elif tag in {"td", "th"}:
            self.tables[-1].rows[-1].append("")
        elif tag == "a":
            self.href = dict(attrs)["href"] or ""
        if tag != "br":
            self.inside.append(tag)

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag, "every element is closed, innermost first"

    def handle_data(self, data):
        if "caption" in self.inside:
            self.tables[-1].caption += data
        elif {"td", "th"} & set(self.inside):
            self.tables[-1].rows[-1][-1] += data
        if "a" in self.inside and self.tables and self.tables[-1].links:
            self.tables[-1].links[-1].append((data, self.href))


def read(html: str) -> Grid:
    (found,) = Reader(html).tables
    return found


def superiority(**changes) -> Analysis:
    base = Analysis(
        id="a", title="against medication alone", kind="superiority", role="decisive",
        estimand=Estimand(comparator=("pharmacotherapy",)),
    )  # fmt: skip
    return replace(base, **changes)


def verdict(trials, rows, *analyses: Analysis) -> cc.Verdict:
    claim = Claim(
        id="test", set="primary", section="s", text="Both are better", kind="superiority",
        analyses=analyses or (superiority(),), rules=RULES,
    )  # fmt: skip
    return cc.judge(claim, evidence(trials, rows))


def judged(gains=GAINS, **changes):
    """The verdict on trials whose effects are known; the first trial may be changed."""
    names = [f"t{i}" for i in range(len(gains))]
    trials = [trial(name, **(changes if name == "t0" else {})) for name in names]
    return verdict(trials, [means(n, g) for n, g in zip(names, gains, strict=True)])


# labels


@pytest.mark.parametrize("label", list(decisions.MEANING))
def test_a_label_is_told_in_words_and_by_a_shape_never_by_colour_alone(label):
    shown = str(tables.label_tag(label))
    assert tables.label_words(label) in shown
    sign = shown.partition('aria-hidden="true">')[2].partition("<")[0]
    assert sign.strip()


def test_no_two_labels_have_the_same_words_or_nearly_the_same_sign():
    words = [tables.label_words(label) for label in decisions.MEANING]
    signs = [str(tables.label_tag(x)).split('"true">')[1].split("<")[0] for x in decisions.MEANING]
    assert len(set(words)) == len(set(signs)) == len(decisions.MEANING)


def test_a_verdict_begins_with_its_label_and_says_what_it_means():
    found = judged()
    box = str(tables.verdict_box(found))
    label = tables.label_words(found.label).capitalize()
    assert box.index(label) < box.index("This means")
    assert markup.text(decisions.meaning(found.label, "superiority")) in box


def test_how_sure_a_verdict_is_stands_in_its_box_and_in_the_list():
    found = judged()
    assert tables.sure_words(found) == ""
    rated = SimpleNamespace(level="low")
    compared = SimpleNamespace(agree=0.75, compared=1200)
    sure = replace(found, certainty=rated, robustness=compared)
    said = "certainty of the evidence: low; 75 % of 1,200 defensible analyses agree"
    assert tables.sure_words(sure) == said
    assert said in tables.verdict_table([sure], caption="c")
    assert f"C{said[1:]}." in tables.verdict_box(sure)


# numbers


def test_the_numbers_are_those_of_the_fit():
    (result,) = judged().results
    fit, shown = result.fit, read(tables.numbers_table(result)).pairs()
    assert shown["Trials (k)"] == "4"
    assert shown["People analysed (n)"].startswith("320")
    assert shown["Pooled g"] == markup.number(fit.estimate)
    assert shown["95 % confidence interval"] == markup.interval(fit.ci_lb, fit.ci_ub)
    assert shown["95 % prediction interval"] == markup.interval(fit.pi_lb, fit.pi_ub)
    assert shown["tau² (Q-profile interval)"] == (
        f"{fit.tau2:.3f} ({fit.tau2_ci_lb:.3f} to {fit.tau2_ci_ub:.3f})"
    )
    assert shown["Q (degrees of freedom, p)"].startswith(f"{fit.q:.2f} (3, p = ")


def test_a_quantity_that_two_trials_cannot_give_is_told_with_its_reason():
    (result,) = judged((0.2, 0.5)).results
    shown = read(tables.numbers_table(result)).pairs()
    assert shown["95 % prediction interval"] == (
        "not available (not estimable from fewer than 3 trials)"
    )
    assert "nan" not in " ".join(shown.values()).replace("finance", "")


def test_without_a_trial_the_reason_stands_in_place_of_numbers():
    (result,) = verdict([trial("t0")], []).results
    shown = str(tables.numbers_table(result))
    assert "Nothing is pooled: no trial with usable numbers." in shown
    assert "<table" not in shown


def test_ratios_are_shown_as_ratios_with_their_intervals():
    rows = [events(f"t{i}", good, 20, 50) for i, good in enumerate((28, 31, 25, 30))]
    asked = Estimand(comparator=("pharmacotherapy",), outcome="response")
    (result,) = verdict(
        [trial(f"t{i}") for i in range(4)], rows, superiority(estimand=asked)
    ).results
    fit, shown = result.fit, read(tables.numbers_table(result)).pairs()
    assert shown["Pooled odds ratio"] == f"{np.exp(fit.estimate):.2f}"
    assert shown["95 % confidence interval"] == (
        f"{np.exp(fit.ci_lb):.2f} to {np.exp(fit.ci_ub):.2f}"
    )
    trials = read(tables.trials_table(result)).column("odds ratio (95 % CI)")
    assert trials[0].startswith(f"{28 * 30 / (22 * 20):.2f} (")


def test_the_pooled_effect_in_words_has_its_interval():
    fit = synthesize([0.10, 0.30, 0.35, 0.65, 0.45, 0.15], [0.03, 0.03, 0.05, 0.01, 0.05, 0.02])
    assert tables.effect_words(fit, "SMD") == "g 0.35 (95 % CI 0.11 to 0.58)"
    assert tables.effect_words(fit, "RR") == "risk ratio 1.41 (95 % CI 1.12 to 1.78)"


# trials


def test_every_pooled_trial_has_its_effect_weight_rows_and_derivation():
    (result,) = judged().results
    table = read(tables.trials_table(result))
    assert table.column("Trial") == list(result.effects["label"])
    for shown, row in zip(table.column("g (95 % CI)"), result.effects.itertuples(), strict=True):
        assert shown == f"{row.yi:.2f} ({markup.interval(row.ci_lb, row.ci_ub)})"
    weights = [float(shown.split()[0]) for shown in table.column("Weight")]
    assert weights == pytest.approx(list(result.fit.weights), abs=0.051)
    assert sum(weights) == pytest.approx(100, abs=0.2)
    derived = table.column(table.rows[0][-1])
    assert all(f"t{i}-01" in words and "g = " in words for i, words in enumerate(derived))


def test_a_trial_links_to_its_entry_its_report_the_page_it_was_read_on_and_its_rows():
    (result,) = judged(doi="10.1000/one", pmid="123").results
    first = read(tables.trials_table(result)).links[1]
    assert [target for _, target in first] == [
        "trials-s-t.html#trial-t0",
        "https://doi.org/10.1000/one",
        "https://pubmed.ncbi.nlm.nih.gov/123/",
        "https://x.example",
        "trials-s-t.html#row-t0-01",
    ]
    assert first[3][0] == "numbers read here (trial table)"


def test_a_trial_with_a_notice_shows_it_beside_its_name():
    (result,) = judged(notice="retracted and republished").results
    assert "Notice: retracted and republished" in read(tables.trials_table(result)).rows[1][0]


def test_text_of_the_data_does_no_harm():
    (result,) = judged(label="<script>alert(1)</script>", notice='"><img src=x>').results
    for html in (tables.trials_table(result), tables.leave_one_out_table(result)):
        assert "<script" not in html
        assert "<img" not in html
        assert "<script>alert(1)</script>" in read(html).rows[1][0]


def test_a_source_that_is_no_web_address_is_text_not_a_link():
    rows = [means("t0", 0.3, source_url="javascript:alert(1)")]
    (result,) = verdict([trial("t0", doi="", pmid="")], rows).results
    html = tables.trials_table(result)
    assert "javascript" not in html
    assert "numbers read here" in html


def test_a_single_trial_has_no_weight():
    (result,) = judged((0.3,)).results
    assert read(tables.trials_table(result)).column("Weight") == ["only trial"]


def test_rows_that_are_not_pooled_say_why_and_what_their_text_favours():
    trials = [trial("t0"), trial("t1")]
    rows = [
        means("t0", 0.3),
        means("t1", 0.3, tier="D", mean_e=np.nan, favours="none"),
        means("t1", 0.3, row_id="t1-02", flags="sensitivity only", favours="combined"),
    ]
    (result,) = verdict(trials, rows).results
    table = read(tables.not_pooled_table(result.not_pooled, "Shown, not pooled"))
    assert table.caption == "Shown, not pooled"
    assert table.column("Row") == ["t1-01", "t1-02"]
    assert table.column("Text favours") == ["neither", "combined treatment"]
    reasons = table.column("Why it is not pooled")
    assert reasons == list(result.not_pooled["reason"])
    assert "sensitivity only" in reasons[1]


# beside the primary result


def test_the_primary_result_stands_above_its_sensitivity_results():
    (result,) = judged().results
    table = read(tables.sensitivity_table(result))
    assert table.column("Choice") == ["primary analysis", *(s.title for s in result.sensitivities)]
    assert table.column("k")[0] == "4"
    assert table.column("Result")[0] == tables.effect_words(result.fit, "SMD")


def test_each_trial_is_left_out_once():
    (result,) = judged().results
    table = read(tables.leave_one_out_table(result))
    assert table.column("Left out") == list(result.effects["label"])
    first = result.leave_one_out.iloc[0]
    assert table.rows[1][1].startswith(f"{first['estimate']:.2f} (")


def test_conditions_of_the_rule_are_told_with_what_was_found():
    (result,) = judged().results
    table = read(tables.checks_table(result))
    words = {True: "yes", False: "no", None: "not computed"}
    assert len(table.rows) - 1 == len(result.checks)
    for row, check in zip(table.rows[1:], result.checks, strict=True):
        assert row[0].lower() == check.name.lower()
        assert row[1].endswith(words[check.passed])
        assert row[2] == check.detail


def moderated(sizes=(3, 4)):
    trials, rows = [], []
    for level, size in zip(("protocolised", "flexible"), sizes, strict=True):
        for i in range(size):
            name = f"{level}{i}"
            trials.append(trial(name, medication_management=level))
            rows.append(means(name, 0.1 * i + (0.5 if level == "flexible" else 0.0)))
    asked = superiority(
        kind="moderator", moderator="medication_management", levels=("protocolised", "flexible")
    )
    return verdict(trials, rows, asked).results[0].moderator


def test_groups_are_shown_with_their_effects_their_test_and_their_diagnoses():
    found = moderated()
    counts, levels, differences, cross = Reader(tables.moderator_tables(found, "SMD")).tables
    assert counts.rows[1:] == [["protocolised", "3", "yes"], ["flexible", "4", "yes"]]
    frame = found.fit.to_frame()
    assert levels.column("Level") == list(found.fit.levels)
    assert levels.column("g") == [markup.number(x) for x in frame["estimate"]]
    assert levels.column("Confidence interval") == [
        markup.interval(a, b) for a, b in zip(frame["ci_lb"], frame["ci_ub"], strict=True)
    ]
    assert f"F(1, 5) = {found.fit.f:.2f}" in levels.caption
    one, other = found.fit.levels
    assert differences.rows[1][1] == markup.number(found.fit.difference(one, other).estimate)
    assert {row[0]: row[1] for row in cross.rows[1:]} == {"flexible": "4", "protocolised": "3"}


def test_groups_that_are_too_small_are_counted_and_not_compared():
    found = Reader(tables.moderator_tables(moderated((3, 2)), "SMD")).tables
    assert found[0].rows[1:] == [["protocolised", "3", "yes"], ["flexible", "2", "no"]]
    assert len(found) == 2


# overviews


def test_a_claim_that_cannot_be_tested_is_listed_with_its_reason_and_without_a_page():
    claim = Claim(
        id="cost", set="not_testable", section="s", text="It costs more", kind="superiority",
        analyses=(), rules=RULES, reason="Costs are not in the data.",
    )  # fmt: skip
    found = cc.judge(claim, evidence([], []))
    table = read(tables.verdict_table([judged(), found], caption="All"))
    assert table.column("Claim") == ["Both are better", "It costs more"]
    assert table.column("Rests on")[1] == "Costs are not in the data."
    assert [target for row in table.links for _, target in row] == ["test.html", "test.html#a"]


def test_the_parts_of_a_claim_about_disorders_are_told_by_disorder():
    parts = [superiority(id="a", group="panic"), superiority(id="b", group="ocd")]
    claim = replace(verdict([trial("t0")], [means("t0", 0.3)], *parts).claim, kind="uncertainty")
    found = cc.judge(claim, evidence([trial("t0")], [means("t0", 0.3)]))
    (rests,) = read(tables.verdict_table([found], caption="c")).column("Rests on")
    assert "Panic: insufficient evidence" in rests
    assert "Ocd: insufficient evidence" in rests


def test_a_verdict_shows_what_it_rests_on_and_not_its_context():
    context = superiority(id="b", title="something else", role="context")
    found = verdict([trial("t0")], [means("t0", 0.3)], superiority(), context)
    html = tables.decisive_table(found)
    assert read(html).column("Question") == ["Against medication alone"]
    assert read(html).column("Trials (k)") == ["1"]
    assert [target for _, target in read(html).links[1]] == ["#a", "#a-trials"]
    assert 'id="a-trials"' in tables.trials_table(found.decisive[0])


def test_the_map_says_of_every_gap_that_it_is_one():
    trials = [trial("t0"), trial("t1", diagnosis="panic")]
    rows = [means("t0", 0.3), means("t1", 0.3, tier="D", mean_e=np.nan)]
    found = map_evidence(evidence(trials, rows), RULES)
    table = read(tables.map_table(found, lambda word: word))
    cells = {row[0]: dict(zip(table.rows[0], row, strict=True)) for row in table.rows[1:]}
    assert cells["mdd"]["pharmacotherapy"].startswith("k = 1, n = 80: g 0.30 (95 % CI ")
    assert "1 more without usable numbers" in cells["panic"]["pharmacotherapy"]
    assert cells["panic"]["placebo"] == "no trial"
    gaps = sum(cell == "no trial" for row in table.rows[1:] for cell in row)
    assert gaps == found.gaps == len(found.cells) - 2


def counts(*rows):
    names = ["diagnosis", "comparator", "design", "trials", "usable"]
    return pd.DataFrame(rows, columns=names)


def test_the_gap_table_counts_trials_and_names_every_question_without_one():
    found = counts(
        ("panic", "pharmacotherapy", "concurrent", 3, 1),
        ("panic", "pharmacotherapy", "maintenance", 1, 0),
        ("panic", "pharmacotherapy", "discontinuation", 2, 2),
    )
    table = read(tables.gap_table(found, ("ocd", "panic"), lambda word: word))
    assert [row[0] for row in table.rows[1:]] == ["panic"]
    cells = dict(zip(table.rows[0], table.rows[1], strict=True))
    assert cells["Against pharmacotherapy: both treatments begin together"] == "3 (1)"
    assert cells["Against pharmacotherapy: after remission"] == "3 (2)"
    assert list(cells.values()).count("no trial") == len(table.rows[0]) - 3


def test_every_design_belongs_to_one_start_of_the_second_treatment():
    designs = [design for start in current_review().starts.values() for design in start.designs]
    assert sorted(designs) == sorted(evidence([], []).vocabulary["design"])


# every table


def test_every_table_has_a_caption_scopes_and_a_region_that_scrolls_by_keyboard():
    found = judged()
    (result,) = found.results
    htmls = [
        tables.decisive_table(found), tables.numbers_table(result), tables.trials_table(result),
        tables.sensitivity_table(result), tables.leave_one_out_table(result),
        tables.checks_table(result), tables.moderator_tables(moderated(), "SMD"),
        tables.verdict_table([found], caption="c"), tables.not_pooled_table(result.not_pooled, "c"),
    ]  # fmt: skip
    for html in htmls:
        read_back = Reader(html).tables
        assert read_back
        assert all(table.caption for table in read_back)
        assert html.count("<th ") == html.count('<th scope="')
        assert html.count('role="region"') == html.count('tabindex="0"') == len(read_back)
        widths = {len(row) for table in read_back[:1] for row in table.rows}
        assert len(widths) == 1, "every row has a cell for every column"


def test_levels_of_a_ratio_are_shown_as_ratios():
    found = moderated()
    levels = Reader(tables.moderator_tables(found, "OR")).tables[1]
    first = found.fit.groups[0].estimate
    assert levels.column("odds ratio")[0] == markup.number(math.exp(first))
