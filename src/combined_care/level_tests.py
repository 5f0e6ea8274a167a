r"""Do the levels of a moderator differ, beside a second factor or with dependent effects?

One mixed-effects regression on the level (and, for the adjusted question, on a second factor such
as the diagnosis) with one common tau²; only the coefficients of the level are tested. Effects of
one trial in several levels are told by their cluster, and the tests are then cluster-robust.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care.coefficient_tests import (
    FLAT,
    Contrast,
    Omnibus,
    check_clusters,
    check_variance,
    cluster_based,
    contrasts,
    model_based,
    robust_fit,
    standard_errors,
)
from combined_care.errors import InputError
from combined_care.inputs import Labels, check_choice, check_effects, check_labels, check_level
from combined_care.level_means import Subgroup
from combined_care.mixed_model import MixedFit, fit_mixed
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from combined_care.cluster_robust import RobustFit
    from combined_care.inference import Test
    from combined_care.tau2 import Method

_NOT_GIVEN = Absent("not computed for levels of a regression")

#: Effects that must be left for the variance once every coefficient has been paid for.
SPARE = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class LevelRegression(Result):
    """A test of the levels of a moderator in a regression.

    Attributes
    ----------
    levels : tuple of str
        Names of the levels, sorted; the first is the reference.
    counts : tuple of int
        Effects of each level.
    means : tuple of Contrast
        Mean effect of each level; in an adjusted model at the mix of the second factor that all
        effects together have.
    differences : tuple of Contrast
        Every level less every other.
    k, trials : int
        Numbers of effects and of trials (clusters).
    tau2 : float
        Residual variance of the true effects.
    f, f_df1, f_df2, f_pval : float
        Test of equal levels: Knapp-Hartung F, or with clusters the approximate Hotelling test.
    adjusted_for : str
        The second factor; empty without one.
    test, method, level : str, str, float
        What was done; `test` is ``"CR2"`` with clusters.
    """

    caption = "Levels of a moderator by regression"

    levels: tuple[str, ...]
    counts: tuple[int, ...]
    means: tuple[Contrast, ...]
    differences: tuple[Contrast, ...]
    k: int
    trials: int
    tau2: float
    f: Number
    f_df1: Number
    f_df2: Number
    f_pval: Number
    adjusted_for: str
    test: str
    method: Method
    level: float

    def __str__(self) -> str:
        beside = f", adjusted for {self.adjusted_for}" if self.adjusted_for else ""
        start = f"{len(self.levels)} levels{beside}, {self.k} effects of {self.trials} trials"
        if not (is_present(self.f_pval) and is_present(self.f_df2)):
            return f"{start}: test of equal levels {self.f_pval}."
        test = f"F({self.f_df1:g}, {self.f_df2:.3g}) = {self.f:.2f}, p = {self.f_pval:.2g}"
        return f"{start} ({self.method}, {self.test}): {test}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a level: name, k, and its mean with test and interval."""
        table = pd.concat([mean.to_frame() for mean in self.means], ignore_index=True)
        table = table.rename(columns={"label": "name"}).drop(columns="level")
        table.insert(1, "k", list(self.counts))
        return table

    @property
    def groups(self) -> tuple[Subgroup, ...]:
        """The means as the records that subgroups have; what this model does not give is absent."""
        rest = dict.fromkeys(("pi_lb", "pi_ub", "tau2_ci_lb", "tau2_ci_ub", "i2"), _NOT_GIVEN)
        names = ("estimate", "se", "df", "pval", "ci_lb", "ci_ub")
        return tuple(
            Subgroup(
                name=mean.label,
                k=k,
                **{name: getattr(mean, name) for name in names},
                tau2=self.tau2,
                **rest,
            )
            for mean, k in zip(self.means, self.counts, strict=True)
        )

    def difference(self, a: str, b: str) -> Contrast:
        """Return the effect in level `a` less the effect in level `b`, with its test."""
        check_choice("level", a, self.levels)
        check_choice("level", b, self.levels)
        name = f"{a} less {b}"
        found = [item for item in self.differences if item.label == name]
        if not found:
            message = f"a difference needs two different levels; got {a!r} twice"
            raise InputError(message)
        return found[0]


