"""Reports: papermill runs the notebooks, one template makes the pages, nothing is built twice."""

from __future__ import annotations

from combined_care.reports.build import RenderSummary, render, render_what_if
from combined_care.reports.workers import ReportError

__all__ = ["RenderSummary", "ReportError", "render", "render_what_if"]
