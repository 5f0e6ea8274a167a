"""Rebuild the arms of one trial from its rows, so that all its contrasts fit together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from combined_care.conversions import combine_means, smd_from_log_odds
from combined_care.effects import correction_factor
from combined_care.errors import InputError
from combined_care.network_data import read_network
from combined_care.selection import Candidate, SelectionRule, best, choose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from combined_care.effects import Measure

ArmNumbers = Literal["means", "events"]


class Arm(NamedTuple):
    """People of one arm: size, and mean with SD or events (the other two are nan)."""

    n: float
    mean: float
    sd: float
    events: float


class Pair(NamedTuple):
    """One contrast: positive `yi` favours `treat1`."""

    treat1: str
    treat2: str
    yi: float
    vi: float
    n1: float
    n2: float


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A usable row with its effect, and the treatments of its arms.

    ``numbers`` says what the arms are rebuilt from; None where only an effect is reported.
    """

    candidate: Candidate
    treatment_e: str
    treatment_c: str
    numbers: ArmNumbers | None

    @property
    def row(self) -> Any:
        """The row of the outcome table."""
        return self.candidate.row

    @property
    def treatments(self) -> frozenset[str]:
        """The treatments of its arms."""
        return frozenset((self.treatment_e, self.treatment_c))

    def arms(self) -> tuple[tuple[str, str, Arm], ...]:
        """Return (treatment, the row's own name of it, people) of both arms."""
        x, row = self.candidate.numbers, self.row
        if self.numbers == "means":
            e, c = Arm(x.n_e, x.mean_e, x.sd_e, -1.0), Arm(x.n_c, x.mean_c, x.sd_c, -1.0)
        else:
            e, c = Arm(x.n_e, 0.0, -1.0, x.events_e), Arm(x.n_c, 0.0, -1.0, x.events_c)
        return (self.treatment_e, row.treatment_e, e), (self.treatment_c, row.treatment_c, c)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The contrasts of one trial and the rows they rest on.

    ``how`` is ``"arms"`` (rebuilt) or ``"reported"`` (effects as reported).
    """

    pairs: tuple[Pair, ...]
    lead: Any
    row_ids: tuple[str, ...]
    how: Literal["arms", "reported"]
    converted: bool


class Measurement(NamedTuple):
    """Rows of one trial that report the same measurement, and the treatments they compare."""

    rows: tuple[NamedRow, ...]
    treatments: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[NamedRow]) -> Measurement:
        """Put rows together."""
        members = tuple(rows)
        return cls(members, frozenset().union(*(row.treatments for row in members)))


def trial_result(
    rows: Sequence[NamedRow], rule: SelectionRule, family: Sequence[str], measure: Measure
) -> TrialResult:
    """Choose one measurement of a trial and compute all its contrasts.

    Parameters
    ----------
    rows : sequence of NamedRow
        Usable rows of one trial whose arms are different treatments; at least one.
    rule : SelectionRule
        How results are ranked.
    family : sequence of str
        Outcomes that may be used, best first.
    measure : {"SMD", "OR"}
        What the contrasts are; odds ratios are converted for ``"SMD"`` (Chinn).

    Returns
    -------
    TrialResult

    Notes
    -----
    Rows belong together when they report the same measurement: the same outcome, instrument,
    rater, week, people and source, or an arm with the very same numbers. Of the measurements of a
    trial, the one with most treatments is used; among equals the outcome decides, then the
    selection rule. People of several arms with the same treatment are put together. Means become
    one standardised difference with the standard deviation of all arms together, so that
    contrasts add up. Reported effects of more than two treatments are used when all pairs are
    given and fit together; otherwise what ties them is unknown, and only one can be used.
    """
    found = [*_rebuilt(rows), *_complete(rows), *_single(rows)]
    most = max(len(one.treatments) for one in found)
    fullest = [one for one in found if len(one.treatments) == most]
    outcome = next(x for x in family if any(one.rows[0].row.outcome == x for one in fullest))
    equal = [one for one in fullest if one.rows[0].row.outcome == outcome]
    first = best([r.candidate for one in equal for r in one.rows], rule)[0].row
    chosen = next(one for one in equal if any(r.row.row_id == first.row_id for r in one.rows))
    if chosen.rows[0].numbers is None:
        return _from_reported(chosen, rule, measure)
    return _from_arms(chosen, first, measure)


def _rebuilt(rows: Sequence[NamedRow]) -> Iterator[Measurement]:
    """Put rows with arm results together that share a measurement or an arm."""
    groups: list[tuple[set[object], list[NamedRow]]] = []
    for row in rows:
        if row.numbers is None:
            continue
        keys: set[object] = {_setting(row), *(_fingerprint(row, arm) for _, _, arm in row.arms())}
        joined = [group for group in groups if group[0] & keys]
        groups = [group for group in groups if not group[0] & keys]
        members = [member for group in joined for member in group[1]]
        groups.append((keys.union(*(group[0] for group in joined)), [*members, row]))
    yield from (Measurement.of(members) for _, members in groups)


def _complete(rows: Sequence[NamedRow]) -> Iterator[Measurement]:
    """Yield reported effects of one setting that are all pairs of their treatments."""
    settings: dict[tuple[object, ...], list[NamedRow]] = defaultdict(list)
    for row in rows:
        if row.numbers is None:
            settings[_setting(row)].append(row)
    for members in settings.values():
        one = Measurement.of(members)
        if len(one.treatments) > 2 and _fits_together(one):
            yield one


def _single(rows: Sequence[NamedRow]) -> Iterator[Measurement]:
    """Yield the reported effects of each pair of treatments."""
    pairs: dict[tuple[str, str, str], list[NamedRow]] = defaultdict(list)
    for row in rows:
        if row.numbers is None:
            pairs[row.row.outcome, row.treatment_e, row.treatment_c].append(row)
    yield from map(Measurement.of, pairs.values())


def _fits_together(one: Measurement) -> bool:
    """Tell whether reported effects are all pairs of a trial that could be."""
    e, c = ([getattr(r, f"treatment_{side}") for r in one.rows] for side in "ec")
    effects = [r.candidate.effect for r in one.rows]
    try:
        read_network(e, c, [x.yi for x in effects], [x.vi for x in effects], ["trial"] * len(e))
    except InputError:
        return False
    return True


def _from_arms(chosen: Measurement, first: Any, measure: Measure) -> TrialResult:
    arms = _people(chosen.rows, first)
    by_means = chosen.rows[0].numbers == "means"
    convert = measure == "SMD" and not by_means
    pairs = (
        _standardised(arms, _sign(first)) if by_means else _log_odds(arms, _sign(first), convert)
    )
    ids = tuple(sorted(r.row.row_id for r in chosen.rows))
    return TrialResult(tuple(pairs), first, ids, "arms", convert)


def _from_reported(chosen: Measurement, rule: SelectionRule, measure: Measure) -> TrialResult:
    pairs, choices = [], []
    for ends in dict.fromkeys((r.treatment_e, r.treatment_c) for r in chosen.rows):
        same = [r.candidate for r in chosen.rows if (r.treatment_e, r.treatment_c) == ends]
        choice = choose(same, rule, measure=measure)
        x = choice.effect.numbers
        pairs.append(Pair(*ends, choice.effect.yi, choice.effect.vi, x.n_e, x.n_c))
        choices.append(choice)
    ids = tuple(sorted(row_id for choice in choices for row_id in choice.row_ids))
    converted = any(choice.effect.converted for choice in choices)
    return TrialResult(tuple(pairs), choices[0].lead, ids, "reported", converted)


def _setting(found: NamedRow) -> tuple[object, ...]:
    row = found.row
    week = "" if pd.isna(row.weeks) else float(row.weeks)
    place = (row.instrument.casefold(), row.outcome_detail, row.source_url)
    return (found.numbers, row.outcome, row.rating, week, row.analysis_set, *place)


def _fingerprint(found: NamedRow, arm: Arm) -> tuple[object, ...]:
    """Means to the decimal tell an arm; counts repeat by chance, so the instrument must agree."""
    scale = found.row.instrument.casefold() if found.numbers == "events" else ""
    return (found.numbers, found.row.outcome, found.row.rating, scale, arm)


def _people(group: Sequence[NamedRow], first: Any) -> dict[str, Arm]:
    """Return the people of each treatment: arms put together, each once."""
    found: dict[str, dict[Arm, str]] = defaultdict(dict)
    chosen = next(_setting(r) for r in group if r.row.row_id == first.row_id)
    # Beside the chosen measurement, an arm counts only if it is not there yet in other numbers.
    for row in sorted(group, key=lambda r: (_setting(r) != chosen, r.row.row_id)):
        for treatment, words, arm in row.arms():
            known = found[treatment]
            is_new = bool(words) and words not in known.values()
            if not known or is_new or _setting(row) == chosen:
                known.setdefault(arm, words)
    return {name: _together(list(arms)) for name, arms in sorted(found.items())}


def _together(arms: Sequence[Arm]) -> Arm:
    """Put arms together; an arm that is all the others together counts alone."""
    ordered = sorted(arms, reverse=True)
    if len(ordered) > 2 and ordered[0].n == sum(arm.n for arm in ordered[1:]):
        ordered = ordered[:1]
    if len(ordered) == 1:
        return ordered[0]
    n, mean, sd, events = (np.array(column) for column in zip(*ordered, strict=True))
    if (sd > 0).all():
        m, s, total = combine_means(mean, sd, n)
        return Arm(total, m, s, -1.0)
    return Arm(float(n.sum()), 0.0, -1.0, float(events.sum()))


def _sign(row: Any) -> float:
    return 1.0 if row.higher_is_better == 1 else -1.0


def _standardised(arms: dict[str, Arm], sign: float) -> list[Pair]:
    r"""Return g of all pairs: :math:`v = 1/n_1 + 1/n_2 + g^2/2N`, N counting all arms.

    Gleser & Olkin (2009), The Handbook of Research Synthesis, 2nd ed., section 3.
    """
    n, mean, sd, _ = (np.array(column) for column in zip(*arms.values(), strict=True))
    df = float((n - 1.0).sum())
    pooled = np.sqrt(float(((n - 1.0) * sd**2).sum()) / df)
    level = sign * float(correction_factor(df)) * mean / pooled
    part = dict(zip(arms, zip(level.tolist(), n.tolist(), strict=True), strict=True))
    pairs = []
    for a, b in combinations(part, 2):
        (y1, n1), (y2, n2) = part[a], part[b]
        variance = 1.0 / n1 + 1.0 / n2 + (y1 - y2) ** 2 / (2.0 * float(n.sum()))
        pairs.append(Pair(a, b, y1 - y2, variance, n1, n2))
    return pairs


def _log_odds(arms: dict[str, Arm], sign: float, convert: bool) -> list[Pair]:
    """Return log odds ratios of all pairs, on the scale of g if asked for.

    A half is added to all cells of the trial when one is empty.
    """
    n, events = (np.array([getattr(arm, x) for arm in arms.values()]) for x in ("n", "events"))
    add = 0.5 if ((events == 0.0) | (events == n)).any() else 0.0
    yes, no = events + add, n - events + add
    part = dict(
        zip(arms, zip(sign * np.log(yes / no), 1 / yes + 1 / no, n, strict=True), strict=True)
    )
    pairs = []
    for a, b in combinations(part, 2):
        (y1, v1, n1), (y2, v2, n2) = part[a], part[b]
        yi, vi = (y1 - y2, v1 + v2)
        if convert:
            yi, vi = smd_from_log_odds(yi, vi)
        pairs.append(Pair(a, b, float(yi), float(vi), float(n1), float(n2)))
    return pairs