def level_regression(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    groups: Labels,
    *,
    by: Labels = None,
    by_name: str = "a second factor",
    cluster: Labels = None,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> LevelRegression | Absent:
    r"""Test whether effects differ between levels, given a second factor or dependent effects.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling **variances**.
    groups : sequence of str of length k
        Level of each effect.
    by : sequence of str of length k, optional
        A second factor that is held constant, such as the diagnosis.
    by_name : str
        What it is called.
    cluster : sequence of str of length k, optional
        Trial of each effect, when trials stand in several levels. Tests are then CR2 with
        Satterthwaite degrees of freedom [1]_ and the working model of independent effects.
    method, test, level, slab
        As for :func:`combined_care.moderators.subgroups`; `test` is not used with `cluster`.

    Returns
    -------
    LevelRegression or Absent
        Absent where the second factor goes together with the levels, so that no data separate
        them, or where fewer than 10 effects are left beyond the coefficients of an adjusted model.

    Raises
    ------
    InputError
        If an effect, variance, label or option is not usable, or there are fewer than two levels.

    Notes
    -----
    Without `by` and `cluster` the F test is that of ``subgroups(tau="common")``. A difference
    between trials that remains after adjustment is still one between trials, not a cause.

    References
    ----------
    .. [1] Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004; Tipton & Pustejovsky
       (2015), doi:10.3102/1076998615606099.

    Examples
    --------
    >>> fit = level_regression([0.1, 0.3, 0.2, 0.7, 0.5, 0.9], [0.02] * 6, list("aaabbb"))
    >>> print(fit.difference("b", "a"))
    b less a: 0.50, 95 % CI 0.14 to 0.86, p = 0.018.
    """
    check_level(level)
    effects, variances, labels = check_effects(yi, vi, slab)
    group = check_labels("groups", groups, labels)
    levels = tuple(sorted(set(group)))
    if len(levels) < 2:
        message = f"groups must have at least two levels; got only {levels[0]!r}"
        raise InputError(message)
    design = _dummies(group)
    if by is not None:
        second = _dummies(check_labels("by", by, labels))[:, 1:]
        # Centred, so that the mean of a level is that at the mix of `by` in these effects.
        design = np.column_stack([design, second - second.mean(axis=0)])
        missing = _not_separable(design, by_name)
        if missing is not None:
            return missing
    names = None if cluster is None else check_clusters(cluster, labels)
    fit = fit_mixed(effects, variances, design, method)
    robust = None
    if names is not None and fit.scale > 0.0:
        robust = robust_fit(effects, variances, design, fit.tau2, names)
        check_variance(robust, levels)
    tests = _Tests(fit, effects.size, test, robust)
    rows = np.eye(design.shape[1])[: len(levels)]
    pairs = [(i, j) for i in range(len(levels)) for j in range(len(levels)) if i != j]
    omnibus = tests.omnibus(rows[1:] - rows[0])
    return LevelRegression(
        levels=levels,
        counts=tuple(group.count(name) for name in levels),
        means=tests.contrasts(levels, rows, level),
        differences=tests.contrasts(
            [f"{levels[i]} less {levels[j]}" for i, j in pairs],
            np.array([rows[i] - rows[j] for i, j in pairs]),
            level,
        ),
        k=effects.size,
        trials=len(set(labels if names is None else names)),
        tau2=fit.tau2,
        **{name: getattr(omnibus, name) for name in ("f", "f_df1", "f_df2", "f_pval")},
        adjusted_for=by_name if by is not None else "",
        test=test if names is None else "CR2",
        method=method,
        level=float(level),
    )


def _dummies(group: tuple[str, ...]) -> FloatArray:
    """One column a level, sorted: 1 where an effect belongs to it."""
    return np.asarray(np.array(group)[:, None] == np.array(sorted(set(group)))).astype(float)


def _not_separable(design: FloatArray, by_name: str) -> Absent | None:
    """Say why the data cannot hold the second factor constant; None where they can."""
    k, p = design.shape
    if np.linalg.matrix_rank(design) < p:
        return Absent(f"the levels and {by_name} go together, so that no trial separates them")
    if k < p + SPARE:
        return Absent(
            f"{k} effects are too few for {p} coefficients: at least {p + SPARE} are asked for"
        )
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Tests:
    """Tests of combinations of coefficients, by the model or robust against dependence."""

    fit: MixedFit
    k: int
    test: Test
    robust: RobustFit | None

    def omnibus(self, rows: FloatArray) -> Omnibus:
        if self.fit.scale == 0.0:
            return Omnibus.absent(FLAT)
        if self.robust is None:
            return model_based(self.fit, rows, self.k, self.test).omnibus
        return cluster_based(self.robust, rows).omnibus

    def contrasts(
        self, labels: Sequence[str], rows: FloatArray, level: float
    ) -> tuple[Contrast, ...]:
        if self.robust is None:
            found = model_based(self.fit, rows[:0], self.k, self.test)
            factor, df = found.factor, np.full(len(rows), found.df[0])
        else:
            factor, df = self.robust.factor, self.robust.degrees_of_freedom(rows)
        return contrasts(labels, rows @ self.fit.beta, standard_errors(rows, factor), df, level)
