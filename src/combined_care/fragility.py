"""How much contrary evidence would it take? Fail-safe numbers, and one null trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import special

from combined_care import inputs, markup
from combined_care.errors import InputError
from combined_care.results import Absent, FloatArray, Number, Result, is_present
from combined_care.synthesis import Synthesis, synthesize, synthesize_many

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.inputs import Labels
    from combined_care.tau2 import Method

#: Sizes tried, as multiples of the largest and of the smallest sampling variance at hand.
_SMALLEST_TRIAL, _LARGEST_TRIAL = 1e2, 1e-6
_POINTS_PER_DECADE, _HALVINGS = 12, 40


@dataclass(frozen=True, eq=False, kw_only=True)
class FailSafeN(Result):
    """How many null results would undo a finding.

    Attributes
    ----------
    kind : str
        ``"Rosenthal"`` or ``"Orwin"``.
    k : int
        Number of trials.
    n : int
        Number of trials with effect 0 needed; 0 when the finding is not there to undo.
    observed : float
        One-sided p value of the combined z (Rosenthal), or the absolute unweighted mean (Orwin).
    threshold : float
        What `observed` must reach: the one-sided level, or the target effect.
    """

    caption = "Fail-safe number"

    kind: str
    k: int
    n: int
    observed: float
    threshold: float

    def __str__(self) -> str:
        what = "trials of effect 0 beside the" if self.n != 1 else "trial of effect 0 beside the"
        goal = (
            f"bring the combined one-sided p to {self.threshold:g}"
            if self.kind == "Rosenthal"
            else f"bring the unweighted mean from {markup.number(self.observed)} to "
            f"{self.threshold:g}"
        )
        return f"Fail-safe N ({self.kind}): {self.n} {what} {self.k} would {goal}."


@dataclass(frozen=True, eq=False, kw_only=True)
class NullTrial(Result):
    """How large one more trial without any effect must be to change a verdict.

    Attributes
    ----------
    k : int
        Number of trials at hand.
    before : str
        The verdict on them.
    after : str or Absent
        The verdict with the smallest null trial that changes it; absent when none does.
    vi : float or Absent
        Sampling variance of that trial: the largest one that changes the verdict.
    n_per_arm : int or Absent
        The same in people per arm.
    smallest_vi, largest_vi : float
        Range of the sampling variances that were tried.
    note : str
        What a reader must know besides; empty when nothing.
    fit : Synthesis or Absent
        The trials pooled together with the null trial.
    """

    caption = "The null trial that would change the verdict"

    k: int
    before: str
    after: str | Absent
    vi: Number
    n_per_arm: int | Absent
    smallest_vi: float
    largest_vi: float
    note: str
    fit: Synthesis | Absent = field(repr=False)

    def __str__(self) -> str:
        if isinstance(self.vi, Absent):
            return f"The verdict {self.before!r} stays: {self.vi.reason}."
        people = (
            "" if isinstance(self.n_per_arm, Absent) else f" (about {self.n_per_arm} people an arm)"
        )
        note = f"; {self.note}" if self.note else ""
        return (
            f"One more trial of effect 0 with a sampling variance of {self.vi:.3g}{people} or less "
            f"would change the verdict from {self.before!r} to {self.after!r}{note}."
        )


def fail_safe_n(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    kind: Literal["Rosenthal", "Orwin"] = "Rosenthal",
    alpha: float = 0.05,
    target: float | None = None,
) -> FailSafeN:
    r"""Count the null results that would undo a finding.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and sampling variances.
    kind : {"Rosenthal", "Orwin"}
        Until the combined p value, or until the mean effect, is unremarkable.
    alpha : float
        One-sided level (Rosenthal).
    target : float, optional
        Effect too small to matter (Orwin), such as the smallest effect of interest; its sign does
        not count.

    Returns
    -------
    FailSafeN
        A finding in either direction is counted against.

    Raises
    ------
    InputError
        If an effect or variance is unusable, `alpha` is not between 0 and one half, or Orwin's
        `target` is missing or 0.

    Notes
    -----
    Rosenthal: :math:`(\sum z)^2 / z_\alpha^2 - k` with :math:`z_i = y_i / \sqrt{v_i}` [1]_;
    Orwin: :math:`k (|\bar y| - target) / target` [2]_; both rounded up. They ignore how large the
    unseen trials might be, that they may favour the other arm, and heterogeneity; see
    :func:`null_trial_to_change` for a question with fewer assumptions.

    References
    ----------
    .. [1] Rosenthal (1979), doi:10.1037/0033-2909.86.3.638.
    .. [2] Orwin (1983), doi:10.3102/10769986008002157.

    Examples
    --------
    >>> fail_safe_n([0.3, 0.6, 0.5], [0.04, 0.02, 0.03], kind="Orwin", target=0.24).n
    3
    """
    inputs.check_choice("kind", kind, ("Rosenthal", "Orwin"))
    effects, variances, _ = inputs.check_effects(yi, vi)
    k = effects.size
    if kind == "Rosenthal":
        if not 0.0 < alpha < 0.5:
            message = f"alpha must lie between 0 and 0.5, such as 0.05; got {alpha!r}"
            raise InputError(message)
        z = abs(float((effects / np.sqrt(variances)).sum()))
        needed = float((z / special.ndtri(alpha)) ** 2) - k
        observed, threshold = float(special.ndtr(-z / np.sqrt(k))), alpha
    else:
        threshold = _magnitude(target)
        observed = abs(float(effects.mean()))
        needed = k * (observed / threshold - 1.0)
    return FailSafeN(kind=kind, k=k, n=_up(needed), observed=observed, threshold=threshold)


def _magnitude(target: float | None) -> float:
    if target is None or not 0.0 < abs(target) < np.inf:
        message = f"Orwin's target must be an effect other than 0, such as 0.24; got {target!r}"
        raise InputError(message)
    return abs(float(target))


def _up(number: float) -> int:
    """Round up, but not what only rounding error has lifted above a whole number."""
    return max(0, ceil(number - 1e-9 * (1.0 + abs(number))))


def null_trial_to_change(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    verdict: Callable[[Synthesis], str] | None = None,
    *,
    unit_variance: float | None = None,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> NullTrial:
    r"""Find how large one further trial of effect 0 must be to change a verdict.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances.
    verdict : callable, optional
        Turns a :class:`~combined_care.synthesis.Synthesis` into a label. By default the side of 0
        on which the confidence interval lies.
    unit_variance : float, optional
        Sampling variance of a trial with one person per arm, to express the size in people:
        2 for the standardised mean difference, 2 SD² for the mean difference, 2 / (p (1 - p)) for
        the log odds ratio at event rate p.
    method, test, level, slab
        As for :func:`~combined_care.synthesis.synthesize`.

    Returns
    -------
    NullTrial
        The smallest trial that changes the verdict, or the statement that no size does.

    Raises
    ------
    InputError
        If an effect or variance is unusable, an option is unknown, or `unit_variance` is not
        positive.

    Notes
    -----
    Sizes from a hundred times the largest to a millionth of the smallest sampling variance are
    searched from small trials to large ones, 12 steps a decade, and the first change is located by
    bisection. One trial often cannot change a verdict under random effects, however large: its
    weight is bounded by 1/tau². Under Knapp-Hartung even an empty trial counts as a degree of
    freedom; the note says so when that alone changes the verdict.

    Examples
    --------
    >>> found = null_trial_to_change([0.3, 0.6, 0.5], [0.04, 0.02, 0.03], method="EE", test="z",
    ...                              unit_variance=2.0)
    >>> found.before, found.after, f"{found.vi:.5f}", found.n_per_arm
    ('interval above 0', 'interval includes 0', '0.00153', 1311)
    """
    full = synthesize(yi, vi, method, test, level, slab)
    if unit_variance is not None and not 0.0 < unit_variance < np.inf:
        message = f"unit_variance must be positive, such as 2 for an SMD; got {unit_variance!r}"
        raise InputError(message)
    question = _Question(full, test, verdict or _side_of_zero)
    before = question.verdict(full)
    sizes = _sizes(full.vi)
    changes = np.flatnonzero([label != before for label in question.labels(sizes)])
    tried: dict[str, Any] = {"k": full.k, "before": before}
    tried |= {"smallest_vi": float(sizes[-1]), "largest_vi": float(sizes[0])}
    if changes.size == 0:
        reason = f"no null trial changes it, down to a sampling variance of {sizes[-1]:.2g}"
        absent: dict[str, Any] = dict.fromkeys(("after", "vi", "n_per_arm", "fit"), Absent(reason))
        return NullTrial(**tried, **absent, note="")
    first = int(changes[0])
    size = float(sizes[0]) if first == 0 else question.edge(sizes[first - 1], sizes[first], before)
    fit = question.with_null_trial(size)
    return NullTrial(
        **tried,
        vi=size,
        after=question.verdict(fit),
        n_per_arm=_people(size, unit_variance),
        fit=fit,
        note=_note(is_empty=first == 0, is_lasting=changes.size == sizes.size - first),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """The trials at hand, how they are pooled and how the result is judged."""

    full: Synthesis
    test: Test
    verdict: Callable[[Synthesis], str]

    def with_null_trial(self, size: float) -> Synthesis:
        """Pool the trials together with one of effect 0 and sampling variance `size`."""
        full = self.full
        yi, vi = np.append(full.yi, 0.0), np.append(full.vi, size)
        slab = [*full.slab, "null trial"]
        return synthesize(yi, vi, full.method, self.test, full.level, slab)

    def labels(self, sizes: FloatArray) -> list[str]:
        """Return the verdict with a null trial of each size; all at once for the simplest rule."""
        if self.verdict is not _side_of_zero:
            return [self.verdict(self.with_null_trial(size)) for size in sizes.tolist()]
        full = self.full
        yi = np.tile(np.append(full.yi, 0.0), (sizes.size, 1))
        vi = np.column_stack([np.tile(full.vi, (sizes.size, 1)), sizes])
        found = synthesize_many(yi, vi, method=full.method, test=self.test, level=full.level)
        limits = zip(found["ci_lb"].tolist(), found["ci_ub"].tolist(), strict=True)
        return [_side(*ends) for ends in limits]

    def edge(self, small: float, large: float, before: str) -> float:
        """Locate the change of verdict between two sampling variances, on its far side."""
        unchanged, changed = np.log(small), np.log(large)
        for _ in range(_HALVINGS):
            middle = (unchanged + changed) / 2.0
            if self.verdict(self.with_null_trial(float(np.exp(middle)))) == before:
                unchanged = middle
            else:
                changed = middle
        return float(np.exp(changed))


def _side_of_zero(fit: Synthesis) -> str:
    """Say on which side of 0 the confidence interval lies."""
    if is_present(fit.ci_lb) and is_present(fit.ci_ub):
        return _side(fit.ci_lb, fit.ci_ub)
    return "no interval"


def _side(ci_lb: float, ci_ub: float) -> str:
    if ci_lb > 0.0:
        return "interval above 0"
    if ci_ub < 0.0:
        return "interval below 0"
    return "no interval" if np.isnan(ci_lb) else "interval includes 0"


def _sizes(vi: FloatArray) -> FloatArray:
    """Return sampling variances to try, from the smallest trial (largest variance) on."""
    start, end = np.log10(vi.max() * _SMALLEST_TRIAL), np.log10(vi.min() * _LARGEST_TRIAL)
    return np.logspace(start, end, int(np.ceil((start - end) * _POINTS_PER_DECADE)) + 1)


def _people(size: float, unit_variance: float | None) -> int | Absent:
    if unit_variance is None:
        return Absent("unit_variance, the variance of a trial with one person an arm, is not given")
    return _up(unit_variance / size)


def _note(*, is_empty: bool, is_lasting: bool) -> str:
    parts = []
    if is_empty:
        parts.append("even a trial without information changes it, by its degree of freedom")
    if not is_lasting:
        parts.append("some larger null trials would not change it")
    return "; ".join(parts)
