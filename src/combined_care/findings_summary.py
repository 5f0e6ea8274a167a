"""Summary of Findings: each effect, what it means for 100 people, and how certain it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from combined_care import markup
from combined_care.comparator_rates import mean_rate, ratio_of_event
from combined_care.errors import InputError
from combined_care.event_rates import AbsoluteEffect, absolute_effect, digits
from combined_care.overlap import (
    Proportion,
    probability_of_superiority,
    proportion_above_comparator_mean,
)
from combined_care.results import Absent, Number
from combined_care.scales import measure_name, natural
from combined_care.summary_rows import FindingsSummary, SummaryRow
from combined_care.synthesis import Synthesis
from combined_care.translation import NumberNeeded, nnt_from_ratio, nnt_from_smd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from combined_care.certainty import Certainty
    from combined_care.claims import Analysis
    from combined_care.estimands import Estimand
    from combined_care.event_rates import Event, Interval, RateMeasure
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult

#: An estimate with its interval, on the scale of the analysis.
Ends = tuple[Number, Number, Number]


def summary_of_findings(
    results: Sequence[AnalysisResult],
    certainties: Mapping[str, Certainty | Absent],
    evidence: Evidence,
    *,
    per: int = 100,
) -> FindingsSummary:
    """Summarise what the analyses of a claim found.

    Parameters
    ----------
    results : sequence of AnalysisResult
        Analyses of one claim, as a verdict holds them.
    certainties : mapping
        Analysis id -> its certainty; every result must have one.
    evidence : Evidence
        Gives event rates of the comparator arms, and names for readers.
    per : int
        People to count among.

    Returns
    -------
    FindingsSummary
        Values that the data cannot give are absent with the reason.

    Raises
    ------
    InputError
        If a result has no certainty, or `per` is not 100 or 1000.

    Notes
    -----
    Effects on events use the mean rate of the comparator arms of the same trials. A standardised
    difference is told as the event that the review names (Furukawa & Leucht 2011), at its mean rate
    in the comparator arms of the trials that answer the same question for it. These rates are taken
    as known: their uncertainty is not in the intervals. Rows follow GRADE guidelines 12 (Guyatt
    et al. 2013, doi:10.1016/j.jclinepi.2012.01.012).

    Examples
    --------
    >>> import combined_care as cc
    >>> answer = cc.ask(diagnosis="ocd", comparator="pharmacotherapy")
    >>> certainties = {answer.result.analysis.id: answer.certainty}
    >>> print(summary_of_findings([answer.result], certainties, answer.evidence))
    Against medication alone: Of 100 people, about ... Certainty is ...
    """
    if per not in (100, 1000):
        message = f"per must be 100 or 1000, got {per}"
        raise InputError(message)
    missing = [r.analysis.id for r in results if r.analysis.id not in certainties]
    if missing:
        message = f"no certainty is given for: {', '.join(missing)}"
        raise InputError(message)
    single = [r for r in results if r.moderator is None]
    return FindingsSummary(
        rows=tuple(_row(r, certainties[r.analysis.id], evidence, per) for r in single),
        compared=tuple(r.analysis.title for r in results if r.moderator is not None),
        per=per,
    )


def comparator_response_rate(analysis: Analysis, evidence: Evidence) -> tuple[Number, str]:
    """Return how many have an event with the comparator in trials on the question of an analysis.

    Parameters
    ----------
    analysis : Analysis
        An analysis of differences on scales.
    evidence : Evidence
        Where the trials are.

    Returns
    -------
    tuple
        The mean rate (or its absence) of the event that such effects are told as, and in words what
        it rests on.
    """
    event = evidence.review.told_as
    if not event:
        found = Absent("this review tells effects on scales as no event")
        return found, found.reason
    estimand = replace(analysis.estimand, outcome=event, measure=None)
    effects = evidence.select(estimand).effects
    rate = mean_rate(effects)
    named = evidence.name(event)
    basis = f"mean {named} with the comparator in {_trials(effects)} on the same question"
    return rate, rate.reason if isinstance(rate, Absent) else basis


@dataclass(frozen=True, slots=True)
class _Telling:
    """How effects of one analysis are told: as which event, at which rate with the comparator."""

    measure: str
    event: str
    wanted: Event | None
    rate: Number
    basis: str
    level: float

    def absolute(self, ends: Ends, interval: Interval = "confidence") -> AbsoluteEffect | Absent:
        """Return how many have the event in either arm."""
        found = self._on_event(ends)
        if isinstance(found, Absent):
            return found
        effect, rate, event = found
        return absolute_effect(
            cast("RateMeasure", self.measure),
            *effect,
            control_event_rate=rate,
            event=event,
            level=self.level,
            interval=interval,
        )

    def needed(self, ends: Ends) -> NumberNeeded | Absent:
        """Return the number needed; a difference without a rate is told by Kraemer-Kupfer."""
        numbers = _numbers(ends)
        if isinstance(numbers, Absent):
            return numbers
        if self.measure == "SMD" and isinstance(self.rate, Absent):
            return nnt_from_smd(*numbers, level=self.level)
        found = self._on_event(ends)
        if isinstance(found, Absent):
            return found
        effect, rate, event = found
        given: dict[str, Any] = {"control_event_rate": rate, "event": event, "level": self.level}
        if self.measure == "SMD":
            return nnt_from_smd(*effect, method="furukawa-leucht", **given)
        return nnt_from_ratio("RR" if self.measure == "RR" else "OR", *effect, **given)

    def overlap(self, ends: Ends) -> dict[str, Proportion | Absent]:
        """Return how the distributions of the two arms overlap."""
        numbers = _numbers(ends)
        if self.measure != "SMD":
            numbers = Absent(f"a {measure_name(self.measure)} gives no overlap of distributions")
        if isinstance(numbers, Absent):
            return {"above_mean": numbers, "superiority": numbers}
        return {
            "above_mean": proportion_above_comparator_mean(*numbers, level=self.level),
            "superiority": probability_of_superiority(*numbers, level=self.level),
        }

    def _on_event(self, ends: Ends) -> tuple[tuple[float, float, float], float, Event] | Absent:
        """Return effect and interval for the event as named, the rate, and whether it is wanted."""
        numbers = _numbers(ends)
        if isinstance(numbers, Absent):
            return numbers
        if isinstance(self.rate, Absent):
            return self.rate
        event = cast("Event", self.wanted)
        if self.measure == "SMD":
            return numbers, self.rate, event
        ratio, *limits = (ratio_of_event(end, event) for end in numbers)
        if self.measure == "RR" and self.rate * ratio > 1.0:
            return Absent("the risk ratio would lead to a rate above 100 %")
        return (ratio, min(limits), max(limits)), self.rate, event


def _numbers(ends: Ends) -> tuple[float, float, float] | Absent:
    estimate, lower, upper = ends
    for value in ends:
        if isinstance(value, Absent):
            return value
    return float(estimate), float(lower), float(upper)  # type: ignore[arg-type]


def _telling(result: AnalysisResult, evidence: Evidence, level: float) -> _Telling:
    estimand = result.analysis.estimand
    measure, outcome, review = estimand.wanted_measure, estimand.outcome, evidence.review
    if measure == "SMD":
        told, known = review.told_as, comparator_response_rate(result.analysis, evidence)
        return _Telling(measure, told, review.event(told), *known, level)
    wanted = review.event(outcome)
    if measure in ("OR", "RR") and wanted is not None:
        rate = mean_rate(result.effects)
        basis = f"mean of the comparator arms of {_trials(result.effects)} pooled here"
        basis = rate.reason if isinstance(rate, Absent) else basis
        return _Telling(measure, outcome, wanted, rate, basis, level)
    reason = f"a {measure_name(measure)} of {outcome} gives no rates"
    return _Telling(measure, "", None, Absent(reason), reason, level)


def _row(
    result: AnalysisResult, certainty: Certainty | Absent, evidence: Evidence, per: int
) -> SummaryRow:
    fit, estimand = result.fit, result.analysis.estimand
    told = _telling(result, evidence, fit.level if isinstance(fit, Synthesis) else 0.95)
    confidence, prediction = _ends(fit, "ci"), _ends(fit, "pi")
    scale = cast("Any", natural(told.measure))
    comparator = " or ".join(evidence.name(name) for name in estimand.comparator)
    row = SummaryRow(
        analysis=result.analysis.id,
        role=result.analysis.role,
        question=result.analysis.title,
        comparator=comparator or "any comparator",
        k=result.k,
        n=result.n,
        measure=told.measure,
        estimate=scale(confidence[0]),
        ci_lb=scale(confidence[1]),
        ci_ub=scale(confidence[2]),
        pi_lb=scale(prediction[1]),
        pi_ub=scale(prediction[2]),
        event=told.event,
        absolute=told.absolute(confidence),
        absolute_new=told.absolute(prediction, "prediction"),
        careful=_careful(result, told),
        rate_basis=told.basis,
        needed=told.needed(confidence),
        **told.overlap(confidence),
        certainty=certainty if isinstance(certainty, Absent) else certainty.level,
        per=per,
        sentence="",
    )
    return replace(row, sentence=_sentence(row, confidence, _who(estimand, evidence), evidence))


def _ends(fit: Synthesis | Absent, kind: str) -> Ends:
    if isinstance(fit, Absent):
        return fit, fit, fit
    return fit.estimate, getattr(fit, f"{kind}_lb"), getattr(fit, f"{kind}_ub")


def _careful(result: AnalysisResult, told: _Telling) -> AbsoluteEffect | None:
    if not (result.interval_is_narrow and isinstance(result.fit, Synthesis)):
        return None
    other = result.fit.inference("knha-conservative")
    found = told.absolute((result.fit.estimate, other.ci_lb, other.ci_ub))
    return None if isinstance(found, Absent) else found


def _trials(effects: pd.DataFrame) -> str:
    count = int(effects["rate_c"].notna().sum())
    return "1 trial" if count == 1 else f"{count} trials"


def _who(estimand: Estimand, evidence: Evidence) -> str:
    """Name what the people of the experimental arm had."""
    asked = estimand.experimental
    return evidence.name(asked[0]) if len(asked) == 1 else evidence.treatment(estimand)


def _sentence(row: SummaryRow, confidence: Ends, combined: str, evidence: Evidence) -> str:
    """Say in plain words what was found, for how many people, and how certain it is."""
    numbers = _numbers(confidence)
    if isinstance(row.estimate, Absent):
        return f"No estimate: {row.estimate.reason}."
    parts = [_size(row, combined, evidence), _spread(row)]
    if not isinstance(numbers, Absent) and numbers[1] <= 0.0 <= numbers[2]:
        parts.append("The result is compatible with no difference.")
    parts.append(f"Certainty is {row.certainty}.")
    return " ".join(part for part in parts if part)


def _size(row: SummaryRow, combined: str, evidence: Evidence) -> str:
    if isinstance(found := row.absolute, AbsoluteEffect):
        verb = evidence.review.outcomes[row.event].verb
        without, with_ = (
            digits(row.per * rate) for rate in (found.comparator_rate, found.experimental_rate)
        )
        return (
            f"Of {row.per} people, about {without} {verb} with {row.comparator} and "
            f"{with_} with {combined} ({100 * found.level:g} % CI {_range(row, found)})."
        )
    if isinstance(share := row.above_mean, Proportion):
        counts = (digits(row.per * x) for x in (share.estimate, share.ci_lb, share.ci_ub))
        better, low, high = counts
        return (
            f"Of {row.per} people with {combined}, about {better} ({100 * share.level:g} % CI "
            f"{low} to {high}) fare better than the average person with {row.comparator}."
        )
    effect = f"{measure_name(row.measure)} {markup.number(row.estimate)}"
    shown = markup.interval(row.ci_lb, row.ci_ub)
    return f"The effect is {effect} ({shown}); people cannot be counted: {found.reason}."


def _spread(row: SummaryRow) -> str:
    """Add the cautious interval, and what is to be expected elsewhere, where they differ."""
    if isinstance(row.absolute, Absent):
        return ""
    usual, words = _range(row, row.absolute), []
    if row.careful is not None and (cautious := _range(row, row.careful)) != usual:
        words.append(f"The trials agree unusually well; a more cautious interval is {cautious}.")
    new = row.absolute_new
    if not isinstance(new, Absent) and (elsewhere := _range(row, new)) != usual:
        words.append(f"Where it is tried anew, {elsewhere} are to be expected.")
    return " ".join(words)


def _range(row: SummaryRow, found: AbsoluteEffect) -> str:
    return f"{digits(row.per * found.rate_ci_lb)} to {digits(row.per * found.rate_ci_ub)}"
