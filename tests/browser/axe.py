"""WCAG 2.2 AA and good practice: axe-core, and every combination of colours by its contrast."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT

from browser.chromium import DESKTOP, PHONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

#: All rules that a page is held against, by the tags of axe.
ALL = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
#: Those whose answer depends on the width of the window or on the colours; the others read the
#: document alone, which is the same at every width.
BY_VIEW = {
    "type": "rule",
    "values": [
        *("target-size", "scrollable-region-focusable", "css-orientation-lock"),
        *("link-in-text-block", "meta-viewport"),
    ],
}

# axe's own contrast rule takes most of the time of a run and gives the same answer for the same
# colours, so that it looks at one element of each combination; SHADES marks them.
_RUN = """
async rules => {
  const brief = {resultTypes: ["violations"], preload: false};
  const rest = await axe.run(document, {
    ...brief, runOnly: rules, rules: {"color-contrast": {enabled: false}},
  });
  const shades = {include: [["[data-shade]"]]};
  const contrast = !document.querySelector("[data-shade]") ? rest : await axe.run(shades, {
    ...brief, runOnly: {type: "rule", values: ["color-contrast"]},
  });
  return [...new Set([...rest.violations, ...contrast.violations])].map(v =>
    `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.target.join(" ")).join(" | ")}` +
    ` (${v.nodes.length} in all)`);
}
"""
# What axe need not see again and again: the marks of other checks, the rows of a table beyond the
# first (but for colours of their own), and the inside of a figure, which is one image to it.
_SHORTEN = """
rows => {
  document.querySelectorAll("[data-stop], [data-wide]").forEach(e => {
    delete e.dataset.stop; delete e.dataset.wide;
  });
  document.querySelectorAll("tbody").forEach(body => [...body.rows].slice(rows)
    .filter(row => !row.querySelector("[data-shade]")).forEach(row => row.remove()));
  document.querySelectorAll("svg[role=img] > :not(title, desc)").forEach(e => e.remove());
}
"""
# Marks one element of each combination of colours, and gives every combination that is used.
_SHADES = """
() => {
  document.querySelectorAll("[data-shade]").forEach(e => e.removeAttribute("data-shade"));
  const found = new Map(), known = new WeakMap();
  // The backgrounds under an element, from the top down to the first that is opaque.
  const below = element => {
    if (!element) return [];
    if (!known.has(element)) {
      const paper = getComputedStyle(element).backgroundColor;
      const rest = () => below(element.parentElement);
      known.set(element, paper === "rgba(0, 0, 0, 0)" ? rest()
        : paper.includes("rgba") ? [paper, ...rest()] : [paper]);
    }
    return known.get(element);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, style, title, desc")) continue;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const papers = below(element);
    const size = parseFloat(style.fontSize), bold = style.fontWeight >= 700;
    const key = [ink, papers.join(" over "), size, bold].join("|");
    if (found.has(key)) continue;
    element.setAttribute("data-shade", "");
    found.set(key, {ink, papers, size, bold, text: walk.currentNode.data.trim().slice(0, 40)});
  }
  return [...found.values()];
}
"""


#: Views of a page: all rules in the first, in the others what may differ there.
VIEWS = (("desktop", DESKTOP, "light", ALL), ("phone", PHONE, "dark", BY_VIEW))


def violations(page: Page, views: Sequence[tuple[str, Any, str, Any]] = VIEWS) -> list[str]:
    """Run axe in some views; shortens the page."""
    found = []
    page.evaluate(AXE_SCRIPT)
    for name, size, scheme, rules in views:
        _set(page, size, scheme)
        page.evaluate(_SHADES)
        page.evaluate(_SHORTEN, 4)
        found += [f"{name}: {one}" for one in page.evaluate(_RUN, rules)]
    return found


def faint_text(page: Page) -> list[str]:
    """List text below 4.5 to 1, or large text below 3 to 1, figures included (WCAG 1.4.3)."""
    found = []
    for size, scheme in itertools.product((DESKTOP, PHONE), ("light", "dark")):
        _set(page, size, scheme)
        shades = page.evaluate(_SHADES)
        found += [f"{scheme}, {size['width']} px: {s}" for s in shades if contrast(s) < needed(s)]
    return found


def _set(page: Page, size: dict[str, int], scheme: str) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)


def needed(shade: dict[str, Any]) -> float:
    """WCAG calls text large from 24 px, or from 18.66 px when bold."""
    large = shade["size"] >= 24 or (shade["bold"] and shade["size"] >= 18.66)
    return 3 if large else 4.5


def contrast(shade: dict[str, Any]) -> float:
    """Contrast ratio of WCAG 2: (lighter + 0.05) / (darker + 0.05) of relative luminances."""
    under = (255.0, 255.0, 255.0)
    for layer in reversed(shade["papers"]):
        under = _over(layer, under)
    darker, lighter = sorted([_luminance(_over(shade["ink"], under)), _luminance(under)])
    return (lighter + 0.05) / (darker + 0.05)


def _over(colour: str, under: tuple[float, ...]) -> tuple[float, ...]:
    """Lay a CSS colour over an opaque one."""
    *rgb, alpha = [*map(float, colour[colour.index("(") + 1 : -1].split(",")), 1.0][:4]
    return tuple(alpha * a + (1 - alpha) * b for a, b in zip(rgb, under, strict=True))


def _luminance(rgb: tuple[float, ...]) -> float:
    parts = [v / 255 for v in rgb]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
