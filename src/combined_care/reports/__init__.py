"""Reports: papermill runs the notebooks, one template makes the pages, nothing is built twice."""

from __future__ import annotations

from combined_care.reports.build import RenderSummary, render

__all__ = ["RenderSummary", "render"]
