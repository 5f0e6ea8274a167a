"""Do direct and indirect evidence agree? Designs against each other, and comparison by comparison.

A design is a set of treatments that trials compare. Trials of one design may differ
(heterogeneity); designs may tell different stories of the same comparison (inconsistency).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care.inference import critical, lower_tail
from combined_care.network_data import design_names
from combined_care.network_fit import ChiSquared, Rows, chi_squared, solve
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    from combined_care.network_data import Network

#: Share of a comparison's information below which indirect evidence counts as none. A trial with
#: several arms leaves traces of this size, which blow up to absurd indirect estimates.
_NOTHING = 5e-4

ONLY_DIRECT = Absent("no indirect evidence: all of it is from trials of this comparison")
_NO_LOOPS = Absent("no comparison is made in two ways: nothing could disagree")


@dataclass(frozen=True, eq=False, kw_only=True)
class Design(Result):
    """Trials that compare the same set of treatments.

    Attributes
    ----------
    treatments : tuple of str
        The set.
    k : int
        Number of trials.
    q, q_df, q_pval : float
        Heterogeneity among them.
    """

    caption = "One design"

    treatments: tuple[str, ...]
    k: int
    q: float
    q_df: int
    q_pval: Number

    def __str__(self) -> str:
        trials = "1 trial" if self.k == 1 else f"{self.k} trials"
        return f"{' : '.join(self.treatments)}, {trials}: Q = {self.q:.2f} on {self.q_df} df."


@dataclass(frozen=True, eq=False, kw_only=True)
class DesignDecomposition(Result):
    """Q of the network, split into heterogeneity within and inconsistency between designs.

    Attributes
    ----------
    q, q_df, q_pval : float
        Q of the common-effect network.
    q_het, q_het_df, q_het_pval : float
        Part within designs.
    q_inc, q_inc_df, q_inc_pval : float
        Part between designs, `q` less `q_het`.
    tau2_within : float
        Variance of true effects within designs, by the generalised method of moments.
    q_inc_random, q_inc_random_pval : float
        Part between designs when trials of a design may differ by `tau2_within`, with the degrees
        of freedom of `q_inc`: the test to rely on when trials differ.
    designs : tuple of Design
        Each design with its part of `q_het`.
    """

    caption = "Heterogeneity and inconsistency"

    q: float
    q_df: int
    q_pval: Number
    q_het: float
    q_het_df: int
    q_het_pval: Number
    q_inc: float
    q_inc_df: int
    q_inc_pval: Number
    tau2_within: Number
    q_inc_random: Number
    q_inc_random_pval: Number
    designs: tuple[Design, ...]

    def __str__(self) -> str:
        if self.q_inc_df == 0:
            return f"Inconsistency between designs cannot be tested: {_NO_LOOPS.reason}."
        tested, p = f"Q = {self.q_inc:.2f}", f"p = {self.q_inc_pval:.2g}"
        if is_present(self.q_inc_random):
            tested = f"Q = {self.q_inc_random:.2f} allowing for heterogeneity"
            p = f"p = {self.q_inc_random_pval:.2g}"
        return f"Inconsistency between designs: {tested} on {self.q_inc_df} df, {p}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a source of variation: total, within designs, between designs."""
        random = (self.q_inc_random, self.q_inc_df, self.q_inc_random_pval)
        rows = [
            ("total", self.q, self.q_df, self.q_pval),
            ("within designs", self.q_het, self.q_het_df, self.q_het_pval),
            ("between designs", self.q_inc, self.q_inc_df, self.q_inc_pval),
            ("between designs, allowing for heterogeneity", *random),
        ]
        return pd.DataFrame(rows, columns=["source", "q", "df", "pval"])


