"""One browser a session, and every rendered page surveyed with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.chromium import executable, launched
from browser.survey import Tab, kind, survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from browser.survey import Findings


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser; without one the test is skipped, or fails where everything must run."""
    if executable() is None:
        reason = "Chromium is not installed, so no page was looked at in a browser"
        if os.environ.get("COMBINED_CARE_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def pages(chromium: Browser, request: pytest.FixtureRequest) -> list[Path]:
    """Every page: of the folder that COMBINED_CARE_REPORTS names, else rendered afresh.

    Without a browser nothing is rendered for it.
    """
    given = os.environ.get("COMBINED_CARE_REPORTS")
    folder = Path(given) if given else request.getfixturevalue("built")[0] / "reports"
    found = sorted(folder.resolve().glob("*.html"))
    assert found, f"no page in {folder}"
    return found


@pytest.fixture(scope="session")
def tabs(chromium: Browser) -> tuple[Tab, Tab]:
    """A tab as readers have it, and one without script."""
    return Tab(chromium), Tab(chromium, script=False)


@pytest.fixture(scope="session")
def surveyed(tabs: tuple[Tab, Tab], pages: list[Path]) -> dict[str, Findings]:
    """Give the findings on every page, by the name of the page.

    Every page is held against axe; the largest of each kind is gone through by keyboard as well.
    """
    largest = {kind(path): path for path in sorted(pages, key=lambda path: path.stat().st_size)}
    return {path.name: survey(*tabs, path, whole=path == largest[kind(path)]) for path in pages}
