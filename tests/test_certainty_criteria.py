"""The thresholds of certainty as data."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from combined_care.certainty_criteria import load_criteria
from combined_care.errors import DataError
from combined_care.evidence import load_evidence

FILE = Path(__file__).parents[1] / "data" / "certainty.yaml"


def test_the_projects_file_is_read_with_sources_and_own_choices():
    criteria = load_criteria()
    assert criteria.risk_of_bias.low_items == 3
    assert criteria.small_study_effects.min_trials == 10
    for section in ("risk_of_bias", "inconsistency", "indirectness", "imprecision",
                    "small_study_effects", "moderators"):  # fmt: skip
        found = getattr(criteria, section)
        assert "doi" in found.source
        assert found.own_choice


def test_its_words_are_those_of_the_data():
    criteria, evidence = load_criteria().indirectness, load_evidence()
    assert set(criteria.comparators) <= set(evidence.vocabulary["comparator"])
    used = {flag for cell in evidence.outcomes["flags"].astype(str) for flag in cell.split("; ")}
    assert set(criteria.flags) <= used


def test_nothing_is_called_publication_bias():
    assert "publication bias" not in FILE.read_text(encoding="utf-8").lower()


def test_all_problems_are_listed_at_once(tmp_path):
    given = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    given["risk_of_bias"] |= {"low_items": 2.5, "most": 1, "colour": "red"}
    given["imprecision"]["power"] = 80
    given["indirectness"]["flags"] = "one"
    given["inconsistency"]["source"] = " "
    del given["moderators"], given["small_study_effects"]["alpha"]
    given["extra"] = {}
    file = tmp_path / "certainty.yaml"
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_criteria(file)
    message = str(error.value)
    for part in ("9 problem(s)", "low_items must be a whole number", "most must lie between",
                 "colour is unknown", "power must lie between", "flags must be a list",
                 "source must say something", "moderators: missing", "alpha is missing",
                 "unknown part 'extra'"):  # fmt: skip
        assert part in message


def test_a_file_that_is_no_mapping_is_refused(tmp_path):
    file = tmp_path / "certainty.yaml"
    file.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected a mapping"):
        load_criteria(file)
