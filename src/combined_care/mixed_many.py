r"""Random-effects regressions of many data sets at once: level means, or a line.

The model is that of :mod:`combined_care.mixed_model`, one data set a row. The two designs here have
columns that are orthogonal under any weights (disjoint levels; a constant and a centred slope), so
that projection needs sums only and no matrix is factored. An absent trial has infinite variance,
hence weight exactly zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from combined_care.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from combined_care.results import FloatArray
    from combined_care.tau2 import Method

#: Distance in log(1 + tau²) between the points of the search for modes of the likelihood.
_GRID_STEP = 0.6
_STEPS, _TOLERANCE = 200, 1e-13


class Projection(NamedTuple):
    """A weighted least-squares fit of each data set; arrays of shape (n,) but the first two.

    `residual` has shape (n, K) and is 0 where a trial is absent; `trace` is that of P; `log_det`
    the logarithm of the determinant of X'WX.
    """

    w: FloatArray
    residual: FloatArray
    trace: FloatArray
    log_det: FloatArray

    @property
    def q(self) -> FloatArray:
        """The generalised Q statistic."""
        return np.asarray(np.einsum("ij,ij,ij->i", self.w, self.residual, self.residual))

    @property
    def pull(self) -> FloatArray:
        """The quadratic form y'PPy."""
        u = self.w * self.residual
        return np.asarray(np.einsum("ij,ij->i", u, u))


class Design(Protocol):
    """Data sets of one design: effects and variances of shape (n, K), and p of shape (n,)."""

    y: FloatArray
    v: FloatArray
    p: FloatArray

    def project(self, tau2: FloatArray) -> Projection:
        """Fit by weighted least squares at `tau2`."""

    def take(self, rows: np.ndarray) -> Design:
        """Return the data sets at positions `rows`."""

    def with_variances(self, v: FloatArray) -> Design:
        """Return the same data sets with other variances."""


