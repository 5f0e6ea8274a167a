"""Compare all treatments that trials connect: frequentist network meta-analysis."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care.errors import known
from combined_care.inputs import Labels, check_choice, check_level
from combined_care.network_data import read_network
from combined_care.network_effect import EFFECT_COLUMNS, NetworkEffect, infer, network_effect
from combined_care.network_fit import (
    NETWORK_METHODS,
    NETWORK_TESTS,
    NetworkMethod,
    NetworkTest,
    fit,
    independent_rows,
)
from combined_care.network_inconsistency import (
    DesignDecomposition,
    DirectIndirect,
    compare,
    decompose,
)
from combined_care.ranking import Better, Ranking, rank_treatments
from combined_care.results import FloatArray, Number, Result, frozen_array, is_present

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.network_data import Network


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkMetaAnalysis(Result):
    """Relative effects of all treatments of a network, and how well its evidence agrees.

    Attributes
    ----------
    treatments : tuple of str
        All treatments, sorted; the order of all arrays.
    reference : str
        The treatment that the estimates are against.
    trials_of : tuple of int
        Number of trials of each treatment: the nodes of the network's graph. Its edges are
        `comparisons`.
    k, pairs : int
        Number of trials, and of pairwise comparisons in them.
    estimate : numpy.ndarray of shape (n,)
        Effects against the reference, whose own is 0.
    vcov : numpy.ndarray of shape (n, n)
        Their covariances, 0 in the row and column of the reference.
    df : float
        Degrees of freedom of intervals and tests; infinite for the normal distribution.
    tau2, i2 : float
        Variance of true effects that all comparisons share, and I² in percent from it.
    q, q_df, q_pval : float
        Cochran's Q of the common-effect network: heterogeneity and inconsistency together.
    inconsistency : DesignDecomposition
        Q split into both.
    comparisons : tuple of DirectIndirect
        Every pair that trials compare, with direct and indirect evidence.
    method, test, level : str, str, float
        What was done.
    """

    caption = "Network meta-analysis"

    treatments: tuple[str, ...]
    reference: str
    trials_of: tuple[int, ...]
    k: int
    pairs: int
    estimate: FloatArray
    vcov: FloatArray
    df: float
    tau2: Number
    i2: Number
    q: float
    q_df: int
    q_pval: Number
    inconsistency: DesignDecomposition
    comparisons: tuple[DirectIndirect, ...]
    method: NetworkMethod
    test: NetworkTest
    level: float

    def __str__(self) -> str:
        trials = "1 trial" if self.k == 1 else f"{self.k} trials"
        return (
            f"Network of {len(self.treatments)} treatments in {trials} ({self.method}, "
            f"tau² {self.tau2:.3f}). {self.inconsistency}"
        )

    def to_frame(self, reference: str | None = None) -> pd.DataFrame:
        """Return one row a treatment against the reference, or against another one."""
        against = self._place(self.reference if reference is None else reference)
        others = [i for i in range(len(self.treatments)) if i != against]
        table = pd.DataFrame(self._against(against)).iloc[others]
        table.insert(0, "treatment", [self.treatments[i] for i in others])
        table["k"] = [self.trials_of[i] for i in others]
        return table.reset_index(drop=True)

    def relative(self, treatment: str, against: str | None = None) -> NetworkEffect:
        """Return the effect of one treatment against another (the reference by default)."""
        other = self.reference if against is None else against
        i, j = self._place(treatment), self._place(other)
        variance = self.vcov[i, i] + self.vcov[j, j] - 2.0 * self.vcov[i, j]
        estimate = float(self.estimate[i] - self.estimate[j])
        return network_effect(
            treatment, other, estimate, float(variance), df=self.df, level=self.level
        )

    def league(self, quantity: str = "estimate") -> pd.DataFrame:
        """Return the league table: the row's treatment against the column's.

        Parameters
        ----------
        quantity : {"estimate", "se", "ci_lb", "ci_ub", "stat", "pval"}
            What the cells hold.
        """
        check_choice("quantity", quantity, EFFECT_COLUMNS)
        cells = [self._against(j)[quantity] for j in range(len(self.treatments))]
        names = list(self.treatments)
        return pd.DataFrame(np.column_stack(cells), index=names, columns=names)

    def comparison(self, treatment: str, against: str) -> DirectIndirect:
        """Return the direct and indirect evidence of two treatments that trials compare."""
        wanted = {treatment, against}
        valid = [f"{c.treat1} against {c.treat2}" for c in self.comparisons]
        found = [c for c in self.comparisons if {c.treat1, c.treat2} == wanted]
        if not found:
            known("direct comparison", [f"{treatment} against {against}"], valid)
        return found[0]

    def ranking(self, better: Better = "higher") -> Ranking:
        """Rank the treatments, see :func:`combined_care.ranking.rank_treatments`."""
        return rank_treatments(
            self.treatments, self.estimate, self.vcov, better=better, level=self.level
        )

    def nodes(self) -> pd.DataFrame:
        """Return the nodes of the network's graph: treatment and number of trials."""
        return pd.DataFrame({"treatment": self.treatments, "k": self.trials_of})

    def edges(self) -> pd.DataFrame:
        """Return the edges of the graph, one row a pair: :class:`DirectIndirect` as columns."""
        return pd.concat([found.to_frame() for found in self.comparisons], ignore_index=True)

    def _place(self, treatment: str) -> int:
        known("treatment", [treatment], self.treatments)
        return self.treatments.index(treatment)

    def _against(self, j: int) -> dict[str, FloatArray]:
        own = self.vcov.diagonal()
        variance = own + own[j] - 2.0 * self.vcov[:, j]
        return infer(self.estimate - self.estimate[j], variance, df=self.df, level=self.level)


