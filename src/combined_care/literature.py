"""Our results beside those that reviews published: how far apart they are, and likely reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from combined_care import differences
from combined_care.contrasts import REPORTED_AS
from combined_care.effects import RATIOS
from combined_care.labels import smallest_effect_on
from combined_care.published_map import keys_of
from combined_care.results import Absent, Number, Result, is_present
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis, synthesize
from combined_care.verdicts import pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from combined_care.claims import Rules
    from combined_care.differences import LikelyReason
    from combined_care.estimands import Estimand
    from combined_care.evidence import Evidence
    from combined_care.published_map import Match, PublishedMap

#: Yes, no, or why neither can be said.
Answer = bool | Absent


@dataclass(frozen=True, eq=False, kw_only=True)
class PublishedResult(Result):
    """A pooled result as a review printed it, turned so that positive favours combined treatment.

    Attributes
    ----------
    measure : str
        ``SMD``, ``MD``, ``OR``, ``RR`` or ``HR``; ratios are logs.
    estimate, ci_lb, ci_ub : float or Absent
        The pooled effect and its 95 % interval.
    k : int or Absent
        Number of trials of this contrast.
    """

    caption: ClassVar[str] = "Published result"

    measure: str
    estimate: Number
    ci_lb: Number
    ci_ub: Number
    k: Number

    def __str__(self) -> str:
        show = natural(self.measure)
        trials = f"{self.k:g} trials" if is_present(self.k) else "an unknown number of trials"
        span = "interval not available"
        if is_present(self.ci_lb) and is_present(self.ci_ub):
            span = f"95 % CI {show(self.ci_lb):.2f} to {show(self.ci_ub):.2f}"
        name = measure_name(self.measure)
        return f"Published {name} {show(self.estimate):.2f}, {span}, from {trials}."


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Result):
    """One published result beside ours on the same question.

    All effects are in `measure`, ratios as logs, positive in favour of combined treatment.

    Attributes
    ----------
    review, doi, source_url : str
        The review, and the page where its number was read.
    year : int or Absent
        When it was published.
    contrast, outcome, subgroup : str
        The question in the words of the review.
    question : str
        The question that we ask of our data.
    measure : str
        The measure of the row, in which both are compared.
    theirs : PublishedResult
        What the review found.
    ours : Synthesis or Absent
        Our trials under the project's model.
    ours_their_method : Synthesis or Absent
        Our trials pooled as the review did; under the project's model where that is not known.
    their_method : str
        How the review pooled, or that it is not known.
    trials : tuple of str
        Identifiers of the trials that we pool.
    difference : float or Absent
        Our estimate less theirs.
    smallest_effect : float or Absent
        The smallest effect of interest in the same measure, to judge the difference by.
    inside, overlap, same_direction, inside_theirs, inside_prediction : bool or Absent
        Whether their estimate lies in our confidence interval, the intervals overlap, both
        estimates are on the same side of no effect, our estimate lies in their interval, and
        their estimate lies in our prediction interval.
    obstacle : str
        Why the two are not counted as comparable; empty where they are.
    likely_reasons : tuple of LikelyReason
        What may set the two apart, computed from the trials.
    """

    caption: ClassVar[str] = "Published result and ours"

    review: str
    year: Number
    doi: str
    source_url: str
    contrast: str
    outcome: str
    subgroup: str
    question: str
    measure: str
    theirs: PublishedResult
    ours: Synthesis | Absent
    ours_their_method: Synthesis | Absent
    their_method: str
    trials: tuple[str, ...]
    difference: Number
    smallest_effect: Number
    inside: Answer
    overlap: Answer
    same_direction: Answer
    inside_theirs: Answer
    inside_prediction: Answer
    obstacle: str
    likely_reasons: tuple[LikelyReason, ...]

    @property
    def comparable(self) -> bool:
        """Whether both sides have an estimate and an interval, and ours enough trials."""
        return not self.obstacle

    def __str__(self) -> str:
        if isinstance(self.ours, Absent):
            return f"{self.review}: {self.theirs} Ours is {self.ours}."
        show, fit = natural(self.measure), self.ours
        trials = "1 trial" if fit.k == 1 else f"{fit.k} trials"
        span = f"{show(fit.ci_lb):.2f} to {show(fit.ci_ub):.2f}"
        return f"{self.review}: {self.theirs} Ours {show(fit.estimate):.2f}, {span}, from {trials}."


@dataclass(frozen=True, eq=False, kw_only=True)
class LiteratureSummary(Result):
    """How our results and the published ones agree, all comparisons together.

    Attributes
    ----------
    rows, matched : int
        Published results in the table, and those that an estimand of ours answers.
    comparable : int
        Of these, where both sides have an estimate and an interval and we pool enough trials.
    inside, overlap, same_direction, inside_theirs : int
        Comparable results for which that holds, see :class:`Comparison`.
    unmatched : dict of str to int
        Reason -> number of rows that nothing of ours answers.
    not_comparable : dict of str to int
        Reason -> number of matched rows that are not counted.
    """

    caption: ClassVar[str] = "Agreement with published results"

    rows: int
    matched: int
    comparable: int
    inside: int
    overlap: int
    same_direction: int
    inside_theirs: int
    unmatched: Mapping[str, int]
    not_comparable: Mapping[str, int]

    def __str__(self) -> str:
        return (
            f"Of {self.rows} published results {self.matched} match a question of ours and "
            f"{self.comparable} can be compared: the published estimate lies in our interval for "
            f"{self.inside}, ours in theirs for {self.inside_theirs}, the intervals overlap for "
            f"{self.overlap}, and both point the same way for {self.same_direction}."
        )


def compare_with_published(
    evidence: Evidence, rules: Rules, published_map: PublishedMap
) -> tuple[Comparison, ...]:
    """Set each published result that a question of ours matches beside our own result.

    Parameters
    ----------
    evidence : Evidence
        From :func:`combined_care.evidence.load_evidence`.
    rules : Rules
        The model and the thresholds that all claims share.
    published_map : PublishedMap
        From :func:`combined_care.published_map.load_published_map`.

    Returns
    -------
    tuple of Comparison
        One a matched row, in the order of the table.

    Notes
    -----
    Both results largely rest on the same trials, so that no test of their difference is made.
    The published number is never pooled.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import combined_care as cc
    >>> evidence, rules = cc.load_evidence(), cc.load_claims()["ocd-combined"].rules
    >>> published_map = cc.load_published_map(evidence)
    >>> first = replace(published_map, matches=published_map.matches[:1])
    >>> (comparison,) = compare_with_published(evidence, rules, first)
    >>> print(comparison.theirs)
    Published ..., 95 % CI ..., from ... trials.
    >>> set(comparison.trials) <= set(evidence.trials["trial_id"])
    True
    """
    rows = keys_of(evidence)
    return tuple(
        _compare(match, rows[match.key], evidence, rules) for match in published_map.matches
    )


def summarise(comparisons: Sequence[Comparison], published_map: PublishedMap) -> LiteratureSummary:
    """Count how many published results agree with ours."""
    counted = [c for c in comparisons if c.comparable]
    names = ("inside", "overlap", "same_direction", "inside_theirs")
    return LiteratureSummary(
        rows=len(published_map.matches) + len(published_map.unmatched),
        matched=len(comparisons),
        comparable=len(counted),
        unmatched=_counts(published_map.unmatched.values()),
        not_comparable=_counts(c.obstacle for c in comparisons if not c.comparable),
        **{name: sum(getattr(c, name) is True for c in counted) for name in names},
    )


def to_frame(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return one row a comparison, on the scales that readers know; absences keep their reason.

    Returns
    -------
    pandas.DataFrame
        ``review, year, question, measure``; ``theirs, ours, their_method`` each with ``_ci_lb``
        and ``_ci_ub``; ``theirs_k, ours_k, ours_pi_lb, ours_pi_ub``; and the answers. Ratios
        above 1 and differences above 0 favour combined treatment.
    """
    return pd.DataFrame([_row(comparison) for comparison in comparisons])


