"""Phone, paper and reduced motion: nothing is cut, nothing scrolls sideways, nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.chromium import DESKTOP, PAPER, PHONE

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What sticks out at the right though nothing around it scrolls.
_STICKS_OUT = """
() => {
  const edge = document.documentElement.clientWidth + 1;
  const scrolls = e => {
    for (let at = e.parentElement; at; at = at.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  return [...document.querySelectorAll("body *:not(svg *)")]
    .filter(e => e.getBoundingClientRect().right > edge && e.checkVisibility() && !scrolls(e))
    .map(e => `sticks out: ${e.tagName} ${e.className.baseVal ?? e.className}: `
      + e.textContent.trim().slice(0, 60)).slice(0, 2);
}
"""
# Boxes that cut their content; text for screen readers only stands in a box of one pixel.
_CUT = """
() => [...document.querySelectorAll("body *:not(svg, svg *)")]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.checkVisibility() && e.clientWidth > 1
    && getComputedStyle(e).overflowX !== "visible")
  .map(e => `cut: ${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 60)}`).slice(0, 2)
"""
# Folded content, other than code, that is not shown.
_FOLDED = """
() => [...document.querySelectorAll("details:not(.code)")]
  .flatMap(d => [...d.children].filter(e => e.tagName !== "SUMMARY"))
  .filter(e => e.textContent.trim() && getComputedStyle(e).display !== "none"
    && !e.checkVisibility())
  .map(e => `not shown: ${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 60)}`)
  .slice(0, 2)
"""
_MOVING = """
() => [...document.querySelectorAll("*")].filter(e => {
    const style = getComputedStyle(e);
    return style.animationName !== "none" || style.scrollBehavior !== "auto"
      || style.transitionDuration.split(",").some(t => parseFloat(t) > 0);
  }).map(e => e.tagName).slice(0, 3)
"""
# Spacing of lines, paragraphs, letters and words as WCAG 1.4.12 gives it.
_SPACE = """
() => { for (const e of document.querySelectorAll("body *:not(svg, svg *)")) {
  e.style.lineHeight = "1.5"; e.style.letterSpacing = "0.12em"; e.style.wordSpacing = "0.16em";
  if (e.tagName === "P") e.style.marginBottom = "2em";
} }
"""
_WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def sideways(page: Page) -> list[str]:
    """List what makes the page scroll sideways, at desktop and at phone width."""
    found = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        found += _too_wide(page)
    return found


def spaced(page: Page) -> list[str]:
    """The same at phone width with text spaced more widely; changes the page."""
    page.set_viewport_size(PHONE)
    page.evaluate(_SPACE)
    return _too_wide(page)


def paper(page: Page) -> list[str]:
    """List what is cut, or folded and not shown, in print; the page is as it was loaded."""
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    found = [*page.evaluate(_FOLDED), *page.evaluate(_CUT), *_too_wide(page)]
    page.emulate_media(media="screen")
    return found


def moving(page: Page) -> list[str]:
    """List what moves although the reader wants less motion."""
    return [f"moves: {tag}" for tag in page.evaluate(_MOVING)]


def _too_wide(page: Page) -> list[str]:
    inner, outer = page.evaluate(_WIDTHS)
    if inner <= outer:
        return []
    return [f"{inner} px wide on {outer}", *page.evaluate(_STICKS_OUT)]
