"""What a synthesis cannot say and why, and what a reader must know before leaning on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from combined_care.pooling import COLUMNS
from combined_care.results import Absent, FloatArray, Number, is_present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.inference import Inference, PiDf

_ONE = Absent("one study: nothing to pool")
_FEW = Absent("not estimable from fewer than 3 trials")
_EQUAL = Absent("the equal-effects model has no variation of true effects")
AGREE = Absent("all effects agree exactly, so that the Knapp-Hartung standard error is 0")


def present(found: dict[str, float], method: str) -> dict[str, Number]:
    """Replace every nan by its absence with the reason."""
    names = [name for name in COLUMNS if name not in {"k", "estimate"}]
    return {n: _absence(n, found["k"], method) if np.isnan(found[n]) else found[n] for n in names}


def _absence(name: str, k: float, method: str) -> Absent:
    if k == 1:
        return _ONE
    if method == "EE" and (name.startswith("pi_") or "_ci_" in name):
        return _EQUAL
    if name.startswith("pi_") and k < 3:
        return _FEW
    return AGREE


def reasons(columns: dict[str, FloatArray], method: str) -> pd.Categorical:
    """Say for each row of a table why numbers are missing, in the order of importance."""
    equal = np.full(columns["k"].shape, method == "EE")
    cases = {
        _ONE: columns["k"] == 1,
        AGREE: (columns["k"] > 1) & np.isnan(columns["ci_lb"]),
        _EQUAL: equal,
        _FEW: columns["k"] == 2,
    }
    codes = np.select(list(cases.values()), range(1, len(cases) + 1), default=0)
    words = pd.Index(["", *(case.reason for case in cases)])
    return cast("pd.Categorical", pd.Categorical.from_codes(codes, categories=words))


def notes(found: dict[str, float], inferences: tuple[Inference, ...], pi_df: PiDf) -> Iterator[str]:
    """Yield what a reader must know before leaning on the numbers."""
    if found["k"] == 1:
        yield "one study: its own normal interval is shown and nothing is pooled"
        return
    if found["k"] == 2:
        yield "two studies: tau2, its interval and Knapp-Hartung rest on one degree of freedom"
    if found["is_null"] == 1.0:
        yield (
            "the tau2 interval is the null set, shown as [0, 0]: the effects agree more closely "
            "than their sampling variances lead one to expect"
        )
    elif found["tau2"] < found["tau2_ci_lb"] or found["tau2"] > found["tau2_ci_ub"]:
        yield "the tau2 estimate lies outside its Q-profile interval"
    if found["modes"] > 1.0:
        yield "the likelihood of tau2 has more than one maximum; the highest is reported"
    yield from _interval_notes(found, inferences, pi_df)


def _interval_notes(
    found: dict[str, float], inferences: tuple[Inference, ...], pi_df: PiDf
) -> Iterator[str]:
    wald, hartung, _ = inferences
    if not is_present(hartung.ci_lb):
        yield "the effects agree exactly: Knapp-Hartung gives no interval, see the other tests"
    elif _width(hartung) < _width(wald):
        yield (
            "the Knapp-Hartung interval is narrower than the normal one; "
            "see knha-conservative beside it"
        )
    if found["tau2"] == 0.0 and not np.isnan(found["pi_lb"]) and pi_df == "k-1":
        yield "tau2 is estimated as 0, so that the prediction interval shows no variation"


def _width(found: Inference) -> float:
    return float(found.ci_ub) - float(found.ci_lb)  # type: ignore[arg-type]
