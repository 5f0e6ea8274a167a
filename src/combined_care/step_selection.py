"""Three-parameter selection model: what if trials without a significant benefit were seen less?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from scipy import optimize, special, stats

from combined_care import inputs, markup
from combined_care.egger import limit_of_use, noted
from combined_care.errors import InputError
from combined_care.results import Absent, FloatArray, Number, Result, is_present
from combined_care.synthesis import synthesize

if TYPE_CHECKING:
    import numpy.typing as npt

Direction = Literal["positive", "negative"]

#: Bounds of the search, in units of the typical standard error or of the spread of the effects,
#: whichever is wider. At a bound the likelihood has no usable maximum.
_MEAN_BOUND, _TAU2_BOUND, _LOG_WEIGHT_BOUND = 30.0, 400.0, 15.0
_NEWTON_STEPS, _SETTLED, _DIFFERENCE, _NEAR_ZERO = 10, 1e-9, 1e-5, 1e-6
_LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, eq=False, kw_only=True)
class SelectionModel(Result):
    """A pooled effect that allows for selection by p value.

    Attributes
    ----------
    k, k_significant : int
        Number of trials, and of those with a one-sided p value at or below `cut`.
    direction : str
        Which sign of the effect is thought to be favoured by selection.
    cut : float
        One-sided p value at which the chance of being seen changes.
    estimate, se, ci_lb, ci_ub, pval : float or Absent
        Mean of the true effects of all trials, seen or not; normal interval and two-sided p.
    tau2, tau2_se : float or Absent
        Between-trial variance; its standard error is absent where tau2 is 0.
    weight, weight_se : float or Absent
        Chance of being seen of a trial above the cut relative to one below; 1 means no selection.
    unselected : float
        Maximum-likelihood estimate under no selection, for comparison.
    log_likelihood, lr_statistic, lr_df, lr_pval : float or Absent
        Log-likelihood of the model, and its likelihood-ratio test against no selection.
    level : float
        Confidence level.
    note : str
        What limits the use of this result; empty when nothing does.
    """

    caption = "Small-study effects: three-parameter selection model"

    k: int
    k_significant: int
    direction: str
    cut: float
    estimate: Number
    se: Number
    ci_lb: Number
    ci_ub: Number
    pval: Number
    tau2: Number
    tau2_se: Number
    weight: Number
    weight_se: Number
    unselected: float
    log_likelihood: Number
    lr_statistic: Number
    lr_df: Number
    lr_pval: Number
    level: float
    note: str

    def __str__(self) -> str:
        if not is_present(self.estimate):
            return f"Selection model: {self.estimate} (k = {self.k})."
        return (
            f"Selection model (k = {self.k}, {self.k_significant} with one-sided p at or below "
            f"{self.cut:g}): pooled effect {markup.number(self.estimate)} "
            f"({markup.interval(self.ci_lb, self.ci_ub)}) instead of "
            f"{markup.number(self.unselected)}; the other trials are seen "
            f"{markup.number(self.weight)} times as often, p = {markup.p_value(self.lr_pval)}"
            f"{noted(self.note)}."
        )


def selection_model(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    cut: float = 0.025,
    direction: Direction = "positive",
    level: float = 0.95,
) -> SelectionModel:
    r"""Fit a random-effects model in which the chance of being seen changes once, at a p value.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances.
    cut : float
        One-sided p value at which the chance changes; 0.025 is two-sided 5 %.
    direction : {"positive", "negative"}
        Sign that selection is thought to favour; the p values test the effect in this direction.
    level : float
        Confidence level.

    Returns
    -------
    SelectionModel
        Absent, with the reason, for fewer than 3 trials, when all trials lie on one side of the
        cut, and when the likelihood has no maximum at finite values.

    Raises
    ------
    InputError
        If an effect or variance is unusable, or an option is out of its range.

    Notes
    -----
    A trial with :math:`p_i \le cut` has weight 1, any other the weight :math:`\omega`, so that the
    likelihood is

    .. math:: \prod_i \frac{w(p_i)\, \phi\{(y_i - \mu) / s_i\} / s_i}
              {1 - (1 - \omega)\, \Phi\{(z \sqrt{v_i} - \mu) / s_i\}},
              \qquad s_i^2 = v_i + \tau^2, \quad z = \Phi^{-1}(1 - cut)

    [1]_ [2]_, maximised from several starts; standard errors come from the observed information,
    at tau² = 0 with tau² held there. Same model as metafor's ``selmodel(type = "stepfun")``,
    which confines the weight to 100.

    References
    ----------
    .. [1] Hedges (1992), doi:10.1214/ss/1177011364.
    .. [2] Vevea & Hedges (1995), doi:10.1007/BF02294384.

    Examples
    --------
    >>> found = selection_model([0.1, 0.5, 0.45, 0.6, 0.25, 0.9, 0.05],
    ...                         [0.02, 0.05, 0.04, 0.06, 0.01, 0.12, 0.03])
    >>> f"{found.estimate:.3f} {found.unselected:.3f} {found.weight:.2f} {found.lr_pval:.4f}"
    '0.049 0.278 0.02 0.0023'
    """
    effects, variances, _ = inputs.check_effects(yi, vi)
    inputs.check_level(level)
    inputs.check_choice("direction", direction, ("positive", "negative"))
    if not 0.0 < cut < 1.0:
        message = f"cut must lie between 0 and 1, such as 0.025; got {cut!r}"
        raise InputError(message)
    sign = 1.0 if direction == "positive" else -1.0
    problem = _Problem.of(sign * effects, variances, cut)
    significant = int(problem.significant.sum())
    plain = synthesize(effects, variances, "ML", "z")
    found = _no_model(effects.size, significant, cut) or _fit(problem, level)
    numbers = dict.fromkeys(_NUMBERS, found) if isinstance(found, Absent) else found
    if sign < 0.0:
        numbers = _mirrored(numbers)
    return SelectionModel(
        k=effects.size,
        k_significant=significant,
        direction=direction,
        cut=cut,
        unselected=plain.estimate,
        level=level,
        note=limit_of_use(effects.size),
        **numbers,
    )


_NUMBERS = (
    *("estimate", "se", "ci_lb", "ci_ub", "pval", "tau2", "tau2_se", "weight", "weight_se"),
    *("log_likelihood", "lr_statistic", "lr_df", "lr_pval"),
)


def _no_model(k: int, significant: int, cut: float) -> Absent | None:
    if k < 3:
        return Absent(f"three parameters need at least 3 trials, there are {k}")
    if significant in {0, k}:
        side = "at or below" if significant else "above"
        return Absent(f"all {k} trials have a one-sided p value {side} {cut:g}")
    return None


def _mirrored(numbers: dict[str, Any]) -> dict[str, Any]:
    if isinstance(numbers["estimate"], Absent):
        return numbers
    ends = {"ci_lb": -numbers["ci_ub"], "ci_ub": -numbers["ci_lb"]}
    return numbers | ends | {"estimate": -numbers["estimate"]}


class _Problem(NamedTuple):
    """Effects, variances and cut points divided by `unit`; selection favours positive effects."""

    y: FloatArray
    v: FloatArray
    edge: FloatArray
    significant: npt.NDArray[np.bool_]
    unit: float

    @classmethod
    def of(cls, yi: FloatArray, vi: FloatArray, cut: float) -> _Problem:
        unit = float(max(np.sqrt(np.median(vi)), np.std(yi)))
        edge = -special.ndtri(cut) * np.sqrt(vi)
        return cls(yi / unit, vi / unit**2, edge / unit, yi >= edge, unit)

    def log_likelihood(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the log-likelihood and its gradient in (mean, tau², log weight)."""
        mean, tau2, log_weight = theta
        variance = self.v + tau2
        s = np.sqrt(variance)
        u, b = (self.y - mean) / s, (self.edge - mean) / s
        log_seen = np.logaddexp(special.log_ndtr(-b), log_weight + special.log_ndtr(b))
        # (1 - weight) times the normal density at the cut over the probability of being seen.
        pull = -np.expm1(log_weight) * np.exp(-0.5 * (b**2 + _LOG_2PI) - log_seen)
        hidden = np.exp(log_weight + special.log_ndtr(b) - log_seen)
        below = float((~self.significant).sum())
        value = -0.5 * np.sum(u**2 + np.log(variance) + _LOG_2PI) - np.sum(log_seen)
        gradient = np.array(
            [
                np.sum((u - pull) / s),
                np.sum((u**2 - 1.0 - pull * b) / (2.0 * variance)),
                below - np.sum(hidden),
            ]
        )
        return float(value) + below * log_weight, gradient


