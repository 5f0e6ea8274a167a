r"""Do levels differ when trials stand in several of them? CR2 tests for many data sets at once.

The model is that of :func:`combined_care.level_tests.level_regression` with clusters. Where a
trial has at most one effect in each level, the adjustment matrices of CR2 are diagonal: with
:math:`h = w / W_g` the leverage of an effect, its residual is divided by :math:`\sqrt{1 - h}`, and
all sums over pairs of clusters reduce to sums over clusters for each pair of levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from combined_care.errors import InputError
from combined_care.level_means_many import fit_common_many
from combined_care.mixed_many import Levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.results import FloatArray
    from combined_care.tau2 import Method


class RobustLevels(NamedTuple):
    """Tests of equal levels that allow for several effects of one trial.

    Attributes
    ----------
    f_pval, tau2 : numpy.ndarray of shape (n,)
        p value of the approximate Hotelling test, and the common tau²; nan where not estimable.
    differences : numpy.ndarray of shape (n, pairs)
        Differences of the levels (g, h) with g < h, in that order; nan where a level is missing.
    half_widths : numpy.ndarray of shape (n, pairs)
        Half of their confidence intervals.
    """

    f_pval: FloatArray
    tau2: FloatArray
    differences: FloatArray
    half_widths: FloatArray


def fit_robust_many(
    yi: FloatArray,
    vi: FloatArray,
    member: npt.NDArray[np.bool_],
    trial: Sequence[str],
    method: Method,
    level: float,
) -> RobustLevels:
    r"""Compare levels in every data set, robust against dependence within trials.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (n, K)
        Effects and sampling variances; an effect that does not belong has infinite variance. A
        level needs two effects or none.
    member : numpy.ndarray of shape (K, G)
        Which effect has which level.
    trial : sequence of str of length K
        Trial of each effect; at most one effect of a trial in each level.
    method : str
        Estimator of tau².
    level : float
        Level of the intervals.

    Raises
    ------
    InputError
        If a trial has several effects in one level.

    References
    ----------
    Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004; Tipton & Pustejovsky (2015),
    doi:10.3102/1076998615606099.
    """
    place = _places(member, trial)
    common = fit_common_many(yi, vi, member, method)
    n, groups = len(yi), member.shape[1]
    first, second = np.triu_indices(groups, 1)
    found = RobustLevels(
        np.full(n, np.nan), common.tau2, *(np.full((n, first.size), np.nan) for _ in range(2))
    )
    seen = np.isfinite(common.means) & (common.scale > 0.0)[:, None]
    for pattern in np.unique(seen, axis=0):
        at = np.flatnonzero(pattern)
        rows = np.flatnonzero((seen == pattern).all(axis=1))
        if at.size < 2:
            continue
        parts = _Parts.of(yi[rows], vi[rows], member[:, at], place, common.tau2[rows])
        contrasts = np.eye(at.size)[1:] - np.eye(at.size)[0]
        found.f_pval[rows] = parts.omnibus(contrasts)
        for pair, (g, h) in enumerate(zip(first, second, strict=True)):
            if pattern[g] and pattern[h]:
                row = (at == g).astype(float) - (at == h)
                estimate, half = parts.interval(row, level)
                found.differences[rows, pair], found.half_widths[rows, pair] = estimate, half
    return found


def _places(member: npt.NDArray[np.bool_], trial: Sequence[str]) -> npt.NDArray[np.intp]:
    """Return the position of each effect's trial among the trials."""
    names = {name: at for at, name in enumerate(dict.fromkeys(trial))}
    place = np.array([names[name] for name in trial], dtype=np.intp)
    cells = np.zeros((len(names), member.shape[1]), dtype=int)
    np.add.at(cells, place, member)
    if (cells > 1).any():
        name = list(names)[int(np.argmax(cells.max(axis=1)))]
        message = f"trial {name} has several effects in one level; expected at most one"
        raise InputError(message)
    return place


