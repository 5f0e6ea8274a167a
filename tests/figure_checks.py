"""What tests of figures share: small inputs, and how to read a figure back."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from combined_care.event_rates import absolute_effect
from combined_care.figures import Choice
from combined_care.results import Absent
from combined_care.synthesis import synthesize

YI = [0.10, 0.30, 0.35, 0.65, 0.45, 0.15]
VI = [0.03, 0.03, 0.05, 0.01, 0.05, 0.02]
FIT = synthesize(YI, VI)


def trials(yi=YI, vi=VI, **columns) -> pd.DataFrame:
    yi, half = np.asarray(yi, float), 1.96 * np.sqrt(np.asarray(vi, float))
    frame = {
        "label": [f"Author {2000 + i}" for i in range(len(yi))],
        "yi": yi, "vi": vi, "ci_lb": yi - half, "ci_ub": yi + half,
        "rating": "clinician", "tier": "A", "converted": False,
    }  # fmt: skip
    return pd.DataFrame({**frame, **columns})


# inputs of the other figures


CHOICES = (
    Choice("tau2", "Heterogeneity estimator", {"REML": "REML", "DL": "DerSimonian-Laird"}),
    Choice("rob", "Risk of bias", {"all": "all trials", "low": "low risk only, 3 or 4 of 4 items"}),
    Choice("verdict", "Verdict", {"yes": "supported", "no": "not demonstrated"}),
)


def specifications(copies: int = 3) -> pd.DataFrame:
    """4 analyses a copy; effects fall by 0.1 for low risk, and by 0.01 from copy to copy."""
    rows = list(product(range(copies), ("REML", "DL"), ("all", "low")))
    table = pd.DataFrame(rows, columns=["copy", "tau2", "rob"])
    table["estimate"] = 0.3 - 0.1 * (table["rob"] == "low") - 0.01 * table["copy"]
    table["ci_lb"], table["ci_ub"] = table["estimate"] - 0.25, table["estimate"] + 0.25
    table["verdict"] = np.where(table["ci_lb"] > 0, "yes", "no")
    table["pval"] = 0.02 * (1 + table.index)
    table["is_primary"] = table.index == 0
    return table


def steps(**columns) -> pd.DataFrame:
    frame = {
        "label": ["First 1990", "Second 1995", "Third 2001"], "k": [1, 2, 3],
        "estimate": [0.5, 0.4, 0.3], "ci_lb": [-0.2, 0.1, 0.1], "ci_ub": [1.2, 0.7, 0.5],
    }  # fmt: skip
    return pd.DataFrame({**frame, **columns})


COMPARISONS = pd.DataFrame(
    {
        "label": ["Depression, against medication alone (Author 2020)", "Panic"],
        "estimate": [0.25, Absent("no trial")], "ci_lb": [0.05, Absent("no trial")],
        "ci_ub": [0.45, Absent("no trial")], "pi_lb": [-0.2, np.nan], "pi_ub": [0.7, np.nan],
        "k": [21, 0], "published": [0.31, 0.4], "published_ci_lb": [0.2, np.nan],
        "published_ci_ub": [0.42, np.nan], "published_k": [32, np.nan],
    }
)  # fmt: skip

NODES = pd.DataFrame(
    {"name": ["combined", "medication alone", "psychotherapy alone", "psychotherapy and placebo",
              "pill placebo", "usual care"], "n": [5200, 4800, 2100, 1500, 900, 300]}
)  # fmt: skip
EDGES = pd.DataFrame(
    [("combined", "medication alone", 45), ("combined", "psychotherapy and placebo", 15),
     ("medication alone", "pill placebo", 7), ("psychotherapy alone", "usual care", 1)],
    columns=["a", "b", "k"],
)  # fmt: skip

WORDS = {
    "panic": "panic disorder", "adhd": "attention deficit hyperactivity disorder",
    "drug": "medication alone", "placebo": "psychotherapy with a pill placebo",
    "together": "both treatments begin together", "later": "second treatment added later",
}  # fmt: skip
COUNTS = pd.DataFrame(
    [("panic", "drug", "together", 100, 2), ("panic", "placebo", "together", 0, 3),
     ("adhd", "drug", "later", 1, 0)],
    columns=["diagnosis", "comparator", "design", "pooled", "direction_only"],
)  # fmt: skip

GAIN = absolute_effect("RD", 0.15, 0.09, 0.21, control_event_rate=0.4, event="good")
SPARED = absolute_effect("RD", -0.12, -0.22, 0.02, control_event_rate=0.42, event="bad")


# reading a figure


def named(figure, gid):
    """Every artist of a figure with one name."""
    return [artist for artist in figure.findobj() if artist.get_gid() == gid]


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]


def ends(lines) -> list[tuple[float, float]]:
    return [(float(s[0, 0]), float(s[1, 0])) for s in lines.get_segments()]


def shown_texts(figure):
    """Every text that is seen, with the box it takes in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += axes.texts
        if axes.axison:
            for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
                texts += [t for place, t in ticks if min(low, high) <= place <= max(low, high)]
    seen = [text for text in texts if text.get_text()]
    return [(text, text.get_window_extent(renderer)) for text in seen]


def assert_texts_fit(figure) -> None:
    """No text leaves the figure or covers another."""
    boxes = [(text.get_text(), box) for text, box in shown_texts(figure)]
    width, height = figure.bbox.width, figure.bbox.height
    for name, box in boxes:
        assert -1 <= box.x0 <= box.x1 <= width + 1, name
        assert -1 <= box.y0 <= box.y1 <= height + 1, name
    for i, (one, box) in enumerate(boxes):
        for other, near in boxes[i + 1 :]:
            apart = min(box.x1, near.x1) - max(box.x0, near.x0) < 1
            apart |= min(box.y1, near.y1) - max(box.y0, near.y0) < 1.5
            assert apart, (one, other)
