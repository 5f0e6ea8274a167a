"""The forest plot: every trial, the pooled estimate and where the next trial may fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

from combined_care.figures.effect_axis import named_sides
from combined_care.figures.forest_rows import draw_forest
from combined_care.figures.style import RC, effect_text, number, symbol
from combined_care.figures.trial_groups import grouped
from combined_care.results import Absent, is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from combined_care.results import Number


def forest(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] | None = None,
    smallest: Number | None = None,
    by: str | None = None,
    levels: pd.DataFrame | None = None,
    titles: Mapping[str, str] | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw a forest plot.

    Parameters
    ----------
    effects : pandas.DataFrame
        One row a trial: ``label, yi, ci_lb, ci_ub``, and where known ``rating, tier, converted,
        low_risk_items``. Ratios are logs; positive favours the right side.
    fit : Synthesis or Absent
        The pooled result of these rows, in their order. Without it, or with one trial, only the
        trials are drawn.
    measure : str
        ``SMD``, ``MD``, ``RD``, ``OR``, ``RR`` or ``HR``: names the axis; ratios get a log axis.
    favours : tuple of str
        Whom the left and the right side favour.
    smallest : float, optional
        Smallest effect of interest, drawn as a dotted line.
    by : str, optional
        Column of `effects` that groups the trials.
    levels : pandas.DataFrame, optional
        Pooled effect of each group, in the order to show them: ``name, estimate, ci_lb, ci_ub``,
        as :meth:`combined_care.moderators.Subgroups.to_frame` gives. Groups that it lacks come
        last and are said not to be pooled.
    titles : dict, optional
        Name of each group for readers.
    narrow : bool
        Stack text and lines for a narrow page.

    Returns
    -------
    matplotlib.figure.Figure
        Artists have gids: ``study-ci``, ``study-estimate``, ``level``, ``pooled``, ``pi``,
        ``null``, ``risk-of-bias``.

    Raises
    ------
    InputError
        If `levels` is given without `by`, or `effects` has no such column.

    Notes
    -----
    Squares have an area in proportion to the weight; an open square is a converted odds ratio.
    A diamond spans a confidence interval, open for a group; the prediction interval is a dashed
    line with end bars on a row of its own. An interval that leaves the plot ends in an arrow.
    :func:`forest_key` says so below the figure.
    """
    frame = effects.reset_index(drop=True)
    groups = grouped(frame, by, levels, titles)
    pooled = fit if isinstance(fit, Synthesis) and len(frame) > 1 else None
    with mpl.rc_context(RC):
        return draw_forest(
            frame, pooled, groups, measure=measure, favours=favours, smallest=smallest,
            narrow=narrow,
        )  # fmt: skip


def describe_forest(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] | None = None,
    by: str | None = None,
    levels: pd.DataFrame | None = None,
    titles: Mapping[str, str] | None = None,
) -> str:
    """Say in words what the forest plot shows: the text alternative of the figure.

    Parameters
    ----------
    effects, fit, measure, favours, by, levels, titles
        As for :func:`forest`.

    Returns
    -------
    str
        How many trials lie on which side, the pooled result of all and of each group, and the
        range of the trials.
    """
    k, (left, right) = len(effects), named_sides(favours)
    trials = "1 trial" if k == 1 else f"{k} trials"
    better = int((effects["ci_lb"] > 0).sum())
    worse = int((effects["ci_ub"] < 0).sum())
    said = [
        f"Forest plot of {trials}. {better} of {k} confidence intervals lie wholly on the side "
        f"that favours {right}, {worse} on the side that favours {left}, "
        f"{k - better - worse} include no effect."
    ]
    if k > 1:
        low, high = float(effects["yi"].min()), float(effects["yi"].max())
        said.append(
            f"Effects range from {symbol(measure)} {number(low, measure)} "
            f"to {number(high, measure)}."
        )
    said += [
        f"{group.title}, {group.counted}: {group.result(measure)}."
        for group in grouped(effects.reset_index(drop=True), by, levels, titles)
        if group.title
    ]
    if isinstance(fit, Synthesis) and k > 1:
        said += _pooled_words(fit, measure)
    return " ".join(said)


def _pooled_words(fit: Synthesis, measure: str) -> list[str]:
    pooled = effect_text(fit.estimate, (fit.ci_lb, fit.ci_ub), measure)
    said = [f"Pooled: {symbol(measure)} {pooled}."]
    if is_present(fit.pi_lb) and is_present(fit.pi_ub):
        ends = f"{number(fit.pi_lb, measure)} to {number(fit.pi_ub, measure)}"
        return [*said, f"Prediction interval {ends}."]
    return [*said, f"Prediction interval {fit.pi_lb}."]


def forest_key(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    smallest: Number | None = None,
    by: str | None = None,
) -> str:
    """Explain the marks that the forest plot of these trials has, and no others.

    Parameters
    ----------
    effects, fit, smallest, by
        As for :func:`forest`.

    Returns
    -------
    str
        Sentences for the caption.
    """
    is_pooled = isinstance(fit, Synthesis) and len(effects) > 1
    said = ["Squares: trials, larger with more weight" if is_pooled else "Squares: trials"]
    if "converted" in effects and effects["converted"].any():
        said.append("open square: an odds ratio converted to g")
    if by is not None:
        said.append("open diamond: pooled effect of a group")
    if isinstance(fit, Synthesis) and is_pooled:
        said.append("filled diamond: pooled effect of all trials")
        if is_present(fit.pi_lb):
            said.append("dashed line: prediction interval")
    if smallest is not None and is_present(smallest):
        said.append("dotted line: smallest effect of interest")
    if "tier" in effects:
        said.append("letters A to D: tier of the data")
    if "rating" in effects:
        said.append("c: rated by a clinician, s: by the patient, –: not recorded")
    if "low_risk_items" in effects:
        said.append(
            "disc and number: how many of 4 risk-of-bias items are at low risk (?: not rated)"
        )
    return "; ".join(said) + "."
