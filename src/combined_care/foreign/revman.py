"""Read the study data that RevMan exports: the data rows of all analyses of a Cochrane review.

RevMan Web and the Cochrane Library give a *data package* (a zip folder); the file is
``…-data-rows.csv`` in its folder of analysis data. Its header is described in Cochrane's "Data
package specification" (https://documentation.cochrane.org/revman-kb/, pages "Data package
specification" and "Previous version: version 1 data package"): Analysis group, Analysis number,
Analysis name, Subgroup, Applicability, Study, Study year, GIV Mean, GIV SE, Experimental mean,
Experimental SD, Experimental cases, Experimental N, Control mean, Control SD, Control cases,
Control N, O-E, Variance, Weight, Mean, CI start, CI end, Footnotes; version 1 has fewer.

A row fills one group: means, cases, ``GIV Mean`` with ``GIV SE`` (on the log scale for ratios),
or ``O-E`` with ``Variance``. Which ratio or difference a GIV row is, and what the arms were, stands
only in ``…-overall-estimates-and-settings.csv``; which side is good stands in neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from combined_care.foreign.assembly import Findings, assembled
from combined_care.foreign.delimited import (
    TypedColumns,
    known_text,
    read_delimited,
    require_columns,
)
from combined_care.foreign.directions import Directions, directed
from combined_care.foreign.result_groups import ResultGroup, first_whole, ratio_from_log

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

    from combined_care.foreign.delimited import DelimitedTable
    from combined_care.foreign.foreign_table import ForeignData

REQUIRED = ("Analysis group", "Analysis number", "Study")
_SETTINGS = ("Analysis group", "Analysis number", "Effect measure")
_ARMS = {"e": "Experimental", "c": "Control"}


def _pair(**names: str) -> dict[str, str]:
    return {
        f"{ours}_{arm}": f"{side} {theirs}"
        for arm, side in _ARMS.items()
        for ours, theirs in names.items()
    }


_PEOPLE = _pair(n="N")
MEANS = ResultGroup(columns=_pair(mean="mean", sd="SD", n="N"), fixed={"tier": "A"})
CASES = ResultGroup(columns=_pair(events="cases", n="N"), fixed={"tier": "A"})
_NUMBERS = tuple(
    dict.fromkeys(
        (*MEANS.columns.values(), *CASES.columns.values(), "GIV Mean", "GIV SE", "O-E", "Variance")
    )
)
_WHOLE = tuple(name for name in _NUMBERS if name.endswith((" N", " cases")))
_CONSUMED = (*REQUIRED, "Analysis name", "Study year", *_NUMBERS)

#: Effect measure in the settings -> ``effect_measure`` of our outcome table.
_MEASURES = {
    "odds ratio": "or", "peto odds ratio": "or", "risk ratio": "rr", "hazard ratio": "hr",
    "mean difference": "md", "std. mean difference": "smd", "standardised mean difference": "smd",
    "standardized mean difference": "smd",
}  # fmt: skip
_RATIOS = ("or", "rr", "hr")


def read_revman(
    path: str | Path,
    settings: str | Path | None = None,
    *,
    higher_is_better: Mapping[str, int] | int | None = None,
) -> ForeignData:
    """Read the data rows of a Cochrane review's analyses, as RevMan exports them.

    Parameters
    ----------
    path : str or pathlib.Path
        The file of data rows.
    settings : str or pathlib.Path, optional
        The file of overall estimates and settings of the same package: it names the effect
        measure of generic inverse variance rows, without which they cannot be used, and the arms.
    higher_is_better : mapping of str to int, optional
        Analysis (its name, or group and number as ``"1.2"``) -> 1 or 0; one number for all.
        RevMan does not record it; without it a contrast of arms gives no signed effect, and a
        given effect cannot be used.

    Returns
    -------
    ForeignData
        One row a study and analysis; ``outcome`` is the name of the analysis.

    Raises
    ------
    DataError
        If a file cannot be read or lacks a column that every such file has; the nearest name in
        its header is given.
    InputError
        If `higher_is_better` has a value other than 0 and 1, or names what the file does not have.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> table = pd.DataFrame({
    ...     "Analysis group": 1, "Analysis number": 1, "Analysis name": "Response",
    ...     "Study": ["Alder 2001", "Birch 2003"], "Experimental cases": [15, 12],
    ...     "Experimental N": [28, 20], "Control cases": [6, 10], "Control N": [28, 21]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "data-rows.csv"
    ...     table.to_csv(file, index=False)
    ...     found = read_revman(file, higher_is_better={"Response": 1})
    >>> print(found)
    data-rows.csv (revman): 2 rows give 2 usable contrasts of 2 trials; 0 rows not used
    >>> found.effects()[["label", "measure", "yi"]].round(2)
            label measure    yi
    0  Alder 2001      OR  1.44
    1  Birch 2003      OR  0.50
    """
    table = read_delimited(path)
    require_columns(table, REQUIRED, "a RevMan file of data rows")
    directions = Directions.of(higher_is_better)
    reading = _Reading(table, _read_settings(settings), directions)
    directions.check([reading.names, reading.numbers])
    return assembled(table, reading.findings(), "revman")


def _read_settings(path: str | Path | None) -> dict[tuple[str, str], dict[str, str]]:
    """Return the settings by analysis group and number; nothing without a file."""
    if path is None:
        return {}
    table = read_delimited(path)
    require_columns(table, _SETTINGS, "a RevMan file of settings")
    records = [_texts(one) for one in table.cells.to_dict("records")]
    return {(one["Analysis group"], one["Analysis number"]): one for one in records}


def _texts(cells: Mapping[Hashable, object]) -> dict[str, str]:
    return {str(name): known_text(str(cell)) for name, cell in cells.items()}


class _Reading:
    """One pass over the rows of one file."""

    def __init__(
        self,
        table: DelimitedTable,
        settings: Mapping[tuple[str, str], Mapping[str, str]],
        directions: Directions,
    ) -> None:
        self.table = table
        self.settings = settings
        self.directions = directions
        self.cells = [_texts(one) for one in table.cells.to_dict("records")]
        self.numbers = [f"{c['Analysis group']}.{c['Analysis number']}" for c in self.cells]
        self.names = [c.get("Analysis name", "") for c in self.cells]
        self.typed = TypedColumns.of(table, _NUMBERS, _WHOLE)
        self.further = [str(name) for name in table.cells.columns if name not in _CONSUMED]

    def findings(self) -> Findings:
        found = Findings(problems=self.typed.problems())
        for index in range(len(self.cells)):
            self._row(index, found)
        return found

    def _row(self, index: int, found: Findings) -> None:
        cells, line = self.cells[index], int(self.table.lines[index])
        chosen = self.settings.get((cells["Analysis group"], cells["Analysis number"]), {})
        groups = _groups(_MEASURES.get(chosen.get("Effect measure", "").casefold(), ""))
        result, reasons = first_whole(groups, self.typed.values(index), self.typed.wrong(index))
        if result:
            result |= directed(
                result, self.directions.answer(self.numbers[index], self.names[index])
            )
            reasons = _gaps(cells, result, chosen)
        if reasons:
            found.unused.append((line, cells["Study"], "; ".join(reasons)))
            return
        place = {"lines": str(line), "source_note": f"line {line} of {self.table.path.name}"}
        described = self._described(index, chosen)
        found.contrasts.append({"derived": 0.0, **place, **described, **result})
        found.own.append({name: cells[name] for name in self.further})

    def _described(self, index: int, chosen: Mapping[str, str]) -> dict[str, str]:
        cells = self.cells[index]
        arms = {
            ours: chosen.get(f"{side} intervention", "") or chosen.get(f"{side} group label", "")
            for ours, side in (("experimental", "Experimental"), ("comparator", "Control"))
        }
        group = chosen.get("Analysis group name", "")
        name = self.names[index] or f"analysis {self.numbers[index]}"
        return {
            "label": cells["Study"],
            "year": cells.get("Study year", ""),
            "experimental": arms["experimental"] or "experimental",
            "comparator": arms["comparator"] or "control",
            "treatment_e": arms["experimental"],
            "treatment_c": arms["comparator"],
            "outcome": chosen.get("Outcome", "") or name,
            "outcome_detail": "; ".join(filter(None, (group, name, cells.get("Subgroup", "")))),
            "analysis_set": "unclear",
        }


def _groups(measure: str) -> tuple[ResultGroup, ...]:
    """Return the groups that a row may fill, in the order in which they are looked for.

    Rows with O-E and Variance also give cases, which know less: they come after, except where the
    settings do not say what ratio it is.
    """
    fixed = {"tier": "B", "effect_measure": measure}
    given = ResultGroup(
        columns={"effect": "GIV Mean", "se": "GIV SE"},
        also=_PEOPLE,
        fixed=fixed,
        convert=ratio_from_log if measure in _RATIOS else None,
    )
    observed = ResultGroup(
        columns={"effect": "O-E", "se": "Variance"}, also=_PEOPLE, fixed=fixed, convert=_peto
    )
    if measure in _RATIOS:
        return MEANS, observed, CASES, given
    return MEANS, CASES, observed, given


def _peto(cells: dict[str, float]) -> dict[str, float]:
    """Turn observed minus expected events O-E and its variance V into a ratio.

    The log of the ratio is (O-E) / V, with the variance 1 / V (Yusuf et al. 1985, Progress in
    Cardiovascular Diseases 27:335-371).
    """
    log_ratio, variance = cells["effect"] / cells["se"], 1 / cells["se"]
    made = {"effect": float(np.exp(log_ratio)), "se": float(np.sqrt(variance)), "derived": 1.0}
    return cells | made


def _gaps(
    cells: Mapping[str, str], result: Mapping[str, float | str], chosen: Mapping[str, str]
) -> list[str]:
    """Say what else a contrast needs: a study; of a given effect, its measure and direction."""
    gaps = [] if cells["Study"] else ["Study is empty"]
    if "effect" not in result:
        return gaps
    if not result["effect_measure"]:
        named = chosen.get("Effect measure", "")
        gaps.append(
            f"the effect measure {named!r} is none of {', '.join(dict.fromkeys(_MEASURES))}"
            if named
            else "the effect measure stands only in the file of settings, which was not given"
        )
    if "favours_experimental_when" not in result:
        gaps.append("which side of the effect is good is not known (higher_is_better can say it)")
    return gaps
