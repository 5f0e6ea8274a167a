"""What the figures show, in words: the text alternative of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.figures.style import effect_text, number, symbol
from combined_care.results import Absent, is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from combined_care.landscape import EvidenceMap


def describe_forest(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] = ("the comparator", "combined treatment"),
) -> str:
    """Say in words what the forest plot shows: the text alternative of the figure.

    Parameters
    ----------
    effects, fit, measure, favours
        As for :func:`combined_care.figures.forest`.

    Returns
    -------
    str
        How many trials lie on which side, the pooled result, and the range of the trials.
    """
    k = len(effects)
    trials = "1 trial" if k == 1 else f"{k} trials"
    better = int((effects["ci_lb"] > 0).sum())
    worse = int((effects["ci_ub"] < 0).sum())
    said = [
        f"Forest plot of {trials}. {better} of {k} confidence intervals lie wholly on the side "
        f"that favours {favours[1]}, {worse} on the side that favours {favours[0]}, "
        f"{k - better - worse} include no effect."
    ]
    if k > 1:
        low, high = float(effects["yi"].min()), float(effects["yi"].max())
        said.append(
            f"Effects range from {symbol(measure)} {number(low, measure)} "
            f"to {number(high, measure)}."
        )
    if isinstance(fit, Synthesis) and k > 1:
        pooled = effect_text(fit.estimate, (fit.ci_lb, fit.ci_ub), measure)
        said.append(f"Pooled: {symbol(measure)} {pooled}.")
        if is_present(fit.pi_lb) and is_present(fit.pi_ub):
            said.append(
                f"Prediction interval {number(fit.pi_lb, measure)} to {number(fit.pi_ub, measure)}."
            )
        else:
            said.append(f"Prediction interval {fit.pi_lb}.")
    return " ".join(said)


def describe_evidence_map(found: EvidenceMap, words: Mapping[str, str]) -> str:
    """Say in words what the map shows: the text alternative of the figure."""
    cells = list(found.cells.values())
    pooled = [cell for cell in cells if cell.k]
    best = max(pooled, key=lambda cell: cell.k, default=None)
    said = [
        f"Map of {len(found.diagnoses)} diagnoses by {len(found.comparators)} comparators. "
        f"{len(pooled)} of {len(cells)} cells have at least one trial with usable numbers, "
        f"{sum(cell.k >= 3 for cell in pooled)} have three or more, {found.gaps} have no trial."
    ]
    if best is not None:
        said.append(
            f"Most trials: {words[best.diagnosis]} against {words[best.comparator]}, {best.k}."
        )
    return " ".join(said) + " The table below has the same numbers."
