r"""Between-trial variance of many data sets at once: in go effects and variances, out comes tau².

The kernel is our own because no library does this job at the size of a multiverse. PyMARE's ML and
REML accept several data sets in one call, but only equally large ones, and iterate over them one
by one with a general optimiser; it has no PM, SJ or HS. statsmodels has DL and PM for one data
set. Both serve as independent checks in the tests, as metafor does.

All data sets are solved together. Column `j` of a :class:`Batch` is one data set, in the unit of
its most precise trial; an absent trial has infinite variance, hence weight exactly zero, so that
data sets of any size share one array without masks. With :math:`w_i = 1/(v_i + \tau^2)`,
:math:`\hat\mu = \sum w_i y_i / \sum w_i`, :math:`P = W - W 1 1^T W / 1^T W 1`, every iterative
estimator is a root of a ratio of two traces that is *exactly linear* in tau² when the trials are
equally precise, so that Newton's method needs one step there and few elsewhere; a bracket, known
beforehand, makes convergence certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from combined_care.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from combined_care.results import FloatArray

Method = Literal["EE", "DL", "HE", "PM", "ML", "REML", "SJ", "HS"]
METHODS: tuple[Method, ...] = get_args(Method)

#: Distance in log(1 + tau²) between the points of the search for modes of the likelihood; a mode is
#: about one unit wide. Of 800,000 sets made to have several modes (variance ratios to 10^5,
#: outliers; grid of 640 points) one lost its highest mode, to one lower by 0.0002; the tests repeat
#: this at a smaller size.
_GRID_STEP = 0.6
#: Largest working array when all points are tried at once.
_AT_ONCE = 16_384
#: Newton steps before plain bisection, which ends within 60 more: it starts at most 350 wide.
_NEWTON_STEPS, _STEPS, _TOLERANCE = 40, 120, 1e-11
#: A Newton step this short leaves an error of about its square.
_NEWTON_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Data sets side by side, each moved to its most precise trial and divided by its se.

    Attributes
    ----------
    y : numpy.ndarray of shape (K, n)
        Effects less the effect of the most precise trial, which comes first, in units of that
        trial's standard error; 0 where a trial is absent.
    v : numpy.ndarray of shape (K, n)
        Variances in the square of that unit, hence at least 1; infinite where a trial is absent.
    k : numpy.ndarray of shape (n,)
        Number of trials present.
    centre, unit : numpy.ndarray of shape (n,)
        Effect and standard error of the most precise trial, to undo the move and the division.
    """

    y: FloatArray
    v: FloatArray
    k: FloatArray
    centre: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, yi: FloatArray, vi: FloatArray) -> Batch:
        """Make a batch from arrays of shape (n, K); an absent trial has infinite variance."""
        y, v = yi.T.copy(), vi.T.copy()
        best, columns = v.argmin(axis=0), np.arange(v.shape[1])
        centre, least = y[best, columns], v[best, columns]
        y[best, columns], v[best, columns] = y[0], v[0]
        y[0], v[0] = centre, least
        unit = np.sqrt(least)
        present = np.isfinite(v)
        y = np.where(present, (y - centre) / unit, 0.0)
        return cls(y, v / least, present.sum(axis=0, dtype=float), centre, unit)

    def take(self, rows: np.ndarray) -> Batch:
        """Return the data sets at positions `rows` (or where `rows` is true)."""
        return Batch(
            self.y[:, rows], self.v[:, rows], self.k[rows], self.centre[rows], self.unit[rows]
        )

    def sum_of_squares(self) -> FloatArray:
        """Return the unweighted sum of squared deviations from the mean."""
        mean = self.y.sum(axis=0) / self.k
        return np.asarray(_dot(self.y, self.y) - self.k * mean**2)

    def widest(self) -> FloatArray:
        """Return the largest variance among the trials present."""
        return np.asarray(np.where(np.isfinite(self.v), self.v, 0.0).max(axis=0))


class Moments(NamedTuple):
    r"""What the weights 1/(v + tau²) make of a batch; all of shape (n,) but the first two.

    `pull` is :math:`u_i = w_i (y_i - \hat\mu)`; `q` is the generalised Q statistic.
    """

    w: FloatArray
    pull: FloatArray
    w_sum: FloatArray
    mean: FloatArray
    q: FloatArray


