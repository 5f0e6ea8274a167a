"""What validation finds: one record a problem, and the report that lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd

from combined_care.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity = Literal["error", "warning"]

_SHOWN = 60


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem(Result):
    """One thing wrong, or doubtful, in the data.

    Attributes
    ----------
    file : str
        Name of the file in the data folder.
    line : int or None
        Line in that file, the header being line 1; None when the whole file is meant. A row whose
        quoted text runs over several lines is named by its first line.
    column : str
        Name of the column; empty when the whole row or file is meant.
    value : str
        What stands there.
    expected : str
        What was expected instead.
    severity : {"error", "warning"}
        An error keeps the data from being used; a warning asks a person to look.

    Examples
    --------
    >>> print(Problem(file="outcomes.csv", line=14, column="sd_e", value="0", expected="above 0"))
    outcomes.csv:14: error: sd_e is '0', expected above 0
    """

    caption: ClassVar[str] = "Problem in the data"

    file: str
    line: int | None
    column: str
    value: str
    expected: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.column} is " if self.column else "found "
        short = self.value if len(self.value) <= _SHOWN else self.value[:_SHOWN] + "…"
        shown = f"'{short}'" if short else "empty"
        return f"{place}: {self.severity}: {subject}{shown}, expected {self.expected}"


@dataclass(frozen=True, eq=False, kw_only=True)
class ValidationReport(Result):
    """Every problem of a data folder, in the order of files and lines.

    Attributes
    ----------
    problems : tuple of Problem
        Errors and warnings.
    counts : mapping of str to int
        Rows read, by table.
    """

    caption: ClassVar[str] = "Problems in the data"

    problems: tuple[Problem, ...]
    counts: Mapping[str, int]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that keep the data from being used."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that ask a person to look."""
        return tuple(p for p in self.problems if p.severity == "warning")

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return not self.errors

    def __str__(self) -> str:
        rows = ", ".join(f"{count} {name} rows" for name, count in self.counts.items())
        errors, warnings = len(self.errors), len(self.warnings)
        asked = f"{warnings} warning{'' if warnings == 1 else 's'}"
        if errors == 0:
            return f"ok: {rows}; {asked}"
        found = f"{errors} error{'' if errors == 1 else 's'} and {asked}"
        return f"not usable: {found} in {rows or 'no table that could be read'}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a problem: file, line, column, value, expected, severity."""
        columns = ("file", "line", "column", "value", "expected", "severity")
        rows = [tuple(getattr(p, name) for name in columns) for p in self.problems]
        frame = pd.DataFrame(rows, columns=list(columns))
        return frame.astype({"line": "Int64"})
