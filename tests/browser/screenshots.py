"""Pictures of every page for people to look at: desktop, phone and paper.

Run it as ``python tests/browser/screenshots.py REPORTS OUT``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":  # as a script it is part of no package
    sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chromium import DESKTOP, PHONE, executable, launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VIEWS = {
    "desktop": {"viewport": DESKTOP, "color_scheme": "light"},
    "desktop-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 2},
}
#: A taller picture is more than Chromium draws at once, and more than a person looks at.
TALLEST = 8000


def take(browser: Browser, path: Path, out: Path) -> None:
    """Write the pictures and the PDF of one page."""
    for view, options in VIEWS.items():
        context = browser.new_context(**options)
        page = context.new_page()
        page.goto(path.as_uri())
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        clip = {"x": 0, "y": 0, "width": options["viewport"]["width"], "height": height}
        page.screenshot(path=out / f"{path.stem}-{view}.png", full_page=True, clip=clip)
        if view == "desktop":
            page.pdf(path=out / f"{path.stem}.pdf", format="A4", print_background=False)
        context.close()


def main() -> int:
    """Take pictures of the pages of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", type=Path, help="folder with the rendered pages")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("names", nargs="*", help="names of pages; all by default")
    given = parser.parse_args()
    if executable() is None:
        print("Chromium is not installed", file=sys.stderr)
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    pages = sorted(given.reports.resolve().glob("*.html"))
    with launched() as browser:
        for path in pages:
            if not given.names or path.stem in given.names:
                take(browser, path, given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
