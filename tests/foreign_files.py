"""Small files of invented trials in the formats of others, written in every dialect they use."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from combined_care.effects import correction_factor, hedges_g, smd_variance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

#: How the cells of a row are written: separator, decimal mark, word for "not reported".
POINT = (",", ".", "")
COMMA = (";", ",", "NA")

_METAPSY = {
    "study": "", "condition_arm1": "cbt + ssri", "condition_arm2": "ssri", "multi_arm1": None,
    "multi_arm2": None, "outcome_type": "msd", "instrument": "hdrs-17", "time": "post",
    "time_weeks": 12, "rating": "clinician",
    **dict.fromkeys(
        f"{name}_arm{arm}"
        for name in ("mean", "sd", "n", "mean_change", "sd_change", "n_change", "event", "totaln",
                     "baseline_m", "baseline_sd")
        for arm in (1, 2)
    ),
    "precalc_g": None, "precalc_g_se": None, "precalc_log_rr": None, "precalc_log_rr_se": None,
    "dich": None, "year": 2001, "country": "eu", "age_group": "adul", "diagnosis": "mdd",
    "itt": 1, "rob": 3,
}  # fmt: skip


def metapsy(study: str, **changes: Any) -> dict[str, Any]:
    """One row of the Metapsy standard; unknown columns are added at the end."""
    return {**_METAPSY, "study": study, **changes}


def means(study: str, one: Sequence[float], two: Sequence[float], **changes: Any) -> dict[str, Any]:
    """A row with mean, SD and n of both arms."""
    numbers = {
        f"{name}_arm{arm}": value
        for arm, values in ((1, one), (2, two))
        for name, value in zip(("mean", "sd", "n"), values, strict=True)
    }
    return metapsy(study, **numbers, **changes)


def own_g(row: Mapping[str, Any], sign: float = 1.0) -> dict[str, Any]:
    """Add the file's own effect, by the formulas of the tools that make such files."""
    numbers = [row[f"{name}_arm{arm}"] for arm in (1, 2) for name in ("mean", "sd", "n")]
    g = float(hedges_g(*numbers).yi)
    n_e, n_c = numbers[2], numbers[5]
    d = g / float(correction_factor(n_e + n_c - 2))
    se = float(smd_variance(g, n_e, n_c, kind="esc")) ** 0.5
    return {**row, ".g": sign * d * (1 - 3 / (4 * (n_e + n_c) - 9)), ".g_se": se}


#: One row of each group that the standard knows, of four trials.
ROWS = [
    means("Alder, 2001", (8.5, 4.25, 25), (10.75, 4.5, 24), baseline_m_arm1=21.5),
    metapsy("Birch, 2003", outcome_type="change", mean_change_arm1=-9.92, sd_change_arm1=6.7,
            n_change_arm1=12, mean_change_arm2=0.46, sd_change_arm2=3.8, n_change_arm2=12,
            year=2003),
    metapsy("Birch, 2003", outcome_type="response", event_arm1=15, totaln_arm1=28, event_arm2=6,
            totaln_arm2=28, instrument="bdi", rating="self-report", year=2003),
    metapsy("Cedar, 2005", outcome_type="other stat", precalc_g=-0.66, precalc_g_se=0.25,
            year=2005),
    metapsy("Dogwood, 2007", outcome_type="response", precalc_log_rr=0.35, precalc_log_rr_se=0.14,
            time="fu1", time_weeks=3.5, year=2007),
]  # fmt: skip


def write(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    dialect: tuple[str, str, str] = POINT,
    *,
    index: bool = False,
) -> Path:
    """Write rows, as `dialect` has them, with or without an index column that has no name."""
    separator, mark, missing = dialect
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow([""] * index + columns)
    for number, row in enumerate(rows, start=1):
        cells = [_cell(row.get(name), mark, missing) for name in columns]
        writer.writerow([number] * index + cells)
    path.write_bytes(text.getvalue().encode("utf-8"))
    return path


def _cell(value: Any, mark: str, missing: str) -> str:
    if value is None:
        return missing
    return str(value).replace(".", mark) if isinstance(value, float) else str(value)
