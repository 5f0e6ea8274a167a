"""Pool the effects of trials: one data set (:func:`synthesize`) or thousands at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care import pooling
from combined_care.caveats import AGREE, notes, present, reasons
from combined_care.inference import (
    PI_DFS,
    TESTS,
    Inference,
    PiDf,
    Test,
    infer,
    lower_tail,
    prediction_df,
)
from combined_care.inputs import Labels, check_choice, check_effects, check_level, check_many
from combined_care.results import FloatArray, Number, Result, frozen_array, is_present
from combined_care.tau2 import METHODS, Method

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False, kw_only=True)
class Synthesis(Result):
    """A pooled estimate with everything needed to check it.

    Positive effects favour the experimental (combined) arm. Quantities that the data cannot
    support are :class:`~combined_care.results.Absent` with the reason.

    Attributes
    ----------
    k : int
        Number of studies.
    estimate, se, ci_lb, ci_ub : float
        Pooled effect, its standard error and confidence limits under `test`.
    pval, stat, df : float
        Two-sided p value of "no effect", the estimate over its standard error, and degrees of
        freedom (infinite for ``"z"``).
    pi_lb, pi_ub : float
        Prediction interval: where the true effect of a new trial is expected.
    pi_df : str
        Degrees of freedom of the prediction interval, ``"k-1"``, ``"k-2"`` or ``"z"``.
    tau2, tau2_ci_lb, tau2_ci_ub : float
        Variance of the true effects with its Q-profile interval.
    i2, i2_ci_lb, i2_ci_ub, h2, h2_ci_lb, h2_ci_ub : float
        Heterogeneity beside the typical sampling variance, from `tau2` (I² in percent); under
        ``"EE"`` from Q.
    i2_q : float
        I² from Q, for comparison, in percent and never negative.
    q, q_df, q_pval : float
        Cochran's test of equal true effects.
    weights : numpy.ndarray of shape (k,)
        Share of each study in the estimate, in percent; read-only.
    method, test, level : str, str, float
        What was done. For one study `test` is ``"z"``, whatever was asked for.
    slab : tuple of str
        Study labels.
    yi, vi : numpy.ndarray of shape (k,)
        The effects and sampling variances that went in; read-only.
    inferences : tuple of Inference
        The same estimate under ``"z"``, ``"knha"`` and ``"knha-conservative"``, so that a report
        can show them together; empty for one study.
    notes : tuple of str
        What a reader must know before leaning on the numbers.
    """

    caption = "Pooled effect"

    k: int
    estimate: float
    se: Number
    ci_lb: Number
    ci_ub: Number
    pval: Number
    stat: Number
    df: Number
    pi_lb: Number
    pi_ub: Number
    pi_df: PiDf
    tau2: Number
    tau2_ci_lb: Number
    tau2_ci_ub: Number
    i2: Number
    i2_ci_lb: Number
    i2_ci_ub: Number
    i2_q: Number
    h2: Number
    h2_ci_lb: Number
    h2_ci_ub: Number
    q: Number
    q_df: Number
    q_pval: Number
    weights: FloatArray
    method: Method
    test: Test
    level: float
    slab: tuple[str, ...]
    yi: FloatArray
    vi: FloatArray
    inferences: tuple[Inference, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        studies = "1 study" if self.k == 1 else f"{self.k} studies"
        model = "" if self.k == 1 else f" ({self.method}, {self.test})"
        limits = _interval(f"{100 * self.level:g} % CI", self.ci_lb, self.ci_ub)
        new = _interval("PI", self.pi_lb, self.pi_ub)
        return f"Pooled effect {self.estimate:.2f} from {studies}{model}, {limits}, {new}."

    def inference(self, test: Test) -> Inference:
        """Return the estimate's interval and p value under another `test`."""
        check_choice("test", test, [found.test for found in self.inferences])
        return next(found for found in self.inferences if found.test == test)

    def probability_above(self, threshold: float) -> Number:
        r"""Return the probability that a new trial's true effect exceeds `threshold`.

        Parameters
        ----------
        threshold : float
            A value on the scale of the effects, such as the smallest effect of interest.

        Returns
        -------
        float or Absent
            :math:`P(T > (threshold - \hat\mu) / \sqrt{se^2 + \hat\tau^2})`, where T has the
            degrees of freedom of the prediction interval; absent where that interval is.

        Notes
        -----
        The same reading as ``predict(fit, prob=)`` of metafor 5.1 and ``cidprop()`` of meta:
        an interval's worth of uncertainty about the mean is carried along.
        """
        if not (is_present(self.pi_lb) and is_present(self.se) and is_present(self.tau2)):
            return self.pi_lb
        spread = np.sqrt(self.se**2 + self.tau2)
        df = prediction_df(np.array([float(self.k)]), self.pi_df)
        return float(lower_tail(df, np.array([(self.estimate - threshold) / spread]))[0])


