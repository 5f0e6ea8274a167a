"""Trim and fill: how would the pooled effect look if the funnel were made symmetric?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from combined_care import inputs, markup
from combined_care.egger import egger_test, limit_of_use, noted
from combined_care.results import Absent, FloatArray, Number, Result, is_present
from combined_care.synthesis import Synthesis, synthesize

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.inputs import Labels
    from combined_care.tau2 import Method

Side = Literal["left", "right"]
Estimator = Literal["L0", "R0"]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrimAndFill(Result):
    """A pooled effect before and after the funnel is made symmetric.

    Attributes
    ----------
    k : int
        Number of trials.
    estimator : str
        ``"L0"`` or ``"R0"``.
    side : str
        Where trials were added: ``"left"`` are those less favourable to the combined arm.
    k0, k0_se : int, float or Absent
        Estimated number of trials missing on that side, and its standard error.
    k0_pval : float or Absent
        One-sided p value of "none is missing on that side"; only ``"R0"`` gives one.
    observed, filled : Synthesis
        The pooled effect without and with the added trials. The labels of the added trials start
        with "mirror of"; `filled` is absent where `k0` is.
    note : str
        What limits the use of this result; empty when nothing does.
    """

    caption = "Small-study effects: trim and fill"

    k: int
    estimator: str
    side: str
    k0: int | Absent
    k0_se: Number
    k0_pval: Number
    note: str
    observed: Synthesis = field(repr=False)
    filled: Synthesis | Absent = field(repr=False)

    def __str__(self) -> str:
        if isinstance(self.filled, Absent):
            return f"Trim and fill: {self.filled} (k = {self.k})."
        return (
            f"Trim and fill ({self.estimator}, k = {self.k}) adds {self.k0} trials on the "
            f"{self.side}; the pooled effect moves from {markup.number(self.observed.estimate)} "
            f"to {markup.number(self.filled.estimate)} "
            f"({markup.interval(self.filled.ci_lb, self.filled.ci_ub)}){noted(self.note)}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the two pooled effects as rows ``observed`` and ``filled``."""
        fits = {"observed": self.observed, "filled": self.filled}
        rows = [
            fit.to_frame().assign(data=name)
            for name, fit in fits.items()
            if isinstance(fit, Synthesis)
        ]
        frame = pd.concat(rows, ignore_index=True)
        columns = ["data", "k", "estimate", "se", "ci_lb", "ci_ub", "pval", "tau2", "i2"]
        return frame[columns]


