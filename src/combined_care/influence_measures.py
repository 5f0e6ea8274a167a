"""Outlier and influence diagnostics: what each trial does to the pooled effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from combined_care.errors import InputError
from combined_care.results import Absent, FloatArray, Result
from combined_care.sensitivity import tabulate
from combined_care.synthesis import Synthesis, synthesize, synthesize_many

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.inputs import Labels
    from combined_care.tau2 import Method

#: In the order of the table. Each compares the fit of all trials with the fit without one.
DIAGNOSTICS = (
    *("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight", "dfbeta"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Influence(Result):
    r"""Diagnostics of each trial, from the fits without it.

    Attributes
    ----------
    full : Synthesis
        The pooled effect of all trials.
    table : pandas.DataFrame
        One row a trial. A subscript (i) marks what the other trials give:

        - ``slab``: its label;
        - ``rstudent``: :math:`(y_i - \hat\mu_{(i)}) / \{s_{(i)} \sqrt{v_i + \hat\tau^2_{(i)} +
          1 / \sum_{j \ne i} w_j}\}`, its externally studentised residual, with
          :math:`w_j = 1/(v_j + \hat\tau^2_{(i)})` and s² the Knapp-Hartung scale, 1 under ``"z"``;
        - ``dffits``: :math:`(\hat\mu - \hat\mu_{(i)}) / \{s_{(i)} \sqrt{h_i (\hat\tau^2_{(i)} +
          v_i)}\}`, with h the hat value;
        - ``cook_d``: :math:`(\hat\mu - \hat\mu_{(i)})^2 / se^2`, Cook's distance;
        - ``cov_r``: :math:`se_{(i)}^2 / se^2`, the covariance ratio; below 1 if the estimate is
          more precise without the trial;
        - ``tau2_del``, ``q_del``: tau² and Cochran's Q without it;
        - ``hat``, ``weight``: its share of the weights, as a fraction and in percent;
        - ``dfbeta``: :math:`(\hat\mu - \hat\mu_{(i)}) \sqrt{\sum_j w_j} / s_{(i)}`, over all
          trials;
        - ``is_influential``: whether :math:`|dffits| > 3 / \sqrt{k - 1}`, or chi-squared(1) lies
          below ``cook_d`` with probability above one half, or ``hat`` > 3/k, or |``dfbeta``| > 1.
          These bounds are conventions, not tests.

        Numbers that the trials cannot support are absent, with the reason.
    """

    caption = "Influence of each trial on the pooled effect"

    full: Synthesis = field(repr=False)
    table: pd.DataFrame

    def __str__(self) -> str:
        named = self.table.loc[self.table["is_influential"].astype(bool), "slab"]
        found = ", ".join(named) if len(named) else "none"
        return f"Influential trials by the usual bounds, of {self.full.k}: {found}."

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row a trial."""
        return self.table.copy()


def influence(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    *,
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    slab: Labels = None,
) -> Influence:
    """Compute residuals and influence of each trial by leaving it out.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances; k at least 3.
    method, test, level, slab
        As for :func:`~combined_care.synthesis.synthesize`.

    Returns
    -------
    Influence
        tau² is estimated anew without each trial.

    Raises
    ------
    InputError
        If there are fewer than 3 trials, an effect or variance is unusable or an option unknown.

    Notes
    -----
    The diagnostics of [1]_, which metafor's ``influence()`` computes.

    References
    ----------
    .. [1] Viechtbauer & Cheung (2010), doi:10.1002/jrsm.11.

    Examples
    --------
    >>> found = influence([0.1, 0.2, 0.3, 0.25, 2.0], [0.03, 0.03, 0.02, 0.05, 0.04])
    >>> print(found)
    Influential trials by the usual bounds, of 5: study 5.
    >>> found.table[["rstudent", "cook_d", "tau2_del"]].round(2).tail(1)
       rstudent  cook_d  tau2_del
    4     15.55    0.94       0.0
    """
    full = synthesize(yi, vi, method, test, level, slab)
    if full.k < 3:
        message = f"influence needs at least 3 studies; got {full.k}: {', '.join(full.slab)}"
        raise InputError(message)
    others = ~np.eye(full.k, dtype=bool)
    without = synthesize_many(full.yi, full.vi, mask=others, method=method, test=test, level=level)
    values = _diagnostics(full, without)
    reasons = without["absent"].tolist()
    values["absent"] = [full.se.reason] * full.k if isinstance(full.se, Absent) else reasons
    table = tabulate(values, DIAGNOSTICS, slab=full.slab)
    table["is_influential"] = _flags(values, full.k)
    return Influence(full=full, table=table)


def _diagnostics(full: Synthesis, without: pd.DataFrame) -> pd.DataFrame:
    """Return the diagnostics; nan where a standard error is 0 or unknown."""
    v, tau2 = full.vi, without["tau2"].to_numpy()
    se = np.nan if isinstance(full.se, Absent) else full.se
    se_del = without["se"].to_numpy()
    hat = full.weights / 100.0
    shift = full.estimate - without["estimate"].to_numpy()
    weights = 1.0 / (v + tau2[:, None])
    others = (weights * ~np.eye(full.k, dtype=bool)).sum(axis=1)
    # Squared, the standard error is the Knapp-Hartung scale over the sum of the weights.
    scale = se_del**2 * others if full.test != "z" else np.ones(full.k)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "rstudent": (full.yi - without["estimate"])
            / np.sqrt(scale * (v + tau2 + 1.0 / others)),
            "dffits": shift / np.sqrt(scale * hat * (tau2 + v)),
            "cook_d": shift**2 / se**2,
            "cov_r": se_del**2 / se**2,
            "tau2_del": tau2,
            "q_del": without["q"],
            "hat": hat,
            "weight": full.weights,
            "dfbeta": shift / np.sqrt(scale / weights.sum(axis=1)),
        }
    return pd.DataFrame({name: _finite(values) for name, values in found.items()})


def _finite(values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _flags(values: pd.DataFrame, k: int) -> list[bool]:
    """Tell for each trial whether it passes a bound; a number that is absent passes none."""
    return list(
        (values["dffits"].abs() > 3.0 / np.sqrt(k - 1.0))
        | (special.chdtr(1.0, values["cook_d"]) > 0.5)
        | (values["hat"] > 3.0 / k)
        | (values["dfbeta"].abs() > 1.0)
    )