class _Parts(NamedTuple):
    r"""What the tests are made of: means (n, G), 1 / sqrt(W) (n, G), covariance and B (n, G, G).

    `spread` is :math:`B_{gh} = \sum_{ij} K^g_{ij} K^h_{ij}` with
    :math:`K^g_{ij} = \delta_{ij} h_{ig} / (1 - h_{ig}) - s_{ig} s_{jg}` and
    :math:`s = h / \sqrt{1 - h}`, for trials i and j.
    """

    means: FloatArray
    root: FloatArray
    covariance: FloatArray
    spread: FloatArray

    @classmethod
    def of(
        cls,
        yi: FloatArray,
        vi: FloatArray,
        member: npt.NDArray[np.bool_],
        place: npt.NDArray[np.intp],
        tau2: FloatArray,
    ) -> _Parts:
        inside = member.any(axis=1)
        v = np.where(inside, vi, np.inf)
        levels = Levels(np.where(np.isfinite(v), yi, 0.0), v, member.astype(float))
        w = 1.0 / (v + tau2[:, None])
        means, total = levels.means(w)
        residual = np.where(w > 0.0, levels.y - means @ levels.member.T, 0.0)
        h = np.where(inside, w / np.where(inside, total @ levels.member.T, 1.0), 0.0)
        shared = h / np.sqrt(1.0 - h)
        by_trial = [
            _by_trial(values, member, place)
            for values in (h / (1.0 - h), shared, shared * residual)
        ]
        o, s, scores = by_trial
        crossed = np.einsum("njg,njh->ngh", o, s**2)
        spread = (
            np.einsum("njg,njh->ngh", o, o)
            - crossed
            - np.swapaxes(crossed, 1, 2)
            + np.einsum("njg,njh->ngh", s, s) ** 2
        )
        return cls(means, 1.0 / np.sqrt(total), np.einsum("njg,njh->ngh", scores, scores), spread)

    def omnibus(self, contrasts: FloatArray) -> FloatArray:
        """Return the p value of the test that all contrasts (q, G) are 0."""
        q = len(contrasts)
        effect = self.means @ contrasts.T
        covariance = contrasts @ self.covariance @ contrasts.T
        wald = np.einsum("na,na->n", effect, np.linalg.solve(covariance, effect[..., None])[..., 0])
        rotated = contrasts * self.root[:, None, :]
        values, vectors = np.linalg.eigh(rotated @ np.swapaxes(rotated, 1, 2))
        scaled = np.swapaxes(vectors, 1, 2) @ rotated / np.sqrt(values)[:, :, None]
        inner = np.einsum("nag,nah->ngh", scaled, scaled)
        length = np.einsum("ngg->ng", inner)
        weight = length[:, :, None] * length[:, None, :] + inner**2
        eta = q * (q + 1.0) / np.einsum("ngh,ngh->n", weight, self.spread)
        df = eta - q + 1.0
        with np.errstate(invalid="ignore"):
            return np.where(df > 0.0, special.fdtrc(q, df, df / (eta * q) * wald), np.nan)

    def interval(self, contrast: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Return the estimate of one contrast (G,) and half of its interval."""
        se = np.sqrt(np.einsum("g,ngh,h->n", contrast, self.covariance, contrast))
        share = (contrast * self.root) ** 2
        df = share.sum(axis=1) ** 2 / np.einsum("ng,nh,ngh->n", share, share, self.spread)
        return self.means @ contrast, special.stdtrit(df, (1.0 + level) / 2.0) * se


def _by_trial(
    values: FloatArray, member: npt.NDArray[np.bool_], place: npt.NDArray[np.intp]
) -> FloatArray:
    """Move values of shape (n, K) to trial and level, shape (n, J, G)."""
    found = np.zeros((len(values), int(place.max()) + 1, member.shape[1]))
    effect, level = np.nonzero(member)
    found[:, place[effect], level] = values[:, effect]
    return found
