"""Do small trials find other effects than large ones, and how did the evidence grow?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care import figure_tables, figures
from combined_care import tables as shown
from combined_care.egger import FEWEST_TRIALS, egger_test
from combined_care.markup import Safe, bullets, details, join, paragraph
from combined_care.reports import parts
from combined_care.sensitivity import cumulative
from combined_care.small_study import pet_peese
from combined_care.step_selection import selection_model
from combined_care.synthesis import Synthesis
from combined_care.trim_fill import trim_and_fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from combined_care.claims import Rules
    from combined_care.findings import AnalysisResult
    from combined_care.sensitivity import Cumulative
    from combined_care.verdicts import Verdict

_FEWEST_STEPS, _MOST_STEPS = 3, 12
_NOT_MEANT = (
    "Small trials can differ from large ones for many reasons: other patients, more intensive "
    "treatment, weaker methods, results that never appeared, or chance. These methods cannot tell "
    "the reasons apart, and none of them gives a corrected effect."
)


def small_trials(verdict: Verdict) -> Safe:
    """Show small-study effects and the growth of the evidence of every decisive analysis.

    Parameters
    ----------
    verdict : Verdict
        A claim that trials can test.
    """
    return join(
        [
            paragraph(_NOT_MEANT),
            *(_analysis(result, verdict.claim.rules) for result in verdict.decisive),
        ]
    )


def _analysis(result: AnalysisResult, rules: Rules) -> Safe:
    return parts.section(
        f"small-trials-{result.analysis.id}",
        f"Small and large trials: {result.analysis.title}",
        *_content(result, rules),
        level=3,
    )


def _content(result: AnalysisResult, rules: Rules) -> Iterator[Safe]:
    fit = result.fit
    if result.moderator is not None:
        yield paragraph("Levels are compared here; trials are not looked at by their size.")
        return
    if not isinstance(fit, Synthesis):
        yield paragraph(f"Nothing is pooled: {fit.reason}.")
        return
    if fit.k < FEWEST_TRIALS:
        trials = shown.sentence(shown.count(fit.k))
        yield paragraph(
            f"{trials}: with fewer than {FEWEST_TRIALS} a test of small-study effects would say "
            "little, and none is made."
        )
    else:
        yield _funnel(result, fit)
        yield bullets(_tests(result.effects, result.analysis.estimand.wanted_measure, rules))
    if fit.k >= _FEWEST_STEPS:
        yield _growth(result, rules)


def _funnel(result: AnalysisResult, fit: Synthesis) -> Safe:
    measure = result.analysis.estimand.wanted_measure
    said = figures.describe_funnel(result.effects, fit, measure=measure)
    picture = parts.figure(
        lambda narrow: figures.funnel(result.effects, fit, measure=measure, narrow=narrow),
        name=f"funnel-{result.analysis.id}",
        title=f"Funnel plot: {result.analysis.title}",
        description=said,
        caption=said,
    )
    caption = f"{shown.title(result)}: effects and standard errors"
    table = figure_tables.funnel_table(result.effects, caption=caption, measure=measure)
    return join([picture, details("The same as a table", table)])


def _tests(effects: pd.DataFrame, measure: Any, rules: Rules) -> Iterator[str]:
    """Say what each method finds, and how many trials cannot enter for want of arm sizes.

    The sentences are those of the results; ratios are logs in them.
    """
    sized = effects.dropna(subset=["n_e", "n_c"])
    if measure != "SMD":
        yield "The numbers below are logarithms of ratios: 0 is no effect."
    if len(sized) < len(effects):
        rest = shown.count(len(effects) - len(sized))
        yield f"Tests by the size of the arms leave out {rest} without arm sizes."
    given = [sized[name].to_numpy(dtype=float) for name in ("yi", "vi", "n_e", "n_c")]
    yield str(egger_test(*given, measure=measure))
    yield str(pet_peese(*given, measure=measure))
    yi, vi = (effects[name].to_numpy(dtype=float) for name in ("yi", "vi"))
    yield str(trim_and_fill(yi, vi, method=rules.method, test=rules.test, level=rules.level))
    yield str(selection_model(yi, vi, level=rules.level))


def _growth(result: AnalysisResult, rules: Rules) -> Safe:
    """Show the pooled effect as trials were published; trials without a year cannot enter."""
    dated = result.effects.dropna(subset=["year"])
    missing = len(result.effects) - len(dated)
    if len(dated) < _FEWEST_STEPS:
        return paragraph("Too few trials have a year to show how the evidence grew.")
    found = cumulative(
        dated["yi"].to_numpy(dtype=float), dated["vi"].to_numpy(dtype=float),
        order=dated["year"].to_numpy(dtype=float), method=rules.method, test=rules.test,
        level=rules.level, slab=tuple(dated["label"]),
    )  # fmt: skip
    left = f" Left out for want of a year: {shown.count(missing)}." if missing else ""
    measure = result.analysis.estimand.wanted_measure
    said = (
        f"In the order of publication. {figures.describe_cumulative(found.table, measure=measure)}"
    )
    drawn = (
        _steps_figure(result, found, f"{said}{left}")
        if found.full.k <= _MOST_STEPS
        else join([paragraph(f"{said}{left}"), _steps_table(result, found)])
    )
    return details("How the pooled effect changed as trials were published", drawn)


def _steps_figure(result: AnalysisResult, found: Cumulative, said: str) -> Safe:
    measure, smallest = result.analysis.estimand.wanted_measure, result.smallest_effect
    return parts.figure(
        lambda narrow: figures.cumulative(
            found.table, measure=measure, smallest=smallest, narrow=narrow
        ),
        name=f"cumulative-{result.analysis.id}",
        title=f"Pooled effect by year: {result.analysis.title}",
        description=said,
        caption=said,
    )


def _steps_table(result: AnalysisResult, found: Cumulative) -> Safe:
    """Show many steps as a table: a figure with a line for each grows too long to be read."""
    measure = result.analysis.estimand.wanted_measure
    caption = f"{shown.title(result)}: pooled effect by year"
    return figure_tables.cumulative_table(found.table, caption=caption, measure=measure)