def _fit(problem: _Problem, level: float) -> dict[str, Any] | Absent:
    plain = synthesize(problem.y, problem.v, "ML", "z")
    start = np.array([plain.estimate, float(plain.tau2), 0.0])  # type: ignore[arg-type]
    theta = _maximise(problem, start)
    if isinstance(theta, Absent):
        return theta
    value, _ = problem.log_likelihood(theta)
    ratio = max(0.0, 2.0 * (value - problem.log_likelihood(start)[0]))
    se = _standard_errors(problem, theta)
    if isinstance(se, Absent):
        return se
    numbers = _in_units(problem, theta, se, float(-special.ndtri((1.0 - level) / 2.0)))
    return numbers | {
        "log_likelihood": value - problem.y.size * float(np.log(problem.unit)),
        "lr_statistic": ratio,
        "lr_df": 1.0,
        "lr_pval": float(stats.chi2.sf(ratio, 1)),
    }


def _in_units(problem: _Problem, theta: FloatArray, se: FloatArray, z: float) -> dict[str, Any]:
    """Return estimates with their standard errors in the units of the data."""
    mean, mean_se = float(problem.unit * theta[0]), float(problem.unit * se[0])
    weight = float(np.exp(theta[2]))
    no_spread = Absent("tau² is estimated as 0, the end of its range")
    return {
        "estimate": mean,
        "se": mean_se,
        "ci_lb": mean - z * mean_se,
        "ci_ub": mean + z * mean_se,
        "pval": float(2.0 * special.ndtr(-abs(mean / mean_se))),
        "tau2": float(problem.unit**2 * theta[1]),
        "tau2_se": float(problem.unit**2 * se[1]) if theta[1] > 0.0 else no_spread,
        "weight": weight,
        "weight_se": float(weight * se[2]),
    }


