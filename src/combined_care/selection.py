"""One effect per trial and comparator: chosen by a rule that is data, with nobody counted twice."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import yaml

from combined_care.contrasts import Numbers, Oriented, oriented_effect
from combined_care.conversions import combine_means
from combined_care.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from combined_care.effects import Measure, SmdVariance


@dataclass(frozen=True, slots=True)
class Rank:
    """One criterion: a column and its values from best to worst, or ``latest`` first."""

    column: str
    order: tuple[str, ...] | Literal["latest"]


@dataclass(frozen=True, slots=True)
class SelectionRule:
    """The rule of ``data/selection.yaml``; see that file for the meaning of each part."""

    outcomes: dict[str, tuple[str, ...]]
    rank: tuple[Rank, ...]
    instruments: tuple[str, ...]
    details: tuple[str, ...]
    correlation: float
    left_out_flags: tuple[str, ...]
    left_out_kinds: Mapping[str, tuple[str, ...]]

    def left_out_kind(self, row: Any, instead: tuple[str, ...] | None = None) -> str:
        """Return the kind of treatment for which a row stays out; empty where there is none.

        Parameters
        ----------
        row : named tuple
            An outcome row joined with its trial.
        instead : tuple of str, optional
            Kinds that stay out instead of those of the rule, in the same columns.
        """
        for column, kinds in self.left_out_kinds.items():
            kind = str(getattr(row, column))
            if kind in (kinds if instead is None else instead):
                return kind
        return ""

    def family(self, outcome: str) -> tuple[str, ...]:
        """Return the outcomes that answer for `outcome`, best first."""
        return self.outcomes.get(outcome, (outcome,))


def load_rule(path: Path) -> SelectionRule:
    """Read the selection rule.

    Raises
    ------
    DataError
        If the file lacks a part, has one too many, or a criterion is malformed.
    """
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    expected = set(SelectionRule.__slots__)
    if set(given) != expected:
        odd = sorted(set(given) ^ expected)
        message = f"{path.name}: expected the parts {sorted(expected)}; missing or unknown: {odd}"
        raise DataError(message)
    ranks = tuple(
        Rank(item["column"], "latest" if item["order"] == "latest" else tuple(item["order"]))
        for item in given["rank"]
    )
    outcomes = {name: tuple(family) for name, family in given["outcomes"].items()}
    words = ("instruments", "details", "left_out_flags")
    kinds = {column: tuple(words) for column, words in given["left_out_kinds"].items()}
    return SelectionRule(
        outcomes=outcomes,
        rank=ranks,
        correlation=float(given["correlation"]),
        left_out_kinds=kinds,
        **{name: tuple(given[name]) for name in words},
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A usable row with its effect."""

    row: Any
    effect: Oriented

    @property
    def numbers(self) -> Numbers:
        """The numbers that the effect was computed from."""
        return self.effect.numbers


@dataclass(frozen=True, slots=True)
class Choice:
    """The effect of one trial against one comparator, and the rows it rests on.

    ``how`` is ``"row"`` (one row), ``"arms merged"`` (several arms made one) or ``"averaged"``
    (several results on the same people, averaged with the assumed correlation).
    """

    effect: Oriented
    lead: Any
    row_ids: tuple[str, ...]
    how: Literal["row", "arms merged", "averaged"]


def choose(
    candidates: Sequence[Candidate],
    rule: SelectionRule,
    *,
    measure: Measure,
    variance: SmdVariance = "LS",
) -> Choice:
    """Choose the effect of one trial against one comparator from its usable rows of one outcome.

    Parameters
    ----------
    candidates : sequence of Candidate
        Usable rows of one trial, comparator and outcome; at least one.
    rule : SelectionRule
        The rule.
    measure, variance
        As in :func:`combined_care.contrasts.oriented_effect`, for merged arms.

    Returns
    -------
    Choice
        One effect. Rows that tie on every criterion are merged when they are different arms of
        the trial (their people are put together, a shared arm once) and averaged otherwise.
    """
    top = best(candidates, rule)
    lead = top[0]
    ids = tuple(sorted(c.row.row_id for c in top))
    if len(top) == 1:
        return Choice(lead.effect, lead.row, ids, "row")
    merged = merge_arms(top)
    if merged is not None:
        effect = oriented_effect(merged, measure, variance=variance)
        if isinstance(effect, Oriented):
            text = f"{len(top)} rows put together, shared arms once: {effect.derivation}"
            return Choice(replace(effect, derivation=text), lead.row, ids, "arms merged")
    return Choice(average(top, rule.correlation), lead.row, ids, "averaged")


def best(candidates: Sequence[Candidate], rule: SelectionRule) -> list[Candidate]:
    """Keep the candidates that no criterion of the rule puts behind another, in row order.

    After the ranked columns come instrument, domain and source: rows of different sources are
    two readings of the same arms, so only those of one source are kept (the first by address).
    """
    last = max((_week(c) for c in candidates), default=0.0)
    keyed = [(_key(c, rule, last), c) for c in candidates]
    smallest = min(key for key, _ in keyed)
    return sorted((c for key, c in keyed if key == smallest), key=lambda c: c.row.row_id)


