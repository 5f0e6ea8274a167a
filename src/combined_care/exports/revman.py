"""Study data of an analysis as RevMan writes and knows them: arms where there are any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
import pandas as pd

from combined_care.contrasts import Numbers, Oriented, oriented_effect
from combined_care.errors import InputError
from combined_care.exports.cells import as_cells, cell, sheet_csv
from combined_care.results import Result
from combined_care.scales import RATIO_NAMES, natural
from combined_care.selection import Candidate, merge_arms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from combined_care.evidence import Evidence

Side = Literal["higher", "lower"]
DataType = Literal["Continuous", "Dichotomous", "Contrast level"]

#: Header of the file of data rows of a Cochrane data package.
COLUMNS = (
    *("Analysis group", "Analysis number", "Analysis name", "Subgroup", "Applicability"),
    *("Study", "Study year", "GIV Mean", "GIV SE"),
    *("Experimental mean", "Experimental SD", "Experimental cases", "Experimental N"),
    *("Control mean", "Control SD", "Control cases", "Control N"),
    *("O-E", "Variance", "Weight", "Mean", "CI start", "CI end", "Footnotes"),
)
#: Header of the file of settings: the parts of it that say how the rows are to be read.
SETTINGS = (
    *("Analysis group", "Analysis number", "Analysis name", "Data type", "Log-scale data"),
    *("Experimental group label", "Control group label", "Effect measure"),
)
_MEASURES = {
    "SMD": "Std. Mean Difference",
    "MD": "Mean Difference",
    "OR": "Odds Ratio",
    "RR": "Risk Ratio",
    "RD": "Risk Difference",
    "HR": "Hazard Ratio",
}
_MEANS = ("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c")
_EVENTS = ("events_e", "n_e", "events_c", "n_c")
_CONTINUOUS, _DICHOTOMOUS = ("SMD", "MD"), ("OR", "RR", "RD")
#: Two ways to the same effect agree within rounding.
_SAME = 1e-9
_OWN_VARIANCE = (
    "RevMan computes the variance of a standardised mean difference by a formula of its own, so "
    "that its weights can differ a little; GIV Mean and GIV SE hold the numbers used here"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class RevManTable(Result):
    """The rows of an analysis in the columns of RevMan.

    Attributes
    ----------
    name, measure : str
        Name of the analysis and its measure (``SMD``, ``OR`` ...).
    comparator : str
        The control arm, for readers.
    data_type : {"Continuous", "Dichotomous", "Contrast level"}
        The kind of RevMan analysis that takes every row: arms where all rows have them, else the
        generic inverse variance.
    favours_experimental_when : {"higher", "lower"}
        Which side of the effects in the file favours the experimental arm: that of most rows, so
        that as few numbers as possible are turned.
    rows : pandas.DataFrame
        One row an effect, with the columns :data:`COLUMNS`.
    as_effect : tuple of (str, str)
        Rows that have an effect with its standard error only: study, and why.
    turned : tuple of str
        Studies whose arms were turned to the side of the others.
    limits : tuple of str
        What the file cannot express.
    """

    caption: ClassVar[str] = "Study data for RevMan"

    name: str
    measure: str
    comparator: str
    data_type: DataType
    favours_experimental_when: Side
    rows: pd.DataFrame
    as_effect: tuple[tuple[str, str], ...]
    turned: tuple[str, ...]
    limits: tuple[str, ...]

    def __str__(self) -> str:
        only = f"{len(self.as_effect)} of them as an effect with its standard error only"
        return (
            f"{len(self.rows)} rows for a RevMan analysis of the type {self.data_type} "
            f"({self.measure}; {self.favours_experimental_when} favours the experimental arm), "
            f"{only if self.as_effect else 'all of them with both arms'}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the rows."""
        return self.rows

    def csv(self) -> str:
        """Return the file; text that a spreadsheet would take for a formula is guarded."""
        return sheet_csv(self.rows)

    def settings_csv(self) -> str:
        """Return the file of settings that tells how the rows are to be read."""
        is_log = "TRUE" if self.measure in RATIO_NAMES else "FALSE"
        row = (
            *(1, 1, self.name, self.data_type, is_log),
            *("Experimental", self.comparator, _MEASURES[self.measure]),
        )
        return sheet_csv(as_cells([row], SETTINGS))


@dataclass(frozen=True, slots=True)
class _Row:
    """One effect with the numbers of its arms, or the reason why it has none to show."""

    effect: Any
    arms: Numbers | None
    reason: str

    @property
    def side(self) -> Side | None:
        """The side that favours the experimental arm as the arms are reported."""
        if self.arms is None:
            return None
        return "higher" if self.arms.higher_is_better == 1 else "lower"


