"""One visit to a page, on which every check is made: loading a page takes longer than a check."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from browser import axe, keyboard, layout
from browser.chromium import DESKTOP, PHONE
from combined_care.reports.catalogue import SINGLE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page

Findings = dict[str, list[str]]

#: The checks by what each of them says about a page.
CHECKS = {
    "no request leaves the file": "requests",
    "the console stays empty": "console",
    "without script it says the same": "script",
    "it has its language, one main heading and landmarks": "outline",
    "the skip link comes first and leads to the content": "skip_link",
    "a walk by Tab follows the page and the focus is seen": "walk",
    "folds open and close by keyboard": "folds",
    "everything that takes the focus shows it": "rings",
    "what scrolls can be scrolled by keyboard": "regions",
    "on paper nothing is cut and what is folded is shown": "paper",
    "nothing moves for readers who want that": "moving",
    "it does not scroll sideways": "sideways",
    "text may be spaced more widely": "spaced",
    "all text stands out from its background": "faint_text",
    "axe finds no violation": "violations",
}

# All text of a page; controls that a script may add are no part of what it says.
_TEXT = """
() => {
  const copy = document.body.cloneNode(true);
  copy.querySelectorAll("script, style, template, noscript, button, [role=button], output")
    .forEach(node => node.remove());
  return copy.textContent.replace(/\\s+/g, " ").trim();
}
"""
# Text that cannot be seen although nothing folds it.
_HIDDEN = """
() => [...document.querySelectorAll("main [hidden]")]
  .filter(node => node.textContent.trim()).map(node => node.outerHTML.slice(0, 100))
"""
_OUTLINE = """
() => ({
  lang: document.documentElement.lang, title: document.title,
  headings: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .map(h => [+h.tagName[1], h.innerText]),
  landmarks: Object.fromEntries(["header", "nav", "main", "footer"]
    .map(name => [name, document.querySelectorAll(name).length])),
})
"""


class Tab:
    """A tab that notes every request and every complaint of the console."""

    def __init__(self, browser: Browser, *, script: bool = True) -> None:
        self.context = browser.new_context(
            viewport=DESKTOP, reduced_motion="reduce", java_script_enabled=script
        )
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)

    def open(self, path: Path) -> Page:
        """Load a page as a reader finds it at first."""
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(media="screen", color_scheme="light")
        self.page.goto("about:blank")
        self.asked.clear()
        self.said.clear()
        self.page.goto(path.as_uri())
        return self.page


def kind(page: Path) -> str:
    """Return the kind of a page: those of one kind come from one notebook and one style."""
    before, dash, _ = page.stem.partition("-")
    if dash and before in {"trials", "diagnosis"}:
        return before
    return page.stem if page.stem in {"index", *SINGLE} else "claim"


def survey(usual: Tab, bare: Tab, path: Path, *, whole: bool = True) -> Findings:
    """Visit one page and make every check; give what each of them found.

    Parameters
    ----------
    usual, bare : Tab
        A tab as readers have it, and one that runs no script.
    path : pathlib.Path
        The page.
    whole : bool
        Whether to make also the checks of what comes from the style and the notebook, which pages
        of one kind share: the keyboard, motion, spacing, and axe at phone width in dark colours.
    """
    found: Findings = {}
    page = usual.open(path)
    found["outline"] = outline(page)
    text = page.evaluate(_TEXT)
    if whole:
        # As it was loaded, first with the focus where it is after loading.
        found["skip_link"] = keyboard.skip_link(page)
        found["walk"] = keyboard.walk(page)
        found["folds"] = keyboard.folds(page)
    found["paper"] = layout.paper(page)
    # With everything open. What changes the page comes last.
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    if whole:
        found["moving"] = layout.moving(page)
        found["rings"] = keyboard.rings(page)
    found["faint_text"] = axe.faint_text(page)
    found["sideways"] = layout.sideways(page)
    page.set_viewport_size(PHONE)
    if whole:
        found["regions"] = keyboard.regions(page)
    found["violations"] = axe.violations(page, views=axe.VIEWS if whole else axe.VIEWS[:1])
    if whole:
        found["spaced"] = layout.spaced(page)
    found["requests"] = [url for url in usual.asked if url.split("#")[0] != path.as_uri()]
    found["console"] = list(usual.said)
    found["script"] = without_script(bare.open(path), text)
    return found


def outline(page: Page) -> list[str]:
    """Check language, title, headings and landmarks."""
    seen = page.evaluate(_OUTLINE)
    levels = [level for level, _ in seen["headings"]]
    wrong = {
        f"the language is {seen['lang']!r}": seen["lang"] != "en",
        f"{levels.count(1)} main headings": levels.count(1) != 1,
        f"the headings start with level {levels[:1]}": levels[:1] != [1],
        f"a level of headings is left out: {levels}": any(
            b - a > 1 for a, b in itertools.pairwise(levels)
        ),
        f"landmarks: {seen['landmarks']}": min(seen["landmarks"].values()) < 1
        or seen["landmarks"]["main"] != 1,
        f"the title {seen['title']!r} does not name the page": not seen["headings"]
        or seen["headings"][0][1] not in seen["title"],
    }
    return [problem for problem, holds in wrong.items() if holds]


def without_script(page: Page, text: str) -> list[str]:
    """Compare what a page says without script with `text`, and look for what it hides then."""
    bare = page.evaluate(_TEXT)
    hidden = [f"cannot be seen: {html}" for html in page.evaluate(_HIDDEN)]
    if bare == text:
        return hidden
    at = next((i for i, (a, b) in enumerate(zip(bare, text, strict=False)) if a != b), len(bare))
    return [*hidden, f"other text: {bare[at : at + 60]!r} instead of {text[at : at + 60]!r}"]
