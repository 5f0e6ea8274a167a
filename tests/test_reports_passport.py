"""The method passport: complete for readers, whole for programs, harmless in a page."""

from __future__ import annotations

import json

import pytest

from combined_care.claims import load_claims
from combined_care.evidence import load_evidence
from combined_care.reports.passport import Passport, settings_in_words
from combined_care.reports.settings import Change, WhatIf


@pytest.fixture(scope="module")
def settings():
    return settings_in_words(load_claims()["panic-combined"].rules, load_evidence())


def passport(settings, **changes):
    given = {
        "title": "A claim", "notebook": "claim.ipynb", "release": "2026.11", "data": "d" * 64,
        "trials": 12, "rows": 1234, "inputs": "e" * 64, "licence": ("CC", "https://cc.example"),
        "settings": settings, "versions": {"numpy": "2.0"},
    }  # fmt: skip
    return Passport(**{**given, **changes})


def test_readers_find_data_model_settings_and_versions(settings):
    said = dict(passport(settings).entries())
    assert said["Rows of this page"] == "1,234 outcome rows of 12 trials"
    assert "REML" in said["Model"]
    assert "knha, level 0.95" in said["Test and interval"]
    assert "0.24" in said["Smallest effect of interest"]
    assert said["Libraries"] == "numpy 2.0"
    assert said["Digest of these rows"] == "d" * 64
    assert all(value for value in said.values())


def test_programs_find_the_same_in_the_words_of_schema_org(settings):
    document = json.loads(passport(settings).json_ld())
    assert document["@context"] == "https://schema.org"
    assert document["@type"] == "Report"
    data, program = document["isBasedOn"]
    assert (data["@type"], data["version"], data["license"]) == (
        "Dataset", "2026.11", "https://cc.example"
    )  # fmt: skip
    assert program["softwareRequirements"] == ["numpy 2.0"]
    assert {p["name"]: p["value"] for p in document["additionalProperty"]} == settings


def test_no_text_can_leave_the_script_element(settings):
    title = "</script><script>alert(1)</script><!-- & \u2028"
    text = passport(settings, title=title).json_ld()
    assert not set("<>&") & set(text)
    assert json.loads(text)["name"] == title


def test_a_what_if_passport_says_what_was_changed(settings):
    what_if = WhatIf("panic", (Change("level", "level of the intervals", "0.95", "0.9"),))
    found = passport(settings, what_if=what_if)
    assert found.entries()[0] == (
        "Not pre-specified",
        "level of the intervals (level): 0.9 instead of 0.95",
    )
    document = json.loads(found.json_ld())
    assert document["creativeWorkStatus"] == "What if, not pre-specified"
    assert document["additionalProperty"][-1]["value"] == "0.9"
