"""All formats of a synthesis in one folder."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

import small_evidence as small
from combined_care.errors import InputError
from combined_care.exports import bundle
from combined_care.exports.bundle import ExportReport, export
from combined_care.exports.formats import FORMATS
from combined_care.own_question import ask

TRIALS = [small.trial("oak"), small.trial("elm", doi=""), small.trial("ash", label="=1+1")]
ROWS = [small.means("oak", 0.5), small.events("elm", 12, 8, 20), small.means("ash", 0.2)]


@cache
def answer():
    return ask(small.evidence(TRIALS, ROWS), comparator="pharmacotherapy")


def written(folder: Path, **more) -> ExportReport:
    return export(answer(), answer().evidence, folder, **more)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_every_format_is_written_and_listed(tmp_path):
    report = written(tmp_path / "out")
    assert names(tmp_path / "out") == {*report.files, "MANIFEST.sha256"}
    for part in ("revman/", "r/", "references.bib", "references.ris", "data/", "prisma."):
        assert any(name.startswith(part) for name in report.files), part
    assert dict(report.counts) == {"analyses": 1, "trials": 3, "effects": 3, "rows": 3}


@pytest.mark.parametrize("only", FORMATS)
def test_one_format_can_be_asked_for(tmp_path, only):
    report = written(tmp_path / "out", formats=[only])
    made = set(report.files) - {"README.md", "export.json"}
    assert made
    starts = {"bibtex": ("references.bib",), "ris": ("references.ris",)}.get(only, (only,))
    assert all(name.startswith(starts) for name in made)


def test_the_same_run_gives_the_same_bytes(tmp_path):
    written(tmp_path / "a")
    written(tmp_path / "b")
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_no_file_names_a_place_on_this_machine(tmp_path):
    written(tmp_path / "out")
    for name in names(tmp_path / "out"):
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text(encoding="utf-8")


def test_what_cannot_be_expressed_is_in_the_summary(tmp_path):
    report = written(tmp_path / "out")
    limits = " ".join(report.limits)
    assert "converted from an odds ratio): Elm" in limits
    assert "neither a DOI nor a PubMed number (1): elm" in limits
    summary = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert summary["limits"] == list(report.limits)
    assert "folder" not in summary
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert all(text in readme for text in report.limits)


def test_a_trial_without_identifier_keeps_the_page_it_was_read_from(tmp_path):
    written(tmp_path / "out", formats=["bibtex"])
    text = (tmp_path / "out" / "references.bib").read_text(encoding="utf-8")
    assert "url = {https://x.example}" in text


def test_what_has_no_effect_still_gets_its_checklist(tmp_path):
    evidence = small.evidence(TRIALS, [small.means("oak", 0.1, tier="D")])
    report = export(ask(evidence, comparator="pharmacotherapy"), evidence, tmp_path / "out")
    assert set(report.files) == {"README.md", "export.json", "prisma.md", "prisma.csv"}
    assert any("no trial with usable numbers" in text for text in report.limits)


def test_a_trial_with_two_comparators_is_exported_but_not_pooled(tmp_path):
    rows = [*ROWS, small.means("oak", 0.3, row_id="oak-02", comparator="psychotherapy")]
    evidence = small.evidence(TRIALS, rows)
    report = export(ask(evidence), evidence, tmp_path / "out", formats=["r", "data", "revman"])
    assert not any(name.startswith("r/") for name in report.files)
    assert "data/effects.csv" in report.files
    assert any("more than once" in text for text in report.limits)
    assert any("would count twice: oak" in text for text in report.limits)


def test_a_used_folder_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    written(tmp_path / "out", formats=["ris"])
    monkeypatch.setattr(bundle, "prisma_checklist", lambda *_: pytest.fail("computed"))
    with pytest.raises(InputError, match="not empty"):
        written(tmp_path / "out")


def test_an_earlier_export_is_replaced_when_asked_to(tmp_path):
    written(tmp_path / "out")
    report = written(tmp_path / "out", formats=["ris"], force=True)
    assert names(tmp_path / "out") == {*report.files, "MANIFEST.sha256"}


def test_an_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match="did you mean 'bibtex'"):
        written(tmp_path / "out", formats=["bibtx"])
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device; what was there"):
        written(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_report_reads_as_a_sentence_and_can_be_stored(tmp_path):
    report = written(tmp_path / "out", formats=["ris"])
    assert str(report).startswith(f"3 files in {tmp_path / 'out'} (1 analyses, 3 trials")
    assert ExportReport.from_json(report.to_json()) == report
    assert set(report.to_frame()["kind"]) == {"file", "limit"}
