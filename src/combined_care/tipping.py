"""What would change the label of an analysis: the tipping points, together and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from combined_care import labels, markup
from combined_care.decisions import label_words
from combined_care.further_trial import FurtherTrials, further_trials
from combined_care.people_needed import PeopleNeeded, people_needed
from combined_care.relabelling import LabelRule
from combined_care.removals import Removals, removals
from combined_care.results import Absent, Number, Result, is_present
from combined_care.scales import RATIO_NAMES, measure_name, natural
from combined_care.synthesis import Synthesis, synthesize

if TYPE_CHECKING:
    from combined_care.claims import Rules
    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult

#: A shift goes beyond a threshold by this share, since labels may change only past it.
_BEYOND = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class Bias(Result):
    """The shared bias of all trials that would change a label.

    Attributes
    ----------
    before : str
        The label that the interval gives.
    overestimated : bool
        Whether the trials would have to overestimate the gain (True) or underestimate it.
    shift : float or Absent
        Smallest such bias, positive, on the scale of the analysis (ratios as logs); absent where
        no bias in this direction changes the label.
    label : str or Absent
        The label without that bias.
    smallest_effect : float or Absent
        Smallest effect of interest, to compare with.
    measure : str
        Scale of the analysis.
    """

    caption: ClassVar[str] = "Shared bias that changes the label"

    before: Label
    overestimated: bool
    shift: Number
    label: Label | Absent
    smallest_effect: Number
    measure: str

    @property
    def relative(self) -> Number:
        """The bias in units of the smallest effect of interest."""
        for part in (self.shift, self.smallest_effect):
            if not is_present(part):
                return part
        return float(self.shift) / float(self.smallest_effect)  # type: ignore[arg-type]

    def __str__(self) -> str:
        way = "overestimated" if self.overestimated else "underestimated"
        before = label_words(self.before)
        if not is_present(self.shift) or isinstance(self.label, Absent):
            return f"No bias by which all trials {way} the gain changes the label '{before}'."
        shown = markup.number(natural(self.measure)(self.shift))
        factor = "a factor of " if self.measure in RATIO_NAMES else f"{measure_name(self.measure)} "
        told = (
            f"If all trials {way} the gain by {factor}{shown}, the label would be "
            f"'{label_words(self.label)}' instead of '{before}'"
        )
        if not is_present(self.relative):
            return f"{told}."
        return (
            f"{told}; that is {markup.number(self.relative)} times the smallest effect of interest."
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class TippingPoints(Result):
    """What would change the label of one analysis.

    Attributes
    ----------
    analysis, title : str
        Which analysis.
    label : str
        Its label.
    removals : Removals or Absent
        Trials whose removal changes it.
    further : FurtherTrials or Absent
        What one more trial must find.
    bias : tuple of Bias, or Absent
        The shared bias that would, in either direction.
    people : tuple of PeopleNeeded, or Absent
        People needed, where the label is insufficient or imprecise.
    """

    caption: ClassVar[str] = "What would change the label"

    analysis: str
    title: str
    label: Label
    removals: Removals | Absent
    further: FurtherTrials | Absent
    bias: tuple[Bias, ...] | Absent
    people: tuple[PeopleNeeded, ...] | Absent

    @property
    def sentences(self) -> tuple[str, ...]:
        """All tipping points in plain sentences; what is absent is said with its reason."""
        said = [_said("Removing trials", self.removals)]
        if isinstance(self.further, Absent):
            said.append(_said("One more trial", self.further))
        else:
            said += self.further.sentences
        if isinstance(self.bias, Absent):
            said.append(_said("A shared bias", self.bias))
        else:
            said += map(str, self.bias)
        if isinstance(self.people, Absent):
            said.append(_said("People needed", self.people))
        else:
            said.append(" ".join([str(self.people[0]), *(more.short for more in self.people[1:])]))
        return tuple(said)

    def __str__(self) -> str:
        return f"{self.title}: {label_words(self.label)}. {' '.join(self.sentences)}"


def tipping_points(result: AnalysisResult, rules: Rules) -> TippingPoints:
    """Find what would change the label of an analysis.

    Parameters
    ----------
    result : AnalysisResult
        From :func:`combined_care.verdicts.judge`.
    rules : Rules
        Of its claim.

    Returns
    -------
    TippingPoints
        Moderator analyses have removals only.

    Notes
    -----
    All of it concerns the label that the interval gives by the rule of the analysis. See
    :func:`combined_care.removals.removals`, :func:`combined_care.further_trial.further_trials`
    and :func:`combined_care.people_needed.people_needed` for what each part assumes.

    Examples
    --------
    >>> import combined_care as cc
    >>> answer = cc.ask(diagnosis="ocd", comparator="pharmacotherapy")
    >>> found = tipping_points(answer.result, answer.verdict.claim.rules)
    >>> print(found)
    against medication alone: ... all trials overestimated the gain ...
    >>> found.label == answer.label, len(found.bias)
    (True, 2)
    """
    return TippingPoints(
        analysis=result.analysis.id,
        title=result.analysis.title,
        label=result.label,
        removals=removals(result, rules),
        further=further_trials(result, rules),
        bias=shared_bias(result, rules),
        people=people_needed(result, rules),
    )


def shared_bias(result: AnalysisResult, rules: Rules) -> tuple[Bias, ...] | Absent:
    """Find the bias, shared by all trials, that would change the label of an analysis.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    rules : Rules
        Model and thresholds.

    Returns
    -------
    tuple of Bias, or Absent
        If the trials overestimated the gain, and if they underestimated it.

    Notes
    -----
    A shift that all effects share changes neither their differences nor, with variances held
    fixed, tau², weights and standard error: it moves the interval as a whole. The shift is
    therefore exact: a distance between an end of an interval and a threshold.
    """
    fit = result.fit
    if result.analysis.kind == "moderator":
        return Absent("a bias that all levels share does not change the differences between them")
    if not isinstance(fit, Synthesis):
        return Absent(fit.reason)
    if fit.k < rules.min_trials:
        return Absent(f"with fewer than {rules.min_trials} trials there is no label to change")
    rule, outer = LabelRule.of(result, rules), labels.bounds(fit)
    narrow = synthesize(fit.yi, fit.vi, fit.method, fit.test, 2 * rules.level - 1)
    ends = [*outer, *labels.bounds(narrow)]
    thresholds = [0.0] if rule.smallest is None else [0.0, rule.smallest, -rule.smallest]
    shifts = sorted((end - threshold for end in ends for threshold in thresholds), key=abs)
    before = rule.label(outer, labels.bounds(narrow))

    def tip(*, overestimated: bool) -> Bias:
        these = [shift for shift in shifts if (shift > 0) == overestimated]
        shift, label = _first(rule, ends, these, before)
        return Bias(
            before=before,
            overestimated=overestimated,
            shift=shift,
            label=label,
            smallest_effect=result.smallest_effect,
            measure=result.analysis.estimand.wanted_measure,
        )

    return tip(overestimated=True), tip(overestimated=False)


def _first(
    rule: LabelRule, ends: list[float], shifts: list[float], before: Label
) -> tuple[Number, Label | Absent]:
    """Return the first shift that changes the label, just beyond its threshold."""
    for shift in shifts:
        size = shift * (1 + _BEYOND)
        lower, upper, inner_lower, inner_upper = (end - size for end in ends)
        label = rule.label((lower, upper), (inner_lower, inner_upper))
        if label != before:
            return abs(size), label
    reason = Absent("no bias in this direction changes the label")
    return reason, reason


def _said(name: str, value: object) -> str:
    return f"{name}: {value.reason}." if isinstance(value, Absent) else str(value)
