r"""The three-parameter selection model for many data sets at once.

Same model as :mod:`combined_care.step_selection`, whose notes give the likelihood. There each data
set is climbed by a general optimiser; here all climb together by Newton's method with exact second
derivatives. Directions of wrong curvature are turned round, so that every step ascends, and steps
that do not raise the likelihood are halved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from combined_care import pooling

if TYPE_CHECKING:
    from combined_care.results import FloatArray

#: Bounds of the search, as in ``step_selection``: at a bound there is no usable maximum.
_BOUNDS = np.array([[-30.0, 30.0], [0.0, 400.0], [-15.0, 15.0]])
_STEPS, _FIRST_STEPS, _SETTLED = 200, 6, 1e-9
_LONGEST, _LEAST_CURVATURE, _LEAST_SHARE, _NEAR_ZERO = 2.0, 1e-8, 1e-12, 1e-6
_LOG_2PI = float(np.log(2.0 * np.pi))


class Selected(NamedTuple):
    """Means of all trials, seen or not, with their standard errors; nan where there is no maximum.

    All of shape (n,); `tau2` and `weight` belong to the same maximum.
    """

    estimate: FloatArray
    se: FloatArray
    tau2: FloatArray
    weight: FloatArray


def selection_model_many(yi: FloatArray, vi: FloatArray, *, cut: float = 0.025) -> Selected:
    """Fit the selection model to every data set; selection favours positive effects.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (n, K)
        Effects and sampling variances; a trial that does not belong has infinite variance.
    cut : float
        One-sided p value at which the chance of being seen changes.

    Returns
    -------
    Selected
        nan for fewer than 3 trials, for trials on one side of the cut, and where the likelihood
        has no maximum at finite values or is flat there.

    References
    ----------
    Hedges (1992), doi:10.1214/ss/1177011364; Vevea & Hedges (1995), doi:10.1007/BF02294384.
    """
    found = Selected(*(np.full(len(yi), np.nan) for _ in Selected._fields))
    present = np.isfinite(vi)
    significant = present & (yi >= -special.ndtri(cut) * np.sqrt(np.where(present, vi, 0.0)))
    k, k_significant = present.sum(axis=1), significant.sum(axis=1)
    rows = np.flatnonzero((k >= 3) & (k_significant > 0) & (k_significant < k))
    if rows.size:
        problem, unit = _Problem.of(yi[rows], vi[rows], cut)
        theta, se = _fit(problem)
        found.estimate[rows] = unit * theta[:, 0]
        found.se[rows] = unit * se
        found.tau2[rows] = unit**2 * theta[:, 1]
        found.weight[rows] = np.exp(theta[:, 2])
    return found


class _Problem(NamedTuple):
    """Effects, variances and cut points in units of each data set; `below` counts the hidden side.

    Shapes (n, K), `below` (n,). An absent trial has variance 1, and `here` 0.
    """

    y: FloatArray
    v: FloatArray
    edge: FloatArray
    here: FloatArray
    below: FloatArray

    @classmethod
    def of(cls, yi: FloatArray, vi: FloatArray, cut: float) -> tuple[_Problem, FloatArray]:
        """Return the problem and the unit of each data set."""
        present = np.isfinite(vi)
        masked = np.where(present, yi, np.nan)
        typical = np.sqrt(np.nanmedian(np.where(present, vi, np.nan), axis=1))
        unit = np.maximum(typical, np.nanstd(masked, axis=1))
        v = np.where(present, vi, 1.0) / np.where(present, unit[:, None] ** 2, 1.0)
        y = np.where(present, yi, 0.0) / unit[:, None]
        edge = -special.ndtri(cut) * np.sqrt(v)
        below = (present & (y < edge)).sum(axis=1).astype(float)
        return cls(y, v, edge, present.astype(float), below), unit

    def take(self, rows: np.ndarray) -> _Problem:
        return _Problem(*(column[rows] for column in self))

    def value(self, theta: FloatArray) -> FloatArray:
        """Return the log-likelihood at `theta` (mean, tau², log weight), shape (n,)."""
        return self._parts(theta)[0]

    def _parts(self, theta: FloatArray) -> tuple[FloatArray, ...]:
        mean, tau2, log_weight = (theta[:, [i]] for i in range(3))
        variance = self.v + tau2
        s = np.sqrt(variance)
        u, b = (self.y - mean) / s, (self.edge - mean) / s
        hidden = log_weight + special.log_ndtr(b)
        log_seen = np.logaddexp(special.log_ndtr(-b), hidden)
        terms = -0.5 * (u**2 + np.log(variance) + _LOG_2PI) - log_seen
        value = (self.here * terms).sum(axis=1) + self.below * theta[:, 2]
        return value, s, u, b, hidden, log_seen

    def derivatives(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return value (n,), gradient (n, 3) and minus the second derivatives (n, 3, 3)."""
        value, s, u, b, hidden, log_seen = self._parts(theta)
        log_weight = theta[:, [2]]
        density = np.exp(-0.5 * (b**2 + _LOG_2PI) - log_seen)
        r = -np.expm1(log_weight) * density
        h = np.exp(hidden - log_seen)
        g = np.exp(log_weight) * density
        r_b, cross, v = r * (r - b), g + r * h, s**2
        gradient = [(u - r) / s, (u**2 - 1.0 - r * b) / (2.0 * v), -h]
        second = {
            (0, 0): (r_b - 1.0) / v,
            (0, 1): (r_b * b + r - 2.0 * u) / (2.0 * v * s),
            (1, 1): (2.0 - 4.0 * u**2 + r_b * b**2 + 3.0 * r * b) / (4.0 * v**2),
            (0, 2): cross / s,
            (1, 2): cross * b / (2.0 * v),
            (2, 2): -h * (1.0 - h),
        }
        slope = np.stack([(self.here * part).sum(axis=1) for part in gradient], axis=1)
        slope[:, 2] += self.below
        information = np.empty((len(theta), 3, 3))
        for (i, j), part in second.items():
            information[:, i, j] = information[:, j, i] = -(self.here * part).sum(axis=1)
        return value, slope, information


