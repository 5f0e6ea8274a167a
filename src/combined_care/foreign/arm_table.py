"""Read a table with one row an arm: the caller says what its columns are and which arms to compare.

The statement is a mapping, or a YAML file with the same keys::

    columns:                 # our name -> the file's column
      study: Study
      arm: Group
      n: N
      mean: Mean
      sd: SD
      outcome: Outcome       # optional: instrument, rating, weeks, phase, analysis_set, year, ...
    experimental: [CBT + SSRI]
    comparator: [SSRI, Placebo]
    higher_is_better: {PDSS: 0}

``experimental`` and ``comparator`` list words of the column ``arm``, or of the column ``role``
where the map has one. Which arm is which is never guessed. Every experimental arm is compared with
every comparator arm of the same study, outcome, instrument, rater, time and analysis set;
contrasts that share an arm carry the flag ``shared arm``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care.errors import InputError, known
from combined_care.foreign.assembly import Findings, assembled
from combined_care.foreign.delimited import (
    TypedColumns,
    known_text,
    read_delimited,
    require_columns,
)
from combined_care.foreign.directions import Directions, directed
from combined_care.foreign.result_groups import ResultGroup, first_whole
from combined_care.foreign.statements import read_yaml_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from combined_care.foreign.delimited import DelimitedTable
    from combined_care.foreign.foreign_table import ForeignData

_NUMBERS = ("n", "mean", "sd", "events", "baseline_mean", "baseline_sd", "weeks")
_WHOLE = ("n", "events")
#: What arms of one contrast have in common.
_SAME = ("study", "outcome", "instrument", "rating", "weeks", "phase", "analysis_set")
_TRIAL = ("year", "doi", "diagnosis", "population", "country", "setting", "notes")
#: Our names that a map of columns may have.
NAMES = tuple(dict.fromkeys(("study", "arm", "role", *_NUMBERS, *_SAME, "outcome_detail", *_TRIAL)))
_KEYS = ("columns", "experimental", "comparator", "higher_is_better")


_SIDES = (("e", "experimental"), ("c", "comparator"))


def _named(name: str, side: str) -> str:
    """Name a number of one arm in reasons, e.g. ``sd of the comparator arm``."""
    return f"{name} of the {side} arm"


def _group(*names: str) -> ResultGroup:
    columns = {f"{name}_{arm}": _named(name, side) for arm, side in _SIDES for name in names}
    return ResultGroup(columns=columns, fixed={"tier": "A"})


_GROUPS = (_group("mean", "sd", "n"), _group("events", "n"))


@dataclass(frozen=True, kw_only=True)
class ArmMap:
    """What the columns of a table of arms are, and which arms are compared.

    Attributes
    ----------
    columns : mapping of str to str
        Our name -> the file's column.
    experimental, comparator : frozenset of str
        Words of the column ``arm`` (or ``role``), compared without case.
    directions : Directions
        Which side is good, by instrument or outcome.
    """

    columns: Mapping[str, str]
    experimental: frozenset[str]
    comparator: frozenset[str]
    directions: Directions

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> ArmMap:
        """Check what a caller says; :class:`InputError` names everything that is missing."""
        known("key in the map of a table of arms", said, _KEYS)
        columns = said.get("columns")
        if not isinstance(columns, Mapping):
            message = "the map of a table of arms needs columns: our name -> the file's column"
            raise InputError(message)
        known("name in columns", columns, NAMES)
        lacking = [name for name in ("study", "arm", "n") if name not in columns]
        if not ({"mean", "sd"} <= set(columns) or "events" in columns):
            lacking.append("mean and sd, or events")
        lacking += [key for key in ("experimental", "comparator") if not said.get(key)]
        if lacking:
            message = f"the map of a table of arms lacks {', '.join(lacking)}"
            raise InputError(message)
        return cls(
            columns={str(ours): str(theirs) for ours, theirs in columns.items()},
            experimental=_words(said["experimental"]),
            comparator=_words(said["comparator"]),
            directions=Directions.of(said.get("higher_is_better")),
        )


def _words(said: object) -> frozenset[str]:
    several = said if isinstance(said, (list, tuple, set, frozenset)) else [said]
    return frozenset(str(word).strip().casefold() for word in several)


def read_arm_table(path: str | Path, columns: Mapping[str, Any] | str | Path) -> ForeignData:
    """Read a table with one row an arm, and pair the arms of each study into contrasts.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; separator, decimal marks and words for "not reported" are found in it.
    columns : mapping, str or pathlib.Path
        The statement that :mod:`combined_care.foreign.arm_table` describes, or a YAML file of it.

    Returns
    -------
    ForeignData
        One row a contrast; ``lines`` names both arms (experimental first). An arm that is in no
        contrast stands in ``unused`` with the reason.

    Raises
    ------
    DataError
        If the file cannot be read or lacks a column that the map names.
    InputError
        If the map is incomplete or has an unknown name; the nearest valid one is given.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''Study,Group,N,Mean,SD
    ... Alder 2001,CBT + SSRI,25,8.5,4.2
    ... Alder 2001,SSRI,24,10.8,4.5
    ... Alder 2001,Waiting list,20,13.5,4.0
    ... '''
    >>> said = {"columns": {"study": "Study", "arm": "Group", "n": "N", "mean": "Mean", "sd": "SD"},
    ...         "experimental": "CBT + SSRI", "comparator": "SSRI", "higher_is_better": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "arms.csv"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     found = read_arm_table(file, said)
    >>> print(found)
    arms.csv (arms): 3 rows give 1 usable contrast of 1 trial; 1 row not used
    >>> print(*found.unused["reason"])
    arm 'Waiting list' is neither experimental nor comparator
    """
    said = ArmMap.of(read_yaml_map(columns) if isinstance(columns, (str, Path)) else columns)
    table = read_delimited(path)
    require_columns(table, said.columns.values(), "a table with this map of columns")
    return assembled(table, _Reading(table, said).findings(), "arms")


@dataclass(frozen=True, kw_only=True)
class _Arm:
    """One row of the file."""

    line: int
    words: Mapping[str, str]
    numbers: Mapping[str, float]
    wrong: Mapping[str, str]
    own: Mapping[str, str]


class _Reading:
    """One pass over one file."""

    def __init__(self, table: DelimitedTable, said: ArmMap) -> None:
        self.said = said
        self.file = table.path.name
        self.typed = TypedColumns.of(
            table,
            [said.columns[name] for name in _NUMBERS if name in said.columns],
            [said.columns[name] for name in _WHOLE if name in said.columns],
        )
        self.arms = [self._arm(table, index) for index in range(len(table.cells))]

    def _arm(self, table: DelimitedTable, index: int) -> _Arm:
        cells = {str(name): str(cell) for name, cell in table.cells.iloc[index].items()}
        columns = self.said.columns
        values, wrong = self.typed.values(index), self.typed.wrong(index)
        mapped = set(columns.values())
        return _Arm(
            line=int(table.lines[index]),
            words={ours: known_text(cells[theirs]) for ours, theirs in columns.items()},
            numbers={ours: values[columns[ours]] for ours in _NUMBERS if ours in columns},
            wrong={ours: wrong[columns[ours]] for ours in _NUMBERS if columns.get(ours) in wrong},
            own={name: known_text(cell) for name, cell in cells.items() if name not in mapped},
        )

    def findings(self) -> Findings:
        found = Findings(problems=self.typed.problems())
        reasons: dict[int, list[str]] = defaultdict(list)
        used: Counter[int] = Counter()
        for arms in self._results():
            for one, other in self._pairs(arms, reasons):
                if self._contrast(one, other, found, reasons):
                    used.update((one.line, other.line))
        for contrast in found.contrasts:
            if any(used[int(line)] > 1 for line in str(contrast["lines"]).split(", ")):
                contrast["flags"] = "shared arm"
        for arm in self.arms:
            if arm.line not in used:
                why = "; ".join(dict.fromkeys(reasons[arm.line])) or "no arm to compare it with"
                found.unused.append((arm.line, arm.words["study"], why))
        return found

    def _results(self) -> Iterator[list[_Arm]]:
        """Yield the arms that belong together."""
        groups: dict[tuple[str, ...], list[_Arm]] = defaultdict(list)
        for arm in self.arms:
            groups[tuple(arm.words.get(name, "") for name in _SAME)].append(arm)
        yield from groups.values()

    def _pairs(
        self, arms: list[_Arm], reasons: dict[int, list[str]]
    ) -> Iterator[tuple[_Arm, _Arm]]:
        """Pair the experimental arms with the comparators; say why an arm is neither."""
        column = "role" if "role" in self.said.columns else "arm"
        sides: dict[str, list[_Arm]] = {"e": [], "c": []}
        names = [arm.words["arm"].casefold() for arm in arms]
        for arm in arms:
            word = arm.words[column]
            here = [s for s, words in self._sides() if word.casefold() in words]
            if not arm.words["study"]:
                reasons[arm.line].append("the study is empty")
            elif names.count(arm.words["arm"].casefold()) > 1:
                reasons[arm.line].append(
                    f"the arm {arm.words['arm']!r} stands twice for one result"
                )
            elif not here:
                reasons[arm.line].append(
                    f"{column} {word!r} is neither experimental nor comparator"
                )
            for side in here if arm.line not in reasons else ():
                sides[side].append(arm)
        pairs = product(sides["e"], sides["c"])
        yield from ((one, other) for one, other in pairs if one.line != other.line)

    def _sides(self) -> tuple[tuple[str, frozenset[str]], ...]:
        return ("e", self.said.experimental), ("c", self.said.comparator)

    def _contrast(
        self, one: _Arm, other: _Arm, found: Findings, reasons: dict[int, list[str]]
    ) -> bool:
        """Add a contrast, or say at both arms why there is none."""
        arms = {"experimental": one, "comparator": other}
        values = {_named(n, s): x for s, arm in arms.items() for n, x in arm.numbers.items()}
        wrong = {
            _named(n, s): f"line {arm.line}: {text}"
            for s, arm in arms.items()
            for n, text in arm.wrong.items()
        }
        result, why = first_whole(_GROUPS, values, wrong)
        if not result:
            for arm in (one, other):
                reasons[arm.line] += why
            return False
        words = one.words
        better = self.said.directions.answer(words.get("instrument", ""), words.get("outcome", ""))
        baseline = {
            f"{name}_{letter}": arms[side].numbers.get(name, np.nan)
            for letter, side in _SIDES
            for name in ("baseline_mean", "baseline_sd")
        }
        found.contrasts.append(
            {**self._described(one, other), **baseline, **result, **directed(result, better)}
        )
        found.own.append(one.own)
        return True

    def _described(self, one: _Arm, other: _Arm) -> dict[str, float | str]:
        words = one.words
        named = {name: words.get(name, "") for name in (*_SAME, "outcome_detail", *_TRIAL)}
        weeks = one.numbers.get("weeks", float("nan"))
        arms = {"experimental": one, "comparator": other, "treatment_e": one, "treatment_c": other}
        return {
            **{name: text for name, text in named.items() if name not in {"study", "weeks"}},
            **{name: arm.words["arm"] for name, arm in arms.items()},
            "label": words["study"],
            "lines": f"{one.line}, {other.line}",
            "source_note": f"lines {one.line} and {other.line} of {self.file}",
            "weeks": weeks,
            "derived": 0.0,
            "analysis_set": named["analysis_set"] or "unclear",
        }