def _compare(match: Match, row: Any, evidence: Evidence, rules: Rules) -> Comparison:
    estimand = replace(match.estimand, variance=rules.smd_variance)
    selection = match.narrow(evidence).select(estimand)
    theirs, ours = _published(match, row), pool(selection.effects, rules)
    year = Absent("the table holds no year") if np.isnan(row.year) else int(row.year)
    as_theirs = _pooled_their_way(match, ours)
    return Comparison(
        review=row.review_label,
        year=year,
        doi=row.doi,
        source_url=row.source_url,
        contrast=row.contrast,
        outcome=row.outcome,
        subgroup=row.subgroup,
        question=question(estimand, evidence),
        measure=theirs.measure,
        theirs=theirs,
        ours=ours,
        ours_their_method=as_theirs,
        their_method=differences.method_words(match.model),
        trials=tuple(selection.effects["trial_id"]),
        smallest_effect=smallest_effect_on(theirs.measure, selection.effects, rules),
        obstacle=_obstacle(theirs, ours, rules),
        likely_reasons=differences.likely_reasons(
            match, selection, ours, as_theirs, their_k=theirs.k, year=year, rules=rules
        ),
        **_answers(theirs, ours),
    )


def _published(match: Match, row: Any) -> PublishedResult:
    """Turn a printed result to our direction and, for ratios, to logs."""
    measure = REPORTED_AS[row.effect_measure]
    printed = np.array([row.effect, row.ci_low, row.ci_high], dtype=np.float64)
    values = np.log(printed) if measure in RATIOS else printed
    if match.larger_favours == "comparator":
        values = -values[[0, 2, 1]]
    estimate, lower, upper = (_number(v, "the source does not give it") for v in values)
    if not (is_present(lower) and is_present(upper)):
        lower = upper = Absent("the source gives no full interval")
    elsewhere = "the printed number of trials is not that of this contrast"
    k = _number(row.k, "the source does not give it")
    if is_present(k):
        k = int(k) if match.k_is_of_contrast else Absent(elsewhere)
    return PublishedResult(measure=measure, estimate=estimate, ci_lb=lower, ci_ub=upper, k=k)


