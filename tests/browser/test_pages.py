"""Every rendered page in a browser: accessible, self-contained, whole on a phone and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import axe
from browser.survey import CHECKS, kind, survey

pytestmark = pytest.mark.slow

#: A page that breaks every rule; each check must find its part.
BAD = """
<html><head><title>Other</title><style>
  @keyframes spin { to { opacity: 0; } }
  a { outline: none; } .scroll { overflow: auto; width: 100px; } .faint { color: #aaa; }
  p { animation: spin 9s infinite; }
  @media print { .cut { overflow: hidden; width: 50px; } }
</style></head><body>
<h1>First</h1><h3>Third</h3><h1>Second</h1>
<main><a href="#a">one</a> <a href="#b" tabindex="5">two</a>
<p class="faint">faint</p><p hidden>Only a script shows this.</p>
<div class="scroll"><div style="width: 900px">wide</div></div>
<div class="cut"><div style="width: 1500px">Wider than any page, which therefore scrolls.</div>
</div>
<details><summary>fold</summary><p>folded</p></details>
<div><summary tabindex="0">no fold</summary></div>
<img src="http://localhost:9/x.png"></main>
<script>document.querySelector("h3").textContent = "Changed"; throw Error("wrong");</script>
</body></html>
"""


@pytest.mark.parametrize("check", CHECKS)
def test_of_every_page(surveyed, check):
    name = CHECKS[check]
    problems = [f"{page}: {one}" for page, found in surveyed.items() for one in found.get(name, ())]
    if problems:
        pytest.fail("\n".join(problems))


def test_every_check_finds_its_fault_on_a_page_that_is_full_of_them(tabs, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(BAD, encoding="utf-8")
    found = survey(*tabs, page)
    assert {name for name, problems in found.items() if not problems} == set()
    assert set(found) == set(CHECKS.values())


def test_one_page_of_each_kind_is_gone_through_in_every_way(surveyed):
    whole = {
        kind(Path(page)) for page, found in surveyed.items() if set(found) == set(CHECKS.values())
    }
    assert whole == {kind(Path(page)) for page in surveyed}
    for found in surveyed.values():
        assert {"violations", "faint_text", "sideways", "paper", "requests", "script"} <= set(found)


def test_every_page_is_small_enough(pages):
    assert {page.name for page in pages if page.stat().st_size >= 600_000} == set()


def test_a_page_becomes_a_pdf(tabs, pages):
    page = tabs[0].open(pages[0])
    assert page.pdf(format="A4").startswith(b"%PDF-")


def test_contrast_is_that_of_wcag():
    grey = {"ink": "rgb(150, 150, 150)", "papers": ["rgb(255, 255, 255)"], "size": 16, "bold": 0}
    # rgb(150, 150, 150): luminance ((150 / 255 + 0.055) / 1.055) ** 2.4 = 0.305, by hand.
    assert axe.contrast(grey) == pytest.approx(1.05 / 0.355, rel=1e-3)
    assert axe.contrast({**grey, "ink": "rgb(0, 0, 0)"}) == pytest.approx(21)
    half = {**grey, "ink": "rgba(0, 0, 0, 0.5)"}
    assert axe.contrast(half) == axe.contrast({**grey, "ink": "rgb(127.5, 127.5, 127.5)"})
    assert (axe.needed(grey), axe.needed({**grey, "size": 24})) == (4.5, 3)
