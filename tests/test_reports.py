"""The reports: built from the notebooks, whole or not at all, the same every time."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from combined_care import reports
from combined_care.claims import load_claims
from combined_care.errors import DataError, InputError
from combined_care.network_claims import load_network_claims
from combined_care.reports import ReportError, catalogue
from combined_care.reports.files import replace_file
from combined_care.reports.page import page_of
from combined_care.reports.passport import Passport
from rendered import project

ROOT = Path(__file__).parents[1]
VOID = {"meta", "br", "link", "img", "hr", "input", "path", "use", "rect"}

# One worker builds; the others go on with other tests.
pytestmark = pytest.mark.slow


@pytest.fixture
def small(tmp_path):
    """A project whose only page is a small notebook of our own."""
    root = project(tmp_path)
    (root / "notebooks" / "claim.ipynb").unlink()
    write_notebook(root, "from combined_care.markup import Safe\nSafe('<p>' + claim + '</p>')")
    return root


def write_notebook(root: Path, source: str, parameter: str = "claim = 'x'") -> None:
    cells = [
        nbformat.v4.new_code_cell(parameter, id="parameters", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source, id="work"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, root / "notebooks" / "claim.ipynb")


def build(root: Path, **options):
    return reports.render(["panic-combined"], root=root, progress=False, **options)


def passport(**changes):
    given = {
        "title": "t", "notebook": "n.ipynb", "release": "r", "data": "d", "trials": 1, "rows": 1,
        "inputs": "i", "licence": ("CC", "https://cc.example"), "settings": {}, "versions": {},
    }  # fmt: skip
    return Passport(**{**given, **changes})


class Outline(HTMLParser):
    """Collects what the rules of a page are about."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def test_every_testable_claim_and_every_page_of_the_catalogue_is_there(built):
    root, summary = built
    wanted = {page.name for page in catalogue.pages(root)}
    assert {name for name, claim in load_claims().items() if claim.testable} | {"index"} < wanted
    assert set(summary.built) == wanted
    assert {path.stem for path in (root / "reports").glob("*.html")} == wanted


def test_a_second_build_says_that_nothing_changed(built):
    root, _ = built
    again = reports.render(root=root, progress=False)
    assert again.built == ()
    assert "nothing changed" in str(again)


def test_verdicts_are_the_committed_ones(built):
    """When this fails, a number moved: look at the difference, then commit verdicts.json."""
    root, _ = built
    fresh = json.loads((root / "reports" / "verdicts.json").read_text(encoding="utf-8"))
    committed = json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))
    assert [c["id"] for c in fresh["claims"]] == [*load_claims(), *load_network_claims()]
    for new, old in zip(fresh["claims"], committed["claims"], strict=True):
        assert (new["id"], new["verdict"]) == (old["id"], old["verdict"])
        for estimate, before in zip(new["estimates"], old["estimates"], strict=True):
            assert estimate.keys() == before.keys()
            for name, value in before.items():
                where = (new["id"], estimate["analysis"], name)
                if isinstance(value, float):
                    assert estimate[name] == pytest.approx(value, rel=1e-5, abs=1e-6), where
                else:
                    assert estimate[name] == value, where


def test_every_page_is_self_contained_and_safe(built):
    root, _ = built
    for path in (root / "reports").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        outline = Outline(page)
        scripts = outline.all("script")
        assert all(a.get("type") == "application/ld+json" for a in scripts), path.name
        assert not outline.all("link"), path.name
        assert not outline.all("iframe"), path.name
        assert all("src" not in attrs for _, attrs in outline.tags), path.name
        assert all("style" not in attrs for _, attrs in outline.tags), path.name
        assert "@import" not in page
        assert "url(http" not in page
        assert path.stat().st_size < 600_000, path.name
        policy = next(
            a["content"] for a in outline.all("meta")
            if a.get("http-equiv") == "Content-Security-Policy"
        )  # fmt: skip
        style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)[1]
        sha = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert "default-src 'none'" in policy
        assert f"'sha256-{sha}'" in policy


def test_every_page_can_be_read_with_a_screen_reader(built):
    root, _ = built
    for path in (root / "reports").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        outline = Outline(page)
        assert outline.all("html")[0]["lang"] == "en"
        assert len(outline.all("h1")) == 1
        assert len(outline.all("main")) == 1
        assert any(a.get("class") == "skip" for a in outline.all("a"))
        assert len(outline.all("caption")) == len(outline.all("table")) > 0
        assert all(a.get("scope") in ("col", "row") for a in outline.all("th"))
        for svg in outline.all("svg"):
            assert svg["role"] == "img"
            assert svg["aria-labelledby"]
        levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), path.name
        ids = [attrs["id"] for _, attrs in outline.tags if attrs.get("id")]
        assert len(ids) == len(set(ids)), path.name


def test_every_link_within_the_reports_leads_to_a_page_and_a_place(built):
    root, _ = built
    outlines = {
        path.name: Outline(path.read_text(encoding="utf-8"))
        for path in (root / "reports").glob("*.html")
    }
    places = {
        name: {attrs["id"] for _, attrs in outline.tags if attrs.get("id")}
        for name, outline in outlines.items()
    }
    for name, outline in outlines.items():
        for attrs in outline.all("a"):
            target, _, place = (attrs["href"] or "").partition("#")
            if not target.startswith("http"):
                assert not place or place in places[target or name], (name, attrs["href"])


