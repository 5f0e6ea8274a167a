"""Meta-regression: which differences between trials go along with larger effects?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from combined_care.coefficient_tests import (
    FLAT,
    SMALL_SCALE,
    Coefficients,
    Contrast,
    Omnibus,
    check_clusters,
    check_variance,
    cluster_based,
    contrasts,
    model_based,
    prediction,
    robust_fit,
    small_df_notes,
    standard_errors,
)
from combined_care.design import Moderator, read_design, rebuild_design
from combined_care.errors import InputError
from combined_care.inference import TESTS, Test
from combined_care.inputs import Labels, check_choice, check_effects, check_level
from combined_care.mixed_model import fit_mixed
from combined_care.residual_variation import explained, residual_variation, tau2_notes
from combined_care.results import FloatArray, Number, Result, frozen_array, is_present
from combined_care.tau2 import METHODS, Method

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from combined_care.design import Design
    from combined_care.mixed_model import MixedFit
    from combined_care.residual_variation import ResidualVariation

#: Studies per moderator that the Cochrane Handbook (section 10.11.4) asks for.
_STUDIES_PER_MODERATOR = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class MetaRegression(Result):
    """A random-effects meta-regression with everything needed to check it.

    Attributes
    ----------
    formula : str
        The model, in patsy's language.
    k, p : int
        Numbers of studies and of coefficients.
    coefs : tuple of Contrast
        The coefficients; :attr:`coefficients` shows them as a frame.
    qm, qm_df, qm_pval : float
        Test of all coefficients but the intercept as chi-squared, from covariances without small
        sample correction (from the CR2 covariance with clusters). Too many false positives with
        few studies; shown because other programs print it.
    f, f_df1, f_df2, f_pval : float
        The same test as Knapp-Hartung F (under ``"knha-conservative"`` with its floor); with
        clusters the approximate Hotelling test.
    tau2, tau2_ci_lb, tau2_ci_ub : float
        Residual variance of the true effects with its Q-profile interval.
    tau2_null : float
        The same without moderators.
    i2, h2 : float
        Residual heterogeneity beside the typical sampling variance, I² in percent.
    q, q_df, q_pval : float
        Test of residual heterogeneity (QE).
    r2 : float
        Share of tau² that goes along with the moderators, in percent, floored at 0.
    factor : numpy.ndarray of shape (p, any)
        Times its transpose, the covariance of the coefficients under `test`; read-only.
    design : numpy.ndarray of shape (k, p)
        Design matrix; read-only.
    yi, vi : numpy.ndarray of shape (k,)
        What went in; read-only.
    slab, cluster : tuple of str
        Study labels; clusters, or None.
    moderators : tuple of Moderator
        The columns that the formula uses.
    method, test, level : str, str, float
        What was done; `test` is ``"CR2"`` with clusters.
    notes : tuple of str
        What a reader must know before leaning on the numbers.
    """

    caption = "Meta-regression"

    formula: str
    k: int
    p: int
    coefs: tuple[Contrast, ...]
    qm: Number
    qm_df: Number
    qm_pval: Number
    f: Number
    f_df1: Number
    f_df2: Number
    f_pval: Number
    tau2: float
    tau2_ci_lb: Number
    tau2_ci_ub: Number
    tau2_null: Number
    i2: float
    h2: float
    q: float
    q_df: float
    q_pval: float
    r2: Number
    factor: FloatArray
    design: FloatArray
    yi: FloatArray
    vi: FloatArray
    slab: tuple[str, ...]
    cluster: tuple[str, ...] | None
    moderators: tuple[Moderator, ...]
    method: Method
    test: str
    level: float
    notes: tuple[str, ...]

    def __str__(self) -> str:
        model = f"Meta-regression {self.formula} of {self.k} studies ({self.method}, {self.test})"
        tail = (
            f"residual tau2 {self.tau2:.3f}, R2 {self.r2:.0f} %."
            if is_present(self.r2)
            else (f"residual tau2 {self.tau2:.3f}.")
        )
        if not (is_present(self.f_pval) and is_present(self.f_df2)):
            return f"{model}: test of moderators {self.f_pval}, {tail}"
        test = f"F({self.f_df1:g}, {self.f_df2:.3g}) = {self.f:.2f}, p = {self.f_pval:.2g}"
        return f"{model}: {test}, {tail}"

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the coefficients, of shape (p, p)."""
        return self.factor @ self.factor.T

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row a coefficient: term, estimate, se, stat, df, pval, ci_lb, ci_ub."""
        table = pd.concat([found.to_frame() for found in self.coefs], ignore_index=True)
        return table.drop(columns="level").rename(columns={"label": "term"})

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`coefficients`."""
        return self.coefficients

    def contrast(self, weights: Mapping[str, float]) -> Contrast:
        """Test a weighted sum of coefficients.

        Parameters
        ----------
        weights : mapping of str to float
            Weight of each term; the others have 0. ``{"g[T.b]": 1, "g[T.c]": -1}`` is level b
            less level c.

        Raises
        ------
        InputError
            If a term is not in the model, or all weights are 0.
        """
        terms = [found.label for found in self.coefs]
        for term in weights:
            check_choice("term", term, terms)
        row = np.array([float(weights.get(term, 0.0)) for term in terms])
        if not row.any() or not np.isfinite(row).all():
            message = f"weights must be finite and not all 0; got {dict(weights)}"
            raise InputError(message)
        label = " + ".join(
            term if w == 1.0 else f"{w:g} {term}" for term, w in weights.items() if w != 0.0
        )
        return self._tested([label], row[None])[0]

    def predict(self, new: pd.DataFrame | Mapping[str, Any] | None = None) -> pd.DataFrame:
        r"""Return the mean effect, its interval and the prediction interval for given moderators.

        Parameters
        ----------
        new : pandas.DataFrame, optional
            One row a prediction with the columns that the formula uses; the studies by default.

        Returns
        -------
        pandas.DataFrame
            Columns estimate, se, ci_lb, ci_ub, pi_lb, pi_ub. The prediction interval adds the
            residual tau² to the squared standard error and uses the same degrees of freedom, as
            metafor's ``predict``; it is absent below two residual degrees of freedom and under
            equal effects.

        Raises
        ------
        InputError
            If `new` lacks a moderator, or has a missing value or an unknown level.
        """
        rows = self.design if new is None else rebuild_design(self.formula, self.moderators, new)
        labels = self.slab if new is None else [str(i) for i in range(len(rows))]
        found = self._tested(labels, rows)
        table = pd.DataFrame(
            [
                {name: getattr(one, name) for name in ("estimate", "se", "ci_lb", "ci_ub")}
                | dict(
                    zip(
                        ("pi_lb", "pi_ub"),
                        prediction(one, self.tau2, self.method, self.k - self.p),
                        strict=True,
                    )
                )
                for one in found
            ]
        )
        return table.set_axis(list(labels)) if new is None else table

    def _tested(self, labels: Sequence[str], rows: FloatArray) -> tuple[Contrast, ...]:
        beta = np.array([found.estimate for found in self.coefs])
        ses = standard_errors(rows, self.factor)
        if self.cluster is None:
            df = np.full(len(rows), np.inf if self.test == "z" else float(self.k - self.p))
        else:
            robust = robust_fit(self.yi, self.vi, self.design, self.tau2, self.cluster)
            df = robust.degrees_of_freedom(rows)
        return contrasts(labels, rows @ beta, ses, df, self.level)


