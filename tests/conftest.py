"""What all tests share: stored reference values, and one deterministic hypothesis profile."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from rendered import render_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from combined_care.reports import RenderSummary

REFERENCE = Path(__file__).parent / "reference"

# Examples are the same on every machine; how fast a busy machine draws them says nothing.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("repeatable")


#: What is long is begun first, and what shares something expensive stays in one process.
LONG = {"tests/test_reports": "reports", "tests/browser/": "browser"}


def scope_of(nodeid: str) -> str:
    """Return what is given to one process as a whole: mostly a file."""
    path = nodeid.partition("::")[0]
    return next((name for start, name in LONG.items() if path.startswith(start)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out work by :func:`scope_of`."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return ByScope(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first, in the order of their table."""
    order = list(LONG.values())
    items.sort(
        key=lambda item: (
            order.index(name) if (name := scope_of(item.nodeid)) in order else len(order)
        )
    )


@cache
def _reference_text(topic: str) -> str:
    path = REFERENCE / f"{topic}.json"
    if not path.is_file():
        message = f"no stored reference values for {topic!r}: run tests/reference/{topic}.R"
        raise FileNotFoundError(message)
    return path.read_text(encoding="utf-8")


def read_reference(topic: str) -> dict[str, Any]:
    """Return the reference values of one topic; a fresh copy, so that no test can spoil another."""
    document: dict[str, Any] = json.loads(_reference_text(topic))
    return document


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, Any]]:
    """Give a test the values that R stored: ``reference("synthesis")["cases"]``."""
    return read_reference


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RenderSummary]:
    """All reports, rendered once a run: the root of their project, and what was built."""
    return render_once(tmp_path_factory.getbasetemp())
