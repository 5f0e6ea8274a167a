"""Judgements of persons as data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from combined_care.certainty_overrides import load_overrides
from combined_care.claims import load_claims
from combined_care.errors import DataError

FILE = Path(__file__).parents[1] / "data" / "certainty_overrides.yaml"
CLAIMS = {name: [a.id for a in c.analyses] for name, c in load_claims().items()}
GOOD = {
    "claim": "panic-combined", "analysis": "pharmacotherapy", "domain": "indirectness",
    "judged": -1, "name": "A. Example", "date": "2026-01-31", "reason": "Low doses.",
}  # fmt: skip


def load(tmp_path, *entries):
    file = tmp_path / "certainty_overrides.yaml"
    file.write_text(yaml.safe_dump({"overrides": list(entries)}), encoding="utf-8")
    return load_overrides(file, CLAIMS)


def test_the_projects_file_can_be_read():
    load_overrides(None, CLAIMS)


def test_the_example_in_its_comments_would_be_accepted(tmp_path):
    lines = FILE.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("#   - claim"))
    example = "\n".join(line[1:] for line in lines[start : start + 7])
    (entry,) = yaml.safe_load(example)
    (found,) = load(tmp_path, entry)
    assert (found.claim, found.judged, found.date) == ("panic-combined", -1, "2026-01-31")


def test_a_judgement_is_read_whether_or_not_its_date_is_quoted(tmp_path):
    file = tmp_path / "certainty_overrides.yaml"
    text = yaml.safe_dump({"overrides": [GOOD]})
    file.write_text(text, encoding="utf-8")
    quoted = load_overrides(file, CLAIMS)
    file.write_text(re.sub("'(2026-01-31)'", r"\1", text), encoding="utf-8")
    assert load_overrides(file, CLAIMS) == quoted


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"claim": "panik"}, "unknown claim 'panik'"),
        ({"analysis": "x"}, "claim panic-combined has no analysis 'x'; it has pharmacotherapy"),
        ({"domain": "luck"}, "unknown domain 'luck'; known are risk of bias"),
        ({"judged": -3}, "judged must be 0, -1 or -2, got -3"),
        ({"judged": True}, "judged must be 0, -1 or -2, got True"),
        ({"name": " "}, "name is missing"),
        ({"reason": ""}, "reason is missing"),
        ({"date": None}, "date is missing"),
        ({"date": "31.1.2026"}, "date must be a day as YYYY-MM-DD, got '31.1.2026'"),
        ({"date": "2026-02-30"}, "date must be a day"),
        ({"date": 20260131}, "date must be a day"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, problem):
    with pytest.raises(DataError) as error:
        load(tmp_path, GOOD | change)
    assert "1 problem(s)" in str(error.value)
    assert problem in str(error.value)


def test_all_problems_of_all_entries_are_listed_at_once(tmp_path):
    with pytest.raises(DataError) as error:
        load(tmp_path, GOOD | {"claim": "x", "name": ""}, "text", {})
    message = str(error.value)
    assert "10 problem(s)" in message
    for part in ("override 1: unknown claim", "override 1: name", "override 2: expected a mapping",
                 "override 3: claim is missing"):  # fmt: skip
        assert part in message


def test_one_domain_is_judged_once(tmp_path):
    with pytest.raises(DataError, match="override 2: judges the same domain as override 1"):
        load(tmp_path, GOOD, GOOD | {"judged": 0})
    assert len(load(tmp_path, GOOD, GOOD | {"domain": "imprecision"})) == 2


def test_a_file_without_the_list_is_refused(tmp_path):
    file = tmp_path / "certainty_overrides.yaml"
    file.write_text("schema_version: 1\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected a list `overrides`"):
        load_overrides(file, CLAIMS)
