"""Trim and fill, and PET-PEESE, for many data sets at once: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from combined_care import tau2 as kernel
from combined_care.inference import lower_tail
from combined_care.mixed_many import Line, likelihood_mode
from combined_care.tau2 import Batch

if TYPE_CHECKING:
    from combined_care.results import FloatArray
    from combined_care.tau2 import Method

#: A weighted sum of squares below this share of the total is rounding error.
_NOTHING = 1e-24


class Filled(NamedTuple):
    """Data sets with mirror images of their trimmed trials.

    Attributes
    ----------
    yi, vi : numpy.ndarray of shape (n, 2 K)
        Effects and variances of the trials and of the images; infinite variance where none is.
    k0 : numpy.ndarray of shape (n,)
        Number of trials added.
    settled : numpy.ndarray of shape (n,)
        False where the trimming never settles, so that nothing is filled.
    """

    yi: FloatArray
    vi: FloatArray
    k0: np.ndarray
    settled: np.ndarray


def trim_and_fill_many(yi: FloatArray, vi: FloatArray, method: Method) -> Filled:
    """Make the funnel of every data set symmetric, by the estimator L0.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (n, K)
        Effects and sampling variances; a trial that does not belong has infinite variance. Each
        data set needs 3 trials or more.
    method : str
        Estimator of tau² while trimming.

    Returns
    -------
    Filled
        What :func:`combined_care.trim_fill.trim_and_fill` pools, each side chosen by the data.

    References
    ----------
    Duval & Tweedie (2000), Biometrics, doi:10.1111/j.0006-341X.2000.00455.x.
    """
    sign = np.where(_slope_on_se(yi, vi) < 0.0, -1.0, 1.0)[:, None]
    present = np.isfinite(vi)
    order = np.lexsort((vi, np.where(present, sign * yi, np.inf)), axis=1)
    y = np.take_along_axis(np.where(present, sign * yi, 0.0), order, axis=1)
    v = np.take_along_axis(vi, order, axis=1)
    k0, centre, settled = _settle(y, v, method)
    k = present.sum(axis=1)
    place = np.arange(y.shape[1])
    images = (place >= (k - k0)[:, None]) & (place < k[:, None]) & settled[:, None]
    mirrored = np.where(images, 2.0 * centre[:, None] - y, 0.0)
    return Filled(
        sign * np.hstack([y, mirrored]),
        np.hstack([v, np.where(images, v, np.inf)]),
        k0,
        settled,
    )


def _slope_on_se(yi: FloatArray, vi: FloatArray) -> FloatArray:
    """Return the slope of the effects on their standard error; 0 where no line can be fitted."""
    present = np.isfinite(vi)
    unit = vi.min(axis=1)[:, None]
    y = np.where(present, yi, 0.0) / np.sqrt(unit)
    v = vi / unit
    line = Line(y, v, np.where(present, np.sqrt(v), 0.0))
    fit = line.project(np.zeros(len(y)))
    w = 1.0 / v
    sxx = line.coefficients(w)[3]
    flat = sxx <= _NOTHING * np.einsum("ij,ij,ij->i", w, line.x, line.x)
    exact = fit.q <= _NOTHING * np.einsum("ij,ij,ij->i", w, y, y)
    slope = np.zeros(len(y))
    rows = np.flatnonzero(~flat & ~exact)
    if rows.size:
        some = line.take(rows)
        tau2 = likelihood_mode(some, restricted=True)
        slope[rows] = some.coefficients(1.0 / (some.v + tau2[:, None]))[2]
    return slope


def _settle(
    y: FloatArray, v: FloatArray, method: Method
) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    """Trim the last trials of sorted data sets until their number stays the same."""
    n, width = y.shape
    k = np.isfinite(v).sum(axis=1)
    k0, centre = np.zeros(n, dtype=int), np.full(n, np.nan)
    tried = np.zeros((n, width + 1), dtype=bool)
    tried[:, 0] = True
    settled, rows = np.zeros(n, dtype=bool), np.arange(n)
    while rows.size:
        left = np.arange(width) < (k - k0)[rows][:, None]
        centre[rows] = _pooled(y[rows], np.where(left, v[rows], np.inf), method)
        new = np.rint(_missing(y[rows] - centre[rows][:, None], k[rows])).astype(int)
        same = new == k0[rows]
        settled[rows[same]] = True
        go = ~same & ~tried[rows, new]
        rows, new = rows[go], new[go]
        k0[rows] = new
        tried[rows, new] = True
    return np.where(settled, k0, 0), centre, settled


def _pooled(y: FloatArray, v: FloatArray, method: Method) -> FloatArray:
    """Return the pooled estimates; of one trial its own effect."""
    several = np.isfinite(v).sum(axis=1) > 1
    batch = Batch.of(y, v)
    mean = batch.centre.copy()
    if several.any():
        some = batch.take(several)
        found = kernel.moments(some, kernel.estimate(some, method)[0])
        mean[several] += some.unit * found.mean
    return mean


def _missing(deviations: FloatArray, k: np.ndarray) -> FloatArray:
    """Return L0, before rounding and not below 0, from deviations in the order of the effects."""
    n, width = deviations.shape
    there = np.arange(width) < k[:, None]
    size = np.where(there, np.abs(deviations), np.inf)
    ranks = np.empty((n, width))
    order = np.argsort(size, axis=1, kind="stable")
    np.put_along_axis(ranks, order, np.arange(1.0, width + 1.0)[None].repeat(n, axis=0), axis=1)
    largest = np.where(there, size, 0.0).max(axis=1)[:, None]
    right = there & (deviations > 0.0) & (size > 1e-12 * largest)
    total = np.where(right, ranks, 0.0).sum(axis=1)
    return np.asarray(np.maximum(0.0, (4.0 * total - k * (k + 1.0)) / (2.0 * k - 1.0)))


class Limits(NamedTuple):
    """Expected effects of an endlessly large trial, shape (n,); nan where no line can be tested."""

    estimate: FloatArray
    se: FloatArray
    df: FloatArray


def pet_peese_many(yi: FloatArray, vi: FloatArray, x: FloatArray, *, alpha: float = 0.10) -> Limits:
    r"""Estimate the effect of an endlessly large trial of every data set by conditional PET-PEESE.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (n, K)
        Effects and sampling variances; a trial that does not belong has infinite variance.
    x : numpy.ndarray of shape (n, K)
        Size of the trials as :func:`combined_care.small_study.pet_peese` takes it:
        :math:`\sqrt{v}`, or :math:`\sqrt{1/n_e + 1/n_c}` for standardised mean differences.
    alpha : float
        Two-sided level at which PET's limit must differ from 0 for PEESE to be chosen.

    References
    ----------
    Stanley & Doucouliagos (2014), doi:10.1002/jrsm.1095.
    """
    pet, peese = _limits(yi, vi, x), _limits(yi, vi, x**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        pval = 2.0 * lower_tail(pet.df, -np.abs(pet.estimate / pet.se))
    better = pval < alpha
    return Limits(*(np.where(better, b, a) for a, b in zip(pet, peese, strict=True)))


def _limits(yi: FloatArray, vi: FloatArray, x: FloatArray) -> Limits:
    present = np.isfinite(vi)
    line = Line(np.where(present, yi, 0.0), vi, np.where(present, x, 0.0))
    w = 1.0 / vi
    df = present.sum(axis=1) - 2.0
    mean, centre, slope, sxx = line.coefficients(w)
    q = line.project(np.zeros(len(yi))).q
    flat = sxx <= _NOTHING * np.einsum("ij,ij,ij->i", w, line.x, line.x)
    exact = q <= _NOTHING * np.einsum("ij,ij,ij->i", w, line.y, line.y)
    none = flat | exact | (df < 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(q / df * (1.0 / w.sum(axis=1) + centre**2 / sxx))
    nan = np.full(df.size, np.nan)
    return Limits(
        np.where(none, nan, mean - slope * centre),
        np.where(none, nan, se),
        np.where(none, nan, df),
    )
