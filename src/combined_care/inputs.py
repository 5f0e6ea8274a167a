"""Checks of arguments that several analyses share; out come clean arrays, or one error for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from combined_care.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from combined_care.results import FloatArray

#: Effects and variances beyond these bounds are units gone wrong, and would overflow in products.
_LARGEST_EFFECT, _SMALLEST_VARIANCE, _LARGEST_VARIANCE = 1e30, 1e-60, 1e60
_LISTED = 10

Labels = Sequence[object] | npt.NDArray[Any] | None


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raise :class:`InputError` unless `value` is one of `choices`."""
    allowed = tuple(choices)
    if value not in allowed:
        message = f"{name} must be one of {', '.join(allowed)}; got {value!r}"
        raise InputError(message)


def check_level(level: float) -> float:
    """Return `level` as a float; raise :class:`InputError` unless it lies between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0.0 < level < 1.0:
        message = f"level must lie between 0 and 1, such as 0.95; got {level!r}"
        raise InputError(message)
    return float(level)


def check_effects(
    yi: npt.ArrayLike, vi: npt.ArrayLike, slab: Labels = None
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Check the effects of one data set.

    Parameters
    ----------
    yi, vi : array_like of shape (k,)
        Effects and their sampling variances (not standard errors).
    slab : sequence of str, optional
        Study labels; "study 1", "study 2", ... by default.

    Returns
    -------
    yi, vi : numpy.ndarray of shape (k,)
        The same as floats.
    slab : tuple of str

    Raises
    ------
    InputError
        If there is no study, if the lengths differ, or if any effect or variance is not usable;
        every such study is named.
    """
    effects, variances = as_floats("yi", yi), as_floats("vi", vi)
    if effects.ndim != 1 or effects.shape != variances.shape:
        message = (
            "yi and vi must be one-dimensional and equally long; "
            f"got shapes {effects.shape} and {variances.shape}"
        )
        raise InputError(message)
    if effects.size == 0:
        message = "yi is empty: a synthesis needs at least one study"
        raise InputError(message)
    labels = _labels(slab, effects.size)
    if not usable(effects, variances).all():
        refuse(effect_problems(effects, variances, labels))
    return effects, variances, labels


def check_many(
    yi: npt.ArrayLike, vi: npt.ArrayLike, mask: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Check many data sets, one a row, and give the studies that do not belong infinite variance.

    Parameters
    ----------
    yi, vi : array_like of shape (n, K) or (K,)
        Effects and sampling variances.
    mask : array_like of shape (n, K), optional
        1 or True where a study belongs to a data set.

    Returns
    -------
    yi, vi : numpy.ndarray of shape (n, K)
        Effects (0 where a study does not belong) and variances (infinite there).

    Raises
    ------
    InputError
        If shapes do not agree, if `mask` holds anything but 0 and 1, if a data set is empty, or
        if an effect or variance that belongs is not usable; each is named by data set and study.
    """
    belongs = np.ones(1) if mask is None else as_floats("mask", mask)
    try:
        effects, variances, belongs = np.broadcast_arrays(
            as_floats("yi", yi), as_floats("vi", vi), belongs
        )
    except ValueError as error:
        message = f"yi, vi and mask must have shapes that agree: {error}"
        raise InputError(message) from error
    if effects.ndim != 2 or effects.shape[1] == 0:
        message = f"yi, vi and mask must make one data set a row; got shape {effects.shape}"
        raise InputError(message)
    inside = belongs == 1.0
    if not (inside | (belongs == 0.0)).all():
        message = "mask must hold only 0 and 1 (or False and True)"
        raise InputError(message)
    good = usable(effects, variances)
    good |= ~inside
    if not (good.all() and inside.any(axis=1).all()):
        refuse(_problems_of_many(effects, variances, inside, good))
    return np.where(inside, effects, 0.0), np.where(inside, variances, np.inf)


def _problems_of_many(
    yi: FloatArray, vi: FloatArray, inside: npt.NDArray[np.bool_], good: npt.NDArray[np.bool_]
) -> list[str]:
    problems = [f"data set {i} has no study" for i in np.flatnonzero(~inside.any(axis=1))]
    for i, j in zip(*np.nonzero(~good), strict=True):
        problems += effect_problems(yi[i, [j]], vi[i, [j]], [f"study {j} of data set {i}"])
    return problems


def check_labels(name: str, values: Labels, studies: Sequence[str]) -> tuple[str, ...]:
    """Return one label per study as text, such as clusters or subgroups.

    Raises
    ------
    InputError
        If there is not one label per study, or if a label is missing; every such study is named.
    """
    found = [] if values is None else list(values)
    if len(found) != len(studies):
        message = f"{name} must hold one label per study: got {len(found)} for {len(studies)}"
        raise InputError(message)
    missing = [study for study, value in zip(studies, found, strict=True) if pd.isna(value)]
    if missing:
        message = f"{name} is missing for {', '.join(missing)}"
        raise InputError(message)
    return tuple(str(label) for label in found)


def usable(yi: FloatArray, vi: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell for each study whether its effect and variance can be worked with."""
    return np.asarray(
        (np.abs(yi) <= _LARGEST_EFFECT) & (vi >= _SMALLEST_VARIANCE) & (vi <= _LARGEST_VARIANCE)
    )


def as_floats(name: str, values: npt.ArrayLike) -> FloatArray:
    """Return `values` as a float array; raise :class:`InputError` if they are not numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"{name} must hold numbers only: {error}"
        raise InputError(message) from error


def effect_problems(yi: FloatArray, vi: FloatArray, labels: Sequence[str]) -> list[str]:
    """Describe every effect or variance of one data set that cannot be used."""
    problems = []
    for label, y, v in zip(labels, yi.tolist(), vi.tolist(), strict=True):
        if not abs(y) <= _LARGEST_EFFECT:
            expected = f"a number within ±{_LARGEST_EFFECT:g}"
            problems.append(f"yi of {label} is {y:g}, expected {expected}")
        if not _SMALLEST_VARIANCE <= v <= _LARGEST_VARIANCE:
            expected = f"a variance from {_SMALLEST_VARIANCE:g} to {_LARGEST_VARIANCE:g}"
            problems.append(f"vi of {label} is {v:g}, expected {expected}")
    return problems


def refuse(problems: Sequence[str]) -> None:
    """Raise one :class:`InputError` that lists `problems`, if there are any."""
    if not problems:
        return
    rest = len(problems) - _LISTED
    more = [f"and {rest} more"] if rest > 0 else []
    raise InputError("; ".join([*problems[:_LISTED], *more]))


def _labels(slab: Labels, k: int) -> tuple[str, ...]:
    if slab is None:
        return tuple(f"study {i}" for i in range(1, k + 1))
    labels = tuple(str(label) for label in slab)
    if len(labels) != k:
        message = f"slab must hold one label per study: got {len(labels)} for {k} studies"
        raise InputError(message)
    return labels
