"""Random data sets side by side, for tests that compare batch code with single fits."""

from __future__ import annotations

import numpy as np


def many_sets(n, width, seed, *, present=0.8, small_study=0.6):
    """Return yi, vi of shape (n, width) with infinite variance where a trial is absent, and where.

    The first four trials are always there; small trials tend to show larger effects.
    """
    rng = np.random.default_rng(seed)
    v = 10.0 ** rng.uniform(-2.0, -0.3, (n, width))
    y = rng.normal(0.3, np.sqrt(v + 0.1 * rng.random((n, 1))))
    y += small_study * np.sqrt(v) * rng.random((n, 1))
    here = rng.random((n, width)) < present
    here[:, :4] = True
    return np.where(here, y, 0.0), np.where(here, v, np.inf), here