def synthesize(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
    pi_df: PiDf = "k-1",
) -> Synthesis:
    r"""Pool the effects of several studies.

    Parameters
    ----------
    yi : array_like of shape (k,)
        Effects; positive favours the experimental (combined) arm. Ratios enter as logarithms.
    vi : array_like of shape (k,)
        Sampling **variances** (squared standard errors).
    method : {"REML", "EE", "DL", "HE", "PM", "ML", "SJ", "HS"}
        Estimator of tau², see :func:`combined_care.tau2.estimate`; ``"EE"`` assumes one common
        effect.
    test : {"knha", "z", "knha-conservative"}
        How the interval is made, see :func:`combined_care.inference.infer`.
    level : float
        Level of all intervals.
    slab : sequence of str, optional
        Study labels, used in the result and in error messages.
    pi_df : {"k-1", "k-2", "z"}
        Degrees of freedom of the prediction interval.

    Returns
    -------
    Synthesis

    Raises
    ------
    InputError
        If there is no study, if the lengths differ, if an option is unknown, or if an effect is
        not finite or a variance not positive and finite; every such study is named. An infinite
        variance is refused: such a study says nothing, but would count in k.

    Notes
    -----
    One study is shown as it is, with its normal interval, and nothing is estimated. The
    prediction interval is :math:`\hat\mu \pm t \sqrt{se^2 + \hat\tau^2}` [1]_; k - 1 degrees of
    freedom are metafor's default under Knapp-Hartung, k - 2 those of Higgins, Thompson and
    Spiegelhalter, and ``"z"`` is metafor's choice under ``test="z"``. It is left out below three
    studies whatever the degrees of freedom (metafor prints one for two studies), because tau² is
    then all but unknown, and under equal effects. An infinitely imprecise study changes neither
    the REML, ML or EE estimate nor its normal interval; methods and tests that count studies (DL,
    HE, HS, SJ, PM, Knapp-Hartung) do notice it.

    References
    ----------
    .. [1] Higgins, Thompson & Spiegelhalter (2009), doi:10.1111/j.1467-985X.2008.00552.x, eq. 12.

    Examples
    --------
    >>> fit = synthesize([0.10, 0.30, 0.35, 0.65, 0.45, 0.15],
    ...                  [0.03, 0.03, 0.05, 0.01, 0.05, 0.02])
    >>> print(fit)
    Pooled effect 0.35 from 6 studies (REML, knha), 95 % CI 0.11 to 0.58, PI -0.18 to 0.87.
    >>> f"{fit.tau2:.4f} {fit.i2:.1f} {fit.probability_above(0.24):.2f}"
    '0.0331 56.5 0.69'
    """
    _check_options(method, test, pi_df)
    check_level(level)
    effects, variances, labels = check_effects(yi, vi, slab)
    columns = pooling.pool(
        effects[None],
        variances[None],
        method=method,
        test=test,
        level=level,
        pi_df=pi_df,
        tau2_ci=True,
    )
    found = {name: float(values[0]) for name, values in columns.items()}
    inferences = _inferences(columns, level) if effects.size > 1 else ()
    tau2 = 0.0 if effects.size == 1 else found["tau2"]
    weights = 1.0 / (variances + tau2)
    return Synthesis(
        **present(found, method),
        k=effects.size,
        estimate=found["estimate"],
        pi_df=pi_df,
        weights=frozen_array(100.0 * weights / weights.sum()),
        method=method,
        test=test if effects.size > 1 else "z",
        level=float(level),
        slab=labels,
        yi=frozen_array(effects),
        vi=frozen_array(variances),
        inferences=inferences,
        notes=tuple(notes(found, inferences, pi_df)),
    )


