"""One more trial: how precise it would be, and what it must find to change a label."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from scipy.special import expit, logit

from combined_care import labels, markup
from combined_care.comparator_rates import mean_rate
from combined_care.conversions import log_odds_from_smd
from combined_care.decisions import label_words
from combined_care.effects import smd_variance
from combined_care.relabelling import LabelRule
from combined_care.results import Absent, FloatArray, Number, Result, is_present
from combined_care.review import current_review
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.claims import Rules
    from combined_care.decisions import Label
    from combined_care.effects import Measure, SmdVariance
    from combined_care.event_rates import Event
    from combined_care.findings import AnalysisResult

#: People per arm that are tried.
SIZES = (25, 50, 100, 200, 500, 1000)
#: Largest effect that is tried, on the scale of g: few trials of any treatment find more.
LARGEST_G = 1.5
#: Points of the grid of effects, and halvings that locate a change between two of them.
_POINTS, _HALVINGS = 121, 40
_END = Absent("the end of the range that was searched")


@dataclass(frozen=True, slots=True)
class Design:
    """How precise a trial of two equal arms is, at a given effect, on the scale of an analysis.

    Attributes
    ----------
    measure : {"SMD", "OR", "RR"}
        Scale; ratios as logs, positive favouring combined treatment.
    variance_of_g : str
        Formula of the variance of g, for SMD.
    rate : float
        Event rate of the comparator, for ratios.
    event : {"good", "bad"}
        Whether the event is wanted, for ratios.
    """

    measure: Measure
    variance_of_g: SmdVariance
    rate: float = 0.5
    event: Event = "good"

    @classmethod
    def of(cls, result: AnalysisResult) -> Design | Absent:
        """Take the design of a further trial from an analysis and its trials.

        The comparator's event rate is the mean of those of the pooled trials, as for the smallest
        effect of interest (:func:`combined_care.labels.smallest_effect_on`).
        """
        asked = result.analysis.estimand
        measure, outcome = asked.wanted_measure, asked.outcome
        if measure == "SMD":
            return cls(measure, asked.variance)
        if measure not in {"OR", "RR"}:
            return Absent(f"the precision of a {measure_name(measure)} does not follow from people")
        event = current_review().event(outcome)
        if event is None:
            return Absent(f"it is not known whether the event {outcome!r} is wanted")
        rate = mean_rate(result.effects)
        if isinstance(rate, Absent):
            return rate
        return cls(measure, asked.variance, rate, event)

    def variance(self, effect: npt.ArrayLike, n_per_arm: npt.ArrayLike) -> FloatArray:
        """Return the sampling variance at an effect, from the expected numbers of events."""
        y, n = np.asarray(effect, dtype=np.float64), np.asarray(n_per_arm, dtype=np.float64)
        if self.measure == "SMD":
            return smd_variance(y, n, n, kind=self.variance_of_g)
        other = self._experimental_rate(y)
        if self.measure == "OR":
            parts = [1 / (rate * (1 - rate)) for rate in (other, self.rate)]
        else:
            parts = [(1 - rate) / rate for rate in (other, self.rate)]
        return np.asarray((parts[0] + parts[1]) / n)

    def from_g(self, g: float) -> float:
        """Bring an effect on the scale of g to that of the analysis, by its odds ratio (Chinn)."""
        if self.measure == "SMD":
            return g
        log_odds = float(log_odds_from_smd(g))
        if self.measure == "OR":
            return log_odds
        sign = 1.0 if self.event == "good" else -1.0
        rate = float(expit(logit(self.rate) + sign * log_odds))
        return sign * float(np.log(rate / self.rate))

    def _experimental_rate(self, effect: FloatArray) -> FloatArray:
        ratio = effect if self.event == "good" else -effect
        if self.measure == "OR":
            return np.asarray(expit(logit(self.rate) + ratio))
        return np.asarray(self.rate * np.exp(ratio))


@dataclass(frozen=True, eq=False, kw_only=True)
class FurtherTrial(Result):
    """Findings of one more trial of one size that would give one other label.

    Attributes
    ----------
    measure : str
        Scale of the effects; ratios as logs.
    n_per_arm : int
        People per arm.
    label : str
        The label with that trial.
    low, high : float or Absent
        From which to which effect of the new trial; absent where the range that was searched ends.
    """

    caption: ClassVar[str] = "Further trial that changes the label"

    measure: Measure
    n_per_arm: int
    label: Label
    low: Number
    high: Number

    @property
    def findings(self) -> str:
        """The range of findings in words, on the scale that readers know."""
        scale = natural(self.measure)
        low, high = (markup.number(scale(end)) for end in (self.low, self.high))
        match is_present(self.low), is_present(self.high):
            case True, True:
                return f"{low} to {high}"
            case True, False:
                return f"{low} or more"
            case False, True:
                return f"{high} or less"
        return "any effect"

    def __str__(self) -> str:
        found = f"{measure_name(self.measure)} {self.findings}"
        return f"{self.n_per_arm} per arm, {found}: {label_words(self.label)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class FurtherTrials(Result):
    """What one more trial must find to change a label, for several sizes.

    Attributes
    ----------
    before : str
        The label that the interval of the trials at hand gives.
    measure : str
        Scale of the effects; ratios as logs.
    sizes : tuple of int
        People per arm that were tried.
    lowest, highest : float
        Range of effects that was searched.
    found : tuple of FurtherTrial
        In the order of sizes and effects; empty where no trial changes the label.
    """

    caption: ClassVar[str] = "One further trial"

    before: Label
    measure: Measure
    sizes: tuple[int, ...]
    lowest: float
    highest: float
    found: tuple[FurtherTrial, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence a label that a further trial could give, and one on sizes that cannot."""
        name, before = measure_name(self.measure), label_words(self.before)
        said = []
        for label in dict.fromkeys(trial.label for trial in self.found):
            ways: dict[str, list[int]] = {}
            for trial in sorted(self.found, key=_side):
                if trial.label == label:
                    ways.setdefault(trial.findings, []).append(trial.n_per_arm)
            shown = "; or ".join(f"{way} with {_either(n)} per arm" for way, n in ways.items())
            said.append(
                f"One more trial would change the label from '{before}' to '{label_words(label)}' "
                f"if it found {name} {shown}."
            )
        idle = [n for n in self.sizes if n not in {trial.n_per_arm for trial in self.found}]
        if idle:
            scale = natural(self.measure)
            tried = markup.interval(scale(self.lowest), scale(self.highest))
            said.append(
                f"With {_either(idle)} per arm, no effect of plausible size ({name} {tried}) in "
                f"one more trial would change the label '{before}'."
            )
        return tuple(said)

    def __str__(self) -> str:
        return " ".join(self.sentences)


