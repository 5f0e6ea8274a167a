"""What a new trial would change: the same numbers as judging the data with it appended."""

from __future__ import annotations

from dataclasses import replace

import pytest

import small_project
from combined_care import schema
from combined_care.claims import load_claims
from combined_care.errors import DataError
from combined_care.evidence import load_evidence
from combined_care.ledger import uses
from combined_care.new_trial import append_trial, scratch_copy
from combined_care.releases import compare_releases
from combined_care.results import Absent, is_present
from combined_care.trial_preview import TrialPreview, effects_of, preview_trial
from small_draft import draft


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder of four trials and two claims, without the rules that take minutes."""
    folder = small_project.make(tmp_path_factory.mktemp("project")) / "data"
    for name in ("multiverse.yaml", "certainty.yaml", "certainty_overrides.yaml"):
        (folder / name).unlink()
    return folder


@pytest.fixture(scope="module")
def found(data):
    return preview_trial(draft(), data)


def test_the_numbers_are_those_of_the_data_with_the_trial_appended(data, found):
    new = scratch_copy(data)
    append_trial(draft(), new)
    claims = load_claims(new / "claims.yaml")
    used = uses(claims.values(), load_evidence(new))
    used = used[used["trial_id"] == "fir2010"]
    assert [(a.claim, a.analysis) for a in found.analyses] == list(
        used[["claim", "analysis"]].itertuples(index=False, name=None)
    )
    (changed,) = compare_releases(data, new).analyses
    (analysis,) = found.analyses
    assert (changed.claim, changed.analysis) == (analysis.claim, analysis.analysis)
    for side, numbers in (("before", changed.before), ("after", changed.after)):
        assert numbers["k"] == getattr(analysis, f"k_{side}")
        for name in ("estimate", "ci_lb", "ci_ub"):
            value = getattr(analysis, f"{name}_{side}")
            assert numbers[name] == pytest.approx(value, rel=1e-5)


def test_nothing_is_written(data, found):
    files = {path.name: path.read_bytes() for path in data.iterdir()}
    preview_trial(draft(), data)
    assert files == {path.name: path.read_bytes() for path in data.iterdir()}


def test_it_reads_as_sentences(found):
    assert "1 analysis of 1 claim would pool fir2010" in str(found)
    assert "robustness, certainty and networks are not computed" in str(found)
    (analysis,) = found.analyses
    assert str(analysis).startswith(f"panic, against a drug: k {analysis.k_before} → ")
    assert "fir2010-01 (severity against pharmacotherapy): g 0." in found.report
    assert "→" in analysis.change


def test_it_can_be_written_and_read_again(found):
    assert TrialPreview.from_json(found.to_json()) == found
    assert len(found.to_frame()) == len(found.analyses)
    assert "<table>" in found._repr_html_()


def test_a_trial_that_no_claim_pools_says_what_becomes_of_its_rows(data):
    row = dict.fromkeys(("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c"), "")
    found = preview_trial(draft({**row, "tier": "D", "favours": "none"}), data)
    assert found.analyses == ()
    assert str(found) == ("No analysis of a claim would pool fir2010 (its rows: direction only).")


def test_a_verdict_that_changes_is_named(found):
    (analysis,) = found.analyses
    flipped = replace(analysis, verdict_before="insufficient", verdict_after="supported")
    assert replace(found, analyses=(flipped,)).flipped == ("panic",)
    assert "verdicts that change: panic" in str(replace(found, analyses=(flipped,)))
    assert flipped.verdicts == "insufficient → supported"


def test_a_draft_with_an_error_has_no_preview(data):
    with pytest.raises(DataError, match="panik"):
        preview_trial(draft(diagnosis="panik"), data)


def test_effects_are_computed_row_by_row_while_the_draft_is_not_complete(data):
    evidence, fields = load_evidence(data), schema.declared_fields(data)
    rows = [{}, {"n_e": "1"}, {"sd_e": ""}, {"mean_e": "10.5", "mean_c": "8.0"}]
    good, small, missing, other = effects_of(draft(*rows, label=""), evidence, fields)
    assert is_present(good.yi)
    assert good.yi > 0 > other.yi
    assert "sign turned" in good.derivation
    assert small.yi == Absent("n_e must be at least 2 people; got position 0: 1")
    assert "do not give" in missing.yi.reason
    assert "no effect: n_e must be" in str(small)
    assert effects_of({}, evidence, fields) == ()
    assert len(effects_of({"outcomes": [{}]}, evidence, fields)) == 1


def test_a_trial_that_only_context_pools_is_previewed_as_well(data):
    """Before, a claim was judged without any analysis that decides it, which is an error."""
    folder = scratch_copy(data)
    file = folder / "claims.yaml"
    later = "      - {id: later, role: context, title: later, select: {outcome: severity, diagnosis: [panic], phase: [followup]}}\n"  # noqa: E501
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  - id: ocd\n", f"{later}  - id: ocd\n"), encoding="utf-8")
    given = draft()
    given["outcomes"] = [{**row, "phase": "followup"} for row in given["outcomes"]]
    (analysis,) = preview_trial(given, folder).analyses
    assert (analysis.analysis, analysis.role) == ("later", "context")
    assert analysis.verdict_before == analysis.verdict_after
