"""Our effects beside those that a Metapsy file brings along (``.g`` and ``.g_se``).

The tools that made such files use other formulas than we do. To tell a difference of formulas
from a difference of data, each effect is computed a second time as those tools do it: the small
sample correction is the approximation ``1 - 3 / (4 N - 9)`` of Hedges (1981), the standard error
of g is that of the uncorrected d, ``sqrt(N / (n_e n_c) + d**2 / 2 N)`` (as documented for the R
package esc), and an odds ratio becomes d by ``sqrt(3) / pi``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care.contrasts import Unusable
from combined_care.effects import correction_factor, smd_variance
from combined_care.foreign.contrast_effects import computed
from combined_care.foreign.delimited import as_numbers

if TYPE_CHECKING:
    from combined_care.contrasts import Numbers, Oriented
    from combined_care.foreign.contrast_effects import Computed

#: The file's own effect and its standard error.
OWN_COLUMNS = (".g", ".g_se")
_COLUMNS = ("lines", "label", "yi", "sei", "yi_as_file", "sei_as_file", "g_file", "g_se_file",
            "sign", "agrees", "why")  # fmt: skip


def against_own(rows: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Compare, contrast by contrast; see ``ForeignData.against_file``."""
    if any(name not in rows for name in OWN_COLUMNS) or rows.empty:
        return pd.DataFrame(columns=list(_COLUMNS))
    own = [as_numbers(rows[name].tolist()).values for name in OWN_COLUMNS]
    found = list(computed(rows, measure="SMD"))
    records = [_record(rows, c, own[0][c.position], own[1][c.position]) for c in found]
    frame = pd.DataFrame(records, columns=["lines", "label", *_COLUMNS[2:8], "why"])
    products = frame["yi"] * frame["g_file"]
    frame["sign"] = np.select([products > 0, products < 0], ["same", "opposite"], "")
    turned = 1 if (frame["sign"] == "same").sum() >= (frame["sign"] == "opposite").sum() else -1
    frame["agrees"] = _close(frame["yi_as_file"] * turned, frame["g_file"], tolerance) & _close(
        frame["sei_as_file"], frame["g_se_file"], tolerance
    )
    compared = frame["why"] == ""
    frame.loc[compared & ~frame["agrees"], "why"] = "the numbers differ"
    if turned == -1:
        frame.loc[frame["agrees"], "why"] = "the file's sign is the opposite throughout"
    return frame[list(_COLUMNS)]


def sign_remark(rows: pd.DataFrame) -> list[str]:
    """Say how the file's own effects are signed, where it has any."""
    signs = against_own(rows, tolerance=1e-6)["sign"]
    same, opposite = int((signs == "same").sum()), int((signs == "opposite").sum())
    if not same + opposite:
        return []
    n = same + opposite
    if same >= opposite:
        rest = f", except in {opposite} of {n} rows" if opposite else ""
        return [f"the file's own .g has our sign (positive favours arm 1){rest}"]
    rest = f" in {opposite} of {n} rows" if same else ""
    return [f"the file's own .g has the opposite sign{rest}: negative favours arm 1 there"]


def _close(ours: pd.Series[float], theirs: pd.Series[float], tolerance: float) -> pd.Series[bool]:
    return (ours - theirs).abs() <= tolerance


def _record(rows: pd.DataFrame, found: Computed, g: float, g_se: float) -> tuple[object, ...]:
    place = (rows["lines"].iloc[found.position], rows["label"].iloc[found.position])
    if isinstance(found.effect, Unusable):
        return (*place, *[np.nan] * 4, g, g_se, f"no effect here: {found.effect.reason}")
    effect = found.effect
    why = "the file has none" if np.isnan(g) or np.isnan(g_se) else ""
    again = _as_file(found.numbers, effect)
    return (*place, effect.yi, float(np.sqrt(effect.vi)), *again, g, g_se, why)


def _as_file(numbers: Numbers, effect: Oriented) -> tuple[float, float]:
    """Return the effect and its standard error by the formulas of the file's tools."""
    if numbers.has("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c"):
        n = numbers.n_e + numbers.n_c
        d = effect.yi / float(correction_factor(n - 2))
        variance = smd_variance(effect.yi, numbers.n_e, numbers.n_c, kind="esc")
        return d * _approximate_correction(n), float(np.sqrt(variance))
    if not numbers.has("events_e", "events_c"):
        return effect.yi, float(np.sqrt(effect.vi))
    people = numbers.n_e + numbers.n_c
    if 0 in (numbers.events_e, numbers.events_c):
        people += 2  # half a person in each of the four cells
    return effect.yi * _approximate_correction(people), float(np.sqrt(effect.vi))


def _approximate_correction(n: float) -> float:
    return 1 - 3 / (4 * n - 9)
