"""Do the parts of combined treatments add up? Component network meta-analysis."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from combined_care.component_names import Parts, parse_treatments
from combined_care.errors import InputError, known
from combined_care.inputs import Labels, check_choice, check_labels, check_level
from combined_care.network_data import read_network
from combined_care.network_effect import NetworkEffect, infer, network_effect
from combined_care.network_fit import (
    NETWORK_METHODS,
    NETWORK_TESTS,
    Fitted,
    NetworkMethod,
    NetworkTest,
    Rows,
    chi_squared,
    fit,
    independent_rows,
    solve,
)
from combined_care.results import Absent, FloatArray, Number, Result, frozen_array, is_present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.network_data import Network

#: Length of a coefficient's part that the data cannot see, above which it counts as unknown.
_UNSEEN = 1e-7


@dataclass(frozen=True, eq=False, kw_only=True)
class ComponentNetwork(Result):
    """Effects of components, as if those of a combination add up, and the test that they do.

    Attributes
    ----------
    components : tuple of str
        Components, sorted, then the interactions asked for (``"a * b"``).
    trials_of : tuple of int
        Number of trials with an arm that holds the component (both, for an interaction).
    inactive : str, optional
        The component whose effect is 0 by definition.
    sep : str
        What separates components in a treatment's name.
    treatments : tuple of str
        All treatments, sorted.
    subnetworks : tuple of tuple of str
        Parts that no trial connects; one when the network is connected.
    k : int
        Number of trials.
    estimate, vcov : numpy.ndarray of shape (p,) and (p, p)
        Effects of adding each component, and their covariances.
    df : float
        Degrees of freedom of intervals and tests; infinite for the normal distribution.
    tau2, i2 : float
        Variance of true effects that all comparisons share, and I² in percent from it.
    q_additive, q_additive_df, q_additive_pval : float
        Q of the common-effect model of components.
    q_standard, q_standard_df, q_standard_pval : float
        Q of the common-effect model in which every treatment has an effect of its own.
    q_difference, q_difference_df, q_difference_pval : float
        Their difference: the test that effects add up, for common effects.
    q_difference_random, q_difference_random_pval : float
        The same allowing for the heterogeneity of the model with free effects, with the same
        degrees of freedom: the test to rely on when trials differ.
    method, test, level : str, str, float
        What was done.
    """

    caption = "Component network meta-analysis"

    components: tuple[str, ...]
    trials_of: tuple[int, ...]
    inactive: str | None
    sep: str
    treatments: tuple[str, ...]
    subnetworks: tuple[tuple[str, ...], ...]
    k: int
    estimate: FloatArray
    vcov: FloatArray
    df: float
    tau2: Number
    i2: Number
    q_additive: float
    q_additive_df: int
    q_additive_pval: Number
    q_standard: float
    q_standard_df: int
    q_standard_pval: Number
    q_difference: float
    q_difference_df: int
    q_difference_pval: Number
    q_difference_random: Number
    q_difference_random_pval: Number
    method: NetworkMethod
    test: NetworkTest
    level: float

    def __str__(self) -> str:
        trials = "1 trial" if self.k == 1 else f"{self.k} trials"
        start = f"{len(self.components)} component effects from {trials} ({self.method})"
        if self.q_difference_df == 0:
            return f"{start}; whether they add up cannot be tested: no comparison is left over."
        value, p = self.q_difference, self.q_difference_pval
        if is_present(self.q_difference_random):
            value, p = self.q_difference_random, self.q_difference_random_pval
        return (
            f"{start}; test that they add up: Q = {value:.2f} on {self.q_difference_df} df, "
            f"p = {p:.2g}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a component or interaction."""
        columns = infer(self.estimate, self.vcov.diagonal(), df=self.df, level=self.level)
        table = pd.DataFrame(columns)
        table.insert(0, "component", list(self.components))
        table["k"] = list(self.trials_of)
        return table

    def additivity(self) -> pd.DataFrame:
        """Return the tests of additivity, one row a model or difference."""
        random = (self.q_difference_random, self.q_difference_df, self.q_difference_random_pval)
        rows = [
            ("additive", self.q_additive, self.q_additive_df, self.q_additive_pval),
            ("standard", self.q_standard, self.q_standard_df, self.q_standard_pval),
            ("difference", self.q_difference, self.q_difference_df, self.q_difference_pval),
            ("difference, allowing for heterogeneity", *random),
        ]
        return pd.DataFrame(rows, columns=["model", "q", "df", "pval"])

    def predict(self, combination: str, against: str | None = None) -> NetworkEffect:
        """Return the effect of any combination of components, tried together or not.

        Parameters
        ----------
        combination : str
            Components joined by the separator, such as ``"psychotherapy + medication"``.
        against : str, optional
            What it is compared with; by default nothing (or the inactive component).

        Raises
        ------
        InputError
            If a component is not in the network.
        """
        row = self._row(combination) - (0.0 if against is None else self._row(against))
        estimate, variance = float(row @ self.estimate), float(row @ self.vcov @ row)
        other = against or self.inactive or "nothing"
        return network_effect(combination, other, estimate, variance, df=self.df, level=self.level)

    def _row(self, combination: str) -> FloatArray:
        """Return which components and interactions a combination holds."""
        parts = {part.strip() for part in combination.split(self.sep)}
        singles = [name for name in self.components if " * " not in name]
        known("component", sorted(parts), [*singles, *([self.inactive] if self.inactive else [])])
        return np.array([float(set(name.split(" * ")) <= parts) for name in self.components])


