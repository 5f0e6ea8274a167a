"""Results as HTML for a notebook's cell: the same figures as in the reports, each once."""

from __future__ import annotations

from itertools import count
from statistics import NormalDist
from typing import TYPE_CHECKING

from combined_care import figures, tables
from combined_care.markup import Safe, join, paragraph, text
from combined_care.reports import robustness
from combined_care.reports.answers import without_site_links

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.own_question import Answer
    from combined_care.results import Absent
    from combined_care.synthesis import Synthesis

#: What parts of the reports need of their style sheet: one of the two widths of a figure, words for
#: screen readers out of sight, and wide tables that scroll by themselves.
_STYLE = Safe(
    "<style>.combined-care .narrow { display: none } .combined-care .scroll { overflow-x: auto } "
    ".combined-care .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; "
    "clip-path: inset(50%) } .combined-care figure { margin: .5em 0 } "
    ".combined-care figcaption { font-size: .9em }</style>"
)

#: Names of figures: several of a kind may stand in one notebook.
_NUMBERS = count(1)


def in_notebook(*parts: object) -> Safe:
    """Show parts of the reports in a cell: styled, and without links to pages that are not there.

    Examples
    --------
    >>> "combined-care" in in_notebook(paragraph("a & b"))
    True
    """
    return Safe(f'{_STYLE}<div class="combined-care">{without_site_links(join(parts))}</div>')


def forest_of(answer: Answer) -> Safe:
    """Draw the forest plot of an answer; a sentence where there is no trial to draw.

    Parameters
    ----------
    answer : Answer
        From :func:`combined_care.ask`.

    Returns
    -------
    Safe
        HTML that Jupyter shows: a figure with a text alternative and a caption.

    Examples
    --------
    >>> from combined_care.own_question import ask
    >>> shown = forest_of(ask(diagnosis="ocd", comparator="pharmacotherapy"))
    >>> shown.count("<svg")
    1
    """
    if not answer.k:
        return in_notebook(paragraph(f"Nothing to draw: {answer.fit}."))
    result = answer.result
    comparators = result.analysis.estimand.comparator
    other = answer.evidence.name(comparators[0]) if len(comparators) == 1 else "the comparator"
    return forest_of_effects(
        answer.effects,
        answer.fit,
        measure=result.analysis.estimand.wanted_measure,
        favours=(other, answer.evidence.review.treatment),
        smallest=result.smallest_effect,
    )


def forest_of_effects(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    *,
    measure: str = "SMD",
    favours: tuple[str, str] = ("the comparator", "combined treatment"),
    smallest: float | Absent | None = None,
) -> Safe:
    """Draw the forest plot of effects and of a result pooled from them.

    Parameters
    ----------
    effects : pandas.DataFrame
        As :meth:`combined_care.evidence.Evidence.effects` gives it; at least ``label, yi, vi``.
    fit : Synthesis or Absent
        The pooled result of these rows, in their order.
    measure, favours, smallest
        As for :func:`combined_care.figures.forest`.

    Returns
    -------
    Safe
        HTML that Jupyter shows.
    """
    effects = _with_intervals(effects)
    said = figures.describe_forest(effects, fit, measure=measure, favours=favours)
    key = figures.forest_key(effects, fit, smallest=smallest)
    drawn = figures.forest(effects, fit, measure=measure, favours=favours, smallest=smallest)
    svg = figures.to_svg(
        drawn, name=f"forest-{next(_NUMBERS)}", title="Forest plot", description=said
    )
    return _figure(svg, f"{said} {key}")


def funnel_of_effects(effects: pd.DataFrame, fit: Synthesis, *, measure: str = "SMD") -> Safe:
    """Draw the funnel plot of effects and of a result pooled from them.

    Parameters
    ----------
    effects : pandas.DataFrame
        As :meth:`combined_care.evidence.Evidence.effects` gives it.
    fit : Synthesis
        The pooled result of these rows, in their order.
    measure : str
        Names the axis.

    Returns
    -------
    Safe
        HTML that Jupyter shows.
    """
    said = figures.describe_funnel(effects, fit, measure=measure)
    svg = figures.to_svg(
        figures.funnel(effects, fit, measure=measure),
        name=f"funnel-{next(_NUMBERS)}",
        title="Funnel plot",
        description=said,
    )
    return _figure(svg, said)


def robustness_of(answer: Answer) -> Safe:
    """Show how many other defensible analyses agree with an answer, and draw all of them.

    Parameters
    ----------
    answer : Answer
        From :func:`combined_care.ask` with ``robustness=True``.

    Returns
    -------
    Safe
        HTML that Jupyter shows.
    """
    return in_notebook(robustness.robustness(answer.verdict))


def verdict_of(answer: Answer) -> Safe:
    """Say the verdict of an answer: its label with its sign, what it means and what it rests on."""
    return in_notebook(tables.verdict_box(answer.verdict), tables.decisive_table(answer.verdict))


def checks_of(answer: Answer) -> Safe:
    """Show the conditions of the decision rule, with what was found for each."""
    return in_notebook(tables.checks_table(answer.result))


def _with_intervals(effects: pd.DataFrame) -> pd.DataFrame:
    """Add the interval of each trial where it is missing, as in other people's data."""
    if {"ci_lb", "ci_ub"} <= set(effects.columns):
        return effects
    half = NormalDist().inv_cdf(0.975) * effects["vi"] ** 0.5
    return effects.assign(ci_lb=effects["yi"] - half, ci_ub=effects["yi"] + half)


def _figure(svg: str, caption: str) -> Safe:
    return in_notebook(Safe(f"<figure>{svg}<figcaption>{text(caption)}</figcaption></figure>"))