def _maximise(problem: _Problem, plain: FloatArray) -> FloatArray | Absent:
    """Return the highest maximum found from several starts, sharpened by Newton's method."""
    bounds = (
        (-_MEAN_BOUND, _MEAN_BOUND),
        (0.0, _TAU2_BOUND),
        (-_LOG_WEIGHT_BOUND, _LOG_WEIGHT_BOUND),
    )

    def descend(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = problem.log_likelihood(theta)
        return -value, -gradient

    found = [
        optimize.minimize(
            descend, start, jac=True, method="SLSQP", bounds=bounds, options={"ftol": 1e-10}
        )
        for start in (plain, *_promising(problem, plain))
    ]
    best = _on_edge(problem, np.asarray(min(found, key=lambda run: float(run.fun)).x))
    if abs(best[0]) > 0.99 * _MEAN_BOUND or best[1] > 0.99 * _TAU2_BOUND:
        return Absent("the likelihood has no maximum: it rises with ever more selection")
    if abs(best[2]) > 0.99 * _LOG_WEIGHT_BOUND:
        return Absent("the likelihood has no maximum at a finite weight")
    return _sharpened(problem, best)


def _on_edge(problem: _Problem, theta: FloatArray) -> FloatArray:
    """Move a tau² next to 0 to 0 exactly, unless the likelihood rises there with tau²."""
    at_zero = np.array([theta[0], 0.0, theta[2]])
    is_edge = theta[1] < _NEAR_ZERO and problem.log_likelihood(at_zero)[1][1] <= 0.0
    return at_zero if is_edge else theta


def _promising(problem: _Problem, plain: FloatArray) -> list[FloatArray]:
    """Return the best points of a coarse grid around the fit without selection, one per weight."""
    best = []
    for log_weight in (-4.0, -1.5, 1.5):
        points = [
            np.array([plain[0] + shift, tau2, log_weight])
            for shift in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0)
            for tau2 in (0.0, plain[1], 0.3 + 2.0 * plain[1])
        ]
        best.append(max(points, key=lambda theta: problem.log_likelihood(theta)[0]))
    return best


def _sharpened(problem: _Problem, theta: FloatArray) -> FloatArray:
    """Take Newton steps while they raise the likelihood; tau² stays at 0 where it is 0."""
    for _ in range(_NEWTON_STEPS):
        free = _free(theta)
        value, gradient = problem.log_likelihood(theta)
        step = np.zeros(3)
        step[free] = np.linalg.lstsq(_information(problem, theta, free), gradient[free])[0]
        new = theta + step
        if new[1] < 0.0 or problem.log_likelihood(new)[0] < value:
            break
        theta = new
        if np.abs(step).max() < _SETTLED:
            break
    return theta


def _free(theta: FloatArray) -> npt.NDArray[np.intp]:
    return np.array([0, 1, 2] if theta[1] > 0.0 else [0, 2])


def _information(problem: _Problem, theta: FloatArray, free: npt.NDArray[np.intp]) -> FloatArray:
    """Return minus the second derivatives, by central differences of the exact gradient."""
    rows = []
    for i in free:
        h = _DIFFERENCE * max(1.0, abs(theta[i]))
        h = min(h, 0.5 * theta[1]) if i == 1 else h
        ahead, behind = theta.copy(), theta.copy()
        ahead[i] += h
        behind[i] -= h
        slope = problem.log_likelihood(ahead)[1] - problem.log_likelihood(behind)[1]
        rows.append(-slope[free] / (2.0 * h))
    information = np.array(rows)
    return np.asarray((information + information.T) / 2.0)


def _standard_errors(problem: _Problem, theta: FloatArray) -> FloatArray | Absent:
    free = _free(theta)
    information = _information(problem, theta, free)
    if np.linalg.eigvalsh(information).min() <= 0.0:
        return Absent("the likelihood is flat at its maximum, so that nothing can be estimated")
    se = np.zeros(3)
    se[free] = np.sqrt(np.diag(np.linalg.inv(information)))
    return se
