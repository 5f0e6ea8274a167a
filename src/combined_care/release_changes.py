"""The records of a comparison of two data releases, and how they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from combined_care.results import Absent, Number, Result, is_present

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from combined_care.changes import TableChange

#: How many causes a line names.
_LISTED = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class EffectChange(Result):
    """One pooled effect that is new, gone or moved, and why.

    Attributes
    ----------
    trial_id, label, comparator : str
        Whose effect; `label` is the trial's name for readers.
    yi_before, vi_before, yi_after, vi_after : float or Absent
        Effect (positive favours combined treatment) and sampling variance on the scale of the
        analysis; absent where it is not pooled.
    causes : tuple of str
        The changed rows and cells behind it.
    """

    caption: ClassVar[str] = "Change of a pooled effect"

    trial_id: str
    label: str
    comparator: str
    yi_before: Number
    vi_before: Number
    yi_after: Number
    vi_after: Number
    causes: tuple[str, ...]

    @property
    def moved(self) -> str:
        """What happened to the effect, in a few words."""
        before, after = self.yi_before, self.yi_after
        if not is_present(before):
            return f"{self.label} new, effect {after:.3f}"
        if not is_present(after):
            return f"{self.label} no longer pooled, effect was {before:.3f}"
        if before == after:
            return f"{self.label} {before:.3f} with another variance, size or group"
        return f"{self.label} {before:.3f} -> {after:.3f}"

    def __str__(self) -> str:
        return f"{self.moved}, because of {_listed(self.causes)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class AnalysisChange(Result):
    """One analysis whose numbers changed.

    Attributes
    ----------
    claim, analysis, title, role : str
        Which analysis; `role` is ``decisive`` or ``context``.
    before, after : dict
        The quantities of its record in ``verdicts.json`` that differ, in either release; empty
        where a release has no such analysis.
    effects : tuple of EffectChange
        The pooled effects behind it.
    causes : tuple of str
        What else is behind it: changed rules, or changes of rows that are not pooled.
    """

    caption: ClassVar[str] = "Change of an analysis"

    claim: str
    analysis: str
    title: str
    role: str
    before: dict[str, Any]
    after: dict[str, Any]
    effects: tuple[EffectChange, ...]
    causes: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the quantities that differ."""
        return tuple(dict.fromkeys([*self.before, *self.after]))

    @property
    def flipped(self) -> bool:
        """Whether the label of the analysis changed."""
        return "verdict" in self.fields

    def __str__(self) -> str:
        place = f"{self.claim}, {self.title}"
        if not (self.before and self.after):
            return f"{place}: {'analysis removed' if self.before else 'new analysis'}"
        parts = [_pair(name, self.before, self.after) for name in self.fields if name in _SAID]
        rest = [name for name in self.fields if name not in _SAID]
        if rest:
            parts.append(
                f"{', '.join(rest)} changed too" if parts else f"{', '.join(rest)} changed"
            )
        return f"{place}: {'; '.join(parts)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class VerdictChange(Result):
    """A claim whose verdict flipped, and what is behind it.

    Attributes
    ----------
    claim, text : str
        Id and sentence of the claim.
    before, after : str or Absent
        Its verdicts; absent where a release does not have the claim.
    causes : tuple of str
        The effects that changed in the analyses that the verdict rests on, or the changed rules.
    """

    caption: ClassVar[str] = "Flipped verdict"

    claim: str
    text: str
    before: str | Absent
    after: str | Absent
    causes: tuple[str, ...]

    def __str__(self) -> str:
        flip = f"{_words(self.before)} -> {_words(self.after)}"
        return f"{self.claim}: {flip}, because of {_listed(self.causes)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class ReleaseComparison(Result):
    """Everything that differs between two data releases.

    Attributes
    ----------
    old, new : str
        Versions of the two data packages.
    tables : tuple of TableChange
        Rows and cells, of the tables that differ.
    files : tuple of str
        Rule files that differ (``claims.yaml``, ``selection.yaml``, ...).
    verdicts : tuple of VerdictChange
        Only claims whose verdict flipped.
    analyses : tuple of AnalysisChange
        Only analyses whose numbers changed.
    judged : int
        Claims that were judged anew, because a change might concern them.
    """

    caption: ClassVar[str] = "Comparison of two data releases"

    old: str
    new: str
    tables: tuple[TableChange, ...]
    files: tuple[str, ...]
    verdicts: tuple[VerdictChange, ...]
    analyses: tuple[AnalysisChange, ...]
    judged: int

    def __bool__(self) -> bool:
        return bool(self.tables or self.files or self.old != self.new)

    @property
    def effects(self) -> tuple[EffectChange, ...]:
        """The pooled effects that changed, each once though several analyses use it."""
        unique = {effect.to_json(): effect for a in self.analyses for effect in a.effects}
        return tuple(unique.values())

    def __str__(self) -> str:
        name = f"Release {self.old} -> {self.new}"
        if not self:
            return f"{name}: nothing changed."
        names = [*(table.table for table in self.tables), *self.files] or ["only the version"]
        verb = "differs" if len(names) == 1 else "differ"
        return (
            f"{name}: {', '.join(names)} {verb}; {_count(self.effects, 'pooled effect')}, "
            f"{_count(self.analyses, 'analysis', 'analyses')} and "
            f"{_count(self.verdicts, 'verdict')} changed."
        )

    @property
    def report(self) -> str:
        """All changes, one a line: tables, flipped verdicts, analyses with their effects."""
        lines = [str(self), *(f"  {table}" for table in self.tables)]
        lines += [f"  {name}: changed" for name in self.files]
        if self.verdicts:
            lines += ["", "Verdicts that flipped", *(f"  {verdict}" for verdict in self.verdicts)]
        if self.analyses:
            lines += ["", "Analyses whose numbers changed"]
        for analysis in self.analyses:
            lines += [f"  {analysis}", *(f"    {effect}" for effect in analysis.effects)]
            lines += [f"    because of {cause}" for cause in analysis.causes]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a changed effect of a changed analysis, with labels and estimates.

        An analysis that changed by its rules alone has one row without an effect.
        """
        names = ("trial_id", "comparator", "yi_before", "yi_after", "causes")
        rows: list[dict[str, Any]] = []
        for analysis in self.analyses:
            about: dict[str, Any] = {"claim": analysis.claim, "analysis": analysis.analysis}
            for side in ("before", "after"):
                record = getattr(analysis, side)
                about[f"label_{side}"] = record.get("verdict", "")
                about[f"estimate_{side}"] = record.get("estimate", Absent("unchanged or absent"))
            none = {name: "" for name in names} | {"causes": analysis.causes}
            rows += [
                {**about, **(none if effect is None else {n: getattr(effect, n) for n in names})}
                for effect in (analysis.effects or (None,))
            ]
        columns = ("label_before", "estimate_before", "label_after", "estimate_after")
        return pd.DataFrame(rows, columns=["claim", "analysis", *columns, *names])


#: Quantities that the line of an analysis shows; further ones are in its record.
_SAID = ("verdict", "k", "n", "estimate", "ci_lb", "ci_ub", "moderator_pval")


def _pair(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    old, new = (_words(side[name]) if name in side else "absent" for side in (before, after))
    return f"{'' if name == 'verdict' else name + ' '}{old} -> {new}"


def _words(value: object) -> str:
    if isinstance(value, Absent):
        return value.reason
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("_", " ")


def _listed(causes: Sequence[str]) -> str:
    more = f"; and {len(causes) - _LISTED} more" if len(causes) > _LISTED else ""
    return "; ".join(causes[:_LISTED]) + more


def _count(items: Sequence[object], one: str, many: str = "") -> str:
    return f"{len(items)} {one if len(items) == 1 else many or one + 's'}"
