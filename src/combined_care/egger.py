"""Regression of effects on the size of trials (Egger-type tests of small-study effects)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from combined_care import inputs, markup
from combined_care.effects import check_measure
from combined_care.errors import InputError
from combined_care.inference import critical, lower_tail
from combined_care.results import Absent, FloatArray, Number, Result, is_present

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.effects import Measure

Predictor = Literal["sei", "vi", "pustejovsky", "sqrtninv"]
RegressionModel = Literal["lm", "rma"]

#: Below this number of trials asymmetry and chance cannot be told apart: Sterne et al. (2011),
#: doi:10.1136/bmj.d4002.
FEWEST_TRIALS = 10

_NAMES: dict[str, str] = {
    "sei": "standard error",
    "vi": "sampling variance",
    "pustejovsky": "√(1/n_e + 1/n_c)",
    "pustejovsky2": "1/n_e + 1/n_c",
    "sqrtninv": "1/√n",
}
#: A weighted sum of squares below this share of the total is rounding error.
_NOTHING = 1e-24


def limit_of_use(k: int) -> str:
    """Return what a reader must know when `k` trials are too few for these methods, else ""."""
    if k >= FEWEST_TRIALS:
        return ""
    return (
        f"limit of use not met: {k} trials, fewer than the {FEWEST_TRIALS} below which asymmetry "
        "cannot be told from chance"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class EggerTest(Result):
    """A line through effects and a measure of trial size.

    Attributes
    ----------
    k : int
        Number of trials.
    predictor : str
        What stands for the size of a trial; it falls to 0 as the trial grows.
    model : str
        ``"lm"``: weights 1/vi and a multiplicative dispersion; ``"rma"``: weights 1/(vi + tau²).
    test : str
        ``"t"`` for ``"lm"``; ``"z"`` or ``"knha"`` for ``"rma"``.
    slope, slope_se, slope_ci_lb, slope_ci_ub : float or Absent
        Change of the effect per unit of the predictor; above 0 when small trials favour the
        combined arm more than large ones do.
    statistic, df, pval : float or Absent
        Slope over its standard error, degrees of freedom (infinite for z), two-sided p value.
    limit, limit_se, limit_ci_lb, limit_ci_ub, limit_pval : float or Absent
        Expected effect of an endlessly large trial: the intercept.
    tau2, dispersion : float or Absent
        Residual between-trial variance (``"rma"``), residual mean square (``"lm"``).
    level : float
        Confidence level.
    note : str
        What limits the use of this result; empty when nothing does.
    """

    caption = "Small-study effects: regression of effect on trial size"

    k: int
    predictor: str
    model: str
    test: str
    slope: Number
    slope_se: Number
    slope_ci_lb: Number
    slope_ci_ub: Number
    statistic: Number
    df: Number
    pval: Number
    limit: Number
    limit_se: Number
    limit_ci_lb: Number
    limit_ci_ub: Number
    limit_pval: Number
    tau2: Number
    dispersion: Number
    level: float
    note: str

    def __str__(self) -> str:
        if not is_present(self.slope):
            return f"Small-study effects by regression: {self.slope} (k = {self.k})."
        name = _NAMES[self.predictor]
        limit = markup.interval(self.limit_ci_lb, self.limit_ci_ub)
        return (
            f"Small-study effects by regression on {name} (k = {self.k}): slope "
            f"{markup.number(self.slope)} "
            f"({markup.interval(self.slope_ci_lb, self.slope_ci_ub)}), "
            f"p = {markup.p_value(self.pval)}; expected effect of a very large trial "
            f"{markup.number(self.limit)} ({limit}){noted(self.note)}."
        )


def noted(note: str) -> str:
    """Return `note` as the end of a sentence."""
    return f"; {note}" if note else ""


def egger_test(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    n_e: npt.ArrayLike | None = None,
    n_c: npt.ArrayLike | None = None,
    *,
    measure: Measure | None = None,
    predictor: Predictor | None = None,
    model: RegressionModel = "lm",
    method: Literal["REML", "ML"] = "REML",
    test: Literal["knha", "z"] = "knha",
    level: float = 0.95,
) -> EggerTest:
    r"""Regress the effects on a measure of trial size (Egger-type test of small-study effects).

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects (positive favours the combined arm) and sampling variances.
    n_e, n_c : array_like of shape (k,), optional
        People per arm; needed by the predictors ``"pustejovsky"`` and ``"sqrtninv"``.
    measure : str, optional
        What `yi` is; decides the default of `predictor`.
    predictor : {"sei", "vi", "pustejovsky", "sqrtninv"}, optional
        :math:`\sqrt{v}`, :math:`v`, :math:`\sqrt{1/n_e + 1/n_c}` or :math:`1/\sqrt{n_e + n_c}`.
        By default ``"pustejovsky"`` for the standardised mean difference, else ``"sei"``.
    model : {"lm", "rma"}
        Weighted regression with a multiplicative dispersion [1]_, or mixed-effects regression
        with residual heterogeneity tau² [2]_.
    method : {"REML", "ML"}
        Estimator of tau²; only for ``model="rma"``.
    test : {"knha", "z"}
        Knapp-Hartung or normal; only for ``model="rma"``.
    level : float
        Confidence level.

    Returns
    -------
    EggerTest
        Its numbers are absent, with the reason, for fewer than 3 trials or trials of one size;
        its note says when there are fewer than 10.

    Raises
    ------
    InputError
        If an effect or variance is unusable, an option is unknown, or the predictor needs people
        per arm that are missing.

    Notes
    -----
    With ``model="lm"`` and ``predictor="sei"`` the slope is the intercept of Egger's regression of
    :math:`y/\sqrt v` on :math:`1/\sqrt v` [1]_. The variance of a standardised mean difference
    grows with the difference itself, so that the standard error correlates with the effect even
    when nothing is wrong; :math:`\sqrt{1/n_e + 1/n_c}` does not [3]_. The weights stay 1/v, as in
    the R package meta. Log odds ratios have the same trouble, with ``"sqrtninv"`` as the way out.

    References
    ----------
    .. [1] Egger et al. (1997), doi:10.1136/bmj.315.7109.629.
    .. [2] Sterne & Egger (2005), in Rothstein et al., chapter 6, doi:10.1002/0470870168.ch6.
    .. [3] Pustejovsky & Rodgers (2019), doi:10.1002/jrsm.1332.

    Examples
    --------
    >>> test = egger_test([0.9, 0.5, 0.45, 0.2, 0.25], [0.2, 0.1, 0.05, 0.02, 0.01])
    >>> f"{test.slope:.3f} {test.pval:.4f} {test.limit:.3f}"
    '1.606 0.0337 0.055'
    """
    effects, variances, _ = inputs.check_effects(yi, vi)
    _check_options(predictor, model, method, test, level)
    chosen = predictor or default_predictor(measure)
    x = size_of_trials(chosen, variances, n_e, n_c)
    return regress(effects, variances, x, chosen, model, method, test, level)


def _check_options(predictor: str | None, model: str, method: str, test: str, level: float) -> None:
    if predictor is not None:
        inputs.check_choice("predictor", predictor, get_args(Predictor))
    inputs.check_choice("model", model, get_args(RegressionModel))
    inputs.check_choice("method", method, ("REML", "ML"))
    inputs.check_choice("test", test, ("knha", "z"))
    inputs.check_level(level)


def default_predictor(measure: Measure | None) -> Predictor:
    """Return the predictor that is safe for `measure`; see the notes of :func:`egger_test`."""
    if measure is None:
        return "sei"
    check_measure(measure)
    return "pustejovsky" if measure == "SMD" else "sei"


def size_of_trials(
    name: Predictor, vi: FloatArray, n_e: npt.ArrayLike | None, n_c: npt.ArrayLike | None
) -> FloatArray:
    """Return the predictor, checked; its unit is that of the standard error, but for vi."""
    if name == "sei":
        return np.sqrt(vi)
    if name == "vi":
        return vi
    if n_e is None or n_c is None:
        message = (
            f"predictor {name!r} needs n_e and n_c, the people per arm; give them or choose "
            "predictor='sei'"
        )
        raise InputError(message)
    experimental, comparator = _people("n_e", n_e, vi.size), _people("n_c", n_c, vi.size)
    if name == "pustejovsky":
        return np.asarray(np.sqrt(1.0 / experimental + 1.0 / comparator))
    return np.asarray(1.0 / np.sqrt(experimental + comparator))


def _people(name: str, values: npt.ArrayLike, k: int) -> FloatArray:
    people = inputs.as_floats(name, values)
    if people.shape != (k,):
        message = f"{name} must hold one number per trial: expected {k}, got shape {people.shape}"
        raise InputError(message)
    usable = np.isfinite(people) & (people >= 1.0)
    inputs.refuse(
        [
            f"{name} of study {i + 1} is {people[i]:g}, expected at least 1 person"
            for i in np.flatnonzero(~usable)
        ]
    )
    return people


class _Line(NamedTuple):
    """A weighted least-squares line: limit and slope, their variances over the scale, and Q."""

    beta: FloatArray
    var: FloatArray
    q: float


def regress(
    yi: FloatArray,
    vi: FloatArray,
    x: FloatArray,
    predictor: str,
    model: str,
    method: Literal["REML", "ML"],
    test: str,
    level: float,
) -> EggerTest:
    """Fit and test the line through arguments that are checked already."""
    reason = _no_line(yi, vi, x)
    test = "t" if model == "lm" else test
    given = {"k": yi.size, "predictor": predictor, "model": model, "test": test, "level": level}
    if reason is not None:
        numbers: dict[str, Number] = dict.fromkeys(_NUMBERS, reason)
    else:
        tau2 = _residual_tau2(yi, vi, x, method) if model == "rma" else 0.0
        numbers = _numbers(_line(yi, x, 1.0 / (vi + tau2)), yi.size - 2, test, level)
        numbers |= _spread(model, tau2, numbers["dispersion"])
    return EggerTest(**given, **numbers, note=limit_of_use(yi.size))  # type: ignore[arg-type]


_NUMBERS = (
    *("slope", "slope_se", "slope_ci_lb", "slope_ci_ub", "statistic", "df", "pval"),
    *("limit", "limit_se", "limit_ci_lb", "limit_ci_ub", "limit_pval", "tau2", "dispersion"),
)


def _spread(model: str, tau2: float, dispersion: Number) -> dict[str, Number]:
    if model == "lm":
        return {"tau2": Absent("the regression scales the variances instead of adding tau²")}
    return {"tau2": tau2, "dispersion": Absent("the regression adds tau² to the variances")}


def _line(yi: FloatArray, x: FloatArray, w: FloatArray) -> _Line:
    centre = float(w @ x / w.sum())
    mean = float(w @ yi / w.sum())
    sxx = float(w @ (x - centre) ** 2)
    slope = float(w @ ((x - centre) * (yi - mean)) / sxx)
    var_slope = 1.0 / sxx
    var_limit = 1.0 / w.sum() + centre**2 * var_slope
    residuals = yi - mean - slope * (x - centre)
    return _Line(
        np.array([mean - slope * centre, slope]),
        np.array([var_limit, var_slope]),
        float(w @ residuals**2),
    )


def _numbers(line: _Line, df: int, test: str, level: float) -> dict[str, Number]:
    scale = 1.0 if test == "z" else line.q / df
    ends = np.full(2, np.inf if test == "z" else float(df))
    se = np.sqrt(scale * line.var)
    half = critical(ends, level) * se
    stat = line.beta / se
    pval = 2.0 * lower_tail(ends, -np.abs(stat))
    names = ("", "_se", "_ci_lb", "_ci_ub")
    columns = (line.beta, se, line.beta - half, line.beta + half)
    numbers: dict[str, Number] = {
        f"{which}{name}": float(column[i])
        for i, which in enumerate(("limit", "slope"))
        for name, column in zip(names, columns, strict=True)
    }
    return numbers | {
        "statistic": float(stat[1]),
        "df": float(ends[1]),
        "pval": float(pval[1]),
        "limit_pval": float(pval[0]),
        "dispersion": line.q / df,
    }


def _residual_tau2(
    yi: FloatArray, vi: FloatArray, x: FloatArray, method: Literal["REML", "ML"]
) -> float:
    """Estimate the variance that the line leaves between trials."""
    # Imported here: PyMARE behind it loads SymPy, a second that most callers need not wait.
    from combined_care.mixed_model import estimate_tau2  # noqa: PLC0415

    return estimate_tau2(yi, vi, np.column_stack([np.ones(yi.size), x]), method)


def _no_line(yi: FloatArray, vi: FloatArray, x: FloatArray) -> Absent | None:
    """Say why no line can be tested, if none can."""
    if yi.size < 3:
        return Absent(f"a line needs at least 3 trials, there are {yi.size}")
    w = 1.0 / vi
    if w @ (x - w @ x / w.sum()) ** 2 <= _NOTHING * (w @ x**2):
        return Absent("all trials are of the same size")
    if _line(yi, x, w).q <= _NOTHING * (w @ yi**2):
        return Absent("all trials lie exactly on one line")
    return None