def moments(batch: Batch, tau2: FloatArray) -> Moments:
    """Return weights, weighted mean and generalised Q at `tau2` (in the batch's own units)."""
    w, w_sum, mean, gap = _weigh(batch, tau2)
    pull = w * gap
    return Moments(w, pull, w_sum, mean, _dot(pull, gap))


def _weigh(batch: Batch, tau2: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return weights, their sum, the weighted mean, and the effects less that mean."""
    w = batch.v + tau2
    np.reciprocal(w, out=w)
    w_sum = w.sum(axis=0)
    mean = _dot(w, batch.y) / w_sum
    return w, w_sum, mean, batch.y - mean


def cochran_q(batch: Batch) -> FloatArray:
    """Return Q at tau² = 0."""
    return moments(batch, np.zeros(batch.k.size)).q


def trace(w: FloatArray, w_sum: FloatArray) -> FloatArray:
    r"""Return :math:`\sum w_i - \sum w_i^2 / \sum w_i`, the trace of P.

    The heaviest trial, which comes first, is kept apart: where it outweighs all others its share
    would cancel to nothing in the plain formula.
    """
    others = w[1:]
    rest = others.sum(axis=0)
    return np.asarray(rest * (w[0] / w_sum) + rest - _dot(others, others) / w_sum)


def typical_trace(batch: Batch) -> FloatArray:
    """Return the trace of P at tau² = 0."""
    w = 1.0 / batch.v
    return trace(w, w.sum(axis=0))


def estimate(batch: Batch, method: Method) -> tuple[FloatArray, FloatArray]:
    r"""Estimate tau² of every data set of at least two trials.

    Parameters
    ----------
    batch : Batch
        Data sets; each must have two trials or more.
    method : {"EE", "DL", "HE", "PM", "ML", "REML", "SJ", "HS"}
        Estimator; ``"EE"`` assumes one common effect and returns zeros.

    Returns
    -------
    tau2 : numpy.ndarray of shape (n,)
        tau² in the units of the batch, never negative.
    modes : numpy.ndarray of shape (n,)
        Number of maxima of the likelihood; 1 where the estimator has one solution by definition.

    Raises
    ------
    ConvergenceError
        If an iteration does not end, which the bracketing excludes for finite input.

    Notes
    -----
    ========  ======================================================================
    DL        :math:`(Q - (k-1)) / (\sum w - \sum w^2 / \sum w)` [1]_ (eq. 8)
    HE        :math:`\sum (y - \bar y)^2 / (k-1) - \bar v` [2]_
    HS        :math:`(Q - k) / \sum w` [3]_
    SJ        :math:`t_0 \sum w_0 (y - \hat\mu_0)^2 / (k-1)` with
              :math:`t_0 = \sum (y - \bar y)^2 / k` [4]_
    PM        the root of :math:`Q(\tau^2) = k - 1` [5]_
    ML        the highest maximum of the likelihood [6]_
    REML      the highest maximum of the restricted likelihood [6]_
    ========  ======================================================================

    All are truncated at 0, and equal metafor's ``rma.uni``. metafor climbs to one maximum of the
    likelihood; when there are two it may report the lower one, this function does not.

    References
    ----------
    .. [1] DerSimonian & Laird (1986), doi:10.1016/0197-2456(86)90046-2.
    .. [2] Hedges & Olkin (1985), Statistical Methods for Meta-Analysis, section 9.3.
    .. [3] Schmidt & Hunter (2015), Methods of Meta-Analysis; form of Viechtbauer (2005),
       doi:10.3102/10769986030003261, eq. 6.
    .. [4] Sidik & Jonkman (2005), doi:10.1111/j.1467-9876.2005.00489.x.
    .. [5] Paule & Mandel (1982), doi:10.6028/jres.087.022; DerSimonian & Kacker (2007),
       doi:10.1016/j.cct.2006.04.004.
    .. [6] Viechtbauer (2005), eqs. 10 to 13.

    Examples
    --------
    >>> batch = Batch.of(np.array([[0.0, 2.0, 4.0]]), np.ones((1, 3)))
    >>> tau2, modes = estimate(batch, "REML")
    >>> f"{tau2[0]:.6f} {modes[0]:.0f}"
    '3.000000 1'
    """
    if method in ("ML", "REML"):
        return likelihood_modes(batch, restricted=method == "REML")
    raw = np.maximum(_MOMENT_METHODS[method](batch), 0.0)
    return raw, np.ones(raw.size)


def likelihood_modes(batch: Batch, *, restricted: bool) -> tuple[FloatArray, FloatArray]:
    """Return the tau² of the highest maximum, and how many maxima there are, both of shape (n,)."""

    def ratio(data: Batch, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _score_ratio(data, t, restricted=restricted)

    grid = _mode_grid(batch)
    rising = _scores(batch, grid, restricted=restricted) > 0.0
    column, point = np.nonzero((rising[:-1] & ~rising[1:]).T)
    lo, hi = grid[point, column], grid[point + 1, column]
    roots = _solve(ratio, batch.take(column), np.ones(column.size), lo, hi)
    best = np.zeros(batch.k.size)
    best[column] = roots
    count = np.bincount(column, minlength=best.size) + ~rising[0]
    for j in np.flatnonzero(count > 1):
        maxima = np.append(roots[column == j], [] if rising[0, j] else [0.0])
        same = batch.take(np.full(maxima.size, j))
        best[j] = maxima[log_likelihood(same, maxima, restricted=restricted).argmax()]
    return best, count.astype(float)


def log_likelihood(batch: Batch, tau2: FloatArray, *, restricted: bool) -> FloatArray:
    """Return the (restricted) log-likelihood at `tau2`, up to a constant of each data set."""
    found = moments(batch, tau2)
    logs = np.log(found.w, out=np.zeros_like(found.w), where=found.w > 0.0).sum(axis=0)
    correction = np.log(found.w_sum) if restricted else 0.0
    return np.asarray(0.5 * (logs - correction - found.q))


def solve_q(batch: Batch, q: FloatArray, target: FloatArray) -> FloatArray:
    r"""Return the tau² at which the generalised Q falls to `target`, 0 if its start `q` is lower.

    Newton's method on 1/Q, which is increasing and concave in tau² (Cauchy-Schwarz), inside the
    bracket :math:`SS/target - v_{max} \le \tau^2 \le SS/target - v_{min}`.
    """
    root = np.zeros(batch.k.size)
    above = np.flatnonzero(q > target)
    data, target = batch.take(above), target[above]
    reach = data.sum_of_squares() / target
    lo = np.maximum(reach - data.widest(), 0.0)
    # The ends touch when all trials are equally precise; rounding must not cross them.
    hi = np.maximum(reach - 1.0, lo) + 1e-12 * (1.0 + reach)
    root[above] = _solve(_q_ratio, data, 1.0 / target, lo, hi)
    return root


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum the products over the trials of each data set."""
    return np.asarray(np.einsum("ij,ij->j", a, b))


def highest_mode(batch: Batch) -> FloatArray:
    r"""Return a bound in log(1 + tau²) above every mode of either likelihood, shape (n,).

    Beyond the positive root of :math:`t^2 + (1 - s^2) t - s^2 v_{max} = 0`, with :math:`s^2` the
    sample variance, both scores are negative: :math:`\\sum u^2 \\le SS / (t (t + 1))`, while the
    trace subtracted from it is at least :math:`(k - 1) / (t + v_{max})`.
    """
    spread = np.maximum(batch.sum_of_squares(), 0.0) / (batch.k - 1.0)
    half = (spread - 1.0) / 2.0
    bound = half + np.sqrt(half**2 + spread * batch.widest())
    # A little further, where the score is negative and not merely zero.
    return np.asarray(np.log1p(np.maximum(bound, 0.0) * 1.001 + 1e-9))


def _mode_grid(batch: Batch) -> FloatArray:
    """Return points of tau² from 0 to beyond every mode, shape (points, n)."""
    top = highest_mode(batch)
    points = 2 + int(top.max(initial=0.0) / _GRID_STEP)
    return np.expm1(np.linspace(0.0, 1.0, points)[:, None] * top)


def _scores(batch: Batch, grid: FloatArray, *, restricted: bool) -> FloatArray:
    """Return the scores at the points of `grid`, shape (points, n)."""
    if grid.size * len(batch.y) > _AT_ONCE:
        return np.array([_score(batch, t, restricted=restricted) for t in grid])
    # One call with every point as a data set of its own: fast where there are few data sets.
    repeated = batch.take(np.tile(np.arange(batch.k.size), len(grid)))
    return _score(repeated, grid.ravel(), restricted=restricted).reshape(grid.shape)


def _score(batch: Batch, tau2: FloatArray, *, restricted: bool) -> FloatArray:
    """Return twice the derivative of the (restricted) log-likelihood in tau²."""
    w, w_sum, _, pull = _weigh(batch, tau2)
    pull *= w
    return np.asarray(_dot(pull, pull) - (trace(w, w_sum) if restricted else w_sum))


def _score_ratio(
    batch: Batch, tau2: FloatArray, *, restricted: bool
) -> tuple[FloatArray, FloatArray]:
    r"""Return tr(P) / y'PPy (tr(W) for ML), which is 1 where the score is zero, and its slope."""
    w, w_sum, _, u = _weigh(batch, tau2)
    u *= w
    w_u = w * u
    square = _dot(u, u)
    fall = _dot(w_u, u) - w_u.sum(axis=0) ** 2 / w_sum  # y'PPPy, minus half of the square's slope
    w2 = w * w
    w2_sum = w2.sum(axis=0)
    expected, expected_fall = w_sum, w2_sum
    if restricted:
        expected = trace(w, w_sum)
        expected_fall = w2_sum - 2.0 * _dot(w2, w) / w_sum + (w2_sum / w_sum) ** 2
    ratio = expected / square
    return ratio, (2.0 * ratio * fall - expected_fall) / square


def _q_ratio(batch: Batch, tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return 1 / Q and its slope."""
    found = moments(batch, tau2)
    return 1.0 / found.q, _dot(found.pull, found.pull) / found.q**2


def _solve(
    ratio: Callable[[Batch, FloatArray], tuple[FloatArray, FloatArray]],
    batch: Batch,
    target: FloatArray,
    lo: FloatArray,
    hi: FloatArray,
) -> FloatArray:
    """Find where `ratio`, rising through `target` between `lo` and `hi`, meets it.

    Newton's method for all data sets at once; a step that leaves its bracket is replaced by the
    middle of the bracket in log(1 + tau²). Finished data sets leave the arrays.
    """
    root = np.empty(lo.size)
    open_ = np.arange(lo.size)
    t = _middle(lo, hi)
    for step in range(_STEPS):
        if open_.size == 0:
            return root
        # A slope of 0, or lost to rounding, makes a wild step, which the bracket catches.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value, slope = ratio(batch, t)
            new = t + (target - value) / slope
        short = value < target
        lo, hi = np.where(short, t, lo), np.where(short, hi, t)
        wild = ~((new >= lo) & (new <= hi)) if step < _NEWTON_STEPS else np.ones(t.size, bool)
        new = np.where(wild, _middle(lo, hi), new)
        done = np.abs(new - t) <= np.where(wild, _TOLERANCE, _NEWTON_TOLERANCE) * (1.0 + new)
        if done.any():
            root[open_[done]] = new[done]
            go = ~done
            batch, open_ = batch.take(go), open_[go]
            target, lo, hi, new = target[go], lo[go], hi[go], new[go]
        t = new
    message = f"{open_.size} of {root.size} data sets did not settle in {_STEPS} steps"
    raise ConvergenceError(message)


def _middle(lo: FloatArray, hi: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt((1.0 + lo) * (1.0 + hi)) - 1.0)


def _equal_effects(batch: Batch) -> FloatArray:
    return np.zeros(batch.k.size)


def _dersimonian_laird(batch: Batch) -> FloatArray:
    return np.asarray((cochran_q(batch) - (batch.k - 1.0)) / typical_trace(batch))


def _hedges(batch: Batch) -> FloatArray:
    v_sum = np.where(np.isfinite(batch.v), batch.v, 0.0).sum(axis=0)
    return np.asarray(batch.sum_of_squares() / (batch.k - 1.0) - v_sum / batch.k)


def _hunter_schmidt(batch: Batch) -> FloatArray:
    found = moments(batch, np.zeros(batch.k.size))
    return np.asarray((found.q - batch.k) / found.w_sum)


def _sidik_jonkman(batch: Batch) -> FloatArray:
    first = np.maximum(batch.sum_of_squares() / batch.k, 0.0)
    return np.asarray(first * moments(batch, first).q / (batch.k - 1.0))


def _paule_mandel(batch: Batch) -> FloatArray:
    return solve_q(batch, cochran_q(batch), batch.k - 1.0)


_MOMENT_METHODS: dict[Method, Callable[[Batch], FloatArray]] = {
    "EE": _equal_effects,
    "DL": _dersimonian_laird,
    "HE": _hedges,
    "PM": _paule_mandel,
    "SJ": _sidik_jonkman,
    "HS": _hunter_schmidt,
}
