"""Figures: a result goes in, a :class:`matplotlib.figure.Figure` or its SVG comes out.

Every figure has a function of its name, which also draws it for a narrow page, and a
``describe_`` function that says in words what it shows.
"""

from __future__ import annotations

from combined_care.figures.comparison import comparison, describe_comparison
from combined_care.figures.evidence_map import describe_evidence_map, evidence_map
from combined_care.figures.forest import describe_forest, forest, forest_key
from combined_care.figures.funnel import describe_funnel, funnel
from combined_care.figures.gap_map import describe_gap_map, gap_map
from combined_care.figures.icon_array import describe_icon_array, icon_array
from combined_care.figures.network_graph import describe_network_graph, network_graph
from combined_care.figures.specification_curve import (
    SPECIFICATION_KEY,
    describe_specification_curve,
    specification_curve,
)
from combined_care.figures.specifications import Choice
from combined_care.figures.successive import (
    cumulative,
    describe_cumulative,
    describe_leave_one_out,
    leave_one_out,
)
from combined_care.figures.svg import to_svg

__all__ = [
    "SPECIFICATION_KEY",
    "Choice",
    "comparison",
    "cumulative",
    "describe_comparison",
    "describe_cumulative",
    "describe_evidence_map",
    "describe_forest",
    "describe_funnel",
    "describe_gap_map",
    "describe_icon_array",
    "describe_leave_one_out",
    "describe_network_graph",
    "describe_specification_curve",
    "evidence_map",
    "forest",
    "forest_key",
    "funnel",
    "gap_map",
    "icon_array",
    "leave_one_out",
    "network_graph",
    "specification_curve",
    "to_svg",
]
