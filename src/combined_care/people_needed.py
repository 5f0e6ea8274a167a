"""How many people it takes to reach a verdict, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import ndtri

from combined_care import markup
from combined_care.further_trial import Design
from combined_care.information_size import optimal_information_size
from combined_care.results import Absent, Number, Result, is_present
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from combined_care.claims import Rules
    from combined_care.effects import Measure
    from combined_care.findings import AnalysisResult

POWERS = (0.8, 0.9)
_LARGE = 1000.0
_THIN = frozenset({"insufficient", "not_demonstrated_imprecise"})


@dataclass(frozen=True, eq=False, kw_only=True)
class PeopleNeeded(Result):
    """People needed for an answer, if the true effect is the assumed one.

    Attributes
    ----------
    kind, measure : str
        Kind and scale of the analysis.
    power, level : float
        Probability of an answer, and level of the confidence interval.
    effect : float
        True effect that is assumed: the smallest effect of interest, or none for equivalence.
    new_trial : int
        People in one new trial that answers alone, both arms together.
    total : int or Absent
        People in all trials together, given the heterogeneity found; absent where that is unknown.
    diversity : float or Absent
        Share of the pooled variance that is due to heterogeneity, D².
    k : int
        Trials that D² was estimated from.
    existing : int
        People in the trials that report arm sizes.
    existing_words : str
        The same in words, naming trials without arm sizes.
    """

    caption: ClassVar[str] = "People needed for a verdict"

    kind: str
    measure: Measure
    power: float
    level: float
    effect: float
    new_trial: int
    total: int | Absent
    diversity: Number
    k: int
    existing: int
    existing_words: str

    @property
    def short(self) -> str:
        """The numbers alone, after a sentence that explains them."""
        total = "" if isinstance(self.total, Absent) else f" and {self.total:,} in all trials"
        return f"For {100 * self.power:g} % it is {self.new_trial:,} in one new trial{total}."

    def __str__(self) -> str:
        goal = "show equivalence" if self.kind == "equivalence" else "exclude no effect"
        shown = markup.number(natural(self.measure)(self.effect))
        told = (
            f"One new trial needs {self.new_trial:,} people to {goal} with a chance of "
            f"{100 * self.power:g} % if the true effect is {measure_name(self.measure)} {shown}"
        )
        return f"{told}; {self._together()}. People so far: {self.existing_words}{self._rest()}."

    def _together(self) -> str:
        if isinstance(self.total, Absent):
            return self.total.reason
        if self.total == self.new_trial:
            return f"so do all trials together, as no heterogeneity was found among {self.k}"
        share = f"{100 * self.diversity:.0f}" if is_present(self.diversity) else ""
        return (
            f"all trials together need {self.total:,}, as {share} % of the pooled variance is "
            f"heterogeneity (estimated from {self.k} trials)"
        )

    def _rest(self) -> str:
        if isinstance(self.total, Absent) or self.existing < self.total:
            return ""
        return "; what the trials found, rather than their size, leaves the question open"


def people_needed(result: AnalysisResult, rules: Rules) -> tuple[PeopleNeeded, ...] | Absent:
    r"""Compute how many people an open question needs, for a power of 80 % and of 90 %.

    Parameters
    ----------
    result : AnalysisResult
        An analysis whose label is insufficient or imprecise.
    rules : Rules
        Level of the intervals.

    Returns
    -------
    tuple of PeopleNeeded, or Absent
        One a power; absent where more people are not what is missing, or nothing is known of the
        precision of a trial.

    Notes
    -----
    The size of one new trial is the optimal information size for the smallest effect of interest
    (:mod:`combined_care.information_size`), as in the certainty of the evidence. For equivalence
    (two one-sided tests, no true difference) it is :math:`2 (z_{level} + z_{(1 + power) / 2})^2
    v_1 / s^2`, with :math:`v_1 / n` the variance of a trial of :math:`n` people per arm and
    :math:`s` the smallest effect of interest. All trials together need :math:`1 / (1 - D^2)`
    times as many, where :math:`D^2 = 1 - v_F / v_R` compares the variances of the pooled effect
    without and with :math:`\tau^2` [1]_.

    References
    ----------
    .. [1] Wetterslev, Thorlund, Brok & Gluud (2009), doi:10.1186/1471-2288-9-86.
    """
    kind, smallest = result.analysis.kind, result.smallest_effect
    if kind == "moderator":
        return Absent("the people that a test of levels needs depend on the levels")
    if result.label not in _THIN:
        return Absent("the label does not wait for more people")
    if kind == "meaningful":
        return Absent(
            "no number of people shows that an effect exceeds the smallest effect of interest if "
            "it is exactly that"
        )
    if isinstance(smallest, Absent):
        return smallest
    diversity, found = _diversity(result), []
    for power in POWERS:
        size = _one_trial(result, rules, smallest, power)
        if isinstance(size, Absent):
            return size
        found.append(
            PeopleNeeded(
                kind=kind,
                measure=result.analysis.estimand.wanted_measure,
                power=power,
                level=rules.level,
                effect=0.0 if kind == "equivalence" else smallest,
                new_trial=int(size),
                total=_total(size, diversity),
                diversity=diversity,
                k=result.k,
                existing=result.n,
                existing_words=result.people,
            )
        )
    return tuple(found)


def _one_trial(result: AnalysisResult, rules: Rules, smallest: float, power: float) -> Number:
    """Return the people of one new trial that answers the question alone, both arms together."""
    asked = result.analysis.estimand
    if result.analysis.kind != "equivalence":
        return optimal_information_size(
            asked.wanted_measure,
            asked.outcome,
            result.effects,
            smallest,
            alpha=1 - rules.level,
            power=power,
        )
    design = Design.of(result)
    if isinstance(design, Absent):
        return design
    # The variance falls as 1/n, but for the last digits of some formulas for g.
    unit = _LARGE * float(design.variance(0.0, _LARGE))
    z = float(ndtri(rules.level) + ndtri((1 + power) / 2))
    return 2 * ceil(z**2 * unit / smallest**2)


def _total(new_trial: float, diversity: Number) -> int | Absent:
    if isinstance(diversity, Absent):
        return diversity
    return 2 * ceil(new_trial / 2 / (1 - diversity))


def _diversity(result: AnalysisResult) -> Number:
    """Return D², or why heterogeneity is not known."""
    fit = result.fit
    if not isinstance(fit, Synthesis) or fit.k < 2 or not is_present(fit.tau2):
        trials = "1 trial" if result.k == 1 else f"{result.k} trials"
        return Absent(f"heterogeneity cannot be estimated from {trials}")
    fixed, random = (1 / np.sum(1 / (fit.vi + tau2)) for tau2 in (0.0, fit.tau2))
    return float(1 - fixed / random)
