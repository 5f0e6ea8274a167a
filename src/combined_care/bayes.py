r"""Small-sample check: effects and variances in, the posterior of the random-effects model out.

Given tau, everything is normal and known in closed form; what is left is one integral over tau,
taken by the trapezoidal rule in :math:`s = \log\tau`. The integrand is analytic and falls off
exponentially on both sides: the rule converges faster than any power of the step, for any tau.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, sici

from combined_care import markup
from combined_care.errors import ConvergenceError, InputError
from combined_care.inputs import Labels, check_effects
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    import numpy.typing as npt

Prior = Literal["half-normal", "half-cauchy"]

#: The density of log(tau) is followed down to exp(-45) = 3e-20 of its top.
_DEPTH = 45.0
#: Nodes of the first and the largest grid; they double until no result moves by the tolerance.
_FIRST, _LAST, _TOLERANCE = 256, 2**17, 1e-10
_ONE_TRIAL = "with one trial, what is said of tau and of new trials comes from the prior alone"
#: Wider intervals would need tails beyond the depth above.
_HIGHEST_LEVEL = 0.999999


@dataclass(frozen=True, eq=False, kw_only=True)
class BayesianSynthesis(Result):
    """Posterior summary of the normal-normal random-effects model.

    Attributes
    ----------
    k : int
        Number of trials.
    prior, scale : str, float
        Prior of tau, ``"half-normal"`` or ``"half-cauchy"``, and its scale in the unit of `yi`.
    level : float
        Probability inside every interval; all intervals leave equal tails.
    threshold : float
        Smallest effect of interest, in the unit of `yi`.
    estimate, mean, se, ci_lb, ci_ub : float or Absent
        Median, mean, standard deviation and credible interval of the posterior of the mean effect;
        mean and standard deviation are absent where they do not exist.
    tau, tau_mean, tau_ci_lb, tau_ci_ub : float or Absent
        Median, mean and credible interval of the standard deviation between trials.
    pi_lb, pi_ub : float
        Interval for the true effect of a new trial.
    prob_benefit, prob_worthwhile, prob_benefit_new, prob_worthwhile_new : float
        Probability that the mean effect is above 0 and above `threshold`; the same for a new trial.
    notes : tuple of str
        What a reader must know before using the numbers.
    """

    caption: ClassVar[str] = "Bayesian random-effects synthesis"

    k: int
    prior: str
    scale: float
    level: float
    threshold: float
    estimate: float
    mean: Number
    se: Number
    ci_lb: float
    ci_ub: float
    tau: float
    tau_mean: Number
    tau_ci_lb: float
    tau_ci_ub: float
    pi_lb: float
    pi_ub: float
    prob_benefit: float
    prob_worthwhile: float
    prob_benefit_new: float
    prob_worthwhile_new: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        percent = f"{100 * self.level:g} %"
        trials = "1 trial" if self.k == 1 else f"{self.k} trials"
        parts = [
            f"With a {self.prior} prior (scale {self.scale:g}) on tau, {trials} give a mean effect"
            f" of {markup.number(self.estimate)}"
            f" ({percent} credible interval {markup.interval(self.ci_lb, self.ci_ub)})",
            f"tau is {markup.number(self.tau)} ({markup.interval(self.tau_ci_lb, self.tau_ci_ub)})",
            f"the effect is above 0 with probability {_percent(self.prob_benefit)} and above"
            f" {markup.number(self.threshold)} with {_percent(self.prob_worthwhile)}",
            f"the true effect of a new trial lies in {markup.interval(self.pi_lb, self.pi_ub)}"
            f" and is above 0 with {_percent(self.prob_benefit_new)}",
            *self.notes,
        ]
        return "; ".join(parts) + "."


def bayesian_synthesis(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    prior: Prior = "half-normal",
    scale: float = 0.5,
    level: float = 0.95,
    threshold: float = 0.24,
    slab: Labels = None,
) -> BayesianSynthesis:
    r"""Compute the posterior of the random-effects model, exactly but for rounding.

    Meant beside :func:`synthesize` where there are few trials: there the Knapp-Hartung interval is
    very wide or, by chance, very narrow, while a weakly informative prior of tau keeps both away.

    Parameters
    ----------
    yi : array_like of shape (k,)
        Effects; positive favours the experimental arm. One trial is enough.
    vi : array_like of shape (k,)
        Their sampling variances (not standard errors).
    prior : {"half-normal", "half-cauchy"}
        Prior of tau, the standard deviation of true effects; the mean has a flat, improper prior.
    scale : float
        Scale of the prior, in the unit of `yi`. The default suits a standardised mean difference:
        the half-normal prior then has its median at 0.34 and 95 % of its mass below 0.98.
    level : float
        Probability inside the intervals, which leave equal tails; at most 0.999999.
    threshold : float
        Smallest effect of interest, in the unit of `yi`. The default is that of the project for
        symptom severity, g = 0.24 [4]_.
    slab : sequence of str, optional
        Study labels, used in error messages.

    Returns
    -------
    BayesianSynthesis

    Raises
    ------
    InputError
        If an option lies outside its range, or an effect or variance is not usable; every such
        study is named.
    ConvergenceError
        If the results still move on the finest grid.

    Notes
    -----
    The model is :math:`y_i \sim N(\mu, v_i + \tau^2)`. With :math:`w_i = 1 / (v_i + \tau^2)` and a
    flat prior of :math:`\mu`,

    .. math:: \mu \mid \tau, y \sim N(\hat\mu_\tau, \sigma_\tau^2), \qquad
        \hat\mu_\tau = \sum w_i y_i / \sum w_i, \qquad \sigma_\tau^2 = 1 / \sum w_i,

    .. math:: p(\tau \mid y) \propto p(\tau)\, \sigma_\tau \prod_i \sqrt{w_i}\,
        \exp\Bigl(-\tfrac12 \sum_i w_i (y_i - \hat\mu_\tau)^2\Bigr),

    so that the posterior of :math:`\mu` is a mixture of normal distributions over tau, and that of
    the true effect of a new trial is the same mixture with variances :math:`\sigma_\tau^2 + \tau^2`
    [1]_. Their distribution functions are inverted numerically; that of tau is integrated by
    its sinc series [3]_. With :math:`f_j` the density at node :math:`s_j` and :math:`h` the step,

    .. math:: P(\log\tau \le s) = h \sum_j f_j
        \Bigl(\tfrac12 + \tfrac1\pi \mathrm{Si}\bigl(\pi (s - s_j) / h\bigr)\Bigr).

    With a half-Cauchy prior the posterior of tau falls as :math:`\tau^{-(k+1)}`: one trial leaves
    no posterior mean, two leave no standard deviation. A flat prior of tau is not offered: with two
    trials its posterior is improper. On the choice of the scale see [2]_.

    References
    ----------
    .. [1] Röver (2020), Journal of Statistical Software 93(6):1-51, doi:10.18637/jss.v093.i06;
       the R package bayesmeta computes the same posterior on a grid of its own.
    .. [2] Röver, Bender, Dias, Schmid, Schmidli, Sturtz, Weber & Friede (2021), Research Synthesis
       Methods 12:448-474, doi:10.1002/jrsm.1475; Gelman (2006), Bayesian Analysis 1:515-534, on
       half-Cauchy priors.
    .. [3] Haber (1993), Mathematics of Computation 60:279-296; for the trapezoidal rule Trefethen &
       Weideman (2014), SIAM Review 56:385-458.
    .. [4] Cuijpers, Turner, Koole, van Dijke & Smit (2014), Depression and Anxiety 31:374-378.

    Examples
    --------
    >>> fit = bayesian_synthesis([0.1, 0.3, 0.65], [0.03, 0.03, 0.05])
    >>> f"{fit.estimate:.4f} [{fit.ci_lb:.4f}, {fit.ci_ub:.4f}]"
    '0.3225 [-0.1387, 0.8221]'
    >>> f"{fit.prob_benefit:.4f} {fit.prob_worthwhile:.4f}"
    '0.9413 0.6827'
    """
    _check_options(prior, scale, level, threshold)
    y, v, _ = check_effects(yi, vi, slab)
    data = _Data(y, v, prior, float(scale))
    lo, hi = _support(data)
    nodes, found = _FIRST, _summarise(data, data.posterior(lo, hi, _FIRST), level, threshold)
    while nodes < _LAST:
        nodes *= 2
        finer = _summarise(data, data.posterior(lo, hi, nodes), level, threshold)
        if _distance(found, finer) <= _TOLERANCE:
            return finer
        found = finer
    message = f"bayesian_synthesis ({prior}, {y.size} trials) did not settle on {_LAST} nodes"
    raise ConvergenceError(message)


@dataclass(frozen=True, slots=True, eq=False)
class _Posterior:
    """Weights of an even grid of log(tau), and mean and variance of mu at each node."""

    log_tau: FloatArray
    weight: FloatArray
    mean: FloatArray
    var: FloatArray

    def tau_quantile(self, probability: float) -> float:
        """Invert the sinc series of the distribution function of log(tau)."""
        factor = np.pi / (self.log_tau[1] - self.log_tau[0])

        def excess(s: float) -> float:
            sine_integral = sici(factor * (s - self.log_tau))[0]
            return float(self.weight @ (0.5 + sine_integral / np.pi)) - probability

        return float(np.exp(brentq(excess, self.log_tau[0], self.log_tau[-1], xtol=1e-13)))


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """A weighted mixture of normal distributions."""

    weight: FloatArray
    mean: FloatArray
    sd: FloatArray

    def above(self, value: float) -> float:
        return min(1.0, float(self.weight @ ndtr((self.mean - value) / self.sd)))

    def quantile(self, probability: float) -> float:
        """Invert the distribution function, from a bracket widened until it holds the quantile."""
        middle = int(np.searchsorted(np.cumsum(self.weight), 0.5))
        centre, unit = float(self.mean[middle]), float(self.sd[middle])

        def excess(z: float) -> float:
            below = ndtr((centre + unit * z - self.mean) / self.sd)
            return float(self.weight @ below) - probability

        reach = 1.0
        while excess(-reach) > 0.0 or excess(reach) < 0.0:
            reach *= 2.0
        return centre + unit * float(brentq(excess, -reach, reach, xtol=1e-13))


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Effects, variances and the prior of tau."""

    y: FloatArray
    v: FloatArray
    prior: Prior
    scale: float

    @property
    def moments(self) -> int:
        """How many posterior moments exist, counted up to the second."""
        return 2 if self.prior == "half-normal" else min(self.y.size - 1, 2)

    def log_prior(self, tau: FloatArray) -> FloatArray:
        ratio2 = (tau / self.scale) ** 2
        return -0.5 * ratio2 if self.prior == "half-normal" else -np.log1p(ratio2)

    def given_tau(self, log_tau: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the log density of log(tau) up to a constant, and mean and variance of mu."""
        tau = np.exp(log_tau)
        total = self.v[:, None] + tau**2
        w = 1.0 / total
        var = 1.0 / w.sum(axis=0)
        # Differences from one effect, lest a far-off common value swallow their digits.
        y = (self.y - self.y[0])[:, None]
        mean = (w * y).sum(axis=0) * var
        q = (w * (y - mean) ** 2).sum(axis=0)
        log_likelihood = 0.5 * (np.log(var) - np.log(total).sum(axis=0) - q)
        return log_likelihood + self.log_prior(tau) + log_tau, mean + self.y[0], var

    def posterior(self, lo: float, hi: float, nodes: int) -> _Posterior:
        log_tau = np.linspace(lo, hi, nodes)
        log_density, mean, var = self.given_tau(log_tau)
        weight = np.exp(log_density - log_density.max())
        return _Posterior(log_tau, weight / weight.sum(), mean, var)


def _support(data: _Data) -> tuple[float, float]:
    """Find the range of log(tau) outside of which neither density nor moments have any mass."""
    spread = float(np.ptp(data.y))
    inner = min(data.scale, float(np.sqrt(data.v.min())))
    outer = max(data.scale, float(np.sqrt(data.v.max())), spread)
    lo, hi = float(np.log(inner)) - 1.2 * _DEPTH, float(np.log(outer)) + 1.2 * _DEPTH
    while True:
        s = np.linspace(lo, hi, 2 * _FIRST)
        log_density = data.given_tau(s)[0]
        # Where moments exist, the tails of tau times the density, or tau squared, count as well.
        heights = np.stack([log_density, log_density + data.moments * s])
        kept = np.flatnonzero((heights > heights.max(axis=1, keepdims=True) - _DEPTH).any(axis=0))
        before = hi - lo
        lo, hi = float(s[max(kept[0] - 1, 0)]), float(s[min(kept[-1] + 1, s.size - 1)])
        if hi - lo > 0.5 * before:
            return lo, hi


def _summarise(data: _Data, found: _Posterior, level: float, threshold: float) -> BayesianSynthesis:
    tail = (1.0 - level) / 2.0
    mu = _Mixture(found.weight, found.mean, np.sqrt(found.var))
    new = _Mixture(found.weight, found.mean, np.sqrt(found.var + np.exp(2.0 * found.log_tau)))
    mean, se, tau_mean = _moments(data, found)
    return BayesianSynthesis(
        k=data.y.size,
        prior=data.prior,
        scale=data.scale,
        level=float(level),
        threshold=float(threshold),
        estimate=mu.quantile(0.5),
        mean=mean,
        se=se,
        ci_lb=mu.quantile(tail),
        ci_ub=mu.quantile(1.0 - tail),
        tau=found.tau_quantile(0.5),
        tau_mean=tau_mean,
        tau_ci_lb=found.tau_quantile(tail),
        tau_ci_ub=found.tau_quantile(1.0 - tail),
        pi_lb=new.quantile(tail),
        pi_ub=new.quantile(1.0 - tail),
        prob_benefit=mu.above(0.0),
        prob_worthwhile=mu.above(threshold),
        prob_benefit_new=new.above(0.0),
        prob_worthwhile_new=new.above(threshold),
        notes=(_ONE_TRIAL,) if data.y.size == 1 else (),
    )


def _moments(data: _Data, found: _Posterior) -> tuple[Number, Number, Number]:
    """Return mean and standard deviation of mu, and mean of tau, where they exist."""
    centre = data.y[0]
    mean = float(found.weight @ (found.mean - centre))
    square = float(found.weight @ (found.var + (found.mean - centre - mean) ** 2))
    tau_mean = float(found.weight @ np.exp(found.log_tau))
    no_sd = Absent("with a half-Cauchy prior, a finite standard deviation needs three trials")
    if data.moments == 0:
        no_mean = Absent("with a half-Cauchy prior, a finite mean needs two trials")
        return no_mean, no_sd, no_mean
    return mean + float(centre), float(np.sqrt(square)) if data.moments > 1 else no_sd, tau_mean


#: All fields but the five settings before and the notes behind them.
_RESULTS = tuple(field.name for field in fields(BayesianSynthesis))[5:-1]


def _distance(one: BayesianSynthesis, other: BayesianSynthesis) -> float:
    """Return the largest difference: of effects in interval widths, of tau relative to tau."""
    width = other.ci_ub - other.ci_lb
    moves = [0.0]
    for name in _RESULTS:
        a, b = getattr(one, name), getattr(other, name)
        if is_present(b):
            unit = 1.0 if name.startswith("prob") else b if name.startswith("tau") else width
            moves.append(abs(a - b) / unit)
    return max(moves)


def _check_options(prior: str, scale: float, level: float, threshold: float) -> None:
    """Raise one error that lists every option outside its range."""
    problems = []
    if prior not in get_args(Prior):
        problems.append(f"prior must be one of {', '.join(get_args(Prior))}; got {prior!r}")
    if not 0.0 < scale < np.inf:
        problems.append(f"scale must be above 0 and finite; got {scale:g}")
    if not 0.0 < level <= _HIGHEST_LEVEL:
        problems.append(f"level must be above 0 and at most {_HIGHEST_LEVEL}; got {level:g}")
    if not np.isfinite(threshold):
        problems.append(f"threshold must be finite; got {threshold:g}")
    if problems:
        raise InputError("; ".join(problems))


def _percent(probability: float) -> str:
    """Write a probability in percent without ever claiming certainty."""
    if probability > 0.9995:
        return "more than 99.9 %"
    if probability < 0.0005:
        return "less than 0.1 %"
    return f"{100 * probability:.1f} %"