def to_revman(effects: pd.DataFrame, evidence: Evidence, *, name: str = "Analysis") -> RevManTable:
    """Lay out the effects of an analysis as study data for RevMan.

    Parameters
    ----------
    effects : pandas.DataFrame
        Effects of one measure, from :meth:`combined_care.evidence.Evidence.effects`.
    evidence : Evidence
        Where they come from; gives the numbers of the arms.
    name : str
        Name of the analysis.

    Returns
    -------
    RevManTable
        One row an effect. ``GIV Mean`` and ``GIV SE`` are always filled (logs for ratios), with
        the numbers pooled here; means, standard deviations, events and people of both arms
        wherever the effect was computed from them. Effects are experimental against control in
        the direction of the scale, as RevMan has them: see ``favours_experimental_when``.

    Raises
    ------
    InputError
        If there is no effect, or effects of several measures.

    Notes
    -----
    The columns are those of ``data-rows.csv`` (and, for the settings, of
    ``overall-estimates-and-settings.csv``) in a Cochrane data package
    (https://documentation.cochrane.org/revman-kb/data-package-specification-249561249.html), in
    which RevMan exports analyses and other programs read them. The template by which RevMan
    *imports* study results has one row an arm and names that depend on the review; its header is
    only to be had from within RevMan, so the columns have to be matched there. References come
    first (:func:`combined_care.exports.references.to_ris`).

    Scales that run against the others have their means multiplied by -1 (Cochrane Handbook for
    Systematic Reviews of Interventions, section 6.5.1.2); an odds ratio or risk difference of the
    opposite event counts those without it. A risk ratio cannot be turned that way and stays an
    effect.

    Examples
    --------
    >>> import combined_care as cc
    >>> evidence = cc.load_evidence()
    >>> effects = evidence.effects("efficacy", "pharmacotherapy", "ocd")
    >>> table = to_revman(effects, evidence, name="Symptoms")
    >>> print("Made:", table)
    Made: ... rows for a RevMan analysis of the type ... (SMD; ... favours the experimental arm)...
    >>> len(table.rows) == len(effects)
    True
    """
    measure = _measure_of(effects)
    ids = {row_id for used in effects["row_ids"] for row_id in used}
    table = evidence.contrasts[evidence.contrasts["row_id"].isin(ids)]
    rows = {row.row_id: row for row in table.itertuples(index=False)}
    found = [_row(effect, rows, evidence) for effect in effects.itertuples(index=False)]
    side = _side(found)
    cells = [_laid_out(row, side, measure, name) for row in found]
    reasons = [(row, _only_effect(row, side, measure)) for row in found]
    whole = not any(reason for _, reason in reasons)
    return RevManTable(
        name=name,
        measure=measure,
        comparator=" or ".join(evidence.name(word) for word in sorted(set(effects["comparator"]))),
        data_type=_type_of(measure) if whole else "Contrast level",
        favours_experimental_when=side,
        rows=as_cells(cells, COLUMNS).map(_plain),
        as_effect=tuple((str(row.effect.label), why) for row, why in reasons if why),
        turned=tuple(
            str(row.effect.label)
            for row, why in reasons
            if not why and row.side not in (None, side)
        ),
        limits=tuple(_limits(found, reasons, measure)),
    )


def _measure_of(effects: pd.DataFrame) -> str:
    measures = sorted(set(effects["measure"]))
    if len(measures) != 1:
        given = ", ".join(measures) or "no effect"
        message = f"a RevMan analysis takes effects of one measure; given: {given}"
        raise InputError(message)
    return str(measures[0])


def _type_of(measure: str) -> DataType:
    if measure in _CONTINUOUS:
        return "Continuous"
    return "Dichotomous" if measure in _DICHOTOMOUS else "Contrast level"


def _row(effect: Any, rows: Mapping[Any, Any], evidence: Evidence) -> _Row:
    found = _arms(effect, rows, evidence)
    return _Row(effect, None, found) if isinstance(found, str) else _Row(effect, found, "")


def _arms(effect: Any, rows: Mapping[Any, Any], evidence: Evidence) -> Numbers | str:
    """Return the numbers of both arms, or why the effect does not come from any."""
    if effect.how == "averaged":
        return "mean of several results on the same people"
    if effect.converted:
        return "converted from an odds ratio"
    if effect.tier == "C":
        return "percentages, with arm sizes that are assumed"
    numbers = _numbers(effect, [rows[row_id] for row_id in effect.row_ids], evidence)
    needed = _MEANS if effect.measure in _CONTINUOUS else _EVENTS
    if (
        numbers is None
        or not numbers.has(*needed)
        or effect.measure
        not in (
            *_CONTINUOUS,
            *_DICHOTOMOUS,
        )
    ):
        return "only a reported effect"
    again = oriented_effect(numbers, effect.measure)
    if not isinstance(again, Oriented) or abs(again.yi - effect.yi) > _SAME * max(1, abs(again.yi)):
        return "the numbers of the arms do not give this effect"
    counts = [getattr(numbers, n) for n in needed if not n.startswith(("mean", "sd"))]
    return numbers if all(x.is_integer() for x in counts) else "numbers of people are not whole"