def synthesize_many(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    mask: npt.ArrayLike | None = None,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    pi_df: PiDf = "k-1",
    tau2_ci: bool = False,
) -> pd.DataFrame:
    """Pool many data sets in one call.

    Parameters
    ----------
    yi, vi : array_like of shape (n, K) or (K,)
        Effects and sampling variances, one data set a row; a single row serves every row of
        `mask`, which is how subsets of one body of evidence are pooled.
    mask : array_like of shape (n, K), optional
        Which studies belong to which data set: bool, or weights of 0 and 1. What lies under a 0
        is ignored, nan included. All belong by default.
    method, test, level, pi_df
        As for :func:`synthesize`, which is the case of one row.
    tau2_ci : bool
        Whether to add the Q-profile intervals of tau², I² and H², which takes about as long as
        all the rest.

    Returns
    -------
    pandas.DataFrame
        One row a data set, in order: the numeric fields of :class:`Synthesis`, and ``absent``, a
        category that says why a row's missing numbers are missing (empty where none is).

    Raises
    ------
    InputError
        If shapes do not agree, if `mask` holds anything but 0 and 1, if a data set has no study,
        or if an effect or variance that belongs is not usable.

    Notes
    -----
    Time grows linearly in the number of data sets and in their sizes;
    ``benchmarks/fits_per_second.py`` measures it beside PyMARE and metafor.

    Examples
    --------
    Leave each study out in turn:

    >>> import numpy as np
    >>> y, v = [0.10, 0.30, 0.65, 0.45], [0.03, 0.03, 0.01, 0.05]
    >>> table = synthesize_many(y, v, mask=~np.eye(4, dtype=bool))
    >>> table[["k", "estimate", "tau2"]].round(3)
       k  estimate   tau2
    0  3     0.505  0.019
    1  3     0.419  0.063
    2  3     0.258  0.000
    3  3     0.375  0.064
    """
    _check_options(method, test, pi_df)
    check_level(level)
    effects, variances = check_many(yi, vi, mask)
    columns = pooling.pool(
        effects, variances, method=method, test=test, level=level, pi_df=pi_df, tau2_ci=tau2_ci
    )
    names = [name for name in pooling.COLUMNS if tau2_ci or name not in pooling.TAU2_INTERVALS]
    table = pd.DataFrame({name: columns[name] for name in names}, copy=False)
    table["k"] = columns["k"].astype(int)
    table["absent"] = reasons(columns, method)
    return table


def _check_options(method: str, test: str, pi_df: str) -> None:
    check_choice("method", method, METHODS)
    check_choice("test", test, TESTS)
    check_choice("pi_df", pi_df, PI_DFS)


def _inferences(columns: dict[str, FloatArray], level: float) -> tuple[Inference, ...]:
    """Return the same estimate under every test."""
    args = [columns[name] for name in ("estimate", "wald_se", "scale", "k")]
    made = []
    for test in TESTS:
        values = infer(*args, test=test, level=level)._asdict()
        known = {n: AGREE if np.isnan(v[0]) else float(v[0]) for n, v in values.items()}
        made.append(Inference(test=test, **known))
    return tuple(made)


def _interval(name: str, lower: Number, upper: Number) -> str:
    if not (is_present(lower) and is_present(upper)):
        return f"{name} {lower}"
    return f"{name} {lower:.2f} to {upper:.2f}"
