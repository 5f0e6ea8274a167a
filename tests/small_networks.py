"""Networks of our own making, for the tests of network meta-analysis."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st

#: One trial: treatment -> (effect of the arm, its variance).
Arms = dict[str, tuple[float, float]]

NAMES = "abcde"


def pairs(trials: dict[str, Arms]) -> dict[str, list[Any]]:
    """All pairwise comparisons of the arms of each trial, as the analyses take them."""
    columns: dict[str, list[Any]] = {n: [] for n in ("treat1", "treat2", "yi", "vi", "study")}
    for study, arms in trials.items():
        for a, b in combinations(arms, 2):
            (y1, v1), (y2, v2) = arms[a], arms[b]
            row = (a, b, y1 - y2, v1 + v2, study)
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    return columns


def reordered(columns: dict[str, list[Any]], order: list[int], turned: set[int]):
    """The same comparisons in another order, some of them the other way round."""
    rows = [[columns[name][i] for name in columns] for i in order]
    for place, (a, b, y, v, study) in enumerate(rows):
        if order[place] in turned:
            rows[place] = [b, a, -y, v, study]
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))


@st.composite
def connected(draw, sizes=(2, 3, 4), least=4, most=12):
    """Trials of two to four arms among five treatments; the first four trials connect them."""
    number = st.floats(-1.0, 1.0).map(lambda x: round(x, 3))
    variance = st.floats(0.01, 0.3).map(lambda x: round(x, 3))
    trials: dict[str, Arms] = {}
    for i in range(draw(st.integers(least, most))):
        size = draw(st.sampled_from(sizes))
        arms = NAMES[i : i + 2] if i < 4 else draw(st.permutations(NAMES))[:size]
        trials[f"trial {i}"] = {arm: (draw(number), draw(variance)) for arm in arms}
    return trials


def tight(found, expected, rtol=1e-6, atol=1e-7):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)