def _side(trial: FurtherTrial) -> tuple[bool, bool]:
    """Sort findings below a value first, then those between two, then those above."""
    return is_present(trial.low), not is_present(trial.high)


def _either(sizes: Sequence[int]) -> str:
    *first, last = (f"{size:,}" for size in sizes)
    return f"{', '.join(first)} or {last} people" if first else f"{last} people"


class _Run(NamedTuple):
    """Neighbouring points of the grid of one size that give one other label."""

    size: int
    first: int
    last: int
    label: Label


def further_trials(
    result: AnalysisResult, rules: Rules, sizes: Sequence[int] = SIZES
) -> FurtherTrials | Absent:
    """Find what one more trial must find to change the label of an analysis.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    rules : Rules
        Model and thresholds.
    sizes : sequence of int
        People per arm of the new trial.

    Returns
    -------
    FurtherTrials or Absent
        Absent where the label does not rest on one interval, or a trial's precision is not known.

    Notes
    -----
    The new trial enters the same model. Effects from -1.5 to 1.5 on the scale of g (ratios by
    Chinn's conversion) are tried on a grid of 121 points, and every change of label is located by
    bisection; a range of effects narrower than a step of the grid may be missed. A very large
    effect may change a label in the unexpected direction, because it also raises tau².
    """
    fit, design = result.fit, Design.of(result)
    if result.analysis.kind == "moderator":
        return Absent("a moderator's label rests on a test of levels, not on one interval")
    if not isinstance(fit, Synthesis):
        return Absent(fit.reason)
    if fit.k < rules.min_trials:
        return Absent(f"with fewer than {rules.min_trials} trials there is no label to change")
    if isinstance(design, Absent):
        return design
    before = labels.interval_label(result.analysis, fit, rules, result.smallest_effect)
    search = _Search(LabelRule.of(result, rules), fit, design, before)
    grid = np.linspace(design.from_g(-LARGEST_G), design.from_g(LARGEST_G), _POINTS)
    return FurtherTrials(
        before=before,
        measure=design.measure,
        sizes=tuple(sizes),
        lowest=float(grid[0]),
        highest=float(grid[-1]),
        found=tuple(search.trials(grid, sizes)),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """The trials at hand, the rule, and a further trial to try."""

    rule: LabelRule
    fit: Synthesis
    design: Design
    before: Label

    def trials(self, grid: FloatArray, sizes: Sequence[int]) -> list[FurtherTrial]:
        """Label every effect of every size, and locate where the label changes."""
        people = np.repeat(sizes, grid.size)
        found = self.labels(np.tile(grid, len(sizes)), people)
        runs = [
            run
            for i, size in enumerate(sizes)
            for run in self._runs(size, found[i * grid.size : (i + 1) * grid.size])
        ]
        lows = self._edges(grid, runs, [run.first for run in runs], -1)
        highs = self._edges(grid, runs, [run.last for run in runs], +1)
        return [
            FurtherTrial(
                measure=self.design.measure,
                n_per_arm=run.size,
                label=run.label,
                low=low,
                high=high,
            )
            for run, low, high in zip(runs, lows, highs, strict=True)
        ]

    def labels(self, effect: FloatArray, n_per_arm: npt.ArrayLike) -> list[Label]:
        """Label the analysis with one more trial; one variant an effect."""
        variance = self.design.variance(effect, n_per_arm)
        old = [np.tile(values, (effect.size, 1)) for values in (self.fit.yi, self.fit.vi)]
        yi, vi = (np.column_stack(pair) for pair in zip(old, (effect, variance), strict=True))
        return self.rule.many(yi, vi).labels

    def _runs(self, size: int, found: list[Label]) -> list[_Run]:
        starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(found)) if a != b), len(found)]
        runs = [_Run(size, a, b - 1, found[a]) for a, b in pairwise(starts)]
        return [run for run in runs if run.label != self.before]

    def _edges(
        self, grid: FloatArray, runs: list[_Run], points: list[int], step: int
    ) -> list[Number]:
        """Locate the end of each run beyond a point of the grid, on the side of the run."""
        beyond = np.array(points, dtype=int) + step
        open_ended = (beyond < 0) | (beyond >= grid.size)
        inside, outside = grid[points], grid[np.clip(beyond, 0, grid.size - 1)]
        people = np.array([run.size for run in runs])
        for _ in range(_HALVINGS if runs else 0):
            middle = (inside + outside) / 2
            pairs = zip(self.labels(middle, people), runs, strict=True)
            same = np.array([label == run.label for label, run in pairs])
            inside, outside = np.where(same, middle, inside), np.where(same, outside, middle)
        ends = zip(inside.tolist(), open_ended.tolist(), strict=True)
        return [_END if is_open else end for end, is_open in ends]