def meta_regression(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    formula: str,
    data: pd.DataFrame | Mapping[str, Any],
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
    cluster: Labels = None,
) -> MetaRegression:
    r"""Regress effects on moderators with residual variation of the true effects.

    Parameters
    ----------
    yi : array_like of shape (k,)
        Effects; positive favours the experimental (combined) arm.
    vi : array_like of shape (k,)
        Sampling **variances** (squared standard errors).
    formula : str
        Right-hand side in patsy's language: ``"~ C(diagnosis) + year"``.
    data : pandas.DataFrame
        Moderators, one row a study in the order of `yi`; a mapping of columns will do.
    method : {"REML", "EE", "DL", "HE", "PM", "ML", "SJ", "HS"}
        Estimator of the residual tau², see :func:`combined_care.mixed_model.estimate_tau2`.
    test : {"knha", "z", "knha-conservative"}
        Knapp and Hartung's t and F tests with k - p degrees of freedom [1]_; normal; or the
        former with a scale of at least 1. Not used with `cluster`.
    level : float
        Level of all intervals.
    slab : sequence of str, optional
        Study labels, used in the result and in error messages.
    cluster : sequence of str, optional
        Labels of studies that are not independent, such as two contrasts of one trial. Standard
        errors are then CR2 with Satterthwaite degrees of freedom [2]_ and the working model of
        independent rows (as metafor's ``robust(..., clubSandwich = TRUE)``).

    Returns
    -------
    MetaRegression

    Raises
    ------
    InputError
        If an effect, variance or option is not usable; a moderator is missing for some studies;
        terms are aliased (they are named); there are not more studies than coefficients; or there
        are fewer than two clusters, or one alone bears on a coefficient.

    Warns
    -----
    SmallSampleWarning
        If a coefficient has fewer than 4 Satterthwaite degrees of freedom.

    Notes
    -----
    :math:`R^2 = 100 (\hat\tau_0^2 - \hat\tau^2) / \hat\tau_0^2` [3]_, which is very uncertain
    with few studies. A relation between trials is not one within trials: nothing here is causal.

    References
    ----------
    .. [1] Knapp & Hartung (2003), doi:10.1002/sim.1482.
    .. [2] Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004.
    .. [3] Raudenbush (2009), see :func:`combined_care.mixed_model.estimate_tau2`.

    Examples
    --------
    >>> fit = meta_regression([0.10, 0.30, 0.35, 0.65, 0.45, 0.15],
    ...                       [0.03, 0.03, 0.05, 0.01, 0.05, 0.02],
    ...                       "~ drug", {"drug": ["a", "a", "b", "b", "b", "a"]})
    >>> print(fit.contrast({"drug[T.b]": 1}))
    drug[T.b]: 0.40, 95 % CI 0.12 to 0.68, p = 0.017.
    >>> fit.predict({"drug": ["a", "b"]})[["estimate", "ci_lb", "ci_ub"]].round(2)
       estimate  ci_lb  ci_ub
    0      0.18  -0.03   0.39
    1      0.58   0.39   0.77
    """
    check_choice("method", method, METHODS)
    check_choice("test", test, TESTS)
    check_level(level)
    effects, variances, labels = check_effects(yi, vi, slab)
    made = read_design(formula, data, labels)
    k, p = made.matrix.shape
    if k <= p:
        message = f"{p} coefficients ({', '.join(made.terms)}) need more than {p} studies; got {k}"
        raise InputError(message)
    fit = fit_mixed(effects, variances, made.matrix, method)
    clusters = None if cluster is None else check_clusters(cluster, labels)
    found = _tested(fit, made, effects, variances, test, clusters)
    ses = standard_errors(np.eye(p), found.factor)
    coefs = contrasts(made.terms, fit.beta, ses, found.df, level)
    rest = residual_variation(effects, variances, made.matrix, fit.tau2, method, level)
    null, r2 = explained(effects, variances, made.matrix, fit.tau2, method)
    return MetaRegression(
        formula=formula,
        k=k,
        p=p,
        coefs=coefs,
        **found.omnibus._asdict(),
        **{name: getattr(rest, name) for name in _FROM_RESIDUAL},
        tau2=fit.tau2,
        tau2_null=null,
        r2=r2,
        factor=frozen_array(found.factor),
        design=frozen_array(made.matrix),
        yi=frozen_array(effects),
        vi=frozen_array(variances),
        slab=labels,
        cluster=clusters,
        moderators=made.moderators,
        method=method,
        test=test if clusters is None else "CR2",
        level=float(level),
        notes=_notes(fit, rest, made, test, found.df if clusters is not None else None),
    )


