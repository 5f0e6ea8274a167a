"""The one path from arrays to pooled numbers, for one data set as for thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from combined_care import tau2 as kernel
from combined_care.heterogeneity import q_profile, relative
from combined_care.inference import infer, predict
from combined_care.tau2 import Batch, Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.inference import PiDf, Test
    from combined_care.results import FloatArray

#: Quantities of a pooled data set, in the order in which tables show them.
COLUMNS = (
    "k", "estimate", "se", "ci_lb", "ci_ub", "pval", "stat", "df", "pi_lb", "pi_ub",
    "tau2", "tau2_ci_lb", "tau2_ci_ub", "i2", "i2_ci_lb", "i2_ci_ub", "i2_q",
    "h2", "h2_ci_lb", "h2_ci_ub", "q", "q_df", "q_pval",
)  # fmt: skip
#: Those that take an iteration of their own.
TAU2_INTERVALS = tuple(name for name in COLUMNS if name.startswith(("tau2_ci", "i2_ci", "h2_ci")))
#: What a record of one data set needs besides.
_BESIDES = ("wald_se", "scale", "is_null", "modes")

#: Numbers in one working array: small enough for the processor's cache, measured.
_CHUNK = 14_000


def pool(
    yi: FloatArray,
    vi: FloatArray,
    *,
    method: Method,
    test: Test,
    level: float,
    pi_df: PiDf,
    tau2_ci: bool,
) -> dict[str, FloatArray]:
    """Pool data sets given as rows.

    Parameters
    ----------
    yi, vi : numpy.ndarray of shape (n, K)
        Checked effects and variances; a study that does not belong to a row has infinite variance.
    method, test, level, pi_df
        As for :func:`combined_care.synthesis.synthesize`.
    tau2_ci : bool
        Whether to find the intervals of tau², I² and H²; they stay nan otherwise.

    Returns
    -------
    dict of str to numpy.ndarray of shape (n,)
        :data:`COLUMNS`; nan marks what the data cannot support. Rows of one study carry that
        study's effect, standard error and normal interval, and no estimator is called for them.
    """
    n = yi.shape[0]
    columns = {name: np.full(n, np.nan) for name in (*COLUMNS, *_BESIDES)}
    k = np.isfinite(vi).sum(axis=1)
    for rows in _chunks(k):
        y, v = _packed(yi[rows], vi[rows], int(k[rows[-1]]))
        batch = Batch.of(y, v)
        if k[rows[-1]] == 1:
            found = _single(batch, level)
        else:
            found = _pooled(
                batch, method=method, test=test, level=level, pi_df=pi_df, tau2_ci=tau2_ci
            )
        for name, values in found.items():
            columns[name][rows] = values
    return columns


def _chunks(k: np.ndarray) -> Iterator[np.ndarray]:
    """Yield row positions of similar size; rows of one study never mix with larger ones."""
    order = np.argsort(k, kind="stable")
    start = int(np.searchsorted(k, 1, side="right", sorter=order))
    if start:
        yield order[:start]
    while start < order.size:
        width = int(k[order[start]])
        stop = min(start + max(1, _CHUNK // width), order.size)
        yield order[start:stop]
        start = stop


def _packed(yi: FloatArray, vi: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    """Move the studies that are present to the left and cut the rest off."""
    if width == yi.shape[1]:
        return yi, vi
    place = np.argsort(np.isinf(vi), axis=1, kind="stable")[:, :width]
    return np.take_along_axis(yi, place, axis=1), np.take_along_axis(vi, place, axis=1)


def _single(batch: Batch, level: float) -> dict[str, FloatArray]:
    none = np.zeros(batch.k.size)
    z = infer(batch.centre, batch.unit, none, batch.k, test="z", level=level)
    return {"k": batch.k, "estimate": batch.centre, "wald_se": batch.unit, **z._asdict()}


def _pooled(
    batch: Batch, *, method: Method, test: Test, level: float, pi_df: PiDf, tau2_ci: bool
) -> dict[str, FloatArray]:
    """Return every quantity of data sets of two studies or more."""
    tau2, modes = kernel.estimate(batch, method)
    found = kernel.moments(batch, tau2)
    df = batch.k - 1.0
    estimate = batch.centre + batch.unit * found.mean
    wald_se = batch.unit / np.sqrt(found.w_sum)
    scale = found.q / df
    inference = infer(estimate, wald_se, scale, batch.k, test=test, level=level)
    columns = {
        "k": batch.k,
        "estimate": estimate,
        "wald_se": wald_se,
        "scale": scale,
        "modes": modes,
        "tau2": tau2 * batch.unit**2,
        **inference._asdict(),
        **_variation(batch, tau2, method, level if tau2_ci else None),
    }
    if method != "EE":
        spread = np.sqrt(inference.se**2 + columns["tau2"])
        columns["pi_lb"], columns["pi_ub"] = predict(
            estimate, spread, batch.k, pi_df=pi_df, level=level
        )
    return columns


def _variation(
    batch: Batch, tau2: FloatArray, method: Method, level: float | None
) -> dict[str, FloatArray]:
    """Return Q, I², H² and, at `level`, the tau² interval; under equal effects I², H² are of Q."""
    df = batch.k - 1.0
    q = kernel.cochran_q(batch)
    i2_q = 100.0 * np.maximum(q - df, 0.0) / np.maximum(q, df)
    columns = {"q": q, "q_df": df, "q_pval": special.chdtrc(df, q), "i2_q": i2_q}
    if method == "EE":
        return columns | {"i2": i2_q, "h2": q / df}
    typical = df / kernel.typical_trace(batch)
    columns["i2"], columns["h2"] = relative(tau2, typical)
    if level is None:
        return columns
    lower, upper, is_null = q_profile(batch, q, level)
    for end, limit in (("lb", lower), ("ub", upper)):
        columns[f"tau2_ci_{end}"] = limit * batch.unit**2
        columns[f"i2_ci_{end}"], columns[f"h2_ci_{end}"] = relative(limit, typical)
    return columns | {"is_null": is_null}
