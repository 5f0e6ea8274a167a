"""A small site of our own: every page can be read, and every link in it leads somewhere."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest

import combined_care as cc
from combined_care import tables
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.estimands import Estimand
from combined_care.reports import (
    claim,
    design,
    diagnosis,
    methods,
    overview,
    parts,
    provenance,
    trials,
)
from small_evidence import events, evidence, means, trial

RULES = replace(load_claims()["mdd-combined"].rules, sensitivity=(), choices=None, criteria=None)
HARM = '<script>alert("x")</script>'


class Page(HTMLParser):
    """What the rules of a page are about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        self.words += data

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]


def analysis(name: str, **changes) -> Analysis:
    asked = Estimand(comparator=("pharmacotherapy",), trials={"diagnosis": ("mdd",)})
    base = Analysis(
        id=name, title=f"{name} against medication alone", kind="superiority", role="decisive",
        estimand=asked,
    )  # fmt: skip
    return replace(base, **changes)


def asked_of(diagnosis_of: str) -> Estimand:
    return Estimand(comparator=("pharmacotherapy",), trials={"diagnosis": (diagnosis_of,)})


@cache
def claims() -> dict[str, Claim]:
    by_design = analysis(
        "levels", kind="moderator", moderator="medication_management",
        estimand=Estimand(comparator=("pharmacotherapy",)),
    )  # fmt: skip
    groups = (
        analysis("panic-part", group="panic disorder", estimand=asked_of("panic")),
        analysis("mdd-part", group="major depression"),
    )
    kinds = {
        "better": ("superiority", (analysis("main"), analysis("beside", role="context"))),
        "differs": ("moderator", (by_design,)),
        "mixed": ("uncertainty", groups),
    }
    found = {
        name: Claim(
            id=name, set="primary", section="s", text=f"The claim {name} {HARM}.", kind=kind,
            analyses=analyses, rules=RULES,
        )
        for name, (kind, analyses) in kinds.items()
    }  # fmt: skip
    beyond = Claim(
        id="cost", set="not_testable", section="s", text="It costs more.", kind="superiority",
        analyses=(), rules=RULES, reason="Costs are not in the data.",
    )  # fmt: skip
    return {**found, "cost": beyond}


@cache
def data() -> cc.Evidence:
    gains = {"adams2001": 0.2, "baker2002": 0.5, "moss2003": 0.3, "snow2004": 0.6, "zorn2005": 0.4}
    entries = [
        trial(name, label=HARM if name == "adams2001" else name.title(), notice=HARM,
              medication_management="flexible" if gain > 0.35 else "protocolised")
        for name, gain in gains.items()
    ]  # fmt: skip
    entries += [
        trial("xeno2006", diagnosis="panic"),
        trial("yale2007", diagnosis="panic", design="maintenance"),
        trial("copy2001", duplicate_of="adams2001"),
        trial("later2008", design="sequential_addition"),
    ]
    rows = [means(name, gain) for name, gain in gains.items()]
    rows += [
        means("adams2001", 0.1, row_id="adams2001-02", tier="D", instrument=HARM),
        means("xeno2006", 0.2, tier="C", pct_e=60.0, pct_c=40.0),
        events("yale2007", 10, 20, 40, outcome="relapse", higher_is_better=0.0),
        means("copy2001", 0.2),
        means("later2008", 0.4, comparator="psychotherapy"),
    ]
    found = evidence(entries, rows)
    p_values = {"p_operator": "<", "p_value": 0.05, "p_note": ""}
    return replace(found, outcomes=found.outcomes.assign(**p_values))