def trim_and_fill(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    estimator: Estimator = "L0",
    side: Side | None = None,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> TrimAndFill:
    r"""Estimate how many trials are missing on one side of the funnel, and add their mirror images.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances.
    estimator : {"L0", "R0"}
        Estimator of the number missing.
    side : {"left", "right"}, optional
        Side on which trials are thought missing. By default the side on which small trials are
        sparser: left if the effects rise with the standard error in a mixed-effects regression,
        else right.
    method, test, level, slab
        As for :func:`~combined_care.synthesis.synthesize`; `method` is used while trimming too.

    Returns
    -------
    TrimAndFill
        Absent, with the reason, for fewer than 3 trials and when the trimming never settles. A
        picture of what symmetry would mean, not a better estimate of the effect.

    Raises
    ------
    InputError
        If an effect or variance is unusable or an option is unknown.

    Notes
    -----
    Deviations from the pooled effect of the trials that are not trimmed are ranked by size. With S
    the sum of the ranks of deviations away from `side`, and g the number of such ranks above the
    largest rank of a deviation towards `side`,

    .. math:: L_0 = \frac{4 S - k (k + 1)}{2 k - 1}, \qquad R_0 = g - 1,

    rounded and not below 0. That many of the trials farthest from `side` are trimmed, and all is
    repeated until the number stays [1]_ [2]_. Equal deviations rank in the order of the effects,
    as in metafor.

    References
    ----------
    .. [1] Duval & Tweedie (2000), Biometrics, doi:10.1111/j.0006-341X.2000.00455.x.
    .. [2] Duval & Tweedie (2000), JASA, doi:10.1080/01621459.2000.10473905.

    Examples
    --------
    >>> found = trim_and_fill([0.2, 0.25, 0.3, 0.6, 0.7, 0.9], [0.01, 0.01, 0.02, 0.1, 0.1, 0.2])
    >>> found.k0, found.side, f"{found.observed.estimate:.3f} {found.filled.estimate:.3f}"
    (2, 'left', '0.282 0.254')
    """
    inputs.check_choice("estimator", estimator, ("L0", "R0"))
    if side is not None:
        inputs.check_choice("side", side, ("left", "right"))
    effects, variances, labels = inputs.check_effects(yi, vi, slab)
    observed = synthesize(effects, variances, method, test, level, labels)
    chosen: Side = side or _sparser_side(effects, variances)
    sign = 1.0 if chosen == "left" else -1.0
    found = _settle(sign * effects, variances, estimator, method)
    if isinstance(found, Absent):
        numbers: dict[str, Any] = dict.fromkeys(("k0", "k0_se", "k0_pval", "filled"), found)
    else:
        numbers = {"k0": found.trimmed.size, "filled": _fill(observed, found, sign)}
        numbers |= _uncertainty(effects.size, found.missing, estimator)
    return TrimAndFill(
        k=effects.size,
        estimator=estimator,
        side=chosen,
        observed=observed,
        note=limit_of_use(effects.size),
        **numbers,
    )


class _Trimmed(NamedTuple):
    """The centre of the trials left, positions of those trimmed, their number before rounding."""

    centre: float
    trimmed: npt.NDArray[np.intp]
    missing: float


def _sparser_side(yi: FloatArray, vi: FloatArray) -> Side:
    slope = egger_test(yi, vi, predictor="sei", model="rma", test="z").slope
    return "right" if is_present(slope) and slope < 0.0 else "left"


def _settle(
    yi: FloatArray, vi: FloatArray, estimator: Estimator, method: Method
) -> _Trimmed | Absent:
    """Trim from the right until the number trimmed stays the same."""
    k = yi.size
    if k < 3:
        return Absent(f"trim and fill needs at least 3 trials, there are {k}")
    order = np.lexsort((vi, yi))
    tried = [0]
    while True:
        left = order[: k - tried[-1]]
        centre = synthesize(yi[left], vi[left], method, "z").estimate
        missing = max(0.0, _ESTIMATORS[estimator](_signed_ranks(yi[order] - centre)))
        k0 = round(missing)
        if k0 == tried[-1]:
            return _Trimmed(centre, order[k - k0 :], missing)
        if k0 in tried:
            between = " and ".join(str(n) for n in sorted(tried[tried.index(k0) :]))
            return Absent(f"the number of trials to trim never settles: it returns to {between}")
        tried.append(k0)


def _signed_ranks(deviations: FloatArray) -> FloatArray:
    """Return ranks by size with the signs of the deviations; 0 for one that is only rounding."""
    size = np.abs(deviations)
    signs = np.where(size > 1e-12 * size.max(), np.sign(deviations), 0.0)
    return np.asarray(signs * stats.rankdata(size, method="ordinal"))


def _l0(ranks: FloatArray) -> float:
    k = ranks.size
    return float(4.0 * ranks[ranks > 0.0].sum() - k * (k + 1)) / (2 * k - 1)


def _r0(ranks: FloatArray) -> float:
    return float(ranks.size - max(0.0, -ranks.min()) - 1.0)


_ESTIMATORS: dict[Estimator, Callable[[FloatArray], float]] = {"L0": _l0, "R0": _r0}


def _uncertainty(k: int, missing: float, estimator: Estimator) -> dict[str, Number]:
    """Return the standard error and, for R0, the p value of the number missing."""
    n = missing
    if estimator == "R0":
        return {"k0_se": float(np.sqrt(2.0 * n + 2.0)), "k0_pval": 0.5 ** (n + 1.0)}
    ranks = k * (k + 1) * (2 * k + 1)
    variance = (ranks + 10 * n**3 + 27 * n**2 + 17 * n - 18 * k * n * (n + 1) + 6 * k**2 * n) / 24
    reason = Absent("only the estimator R0 gives a test")
    return {"k0_se": 4.0 * float(np.sqrt(variance)) / (2 * k - 1), "k0_pval": reason}


def _fill(observed: Synthesis, found: _Trimmed, sign: float) -> Synthesis:
    """Pool the trials together with the mirror images of those trimmed."""
    extra = found.trimmed
    return synthesize(
        np.append(observed.yi, 2.0 * sign * found.centre - observed.yi[extra]),
        np.append(observed.vi, observed.vi[extra]),
        observed.method,
        observed.test,
        observed.level,
        [*observed.slab, *(f"mirror of {observed.slab[i]}" for i in extra)],
    )
