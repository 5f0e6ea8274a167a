"""Which treatment is best, and how sure is the order?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import special
from scipy.stats import qmc

from combined_care.inputs import check_choice
from combined_care.results import FloatArray, Result, frozen_array

Better = Literal["higher", "lower"]

#: The ranks are counted in 2 ** _DRAWS points; always the same, so that a result can be repeated.
_DRAWS, _SEED = 13, 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranking(Result):
    """An order of treatments with its uncertainty.

    Attributes
    ----------
    treatments : tuple of str
        Best first.
    p_score : numpy.ndarray of shape (n,)
        Mean certainty that a treatment is better than another one, 0 to 1.
    rank_lb, rank_ub : numpy.ndarray of shape (n,)
        Interval of the rank (1 is best): where it lies with probability `level`.
    best : numpy.ndarray of shape (n,)
        Probability of being the best.
    better : {"higher", "lower"}
        Which effects are better.
    level : float
        Level of the intervals.
    """

    caption = "Ranking of treatments"

    treatments: tuple[str, ...]
    p_score: FloatArray
    rank_lb: FloatArray
    rank_ub: FloatArray
    best: FloatArray
    better: Better
    level: float

    def __str__(self) -> str:
        return (
            f"{self.treatments[0]} has the highest P-score ({self.p_score[0]:.2f}); its rank lies "
            f"between {self.rank_lb[0]:.0f} and {self.rank_ub[0]:.0f} of {len(self.treatments)} "
            f"with {100 * self.level:g} % probability."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a treatment, best first."""
        columns = {
            "treatment": self.treatments,
            "p_score": self.p_score,
            "rank_lb": self.rank_lb,
            "rank_ub": self.rank_ub,
            "best": self.best,
        }
        return pd.DataFrame(columns).astype({"rank_lb": int, "rank_ub": int})


def rank_treatments(
    treatments: tuple[str, ...],
    estimate: FloatArray,
    vcov: FloatArray,
    *,
    better: Better = "higher",
    level: float = 0.95,
) -> Ranking:
    r"""Rank treatments by their effects.

    Parameters
    ----------
    treatments : tuple of str of length n
        Their names.
    estimate, vcov : numpy.ndarray of shape (n,) and (n, n)
        Effects against one of them, and their covariances.
    better : {"higher", "lower"}
        Which effects are better.
    level : float
        Level of the intervals of ranks.

    Returns
    -------
    Ranking

    Raises
    ------
    InputError
        If `better` is neither word.

    Notes
    -----
    The P-score is the mean of :math:`\Phi((\hat\theta_i - \hat\theta_j) / s_{ij})` over all other
    treatments j [1]_. Ranks follow from normal effects with the network's covariances, counted in
    a fixed set of quasi-random points (scrambled Sobol); there is no chance in them.

    References
    ----------
    .. [1] Rücker & Schwarzer (2015), doi:10.1186/s12874-015-0060-8.
    """
    check_choice("better", better, get_args(Better))
    effects = estimate if better == "higher" else -estimate
    n = effects.size
    spread = np.sqrt(vcov.diagonal()[:, None] + vcov.diagonal() - 2.0 * vcov + np.eye(n))
    certainty = special.ndtr((effects[:, None] - effects) / spread)
    score = (certainty.sum(axis=1) - 0.5) / (n - 1)
    ranks = _ranks(effects, vcov)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(ranks, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    order = sorted(range(n), key=lambda i: (-score[i], treatments[i]))
    columns = (score, low, high, (ranks == 1).mean(axis=0))
    names = ("p_score", "rank_lb", "rank_ub", "best")
    return Ranking(
        treatments=tuple(treatments[i] for i in order),
        better=better,
        level=level,
        **{name: frozen_array(c[order]) for name, c in zip(names, columns, strict=True)},
    )


def _ranks(effects: FloatArray, vcov: FloatArray) -> FloatArray:
    """Return ranks of shape (points, n), 1 for the largest effect.

    Effects are taken against their mean, so that the reference plays no part.
    """
    centred = vcov - vcov.mean(axis=0) - vcov.mean(axis=1)[:, None] + vcov.mean()
    values, vectors = np.linalg.eigh(centred)
    root = vectors[:, 1:] * np.sqrt(np.maximum(values[1:], 0.0))
    points = qmc.Sobol(effects.size - 1, scramble=True, rng=_SEED).random_base2(_DRAWS)
    normal = special.ndtri(np.clip(points, 1e-12, 1.0 - 1e-12))
    drawn = effects + normal @ root.T
    return np.asarray((-drawn).argsort(axis=1).argsort(axis=1) + 1.0)
