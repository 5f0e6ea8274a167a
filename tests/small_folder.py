"""A small data folder of text files, valid as it stands, that a test then spoils in one place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from combined_care import schema
from combined_care.importer import csv_text

if TYPE_CHECKING:
    from combined_care.problems import Problem, ValidationReport

DATA = Path(__file__).parents[1] / "data"
PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
COLUMNS = {
    resource["name"]: [field["name"] for field in resource["schema"]["fields"]]
    for resource in PACKAGE["resources"]
}

_TRIAL = {
    "year": "2001", "diagnosis": "panic", "population": "adult", "severity": "unclear",
    "chronic": "unclear", "treatment_resistant": "no", "design": "concurrent",
    "medication_management": "flexible", "placebo_controlled": "no",
}  # fmt: skip
_OUTCOME = {
    "experimental": "combined", "comparator": "pharmacotherapy", "outcome": "severity",
    "higher_is_better": "0", "phase": "acute", "analysis_set": "itt", "derived": "0",
    "source_url": "https://example.org/1", "source_kind": "trial_table",
}  # fmt: skip
MEANS = {"tier": "A", "mean_e": "8.0", "sd_e": "4.0", "n_e": "20", "mean_c": "10.5",
         "sd_c": "4.5", "n_c": "21"}  # fmt: skip
EVENTS = {"tier": "A", "outcome": "response", "higher_is_better": "1", "events_e": "12",
          "n_e": "20", "events_c": "9", "n_c": "21"}  # fmt: skip
EFFECT = {"tier": "B", "effect": "-0.50", "ci_low": "-0.90", "ci_high": "-0.10",
          "effect_measure": "smd", "favours_experimental_when": "lower"}  # fmt: skip
PERCENT = {"tier": "C", "outcome": "response", "higher_is_better": "1", "pct_e": "60",
           "pct_c": "40"}  # fmt: skip

ROWS: dict[str, list[dict[str, str]]] = {
    "trials": [
        {"trial_id": "alder2001", "label": "Alder 2001", "country": "Norway"} | _TRIAL,
        {"trial_id": "birch2003", "label": "Birch 2003", "notes": "first line\nsecond line"}
        | _TRIAL,
        {"trial_id": "cedar2005", "label": "Cedar 2005"} | _TRIAL,
    ],
    "outcomes": [
        {"row_id": "alder2001-01", "trial_id": "alder2001"} | _OUTCOME | MEANS,
        {"row_id": "birch2003-01", "trial_id": "birch2003"} | _OUTCOME | EVENTS,
        {"row_id": "birch2003-02", "trial_id": "birch2003"} | _OUTCOME | EFFECT,
        {"row_id": "cedar2005-01", "trial_id": "cedar2005"} | _OUTCOME | PERCENT,
    ],
    "published": [
        {"review_label": "Elm 2010", "year": "2010", "diagnosis": "panic", "population": "adult",
         "contrast": "combined vs pharmacotherapy", "outcome": "response", "k": "5",
         "effect_measure": "rr", "effect": "1.20", "ci_low": "1.00", "ci_high": "1.44",
         "source_url": "https://example.org/2"},
    ],
    "double_extraction": [
        {"row_id": "alder2001-01", "cell": "n_e", "first": "20", "second": "20", "agree": "1"},
    ],
    "annotations": [
        {"trial_id": "cedar2005", "notice": "Republished.", "source": "https://example.org/3"},
    ],
    "row_annotations": [
        {"row_id": "birch2003-02", "same_as_row": "birch2003-01", "rating": "self",
         "add_flag": "factorial margin", "source": "table 2"},
    ],
    "country_names": [{"given": "Norway", "country": "Norway"}],
}  # fmt: skip


class SmallFolder:
    """The folder, and short words to spoil and check it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copy(DATA / "datapackage.json", path)
        for name, rows in ROWS.items():
            self.write(name, rows)

    def write(self, table: str, rows: list[dict[str, str]]) -> None:
        filled = [{name: row.get(name, "") for name in COLUMNS[table]} for row in rows]
        text = csv_text(pd.DataFrame(filled, columns=COLUMNS[table], dtype=str))
        (self.path / f"{table}.csv").write_bytes(text.encode("utf-8"))

    def change(self, table: str, row: int, **cells: str) -> SmallFolder:
        """Put other values in one row, counted from 0."""
        rows = [dict(entry) for entry in ROWS[table]]
        rows[row].update(cells)
        self.write(table, rows)
        return self

    def add(self, table: str, *rows: dict[str, str]) -> SmallFolder:
        self.write(table, [*ROWS[table], *rows])
        return self

    def bytes(self, table: str) -> bytes:
        return (self.path / f"{table}.csv").read_bytes()

    def put_bytes(self, table: str, content: bytes) -> SmallFolder:
        (self.path / f"{table}.csv").write_bytes(content)
        return self

    def validate(self) -> ValidationReport:
        return schema.validate(self.path)

    def problems(self) -> tuple[Problem, ...]:
        return self.validate().problems

    def only_problem(self) -> Problem:
        """Return the one problem; fail if there are more or fewer."""
        (problem,) = self.problems()
        return problem
