"""From one scale to another: odds ratios to g, mean differences to g, several arms to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from combined_care.effects import (
    EffectSizes,
    SmdVariance,
    check_arms,
    correction_factor,
    require,
    smd_variance,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.results import FloatArray

#: Scale of g per unit of log odds ratio: the logistic distribution's standard deviation.
CHINN = np.sqrt(3.0) / np.pi


def smd_from_log_odds(yi: npt.ArrayLike, vi: npt.ArrayLike) -> EffectSizes:
    r"""Bring a log odds ratio to the scale of g by Chinn's method.

    Parameters
    ----------
    yi, vi : array_like
        Log odds ratio and its variance.

    Returns
    -------
    EffectSizes
        :math:`\sqrt{3}/\pi` times the log odds ratio, and :math:`3/\pi^2` times its variance.

    References
    ----------
    Chinn (2000), Statistics in Medicine 19:3127-3131.

    Examples
    --------
    >>> g = smd_from_log_odds(1.0, 0.25)
    >>> f"{g.yi:.4f} {g.vi:.4f}"
    '0.5513 0.0760'
    """
    return EffectSizes(
        (CHINN * np.asarray(yi, dtype=np.float64))[()],
        (CHINN**2 * np.asarray(vi, dtype=np.float64))[()],
    )


def log_odds_from_smd(g: npt.ArrayLike) -> FloatArray:
    """Return the log odds ratio that corresponds to g (Chinn 2000); undoes the scaling above.

    Examples
    --------
    >>> f"{log_odds_from_smd(0.24):.4f}"
    '0.4353'
    """
    return np.asarray(np.asarray(g, dtype=np.float64) / CHINN)[()]


def smd_from_mean_difference(
    effect: npt.ArrayLike,
    se: npt.ArrayLike,
    n_e: npt.ArrayLike,
    n_c: npt.ArrayLike,
    *,
    variance: SmdVariance = "LS",
) -> EffectSizes:
    r"""Derive Hedges' g from a reported mean difference, its standard error and the arm sizes.

    Parameters
    ----------
    effect, se : array_like
        Mean difference and its standard error, in instrument points.
    n_e, n_c : array_like
        People analysed per arm.
    variance : str
        See :func:`smd_variance`.

    Returns
    -------
    EffectSizes
        g with the standard deviation :math:`se / \sqrt{1/n_e + 1/n_c}`.

    Notes
    -----
    Where the difference was adjusted for baseline, this standard deviation is smaller than the
    raw one and g larger; such values are marked as derived.

    References
    ----------
    Cochrane Handbook, version 6, section 6.5.2.3.
    """
    a, b = np.asarray(n_e, dtype=np.float64), np.asarray(n_c, dtype=np.float64)
    error = np.asarray(se, dtype=np.float64)
    check_arms(a, b)
    require(error > 0, error, "se", "above 0")
    sd = error / np.sqrt(1 / a + 1 / b)
    g = correction_factor(a + b - 2) * np.asarray(effect, dtype=np.float64) / sd
    return EffectSizes(g[()], smd_variance(g, a, b, kind=variance))


def combine_means(means: FloatArray, sds: FloatArray, ns: FloatArray) -> tuple[float, float, float]:
    """Merge arms into one: the mean, SD and n of all their people together.

    References
    ----------
    Cochrane Handbook, version 6, table 6.5.a (written here for any number of arms).

    Examples
    --------
    >>> mean, sd, n = combine_means(np.array([8.0, 10.0]), np.array([4.0, 4.0]), np.array([20, 20]))
    >>> f"{mean:.1f} {sd:.3f} {n:.0f}"
    '9.0 4.076 40'
    """
    total = float(ns.sum())
    mean = float((ns * means).sum() / total)
    squares = float(((ns - 1) * sds**2 + ns * (means - mean) ** 2).sum())
    return mean, float(np.sqrt(squares / (total - 1))), total
