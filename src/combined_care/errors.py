"""Errors and warnings of the package: what was needed, what was found, what to do."""

from __future__ import annotations


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