class Levels:
    """A mean for each level; `member` of shape (K, G) says which trial has which level."""

    def __init__(self, y: FloatArray, v: FloatArray, member: FloatArray) -> None:
        self.y, self.v, self.member = y, v, member
        self.p = ((np.isfinite(v) @ member) > 0.0).sum(axis=1).astype(float)

    def take(self, rows: np.ndarray) -> Levels:
        """Return the data sets at positions `rows`."""
        return Levels(self.y[rows], self.v[rows], self.member)

    def with_variances(self, v: FloatArray) -> Levels:
        """Return the same data sets with other variances."""
        return Levels(self.y, v, self.member)

    def means(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean and the sum of weights of each level, shape (n, G); 0 without trials."""
        total = w @ self.member
        means = np.divide(
            (w * self.y) @ self.member, total, out=np.zeros_like(total), where=total > 0.0
        )
        return means, total

    def project(self, tau2: FloatArray) -> Projection:
        """Fit by weighted least squares at `tau2`."""
        w = 1.0 / (self.v + tau2[:, None])
        means, total = self.means(w)
        residual = np.where(w > 0.0, self.y - means @ self.member.T, 0.0)
        squares = (w * w) @ self.member
        own = np.divide(squares, total, out=np.zeros_like(total), where=total > 0.0)
        logs = np.log(total, out=np.zeros_like(total), where=total > 0.0)
        return Projection(w, residual, w.sum(axis=1) - own.sum(axis=1), logs.sum(axis=1))


class Line:
    """A constant and a slope on `x`, of shape (n, K); 0 where a trial is absent."""

    def __init__(self, y: FloatArray, v: FloatArray, x: FloatArray) -> None:
        self.y, self.v, self.x = y, v, x
        self.p = np.full(len(y), 2.0)

    def take(self, rows: np.ndarray) -> Line:
        """Return the data sets at positions `rows`."""
        return Line(self.y[rows], self.v[rows], self.x[rows])

    def with_variances(self, v: FloatArray) -> Line:
        """Return the same data sets with other variances."""
        return Line(self.y, v, self.x)

    def coefficients(self, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return means of y and x, slope, and the weighted sum of squares of x, shape (n,)."""
        total = w.sum(axis=1)
        mean = np.einsum("ij,ij->i", w, self.y) / total
        centre = np.einsum("ij,ij->i", w, self.x) / total
        gap = w * (self.x - centre[:, None])
        sxx = np.einsum("ij,ij->i", gap, self.x - centre[:, None])
        sxy = np.einsum("ij,ij->i", gap, self.y - mean[:, None])
        return mean, centre, np.divide(sxy, sxx, out=np.zeros_like(sxx), where=sxx > 0.0), sxx

    def project(self, tau2: FloatArray) -> Projection:
        """Fit by weighted least squares at `tau2`."""
        w = 1.0 / (self.v + tau2[:, None])
        mean, centre, slope, sxx = self.coefficients(w)
        gap = self.x - centre[:, None]
        residual = np.where(w > 0.0, self.y - mean[:, None] - slope[:, None] * gap, 0.0)
        total, squares = w.sum(axis=1), w * w
        sloped = np.einsum("ij,ij,ij->i", squares, gap, gap)
        own = np.divide(sloped, sxx, out=np.ones_like(sxx), where=sxx > 0.0)
        trace = total - squares.sum(axis=1) / total - own
        logs = np.log(total) + np.log(sxx, out=np.zeros_like(sxx), where=sxx > 0.0)
        return Projection(w, residual, trace, logs)


def estimate_tau2_many(levels: Levels, method: Method) -> FloatArray:
    """Estimate the variance of true effects within levels.

    Parameters
    ----------
    levels : Levels
        Data sets with more trials than levels each.
    method : {"EE", "DL", "HE", "PM", "ML", "REML", "SJ", "HS"}
        Estimator, as :func:`combined_care.mixed_model.estimate_tau2` describes them.

    Returns
    -------
    numpy.ndarray of shape (n,)
        tau², never negative; of a likelihood the highest maximum.

    Raises
    ------
    ConvergenceError
        If a root is not found, which its bracket excludes for finite input.
    """
    if method in ("ML", "REML"):
        return likelihood_mode(levels, restricted=method == "REML")
    if method == "PM":
        return _paule_mandel(levels)
    return np.maximum(_closed_form(levels, method), 0.0)


def _closed_form(levels: Levels, method: Method) -> FloatArray:
    k, df = _sizes(levels)
    zero = np.zeros(k.size)
    match method:
        case "DL":
            found = levels.project(zero)
            return np.asarray((found.q - df) / found.trace)
        case "HS":
            found = levels.project(zero)
            return np.asarray((found.q - k) / found.w.sum(axis=1))
        case "HE":
            return np.asarray((_sum_of_squares(levels) - _unweighted_trace(levels)) / df)
        case "SJ":
            first = _variance(levels)
            return np.asarray(first * levels.project(first).q / df)
    return zero


def likelihood_mode(design: Design, *, restricted: bool) -> FloatArray:
    """Return the tau² of the highest maximum of the (restricted) likelihood, shape (n,)."""
    grid = _grid(design)
    rising = np.array([_score(design, t, restricted=restricted) > 0.0 for t in grid])
    point, row = np.nonzero(rising[:-1] & ~rising[1:])

    def excess(rows: np.ndarray, tau2: FloatArray) -> FloatArray:
        found = design.take(rows).project(tau2)
        expected = found.trace if restricted else found.w.sum(axis=1)
        return np.asarray(expected / found.pull - 1.0)

    roots = _rising_root(excess, row, grid[point, row], grid[point + 1, row])
    best = np.zeros(len(design.y))
    best[row] = roots
    count = np.bincount(row, minlength=best.size) + ~rising[0]
    for j in np.flatnonzero(count > 1):
        maxima = np.append(roots[row == j], [] if rising[0, j] else [0.0])
        same = design.take(np.full(maxima.size, j))
        best[j] = maxima[_log_likelihood(same, maxima, restricted=restricted).argmax()]
    return best


def _score(design: Design, tau2: FloatArray, *, restricted: bool) -> FloatArray:
    found = design.project(tau2)
    return np.asarray(found.pull - (found.trace if restricted else found.w.sum(axis=1)))


def _log_likelihood(design: Design, tau2: FloatArray, *, restricted: bool) -> FloatArray:
    found = design.project(tau2)
    logs = np.log(found.w, out=np.zeros_like(found.w), where=found.w > 0.0).sum(axis=1)
    return np.asarray(0.5 * (logs - (found.log_det if restricted else 0.0) - found.q))


def _grid(design: Design) -> FloatArray:
    r"""Return points of tau² from 0 to beyond every mode, shape (points, n).

    With :math:`s^2 = SS / (k - p)`, both scores are negative beyond the positive root of
    :math:`t^2 = s^2 (t + v_{max})`: :math:`y'PPy \le SS / t^2`, while the trace is at least
    :math:`(k - p) / (t + v_{max})`.
    """
    unit = design.v.min(axis=1)
    spread = _sum_of_squares(design) / _sizes(design)[1]
    widest = np.where(np.isfinite(design.v), design.v, 0.0).max(axis=1)
    top = (spread + np.sqrt(spread**2 + 4.0 * spread * widest)) / 2.0
    end = np.log1p(1.001 * top / unit + 1e-9)
    points = 2 + int(end.max(initial=0.0) / _GRID_STEP)
    return np.asarray(np.expm1(np.linspace(0.0, 1.0, points)[:, None] * end) * unit)


def _paule_mandel(levels: Levels) -> FloatArray:
    _, df = _sizes(levels)
    above = np.flatnonzero(levels.project(np.zeros(df.size)).q > df)
    found = np.zeros(df.size)

    def excess(rows: np.ndarray, tau2: FloatArray) -> FloatArray:
        return np.asarray(df[rows] / levels.take(rows).project(tau2).q - 1.0)

    # Q is below SS / tau², hence below its expectation at SS / df.
    top = _sum_of_squares(levels.take(above)) / df[above]
    found[above] = _rising_root(excess, above, np.zeros(above.size), top)
    return found


def _sizes(design: Design) -> tuple[FloatArray, FloatArray]:
    """Return the numbers of trials and the residual degrees of freedom."""
    k = np.isfinite(design.v).sum(axis=1).astype(float)
    return k, k - design.p


def _unweighted(design: Design) -> FloatArray:
    return np.asarray(np.where(np.isfinite(design.v), 1.0, np.inf))


def _sum_of_squares(design: Design) -> FloatArray:
    """Return the residual sum of squares without weights."""
    return design.with_variances(_unweighted(design)).project(np.zeros(len(design.y))).q


def _unweighted_trace(levels: Levels) -> FloatArray:
    """Return what the sampling variances add to the unweighted sum of squares: tr(PD)."""
    present = np.isfinite(levels.v)
    variances = np.where(present, levels.v, 0.0)
    means, _ = Levels(variances, levels.v, levels.member).means(present.astype(float))
    return np.asarray(variances.sum(axis=1) - means.sum(axis=1))


def _variance(design: Design) -> FloatArray:
    """Return the variance of the effects around their plain mean."""
    present = np.isfinite(design.v)
    k = present.sum(axis=1)
    mean = np.where(present, design.y, 0.0).sum(axis=1) / k
    return np.asarray(np.where(present, (design.y - mean[:, None]) ** 2, 0.0).sum(axis=1) / k)


def _rising_root(
    function: Callable[[np.ndarray, FloatArray], FloatArray],
    rows: np.ndarray,
    lo: FloatArray,
    hi: FloatArray,
) -> FloatArray:
    """Find where `function` of data sets `rows` rises through 0 between `lo` and `hi`.

    Regula falsi with halved ends (Illinois), for all at once; the ratios it serves are nearly
    straight in tau², so that few steps are needed.
    """
    root = (lo + hi) / 2.0
    open_ = np.arange(root.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = function(rows, lo), function(rows, hi)
        for step in range(_STEPS):
            if open_.size == 0:
                return root
            t = (lo * high - hi * low) / (high - low)
            inside = (t > lo) & (t < hi) & (step % 8 != 7)
            t = np.where(inside, t, (lo + hi) / 2.0)
            value = function(rows[open_], t)
            done = np.abs(t - root[open_]) <= _TOLERANCE * (1.0 + np.abs(t))
            root[open_] = t
            below = value < 0.0
            # An end that stays twice loses half of its height, or the other would never move.
            high = np.where(below, np.where(inside, high / 2.0, high), value)
            low = np.where(below, value, np.where(inside, low / 2.0, low))
            lo, hi = np.where(below, t, lo), np.where(below, hi, t)
            done |= hi - lo <= _TOLERANCE * (1.0 + hi)
            go = ~done
            open_, lo, hi, low, high = open_[go], lo[go], hi[go], low[go], high[go]
    message = f"{open_.size} of {root.size} data sets did not settle in {_STEPS} steps"
    raise ConvergenceError(message)