def average(candidates: Sequence[Candidate], correlation: float) -> Oriented:
    """Average effects on the same people.

    The variance of the mean of m effects with a common correlation r is
    ``(sum(v) + r * sum_{i != j} sqrt(v_i v_j)) / m**2`` (Borenstein et al. 2009, equation 24.2).
    """
    yi = np.array([c.effect.yi for c in candidates])
    se = np.sqrt([c.effect.vi for c in candidates])
    covariance = correlation * np.outer(se, se)
    np.fill_diagonal(covariance, se**2)
    mean, variance = float(yi.mean()), float(covariance.mean())
    parts = "; ".join(f"[{c.row.row_id}] {c.effect.derivation}" for c in candidates)
    text = (
        f"mean of {len(yi)} results on the same people, assumed correlation {correlation:g}: "
        f"{mean:.4f}, v = {variance:.4f}; {parts}"
    )
    return replace(candidates[0].effect, yi=mean, vi=variance, derivation=text)


def merge_arms(candidates: Sequence[Candidate]) -> Numbers | None:
    """Put different arms of one trial together, each person once; None when they are not arms.

    Rows are different arms when each pair shares one arm (equal numbers on that side) or names
    different treatments. A row whose arm is the sum of the other rows' arms replaces them.
    """
    rows = [(c.numbers, c.row) for c in candidates]
    if len({n.tier for n, _ in rows}) > 1 or rows[0][0].tier != "A":
        return None
    for index, first in enumerate(rows):
        for second in rows[index + 1 :]:
            if not _different_arms(first, second):
                return None
    numbers = [n for n, _ in rows]
    arms_e = _whole([_arm(n, "e") for n in numbers])
    arms_c = _whole([_arm(n, "c") for n in numbers])
    pooled: dict[str, float] = {}
    for side, arms in (("e", arms_e), ("c", arms_c)):
        pooled |= {f"{name}_{side}": value for name, value in _pool(arms).items()}
    return replace(numbers[0], **pooled)  # type: ignore[arg-type]


_Arm = tuple[float, float, float, float]  # n, events, mean, sd


def _arm(numbers: Numbers, side: Literal["e", "c"]) -> _Arm:
    """One arm's numbers; -1 stands for what is not reported, so that arms compare."""
    values = (getattr(numbers, f"{name}_{side}") for name in ("n", "events", "mean", "sd"))
    n, events, mean, sd = (-1.0 if np.isnan(v) else float(v) for v in values)
    return n, events, mean, sd


def _different_arms(first: tuple[Numbers, Any], second: tuple[Numbers, Any]) -> bool:
    """Tell whether two rows are different contrasts of arms, not two results of the same arms."""
    (a, row_a), (b, row_b) = first, second
    same_e, same_c = _arm(a, "e") == _arm(b, "e"), _arm(a, "c") == _arm(b, "c")
    if same_e != same_c:
        return True
    named = all(r.treatment_e and r.treatment_c for r in (row_a, row_b))
    return bool(named and not same_e and row_a.treatment_e != row_b.treatment_e)


def _whole(arms: Iterable[_Arm]) -> list[_Arm]:
    """Drop repeated arms, and the parts where one arm is all the others together."""
    distinct = sorted(set(arms), reverse=True)
    if len(distinct) > 2 and _is_sum(distinct[0], distinct[1:]):
        return distinct[:1]
    return distinct


def _is_sum(whole: _Arm, parts: Sequence[_Arm]) -> bool:
    """Tell whether an arm holds the people of `parts`: same n, and same events or mean."""
    together, (n, events, mean, _) = _pool(parts), whole
    if together["n"] != n:
        return False
    if "events" in together:
        return together["events"] == events
    # Reported means are rounded.
    return "mean" in together and bool(np.isclose(together["mean"], mean, rtol=5e-3))


def _pool(arms: Sequence[_Arm]) -> dict[str, float]:
    """Numbers of all people of `arms` together."""
    n, events, mean, sd = (np.array(column) for column in zip(*arms, strict=True))
    pooled = {"n": float(n.sum())}
    if (events >= 0).all():
        pooled["events"] = float(events.sum())
    if (sd > 0).all():
        pooled["mean"], pooled["sd"], _ = combine_means(mean, sd, n)
    return pooled


def _week(candidate: Candidate) -> float:
    week = candidate.row.weeks
    return float("-inf") if np.isnan(week) else float(week)


def _key(candidate: Candidate, rule: SelectionRule, last_week: float) -> tuple[Any, ...]:
    row = candidate.row
    ranks: list[Any] = []
    for rank in rule.rank:
        if rank.order == "latest":
            week = _week(candidate)
            ranks.append(0.0 if np.isinf(week) else last_week - week)
        else:
            value = _word(getattr(row, rank.column))
            ranks.append(rank.order.index(value) if value in rank.order else len(rank.order))
    ranks.append(_first_match(rule.instruments, row.instrument))
    ranks.append(row.instrument.casefold())
    ranks.append(_first_match(rule.details, row.outcome_detail))
    ranks.append(f"{row.source_url} {row.source_note}")
    return tuple(ranks)


def _word(value: Any) -> str:
    """Write a cell as the rule file spells it: 1.0 is ``1``."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _first_match(patterns: Sequence[str], text: str) -> int:
    for index, pattern in enumerate(patterns):
        if re.search(pattern, text, flags=re.IGNORECASE):
            return index
    return len(patterns)