@cache
def site() -> dict[str, Page]:
    """Every page, as the notebooks put it together."""
    registry, tables_of_data = claims(), data()
    verdicts = [cc.judge(one, tables_of_data) for one in registry.values()]
    found = {"methods": [methods.summary(registry), methods.references()]}
    found["index"] = [
        overview.answer(verdicts, tables_of_data),
        parts.heading("claims", "All claims"),
        overview.claims(verdicts),
        overview.evidence_map(tables_of_data, verdicts),
        parts.heading("gaps", "Where there is no trial"),
        overview.gap_map(tables_of_data),
        overview.more_pages(tables_of_data),
        overview.about(tables_of_data),
    ]
    for verdict in verdicts:
        if verdict.claim.testable:
            found[verdict.claim.id] = [
                claim.summary(verdict), parts.heading("analyses", "Analyses"),
                claim.analyses(verdict, tables_of_data), claim.rule(verdict, tables_of_data),
                claim.limits(verdict),
            ]  # fmt: skip
    for name in ("mdd", "panic"):
        seen = diagnosis.look_at(name, tables_of_data, registry)
        found[tables.diagnosis_page(name)] = [
            diagnosis.summary(seen), diagnosis.claims(seen), diagnosis.gaps(seen),
            parts.heading("results", "Results"), diagnosis.results(seen), diagnosis.trials(seen),
        ]  # fmt: skip
    by_design = design.look_at(tables_of_data, registry)
    found["design"] = [
        design.summary(by_design), design.counts(by_design), design.pooled(by_design),
        parts.heading("about", "Claims"), design.claims(by_design),
    ]  # fmt: skip
    for group in tables.trial_groups():
        found[tables.trials_page(group)] = [
            trials.entries(group, tables_of_data, registry.values())
        ]
    # Made of all claims or of the real tables; tests/test_reports.py looks at them as rendered.
    found |= {name: [] for name in ("robustness", "published", "network")}
    rows = provenance.read(tables_of_data)
    found["data"] = [
        provenance.summary(tables_of_data, rows),
        provenance.flow(tables_of_data, rows, registry.values()),
        provenance.tiers(tables_of_data, rows), provenance.sources(rows), provenance.limits(),
        provenance.all_trials(tables_of_data, rows),
    ]  # fmt: skip
    return {name: Page("<h1>Title</h1>" + "".join(html)) for name, html in found.items()}


@pytest.fixture(params=sorted(["index", "methods", "design", "data", "better", "differs", "mixed",
                               "diagnosis-mdd", "diagnosis-panic",
                               *map(tables.trials_page, tables.trial_groups())]))  # fmt: skip
def page(request):
    return request.param, site()[request.param]


def test_every_link_leads_to_a_place_that_exists(page):
    name, found = page
    for attrs in found.all("a"):
        if attrs["href"].startswith(("https://", "http://")):
            continue
        file, _, place = attrs["href"].partition("#")
        target = file.removesuffix(".html") or name
        assert target in site(), attrs["href"]
        assert not place or place in site()[target].ids, attrs["href"]


def test_no_place_is_named_twice(page):
    _, found = page
    assert len(found.ids) == len(set(found.ids))


def test_headings_come_in_order_and_tables_say_what_they_show(page):
    _, found = page
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert len(found.all("caption")) == len(found.all("table"))
    assert all(attrs.get("scope") in {"col", "row"} for attrs in found.all("th"))
    assert all(attrs["aria-label"] for attrs in found.all("nav"))


def test_nothing_in_a_page_is_a_script_or_a_style_whatever_the_data_say(page):
    _, found = page
    assert not found.all("script")
    assert all("style" not in attrs for _, attrs in found.tags)


def test_what_the_data_say_is_shown_as_they_say_it():
    assert HARM in site()["trials-a-b"].words
    assert HARM in site()["better"].words


def test_every_pooled_trial_is_reachable_from_its_claim_down_to_the_row():
    hrefs = {attrs["href"] for attrs in site()["better"].all("a")}
    for name in ("adams2001", "baker2002", "moss2003", "snow2004", "zorn2005"):
        page_name = tables.trials_page(tables.trial_group(name))
        assert f"{page_name}.html#trial-{name}" in hrefs
        assert f"{page_name}.html#row-{name}-01" in hrefs


def test_an_entry_says_where_its_results_are_pooled_and_which_entry_it_repeats():
    words = site()["trials-a-b"].words
    assert "better: main against medication alone (decisive): adams2001-01" in words
    assert "Notice: " + HARM in words
    assert "The same trial as adams2001" in site()["trials-c-d"].words
    assert "No claim pools a result of this trial." in site()["trials-u-z"].words


def test_a_row_without_an_effect_says_why_and_what_was_reported():
    words = site()["trials-u-z"].words
    assert "60 % against 40 %" in words
    assert "direction only (tier D)" in site()["trials-a-b"].words


def test_the_flow_loses_no_row():
    words = site()["data"].words
    rows = data().outcomes
    assert f"{len(rows)} results of {rows['trial_id'].nunique()} trials in the tables" in words
    assert "5 results of 5 trials pooled by at least one claim" in words


def test_the_index_answers_first_which_claims_hold_how_sure_and_what_is_missing():
    words = site()["index"].words
    places = [words.index(w) for w in ("Which claims hold", "How sure that is", "What is missing")]
    assert places == sorted(places)
    assert places[-1] < words.index("All claims")


def test_no_page_gives_a_number_that_is_no_number(page):
    name, found = page
    assert not re.search(r"\bnan\b|None|\bNaN\b", found.words), name