def decompose(network: Network, rows: Rows, total: ChiSquared) -> DesignDecomposition:
    r"""Split Q into what is within designs and what is between them.

    Parameters
    ----------
    network, rows
        The network and its independent rows.
    total : ChiSquared
        Q of the common-effect network.

    Returns
    -------
    DesignDecomposition

    Notes
    -----
    Each design gets effects of its own; their Q add up to the part within designs, and what is
    left of the total is the part between them [1]_. With random effects, the generalised Q of
    both models are taken at the same :math:`\tau^2`, that of the model with a full
    design-by-treatment interaction [2]_ [3]_, and subtracted.

    References
    ----------
    .. [1] Krahn, Binder & König (2013), doi:10.1186/1471-2288-13-35.
    .. [2] Higgins, Jackson, Barrett, Lu, Ades & White (2012), doi:10.1002/jrsm.1044.
    .. [3] Jackson, Barrett, Rice, White & Higgins (2014), doi:10.1002/sim.6188.
    """
    found = design_names(network)
    # A design with one trial fits it exactly and adds nothing.
    parts = {arms: _of_design(rows, arms, at) for arms, at in found.items() if len(at) > 1}
    common = {arms: solve(*part, 0.0) for arms, part in parts.items()}
    designs = tuple(
        _design(network, arms, len(at), common[arms].q if arms in common else 0.0)
        for arms, at in found.items()
    )
    het = chi_squared(sum(d.q for d in designs), sum(d.q_df for d in designs))
    inc = chi_squared(max(0.0, total.value - het.value), total.df - het.df)
    tau2: Number = Absent("no design has two trials that could differ")
    random: Number = tau2 if inc.df else _NO_LOOPS
    if het.df:
        tau2 = max(0.0, (het.value - het.df) / sum(one.trace for one in common.values()))
    if inc.df and is_present(tau2):
        whole = solve(rows.y, rows.d, rows.arms[:, 1:], tau2).q
        random = max(0.0, whole - sum(solve(*part, tau2).q for part in parts.values()))
    return DesignDecomposition(
        **total.named("q"),
        **het.named("q_het"),
        **inc.named("q_inc"),
        tau2_within=tau2,
        q_inc_random=random,
        q_inc_random_pval=chi_squared(random, inc.df).pval if is_present(random) else random,
        designs=designs,
    )


def _design(network: Network, arms: tuple[int, ...], k: int, q: float) -> Design:
    test = chi_squared(q, (k - 1) * (len(arms) - 1))
    names = tuple(network.treatments[arm] for arm in arms)
    return Design(treatments=names, k=k, **test.named("q"))


