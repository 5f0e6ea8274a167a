"""An answer as a file: one self-contained page that says that it was not pre-specified."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from combined_care.errors import InputError
from combined_care.own_question import NOT_PRE_SPECIFIED, ask
from combined_care.reports import answers
from combined_care.reports.answers import save_answer, without_site_links
from combined_care.reports.workers import ReportError
from small_evidence import evidence, means, trial


@pytest.fixture(scope="module")
def answer():
    """Four trials that are not the project's: the page must show these."""
    names = ("alpha", "beta", "gamma", "delta")
    trials = [trial(name, diagnosis="panic") for name in names]
    rows = [means(name, 0.5 + position / 10) for position, name in enumerate(names)]
    trials[0]["label"] = "<script>alert(1)</script>"
    return ask(evidence(trials, rows), diagnosis="panic", robustness=True)


@pytest.fixture(scope="module")
def page(answer, tmp_path_factory):
    path = save_answer(answer, tmp_path_factory.mktemp("pages") / "panic.html")
    return path.read_text(encoding="utf-8")


def test_the_page_shows_the_numbers_of_this_answer(answer, page):
    fit = answer.fit
    assert f"{fit.estimate:.2f}" in page
    assert {name for name in ("Beta", "Gamma", "Delta") if name not in page} == set()
    assert f"<h1>{answer.verdict.claim.text.rstrip('.')}</h1>" in page


def test_the_page_has_what_a_report_has(page):
    wanted = ("certainty", "robustness", "turning", "small-trials", "passport")
    assert {name for name in wanted if f'id="{name}"' not in page} == set()
    assert "<title id=" in page
    assert "Forest plot" in page
    assert "Specification curve" in page
    assert "https://x.example" in page, "the source of each number"


def test_the_page_says_first_that_it_is_not_pre_specified(page):
    body = page[page.index("<main") :]
    assert body.index("Not pre-specified") < body.index("This means:")
    assert NOT_PRE_SPECIFIED in body
    assert '"creativeWorkStatus": "Not pre-specified"' in page
    assert "Pre-specified\n" not in page


def test_the_page_gives_the_call_that_asks_again(answer, page):
    assert "answer = cc.ask(" in page
    assert "This call gives the same answer" in page


def test_the_page_links_to_sources_and_never_to_reports_that_are_not_beside_it(page):
    targets = re.findall(r'href="([^"]*)"', page)
    assert targets
    assert {t for t in targets if not t.startswith(("#", "https://", "http://"))} == set()
    missing = {t[1:] for t in targets if t.startswith("#")} - set(re.findall(r'id="([^"]*)"', page))
    assert missing == set()


def test_text_of_the_data_cannot_run(page):
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_only_links_to_other_reports_lose_their_address():
    html = '<a href="x.html">A</a> <a href="y.html#z">B</a> <a href="https://e.org/y.html">C</a>'
    assert without_site_links(html) == 'A B <a href="https://e.org/y.html">C</a>'


@pytest.mark.parametrize(
    ("name", "said"),
    [("answer.txt", "must end in .html"), ("missing/a.html", "there is no folder"),
     ("folder.html", "it is a folder")],
)  # fmt: skip
def test_a_path_that_cannot_be_written_is_refused_before_anything_runs(
    answer, tmp_path, monkeypatch, name, said
):
    (tmp_path / "folder.html").mkdir()
    monkeypatch.setattr(answers, "_in_process", lambda _: pytest.fail("it ran"))
    with pytest.raises(InputError, match=re.escape(said)):
        save_answer(answer, tmp_path / name)


def test_a_page_that_fails_leaves_the_earlier_file_as_it_was(answer, tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    path.write_text("before", encoding="utf-8")
    wrong = "import sys; print('no kernel', file=sys.stderr); sys.exit(3)"
    real = subprocess.run

    def fail(_command, **options):
        return real([sys.executable, "-c", wrong], **options)

    monkeypatch.setattr(answers.subprocess, "run", fail)
    with pytest.raises(ReportError, match="no kernel"):
        save_answer(answer, path)
    assert path.read_text(encoding="utf-8") == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]
