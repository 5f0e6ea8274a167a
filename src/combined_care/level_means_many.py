"""The omnibus test of a moderator for many data sets at once: one common tau², Knapp-Hartung F."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from combined_care.mixed_many import Levels, estimate_tau2_many

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.results import FloatArray
    from combined_care.tau2 import Method

#: Squared length of whitened residuals, beside that of the effects, that counts as an exact fit.
_EXACT = 1e-24


class CommonModels(NamedTuple):
    """Level means of many data sets with one common tau² each.

    Attributes
    ----------
    means, variances : numpy.ndarray of shape (n, G)
        Mean of each level and its model-based variance 1 / sum(w); nan where a level has no trial.
    tau2, scale, qm, df1, df2 : numpy.ndarray of shape (n,)
        Common tau², Knapp and Hartung's scale, the Wald statistic of equal means, its degrees of
        freedom and those of the residuals; nan with fewer than two levels.
    """

    means: FloatArray
    variances: FloatArray
    tau2: FloatArray
    scale: FloatArray
    qm: FloatArray
    df1: FloatArray
    df2: FloatArray

    def f_pval(self, test: Test) -> FloatArray:
        """Return the p value of the omnibus F; nan where the scale is 0 (see ``subgroups``)."""
        scale = np.maximum(self.scale, 1.0) if test == "knha-conservative" else self.scale
        f = np.divide(self.qm, self.df1 * scale, out=np.full(scale.size, np.nan), where=scale > 0.0)
        return np.asarray(special.fdtrc(self.df1, self.df2, f))


def fit_common_many(
    yi: FloatArray, vi: FloatArray, member: npt.NDArray[np.bool_], method: Method
) -> CommonModels:
    r"""Fit the regression on level means to every data set.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (n, K)
        Effects and sampling variances; a trial that does not belong has infinite variance.
    member : numpy.ndarray of shape (K, G)
        Which trial has which level; the same for all data sets.
    method : str
        Estimator of tau², see :func:`combined_care.tau2.estimate`.

    Returns
    -------
    CommonModels
        As :func:`combined_care.moderators.subgroups` with ``tau="common"``: with
        :math:`W_g = \sum_{i \in g} w_i`, :math:`Q_M = \sum_g W_g (\hat\mu_g - \hat\mu)^2`.
        Numbers are nan where fewer than two levels have trials or no trial is left for tau².

    References
    ----------
    Knapp & Hartung (2003), doi:10.1002/sim.1482.
    """
    n, groups = len(yi), member.shape[1]
    blank = CommonModels(
        *(np.full((n, groups), np.nan) for _ in range(2)), *(np.full(n, np.nan) for _ in range(5))
    )
    k = np.isfinite(vi).sum(axis=1)
    levels = ((np.isfinite(vi) @ member.astype(float)) > 0.0).sum(axis=1)
    rows = np.flatnonzero((levels >= 2) & (k > levels))
    if rows.size:
        for column, values in zip(blank, _fit(yi[rows], vi[rows], member, method), strict=True):
            column[rows] = values
    return blank


def _fit(
    yi: FloatArray, vi: FloatArray, member: npt.NDArray[np.bool_], method: Method
) -> CommonModels:
    present = np.isfinite(vi)
    unit = vi.min(axis=1)
    root = np.sqrt(unit)[:, None]
    data = Levels(np.where(present, yi, 0.0) / root, vi / unit[:, None], member.astype(float))
    tau2 = estimate_tau2_many(data, method)
    found = data.project(tau2)
    means, total = data.means(found.w)
    overall = (total * means).sum(axis=1) / total.sum(axis=1)
    qm = (total * (means - overall[:, None]) ** 2).sum(axis=1)
    df1, df2 = data.p - 1.0, present.sum(axis=1) - data.p
    is_exact = found.q <= _EXACT * np.einsum("ij,ij,ij->i", found.w, data.y, data.y)
    scale = np.where(is_exact, 0.0, found.q / df2)
    seen = total > 0.0
    variances = np.divide(1.0, total, out=np.full_like(total, np.nan), where=seen)
    return CommonModels(
        np.where(seen, means, np.nan) * root,
        variances * root**2,
        tau2 * unit,
        scale,
        qm,
        df1,
        df2,
    )
