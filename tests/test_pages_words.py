"""The words of the pages follow the numbers; filters and references hold what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import combined_care as cc
from combined_care import decisions, tables
from combined_care.claims import Analysis, Claim, load_claims
from combined_care.errors import DataError
from combined_care.estimands import Estimand
from combined_care.reports import filters, methods, parts, plain
from combined_care.reports.documents import document_section, markdown
from combined_care.reports.references import citations
from combined_care.reports.rules import all_labels
from small_evidence import evidence, means, trial

RULES = replace(load_claims()["mdd-combined"].rules, sensitivity=(), choices=None, criteria=None)
STYLE = Path(parts.__file__).with_name("style.css").read_text(encoding="utf-8")


def judged(*gains, kind="superiority", more=()):
    analysis = Analysis(
        id="a", title="against medication alone", kind=kind, role="decisive",
        estimand=Estimand(comparator=("pharmacotherapy",)),
    )  # fmt: skip
    claim = Claim(
        id="test", set="primary", section="s", text="t", kind=kind, analyses=(analysis, *more),
        rules=RULES,
    )  # fmt: skip
    names = [f"t{i}" for i in range(len(gains))]
    rows = [means(n, gain, n=60) for n, gain in zip(names, gains, strict=True)]
    return cc.judge(claim, evidence([trial(name) for name in names], rows))


# two sentences


@pytest.mark.parametrize(
    ("gains", "found", "sure"),
    [
        ((), "Too few trials to say: against medication alone (no trial)", "No trial gives"),
        ((0.3,), "(a single trial)", "A single trial cannot settle"),
        ((0.3, 0.9), "(two trials)", "Two trials cannot settle"),
        ((0.2, 0.5, 0.9), "(three trials)", "With three trials, the next one may change"),
        ((0.1, 0.4, 0.6, 0.3, 1.1), "(5 trials)", "With 5 trials, the average is rough"),
        ((0.1, 0.9) * 6, "(12 trials)", "12 trials differ among themselves"),
    ],
)
def test_the_wording_follows_the_number_of_trials(gains, found, sure):
    first, second = plain.two_sentences(judged(*gains))
    assert found in first
    assert second.startswith(sure)
    assert first.endswith(".")
    assert second.endswith(".")


def test_an_interval_that_is_too_narrow_is_said_to_be_so_with_a_more_careful_one():
    first, second = plain.two_sentences(judged(0.50, 0.501, 0.499))
    assert first.startswith("A gain is shown")
    assert "too narrow to be trusted" in second
    assert "a more careful one runs from" in second


def test_a_claim_with_several_parts_says_which_part_it_hangs_on():
    other = Analysis(
        id="b", title="against psychotherapy alone", kind="superiority", role="decisive",
        estimand=Estimand(comparator=("psychotherapy",)),
    )  # fmt: skip
    first, second = plain.two_sentences(judged(0.5, 0.6, 0.55, 0.7, more=(other,)))
    assert first.index("A gain is shown: against medication alone") == 0
    assert "Too few trials to say: against psychotherapy alone (no trial)" in first
    assert second.startswith("A claim stands as far as its weakest part; there, no trial")


@pytest.mark.parametrize("label", [label for label in decisions.MEANING if label != "not_testable"])
@pytest.mark.parametrize("kind", ["superiority", "meaningful", "equivalence", "moderator"])
def test_every_label_of_every_kind_has_its_words(label, kind):
    verdict = judged(0.5, 0.6, 0.7)
    (result,) = verdict.decisive
    changed = replace(result, label=label, analysis=replace(result.analysis, kind=kind))
    first, _ = plain.two_sentences(replace(verdict, label=label, results=(changed,)))
    assert first.split(":")[0] not in {"", "None"}


def test_words_count_as_readers_do():
    assert tables.count(1, "result") == "a single result"
    assert tables.count(2, "analysis", "analyses") == "two analyses"
    assert tables.sentence("") == ""


# filters


def test_every_claim_is_shown_by_one_filter_of_each_group_and_the_style_sheet_knows_it():
    verdicts = [judged(0.8, 0.9, 0.85, 0.8), judged()]
    html = str(filters.filtered_table(verdicts))
    assert html.count("<fieldset>") == html.count("<legend>") == 2
    assert html.count(" checked>") == 2
    assert html.count("<input") == html.count("<label for=")
    assert '<tr class="holds primary">' in html
    assert '<tr class="thin-evidence primary">' in html
    labels = [label for _, names in filters.VERDICTS.values() for label in names]
    assert sorted(labels) == sorted(decisions.MEANING)
    for group, kinds in (("verdict", filters.VERDICTS), ("set", filters.SETS)):
        for kind in kinds:
            rule = f".filters:has(#{group}-{kind}:checked) + .filtered tbody tr:not(.{kind})"
            assert rule in STYLE


def test_a_filter_says_how_many_claims_it_shows_and_none_shows_nothing():
    html = str(filters.filtered_table([judged(0.5, 0.6, 0.7), judged(), judged()]))
    assert "> all (3)</label>" in html
    assert "insufficient evidence (2)" in html
    assert "(0)" not in html


# references, documents, rules


def test_references_are_read_from_docstrings_once_each_with_links(tmp_path):
    source = '"""Do.\n\nReferences\n----------\n.. [1] One (2001), doi:10.1000/a.b.\n"""\n'
    (tmp_path / "first.py").write_text(source, encoding="utf-8")
    (tmp_path / "second.py").write_text(source + "\ndef f():\n    pass\n", encoding="utf-8")
    (found,) = citations(tmp_path)
    assert found.words == "One (2001), doi:10.1000/a.b."
    assert found.used_by == ("first", "second")
    assert 'href="https://doi.org/10.1000/a.b"' in found.linked


def test_the_papers_behind_the_model_are_named():
    words = " ".join(reference.words for reference in citations())
    for doi in ("10.1002/sim.1482", "10.1002/sim.2514", "10.3102/10769986006002107"):
        assert doi in words
    assert "10.1002/sim.1482" in methods.references()


def test_a_section_of_a_document_is_shown_without_links_to_other_files():
    shown = document_section("PROTOCOL.md", "Known limits")
    assert "<li>" in shown
    assert "<h2" not in shown
    assert ".md" not in shown
    with pytest.raises(DataError, match="no section 'Nowhere'"):
        document_section("PROTOCOL.md", "Nowhere")


def test_html_in_a_document_is_shown_as_text():
    assert "<script>" not in markdown("a <script>alert(1)</script> b")


def test_the_methods_print_the_settings_of_the_program():
    claims = load_claims()
    shown = methods.model(claims) + methods.sensitivity(claims) + methods.labels()
    assert f"g = {RULES.smallest_effect:g}" in shown
    for item in claims["mdd-combined"].rules.sensitivity:
        assert str(tables.sentence(item.title)) in shown
    for label in decisions.MEANING:
        assert tables.label_words(label) in all_labels()
