"""Compare two data releases: from changed cells to the effects, estimates and verdicts behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from combined_care import schema
from combined_care.changes import TableChange, compare_tables
from combined_care.claims import load_claims
from combined_care.evidence import Evidence, load_evidence
from combined_care.release_changes import (
    AnalysisChange,
    EffectChange,
    ReleaseComparison,
    VerdictChange,
)
from combined_care.results import Absent, Number
from combined_care.tabular import read_text_table
from combined_care.verdicts import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from combined_care.claims import Analysis, Claim
    from combined_care.findings import AnalysisResult

T = TypeVar("T")

_NOT_POOLED = Absent("not pooled")
_NO_CLAIM = Absent("no such claim")
_CLAIMS = "claims.yaml"
#: Files of the folder that change no number by themselves; claims are compared one by one.
_HARMLESS = frozenset({_CLAIMS, "words.yaml"})
#: Cells of a row that decide which question it belongs to; "" stands for a row new or gone.
_PLACING = frozenset({"", "trial_id", "experimental", "comparator", "outcome", "same_as_row"})
#: Trial columns, beside those of the question, that decide whether and how a trial is pooled.
_DECIDING = ("duplicate_of", "n_randomised")
#: Parts of an analysis's record that are no numbers, or follow from its effects.
_NO_NUMBERS = frozenset({"analysis", "title", "role", "trials"})


def compare_releases(old: Path, new: Path) -> ReleaseComparison:
    """Compare two data folders, from the cells to the verdicts.

    Parameters
    ----------
    old, new : pathlib.Path
        Folders with a data package, ``claims.yaml`` and ``selection.yaml``, as ``data/`` is. Each
        is judged by its own claims and rules.

    Returns
    -------
    ReleaseComparison

    Raises
    ------
    DataError
        If one of the folders breaks its schema.
    FileNotFoundError
        If one of the folders lacks a file.

    Notes
    -----
    Judging is slow, so a claim is judged only if its registry entry or a rule file changed, or if
    a changed row may concern it: the row's trial belongs to the population of one of its analyses
    in either release and, where single cells changed, the row reports an outcome that may be asked
    for. An analysis is listed when a number of its record in ``verdicts.json`` differs.

    Examples
    --------
    >>> import pandas as pd
    >>> import combined_care as cc
    >>> old, new = cc.scratch_copy(), cc.scratch_copy()
    >>> published = pd.read_csv(new / "published.csv", dtype=str)
    >>> published[:-1].to_csv(new / "published.csv", index=False)
    >>> found = compare_releases(old, new)
    >>> print(found)
    Release ...: published differs; 0 pooled effects, 0 analyses and 0 verdicts changed.

    No claim was judged, as no trial changed:

    >>> found.judged
    0
    """
    before, after = _Release.read(old), _Release.read(new)
    changes = _Changes(before, after)
    analyses: list[AnalysisChange] = []
    verdicts: list[VerdictChange] = []
    concerned = [name for name in _union(before.claims, after.claims) if changes.concern(name)]
    for name in concerned:
        sides = before.verdict(name), after.verdict(name)
        found = list(_analysis_changes(name, *sides, changes))
        analyses += found
        verdicts += _flipped(name, *sides, found)
    return ReleaseComparison(
        old=before.evidence.release,
        new=after.evidence.release,
        tables=changes.tables,
        files=changes.files,
        verdicts=tuple(verdicts),
        analyses=tuple(analyses),
        judged=len(concerned),
    )


@dataclass(frozen=True, slots=True)
class _Release:
    """One data folder: its evidence, claims, tables of text (with their keys) and rule files."""

    evidence: Evidence
    claims: Mapping[str, Claim]
    tables: Mapping[str, tuple[Sequence[str], pd.DataFrame]]
    files: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> _Release:
        evidence = load_evidence(folder)  # validates, so that what follows can rely on the package
        package = json.loads((folder / schema.PACKAGE_FILE).read_text(encoding="utf-8"))
        tables = {}
        for resource in package["resources"]:
            columns = [entry["name"] for entry in resource["schema"]["fields"]]
            table, _ = read_text_table(folder / resource["path"], columns)
            if table is not None:
                tables[resource["name"]] = (resource["schema"]["primaryKey"], table.cells)
        files = {file.name: file.read_bytes() for file in sorted(folder.glob("*.yaml"))}
        return cls(evidence, load_claims(folder / _CLAIMS), tables, files)

    def verdict(self, claim: str) -> Verdict | None:
        return judge(self.claims[claim], self.evidence) if claim in self.claims else None

    def population(self, analysis: Analysis) -> set[str]:
        """Trials that the question admits, whatever their rows report."""
        trials, asked = self.evidence.trials, analysis.estimand
        keep = trials["trial_id"].notna()
        for column, values in asked.trials.items():
            keep &= trials[column].isin(values)
        if asked.any_of:
            keep &= trials[list(asked.any_of)].isin(dict(asked.any_of)).any(axis=1)
        return set(trials.loc[keep, "trial_id"])


@dataclass(frozen=True, slots=True)
class _Cause:
    """One changed row or cell of a trial; `column` is empty for a row that is new or gone."""

    table: str
    row: str
    column: str
    sentence: str


class _Changes:
    """What differs between the tables and rule files of two releases, found again by trial."""

    def __init__(self, before: _Release, after: _Release) -> None:
        self.before, self.after = before, after
        self.tables = tuple(_table_changes(before, after))
        names = _union(before.files, after.files)
        self.files = tuple(n for n in names if before.files.get(n) != after.files.get(n))
        self.rules = tuple(f"{name} changed" for name in self.files if name not in _HARMLESS)
        self.of_trial: dict[str, list[_Cause]] = {}
        owners = _owners(before, after)
        for cause in (cause for table in self.tables for cause in _causes(table)):
            for trial in owners.get((cause.table, cause.row), ()):
                self.of_trial.setdefault(trial, []).append(cause)

    def concern(self, name: str) -> bool:
        """Tell whether the verdict or a number of a claim may have changed."""
        old, new = self.before.claims.get(name), self.after.claims.get(name)
        if old != new or new is None:
            return True
        return new.testable and (bool(self.rules) or any(map(self._reach, new.analyses)))

    def behind(self, analysis: Analysis, trial: str, rows: set[str]) -> tuple[str, ...]:
        """Name the changes behind an effect that rests on `rows`, as closely as they are known."""
        asked = analysis.estimand
        left_out = self.after.evidence.rule.left_out_kinds
        columns = {"", *asked.trials, *asked.any_of, *_DECIDING, *left_out, analysis.moderator}
        own = self.of_trial.get(trial, [])
        near = [
            cause.sentence
            for cause in own
            if cause.row in rows or (cause.table == "trials" and cause.column in columns)
        ]
        return tuple(near or [cause.sentence for cause in own])

    def ruled(self, claim: str, analysis: str) -> tuple[str, ...]:
        """Name the rules that changed for an analysis."""
        sides = [release.claims.get(claim) for release in (self.before, self.after)]
        rules = [side and side.rules for side in sides]
        texts = [[a for a in side.analyses if a.id == analysis] if side else [] for side in sides]
        found = ["the analysis changed in claims.yaml"] if texts[0] != texts[1] else []
        if rules[0] != rules[1]:
            found.append("the rules of claims.yaml changed")
        return (*found, *self.rules)

    def nearby(self, analysis: Analysis) -> tuple[str, ...]:
        """Name all changes of trials that an analysis admits, whether it pools them or not."""
        found = (c.sentence for t in self._population(analysis) for c in self.of_trial.get(t, ()))
        return tuple(sorted(found))

    def _reach(self, analysis: Analysis) -> bool:
        """Tell whether a change may concern an analysis or one of its variations."""
        family = self.after.evidence.rule.family(analysis.estimand.outcome)
        rows = self.after.evidence.outcomes
        asked = set(rows.loc[rows["outcome"].isin(family), "row_id"])
        return any(
            cause.table == "trials" or cause.column in _PLACING or cause.row in asked
            for trial in self._population(analysis)
            for cause in self.of_trial.get(trial, ())
        )

    def _population(self, analysis: Analysis) -> set[str]:
        return self.before.population(analysis) | self.after.population(analysis)


def _table_changes(before: _Release, after: _Release) -> Iterator[TableChange]:
    for name in _union(before.tables, after.tables):
        either = (release.tables.get(name) for release in (after, before))
        key, shape = next(found for found in either if found is not None)
        frames = (release.tables.get(name, (key, shape.iloc[:0]))[1] for release in (before, after))
        if change := compare_tables(name, key, *frames):
            yield change


def _causes(table: TableChange) -> Iterator[_Cause]:
    one = "trial" if table.table == "trials" else "row"
    yield from (_Cause(table.table, row, "", f"{one} {row} added") for row in table.added)
    yield from (_Cause(table.table, row, "", f"{one} {row} removed") for row in table.removed)
    for cell in table.changed:
        yield _Cause(table.table, cell.row, cell.column, str(cell))


def _owners(*releases: _Release) -> dict[tuple[str, str], set[str]]:
    """Map (table, row) to the trials that the row is or was about."""
    found: dict[tuple[str, str], set[str]] = {}
    for release in releases:
        rows = release.evidence.outcomes
        for row, trial in zip(rows["row_id"], rows["trial_id"], strict=True):
            found.setdefault(("outcomes", row), set()).add(trial)
        for trial in release.evidence.trials["trial_id"]:
            found.setdefault(("trials", trial), set()).add(trial)
    return found


def _analysis_changes(
    claim: str, before: Verdict | None, after: Verdict | None, changes: _Changes
) -> Iterator[AnalysisChange]:
    """Compare the analyses of a claim; those with equal numbers are passed over."""
    old, new = ({r.analysis.id: r for r in v.results} if v else {} for v in (before, after))
    for name in _union(old, new):
        sides = [result for result in (old.get(name), new.get(name)) if result is not None]
        records = [_numbers(side.get(name)) for side in (old, new)]
        differing = [n for n in _union(*records) if records[0].get(n) != records[1].get(n)]
        effects = tuple(_effect_changes(claim, old.get(name), new.get(name), changes))
        if differing or effects:
            analysis = sides[-1].analysis
            causes = changes.ruled(claim, name)
            yield AnalysisChange(
                claim=claim,
                analysis=name,
                title=analysis.title,
                role=analysis.role,
                before={n: records[0][n] for n in differing if n in records[0]},
                after={n: records[1][n] for n in differing if n in records[1]},
                effects=effects,
                causes=causes if effects or causes else changes.nearby(analysis),
            )


def _effect_changes(
    claim: str, before: AnalysisResult | None, after: AnalysisResult | None, changes: _Changes
) -> Iterator[EffectChange]:
    old, new = _effects(before), _effects(after)
    for key in _union(old, new):
        sides = [side.get(key) for side in (old, new)]
        if _numbers_of(sides[0]) == _numbers_of(sides[1]):
            continue
        known = [side for side in sides if side is not None]
        result = after or before
        if result is None:
            continue
        rows = {row for side in known for row in side["row_ids"]}
        causes = changes.behind(result.analysis, known[-1]["trial_id"], rows)
        yield EffectChange(
            trial_id=known[-1]["trial_id"],
            label=known[-1]["label"],
            comparator=known[-1]["comparator"],
            yi_before=_of(sides[0], "yi"),
            vi_before=_of(sides[0], "vi"),
            yi_after=_of(sides[1], "yi"),
            vi_after=_of(sides[1], "vi"),
            causes=causes or changes.ruled(claim, result.analysis.id),
        )


def _flipped(
    claim: str,
    before: Verdict | None,
    after: Verdict | None,
    analyses: Sequence[AnalysisChange],
) -> list[VerdictChange]:
    """Return the flip of a verdict with its cause, or nothing where it stands."""
    labels = [verdict.label if verdict else _NO_CLAIM for verdict in (before, after)]
    known = after or before
    if labels[0] == labels[1] or known is None:
        return []
    decisive = [a for a in analyses if a.role == "decisive"]
    resting = [a for a in decisive if a.flipped] or decisive
    causes = [str(effect) for a in resting for effect in a.effects]
    causes += [cause for a in resting for cause in a.causes]
    return [
        VerdictChange(
            claim=claim,
            text=known.claim.text,
            before=labels[0],
            after=labels[1],
            causes=tuple(dict.fromkeys(causes)) or ("the registry of claims",),
        )
    ]


def _numbers(result: AnalysisResult | None) -> dict[str, Any]:
    """Return the quantities of an analysis's record, by name."""
    record = {} if result is None else result.to_dict()
    return {name: value for name, value in record.items() if name not in _NO_NUMBERS}


def _effects(result: AnalysisResult | None) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the pooled effects of an analysis by trial and comparator, with what they decide."""
    if result is None:
        return {}
    frame = result.effects.assign(group=result.effects.get(result.analysis.moderator, ""))
    records = ({str(k): v for k, v in row.items()} for row in frame.to_dict("records"))
    return {(row["trial_id"], row["comparator"]): row for row in records}


def _numbers_of(effect: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Return what an analysis takes from an effect, as text, because nan is not equal to nan."""
    if effect is None:
        return None
    return tuple(str(effect[name]) for name in ("yi", "vi", "n_e", "n_c", "rate_c", "group"))


def _of(effect: Mapping[str, Any] | None, name: str) -> Number:
    return _NOT_POOLED if effect is None else float(effect[name])


def _union(*names: Iterable[T]) -> list[T]:
    """Return names in their order, each once."""
    return list(dict.fromkeys(name for given in names for name in given))
