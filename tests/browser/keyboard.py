"""A page by keyboard alone: the skip link first, the focus always seen, everything in reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Stops of a walk from the top of the page, and of one back from its end.
FORWARD, BACK = 8, 3
#: Folds and regions operated on each page; that all of them can be is checked by their kind.
OPERATED = 2

# Numbers what can take the focus now, in the order of the page.
_NUMBER = """
() => {
  document.querySelectorAll("[data-stop]").forEach(e => delete e.dataset.stop);
  const names = "a[href], summary, button, input, select, textarea, [tabindex]";
  const all = [...document.querySelectorAll(names)]
    .filter(e => e.checkVisibility() && e.tabIndex >= 0);
  all.forEach((e, i) => e.dataset.stop = i);
  return all.length;
}
"""
# Puts the point from which Tab goes on at the start or the end of the page.
_POINT = """
() => {
  const point = document.createElement("span");
  point.tabIndex = -1;
  document.body.%s(point);
  point.focus();
  point.remove();
}
"""
_START, _END = _POINT % "prepend", _POINT % "append"
# Which stop has the focus, and whether a reader sees that it has.
_HERE = """
() => {
  const e = document.activeElement, style = getComputedStyle(e);
  return {
    stop: e.dataset.stop ? +e.dataset.stop : null, html: e.outerHTML.slice(0, 100),
    to: e.getAttribute("href") || "", inside: document.querySelector("main")?.contains(e),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: [...e.getClientRects()].some(b => b.width > 1 && b.height > 1 && b.bottom > 0
      && b.top < innerHeight && b.right > 0 && b.left < innerWidth),
  };
}
"""
# What can take the focus and does not, or does not show it; of those that look alike, a few.
_RINGLESS = """
() => {
  const seen = new Map();
  return [...document.querySelectorAll("[data-stop]")].filter(e => {
    const kind = [e.tagName, e.className, e.closest("[class]")?.className].join("|");
    seen.set(kind, (seen.get(kind) || 0) + 1);
    if (seen.get(kind) > 3) return false;
    e.focus({preventScroll: true});
    const style = getComputedStyle(e);
    return document.activeElement !== e || style.outlineStyle === "none"
      || parseFloat(style.outlineWidth) < 2;
  }).map(e => e.outerHTML.slice(0, 100)).slice(0, 3);
}
"""
# Folds that no keyboard opens by itself: not made of details and summary.
_NOT_NATIVE = """
() => [...document.querySelectorAll("summary")]
  .filter(e => e !== e.closest("details")?.children[0] || e.tabIndex < 0)
  .map(e => e.outerHTML.slice(0, 100))
"""
# Numbers the regions that scroll sideways.
_WIDE = """
() => {
  const all = [...document.querySelectorAll("main *:not(svg *)")].filter(e => e.checkVisibility()
    && e.scrollWidth > e.clientWidth + 8
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX));
  all.forEach((e, i) => e.dataset.wide = i);
  return all.map(e => (
    {name: e.getAttribute("aria-label") || e.className, stops: e.tabIndex >= 0}));
}
"""
# Whether a region moves before long.
_MOVED = """
i => new Promise(done => {
  const region = document.querySelector(`[data-wide="${i}"]`), end = performance.now() + 4000;
  const look = () => region.scrollLeft > 0 ? done(true)
    : performance.now() > end ? done(false) : setTimeout(look, 10);
  look();
})
"""


def skip_link(page: Page) -> list[str]:
    """Press Tab once: the skip link appears, and leads into the content."""
    page.keyboard.press("Tab")
    first = page.evaluate(_HERE)
    if not (first["to"].startswith("#") and first["seen"] and first["ring"]):
        return [f"the first stop is no skip link that is seen: {first['html']}"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    then = page.evaluate(_HERE)
    return [] if then["inside"] else [f"the skip link leads to {then['html']}"]


def walk(page: Page) -> list[str]:
    """Walk by Tab and back: the order is that of the page, and the focus is seen at every stop."""
    order, found = list(range(page.evaluate(_NUMBER))), []
    for key, expected in (("Tab", order[:FORWARD]), ("Shift+Tab", order[::-1][:BACK])):
        # Leave the page for the start of the next walk.
        page.evaluate(
            "document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)"
        )
        page.evaluate(_START if key == "Tab" else _END)
        stops = []
        for _ in expected:
            page.keyboard.press(key)
            here = page.evaluate(_HERE)
            stops.append(here["stop"])
            if not (here["ring"] and here["seen"]):
                found.append(f"focus not seen on {here['html']}")
        if stops != expected:
            found.append(f"{key} stops at {stops}, expected {expected}")
    return found


def rings(page: Page) -> list[str]:
    """Look at the focus of everything that can take it, in what is folded as well."""
    if page.evaluate(_NUMBER) < 2:
        return ["hardly anything can take the focus"]
    page.keyboard.press("Tab")  # from here on the focus is that of a keyboard
    return [f"focus not shown: {html}" for html in page.evaluate(_RINGLESS)]


def folds(page: Page) -> list[str]:
    """Open and close what is folded: Enter and Space change it."""
    found = [f"no native fold: {html}" for html in page.evaluate(_NOT_NATIVE)]
    is_open = "document.activeElement.parentElement.open"
    for summary in page.query_selector_all("summary:visible")[:OPERATED]:
        summary.focus()
        states = [page.evaluate(is_open)]
        for key in ("Enter", "Space"):
            page.keyboard.press(key)
            states.append(page.evaluate(is_open))
        if states != [states[0], not states[0], states[0]]:
            found.append(f"does not fold: {summary.inner_text()}")
    return found


def regions(page: Page) -> list[str]:
    """Scroll what is wider than the window sideways; the page is unfolded, at phone width."""
    wide = page.evaluate(_WIDE)
    found = [f"takes no focus: {region['name']}" for region in wide if not region["stops"]]
    for number, region in enumerate(wide[:OPERATED]):
        page.evaluate("i => document.querySelector(`[data-wide='${i}']`).focus()", number)
        page.keyboard.press("ArrowRight")
        if not page.evaluate(_MOVED, number):
            found.append(f"does not move: {region['name']}")
    return found