def _of_design(
    rows: Rows, arms: tuple[int, ...], places: list[int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return effects, variances and the design matrix of one design's rows."""
    here = np.flatnonzero(np.isin(rows.trial, places))
    return rows.y[here], rows.d[here], rows.arms[np.ix_(here, np.array(arms[1:]))]


@dataclass(frozen=True, eq=False, kw_only=True)
class DirectIndirect(Result):
    """Two treatments that trials compare directly, and what the rest of the network says.

    Attributes
    ----------
    treat1, treat2 : str
        A positive effect favours `treat1`.
    k : int
        Number of trials that compare them.
    direct, direct_se, direct_ci_lb, direct_ci_ub : float
        From these trials alone.
    indirect, indirect_se, indirect_ci_lb, indirect_ci_ub : float
        From all other evidence.
    network, network_se, network_ci_lb, network_ci_ub : float
        From both.
    direct_share : float
        Share of the direct evidence in the network's estimate, in percent.
    difference, difference_se, difference_ci_lb, difference_ci_ub, pval : float
        Direct less indirect, and the test that they agree.
    """

    caption = "Direct and indirect evidence"

    treat1: str
    treat2: str
    k: int
    direct: float
    direct_se: float
    direct_ci_lb: float
    direct_ci_ub: float
    indirect: Number
    indirect_se: Number
    indirect_ci_lb: Number
    indirect_ci_ub: Number
    network: float
    network_se: float
    network_ci_lb: float
    network_ci_ub: float
    direct_share: float
    difference: Number
    difference_se: Number
    difference_ci_lb: Number
    difference_ci_ub: Number
    pval: Number

    def __str__(self) -> str:
        pair = f"{self.treat1} against {self.treat2}"
        trials = "1 trial" if self.k == 1 else f"{self.k} trials"
        if isinstance(self.indirect, Absent):
            return f"{pair}: {self.direct:.2f} from {trials}, {self.indirect.reason}."
        return (
            f"{pair}: direct {self.direct:.2f} ({trials}), indirect {self.indirect:.2f}, "
            f"p = {self.pval:.2g} that they agree."
        )


def compare(
    network: Network, estimate: FloatArray, vcov: FloatArray, tau2: float, level: float
) -> tuple[DirectIndirect, ...]:
    r"""Separate direct from indirect evidence of every comparison that trials make.

    Parameters
    ----------
    network : Network
        The network.
    estimate, vcov : numpy.ndarray of shape (n,) and (n, n)
        Its effects against the reference, whose row and column are 0.
    tau2 : float
        Its variance of true effects, used for the direct estimates too.
    level : float
        Level of the intervals.

    Returns
    -------
    tuple of DirectIndirect
        Sorted by their treatments.

    Notes
    -----
    The direct estimate pools the trials of a comparison. The indirect one is calculated back:
    :math:`1/v_{ind} = 1/v_{net} - 1/v_{dir}`, and the network's estimate is the weighted mean of
    both [1]_ [2]_. A trial with several arms counts as direct evidence of each of its pairs.

    References
    ----------
    .. [1] Dias, Welton, Caldwell & Ades (2010), doi:10.1002/sim.3767, section 3 (back-calculation).
    .. [2] König, Krahn & Binder (2013), doi:10.1002/sim.6001.
    """
    pooled: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for trial in network.trials:
        for i, j in combinations(range(len(trial.arms)), 2):
            effect, variance = trial.level[i] - trial.level[j], trial.vi[i, j] + tau2
            pooled[trial.arms[i], trial.arms[j]].append((float(effect), float(variance)))
    z = float(critical(np.array([np.inf]), level)[0])
    return tuple(
        _comparison(
            (network.treatments[a], network.treatments[b]),
            np.array(found),
            float(estimate[a] - estimate[b]),
            float(vcov[a, a] + vcov[b, b] - 2.0 * vcov[a, b]),
            z,
        )
        for (a, b), found in sorted(pooled.items())
    )


def _comparison(
    pair: tuple[str, str], found: FloatArray, network: float, variance: float, z: float
) -> DirectIndirect:
    w = 1.0 / found[:, 1]
    direct, direct_variance = float(w @ found[:, 0] / w.sum()), float(1.0 / w.sum())
    share = min(1.0, variance / direct_variance)
    known = _interval("direct", direct, direct_variance, z)
    known |= _interval("network", network, variance, z)
    names = [f"{part}{end}" for part in ("indirect", "difference") for end in _ENDS]
    rest: dict[str, Number] = dict.fromkeys([*names, "pval"], ONLY_DIRECT)
    if 1.0 - share > _NOTHING:
        indirect = (network - share * direct) / (1.0 - share)
        indirect_variance = variance / (1.0 - share)
        apart, spread = direct - indirect, direct_variance + indirect_variance
        rest = _interval("indirect", indirect, indirect_variance, z)
        rest |= _interval("difference", apart, spread, z)
        test = lower_tail(np.array([np.inf]), np.array([-abs(apart) / np.sqrt(spread)]))
        rest["pval"] = 2.0 * float(test[0])
    return DirectIndirect(
        treat1=pair[0],
        treat2=pair[1],
        k=len(found),
        direct_share=100.0 * share,
        **{**known, **rest},  # type: ignore[arg-type]
    )


_ENDS = ("", "_se", "_ci_lb", "_ci_ub")


def _interval(name: str, value: float, variance: float, z: float) -> dict[str, Number]:
    se = float(np.sqrt(variance))
    numbers = (value, se, value - z * se, value + z * se)
    return {f"{name}{end}": number for end, number in zip(_ENDS, numbers, strict=True)}
