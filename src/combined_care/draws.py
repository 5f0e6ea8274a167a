"""Pseudo-random numbers that are the same on every machine and under every version of numpy."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def draws(key: str, n: int) -> npt.NDArray[np.uint64]:
    """Return n numbers of 64 random bits that depend on `key` alone.

    The generator is SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195), started at
    a hash of the key.

    Examples
    --------
    >>> draws("a", 2).tolist() == draws("a", 3)[:2].tolist()
    True
    """
    start = np.uint64(int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little"))
    x = start + _STEP * np.arange(1, n + 1, dtype=np.uint64)
    for shift, factor in _MIX:
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(x ^ (x >> np.uint64(31)))


def permutation(key: str, n: int) -> npt.NDArray[np.intp]:
    """Return the numbers 0 to n - 1 in an order that depends on `key` alone."""
    return np.argsort(draws(key, n), kind="stable")
