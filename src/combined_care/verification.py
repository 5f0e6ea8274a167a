"""Whether a document of verdicts is the committed one: labels, counts, numbers in tolerance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from combined_care.errors import DataError
from combined_care.results import Absent, Result

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

MISSING = Absent("missing")

#: Relative and absolute tolerance. Optimisers and linear algebra differ between machines in far
#: smaller amounts, and no report shows a fifth digit. A p value magnifies the error of its test
#: statistic (far out in the tail about by its square), hence its own tolerance.
TOLERANCE = (1e-4, 1e-5)
P_TOLERANCE = (1e-3, 1e-7)

#: Sentences that only repeat numbers compared one by one.
_REPEATED = frozenset({"text"})


@dataclass(frozen=True, eq=False, kw_only=True)
class Difference(Result):
    """One place where the computed document is not the committed one.

    Attributes
    ----------
    claim, analysis : str
        Where; `claim` is empty for the document as a whole, `analysis` for the claim as a whole.
    field : str
        The quantity; parts of a nested one are joined by dots.
    committed, computed : str, float or Absent
        What stands in either document.
    """

    caption: ClassVar[str] = "Difference from the committed verdicts"

    claim: str
    analysis: str
    field: str
    committed: str | float | Absent
    computed: str | float | Absent

    def __str__(self) -> str:
        place = ", ".join(filter(None, (self.claim or "document", self.analysis)))
        committed, computed = _words(self.committed), _words(self.computed)
        return f"{place}: {self.field} committed {committed}, computed {computed}"


def read_verdicts(path: Path) -> dict[str, Any]:
    """Read a file of verdicts such as ``reports/verdicts.json``.

    Raises
    ------
    DataError
        If it is not JSON, or has no list of claims.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{path} is not JSON: {error}"
        raise DataError(message) from None
    if not isinstance(document, dict) or not isinstance(document.get("claims"), list):
        message = f"{path} is no document of verdicts: expected an object with a list 'claims'"
        raise DataError(message)
    return document


def verify(document: Mapping[str, Any], committed: Mapping[str, Any]) -> tuple[Difference, ...]:
    """List every difference between a computed document of verdicts and the committed one.

    Parameters
    ----------
    document : mapping
        Computed now, of plain JSON types.
    committed : mapping
        As :func:`read_verdicts` gives it.

    Returns
    -------
    tuple of Difference
        In the order of the committed document; empty when nothing differs. Words, labels, counts
        and lists of trials must be equal. Other numbers may differ by a relative 1e-4 or an
        absolute 1e-5, p values by a relative 1e-3 or an absolute 1e-7. A claim, analysis or
        quantity that only one of the documents has is a difference. The sentences of reasons are
        not compared: the numbers in them are.

    Examples
    --------
    >>> claim = {"id": "a", "verdict": "supported", "estimates": [{"analysis": "x", "k": 5}]}
    >>> other = {**claim, "estimates": [{"analysis": "x", "k": 4}]}
    >>> print(*verify({"claims": [other]}, {"claims": [claim]}))
    a, x: k committed 5, computed 4
    """
    found: dict[tuple[str, str, str], Difference] = {}
    for difference in _document(document, committed):
        key = (difference.claim, difference.analysis, difference.field)
        found.setdefault(key, difference)  # a reason repeats numbers of its analysis
    return tuple(found.values())


def _document(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Difference]:
    yield from _fields("", "", _without(old, {"claims"}), _without(new, {"claims"}))
    claims = [_by_id(document["claims"], ("id",)) for document in (old, new)]
    for name, before, after in _pairs(*claims):
        if before is None or after is None:
            yield _only_one(name, "", "claim", before)
        else:
            yield from _claim(name, before, after)


def _claim(claim: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    parts = {"estimates": ("analysis",), "reasons": ("code", "analysis", "group")}
    yield from _fields(claim, "", _without(old, parts), _without(new, parts))
    for part, keys in parts.items():
        records = [_by_id(record.get(part, ()), keys) for record in (old, new)]
        for name, before, after in _pairs(*records):
            known = before or after or {}
            analysis = str(known.get("analysis", ""))
            if before is None or after is None:
                what = "analysis" if part == "estimates" else f"reason {name}"
                yield _only_one(claim, analysis, what, before)
            else:
                repeated = _REPEATED if part == "reasons" else ()
                kept = _without(before, repeated), _without(after, repeated)
                yield from _fields(claim, analysis, *kept)


def _fields(
    claim: str, analysis: str, old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> Iterator[Difference]:
    """Compare two records field by field, and what is nested in them."""
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        field = f"{prefix}{name}"
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _fields(claim, analysis, before, after, f"{field}.")
        elif not _same(name, before, after):
            shown = _shown(before, after)
            yield Difference(
                claim=claim, analysis=analysis, field=field, committed=shown[0], computed=shown[1]
            )


def _same(name: str, before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, float):
        relative, absolute = P_TOLERANCE if name.endswith("pval") else TOLERANCE
        return math.isclose(before, after, rel_tol=relative, abs_tol=absolute)
    if _is_list(before) and _is_list(after):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(_same(name, a, b) for a, b in pairs)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return set(before) == set(after) and all(_same(k, before[k], after[k]) for k in before)
    return bool(before == after)


def _shown(before: Any, after: Any) -> tuple[str | float | Absent, str | float | Absent]:
    """Bring two unequal values to words; of two lists only what one of them has alone."""
    if not (_is_list(before) and _is_list(after)):
        return _plain(before), _plain(after)
    sides = [[str(item) for item in side] for side in (before, after)]
    alone = [[x for x in sides[i] if x not in sides[1 - i]] for i in (0, 1)]
    if not any(alone):
        return "the same items", "in another order or number"
    first, second = (f"alone has {', '.join(items)}" if items else "no more" for items in alone)
    return first, second


def _plain(value: Any) -> str | float | Absent:
    if isinstance(value, Mapping):
        return f"a record of {', '.join(value)}"
    return value if isinstance(value, (float, int, str, Absent)) else json.dumps(value)


def _words(value: str | float | Absent) -> str:
    return value.reason if isinstance(value, Absent) else str(value)


def _only_one(claim: str, analysis: str, what: str, before: object) -> Difference:
    """Say that only one document has a claim, an analysis or a reason."""
    sides: tuple[str | Absent, str | Absent] = ("present", MISSING)
    if before is None:
        sides = (MISSING, "present")
    return Difference(
        claim=claim, analysis=analysis, field=what, committed=sides[0], computed=sides[1]
    )


def _without(record: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _by_id(records: Sequence[Mapping[str, Any]], keys: tuple[str, ...]) -> dict[str, Any]:
    names = [" ".join(str(r[key]) for key in keys if r.get(key)) for r in records]
    return dict(zip(names, records, strict=True))


def _pairs(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
    for name in dict.fromkeys([*old, *new]):
        yield name, old.get(name), new.get(name)