def _number(value: float, reason: str) -> Number:
    return Absent(reason) if np.isnan(value) else float(value)


def _pooled_their_way(match: Match, ours: Synthesis | Absent) -> Synthesis | Absent:
    if isinstance(ours, Absent) or match.model is None:
        return ours
    method, test = match.model
    return synthesize(ours.yi, ours.vi, method=method, test=test, level=ours.level, slab=ours.slab)


def _obstacle(theirs: PublishedResult, ours: Synthesis | Absent, rules: Rules) -> str:
    """Say why a pair is not counted: with fewer trials than a verdict needs nothing is settled."""
    if isinstance(ours, Absent):
        return ours.reason
    if not is_present(theirs.estimate):
        return "the review gives no estimate"
    if not is_present(theirs.ci_lb):
        return "the review gives no full interval"
    if ours.k < rules.min_trials:
        return f"fewer than {rules.min_trials} trials of ours"
    return ""


def _answers(theirs: PublishedResult, ours: Synthesis | Absent) -> dict[str, Any]:
    """Compare two estimates and their intervals; what one of them lacks stays unanswered."""
    names = ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub")
    have = {name: ours if isinstance(ours, Absent) else getattr(ours, name) for name in names}
    mine, point = have["estimate"], theirs.estimate
    return {
        "difference": _of(lambda a, b: a - b, mine, point),
        "same_direction": _of(lambda a, b: bool(np.sign(a) == np.sign(b)), mine, point),
        "inside": _of(_within, point, have["ci_lb"], have["ci_ub"]),
        "inside_theirs": _of(_within, mine, theirs.ci_lb, theirs.ci_ub),
        "inside_prediction": _of(_within, point, have["pi_lb"], have["pi_ub"]),
        "overlap": _of(
            lambda a, b, c, d: a <= d and c <= b,
            *(have["ci_lb"], have["ci_ub"], theirs.ci_lb, theirs.ci_ub),
        ),
    }


def _of(function: Callable[..., Any], *values: Number) -> Any:
    """Apply a function to numbers; the first absence is the answer when one is missing."""
    absent = [value for value in values if isinstance(value, Absent)]
    return absent[0] if absent else function(*values)


def _within(value: float, lower: float, upper: float) -> bool:
    return lower <= value <= upper


def _counts(reasons: Iterable[str]) -> dict[str, int]:
    """Count each reason, the most frequent first."""
    return dict(Counter(reasons).most_common())


def question(estimand: Estimand, evidence: Evidence) -> str:
    """Put an estimand into one line for readers: what against what, in whom, which outcome."""
    words = {name: " or ".join(map(evidence.name, v)) for name, v in estimand.trials.items()}
    who = words.pop("diagnosis", "any diagnosis")
    who += f", {words.pop('population')}" if "population" in words else ""
    against = " or ".join(map(evidence.name, estimand.comparator)) or "any comparator"
    when = " or ".join(map(evidence.name, estimand.phase)) or "any time"
    if estimand.weeks is not None:
        when += f", weeks {estimand.weeks[0]:g} to {estimand.weeks[1]:g}"
    first = f"{evidence.review.treatment} against {against}"
    parts = [first, who, evidence.name(estimand.outcome), when]
    parts += [f"{column.replace('_', ' ')}: {named}" for column, named in words.items()]
    return "; ".join(parts)


def _row(comparison: Comparison) -> dict[str, Any]:
    show = natural(comparison.measure)
    row: dict[str, Any] = {
        name: getattr(comparison, name) for name in ("review", "year", "question", "measure")
    }
    sides = {
        "theirs": comparison.theirs,
        "ours": comparison.ours,
        "their_method": comparison.ours_their_method,
    }
    for side, found in sides.items():
        for name in ("estimate", "ci_lb", "ci_ub"):
            column = side if name == "estimate" else f"{side}_{name}"
            row[column] = show(found if isinstance(found, Absent) else getattr(found, name))
    fit = comparison.ours
    row["theirs_k"], row["ours_k"] = comparison.theirs.k, len(comparison.trials)
    for name in ("pi_lb", "pi_ub"):
        row[f"ours_{name}"] = show(fit if isinstance(fit, Absent) else getattr(fit, name))
    answers = ("inside", "overlap", "same_direction", "inside_theirs", "inside_prediction")
    return row | {name: getattr(comparison, name) for name in (*answers, "obstacle")}
