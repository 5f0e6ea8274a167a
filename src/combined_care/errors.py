"""Errors and warnings of the package: what was needed, what was found, what to do."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CombinedCareError(Exception):
    """Base of every error that a user of the package may want to catch."""


class DataError(CombinedCareError, ValueError):
    """The data cannot be used as they are."""


class InputError(CombinedCareError, ValueError):
    """An argument has a value that the function cannot work with."""


class ConvergenceError(CombinedCareError, RuntimeError):
    """An estimate was not found; the message names the data set and the estimator."""


class SmallSampleWarning(UserWarning):
    """A result rests on so little that its nominal properties do not hold."""


def known(name: str, values: Iterable[object], valid: Iterable[object]) -> None:
    """Raise one error that names every value that is not valid, and the nearest that is.

    Parameters
    ----------
    name : str
        What the values are, for the message.
    values : iterable
        Values to check, as text.
    valid : iterable
        Values that are allowed.

    Raises
    ------
    InputError
        If a value is not allowed.

    Examples
    --------
    >>> known("diagnosis", ["panik"], ["panic", "ocd"])
    Traceback (most recent call last):
    combined_care.errors.InputError: unknown diagnosis: 'panik' (did you mean 'panic'?); ...
    """
    allowed = sorted({str(value) for value in valid})
    parts = []
    for value in values:
        if str(value) not in allowed:
            near = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.5)
            parts.append(f"{value!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    if parts:
        message = f"unknown {name}: {', '.join(parts)}; known are {', '.join(allowed)}"
        raise InputError(message)