def component_network(
    treat1: Labels,
    treat2: Labels,
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    study: Labels,
    method: NetworkMethod = "REML",
    inactive: str | None = None,
    sep: str = " + ",
    interactions: Sequence[tuple[str, str]] = (),
    *,
    test: NetworkTest = "z",
    level: float = 0.95,
    tolerance: float = 1e-3,
) -> ComponentNetwork:
    r"""Estimate what each component of combined treatments adds.

    Parameters
    ----------
    treat1, treat2, yi, vi, study, method, test, level, tolerance
        As for :func:`combined_care.network.network_meta_analysis`. The network need not be
        connected when components join its parts.
    inactive : str, optional
        Component whose effect is 0 by definition, such as ``"placebo"``.
    sep : str
        Separates components in a treatment's name. Their order does not matter.
    interactions : sequence of pairs of str
        Pairs of components that may have more, or less, than the sum of their effects together.

    Returns
    -------
    ComponentNetwork

    Raises
    ------
    InputError
        If the comparisons make no sense; if a name is malformed (an empty or repeated component,
        or a separator without its spaces); if `inactive` or an interaction names what is not
        there; or if comparisons do not determine a component, which is named.

    Notes
    -----
    The effect of a treatment is :math:`\theta = C\beta` with C holding which component a
    treatment has, so that :math:`y \sim N(BC\beta, V + \tau^2 S)` [1]_. The standard model leaves
    :math:`\theta` free; Q of the additive model less Q of the standard one tests additivity,
    exactly for common effects [1]_. With random effects, both generalised Q are taken at tau² of
    the standard model.

    References
    ----------
    .. [1] Rücker, Petropoulou & Schwarzer (2020), doi:10.1002/bimj.201800167.
    .. [2] Welton, Caldwell, Adamopoulos & Vedhara (2009), doi:10.1093/aje/kwp014.

    Examples
    --------
    >>> fit = component_network(
    ...     treat1=["talk", "drug", "talk + drug", "talk + drug"],
    ...     treat2=["placebo", "placebo", "placebo", "drug"],
    ...     yi=[0.5, 0.4, 0.7, 0.4], vi=[0.04, 0.03, 0.04, 0.03], study=["a", "b", "c", "d"],
    ...     inactive="placebo")
    >>> print(fit)
    2 component effects from 4 trials (REML); test that they add up: Q = 0.28 on 1 df, p = 0.6.
    >>> print(fit.predict("talk + drug", against="drug"))
    talk + drug against drug: 0.41, 95 % CI 0.18 to 0.64.
    """
    check_choice("method", method, NETWORK_METHODS)
    check_choice("test", test, NETWORK_TESTS)
    check_level(level)
    places = [f"comparison {i}" for i in range(1, np.size(yi) + 1)]
    first, second = check_labels("treat1", treat1, places), check_labels("treat2", treat2, places)
    trials = check_labels("study", study, places)
    trial_of = dict(zip([*first, *second], [*trials, *trials], strict=True))
    canonical, parts = parse_treatments(trial_of, sep)
    one, other = ([canonical[name] for name in names] for names in (first, second))
    network = read_network(one, other, yi, vi, study, tolerance=tolerance)
    names = _columns(parts, inactive, interactions)
    of_treatment = _membership(names, network.treatments, parts)
    rows = independent_rows(network)
    design = rows.arms @ of_treatment
    _check_identified(design, names, inactive)
    found = fit(rows, design, method, test)
    return ComponentNetwork(
        components=names,
        trials_of=_trials_of(network, of_treatment),
        inactive=inactive,
        sep=sep,
        treatments=network.treatments,
        subnetworks=network.subnetworks,
        k=len(network.trials),
        estimate=frozen_array(found.beta),
        vcov=frozen_array(found.vcov),
        df=found.df,
        tau2=found.tau2,
        i2=found.i2,
        **_additivity(network, rows, design, found, method),
        method=method,
        test=test,
        level=float(level),
    )


