"""The rendered reports that several test modules look at."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from combined_care import reports
from once import once, shared

if TYPE_CHECKING:
    from combined_care.reports import RenderSummary

ROOT = Path(__file__).parents[1]


def project(folder: Path) -> Path:
    """Copy what reports are made from into `folder`."""
    for name in ("data", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def render_once(basetemp: Path) -> tuple[Path, RenderSummary]:
    """Render all reports, once in a test run; return the project's root and what was built.

    Parameters
    ----------
    basetemp : pathlib.Path
        pytest's folder for this process.
    """
    return once(shared(basetemp) / "reports", _render)


def _render(folder: Path) -> tuple[Path, RenderSummary]:
    root = project(folder / "project")
    return root, reports.render(root=root, jobs=os.cpu_count() or 1, progress=False)
