"""What a meta-regression leaves unexplained: residual tau² with its interval, I², H², Q, and R²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from combined_care import tau2 as kernel
from combined_care.coefficient_tests import EQUAL
from combined_care.heterogeneity import relative
from combined_care.mixed_model import q_profile, weigh
from combined_care.results import Absent, FloatArray, Number, is_present
from combined_care.tau2 import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.tau2 import Method

#: Length of the part of the vector of ones outside a design that is still rounding.
_ROUNDING = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualVariation:
    """Residual heterogeneity; the fields have the meaning they have in ``MetaRegression``."""

    tau2_ci_lb: Number
    tau2_ci_ub: Number
    i2: float
    h2: float
    q: float
    q_df: float
    q_pval: float
    is_null_set: bool


def residual_variation(
    yi: FloatArray, vi: FloatArray, design: FloatArray, tau2: float, method: Method, level: float
) -> ResidualVariation:
    r"""Describe the variation around the regression.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (k,)
        Effects and sampling variances.
    design : numpy.ndarray of shape (k, p)
        Design matrix, p < k.
    tau2 : float
        Estimate of the residual tau².
    method : str
        Its estimator; under ``"EE"`` I² and H² come from Q.
    level : float
        Of the Q-profile interval.

    Notes
    -----
    The typical sampling variance is :math:`(k - p) / tr(P)` with the weights 1/v, as metafor.
    """
    first = weigh(yi, vi, design, 0.0)
    df = float(yi.size - design.shape[1])
    lower: Number = EQUAL
    upper: Number = EQUAL
    is_null = False
    i2, h2 = 100.0 * max(first.q - df, 0.0) / max(first.q, df), first.q / df
    if method != "EE":
        lower, upper, is_null = q_profile(yi, vi, design, level)
        i2, h2 = (float(x[0]) for x in relative(np.array([tau2]), np.array([df / first.trace])))
    return ResidualVariation(
        tau2_ci_lb=lower,
        tau2_ci_ub=upper,
        i2=i2,
        h2=h2,
        q=first.q,
        q_df=df,
        q_pval=float(special.chdtrc(df, first.q)),
        is_null_set=is_null,
    )


def explained(
    yi: FloatArray, vi: FloatArray, design: FloatArray, tau2: float, method: Method
) -> tuple[Number, Number]:
    r"""Return tau² without moderators and :math:`R^2` in percent, floored at 0.

    Both are absent where the model has no moderator, no intercept (not even one that the levels
    of a factor add up to), or equal effects; R² also where tau² without moderators is 0.
    """
    if method == "EE":
        return EQUAL, EQUAL
    ones = np.ones(yi.size)
    basis, _ = np.linalg.qr(design)
    if np.linalg.norm(ones - basis @ (basis.T @ ones)) > _ROUNDING * np.sqrt(yi.size):
        none = Absent("a model without intercept does not contain the one without moderators")
        return none, none
    if design.shape[1] == 1:
        none = Absent("the formula has no moderator")
        return none, none
    batch = Batch.of(yi[None], vi[None])
    null = float(kernel.estimate(batch, method)[0][0] * batch.unit[0] ** 2)
    if null == 0.0:
        return null, Absent("tau2 is 0 without any moderator")
    return null, max(0.0, 100.0 * (null - tau2) / null)


def tau2_notes(tau2: float, rest: ResidualVariation) -> Iterator[str]:
    """Yield what a reader must know about the tau² interval."""
    if rest.is_null_set:
        yield (
            "the tau2 interval is the null set, shown as [0, 0]: the effects agree more closely "
            "than their sampling variances lead one to expect"
        )
    elif (
        is_present(rest.tau2_ci_lb)
        and is_present(rest.tau2_ci_ub)
        and not rest.tau2_ci_lb <= tau2 <= rest.tau2_ci_ub
    ):
        yield "the tau2 estimate lies outside its Q-profile interval"
