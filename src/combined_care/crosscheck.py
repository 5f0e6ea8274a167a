"""A second opinion: the same model fitted by PyMARE, and how far the two fits are apart."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pymare.estimators import (
    DerSimonianLaird,
    Hedges,
    VarianceBasedLikelihoodEstimator,
    WeightedLeastSquares,
)

from combined_care.results import Absent, Result, is_present

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from combined_care.synthesis import Synthesis

#: Differences below this are rounding of the two optimisers, relative to a standard error.
TOLERANCE = 1e-4

_ESTIMATORS: dict[str, Callable[[str], Any]] = {
    "EE": lambda test: WeightedLeastSquares(tau2=0.0, small_sample_correction=test),
    "DL": lambda test: DerSimonianLaird(small_sample_correction=test),
    "HE": lambda test: Hedges(small_sample_correction=test),
    "ML": lambda test: VarianceBasedLikelihoodEstimator("ml", small_sample_correction=test),
    "REML": lambda test: VarianceBasedLikelihoodEstimator("reml", small_sample_correction=test),
}
_TESTS = {
    "z": "wald",
    "knha": "knapp-hartung",
    "knha-conservative": "knapp-hartung-conservative",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossCheck(Result):
    """The same pooled effect from an independent program.

    Attributes
    ----------
    program : str
        Name and version of the other program.
    estimate, se, tau2 : float
        What it finds.
    deviation : float
        Largest difference of estimate and standard error, in standard errors of the fit.
    """

    caption: ClassVar[str] = "Second opinion"

    program: str
    estimate: float
    se: float
    tau2: float
    deviation: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is no more than rounding of the two optimisers."""
        return self.deviation < TOLERANCE

    def __str__(self) -> str:
        verdict = "agrees" if self.agrees else "does not agree"
        return (
            f"{self.program} {verdict}: estimate {self.estimate:.4f}, standard error "
            f"{self.se:.4f}, tau² {self.tau2:.4f}; largest difference {self.deviation:.1g} "
            "standard errors."
        )


def cross_check(fit: Synthesis) -> CrossCheck | Absent:
    """Fit the same model with PyMARE.

    Parameters
    ----------
    fit : Synthesis
        A fit of this package.

    Returns
    -------
    CrossCheck or Absent
        PyMARE's numbers and the distance; absent for one trial (PyMARE's tau2 is arbitrary then)
        and for estimators that PyMARE does not have.

    Examples
    --------
    >>> from combined_care.synthesis import synthesize
    >>> check = cross_check(synthesize([0.1, 0.3, 0.65], [0.03, 0.02, 0.05]))
    >>> check.agrees
    True
    """
    if fit.k == 1:
        return Absent("one trial: nothing to pool")
    if fit.method not in _ESTIMATORS:
        return Absent(f"PyMARE has no {fit.method} estimator")
    if not is_present(fit.se) or fit.se == 0:
        return Absent("the fit has no standard error to compare")
    estimator = _ESTIMATORS[fit.method](_TESTS[fit.test])
    columns = {"y": fit.yi[:, None], "v": fit.vi[:, None], "X": np.ones((fit.k, 1))}
    found = estimator.fit(**columns).summary()
    stats = found.get_fe_stats()
    estimate, se = float(stats["est"].item()), float(stats["se"].item())
    deviation = max(abs(estimate - fit.estimate), abs(se - fit.se)) / fit.se
    return CrossCheck(
        program=f"PyMARE {version('pymare')}",
        estimate=estimate,
        se=se,
        tau2=float(np.squeeze(found.tau2)),
        deviation=deviation,
    )
