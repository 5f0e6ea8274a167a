"""Read the Metapsy data standard in wide format: one row a contrast of two arms.

The columns are those of the *Metapsy data standard*, page "Data format"
(https://docs.metapsy.org/data-preparation/format/): study design variables, five groups of effect
size data of which a row fills one, and variables with a dot before their name that its tools
computed. Finished files have semicolons and decimal commas; files in use also have commas and
points, an unnamed index column, and ``baseline_mean_arm1`` for ``baseline_m_arm1``.

What the standard leaves to its tools, and the rules here:

- **Precedence.** The standard has one group a row. Where a file fills several, the order is that
  in which the standard lists them: means, changes, events, g, log risk ratio.
- **Direction.** The tools compute arm 1 minus arm 2 and turn the sign only where a column named
  for it says so; when they derive response from means, a lower score is the better one unless
  that column says otherwise (documentation of ``calculateEffectSizes``). So for means, changes
  and a given g, lower is better here, unless `higher_is_better` names the outcome type or the
  instrument. Response, remission and improvement are good events; deterioration, dropout and
  relapse are bad ones; of other events the direction stays open and they give no effect.
"""

from __future__ import annotations

import re
from dataclasses import replace
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
from combined_care.foreign.result_groups import (
    ResultGroup,
    count_whole,
    first_whole,
    ratio_from_log,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from combined_care.foreign.delimited import DelimitedTable
    from combined_care.foreign.foreign_table import ForeignData

REQUIRED = ("study", "condition_arm1", "condition_arm2", "outcome_type")
_ARMS = {"e": "1", "c": "2"}


def _pair(**names: str) -> dict[str, str]:
    """Write ``mean="mean"`` for both arms: ``mean_e`` is in ``mean_arm1``, and so on."""
    return {
        f"{ours}_{arm}": f"{theirs}_arm{number}"
        for arm, number in _ARMS.items()
        for ours, theirs in names.items()
    }


#: The groups of the standard, in its order.
GROUPS = (
    ResultGroup(columns=_pair(mean="mean", sd="sd", n="n"), fixed={"tier": "A"}),
    ResultGroup(
        columns=_pair(mean="mean_change", sd="sd_change", n="n_change"),
        fixed={"tier": "A", "flags": "change score"},
    ),
    ResultGroup(columns=_pair(events="event", n="totaln"), fixed={"tier": "A"}),
    ResultGroup(
        columns={"effect": "precalc_g", "se": "precalc_g_se"},
        also=_pair(n="n"),
        fixed={"tier": "B", "effect_measure": "g"},
    ),
    ResultGroup(
        columns={"effect": "precalc_log_rr", "se": "precalc_log_rr_se"},
        also=_pair(n="totaln"),
        fixed={"tier": "B", "effect_measure": "rr"},
        convert=ratio_from_log,
    ),
)
_RESULTS = tuple(
    dict.fromkeys(name for g in GROUPS for name in (*g.columns.values(), *g.also.values()))
)
_ALSO = {**_pair(baseline_mean="baseline_m", baseline_sd="baseline_sd"), "weeks": "time_weeks"}
_NUMBERS = (*_RESULTS, *_ALSO.values())
_WHOLE = tuple(name for name in _RESULTS if name.startswith(("n_", "event_", "totaln_")))
#: Spellings of columns in public files -> the standard's name.
ALIASES = {f"baseline_mean_arm{n}": f"baseline_m_arm{n}" for n in _ARMS.values()}
#: Columns that become columns of ours; all others are carried along as text.
_CONSUMED = (
    *REQUIRED, *_NUMBERS, "instrument", "rating", "time", "dich", "year", "doi", "diagnosis",
    "country", "full_ref",
)  # fmt: skip

#: Outcome types of results on a scale: all are severity of symptoms.
_ON_A_SCALE = ("msd", "change", "other stat")
_GOOD, _BAD = ("response", "remission", "improvement"), ("deterioration", "dropout", "relapse")
_RATINGS = {"self-report": "self", "sr": "self", "cr": "clinician"}
_POPULATIONS = {
    "adul": "adult", "yadul": "adult", "old": "older_adult", "olderold": "older_adult",
    "child": "child_adolescent", "adol": "child_adolescent",
}  # fmt: skip


def read_metapsy(
    path: str | Path, *, higher_is_better: Mapping[str, int] | int | None = None
) -> ForeignData:
    """Read a file in the Metapsy data standard (wide format).

    Parameters
    ----------
    path : str or pathlib.Path
        The file; separator, decimal marks and words for "not reported" are found in it.
    higher_is_better : mapping of str to int, optional
        Instrument or outcome type -> 1 (higher, or the event, is better) or 0, where the rules of
        :mod:`combined_care.foreign.metapsy` do not fit; one number for all rows.

    Returns
    -------
    ForeignData
        One row a contrast, arm 1 as the experimental arm; positive effects favour it.

    Raises
    ------
    DataError
        If the file cannot be read or lacks a column that every such file has; the nearest name in
        its header is given.
    InputError
        If `higher_is_better` has a value other than 0 and 1, or names what the file does not have.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> table = pd.DataFrame({
    ...     "study": ["Alder, 2001", "Birch, 2003"], "condition_arm1": "cbt + ssri",
    ...     "condition_arm2": "ssri", "outcome_type": "msd", "instrument": "hdrs-17",
    ...     "mean_arm1": [8.5, 9.0], "sd_arm1": [4.2, None], "n_arm1": [25, 20],
    ...     "mean_arm2": [10.8, 11.0], "sd_arm2": [4.5, None], "n_arm2": [24, 20]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "trials.csv"
    ...     table.to_csv(file, index=False)
    ...     found = read_metapsy(file)
    >>> print(found)
    trials.csv (metapsy): 2 rows give 1 usable contrast of 1 trial; 1 row not used
    >>> found.effects()[["trial_id", "measure", "yi"]].round(2)
        trial_id measure    yi
    0  alder2001     SMD  0.52
    >>> print(*found.unused["reason"])
    mean_arm1, n_arm1, mean_arm2, n_arm2 without sd_arm1, sd_arm2
    """
    as_it_stood = read_delimited(path)
    table = _standard_names(as_it_stood)
    require_columns(table, REQUIRED, "a file in the Metapsy data standard")
    directions = Directions.of(higher_is_better)
    directions.check(table.cells[c] for c in ("instrument", "outcome_type") if c in table.cells)
    return assembled(as_it_stood, _Reading(table, directions).findings(), "metapsy")


def _standard_names(table: DelimitedTable) -> DelimitedTable:
    """Rename columns to the standard's spelling; two that would become one are left alone."""
    spelling = {name.casefold(): name for name in _CONSUMED} | ALIASES
    new = {name: spelling.get(name.casefold(), name) for name in table.cells.columns}
    names = list(new.values())
    once = {old: name for old, name in new.items() if names.count(name) == 1}
    return replace(table, cells=table.cells.rename(columns=once))


class _Reading:
    """One pass over the rows of one file."""

    def __init__(self, table: DelimitedTable, directions: Directions) -> None:
        self.table = table
        self.directions = directions
        self.cells = [
            {str(name): str(cell) for name, cell in one.items()}
            for one in table.cells.to_dict("records")
        ]
        self.typed = TypedColumns.of(table, _NUMBERS, _WHOLE)
        self.further = [name for name in table.cells.columns if name not in _CONSUMED]

    def findings(self) -> Findings:
        found = Findings(problems=self.typed.problems())
        for index, cells in enumerate(self.cells):
            self._row(index, cells, found)
        return found

    def _row(self, index: int, cells: Mapping[str, str], found: Findings) -> None:
        word = {name: known_text(value) for name, value in cells.items()}
        values, line = self.typed.values(index), int(self.table.lines[index])
        result, reasons = first_whole(GROUPS, values, self.typed.wrong(index))
        if result:
            result |= directed(result, self._better(word, result))
            reasons = _gaps(word, result)
        if reasons:
            found.unused.append((line, word["study"], "; ".join(reasons)))
            return
        if count_whole(GROUPS, values) > 1:
            found.remarks.append(
                f"line {line} reports its result in several ways; the first in the order of the "
                "standard is used"
            )
        place = {"lines": str(line), "source_note": f"line {line} of {self.table.path.name}"}
        numbers = {ours: values.get(theirs, np.nan) for ours, theirs in _ALSO.items()}
        described = _described(word, result)
        found.contrasts.append({"derived": 0.0, **place, **numbers, **described, **result})
        found.own.append({name: word[name] for name in self.further})

    def _better(self, word: Mapping[str, str], result: Mapping[str, float | str]) -> float:
        """Answer whether higher is better: as the caller says, else by the rules of the module."""
        kind = word["outcome_type"].casefold()
        said = self.directions.answer(word.get("instrument", ""), kind)
        if not np.isnan(said) or _is_on_scale(result):
            return 0.0 if np.isnan(said) else said
        return 1.0 if kind in _GOOD else 0.0 if kind in _BAD else float("nan")


def _is_on_scale(result: Mapping[str, float | str]) -> bool:
    return "mean_e" in result or result.get("effect_measure") == "g"


def _gaps(word: Mapping[str, str], result: Mapping[str, float | str]) -> list[str]:
    """Say what else a contrast needs: a study, and the direction of a reported effect."""
    gaps = [] if word["study"] else ["study is empty"]
    if "effect" in result and "favours_experimental_when" not in result:
        gaps.append(
            f"whether the event {word['outcome_type']!r} is good is not known "
            "(higher_is_better can say it)"
        )
    return gaps


def _described(word: Mapping[str, str], result: Mapping[str, float | str]) -> dict[str, str]:
    """Translate the words of the standard; what it leaves open stays as the file has it."""
    kind, rating, age = word["outcome_type"], word.get("rating", ""), word.get("age_group", "")
    plain = kind.casefold()
    is_severity = _is_on_scale(result) and plain in _ON_A_SCALE
    return {
        "label": word["study"],
        "year": word.get("year", ""),
        "experimental": word["condition_arm1"],
        "comparator": word["condition_arm2"],
        "treatment_e": word["condition_arm1"],
        "treatment_c": word["condition_arm2"],
        "outcome": "severity" if is_severity else plain if plain in (*_GOOD, *_BAD) else kind,
        "outcome_detail": "; ".join(filter(None, (kind, word.get("dich", "")))),
        "instrument": word.get("instrument", ""),
        "rating": _RATINGS.get(rating.casefold(), rating),
        "phase": _phase(word.get("time", "")),
        "analysis_set": "itt" if word.get("itt") == "1" else "unclear",
        "doi": word.get("doi", ""),
        "diagnosis": word.get("diagnosis", ""),
        "population": _POPULATIONS.get(age, age),
        "country": word.get("country", ""),
        "setting": word.get("recruitment", ""),
        "notes": word.get("full_ref", ""),
    }


def _phase(time: str) -> str:
    """Translate ``post`` and ``fu``, ``fu1``, ``follow-up`` ...; other words stay."""
    plain = time.casefold().replace("-", "").replace(" ", "")
    if plain == "post":
        return "acute"
    return "followup" if re.fullmatch(r"(fu|followup)\d*", plain) else time