def _fit(problem: _Problem) -> tuple[FloatArray, FloatArray]:
    """Return the parameters of the highest maximum and the standard error of the mean."""
    n = len(problem.y)
    starts = _starts(problem)
    repeated = problem.take(np.tile(np.arange(n), len(starts)))
    climbed = _climb(repeated, np.concatenate(starts), _FIRST_STEPS)
    values = repeated.value(climbed).reshape(len(starts), n)
    best = climbed.reshape(len(starts), n, 3)[values.argmax(axis=0), np.arange(n)]
    theta = _climb(problem, best, _STEPS)
    se = _standard_error(problem, theta)
    at_bound = (
        (np.abs(theta[:, 0]) > 0.99 * _BOUNDS[0, 1])
        | (theta[:, 1] > 0.99 * _BOUNDS[1, 1])
        | (np.abs(theta[:, 2]) > 0.99 * _BOUNDS[2, 1])
    )
    lost = at_bound | np.isnan(se)
    return np.where(lost[:, None], np.nan, theta), np.where(lost, np.nan, se)


def _starts(problem: _Problem) -> list[FloatArray]:
    """Return the fit without selection, and the best points of a coarse grid, one per weight."""
    n = len(problem.y)
    plain = pooling.pool(
        problem.y,
        np.where(problem.here > 0.0, problem.v, np.inf),
        method="ML",
        test="z",
        level=0.95,
        pi_df="k-1",
        tau2_ci=False,
    )
    mean, tau2 = plain["estimate"], plain["tau2"]
    starts = [np.stack([mean, tau2, np.zeros(n)], axis=1)]
    for log_weight in (-4.0, -1.5, 1.5):
        best, height = starts[0], np.full(n, -np.inf)
        for shift in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0):
            for spread in (np.zeros(n), tau2, 0.3 + 2.0 * tau2):
                point = np.stack([mean + shift, spread, np.full(n, log_weight)], axis=1)
                value = problem.value(point)
                best = np.where((value > height)[:, None], point, best)
                height = np.maximum(value, height)
        starts.append(best)
    return starts


def _climb(problem: _Problem, theta: FloatArray, steps: int) -> FloatArray:
    """Take up to `steps` ascending Newton steps; a data set rests once its step is negligible."""
    theta = np.clip(theta, _BOUNDS[:, 0], _BOUNDS[:, 1])
    rows = np.arange(len(theta))
    data, share = problem, np.ones(rows.size)
    value, slope, information = data.derivatives(theta)
    for _ in range(steps):
        held = (theta[rows, 1] <= _NEAR_ZERO) & (slope[:, 1] <= 0.0)
        step = _direction(slope, information, held)
        new = np.clip(theta[rows] + share[:, None] * step, _BOUNDS[:, 0], _BOUNDS[:, 1])
        new[held, 1] = 0.0
        length = np.abs(new - theta[rows]).max(axis=1)
        trial = data.derivatives(new)
        better = trial[0] >= value
        theta[rows[better]] = new[better]
        share = np.where(better, 1.0, share / 4.0)
        value, slope, information = (
            np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a)
            for a, b in zip((value, slope, information), trial, strict=True)
        )
        go = np.where(better, length > _SETTLED, share > _LEAST_SHARE)
        if not go.any():
            break
        rows, data, share = rows[go], data.take(go), share[go]
        value, slope, information = value[go], slope[go], information[go]
    return theta


def _direction(slope: FloatArray, information: FloatArray, held: np.ndarray) -> FloatArray:
    """Return a Newton step with every curvature taken as descending, of bounded length.

    tau² stays where it is `held`, next to 0 with a likelihood that falls as it grows.
    """
    slope = slope.copy()
    slope[held, 1] = 0.0
    curvature, axes = np.linalg.eigh(_without_tau2(information, held))
    along = np.einsum("nij,ni->nj", axes, slope) / np.maximum(np.abs(curvature), _LEAST_CURVATURE)
    step = np.einsum("nij,nj->ni", axes, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300)))


def _without_tau2(information: FloatArray, held: np.ndarray) -> FloatArray:
    """Cut tau² off from the other parameters where it is held at 0."""
    cut = information.copy()
    cut[held, 1, :] = cut[held, :, 1] = 0.0
    cut[held, 1, 1] = 1.0
    return cut


def _standard_error(problem: _Problem, theta: FloatArray) -> FloatArray:
    """Return the standard error of the mean; nan where the likelihood is flat at its maximum."""
    information = problem.derivatives(theta)[2]
    information = _without_tau2(information, theta[:, 1] <= 0.0)
    se = np.full(len(theta), np.nan)
    usable = np.flatnonzero(np.isfinite(information).all(axis=(1, 2)))
    usable = usable[np.linalg.eigvalsh(information[usable]).min(axis=1) > 0.0]
    se[usable] = np.sqrt(np.linalg.inv(information[usable])[:, 0, 0])
    return se
