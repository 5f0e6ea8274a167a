r"""Cluster-robust tests after generalised least squares: CR2 with Satterthwaite degrees of freedom.

The working model is :math:`y \sim N(X\beta, \Phi)` with :math:`\Phi` block diagonal by cluster, and
the weights are :math:`\Phi^{-1}`. PyMARE has CR2 as well, but with its own adjustment where weights
differ inside a cluster and for diagonal weights only; this kernel takes any :math:`\Phi` and equals
clubSandwich. It works in coordinates in which :math:`X^T\Phi^{-1}X = I`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.results import FloatArray

#: Eigenvalues of an adjustment matrix that count as zero, beside the largest possible one.
_ZERO = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class RobustFit:
    r"""Coefficients with what CR2 tests of any linear combination need; J clusters, p coefficients.

    Attributes
    ----------
    beta : numpy.ndarray of shape (p,)
        Generalised least squares estimate.
    factor : numpy.ndarray of shape (p, J)
        Times its transpose, the CR2 covariance of the estimate.
    own, shared : numpy.ndarray of shape (J, p, p)
        With :math:`T_j = Z_j^T \Phi_j^{-1} A_j` of cluster j:
        :math:`T_j \Phi_j T_j^T` and :math:`T_j Z_j`.
    root : numpy.ndarray of shape (p, p)
        Upper triangular, :math:`X = Z \cdot root`.
    """

    beta: FloatArray
    factor: FloatArray
    own: FloatArray
    shared: FloatArray
    root: FloatArray

    def degrees_of_freedom(self, contrasts: FloatArray) -> FloatArray:
        r"""Return Satterthwaite's degrees of freedom of each row of `contrasts` (n, p).

        With :math:`G_{ij} = \delta_{ij} d_i - e_i^T e_j` the covariances of the clusters'
        contributions under the working model, :math:`(\sum_i G_{ii})^2 / \sum_{ij} G_{ij}^2` [1]_.

        References
        ----------
        .. [1] Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004.
        """
        return np.array([self._df(row) for row in np.atleast_2d(contrasts)])

    def has_variance(self, contrasts: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell for each row of `contrasts` (n, p) whether residuals tell anything about it.

        They do not where one study alone bears on it, which it then fits exactly.
        """
        rotated = self._rotated(np.atleast_2d(contrasts))
        own = np.array([np.trace(self._contributions(row[None])[:, :, 0, 0]) for row in rotated])
        return np.asarray(own > _ZERO * np.sum(rotated**2, axis=1))

    def omnibus(self, contrasts: FloatArray) -> tuple[float, float, float]:
        r"""Test that all rows of `contrasts` (q, p) times the coefficients are 0.

        Returns
        -------
        f, df1, df2 : float
            Approximate Hotelling's T² test ("HTZ" of clubSandwich): with Q the Wald statistic
            and :math:`\eta` the degrees of freedom matched to the spread of the covariance
            estimate, :math:`F = (\eta - q + 1) Q / (\eta q)` on q and :math:`\eta - q + 1` [1]_.

        References
        ----------
        .. [1] Tipton & Pustejovsky (2015), doi:10.3102/1076998615606099.
        """
        q = contrasts.shape[0]
        effect = contrasts @ self.beta
        half = contrasts @ self.factor
        wald = float(effect @ np.linalg.solve(half @ half.T, effect))
        eta = q * (q + 1.0) / self._spread(contrasts)
        return (eta - q + 1.0) / (eta * q) * wald, float(q), eta - q + 1.0

    def _rotated(self, contrasts: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.solve(self.root.T, contrasts.T).T)

    def _df(self, contrast: FloatArray) -> float:
        g = self._contributions(self._rotated(contrast[None]))[:, :, 0, 0]
        return float(np.trace(g) ** 2 / np.sum(g**2))

    def _contributions(self, rotated: FloatArray) -> FloatArray:
        """Return G of shape (J, J, q, q): covariances of the clusters' shares in the contrasts."""
        e = rotated @ self.shared
        g = -np.einsum("iap,jbp->ijab", e, e)
        clusters = np.arange(self.own.shape[0])
        g[clusters, clusters] += rotated @ self.own @ rotated.T
        return np.asarray(g)

    def _spread(self, contrasts: FloatArray) -> float:
        """Return the total variance of the standardised covariance estimate."""
        rotated = self._rotated(contrasts)
        nominal = np.einsum("iiab->ab", self._contributions(rotated))
        g = self._contributions(_inverse_root(nominal, 0.0) @ rotated)
        trace = np.einsum("ijaa->ij", g)
        return float(np.sum(trace**2) + np.sum(g * np.swapaxes(g, 2, 3)))


def fit_robust(
    yi: FloatArray, design: FloatArray, working: FloatArray, clusters: Sequence[str]
) -> RobustFit:
    r"""Fit by generalised least squares and adjust the residuals of each cluster (CR2).

    Parameters
    ----------
    yi : numpy.ndarray of shape (k,)
        Effects.
    design : numpy.ndarray of shape (k, p)
        Design matrix of full column rank.
    working : numpy.ndarray of shape (k, k)
        Working covariance :math:`\Phi`; positive definite, 0 between clusters.
    clusters : sequence of str of length k
        Labels of the clusters.

    Notes
    -----
    :math:`A_j = D_j^T (D_j (\Phi_j - Z_j Z_j^T) D_j^T)^{-1/2} D_j` with
    :math:`D_j^T D_j = \Phi_j` and a pseudo-inverse root [1]_, which makes the covariance
    estimate unbiased if the working model holds.

    References
    ----------
    .. [1] Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004.
    """
    lower = np.linalg.cholesky(working)
    white, root = np.linalg.qr(np.linalg.solve(lower, design))
    white_y = np.linalg.solve(lower, yi)
    rotated = white.T @ white_y
    z = lower @ white
    residual = lower @ (white_y - white @ rotated)
    labels = np.array(clusters)
    own, shared, scores = [], [], []
    for name in dict.fromkeys(clusters):
        rows = np.flatnonzero(labels == name)
        phi, z_j = working[np.ix_(rows, rows)], z[rows]
        t = np.linalg.solve(phi, z_j).T @ _adjustment(phi, z_j)
        own.append(t @ phi @ t.T)
        shared.append(t @ z_j)
        scores.append(t @ residual[rows])
    factor = np.linalg.solve(root, np.array(scores).T)
    beta = np.linalg.solve(root, rotated)
    return RobustFit(beta, factor, np.array(own), np.array(shared), root)


def _adjustment(phi: FloatArray, z: FloatArray) -> FloatArray:
    upper = np.linalg.cholesky(phi).T
    inner = upper @ (phi - z @ z.T) @ upper.T
    largest = float(np.linalg.norm(upper @ phi @ upper.T, 2))
    return np.asarray(upper.T @ _inverse_root(inner, _ZERO * largest) @ upper)


def _inverse_root(matrix: FloatArray, zero: float) -> FloatArray:
    """Return the symmetric pseudo-inverse root; eigenvalues up to `zero` count as 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    raised = np.zeros_like(values)
    raised[values > zero] = values[values > zero] ** -0.5
    return np.asarray((vectors * raised) @ vectors.T)
