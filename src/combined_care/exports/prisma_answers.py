"""What a run did, item by item of PRISMA 2020: every number is counted or computed from the run."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, NamedTuple

from combined_care import __version__
from combined_care.anchors import trials_place
from combined_care.exports.prisma_run import asked_words
from combined_care.markup import interval, p_value
from combined_care.results import Absent, is_present
from combined_care.scales import natural
from combined_care.synthesis import Synthesis
from combined_care.tables.words import effect_words, equals, moderator_words, sentence, title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from combined_care.exports.prisma_run import Run
    from combined_care.findings import AnalysisResult

Status = Literal["reported", "in part", "not done", "for a person"]

_SMALL = "small-study effects"
_MODELS = {"EE": "one common effect"}
_INTERVALS = {
    "z": "intervals from the normal distribution",
    "knha": "Knapp-Hartung intervals",
    "knha-conservative": "Knapp-Hartung intervals, never narrower than the normal ones",
}


class Answered(NamedTuple):
    """How far the run answers an item, in words, and where it is reported."""

    status: Status
    done: str
    where: tuple[str, ...] = ()


def eligibility(run: Run) -> Answered:
    """13a: which trials belong to which synthesis."""
    each = _each(run.results, lambda r: asked_words(r.analysis.estimand, run.evidence))
    fixed = "As the registry of claims states it" if run.page else "Asked with the data at hand"
    return Answered("reported", f"{fixed}.\n{each}", _analyses(run))


def preparation(run: Run) -> Answered:
    """13b: how numbers were made ready."""
    effects = run.effects
    how = effects["how"].value_counts()
    rule, asked = run.evidence.rule, run.results[0].analysis.estimand
    said = (
        f"One effect a trial and comparator, chosen by a fixed rule. Of {len(effects)} effects "
        f"{how.get('row', 0)} rest on one row, {how.get('arms merged', 0)} on arms put together, "
        f"{how.get('averaged', 0)} on several results averaged (assumed correlation "
        f"{rule.correlation:g}); {int(effects['converted'].sum())} were converted from odds "
        f"ratios, {int(effects['derived'].sum())} rest on numbers computed from others, "
        f"{int((effects['tier'] == 'C').sum())} on arm sizes that are assumed. Variance of g: "
        f"{asked.variance}. Missing numbers were not imputed otherwise."
    )
    return Answered("reported", said, ("methods.html", *_analyses(run)))


def layout(run: Run) -> Answered:
    """13c: how results are laid out."""
    if not run.page:
        return Answered("not done", "A question of one's own has no page among the reports.")
    said = f"A forest plot and a table of trials for {_of(run.answered, run.results)} analyses."
    return Answered("reported", said, _analyses(run))


def synthesis(run: Run) -> Answered:
    """13d: model and software."""
    rules = run.verdict.claim.rules
    fits = [r.fit for r in run.results if isinstance(r.fit, Synthesis)]
    model = _MODELS.get(rules.method, f"random effects, variance between trials by {rules.method}")
    said = (
        f"{sentence(model)}; {_INTERVALS[rules.test]} at {100 * rules.level:g} %. "
        f"{len(fits)} of {len(run.results)} analyses could be pooled. "
        f"{_further(fits)}combined-care {__version__}, numpy {version('numpy')}, "
        f"scipy {version('scipy')}. Why this model was chosen is for a person to write."
    )
    return Answered("in part", said, ("methods.html",))


def heterogeneity(run: Run) -> Answered:
    """13e: how differences between trials were looked into."""
    compared = [r for r in run.results if r.moderator is not None]
    if not compared:
        return Answered("not done", "No analysis compares trials by a characteristic.")
    names = _each(compared, lambda r: f"by {r.analysis.moderator.replace('_', ' ')}")
    return Answered("reported", f"Levels compared in one model.\n{names}", _analyses(run, compared))


def sensitivity(run: Run) -> Answered:
    """13f: sensitivity analyses."""
    titles = dict.fromkeys(s.title for r in run.results for s in r.sensitivities)
    without = sum(not r.leave_one_out.empty for r in run.results)
    parts = [f"Each analysis again {'; '.join(titles)}."] if titles else []
    if without:
        parts.append(f"Each trial left out in turn in {without} of {len(run.results)} analyses.")
    if not isinstance(run.verdict.robustness, Absent):
        parts.append(f"{run.verdict.robustness.n:,} other combinations of choices.")
    if not parts:
        return Answered("not done", "The analyses were not repeated with other choices.")
    return Answered("reported", " ".join(parts), _places(run, "robustness", "turning"))


def missing_results(run: Run) -> Answered:
    """14: how bias from missing results was assessed."""
    rules = dict.fromkeys(domain.rule for _, domain in run.domains(_SMALL))
    if not rules:
        return Answered("not done", "No analysis was rated, so small-study effects were not.")
    said = f"{' '.join(rules)} Results that trials did not report: for a person."
    return Answered("in part", said, _places(run, "small-trials", "certainty"))


def certainty_method(run: Run) -> Answered:
    """15: how certainty was assessed."""
    rated = [r.certainty for r in run.results if not isinstance(r.certainty, Absent)]
    if not rated:
        return Answered("not done", "Certainty was not rated: " + _why_unrated(run))
    judged = sum(len(found.overrides) for found in rated)
    said = (
        f"{len(rated)} of {len(run.results)} analyses rated by fixed rules in "
        f"{len(rated[0].domains)} domains; {judged} judgements of persons stand beside them."
    )
    return Answered("reported", said, ("methods.html", *_places(run, "certainty")))


def study_flow(run: Run) -> Answered:
    """16a: from what was found to what was included."""
    each = _each(run.results, _flow)
    said = f"{each}\nSearch and screening are not part of the run: for a person."
    return Answered("in part", said, ("data.html", *_analyses(run)))


def left_out(run: Run) -> Answered:
    """16b: what was left out, and why."""
    reasons: dict[str, set[str]] = {}
    for result in run.results:
        for row_id, reason in result.not_pooled[["row_id", "reason"]].itertuples(index=False):
            reasons.setdefault(str(reason), set()).add(str(row_id))
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    counts = "; ".join(f"{len(rows)} ({reason})" for reason, rows in ordered)
    said = f"Rows left out: {counts or 'none'}. Studies never entered in the tables: for a person."
    return Answered("in part", said, _analyses(run))


def characteristics(run: Run) -> Answered:
    """17: the included trials and their references."""
    trials = run.trials
    cited = int(((trials["doi"] != "") | (trials["pmid"] != "")).sum())
    said = f"{len(trials)} trials with their characteristics; {cited} with a DOI or PubMed number."
    places = _trial_tables(run) or ("references.bib", "data/trials.csv")
    return Answered("reported" if cited == len(trials) else "in part", said, places)


def risk_of_bias(run: Run) -> Answered:
    """18: risk of bias of each trial."""
    known = int(run.trials["low_risk_items"].notna().sum())
    if not known:
        return Answered("not done", f"None of {len(run.trials)} trials has a judgement.")
    said = (
        f"{known} of {len(run.trials)} trials have a count of items at low risk of bias, as a "
        "database judged them; judgements item by item are for a person."
    )
    return Answered("in part", said, _trial_tables(run))


def single_results(run: Run) -> Answered:
    """19: results of single trials."""
    known = int(run.effects["n"].notna().sum())
    said = (
        f"{len(run.effects)} effects, each with its interval and the rows it comes from; "
        f"{known} with the people of both arms."
    )
    return Answered("reported", said, _trial_tables(run) or ("data/effects.csv",))


def contributing(run: Run) -> Answered:
    """20a: what the trials of each synthesis are like."""

    def words(result: AnalysisResult) -> str:
        counted = f"trials: {result.k}; people: {result.people}."
        if isinstance(result.certainty, Absent):
            return f"{counted} Risk of bias across them: {result.certainty}"
        return f"{counted} {result.certainty.domain('risk of bias').sentence}"

    return Answered("reported", _each(run.results, words), _analyses(run))


def pooled(run: Run) -> Answered:
    """20b: the pooled results."""
    favours = " or ".join(map(run.evidence.name, run.results[0].analysis.estimand.experimental))
    said = f"Larger favours {favours}.\n{_each(run.results, _pooled_words)}"
    return Answered("reported", said, _analyses(run))


def heterogeneity_results(run: Run) -> Answered:
    """20c: what the comparisons of levels found."""
    found = [(r, r.moderator) for r in run.results if r.moderator is not None]
    if not found:
        return Answered("not done", "See 13e.")
    said = "\n".join(f"{title(r)}: {moderator_words(m)}." for r, m in found)
    return Answered("reported", said, _analyses(run, [r for r, _ in found]))


def sensitivity_results(run: Run) -> Answered:
    """20d: what the sensitivity analyses found."""
    parts = [words for r in run.results if (words := _repeated(r))]
    if not isinstance(run.verdict.robustness, Absent):
        parts.append(str(run.verdict.robustness))
    if not parts:
        return Answered("not done", "See 13f.")
    return Answered("reported", "\n".join(parts), _places(run, "robustness", "turning"))


def missing_results_found(run: Run) -> Answered:
    """21: bias from missing results, per synthesis."""
    found = [f"{title(r)}: {domain.sentence}" for r, domain in run.domains(_SMALL)]
    if not found:
        return Answered("not done", "See 14.")
    return Answered("in part", "\n".join(found), _places(run, "small-trials", "certainty"))


def certainty_found(run: Run) -> Answered:
    """22: certainty of each synthesis."""
    if all(isinstance(r.certainty, Absent) for r in run.results):
        return Answered("not done", "Certainty was not rated: " + _why_unrated(run))
    said = _each(run.results, lambda r: str(r.certainty))
    return Answered("reported", said, _places(run, "certainty"))


def availability(run: Run) -> Answered:
    """27: data, code and materials."""
    said = (
        f"Data release {run.evidence.release}, every row with the page it was read from; code of "
        f"combined-care {__version__}. At which public address they stay is for a person to write."
    )
    return Answered("in part", said, ("data.html", "methods.html"))


def _each(results: Iterable[AnalysisResult], words: Callable[[AnalysisResult], str]) -> str:
    """Say something of each analysis, one a line."""
    return "\n".join(f"{title(r)}: {words(r).rstrip('.')}." for r in results)


def _of(some: tuple[AnalysisResult, ...], all_of: tuple[AnalysisResult, ...]) -> str:
    return f"{len(some)} of {len(all_of)}"


def _places(run: Run, *anchors: str) -> tuple[str, ...]:
    return tuple(place for anchor in anchors if (place := run.place(anchor)))


def _analyses(run: Run, only: Iterable[AnalysisResult] | None = None) -> tuple[str, ...]:
    results = run.results if only is None else only
    return _places(run, *(result.analysis.id for result in results))


def _trial_tables(run: Run) -> tuple[str, ...]:
    return _places(run, *(trials_place(result.analysis.id) for result in run.answered))


def _further(fits: list[Synthesis]) -> str:
    """Say how prediction intervals and the spread of effects were computed, where they were."""
    told = [fit for fit in fits if is_present(fit.tau2_ci_lb)]
    if not told:
        return ""
    return (
        f"Prediction intervals with {told[0].pi_df} degrees of freedom, Q-profile intervals of "
        "tau², I² from tau². "
    )


def _flow(result: AnalysisResult) -> str:
    used = len({row for ids in result.effects["row_ids"] for row in ids})
    spare, out = len(result.selection.alternatives), len(result.not_pooled)
    return (
        f"{used + spare + out} rows asked for, {out} left out, {spare} kept as alternatives, "
        f"{used} used for {len(result.effects)} effects of {result.k} trials"
    )


def _pooled_words(result: AnalysisResult) -> str:
    fit, measure = result.fit, result.analysis.estimand.wanted_measure
    if isinstance(fit, Absent):
        return f"nothing is pooled: {fit.reason}"
    said = f"{effect_words(fit, measure)} from {fit.k} trials"
    if is_present(fit.pi_lb) and is_present(fit.pi_ub):
        scale = natural(measure)
        said += f", prediction interval {interval(scale(fit.pi_lb), scale(fit.pi_ub))}"
    if is_present(fit.tau2) and is_present(fit.i2):
        said += (
            f", tau² {fit.tau2:.3f}, I² {fit.i2:.0f} %, "
            f"Q {fit.q:.1f} (p {equals(p_value(fit.q_pval))})"
        )
    return said


def _repeated(result: AnalysisResult) -> str:
    """Say how many repetitions of an analysis lead to its label."""
    parts = []
    if result.sensitivities:
        same = sum(s.label == result.label for s in result.sensitivities)
        parts.append(f"{same} of {len(result.sensitivities)} with another choice")
    table = result.leave_one_out
    if not table.empty:
        low, high = table["estimate"].min(), table["estimate"].max()
        same = int((table["verdict"] == result.label).sum())
        bounds = interval(low, high)
        parts.append(f"{same} of {len(table)} without one trial (on its scale {bounds})")
    if not parts:
        return ""
    label = result.label.replace("_", " ")
    return f"{title(result)} ({label}): the same label in {', '.join(parts)}."


def _why_unrated(run: Run) -> str:
    return "; ".join(dict.fromkeys(str(r.certainty) for r in run.results)) + "."