def network_meta_analysis(
    treat1: Labels,
    treat2: Labels,
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    study: Labels,
    method: NetworkMethod = "REML",
    reference: str | None = None,
    *,
    test: NetworkTest = "z",
    level: float = 0.95,
    tolerance: float = 1e-3,
) -> NetworkMetaAnalysis:
    r"""Compare all treatments of a network from the pairwise comparisons of its trials.

    Parameters
    ----------
    treat1, treat2 : sequence of str of length m
        The treatments of each comparison.
    yi, vi : array_like of shape (m,)
        Effect of treat1 **against** treat2 (positive favours treat1) and its sampling variance.
    study : sequence of str of length m
        Trial of each comparison; a trial with several arms gives all pairs of them.
    method : {"REML", "DL", "EE"}
        How the variance of true effects is estimated: restricted likelihood, generalised method
        of moments (netmeta's default), or not at all (common effects).
    reference : str, optional
        What the estimates are against; by default the treatment of most trials.
    test : {"z", "knha"}
        Normal intervals, or t with the covariances scaled by Q at tau² over its degrees of
        freedom (Knapp and Hartung), as for single comparisons.
    level : float
        Level of the intervals.
    tolerance : float
        How far effects of a trial with several arms may be from adding up.

    Returns
    -------
    NetworkMetaAnalysis

    Raises
    ------
    InputError
        If an option is unknown, the input makes no sense (see
        :func:`combined_care.network_data.read_network`), or treatments are not connected; the
        parts are named.

    Notes
    -----
    The model is :math:`y \sim N(B\theta, V + \tau^2 S)`, with the exact covariances of trials
    with several arms in V, and S with 1 on the diagonal and 1/2 between the effects of a trial
    [1]_. One tau² holds for all comparisons. Moments follow [2]_: :math:`\hat\tau^2 = (Q - df) /
    tr(PS)`. Without any degree of freedom trials cannot be seen to differ, and common effects
    are given.

    References
    ----------
    .. [1] Rücker (2012), doi:10.1002/jrsm.1058; Rücker & Schwarzer (2014), doi:10.1002/sim.6236.
    .. [2] Jackson, White & Riley (2013), doi:10.1002/bimj.201200152.

    Examples
    --------
    >>> fit = network_meta_analysis(
    ...     treat1=["both", "both", "drug", "both"], treat2=["drug", "talk", "talk", "drug"],
    ...     yi=[0.4, 0.3, -0.1, 0.2], vi=[0.04, 0.05, 0.04, 0.03],
    ...     study=["a", "b", "c", "d"], reference="drug")
    >>> print(fit.relative("both"))
    both against drug: 0.30, 95 % CI 0.07 to 0.54.
    >>> print(fit.comparison("both", "talk"))
    both against talk: direct 0.30 (1 trial), indirect 0.19, p = 0.73 that they agree.
    """
    check_choice("method", method, NETWORK_METHODS)
    check_choice("test", test, NETWORK_TESTS)
    check_level(level)
    network = read_network(treat1, treat2, yi, vi, study, tolerance=tolerance)
    network.check_connected()
    held = Counter(arm for trial in network.trials for arm in trial.arms)
    place = _reference(network, held, reference)
    rows = independent_rows(network)
    others = [i for i in range(len(network.treatments)) if i != place]
    found = fit(rows, rows.arms[:, others], method, test)
    estimate, vcov, plain = (
        _with_zeros(values, others) for values in (found.beta, found.vcov, found.plain)
    )
    tau2 = found.tau2 if is_present(found.tau2) else 0.0
    return NetworkMetaAnalysis(
        treatments=network.treatments,
        reference=network.treatments[place],
        trials_of=tuple(held[i] for i in range(len(network.treatments))),
        k=len(network.trials),
        pairs=sum(len(t.arms) * (len(t.arms) - 1) // 2 for t in network.trials),
        estimate=estimate,
        vcov=vcov,
        df=found.df,
        tau2=found.tau2,
        i2=found.i2,
        q=found.q.value,
        q_df=found.q.df,
        q_pval=found.q.pval,
        inconsistency=decompose(network, rows, found.q),
        comparisons=compare(network, estimate, plain, tau2, level),
        method=method,
        test=test,
        level=float(level),
    )


def _reference(network: Network, held: Counter[int], reference: str | None) -> int:
    if reference is None:
        return min(held, key=lambda arm: (-held[arm], arm))
    known("reference", [reference], network.treatments)
    return network.treatments.index(reference)


def _with_zeros(values: FloatArray, others: list[int]) -> FloatArray:
    """Give the reference its place, with 0, in a vector or a square matrix."""
    full = np.zeros((len(others) + 1,) * values.ndim)
    full[np.ix_(*[others] * values.ndim)] = values
    return frozen_array(full)