def _numbers(effect: Any, rows: Sequence[Any], evidence: Evidence) -> Numbers | None:
    if len(rows) == 1:
        return Numbers.of(rows[0])
    usable = [(row, evidence.rows.effect(row, effect.measure, "LS")) for row in rows]
    return merge_arms([Candidate(r, found) for r, found in usable if isinstance(found, Oriented)])


def _side(rows: Sequence[_Row]) -> Side:
    """Return the side of most rows with arms; higher where there is none, or as many."""
    sides = [row.side for row in rows if row.side is not None]
    return "lower" if sides.count("lower") > sides.count("higher") else "higher"


def _only_effect(row: _Row, side: Side, measure: str) -> str:
    """Say why a row has no arms in the file; empty where it has."""
    if row.arms is None:
        return row.reason
    if measure == "RR" and row.side != side:
        return "counts the opposite event, of which a risk ratio is another measure"
    return ""


def _laid_out(row: _Row, side: Side, measure: str, name: str) -> Iterator[Any]:
    effect, sign, scale = row.effect, (1.0 if side == "higher" else -1.0), natural(measure)
    limits = sorted((sign * effect.ci_lb, sign * effect.ci_ub))
    values: dict[str, Any] = {
        "Analysis group": 1,
        "Analysis number": 1,
        "Analysis name": name,
        "Study": effect.label,
        "Study year": effect.year,
        "GIV Mean": sign * effect.yi,
        "GIV SE": float(np.sqrt(effect.vi)),
        "Mean": scale(sign * effect.yi),
        "CI start": scale(limits[0]),
        "CI end": scale(limits[1]),
        "Footnotes": _footnote(row, side, measure),
    }
    if row.arms is not None and not _only_effect(row, side, measure):
        values |= _arm_cells(row.arms if row.side == side else _turned(row.arms, measure), measure)
    return (values.get(column, "") for column in COLUMNS)


def _arm_cells(arms: Numbers, measure: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for word, end in (("Experimental", "e"), ("Control", "c")):
        found[f"{word} N"] = getattr(arms, f"n_{end}")
        if measure in _CONTINUOUS:
            found[f"{word} mean"] = getattr(arms, f"mean_{end}")
            found[f"{word} SD"] = getattr(arms, f"sd_{end}")
        else:
            found[f"{word} cases"] = getattr(arms, f"events_{end}")
    return found


def _turned(arms: Numbers, measure: str) -> Numbers:
    """Let the arms speak for the other side of the scale."""
    if measure in _CONTINUOUS:
        return replace(arms, mean_e=-arms.mean_e, mean_c=-arms.mean_c)
    return replace(arms, events_e=arms.n_e - arms.events_e, events_c=arms.n_c - arms.events_c)


def _footnote(row: _Row, side: Side, measure: str) -> str:
    parts = [f"rows {cell(row.effect.row_ids)}", str(row.effect.comparator)]
    if row.effect.how == "arms merged":
        parts.append("several arms put together")
    if reason := _only_effect(row, side, measure):
        parts.append(f"effect and standard error only: {reason}")
    elif row.side != side:
        what = "means multiplied by -1" if measure in _CONTINUOUS else "people without the event"
        parts.append(f"turned: {what}")
    return "; ".join(parts)


def _limits(
    rows: Sequence[_Row], reasons: Sequence[tuple[_Row, str]], measure: str
) -> Iterator[str]:
    for why in sorted({why for _, why in reasons if why}):
        labels = [str(row.effect.label) for row, reason in reasons if reason == why]
        yield f"effect and standard error only ({why}): {', '.join(labels)}"
    if measure == "SMD" and not all(why for _, why in reasons):
        yield _OWN_VARIANCE
    trials = [row.effect.trial_id for row in rows]
    if repeated := sorted({str(name) for name in trials if trials.count(name) > 1}):
        yield f"trials in several rows, whose people would count twice: {', '.join(repeated)}"
    if measure in RATIO_NAMES:
        yield "GIV Mean and GIV SE are of the logarithm of the ratio; Mean is the ratio itself"
    yield "judgements of risk of bias and subgroups are not in the file"


def _plain(value: Any) -> Any:
    """Hold numbers as numbers and everything absent as an empty cell."""
    if isinstance(value, str):
        return value
    return "" if pd.isna(value) else cast("float", value)