def test_the_cells_of_the_first_question_are_reported_with_all_their_numbers(built):
    """Major depression against each comparator, persistent depression, panic, OCD, anxiety."""
    root, _ = built
    verdicts = json.loads((root / "reports" / "verdicts.json").read_text(encoding="utf-8"))
    found = {c["id"]: {e["analysis"]: e for e in c["estimates"]} for c in verdicts["claims"]}
    pooled = [
        ("mdd-combined", "pharmacotherapy"),
        ("mdd-combined", "psychotherapy"),
        ("mdd-combined", "psychotherapy-placebo"),
        ("chronic-mixed", "pharmacotherapy"),
        ("ocd-combined", "pharmacotherapy"),
        ("anxiety-mixed", "sad-pharmacotherapy"),
    ]
    for claim, analysis in pooled:
        estimate = found[claim][analysis]
        for number in ("k", "n", "estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "tau2", "i2"):
            assert number in estimate, (claim, analysis, number)
    thin = [
        ("panic-combined", "pharmacotherapy"),
        ("ocd-combined", "children"),
        ("anxiety-mixed", "ptsd-pharmacotherapy"),
    ]
    for claim, analysis in thin:
        assert found[claim][analysis]["verdict"] == "insufficient"
        page = (root / "reports" / f"{claim}.html").read_text(encoding="utf-8")
        assert f'id="{analysis}"' in page


def test_every_trial_row_names_its_source(built):
    root, _ = built
    page = (root / "reports" / "mdd-combined.html").read_text(encoding="utf-8")
    body = page.split("Against medication alone: the pooled trials</caption>")[1]
    rows = body.split("</table>")[0].split("<tbody>")[1].split("<tr>")[1:]
    assert len(rows) > 30
    for row in rows:
        assert 'href="https://' in row
        assert "tier" in row


def test_a_page_never_gives_advice_and_says_so(built):
    root, _ = built
    for path in (root / "reports").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "not advice for one patient" in page
        assert "publication bias" not in page.lower()


def test_the_same_input_gives_the_same_bytes_under_another_hash_seed_zone_and_locale(
    built, tmp_path
):
    root, _ = built
    other = project(tmp_path)
    environment = os.environ | {
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "COMBINED_CARE_ROOT": str(other),
    }
    command = [sys.executable, "-m", "combined_care.cli", "render", "--quiet", "--jobs", "1"]
    claim = ["--claim", "ocd-combined"]
    subprocess.run([*command, *claim], env=environment, check=True, capture_output=True)
    first, second = (r / "reports" / "ocd-combined.html" for r in (root, other))
    assert first.read_bytes() == second.read_bytes()


def test_only_what_changed_is_built(small):
    assert build(small).built == ("panic-combined",)
    assert build(small).built == ()
    write_notebook(small, "from combined_care.markup import Safe\nSafe('<p>new</p>')")
    assert build(small).built == ("panic-combined",)
    (small / "reports" / "panic-combined.html").write_text("spoilt", encoding="utf-8")
    assert build(small).built == ("panic-combined",)
    assert build(small, force=True).built == ("panic-combined",)


def test_a_failing_notebook_stops_keeps_the_earlier_report_and_names_the_file(small):
    build(small)
    page = small / "reports" / "panic-combined.html"
    before = page.read_bytes()
    write_notebook(small, "raise RuntimeError('the trial table is upside down')")
    with pytest.raises(ReportError) as caught:
        build(small)
    message = str(caught.value)
    assert "the trial table is upside down" in message
    assert "cell" in message
    half_made = small / "build" / "notebooks" / "panic-combined.ipynb"
    assert str(half_made) in message
    assert half_made.is_file()
    assert page.read_bytes() == before
    assert not list((small / "reports").glob(".*.part"))


def test_executed_notebooks_are_kept_on_request(small):
    kept = small / "build" / "notebooks" / "panic-combined.ipynb"
    build(small)
    assert not kept.exists()
    build(small, force=True, keep=True)
    assert kept.is_file()
    build(small)
    assert kept.is_file(), "a build that has nothing to do removes nothing"


def test_an_unknown_parameter_is_an_error_before_anything_runs(small):
    write_notebook(small, "1 / 0", parameter="clam = 'x'")
    with pytest.raises(InputError, match=r"unknown parameter .*'claim' \(did you mean 'clam'\?\)"):
        build(small)
    assert not (small / "reports").exists()


def test_an_unknown_claim_is_an_error_before_anything_runs(small):
    with pytest.raises(InputError, match="did you mean 'panic-combined'"):
        reports.render(["panic-combind"], root=small, progress=False)
    with pytest.raises(InputError, match="unknown claim: 'access-cost'"):
        reports.render(["access-cost"], root=small, progress=False)
    assert not (small / "reports").exists()


def test_a_missing_notebook_is_an_error_that_names_it(small):
    (small / "notebooks" / "claim.ipynb").unlink()
    with pytest.raises(DataError, match=r"there is no notebook .*claim\.ipynb"):
        build(small)


def test_text_from_data_does_no_harm_in_a_page():
    output = nbformat.v4.new_output("display_data", {"text/html": "<p>fine</p>"})
    cell = nbformat.v4.new_code_cell("x = '<script>'", id="a", outputs=[output])
    document = nbformat.v4.new_notebook(cells=[cell])
    page = page_of(document, name="x", passport=passport(title="<script>alert(1)</script>"))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_output_that_a_page_cannot_show_is_an_error_not_a_loss():
    output = nbformat.v4.new_output("stream", text="a warning")
    cell = nbformat.v4.new_code_cell("", id="a", outputs=[output])
    document = nbformat.v4.new_notebook(cells=[cell])
    with pytest.raises(DataError, match="a warning"):
        page_of(document, name="x", passport=passport())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "page.html"
    replace_file(file, "old")

    def full_disk(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        replace_file(file, "new")
    assert file.read_text(encoding="utf-8") == "old"
