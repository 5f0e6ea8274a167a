"""Figures: a result goes in, a :class:`matplotlib.figure.Figure` or its SVG comes out."""

from __future__ import annotations

from combined_care.figures.descriptions import describe_evidence_map, describe_forest
from combined_care.figures.evidence_map import evidence_map
from combined_care.figures.forest import forest
from combined_care.figures.svg import to_svg

__all__ = ["describe_evidence_map", "describe_forest", "evidence_map", "forest", "to_svg"]
