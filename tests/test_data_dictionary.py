"""The page names every column and word of the data package, and is the one in ``docs``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from combined_care.data_dictionary import dictionary_page

ROOT = Path(__file__).parents[1]
PACKAGE = json.loads((ROOT / "data" / "datapackage.json").read_text(encoding="utf-8"))
PAGE = dictionary_page(ROOT / "data")


def test_the_page_in_docs_is_what_the_data_package_gives():
    message = "docs/data-dictionary.md is out of date: run `make readme`"
    assert (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == PAGE, message


@pytest.mark.parametrize("resource", PACKAGE["resources"], ids=lambda resource: resource["name"])
def test_every_column_has_its_line_and_every_word_its_meaning(resource):
    _, _, rest = PAGE.partition(f"## {resource['path']}\n")
    part = rest.partition("\n## ")[0]
    for field in resource["schema"]["fields"]:
        assert f"\n| `{field['name']}` | " in part
        for word, what in field.get("meanings", {}).items():
            assert f"\n- `{word}`: {what}" in part


def test_values_are_told_with_their_bounds(tmp_path):
    field = {
        "name": "n", "type": "integer", "description": "Size | of an arm.",
        "constraints": {"minimum": 2, "required": True},
    }  # fmt: skip
    table = {"name": "t", "path": "t.csv", "description": "One row is a trial."}
    schema = {"fields": [field], "primaryKey": ["n"]}
    package = {"title": "Small", "version": "1", "resources": [{**table, "schema": schema}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    page = dictionary_page(tmp_path)
    assert "| `n` | Size \\| of an arm. | whole number, at least 2, required |" in page
    assert "One row is a trial. Key: `n`." in page
