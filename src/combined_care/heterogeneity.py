"""How much the true effects vary: tau² intervals, and its share of the total (I², H²)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import optimize, special

from combined_care import tau2 as kernel
from combined_care.errors import InputError
from combined_care.inference import chi2_quantile
from combined_care.inputs import check_choice, check_effects, check_level
from combined_care.results import FloatArray, Result

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.tau2 import Batch


@dataclass(frozen=True, eq=False, kw_only=True)
class Tau2Interval(Result):
    """A confidence interval for tau².

    Attributes
    ----------
    tau2, lb, ub : float
        Estimate and limits, in the square of the unit of the effects.
    method : str
        How tau² was estimated, ``"ML"`` or ``"REML"``.
    level : float
        Confidence level.
    """

    caption = "Profile-likelihood interval of tau²"

    tau2: float
    lb: float
    ub: float
    method: str
    level: float

    def __str__(self) -> str:
        return (
            f"tau² = {self.tau2:.4g} ({self.method}), {100 * self.level:g} % profile-likelihood "
            f"interval from {self.lb:.4g} to {self.ub:.4g}"
        )


def q_profile(
    batch: Batch, q: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""Return lower and upper Q-profile limits of tau², and 1 where the interval is the null set.

    The limits are the tau² at which the generalised :math:`Q(\tau^2)` equals the upper and the
    lower quantile of chi-squared with k - 1 degrees of freedom [1]_. Where even Q(0) is below the
    lower quantile no tau² fits (the null set); both limits are then 0.

    References
    ----------
    .. [1] Viechtbauer (2007), doi:10.1002/sim.2514, section 3.1.
    """
    df, tail = batch.k - 1.0, (1.0 - level) / 2.0
    least = chi2_quantile(df, 1.0 - tail)
    lower = kernel.solve_q(batch, q, chi2_quantile(df, tail))
    upper = kernel.solve_q(batch, q, least)
    return lower, upper, (q < least).astype(float)


def relative(tau2: FloatArray, typical: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Return I² (percent) and H² of `tau2` beside the typical sampling variance.

    :math:`I^2 = 100 \tau^2 / (\tau^2 + \tilde v)`, :math:`H^2 = 1 + \tau^2 / \tilde v` with
    :math:`\tilde v = (k - 1) / (\sum w - \sum w^2 / \sum w)` of the weights 1/v [1]_, as metafor.

    References
    ----------
    .. [1] Higgins & Thompson (2002), doi:10.1002/sim.1186, eqs. 9 and 10.
    """
    return 100.0 * tau2 / (tau2 + typical), 1.0 + tau2 / typical


def tau2_profile_interval(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    method: Literal["ML", "REML"] = "REML",
    level: float = 0.95,
) -> Tau2Interval:
    r"""Give the profile-likelihood confidence interval of tau².

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and sampling variances; k must be at least 2.
    method : {"REML", "ML"}
        Which likelihood.
    level : float
        Confidence level.

    Returns
    -------
    Tau2Interval
        All tau² whose log-likelihood is within half a chi-squared quantile (1 df) of the maximum,
        from the first to the last of them.

    Raises
    ------
    InputError
        If k < 2, if an effect or variance is not usable, or if an option is unknown.

    Notes
    -----
    Unlike the Q-profile interval it always contains the estimate [1]_; it is somewhat too short
    with few trials.

    References
    ----------
    .. [1] Viechtbauer (2007), doi:10.1002/sim.2514, section 3.4; Hardy & Thompson (1996),
       doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A.

    Examples
    --------
    >>> found = tau2_profile_interval([0.1, 0.3, 0.35, 0.65, 0.45, 0.15],
    ...                               [0.03, 0.03, 0.05, 0.01, 0.05, 0.02])
    >>> f"{found.tau2:.4f} {found.lb:.4f} {found.ub:.4f}"
    '0.0331 0.0016 0.2260'
    """
    check_choice("method", method, ("ML", "REML"))
    check_level(level)
    effects, variances, _ = check_effects(yi, vi)
    if effects.size < 2:
        message = "tau² needs at least two studies; got one"
        raise InputError(message)
    batch = kernel.Batch.of(effects[None], variances[None])
    peak, lower, upper = _profile_limits(batch, level, restricted=method == "REML")
    square = float(batch.unit[0] ** 2)
    return Tau2Interval(
        tau2=peak * square, lb=lower * square, ub=upper * square, method=method, level=level
    )


def _profile_limits(batch: Batch, level: float, *, restricted: bool) -> tuple[float, float, float]:
    """Return the mode and both limits for a batch of one data set, in its units."""

    def heights(x: FloatArray) -> FloatArray:
        same = batch.take(np.zeros(x.size, dtype=int))
        return kernel.log_likelihood(same, np.expm1(x), restricted=restricted)

    peak = kernel.likelihood_modes(batch, restricted=restricted)[0]
    top = np.log1p(peak)
    floor = float(heights(top)[0]) - 0.5 * float(special.chdtri(1.0, 1.0 - level))
    far = top + 1.0
    # Beyond the last mode the likelihood falls without end, so that doubling must pass the floor.
    while heights(far)[0] >= floor or far[0] < kernel.highest_mode(batch)[0]:
        far = 2.0 * far
    x = np.sort(np.concatenate([np.linspace(0.0, far[0], 400), top]))
    inside = np.flatnonzero(heights(x) >= floor)
    first, last = int(inside[0]), int(inside[-1])

    def gap(value: float) -> float:
        return float(heights(np.array([value]))[0]) - floor

    lower = 0.0 if first == 0 else optimize.brentq(gap, x[first - 1], x[first], xtol=1e-13)
    upper = optimize.brentq(gap, x[last], x[last + 1], xtol=1e-13)
    return float(peak[0]), float(np.expm1(lower)), float(np.expm1(upper))
