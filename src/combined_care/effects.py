"""Effect sizes: from arm results or reported numbers to ``yi`` and its sampling variance ``vi``.

Every function returns experimental minus comparator (ratios: the log of experimental over
comparator). Which sign is good is not known here; :mod:`combined_care.contrasts` orients it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
from scipy import stats
from scipy.special import gammaln

from combined_care.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from combined_care.results import FloatArray

Measure = Literal["SMD", "MD", "OR", "RR", "RD", "HR"]
SmdVariance = Literal["LS", "LS2", "UB", "RevMan", "esc", "PyMARE"]

#: Measures whose ``yi`` is the log of a ratio.
RATIOS = frozenset({"OR", "RR", "HR"})


class EffectSizes(NamedTuple):
    """Effects and their sampling variances, arrays of one shape (floats for scalar input)."""

    yi: FloatArray
    vi: FloatArray


def effect_size(measure: Measure, *arms: npt.ArrayLike, **named: npt.ArrayLike) -> EffectSizes:
    r"""Compute an effect and its sampling variance, for one trial or many at once.

    Parameters
    ----------
    measure : {"SMD", "MD", "OR", "RR", "RD", "HR"}
        What to compute; see *Other Parameters* for what it needs.
    *arms, **named : array_like
        The arm results, in the order listed below or by name.

    Returns
    -------
    EffectSizes
        ``yi`` is experimental minus comparator, in pooled-SD units (SMD), instrument points (MD)
        or proportions (RD), or the log of experimental over comparator (OR, RR, HR); ``vi`` is
        its sampling **variance**, not its standard error.

    Other Parameters
    ----------------
    SMD, MD : ``mean_e, sd_e, n_e, mean_c, sd_c, n_c``
        Means, standard deviations (not standard errors) and numbers analysed; SMD also takes
        ``variance`` (see :func:`hedges_g`).
    OR, RR, RD : ``events_e, n_e, events_c, n_c``
        Numbers with the event and numbers analysed.
    HR : ``effect, ci_low, ci_high``
        A reported hazard ratio and its 95 % interval.

    Raises
    ------
    InputError
        If the measure is unknown, a standard deviation is not positive, an arm has fewer than 2
        people, events are negative or exceed n, or no information about a ratio is left (both
        arms without events, or both with events only).

    See Also
    --------
    hedges_g, two_by_two, reported_effect

    Examples
    --------
    >>> g = effect_size("SMD", 8, 4, 25, 10, 4, 25)
    >>> f"{g.yi:.4f} {g.vi:.4f}"
    '-0.4921 0.0824'
    >>> lor = effect_size("OR", events_e=15, n_e=28, events_c=6, n_c=28)
    >>> f"{lor.yi:.4f} {lor.vi:.4f}"
    '1.4424 0.3557'
    """
    check_measure(measure)
    match measure:
        case "SMD":
            return hedges_g(*arms, **named)  # type: ignore[arg-type]
        case "MD":
            return mean_difference(*arms, **named)
        case "HR":
            return reported_effect("HR", *arms, **named)  # type: ignore[arg-type]
    return two_by_two(measure, *arms, **named)  # type: ignore[arg-type]


def check_measure(measure: str) -> None:
    """Raise :class:`InputError` unless `measure` is one this package knows."""
    if measure not in get_args(Measure):
        message = f"measure must be one of {', '.join(get_args(Measure))}; got {measure!r}"
        raise InputError(message)


def correction_factor(df: npt.ArrayLike) -> FloatArray:
    r"""Compute the exact small-sample correction J of the standardised mean difference.

    Parameters
    ----------
    df : array_like
        Degrees of freedom of the pooled standard deviation, ``n_e + n_c - 2``; more than 1.

    Returns
    -------
    numpy.ndarray
        :math:`J(m) = \Gamma(m/2) / (\sqrt{m/2}\,\Gamma((m-1)/2))`.

    References
    ----------
    Hedges (1981), Journal of Educational Statistics 6:107-128, equation 6e,
    doi:10.3102/10769986006002107.

    Examples
    --------
    >>> f"{correction_factor(48):.6f}"
    '0.984279'
    """
    m = np.asarray(df, dtype=np.float64)
    require(m > 1, m, "degrees of freedom", "more than 1")
    logs = gammaln(m / 2) - gammaln((m - 1) / 2) - 0.5 * np.log(m / 2)
    return np.asarray(np.exp(logs))[()]


def hedges_g(
    mean_e: npt.ArrayLike,
    sd_e: npt.ArrayLike,
    n_e: npt.ArrayLike,
    mean_c: npt.ArrayLike,
    sd_c: npt.ArrayLike,
    n_c: npt.ArrayLike,
    *,
    variance: SmdVariance = "LS",
) -> EffectSizes:
    r"""Compute Hedges' g with the exact correction, and its variance.

    Parameters
    ----------
    mean_e, mean_c : array_like of shape (k,)
        Arm means, in instrument points.
    sd_e, sd_c : array_like of shape (k,)
        Standard deviations, **not** standard errors, in instrument points.
    n_e, n_c : array_like of shape (k,)
        People analysed per arm.
    variance : {"LS", "LS2", "UB", "RevMan", "esc", "PyMARE"}
        Formula of the variance, named by who uses it; see :func:`smd_variance`.

    Returns
    -------
    EffectSizes
        ``yi`` in pooled-SD units, negative when the experimental arm scores lower.

    Raises
    ------
    InputError
        If a standard deviation is not positive or an arm has fewer than 2 people.

    References
    ----------
    Hedges (1981), doi:10.3102/10769986006002107. With ``variance="LS"`` equal to metafor's
    ``escalc(measure="SMD")``.
    """
    m_e, s_e, a, m_c, s_c, b = (
        np.asarray(x, dtype=np.float64) for x in (mean_e, sd_e, n_e, mean_c, sd_c, n_c)
    )
    check_arms(a, b)
    require(s_e > 0, s_e, "sd_e", "a standard deviation above 0")
    require(s_c > 0, s_c, "sd_c", "a standard deviation above 0")
    df = a + b - 2
    pooled = np.sqrt(((a - 1) * s_e**2 + (b - 1) * s_c**2) / df)
    g = correction_factor(df) * (m_e - m_c) / pooled
    return EffectSizes(g[()], smd_variance(g, a, b, kind=variance))


def smd_variance(
    g: npt.ArrayLike, n_e: npt.ArrayLike, n_c: npt.ArrayLike, *, kind: SmdVariance = "LS"
) -> FloatArray:
    r"""Compute the sampling variance of Hedges' g by one of the formulas in use.

    Parameters
    ----------
    g : array_like
        Hedges' g (corrected).
    n_e, n_c : array_like
        People analysed per arm.
    kind : {"LS", "LS2", "UB", "RevMan", "esc", "PyMARE"}
        With :math:`N = n_e + n_c`, :math:`m = N - 2`, :math:`c = N / (n_e n_c)`,
        :math:`d = g / J(m)`:

        - ``LS``: :math:`c + g^2 / 2N` (Hedges 1982, equation 8; metafor's default)
        - ``LS2``: :math:`J^2 (c + d^2 / 2N)` (Borenstein et al. 2009, equations 4.20 and 4.24)
        - ``UB``: :math:`c + (1 - (m - 2) / (m J^2)) g^2` (Hedges 1983, unbiased)
        - ``RevMan``: :math:`c + g^2 / 2(N - 3.94)` (Deeks & Higgins 2010, RevMan's methods)
        - ``esc``: :math:`c + d^2 / 2N` (R package esc, used by the Metapsy tools)
        - ``PyMARE``: :math:`J_a^2 (c + d^2 / 2m)` with the approximate
          :math:`J_a = 1 - 3 / (4m - 1)`

    Returns
    -------
    numpy.ndarray
        The variance, in the square of g's units.

    Raises
    ------
    InputError
        If `kind` is unknown.

    Examples
    --------
    >>> [f"{smd_variance(0.7784, 15, 15, kind=k):.4f}" for k in ("LS", "UB", "RevMan")]
    ['0.1434', '0.1449', '0.1450']
    """
    g, a, b = (np.asarray(x, dtype=np.float64) for x in (g, n_e, n_c))
    total, m = a + b, a + b - 2
    c, j = total / (a * b), correction_factor(m)
    formulas: dict[str, Callable[[], FloatArray]] = {
        "LS": lambda: c + g**2 / (2 * total),
        "LS2": lambda: j**2 * (c + (g / j) ** 2 / (2 * total)),
        "UB": lambda: c + (1 - (m - 2) / (m * j**2)) * g**2,
        "RevMan": lambda: c + g**2 / (2 * (total - 3.94)),
        "esc": lambda: c + (g / j) ** 2 / (2 * total),
        "PyMARE": lambda: (1 - 3 / (4 * m - 1)) ** 2 * (c + (g / j) ** 2 / (2 * m)),
    }
    if kind not in formulas:
        message = f"variance must be one of {', '.join(formulas)}; got {kind!r}"
        raise InputError(message)
    return np.asarray(formulas[kind]())[()]


def mean_difference(
    mean_e: npt.ArrayLike,
    sd_e: npt.ArrayLike,
    n_e: npt.ArrayLike,
    mean_c: npt.ArrayLike,
    sd_c: npt.ArrayLike,
    n_c: npt.ArrayLike,
) -> EffectSizes:
    """Compute the difference of two means, in instrument points, and its variance.

    Parameters and errors are those of :func:`hedges_g`. The variance is
    ``sd_e**2 / n_e + sd_c**2 / n_c`` (variances not assumed equal).
    """
    m_e, s_e, a, m_c, s_c, b = (
        np.asarray(x, dtype=np.float64) for x in (mean_e, sd_e, n_e, mean_c, sd_c, n_c)
    )
    check_arms(a, b)
    require(s_e > 0, s_e, "sd_e", "a standard deviation above 0")
    require(s_c > 0, s_c, "sd_c", "a standard deviation above 0")
    return EffectSizes((m_e - m_c)[()], (s_e**2 / a + s_c**2 / b)[()])


def is_double_zero(
    events_e: npt.ArrayLike, n_e: npt.ArrayLike, events_c: npt.ArrayLike, n_c: npt.ArrayLike
) -> npt.NDArray[np.bool_]:
    """Tell where both arms have no event, or both have nothing but events.

    Such a trial says nothing about a ratio; a continuity correction would only turn its
    imbalance of arm sizes into an effect.
    """
    e, a, c, b = (np.asarray(x, dtype=np.float64) for x in (events_e, n_e, events_c, n_c))
    return np.asarray(((e == 0) & (c == 0)) | ((e == a) & (c == b)))[()]


def two_by_two(
    measure: Literal["OR", "RR", "RD"],
    events_e: npt.ArrayLike,
    n_e: npt.ArrayLike,
    events_c: npt.ArrayLike,
    n_c: npt.ArrayLike,
    *,
    correction: float = 0.5,
) -> EffectSizes:
    r"""Compute a log odds ratio, log risk ratio or risk difference from a 2 x 2 table.

    Parameters
    ----------
    measure : {"OR", "RR", "RD"}
        The measure.
    events_e, events_c : array_like of shape (k,)
        People with the event.
    n_e, n_c : array_like of shape (k,)
        People analysed.
    correction : float
        Added to all four cells of a trial with an empty cell, and to no other trial.

    Returns
    -------
    EffectSizes
        Log ratio (OR, RR) or difference of proportions (RD).

    Raises
    ------
    InputError
        If events are negative or exceed n, an arm has fewer than 2 people, or (OR, RR) both arms
        have no event or nothing but events: nothing is known of the ratio then.

    Notes
    -----
    Single zeros get `correction`, as in metafor's ``escalc(add=1/2, to="only0")``. Double zeros
    are refused for ratios (Cochrane Handbook, section 10.4.4) and kept for the risk difference.

    Examples
    --------
    >>> es = two_by_two("RR", 4, 20, 8, 20)
    >>> f"{es.yi:.4f} {es.vi:.4f}"
    '-0.6931 0.2750'
    """
    e, a, c, b = (np.asarray(x, dtype=np.float64) for x in (events_e, n_e, events_c, n_c))
    check_arms(a, b)
    require((e >= 0) & (e <= a), e, "events_e", "between 0 and n_e")
    require((c >= 0) & (c <= b), c, "events_c", "between 0 and n_c")
    if measure != "RD":
        informative = ~np.asarray(is_double_zero(e, a, c, b))
        require(informative, e, "events", "not zero, and not all, in both arms at once")
    empty = (e == 0) | (c == 0) | (e == a) | (c == b)
    add = np.where(empty, correction, 0.0)
    e, c, rest_e, rest_c = e + add, c + add, a - e + add, b - c + add
    total_e, total_c = e + rest_e, c + rest_c
    match measure:
        case "OR":
            yi = np.log(e * rest_c / (c * rest_e))
            vi = 1 / e + 1 / rest_e + 1 / c + 1 / rest_c
        case "RR":
            yi = np.log(e / total_e) - np.log(c / total_c)
            vi = 1 / e - 1 / total_e + 1 / c - 1 / total_c
        case "RD":
            yi = e / total_e - c / total_c
            vi = e * rest_e / total_e**3 + c * rest_c / total_c**3
    return EffectSizes(np.asarray(yi)[()], np.asarray(vi)[()])


def reported_effect(
    measure: Measure,
    effect: npt.ArrayLike,
    ci_low: npt.ArrayLike | None = None,
    ci_high: npt.ArrayLike | None = None,
    *,
    se: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> EffectSizes:
    r"""Take an effect as reported, with its interval or its standard error.

    Parameters
    ----------
    measure : str
        Ratios (OR, RR, HR) are given as ratios with the interval of the ratio, and returned as
        logs; `se` of a ratio is that of its log.
    effect : array_like
        The reported effect.
    ci_low, ci_high : array_like, optional
        Limits of its interval.
    se : array_like, optional
        Its standard error; used before the interval when both are given.
    level : float
        Confidence level of the interval.

    Returns
    -------
    EffectSizes
        ``vi`` is the squared standard error, from the interval
        :math:`((u - l) / 2 z_{1 - \alpha/2})^2` where `se` is not given.

    Raises
    ------
    InputError
        If neither interval nor standard error is given, a ratio is not positive, the interval is
        empty, or the standard error is not positive.

    Examples
    --------
    >>> es = reported_effect("HR", 0.5, 0.25, 1.0)
    >>> f"{es.yi:.4f} {es.vi:.4f}"
    '-0.6931 0.1251'
    """
    if se is None and (ci_low is None or ci_high is None):
        message = f"a reported {measure} needs its interval (ci_low and ci_high) or se"
        raise InputError(message)
    on_log_scale = measure in RATIOS
    yi = _scale(effect, "effect", on_log_scale=on_log_scale)
    if se is not None:
        error = np.asarray(se, dtype=np.float64)
    else:
        low = _scale(ci_low, "ci_low", on_log_scale=on_log_scale)
        high = _scale(ci_high, "ci_high", on_log_scale=on_log_scale)
        error = (high - low) / (2 * stats.norm.ppf((1 + level) / 2))
    require(error > 0, error, "standard error", "above 0 (and ci_low below ci_high)")
    return EffectSizes(yi[()], (error**2)[()])


def check_arms(n_e: FloatArray, n_c: FloatArray) -> None:
    """Raise :class:`InputError` unless every arm has at least 2 people."""
    require(n_e >= 2, n_e, "n_e", "at least 2 people")
    require(n_c >= 2, n_c, "n_c", "at least 2 people")


def _scale(values: npt.ArrayLike | None, name: str, *, on_log_scale: bool) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if not on_log_scale:
        return array
    require(array > 0, array, name, "a ratio above 0")
    return np.asarray(np.log(array))


def require(ok: npt.ArrayLike, values: FloatArray, name: str, expected: str) -> None:
    """Raise one error that lists every offending position (a nan fails every comparison)."""
    flags = np.atleast_1d(np.asarray(ok, dtype=bool))
    if flags.all():
        return
    given = np.broadcast_to(np.atleast_1d(values), flags.shape)
    bad = "; ".join(f"position {i}: {given[i]:g}" for i in np.flatnonzero(~flags))
    message = f"{name} must be {expected}; got {bad}"
    raise InputError(message)
