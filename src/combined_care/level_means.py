"""The effect in each level of a moderator: with one common tau², or each level by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from combined_care.coefficient_tests import (
    Coefficients,
    Contrast,
    Omnibus,
    contrasts,
    model_based,
    prediction,
    standard_errors,
)
from combined_care.heterogeneity import relative
from combined_care.mixed_model import MixedFit, fit_mixed
from combined_care.residual_variation import ResidualVariation, explained, residual_variation
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.inference import Test
    from combined_care.synthesis import Synthesis
    from combined_care.tau2 import Method

ALONE = Absent("one trial has no tau2 of its own")
SINGLES = Absent("every level has one trial: nothing is left to estimate tau2 from")
_NAIVE = Absent(
    "under equal effects chi-squared would be the naive Q-between, which takes heterogeneity for "
    "a difference of levels"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Subgroup(Result):
    """The trials of one level.

    Attributes
    ----------
    name : str
        The level.
    k : int
        Number of trials.
    estimate, se, df, pval, ci_lb, ci_ub : float
        Pooled effect with its test; infinite `df` is the normal distribution.
    pi_lb, pi_ub : float
        Prediction interval for a new trial of this level.
    tau2, tau2_ci_lb, tau2_ci_ub : float
        Variance of true effects: the common one, or this level's own.
    i2 : float
        Its share of the total beside the typical sampling variance of this level, in percent.
    """

    caption = "Subgroup"

    name: str
    k: int
    estimate: Number
    se: Number
    df: Number
    pval: Number
    ci_lb: Number
    ci_ub: Number
    pi_lb: Number
    pi_ub: Number
    tau2: Number
    tau2_ci_lb: Number
    tau2_ci_ub: Number
    i2: Number

    def __str__(self) -> str:
        trials = "1 trial" if self.k == 1 else f"{self.k} trials"
        if not is_present(self.ci_lb):
            return f"{self.name}: {self.estimate:.2f} ({trials}), interval {self.ci_lb}."
        return f"{self.name}: {self.estimate:.2f} ({self.ci_lb:.2f} to {self.ci_ub:.2f}, {trials})."


class CommonModel(NamedTuple):
    """The regression on level means with one common tau²."""

    fit: MixedFit
    tested: Coefficients
    rest: ResidualVariation
    r2: Number


def fit_common(
    yi: FloatArray,
    vi: FloatArray,
    member: npt.NDArray[np.bool_],
    method: Method,
    test: Test,
    level: float,
) -> CommonModel | None:
    """Fit the levels together; None where every level has one trial."""
    k, levels = member.shape
    if k == levels:
        return None
    design = member.astype(float)
    fit = fit_mixed(yi, vi, design, method)
    against_first = np.eye(levels)[1:] - np.eye(levels)[0]
    tested = model_based(fit, against_first, k, test)
    rest = residual_variation(yi, vi, design, fit.tau2, method, level)
    return CommonModel(fit, tested, rest, explained(yi, vi, design, fit.tau2, method)[1])


def common_fields(common: CommonModel | None, method: Method) -> dict[str, Number]:
    """Return the fields of Subgroups that come from the common model."""
    names = ("tau2_ci_lb", "tau2_ci_ub", "q", "q_df", "q_pval")
    if common is None:
        return dict.fromkeys(("tau2", "r2", *names, *Omnibus._fields), SINGLES)
    omnibus = common.tested.omnibus
    if method == "EE":
        omnibus = omnibus._replace(qm=_NAIVE, qm_df=_NAIVE, qm_pval=_NAIVE)
    rest = {name: getattr(common.rest, name) for name in names}
    return {"tau2": common.fit.tau2, "r2": common.r2, **rest, **omnibus._asdict()}


def common_records(
    levels: tuple[str, ...], alone: list[Synthesis], common: CommonModel | None, level: float
) -> tuple[Subgroup, ...]:
    """Describe every level by the common tau²; `alone` are the levels by themselves."""
    if common is None:
        return tuple(_empty_record(name) for name in levels)
    ses = standard_errors(np.eye(len(levels)), common.tested.factor)
    found = contrasts(levels, common.fit.beta, ses, common.tested.df, level)
    return tuple(_common_record(*pair, common) for pair in zip(found, alone, strict=True))


def _common_record(mean: Contrast, own: Synthesis, common: CommonModel) -> Subgroup:
    """Describe one level by the common tau²."""
    tau2 = common.fit.tau2
    lower, upper = prediction(mean, tau2, own.method, common.rest.q_df)
    return Subgroup(
        name=mean.label,
        k=own.k,
        **{name: getattr(mean, name) for name in _MEAN},
        pi_lb=lower,
        pi_ub=upper,
        tau2=tau2,
        tau2_ci_lb=common.rest.tau2_ci_lb,
        tau2_ci_ub=common.rest.tau2_ci_ub,
        i2=own.i2 if own.method == "EE" or own.k == 1 else _share(tau2, own.vi),
    )


_MEAN = ("estimate", "se", "df", "pval", "ci_lb", "ci_ub")
_VARIATION = ("pi_lb", "pi_ub", "tau2", "tau2_ci_lb", "tau2_ci_ub", "i2")


def own_record(name: str, own: Synthesis) -> Subgroup:
    """Describe one level by itself."""
    values = {field: getattr(own, field) for field in (*_MEAN, *_VARIATION)}
    if own.k == 1:
        values |= dict.fromkeys(_VARIATION, ALONE)
    return Subgroup(name=name, k=own.k, **values)


def _empty_record(name: str) -> Subgroup:
    return Subgroup(name=name, k=1, **dict.fromkeys((*_MEAN, *_VARIATION), SINGLES))


def _share(tau2: float, vi: FloatArray) -> float:
    """Return I² beside the typical sampling variance of one level."""
    w = 1.0 / vi
    typical = (vi.size - 1.0) / (w.sum() - (w @ w) / w.sum())
    return float(relative(np.array([tau2]), np.array([typical]))[0][0])


def separate_test(
    levels: tuple[str, ...], alone: list[Synthesis], method: Method
) -> dict[str, Number]:
    """Compare the levels by their own estimates and normal standard errors."""
    singles = [name for name, own in zip(levels, alone, strict=True) if own.k == 1]
    if singles or method == "EE":
        reason = _NAIVE if method == "EE" else Absent(f"no tau2 of their own: {', '.join(singles)}")
        return dict.fromkeys(("qb", "qb_df", "qb_pval"), reason)
    means = np.array([own.estimate for own in alone])
    w = 1.0 / np.array([own.inference("z").se for own in alone], dtype=float) ** 2
    q, df = float(w @ (means - w @ means / w.sum()) ** 2), len(alone) - 1.0
    return {"qb": q, "qb_df": df, "qb_pval": float(special.chdtrc(df, q))}
