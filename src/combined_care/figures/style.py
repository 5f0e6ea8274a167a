"""The look that all figures share: colours, text sizes, and words for scales."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from combined_care import markup

if TYPE_CHECKING:
    from collections.abc import Sequence

# Four inks. In a page they follow the reader's light or dark theme (see PAGE_COLOUR); each differs
# from the others also in lightness, and nothing is told by colour alone.
INK = "#1b1f24"
MUTED = "#59636e"
ACCENT = "#0b5cad"
SECOND = "#a34a00"
PAPER = "#ffffff"

#: What each ink becomes inside a page: the theme's colour, else the one drawn here.
PAGE_COLOUR = {
    INK: "currentColor",
    MUTED: f"var(--muted, {MUTED})",
    ACCENT: f"var(--accent, {ACCENT})",
    SECOND: f"var(--second, {SECOND})",
    PAPER: f"var(--paper, {PAPER})",
}

TEXT_SIZE = 9.0
SMALL = 8.0

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same layout on every machine
    "font.size": TEXT_SIZE,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "hatch.linewidth": 0.6,
}

RATIOS = frozenset({"OR", "RR", "HR"})

_SCALE_NAME = {
    "SMD": "Standardised mean difference (Hedges' g)",
    "MD": "Mean difference",
    "RD": "Risk difference",
    "OR": "Odds ratio",
    "RR": "Risk ratio",
    "HR": "Hazard ratio",
}
_SYMBOL = {"SMD": "g"}


def symbol(measure: str) -> str:
    """Name a measure in one short word: ``g`` for SMD, else the measure itself."""
    return _SYMBOL.get(measure, measure)


def scale_name(measure: str) -> str:
    """Name the axis of a measure; ratios are turned so that above 1 is better."""
    name = _SCALE_NAME.get(measure, measure)
    return f"{name}, turned so that above 1 is better" if measure in RATIOS else name


def shown(value: float, measure: str) -> float:
    """Bring a number from the scale of analysis to the scale that readers see (ratios: exp)."""
    return math.exp(value) if measure in RATIOS else value


def number(value: float, measure: str) -> str:
    """Write an effect for readers on its natural scale.

    Examples
    --------
    >>> number(-0.126, "SMD"), number(0.0, "OR")
    ('−0.13', '1.00')
    """
    return markup.number(shown(value, measure))


def effect_text(estimate: float, bounds: Sequence[object], measure: str) -> str:
    """Write an effect with its interval, or alone when the interval is absent.

    Examples
    --------
    >>> effect_text(0.3, (0.1, 0.5), "SMD")
    '0.30 [0.10, 0.50]'
    """
    lower, upper = bounds
    if not (isinstance(lower, float) and isinstance(upper, float)):
        return number(estimate, measure)
    return f"{number(estimate, measure)} [{number(lower, measure)}, {number(upper, measure)}]"


def shorten(label: str, length: int) -> str:
    """Cut a label that does not fit its column; the table beside the figure has it whole.

    Examples
    --------
    >>> shorten("Emilsson 2011 / Young 2015", 14)
    'Emilsson 2011…'
    """
    return label if len(label) <= length else label[: length - 1].rstrip() + "…"