_FROM_RESIDUAL = ("tau2_ci_lb", "tau2_ci_ub", "i2", "h2", "q", "q_df", "q_pval")


def _tested(
    fit: MixedFit,
    made: Design,
    yi: FloatArray,
    vi: FloatArray,
    test: Test,
    clusters: tuple[str, ...] | None,
) -> Coefficients:
    moderators = [i for i, term in enumerate(made.terms) if term != "Intercept"]
    rows = np.eye(len(made.terms))[moderators]
    if clusters is None:
        return model_based(fit, rows, yi.size, test)
    if fit.scale == 0.0:
        p = len(made.terms)
        return Coefficients(np.zeros((p, p)), np.full(p, np.inf), Omnibus.absent(FLAT))
    robust = robust_fit(yi, vi, made.matrix, fit.tau2, clusters)
    check_variance(robust, made.terms)
    return cluster_based(robust, rows)


def _notes(
    fit: MixedFit, rest: ResidualVariation, made: Design, test: Test, robust_df: FloatArray | None
) -> tuple[str, ...]:
    """Say what a reader must know before leaning on the numbers; warn of small samples."""
    k = len(made.matrix)
    notes = list(tau2_notes(fit.tau2, rest))
    tested = sum(term != "Intercept" for term in made.terms)
    if k < _STUDIES_PER_MODERATOR * tested:
        notes.append(
            f"{k} studies for {tested} moderator coefficients: fewer than the "
            f"{_STUDIES_PER_MODERATOR} for each that the Cochrane Handbook asks for"
        )
    if robust_df is not None:
        notes += small_df_notes(made.terms, robust_df)
    elif test == "knha" and fit.scale < 1.0:
        notes.append(SMALL_SCALE)
    return tuple(notes)