def _columns(
    parts: dict[str, Parts], inactive: str | None, interactions: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Return the names of the coefficients."""
    present = sorted(frozenset().union(*parts.values()))
    if inactive is not None:
        known("inactive component", [inactive], present)
    active = [name for name in present if name != inactive]
    known("component of an interaction", [part for pair in interactions for part in pair], active)
    pairs = []
    for a, b in interactions:
        if a == b or f"{b} * {a}" in pairs or f"{a} * {b}" in pairs:
            message = f"interactions must be different pairs of components; got {a!r} with {b!r}"
            raise InputError(message)
        pairs.append(f"{a} * {b}")
    return (*active, *pairs)


def _membership(
    names: tuple[str, ...], treatments: tuple[str, ...], parts: dict[str, Parts]
) -> FloatArray:
    """Return the matrix C: which treatment holds which component, or all of an interaction."""
    return np.array(
        [[float(set(name.split(" * ")) <= parts[t]) for name in names] for t in treatments]
    )


def _check_identified(design: FloatArray, names: tuple[str, ...], inactive: str | None) -> None:
    """Raise an error that names every coefficient the comparisons do not determine."""
    _, values, directions = np.linalg.svd(design, full_matrices=True)
    rank = int((values > 1e-9 * values.max(initial=0.0)).sum())
    if rank == len(names):
        return
    unseen = np.linalg.norm(directions[rank:], axis=0)
    on_both_sides = np.abs(design).max(axis=0) <= _UNSEEN
    reason = {True: "on both sides of every comparison, or on none", False: "not apart from others"}
    lost = [
        f"{name} ({reason[bool(both)]})"
        for name, size, both in zip(names, unseen, on_both_sides, strict=True)
        if size > _UNSEEN
    ]
    hint = (
        "" if inactive else ". If only differences between them are known, name one as `inactive`"
    )
    message = (
        f"the comparisons do not determine {', '.join(lost)}: {rank} of {len(names)} effects "
        f"can be told apart{hint}"
    )
    raise InputError(message)


def _trials_of(network: Network, of_treatment: FloatArray) -> tuple[int, ...]:
    counts: Counter[int] = Counter()
    for trial in network.trials:
        counts.update(np.flatnonzero(of_treatment[list(trial.arms)].any(axis=0)).tolist())
    return tuple(counts[i] for i in range(of_treatment.shape[1]))


def _additivity(
    network: Network, rows: Rows, design: FloatArray, found: Fitted, method: NetworkMethod
) -> dict[str, Any]:
    """Compare with the standard model, one reference in each part of the network."""
    first = {part[0] for part in network.subnetworks}
    free = [i for i, name in enumerate(network.treatments) if name not in first]
    standard = fit(rows, rows.arms[:, free], method, "z")
    difference = chi_squared(max(0.0, found.q.value - standard.q.value), found.q.df - standard.q.df)
    random: Number = standard.tau2
    if difference.df == 0:
        random = Absent("every treatment has an effect of its own in both models")
    elif is_present(standard.tau2):
        both = (design, rows.arms[:, free])
        additive, other = (solve(rows.y, rows.d, x, standard.tau2).q for x in both)
        random = max(0.0, additive - other)
    pval = chi_squared(random, difference.df).pval if is_present(random) else random
    return {
        **found.q.named("q_additive"),
        **standard.q.named("q_standard"),
        **difference.named("q_difference"),
        "q_difference_random": random,
        "q_difference_random_pval": pval,
    }
