"""Debian's Chromium, driven by Playwright, with everything off that could ask for the network."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Width and height of a window, in CSS pixels; 320 is the width that WCAG 1.4.10 asks for.
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 320, "height": 700}
#: An A4 page without its margins of 1 cm, at 96 pixels an inch.
PAPER = {"width": 718, "height": 1047}


def executable() -> str | None:
    """Return the path of Chromium, or None where it is not installed."""
    return shutil.which("chromium")


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium and stop it at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
